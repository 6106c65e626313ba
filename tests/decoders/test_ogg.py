"""Very short Ogg Vorbis is as long as soundfile says; pages are told apart from what is none."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile as sf

from audiostreamer import DecodeError, FormatError, Generator
from audiostreamer.decoders.ogg import is_one_page, next_link, pages_end
from audiostreamer.decoders.reader import Reader

from .decoding import decode, from_bytes, from_path, from_pipe, sf_encode, signal


@pytest.mark.parametrize("rate", [16000, 44100, 48000])
@pytest.mark.parametrize("frames", [1, 100, 4800, 9600, 16000])
def test_short_vorbis_has_its_length(frames, rate, tmp_path):
    data = sf_encode(signal(1, 1, rate)[:frames], "OGG", "VORBIS", rate)
    expected, _ = sf.read(io.BytesIO(data), always_2d=True)
    assert len(expected) == frames
    (tmp_path / "x").write_bytes(data)
    for media in (from_bytes(data), from_path(tmp_path / "x"), from_pipe(data)):
        got = decode(media)
        assert (got.error, got.events, got.frames) == (None, [], frames)
        np.testing.assert_allclose(got.samples, expected, atol=1e-6)


def test_only_one_page_of_audio_goes_to_libsndfile():
    short = sf_encode(signal(0.1, 1, 16000), "OGG", "VORBIS", 16000)
    long = sf_encode(signal(9), "OGG", "VORBIS")
    assert is_one_page(Reader(from_bytes(short)))
    assert not is_one_page(Reader(from_bytes(long)))
    assert not is_one_page(Reader(from_bytes(short + short)))  # chained: libsndfile would read the first only
    assert not is_one_page(Reader(from_bytes(short[:50])))
    assert not is_one_page(Reader(from_bytes(bytes(1000))))
    assert decode(from_bytes(short)).engine == "libsndfile"
    assert decode(from_bytes(long)).engine == "FFmpeg"
    assert decode(from_bytes(short + short)).engine == "FFmpeg"


def test_pages_follow_each_other():
    first, second = (sf_encode(signal(1, 1, rate), "OGG", "VORBIS", rate) for rate in (16000, 44100))
    reader = Reader(from_bytes(first + second))
    assert next_link(reader, 0) == len(first)
    assert pages_end(reader, 0, len(first)) == len(first)
    assert pages_end(reader, 1, len(first)) == 1
    assert pages_end(reader, 0, len(first) - 1) < len(first) - 1
    broken = Reader(from_bytes(first + bytes(100) + second))
    assert next_link(broken, 0) == len(first) + 100
    assert pages_end(broken, 0, len(first) + 100) == len(first)
    assert next_link(broken, len(first) + 100) is None


@pytest.mark.parametrize(("subtype", "seconds"), [("OPUS", 1), ("OPUS", 6), ("VORBIS", 6), ("VORBIS", 0.1)])
def test_a_damaged_last_page_is_no_end(subtype: str, seconds: float) -> None:
    whole = io.BytesIO()
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, int(48_000 * seconds))
    sf.write(whole, noise, 48_000, format="OGG", subtype=subtype)
    damaged = bytearray(whole.getvalue())
    damaged[-20] ^= 1
    with pytest.raises((DecodeError, FormatError)):
        Generator(bytes(damaged), window_length="100ms").run()
    assert Generator(whole.getvalue(), window_length="100ms").run().errors == {}
