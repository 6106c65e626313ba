"""Standard input, named pipes and devices: bytes that come once, and when they come.

A read waits for the pipe and, at the same time, for a wake-up of our own, so that `interrupt` ends it at once.
"""

from __future__ import annotations

import io
import os
import select
import stat
import sys
import threading
import time
from contextlib import suppress
from typing import Any, BinaryIO, cast

from ..decoders.base import Media
from ..errors import FormatError, SourceError, SourceNotFoundError, SourceTimeoutError, UnsupportedSourceError
from ..lengths import parse_seconds
from .file import printable
from .stored import StoredSource, os_errors

__all__ = ["Pipe", "PipeFile"]

_POLL_SECONDS = 0.02
_READ_BYTES = 1 << 16  # what a Linux pipe holds


class Pipe(StoredSource):
    """Standard input (``-`` or ``pipe:``), or a named pipe or device (``pipe:/path``), in any container.

    A read waits for as long as the writer takes; `interrupt` ends it.

    Args:
        uri: ``-``, ``pipe:``, ``pipe:PATH`` or a path.
        stream: Which audio track of a container to read, counted from 0.
        timeout: How long `open` waits for somebody to open a named pipe for writing, e.g. ``"10s"``.

    Raises:
        ValueError: An option other than ``stream``.
    """

    schemes = ("pipe",)

    def __init__(self, uri: str = "-", *, stream: int = 0, timeout: str = "10s") -> None:
        super().__init__(uri, stream=stream)
        self.name = printable(self.name)
        self.path = self.uri.path
        if self.uri.scheme == "pipe":
            literal = uri.partition(":")[2]
            if os.path.lexists(literal):
                self.path = literal
            else:
                self.track = self.uri.options(stream=int).get("stream", stream)
        self._timeout = parse_seconds(timeout, "timeout")
        self._file = self._new_file()

    def _new_file(self) -> PipeFile:
        return PipeFile("" if self.path == "-" else self.path, self.name, self._timeout)

    def _open_media(self) -> Media:
        if self._file.used:  # by an earlier run
            self._file = self._new_file()
        self._file.connect()
        return Media(self.name, cast(BinaryIO, io.BufferedReader(self._file, _READ_BYTES)), seekable=False)

    def interrupt(self) -> None:
        """End a blocked `open` or `read` at once; it raises a `SourceError`."""
        self._file.interrupt()

    def close(self) -> None:
        """Close our end of the pipe; standard input itself stays open."""
        super().close()
        self._file.close()


class PipeFile(io.RawIOBase):
    """Reads a pipe, with waits that `interrupt` ends. `readinto` returns as soon as there is anything.

    Args:
        path: "" is standard input.
        shown: The name for messages.
        timeout: Seconds to wait for a writer in `connect`.

    Attributes:
        count: Bytes read so far.
    """

    def __init__(self, path: str, shown: str, timeout: float) -> None:
        self._path, self._shown, self._timeout = path, shown, timeout
        self._fd = self._wake = self._waker = -1
        self._first = b""
        self.count = 0
        self._lock = threading.Lock()  # of the wake-up's descriptors: `interrupt` comes from anywhere
        self._interrupted = False

    @property
    def used(self) -> bool:
        """Whether it has been interrupted or closed, which is for good."""
        return self._interrupted or self.closed

    def connect(self) -> None:
        """Open the pipe, and wait for a writer.

        Raises:
            SourceError: There is no such pipe, it may not be read, or nobody writes to it in time.
        """
        with os_errors(self._shown):
            with self._lock:
                self._wake, self._waker = os.pipe()
            self._fd = self._open()
        self._poll = select.poll()
        self._poll.register(self._fd, select.POLLIN)
        self._poll.register(self._wake, select.POLLIN)
        if stat.S_ISFIFO(os.fstat(self._fd).st_mode) and self._path:
            self._await_writer()

    def _open(self) -> int:
        if not self._path:
            if sys.__stdin__ is None:  # its number may meanwhile be that of another file
                raise SourceNotFoundError("there is no standard input", uri=self._shown)
            if os.isatty(0):
                raise FormatError("standard input is a terminal; pipe audio into it", uri=self._shown)
            return os.dup(0)
        mode = os.stat(self._path).st_mode
        if stat.S_ISDIR(mode) or stat.S_ISSOCK(mode):
            raise UnsupportedSourceError("is neither a pipe nor a file nor a device", uri=self._shown)
        return os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)

    def _await_writer(self) -> None:
        """Without a writer a read gives nothing, with a silent one it would block."""
        deadline = time.monotonic() + self._timeout
        while not self._wait(_POLL_SECONDS):
            try:
                self._first = os.read(self._fd, _READ_BYTES)
            except BlockingIOError:
                return
            if self._first:
                return
            if time.monotonic() > deadline:
                raise SourceTimeoutError(
                    f"nobody opened the pipe for writing within {self._timeout:g} s", uri=self._shown
                )

    def _wait(self, seconds: float | None = None) -> bool:
        """Whether there is something to read, or the end."""
        ready = dict(self._poll.poll(None if seconds is None else int(seconds * 1000)))
        if self._interrupted:
            raise SourceError("interrupted", uri=self._shown)
        return self._fd in ready

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Wait, and fill what can be filled; 0 at the end."""
        view = memoryview(buffer).cast("B")
        count = self._take_first(view) if self._first else self._receive(view)
        self.count += count
        return count

    def _take_first(self, view: memoryview) -> int:
        count = min(len(view), len(self._first))
        view[:count], self._first = self._first[:count], self._first[count:]
        return count

    def _receive(self, view: memoryview) -> int:
        while True:
            self._wait()
            with os_errors(self._shown), suppress(BlockingIOError):
                return os.readv(self._fd, [view])

    def interrupt(self) -> None:
        """End the wait, now or when it comes, from any thread."""
        with self._lock:
            self._interrupted = True
            if self._waker >= 0:
                os.write(self._waker, b"\0")

    def close(self) -> None:
        """Close the descriptors. May be called twice."""
        with self._lock:
            for fd in (self._fd, self._wake, self._waker):
                if fd >= 0:
                    os.close(fd)
            self._fd = self._wake = self._waker = -1
        super().close()
