from __future__ import annotations

import os
import socket
from pathlib import Path

import numpy as np
import pytest

from audiostreamer.errors import (
    AccessDeniedError,
    DecodeError,
    SourceError,
    SourceNotFoundError,
    TruncatedSourceError,
    UnsupportedSourceError,
)
from audiostreamer.sources.base import Block, Source
from audiostreamer.sources.file import File

from .conftest import encoded
from .contract import Make, SourceContract, read_all, read_until


class TestFile(SourceContract):
    @pytest.fixture
    def make(self, wav: bytes, tmp_path: Path) -> Make:
        (tmp_path / "a.wav").write_bytes(wav)
        return lambda: File(tmp_path / "a.wav")

    @pytest.fixture
    def missing(self, tmp_path: Path) -> Source:
        return File(tmp_path / "none.wav")


class TestFlac(TestFile):
    @pytest.fixture
    def make(self, flac: bytes, tmp_path: Path) -> Make:
        (tmp_path / "a.flac").write_bytes(flac)
        return lambda: File(str(tmp_path / "a.flac"))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def frames(source: Source) -> int:
    source.open()
    count = len(read_all(source))
    source.close()
    return count


NAMES = """
a:b.wav s3:x - -i.wav %03d.wav concat:a|b file:x.wav pipe:x #1 a?stream=1 x::y ~ $HOME *.wav [a].wav a.m3u8
subfile,,start,0,,:x é \\ a@b
"""


@pytest.mark.parametrize("name", [*NAMES.split(), "a b", "new\nline.wav"])
def test_names_mean_nothing_special(name: str, wav: bytes, here: Path) -> None:
    (here / name).write_bytes(wav)
    for given in (name, Path(name)):
        source = File(given)
        assert frames(source) == 5000
        assert source.name == name


def test_a_name_of_bytes_that_are_no_text(flac: bytes, here: Path) -> None:
    raw = b"\xff\xfe.flac"
    with open(raw, "wb") as file:
        file.write(flac)
    source = File(os.fsdecode(raw))
    assert frames(source) == 5000
    assert source.name == "\\xff\\xfe.flac"
    assert frames(File(f"file://{here}/%FF%FE.flac")) == 5000


@pytest.mark.parametrize(
    "form", ["file:{0}/a b.wav", "file://{0}/a%20b.wav", "file://localhost{0}/a%20b.wav", "file:a b.wav"]
)
def test_file_uris(form: str, wav: bytes, here: Path) -> None:
    (here / "a b.wav").write_bytes(wav)
    assert frames(File(form.format(here))) == 5000
    assert frames(File(form.format(here) + "?stream=0")) == 5000


def test_a_file_uri_of_another_host() -> None:
    with pytest.raises(ValueError, match="three slashes"):
        File("file://server/a.wav")


@pytest.mark.parametrize("text", ["a.wav?sream=1", "file:a.wav?sream=1"])
def test_an_unknown_option_says_what_is_allowed(text: str, wav: bytes, here: Path) -> None:
    (here / "a.wav").write_bytes(wav)
    with pytest.raises(ValueError, match="'sream'; allowed: stream"):
        File(text)


@pytest.mark.parametrize("text", ["a.wav?stream=x", "a.wav?stream=", "a.wav?stream=-1"])
def test_a_track_that_is_no_number(text: str, wav: bytes, here: Path) -> None:
    (here / "a.wav").write_bytes(wav)
    with pytest.raises(ValueError, match="stream="):
        File(text)


def test_a_track_is_chosen_only_where_no_such_file_is(wav: bytes, here: Path) -> None:
    (here / "a.wav").write_bytes(wav)
    assert File("a.wav?stream=2").track == 2
    assert File(Path("a.wav?stream=2")).track == 0
    (here / "a.wav?stream=2").write_bytes(encoded(frames=7))
    assert frames(File("a.wav?stream=2")) == 7


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("none.wav", SourceNotFoundError),
        ("a.wav/none.wav", SourceNotFoundError),
        ("loop", SourceNotFoundError),
        ("dangling", SourceNotFoundError),
        ("x" * 5000, SourceNotFoundError),
        ("a\0b", SourceNotFoundError),
        ("", SourceNotFoundError),
        ("none.wav?stream=1", SourceNotFoundError),
        ("none/", SourceNotFoundError),
        ("directory", UnsupportedSourceError),
        ("fifo", UnsupportedSourceError),
        ("socket", UnsupportedSourceError),
        ("/dev/zero", UnsupportedSourceError),
    ],
)
def test_what_is_no_file(name: str, kind: type[SourceError], wav: bytes, here: Path) -> None:
    (here / "a.wav").write_bytes(wav)
    (here / "loop").symlink_to("loop")
    (here / "dangling").symlink_to("none")
    (here / "directory").mkdir()
    os.mkfifo(here / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        source = File(name)
        with pytest.raises(kind) as caught:
            source.open()
        source.close()
    if name in ("fifo", "socket", "/dev/zero"):
        assert "pipe:PATH" in str(caught.value)
    if kind is SourceNotFoundError:
        assert isinstance(caught.value, FileNotFoundError)
        assert caught.value.__cause__ is not None


def test_a_file_that_becomes_a_pipe_does_not_hang(here: Path, wav: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "a.wav").write_bytes(wav)
    regular = os.stat("a.wav")
    os.mkfifo("fifo")
    monkeypatch.setattr(os, "stat", lambda path: regular)
    with pytest.raises(UnsupportedSourceError, match="named pipe"):
        File("fifo").open()


def test_access_denied(here: Path, wav: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "a.wav").write_bytes(wav)

    def refuse(*args: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)  # root may read everything
    with pytest.raises(AccessDeniedError, match="Permission denied") as caught:
        File("a.wav").open()
    assert isinstance(caught.value, PermissionError)


def test_links_are_followed(here: Path, wav: bytes) -> None:
    (here / "a.wav").write_bytes(wav)
    (here / "link").symlink_to("a.wav")
    assert frames(File("link")) == 5000


@pytest.mark.parametrize("suffix", ["wav", "flac"])
@pytest.mark.parametrize("then", ["deleted", "replaced"])
def test_the_file_that_was_opened_is_read(suffix: str, then: str, here: Path) -> None:
    path = here / f"a.{suffix}"
    path.write_bytes(encoded(60_000, format=suffix.upper()))
    source = File(path)
    source.open()
    first = source.read(100)
    assert isinstance(first, Block)
    if then == "deleted":
        path.unlink()
    else:
        (here / "other").write_bytes(encoded(7, format=suffix.upper()))
        (here / "other").replace(path)
    assert len(read_all(source)) == 59_900
    source.close()


def test_a_file_that_grows_is_read_to_the_length_in_its_header(here: Path) -> None:
    whole = encoded(60_000)
    (here / "a.wav").write_bytes(whole)
    source = File("a.wav")
    source.open()
    source.read(100)
    with open("a.wav", "ab") as file:
        file.write(bytes(1000))
    assert len(read_all(source)) == 59_900
    source.close()


def test_a_file_that_is_cut_meanwhile_is_an_error(here: Path) -> None:
    (here / "a.wav").write_bytes(encoded(600_000))
    source = File("a.wav")
    source.open()
    source.read(100)
    os.truncate("a.wav", 200_044)
    count, _ = read_until(source, (TruncatedSourceError, DecodeError))
    source.close()
    assert count == 99_900


def names(text: str) -> list[str]:
    return [source.name for source in File.expand(text)]


@pytest.fixture
def tree(here: Path) -> Path:
    for name in ("b/2.wav", "b/1.flac", "b/notes.txt", "a.wav", "c/d/3.wav", ".git/x.wav", "b/.hid.wav"):
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_bytes(b"")
    (here / "far").symlink_to("b")
    (here / "near.wav").symlink_to("a.wav")
    (here / "empty").mkdir()
    return here


def test_a_directory(tree: Path) -> None:
    assert names(".") == ["./a.wav", "./b/1.flac", "./b/2.wav", "./c/d/3.wav", "./near.wav"]
    assert names("b") == names("b/") == ["b/1.flac", "b/2.wav"]
    assert names("far") == ["far/1.flac", "far/2.wav"]
    assert next(File.below(str(tree))).name == f"{tree}/a.wav"


def test_patterns(tree: Path) -> None:
    assert names("**/*.wav") == ["a.wav", "b/2.wav", "c/d/3.wav", "near.wav"]
    assert names("*/*.wav") == ["b/2.wav", "far/2.wav"]
    assert names(f"{tree}/b/*") == [f"{tree}/b/1.flac", f"{tree}/b/2.wav"]
    assert names("b/.*") == ["b/.hid.wav"]


def test_a_pattern_with_a_track(tree: Path) -> None:
    found = list(File.expand("*.wav?stream=3"))
    assert [(source.name, source.track) for source in found] == [("a.wav", 3), ("near.wav", 3)]  # type: ignore[attr-defined]


def test_an_existing_name_is_no_pattern(tree: Path) -> None:
    (tree / "[b].wav").write_bytes(b"")
    assert names("[b].wav") == ["[b].wav"]


@pytest.mark.parametrize("text", ["empty", "empty/", "*.ogg", "none/**"])
def test_nothing_there(tree: Path, text: str) -> None:
    with pytest.raises(SourceNotFoundError):
        list(File.expand(text))


def test_a_directory_that_may_not_be_listed_is_an_error_of_its_own(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def guarded(path: str) -> os._ScandirIterator[str]:  # type: ignore[name-defined]
        if path.endswith("b"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    found = list(File.expand("."))
    assert [source.name for source in found] == ["./a.wav", "./b", "./c/d/3.wav", "./near.wav"]
    with pytest.raises(AccessDeniedError):
        found[1].open()


def test_samples_are_those_of_the_file(here: Path) -> None:
    (here / "a.wav").write_bytes(encoded(300, channels=2))
    source = File("a.wav")
    source.open()
    expected = np.random.default_rng(300).uniform(-0.5, 0.5, (300, 2))
    np.testing.assert_allclose(read_all(source), expected, atol=1 / 32768)
    source.close()


def test_a_file_uri_of_another_host_shows_no_credentials() -> None:
    with pytest.raises(ValueError, match="three slashes") as caught:
        File("file://me:hunter2@host/a.wav")
    assert "hunter2" not in str(caught.value)
