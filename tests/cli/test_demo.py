"""``audiostreamer demo``: what ``make demo`` runs."""

import csv
import sys

import numpy as np

from audiostreamer import Block, Format, Ledger, RunReport, Source, Stream, StreamReport
from audiostreamer.cli.demo import tell


def count(path):
    with open(path, newline="", encoding="utf-8") as file:
        return sum(1 for _ in csv.DictReader(file))


def test_without_anything(process, tmp_path):
    with process("demo") as running:
        stdout, stderr = running.communicate(timeout=60)
    assert (running.returncode, stderr) == (0, "")
    assert "999 windows, 10.0 s, 16,000 Hz, 1 channel(s)" in stdout
    assert "features:    demo-out/features.csv" in stdout
    assert "spectrogram: demo-out/spectrogram.png" in stdout
    assert count(tmp_path / "demo-out" / "features.csv") == 999
    assert (tmp_path / "demo-out" / "spectrogram.png").stat().st_size > 10_000


def test_a_folder(process, clips, tmp_path):
    with process("demo", clips, "--out", "x/y") as running:
        stdout, stderr = running.communicate(timeout=60)
    assert running.returncode == 1
    assert "broken.wav" in stderr
    assert count(tmp_path / "x" / "y" / "features.csv") == 148
    assert stdout.count("spectrogram: ") == 2


def test_what_is_missing(run):
    result = run("demo", "nope.wav")
    assert result.exit_code == 1
    assert result.stderr == "audiostreamer: nope.wav: No such file or directory (check the name)\n"
    assert "features:" not in result.stdout


class Endless(Source):
    live = True

    def open(self):
        return Format(1_000, 1)

    def read(self, max_frames):
        return Block(np.zeros((100, 1), np.float32))

    def close(self):
        pass


def test_a_live_source_is_left_after_a_while(run, monkeypatch, tmp_path):
    monkeypatch.setattr("audiostreamer.entries.resolve", lambda item: iter([Endless(item)]))
    monkeypatch.setattr("audiostreamer.receivers.drawing.draw", lambda *_: None)
    monkeypatch.setattr(sys.modules["audiostreamer.cli.demo"], "_LIVE_SECONDS", 0.5)
    result = run("demo", "endless")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1].startswith("endless: ")
    assert count(tmp_path / "demo-out" / "features.csv") >= 50


def test_many_streams_are_not_all_listed(capsys):
    stream = Stream("s", "s", 1_000, 1, 1_000, 1)
    streams = {str(number): StreamReport(stream, Ledger(end=500), (3, None, None)) for number in range(12)}
    tell(RunReport(streams), "f.csv", 2.0)
    out = capsys.readouterr().out.splitlines()
    assert out[10:] == ["... and 2 more streams", "6.0 s of audio in 2.0 s, drawing included", "features:    f.csv"]
