"""Names that stand for many: directories and patterns, walked lazily, one listing at a time, in sorted order.

A pattern is a list of parts, one per directory level; ``**`` is any number of levels, none included. The walker
carries the set of parts that may match next, so that each file comes once, and only directories that can still
lead to a match are listed. Where the listings come from (a disk, an object store, an archive) is the caller's.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from ..errors import SourceError, SourceNotFoundError
from ..log import logger

__all__ = ["Entry", "audio_files", "has_magic", "split_pattern", "walk"]

_MAGIC = re.compile(r"[*?\[]")
# Files whose names say that they hold no audio. What is not listed is tried, so that nothing is lost in silence.
_SUFFIXES = """
    .txt .md .rst .tex .csv .tsv .json .jsonl .ndjson .xml .yaml .yml .toml .ini .cfg .conf .log .html .htm .css .pdf
    .doc .docx .odt .rtf .xls .xlsx .ods .ppt .pptx .png .jpg .jpeg .gif .bmp .svg .tif .tiff .webp .ico .heic
    .parquet .arrow .feather .npy .npz .pkl .pickle .pt .pth .onnx .tflite .safetensors .h5 .hdf5 .mat .db .sqlite
    .zip .tar .gz .tgz .bz2 .xz .zst .7z .rar .py .pyc .ipynb .c .h .cpp .hpp .rs .go .java .js .sh .bat .r .m
    .lab .textgrid .eaf .rttm .stm .ctm .trn .srt .vtt .ass .lrc .cue .m3u .m3u8 .pls .nfo .md5 .sha1 .sha256 .sfv
    .mid .midi .bib .lock
"""
_NOT_AUDIO = frozenset(_SUFFIXES.split())
_NOT_AUDIO_NAMES = frozenset(
    ("readme", "license", "licence", "copying", "authors", "changelog", "makefile", "dockerfile")
)


class Entry(NamedTuple):
    """One name in a listing."""

    name: str
    is_dir: bool = False
    is_link: bool = False


Listing = Callable[[str], Iterable[Entry]]


def has_magic(text: str) -> bool:
    """Whether a name is a pattern."""
    return bool(_MAGIC.search(text))


def split_pattern(text: str) -> tuple[str, list[str]]:
    """Split into the directory to start from and the parts to match below it; a trailing ``/`` means all below."""
    parts = text.split("/")
    if not parts[-1]:
        parts[-1] = "**"
    first = next((i for i, part in enumerate(parts) if has_magic(part)), len(parts) - 1)
    root = "/".join(parts[:first])
    return root + "/" if first and not root.strip("/") else root, parts[first:]


def audio_files(root: str, pattern: Sequence[str], listing: Listing, shown: str) -> Iterator[str]:
    """The files below `root` that match and may hold audio; `shown` is the name for messages.

    Files that are no audio by their suffix are passed over, unless the pattern asks for that very suffix.

    Raises:
        SourceNotFoundError: There is none.
    """
    asked = os.path.splitext(pattern[-1])[1]
    everything = bool(asked) and not has_magic(asked)
    found = skipped = 0
    for path in walk(root, pattern, listing):
        if everything or _may_be_audio(path):
            found += 1
            yield path
        else:
            skipped += 1
    if skipped:
        logger.info("%s: skipped %s", shown, _counted(skipped))
    if not found:
        also = f" (skipped {_counted(skipped)})" if skipped else ""
        raise SourceNotFoundError(f"no audio file matches{also}", uri=shown)


def _counted(skipped: int) -> str:
    one = "1 file that is no audio by its name"
    return one if skipped == 1 else f"{skipped} files that are no audio by their names"


def walk(root: str, pattern: Sequence[str], listing: Listing) -> Iterator[str]:
    """The files below `root` that match, each once; sorted by name, level by level.

    Hidden names match only parts that begin with a dot; ``**`` does not follow links to directories. A directory
    that cannot be listed is given itself, so that opening it tells why.
    """
    pattern = tuple(pattern)
    pending = [iter([(root, True, _reach(pattern, {0}))])]
    while pending:
        for path, is_dir, states in pending[-1]:
            if not is_dir:
                yield path
                continue
            try:
                pending.append(_matching(path, pattern, states, listing(path)))
            except SourceError:
                raise
            except (FileNotFoundError, NotADirectoryError):  # it may be gone by now
                continue
            except OSError:
                yield path
                continue
            break
        else:
            pending.pop()


def _matching(
    parent: str, pattern: tuple[str, ...], states: frozenset[int], entries: Iterable[Entry]
) -> Iterator[tuple[str, bool, frozenset[int]]]:
    """What is worth going on with, sorted: files that match whole, directories that match so far."""
    prefix = parent if not parent or parent.endswith("/") else parent + "/"
    chosen = []
    for entry in entries:
        reached = _reach(pattern, _step(pattern, states, entry))
        if (any(at < len(pattern) for at in reached)) if entry.is_dir else len(pattern) in reached:
            chosen.append((prefix + entry.name, entry.is_dir, reached))
    return iter(sorted(chosen, key=lambda item: item[0]))


def _step(pattern: tuple[str, ...], states: frozenset[int], entry: Entry) -> set[int]:
    hidden = entry.name.startswith(".")
    reached = set()
    for at in states - {len(pattern)}:
        part = pattern[at]
        if part == "**":
            if not hidden and not (entry.is_dir and entry.is_link):
                reached.add(at)
        elif fnmatchcase(entry.name, part) and (part.startswith(".") or not hidden):
            reached.add(at + 1)
    return reached


def _reach(pattern: tuple[str, ...], states: set[int]) -> frozenset[int]:
    """``**`` may also match no level at all."""
    reached = set()
    for at in states:
        reached.add(at)
        while at < len(pattern) and pattern[at] == "**":
            at += 1
            reached.add(at)
    return frozenset(reached)


def _may_be_audio(path: str) -> bool:
    stem, suffix = os.path.splitext(path.rpartition("/")[2].lower())
    return suffix not in _NOT_AUDIO and (bool(suffix) or stem not in _NOT_AUDIO_NAMES)
