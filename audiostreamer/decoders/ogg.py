"""Ogg's pages: chained files (several, one after the other, in one), and very short ones."""

from __future__ import annotations

import zlib

from .reader import Reader

__all__ = ["is_one_page", "last_page_is_sound", "next_link", "pages_end"]

_PIECE = 1 << 16
_TAIL = 1 << 17  # bytes; a page is at most 65,307
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_MAX_PAGES = 4096  # of headers, with pictures in them
_LAST = 4  # flag of a stream's last page
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


def pages_end(reader: Reader, first: int, end: int) -> int:
    """How far page follows page from `first` on, at most up to `end`, in bytes. Leaves the reader anywhere."""
    at = first
    while at < end:
        reader.seek(at)
        length = _page_length(reader)
        if not length or at + length > end:
            break
        at += length
    return at


def _page_length(reader: Reader) -> int:
    """Bytes of the page that begins where the reader is; 0 if none does."""
    head = reader.exactly(27)
    if len(head) < 27 or head[:4] != b"OggS":
        return 0
    return 27 + head[26] + sum(reader.exactly(head[26]))


def is_one_page(reader: Reader) -> bool:
    """Whether all the audio is in one page, the last of the file. Leaves the reader anywhere.

    FFmpeg needs the granule positions of two pages to know where Vorbis ends; of one page it delivers up to 960
    frames too many or too few (75 of 130 files of 1 to 200,000 frames, all of one page; libsndfile is right).
    """
    at = 0
    for _ in range(_MAX_PAGES):
        reader.seek(at)
        head = reader.exactly(27)
        if len(head) < 27 or head[:4] != b"OggS":
            return False
        at += 27 + head[26] + sum(reader.exactly(head[26]))
        if int.from_bytes(head[6:14], "little", signed=True) > 0:
            return bool(head[5] & _LAST) and reader.size in (None, at) and last_page_is_sound(reader)
    return False


def last_page_is_sound(reader: Reader) -> bool:
    """Whether the checksum of the last page fits. FFmpeg drops one that does not, and then it looks like the end.

    True where that cannot be told: the media cannot seek, or the page is not whole.
    """
    if not reader.seekable_media or reader.size is None:
        return True
    reader.seek(max(0, reader.size - _TAIL))
    tail = reader.exactly(_TAIL)
    page = tail[max(0, tail.rfind(b"OggS")) :]
    if len(page) < 27 or len(page) < (end := 27 + page[26] + sum(page[27 : 27 + page[26]])):
        return True
    summed = page[:22] + bytes(4) + page[26:end]
    # Ogg's CRC-32 is zlib's with all bits the other way round, begun at 0.
    crc = zlib.crc32(summed.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return f"{crc:032b}"[::-1] == f"{int.from_bytes(page[22:26], 'little'):032b}"
