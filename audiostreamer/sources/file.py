"""Regular files of this machine: one, a directory of them, or those that a pattern names."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator

from ..decoders.base import Media
from ..errors import UnsupportedSourceError
from ..uri import URI, redact
from .base import Source
from .discover import Entry, audio_files, has_magic, split_pattern
from .stored import StoredSource, os_errors

__all__ = ["File"]

_QUERY = re.compile(r"\?[A-Za-z_]+=[^/]*\Z")
_O_NONBLOCK = getattr(os, "O_NONBLOCK", 0)


class File(StoredSource):
    """A regular file.

    What is read is the file that was there at `open`: one that is deleted or replaced under its name meanwhile is
    read to its old end; one that grows is read to the length its header says, or that it had when a decoder
    came to its end; one that is cut short ends in a `TruncatedSourceError` or `DecodeError` where its format tells.

    Args:
        path: A name, taken as it is: ``:``, ``%03d``, a leading ``-`` or bytes that are not UTF-8 mean nothing special.
            A string may also be a ``file:`` URI (percent-decoded only in the form ``file:///…``), and end in
            ``?stream=N`` when no such file exists.
        stream: Which audio track of a container to read, counted from 0.

    Raises:
        ValueError: An option other than ``stream``, or a ``file:`` URI of another host.
    """

    schemes = ("file",)

    def __init__(self, path: str | os.PathLike[str] | os.PathLike[bytes], stream: int = 0) -> None:
        text = os.fsdecode(path)
        self.path, options = _locate(text) if isinstance(path, str) else (text, {})
        super().__init__(text, stream=options.get("stream", stream))
        self.name = printable(self.name)

    @classmethod
    def expand(cls, text: str) -> Iterator[Source]:
        """The file of this name; or all below a directory; or those that a pattern matches.

        Raises:
            SourceNotFoundError: A directory or pattern without a single file that may be audio.
        """
        path, options = _locate(text)
        if os.path.isdir(path):
            yield from cls.below(path)
        elif has_magic(path) and not os.path.lexists(path):
            root, pattern = split_pattern(path)
            yield from (File(p, **options) for p in audio_files(root, pattern, _scan, printable(text)))
        else:
            yield cls(text)

    @classmethod
    def below(cls, directory: str) -> Iterator[Source]:
        """The files in a directory and all below it, sorted; hidden ones and links to directories are left out.

        Raises:
            SourceNotFoundError: There is none that may be audio.
        """
        yield from (File(p) for p in audio_files(directory, ["**"], _scan, printable(directory)))

    def _open_media(self) -> Media:
        return regular_file(self.path, self.name)


def regular_file(path: str, shown: str) -> Media:
    """Open a regular file; `shown` is its name for messages.

    Raises:
        SourceNotFoundError: There is no such file.
        AccessDeniedError: It may not be read.
        UnsupportedSourceError: It is a directory, a pipe, a socket or a device.
    """
    path = path and os.path.abspath(path)  # the empty name is no directory
    with os_errors(shown):
        _size(path, os.stat(path), shown)
        file = open(path, "rb", opener=_open_at_once)  # noqa: SIM115 - the decoder closes it
        try:
            size = _size(path, os.fstat(file.fileno()), shown)
        except BaseException:
            file.close()
            raise
    return Media(shown, file, path=path if _is_unicode(path) else None, size=size)


def _size(path: str, status: os.stat_result, shown: str) -> int:
    """The size of a regular file; anything else is refused."""
    if stat.S_ISDIR(status.st_mode):
        os.scandir(path).close()  # one that may not be listed says so
        raise UnsupportedSourceError("is a directory, not a file", uri=shown)
    if not stat.S_ISREG(status.st_mode):
        kind = _kind(status.st_mode)
        raise UnsupportedSourceError(f"is a {kind}, not a regular file; write pipe:PATH to read from it", uri=shown)
    return status.st_size


def printable(name: str) -> str:
    r"""A name that can be written anywhere: bytes that are not UTF-8 become ``\xff``."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _locate(text: str) -> tuple[str, dict[str, int]]:
    """The path and the options in what was given."""
    if os.path.lexists(text):
        return text, {}
    if URI.parse(text).scheme == "file":
        return _from_uri(text)
    match = _QUERY.search(text)
    if not match or not (has_magic(text[: match.start()]) or os.path.lexists(text[: match.start()])):
        return text, {}
    return text[: match.start()], URI.parse("file:" + text).options(stream=int)


def _from_uri(text: str) -> tuple[str, dict[str, int]]:
    literal = text.partition(":")[2]
    if os.path.lexists(literal) and not literal.startswith("//"):
        return literal, {}
    host = literal[2:].partition("/")[0] if literal.startswith("//") else ""
    if host not in ("", "localhost"):
        shown = printable(redact(text))
        raise ValueError(f"{shown!r}: a file: URI names a file of this machine; write file:///… (three slashes)")
    uri = URI.parse(text)
    return uri.path, uri.options(stream=int)


def _scan(directory: str) -> Iterable[Entry]:
    with os.scandir(directory or ".") as entries:
        return [Entry(entry.name, _leads_on(entry), entry.is_symlink()) for entry in entries]


def _leads_on(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a loop of links: opening it tells
        return False


def _open_at_once(path: str, flags: int) -> int:
    """Without waiting, in case the name has become a pipe since it was looked at."""
    return os.open(path, flags | _O_NONBLOCK)


def _is_unicode(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _kind(mode: int) -> str:
    if stat.S_ISFIFO(mode):
        return "named pipe"
    return "socket" if stat.S_ISSOCK(mode) else "device"
