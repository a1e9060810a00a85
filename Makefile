# The two commands that matter: `make demo` and `make test`. Both set up what they need; a second run is quick.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
DIR    ?=
ARGS   ?=
WORKERS ?= 2
# Files of tests side by side, one file never in two places: a file shares an engine or a recorded night between its tests.
PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

.PHONY: help demo test test-jail lint clean

help:
	@echo 'make demo           see a whole night in a scratch repository, in a few minutes'
	@echo 'make demo DIR=path  the same, in a folder that you name'
	@echo 'make test           lint, types and all tests; ARGS="-k report" is handed to pytest; WORKERS=0: one by one'
	@echo 'make clean          remove .venv and caches (never a demo repository)'

demo: $(VENV)/.installed-cpu
	@$(BIN)/pantheon-git demo $(DIR)

test: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pantheon-git model fetch
	$(PYTEST) $(ARGS)

# What depends on who one is; .ci/run calls it as an ordinary user after `make test` as root.
test-jail: $(VENV)/.installed-test
	$(PYTEST) -m jail $(ARGS)

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/mypy

$(VENV)/.installed-cpu: $(VENV)/.made pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[cpu]'
	@touch $@

$(VENV)/.installed-test: $(VENV)/.made pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[cpu,test]'
	@touch $@ $(VENV)/.installed-cpu

$(VENV)/.made:
	@command -v $(PYTHON) >/dev/null || { echo 'error: $(PYTHON) not found; install Python 3.11 or later, or: make PYTHON=/path/to/python3' >&2; exit 1; }
	@command -v git >/dev/null || { echo 'error: git not found; install git 2.38 or later' >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "error: Python 3.11 or later is needed, $(PYTHON) is $$($(PYTHON) -V 2>&1); try: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo 'error: $(PYTHON) lacks the venv module; on Debian and Ubuntu: apt install python3-venv' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
