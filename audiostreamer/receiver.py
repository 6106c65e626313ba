"""What users write: `Receiver`, and the ways to combine several.

Every hook is called from the thread that drives the Generator, never two at a time, and with no lock of the library
held. A hook may block: a stored source waits, a live one is buffered and then loses audio by the overflow policy,
counted. Every `on_stream_start` is followed by exactly one `on_stream_end`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from .report import RunReport, StreamReport
from .stream import Gap, Ledger, Stream
from .window import Window, WindowBatch

__all__ = ["PerStream", "Receiver", "as_receiver"]


class Receiver:
    """Override what you need; every hook does nothing by default.

    Override `on_windows` instead of `on_window` to get many windows at once; overriding both is a TypeError.
    """

    def on_start(self) -> None:
        """Called once, before the first source is opened."""

    def on_stream_start(self, stream: Stream) -> None:
        """A stream is open; its windows follow."""

    def on_window(self, window: Window) -> None:
        """One window. It never changes and may be kept."""

    def on_windows(self, batch: WindowBatch) -> None:
        """Up to `batch_size` consecutive windows of one stream, with no gap between them."""

    def on_lost(self, stream: Stream, reason: str) -> None:
        """Live: the source went quiet or away. The windows before it were delivered, tail included."""

    def on_gap(self, stream: Stream, gap: Gap) -> None:
        """Audio is back after a loss; the windows after the gap follow."""

    def on_metadata(self, stream: Stream, metadata: Mapping[str, str]) -> None:
        """New tags, e.g. a web radio's title; the windows that end before it were delivered."""

    def on_stream_error(self, stream: Stream | None, error: Exception) -> None:
        """A stream failed; `stream` is None if it never opened (then `error.stream_id` names it)."""

    def on_stream_end(self, stream: Stream, ledger: Ledger) -> object:
        """A stream is over, for whatever reason. What this returns is the stream's result."""

    def on_end(self, report: RunReport) -> None:
        """Called once, at the very end, also after an error or a stop."""

    def _deliver(self, batch: WindowBatch, halted: Callable[[], bool]) -> None:
        """Hand over a batch, counting in `batch.delivered`, until it is through or `halted` says so."""
        if _takes_batches(self):
            batch.delivered = len(batch)
            self.on_windows(batch)
            return
        if getattr(self.on_window, "__func__", None) is Receiver.on_window:
            batch.delivered = len(batch)  # nobody wants to know: no Window need be made
            return
        hook, delivered = self.on_window, 0
        for window in batch:
            batch.delivered = delivered = delivered + 1
            hook(window)
            if halted():
                return


def _takes_batches(receiver: Receiver) -> bool:
    return type(receiver).on_windows is not Receiver.on_windows


def as_receiver(receiver: object) -> Receiver:
    """Make a Receiver of what a user gave: a Receiver, a function of a window, or a list of these.

    Raises:
        TypeError: Anything else, a class among them, or a receiver that overrides both window hooks.
    """
    if isinstance(receiver, type):
        raise TypeError(
            f"{receiver.__name__} is a class: give an instance, {receiver.__name__}(), "
            f"or PerStream({receiver.__name__}) to have one for each stream"
        )
    for hook in [receiver, *(getattr(receiver, name, None) for name in dir(Receiver) if name.startswith("on_"))]:
        if _runs_later(hook):
            raise TypeError(f"{hook!r} is async or a generator: hooks are plain functions; use 'async for' to await")
    if isinstance(receiver, Receiver):
        if _takes_batches(receiver) and type(receiver).on_window is not Receiver.on_window:
            raise TypeError(f"{type(receiver).__name__} overrides on_window and on_windows: keep one of them")
        return receiver
    if isinstance(receiver, (list, tuple)):
        return _Several([as_receiver(one) for one in receiver])
    if callable(receiver):
        return _Function(receiver)
    raise TypeError(f"receiver={receiver!r}: give a Receiver, a function of a window, or a list of these")


def _runs_later(hook: object) -> bool:
    """Whether calling it does nothing yet."""
    parts = [hook, getattr(hook, "func", None), type(hook).__call__ if callable(hook) else None]
    kinds = (inspect.iscoroutinefunction, inspect.isasyncgenfunction, inspect.isgeneratorfunction)
    return any(kind(part) for kind in kinds for part in parts)


class _Function(Receiver):
    def __init__(self, function: Callable[[Window], object]) -> None:
        self.on_window = function  # type: ignore[assignment]  # called directly, without a method in between


class PerStream(Receiver):
    """Makes a receiver for each stream, so that each has a state of its own.

    The inner receiver's `on_start` and `on_end` run around its stream; its result is the stream's.

    Args:
        factory: Called without arguments for each stream: a Receiver class, or a function that returns a receiver.

    Raises:
        TypeError: `factory` is not callable, or a Receiver instance.
    """

    def __init__(self, factory: Callable[[], Any]) -> None:
        if isinstance(factory, Receiver) or not callable(factory):
            raise TypeError(f"PerStream({factory!r}): give what makes a receiver, such as its class")
        self._factory = factory
        self._inner: dict[str, Receiver] = {}
        self._begun: set[str] = set()  # those whose receiver could be started

    def on_stream_start(self, stream: Stream) -> None:
        """Make and start the stream's receiver."""
        inner = self._inner[stream.id] = as_receiver(self._factory())
        inner.on_start()
        self._begun.add(stream.id)
        inner.on_stream_start(stream)

    def on_lost(self, stream: Stream, reason: str) -> None:
        """Pass on."""
        self._inner[stream.id].on_lost(stream, reason)

    def on_gap(self, stream: Stream, gap: Gap) -> None:
        """Pass on."""
        self._inner[stream.id].on_gap(stream, gap)

    def on_metadata(self, stream: Stream, metadata: Mapping[str, str]) -> None:
        """Pass on."""
        self._inner[stream.id].on_metadata(stream, metadata)

    def on_stream_error(self, stream: Stream | None, error: Exception) -> None:
        """Pass on, if the stream's receiver was made."""
        if stream is not None and stream.id in self._begun:
            self._inner[stream.id].on_stream_error(stream, error)

    def on_stream_end(self, stream: Stream, ledger: Ledger) -> object:
        """End the stream's receiver and give its result."""
        inner = self._inner.pop(stream.id, None)
        if inner is None:  # its factory failed
            return None
        report = StreamReport(stream, ledger)
        try:
            if stream.id in self._begun:
                self._begun.discard(stream.id)
                report.result = inner.on_stream_end(stream, ledger)
        finally:
            inner.on_end(RunReport({stream.id: report}))
        return report.result

    def _deliver(self, batch: WindowBatch, halted: Callable[[], bool]) -> None:
        self._inner[batch.stream.id]._deliver(batch, halted)


class _Several(Receiver):
    """Calls each hook of each receiver in order; a stream's result is the tuple of theirs."""

    def __init__(self, receivers: list[Receiver]) -> None:
        self._all = receivers
        self._started: dict[str, list[Receiver]] = {}  # those that a stream's end concerns
        self._batches = any(_takes_batches(r) or isinstance(r, (PerStream, _Several)) for r in receivers)

    def on_start(self) -> None:
        for one in self._all:
            one.on_start()

    def on_stream_start(self, stream: Stream) -> None:
        started = self._started[stream.id] = []
        for one in self._all:
            started.append(one)
            one.on_stream_start(stream)

    def on_lost(self, stream: Stream, reason: str) -> None:
        for one in self._all:
            one.on_lost(stream, reason)

    def on_gap(self, stream: Stream, gap: Gap) -> None:
        for one in self._all:
            one.on_gap(stream, gap)

    def on_metadata(self, stream: Stream, metadata: Mapping[str, str]) -> None:
        for one in self._all:
            one.on_metadata(stream, metadata)

    def on_stream_error(self, stream: Stream | None, error: Exception) -> None:
        for one in self._all if stream is None else self._started.get(stream.id, []):
            one.on_stream_error(stream, error)

    def on_stream_end(self, stream: Stream, ledger: Ledger) -> object:
        started = self._started.pop(stream.id, [])
        results = _each([partial(one.on_stream_end, stream, ledger) for one in started])
        return (*results, *[None] * (len(self._all) - len(started)))

    def on_end(self, report: RunReport) -> None:
        _each([partial(one.on_end, report) for one in self._all])

    def _deliver(self, batch: WindowBatch, halted: Callable[[], bool]) -> None:
        """Window by window; batch by batch where one of the receivers takes batches."""
        size = len(batch) if self._batches else 1
        for first in range(0, len(batch), size):
            part = batch.part(first, size)
            try:
                self._deliver_part(part, halted)
            finally:
                if part is not batch:
                    batch.delivered += part.delivered
            if halted():
                return

    def _deliver_part(self, part: WindowBatch, halted: Callable[[], bool]) -> None:
        for one in self._all:
            done, part.delivered = part.delivered, 0
            try:
                one._deliver(part, halted)
            finally:
                part.delivered = max(done, part.delivered)
            if halted():
                return


def _each(calls: list[Callable[[], object]]) -> list[object]:
    """Call all, also after a failure; then raise the first failure."""
    results: list[object] = []
    failure: BaseException | None = None
    for call in calls:
        try:
            results.append(call())
        except BaseException as error:
            failure = failure or error
    if failure is not None:
        raise failure
    return results
