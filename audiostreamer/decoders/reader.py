"""The bytes of a `Media` as the decoders see them: one position, errors kept, and a way back to the beginning.

A header must be looked at before it is decoded. Where the media cannot seek, the first bytes are therefore kept
until `forget`. Exceptions of the file are stored rather than raised, because C libraries swallow or print what
their callbacks raise; whoever decodes asks `check` when the bytes end.
"""

from __future__ import annotations

import io
import tempfile
from typing import BinaryIO, cast

from ..errors import AccessDeniedError, DecodeError, FormatError, SourceError, SourceTimeoutError, TruncatedSourceError
from .base import Media

__all__ = ["Reader"]

_SKIP = 1 << 16
_SPOOL_IN_MEMORY = 1 << 22
_MAX_SPOOL = 1 << 32
_MAX_HEAD = 1 << 24


class Reader:
    """Reads a media from `start` on.

    Attributes:
        seekable_media: Whether any position can be reached; otherwise only those that are still kept, or ahead.
        start: Where position 0 lies in the media, in bytes; raised to hide a tag in front.
        error: What the file raised, None so far.
        header_promise: Bytes from `start` to the end that the header promises, None if it does not.
    """

    def __init__(self, media: Media) -> None:
        self._file: BinaryIO = media.file
        self.seekable_media = media.seekable
        self.start = 0
        self.error: BaseException | None = None
        self.header_promise: int | None = None
        self._promised = media.size
        self._head = bytearray()
        self._keeping = not media.seekable
        self._at = 0
        # A pipe's read1 gives what is there instead of waiting for more.
        self._more = media.file.read if media.seekable else getattr(media.file, "read1", media.file.read)

    @property
    def size(self) -> int | None:
        """Bytes from `start` to the promised end; None if nobody promised."""
        return None if self._promised is None else max(0, self._promised - self.start)

    def read(self, size: int) -> bytes:
        """Read up to `size` bytes; none at the end, or after an error."""
        try:
            data = b"" if self.error else self._fetch(size)
        except Exception as error:
            self.error = error
            return b""
        self._at += len(data)
        return data

    def readinto(self, target: memoryview) -> int:
        """Read into `target`; returns the number of bytes, 0 at the end."""
        if not self.seekable_media or not hasattr(self._file, "readinto"):
            data = self.read(len(target))
            target[: len(data)] = data
            return len(data)
        try:
            count = 0 if self.error else int(self._file.readinto(target))
        except Exception as error:
            self.error = error
            return 0
        self._at += count
        return count

    def exactly(self, size: int) -> bytes:
        """Read `size` bytes; fewer only at the end."""
        data = self.read(size)
        while len(data) < size:
            more = self.read(size - len(data))
            if not more:
                break
            data += more
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position counted from `start`; returns it."""
        try:
            self._go(offset, whence)
        except Exception as error:
            self.error = error
        return self.tell()

    def tell(self) -> int:
        """Where reading goes on, counted from `start`, in bytes."""
        return self._at - self.start

    def hide(self, size: int) -> None:
        """Count positions from `size` bytes further on."""
        self.start += size
        if self.header_promise is not None:
            self.header_promise -= size

    def forget(self) -> None:
        """Stop keeping the beginning: from now on a media that cannot seek is only read forwards."""
        self._keeping = False

    def spool(self) -> None:
        """Copy the rest of a media that cannot seek into a temporary file, and read from that.

        Raises:
            FormatError: It is larger than 4 GiB.
        """
        copy = tempfile.SpooledTemporaryFile(_SPOOL_IN_MEMORY)  # noqa: SIM115 - closed with the reader
        try:
            self._copy(copy)
        except FormatError:
            copy.close()
            raise
        except Exception as error:
            self.error = error
        self._promised = self._promised if self.error else copy.tell()
        copy.seek(self._at)
        self._file, self.seekable_media, self._keeping = cast("BinaryIO", copy), True, False
        self._more, self._head = copy.read, bytearray()

    def _copy(self, copy: tempfile.SpooledTemporaryFile[bytes]) -> None:
        if (self._promised or 0) > _MAX_SPOOL:
            raise _too_large()
        copy.write(self._head)
        while piece := self._more(_SKIP):
            copy.write(piece)
            if copy.tell() > _MAX_SPOOL:
                raise _too_large()

    def close(self) -> None:
        """Close what the reader opened by itself; the media is closed by its owner."""
        if isinstance(self._file, tempfile.SpooledTemporaryFile):
            self._file.close()

    def check(self, position: int | None = None) -> None:
        """Raise what the file raised, if it did.

        Args:
            position: Frames delivered so far, for the message.

        Raises:
            SourceError: Mapped and chained.
        """
        if isinstance(self.error, SourceError):
            raise self.error
        if self.error is not None:
            raise _mapped(self.error, position) from self.error

    def check_size(self, position: int | None = None) -> None:
        """Raise if the bytes, read to their end, are fewer than whoever opened them or their own header promised.

        Raises:
            TruncatedSourceError: The media ended early.
        """
        if self._promised is not None and self._at < self._promised and not self.read(1):
            self.check(position)
            raise TruncatedSourceError(f"{self._at} bytes came of {self._promised}", position=position)
        if self.header_promise is not None and not self._reaches(self.header_promise):
            self.check(position)
            raise TruncatedSourceError(f"fewer bytes came than the header's {self.header_promise}", position=position)

    def _reaches(self, end: int) -> bool:
        """Whether there are bytes up to `end`; a pipe is read up to there, for decoders stop before what they skip."""
        if self.tell() >= end:
            return True
        if self.size is not None:
            return self.size >= end
        self.seek(end - 1)
        return bool(self.read(1))

    def _fetch(self, size: int) -> bytes:
        if self._at < len(self._head):
            return bytes(self._head[self._at : self._at + size])
        data = self._more(size)
        if self._keeping:
            self._head += data
            if len(self._head) > _MAX_HEAD:
                raise FormatError(f"more than {_MAX_HEAD} bytes in front of the audio of a source that cannot seek")
        else:
            self._head = bytearray()
        return data

    def _go(self, offset: int, whence: int) -> None:
        if self.seekable_media:
            self._at = self._file.seek(offset + (self.start if whence == io.SEEK_SET else 0), whence)
            return
        wanted = offset + (self._at if whence == io.SEEK_CUR else self.start)
        gone = wanted < self._at and not self._head  # while the beginning is kept, we are within it
        if whence == io.SEEK_END or wanted < 0 or gone:
            raise io.UnsupportedOperation("this source cannot seek")
        if wanted <= len(self._head):
            self._at = wanted
        while self._at < wanted and self.read(min(_SKIP, wanted - self._at)):
            pass


def _too_large() -> FormatError:
    return FormatError(f"more than {_MAX_SPOOL} bytes of a format that needs a source that can seek")


def _mapped(error: BaseException, position: int | None) -> SourceError:
    """A library error for what a file raised."""
    kind: type[SourceError] = DecodeError
    if isinstance(error, TimeoutError):
        kind = SourceTimeoutError
    elif isinstance(error, PermissionError):
        kind = AccessDeniedError
    return kind(f"reading failed: {type(error).__name__}", position=position)
