"""WAV headers: RIFF, RIFX (big-endian), RF64 and BW64 (64-bit sizes), and Sony's Wave64.

Read here rather than by a decoder library because FFmpeg turns RIFX and 24-in-32-bit files into noise or silence
without an error, and libsndfile reads nothing where a streaming writer left the size at 0.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from ..errors import FormatError
from .layout import Layout
from .reader import Reader
from .tagging import cleaned

__all__ = ["ENCODED", "UNKNOWN_FROM", "wav_codec", "wav_end", "wav_layout"]

PCM, FLOAT, ALAW, ULAW, EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
ENCODED = {0x02: "adpcm_ms", 0x11: "adpcm_ima", 0x31: "gsm", 0x50: "mp2", 0x55: "mp3", 0xFF: "aac", 0x161: "wma"}
# What follows the tag in a subtype's GUID: Microsoft's own, and first-order ambisonics.
_GUID_TAILS = (bytes.fromhex("000000001000800000aa00389b71"), bytes.fromhex("00002107d3118644c8c1ca000000"))
_MAX_CHUNKS = 10_000
# Writers that cannot seek back leave these: 0 or all ones (nearly, if they subtract a header), or SoX's constant.
UNKNOWN_FROM = 0xFFFFFF00
_UNKNOWN_SOX = 0x7FFFF000
_TAGS = {b"INAM": "title", b"IART": "artist", b"IPRD": "album", b"ICMT": "comment", b"ICRD": "date", b"IGNR": "genre"}


class Chunk(NamedTuple):
    """One chunk: its name, where its body begins, and how long it claims to be (bytes)."""

    name: bytes
    offset: int
    size: int


class _Fmt(NamedTuple):
    tag: int
    channels: int
    rate: int
    align: int
    bits: int


def wav_codec(reader: Reader) -> str:
    """Name what a WAV file's format tag stands for: ``"pcm"``, a name of `ENCODED`, or ``"tag-0x…"``.

    Raises:
        FormatError: There is no usable format chunk.
    """
    fmt = _parse(reader)[0]
    if fmt.tag in (PCM, FLOAT, ALAW, ULAW):
        return "pcm"
    return ENCODED.get(fmt.tag, f"tag-{fmt.tag:#06x}")


def wav_layout(reader: Reader) -> Layout:
    """Read the header of a WAV file with plain samples.

    Raises:
        FormatError: Broken, or not plain samples.
    """
    fmt, data, metadata = _parse(reader)
    size = _promised(reader, data)
    return Layout(_encoding(fmt, reader), fmt.channels, fmt.rate, data.offset, size, metadata)


def wav_end(reader: Reader) -> int | None:
    """Where the data chunk promises to end, in bytes; None if it says "to the end of the file"."""
    data = _parse(reader)[1]
    size = _promised(reader, data)
    return None if size is None else data.offset + size


def _order(reader: Reader) -> str:
    reader.seek(0)
    return ">" if reader.exactly(4) == b"RIFX" else "<"


def _parse(reader: Reader) -> tuple[_Fmt, Chunk, dict[str, str]]:
    order = _order(reader)
    fmt = data = None
    long_size = None
    metadata: dict[str, str] = {}
    for chunk in _chunks(reader, order):
        if chunk.name == b"fmt ":
            fmt = _format_chunk(reader.exactly(min(chunk.size, 64)), order)
        elif chunk.name == b"ds64":
            long_size = struct.unpack("<8xQ", reader.exactly(16).ljust(16, b"\0"))[0]
        elif chunk.name == b"LIST" and chunk.size <= 1 << 16:
            metadata |= _info(reader.exactly(chunk.size), order)
        elif chunk.name == b"data":
            data = chunk._replace(size=long_size) if long_size and chunk.size == 0xFFFFFFFF else chunk
        if fmt and data:
            return fmt, data, metadata
    reader.check()
    raise FormatError("a WAV file without a format chunk" if not fmt else "a WAV file without a data chunk")


def _chunks(reader: Reader, order: str) -> Iterator[Chunk]:
    reader.seek(0)
    wave64 = reader.exactly(12)[:4] == b"riff"
    at = 40 if wave64 else 12
    for _ in range(_MAX_CHUNKS):
        reader.seek(at)
        head = reader.exactly(24 if wave64 else 8)
        if len(head) < (24 if wave64 else 8):
            return
        if wave64:
            chunk = Chunk(head[:4], at + 24, struct.unpack("<Q", head[16:])[0] - 24)
        else:
            chunk = Chunk(head[:4], at + 8, struct.unpack(order + "I", head[4:])[0])
        yield chunk
        at = chunk.offset + chunk.size
        at += -at % (8 if wave64 else 2)
        if chunk.size < 0 or at >= 1 << 62:
            return
    raise FormatError(f"more than {_MAX_CHUNKS} chunks in front of the samples")


def _format_chunk(body: bytes, order: str) -> _Fmt:
    if len(body) < 14:
        raise FormatError("the WAV format chunk is too short")
    tag, channels, rate, _, align = struct.unpack(order + "HHIIH", body[:14])
    bits = struct.unpack(order + "H", body[14:16])[0] if len(body) >= 16 else 8 * align // max(1, channels)
    if tag == EXTENSIBLE:
        if len(body) < 40:
            raise FormatError("the extension of the WAV format chunk is missing")
        if body[26:40] not in _GUID_TAILS and order == "<":
            raise FormatError(f"an unknown WAV subtype, {body[24:40].hex()}")
        tag = struct.unpack(order + "H", body[24:26])[0]
    return _Fmt(tag, channels, rate, align, bits)


def _encoding(fmt: _Fmt, reader: Reader) -> str:
    order = _order(reader)
    if not fmt.channels:
        raise FormatError("the header claims 0 channels")
    wide, rest = divmod(fmt.align, fmt.channels)
    if fmt.align == 0:
        wide, rest = -(-fmt.bits // 8), 0
    if fmt.tag in (ALAW, ULAW) and (wide, rest) == (1, 0):
        return "alaw" if fmt.tag == ALAW else "ulaw"
    if fmt.tag == FLOAT and rest == 0 and wide in (4, 8) and fmt.bits == 8 * wide:
        return f"{order}f{wide}"
    if fmt.tag == PCM and rest == 0 and wide in (1, 2, 3, 4) and 0 < fmt.bits <= 8 * wide:
        return "u1" if wide == 1 else f"{order}i{wide}"
    raise FormatError(f"{fmt.bits} bits in a frame of {fmt.align} bytes, {fmt.channels} channels (tag {fmt.tag:#06x})")


def _promised(reader: Reader, data: Chunk) -> int | None:
    if data.size == 0:
        return 0 if _ends_in_chunks(reader, data.offset) else None
    return None if data.size >= 1 << 62 or _is_placeholder(data.size) else data.size


def _is_placeholder(size: int) -> bool:
    return size == _UNKNOWN_SOX or UNKNOWN_FROM <= size <= 0xFFFFFFFF


def _ends_in_chunks(reader: Reader, at: int) -> bool:
    """Whether what follows an empty data chunk is nothing, or chunks up to the very end: then it is really empty."""
    if not reader.seekable_media:
        return False
    end = reader.seek(0, 2)
    order = _order(reader)
    for _ in range(_MAX_CHUNKS):
        if at + 1 >= end:
            break
        reader.seek(at)
        head = reader.exactly(8)
        if len(head) < 8 or not head[:4].isascii() or not head[:4].decode().isprintable():
            return False
        at += 8 + struct.unpack(order + "I", head[4:])[0]
        at += at & 1
    return at in (end, end + 1) or at + 1 == end


def _info(body: bytes, order: str) -> dict[str, str]:
    found: dict[str, str] = {}
    at = 4
    while body[:4] == b"INFO" and at + 8 <= len(body):
        size = struct.unpack(order + "I", body[at + 4 : at + 8])[0]
        if name := _TAGS.get(body[at : at + 4]):
            text = body[at + 8 : at + 8 + size].partition(b"\0")[0]  # a C string, and its rest may be anything
            found[name] = text.decode("utf-8", "replace")
        at += 8 + size + (size & 1)
    return cleaned(found)
