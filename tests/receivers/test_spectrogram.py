"""`SpectrogramPng`: real pictures, read back and looked at."""

import re
import subprocess
import sys
import warnings

import numpy as np
import pytest
import soundfile
from matplotlib import image as pictures

from audiostreamer import Generator, Ledger, Lost, MissingDependencyError, Stream
from audiostreamer.receivers import SpectrogramPng, drawing
from audiostreamer.receivers.spectrogram import _heading

from .scripted import Scripted, tone

GREY = 0.75


@pytest.fixture(scope="module", autouse=True)
def _fonts(tmp_path_factory):
    """matplotlib keeps the fonts that it has read open; read them before the watch for leaks begins."""
    run({"漢字": Scripted(tone(440))}, tmp_path_factory.mktemp("fonts") / "a.png")


def run(sources, path, **options):
    options = {"window_length": "25ms", "hop_length": "10ms", **options}
    return Generator(sources, SpectrogramPng(path), **options).run()


def plot_of(path):
    """``(height, width, 3)``: what is inside of the axes, without the frame, the top row first."""
    pixels = pictures.imread(path)[..., :3]
    dark = (pixels < 0.1).all(axis=2)
    columns = np.flatnonzero(dark.mean(axis=0) > 0.7)  # the frame's sides, the first to the left
    top, *_, bottom = np.flatnonzero(dark.mean(axis=1) > 0.7)
    right = columns[columns < 0.93 * pixels.shape[1]][-1]
    return pixels[top + 3 : bottom - 3, columns[0] + 3 : right - 3]


def grey_columns(path):
    return (np.abs(plot_of(path) - GREY) < 0.02).all(axis=(0, 2))


def test_a_file_becomes_a_picture_of_its_tone(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.concatenate([tone(300, 2), tone(4000, 2)]), 16_000)
    report = run(str(tmp_path / "a.wav"), tmp_path / "a.png")
    assert list(report.results.values()) == [tmp_path / "a.png"]
    brightness = plot_of(tmp_path / "a.png").sum(axis=2)
    height, width = brightness.shape
    low = brightness[:, width // 8 : 3 * width // 8].mean(axis=1).argmax() / height
    high = brightness[:, 5 * width // 8 : 7 * width // 8].mean(axis=1).argmax() / height
    assert low == pytest.approx(1 - 401.97 / 2840.02, abs=0.03)  # mel(300) of mel(8000), from the top
    assert high == pytest.approx(1 - 2146.06 / 2840.02, abs=0.03)


def test_lost_audio_is_grey_where_it_was(tmp_path):
    run(Scripted(tone(440, 2), Lost(32_000, "stall"), tone(440, 4)), tmp_path / "a.png")
    grey = np.flatnonzero(grey_columns(tmp_path / "a.png")) / len(grey_columns(tmp_path / "a.png"))
    assert (grey[0], grey[-1]) == pytest.approx((2 / 8, 4 / 8), abs=0.01)


def test_filled_gaps_are_grey_too(tmp_path):
    run(Scripted(tone(440, 2), Lost(32_000, "stall"), tone(440, 4)), tmp_path / "a.png", gaps="fill")
    assert grey_columns(tmp_path / "a.png").mean() == pytest.approx(2 / 8, abs=0.01)


def test_the_heading_counts_what_was_lost():
    stream = Stream("s", "s", 16_000, 1, 16_000, 1)
    assert _heading(stream, Ledger(), "") == "16,000 Hz"
    assert _heading(stream, Ledger(gaps=1, gap_frames=8_000), "") == "16,000 Hz  ·  1 gap, 0.5 s lost (grey)"
    ledger = Ledger(gaps=2, gap_frames=16_000, dropped_overflow=32_000)
    assert _heading(stream, ledger, "12:00 UTC") == "16,000 Hz  ·  from 12:00 UTC  ·  2 gaps, 3.0 s lost (grey)"


def test_a_live_picture_says_when_it_began(tmp_path, monkeypatch):
    headings = []
    monkeypatch.setattr(drawing, "draw", lambda path, stream, columns, heading: headings.append(heading))
    live = Scripted(tone(440))
    live.live = True
    run(live, tmp_path / "a.png")
    assert re.fullmatch(r"16,000 Hz  ·  from \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", headings[0])


def test_silence_is_dark(tmp_path):
    run("signal:silence?duration=1", tmp_path / "a.png")
    assert pictures.imread(tmp_path / "a.png")[300, 600, :3].max() < 0.05


def test_streams_have_pictures_of_their_own(tmp_path):
    sources = {"x": Scripted(tone(440)), "empty": Scripted(), "y": Scripted(tone(880))}
    report = run(sources, tmp_path / "a.png")
    assert report.results == {"x": tmp_path / "a.png", "empty": None, "y": tmp_path / "a-3.png"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a-3.png", "a.png"]


def test_a_folder_names_pictures_after_streams(tmp_path):
    run({"yard/1": Scripted(tone(440))}, f"{tmp_path}/pictures/")
    assert [path.name for path in (tmp_path / "pictures").iterdir()] == ["yard_1.png"]


@pytest.mark.parametrize("id", ["$a_b$ \\frac{", "漢字", "line\nbreak\ttab", "x" * 300, "-", ""])
def test_any_name_can_be_a_title(tmp_path, id):
    run({id: Scripted(tone(440))}, tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 10_000


def test_bad_samples_are_survived(tmp_path):
    samples = tone(440, 2)
    samples[100:20_000] = np.nan
    run(Scripted(samples), tmp_path / "a.png")
    assert grey_columns(tmp_path / "a.png").mean() == pytest.approx(0.62, abs=0.02)


def test_a_missing_folder_is_told_before_any_work(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such folder"):
        run(Scripted(tone(440)), tmp_path / "no" / "a.png")


def test_without_matplotlib_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.delitem(sys.modules, "audiostreamer.receivers.drawing", raising=False)
    monkeypatch.delattr("audiostreamer.receivers.drawing", raising=False)
    with pytest.raises(MissingDependencyError, match=r"pip install 'audiostreamer\[plot\]'"):
        SpectrogramPng("a.png")


def test_neither_the_import_nor_a_picture_touches_pyplot(tmp_path):
    code = (
        "import sys, audiostreamer as aus\n"
        "assert not any(name.startswith('matplotlib') for name in sys.modules), 'imported early'\n"
        "picture = aus.receivers.SpectrogramPng(sys.argv[1])\n"
        "aus.Generator('signal:sine?duration=1', picture, window_length='25ms').run()\n"
        "assert 'matplotlib.pyplot' not in sys.modules, 'pyplot'\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code, str(tmp_path / "a.png")], check=True, timeout=60)


def test_the_warning_filters_are_as_before(tmp_path):
    before = list(warnings.filters)
    run(Scripted(tone(440)), tmp_path / "a.png")
    assert warnings.filters == before
