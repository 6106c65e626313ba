"""Who is compared: each is a function ``(cell, sink)`` that calls ``sink`` with every window that it makes.

Each library is used as its own documentation recommends where speed counts. Three kinds: ours; *peers*, which
deliver overlapping windows by themselves; and *loops*, decoders that deliver none, with the windowing loop that a
user would write around them. What a contender cannot do is said, not imitated.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from bare import CHOSEN, ENGINES, Blocks, miniaudio_blocks, pyav_blocks, resampled
from fixtures import rate_of
from numpy.typing import NDArray

import audiostreamer

Sink = Callable[[Any], None]


@dataclass(frozen=True)
class Cell:
    """One thing to do: a file, and the windows wanted of it, in frames at the delivered rate.

    Attributes:
        rate: Resample to this rate, and average the channels; None: as stored.
    """

    format: str
    path: Path
    window: int
    hop: int
    rate: int | None = None

    @property
    def delivered_rate(self) -> int:
        return self.rate or rate_of(self.format)


@dataclass(frozen=True)
class Contender:
    """Attributes:
    kind: ``"ours"``, ``"peer"``, ``"loop"`` or ``"bare"`` (decodes only).
    formats: What it reads.
    rates: Whether it does cells that keep the rate, cells that change it, or both.
    """

    name: str
    kind: str
    library: str
    run: Callable[[Cell, Sink], None]
    formats: str = "wav16 wav24 flac mp3 vorbis opus aac"
    rates: str = "kept changed"

    def refusal(self, cell: Cell) -> str | None:
        """Why it has no result in a cell; None if it should have one."""
        if importlib.util.find_spec(self.library) is None:
            return f"{self.library} is not installed"
        if cell.format not in self.formats.split():
            return f"{self.name} does not read {cell.format}"
        if ("changed" if cell.rate else "kept") not in self.rates.split():
            return f"{self.name} does not resample" if cell.rate else f"{self.name} is for cells that resample"
        return None


# -- ours


def _generator(cell: Cell, receiver: Any) -> audiostreamer.Generator:
    channels = "mono" if cell.rate else None
    return audiostreamer.Generator(
        cell.path, receiver, window_length=cell.window, hop_length=cell.hop, sample_rate=cell.rate, channels=channels
    )


def callback(cell: Cell, sink: Sink) -> None:
    _generator(cell, sink).run()


def batches(cell: Cell, sink: Sink) -> None:
    class Batches(audiostreamer.Receiver):
        def on_windows(self, batch: audiostreamer.WindowBatch) -> None:
            sink(batch.samples)

    _generator(cell, Batches()).run()


def loop(cell: Cell, sink: Sink) -> None:
    for window in _generator(cell, None):
        sink(window)


# -- peers


def soundfile_blocks(cell: Cell, sink: Sink) -> None:
    import soundfile

    out = np.empty((cell.window, 2), np.float32)  # saves a copy per window: each is valid until the next one only
    for block in soundfile.blocks(cell.path, overlap=cell.window - cell.hop, fill_value=0.0, out=out):
        sink(block)


def librosa_stream(cell: Cell, sink: Sink) -> None:
    import librosa

    per_block = max(16, min(256, 262_144 // cell.hop))
    stream = librosa.stream(
        cell.path, block_length=per_block, frame_length=cell.window, hop_length=cell.hop, mono=False, dtype=np.float32
    )
    for block in stream:
        _framed(block, cell, sink)


def librosa_load(cell: Cell, sink: Sink) -> None:
    import librosa

    samples, _ = librosa.load(cell.path, sr=cell.rate, mono=True, res_type="soxr_hq")
    _framed(samples, cell, sink)


def auditok_reader(cell: Cell, sink: Sink) -> None:
    import auditok

    rate = cell.delivered_rate
    reader = auditok.AudioReader(
        str(cell.path), block_dur=cell.window / rate, hop_dur=cell.hop / rate, large_file=cell.format == "wav16"
    )
    reader.open()
    while (data := reader.read()) is not None:
        window = np.frombuffer(data, np.int16).astype(np.float32)
        window *= 1 / 32768
        sink(window.reshape(-1, 2))
    reader.close()


def torchcodec_unfold(cell: Cell, sink: Sink) -> None:
    import torch
    from torchcodec.decoders import AudioDecoder

    torch.set_num_threads(1)
    decoder = AudioDecoder(cell.path, sample_rate=cell.rate, num_channels=1 if cell.rate else None)
    samples = decoder.get_all_samples().data
    if cell.rate:
        samples *= 0.5**0.5  # FFmpeg's mono is the average times the square root of two
    samples = torch.nn.functional.pad(samples, (0, _missing(samples.shape[-1], cell)))
    for window in samples.unfold(-1, cell.window, cell.hop).unbind(1):
        sink(window)


def _missing(frames: int, cell: Cell) -> int:
    """Frames of padding after which every frame is in a full window."""
    return max(0, -(frames - cell.window) % cell.hop if frames > cell.window else cell.window - frames)


def _framed(samples: NDArray[Any], cell: Cell, sink: Sink) -> None:
    import librosa

    frames = librosa.util.frame(_padded(samples, cell), frame_length=cell.window, hop_length=cell.hop)
    for window in np.moveaxis(frames, -1, 0):
        sink(window)


def _padded(samples: NDArray[Any], cell: Cell) -> NDArray[Any]:
    missing = _missing(samples.shape[-1], cell)
    return np.pad(samples, [(0, 0)] * (samples.ndim - 1) + [(0, missing)]) if missing else samples


# -- loops around decoders that make no overlapping windows


def miniaudio_loop(cell: Cell, sink: Sink) -> None:
    _by_hand(miniaudio_blocks(cell.path), cell, sink)


def pyav_loop(cell: Cell, sink: Sink) -> None:
    _by_hand(pyav_blocks(cell.path), cell, sink)


def _by_hand(blocks: Blocks, cell: Cell, sink: Sink) -> None:
    """The windowing loop that one writes around a decoder."""
    rest = np.empty((0, 1 if cell.rate else 2), np.float32)
    for block in resampled(blocks, rate_of(cell.format), cell.rate) if cell.rate else blocks:
        samples = np.concatenate([rest, block])
        start = 0
        while start + cell.window <= len(samples):
            sink(samples[start : start + cell.window])
            start += cell.hop
        rest = samples[start:]
    if len(rest) > cell.window - cell.hop:
        sink(np.pad(rest, [(0, cell.window - len(rest)), (0, 0)]))


# -- bare engines


def _bare(name: str) -> Contender:
    library, blocks_of, formats = ENGINES[name]

    def run(cell: Cell, sink: Sink) -> None:
        for block in blocks_of(cell.path):
            sink(block)

    return Contender(f"bare {name}", "bare", library, run, formats, "kept")


CONTENDERS = [
    Contender("audiostreamer", "ours", "audiostreamer", callback),
    Contender("audiostreamer, on_windows", "ours", "audiostreamer", batches),
    Contender("audiostreamer, for loop", "ours", "audiostreamer", loop),
    Contender("soundfile.blocks", "peer", "soundfile", soundfile_blocks, "wav16 wav24 flac mp3 vorbis opus", "kept"),
    Contender("librosa.stream", "peer", "librosa", librosa_stream, "wav16 wav24 flac mp3 vorbis opus", "kept"),
    Contender("librosa.load + frame", "peer", "librosa", librosa_load, "wav16 wav24 flac mp3 vorbis opus", "changed"),
    Contender("auditok.AudioReader", "peer", "auditok", auditok_reader, rates="kept"),
    Contender("torchcodec + unfold", "peer", "torchcodec", torchcodec_unfold),
    Contender("miniaudio + own loop", "loop", "miniaudio", miniaudio_loop, "wav16 wav24 flac mp3 vorbis"),
    Contender("PyAV + own loop", "loop", "av", pyav_loop),
    *map(_bare, ENGINES),
]


def chosen_bare(format: str) -> str:
    """The name of the bare decode by the engine that audiostreamer chose."""
    return f"bare {CHOSEN[format]}"
