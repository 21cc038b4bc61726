"""The exercises of every chapter: generated from the solutions, fair to right answers, hard on wrong ones.

One chapter only: pytest tests/test_exercises.py -k 07; one exercise: -k "07 and exercise-3".
"""

import ast
import os
import re
from collections import Counter

import pytest

from exercise_harness import UNTOUCHED, answers, chapters, exercise, grade_id, kind, notebook, verdicts
from exercises import out_of_date

CHAPTERS = chapters()
ANSWERS = [
    pytest.param(chapter, answer, id=f"{chapter}-{answer.exercise}-{answer.kind}-{answer.name}")
    for chapter in CHAPTERS
    for answer in answers(chapter)
]

each_chapter = pytest.mark.parametrize("chapter", CHAPTERS)
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="the harness forks, which Windows cannot")


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
        assert tree.body and not isinstance(tree.body[-1], ast.Expr), (
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
        typos = ("NameError", "SyntaxError", "IndentationError", "ModuleNotFoundError", "NotImplementedError")
        assert not any(said.startswith(typos) for said in failures), (
            f"a slip of the pen, not a wrong answer: {failures}"
        )
