"""The shared options: how they are written, and what they become."""

import pytest
import typer

from audiostreamer import Generator
from audiostreamer.cli.options import WindowOptions, parse_channels, parse_rate


@pytest.mark.parametrize(
    ("text", "hertz"),
    [
        ("16000", 16_000),
        ("16k", 16_000),
        ("44.1k", 44_100),
        ("11.025kHz", 11_025),
        ("8 K", 8_000),
        ("48000 Hz", 48_000),
    ],
)
def test_rates(text, hertz):
    assert parse_rate(text) == hertz


@pytest.mark.parametrize("text", ["", "k", "0", "-16k", "16m", "1.5", "44.1001k1", "16 000", "0.0001k"])
def test_what_is_no_rate(text):
    with pytest.raises(typer.BadParameter, match="write a sample rate such as"):
        parse_rate(text)


def test_channels():
    assert parse_channels(None) is None
    assert parse_channels("1") == [1]
    assert parse_channels("1,0") == [1, 0]
    with pytest.raises(typer.BadParameter, match="counted from 0"):
        parse_channels("left")


def test_they_are_arguments_of_a_generator():
    options = WindowOptions("50ms", "20ms", None, "drop", "16k", True, None, "1s", "2s", "raise")
    arguments = options.arguments("1s")
    Generator([], **arguments)
    assert arguments == {
        "window_length": "50ms", "hop_length": "20ms", "overlap": None, "tail": "drop", "sample_rate": 16_000,
        "channels": "mono", "offset": "1s", "duration": "2s", "errors": "raise",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ("25ms", "10ms", None)),
        ({"window": "1s"}, ("1s", None, None)),
        ({"hop": "5ms"}, ("25ms", "5ms", None)),
        ({"overlap": 0.5}, ("25ms", None, 0.5)),
    ],
)
def test_a_default_hop_goes_with_the_default_window_only(given, expected):
    arguments = WindowOptions(**given).arguments("25ms", "10ms")
    assert (arguments["window_length"], arguments["hop_length"], arguments["overlap"]) == expected
