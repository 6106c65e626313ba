"""FLAC, Apple Lossless in CAF, some codecs in WAV and the rare old formats, by libsndfile.

python-soundfile's own `read` seeks after every block, which corrupts what a codec carries over from packet to packet,
and drops the audio in front of an error. So libsndfile's reading function is called directly.
"""

from __future__ import annotations

import os
from typing import Any

import soundfile
from numpy.typing import NDArray

from ..errors import DecodeError, FormatError
from ..sources.base import Block, Format
from .base import Decoder, Media, new_buffer
from .layout import check_format
from .reader import Reader
from .tagging import cleaned

__all__ = ["SoundFileDecoder"]

_LEAST = 1024  # frames to ask for where the header says that there are none left
_ABSURD = 1 << 53  # frames; FLAC of unknown length claims 2^63 - 1
_EXACT_SEEK = ("FLAC", "ALAC_16", "ALAC_20", "ALAC_24", "ALAC_32")


class _File(soundfile.SoundFile):  # type: ignore[misc]
    """Reads without seeking, and seeks only when that is meant."""

    def fill(self, out: NDArray[Any]) -> tuple[int, int]:
        """Read into `out`; returns frames and libsndfile's error code."""
        kind = {"float32": "float", "float64": "double"}[out.dtype.name]
        target = soundfile._ffi.cast(f"{kind}*", out.ctypes.data)
        count: int = getattr(soundfile._snd, f"sf_readf_{kind}")(self._file, target, len(out))
        return count, self._errorcode

    def go(self, frame: int) -> bool:
        return bool(soundfile._snd.sf_seek(self._file, frame, os.SEEK_SET) == frame)


def _descriptor(path: str) -> int:
    return os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0))


class SoundFileDecoder(Decoder):
    """Decodes with libsndfile.

    Args:
        media: Owned from here on, once the constructor has returned.
        reader: Over the same media.
        dtype: ``"float32"`` or ``"float64"``.

    Raises:
        FormatError: libsndfile cannot read it.
    """

    engine = "libsndfile"

    def __init__(self, media: Media, reader: Reader, dtype: str) -> None:
        self._media, self._reader, self._dtype = media, reader, dtype
        # Callbacks into Python hold the GIL, so a descriptor is better; a name's extension would be believed.
        by_path = media.path is not None and not reader.start
        try:
            self._file = _File(_descriptor(media.path or "") if by_path else reader)
        except (soundfile.SoundFileError, TypeError, OSError) as error:
            reader.check()
            raise FormatError("libsndfile cannot read it") from error
        self._known = self._file.frames if 0 < self._file.frames < _ABSURD else None
        self.format = self._describe()
        self.read_ahead = (reader.size or 1 << 20) >= 1 << 20
        self._done = 0
        self._failed: BaseException | None = None

    def read(self, max_frames: int) -> Block | None:
        """As `audiostreamer.sources.base.Source.read`.

        Raises:
            DecodeError: libsndfile failed, or stopped before the end; what came before has been delivered.
            TruncatedSourceError: Fewer bytes came than were promised; everything there was has been delivered.
        """
        if self._known is not None:  # libsndfile clears what it is asked for and cannot fill
            max_frames = min(max_frames, max(_LEAST, self._known - self._done))
        buffer = new_buffer(max_frames, self.format.channels, self._dtype, self.headroom)
        wanted = buffer[self.headroom :]
        done = 0
        while done < max_frames and self._failed is None:
            count = self._some(wanted[done:])
            if not count:
                break
            done += count
        if not done:
            self._end()
            return None
        self._done += done
        used = buffer[: self.headroom + done]
        return Block(used[self.headroom :], used)

    def seek(self, frame: int) -> bool:
        """Go to a frame, where libsndfile does so exactly."""
        exact = self._file.subtype in _EXACT_SEEK or self._file.format == "FLAC"
        if not exact or self._known is None or not self._reader.seekable_media:
            return False
        frame = min(frame, self._known)
        if not self._file.go(frame):
            raise DecodeError(f"libsndfile cannot go to frame {frame}", position=0)
        self._done = frame
        return True

    def release(self) -> None:
        """Close the file, but not the media: another decoder may read it."""
        self._file.close()

    def close(self) -> None:
        """Close the file and the media."""
        self.release()
        self._reader.close()
        self._media.close()

    def _describe(self) -> Format:
        try:
            check_format(self._file.samplerate, self._file.channels)
        except FormatError:
            self._file.close()
            raise
        return Format(self._file.samplerate, self._file.channels, self._known, cleaned(self._file.copy_metadata()))

    def _some(self, out: NDArray[Any]) -> int:
        count, code = self._file.fill(out)
        if code:
            self._failed = soundfile.LibsndfileError(code)
        return count

    def _end(self) -> None:
        """Raise if this is not the end."""
        self._reader.check(self._done)
        if self._failed is not None:
            raise DecodeError("libsndfile failed", position=self._done) from self._failed
        if self._file.format == "FLAC" and self._known is not None and self._done < self._known:
            raise DecodeError(f"the audio ends before its last frame, {self._known}", position=self._done)
        self._reader.check_size(self._done)
