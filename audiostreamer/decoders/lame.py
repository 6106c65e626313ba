"""The encoder's padding of an MP3, which its Xing or Info frame tells (LAME's extension).

FFmpeg cuts the padding at the end off only where it can seek; so that a pipe gives the same samples as a file, it is
cut off here.
"""

from __future__ import annotations

from .reader import Reader

__all__ = ["end_padding"]

_DECODER_DELAY = 529  # frames, of every layer III decoder
_FRAMES, _BYTES, _TABLE, _QUALITY = 1, 2, 4, 8  # which fields the tag has


def end_padding(reader: Reader, offset: int) -> tuple[int, int]:
    """Which of the decoded frames are padding.

    Args:
        reader: Left anywhere.
        offset: Where the first frame lies, in bytes: behind ID3v2 tags.

    Returns:
        The half-open range to leave out, counted from the first frame that FFmpeg delivers; empty if nothing is told.
    """
    reader.seek(offset)
    head = reader.exactly(4 + 32 + 120 + 24)
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:  # layer III
        return 0, 0
    first_version, mono = head[1] & 0x08, head[3] >> 6 == 3
    side = (17 if mono else 32) if first_version else (9 if mono else 17)
    tag = head[4 + side :]
    if tag[:4] not in (b"Xing", b"Info") or not tag[7] & _FRAMES:
        return 0, 0
    flags, packets = tag[7], int.from_bytes(tag[8:12], "big")
    at = 12 + 4 * bool(flags & _BYTES) + 100 * bool(flags & _TABLE) + 4 * bool(flags & _QUALITY)
    delays = tag[at + 21 : at + 24]
    if len(delays) < 3 or not tag[at : at + 4].strip(b"\0"):
        return 0, 0
    begin, end = delays[0] << 4 | delays[1] >> 4, (delays[1] & 15) << 8 | delays[2]
    delivered = packets * (1152 if first_version else 576) - begin - _DECODER_DELAY
    return delivered - max(0, end - _DECODER_DELAY), delivered
