"""The options that several commands share, written once: `WindowOptions`, and how a command gets them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Annotated, Any, get_type_hints

import typer

__all__ = ["Sources", "WindowOptions", "parse_channels", "parse_rate", "takes_window_options"]

Sources = Annotated[list[str], typer.Argument(metavar="SOURCE", help="Files, folders, patterns, URLs, signal:…, -")]

_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*(k?)(?:hz)?", re.IGNORECASE)
_WINDOWS, _AUDIO, _RUN = "Windows", "Audio", "Run"


@dataclass(frozen=True, slots=True)
class WindowOptions:
    """What is delivered, as written on the command line. Lengths carry their unit."""

    window: Annotated[
        str | None, typer.Option(help="Length of a window: 25ms, 2s, '400 frames'.", rich_help_panel=_WINDOWS)
    ] = None
    hop: Annotated[
        str | None,
        typer.Option(help="From one window's start to the next one's (one window).", rich_help_panel=_WINDOWS),
    ] = None
    overlap: Annotated[
        float | None,
        typer.Option(help="Instead of --hop: the part that windows share, such as 0.5.", rich_help_panel=_WINDOWS),
    ] = None
    tail: Annotated[
        str, typer.Option(help="What is left over at the end: pad, crop, drop or shift.", rich_help_panel=_WINDOWS)
    ] = "pad"
    rate: Annotated[
        str | None, typer.Option(help="Sample rate to convert to: 16000, 16k, 44.1k.", rich_help_panel=_AUDIO)
    ] = None
    mono: Annotated[bool, typer.Option("--mono", help="Average the channels.", rich_help_panel=_AUDIO)] = False
    channels: Annotated[
        str | None, typer.Option(help="Keep these, counted from 0: 0 or 0,1.", rich_help_panel=_AUDIO)
    ] = None
    offset: Annotated[str | None, typer.Option(help="Begin here in each source: 90s.", rich_help_panel=_AUDIO)] = None
    duration: Annotated[str | None, typer.Option(help="Take so much of each source: 10s.", rich_help_panel=_AUDIO)] = (
        None
    )
    errors: Annotated[
        str,
        typer.Option(help="A source that fails: skip (list it at the end) or raise (end there).", rich_help_panel=_RUN),
    ] = "skip"

    def arguments(self, window: str, hop: str | None = None) -> dict[str, Any]:
        """The same as arguments for `audiostreamer.Generator`.

        Args:
            window: The length where none was given.
            hop: The hop where neither length, hop nor overlap was given.

        Raises:
            typer.BadParameter: A rate or channels that cannot be read, or both --mono and --channels.
        """
        if self.mono and self.channels is not None:
            raise typer.BadParameter("--mono and --channels exclude each other")
        by_default = self.window is None and self.hop is None and self.overlap is None
        return {
            "window_length": self.window or window,
            "hop_length": hop if by_default else self.hop,
            "overlap": self.overlap,
            "tail": self.tail,
            "sample_rate": None if self.rate is None else parse_rate(self.rate),
            "channels": "mono" if self.mono else parse_channels(self.channels),
            "offset": self.offset,
            "duration": self.duration,
            "errors": self.errors,
        }


def parse_rate(text: str) -> int:
    """``16000``, ``16k``, ``44.1k`` or ``44.1 kHz`` in Hz.

    Raises:
        typer.BadParameter: Anything else.
    """
    match = _RATE.fullmatch(text.strip())
    hertz = Fraction(match[1]) * (1000 if match[2] else 1) if match else Fraction(0)
    if hertz < 1 or hertz.denominator != 1:
        raise typer.BadParameter(f"{text!r}: write a sample rate such as 16000, 16k or 44.1k", param_hint="--rate")
    return int(hertz)


def parse_channels(text: str | None) -> list[int] | None:
    """``0,1`` as ``[0, 1]``.

    Raises:
        typer.BadParameter: Anything else.
    """
    if text is None:
        return None
    try:
        return [int(index) for index in text.split(",")]
    except ValueError:
        hint = "write channel numbers counted from 0, such as 0 or 0,1"
        raise typer.BadParameter(f"{text!r}: {hint}", param_hint="--channels") from None


def takes_window_options(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command that takes a `WindowOptions` as ``options`` be called with one keyword per field instead."""
    hints = get_type_hints(WindowOptions, include_extras=True)
    shared = [_keyword(field.name, hints[field.name], field.default) for field in fields(WindowOptions)]

    def called(**values: Any) -> None:
        options = WindowOptions(**{parameter.name: values.pop(parameter.name) for parameter in shared})
        command(**values, options=options)

    signature = inspect.signature(command, eval_str=True)
    own = [parameter for parameter in signature.parameters.values() if parameter.name != "options"]
    called.__name__, called.__doc__ = command.__name__, command.__doc__
    called.__signature__ = signature.replace(parameters=[*own, *shared])  # type: ignore[attr-defined]
    called.__annotations__ = {parameter.name: parameter.annotation for parameter in [*own, *shared]}
    return called


def _keyword(name: str, hint: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hint)
