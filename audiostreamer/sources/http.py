"""Files on web servers: by ranges where the server gives them, else as one stream that cannot go back.

The first request asks for the first block, and its answer says which of the two it is.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any, BinaryIO, cast

from ..decoders.base import Media
from ..lengths import parse_seconds
from ..uri import web_user
from .base import Format
from .fetching import FIRST_BYTES, BlockFile, Caller
from .stored import StoredSource
from .web import Server

__all__ = ["Http"]

_FORBIDDEN = re.compile(r"[\r\n\0]")


class Http(StoredSource):
    """A file on a web server, ``http://`` or ``https://``.

    Proxies are taken from the environment. A user name and password in the URL are sent as basic authentication.

    Args:
        url: The address. Its query belongs to the server.
        headers: Sent with each request, but never to another server that the first one redirects to.
        user_agent: Instead of the library's own.
        timeout: How long `open` may take, and how long a body may be silent afterwards, e.g. ``"5s"``. Where `open`
            has to read much (an MP4 from a server without ranges), the time begins anew with each 64 KiB.
        stream: Which audio track of a container to read, counted from 0.

    Raises:
        ValueError: A line break or NUL in the URL or a header; a URL without a host, or with a password that is not
            percent-encoded; a URL with a user name together with an ``Authorization`` header.
    """

    schemes = ("http", "https")

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        user_agent: str | None = None,
        timeout: str = "5s",
        *,
        stream: int = 0,
    ) -> None:
        super().__init__(url, stream=stream)
        own = {**(headers or {}), **({} if user_agent is None else {"User-Agent": user_agent})}
        if _FORBIDDEN.search(url) or any(_FORBIDDEN.search(text) for pair in own.items() for text in pair):
            raise ValueError(f"{_FORBIDDEN.sub('?', self.name)}: a line break or NUL in the URL or in a header")
        self._check_user(own)
        seconds = parse_seconds(timeout, "timeout")
        self._caller = Caller(self.name, seconds)
        self._server = Server(url, own, self.name, seconds, lambda count: self._caller.came(count))

    def _check_user(self, headers: Mapping[str, str]) -> None:
        try:
            user = web_user(self.uri.text)
        except ValueError as error:
            raise ValueError(f"{self.name}: {error}") from None
        if user and "authorization" in map(str.lower, headers):
            raise ValueError(f"{self.name}: a user name in the URL and an Authorization header; give one of them")

    def within(self, caller: Caller) -> Http:
        """Let another source, which reads this one's bytes, bound and interrupt the waits; returns itself."""
        self._caller = caller
        return self

    def open(self) -> Format:
        """Connect, and open the decoder that suits the first bytes."""
        with self._caller.opening():
            return super().open()

    def _open_media(self) -> Media:
        size, head = self._caller(self._server.first)
        if head is None:
            stream = io.BufferedReader(_Stream(self.more), FIRST_BYTES)
            return Media(self.name, cast("BinaryIO", stream), seekable=False, size=size)
        assert size is not None
        return Media(self.name, cast("BinaryIO", BlockFile(size, self.fetch, self.name, head=head)), size=size)

    def fetch(self, start: int, end: int) -> bytes:
        """The bytes ``[start, end)``, or the first of them if the connection breaks."""
        return self._caller(lambda: self._server.fetch(start, end), bounded=False)

    def more(self) -> bytes:
        """What comes next, without ranges; nothing at the end."""
        return self._caller(self._server.more, bounded=False)

    def interrupt(self) -> None:
        """End a blocked `open` or `read` at once; it raises a `SourceError`."""
        self._caller.interrupt()

    def close(self) -> None:
        """Close the connection."""
        super().close()
        if self._server.connected:
            self._caller.last(self._server.close)


class _Stream(io.RawIOBase):
    """The body of an answer, as it comes."""

    def __init__(self, more: Any) -> None:
        self._more = more
        self._held = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        self._held = self._held or memoryview(self._more())
        count = min(len(view), len(self._held))
        view[:count], self._held = self._held[:count], self._held[count:]
        return count
