"""Bytes from afar: bounded waits on the I/O loop that fsspec keeps in a thread of its own, and a file made of blocks.

Reading on asks for longer and longer blocks, as long as they come quickly; jumping starts with a short one again.
A few blocks are kept, so that a decoder that goes to and fro in a header does not ask twice.
"""

from __future__ import annotations

import concurrent.futures
import errno
import gzip
import io
import os
import shutil
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, TypeVar, cast

from ..errors import (
    AccessDeniedError,
    AudioStreamerError,
    FormatError,
    SourceError,
    SourceNotFoundError,
    SourceTimeoutError,
    TruncatedSourceError,
)
from .stored import os_errors

__all__ = ["BlockFile", "Caller", "FIRST_BYTES", "foreign_errors", "spooled", "unpacking"]

T = TypeVar("T")

FIRST_BYTES = 1 << 17
"""The length of the first block, and of the first after a jump."""
_MOST_BYTES = 1 << 22
_REST_BYTES = 1 << 20  # what is left comes in one request if it is no more than this
_QUICK_SECONDS = 1.0
_PROGRESS_BYTES = 1 << 16  # so much within one time-out is worth waiting on, in `Caller.opening`
_KEPT_BLOCKS = 3
_SPOOL_IN_MEMORY = 1 << 24
_DRIVER_ERRORS: dict[str, tuple[type[SourceError], str]] = {
    "NoCredentialsError": (AccessDeniedError, "no credentials"),
    "PartialCredentialsError": (AccessDeniedError, "no complete credentials"),
    "ClientAuthenticationError": (AccessDeniedError, "the credentials were refused"),
    "AuthenticationException": (AccessDeniedError, "the credentials were refused"),
    "ParamValidationError": (SourceNotFoundError, "no valid name"),
}


class Caller:
    """Runs coroutines on fsspec's loop for one thread that waits for them.

    Args:
        shown: The source's name for messages.
        timeout: Seconds that a call may take.
    """

    def __init__(self, shown: str, timeout: float) -> None:
        self._shown, self._timeout = shown, timeout
        self._lock = threading.Lock()
        self._pending: concurrent.futures.Future[Any] | None = None
        self._interrupted = False
        self._deadline: float | None = None
        self._came = 0

    @contextmanager
    def opening(self) -> Iterator[None]:
        """All calls within share one time-out, which begins anew whenever 64 KiB have come; see `came`.

        An `interrupt` from before is forgotten: it ended an earlier use of the same source.
        """
        with self._lock:
            self._interrupted = False
            self._came, self._deadline = 0, time.monotonic() + self._timeout
        try:
            yield
        finally:
            with self._lock:
                self._deadline = None

    def came(self, count: int) -> None:
        """So many bytes have come. From any thread."""
        with self._lock:
            self._came += count
            if self._deadline is not None and self._came >= _PROGRESS_BYTES:
                self._came, self._deadline = 0, time.monotonic() + self._timeout

    def __call__(self, function: Callable[[], Coroutine[Any, Any, T]], *, bounded: bool = True) -> T:
        """Run what `function` returns and wait for its result.

        Args:
            function: Called on the loop.
            bounded: False where it bounds its own waits.

        Raises:
            SourceTimeoutError: It took too long, or all that `opening` encloses did.
            SourceError: `interrupt` was called.
        """
        import asyncio

        future = self._submit(function, self._timeout if bounded else None)
        try:
            return self._result(future)
        except SourceError:
            raise
        except concurrent.futures.CancelledError as error:
            raise SourceError("interrupted", uri=self._shown) from error
        except (TimeoutError, asyncio.TimeoutError) as error:
            raise SourceTimeoutError(f"no answer within {self._timeout:g} s", uri=self._shown) from error
        finally:
            future.cancel()  # where the wait itself was broken off, e.g. by Ctrl-C

    def _result(self, future: concurrent.futures.Future[T]) -> T:
        while not future.done():
            left = None if self._deadline is None else self._deadline - time.monotonic()
            if left is not None and left <= 0:
                raise SourceTimeoutError(f"could not be opened within {self._timeout:g} s", uri=self._shown)
            concurrent.futures.wait([future], left)
        return future.result()

    def _submit(
        self, function: Callable[[], Coroutine[Any, Any, T]], seconds: float | None
    ) -> concurrent.futures.Future[T]:
        with self._lock:
            if self._interrupted:
                raise SourceError("interrupted", uri=self._shown)
            self._pending = future = _start(function, seconds)
        return future

    def last(self, function: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a coroutine that cleans up: also after `interrupt`, and without complaint if it takes too long."""
        concurrent.futures.wait([_start(function, self._timeout)])

    def interrupt(self) -> None:
        """End the call that is waited for, from any thread, and refuse all further ones until the next `opening`."""
        with self._lock:
            self._interrupted = True
            if self._pending is not None:
                self._pending.cancel()


def _start(function: Callable[[], Coroutine[Any, Any, T]], seconds: float | None) -> concurrent.futures.Future[T]:
    import asyncio

    from fsspec.asyn import get_loop

    async def bounded() -> T:
        return await asyncio.wait_for(function(), seconds)

    return asyncio.run_coroutine_threadsafe(bounded(), get_loop())


class BlockFile(io.RawIOBase):
    """A seekable file whose bytes are fetched in blocks.

    Args:
        size: Its length in bytes.
        fetch: Gives the bytes ``[start, end)``, or the first of them; raises a `SourceError`.
        shown: The name for messages.
        head: Its first bytes, if they are known already.
        finish: Called with the last byte, if it took more than one `fetch` to get there; may raise a `SourceError`.
    """

    def __init__(
        self,
        size: int,
        fetch: Callable[[int, int], bytes],
        shown: str,
        *,
        head: bytes = b"",
        finish: Callable[[], None] | None = None,
    ) -> None:
        self._size, self._fetch, self._shown, self._finish = size, fetch, shown, finish
        self._blocks: deque[tuple[int, bytes]] = deque([(0, head)] if head else [], maxlen=_KEPT_BLOCKS)
        self._at = 0
        self._next = len(head)  # where reading on fetches
        self._length = 2 * len(head) or FIRST_BYTES

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """The position in bytes."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position; nothing is fetched."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer; less only at the end, or in front of an error, which the next call raises.

        Raises:
            TruncatedSourceError: The file is shorter than promised.
        """
        view, done = memoryview(buffer).cast("B"), 0
        while done < len(view) and self._at < self._size:
            try:
                start, data = self._block()
            except SourceError:
                if done:
                    break
                raise
            piece = memoryview(data)[self._at - start :][: len(view) - done]
            view[done : done + len(piece)] = piece
            done += len(piece)
            self._at += len(piece)
        return done

    def _block(self) -> tuple[int, bytes]:
        """The block that the position lies in."""
        for start, data in self._blocks:
            if start <= self._at < start + len(data):
                return start, data
        block = self._at, self._fetched()
        self._blocks.append(block)
        return block

    def _fetched(self) -> bytes:
        first, start, before = not self._blocks, self._at, time.monotonic()
        if start != self._next:
            self._length = FIRST_BYTES
        rest = self._size - start
        end = start + (rest if rest <= _REST_BYTES else min(rest, self._length))
        data = self._fetch(start, end)
        if not data:
            raise TruncatedSourceError(f"{start} bytes came of {self._size}", uri=self._shown)
        self._next = start + len(data)
        if self._next == self._size and self._finish and not first:
            self._finish()
        if time.monotonic() - before < _QUICK_SECONDS:
            self._length = min(2 * self._length, _MOST_BYTES)
        return data


def spooled(file: BinaryIO) -> BinaryIO:
    """The rest of a file that cannot seek, in one that can."""
    copy = _Spool(_SPOOL_IN_MEMORY)
    try:
        shutil.copyfileobj(file, copy)
        copy.seek(0)
    except BaseException:
        copy.close()
        raise
    return cast("BinaryIO", copy)


@contextmanager
def unpacking(scheme: str, shown: str) -> Iterator[None]:
    """What the archive's bytes themselves raise passes; all else is about what they say."""
    try:
        yield
    except AudioStreamerError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile) and error.errno:
            raise
        raise FormatError(f"not a {scheme} archive (or one that is cut off)", uri=shown) from error


@contextmanager
def foreign_errors(shown: str) -> Iterator[None]:
    """Turn what a store's driver raises into the library's errors; its words may hold credentials, so they stay out."""
    try:
        with os_errors(shown):
            try:
                yield
            except SourceError:
                raise
            except OSError as error:
                if error.strerror is None:
                    raise
                number = error.errno if isinstance(error.errno, int) else errno.EIO
                raise OSError(number, os.strerror(number)) from error
    except AudioStreamerError:
        raise
    except Exception as error:
        name = type(error).__name__
        kind, words = _DRIVER_ERRORS.get(name, (SourceError, f"cannot be read: {name}"))
        raise kind(words, uri=shown) from error


class _Spool(tempfile.SpooledTemporaryFile[bytes]):
    """Says that it can seek, which before Python 3.11 it does not, and archives ask."""

    def seekable(self) -> bool:
        return True
