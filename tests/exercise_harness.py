"""What an exercise's checks say of an answer: the machinery of test_exercises.py and test_grading.py.

`verdicts(chapter)` runs a chapter's solutions once, in a process of its own. Before each answer cell that
process forks: a child runs another answer in the cell's place, then the cells up to the last test of the
exercise, and reports which tests fail, and how. So all the answers cost one run of the notebook, and none can
harm another.
"""

import functools
import json
import linecache
import os
import re
import signal
import subprocess
import sys
import traceback
import types
from pathlib import Path
from typing import NamedTuple

import nbformat

from rlbook.worlds import traffic_light

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 30  # that an answer may take with its tests
UNTOUCHED = "the released cell, untouched"


class Answer(NamedTuple):
    exercise: str
    kind: str  # "wrong", "right" or UNTOUCHED
    name: str
    source: str


def chapters():
    return sorted(path.parent.name for path in (ROOT / "solutions").glob("*/*.ipynb"))


def notebook(folder, chapter):
    return nbformat.read(ROOT / folder / chapter / f"{chapter}.ipynb", as_version=4)


def kind(cell):
    """What the cell is to nbgrader: an answer, a test, an open question, or None."""
    flags = cell.metadata.get("nbgrader", {})
    if cell.cell_type == "markdown":
        return "open" if flags.get("grade") and flags.get("solution") else None
    return "answer" if flags.get("solution") else "test" if flags.get("grade") else None


def grade_id(cell):
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def exercise(cell):
    """exercise-3-test-hidden belongs to exercise-3."""
    return re.match(r"(exercise-\d+)?", grade_id(cell)).group()


def answers(chapter):
    """The answers of tests/wrong_answers: cells that begin with `# %% exercise-1 | wrong | forgets gamma`."""
    path = ROOT / "tests" / "wrong_answers" / f"{chapter}.py"
    if not path.exists():
        return []
    start = re.compile(r"^# %% *(.*)$", re.MULTILINE)
    _, *parts = start.split(path.read_text(encoding="utf-8"))
    return [
        Answer(*(word.strip() for word in head.split("|")), source.strip())
        for head, source in zip(parts[::2], parts[1::2])
    ]


@functools.cache
def verdicts(chapter):
    """What each test cell says: a list of (exercise, kind, name, {test cell: how it fails, or None}).

    The kinds are those of `answers`, UNTOUCHED, and "reference" for the solutions themselves.
    """
    threads = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    environment = os.environ | threads | {"MPLBACKEND": "agg"}  # a pool of threads does not survive a fork
    command = [sys.executable, __file__, chapter]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=ROOT / "solutions" / chapter)
    assert run.returncode == 0, f"{chapter}: the solutions cannot be run\n{run.stderr[-3000:]}"
    return json.loads(run.stdout)


# From here on: inside that process.


def execute(source, name, namespace):
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    exec(compile(source, name, "exec"), namespace)


def failure(error, cell):
    """What the student is told; UNEXPLAINED if it is no assert with a message and no error of their own code."""
    text = "".join(traceback.format_exception_only(error)).strip()
    places = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    explained = isinstance(error, AssertionError) and str(error).strip()
    return text if explained or "<answer>" in places else f"UNEXPLAINED by {cell}: {text}"


def judge(cells, answer, namespace):
    """Run `cells`, the answer cell of an exercise and what follows, with `answer` in its place."""
    result, first = {}, None
    try:
        execute(answer.source, "<answer>", namespace)
    except BaseException as error:
        first = failure(error, "the answer")
    for cell in cells[1:]:
        if kind(cell) == "test" and exercise(cell) != answer.exercise:
            continue
        try:
            execute(cell.source, grade_id(cell) or "<given>", namespace)
            said = None
        except BaseException as error:
            said = first or failure(error, grade_id(cell))
        if kind(cell) == "test":
            result[grade_id(cell)] = said
    return result


def in_child(cells, answer, namespace):
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        signal.alarm(SECONDS)
        os.write(write, json.dumps(judge(cells, answer, namespace)).encode())
        os._exit(0)
    os.close(write)
    with open(read, "rb") as pipe:
        report = pipe.read()
    os.waitpid(child, 0)
    tests = [grade_id(cell) for cell in cells if kind(cell) == "test" and exercise(cell) == answer.exercise]
    stopped = f"UNEXPLAINED: ended itself or took over {SECONDS} seconds"
    return json.loads(report) if report else dict.fromkeys(tests, stopped)


def main(chapter):
    stdout = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what notebook and answers print
    traffic_light()  # compiled code, the first: what Numba then loads, the children need not load again
    sys.modules["__main__"] = module = types.ModuleType("__main__")
    namespace = module.__dict__
    namespace["display"] = lambda *shown, **how: None  # as in a notebook
    cells = [cell for cell in notebook("solutions", chapter).cells if cell.cell_type == "code"]
    released = {grade_id(cell): cell.source for cell in notebook("exercises", chapter).cells}
    others = answers(chapter)
    report = []
    for position, cell in enumerate(cells):
        if kind(cell) == "answer":
            last = max(
                i for i, other in enumerate(cells) if kind(other) == "test" and exercise(other) == exercise(cell)
            )
            part = cells[position : last + 1]
            tried = [Answer(grade_id(cell), UNTOUCHED, "", released[grade_id(cell)])]
            tried += [answer for answer in others if answer.exercise == grade_id(cell)]
            report += [(*answer[:3], in_child(part, answer, namespace)) for answer in tried]
        try:
            execute(cell.source, grade_id(cell) or f"<cell {position}>", namespace)
            said = None
        except Exception:
            said = traceback.format_exc()
        if said or kind(cell) == "test":
            report.append((exercise(cell), "reference", "", {grade_id(cell) or f"cell {position}": said}))
    with stdout:
        json.dump(report, stdout)


if __name__ == "__main__":
    main(sys.argv[1])
