"""A recording cut short ends in an error wherever its container said how long it would be."""

from __future__ import annotations

import io
from contextlib import suppress

import numpy as np
import pytest
import soundfile

from audiostreamer import Generator
from audiostreamer.decoders.base import Media
from audiostreamer.decoders.promise import promised_bytes
from audiostreamer.decoders.reader import Reader
from audiostreamer.decoders.sniff import Kind
from audiostreamer.errors import DecodeError, FormatError, SourceError, TruncatedSourceError

from .decoding import av_encode, decode, from_bytes, from_path, from_pipe, sf_encode, signal
from .test_pcm import RAMP, fmt, wav

PHONE = signal(3, 1, 8000)
CD = signal(3)
PROMISING = {
    "wav-ima": lambda: sf_encode(PHONE, "WAV", "IMA_ADPCM", 8000),
    "wav-ms": lambda: sf_encode(PHONE, "WAV", "MS_ADPCM", 8000),
    "wav-gsm": lambda: sf_encode(PHONE, "WAV", "GSM610", 8000),
    "wav-g721": lambda: sf_encode(PHONE, "WAV", "G721_32", 8000),
    "wav-mp3": lambda: av_encode(CD, "wav", "mp3"),
    "w64-ima": lambda: sf_encode(PHONE, "W64", "IMA_ADPCM", 8000),
    "aiff-gsm": lambda: sf_encode(PHONE, "AIFF", "GSM610", 8000),
    "au-g721": lambda: sf_encode(PHONE, "AU", "G721_32", 8000),
    "au-g723": lambda: sf_encode(PHONE, "AU", "G723_24", 8000),
    "avi": lambda: av_encode(CD, "avi", "ac3"),
    "mkv": lambda: av_encode(CD, "matroska", "aac"),
    "mkv-video": lambda: av_encode(CD, "matroska", "flac", video=True),
    "webm": lambda: av_encode(signal(3, 2, 48000), "webm", "libopus", 48000),
}


def ways(data: bytes, path):
    path.write_bytes(data)
    # a size that someone promised is checked elsewhere: here only the header speaks
    return from_path(path), Media("x", io.BytesIO(data), None, True), from_pipe(data)


@pytest.mark.parametrize("name", PROMISING)
def test_cut_short_is_told_after_everything_was_delivered(name, tmp_path):
    data = PROMISING[name]()
    whole = decode(from_bytes(data))
    assert whole.error is None
    for media in ways(data[: len(data) // 2], tmp_path / "half"):
        got = decode(media)
        assert isinstance(got.error, TruncatedSourceError)
        assert got.frames == got.error.position
        assert 0.3 * whole.frames < got.frames < 0.7 * whole.frames


@pytest.mark.parametrize("name", PROMISING)
def test_whole_and_with_more_behind_it_ends_cleanly(name, tmp_path):
    data = PROMISING[name]()
    for media in ways(data, tmp_path / "whole"):
        assert decode(media).error is None
    if not name.startswith(("avi", "mkv", "webm")):
        assert decode(from_bytes(data + b"LIST\4\0\0\0INFO")).error is None


def open_size(data: bytes, before: bytes, value: bytes) -> bytes:
    at = data.index(before) + len(before)
    return data[:at] + value + data[at + len(value) :]


OPEN = {
    "wav 0": ("wav-ima", b"data", bytes(4)),
    "wav ones": ("wav-gsm", b"data", b"\xff" * 4),
    "wav SoX": ("wav-gsm", b"data", b"\0\xf0\xff\x7f"),
    "au ones": ("au-g721", b".snd\0\0\0\x18", b"\xff" * 4),
    "avi 0": ("avi", b"RIFF", bytes(4)),
    "avi ones": ("avi", b"RIFF", b"\xff" * 4),
    "mkv unknown": ("mkv", b"\x18\x53\x80\x67", b"\x01" + b"\xff" * 7),
}


@pytest.mark.parametrize("case", OPEN)
def test_an_open_size_promises_nothing(case, tmp_path):
    name, before, value = OPEN[case]
    data = open_size(PROMISING[name](), before, value)
    for media in ways(data, tmp_path / "x"):
        got = decode(media)
        assert got.error is None
        assert got.frames > 0
    kind = Kind({"mkv": "matroska"}.get(name, name.split("-")[0]), "x")
    assert promised_bytes(Reader(from_bytes(data)), kind) is None


def test_a_size_left_at_0_is_never_silence():
    """libsndfile would believe it, and FFmpeg cannot read these."""
    for name in ("wav-gsm", "wav-g721"):
        data = open_size(PROMISING[name](), b"data", bytes(4))
        with suppress(FormatError):
            assert decode(from_bytes(data)).error is not None


class Unseekable(io.RawIOBase):
    """What an encoder writes to when its output is a pipe."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:
        self.data += bytes(data)
        return len(data)


@pytest.mark.parametrize("video", [False, True])
@pytest.mark.parametrize(
    ("container", "codec"),
    [("matroska", "aac"), ("webm", "libopus"), ("avi", "ac3"), ("wav", "adpcm_ima_wav"), ("au", "pcm_s16be")],
)
def test_what_was_written_to_a_pipe_ends_cleanly(container, codec, video, tmp_path):
    if video and container in ("wav", "au"):
        pytest.skip("no pictures in it")
    data = written_to_pipe(container, codec, video)
    for media in ways(data, tmp_path / "x"):
        got = decode(media)
        assert got.error is None
        assert got.frames > 40_000


def written_to_pipe(container: str, codec: str, video: bool) -> bytes:
    import av

    from .decoding import _add_picture, _encode_pictures

    file = Unseekable()
    with av.open(_Only(file), "w", format=container) as output:
        picture = _add_picture(output) if video else None
        stream = output.add_stream(codec, rate=48000, layout="mono")
        if picture:
            _encode_pictures(output, picture)
        step = stream.codec_context.frame_size or 1024
        x = signal(1, 1, 48000)
        resampler = av.AudioResampler(format=stream.codec_context.format, layout="mono", rate=48000, frame_size=step)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(x.T, np.float32), format="fltp", layout="mono")
        frame.rate, frame.pts = 48000, 0
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            output.mux(stream.encode(part))
        output.mux(stream.encode(None))
    return bytes(file.data)


class _Only:
    """Nothing but `write`: PyAV looks for `seek` and `tell`."""

    def __init__(self, file: Unseekable) -> None:
        self.write = file.write


def test_plain_samples_are_counted_in_frames():
    assert promised_bytes(Reader(from_bytes(wav(fmt(), RAMP))), Kind("wav", "pcm")) is None


@pytest.mark.parametrize("kind", ["mp3", "ogg", "nist", "mpegts", ""])
def test_others_promise_nothing(kind):
    assert promised_bytes(Reader(from_bytes(bytes(100))), Kind(kind)) is None


def test_a_promise_of_one_byte_more_is_noticed():
    data = PROMISING["mkv"]()
    assert promised_bytes(Reader(from_bytes(data)), Kind("matroska")) == len(data)
    assert isinstance(decode(from_bytes(data[:-1])).error, TruncatedSourceError)


@pytest.mark.parametrize("head", [b"", b"\0" * 20, b"\x1a\x45\xdf\xa3", b"\x1a\x45\xdf\xa3\x01", b"\xff" * 30])
def test_broken_matroska_heads_promise_nothing(head):
    assert promised_bytes(Reader(from_bytes(head)), Kind("matroska")) is None


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
@pytest.mark.parametrize("seconds", [1, 10])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
def test_ogg_that_is_cut_inside_a_page(subtype: str, seconds: int, part: float) -> None:
    """What there is comes, then an error; never a normal end, and never a short file without a frame."""
    whole = io.BytesIO()
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 48_000 * seconds)
    soundfile.write(whole, noise, 48_000, format="OGG", subtype=subtype)
    cut = whole.getvalue()[: int(part * whole.getbuffer().nbytes)]
    with pytest.raises(SourceError) as caught:
        Generator(cut, window_length="100ms").run()
    assert isinstance(caught.value, (TruncatedSourceError, DecodeError, FormatError))
    assert Generator(whole.getvalue(), window_length="100ms").run().errors == {}
