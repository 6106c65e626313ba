from __future__ import annotations

import asyncio
import io
import threading
import time
import zipfile
from collections.abc import Iterator

import pytest

from audiostreamer.errors import SourceError, SourceTimeoutError, UnsupportedSourceError
from audiostreamer.sources import web as web_module
from audiostreamer.sources.http import Http
from audiostreamer.sources.remote import Remote
from audiostreamer.sources.web import is_internal

from .conftest import encoded
from .contract import read_all
from .servers import Web, web_server


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")


@pytest.fixture
def other(wav: bytes) -> Iterator[Web]:
    with web_server() as server:
        server.files["a.wav"] = wav
        yield server


@pytest.mark.parametrize(
    ("host", "internal"),
    [
        ("127.0.0.1", True),
        ("127.1", True),
        ("2130706433", True),
        ("localhost", True),
        ("10.1.2.3", True),
        ("100.64.0.1", True),
        ("169.254.169.254", True),
        ("224.0.0.1", True),
        ("0.0.0.0", True),
        ("::1", True),
        ("fe80::1", True),
        ("fd00::1", True),
        ("::ffff:10.0.0.1", True),
        ("64:ff9b::a00:1", True),
        ("2002:7f00:1::", True),
        ("8.8.8.8", False),
        ("2606:4700::1111", False),
        ("64:ff9b::808:808", False),
        ("nowhere.invalid", False),
    ],
)
def test_what_is_internal(host: str, internal: bool) -> None:
    assert asyncio.run(is_internal(host)) is internal


@pytest.mark.parametrize("public", [True, False])
def test_no_redirect_leads_from_outside_to_inside(
    public: bool, web: Web, other: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def pretended(host: str) -> bool:
        return host == "localhost" or not public

    monkeypatch.setattr(web_module, "is_internal", pretended)
    web.other = other.url.replace("127.0.0.1", "localhost")
    source = Http(web.url + "/elsewhere/range/a.wav")
    if public:
        with pytest.raises(UnsupportedSourceError, match="into a private network"):
            source.open()
        assert not other.requests
    else:
        source.open()
    source.close()


def test_https_stays_https() -> None:
    from yarl import URL

    server = web_module.Server("https://h/a", {}, "https://h/a", 1.0, lambda count: None)
    server._url = URL("https://h/a")
    with pytest.raises(UnsupportedSourceError, match="from https to http"):
        asyncio.run(server._follow("http://h/a"))


def test_user_and_password_go_on_to_the_same_server_only(web: Web, other: Web) -> None:
    for last in (web, other):
        web.other = last.url
        source = Http(web.url.replace("//", "//me:hunter%2F2@") + "/elsewhere/range/a.wav")
        source.open()
        source.close()
        sent = [headers.get("Authorization") for path, headers in last.requests if path == "/range/a.wav"]
        assert sent == ["Basic bWU6aHVudGVyLzI=" if last is web else None]


def test_an_authorization_header_and_a_user_in_a_redirect_do_not_collide(web: Web) -> None:
    web.other = web.url.replace("//", "//you:pw@")
    source = Http(web.url + "/elsewhere/range/a.wav", {"Authorization": "Bearer k"})
    source.open()
    source.close()
    assert web.requests[-1][1]["Authorization"] == "Bearer k"


def test_an_answer_longer_than_asked_for_is_dropped(web: Web) -> None:
    """64 MiB are ready to come; only what fits in the sockets' buffers is sent."""
    source = Http(web.url + "/flood/")
    with pytest.raises(SourceError, match="more than it was asked for"):
        source.open()
    source.close()
    assert web.sent < 32 << 20


def test_a_later_answer_longer_than_asked_for(web: Web) -> None:
    web.files["long"] = encoded(3_000_000)
    source = Http(web.url + "/floods/long")
    source.open()
    with pytest.raises(SourceError, match="more than it was asked for"):
        read_all(source, 100_000)
    source.close()


@pytest.mark.parametrize("chain", ["{}", "zip://a::{}"])
def test_a_server_that_drips_is_given_up(chain: str, web: Web) -> None:
    """`timeout` bounds `open` as a whole, also where bytes keep coming."""
    text = chain.format(web.url + "/drips/a.wav")
    source = Remote(text, timeout="500ms") if chain != "{}" else Http(text, timeout="500ms")
    before = time.monotonic()
    with pytest.raises(SourceTimeoutError, match=r"within 0\.5 s"):
        source.open()
    source.close()
    assert time.monotonic() - before < 3


def test_what_keeps_coming_may_take_longer_than_the_time_out(web: Web, wav: bytes) -> None:
    web.files["a.wav"] = encoded(400_000)  # spooled for its end: an archive of one member
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a", web.files["a.wav"])
    web.files["x.zip"] = packed.getvalue()
    source = Remote(f"zip://a::{web.url}/steady/x.zip", timeout="500ms")
    before = time.monotonic()
    source.open()
    assert time.monotonic() - before > 0.6
    assert len(read_all(source, 50_000)) == 400_000
    source.close()


def test_interrupt_ends_an_open_that_drips_and_the_next_open_works(web: Web) -> None:
    source = Http(web.url + "/drips/a.wav", timeout="60s")
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
    web.drip_seconds = 0.0
    source.open()
    assert len(read_all(source)) == 5000
    source.close()
