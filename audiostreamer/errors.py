"""Every error the library raises.

::

    AudioStreamerError
    ├─ SourceError (stream_id, redacted uri; the cause is chained)
    │  ├─ SourceNotFoundError      also FileNotFoundError: no such file, 404, unknown device
    │  ├─ UnsupportedSourceError   no adapter for this URI; unknown scheme
    │  ├─ AccessDeniedError        also PermissionError: 401/403, permissions
    │  ├─ FormatError              not audio, no audio stream, corrupt header
    │  ├─ DecodeError              broke in the middle (position); what came before was delivered
    │  ├─ TruncatedSourceError     fewer bytes than the source itself promised
    │  ├─ SourceTimeoutError       also TimeoutError
    │  ├─ SourceLostError          live: gone for longer than the policy allows
    │  ├─ OverrunError             overflow="raise": the receiver was too slow
    │  └─ DeviceError
    ├─ WorkerError                 a worker died or hung; names the item
    └─ MissingDependencyError      also ImportError; names what to install

Foreign exceptions are mapped where a driver is called, always with ``raise … from``.
All of these pickle.
"""

from __future__ import annotations

import errno

__all__ = [
    "AccessDeniedError",
    "AudioStreamerError",
    "DecodeError",
    "DeviceError",
    "FormatError",
    "MissingDependencyError",
    "OverrunError",
    "SourceError",
    "SourceLostError",
    "SourceNotFoundError",
    "SourceTimeoutError",
    "TruncatedSourceError",
    "UnsupportedSourceError",
    "WorkerError",
    "os_error_kind",
]

_MISSING = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENODEV, errno.ENXIO)
_DENIED = (errno.EACCES, errno.EPERM)


class AudioStreamerError(Exception):
    """Root of the library's own exceptions."""


class SourceError(AudioStreamerError):
    """Something is wrong with one source.

    Args:
        message: What happened and what was expected, without the source's name.
        uri: The source, credentials removed (see `audiostreamer.uri.redact`).
        position: For errors in the middle: where on the stream's timeline, in frames at the delivered rate.
    """

    def __init__(self, message: str = "", *, uri: str = "", position: int | None = None) -> None:
        super().__init__(message)
        self.uri = uri
        self.position = position
        self.stream_id: str | None = None

    @property
    def message(self) -> str:
        """What happened, without the source's name."""
        return str(self.args[0]) if self.args else ""

    def __str__(self) -> str:
        where = self.stream_id or self.uri
        if self.uri and self.uri != where:
            where = f"{where} ({self.uri})"
        at = "" if self.position is None else f" (at frame {self.position})"
        return f"{where}: {self.message}{at}" if where else f"{self.message}{at}"


class SourceNotFoundError(SourceError, FileNotFoundError):
    """No such file, object, page (404) or device."""


class UnsupportedSourceError(SourceError):
    """No adapter handles this URI, or its scheme is unknown."""


class AccessDeniedError(SourceError, PermissionError):
    """The source exists, but may not be read: 401, 403, file permissions."""


class FormatError(SourceError):
    """Not audio, no audio stream in it, or a header that cannot be read."""


class DecodeError(SourceError):
    """The source broke in the middle, at `position`. What came before was delivered."""


class TruncatedSourceError(SourceError):
    """Fewer bytes came than the source itself promised. All that came was delivered."""


class SourceTimeoutError(SourceError, TimeoutError):
    """The source did not answer within its time-out."""


class SourceLostError(SourceError):
    """A live source stayed away for longer than the policy allows."""


class OverrunError(SourceError):
    """`overflow="raise"`: the receiver was slower than a live source for too long."""


class DeviceError(SourceError):
    """An audio device failed."""


class WorkerError(AudioStreamerError):
    """A worker died or hung; the message names the item it held."""


class MissingDependencyError(AudioStreamerError, ImportError):
    """An optional package or system library is missing; the message says what to install."""


def os_error_kind(error: OSError) -> type[SourceError]:
    """The class that fits one of the operating system's errors."""
    if isinstance(error, FileNotFoundError) or error.errno in _MISSING:
        return SourceNotFoundError
    if isinstance(error, PermissionError) or error.errno in _DENIED:
        return AccessDeniedError
    return SourceTimeoutError if isinstance(error, TimeoutError) else SourceError
