"""``audiostreamer features``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .options import Sources, WindowOptions, takes_window_options

__all__ = ["features", "tell_pictures"]

_LISTED = 10  # pictures


@takes_window_options
def features(
    sources: Sources,
    *,
    out: Annotated[str, typer.Option(help="A CSV file; or a folder, with a final /, for a file per source.")] = (
        "features.csv"
    ),
    spectrogram: Annotated[
        str | None, typer.Option(help="Also draw a picture of each source: a PNG file, or a folder with a final /.")
    ] = None,
    bands: Annotated[int, typer.Option(help="How many mel bands.")] = 40,
    options: WindowOptions,
) -> None:
    """Write a CSV with one row per window: level, peak, zero-crossing rate, spectral centroid, mel bands.

    Windows are 25ms every 10ms, unless said otherwise.
    """
    from ..generator import Generator
    from ..receivers import FeaturesCsv, SpectrogramPng
    from .ending import end_with, ending

    with ending():
        receivers: list[Any] = [FeaturesCsv(out, bands)]
        if spectrogram is not None:
            receivers.append(SpectrogramPng(spectrogram))
        generator = Generator(sources, receivers, progress=True, **options.arguments("25ms", "10ms"))
        try:
            generator.run()
        finally:
            tell(generator.report.results, out)
        end_with(generator.report)


def tell(results: dict[str, Any], out: str) -> None:
    """Say what was written, and where."""
    written = [result for result in results.values() if result is not None]
    rows = sum(result[0] or 0 for result in written)
    if written:
        streams = "1 stream" if len(written) == 1 else f"{len(written):,} streams"
        typer.echo(f"{rows:,} windows of {streams}: {out}")
    tell_pictures([result[1] for result in written if len(result) > 1 and result[1] is not None])


def tell_pictures(paths: list[Path]) -> None:
    """Say where the pictures are: all, if they are few."""
    if len(paths) > _LISTED:
        typer.echo(f"spectrograms: {len(paths):,} in {paths[0].parent}")
        return
    for path in paths:
        typer.echo(f"spectrogram: {path}")
