"""The exercises of a chapter as grading knows them: what students get, and the hidden tests."""

import ast
import copy
import functools
import re
from pathlib import Path

import nbformat
from nbgrader import preprocessors
from traitlets.config import PyFileConfigLoader

ROOT = Path(__file__).resolve().parent.parent.parent


def settings():
    """What nbgrader_config.py says."""
    return PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()


def chapters():
    """The chapters that have exercises."""
    return sorted(path.parent.name for path in (ROOT / "solutions").glob("*/*.ipynb"))


@functools.cache
def released(chapter):
    """The released cells of `chapter`, in their order: a dict from their names. Answers are stubs, tests are whole."""
    notebook = nbformat.read(ROOT / "solutions" / chapter / f"{chapter}.ipynb", as_version=4)
    steps = ("LockCells", "ClearSolutions", "ClearOutput", "ComputeChecksums")
    for step in steps:
        notebook, _ = getattr(preprocessors, step)(config=settings()).preprocess(notebook, {})
    return {name(cell): cell for cell in notebook.cells if name(cell)}


def as_given(cell):
    """The source of a released cell as students see it: without the hidden tests."""
    seen, _ = preprocessors.ClearHiddenTests().preprocess_cell(copy.deepcopy(cell), {}, 0)
    return seen.source


def name(cell):
    """What nbgrader calls the cell, or nothing."""
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def flags(cell):
    return cell.metadata.get("nbgrader", {})


def is_test(cell):
    return bool(flags(cell).get("grade") and not flags(cell).get("solution"))


def is_answer(cell):
    return bool(flags(cell).get("solution"))


def is_open(cell):
    """Whether the cell is the answer to a question that is graded by hand."""
    return bool(flags(cell).get("grade") and flags(cell).get("solution"))


def exercise(grade_id):
    """exercise-3-test-hidden belongs to exercise-3."""
    return re.match(r"exercise-\d+|.*", grade_id).group()


def number(exercise_name):
    """What exercises are ordered by: exercise-10 comes after exercise-9."""
    return len(exercise_name), exercise_name


def content(cell_type, source):
    """What two cells have in common if they say the same: layout and comments of code do not count."""
    if cell_type == "code":
        try:
            if (tree := ast.parse(source)).body:
                return ast.dump(tree)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            pass  # a cell that is not Python is compared as text
    return " ".join(source.split())


@functools.cache
def contents(chapter):
    """The content of each locked cell of `chapter`, as given to students, by its name."""
    locked = {key: cell for key, cell in released(chapter).items() if not is_answer(cell)}
    return {key: content(cell.cell_type, as_given(cell)) for key, cell in locked.items()}


def recognised(notebook, chapter):
    """The share of the locked cells of `chapter` that are in `notebook`."""
    there = {content(cell.cell_type, cell.source) for cell in notebook.cells}
    return sum(text in there for text in contents(chapter).values()) / len(contents(chapter))


def chapter_of(notebook):
    """The chapter of which `notebook` has the largest share, or nothing if it has none of any."""
    shares = {chapter: recognised(notebook, chapter) for chapter in chapters()}
    best = max(shares, key=shares.get)
    return best if shares[best] else ""
