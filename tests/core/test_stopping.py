"""Ends that somebody asked for: stop, drain, break, close, Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import audiostreamer
from audiostreamer import Generator, Metadata
from audiostreamer.testing import RecordingBatchReceiver, RecordingReceiver, ScriptedSource

from .driving import WAYS, Way, assert_paired, blocks, generator, poll, ramp, run, source

ways = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
kinds = pytest.mark.parametrize("live", [False, True], ids=["stored", "live"])


def _stops_at(index: int, **how: Any) -> tuple[RecordingReceiver, list[Generator], list[bool]]:
    """A receiver that stops its run in a window's hook; the Generator is put into the list afterwards."""
    gens: list[Generator] = []
    answers: list[bool] = []
    receiver = RecordingReceiver(
        on_window=lambda window: answers.append(gens[0].stop(**how)) if window.index == index else None
    )
    return receiver, gens, answers


@ways
@kinds
def test_stop_in_a_hook(way: Way, live: bool) -> None:
    receiver, gens, answers = _stops_at(2)
    one, after = ScriptedSource([ramp(1000), Metadata({"t": "1"}), *blocks(5)], live=live), source(name="after")
    gens.append(generator([one] if live else [one, after], receiver))
    way(gens[0])
    assert [w.index for w in receiver.windows] == [0, 1, 2]
    assert answers == [False], "in a hook it only asks"
    assert receiver.names[-2:] == ["on_stream_end", "on_end"]
    assert "on_metadata" not in receiver.names
    ledger = gens[0].report.streams["scripted"].ledger
    assert (ledger.delivered, ledger.windows, ledger.balanced) == (300, 3, True)
    assert ledger.pending == ledger.captured - 300
    assert gens[0].stop(), "the run is over"
    assert_paired(receiver)


@ways
@kinds
def test_drain_in_a_hook(way: Way, live: bool) -> None:
    """What was captured is delivered, the tail included; nothing more is read."""
    receiver, gens, _ = _stops_at(0, drain=True)
    one = ScriptedSource([ramp(350), *blocks(2000)], live=live, hold=live)
    gens.append(generator(one, receiver))
    if live:
        one.release(1)
    way(gens[0])
    ledger = gens[0].report.streams["scripted"].ledger
    assert ledger.captured >= 350
    assert (ledger.pending, ledger.delivered) == (0, ledger.captured)
    assert [w.valid for w in receiver.windows] == [100] * (ledger.captured // 100) + [50]
    assert one.frames_given < 20_000
    assert_paired(receiver)


@pytest.mark.parametrize("drain", [False, True])
@kinds
def test_stop_from_another_thread(live: bool, drain: bool) -> None:
    receiver, one = RecordingReceiver(), ScriptedSource([ramp(250), *blocks(3)], live=live, hold=True)
    gen = generator(one, receiver)
    gen.start()
    one.step()
    if not live:  # a stored source's read cannot be ended
        assert not gen.stop(timeout=0.0, drain=drain)
        one.release()
    assert gen.stop(timeout=10.0, drain=drain)
    assert gen.done
    assert gen.join(0.0) is gen.report
    ledger = gen.report.streams["scripted"].ledger
    assert ledger.balanced
    assert ledger.pending == (0 if drain else ledger.captured - ledger.delivered)
    assert not drain or ledger.delivered >= 250
    assert_paired(receiver)


def test_a_stop_ends_a_blocked_live_read() -> None:
    one = source(live=True, hold=True)
    gen = generator(one)
    gen.start()
    one.step()
    assert gen.stop(timeout=10.0)
    assert one.count("interrupt") == 1
    assert one.calls[-1].name == "close"


def test_a_stop_does_not_wait_longer_than_asked() -> None:
    inside, free = threading.Event(), threading.Event()

    def block(window: Any) -> None:
        inside.set()
        assert free.wait(10.0)

    receiver = RecordingReceiver(on_window=block)
    gen = generator(source(), receiver)
    gen.start()
    assert inside.wait(10.0)
    assert gen.stop(timeout=0.01) is False
    free.set()
    assert gen.stop(timeout=10.0) is True
    assert len(receiver.windows) == 1


def test_stop_between_polls() -> None:
    receiver, one = RecordingReceiver(), source(live=True, hold=True)
    gen = generator(one, receiver)
    gen.poll()
    one.step(2)
    while not receiver.windows:
        assert gen.poll(10.0, limit=1)
    assert gen.stop(timeout=10.0)
    assert gen.done
    assert len(receiver.windows) == 1
    assert_paired(receiver)


@pytest.mark.parametrize("drain", [False, True])
def test_stop_in_a_loop_s_body(drain: bool) -> None:
    receiver, one = RecordingReceiver(), ScriptedSource([ramp(250), *blocks(10)])
    gen, seen = generator(one, receiver), []
    for window in gen:
        seen.append(window.valid)
        if len(seen) == 1:
            assert gen.stop(drain=drain) is False
    assert seen == ([100, 100, 50] if drain else [100])
    assert_paired(receiver)


def test_stop_before_anything_is_nothing() -> None:
    gen = generator(source())
    assert gen.stop()
    gen.close()
    assert not gen.done


def test_a_batch_that_was_taken_counts_whole() -> None:
    gens: list[Generator] = []
    receiver = RecordingBatchReceiver(on_windows=lambda batch: gens[0].stop())
    gens.append(generator(ScriptedSource([ramp(1000)]), receiver, batch_size=4))
    run(gens[0])
    assert [len(b) for b in receiver.batches] == [4]
    assert gens[0].report.streams["scripted"].ledger.delivered == 400


# -- loops that are left, and close


@pytest.mark.parametrize("options", [{}, {"live": True}, {"read_ahead": True}, {"live": True, "hold": True}], ids=str)
@pytest.mark.parametrize("receiver", [None, RecordingReceiver], ids=["alone", "receiver"])
def test_breaking_out_closes_everything(options: dict[str, Any], receiver: Any) -> None:
    one = source(20, **options)
    made = receiver and receiver()
    gen = generator([one, source(name="after")], made)
    if options.get("hold"):
        one.release(1)
    for _ in gen:
        break
    assert gen.done
    assert one.count("close") == 1
    assert gen.report.streams["scripted"].ledger.windows == 1
    if made:
        assert_paired(made)


@pytest.mark.parametrize("live", [False, True], ids=["stored", "live"])
def test_breaking_out_of_an_async_loop(live: bool) -> None:
    one, receiver = source(20, live=live), RecordingReceiver()

    async def first() -> None:
        async for _ in generator(one, receiver):
            break

    asyncio.run(asyncio.wait_for(first(), 10.0))
    assert len(receiver.windows) == 1
    assert one.count("close") == 1
    assert_paired(receiver)


def test_a_cancelled_task_closes_everything() -> None:
    one, receiver = source(live=True, hold=True), RecordingReceiver()

    async def forever() -> None:
        async for _ in generator(one, receiver):
            pass

    async def main() -> None:
        task = asyncio.create_task(forever())
        await asyncio.to_thread(one.step)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(asyncio.wait_for(main(), 10.0))
    assert one.count("close") == 1
    assert_paired(receiver)


@pytest.mark.parametrize("begin", ["start", "poll", "for"])
def test_with_closes(begin: str) -> None:
    one, receiver = source(live=True, hold=True), RecordingReceiver()
    with generator(one, receiver) as gen:
        if begin == "start":
            gen.start()
        elif begin == "poll":
            gen.poll()
        else:
            one.release(1)
            next(iter(gen))
    assert gen.done
    assert one.count("close") == 1
    gen.close()
    assert_paired(receiver)


def test_close_in_the_middle_of_polling() -> None:
    one, receiver = source(live=True, hold=True), RecordingReceiver()
    gen = generator(one, receiver)
    gen.poll()
    one.step(3)
    gen.close()
    gen.close()
    assert gen.report.streams["scripted"].ledger.captured == 300
    assert_paired(receiver)


def test_a_hook_that_fails_while_a_loop_is_left_is_raised() -> None:
    class Boom(Exception):
        pass

    loop = iter(generator(source(), RecordingReceiver(on_end=Boom())))
    next(loop)
    with pytest.raises(Boom):
        loop.close()  # type: ignore[attr-defined]


# -- Ctrl-C


@pytest.mark.parametrize("way", [run, poll, WAYS["for"]], ids=["run", "poll", "for"])
@pytest.mark.parametrize("hook", ["on_start", "on_stream_start", "on_window", "on_stream_end", "on_end"])
@kinds
def test_a_keyboard_interrupt_runs_the_end_hooks(way: Way, hook: str, live: bool) -> None:
    receiver, one = RecordingReceiver(**{hook: KeyboardInterrupt()}), source(live=live)
    gen = generator(one, receiver, errors="skip")
    with pytest.raises(KeyboardInterrupt):
        way(gen)
    assert gen.done
    assert "on_stream_error" not in receiver.names
    assert len(receiver.windows) == {"on_start": 0, "on_stream_start": 0, "on_window": 1}.get(hook, 5)
    assert one.count("open") == one.count("close")
    assert_paired(receiver)


CHILD = """
import sys
from audiostreamer import Generator
from audiostreamer.testing import RecordingReceiver, ScriptedSource
receiver = RecordingReceiver(on_stream_start=lambda stream: print("ready", flush=True))
gen = Generator(ScriptedSource([], live={live}, hold=True), receiver, window_length=10)
try:
    {drive}
except KeyboardInterrupt:
    print(*receiver.names, gen.done)
"""


@contextlib.contextmanager
def _child(code: str) -> Iterator[subprocess.Popen[str]]:
    root = Path(audiostreamer.__file__).parents[1]
    child = subprocess.Popen(
        [sys.executable, "-c", code], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(root)},
    )  # fmt: skip
    try:
        yield child
    finally:
        child.kill()
        child.communicate(timeout=10)


@pytest.mark.parametrize("drive", ["gen.run()", "list(gen)"])
def test_a_real_interrupt(drive: str) -> None:
    with _child(CHILD.format(live=True, drive=drive)) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=20)
    assert out == "on_start on_stream_start on_stream_end on_end True\n"
    assert err == ""
    assert child.returncode == 0
