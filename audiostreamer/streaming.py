"""One stream of a run: from its feed through its pipeline to the hooks, and its end, whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import datetime
from functools import partial
from typing import Any

from .control import Control
from .errors import AudioStreamerError, FormatError, SourceError
from .feeds import NOT_READY, Feed, Inline
from .log import logger
from .options import Options
from .pipeline import Output, Pipeline
from .receiver import Receiver
from .report import StreamReport
from .sources.base import Event, Format, Source
from .stream import Gap, Ledger
from .window import WindowBatch

__all__ = ["Parts", "Streaming"]

Parts = Generator[WindowBatch | None, None, None]


class Streaming:
    """One stream in progress; used by the driving thread.

    Args:
        id: The stream's id.
        source: Where it comes from.
        receiver: Gets the hooks.
        options: What is delivered.
        control: Of the run.
        skip: Whether a failure ends this stream only.

    Attributes:
        report: The stream's part of the report.
        feed: Set by the run before the first `advance`.
        over: Whether the stream has ended, end hook included.
    """

    def __init__(
        self, id: str, source: Source | None, receiver: Receiver, options: Options, control: Control, *, skip: bool
    ) -> None:
        self.id = id
        self.source = source
        self.report = StreamReport()
        self.feed: Feed | None = None
        self.over = False
        self._receiver = receiver
        self._options = options
        self._control = control
        self._skip = skip
        self._pipeline: Pipeline | None = None
        self._current: WindowBatch | None = None

    def prepare(self, opened: Format) -> Pipeline:
        """Make the stream's pipeline, in the thread that opened the source."""
        assert self.source is not None
        name = self.source.name
        try:
            return Pipeline(self._options, opened, id=self.id, uri=name, live=self.source.live)
        except IndexError as error:
            raise FormatError(str(error), uri=name) from error

    def ledger(self) -> Ledger:
        """What became of every frame so far."""
        return self._pipeline.ledger(self._current) if self._pipeline else Ledger()

    def advance(self) -> Generator[WindowBatch | None, None, bool]:
        """Handle the next item, yielding each part that was handed over; False if there is no item yet."""
        if self._control.turn <= 0:
            return False
        self._control.turn -= 1
        assert self.feed is not None
        try:
            item = self.feed.take()
        except StopIteration:
            yield from self.finish()
        except AudioStreamerError as error:
            # After a stop it is only how a read that was broken off ends.
            yield from self.finish(None if self._control.stopping() else error)
        else:
            if item is NOT_READY:
                return False
            yield from self._guarded(self._accept(*item))
            if self._pipeline is not None and self._pipeline.done and not self.over:
                yield from self.finish()
        return True

    def interrupt(self) -> None:
        """Break off a read or an opening that blocks, from another thread, where the source can."""
        if self.source is not None:
            self.source.interrupt()

    def finish(self, error: AudioStreamerError | None = None) -> Parts:
        """The source is through, or broke: deliver what is left, then end the stream."""
        if self._pipeline is not None:
            with self._control.books:
                outputs = self._pipeline.end()
            if isinstance(error, SourceError):
                error.position = self._pipeline.position
            yield from self._guarded(self._hand_over(self._pipeline, outputs))
        if self.over:
            return  # a hook failed on the way
        if error is None:
            self.end()
        else:
            self.fail(error)

    def fail(self, error: Exception, *, of_hook: bool = False) -> None:
        """End the stream because of an error; raise it where one failure ends the run."""
        self.report.error = error
        if isinstance(error, SourceError) and error.stream_id is None:
            error.stream_id = self.id
        tell = partial(self._receiver.on_stream_error, self.report.stream, error)
        calls: list[Callable[[], object]] = [tell, self.end] if self._skip or not of_hook else [self.end]
        for call in calls:
            try:
                call()
            except Exception:
                logger.exception("a hook failed at the end of %s, after: %s", self.id, error)
        if not self._skip:
            raise error
        logger.debug("%s failed", self.id, exc_info=error)
        _forget_frames(error)

    def end(self) -> None:
        """Close the feed and call the end hook; only the first call does something."""
        if self.over:
            return
        self.over = True
        try:
            self._release()
        except Exception:
            logger.exception("closing %s failed", self.id)
        finally:  # also when Ctrl-C ends the wait
            self._conclude()

    def _conclude(self) -> None:
        with self._control.books:
            self.report.ledger = self.ledger()
        if self.report.stream is None:
            return
        try:
            self.report.result = self._receiver.on_stream_end(self.report.stream, self.report.ledger)
        except Exception as error:
            self.report.error = self.report.error or error
            if not self._skip:
                raise

    # -- inside

    def _release(self) -> None:
        if self.feed is not None:
            self.feed.close()
            self._account_for_rest()

    def _guarded(self, steps: Parts) -> Parts:
        """What fails in a hook ends the stream."""
        try:
            yield from steps
        except Exception as error:
            self.fail(error, of_hook=True)

    def _accept(self, event: Event | Pipeline, arrived: datetime | None) -> Parts:
        if isinstance(event, Pipeline):
            self._start(event)
            return
        assert self._pipeline is not None
        with self._control.books:
            outputs = self._pipeline.push(event, arrived)
        yield from self._hand_over(self._pipeline, outputs)

    def _start(self, pipeline: Pipeline) -> None:
        assert self.source is not None
        self._pipeline = pipeline
        self.report.stream = pipeline.stream
        if isinstance(self.feed, Inline) and self.source.read_ahead:
            self.feed = self.feed.read_ahead(self.id, self._control.wake, self.source.interrupt)
        self._receiver.on_stream_start(pipeline.stream)

    def _hand_over(self, pipeline: Pipeline, outputs: list[Output]) -> Parts:
        for output in outputs:
            if isinstance(output, WindowBatch):
                yield from self._parts(pipeline, output)
            elif self._control.halted():
                return
            elif isinstance(output, Gap):
                self._receiver.on_gap(pipeline.stream, output)
            else:
                self._receiver.on_metadata(pipeline.stream, output.mapping)

    def _parts(self, pipeline: Pipeline, batch: WindowBatch) -> Parts:
        first = 0
        while first < len(batch) and not self._control.halted():
            part = batch.part(first, min(self._control.part_size, len(batch) - first))
            first += len(part)
            self._current = part
            try:
                self._receiver._deliver(part, self._control.halted)
                yield part
            finally:
                with self._control.books:
                    pipeline.settle(part)
                    self._current = None

    def _account_for_rest(self) -> None:
        """What a live source gave and nobody took was captured, too."""
        live = self.source is not None and self.source.live
        item: Any = NOT_READY
        try:
            while live and self._pipeline is not None and self.feed is not None:
                if (item := self.feed.take()) is NOT_READY:
                    return
                with self._control.books:
                    self._pipeline.push(*item)
        except (StopIteration, AudioStreamerError):
            return


def _forget_frames(error: BaseException) -> None:
    """Let go of what an error's tracebacks hold: decoders and blocks, for as long as the report lives."""
    seen: list[BaseException] = []
    rest: list[BaseException | None] = [error]
    while rest:
        one = rest.pop()
        if one is not None and all(one is not other for other in seen):
            seen.append(one)
            one.__traceback__ = None
            rest += [one.__cause__, one.__context__]
