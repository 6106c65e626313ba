"""What a file is, told by its first bytes; names and extensions are never asked."""

from __future__ import annotations

from typing import NamedTuple

from ..errors import FormatError
from .flac import is_flac_frame
from .reader import Reader

__all__ = ["HEAD", "Kind", "skip_tags", "sniff", "sniff_head"]

HEAD = 4096
"""Bytes that are enough to tell."""

_LARGE_TAG = 1 << 20


class Kind(NamedTuple):
    """What it is.

    Attributes:
        container: ``"wav"``, ``"flac"``, ``"ogg"``, ``"mp4"`` …; ``""``: unknown.
        codec: Where the first bytes tell, e.g. ``"opus"``.
    """

    container: str
    codec: str = ""

    def __str__(self) -> str:
        return f"{self.container}/{self.codec}" if self.codec else self.container


# (offset, bytes, kind); the first that fits
_MAGIC = (
    (0, b"fLaC", Kind("flac")),
    (0, b"OggS", Kind("ogg")),
    (0, b"FORM____AIFF", Kind("aiff")),
    (0, b"FORM____AIFC", Kind("aiff")),
    (0, b"FORM____8SVX", Kind("svx")),
    (0, b"FORM____16SV", Kind("svx")),
    (0, b"RIFF____WAVE", Kind("wav")),
    (0, b"RIFX____WAVE", Kind("wav")),
    (0, b"RF64____WAVE", Kind("wav")),
    (0, b"BW64____WAVE", Kind("wav")),
    (0, b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00", Kind("wav")),
    (0, b"RIFF____AVI ", Kind("avi")),
    (0, b".snd", Kind("au")),
    (0, b"dns.", Kind("au")),
    (0, b"caff", Kind("caf")),
    (0, b"\x1a\x45\xdf\xa3", Kind("matroska")),
    (0, b"FLV\x01", Kind("flv")),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", Kind("asf")),
    (0, b"#!AMR-WB\n", Kind("amr", "wb")),
    (0, b"#!AMR\n", Kind("amr", "nb")),
    (0, b"TTA1", Kind("tta")),
    (0, b"wvpk", Kind("wavpack")),
    (0, b"MAC ", Kind("ape")),
    (0, b"\x00\x00\x01\xba", Kind("mpeg-ps")),
    (0, b"\x0b\x77", Kind("ac3")),
    (0, b"Creative Voice File\x1a", Kind("voc")),
    (0, b"NIST_1A\n", Kind("nist")),
    (0, b" paf", Kind("paf")),
    (0, b"fap ", Kind("paf")),
    (0, b"2BIT", Kind("avr")),
    (0, b"\x64\xa3", Kind("ircam")),
    (2, b"\xa3\x64", Kind("ircam")),
    (4, b"ftyp", Kind("mp4")),
    (4, b"moov", Kind("mp4")),
    (4, b"mdat", Kind("mp4")),
    (4, b"moof", Kind("mp4")),
    (4, b"styp", Kind("mp4")),
    (4, b"wide", Kind("mp4")),
    (4, b"skip", Kind("mp4")),
    (4, b"free", Kind("mp4")),
)
_OGG_CODECS = (
    (b"\x01vorbis", "vorbis"),
    (b"OpusHead", "opus"),
    (b"\x7fFLAC", "flac"),
    (b"Speex   ", "speex"),
    (b"\x80theora", "theora"),
    (b"fishead\0", "skeleton"),
)


def sniff(reader: Reader) -> Kind:
    """Tell what `reader` holds, and leave it at its beginning.

    ID3v2 tags in front are looked behind. One of more than 1 MiB is hidden from the decoders altogether, so that its
    pictures cost no memory.

    Raises:
        FormatError: The file is empty, or text.
    """
    skipped = skip_tags(reader)
    if skipped > _LARGE_TAG:
        reader.start += skipped
        skipped = 0
    reader.seek(skipped)
    head = reader.exactly(HEAD)
    kind = sniff_head(head)
    if kind.container in ("wav", "aiff", "au", "caf", "flac"):
        reader.start += skipped
    reader.seek(0)
    reader.check()
    return kind


def skip_tags(reader: Reader) -> int:
    """Where what follows the ID3v2 tags begins, in bytes. Leaves the reader anywhere."""
    at = 0
    while True:
        reader.seek(at)
        head = reader.exactly(10)
        if head[:3] != b"ID3" or len(head) < 10:
            return at
        at += _tag_length(head)


def sniff_head(head: bytes) -> Kind:
    """Tell what begins with `head`.

    Raises:
        FormatError: Nothing there, or text.
    """
    if not head:
        raise FormatError("the file is empty")
    for offset, magic, kind in _MAGIC:
        if _fits(head, offset, magic):
            return Kind("ogg", _ogg_codec(head)) if kind.container == "ogg" else kind
    if _is_transport_stream(head):
        return Kind("mpegts")
    if _is_text(head):
        raise FormatError("this is text, not audio (playlists are not read)")
    if is_flac_frame(head):  # before ADTS, whose first two bytes can be the same
        return Kind("flac")
    if head[0] == 0xFF and len(head) >= 4 and (found := _mpeg_audio(head)):
        return found
    return Kind("")


def _fits(head: bytes, offset: int, magic: bytes) -> bool:
    part = head[offset : offset + len(magic)]
    return part == magic or (b"____" in magic and part[:4] == magic[:4] and part[8:] == magic[8:])


def _tag_length(head: bytes) -> int:
    a, b, c, d = (byte & 0x7F for byte in head[6:10])
    return 10 + (a << 21 | b << 14 | c << 7 | d) + (10 if head[5] & 0x10 else 0)


def _ogg_codec(head: bytes) -> str:
    body = head[27 + head[26] :] if len(head) > 26 else b""
    return next((name for magic, name in _OGG_CODECS if body.startswith(magic)), "")


def _is_transport_stream(head: bytes) -> bool:
    return any(
        len(head) > at + 2 * size and head[at] == head[at + size] == head[at + 2 * size] == 0x47
        for at, size in ((0, 188), (4, 192), (0, 204))
    )


def _mpeg_audio(head: bytes) -> Kind | None:
    """MPEG audio layers 1 to 3, or AAC in ADTS; each refuses the other's reserved values."""
    second, third = head[1], head[2]
    if second & 0xF6 == 0xF0:
        return Kind("adts") if third >> 2 & 15 < 13 else None
    layer, version, rate = second >> 1 & 3, second >> 3 & 3, third >> 2 & 3
    if second & 0xE0 != 0xE0 or not layer or version == 1 or rate == 3 or third >> 4 == 15:
        return None
    return Kind("mp3", "free-format" if third >> 4 == 0 and layer == 1 else f"layer{4 - layer}")


def _is_text(head: bytes) -> bool:
    """Whether everything is printable; UTF-16 counts. Samples are not for long: silence is zeros."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") and 0 in head[2:4] and 0 in head[4:6]:
        return True
    try:
        text = head.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "strict" if len(head) < HEAD else "ignore")
    except UnicodeDecodeError:
        return False
    return len(text) * 4 > len(head) and all(c.isprintable() or c in "\r\n\t\f" for c in text)
