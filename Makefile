# Every target works in .venv/, which it makes first. `make help` lists them.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The lock has what the client needs, and what builds it.
INSTALL_CLIENT = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-index \
  --no-deps --no-build-isolation --editable client

.PHONY: help run demo test test-thorough check format bench docs lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Written last: a `.venv` without it is half made and begun anew, unless its pip runs.
$(VENV)/made:
	@$(PYTHON) -c 'import sys; sys.exit("Surehand needs Python 3.11 or newer." if sys.version_info < (3, 11) else 0)'
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { \
	  $(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
	    echo "$(PYTHON) has no venv module: install it (Debian, Ubuntu: apt install python3-venv), then run make again." >&2; \
	    exit 1; }; \
	  rm -rf $(VENV) && $(PYTHON) -m venv $(VENV); }
	@touch $@

$(VENV)/embedded: requirements/embedded.txt client/pyproject.toml | $(VENV)/made
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	$(INSTALL_CLIENT)
	@touch $@

# The lock is complete, less what pyproject.toml overrides: nothing is left to resolve.
$(VENV)/dev: requirements/dev.txt client/pyproject.toml | $(VENV)/made
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	$(INSTALL_CLIENT)
	@touch $@ $(VENV)/embedded

$(VENV)/docs: requirements/docs.txt | $(VENV)/made
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

run: $(VENV)/embedded ## Run everything on this machine, with the demo project
	@exec $(BIN)/python -m services up

demo: $(VENV)/embedded ## Tell the whole story on real posts, in a temporary home
	@exec $(BIN)/python -m services demo

# Bytecode is kept: else each worker, and each process that tests start, compiles all anew.
test test-thorough: export PYTHONDONTWRITEBYTECODE =
# Each worker has a processor: threads of OpenMP and OpenBLAS would wait for one another, spinning.
test test-thorough: export OMP_NUM_THREADS = 1
test test-thorough: export OPENBLAS_NUM_THREADS = 1

test: $(VENV)/dev ## Test every feature, in minutes
	tests/system-packages.sh
	$(BIN)/python -m pytest -n auto -m "not thorough"

test-thorough: $(VENV)/dev ## Test what takes longer: PostgreSQL, faults, kills, memory, hostile clients
	tests/system-packages.sh
	$(BIN)/python -m pytest -n auto -m "thorough and not alone"
	$(BIN)/python -m pytest -m alone

check: $(VENV)/dev ## Lint, types, dependency direction, sizes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python scripts/unasync.py --check
	PYTHONPATH=.:client $(BIN)/lint-imports
	$(BIN)/python scripts/import_graph.py
	$(BIN)/python scripts/size_limits.py

format: $(VENV)/dev ## Format the code
	$(BIN)/python scripts/unasync.py
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: $(VENV)/dev ## Measure: certification against its published figures, serving beside its peers
	$(BIN)/python -m bench

docs: $(VENV)/docs ## Build the documentation as a site, in .cache/site
	PYTHONPATH=.:client $(BIN)/python scripts/docs_api.py
	$(BIN)/zensical build --strict

lock: $(VENV)/dev ## Lock the requirements anew: hashed, without index addresses
	for extra in router review-queue trainer text-embedding parquet console embedded dev docs; do \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
	    --no-emit-index-url --no-emit-find-links --no-header --no-annotate \
	    --extra $$extra pyproject.toml -o requirements/$$extra.txt || exit 1; \
	done

clean: ## Remove what the targets made; the data in .surehand/ stays
	rm -rf $(VENV) .venv-bench build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

-include deploy/targets.mk
