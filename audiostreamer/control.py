"""What the threads of one run share: whether it goes on, and that something may be ready."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

__all__ = ["Control"]


class Control:
    """Stops, rests and wakes one run.

    Attributes:
        wakeup: Set when something may be ready; `on_wakeup` is called then, too.
        part_size: The most windows handed over at a time; may change while the run rests.
        turn: How many more items may be taken before the run rests.
        books: Held while ledgers change; never while user code runs.
    """

    def __init__(self, part_size: int) -> None:
        self.wakeup = threading.Event()
        self.on_wakeup: Callable[[], object] | None = None
        self.part_size = part_size
        self.turn: float = math.inf
        self.books = threading.Lock()
        self._stop: str | None = None

    def stop(self, *, drain: bool) -> None:
        """Ask the run to end; without `drain`, no window, gap or metadata hook follows."""
        if self._stop != "halt":
            self._stop = "drain" if drain else "halt"
        self.wake()

    def stopping(self) -> bool:
        """Whether nothing more is to be read."""
        return self._stop is not None

    def halted(self) -> bool:
        """Whether nothing more is to be delivered."""
        return self._stop == "halt"

    def wake(self) -> None:
        """Something may be ready."""
        self.wakeup.set()
        if self.on_wakeup:
            self.on_wakeup()
