from __future__ import annotations

import errno
import io
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiostreamer.decoders.base import Media
from audiostreamer.errors import (
    AccessDeniedError,
    FormatError,
    SourceError,
    SourceNotFoundError,
    SourceTimeoutError,
)
from audiostreamer.sources.file import File
from audiostreamer.sources.stored import StoredSource, os_errors


class Held(StoredSource):
    def __init__(self, data: bytes, stream: int = 0) -> None:
        super().__init__("held:", stream=stream)
        self.file = io.BytesIO(data)

    def _open_media(self) -> Media:
        return Media(self.name, self.file, size=len(self.file.getvalue()))


def test_what_is_no_audio_is_named_and_closed() -> None:
    source = Held(b"this is no audio at all" * 10)
    with pytest.raises(FormatError, match=r"^held:") as caught:
        source.open()
    assert caught.value.uri == "held:"
    assert source.file.closed


@pytest.mark.parametrize("stream", [-1, True, 1.0, "0"])
def test_a_track_is_a_whole_number(stream: object) -> None:
    with pytest.raises(ValueError, match="counted 0, 1, 2"):
        Held(b"", stream=stream)  # type: ignore[arg-type]


def test_a_track_that_is_not_there(wav: bytes) -> None:
    with pytest.raises(FormatError, match="track"):
        Held(wav, stream=3).open()


def test_engine_and_read_ahead_are_the_decoders(wav: bytes) -> None:
    source = Held(wav)
    source.open()
    assert (source.engine, source.read_ahead) == ("PCM", False)
    source.close()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (FileNotFoundError("x://me:hunter2@h"), SourceNotFoundError),
        (NotADirectoryError(errno.ENOTDIR, "Not a directory"), SourceNotFoundError),
        (OSError(errno.ELOOP, "Too many levels"), SourceNotFoundError),
        (OSError(errno.ENAMETOOLONG, "File name too long"), SourceNotFoundError),
        (PermissionError(errno.EACCES, "Permission denied"), AccessDeniedError),
        (TimeoutError("x://me:hunter2@h"), SourceTimeoutError),
        (OSError(errno.EIO, "Input/output error"), SourceError),
        (ValueError("embedded null byte"), SourceNotFoundError),
    ],
)
def test_errors_of_the_system(error: Exception, kind: type[SourceError]) -> None:
    with pytest.raises(SourceError) as caught, os_errors("a.wav"):
        raise error
    assert type(caught.value) is kind
    assert caught.value.__cause__ is error
    assert str(caught.value).startswith("a.wav: ")
    assert "hunter2" not in str(caught.value)


def test_our_own_errors_pass() -> None:
    error = SourceNotFoundError("gone", uri="b")
    with pytest.raises(SourceNotFoundError) as caught, os_errors("a"):
        raise error
    assert caught.value is error


def test_expand_is_the_source_itself(tmp_path: Path) -> None:
    class One(Held):
        def __init__(self, text: str) -> None:
            super().__init__(text.encode())

    assert [type(source) for source in One.expand("x")] == [One]


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="cores can be chosen on Linux only")
def test_one_core_does_not_read_ahead(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "large.wav", np.zeros(600_000), 48_000, subtype="PCM_16")
    cores = os.sched_getaffinity(0)
    source = File(tmp_path / "large.wav")
    try:
        os.sched_setaffinity(0, {min(cores)})
        source.open()
    finally:
        os.sched_setaffinity(0, cores)
        source.close()
    assert not source.read_ahead
