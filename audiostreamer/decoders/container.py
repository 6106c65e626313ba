"""Opening a container with FFmpeg (PyAV) so that it opens nothing else, and choosing the audio track in it.

Bytes can tell FFmpeg to open other files or URLs (ffconcat, m3u8, SDP, MPD), and so can a file object's name. Hence:
allowed formats only, no protocol but the one needed, the format named where it is known, paths behind ``file:``, and
file objects wrapped so that they have no name. ``options=`` is never used: it reaches decoders, and crashed some.
"""

from __future__ import annotations

from typing import Any

import av
import av.error
from av.audio.stream import AudioStream
from av.container import InputContainer

from ..errors import FormatError
from .base import Media
from .layout import MAX_CHANNELS
from .reader import Reader
from .tagging import cleaned

__all__ = ["FORMATS", "choose_track", "open_container", "tags"]

FORMATS = {
    "wav": "wav", "w64": "w64", "aiff": "aiff", "au": "au", "caf": "caf", "flac": "flac", "ogg": "ogg", "mp3": "mp3",
    "adts": "aac", "ac3": "ac3", "eac3": "eac3", "amr": "amr", "mp4": "mov", "matroska": "matroska",
    "mpegts": "mpegts", "mpeg-ps": "mpeg", "avi": "avi", "flv": "flv", "asf": "asf", "wavpack": "wv", "tta": "tta",
    "ape": "ape", "rf64": "rf64",
}  # fmt: skip
"""Our names of containers, and FFmpeg's: all that may be opened, also when probing."""

_SELF_PROBED = ("", "ac3")  # AC-3 and E-AC-3 begin alike
_LIMITS = {
    "format_whitelist": ",".join(FORMATS.values()),
    "probesize": "5000000",
    "analyzeduration": "10000000",
    "max_streams": "64",
}
_OPEN_TIMEOUT = _READ_TIMEOUT = 10.0  # seconds


class _Nameless:
    """A reader as FFmpeg gets it: `read`, and `seek` and `tell` only where they work."""

    def __init__(self, reader: Reader) -> None:
        self.read = reader.read
        if reader.seekable_media:
            self.seek, self.tell = reader.seek, reader.tell


def open_container(media: Media, reader: Reader, container: str) -> InputContainer:
    """Open a container; `container` is our name for it, "" if unknown.

    Raises:
        FormatError: FFmpeg does not recognise it.
    """
    by_path = media.path is not None and not reader.start
    source: Any = f"file:{media.path}" if by_path else _Nameless(reader)
    limits = _LIMITS | {"protocol_whitelist": "file" if by_path else "none"}
    reader.seek(0)
    reader.forget()
    try:
        opened: InputContainer = av.open(
            source,
            "r",
            format=None if container in _SELF_PROBED else FORMATS.get(container),
            container_options=limits,
            metadata_errors="ignore",
            timeout=(_OPEN_TIMEOUT, _READ_TIMEOUT),
        )
        return opened
    except (av.error.FFmpegError, OSError, ValueError, OverflowError) as error:
        reader.check()
        raise FormatError(f"FFmpeg cannot read it: {_reason(error)}") from error


def choose_track(container: InputContainer, track: int) -> AudioStream:
    """Return the audio track number `track`, counted from 0, and switch the others off.

    Raises:
        FormatError: There are not as many, or it cannot be decoded.
    """
    found = container.streams.audio
    if not 0 <= track < len(found):
        raise FormatError(f"there is no audio track {track}, the file has {len(found)}")
    stream = found[track]
    context = stream.codec_context
    if context is None:
        raise FormatError(f"no decoder for audio track {track}")
    if context.channels > MAX_CHANNELS:
        raise FormatError(f"the header claims {context.channels} channels")
    context.thread_count = 1  # audio decoders gain nothing from threads of their own
    return stream


def tags(container: InputContainer, stream: AudioStream) -> dict[str, str]:
    """The tags of container and track, cleaned."""
    return cleaned({**container.metadata, **stream.metadata})


def _reason(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or type(error).__name__)
