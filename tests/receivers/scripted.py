"""A source that plays what a test wrote down, and other small things that these tests share."""

from __future__ import annotations

from typing import Any

import numpy as np

from audiostreamer import Block, Format, Generator, Receiver, Source, WindowBatch


class Scripted(Source):
    """Arrays are blocks; exceptions are raised; everything else is an event."""

    def __init__(self, *events: Any, rate: int = 16_000, channels: int = 1, name: str = "script") -> None:
        super().__init__(name)
        self._events = events
        self._format = Format(rate, channels)

    def open(self) -> Format:
        self._left = iter(self._events)
        return self._format

    def read(self, max_frames: int) -> Any:
        event = next(self._left, None)
        if isinstance(event, Exception):
            raise event
        return Block(event) if isinstance(event, np.ndarray) else event

    def close(self) -> None:
        self._left = iter(())


def tone(frequency: float, seconds: float = 1.0, *, rate: int = 16_000, amplitude: float = 0.5) -> np.ndarray:
    """``(frames, 1)`` float32."""
    turns = frequency * np.arange(round(seconds * rate)) / rate
    return (amplitude * np.sin(2 * np.pi * turns)).astype(np.float32)[:, None]


class Keep(Receiver):
    """Keeps every batch."""

    def __init__(self) -> None:
        self.batches: list[WindowBatch] = []

    def on_windows(self, batch: WindowBatch) -> None:
        self.batches.append(batch)


def batches_of(
    *events: Any, rate: int = 16_000, channels: int = 1, name: str = "script", **options: Any
) -> list[WindowBatch]:
    """What a receiver of batches gets."""
    keep = Keep()
    Generator(Scripted(*events, rate=rate, channels=channels, name=name), keep, **options).run()
    return keep.batches
