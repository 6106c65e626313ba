"""`Columns`: a picture's columns over time, of bounded number however long the stream."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Columns"]


class Columns:
    """Averages rows of values into equal steps of time; when there are too many steps, they become twice as long.

    A column is as long as the hop between the first two windows (within a window's length and a 16th of it) times a
    power of two, so that overlapping windows on one grid never leave a column empty by rounding; what stays empty had
    no audio.

    Args:
        bands: Values in a row.
        limit: The most columns; even.

    Attributes:
        origin: Position of the first window, in frames.
        window: Length of the first window, in frames.
        step: Frames per column; 0 before `add`.
    """

    def __init__(self, bands: int, limit: int = 4096) -> None:
        self.origin = self.window = self.step = 0
        self._first: NDArray[Any] | None = None
        self._sums = np.zeros((limit, bands))
        self._counts = np.zeros(limit, np.int64)
        self._used = 0

    def add(self, starts: NDArray[np.int64], frames: int, rows: NDArray[Any]) -> None:
        """Add windows.

        Args:
            starts: ``(windows,)``: their positions in frames, not decreasing, also from call to call.
            frames: Their length.
            rows: ``(windows, bands)``.
        """
        if not self.window:
            self.origin, self.window = int(starts[0]), frames
        if not self.step and starts[-1] == self.origin:
            self._sums[0] += rows.sum(axis=0)
            self._counts[0] += len(rows)
            self._used = 1
            return
        if not self.step:
            hop = int(starts[starts > self.origin][0]) - self.origin
            self.step = max(1, self.window // 16, min(self.window, hop))
        self._place(starts, rows)

    def means(self) -> NDArray[Any]:
        """``(columns, bands)``: the average of each column's rows; NaN where there was none."""
        counts = self._counts[: self._used, None]
        return np.where(counts > 0, self._sums[: self._used] / np.maximum(counts, 1), np.nan)

    def _place(self, starts: NDArray[np.int64], rows: NDArray[Any]) -> None:
        while (last := int(starts[-1] - self.origin) // self.step) >= len(self._counts):
            self._fold()
        at = (starts - self.origin) // self.step
        np.add.at(self._sums, at, rows)
        np.add.at(self._counts, at, 1)
        self._used = max(self._used, last + 1)

    def _fold(self) -> None:
        """Two columns become one."""
        half = len(self._counts) // 2
        self._sums[:half] = self._sums[0::2] + self._sums[1::2]
        self._counts[:half] = self._counts[0::2] + self._counts[1::2]
        self._sums[half:] = 0
        self._counts[half:] = 0
        self._used = (self._used + 1) // 2
        self.step *= 2
