"""How commands end: what went wrong in one line, and an exit code. 1: a source failed; 2: wrong usage; 130: Ctrl-C."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

import typer

from ..errors import (
    AccessDeniedError,
    AudioStreamerError,
    MissingDependencyError,
    SourceNotFoundError,
    TruncatedSourceError,
)
from ..report import RunReport

__all__ = ["complain", "end_with", "ending", "leave_quietly"]

_INTERRUPTED = 130  # 128 + SIGINT, as shells have it
_ADVICE: dict[type[BaseException], str] = {
    SourceNotFoundError: "check the name",
    AccessDeniedError: "check permissions or credentials",
    TruncatedSourceError: "what was there has been used; copy or download it again",
}
# the library speaks of its own arguments
_SPELLING = {
    "window_length=": "--window ", "hop_length=": "--hop ", "overlap=": "--overlap ", "tail=": "--tail ",
    "offset=": "--offset ", "duration=": "--duration ", "errors=": "--errors ", "channels=": "--channels ",
    "hop_length and overlap": "--hop and --overlap",
}  # fmt: skip


@contextmanager
def ending() -> Iterator[None]:
    """Around a command: turns exceptions into a message on standard error and an exit code."""
    try:
        yield
    except KeyboardInterrupt:
        raise typer.Exit(_INTERRUPTED) from None
    except AudioStreamerError as error:
        complain(error)
        raise typer.Exit(1) from None
    except BrokenPipeError:
        leave_quietly()
    except OSError as error:
        text = f"{error.filename}: {error.strerror}" if error.filename else error
        typer.echo(f"audiostreamer: {text}", err=True)
        raise typer.Exit(1) from None
    except ValueError as error:
        raise typer.BadParameter(_as_options(str(error))) from error


def leave_quietly() -> NoReturn:
    """Whoever read our output has enough: nothing more is written, not even by the interpreter when it exits."""
    with suppress(OSError):  # io.UnsupportedOperation, where it is not a real file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise typer.Exit(0)


def complain(error: BaseException) -> None:
    """One line on standard error: what happened, and what to do."""
    advice = "" if isinstance(error, MissingDependencyError) else _advice(error)
    text = " ".join(str(error).split())
    typer.echo(f"audiostreamer: {text or type(error).__name__}{advice}", err=True)


def end_with(report: RunReport) -> None:
    """List the sources that failed, if any.

    Raises:
        typer.Exit: With code 1, if there were any.
    """
    for error in report.errors.values():
        complain(error)
    if report.errors and len(report.streams) > 1:
        typer.echo(f"audiostreamer: {len(report.errors)} of {len(report.streams)} sources failed", err=True)
    if report.errors:
        raise typer.Exit(1)


def _advice(error: BaseException) -> str:
    return next((f" ({text})" for kind, text in _ADVICE.items() if isinstance(error, kind)), "")


def _as_options(message: str) -> str:
    for argument, option in _SPELLING.items():
        message = message.replace(argument, option)
    return message
