"""The layers: what a module may import, at import time and ever; what the package offers."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import audiostreamer

ROOT = Path(audiostreamer.__file__).parent
MIDDLE = [
    "stream", "window", "windowing", "lengths", "channels", "samples", "resampling", "timeline", "options",
    "notes", "pipeline", "errors", "uri", "receiver", "report", "sources.base",
]  # fmt: skip
FORBIDDEN = {
    "asyncio", "av", "concurrent", "ffmpeg", "fsspec", "http", "io", "logging", "multiprocessing", "os", "pathlib",
    "queue", "sched", "select", "selectors", "shutil", "signal", "socket", "sounddevice", "soundfile", "sqlite3",
    "subprocess", "sys", "tempfile", "threading", "time", "urllib.request", "yt_dlp", "_thread",
}  # fmt: skip
LATE = {"av", "yt_dlp", "sounddevice", "soundfile", "soxr", "fsspec", "aiohttp", "typer", "rich", "matplotlib",
        "ffmpeg", "scipy", "pandas", "torch"}  # fmt: skip


@cache
def _modules() -> dict[str, Path]:
    """Dotted name inside the package to file."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def _imports(name: str, *, late: bool) -> Iterator[str]:
    """Absolute names that a module imports; with `late`, also those inside of functions."""
    path = _modules()[name]
    tree = ast.parse(path.read_text("utf-8"))
    nodes = ast.walk(tree) if late else _at_import_time(tree)
    package = (
        ["audiostreamer", *name.split(".")] if path.stem == "__init__" else ["audiostreamer", *name.split(".")[:-1]]
    )
    package = [part for part in package if part]
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = [*package[: len(package) - node.level + 1]] if node.level else []
            target = ".".join([*base, *([node.module] if node.module else [])])
            yield target
            yield from (f"{target}.{alias.name}" for alias in node.names)


def _at_import_time(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            yield node
            yield from _at_import_time(node)


def _own(name: str, *, late: bool = False) -> set[str]:
    """Modules of the package that a module imports, packages on the way to them not counted."""
    found = {
        one.removeprefix("audiostreamer.") for one in _imports(name, late=late) if one.startswith("audiostreamer.")
    }
    exact = {one for one in found if one in _modules()}
    return {one for one in exact if not any(other.startswith(f"{one}.") for other in exact)} - {name}


@pytest.mark.parametrize("name", MIDDLE)
def test_the_middle_does_no_io(name: str) -> None:
    used = {one for one in _imports(name, late=True) if one in FORBIDDEN or one.split(".")[0] in FORBIDDEN}
    assert used == set()


@pytest.mark.parametrize("name", MIDDLE)
def test_the_middle_rests_on_the_middle(name: str) -> None:
    assert _own(name, late=True) - set(MIDDLE) == set()


BLOCKED = """
import builtins, sys, types
import numpy, fractions, datetime, dataclasses, urllib.parse, soxr  # what they may use, with what that needs
package = types.ModuleType("audiostreamer"); package.__path__ = [{root!r}]
sources = types.ModuleType("audiostreamer.sources"); sources.__path__ = [{root!r} + "/sources"]
sys.modules |= {{"audiostreamer": package, "audiostreamer.sources": sources}}
forbidden, real = set({forbidden!r}), builtins.__import__
def guarded(name, globals=None, locals=None, fromlist=(), level=0):
    importer = (globals or {{}}).get("__name__", "")
    if importer.startswith("audiostreamer") and not level and (name in forbidden or name.split(".")[0] in forbidden):
        raise ImportError(f"{{importer}} imports {{name}}")
    return real(name, globals, locals, fromlist, level)
builtins.__import__ = guarded
import importlib
for name in {middle!r}:
    importlib.import_module("audiostreamer." + name)
from audiostreamer.lengths import Length
from audiostreamer.options import Options
from audiostreamer.pipeline import Pipeline
from audiostreamer.sources.base import Block, Format, Lost, Metadata
pipeline = Pipeline(Options(Length(10), sample_rate=16000, dtype="int16"), Format(8000, 2), id="a", uri="a")
events = [Block(numpy.zeros((100, 2), "float32")), Lost(5, "stall"), Metadata({{"a": "b"}}), Format(8000, 1)]
outputs = [output for event in events for output in pipeline.push(event)] + pipeline.end()
print(len(outputs), sorted(m for m in sys.modules if m.startswith("audiostreamer.")))
"""


def _python(code: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT.parent)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, text=True, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_middle_works_without_io() -> None:
    out = _python(BLOCKED.format(root=str(ROOT), forbidden=sorted(FORBIDDEN), middle=MIDDLE))
    loaded = {name.removeprefix("audiostreamer.") for name in json.loads(out.partition(" ")[2].replace("'", '"'))}
    assert loaded == {*MIDDLE, "sources"}


def test_no_cycles() -> None:
    """At import time, the packages' own modules included."""
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, f"cycle: {' -> '.join([*way[way.index(name) :], name])}"
        if name not in done:
            for other in sorted(_own(name)):
                visit(other, (*way, name))
            done.add(name)

    for name in _modules():
        visit(name, ())


@pytest.mark.parametrize("name", [n for n in _modules() if n])
def test_nobody_imports_the_root(name: str) -> None:
    """`from . import errors` is no import of the root: it is one of a module."""
    plain = [one for one in _imports(name, late=True) if one.startswith("audiostreamer.")]
    tops = {one.split(".")[0] for one in _modules()}
    assert [one for one in plain if one.split(".")[1] not in tops] == []
    tree = ast.parse(_modules()[name].read_text("utf-8"))
    named = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    assert [one for one in named if one.split(".")[0] == "audiostreamer"] == []


@pytest.mark.parametrize(
    "name", [n for n, path in _modules().items() if n.startswith("sources.") and n != "sources.base"]
)
def test_sources_do_not_know_who_uses_them(name: str) -> None:
    upper = {"generator", "drive", "streaming", "registry", "pipeline", "receiver", "feeds"}
    assert _own(name, late=True) & upper == set()


def test_importing_the_package_loads_little() -> None:
    out = _python("import sys, numpy; n = set(sys.modules); import audiostreamer; print(*sorted(set(sys.modules) - n))")
    loaded = set(out.split())
    foreign = {one.split(".")[0] for one in loaded} - set(sys.stdlib_module_names) - {"audiostreamer"}
    assert {one.split(".")[0] for one in loaded} & LATE == set()
    assert foreign <= {"numpy"}
    assert len(loaded) < 300


def test_importing_the_package_does_not_load_asyncio() -> None:
    assert "asyncio" not in _python("import sys, audiostreamer; print(*sys.modules)").split()


# -- what is offered


def _is_sorted(names: list[str]) -> bool:
    """By code point, or as isort does: CONSTANTS, Classes, functions."""
    return names == sorted(names) or names == sorted(names, key=lambda n: (not n.isupper(), not n[0].isupper(), n))


def test_exported_members() -> None:
    """Everything public is in `__all__`, which is sorted, and nothing in it is missing."""
    offered = audiostreamer.__all__
    assert _is_sorted(offered)
    assert len(offered) == len(set(offered))
    for name in offered:
        assert hasattr(audiostreamer, name)
    tree = ast.parse((ROOT / "__init__.py").read_text("utf-8"))
    imported = {
        alias.asname or alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert {name for name in imported if not name.startswith("_")} == set(offered)


@pytest.mark.parametrize("name", [n for n, path in _modules().items() if not path.stem.startswith("__")])
def test_modules_say_what_they_offer(name: str) -> None:
    tree = ast.parse(_modules()[name].read_text("utf-8"))
    lists = [node.value for node in tree.body if isinstance(node, ast.Assign)
             and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets)]  # fmt: skip
    assert len(lists) == 1, f"{name} has no __all__"
    offered = ast.literal_eval(lists[0])
    assert _is_sorted(offered)
    assert set(offered) <= set(_defined(tree))
    assert ast.get_docstring(tree), f"{name} has no docstring"


def _defined(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (target.id for target in targets if isinstance(target, ast.Name))
