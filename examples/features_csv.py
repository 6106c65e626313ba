#!/usr/bin/env python3
"""Write a CSV with one row of features per window, of any audio.

    python features_csv.py                                        a built-in test signal
    python features_csv.py recording.wav --out features.csv
    python features_csv.py 'clips/**/*.flac' --rate 16000         files that a pattern names, at one sample rate
    python features_csv.py https://example.org/take.mp3           a file on a web server

Columns: stream id, window id, start (seconds), RMS and peak (linear, 1 is full scale), zero-crossing rate (0 to 1),
spectral centroid (Hz), and the level of each mel band (dB, not below -100).

The part to copy is the class: a Receiver with what it needs at the start, for each window, and at the end.
"""

import argparse
import csv
import functools

import numpy as np

import audiostreamer as aus

BANDS = 24


class FeaturesToCsv(aus.Receiver):
    """Called by the Generator; knows nothing about files, URLs, sample rates or threads."""

    def __init__(self, file):
        self.file = file
        self.csv = csv.writer(file)

    def on_start(self):
        names = ["stream", "window", "start_seconds", "rms", "peak", "zero_crossing_rate", "centroid_hz"]
        self.csv.writerow(names + [f"mel_{band:02}_db" for band in range(BANDS)])

    def on_window(self, window):
        samples = window.mono[: window.valid]  # the last window may be padded
        numbers = describe(samples, window.stream.sample_rate)
        self.csv.writerow([window.stream.id, window.index, window.start_seconds, *(f"{n:.6g}" for n in numbers)])

    def on_stream_end(self, stream, ledger):
        self.file.flush()
        return ledger.windows  # the stream's result


def describe(samples, rate):
    rms = np.sqrt(np.mean(samples**2))
    crossings = np.mean((samples[1:] < 0) != (samples[:-1] < 0)) if len(samples) > 1 else 0.0
    hann = np.hanning(len(samples) + 2)[1:-1]
    size = max(4096, len(samples))  # a fine grid, so that the lowest mel bands have bins too
    spectrum = np.abs(np.fft.rfft(samples * hann, size))
    centroid = spectrum @ np.fft.rfftfreq(size, 1 / rate) / max(spectrum.sum(), 1e-12)
    power = mel_triangles(size, rate) @ (2 * spectrum**2 / (size * np.sum(hann**2)))
    return [rms, np.abs(samples).max(), crossings, centroid, *(10 * np.log10(np.maximum(power, 1e-10)))]


@functools.lru_cache
def mel_triangles(size, rate):
    """(bands, bins): triangles at even distances on the HTK mel scale, from 0 Hz to half the sample rate."""
    distance = 2595 * np.log10(1 + rate / 2 / 700) / (BANDS + 1)
    edges = 700 * (10 ** (distance * np.arange(BANDS + 2) / 2595) - 1)
    shapes = np.eye(BANDS + 2)[1:-1]
    return np.array([np.interp(np.fft.rfftfreq(size, 1 / rate), edges, shape) for shape in shapes])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", nargs="*", default=["signal:speech?duration=10"])
    parser.add_argument("--out", default="features.csv")
    parser.add_argument("--window", default="25ms")
    parser.add_argument("--hop", default="10ms")
    parser.add_argument("--rate", type=int, help="convert to this sample rate")
    given = parser.parse_args()
    if given.out in given.source:
        parser.error("--out would overwrite a source")
    with open(given.out, "w", newline="", encoding="utf-8") as file:
        generator = aus.Generator(
            given.source, FeaturesToCsv(file),
            window_length=given.window, hop_length=given.hop, sample_rate=given.rate, errors="skip", progress=True,
        )  # fmt: skip
        try:
            generator.run()
        except KeyboardInterrupt:
            print("stopped")
    for id, rows in generator.report.results.items():
        print(f"{id}: {rows} windows")
    for error in generator.report.errors.values():
        print(f"failed: {error}")
    print("features are in", given.out)
    return 1 if generator.report.errors else 0


if __name__ == "__main__":
    raise SystemExit(main())
