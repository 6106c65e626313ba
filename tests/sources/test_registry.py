from __future__ import annotations

import io
import os
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

from audiostreamer import registry
from audiostreamer.errors import MissingDependencyError, SourceError, SourceNotFoundError, UnsupportedSourceError
from audiostreamer.sources.base import Event, Format, Source
from audiostreamer.sources.file import File
from audiostreamer.sources.http import Http
from audiostreamer.sources.memory import Array, Bytes, FileObject
from audiostreamer.sources.pcm import Pcm
from audiostreamer.sources.pipe import Pipe
from audiostreamer.sources.remote import Remote
from audiostreamer.sources.signal import Signal


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("d/b.wav", "d/a.wav", "x.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


def resolved(item: object) -> list[tuple[type, str]]:
    return [(type(source), source.name) for source in registry.resolve(item)]


@pytest.mark.parametrize(
    ("item", "kind", "name"),
    [
        ("x.wav", File, "x.wav"),
        (Path("x.wav"), File, "x.wav"),
        (Path("none.wav"), File, "none.wav"),
        ("none.wav", File, "none.wav"),
        ("C:none.wav", File, "C:none.wav"),
        ("x.wav?stream=1", File, "x.wav?stream=1"),
        ("file:x.wav", File, "file:x.wav"),
        ("-", Pipe, "-"),
        ("pipe:/x", Pipe, "pipe:/x"),
        ("PIPE:/x", Pipe, "PIPE:/x"),
        ("pcm:x?rate=8000", Pcm, "pcm:x?rate=8000"),
        ("signal:sine", Signal, "signal:sine"),
        ("http://me:pw@h/a?t=s", Http, "http://h/a?t=***"),
        ("s3://b/a.wav", Remote, "s3://b/a.wav"),
        ("zip://a::s3://b/x.zip", Remote, "zip://a::s3://b/x.zip"),
        (b"RIFF", Bytes, "bytes"),
        (bytearray(b"RIFF"), Bytes, "bytes"),
        (memoryview(b"RIFF"), Bytes, "bytes"),
        (io.BytesIO(b"RIFF"), FileObject, "file"),
        (Array(np.zeros(3, "float32"), 8000), Array, "array"),
    ],
)
def test_what_an_item_is(item: object, kind: type[Source], name: str) -> None:
    assert resolved(item) == [(kind, name)]


def test_a_source_is_itself() -> None:
    source = Signal()
    assert list(registry.resolve(source)) == [source]


@pytest.mark.parametrize("item", ["d", "d/", "d/*.wav", "d/**", Path("d"), "[d]/*", "file:d"])
def test_one_item_may_be_many(item: object) -> None:
    assert resolved(item) == [(File, "d/a.wav"), (File, "d/b.wav")]


def test_a_path_of_bytes() -> None:
    class Name:
        def __fspath__(self) -> bytes:
            return b"x.wav"

    assert resolved(Name()) == [(File, "x.wav")]


@pytest.mark.parametrize("name", ["s3:x", "signal:sine", "a*", "a?b=c", "x::y", "pcm:z", "unknown:z", "http:z"])
def test_an_existing_file_goes_before_everything(name: str, here: Path) -> None:
    (here / name).write_bytes(b"x")
    assert resolved(name) == [(File, name)]


def test_a_dash_is_standard_input_even_so(here: Path) -> None:
    (here / "-").write_bytes(b"x")
    assert resolved("-") == [(Pipe, "-")]
    assert resolved("./-") == [(File, "./-")]
    assert resolved(Path("-")) == [(File, "-")]


@pytest.mark.parametrize("name", ["d*", "x.wav?stream=1", "signal:sine", "s3:b"])
def test_a_path_is_always_a_name(name: str) -> None:
    (source,) = registry.resolve(Path(name))
    assert isinstance(source, File)
    with pytest.raises(SourceNotFoundError):
        source.open()


def test_a_pattern_of_names_with_a_colon(here: Path) -> None:
    (here / "take:1.wav").write_bytes(b"x")
    assert resolved("take:*.wav") == [(File, "take:1.wav")]


def test_names_come_as_they_are_found(here: Path) -> None:
    found = registry.resolve(".")
    assert next(found).name == "./d/a.wav"
    (here / "y.wav").write_bytes(b"x")  # the directory is listed already
    (here / "d" / "c.wav").write_bytes(b"x")
    assert [source.name for source in found] == ["./d/b.wav", "./x.wav"]


def test_nothing_there() -> None:
    for item in ("*.ogg", "none/**"):
        with pytest.raises(SourceNotFoundError):
            list(registry.resolve(item))
    os.mkdir("empty")
    for item in ("empty", Path("empty")):
        with pytest.raises(SourceNotFoundError, match="empty: no audio file"):
            list(registry.resolve(item))


@pytest.mark.parametrize("item", [None, 5, 1.5, np.zeros(3), [1], object()])
def test_something_else(item: object) -> None:
    with pytest.raises(TypeError, match=type(item).__name__):
        list(registry.resolve(item))


def test_an_unknown_scheme_lists_what_there_is_and_hides_credentials() -> None:
    with pytest.raises(UnsupportedSourceError) as caught:
        list(registry.resolve("htp://me:hunter2@host/a?key=hunter2"))
    text = str(caught.value)
    assert "did you mean http:?" in text
    assert "s3, " in text
    assert "hunter2" not in text
    assert caught.value.uri == "htp://host/a?key=***"


def test_all_schemes_are_found_without_a_list() -> None:
    assert {"file", "http", "https", "s3", "zip", "memory", "pipe", "pcm", "signal"} <= set(registry.schemes())
    assert registry.source_class("SIGNAL") is Signal
    assert registry.source_class("s3") is registry.source_class("gs") is Remote


class Sensor(Source):
    """A third party's."""

    def open(self) -> Format:
        return Format(8000, 1)

    def read(self, max_frames: int) -> Event | None:
        return None

    def close(self) -> None:
        pass


loaded: list[str] = []


class Noted(EntryPoint):
    def load(self) -> object:
        loaded.append(self.name)
        return super().load()


@pytest.fixture
def _plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    group = registry.ENTRY_POINTS
    points = (
        Noted("sensor", f"{__name__}:Sensor", group),
        Noted("signal", f"{__name__}:Sensor", group),
        Noted("lost", "no_such_module:Sensor", group),
        Noted("gone", f"{__name__}:Gone", group),
    )
    monkeypatch.setattr(registry, "entry_points", lambda *, group: [point for point in points if point.group == group])
    loaded.clear()


@pytest.mark.usefixtures("_plugins")
def test_third_parties() -> None:
    assert "sensor" in registry.schemes()
    assert loaded == [], "loaded when chosen, not before"
    (source,) = registry.resolve("sensor:7?x=1")
    assert isinstance(source, Sensor)
    assert source.uri.path == "7"
    assert loaded == ["sensor"]


@pytest.mark.usefixtures("_plugins")
def test_the_built_in_one_wins() -> None:
    assert registry.source_class("signal") is Signal
    assert loaded == []


@pytest.mark.usefixtures("_plugins")
@pytest.mark.parametrize("scheme", ["lost", "gone"])
def test_one_that_cannot_be_imported(scheme: str) -> None:
    with pytest.raises(MissingDependencyError, match=f"{scheme}:") as caught:
        list(registry.resolve(f"{scheme}:x"))
    assert caught.value.__cause__ is not None


def test_importing_is_light() -> None:
    """Drivers come when something is opened."""
    code = (
        "import sys; from audiostreamer import registry; list(registry.resolve('s3://b/a.wav'));"
        "heavy = {'fsspec', 's3fs', 'soundfile', 'av', 'aiohttp', 'botocore', 'sounddevice'} & set(sys.modules);"
        "sys.exit(repr(heavy) if heavy else 0)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60)
    assert ran.returncode == 0, ran.stderr.decode()


def test_errors_are_the_librarys() -> None:
    assert issubclass(UnsupportedSourceError, SourceError)


@pytest.mark.parametrize("text", ["zip://inner.wav", "zip://a::simplecache::x.zip", "nowhere:a", "gs://b/a", "x.wav"])
def test_what_is_wrong_with_a_source_waits_for_its_turn(text: str) -> None:
    registry.check_uri(text)


@pytest.mark.parametrize("text", ["pcm:a", "signal:sine?rat=1", "http://me:hunter/2@h/a", "zip://a::http://h:x/a"])
def test_wrong_options_are_told_at_once(text: str) -> None:
    with pytest.raises(ValueError, match=r"rate|percent|address") as caught:
        registry.check_uri(text)
    assert "hunter" not in str(caught.value)
    assert "::" not in str(caught.value).replace("zip://a::http", "")


def test_an_unknown_scheme_is_said_with_one_colon() -> None:
    with pytest.raises(UnsupportedSourceError) as caught:
        list(registry.resolve("nowhere:"))
    assert str(caught.value).startswith("nowhere: no source for nowhere: is known; there are ")


def test_the_words_of_a_third_party_stay_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(self: EntryPoint) -> object:
        raise ImportError("hunter2", name="broken.module")

    monkeypatch.setattr(EntryPoint, "load", load)
    point = EntryPoint("other", "broken:Source", registry.ENTRY_POINTS)
    monkeypatch.setattr(registry, "entry_points", lambda group: (point,))
    with pytest.raises(MissingDependencyError, match=r"ImportError \(broken\.module\)") as caught:
        registry.source_class("other")
    assert "hunter2" not in str(caught.value)
