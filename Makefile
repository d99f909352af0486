# A face: each target is one or two plain commands, which docs/install.md shows too.
PARALLEL := -n 4 --dist worksteal
PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help venv run test check faults soak browser lint bench docs ui

help:  ## list the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-7s %s\n", $$1, $$2}'

venv: .venv/.done  ## build .venv from the pinned requirements

.venv/.done: requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet -r requirements.txt
	.venv/bin/python -m pip install --quiet --no-deps --editable .
	@touch $@

run: venv  ## train all algorithms on MNIST, unless they are trained, and select the champion
	mlflow run . --experiment-name mnist-digits --env-manager local -P needed=1

test: venv  ## run all tests but those of `make browser`, four at a time
	python -m pytest $(PARALLEL) -m "not browser"

check: lint  ## check style, format, types and words, and run the tests that take no models, processes or stores
	python -m pytest $(PARALLEL) -m "not slow"

faults: venv  ## run the tests that kill, interrupt and break things
	python -m pytest $(PARALLEL) -m faults

soak: venv  ## kill commands 500 times and try 27,500 random inputs: 40 minutes
	python -m tests.soak --kills 500
	python -m pytest tests/soak/cluster_deaths.py
	python -m pytest $(PARALLEL) tests/fuzz --hypothesis-profile soak

browser: venv  ## look at the MLflow UI in Chromium, as a test
	python -m pytest tests/browser

lint: venv  ## check style, format, types and words
	ruff check . && ruff format --check .
	mypy
	python -m tests.words

bench: venv  ## measure ours against the plain programs of the libraries, into benchmarks/RESULTS.md
	python -m benchmarks

docs: venv  ## write the reference, and build the site of the documents into site/
	python -m tests.documents
	NO_MKDOCS_2_WARNING=1 mkdocs build --strict

ui: venv  ## start the MLflow UI on the project's store, and print the addresses of the runs
	python -m mnist_mlflow ui
