"""The middle, sans-I/O: a source's events in; windows, gaps and metadata out.

channels ─▶ resample ─▶ range ─▶ dtype ─▶ Windower. No file, no thread, no clock: arrival times are given.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction
from math import gcd
from typing import Any

from numpy.typing import NDArray

from .channels import ChannelMap
from .notes import Notes
from .options import Options
from .resampling import Resampler, resampled_length
from .samples import from_float, to_float
from .sources.base import Block, Event, Format, Lost, Metadata
from .stream import Gap, Ledger, Stream
from .timeline import Timeline
from .window import WindowBatch
from .windowing import Windower

__all__ = ["Output", "Pipeline"]

Output = WindowBatch | Gap | Metadata
_PREROLL = Fraction(1, 20)  # seconds resampled and discarded before a range: the filter's ringing is over by then

# Long blocks make carrying over rare; two of them still fit in a processor's cache, and in anybody's memory.
_BLOCK_FRAMES = 262_144
_BLOCK_WINDOWS = 8
_BLOCK_FRAMES_MOST = 524_288
_BLOCK_SAMPLES_MOST = 1_048_576
_SAME_CONNECTION = ("overflow", "packet-loss")  # after these, the clock's anchor stays


class Pipeline:
    """One stream's way from a source's events to windows.

    Args:
        options: What to deliver.
        opened: What the source said when it was opened.
        id: The stream's id.
        uri: The source's name, without credentials.
        live: Whether the source is live.

    Attributes:
        stream: The stream as it is delivered.
        first_frame: The source frame to begin with; seek there and call `sought`, else it is read up to and discarded.
        source_frames: Frames read, at the source's rate; counted by whoever reads the source.

    Raises:
        IndexError: A channel was asked for that the source does not have.
    """

    def __init__(self, options: Options, opened: Format, *, id: str, uri: str, live: bool = False) -> None:
        rate = options.sample_rate or opened.sample_rate
        self._options = options
        self._map = ChannelMap(options.channels, opened.channels, options.fill_value)
        frames = None if opened.frames is None else resampled_length(opened.frames, opened.sample_rate, rate)
        self.stream = Stream(
            id, uri, rate, self._map.channels, opened.sample_rate, opened.channels, live, frames, dict(opened.metadata)
        )
        self._offset = options.offset.frames(rate, at_least=0)
        stop = None if options.duration is None else self._offset + options.duration.frames(rate)
        self.first_frame = _first_frame(self._offset, opened.sample_rate, rate)
        self._discard = self.first_frame
        self._time = Timeline(rate, opened.sample_rate, self.first_frame, self._offset, stop)
        windowing = options.windowing(rate)
        self._windower = Windower(self.stream, windowing, options.dtype, self._offset)
        self._headroom = windowing.headroom
        self._max_fill = options.max_fill.frames(rate, at_least=0) if options.gaps == "fill" else -1
        self._epoch: datetime | None = None
        self._lost: list[tuple[str, Fraction]] = []
        self._notes = Notes()
        self._delivered = self._padded = self._windows = 0
        self._gaps = self._overflow = self._decode_errors = 0
        self.source_frames = 0
        self._change(opened)

    # -- the driver's side

    @property
    def headroom(self) -> int:
        """Room that a block's buffer needs in front of its samples to be used in place."""
        return self._headroom if self._resampler.passes and self._map.is_identity(self._channels) else 0

    @property
    def block_frames(self) -> int:
        """How much to read at a time: enough windows that carrying over costs little, not more than some MB."""
        wanted = max(_BLOCK_FRAMES, min(_BLOCK_WINDOWS * self._headroom, _BLOCK_FRAMES_MOST))
        return max(1024, min(wanted, _BLOCK_SAMPLES_MOST // self._channels))

    @property
    def discards(self) -> int:
        """Source frames that will be read only to be discarded."""
        return self._discard

    @property
    def done(self) -> bool:
        """Whether the range is complete: nothing more needs to be read."""
        return self._time.stop is not None and self._produced >= self._time.stop

    @property
    def position(self) -> int:
        """Where what the source gave so far ends, on the stream's timeline."""
        return self._time.position

    def sought(self) -> None:
        """The source stands at `first_frame`."""
        self._discard = 0

    def push(self, event: Event, arrived: datetime | None = None) -> list[Output]:
        """Give what the source read; get what is complete.

        Args:
            event: A block of any length, lost audio, metadata, or a change of format.
            arrived: Live: when it arrived, on a clock that never goes back.
        """
        if isinstance(event, Block):
            return self._push_block(event, arrived)
        if isinstance(event, Lost):
            return self._push_lost(event)
        if isinstance(event, Metadata):
            self._notes.add(self._time.position, event)
            return [*self._notes.among([], self._produced)]
        if self._discard:
            self._time.begin_at(Fraction(self.first_frame - self._discard, self._source_rate))
            self._discard = 0  # frames of another rate are not what was to be discarded; the range drops the rest
        outputs = self._finish_run(event.sample_rate, ends_segment=False)
        self._change(event)
        if event.metadata and event.metadata != self.stream.metadata:
            outputs.append(Metadata(event.metadata))
        return outputs

    def end(self) -> list[Output]:
        """The source ended: get what is left, by the tail policy."""
        outputs: list[Output] = []
        if self._lost:
            outputs += self._resume()
        return outputs + self._finish_run(self._source_rate, ends_segment=True)

    def settle(self, batch: WindowBatch) -> None:
        """Count what was handed over of a batch (its `delivered`); once per batch."""
        self._delivered += batch.fresh
        self._padded += batch.padded
        self._windows += batch.delivered

    def ledger(self, current: WindowBatch | None = None) -> Ledger:
        """What became of every frame so far; `current` is a batch that is being handed over."""
        fresh, padded, windows = (current.fresh, current.padded, current.delivered) if current else (0, 0, 0)
        delivered = self._delivered + fresh
        resampling = self._time.captured - self._overflow - self._windower.pushed
        return Ledger(
            captured=self._time.captured,
            delivered=delivered,
            skipped=self._windower.skipped,
            dropped_tail=self._windower.dropped_tail,
            dropped_overflow=self._overflow,
            pending=resampling + self._windower.waiting + self._windower.emitted - delivered,
            end=self._time.end,
            gap_frames=self._time.gap_frames,
            source_frames=self.source_frames,
            padded=self._padded + padded,
            windows=self._windows + windows,
            gaps=self._gaps,
            decode_errors=self._decode_errors,
        )

    # -- audio

    def _change(self, source: Format) -> None:
        """Build the converters for what the source gives from here on."""
        self._source_rate, self._channels = source.sample_rate, source.channels
        self._resampler = Resampler(
            source.sample_rate,
            self.stream.sample_rate,
            self._map.channels,
            self._options.working_dtype,
            self._options.resample_quality,
        )
        self._produced = self._time.begins  # position after the last frame that left the resampler

    def _push_block(self, block: Block, arrived: datetime | None) -> list[Output]:
        samples = block.samples
        if self._discard:
            dropped = min(self._discard, len(samples))
            self._discard -= dropped
            samples = samples[dropped:]
            if not len(samples):
                return []
        outputs = self._resume() if self._lost else []
        self._time.capture(len(samples))
        if arrived is not None:
            self._stamp(arrived)
        mapped = self._map.apply(to_float(samples, self._options.working_dtype))
        resampled = self._resampler.push(mapped)
        in_place = block.buffer if resampled is samples else None
        return [*outputs, *self._notes.among(self._window(resampled, in_place), self._produced)]

    def _window(self, samples: NDArray[Any], buffer: NDArray[Any] | None = None) -> list[WindowBatch]:
        """Cut what left the resampler, where it is in the range."""
        position = self._produced
        self._produced += len(samples)
        time = self._time
        if position < time.start or (time.stop is not None and self._produced > time.stop):
            first = max(0, time.start - position)
            last = len(samples) if time.stop is None else max(first, time.stop - position)
            if buffer is not None:
                buffer = buffer[: len(buffer) - len(samples) + min(last, len(samples))]
            samples = samples[first:last]
        if not len(samples):
            return []
        typed = from_float(samples, self._options.dtype)
        return self._windower.push(typed, buffer if typed is samples else None)

    def _finish_run(self, next_rate: int, *, ends_segment: bool) -> list[Output]:
        """Flush the resampler, for what follows does not continue what came before; perhaps cut the tail, too."""
        batches = self._window(self._resampler.flush())
        self._time.next_run(next_rate)
        self._produced = self._time.begins
        if ends_segment:
            batches += self._windower.end()
            self._windower.restart(max(self._time.begins, self._time.start))
        return [*self._notes.among(batches, self._produced)]

    def _stamp(self, arrived: datetime) -> None:
        """Anchor the timeline to the clock; within a connection the anchor only moves earlier."""
        epoch = arrived - timedelta(seconds=self._time.seconds)
        if self._epoch is None or epoch < self._epoch:
            self._epoch = epoch
        self._windower.epoch = self._epoch

    # -- losses and notes

    def _push_lost(self, lost: Lost) -> list[Output]:
        if lost.frames == 0:
            self._decode_errors += lost.reason == "decode-error"
            return []
        if self._discard:
            dropped = min(self._discard, lost.frames)
            self._discard -= dropped
            if dropped == lost.frames:
                return []
            lost = Lost(lost.frames - dropped, lost.reason)
        outputs = self._finish_run(self._source_rate, ends_segment=self._max_fill < 0)
        seconds = Fraction(lost.frames, self._source_rate)
        if self._lost and self._lost[-1][0] == lost.reason:
            seconds += self._lost.pop()[1]
        self._lost.append((lost.reason, seconds))
        return outputs

    def _resume(self) -> list[Output]:
        """Audio is back (or over): what was lost becomes gaps."""
        gaps = [gap for reason, seconds in self._lost if (gap := self._make_gap(reason, seconds))]
        if any(reason not in _SAME_CONNECTION for reason, _ in self._lost):
            self._epoch = None
        self._lost.clear()
        self._produced = self._time.begins
        total = sum(gap.frames for gap in gaps)
        if total <= self._max_fill:
            return [*gaps, *self._windower.fill(total)]
        tail: list[Output] = list(self._windower.end()) if self._max_fill >= 0 else []
        self._windower.restart(max(self._time.begins, self._time.start), gaps[-1] if gaps else None)
        return [*tail, *gaps]

    def _make_gap(self, reason: str, seconds: Fraction) -> Gap | None:
        overflow = reason == "overflow"
        counts = self._time.counts(self._time.begins)
        start, stop = self._time.lose(seconds, overflow=overflow)
        if stop == start and not counts:
            return None  # all of it is outside the range
        rate = self.stream.sample_rate
        utc = None if self._epoch is None else self._epoch + timedelta(seconds=start / rate)
        self._gaps += 1
        self._overflow += (stop - start) * overflow
        return Gap(start, stop - start, (stop - start) / rate, reason, utc)


def _first_frame(offset: int, source_rate: int, rate: int) -> int:
    """The source frame to begin with, so that the output grid is the whole stream's own."""
    if source_rate == rate:
        return offset
    step = source_rate // gcd(source_rate, rate)
    frame = offset * source_rate // rate - int(_PREROLL * source_rate)
    return max(0, frame // step * step)
