# One .venv in this checkout, filled from .ci/locks; every target may be repeated safely.
# Needs GNU make, git and Python 3.11 or newer (make PYTHON=python3.12 … to choose).

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
LOCKS  := .ci/locks
UV     := uv==0.13.9
# Not in the locks: a free choice on Linux pulls gigabytes of CUDA (docs/adr/0001-locks.md).
TORCH  := torch==2.13.0

# One thread each: tests already run in parallel, and figures must not depend on the machine.
export OMP_NUM_THREADS ?= 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo example-ledger test check bench lock clean
.DEFAULT_GOAL := help

help: ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

demo: $(VENV)/.demo ## one release of real data, from manifest to verified record
	$(BIN)/python engine/demo.py

example-ledger: $(VENV)/.demo ## rebuild this repository's own ledger, with a new genesis
	$(BIN)/python engine/example_ledger.py

test: $(VENV)/.dev ## every test with coverage, then the floors, style and types
	$(BIN)/pytest -n auto --dist worksteal --cov --cov-report=term $(ARGS)
	@$(MAKE) --no-print-directory lint

check: $(VENV)/.dev ## the fast part of test: floors, style, types, unit tests
	@$(MAKE) --no-print-directory lint
	$(BIN)/pytest -n auto --dist worksteal -m "not slow" tests/unit $(ARGS)

.PHONY: lint
lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy

bench: $(VENV)/.dev ## speed and accuracy beside the stock synthesizers
	$(BIN)/python -m benchmarks.adult $(ARGS)

lock: $(VENV)/.made ## choose the versions in .ci/locks anew (ARGS=--upgrade: newest ones)
	$(BIN)/python -m pip install --quiet $(UV)
	PATH="$(CURDIR)/$(BIN):$$PATH" .ci/lock $(ARGS)

clean: ## remove .venv, caches and build outputs; never data, releases or keys
	rm -rf $(VENV) .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis \
	  .import_linter_cache build dist
	find engine tests releases -name __pycache__ -prune -exec rm -rf {} +

# ── the environment ──────────────────────────────────────────────────────────────────────────
# A stamp says which lock is installed; demo is a part of dev at the same versions.

install = $(BIN)/python -m pip install --quiet --no-deps

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "dpgate needs Python 3.11 or newer: make PYTHON=python3.12 …" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV) && touch $@

$(VENV)/.torch: | $(VENV)/.made
	$(BIN)/python -m pip install --quiet $(TORCH)
	@touch $@

define lock_rule
$(VENV)/.$(1): $(LOCKS)/$(1).txt pyproject.toml | $(VENV)/.made $(2)
	$$(install) -r $$<
	$$(install) --no-build-isolation --editable .
	@touch $$@
endef
$(eval $(call lock_rule,demo))
$(eval $(call lock_rule,dev,$(VENV)/.torch))
