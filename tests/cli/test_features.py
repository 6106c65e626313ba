"""``audiostreamer features`` on real files."""

import csv
import signal
import sys
import threading
from pathlib import Path

import pytest

from audiostreamer.cli.features import tell_pictures


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_file(run, clips, tmp_path):
    result = run("features", clips / "mono.wav", "--bands", 8)
    assert result.exit_code == 0
    assert result.stdout == "99 windows of 1 stream: features.csv\n"
    assert not result.stderr
    found = rows(tmp_path / "features.csv")
    assert len(found) == 99
    assert "mel_07_db" in found[0]
    assert "mel_08_db" not in found[0]
    assert [row["start_seconds"] for row in found[:3]] == ["0.0", "0.01", "0.02"]


def test_the_options_arrive(run, clips, tmp_path):
    result = run(
        "features", clips / "stereo.flac", "--window", "100ms", "--rate", "8k", "--channels", "1", "--tail", "drop",
        "--offset", "50ms", "--duration", "350ms", "--out", "x.csv",
    )  # fmt: skip
    assert result.exit_code == 0
    found = rows(tmp_path / "x.csv")
    assert [row["start_seconds"] for row in found] == ["0.05", "0.15", "0.25"]
    assert {row["valid"] for row in found} == {"800"}
    assert {float(row["rms"]) for row in found} == {0.0}


def test_a_folder_of_files_that_has_one_broken(run, clips, tmp_path):
    result = run("features", clips, "--out", "tables/")
    assert result.exit_code == 1
    assert result.stdout == "148 windows of 2 streams: tables/\n"
    errors = result.stderr.splitlines()
    assert len(errors) == 2
    assert errors[0].startswith(f"audiostreamer: {clips / 'broken.wav'}: ")
    assert errors[1] == "audiostreamer: 1 of 3 sources failed"
    assert len(list((tmp_path / "tables").iterdir())) == 2


def test_raise_ends_at_the_first_failure(run, clips):
    result = run("features", clips / "broken.wav", clips / "mono.wav", "--errors", "raise")
    assert result.exit_code == 1
    assert not result.stdout
    assert len(result.stderr.splitlines()) == 1


def test_a_missing_file_is_one_line_and_leaves_nothing(run, tmp_path):
    result = run("features", "nope.wav")
    assert result.exit_code == 1
    assert result.stderr == "audiostreamer: nope.wav: No such file or directory (check the name)\n"
    assert not result.stdout
    assert not list(tmp_path.iterdir())


def test_a_place_that_does_not_exist(run, clips):
    result = run("features", clips / "mono.wav", "--out", "no/f.csv")
    assert result.exit_code == 1
    assert result.stderr == "audiostreamer: no: there is no such folder to write f.csv in\n"


def test_without_matplotlib(run, clips, monkeypatch):
    monkeypatch.setitem(sys.modules, "audiostreamer.receivers.drawing", None)
    monkeypatch.delattr("audiostreamer.receivers.drawing", raising=False)
    result = run("features", clips / "mono.wav", "--spectrogram", "x.png")
    assert result.exit_code == 1
    assert result.stderr == ("audiostreamer: SpectrogramPng draws with matplotlib: pip install 'audiostreamer[plot]'\n")


def test_pictures(process, clips, tmp_path):
    with process("features", clips / "mono.wav", clips / "stereo.flac", "--spectrogram", "x.png") as running:
        stdout, stderr = running.communicate(timeout=60)
    assert (running.returncode, stderr) == (0, "")
    assert stdout.splitlines()[1:] == ["spectrogram: x.png", "spectrogram: x-2.png"]
    assert (tmp_path / "x-2.png").read_bytes().startswith(b"\x89PNG")


def test_ctrl_c_tells_what_was_done(process, tmp_path):
    table = tmp_path / "features.csv"
    with process("features", "signal:silence?duration=1000000", "--window", "100s", "--bands", 1) as running:
        while not (table.exists() and table.stat().st_size > 200):
            assert running.poll() is None
            threading.Event().wait(0.01)
        running.send_signal(signal.SIGINT)
        stdout, stderr = running.communicate()
    assert running.returncode == 130
    assert stdout.endswith("windows of 1 stream: features.csv\n")
    assert not stderr


@pytest.mark.parametrize("arguments", [(), ("--bands", "0"), ("--bands", "many")])
def test_wrong_usage(run, clips, arguments):
    result = run("features", *([clips / "mono.wav"] if arguments else []), *arguments)
    assert result.exit_code == 2


def test_many_pictures_are_counted_few_are_listed(capsys):
    tell_pictures([Path(f"x/{number}.png") for number in range(11)])
    assert capsys.readouterr().out == "spectrograms: 11 in x\n"
    tell_pictures([Path("x/a.png")])
    assert capsys.readouterr().out == "spectrogram: x/a.png\n"
