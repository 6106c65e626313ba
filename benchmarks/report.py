"""What was measured, for people: tables on the terminal, a page and a picture."""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import os
import platform
import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from goals import Finding
from measuring import spread

if TYPE_CHECKING:
    from compare import Result

_OURS = "audiostreamer"
_LIBRARIES = ["numpy", "soundfile", "av", "soxr", "librosa", "auditok", "torchcodec", "torch", "miniaudio"]


def print_result(result: Result) -> None:
    print(f"\n{result.format}, {result.shape}")
    for name, times in sorted(result.times.items(), key=lambda item: statistics.median(item[1])):
        middle, wide = statistics.median(times) * 1e3, spread(times)
        print(f"  {name:30s} {middle:9.1f} ms ±{wide:4.0%}  {_ratio(result, name):>7s}  {result.differences[name]}")
    for name, why in result.refusals.items():
        print(f"  {name:30s} not measured: {why}")


def print_findings(findings: list[Finding]) -> None:
    print()
    for one in findings:
        print(f"  {one.what:75s} {_value(one):>10s}  {_limit(one):>10s}  {_verdict(one):6s}  {one.note}")


def write(folder: Path, results: list[Result], findings: list[Finding], options: argparse.Namespace) -> None:
    """Write the page and its picture."""
    folder.mkdir(parents=True, exist_ok=True)
    sections = [
        _introduction(options),
        _goals(findings),
        *(_shape_table(shape, results) for shape in _in_order(result.shape for result in results)),
        _bare_table(results),
        _sameness(results),
        _refusals(results),
    ]
    (folder / "benchmarks.md").write_text("\n\n".join(part for part in sections if part) + "\n", encoding="utf-8")
    _picture(folder / "benchmarks.png", results)


# -- the page


def _introduction(options: argparse.Namespace) -> str:
    clock = "wall-clock time" if options.clock == "wall" else "processor time of all threads and child processes"
    return f"""# Benchmarks

Written by `make bench`; nothing here is edited by hand. {options.seconds} seconds of 44.1 kHz stereo (Opus: 48 kHz),
files in the page cache, all contenders in one process and pinned to one core, taken in turns, {options.repeat} rounds
after one to warm up, garbage collection off. Times are medians of {clock}; a ratio is the median of the rounds' ratios.
Read-ahead is measured on two cores in wall-clock time. Every contender is used as its own documentation recommends
for speed, and calls a function that does nothing with each window.

{_machine()}

![Time relative to audiostreamer](benchmarks.png)"""


def _machine() -> str:
    versions = [f"audiostreamer {_version(_OURS)}", *(f"{name} {_version(name)}" for name in _LIBRARIES)]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    today = datetime.date.today().isoformat()
    return (
        f"Machine: {_cpu()}, {cores} cores, {platform.system()}, Python {platform.python_version()}; {today}.\n"
        f"Versions: {', '.join(versions)}."
    )


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "(source tree)" if name == _OURS else "(absent)"


def _goals(findings: list[Finding]) -> str:
    aimed = [one for one in findings if one.limit is not None]
    met = sum(bool(one.met) for one in aimed)
    rows = [[one.what, _value(one), _limit(one), _verdict(one), one.note] for one in findings]
    head = ["what", "measured", "goal", "", "against, or details"]
    return f"## Goals\n\n{met} of {len(aimed)} are met.\n\n{_table(head, rows)}"


def _shape_table(shape: str, results: list[Result]) -> str:
    here = {result.format: result for result in results if result.shape == shape}
    names = _in_order(name for result in here.values() for name in result.times if not name.startswith("bare "))
    rows = [[name, *(_ratio(result, name) for result in here.values())] for name in names]
    rows.append(["audiostreamer, ms (spread)", *(_milliseconds(result) for result in here.values())])
    words = "Time as a multiple of audiostreamer's callback: above 1 is slower."
    return f"## Windows of {shape}\n\n{words}\n\n{_table(['', *here], rows)}"


def _bare_table(results: list[Result]) -> str:
    here: dict[str, Result] = {}
    for result in results:
        here.setdefault(result.format, result)
    names = _in_order(name for result in here.values() for name in result.times if name.startswith("bare "))
    if not names:
        return ""
    rows = [[name.removeprefix("bare "), *(_ratio(result, name) for result in here.values())] for name in names]
    fastest = ["fastest", *(_fastest(result).removeprefix("bare ") for result in here.values())]
    words = "Decoding to interleaved float32 and nothing else, as a multiple of audiostreamer's callback with windows."
    return f"## Bare engines\n\n{words}\n\n{_table(['', *here], [*rows, fastest])}"


def _fastest(result: Result) -> str:
    bare = [name for name in result.times if name.startswith("bare ")]
    return min(bare, key=lambda name: statistics.median(result.times[name]), default="–")


def _sameness(results: list[Result]) -> str:
    rows = [
        [f"{result.format}, {result.shape}", name, words]
        for result in results
        for name, words in result.differences.items()
        if words != "exact" and not name.startswith("bare ")
    ]
    words = (
        "Each contender's windows of one minute of the same audio were compared with audiostreamer's: "
        "their number, and each one's sum and energy. "
        "All are equal to the last bits but these, whose decoders or resamplers are others; energy differs by"
    )
    return f"## The same audio\n\n{words}\n\n{_table(['cell', 'contender', 'fraction'], rows)}" if rows else ""


def _refusals(results: list[Result]) -> str:
    reasons = _in_order(f"- {name}: {why}" for result in results for name, why in result.refusals.items())
    told = [
        "- miniaudio and PyAV deliver no overlapping windows: they are measured with a windowing loop around them.",
        "- auditok delivers bytes of 16-bit samples; the conversion to float32 is part of its time.",
        "- soundfile.blocks overwrites each window with the next one (`out=`): copies would cost more.",
        "- librosa.load and torchcodec hold the whole file in memory.",
    ]
    return "\n".join(["## What was not compared, and how", "", *told, *reasons])


# -- small things


def _ratio(result: Result, name: str) -> str:
    value = result.against(name, _OURS)
    return "–" if value is None else f"{value:.2f}"


def _milliseconds(result: Result) -> str:
    times = result.times.get(_OURS)
    return f"{statistics.median(times) * 1e3:.0f} (±{spread(times):.0%})" if times else "–"


def _value(one: Finding) -> str:
    return f"{one.value:.3g} {one.unit}".strip() if one.unit else f"{one.value:.2f}"


def _limit(one: Finding) -> str:
    return "" if one.limit is None else f"≤ {one.limit:g} {one.unit}".strip()


def _verdict(one: Finding) -> str:
    return {None: "", True: "met", False: "missed"}[one.met]


def _in_order(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


# -- the picture


def _picture(path: Path, results: list[Result]) -> None:
    try:
        import matplotlib
    except ImportError:
        print(f"no {path.name}: matplotlib is not installed")
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot

    shapes = _in_order(result.shape for result in results)
    names = _in_order(n for result in results for n in result.times if not n.startswith("bare "))
    figure, axes = pyplot.subplots(1, len(shapes), figsize=(4.2 * len(shapes), 4.8), sharey=True, squeeze=False)
    for axis, shape in zip(axes[0], shapes, strict=True):
        _panel(axis, shape, [result for result in results if result.shape == shape], names)
    axes[0][0].set_ylabel("time / audiostreamer's callback")
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=4, fontsize=8, frameon=False)
    figure.tight_layout(rect=(0, 0.13, 1, 1))
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _panel(axis: object, shape: str, here: list[Result], names: list[str]) -> None:
    axis.set_title(shape, fontsize=10)
    axis.set_yscale("log")
    axis.axhline(1, color="0.6", linewidth=1)
    for number, name in enumerate(names):
        points = [(at, value) for at, result in enumerate(here) if (value := result.against(name, _OURS)) is not None]
        x, y = zip(*points, strict=True) if points else ((), ())
        axis.plot(x, y, "osD^v<>P"[number % 8], color=f"C{number}", label=name, markersize=7, alpha=0.85)
    axis.set_xticks(range(len(here)), [result.format for result in here], fontsize=8)
    axis.set_yticks([0.5, 1, 2, 5, 10, 20], ["0.5", "1", "2", "5", "10", "20"], minor=False)
    axis.minorticks_off()
