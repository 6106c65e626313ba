from __future__ import annotations

import io
import os
import select
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiostreamer import Generator
from audiostreamer.errors import (
    FormatError,
    SourceError,
    SourceNotFoundError,
    SourceTimeoutError,
    TruncatedSourceError,
    UnsupportedSourceError,
)
from audiostreamer.sources.base import Block, Source
from audiostreamer.sources.pipe import Pipe, PipeFile

from .contract import Make, SourceContract, open_files, read_all, read_until
from .servers import PATIENCE_SECONDS


class Writers:
    """Threads that write to named pipes."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._threads, self._count = folder, list[threading.Thread](), 0
        self.release = threading.Event()

    def pipe(self, data: bytes, *, hold: bool = False) -> str:
        """A new named pipe, and somebody who writes `data` to it; then closes it, or holds it open."""
        self._count += 1
        path = str(self._folder / f"pipe{self._count}")
        os.mkfifo(path)
        self._threads.append(threading.Thread(target=self._write, args=(path, data, hold), name="writer"))
        self._threads[-1].start()
        return path

    def _write(self, path: str, data: bytes, hold: bool) -> None:
        try:
            with open(path, "wb", buffering=0) as file:
                file.write(data)
                if hold:
                    self.release.wait(PATIENCE_SECONDS)
        except BrokenPipeError:
            pass

    def writing(self) -> bool:
        """Whether the latest writer still holds its pipe open."""
        return self._threads[-1].is_alive()

    def close(self) -> None:
        """Let go of all writers, also of those that nobody came to read from."""
        self.release.set()
        pipes = [self._folder / name for name in os.listdir(self._folder) if name.startswith("pipe")]
        readers = [os.open(pipe, os.O_RDONLY | os.O_NONBLOCK) for pipe in pipes]
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS)
        for reader in readers:
            os.close(reader)
        assert not any(thread.is_alive() for thread in self._threads)


@pytest.fixture
def writers(tmp_path: Path) -> Iterator[Writers]:
    made = Writers(tmp_path)
    yield made
    made.close()


class TestPipe(SourceContract):
    SEEKS = False

    @pytest.fixture
    def make(self, writers: Writers, wav: bytes) -> Make:
        return lambda: Pipe(f"pipe:{writers.pipe(wav)}")

    @pytest.fixture
    def missing(self, tmp_path: Path) -> Source:
        return Pipe(f"pipe:{tmp_path}/none")

    @pytest.fixture
    def blocked(self, writers: Writers, wav: bytes) -> Source:
        source = Pipe(writers.pipe(wav[:6000], hold=True))
        source.open()
        return source

    # every source here needs a writer, and the contract's does nothing with these but close them
    def test_close_gives_everything_back(self, make: Make) -> None:
        source = make()
        source.open()
        source.close()
        assert all(fd == -1 for fd in (source._file._fd, source._file._wake, source._file._waker))  # type: ignore[attr-defined]


def test_what_has_come_is_given_at_once(writers: Writers, wav: bytes) -> None:
    source = Pipe(writers.pipe(wav[:6044], hold=True))
    source.open()
    count = 0
    while count < 3000:
        block = source.read(5000)
        assert isinstance(block, Block)
        count += len(block.samples)
    source.close()
    assert count == 3000


def test_a_writer_that_says_nothing_for_long_is_no_missing_writer(writers: Writers, wav: bytes) -> None:
    path = writers.pipe(b"", hold=True)
    source = Pipe(path, timeout="100ms")
    outcome: list[object] = []
    thread = threading.Thread(target=lambda: outcome.append(_error(source)), name="opener")
    thread.start()
    thread.join(0.5)
    assert thread.is_alive(), outcome
    source.interrupt()
    thread.join(2.0)
    assert not thread.is_alive()
    assert "interrupted" in str(outcome[0])


def _error(source: Source) -> BaseException | None:
    try:
        source.open()
    except SourceError as error:
        return error
    finally:
        source.close()
    return None


def test_without_a_writer_open_gives_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "lonely")
    before = open_files()
    source = Pipe(f"pipe:{tmp_path}/lonely", timeout="50ms")
    with pytest.raises(SourceTimeoutError, match="nobody"):
        source.open()
    assert open_files() == before, "a failed open leaves nothing open, also without close"


def test_interrupt_ends_the_wait_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "lonely")
    source = Pipe(f"pipe:{tmp_path}/lonely", timeout="1h")
    outcome: list[object] = []
    thread = threading.Thread(target=lambda: outcome.append(_error(source)), name="opener")
    thread.start()
    thread.join(0.1)
    source.interrupt()
    thread.join(2.0)
    assert not thread.is_alive()
    assert "interrupted" in str(outcome[0])


def test_a_writer_that_comes_and_goes_without_a_word(tmp_path: Path) -> None:
    path = tmp_path / "brief"
    os.mkfifo(path)
    file = PipeFile(str(path), "brief", 10.0)
    keep = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(path, os.O_WRONLY)
    file.connect()
    os.close(writer)
    assert file.read(10) == b""
    os.close(keep)
    file.close()


@pytest.mark.parametrize(("name", "kind"), [("", UnsupportedSourceError), ("none", SourceNotFoundError)])
def test_what_is_no_pipe(name: str, kind: type[SourceError], tmp_path: Path) -> None:
    with pytest.raises(kind):
        Pipe(f"pipe:{tmp_path}/{name}").open()


def test_a_device_that_never_ends_is_no_audio() -> None:
    source = Pipe("pipe:/dev/zero")
    with pytest.raises(FormatError):
        source.open()


def test_a_plain_file_may_be_read_as_a_pipe(wav: bytes, tmp_path: Path) -> None:
    (tmp_path / "a?b.wav").write_bytes(wav)
    source = Pipe(f"pipe:{tmp_path}/a?b.wav")
    source.open()
    assert len(read_all(source)) == 5000
    source.close()


def test_options() -> None:
    assert Pipe("pipe:/x?stream=2").track == 2
    with pytest.raises(ValueError, match="allowed: stream"):
        Pipe("pipe:/x?rate=2")
    with pytest.raises(ValueError, match="timeout"):
        Pipe("pipe:/x", timeout="5")


def test_a_stream_cut_short(writers: Writers, wav: bytes) -> None:
    source = Pipe(writers.pipe(wav[:6044]))
    source.open()
    count, _ = read_until(source, TruncatedSourceError)
    source.close()
    assert count == 3000


CHILD = """
import sys
from audiostreamer.sources.pipe import Pipe
source = Pipe(sys.argv[1])
try:
    source.open()
    count = 0
    while (block := source.read(1000)) is not None:
        count += len(block.samples)
    source.close()
    print(count, sys.stdin.buffer.closed)
except Exception as error:
    print(type(error).__name__, error)
"""


def child(name: str, **options: object) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", CHILD, name], capture_output=True, timeout=PATIENCE_SECONDS, check=True, **options
    )  # type: ignore[call-overload]
    assert not ran.stderr, ran.stderr.decode()
    return str(ran.stdout.decode().strip())


@pytest.mark.parametrize("name", ["-", "pipe:", "pipe:-"])
def test_standard_input(name: str, wav: bytes, flac: bytes) -> None:
    assert child(name, input=wav) == "5000 False"
    assert child(name, input=flac) == "5000 False"


def test_standard_input_from_a_file(wav: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(wav)
    with open(tmp_path / "a.wav", "rb") as file:
        assert child("-", stdin=file) == "5000 False"


def test_no_standard_input() -> None:
    assert child("-", stdin=subprocess.DEVNULL).startswith("FormatError -: ")
    assert child("-", preexec_fn=lambda: os.close(0)) == "SourceNotFoundError -: there is no standard input"


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs terminals")
def test_a_terminal_is_refused() -> None:
    ours, theirs = os.openpty()
    try:
        assert "pipe audio into it" in child("-", stdin=theirs)
    finally:
        os.close(ours)
        os.close(theirs)


def test_poll_is_what_waits(writers: Writers, wav: bytes) -> None:
    """The descriptor of standard input is shared with other processes: it must not be made non-blocking."""
    read_end, write_end = os.pipe()
    saved = os.dup(0)
    os.dup2(read_end, 0)
    try:
        file = PipeFile("", "-", 1.0)
        file.connect()
        assert os.get_blocking(0)
        os.write(write_end, b"abc")
        assert select.select([0], [], [], 5)[0]
        assert file.read(10) == b"abc"
        file.close()
        os.fstat(0)
    finally:
        os.dup2(saved, 0)
        for fd in (saved, read_end, write_end):
            os.close(fd)


@pytest.mark.parametrize("container", ["WAV", "MP3"])
def test_windows_come_while_the_writer_goes_on(writers: Writers, container: str) -> None:
    """Half of ten seconds is written, the pipe stays open: most of that half is delivered."""
    data = io.BytesIO()
    soundfile.write(data, np.random.default_rng(0).uniform(-0.5, 0.5, 80_000), 8000, format=container)
    generator = Generator(f"pipe:{writers.pipe(data.getvalue()[: data.getbuffer().nbytes // 2], hold=True)}",
                          window_length="100ms", errors="skip")  # fmt: skip
    windows = iter(generator)
    assert [next(windows).index for _ in range(10)] == list(range(10))
    assert writers.writing()
    writers.release.set()
    windows.close()


def test_a_named_pipe_may_be_used_again(tmp_path: Path, wav: bytes) -> None:
    writers = Writers(tmp_path)
    try:
        path = writers.pipe(wav)
        source = Pipe(path)
        source.open()
        assert len(read_all(source)) == 5000
        source.interrupt()
        source.close()
        (tmp_path / "next").symlink_to(writers.pipe(wav))
        source.path = str(tmp_path / "next")
        source.open()
        assert len(read_all(source)) == 5000
        source.close()
    finally:
        writers.release.set()
        writers.close()
