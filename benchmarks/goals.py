"""The other goals: cost per window, read-ahead on two cores, many small files, one very long file, kept windows.

Each function measures one thing and returns `Finding`s; none of them knows how they are shown.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bare
import numpy as np
from fixtures import RATE, audio_file, long_aac, long_wav, small_files
from measuring import cores, interleaved, ratio, seconds, spread, undisturbed
from numpy.typing import NDArray

import audiostreamer
from audiostreamer import Array, File, Format, Generator

_MIB = 1 << 20


@dataclass(frozen=True)
class Finding:
    """One measured number.

    Attributes:
        limit: It should be at most this; None: measured without a goal.
        note: What stands beside it.
    """

    what: str
    value: float
    unit: str
    limit: float | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        return None if self.limit is None else self.value <= self.limit


# -- cost per window


def own_cost(repeat: int, *, seconds_of_audio: int = 600) -> list[Finding]:
    """The callback path without decoding, windows of 25 ms every 10 ms, and the floor: slicing and calling."""
    samples = np.zeros((seconds_of_audio * RATE, 2), np.float32)
    window, hop = 1103, 441
    count = 1 + (len(samples) - window) // hop

    def floor() -> None:
        for start in range(0, count * hop, hop):
            _nothing(samples[start : start + window])

    def ours() -> None:
        Generator(Array(samples, RATE), _nothing, window_length=window, hop_length=hop).run()

    def loop() -> None:
        for _ in Generator(Array(samples, RATE), window_length=window, hop_length=hop):
            pass

    with cores(1):
        times = interleaved({"ours": ours, "loop": loop, "floor": floor}, repeat, "cpu")
    each = {name: statistics.median(taken) / count * 1e6 for name, taken in times.items()}
    note = f"slice and call alone: {each['floor']:.2f} µs"
    return [
        Finding("own cost per window, callback", each["ours"], "µs", 1.5, note),
        Finding("own cost per window, `for` loop", each["loop"], "µs", None, note),
    ]


def _nothing(_: object) -> None:
    pass


# -- read-ahead


class _Ahead(File):
    """A file that is decoded ahead, or is not, whatever its decoder thinks pays."""

    wanted = True

    def open(self) -> Format:
        opened = super().open()
        self.read_ahead = self.wanted
        return opened


class _Serial(_Ahead):
    wanted = False


def read_ahead(cache: Path, formats: list[str], length: int, repeat: int) -> list[Finding]:
    """A receiver that computes as long as decoding takes: wall time against the sum, and against the serial run."""
    if len(_available_cores()) < 2:
        return []
    return [finding for one in formats for finding in _read_ahead(audio_file(cache, one, length), one, repeat)]


def _read_ahead(path: Path, format: str, repeat: int) -> list[Finding]:
    decoding = min(seconds(lambda: _stream(_Serial(path), _nothing)) for _ in range(3))
    windows = _count(path)
    work = _work_for(decoding, windows)
    runs: dict[str, Callable[[], object]] = {
        "decode": lambda: _stream(_Serial(path), _nothing),
        "compute": lambda: _compute(work, windows),
        "serial": lambda: _stream(_Serial(path), work),
        "default": lambda: _stream(File(path), work),
        "forced": lambda: _stream(_Ahead(path), work),
    }
    times, loud = undisturbed(runs, repeat)
    together = [a + b for a, b in zip(times["decode"], times["compute"], strict=True)]
    limit = 0.65 if format in ("wav16", "wav24", "flac") else None
    compared = [
        ("wall time / (decoding + computing)", "default", together, limit),
        ("wall time / serial run", "default", times["serial"], 1.03),
        ("read-ahead forced on / serial run", "forced", times["serial"], None),
    ]
    return [
        Finding(f"{format}: {what}", ratio(times[name], other), "", most, _rounds(times[name], other, loud))
        for what, name, other, most in compared
    ]


def _rounds(times: list[float], others: list[float], loud: int) -> str:
    disturbed = f"; {loud} rounds disturbed by other processes" if loud else ""
    return f"fastest rounds: {min(times) / min(others):.2f}{disturbed}"


def _stream(source: File, receiver: Callable[[Any], None]) -> None:
    Generator(source, receiver, window_length="1s", hop_length="0.5s").run()


def _count(path: Path) -> int:
    counted = []
    _stream(_Serial(path), lambda window: counted.append(None))
    return len(counted)


def _work_for(total: float, windows: int) -> Callable[[Any], None]:
    """A receiver whose computing on so many windows takes `total` seconds: numpy arithmetic on data of its own."""
    scratch = np.ones(1 << 16, np.float32)
    single = min(seconds(lambda: np.sqrt(scratch, out=scratch)) for _ in range(200))
    passes, rest = divmod(round(total / windows / single * len(scratch)), len(scratch))
    part = scratch[:rest]

    def work(_: object) -> None:
        for _ in range(passes):
            np.sqrt(scratch, out=scratch)
        np.sqrt(part, out=part)

    return work


def _compute(work: Callable[[Any], None], windows: int) -> None:
    for _ in range(windows):
        work(None)


def _available_cores() -> set[int]:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))


# -- many small files


def many_files(cache: Path, formats: list[str], count: int, repeat: int) -> list[Finding]:
    """Files of one second against a bare loop that opens and reads them."""
    return [_many_files(small_files(cache, one, count), one, repeat) for one in formats]


def _many_files(paths: list[Path], format: str, repeat: int) -> Finding:
    def ours() -> None:
        Generator(paths, _nothing, window_length="1s").run()

    def loop() -> None:
        for path in paths:
            _read_whole(path)

    with cores(1):
        times = interleaved({"ours": ours, "loop": loop}, repeat, "cpu")
    mine, theirs = (statistics.median(times[name]) / len(paths) * 1e6 for name in ("ours", "loop"))
    engine = "soundfile.read" if format in ("wav16", "wav24", "flac") else "PyAV"
    note = f"{mine:.0f} µs a file; {engine} {theirs:.0f} µs; ±{spread(times['ours']):.0%}"
    return Finding(
        f"{len(paths)} {format} files of 1 s / bare loop", ratio(times["ours"], times["loop"]), "", 1.3, note
    )


def _read_whole(path: Path) -> NDArray[np.float32]:
    if path.suffix in (".wav", ".flac"):
        import soundfile

        samples: NDArray[np.float32] = soundfile.read(path, dtype="float32")[0]
        return samples
    return np.concatenate(list(bare.pyav_blocks(path)))


# -- one long file, and kept windows: each in a process of its own, for its memory


def long_file(cache: Path, hours: int) -> list[Finding]:
    """Resident memory over hours of audio, and whether the last hour costs what the first one did."""
    findings = []
    for format, make in (("WAV", long_wav), ("AAC", long_aac)):
        told = _child("long", make(cache, hours))
        hourly = told["hourly"]
        findings += [
            Finding(f"{hours} h of {format}: memory above the start", told["grown"] / _MIB, "MiB", 80),
            Finding(
                f"{hours} h of {format}: dearest hour / mean of all",
                max(hourly) / statistics.mean(hourly),
                "",
                None,
                f"{sum(hourly):.1f} s of processor time in all; last hour / first {hourly[-1] / hourly[0]:.2f}",
            ),
        ]
    return findings


def kept_windows(cache: Path, length: int) -> list[Finding]:
    """What keeping windows costs in memory, as a multiple of their own samples."""
    path = audio_file(cache, "wav16", length)
    named = {"all of them": "1", "every 100th": "100", "copies of every 100th": "100 copy"}
    return [
        Finding(f"memory of kept windows ({words}) / their samples", _child("keep", path, *how.split())["ratio"], "")
        for words, how in named.items()
    ]


def _child(what: str, path: Path, *arguments: str) -> dict[str, Any]:
    command = [sys.executable, __file__, what, str(path), *arguments]
    told: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return told


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _long(path: str) -> dict[str, Any]:
    hourly: list[float] = []
    start, peak, begin = _resident(), 0, time.process_time()

    def watch(window: audiostreamer.Window) -> None:
        nonlocal peak, begin
        if window.index % 1000 == 0:
            peak = max(peak, _resident())
        if window.start >= (len(hourly) + 1) * 3600 * RATE - RATE:
            hourly.append(time.process_time() - begin)
            begin = time.process_time()

    _stream(File(path), watch)
    return {"grown": peak - start, "hourly": hourly}


def _keep(path: str, every: str, copy: str = "") -> dict[str, Any]:
    kept: list[Any] = []
    _stream(File(path), _nothing)  # what the library itself takes
    start = _resident()

    def keep(window: audiostreamer.Window) -> None:
        if window.index % int(every) == 0:
            kept.append(window.copy() if copy else window)

    _stream(File(path), keep)
    return {"ratio": (_resident() - start) / sum(window.samples.nbytes for window in kept)}


if __name__ == "__main__":
    print(json.dumps({"long": _long, "keep": _keep}[sys.argv[1]](*sys.argv[2:])))
