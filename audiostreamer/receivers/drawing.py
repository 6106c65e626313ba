"""A spectrogram on paper. The only module that imports matplotlib; its global state (pyplot) is not touched."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter
from numpy.typing import NDArray

from ..stream import Stream
from .columns import Columns
from .features import decibels
from .mel import hertz_to_mel

__all__ = ["draw"]

_SIZE = (11.0, 4.2)  # inches
_DPI = 130
_RANGE = 70.0  # dB from the loudest down
_QUIETEST = -30.0  # dB: what is quieter all through is shown dark, down to the floor of -100
_LONGEST_TITLE = 64  # characters
_TICKS = (100, 300, 600, 1000, 2000, 3000, 5000, 8000, 12_000, 20_000, 40_000, 80_000)  # Hz


def draw(path: Path, stream: Stream, columns: Columns, heading: str) -> None:
    """Write the picture.

    Args:
        path: Where to.
        stream: Gives the title and the axes.
        columns: Mean powers; at least one window.
        heading: Shown small, beside the title.

    Raises:
        OSError: It cannot be written.
    """
    figure = Figure(figsize=_SIZE, dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    powers = columns.means()
    first, last = _span(columns, len(powers), stream.sample_rate)
    image = _image(axes, powers, (first, last))
    half = columns.origin / stream.sample_rate - first
    axes.set_xlim(first + half, last - half)
    _frequencies(axes, stream.sample_rate, powers.shape[1])
    axes.set_xlabel("time (s)")
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    axes.set_title(_title(stream.id), loc="left", parse_math=False, fontsize=11, fontweight="bold")
    axes.set_title(heading, loc="right", fontsize=9, color="0.35")
    figure.colorbar(image, label="band level (dB re full scale)", pad=0.015, aspect=28)
    _save(figure, path)


def _span(columns: Columns, count: int, sample_rate: int) -> tuple[float, float]:
    """From where to where the columns reach, in seconds, each around the middle of its windows."""
    step = columns.step or columns.window
    first = columns.origin + (columns.window - step) / 2
    return first / sample_rate, (first + count * step) / sample_rate


def _image(axes: Any, powers: NDArray[Any], span: tuple[float, float]) -> Any:
    levels = np.ma.masked_invalid(decibels(powers))
    loudest = max(_QUIETEST, float(np.ceil(levels.max() / 5) * 5)) if levels.count() else 0.0
    axes.grid(False)  # whatever the user's style says
    return axes.imshow(
        levels.T,
        origin="lower",
        aspect="auto",
        extent=(*span, -0.5, powers.shape[1] - 0.5),
        cmap=colormaps["magma"].with_extremes(bad="0.75"),
        vmin=loudest - _RANGE,
        vmax=loudest,
    )


def _frequencies(axes: Any, sample_rate: int, bands: int) -> None:
    """Band ``b`` is drawn at height ``b``; its centre is edge ``b + 1`` of ``bands + 2`` evenly spaced ones."""
    ticks = np.array(_TICKS)
    mel_per_band = hertz_to_mel(sample_rate / 2) / (bands + 1)
    heights = hertz_to_mel(ticks) / mel_per_band - 1
    inside = (heights >= -0.5) & (heights <= bands - 0.5)
    axes.set_yticks(heights[inside], [f"{tick:,}" for tick in ticks[inside]])
    axes.set_ylabel("frequency (Hz)")


def _title(text: str) -> str:
    shown = "".join(char if char.isprintable() else "?" for char in text)
    return shown if len(shown) <= _LONGEST_TITLE else "…" + shown[1 - _LONGEST_TITLE :]


def _save(figure: Figure, path: Path) -> None:
    """Drawn in memory first, so that no half picture is left behind."""
    drawn = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # in a name in some script: a box is drawn instead
        figure.savefig(drawn, format="png")
    path.write_bytes(drawn.getvalue())
