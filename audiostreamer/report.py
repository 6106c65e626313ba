"""What a run leaves behind: `RunReport`, one `StreamReport` per stream."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .stream import Ledger, Stream

__all__ = ["RunReport", "StreamReport"]


@dataclass(slots=True)
class StreamReport:
    """One stream's end.

    Attributes:
        stream: None if it never opened.
        ledger: What became of its frames.
        result: What `on_stream_end` returned.
        error: What ended it, if anything did.
    """

    stream: Stream | None = None
    ledger: Ledger = field(default_factory=Ledger)
    result: Any = None
    error: BaseException | None = None


@dataclass(slots=True)
class RunReport:
    """A run's end.

    Attributes:
        streams: Stream id to its report, in the order in which they began.
    """

    streams: dict[str, StreamReport] = field(default_factory=dict)

    @property
    def results(self) -> dict[str, Any]:
        """Stream id to result, of every stream that started; None included."""
        return {id: report.result for id, report in self.streams.items() if report.stream is not None}

    @property
    def errors(self) -> dict[str, BaseException]:
        """Stream id to what ended it, of every stream that failed."""
        return {id: report.error for id, report in self.streams.items() if report.error is not None}
