"""The five ways to drive a Generator to its end, and what to compare afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np

from audiostreamer import Generator, Window
from audiostreamer.testing import PATIENCE_SECONDS, RecordingReceiver, ScriptedSource

Way = Callable[[Generator], "list[Window] | None"]


def run(gen: Generator) -> None:
    gen.run()


def start_and_join(gen: Generator) -> None:
    gen.start()
    report = gen.join(PATIENCE_SECONDS)
    assert report is gen.report, "the run did not end in time"


def poll(gen: Generator, limit: int | None = None) -> None:
    for _ in range(100_000):
        count = gen.poll(PATIENCE_SECONDS, limit)
        if gen.done:
            return
        assert count, "nothing came in time"
    raise AssertionError("the run did not end")


def poll_little(gen: Generator) -> None:
    poll(gen, limit=1)


def loop(gen: Generator) -> list[Window]:
    return list(gen)


def async_loop(gen: Generator) -> list[Window]:
    async def collect() -> list[Window]:
        return [window async for window in gen]

    return asyncio.run(asyncio.wait_for(collect(), PATIENCE_SECONDS))


WAYS: dict[str, Way] = {
    "run": run, "start and join": start_and_join, "poll": poll, "poll(limit=1)": poll_little,
    "for": loop, "async for": async_loop,
}  # fmt: skip


def facts(window: Window) -> tuple[Any, ...]:
    """A window as values that compare; not its time, which differs from run to run."""
    gap = window.gap and (window.gap.start, window.gap.frames, window.gap.reason)
    samples = (window.samples.dtype.str, window.samples.shape, window.samples.tobytes())
    return (window.stream.id, window.index, window.start, window.valid, window.filled, gap, samples)


def story(receiver: RecordingReceiver) -> list[tuple[Any, ...]]:
    """Every hook in order, as values that compare."""
    return [(call.name, *map(_plain, call.args)) for call in receiver.calls]


def _plain(value: Any) -> Any:
    if isinstance(value, Window):
        return facts(value)
    if isinstance(value, Exception):
        return type(value), str(value)
    if hasattr(value, "streams"):  # a report
        return [(id, one.ledger, one.result) for id, one in value.streams.items()]
    return repr(value) if "utc=" in repr(value) else value


def ramp(frames: int, channels: int = 1, dtype: str = "float32") -> np.ndarray:
    """Frames that tell their position."""
    values = np.arange(frames * channels).reshape(frames, channels)
    return values.astype(dtype) if dtype == "int16" else (values / 32768).astype(dtype)


def blocks(count: int, frames: int = 100, *, first: int = 0) -> list[np.ndarray]:
    """Blocks that continue each other."""
    whole = ramp((first + count) * frames)
    return [whole[(first + n) * frames : (first + n + 1) * frames] for n in range(count)]


def source(count: int = 5, **options: Any) -> ScriptedSource:
    """A source of so many blocks of 100 frames at 8 kHz."""
    return ScriptedSource(blocks(count), **options)


def generator(sources: Any, receiver: Any = None, **options: Any) -> Generator:
    """A Generator of windows of 100 frames."""
    return Generator(sources, receiver, **{"window_length": 100, **options})


def assert_paired(receiver: RecordingReceiver) -> None:
    """What holds for every run, however it ended."""
    names = receiver.names
    assert names[0] == "on_start"
    assert names[-1] == "on_end"
    assert names.count("on_start") == names.count("on_end") == 1
    started = [s.id for s in receiver.of("on_stream_start")]
    assert sorted(started) == sorted(s.id for s, _ in receiver.of("on_stream_end"))
    assert all(ledger.balanced and ledger.pending >= 0 for _, ledger in receiver.of("on_stream_end"))
