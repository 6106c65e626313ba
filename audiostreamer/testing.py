"""Fakes for tests of receivers, sources and whole runs: no file, no device, nothing to wait for.

`ScriptedSource` plays a list of events, `RecordingReceiver` and `RecordingBatchReceiver` write down every hook, and
`ManualClock` is a time that only a test moves. Every wait in here is bounded by `PATIENCE_SECONDS`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .clock import Clock
from .receiver import Receiver
from .report import RunReport
from .sources.base import Block, Event, Format, Lost, Source
from .stream import Gap, Ledger, Stream
from .window import Window, WindowBatch

__all__ = ["Call", "ManualClock", "RecordingBatchReceiver", "RecordingReceiver", "ScriptedSource"]

PATIENCE_SECONDS = 10.0
_LOOK_SECONDS = 0.002  # between looks at an event that somebody else owns

Script = Iterable["NDArray[Any] | Event | BaseException | Callable[[], Any] | None"]


class Call(NamedTuple):
    """One call that a fake got.

    Attributes:
        name: Of the method.
        args: Its arguments.
        thread: Name of the thread that it came from.
    """

    name: str
    args: tuple[Any, ...]
    thread: str


class ScriptedSource(Source):
    """Plays a script.

    Each `read` gives the next entry of `events`:

    - an array, ``(frames,)`` or ``(frames, channels)``, becomes a `Block`, in pieces where it is longer than asked for;
    - a `Block`, `Lost`, `Metadata` or `Format` is given as it is;
    - an exception is raised;
    - None is the end;
    - a function is called (by the reading thread); what it returns is the entry.

    The script's end is the end of the stream, and `open` begins it again.

    Args:
        events: The script.
        sample_rate: In Hz.
        channels: At the start.
        live: Whether the source calls itself live.
        name: The source's name, and default stream id.
        frames: What the header claims.
        metadata: Tags.
        open_error: Raised by `open`.
        seekable: Whether `seek` works (over arrays and losses).
        read_ahead: Whether the source asks to be read ahead.
        reuse_buffer: Give each array in one and the same buffer, overwritten by the next `read`.
        give_buffer: Give each array at the end of a new buffer with `headroom`, which passes to the library.
        hold: Let each `read` wait for `step` or `release`; `interrupt` ends the waiting, and the stream.

    Attributes:
        calls: Every call of open, read, seek, interrupt and close, in order.
        frames_given: How many frames were in the blocks so far.
    """

    engine = "script"

    def __init__(
        self,
        events: Script,
        *,
        sample_rate: int = 8000,
        channels: int = 1,
        live: bool = False,
        name: str = "scripted",
        frames: int | None = None,
        metadata: Mapping[str, str] | None = None,
        open_error: BaseException | None = None,
        seekable: bool = False,
        read_ahead: bool = False,
        reuse_buffer: bool = False,
        give_buffer: bool = False,
        hold: bool = False,
    ) -> None:
        super().__init__(name)
        self.live = live
        self.read_ahead = read_ahead
        self.calls: list[Call] = []
        self.frames_given = 0
        self._script = list(events)
        self._rest: list[Any] = []
        self._format = Format(sample_rate, channels, frames, metadata or {})
        self._open_error = open_error
        self._seekable = seekable
        self._reuse_buffer = reuse_buffer
        self._give_buffer = give_buffer
        self._shared: NDArray[Any] | None = None
        self._changed = threading.Condition()
        self._hold = hold
        self._permits = 0
        self._reading = False
        self._asked = 0
        self._interrupted = False
        self._closed = False

    # -- the test's side

    def count(self, name: str) -> int:
        """How often a method was called."""
        return sum(call.name == name for call in list(self.calls))

    def threads(self, *names: str) -> set[str]:
        """Names of the threads that called a method (all but `interrupt` by default)."""
        names = names or ("open", "read", "seek", "close")
        return {call.thread for call in list(self.calls) if call.name in names}

    def release(self, reads: int | None = None) -> None:
        """Let so many more reads through, without waiting for them; None: all from now on."""
        with self._changed:
            if reads is None:
                self._hold = False
            else:
                self._permits += reads
            self._changed.notify_all()

    def step(self, reads: int = 1, timeout: float = PATIENCE_SECONDS) -> None:
        """Let one read after the other through, and wait until its outcome has been taken in by the reader.

        That is when the next `read` begins, or `close`.

        Raises:
            TimeoutError: The reader did not come (back) within `timeout` seconds.
        """
        for _ in range(reads):
            with self._changed:
                self._await(lambda: self._reading, timeout)
                begun = self._asked
                self._permits += 1
                self._changed.notify_all()
                self._await(lambda begun=begun: self._closed or self._asked > begun, timeout)  # type: ignore[misc]

    def wait_closed(self, timeout: float = PATIENCE_SECONDS) -> None:
        """Wait until the source was closed.

        Raises:
            TimeoutError: It was not, within `timeout` seconds.
        """
        with self._changed:
            self._await(lambda: self._closed, timeout)

    def _await(self, condition: Callable[[], bool], timeout: float) -> None:
        if not self._changed.wait_for(condition, timeout):
            raise TimeoutError(f"{self.name}: nothing happened within {timeout:g} s; calls so far: {self.calls}")

    # -- the library's side

    def open(self) -> Format:
        """Begin the script, or raise `open_error`."""
        self._record("open")
        if self._open_error is not None:
            raise self._open_error
        with self._changed:
            self._closed = self._interrupted = False
            self._rest = list(self._script)
        return self._format

    def read(self, max_frames: int) -> Event | None:
        """The next entry."""
        self._record("read", max_frames)
        if self._shared is not None:  # whoever kept the last block sees that it is not his
            self._shared[...] = np.iinfo(self._shared.dtype).min if self._shared.dtype.kind in "iu" else np.nan
        if not self._permitted() or not self._rest:
            return None
        entry = self._rest.pop(0)
        if callable(entry) and not isinstance(entry, type):
            entry = entry()
        return self._play(entry, max_frames)

    def seek(self, frame: int) -> bool:
        """Skip frames of the script, if `seekable`."""
        self._record("seek", frame)
        if not self._seekable:
            return False
        rest: list[Any] = []
        for entry in self._rest:
            if isinstance(entry, np.ndarray):
                entry, frame = entry[frame:], frame - min(frame, len(entry))
            elif isinstance(entry, Lost):
                entry, frame = Lost(max(0, entry.frames - frame), entry.reason), max(0, frame - entry.frames)
            rest.append(entry)
        self._rest = [entry for entry in rest if not isinstance(entry, np.ndarray) or len(entry)]
        return True

    def interrupt(self) -> None:
        """Wake a `read` that waits; it and all later ones are the end."""
        self._record("interrupt")
        with self._changed:
            self._interrupted = True
            self._changed.notify_all()

    def close(self) -> None:
        """Over; may be called again."""
        self._record("close")
        with self._changed:
            self._closed = True
            self._rest = []
            self._changed.notify_all()

    def _record(self, name: str, *args: Any) -> None:
        self.calls.append(Call(name, args, threading.current_thread().name))

    def _permitted(self) -> bool:
        """Wait for permission to go on, if reads are held; False: interrupted."""
        with self._changed:
            self._reading = True
            self._asked += 1
            self._changed.notify_all()
            self._await(lambda: not self._hold or self._permits > 0 or self._interrupted, PATIENCE_SECONDS)
            self._reading = False
            if self._hold and not self._interrupted:
                self._permits -= 1
            return not self._interrupted

    def _play(self, entry: Any, max_frames: int) -> Event | None:
        if isinstance(entry, BaseException) or (isinstance(entry, type) and issubclass(entry, BaseException)):
            raise entry
        if entry is None:
            self._rest = []
        if isinstance(entry, np.ndarray):
            if len(entry) > max_frames:
                self._rest.insert(0, entry[max_frames:])
            entry = self._block(entry[:max_frames])
        if isinstance(entry, Block):
            self.frames_given += len(entry.samples)
        event: Event | None = entry
        return event

    def _block(self, samples: NDArray[Any]) -> Block:
        samples = samples[:, None] if samples.ndim == 1 else samples
        if self._give_buffer:
            buffer = np.empty((self.headroom + len(samples), samples.shape[1]), samples.dtype)
            buffer[self.headroom :] = samples
            return Block(buffer[self.headroom :], buffer)
        if not self._reuse_buffer:
            return Block(samples)
        shared = self._shared
        fits = shared is not None and shared.dtype == samples.dtype and shared.shape[1:] == samples.shape[1:]
        if shared is None or not fits or len(shared) < len(samples):
            shared = self._shared = np.empty(samples.shape, samples.dtype)
        shared[: len(samples)] = samples
        return Block(shared[: len(samples)])


class _Recorder(Receiver):
    """Writes down every hook but the two that take windows.

    Args:
        actions: For each hook name what to do after it was written down: a function of the hook's arguments, whose
            value the hook returns, or an exception to raise.
    """

    def __init__(self, **actions: Callable[..., object] | BaseException) -> None:
        unknown = sorted(name for name in actions if not name.startswith("on_") or not hasattr(Receiver, name))
        if unknown:
            raise TypeError(f"no such hook: {', '.join(unknown)}")
        self.calls: list[Call] = []
        self._actions = actions
        self._busy = threading.Lock()

    @property
    def names(self) -> list[str]:
        """The hooks, in order."""
        return [call.name for call in list(self.calls)]

    @property
    def threads(self) -> set[str]:
        """Names of the threads that called."""
        return {call.thread for call in list(self.calls)}

    def of(self, name: str) -> list[Any]:
        """What a hook was called with, in order: its argument, or the tuple of them."""
        return [call.args[0] if len(call.args) == 1 else call.args for call in list(self.calls) if call.name == name]

    def _record(self, name: str, *args: Any) -> object:
        assert self._busy.acquire(blocking=False), f"{name} was called during another hook"
        try:
            self.calls.append(Call(name, args, threading.current_thread().name))
            action = self._actions.get(name)
            if isinstance(action, BaseException):
                raise action
            return action(*args) if action else None
        finally:
            self._busy.release()

    def on_start(self) -> None:
        """Write it down."""
        self._record("on_start")

    def on_stream_start(self, stream: Stream) -> None:
        """Write it down."""
        self._record("on_stream_start", stream)

    def on_lost(self, stream: Stream, reason: str) -> None:
        """Write it down."""
        self._record("on_lost", stream, reason)

    def on_gap(self, stream: Stream, gap: Gap) -> None:
        """Write it down."""
        self._record("on_gap", stream, gap)

    def on_metadata(self, stream: Stream, metadata: Mapping[str, str]) -> None:
        """Write it down."""
        self._record("on_metadata", stream, metadata)

    def on_stream_error(self, stream: Stream | None, error: Exception) -> None:
        """Write it down."""
        self._record("on_stream_error", stream, error)

    def on_stream_end(self, stream: Stream, ledger: Ledger) -> object:
        """Write it down; the result is what the action returns."""
        return self._record("on_stream_end", stream, ledger)

    def on_end(self, report: RunReport) -> None:
        """Write it down."""
        self._record("on_end", report)


class RecordingReceiver(_Recorder):
    """Writes down every hook, window by window.

    Args:
        actions: For each hook name what to do after it was written down: a function of the hook's arguments, whose
            value the hook returns, or an exception to raise. ``RecordingReceiver(on_window=lambda w: gen.stop())``.

    Attributes:
        calls: Every hook, in order.

    Raises:
        AssertionError: From a hook that was called during another one.
    """

    @property
    def windows(self) -> list[Window]:
        """The windows, in order."""
        return self.of("on_window")

    def on_window(self, window: Window) -> None:
        """Write it down."""
        self._record("on_window", window)


class RecordingBatchReceiver(_Recorder):
    """Writes down every hook, batch by batch; otherwise as `RecordingReceiver`."""

    @property
    def batches(self) -> list[WindowBatch]:
        """The batches, in order."""
        return self.of("on_windows")

    @property
    def windows(self) -> list[Window]:
        """The windows of all batches, in order."""
        return [window for batch in self.batches for window in batch]

    def on_windows(self, batch: WindowBatch) -> None:
        """Write it down."""
        self._record("on_windows", batch)


class ManualClock(Clock):
    """A clock that stands still until it is moved.

    Args:
        start: What `utc` says at first.
        jump: Whether `wait` moves the clock to its deadline at once, instead of waiting for `advance`.
    """

    def __init__(self, start: datetime = datetime(2024, 1, 1, tzinfo=timezone.utc), *, jump: bool = False) -> None:
        self._changed = threading.Condition()
        self._seconds = 0.0
        self._jump = jump
        super().__init__()
        self._origin = start

    def now(self) -> float:
        """Seconds that it was moved by."""
        return self._seconds

    def advance(self, seconds: float) -> None:
        """Move it forward; wakes who waits for that."""
        if seconds < 0:
            raise ValueError(f"a clock never goes back: {seconds:g} s")
        with self._changed:
            self._seconds += seconds
            self._changed.notify_all()

    def wait(self, event: threading.Event, timeout: float | None) -> bool:
        """Wait for the event, or until the clock has been moved by `timeout` seconds.

        Raises:
            TimeoutError: Neither happened in `PATIENCE_SECONDS` of real time.
        """
        if self._jump and timeout is not None:
            if not event.is_set():
                self.advance(timeout)
            return event.is_set()
        deadline = None if timeout is None else self._seconds + timeout
        with self._changed:
            for _ in range(int(PATIENCE_SECONDS / _LOOK_SECONDS)):
                if event.is_set() or (deadline is not None and self._seconds >= deadline):
                    return event.is_set()
                self._changed.wait(_LOOK_SECONDS)
        raise TimeoutError("nobody set the event or moved the clock")
