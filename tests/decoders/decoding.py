"""Encode real audio in memory, decode it through `open_decoder`, and gather what came."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile as sf

from audiostreamer.decoders.base import Decoder, Media
from audiostreamer.decoders.engines import open_decoder
from audiostreamer.errors import SourceError
from audiostreamer.sources.base import Block, Format, Lost

CORPUS = Path(os.environ.get("AUDIOSTREAMER_CORPUS") or Path(__file__).parents[3] / "shared" / "corpus")
needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no corpus at {CORPUS} (AUDIOSTREAMER_CORPUS)")


@dataclass
class Decoded:
    """Everything one decoder gave."""

    engine: str
    format: Format
    parts: list[np.ndarray] = field(default_factory=list)
    events: list[Any] = field(default_factory=list)  # Format and Lost, with the frames before them
    error: SourceError | None = None

    @property
    def samples(self) -> np.ndarray:
        return np.concatenate(self.parts) if self.parts else np.zeros((0, self.format.channels))

    @property
    def frames(self) -> int:
        return sum(map(len, self.parts))

    @property
    def lost(self) -> list[Lost]:
        return [event for event in self.events if isinstance(event, Lost)]


class Pipe(io.RawIOBase):
    """Bytes that come in small pieces and cannot be sought."""

    def __init__(self, data: bytes, piece: int = 5000) -> None:
        self._file, self._piece = io.BytesIO(data), piece
        self.consumed = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(min(size, self._piece) if size >= 0 else -1)
        self.consumed += len(data)
        return data


def from_bytes(data: bytes) -> Media:
    return Media("bytes", io.BytesIO(data), None, True, len(data))


def from_pipe(data: bytes, size: int | None = None) -> Media:
    return Media("pipe", Pipe(data), None, False, size)  # type: ignore[arg-type]


def from_path(path: Path | str) -> Media:
    return Media(str(path), open(path, "rb"), os.path.abspath(path), True, os.path.getsize(path))


def drain(decoder: Decoder, block: int = 4096, result: Decoded | None = None) -> Decoded:
    """Read to the end and close; an error of the middle is kept, not raised."""
    result = result or Decoded(decoder.engine, decoder.format)
    try:
        while (event := decoder.read(block)) is not None:
            if isinstance(event, Block):
                assert 0 < len(event.samples) <= block
                result.parts.append(event.samples)
            else:
                result.events.append(event)
    except SourceError as error:
        result.error = error
    finally:
        decoder.close()
        decoder.close()
    return result


def decode(media: Media, block: int = 4096, dtype: str = "float64", track: int = 0) -> Decoded:
    return drain(open_decoder(media, track=track, dtype=dtype), block)


def signal(seconds: float = 1.0, channels: int = 2, rate: int = 44100) -> np.ndarray:
    """Two tones and a little noise, different in every channel."""
    t = np.arange(int(seconds * rate))[:, None] / rate
    tones = 0.4 * np.sin(2 * np.pi * 440 * t * np.arange(1, channels + 1)) + 0.2 * np.sin(2 * np.pi * 1250 * t)
    return tones + np.random.default_rng(1).uniform(-0.05, 0.05, tones.shape)


def sf_encode(samples: np.ndarray, container: str, subtype: str | None = None, rate: int = 44100, **more: Any) -> bytes:
    file = io.BytesIO()
    sf.write(file, samples, rate, format=container, subtype=subtype, **more)
    return file.getvalue()


def av_encode(
    samples: np.ndarray,
    container: str,
    codec: str,
    rate: int = 44100,
    *,
    tracks: int = 1,
    video: bool = False,
    tags: dict[str, str] | None = None,
    options: dict[str, str] | None = None,
    target: Any = None,
) -> bytes:
    """Encode with FFmpeg; track k is the signal divided by k + 1."""
    file = target or io.BytesIO()
    with av.open(file, "w", format=container, options=options or {}) as output:
        output.metadata.update(tags or {})
        picture = _add_picture(output) if video else None
        layout = {1: "mono", 2: "stereo"}[samples.shape[1]]
        streams = [output.add_stream(codec, rate=rate, layout=layout) for _ in range(tracks)]
        for stream in streams:
            stream.bit_rate = 128_000
        if picture:
            _encode_pictures(output, picture)
        for number, stream in enumerate(streams):
            _encode_audio(output, stream, samples / (number + 1), layout, rate)
    return Path(target).read_bytes() if target else file.getvalue()


def _add_picture(output: Any) -> Any:
    stream = output.add_stream("libvpx" if output.format.name == "webm" else "mpeg4", rate=10)
    stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
    return stream


def _encode_pictures(output: Any, stream: Any) -> None:
    for number in range(10):
        frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 20 * number, np.uint8), format="rgb24")
        frame.pts = number
        output.mux(stream.encode(frame))
    output.mux(stream.encode(None))


def _encode_audio(output: Any, stream: Any, samples: np.ndarray, layout: str, rate: int) -> None:
    step = stream.codec_context.frame_size or 1024
    for start in range(0, len(samples), step):
        part = np.ascontiguousarray(samples[start : start + step].T, np.float32)
        frame = av.AudioFrame.from_ndarray(part, format="fltp", layout=layout)
        frame.rate, frame.pts = rate, start
        output.mux(stream.encode(frame))
    output.mux(stream.encode(None))
