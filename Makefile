# Every command sets up what it needs: Python 3.11 or newer and make are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup demo test torture check format bench docs lock clean

setup: $(VENV)/ready

$(VENV)/ready: constraints.txt constraints-dialects.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "kpisync needs Python 3.11 or newer; set PYTHON=python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "setting up $(VENV) …"
	@$(BIN)/python -m pip --disable-pip-version-check --quiet install --require-hashes -r constraints.txt
	@$(BIN)/python -m pip --disable-pip-version-check --quiet install --require-hashes --no-deps -r constraints-dialects.txt
	@$(BIN)/python -m pip --disable-pip-version-check --quiet install --no-deps --no-build-isolation -e .
	@touch $@

demo: setup  ## real ERP exports into the sandbox: plan, run, and a second run that sends nothing
	@$(BIN)/python config/demo/demo.py

test: setup  ## every test
	$(BIN)/python -m pytest -n auto

torture: setup  ## the whole of what `make test` takes a sample of: some hours
	KPISYNC_TORTURE=whole $(BIN)/python -m pytest -n auto tests/torture

check: setup  ## format, lint, types, imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup  ## every benchmark, one after the other, with its figures: some 20 minutes, on a machine with nothing else to do
	@for file in $$(grep -l __main__ benchmarks/*.py); do \
		name=$$(basename $$file .py); echo "== $$name"; $(BIN)/python -m benchmarks.$$name || exit 1; \
	done

docs: setup  ## write the pages that the code itself documents; a test compares them
	$(BIN)/python docs/generate.py

lock:  ## pin names, versions and hashes; needs uv
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate \
		--group dev pyproject.toml -o constraints.txt
	sed 's/ *\\$$//;/--hash/d' constraints.txt > $(VENV)/pins.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate \
		--extra postgres --extra mysql --extra alerts -c $(VENV)/pins.txt pyproject.toml -o constraints-runtime.txt
	printf '%s\n' ibm-db-sa snowflake-sqlalchemy sqlalchemy-hana | \
		uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate \
		--no-deps - -o constraints-dialects.txt

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
