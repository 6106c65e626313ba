"""The plain values: frozen, copied, pickled, shown."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from audiostreamer import Block, Gap, Ledger, Stream, Window, WindowBatch
from audiostreamer.windowing import Windower, Windowing

STREAM = Stream("s", "file:s", 8000, 2, 44_100, 2, frames=100, metadata={"title": "t"})
GAP = Gap(3, 8, 0.001, "stall", datetime(2024, 1, 1, tzinfo=timezone.utc))
EPOCH = datetime(2024, 1, 1, tzinfo=timezone.utc)


def _batch(frames: int = 5000, length: int = 4, hop: int = 3, dtype: str = "float32", channels: int = 2) -> WindowBatch:
    stream = dataclasses.replace(STREAM, channels=channels)
    windower = Windower(stream, Windowing(length, hop), dtype, start=7)
    windower.epoch = EPOCH
    windower.restart(7, GAP)
    ramp = np.arange(frames * channels).reshape(frames, channels)
    (batch,) = windower.push((ramp % 1000).astype(dtype))
    return batch


def _window(**options: Any) -> Window:
    return next(iter(_batch(**options)))


def _fields(window: Window) -> tuple[Any, ...]:
    return tuple(getattr(window, name) for name in ("stream", "index", "start", "valid", "filled", "gap", "utc"))


@pytest.mark.parametrize("value", [STREAM, GAP, Ledger(captured=3, pending=3)], ids=lambda v: type(v).__name__)
def test_plain_values_are_frozen_and_pickle(value: Any) -> None:
    assert pickle.loads(pickle.dumps(value)) == value
    assert copy.deepcopy(value) == value
    name = dataclasses.fields(value)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, name, 0)
    assert not hasattr(value, "__dict__")


@pytest.mark.parametrize(
    ("changes", "balanced"),
    [
        ({}, True),
        ({"captured": 8, "end": 8, "delivered": 4, "skipped": 1, "dropped_tail": 2, "pending": 1}, True),
        ({"captured": 8, "end": 8, "delivered": 5, "dropped_overflow": 3}, True),
        ({"captured": 10, "end": 15, "gap_frames": 5, "delivered": 10}, True),
        ({"captured": 1, "end": 1}, False),
        ({"delivered": 1}, False),
        ({"end": 1}, False),
        ({"gap_frames": 1}, False),
    ],
)  # fmt: skip
def test_the_law(changes: dict[str, int], balanced: bool) -> None:
    assert Ledger(**changes).balanced is balanced


def test_a_window_pickles_without_its_block() -> None:
    window = _window(frames=50_000)
    data = pickle.dumps(window)
    assert len(data) < 2000
    back = pickle.loads(data)
    assert _fields(back) == _fields(window)
    np.testing.assert_array_equal(back.samples, window.samples)
    assert not back.samples.flags.writeable


def test_a_batch_pickles_without_its_block() -> None:
    part = _batch(frames=50_000).part(2, 3)
    data = pickle.dumps(part)
    back = pickle.loads(data)
    assert len(data) < 3000
    np.testing.assert_array_equal(back.samples, part.samples)
    assert [_fields(w) for w in back] == [_fields(w) for w in part]


def test_a_copy_has_its_own_memory() -> None:
    window = _window()
    other = window.copy()
    assert _fields(other) == _fields(window)
    np.testing.assert_array_equal(other.samples, window.samples)
    assert not np.shares_memory(other.samples, window.samples)
    assert other.samples.base is None
    assert not other.samples.flags.writeable


def test_windows_have_no_room_for_more() -> None:
    with pytest.raises(AttributeError):
        _window().more = 1  # type: ignore[attr-defined]


def test_seconds_count_the_padding() -> None:
    window = Window(np.zeros((4, 1), np.float32), STREAM, 0, start=4000, valid=1)
    assert (window.start_seconds, window.end_seconds) == (0.5, 4004 / 8000)


def test_samples_cannot_be_written() -> None:
    batch = _batch()
    for samples in (batch.samples, next(iter(batch)).samples):
        with pytest.raises(ValueError, match="read-only"):
            samples[0] = 1


@pytest.mark.parametrize(
    ("channels", "dtype", "rows", "expected"),
    [
        (2, "float32", [[0.5, 0.25]], [0.375]),
        (3, "float64", [[0.1, 0.2, 0.4]], [(0.1 + 0.2 + 0.4) / 3]),
        (2, "int16", [[1, 2], [3, 4], [32767, 32767], [-32768, -32768]], [2, 4, 32767, -32768]),  # half to even
        (3, "float32", [[1e8, 1.0, -1e8]], [0.0]),  # added in order, in float32
    ],
)
def test_mono(channels: int, dtype: str, rows: list[Any], expected: list[float]) -> None:
    window = Window(np.array(rows, dtype), dataclasses.replace(STREAM, channels=channels), 0, 0, len(rows))
    assert window.mono.dtype == dtype
    np.testing.assert_array_equal(window.mono, np.array(expected, dtype))


def test_mono_of_one_channel_is_a_view() -> None:
    window = _window(channels=1)
    assert window.mono.shape == (4,)
    assert np.shares_memory(window.mono, window.samples)


@pytest.mark.parametrize(("length", "hop"), [(4, 3), (4, 4), (3, 7), (1, 1)])
@pytest.mark.parametrize(("first", "count"), [(0, 1), (0, 5), (2, 3)])
def test_a_batch_is_its_windows(length: int, hop: int, first: int, count: int) -> None:
    part = _batch(length=length, hop=hop, frames=60).part(first, count)
    windows = list(part)
    assert len(part) == len(windows) == count
    assert part.samples.shape == (count, length, 2)
    np.testing.assert_array_equal(part.samples, [w.samples for w in windows])
    np.testing.assert_array_equal(part.starts, [w.start for w in windows])
    np.testing.assert_array_equal(part.indices, [w.index for w in windows])
    np.testing.assert_array_equal(part.valids, [w.valid for w in windows])
    assert np.shares_memory(part.samples, windows[0].samples)
    assert [w.gap for w in windows] == [None if first else GAP, *[None] * (count - 1)]
    assert [w.utc for w in windows] == [EPOCH + timedelta(seconds=w.start / 8000) for w in windows]


def test_a_batch_is_cut_at_a_position() -> None:
    batch = _batch(frames=60, length=4, hop=3)  # windows end at 11, 14, 17 …
    for position, before in [(0, 0), (10, 0), (11, 1), (13, 1), (14, 2), (10_000, len(batch))]:
        until, since = batch.until(position), batch.since(position)
        assert [w.index for w in until or []] == list(range(before))
        assert [w.index for w in since or []] == list(range(before, len(batch)))


def test_reprs() -> None:
    batch = _batch(frames=30)
    assert repr(next(iter(batch))) == "<Window 0 of 's': 4 frames x 2 from 0.001 s>"
    assert repr(batch) == f"<WindowBatch 0:{len(batch)} of 's'>"


def test_blocks_have_slots() -> None:
    assert not hasattr(Block(np.zeros((1, 1))), "__dict__")
