"""The Windower against a model that computes every frame's fate from the design's words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from audiostreamer import Gap, Stream, Window
from audiostreamer.windowing import TAILS, Windower, Windowing

from .models import Account, Cut, Slot, account, cut_out, full_windows, tail_window

FILL = -1.0
STREAM = Stream("s", "s", 8000, 2, 8000, 2)


Push = tuple[np.ndarray, np.ndarray | None]


# -- ways in which a source may give the same frames


def _plain(samples: np.ndarray, at: int, frames: int, room: int) -> Push:
    return samples[at : at + frames].copy(), None


def _given(samples: np.ndarray, at: int, frames: int, room: int) -> Push:
    buffer = np.full((room + frames, samples.shape[1]), np.nan, samples.dtype)
    buffer[room:] = samples[at : at + frames]
    return buffer[room:], buffer


def _shared(samples: np.ndarray, at: int, frames: int, room: int) -> Push:
    view = samples[: at + frames]
    view.flags.writeable = False
    return view[at:], view


def _other_dtype(samples: np.ndarray, at: int, frames: int, room: int) -> Push:
    return _given(samples.astype(np.float64), at, frames, room)


WAYS: dict[str, Callable[..., Push]] = {
    "plain": _plain, "given": _given, "shared": _shared, "other dtype": _other_dtype,
}  # fmt: skip


@dataclass
class Segment:
    """One segment: how many frames come at a time; a negative number is a fill."""

    steps: list[int]
    ways: list[str]
    rooms: list[int]


@dataclass
class Tape:
    """Pushes segments through a Windower, and keeps each window with a copy made when it came out."""

    cut: Cut
    windower: Windower
    kept: list[tuple[Window, np.ndarray]] = field(default_factory=list)
    sums: Account = field(default_factory=Account)
    begins: int = 0
    at: int = 0

    def play(self, segment: Segment) -> tuple[np.ndarray, set[int]]:
        frames = sum(map(abs, segment.steps))
        samples = np.stack([self.at + np.arange(frames), -2.0 - np.arange(frames)], axis=1).astype(np.float32)
        fills = self._fills(segment)
        samples[sorted(fills)] = FILL
        position = 0
        for step, way, room in zip(segment.steps, segment.ways, segment.rooms, strict=True):
            self._step(samples, position, step, way, room)
            position += abs(step)
            self._check(account(position, self.cut, fills, ended=False))
        self._take(self.windower.end())
        ended = account(frames, self.cut, fills, ended=True)
        self._check(ended)
        self.sums = _sum(self.sums, ended)
        self.at += frames
        return samples, fills

    def _fills(self, segment: Segment) -> set[int]:
        fills, position = set(), 0
        for step in segment.steps:
            if step < 0:
                fills |= set(range(position, position - step))
            position += abs(step)
        return fills

    def _step(self, samples: np.ndarray, position: int, step: int, way: str, room: int) -> None:
        if step < 0:
            self._take(self.windower.fill(-step))
        else:
            self._take(self.windower.push(*WAYS[way](samples, position, step, room)))

    def _take(self, batches: list[Any]) -> None:
        for batch in batches:
            counted = 0
            for window in batch:
                counted += 1
                batch.delivered = counted
                self.kept.append((window, window.samples.copy()))
            assert counted == len(batch)

    def _check(self, here: Account) -> None:
        w, want = self.windower, _sum(self.sums, here)
        assert (w.emitted, w.skipped, w.dropped_tail, w.waiting) == (
            want.emitted, want.skipped, want.dropped_tail, want.waiting,
        )  # fmt: skip
        assert w.pushed == want.emitted + want.skipped + want.dropped_tail + want.waiting


def _sum(one: Account, other: Account) -> Account:
    return Account(*(getattr(one, name) + getattr(other, name) for name in Account.__dataclass_fields__))


def _slots(frames: int, cut: Cut) -> list[Slot]:
    tail = tail_window(frames, cut)
    return [*full_windows(frames, cut), *([tail] if tail else [])]


def _windower(cut: Cut, **options: Any) -> Windower:
    return Windower(STREAM, Windowing(cut.length, cut.hop, cut.tail, cut.min_tail, FILL), **options)


cuts = st.builds(
    Cut,
    st.integers(1, 12),
    st.integers(1, 16),
    st.sampled_from(TAILS),
    st.integers(0, 16).map(lambda sixteenths: sixteenths / 16),
)


@st.composite
def segments(draw: st.DrawFn, *, fills: bool, shared: bool) -> Segment:
    step = st.integers(1, 40) | st.integers(1, 3)
    if fills:
        step = step | st.integers(-9, -1)
    steps = draw(st.lists(step, max_size=8))
    way = st.sampled_from([name for name in WAYS if name != "shared" or shared])
    one = draw(st.none() | way)
    return Segment(steps, [one or draw(way) for _ in steps], [draw(st.integers(0, 20)) for _ in steps])


def _compare(tape: Tape, cut: Cut, played: list[tuple[int, np.ndarray, set[int]]]) -> None:
    expected = [(begin, samples, fills, slot) for begin, samples, fills in played for slot in _slots(len(samples), cut)]
    assert len(tape.kept) == len(expected)
    for index, ((window, then), (begin, samples, fills, slot)) in enumerate(zip(tape.kept, expected, strict=True)):
        assert (window.index, window.start, window.valid) == (index, begin + slot.start, slot.valid)
        assert window.filled == len(fills & set(range(slot.start, slot.start + slot.valid)))
        np.testing.assert_array_equal(then, cut_out(samples, slot, FILL))
        np.testing.assert_array_equal(window.samples, then, err_msg="it changed after it was handed out")
        assert not window.samples.flags.writeable
        assert window.samples.dtype == np.float32


@pytest.mark.parametrize("fills", [False, True], ids=["audio", "fills"])
@given(cut=cuts, data=st.data())
def test_equals_the_model(fills: bool, cut: Cut, data: st.DataObject) -> None:
    _play_and_compare(fills, False, cut, data)


@pytest.mark.parametrize("fills", [False, True], ids=["audio", "fills"])
@settings(phases=[Phase.generate], derandomize=True, max_examples=200)
@given(cut=cuts, data=st.data())
def test_an_array_equals_the_model(fills: bool, cut: Cut, data: st.DataObject) -> None:
    _play_and_compare(fills, True, cut, data)


def _play_and_compare(fills: bool, shared: bool, cut: Cut, data: st.DataObject) -> None:
    tape, played, begins = Tape(cut, _windower(cut, start=5)), [], 5
    for segment in data.draw(st.lists(segments(fills=fills, shared=shared), min_size=1, max_size=3)):
        samples, filled = tape.play(segment)
        played.append((begins, samples, filled))
        begins += len(samples) + 3
        tape.windower.restart(begins)
    _compare(tape, cut, played)


@given(cut=cuts, steps=st.lists(st.integers(1, 30), min_size=1, max_size=8))
@example(cut=Cut(10, 3, "shift"), steps=[25, 25, 25])
@example(cut=Cut(3, 11, "shift"), steps=[9, 9, 9])
def test_fresh_counts_each_frame_once(cut: Cut, steps: list[int]) -> None:
    """`WindowBatch.fresh` after d delivered windows: the real frames that were in no window before."""
    windower, seen = _windower(cut), set()
    samples = np.zeros((sum(steps), 2), np.float32)
    batches = [b for s in steps for b in windower.push(samples[:s])] + windower.end()
    for batch in batches:
        before = len(seen)
        assert batch.fresh == 0
        for number, window in enumerate(batch, 1):
            batch.delivered = number
            seen |= set(range(window.start, window.start + window.valid))
            assert batch.fresh == len(seen) - before
    assert len(seen) == windower.emitted


@pytest.mark.parametrize(
    ("tail", "windows", "last", "dropped"),
    [("pad", 8, (7000, 3500, 4000), 0), ("crop", 8, (7000, 3500, 3500), 0), ("drop", 7, (6000, 4000, 4000), 500),
     ("shift", 8, (6500, 4000, 4000), 0)],
)  # fmt: skip
def test_the_worked_example(tail: str, windows: int, last: tuple[int, int, int], dropped: int) -> None:
    windower = Windower(STREAM, Windowing(4000, 1000, tail))
    made = [w for b in windower.push(np.ones((10_500, 2), np.float32)) for w in b]
    made += [w for b in windower.end() for w in b]
    assert len(made) == windows
    assert (made[-1].start, made[-1].valid, len(made[-1].samples)) == last
    assert windower.dropped_tail == dropped


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("frames", [0, 1])
def test_very_short(tail: str, frames: int) -> None:
    windower = Windower(STREAM, Windowing(4, 4, tail))
    windower.push(np.ones((frames, 2), np.float32)) if frames else None
    made = [w for b in windower.end() for w in b]
    assert len(made) == (frames and tail != "drop")


@pytest.mark.parametrize(
    ("left", "windows"), [(1, 1), (2, 2), (3, 2)], ids=["under the share", "just the share", "over it"]
)
@pytest.mark.parametrize("tail", ["pad", "crop", "shift"])
def test_min_tail_is_a_share_of_the_window(tail: str, left: int, windows: int) -> None:
    windower = Windower(STREAM, Windowing(4, 4, tail, min_tail=0.5))
    batches = windower.push(np.ones((4 + left, 2), np.float32)) + windower.end()
    assert sum(map(len, batches)) == windows
    assert windower.dropped_tail == (left if windows == 1 else 0)


# -- memory


def _push_given(windower: Windower, frames: int, room: int) -> tuple[np.ndarray, list[Window]]:
    samples, buffer = _given(np.ones((frames, 2), np.float32), 0, frames, room)
    assert buffer is not None
    return buffer, [w for b in windower.push(samples, buffer) for w in b]


def test_a_given_block_is_used_in_place() -> None:
    windower = Windower(STREAM, Windowing(100, 50))
    for _ in range(3):
        buffer, windows = _push_given(windower, 480, 100)
        assert windows
        assert all(np.shares_memory(w.samples, buffer) for w in windows)


def test_an_array_is_used_in_place_throughout() -> None:
    samples = np.ones((1000, 2), np.float32)
    windower, windows = Windower(STREAM, Windowing(100, 30)), []
    for at in range(0, 1000, 200):
        windows += [w for b in windower.push(*_shared(samples, at, 200, 0)) for w in b]
    assert len(windows) == 31
    assert all(np.shares_memory(w.samples, samples) for w in windows)


def test_a_block_without_a_buffer_is_not_kept() -> None:
    windower, block = Windower(STREAM, Windowing(10, 10)), np.ones((40, 2), np.float32)
    windows = [w for b in windower.push(block) for w in b]
    assert not any(np.shares_memory(w.samples, block) for w in windows)


def test_windows_of_one_block_share_its_memory() -> None:
    windower = Windower(STREAM, Windowing(10, 5))
    one, other, *_ = (w for b in windower.push(np.ones((40, 2), np.float32)) for w in b)
    assert np.shares_memory(one.samples, other.samples)


def test_an_array_that_may_not_be_written_is_never_written() -> None:
    """After a short block the carry-over is in a buffer of our own; the array's frames stay as they are."""
    samples = np.arange(2000, dtype=np.float32).reshape(1000, 2)
    before = samples.copy()
    windower = Windower(STREAM, Windowing(100, 10))
    windower.push(*_shared(samples, 0, 95, 0))
    windower.push(*_shared(samples, 95, 3, 0))
    made = [w for b in windower.push(*_shared(samples, 98, 900, 0)) for w in b]
    np.testing.assert_array_equal(samples, before)
    np.testing.assert_array_equal(made[0].samples, before[:100])


def test_a_gap_is_carried_by_the_first_window_after_it() -> None:
    windower, gap = Windower(STREAM, Windowing(2, 2)), Gap(4, 3, 3 / 8000, "stall")
    windower.restart(7, gap)
    made = [w for _ in range(2) for b in windower.push(np.ones((4, 2), np.float32)) for w in b]
    assert [(w.gap, w.start) for w in made] == [(gap, 7), (None, 9), (None, 11), (None, 13)]
