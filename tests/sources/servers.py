"""Real servers on loopback: a web server with every vice, and an S3 store in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PATIENCE_SECONDS = 30.0
"""How long a test waits for what should come at once."""


def wait_until(condition: Callable[[], object], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait for a condition of the outside world, with a bound."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        pause.wait(0.01)


@dataclass
class Web:
    """A web server.

    ``/range/NAME`` knows ranges, ``/plain/NAME`` does not, and the rest is wrong in some way; see `_Handler`.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    etags: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    reached: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)
    other: str = ""
    sent: int = 0
    drip_seconds: float = 0.1

    def asked(self, path: str) -> int:
        """How many requests came for a path."""
        return sum(asked == path for asked, _ in self.requests)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    web: Web

    def log_message(self, *args: object) -> None:
        pass

    def handle(self) -> None:
        with suppress(ConnectionError):  # clients that have heard enough
            super().handle()

    def do_GET(self) -> None:
        self.web.requests.append((self.path, dict(self.headers)))
        kind, _, name = self.path[1:].partition("?")[0].partition("/")
        getattr(self, f"_{kind}")(name)

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for key, text in {"Content_Length": str(len(body)), **headers}.items():
            self.send_header(key.replace("_", "-"), text)
        self.end_headers()
        self.wfile.write(body)

    def _range(self, name: str) -> None:
        data = self.web.files[name]
        match = re.match(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        assert match, "a range is expected"
        start, last = int(match[1]), min(int(match[2]), len(data) - 1)
        tag = self.web.etags.get(name, '"1"')
        if start > last:
            self._answer(416, Content_Range=f"bytes */{len(data)}")
        else:
            self._answer(206, data[start : last + 1], Content_Range=f"bytes {start}-{last}/{len(data)}", ETag=tag)

    def _plain(self, name: str) -> None:
        self._answer(200, self.web.files[name])

    def _status(self, name: str) -> None:
        self._answer(int(name), b"<html>no</html>")

    def _to(self, name: str) -> None:
        self._answer(302, Location="/" + name)

    def _hops(self, name: str) -> None:
        left, _, rest = name.partition("/")
        self._answer(302, Location=f"/hops/{int(left) - 1}/{rest}" if int(left) else f"/{rest}")

    def _disk(self, name: str) -> None:
        self._answer(302, Location="file:///etc/passwd")

    def _elsewhere(self, name: str) -> None:
        self._answer(302, Location=f"{self.web.other}/{name}")

    def _nowhere(self, name: str) -> None:
        self._answer(302, Location="http://[nowhere/")

    def _silent(self, name: str) -> None:
        self.close_connection = True
        self.web.reached.set()
        self.web.release.wait(PATIENCE_SECONDS)

    def _flood(self, name: str) -> None:
        """A range of 64 MiB, whatever was asked for."""
        total = 64 << 20
        self.close_connection = True
        self.send_response(206)
        self.send_header("Content-Range", f"bytes 0-{total - 1}/{total}")
        self.send_header("Content-Length", str(total))
        self.end_headers()
        piece = bytes(1 << 20)
        for _ in range(64):
            self.wfile.write(piece)
            self.web.sent += len(piece)

    def _floods(self, name: str) -> None:
        """The first range is right, the next goes on to the end of the file."""
        data = self.web.files[name]
        start = int(re.findall(r"\d+", self.headers["Range"])[0])
        if not start:
            self._range(name)
        else:
            self._answer(206, data[start:], Content_Range=f"bytes {start}-{len(data) - 1}/{len(data)}", ETag='"1"')

    def _drips(self, name: str) -> None:
        """No range, byte by byte."""
        self._slowly(name, 1, self.web.drip_seconds)

    def _steady(self, name: str) -> None:
        """No range, 128 KiB at a time."""
        self._slowly(name, 1 << 17, 0.15)

    def _slowly(self, name: str, step: int, seconds: float) -> None:
        data = self.web.files[name]
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        for at in range(0, len(data), step):
            self.wfile.write(data[at : at + step])
            self.web.reached.set()
            if seconds and self.web.release.wait(seconds):
                return

    def _begin(self, name: str) -> bytes:
        """Half of the body that was promised; then the connection ends."""
        data = self.web.files[name]
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2])
        self.wfile.flush()
        return data

    def _short(self, name: str) -> None:
        self._begin(name)

    def _stalled(self, name: str) -> None:
        self._begin(name)
        self._silent(name)

    def _broken(self, name: str) -> None:
        """A range of which each answer holds at most 1000 bytes."""
        data = self.web.files[name]
        start = int(re.findall(r"\d+", self.headers["Range"])[0])
        self.close_connection = True
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        self.wfile.write(data[start : start + 1000])

    def _ends(self, name: str) -> None:
        """The first range is whole, all others are empty."""
        if self.headers["Range"].startswith("bytes=0-"):
            self._range(name)
        else:
            self.close_connection = True
            total = len(self.web.files[name])
            start = int(re.findall(r"\d+", self.headers["Range"])[0])
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
            self.send_header("ETag", '"1"')
            self.send_header("Content-Length", str(total - start))
            self.end_headers()


@contextmanager
def web_server() -> Iterator[Web]:
    """A web server on a port of its own."""
    web = Web()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"web": web}))
    server.daemon_threads = False  # so that closing the server waits for its requests
    web.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), name="web-server")
    thread.start()
    try:
        yield web
    finally:
        web.release.set()
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass(frozen=True)
class Store:
    """An S3 server."""

    url: str
    log: str

    @property
    def options(self) -> dict[str, object]:
        """Storage options to reach it."""
        return {"key": "k", "secret": "s", "endpoint_url": self.url}

    def requests(self) -> int:
        """Requests answered so far."""
        with open(self.log) as file:
            return sum("HTTP/1.1" in line for line in file)


@contextmanager
def s3_server(folder: str) -> Iterator[Store]:
    """moto's S3 server as a process on a port that it chooses."""
    log = os.path.join(folder, "moto.log")
    with open(log, "w") as output:
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    try:
        yield Store(_address(process, log), log)
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def _address(process: subprocess.Popen[bytes], log: str) -> str:
    found: list[str] = []

    def answers() -> bool:
        assert process.poll() is None, "moto has ended"
        with open(log) as file:
            found[:] = re.findall(r"http://127\.0\.0\.1:\d+", file.read())
        if not found:
            return False
        try:
            urllib.request.urlopen(found[0] + "/moto-api/", timeout=5).close()
        except (urllib.error.URLError, OSError):
            return False
        return True

    wait_until(answers, "the S3 server")
    return found[0]
