"""Execute notebooks and write them in one normal form: `make notebooks`.

    python tools/notebooks.py                           chapters and solutions, in place
    python tools/notebooks.py chapters/07-*.ipynb       only these
    python tools/notebooks.py --check                   execute nothing; name each broken rule and its cell

The normal form holds nothing that differs between two runs or two machines, so that a second run changes no byte:
cells are numbered from 1, a cell's id is a hash of its source, no timings, no paths, no versions, no widget state.
Pictures have a palette of 256 colours, which makes them a third of the size. Where a slider stood, the stored output is
what it shows at its default.
"""

import argparse
import ast
import asyncio
import base64
import hashlib
import os
import re
import subprocess
import sys
import time
from collections import Counter
from copy import deepcopy
from pathlib import Path

import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbclient.output_widget import OutputWidget
from nbformat import NotebookNode

from rlbook.plotting import with_palette

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ("chapters/*.ipynb", "solutions/*/*.ipynb")
JOBS = min(os.cpu_count() or 1, 4)  # notebooks at a time: each takes a core, and up to 1.5 GB
STEADY = {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}  # one thread for linear algebra, one order for sets
FAILURES = (CellExecutionError, CellTimeoutError, DeadKernelError)  # of a notebook that does not run to its end
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
CELL_METADATA = ("jupyter", "mystnb", "nbgrader", "tags")  # mystnb: the alt text of a picture
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"

# What only one machine or one run would print.
HOME_OF_A_MACHINE = re.compile(
    "|".join(["/home/", "/root/", "/Users/", "/tmp/", r"[A-Z]:\\\\?Users", re.escape(str(ROOT))])
)
MEMORY_ADDRESS = re.compile(r"\b0x[0-9a-f]{8,}\b")
WARNING = re.compile(r"^.*\b\w+Warning: .*$", re.MULTILINE)

PEAK_MEMORY = """\
import resource, sys
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10))
"""


def find(paths=()):
    """The notebooks at `paths`, or every chapter and solution."""
    return [Path(path).resolve() for path in paths] or sorted(p for g in NOTEBOOKS for p in ROOT.glob(g))


def name(path):
    """`path` as the reader of a message knows it: from the project's root."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tree(source):
    """The syntax tree of a cell, IPython's own commands included."""
    return ast.parse(TransformerManager().transform_cell(source))


def modules(notebook):
    """The dotted names of the modules of rlbook that the notebook imports from."""
    statements = (node for cell in code_cells(notebook) for node in ast.walk(tree(cell.source)))
    imported = {node.module for node in statements if isinstance(node, ast.ImportFrom) and node.module}
    return {module for module in imported if module.split(".")[0] == "rlbook"}


def promised_seconds(notebook):
    """How long the chapter says at its head that it runs, in seconds."""
    opening = "\n".join(cell.source for cell in notebook.cells[:2])
    return int(re.search(r"(\d+) seconds", opening).group(1))


def promised_minutes(notebook):
    """How long the chapter says at its head that it takes to read, in minutes."""
    return int(re.search(r"(\d+) minutes to read", notebook.cells[0].source).group(1))


def reading_minutes(notebook):
    """How long `notebook` takes to read: 200 words of text a minute, 20 lines of code, the source that it shows too."""
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    shown = [output.data.get("text/markdown", "") for output in outputs if "data" in output]
    code = "\n".join([*(cell.source for cell in code_cells(notebook)), *shown])
    return len(text.split()) / 200 + len([line for line in code.splitlines() if line.strip()]) / 20


class UnansweredOutput(OutputWidget):
    """Captures what is shown inside a slider, and does not tell the kernel.

    nbclient would, on the channel where it waits for the end of the cell, and now and then miss that end by it:
    the cell then seems to run until the timeout.
    """

    def send(self, *arguments, **keywords):
        pass


async def execute(notebook, folder, after_cell=None):
    """Run `notebook` in place in a fresh kernel that starts in `folder`.

    Returns (seconds, peak memory of the kernel in MB). Calls `after_cell()` after each code cell.
    Raises one of FAILURES at the first cell that fails.
    """
    client = NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        record_timing=False,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
        resources={"metadata": {"path": str(folder)}},
        on_cell_executed=lambda **_: after_cell and after_cell(),
    )
    client.widget_registry["@jupyter-widgets/output"]["OutputModel"] = UnansweredOutput
    notebook.cells.append(nbformat.v4.new_code_cell(PEAK_MEMORY))
    start = time.perf_counter()
    try:
        await client.async_execute(env=os.environ | STEADY)
        seconds = time.perf_counter() - start
        return seconds, float(notebook.cells[-1].outputs[0].text)
    finally:
        notebook.cells.pop()


def run_all(run, paths):
    """What the coroutine function `run` makes of each notebook at `paths`: JOBS at a time, in the order of paths."""

    async def all_of_them():
        free = asyncio.Semaphore(JOBS)

        async def one(path):
            async with free:
                return await run(path)

        return await asyncio.gather(*map(one, paths))

    return asyncio.run(all_of_them())


def format_code(text):
    """The notebook file `text` with its code cells formatted by ruff."""
    command = [sys.executable, "-m", "ruff", "format", "--quiet", "--stdin-filename", "chapter.ipynb", "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True, cwd=ROOT).stdout


def shown_by(output, widgets):
    """What `output` shows without a running kernel: itself, or what stands inside the widget it displays."""
    if WIDGET_VIEW not in output.get("data", {}):
        return [output]
    model = widgets[output.data[WIDGET_VIEW]["model_id"]]["state"]
    captured = [NotebookNode(inner) for inner in model.get("outputs", ())]
    for child in model.get("children", ()):
        view = {WIDGET_VIEW: {"model_id": child.removeprefix("IPY_MODEL_")}}
        captured += shown_by(NotebookNode(data=view), widgets)
    return captured


def merged(outputs):
    """`outputs` with neighbouring pieces of the same stream joined."""
    result = []
    for output in outputs:
        if output.output_type == "stream" and result and result[-1].get("name") == output.name:
            result[-1] = NotebookNode({**result[-1], "text": result[-1].text + output.text})
        else:
            result.append(output)
    return result


def normalise(notebook):
    """The normal form of an executed `notebook`, as the text of its file."""
    widgets = notebook.metadata.get("widgets", {}).get(WIDGET_STATE, {}).get("state", {})
    cells, number, seen = [], 0, Counter()
    for cell in notebook.cells:
        source = cell.source.rstrip()
        digest = hashlib.sha256(f"{cell.cell_type}\n{source}".encode()).hexdigest()[:8]
        seen[digest] += 1
        normal = {
            "cell_type": cell.cell_type,
            "id": digest if seen[digest] == 1 else f"{digest}-{seen[digest]}",
            "metadata": {key: cell.metadata[key] for key in CELL_METADATA if cell.metadata.get(key)},
            "source": source,
        }
        if cell.cell_type == "code":
            number += 1
            normal["execution_count"] = number
            normal["outputs"] = merged(o for output in cell.outputs for o in shown_by(output, widgets))
            for output in normal["outputs"]:
                if output.output_type == "execute_result":
                    output.execution_count = number
                if "image/png" in output.get("data", {}):
                    png = with_palette(base64.b64decode(output.data["image/png"]))
                    output.data["image/png"] = base64.b64encode(png).decode()
        cells.append(normal)
    normal = nbformat.from_dict({"nbformat": 4, "nbformat_minor": 5, "metadata": METADATA, "cells": cells})
    return nbformat.writes(normal).rstrip("\n") + "\n"


def output_text(output):
    """All text of an output: of a stream, a result or an error."""
    if output.output_type == "stream":
        return output.text
    if output.output_type == "error":
        return "\n".join(output.traceback)
    return "\n".join(str(value) for mime, value in output.data.items() if not mime.startswith("image/png"))


def broken_rules(notebook):
    """One sentence for each rule that a stored `notebook` breaks, naming the cell (counted from 1, all kinds)."""
    executed = 0
    for index, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type != "code":
            continue
        executed += 1
        if cell.execution_count != executed:
            yield f"cell {index}: numbered {cell.execution_count}, not {executed}: run top to bottom"
        for output in cell.outputs:
            text = output_text(output)
            if output.output_type == "error":
                yield f"cell {index}: ends in an error: {output.ename}: {output.evalue}"
            if output.get("name") == "stderr":
                yield f"cell {index}: writes to stderr: {output.text.strip().splitlines()[0]}"
            if found := HOME_OF_A_MACHINE.search(text):
                line = next(line for line in text[found.start() :].splitlines())
                yield f"cell {index}: shows a path of this machine: {line[:80]}"
            if found := WARNING.search(text):
                yield f"cell {index}: shows a warning: {found.group()[:80]}"
            if found := MEMORY_ADDRESS.search(text):
                yield f"cell {index}: shows a memory address, another in each run: {found.group()}"
            if "\r" in text:
                yield f"cell {index}: prints a carriage return"
            if WIDGET_VIEW in output.get("data", {}):
                yield f"cell {index}: stores a widget, not the picture it shows"


def kinds(outputs):
    """How often each kind of output is there: streams once, widgets never, since only what they show is stored."""
    shown = [output.data for output in outputs if "data" in output and WIDGET_VIEW not in output.data]
    streams = {f"text on {output.name}" for output in outputs if output.output_type == "stream"}
    return Counter(" and ".join(sorted(data)) for data in shown) + Counter(streams)


def unexpected_outputs(stored, outputs):
    """One sentence for each way in which `outputs`, of a new run of a cell, are of other kinds than the `stored` ones."""
    then, now = kinds(stored), kinds(outputs)
    said = [output.text.strip() for output in outputs if output.get("name") == "stderr"]
    yield from (f"shows {kind}, which is not stored" for kind in now - then)
    yield from (f"stores {kind}, which is no longer shown" for kind in then - now)
    yield from (f"writes to stderr: {text[-500:]}" for text in said)


def departures(notebook, normal):
    """One sentence for each place where `notebook` is not as its normal form, `normal`, is."""
    for index, (cell, should) in enumerate(zip(notebook.cells, normal.cells, strict=True), start=1):
        for key in sorted({*cell, *should}):
            if cell.get(key) != should.get(key):
                yield f"cell {index}: {key} is {str(cell.get(key))[:60]!r}, not {str(should.get(key))[:60]!r}"
    if notebook.metadata != normal.metadata:
        yield f"the notebook's metadata hold more or less than {METADATA}"


def check(path):
    """Every rule that the file at `path` breaks; an empty list if it is in the normal form."""
    text = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)
    broken = list(broken_rules(notebook))
    if not broken and text != (normal := normalise(deepcopy(notebook))):
        departs = departures(notebook, nbformat.reads(normal, as_version=4))
        broken = list(departs) or ["the file's layout is not that of `make notebooks`"]
    return [f"{name(path)}: {rule}" for rule in broken]


async def rewrite(path):
    """Format, execute and normalise the notebook at `path`; the rules it then breaks. Writes it only if none."""
    before = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(format_code(before), as_version=4)
    try:
        seconds, _ = await execute(notebook, path.parent)
    except FAILURES as error:
        return [f"{name(path)}: {error}"]
    after = normalise(notebook)
    broken = [f"{name(path)}: {rule}" for rule in broken_rules(nbformat.reads(after, as_version=4))]
    if not broken:
        if after != before:
            path.write_text(after, encoding="utf-8")
        print(f"{name(path):60}{seconds:6.1f} s  {'unchanged' if after == before else 'written'}", flush=True)
    return broken


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("paths", nargs="*", help="notebooks; by default every chapter and solution")
    parser.add_argument("--check", action="store_true", help="execute nothing, say which rule is broken where")
    arguments = parser.parse_args()
    paths = find(arguments.paths)
    found = map(check, paths) if arguments.check else run_all(rewrite, paths)
    broken = [rule for rules in found for rule in rules]
    for rule in broken:
        print(rule, file=sys.stderr)
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
