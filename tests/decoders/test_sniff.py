"""Content tells what a file is, whatever stands in front of it or in its name."""

from __future__ import annotations

import numpy as np
import pytest

from audiostreamer.decoders.engines import open_decoder
from audiostreamer.decoders.reader import Reader
from audiostreamer.decoders.sniff import Kind, sniff, sniff_head
from audiostreamer.errors import FormatError

from .decoding import av_encode, decode, from_bytes, from_pipe, sf_encode, signal

ENCODED = {
    "wav": lambda: sf_encode(signal(0.2), "WAV"),
    "aiff": lambda: sf_encode(signal(0.2), "AIFF"),
    "au": lambda: sf_encode(signal(0.2), "AU"),
    "caf": lambda: sf_encode(signal(0.2), "CAF"),
    "flac": lambda: sf_encode(signal(0.2), "FLAC"),
    "ogg/vorbis": lambda: sf_encode(signal(0.2), "OGG", "VORBIS"),
    "ogg/opus": lambda: sf_encode(signal(0.2), "OGG", "OPUS", 48000),
    "mp3/layer3": lambda: sf_encode(signal(0.2), "MP3"),
    "mp3/layer2": lambda: av_encode(signal(0.2), "mp2", "mp2"),
    "adts": lambda: av_encode(signal(0.2), "adts", "aac"),
    "mp4": lambda: av_encode(signal(0.2), "mp4", "aac"),
    "matroska": lambda: av_encode(signal(0.2), "matroska", "aac"),
    "mpegts": lambda: av_encode(signal(0.2), "mpegts", "aac"),
    "flv": lambda: av_encode(signal(0.2), "flv", "aac"),
    "asf": lambda: av_encode(signal(0.2), "asf", "wmav2"),
    "avi": lambda: av_encode(signal(0.2), "avi", "aac"),
    "ac3": lambda: av_encode(signal(0.2), "ac3", "ac3"),
    "tta": lambda: av_encode(signal(0.2), "tta", "tta"),
    "wavpack": lambda: av_encode(signal(0.2), "wv", "wavpack"),
}


def id3(size: int) -> bytes:
    return b"ID3\4\0\0" + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0)) + bytes(size)


@pytest.mark.parametrize("kind", ENCODED)
def test_kinds(kind):
    data = ENCODED[kind]()
    assert str(sniff(Reader(from_bytes(data)))) == kind
    assert str(sniff(Reader(from_pipe(data)))) == kind


@pytest.mark.parametrize("size", [100, 60_000, 2_000_000])
@pytest.mark.parametrize("kind", ["wav", "flac", "aiff", "mp3/layer3", "adts"])
@pytest.mark.parametrize("media", [from_bytes, from_pipe])
def test_a_tag_in_front_is_looked_behind(kind, size, media):
    data = ENCODED[kind]()
    plain = decode(media(data))
    tagged = decode(media(id3(size) + data))
    assert tagged.error is None
    np.testing.assert_array_equal(tagged.samples, plain.samples)


@pytest.mark.parametrize(
    "text",
    [
        b"#EXTM3U\n#EXTINF:10,\nfile.ts\n",
        b"ffconcat version 1.0\nfile secret.wav\n",
        b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nm=audio 5004 RTP/AVP 0\r\n",
        b'<?xml version="1.0"?><MPD/>',
        b"[playlist]\nFile1=a.wav\n",
        b"\xef\xbb\xbf#EXTM3U\n",
        "#EXTM3U\nгромко.mp3\n".encode(),
        "#EXTM3U\n".encode("utf-16"),
        b"<!DOCTYPE html>" * 1000,
        b"R",
        b"RIFF",
    ],
)
def test_text_is_refused(text):
    with pytest.raises(FormatError, match="text"):
        sniff_head(text[:4096])


def test_nothing_is_refused():
    with pytest.raises(FormatError, match="empty"):
        sniff_head(b"")
    with pytest.raises(FormatError, match="empty"):
        sniff(Reader(from_bytes(id3(1000))))


@pytest.mark.parametrize(
    "data", [bytes(3000), np.random.default_rng(5).bytes(50_000), b"\x89PNG\r\n\x1a\n" + bytes(100)]
)
def test_unknown_bytes_are_not_audio(data):
    assert sniff_head(data[:4096]) == Kind("")
    with pytest.raises(FormatError):
        open_decoder(from_bytes(data), track=0, dtype="float32")


def test_flac_joined_in_the_middle():
    data = ENCODED["flac"]()
    assert sniff_head(data[data.index(b"\xff\xf8") :]) == Kind("flac")


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        ("fffb9064", "mp3/layer3"),
        ("fff39064", "mp3/layer3"),
        ("ffe39064", "mp3/layer3"),  # MPEG 2.5
        ("fffd9004", "mp3/layer2"),
        ("ffff9004", "mp3/layer1"),
        ("fffb0064", "mp3/free-format"),
        ("fff15080", "adts"),
        ("fff95080", "adts"),
        ("ffeb9064", ""),  # reserved version
        ("fffbf064", ""),  # reserved bit rate
        ("fffb9c64", ""),  # reserved sample rate
        ("fff13c80", ""),  # reserved sample rate
    ],
)
def test_mpeg_audio_headers(head, kind):
    assert str(sniff_head(bytes.fromhex(head) + bytes(100))) == kind
