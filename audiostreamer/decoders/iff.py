"""Headers of AIFF and AIFF-C, Sun/NeXT AU, and Apple's CAF with plain samples."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from ..errors import FormatError
from .layout import Layout
from .reader import Reader
from .riff import Chunk

__all__ = [
    "aiff_codec",
    "aiff_end",
    "aiff_layout",
    "au_codec",
    "au_end",
    "au_layout",
    "caf_codec",
    "caf_end",
    "caf_layout",
]

_MAX_CHUNKS = 10_000
_AIFC = {
    b"NONE": ">i", b"twos": ">i", b"in24": ">i", b"in32": ">i", b"sowt": "<i", b"raw ": "u",
    b"42ni": "<i", b"42n1": "<i", b"23ni": "<i",
    b"fl32": ">f", b"FL32": ">f", b"fl64": ">f", b"FL64": ">f",
    b"alaw": "alaw", b"ALAW": "alaw", b"ulaw": "ulaw", b"ULAW": "ulaw",
}  # fmt: skip
_AU = {1: "ulaw", 2: "i1", 3: "i2", 4: "i3", 5: "i4", 6: "f4", 7: "f8", 27: "alaw"}


def aiff_codec(reader: Reader) -> str:
    """``"pcm"``, or the four letters of an AIFF-C compression.

    Raises:
        FormatError: There is no common chunk.
    """
    kind = _aiff_common(reader)[0]
    return "pcm" if kind in _AIFC else kind.decode("latin-1").strip()


def aiff_layout(reader: Reader) -> Layout:
    """Read the header of an AIFF file with plain samples.

    Raises:
        FormatError: Broken, or not plain samples.
    """
    kind, channels, rate, bits, data = _aiff_common(reader)
    code = _AIFC.get(kind, "")
    wide = -(-bits // 8)
    if code[-1:] in ("i", "f", "u"):
        code = {"u": "u1"}.get(code, f"{code}{wide}") if wide > 1 else {"u": "u1"}.get(code, "i1")
    if code not in ("alaw", "ulaw", "i1", "u1", ">i2", "<i2", ">i3", "<i3", ">i4", "<i4", ">f4", ">f8"):
        raise FormatError(f"AIFF with {bits} bits of type {kind!r}")
    reader.seek(data.offset)
    gap = struct.unpack(">I4x", reader.exactly(8).ljust(8, b"\0"))[0]
    size = None if data.size in (0, 0xFFFFFFFF) else max(0, data.size - 8 - gap)
    return Layout(code, channels, rate, data.offset + 8 + gap, size)


def aiff_end(reader: Reader) -> int | None:
    """Where the sound chunk promises to end, in bytes; None if it is open."""
    data = _aiff_common(reader)[4]
    return None if data.size in (0, 0xFFFFFFFF) else data.offset + data.size


def _aiff_common(reader: Reader) -> tuple[bytes, int, int, int, Chunk]:
    common = data = None
    for chunk in _chunks(reader, 12, ">4sI"):
        if chunk.name == b"COMM":
            common = reader.exactly(min(chunk.size, 22))
        elif chunk.name == b"SSND":
            data = chunk
        if common and data:
            break
    reader.check()
    if not common or len(common) < 18 or not data:
        raise FormatError("an AIFF file without a common or a sound chunk")
    channels, bits = struct.unpack(">h4xh", common[:8])
    return common[18:22].ljust(4) if len(common) >= 22 else b"NONE", channels, _extended(common[8:18]), bits, data


def _extended(ten: bytes) -> int:
    """An 80-bit float as an integer, 0 if it is absurd."""
    exponent, mantissa = struct.unpack(">hQ", ten)
    shift = 16383 + 63 - exponent
    return mantissa >> shift if 0 <= shift < 64 else 0


def au_codec(reader: Reader) -> str:
    """``"pcm"``, or the number of another encoding."""
    number = _au_header(reader)[1][2]
    return "pcm" if number in _AU else f"au-{number}"


def au_layout(reader: Reader) -> Layout:
    """Read the header of an AU file with plain samples.

    Raises:
        FormatError: Broken, or not plain samples.
    """
    order, (offset, size, number, rate, channels) = _au_header(reader)
    code = _AU.get(number)
    if code is None or offset < 24:
        raise FormatError(f"AU with encoding {number} at byte {offset}")
    if code[-1] in "2348":
        code = order + code
    return Layout(code, channels, rate, offset, None if size in (0, 0xFFFFFFFF) else size)


def au_end(reader: Reader) -> int | None:
    """Where the header promises that the samples end, in bytes; None if it is open."""
    offset, size, *_ = _au_header(reader)[1]
    return None if size in (0, 0xFFFFFFFF) else offset + size


def _au_header(reader: Reader) -> tuple[str, tuple[int, int, int, int, int]]:
    reader.seek(0)
    head = reader.exactly(24)
    if len(head) < 24:
        reader.check()
        raise FormatError("the AU header is cut short")
    order = "<" if head[:4] == b"dns." else ">"
    return order, struct.unpack(order + "4x5I", head)


def caf_codec(reader: Reader) -> str:
    """``"pcm"``, or the four letters of another codec, such as ``"alac"`` or ``"ima4"``.

    Raises:
        FormatError: There is no description chunk.
    """
    name = _caf_description(reader)[1]
    return "pcm" if name in (b"lpcm", b"alaw", b"ulaw") else name.decode("latin-1").strip()


def caf_layout(reader: Reader) -> Layout:
    """Read the header of a CAF file with plain samples.

    Raises:
        FormatError: Broken, or not plain samples.
    """
    rate, name, flags, packet, _, channels, bits = _caf_description(reader)
    if not 1 <= rate <= 1 << 31:
        raise FormatError(f"the header claims a sample rate of {rate} Hz")
    code = name.decode("latin-1")
    if name == b"lpcm":
        wide = packet // channels if channels else 0
        code = f"{'<' if flags & 2 else '>'}{'f' if flags & 1 else 'i'}{wide}" if wide > 1 else "i1"
        if code[1:] not in ("i2", "i3", "i4", "f4", "f8", "1") or not 0 < bits <= 8 * wide or packet % channels:
            raise FormatError(f"CAF with {bits} bits in packets of {packet} bytes")
    data = _caf_data(reader)
    if data is None:
        reader.check()
        raise FormatError("a CAF file without a data chunk")
    return Layout(code, channels, round(rate), data.offset + 4, None if data.size < 4 else data.size - 4)


def caf_end(reader: Reader) -> int | None:
    """Where the data chunk promises to end, in bytes; None if it is open."""
    data = _caf_data(reader)
    return None if data is None or data.size < 4 else data.offset + data.size


def _caf_data(reader: Reader) -> Chunk | None:
    return next((chunk for chunk in _chunks(reader, 8, ">4sq") if chunk.name == b"data"), None)


def _caf_description(reader: Reader) -> tuple[float, bytes, int, int, int, int, int]:
    for chunk in _chunks(reader, 8, ">4sq"):
        body = reader.exactly(32)
        if chunk.name == b"desc" and len(body) == 32:
            values: tuple[float, bytes, int, int, int, int, int] = struct.unpack(">d4s5I", body)
            return values
        break  # it must be the first
    reader.check()
    raise FormatError("a CAF file without a description")


def _chunks(reader: Reader, at: int, head: str) -> Iterator[Chunk]:
    length = struct.calcsize(head)
    for _ in range(_MAX_CHUNKS):
        reader.seek(at)
        found = reader.exactly(length)
        if len(found) < length:
            return
        name, size = struct.unpack(head, found)
        yield Chunk(name, at + length, size)
        at += length + size
        at += at & 1 if head == ">4sI" else 0
        if size < 0 or at >= 1 << 62:
            return
    raise FormatError(f"more than {_MAX_CHUNKS} chunks in front of the samples")
