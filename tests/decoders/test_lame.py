"""An MP3 from a pipe gives the same samples as from a file."""

from __future__ import annotations

import numpy as np
import pytest

from audiostreamer.decoders.lame import end_padding
from audiostreamer.decoders.reader import Reader

from .bad_input import id3
from .decoding import av_encode, decode, from_bytes, from_path, from_pipe, sf_encode, signal

RATES = {"MPEG 1": 44100, "MPEG 2": 22050, "MPEG 2.5": 8000}


def encoded(version: str, channels: int, *, tag: bool = True) -> bytes:
    rate = RATES[version]
    x = signal(1.7, channels, rate)
    if tag:
        return sf_encode(x, "MP3", None, rate)
    return av_encode(x, "mp3", "libmp3lame", rate, options={"write_xing": "0", "id3v2_version": "0"})


@pytest.mark.parametrize("front", [b"", id3(5000), id3(2 << 20)], ids=["bare", "ID3v2", "large ID3v2"])
@pytest.mark.parametrize("tag", [True, False], ids=["Xing", "no Xing"])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("version", RATES)
def test_a_pipe_equals_a_file(version, channels, tag, front, tmp_path):
    data = front + encoded(version, channels, tag=tag)
    (tmp_path / "x").write_bytes(data)
    file = decode(from_path(tmp_path / "x"))
    assert file.error is None
    for block in (4096, 1000):
        got = decode(from_pipe(data), block)
        assert (got.error, got.events, got.frames) == (None, [], file.frames)
        np.testing.assert_array_equal(got.samples, file.samples)
    if tag:
        assert file.frames == int(1.7 * RATES[version])


@pytest.mark.parametrize("version", RATES)
def test_padding_is_behind_the_audio(version):
    first, last = end_padding(Reader(from_bytes(encoded(version, 1))), 0)
    assert first == int(1.7 * RATES[version])
    assert 0 < last - first < 4096


@pytest.mark.parametrize("data", [b"", b"\xff", b"\xff\xfb\x90\x00", bytes(300), b"\xff\xfb\x90\x00" + b"\xff" * 300])
def test_no_tag_means_no_padding(data):
    assert end_padding(Reader(from_bytes(data)), 0) == (0, 0)
    assert end_padding(Reader(from_bytes(encoded("MPEG 1", 2, tag=False))), 0) == (0, 0)
