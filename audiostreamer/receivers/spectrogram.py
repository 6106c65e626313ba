"""`SpectrogramPng`: what a stream sounded like, as a picture."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ..errors import MissingDependencyError
from ..receiver import Receiver
from ..stream import Ledger, Stream
from ..window import WindowBatch
from .columns import Columns
from .features import mel_power
from .mel import check_bands
from .outputs import StreamFiles

__all__ = ["SpectrogramPng"]


@dataclass(slots=True)
class _Page:
    path: Path
    columns: Columns
    utc: str = ""


class SpectrogramPng(Receiver):
    """Draws the log-mel spectrum over time, one PNG per stream; a stream's result is its `Path`.

    Time in seconds of the stream's timeline, frequency in Hz on the mel scale, level in dB. Each window is drawn around
    its middle. What was lost, or stands for lost audio, stays grey; the heading says how many gaps there were.
    Memory does not grow with the stream's length: past 4,096 columns neighbours are averaged. A stream without
    any window has no picture, and the result None.

    Args:
        path: The picture of the first stream, those of further ones are called ``name-2.png`` and so on; or a folder,
            which ends in a slash or exists: then pictures are named after the streams' ids. Existing
            pictures are replaced.
        bands: Mel bands, from 0 Hz to half the delivered rate.

    Raises:
        MissingDependencyError: matplotlib is not installed.
        TypeError: `bands` is not a whole number.
        ValueError: It is less than 1.
        OSError: When the run starts: there is no such folder. When a stream ends: the picture cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str], bands: int = 80) -> None:
        try:
            from . import drawing
        except ImportError as error:
            needed = "SpectrogramPng draws with matplotlib: pip install 'audiostreamer[plot]'"
            raise MissingDependencyError(needed) from error
        self._draw = drawing.draw
        self._bands = check_bands(bands)
        self._files = StreamFiles(path, ".png", b"\x89PNG")
        self._pages: dict[str, _Page] = {}

    def on_start(self) -> None:
        """Find out whether there is a place for the pictures, before any source is opened."""
        self._files.prepare()

    def on_stream_start(self, stream: Stream) -> None:
        """Begin a picture."""
        self._pages[stream.id] = _Page(self._files.name(stream.id), Columns(self._bands))

    def on_windows(self, batch: WindowBatch) -> None:
        """Add the windows' spectra."""
        page = self._pages[batch.stream.id]
        if not page.utc and batch.stream.live:
            utc = next(iter(batch)).utc
            page.utc = f"{utc:%Y-%m-%d %H:%M:%S} UTC" if utc else ""
        if batch.filled < batch.valid:
            page.columns.add(batch.starts, batch.samples.shape[1], mel_power(batch, self._bands))

    def on_stream_end(self, stream: Stream, ledger: Ledger) -> Path | None:
        """Draw the picture."""
        page = self._pages.pop(stream.id, None)  # none where a receiver beside this one refused the stream
        if page is None or not page.columns.window:
            return None
        self._draw(page.path, stream, page.columns, _heading(stream, ledger, page.utc))
        return page.path


def _heading(stream: Stream, ledger: Ledger, utc: str) -> str:
    lost = (ledger.gap_frames + ledger.dropped_overflow) / stream.sample_rate
    gaps = f"{ledger.gaps} gap{'s' * (ledger.gaps != 1)}, {lost:,.1f} s lost (grey)" if ledger.gaps else ""
    return "  ·  ".join(part for part in (f"{stream.sample_rate:,} Hz", f"from {utc}" if utc else "", gaps) if part)
