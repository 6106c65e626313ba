"""Requests to web servers, and where their redirects may lead.

Redirects are followed here, so that each is looked at: headers that the caller gave do not travel to another server,
https stays https, and a server on the internet cannot send us to one in the caller's own network. (The name is looked
up for that once, before the connection looks it up again: it is no protection from a name server that gives another
answer each time.)
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from ..errors import (
    AccessDeniedError,
    DecodeError,
    SourceError,
    SourceNotFoundError,
    SourceTimeoutError,
    TruncatedSourceError,
    UnsupportedSourceError,
)
from .fetching import FIRST_BYTES

if TYPE_CHECKING:
    import aiohttp
    from yarl import URL

__all__ = ["Server", "is_internal"]

_SCHEMES = ("http", "https")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_MAX_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)", re.IGNORECASE)
_REASONS = {
    "ClientConnectorCertificateError": "the server's certificate is not to be trusted",
    "ClientConnectorDNSError": "no such host",
    "ClientConnectorSSLError": "the encryption could not be agreed on",
    "ServerDisconnectedError": "the server hung up",
    "InvalidURL": "no valid address",
    "UnicodeError": "no valid address",
    "ValueError": "no valid address",
}
_STATUS_ERRORS: dict[int, type[SourceError]] = {
    401: AccessDeniedError,
    403: AccessDeniedError,
    404: SourceNotFoundError,
    407: AccessDeniedError,
    408: SourceTimeoutError,
    410: SourceNotFoundError,
    504: SourceTimeoutError,
}


class Server:
    """Requests for one URL. Its coroutines run on the I/O loop, one at a time."""

    def __init__(
        self, url: str, headers: Mapping[str, str], shown: str, timeout: float, came: Callable[[int], None]
    ) -> None:
        self._address, self._given, self._shown, self._timeout = url, dict(headers), shown, timeout
        self._came = came
        self._headers: dict[str, str] = {}
        self._url: URL | None = None
        self._session: aiohttp.ClientSession | None = None
        self._answer: aiohttp.ClientResponse | None = None  # the last one, until it is read to its end
        self._broken: Exception | None = None
        self._size: int | None = None
        self._validator = ""

    @property
    def connected(self) -> bool:
        """Whether there is something to close."""
        return self._session is not None

    async def first(self) -> tuple[int | None, bytes | None]:
        """The size, if it is known, and the first bytes, if the server gives ranges."""
        self._connect()
        response = await self._get(0, FIRST_BYTES)
        span = _span(response)
        if response.status == 416 and response.headers.get("Content-Range", "").endswith("*/0"):
            return 0, b""
        if span and span[0] == 0:
            self._size, self._validator = span[1], _validator(response)
            return self._size, await self._all(response, FIRST_BYTES)
        if response.status != 200:
            raise self._refused(response.status)
        encoded = response.headers.get("Content-Encoding", "identity") != "identity"
        return None if encoded else response.content_length, None

    async def fetch(self, start: int, end: int) -> bytes:
        """The bytes ``[start, end)``, or the first of them if the connection breaks."""
        response = await self._get(start, end)
        span = _span(response)
        if response.status in (200, 412, 416) or (
            span and (span[1], _validator(response)) != (self._size, self._validator)
        ):
            raise DecodeError("changed on the server while it was read", uri=self._shown)
        if not span or span[0] != start:
            raise self._refused(response.status)
        return await self._all(response, end - start)

    async def more(self) -> bytes:
        """The next bytes of a body without ranges; none at its end."""
        assert self._answer is not None
        if self._broken is not None:
            raise self._cut(self._broken) from self._broken
        content = self._answer.content
        try:
            data = await content.readany()
            self._came(len(data))
            return data
        except Exception as error:
            self._broken = error
            # What came before still lies in the buffer, behind the exception.
            content.set_exception(cast("BaseException", None))
            content.feed_eof()
            return await content.readany() or await self.more()

    async def close(self) -> None:
        """Close the connections."""
        self._drop()
        session, self._session = self._session, None
        if session is not None:
            import asyncio

            await session.close()
            await asyncio.sleep(0)  # transports close their sockets in the loop's next turn

    def _drop(self) -> None:
        if self._answer is not None:
            self._answer.close()
            self._answer = None

    def _connect(self) -> None:
        import aiohttp
        from yarl import URL

        try:
            self._url = URL(self._address, encoded=self._address.isascii() and " " not in self._address)
        except ValueError as error:
            raise SourceNotFoundError("no valid address", uri=self._shown) from error
        self._headers, self._broken = dict(self._given), None
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._timeout, sock_read=self._timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=True,
            read_bufsize=FIRST_BYTES,
        )

    async def _get(self, start: int, end: int) -> aiohttp.ClientResponse:
        """An answer that is no redirect; later requests go straight to where the first one was led."""
        assert self._session is not None
        assert self._url is not None
        span = {"Range": f"bytes={start}-{end - 1}", "Accept-Encoding": "identity"}
        for _ in range(_MAX_REDIRECTS + 1):
            response = await self._ask({**self._headers, **span})
            if response.status not in _REDIRECTS:
                return response
            await self._follow(response.headers.get("Location", ""))
        raise SourceError(f"more than {_MAX_REDIRECTS} redirects", uri=self._shown)

    async def _ask(self, headers: dict[str, str]) -> aiohttp.ClientResponse:
        import aiohttp

        assert self._session is not None
        assert self._url is not None
        import asyncio

        self._drop()
        try:
            self._answer = await self._session.get(self._url, headers=headers, allow_redirects=False)
        except asyncio.TimeoutError:
            raise
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise SourceError(f"cannot connect: {_reason(error)}", uri=self._shown) from error
        return self._answer

    async def _follow(self, location: str) -> None:
        assert self._url is not None
        target = self._target(location)
        if _place(target) != _place(self._url):
            await self._check_place(target)
            self._headers = {key: text for key, text in self._headers.items() if key.lower() == "user-agent"}
        elif self._url.user or "authorization" in map(str.lower, self._headers):
            target = target.with_user(self._url.user)
            target = target.with_password(self._url.password) if self._url.user else target
        self._url = target

    def _target(self, location: str) -> URL:
        from yarl import URL

        assert self._url is not None
        try:
            target = self._url.join(URL(location, encoded=location.isascii() and " " not in location))
            if target.scheme in _SCHEMES and target.host and _place(target):
                return target
        except ValueError as error:
            raise SourceError("redirects to nowhere", uri=self._shown) from error
        if target.scheme not in _SCHEMES:
            raise UnsupportedSourceError(f"redirects to {target.scheme}:, which is not followed", uri=self._shown)
        raise SourceError("redirects to nowhere", uri=self._shown)

    async def _check_place(self, target: URL) -> None:
        """Refuse to be led to where the one who named the first server would not have gone."""
        from yarl import URL

        assert self._url is not None
        if (self._url.scheme, target.scheme) == ("https", "http"):
            raise UnsupportedSourceError("redirects from https to http, which is not followed", uri=self._shown)
        first = URL(self._address).host or ""
        if not await is_internal(first) and await is_internal(target.host or ""):
            raise UnsupportedSourceError("redirects into a private network, which is not followed", uri=self._shown)

    async def _all(self, response: aiohttp.ClientResponse, most: int) -> bytes:
        """A body of at most so many bytes; if the connection breaks, what came before."""
        data = bytearray()
        try:
            async for part in response.content.iter_any():
                data += part
                self._came(len(part))
                if len(data) > most:
                    break
        except Exception as error:
            if not data:
                raise self._cut(error) from error
        if len(data) > most:
            self._drop()
            raise SourceError("the server sent more than it was asked for", uri=self._shown)
        return bytes(data)

    def _cut(self, error: Exception) -> SourceError:
        import asyncio

        if isinstance(error, (TimeoutError, asyncio.TimeoutError)):
            return SourceTimeoutError(f"silent for {self._timeout:g} s", uri=self._shown)
        return TruncatedSourceError("the connection broke before the promised end", uri=self._shown)

    def _refused(self, status: int) -> SourceError:
        kind = _STATUS_ERRORS.get(status, SourceError)
        phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""
        return kind(f"the server answered {status} {phrase}".rstrip(), uri=self._shown)


def _place(url: URL) -> tuple[str, str, int | None]:
    return url.scheme, (url.host or "").lower(), url.port


def _reason(error: Exception) -> str:
    """Why there is no connection, in the system's words: a driver's may hold credentials."""
    told = getattr(error, "os_error", error)
    if isinstance(told, OSError) and (told.errno or 0) > 0:
        return os.strerror(cast("int", told.errno))
    if isinstance(told, socket.gaierror):
        return "no such host"
    return _REASONS.get(type(error).__name__, type(error).__name__)


def _span(response: aiohttp.ClientResponse) -> tuple[int, int] | None:
    """The first byte of a partial answer, and the whole size."""
    match = _RANGE.fullmatch(response.headers.get("Content-Range", "")) if response.status == 206 else None
    return (int(match[1]), int(match[3])) if match else None


def _validator(response: aiohttp.ClientResponse) -> str:
    """What changes when the file does; "" if the server does not say."""
    tag = response.headers.get("ETag", "")
    return response.headers.get("Last-Modified", "") if not tag or tag.startswith("W/") else tag


async def is_internal(host: str) -> bool:
    """Whether a host is, at this moment, at an address that is not of the public internet.

    A name that is unknown here (a proxy may know it) counts as public: without a proxy it cannot be reached.
    """
    import asyncio

    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    return not all(_is_public(str(place[0])) for *_, place in found)


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return _is_public(str(inner))
    return address.is_global and not address.is_multicast
