"""``audiostreamer windows``: every line is JSON, and says what happened."""

import base64
import json
import signal
import subprocess

import numpy as np
import pytest
import soundfile

from audiostreamer import Gap, Ledger, Stream, Window
from audiostreamer.cli.json_lines import JsonLines

STREAM = Stream("s", "s", 8_000, 1, 8_000, 1)


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def test_windows_of_a_file(run, clips):
    result = run("windows", clips / "mono.wav", "--window", "400ms")
    assert result.exit_code == 0
    start, *windows, end = lines(result.stdout)
    assert (start["event"], start["sample_rate"], start["channels"]) == ("start", 16_000, 1)
    assert [(w["index"], w["start"], w["start_seconds"], w["frames"], w["valid"]) for w in windows] == [
        (0, 0, 0.0, 6_400, 6_400), (1, 6_400, 0.4, 6_400, 6_400), (2, 12_800, 0.8, 6_400, 3_200),
    ]  # fmt: skip
    assert all(w["event"] == "window" and w["stream"] == str(clips / "mono.wav") for w in windows)
    assert [w["rms"] for w in windows] == pytest.approx([0.35355] * 3, abs=1e-4)
    assert [w["peak"] for w in windows] == pytest.approx([0.5] * 3, abs=1e-3)
    assert end["event"] == "end"
    assert end["ledger"]["delivered"] == 16_000
    assert end["ledger"]["padded"] == 3_200


def test_samples_come_along_exactly(run, clips):
    result = run("windows", clips / "stereo.flac", "--samples", "--window", "300ms")
    expected, _ = soundfile.read(clips / "stereo.flac", dtype="float32")
    windows = [line for line in lines(result.stdout) if line["event"] == "window"]
    decoded = np.concatenate([np.frombuffer(base64.b64decode(w["samples"]), "<f4").reshape(-1, 2) for w in windows])
    np.testing.assert_array_equal(decoded[:8_000], expected)
    assert len(decoded) == 9_600


def test_failures_are_lines_too(run, clips):
    result = run("windows", "nope.wav", clips / "mono.wav")
    assert result.exit_code == 1
    first, second, *_ = lines(result.stdout)
    assert (first["event"], first["stream"], first["type"]) == ("error", "nope.wav", "SourceNotFoundError")
    assert second["event"] == "start"
    assert "nope.wav" in result.stderr


def test_what_live_streams_have_besides(capsys):
    out = JsonLines(samples=False)
    out.on_lost(STREAM, "stall")
    out.on_gap(STREAM, Gap(80, 160, 0.02, "stall"))
    out.on_metadata(STREAM, {"title": "ü"})
    out.on_stream_end(STREAM, Ledger(captured=3, delivered=3))
    found = lines(capsys.readouterr().out)
    assert [line["event"] for line in found] == ["lost", "gap", "metadata", "end"]
    assert (found[1]["start"], found[1]["frames"], found[1]["reason"]) == (80, 160, "stall")
    assert found[2]["metadata"] == {"title": "ü"}
    assert found[3]["ledger"]["captured"] == 3


def test_numbers_that_json_does_not_know_are_null(capsys):
    JsonLines(samples=False).on_window(Window(np.full((4, 1), np.nan, np.float32), STREAM, 0, 0, 4))
    (line,) = lines(capsys.readouterr().out)
    assert line["rms"] is line["peak"] is None


def test_each_line_comes_at_once(process):
    """The first windows arrive while the input is still open, long before there is a buffer full of them."""
    options = {"stdin": subprocess.PIPE, "text": False}
    with process("windows", "pcm:-?rate=8000&channels=1&dtype=int16", "--window", "100ms", **options) as running:
        running.stdin.write(bytes(2 * 1_600))
        running.stdin.flush()
        assert json.loads(running.stdout.readline())["event"] == "start"
        assert json.loads(running.stdout.readline())["event"] == "window"
        assert running.poll() is None
        running.stdin.close()
        assert json.loads(running.stdout.readlines()[-1])["event"] == "end"
        assert running.wait() == 0


def test_a_reader_that_has_enough(process):
    with process("windows", "signal:silence?duration=1000000") as running:
        assert running.stdout.readline()
        running.stdout.close()
        assert running.wait() == 0
        assert running.stderr.read() == ""


def test_ctrl_c(process):
    with process("windows", "signal:silence?duration=1000000") as running:
        assert running.stdout.readline()
        running.send_signal(signal.SIGINT)
        stdout, stderr = running.communicate()
    assert (running.returncode, stderr) == (130, "")
    assert json.loads(stdout.splitlines()[-1])["event"] == "end"
