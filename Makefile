SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
# without byte code every import is three times slower
unexport PYTHONDONTWRITEBYTECODE
# small solves on few cores run ten times slower with threads of their own
export OPENBLAS_NUM_THREADS := 1
export OMP_NUM_THREADS := 1

PYTHON ?=
WORKERS ?= 2
PYTEST_ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
SUITABLE := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))

.PHONY: help demo test lint lab bench cover clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-6s %s\n", $$1, $$2}' Makefile

demo: $(VENV)/.installed-zh ## run all four stages on the demo shop, in Chinese and English
	@$(BIN)/ecomops demo

test: $(VENV)/.installed-test,zh,spark ## run linters, types, layers and every test
	@echo "ruff";          $(BIN)/ruff check --quiet && $(BIN)/ruff format --quiet --check
	@echo "import-linter"; said="$$($(BIN)/lint-imports --no-logo --no-cache)" || { echo "$$said"; exit 1; }
	@echo "mypy, beside the tests"; \
	  $(BIN)/mypy --no-error-summary > $(VENV)/mypy.log 2>&1 & typed=$$!; tested=0; \
	  $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup $(PYTEST_ARGS) || tested=$$?; \
	  wait $$typed || { echo "mypy"; cat $(VENV)/mypy.log; exit 1; }; exit $$tested

lint: $(VENV)/.installed-test,zh,spark ## linters, types and layers only
	@$(BIN)/ruff check && $(BIN)/ruff format --check && $(BIN)/mypy && $(BIN)/lint-imports --no-logo --no-cache

cover: $(VENV)/.installed-test,zh,spark ## branch coverage of the whole suite
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup --cov --cov-report=term $(PYTEST_ARGS)
	@$(BIN)/coverage report --fail-under=100 --include="ecomops/maths/*,ecomops/metrics/*,ecomops/result/*"

lab: $(VENV)/.installed-zh ## open JupyterLab with the notebooks
	@$(BIN)/ecomops lab

bench: $(VENV)/.installed-test,zh,spark ## run every benchmark and print the ratios
	@$(BIN)/python -m benchmarks

clean: ## remove the environment, caches and reports
	@rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build dist reports
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# one stamp per set of extras: nothing is installed twice until pyproject.toml changes
$(VENV)/.installed-%: pyproject.toml | $(BIN)/python
	@echo "Installing ecomops[$*] and what it needs into $(VENV) (a few minutes the first time) ..."
	@$(BIN)/python -m pip install --no-input --no-compile --progress-bar off -e ".[$*]" 2>&1 \
	  | tee $(VENV)/install.log | awk -v tty="$$([ -t 1 ] && echo 1 || true)" \
	    'tty && /^ *(Collecting|Installing|Building)/ {printf "\r\033[K  %.70s", $$0; fflush()} END {if (tty) printf "\r\033[K"}' \
	  || { tail -n 20 $(VENV)/install.log; echo "Installing failed; the whole log is $(VENV)/install.log"; exit 1; }
	@touch "$@"

$(BIN)/python:
	@for candidate in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	  if "$$candidate" -c '$(SUITABLE)' 2>/dev/null; then \
	    "$$candidate" -m venv $(VENV) && exit 0; \
	    rm -rf $(VENV); \
	    echo "$$candidate cannot make a virtual environment: install its venv module (Debian: apt-get install python3-venv)."; \
	    exit 1; \
	  fi; \
	done; \
	echo "ecomops needs Python 3.11, 3.12 or 3.13; python3 here is: $$(python3 --version 2>&1 || true)"; \
	echo "Install one of them, or name it: make demo PYTHON=/path/to/python3.12"; \
	exit 1
