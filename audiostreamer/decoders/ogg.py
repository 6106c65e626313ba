"""Chained Ogg: several files, one after the other, in one."""

from __future__ import annotations

from .reader import Reader

__all__ = ["next_link"]

_PIECE = 1 << 16
_FIRST_PAGE = b"OggS\0\2"  # version 0, flags: begins a stream and continues no packet


def next_link(reader: Reader, after: int) -> int | None:
    """Find the first page of the next link.

    Args:
        reader: Seekable.
        after: Where the last packet lay, in bytes.

    Returns:
        Its position, as `Reader.tell` counts; None if there is none.
    """
    at = after + 1
    reader.seek(at)
    overlap = b""
    while piece := reader.read(_PIECE):
        found = (overlap + piece).find(_FIRST_PAGE)
        if found >= 0:
            return at - len(overlap) + found
        at += len(piece)
        overlap = (overlap + piece)[1 - len(_FIRST_PAGE) :]
    return None
