#!/usr/bin/env bash
# nbval 0.11.0 with IPython 9.18.1 and ipykernel 7.4.0 (Python 3.11): a semicolon at the end of a cell hides nothing.
#
# In Jupyter, and when nbclient executes the notebook, the value of a cell that ends in `6 * 7;` is not shown. nbval runs
# each cell with store_history=False, and IPython looks for the semicolon in the history: the value comes back as an
# output that the stored notebook does not have. A good guess: a notebook that nbclient has just executed passes --nbval
# on the same versions. Seen: it fails, with "Unexpected output fields from running code: {'text/plain'}". Under
# --nbval-lax only a cell marked NBVAL_CHECK_OUTPUT fails; but whoever compares all outputs, as this book does, must
# leave out the results of cells that end in a semicolon.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check nbval==0.11.0 pytest==9.2.0 ipython==9.18.1 ipykernel==7.4.0 \
    nbclient==0.11.0 nbformat==5.11.1
cat > make.py <<'END'
import nbclient, nbformat

notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("6 * 7;")])
nbclient.NotebookClient(notebook, kernel_name="python3").execute()
assert notebook.cells[0].outputs == [], "nbclient shows the value, too"
nbformat.write(notebook, "quiet.ipynb")
END
venv/bin/python make.py
if venv/bin/python -m pytest --nbval --nbval-current-env --color=no quiet.ipynb > said.txt 2>&1; then
    echo "changed: the notebook passes"
    exit 1
fi
grep -F "Unexpected output fields from running code: {'text/plain'}" said.txt
echo "as found: the value that a semicolon hides comes back under nbval"
