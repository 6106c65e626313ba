"""Names of the files that receivers write: one file, or a folder with a file for each stream."""

from __future__ import annotations

import os
import re
from pathlib import Path

__all__ = ["StreamFiles", "is_folder", "refuse_foreign", "safe_name"]

_UNSAFE = re.compile(r"[^\w.\-]+")
_LONGEST = 60  # characters of up to four bytes: file systems take 255 bytes


def is_folder(path: str | os.PathLike[str]) -> bool:
    """Whether a folder is meant: one that exists, or a name that ends in a slash."""
    text = os.fspath(path)
    return text.endswith(("/", os.sep)) or os.path.isdir(text)


def refuse_foreign(path: Path, begins: bytes) -> None:
    """Keep a file that is none of ours from being overwritten: a recording, say, named as output by mistake.

    Raises:
        FileExistsError: The file exists, is not empty, and does not begin as our files do.
    """
    if path.is_file():
        with path.open("rb") as file:
            head = file.read(len(begins))
        if head and head != begins:
            raise FileExistsError(f"{path}: exists and holds something else; choose another name for the output")


class StreamFiles:
    """Gives each stream a file of its own.

    In a folder (see `is_folder`) files are called by the streams' ids, made safe. Otherwise the first stream has the
    name as it is, the second ``name-2.png``, and so on.

    Args:
        path: A folder, or the first file.
        suffix: Of the files in a folder, with its dot.
        begins: How every such file begins; an existing file that does not is left alone.
    """

    def __init__(self, path: str | os.PathLike[str], suffix: str, begins: bytes) -> None:
        self._begins = begins
        self._path = Path(path)
        self._folder = is_folder(path)
        self._suffix = suffix
        self._used: set[Path] = set()

    def prepare(self) -> None:
        """Make the folder.

        Raises:
            OSError: It cannot be made; or the folder for a file is not there; or the file is somebody else's.
        """
        if not self._folder:
            refuse_foreign(self._path, self._begins)
        if self._folder:
            self._path.mkdir(parents=True, exist_ok=True)
        elif not self._path.parent.is_dir():
            raise FileNotFoundError(f"{self._path.parent}: there is no such folder to write {self._path.name} in")

    def name(self, stream_id: str) -> Path:
        """The next stream's file; another one each time.

        Raises:
            FileExistsError: It exists, and is none of ours.
        """
        first = self._path / (safe_name(stream_id) + self._suffix) if self._folder else self._path
        path, number = first, 1
        while path in self._used:
            number += 1
            path = first.with_name(f"{first.stem}-{number}{first.suffix}")
        refuse_foreign(path, self._begins)
        self._used.add(path)
        return path


def safe_name(text: str) -> str:
    """A file name of letters, digits, ``_``, ``-`` and ``.``, not hidden, not empty; of long ones the end is kept."""
    return _UNSAFE.sub("_", text)[-_LONGEST:].lstrip("._-") or "stream"
