"""Hypothesis for the core: small examples, many of them, the same ones in CI."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("core", max_examples=60, deadline=None, database=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("core")
