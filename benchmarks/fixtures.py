"""The audio that is measured, made once into a cache folder outside the repository.

Ten minutes of it are sixty times the same ten seconds of harmonics and noise, so that codecs have something to do
and nothing depends on a download. MP3, Vorbis, Opus and FLAC are written by libsndfile, AAC by PyAV.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

RATE = 44_100
FORMATS = ("wav16", "wav24", "flac", "mp3", "vorbis", "opus", "aac")
LOSSLESS = ("wav16", "wav24", "flac")

_PIECE_SECONDS = 10
_SUFFIXES = {"wav16": "wav", "wav24": "wav", "vorbis": "ogg", "aac": "m4a"}
_BY_LIBSNDFILE = {
    "wav16": ("WAV", "PCM_16"),
    "wav24": ("WAV", "PCM_24"),
    "flac": ("FLAC", "PCM_16"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "vorbis": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
}
_OPUS_RATE = 48_000  # Opus knows no 44.1 kHz


def rate_of(format: str) -> int:
    return _OPUS_RATE if format == "opus" else RATE


def audio_file(cache: Path, format: str, seconds: int) -> Path:
    """A stereo file of `format`, made if it is not there."""
    path = cache / f"{format}-{seconds}s.{_SUFFIXES.get(format, format)}"
    return _once(path, lambda unfinished: _write(unfinished, format, seconds))


def small_files(cache: Path, format: str, count: int) -> list[Path]:
    """Many files of one second, each with samples of its own."""
    folder = cache / f"{format}-{count}-files"
    folder.mkdir(parents=True, exist_ok=True)
    one_second = rate_of(format)
    whole = np.concatenate(list(_pieces(rate_of(format), _PIECE_SECONDS)))
    names = [folder / f"{number:04d}.{_SUFFIXES.get(format, format)}" for number in range(count)]
    for number, name in enumerate(names):
        start = number * 997 % (len(whole) - one_second)
        _once(name, lambda unfinished, start=start: _encode(unfinished, format, [whole[start : start + one_second]]))
    return names


def long_aac(cache: Path, hours: int) -> Path:
    """Hours of AAC as a bare bit stream, which may be repeated end to end."""
    minute = _once(cache / "60s.aac", lambda unfinished: _write(unfinished, "adts", 60))

    def repeat(path: Path) -> None:
        with path.open("wb") as out:
            for _ in range(hours * 60):
                out.write(minute.read_bytes())

    return _once(cache / f"{hours}h.aac", repeat)


def long_wav(cache: Path, hours: int) -> Path:
    """Hours of 16-bit silence in an RF64 file with a hole in it, which takes no room on the disk."""
    size = hours * 3600 * RATE * 4
    # RF64: the sizes that do not fit into 32 bits are in the ds64 chunk
    header = struct.pack(
        "<4sI4s4sIQQQI4sIHHIIHH4sI",
        *(b"RF64", 0xFFFFFFFF, b"WAVE", b"ds64", 28, size + 72, size, size // 4, 0),
        *(b"fmt ", 16, 1, 2, RATE, RATE * 4, 4, 16, b"data", 0xFFFFFFFF),
    )

    def write(path: Path) -> None:
        with path.open("wb") as out:
            out.write(header)
            out.truncate(len(header) + size)

    return _once(cache / f"{hours}h.wav", write)


def _once(path: Path, write: Callable[[Path], None]) -> Path:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f"unfinished-{path.name}")
        write(unfinished)
        unfinished.rename(path)
    return path


def _write(path: Path, format: str, seconds: int) -> None:
    _encode(path, format, _pieces(rate_of(format), seconds))


def _encode(path: Path, format: str, pieces: list[NDArray[np.float32]] | Iterator[NDArray[np.float32]]) -> None:
    if format not in _BY_LIBSNDFILE:
        _encode_aac(path, "adts" if format == "adts" else "mp4", pieces)
        return
    container, codec = _BY_LIBSNDFILE[format]
    with soundfile.SoundFile(path, "w", rate_of(format), 2, codec, format=container) as file:
        for piece in pieces:
            for start in range(0, len(piece), RATE):  # libsndfile's Ogg encoders overflow the stack on long writes
                file.write(piece[start : start + RATE])


def _encode_aac(path: Path, container: str, pieces: list[NDArray[np.float32]] | Iterator[NDArray[np.float32]]) -> None:
    with av.open(str(path), "w", format=container) as out:
        stream = out.add_stream("aac", rate=RATE, layout="stereo")
        stream.bit_rate = 128_000
        for piece in pieces:
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(piece.T), format="fltp", layout="stereo")
            frame.sample_rate = RATE
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def _pieces(rate: int, seconds: int) -> Iterator[NDArray[np.float32]]:
    piece = _piece(rate)
    for start in range(0, seconds * rate, len(piece)):
        yield piece[: seconds * rate - start]


def _piece(rate: int) -> NDArray[np.float32]:
    """Ten seconds: a melody with harmonics, a different level in each channel, and noise."""
    noise = np.random.default_rng(1)
    time = np.arange(_PIECE_SECONDS * rate) / rate
    notes = 220 * 2 ** (np.array([0, 4, 7, 12, 9, 5, 2, 7, 11, 3])[(time * 1).astype(int)] / 12)
    phase = 2 * np.pi * np.cumsum(notes) / rate
    tone = sum(np.sin(harmonic * phase) / harmonic**1.5 for harmonic in range(1, 12))
    fade = np.exp(-3 * (time % 1))
    stereo = np.stack([tone * fade, np.roll(tone, rate // 50) * (1 - 0.5 * fade)], axis=1)
    return (0.12 * stereo + 0.004 * noise.standard_normal(stereo.shape)).astype(np.float32)
