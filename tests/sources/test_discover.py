from __future__ import annotations

import logging
from collections.abc import Iterable

import pytest

from audiostreamer.errors import SourceNotFoundError, SourceTimeoutError
from audiostreamer.sources.discover import Entry, audio_files, has_magic, split_pattern, walk

TREE = {
    "": [".hid", "a.wav", "b", "c.txt", "d", "link"],
    ".hid": ["x.wav"],
    "b": ["1.flac", "2.wav", "d"],
    "b/d": ["3.wav"],
    "d": ["4.wav", "d"],
    "d/d": ["5.wav", "d"],
    "d/d/d": ["6.wav"],
    "link": ["7.wav"],
}


class Tree:
    """Listings of `TREE`, unsorted; notes what was listed."""

    def __init__(self) -> None:
        self.listed: list[str] = []

    def __call__(self, directory: str) -> Iterable[Entry]:
        self.listed.append(directory)
        prefix = directory + "/" if directory else ""
        return [Entry(name, prefix + name in TREE, name == "link") for name in reversed(TREE[directory])]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*", ["a.wav", "c.txt"]),
        ("*.wav", ["a.wav"]),
        ("[ab].wav", ["a.wav"]),
        ("?.wav", ["a.wav"]),
        ("*/*.wav", ["b/2.wav", "d/4.wav", "link/7.wav"]),
        ("**", ["a.wav", "b/1.flac", "b/2.wav", "b/d/3.wav", "c.txt", "d/4.wav", "d/d/5.wav", "d/d/d/6.wav"]),
        ("**/*.wav", ["a.wav", "b/2.wav", "b/d/3.wav", "d/4.wav", "d/d/5.wav", "d/d/d/6.wav"]),
        ("**/d/*.wav", ["b/d/3.wav", "d/4.wav", "d/d/5.wav", "d/d/d/6.wav"]),
        ("**/d/**/d/**", ["d/d/5.wav", "d/d/d/6.wav"]),
        ("d/*/*", ["d/d/5.wav"]),
        (".*/*", [".hid/x.wav"]),
        ("nothing*", []),
    ],
)
def test_patterns(pattern: str, expected: list[str]) -> None:
    assert list(walk("", pattern.split("/"), Tree())) == expected


def test_only_what_can_lead_to_a_match_is_listed() -> None:
    tree = Tree()
    list(walk("", ["d", "*", "5.wav"], tree))
    assert tree.listed == ["", "d", "d/d"]


def test_listings_are_made_when_their_turn_comes() -> None:
    tree = Tree()
    walker = walk("", ["**"], tree)
    assert tree.listed == []
    assert next(walker) == "a.wav"
    assert tree.listed == [""]
    assert next(walker) == "b/1.flac"
    assert tree.listed == ["", "b"]


def test_a_deep_tree_is_no_recursion() -> None:
    def listing(directory: str) -> list[Entry]:
        return [Entry("d", True)] if len(directory) < 10_000 else [Entry("end.wav")]

    assert len(list(walk("", ["**"], listing))) == 1


def test_a_directory_that_cannot_be_listed_comes_itself() -> None:
    def listing(directory: str) -> list[Entry]:
        if directory == "b":
            raise PermissionError
        return [Entry("b", True), Entry("c.wav")]

    assert list(walk("", ["**"], listing)) == ["b", "c.wav"]


def test_an_error_of_a_store_is_raised() -> None:
    def listing(directory: str) -> list[Entry]:
        raise SourceTimeoutError("no answer")

    with pytest.raises(SourceTimeoutError):
        list(walk("", ["**"], listing))


@pytest.mark.parametrize(
    ("text", "root", "pattern"),
    [
        ("*.wav", "", ["*.wav"]),
        ("a/b/*.wav", "a/b", ["*.wav"]),
        ("/a/**/x", "/a", ["**", "x"]),
        ("/*.wav", "/", ["*.wav"]),
        ("a/b/", "a/b", ["**"]),
        ("a*/", "", ["a*", "**"]),
        ("s3://bucket/a/*", "s3://bucket/a", ["*"]),
        ("s3://bucket/", "s3://bucket", ["**"]),
    ],
)
def test_split(text: str, root: str, pattern: list[str]) -> None:
    assert split_pattern(text) == (root, pattern)


def test_magic() -> None:
    assert [has_magic(text) for text in ("a*", "a?", "[a]", "a", "a]b")] == [True, True, True, False, False]


def test_files_that_are_no_audio_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    names = ["a.wav", "b.TXT", "c.json", "README", "readme.wav", "noise", "d.xyz", "e.mid"]
    caplog.set_level(logging.INFO, "audiostreamer")
    found = list(audio_files("x", ["**"], lambda _: [Entry(name) for name in names], "x/"))
    assert found == ["x/a.wav", "x/d.xyz", "x/noise", "x/readme.wav"]
    assert [record.getMessage() for record in caplog.records] == [
        "x/: skipped 4 files that are no audio by their names"
    ]


def test_a_suffix_that_is_asked_for_is_given() -> None:
    assert list(audio_files("", ["*.dat"], lambda _: [Entry("a.dat")], "*.dat")) == ["a.dat"]
    assert list(audio_files("", ["*.txt"], lambda _: [Entry("a.txt")], "*.txt")) == ["a.txt"]


@pytest.mark.parametrize("names", [[], ["a.txt"]])
def test_nothing_is_an_error(names: list[str]) -> None:
    with pytest.raises(SourceNotFoundError, match="x/: no audio file"):
        list(audio_files("x", ["**"], lambda _: [Entry(name) for name in names], "x/"))


def test_one_file_is_counted_as_one() -> None:
    with pytest.raises(SourceNotFoundError) as caught:
        list(audio_files("x", ["**"], lambda _: [Entry("a.txt")], "x/"))
    assert str(caught.value) == "x/: no audio file matches (skipped 1 file that is no audio by its name)"
