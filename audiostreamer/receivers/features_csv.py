"""`FeaturesCsv`: one row of numbers per window."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..receiver import Receiver
from ..report import RunReport
from ..stream import Ledger, Stream
from ..window import WindowBatch
from .features import features
from .mel import check_bands
from .outputs import StreamFiles, is_folder

__all__ = ["FeaturesCsv"]

_COLUMNS = (
    "stream", "window", "start_seconds", "end_seconds", "utc", "valid", "filled",
    "rms", "peak", "zero_crossing_rate", "centroid_hz",
)  # fmt: skip


class FeaturesCsv(Receiver):
    """Writes a CSV file with one row per window; a stream's result is the number of its rows.

    Columns: ``stream`` (its id), ``window`` (its index), ``start_seconds``, ``end_seconds`` (padding included), ``utc``
    (ISO 8601; empty unless live), ``valid`` (frames before the padding), ``filled`` (how many of these stand for lost
    audio), ``rms``, ``peak`` (linear, of 1), ``zero_crossing_rate``, ``centroid_hz`` (0 in silence), ``mel_00_db``, …
    (-100 in silence). What they mean exactly is in `audiostreamer.receivers.features`.

    Whole rows are in the file after every batch, so that it can be read while it grows, and after a failure. An
    existing file is replaced when the first stream begins; a run without any stream leaves it alone.

    Args:
        path: A file for all streams; or a folder, which ends in a slash or exists: then each stream has a file
            of its own, named after its id. Workers of a Pool need a folder: they cannot share a file.
        bands: Mel bands, from 0 Hz to half the delivered rate.

    Raises:
        TypeError: `bands` is not a whole number.
        ValueError: It is less than 1.
        OSError: When the run starts: the file cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str], bands: int = 40) -> None:
        self._bands = check_bands(bands)
        digits = max(2, len(str(self._bands - 1)))
        self._header = (*_COLUMNS, *(f"mel_{band:0{digits}}_db" for band in range(self._bands)))
        self._files = StreamFiles(path, ".csv", b"stream,window,")
        self._path = None if is_folder(path) else Path(path)
        self._created = False
        self._shared: _Table | None = None
        self._tables: dict[str, _Table] = {}
        self._rows: dict[str, int] = {}

    def on_start(self) -> None:
        """Find out whether the file can be written, before any source is opened."""
        self._files.prepare()
        if self._path is not None:
            self._created = not self._path.exists()
            self._path.open("a").close()

    def on_stream_start(self, stream: Stream) -> None:
        """Open the file, if it is not open yet, and write the header."""
        table = self._shared or _Table(self._path or self._files.name(stream.id), self._header)
        if self._path is not None:
            self._shared = table
        self._tables[stream.id], self._rows[stream.id] = table, 0

    def on_windows(self, batch: WindowBatch) -> None:
        """Write a row for each window."""
        found = features(batch, self._bands)
        numbers = np.column_stack([
            found.rms.round(9), found.peak.round(9), found.zero_crossing_rate.round(6),
            found.centroid.round(3), found.log_mel.round(3),
        ])  # fmt: skip
        names = _names(batch)
        self._tables[batch.stream.id].write([*name, *row] for name, row in zip(names, numbers.tolist(), strict=True))
        self._rows[batch.stream.id] += len(names)

    def on_stream_end(self, stream: Stream, ledger: Ledger) -> int | None:
        """The number of rows; None if the file could not be opened."""
        table = self._tables.pop(stream.id, None)
        if table is not None and table is not self._shared:
            table.close()
        return self._rows.pop(stream.id, None)

    def on_end(self, report: RunReport) -> None:
        """Close the file."""
        if self._shared is not None:
            self._shared.close()
        elif self._path is not None and self._created:
            self._path.unlink(missing_ok=True)


def _names(batch: WindowBatch) -> list[tuple[object, ...]]:
    """What says which window a row is about."""
    return [
        (
            batch.stream.id,
            window.index,
            window.start_seconds,
            window.end_seconds,
            "" if window.utc is None else window.utc.isoformat(timespec="milliseconds"),
            window.valid,
            window.filled,
        )
        for window in batch
    ]


class _Table:
    def __init__(self, path: Path, header: Iterable[str]) -> None:
        self._file = path.open("w", newline="", encoding="utf-8", errors="backslashreplace")
        self._writer = csv.writer(self._file)
        self.write([header])

    def write(self, rows: Iterable[Iterable[object]]) -> None:
        self._writer.writerows(rows)
        self._file.flush()

    def close(self) -> None:
        self._file.close()
