"""What users may pass, checked before anything is opened, with errors that say what to write."""

from __future__ import annotations

import operator
from typing import Any

from .channels import parse_channels
from .lengths import Length, parse_length, parse_seconds
from .options import Options
from .resampling import QUALITIES
from .samples import DTYPES
from .windowing import TAILS

__all__ = ["check_options", "check_settings", "whole_number"]

_HIGHEST_RATE = 10_000_000


def check_options(
    *,
    window_length: object,
    hop_length: object,
    overlap: object,
    tail: str,
    min_tail: float,
    fill_value: float,
    sample_rate: object,
    channels: object,
    dtype: str,
    resample_quality: str,
    offset: object,
    duration: object,
    gaps: str,
    max_fill: object,
) -> Options:
    """Turn the arguments about what is delivered into `Options`.

    Raises:
        TypeError: An argument of the wrong kind.
        ValueError: A value out of range, or two arguments that exclude each other.
    """
    if hop_length is not None and overlap is not None:
        raise ValueError("hop_length and overlap say the same thing: give one of them")
    return Options(
        window_length=parse_length(window_length, "window_length"),
        hop_length=None if hop_length is None else parse_length(hop_length, "hop_length"),
        overlap=None if overlap is None else _fraction(overlap, "overlap", below_one=True),
        tail=_one_of(tail, "tail", TAILS),
        min_tail=_fraction(min_tail, "min_tail"),
        fill_value=_number(fill_value, "fill_value"),
        sample_rate=None if sample_rate is None else _sample_rate(sample_rate),
        channels=parse_channels(channels),
        dtype=_one_of(dtype, "dtype", DTYPES),
        resample_quality=_one_of(resample_quality, "resample_quality", QUALITIES),
        offset=Length(0) if offset is None else parse_length(offset, "offset", at_least=0),
        duration=None if duration is None else parse_length(duration, "duration"),
        gaps=_one_of(gaps, "gaps", ("split", "fill")),
        max_fill=parse_length(max_fill, "max_fill", at_least=0),
    )


def check_settings(
    *, errors: str, batch_size: object, pace: str | None, live_buffer: object, overflow: str
) -> dict[str, Any]:
    """Check the arguments about how to run; returns `Settings`' fields.

    Raises:
        TypeError: An argument of the wrong kind.
        ValueError: A value out of range.
    """
    return {
        "errors": _one_of(errors, "errors", ("raise", "skip")),
        "batch_size": whole_number(batch_size, "batch_size", example=64),
        "realtime": _one_of(pace, "pace", (None, "realtime")) is not None,
        "live_seconds": parse_seconds(live_buffer, "live_buffer"),
        "overflow": _one_of(overflow, "overflow", ("drop-oldest", "raise")),
    }


def _one_of(value: Any, name: str, allowed: tuple[str | None, ...]) -> Any:
    if value not in allowed:
        raise ValueError(f"{name}={value!r}: use {' or '.join(repr(one) for one in allowed)}")
    return value


def whole_number(value: object, name: str, *, example: int = 16000) -> int:
    """A whole number of at least 1.

    Raises:
        TypeError: Not a whole number.
        ValueError: Less than 1.
    """
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name}={value!r}: write a whole number, such as {example}")
    number: int = operator.index(value)
    if number < 1:
        raise ValueError(f"{name}={value!r}: at least 1")
    return number


def _sample_rate(value: object) -> int:
    rate = whole_number(value, "sample_rate")
    if rate > _HIGHEST_RATE:
        raise ValueError(f"sample_rate={value!r}: at most {_HIGHEST_RATE} Hz")
    return rate


def _number(value: object, name: str) -> float:
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        raise TypeError(f"{name}={value!r}: write a number")
    return float(value)


def _fraction(value: object, name: str, *, below_one: bool = False) -> float:
    number = _number(value, name)
    if not 0 <= number <= 1 or (below_one and number == 1):
        raise ValueError(f"{name}={value!r}: a fraction of the window, from 0 to {'just below ' if below_one else ''}1")
    return number
