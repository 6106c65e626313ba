"""``audiostreamer probe``: what is this?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import Sources

if TYPE_CHECKING:
    from ..sources.base import Format, Source

__all__ = ["probe"]

_BLOCK = 1 << 16  # frames
Facts = dict[str, Any]


def probe(
    sources: Sources,
    count: Annotated[bool, typer.Option("--count", help="Decode everything and count the frames.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON per source.")] = False,
) -> None:
    """Say what sources are: rate, channels, length (what the header claims), engine, tags."""
    from ..errors import AudioStreamerError
    from .ending import complain, ending

    failed = False
    with ending():
        for id, source in _each(sources):
            facts: Facts = {"source": id}
            try:
                facts |= _facts(source, count=count)
            except AudioStreamerError as error:
                facts["error"] = str(error)
                complain(error)
                failed = True
            _show(facts, as_json=as_json)
    if failed:
        raise typer.Exit(1)


def _each(sources: list[str]) -> Iterator[tuple[str, Any]]:
    from ..entries import entries_of
    from ..lengths import Length

    return entries_of(sources, offset=Length(0))


def _facts(source: Source | Exception, *, count: bool) -> Facts:
    """Open a source, look, and close it."""
    if isinstance(source, Exception):
        raise source
    try:
        format = source.open()
        facts = _claims(source, format)
        if count and not source.live:
            facts |= _counted(source, format)
        return facts
    finally:
        source.close()


def _claims(source: Source, format: Format) -> Facts:
    return {
        "sample_rate": format.sample_rate,
        "channels": format.channels,
        "frames": format.frames,
        "seconds": None if format.frames is None else format.frames / format.sample_rate,
        "engine": source.engine,
        "live": source.live,
        "tags": dict(format.metadata),
    }


def _counted(source: Source, format: Format) -> Facts:
    """Read to the end; the rate may change on the way, so seconds are added up per stretch."""
    from ..sources.base import Block, Lost
    from ..sources.base import Format as NewFormat

    frames, seconds, lost, stretch, rate = 0, 0.0, 0, 0, format.sample_rate
    while (event := source.read(_BLOCK)) is not None:
        if isinstance(event, Block):
            frames += len(event.samples)
            stretch += len(event.samples)
        elif isinstance(event, Lost):
            lost += event.frames
        elif isinstance(event, NewFormat):
            seconds, stretch, rate = seconds + stretch / rate, 0, event.sample_rate
    return {"counted_frames": frames, "counted_seconds": seconds + stretch / rate, "lost_frames": lost}


def _show(facts: Facts, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(facts))
    elif "error" not in facts:
        _show_table(facts)


def _show_table(facts: Facts) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    for name, value in _rows(facts):
        table.add_row("", Text(name, style="dim"), Text(value, overflow="fold"))
    console = Console(highlight=False)
    console.print(Text(facts["source"], style="bold", overflow="fold"))
    console.print(table)


def _rows(facts: Facts) -> Iterator[tuple[str, str]]:
    yield "rate", f"{facts['sample_rate']:,} Hz"
    yield "channels", str(facts["channels"])
    yield "length", _length(facts, facts["seconds"], facts["frames"], "the header says")
    if "counted_frames" in facts:
        yield "counted", _length(facts, facts["counted_seconds"], facts["counted_frames"], "decoded")
        if facts["lost_frames"]:
            yield "lost", f"{facts['lost_frames']:,} frames"
    yield "engine", facts["engine"]
    yield "live", "yes" if facts["live"] else "no"
    yield from facts["tags"].items()


def _length(facts: Facts, seconds: float | None, frames: int | None, who: str) -> str:
    if seconds is None or frames is None:
        return "unknown" if facts["live"] or "counted_frames" in facts else "unknown (--count finds out)"
    return f"{seconds:,.3f} s ({frames:,} frames, {who})"
