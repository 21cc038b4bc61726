# Every target does its own set-up, into .venv; the versions stand in pyproject.toml.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.installed

# Chapters and tests give the same digits on every machine: one thread for linear algebra, one order for sets.
export OMP_NUM_THREADS ?= 1
export PYTHONHASHSEED ?= 0
export PYDEVD_DISABLE_FILE_VALIDATION ?= 1

.PHONY: help setup book test lab notebooks exercises models bench figures clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: $(READY) ## create .venv and install the book into it

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo 'rlbook needs Python 3.11 or newer: make PYTHON=python3.12 $(MAKECMDGOALS)' >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --editable '.[all]'
	@touch $@

book: $(READY) ## run every chapter, print the table, build the web pages into _build/html
	$(BIN)/python tools/book.py

test: $(READY) ## lint, format, unit tests, then every notebook against its stored numbers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@mkdir -p _build  # both halves at once, one core each; what the notebooks' half says comes at the end
	$(BIN)/python -m pytest --nbval-lax --nbval-current-env chapters solutions > _build/nbval.log 2>&1 & notebooks=$$!; \
	$(BIN)/python -m pytest; units=$$?; \
	wait $$notebooks; notebooks=$$?; cat _build/nbval.log; exit $$((units || notebooks))

lab: $(READY) ## open JupyterLab on the chapters
	$(BIN)/jupyter lab --LabApp.default_url=/lab/tree/chapters

notebooks: $(READY) ## re-execute chapters and solutions in place and normalise them
	$(BIN)/python tools/notebooks.py

exercises: $(READY) ## generate the students' notebooks from solutions
	$(BIN)/python tools/exercises.py generate

models: $(READY) ## train the models that come with the package (minutes)
	$(BIN)/python tools/models.py

bench: $(READY) ## measure the package against other libraries
	$(BIN)/python -m pip install --quiet --editable '.[bench]'
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/language.py

figures: $(READY) ## compute figure 6.3 of chapter 07 at the book's scale (minutes on two cores)
	$(BIN)/python benchmarks/figure_6_3.py

clean: ## remove built pages and caches (not .venv)
	rm -rf _build .pytest_cache .ruff_cache
	find . -path ./.venv -prune -o \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +
