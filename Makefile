# `make` lists the targets. Each is one visible command; nothing here needs more than Python 3.11,
# and, for the tests, Debian's chromium and strace (installed here where root can install them).
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=
PYTEST_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help install constraints servers compiled demo up test test-compiled test-fast cluster lint format check fuzz attacks messages replay bench bench-full bench-edge bench-micro clean

help: ## list the targets
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

$(BIN)/.installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Headcount needs Python 3.11 or newer; set PYTHON=...") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

install: $(BIN)/.installed ## make .venv with everything in it

constraints: $(BIN)/.installed ## write down the installed versions as those CI takes (after a green make check on new ones)
	@{ echo "# Versions that a whole CI run was green with, for the Python it ran on: make constraints."; \
	$(BIN)/python -m pip freeze --exclude-editable --disable-pip-version-check | grep -v '^-e' | \
	sed "s/$$/; python_version == '$$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')'/"; } > .ci/constraints.txt

servers: ## install the Debian packages that tests start (needs root), or say which are missing
	@sh tests/servers.sh

compiled: build/compiled/.made ## compile what every report passes through into build/compiled (needs a C compiler)

# By way of the source archive: compiled in its place, every import in the checkout would find it.
COMPILED := wire ingest aggregator
build/compiled/.made: $(BIN)/.installed $(COMPILED:%=%/pyproject.toml) $(shell find $(COMPILED:%=%/src) -name '*.py')
	rm -rf build/compiled build/wheels
	for one in $(COMPILED); do HATCH_BUILD_HOOK_ENABLE_MYPYC=1 $(BIN)/python -m build --no-isolation --outdir build/wheels $$one || exit 1; done
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target build/compiled build/wheels/*.whl
	@touch $@

# In the order of `make test`: what the edge's tests say of logging comes last.
TESTS_OF_COMPILED := $(addprefix tests/aggregator/test_,loader.py numbering.py release_due.py release_instances.py release_kinds.py release_period_numbers.py release_run.py spool_reader.py table_rows.py) tests/contracts tests/ingest tests/privacy/test_nesting.py tests/privacy/test_threshold.py tests/wire

demo: $(BIN)/.installed ## run the whole house with simulated devices (ARGS=--once ends by itself)
	$(BIN)/headcount demo $(ARGS)

up: $(BIN)/.installed ## run the house for real: make up ARGS='--config headcount.toml'
	$(BIN)/headcount up $(ARGS)

cluster: $(BIN)/.installed servers ## a real ClickHouse cluster on loopback, until Ctrl-C: point headcount up at it
	@$(BIN)/python -m tests.homes

test: $(BIN)/.installed servers ## run every test
	$(BIN)/python -m pytest $(PYTEST_ARGS)

test-compiled: compiled ## run the tests of what is compiled against it
	PYTHONPATH=build/compiled $(BIN)/python -m pytest $(TESTS_OF_COMPILED) $(PYTEST_ARGS)

test-fast: $(BIN)/.installed ## run the tests that need no server and kill nothing
	$(BIN)/python -m pytest tests/wire tests/sdk tests/ingest tests/aggregator tests/contracts tests/repo $(PYTEST_ARGS)

lint: $(BIN)/.installed ## ruff, mypy (strict) and pyright
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python

format: $(BIN)/.installed ## let ruff format and sort
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

check: lint test ## what CI runs

fuzz: $(BIN)/.installed ## fuzz the decoders from the frozen vectors: make fuzz ARGS='--seconds 600'
	$(BIN)/python -m tests.fuzz $(ARGS)

messages: $(BIN)/.installed ## find the dashboard's sentences anew and add the new ones to each language's file
	cd aggregator/src/headcount_aggregator/web/dashboard && pot=$$(mktemp) && \
	$(CURDIR)/$(BIN)/pybabel -q extract -F messages/babel.cfg -k say -k plural:1,2 -k mark --no-location --sort-output -o $$pot . && \
	for language in de es fr; do $(CURDIR)/$(BIN)/pybabel -q update -N --no-wrap --ignore-pot-creation-date --ignore-obsolete -i $$pot -l $$language -o messages/$$language.po; done; rm -f $$pot

attacks: $(BIN)/.installed ## attack what is released, and a naive engine beside it, and print what came of it
	$(BIN)/python -m tests.attacks

replay: $(BIN)/.installed ## replay a real activity log through the whole house and compare every number
	$(BIN)/python -m benchmarks.replay $(ARGS)

# Benchmarks are of the compiled edge, and of the other beside it, where there is a C compiler.
bench: $(BIN)/.bench ## measure everything beside others in under ten minutes: benchmarks/report/index.html
	-@$(MAKE) --no-print-directory compiled
	PYTHONPATH=build/compiled $(BIN)/python -m benchmarks.bench $(ARGS)

bench-full: $(BIN)/.bench ## the same at the design's size: about an hour
	-@$(MAKE) --no-print-directory compiled
	PYTHONPATH=build/compiled $(BIN)/python -m benchmarks.bench --full $(ARGS)

$(BIN)/.bench: $(BIN)/.installed benchmarks/peers/install.sh
	@sh benchmarks/peers/install.sh
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev,bench,peers]'
	@touch $@

bench-micro: $(BIN)/.installed ## time a function of each module, as a ratio to a loop; fails on a large regression
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev,bench]'
	@mkdir -p benchmarks/report
	$(BIN)/python -m benchmarks.micro.compare benchmarks/report/micro.json $(ARGS)

bench-edge: $(BIN)/.installed ## measure the edge against its targets, with a table, JSON and plots
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev,bench]'
	-@$(MAKE) --no-print-directory compiled
	PYTHONPATH=build/compiled $(BIN)/python -m benchmarks.edge $(ARGS)

clean: ## remove what the targets made
	rm -rf $(VENV) demo-data .mypy_cache .pytest_cache .ruff_cache .hypothesis build
