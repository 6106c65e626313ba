"""Which source is next and how it is read: lazily, ahead, at its own speed; ids; and wrong arguments."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audiostreamer import Array, Generator, windows
from audiostreamer.testing import ManualClock, RecordingReceiver, ScriptedSource

from .driving import WAYS, Way, blocks, facts, generator, ramp, source

ways = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


# -- the row of sources


@pytest.mark.parametrize(
    ("way", "ahead"), [("run", 0), ("for", 0), ("start and join", 0), ("poll", 3), ("async for", 3)]
)
def test_sources_are_pulled_lazily(way: str, ahead: int) -> None:
    """In the driving thread, one at a time; a reading thread may be a few ahead, never more."""
    pulled: list[int] = []
    seen: list[int] = []

    def row() -> Iterator[ScriptedSource]:
        for n in range(50):
            pulled.append(n)
            yield source(1, name=str(n))

    receiver = RecordingReceiver(on_window=lambda window: seen.append(len(pulled) - int(window.stream.id)))
    gen = generator(row(), receiver)
    assert pulled == []
    WAYS[way](gen)
    assert len(seen) == 50
    assert max(seen) <= 1 + ahead


@ways
def test_an_endless_row_can_be_left(way: Way) -> None:
    gens: list[Generator] = []

    def row() -> Iterator[ScriptedSource]:
        while True:
            yield source(1)

    receiver = RecordingReceiver(on_stream_end=lambda stream, ledger: gens[0].stop() if stream.id.endswith("~5") else 0)
    gens.append(generator(row(), receiver))
    way(gens[0])
    assert list(gens[0].report.results)[-1] == "scripted~5"


def test_ids_of_a_mapping() -> None:
    sources = {"yard": source(), 7: source(), "many": source(name="rtsp://user:secret@host/1")}
    assert list(generator(sources).run().streams) == ["yard", "7", "many"]


def test_repeated_ids_are_numbered() -> None:
    names = ["a", "b", "a", "a~2", "a"]
    assert list(generator([source(name=name) for name in names]).run().streams) == ["a", "b", "a~2", "a~2~2", "a~3"]


def test_ids_show_no_credentials() -> None:
    receiver = RecordingReceiver()
    generator(source(name="rtsp://user:secret@host/1?token=abc&channel=2"), receiver).run()
    (stream,) = receiver.of("on_stream_start")
    assert stream.id == stream.uri == "rtsp://host/1?token=***&channel=2"
    assert "secret" not in repr(receiver.calls)


@pytest.mark.parametrize("one", [[Array(ramp(100), 8000)], (Array(ramp(100), 8000),), Array(ramp(100), 8000)], ids=str)
def test_one_or_several(one: Any) -> None:
    assert len(list(windows(one, window_length=100))) == 1


# -- reading


def test_a_stored_source_waits_for_the_receiver() -> None:
    """Read in the driving thread: not a block more than was asked for."""
    one = source(10)
    assert [one.frames_given - 100 * w.index for w in generator(one)] == [100] * 10


@pytest.mark.parametrize("way", ["run", "for", "poll", "async for"])
def test_reading_ahead_is_bounded(way: str) -> None:
    receiver = RecordingReceiver()
    ahead: list[int] = []

    def block(n: int) -> Any:
        return lambda: ahead.append(n - len(receiver.windows)) or blocks(1)[0]

    one = ScriptedSource([block(n) for n in range(200)], read_ahead=True)
    WAYS[way](generator(one, receiver))
    assert len(receiver.windows) == 200
    assert max(ahead) <= 5
    assert one.threads("read", "close") == {"audiostreamer scripted"}


def test_reading_ahead_stops_with_the_loop() -> None:
    one = source(100, read_ahead=True)
    for _ in generator(one):
        break
    assert one.count("close") == 1
    assert one.frames_given < 1000


@ways
@pytest.mark.parametrize("seekable", [False, True])
@pytest.mark.parametrize("read_ahead", [False, True])
def test_a_range(way: Way, seekable: bool, read_ahead: bool) -> None:
    receiver, one = RecordingReceiver(), source(20, seekable=seekable, read_ahead=read_ahead)
    way(generator(one, receiver, offset="50ms", duration=350))
    assert [(w.start, w.valid) for w in receiver.windows] == [(400, 100), (500, 100), (600, 100), (700, 50)]
    np.testing.assert_array_equal(receiver.windows[0].samples, ramp(2000)[400:500])
    assert one.count("seek") == 1
    assert one.frames_given < 1500


def test_a_range_behind_the_end_is_empty() -> None:
    receiver = RecordingReceiver()
    gen = generator(source(2), receiver, offset=1000)
    gen.run()
    assert receiver.names == ["on_start", "on_stream_start", "on_stream_end", "on_end"]
    assert (gen.ledgers["scripted"].end, gen.ledgers["scripted"].captured) == (0, 0)


@pytest.mark.parametrize("way", ["run", "for", "poll"])
def test_at_its_own_speed(way: str) -> None:
    """No window comes before its last frame would have been heard; nothing is changed."""
    clock, heard = ManualClock(jump=True), []
    receiver = RecordingReceiver(on_window=lambda window: heard.append((window.end_seconds, clock.now())))
    gen = generator(ScriptedSource([ramp(2050)]), receiver, pace="realtime")
    gen._clock = clock
    WAYS[way](gen)
    assert [facts(w) for w in receiver.windows] == [facts(w) for w in generator(ScriptedSource([ramp(2050)]))]
    assert all(now >= end - 1e-9 for end, now in heard[:-1])
    assert clock.now() == pytest.approx(2050 / 8000)


def test_an_offset_is_not_waited_for() -> None:
    clock = ManualClock(jump=True)
    gen = generator(ScriptedSource([ramp(8000)]), None, pace="realtime", offset=7000)
    gen._clock = clock
    assert len(list(gen)) == 10
    assert clock.now() == pytest.approx(1000 / 8000)


# -- arguments


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"window_length": 0.5}, TypeError, "window_length=0.5"),
        ({"window_length": "100"}, ValueError, "unit"),
        ({"window_length": 0}, ValueError, "at least 1"),
        ({"hop_length": True}, TypeError, "hop_length=True"),
        ({"hop_length": 10, "overlap": 0.5}, ValueError, "give one"),
        ({"overlap": 1.0}, ValueError, "overlap"),
        ({"overlap": -0.1}, ValueError, "overlap"),
        ({"overlap": "half"}, TypeError, "overlap"),
        ({"overlap": float("nan")}, ValueError, "overlap"),
        ({"tail": "keep"}, ValueError, "'pad' or 'crop' or 'drop' or 'shift'"),
        ({"tail": None}, ValueError, "tail"),
        ({"min_tail": 1.5}, ValueError, "min_tail"),
        ({"min_tail": True}, TypeError, "min_tail"),
        ({"fill_value": "0"}, TypeError, "fill_value"),
        ({"sample_rate": 0}, ValueError, "sample_rate=0"),
        ({"sample_rate": 16000.0}, TypeError, "sample_rate=16000.0"),
        ({"sample_rate": "16k"}, TypeError, "sample_rate"),
        ({"channels": "left"}, ValueError, "mono"),
        ({"channels": []}, ValueError, "channels"),
        ({"dtype": "int32"}, ValueError, "float32"),
        ({"resample_quality": "best"}, ValueError, "HQ"),
        ({"offset": -1}, ValueError, "offset"),
        ({"offset": 1.0}, TypeError, "offset"),
        ({"duration": 0}, ValueError, "duration"),
        ({"gaps": "ignore"}, ValueError, "split"),
        ({"max_fill": 1.0}, TypeError, "max_fill"),
        ({"errors": "ignore"}, ValueError, "skip"),
        ({"batch_size": 0}, ValueError, "batch_size"),
        ({"batch_size": 2.0}, TypeError, "batch_size"),
        ({"pace": "fast"}, ValueError, "realtime"),
        ({"live_buffer": 10}, TypeError, "live_buffer"),
        ({"live_buffer": "100 frames"}, ValueError, "live_buffer"),
        ({"overflow": "drop-newest"}, ValueError, "drop-oldest"),
        ({"windowlength": 3}, TypeError, "windowlength"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_wrong_arguments(arguments: dict[str, Any], error: type[Exception], says: str) -> None:
    one = source()
    with pytest.raises(error, match=says) as caught:
        generator(one, **arguments)
    assert type(caught.value) is error
    assert one.calls == []


@pytest.mark.parametrize("sources", [3, None, 1.5, np.zeros(3), object()], ids=str)
def test_wrong_sources(sources: Any) -> None:
    with pytest.raises(TypeError, match="sources of type"):
        generator(sources)


def test_arrays_need_a_rate() -> None:
    with pytest.raises(TypeError, match="Array"):
        generator(np.zeros(3))


def test_an_offset_needs_stored_audio() -> None:
    with pytest.raises(ValueError, match=r"offset.*live"):
        generator(source(live=True), offset=10)
    generator(source(live=True), offset=0)


def test_nothing_is_looked_up_before_it_is_driven(tmp_path: Path) -> None:
    generator(str(tmp_path / "*.wav"))
    generator([str(tmp_path / "nothing")])
