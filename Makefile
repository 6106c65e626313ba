# make demo [SOURCE=file|folder|URL]   set up .venv and run the main job: windows → features CSV and a picture
# make test                            set up what the tests need, then format, lint, types, tests
# make docs                            build the documentation into site/; warnings are errors
# make bench                           measure against other libraries; writes docs/benchmarks.md
# make clean                           remove what these made

PYTHON ?= python3
SOURCE ?=
OUT ?= demo-out
# as given: a $ in a name is a $
override SOURCE := $(value SOURCE)
override OUT := $(value OUT)
export SOURCE OUT
BIN := .venv/bin
INSTALL = $(BIN)/uv pip install --quiet --python $(BIN)/python

.PHONY: demo test docs bench clean

demo: .venv/.demo
	@$(BIN)/audiostreamer demo --out "$$OUT" $(if $(SOURCE),-- "$$SOURCE")

test: .venv/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest

docs: .venv/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet --config-file .ci/mkdocs.yml

bench: .venv/.bench
	$(BIN)/python benchmarks/compare.py

clean:
	rm -rf .venv site demo-out .mypy_cache .ruff_cache .hypothesis

.venv/.made:
	@PYTHON='$(PYTHON)' sh .ci/setup venv
	@touch $@

.venv/.demo: EXTRAS := ffmpeg,plot
.venv/.docs: EXTRAS := docs
.venv/.test: EXTRAS := test,docs
.venv/.test: .venv/.system

.venv/.system: .venv/.made
	@sh .ci/setup system
	@touch $@

.venv/.demo .venv/.docs .venv/.test: .venv/.made pyproject.toml
	$(INSTALL) --editable '.[$(EXTRAS)]'
	@touch $@

.venv/.bench: .venv/.made pyproject.toml
	@sh .ci/setup bench
	@touch $@
