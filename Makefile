# The kit's commands. Each works in a clean clone with Python 3.11 or newer, make and git:
# the first one to run makes .venv, later ones reuse it. The same steps without make: README.md.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
PY     := $(BIN)/python
STRIP  := $(PY) book/strip_notebooks.py
READY  := $(VENV)/.ready
BOOK   := _build/html/index.html
# Jupyter refuses to run as root unless told; in a container there may be no other user.
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)
# Tests run in as many processes as there are cores, at most four; one that is done takes over half
# of what another has left. Loading nbval loads a grammar of web addresses: a second a process.
TESTS  := $(PY) -m pytest -n auto --maxprocesses 4 --dist worksteal -p no:nbval
FAST   := not browser and not jupyterlab and not notebooks and not processes

# The kernel that runs a notebook is the one of .venv, whatever kernels the machine has registered,
# and what Python imports and how figures are drawn do not depend on the caller's shell. Compiled
# files are kept even if the shell says no: every worker and kernel would compile all of it anew.
export JUPYTER_PREFER_ENV_PATH := 1
unexport JUPYTER_PATH PYTHONPATH PYTHONHOME PYTHONSTARTUP MPLBACKEND PYTHONDONTWRITEBYTECODE

# The networks are small: on two idle cores chapter 7 takes 49 s with two threads and 50 s with one.
# When another process wants a core, two threads wait for each other and take ten times as long.
# Kernels and trainings that are started otherwise take their share: vae_teach/machine/threads.py.
book test nbval outputs: export OMP_NUM_THREADS ?= 1

# What a chapter concludes from its run stops these; in a reader's notebook it only says so.
book test nbval outputs: export VAE_TEACH_STRICT := 1

.DEFAULT_GOAL := help
# What checks the JavaScript. Without npm that is left out and said, but not where CI counts on it.
ifneq ($(shell command -v npm 2>/dev/null),)
NPM   := npm
TOOLS := node_modules/.package-lock.json
else
NPM   := @echo "The JavaScript is left out: that needs npm, which comes with Node (https://nodejs.org)"; $(if $(CI),false,true)
endif

.PHONY: help book test nbval lab check lint lint-javascript format outputs lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

book: $(READY) ## run the notebooks and build the book; prints the file to open
	$(BIN)/jupyter-book build -W -n --keep-going .
	@echo "The book is built. Open this file in a browser: $(CURDIR)/$(BOOK)"

test: book ## run everything: units, plots, JavaScript, browser, every notebook cell
	$(TESTS)

nbval: $(READY) ## only run every notebook cell and compare the stored outputs
	$(PY) -m pytest --nbval-lax --nbval-current-env notebooks

# The whole project is the root, so that a notebook's links to the glossary and the references open.
lab: $(READY) ## open JupyterLab on the notebooks
	$(BIN)/jupyter lab --LabApp.default_url=/lab/tree/notebooks --LabApp.app_settings_dir=book/lab $(AS_ROOT)

check: lint ## fast: lint, format, and the tests that need no browser and no second process
	$(TESTS) -q -m "$(FAST)" --ignore tests/browser

lint: $(READY) lint-javascript ## only lint and format
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(PY) -m mypy

lint-javascript: $(TOOLS)
	$(NPM) run --silent lint

format: $(READY) $(TOOLS) ## put the code into the house format and strip the notebooks
	$(PY) -m ruff check --fix
	$(PY) -m ruff format
	$(NPM) run --silent format
	$(STRIP) notebooks/*.ipynb

outputs: $(READY) ## run the notebooks and store the outputs that nbval compares; read the diff
	$(BIN)/jupyter nbconvert --to notebook --execute --inplace notebooks/*.ipynb
	$(STRIP) notebooks/*.ipynb

lock: ## renew requirements.txt from pyproject.toml and requirements.in (needs uv)
	sed '/^#/!d' requirements.txt > requirements.new
	uv pip compile --quiet --universal --upgrade --python-version 3.11 --no-header \
	  --annotation-style line pyproject.toml requirements.in \
	  | sed -E '/^(nvidia|cuda|triton)[-=]/d; s/^(torch==[0-9.]+)[+][a-z0-9]+/\1/' >> requirements.new
	mv requirements.new requirements.txt

clean: ## remove the built book and every cache, but not .venv or downloaded data
	rm -rf _build node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis build *.egg-info
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

# The environment. .ready holds the folder it was made in: scripts in .venv name that folder, so
# a checkout that was moved or renamed gets a new one.
MADE_IN := $(shell cat $(READY) 2>/dev/null)
MOVED   := $(if $(MADE_IN),$(filter-out $(CURDIR),$(MADE_IN)))
ifneq ($(MOVED),)
.PHONY: $(READY)
endif

node_modules/.package-lock.json: package-lock.json
	npm ci --ignore-scripts --no-audit --no-fund

$(READY): requirements.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not on the path. Install Python 3.11 or newer, or name one: make PYTHON=/path/to/python book"; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if v >= (3, 11) else "This kit needs Python 3.11 or newer, but $(PYTHON) is %d.%d. Name a newer one: make PYTHON=python3.12 book" % v)'
	@echo "Making the environment in $(VENV). The first time this downloads PyTorch and takes minutes."
	$(PYTHON) -m venv $(if $(MOVED),--clear) $(VENV)
	$(PY) -m pip install --disable-pip-version-check -r requirements.txt
	$(PY) -m pip install --disable-pip-version-check --no-deps --no-build-isolation -e .
	@echo "$(CURDIR)" > $@
