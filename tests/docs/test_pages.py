"""The runner itself: an example that is wrong fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from .pages import Block, blocks, check_output, commands, run_python

PAGE = """
```python
x = 1
```

- in a list:

    ```python
    print(x)
    ```

    ```text
    1
    ```

Something else.

```text
not output
```

<!-- no-run: it would take a year -->

```python
raise SystemExit
```

```python title="file.py"
y = 2
```

````markdown
```python
```
````
"""


@pytest.fixture
def page(tmp_path: Path) -> list[Block]:
    (tmp_path / "page.md").write_text(PAGE)
    return blocks(tmp_path / "page.md")


def test_what_is_a_block(page: list[Block]) -> None:
    assert [block.language for block in page] == ["python", "python", "text", "text", "python", "python", "markdown"]
    assert [block.line for block in page][:2] == [3, 9]
    assert page[1].text == "print(x)\n"


def test_what_is_output(page: list[Block]) -> None:
    assert [block.follows for block in page[:4]] == [False, False, True, False]


def test_what_is_not_run(page: list[Block]) -> None:
    assert [block.skipped for block in page] == [False, False, False, False, True, False, False]
    assert page[5].title == "file.py"


def test_blocks_share_names_and_what_they_print_is_caught(page: list[Block]) -> None:
    names: dict[str, object] = {}
    assert run_python(page[0], names) == ""
    assert run_python(page[1], names) == "1\n"


def test_a_failure_names_page_and_line(page: list[Block]) -> None:
    with pytest.raises(NameError) as caught:
        run_python(page[1], {})
    assert (Path(caught.traceback[-1].path).name, caught.traceback[-1].lineno + 1) == ("page.md", 9)


def test_what_stands_for_a_real_address_is_put_back(tmp_path: Path) -> None:
    block = Block(tmp_path, 1, "python", "print(len('https://example.com/a'), 'https://example.com/a')\n")
    assert run_python(block, {}, replaced=(("https://example.com", "http://h"),)) == "10 https://example.com/a\n"


def test_wrong_output_fails() -> None:
    check_output("1 ... 3\n", "1 2 3  \n", "here")
    with pytest.raises(AssertionError, match="page:7 prints"):
        check_output("1\n", "2\n", "page:7")
    with pytest.raises(AssertionError):
        check_output("1\n", "1\n2\n", "here")


def test_commands_and_what_they_print(tmp_path: Path) -> None:
    shell = "$ make demo\nanything\n$ audiostreamer probe a.wav\na.wav\n  rate\n$ cat b | audiostreamer probe -\n"
    block = Block(tmp_path, 1, "console", shell)
    assert commands(block) == [("audiostreamer probe a.wav", "a.wav\n  rate\n"), ("cat b | audiostreamer probe -", "")]
