"""`JsonLines`: every hook's news as one line of JSON on standard output."""

from __future__ import annotations

import base64
import json
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from ..receiver import Receiver
from ..receivers.features import peak, rms
from ..stream import Gap, Ledger, Stream
from ..window import Window

__all__ = ["JsonLines", "plain"]


class JsonLines(Receiver):
    """Prints JSON lines, each flushed; when nobody reads them any more, it asks for the end.

    Args:
        samples: Whether windows carry their samples.

    Attributes:
        closed: Whether the reader has gone away.
        on_closed: Called then.
    """

    def __init__(self, *, samples: bool) -> None:
        self.closed = False
        self.on_closed: Callable[[], object] = lambda: None
        self._samples = samples

    def on_stream_start(self, stream: Stream) -> None:
        """What the stream is."""
        self._print("start", stream.id, {key: value for key, value in asdict(stream).items() if key != "id"})

    def on_window(self, window: Window) -> None:
        """Where, how long, how loud."""
        mono = window.mono[: window.valid]
        fields: dict[str, Any] = {
            "index": window.index,
            "start": window.start,
            "start_seconds": window.start_seconds,
            "utc": window.utc,
            "frames": len(window.samples),
            "valid": window.valid,
            "filled": window.filled,
            "rms": float(rms(mono)),
            "peak": float(peak(mono)),
        }
        if self._samples:
            fields["samples"] = base64.b64encode(window.samples.astype("<f4").tobytes()).decode()
        self._print("window", window.stream.id, fields)

    def on_lost(self, stream: Stream, reason: str) -> None:
        """The source is away."""
        self._print("lost", stream.id, {"reason": reason})

    def on_gap(self, stream: Stream, gap: Gap) -> None:
        """The source is back."""
        self._print("gap", stream.id, asdict(gap))

    def on_metadata(self, stream: Stream, metadata: Mapping[str, str]) -> None:
        """New tags."""
        self._print("metadata", stream.id, {"metadata": dict(metadata)})

    def on_stream_error(self, stream: Stream | None, error: Exception) -> None:
        """Why a stream ends early."""
        id = stream.id if stream else getattr(error, "stream_id", None)
        self._print("error", id, {"type": type(error).__name__, "message": getattr(error, "message", str(error))})

    def on_stream_end(self, stream: Stream, ledger: Ledger) -> None:
        """What became of every frame."""
        self._print("end", stream.id, {"ledger": asdict(ledger)})

    def _print(self, event: str, stream_id: str | None, fields: Mapping[str, Any]) -> None:
        if self.closed:
            return
        line = json.dumps(plain({"event": event, "stream": stream_id, **fields}), allow_nan=False)
        try:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
        except BrokenPipeError:
            self.closed = True
            self.on_closed()


def plain(value: Any) -> Any:
    """The same in what JSON knows: NaN and infinities become null, times ISO 8601."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value.isoformat() if isinstance(value, datetime) else value
