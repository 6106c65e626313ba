"""The ways to drive: all give the same windows, and each keeps its own promises."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from audiostreamer import Array, Format, Generator, Lost, Metadata, Source, windows
from audiostreamer.testing import RecordingBatchReceiver, RecordingReceiver, ScriptedSource

from .driving import (
    WAYS,
    Way,
    assert_paired,
    blocks,
    facts,
    generator,
    loop,
    poll,
    ramp,
    run,
    source,
    start_and_join,
    story,
)  # fmt: skip
from .playing import Player

SCRIPT = [
    ramp(250), Metadata({"title": "1"}), ramp(130), Lost(77, "packet-loss"), ramp(90), Format(16_000, 2),
    ramp(700, 2, "int16"), Lost(0, "decode-error"), Lost(1000, "stall"), ramp(1, 2),
]  # fmt: skip
SOURCES: dict[str, Callable[[], Source]] = {
    "stored": lambda: ScriptedSource(SCRIPT),
    "reused buffer": lambda: ScriptedSource(SCRIPT, reuse_buffer=True),
    "given buffers": lambda: ScriptedSource(SCRIPT, give_buffer=True),
    "read ahead": lambda: ScriptedSource(SCRIPT, read_ahead=True, reuse_buffer=True),
    "live": lambda: ScriptedSource(SCRIPT, live=True, reuse_buffer=True),
    "live, given buffers": lambda: ScriptedSource(SCRIPT, live=True, give_buffer=True),
}
OPTIONS: list[dict[str, Any]] = [
    {"window_length": 100, "hop_length": 30, "tail": "crop"},
    {"window_length": 64, "sample_rate": 11_025, "channels": "mono", "gaps": "fill", "dtype": "int16"},
]

ways = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


def _expected(options: dict[str, Any]) -> list[tuple[Any, ...]]:
    lengths = {"max_fill": 110_250, **options}
    player = Player.of(Format(8000, 1), **lengths).play(SCRIPT)
    return [("scripted", *facts(window)[1:]) for window in player.windows]


@ways
@pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES)
@pytest.mark.parametrize("options", OPTIONS, ids=["as it is", "converted"])
def test_all_ways_give_the_same_windows(way: Way, make: Callable[[], Source], options: dict[str, Any]) -> None:
    receiver = RecordingReceiver()
    yielded = way(Generator(make(), receiver, **options))
    assert [facts(w) for w in receiver.windows] == _expected(options)
    assert yielded is None or [facts(w) for w in yielded] == _expected(options)
    assert_paired(receiver)


@ways
def test_all_ways_call_the_same_hooks(way: Way) -> None:
    stories = []
    for drive in (run, way):
        receiver = RecordingReceiver(on_stream_end=lambda stream, ledger: ledger.windows)
        drive(generator({"a": ScriptedSource(SCRIPT), "b": source(0), "c": source(3)}, receiver))
        stories.append(story(receiver))
    assert stories[0] == stories[1]


@ways
@pytest.mark.parametrize("live", [False, True], ids=["stored", "live"])
def test_batches_hold_the_same_windows(way: Way, live: bool) -> None:
    receiver = RecordingBatchReceiver()
    way(Generator(ScriptedSource(SCRIPT, live=live), receiver, batch_size=3, **OPTIONS[0]))
    assert [facts(w) for w in receiver.windows] == _expected(OPTIONS[0])
    assert max(len(batch) for batch in receiver.batches) <= 3


@ways
def test_an_array_is_like_any_other_source(way: Way) -> None:
    receiver = RecordingReceiver()
    way(generator(Array(ramp(1000, 2), 8000), receiver, hop_length=37))
    assert len(receiver.windows) == 26
    np.testing.assert_array_equal(receiver.windows[7].samples, ramp(1000, 2)[259:359])


@ways
def test_nothing_at_all(way: Way) -> None:
    receiver = RecordingReceiver()
    way(generator([], receiver))
    assert receiver.names == ["on_start", "on_end"]


@ways
def test_a_stream_without_audio_has_its_hooks(way: Way) -> None:
    receiver = RecordingReceiver()
    way(generator(source(0), receiver))
    assert receiver.names == ["on_start", "on_stream_start", "on_stream_end", "on_end"]


@ways
def test_driven_once(way: Way) -> None:
    gen = generator(source())
    way(gen)
    for again in (run, start_and_join, loop):
        with pytest.raises(RuntimeError, match="once"):
            again(gen)


@pytest.mark.parametrize("second", ["run", "start", "poll", "for"])
def test_a_second_way_while_the_first_goes_on(second: str) -> None:
    gen = generator(source())
    first = iter(gen)
    next(first)
    drives = {"run": gen.run, "start": gen.start, "poll": gen.poll, "for": lambda: next(iter(gen))}
    with pytest.raises(RuntimeError, match="once"):
        drives[second]()
    first.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("way", "thread"),
    [("run", "MainThread"), ("start and join", "audiostreamer generator"), ("poll", "MainThread"),
     ("for", "MainThread"), ("async for", "MainThread")],
)  # fmt: skip
@pytest.mark.parametrize("live", [False, True], ids=["stored", "live"])
def test_hooks_come_from_the_thread_that_drives(way: str, thread: str, live: bool) -> None:
    receiver, one = RecordingReceiver(), source(live=live)
    WAYS[way](generator(one, receiver))
    assert receiver.threads == {thread}
    (reader,) = one.threads()
    assert reader == (thread if not live and way in ("run", "start and join", "for") else "audiostreamer scripted")


@ways
def test_every_source_is_closed_once_opened(way: Way) -> None:
    sources = [source(name=name) for name in "abc"]
    way(generator(sources))
    assert [(s.count("open"), s.count("close")) for s in sources] == [(1, 1)] * 3


@ways
def test_the_report(way: Way) -> None:
    receiver = RecordingReceiver(on_stream_end=lambda stream, ledger: stream.id.upper())
    gen = generator({"a": source(2), "b": source(0)}, receiver)
    assert (gen.done, gen.ledgers, gen.report.streams) == (False, {}, {})
    way(gen)
    assert gen.done
    assert gen.report.results == {"a": "A", "b": "B"}
    assert gen.report.errors == {}
    assert list(gen.ledgers) == ["a", "b"]
    assert gen.ledgers["a"].delivered == gen.ledgers["a"].source_frames == 200
    assert receiver.of("on_end") == [gen.report]


def test_results_include_none() -> None:
    gen = generator({"a": source(), "b": ScriptedSource([], open_error=OSError("gone"))}, errors="skip")
    assert gen.run().results == {"a": None}
    assert list(gen.report.streams) == ["a", "b"]


@ways
def test_nothing_is_printed(way: Way, capfd: pytest.CaptureFixture[str]) -> None:
    way(generator(ScriptedSource(SCRIPT), errors="skip", progress=lambda progress: None))
    assert capfd.readouterr() == ("", "")


# -- start and join


def test_join_waits_no_longer_than_asked() -> None:
    one = source(live=True, hold=True)
    gen = generator(one)
    gen.start()
    assert gen.join(0.01) is None
    one.release()
    assert gen.join(10.0) is gen.report


def test_join_needs_start() -> None:
    with pytest.raises(RuntimeError, match="start"):
        generator(source()).join()


def test_join_again_gives_the_same() -> None:
    gen = generator(source())
    gen.start()
    assert gen.join(10.0) is gen.join(10.0)


# -- poll


def test_poll_returns_at_once_when_nothing_is_ready() -> None:
    one = source(2, live=True, hold=True)
    with generator(one) as gen:
        assert gen.poll() == 0
        assert gen.poll(0.01) == 0
        assert not gen.done


@pytest.mark.parametrize(("limit", "counts"), [(None, [5, 0]), (2, [2, 2, 1]), (5, [5]), (1, [1] * 5)])
def test_poll_delivers_what_is_ready(limit: int | None, counts: list[int]) -> None:
    one, receiver = source(live=True, hold=True), RecordingReceiver()
    with generator(one, receiver) as gen:
        gen.poll()
        one.step(5)
        _until_started(gen, receiver)
        delivered = [gen.poll(limit=limit) for _ in counts]
        assert delivered == counts
        assert len(receiver.windows) == 5


def _until_started(gen: Generator, receiver: RecordingReceiver) -> None:
    """The stream's own start is an item, too: take it with a limit of none."""
    for _ in range(1000):
        if "on_stream_start" in receiver.names:
            return
        gen.poll(0.01, limit=0)


def test_poll_waits_for_a_first_window_only() -> None:
    one, counts = source(2, live=True, hold=True), []
    gen = generator(one)
    poller = threading.Thread(target=lambda: counts.append(gen.poll(3600.0)))
    poller.start()
    one.step()
    poller.join(10.0)
    waits_on = poller.is_alive()
    one.release()
    gen.close()
    poller.join(10.0)
    assert not waits_on
    assert counts == [1]


def test_the_limit_holds_over_several_blocks() -> None:
    receiver = RecordingReceiver()
    one = ScriptedSource([ramp(200)] * 4, live=True, hold=True)
    with generator(one, receiver) as gen:
        gen.poll()
        one.step(4)
        _until_started(gen, receiver)
        assert [gen.poll(limit=3) for _ in range(3)] == [3, 3, 2]


def test_poll_after_the_end_is_nothing() -> None:
    gen = generator(source())
    poll(gen)
    assert gen.poll() == gen.poll(10.0) == 0


def test_a_poll_of_nothing_delivers_nothing() -> None:
    receiver = RecordingReceiver()
    with generator(source(live=True), receiver) as gen:
        for _ in range(3):
            assert gen.poll(limit=0) == 0
    assert receiver.windows == []


# -- loops


def test_a_loop_needs_no_receiver() -> None:
    assert [w.index for w in windows(source(), window_length=100)] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("way", ["for", "async for"])
def test_the_hook_runs_before_the_loop_has_the_window(way: str) -> None:
    receiver, seen = RecordingReceiver(), []
    gen = generator(source(), receiver)

    async def collect() -> None:
        async for _ in gen:
            seen.append(len(receiver.windows))

    if way == "for":
        seen += [len(receiver.windows) for _ in gen]
    else:
        asyncio.run(collect())
    assert seen == [1, 2, 3, 4, 5]


def test_other_tasks_run_meanwhile() -> None:
    one, turns = source(3, live=True, hold=True), []

    async def steps() -> None:
        for _ in range(3):
            await asyncio.to_thread(one.step)
            turns.append("step")
        one.release()

    async def both() -> None:
        task = asyncio.create_task(steps())
        async for window in generator(one):
            turns.append(window.index)
        await task

    asyncio.run(asyncio.wait_for(both(), 10.0))
    assert sorted(turns, key=str) == [0, 1, 2, "step", "step", "step"]


# -- books


@pytest.mark.parametrize("live", [False, True], ids=["stored", "live"])
def test_the_law_holds_from_any_thread_at_any_time(live: bool) -> None:
    script = [e for n in range(300) for e in (ramp(37), Lost(5, "packet-loss"), ramp(111))]
    gen = generator(ScriptedSource(script, live=live), lambda window: None, hop_length=30, sample_rate=11_025)
    looks, ends = [], threading.Event()

    def look() -> None:
        while not ends.is_set():
            looks.extend(gen.ledgers.values())

    watcher = threading.Thread(target=look)
    watcher.start()
    gen.run()
    ends.set()
    watcher.join()
    assert [ledger for ledger in looks if not ledger.balanced or ledger.pending < 0] == []
    assert all(a.captured <= b.captured and a.delivered <= b.delivered for a, b in pairwise(looks))
    assert gen.ledgers["scripted"].gaps == 300


def test_ledgers_grow_window_by_window() -> None:
    gen = generator(ScriptedSource([ramp(1000)]), lambda window: seen.append(gen.ledgers["scripted"].delivered))
    seen: list[int] = []
    gen.run()
    assert seen == list(range(100, 1001, 100))


def test_progress_is_told() -> None:
    told: list[Any] = []
    generator([source(name="a", frames=500), source(name="b")], progress=told.append).run()
    assert [p.done for p in told] == [False] * (len(told) - 1) + [True]
    last = told[-1]
    assert (last.streams, last.failed, last.windows, last.seconds) == (2, 0, 10, 1000 / 8000)
    assert told[0].stream_id == "a"
    assert told[0].expected == 500 / 8000


def test_failures_are_told() -> None:
    told: list[Any] = []
    generator([source(), ScriptedSource([], open_error=OSError("x"))], errors="skip", progress=told.append).run()
    assert (told[-1].streams, told[-1].failed, told[-1].done) == (2, 1, True)


def test_blocks_may_be_of_any_size() -> None:
    one = ScriptedSource([b[:n] for n in (1, 99, 100, 3) for b in blocks(1)])
    assert sum(w.valid for w in generator(one)) == 203
