"""The bytes as decoders see them: no way back that is not one, and no copy without an end."""

from __future__ import annotations

import io
import tracemalloc

import pytest

from audiostreamer.decoders import reader as module
from audiostreamer.decoders.base import Media
from audiostreamer.decoders.engines import open_decoder
from audiostreamer.decoders.reader import Reader
from audiostreamer.errors import FormatError, SourceError

from .decoding import Pipe, from_pipe, sf_encode, signal

DATA = bytes(range(256)) * 200


@pytest.mark.parametrize("back", [0, 1, 9_999])
def test_a_forgotten_beginning_cannot_be_reached(back):
    reader = Reader(from_pipe(DATA))
    assert reader.exactly(10_000) == DATA[:10_000]
    reader.forget()
    assert reader.exactly(100) == DATA[10_000:10_100]
    reader.seek(back)
    assert reader.read(10) == b""
    with pytest.raises(SourceError) as caught:
        reader.check()
    assert isinstance(caught.value.__cause__, io.UnsupportedOperation)


def test_the_beginning_is_reached_while_it_is_kept():
    reader = Reader(from_pipe(DATA))
    for at in (0, 20_000, 5, 15_000, 0, 40_000):
        assert reader.seek(at) == at
        assert reader.exactly(300) == DATA[at : at + 300]
    reader.seek(7)
    reader.forget()
    assert reader.exactly(len(DATA)) == DATA[7:]
    reader.check()


def test_forgetting_at_the_beginning_needs_no_way_back():
    reader = Reader(from_pipe(DATA))
    reader.forget()
    reader.seek(0)
    assert reader.exactly(20) == DATA[:20]
    reader.seek(500)
    assert reader.exactly(20) == DATA[500:520]
    reader.check()


@pytest.mark.parametrize("seekable", [True, False])
def test_nothing_lies_before_the_beginning(seekable):
    file = io.BytesIO(DATA) if seekable else Pipe(DATA)
    reader = Reader(Media("x", file, None, seekable))
    reader.seek(-1)
    assert reader.read(1) == b""
    with pytest.raises(SourceError):
        reader.check()


class Endless(io.RawIOBase):
    """Bytes that never end."""

    def __init__(self, head: bytes) -> None:
        self._head, self.given = head, 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._head[self.given : self.given + size] or bytes(size)
        self.given += len(data)
        return data


def test_a_copy_has_an_end(monkeypatch):
    monkeypatch.setattr(module, "_MAX_SPOOL", 1 << 26)
    file = Endless(sf_encode(signal(1, 1, 8000), "WAV", "GSM610", 8000))
    media = Media("x", file, None, False)
    tracemalloc.start()
    try:
        with pytest.raises(FormatError, match="can seek"):
            open_decoder(media)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert file.given <= (1 << 26) + (1 << 17)
    assert file.closed
    assert peak < 3 * module._SPOOL_IN_MEMORY


def test_what_promises_too_much_is_not_even_read():
    file = Endless(sf_encode(signal(1, 1, 8000), "WAV", "GSM610", 8000))
    with pytest.raises(FormatError, match="can seek"):
        open_decoder(Media("x", file, None, False, (1 << 32) + 1))
    assert file.given < 1 << 20


def test_a_copy_is_as_good_as_the_file():
    reader = Reader(from_pipe(DATA))
    reader.exactly(100)
    reader.spool()
    assert reader.tell() == 100
    assert reader.seekable_media
    assert reader.size == len(DATA)
    reader.seek(0)
    assert reader.exactly(len(DATA)) == DATA
    reader.close()
