"""The package that `extending` shows is installed and listens to a sensor."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from .pages import ROOT, blocks, check_output

PAGE = ROOT / "docs" / "extending.md"
SHOWN = "192.168.0.20:5000"
FRAMES = 256


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The page's files, as they stand there."""
    return {block.title: block.text for block in blocks(PAGE) if block.title}


@pytest.fixture(scope="module")
def installed(package: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the package was installed, from source, by an installer."""
    project, target = tmp_path_factory.mktemp("audiostreamer-sensor"), tmp_path_factory.mktemp("installed")
    for name in ("pyproject.toml", "audiostreamer_sensor.py"):
        (project / name).write_text(package[name], encoding="utf-8")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    uv = shutil.which("uv", path=path)
    assert uv, "uv is needed to install the package; make test puts it into .venv"
    done = subprocess.run(
        [uv, "pip", "install", "--offline", "--no-deps", "--no-build-isolation", "--python", sys.executable,
         "--target", str(target), str(project)],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return target


Serve = Callable[[list[bytes]], str]


@pytest.fixture
def sensor() -> Iterator[Serve]:
    """Serves one connection in a thread: gives what to send, gets the address."""
    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)

        def send(parts: list[bytes]) -> None:
            connection, _ = server.accept()
            with connection:
                for part in parts:
                    connection.sendall(part)

        def serve(parts: list[bytes]) -> str:
            threads.append(threading.Thread(target=send, args=(parts,)))
            threads[-1].start()
            return f"127.0.0.1:{server.getsockname()[1]}"

        yield serve
        for thread in threads:
            thread.join()


def packet(number: int) -> bytes:
    return number.to_bytes(4, "little") + np.full(FRAMES, 1000 * number, "<i2").tobytes()


def run(program: str, installed: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program in an interpreter that finds the installed package."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=folder, capture_output=True, text=True, timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(installed), str(ROOT)])},
    )  # fmt: skip


def test_it_prints_what_the_page_says(package: dict[str, str], installed: Path, sensor: Serve, tmp_path: Path) -> None:
    address = sensor([packet(number) for number in (0, 1, 4, 5, 6)])
    done = run(package["listen.py"].replace(SHOWN, address), installed, tmp_path)
    assert done.returncode == 0, done.stderr
    check_output(blocks(PAGE)[-1].text, done.stdout, PAGE.name)


def test_the_windows_hold_what_was_sent(installed: Path, sensor: Serve, tmp_path: Path) -> None:
    address = sensor([packet(number) for number in (7, 8, 10)])
    program = f"""
import audiostreamer as aus

gen = aus.windows("sensor:{address}?rate=1000", window_length=256)
for window in gen:
    assert window.utc is not None
    print(window.start, {{round(float(x) * 32768) for x in window.samples[: window.valid, 0]}})
(ledger,) = gen.ledgers.values()
print(gen.report.streams["sensor:{address}?rate=1000"].stream.sample_rate, ledger.captured, ledger.gap_frames)
print(ledger.balanced)
"""
    done = run(program, installed, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["0 {7000}", "256 {8000}", "768 {10000}", "1000 768 256", "True"]


def test_bad_data_is_not_the_end(installed: Path, sensor: Serve, tmp_path: Path) -> None:
    address = sensor([packet(0), packet(1)[:100]])
    program = f"""
import audiostreamer as aus

try:
    aus.Generator("sensor:{address}", window_length=256).run()
except aus.TruncatedSourceError as error:
    print(error.position)
"""
    done = run(program, installed, tmp_path)
    assert (done.returncode, done.stdout) == (0, "256\n"), done.stderr


def test_a_stop_ends_a_read_that_waits(installed: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        program = f"""
import threading
import audiostreamer as aus

class Opened(aus.Receiver):
    def on_stream_start(self, stream):
        opened.set()

opened = threading.Event()
gen = aus.Generator("sensor:127.0.0.1:{silent.getsockname()[1]}", Opened(), window_length=256)
gen.start()
assert opened.wait(30)
print(gen.stop(timeout=2.0), gen.join().errors)
"""
        done = run(program, installed, tmp_path)
    assert (done.returncode, done.stdout) == (0, "True {}\n"), done.stderr


def test_without_the_package_the_scheme_is_unknown(tmp_path: Path) -> None:
    program = 'import audiostreamer as aus; aus.Generator("sensor:127.0.0.1:1", window_length=256).run()'
    done = run(program, tmp_path, tmp_path)
    assert "UnsupportedSourceError" in done.stderr
