"""``audiostreamer probe``."""

import json

import pytest

from audiostreamer.cli.probe import _counted, _rows
from audiostreamer.sources.base import Block, Format, Lost


def test_a_file(run, clips):
    result = run("probe", clips / "stereo.flac")
    assert result.exit_code == 0
    shown = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert shown[0].endswith("stereo.flac")
    assert shown[1:6] == [
        "rate 16,000 Hz", "channels 2", "length 0.500 s (8,000 frames, the header says)",
        "engine libsndfile", "live no",
    ]  # fmt: skip


def test_json_and_count(run, clips):
    result = run("probe", "--json", "--count", clips / "mono.wav", "signal:sine?duration=2&rate=8000")
    first, second = map(json.loads, result.stdout.splitlines())
    assert first["source"] == str(clips / "mono.wav")
    assert (first["frames"], first["counted_frames"], first["counted_seconds"]) == (16_000, 16_000, 1.0)
    assert second["seconds"] == second["counted_seconds"] == 2.0
    assert (second["engine"], second["live"], second["tags"]) == ("numpy", False, {})


def test_failures_do_not_stop_the_others(run, clips):
    result = run("probe", "nope.wav", clips / "broken.wav", clips / "mono.wav")
    assert result.exit_code == 1
    assert [line.split(":")[1].strip() for line in result.stderr.splitlines()] == [
        "nope.wav", str(clips / "broken.wav"),
    ]  # fmt: skip
    assert "16,000 Hz" in result.stdout


def test_failures_in_json(run):
    result = run("probe", "--json", "nope.wav", "what:ever")
    first, second = map(json.loads, result.stdout.splitlines())
    assert first["error"] == "nope.wav: No such file or directory"
    assert "no source for what:" in second["error"]
    assert result.exit_code == 1


def test_tags_are_shown():
    facts = {
        "sample_rate": 8_000, "channels": 1, "frames": None, "seconds": None, "engine": "x", "live": True,
        "tags": {"title": "T"},
    }  # fmt: skip
    assert list(_rows(facts))[-1] == ("title", "T")
    assert ("length", "unknown") in _rows(facts)
    assert ("length", "unknown (--count finds out)") in _rows({**facts, "live": False})


class Changing:
    """A rate that changes on the way, and a loss."""

    def __init__(self):
        self._events = iter([Block([0] * 8_000), Lost(5, "x"), Format(16_000, 1), Block([0] * 8_000), None])

    def read(self, max_frames):
        return next(self._events)


def test_counting_across_a_change_of_rate():
    found = _counted(Changing(), Format(8_000, 1))
    assert found == {"counted_frames": 16_000, "counted_seconds": pytest.approx(1.5), "lost_frames": 5}
