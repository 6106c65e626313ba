"""The capture time of live windows: an estimate that is never later than the arrival."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiostreamer import Format, Lost

from .playing import Player

START = datetime(2024, 1, 1, tzinfo=timezone.utc)
BLOCK = np.zeros((800, 1), np.float32)  # 100 ms


def _after(milliseconds: float) -> datetime:
    return START + timedelta(milliseconds=milliseconds)


def _live(**options: int) -> Player:
    return Player.of(Format(8000, 1), live=True, **{"window_length": 800, **options})


def _milliseconds(player: Player) -> list[float]:
    return [(w.utc - START) / timedelta(milliseconds=1) for w in player.windows]


def test_stored_windows_have_none() -> None:
    assert [w.utc for w in Player.of(Format(8000, 1), window_length=800).play([BLOCK]).windows] == [None]


@pytest.mark.parametrize(
    ("arrivals", "expected"),
    [
        ([100, 200, 300], [0, 100, 200]),
        ([100, 250, 300], [0, 100, 200]),  # late: the anchor stays
        ([150, 200, 300], [50, 100, 200]),  # earlier than thought: it moves
        ([300, 300, 300], [200, 200, 200]),  # a burst: arrival minus backlog, as far as known
    ],
)
def test_the_anchor_only_moves_earlier(arrivals: list[float], expected: list[float]) -> None:
    player = _live()
    for at in arrivals:
        player.push(BLOCK, _after(at))
    assert _milliseconds(player) == expected


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("lost-connection", [0, 900]), ("device", [0, 900]), ("packet-loss", [0, 600]), ("overflow", [0, 600])],
)
def test_a_new_connection_has_a_new_anchor(reason: str, expected: list[float]) -> None:
    """After 500 ms lost the next block arrives 300 ms later than the old anchor would have it."""
    player = _live()
    player.push(BLOCK, _after(100))
    player.push(Lost(4000, reason))
    player.push(BLOCK, _after(1000))
    assert _milliseconds(player) == expected


def test_gaps_have_the_time_of_their_first_frame() -> None:
    player = _live()
    player.push(BLOCK, _after(100))
    player.push(Lost(4000, "packet-loss"))
    player.push(BLOCK, _after(700))
    (gap,) = [value for kind, value in player.outputs if kind == "gap"]
    assert gap.utc == _after(100)


@given(
    blocks=st.lists(st.tuples(st.integers(1, 3000), st.integers(0, 500_000)), min_size=1, max_size=12),
    rate=st.sampled_from([None, 11_025, 16_000]),
    length=st.integers(1, 2000),
)
def test_no_window_is_stamped_later_than_it_arrived(
    blocks: list[tuple[int, int]], rate: int | None, length: int
) -> None:
    player, now, latest = _live(window_length=length, hop_length=max(50, length), sample_rate=rate), START, []
    for frames, microseconds in blocks:
        now += timedelta(microseconds=microseconds)
        latest += [now] * frames
        player.push(np.zeros((frames, 1), np.float32), now)
    player.end()
    for window in player.windows:
        arrived = latest[min(len(latest) - 1, window.start * 8000 // (rate or 8000))]
        assert window.utc <= arrived
        assert window.utc.tzinfo is timezone.utc
