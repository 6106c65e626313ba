"""Tags are few, short and printable, whoever wrote them."""

from __future__ import annotations

import struct

import pytest

from audiostreamer.decoders.tagging import cleaned

from .decoding import decode, from_bytes
from .test_pcm import RAMP, fmt, wav


def with_info(*items: tuple[bytes, bytes]) -> bytes:
    body = b"INFO"
    for name, text in items:
        body += name + struct.pack("<I", len(text)) + text + b"\0" * (len(text) & 1)
    whole = wav(fmt(), RAMP)
    return whole[:36] + b"LIST" + struct.pack("<I", len(body)) + body + whole[36:]


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        (b"Hello\0", "Hello"),
        (b"Hello", "Hello"),
        (b"Hello\0\0\0rest", "Hello"),
        (b"a\x1b[2Jb\n", "a [2Jb"),
        (b"x" * 5000, "x" * 1000),
        ("né\0".encode(), "né"),
        (b"\xff\0", "\ufffd"),
        (b"\0", None),
        (b"", None),
    ],
)
def test_wav_tags_are_cleaned(stored, shown):
    got = decode(from_bytes(with_info((b"INAM", stored), (b"IART", b"me\0")))).format.metadata
    assert got.get("title") == shown
    assert got["artist"] == "me"


def test_at_most_64():
    assert len(cleaned({f"k{number}": "v" for number in range(1000)})) == 64


def test_names_too():
    assert cleaned({"TI\x00TLE": "x", "": "y", "z": "\t"}) == {"ti tle": "x"}
