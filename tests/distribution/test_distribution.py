"""The package as others get it: the wheel, and public usage under a type checker's eyes."""

import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

import audiostreamer

from . import public_usage

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    build = "import hatchling.build, sys; print(hatchling.build.build_wheel(sys.argv[1]))"
    made = subprocess.run(
        [sys.executable, "-c", build, str(folder)], cwd=ROOT, check=True, capture_output=True, text=True, timeout=60
    )
    return zipfile.ZipFile(folder / made.stdout.split()[-1])


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    names = wheel.namelist()
    assert "audiostreamer/py.typed" in names
    folders = {name.split("/")[0] for name in names}
    assert folders == {"audiostreamer", f"audiostreamer-{audiostreamer.__version__}.dist-info"}
    on_disk = {str(path.relative_to(ROOT)) for path in (ROOT / "audiostreamer").rglob("*.py")}
    assert on_disk <= set(names)


def test_the_wheel_has_the_console_script(wheel):
    entry_points = next(name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert "audiostreamer = audiostreamer.cli.main:app" in wheel.read(entry_points).decode()


def test_versions_agree():
    assert metadata.version("audiostreamer") == audiostreamer.__version__
    assert f"## [{audiostreamer.__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def test_public_usage_runs():
    assert list(public_usage.loop()) == [k / 10 for k in range(10)]
    assert public_usage.run().results == {"tone": (19, None), "ramp": (2, None), "array": (9, None)}
