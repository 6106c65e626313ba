"""`Generator`: sources in, windows out, driven the way that suits the caller."""

from __future__ import annotations

import inspect
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from .arguments import check_options, check_settings
from .clock import Clock
from .drive import Drive, Settings
from .entries import entries_of
from .progress import Progress, progress_bar
from .receiver import Receiver, as_receiver
from .report import RunReport
from .stream import Ledger
from .streaming import Parts
from .tracking import Tracker
from .window import Window, WindowBatch

__all__ = ["Generator", "windows"]

_CLOSE_SECONDS = 30.0  # more than any source takes to let go


class Generator:
    """Delivers windows of audio from sources to a receiver.

    Drive it in one of five ways: `run`; `start` and `join`; `poll`; ``for``; ``async for``. All give the same windows.

    Args:
        sources: A URI, path, glob, directory, `Source`, `Array`, binary file object or bytes; an iterable of these,
            pulled lazily; or a mapping ``{stream id: source}``.
        receiver: A `Receiver`, a function of a window, or a list of these. Optional for loops.
        window_length: W: an int is frames, a string carries its unit (``"960ms"``, ``"2s"``, ``"400 frames"``).
        hop_length: H: from one window's start to the next one's. Default W; more than W skips audio.
        overlap: Instead of `hop_length`: the fraction of W that windows share, 0 <= overlap < 1.
        tail: What becomes of frames left over at an end: ``"pad"``, ``"crop"``, ``"drop"`` or ``"shift"``.
        min_tail: A tail shorter than this fraction of W is dropped.
        fill_value: Stands in padding and fills, on the float scale.
        sample_rate: Delivered rate in Hz; None keeps each stream's own.
        channels: None (all), ``"mono"`` (their average), or 0-based indices.
        dtype: ``"float32"``, ``"float64"`` or ``"int16"``.
        resample_quality: soxr's ``"QQ"``, ``"LQ"``, ``"MQ"``, ``"HQ"`` or ``"VHQ"``.
        offset: Where to begin in each stored stream (as `window_length`; frames at the delivered rate).
        duration: How much to take of each stream.
        gaps: ``"split"`` (no window spans a gap) or ``"fill"`` (lost audio is replaced by `fill_value`).
        max_fill: Longer gaps are split all the same.
        errors: ``"raise"`` (the first failing stream ends the run) or ``"skip"`` (it is recorded in the report).
        batch_size: The most windows in an `on_windows` batch.
        pace: ``"realtime"`` plays stored sources at their own speed.
        live_buffer: How much of a live source may wait for a slow receiver.
        overflow: What happens then: ``"drop-oldest"`` (counted, and reported as a gap) or ``"raise"``.
        progress: True for a bar on a terminal, or a function of a `Progress`.

    Raises:
        TypeError: An argument of the wrong kind, such as a length without a unit.
        ValueError: A value out of range, or arguments that exclude each other.
    """

    def __init__(
        self,
        sources: Any,
        receiver: Receiver | Callable[[Window], object] | list[Any] | None = None,
        *,
        window_length: int | str,
        hop_length: int | str | None = None,
        overlap: float | None = None,
        tail: str = "pad",
        min_tail: float = 0.0,
        fill_value: float = 0.0,
        sample_rate: int | None = None,
        channels: str | list[int] | tuple[int, ...] | None = None,
        dtype: str = "float32",
        resample_quality: str = "HQ",
        offset: int | str | None = None,
        duration: int | str | None = None,
        gaps: str = "split",
        max_fill: int | str = "10s",
        errors: str = "raise",
        batch_size: int = 64,
        pace: str | None = None,
        live_buffer: str = "10s",
        overflow: str = "drop-oldest",
        progress: bool | Callable[[Progress], None] | None = None,
    ) -> None:
        self._options = check_options(
            window_length=window_length,
            hop_length=hop_length,
            overlap=overlap,
            tail=tail,
            min_tail=min_tail,
            fill_value=fill_value,
            sample_rate=sample_rate,
            channels=channels,
            dtype=dtype,
            resample_quality=resample_quality,
            offset=offset,
            duration=duration,
            gaps=gaps,
            max_fill=max_fill,
        )
        self._settings = check_settings(
            errors=errors, batch_size=batch_size, pace=pace, live_buffer=live_buffer, overflow=overflow
        )
        self._entries = entries_of(sources, offset=self._options.offset)
        self._has_receiver = receiver is not None
        self._receiver = Receiver() if receiver is None else as_receiver(receiver)
        if progress is not None and not isinstance(progress, bool) and not callable(progress):
            raise TypeError(f"progress={progress!r}: write True for a bar, or a function of a Progress")
        self._progress = progress_bar if progress is True else (lambda: progress) if progress else None
        self._clock = Clock()
        self._drive: Drive | None = None
        self._parts: Parts | None = None
        self._driver: int | None = None  # the thread that drives
        self._polled = self._stopped = False
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    # -- what is known

    @property
    def report(self) -> RunReport:
        """The report so far; complete when `done`."""
        return self._drive.report if self._drive else RunReport()

    @property
    def ledgers(self) -> dict[str, Ledger]:
        """Stream id to ledger, as of now."""
        return self._drive.ledgers() if self._drive else {}

    @property
    def done(self) -> bool:
        """Whether the run is over, end hooks included."""
        return self._drive is not None and self._drive.ended.is_set()

    # -- ways to drive

    def run(self) -> RunReport:
        """Run to the end in this thread.

        Returns:
            The report.

        Raises:
            SourceError: What ended the run, after the end hooks; with ``errors="skip"`` it is in the report instead.
            KeyboardInterrupt: Ctrl-C, after the end hooks; `report` stays.
            RuntimeError: This Generator has been driven already.
        """
        drive = self._begin()
        self._run(drive)
        return drive.report

    def start(self) -> None:
        """Run in a background thread; see `join` and `stop`."""
        drive = self._begin()
        self._driver = None  # until the thread is there
        self._thread = threading.Thread(target=self._main, args=(drive,), name="audiostreamer generator", daemon=True)
        self._thread.start()

    def join(self, timeout: float | None = None) -> RunReport | None:
        """Wait for a run that was started.

        Returns:
            The report; None if `timeout` (seconds) passed first.

        Raises:
            SourceError: As `run`.
            RuntimeError: `start` was not called.
        """
        if self._thread is None:
            raise RuntimeError("join() waits for start(); call that first")
        self._thread.join(timeout)
        if self._thread.is_alive():
            return None
        if self._error is not None:
            raise self._error
        return self.report

    def stop(self, timeout: float = 2.0, drain: bool = False) -> bool:
        """End the run, from any thread or hook.

        No window, gap or metadata hook follows, then the end hooks run; with `drain`, what was captured is delivered
        first, tails included. In a hook, or in the body of a loop over this Generator, it only asks for the end.
        Before a run, it makes that run end as soon as it has begun.

        Returns:
            Whether the run was over within `timeout` seconds.
        """
        drive = self._drive
        if drive is None:
            self._stopped = True
            return True
        drive.control.stop(drain=drain)
        if self._driver == threading.get_ident():
            if self._polled and self._parts is not None and not _running(self._parts):
                self._exhaust(self._parts)
        elif self._thread is not None:
            drive.interrupt()
            self._thread.join(timeout)
        else:
            drive.interrupt()
            drive.ended.wait(timeout)
        return drive.ended.is_set()

    def poll(self, timeout: float = 0.0, limit: int | None = None) -> int:
        """Deliver what is ready; call it regularly, from one thread. Opening and reading happen in others.

        Args:
            timeout: Seconds to wait for a first window.
            limit: The most windows to deliver.

        Returns:
            How many windows were delivered. 0 means nothing yet: look at `done`.

        Raises:
            SourceError: As `run`.
        """
        if not self._polled or self._parts is None:
            self._parts = self._begin(threads=True).parts()
            self._tracker = self._track()
            self._polled = True
        drive, count = self._drive, 0
        assert drive is not None
        self._driver = threading.get_ident()
        drive.control.turn = drive.waiting()
        deadline = self._clock.now() + timeout
        try:
            while not drive.ended.is_set() and (limit is None or count < limit):
                most = self._settings["batch_size"]
                drive.control.part_size = most if limit is None else min(most, limit - count)
                part = next(self._parts, None)
                if part is not None:
                    count += part.delivered
                    self._tracker.update(part)
                elif count or not drive.wait(deadline):
                    break
        finally:
            if drive.ended.is_set():
                self._tracker.end()
        return count

    def __iter__(self) -> Iterator[Window]:
        drive, parts = self._begin_loop()
        try:
            for part in parts:
                if part is None:
                    drive.control.wakeup.wait()
                else:
                    yield from self._one_by_one(part)
        finally:
            parts.close()
            self._tracker.end()

    async def __aiter__(self) -> AsyncIterator[Window]:
        import asyncio  # half of this package's import time, for those who use it

        loop, ready = asyncio.get_running_loop(), asyncio.Event()
        drive, parts = self._begin_loop(threads=True)
        drive.control.on_wakeup = lambda: loop.call_soon_threadsafe(ready.set)
        try:
            for part in parts:
                if part is None:
                    await ready.wait()
                    ready.clear()
                    continue
                for window in self._one_by_one(part):
                    yield window
                await asyncio.sleep(0)
        finally:
            drive.control.on_wakeup = None
            parts.close()
            self._tracker.end()

    def __enter__(self) -> Generator:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop, and release sources and threads. Does nothing if the run is over, or never began."""
        if self._drive is None or self._drive.ended.is_set():
            return
        self._drive.control.stop(drain=False)
        if self._driver == threading.get_ident() and self._parts is not None and not _running(self._parts):
            self._parts.close()
            self._tracker.end()
        else:  # only the thread that drives may run the end hooks
            self.stop(timeout=_CLOSE_SECONDS)

    # -- inside

    def _begin(self, *, threads: bool = False) -> Drive:
        if self._drive is not None:
            raise RuntimeError("a Generator is driven once, in one way: make another one")
        settings = Settings(**self._settings, threads=threads)
        self._drive = Drive(self._entries, self._receiver, self._options, settings, self._clock)
        self._driver = threading.get_ident()
        if self._stopped:
            self._drive.control.stop(drain=False)
        return self._drive

    def _begin_loop(self, *, threads: bool = False) -> tuple[Drive, Parts]:
        drive = self._begin(threads=threads)
        if self._has_receiver:
            drive.control.part_size = 1  # its hook runs, then the loop has that window
        self._tracker = self._track()
        self._parts = drive.parts()
        return drive, self._parts

    def _exhaust(self, parts: Parts) -> None:
        for part in parts:
            if part is not None:
                self._tracker.update(part)
        self._tracker.end()

    def _one_by_one(self, part: WindowBatch) -> Iterator[Window]:
        """A part's windows, counted as the loop takes them."""
        assert self._drive is not None
        for part.delivered, window in enumerate(part, 1):  # noqa: B020
            yield window
            if self._drive.control.halted():
                break
        self._tracker.update(part)

    def _track(self) -> Tracker:
        assert self._drive is not None
        return Tracker(self._progress() if self._progress else None, self._drive, self._clock)

    def _run(self, drive: Drive) -> None:
        self._tracker = self._track()
        parts = drive.parts()
        try:
            for part in parts:
                if part is None:
                    drive.control.wakeup.wait()
                else:
                    self._tracker.update(part)
        finally:
            parts.close()  # after Ctrl-C outside of the generator
            self._tracker.end()

    def _main(self, drive: Drive) -> None:
        self._driver = threading.get_ident()
        try:
            self._run(drive)
        except BaseException as error:
            self._error = error


def _running(parts: Parts) -> bool:
    return inspect.getgeneratorstate(parts) == inspect.GEN_RUNNING


def windows(sources: Any, *, window_length: int | str, **options: Any) -> Generator:
    """A Generator for loops: ``for window in windows("clips/", window_length="1s")``.

    Takes what `Generator` takes, but for the receiver.
    """
    return Generator(sources, window_length=window_length, **options)
