"""Fenced blocks of a Markdown page, and what running them means.

Rules for whoever writes a page:

- a ``python`` block is run; the blocks of one page share their names, as in a notebook;
- a ``text`` block right after it is what it prints (``...`` stands for anything);
- a ``console`` block's ``$ audiostreamer …`` commands are run, and the lines below each are what it prints;
- a block with a ``title="name"`` is a file of that name, and not run by itself;
- ``<!-- no-run: reason -->`` in front of a block keeps it from being run.
"""

from __future__ import annotations

import doctest
import io
import re
import textwrap
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted(path for path in (ROOT / "docs").glob("*.md") if path.name != "benchmarks.md")]

_FENCE = re.compile(r"(?P<indent> *)(?P<fence>`{3,})(?P<language>\w*)(?P<rest>.*)")
_TITLE = re.compile(r'title="([^"]+)"')
_NO_RUN = re.compile(r"<!-- no-run: \S.* -->")
_CHECKER = doctest.OutputChecker()


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Attributes:
        page: Where it stands.
        line: Number of its first line of text, from 1.
        language: As it says; "" for none.
        text: Without indentation.
        title: The file that it stands for; "" for none.
        skipped: Whether it is not to be run.
        follows: Whether nothing but blank lines is between it and the block before.
    """

    page: Path
    line: int
    language: str
    text: str
    title: str = ""
    skipped: bool = False
    follows: bool = False

    @property
    def where(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """All blocks of a page, in order."""
    found: list[Block] = []
    lines = page.read_text(encoding="utf-8").splitlines()
    at, before = 0, "text"  # what the last line that was not blank was
    while at < len(lines):
        opening = _FENCE.fullmatch(lines[at])
        if not opening:
            before = lines[at].strip() or before
            at += 1
            continue
        end = next(i for i in range(at + 1, len(lines)) if lines[i].strip() == opening["fence"])
        title = _TITLE.search(opening["rest"])
        text = textwrap.dedent("\n".join(lines[at + 1 : end])) + "\n"
        found.append(
            Block(page, at + 2, opening["language"], text, title[1] if title else "", bool(_NO_RUN.fullmatch(before)),
                  before == "block")
        )  # fmt: skip
        at, before = end + 1, "block"
    return found


def run_python(block: Block, names: dict[str, Any], *, replaced: tuple[tuple[str, str], ...] = ()) -> str:
    """Run a block; returns what it prints.

    Args:
        block: Tracebacks name its page and line.
        names: The page's names so far.
        replaced: What stands in the page, and what is run and printed in its place.
    """
    text = block.text
    for shown, real in replaced:
        text = text.replace(shown, real)
    code = compile("\n" * (block.line - 1) + text, str(block.page), "exec")
    with redirect_stdout(io.StringIO()) as printed:
        exec(code, names)
    output = printed.getvalue()
    for shown, real in replaced:
        output = output.replace(real, shown)
    return output


def check_output(wanted: str, printed: str, where: str) -> None:
    """Compare what was printed with what the page shows, but for blanks at the ends of lines."""
    wanted, printed = ("".join(line.rstrip() + "\n" for line in text.splitlines()) for text in (wanted, printed))
    assert _CHECKER.check_output(wanted, printed, doctest.ELLIPSIS), f"{where} prints\n{printed}\nnot\n{wanted}"


def commands(block: Block) -> list[tuple[str, str]]:
    """The commands of a console block that call ``audiostreamer``, each with the output that is shown ("": none)."""
    found: list[tuple[str, str]] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], ""))
        elif found and line.strip():
            found[-1] = (found[-1][0], found[-1][1] + line + "\n")
    return [(command, shown) for command, shown in found if re.search(r"(^|\| *)audiostreamer ", command)]
