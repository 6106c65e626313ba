"""Stored audio at its own speed (`pace="realtime"`), as if it were live."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from typing import Any

from .clock import Clock
from .pipeline import Pipeline
from .sources.base import Block, Format

__all__ = ["paced"]

_STEP_SECONDS = 0.05  # audio comes in steps no longer than this
_WAIT_SECONDS = 0.2  # between looks at whether the run was stopped


def paced(items: Generator[Any, None, None], clock: Clock, *, halted: Callable[[], bool]) -> Generator[Any, None, None]:
    """Pass a stored source's items on, each block in small steps, none before its last frame would have been heard."""
    never = threading.Event()
    began, seconds, rate = clock.now(), 0.0, 1
    try:
        for event, arrived in items:
            if isinstance(event, (Pipeline, Format)):
                rate = event.stream.source_sample_rate if isinstance(event, Pipeline) else event.sample_rate
            if isinstance(event, Pipeline):
                began = clock.now()
                seconds = -event.discards / rate  # what is read only to be discarded is not waited for
            if not isinstance(event, Block):
                yield event, arrived
                continue
            for step in _steps(event, max(1, int(rate * _STEP_SECONDS))):
                seconds += len(step.samples) / rate
                while not halted() and (rest := began + seconds - clock.now()) > 0:
                    clock.wait(never, min(rest, _WAIT_SECONDS))
                yield step, arrived
    finally:
        items.close()


def _steps(block: Block, frames: int) -> list[Block]:
    return [Block(block.samples[i : i + frames]) for i in range(0, len(block.samples), frames)]
