"""The run itself: which stream is next, and every hook in its order.

`Drive.parts` is one Python generator that all the ways of driving share. It yields each batch after the hooks
have had it, and None when nothing is ready yet; closing it ends the run. Stored streams come one after the other,
live ones beside them.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from .clock import Clock
from .errors import FormatError, SourceError
from .feeds import NOT_READY, Feed, Inline, LiveFeed, ReadAhead, events
from .pacing import paced
from .pipeline import Options, Output, Pipeline
from .receiver import Receiver
from .report import RunReport, StreamReport
from .sources.base import Format, Source
from .stream import Gap, Ledger
from .window import WindowBatch

__all__ = ["Drive", "Settings"]

Parts = Generator[WindowBatch | None, None, None]
_READ_AHEAD_BLOCKS = 2
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


@dataclass(slots=True)
class _Run:
    """One stream in progress."""

    id: str
    source: Source
    report: StreamReport = field(default_factory=StreamReport)
    feed: Feed | None = None
    pipeline: Pipeline | None = None
    current: WindowBatch | None = None

    def ledger(self) -> Ledger:
        return self.pipeline.ledger(self.current) if self.pipeline else Ledger()


class Drive:
    """One run over many sources.

    Args:
        entries: ``(stream id, source or the error that it is)``; pulled lazily.
        receiver: Gets the hooks.
        options: What is delivered.
        settings: How to run.
        clock: The time.

    Attributes:
        report: Grows as streams begin and end.
        wakeup: Set when something may be ready; `on_wakeup` is called then, too.
        ended: Set after `on_end`.
        over: How many streams are over.
        failed: How many of them failed.
        part_size: The most windows in a part; may be changed while the run rests.
        turn: How many more items may be taken before the run rests.
    """

    def __init__(
        self,
        entries: Iterator[tuple[str, Source | SourceError]],
        receiver: Receiver,
        options: Options,
        settings: Settings,
        clock: Clock,
    ) -> None:
        self.report = RunReport()
        self.wakeup = threading.Event()
        self.on_wakeup: Callable[[], object] | None = None
        self.ended = threading.Event()
        self.part_size = settings.batch_size
        self.turn: float = math.inf
        self.over = self.failed = 0
        self._receiver = receiver
        self._options = options
        self._settings = settings
        self._clock = clock
        self._books = threading.Lock()  # ledgers are read from other threads
        self._entries: Inline | ReadAhead | None = None
        self._more = (entry for entry in entries)
        self._live: list[_Run] = []
        self._stored: _Run | None = None
        self._stop: str | None = None

    # -- from any thread

    def stop(self, *, drain: bool = False) -> None:
        """Ask the run to end; without `drain`, no window, gap or metadata hook follows."""
        if self._stop != "halt":
            self._stop = "drain" if drain else "halt"
        self._wake()

    def ledgers(self) -> dict[str, Ledger]:
        """Stream id to ledger, now; finished streams included."""
        with self._books:
            ledgers = {id: report.ledger for id, report in self.report.streams.items()}
            ledgers.update((run.id, run.ledger()) for run in self._runs)
        return ledgers

    def halted(self) -> bool:
        """Whether no more windows are wanted."""
        return self._stop == "halt"

    def wait(self, deadline: float) -> bool:
        """Wait until something may be ready, and let as much be taken as is ready then; False: nothing came."""
        if not self.waiting() and not self.wakeup.wait(max(0.0, deadline - self._clock.now())):
            return False
        self.turn = self.waiting()
        return True

    def waiting(self) -> int:
        """How many items the reading threads have ready."""
        return sum(run.feed.waiting() for run in self._runs if run.feed)

    def _wake(self) -> None:
        self.wakeup.set()
        if self.on_wakeup:
            self.on_wakeup()

    # -- the loop

    def parts(self) -> Parts:
        """Run to the end, yielding each batch when the hooks have had it, and None when nothing is ready."""
        try:
            self._receiver.on_start()
            self._begin()
            yield from self._schedule()
            yield from self._drain()
        except GeneratorExit:  # the driver left its loop: a hook's failure is news to it
            self._close()
            raise
        except BaseException as error:
            self._close(error)
            raise
        self._close()

    def _begin(self) -> None:
        self._entries = (
            ReadAhead(self._more, "sources", self._wake, 1) if self._settings.threads else Inline(self._more)
        )

    def _schedule(self) -> Parts:
        while self._stop is None:
            self.wakeup.clear()
            busy = False
            for run in list(self._live):
                for _ in range(_LIVE_TURN):
                    if self._stop or not (yield from self._advance(run)):
                        break
                    busy = True
            if self._stored is not None:
                busy = (yield from self._advance(self._stored)) or busy
            elif self._entries is not None:
                busy = self._open_next() or busy
            elif not self._live:
                return
            if not busy:
                yield None

    def _open_next(self) -> bool:
        """Begin the next source; False if it is not known yet."""
        assert self._entries is not None
        try:
            entry = self._entries.take()
        except StopIteration:
            self._entries.close()
            self._entries = None
            return True
        if entry is NOT_READY:
            return False
        id, source = entry
        run = _Run(self._unique(id), source)
        with self._books:
            self.report.streams[run.id] = run.report
        if isinstance(source, SourceError):
            self._fail(run, source)
            return True
        source.dtype = self._options.working_dtype
        if source.live:
            run.feed = self._live_feed(run)
            self._live.append(run)
        else:
            run.feed = self._stored_feed(run)
            self._stored = run
        return True

    def _unique(self, id: str) -> str:
        unique, n = id, 1
        while unique in self.report.streams:
            n += 1
            unique = f"{id}~{n}"
        return unique

    def _prepare(self, run: _Run, opened: Format) -> Pipeline:
        source = run.source
        try:
            return Pipeline(self._options, opened, id=run.id, uri=source.name, live=source.live)
        except IndexError as error:
            raise FormatError(str(error), uri=source.name) from error

    def _live_feed(self, run: _Run) -> LiveFeed:
        return LiveFeed(
            run.source,
            partial(self._prepare, run),
            run.id,
            self._wake,
            seconds=self._settings.live_seconds,
            overflow=self._settings.overflow,
            clock=self._clock,
        )

    def _stored_feed(self, run: _Run) -> Feed:
        items = events(run.source, partial(self._prepare, run), halted=lambda: self._stop is not None)
        if self._settings.realtime:
            items = paced(items, self._clock, halted=lambda: self._stop is not None)
        if self._settings.threads or self._settings.realtime:
            return ReadAhead(items, run.id, self._wake, _READ_AHEAD_BLOCKS, run.source.interrupt)
        return Inline(items)

    # -- one stream

    def _advance(self, run: _Run) -> Generator[WindowBatch | None, None, bool]:
        """Handle a stream's next item; False if there is none yet."""
        assert run.feed is not None
        if self.turn <= 0:
            return False
        self.turn -= 1
        try:
            item = run.feed.take()
        except StopIteration:
            yield from self._finish(run)
        except SourceError as error:
            yield from self._finish(run, error)
        else:
            if item is NOT_READY:
                return False
            yield from self._guarded(run, self._accept(run, *item))
        return True

    def _accept(self, run: _Run, event: Any, arrived: Any) -> Parts:
        if isinstance(event, Pipeline):
            run.pipeline = event
            run.report.stream = event.stream
            if isinstance(run.feed, Inline) and run.source.read_ahead:
                run.feed = run.feed.read_ahead(run.id, self._wake, _READ_AHEAD_BLOCKS)
            self._receiver.on_stream_start(event.stream)
            return
        assert run.pipeline is not None
        with self._books:
            outputs = run.pipeline.push(event, arrived)
        yield from self._hand_over(run, outputs)

    def _hand_over(self, run: _Run, outputs: list[Output]) -> Parts:
        assert run.pipeline is not None
        for output in outputs:
            if isinstance(output, WindowBatch):
                yield from self._parts_of(run, run.pipeline, output)
            elif self.halted():
                return
            elif isinstance(output, Gap):
                self._receiver.on_gap(run.pipeline.stream, output)
            else:
                self._receiver.on_metadata(run.pipeline.stream, output.mapping)

    def _parts_of(self, run: _Run, pipeline: Pipeline, batch: WindowBatch) -> Parts:
        first = 0
        while first < len(batch) and not self.halted():
            part = batch.part(first, min(self.part_size, len(batch) - first))
            first += len(part)
            run.current = part
            try:
                self._receiver._deliver(part, self.halted)
                yield part
            finally:
                with self._books:
                    pipeline.settle(part)
                    run.current = None

    def _guarded(self, run: _Run, steps: Parts) -> Parts:
        """Let what fails in a stream end that stream only, if so asked."""
        try:
            yield from steps
        except Exception as error:
            self._fail(run, error, of_hook=True)

    def _finish(self, run: _Run, error: SourceError | None = None) -> Parts:
        """The source is through, or broke: deliver what is left, then end the stream."""
        if run.pipeline is not None:
            with self._books:
                outputs = run.pipeline.end()
            if error is not None:
                error.position = run.pipeline.position
            yield from self._guarded(run, self._hand_over(run, outputs))
        if run.report.error is not None:
            return  # a hook failed on the way
        if error is None:
            self._end(run)
        else:
            self._fail(run, error)

    def _fail(self, run: _Run, error: Exception, *, of_hook: bool = False) -> None:
        run.report.error = error
        if isinstance(error, SourceError) and error.stream_id is None:
            error.stream_id = run.id
        skip = self._settings.errors == "skip"
        try:
            if skip or not of_hook:
                self._receiver.on_stream_error(run.report.stream, error)
        finally:
            self._end(run)
        if not skip:
            raise error

    def _end(self, run: _Run) -> None:
        """Close the stream and call its end hook, once."""
        if run.feed is not None:
            run.feed.close()
            self._account_for_rest(run)
        with self._books:
            run.report.ledger = run.ledger()
            self._live = [other for other in self._live if other is not run]
            self._stored = None if self._stored is run else self._stored
        self.over += 1
        self.failed += run.report.error is not None
        if run.report.stream is None:
            return
        try:
            run.report.result = self._receiver.on_stream_end(run.report.stream, run.report.ledger)
        except Exception as error:
            run.report.error = run.report.error or error
            if self._settings.errors != "skip":
                raise

    def _account_for_rest(self, run: _Run) -> None:
        """What a live source gave and nobody took was captured, too."""
        if run.pipeline is None or not run.source.live or run.feed is None:
            return
        try:
            while (item := run.feed.take()) is not NOT_READY:
                with self._books:
                    run.pipeline.push(*item)
        except (StopIteration, SourceError):
            return

    # -- the end

    @property
    def _runs(self) -> list[_Run]:
        return [*self._live, self._stored] if self._stored else list(self._live)

    def _drain(self) -> Parts:
        """After `stop(drain=True)`: deliver what was captured, tails included."""
        for run in self._runs if self._stop == "drain" else []:
            assert run.feed is not None
            run.feed.close()
            while run in self._runs and isinstance(run.feed, (ReadAhead, LiveFeed)):
                if not (yield from self._advance(run)):
                    break
            if run in self._runs:
                yield from self._finish(run)

    def _close(self, failure: BaseException | None = None) -> None:
        """End every stream that is still open, then the run; the first failure is raised after the last hook."""
        calls: list[Callable[[], None]] = [partial(self._end, run) for run in self._runs]
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
        try:
            self._receiver.on_end(self.report)
        finally:
            self.ended.set()
            self._wake()
