"""How a source's events reach the driving thread.

`events` reads a source in whatever thread iterates over it. `Inline` is that, in the driving thread itself;
`ReadAhead` puts a thread and a small bounded buffer in between. `audiostreamer.live_feed` drains live sources.
"""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Callable, Generator
from datetime import datetime
from typing import Any, Protocol

from .errors import AudioStreamerError, SourceError, os_error_kind
from .log import logger
from .pipeline import Pipeline
from .samples import SAMPLE_TYPES
from .sources.base import Block, Event, Format, Source
from .uri import redact

__all__ = [
    "JOIN_SECONDS",
    "NOT_READY",
    "READ_AHEAD_BLOCKS",
    "Feed",
    "Inline",
    "Item",
    "Prepare",
    "ReadAhead",
    "ThreadFeed",
    "events",
    "owned",
]

NOT_READY: Any = object()
Item = tuple[Event | Pipeline, datetime | None]
Prepare = Callable[[Format], Pipeline]
READ_AHEAD_BLOCKS = 2
_URL = re.compile(r"[\w+.\-]+://\S+")  # in foreign words, which may hold credentials
JOIN_SECONDS = 15.0  # more than any stored source's own time-out


def events(source: Source, prepare: Prepare, *, halted: Callable[[], bool]) -> Generator[Item, None, None]:
    """Open a source, yield the Pipeline made for it, then its events; close it, whatever happens.

    Raises:
        SourceError: From the source; anything else that it raises is chained to one.
    """
    try:
        with _mapped(source):
            pipeline = prepare(source.open())
            source.headroom = pipeline.headroom
            if pipeline.first_frame and source.seek(pipeline.first_frame):
                pipeline.sought()
        frames = source.block_frames or pipeline.block_frames
        yield pipeline, None
        while not halted():
            with _mapped(source):
                event = _checked(source.read(frames))
            if event is None:
                break
            if isinstance(event, Block):
                pipeline.source_frames += len(event.samples)
            yield event, None
    except BaseException:
        try:
            source.close()
        except Exception:  # the first failure is the one that counts
            logger.exception("closing %s failed", source.name)
        raise
    with _mapped(source):
        source.close()


class _mapped:
    """Chains whatever a source raises to a `SourceError` that names it."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, SourceError):
            error.uri = error.uri or self._source.name
        elif isinstance(error, Exception) and not isinstance(error, AudioStreamerError):
            mapped = os_error_kind(error) if isinstance(error, OSError) else SourceError
            words = _URL.sub(lambda url: redact(url[0]), str(error))
            raise mapped(f"{type(error).__name__}: {words}", uri=self._source.name) from error


def _checked(event: Event | None) -> Event | None:
    """What a source's `read` returned, if it keeps to what is asked of it."""
    if isinstance(event, Block):
        samples = event.samples
        if samples.ndim != 2 or not samples.size:
            raise SourceError(f"read() gave a Block of shape {samples.shape}; wanted: (frames, channels), not empty")
        if samples.dtype not in SAMPLE_TYPES:
            raise SourceError(f"read() gave a Block of {samples.dtype}; wanted: {', '.join(map(str, SAMPLE_TYPES))}")
    return event


class Feed(Protocol):
    """Where the driver gets a stream's items from."""

    def take(self) -> Any:
        """The next item, or `NOT_READY`. Raises StopIteration at the end, or what the source raised."""

    def waiting(self) -> int:
        """How many items a thread has ready, an end or an error included."""

    def close(self) -> None:
        """Stop reading and release everything; waits for the reading thread."""


class Inline:
    """Reads when asked, in the driving thread."""

    def __init__(self, items: Generator[Any, None, None]) -> None:
        self._items = items

    def take(self) -> Any:
        """Read the next item; never `NOT_READY`."""
        return next(self._items)

    def waiting(self) -> int:
        """Nothing waits: it is read when asked for."""
        return 0

    def read_ahead(self, name: str, wake: Callable[[], None], interrupt: Callable[[], None]) -> ReadAhead:
        """Go on in a thread."""
        return ReadAhead(self._items, name, wake, READ_AHEAD_BLOCKS, interrupt)

    def close(self) -> None:
        """Close the source."""
        self._items.close()


class ThreadFeed:
    """A named thread that fills a queue, and the driver's end of it."""

    def __init__(self, name: str, wake: Callable[[], None]) -> None:
        self._queue: deque[Any] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._error: BaseException | None = None
        self._wake = wake
        self._thread = threading.Thread(target=self._main, name=f"audiostreamer {name}", daemon=True)

    def take(self) -> Any:
        """The next item, or `NOT_READY`. Raises StopIteration at the end, or what the source raised."""
        with self._changed:
            if self._queue:
                item = self._queue.popleft()
                self._changed.notify_all()
                return item
            if self._error is None:
                return NOT_READY
            raise self._error

    def waiting(self) -> int:
        """How many items are ready, an end or an error included."""
        return len(self._queue) + (self._error is not None)

    def _main(self) -> None:
        error: BaseException = StopIteration()
        try:
            self._read()
        except BaseException as caught:
            error = caught
        with self._changed:
            self._error = error
        self._wake()

    def _read(self) -> None:
        raise NotImplementedError


class ReadAhead(ThreadFeed):
    """Iterates in a thread, at most `capacity` items ahead.

    Args:
        items: What to iterate over; closed by the thread.
        name: For the thread.
        wake: Called when something is ready.
        capacity: How many items may wait.
        interrupt: Ends a blocked read, from another thread.
        patience: Seconds to wait for the thread's end in `close`.
    """

    def __init__(
        self,
        items: Generator[Any, None, None],
        name: str,
        wake: Callable[[], None],
        capacity: int,
        interrupt: Callable[[], None] | None = None,
        *,
        patience: float = JOIN_SECONDS,
    ) -> None:
        super().__init__(name, wake)
        self._items = items
        self._capacity = capacity
        self._interrupt = interrupt
        self._patience = patience
        self._thread.start()

    def _read(self) -> None:
        try:
            for item in self._items:
                item = owned(item)
                with self._changed:
                    self._changed.wait_for(lambda: self._closed or len(self._queue) < self._capacity)
                    if self._closed:
                        return
                    self._queue.append(item)
                self._wake()
        finally:
            self._items.close()

    def close(self) -> None:
        """Stop; bounded by the source's own time-out."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._interrupt and self._thread.is_alive():
            self._interrupt()
        self._thread.join(self._patience)


def owned(item: Any) -> Any:
    """An item whose samples nobody will overwrite: a source may reuse an array that it did not give away."""
    event = item[0] if isinstance(item, tuple) else None
    if isinstance(event, Block) and event.buffer is None:
        samples = event.samples.copy()
        return Block(samples, samples), item[1]
    return item
