"""Time, in one place, so that tests can hold it still (`audiostreamer.testing.ManualClock`)."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta, timezone

__all__ = ["Clock"]


class Clock:
    """A monotonic clock, and UTC derived from it: setting the machine's clock does not move a running stream."""

    def __init__(self) -> None:
        self._origin = datetime.now(timezone.utc) - timedelta(seconds=self.now())

    def now(self) -> float:
        """Seconds since some moment; never goes back."""
        return time.monotonic()

    def utc(self) -> datetime:
        """Now, in UTC, aware; never goes back."""
        return self._origin + timedelta(seconds=self.now())

    def wait(self, event: threading.Event, timeout: float | None) -> bool:
        """Wait until the event is set; False if the time-out (seconds) passed first."""
        return event.wait(timeout)
