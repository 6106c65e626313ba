"""Where a file of plain samples keeps them: the part common to WAV, AIFF, AU and CAF."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import FormatError
from ..sources.base import Format
from .samples import width

__all__ = ["Layout", "MAX_CHANNELS", "MAX_RATE", "check_format"]

MAX_CHANNELS = 1024
MAX_RATE = 1 << 31


@dataclass(frozen=True, slots=True)
class Layout:
    """Plain interleaved samples.

    Attributes:
        encoding: As `audiostreamer.decoders.samples.converter`.
        channels: Samples per frame.
        sample_rate: In Hz.
        offset: Bytes in front of the samples.
        size: Bytes of samples that the header promises; None where it says "to the end of the file".
        metadata: Tags.
    """

    encoding: str
    channels: int
    sample_rate: int
    offset: int
    size: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_format(self.sample_rate, self.channels)

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame."""
        return self.channels * width(self.encoding)

    @property
    def format(self) -> Format:
        """The same as a source's `Format`."""
        frames = None if self.size is None else self.size // self.frame_bytes
        return Format(self.sample_rate, self.channels, frames, dict(self.metadata))


def check_format(sample_rate: float, channels: int) -> None:
    """Refuse what no recording has.

    Raises:
        FormatError: A rate outside 1 … 2^31 Hz, or not 1 … 1024 channels.
    """
    if not 1 <= sample_rate <= MAX_RATE:
        raise FormatError(f"the header claims a sample rate of {sample_rate} Hz")
    if not 1 <= channels <= MAX_CHANNELS:
        raise FormatError(f"the header claims {channels} channels, 1 to {MAX_CHANNELS} are possible")
