"""Everything compressed or in a container, by FFmpeg (PyAV), packet by packet.

Decoded frames go through FFmpeg's own FIFO and come out in large pieces, which costs no more than decoding alone.
What was in the FIFO before a change of format, a loss or an error is delivered first.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import av
import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.packet import Packet
from numpy.typing import NDArray

from ..errors import DecodeError, FormatError, SourceError
from ..sources.base import Block, Event, Format, Lost
from .base import Decoder, Media, new_buffer
from .container import choose_track, open_container, tags
from .frame_clock import TIMED, FrameClock
from .lame import end_padding
from .layout import check_format
from .ogg import last_page_is_sound, next_link, pages_end
from .reader import Reader
from .samples import scale
from .sniff import skip_tags

__all__ = ["FFmpegDecoder"]

# FFmpeg's sample formats, without "p" for planar: numpy type, full scale
_SAMPLES = {
    "u8": ("u1", 128.0),
    "s16": ("i2", 2.0**15),
    "s32": ("i4", 2.0**31),
    "s64": ("i8", 2.0**63),
    "flt": ("f4", 1.0),
    "dbl": ("f8", 1.0),
}
_PIECE_FRAMES = 32_768  # from FFmpeg's FIFO at a time: they stay in the cache until they are copied
_MAX_ERRORS_BEFORE_AUDIO = 1000
_OGG_SYNC = 65_025  # bytes without a page after which FFmpeg gives up, with room for its buffer

_Item = AudioFrame | Lost | SourceError
_Layout = tuple[int, int, str, str]  # rate, channels, names of layout and sample format


class FFmpegDecoder(Decoder):
    """Decodes one audio track.

    Args:
        media: Owned from here on, once the constructor has returned.
        reader: Over the same media.
        container: What it was recognised as, see `audiostreamer.decoders.sniff`.
        track: Which audio track, counted from 0.
        dtype: ``"float32"`` or ``"float64"``.

    Raises:
        FormatError: Not readable, no such track, or nothing in it can be decoded.
    """

    engine = "FFmpeg"

    def __init__(self, media: Media, reader: Reader, container: str, *, track: int, dtype: str) -> None:
        self._media, self._reader, self._kind, self._dtype = media, reader, container, dtype
        self._padding = (0, 0)  # frames to leave out, counted as FFmpeg delivers them
        if container == "mp3" and not reader.seekable_media:
            self._padding = end_padding(reader, skip_tags(reader))
            reader.seek(0)
        self._pulled = 0
        self._container = open_container(media, reader, container)
        self._track = track
        self._at = 0  # bytes: where the last packet lay
        self._bad: Packet[Any] | None = None  # the last one that could not be decoded, until others are
        self._done = 0
        self._layout: _Layout | None = None
        self._fifo = av.AudioFifo()
        self._errors: list[Lost] = []
        try:
            self._stream = choose_track(self._container, track)
            self._items = self._decode()
            self._held: _Item | None = self._first()
            self.format = self._begin(self._held)
        except BaseException:
            self._container.close()
            raise

    def read(self, max_frames: int) -> Event | None:
        """As `audiostreamer.sources.base.Source.read`.

        Raises:
            DecodeError: Broken in the middle; what came before has been delivered.
            TruncatedSourceError: Fewer bytes came than were promised; everything there was has been delivered.
        """
        if self._errors:
            return self._errors.pop()
        buffer, end = None, self.headroom
        while (rest := max_frames + self.headroom - end) and self._gather(min(rest, _PIECE_FRAMES)):
            frame = self._take(min(rest, _PIECE_FRAMES))
            if frame is None:
                continue
            if buffer is None:
                channels, planar = frame.layout.nb_channels, frame.format.is_planar
                buffer = new_buffer(max_frames, channels, self._dtype, self.headroom, planar=planar)
            end += self._unpack(frame, buffer[end:])
        if buffer is None:
            item, self._held = self._held, None
            return self._pass_on(item)
        return Block(buffer[self.headroom : end], buffer[:end])

    def close(self) -> None:
        """Close container and media. Only in the thread that reads: FFmpeg crashes otherwise."""
        self._items.close()
        self._container.close()
        self._reader.close()
        self._media.close()

    # -- decoding ---------------------------------------------------------------------------------------------------

    def _decode(self) -> Generator[_Item, None, None]:
        """Yield frames, `Lost`, and as the last item perhaps an error."""
        try:
            while (failure := (yield from self._decode_container())) and (link := self._next_link()) is not None:
                if self._stray(link):
                    yield Lost(0, "decode-error")
                self._open_link(link)
        except SourceError as error:
            yield error
            return
        if failure:
            yield self._error(failure)

    def _decode_container(self) -> Generator[_Item, None, BaseException | None]:
        """Yield frames and `Lost`; return what ended it early."""
        clock = FrameClock(self._stream) if self._kind in TIMED else None
        heard = False
        cause: BaseException | None = None
        try:
            for packet in self._container.demux(self._stream):
                try:
                    frames = packet.decode()
                except av.error.FFmpegError as error:
                    if not heard:
                        yield Lost(0, "decode-error")
                    self._bad, cause = packet, error
                    continue
                if frames and heard and self._bad:
                    return cause
                if len(frames) > 1 and self._kind == "flac":
                    return DecodeError("damaged FLAC")  # FFmpeg joins frames whose checksums fail, and drops some
                for frame in frames:
                    heard, self._bad = True, None
                    if clock and (lost := clock.missing(frame)):
                        yield Lost(lost, "packet-loss")
                    yield frame
                self._at = packet.pos or self._at
        except (av.error.FFmpegError, OSError) as error:
            return error
        return cause if self._bad and not (heard and self._is_trailing_junk(self._bad)) else None

    def _next_link(self) -> int | None:
        """Where the next link of a chained Ogg file begins, if FFmpeg refused that for its rate or layout."""
        if self._kind != "ogg" or not self._reader.seekable_media or self._reader.error:
            return None
        link = next_link(self._reader, self._at)
        return link if link is not None and self._failed_at(link) else None

    def _open_link(self, link: int) -> None:
        self._container.close()
        self._reader.hide(link)
        self._at, self._bad = 0, None
        self._container = open_container(self._media, self._reader, self._kind)
        self._stream = choose_track(self._container, self._track)

    def _failed_at(self, link: int) -> bool:
        """Whether FFmpeg failed at the new link itself, rather than at damage before it, which must not go unsaid."""
        if self._bad is not None:
            return self._bad.pos is not None and self._bad.pos >= link
        return self._stray(link) < _OGG_SYNC

    def _stray(self, link: int) -> int:
        """Bytes between the last whole page and the next link."""
        return link - pages_end(self._reader, self._at, link)

    def _is_trailing_junk(self, packet: Packet[Any]) -> bool:
        """Whether undecodable bytes at the very end of an MP3 are no frame at all, but tags, padding or rubbish."""
        begin = bytes(memoryview(packet)[:2]) if packet.size >= 2 else b""
        return self._kind == "mp3" and len(begin) == 2 and not (begin[0] == 0xFF and begin[1] & 0xE0 == 0xE0)

    def _error(self, cause: BaseException) -> SourceError:
        try:
            self._reader.check()
        except SourceError as mapped:
            return mapped
        if isinstance(cause, SourceError):
            return cause
        broken = DecodeError("FFmpeg cannot decode what follows")
        broken.__cause__ = cause
        return broken

    # -- opening ----------------------------------------------------------------------------------------------------

    def _first(self) -> AudioFrame | None:
        """Decode up to the first audio: only then are rate and layout certain (HE-AAC)."""
        for item in self._items:
            if isinstance(item, AudioFrame):
                return item
            if isinstance(item, SourceError):
                raise FormatError("nothing in it can be decoded") from (item.__cause__ or item)
            self._errors.append(item)
            if len(self._errors) > _MAX_ERRORS_BEFORE_AUDIO:
                raise FormatError(f"the first {len(self._errors)} packets cannot be decoded")
        if self._claimed(1) or self._errors:
            raise FormatError("nothing in it can be decoded")
        return None

    def _begin(self, frame: AudioFrame | None) -> Format:
        context = self._stream.codec_context
        rate = frame.sample_rate if frame else context.sample_rate
        channels = frame.layout.nb_channels if frame else context.channels
        check_format(rate or 0, channels or 0)
        if frame:
            self._layout = _layout(frame)
        return Format(rate, channels, self._claimed(rate), tags(self._container, self._stream))

    def _claimed(self, rate: int) -> int | None:
        stream = self._stream
        seconds = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else 0.0
        return round(seconds * rate) if 0 < seconds < 1e9 else None

    # -- handing over -----------------------------------------------------------------------------------------------

    def _gather(self, frames: int) -> bool:
        """Decode until the FIFO holds so many frames, or something else is next; False if it holds nothing."""
        while self._fifo.samples < frames:
            if self._held is None:
                self._held = next(self._items, None)
            item = self._held
            if not isinstance(item, AudioFrame) or _layout(item) != self._layout:
                break
            item.pts = None  # the FIFO would refuse times that are not contiguous
            self._fifo.write(item)
            self._held = None
        return self._fifo.samples > 0

    def _pass_on(self, item: _Item | None) -> Event | None:
        """Deliver what is not audio of the present format."""
        if item is None:
            self._reader.check(self._done)
            self._reader.check_size(self._done)
            if self._kind == "ogg" and not last_page_is_sound(self._reader):
                raise DecodeError("the last page is damaged", position=self._done)
            return None
        if isinstance(item, SourceError):
            self._held = item
            item.position = self._done
            raise item
        if isinstance(item, Lost):
            return item
        self._layout = _layout(item)
        self._fifo = av.AudioFifo()
        self._held = item
        check_format(item.sample_rate, self._layout[1])
        return Format(item.sample_rate, self._layout[1], None, self.format.metadata)

    def _take(self, frames: int) -> AudioFrame | None:
        """Up to so many frames from the FIFO; None where they are padding."""
        first, last = self._padding
        padding = first <= self._pulled < last
        most = last - self._pulled if padding else first - self._pulled if self._pulled < first else frames
        frame = self._fifo.read(min(most, frames, self._fifo.samples))
        assert frame is not None
        self._pulled += frame.samples
        return None if padding else frame

    def _unpack(self, frame: AudioFrame, samples: NDArray[Any]) -> int:
        """Copy a frame to the beginning of an array; returns its length."""
        count, planar = frame.samples, frame.format.is_planar
        # PyAV 18.1 can report more planes than there are, and reading those crashes.
        if len(frame.planes) != (samples.shape[1] if planar else 1):
            raise DecodeError("FFmpeg gave a frame with the wrong number of planes", position=self._done)
        self._done += count
        code, full = _SAMPLES[frame.format.name.removesuffix("p")]
        if planar:
            for plane, out in zip(frame.planes, samples[:count].T, strict=True):
                _copy(_array(plane, code, count), full, out)
        else:
            _copy(_array(frame.planes[0], code, samples[:count].size), full, samples[:count].reshape(-1))
        return count


def _layout(frame: AudioFrame) -> _Layout:
    layout = frame.layout
    return frame.sample_rate, layout.nb_channels, layout.name, frame.format.name


def _array(plane: Any, code: str, count: int) -> NDArray[Any]:
    return np.frombuffer(plane, code, count)


def _copy(stored: NDArray[Any], full: float, out: NDArray[Any]) -> None:
    if stored.dtype == np.uint8:
        scale(stored.astype(np.int16) - 128, 1 / full, out)
    else:
        scale(stored, 1 / full, out)
