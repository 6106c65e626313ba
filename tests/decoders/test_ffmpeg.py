"""Compressed audio and containers through FFmpeg: whole, in any block size, from files, objects and pipes."""

from __future__ import annotations

import io

import av
import numpy as np
import pytest
import soundfile as sf

from audiostreamer.decoders.base import Media
from audiostreamer.decoders.engines import open_decoder
from audiostreamer.errors import DecodeError, FormatError, SourceTimeoutError, TruncatedSourceError
from audiostreamer.sources.base import Block, Format, Lost

from .decoding import Pipe, av_encode, decode, drain, from_bytes, from_path, from_pipe, sf_encode, signal

ENCODED = {
    "mp3": lambda x: sf_encode(x, "MP3"),
    "vorbis": lambda x: sf_encode(x, "OGG", "VORBIS"),
    "opus": lambda x: sf_encode(x, "OGG", "OPUS", 48000),
    "adts": lambda x: av_encode(x, "adts", "aac"),
    "m4a": lambda x: av_encode(x, "ipod", "aac"),
    "mp4": lambda x: av_encode(x, "mp4", "aac", video=True),
    "alac": lambda x: av_encode(x, "ipod", "alac"),
    "mov": lambda x: av_encode(x, "mov", "pcm_s24le", video=True),
    "fragmented": lambda x: av_encode(x, "mp4", "aac", options={"movflags": "frag_keyframe+empty_moov"}),
    "mkv": lambda x: av_encode(x, "matroska", "aac", video=True),
    "mkv-flac": lambda x: av_encode(x, "matroska", "flac"),
    "webm": lambda x: av_encode(x, "webm", "libopus", 48000, video=True),
    "ts": lambda x: av_encode(x, "mpegts", "aac"),
    "flv": lambda x: av_encode(x, "flv", "aac"),
    "wma": lambda x: av_encode(x, "asf", "wmav2"),
    "avi": lambda x: av_encode(x, "avi", "ac3"),
    "ac3": lambda x: av_encode(x, "ac3", "ac3"),
    "mp2": lambda x: av_encode(x, "mp2", "mp2"),
    "tta": lambda x: av_encode(x, "tta", "tta"),
    "wavpack": lambda x: av_encode(x, "wv", "wavpack"),
    "wav-mp3": lambda x: av_encode(x, "wav", "mp3"),
    "ogg-flac": lambda x: av_encode(x, "ogg", "flac"),
}
LOSSLESS = {"alac": 2**-15, "mov": 2**-22, "mkv-flac": 2**-15, "tta": 2**-7, "ogg-flac": 2**-15, "wavpack": 2**-7}


def reference(data: bytes, track: int = 0) -> np.ndarray:
    """A whole-file decode, straightforward."""
    with av.open(io.BytesIO(data), metadata_errors="ignore") as container:
        resampler = av.AudioResampler(format="dblp")
        frames = [out for frame in container.decode(audio=track) for out in resampler.resample(frame)]
        return np.concatenate([frame.to_ndarray().T for frame in frames])


def similarity(a: np.ndarray, b: np.ndarray) -> float:
    """Signal to noise between two recordings of one thing, in dB."""
    size = min(len(a), len(b))
    noise = np.mean((a[:size] - b[:size]) ** 2)
    return float(10 * np.log10(np.mean(b[:size] ** 2) / max(noise, 1e-30)))


@pytest.mark.parametrize("name", ENCODED)
def test_whole_from_everywhere(name, tmp_path):
    data = ENCODED[name](signal(1.5, 2, 48000 if name in ("opus", "webm") else 44100))
    expected = reference(data)
    (tmp_path / "x").write_bytes(data)
    for media, block in ((from_bytes(data), 1000), (from_path(tmp_path / "x"), 65536), (from_pipe(data), 7777)):
        got = decode(media, block)
        assert (got.engine, got.error, got.events) == ("FFmpeg", None, [])
        samples = got.samples
        if name == "mp3" and not media.seekable:
            samples = samples[: len(expected)]  # without the file's size FFmpeg does not trim the encoder's padding
        np.testing.assert_allclose(samples, expected, atol=1e-12)
        single = decode(from_bytes(data), block, "float32").samples
        np.testing.assert_allclose(single, expected, atol=1e-7)


@pytest.mark.parametrize("name", ENCODED)
def test_it_is_the_signal(name):
    rate = 48000 if name in ("opus", "webm") else 44100
    x = signal(1.5, 2, rate)
    got = decode(from_bytes(ENCODED[name](x)))
    assert (got.format.sample_rate, got.format.channels) == (rate, 2)
    assert abs(got.frames - len(x)) <= 4096
    if name in LOSSLESS:
        np.testing.assert_allclose(got.samples, x, atol=LOSSLESS[name])
    elif name in ("mp3", "vorbis", "opus", "m4a", "mp4", "mkv", "webm"):  # these tell their delay
        assert similarity(got.samples[:60_000], x[:60_000]) > 10


@pytest.mark.parametrize(
    ("container", "subtype", "rate"), [("MP3", None, 44100), ("OGG", "VORBIS", 44100), ("OGG", "OPUS", 48000)]
)
def test_as_many_frames_as_went_in(container, subtype, rate):
    data = sf_encode(signal(2, 2, rate), container, subtype, rate)
    got = decode(from_bytes(data))
    whole, _ = sf.read(io.BytesIO(data), always_2d=True)
    assert got.frames == len(whole) == 2 * rate
    assert similarity(got.samples[2000:-2000], whole[2000:-2000]) > 60


KINDS = {
    "pcm_u8": "u8",
    "pcm_s16le": "s16",
    "pcm_s24le": "s32",
    "pcm_s32le": "s32",
    "pcm_f32le": "flt",
    "pcm_f64le": "dbl",
}


@pytest.mark.parametrize(("codec", "kind"), KINDS.items())
def test_sample_formats_are_exact(codec, kind):
    data = av_encode(signal(0.3), "matroska", codec)
    with av.open(io.BytesIO(data)) as container:
        frames = list(container.decode(audio=0))
        assert frames[0].format.name == kind
        raw = np.concatenate([frame.to_ndarray().reshape(-1, 2) for frame in frames])
    scaled = (raw.astype(float) - (128 if kind == "u8" else 0)) / {"u8": 2**7, "s16": 2**15, "s32": 2**31}.get(kind, 1)
    np.testing.assert_array_equal(decode(from_bytes(data)).samples, scaled)


@pytest.mark.parametrize("name", ["mp4", "mkv", "webm", "mov"])
def test_tracks_are_chosen(name):
    x = signal(1, 2, 48000)
    codec = {"mp4": "aac", "mkv": "flac", "webm": "libopus", "mov": "pcm_s16le"}[name]
    data = av_encode(x, {"mkv": "matroska"}.get(name, name), codec, 48000, tracks=2, video=True)
    first, second = (decode(from_bytes(data), track=track).samples for track in (0, 1))
    assert np.std(second[5000:40000]) == pytest.approx(np.std(first[5000:40000]) / 2, rel=0.02)
    for track in (2, -1):
        with pytest.raises(FormatError, match="the file has 2"):
            decode(from_bytes(data), track=track)


def test_video_without_audio():
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        stream = output.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        output.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")))
        output.mux(stream.encode(None))
    with pytest.raises(FormatError, match="the file has 0"):
        decode(from_bytes(file.getvalue()))


def test_tags_are_cleaned():
    data = av_encode(signal(0.2), "matroska", "flac", tags={"title": "a\nb\x00"[:3] + "x" * 5000, "artist": "né"})
    tags = decode(from_bytes(data)).format.metadata
    assert tags["artist"] == "né"
    assert len(tags["title"]) == 1000
    assert tags["title"].startswith("a bx")


@pytest.mark.parametrize("subtypes", [("VORBIS", "VORBIS", "VORBIS"), ("VORBIS", "OPUS", "VORBIS")])
def test_chained_ogg_changes_its_format(subtypes, tmp_path):
    rates = (44100, 48000, 24000)
    links = [
        sf_encode(signal(1, channels, rate), "OGG", subtype, rate)
        for channels, rate, subtype in zip((2, 1, 1), rates, subtypes, strict=True)
    ]
    (tmp_path / "x").write_bytes(b"".join(links))
    for media in (from_bytes(b"".join(links)), from_path(tmp_path / "x")):
        got = decode(media, 1000)
        assert [(e.sample_rate, e.channels) for e in got.events] == [(48000, 1), (24000, 1)]
        assert (got.frames, got.error) == (sum(rates), None)
        assert sum(len(part) for part in got.parts if part.shape[1] == 2) == 44100


NOISE = np.random.default_rng(3).bytes(90_000)  # more than FFmpeg looks through for the next page


@pytest.mark.parametrize("second", [22050, 44100, 48000])
def test_a_damaged_link_is_not_passed_over(second, tmp_path):
    link = sf_encode(signal(9), "OGG", "VORBIS")
    damaged = link[: len(link) // 3] + NOISE + link[len(link) // 3 + len(NOISE) :]
    alone = decode(from_bytes(damaged))
    assert isinstance(alone.error, DecodeError)
    assert 44_100 < alone.frames < 9 * 44_100
    data = damaged + sf_encode(signal(1, 1, second), "OGG", "VORBIS", second)
    (tmp_path / "x").write_bytes(data)
    for media in (from_bytes(data), from_path(tmp_path / "x")):
        got = decode(media)
        assert isinstance(got.error, DecodeError)
        assert got.frames == got.error.position == alone.frames


def test_a_damaged_second_link_is_not_passed_over():
    links = [sf_encode(signal(1, 1, 22050), "OGG", "VORBIS", 22050), sf_encode(signal(9), "OGG", "VORBIS")]
    third = len(links[1]) // 3
    links[1] = links[1][:third] + NOISE + links[1][third + len(NOISE) :]
    got = decode(from_bytes(b"".join([*links, links[0]])))
    assert isinstance(got.error, DecodeError)
    assert [event.sample_rate for event in got.events] == [44100]
    assert got.frames > 22050 + 44100


def test_a_few_strange_bytes_between_links_are_told():
    links = [sf_encode(signal(1, 2), "OGG", "VORBIS"), sf_encode(signal(1, 1, 22050), "OGG", "VORBIS", 22050)]
    got = decode(from_bytes(bytes(500).join(links)))
    assert got.error is None
    assert [type(event) for event in got.events] == [Lost, Format]
    assert got.frames == 44_100 + 22_050


def test_chained_ogg_from_a_pipe_fails_loudly():
    data = sf_encode(signal(1, 2), "OGG", "VORBIS") + sf_encode(signal(1, 1, 22050), "OGG", "VORBIS", 22050)
    got = decode(from_pipe(data))
    assert isinstance(got.error, DecodeError)
    assert got.frames == 44100


def test_rate_and_layout_change_in_adts():
    data = av_encode(signal(1), "adts", "aac") + av_encode(signal(1, 1, 22050), "adts", "aac", 22050)
    got = decode(from_bytes(data))
    assert [(e.sample_rate, e.channels) for e in got.events] == [(22050, 1)]
    assert got.error is None


@pytest.mark.parametrize("name", ["vorbis", "opus", "webm", "wma"])
def test_a_lost_page_is_lost_audio(name):
    rate = 48000 if name in ("opus", "webm") else 44100
    data = ENCODED[name](signal(20, 1, rate))
    half = len(data) // 2
    whole = decode(from_bytes(data)).frames
    got = decode(from_bytes(data[:half] + bytes(3000) + data[half + 3000 :]))
    assert [event.reason for event in got.lost] == ["packet-loss"]
    assert got.error is None
    assert got.frames + got.lost[0].frames == pytest.approx(whole, abs=64)


@pytest.mark.parametrize("name", ENCODED)
def test_intact_audio_loses_nothing(name):
    assert decode(from_bytes(ENCODED[name](signal(5, 2, 48000 if name in ("opus", "webm") else 44100)))).lost == []


@pytest.mark.parametrize("name", ["mp3", "adts", "fragmented", "mkv", "ts", "flv", "tta", "wavpack", "ac3"])
def test_damage_in_the_middle(name):
    data = ENCODED[name](signal(6))
    whole = decode(from_bytes(data)).samples
    half = len(data) // 2
    noise = np.random.default_rng(3).bytes(1500)
    got = decode(from_bytes(data[:half] + noise + data[half + 1500 :]))
    assert isinstance(got.error, DecodeError)
    assert got.error.__cause__ is not None
    assert len(whole) * 0.3 < got.frames == got.error.position < len(whole) * 0.6
    np.testing.assert_allclose(got.samples[:90_000], whole[:90_000], atol=1e-12)


JUNK = {
    "ID3v1": b"TAG" + bytes(125),
    "lyrics": b"LYRICSBEGIN" + b"IND00002ab" * 50 + b"000511LYRICS200",
    "zeros": bytes(5000),
    "noise": bytes(range(1, 255)) * 20,
}


@pytest.mark.parametrize("junk", JUNK)
def test_what_follows_the_last_mp3_frame_is_not_damage(junk):
    data = sf_encode(signal(2), "MP3")
    got = decode(from_bytes(data + JUNK[junk]))
    assert (got.error, got.events) == (None, [])
    assert 88_200 <= got.frames <= 88_200 + 1152


def test_garbage_before_the_first_mp3_frame():
    got = decode(from_bytes(bytes(range(1, 200)) * 10 + sf_encode(signal(2), "MP3")))
    assert got.error is None
    assert 88_200 <= got.frames <= 88_200 + 3000


@pytest.mark.parametrize("name", ["mp3", "mkv", "ac3", "vorbis"])
def test_fewer_bytes_than_promised(name):
    data = ENCODED[name](signal(6))
    for cut in (Pipe(data[: len(data) // 2]), io.BytesIO(data[: len(data) // 2])):
        got = decode(Media("x", cut, None, isinstance(cut, io.BytesIO), len(data)))
        assert isinstance(got.error, TruncatedSourceError)
        assert got.frames > 80_000


def test_mp4_cut_short(tmp_path):
    data = av_encode(signal(6), "mp4", "aac", options={"movflags": "faststart"}, target=str(tmp_path / "x.mp4"))
    got = decode(from_bytes(data[: len(data) // 2]))
    assert isinstance(got.error, DecodeError)
    assert got.frames > 80_000
    with pytest.raises(FormatError):  # its index was at the end
        decode(from_bytes(ENCODED["m4a"](signal(6))[:50_000]))


def test_mp4_with_its_index_in_front_streams(tmp_path):
    data = av_encode(signal(20), "mp4", "aac", options={"movflags": "faststart"}, target=str(tmp_path / "x.mp4"))
    media = from_pipe(data)
    decoder = open_decoder(media, track=0, dtype="float32")
    assert media.file.consumed < len(data) / 2
    assert drain(decoder).frames >= 20 * 44100


class Failing(Pipe):
    def __init__(self, data, error):
        super().__init__(data)
        self._error = error

    def read(self, size=-1):
        if self.consumed > 60_000:
            raise self._error
        return super().read(size)


@pytest.mark.parametrize("name", ["mp3", "adts", "vorbis"])
@pytest.mark.parametrize("raised", [OSError("gone"), SourceTimeoutError("mapped already"), ValueError("foreign")])
def test_errors_of_the_file_are_not_the_end(name, raised):
    got = decode(Media("x", Failing(ENCODED[name](signal(20)), raised), None, False))
    if isinstance(raised, SourceTimeoutError):
        assert got.error is raised
    else:
        assert isinstance(got.error, DecodeError)
        assert got.error.__cause__ is raised
    assert got.frames > 44100


def test_events_come_in_order_with_headroom():
    data = sf_encode(signal(1, 2), "OGG", "VORBIS") + sf_encode(signal(1, 1, 22050), "OGG", "VORBIS", 22050)
    decoder = open_decoder(from_bytes(data), track=0, dtype="float32")
    decoder.headroom = 11
    kinds = []
    while (event := decoder.read(30_000)) is not None:
        kinds.append(type(event))
        if isinstance(event, Block):
            assert event.buffer.shape == (11 + len(event.samples), event.samples.shape[1])
            np.testing.assert_array_equal(event.buffer[11:], event.samples)
    assert kinds == [Block, Block, Format, Block]
    assert decoder.read(10) is None
    assert not decoder.seek(0)
    decoder.close()
    decoder.close()


def test_bad_packets_before_the_audio_are_counted():
    data = ENCODED["fragmented"](signal(2))
    at = data.index(b"mdat") + 4
    got = decode(from_bytes(data[:at] + b"\xff" * 700 + data[at + 700 :]))
    assert got.lost
    assert set(got.lost) == {Lost(0, "decode-error")}
    assert got.error is None
    assert got.frames > 80_000


def test_seven_one_has_as_many_planes_as_channels():
    x = signal(0.5, 8)
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as output:
        stream = output.add_stream("flac", rate=44100, layout="7.1")
        for start in range(0, len(x), 4608):
            part = np.round(x[start : start + 4608].reshape(1, -1) * 20000).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(part, format="s16", layout="7.1")
            frame.rate, frame.pts = 44100, start
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    got = decode(from_bytes(file.getvalue()))
    np.testing.assert_array_equal(got.samples, np.round(x * 20000) / 32768)
