"""Measure audiostreamer against other libraries, side by side: ``make bench``.

Prints tables of ratios, and writes ``benchmarks.md`` and ``benchmarks.png`` into ``docs/``. ``--quick`` shows in a
minute whether everything runs; its numbers mean nothing, and it writes only where ``--out`` says.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import goals
import report
from contenders import CONTENDERS, Cell, Contender, chosen_bare
from fixtures import FORMATS, audio_file, rate_of
from goals import Finding
from measuring import CLOCKS, Tally, cores, difference, interleaved, ratio

# what is asked for: window and hop in seconds, delivered rate
SHAPES: dict[str, tuple[float, float, int | None]] = {
    "1 s / 0.5 s": (1.0, 0.5, None),
    "0.975 s / 0.4875 s at 16 kHz mono": (0.975, 0.4875, 16_000),
    "25 ms / 10 ms": (0.025, 0.010, None),
}
LONG, _, SHORT = SHAPES
_CHECKED_SECONDS = 60
_MOST_OF_PEER, _MOST_OF_BARE, _MOST_OF_BARE_IN_BATCHES = 1.02, 1.10, 1.15


@dataclass
class Result:
    """One cell: name of contender to what was measured, or to why it was not."""

    format: str
    shape: str
    times: dict[str, list[float]] = field(default_factory=dict)
    differences: dict[str, str] = field(default_factory=dict)
    refusals: dict[str, str] = field(default_factory=dict)

    def against(self, name: str, other: str) -> float | None:
        if name not in self.times or other not in self.times:
            return None
        return ratio(self.times[name], self.times[other])


def main(arguments: list[str] | None = None) -> int:
    options = _options(arguments)
    cache = Path(options.cache)
    warnings.simplefilter("ignore")  # what other libraries deprecate is not our subject
    cells = [(one, shape) for one in options.formats for shape in SHAPES]
    results = []
    for format, shape in cells:
        checked = _cell(format, audio_file(cache, format, min(_CHECKED_SECONDS, options.seconds)), shape)
        measured = _cell(format, audio_file(cache, format, options.seconds), shape)
        results.append(_measure(measured, checked, shape, options))
        report.print_result(results[-1])
    findings = [*_compared(results), *(_others(cache, options) if not options.only else [])]
    report.print_findings(findings)
    if options.out:
        report.write(Path(options.out), results, findings, options)
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="short audio, one round: only to see that it runs")
    parser.add_argument("--formats", default=",".join(FORMATS), help="comma-separated (%(default)s)")
    parser.add_argument("--repeat", type=int, help="rounds that count (7, or 1 with --quick)")
    parser.add_argument("--only", default="", help="comma-separated parts of names; the other goals are left out")
    parser.add_argument("--clock", choices=list(CLOCKS), default="wall", help="cpu: for a machine that is busy")
    parser.add_argument(
        "--cache", default=str(Path(tempfile.gettempdir()) / "audiostreamer-bench"), help="(%(default)s)"
    )
    parser.add_argument("--out", help="folder for benchmarks.md and .png (docs/; with --quick: nowhere)")
    options = parser.parse_args(arguments)
    options.formats = options.formats.split(",")
    unknown = set(options.formats) - set(FORMATS)
    if unknown:
        parser.error(f"unknown formats {sorted(unknown)}; there are {', '.join(FORMATS)}")
    options.only = [part for part in options.only.split(",") if part]
    options.repeat = options.repeat or (1 if options.quick else 7)
    options.seconds = 20 if options.quick else 600
    if options.out is None and not options.quick:
        options.out = str(Path(__file__).resolve().parent.parent / "docs")
    return options


# -- contenders in cells


def _cell(format: str, path: Path, shape: str) -> Cell:
    window, hop, rate = SHAPES[shape]
    delivered = rate or rate_of(format)
    return Cell(format, path, int(window * delivered + 0.5), int(hop * delivered + 0.5), rate)


def _measure(cell: Cell, checked: Cell, shape: str, options: argparse.Namespace) -> Result:
    """Check on one file, and time on another, longer one."""
    result, runs, reference = Result(cell.format, shape), {}, Tally()
    CONTENDERS[0].run(checked, reference)
    for contender in CONTENDERS:
        if _left_out(contender, cell, shape, options.only):
            continue
        refusal = contender.refusal(cell) or _check(contender, checked, result, reference)
        if refusal:
            result.refusals[contender.name] = refusal
        else:
            runs[contender.name] = partial(contender.run, cell, _ignore)
    with cores(1):
        result.times = interleaved(runs, options.repeat, options.clock)
    return result


def _left_out(contender: Contender, cell: Cell, shape: str, only: list[str]) -> bool:
    if only and not any(part in contender.name for part in only):
        return True
    wanted = {LONG: True, SHORT: contender.name == chosen_bare(cell.format)}
    return contender.kind == "bare" and not wanted.get(shape, False)


def _ignore(_: object) -> None:
    pass


def _check(contender: Contender, cell: Cell, result: Result, reference: Tally) -> str | None:
    """Run once, to see whether the same audio comes out; returns why it is out of the race."""
    tally = Tally()
    try:
        contender.run(cell, tally)
    except Exception as error:  # another library's failure is a result, too
        return f"{type(error).__name__}: {str(error)[:100]}"
    if contender.kind == "bare":
        result.differences[contender.name] = f"{tally.frames} frames"
        return None
    result.differences[contender.name] = difference(tally, reference)
    return None


# -- goals


def _compared(results: list[Result]) -> list[Finding]:
    return [finding for result in results for finding in (*_against_peers(result), *_against_bare(result))]


def _against_peers(result: Result) -> list[Finding]:
    peers = [c.name for c in CONTENDERS if c.kind == "peer" and c.name in result.times]
    if not peers or "audiostreamer" not in result.times:
        return []
    fastest = min(peers, key=lambda name: sorted(result.times[name])[len(result.times[name]) // 2])
    value = result.against("audiostreamer", fastest)
    what = f"{result.format}, {result.shape}: callback / fastest peer"
    return [] if value is None else [Finding(what, value, "", _MOST_OF_PEER, fastest)]


def _against_bare(result: Result) -> list[Finding]:
    bare = chosen_bare(result.format)
    wanted = {
        LONG: [("audiostreamer", "callback", _MOST_OF_BARE)],
        SHORT: [("audiostreamer, on_windows", "on_windows", _MOST_OF_BARE_IN_BATCHES)],
    }
    return [
        Finding(f"{result.format}, {result.shape}: {words} / bare decode", value, "", limit, bare)
        for name, words, limit in wanted.get(result.shape, [])
        if (value := result.against(name, bare)) is not None
    ]


def _others(cache: Path, options: argparse.Namespace) -> list[Finding]:
    quick, rounds = options.quick, options.repeat
    measured: list[Callable[[], list[Finding]]] = [
        lambda: goals.own_cost(rounds, seconds_of_audio=options.seconds),
        lambda: goals.read_ahead(cache, options.formats, options.seconds, rounds),
        lambda: goals.many_files(cache, options.formats, 20 if quick else 1000, rounds),
        lambda: goals.long_file(cache, 1 if quick else 10),
        lambda: goals.kept_windows(cache, options.seconds),
    ]
    return [finding for measure in measured for finding in measure()]


if __name__ == "__main__":
    sys.exit(main())
