"""Running the command: in this process, or as a user does."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from audiostreamer.cli.main import app

Run = Callable[..., Any]
_PATIENCE_SECONDS = 60.0


@pytest.fixture
def run(tmp_path, monkeypatch) -> Run:
    """``run("probe", "a.wav")`` in a fresh folder; has exit_code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")
    return lambda *arguments: CliRunner().invoke(app, [str(one) for one in arguments], prog_name="audiostreamer")


@pytest.fixture
def process(tmp_path) -> Iterator[Run]:
    """The same as a process of its own that has been started; it is ended with the test, or when it takes too long."""
    started: list[tuple[subprocess.Popen[Any], threading.Timer]] = []

    def start(*arguments: object, **options: Any) -> subprocess.Popen[Any]:
        command = [sys.executable, "-W", "error", "-m", "audiostreamer", *map(str, arguments)]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
        running = subprocess.Popen(command, cwd=tmp_path, env=buffered, **{"text": True, **pipes, **options})
        timer = threading.Timer(_PATIENCE_SECONDS, running.kill)
        started.append((running, timer))
        timer.start()
        return running

    yield start
    for running, timer in started:
        timer.cancel()
        running.kill()
        timer.join()


@pytest.fixture(scope="session")
def clips(tmp_path_factory) -> Path:
    """Two recordings, and what is none."""
    folder = tmp_path_factory.mktemp("clips")
    seconds = np.arange(16_000) / 16_000
    tone = 0.5 * np.sin(2 * np.pi * 440 * seconds)
    soundfile.write(folder / "mono.wav", tone, 16_000)
    soundfile.write(folder / "stereo.flac", np.stack([tone, 0 * tone], axis=1)[:8_000], 16_000)
    (folder / "broken.wav").write_bytes(b"this is no recording, whatever its name says. " * 20)
    return folder
