"""Fixtures for all tests: the corpus, and a watch on what a test leaves behind."""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

_PATIENCE_SECONDS = 5.0
_LOOK_SECONDS = 0.005
_PROC = Path("/proc/self")

# Threads that a library starts once and keeps until the interpreter ends.
_LASTING_THREADS = (
    "fsspecIO",  # fsspec's event loop, one for all file systems
    "asyncio_",  # that loop's resolver threads
)
# Children that multiprocessing starts once and keeps until the interpreter ends.
_LASTING_CHILDREN = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")


@dataclass(frozen=True)
class _Belongings:
    """What this process holds: threads, child processes, open file descriptors (with what they are)."""

    threads: frozenset[threading.Thread]
    children: frozenset[int]
    files: frozenset[tuple[int, str]]

    @classmethod
    def now(cls) -> _Belongings:
        return cls(frozenset(threading.enumerate()), frozenset(_children()), frozenset(_files()))

    def since(self, before: _Belongings) -> list[str]:
        """What came after `before` and should have gone, in words."""
        threads = [t for t in self.threads - before.threads if not t.name.startswith(_LASTING_THREADS)]
        children = {pid: name for pid in self.children - before.children if (name := _command(pid)) is not None}
        lasting = _loop_files()
        return [
            *(f"thread {t.name!r}" for t in threads if t.is_alive()),
            *(f"process {pid} {name!r}" for pid, name in children.items() if not _lasts(name)),
            *(f"file descriptor {fd} -> {to}" for fd, to in self.files - before.files if fd not in lasting),
        ]


def _children() -> Iterator[int]:
    for task in _PROC.glob("task/*/children"):
        try:
            yield from map(int, task.read_text().split())
        except OSError:  # the thread is gone
            continue


def _command(pid: int) -> str | None:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip() or "(zombie)"
    except OSError:  # it is gone
        return None


def _lasts(command: str) -> bool:
    return any(name in command for name in _LASTING_CHILDREN)


def _files() -> Iterator[tuple[int, str]]:
    if not _PROC.exists():
        return
    for name in os.listdir(_PROC / "fd"):
        try:
            yield int(name), os.readlink(_PROC / "fd" / name)
        except OSError:  # the listing's own
            continue


def _loop_files() -> set[int]:
    """What fsspec's event loop holds: its selector, its wake-up pair, and connections kept alive for the next use."""
    asyn = sys.modules.get("fsspec.asyn")
    loop = asyn.loop[0] if asyn else None
    selector = getattr(loop, "_selector", None)
    if selector is None or selector.get_map() is None:
        return set()
    pair = {one.fileno() for one in (loop._ssock, loop._csock) if one is not None}
    return {selector.fileno(), *selector.get_map(), *pair}


def _left_behind(before: _Belongings) -> list[str]:
    """What a test left, once what is ending anyway had its time to end."""
    left = _Belongings.now().since(before)
    if left:
        gc.collect()
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (left := _Belongings.now().since(before)) and time.monotonic() < deadline:
        threading.Event().wait(_LOOK_SECONDS)
    return left


@pytest.fixture(autouse=True)
def _nothing_leaks() -> Iterator[None]:
    """Fail a test that leaves a thread, a child process or an open file."""
    before = _Belongings.now()
    yield
    left = _left_behind(before)
    assert not left, f"left behind: {'; '.join(left)}"


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of test recordings: ``AUDIOSTREAMER_CORPUS``, or ``shared/corpus`` beside the repository."""
    named = os.environ.get("AUDIOSTREAMER_CORPUS")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "corpus"
    if not folder.is_dir():
        pytest.skip(f"no corpus at {folder}: set AUDIOSTREAMER_CORPUS to its folder")
    return folder
