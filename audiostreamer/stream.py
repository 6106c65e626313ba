"""Who and how much: `Stream`, `Gap` and `Ledger`, plain values.

A *frame* is one sample per channel. Positions and lengths are integer frames at the delivered rate;
seconds are derived from them and never accumulated. Ranges are half-open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

__all__ = ["Gap", "Ledger", "Stream"]


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream of audio, as it is delivered. Pickles.

    Attributes:
        id: Unique in a run: the URI or path as given, without credentials; a repeated one gets ``~2``.
        uri: Where it comes from, without credentials.
        sample_rate: Delivered frames per second, in Hz.
        channels: Delivered channels.
        source_sample_rate: The source's own rate when it was opened.
        source_channels: The source's own channels when it was opened.
        live: Whether audio is lost when nobody reads.
        frames: What the source's header claims, at the delivered rate; None if it claims nothing. Never trusted.
        metadata: Tags.
    """

    id: str
    uri: str
    sample_rate: int
    channels: int
    source_sample_rate: int
    source_channels: int
    live: bool = False
    frames: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Gap:
    """Audio that is missing. Pickles.

    Attributes:
        start: Position of the first missing frame on the stream's timeline, at the delivered rate.
        frames: How many are missing, at the delivered rate.
        seconds: The same, in seconds.
        reason: ``"lost-connection"``, ``"stall"``, ``"overflow"``, ``"packet-loss"``, ``"missing-segment"``,
            ``"device"``, …
        utc: Live: estimated capture time of the first missing frame. Stored: None.
    """

    start: int
    frames: int
    seconds: float
    reason: str
    utc: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ledger:
    """What became of every frame of one stream: unique frames at the delivered rate, unless said otherwise.

    Its law holds at any time::

        captured == delivered + skipped + dropped_tail + dropped_overflow + pending
        end == captured + gap_frames

    Attributes:
        captured: Frames that the source delivered, or lost by overflow.
        delivered: Real (not filled, not padded) frames in at least one window that was handed over.
        skipped: Between windows, where the hop is longer than the window.
        dropped_tail: Left over at an end, in no window, by the tail policy.
        dropped_overflow: Length of the gaps made because the receiver was too slow.
        pending: In the resampler, or waiting for a window to fill; 0 after a normal end. After a stop, a
            break or an error: captured and never delivered.
        end: Length of the timeline so far (of the range, where one was asked for).
        gap_frames: Length of all other gaps.
        source_frames: Frames read from the source, at its own rate, counted where it is read.
        padded: Frames of padding in the windows handed over.
        windows: Windows handed over.
        gaps: How many gaps there were.
        reconnects: How often a live source was opened again.
        decode_errors: Packets that could not be decoded.
    """

    captured: int = 0
    delivered: int = 0
    skipped: int = 0
    dropped_tail: int = 0
    dropped_overflow: int = 0
    pending: int = 0
    end: int = 0
    gap_frames: int = 0
    source_frames: int = 0
    padded: int = 0
    windows: int = 0
    gaps: int = 0
    reconnects: int = 0
    decode_errors: int = 0

    @property
    def balanced(self) -> bool:
        """Whether the law holds."""
        accounted = self.delivered + self.skipped + self.dropped_tail + self.dropped_overflow + self.pending
        return self.captured == accounted and self.end == self.captured + self.gap_frames
