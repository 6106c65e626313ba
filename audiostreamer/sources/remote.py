"""Object stores, file servers and archives, through fsspec.

A name is taken apart here, link by link, against lists of what is allowed: fsspec itself would also read local files
through ``simplecache::``, ``reference://`` and the like. Only an archive that the user's own name says is local
(``zip://a.wav::/data/takes.zip``) is opened from the disk.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO, cast

from ..decoders.base import Media
from ..errors import (
    DecodeError,
    MissingDependencyError,
    UnsupportedSourceError,
)
from ..lengths import parse_seconds
from ..uri import URI
from .base import Format, Source
from .discover import Entry, audio_files, has_magic, split_pattern
from .fetching import BlockFile, Caller, foreign_errors, spooled, unpacking
from .file import File
from .http import Http
from .stored import StoredSource

__all__ = ["Remote"]

_INSTALL = {
    "s3": "pip install 'audiostreamer[s3]'",
    "s3a": "pip install 'audiostreamer[s3]'",
    "gs": "pip install gcsfs",
    "gcs": "pip install gcsfs",
    "az": "pip install adlfs",
    "abfs": "pip install adlfs",
    "abfss": "pip install adlfs",
    "oss": "pip install ossfs",
    "hf": "pip install huggingface_hub",
    "sftp": "pip install paramiko",
    "ssh": "pip install paramiko",
    "smb": "pip install smbprotocol",
    "webhdfs": "pip install requests",
    "ftp": "",
    "memory": "",
}
_ARCHIVES = ("zip", "tar")
_TRACK = re.compile(r"\?stream=(\d+)\Z")
# What tells one version of an object from another, as the stores name it.
_VERSION_KEYS = ("size", "ETag", "etag", "md5Hash", "generation", "LastModified", "last_modified", "mtime", "created")


class Remote(StoredSource):
    """A file in an object store, on a file server, in memory or in an archive.

    ``s3://bucket/key``, ``gs://``, ``az://``, ``abfs://``, ``oss://``, ``hf://``, ``sftp://``, ``ftp://``, ``smb://``,
    ``webhdfs://``, ``memory://``; ``zip://inner.wav::OUTER`` and ``tar://inner.wav::OUTER``, where OUTER is one of
    these, a web address, another archive, or a local file. ``?stream=N`` at the end of the first link chooses a track.

    Args:
        uri: The name.
        storage_options: For the store's fsspec file system, e.g. ``{"endpoint_url": …}``. What is not given comes
            from the environment, as the store's own tools take it.
        stream: Which audio track of a container to read, counted from 0.
        timeout: How long `open` may take, and each request after it, e.g. ``"10s"``. Where `open` has to read much
            (an archive from a web server without ranges), the time begins anew with each 64 KiB. Servers that fsspec
            talks to without its I/O loop (sftp, ftp, smb, webhdfs) have time-outs of their own.

    Raises:
        UnsupportedSourceError: A link that is not allowed where it stands.
        ValueError: A web address at the end that `Http` does not take.
    """

    schemes = (*_INSTALL, *_ARCHIVES)

    def __init__(
        self,
        uri: str,
        storage_options: Mapping[str, Any] | None = None,
        *,
        stream: int = 0,
        timeout: str = "10s",
    ) -> None:
        text, track = _without_track(uri)
        super().__init__(uri, stream=stream if track is None else track)
        self._links = _links(text, self.name)
        self._options = dict(storage_options or {})
        self._timeout = timeout
        self._caller = Caller(self.name, parse_seconds(timeout, "timeout"))
        if _scheme(self._links[-1]) in Http.schemes:
            Http(self._links[-1])  # says now what is wrong with it
        self._listed: Any = None
        self._opened: list[Any] = []  # what an archive is read through, outermost first

    @classmethod
    def expand(cls, text: str) -> Iterator[Source]:
        """The file of this name; all below a name that ends in ``/``; or those that a pattern matches.

        Raises:
            SourceNotFoundError: A directory or pattern without a single file that may be audio.
        """
        plain, track = _without_track(text)
        first, mark, outer = plain.partition("::") if _scheme(text) in _ARCHIVES else (plain, "", "")
        directory = first.endswith("/")
        if not directory and (not has_magic(first) or cls(text)._is_file()):
            yield cls(text)
        else:
            yield from (cls(name + mark + outer, stream=track or 0) for name in cls(text)._names(first))

    def open(self) -> Format:
        """Reach the store, and open the decoder that suits the first bytes."""
        with self._caller.opening():
            return super().open()

    def interrupt(self) -> None:
        """End a blocked `open` or `read` at once; it raises a `SourceError`."""
        self._caller.interrupt()

    def close(self) -> None:
        """Close the file, and the archive it lies in."""
        super().close()
        while self._opened:
            self._opened.pop().close()

    def _open_media(self) -> Media:
        with foreign_errors(self.name):
            return self._media_of(self._links)

    def _media_of(self, links: Sequence[str]) -> Media:
        scheme = _scheme(links[0])
        if scheme in ("", "file", *Http.schemes):
            return self._media_from(Http(links[0]).within(self._caller) if scheme in Http.schemes else File(links[0]))
        system = self._system(links)
        path = system._strip_protocol(links[0])
        if getattr(system, "async_impl", False):
            return self._media_in_blocks(system, path)
        if scheme == "memory":  # fsspec hands out its one and only file object
            file: BinaryIO = io.BytesIO(system.cat_file(path))
        else:
            file = system.open(path, "rb")
        return Media(self.name, file, size=system.info(path)["size"])

    def _media_from(self, source: StoredSource) -> Media:
        self._opened.append(source)
        return source._open_media()

    def _media_in_blocks(self, system: Any, path: str) -> Media:
        info = self._info(system, path)
        if info["type"] == "directory":
            raise UnsupportedSourceError("is a directory; let its name end in / to read what it holds", uri=self.name)

        def fetch(start: int, end: int) -> bytes:
            with foreign_errors(self.name):
                data = bytes(self._caller(lambda: system._cat_file(path, start=start, end=end)))
            self._caller.came(len(data))
            return data

        def check() -> None:
            with foreign_errors(self.name):
                now = self._info(system, path)
            if any(info.get(key) != now.get(key) for key in _VERSION_KEYS):
                raise DecodeError("changed in the store while it was read", uri=self.name)

        file = BlockFile(info["size"], fetch, self.name, finish=check)
        return Media(self.name, cast("BinaryIO", file), size=info["size"])

    def _info(self, system: Any, path: str) -> dict[str, Any]:
        if not getattr(system, "async_impl", False):
            return dict(system.info(path))
        system.invalidate_cache(path)
        return dict(self._caller(lambda: system._info(path)))

    def _system(self, links: Sequence[str]) -> Any:
        """The file system that the first link lies in."""
        import fsspec

        scheme = _scheme(links[0])
        try:
            kind = fsspec.get_filesystem_class(scheme)
        except ImportError as error:
            raise MissingDependencyError(f"{self.name}: {scheme}: needs a package: {_INSTALL[scheme]}") from error
        if scheme not in _ARCHIVES:
            return kind(**{**self._defaults(scheme), **kind._get_kwargs_from_urls(links[0]), **self._options})
        archive = self._media_of(links[1:])
        self._opened.append(archive.file)
        if not archive.seekable:  # a table of contents stands at the end, or between the members
            self._opened.append(spooled(archive.file))
        packing = {"compression": _packing(links[1])} if scheme == "tar" else {}
        with unpacking(scheme, self.name):
            self._opened.append(kind(fo=self._opened[-1], **packing))
        return self._opened[-1]

    def _defaults(self, scheme: str) -> dict[str, Any]:
        """Time-outs, and no listings from memory; given options go before them."""
        if scheme not in ("s3", "s3a"):
            return {}
        seconds = parse_seconds(self._timeout, "timeout")
        waits = {"connect_timeout": seconds, "read_timeout": seconds, "retries": {"max_attempts": 2}}
        return {"use_listings_cache": False, "config_kwargs": waits}

    def _is_file(self) -> bool:
        """Whether there is a file of exactly this name, though it looks like a pattern."""
        try:
            with foreign_errors(self.name):
                system = self._system(self._links)
                return bool(self._info(system, system._strip_protocol(self._links[0]))["type"] == "file")
        except FileNotFoundError:
            return False
        finally:
            self.close()

    def _names(self, pattern: str) -> Iterator[str]:
        """The first links that a pattern or a directory stands for."""
        try:
            scheme, mark, path = pattern.partition("://")
            root, parts = split_pattern(path)
            yield from audio_files(scheme + mark + root, parts, self._listing, self.name)
        finally:
            self.close()

    def _listing(self, directory: str) -> Iterator[Entry]:
        with foreign_errors(self.name):
            system = self._place()
            path = system._strip_protocol(directory)
            if getattr(system, "async_impl", False):  # many pages may follow each other: each has its own time-out
                found = self._caller(lambda: system._ls(path, detail=True), bounded=False)
            else:
                found = system.ls(path, detail=True)
        for info in found:
            name = info["name"].rstrip("/").rpartition("/")[2]
            if name and info["name"].strip("/") != path.strip("/"):
                yield Entry(name, info["type"] == "directory")

    def _place(self) -> Any:
        """The file system for listings, opened once."""
        if self._listed is None:
            self._listed = self._system(self._links)
        return self._listed


def _without_track(text: str) -> tuple[str, int | None]:
    """The name without ``?stream=N`` at the end of its first link."""
    first, mark, outer = text.partition("::")
    match = _TRACK.search(first)
    return (first[: match.start()] + mark + outer, int(match[1])) if match else (text, None)


def _scheme(link: str) -> str:
    return URI.parse(link).scheme


def _links(text: str, shown: str) -> list[str]:
    """The links of a chain, each allowed where it stands."""
    links, last = [], text
    while "::" in last and _scheme(last) in _ARCHIVES:
        link, _, last = last.partition("::")
        links.append(link)
    if links and "::" in last and _scheme(last) not in Http.schemes:  # there it is part of the address
        raise UnsupportedSourceError("only zip: and tar: can stand inside a chain", uri=shown)
    scheme = _scheme(last)
    if scheme in _ARCHIVES:
        raise UnsupportedSourceError(f"{scheme}: needs the archive: {scheme}://inner.wav::ARCHIVE", uri=shown)
    allowed = (*_INSTALL, *Http.schemes, *(("", "file") if links else ()))
    if scheme not in allowed or not last:
        raise UnsupportedSourceError(f"{scheme or 'no scheme'}: is not allowed at the end of a chain", uri=shown)
    return [*links, last]


def _packing(outer: str) -> str | None:
    from fsspec.utils import infer_compression

    return cast("str | None", infer_compression(URI.parse(outer).path))
