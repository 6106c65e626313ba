"""How far a run is: a value for callables, and a bar for terminals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Progress", "progress_bar"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Attributes:
        streams: Streams that are over, failed ones included.
        failed: Streams that failed.
        windows: Windows delivered.
        seconds: Audio gone through, in seconds of the streams' timelines.
        expected: What the header of the stream that is running claims, in seconds; None if it claims nothing.
        elapsed: Wall time since the start, in seconds.
        stream_id: The stream that is running.
        done: Whether the run is over.
    """

    streams: int = 0
    failed: int = 0
    windows: int = 0
    seconds: float = 0.0
    expected: float | None = None
    elapsed: float = 0.0
    stream_id: str = ""
    done: bool = False


def progress_bar() -> Callable[[Progress], None]:
    """A bar on a terminal's standard error with rate and time left; nothing where there is no terminal."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        return lambda progress: None
    return _Bar(console)


class _Bar:
    def __init__(self, console: Any) -> None:
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        self._bar = RichProgress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=16),
            TextColumn("{task.fields[counts]}", markup=False),
            TimeRemainingColumn(compact=True),
            console=console,
        )
        self._task = self._bar.add_task("starting", total=None, counts="")
        self._bar.start()

    def __call__(self, progress: Progress) -> None:
        rate = progress.seconds / progress.elapsed if progress.elapsed else 0.0
        failed = f", {progress.failed} failed" if progress.failed else ""
        counts = f"{progress.streams} done{failed}, {progress.windows:,} windows, {rate:,.0f}x"
        self._bar.update(
            self._task,
            description=progress.stream_id[-24:] or "done",
            counts=counts,
            completed=progress.seconds,
            total=progress.expected,
        )
        if progress.done:
            self._bar.stop()
