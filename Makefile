# Everything a person needs: `make run`, `make test`. The rest is for those who work on firsthour.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# the tests start the service a hundred times, which compiles it once
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test lint types docs proofs benchmarks clean

run: $(VENV)/.run
	$(BIN)/firsthour demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not slow" $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

docs: $(VENV)/.dev
	$(BIN)/python -m pytest -q tests/docs tests/test_settings.py $(ARGS)

proofs: $(VENV)/.dev
	$(BIN)/python -m pytest -m slow $(ARGS)
	CONTRACT_ITEMS=1000 CONTRACT_DEATHS=100 $(BIN)/python -m pytest -n 2 -k whatever_happened $(ARGS)

benchmarks: $(VENV)/.dev
	$(BIN)/python -m benchmarks $(ARGS)

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "firsthour needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install -q --disable-pip-version-check -e .
	touch $@

$(VENV)/.dev: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[dev]'
	touch $@ $(VENV)/.run

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
