"""Timing: interleaved rounds, one core where one is meant, medians; and whether the same audio was delivered."""

from __future__ import annotations

import contextlib
import gc
import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np


@contextlib.contextmanager
def cores(count: int) -> Iterator[None]:
    """Keep every thread of this process on `count` cores, also those that it starts meanwhile, where that can be."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    _pin(set(sorted(before)[-count:]))
    try:
        yield
    finally:
        _pin(before)


def _pin(allowed: set[int]) -> None:
    tasks = Path("/proc/self/task")
    for task in [int(entry.name) for entry in tasks.iterdir()] if tasks.exists() else [0]:
        with contextlib.suppress(OSError):  # the thread has just ended
            os.sched_setaffinity(task, allowed)


def cpu_seconds() -> float:
    """Processor time of this process's threads and of its finished children."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


CLOCKS: dict[str, Callable[[], float]] = {"wall": time.perf_counter, "cpu": cpu_seconds}


def seconds(run: Callable[[], object], clock: str = "wall") -> float:
    """How long one call takes, with garbage collection off."""
    now = CLOCKS[clock]
    gc.collect()
    gc.disable()
    try:
        begin = now()
        run()
        return now() - begin
    finally:
        gc.enable()


def interleaved(runs: Mapping[str, Callable[[], object]], repeat: int, clock: str = "wall") -> dict[str, list[float]]:
    """Time each of `runs` once per round, in an order that moves on by one each round; one more round warms up."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    names = list(runs)
    for round in range(-1, repeat):
        for name in names[round % len(names) :] + names[: round % len(names)]:
            took = seconds(runs[name], clock)
            if round >= 0:
                times[name].append(took)
    return times


def undisturbed(runs: Mapping[str, Callable[[], object]], repeat: int) -> tuple[dict[str, list[float]], int]:
    """As `interleaved`, in wall time, for what needs every core: rounds in which other processes ran are repeated.

    Returns:
        The times of the quiet rounds, and how many rounds were not quiet; after three times `repeat`, those count too.
    """
    kept: list[dict[str, list[float]]] = []
    loud: list[dict[str, list[float]]] = []
    interleaved(runs, 0)  # warms up
    while len(kept) < repeat and len(kept) + len(loud) < 3 * repeat:
        begin, foreign = time.perf_counter(), _foreign_seconds()
        one = {name: [seconds(run)] for name, run in runs.items()}
        allowed = _QUIET * (time.perf_counter() - begin) + _TICKS
        quiet = _foreign_seconds() - foreign <= allowed
        (kept if quiet else loud).append(one)
    rounds = (kept + loud)[: max(1, repeat)]
    return {name: [one[name][0] for one in rounds] for name in runs}, len(loud)


_QUIET = 0.03  # of one core
_TICKS = 0.02  # seconds: the system counts in hundredths


def _foreign_seconds() -> float:
    """Processor time of everything but this process, since the machine started; 0 where nobody tells."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return 0.0
    user, nice, system, _, _, irq, softirq, steal = map(int, stat.read_text().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK") - cpu_seconds()


def ratio(times: list[float], others: list[float]) -> float:
    """The median of the rounds' ratios: what disturbs a round disturbs both."""
    return statistics.median(a / b for a, b in zip(times, others, strict=True))


def spread(times: list[float]) -> float:
    """Half of the distance between the quartiles, as a fraction of the median."""
    if len(times) < 2:
        return 0.0
    low, middle, high = statistics.quantiles(times, n=4)
    return (high - low) / 2 / middle


@dataclass
class Tally:
    """What a contender delivered: a sink, for the run that checks.

    Attributes:
        sums: Of each window's (or block's) samples.
        energies: Of each window's squares.
    """

    frames: int = 0
    sums: list[float] = field(default_factory=list)
    energies: list[float] = field(default_factory=list)

    def __call__(self, given: Any) -> None:
        samples = np.asarray(getattr(given, "samples", given))
        for window in samples if samples.ndim == 3 else samples[None]:
            self.frames += max(window.shape)
            self.sums.append(float(window.sum(dtype=np.float64)))
            self.energies.append(float(np.square(window, dtype=np.float64).sum()))


def difference(tally: Tally, reference: Tally) -> str:
    """In words: ``"exact"``, or by how much energy and number of windows differ."""
    ours, theirs = np.array(tally.energies), np.array(reference.energies)
    if len(ours) == len(theirs) and np.allclose([ours, tally.sums], [theirs, reference.sums], rtol=1e-9, atol=1e-6):
        return "exact"
    common = min(len(ours), len(theirs))
    scale = theirs.mean() or 1.0
    worst = float(np.abs(ours[:common] - theirs[:common]).max() / scale) if common else 0.0
    total = float(abs(ours.sum() - theirs.sum()) / (theirs.sum() or 1.0))
    counts = "" if len(ours) == len(theirs) else f", {len(ours) - len(theirs):+d} windows"
    return f"energy {total:.1e}, worst window {worst:.1e}{counts}"
