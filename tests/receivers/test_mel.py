"""The mel scale and its bands, against published values and librosa's (0.11, written down here)."""

import numpy as np
import pytest

from audiostreamer.receivers.mel import MelBank, check_bands, fft_length, hertz_to_mel, mel_to_hertz

# librosa.filters.mel(sr=16000, n_fft=512, n_mels=8, htk=True, norm=None)
LIBROSA_SUMS = [
    8.393390655517578, 11.129753112792969, 14.713085174560547, 19.478004455566406,
    25.765174865722656, 34.09636306762695, 45.1079216003418, 59.68976974487305,
]  # fmt: skip
LIBROSA_PEAKS = [7, 17, 30, 46, 69, 98, 137, 188]
LIBROSA_FIRST = [
    0, 0.13815778, 0.27631557, 0.41447335, 0.55263114, 0.6907889, 0.8289467, 0.9671045,
    0.9204445, 0.81602705, 0.7116096, 0.60719216, 0.5027748, 0.39835733, 0.2939399, 0.18952248,
]  # fmt: skip


def matrix(rate: int, length: int, bands: int) -> np.ndarray:
    """The bank as the matrix that it stands for, ``(bins, bands)``."""
    return MelBank(rate, length, bands).apply(np.eye(length // 2 + 1, dtype=np.float32))


def test_scale_has_the_published_values():
    librosa = [164.489210153, 549.638675381, 999.98553714, 2840.023046708]
    np.testing.assert_allclose(hertz_to_mel([110, 440, 1000, 8000]), librosa, rtol=1e-10)
    np.testing.assert_allclose(mel_to_hertz([549.638675381, 1000, 2000]), [440, 1000.021816457, 3428.677394901])


def test_bands_are_librosas():
    weights = matrix(16_000, 512, 8)
    np.testing.assert_allclose(weights.sum(axis=0), LIBROSA_SUMS, rtol=1e-5)
    np.testing.assert_allclose(weights[:16, 0], LIBROSA_FIRST, atol=1e-6)
    assert weights.argmax(axis=0).tolist() == LIBROSA_PEAKS


@pytest.mark.parametrize(("rate", "length", "bands"), [(8_000, 1024, 40), (44_100, 2048, 64), (16_000, 64, 1)])
def test_bands_are_triangles_between_even_edges(rate, length, bands):
    edges = mel_to_hertz(np.linspace(0, hertz_to_mel(rate / 2), bands + 2))
    bins = np.arange(length // 2 + 1) * rate / length
    expected = [np.interp(bins, edges[b : b + 3], [0, 1, 0]) for b in range(bands)]
    np.testing.assert_allclose(matrix(rate, length, bands), np.transpose(expected), atol=1e-6)


@pytest.mark.parametrize("bands", [1, 2, 40, 128, 500])
@pytest.mark.parametrize("rate", [1, 8_000, 11_025, 192_000])
@pytest.mark.parametrize("frames", [1, 2, 400, 2_205])
def test_no_band_is_empty_at_the_chosen_length(rate, frames, bands):
    length = fft_length(rate, frames, bands)
    assert length >= frames
    assert length & (length - 1) == 0
    assert (MelBank(rate, length, bands).apply(np.ones(length // 2 + 1)) > 0).all()


def test_a_bank_that_would_be_empty_somewhere_is_refused():
    with pytest.raises(ValueError, match="40 mel bands need a longer FFT than 64 frames at 16000 Hz"):
        MelBank(16_000, 64, 40)


@pytest.mark.parametrize(("bands", "error"), [(0, ValueError), (-1, ValueError), (2.0, TypeError), (True, TypeError)])
def test_wrong_numbers_of_bands(bands, error):
    with pytest.raises(error, match="bands="):
        check_bands(bands)
