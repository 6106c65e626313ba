"""Numbers that describe a window, computed for many windows at once. Plain numpy.

Everything here is about the average of a window's channels (`audiostreamer.Window.mono`) on the scale [-1, 1], and
about its valid frames only: padding does not count. Spectra use a Hann window over the valid frames, and are scaled by
Parseval's theorem so that they add up to the mean square, whatever the length: a padded tail and a full window of the
same sound read the same. NaN and infinite samples give numbers that are not finite, and no warnings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..samples import to_float
from ..window import WindowBatch
from .mel import fft_length, mel_bank

__all__ = [
    "Features", "decibels", "features", "magnitudes", "mel_power", "mono", "peak", "rms", "spectral_centroid",
    "zero_crossing_rate",
]  # fmt: skip

_SILENCE = 1e-10  # a mean square, -100 dB: below 16 bit's noise
_BLOCK = 1 << 18  # samples at a time, to stay in the cache

Floats = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Features:
    """What `features` finds; all float64, first axis: windows.

    Attributes:
        rms: ``(windows,)``, 0 to 1: see `rms`.
        peak: ``(windows,)``, 0 to 1: see `peak`.
        zero_crossing_rate: ``(windows,)``, 0 to 1.
        centroid: ``(windows,)``, Hz.
        log_mel: ``(windows, bands)``, dB from -100: the power in each mel band, see `mel_power`.
    """

    rms: Floats
    peak: Floats
    zero_crossing_rate: Floats
    centroid: Floats
    log_mel: Floats


@np.errstate(invalid="ignore", over="ignore")
def features(batch: WindowBatch, bands: int = 40) -> Features:
    """All features of a batch's windows.

    Args:
        batch: At least one window.
        bands: Mel bands, from 0 Hz to half the sample rate.
    """
    rate = batch.stream.sample_rate
    length = fft_length(rate, batch.samples.shape[1], bands)
    parts = [_describe(samples, rate, length, bands) for samples in _blocks(batch, length)]
    return Features(*(np.concatenate(column).astype(np.float64) for column in zip(*parts, strict=True)))


@np.errstate(invalid="ignore", over="ignore")
def mel_power(batch: WindowBatch, bands: int = 40) -> Floats:
    """The mean square in each mel band: ``(windows, bands)``, at least 0.

    A sine of amplitude A at a band's centre gives close to A²/2 there. From the first band's centre to the last one's,
    the bands add up to the window's mean square (of the Hann-weighted signal). See `audiostreamer.receivers.mel`.
    """
    rate = batch.stream.sample_rate
    length = fft_length(rate, batch.samples.shape[1], bands)
    bank = mel_bank(rate, length, bands)
    return np.concatenate([_bands(magnitudes(samples, length), bank) for samples in _blocks(batch, length)])


def mono(batch: WindowBatch) -> Floats:
    """``(windows, valid)`` floats on the scale [-1, 1]: `Window.mono` of each window, without the padding."""
    return _mono(batch.samples[:, : batch.valid])


def rms(samples: Floats) -> Floats:
    """``√mean(x²)`` over the last axis, linear (20·log10 of it is dB): 0.707 for a full-scale sine, at most 1."""
    mean_square: Floats = np.mean(np.square(samples, dtype=np.float64), axis=-1)
    return np.sqrt(mean_square)


def peak(samples: Floats) -> Floats:
    """``max |x|`` over the last axis, linear."""
    largest: Floats = np.abs(samples).max(axis=-1)
    return largest


def zero_crossing_rate(samples: Floats) -> Floats:
    """Sign changes per pair of neighbours over the last axis, 0 to 1; 0 counts as positive.

    About ``2 · frequency / rate`` for a tone. 0 for a single frame.
    """
    negative = samples < 0
    changes = np.count_nonzero(negative[..., 1:] != negative[..., :-1], axis=-1)
    return np.asarray(changes / max(1, samples.shape[-1] - 1))


def magnitudes(samples: Floats, fft_length: int) -> Floats:
    """The amplitude spectrum, ``(…, fft_length // 2 + 1)``: ``|FFT(w·x)| / √(fft_length · Σw²)``, w a Hann window.

    Twice its square, added over the bins (once for the first and the last), is ``Σ(w·x)² / Σw²``: a mean square.

    Args:
        samples: ``(…, frames)`` with ``1 <= frames <= fft_length``.
        fft_length: Shorter signals are continued with zeros, which only interpolates.
    """
    window = _hann(samples.shape[-1])
    spectrum = np.abs(np.fft.rfft(samples * window, fft_length))
    scaled: Floats = spectrum * (fft_length * float(window @ window)) ** -0.5
    return scaled


def spectral_centroid(magnitudes: Floats, sample_rate: int) -> Floats:
    """``Σ f·|X| / Σ |X|`` in Hz over the last axis, from 0 to half the rate; 0 in silence.

    Weighted by amplitude, as ``librosa.feature.spectral_centroid`` and Peeters (2004).
    """
    frequencies = np.linspace(0, sample_rate / 2, magnitudes.shape[-1])
    total = magnitudes.sum(axis=-1, dtype=np.float64)
    return np.asarray((magnitudes @ frequencies) / np.where(total == 0, 1.0, total))


def decibels(power: Floats) -> Floats:
    """``10·log10`` of a mean square: 0 is a full-scale square wave, -3 a full-scale sine, and never below -100."""
    return np.asarray(10.0 * np.log10(np.maximum(power, _SILENCE, dtype=np.float64)))


def _describe(samples: Floats, rate: int, length: int, bands: int) -> tuple[Floats, ...]:
    spectrum = magnitudes(samples, length)
    log_mel = decibels(_bands(spectrum, mel_bank(rate, length, bands)))
    return rms(samples), peak(samples), zero_crossing_rate(samples), spectral_centroid(spectrum, rate), log_mel


def _bands(spectrum: Floats, bank: Any) -> Floats:
    """Both halves of the spectrum count; the bins that have no twin, the first and the last, are in no band."""
    power: Floats = bank.apply(2.0 * np.square(spectrum))
    return power


def _blocks(batch: WindowBatch, length: int) -> Iterator[Floats]:
    """``(some windows, valid)`` at a time, mono floats."""
    rows = max(1, _BLOCK // length)
    samples = batch.samples[:, : batch.valid]
    for first in range(0, len(samples), rows):
        yield _mono(samples[first : first + rows])


def _mono(samples: NDArray[Any]) -> Floats:
    """``(windows, frames, channels)`` to ``(windows, frames)``: channels added in order, divided by their count."""
    channels = samples.shape[2]
    working = "float64" if samples.dtype == np.float64 else "float32"
    total = samples[..., 0]
    if channels > 1:
        total = total.astype(working)
        for channel in range(1, channels):
            total += samples[..., channel]
        total /= channels
        total = np.rint(total).astype(np.int16) if samples.dtype == np.int16 else total
    return to_float(total, working)


@lru_cache(maxsize=8)
def _hann(frames: int) -> Floats:
    """Periodic Hann window, ``½ - ½·cos(2πn / frames)``; 1 for a single frame."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(frames) / frames)).astype(np.float32) if frames > 1 else _ONE


_ONE = np.ones(1, np.float32)
