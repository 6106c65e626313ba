"""The examples as people run them: as programs, on real files."""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

EXAMPLE = Path(__file__).parents[1] / "examples" / "features_csv.py"


def run(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLE), *map(str, arguments)],
        cwd=folder, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return [{k: v if k == "stream" else float(v) for k, v in row.items()} for row in csv.DictReader(file)]


@pytest.fixture
def clips(tmp_path):
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(16_050) / 16_000)
    (tmp_path / "clips").mkdir()
    soundfile.write(tmp_path / "clips" / "a.wav", tone, 16_000)
    soundfile.write(tmp_path / "clips" / "b.flac", np.stack([tone, tone], axis=1), 16_000)
    return tmp_path / "clips"


def test_help_is_the_docstring(tmp_path):
    shown = run(tmp_path, "--help").stdout
    assert "Write a CSV with one row of features per window, of any audio." in shown
    assert "The part to copy is the class" in shown


def test_a_folder_of_files(clips, tmp_path):
    done = run(tmp_path, "clips", "--out", "x.csv", "--hop", "25ms")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["clips/a.wav: 41 windows", "clips/b.flac: 41 windows", "features are in x.csv"]
    found = rows(tmp_path / "x.csv")
    assert [row["stream"] for row in found] == ["clips/a.wav"] * 41 + ["clips/b.flac"] * 41
    assert [row["start_seconds"] for row in found[:3]] == [0, 0.025, 0.05]
    for row in found[:40]:
        assert row["rms"] == pytest.approx(0.5 / 2**0.5, rel=1e-3)
        assert row["peak"] == pytest.approx(0.5, rel=1e-3)
        assert row["zero_crossing_rate"] == pytest.approx(2 / 16, abs=1 / 399)
        assert row["centroid_hz"] == pytest.approx(1000, abs=20)
        total = sum(10 ** (level / 10) for name, level in row.items() if name.startswith("mel_"))
        assert total == pytest.approx(0.125, rel=0.03)


def test_features_are_the_librarys(clips, tmp_path):
    from audiostreamer import Generator
    from audiostreamer.receivers import FeaturesCsv

    run(tmp_path, clips / "a.wav", "--out", "x.csv", "--window", "1s", "--hop", "1s")
    Generator(str(clips / "a.wav"), FeaturesCsv(tmp_path / "y.csv", bands=24), window_length="1s").run()
    with open(tmp_path / "y.csv", newline="", encoding="utf-8") as file:
        expected = next(csv.DictReader(file))
    found = rows(tmp_path / "x.csv")[0]
    same = [name for name in found if name in expected and name != "stream"]
    assert len(same) == 2 + 4 + 24
    assert [found[name] for name in same] == pytest.approx([float(expected[name]) for name in same], rel=1e-2, abs=0.5)


def test_without_arguments_it_runs_on_a_test_signal(tmp_path):
    done = run(tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(rows(tmp_path / "features.csv")) == 999


def test_a_missing_file_is_told_and_the_others_are_done(clips, tmp_path):
    done = run(tmp_path, "nope.wav", clips / "a.wav")
    assert done.returncode == 1
    assert "failed: nope.wav: No such file or directory" in done.stdout
    assert rows(tmp_path / "features.csv")


def test_a_length_without_its_unit_is_explained(tmp_path):
    done = run(tmp_path, "--window", "25")
    assert done.returncode != 0
    assert "write a number and its unit" in done.stderr
