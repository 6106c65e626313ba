"""What a receiver gets: `Window`, and `WindowBatch`, many windows at once.

Both are views of frozen memory. Making a window costs about 1 µs: a slice, and an object with slots.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from .stream import Gap, Stream

__all__ = ["Window", "WindowBatch"]


class Window:
    """One window of one stream. It never changes; keep it, queue it, send it to another thread, pickle it.

    A kept window keeps the whole block that it is a view of; `copy` gives one with memory of its own.

    Attributes:
        samples: ``(frames, channels)``, read-only, in the Generator's dtype; floats are nominally in [-1, 1],
            never clipped.
        stream: Which stream.
        index: 0, 1, 2, … in this stream; goes on after a gap.
        start: Position of the first frame on the stream's timeline, in frames; a gap moves it on by the gap's length.
        valid: Frames before the padding, a prefix of `samples`.
        filled: How many of the valid frames stand for lost ones (``gaps="fill"`` only).
        gap: The latest gap since the previous window (``gaps="split"`` only), else None.
        utc: Live: estimated capture time of the first frame, never later than its arrival. Stored: None.
    """

    __slots__ = ("filled", "gap", "index", "samples", "start", "stream", "utc", "valid")

    def __init__(
        self,
        samples: NDArray[Any],
        stream: Stream,
        index: int,
        start: int,
        valid: int,
        filled: int = 0,
        gap: Gap | None = None,
        utc: datetime | None = None,
    ) -> None:
        self.samples = samples
        self.stream = stream
        self.index = index
        self.start = start
        self.valid = valid
        self.filled = filled
        self.gap = gap
        self.utc = utc

    @property
    def mono(self) -> NDArray[Any]:
        """``(frames,)``, same dtype: channels added in order, divided by their count; a view when there is one."""
        samples = self.samples
        if samples.shape[1] == 1:
            return samples[:, 0]
        total = samples[:, 0].astype(np.float64 if samples.dtype == np.float64 else np.float32)
        for channel in range(1, samples.shape[1]):
            total += samples[:, channel]
        total /= samples.shape[1]
        return np.rint(total).astype(np.int16) if samples.dtype == np.int16 else total

    @property
    def start_seconds(self) -> float:
        """`start` in seconds."""
        return self.start / self.stream.sample_rate

    @property
    def end_seconds(self) -> float:
        """Where the window ends, padding included, in seconds."""
        return (self.start + len(self.samples)) / self.stream.sample_rate

    def copy(self) -> Window:
        """The same window with its own (read-only) memory."""
        samples = self.samples.copy()
        samples.flags.writeable = False
        return Window(samples, self.stream, self.index, self.start, self.valid, self.filled, self.gap, self.utc)

    def __reduce__(self) -> tuple[Any, ...]:
        fields = (self.stream, self.index, self.start, self.valid, self.filled, self.gap, self.utc)
        return _unpickle, (self.samples, *fields)

    def __repr__(self) -> str:
        frames, channels = self.samples.shape
        return (
            f"<Window {self.index} of {self.stream.id!r}: {frames} frames x {channels} from {self.start_seconds:.3f} s>"
        )


def _unpickle(samples: NDArray[Any], *fields: Any) -> Window:
    samples.flags.writeable = False
    return Window(samples, *fields)


def _unpickle_batch(frames: NDArray[Any], stream: Stream, *fields: Any) -> WindowBatch:
    frames.flags.writeable = False
    return WindowBatch(stream, frames, *fields)


class WindowBatch:
    """Consecutive windows of one stream, of one length, with no gap between them. Iterating gives its Windows.

    Attributes:
        stream: Which stream.
        samples: ``(windows, frames, channels)``, read-only; a strided view, nothing is copied.
        delivered: How many of its windows were handed over so far; kept for the ledger.
    """

    __slots__ = (
        "_buffer", "_count", "_epoch", "_first_fresh", "_fresh", "_gap", "_hop", "_index", "_length", "_offset",
        "_start", "delivered", "filled", "stream", "valid",
    )  # fmt: skip

    def __init__(
        self,
        stream: Stream,
        buffer: NDArray[Any],
        offset: int,
        length: int,
        hop: int,
        count: int,
        index: int,
        start: int,
        valid: int,
        filled: int = 0,
        gap: Gap | None = None,
        epoch: datetime | None = None,
        first_fresh: int = 0,
        fresh: int = 0,
    ) -> None:
        self.stream = stream
        self.valid = valid
        self.filled = filled
        self.delivered = 0
        self._buffer = buffer
        self._offset = offset
        self._length = length
        self._hop = hop
        self._count = count
        self._index = index
        self._start = start
        self._gap = gap
        self._epoch = epoch
        self._first_fresh = first_fresh
        self._fresh = fresh

    def __len__(self) -> int:
        return self._count

    @property
    def samples(self) -> NDArray[Any]:
        """``(windows, frames, channels)``, read-only, a view."""
        frames = self._buffer[self._offset :]
        step, width = frames.strides
        shape = (self._count, self._length, frames.shape[1])
        return as_strided(frames, shape, (self._hop * step, step, width), writeable=False)

    @property
    def starts(self) -> NDArray[np.int64]:
        """``(windows,)``: position of each window's first frame."""
        return self._start + self._hop * np.arange(self._count, dtype=np.int64)

    @property
    def indices(self) -> NDArray[np.int64]:
        """``(windows,)``: each window's index."""
        return self._index + np.arange(self._count, dtype=np.int64)

    @property
    def valids(self) -> NDArray[np.int64]:
        """``(windows,)``: each window's frames before the padding."""
        return np.full(self._count, self.valid, dtype=np.int64)

    @property
    def end(self) -> int:
        """Position after the last window's last frame, padding included."""
        return self._start + (self._count - 1) * self._hop + self._length

    @property
    def fresh(self) -> int:
        """Real frames that the windows handed over so far (`delivered`) hold and no earlier window held."""
        return self._first_fresh + (self.delivered - 1) * self._fresh if self.delivered else 0

    @property
    def padded(self) -> int:
        """Frames of padding in the windows handed over so far."""
        return self.delivered * (self._length - self.valid)

    def __iter__(self) -> Iterator[Window]:
        buffer, stream, length, hop = self._buffer, self.stream, self._length, self._hop
        offset, start, valid, filled = self._offset, self._start, self.valid, self.filled
        gap, epoch, index = self._gap, self._epoch, self._index
        for index in range(index, index + self._count):  # noqa: B020 - a local is fastest
            utc = None if epoch is None else epoch + timedelta(seconds=start / stream.sample_rate)
            yield Window(buffer[offset : offset + length], stream, index, start, valid, filled, gap, utc)
            offset += hop
            start += hop
            gap = None

    def until(self, position: int) -> WindowBatch | None:
        """The windows that end at a position of the timeline or before it."""
        count = self._ended(position)
        return self.part(0, count) if count else None

    def since(self, position: int) -> WindowBatch | None:
        """The windows that end after a position of the timeline."""
        first = self._ended(position)
        return self.part(first, self._count - first) if first < self._count else None

    def _ended(self, position: int) -> int:
        return min(self._count, max(0, (position - self._start - self._length) // self._hop + 1))

    def part(self, first: int, count: int) -> WindowBatch:
        """Some of the windows: `count` of them from the one numbered `first` in this batch."""
        if count == self._count:
            return self
        return WindowBatch(
            self.stream,
            self._buffer,
            self._offset + first * self._hop,
            self._length,
            self._hop,
            count,
            self._index + first,
            self._start + first * self._hop,
            self.valid,
            self.filled,
            None if first else self._gap,
            self._epoch,
            self._fresh if first else self._first_fresh,
            self._fresh,
        )

    def __reduce__(self) -> tuple[Any, ...]:
        frames = self._buffer[self._offset : self._offset + (self._count - 1) * self._hop + self._length]
        cut = (0, self._length, self._hop, self._count, self._index, self._start, self.valid, self.filled)
        return _unpickle_batch, (frames, self.stream, *cut, self._gap, self._epoch, self._first_fresh, self._fresh)

    def __repr__(self) -> str:
        return f"<WindowBatch {self._index}:{self._index + self._count} of {self.stream.id!r}>"
