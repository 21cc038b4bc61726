"""A course with one small chapter, in a folder of its own: exercises that take no time, for classes of odd submissions."""

import copy
import json
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


# Most of what a short command takes is nbgrader's import: one process imports it, and forks for each command.
COMMANDS = """
import json, os, sys
sys.path.insert(0, "tools")
import exercises
for line in sys.stdin:
    words = json.loads(line)
    if (child := os.fork()) == 0:
        said = os.open("said.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(said, 1), os.dup2(said, 2)
        sys.argv = ["exercises.py", *words]
        exercises.main()
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Course:
    """The course in `folder`, and its commands."""

    def __init__(self, folder, **environment):
        self.folder = folder
        self.commands = None
        self.empty = folder / "empty.db"
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
        """What the command says, which must end with `status`."""
        if self.commands is None:
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
            command = [sys.executable, "-c", COMMANDS]
            self.commands = subprocess.Popen(command, cwd=self.folder, env=self.environment, **pipes)
        self.commands.stdin.write(json.dumps([str(word) for word in words]) + "\n")
        self.commands.stdin.flush()
        ended = int(self.commands.stdout.readline())
        said = self.file("said.txt")
        assert ended == status, f"{words}: status {ended}\n{said}"
        return said

    def clear(self):
        """No class, and a gradebook as it is before the first one (nbgrader takes two seconds to make a new one)."""
        if not self.empty.exists():
            (self.folder / "nobody").mkdir()
            self.run("grade", CHAPTER, "--from", "nobody", status=1)
            shutil.copy(self.folder / "gradebook.db", self.empty)
        shutil.copy(self.empty, self.folder / "gradebook.db")
        for name in ("in", "submitted", "autograded", "feedback", "grades", "closed"):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def leave(self):
        if self.commands is not None:
            self.commands.kill()
            self.commands.wait()
            self.commands.stdin.close()
            self.commands.stdout.close()

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
