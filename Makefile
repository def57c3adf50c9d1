# From a bare Python (3.11 or later, with venv) to a result. Every target makes the environment that it needs in .venv,
# and brings it up to date when pyproject.toml has changed. Another interpreter: make test PYTHON=python3.12

PYTHON ?= python3
PYTEST_ARGS ?=
BIN := .venv/bin

# Small matrices are fastest on one thread, and the test workers share the cores.
export OPENBLAS_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help demo test test-long lint format oldest bench docs notebooks clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

demo: .venv/.demo ## draw J = 3(a + bc) and train a cat classifier; results in out/
	$(BIN)/python -m models.demo

test: .venv/.dev ## the tests, with the documentation's examples
	$(BIN)/python -m pytest -n 2 --dist worksteal $(PYTEST_ARGS)

test-long: .venv/.dev ## the tests that take long: graphs of a million nodes, the notebooks run again
	$(BIN)/python -m pytest -n 2 --dist worksteal -m long $(PYTEST_ARGS)

lint: .venv/.dev ## ruff, ruff format, mypy, and imports that run downward only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/.dev ## let ruff format the code and mend what it can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

oldest: .venv-oldest/.done ## the tests with the oldest dependencies that pyproject.toml allows
	.venv-oldest/bin/python -m pytest -n 2 --dist worksteal $(PYTEST_ARGS)

bench: .venv/.bench ## side by side with the peers (torch takes part where it is installed)
	$(BIN)/python -m benchmarks

docs: .venv/.docs ## the documentation, in site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

notebooks: .venv/.dev ## execute the notebooks and write their outputs
	$(BIN)/python -m notebooks

clean: ## remove everything that these targets made, the environment included
	rm -rf .venv .venv-oldest build dist out site .import_linter_cache .mypy_cache .pytest_cache .ruff_cache .hypothesis

PIP_FLAGS := --quiet --disable-pip-version-check
CHECK_PYTHON = $(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or later \
is needed and $(PYTHON) is " + sys.version.split()[0] + ": name another, as in make test PYTHON=python3.12")'

# One stamp for each set of extras.
.venv/.demo: EXTRAS := png,course
.venv/.dev: EXTRAS := test,dev
.venv/.bench: EXTRAS := peers,course,fast
.venv/.docs: EXTRAS := test,docs

.venv/.%: pyproject.toml
	@$(CHECK_PYTHON)
	test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install $(PIP_FLAGS) --editable ".[$(EXTRAS)]"
	@touch $@

.venv-oldest/.done: pyproject.toml .ci/oldest.txt
	@$(CHECK_PYTHON)
	$(PYTHON) -m venv --clear .venv-oldest
	.venv-oldest/bin/python -m pip install $(PIP_FLAGS) --constraint .ci/oldest.txt --editable ".[test]"
	@touch $@
