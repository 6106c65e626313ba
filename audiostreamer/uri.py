"""Names of sources: taken apart without touching anything, and shown without credentials."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

__all__ = ["URI", "redact"]

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]+):")  # two letters or more: "C:" is a drive
_AUTHORITY = re.compile(r"(?P<begin>\s*[A-Za-z][A-Za-z0-9+.\-]*://|\s*(?:https?|ftp|rtsps?|s3):/*)(?P<rest>.*)", re.S)
_NO_HOST = ("zip://", "tar://", "file://", "memory://")  # a name follows
_PORT = re.compile(r"^[^:]*$|:\d*$|\]$")
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


def _without_userinfo(link: str) -> str:
    """Remove what stands before the ``@``, also where a password has not been percent-encoded as it must be."""
    match = _AUTHORITY.match(link)
    if not match or "@" not in match["rest"] or match["begin"].lower() in _NO_HOST:
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
    return "::".join(_redact_link(link) for link in text.split("::"))


def _redact_link(link: str) -> str:
    link = _without_userinfo(link)
    if "://" not in link:
        return link
    if "?" not in link and "#" not in link:
        return link
    head, mark, fragment = link.partition("#")
    base, _, query = head.partition("?")
    pairs = [p.split("=", 1) for p in query.split("&") if p]
    shown = [p if len(p) == 1 or p[0].lower() in _HARMLESS_KEYS else [p[0], _REMOVED] for p in pairs]
    query = "&".join("=".join(p) for p in shown)
    return base + (f"?{query}" if query else "") + (f"{mark}{_REMOVED}" if fragment else "")
