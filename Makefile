# Every target does its own set-up, into .venv: the exact versions of constraints.txt, within the bounds of pyproject.toml.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.installed
INSTALL := -m pip install --constraint constraints.txt --editable

# Chapters and tests give the same digits on every run: one thread for linear algebra, one order for sets.
export OMP_NUM_THREADS ?= 1
export PYTHONHASHSEED ?= 0
export PYDEVD_DISABLE_FILE_VALIDATION ?= 1

.PHONY: help setup book test pages lab notebooks exercises check release models claims mutants lock newest bench figures clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: $(READY) ## create .venv and install the book into it

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo 'rlbook needs Python 3.11 or newer: make PYTHON=python3.12 $(MAKECMDGOALS)' >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python $(INSTALL) '.[all]'
	@touch $@

book: $(READY) ## run every chapter, print the table, build the web pages into _build/html
	$(BIN)/python tools/book.py

test: $(READY) ## lint, format, unit tests, every notebook; of one chapter: make test CHAPTERS=15
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python tools/check.py --chapters '$(CHAPTERS)'

pages: $(READY) ## open every web page that `make book` built in a headless Chromium: nothing cut, nothing broken
	$(BIN)/python $(INSTALL) '.[pages]' --quiet
	$(BIN)/python tools/pages.py

lab: $(READY) ## open JupyterLab on the chapters
	$(BIN)/jupyter lab --LabApp.default_url=/lab/tree/chapters

notebooks: $(READY) ## re-execute chapters and solutions in place and normalise them
	$(BIN)/python tools/notebooks.py

exercises: $(READY) ## generate the students' notebooks from solutions
	$(BIN)/python tools/exercises.py generate

check: $(READY) ## all tests of the exercises in a notebook, in words: make check NOTEBOOK=my.ipynb
	$(BIN)/python tools/exercises.py check '$(NOTEBOOK)'

release: $(READY) ## pack what a class may have, without solutions: make release CHAPTER=07-q-learning
	$(BIN)/python tools/exercises.py pack '$(CHAPTER)'

models: $(READY) ## train the models that come with the package (minutes)
	$(BIN)/python tools/models.py

claims: $(READY) ## run every chapter under each of three arithmetics, a line a chapter (half an hour)
	$(BIN)/python tools/claims.py

mutants: $(READY) ## what the exercises' checks reject: every plausible wrong version of every solution (minutes)
	$(BIN)/python tools/mutants.py

lock: $(READY) ## write constraints.txt anew: the newest versions within the bounds of pyproject.toml
	$(BIN)/python $(INSTALL) '.[lock]' --quiet
	$(BIN)/python tools/lock.py

newest: ## what has moved since the lock, and what it breaks: install the newest into .venv-newest, run the tests
	test -x .venv-newest/bin/python || $(PYTHON) -m venv .venv-newest
	.venv-newest/bin/python -m pip install --upgrade --upgrade-strategy eager --editable '.[all]'
	.venv-newest/bin/python tools/newest.py

bench: $(READY) ## measure the package against other libraries
	$(BIN)/python $(INSTALL) '.[bench]' --quiet
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/language.py

figures: $(READY) ## compute figure 6.3 of chapter 07 at the book's scale (minutes on two cores)
	$(BIN)/python benchmarks/figure_6_3.py

clean: ## remove built pages and caches (not .venv)
	rm -rf _build .pytest_cache .ruff_cache
	find . -path './.venv*' -prune -o \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +
