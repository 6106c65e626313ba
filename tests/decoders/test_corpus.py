"""Real files of others: what each must give, stated file by file."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from audiostreamer.errors import DecodeError, FormatError, SourceError, TruncatedSourceError

from .decoding import CORPUS, decode, from_bytes, from_path, from_pipe, needs_corpus

pytestmark = needs_corpus


def files(pattern: str) -> list[Path]:
    return sorted(CORPUS.glob(pattern)) if CORPUS.is_dir() else []


def named(path: Path) -> str:
    return path.stem[:40]


# -- mp3-vectors -------------------------------------------------------------------------------------------------------

# 16-bit references are matched to within 1.5 steps, except: {name: (largest difference, why)}
INEXACT = {
    "l3-nonstandard-compl-sideinfo-blocktype": "an invalid side info, FFmpeg stops there",
    "l3-nonstandard-he_44_48khz": "the reference ends where the rate changes",
    "l3-he_free": "libsndfile decodes two more frames at the end",
    "l3-test46": "intensity stereo at a half rate: FFmpeg, libsndfile and the reference all differ",
    "l2-nonstandard-test32-size": "frames of a wrong size: all decoders differ",
}
# a single frame, no frame, or free format in layer 2
REFUSED = """
    ILL2_center2 ILL2_dynx22 ILL2_dynx32 ILL2_mono ILL2_overalloc1 ILL2_prediction ILL2_scf63 ILL2_tca30
    ILL2_tca31_PC ILL2_tca31_mtx2 ILL2_wrongcrc ILL4_sync ILL4_wrong_length2 l2-nonstandard-fl1_fl2_ff
    l3-nonstandard-id3v1-apetag l3-nonstandard-id3v2-only l3-nonstandard-vbrtag-corrupted
    l3-nonstandard-vbrtag-noframes l3-nonstandard-vbrtag-oob-read"""


@pytest.mark.parametrize("path", files("mp3-vectors/*.bit"), ids=named)
def test_mpeg_audio_against_its_reference(path):
    if path.stem in REFUSED.split():
        with pytest.raises(FormatError):
            decode(from_path(path))
        return
    got = decode(from_path(path), 1000)
    expected = np.fromfile(path.with_suffix(".pcm"), "<i2").reshape(-1, got.format.channels) / 32768
    size = min(len(got.samples), len(expected))
    if path.stem not in INEXACT:
        assert (got.error, got.events, len(got.samples)) == (None, [], len(expected))
    if path.stem not in ("l3-test46", "l2-nonstandard-test32-size"):
        assert size >= 1152
        assert np.abs(got.samples[:size] - expected[:size]).max() < 1.5 / 32768


def test_a_rate_change_in_the_middle_is_told():
    got = decode(from_path(CORPUS / "mp3-vectors/l3-nonstandard-he_44_48khz.bit"))
    assert [event.sample_rate for event in got.events] == [48000]
    assert got.frames == 645_120


# -- flac --------------------------------------------------------------------------------------------------------------


def stream_info(path: Path) -> tuple[int, bytes]:
    """Bits per sample, and the MD5 of the samples."""
    head = path.read_bytes()[:42]
    return (int.from_bytes(head[18:26], "big") >> 36 & 31) + 1, head[26:42]


def md5(samples: np.ndarray, bits: int) -> bytes:
    whole = np.round(samples * 2.0 ** (bits - 1)).astype("<i8")
    return hashlib.md5(whole.reshape(-1, 1).view("u1")[:, : -(-bits // 8)].tobytes()).digest()


@pytest.mark.parametrize("path", files("flac/subset/*.flac"), ids=named)
def test_flac_subset_matches_its_checksum(path):
    bits, expected = stream_info(path)
    got = decode(from_path(path), 10_000)
    assert (got.error, got.events) == (None, [])
    assert md5(got.samples, bits) == expected
    assert got.engine == ("FFmpeg" if bits in (12, 20) or path.name.startswith("45") else "libsndfile")


@pytest.mark.parametrize("number", [12, 22, 38, 45, 62])
def test_flac_from_a_pipe_matches_its_checksum(number):
    path = files(f"flac/subset/{number} *.flac")[0]
    bits, expected = stream_info(path)
    assert md5(decode(from_pipe(path.read_bytes())).samples, bits) == expected


# frames, events, error; checksum where the header's is right
FLAC = {
    "faulty/01": (101_999, 0, None),
    "faulty/02": (195_891, 0, None),
    "faulty/03": (0, 0, FormatError),
    "faulty/04": (97_391, 0, None),
    "faulty/05": (109_487, 0, None),
    "faulty/06": (0, 0, FormatError),
    "faulty/07": (0, 0, FormatError),
    "faulty/08": (0, 0, DecodeError),
    "faulty/09": (41_519, 0, None),
    "faulty/10": (119_279, 0, None),
    "faulty/11": (0, 0, FormatError),
    "uncommon/02": (638_856, 2, None),
    "uncommon/03": (375_226, 2, None),
    "uncommon/04": (139_264, 0, DecodeError),
    "uncommon/07": (518_462, 0, None),
    "uncommon/08": (465_905, 0, None),
    "uncommon/09": (105_083, 0, None),
    "uncommon/10": (664_669, 0, None),
    "uncommon/11": (568_394, 1, None),  # one bad packet before the first audio
}


@pytest.mark.parametrize("name", FLAC)
def test_odd_flac(name):
    path = files(f"flac/{name} *.flac")[0]
    frames, events, error = FLAC[name]
    if error is FormatError:
        with pytest.raises(FormatError):
            decode(from_path(path))
        return
    got = decode(from_path(path))
    assert (got.frames, len(got.events), type(got.error)) == (frames, events, error or type(None))
    bits, expected = stream_info(path)
    if path.read_bytes()[:4] == b"fLaC" and any(expected) and error is None and name != "faulty/03":
        assert md5(got.samples, bits) == expected


# -- wave --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", files("wave/valid/*.wav"), ids=named)
def test_valid_wav(path):
    expected, rate = sf.read(path, always_2d=True)
    for media in (from_path(path), from_pipe(path.read_bytes())):
        got = decode(media)
        assert (got.engine, got.error, got.format.sample_rate) == ("PCM", None, rate)
        np.testing.assert_array_equal(got.samples, expected)


# Everything else in wave/invalid and wave/unsupported is a FormatError.
READABLE = {
    "data_chunk_truncated": (2240, TruncatedSourceError),
    "float_format_chunk_extension_size_incomplete_with_padding_byte": (2240, None),
    "format_chunk_after_data_chunk": (2240, None),
    "smpl_chunk_empty": (2240, None),
    "smpl_chunk_loop_count_too_high": (2240, None),
    "smpl_chunk_truncated": (2240, None),
    "smpl_chunk_truncated_sampler_specific_data": (2240, None),
    "extensible_container_size_bigger_than_sample_size": (2240, None),
    "unsupported_audio_format": (0, None),  # A-law without samples
}
# Codecs with a header and no samples at all: FFmpeg or libsndfile open them, nothing comes, nothing is wrong
EMPTY_ADPCM = "unsupported_format_"


@pytest.mark.parametrize("path", files("wave/invalid/*.wav") + files("wave/unsupported/*.wav"), ids=named)
def test_invalid_wav(path):
    try:
        got = decode(from_path(path))
    except FormatError:
        assert path.stem not in READABLE
        return
    frames, error = READABLE.get(path.stem, (0, None))
    assert path.stem in READABLE or path.stem.startswith((EMPTY_ADPCM, "extensible_unsupported_subformat"))
    assert (got.frames, type(got.error)) == (frames, error or type(None))


# -- phone, and the rest -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", files("phone/*"), ids=named)
def test_phone_recordings(path):
    rate, frames = (16000, range(112_000, 112_001)) if path.suffix == ".caf" else (8000, range(50_000, 60_000))
    got = decode(from_path(path), dtype="float32")
    assert (got.engine, got.error, got.events, got.format.sample_rate) == ("FFmpeg", None, [], rate)
    assert got.frames in frames
    assert 0.001 < np.std(got.samples) < 0.5
    piped = decode(from_pipe(path.read_bytes()), dtype="float32")
    np.testing.assert_array_equal(piped.samples, got.samples)


@pytest.mark.parametrize("path", files("esc10/*/1-1*.ogg"), ids=named)
def test_vorbis_clips_are_whole(path):
    got = decode(from_path(path), dtype="float32")
    expected, _ = sf.read(path, always_2d=True, dtype="float32")
    assert (got.error, got.events) == (None, [])
    assert abs(got.frames - len(expected)) <= 256
    size = min(got.frames, len(expected))
    assert np.abs(got.samples[:size] - expected[:size]).max() < 1e-4


@pytest.mark.parametrize("pattern", ["flac/subset/6*.flac", "wave/valid/stereo*.wav", "mp3-vectors/M*.bit", "phone/0*"])
def test_cut_anywhere_it_ends_typed(pattern):
    for path in files(pattern)[:4]:
        data = path.read_bytes()
        for part in (1, 7, 20, 45, 100, len(data) // 3, len(data) - 1):
            try:
                got = decode(from_bytes(data[:part]))
            except SourceError:
                continue
            assert got.error is None or isinstance(got.error, SourceError)
