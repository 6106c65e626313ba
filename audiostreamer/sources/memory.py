"""What is already in this process: bytes, open binary files, and arrays of samples."""

from __future__ import annotations

import io
import operator
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..decoders.base import Media
from ..errors import DecodeError, SourceError
from .base import Block, Event, Format, Source
from .stored import StoredSource

__all__ = ["Array", "Bytes", "FileObject"]

_DTYPES = tuple(np.dtype(name) for name in ("int16", "int32", "uint8", "float32", "float64"))
_MAX_CHANNELS = 1024  # as libsndfile; more are frames that were taken for channels


class Array(Source):
    """Samples in memory. They are not copied: do not write to them during the run.

    Args:
        samples: ``(frames,)`` or ``(frames, channels)``; float32 or float64 on the scale [-1, 1],
            or int16, int32 or uint8 at full scale.
        sample_rate: In Hz, at least 1.

    Raises:
        TypeError: Another sample type, or a rate that is no whole number.
        ValueError: Another shape, no channel, more than 1024 of them, or a rate below 1.
    """

    engine = "memory"

    def __init__(self, samples: ArrayLike, sample_rate: int) -> None:
        super().__init__("array")
        self._samples = _as_frames(np.asarray(samples))
        self._rate = operator.index(sample_rate)
        if self._rate < 1 or isinstance(sample_rate, bool):
            raise ValueError(f"sample_rate={sample_rate!r}: at least 1 Hz")
        self._at = 0

    def open(self) -> Format:
        """Start from the first frame."""
        self._at = 0
        frames, channels = self._samples.shape
        return Format(self._rate, channels, frames)

    def read(self, max_frames: int) -> Event | None:
        """The next frames: a view, whose `buffer` holds the frames before it, already in their place."""
        start, self._at = self._at, min(self._at + max_frames, len(self._samples))
        if start == self._at:
            return None
        return Block(self._samples[start : self._at], buffer=self._samples[: self._at])

    def seek(self, frame: int) -> bool:
        """Any frame; past the end is the end."""
        self._at = min(frame, len(self._samples))
        return True

    def close(self) -> None:
        """Nothing is held."""


class Bytes(StoredSource):
    """An encoded file's contents. Not copied.

    Args:
        data: A whole file: ``bytes``, ``bytearray`` or ``memoryview``.
        stream: Which audio track of a container to read, counted from 0.
    """

    def __init__(self, data: bytes | bytearray | memoryview, stream: int = 0) -> None:
        super().__init__("bytes", stream=stream)
        self._data = data

    def _open_media(self) -> Media:
        return Media(self.name, io.BytesIO(self._data), size=memoryview(self._data).nbytes)


class FileObject(StoredSource):
    """A binary file that the caller has opened, and closes.

    One that can seek is read whole, from its very beginning; any other from where it stands. Only its reading and
    seeking are used. A read of it that blocks cannot be interrupted.

    Args:
        file: Has ``read(n)`` that returns bytes. The stream is named after its ``name`` if that is a str.
        stream: Which audio track of a container to read, counted from 0.

    Raises:
        TypeError: A file opened as text.
    """

    def __init__(self, file: BinaryIO, stream: int = 0) -> None:
        name = getattr(file, "name", None)
        super().__init__(name if isinstance(name, str) and name else "file", stream=stream)
        if isinstance(file, io.TextIOBase) or "b" not in str(getattr(file, "mode", "b")):
            raise TypeError(f"{self.name}: the file is opened as text; open it with mode 'rb'")
        self._file = file

    def _open_media(self) -> Media:
        lent = _Lent(self._file, self.name)
        size = lent.seek(0, io.SEEK_END) if lent.seekable() else None
        if size is not None:
            lent.seek(0)
        return Media(self.name, cast(BinaryIO, lent), seekable=size is not None, size=size)


class _Lent(io.RawIOBase):
    """Reads from another's file, and leaves it open. It has no name that a decoder could act on."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self._shown = name

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        try:
            return bool(self._file.seekable()) if hasattr(self._file, "seekable") else hasattr(self._file, "seek")
        except Exception as error:
            raise self._failed(error) from error

    def read(self, size: int = -1) -> bytes:
        try:
            data = self._file.read(size)
        except Exception as error:
            raise self._failed(error) from error
        if not isinstance(data, bytes):
            given = "nothing: it does not wait for data" if data is None else f"{type(data).__name__}, not bytes"
            raise DecodeError(f"reading the file gave {given}", uri=self._shown)
        return data

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(memoryview(buffer).cast("B")))
        memoryview(buffer).cast("B")[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        try:
            self._file.seek(offset, whence)
            return self._file.tell()
        except Exception as error:
            raise self._failed(error) from error

    def tell(self) -> int:
        return self.seek(0, io.SEEK_CUR)

    def _failed(self, error: Exception) -> SourceError:
        if isinstance(error, SourceError):
            return error
        return DecodeError(f"the file cannot be read: {type(error).__name__}", uri=self._shown)


def _as_frames(samples: NDArray[Any]) -> NDArray[Any]:
    """A read-only view of ``(frames, channels)``."""
    if samples.dtype not in _DTYPES:
        names = ", ".join(str(dtype) for dtype in _DTYPES)
        raise TypeError(f"samples of type {samples.dtype}: convert them to one of {names}")
    if samples.ndim not in (1, 2):
        raise ValueError(f"samples of shape {samples.shape}: (frames,) or (frames, channels) is needed")
    frames = samples[:, None] if samples.ndim == 1 else samples.view()
    if not 1 <= frames.shape[1] <= _MAX_CHANNELS:
        hint = "; transpose them if they are (channels, frames)" if frames.shape[1] else ""
        raise ValueError(f"samples of shape {samples.shape} have {frames.shape[1]} channels{hint}")
    frames.flags.writeable = False
    return frames
