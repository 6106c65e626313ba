"""Names of sources: taken apart without touching anything, and shown without credentials."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

__all__ = ["URI", "redact", "web_user"]

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]+):")  # two letters or more: "C:" is a drive
_AUTHORITY = re.compile(r"(?P<begin>\s*[A-Za-z][A-Za-z0-9+.\-]*://|\s*(?:https?|ftp|rtsps?|s3):/*)(?P<rest>.*)", re.S)
_NO_HOST = ("zip://", "tar://", "memory://")  # a name follows
_PORT = re.compile(r"^[^:]*$|:\d*$|\]$")
_WEB_PLACE = re.compile(r"https?://([^/?#]*)", re.IGNORECASE)
_WEB_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+(?:%25\w+)?\]|[^\[\]:\s]+)(?::(\d{0,5}))?")
_WEB_USER = re.compile(r"(?:[\w\-.~!$&'()*+,;=:]|%[0-9A-Fa-f]{2})*")
_REMOVED = "***"
# Anything else in a network URL's query may be a key, a signature or a session.
_HARMLESS = "stream rate channels dtype frequency duration v id list format channel subtype start end page"
_HARMLESS_KEYS = frozenset(_HARMLESS.split())


@dataclass(frozen=True, slots=True)
class URI:
    """A source's name, split. `str()` gives it back whole; `repr()` and `redacted` hide credentials.

    Attributes:
        text: As given.
        scheme: Lower case, without the colon; "" for a plain path.
        path: What follows the scheme (and ``//host``), without query; percent-decoded only where there is a host.
        query: The options after ``?``, the last one wins.
    """

    text: str
    scheme: str = ""
    path: str = ""
    query: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> URI:
        """Split ``scheme:rest?key=value``; text without a scheme is a path, ``?`` and all."""
        match = _SCHEME.match(text)
        if not match:
            return cls(text, path=text)
        rest = text[match.end() :]
        path, _, query = rest.partition("?")
        if path.startswith("//"):
            _, slash, path = path[2:].partition("/")
            path = unquote(slash + path, errors="surrogateescape")
        return cls(text, match[1].lower(), path, dict(parse_qsl(query, keep_blank_values=True)))

    def options(self, **readers: Callable[[str], Any]) -> dict[str, Any]:
        """Read the query's values.

        Args:
            readers: For each key that is allowed, what turns its text into a value (or raises a ValueError).

        Returns:
            The values of the keys that were given.

        Raises:
            ValueError: A key that is not allowed, or a value that cannot be read.
        """
        for key in self.query:
            if key not in readers:
                allowed = f"allowed: {', '.join(sorted(readers))}" if readers else "none is allowed here"
                raise ValueError(f"{self.redacted}: unknown option {key!r}; {allowed}")
        return {key: self._option(key, readers[key]) for key in self.query}

    def _option(self, key: str, reader: Callable[[str], Any]) -> Any:
        try:
            return reader(self.query[key])
        except ValueError as error:
            raise ValueError(f"{self.redacted}: {key}={self.query[key]!r} cannot be read: {error}") from error

    @property
    def redacted(self) -> str:
        """The name without credentials."""
        return redact(self.text)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"URI({self.redacted!r})"


def web_user(url: str) -> str:
    """The user name and password in a web address, as they are written; "" if there are none.

    Raises:
        ValueError: It is no web address, or they are not percent-encoded; the message shows nothing of them.
    """
    place = _WEB_PLACE.match(url)
    user, _, host = (place[1] if place else "").rpartition("@")
    found = _WEB_HOST.fullmatch(host)
    broken = not found and ":" in host and place is not None and "@" in url[place.end() :]  # "user:pass/word@host"
    if broken or not _WEB_USER.fullmatch(user):
        quote = "urllib.parse.quote(password, safe='')"
        raise ValueError(f"the user name and password in an address must be percent-encoded: {quote}")
    if not found or int(found[1] or 0) > 65535:
        raise ValueError("an address has the form http://host/path or http://host:port/path")
    return user


def _has_authority(link: str) -> bool:
    match = _AUTHORITY.match(link)
    return match is not None and match["begin"].strip().lower() not in _NO_HOST


def _without_userinfo(link: str) -> str:
    """Remove what stands before the ``@``, also where a password has not been percent-encoded as it must be."""
    match = _AUTHORITY.match(link)
    if not match or "@" not in match["rest"] or not _has_authority(link):
        return link
    rest = match["rest"]
    host = re.split("[/?#]", rest, maxsplit=1)[0]
    if "@" in host:
        rest = host.rpartition("@")[2] + rest[len(host) :]
    if ":" in host and "@" in rest and not _PORT.search(host.rpartition("@")[2]):
        rest = rest.rpartition("@")[2]  # "user:pass/word@host"
    return match["begin"] + rest


def redact(text: str) -> str:
    """Remove credentials from a URI: user names, passwords, and query values that may be keys.

    Chains (``zip://a.wav::https://…``) are treated link by link; plain paths and query values of
    schemes without a network part (``pcm:a.raw?rate=16000``) are left as they are.
    """
    networked, rest, shown = "://" in text, text, []
    # A link with a host goes on to the end: ``::`` in it belongs to the host, a password or the path.
    while "::" in rest and not _has_authority(rest):
        link, _, rest = rest.partition("::")
        shown.append(_redact_link(link, networked))
    return "::".join([*shown, _redact_link(rest, networked)])


def _redact_link(link: str, networked: bool) -> str:
    if not networked and not _has_authority(link):
        return link
    link = _without_userinfo(link)
    if "?" not in link and "#" not in link:
        return link
    head, mark, fragment = link.partition("#")
    base, _, query = head.partition("?")
    query = "&".join(_redact_pair(pair) for pair in query.split("&") if pair)
    return base + (f"?{query}" if query else "") + (f"{mark}{_REMOVED}" if fragment else "")


def _redact_pair(pair: str) -> str:
    key, mark, _ = pair.partition("=")
    if key.lower() in _HARMLESS_KEYS and ";" not in pair:  # some servers also separate by semicolons
        return pair
    return f"{key}={_REMOVED}" if mark else _REMOVED
