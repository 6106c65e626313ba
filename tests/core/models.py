"""What the design says, computed the slow way: nothing is shared with the library but its values' names."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import soxr

from audiostreamer import Format, Lost


@dataclass(frozen=True)
class Cut:
    """How to cut."""

    length: int
    hop: int
    tail: str = "pad"
    min_tail: float = 0.0


@dataclass(frozen=True)
class Slot:
    """A window of one segment, positions counted from the segment's beginning."""

    start: int
    length: int
    valid: int


def is_skipped(frame: int, cut: Cut) -> bool:
    """Whether a frame lies between windows."""
    return frame % cut.hop >= cut.length


def full_windows(frames: int, cut: Cut) -> list[Slot]:
    """All full windows of so many frames."""
    count = 0 if frames < cut.length else 1 + (frames - cut.length) // cut.hop
    return [Slot(k * cut.hop, cut.length, cut.length) for k in range(count)]


def tail_window(frames: int, cut: Cut) -> Slot | None:
    """The window that the tail policy adds at the end of so many frames."""
    full = full_windows(frames, cut)
    covered = covered_by(full)
    if all(f in covered or is_skipped(f, cut) for f in range(frames)):
        return None
    start = len(full) * cut.hop
    left = frames - start
    if cut.tail == "drop" or left < Fraction(cut.min_tail) * cut.length:
        return None
    if cut.tail == "shift" and frames >= cut.length:
        return Slot(frames - cut.length, cut.length, cut.length)
    return Slot(start, left if cut.tail == "crop" else cut.length, left)


def covered_by(slots: Iterable[Slot]) -> set[int]:
    """All frames that are in a window."""
    return {frame for slot in slots for frame in range(slot.start, slot.start + slot.valid)}


@dataclass
class Account:
    """What became of the real frames of a segment."""

    emitted: int = 0
    skipped: int = 0
    dropped_tail: int = 0
    waiting: int = 0


def account(frames: int, cut: Cut, fills: set[int], *, ended: bool) -> Account:
    """The ledger of one segment of which so many frames have come, some of them fills."""
    slots = full_windows(frames, cut)
    tail = tail_window(frames, cut) if ended else None
    covered = covered_by([*slots, tail] if tail else slots)
    made = Account()
    for frame in set(range(frames)) - fills:
        if frame in covered:
            made.emitted += 1
        elif is_skipped(frame, cut):
            made.skipped += 1
        elif ended:
            made.dropped_tail += 1
        else:
            made.waiting += 1
    return made


def cut_out(samples: np.ndarray, slot: Slot, fill: float) -> np.ndarray:
    """A window's samples."""
    window = np.full((slot.length, samples.shape[1]), fill, samples.dtype)
    window[: slot.valid] = samples[slot.start : slot.start + slot.valid]
    return window


# -- streams


def half_up(value: Fraction) -> int:
    """The nearest whole number, halves up."""
    return math.floor(value + Fraction(1, 2))


@dataclass
class Stretch:
    """Audio on the delivered timeline between gaps that split; `before` are the gaps that made it begin."""

    start: int
    before: list[tuple[int, int, str]] = field(default_factory=list)
    pieces: list[np.ndarray] = field(default_factory=list)
    fills: list[tuple[int, int]] = field(default_factory=list)  # in this stretch's own frames

    @property
    def frames(self) -> int:
        return sum(map(len, self.pieces))


@dataclass
class Timeline:
    """A whole stream as delivered: stretches, and the gaps before each of them."""

    stretches: list[Stretch]
    gaps: list[list[tuple[int, int, str]]]  # one list more than stretches: the last one is at the end
    overflow: int
    lost: int
    captured: int


def deliver(samples: np.ndarray, rate_in: int, rate: int, dtype: str, quality: str = "HQ") -> np.ndarray:
    """One contiguous run at the delivered rate, in floats."""
    working = "float64" if dtype == "float64" else "float32"
    if samples.dtype == np.int16:
        samples = (samples / 32768).astype(working)
    samples = samples.astype(working)
    if rate_in == rate or not len(samples):
        return samples
    return soxr.resample(samples, rate_in, rate, quality=quality)


def quantise(samples: np.ndarray, dtype: str) -> np.ndarray:
    """Floats in the delivered type: half to even, saturating, NaN is silence."""
    if dtype != "int16":
        return samples.astype(dtype)
    whole = [[0 if math.isnan(x) else max(-32768, min(32767, round(float(x) * 32768)))
              if math.isfinite(x) else (32767 if x > 0 else -32768) for x in row] for row in samples]  # fmt: skip
    return np.array(whole, np.int16).reshape(samples.shape)


def remap(samples: np.ndarray, channels: int, selection: Any, fill: float) -> np.ndarray:
    """Channels of a layout in the delivered ones."""
    have = samples.shape[1]
    mono = selection == "mono" or (selection is None and channels == 1)
    if mono or (have == 1 and channels > 1):
        total = samples[:, :1].copy()
        for c in range(1, have):
            total = total + samples[:, c : c + 1]
        return np.tile(total if have == 1 else total / have, (1, channels)).astype(samples.dtype)
    wanted = range(channels) if selection is None else selection
    missing = np.full(len(samples), fill, samples.dtype)
    return np.stack([samples[:, c] if c < have else missing for c in wanted], axis=1)


def lay_out(events: list[Any], opened: Format, options: dict[str, Any]) -> Timeline:
    """A source's events on the delivered timeline, with exact positions."""
    return _Layout(opened, options).run(events)


class _Layout:
    def __init__(self, opened: Format, options: dict[str, Any]) -> None:
        self.rate = options.get("sample_rate") or opened.sample_rate
        self.selection = options.get("channels")
        self.channels = {"mono": 1}.get(self.selection) if isinstance(self.selection, str) else None
        self.channels = self.channels or (len(self.selection) if self.selection else opened.channels)
        self.dtype = options.get("dtype", "float32")
        self.fill = options.get("fill_value", 0.0)
        self.max_fill = options.get("max_fill", 0) if options.get("gaps") == "fill" else -1
        self.now = opened
        self.seconds = Fraction(0)
        self.end = 0  # of the timeline
        self.run_blocks: list[np.ndarray] = []
        self.pending: list[tuple[str, Fraction]] = []
        self.made = Timeline([Stretch(0)], [[]], 0, 0, 0)

    def run(self, events: list[Any]) -> Timeline:
        for event in events:
            if isinstance(event, Format):
                self.finish_run()
                self.now = event
            elif isinstance(event, Lost) and event.frames:
                self.finish_run()
                self.pending.append((event.reason, Fraction(event.frames, self.now.sample_rate)))
            elif isinstance(event, np.ndarray) and len(event):
                self.resume()
                self.run_blocks.append(event)
        self.finish_run()
        self.resume()
        return self.made

    def finish_run(self) -> None:
        if not self.run_blocks:
            return
        source = self.run_blocks
        self.run_blocks = []
        working = np.concatenate([deliver(s, self.now.sample_rate, self.now.sample_rate, self.dtype) for s in source])
        mapped = remap(working, self.channels, self.selection, self.fill)
        piece = deliver(mapped, self.now.sample_rate, self.rate, self.dtype)
        expected = half_up(Fraction(len(working) * self.rate, self.now.sample_rate))
        assert len(piece) == expected
        self.seconds += Fraction(len(working), self.now.sample_rate)
        self.end += len(piece)
        self.made.captured += len(piece)
        self.made.stretches[-1].pieces.append(quantise(piece, self.dtype))

    def resume(self) -> None:
        if not self.pending:
            return
        gaps = []
        for reason, seconds in self.merged():
            self.seconds += seconds
            start, self.end = self.end, max(self.end, half_up(self.seconds * self.rate))
            gaps.append((start, self.end - start, reason))
            if reason == "overflow":
                self.made.overflow += self.end - start
            else:
                self.made.lost += self.end - start
        self.pending = []
        total = sum(frames for _, frames, _ in gaps)
        if total <= self.max_fill:
            last = self.made.stretches[-1]
            last.fills.append((last.frames, last.frames + total))
            fill = quantise(np.full((total, self.channels), self.fill, np.float64), self.dtype)
            last.pieces.append(fill)
            self.made.gaps[-1] += gaps
        else:
            self.made.stretches.append(Stretch(self.end, gaps))
            self.made.gaps.append(list(gaps))

    def merged(self) -> list[tuple[str, Fraction]]:
        merged: list[tuple[str, Fraction]] = []
        for reason, seconds in self.pending:
            if merged and merged[-1][0] == reason:
                seconds += merged.pop()[1]
            merged.append((reason, seconds))
        return merged


def expected_windows(timeline: Timeline, cut: Cut, fill: float) -> list[tuple[Any, ...]]:
    """``(start, valid, filled, gap, samples)`` of every window; the gap is the last one just before it."""
    windows: list[tuple[Any, ...]] = []
    for stretch in timeline.stretches:
        if not stretch.frames:
            continue
        samples = np.concatenate(stretch.pieces)
        filled = {f for a, b in stretch.fills for f in range(a, b)}
        slots = full_windows(len(samples), cut)
        tail = tail_window(len(samples), cut)
        gap = stretch.before[-1] if stretch.before else None
        for slot in [*slots, tail] if tail else slots:
            inside = len(filled & set(range(slot.start, slot.start + slot.valid)))
            windows.append((stretch.start + slot.start, slot.valid, inside, gap, cut_out(samples, slot, fill)))
            gap = None
    return windows


def clip(timeline: Timeline, first: int, last: int) -> Timeline:
    """What of a timeline lies in a range of positions."""
    made = Timeline([], [], 0, 0, 0)
    for stretch, gaps in zip(timeline.stretches, timeline.gaps, strict=True):
        made.gaps.append(_clip_gaps(gaps, first, last))
        made.stretches.append(_clip_stretch(stretch, first, last))
    for _, frames, reason in (gap for gaps in made.gaps for gap in gaps):
        made.overflow += frames * (reason == "overflow")
        made.lost += frames * (reason != "overflow")
    fills = sum(b - a for stretch in made.stretches for a, b in stretch.fills)
    made.captured = sum(stretch.frames for stretch in made.stretches) - fills
    return made


def _clip_gaps(gaps: list[tuple[int, int, str]], first: int, last: int) -> list[tuple[int, int, str]]:
    return [part for gap in gaps if (part := _clip_gap(gap, first, last))]


def _clip_gap(gap: tuple[int, int, str], first: int, last: int) -> tuple[int, int, str] | None:
    start, stop = max(gap[0], first), min(gap[0] + gap[1], last)
    inside = first <= gap[0] < last if not gap[1] else stop > start
    return (start, stop - start, gap[2]) if inside else None


def _clip_stretch(stretch: Stretch, first: int, last: int) -> Stretch:
    skip = max(0, min(stretch.frames, first - stretch.start))
    keep = max(skip, min(stretch.frames, last - stretch.start))
    samples = [np.concatenate(stretch.pieces)[skip:keep]] if stretch.pieces else []
    fills = [(max(a, skip) - skip, min(b, keep) - skip) for a, b in stretch.fills if min(b, keep) > max(a, skip)]
    return Stretch(stretch.start + skip, _clip_gaps(stretch.before, first, last), samples, fills)
