"""What fails, and what then is called and raised: sources that break, hooks that raise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from audiostreamer import (
    AudioStreamerError,
    Block,
    DecodeError,
    FormatError,
    Lost,
    Metadata,
    SourceError,
    SourceNotFoundError,
)  # fmt: skip
from audiostreamer.testing import RecordingReceiver, ScriptedSource

from .driving import WAYS, Way, assert_paired, blocks, generator, run, source

ways = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
kinds = pytest.mark.parametrize("live", [False, True], ids=["stored", "live"])


class Boom(Exception):
    """From user code."""


def _broken(**options: Any) -> ScriptedSource:
    """250 frames, then bad data."""
    return ScriptedSource([*blocks(2), blocks(3)[2][:50], DecodeError("bad packet")], name="broken", **options)


def _unopened(**options: Any) -> ScriptedSource:
    return ScriptedSource([], name="unopened", open_error=SourceNotFoundError("no such file"), **options)


# -- sources


@ways
@kinds
def test_a_source_that_breaks_ends_the_run(way: Way, live: bool) -> None:
    receiver, after = RecordingReceiver(), source(name="after")
    gen = generator([_broken(live=live), *([] if live else [after])], receiver)  # a live one has others beside it
    with pytest.raises(DecodeError, match="broken: bad packet") as caught:
        way(gen)
    assert caught.value.position == 250
    assert caught.value.stream_id == "broken"
    assert [w.valid for w in receiver.windows] == [100, 100, 50], "what came before was not delivered"
    assert receiver.names[-3:] == ["on_stream_error", "on_stream_end", "on_end"]
    assert receiver.of("on_stream_error")[0][1] is caught.value
    assert gen.report.errors == {"broken": caught.value}
    assert gen.done
    assert not after.count("open")
    assert_paired(receiver)


@ways
@kinds
def test_a_source_that_breaks_may_be_skipped(way: Way, live: bool) -> None:
    receiver = RecordingReceiver()
    gen = generator([_broken(live=live), source(name="after")], receiver, errors="skip")
    way(gen)
    assert {type(e) for e in gen.report.errors.values()} == {DecodeError}
    assert gen.report.streams["after"].ledger.delivered == 500
    assert gen.report.streams["broken"].ledger.delivered == 250
    order = [c.name for c in receiver.calls if c.args and getattr(c.args[0], "id", "") == "broken"]
    assert order[-2:] == ["on_stream_error", "on_stream_end"]
    assert_paired(receiver)


@ways
@kinds
def test_a_source_that_does_not_open(way: Way, live: bool) -> None:
    receiver, one = RecordingReceiver(), _unopened(live=live)
    gen = generator(one, receiver)
    with pytest.raises(SourceNotFoundError, match="unopened: no such file"):
        way(gen)
    assert receiver.names == ["on_start", "on_stream_error", "on_end"]
    ((stream, error),) = receiver.of("on_stream_error")
    assert stream is None
    assert error.stream_id == "unopened"
    assert one.count("close") == 1
    assert gen.report.results == {}


@ways
def test_sources_that_do_not_open_may_be_skipped(way: Way) -> None:
    receiver = RecordingReceiver()
    gen = generator([_unopened(), _unopened(), source()], receiver, errors="skip")
    way(gen)
    assert list(gen.report.errors) == ["unopened", "unopened~2"]
    assert list(gen.report.results) == ["scripted"]
    assert len(receiver.windows) == 5


@ways
@kinds
@pytest.mark.parametrize("where", ["open", "read"])
def test_foreign_exceptions_are_chained(way: Way, live: bool, where: str) -> None:
    boom = OSError("wire cut")
    one = ScriptedSource([boom], live=live, open_error=boom if where == "open" else None)
    with pytest.raises(SourceError, match=r"scripted.*OSError: wire cut") as caught:
        way(generator(one))
    assert caught.value.__cause__ is boom


@kinds
@pytest.mark.parametrize("shape", [(5,), (0, 1), (1, 2, 3)])
def test_what_is_no_block(live: bool, shape: tuple[int, ...]) -> None:
    one = ScriptedSource([Block(np.zeros(shape, np.float32))], live=live)
    with pytest.raises(SourceError, match="shape"):
        generator(one).run()


@kinds
def test_a_channel_that_is_not_there(live: bool) -> None:
    one = source(live=live)
    with pytest.raises(FormatError, match="channel 3"):
        generator(one, channels=[3]).run()
    assert one.count("close") == 1


@ways
def test_the_row_of_sources_may_fail(way: Way) -> None:
    def row() -> Any:
        yield source()
        raise Boom

    receiver = RecordingReceiver()
    with pytest.raises(Boom):
        way(generator(row(), receiver))
    assert len(receiver.windows) == 5
    assert_paired(receiver)


def test_an_unknown_scheme_is_an_error_of_its_stream() -> None:
    gen = generator(["no-such-scheme:x", source()], errors="skip")
    gen.run()
    assert list(gen.report.errors) == ["no-such-scheme:x"]
    assert isinstance(gen.report.errors["no-such-scheme:x"], AudioStreamerError)


# -- hooks

PER_STREAM = ["on_stream_start", "on_window", "on_gap", "on_metadata", "on_stream_end"]


def _eventful(name: str) -> ScriptedSource:
    return ScriptedSource([*blocks(2), Metadata({"t": "1"}), Lost(10, "stall"), *blocks(1)], name=name)


@ways
@pytest.mark.parametrize("hook", ["on_start", *PER_STREAM, "on_end"])
def test_a_hook_that_raises_ends_the_run(way: Way, hook: str) -> None:
    receiver, boom = RecordingReceiver(**{hook: Boom(hook)}), source(name="after")
    gen = generator([_eventful("first"), boom], receiver)
    with pytest.raises(Boom, match=hook):
        way(gen)
    assert gen.done
    assert not boom.count("open") or hook == "on_end"
    assert_paired(receiver)


@ways
@pytest.mark.parametrize("hook", PER_STREAM)
def test_a_hook_that_raises_may_end_its_stream_only(way: Way, hook: str) -> None:
    def fail(*args: Any) -> None:
        stream = getattr(args[0], "stream", args[0])
        if stream.id == "first":
            raise Boom(hook)

    receiver = RecordingReceiver(**{hook: fail})
    gen = generator([_eventful("first"), _eventful("second")], receiver, errors="skip")
    way(gen)
    assert [type(e) for e in gen.report.errors.values()] == [Boom]
    assert list(gen.report.errors) == ["first"]
    assert sum(w.stream.id == "second" for w in receiver.windows) == 3
    assert_paired(receiver)
    if hook != "on_stream_end":
        names = [c.name for c in receiver.calls if getattr(c.args[0] if c.args else None, "id", "") == "first"]
        assert names[-2:] == ["on_stream_error", "on_stream_end"]


@ways
@pytest.mark.parametrize("hook", ["on_start", "on_end"])
def test_the_outer_hooks_end_the_run_all_the_same(way: Way, hook: str) -> None:
    receiver = RecordingReceiver(**{hook: Boom(hook)})
    with pytest.raises(Boom):
        way(generator(source(), receiver, errors="skip"))
    assert_paired(receiver)


def test_nothing_is_opened_when_on_start_fails() -> None:
    one = source()
    with pytest.raises(Boom):
        generator(one, RecordingReceiver(on_start=Boom())).run()
    assert not one.count("open")


@pytest.mark.parametrize("errors", ["raise", "skip"])
def test_an_error_hook_that_raises_leaves_the_end_hooks(errors: str) -> None:
    receiver = RecordingReceiver(on_stream_error=Boom())
    gen = generator([_broken(), source()], receiver, errors=errors)
    if errors == "raise":
        with pytest.raises((Boom, DecodeError)):
            gen.run()
    else:
        gen.run()
        assert gen.report.streams["scripted"].ledger.delivered == 500
    assert_paired(receiver)


def test_the_first_failure_is_the_one_that_is_raised() -> None:
    receiver = RecordingReceiver(on_window=Boom("first"), on_stream_end=Boom("second"), on_end=Boom("third"))
    with pytest.raises(Boom, match="first"):
        generator(source(), receiver).run()
    assert_paired(receiver)


@ways
def test_a_failure_leaves_what_was_delivered_in_the_ledger(way: Way) -> None:
    receiver = RecordingReceiver(on_window=lambda window: _raise() if window.index == 3 else None)
    gen = generator(source(10), receiver)
    with pytest.raises(Boom):
        way(gen)
    ledger = gen.report.streams["scripted"].ledger
    assert ledger.windows == 4
    assert ledger.delivered == 400
    assert ledger.balanced


def _raise() -> None:
    raise Boom


def _fail_in_body(gen: Any) -> None:
    for _ in gen:
        raise Boom


def test_a_failure_in_a_loop_s_body_is_its_own() -> None:
    one, receiver = source(), RecordingReceiver()
    with pytest.raises(Boom):
        _fail_in_body(generator(one, receiver))
    assert_paired(receiver)
    assert one.count("close") == 1
    assert "on_stream_error" not in receiver.names


def test_with_closes_after_a_failure() -> None:
    receiver = RecordingReceiver()
    gen = generator(source(live=True, hold=True), receiver)
    gen.poll()
    with pytest.raises(Boom), gen:
        raise Boom
    assert gen.done
    assert_paired(receiver)


def test_join_raises_what_run_would() -> None:
    gen = generator(_broken())
    gen.start()
    for _ in range(2):
        with pytest.raises(DecodeError):
            gen.join(10.0)


def test_a_long_row_of_failures_does_not_recurse() -> None:
    gen = generator((_unopened() for _ in range(1500)), errors="skip")
    run(gen)
    assert len(gen.report.errors) == 1500
