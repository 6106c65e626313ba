"""Plain samples (WAV, AIFF, AU, CAF) by numpy: read a piece, scale it straight into the block.

Measured on 10 minutes of stereo, the faster of two block sizes: 16 bits 0.012 s (libsndfile 0.023 s through int16),
24 bits 0.043 s (0.142 s), 32 bits 0.027 s (0.036 s). Nothing seeks behind its back, and a pipe is as good as a file.
"""

from __future__ import annotations

import numpy as np

from ..errors import TruncatedSourceError
from ..sources.base import Block
from .base import Decoder, Media, new_buffer
from .layout import Layout
from .reader import Reader
from .samples import PAD, converter

__all__ = ["PcmDecoder"]

_PIECE = 1 << 18  # bytes: stays in the second-level cache between reading and scaling


class PcmDecoder(Decoder):
    """Reads the samples that a `Layout` describes.

    Args:
        media: Owned from here on.
        reader: Over the same media.
        layout: Where the samples are.
        dtype: ``"float32"`` or ``"float64"``.
    """

    engine = "PCM"

    def __init__(self, media: Media, reader: Reader, layout: Layout, dtype: str) -> None:
        self.format = layout.format
        self.read_ahead = layout.size is None or layout.size >= 1 << 20
        self._media, self._reader, self._layout, self._dtype = media, reader, layout, dtype
        self._convert = converter(layout.encoding, dtype)
        self._frame_bytes = layout.frame_bytes
        self._piece_frames = max(1, _PIECE // self._frame_bytes)
        self._raw = np.zeros(self._piece_frames * self._frame_bytes + 2 * PAD, np.uint8)
        self._view = self._raw.data[PAD:-PAD]
        self._done = 0  # frames
        self._ended = False
        reader.seek(layout.offset)
        reader.forget()

    def read(self, max_frames: int) -> Block | None:
        """As `audiostreamer.sources.base.Source.read`.

        Raises:
            TruncatedSourceError: The header promised more; everything there was has been delivered.
        """
        if self._ended:
            self._end()
            return None
        channels, headroom = self.format.channels, self.headroom
        buffer = new_buffer(max_frames, channels, self._dtype, headroom)
        flat = buffer[headroom:].reshape(-1)
        done = 0
        while done < max_frames and not self._ended:
            count = self._piece(max_frames - done)
            self._convert(self._raw, count * channels, flat[done * channels : (done + count) * channels])
            done += count
            self._done += count
            if done and not self._reader.seekable_media:
                break  # a pipe gives what it has: waiting for a full block would only add delay
        if not done:
            self._end()
            return None
        used = buffer[: headroom + done]
        return Block(used[headroom:], used)

    def seek(self, frame: int) -> bool:
        """Go to a frame, where the media can seek."""
        if not self._reader.seekable_media:
            return False
        known = self._promised()
        frame = frame if known is None else min(frame, known)
        self._reader.seek(self._layout.offset + frame * self._frame_bytes)
        self._done = frame
        return True

    def close(self) -> None:
        """Close the media."""
        self._reader.close()
        self._media.close()

    def _promised(self) -> int | None:
        return None if self._layout.size is None else self._layout.size // self._frame_bytes

    def _piece(self, wanted: int) -> int:
        """Read up to `wanted` whole frames into the scratch; fewer only from a pipe, or at the end."""
        known = self._promised()
        left = wanted if known is None else min(wanted, known - self._done)
        target = self._view[: min(left, self._piece_frames) * self._frame_bytes]
        got = 0
        self._ended = not target
        while got < len(target) and not self._ended:
            more = self._reader.readinto(target[got:])
            got += more
            self._ended = more == 0
            if not self._reader.seekable_media and got and got % self._frame_bytes == 0:
                break
        return got // self._frame_bytes

    def _end(self) -> None:
        """Raise if this is not the end."""
        self._reader.check(self._done)
        known = self._promised()
        if known is not None and self._done < known:
            raise TruncatedSourceError(f"the header promised {known} frames", position=self._done)
        if known is None:
            self._reader.check_size(self._done)
