"""Where a stream is: exact positions through losses and changes of rate, and what was captured.

A position is a rational number of seconds: captured and lost source frames over their rates. Delivered frames are
derived from it, so nothing drifts. Counting is clipped to a range, where one was asked for.
"""

from __future__ import annotations

from fractions import Fraction

from .lengths import round_half_up
from .resampling import resampled_length

__all__ = ["Timeline"]


class Timeline:
    """Positions of one stream, at the delivered rate.

    A *run* is audio at one source rate without a break. It begins at `begins`, and what the source has
    given of it so far ends at `position`.

    Args:
        rate: Delivered frames per second.
        source_rate: Of the first run.
        first: The source frame that is read first; ``first · rate / source_rate`` must be whole.
        start: First position that counts.
        stop: Position after the last that counts; None: no end.

    Attributes:
        captured: Delivered frames of finished runs and of overflow, inside the range.
        gap_frames: Length of all other losses, inside the range.
    """

    def __init__(self, rate: int, source_rate: int, first: int = 0, start: int = 0, stop: int | None = None) -> None:
        self.rate = rate
        self.start = start
        self.stop = stop
        self.gap_frames = 0
        self._finished = 0
        self._seconds = Fraction(first, source_rate)  # where the run begins, exactly
        self.begins = round_half_up(self._seconds * rate)
        self._source_rate = source_rate
        self._run = 0  # source frames in the run

    def begin_at(self, seconds: Fraction) -> None:
        """Move the beginning of a run of which nothing has been counted."""
        self._seconds = seconds
        self.begins = round_half_up(seconds * self.rate)

    def capture(self, frames: int) -> None:
        """Count frames that the source gave."""
        self._run += frames

    def next_run(self, source_rate: int) -> None:
        """Begin a new run where the last one ended: nothing was lost."""
        self._finished += self.clip(self.begins, self.position)
        self.begins = self.position
        self._seconds += Fraction(self._run, self._source_rate)
        self._source_rate = source_rate
        self._run = 0

    def lose(self, seconds: Fraction, *, overflow: bool = False) -> tuple[int, int]:
        """Count lost audio after a finished run.

        Returns:
            The positions between which it is missing, inside the range.
        """
        self._seconds += seconds
        before = self.begins
        self.begins = max(before, round_half_up(self._seconds * self.rate))
        frames = self.clip(before, self.begins)
        if overflow:
            self._finished += frames
        else:
            self.gap_frames += frames
        first = max(before, self.start)
        return first, first + frames

    @property
    def position(self) -> int:
        """Where what the source gave so far ends, whatever is still in a resampler."""
        return self.begins + resampled_length(self._run, self._source_rate, self.rate)

    @property
    def seconds(self) -> float:
        """The same in seconds, on the source's own clock."""
        return float(self._seconds + Fraction(self._run, self._source_rate))

    @property
    def captured(self) -> int:
        """Delivered frames that the source gave or that overflow lost, inside the range."""
        return self._finished + self.clip(self.begins, self.position)

    @property
    def end(self) -> int:
        """Length of the timeline so far, inside the range."""
        stop = self.position if self.stop is None else min(self.position, self.stop)
        return max(0, stop - self.start)

    def counts(self, position: int) -> bool:
        """Whether a position is inside the range."""
        return self.start <= position and (self.stop is None or position < self.stop)

    def clip(self, first: int, last: int) -> int:
        """How many of the positions ``[first, last)`` count."""
        if self.stop is not None:
            last = min(last, self.stop)
        return max(0, last - max(first, self.start))
