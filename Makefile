# Two commands matter: `make run` and `make test`. Both make what they need in .venv first.
PYTHON ?= python3
# The tests wait for other processes most of the time.
TEST_PROCESSES ?= 4
# At least so many of each.
FUZZ_REQUESTS ?= 20000
FUZZ_INPUTS ?= 100000
# Where `make mcp` listens, on loopback.
MCP_PORT ?= 5601
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help run mcp doctor key backup restore compact test lint types pytest docker-test fuzz chaos hosts bench bench-big format pins clean

help: ## list what can be made
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/run.done ## start everything; Ctrl-C stops it
	@$(BIN)/python app.py

mcp: $(VENV)/mcp.done ## serve the tools for assistants (MCP) on loopback, port 5601; see docs/mcp.md
	@$(BIN)/python -m client.mcp --http 127.0.0.1:$(MCP_PORT)

doctor: $(VENV)/run.done ## look over settings, Redis, storage, provider and parts, and tell how to mend them
	@$(BIN)/python -m worker.doctor

key: $(VENV)/run.done ## make a client key: make key NAME=alice, or make key alice
	@$(BIN)/python -m shared.make_key '$(NAME)'

# `make key alice`: the second word is a name and nothing to be made
ifeq (key,$(firstword $(MAKECMDGOALS)))
NAME ?= $(word 2,$(MAKECMDGOALS))
ifneq (,$(word 2,$(MAKECMDGOALS)))
$(eval $(word 2,$(MAKECMDGOALS)):;@:)
endif
endif

backup: $(VENV)/run.done ## copy the store and the pictures of a running service: make backup TO=backups/monday
	@$(BIN)/python -m shared.backup save '$(TO)'

restore: $(VENV)/run.done ## put a backup back where no store is, paused: make restore FROM=backups/monday
	@$(BIN)/python -m shared.backup restore '$(FROM)'

compact: $(VENV)/run.done ## write Redis's file anew, without what was removed
	@$(BIN)/python -m shared.backup compact

# mypy beside the tests, which wait for much; what it says comes last.
test: lint ## check format, lint and types, and run every test
	@$(BIN)/mypy >$(VENV)/types.log 2>&1 & types=$$!; \
	$(MAKE) --no-print-directory pytest; tests=$$?; \
	wait $$types; types=$$?; echo '$(BIN)/mypy'; cat $(VENV)/types.log; test $$types$$tests = 00

lint: $(VENV)/dev.done ## check format and lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/dev.done ## check types
	$(BIN)/mypy

# In the order of pyproject.toml, not of how many tests a file has. The hundred processes that are
# started would each compile everything where the environment forbids to keep it, as in many images.
pytest: $(VENV)/dev.done ## run every test
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder

docker-test: $(VENV)/dev.done ## build, kill, upgrade and stop a compose project of its own; takes nine minutes
	$(BIN)/python -m pytest tests/docker/test_in_docker.py tests/docker/through_trouble.py

fuzz: $(VENV)/dev.done ## send requests made from the document, then pictures that mean harm; takes half an hour
	$(BIN)/python -m tests.fuzz.run --requests $(FUZZ_REQUESTS)
	$(BIN)/python -m tests.fuzz.uploads --inputs $(FUZZ_INPUTS)

chaos: $(VENV)/dev.done ## kill and freeze every part of a service of its own for ten minutes, then read its books
	$(BIN)/python -m tests.chaos.run

hosts: $(VENV)/dev.done ## cut each of eight hosts (network namespaces) off in turn, then read the books; Linux
	$(BIN)/python -m tests.hosts.run

bench: $(VENV)/bench.done ## measure the service beside what people would use instead; takes 20 minutes
	$(BIN)/python -m benchmarks

bench-big: $(VENV)/bench.done ## measure what a million finished jobs cost; needs 2 GB of memory
	$(BIN)/python -m benchmarks.growth 10000 100000 1000000

format: $(VENV)/dev.done ## format the code and mend what lint can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

pins: $(VENV)/dev.done ## make requirements*.txt anew from requirements*.in
	$(BIN)/uv pip compile --upgrade --universal --python-version 3.11 -q requirements.in -o requirements.txt
	$(BIN)/uv pip compile --upgrade --universal --python-version 3.11 -q requirements-mcp.in -o requirements-mcp.txt
	$(BIN)/uv pip compile --upgrade --universal --python-version 3.11 -q requirements-dev.in -o requirements-dev.txt
	$(BIN)/uv pip compile --upgrade --universal --python-version 3.11 -q requirements-bench.in -o requirements-bench.txt

clean: ## remove what make and the tools have made; pictures and data stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/run.done: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/mcp.done: $(VENV)/run.done requirements-mcp.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-mcp.txt
	@touch $@

$(VENV)/dev.done: $(VENV)/mcp.done requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

$(VENV)/bench.done: $(VENV)/dev.done requirements-bench.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	@touch $@
