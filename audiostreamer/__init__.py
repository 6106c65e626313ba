"""Any audio in, exact windows out, to your code."""

from . import errors
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
from .stream import Gap, Ledger, Stream
from .window import Window, WindowBatch

__version__ = "0.1.0"
