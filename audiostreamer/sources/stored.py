"""The common part of every stored source: get at the bytes, choose a decoder, read it to its end."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager

from ..decoders.base import Decoder, Media
from ..errors import AccessDeniedError, SourceError, SourceNotFoundError, SourceTimeoutError, os_error_kind
from .base import Event, Format, Source

__all__ = ["StoredSource", "os_errors"]

_BLOCK_FRAMES_OF_PIPES = 4096  # somebody may be writing in real time
_WORDS = {
    SourceNotFoundError: "not found",
    AccessDeniedError: "access denied",
    SourceTimeoutError: "no answer in time",
}


class StoredSource(Source):
    """A source whose bytes are decoded in-process. Subclasses say where the bytes are.

    Args:
        uri: The name.
        stream: Which audio track of a container to read, counted from 0.

    Raises:
        ValueError: `stream` is no track number.
    """

    def __init__(self, uri: str, *, stream: int = 0) -> None:
        super().__init__(uri)
        if isinstance(stream, bool) or not isinstance(stream, int) or stream < 0:
            raise ValueError(f"stream={stream!r}: audio tracks are counted 0, 1, 2 …")
        self.track = stream
        self._media: Media | None = None
        self._decoder: Decoder | None = None

    @classmethod
    def expand(cls, text: str) -> Iterator[Source]:
        """The sources that one name stands for: here itself, elsewhere a directory's or a pattern's files."""
        yield cls(text)

    @abstractmethod
    def _open_media(self) -> Media:
        """Open the bytes."""

    def _decode(self, media: Media) -> Decoder:
        """Choose a decoder."""
        from ..decoders.engines import open_decoder  # the drivers are imported when something is opened

        return open_decoder(media, track=self.track, dtype=self.dtype)

    def open(self) -> Format:
        """Open the bytes and the decoder that suits them."""
        try:
            with self._named():
                self._media = self._open_media()
                self._decoder = self._decode(self._media)
        except BaseException:
            self.close()
            raise
        self.engine = self._decoder.engine
        self.read_ahead = self._decoder.read_ahead and _usable_cores() > 1  # one core gains nothing from a thread
        self.block_frames = 0 if self._media.seekable else _BLOCK_FRAMES_OF_PIPES
        return self._decoder.format

    def read(self, max_frames: int) -> Event | None:
        """Decode the next block."""
        assert self._decoder is not None, "read() before open()"
        self._decoder.headroom = self.headroom
        with self._named():
            return self._decoder.read(max_frames)

    def seek(self, frame: int) -> bool:
        """Seek, where the decoder seeks exactly."""
        assert self._decoder is not None, "seek() before open()"
        with self._named():
            return self._decoder.seek(frame)

    def close(self) -> None:
        """Close the decoder and the bytes."""
        if self._decoder is not None:
            self._decoder.close()
        if self._media is not None:
            self._media.close()

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Decoders need not know whose bytes they read."""
        try:
            yield
        except SourceError as error:
            error.uri = error.uri or self.name
            raise


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def os_errors(name: str) -> Iterator[None]:
    """Turn what the operating system says into the library's errors.

    Args:
        name: The source, without credentials.

    Raises:
        SourceError: The subclass that fits, with the `OSError` chained. A `SourceError` passes as it is.
    """
    try:
        yield
    except SourceError:
        raise
    except OSError as error:
        kind = os_error_kind(error)  # words of foreign drivers may hold credentials, the system's own do not
        raise kind(error.strerror or _WORDS.get(kind, type(error).__name__), uri=name) from error
    except ValueError as error:  # a NUL byte in a name
        raise SourceNotFoundError("no such name", uri=name) from error
