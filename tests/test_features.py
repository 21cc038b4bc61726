"""Feature functions: hand-worked tiles and cosines, and the same numbers in an array, in a method, and compiled."""

import numpy as np
import pytest
from numba import njit

from rlbook.approximation.features import fourier, groups, rows, tiles

CAR = ([-1.2, -0.07], [0.5, 0.07])
MAKERS = {
    "groups": groups(*CAR, (3, 5)),
    "tiles": tiles(*CAR, (8, 4), 6),
    "one tiling": tiles(*CAR, 2, 1),
    "displaced": tiles(*CAR, 5, 8, displacement=(3, 2)),
    "fourier": fourier(*CAR, 3),
}
every_kind = pytest.mark.parametrize("features", MAKERS.values(), ids=MAKERS)


def points(rng, n=200):
    return np.vstack([rng.uniform(*CAR, size=(n, 2)), [CAR[0], CAR[1]]])


def from_entries(features, s):
    """The row that `active` and `feature` describe."""
    x = np.zeros(features.num_features)
    for i in range(features.active(s)):
        number, entry = features.feature(s, i)
        x[number] += entry
    return x


compiled = njit(from_entries)


@every_kind
def test_array_method_and_compiled_loop_agree(features):
    states = points(np.random.default_rng(0))
    X = features(states)
    assert X.shape == (len(states), features.num_features)
    for s, x in zip(states.tolist(), X, strict=True):
        assert np.allclose(from_entries(features, tuple(s)), x, rtol=0, atol=1e-12)
        assert np.allclose(compiled(features, tuple(s)), x, rtol=0, atol=1e-12)


def test_ten_groups_of_the_walk_have_a_hundred_states_each():
    X = groups(0, 1001, 10)(np.arange(1002))
    assert np.array_equal(X[1:1001].argmax(axis=1), np.repeat(np.arange(10), 100))
    assert np.array_equal(X.sum(axis=1), np.ones(1002))


def test_groups_of_every_state_alone_are_a_table():
    assert np.array_equal(groups(0, 6, 7)(np.arange(7) * 6 / 7 + 0.1), np.eye(7))


@pytest.mark.parametrize(
    "position, first, second",
    [(0, 0, 0), (1.9, 0, 0), (2, 0, 1), (4, 1, 1), (5.9, 1, 1), (6, 1, 2), (11, 2, 3), (12, 3, 3)],
)
def test_tiles_of_two_tilings_by_hand(position, first, second):
    """Tiles of width 4 on [0, 12]; the second tiling is shifted by half a tile, so that its borders are 2, 6 and 10."""
    assert np.flatnonzero(tiles(0, 12, 3, 2)([position])[0]).tolist() == [first, 4 + second]


def test_each_tiling_has_one_active_tile():
    features = MAKERS["tiles"]
    assert features.num_features == 6 * 9 * 5
    X = features(points(np.random.default_rng(1))).reshape(-1, 6, 45)
    assert np.array_equal(X.sum(axis=2), np.ones(X.shape[:2]))


def test_offsets_of_the_second_coordinate_run_three_times_as_fast():
    """Sutton & Barto (2018), section 9.5.4: displacement (1, 3), here of 8 tilings."""
    eighths = tiles(*CAR, 8, 8).offsets * 8
    assert eighths.tolist() == [[i, 3 * i % 8] for i in range(8)]


def test_states_share_the_fewer_tiles_the_farther_apart_they_are():
    """Four tilings of width 4 have a border at every whole number: 1.5 shares 4 less the borders on the way with others."""
    X = tiles(0, 12, 3, 4)([1.5, 1.9, 2.5, 3.5, 4.5, 5.5, 6.5])
    assert (X @ X[0]).tolist() == [4, 4, 3, 2, 1, 0, 0]


@pytest.mark.parametrize(
    "position, expected", [(-2, [1, 1, 1]), (0, [1, 0, -1]), (2, [1, -1, 1]), (1, [1, -(0.5**0.5), 0])]
)
def test_cosines_by_hand(position, expected):
    """cos(pi c x) with x = (position + 2) / 4."""
    assert np.allclose(fourier(-2, 2, 2)([position]), [expected], rtol=0, atol=1e-12)


def test_the_cosines_of_two_coordinates_are_of_every_pair_of_frequencies():
    x, y = 0.3, 0.8
    expected = [np.cos(np.pi * (i * x + j * y)) for i in range(3) for j in range(3)]
    assert np.allclose(fourier([0, 0], [1, 1], 2)([[x, y]]), [expected])


def test_cosines_are_orthogonal():
    """The mean of the product of two of them over the interval is 0, and of one with itself 1/2."""
    X = fourier(0, 1, 4)((np.arange(4000) + 0.5) / 4000)
    assert np.allclose(X.T @ X / 4000, np.diag([1, 0.5, 0.5, 0.5, 0.5]), atol=1e-12)


def test_rows_leave_out_zeros_and_nothing_else():
    X = np.array([[0, 2, 0], [0, 0, 0], [-1, 0, 4]])
    table = rows(X)
    assert [table.active(s) for s in range(3)] == [1, 0, 2]
    assert np.array_equal([from_entries(table, s) for s in range(3)], X)
    assert np.array_equal([compiled(table, s) for s in range(3)], X)


BAD = {
    "low above high": (lambda: tiles(1, 0, 2, 2), "coordinate 0 goes from low 1 to high 0, expected finite low < high"),
    "one coordinate empty": (lambda: groups([0, 1], [1, 1], 2), "coordinate 1 goes from low 1 to high 1"),
    "low nan": (lambda: fourier(np.nan, 1, 2), "coordinate 0 goes from low nan"),
    "high infinite": (lambda: tiles(0, np.inf, 2, 2), "high inf, expected finite"),
    "corners of other lengths": (lambda: tiles([0, 0], [1], 2, 2), "low and high have shapes (2,) and (1,)"),
    "a corner of texts": (lambda: tiles("a", 1, 2, 2), "low is 'a', expected real numbers"),
    "no tiles": (lambda: tiles(0, 1, 0, 2), "count is 0, expected a whole number, at least 1"),
    "half a tile": (lambda: tiles([0, 0], [1, 1], [2, 2.5], 2), "count[1] is 2.5, expected a whole number"),
    "counts of another length": (
        lambda: tiles([0, 0], [1, 1], [2, 2, 2], 2),
        "count has shape (3,)",
    ),
    "no tilings": (lambda: tiles(0, 1, 2, 0), "tilings is 0"),
    "displacement negative": (lambda: tiles(0, 1, 2, 2, displacement=-1), "displacement is -1"),
    "order 0": (lambda: fourier(0, 1, 0), "order is 0, expected a whole number, at least 1"),
    "order huge": (lambda: fourier([0] * 9, [1] * 9, 99), "the frequencies would take"),
    "state outside": (
        lambda: tiles(0, 1, 2, 2)([0.5, 1.5]),
        "states[1] has coordinate 0 at 1.5, expected one in [0, 1]",
    ),
    "state nan": (lambda: fourier(0, 1, 2)([np.nan]), "states[0] has coordinate 0 at nan"),
    "a single state": (lambda: tiles(0, 1, 2, 2)(0.5), "states have shape (), expected (N,)"),
    "points for numbers": (lambda: tiles(0, 1, 2, 2)([[0.5, 0.5]]), "states have shape (1, 2), expected (N,)"),
    "numbers for points": (lambda: tiles([0, 0], [1, 1], 2, 2)([0.5, 0.5]), "states have shape (2,), expected (N, 2)"),
}


@pytest.mark.parametrize("call, said", BAD.values(), ids=BAD)
def test_bad_input_is_named(call, said):
    with pytest.raises((ValueError, TypeError)) as raised:
        call()
    assert said in str(raised.value) and len(str(raised.value)) < 500
