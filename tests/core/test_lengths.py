"""Lengths as users write them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiostreamer.lengths import parse_length, parse_seconds, round_half_up

from .models import half_up


@pytest.mark.parametrize(
    ("text", "rate", "frames"),
    [
        (400, 8000, 400),
        (np.int64(400), 8000, 400),
        ("400 frames", 8000, 400),
        ("1 frame", 8000, 1),
        ("1frames", 8000, 1),
        ("25ms", 11_025, 276),  # 275.625
        ("960ms", 16_000, 15_360),
        ("2s", 44_100, 88_200),
        ("0.5 s", 8000, 4000),
        (".5s", 8000, 4000),
        ("1.s", 8000, 8000),
        (" 2s ", 8000, 16_000),
        ("2 sec", 8000, 16_000),
        ("1.5 min", 10, 900),
        ("1.5m", 10, 900),
        ("1h", 10, 36_000),
        ("125us", 8000, 1),
        ("125µs", 8000, 1),
        ("187.5us", 8000, 2),  # 1.5: halves go up
        ("312.5us", 8000, 3),  # 2.5
        ("62.5us", 8000, 1),  # 0.5
        ("1us", 8000, 1),  # at least one
        ("0.1s", 3, 1),
        ("33.333333333333333333333333s", 3, 100),
    ],
)
def test_good(text: Any, rate: int, frames: int) -> None:
    assert parse_length(text, "window_length").frames(rate) == frames


@pytest.mark.parametrize(
    ("value", "error", "says"),
    [
        (0.96, TypeError, ["window_length=0.96", "'0.96s'", "int"]),
        (16000.0, TypeError, ["16000.0", "window_length=16000"]),
        (np.float32(1), TypeError, ["window_length=", "int"]),
        (True, TypeError, ["True", "int"]),
        (None, TypeError, ["None", "unit"]),
        ([1], TypeError, ["[1]"]),
        (b"1s", TypeError, ["b'1s'"]),
        ("16000", ValueError, ["'16000'", "unit", "'960ms'"]),
        ("", ValueError, ["''", "unit"]),
        ("s", ValueError, ["unit"]),
        ("-1s", ValueError, ["'-1s'"]),
        ("1e3ms", ValueError, ["'1e3ms'"]),
        ("1,5s", ValueError, ["'1,5s'"]),
        ("1 day", ValueError, ["unknown unit 'day'", "ms", "frames"]),
        ("1 S", ValueError, ["unknown unit 'S'"]),
        ("2.5 frames", ValueError, ["whole"]),
        (0, ValueError, ["at least 1"]),
        (-3, ValueError, ["-3", "at least 1"]),
        ("0 frames", ValueError, ["at least 1"]),
        ("0s", ValueError, ["at least 1"]),
    ],
)
def test_bad(value: Any, error: type[Exception], says: list[str]) -> None:
    with pytest.raises(error, match="window_length") as caught:
        parse_length(value, "window_length")
    assert type(caught.value) is error
    for part in says:
        assert part in str(caught.value)


@pytest.mark.parametrize("value", [0, "0s", "0 frames"])
def test_nothing_is_allowed_where_it_makes_sense(value: Any) -> None:
    assert parse_length(value, "offset", at_least=0).frames(8000, at_least=0) == 0


@given(number=st.integers(1, 10**7), rate=st.integers(1, 400_000))
def test_rounds_exactly(number: int, rate: int) -> None:
    text = f"{number // 1000}.{number % 1000:03}ms"
    assert parse_length(text, "x").frames(rate) == max(1, half_up(Fraction(number * rate, 10**6)))


@given(st.fractions(min_value=-50, max_value=50) | st.integers(-50, 50).map(lambda halves: Fraction(halves, 2)))
def test_halves_go_up(value: Fraction) -> None:
    assert round_half_up(value) == half_up(value)


@pytest.mark.parametrize(("text", "seconds"), [("5s", 5.0), ("500ms", 0.5), ("2 min", 120.0)])
def test_seconds(text: str, seconds: float) -> None:
    assert parse_seconds(text, "timeout") == seconds


@pytest.mark.parametrize(
    ("value", "error"),
    [(5, TypeError), (5.0, TypeError), (None, TypeError), ("5", ValueError), ("5 frames", ValueError)],
)
def test_bad_seconds(value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"timeout=.*'5s'|timeout='5': write a number"):
        parse_seconds(value, "timeout")
