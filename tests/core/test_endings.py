"""Ends that are easily forgotten: blocked reads, ranges that are complete, sources that fail to close."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

import numpy as np
import pytest

from audiostreamer import DecodeError, MissingDependencyError, OverrunError, PerStream, Receiver, SourceError
from audiostreamer.lengths import Length
from audiostreamer.live_feed import LiveFeed
from audiostreamer.options import Options
from audiostreamer.pipeline import Pipeline
from audiostreamer.sources.base import Event, Format, Metadata
from audiostreamer.testing import PATIENCE_SECONDS, ManualClock, RecordingReceiver, ScriptedSource

from .driving import assert_paired, blocks, generator, poll, source


class Stubborn(ScriptedSource):
    """Cannot be closed."""

    def close(self) -> None:
        super().close()
        raise OSError("the tape is stuck")


class Cut(ScriptedSource):
    """Raises where it is interrupted, as pipes do."""

    def read(self, max_frames: int) -> Event | None:
        event = super().read(max_frames)
        if self.count("interrupt"):
            raise SourceError("interrupted")
        return event


@pytest.mark.parametrize("read_ahead", [False, True])
@pytest.mark.parametrize("kind", [ScriptedSource, Cut])
def test_a_stop_ends_a_blocked_stored_read(kind: type[ScriptedSource], read_ahead: bool) -> None:
    one, receiver = kind(blocks(5), hold=True, read_ahead=read_ahead), RecordingReceiver()
    gen = generator(one, receiver)
    gen.start()
    one.step()
    assert gen.stop(timeout=PATIENCE_SECONDS)
    assert gen.join(PATIENCE_SECONDS) is gen.report
    assert gen.report.errors == {}
    assert one.count("interrupt")
    assert one.calls[-1].name == "close"
    assert_paired(receiver)


def test_a_stop_ends_a_blocked_polled_read() -> None:
    one = source(hold=True)
    gen = generator(one)
    one.release(1)
    while not gen.poll(PATIENCE_SECONDS):
        pass
    assert gen.stop(timeout=PATIENCE_SECONDS)
    assert gen.report.errors == {}


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("read_ahead", [False, True])
def test_a_complete_range_ends_although_the_next_read_blocks(live: bool, read_ahead: bool) -> None:
    one = source(hold=True, live=live, read_ahead=read_ahead)
    one.release(1)
    gen = generator(one, duration=50, window_length=25)
    gen.start()
    assert gen.join(PATIENCE_SECONDS) is gen.report
    assert gen.ledgers["scripted"].delivered == 50


def test_a_complete_range_ends_a_polled_run() -> None:
    one = source(hold=True)
    one.release(1)
    gen = generator(one, duration=50, window_length=25)
    poll(gen)
    assert gen.ledgers["scripted"].delivered == 50


def test_a_stop_before_the_run_ends_it_at_once() -> None:
    receiver = RecordingReceiver()
    gen = generator(source(), receiver)
    assert gen.stop()
    gen.run()
    assert receiver.names == ["on_start", "on_end"]


@pytest.mark.parametrize("errors", ["raise", "skip"])
def test_a_source_that_cannot_be_closed(errors: str) -> None:
    receiver = RecordingReceiver()
    gen = generator([Stubborn(blocks(2), name="tape"), source(name="next")], receiver, errors=errors)
    if errors == "raise":
        with pytest.raises(Exception, match="tape: OSError: the tape is stuck"):
            gen.run()
    else:
        assert list(gen.run().errors) == ["tape"]
        assert gen.ledgers["next"].windows == 5
    assert gen.ledgers["tape"].delivered == 200
    assert_paired(receiver)


def test_a_stop_of_a_source_that_cannot_be_closed() -> None:
    receiver = RecordingReceiver(on_window=lambda window: gen.stop())
    gen = generator(Stubborn(blocks(5)), receiver)
    gen.run()
    assert_paired(receiver)


def test_what_is_missing_fails_one_stream() -> None:
    lacking = ScriptedSource([], name="lacking", open_error=MissingDependencyError("install it"))
    receiver = RecordingReceiver()
    report = generator([lacking, source(name="next")], receiver, errors="skip").run()
    assert list(report.errors) == ["lacking"]
    assert report.streams["next"].ledger.windows == 5
    assert [stream for stream, _ in receiver.of("on_stream_error")] == [None]


def test_what_cannot_be_understood_fails_one_stream() -> None:
    mistyped = iter(["take.mkv?strem=1", "signal:sine?freq=1&duration=1", source(name="next")])
    report = generator(mistyped, errors="skip").run()
    assert [type(error).__name__ for error in report.errors.values()] == ["SourceNotFoundError", "ValueError"]
    assert report.streams["next"].ledger.windows == 5


def test_end_hooks_run_in_the_thread_that_drives() -> None:
    receiver = RecordingReceiver()
    gen = generator(source(hold=True), receiver)
    gen.poll()
    closing = threading.Thread(target=gen.close, name="another")
    closing.start()
    while not gen.done:
        gen.poll(0.05)
    closing.join(PATIENCE_SECONDS)
    assert not closing.is_alive()
    assert {call.thread for call in receiver.calls} == {"MainThread"}
    assert_paired(receiver)


def test_errors_that_are_kept_keep_nothing_else_alive() -> None:
    def fail() -> Any:
        raise ValueError("inner")

    report = generator(ScriptedSource([np.zeros(100), fail]), errors="skip").run()
    (error,) = report.errors.values()
    assert error.__cause__ is not None
    assert error.__traceback__ is error.__cause__.__traceback__ is None


def test_poll_keeps_to_the_batch_size() -> None:
    class Batches(Receiver):
        def __init__(self) -> None:
            self.sizes: list[int] = []

        def on_windows(self, batch: Any) -> None:
            self.sizes.append(len(batch))

    receiver = Batches()
    poll(generator(ScriptedSource([np.zeros(2000)]), receiver, batch_size=8), limit=500)
    assert max(receiver.sizes) == 8


def test_a_polled_run_reports_its_end_once() -> None:
    seen: list[bool] = []
    gen = generator(source(), progress=lambda progress: seen.append(progress.done))
    poll(gen)
    gen.poll()
    assert seen.count(True) == 1


def test_a_list_ends_only_what_it_started() -> None:
    def refuse(*_: object) -> None:
        raise ValueError("no")

    first, second, third = RecordingReceiver(), RecordingReceiver(on_stream_start=refuse), RecordingReceiver()
    report = generator(source(), [first, PerStream(lambda: second), third], errors="skip").run()
    assert first.names == ["on_start", "on_stream_start", "on_stream_error", "on_stream_end", "on_end"]
    assert third.names == ["on_start", "on_end"]
    assert len(report.results["scripted"]) == 3


@pytest.mark.parametrize("hook", ["on_window", "on_stream_end"])
def test_hooks_that_are_async_are_refused(hook: str) -> None:
    async def wait(self: Any, *_: Any) -> None: ...

    with pytest.raises(TypeError, match="async"):
        generator(source(), type("Waiting", (Receiver,), {hook: wait})())
    with pytest.raises(TypeError, match="async"):
        generator(source(), wait)


def test_functions_that_would_run_later_are_refused() -> None:
    async def wait(window: Any) -> None: ...

    def lazy(window: Any) -> Any:
        yield window

    class Callable:
        async def __call__(self, window: Any) -> None: ...

    for receiver in (partial(wait), lazy, Callable(), [Receiver(), lazy]):
        with pytest.raises(TypeError, match="plain functions"):
            generator(source(), receiver)
    generator(source(), partial(print)).run()


@pytest.mark.parametrize(("argument", "value"), [("progress", "yes"), ("sample_rate", 10**12), ("live_buffer", "0s")])
def test_arguments_that_would_fail_late(argument: str, value: object) -> None:
    with pytest.raises((TypeError, ValueError), match=argument):
        generator(source(), **{argument: value})


def test_blocks_of_many_channels_are_short() -> None:
    made = [Pipeline(Options(Length(400)), Format(48_000, n), id="a", uri="a").block_frames * n for n in (1, 2, 256)]
    assert max(made) <= 1 << 20


def drained(one: ScriptedSource, *, seconds: float) -> LiveFeed:
    """What waits after a live source has played to its end and nobody took anything."""
    options = Options(Length(100))
    feed = LiveFeed(
        one,
        lambda opened: Pipeline(options, opened, id="a", uri="a", live=True),
        "a",
        lambda: None,
        seconds=seconds,
        overflow="drop-oldest",
        clock=ManualClock(),
    )
    one.wait_closed()
    feed.close()
    return feed


def test_titles_without_audio_do_not_pile_up() -> None:
    one = ScriptedSource([Metadata({"title": str(k)}) for k in range(300)], live=True)
    feed = drained(one, seconds=1.0)
    assert feed.waiting() <= 3


def test_a_stuck_receiver_does_not_let_titles_pile_up() -> None:
    events = [event for k in range(300) for event in (np.full(100, k / 300), Metadata({"title": str(k)}))]
    one = ScriptedSource(events, live=True)
    feed = drained(one, seconds=0.05)
    assert feed.waiting() < 20
    items = [feed.take()[0] for _ in range(feed.waiting() - 1)]
    assert [type(item).__name__ for item in items[:3]] == ["Pipeline", "Lost", "Metadata"]
    assert sum(isinstance(item, Metadata) for item in items) < 10
    assert [item.mapping["title"] for item in items if isinstance(item, Metadata)][-1] == "299"


def test_a_stop_at_the_worst_moment_is_noticed() -> None:
    """Just before the loop forgets what woke it."""
    gen = generator(source(hold=True, live=True))

    class Racing(threading.Event):
        def clear(self) -> None:
            assert gen._drive is not None
            gen._drive.control.stop(drain=False)
            super().clear()

    drive = gen._begin()
    drive.control.wakeup = Racing()
    running = threading.Thread(target=gen._run, args=(drive,), name="running")
    running.start()
    running.join(PATIENCE_SECONDS)
    assert not running.is_alive()


def test_an_error_that_is_its_own_cause() -> None:
    def fail(window: Any) -> None:
        try:
            raise ValueError("again")
        except ValueError as error:
            raise error from error

    gen = generator(source(), fail, errors="skip")
    gen.start()
    report = gen.join(PATIENCE_SECONDS)
    assert report is not None
    assert str(report.errors["scripted"]) == "again"


def test_a_live_block_longer_than_the_buffer_is_delivered() -> None:
    one = ScriptedSource([np.zeros(800)], live=True)
    gen = generator(one, live_buffer="50ms")
    gen.run()
    assert gen.ledgers["scripted"].delivered == 800


def test_the_first_failure_counts_not_the_one_of_close() -> None:
    gen = generator(Stubborn([np.zeros(100), DecodeError("broken")], name="tape"), errors="skip")
    assert isinstance(gen.run().errors["tape"], DecodeError)


def test_a_list_counts_as_its_receiver_does() -> None:
    def fail_at_two(window: Any) -> None:
        if window.index == 2:
            raise ValueError

    ledgers = [generator(source(), r, errors="skip") for r in (fail_at_two, [fail_at_two])]
    for gen in ledgers:
        gen.run()
    assert ledgers[0].ledgers == ledgers[1].ledgers
    assert ledgers[0].ledgers["scripted"].windows == 3


def test_an_inner_receiver_that_cannot_start_is_only_ended() -> None:
    def refuse() -> None:
        raise ValueError("no")

    inner = RecordingReceiver(on_start=refuse)
    generator(source(), PerStream(lambda: inner), errors="skip").run()
    assert inner.names == ["on_start", "on_end"]


def test_a_polled_failure_ends_the_progress() -> None:
    seen: list[bool] = []
    gen = generator(ScriptedSource([DecodeError("broken")]), progress=lambda progress: seen.append(progress.done))
    with pytest.raises(DecodeError):
        poll(gen)
    assert seen[-1:] == [True]


def test_an_overrun_closes_the_source_in_its_own_thread() -> None:
    """And at once: not when somebody lets go of the error."""
    inside, free = threading.Event(), threading.Event()

    def block(window: Any) -> None:
        inside.set()
        assert free.wait(PATIENCE_SECONDS)

    one = source(50, live=True, hold=True)
    gen = generator(one, block, live_buffer="50ms", overflow="raise")
    gen.start()
    one.release(1)
    assert inside.wait(PATIENCE_SECONDS)
    one.release()
    one.wait_closed()
    free.set()
    with pytest.raises(OverrunError):
        gen.join(PATIENCE_SECONDS)
    assert one.threads("close") == {"audiostreamer scripted"}
