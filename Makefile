# The one list of tasks. Set PYTHON to use an environment of your own.
PYTHON ?= $(shell scripts/setup dev)

.PHONY: setup run check format test docs migration bench bench-pages

setup:
	scripts/setup dev

run:
	scripts/dev

check:
	scripts/check

format:
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .
	scripts/clients npm run --silent format

test:
	scripts/test

docs:
	scripts/generate

migration:
	$(PYTHON) -m storage.revise "$(MESSAGE)"

bench:
	$(PYTHON) -m benchmarks

bench-pages:
	scripts/clients true
	PYTHONPATH=clients/python $(PYTHON) -m benchmarks.pages --write
