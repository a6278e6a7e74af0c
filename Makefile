# `make demo` shows the whole product working; `make test` passes its tests. Both set up what
# they need by themselves and may be repeated: a second start takes seconds.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest
# Three processes share the suite on two cores: containers and browsers wait more than they compute.
TEST_PROCESSES ?= 3

.DEFAULT_GOAL := help
.PHONY: help demo setup setup-browser test lint bench tasks soak clean

help:
	@echo "make demo   set up everything and show the product working on this machine"
	@echo "make setup  the set-up alone; the command is then $(BIN)/threadsmith"
	@echo "make test   set up and run the tests"
	@echo "make lint   ruff, ruff format and mypy"
	@echo "make bench  measure, as ratios in one run"
	@echo "make tasks  working tasks on real packages; MODEL=provider:name, else recorded replies"
	@echo "make soak   the long runs: many tasks, kills, restarts; each scenario over HTTP, too"

demo: setup
	@$(BIN)/threadsmith demo

setup: $(VENV)/ready
	@$(BIN)/threadsmith setup

setup-browser:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "==> Installing Chromium for the browser tests"; \
	    apt-get update -qq && \
	    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	  else echo "==> Chromium is missing: the browser tests will be skipped"; fi

test: setup setup-browser $(VENV)/ready-dev
	@$(PYTEST) -n $(TEST_PROCESSES) --dist loadgroup -m "not bench and not soak" $(ARGS)

lint: $(VENV)/ready-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: setup $(VENV)/ready-dev
	@$(PYTEST) -p no:randomly -s -m bench tests/bench $(ARGS)

tasks: setup $(VENV)/ready-dev
	@$(BIN)/python -m tests.tasks $(if $(MODEL),--model $(MODEL)) $(ARGS)

soak: setup $(VENV)/ready-dev
	@$(PYTEST) -s -m soak --timeout 3600 tests $(ARGS)

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis

# Debian's python3 comes without venv.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed (PYTHON=… names another one)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "==> Installing python3-venv"; \
	    apt-get update -qq && \
	    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv >/dev/null; \
	  else echo "Python's venv module is missing: install python3-venv"; exit 1; fi
	@echo "==> Making the virtual environment $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/ready: pyproject.toml | $(BIN)/python
	@echo "==> Installing the Python packages"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/ready-dev: pyproject.toml $(VENV)/ready
	@echo "==> Installing the packages for development"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@
