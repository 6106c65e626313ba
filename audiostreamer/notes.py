"""Metadata on its way: each note comes out after the windows that end before it, wherever a delay has put them."""

from __future__ import annotations

from collections import deque

from .sources.base import Metadata
from .window import WindowBatch

__all__ = ["Notes"]


class Notes:
    """Notes that wait for the audio before them."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, Metadata]] = deque()

    def add(self, position: int, note: Metadata) -> None:
        """Put a note at a position of the timeline, not before the last one's."""
        self._waiting.append((position, note))

    def among(self, batches: list[WindowBatch], produced: int) -> list[WindowBatch | Metadata]:
        """The windows in order, and between them the notes at positions up to `produced`."""
        merged: list[WindowBatch | Metadata] = []
        rest = batches
        while self._waiting and self._waiting[0][0] <= produced:
            position, note = self._waiting.popleft()
            merged += [part for batch in rest if (part := batch.until(position))]
            merged.append(note)
            rest = [part for batch in rest if (part := batch.since(position))]
        return [*merged, *rest]
