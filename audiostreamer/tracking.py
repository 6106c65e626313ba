"""Tells a progress function how a run goes, a few times a second."""

from __future__ import annotations

from collections.abc import Callable

from .clock import Clock
from .drive import Drive
from .progress import Progress
from .window import WindowBatch

__all__ = ["Tracker"]

_INTERVAL_SECONDS = 0.1


class Tracker:
    """Counts what is delivered, and reports it.

    Args:
        report: Called with a `Progress` from the driving thread; None: nobody wants to know.
        drive: The run.
        clock: The time.
    """

    def __init__(self, report: Callable[[Progress], None] | None, drive: Drive, clock: Clock) -> None:
        self._report = report
        self._drive = drive
        self._clock = clock
        self._began = clock.now()
        self._next = self._began
        self._windows = 0
        self._past = 0.0  # seconds of the streams before this one
        self._here = 0.0
        self._stream_id = ""
        self._ended = False

    def update(self, part: WindowBatch) -> None:
        """A part was delivered."""
        if self._report is None:
            return
        stream = part.stream
        if stream.id != self._stream_id:
            self._past += self._here
            self._stream_id = stream.id
        self._windows += part.delivered
        self._here = part.end / stream.sample_rate
        if self._clock.now() >= self._next:
            self._next = self._clock.now() + _INTERVAL_SECONDS
            claimed = None if stream.frames is None else self._past + stream.frames / stream.sample_rate
            self._tell(claimed, done=False)

    def end(self) -> None:
        """The run is over; only the first call tells."""
        if self._report is not None and not self._ended:
            self._ended = True
            self._tell(self._past + self._here, done=True)

    def _tell(self, expected: float | None, *, done: bool) -> None:
        assert self._report is not None
        self._report(
            Progress(
                streams=self._drive.over,
                failed=self._drive.failed,
                windows=self._windows,
                seconds=self._past + self._here,
                expected=expected,
                elapsed=self._clock.now() - self._began,
                stream_id="" if done else self._stream_id,
                done=done,
            )
        )
