"""From what a user gives to sources: which class serves it, and what a directory or a pattern stands for.

The built-in classes are found by walking the modules of `audiostreamer.sources`; a third party's by its entry point
in the group ``audiostreamer.sources``, which is loaded only when its scheme is asked for.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import os
import pkgutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from .errors import AudioStreamerError, MissingDependencyError, UnsupportedSourceError
from .sources import __name__ as _package
from .sources import __path__ as _path_of_package
from .sources.base import Source
from .sources.discover import has_magic
from .sources.file import File
from .sources.memory import Bytes, FileObject
from .sources.pipe import Pipe
from .uri import URI

__all__ = ["check_uri", "resolve", "schemes", "source_class"]

ENTRY_POINTS = "audiostreamer.sources"


def resolve(item: Any) -> Iterator[Source]:
    """The sources that an item stands for, one after the other, as they are found.

    Args:
        item: A `Source`; ``bytes`` (a file's contents); an open binary file; a `Path` (always a name: a file, or a
            directory and all below it); or a str: ``-`` (standard input); the name of an existing file or directory,
            which goes before everything else; a URI; a pattern with ``*``, ``?``, ``[…]`` and ``**``; a path.

    Yields:
        Unopened sources. A path that does not exist gives one whose `open` says so.

    Raises:
        SourceNotFoundError: A directory without audio files, or a pattern that matches none.
        UnsupportedSourceError: An unknown scheme.
        ValueError: An option in a URI that is unknown or cannot be read.
        TypeError: Something else.
    """
    if isinstance(item, Source):
        yield item
    elif isinstance(item, str):
        yield from _named(item)
    elif isinstance(item, (bytes, bytearray, memoryview)):
        yield Bytes(item)
    elif isinstance(item, os.PathLike):
        yield from _path(item)
    elif hasattr(item, "read"):
        yield FileObject(item)
    else:
        wanted = "a path, a URI, bytes, a binary file, or a source such as Array(samples, sample_rate)"
        raise TypeError(f"{type(item).__name__}: give {wanted}")


def check_uri(text: str) -> None:
    """Check the options in a URI, opening nothing; anything else than a URI passes.

    What is wrong with the source itself (nothing serves it, a driver is missing) waits for its turn in the run.

    Raises:
        ValueError: An option that is unknown or cannot be read.
    """
    scheme = URI.parse(text).scheme
    if scheme in _built_in() and not os.path.lexists(text):
        with suppress(AudioStreamerError):
            _built_in()[scheme](text)


def source_class(scheme: str) -> Callable[[str], Source]:
    """What makes a source of a URI of this scheme.

    Raises:
        UnsupportedSourceError: Nothing does; the message lists what there is.
        MissingDependencyError: A third party's source cannot be imported.
    """
    scheme = scheme.lower()
    if scheme in _built_in():
        return _built_in()[scheme]
    points = [point for point in _third_party() if point.name == scheme]
    if points:
        return _load(points[0])
    near = difflib.get_close_matches(scheme, schemes(), 1)
    hint = f"did you mean {near[0]}:? " if near else ""
    raise UnsupportedSourceError(f"no source for {scheme}: is known; {hint}there are {', '.join(schemes())}")


def schemes() -> list[str]:
    """All schemes that can be asked for, sorted."""
    return sorted({*_built_in(), *(point.name for point in _third_party())})


def _named(text: str) -> Iterator[Source]:
    if text == "-":
        yield Pipe(text)
    elif os.path.lexists(text):
        yield from _path(text)
    elif URI.parse(text).scheme and not _is_pattern_of_names(text):
        yield from _from_uri(text)
    else:
        yield from File.expand(text)


def _path(path: str | os.PathLike[Any]) -> Iterator[Source]:
    if os.path.isdir(path):
        yield from File.below(os.fsdecode(path))
    else:
        yield File(path)


def _is_pattern_of_names(text: str) -> bool:
    """Whether ``take:*.wav`` is meant, where ``take:`` is no scheme."""
    return has_magic(text) and "://" not in text and URI.parse(text).scheme not in schemes()


def _from_uri(text: str) -> Iterator[Source]:
    uri = URI.parse(text)
    try:
        found = source_class(uri.scheme)
    except UnsupportedSourceError as error:
        error.uri = uri.redacted.rstrip(":")  # the message puts a colon after it
        raise
    expand = getattr(found, "expand", None)
    if expand is None:
        yield found(text)
    else:
        yield from expand(text)


@functools.cache
def _built_in() -> dict[str, type[Source]]:
    """The classes in the modules of `audiostreamer.sources`, by scheme."""
    found: dict[str, type[Source]] = {}
    for module in pkgutil.iter_modules(_path_of_package, _package + "."):
        for value in vars(importlib.import_module(module.name)).values():
            own = getattr(value, "__module__", None) == module.name  # first: Python 3.10 takes list[str] for a type
            if own and isinstance(value, type) and issubclass(value, Source):
                found |= dict.fromkeys(value.schemes, value)
    return found


def _third_party() -> tuple[EntryPoint, ...]:
    return tuple(entry_points(group=ENTRY_POINTS))


def _load(point: EntryPoint) -> Callable[[str], Source]:
    try:
        made: Callable[[str], Source] = point.load()
    except (ImportError, AttributeError) as error:
        told = f"{type(error).__name__}{f' ({error.name})' if error.name else ''}"  # no words of a third party
        raise MissingDependencyError(
            f"the source for {point.name}: ({point.value}) cannot be imported: {told}"
        ) from error
    return made
