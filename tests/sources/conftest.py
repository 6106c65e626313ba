from __future__ import annotations

import io
import os
from collections.abc import Iterator

import numpy as np
import pytest
import soundfile

from .servers import Store, Web, s3_server, web_server


def encoded(frames: int = 5000, rate: int = 8000, channels: int = 1, format: str = "WAV", **options: str) -> bytes:
    """A file of noise that is the same each time."""
    samples = np.random.default_rng(frames).uniform(-0.5, 0.5, (frames, channels))
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=format, **options)
    return file.getvalue()


@pytest.fixture(scope="session")
def wav() -> bytes:
    return encoded()


@pytest.fixture(scope="session")
def flac() -> bytes:
    return encoded(format="FLAC")


@pytest.fixture
def web(wav: bytes) -> Iterator[Web]:
    with web_server() as server:
        server.files["a.wav"] = wav
        yield server


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """An S3 store; in CI a missing one is a failure."""
    if not os.environ.get("CI"):
        pytest.importorskip("moto.server")
        pytest.importorskip("s3fs")
    with s3_server(str(tmp_path_factory.mktemp("moto"))) as running:
        yield running
