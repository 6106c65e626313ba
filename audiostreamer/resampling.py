"""Streaming resampling by soxr: any pieces give the samples that `soxr.resample` of the whole gives."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["QUALITIES", "Resampler", "resampled_length"]

QUALITIES = ("QQ", "LQ", "MQ", "HQ", "VHQ")


def resampled_length(frames: int, source_rate: int, rate: int) -> int:
    """``⌊frames · rate / source_rate + ½⌋``, which is also what soxr makes of so many frames."""
    return (2 * frames * rate + source_rate) // (2 * source_rate)


class Resampler:
    """Resamples one contiguous run of audio; passes it through where the rates are equal.

    Args:
        source_rate: Hz in.
        rate: Hz out.
        channels: Of the samples.
        dtype: ``"float32"`` or ``"float64"``, of the samples and of the arithmetic.
        quality: One of `QUALITIES`, soxr's names.
    """

    def __init__(self, source_rate: int, rate: int, channels: int, dtype: str, quality: str) -> None:
        self._shape = (0, channels)
        self._dtype = dtype
        self._stream: Any = None
        if source_rate != rate:
            import soxr  # its shared library is loaded when it is used

            self._stream = soxr.ResampleStream(source_rate, rate, channels, dtype=dtype, quality=quality)

    @property
    def passes(self) -> bool:
        """Whether samples pass unchanged."""
        return self._stream is None

    def push(self, samples: NDArray[Any]) -> NDArray[Any]:
        """Give ``(frames, channels)``, get what is ready, possibly nothing."""
        if self._stream is None:
            return samples
        return self._process(np.ascontiguousarray(samples), False)

    def flush(self) -> NDArray[Any]:
        """End the run: get the rest. Afterwards a new run may begin."""
        if self._stream is None:
            return np.empty(self._shape, self._dtype)
        rest = self._process(np.empty(self._shape, self._dtype), True)
        self._stream.clear()
        return rest

    def _process(self, samples: NDArray[Any], last: bool) -> NDArray[Any]:
        resampled: NDArray[Any] = self._stream.resample_chunk(samples, last)
        return resampled
