"""FLAC and the old codecs through libsndfile: exact, seekable, never silently short."""

from __future__ import annotations

import io
import shutil

import numpy as np
import pytest
import soundfile as sf

from audiostreamer.decoders.engines import open_decoder
from audiostreamer.decoders.flac import is_ordinary_flac
from audiostreamer.decoders.reader import Reader
from audiostreamer.errors import DecodeError, FormatError, TruncatedSourceError

from .decoding import Media, decode, drain, from_bytes, from_path, from_pipe, sf_encode, signal

FLAC = sf_encode(signal(3), "FLAC")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("subtype", ["PCM_S8", "PCM_16", "PCM_24"])
def test_flac_is_exact(subtype, dtype, tmp_path):
    data = sf_encode(signal(1, 3), "FLAC", subtype)
    expected, _ = sf.read(io.BytesIO(data), dtype=dtype)
    (tmp_path / "x.raw").write_bytes(data)  # a name that misleads python-soundfile
    engines = []
    for media in (from_bytes(data), from_path(tmp_path / "x.raw"), from_pipe(data)):
        got = decode(media, 1000, dtype)
        engines.append(got.engine)
        np.testing.assert_array_equal(got.samples, expected)
        assert got.format.frames == len(expected)
        assert got.error is None
    assert engines == ["libsndfile", "libsndfile", "FFmpeg"]


OLD = """WAV/GSM610 WAV/IMA_ADPCM WAV/MS_ADPCM WAV/G721_32 WAV/NMS_ADPCM_32 W64/IMA_ADPCM AU/G721_32 AU/G723_24
AIFF/GSM610 CAF/ALAC_16 CAF/ALAC_24 VOC/PCM_16 SVX/PCM_16 NIST/PCM_16 PAF/PCM_16 AVR/PCM_16 IRCAM/PCM_16"""


@pytest.mark.parametrize("name", OLD.split())
def test_old_codecs(name):
    container, subtype = name.split("/")
    data = sf_encode(signal(1, 1, 8000), container, subtype, 8000)
    expected, _ = sf.read(io.BytesIO(data), always_2d=True)
    for media in (from_bytes(data), from_pipe(data)):
        got = decode(media)
        assert (got.engine, got.error) == ("libsndfile", None)
        np.testing.assert_array_equal(got.samples, expected)


@pytest.mark.parametrize(("container", "subtype"), [("FLAC", "PCM_16"), ("FLAC", "PCM_24"), ("CAF", "ALAC_16")])
@pytest.mark.parametrize("frame", [0, 1, 4095, 4096, 77_777, 132_299, 132_300, 10**9])
def test_seek_is_exact(container, subtype, frame):
    data = FLAC if (container, subtype) == ("FLAC", "PCM_16") else sf_encode(signal(3), container, subtype)
    whole = decode(from_bytes(data)).samples
    decoder = open_decoder(from_bytes(data), track=0, dtype="float64")
    assert decoder.seek(frame)
    got = drain(decoder)
    assert got.error is None
    np.testing.assert_array_equal(got.samples, whole[frame:])


def test_ordinary_means_confirmed_by_the_last_frame():
    assert is_ordinary_flac(Reader(from_bytes(FLAC)))
    for changed in (FLAC[:-1], FLAC + b"TAG" + bytes(125), FLAC[: len(FLAC) // 2], FLAC[:-1] + b"\0"):
        assert not is_ordinary_flac(Reader(from_bytes(changed)))
    total = int.from_bytes(FLAC[18:26], "big")
    for lie in (total - 1, total + 1, total & ~0xFFFFFFFFF, total ^ 1 << 36, total ^ 1 << 41):
        data = FLAC[:18] + lie.to_bytes(8, "big") + FLAC[26:]
        assert not is_ordinary_flac(Reader(from_bytes(data)))


@pytest.mark.parametrize("lie", [1000, 10_000_000, 0])
def test_a_wrong_total_is_not_believed(lie):
    packed = int.from_bytes(FLAC[18:26], "big") >> 36 << 36 | lie
    got = decode(from_bytes(FLAC[:18] + packed.to_bytes(8, "big") + FLAC[26:]))
    assert (got.frames, got.error) == (132_300, None)


def test_a_tag_behind_the_last_frame_costs_nothing():
    got = decode(from_bytes(FLAC + b"TAG" + bytes(125)))
    assert (got.frames, got.error) == (132_300, None)


def test_damage_in_the_middle():
    half = len(FLAC) // 2
    got = decode(from_bytes(FLAC[:half] + bytes(3000) + FLAC[half + 3000 :]))
    whole = decode(from_bytes(FLAC)).samples
    assert isinstance(got.error, DecodeError)
    assert isinstance(got.error.__cause__, sf.LibsndfileError)
    assert 40_000 < got.frames == got.error.position < 80_000
    np.testing.assert_array_equal(got.samples, whole[: got.frames])


def test_a_flac_cut_short():
    got = decode(from_bytes(FLAC[: len(FLAC) // 2]))
    assert isinstance(got.error, DecodeError)
    assert got.frames > 40_000


class Failing(io.BytesIO):
    broken = False

    def readinto(self, target):
        if self.broken:
            raise OSError("the disk is gone")
        return super().readinto(target)


def test_errors_of_the_file_are_not_the_end(capfd):
    file = Failing(FLAC)
    decoder = open_decoder(Media("x", file), track=0, dtype="float32")
    assert decoder.engine == "libsndfile"
    assert decoder.read(100) is not None
    file.broken = True
    got = drain(decoder)
    assert isinstance(got.error, DecodeError)
    assert isinstance(got.error.__cause__, OSError)
    assert capfd.readouterr().err == ""  # cffi would print it


def test_fewer_bytes_than_promised():
    got = decode(Media("x", io.BytesIO(FLAC[: len(FLAC) // 2]), None, True, len(FLAC)))
    assert isinstance(got.error, (TruncatedSourceError, DecodeError))


def test_a_minus_is_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-").write_bytes(FLAC)
    assert decode(from_path("-")).frames == 132_300


def test_read_ahead_is_for_large_files(tmp_path):
    assert not open_and_close(from_bytes(FLAC)).read_ahead
    (tmp_path / "large").write_bytes(sf_encode(signal(20), "FLAC"))
    assert open_and_close(from_path(tmp_path / "large")).read_ahead


def open_and_close(media):
    decoder = open_decoder(media, track=0, dtype="float32")
    decoder.close()
    return decoder


def test_no_second_track():
    with pytest.raises(FormatError, match="has 1"):
        decode(from_bytes(FLAC), track=1)


def test_a_deleted_file_goes_on(tmp_path):
    (tmp_path / "x").write_bytes(FLAC)
    shutil.copy(tmp_path / "x", tmp_path / "y")
    decoder = open_decoder(from_path(tmp_path / "y"), track=0, dtype="float32")
    (tmp_path / "y").unlink()
    assert drain(decoder).frames == 132_300
