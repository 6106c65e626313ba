"""The exception tree: who is also what, what it says, and that it travels."""

from __future__ import annotations

import builtins
import pickle

import pytest

import audiostreamer
from audiostreamer import errors
from audiostreamer.errors import AudioStreamerError, MissingDependencyError, SourceError, WorkerError

PARENTS = {
    "AudioStreamerError": {"Exception"},
    "SourceError": {"AudioStreamerError"},
    "SourceNotFoundError": {"SourceError", "FileNotFoundError"},
    "UnsupportedSourceError": {"SourceError"},
    "AccessDeniedError": {"SourceError", "PermissionError"},
    "FormatError": {"SourceError"},
    "DecodeError": {"SourceError"},
    "TruncatedSourceError": {"SourceError"},
    "SourceTimeoutError": {"SourceError", "TimeoutError"},
    "SourceLostError": {"SourceError"},
    "OverrunError": {"SourceError"},
    "DeviceError": {"SourceError"},
    "WorkerError": {"AudioStreamerError"},
    "MissingDependencyError": {"AudioStreamerError", "ImportError"},
}
SOURCE_ERRORS = sorted(name for name in PARENTS if issubclass(getattr(errors, name), SourceError))


def test_the_tree_is_complete() -> None:
    assert sorted(PARENTS) == sorted(set(errors.__all__) - {"os_error_kind"})


@pytest.mark.parametrize("name", sorted(PARENTS))
def test_parents(name: str) -> None:
    error = getattr(errors, name)
    assert {base.__name__ for base in error.__bases__} == PARENTS[name]
    for base in PARENTS[name]:
        assert issubclass(error, getattr(errors, base, None) or getattr(builtins, base))


@pytest.mark.parametrize("name", sorted(PARENTS))
def test_the_docstring_draws_it(name: str) -> None:
    assert name in str(errors.__doc__)
    assert getattr(audiostreamer, name) is getattr(errors, name)


@pytest.mark.parametrize("name", SOURCE_ERRORS)
def test_source_errors_travel(name: str) -> None:
    error: SourceError = getattr(errors, name)("it broke", uri="rtsp://host/1", position=7)
    error.stream_id = "yard"
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert (back.message, back.uri, back.position, back.stream_id) == ("it broke", "rtsp://host/1", 7, "yard")
    assert str(back) == str(error)


@pytest.mark.parametrize(
    "error", [AudioStreamerError("x"), WorkerError("item 3"), MissingDependencyError("pip install y")]
)
def test_other_errors_travel(error: AudioStreamerError) -> None:
    back = pickle.loads(pickle.dumps(error))
    assert (type(back), str(back)) == (type(error), str(error))


@pytest.mark.parametrize(
    ("uri", "id", "position", "text"),
    [
        ("", None, None, "it broke"),
        ("file:a", None, None, "file:a: it broke"),
        ("", "yard", None, "yard: it broke"),
        ("file:a", "file:a", None, "file:a: it broke"),
        ("file:a", "yard", None, "yard (file:a): it broke"),
        ("file:a", None, 0, "file:a: it broke (at frame 0)"),
    ],
)
@pytest.mark.parametrize("name", SOURCE_ERRORS)
def test_the_text_names_the_source(name: str, uri: str, id: str | None, position: int | None, text: str) -> None:
    error: SourceError = getattr(errors, name)("it broke", uri=uri, position=position)
    error.stream_id = id
    assert str(error) == text
