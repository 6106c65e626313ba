"""The pipeline against a model with exact positions: any script, any pieces."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import soxr
from hypothesis import given
from hypothesis import strategies as st

from audiostreamer import Block, Format, Gap, Lost, Metadata
from audiostreamer.windowing import TAILS

from .models import Cut, clip, cut_out, expected_windows, full_windows, half_up, lay_out, quantise
from .playing import Player, make_options, noise, split_up

RATES = [8000, 11_025, 16_000, 44_100]
REASONS = ["packet-loss", "overflow", "lost-connection"]


@dataclass
class Script:
    """What a source says when it is opened, and its events; no two arrays follow each other."""

    opened: Format
    events: list[Any]

    def __repr__(self) -> str:
        shown = [f"noise{e.shape}.{e.dtype}" if isinstance(e, np.ndarray) else repr(e) for e in self.events]
        return f"Script({self.opened}, [{', '.join(shown)}])"


@st.composite
def scripts(draw: st.DrawFn, *, lossy: bool = True, changing: bool = True) -> Script:
    now = opened = Format(draw(st.sampled_from(RATES)), draw(st.integers(1, 3)))
    events: list[Any] = []
    for number in range(draw(st.integers(0, 6))):
        kinds = ["audio", "metadata", *["lost"] * lossy, *["format"] * changing]
        kind = draw(st.sampled_from([k for k in kinds if k != "audio" or not _is_audio(events)]))
        if kind == "audio":
            dtype = draw(st.sampled_from(["float32", "float64", "int16"]))
            events.append(noise(draw(st.integers(1, 1200)), now.channels, number, dtype))
        elif kind == "lost":
            events.append(Lost(draw(st.integers(1, 900)), draw(st.sampled_from(REASONS))))
        elif kind == "metadata":
            events.append(Metadata({"title": str(number)}))
        else:
            now = Format(draw(st.sampled_from(RATES)), draw(st.integers(1, 3)))
            events.append(now)
    return Script(opened, events)


def _is_audio(events: list[Any]) -> bool:
    return bool(events) and isinstance(events[-1], np.ndarray)


@st.composite
def options(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "window_length": draw(st.integers(1, 400)),
        "hop_length": draw(st.integers(20, 500)),
        "tail": draw(st.sampled_from(TAILS)),
        "min_tail": draw(st.sampled_from([0.0, 0.5])),
        "fill_value": draw(st.sampled_from([0.0, 0.25])),
        "sample_rate": draw(st.sampled_from([None, 8000, 12_000, 48_000])),
        "channels": draw(st.sampled_from([None, "mono", [0]])),
        "dtype": draw(st.sampled_from(["float32", "float64", "int16"])),
        "gaps": draw(st.sampled_from(["split", "fill"])),
        "max_fill": draw(st.integers(0, 1500)),
    }


def _cut(options: dict[str, Any]) -> Cut:
    return Cut(options["window_length"], options.get("hop_length", options["window_length"]),
               options.get("tail", "pad"), options.get("min_tail", 0.0))  # fmt: skip


def _fill(options: dict[str, Any]) -> float:
    return quantise(np.array([[options.get("fill_value", 0.0)]]), options.get("dtype", "float32")).item()


pieces = st.lists(st.integers(1, 500), min_size=1, max_size=5).map(itertools.cycle)


@given(script=scripts(), options=options(), sizes=pieces, in_place=st.booleans())
def test_equals_the_model(script: Script, options: dict[str, Any], sizes: Any, in_place: bool) -> None:
    opened, events = script.opened, script.events
    player = Player.of(opened, **options).play(list(split_up(events, sizes)), given=in_place)
    timeline = lay_out(events, opened, options)
    _compare_windows(player, expected_windows(timeline, _cut(options), _fill(options)))
    assert player.gaps == [gap for gaps in timeline.gaps for gap in gaps]
    assert [v for k, v in player.outputs if k == "metadata"] == [
        dict(e.mapping) for e in events if isinstance(e, Metadata)
    ]
    ledger = player.pipeline.ledger()
    assert (ledger.captured, ledger.gap_frames, ledger.dropped_overflow, ledger.gaps, ledger.pending) == (
        timeline.captured + timeline.overflow, timeline.lost, timeline.overflow, len(player.gaps), 0,
    )  # fmt: skip
    assert ledger.delivered == len(player.seen - _filled(timeline))


def _filled(timeline: Any) -> set[int]:
    return {s.start + f for s in timeline.stretches for a, b in s.fills for f in range(a, b)}


def _compare_windows(player: Player, expected: list[tuple[Any, ...]], tolerance: float = 0.0) -> None:
    assert [(w.start, w.valid) for w in player.windows] == [(start, valid) for start, valid, *_ in expected]
    assert [w.index for w in player.windows] == list(range(len(expected)))
    for window, copy, (_, _, filled, gap, samples) in zip(player.windows, player.copies, expected, strict=True):
        assert window.filled == filled
        assert (window.gap and (window.gap.start, window.gap.frames, window.gap.reason)) == gap
        np.testing.assert_array_equal(window.samples, copy, err_msg="it changed after it was handed out")
        np.testing.assert_allclose(copy, samples, rtol=0, atol=tolerance)
        assert copy.dtype == samples.dtype


@given(script=scripts(), options=options(), sizes=pieces)
def test_the_books_at_every_step(script: Script, options: dict[str, Any], sizes: Any) -> None:
    """What was captured so far follows from what was pushed so far (the law itself is looked at by `Player`)."""
    opened, events = script.opened, script.events
    player, pushed = Player.of(opened, **options), []
    for event in split_up(events, sizes):
        player.push(event)
        pushed.append(event)
        trailing = list(itertools.takewhile(lambda e: not isinstance(e, np.ndarray), reversed(pushed)))
        known = lay_out(pushed[: len(pushed) - len(trailing)], opened, options)
        ledger = player.pipeline.ledger()
        assert ledger.captured == known.captured + known.overflow
        assert ledger.end == ledger.captured + known.lost


@given(script=scripts(lossy=False, changing=False), sizes=pieces, rate=st.sampled_from([8000, 22_050, 48_000]))
def test_a_contiguous_stream_is_soxr_of_it(script: Script, sizes: Any, rate: int) -> None:
    opened, events = script.opened, script.events
    audio = [e for e in events if isinstance(e, np.ndarray)]
    player = Player.of(opened, window_length=100, sample_rate=rate, tail="crop").play(list(split_up(events, sizes)))
    if not audio:
        assert not player.windows
        return
    source = np.concatenate([a / 32768 if a.dtype == np.int16 else a for a in audio]).astype(np.float32)
    whole = soxr.resample(source, opened.sample_rate, rate) if rate != opened.sample_rate else source
    np.testing.assert_array_equal(np.concatenate([whole[:0], *(w.samples for w in player.windows)]), whole)


# -- positions


def test_nothing_drifts_in_ten_thousand_gaps() -> None:
    source_rate, rate = 44_100, 16_000
    player = Player.of(
        Format(source_rate, 1), window_length=1, hop_length=50, tail="drop", sample_rate=rate, resample_quality="QQ"
    )
    player.seen = _Ignored()  # only positions are looked at here
    seconds = Fraction(0)
    block = np.zeros((50, 1), np.float32)
    for number in range(5000):  # two gaps each
        player.pipeline.push(Block(block))
        (gap,) = [g for g in _pushed(player, Lost(7 + number % 5, "packet-loss"), Block(block)) if isinstance(g, Gap)]
        seconds += Fraction(50 + 7 + number % 5, source_rate)
        assert abs(Fraction(gap.start + gap.frames, rate) - seconds) <= Fraction(1, rate)
        player.pipeline.push(Lost(1, "stall"))
        seconds += Fraction(51, source_rate)
    assert abs(Fraction(player.pipeline.ledger().end, rate) - seconds) <= Fraction(1, rate)


class _Ignored(set[int]):
    pass


def _pushed(player: Player, *events: Any) -> list[Any]:
    return [output for event in events for output in player.pipeline.push(event)]


@pytest.mark.parametrize(("frames", "expected"), [(1, 0), (2, 0), (3, 1), (6, 1), (8, 1), (9, 2)])
def test_short_losses_round_half_up(frames: int, expected: int) -> None:
    assert half_up(Fraction(frames, 6)) == expected
    player = Player.of(Format(48_000, 1), window_length=4, sample_rate=8000)
    player.play([noise(48), Lost(frames, "packet-loss"), noise(48)])
    assert player.gaps == [(8, expected, "packet-loss")]


@pytest.mark.parametrize("where", ["before", "between", "after"])
def test_gap_values(where: str) -> None:
    audio = {"before": [], "between": [noise(100)], "after": [noise(100), noise(100)]}[where]
    rest = [noise(50)] if where != "after" else []
    player = Player.of(Format(8000, 1), window_length=40).play([*audio, Lost(800, "stall"), *rest])
    (gap,) = [value for kind, value in player.outputs if kind == "gap"]
    assert gap == Gap(100 * len(audio), 800, 0.1, "stall", None)


def test_losses_in_a_row_are_one_gap_for_each_reason() -> None:
    player = Player.of(Format(8000, 1), window_length=10)
    player.play([noise(10), Lost(3, "stall"), Lost(4, "stall"), Lost(5, "overflow"), Lost(1, "stall"), noise(10)])
    assert player.gaps == [(10, 7, "stall"), (17, 5, "overflow"), (22, 1, "stall")]
    assert player.windows[-1].gap == Gap(22, 1, 1 / 8000, "stall")


def test_a_loss_of_unknown_length_is_only_counted() -> None:
    player = Player.of(Format(8000, 1), window_length=20).play([noise(10), Lost(0, "decode-error"), noise(10)])
    assert player.kinds == ["window"]
    assert player.pipeline.ledger().decode_errors == 1


@pytest.mark.parametrize(("max_fill", "kinds", "starts"), [
    (10, ["window", "gap", "window", "window"], [0, 10, 20]),
    (9, ["window", "window", "gap", "window", "window"], [0, 10, 25, 35]),
])  # fmt: skip
def test_fills_up_to_the_limit(max_fill: int, kinds: list[str], starts: list[int]) -> None:
    """15 frames, 10 lost, 5 (12) more: at the limit they are filled, past it the stream is split."""
    player = Player.of(Format(8000, 1), window_length=10, gaps="fill", max_fill=max_fill, fill_value=0.5)
    player.play(
        [np.zeros((15, 1), np.float32), Lost(10, "stall"), np.zeros((5 if max_fill == 10 else 12, 1), np.float32)]
    )
    assert player.kinds == kinds
    assert [w.start for w in player.windows] == starts
    assert player.gaps == [(15, 10, "stall")]
    if max_fill == 10:
        assert [w.filled for w in player.windows] == [0, 5, 5]
        assert [w.gap for w in player.windows] == [None] * 3
        assert player.windows[1].samples[:, 0].tolist() == [0.0] * 5 + [0.5] * 5


def test_a_change_of_rate_is_no_gap() -> None:
    player = Player.of(Format(8000, 2), window_length=30, tail="crop")
    player.play([noise(100, 2), Format(16_000, 1), noise(200)])
    assert (player.gaps, player.pipeline.ledger().end) == ([], 200)
    assert [w.start for w in player.windows] == [0, 30, 60, 90, 120, 150, 180]
    assert {w.samples.shape[1] for w in player.windows} == {2}


# -- ranges


@given(script=scripts(lossy=True, changing=False), options=options(), sizes=pieces, data=st.data())
def test_a_range_is_a_slice_of_the_whole(
    script: Script, options: dict[str, Any], sizes: Any, data: st.DataObject
) -> None:
    opened, events = script.opened, script.events
    first, frames = data.draw(st.integers(0, 1500)), data.draw(st.integers(1, 1500))
    options["gaps"] = "split"
    converted = options["sample_rate"] not in (None, opened.sample_rate)
    player = Player.of(opened, offset=first, duration=frames, **options).play(list(split_up(events, sizes)))
    whole = lay_out(events, opened, options)
    timeline = clip(whole, first, first + frames)
    tolerance = (1.5 if options["dtype"] == "int16" else 1e-6) if converted else 0.0
    _compare_windows(player, expected_windows(timeline, _cut(options), _fill(options)), tolerance)
    ledger = player.pipeline.ledger()
    assert (ledger.captured, ledger.gap_frames, ledger.pending) == (
        timeline.captured + timeline.overflow, timeline.lost, 0,
    )  # fmt: skip


@pytest.mark.parametrize("sought", [True, False], ids=["sought", "read up to"])
@pytest.mark.parametrize(("source_rate", "tolerance"), [(8000, 0.0), (44_100, 1e-6), (11_025, 1e-6)])
def test_a_range_may_be_sought(source_rate: int, tolerance: float, sought: bool) -> None:
    samples, opened = noise(3 * source_rate), Format(source_rate, 1)
    whole = Player.of(opened, window_length=100, sample_rate=8000).play([samples])
    part = Player.of(opened, window_length=100, sample_rate=8000, offset=10_000, duration=5000)
    if sought:
        part.pipeline.sought()
        samples = samples[part.pipeline.first_frame :]
    part.play([samples])
    assert [w.start for w in part.windows] == list(range(10_000, 15_000, 100))
    for window, same in zip(part.windows, whole.windows[100:150], strict=True):
        np.testing.assert_allclose(window.samples, same.samples, rtol=0, atol=tolerance)
    assert part.pipeline.done


def test_reading_ends_with_the_range() -> None:
    player = Player.of(Format(8000, 1), window_length=10, duration=25)
    player.push(noise(24))
    assert not player.pipeline.done
    player.push(noise(10))
    assert player.pipeline.done
    assert [w.valid for w in player.end().windows] == [10, 10, 5]
    assert player.pipeline.ledger().end == 25


def test_a_range_begins_where_it_should_after_a_change_of_rate() -> None:
    """One second at 8 kHz, one at 16 kHz; from 1.5 s on, half a second is left."""
    events = [noise(8000), Format(16_000, 1), noise(16_000)]
    whole = Player.of(Format(8000, 1), window_length=1000).play(events)
    part = Player.of(Format(8000, 1), window_length=1000, offset=12_000).play(events)
    assert [w.start for w in part.windows] == [12_000, 13_000, 14_000, 15_000]
    np.testing.assert_allclose(part.windows[1].samples, whole.windows[13].samples, rtol=0, atol=1e-6)


@pytest.mark.parametrize("gaps", ["split", "fill"])
def test_a_loss_before_the_range_is_no_gap(gaps: str) -> None:
    player = Player.of(Format(8000, 1), window_length=100, offset=300, gaps=gaps, max_fill=100)
    player.play([noise(100), Lost(100, "stall"), noise(300)])
    assert player.gaps == []


@pytest.mark.parametrize("gaps", ["split", "fill"])
def test_a_loss_behind_the_range_is_no_gap(gaps: str) -> None:
    player = Player.of(Format(16_000, 1), window_length=100, sample_rate=8000, duration=490, gaps=gaps, max_fill=100)
    player.play([noise(1000), Lost(100, "stall"), noise(1000)])
    assert player.gaps == []


# -- samples


@pytest.mark.parametrize("channels", [1, 2])
def test_int16_in_int16_out_is_unchanged(channels: int) -> None:
    samples = noise(500, channels, dtype="int16")
    player = Player.of(Format(8000, channels), window_length=500, dtype="int16").play([samples])
    np.testing.assert_array_equal(player.windows[0].samples, samples)


@pytest.mark.parametrize(("dtype", "padding"), [("float32", 0.25), ("float64", 0.25), ("int16", 8192)])
def test_fill_values_are_on_the_float_scale(dtype: str, padding: float) -> None:
    player = Player.of(Format(8000, 1), window_length=4, dtype=dtype, fill_value=0.25).play([noise(3)])
    assert player.windows[0].samples[3, 0] == padding
    assert player.windows[0].samples.dtype == dtype


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floats_are_not_clipped(dtype: str) -> None:
    player = Player.of(Format(8000, 1), window_length=2, dtype=dtype).play([np.array([[3.0], [-7.5]], dtype)])
    assert player.windows[0].samples[:, 0].tolist() == [3.0, -7.5]


def test_a_missing_channel_is_an_error_at_once() -> None:
    with pytest.raises(IndexError, match="channel 2"):
        Player.of(Format(8000, 2), window_length=4, channels=[2])


def test_the_stream_as_delivered() -> None:
    opened = Format(44_100, 2, 44_100, {"title": "t"})
    stream = Player.of(opened, window_length=4, channels="mono", sample_rate=16_000).pipeline.stream
    assert (stream.sample_rate, stream.channels, stream.source_sample_rate, stream.source_channels, stream.frames) == (
        16_000, 1, 44_100, 2, 16_000,
    )  # fmt: skip
    assert stream.metadata == {"title": "t"}


@pytest.mark.parametrize(
    ("overlap", "length", "hop"), [(0.0, 10, 10), (0.5, 5, 3), (0.5, 7, 3), (0.99, 10, 1), (0.25, 10, 8)]
)
def test_overlap(overlap: float, length: int, hop: int) -> None:
    assert make_options(window_length=length, overlap=overlap).windowing(8000).hop == hop


# -- metadata


@pytest.mark.parametrize("rate", [8000, 16_000, 44_100], ids=["as it is", "up", "much up"])
@pytest.mark.parametrize("at", [0, 5, 10, 11, 19, 20, 25, 100])
def test_metadata_comes_after_the_windows_that_end_before_it(at: int, rate: int) -> None:
    """Also where the resampler still holds the audio before it when it comes."""
    samples, scale = noise(200), rate // 8000
    length = 10 * scale
    player = Player.of(Format(8000, 1), window_length=length, sample_rate=rate)
    player.play(
        [e for e in [samples[:at], Metadata({"title": "new"}), samples[at:]] if not isinstance(e, np.ndarray) or len(e)]
    )
    position = half_up(Fraction(at * rate, 8000))
    assert player.kinds.count("metadata") == 1
    before = player.kinds.index("metadata")
    assert [w.start + length <= position for w in player.windows] == [i < before for i in range(len(player.windows))]


def test_metadata_and_gaps_keep_their_order() -> None:
    player = Player.of(Format(8000, 1), window_length=10, sample_rate=16_000)
    player.play(
        [noise(10), Metadata({"n": "1"}), Lost(9, "stall"), Metadata({"n": "2"}), noise(10), Metadata({"n": "3"})]
    )
    assert player.kinds == ["window", "window", "metadata", "metadata", "gap", "window", "window", "metadata"]


def test_new_tags_come_with_a_new_format() -> None:
    player = Player.of(Format(8000, 1, metadata={"title": "a"}), window_length=10)
    player.play(
        [noise(10), Format(8000, 1, metadata={"title": "a"}), Format(16_000, 1, metadata={"title": "b"}), noise(20)]
    )
    assert player.outputs[1] == ("metadata", {"title": "b"})
    assert player.kinds == ["window", "metadata", "window"]


@given(script=scripts(), options=options(), sizes=pieces)
def test_windows_have_the_model_s_cut_of_the_first_stretch(script: Script, options: dict[str, Any], sizes: Any) -> None:
    """Before anything is over: full windows come as soon as their frames have left the resampler, never later."""
    opened, events = script.opened, script.events
    options["sample_rate"] = None
    audio = next((e for e in events if isinstance(e, np.ndarray)), None)
    if audio is None or not isinstance(events[0], np.ndarray):
        return
    player = Player.of(opened, **options)
    for piece in split_up([audio], sizes):
        player.push(piece)
        got = player.pipeline.ledger().captured
        slots = full_windows(got, _cut(options))
        assert [w.start for w in player.windows] == [s.start for s in slots]
    timeline = lay_out([audio], opened, options)
    if player.windows:
        whole = np.concatenate(timeline.stretches[0].pieces)
        np.testing.assert_array_equal(player.copies[-1], cut_out(whole, slots[-1], 0.0))
