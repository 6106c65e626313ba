"""What a source of audio is: the interface, and nothing else.

A source is opened, read block by block until `read` returns None, and closed; never by two threads at a time, though
it may be opened by one thread, and then read and closed by another. Only `interrupt` comes while `read` runs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from numpy.typing import NDArray

from ..uri import URI

__all__ = ["Block", "Event", "Format", "Lost", "Metadata", "Source"]


@dataclass(frozen=True, slots=True)
class Format:
    """What a source delivers.

    Attributes:
        sample_rate: Frames per second, in Hz, at least 1.
        channels: At least 1.
        frames: What the header claims, at `sample_rate`; None if it claims nothing. Never trusted.
        metadata: Tags, e.g. ``{"title": …}``.
    """

    sample_rate: int
    channels: int
    frames: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


class Block:
    """Samples that follow the previous block without a break.

    Args:
        samples: ``(frames, channels)``. float32 or float64 on the scale [-1, 1]; int16, int32 and uint8 are
            scaled by the library as soundfile does. The source may reuse the array after the next `read`.
        buffer: Optional, to save a copy: an array of the same type that ends with `samples` and has
            free frames in front of them. It passes to the library: the source must not touch it again.
    """

    __slots__ = ("buffer", "samples")

    def __init__(self, samples: NDArray[Any], buffer: NDArray[Any] | None = None) -> None:
        self.samples = samples
        self.buffer = buffer


@dataclass(frozen=True, slots=True)
class Lost:
    """Audio that is known to be missing at this point.

    Attributes:
        frames: How much, in the source's own frames. 0: unknown but counted, e.g. a bad packet before any audio.
        reason: ``"lost-connection"``, ``"stall"``, ``"overflow"``, ``"packet-loss"``, ``"missing-segment"``,
            ``"device"``, ``"decode-error"``, …
    """

    frames: int
    reason: str


@dataclass(frozen=True, slots=True)
class Metadata:
    """New tags from here on, e.g. a web radio's title."""

    mapping: Mapping[str, str]


Event = Block | Lost | Metadata | Format


class Source(ABC):
    """One stream of audio.

    Subclasses take the URI they were chosen for, and fill in `open`, `read` and `close`; a live one also `interrupt`.

    Attributes:
        live: True if audio is lost when nobody reads.
        schemes: The URI schemes that this class serves (built-in sources; third parties name theirs in an entry point).
        uri: The name, split.
        name: The name to show, without credentials; the default stream id.
        engine: What decodes, for people to read, e.g. ``"libsndfile"``.
        read_ahead: Whether a thread that reads ahead pays; asked after `open`.
        block_frames: The longest block that is worth waiting for; 0: the library chooses. Asked after `open`.
        headroom: Frames to leave free in front of the samples in a block's `buffer`; set by the library
            after `open`. Sources that give no `buffer` ignore it.
        dtype: ``"float32"`` or ``"float64"``: the precision that the pipeline works in; set before `open`.
    """

    live: bool = False
    schemes: ClassVar[tuple[str, ...]] = ()
    engine: str = ""
    read_ahead: bool = False
    block_frames: int = 0
    headroom: int = 0
    dtype: str = "float32"

    def __init__(self, uri: str) -> None:
        self.uri = URI.parse(uri)
        self.name = self.uri.redacted

    @abstractmethod
    def open(self) -> Format:
        """Open the source. Blocks, bounded by the source's own time-out.

        Raises:
            SourceError: One of its subclasses, with the cause chained.
        """

    @abstractmethod
    def read(self, max_frames: int) -> Event | None:
        """Return what comes next.

        Args:
            max_frames: Upper limit of a block's length.

        Returns:
            A `Block` of at least one frame, `Lost`, `Metadata`, a `Format` (rate or layout differ
            from here on), or None at the end of the stream, and from then on.

        Raises:
            SourceError: Bad data is never reported as the end.
        """

    def seek(self, frame: int) -> bool:
        """Go to a frame exactly, so that reading on gives the same samples as reading from the start.

        Called at most once, between `open` and the first `read`.

        Returns:
            False if the source cannot; then nothing has happened, and the caller reads and discards.
        """
        return False

    def interrupt(self) -> None:  # noqa: B027 - optional by design
        """End a blocked `read`, from another thread. Live: within 2 s. Stored: its own time-out bounds it."""

    @abstractmethod
    def close(self) -> None:
        """Release everything. May be called twice, and without `open`."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"
