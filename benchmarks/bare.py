"""Bare decoding: blocks of interleaved float32, by each engine as directly as it can be called.

Every engine yields views of memory that it uses again. A block is about 64 Ki frames: 512 KiB stay in the
second-level cache, which is the best case for an engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Blocks = Iterator[NDArray[np.float32]]

_FRAMES = 1 << 16


def numpy_blocks(path: Path) -> Blocks:
    """WAV of 16 or 24 bits with a plain header, stereo."""
    with path.open("rb", buffering=0) as file:
        width = _find_samples(file)
        raw = np.zeros(_FRAMES * 2 * width + 4, np.uint8)
        out = np.empty((_FRAMES, 2), np.float32)
        while count := file.readinto(raw.data[1 : 1 + _FRAMES * 2 * width]) // width:
            _scale(raw, count, width, out.reshape(-1)[:count])
            yield out[: count // 2]


def _find_samples(file: Any) -> int:
    """Go to the samples; returns their width in bytes."""
    head = file.read(4096)
    file.seek(head.index(b"data") + 8)
    return int.from_bytes(head[34:36], "little") // 8


def _scale(raw: NDArray[np.uint8], count: int, width: int, out: NDArray[np.float32]) -> None:
    if width == 2:
        np.multiply(raw[1 : 1 + 2 * count].view("<i2"), np.float32(2.0**-15), out=out, casting="unsafe")
        return
    # four bytes that overlap by one: the lowest is the neighbour's, and shifted out
    four: NDArray[np.int32] = np.ndarray((count,), "<i4", raw, 0, (3,))
    np.multiply(np.right_shift(four, 8), np.float32(2.0**-23), out=out, casting="unsafe")


def soundfile_blocks(path: Path) -> Blocks:
    import soundfile

    out = np.empty((_FRAMES, 2), np.float32)
    with soundfile.SoundFile(path) as file:
        while len(block := file.read(out=out)):
            yield block


def soundfile_forward_blocks(path: Path) -> Blocks:
    """Told that it cannot seek, python-soundfile does not seek after every read."""
    import soundfile

    class Forward(soundfile.SoundFile):
        def seekable(self) -> bool:
            return False

    out = np.empty((_FRAMES, 2), np.float32)
    with Forward(path) as file:
        while len(block := file.read(out=out)):
            yield block


def soundfile_int16_blocks(path: Path) -> Blocks:
    import soundfile

    whole, out = np.empty((_FRAMES, 2), np.int16), np.empty((_FRAMES, 2), np.float32)
    with soundfile.SoundFile(path) as file:
        while count := len(file.read(out=whole)):
            np.multiply(whole[:count], np.float32(2.0**-15), out=out[:count])
            yield out[:count]


def pyav_blocks(path: Path) -> Blocks:
    """Frames through FFmpeg's FIFO, and one copy to interleaved float32."""
    import av

    out = np.empty((_FRAMES, 2), np.float32)
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        stream.codec_context.thread_count = 1
        fifo = av.AudioFifo()
        for packet in container.demux(stream):
            for frame in packet.decode():
                frame.pts = None
                fifo.write(frame)
            if fifo.samples >= _FRAMES:
                yield _interleaved(fifo.read(_FRAMES), out)
        if fifo.samples:
            yield _interleaved(fifo.read(0, partial=True), out)


_INTEGERS = {"s16": np.int16, "s32": np.int32}


def _interleaved(frame: Any, out: NDArray[np.float32]) -> NDArray[np.float32]:
    kind, count, planes = frame.format.name, frame.samples, frame.planes
    stored = _INTEGERS.get(kind.removesuffix("p"), np.float32)
    factor = np.float32(1 if stored is np.float32 else 1 / (1 << (8 * np.dtype(stored).itemsize - 1)))
    part = out[:count]
    if kind.endswith("p"):
        for channel, plane in enumerate(planes):
            np.multiply(np.frombuffer(plane, stored, count), factor, out=part[:, channel], casting="unsafe")
    else:
        np.multiply(np.frombuffer(planes[0], stored, 2 * count), factor, out=part.reshape(-1), casting="unsafe")
    return part


def miniaudio_blocks(path: Path) -> Blocks:
    import miniaudio

    info = miniaudio.get_file_info(str(path))
    stream = miniaudio.stream_file(
        str(path), miniaudio.SampleFormat.FLOAT32, 2, info.sample_rate, frames_to_read=_FRAMES
    )
    for block in stream:
        yield np.frombuffer(block, np.float32).reshape(-1, 2)


ENGINES: dict[str, tuple[str, Callable[[Path], Blocks], str]] = {
    "numpy": ("numpy", numpy_blocks, "wav16 wav24"),
    "soundfile": ("soundfile", soundfile_blocks, "wav16 wav24 flac mp3 vorbis opus"),
    "soundfile, forward only": ("soundfile", soundfile_forward_blocks, "wav16 wav24 flac mp3 vorbis opus"),
    "soundfile, int16": ("soundfile", soundfile_int16_blocks, "wav16 flac mp3 vorbis opus"),
    "PyAV": ("av", pyav_blocks, "wav16 wav24 flac mp3 vorbis opus aac"),
    "miniaudio": ("miniaudio", miniaudio_blocks, "wav16 wav24 flac mp3 vorbis"),
}
"""Name: the library, its blocks, the formats."""

CHOSEN = {
    "wav16": "numpy",
    "wav24": "numpy",
    "flac": "soundfile, forward only",
    "mp3": "PyAV",
    "vorbis": "PyAV",
    "opus": "PyAV",
    "aac": "PyAV",
}
"""The engine that audiostreamer uses for each format."""


def resampled(blocks: Blocks, source_rate: int, rate: int) -> Blocks:
    """Channels averaged, then soxr's streaming resampler."""
    import soxr

    stream = soxr.ResampleStream(source_rate, rate, 1, dtype="float32", quality="HQ")
    for block in blocks:
        mono = block[:, 0] + block[:, 1]
        mono *= np.float32(0.5)
        yield stream.resample_chunk(mono)[:, None]
    yield stream.resample_chunk(np.empty(0, np.float32), last=True)[:, None]
