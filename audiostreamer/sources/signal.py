"""Signals that are computed: for demonstrations and tests, and to try a receiver without any audio at hand.

Frame ``k`` depends on ``k`` and the parameters only. It is computed in chunks that begin at multiples of a fixed
length, whatever is asked for, so that not even the last bit depends on the blocks.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..decoders.base import new_buffer
from ..lengths import parse_seconds
from .base import Block, Event, Format, Source

__all__ = ["Signal"]

_CHUNK = 4096  # frames
Floats = NDArray[np.float64]


def _duration(text: str) -> float:
    """Seconds; a bare number is enough, since a signal has no frames before it has a rate."""
    seconds = parse_seconds(text, "duration") if text[-1:].isalpha() and text != "inf" else _number(text)
    if seconds < 0:
        raise ValueError("it is negative")
    return seconds


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("it is not finite")
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError("it must be at least 1")
    return value


_COMMON: dict[str, Callable[[str], Any]] = {
    "duration": _duration,
    "rate": _count,
    "channels": _count,
    "amplitude": _number,
}
_DEFAULTS: dict[str, Any] = {"duration": 10.0, "rate": 44_100, "channels": 1, "amplitude": 0.5}


class Signal(Source):
    """``signal:KIND?option=value&…``: a signal that is computed.

    Kinds, and the options of each with their defaults:

    - ``sine``: ``frequency=440`` Hz;
    - ``chirp``: a sine that goes from ``start=100`` to ``stop=8000`` Hz, linearly, over the whole duration;
    - ``noise``: white, uniform, each channel its own, the same for the same ``seed=0``;
    - ``silence``;
    - ``speech``: voiced syllables with formants, in phrases with pauses; ``seed=0`` chooses the vowels.

    All take ``duration=10`` (seconds, or with a unit: ``500ms``), ``rate=44100``, ``channels=1``, ``amplitude=0.5``
    (peak; for speech about it).

    Args:
        uri: The name.

    Raises:
        ValueError: An unknown kind or option, or a value that cannot be.
    """

    schemes = ("signal",)
    engine = "numpy"

    def __init__(self, uri: str = "signal:sine") -> None:
        super().__init__(uri)
        kind = self.uri.path
        if kind not in _KINDS:
            near = difflib.get_close_matches(kind, _KINDS, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"{self.name.rstrip(':')}: no signal {kind!r}: there are {', '.join(_KINDS)}{hint}")
        self._compute, own = _KINDS[kind]
        readers = {key: int if isinstance(default, int) else _number for key, default in own.items()}
        given = self.uri.options(**_COMMON, **readers)
        self.parameters: Mapping[str, Any] = MappingProxyType({**_DEFAULTS, **own, **given})
        self._frames = math.floor(self.parameters["duration"] * self.parameters["rate"] + 0.5)
        self._at = 0
        self._chunk_number, self._chunk = -1, np.empty((0, 0))

    def open(self) -> Format:
        """Start from the first frame."""
        self._at = 0
        return Format(self.parameters["rate"], self.parameters["channels"], self._frames)

    def read(self, max_frames: int) -> Event | None:
        """The next `max_frames`."""
        count = min(max_frames, self._frames - self._at)
        if count <= 0:
            return None
        buffer = new_buffer(count, self.parameters["channels"], self.dtype, self.headroom)
        samples = buffer[self.headroom :]
        done = 0
        while done < count:
            chunk = self._chunk_from(self._at + done)[: count - done]
            samples[done : done + len(chunk)] = chunk
            done += len(chunk)
        self._at += count
        return Block(samples, buffer)

    def seek(self, frame: int) -> bool:
        """Any frame; past the end is the end."""
        self._at = min(frame, self._frames)
        return True

    def close(self) -> None:
        """Nothing is held."""

    def _chunk_from(self, frame: int) -> Floats:
        """From this frame to the end of its chunk."""
        number, skip = divmod(frame, _CHUNK)
        if number != self._chunk_number:
            mono_or_all = self._compute(number * _CHUNK, self.parameters)
            shape = (_CHUNK, self.parameters["channels"])
            self._chunk_number, self._chunk = number, np.broadcast_to(mono_or_all, shape)
        return self._chunk[skip:]

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.uri.text,)


def _scaled(signal: Floats, options: Mapping[str, Any]) -> Floats:
    return signal * float(options["amplitude"])


def _sine(first: int, options: Mapping[str, Any]) -> Floats:
    rate, frequency = options["rate"], options["frequency"]
    whole = (first * frequency) % rate  # cycles so far are taken away before they cost precision
    turns = (whole + np.arange(_CHUNK) * frequency) / rate
    return _scaled(np.sin(2 * np.pi * turns)[:, None], options)


def _chirp(first: int, options: Mapping[str, Any]) -> Floats:
    seconds = np.arange(first, first + _CHUNK) / options["rate"]
    slope = (options["stop"] - options["start"]) / (options["duration"] or 1.0)
    turns = (options["start"] + slope / 2 * seconds) * seconds
    return _scaled(np.sin(2 * np.pi * (turns % 1.0))[:, None], options)


def _noise(first: int, options: Mapping[str, Any]) -> Floats:
    # Philox counts blocks of four numbers, so that any place in its sequence can be gone to
    start = first * options["channels"]
    bits = np.random.Philox(key=options["seed"] % (1 << 64), counter=start // 4)
    uniform = (bits.random_raw(_CHUNK * options["channels"]) >> np.uint64(11)) * 2.0**-52 - 1.0
    return _scaled(uniform.reshape(_CHUNK, -1), options)


def _silence(first: int, options: Mapping[str, Any]) -> Floats:
    return np.zeros((_CHUNK, 1))


_VOWELS = np.array([(730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480), (570, 840, 2410)], float)
_SYLLABLE_SECONDS = 0.22
_PHRASE_SYLLABLES = 8  # of which the last ones are a pause
_SPOKEN_SYLLABLES = 6
_PITCH_HZ, _PITCH_SWING, _PITCH_RATE = 120.0, 15.0, 0.7
_FORMANT_HZ = 120.0  # half the width of a resonance


def _speech(first: int, options: Mapping[str, Any]) -> Floats:
    seconds = np.arange(first, first + _CHUNK) / options["rate"]
    number = np.floor(seconds / _SYLLABLE_SECONDS).astype(np.int64)
    within = seconds / _SYLLABLE_SECONDS - number
    spoken = number % _PHRASE_SYLLABLES < _SPOKEN_SYLLABLES
    envelope = np.where(spoken, np.sin(np.pi * within) ** 2, 0.0)
    vowels = _scatter(number + options["seed"]) % len(_VOWELS)
    return _scaled((envelope * _voice(seconds, vowels, options["rate"] / 2))[:, None], options)


def _voice(seconds: Floats, vowels: NDArray[np.int64], nyquist: float) -> Floats:
    """Harmonics of a swinging pitch, each as strong as the vowel's formants near it; at most about 1."""
    swing = 2 * np.pi * _PITCH_RATE
    turns = _PITCH_HZ * seconds + _PITCH_SWING / swing * (1 - np.cos(swing * seconds))
    turn = np.exp(2j * np.pi * (turns % 1.0))
    sound, power = np.zeros_like(seconds), np.ones_like(turn)
    for strength in _strengths(int(min(4000.0, nyquist) / (_PITCH_HZ + _PITCH_SWING))):
        power *= turn  # a sine of each harmonic would take many times as long
        sound += strength[vowels] * power.imag
    return sound


def _strengths(harmonics: int) -> Floats:
    """``(harmonics, vowels)``: a resonance at each formant, falling off with the frequency."""
    number = np.arange(1, harmonics + 1)[:, None]
    distance = (number[:, :, None] * _PITCH_HZ - _VOWELS) / _FORMANT_HZ
    strengths = (1 / (1 + distance**2)).sum(axis=2) / np.sqrt(number)
    loudest: Floats = 1.6 * strengths / np.maximum(strengths.sum(axis=0), 1e-9)
    return loudest


def _scatter(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """A fixed, even looking choice for each number."""
    mixed = np.multiply(numbers.astype(np.uint64), np.uint64(0x9E3779B97F4A7C15))
    chosen: NDArray[np.int64] = np.right_shift(mixed, np.uint64(40)).astype(np.int64)
    return chosen


Compute = Callable[[int, Mapping[str, Any]], Floats]
_KINDS: dict[str, tuple[Compute, dict[str, Any]]] = {
    "sine": (_sine, {"frequency": 440.0}),
    "chirp": (_chirp, {"start": 100.0, "stop": 8000.0}),
    "noise": (_noise, {"seed": 0}),
    "silence": (_silence, {}),
    "speech": (_speech, {"seed": 0}),
}
