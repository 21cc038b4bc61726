"""A reader alone: the visible and the hidden tests of a notebook of exercises, in words."""

import tempfile

from grading import Refused, remarks
from grading.reading import read
from grading.released import (
    chapter_of,
    chapters,
    exercise,
    flags,
    is_answer,
    is_open,
    is_test,
    name,
    number,
    released,
)
from grading.restoring import answered, restore
from grading.running import run

MOST_CHARACTERS = 1000  # that are shown of a message


def check(path, wanted=None):
    """What the tests say of the notebook at `path`: lines to print, and whether all that was asked is right.

    `wanted` names one exercise: 2, 2.2 or exercise-2. Raises Refused if the file is no notebook of exercises, or has
    no such exercise.
    """
    nb = read(path.read_bytes())
    chapter = chapter_of(nb)
    if not chapter:
        raise Refused(f"{path}: no exercises of the book are in it; they are those of {', '.join(chapters())}")
    cells = released(chapter)
    asked = chosen(wanted, chapter)
    restore(nb, chapter)
    notes, done = remarks(nb), answered(nb, chapter)
    nb.cells = [cell for cell in nb.cells if not is_test(cell) or exercise(name(cell)) in set(asked) & set(done)]
    if wanted:
        last = max(i for i, cell in enumerate(nb.cells) if exercise(name(cell)) in asked)
        nb.cells = nb.cells[: last + 1]
    nb.metadata.rlbook = {"remarks": []}
    if any(is_test(cell) for cell in nb.cells):
        with tempfile.TemporaryDirectory() as folder:
            run(nb, folder)
    lines, right = [], True
    for each in asked:
        said, ok = verdict([cell for cell in nb.cells if exercise(name(cell)) == each], each in done)
        lines += [f"{title(cells, each)}: {said[0]}", *(f"    {line}" for line in said[1:])]
        right &= ok
    return lines + [f"note: {note}" for note in (notes + remarks(nb) if not wanted else remarks(nb))], right


def chosen(wanted, chapter):
    """The exercises that are asked for, in their order."""
    there = sorted({exercise(key) for key, cell in released(chapter).items() if is_answer(cell)}, key=number)
    if wanted is None:
        return there
    one = wanted if wanted.startswith("exercise-") else f"exercise-{wanted.split('.')[-1]}"
    if one not in there:
        raise Refused(f"no exercise {wanted} in {chapter}; there are {', '.join(there)}")
    return [one]


def title(cells, which):
    """The heading of the exercise, without its points: Exercise 2.1: returns by hand."""
    text = next((cell.source for key, cell in cells.items() if key == f"{which}-text"), which)
    return text.splitlines()[0].lstrip("# ").rsplit(" (", 1)[0]


def verdict(cells, done):
    """What is to be said of an exercise, and whether it is right; an open question is for its reader to judge."""
    if any(is_open(cell) for cell in cells):
        return ["an open question, compare it with solutions/" if done else "not answered yet"], True
    if not done:
        return ["not answered yet"], False
    tests = [cell for cell in cells if is_test(cell)]
    most = sum(flags(cell)["points"] for cell in tests)
    earned = sum(flags(cell)["points"] for cell in tests if not errors(cell))
    broken = [cell for cell in cells if is_answer(cell) and errors(cell)] or tests
    messages = dict.fromkeys(message(cell, error) for cell in broken for error in errors(cell))
    return [f"{earned:g} of {most:g} points", *messages], earned == most


def errors(cell):
    return [output for output in cell.get("outputs", []) if output.output_type == "error"]


def message(cell, error):
    """The error in a line, and where the reader's own code raised it; nothing of a test's source."""
    text = error.ename if error.ename != "AssertionError" else ""
    text = ": ".join(part for part in (text, " ".join(error.evalue.split())) if part) or "AssertionError"
    text = text if len(text) <= MOST_CHARACTERS else text[:MOST_CHARACTERS] + " ..."
    where = cell.metadata.get("rlbook", {}).get("where")
    return f"line {where['line']} of {where['cell']}, `{where['code']}`: {text}" if where else text
