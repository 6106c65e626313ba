"""`LogMel`: the array of each stream."""

import numpy as np
import pytest

from audiostreamer import DecodeError, Generator, Ledger, Lost, PerStream, Receiver
from audiostreamer.receivers import FeaturesCsv, LogMel, SpectrogramPng
from audiostreamer.receivers.features import features

from .scripted import Scripted, batches_of, tone

OPTIONS = {"window_length": "25ms", "hop_length": "10ms"}


def run(sources, receiver=None, **options):
    return Generator(sources, receiver or LogMel(), **OPTIONS, **options).run()


def test_the_result_is_the_log_mel_of_every_window():
    result = run(Scripted(tone(440, 1.0), Lost(500, "stall"), tone(880, 0.5))).results["script"]
    expected = [features(batch).log_mel for batch in batches_of(tone(440), Lost(500, "x"), tone(880, 0.5), **OPTIONS)]
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, np.concatenate(expected), atol=1e-4)


def test_streams_that_run_together_do_not_mix():
    low, high = batches_of(tone(200), name="low", **OPTIONS), batches_of(tone(5000), name="high", **OPTIONS)
    receiver = LogMel()
    receiver.on_stream_start(low[0].stream)
    receiver.on_stream_start(high[0].stream)
    for one, other in zip(low, high, strict=True):
        receiver.on_windows(one)
        receiver.on_windows(other)
    loudest = [receiver.on_stream_end(one[0].stream, Ledger()).mean(axis=0).argmax() for one in (low, high)]
    assert loudest[0] < 10 < 25 < loudest[1]


def test_silence_is_the_floor_exactly():
    assert set(run("signal:silence?duration=0.1").results.popitem()[1].ravel()) == {np.float32(-100)}


def test_an_empty_stream_is_an_empty_array():
    assert run(Scripted(), LogMel(bands=7)).results["script"].shape == (0, 7)


def test_what_came_before_an_error_is_the_result():
    report = run(Scripted(tone(440, 0.1), DecodeError("broke")), errors="skip")
    assert report.errors
    assert report.results["script"].shape == (9, 40)


def test_one_per_stream():
    results = run({"a": Scripted(tone(200)), "b": Scripted(tone(200, 0.5))}, PerStream(LogMel)).results
    assert [array.shape for array in results.values()] == [(99, 40), (49, 40)]


def test_bands_are_checked():
    with pytest.raises(ValueError, match="bands=0"):
        LogMel(0)


def test_a_stream_that_another_receiver_refuses_keeps_its_error(tmp_path):
    class Refuse(Receiver):
        def on_stream_start(self, stream):
            raise RuntimeError("not this one")

    receivers = [Refuse(), LogMel(), SpectrogramPng(tmp_path / "a.png"), FeaturesCsv(f"{tmp_path}/x/")]
    report = run({"a": Scripted(tone(200))}, receivers, errors="skip")
    assert str(report.errors["a"]) == "not this one"
    assert report.results["a"] == (None, None, None, None)
