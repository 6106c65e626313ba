"""The run itself: which stream is next, and the hooks around all of them.

`Drive.parts` is one Python generator that all the ways of driving share. It yields each batch after the hooks
have had it, and None when nothing is ready yet; closing it ends the run. Stored streams come one after the other,
live ones beside them.
"""

from __future__ import annotations

import math
import threading
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

from .clock import Clock
from .control import Control
from .entries import Entry
from .feeds import NOT_READY, READ_AHEAD_BLOCKS, Feed, Inline, ReadAhead, events
from .live_feed import LiveFeed
from .options import Options
from .pacing import paced
from .receiver import Receiver
from .report import RunReport
from .sources.base import Source
from .stream import Ledger
from .streaming import Parts, Streaming
from .window import WindowBatch

__all__ = ["Drive", "Settings"]

_ENTRIES_PATIENCE = 1.0  # seconds; a user's iterable cannot be broken off
_LIVE_TURN = 64  # items of one live stream before the others get their turn


@dataclass(frozen=True, slots=True)
class Settings:
    """How to run, apart from what is delivered. See `audiostreamer.Generator` for the meanings.

    `threads` asks for all opening and reading to happen in threads.
    """

    errors: str = "raise"
    batch_size: int = 64
    realtime: bool = False
    live_seconds: float = 10.0
    overflow: str = "drop-oldest"
    threads: bool = False


class Drive:
    """One run over many sources.

    Args:
        entries: ``(stream id, source or the error that it is)``; pulled lazily.
        receiver: Gets the hooks.
        options: What is delivered.
        settings: How to run.
        clock: The time.

    Attributes:
        control: Stops, rests and wakes the run.
        report: Grows as streams begin and end.
        ended: Set after `on_end`.
        over: How many streams are over.
        failed: How many of them failed.
    """

    def __init__(
        self,
        entries: Iterator[Entry],
        receiver: Receiver,
        options: Options,
        settings: Settings,
        clock: Clock,
    ) -> None:
        self.control = Control(settings.batch_size)
        self.report = RunReport()
        self.ended = threading.Event()
        self.over = self.failed = 0
        self._receiver = receiver
        self._options = options
        self._settings = settings
        self._clock = clock
        self._more = (entry for entry in entries)
        self._entries: Inline | ReadAhead | None = None
        self._repeats: defaultdict[str, int] = defaultdict(lambda: 1)
        self._live: list[Streaming] = []
        self._stored: Streaming | None = None

    def ledgers(self) -> dict[str, Ledger]:
        """Stream id to ledger, now, finished streams included; from any thread."""
        with self.control.books:
            ledgers = {id: report.ledger for id, report in self.report.streams.items()}
            ledgers.update((one.id, one.ledger()) for one in self._running())
        return ledgers

    def interrupt(self) -> None:
        """Break off what blocks in a stored source; from another thread, after a stop."""
        if self._stored is not None:
            self._stored.interrupt()

    def waiting(self) -> int:
        """How many items the reading threads have ready."""
        return sum(one.feed.waiting() for one in self._running() if one.feed)

    def wait(self, deadline: float) -> bool:
        """Wait until something may be ready, and let as much be taken as is ready then; False: nothing came."""
        if not self.waiting() and not self.control.wakeup.wait(max(0.0, deadline - self._clock.now())):
            return False
        self.control.turn = self.waiting()
        return True

    def parts(self) -> Parts:
        """Run to the end, yielding each batch when the hooks have had it, and None when nothing is ready."""
        try:
            self._receiver.on_start()
            self._entries = self._entries_feed()
            yield from self._schedule()
            yield from self._drain()
        except GeneratorExit:  # the loop over it was left: a hook's failure is news to it
            self._close()
            raise
        except BaseException as error:
            self._close(error)
            raise
        self._close()

    # -- the schedule

    def _schedule(self) -> Parts:
        while True:
            self.control.wakeup.clear()
            if self.control.stopping():  # only now: a stop between this and a clear would never be noticed
                return
            busy = yield from self._turns()
            if self._stored is None and self._entries is not None:
                busy = self._open_next() or busy
            elif not busy and not self._running():
                return
            if not busy:
                yield None

    def _turns(self) -> Generator[WindowBatch | None, None, bool]:
        """A turn for each live stream with something ready, then one for the stored stream."""
        busy = False
        for one in self._running():
            turns = _LIVE_TURN if one in self._live else 1
            while turns and not one.over and not self.control.stopping() and (yield from one.advance()):
                turns -= 1
                busy = True
            self._forget(one)
        return busy

    def _running(self) -> list[Streaming]:
        return [*self._live, self._stored] if self._stored else list(self._live)

    def _forget(self, one: Streaming) -> None:
        """Take a stream that is over off the schedule."""
        if not one.over:
            return
        with self.control.books:
            self._live = [other for other in self._live if other is not one]
            self._stored = None if self._stored is one else self._stored
        self.over += 1
        self.failed += one.report.error is not None

    # -- opening

    def _entries_feed(self) -> Inline | ReadAhead:
        if self._settings.threads:
            return ReadAhead(self._more, "sources", self.control.wake, 1, patience=_ENTRIES_PATIENCE)
        return Inline(self._more)

    def _open_next(self) -> bool:
        """Begin the next source; False if it is not known yet."""
        assert self._entries is not None
        try:
            entry = self._entries.take()
        except StopIteration:
            self._entries.close()
            self._entries = None
            return True
        if entry is not NOT_READY:
            self._begin(*entry)
        return entry is not NOT_READY

    def _begin(self, id: str, source: Source | Exception) -> None:
        opened = source if isinstance(source, Source) else None
        skip = self._settings.errors == "skip"
        one = Streaming(self._unique(id), opened, self._receiver, self._options, self.control, skip=skip)
        with self.control.books:
            self.report.streams[one.id] = one.report
        if isinstance(source, Exception):
            try:
                one.fail(source)
            finally:
                self._forget(one)
            return
        source.dtype = self._options.working_dtype
        if source.live:
            one.feed = self._live_feed(one, source)
            self._live.append(one)
        else:
            one.feed = self._stored_feed(one, source)
            self._stored = one

    def _unique(self, id: str) -> str:
        unique = id
        while unique in self.report.streams:
            self._repeats[id] += 1
            unique = f"{id}~{self._repeats[id]}"
        return unique

    def _live_feed(self, one: Streaming, source: Source) -> Feed:
        return LiveFeed(
            source,
            one.prepare,
            one.id,
            self.control.wake,
            seconds=self._settings.live_seconds,
            overflow=self._settings.overflow,
            clock=self._clock,
        )

    def _stored_feed(self, one: Streaming, source: Source) -> Feed:
        items = events(source, one.prepare, halted=self.control.stopping)
        if self._settings.realtime:
            items = paced(items, self._clock, halted=self.control.stopping)
        if self._settings.threads or self._settings.realtime:
            return ReadAhead(items, one.id, self.control.wake, READ_AHEAD_BLOCKS, source.interrupt)
        return Inline(items)

    # -- the end

    def _drain(self) -> Parts:
        """After a stop that drains: deliver what was captured, tails included."""
        self.control.turn = math.inf
        for one in self._running() if not self.control.halted() else []:
            assert one.feed is not None
            one.feed.close()
            while not one.over and not isinstance(one.feed, Inline) and (yield from one.advance()):
                pass
            if not one.over:
                yield from one.finish()
            self._forget(one)

    def _close(self, failure: BaseException | None = None) -> None:
        """End every stream that is still open, then the run; the first failure is raised after the last hook."""
        calls: list[Callable[[], None]] = [one.end for one in self._running()]
        for call in [*calls, self._close_entries, self._end_run]:
            try:
                call()
            except BaseException as error:
                failure = failure or error
        if failure is not None:
            raise failure

    def _close_entries(self) -> None:
        if self._entries is not None:
            self._entries.close()

    def _end_run(self) -> None:
        for one in self._running():
            self._forget(one)
        try:
            self._receiver.on_end(self.report)
        finally:
            self.ended.set()
            self.control.wake()
