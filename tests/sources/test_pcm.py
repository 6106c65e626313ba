from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from audiostreamer.errors import FormatError, SourceError, SourceNotFoundError, TruncatedSourceError
from audiostreamer.sources.base import Source
from audiostreamer.sources.pcm import Pcm

from .contract import Make, SourceContract, read_all, read_until
from .test_pipe import Writers

RAW = np.random.default_rng(2).integers(-32768, 32768, 10_000).astype("<i2").tobytes()


class TestPcm(SourceContract):
    CHANNELS = 2

    @pytest.fixture
    def make(self, tmp_path: Path) -> Make:
        (tmp_path / "a.raw").write_bytes(RAW)
        return lambda: Pcm(f"pcm:{tmp_path}/a.raw?rate=8000&channels=2")

    @pytest.fixture
    def missing(self, tmp_path: Path) -> Source:
        return Pcm(f"pcm:{tmp_path}/none.raw?rate=8000")


class TestPcmFromPipe(SourceContract):
    CHANNELS = 2
    SEEKS = False

    @pytest.fixture
    def writers(self, tmp_path: Path) -> Iterator[Writers]:
        made = Writers(tmp_path)
        yield made
        made.close()

    @pytest.fixture
    def make(self, writers: Writers) -> Make:
        return lambda: Pcm(f"pcm:{writers.pipe(RAW)}?rate=8000&channels=2")

    @pytest.fixture
    def blocked(self, writers: Writers) -> Source:
        source = Pcm(f"pcm:{writers.pipe(RAW, hold=True)}?rate=8000")
        source.open()
        return source

    def test_close_gives_everything_back(self, make: Make) -> None:
        source = make()
        source.open()
        source.close()
        assert source._pipe._fd == -1  # type: ignore[attr-defined]


def read(path: Path, data: bytes, query: str, dtype: str = "float64") -> np.ndarray:  # type: ignore[type-arg]
    path = path / "x.raw"
    path.write_bytes(data)
    source = Pcm(f"pcm:{path}?rate=8000&{query}")
    source.dtype = dtype
    source.open()
    samples = read_all(source)
    source.close()
    return samples


INTEGERS = {"int8": 8, "int16": 16, "int24": 24, "int32": 32}


@pytest.mark.parametrize("endian", ["little", "big"])
@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers(dtype: str, endian: str, tmp_path: Path) -> None:
    bits = INTEGERS[dtype]
    top = 1 << (bits - 1)
    values = [0, 1, -1, top - 1, -top, top // 3]
    data = b"".join(value.to_bytes(bits // 8, endian, signed=True) for value in values)  # type: ignore[arg-type]
    got = read(tmp_path, data, f"dtype={dtype}&endian={endian}")
    assert got[:, 0].tolist() == [value / top for value in values]


def test_unsigned(tmp_path: Path) -> None:
    assert read(tmp_path, bytes([0, 128, 255]), "dtype=uint8")[:, 0].tolist() == [-1, 0, 127 / 128]


@pytest.mark.parametrize("endian", ["little", "big"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floats(dtype: str, endian: str, tmp_path: Path) -> None:
    values = np.array([0, 1.5, -0.25, 1e-3], dtype)
    data = values.astype({"little": "<", "big": ">"}[endian] + values.dtype.str[1:]).tobytes()
    assert read(tmp_path, data, f"dtype={dtype}&endian={endian}")[:, 0].tolist() == values.tolist()


def test_offset_and_channels(tmp_path: Path) -> None:
    data = b"HEADER" + np.arange(6, dtype="<i2").tobytes()
    got = read(tmp_path, data, "offset=6&channels=3", "float32") * 32768
    assert got.tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize("hold", ["file", "pipe"])
def test_an_incomplete_frame_at_the_end(hold: str, tmp_path: Path) -> None:
    writers = Writers(tmp_path)
    path = tmp_path / "a.raw"
    path.write_bytes(b"HH" + RAW[:4003])
    source = Pcm(f"pcm:{path if hold == 'file' else writers.pipe(path.read_bytes())}?rate=8000&channels=2&offset=2")
    source.open()
    counts = [read_until(source, TruncatedSourceError, "3 bytes")[0] for _ in range(2)]
    source.close()
    writers.close()
    assert counts == [1000, 0]


@pytest.mark.parametrize("data", [b"", b"1234"])
def test_shorter_than_the_header_to_leave_out(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="offset=44"):
        read(tmp_path, data, "offset=44")


def test_nothing_is_no_frame(tmp_path: Path) -> None:
    assert read(tmp_path, b"", "").size == 0


def test_arguments_instead_of_a_query(tmp_path: Path) -> None:
    (tmp_path / "what?.raw").write_bytes(RAW)
    source = Pcm(f"{tmp_path}/what?.raw", rate=8000, dtype="int24", channels=2)
    assert source.open().frames == len(RAW) // 6
    source.close()


@pytest.mark.parametrize(
    ("uri", "text"),
    [
        ("pcm:a.raw", r"pcm:take.raw\?rate=16000"),
        ("pcm:a.raw?rate=-1", "at least 1"),
        ("pcm:a.raw?rate=16k", "rate='16k'"),
        ("pcm:a.raw?rate=8000&channels=0", "channels=0: at least 1"),
        ("pcm:a.raw?rate=8000&offset=-1", "offset=-1: at least 0"),
        ("pcm:a.raw?rate=8000&dtype=int12", "int8, uint8, int16, int24, int32, float32, float64"),
        ("pcm:a.raw?rate=8000&endian=middle", "little, big"),
        ("pcm:a.raw?rate=8000&chanels=2", "'chanels'; allowed: channels, dtype, endian, offset, rate"),
    ],
)
def test_what_cannot_be_says_so(uri: str, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Pcm(uri)


def test_a_directory(tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        Pcm(f"pcm:{tmp_path}?rate=8000").open()
    with pytest.raises(SourceNotFoundError):
        Pcm("pcm:?rate=8000").open()


CHILD = """
from audiostreamer.sources.pcm import Pcm
source = Pcm("pcm:-?rate=8000")
source.open()
count = 0
while (block := source.read(1000)) is not None:
    count += len(block.samples)
source.close()
print(count)
"""


def test_standard_input() -> None:
    ran = subprocess.run([sys.executable, "-c", CHILD], input=RAW, capture_output=True, timeout=30, check=True)
    assert int(ran.stdout) == 10_000
    assert os.fstat(0)


def test_an_object_may_be_used_again(tmp_path: Path) -> None:
    """A file after an interrupt, and then a pipe under the same name."""
    path = tmp_path / "a.raw"
    path.write_bytes(RAW)
    source = Pcm(f"pcm:{path}?rate=8000")
    for _ in range(2):
        source.open()
        assert len(read_all(source)) == 10_000
        source.interrupt()
        source.close()
    path.unlink()
    os.mkfifo(path)
    writer = subprocess.Popen(["dd", f"of={path}", "status=none"], stdin=subprocess.PIPE)
    assert writer.stdin is not None
    writer.stdin.write(RAW[:4000])
    writer.stdin.close()
    source.open()
    assert len(read_all(source)) == 2000
    source.close()
    writer.wait(30)


def test_a_missing_rate_is_said_with_one_colon() -> None:
    with pytest.raises(ValueError, match=r"^pcm: raw samples"):
        Pcm("pcm:")
