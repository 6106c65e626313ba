"""Headerless samples, from a file, a named pipe or standard input."""

from __future__ import annotations

import os
import stat
from dataclasses import asdict, dataclass, replace
from typing import BinaryIO, cast

from ..decoders.base import Decoder, Media
from ..errors import FormatError, TruncatedSourceError
from .base import Event
from .file import printable, regular_file
from .pipe import PipeFile
from .stored import StoredSource, os_errors

__all__ = ["Pcm"]

_WRITER_SECONDS = 10.0  # how long `open` waits for somebody to write to a named pipe
_CODES = {"int8": "i1", "uint8": "u1", "int16": "i2", "int24": "i3", "int32": "i4", "float32": "f4", "float64": "f8"}
_ENDS = {"little": "<", "big": ">"}


@dataclass(frozen=True, slots=True)
class _Raw:
    """The options, as given; see `Pcm`."""

    rate: int
    channels: int
    dtype: str
    endian: str
    offset: int

    def check(self) -> None:
        if not self.rate:
            raise ValueError("raw samples do not tell their rate; write e.g. pcm:take.raw?rate=16000")
        for key, value, allowed in (("dtype", self.dtype, _CODES), ("endian", self.endian, _ENDS)):
            if value not in allowed:
                raise ValueError(f"{key}={value!r} is none of {', '.join(allowed)}")
        for key, number, least in (("rate", self.rate, 1), ("channels", self.channels, 1), ("offset", self.offset, 0)):
            if number < least:
                raise ValueError(f"{key}={number}: at least {least}")

    @property
    def encoding(self) -> str:
        code = _CODES[self.dtype]
        return code if code[-1] == "1" else _ENDS[self.endian] + code

    @property
    def frame_bytes(self) -> int:
        return self.channels * int(_CODES[self.dtype][-1])


class Pcm(StoredSource):
    """Raw samples, interleaved: ``pcm:take.raw?rate=16000&channels=1&dtype=int16``, or ``pcm:-?rate=…`` for stdin.

    A file is read to the length it has at `open`. An incomplete frame at the end is a `TruncatedSourceError`, after
    all whole frames were delivered.

    Args:
        uri: The ``pcm:`` URI with the options below in its query, or a path and the options as arguments.
        rate: Frames per second, in Hz.
        channels: At least 1.
        dtype: ``int8``, ``uint8`` (offset binary), ``int16``, ``int24`` (packed), ``int32``, ``float32`` or
            ``float64``.
        endian: ``little`` or ``big``.
        offset: Bytes to leave out at the beginning, e.g. a header.

    Raises:
        ValueError: No rate, an unknown option, or a value that is not allowed.
    """

    schemes = ("pcm",)

    def __init__(
        self,
        uri: str,
        *,
        rate: int = 0,
        channels: int = 1,
        dtype: str = "int16",
        endian: str = "little",
        offset: int = 0,
    ) -> None:
        super().__init__(uri)
        self.name, self.path = printable(self.name), uri
        self._raw = _Raw(rate, channels, dtype, endian, offset)
        if self.uri.scheme == "pcm":
            self.path = self.uri.path
            readers = {key: type(value) for key, value in asdict(self._raw).items()}
            self._raw = replace(self._raw, **self.uri.options(**readers))
        try:
            self._raw.check()
        except ValueError as error:
            raise ValueError(f"{self.name.rstrip(':')}: {error}") from None
        self._pipe = self._new_pipe()
        self._size: int | None = None

    def _new_pipe(self) -> PipeFile:
        return PipeFile("" if self.path == "-" else self.path, self.name, _WRITER_SECONDS)

    def read(self, max_frames: int) -> Event | None:
        """What has come, at most `max_frames`; a pipe is not waited for until they are complete.

        Raises:
            TruncatedSourceError: The bytes end within a frame.
        """
        event = super().read(max_frames)
        if event is None:
            self._check_end()
        return event

    def interrupt(self) -> None:
        """End a blocked read of a pipe at once; it raises a `SourceError`."""
        self._pipe.interrupt()

    def close(self) -> None:
        """Close the file; standard input itself stays open."""
        super().close()
        self._pipe.close()

    def _open_media(self) -> Media:
        with os_errors(self.name):
            if self.path != "-" and stat.S_ISREG(os.stat(self.path).st_mode):
                media = regular_file(self.path, self.name)
                self._size = media.size
                return media
        if self._pipe.used:  # by an earlier run
            self._pipe = self._new_pipe()
        self._size = None
        self._pipe.connect()
        return Media(self.name, cast("BinaryIO", self._pipe), seekable=False)

    def _decode(self, media: Media) -> Decoder:
        from ..decoders.layout import Layout
        from ..decoders.pcm import PcmDecoder
        from ..decoders.reader import Reader

        raw, size = self._raw, None
        if media.size is not None:
            size = media.size - raw.offset
            if size < 0:
                raise FormatError(f"{media.size} bytes, fewer than are to be left out (offset={raw.offset})")
            size -= size % raw.frame_bytes
        return PcmDecoder(
            media, Reader(media), Layout(raw.encoding, raw.channels, raw.rate, raw.offset, size), self.dtype
        )

    def _check_end(self) -> None:
        came = self._pipe.count if self._size is None else self._size
        if came < self._raw.offset:
            raise TruncatedSourceError(f"{came} bytes, fewer than are to be left out (offset=)", uri=self.name)
        rest = (came - self._raw.offset) % self._raw.frame_bytes
        if rest:
            raise TruncatedSourceError(f"{rest} bytes at the end are no whole frame", uri=self.name)
