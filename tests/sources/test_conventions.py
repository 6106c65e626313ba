"""Every module in `sources` keeps to the same few rules."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from abc import ABCMeta
from pathlib import Path
from types import ModuleType

import pytest

from audiostreamer import registry, sources
from audiostreamer.sources.base import Source

NAMES = [module.name for module in pkgutil.iter_modules(sources.__path__)]
PLUMBING = {"base", "stored", "discover", "fetching", "memory", "web"}  # no scheme leads to these
HEAVY = {"fsspec", "soundfile", "av", "aiohttp", "yarl", "s3fs", "sounddevice", "soxr"}


@pytest.fixture(params=NAMES)
def module(request: pytest.FixtureRequest) -> ModuleType:
    return importlib.import_module(f"{sources.__name__}.{request.param}")


def classes(module: ModuleType) -> list[type[Source]]:
    classes = [value for value in vars(module).values() if type(value) is ABCMeta]
    found = [value for value in classes if issubclass(value, Source)]
    return [value for value in found if value.__module__ == module.__name__]


def short(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]


def test_something_is_found() -> None:
    assert {"file", "http", "memory", "pcm", "pipe", "remote", "signal"} <= set(NAMES)


def test_it_serves_a_scheme_or_is_plumbing(module: ModuleType) -> None:
    serves = [cls for cls in classes(module) if cls.schemes]
    assert bool(serves) != (short(module) in PLUMBING)


def test_each_scheme_is_served_once_and_by_the_registry(module: ModuleType) -> None:
    for cls in classes(module):
        for scheme in cls.schemes:
            assert scheme == scheme.lower()
            assert registry.source_class(scheme) is cls


def test_it_has_a_test_beside_it(module: ModuleType) -> None:
    assert (Path(__file__).parent / f"test_{short(module)}.py").exists()


def test_it_says_what_it_is(module: ModuleType) -> None:
    assert module.__doc__
    for cls in classes(module):
        assert cls.__doc__


def test_what_it_gives_away_is_listed(module: ModuleType) -> None:
    listed = module.__all__
    assert listed == sorted(listed)
    assert {cls.__name__ for cls in classes(module) if not cls.__name__.startswith("_")} <= set(listed)


def test_it_passes_the_contract(module: ModuleType) -> None:
    """Each concrete class is made somewhere in the module's own test, by a subclass of the contract."""
    made = [cls for cls in classes(module) if not inspect.isabstract(cls)]
    text = (Path(__file__).parent / f"test_{short(module)}.py").read_text()
    for cls in made:
        assert "(SourceContract)" in text
        assert f"{cls.__name__}(" in text


def test_it_is_light_to_import(module: ModuleType) -> None:
    """Drivers are imported inside of functions, or for types only."""
    tree = ast.parse(inspect.getsource(module))
    names = set()
    for node in tree.body:
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(str(node.module).partition(".")[0])
    assert not names & HEAVY


def test_nothing_is_printed(module: ModuleType) -> None:
    calls = [node for node in ast.walk(ast.parse(inspect.getsource(module))) if isinstance(node, ast.Call)]
    assert not [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]
