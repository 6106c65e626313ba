"""Every example is run, and prints what its page says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .pages import PAGES, ROOT, blocks, check_output, commands, run_python

SITE = "https://example.com"
_NOT_INSTALLED = 'command -v audiostreamer >/dev/null || audiostreamer() { "$PYTHON" -m audiostreamer "$@"; }'


def _ids(page: Path) -> str:
    return page.name


@pytest.mark.parametrize("page", PAGES, ids=_ids)
def test_python_examples(page: Path, folder: Path, site: str) -> None:
    names: dict[str, Any] = {"__name__": "__main__"}
    printed: str | None = None
    for block in blocks(page):
        if block.language == "python" and not block.skipped and not block.title:
            printed = run_python(block, names, replaced=((SITE, site),))
        elif block.language == "text" and block.follows and printed is not None:
            check_output(block.text, printed, block.where)
        else:
            printed = None


@pytest.mark.parametrize("page", PAGES, ids=_ids)
def test_commands(page: Path, folder: Path) -> None:
    for block in blocks(page):
        if block.language == "console" and not block.skipped:
            for command, shown in commands(block):
                printed = _shell(command, folder)
                if shown:
                    check_output(shown, printed, block.where)


def _shell(command: str, folder: Path) -> str:
    """Run a command line, with this interpreter's ``audiostreamer``; returns what it prints."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "PYTHON": sys.executable, "COLUMNS": "120"}
    done = subprocess.run(
        ["sh", "-c", f"{_NOT_INSTALLED}\n{command}"], cwd=folder, env=environment,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, f"$ {command}\n{done.stdout}{done.stderr}"
    return done.stdout
