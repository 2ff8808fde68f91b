# Two commands: `make lab` and `make test`. Both build .venv on first use, and start at once after that.
# In a conda environment, or on Windows, `course lab` and `course test` do the same work.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
COURSE := $(BIN)/python -m course_lib.cli
INPUTS := pyproject.toml constraints.txt course_lib/__init__.py

# The first of these that is Python 3.11 or later; `make lab PYTHON=/path/to/python3` overrules.
PYTHON ?=
CANDIDATES := python3 python3.13 python3.12 python3.11 python3.14 python

.PHONY: help lab test test-browser doctor bench site format clean
.DEFAULT_GOAL := help

help:
	@echo "make lab           open the course in JupyterLab"
	@echo "make test          run everything that needs no browser (about 12 minutes)"
	@echo "make test-browser  run the tests that need Chromium"
	@echo "make doctor        look for what is missing on this machine, and how to mend it"
	@echo "make bench         measure speed beside peers, and write docs/performance.md (ten minutes on a quiet machine)"
	@echo "make site          make web pages of the course, in build/site"
	@echo "make format        put code and notebooks into the house's style"
	@echo "make clean         delete .venv"

# ARGS reaches the command: make lab ARGS="--port 9000", make test ARGS="tests/core -k gae"
lab: $(VENV)/.ready
	@$(COURSE) lab $(ARGS)

test: $(VENV)/.ready-dev
	@$(COURSE) test $(ARGS)

test-browser: $(VENV)/.ready-dev
	@$(COURSE) test --browser $(ARGS)

doctor: $(VENV)/.ready
	@$(COURSE) doctor

bench: $(VENV)/.ready-bench
	@$(COURSE) bench $(ARGS)

site: $(VENV)/.ready-site
	@$(COURSE) site $(ARGS)

format: $(VENV)/.ready-dev
	@$(BIN)/ruff check --fix-only --quiet . && $(BIN)/ruff format .

clean:
	rm -rf $(VENV)

# --- the virtual environment --------------------------------------------------------------------------------
# A stamp a flavour, younger than what it was made from: no pip call while nothing has changed.

$(VENV)/.ready: $(INPUTS) | $(BIN)/python
	@echo "Installing the course into $(VENV) (some minutes, once) ..."
	@$(PIP) install --quiet -e . -c constraints.txt
	@touch $@

$(VENV)/.ready-dev: $(INPUTS) | $(BIN)/python
	@echo "Installing the course and its test tools into $(VENV) (some minutes, once) ..."
	@$(PIP) install --quiet -e '.[dev]' -c constraints.txt
	@touch $(VENV)/.ready $@

$(VENV)/.ready-bench: $(INPUTS) | $(BIN)/python
	@echo "Installing the course and its peers into $(VENV) ..."
	@$(PIP) install --quiet -e '.[bench]' -c constraints.txt
	@touch $(VENV)/.ready $@

$(VENV)/.ready-site: $(INPUTS) | $(BIN)/python
	@echo "Installing the course and what makes pages into $(VENV) ..."
	@$(PIP) install --quiet -e '.[site]' -c constraints.txt
	@touch $(VENV)/.ready $@

$(BIN)/python:
	@found=""; \
	for python in $(if $(PYTHON),$(PYTHON),$(CANDIDATES)); do \
	  if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    found="$$python"; break; \
	  fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "error: Python 3.11 or later is needed, and none of these is: $(if $(PYTHON),$(PYTHON),$(CANDIDATES))." >&2; \
	  echo "       Install one from https://www.python.org/downloads/, then run: make lab PYTHON=/path/to/python3" >&2; \
	  exit 1; \
	fi; \
	if ! "$$found" -c 'import venv, ensurepip' 2>/dev/null; then \
	  echo "error: $$found has no venv module. On Debian or Ubuntu run: sudo apt-get install python3-venv" >&2; \
	  exit 1; \
	fi; \
	rm -rf $(VENV); \
	echo "Creating $(VENV) with $$("$$found" -V) ..."; \
	"$$found" -m venv $(VENV)
