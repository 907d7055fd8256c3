# Two commands matter: `make demo` runs the main job, `make test` passes the tests. Both do all their own set-up.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP_FLAGS ?= --quiet --disable-pip-version-check
PYTEST_FLAGS ?=
# Files are shared out over the cores; what a file starts (a database, a shop) is started once for it.
SHARE ?= -n auto --dist loadfile

.PHONY: demo test lint types imports check soak bench docs clean help

help: ## what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | sort | expand -t 12

$(VENV)/.base: pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing Orchestra into $(VENV) ..."
	@$(BIN)/python -m pip install $(PIP_FLAGS) -c constraints.txt -e .
	@touch $@

$(VENV)/.test: $(VENV)/.base
	@echo "Installing the test tools ..."
	@$(BIN)/python -m pip install $(PIP_FLAGS) -c constraints.txt -e '.[test,lab]'
	@touch $@

$(VENV)/.bench: $(VENV)/.test
	@$(BIN)/python -m pip install $(PIP_FLAGS) -c constraints.txt -e '.[bench]'
	@touch $@

demo: $(VENV)/.base ## run the main job on embedded parts and write the report
	@$(BIN)/orchestra demo --out orchestra-report $(DEMO_FLAGS)

test: $(VENV)/.test ## pass the tests
	@$(BIN)/python -m pytest $(SHARE) $(PYTEST_FLAGS)

lint: $(VENV)/.test ## formatting and lint rules
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types: $(VENV)/.test ## strict types
	@$(BIN)/mypy

imports: $(VENV)/.test ## the layers of ARCHITECTURE.md
	@$(BIN)/lint-imports

check: lint imports types test ## everything a reviewer would run

soak: $(VENV)/.test ## the long fault tests
	@$(BIN)/python -m pytest -m soak --timeout 7200 $(PYTEST_FLAGS)

bench: $(VENV)/.bench ## ratios against peers, one JSON line each
	@for script in bench/[a-z]*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

clean: ## remove what was made here
	rm -rf $(VENV) .orchestra orchestra-report build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
