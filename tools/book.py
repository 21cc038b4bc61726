"""Run every chapter from top to bottom, print what each took, build the web pages: `make book`.

The pages are made from the notebooks as executed here, a core each, and opened in a browser if there is one. A chapter
that fails, or shows a warning or a path of this machine, does not stop the others: its error is shown, its page keeps
the stored outputs, and the exit status is 1. So it is if Sphinx, or the look at the pages, has anything to complain
about. A chapter that took half as long again as its head says is marked.
"""

import ast
import contextlib
import shutil
import subprocess
import sys
from typing import NamedTuple

import nbformat
from tqdm import tqdm

import pages
from notebooks import (
    FAILURES,
    HOME_OF_A_MACHINE,
    ROOT,
    WARNING,
    broken_rules,
    code_cells,
    execute,
    normalise,
    promised_seconds,
    run_all,
    tree,
)

SOURCE = ROOT / "_build" / "source"  # the project's layout, so that every relative link works on the pages
HTML = ROOT / "_build" / "html"
PAGES = ("chapters", "exercises", "docs")  # folders that hold pages and pictures
LINKED = ("solutions",)  # folders that pages link as such


class Run(NamedTuple):
    chapter: str
    seconds: float
    megabytes: float
    checks: int
    promised: int  # seconds, at the head of the chapter
    error: str

    @property
    def slow(self):
        return self.seconds > 1.5 * self.promised


def count_checks(notebook):
    """The number of assert statements in the code cells, as far as they are Python."""
    checks = 0
    for cell in code_cells(notebook):
        with contextlib.suppress(SyntaxError):  # running the chapter will report it
            checks += sum(isinstance(node, ast.Assert) for node in ast.walk(tree(cell.source)))
    return checks


async def run(path, bar):
    """Execute the chapter at `path`; on success its page shows the new outputs."""
    notebook = nbformat.read(path, as_version=4)
    about = dict(checks=count_checks(notebook), promised=promised_seconds(notebook))
    bar.set_description(path.stem)
    try:
        seconds, megabytes = await execute(notebook, path.parent, after_cell=bar.update)
    except FAILURES as error:
        bar.write(f"{path.name} fails:\n{error}")
        what = getattr(error, "ename", type(error).__name__)
        return Run(path.stem, float("nan"), float("nan"), **about, error=what)
    text = normalise(notebook)
    broken = list(broken_rules(nbformat.reads(text, as_version=4)))
    if broken:
        bar.write("\n".join([f"{path.name} shows what no page should:", *broken]))
    else:
        (SOURCE / "chapters" / path.name).write_text(text, encoding="utf-8")
    return Run(path.stem, seconds, megabytes, **about, error=broken[0] if broken else "")


def table(runs):
    """What the runs took, a line a chapter."""
    width = max(len(run.chapter) for run in runs)
    lines = [f"{'chapter':{width}}  seconds  peak MB  checks  result"]
    for run in runs:
        lines.append(
            f"{run.chapter:{width}}  {run.seconds:7.1f}  {run.megabytes:7.0f}  {run.checks:6}  "
            + (run.error[:60] or "passed" + f", slow: its head says {run.promised} s" * run.slow)
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


def blemishes():
    """One sentence for each built page that shows a warning or a path of this machine."""
    for path in sorted(HTML.rglob("*.html")):
        text = path.read_text(encoding="utf-8")
        for what, pattern in {"a path of this machine": HOME_OF_A_MACHINE, "a warning": WARNING}.items():
            if found := pattern.search(text):
                yield f"{path.relative_to(HTML)} shows {what}: {text[found.start() :].splitlines()[0][:80]}"


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
        longest_first = sorted(chapters, key=lambda path: -promised_seconds(nbformat.read(path, as_version=4)))
        runs = sorted(run_all(lambda path: run(path, bar), longest_first))
        bar.set_description("chapters")
    print(f"\n{table(runs)}\n", flush=True)
    hide_marks()
    complaints = list(blemishes()) if build_pages() else ["Sphinx complains, see above"]
    if unopened := pages.lacking():
        print(f"web pages: not opened in a browser, {unopened}")
    else:
        complaints += pages.complaints(HTML)
    print("web pages:", "\n".join(complaints) or (HTML / "index.html").relative_to(ROOT))
    return bool(complaints) or any(run.error for run in runs)


if __name__ == "__main__":
    sys.exit(main())
