"""What a user gave as `sources`, as a lazy row of ``(stream id, source)``."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .errors import AudioStreamerError
from .lengths import Length
from .registry import check_uri, resolve
from .sources.base import Source
from .uri import redact

__all__ = ["Entry", "entries_of"]

Entry = tuple[str, Source | Exception]


def entries_of(sources: Any, *, offset: Length) -> Iterator[Entry]:
    """Check `sources` and iterate over them; nothing is looked up before the first one is asked for.

    Args:
        sources: See `audiostreamer.Generator`.
        offset: Not allowed for live sources.

    Raises:
        TypeError: Not something that names or holds audio.
        ValueError: An offset for a live source (also while iterating, for one that comes later).
    """
    if isinstance(sources, Mapping):
        _check_all(sources.values(), offset)
        return _named(sources, offset)
    if is_one(sources):
        _check_all([sources], offset)
        return _expand(sources, None, offset)
    if hasattr(sources, "dtype") or not isinstance(sources, Iterable):
        hint = "; wrap samples as Array(samples, sample_rate)" if hasattr(sources, "dtype") else ""
        raise TypeError(
            f"sources of type {type(sources).__name__}: give URIs, paths, Sources, or several of them{hint}"
        )
    if isinstance(sources, (list, tuple)):
        _check_all(sources, offset)
    return (entry for one in sources for entry in _expand(one, None, offset))


def is_one(item: object) -> bool:
    """Whether an object is one source, not several."""
    return isinstance(item, (str, os.PathLike, bytes, bytearray, memoryview, Source)) or hasattr(item, "read")


def _named(sources: Mapping[Any, Any], offset: Length) -> Iterator[Entry]:
    for id, item in sources.items():
        yield from _expand(item, str(id), offset)


def _expand(item: Any, id: str | None, offset: Length) -> Iterator[Entry]:
    try:
        for source in resolve(item):
            _check(source, offset)
            yield id or source.name, source
    except (AudioStreamerError, ValueError, TypeError) as error:
        shown = redact(os.fsdecode(item)) if isinstance(item, (str, os.PathLike)) else type(item).__name__
        yield id or getattr(error, "uri", "") or shown, error


def _check_all(items: Iterable[Any], offset: Length) -> None:
    """Find wrong arguments before anything is opened; what does not exist is found later."""
    for item in items:
        if isinstance(item, Source):
            _check(item, offset)
        elif isinstance(item, str):
            check_uri(item)


def _check(source: Source, offset: Length) -> None:
    if source.live and offset.value:
        raise ValueError(f"offset for the live source {source.name}: live audio begins when it is opened")
