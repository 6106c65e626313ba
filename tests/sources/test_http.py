from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from audiostreamer.errors import (
    AccessDeniedError,
    DecodeError,
    FormatError,
    SourceError,
    SourceNotFoundError,
    SourceTimeoutError,
    TruncatedSourceError,
    UnsupportedSourceError,
)
from audiostreamer.sources.base import Source
from audiostreamer.sources.http import Http
from audiostreamer.sources.remote import Remote

from .conftest import encoded
from .contract import Make, SourceContract, read_all, read_until
from .servers import Web, web_server


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


class TestRanges(SourceContract):
    @pytest.fixture
    def make(self, web: Web) -> Make:
        return lambda: Http(web.url + "/range/a.wav")

    @pytest.fixture
    def missing(self, web: Web) -> Source:
        return Http(web.url + "/status/404")

    @pytest.fixture
    def secretive(self) -> Source:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{unused.getsockname()[1]}"
        return Http(f"http://me:hunter2@{address}/a.wav?token=hunter2", {"X-Key": "hunter2"})

    # the connection that the server keeps lives in this process as well
    def test_close_gives_everything_back(self, make: Make) -> None:
        source = make()
        source.open()
        source.close()
        assert not source._server.connected  # type: ignore[attr-defined]


class TestNoRanges(TestRanges):
    SEEKS = False

    @pytest.fixture
    def make(self, web: Web) -> Make:
        return lambda: Http(web.url + "/plain/a.wav")

    @pytest.fixture
    def blocked(self, web: Web) -> Source:
        source = Http(web.url + "/stalled/a.wav", timeout="30s")
        source.open()
        return source


class TestFlacByRanges(TestRanges):
    @pytest.fixture
    def make(self, web: Web, flac: bytes) -> Make:
        web.files["a.flac"] = flac
        return lambda: Http(web.url + "/range/a.flac")


def opening(url: str, **options: str) -> SourceError:
    source = Http(url, **options)  # type: ignore[arg-type]
    with pytest.raises(SourceError) as caught:
        source.open()
    source.close()
    assert not source._server.connected
    return caught.value


def test_a_small_file_is_one_request(web: Web) -> None:
    source = Http(web.url + "/range/a.wav")
    source.open()
    read_all(source)
    source.close()
    assert web.asked("/range/a.wav") == 1


@pytest.mark.parametrize(("format", "most"), [("WAV", 7), ("FLAC", 7), ("MP3", 7), ("OGG", 7)])
def test_few_requests(format: str, most: int, web: Web) -> None:
    web.files["long"] = encoded(1_500_000, 44_100, format=format)
    source = Http(web.url + "/range/long")
    source.open()
    assert len(read_all(source, 100_000)) >= 1_500_000
    source.close()
    assert 2 <= web.asked("/range/long") <= most


def test_seeking_asks_only_for_what_is_needed(web: Web) -> None:
    web.files["long"] = encoded(3_000_000, 44_100)
    source = Http(web.url + "/range/long")
    source.open()
    assert source.seek(2_000_000)
    source.read(10_000)
    source.close()
    assert [headers["Range"] for _, headers in web.requests] == ["bytes=0-131071", "bytes=4000044-4131115"]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (404, SourceNotFoundError),
        (410, SourceNotFoundError),
        (401, AccessDeniedError),
        (403, AccessDeniedError),
        (408, SourceTimeoutError),
        (416, SourceError),
        (418, SourceError),
        (500, SourceError),
        (503, SourceError),
        (504, SourceTimeoutError),
        (204, SourceError),
        (299, SourceError),
    ],
)
def test_refusals(status: int, kind: type[SourceError], web: Web) -> None:
    error = opening(f"{web.url}/status/{status}")
    assert type(error) is kind
    assert str(status) in str(error)


def test_a_page_is_no_audio(web: Web) -> None:
    web.files["page"] = b"<!DOCTYPE html><html><body>please log in</body></html>"
    assert isinstance(opening(web.url + "/plain/page"), FormatError)
    assert isinstance(opening(web.url + "/range/page"), FormatError)


def test_an_empty_file(web: Web) -> None:
    web.files["empty"] = b""
    assert isinstance(opening(web.url + "/range/empty"), FormatError)
    assert isinstance(opening(web.url + "/plain/empty"), FormatError)


def test_nobody_listens(unused_port: int) -> None:
    error = opening(f"http://127.0.0.1:{unused_port}/a.wav")
    assert "cannot connect" in str(error)
    assert error.__cause__ is not None


def test_no_such_host() -> None:
    assert str(opening("http://nowhere.invalid/a.wav")).endswith("cannot connect: no such host")


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


def test_headers_that_never_come(web: Web) -> None:
    assert isinstance(opening(web.url + "/silent/", timeout="300ms"), SourceTimeoutError)


def test_a_server_that_does_not_even_accept() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/a.wav"
        assert isinstance(opening(url, timeout="300ms"), SourceTimeoutError)


def test_headers_that_trickle(unused_port: int) -> None:
    """`timeout` bounds `open` as a whole, not each byte."""
    stop = threading.Event()

    def trickle() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
            while not stop.wait(0.05):
                try:
                    connection.sendall(b"H")
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", unused_port)) as listener:
        thread = threading.Thread(target=trickle, name="trickle")
        thread.start()
        try:
            assert isinstance(opening(f"http://127.0.0.1:{unused_port}/", timeout="500ms"), SourceTimeoutError)
        finally:
            stop.set()
            thread.join()


def test_what_is_no_http(unused_port: int) -> None:
    def nonsense() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")

    with socket.create_server(("127.0.0.1", unused_port)) as listener:
        thread = threading.Thread(target=nonsense, name="nonsense")
        thread.start()
        assert isinstance(opening(f"http://127.0.0.1:{unused_port}/"), SourceError)
        thread.join()


def test_a_body_that_stalls(web: Web) -> None:
    source = Http(web.url + "/stalled/a.wav", timeout="300ms")
    source.open()
    assert read_until(source, SourceTimeoutError, "silent")[0] == (len(web.files["a.wav"]) // 2 - 44) // 2
    source.close()


@pytest.mark.parametrize("frames", [5000, 300_000])
def test_a_body_shorter_than_promised(frames: int, web: Web) -> None:
    """All that came is delivered, however late it is read."""
    web.files["a.wav"] = encoded(frames)
    source = Http(web.url + "/short/a.wav")
    source.open()
    delivered, _ = read_until(source, TruncatedSourceError)
    source.close()
    assert delivered == (len(web.files["a.wav"]) // 2 - 44) // 2


def test_a_range_that_breaks_off_is_gone_on_with(web: Web) -> None:
    source = Http(web.url + "/broken/a.wav")
    source.open()
    assert len(read_all(source)) == 5000
    source.close()
    assert 11 <= web.asked("/broken/a.wav") <= 20


def test_ranges_that_stay_empty(web: Web) -> None:
    web.files["long"] = encoded(300_000)
    source = Http(web.url + "/ends/long")
    source.open()
    assert read_until(source, TruncatedSourceError)[0] == (131_072 - 44) // 2
    source.close()


@pytest.mark.parametrize("size", ["same", "other"])
def test_a_file_that_changes_meanwhile(size: str, web: Web) -> None:
    web.files["long"] = encoded(300_000)
    source = Http(web.url + "/range/long")
    source.open()
    web.etags["long"] = '"2"'
    if size == "other":
        web.files["long"] = encoded(200_000)
    assert read_until(source, DecodeError, "changed on the server")[0] == (131_072 - 44) // 2
    source.close()


def test_redirects_are_followed(web: Web) -> None:
    source = Http(web.url + "/hops/4/range/a.wav")
    source.open()
    assert len(read_all(source)) == 5000
    source.close()


@pytest.mark.parametrize(
    ("path", "kind", "text"),
    [
        ("/hops/5/range/a.wav", SourceError, "more than 5 redirects"),
        ("/hops/99999/range/a.wav", SourceError, "more than 5 redirects"),
        ("/disk/", UnsupportedSourceError, "redirects to file:"),
        ("/nowhere/", SourceError, "nowhere"),
        ("/to/to/to/status/404", SourceNotFoundError, "404"),
    ],
)
def test_redirects_that_are_not(path: str, kind: type[SourceError], text: str, web: Web) -> None:
    error = opening(web.url + path)
    assert type(error) is kind
    assert text in str(error)


def test_headers_go_to_the_server_they_were_given_for(web: Web, other: Web) -> None:
    web.other = other.url.replace("127.0.0.1", "me:pw@127.0.0.1")
    source = Http(web.url + "/elsewhere/range/a.wav", {"X-Key": "k", "Authorization": "Bearer k"}, user_agent="me")
    source.open()
    source.close()
    (_, first), (_, second) = web.requests[0], other.requests[0]
    assert (first["X-Key"], first["Authorization"], first["User-Agent"]) == ("k", "Bearer k", "me")
    assert (second.get("X-Key"), second["User-Agent"]) == (None, "me")
    assert "Bearer" not in second.get("Authorization", "")


@pytest.fixture
def other(wav: bytes) -> Iterator[Web]:
    with web_server() as server:
        server.files["a.wav"] = wav
        yield server


def test_user_and_password_become_basic_authentication(web: Web) -> None:
    source = Http(web.url.replace("//", "//me:hunter2@") + "/range/a.wav")
    source.open()
    source.close()
    assert web.requests[0][1]["Authorization"] == "Basic bWU6aHVudGVyMg=="


def test_the_query_is_the_servers_and_signatures_stay_as_they_are(web: Web) -> None:
    source = Http(web.url + "/range/a.wav?stream=1&sig=a%2Fb%3D")
    source.open()
    source.close()
    assert source.track == 0
    assert web.requests[0][0] == "/range/a.wav?stream=1&sig=a%2Fb%3D"


@pytest.mark.parametrize("bad", ["\r\nX: 1", "\n", "\0"])
def test_line_breaks_are_refused(bad: str) -> None:
    for make in (
        lambda: Http(f"http://me:hunter2@h/{bad}"),
        lambda: Http("http://h/", {"A": bad}),
        lambda: Http("http://h/", {bad: "a"}),
        lambda: Http("http://h/", user_agent=f"hunter2{bad}"),
    ):
        with pytest.raises(ValueError, match="line break") as caught:
            make()
        assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["http:", "http://", "http:///a.wav", "http://me@/a", "ftp://h/a", "a.wav", "http:h/a"])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        Http(url)


def test_the_time_out_has_a_unit() -> None:
    with pytest.raises(TypeError, match="'5s'"):
        Http("http://h/", timeout=5)  # type: ignore[arg-type]


def test_samples_are_those_of_the_file(web: Web, tmp_path: Path) -> None:
    web.files["a.flac"] = encoded(300_000, channels=2, format="FLAC")
    got = []
    for kind in ("range", "plain"):
        source = Http(f"{web.url}/{kind}/a.flac")
        source.open()
        got.append(read_all(source, 5000))
        source.close()
    np.testing.assert_array_equal(*got)
    assert got[0].shape == (300_000, 2)


@pytest.mark.parametrize("url", ["http://me:hunter/2@h/a", "http://me:hunter@2@h/a", "zip://a::http://me:hunter/2@h/a"])
def test_a_password_that_is_not_percent_encoded(url: str) -> None:
    with pytest.raises(ValueError, match="percent-encoded") as caught:
        (Remote if url.startswith("zip") else Http)(url)
    assert "hunter" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("key", ["Authorization", "authorization"])
def test_two_ways_to_say_who_one_is(key: str) -> None:
    with pytest.raises(ValueError, match="give one of them") as caught:
        Http("http://me:hunter2@h/a", {key: "Bearer hunter2"})
    assert "hunter2" not in str(caught.value)


def test_why_there_is_no_connection_is_said(unused_port: int) -> None:
    assert str(opening(f"http://127.0.0.1:{unused_port}/")).endswith("cannot connect: Connection refused")


def test_what_only_the_driver_finds_wrong_with_an_address() -> None:
    assert str(opening("http://h..h/a")).endswith("no valid address")


def test_an_object_may_be_used_again(web: Web) -> None:
    """After an interrupt, after a broken body, and after a redirect."""
    source = Http(web.url + "/to/short/a.wav", {"X-Key": "k"})
    for _ in range(2):
        source.open()
        assert read_until(source, TruncatedSourceError)[0] > 0
        source.interrupt()
        source.close()
    assert [headers["X-Key"] for _, headers in web.requests] == ["k"] * 4
