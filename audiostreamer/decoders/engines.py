"""Which engine decodes what: one table, by measured correctness first, then speed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..errors import FormatError, SourceError
from .base import Decoder, Media
from .flac import is_ordinary_flac
from .iff import aiff_codec, aiff_layout, au_codec, au_layout, caf_codec, caf_layout
from .layout import Layout
from .ogg import is_one_page
from .promise import promised_bytes
from .reader import Reader
from .riff import wav_codec, wav_layout
from .sniff import Kind, sniff

__all__ = ["ENGINES", "open_decoder"]

ENGINES = {
    # plain samples: numpy is right in every variant, reads pipes, and is the fastest
    "wav/pcm": ("pcm",),
    "aiff/pcm": ("pcm",),
    "au/pcm": ("pcm",),
    "caf/pcm": ("pcm",),
    # libsndfile: exact seeking, and it lets go of the GIL for a whole block
    "flac/ordinary": ("libsndfile", "ffmpeg"),
    "caf/alac": ("libsndfile", "ffmpeg"),
    "wav/mp3": ("ffmpeg",),
    "wav/mp2": ("ffmpeg",),
    "wav/aac": ("ffmpeg",),
    "wav/wma": ("ffmpeg",),
    # telephone codecs: FFmpeg gets G.721 and NMS ADPCM wrong, and does not find any in Wave64
    "wav/tag-0x0040": ("libsndfile",),
    "wav/tag-0x0038": ("libsndfile",),
    "wav": ("libsndfile", "ffmpeg"),
    "au": ("libsndfile", "ffmpeg"),
    "aiff/GSM": ("libsndfile",),
    # FFmpeg gets its length wrong, see `audiostreamer.decoders.ogg.is_one_page`
    "ogg/vorbis-one-page": ("libsndfile",),
    "mp3/free-format": ("libsndfile",),
    "voc": ("libsndfile",),
    "svx": ("libsndfile",),
    "nist": ("libsndfile",),
    "paf": ("libsndfile",),
    "avr": ("libsndfile",),
    "ircam": ("libsndfile",),
}
"""Engines to try in order for ``container/codec``, else for ``container``; for everything else FFmpeg."""

_OTHERS = ("ffmpeg",)
_CODECS: dict[str, Callable[[Reader], str]] = {
    "wav": wav_codec,
    "aiff": aiff_codec,
    "au": au_codec,
    "caf": caf_codec,
    "flac": lambda reader: "ordinary" if is_ordinary_flac(reader) else "",
}
_LAYOUTS: dict[str, Callable[[Reader], Layout]] = {
    "wav": wav_layout,
    "aiff": aiff_layout,
    "au": au_layout,
    "caf": caf_layout,
}
# Read from front to back without loss; the others jump about and are copied to a temporary file first.
_STREAMED = ("pcm",)
_STREAMED_CONTAINERS = frozenset({"mp3", "adts", "ac3", "amr", "ogg", "flac", "matroska", "mpegts", "flv", ""})
_HINT = 1 << 12


# glibc gives freed blocks back to the system, and every fresh block then costs a page fault per 4 KiB: a tenth of the
# time of reading WAV. Freeing one larger piece first (never touched, so it costs nothing) makes it keep them.
np.empty(1 << 24, np.uint8)


def open_decoder(media: Media, *, track: int = 0, dtype: str = "float32") -> Decoder:
    """Open what `media` holds; on failure the media is closed.

    A media that cannot seek is streamed where its format allows; MP4 with its index at the end, and containers
    that are read by jumping about, are first copied to a temporary file (in memory up to 4 MiB).

    Args:
        media: The bytes. They pass to the decoder.
        track: Which audio track, counted from 0.
        dtype: ``"float32"`` or ``"float64"``.

    Raises:
        FormatError: Not audio, no such track, or a broken header.
        SourceError: Reading failed.
    """
    reader = Reader(media)
    try:
        return _open(media, reader, track, dtype)
    except BaseException as error:
        reader.close()
        media.close()
        if isinstance(error, FormatError):
            reader.check()  # what the file itself raised comes first
        raise


def _open(media: Media, reader: Reader, track: int, dtype: str) -> Decoder:
    kind = sniff(reader)
    if kind.container in _CODECS:
        kind = Kind(kind.container, _CODECS[kind.container](reader))
    elif str(kind) == "ogg/vorbis" and is_one_page(reader):
        kind = Kind("ogg", "vorbis-one-page")
    reader.header_promise = promised_bytes(reader, kind)
    reader.seek(0)
    engines = ENGINES.get(str(kind)) or ENGINES.get(kind.container) or _OTHERS
    if not media.seekable and not _streams(reader, kind, engines[0]):
        reader.spool()
    refusal: SourceError | None = None
    for engine in engines:
        try:
            return _OPENERS[engine](media, reader, kind, track, dtype)
        except FormatError as error:
            refusal = refusal or error
    assert refusal is not None
    raise refusal


def _streams(reader: Reader, kind: Kind, engine: str) -> bool:
    if kind.container == "mp4":
        return _index_first(reader)
    return engine in _STREAMED or (engine == "ffmpeg" and kind.container in _STREAMED_CONTAINERS)


def _index_first(reader: Reader) -> bool:
    """Whether an MP4's index or first fragment comes before its samples."""
    at = 0
    while at < _HINT:
        reader.seek(at)
        box = reader.exactly(8)
        if len(box) < 8 or box[4:] == b"mdat":
            return False
        if box[4:] in (b"moov", b"moof"):
            return True
        at += max(8, int.from_bytes(box[:4], "big"))
    return False


def _single(track: int) -> None:
    if track:
        raise FormatError(f"there is no audio track {track}, the file has 1")


def _pcm(media: Media, reader: Reader, kind: Kind, track: int, dtype: str) -> Decoder:
    from .pcm import PcmDecoder

    _single(track)
    return PcmDecoder(media, reader, _LAYOUTS[kind.container](reader), dtype)


def _libsndfile(media: Media, reader: Reader, kind: Kind, track: int, dtype: str) -> Decoder:
    from .libsndfile import SoundFileDecoder

    _single(track)
    reader.seek(0)
    decoder = SoundFileDecoder(media, reader, dtype)
    if kind.container == "wav" and reader.header_promise is None and decoder.format.frames is None:
        decoder.release()
        raise FormatError("the size of the samples was left at 0, which libsndfile believes")
    return decoder


def _ffmpeg(media: Media, reader: Reader, kind: Kind, track: int, dtype: str) -> Decoder:
    from .ffmpeg import FFmpegDecoder

    return FFmpegDecoder(media, reader, kind.container, track=track, dtype=dtype)


_OPENERS: dict[str, Callable[[Media, Reader, Kind, int, str], Decoder]] = {
    "pcm": _pcm,
    "libsndfile": _libsndfile,
    "ffmpeg": _ffmpeg,
}
