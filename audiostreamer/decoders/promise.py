"""How many bytes a container's own header promises: if fewer came, the recording was cut short.

FFmpeg and libsndfile end such files without a word. MP3, ADTS, NIST and transport streams promise nothing, Ogg only its
last page: there a cut at a packet's or page's border is the end. Plain samples are counted in frames by
`audiostreamer.decoders.pcm`; FLAC and MP4 promise frames or tell by themselves (`DecodeError`).
"""

from __future__ import annotations

from collections.abc import Callable

from .iff import aiff_end, au_end, caf_end
from .reader import Reader
from .riff import UNKNOWN_FROM, wav_end
from .sniff import Kind

__all__ = ["promised_bytes"]

_SEGMENT = 0x18538067
_OGG_TAIL = 1 << 17  # a page is at most 65,307 bytes
_EBML = 0x1A45DFA3


def promised_bytes(reader: Reader, kind: Kind) -> int | None:
    """Where the header says that the last byte lies.

    Args:
        reader: Left anywhere.
        kind: What it holds.

    Returns:
        The least number of bytes, counted from the reader's position 0; None if the header leaves it open.
    """
    find = _ENDS.get(kind.container)
    return None if find is None or kind.codec == "pcm" else find(reader)


def _avi_end(reader: Reader) -> int | None:
    reader.seek(4)
    size = int.from_bytes(reader.exactly(4), "little")
    # Less one, since not every writer pads its last chunk; a file of several RIFF chunks promises only the first.
    return size + 8 - 1 if 0 < size < UNKNOWN_FROM else None


def _matroska_end(reader: Reader) -> int | None:
    reader.seek(0)
    if _number(reader, marked=True) != _EBML:
        return None
    head = _number(reader)
    if head is None or head > 1 << 16:
        return None
    reader.seek(reader.tell() + head)
    if _number(reader, marked=True) != _SEGMENT:
        return None
    size = _number(reader)
    return None if size is None else reader.tell() + size


def _ogg_end(reader: Reader) -> int | None:
    """Where the last page that begins ends, by its own header."""
    if not reader.seekable_media or reader.size is None:
        return None
    start = max(0, reader.size - _OGG_TAIL)
    reader.seek(start)
    tail = reader.exactly(reader.size - start)
    at = tail.rfind(b"OggS")
    if at < 0:
        return None
    body = at + 27 + (tail[at + 26] if len(tail) > at + 26 else 0)
    return start + body + sum(tail[at + 27 : body])


def _number(reader: Reader, *, marked: bool = False) -> int | None:
    """EBML's number of variable length, with its length marker for names; None if it is unknown: all ones."""
    first = reader.exactly(1)
    if not first or not first[0]:
        return None
    length = 9 - first[0].bit_length()
    value = int.from_bytes(first + reader.exactly(length - 1), "big")
    mask = (1 << 7 * length) - 1
    if marked:
        return value
    return None if value & mask == mask else value & mask


_ENDS: dict[str, Callable[[Reader], int | None]] = {
    "ogg": _ogg_end,
    "wav": wav_end,
    "aiff": aiff_end,
    "au": au_end,
    "caf": caf_end,
    "avi": _avi_end,
    "matroska": _matroska_end,
}
