"""Answers that are compared without being shown."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from rlbook.answers import check_answer, check_numbers, check_shape, digest

SAME = {
    "a number": (2.5, [2.5, np.float32(2.5), np.array(2.5), torch.tensor(2.5), Fraction(5, 2), 2.5000004]),
    "a whole number": (40, [40, 40.0, np.int64(40), np.array(40)]),
    "zero": (0, [0, -0.0, 1e-9, -1e-9, False]),
    "yes": (True, [True, np.True_, 1]),
    "a word": ("SARSA", ["sarsa", " Sarsa\n", np.str_("SARSA")]),
    "a list": ([1, 0.5], [(1, 0.5), np.array([1, 0.5]), [np.int64(1), Fraction(1, 2)], torch.tensor([1, 0.5])]),
    "a set": ({3, 1}, [{1, 3}, {1.0, np.int64(3)}, frozenset([3, 1])]),
    "a table": ([[1, 2], [3, 4]], [((1, 2), (3, 4)), np.arange(1, 5).reshape(2, 2)]),
}


@pytest.mark.parametrize("name", SAME)
def test_an_answer_is_right_in_whatever_type_it_comes(name):
    answer, others = SAME[name]
    for found in [answer, *others]:
        check_answer("1.1", found, digest("1.1", answer))


@pytest.mark.parametrize("found", [2.4, 2.501, -2.5, [2.5], [[2.5]], "2.5", None, ..., np.nan, np.inf, {}, lambda: 2.5])
def test_another_answer_is_refused_and_shown(found):
    with pytest.raises(AssertionError, match=r"exercise 1\.1: yours is .*: that is not it") as error:
        check_answer("1.1", found, digest("1.1", 2.5))
    assert len(str(error.value)) < 200


def test_order_and_shape_count_in_a_list():
    for found in ([2, 1], [1, 2, 3], [[1, 2]], [1], []):
        with pytest.raises(AssertionError):
            check_answer("1.1", found, digest("1.1", [1, 2]))


def test_a_known_mistake_is_explained_and_the_answer_is_not_told():
    why = {digest("1.1", 3.0): "this is the target, and the value moves only a part of the way to it"}
    with pytest.raises(AssertionError) as error:
        check_answer("1.1", np.float64(3), digest("1.1", 2.5), why)
    assert str(error.value) == f"exercise 1.1: yours is 3.0: {why[digest('1.1', 3)]}"


def test_equal_answers_look_different_in_two_places():
    assert digest("1.1, the first", 2.5) != digest("1.1, the second", 2.5)


def test_as_many_decimals_as_count_are_enough():
    check_answer("1.1", 0.33, digest("1.1", 1 / 3, digits=2), digits=2)
    with pytest.raises(AssertionError):
        check_answer("1.1", 0.3, digest("1.1", 1 / 3, digits=2), digits=2)


@pytest.mark.parametrize("answer, digits", [(0.125, 2), (2.5, 0), ([1.0, -0.00049], 3)])
def test_an_answer_on_the_edge_of_its_rounding_cannot_be_a_digest(answer, digits):
    with pytest.raises(ValueError, match="choose other digits"):
        digest("1.1", answer, digits)


@pytest.mark.parametrize(
    "found",
    [[1, 2.5], (1.0, 2.5), np.array([1, 2.5]), torch.tensor([1, 2.5], requires_grad=True), [True, np.float32(2.5)]],
)
def test_numbers_are_right_in_whatever_type_they_come(found):
    assert check_numbers("4.2, f(3)", found, [1, 2.5]).tolist() == [1, 2.5]


@pytest.mark.parametrize(
    "found, said",
    [
        (None, r"yours is None, expected numbers in the shape \(2,\): is something returned\?"),
        ("12", r"yours is '12', expected numbers in the shape \(2,\)"),
        ([1, [2, 3]], r"yours is \[1, \[2, 3\]\], expected numbers in the shape"),
        ((np.ones(2), 3.0), r"yours is .*, expected numbers in the shape"),
        (1.5, r"yours is 1\.5, expected numbers in the shape"),
        ([[1, 2.5]], r"yours is .*, of the shape \(1, 2\), expected numbers in the shape \(2,\)"),
        ([1, np.nan], r"yours is \[1\.0, nan\], expected \[1\.0, 2\.5\]: count again"),
        ([2.5, 1], r"yours is \[2\.5, 1\.0\], expected \[1\.0, 2\.5\]: the two exchanged"),
        ([1.0001, 2.5], r"yours is \[1\.0001, 2\.5\], expected \[1\.0, 2\.5\]: count again"),
    ],
)
def test_other_numbers_are_refused_with_what_was_expected_and_why(found, said):
    with pytest.raises(AssertionError, match=r"exercise 4\.2, f\(3\): " + said):
        check_numbers("4.2, f(3)", found, [1, 2.5], [([2.5, 1], "the two exchanged")], otherwise="count again")


def test_one_number_is_no_list_of_one():
    check_numbers("4.2", np.array(2.0), 2)
    with pytest.raises(AssertionError, match="expected one number"):
        check_numbers("4.2", [2.0], 2)


@pytest.mark.parametrize(
    "found, shape", [([1, 2.5], (2,)), ((1, 2), (2,)), (np.eye(2), (2, 2)), (3, ()), (np.float32(3), ())]
)
def test_numbers_in_their_shape_come_back_as_an_array(found, shape):
    values = check_shape("1.1, moves", found, shape)
    assert isinstance(values, np.ndarray) and values.shape == shape and np.array_equal(values, found)


@pytest.mark.parametrize(
    "found",
    [None, ..., "ab", ["a", "b"], {1: 2}, {1, 2}, [1, [2, 3]], [None, 1], len, 2, [1, 2, 3], [[1, 2]], [np.eye(2), 1]],
)
def test_what_are_no_numbers_in_the_shape_is_refused_in_plain_words(found):
    with pytest.raises(
        AssertionError, match=r"(?s)exercise 1\.1, moves: yours is .*expected numbers in the shape \(2,\), one each"
    ):
        check_shape("1.1, moves", found, (2,), "one each")
    with pytest.raises(AssertionError, match=r"expected one number$"):
        check_shape("1.1, moves", [found], ())


def test_numbers_that_differ_late_are_shown_to_the_digit_in_which_they_do():
    with pytest.raises(AssertionError, match=r"yours is 4\.0000002, expected 4\.0$"):
        check_numbers("4.2", 4.0000002, 4, atol=1e-8)
