"""Missing audio is found from true times, neither from rounding nor from a clock that was set."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest

from audiostreamer.decoders.frame_clock import FrameClock

RATE = 1000


def missing(*spans: tuple[int | None, int], base: Fraction | None = Fraction(1, RATE)) -> list[int]:
    """Feed frames of (time, length); what is missing in front of each."""
    stream: Any = SimpleNamespace(time_base=base)
    clock = FrameClock(stream)
    frames: list[Any] = [SimpleNamespace(pts=pts, samples=size, sample_rate=RATE) for pts, size in spans]
    return [clock.missing(frame) for frame in frames]


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([(0, 20), (20, 20), (40, 20)], [0, 0, 0]),
        ([(500, 20), (520, 20)], [0, 0]),  # a beginning later than 0 is no loss
        ([(0, 20), (100, 20), (120, 20)], [0, 80, 0]),
        ([(0, 20), (70, 20)], [0, 50]),  # the least that is told
        ([(0, 20), (69, 20), (89, 20)], [0, 0, 0]),  # rounding
        ([(0, 20), (10, 20), (30, 20)], [0, 0, 0]),  # overlap
        ([(0, 20), (0, 20), (20, 20)], [0, 0, 0]),  # back
        ([(0, 20), (3_600_020, 20)], [0, 3_600_000]),  # an hour at most
        ([(0, 20), (3_600_021, 20), (3_600_041, 20)], [0, 0, 0]),  # the clock was set
        ([(0, 20), (None, 20), (500, 20), (520, 20)], [0, 0, 0, 0]),  # no time: it starts anew
        ([(0, 20), (100, 20), (200, 20)], [0, 80, 80]),
    ],
)
def test_missing(spans, expected):
    assert missing(*spans) == expected


def test_times_are_in_units_of_the_stream():
    assert missing((0, 20), (180_000, 20), base=Fraction(1, 90_000)) == [0, 1980]


def test_without_a_unit_nothing_is_told():
    assert missing((0, 20), (1000, 20), base=None) == [0, 0]
