from __future__ import annotations

import pickle

import numpy as np
import pytest

from audiostreamer.sources.signal import Signal

from .contract import Make, SourceContract, read_all

KINDS = ("sine", "chirp", "noise", "silence", "speech")


class SignalContract(SourceContract):
    KIND = ""
    FRAMES = 10_000
    CHANNELS = 2

    @pytest.fixture
    def make(self) -> Make:
        return lambda: Signal(f"signal:{self.KIND}?duration=1.25&rate=8000&channels=2")


class TestSine(SignalContract):
    KIND = "sine"


class TestChirp(SignalContract):
    KIND = "chirp"


class TestNoise(SignalContract):
    KIND = "noise"


class TestSilence(SignalContract):
    KIND = "silence"


class TestSpeech(SignalContract):
    KIND = "speech"


def samples(uri: str) -> np.ndarray:  # type: ignore[type-arg]
    source = Signal(uri)
    source.dtype = "float64"
    source.open()
    return read_all(source, 777)


def test_defaults() -> None:
    found = Signal("signal:sine").open()
    assert (found.sample_rate, found.channels, found.frames) == (44_100, 1, 441_000)


def test_sine_is_a_sine() -> None:
    expected = 0.25 * np.sin(2 * np.pi * 1000 * np.arange(48_000) / 48_000)
    got = samples("signal:sine?frequency=1000&rate=48000&duration=1&amplitude=0.25")
    np.testing.assert_allclose(got[:, 0], expected, atol=1e-12)


def test_a_sine_is_exact_after_a_day() -> None:
    source = Signal("signal:sine?frequency=1000.5&rate=48000&duration=90000")
    source.dtype = "float64"
    source.open()
    source.seek(86_400 * 48_000 + 1)  # a whole number of periods, and one frame
    block = source.read(5)
    expected = 0.5 * np.sin(2 * np.pi * 1000.5 * np.arange(1, 6) / 48_000)
    np.testing.assert_allclose(block.samples[:, 0], expected, atol=1e-9)  # type: ignore[union-attr]


def test_chirp_goes_from_start_to_stop() -> None:
    got = samples("signal:chirp?start=200&stop=2000&rate=16000&duration=2")[:, 0]
    crossings = np.flatnonzero((got[:-1] < 0) & (got[1:] >= 0))
    hertz = 16_000 / np.diff(crossings)
    assert hertz[0] == pytest.approx(200, rel=0.05)
    assert hertz[-1] == pytest.approx(2000, rel=0.15)


def test_noise_is_white_and_each_channel_its_own() -> None:
    got = samples("signal:noise?channels=2&duration=2&amplitude=1")
    assert np.abs(got).max() <= 1
    assert got.var(axis=0) == pytest.approx([1 / 3, 1 / 3], rel=0.02)
    assert abs(np.corrcoef(got.T)[0, 1]) < 0.02
    assert abs(np.corrcoef(got[1:, 0], got[:-1, 0])[0, 1]) < 0.02


def test_noise_is_the_same_everywhere() -> None:
    """Frozen: these numbers must not depend on a version of numpy."""
    source = Signal("signal:noise?seed=7&rate=8000&amplitude=1")
    source.dtype = "float64"
    source.open()
    source.seek(50_000)
    got = source.read(3).samples[:, 0]  # type: ignore[union-attr]
    assert got.tolist() == [-0.6684883171522928, -0.6090070575498883, 0.4129969681747736]


def test_seeds_differ() -> None:
    for kind in ("noise", "speech"):
        one, two, again = (samples(f"signal:{kind}?seed={seed}&duration=1") for seed in (1, 2, 1))
        np.testing.assert_array_equal(one, again)
        assert not np.array_equal(one, two)


def test_speech_has_pauses_pitch_and_peaks_about_the_amplitude() -> None:
    got = samples("signal:speech?rate=16000&duration=6&amplitude=0.5")[:, 0]
    loudness = np.sqrt((got[: len(got) // 160 * 160].reshape(-1, 160) ** 2).mean(axis=1))
    assert 0.2 < (loudness < 1e-3).mean() < 0.5
    assert 0.3 < np.abs(got).max() <= 0.8
    spectrum = np.abs(np.fft.rfft(got))
    low, high = spectrum[: 6 * 4000].sum(), spectrum[6 * 5000 :].sum()
    assert low > 20 * high


def test_silence() -> None:
    assert not samples("signal:silence?duration=0.1").any()


@pytest.mark.parametrize(
    ("query", "frames"), [("duration=0", 0), ("duration=500ms", 4000), ("duration=2s", 16_000), ("duration=1e-9", 0)]
)
def test_durations(query: str, frames: int) -> None:
    assert len(samples(f"signal:sine?rate=8000&{query}")) == frames


@pytest.mark.parametrize(
    ("uri", "text"),
    [
        ("signal:sin", "sine, chirp, noise, silence, speech; did you mean 'sine'"),
        ("signal:", "there are sine"),
        ("signal:sine?freq=1", "'freq'; allowed: amplitude, channels, duration, frequency, rate"),
        ("signal:silence?seed=1", "'seed'"),
        ("signal:sine?rate=0", "rate='0'.*at least 1"),
        ("signal:sine?rate=1.5", "rate='1.5'"),
        ("signal:sine?channels=-1", "at least 1"),
        ("signal:sine?duration=-1", "negative"),
        ("signal:sine?duration=inf", "not finite"),
        ("signal:sine?duration=", "duration=''"),
        ("signal:sine?duration=5x", "unknown unit"),
        ("signal:sine?frequency=nan", "not finite"),
        ("signal:noise?seed=x", "seed='x'"),
    ],
)
def test_what_cannot_be_says_so(uri: str, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Signal(uri)


def test_pickles() -> None:
    source = pickle.loads(pickle.dumps(Signal("signal:noise?seed=3")))
    assert source.parameters["seed"] == 3


@pytest.mark.parametrize("kind", KINDS)
def test_at_a_very_low_rate(kind: str) -> None:
    assert np.isfinite(samples(f"signal:{kind}?rate=1&duration=9")).all()
