"""`LogMel`: each stream becomes an array."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..receiver import Receiver
from ..stream import Ledger, Stream
from ..window import WindowBatch
from .features import decibels, mel_power
from .mel import check_bands

__all__ = ["LogMel"]


class LogMel(Receiver):
    """The log-mel spectrum of every window; a stream's result is all of its windows' spectra.

    The result is a float32 array ``(windows, bands)`` in dB (see `decibels` and `mel_power` in
    `audiostreamer.receivers.features`), -100 where there is silence. Four bytes per value are kept until the stream
    ends: 58 MB for an hour of 40 bands every 10 ms.

    Args:
        bands: Mel bands, from 0 Hz to half the delivered rate.

    Raises:
        TypeError: `bands` is not a whole number.
        ValueError: It is less than 1.
    """

    def __init__(self, bands: int = 40) -> None:
        self._bands = check_bands(bands)
        self._parts: dict[str, list[NDArray[np.float32]]] = {}

    def on_stream_start(self, stream: Stream) -> None:
        """Begin an array."""
        self._parts[stream.id] = [np.empty((0, self._bands), np.float32)]

    def on_windows(self, batch: WindowBatch) -> None:
        """Add the windows' spectra."""
        power = mel_power(batch, self._bands)
        self._parts[batch.stream.id].append(decibels(power).astype(np.float32))

    def on_stream_end(self, stream: Stream, ledger: Ledger) -> NDArray[np.float32] | None:
        """The stream's array; of a stream that failed, what came before."""
        parts = self._parts.pop(stream.id, None)  # none where a receiver beside this one refused the stream
        return None if parts is None else np.concatenate(parts)
