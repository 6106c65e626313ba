"""The check for ordinary FLAC costs little, whatever the file claims."""

from __future__ import annotations

import struct
import time

import pytest

from audiostreamer.decoders import flac
from audiostreamer.decoders.flac import is_ordinary_flac
from audiostreamer.decoders.reader import Reader
from audiostreamer.errors import SourceError

from .decoding import decode, from_bytes, sf_encode, signal

SECONDS = 2.5  # half of what a bad file may take


def frame_header(number: int) -> bytes:
    """6 bytes: 192 frames, mono, 16 bits, and the right check byte."""
    head = bytes([0xFF, 0xF8, 0x19, 0x08, number])
    return head + bytes([flac._crc8(head)])


def hostile(repeated: bytes, size: int) -> bytes:
    packed = 44100 << 44 | 0 << 41 | 15 << 36 | 192
    info = struct.pack(">HH", 192, 192) + bytes(3) + b"\xff\xff\xff" + packed.to_bytes(8, "big") + bytes(16)
    return b"fLaC\x80\0\0\x22" + info + frame_header(0) + repeated * (size // len(repeated))


@pytest.mark.parametrize("size", [60_000, 1_000_000, 5_000_000])
@pytest.mark.parametrize("repeated", [frame_header(0), frame_header(1), b"\xff\xf8", b"\xff"])
def test_a_file_full_of_headers_takes_no_longer(repeated, size):
    data = hostile(repeated, size)
    start = time.process_time()
    assert not is_ordinary_flac(Reader(from_bytes(data)))
    assert time.process_time() - start < SECONDS


def test_a_file_full_of_headers_ends_typed():
    start = time.process_time()
    try:
        got = decode(from_bytes(hostile(frame_header(0), 60_000)))
        assert got.error is None or isinstance(got.error, SourceError)
    except SourceError:
        pass
    assert time.process_time() - start < 2 * SECONDS


@pytest.mark.parametrize("decoys", [1, 20])
def test_a_few_decoys_in_the_last_frame_do_not_matter(decoys, monkeypatch):
    """Candidates that fail their checksum are passed over, up to the true frame."""
    sums = []
    monkeypatch.setattr(flac, "_is_last", lambda *args: True)

    def count(part):
        sums.append(len(part))
        return len(sums) > decoys

    monkeypatch.setattr(flac, "_is_whole", count)
    monkeypatch.setattr(flac, "_frame", lambda head: flac._Frame(False, 0, 4096, 2, 16))
    tail = b"\xff\xf8" * 40 + bytes(16)
    info = flac._Info(0, 2, 16, 4096)
    assert flac._ends_in_last_frame(tail, flac._Frame(False, 0, 4096, 2, 16), info)
    assert len(sums) == decoys + 1


def test_the_largest_frame_is_within_the_budget():
    """White noise of 8 channels and 24 bits in the largest blocks."""
    x = signal(6, 8, 8000)
    data = sf_encode(x, "FLAC", "PCM_24", 8000)
    assert is_ordinary_flac(Reader(from_bytes(data)))
    assert decode(from_bytes(data)).engine == "libsndfile"


@pytest.mark.parametrize("junk", [b"\0", bytes(2), bytes(1000), b"x", b"\xff\xf8" * 100])
def test_whatever_follows_the_last_frame_is_noticed(junk):
    """libsndfile loses the last frame then; zeros leave a checksum as it is."""
    data = sf_encode(signal(3), "FLAC")
    assert is_ordinary_flac(Reader(from_bytes(data)))
    assert not is_ordinary_flac(Reader(from_bytes(data + junk)))
    if junk[0] != 0xFF:
        got = decode(from_bytes(data + junk))
        assert got.frames == 132_300
