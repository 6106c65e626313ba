"""Public usage as users write it; type-checked with the package, run by test_distribution."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import audiostreamer as aus


class Loudness(aus.Receiver):
    def __init__(self) -> None:
        self.levels: list[float] = []

    def on_window(self, window: aus.Window) -> None:
        self.levels.append(float((window.mono**2).mean() ** 0.5))

    def on_gap(self, stream: aus.Stream, gap: aus.Gap) -> None:
        print(f"{stream.id}: {gap.seconds:.1f} s lost ({gap.reason})")

    def on_stream_end(self, stream: aus.Stream, ledger: aus.Ledger) -> object:
        return len(self.levels)


class Batches(aus.Receiver):
    def on_windows(self, batch: aus.WindowBatch) -> None:
        peaks = np.abs(batch.samples).max(axis=(1, 2))
        assert peaks.shape == batch.starts.shape


class Ramp(aus.Source):
    def open(self) -> aus.Format:
        self.rest = 10
        return aus.Format(sample_rate=8_000, channels=1)

    def read(self, max_frames: int) -> aus.Block | None:
        if not self.rest:
            return None
        self.rest -= 1
        return aus.Block(np.zeros((100, 1), np.int16))

    def close(self) -> None:
        pass


def loop() -> Iterator[float]:
    for window in aus.windows("signal:sine?duration=1", window_length="100ms"):
        yield window.start_seconds


def run() -> aus.RunReport:
    sources = {"tone": "signal:sine?duration=1", "ramp": Ramp("ramp:"), "array": aus.Array(np.zeros(4000), 8_000)}
    receivers = [aus.PerStream(Loudness), Batches()]
    report = aus.Generator(sources, receivers, window_length="100ms", overlap=0.5, sample_rate=8_000).run()
    assert report.streams["tone"].ledger.balanced
    return report
