"""``audiostreamer windows``: JSON lines for other programs."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import Sources, WindowOptions, takes_window_options

__all__ = ["windows"]


@takes_window_options
def windows(
    sources: Sources,
    *,
    samples: Annotated[
        bool, typer.Option("--samples", help="Add the samples: base64 of little-endian float32, frame by frame.")
    ] = False,
    options: WindowOptions,
) -> None:
    """Print one line of JSON per window, and one for all else that happens: each has an "event".

    Windows are 1s long, unless said otherwise. Events: start, window, gap, lost, metadata, error, end.
    """
    from ..generator import Generator
    from .ending import end_with, ending, leave_quietly
    from .json_lines import JsonLines

    with ending():
        lines = JsonLines(samples=samples)
        generator = Generator(sources, lines, **options.arguments("1s"))
        lines.on_closed = generator.stop
        generator.run()
        if lines.closed:
            leave_quietly()
        end_with(generator.report)
