"""Tags as anyone may show them: few, short, and without control characters, whoever wrote the file."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

__all__ = ["cleaned"]

_MAX_TAGS = 64
_MAX_TAG = 1000  # characters


def cleaned(tags: Mapping[str, str]) -> dict[str, str]:
    """The first 64 of `tags`, names in lower case, both cut to 1,000 characters; empty ones are left out."""
    clean = ((_clean(key).lower(), _clean(value)) for key, value in islice(tags.items(), _MAX_TAGS))
    return {key: value for key, value in clean if key and value}


def _clean(text: object) -> str:
    return "".join(c if c.isprintable() else " " for c in str(text)[:_MAX_TAG]).strip()
