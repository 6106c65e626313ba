"""Which channels are delivered: all, their average, or some of them."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ChannelMap", "average", "parse_channels"]


def parse_channels(channels: object) -> tuple[int, ...] | str | None:
    """Check a `channels=` argument: None (all), ``"mono"`` (average) or 0-based indices.

    Raises:
        TypeError: Neither of these.
        ValueError: Another word, no index, or a negative one.
    """
    if channels is None:
        return None
    if isinstance(channels, str):
        if channels == "mono":
            return channels
        raise ValueError(f"channels={channels!r}: write None, 'mono' or indices such as [0, 1]")
    if not isinstance(channels, Sequence) and not isinstance(channels, np.ndarray):
        raise TypeError(f"channels={channels!r}: write None, 'mono' or a sequence of indices such as [0]")
    indices = tuple(operator.index(i) for i in channels)
    if not indices or min(indices) < 0:
        raise ValueError(f"channels={channels!r}: indices count from 0, and there must be at least one")
    return indices


def average(samples: NDArray[Any]) -> NDArray[Any]:
    """``(frames, channels)`` to ``(frames, 1)``: channels added in order, divided by their count."""
    if samples.shape[1] == 1:
        return samples
    total = samples[:, 0] + samples[:, 1]
    for channel in range(2, samples.shape[1]):
        total += samples[:, channel]
    total /= samples.shape[1]
    mixed: NDArray[Any] = total.reshape(-1, 1)
    return mixed


class ChannelMap:
    """Turns whatever channels a source has into the delivered ones, whose number stays as it was at the start.

    Args:
        selection: From `parse_channels`.
        source_channels: At the start.
        fill_value: Stands in channels that a later layout lacks.

    Attributes:
        channels: How many are delivered.

    Raises:
        IndexError: An index that the source does not have at the start.
    """

    def __init__(self, selection: tuple[int, ...] | str | None, source_channels: int, fill_value: float = 0.0) -> None:
        if isinstance(selection, tuple) and max(selection) >= source_channels:
            raise IndexError(
                f"channel {max(selection)} was asked for, but there are {source_channels} (counted from 0)"
            )
        self._mono = selection == "mono"
        self._all = selection is None
        self._fill_value = fill_value
        self._indices = selection if isinstance(selection, tuple) else tuple(range(1 if selection else source_channels))
        self.channels = len(self._indices)

    def is_identity(self, source_channels: int) -> bool:
        """Whether samples with so many channels pass unchanged."""
        return self._indices == tuple(range(source_channels))

    def apply(self, samples: NDArray[Any]) -> NDArray[Any]:
        """``(frames, any)`` to ``(frames, channels)``, floats; a view where that is possible.

        A single channel is repeated, several become one by averaging; else missing channels are `fill_value`.
        """
        have = samples.shape[1]
        if self.is_identity(have):
            return samples
        if self._mono or (self._all and self.channels == 1):
            return average(samples)
        if have == 1:
            return np.repeat(samples, self.channels, axis=1)
        chosen = np.full((len(samples), self.channels), self._fill_value, samples.dtype)
        for to, channel in enumerate(self._indices):
            if channel < have:
                chosen[:, to] = samples[:, channel]
        return chosen
