"""Draining a live source: whatever the driver does, its audio is taken, stamped, and kept for a while.

Where the driver is too slow for too long, the oldest audio is lost: counted, and in its place in the stream.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

from .clock import Clock
from .errors import OverrunError
from .feeds import JOIN_SECONDS, NOT_READY, Item, Prepare, ThreadFeed, events, owned
from .pipeline import Pipeline
from .sources.base import Block, Format, Lost, Metadata, Source

__all__ = ["LiveFeed"]


class LiveFeed(ThreadFeed):
    """Drains a live source, whatever the driver does, and stamps each block's arrival.

    Args:
        source: Read and closed by the thread.
        prepare: Makes the stream's Pipeline.
        name: For the thread.
        wake: Called when something is ready.
        seconds: How much audio may wait.
        overflow: ``"drop-oldest"`` or ``"raise"``.
        clock: Says when a block arrived.
    """

    def __init__(
        self,
        source: Source,
        prepare: Prepare,
        name: str,
        wake: Callable[[], None],
        *,
        seconds: float,
        overflow: str,
        clock: Clock,
    ) -> None:
        super().__init__(name, wake)
        self._source = source
        self._prepare = prepare
        self._seconds = seconds
        self._overflow = overflow
        self._clock = clock
        self._waiting = 0  # frames in the queue
        self._blocks = 0
        self._most = 0
        self._thread.start()

    def take(self) -> Any:
        """The next item, or `NOT_READY`."""
        with self._changed:
            item = super().take()
            if item is not NOT_READY and isinstance(item[0], Block):
                self._waiting -= len(item[0].samples)
                self._blocks -= 1
            return item

    def _read(self) -> None:
        with closing(events(self._source, self._prepare, halted=lambda: self._closed)) as items:
            for event, _ in items:
                arrived = self._clock.utc() if isinstance(event, Block) else None
                if isinstance(event, (Pipeline, Format)):
                    rate = event.stream.source_sample_rate if isinstance(event, Pipeline) else event.sample_rate
                    self._most = int(self._seconds * rate)
                self._put(owned((event, arrived)))
                self._wake()

    def _put(self, item: Item) -> None:
        with self._changed:
            if isinstance(item[0], Metadata) and self._queue and isinstance(self._queue[-1][0], Metadata):
                self._queue.pop()  # nothing was heard in between
            self._queue.append(item)
            if isinstance(item[0], Block):
                self._waiting += len(item[0].samples)
                self._blocks += 1
            if not self._is_too_much():
                return
            if self._overflow == "raise":
                raise OverrunError(
                    f"the receiver was too slow: {self._seconds:g} s of audio waited; make it faster, "
                    "raise live_buffer=, or accept losses with overflow='drop-oldest'",
                    uri=self._source.name,
                )
            while self._is_too_much():
                self._drop_oldest()

    def _is_too_much(self) -> bool:
        """A single block may be longer than what may wait: nobody was too slow for that."""
        return self._waiting > self._most and self._blocks > 1

    def _drop_oldest(self) -> None:
        """Put a loss in the place of the oldest block, and join what then stands side by side."""
        before: list[Item] = []
        while not isinstance(self._queue[0][0], Block):
            before.append(self._queue.popleft())
        frames = len(self._queue.popleft()[0].samples)
        self._waiting -= frames
        self._blocks -= 1
        note = before.pop() if before and isinstance(before[-1][0], Metadata) else None
        if before and isinstance(lost := before[-1][0], Lost) and lost.reason == "overflow":
            before.pop()
            frames += lost.frames
        before.append((Lost(frames, "overflow"), None))
        if note and not (self._queue and isinstance(self._queue[0][0], Metadata)):
            before.append(note)  # the newest is kept, after the loss that it was in
        self._queue.extendleft(reversed(before))

    def close(self) -> None:
        """Stop within 2 s."""
        self._closed = True
        if self._thread.is_alive():
            self._source.interrupt()
        self._thread.join(JOIN_SECONDS)
