"""``audiostreamer demo``: the whole way, from any source to files to look at."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .features import tell_pictures

if TYPE_CHECKING:
    from ..report import RunReport, StreamReport
    from ..window import Window

__all__ = ["demo"]

_SOURCE = "signal:speech?duration=10&rate=16000"
_LIVE_SECONDS = 20.0
_LISTED = 10  # streams


def demo(
    source: Annotated[str, typer.Argument(help="A file, folder, pattern or URL; a test signal by default.")] = _SOURCE,
    out: Annotated[Path, typer.Option(help="The folder for the files.")] = Path("demo-out"),
) -> None:
    """Turn any source into a CSV of features and a picture of its spectrum, and say where they are.

    Windows are 25 ms long, every 10 ms. A live source is heard for 20 s.
    """
    from ..generator import Generator
    from ..receivers import FeaturesCsv, SpectrogramPng
    from ..uri import redact
    from .ending import end_with, ending

    def enough(window: Window) -> None:
        if window.stream.live and window.end_seconds > _LIVE_SECONDS:
            generator.stop(drain=True)

    with ending():
        out.mkdir(parents=True, exist_ok=True)
        table = out / "features.csv"
        for old in [table, *out.glob("spectrogram*.png")]:
            old.unlink(missing_ok=True)  # of an earlier demo: it would pass for this one's
        receivers = [FeaturesCsv(table), SpectrogramPng(out / "spectrogram.png"), enough]
        generator = Generator(source, receivers, window_length="25ms", hop_length="10ms", errors="skip", progress=True)
        typer.echo(f"{redact(source)} -> windows of 25 ms every 10 ms -> features and a spectrogram")
        began = time.monotonic()
        try:
            generator.run()
        finally:
            tell(generator.report, table, time.monotonic() - began)
        end_with(generator.report)


def tell(report: RunReport, table: Path, elapsed: float) -> None:
    """Say what was heard, and where the files are."""
    heard = [one for one in report.streams.values() if one.stream is not None and one.result is not None]
    for one in heard[:_LISTED]:
        typer.echo(_line(one))
    if len(heard) > _LISTED:
        typer.echo(f"... and {len(heard) - _LISTED:,} more streams")
    if heard:
        seconds = sum(_seconds(one) for one in heard)
        typer.echo(f"{seconds:,.1f} s of audio in {elapsed:.1f} s, drawing included")
        typer.echo(f"features:    {table}")
    tell_pictures([one.result[1] for one in heard if one.result[1] is not None])


def _line(one: StreamReport) -> str:
    assert one.stream is not None
    lost = f", {one.ledger.gaps} gaps" if one.ledger.gaps else ""
    return (
        f"{one.stream.id}: {one.ledger.windows:,} windows, {_seconds(one):,.1f} s, "
        f"{one.stream.sample_rate:,} Hz, {one.stream.channels} channel(s){lost}"
    )


def _seconds(one: StreamReport) -> float:
    assert one.stream is not None
    return one.ledger.end / one.stream.sample_rate
