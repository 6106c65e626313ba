"""What every source keeps to. A subclass says how to make one, and inherits every case."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from audiostreamer import Generator, Window
from audiostreamer.errors import AudioStreamerError, SourceError
from audiostreamer.sources.base import Block, Source

from .servers import PATIENCE_SECONDS

Make = Callable[[], Source]


def read_all(source: Source, max_frames: int = 1000) -> np.ndarray[Any, Any]:
    """All the samples from here to the end, checked block by block."""
    blocks = []
    while (event := source.read(max_frames)) is not None:
        assert isinstance(event, Block)
        assert 1 <= len(event.samples) <= max_frames
        assert event.samples.ndim == 2
        blocks.append(np.array(event.samples))
    return np.concatenate(blocks) if blocks else np.empty((0, 0))


def read_until(
    source: Source, kind: type[SourceError] | tuple[type[SourceError], ...], text: str | None = None
) -> tuple[int, SourceError]:
    """Read to an error of this kind, with these words; returns how many frames came before it, and the error."""
    count = 0

    def read() -> None:
        nonlocal count
        while block := source.read(500):
            assert isinstance(block, Block)
            count += len(block.samples)

    with pytest.raises(kind, match=text) as caught:
        read()
    return count, caught.value


class SourceContract:
    """Cases for a source of `FRAMES` frames of `CHANNELS` channels at `RATE` Hz.

    Subclasses set the constants, define a fixture ``make`` (a callable that gives a fresh source each time), and
    override ``missing`` (one that cannot be opened), ``blocked`` (one whose next read waits for ever) and
    ``secretive`` (one with the password ``hunter2``) where there is such a thing.
    """

    FRAMES = 5000
    CHANNELS = 1
    RATE = 8000
    SEEKS = True
    KEEPS_HEADROOM = True

    @pytest.fixture
    def make(self) -> Make:
        raise NotImplementedError

    @pytest.fixture
    def missing(self) -> Source | None:
        return None

    @pytest.fixture
    def secretive(self) -> Source | None:
        return None

    @pytest.fixture
    def blocked(self) -> Source | None:
        return None

    def test_format(self, make: Make) -> None:
        source = make()
        found = source.open()
        source.close()
        assert (found.sample_rate, found.channels) == (self.RATE, self.CHANNELS)
        assert found.frames in (self.FRAMES, None)
        assert source.engine

    def test_frame_count(self, make: Make) -> None:
        source = make()
        source.open()
        assert read_all(source).shape == (self.FRAMES, self.CHANNELS)
        source.close()

    @pytest.mark.parametrize("max_frames", [1, 37, 4096, 100_000])
    def test_any_block_size_gives_the_same_samples(self, make: Make, max_frames: int) -> None:
        source, again = make(), make()
        source.open()
        expected = read_all(source)
        source.close()
        again.open()
        np.testing.assert_array_equal(read_all(again, max_frames), expected)
        again.close()

    def test_the_end_stays_the_end(self, make: Make) -> None:
        source = make()
        source.open()
        read_all(source)
        assert [source.read(10) for _ in range(3)] == [None] * 3
        source.close()

    @pytest.mark.parametrize("tail", ["pad", "drop"])
    def test_its_windows_balance_the_ledger(self, make: Make, tail: str) -> None:
        seen: list[Window] = []
        report = Generator(make(), seen.append, window_length=700, hop_length=300, tail=tail).run()
        (stream,) = report.streams.values()
        ledger = stream.ledger
        assert ledger.balanced
        assert (ledger.source_frames, ledger.captured, ledger.pending) == (self.FRAMES, self.FRAMES, 0)
        assert [window.start for window in seen] == [300 * k for k in range(len(seen))]
        assert ledger.delivered + ledger.dropped_tail == self.FRAMES

    def test_close_twice(self, make: Make) -> None:
        source = make()
        source.open()
        source.read(10)
        source.close()
        source.close()

    def test_close_without_open(self, make: Make) -> None:
        make().close()

    def test_close_gives_everything_back(self, make: Make) -> None:
        warm = make()  # what a driver keeps for the process comes with the first one
        warm.open()
        warm.close()
        before = open_files()
        source = make()
        source.open()
        source.read(10)
        source.close()
        assert open_files() == before

    @pytest.mark.parametrize("frame", [0, 1, 1234, 4999, 5000, 7000])
    def test_seek_is_reading_and_discarding(self, make: Make, frame: int) -> None:
        whole, source = make(), make()
        whole.open()
        expected = read_all(whole)
        whole.close()
        source.open()
        could = source.seek(frame)
        assert could is self.SEEKS
        rest = read_all(source)
        source.close()
        np.testing.assert_array_equal(rest.ravel(), (expected[frame:] if could else expected).ravel())

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_headroom_and_type(self, make: Make, dtype: str) -> None:
        source = make()
        source.dtype = dtype
        source.open()
        source.headroom = 17
        for max_frames in (100, 300):
            block = source.read(max_frames)
            assert isinstance(block, Block)
            if self.KEEPS_HEADROOM:
                assert block.buffer is not None
                assert block.samples.dtype == block.buffer.dtype == np.dtype(dtype)
                assert len(block.buffer) == 17 + len(block.samples)
                assert np.shares_memory(block.buffer[17:], block.samples)
                assert block.buffer.flags.writeable
        source.close()

    def test_a_missing_one_is_a_typed_error_that_names_it(self, missing: Source | None) -> None:
        if missing is None:
            return
        with pytest.raises(SourceError) as caught:
            missing.open()
        assert missing.name in str(caught.value)
        assert isinstance(caught.value, FileNotFoundError)
        missing.close()

    def test_names_hold_no_credentials(self, make: Make, secretive: Source | None) -> None:
        for source in (make(), secretive):
            if source is not None:
                assert source.name in repr(source)
                assert "hunter2" not in source.name + repr(source) + repr(source.uri)
                source.name.encode()

    def test_errors_hold_no_credentials(self, secretive: Source | None) -> None:
        if secretive is not None:
            with pytest.raises(AudioStreamerError) as caught:
                secretive.open()
            assert "hunter2" not in str(caught.value) + repr(caught.value)
            secretive.close()

    def test_interrupt_at_rest_does_no_harm(self, make: Make) -> None:
        source = make()
        source.interrupt()
        source.close()
        source.interrupt()

    def test_interrupt_ends_a_blocked_read(self, blocked: Source | None) -> None:
        if blocked is None:
            return
        outcome: list[object] = []
        thread = threading.Thread(target=lambda: outcome.append(_outcome(blocked)), name="reader")
        thread.start()
        thread.join(0.2)
        assert thread.is_alive(), f"the read did not block: {outcome}"
        blocked.interrupt()
        thread.join(2.0)
        ended = not thread.is_alive()
        thread.join(PATIENCE_SECONDS)
        blocked.close()
        assert ended
        assert isinstance(outcome[0], SourceError)


def _outcome(source: Source) -> object:
    try:
        while (event := source.read(100_000)) is not None:
            pass
    except Exception as error:
        return error
    return event


def open_files() -> int:
    """How many file descriptors this process has, I/O loop included."""
    return len(os.listdir("/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"))
