"""Audio that is missing in a container whose packets carry true times."""

from __future__ import annotations

from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream

__all__ = ["TIMED", "FrameClock"]

# Containers whose packets carry times that a lost packet leaves standing, unlike bit streams', which are counted.
TIMED = frozenset({"mp4", "matroska", "mpegts", "flv", "asf", "ogg", "flac"})
_LEAST_JUMP = 0.05  # seconds; times are rounded to 1 ms in Matroska and FLV
_MOST_JUMP = 3600.0  # beyond that the clock was set, nothing was lost


class FrameClock:
    """Finds audio that is missing between two frames of a container with true times."""

    def __init__(self, stream: AudioStream) -> None:
        self._end: float | None = None  # seconds
        self._unit = float(stream.time_base or 0)

    def missing(self, frame: AudioFrame) -> int:
        """Frames missing in front of `frame`; 0 for none."""
        pts, rate = frame.pts, frame.sample_rate
        if pts is None:
            self._end = None
            return 0
        start = pts * self._unit
        jump = 0.0 if self._end is None else start - self._end
        self._end = start + frame.samples / rate
        return round(jump * rate) if _LEAST_JUMP <= jump <= _MOST_JUMP else 0
