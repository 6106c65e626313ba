"""The public fakes: they keep the contract that they stand in for."""

from __future__ import annotations

import threading
from datetime import datetime, timezone
from typing import Any

import numpy as np
import pytest

from audiostreamer import Block, DecodeError, Format, Lost, Metadata
from audiostreamer.clock import Clock
from audiostreamer.testing import ManualClock, RecordingReceiver, ScriptedSource

from .driving import ramp


def _read_all(source: ScriptedSource, most: int = 1000) -> list[Any]:
    source.open()
    events = []
    while (event := source.read(most)) is not None:
        events.append(event)
    return events


def test_it_plays_its_script() -> None:
    block = Block(ramp(3))
    script = [
        ramp(5)[:, 0],
        Lost(2, "stall"),
        Metadata({"a": "b"}),
        Format(16_000, 2),
        block,
        lambda: ramp(1),
        None,
        ramp(9),
    ]
    events = _read_all(ScriptedSource(script))
    assert [type(e) for e in events] == [Block, Lost, Metadata, Format, Block, Block]
    np.testing.assert_array_equal(events[0].samples, ramp(5))
    assert events[4] is block


def test_blocks_are_no_longer_than_asked() -> None:
    source = ScriptedSource([ramp(250)])
    assert [len(e.samples) for e in _read_all(source, 100)] == [100, 100, 50]
    assert source.frames_given == 250


@pytest.mark.parametrize("error", [DecodeError("bad"), DecodeError])
def test_exceptions_are_raised(error: Any) -> None:
    source = ScriptedSource([error, ramp(1)])
    source.open()
    with pytest.raises(DecodeError):
        source.read(10)


def test_the_end_stays_the_end_and_open_begins_again() -> None:
    source = ScriptedSource([ramp(1)])
    for _ in range(2):
        assert len(_read_all(source)) == 1
        assert source.read(10) is source.read(10) is None
        source.close()
        source.close()
    assert source.count("open") == 2


def test_close_without_open() -> None:
    source = ScriptedSource([ramp(1)])
    source.close()
    assert source.read(10) is None


def test_a_reused_buffer_is_overwritten() -> None:
    source = ScriptedSource([ramp(4), ramp(2), ramp(3, dtype="int16"), ramp(3, dtype="int16")], reuse_buffer=True)
    source.open()
    kept = [source.read(10) for _ in range(4)]
    assert np.isnan(kept[0].samples[3]).all()  # type: ignore[union-attr]
    assert np.shares_memory(kept[0].samples, kept[1].samples)  # type: ignore[union-attr]
    source.read(10)
    assert (kept[3].samples == -32768).all()  # type: ignore[union-attr]


def test_a_given_buffer_has_room() -> None:
    source = ScriptedSource([ramp(4)], give_buffer=True)
    source.headroom = 7
    (block,) = _read_all(source)
    assert len(block.buffer) == 11
    assert np.shares_memory(block.buffer, block.samples)
    np.testing.assert_array_equal(block.buffer[7:], ramp(4))


@pytest.mark.parametrize(("frame", "left"), [(0, 8), (3, 5), (5, 3), (7, 1), (8, 0), (99, 0)])
def test_seek(frame: int, left: int) -> None:
    source = ScriptedSource([ramp(4), Lost(2, "stall"), ramp(2)], seekable=True)
    source.open()
    assert source.seek(frame)
    events = []
    while (event := source.read(10)) is not None:
        events.append(event)
    assert sum(e.frames if isinstance(e, Lost) else len(e.samples) for e in events) == left


def test_no_seek_unless_asked_for() -> None:
    source = ScriptedSource([ramp(4)])
    source.open()
    assert source.seek(2) is False
    assert len(source.read(10).samples) == 4  # type: ignore[union-attr]


def test_steps_and_interrupt() -> None:
    source, seen = ScriptedSource([ramp(1), ramp(2)], live=True, hold=True), []
    reader = threading.Thread(target=lambda: seen.extend(_read_all(source)), name="reader")
    reader.start()
    source.step()
    assert source.frames_given == 1
    source.interrupt()
    reader.join(10.0)
    assert not reader.is_alive()
    assert len(seen) == 1
    assert source.read(10) is None
    assert source.threads("read") == {"reader", "MainThread"}


def test_a_step_that_nobody_takes() -> None:
    with pytest.raises(TimeoutError, match="scripted: nothing happened"):
        ScriptedSource([], hold=True).step(timeout=0.01)
    with pytest.raises(TimeoutError):
        ScriptedSource([]).wait_closed(timeout=0.01)


def test_only_hooks_can_be_given_actions() -> None:
    with pytest.raises(TypeError, match="on_windwo"):
        RecordingReceiver(on_windwo=lambda window: None)


def test_hooks_during_hooks_are_noticed() -> None:
    receiver = RecordingReceiver(on_start=lambda: receiver.on_start())
    with pytest.raises(AssertionError, match="during another"):
        receiver.on_start()


def test_a_clock_that_stands_still() -> None:
    start = datetime(2030, 1, 1, tzinfo=timezone.utc)
    clock = ManualClock(start)
    assert (clock.now(), clock.utc()) == (0.0, start)
    clock.advance(1.5)
    assert clock.now() == 1.5
    assert (clock.utc() - start).total_seconds() == 1.5
    with pytest.raises(ValueError, match="never goes back"):
        clock.advance(-1)


def test_a_clock_that_jumps() -> None:
    clock, event = ManualClock(jump=True), threading.Event()
    assert clock.wait(event, 3.0) is False
    assert clock.now() == 3.0
    event.set()
    assert clock.wait(event, 3.0) is True
    assert clock.now() == 3.0


@pytest.mark.parametrize(("by", "result"), [("advance", False), ("event", True)])
def test_waiting_for_the_hand(by: str, result: bool) -> None:
    clock, event, results = ManualClock(), threading.Event(), []
    waiter = threading.Thread(target=lambda: results.append(clock.wait(event, 5.0)))
    waiter.start()
    clock.advance(5.0 if by == "advance" else 1.0)
    if by == "event":
        event.set()
    else:
        clock.advance(5.0)  # it may have begun to wait after the first
    waiter.join(10.0)
    assert results == [result]


def test_the_real_clock() -> None:
    clock, event = Clock(), threading.Event()
    first, utc = clock.now(), clock.utc()
    assert clock.now() >= first
    assert clock.utc() >= utc
    assert utc.tzinfo is timezone.utc
    assert clock.wait(event, 0.0) is False
    event.set()
    assert clock.wait(event, None) is True
