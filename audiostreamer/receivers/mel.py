"""Mel bands: triangles over an FFT's bins, evenly spaced on the HTK mel scale.

Band ``b`` rises from 0 at edge ``b`` to 1 at edge ``b + 1`` and falls to 0 at edge ``b + 2``; the edges go from 0 Hz to
half the sample rate. Heights are 1 (no area normalisation), so between the first and the last centre the bands of a
bin add up to 1. This is ``librosa.filters.mel(htk=True, norm=None)``; only the bins that each triangle covers are
touched, so that an FFT of an hour needs no matrix.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arguments import whole_number

__all__ = ["MelBank", "check_bands", "fft_length", "hertz_to_mel", "mel_bank", "mel_to_hertz"]


def hertz_to_mel(hertz: Any) -> Any:
    """``2595 · log10(1 + f / 700)``: the HTK book's formula (after O'Shaughnessy, 1987). Scalars or arrays, in Hz."""
    return 2595.0 * np.log10(1.0 + np.asarray(hertz) / 700.0)


def mel_to_hertz(mel: Any) -> Any:
    """The inverse of `hertz_to_mel`, in Hz."""
    return 700.0 * (10.0 ** (np.asarray(mel) / 2595.0) - 1.0)


def check_bands(bands: object) -> int:
    """A number of bands, checked.

    Raises:
        TypeError: Not a whole number.
        ValueError: Less than 1.
    """
    return whole_number(bands, "bands", example=40)


def fft_length(sample_rate: int, frames: int, bands: int) -> int:
    """The power of two that holds `frames` and puts a bin in every interval between the bands' edges."""
    narrowest = float(mel_to_hertz(hertz_to_mel(sample_rate / 2) / (bands + 1)))
    needed = max(2, frames, int(np.ceil(sample_rate / narrowest)))
    return 1 << (needed - 1).bit_length()


class MelBank:
    """Sums a spectrum into mel bands.

    Args:
        sample_rate: In Hz.
        fft_length: Even; its spectra have ``fft_length // 2 + 1`` bins.
        bands: How many.

    Attributes:
        edges: ``(bands + 2,)`` float64, Hz; band ``b`` is centred at ``edges[b + 1]``.

    Raises:
        ValueError: The bins are too coarse: some band would have none. See `fft_length`.
    """

    def __init__(self, sample_rate: int, fft_length: int, bands: int) -> None:
        self.edges: NDArray[np.float64] = mel_to_hertz(np.linspace(0, hertz_to_mel(sample_rate / 2), bands + 2))
        bins = np.arange(fft_length // 2) * (sample_rate / fft_length)  # the last, at the last edge, weighs nothing
        self._firsts = np.searchsorted(bins, self.edges[:-1])
        if np.diff(self._firsts, append=len(bins)).min() < 1:
            raise ValueError(f"{bands} mel bands need a longer FFT than {fft_length} frames at {sample_rate} Hz")
        interval = np.searchsorted(self.edges, bins, side="right") - 1
        rising = (bins - self.edges[interval]) / np.diff(self.edges)[interval]
        self._rising = rising.astype(np.float32)
        self._falling = (1.0 - rising).astype(np.float32)

    def apply(self, spectrum: NDArray[Any]) -> NDArray[Any]:
        """``(…, bins)`` to ``(…, bands)``, same dtype."""
        covered = spectrum[..., : len(self._rising)]
        rising = np.add.reduceat(covered * self._rising, self._firsts, axis=-1)
        falling = np.add.reduceat(covered * self._falling, self._firsts, axis=-1)
        bands: NDArray[Any] = rising[..., :-1] + falling[..., 1:]
        return bands


@lru_cache(maxsize=16)
def mel_bank(sample_rate: int, fft_length: int, bands: int) -> MelBank:
    """The `MelBank` of these numbers, made once."""
    return MelBank(sample_rate, fft_length, bands)
