"""Any audio in, exact windows out, to your code."""

from . import receivers
from .errors import (
    AccessDeniedError,
    AudioStreamerError,
    DecodeError,
    DeviceError,
    FormatError,
    MissingDependencyError,
    OverrunError,
    SourceError,
    SourceLostError,
    SourceNotFoundError,
    SourceTimeoutError,
    TruncatedSourceError,
    UnsupportedSourceError,
    WorkerError,
)
from .generator import Generator, windows
from .progress import Progress
from .receiver import PerStream, Receiver
from .report import RunReport, StreamReport
from .sources.base import Block, Format, Lost, Metadata, Source
from .sources.file import File
from .sources.http import Http
from .sources.memory import Array
from .stream import Gap, Ledger, Stream
from .window import Window, WindowBatch

__version__ = "0.1.0"

__all__ = [
    "AccessDeniedError",
    "Array",
    "AudioStreamerError",
    "Block",
    "DecodeError",
    "DeviceError",
    "File",
    "Format",
    "FormatError",
    "Gap",
    "Generator",
    "Http",
    "Ledger",
    "Lost",
    "Metadata",
    "MissingDependencyError",
    "OverrunError",
    "PerStream",
    "Progress",
    "Receiver",
    "RunReport",
    "Source",
    "SourceError",
    "SourceLostError",
    "SourceNotFoundError",
    "SourceTimeoutError",
    "Stream",
    "StreamReport",
    "TruncatedSourceError",
    "UnsupportedSourceError",
    "Window",
    "WindowBatch",
    "WorkerError",
    "receivers",
    "windows",
]
