"""The library's logger. Nothing is printed: an application that wants messages adds a handler."""

from __future__ import annotations

import logging

__all__ = ["logger"]

logger = logging.getLogger("audiostreamer")
logger.addHandler(logging.NullHandler())
