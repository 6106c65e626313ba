from __future__ import annotations

import io
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest

from audiostreamer.errors import DecodeError, FormatError, TruncatedSourceError
from audiostreamer.sources.base import Block, Source
from audiostreamer.sources.memory import Array, Bytes, FileObject

from .contract import Make, SourceContract, read_all, read_until


class TestArray(SourceContract):
    CHANNELS = 2
    KEEPS_HEADROOM = False  # the frames in front are the ones before

    @pytest.fixture
    def make(self) -> Make:
        samples = np.random.default_rng(1).uniform(-1, 1, (5000, 2)).astype("float32")
        return lambda: Array(samples, 8000)


class TestBytes(SourceContract):
    @pytest.fixture
    def make(self, wav: bytes) -> Make:
        return lambda: Bytes(wav)


class TestFileObject(SourceContract):
    @pytest.fixture
    def make(self, wav: bytes) -> Make:
        return lambda: FileObject(io.BytesIO(wav))


class TestFileObjectThatCannotSeek(SourceContract):
    SEEKS = False

    @pytest.fixture
    def make(self, wav: bytes) -> Make:
        return lambda: FileObject(Stream(wav))  # type: ignore[arg-type]


class Stream:
    """Only what is needed, a little at a time."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        return self._file.read(min(size, 999) if size >= 0 else 999)


@pytest.mark.parametrize("dtype", ["int16", "int32", "uint8", "float32", "float64"])
@pytest.mark.parametrize("shape", [(100,), (100, 3)])
def test_array_blocks_are_views(dtype: str, shape: tuple[int, ...]) -> None:
    samples = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    source = Array(samples, 8000)
    source.open()
    first, second = source.read(30), source.read(30)
    assert isinstance(first, Block)
    assert isinstance(second, Block)
    assert second.buffer is not None
    assert np.shares_memory(second.samples, samples)
    assert second.samples.dtype == samples.dtype
    np.testing.assert_array_equal(second.buffer, samples.reshape(100, -1)[:60])
    assert not second.samples.flags.writeable
    assert not second.buffer.flags.writeable
    assert samples.flags.writeable, "the caller's own array stays as it was"


def test_array_after_seek_still_has_what_lies_before() -> None:
    samples = np.arange(100, dtype="float32")
    source = Array(samples, 8000)
    source.open()
    source.seek(40)
    block = source.read(10)
    assert isinstance(block, Block)
    assert block.buffer is not None
    np.testing.assert_array_equal(block.samples[:, 0], samples[40:50])
    np.testing.assert_array_equal(block.buffer[:, 0], samples[:50])


@pytest.mark.parametrize(
    ("samples", "rate", "kind", "text"),
    [
        (np.zeros(4, "int64"), 8000, TypeError, "int64"),
        (np.zeros(4, "float16"), 8000, TypeError, "float16"),
        (np.zeros(4, ">i2"), 8000, TypeError, ">i2"),
        (np.zeros(4, "complex64"), 8000, TypeError, "complex64"),
        (np.zeros((2, 2, 2), "float32"), 8000, ValueError, "shape"),
        (np.float32(1), 8000, ValueError, "shape"),
        (np.zeros((2, 44_100), "float32"), 8000, ValueError, "transpose"),
        (np.zeros((4, 0), "float32"), 8000, ValueError, "0 channels"),
        (np.zeros(4, "float32"), 0, ValueError, "1 Hz"),
        (np.zeros(4, "float32"), True, ValueError, "1 Hz"),
        (np.zeros(4, "float32"), 8000.0, TypeError, "integer"),
    ],
)
def test_array_refuses(samples: np.ndarray, rate: int, kind: type[Exception], text: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(kind, match=text):
        Array(samples, rate)


def test_array_of_nothing() -> None:
    source = Array(np.zeros(0, "float32"), 8000)
    assert source.open().frames == 0
    assert source.read(10) is None


def test_the_callers_file_stays_open(wav: bytes) -> None:
    file = io.BytesIO(wav)
    file.seek(100)
    for _ in range(2):
        source = FileObject(file)
        source.open()
        assert len(read_all(source)) == 5000
        source.close()
        assert not file.closed


@pytest.mark.parametrize("name", ["#EXTM3U.m3u8", "/etc/passwd", "http://127.0.0.1:1/a.mpd", 3, b"x", None, ""])
def test_a_hostile_name_does_not_matter(wav: bytes, name: object) -> None:
    file = io.BytesIO(wav)
    file.name = name  # type: ignore[attr-defined]
    source = FileObject(file)
    source.open()
    assert len(read_all(source)) == 5000
    source.close()
    assert source.name == (name if name and isinstance(name, str) else "file")


def test_a_real_file_and_a_spooled_one(wav: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(wav)
    with open(tmp_path / "a.wav", "rb") as file, tempfile.SpooledTemporaryFile() as spooled:
        spooled.write(wav)
        for opened in (file, spooled):
            source = FileObject(opened)  # type: ignore[arg-type]
            source.open()
            assert len(read_all(source)) == 5000
            source.close()
            assert not opened.closed


def test_a_file_that_can_seek_is_read_from_its_beginning() -> None:
    file = io.BytesIO(b"0123456789")
    file.seek(7)
    media = FileObject(file)._open_media()
    assert (media.size, media.seekable, media.file.read(3)) == (10, True, b"012")


def test_the_end_of_a_pipe(wav: bytes) -> None:
    """A file object on a pipe: `seekable` is False."""
    read_end, write_end = os.pipe()
    with open(read_end, "rb") as reader, open(write_end, "wb") as writer:
        writer.write(wav)
        writer.close()
        source = FileObject(reader)
        source.open()
        assert len(read_all(source)) == 5000
        source.close()


def test_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="'rb'"):
        FileObject(io.StringIO("RIFF"))  # type: ignore[arg-type]
    (tmp_path / "a").write_text("x")
    with open(tmp_path / "a") as file, pytest.raises(TypeError, match="'rb'"):
        FileObject(file)  # type: ignore[arg-type]


class Broken(io.BytesIO):
    """Fails after 6000 bytes."""

    def __init__(self, data: bytes, error: Exception) -> None:
        super().__init__(data)
        self.error = error

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() >= 6000:
            raise self.error
        return super().read(min(size or -1, 6000 - self.tell()))


@pytest.mark.parametrize("error", [RuntimeError("hunter2"), ValueError("I/O on closed file"), OSError(5, "EIO")])
def test_what_a_file_raises_is_mapped_and_what_came_was_delivered(wav: bytes, error: Exception) -> None:
    source = FileObject(Broken(wav, error))
    source.open()
    frames, raised = read_until(source, DecodeError, "cannot be read")
    source.close()
    assert frames == (6000 - 44) // 2
    assert raised.__cause__ is error
    assert "hunter2" not in str(raised)


@pytest.mark.parametrize(("gives", "text"), [(None, "does not wait"), ("text", "str, not bytes")])
def test_a_file_that_gives_no_bytes(gives: object, text: str) -> None:
    class Odd:
        def read(self, size: int = -1) -> object:
            return gives

    with pytest.raises(DecodeError, match=text):
        FileObject(Odd()).open()  # type: ignore[arg-type]


@pytest.mark.parametrize("make", [Bytes, lambda data: FileObject(io.BytesIO(data))])
def test_no_audio(make: type[Bytes]) -> None:
    for data in (b"", b"\0", b"hello" * 100):
        with pytest.raises(FormatError):
            make(data).open()


def test_bytes_cut_short(wav: bytes) -> None:
    source: Source = Bytes(memoryview(wav)[:4000])
    source.open()
    frames, _ = read_until(source, TruncatedSourceError)
    source.close()
    assert frames == (4000 - 44) // 2
