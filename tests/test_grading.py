"""Classes of submissions, good and strange, graded by the commands of the README; and a reader alone."""

import copy
import csv
import io
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile

import nbformat
import pytest
from nbformat.v4 import new_code_cell
from nbgrader.api import Gradebook

from grading.released import ROOT
from judging import answers, exercise, grade_id, kind
from small_course import CHAPTER, POINTS, REFERENCE, Course, notebook

REAL = "02-markov-decision-processes"
SECONDS = "8"  # that a cell of a submission may run

WRONG = {
    "exercise-1": "def twice(x):\n    return x + 100",
    "exercise-2": "total = 5",
    "exercise-3": "def four_times(x):\n    return x",
    "exercise-4": "I do not know.",
}
RIGHT = {
    "exercise-1": "def twice(x):\n    return x + x",
    "exercise-2": "total = sum(numbers)",
    "exercise-3": "four_times = lambda x: 4 * x",
}
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


def cell(nb, name):
    return next(cell for cell in nb.cells if grade_id(cell) == name)


def checks_of(nb):
    return [cell for cell in nb.cells if kind(cell) == "test"]


def hand_in(folder):
    """Write the class's submissions; for each, the exercises that lose points and words of the remark."""
    everything = set(POINTS)
    first, second, *_ = POINTS
    expected = {}

    def submit(student, nb, lost, remark="", path=None):
        path = folder / (path or f"{student}.ipynb")
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(nb if isinstance(nb, str) else nbformat.writes(nb), encoding="utf-8")
        expected[student] = (lost, remark)

    submit("untouched", notebook({}), everything)
    submit("all-right", notebook(), set())
    submit("differently-right", notebook(RIGHT), set())
    submit("all-wrong", notebook(WRONG), everything)
    submit("one-wrong", notebook(REFERENCE | {first: WRONG[first]}), {first})
    half = dict(list(REFERENCE.items())[: len(REFERENCE) // 2])
    submit("half-done", notebook(half), everything - set(half))

    nb = notebook({})
    for test in checks_of(nb):
        test.source = "pass"
    submit("tests-emptied", nb, everything, "was changed: restored")

    nb = notebook({})
    for test in checks_of(nb):
        test.metadata["tags"] = ["skip-execution"]
        test.metadata.nbgrader["grade"] = True
        test.metadata.nbgrader["points"] = 100
    submit("tests-skipped", nb, everything)

    nb = notebook()
    for test in checks_of(nb):
        test.metadata.nbgrader |= {"points": 100, "locked": False, "schema_version": 1}
    submit("points-raised", nb, set())

    nb = notebook()
    nb.cells = [cell for cell in nb.cells if exercise(cell) != first or kind(cell) != "test"]
    submit("test-deleted", nb, set(), f"{first}-test was deleted: put back")

    nb = notebook(REFERENCE | {first: WRONG[first]})
    nb.cells = [cell for cell in nb.cells if kind(cell) != "test"]
    submit("tests-deleted", nb, {first}, f"{first}-test-hidden was deleted: put back")

    nb = notebook()
    for each in nb.cells:
        each.metadata = {}
    submit("metadata-dropped", nb, set(), "16 cells had lost their nbgrader metadata")

    submit("endless", notebook(REFERENCE | {second: ENDLESS}), {second}, f"{second} stopped")
    killer = "import os\nos._exit(0)"
    submit("kernel-killed", notebook(REFERENCE | {second: killer}), {second}, f"{second} ended the Python kernel")

    nb = notebook()
    nb.cells.insert(len(nb.cells) // 2, new_code_cell("exit()"))
    submit("exit-called", nb, set(), "ended the Python kernel")

    nb = notebook()
    for each in (cell(nb, first), checks_of(nb)[0], checks_of(nb)[-1]):
        each.cell_type = "markdown"
        del each["outputs"], each["execution_count"]
    submit("retyped", nb, set(), "was turned into markdown")

    nb = notebook()
    twin = checks_of(nb)[0]
    nb.cells.insert(nb.cells.index(twin), new_code_cell(twin.source, metadata=copy.deepcopy(twin.metadata)))
    submit("duplicated", nb, set(), f"{grade_id(twin)} occurs twice")

    nb = notebook()
    nb.cells.insert(0, new_code_cell(NOISE))
    submit("warnings-printed", nb, set())

    submit("no-notebook", "Dear teacher, I could not do it.", everything, "not a notebook")
    no_cells = '{"cells": 3, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}'
    submit("not-json-cells", no_cells, everything, "not a notebook")
    submit("word-file", "a report", everything, "but report.docx", path="word-file/report.docx")
    submit("renamed", notebook(), set(), path="renamed/my homework.ipynb")
    submit("a twin", notebook({}), everything, path="a twin/1.ipynb")
    submit("a twin", notebook(), set(), "2 notebooks: graded is 2.ipynb, not 1.ipynb", path="a twin/2.ipynb")
    (folder / "empty").mkdir()
    expected["empty"] = (everything, "no notebook")
    return expected


def grades(folder, chapter=CHAPTER, name=""):
    with open(folder / "grades" / f"{chapter}{name}.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def by_student(folder, chapter=CHAPTER):
    return {row["student"]: row for row in grades(folder, chapter)}


@pytest.fixture(scope="module")
def courses(tmp_path_factory):
    """Makes new courses."""
    made = []

    def new(**environment):
        made.append(Course(tmp_path_factory.mktemp("course"), **environment))
        return made[-1]

    yield new
    for course in made:
        course.leave()


@pytest.fixture(scope="module")
def graded(courses):
    """A course in which the class has been graded."""
    course = courses(RLBOOK_CELL_SECONDS=SECONDS)
    expected = hand_in(course.folder / "handed-in")
    said = course.run("grade", CHAPTER, "--from", "handed-in", "--jobs", 2)
    return course, expected, said


def test_every_student_is_in_the_grades(graded):
    course, expected, said = graded
    assert set(by_student(course.folder)) == set(expected)
    assert all(student in said for student in expected)


def test_points_are_lost_where_the_answer_is_wrong_and_nowhere_else(graded):
    course, expected, _ = graded
    wrong = {}
    for student, row in by_student(course.folder).items():
        lost = {name for name, points in POINTS.items() if float(row[name]) < points}
        none = {name for name in lost if float(row[name]) == 0}
        if lost != expected[student][0] or none != lost:
            wrong[student] = row
        assert float(row["autograded"]) == sum(float(row[name]) for name in POINTS)
        assert {name: float(row[f"{name}_max"]) for name in POINTS} == POINTS
        assert float(row["autograded_max"]) == sum(POINTS.values())
        assert (float(row["exercise-4_max"]), float(row["total_max"])) == (3, 3 + sum(POINTS.values()))
    assert wrong == {}


def test_the_instructor_is_told_what_was_strange(graded):
    course, expected, _ = graded
    rows = by_student(course.folder)
    for student, (_, remark) in expected.items():
        assert remark in rows[student]["remark"] if remark else rows[student]["remark"] == "", rows[student]


def test_everyone_whose_notebook_can_be_read_gets_feedback(graded):
    course, expected, _ = graded
    for student, (_, remark) in expected.items():
        page = course.folder / "feedback" / student / CHAPTER / f"{CHAPTER}.html"
        assert page.exists() == (not remark.startswith(("no", "but"))), student


def test_nothing_of_the_same_class_is_run_a_second_time(graded):
    course, _, _ = graded
    before = course.file("grades", f"{CHAPTER}.csv")
    said = course.run("grade", CHAPTER, "--from", "handed-in")
    assert said.count("graded before, and the same since") == 20 and "graded\n" not in said
    assert course.file("grades", f"{CHAPTER}.csv") == before


def test_zero_is_told_apart_from_not_graded_yet(graded):
    course, _, _ = graded
    rows = by_student(course.folder)
    assert (rows["all-wrong"]["exercise-4"], rows["all-wrong"]["total"], rows["all-wrong"]["by_hand"]) == ("", "", "")
    assert rows["all-wrong"]["autograded"] == "0" and rows["all-wrong"]["to_grade"] == "exercise-4"
    for student in ("untouched", "no-notebook", "empty"):
        assert (rows[student]["exercise-4"], rows[student]["total"], rows[student]["to_grade"]) == ("0", "0", "")


def test_open_answers_are_listed_by_exercise_with_what_was_written(graded):
    course, _, _ = graded
    lines = {line["student"]: line for line in grades(course.folder, name="-by-hand")}
    assert {line["exercise"] for line in lines.values()} == {"exercise-4"}
    assert (lines["all-wrong"]["answer"], lines["all-wrong"]["points"], lines["all-wrong"]["max"]) == (
        "I do not know.",
        "",
        "3",
    )
    assert lines["untouched"]["points"] == "0"


def test_an_open_answer_waits_for_the_instructor_and_then_counts_apart(graded, monkeypatch):
    course, _, _ = graded
    before = by_student(course.folder)
    assert before["all-right"]["to_grade"] == "exercise-4" and before["all-right"]["exercise-4"] == ""
    monkeypatch.setenv("PATH", course.environment["PATH"])
    with Gradebook(f"sqlite:///{course.folder / 'gradebook.db'}") as gradebook:  # as formgrader does
        grade = gradebook.find_grade("exercise-4", CHAPTER, CHAPTER, "all-right")
        grade.manual_score, grade.needs_manual_grade = 1, False
        gradebook.db.commit()
    course.run("grades", CHAPTER)
    after = by_student(course.folder)["all-right"]
    assert (float(after["by_hand"]), float(after["by_hand_max"]), after["to_grade"]) == (1, 3, "")
    assert after["autograded"] == before["all-right"]["autograded"]
    assert float(after["total"]) == 1 + float(after["autograded"])


def test_points_are_given_by_hand_from_the_command_line(graded):
    course, _, _ = graded
    course.run("points", CHAPTER, "one-wrong", "exercise-4", 2.5, "--comment", "nearly")
    course.run("points", CHAPTER, "one-wrong", "2.1", 2)  # in the place of what its tests gave
    course.run("points", CHAPTER, "word-file", 4, 3)  # in words, elsewhere
    rows = by_student(course.folder)
    assert [rows["one-wrong"][column] for column in ("exercise-1", "exercise-4", "total", "to_grade")] == [
        "2",
        "2.5",
        "8.5",
        "",
    ]
    assert [rows["word-file"][column] for column in ("exercise-1", "exercise-4", "total")] == ["0", "3", "3"]
    page = course.file("feedback", "one-wrong", CHAPTER, f"{CHAPTER}.html")
    assert "nearly" in page and "Score: 8.5 / 10.0" in page
    course.run("grade", CHAPTER, "--from", "handed-in")  # takes nothing of it away
    assert by_student(course.folder)["word-file"]["total"] == "3"
    assert by_student(course.folder)["one-wrong"]["total"] == "8.5"


REFUSED = {
    "too many points": (("all-right", "4", 3.5), "exercise-4 is worth from 0 to 3 points; 3.5 were given"),
    "points below 0": (("all-right", "exercise-4", "-1"), "worth from 0 to 3 points; -1 were given"),
    "points that are none": (("all-right", "exercise-4", "nan"), "worth from 0 to 3 points; nan were given"),
    "an unknown exercise": (
        ("all-right", "9", 1),
        "no exercise exercise-9 in 02-small; there are exercise-1, exercise-2",
    ),
    "an unknown student": (
        ("al-right", "4", 1),
        "no submission of 'al-right' for 02-small; there are a twin, all-right",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_points_that_cannot_be_given_are_refused(case, graded):
    course, _, _ = graded
    (student, which, points), why = REFUSED[case]
    said = course.run("points", CHAPTER, student, which, f" {points}", status=1)
    assert why in said and len(said) < 500


def write_class(folder, **students):
    folder.mkdir(exist_ok=True)
    for student, filled in students.items():
        nbformat.write(notebook(filled), folder / f"{student}.ipynb")


PAUSE = {"exercise-2": "import time\ntime.sleep(1)\ntotal = 6"}
CLASS = {
    "ann": REFERENCE | PAUSE,
    "bob": WRONG | PAUSE,
    "cleo": RIGHT | PAUSE,
    "dan": REFERENCE | {"exercise-1": "import os\nos._exit(1)"} | PAUSE,
    "eve": REFERENCE | {"exercise-3": WRONG["exercise-3"]} | PAUSE,
}


@pytest.fixture(scope="module")
def again_and_again(courses):
    """A course for one class after the other."""
    return courses()


@pytest.fixture
def course(again_and_again):
    """A course without a class."""
    again_and_again.clear()
    return again_and_again


@pytest.fixture(scope="module")
def one_after_the_other(again_and_again):
    """The grades of the class, graded without haste or interruption."""
    again_and_again.clear()
    write_class(again_and_again.folder / "in", **CLASS)
    again_and_again.run("grade", CHAPTER, "--from", "in")
    return again_and_again.file("grades", f"{CHAPTER}.csv")


def test_several_at_a_time_have_the_same_grades(one_after_the_other, course):
    write_class(course.folder / "in", **CLASS)
    course.run("grade", CHAPTER, "--from", "in", "--jobs", 3)
    assert course.file("grades", f"{CHAPTER}.csv") == one_after_the_other


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_grading_that_was_killed_goes_on_without_losing_a_mark(how, one_after_the_other, course):
    write_class(course.folder / "in", **CLASS)
    process = course.start("grade", CHAPTER, "--from", "in", "--jobs", 2)
    deadline = time.monotonic() + 120
    while len(list((course.folder / "feedback").glob("*/*/.marks"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(how)
    process.communicate(timeout=60)
    assert process.returncode != 0
    said = course.run("grade", CHAPTER, "--from", "in", "--jobs", 2)
    assert 2 <= said.count("graded before, and the same since") < len(CLASS)
    assert course.file("grades", f"{CHAPTER}.csv") == one_after_the_other


def test_who_hands_in_again_is_graded_again_and_points_by_hand_are_looked_at_again(course):
    write_class(course.folder / "in", ann=WRONG, bob=WRONG)
    course.run("grade", CHAPTER, "--from", "in")
    for student in ("ann", "bob"):
        course.run("points", CHAPTER, student, 4, 1)
    write_class(course.folder / "in", ann=REFERENCE)
    said = course.run("grade", CHAPTER, "--from", "in")
    rows = by_student(course.folder)
    assert "ann: graded\n" in said and "bob: graded before" in said
    assert [rows["ann"][column] for column in ("exercise-1", "exercise-4", "to_grade")] == ["3", "1", "exercise-4"]
    assert [rows["bob"][column] for column in ("exercise-1", "exercise-4", "to_grade")] == ["0", "1", ""]
    (course.folder / "in" / "ann.ipynb").write_text("My dog has it.")
    course.run("grade", CHAPTER, "--from", "in")
    assert [by_student(course.folder)["ann"][column] for column in ("exercise-1", "exercise-4")] == ["0", "1"]


def test_a_class_is_closed_and_the_next_one_and_the_other_chapters_go_on(course):
    other = "03-other"
    path = course.folder / "solutions" / other / f"{other}.ipynb"
    path.parent.mkdir()
    nb = nbformat.read(course.folder / "solutions" / CHAPTER / f"{CHAPTER}.ipynb", as_version=4)
    cell(nb, "introduction").source = "# Exercises 3. Other ones"
    nbformat.write(nb, path)
    write_class(course.folder / "in", ann=REFERENCE)
    for chapter in (CHAPTER, other):
        shutil.rmtree(course.folder / "in")
        nb = notebook()
        cell(nb, "introduction").source = {CHAPTER: "# Exercises 2. Small ones"}.get(
            chapter, "# Exercises 3. Other ones"
        )
        (course.folder / "in").mkdir()
        nbformat.write(nb, course.folder / "in" / "ann.ipynb")
        course.run("grade", chapter, "--from", "in")
        course.run("points", chapter, "ann", 4, 3)
    marks = {chapter: course.file("grades", f"{chapter}.csv") for chapter in (CHAPTER, other)}

    archive = course.folder / course.run("close", CHAPTER).splitlines()[-1]
    with zipfile.ZipFile(archive) as packed:
        assert {f"submitted/ann/{CHAPTER}/{CHAPTER}.ipynb", f"grades/{CHAPTER}.csv", "gradebook.db"} <= set(
            packed.namelist()
        )
        assert packed.read(f"grades/{CHAPTER}.csv").decode().splitlines() == marks[CHAPTER].splitlines()
    assert not list(course.folder.glob(f"*/ann/{CHAPTER}")) and list(course.folder.glob(f"feedback/ann/{other}"))
    assert course.file("grades", f"{CHAPTER}.csv") == marks[CHAPTER]
    course.run("grades", other)
    assert course.file("grades", f"{other}.csv") == marks[other]
    assert "nothing to close" in course.run("close", CHAPTER, status=1)

    write_class(course.folder / "in", ann=WRONG)  # another of the same name, next year
    course.run("grade", CHAPTER, "--from", "in")
    assert by_student(course.folder)["ann"]["exercise-4"] == ""


@pytest.fixture(scope="module")
def real(courses):
    """A course with a chapter of the book, and a class of the answers that are tried on its checks."""
    course = courses()
    shutil.rmtree(course.folder / "solutions")
    shutil.copytree(ROOT / "solutions" / REAL, course.folder / "solutions" / REAL)
    course.run("generate", REAL)
    solved = nbformat.read(course.folder / "solutions" / REAL / f"{REAL}.ipynb", as_version=4)
    reference = {grade_id(c): c.source for c in solved.cells if kind(c) in ("answer", "open")}
    ours = {
        sort: {a.exercise: a.source for a in reversed(answers(REAL)) if a.kind == sort} for sort in ("wrong", "right")
    }
    for student, filled in {"reference": reference, "untouched": {}, **ours}.items():
        nb = nbformat.read(course.folder / "exercises" / REAL / f"{REAL}.ipynb", as_version=4)
        for name, source in filled.items():
            cell(nb, name).source = source
        (course.folder / "in").mkdir(exist_ok=True)
        nbformat.write(nb, course.folder / "in" / f"{student}.ipynb")
    course.run("grade", REAL, "--from", "in", "--jobs", 2)
    points = {}
    for each in checks_of(solved):
        points[exercise(each)] = points.get(exercise(each), 0) + each.metadata.nbgrader.points
    return course, points


def test_a_chapter_of_the_book_is_graded(real):
    course, points = real
    rows = by_student(course.folder, REAL)
    earned = {student: {name: float(row[name]) for name in points} for student, row in rows.items()}
    assert earned["reference"] == earned["right"] == points
    assert earned["untouched"] == dict.fromkeys(points, 0)
    assert all(earned["wrong"][name] < points[name] for name in points)
    assert {row["remark"] for row in rows.values()} == {""}


def checked(course, nb, *options, status):
    nbformat.write(nb, course.folder / "my notebook.ipynb")
    return course.run("check", "my notebook.ipynb", *options, status=status).splitlines()


def test_a_reader_alone_reads_a_line_for_what_is_right_or_not_answered(course):
    said = checked(course, notebook(), status=0)
    assert said == [
        "Exercise 2.1: twice: 3 of 3 points",
        "Exercise 2.2: the sum: 2 of 2 points",
        "Exercise 2.3: twice twice: 2 of 2 points",
        "Exercise 2.4: why: an open question, compare it with solutions/",
    ]
    said = checked(course, notebook({}), status=1)
    assert [line.split(": ")[-1] for line in said] == ["not answered yet"] * 4
    assert checked(course, notebook({"exercise-3": RIGHT["exercise-3"]}), "--exercise", 3, status=0) == [
        "Exercise 2.3: twice twice: 2 of 2 points"
    ]


def test_a_reader_alone_reads_messages_and_no_test(course):
    said = checked(
        course,
        notebook(
            {
                "exercise-1": "def twice(x):\n    return abs(2 * x)",  # seen by the hidden test only
                "exercise-2": "two = 2\ntotal = ten + 6",
                "exercise-3": "def four_times(x):\n    y = [x]\n    return y[4]",
            }
        ),
        status=1,
    )
    assert said == [
        "Exercise 2.1: twice: 2 of 3 points",
        "    twice a negative number is negative, yours is 10",
        "Exercise 2.2: the sum: 0 of 2 points",
        "    line 2 of exercise-2, `total = ten + 6`: NameError: name 'ten' is not defined",
        "Exercise 2.3: twice twice: 0 of 2 points",
        "    line 3 of exercise-3, `return y[4]`: IndexError: list index out of range",
        "Exercise 2.4: why: not answered yet",
    ]


def test_a_reader_who_has_no_such_notebook_or_exercise_is_told(course):
    assert "no exercise 7 in 02-small; there are exercise-1" in "\n".join(
        checked(course, notebook(), "--exercise", 7, status=1)
    )
    (course.folder / "letter.ipynb").write_text("Dear reader")
    assert "not a notebook" in course.run("check", "letter.ipynb", status=1)
    nbformat.write(nbformat.v4.new_notebook(cells=[new_code_cell("1 + 1")]), course.folder / "mine.ipynb")
    assert "no exercises of the book are in it" in course.run("check", "mine.ipynb", status=1)


def test_a_class_gets_neither_solutions_nor_hidden_tests(tmp_path):
    command = [sys.executable, "tools/exercises.py", "pack", REAL, "--to", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    names, texts = [], []
    with zipfile.ZipFile(tmp_path / f"{REAL}.zip") as packed:
        for name in packed.namelist():
            content = packed.read(name)
            inner = zipfile.ZipFile(io.BytesIO(content)) if name.endswith(".whl") else None
            names += [name, *(inner.namelist() if inner else [])]
            texts += [inner.read(each) for each in inner.namelist()] if inner else [content]
    assert f"{REAL}/exercises/{REAL}/{REAL}.ipynb" in names and f"{REAL}/chapters/{REAL}.ipynb" in names
    assert [name for name in names if re.search("solutions|tests/|wrong_answers", name)] == []
    solved = nbformat.read(ROOT / "solutions" / REAL / f"{REAL}.ipynb", as_version=4)
    secret = re.compile(r"### BEGIN (?:SOLUTION|HIDDEN TESTS)\n(.*?)### END", re.DOTALL)
    secrets = [found for each in solved.cells for found in secret.findall(each.source)]
    seen = "\n".join(secret.sub("", each.source) for each in solved.cells)
    assert len(secrets) > 5
    plain = "\n".join(text.decode("utf-8", errors="replace") for text in texts)
    unquoted = plain.replace('\\"', '"').replace('\\n",\n    "', "\n")
    lines = [line.strip() for found in secrets for line in found.splitlines() if len(line.strip()) > 40]
    lines = [line for line in lines if line not in seen]
    assert [line for line in lines if line in unquoted] == []
    assert "pip install -c constraints.txt" in plain
