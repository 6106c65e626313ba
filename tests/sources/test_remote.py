from __future__ import annotations

import gc
import importlib.util
import io
import os
import sys
import tarfile
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from audiostreamer.errors import (
    AccessDeniedError,
    DecodeError,
    FormatError,
    MissingDependencyError,
    SourceError,
    SourceNotFoundError,
    SourceTimeoutError,
    UnsupportedSourceError,
)
from audiostreamer.sources.base import Source
from audiostreamer.sources.remote import Remote

from .conftest import encoded
from .contract import Make, SourceContract, read_all, read_until
from .servers import Store, Web


def zipped(**files: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "/"), data)
    return file.getvalue()


def tarred(mode: str = "w", **files: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            member = tarfile.TarInfo(name.replace("__", "/"))
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return file.getvalue()


@pytest.fixture
def memory() -> Iterator[Any]:
    system = fsspec.filesystem("memory")
    yield system
    system.store.clear()
    system.pseudo_dirs[:] = [""]


@pytest.fixture(scope="module")
def s3(store: Store) -> Any:
    system = fsspec.filesystem("s3", **store.options)
    system.mkdir("audio")
    yield system
    system.rm("audio", recursive=True)


@pytest.fixture
def environment(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a user's shell would say it."""
    for key, text in {
        "AWS_ENDPOINT_URL": store.url,
        "AWS_ACCESS_KEY_ID": "k",
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(key, text)


class TestMemory(SourceContract):
    @pytest.fixture
    def make(self, memory: Any, wav: bytes) -> Make:
        memory.pipe("/d/a.wav", wav)
        return lambda: Remote("memory://d/a.wav")

    @pytest.fixture
    def missing(self, memory: Any) -> Source:
        return Remote("memory://d/none.wav")


class TestZip(SourceContract):
    @pytest.fixture
    def make(self, tmp_path: Path, wav: bytes) -> Make:
        (tmp_path / "x.zip").write_bytes(zipped(d__a=wav))
        return lambda: Remote(f"zip://d/a::{tmp_path}/x.zip")

    @pytest.fixture
    def missing(self, tmp_path: Path, wav: bytes) -> Source:
        (tmp_path / "x.zip").write_bytes(zipped(a=wav))
        return Remote(f"zip://none::{tmp_path}/x.zip")


class TestTar(SourceContract):
    @pytest.fixture
    def make(self, tmp_path: Path, wav: bytes) -> Make:
        (tmp_path / "x.tar").write_bytes(tarred(d__a=wav))
        return lambda: Remote(f"tar://d/a::file://{tmp_path}/x.tar")


class TestS3(SourceContract):
    @pytest.fixture
    def make(self, s3: Any, store: Store, flac: bytes) -> Make:
        s3.pipe("audio/a.flac", flac)
        return lambda: Remote("s3://audio/a.flac", store.options)

    @pytest.fixture
    def missing(self, s3: Any, store: Store) -> Source:
        return Remote("s3://audio/none.flac", store.options)

    @pytest.fixture
    def secretive(self) -> Source:
        return Remote("s3://me:hunter2@x/a", {"key": "k", "secret": "hunter2", "endpoint_url": "http://127.0.0.1:9"})

    # the connection pool lives as long as fsspec's instance, for the next source
    def test_close_gives_everything_back(self, make: Make) -> None:
        source = make()
        source.open()
        source.close()


def frames(source: Source) -> int:
    source.open()
    count = len(read_all(source, 50_000))
    source.close()
    return count


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("format", ["WAV", "FLAC", "MP3", "OGG", "AIFF", "W64"])
def test_s3_formats_by_the_environment_alone(format: str, s3: Any) -> None:
    s3.pipe("audio/x", encoded(100_000, 44_100, format=format))
    assert frames(Remote("s3://audio/x")) >= 100_000


def test_s3_requests(s3: Any, store: Store) -> None:
    """One to look, one for a small object; large ones in few blocks, and one to look again."""
    s3.pipe({"audio/small": encoded(400_000), "audio/large": encoded(5_000_000)})
    counts = []
    for name in ("small", "large"):
        before = store.requests()
        frames(Remote(f"s3://audio/{name}", store.options))
        counts.append(store.requests() - before)
    assert counts == [2, 2 + 6 + 1]


def test_s3_seek_reads_little(s3: Any, store: Store) -> None:
    s3.pipe("audio/large", encoded(5_000_000))
    before = store.requests()
    source = Remote("s3://audio/large", store.options)
    source.open()
    assert source.seek(3_000_000)
    source.read(10_000)
    source.close()
    assert store.requests() - before == 3


def test_an_object_that_changes_meanwhile(s3: Any, store: Store) -> None:
    s3.pipe("audio/large", encoded(2_000_000))
    source = Remote("s3://audio/large", store.options)
    source.open()
    source.read(1000)
    s3.pipe("audio/large", encoded(2_000_000, channels=1, rate=16_000))
    with pytest.raises(DecodeError, match="changed in the store"):
        read_all(source, 50_000)
    source.close()


def test_an_object_that_shrinks_meanwhile(s3: Any, store: Store) -> None:
    s3.pipe("audio/large", encoded(2_000_000))
    source = Remote("s3://audio/large", store.options)
    source.open()
    source.read(1000)
    s3.pipe("audio/large", b"gone")
    with pytest.raises(SourceError):
        read_all(source, 50_000)
    source.close()


def test_an_object_that_is_deleted_meanwhile(s3: Any, store: Store) -> None:
    s3.pipe("audio/large", encoded(2_000_000))
    source = Remote("s3://audio/large", store.options)
    source.open()
    source.read(1000)
    s3.rm("audio/large")
    with pytest.raises(SourceNotFoundError):
        read_all(source, 50_000)
    source.close()


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        ("s3://audio/none", SourceNotFoundError),
        ("s3://no-such-bucket/a", SourceNotFoundError),
        ("s3://audio/dir", UnsupportedSourceError),
        ("s3://audio/text", FormatError),
        ("s3://audio/empty", FormatError),
    ],
)
def test_s3_errors(uri: str, kind: type[SourceError], s3: Any, store: Store) -> None:
    s3.pipe({"audio/dir/a": b"x", "audio/text": b"not audio " * 20, "audio/empty": b""})
    with pytest.raises(SourceError) as caught:
        Remote(uri, store.options).open()
    assert type(caught.value) is kind
    assert str(caught.value).startswith(uri)


def test_no_credentials(store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for key in [key for key in os.environ if key.startswith("AWS")]:
        monkeypatch.delenv(key)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(AccessDeniedError, match="credentials"):
        Remote("s3://audio/a", {"endpoint_url": store.url}).open()


def test_a_store_that_does_not_answer() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        before = time.monotonic()
        source = Remote("s3://audio/a", {"key": "k", "secret": "s", "endpoint_url": url}, timeout="500ms")
        with pytest.raises(SourceTimeoutError):
            source.open()
        assert time.monotonic() - before < 5


def test_interrupt_ends_open() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        source = Remote("s3://audio/a", {"key": "k", "secret": "s", "endpoint_url": url}, timeout="60s")
        outcome: list[BaseException] = []

        def opens() -> None:
            try:
                source.open()
            except SourceError as error:
                outcome.append(error)

        thread = threading.Thread(target=opens, name="opener")
        thread.start()
        listener.accept()[0].close()
        source.interrupt()
        thread.join(2.0)
        assert not thread.is_alive()
    assert "interrupted" in str(outcome[0])


@pytest.mark.usefixtures("environment")
def test_s3_names(s3: Any, store: Store) -> None:
    keys = [
        "g/b/2.wav",
        "g/a.wav",
        "g/b/1.flac",
        "g/notes.txt",
        "g/c/d/3.wav",
        "g/.hid/x.wav",
        "g/a[1].wav",
        "g/e::f.wav",
    ]
    s3.pipe({f"audio/{key}": b"x" for key in keys})
    s3.touch("audio/g/")

    def names(text: str) -> list[str]:
        return [source.name.removeprefix("s3://audio/g/") for source in Remote.expand(text)]

    everything = ["a.wav", "a[1].wav", "b/1.flac", "b/2.wav", "c/d/3.wav", "e::f.wav"]
    assert names("s3://audio/g/") == everything
    assert names("s3://audio/g/**/*.wav") == [name for name in everything if name != "b/1.flac"]
    assert names("s3://audio/g/?/*.flac") == ["b/1.flac"]
    assert names("s3://audio/*/b/2.*") == ["b/2.wav"]
    assert names("s3://audio/g/a[1].wav") == ["a[1].wav"], "an object of exactly this name goes first"
    assert names("s3://audio/g/e::f.wav") == ["e::f.wav"]
    assert [source.track for source in Remote.expand("s3://audio/g/b/*.wav?stream=2")] == [2]  # type: ignore[attr-defined]
    with pytest.raises(SourceNotFoundError):
        names("s3://audio/g/*.ogg")
    with pytest.raises(SourceNotFoundError):
        names("s3://audio/nothing/")


@pytest.mark.usefixtures("environment")
def test_listings_are_fresh(s3: Any) -> None:
    s3.pipe("audio/fresh/1.wav", b"x")
    assert len(list(Remote.expand("s3://audio/fresh/"))) == 1
    s3.pipe("audio/fresh/2.wav", b"x")
    assert len(list(Remote.expand("s3://audio/fresh/"))) == 2


@pytest.mark.usefixtures("environment")
def test_listings_are_lazy(s3: Any, store: Store) -> None:
    s3.pipe({f"audio/lazy/{letter}/1.wav": b"x" for letter in "abcdefgh"})
    before = store.requests()
    found = Remote.expand("s3://audio/lazy/")
    next(found)
    assert store.requests() - before <= 3
    found.close()  # type: ignore[attr-defined]


def test_memory_files_do_not_share_a_position(memory: Any, wav: bytes) -> None:
    memory.pipe("/a.wav", wav)
    one, two = Remote("memory://a.wav"), Remote("memory://a.wav")
    one.open()
    two.open()
    first, second = read_all(one), read_all(two)
    one.close()
    two.close()
    assert len(first) == len(second) == 5000
    assert memory.cat("/a.wav") == wav


def test_memory_patterns(memory: Any) -> None:
    memory.pipe({"/m/b.wav": b"x", "/m/d/a.wav": b"x", "/m/x.txt": b"x"})
    assert [source.name for source in Remote.expand("memory://m/**/*.wav")] == [
        "memory://m/b.wav",
        "memory://m/d/a.wav",
    ]
    assert [source.name for source in Remote.expand("memory://m/")] == ["memory://m/b.wav", "memory://m/d/a.wav"]


def test_archives_in_stores_and_on_the_web(memory: Any, web: Web, s3: Any, store: Store, wav: bytes) -> None:
    archive = zipped(d__a=wav, d__b=wav)
    memory.pipe("/x.zip", archive)
    web.files["x.zip"] = archive
    s3.pipe("audio/x.zip", archive)
    assert frames(Remote("zip://d/a::memory://x.zip")) == 5000
    assert frames(Remote(f"zip://d/a::{web.url}/range/x.zip")) == 5000
    assert frames(Remote("zip://d/a::s3://audio/x.zip", store.options)) == 5000
    names = [source.name for source in Remote.expand("zip://**::memory://x.zip")]
    assert names == ["zip://d/a::memory://x.zip", "zip://d/b::memory://x.zip"]
    assert len(list(Remote.expand("zip://d/::memory://x.zip"))) == 2


def test_an_archive_in_an_archive(tmp_path: Path, wav: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(zipped(inner=tarred(a=wav)))
    assert frames(Remote(f"tar://a::zip://inner::{tmp_path}/x.zip")) == 5000


@pytest.mark.parametrize("mode", ["gz", "bz2", "xz"])
def test_packed_archives(mode: str, tmp_path: Path, wav: bytes) -> None:
    (tmp_path / f"x.tar.{mode}").write_bytes(tarred(f"w:{mode}", a=wav))
    assert frames(Remote(f"tar://a::{tmp_path}/x.tar.{mode}")) == 5000


@pytest.mark.parametrize("scheme", ["zip", "tar"])
def test_what_is_no_archive(scheme: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"no archive" * 200)
    for name in ("x", "none"):
        with pytest.raises(SourceError) as caught:
            Remote(f"{scheme}://a::{tmp_path}/{name}").open()
        assert isinstance(caught.value, SourceNotFoundError) == (name == "none")
    gc.collect()


def test_a_member_with_a_wrong_checksum(tmp_path: Path, wav: bytes) -> None:
    data = bytearray(zipped(a=wav))
    data[200] ^= 0xFF
    (tmp_path / "x.zip").write_bytes(data)
    source = Remote(f"zip://a::{tmp_path}/x.zip")
    with pytest.raises(SourceError):
        frames(source)
    source.close()


LOCAL_TRICKS = [
    "simplecache::s3://b/a.wav",
    "filecache::{0}",
    "blockcache::file://{0}",
    "local://{0}",
    "dir://{0}",
    "reference://a::{0}",
    "generic://{0}",
    "cached://{0}",
    "zip://a.wav::simplecache::{0}",
    "zip://a.wav::local://{0}",
    "zip://a.wav::dir://x::{0}",
    "zip://a.wav::reference://{0}",
    "zip://a.wav::s3://b/x.zip::{0}",
    "zip://a.wav::{0}::s3://b/x.zip",
    "zip://a.wav::git://{0}",
    "zip://a.wav",
    "zip://a.wav::",
    "tar://a.wav::zip://x",
    "file://{0}",
    "{0}",
    "",
]


@pytest.mark.parametrize("trick", LOCAL_TRICKS)
def test_tricks_that_lead_to_local_files(trick: str, tmp_path: Path, wav: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(wav)
    with pytest.raises((UnsupportedSourceError, SourceNotFoundError)):
        Remote(trick.format(tmp_path / "a.wav"))


@pytest.mark.parametrize("scheme", ["s3", "memory"])
def test_a_chain_after_a_store_is_part_of_the_key(
    scheme: str, tmp_path: Path, memory: Any, wav: bytes, store: Store
) -> None:
    (tmp_path / "a.wav").write_bytes(wav)
    options = store.options if scheme == "s3" else {}
    with pytest.raises(SourceNotFoundError):
        Remote(f"{scheme}://audio::{tmp_path}/a.wav", options).open()


def test_a_local_archive_must_be_a_regular_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnsupportedSourceError):
        Remote(f"zip://a::{tmp_path}/pipe").open()


@pytest.mark.parametrize(
    ("uri", "package"), [("gs://b/a", "gcsfs"), ("az://b/a", "adlfs"), ("abfs://b/a", "adlfs"), ("oss://b/a", "ossfs")]
)
def test_a_missing_driver_says_what_to_install(uri: str, package: str) -> None:
    if importlib.util.find_spec(package):
        pytest.skip(f"{package} is installed")
    with pytest.raises(MissingDependencyError, match=f"pip install {package}") as caught:
        Remote(uri).open()
    assert isinstance(caught.value, ImportError)
    assert isinstance(caught.value.__cause__, ImportError)


def test_a_missing_driver_of_s3_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, "s3", raising=False)
    with pytest.raises(MissingDependencyError, match=r"audiostreamer\[s3\]"):
        Remote("s3://b/a").open()


def test_tracks(wav: bytes, memory: Any) -> None:
    memory.pipe("/a.wav", wav)
    assert frames(Remote("memory://a.wav?stream=0")) == 5000
    assert Remote("memory://a.wav", stream=2).track == 2
    with pytest.raises(FormatError, match="track"):
        Remote("memory://a.wav?stream=1").open()


def test_blocks_keep_what_came_before_an_error(s3: Any, store: Store) -> None:
    s3.pipe("audio/large", encoded(2_000_000))
    source = Remote("s3://audio/large", store.options)
    source.open()
    s3.rm("audio/large")
    count, _ = read_until(source, SourceNotFoundError)
    source.close()
    assert count == (131_072 - 44) // 2


@pytest.mark.parametrize(
    ("scheme", "suffix"), [("zip", ""), ("tar", ""), ("tar", ".gz"), ("tar", ".bz2"), ("tar", ".xz")]
)
@pytest.mark.parametrize("cut", [True, False])
def test_what_is_no_archive_is_said(scheme: str, suffix: str, cut: bool, tmp_path: Path, wav: bytes) -> None:
    whole = zipped(a=wav) if scheme == "zip" else tarred(f"w:{suffix[1:]}", a=wav)
    path = tmp_path / f"x.{scheme}{suffix}"
    path.write_bytes(whole[: 100 if cut else 0] or b"no archive" * 200)
    with pytest.raises(FormatError, match=f"not a {scheme} archive"):
        Remote(f"{scheme}://a::{path}").open()


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_an_archive_on_a_server_without_ranges(pack: Any, web: Web, wav: bytes) -> None:
    web.files["x"] = pack(d__a=wav)
    scheme = "zip" if pack is zipped else "tar"
    source = Remote(f"{scheme}://d/a::{web.url}/plain/x")
    assert frames(source) == 5000
    assert frames(source) == 5000


def test_two_colons_in_the_address_of_an_archive(web: Web, wav: bytes) -> None:
    web.files["x::y.zip"] = zipped(a=wav)
    assert frames(Remote(f"zip://a::{web.url}/range/x::y.zip")) == 5000


def test_a_chain_that_is_refused_shows_no_credentials() -> None:
    for chain in (
        "zip://a::b.wav?k=hunter2::s3://b/x.zip",
        "zip://a::s3://me:hunter2@b::/x.zip",
        "zip://a::s3://b::x?k=hunter2",
    ):
        with pytest.raises(UnsupportedSourceError) as caught:
            Remote(chain)
        assert "hunter2" not in str(caught.value)


def test_an_object_may_be_used_again_after_an_interrupt(s3: Any, store: Store) -> None:
    s3.pipe("audio/again", encoded(1000))
    source = Remote("s3://audio/again", store.options)
    for _ in range(2):
        assert frames(source) == 1000
        source.interrupt()


def test_interrupt_reaches_the_server_of_an_archive(web: Web) -> None:
    source = Remote(f"zip://a::{web.url}/silent/x.zip", timeout="60s")
    outcome: list[BaseException] = []

    def opens() -> None:
        try:
            source.open()
        except SourceError as error:
            outcome.append(error)

    thread = threading.Thread(target=opens, name="opener")
    thread.start()
    assert web.reached.wait(10)
    source.interrupt()
    thread.join(2.0)
    assert not thread.is_alive()
    assert "interrupted" in str(outcome[0])
