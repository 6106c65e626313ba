"""Streaming resampling by soxr: any pieces give the samples that `soxr.resample` of the whole gives.

Where the exact length is a whole number and a half, soxr rounds up or down as its float arithmetic falls, and here it
is always up: such a run may have one frame more than `soxr.resample` gives.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["QUALITIES", "Resampler", "resampled_length"]

QUALITIES = ("QQ", "LQ", "MQ", "HQ", "VHQ")


def resampled_length(frames: int, source_rate: int, rate: int) -> int:
    """``⌊frames · rate / source_rate + ½⌋``: what so many frames become."""
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
        self._source_rate, self._rate = source_rate, rate
        self._channels = channels
        self._dtype = dtype
        self._pushed = self._made = 0
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
            return np.empty((0, self._channels), self._dtype)
        wanted = resampled_length(self._pushed, self._source_rate, self._rate) - self._made
        half_way = 2 * self._pushed * self._rate % (2 * self._source_rate) == self._source_rate
        silence = self._source_rate // self._rate + 1 if half_way else 0  # makes soxr give the last frame, too
        rest = self._process(np.zeros((silence, self._channels), self._dtype), True)[:wanted]
        self._stream.clear()
        self._pushed = self._made = 0
        return rest

    def _process(self, samples: NDArray[Any], last: bool) -> NDArray[Any]:
        resampled: NDArray[Any] = self._stream.resample_chunk(samples, last)
        self._pushed += len(samples)
        self._made += len(resampled)
        return resampled
