"""That the benchmark runs, checks what it compares, and writes its page; its numbers are nobody's business here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return BENCHMARKS


def test_a_quick_run_compares_equal_audio_and_writes_its_page(tmp_path: Path) -> None:
    command = [sys.executable, "compare.py", "--quick", "--formats", "wav24,aac", "--only", "audiostreamer,bare,PyAV"]
    folders = ["--cache", str(tmp_path / "cache"), "--out", str(tmp_path / "out")]
    environment = os.environ | {"PYTHONPATH": str(BENCHMARKS.parent)}
    done = subprocess.run(
        [*command, *folders], cwd=BENCHMARKS, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "out" / "benchmarks.md").read_text(encoding="utf-8")
    assert "## Windows of 25 ms / 10 ms" in page
    assert "## The same audio" not in page, page  # everything was exact
    assert (tmp_path / "out" / "benchmarks.png").stat().st_size > 1000


def test_other_audio_is_noticed(modules: Path) -> None:
    from measuring import Tally, difference

    samples = np.random.default_rng(1).standard_normal((3, 100, 2)).astype(np.float32)
    reference, same, shorter, other = Tally(), Tally(), Tally(), Tally()
    reference(samples)
    for window in samples:
        same(window.T)
    shorter(samples[:2])
    other(samples * np.float32(1.001))
    assert difference(same, reference) == "exact"
    assert difference(shorter, reference).endswith("-1 windows")
    assert difference(other, reference).startswith("energy 2.0e-03")


def test_rounds_take_turns(modules: Path) -> None:
    from measuring import interleaved

    calls: list[str] = []
    times = interleaved({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 2)
    assert {name: len(taken) for name, taken in times.items()} == {"a": 2, "b": 2}
    assert calls == ["b", "a", "a", "b", "b", "a"]  # the first round warms up
