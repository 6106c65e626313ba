"""``python -m audiostreamer.cli`` is ``audiostreamer``."""

from .main import app

app(prog_name="audiostreamer")
