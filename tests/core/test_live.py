"""Live sources: drained whatever the receiver does, in order, and what is lost is counted."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from audiostreamer import Lost, OverrunError
from audiostreamer.testing import ManualClock, RecordingBatchReceiver, RecordingReceiver, ScriptedSource

from .driving import assert_paired, blocks, generator, ramp, source


class Gate:
    """A hook that lets nobody pass before the test says so."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()

    def __call__(self, *args: Any) -> None:
        self.reached.set()
        assert self.opened.wait(10.0), "the gate was never opened"

    def wait(self) -> None:
        assert self.reached.wait(10.0), "nobody came"


def test_a_live_source_is_read_while_the_receiver_blocks() -> None:
    gate, one = Gate(), source(10, live=True, hold=True)
    receiver = RecordingReceiver(on_window=gate)
    gen = generator(one, receiver)
    gen.start()
    one.step()
    gate.wait()
    one.step(9)
    assert one.frames_given == 1000
    gate.opened.set()
    one.release()
    assert gen.join(10.0)
    assert len(receiver.windows) == 10


@pytest.mark.parametrize(("room", "dropped"), [("100ms", 0), ("87.5ms", 1), ("50ms", 4), ("12.5ms", 7)])
def test_the_oldest_audio_is_dropped_and_counted(room: str, dropped: int) -> None:
    """One block of 100 frames is being handed over, 8 more come: what does not fit is lost, the oldest first."""
    gate, one = Gate(), source(9, live=True, hold=True)
    receiver = RecordingReceiver(on_window=gate)
    gen = generator(one, receiver, live_buffer=room)
    gen.start()
    one.step()
    gate.wait()
    one.step(8)
    gate.opened.set()
    one.release()
    assert gen.join(10.0)
    lost = [(g.start, g.frames, g.reason) for _, g in receiver.of("on_gap")]
    assert lost == [(100, 100 * dropped, "overflow")] * bool(dropped)
    kept = [0, *range(1 + dropped, 9)]
    assert [w.start for w in receiver.windows] == [100 * n for n in kept]
    for window in receiver.windows:
        np.testing.assert_array_equal(window.samples, ramp(900)[window.start : window.start + 100])
    ledger = gen.ledgers["scripted"]
    assert (ledger.captured, ledger.dropped_overflow, ledger.gap_frames, ledger.end) == (900, 100 * dropped, 0, 900)
    assert ledger.balanced


def test_other_losses_are_not_overflow() -> None:
    gate = Gate()
    script = [*blocks(2), Lost(50, "packet-loss"), *blocks(2, first=2), Lost(50, "packet-loss"), *blocks(1, first=4)]
    one = ScriptedSource(script, live=True, hold=True)
    receiver = RecordingReceiver(on_window=gate)
    gen = generator(one, receiver, live_buffer="12.5ms")
    gen.start()
    one.step()
    gate.wait()
    one.step(6)
    gate.opened.set()
    one.release()
    gen.join(10.0)
    gaps = [(g.start, g.frames, g.reason) for _, g in receiver.of("on_gap")]
    assert gaps == [(100, 100, "overflow"), (200, 50, "packet-loss"), (250, 200, "overflow"), (450, 50, "packet-loss")]
    ledger = gen.ledgers["scripted"]
    assert (ledger.dropped_overflow, ledger.gap_frames, ledger.delivered, ledger.end) == (300, 100, 200, 600)


def test_too_slow_may_be_an_error() -> None:
    gate, one = Gate(), source(5, live=True, hold=True)
    receiver = RecordingReceiver(on_window=gate)
    gen = generator(one, receiver, live_buffer="12.5ms", overflow="raise")
    gen.start()
    one.step()
    gate.wait()
    one.step(2)
    one.wait_closed()
    gate.opened.set()
    with pytest.raises(OverrunError, match="too slow"):
        gen.join(10.0)
    assert gen.ledgers["scripted"].balanced
    assert_paired(receiver)


def test_live_sources_run_beside_each_other() -> None:
    one, other = source(3, live=True, hold=True, name="one"), source(3, live=True, hold=True, name="other")
    receiver = RecordingReceiver()
    gen = generator([one, other], receiver)
    gen.start()
    for turn in (one, other, one, other, other, one):
        turn.step()
    one.release()
    other.release()
    assert gen.join(10.0)
    assert {id: ledger.delivered for id, ledger in gen.ledgers.items()} == {"one": 300, "other": 300}
    assert_paired(receiver)


def test_waiting_live_windows_go_before_the_next_stored_block() -> None:
    live = source(2, live=True, hold=True, name="live")
    stored = ScriptedSource([blocks(1)[0], lambda: live.step(2) or blocks(1)[0], blocks(1)[0]], name="stored")
    receiver = RecordingReceiver()
    gen = generator([live, stored], receiver)
    live_is_over = threading.Thread(target=lambda: (live.wait_closed(), None))
    live_is_over.start()
    for window in gen:
        if (window.stream.id, window.index) == ("stored", 2):
            live.release()
    live_is_over.join()
    assert [(w.stream.id, w.index) for w in receiver.windows] == [
        ("stored", 0), ("stored", 1), ("live", 0), ("live", 1), ("stored", 2),
    ]  # fmt: skip


def test_a_live_source_goes_on_while_stored_ones_follow_each_other() -> None:
    live = source(1, live=True, hold=True, name="live")
    row = [live, source(name="a"), ScriptedSource([lambda: live.release() or None], name="b"), source(name="c")]
    receiver = RecordingReceiver()
    generator(row, receiver).run()
    ended = [stream.id for stream, _ in receiver.of("on_stream_end")]
    assert ended.index("a") < ended.index("b") < ended.index("c")
    assert ended.index("live") > ended.index("a")
    assert_paired(receiver)


def test_windows_are_stamped_by_the_clock() -> None:
    start = datetime(2030, 5, 1, tzinfo=timezone.utc)
    clock = ManualClock(start)

    def at(seconds: float, block: np.ndarray) -> Any:
        return lambda: clock.advance(seconds) or block

    first, second, third = (ramp(800) for _ in range(3))
    receiver = RecordingReceiver()
    gen = generator(
        ScriptedSource([at(1, first), at(0.25, second), at(0.05, third)], live=True), receiver, window_length=800
    )
    gen._clock = clock
    gen.run()
    assert [(w.utc - start) / timedelta(milliseconds=1) for w in receiver.windows] == [900, 1000, 1100]


def test_duration_ends_a_live_source() -> None:
    one, receiver = source(100, live=True), RecordingReceiver()
    gen = generator(one, receiver, duration="31.25ms")
    gen.run()
    assert [w.valid for w in receiver.windows] == [100, 100, 50]
    assert gen.ledgers["scripted"].end == 250
    assert one.count("close") == 1


def test_live_batches_are_what_is_ready() -> None:
    gate, one = Gate(), source(5, live=True, hold=True)
    receiver = RecordingBatchReceiver(on_windows=gate)
    gen = generator(one, receiver)
    gen.start()
    one.step()
    gate.wait()
    assert len(receiver.batches[0]) == 1, "it waited for more"
    gate.opened.set()
    one.release()
    gen.join(10.0)
    assert len(receiver.windows) == 5
