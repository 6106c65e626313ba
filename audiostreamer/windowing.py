"""The Windower: push blocks, fills and ends, get batches of windows.

Positions inside a *segment* (audio without a gap) count from 0: N frames have come, window k covers
``[k·H, k·H + W)``, and ``k`` is the next one to come out. Windows are views of the buffer that holds the newest
frames. A block that brings free room in front of its samples becomes that buffer itself, and only the
carry-over is copied into the room; any other block is appended to a buffer of our own. Rows of a buffer are
written once, before a view of them goes out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .stream import Gap, Stream
from .window import WindowBatch

__all__ = ["TAILS", "Windower", "Windowing"]

TAILS = ("pad", "crop", "drop", "shift")
_OWN_WINDOWS = 8  # an own buffer holds this many windows or small blocks, so that carrying over stays rare …
_OWN_FRAMES_MOST = 524_288  # … as long as that is not much memory


@dataclass(frozen=True, slots=True)
class Windowing:
    """How to cut, in frames.

    Attributes:
        length: W, at least 1.
        hop: H, at least 1; above W it skips.
        tail: What becomes of frames that are left over at an end: one of `TAILS`.
        min_tail: A tail shorter than this fraction of W is dropped, whatever the policy.
        fill_value: Stands in padding and fills, in the samples' own dtype and scale.
    """

    length: int
    hop: int
    tail: str = "pad"
    min_tail: float = 0.0
    fill_value: float = 0.0

    @property
    def headroom(self) -> int:
        """The longest carry-over: room that a block needs in front of it to be used in place."""
        return self.length


class Windower:
    """Cuts one stream. Sans-I/O: no thread, no clock, nothing is read.

    Args:
        stream: The stream that its windows belong to.
        windowing: How to cut.
        dtype: Of the samples that are pushed.
        start: Position of the first frame on the stream's timeline.

    Attributes:
        index: Of the next window.
        epoch: Live: capture time of position 0, stamped on the windows that follow.
        pushed: Real frames pushed so far.
        emitted: Real frames in at least one window.
        skipped: Real frames between windows.
        dropped_tail: Real frames left over at an end.
    """

    def __init__(self, stream: Stream, windowing: Windowing, dtype: str = "float32", start: int = 0) -> None:
        self.stream = stream
        self.index = 0
        self.epoch: datetime | None = None
        self.pushed = self.emitted = self.skipped = self.dropped_tail = 0
        self._spec = windowing
        self._dtype = np.dtype(dtype)
        self._begin(start, None)

    def _begin(self, start: int, gap: Gap | None) -> None:
        self._start = start  # of the segment, on the timeline
        self._gap = gap
        self._n = 0  # frames in the segment
        self._k = 0  # next window
        self._fills: list[tuple[int, int]] = []
        self._buffer = np.empty((0, self.stream.channels), self._dtype)
        self._view = self._buffer
        self._base = 0  # segment position of the buffer's first row

    @property
    def waiting(self) -> int:
        """Real frames that are in no window yet, and may still be."""
        return self.pushed - self.emitted - self.skipped - self.dropped_tail

    def push(self, samples: NDArray[Any], buffer: NDArray[Any] | None = None) -> list[WindowBatch]:
        """Add frames.

        Args:
            samples: ``(frames, channels)``. Copied, unless `buffer` allows to use them in place.
            buffer: See `audiostreamer.sources.base.Block`; frozen when it is used.

        Returns:
            The windows that are complete now.
        """
        frames = len(samples)
        self.pushed += frames
        self.skipped += self._skips(self._n + frames) - self._skips(self._n)
        if buffer is None or not self._adopt(buffer, frames):
            self._append(samples, frames)
        return self._complete(frames)

    def fill(self, frames: int) -> list[WindowBatch]:
        """Add frames of `fill_value` in the place of lost ones; the grid goes on."""
        if not frames:
            return []
        self._fills.append((self._n, self._n + frames))
        self._append(self._spec.fill_value, frames)
        return self._complete(frames)

    def end(self) -> list[WindowBatch]:
        """End the segment: the tail policy decides about what is left over."""
        start = self._k * self._spec.hop
        uncovered = self._real(max(self._covered, start), self._n)
        if self._n <= max(self._covered, start):
            return []
        if self._spec.tail == "drop" or self._n - start < self._spec.min_tail * self._spec.length:
            self.dropped_tail += uncovered
            return []
        return [self._tail(start, uncovered)]

    def restart(self, start: int, gap: Gap | None = None) -> None:
        """Begin a new grid at a position of the timeline, after `end`; its first window carries the gap."""
        self._begin(start, gap)

    # -- the buffer

    def _keep(self) -> int:
        """How many of the newest frames are still needed."""
        first = self._k * self._spec.hop
        if self._spec.tail == "shift":
            first = min(first, self._n - self._spec.length)
        return min(self._n, max(0, self._n - first))

    def _adopt(self, buffer: NDArray[Any], frames: int) -> bool:
        """Make a block's own buffer ours; False if that would not pay."""
        keep, room = self._keep(), len(buffer) - frames
        if buffer.dtype != self._dtype or keep > room or keep > 4 * frames:
            return False
        if keep:
            carried = self._buffer[self._n - self._base - keep : self._n - self._base]
            free = buffer[room - keep : room]
            # An array in memory is handed over piece by piece: there the carry-over already is in place.
            if free.__array_interface__["data"][0] != carried.__array_interface__["data"][0]:
                if not free.flags.writeable:
                    return False  # an array in memory after a fill, say: in front of the samples there is audio
                free[...] = carried
        buffer.flags.writeable = False
        self._buffer = self._view = buffer
        self._base = self._n - room
        return True

    def _append(self, samples: NDArray[Any] | float, frames: int) -> None:
        used = self._n - self._base
        if used + frames > len(self._buffer):
            keep = self._keep()
            window = min(frames + keep, self._spec.length)
            size = keep + max(frames, window, min(_OWN_WINDOWS * window, _OWN_FRAMES_MOST))
            fresh = np.empty((size, self.stream.channels), self._dtype)
            fresh[:keep] = self._buffer[used - keep : used]
            self._view = fresh.view()
            self._view.flags.writeable = False
            self._buffer, self._base, used = fresh, self._n - keep, keep
        self._buffer[used : used + frames] = samples

    # -- windows

    @property
    def _covered(self) -> int:
        """Where the last full window ends."""
        return (self._k - 1) * self._spec.hop + self._spec.length if self._k else 0

    def _skips(self, n: int) -> int:
        """How many of a segment's first n frames lie between windows."""
        length, hop = self._spec.length, self._spec.hop
        return n // hop * (hop - length) + max(0, n % hop - length) if hop > length else 0

    def _real(self, start: int, stop: int) -> int:
        """Frames in a range that are not fills."""
        return max(0, stop - start) - self._filled(start, stop)

    def _filled(self, start: int, stop: int) -> int:
        return sum(max(0, min(b, stop) - max(a, start)) for a, b in self._fills)

    def _complete(self, frames: int) -> list[WindowBatch]:
        """The full windows that the newest frames made possible."""
        length, hop = self._spec.length, self._spec.hop
        self._n += frames
        if self._n < self._k * hop + length:
            return []
        first, self._k = self._k, (self._n - length) // hop + 1
        if not self._fills:
            return [self._batch(first, self._k - first)]
        batches = [self._batch(k, 1) for k in range(first, self._k)]
        self._fills = [(a, b) for a, b in self._fills if b > min(self._k * hop, self._n - length)]
        return batches

    def _batch(self, k: int, count: int) -> WindowBatch:
        length, hop = self._spec.length, self._spec.hop
        start, fresh = k * hop, min(length, hop)
        first_fresh = fresh if k else length
        filled = 0
        if self._fills:
            filled = self._filled(start, start + length)
            first_fresh = self._real(start + length - first_fresh, start + length)
        self.emitted += first_fresh + (count - 1) * fresh
        return self._make(self._view, start - self._base, start, length, length, count, first_fresh, filled)

    def _tail(self, start: int, fresh: int) -> WindowBatch:
        length, tail = self._spec.length, self._spec.tail
        if tail == "shift" and self._n >= length:
            begin = self._n - length
            unskipped = self._real(max(self._covered, begin), start)
            self.skipped -= unskipped
            fresh += unskipped
            view, offset, valid = self._view, begin - self._base, length
        else:
            begin, valid = start, self._n - start
            size = valid if tail == "crop" else length
            view, offset = np.full((size, self.stream.channels), self._spec.fill_value, self._dtype), 0
            view[:valid] = self._view[start - self._base : self._n - self._base]
            view.flags.writeable = False
            length = size
        self.emitted += fresh
        return self._make(view, offset, begin, length, valid, 1, fresh, self._filled(begin, begin + valid))

    def _make(
        self,
        view: NDArray[Any],
        offset: int,
        start: int,
        length: int,
        valid: int,
        count: int,
        first_fresh: int,
        filled: int,
    ) -> WindowBatch:
        batch = WindowBatch(
            self.stream,
            view,
            offset=offset,
            length=length,
            hop=self._spec.hop,
            count=count,
            index=self.index,
            start=self._start + start,
            valid=valid,
            filled=filled,
            gap=self._gap,
            epoch=self.epoch,
            first_fresh=first_fresh,
            fresh=min(length, self._spec.hop),
        )
        self.index += count
        self._gap = None
        return batch
