"""The file that `FeaturesCsv` leaves, read back with the csv module."""

import csv

import numpy as np
import pytest
import soundfile

from audiostreamer import Array, DecodeError, Generator, Lost, PerStream, Receiver
from audiostreamer.receivers import FeaturesCsv

from .scripted import Scripted, tone


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def run(sources, receiver, **options):
    return Generator(sources, receiver, **{"window_length": "100ms", **options}).run()


@pytest.fixture
def clips(tmp_path):
    """Two real files of different rates and layouts."""
    soundfile.write(tmp_path / "a.wav", tone(440, 1.05, rate=8_000), 8_000)
    soundfile.write(tmp_path / "b.flac", np.hstack([tone(880, 0.5)] * 2), 16_000)
    return [str(tmp_path / "a.wav"), str(tmp_path / "b.flac")]


def test_columns_and_values(clips, tmp_path):
    report = run(clips[0], FeaturesCsv(tmp_path / "f.csv", bands=3))
    rows = read(tmp_path / "f.csv")
    assert list(rows[0]) == [
        "stream", "window", "start_seconds", "end_seconds", "utc", "valid", "filled",
        "rms", "peak", "zero_crossing_rate", "centroid_hz", "mel_00_db", "mel_01_db", "mel_02_db",
    ]  # fmt: skip
    assert report.results == {clips[0]: 11}
    assert [float(row["start_seconds"]) for row in rows] == [k / 10 for k in range(11)]
    assert [row["window"] for row in rows] == [str(k) for k in range(11)]
    assert {row["stream"] for row in rows} == set(clips[:1])
    assert (rows[-1]["end_seconds"], rows[-1]["valid"], rows[-1]["utc"]) == ("1.1", "400", "")
    assert float(rows[0]["rms"]) == pytest.approx(0.3535, abs=1e-3)
    assert float(rows[0]["centroid_hz"]) == pytest.approx(440, abs=30)
    assert float(rows[0]["mel_00_db"]) > float(rows[0]["mel_02_db"]) + 20


def test_several_streams_share_a_file(clips, tmp_path):
    report = run(clips, FeaturesCsv(tmp_path / "f.csv"))
    rows = read(tmp_path / "f.csv")
    assert report.results == {clips[0]: 11, clips[1]: 5}
    assert [row["stream"] for row in rows] == [clips[0]] * 11 + [clips[1]] * 5


def test_a_folder_gets_a_file_per_stream(clips, tmp_path):
    out = tmp_path / "new" / "tables"
    report = run({"../x/y": clips[0], ".._x y": clips[1]}, FeaturesCsv(f"{out}/"))
    assert report.results == {"../x/y": 11, ".._x y": 5}
    assert {path.name: len(read(path)) for path in out.iterdir()} == {"x_y.csv": 11, "x_y-2.csv": 5}


def test_rows_are_there_while_it_runs(clips, tmp_path):
    seen = []

    class Look(Receiver):
        def on_windows(self, batch):
            seen.append(len(read(tmp_path / "f.csv")))

    run(clips[0], [FeaturesCsv(tmp_path / "f.csv"), Look()], batch_size=4)
    assert seen == [4, 8, 10, 11]


def test_what_came_before_an_error_is_in_the_file(tmp_path):
    broken = Scripted(tone(440, 0.35), DecodeError("broke"))
    with pytest.raises(DecodeError):
        run(broken, FeaturesCsv(tmp_path / "f.csv"))
    assert [row["valid"] for row in read(tmp_path / "f.csv")] == ["1600", "1600", "1600", "800"]


def test_a_run_without_any_stream_leaves_an_old_file_alone(tmp_path):
    (tmp_path / "f.csv").write_text("stream,window,old")
    report = run(str(tmp_path / "no.wav"), FeaturesCsv(tmp_path / "f.csv"), errors="skip")
    assert report.errors
    assert (tmp_path / "f.csv").read_text() == "stream,window,old"


def test_a_run_without_any_stream_leaves_no_new_file(tmp_path):
    run(str(tmp_path / "no.wav"), FeaturesCsv(tmp_path / "f.csv"), errors="skip")
    assert not (tmp_path / "f.csv").exists()


def test_an_old_file_is_replaced(clips, tmp_path):
    (tmp_path / "f.csv").write_text("stream,window,old\n" * 1000)
    run(clips[1], FeaturesCsv(tmp_path / "f.csv"))
    assert len(read(tmp_path / "f.csv")) == 5


@pytest.mark.parametrize("make", [FeaturesCsv, lambda path: FeaturesCsv(f"{path.parent}/")])
def test_a_file_of_somebody_else_is_never_overwritten(tmp_path, make):
    """A recording that was named as output by mistake stays what it was."""
    recording = tmp_path / "a.csv"
    recording.write_bytes(b"RIFF and so on")
    with pytest.raises(FileExistsError, match=r"a\.csv: exists and holds something else"):
        run({"a": Array(np.zeros(8000), 8000)}, make(recording))
    assert recording.read_bytes() == b"RIFF and so on"


@pytest.mark.parametrize("skip", ["raise", "skip"])
def test_a_file_that_cannot_be_written_ends_the_run_at_once(clips, tmp_path, skip):
    opened = []

    class Look(Receiver):
        def on_stream_start(self, stream):
            opened.append(stream)

    with pytest.raises(OSError, match="no such folder"):
        run(clips, [FeaturesCsv(tmp_path / "no" / "f.csv"), Look()], errors=skip)
    assert not opened


def test_lost_audio_is_marked(tmp_path):
    run(Scripted(tone(440, 0.2), Lost(800, "stall"), tone(440, 0.25)), FeaturesCsv(tmp_path / "f.csv"), gaps="fill")
    assert [row["filled"] for row in read(tmp_path / "f.csv")] == ["0", "0", "800", "0", "0"]


def test_gaps_move_the_times(tmp_path):
    run(Scripted(tone(440, 0.2), Lost(800, "stall"), tone(440, 0.2)), FeaturesCsv(tmp_path / "f.csv"))
    assert [row["start_seconds"] for row in read(tmp_path / "f.csv")] == ["0.0", "0.1", "0.25", "0.35"]


def test_live_rows_have_times(tmp_path):
    live = Scripted(tone(440, 0.2))
    live.live = True
    run(live, FeaturesCsv(tmp_path / "f.csv"))
    assert all(row["utc"].endswith("+00:00") for row in read(tmp_path / "f.csv"))


def test_names_that_csv_must_quote(tmp_path):
    name = 'a "quoted", name\nof two lines'
    run({name: Scripted(tone(440, 0.1))}, FeaturesCsv(tmp_path / "f.csv"))
    assert [row["stream"] for row in read(tmp_path / "f.csv")] == [name]


def test_one_per_stream(clips, tmp_path):
    names = iter(["one.csv", "two.csv"])
    report = run(clips, PerStream(lambda: FeaturesCsv(tmp_path / next(names))))
    assert list(report.results.values()) == [11, 5]
    assert len(read(tmp_path / "two.csv")) == 5


def test_an_empty_stream_has_a_header_and_no_row(tmp_path):
    report = run(Scripted(), FeaturesCsv(tmp_path / "f.csv"))
    assert report.results == {"script": 0}
    assert (tmp_path / "f.csv").read_text().startswith("stream,window")
