"""What pages list is what there is."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

import audiostreamer
from audiostreamer import errors, receivers
from audiostreamer.decoders.engines import ENGINES
from audiostreamer.receiver import Receiver
from audiostreamer.registry import schemes
from audiostreamer.stream import Ledger

from .pages import PAGES, ROOT, blocks

DOCS = ROOT / "docs"
_TARGET = re.compile(r"^([a-z]+):", re.MULTILINE)
_EXTRAS = re.compile(r"^(\w+) = \[", re.MULTILINE)
# What a container or codec of `ENGINES` is called for people.
_CALLED = {
    "tag-0x0040": "G.721",
    "tag-0x0038": "NMS ADPCM",
    "vorbis-one-page": "fits one page",
    "nist": "NIST Sphere",
    "svx": "8SVX",
    "pcm": "plain samples",
    "ordinary": "confirms its header",
}


def text(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def test_the_reference_has_every_public_name() -> None:
    shown = set(re.findall(r"^::: audiostreamer\.(\w+)", text("reference.md"), re.MULTILINE))
    assert shown - {"testing"} == set(audiostreamer.__all__)


def test_every_ready_made_receiver_is_shown() -> None:
    for name in receivers.__all__:
        assert f"::: audiostreamer.receivers.{name}\n" in text("reference.md")
        assert f"`{name}(" in text("receivers.md")


def test_every_hook_is_explained() -> None:
    for name in vars(Receiver):
        if name.startswith("on_"):
            assert f"| `{name}(" in text("receivers.md")


def test_every_error_is_in_the_tree_and_in_the_table() -> None:
    page = text("errors.md")
    names = {name for name in errors.__all__ if name.endswith("Error")}
    for name in names:
        assert re.search(rf"[─\n] ?{name}\b", page)
    for name in names - {"AudioStreamerError", "SourceError"}:
        assert f"| `{name}` |" in page


def test_every_ledger_field_is_explained() -> None:
    page = text("windows.md")
    assert [name for name in Ledger.__dataclass_fields__ if f"`{name}`" not in page] == []


def test_every_scheme_is_named() -> None:
    page = text("sources.md")
    aliases = {"gcs", "abfss", "s3a", "ssh"}
    assert [name for name in schemes() if name not in aliases and f"{name}:" not in page] == []


def test_every_engine_rule_is_in_the_table() -> None:
    page = text("sources.md").lower()
    for kind in ENGINES:
        for word in kind.split("/"):
            assert _CALLED.get(word, word).lower() in page, kind


def test_every_link_leads_somewhere() -> None:
    broken = []
    for page in [*PAGES, ROOT / "CHANGELOG.md"]:
        for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            name, _, anchor = link.partition("#")
            target = page.parent / name if name else page
            if not link.startswith("https://") and not (target.exists() and (not anchor or anchor in _anchors(target))):
                broken.append(f"{page.name}: {link}")
    assert broken == []


def _anchors(page: Path) -> list[str]:
    """As MkDocs and GitHub make them of headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings]


def test_make_targets_that_are_shown_exist() -> None:
    targets = set(_TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8")))
    shown = {name for page in PAGES for name in re.findall(r"(?:\$ |`)make (\w+)", page.read_text(encoding="utf-8"))}
    assert {"demo", "test", "docs", "bench"} <= shown <= targets


def test_extras_that_are_shown_exist() -> None:
    extras = set(_EXTRAS.findall((ROOT / "pyproject.toml").read_text(encoding="utf-8")))
    pages = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    shown = {name for names in re.findall(r"(?:'\.|audiostreamer)\[([\w,]+)\]", pages) for name in names.split(",")}
    assert {"ffmpeg"} <= shown <= extras


def test_the_readme_opens_with_the_two_commands() -> None:
    first = next(block for block in blocks(ROOT / "README.md") if block.language == "console")
    assert [line.split("  ")[0] for line in first.text.splitlines()] == [
        "$ make demo", "$ make demo SOURCE=path/or/url", "$ make test"
    ]  # fmt: skip
    assert first.line < 15


def test_the_picture_needs_nothing_from_elsewhere() -> None:
    picture = (DOCS / "windows.svg").read_text(encoding="utf-8")
    ElementTree.fromstring(picture)  # it is well-formed
    assert "href" not in picture
    assert "url(#" in picture
    assert re.findall(r"https?://\S+?(?=\")", picture) == ["http://www.w3.org/2000/svg"]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="no tomllib")
def test_the_shown_package_is_valid_toml() -> None:
    import tomllib

    (shown,) = [block for block in blocks(DOCS / "extending.md") if block.language == "toml"]
    assert tomllib.loads(shown.text)["project"]["entry-points"]["audiostreamer.sources"]
