"""The folder that examples run in."""

from __future__ import annotations

import functools
import http.server
import io
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

import audiostreamer as aus


def _speech(seconds: float, rate: int, channels: int = 1) -> np.ndarray:
    """Something with pauses."""
    signal = aus.windows(f"signal:speech?duration={seconds}&rate={rate}&channels={channels}", window_length="1s")
    return np.concatenate([window.samples[: window.valid] for window in signal])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with what the pages say is there."""
    (tmp_path / "clips" / "night").mkdir(parents=True)
    voice = _speech(2.5, 16_000)
    soundfile.write(tmp_path / "clips" / "a.wav", voice, 16_000, subtype="PCM_16")
    soundfile.write(tmp_path / "clips" / "b.flac", _speech(1.5, 44_100, 2), 44_100)
    soundfile.write(tmp_path / "clips" / "night" / "c.ogg", voice, 16_000, format="OGG", subtype="VORBIS")
    (tmp_path / "clips" / "labels.csv").write_text("clip,label\na,speech\n")
    (tmp_path / "take.raw").write_bytes((voice * 32767).astype("<i2").tobytes())
    whole = io.BytesIO()
    soundfile.write(whole, voice, 16_000, format="WAV", subtype="PCM_16")
    (tmp_path / "cut.wav").write_bytes(whole.getvalue()[: 44 + 2 * 20_000])
    with zipfile.ZipFile(tmp_path / "takes.zip", "w") as archive:
        archive.writestr("day1/a.wav", whole.getvalue())
    monkeypatch.chdir(tmp_path)
    return tmp_path


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def site(folder: Path) -> Iterator[str]:
    """The same folder on a web server; its address."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
