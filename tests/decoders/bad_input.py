"""Bad input, class by class, and what it must give.

Run as a program (`python -m decoders.bad_input FOLDER`) it decodes every case under limits of memory and time, and
prints one line of JSON for each.
"""

from __future__ import annotations

import json
import os
import resource
import signal as signals
import struct
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from audiostreamer.decoders.engines import open_decoder
from audiostreamer.errors import FormatError, SourceError
from audiostreamer.sources.base import Block

from .decoding import av_encode, from_bytes, from_path, from_pipe, sf_encode, signal
from .test_pcm import RAMP, fmt, wav

SECONDS = 5
MEMORY = 256 << 20


@cache
def mp3() -> bytes:
    return sf_encode(signal(2), "MP3")


@cache
def flac() -> bytes:
    return sf_encode(signal(2), "FLAC")


@cache
def vorbis(rate: int = 44100, channels: int = 2) -> bytes:
    return sf_encode(signal(2, channels, rate), "OGG", "VORBIS", rate)


@cache
def opus() -> bytes:
    return sf_encode(signal(2, 2, 48000), "OGG", "OPUS", 48000)


@cache
def muxed(container: str, codec: str = "aac", **more: object) -> bytes:
    return av_encode(signal(2), container, codec, **more)  # type: ignore[arg-type]


def id3(size: int, claimed: int | None = None) -> bytes:
    claimed = size if claimed is None else claimed
    lengths = [bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0)) for number in (claimed, max(0, size - 10))]
    image = b"APIC" + lengths[1] + b"\0\0\0image/jpeg\0\3\0"
    return b"ID3\4\0\0" + lengths[0] + image[:size].ljust(size, b"\1")


def picture(size: int) -> bytes:
    """A FLAC PICTURE block, not the last one."""
    body = struct.pack(">II", 3, 10) + b"image/jpeg" + bytes(4 * 5) + struct.pack(">I", size - 42) + bytes(size - 42)
    return b"\x06" + len(body).to_bytes(3, "big") + body


def bomb() -> bytes:
    """Ten minutes of silence in a few kB."""
    return sf_encode(np.zeros((600 * 44100, 2), np.int16), "FLAC")


def bad_guid() -> bytes:
    return struct.pack("<HHIIHHHHI", 0xFFFE, 1, 8000, 16000, 2, 16, 22, 16, 0) + bytes(16)


def with_list(size: int) -> bytes:
    whole = wav(fmt(), RAMP)
    return whole[:36] + b"LIST" + struct.pack("<I", size) + bytes(size) + whole[36:]


def without_page(data: bytes) -> bytes:
    pages = data.split(b"OggS")
    return b"OggS".join(pages[:4] + pages[5:])


def shuffled_pages(data: bytes) -> bytes:
    pages = [b"OggS" + part for part in data.split(b"OggS")[1:]]
    return b"".join(pages[:3] + pages[4:2:-1] + pages[5:])


def many_beginnings() -> bytes:
    page = vorbis()[:58]
    return b"".join(page[:14] + struct.pack("<I", number) + page[18:] for number in range(5000))


def replaced(data: bytes, old: bytes, new: bytes, skip: int = 0) -> bytes:
    at = data.index(old) + skip
    return data[:at] + new + data[at + len(new) :]


def with_dref() -> bytes:
    """An MP4 whose samples lie in another file."""
    data = muxed("mov")
    at = data.index(b"dref")
    return data[:at] + data[at:].replace(b"\x01url " if b"url " in data[at : at + 40] else b"alis", b"\0url ", 1)


def end_of_moov(data: bytes) -> bytes:
    return data[: data.index(b"moov") - 4]


# What must come: "F" a FormatError at open, "E" another typed error after the audio before it, a number: that many
# frames and a clean end, "": any of these, but typed.
CASES: dict[str, tuple[Callable[[], bytes], str | int]] = {
    "01 empty": (lambda: b"", "F"),
    "02 one byte": (lambda: b"R", "F"),
    "03 header only": (lambda: wav(fmt(), b""), 0),
    "04 cut in the header": (lambda: wav(fmt(), RAMP)[:20], "F"),
    "05 cut in the data": (lambda: wav(fmt(), RAMP)[:-500], "E"),
    "06 odd byte": (lambda: wav(fmt(), RAMP + b"\1"), 1000),
    "07 size 0": (lambda: wav(fmt(), RAMP, 0), 1000),
    "08 size ffffffff": (lambda: wav(fmt(), RAMP, 0xFFFFFFFF), 1000),
    "09 size beyond": (lambda: wav(fmt(), RAMP, 1 << 30), "E"),
    "10 RIFF size": (lambda: replaced(wav(fmt(), RAMP), b"RIFF", b"\1\0\0\0", 4), 1000),
    "11 rate 0": (lambda: wav(fmt(rate=0), RAMP), "F"),
    "12 rate 2^32-1": (lambda: wav(fmt(rate=0xFFFFFFFF), RAMP), "F"),
    "13 channels 0": (lambda: wav(fmt(channels=0), RAMP), "F"),
    "14 channels 65535": (lambda: wav(fmt(channels=65535), RAMP), "F"),
    "15 bits 0": (lambda: wav(fmt(bits=0), RAMP), "F"),
    "15 bits 33": (lambda: wav(fmt(bits=33), RAMP), "F"),
    "15 bits 7": (lambda: wav(fmt(align=1, bits=7), RAMP), 2000),
    "16 align 0": (lambda: wav(fmt(align=0), RAMP), 1000),
    "16 align 5": (lambda: wav(fmt(align=5), RAMP), "F"),
    "17 unknown tag": (lambda: wav(fmt(tag=0x4242), RAMP), ""),
    "18 bad GUID": (lambda: wav(bad_guid(), RAMP), "F"),
    "19 RF64 absurd": (lambda: replaced(sf_encode(signal(1), "RF64"), b"ds64", b"\xff" * 24, 8), ""),
    "19 W64 absurd": (lambda: sf_encode(signal(1), "W64").replace(struct.pack("<Q", 44100 * 4 + 24), b"\xff" * 8), ""),
    "20 tiny chunks": (lambda: b"RIFF\0\0\0\0WAVE" + b"junk\0\0\0\0" * 1_000_000 + wav(fmt(), RAMP)[12:], "F"),
    "20 chunk loop": (lambda: b"FORM\0\0\0\0AIFF" + b"COMM\xff\xff\xff\xf8" + bytes(1000), "F"),
    "21 LIST 100 MB": (lambda: with_list(100 << 20), 1000),
    "21 ID3 200 MB": (lambda: id3(200 << 20) + mp3(), 88_200),
    "21 FLAC pictures": (lambda: flac()[:42] + picture(16_000_000) * 6 + flac()[42:], 88_200),
    "22 NaN": (lambda: wav(fmt(3, 1, 8000, 4, 32), np.full(1000, np.nan, "<f4").tobytes()), 1000),
    "23 full scale": (lambda: wav(fmt(align=4, bits=32), np.full(1000, -(2**31), "<i4").tobytes()), 1000),
    "24 ID3 size lie": (lambda: id3(10, 50_000) + mp3(), ""),
    "24 ID3 beyond the end": (lambda: id3(10, 200_000_000) + mp3(), "F"),
    "24 garbage in front": (lambda: bytes(range(1, 200)) * 10 + mp3(), ""),
    "24 garbage between": (lambda: mp3()[:9000] + bytes(range(256)) * 8 + mp3()[9000:], "E"),
    "24 VBR lie": (lambda: replaced(mp3(), b"Info" if b"Info" in mp3() else b"Xing", b"\x7f\xff\xff\xff", 8), ""),
    "25 rate change": (lambda: mp3() + sf_encode(signal(1, 1, 22050), "MP3", None, 22050), ""),
    "26 ADTS bad length": (lambda: replaced(muxed("adts"), b"\xff\xf1", b"\0\0", 4), ""),
    "27 FLAC bad CRC": (lambda: flac()[:150_000] + b"\x55" + flac()[150_001:], "E"),
    "27 FLAC without STREAMINFO": (lambda: b"fLaC" + b"\x81\0\0\x20" + bytes(32) + flac()[42:], "F"),
    "28 Ogg page missing": (lambda: without_page(vorbis(44100, 1)), ""),
    "28 Ogg chained": (lambda: vorbis() + vorbis(22050, 1), 88_200 + 44_100),
    "28 Ogg shuffled": (lambda: shuffled_pages(vorbis()), ""),
    "28 Ogg beginnings": (many_beginnings, "F"),
    "29 Opus pre-skip": (lambda: replaced(opus(), b"OpusHead", b"\xff\xff", 10), ""),
    "29 Opus channels": (lambda: replaced(opus(), b"OpusHead", b"\xff", 9), ""),
    "30 moov missing": (lambda: end_of_moov(muxed("mp4")), "F"),
    "30 stsz 2^32": (lambda: replaced(muxed("mp4"), b"stsz", b"\xff" * 4, 12), ""),
    "30 stts 2^32": (lambda: replaced(muxed("mp4"), b"stts", b"\xff" * 4, 8), ""),
    "30 dref": (with_dref, ""),
    "30 fragments without init": (lambda: muxed("mp4", options=None)[:4] + b"moof" + bytes(1000), "F"),
    "31 MKV unknown sizes": (lambda: replaced(muxed("matroska"), b"\x18\x53\x80\x67", b"\x01" + b"\xff" * 7, 4), ""),
    "31 EBML voids": (lambda: muxed("matroska")[:40] + b"\xec\x80" * 500_000 + muxed("matroska")[40:], ""),
    "32 TS without tables": (lambda: b"".join(p for p in packets(muxed("mpegts")) if p[1] & 0x1F or p[2]), ""),
    "33 wild times": (lambda: wild_times(muxed("mpegts")), ""),
    "34 text": (lambda: b"WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n", "F"),
    "35 bomb": (bomb, 600 * 44100),
    "36 m3u8": (lambda: b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.wav\n#EXT-X-ENDLIST\n", "F"),
    "36 ffconcat": (lambda: b"ffconcat version 1.0\nfile secret.wav\n", "F"),
    "36 sdp": (lambda: b"v=0\nc=IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n", "F"),
    "36 mpd": (lambda: b'<?xml version="1.0"?><MPD><BaseURL>secret.wav</BaseURL></MPD>', "F"),
    "36 html": (lambda: b"<html><body>404</body></html>" * 100, "F"),
    "37 long m3u8": (lambda: b"#EXTM3U\n" + b"#EXTINF:NaN,\nself.m3u8\n" * 500_000, "F"),
    "38 long sdp": (lambda: b"v=0\n" + b"a=fmtp:0 x\n" * 10_000, "F"),
    "43 noise": (lambda: np.random.default_rng(7).bytes(3_000_000), "F"),
    "45 zeros": (lambda: bytes(50_000_000), "F"),
}  # fmt: skip


def packets(data: bytes) -> list[bytes]:
    return [data[at : at + 188] for at in range(0, len(data) - 187, 188)]


def wild_times(data: bytes) -> bytes:
    """Change the time stamps' bytes of every third packet that begins a PES packet."""
    found = packets(data)
    for number in range(2, len(found), 3):
        at = found[number].find(b"\0\0\1\xc0")
        if at > 0:
            found[number] = found[number][: at + 9] + b"\x2f\xff\xff\xff\xff" + found[number][at + 14 :]
    return b"".join(found)


WAYS = {
    "path": from_path,
    "bytes": lambda path: from_bytes(path.read_bytes()),
    "pipe": lambda path: from_pipe(path.read_bytes()),
}


def outcome(path: Path, way: str) -> str:
    """``"F"``, ``"E error frames"`` or the number of frames, decoded without keeping them."""
    frames = 0
    try:
        decoder = open_decoder(WAYS[way](path), track=0, dtype="float32")
    except FormatError:
        return "F"
    except SourceError as error:
        return f"E {type(error).__name__} 0"
    try:
        while event := decoder.read(65536):
            frames += len(event.samples) if isinstance(event, Block) else 0
    except SourceError as error:
        return f"E {type(error).__name__} {frames}"
    finally:
        decoder.close()
    return str(frames)


def main(folder: Path) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    (folder / "secret.wav").write_bytes(wav(fmt(), RAMP))
    for name, (make, _) in CASES.items():
        path = folder / "case.wav"
        path.write_bytes(make())
        for way in ("path", "pipe") if path.stat().st_size < 1 << 24 else ("path",):
            signals.alarm(4 * SECONDS)
            before = lowered()
            start = time.perf_counter()
            result = outcome(path, way)
            spent = time.perf_counter() - start
            signals.alarm(0)
            print(json.dumps([name, way, result, round(spent, 3), memory("VmHWM") - before]), flush=True)


def lowered() -> int:
    """Lower the mark of the largest resident size to the present one, and return that, in bytes."""
    Path("/proc/self/clear_refs").write_text("5")
    return memory("VmRSS")


def memory(kind: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(kind))


if __name__ == "__main__":
    os.chdir(sys.argv[1])
    main(Path(sys.argv[1]))
