"""Whether a FLAC file is an ordinary one, that libsndfile reads rightly.

libsndfile stops silently at the header's total, at a change of rate or layout, and knows 8, 16 and 24 bits only.
So the header must be confirmed by the last frame: same channels and bits, it ends where the header says, and the file
ends with it (its checksum is right), since libsndfile loses the last frame if anything follows, even a tag.
Anything else is FFmpeg's, which reads on whatever the header claims.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .reader import Reader

__all__ = ["is_flac_frame", "is_ordinary_flac"]

_PIECE_WORDS = 64
_TAIL = 1 << 16
_MAX_TAIL = 1 << 22
# A hostile file is full of frame headers; in a real one chance makes up one candidate per 64 KiB, hardly ever a frame.
_MAX_CANDIDATES = 4096
_MAX_SUMMED = _MAX_TAIL + 16  # bytes whose checksum is computed: one frame of any size
_MAX_BLOCKS = 1000
_BITS = {1: 8, 2: 12, 4: 16, 5: 20, 6: 24, 7: 32}
_FIXED_SIZES = {1: 192, 2: 576, 3: 1152, 4: 2304, 5: 4608} | {code: 1 << code for code in range(8, 16)}


class _Info(NamedTuple):
    max_frame: int  # bytes
    channels: int
    bits: int
    total: int  # frames


class _Frame(NamedTuple):
    variable: bool
    number: int
    size: int  # audio frames in it
    channels: int
    bits: int  # 0: as in the header of the file


def is_ordinary_flac(reader: Reader) -> bool:
    """Tell, and leave the reader at its beginning. Costs two seeks and a read of about 64 KiB."""
    found = _stream_info(reader)
    ordinary = found is not None and _confirmed(reader, *found)
    reader.seek(0)
    return ordinary


def is_flac_frame(head: bytes) -> bool:
    """Whether bytes begin with a FLAC frame, as a stream does that was joined in the middle."""
    return _frame(head) is not None


def _stream_info(reader: Reader) -> tuple[_Info, int] | None:
    """STREAMINFO, and where the first audio frame begins."""
    reader.seek(0)
    head = reader.exactly(42)
    if len(head) < 42 or head[:4] != b"fLaC" or head[4] & 0x7F:
        return None
    packed = int.from_bytes(head[18:26], "big")  # 20 bits rate, 3 channels - 1, 5 bits - 1, 36 total
    max_frame = int.from_bytes(head[15:18], "big")
    info = _Info(max_frame, (packed >> 41 & 7) + 1, (packed >> 36 & 31) + 1, packed & (1 << 36) - 1)
    at, last = 42, head[4] >> 7
    for _ in range(_MAX_BLOCKS):
        if last:
            return info, at
        reader.seek(at)
        block = reader.exactly(4)
        if len(block) < 4:
            return None
        last, at = block[0] >> 7, at + 4 + int.from_bytes(block[1:], "big")
    return None


def _confirmed(reader: Reader, info: _Info, first: int) -> bool:
    if info.bits not in (8, 16, 24) or not info.total or not reader.seekable_media:
        return False
    reader.seek(first)
    begin = _frame(reader.exactly(16))
    if begin is None:
        return False
    end = reader.seek(0, 2)
    reader.seek(max(first, end - min(max(_TAIL, 2 * info.max_frame), _MAX_TAIL)))
    tail = reader.exactly(end - reader.tell()) + bytes(16)  # the last frame may be shorter than a longest header
    return _ends_in_last_frame(tail, begin, info)


def _ends_in_last_frame(tail: bytes, begin: _Frame, info: _Info) -> bool:
    sync = b"\xff\xf9" if begin.variable else b"\xff\xf8"
    at, summed = len(tail), 0
    for _ in range(_MAX_CANDIDATES):
        at = tail.rfind(sync, 0, at + 1)
        if at < 0:
            break
        frame = _frame(tail[at : at + 16])
        if frame is None or not _is_last(frame, begin, info):
            continue
        summed += len(tail) - at
        if summed > _MAX_SUMMED:
            break
        if _is_whole(tail[at:-16]):
            return True
    return False


def _is_last(frame: _Frame, begin: _Frame, info: _Info) -> bool:
    start = frame.number if frame.variable else frame.number * begin.size
    same = frame.variable == begin.variable and frame.channels == begin.channels == info.channels
    return same and frame.bits in (0, info.bits) and begin.bits in (0, info.bits) and start + frame.size == info.total


def _frame(head: bytes) -> _Frame | None:
    """Read a frame header; None if it is none (the check byte decides)."""
    if len(head) < 16 or head[0] != 0xFF or head[1] & 0xFE != 0xF8:
        return None
    number, at = _coded_number(head)
    code, rate = head[2] >> 4, head[2] & 15
    extra = {6: 1, 7: 2}.get(code, 0)
    size = int.from_bytes(head[at : at + extra], "big") + 1 if extra else _FIXED_SIZES.get(code, 0)
    at += extra + {12: 1, 13: 2, 14: 2}.get(rate, 0)
    if number < 0 or not size or _crc8(head[:at]) != head[at]:
        return None
    channels = (head[3] >> 4) + 1 if head[3] >> 4 < 8 else 2
    return _Frame(bool(head[1] & 1), number, size, channels, _BITS.get(head[3] >> 1 & 7, 0))


def _coded_number(head: bytes) -> tuple[int, int]:
    """The frame or sample number in its UTF-8-like coding, and where it ends; -1 if it is not one."""
    first = head[4]
    length = 1 if first < 0x80 else 8 - (~first & 0xFF).bit_length()
    rest = head[5 : 4 + length]
    if not 1 <= length <= 7 or first >> 6 == 2 or any(byte >> 6 != 2 for byte in rest):
        return -1, 5
    number = first if length == 1 else first & (0x7F >> length)
    for byte in rest:
        number = number << 6 | byte & 0x3F
    return number, 4 + length


def _crc8(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc << 1 ^ 0x07 if crc & 0x80 else crc << 1
            crc &= 0xFF
    return crc


def _is_whole(frame: bytes) -> bool:
    """Whether bytes are a frame and nothing more; zeros behind its checksum would leave that at 0."""
    before = _crc16(frame[:-1])
    return before != 0 and before << 8 & 0xFFFF ^ _CRC16[before >> 8 ^ frame[-1]] == 0


def _crc16(data: bytes) -> int:
    """The checksum, by numpy: a last frame is up to 16 KB, and byte by byte took half the time of opening a short file.

    Pieces of one length are summed side by side. The sum of the whole is that of what came before, moved on by a
    piece's length of zeros, xor the piece's own. Zeros in front change nothing.
    """
    step, move = _crc16_tables()
    pieces = -(-len(data) // (2 * _PIECE_WORDS))
    words = np.frombuffer(data.rjust(pieces * 2 * _PIECE_WORDS, b"\0"), ">u2").astype(np.uint16)
    sums = np.zeros(pieces, np.uint16)
    for column in words.reshape(pieces, _PIECE_WORDS).T:
        sums = step[sums ^ column]
    crc = 0
    for piece in sums.tolist():
        crc = int(move[crc]) ^ piece
    return crc


@functools.cache
def _crc16_tables() -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """A sum after one more word of zeros, and after a piece of them."""
    sums, table = np.arange(1 << 16, dtype=np.uint16), np.array(_CRC16, np.uint16)
    first = table[sums >> 8]
    step = (first << 8) ^ table[(first >> 8) ^ (sums & 0xFF)]
    move = sums
    for _ in range(_PIECE_WORDS):
        move = step[move]
    return step, move


def _crc16_of(byte: int) -> int:
    crc = byte << 8
    for _ in range(8):
        crc = crc << 1 ^ 0x8005 if crc & 0x8000 else crc << 1
    return crc & 0xFFFF


_CRC16 = [_crc16_of(byte) for byte in range(256)]
