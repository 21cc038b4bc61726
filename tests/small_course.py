"""A course with one small chapter, in a folder of its own: exercises that take no time, for classes of odd submissions."""

import copy
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).resolve().parent.parent
CHAPTER = "02-small"

TEXT = "## Exercise 2.{number}: {title} ({points} points)\n\n{title}, and nothing else."
CELLS = [
    ("introduction", "text", "# Exercises 2. Small ones"),
    ("setup", "given", "import math"),
    ("exercise-1-text", "text", TEXT.format(number=1, title="twice", points=3)),
    ("exercise-1", "answer", "def twice(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION"),
    ("exercise-1-test", 1, 'assert twice(3) == 6, f"twice 3 is 6, yours is {twice(3)}"'),
    ("exercise-1-test-edges", 1, 'assert twice(0) == 0, f"twice 0 is 0, yours is {twice(0)}"'),
    (
        "exercise-1-test-hidden",
        1,
        "# Further checks run here when your work is graded.\n### BEGIN HIDDEN TESTS\n"
        'assert twice(-5) == -10, f"twice a negative number is negative, yours is {twice(-5)}"\n### END HIDDEN TESTS',
    ),
    ("exercise-2-text", "text", TEXT.format(number=2, title="the sum", points=2)),
    ("exercise-2-given", "given", "numbers = [1, 2, 3]"),
    ("exercise-2", "answer", "# total = a number\n### BEGIN SOLUTION\ntotal = math.fsum(numbers)\n### END SOLUTION"),
    ("exercise-2-test", 2, 'assert total == 6, f"1 + 2 + 3 = 6, yours is {total}"'),
    ("exercise-3-text", "text", TEXT.format(number=3, title="twice twice", points=2)),
    (
        "exercise-3",
        "answer",
        "def four_times(x):\n    ### BEGIN SOLUTION\n    return 2 * x + 2 * x\n    ### END SOLUTION",
    ),
    ("exercise-3-test", 2, 'assert four_times(2) == 8, f"four times 2 is 8, yours is {four_times(2)}"'),
    ("exercise-4-text", "text", TEXT.format(number=4, title="why", points=3)),
    ("exercise-4", "open", "Because two is two."),
]
REFERENCE = {
    "exercise-1": "def twice(x):\n    return 2 * x",
    "exercise-2": "total = math.fsum(numbers)",
    "exercise-3": "def four_times(x):\n    return 2 * x + 2 * x",
    "exercise-4": "Because two is two.",
}
POINTS = {"exercise-1": 3, "exercise-2": 2, "exercise-3": 2}


def cell(name, sort, source):
    flags = {"grade_id": name, "schema_version": 3, "task": False, "grade": sort == "open" or isinstance(sort, int)}
    flags |= {"solution": sort in ("answer", "open"), "locked": sort not in ("answer", "open")}
    flags |= {"points": 3 if sort == "open" else sort} if flags["grade"] else {}
    new = new_markdown_cell if sort in ("text", "open") else new_code_cell
    return new(source, id=name, metadata={"nbgrader": flags})


def solutions():
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    return new_notebook(cells=[cell(*each) for each in CELLS], metadata={"kernelspec": kernel})


class Course:
    """The course in `folder`, and its commands."""

    def __init__(self, folder, **environment):
        self.folder = folder
        self.environment = os.environ | {"PYTHONPATH": str(ROOT)} | environment
        shutil.copy(ROOT / "nbgrader_config.py", folder)
        shutil.copytree(ROOT / "tools", folder / "tools", ignore=shutil.ignore_patterns("__pycache__"))
        path = folder / "solutions" / CHAPTER / f"{CHAPTER}.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(solutions(), path)

    def start(self, *words, **how):
        command = [sys.executable, "tools/exercises.py", *map(str, words)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, cwd=self.folder, env=self.environment, **pipes, **how)

    def run(self, *words, status=0):
        """What the command prints, which must end with `status`; what it says where that is not 0."""
        process = self.start(*words)
        out, err = process.communicate()
        assert process.returncode == status, f"{words}: status {process.returncode}\n{out}{err}"
        return out if status == 0 else out + err

    def file(self, *where):
        return self.folder.joinpath(*where).read_text(encoding="utf-8")


def notebook(answers=REFERENCE):
    """A student's notebook: as it is released, with these answers."""
    nb = copy.deepcopy(solutions())
    for each in nb.cells:
        key = each.metadata.nbgrader.grade_id
        hidden = "### BEGIN HIDDEN TESTS.*?### END HIDDEN TESTS"
        each.source = re.sub(hidden, "", each.source, flags=re.DOTALL).strip()
        stub = re.sub(r"### BEGIN SOLUTION.*?### END SOLUTION", STUB, each.source, flags=re.DOTALL)
        stub = "*Your answer here.*" if key == "exercise-4" else stub
        each.source = answers.get(key, stub)
    return nb


STUB = 'raise NotImplementedError("your answer here")'
