"""What an exercise's checks say of an answer: a right one, a wrong one, a mutant of the solution.

`Chapter(name)` runs a chapter's solutions once, in this process. Before each answer cell the process forks: a child runs
another answer in the cell's place, then the cells up to the last test of the exercise, and reports which tests fail, and
how. So all the answers cost one run of the notebook, and none can harm another.

    python tools/judging.py CHAPTER [--share N]     the verdicts as JSON; of the mutants every Nth
"""

import argparse
import ast
import json
import linecache
import os
import re
import select
import signal
import sys
import traceback
import types
import zlib
from functools import partial
from pathlib import Path
from typing import NamedTuple

import nbformat
import numpy as np

from grading.released import ROOT, as_given, is_answer, is_open, is_test
from grading.released import exercise as exercise_of
from grading.released import name as grade_id
from mutation import mutants

SECONDS = 30  # of the processor that an answer may take with its tests
GIGABYTE = 2**30
UNTOUCHED = "the released cell, untouched"
SLIPS = (
    "NameError",
    "UnboundLocalError",
    "SyntaxError",
    "IndentationError",
    "ModuleNotFoundError",
    "NotImplementedError",
)


class Answer(NamedTuple):
    exercise: str
    kind: str  # "wrong", "right", UNTOUCHED, or "mutant"
    name: str
    source: str


def notebook(folder, chapter):
    return nbformat.read(ROOT / folder / chapter / f"{chapter}.ipynb", as_version=4)


def kind(cell):
    """What the cell is to nbgrader: an answer, a test, an open question, or None."""
    return "open" if is_open(cell) else "answer" if is_answer(cell) else "test" if is_test(cell) else None


def exercise(cell):
    """The exercise that the cell belongs to, or ""."""
    of = exercise_of(grade_id(cell))
    return of if of.startswith("exercise-") else ""


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


class Chapter:
    """A chapter's solutions, run cell by cell in this process; at each answer cell, others in its place."""

    def __init__(self, name):
        self.name = name
        self.cells = [cell for cell in notebook("solutions", name).cells if cell.cell_type == "code"]
        sys.modules["__main__"] = module = types.ModuleType("__main__")
        self.namespace = module.__dict__
        self.namespace["display"] = lambda *shown, **how: None  # as in a notebook

    def __iter__(self):
        """At each answer cell, before it is run: (its exercise, the cells from it to the exercise's last test)."""
        self.said = {}  # of the solutions themselves: how each test fails, or None
        for position, cell in enumerate(self.cells):
            if kind(cell) == "answer":
                tests = [i for i, c in enumerate(self.cells) if kind(c) == "test" and exercise(c) == exercise(cell)]
                yield exercise(cell), self.cells[position : max(tests) + 1]
            try:
                execute(cell.source, grade_id(cell) or f"<cell {position}>", self.namespace)
                said = None
            except Exception:
                said = traceback.format_exc()
            if said or kind(cell) == "test":
                self.said[grade_id(cell) or f"cell {position}"] = said

    def judge(self, part, tried, jobs=1, *, visible_only=False, first_only=False, seconds=SECONDS, before=None):
        """For each answer of `tried` {test: how it fails, or None}, from a child of its own that calls before(its place)."""
        tests = [grade_id(cell) for cell in part if kind(cell) == "test" and exercise(cell) == exercise(part[0])]
        stopped = "UNEXPLAINED: ended itself, took too much memory or too long"

        def task(i, answer):
            if before:
                before(i)
            return judge(part, answer, self.namespace, visible_only, first_only)

        tasks = [partial(task, i, answer) for i, answer in enumerate(tried)]
        return [said or dict.fromkeys(tests, stopped) for said in in_children(tasks, jobs, seconds)]

    def mutants(self, part):
        """The mutants of the answer cell of `part`."""
        [facts] = in_children([lambda: facts_of(part, self.namespace)], 1)
        if facts is None:
            raise RuntimeError(f"{self.name}, {exercise(part[0])}: the solution does not pass its own tests")
        return mutants(part[0].source, facts)


# In a child.


def execute(source, name, namespace):
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    exec(compile(source, name, "exec"), namespace)


def failure(error, cell):
    """What the student is told; UNEXPLAINED if it is no assert with a message and no error of their own code."""
    text = "".join(traceback.format_exception_only(error)).strip()
    places = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    explained = isinstance(error, AssertionError) and str(error).strip()
    return text if explained or "<answer>" in places else f"UNEXPLAINED by {cell}: {text}"


def judge(part, answer, namespace, visible_only, first_only):
    """Run an exercise's cells with `answer` in the place of the first; {test: how it fails, or None}."""
    result, first = {}, None
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # warnings of answers
    try:
        execute(answer.source, "<answer>", namespace)
    except BaseException as error:
        first = failure(error, "the answer")
    for cell in part[1:]:
        if kind(cell) == "test" and exercise(cell) != answer.exercise:
            continue
        source = as_given(cell) if visible_only else cell.source
        try:
            execute(source, grade_id(cell) or "<given>", namespace)
            said = None
        except BaseException as error:
            said = first or failure(error, grade_id(cell))
        if kind(cell) == "test":
            result[grade_id(cell)] = said
            if said and first_only:
                break
    return result


def facts_of(part, namespace):
    """What a run of the solution with its tests shows of its functions, for `mutation.mutants`."""
    facts = {}
    names = re.findall(r"^def (\w+)", part[0].source, re.MULTILINE)

    def look(frame, event, value):
        if frame.f_code.co_filename != "<answer>" or frame.f_code.co_name not in names:
            return None
        frame.f_trace_lines = False
        known = facts.setdefault(frame.f_code.co_name, {"arguments": {}, "signatures": {}})
        if event == "call" and not known["arguments"]:
            known["arguments"] = {name: written(value) for name, value in frame.f_locals.items()}
        for name, value in frame.f_locals.items():
            known["signatures"].setdefault(name, signature(value))
        return look

    sys.settrace(look)
    for cell in part:
        execute(cell.source, "<answer>" if cell is part[0] else "<test>", namespace)
    sys.settrace(None)
    names = [node for node in ast.walk(ast.parse(part[0].source)) if isinstance(node, ast.Name)]
    stored = [node.id for node in names if isinstance(node.ctx, ast.Store)]
    facts[""] = {"signatures": {name: signature(namespace[name]) for name in stored if name in namespace}}
    return facts


def signature(value):
    """Two names of one signature could be taken for one another."""
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, np.random.Generator):
        return "generator"
    if isinstance(value, np.ndarray) or type(value).__name__ == "Tensor":
        return f"array {tuple(value.shape)} {value.dtype}" if value.shape else type(value.item()).__name__
    return "function" if callable(value) else type(value).__name__


def written(value):
    """The value as source, or None for one that no student would write down."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray) and value.size <= 12 and value.dtype.kind in "bif":
        return f"np.array({value.tolist()!r})"
    if type(value).__name__ == "Tensor" and value.numel() <= 12:
        return f"torch.tensor({value.tolist()!r}, dtype={value.dtype})"
    plain = isinstance(value, bool | int | float | str | list | tuple | None)
    return repr(value) if plain and len(repr(value)) < 200 and "<" not in repr(value) else None


# Children.


def in_children(tasks, jobs, seconds=SECONDS):
    """What each task returns, in their order, each from a forked child; None of one that died or took too long."""
    reports, running = [None] * len(tasks), {}
    waiting = iter(enumerate(tasks))
    while True:
        while len(running) < jobs and (following := next(waiting, None)):
            number, task = following
            read, child = fork(task, seconds)
            running[read] = number, child, []
        if not running:
            return reports
        for read in select.select(list(running), [], [])[0]:
            number, child, chunks = running[read]
            if chunk := os.read(read, 65536):
                chunks.append(chunk)
                continue
            os.close(read)
            os.waitpid(child, 0)
            reports[number] = json.loads(b"".join(chunks)) if chunks else None
            del running[read]


def fork(task, seconds):
    """A child that computes `task()` within limits, and the end of the pipe from which to read its JSON."""
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        try:
            limit(seconds)
            report = json.dumps(task()).encode()
            with open(write, "wb") as pipe:
                pipe.write(report)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(write)
    return read, child


def limit(seconds):
    """Processor time, so that a busy machine changes no verdict; the clock, for one that sleeps; memory."""
    import resource  # Windows has none, and cannot fork either

    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.alarm(20 * seconds)
    if (status := Path("/proc/self/status")).exists():
        used = int(re.search(r"VmData:\s*(\d+) kB", status.read_text()).group(1)) * 1024
        resource.setrlimit(resource.RLIMIT_DATA, (used + 2 * GIGABYTE,) * 2)


# The verdicts of a chapter.


def sampled(mutant, share):
    """Every `share`th mutant, always the same ones."""
    return zlib.crc32(mutant.change.encode()) % share == 0


def verdicts(name, share):
    """What the checks of chapter `name` say: [exercise, kind, name, {test: how it fails, or None}] of each answer."""
    chapter, report = Chapter(name), []
    released = {grade_id(cell): cell.source for cell in notebook("exercises", name).cells}
    others = answers(name)
    for number, part in chapter:
        tried = [Answer(number, UNTOUCHED, "", released[number])]
        tried += [answer for answer in others if answer.exercise == number]
        all_mutants = chapter.mutants(part) if share else []
        tried += [Answer(number, "mutant", m.change, m.source) for m in all_mutants if sampled(m, share)]
        report += [[*answer[:3], said] for answer, said in zip(tried, chapter.judge(part, tried))]
        report += [[number, "all mutants", "", {mutant.change: mutant.kind for mutant in all_mutants}]]
    return report + [["", "reference", "", chapter.said]]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("chapter")
    parser.add_argument("--share", type=int, default=0)
    arguments = parser.parse_args()
    stdout = silence()
    with stdout:
        json.dump(verdicts(arguments.chapter, arguments.share), stdout)


def silence():
    """From here on nothing that notebook and answers print is seen; what was standard output, to write to."""
    stdout = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return stdout


if __name__ == "__main__":
    main()
