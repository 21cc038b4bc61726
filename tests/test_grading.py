"""A class of submissions, good and strange, graded by the commands of the README."""

import copy
import csv
import os
import shutil
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell
from nbgrader.api import Gradebook

from judging import ROOT, answers, exercise, grade_id, kind

CHAPTER = "02-markov-decision-processes"
SECONDS = 8  # that a cell of a submission may run

ENDLESS = """\
while True:
    try:
        print("and so on" * 1000)
    except BaseException:
        pass
"""
NOISE = """\
import sys
get_ipython().events.register("post_run_cell", lambda result: print("a warning", file=sys.stderr))
"""

pytestmark = pytest.mark.slow


class Chapter:
    """The chapter's exercises as students have them, and what they are worth."""

    def __init__(self, folder):
        def read(where):
            return nbformat.read(folder / where / CHAPTER / f"{CHAPTER}.ipynb", as_version=4)

        solutions, self.released = read("solutions"), read("exercises")
        self.reference = {grade_id(cell): cell.source for cell in solutions.cells if kind(cell) in ("answer", "open")}
        self.points = {}  # of each exercise that is graded without a hand
        self.open = {}
        for cell in solutions.cells:
            if kind(cell) in ("test", "open"):
                sums = self.points if kind(cell) == "test" else self.open
                sums[exercise(cell)] = sums.get(exercise(cell), 0) + cell.metadata.nbgrader.points

    def one(self, sort):
        """A right or a wrong answer to every exercise, from tests/wrong_answers."""
        return {a.exercise: a.source for a in reversed(answers(CHAPTER)) if a.kind == sort}

    def notebook(self, filled=None):
        """A student's notebook: the released one with these answers (the reference's if none are given)."""
        nb = copy.deepcopy(self.released)
        for name, source in (self.reference if filled is None else filled).items():
            self.cell(nb, name).source = source
        return nb

    @staticmethod
    def cell(nb, name):
        return next(cell for cell in nb.cells if grade_id(cell) == name)

    @staticmethod
    def tests(nb):
        return [cell for cell in nb.cells if kind(cell) == "test"]


def hand_in(chapter, folder):
    """Write the class's submissions; for each, the exercises that lose points and words of the remark."""
    everything = set(chapter.points)
    first, second, *_ = chapter.points
    expected = {}

    def submit(student, nb, lost, remark="", path=None):
        path = folder / (path or f"{student}.ipynb")
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(nb if isinstance(nb, str) else nbformat.writes(nb), encoding="utf-8")
        expected[student] = (lost, remark)

    submit("untouched", chapter.notebook({}), everything)
    submit("all-right", chapter.notebook(), set())
    submit("differently-right", chapter.notebook(chapter.one("right")), set())
    submit("all-wrong", chapter.notebook(chapter.one("wrong")), everything)
    submit("one-wrong", chapter.notebook(chapter.reference | {first: chapter.one("wrong")[first]}), {first})
    half = dict(list(chapter.reference.items())[: len(chapter.reference) // 2])
    submit("half-done", chapter.notebook(half), everything - set(half))

    nb = chapter.notebook({})
    for cell in chapter.tests(nb):
        cell.source = "pass"
    submit("tests-emptied", nb, everything, "was changed: restored")

    nb = chapter.notebook({})
    for cell in chapter.tests(nb):
        cell.metadata["tags"] = ["skip-execution"]
        cell.metadata.nbgrader["grade"] = True
        cell.metadata.nbgrader["points"] = 100
    submit("tests-skipped", nb, everything)

    nb = chapter.notebook()
    for cell in chapter.tests(nb):
        cell.metadata.nbgrader |= {"points": 100, "locked": False, "schema_version": 1}
    submit("points-raised", nb, set())

    nb = chapter.notebook()
    nb.cells = [cell for cell in nb.cells if exercise(cell) != first or kind(cell) != "test"]
    submit("test-deleted", nb, set(), f"{first}-test was deleted: put back")

    submit("endless", chapter.notebook(chapter.reference | {second: ENDLESS}), {second}, f"{second} stopped")
    killer = "import os\nos._exit(0)"
    submit(
        "kernel-killed",
        chapter.notebook(chapter.reference | {second: killer}),
        {second},
        f"{second} ended the Python kernel",
    )

    nb = chapter.notebook()
    nb.cells.insert(len(nb.cells) // 2, new_code_cell("exit()"))
    submit("exit-called", nb, set(), "ended the Python kernel")

    nb = chapter.notebook()
    for cell in (chapter.cell(nb, first), chapter.tests(nb)[0], chapter.tests(nb)[-1]):
        cell.cell_type = "markdown"
        del cell["outputs"], cell["execution_count"]
    submit("retyped", nb, set(), "was turned into markdown")

    nb = chapter.notebook()
    twin = chapter.tests(nb)[0]
    nb.cells.insert(nb.cells.index(twin), new_code_cell(twin.source, metadata=copy.deepcopy(twin.metadata)))
    submit("duplicated", nb, set(), f"{grade_id(twin)} occurs twice")

    nb = chapter.notebook()
    nb.cells.insert(0, new_code_cell(NOISE))
    submit("warnings-printed", nb, set())

    submit("no-notebook", "Dear teacher, I could not do it.", everything, "not a notebook")
    submit(
        "not-json-cells",
        '{"cells": 3, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}',
        everything,
        "not a notebook",
    )
    submit("word-file", "a report", everything, "but report.docx", path="word-file/report.docx")
    submit("renamed", chapter.notebook(), set(), path="renamed/my homework.ipynb")
    (folder / "empty").mkdir()
    expected["empty"] = (everything, "no notebook")
    return expected


def command(folder, *words):
    environment = os.environ | {"RLBOOK_CELL_SECONDS": str(SECONDS)}
    run = subprocess.run(
        [sys.executable, "tools/exercises.py", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def grades(folder):
    with open(folder / "grades" / f"{CHAPTER}.csv", newline="", encoding="utf-8") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A copy of the course in which the class has been graded."""
    folder = tmp_path_factory.mktemp("course")
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    shutil.copytree(ROOT / "tools", folder / "tools")
    shutil.copytree(ROOT / "solutions" / CHAPTER, folder / "solutions" / CHAPTER)
    command(folder, "generate", CHAPTER)
    chapter = Chapter(folder)
    expected = hand_in(chapter, folder / "handed-in")
    said = command(folder, "grade", CHAPTER, "--from", "handed-in", "--jobs", "2")
    return folder, chapter, expected, said


def test_every_student_is_in_the_grades(graded):
    folder, _, expected, said = graded
    assert set(grades(folder)) == set(expected)
    assert all(student in said for student in expected)


def test_points_are_lost_where_the_answer_is_wrong_and_nowhere_else(graded):
    folder, chapter, expected, _ = graded
    wrong = {}
    for student, row in grades(folder).items():
        lost = {name for name, points in chapter.points.items() if float(row[name]) < points}
        none = {name for name in lost if float(row[name]) == 0}
        if lost != expected[student][0] or (none != lost and "wrong" not in student):
            wrong[student] = row
        assert float(row["autograded"]) == sum(float(row[name]) for name in chapter.points)
        assert float(row["autograded_max"]) == sum(chapter.points.values())
    assert wrong == {}


def test_the_instructor_is_told_what_was_strange(graded):
    folder, _, expected, _ = graded
    rows = grades(folder)
    for student, (_, remark) in expected.items():
        assert remark in rows[student]["remark"] if remark else rows[student]["remark"] == "", rows[student]


def test_everyone_whose_notebook_can_be_read_gets_feedback(graded):
    folder, _, expected, _ = graded
    for student, (_, remark) in expected.items():
        page = folder / "feedback" / student / CHAPTER / f"{CHAPTER}.html"
        assert page.exists() == (not remark.startswith(("no", "but"))), student


def test_an_open_answer_waits_for_the_instructor_and_then_counts_apart(graded, monkeypatch):
    folder, chapter, _, _ = graded
    [name] = chapter.open
    before = grades(folder)
    assert before["all-right"]["to_grade"] == name and before["all-right"][name] == ""
    assert before["untouched"]["to_grade"] == "" and float(before["untouched"][name]) == 0
    monkeypatch.setenv("PATH", os.path.dirname(sys.executable), prepend=os.pathsep)  # where nbgrader looks for alembic
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:  # as formgrader does
        grade = gradebook.find_grade(name, CHAPTER, CHAPTER, "all-right")
        grade.manual_score, grade.needs_manual_grade = 1, False
        gradebook.db.commit()
    command(folder, "grades", CHAPTER)
    after = grades(folder)["all-right"]
    assert (float(after["by_hand"]), float(after["by_hand_max"]), after["to_grade"]) == (
        1,
        chapter.open[name],
        "",
    )
    assert after["autograded"] == before["all-right"]["autograded"]
