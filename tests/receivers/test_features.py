"""Each feature against what is known about simple signals, or a second, slower computation."""

import numpy as np
import pytest

from audiostreamer.receivers.features import features, magnitudes, mel_power, mono, spectral_centroid
from audiostreamer.receivers.mel import mel_to_hertz

from .scripted import batches_of, tone

RATE = 16_000
NOISE = np.random.default_rng(7).uniform(-0.8, 0.8, (RATE, 2)).astype(np.float32)


def described(*events, window_length="25ms", bands=40, **options):
    """The features of everything, batch after batch."""
    found = [features(batch, bands) for batch in batches_of(*events, window_length=window_length, **options)]
    return {name: np.concatenate([getattr(one, name) for one in found]) for name in found[0].__slots__}


def test_a_sine_reads_as_theory_says():
    found = described(tone(1000, amplitude=0.5))
    np.testing.assert_allclose(found["rms"], 0.5 / np.sqrt(2), rtol=1e-6)
    np.testing.assert_allclose(found["peak"], 0.5, rtol=1e-6)
    np.testing.assert_allclose(found["zero_crossing_rate"], 2 * 1000 / RATE, atol=1 / 399)
    np.testing.assert_allclose(found["centroid"], 1000, atol=1)


def test_silence_has_a_floor_and_no_warnings():
    found = described(np.zeros((RATE, 1), np.float32))
    assert set(found["log_mel"].ravel()) == {-100.0}
    assert not found["rms"].any()
    assert not found["centroid"].any()
    assert not found["zero_crossing_rate"].any()


def test_a_sine_at_a_bands_centre_has_its_power_there():
    bands = 10
    centre = float(mel_to_hertz(2840.023046708 * 6 / (bands + 1)))
    (batch,) = batches_of(tone(centre, 6.4, amplitude=1.0), window_length="100ms")
    power = mel_power(batch, bands)
    np.testing.assert_allclose(power[:, 5], 0.5, rtol=0.02)
    assert (np.delete(power, 5, axis=1) < 0.01).all()


@pytest.mark.parametrize("window_length", ["5ms", "25ms", "1s", 1001])
def test_bands_add_up_to_the_mean_square_whatever_the_length(window_length):
    total = np.concatenate([mel_power(b).sum(axis=1) for b in batches_of(tone(700, 3), window_length=window_length)])
    np.testing.assert_allclose(total, 0.125, rtol=0.02)


def test_band_levels_against_a_plain_computation():
    """One window, by the definition: Hann, DFT, triangles, decibels."""
    frames, bands, length = 320, 5, 512
    samples = NOISE[:frames, :1]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(frames) / frames)
    dft = np.exp(-2j * np.pi * np.outer(np.arange(length // 2 + 1), np.arange(frames)) / length) @ (
        samples[:, 0] * hann
    )
    power = 2 * np.abs(dft) ** 2 / (length * (hann**2).sum())
    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + 8000 / 700), bands + 2) / 2595) - 1)
    bins = np.arange(length // 2 + 1) * RATE / length
    expected = [10 * np.log10(power @ np.interp(bins, edges[b : b + 3], [0, 1, 0])) for b in range(bands)]
    found = described(samples, window_length=frames, bands=bands)
    np.testing.assert_allclose(found["log_mel"][0], expected, atol=1e-4)


def test_only_valid_frames_count():
    padded = described(NOISE[:1000, :1], window_length=800, fill_value=0.9)
    cropped = described(NOISE[:1000, :1], window_length=800, tail="crop")
    for name in ("rms", "peak", "zero_crossing_rate", "centroid"):
        np.testing.assert_allclose(padded[name], cropped[name], rtol=1e-3, err_msg=name)
    np.testing.assert_allclose(padded["log_mel"], cropped["log_mel"], atol=1.5)  # another grid of bins
    assert padded["peak"].max() < 0.9


def test_a_tail_of_one_frame():
    found = described(np.full((401, 1), 0.25, np.float32))
    assert found["rms"][-1] == found["peak"][-1] == 0.25
    assert found["zero_crossing_rate"][-1] == 0
    assert np.isfinite(found["log_mel"]).all()


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16"])
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_channels_are_averaged_as_a_window_does(dtype, channels):
    samples = np.random.default_rng(1).uniform(-1, 1, (1000, channels)).astype(np.float32)
    for batch in batches_of(samples, channels=channels, window_length=300, hop_length=100, dtype=dtype):
        scale = 32768 if dtype == "int16" else 1
        expected = np.array([window.mono[: window.valid] / scale for window in batch])
        np.testing.assert_array_equal(mono(batch), expected)


def test_opposite_channels_are_silent():
    found = described(np.hstack([NOISE[:, :1], -NOISE[:, :1]]), channels=2)
    assert not found["peak"].any()


def test_the_batch_does_not_matter():
    whole = described(NOISE[:, :1], hop_length="10ms")
    single = described(NOISE[:, :1], hop_length="10ms", batch_size=1)
    for name, values in whole.items():
        np.testing.assert_allclose(single[name], values, rtol=1e-6, err_msg=name)


def test_long_windows_are_taken_in_blocks():
    """More samples in a batch than are transformed at once; nothing gets lost or mixed up."""
    levels = np.repeat(np.linspace(0.1, 0.9, 40), RATE // 2)[:, None].astype(np.float32)
    found = described(levels, window_length="500ms")
    np.testing.assert_allclose(found["rms"], np.linspace(0.1, 0.9, 40), rtol=1e-6)


def test_bad_samples_show_without_a_warning():
    samples = NOISE[:800, :1].copy()
    samples[100], samples[500] = np.nan, np.inf
    found = described(samples)
    assert np.isnan(found["rms"][0])
    assert np.isinf(found["rms"][1])
    assert not np.isfinite(found["log_mel"]).any()


def test_the_centroid_is_the_mean_of_two_tones():
    both = tone(1000) + tone(3000)
    np.testing.assert_allclose(described(both, window_length="100ms")["centroid"], 2000, atol=5)


def test_the_centroid_of_one_bin():
    spectrum = np.zeros(257)
    spectrum[64] = 3.0
    assert spectral_centroid(spectrum, RATE) == 2000.0


def test_spectra_add_up_to_the_mean_square():
    samples = np.full(1000, 0.3)
    found = magnitudes(samples, 2048)
    assert 2 * np.sum(found**2) - found[0] ** 2 - found[-1] ** 2 == pytest.approx(0.09, rel=1e-6)
