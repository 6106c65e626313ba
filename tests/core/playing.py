"""Plays scripts of events through a Pipeline, as a run would, and looks at the books after every step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

from audiostreamer import Block, Format, Gap, Metadata, Window
from audiostreamer.channels import parse_channels
from audiostreamer.lengths import Length
from audiostreamer.options import Options
from audiostreamer.pipeline import Pipeline

LENGTHS = ("window_length", "hop_length", "offset", "duration", "max_fill")


def make_options(**given: Any) -> Options:
    """Options; lengths are frames."""
    given = {name: Length(value) if name in LENGTHS else value for name, value in given.items()}
    if "channels" in given:
        given["channels"] = parse_channels(given["channels"])
    return Options(**given)


@dataclass
class Player:
    """One stream, played.

    `outputs` has ``("window", Window)``, ``("gap", Gap)`` and ``("metadata", mapping)`` in order; `copies` what
    each window held when it came out.
    """

    pipeline: Pipeline
    outputs: list[tuple[str, Any]] = field(default_factory=list)
    copies: list[np.ndarray] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)  # positions of real frames in windows
    fills: set[int] = field(default_factory=set)
    split: bool = True

    @classmethod
    def of(cls, opened: Format, *, live: bool = False, **options: Any) -> Player:
        pipeline = Pipeline(make_options(**options), opened, id="s", uri="s", live=live)
        return cls(pipeline, split=options.get("gaps") != "fill")

    @property
    def windows(self) -> list[Window]:
        return [value for kind, value in self.outputs if kind == "window"]

    @property
    def gaps(self) -> list[tuple[int, int, str]]:
        return [(g.start, g.frames, g.reason) for kind, g in self.outputs if kind == "gap"]

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.outputs]

    def push(self, event: Any, arrived: datetime | None = None) -> None:
        event = Block(event) if isinstance(event, np.ndarray) else event
        self._take(self.pipeline.push(event, arrived))

    def end(self) -> Player:
        self._take(self.pipeline.end())
        return self

    def play(self, events: list[Any], *, given: bool = False) -> Player:
        """All events, as far as the range goes, then the end."""
        for event in events:
            if self.pipeline.done:
                break
            self.push(self.in_buffer(event) if given and isinstance(event, np.ndarray) else event)
        return self.end()

    def in_buffer(self, samples: np.ndarray) -> Block:
        """A block that brings the room that the pipeline asks for."""
        room = self.pipeline.headroom
        buffer = np.empty((room + len(samples), samples.shape[1]), samples.dtype)
        buffer[room:] = samples
        return Block(buffer[room:], buffer)

    def _take(self, outputs: list[Any]) -> None:
        self._check()
        for output in outputs:
            if isinstance(output, Gap):
                self.outputs.append(("gap", output))
            elif isinstance(output, Metadata):
                self.outputs.append(("metadata", dict(output.mapping)))
            else:
                self._take_batch(output)
        self._check()

    def _take_batch(self, batch: Any) -> None:
        for number, window in enumerate(batch, 1):
            batch.delivered = number
            self.outputs.append(("window", window))
            self.copies.append(window.samples.copy())
            self.seen |= set(range(window.start, window.start + window.valid))
            self._check(batch)
        self.pipeline.settle(batch)

    def _check(self, current: Any = None) -> None:
        ledger = self.pipeline.ledger(current)
        assert ledger.balanced, ledger
        assert ledger.pending >= 0, ledger
        assert ledger.windows == len(self.copies)
        assert ledger.padded == sum(len(w.samples) - w.valid for w in self.windows)
        if self.split:
            assert ledger.delivered == len(self.seen)


def split_up(events: list[Any], sizes: Iterator[int]) -> Iterator[Any]:
    """A script with its arrays in pieces of the given sizes."""
    for event in events:
        while isinstance(event, np.ndarray) and len(event):
            size = next(sizes)
            yield event[:size]
            event = event[size:]
        if not isinstance(event, np.ndarray):
            yield event


def noise(frames: int, channels: int = 1, seed: int = 0, dtype: str = "float32") -> np.ndarray:
    """Noise, a little over full scale."""
    samples = np.random.default_rng(seed).uniform(-1.1, 1.1, (frames, channels))
    return (samples * 29_000).astype(dtype) if dtype == "int16" else samples.astype(dtype)
