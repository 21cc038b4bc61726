"""The exercises of every chapter: generated from the solutions, fair to right answers, hard on wrong ones.

One chapter only: pytest tests/test_exercises.py -k 07; one exercise: -k "07 and exercise-3".
"""

import ast
import csv
import difflib
import functools
import json
import os
import re
import subprocess
import sys
from collections import Counter

import pytest

from exercises import out_of_date
from grading.released import ROOT, chapters
from judging import SLIPS, UNTOUCHED, answers, exercise, grade_id, kind, notebook
from mutants import equivalents, summary

CHAPTERS = chapters()
ANSWERS = [
    pytest.param(chapter, answer, id=f"{chapter}-{answer.exercise}-{answer.kind}-{answer.name}")
    for chapter in CHAPTERS
    for answer in answers(chapter)
]

each_chapter = pytest.mark.parametrize("chapter", CHAPTERS)
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="the harness forks, which Windows cannot")


SHARE = 6  # of the mutants every sixth is tried here; `make mutants` tries all


@functools.cache
def verdicts(chapter):
    """What each test cell says: a list of (exercise, kind, name, {test cell: how it fails, or None}), see judging.py."""
    threads = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    environment = os.environ | threads | {"MPLBACKEND": "agg"}  # a pool of threads does not survive a fork
    command = [sys.executable, ROOT / "tools" / "judging.py", chapter, "--share", str(SHARE)]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=ROOT / "solutions" / chapter)
    assert run.returncode == 0, f"{chapter}: the solutions cannot be run\n{run.stderr[-3000:]}"
    return json.loads(run.stdout)


def of_kind(chapter, wanted):
    return [cell for cell in notebook("solutions", chapter).cells if kind(cell) == wanted]


def test_there_are_chapters_with_exercises_and_answers_to_try():
    assert CHAPTERS, "solutions/ holds no notebook"
    assert {parameter.values[0] for parameter in ANSWERS} == set(CHAPTERS), "a chapter has no tests/wrong_answers"


@each_chapter
def test_exercises_are_what_the_solutions_generate(chapter):
    assert not out_of_date(chapter), f"run: python tools/exercises.py generate {chapter}"


@each_chapter
def test_a_chapter_has_six_exercises_and_an_open_question_for_8_to_20_points(chapter):
    graded, open_questions = of_kind(chapter, "test"), of_kind(chapter, "open")
    assert len(of_kind(chapter, "answer")) + len(open_questions) >= 6
    assert open_questions
    assert 8 <= sum(cell.metadata.nbgrader.points for cell in graded + open_questions) <= 20
    assert all(cell.metadata.nbgrader.points > 0 for cell in graded + open_questions)


@each_chapter
def test_cells_are_named_by_their_exercise_and_stand_in_its_order(chapter):
    cells = [cell for cell in notebook("solutions", chapter).cells if "nbgrader" in cell.metadata]
    names = [grade_id(cell) for cell in cells]
    assert [name for name, count in Counter(names).items() if count > 1] == []
    for cell in of_kind(chapter, "answer") + of_kind(chapter, "open"):
        assert grade_id(cell) == exercise(cell), f"{grade_id(cell)}: an answer is named exercise-N"
    for cell in of_kind(chapter, "answer"):
        tests = [test for test in of_kind(chapter, "test") if exercise(test) == grade_id(cell)]
        assert tests, f"{grade_id(cell)} has no test"
        assert all(names.index(grade_id(test)) > names.index(grade_id(cell)) for test in tests)
    for cell in of_kind(chapter, "test"):
        assert re.fullmatch(r"exercise-\d+-test.*", grade_id(cell)), (
            f"{grade_id(cell)}: a test is named exercise-N-test..."
        )
        assert exercise(cell) in names, f"{grade_id(cell)} has no answer cell"
    loose = [grade_id(cell) for cell in cells if kind(cell) is None and not cell.metadata.nbgrader.locked]
    assert not loose, f"{loose}: whatever is neither answer nor test is locked"


@each_chapter
def test_every_exercise_has_a_folded_hint(chapter):
    texts = {}
    for cell in notebook("solutions", chapter).cells:
        if cell.cell_type == "markdown" and kind(cell) is None:
            texts[exercise(cell)] = texts.get(exercise(cell), "") + cell.source
    for cell in of_kind(chapter, "answer") + of_kind(chapter, "open"):
        assert "<details>" in texts.get(grade_id(cell), ""), f"{grade_id(cell)} has no hint in <details>"


@each_chapter
def test_every_assert_explains_itself_and_no_test_ends_in_a_value(chapter):
    for cell in of_kind(chapter, "test"):
        tree = ast.parse(cell.source)
        for node in ast.walk(tree):
            assert not isinstance(node, ast.Assert) or node.msg, f"{grade_id(cell)}: no message in {ast.unparse(node)}"
        last = ast.unparse(tree.body[-1]) if tree.body and isinstance(tree.body[-1], ast.Expr) else ""
        assert tree.body and (not last or last.startswith("check_")), (  # these return nothing
            f"{grade_id(cell)}: its last value would be taken as points"
        )


@each_chapter
def test_every_graded_exercise_is_tried_with_three_wrong_answers_and_a_right_one(chapter):
    known = {grade_id(cell) for cell in of_kind(chapter, "answer")}
    names = Counter((answer.exercise, answer.name) for answer in answers(chapter))
    kinds = Counter((answer.exercise, answer.kind) for answer in answers(chapter))
    assert {name for name, _ in kinds} <= known
    assert {kind for _, kind in kinds} <= {"right", "wrong"}
    assert max(names.values()) == 1, f"two answers of one name: {names.most_common(1)}"
    for name in known:
        assert kinds[name, "wrong"] >= 3, f"{name} has {kinds[name, 'wrong']} wrong answers"
        assert kinds[name, "right"] >= 1, f"{name} has no right answer but the reference"


@forks
@each_chapter
def test_the_solutions_pass_every_test(chapter):
    said = {
        test: failure
        for _, kind, _, tests in verdicts(chapter)
        if kind == "reference"
        for test, failure in tests.items()
    }
    assert {test: failure for test, failure in said.items() if failure} == {}
    assert set(said) == {grade_id(cell) for cell in of_kind(chapter, "test")}


@forks
@each_chapter
def test_an_untouched_answer_fails_every_test_though_all_others_are_right(chapter):
    untouched = {name: tests for name, kind, _, tests in verdicts(chapter) if kind == UNTOUCHED}
    assert set(untouched) == {grade_id(cell) for cell in of_kind(chapter, "answer")}
    for name, tests in untouched.items():
        assert tests and all(tests.values()), (
            f"points for nothing in {name}: {[t for t, said in tests.items() if not said]}"
        )


@forks
@pytest.mark.parametrize("chapter, answer", ANSWERS)
def test_a_wrong_answer_loses_points_and_a_right_one_keeps_them(chapter, answer):
    [tests] = [tests for *key, tests in verdicts(chapter) if key == list(answer[:3])]
    failures = [said for said in tests.values() if said]
    if answer.kind == "right":
        assert failures == []
    else:
        assert failures, "no test fails"
        explained = [said for said in failures if not said.startswith("UNEXPLAINED")]
        assert explained, f"the student is not told what is wrong: {failures}"
        assert not any(said.startswith(SLIPS) for said in failures), (
            f"a slip of the pen, not a wrong answer: {failures}"
        )


# Mutants: what the checks are worth.


def table():
    with open(ROOT / "benchmarks" / "results" / "mutants.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@forks
@each_chapter
def test_a_sixth_of_the_mutants_is_killed_but_for_the_listed_equivalents(chapter):
    tried = [(number, change, tests) for number, kind, change, tests in verdicts(chapter) if kind == "mutant"]
    assert len(tried) >= 10
    listed = equivalents(chapter)
    survivors = [f"{number}: {change}" for number, change, tests in tried if not any(tests.values())]
    unknown = [line for line in survivors if tuple(line.split(": ", 1)) not in listed]
    assert unknown == [], "kill them by a check, or list them in tests/equivalents with a reason"
    killed = [f"{number}: {change}" for number, change, tests in tried if any(tests.values())]
    assert [line for line in killed if tuple(line.split(": ", 1)) in listed] == [], "listed as equivalent, but killed"


@forks
@each_chapter
def test_every_listed_equivalent_is_one_of_todays_mutants_and_has_a_reason(chapter):
    today = {
        (number, change) for number, kind, _, made in verdicts(chapter) if kind == "all mutants" for change in made
    }
    assert set(equivalents(chapter)) - today == set()
    assert all(len(reason) > 20 for reason in equivalents(chapter).values())


@forks
@each_chapter
def test_the_table_of_mutants_is_of_todays_mutants_and_keeps_the_promise(chapter):
    lines = {line["exercise"]: line for line in table() if line["chapter"] == chapter}
    today = {number: len(made) for number, kind, _, made in verdicts(chapter) if kind == "all mutants"}
    assert {number: int(line["mutants"]) for number, line in lines.items()} == today, (
        f"python tools/mutants.py {chapter}"
    )
    counts = {
        name: sum(int(line[name]) for line in lines.values()) for name in ("visible", "hidden", "equivalent", "survive")
    }
    assert counts["survive"] == 0
    assert counts["visible"] >= 0.85 * (counts["visible"] + counts["hidden"])


def test_causes_that_messages_name_are_right_nine_times_of_ten():
    blamed, misled = (sum(int(line[column] or 0) for line in table()) for column in ("blamed", "misled"))
    assert blamed > 100
    assert misled <= 0.1 * blamed


def test_readme_has_the_table_of_mutants():
    assert "\n".join(summary()) in (ROOT / "README.md").read_text(encoding="utf-8"), "it is: " + "\n".join(summary())


# Wrong answers: one fault each. Answers by hand: out of sight.


def plain_lines(source):
    """The lines of a source without comments and docstrings, its functions in the order of their names."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node) and len(node.body) > 1:
            del node.body[0]
    return ast.unparse(tree).splitlines()


@pytest.mark.parametrize("chapter, answer", [p for p in ANSWERS if p.values[1].kind == "wrong"])
def test_a_wrong_answer_differs_from_the_solution_in_one_place(chapter, answer):
    """Or its name says why one fault stands in several: "forgets gamma (in each function)"."""
    [solution] = [cell.source for cell in of_kind(chapter, "answer") if grade_id(cell) == answer.exercise]
    changes = difflib.SequenceMatcher(
        None, plain_lines(solution), plain_lines(answer.source), autojunk=False
    ).get_opcodes()
    places = sum(tag != "equal" for tag, *_ in changes)
    assert places == 1 or "(in " in answer.name


def numbers_of(source):
    """The numbers in a source that tell something: not 0, 1, 2 and their like."""
    found = {
        abs(node.value)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant)
        if is_number(node.value)
    }
    return {number for number in found if number not in (0, 0.5, 1, 2, 3, 10)}


def is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)


@each_chapter
def test_the_check_of_an_answer_by_hand_does_not_show_it(chapter):
    for cell in of_kind(chapter, "answer"):
        if "def " in cell.source or "for " in cell.source:
            continue
        shown = set()
        for test in notebook("exercises", chapter).cells:
            if kind(test) == "test" and exercise(test) == grade_id(cell):
                shown |= numbers_of(test.source)
        assert not shown & numbers_of(cell.source), f"{grade_id(cell)}: its check shows a number of its answer"
