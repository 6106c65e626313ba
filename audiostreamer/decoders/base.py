"""Bytes in, samples out: what a decoder is, and what it is given.

`Media` is a stored thing's bytes, however they are reached; a `Decoder` turns them into the events of
`audiostreamer.sources.base`. Which decoder reads what is decided in `engines`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..sources.base import Event, Format

__all__ = ["Decoder", "Media", "new_buffer"]


@dataclass(slots=True)
class Media:
    """The bytes of one stored thing, opened for reading at their beginning.

    Attributes:
        name: For messages, without credentials.
        file: Reads bytes; its own errors are already mapped to `SourceError`s, or are plain `OSError`s.
        path: The absolute name of a regular local file, when it is one: a decoder may open it by itself.
        seekable: Whether `file` can go back.
        size: Bytes promised (file size, Content-Length, object size), None if nobody says.
    """

    name: str
    file: BinaryIO
    path: str | None = None
    seekable: bool = True
    size: int | None = None

    def close(self) -> None:
        """Close the file."""
        self.file.close()


class Decoder(ABC):
    """Decodes one audio track of one `Media`. Used by one thread; owns the media from construction on.

    Attributes:
        engine: Its name, for people: ``"libsndfile"``, ``"FFmpeg"``.
        format: What the track begins as.
        read_ahead: Whether a thread that decodes ahead of the receiver pays.
        headroom: Frames to leave free in front of the samples of each `Block` (see `Block.buffer`).
    """

    engine: str = ""
    format: Format
    read_ahead: bool = False
    headroom: int = 0

    @abstractmethod
    def read(self, max_frames: int) -> Event | None:
        """As `audiostreamer.sources.base.Source.read`."""

    def seek(self, frame: int) -> bool:
        """As `audiostreamer.sources.base.Source.seek`."""
        return False

    @abstractmethod
    def close(self) -> None:
        """Close the decoder and its media. May be called twice."""


def new_buffer(frames: int, channels: int, dtype: str, headroom: int, *, planar: bool = False) -> NDArray[Any]:
    """A fresh array of ``(headroom + frames, channels)``, in planar memory order if wanted."""
    shape = (channels, headroom + frames) if planar else (headroom + frames, channels)
    buffer: NDArray[Any] = np.empty(shape, dtype)
    return buffer.T if planar else buffer
