"""Run every chapter from top to bottom, print what each took, build the web pages: `make book`.

The pages are made from the notebooks as executed here. A chapter that fails does not stop the others: its error is
shown, its page keeps the stored outputs, and the exit status is 1. So it is if Sphinx has anything to complain about.
"""

import ast
import contextlib
import shutil
import subprocess
import sys
from typing import NamedTuple

import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from tqdm import tqdm

from notebooks import FAILURES, ROOT, code_cells, execute, normalise

SOURCE = ROOT / "_build" / "source"  # the project's layout, so that every relative link works on the pages
HTML = ROOT / "_build" / "html"
PAGES = ("chapters", "exercises", "docs")  # folders that hold pages and pictures
LINKED = ("solutions",)  # folders that pages link as such


class Run(NamedTuple):
    chapter: str
    seconds: float
    megabytes: float
    checks: int
    error: str


def count_checks(notebook):
    """The number of assert statements in the code cells, as far as they are Python."""
    plain_python, checks = TransformerManager().transform_cell, 0
    for cell in code_cells(notebook):
        with contextlib.suppress(SyntaxError):  # running the chapter will report it
            tree = ast.parse(plain_python(cell.source))
            checks += sum(isinstance(node, ast.Assert) for node in ast.walk(tree))
    return checks


def run(path, bar):
    """Execute the chapter at `path`; on success its page shows the new outputs."""
    notebook = nbformat.read(path, as_version=4)
    checks = count_checks(notebook)
    bar.set_description(path.stem)
    try:
        seconds, megabytes = execute(notebook, path.parent, after_cell=bar.update)
    except FAILURES as error:
        bar.write(f"{path.name} fails:\n{error}")
        what = getattr(error, "ename", type(error).__name__)
        return Run(path.stem, float("nan"), float("nan"), checks, what)
    (SOURCE / "chapters" / path.name).write_text(normalise(notebook), encoding="utf-8")
    return Run(path.stem, seconds, megabytes, checks, "")


def table(runs):
    """What the runs took, a line a chapter."""
    width = max(len(run.chapter) for run in runs)
    lines = [f"{'chapter':{width}}  seconds  peak MB  checks  result"]
    for run in runs:
        lines.append(
            f"{run.chapter:{width}}  {run.seconds:7.1f}  {run.megabytes:7.0f}  {run.checks:6}  "
            f"{run.error[:60] or 'passed'}"
        )
    return "\n".join(lines)


def hide_marks():
    """Leave the comment that marks a cell for nbval out of the pages: it says nothing to their reader."""
    for path in SOURCE.glob("chapters/*.ipynb"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(r'"# NBVAL_CHECK_OUTPUT\n",', ""), encoding="utf-8")


def build_pages():
    """Build the web pages of `_build/source`; whether Sphinx did it without a warning."""
    shutil.rmtree(HTML, ignore_errors=True)
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-q", "-W", "--keep-going", "--fresh-env"]
    command += ["-c", str(ROOT / "docs"), "-d", str(ROOT / "_build" / "doctrees"), str(SOURCE), str(HTML)]
    return subprocess.run(command).returncode == 0


def main():
    chapters = sorted((ROOT / "chapters").glob("*.ipynb"))
    if not chapters:
        sys.exit("chapters/ holds no notebook")
    shutil.rmtree(SOURCE, ignore_errors=True)
    for folder in PAGES:
        shutil.copytree(ROOT / folder, SOURCE / folder, ignore=shutil.ignore_patterns(".*"))
    for folder in LINKED:
        (SOURCE / folder).mkdir()
    for page in ("README.md", "LICENSE", "docs/index.md"):
        shutil.copy(ROOT / page, SOURCE)
    cells = sum(len(code_cells(nbformat.read(path, as_version=4))) + 1 for path in chapters)
    with tqdm(total=cells, unit="cell") as bar:
        runs = [run(path, bar) for path in chapters]
        bar.set_description("chapters")
    print(f"\n{table(runs)}\n", flush=True)
    hide_marks()
    pages = build_pages()
    print(
        f"web pages: {(HTML / 'index.html').relative_to(ROOT)}" if pages else "web pages: Sphinx complains, see above"
    )
    return not pages or any(run.error for run in runs)


if __name__ == "__main__":
    sys.exit(main())
