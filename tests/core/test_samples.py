"""Sample types, channels and resampling: one step of the pipeline at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import soxr
from hypothesis import given
from hypothesis import strategies as st

from audiostreamer.channels import ChannelMap, parse_channels
from audiostreamer.resampling import QUALITIES, Resampler, resampled_length
from audiostreamer.samples import from_float, scalar_from_float, to_float

from .models import remap

LSB = 1 / 32768


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("given", "value", "expected"),
    [
        ("int16", -32768, -1.0),
        ("int16", 32767, 32767 / 32768),
        ("int32", -(2**31), -1.0),
        ("int32", 2**30, 0.5),
        ("int8", -128, -1.0),
        ("uint8", 0, -1.0),
        ("uint8", 128, 0.0),
        ("uint8", 255, 127 / 128),
        ("float32", 1.5, 1.5),
        ("float64", -2.5, -2.5),
    ],
)
def test_to_float(given: str, value: float, expected: float, dtype: str) -> None:
    made = to_float(np.array([[value]], given), dtype)
    assert made.dtype == dtype
    assert made.item() == expected


@pytest.mark.parametrize("given", ["int64", "uint16", "complex64", "bool", "object"])
def test_what_is_not_audio(given: str) -> None:
    with pytest.raises(TypeError, match=f"{given}.*int16"):
        to_float(np.zeros((1, 1), given), "float32")


@pytest.mark.parametrize("working", ["float32", "float64"])
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.5 * LSB, 0), (1.5 * LSB, 2), (2.5 * LSB, 2), (-0.5 * LSB, 0), (-1.5 * LSB, -2), (0.51 * LSB, 1),
        (1.0, 32767), (-1.0, -32768), (32767.4 * LSB, 32767), (7.0, 32767), (-7.0, -32768),
        (np.inf, 32767), (-np.inf, -32768), (np.nan, 0), (1e30, 32767),
    ],
)  # fmt: skip
def test_int16_rounds_half_to_even_and_saturates(value: float, expected: int, working: str) -> None:
    made = from_float(np.array([[value]], working), "int16")
    assert made.dtype == np.int16
    assert made.item() == expected


def test_int16_survives_the_way_there_and_back() -> None:
    every = np.arange(-32768, 32768, dtype=np.int16)[:, None]
    np.testing.assert_array_equal(from_float(to_float(every, "float32"), "int16"), every)


def test_from_float_leaves_its_input_alone() -> None:
    samples = np.array([[np.nan], [3.0]], np.float32)
    from_float(samples, "int16")
    np.testing.assert_array_equal(samples, [[np.nan], [3.0]])


@pytest.mark.parametrize(
    ("value", "dtype", "expected"), [(0.5, "int16", 16384), (1.0, "int16", 32767), (0.1, "float64", 0.1)]
)
def test_fill_values(value: float, dtype: str, expected: float) -> None:
    assert scalar_from_float(value, dtype) == expected


# -- channels


@pytest.mark.parametrize(
    ("given", "expected"),
    [(None, None), ("mono", "mono"), ([0], (0,)), ((2, 0, 2), (2, 0, 2)), (range(2), (0, 1)), (np.array([1]), (1,))],
)
def test_channels_that_may_be_asked_for(given: Any, expected: Any) -> None:
    assert parse_channels(given) == expected


@pytest.mark.parametrize(
    ("given", "error"),
    [("stereo", ValueError), ("0", ValueError), ([], ValueError), ([-1], ValueError), (0, TypeError), (2.0, TypeError),
     ([0.5], TypeError), ({0}, TypeError)],
)  # fmt: skip
def test_channels_that_may_not(given: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        parse_channels(given)


@pytest.mark.parametrize("selection", [None, "mono", (0,), (1, 0), (1, 1, 0)], ids=str)
@pytest.mark.parametrize("now", [1, 2, 3, 4])
def test_the_number_of_channels_stays(selection: Any, now: int) -> None:
    channels = ChannelMap(selection, 2, fill_value=0.25)
    samples = np.random.default_rng(now).uniform(-1, 1, (5, now)).astype(np.float32)
    made = channels.apply(samples)
    assert made.shape == (5, channels.channels)
    np.testing.assert_array_equal(made, remap(samples, channels.channels, selection, 0.25))


def test_a_channel_that_is_not_there_at_the_start() -> None:
    with pytest.raises(IndexError, match=r"channel 2 .* there are 2"):
        ChannelMap((0, 2), 2)


def test_all_channels_are_not_copied() -> None:
    samples = np.ones((4, 2), np.float32)
    assert np.shares_memory(ChannelMap(None, 2).apply(samples), samples)


# -- resampling

RATES = st.sampled_from([8000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000])


def _pieces(samples: np.ndarray, sizes: list[int]) -> list[np.ndarray]:
    ends = np.minimum(np.cumsum(sizes), len(samples))
    return [piece for piece in np.split(samples, ends) if len(piece)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@given(
    rates=st.tuples(RATES, RATES), frames=st.integers(0, 3000), channels=st.integers(1, 3),
    sizes=st.lists(st.integers(0, 700), max_size=6), quality=st.sampled_from(QUALITIES), seed=st.integers(0, 9),
)  # fmt: skip
def test_any_pieces_are_soxr_of_the_whole(
    dtype: str, rates: tuple[int, int], frames: int, channels: int, sizes: list[int], quality: str, seed: int
) -> None:
    samples = np.random.default_rng(seed).uniform(-1, 1, (frames, channels)).astype(dtype)
    resampler = Resampler(*rates, channels, dtype, quality)
    made = np.concatenate([*(resampler.push(p) for p in _pieces(samples, sizes)), resampler.flush()])
    whole = samples if rates[0] == rates[1] or not frames else soxr.resample(samples, *rates, quality=quality)
    np.testing.assert_array_equal(made[: len(whole)], whole)
    assert len(made) == resampled_length(frames, *rates)
    half_way = 2 * frames * rates[1] % (2 * rates[0]) == rates[0]  # where soxr rounds either way
    assert len(whole) in ((len(made) - 1, len(made)) if half_way else (len(made),))


def test_flush_begins_a_new_run() -> None:
    samples = np.random.default_rng(0).uniform(-1, 1, (1000, 1)).astype(np.float32)
    resampler = Resampler(16_000, 8000, 1, "float32", "HQ")
    runs = [np.concatenate([resampler.push(samples), resampler.flush()]) for _ in range(3)]
    for run in runs[1:]:
        np.testing.assert_array_equal(run, runs[0])
