"""Lengths as users write them: an int is frames, a string carries its unit; nothing is guessed."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from fractions import Fraction

__all__ = ["Length", "parse_length", "parse_seconds"]

_TEXT = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([A-Za-zµ]+)\s*")
_UNITS = {
    "us": Fraction(1, 1_000_000),
    "µs": Fraction(1, 1_000_000),
    "ms": Fraction(1, 1000),
    "s": Fraction(1),
    "sec": Fraction(1),
    "m": Fraction(60),
    "min": Fraction(60),
    "h": Fraction(3600),
}
_FRAMES = ("frames", "frame")


@dataclass(frozen=True, slots=True)
class Length:
    """A length in frames, or in seconds until a sample rate is known."""

    value: int | Fraction

    def frames(self, sample_rate: int, *, at_least: int = 1) -> int:
        """Whole frames: ``⌊seconds · sample_rate + ½⌋``, exactly."""
        if isinstance(self.value, int):
            return self.value
        return max(at_least, round_half_up(self.value * sample_rate))


def round_half_up(value: Fraction) -> int:
    """``⌊value + ½⌋``."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def parse_length(value: object, name: str, *, at_least: int = 1) -> Length:
    """Read a length as written by a user.

    Args:
        value: An int (frames), or a string with a unit: ``"960ms"``, ``"2s"``, ``"1.5 min"``, ``"400 frames"``.
        name: The argument's name, for messages.
        at_least: The smallest number of frames that makes sense.

    Raises:
        TypeError: A float, a bool, or anything else that is neither.
        ValueError: A string without a unit, with an unknown one, or a length that is too small.
    """
    length = Length(_parse_text(value, name) if isinstance(value, str) else _parse_frames(value, name))
    if length.value < at_least if isinstance(length.value, int) else (at_least and not length.value):
        raise ValueError(f"{name}={value!r} is too short: at least {at_least} frame(s)")
    return length


def parse_seconds(value: object, name: str) -> float:
    """Read a duration such as ``"5s"`` in seconds; frames have no meaning here.

    Raises:
        TypeError: Not a string with a unit of time.
        ValueError: A string without a unit of time.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name}={value!r}: write a duration with its unit, such as '5s' or '500ms'")
    seconds = _parse_text(value, name)
    if isinstance(seconds, int):
        raise ValueError(f"{name}={value!r}: write a duration in a unit of time, such as '5s' or '500ms'")
    if not seconds:
        raise ValueError(f"{name}={value!r}: must be longer than nothing")
    return float(seconds)


def _parse_frames(value: object, name: str) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        hint = f"{value:g}s" if isinstance(value, float) and value > 0 else "1s"
        raise TypeError(
            f"{name}={value!r}: write whole frames as an int ({name}=16000) or a string with its unit ({name}='{hint}')"
        )
    return operator.index(value)


def _parse_text(text: str, name: str) -> int | Fraction:
    match = _TEXT.fullmatch(text)
    if not match:
        raise ValueError(f"{name}={text!r}: write a number and its unit, such as '960ms', '2s' or '400 frames'")
    number, unit = Fraction(match[1]), match[2]
    if unit in _FRAMES:
        if number.denominator != 1:
            raise ValueError(f"{name}={text!r}: frames are whole")
        return int(number)
    if unit not in _UNITS:
        raise ValueError(f"{name}={text!r}: unknown unit {unit!r}; use {', '.join([*_UNITS, 'frames'])}")
    return number * _UNITS[unit]
