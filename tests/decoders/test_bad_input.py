"""Every class of bad input that can be a file: a typed error or the stated result, soon, and in little memory.

And whatever a file says, nothing else is opened.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import av
import pytest

from audiostreamer.decoders.base import Media
from audiostreamer.decoders.container import open_container
from audiostreamer.decoders.engines import open_decoder
from audiostreamer.decoders.reader import Reader
from audiostreamer.errors import FormatError, SourceError

from .bad_input import CASES, MEMORY, SECONDS, mp3
from .decoding import decode, from_bytes, from_path
from .test_pcm import RAMP, fmt, wav

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="measures memory in /proc")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Outcomes of all cases, decoded in one child: {(case, way): (outcome, seconds, bytes)}."""
    folder = tmp_path_factory.mktemp("bad")
    root = Path(__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), *filter(None, sys.path)])}
    child = subprocess.run(
        [sys.executable, "-m", "decoders.bad_input", str(folder)],
        capture_output=True, text=True, env=environment, cwd=folder, timeout=300, check=False,
    )  # fmt: skip
    rows = [json.loads(line) for line in child.stdout.splitlines()]
    assert child.returncode == 0, (rows[-1:], child.stderr[-2000:])
    return {(name, way): rest for name, way, *rest in rows}


@linux
@pytest.mark.parametrize("name", CASES)
def test_bad_input(results, name):
    expected = CASES[name][1]
    for way in ("path", "pipe"):
        if (name, way) not in results:
            continue
        result, seconds, grown = results[name, way]
        assert seconds < SECONDS
        assert grown < MEMORY
        if expected == "F" or isinstance(expected, int):
            if (name, way) not in DIFFERS:
                assert result == str(expected)
        elif expected == "E":
            assert result.startswith("E ")


DIFFERS = {
    ("28 Ogg chained", "pipe"),  # fails loudly: see test_ffmpeg
}


# -- nothing else is opened --------------------------------------------------------------------------------------------

HOSTILE = {
    "ffconcat": b"ffconcat version 1.0\nfile secret.wav\n",
    "concat-no-header": b"file secret.wav\n",
    "m3u8": b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n%s\n#EXT-X-ENDLIST\n",
    "mpd": b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet>'
    b'<Representation id="1"><BaseURL>%s</BaseURL></Representation></AdaptationSet></Period></MPD>',
    "sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
}


@pytest.fixture
def server():
    """A web server that counts what is asked of it."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}/x.ts", asked
        httpd.shutdown()
        thread.join()


class Named(io.BytesIO):
    """A file object whose name lies."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name


@pytest.mark.parametrize("name", ["x.m3u8", "x.ffconcat", "http://127.0.0.1/x.mpd", "concat:a|b", "x.sdp", "x.wav"])
@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("past_the_sniffer", [False, True])
def test_nothing_else_is_opened(hostile, name, past_the_sniffer, server, tmp_path, monkeypatch):
    url, asked = server
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret.wav").write_bytes(wav(fmt(), RAMP))
    data = HOSTILE[hostile].replace(b"%s", url.encode())
    (tmp_path / "x.bin").write_bytes(data)
    for media in (Media(name, Named(data, name)), from_path(tmp_path / "x.bin")):
        with pytest.raises(FormatError):
            open_unsniffed(media) if past_the_sniffer else open_decoder(media, track=0, dtype="float32")
        media.close()
    assert asked == []


def open_unsniffed(media):
    return open_container(media, Reader(media), "")


def allowing(monkeypatch, *switched_off: str) -> None:
    """Open with some of the two defences missing."""
    real = av.open

    def opened(*args, container_options, **more):
        for name in switched_off:
            del container_options[name]
        if "protocol_whitelist" in switched_off:
            container_options["protocol_whitelist"] = "file,http,tcp,none"
        return real(*args, container_options=container_options, **more)

    monkeypatch.setattr(av, "open", opened)


@pytest.fixture
def hostile_files(server, tmp_path, monkeypatch):
    """Every hostile file in a folder with a secret, and what was asked of the server."""
    url, asked = server
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret.wav").write_bytes(wav(fmt(), RAMP))
    paths = []
    for name, data in HOSTILE.items():
        paths.append(tmp_path / f"{name}.{name}")  # HLS is told by its name
        paths[-1].write_bytes(data.replace(b"%s", url.encode()))
    return paths, asked


def leaks(media) -> bool:
    try:
        open_unsniffed(media).close()
    except FormatError:
        return False
    finally:
        media.close()
    return True


def test_the_allowed_formats_alone_are_a_defence(hostile_files, monkeypatch):
    paths, asked = hostile_files
    allowing(monkeypatch, "protocol_whitelist")
    assert not any(leaks(from_path(path)) for path in paths)
    assert not any(leaks(from_bytes(path.read_bytes())) for path in paths)
    assert asked == []


def test_the_allowed_protocols_alone_are_a_defence(hostile_files, monkeypatch):
    """Of a path they allow "file", so there only the network is closed; of an object, everything."""
    paths, asked = hostile_files
    allowing(monkeypatch, "format_whitelist")
    for path in paths:
        leaks(from_path(path))
    assert not any(leaks(from_bytes(path.read_bytes())) for path in paths)
    assert asked == []


def test_without_both_something_is_opened(hostile_files, monkeypatch):
    """So the two tests above can fail."""
    paths, asked = hostile_files
    allowing(monkeypatch, "format_whitelist", "protocol_whitelist")
    assert [path.stem for path in paths if leaks(from_path(path))]
    assert asked


def test_a_lying_name_does_not_matter():
    assert decode(Media("x", Named(mp3(), "http://127.0.0.1/x.m3u8"))).frames == 88_200


NAMES = [
    "-",
    "a:b.wav",
    "concat:a|b",
    "subfile,,start,0,end,9,,:x",
    "%03d.wav",
    "new\nline.mp3",
    "-weird.mp3",
    "file:x",
]
NAMES += ["pipe:0", "http:x", "ü.mp3", "\udcff.mp3"]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_names_are_only_names(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for data in (mp3(), wav(fmt(), RAMP)):
        Path(name).write_bytes(data)
        assert decode(from_path(name)).error is None


def test_every_byte_of_a_header_may_be_anything():
    for data in (wav(fmt(), RAMP)[:200], mp3()[:2000]):
        for at in range(60):
            changed = data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]
            try:
                got = decode(from_bytes(changed))
            except SourceError:
                continue
            assert got.error is None or isinstance(got.error, SourceError)
