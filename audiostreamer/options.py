"""What is delivered, as the user asked for it: `Options`."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from .lengths import Length
from .samples import scalar_from_float
from .windowing import Windowing

__all__ = ["Options"]


_NONE = Length(0)
_TEN_SECONDS = Length(Fraction(10))


@dataclass(frozen=True, slots=True)
class Options:
    """What is delivered, before a stream's rate is known. See `audiostreamer.Generator` for the meanings."""

    window_length: Length
    hop_length: Length | None = None
    overlap: float | None = None
    tail: str = "pad"
    min_tail: float = 0.0
    fill_value: float = 0.0
    sample_rate: int | None = None
    channels: tuple[int, ...] | str | None = None
    dtype: str = "float32"
    resample_quality: str = "HQ"
    offset: Length = _NONE
    duration: Length | None = None
    gaps: str = "split"
    max_fill: Length = _TEN_SECONDS

    @property
    def working_dtype(self) -> str:
        """The float type of everything before the last conversion."""
        return "float64" if self.dtype == "float64" else "float32"

    def windowing(self, rate: int) -> Windowing:
        """The same in frames."""
        length = self.window_length.frames(rate)
        hop = self.hop_length.frames(rate) if self.hop_length else length
        if self.overlap is not None:
            hop = max(1, length - round(self.overlap * length))
        return Windowing(length, hop, self.tail, self.min_tail, scalar_from_float(self.fill_value, self.dtype))
