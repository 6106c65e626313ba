"""``python -m audiostreamer``: the command line."""

from __future__ import annotations

from .cli.main import app

__all__: list[str] = []

if __name__ == "__main__":
    app(prog_name="audiostreamer")
