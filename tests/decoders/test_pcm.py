"""Plain samples: bit for bit what libsndfile reads, from files, objects and pipes."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import soundfile as sf

from audiostreamer.decoders.engines import open_decoder
from audiostreamer.errors import (
    AccessDeniedError,
    DecodeError,
    FormatError,
    SourceTimeoutError,
    TruncatedSourceError,
)
from audiostreamer.sources.base import Format

from .decoding import Media, Pipe, decode, drain, from_bytes, from_path, from_pipe, sf_encode, signal

PLAIN = [
    (container, subtype, endian)
    for container, subtypes, endian in (
        ("WAV", "PCM_U8 PCM_16 PCM_24 PCM_32 FLOAT DOUBLE ALAW ULAW", "FILE"),
        ("WAV", "PCM_U8 PCM_16 PCM_24 PCM_32 FLOAT DOUBLE", "BIG"),
        ("WAVEX", "PCM_U8 PCM_16 PCM_24 PCM_32 FLOAT DOUBLE", "FILE"),
        ("RF64", "PCM_16 PCM_24 FLOAT", "FILE"),
        ("W64", "PCM_U8 PCM_16 PCM_24 DOUBLE ULAW", "FILE"),
        ("AIFF", "PCM_S8 PCM_U8 PCM_16 PCM_24 PCM_32 FLOAT DOUBLE ALAW ULAW", "FILE"),
        ("AIFF", "PCM_16 PCM_24", "LITTLE"),
        ("AU", "PCM_S8 PCM_16 PCM_24 PCM_32 FLOAT DOUBLE ALAW ULAW", "FILE"),
        ("AU", "PCM_16 PCM_24", "LITTLE"),
        ("CAF", "PCM_S8 PCM_16 PCM_24 PCM_32 FLOAT DOUBLE ALAW ULAW", "FILE"),
        ("CAF", "PCM_16 PCM_24 DOUBLE", "LITTLE"),
    )
    for subtype in subtypes.split()
]


def wav(fmt: bytes, data: bytes, size: int | None = None, riff: bytes = b"RIFF") -> bytes:
    body = b"WAVEfmt " + struct.pack("<I", len(fmt)) + fmt
    body += b"data" + struct.pack("<I", len(data) if size is None else size) + data
    return riff + struct.pack("<I", len(body)) + body


def fmt(tag: int = 1, channels: int = 1, rate: int = 8000, align: int = 2, bits: int = 16) -> bytes:
    return struct.pack("<HHIIHH", tag, channels, rate, rate * align & 0xFFFFFFFF, align, bits)


RAMP = np.arange(1000, dtype="<i2").tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("container", "subtype", "endian"), PLAIN)
def test_equals_libsndfile(container, subtype, endian, dtype, tmp_path):
    data = sf_encode(signal(0.5, 3), container, subtype, endian=endian)
    expected, _ = sf.read(io.BytesIO(data), dtype=dtype, always_2d=True)
    (tmp_path / "x").write_bytes(data)
    for media in (from_bytes(data), from_path(tmp_path / "x"), from_pipe(data)):
        got = decode(media, 1000, dtype)
        assert got.engine == "PCM"
        assert got.format == Format(44100, 3, len(expected))
        assert got.samples.dtype == dtype
        np.testing.assert_array_equal(got.samples, expected)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32"])
def test_extremes_are_exact(subtype):
    full = np.array([[-1.0], [1.0], [0.0], [-0.5]])
    expected, _ = sf.read(io.BytesIO(sf_encode(full, "WAV", subtype)), dtype="float32", always_2d=True)
    got = decode(from_bytes(sf_encode(full, "WAV", subtype)), dtype="float32").samples
    np.testing.assert_array_equal(got, expected)
    assert got.min() == -1


@pytest.mark.parametrize(("subtype", "dtype"), [("FLOAT", "float32"), ("DOUBLE", "float64"), ("DOUBLE", "float32")])
def test_nan_inf_and_denormals_pass(subtype, dtype):
    code = "<f4" if subtype == "FLOAT" else "<f8"
    values = np.array([np.nan, np.inf, -np.inf, 1e-40, 3.5, -1e300 if subtype == "DOUBLE" else 1], code)
    data = wav(fmt(3, 1, 8000, values.itemsize, 8 * values.itemsize), values.tobytes())
    with np.errstate(all="ignore"):
        expected = values.astype(dtype)
    np.testing.assert_array_equal(decode(from_bytes(data), dtype=dtype).samples[:, 0], expected)


def test_24_bits_in_32_are_left_justified():
    values = (np.arange(-500, 500, dtype="<i4") << 12).reshape(-1, 2)
    for media in (from_bytes, from_pipe):
        got = decode(media(wav(fmt(1, 2, 48000, 8, 24), values.tobytes())))
        np.testing.assert_array_equal(got.samples, values / 2.0**31)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFF000])
@pytest.mark.parametrize("media", [from_bytes, from_pipe])
def test_a_streamed_wav_is_read_to_its_end(media, size):
    got = decode(media(wav(fmt(), RAMP, size)))
    assert got.format.frames is None
    assert (got.frames, got.error) == (1000, None)


def test_an_empty_data_chunk_before_other_chunks_is_empty():
    data = wav(fmt(), b"") + b"LIST" + struct.pack("<I", 4) + b"INFO"
    assert decode(from_bytes(data)).frames == 0


@pytest.mark.parametrize("media", [from_bytes, from_pipe])
def test_fewer_samples_than_promised(media):
    got = decode(media(wav(fmt(), RAMP + b"\1", 5000)))
    assert got.frames == 1000
    assert isinstance(got.error, TruncatedSourceError)
    assert got.error.position == 1000


def test_fewer_bytes_than_the_media_promised():
    data = wav(fmt(), RAMP, 0xFFFFFFFF)
    got = decode(from_pipe(data, len(data) + 10))
    assert isinstance(got.error, TruncatedSourceError)
    assert got.frames == 1000


def test_an_odd_byte_at_the_end_is_no_frame():
    got = decode(from_bytes(wav(fmt(), RAMP + b"\1")))
    assert (got.frames, got.error) == (1000, None)


def test_bytes_behind_the_samples_are_not_samples():
    assert decode(from_bytes(wav(fmt(), RAMP) + RAMP)).frames == 1000


@pytest.mark.parametrize(("container", "subtype"), [("WAV", "PCM_24"), ("AIFF", "PCM_16"), ("CAF", "FLOAT")])
def test_seek_is_exact(container, subtype):
    data = sf_encode(signal(), container, subtype)
    whole = decode(from_bytes(data)).samples
    for frame in (0, 1, 777, 44099, 44100, 99999):
        decoder = open_decoder(from_bytes(data), track=0, dtype="float64")
        assert decoder.seek(frame)
        np.testing.assert_array_equal(drain(decoder).samples, whole[frame:])


def test_a_pipe_does_not_seek_and_is_not_read_ahead_of_need():
    media = from_pipe(sf_encode(signal(5), "WAV", "PCM_16"))
    decoder = open_decoder(media, track=0, dtype="float32")
    assert not decoder.seek(10)
    assert decoder.read(100_000) is not None
    assert isinstance(media.file, Pipe)
    assert media.file.consumed <= 15_000
    decoder.close()


def test_headroom_is_left_in_front():
    decoder = open_decoder(from_bytes(wav(fmt(), RAMP)), track=0, dtype="float32")
    decoder.headroom = 7
    block = decoder.read(500)
    assert block.buffer.shape == (507, 1)
    assert block.samples.base is block.buffer.base or block.samples.base is block.buffer
    np.testing.assert_array_equal(block.buffer[7:, 0], np.arange(500) / 32768)
    np.testing.assert_array_equal(block.buffer[7:], block.samples)
    decoder.close()


class Broken(io.BytesIO):
    def __init__(self, data: bytes, error: Exception) -> None:
        super().__init__(data)
        self._error = error

    def readinto(self, target):
        if self.tell() > 30_000:
            raise self._error
        return super().readinto(target[:10_000])


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (OSError("gone"), DecodeError),
        (TimeoutError("slow"), SourceTimeoutError),
        (PermissionError("no"), AccessDeniedError),
        (FormatError("mapped already"), FormatError),
    ],
)
def test_what_the_file_raises_is_mapped(raised, expected):
    media = Media("x", Broken(sf_encode(signal(), "WAV", "PCM_16"), raised))
    got = decode(media)
    assert type(got.error) is expected
    assert got.frames >= 7000
    assert got.error is raised or got.error.__cause__ is raised


@pytest.mark.parametrize(
    "header",
    [
        fmt(rate=0),
        fmt(rate=0xFFFFFFFF),
        fmt(channels=0),
        fmt(channels=65535),
        fmt(channels=1025, align=2050),
        fmt(bits=0),
        fmt(bits=33),
        fmt(align=5),
        fmt(tag=3, align=2),
        fmt()[:10],
        struct.pack("<HHIIHH", 0xFFFE, 1, 8000, 16000, 2, 16),
        struct.pack("<HHIIHHHHI", 0xFFFE, 1, 8000, 16000, 2, 16, 22, 16, 0) + bytes(range(16)),
    ],
)
def test_absurd_headers(header):
    with pytest.raises(FormatError):
        open_decoder(from_bytes(wav(header, RAMP)), track=0, dtype="float32")


def test_seven_bits_and_block_align_zero():
    assert decode(from_bytes(wav(fmt(align=1, bits=7), b"\x80\xc0"))).samples.tolist() == [[0], [0.5]]
    assert decode(from_bytes(wav(fmt(align=0), RAMP))).frames == 1000


def test_too_many_chunks():
    data = b"RIFF\0\0\0\0WAVE" + b"junk\0\0\0\0" * 20_000 + wav(fmt(), RAMP)[12:]
    for media in (from_bytes(data), from_pipe(data)):
        with pytest.raises(FormatError, match="chunks"):
            open_decoder(media, track=0, dtype="float32")


def test_tags_and_the_other_track():
    data = wav(fmt(), RAMP)
    info = b"INFOINAM" + struct.pack("<I", 5) + b"Title\0"
    data = data[:36] + b"LIST" + struct.pack("<I", len(info)) + info + data[36:]
    assert decode(from_bytes(data)).format.metadata == {"title": "Title"}
    with pytest.raises(FormatError, match="has 1"):
        open_decoder(from_bytes(data), track=1, dtype="float32")


def test_failure_closes_the_media():
    media = from_bytes(b"")
    with pytest.raises(FormatError, match="empty"):
        open_decoder(media, track=0, dtype="float32")
    assert media.file.closed
