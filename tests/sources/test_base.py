from __future__ import annotations

import pytest

from audiostreamer.sources.base import Block, Event, Format, Source


class Counter(Source):
    """The least that a source must have."""

    def open(self) -> Format:
        return Format(1, 1)

    def read(self, max_frames: int) -> Event | None:
        return None

    def close(self) -> None:
        pass


def test_the_name_is_the_uri_without_credentials() -> None:
    source = Counter("x://me:hunter2@host/a?key=hunter2")
    assert source.name == "x://host/a?key=***"
    assert repr(source) == "Counter('x://host/a?key=***')"
    assert str(source.uri) == "x://me:hunter2@host/a?key=hunter2"


def test_what_is_optional_does_nothing() -> None:
    source = Counter("x:")
    assert source.seek(5) is False
    source.interrupt()
    assert (source.live, source.headroom, source.dtype, source.read_ahead) == (False, 0, "float32", False)


def test_open_read_and_close_must_be_there() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Source("x:")  # type: ignore[abstract]


def test_a_block_takes_no_other_attributes() -> None:
    block = Block(None)  # type: ignore[arg-type]
    with pytest.raises(AttributeError):
        block.frames = 1  # type: ignore[attr-defined]
