"""The application: its commands, one module each, which import what they need when they are called."""

from __future__ import annotations

from typing import Annotated

import typer

from .demo import demo
from .features import features
from .probe import probe
from .windows import windows

__all__ = ["app"]

app = typer.Typer(
    help="Any audio in, exact windows out.\n\n"
    "A SOURCE is a file, a folder, a pattern such as 'clips/**/*.flac', a URL, - (standard input), or a test signal "
    "such as signal:chirp.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (features, probe, windows, demo):
    app.command()(command)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"audiostreamer {version('audiostreamer')}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass
