"""The checks that all errors share: what counts as a number, and how a refusal reads."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from rlbook._checks import check_number, finite

NUMBERS = [2, 2.0, np.int8(2), np.float32(2), np.array(2.0), torch.tensor(2), torch.tensor(2.0), Fraction(4, 2)]
NO_NUMBERS = [True, np.True_, "2", None, 2j, [2], np.array([2.0]), torch.ones(1), np.array("2"), torch.tensor(True)]
NOT_FINITE = [np.nan, np.inf, -np.inf, np.float32(np.nan), torch.tensor(np.inf), 10**400]


@pytest.mark.parametrize("number", NUMBERS, ids=repr)
def test_numbers_of_all_kinds_become_floats(number):
    for value in (finite(number), check_number("x", number, above=1, most=2)):
        assert type(value) is float and value == 2


@pytest.mark.parametrize("number", NO_NUMBERS + NOT_FINITE, ids=lambda number: repr(number)[:20])
def test_what_is_no_finite_number_is_refused_by_name(number):
    assert finite(number) is None
    with pytest.raises(ValueError, match=r"^step is .*, expected a finite number$"):
        check_number("step", number)


@pytest.mark.parametrize(
    "bounds, good, bad, expected",
    [
        ({"least": 0}, [0, 1], [-1e-9], "a finite number, at least 0"),
        ({"above": 0}, [1e-9], [0], "a finite number above 0"),
        ({"most": 1}, [1, -5], [1.1], "a finite number, at most 1"),
        ({"below": 1}, [0.9], [1], "a finite number below 1"),
        ({"least": 0, "most": 1}, [0, 1], [-0.1, 1.1], "a number in [0, 1]"),
        ({"above": 0, "most": 1}, [0.1, 1], [0, 1.1], "a number in (0, 1]"),
        ({"least": 0, "below": 1}, [0, 0.9], [-0.1, 1], "a number in [0, 1)"),
        ({"above": 0, "below": 1}, [0.5], [0, 1], "a number in (0, 1)"),
    ],
)
def test_bounds_hold_and_are_named(bounds, good, bad, expected):
    assert [check_number("x", number, **bounds) for number in good] == good
    for number in bad:
        with pytest.raises(ValueError) as error:
            check_number("x", number, because=": it divides", **bounds)
        assert str(error.value) == f"x is {number}, expected {expected}: it divides"
