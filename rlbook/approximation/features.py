"""Features: from a state to the few numbers that a linear value function weighs.

`groups`, `tiles` and `fourier` each make a feature function. Called with states it gives an array with a row for each of
them, its features: `X = groups(0, 1001, 10)(np.arange(1002))` is (1002, 10). A state is a number, or a point with k
coordinates; low and high are the corners of the box that the states come from.

A loop asks for less than an array. Of many features only a few are not 0 in any one state (one of each tiling), and only
these move a value or are moved: `active(s)` says how many they are, and `feature(s, i)` which one the i-th is, and its
value. `Rows` answers the same for the rows of an array (S, d), the features of the states of a `FiniteMDP`.
"""

import math
from typing import NamedTuple

import numpy as np

from rlbook._checks import check_array, check_count, check_memory
from rlbook.loops import compiled_method


@compiled_method
def active(self, s):
    return getattr(self.instance_class, "active", None)


@compiled_method
def feature(self, s, i):
    return getattr(self.instance_class, "feature", None)


class Tiles(NamedTuple):
    """Tilings of a box, each of which cuts it into tiles; a feature is 1 in its tile and 0 outside. See `tiles`."""

    low: np.ndarray  # (k,) the corner of the box
    high: np.ndarray  # (k,) and the opposite one
    width: np.ndarray  # (k,) of a tile
    shape: np.ndarray  # (k,) tiles of one tiling along each coordinate
    offsets: np.ndarray  # (tilings, k) by which part of a tile each tiling is shifted
    num_features: int

    def active(self, s):
        """In every state one tile of each tiling."""
        return len(self.offsets)

    def feature(self, s, i):
        """The tile of tiling i that the state lies in: its number, and its value 1."""
        tile = i
        for k in range(len(self.shape)):
            place = int((s[k] - self.low[k]) / self.width[k] + self.offsets[i, k])
            tile = tile * self.shape[k] + min(max(place, 0), self.shape[k] - 1)
        return tile, 1.0

    def __call__(self, states):
        """(N, num_features) zeros and ones, for states (N,) or (N, k) in the box."""
        states = _states(self, states)
        places = (states[:, None] - self.low) / self.width + self.offsets  # (N, tilings, k)
        places = np.clip(np.floor(places).astype(int), 0, self.shape - 1)
        tile = np.ravel_multi_index(tuple(np.moveaxis(places, -1, 0)), tuple(self.shape))  # (N, tilings)
        each = self.num_features // len(self.offsets)
        X = np.zeros((len(states), self.num_features))
        np.put_along_axis(X, np.arange(len(self.offsets)) * each + tile, 1.0, axis=1)
        return X


class Fourier(NamedTuple):
    """Cosines over a box. See `fourier`."""

    low: np.ndarray  # (k,) the corner of the box
    high: np.ndarray  # (k,) and the opposite one
    frequencies: np.ndarray  # (num_features, k) half waves along each coordinate
    num_features: int

    def active(self, s):
        """All of them, in every state."""
        return self.num_features

    def feature(self, s, i):
        """The i-th cosine: its number, and its value."""
        phase = 0.0
        for k in range(len(self.low)):
            phase += self.frequencies[i, k] * (s[k] - self.low[k]) / (self.high[k] - self.low[k])
        return i, math.cos(math.pi * phase)

    def __call__(self, states):
        """(N, num_features) values in [-1, 1], for states (N,) or (N, k) in the box."""
        states = (_states(self, states) - self.low) / (self.high - self.low)
        return np.cos(np.pi * states @ self.frequencies.T)


class Rows(NamedTuple):
    """The features (S, d) of numbered states, without the zeros. A compiled loop reads them so."""

    first: np.ndarray  # (S + 1,) where the entries of each state begin
    number: np.ndarray  # (N,) which feature
    entry: np.ndarray  # (N,) its value
    num_features: int

    def active(self, s):
        """How many features of the state are not 0."""
        return self.first[s + 1] - self.first[s]

    def feature(self, s, i):
        """The i-th of these: its number, and its value."""
        return self.number[self.first[s] + i], self.entry[self.first[s] + i]


def groups(low, high, count):
    """State aggregation: the box is cut into `count` groups of equal size, and all states of a group share a weight.

    low, high   numbers, or (k,) corners of the box
    count       how many along each coordinate: a number, or (k,)
    There are `count` features (the product of them), one of which is 1. A state on a border belongs to the upper group.
    Source: Sutton & Barto (2018), section 9.3.
    """
    low, high = _box(low, high)
    count = _per_coordinate("count", count, low)
    offsets = np.zeros((1, len(low)))
    return Tiles(low, high, (high - low) / count, count, offsets, int(np.prod(count)))


def tiles(low, high, count, tilings, displacement=None):
    """Tile coding: several tilings of the box, each a little shifted against the last; a state has one tile in each.

    low, high       numbers, or (k,) corners of the box
    count           how many tiles fit into the box along each coordinate: a number, or (k,)
    tilings         how many tilings
    displacement    (k,) whole numbers: tiling i is shifted by i * displacement / tilings of a tile, less the whole tiles
                    in it; None for 1, 3, 5..., which keeps the corners of the tiles from lying on one line
    To cover the box when it is shifted a tiling has one more tile along each coordinate, so that there are
    tilings * product of (count + 1) features. A step of alpha moves the value of a state by tilings * alpha.
    Source: Sutton & Barto (2018), section 9.5.4; Miller and Glanz (1996) for the displacement.
    """
    low, high = _box(low, high)
    count = _per_coordinate("count", count, low)
    tilings = check_count("tilings", tilings)
    odd = 2 * np.arange(len(low)) + 1
    displacement = odd if displacement is None else _per_coordinate("displacement", displacement, low, least=0)
    offsets = np.arange(tilings)[:, None] * displacement % tilings / tilings
    return Tiles(low, high, (high - low) / count, count + 1, offsets, tilings * int(np.prod(count + 1)))


def fourier(low, high, order):
    """The Fourier cosine basis: products of 0 to `order` half waves along each coordinate of the box.

    low, high   numbers, or (k,) corners of the box
    order       the most half waves along a coordinate
    The features are cos(pi c . x) with x in [0, 1]^k, one for every c in {0, ..., order}^k, (order + 1)^k in all. The
    first is 1 everywhere.
    Source: Konidaris, Osentoski and Thomas (2011); Sutton & Barto (2018), section 9.5.2.
    """
    low, high = _box(low, high)
    order = check_count("order", order)
    check_memory("the frequencies", 8.0 * len(low) * (order + 1.0) ** len(low), f"pass a smaller order ({order:,})")
    frequencies = np.array(list(np.ndindex((order + 1,) * len(low))), dtype=float)
    return Fourier(low, high, frequencies, len(frequencies))


def rows(X):
    """The rows of an array X (S, d) as `Rows`."""
    state, number = np.nonzero(X)
    first = np.searchsorted(state, np.arange(len(X) + 1))
    return Rows(first.astype(np.int64), number.astype(np.int64), X[state, number].astype(float), X.shape[1])


def _box(low, high):
    """The corners (k,) of a box that is not empty."""
    low, high = (
        np.atleast_1d(check_array(name, corner)).astype(float) for name, corner in [("low", low), ("high", high)]
    )
    if low.ndim != 1 or low.shape != high.shape or low.size == 0:
        raise ValueError(f"low and high have shapes {low.shape} and {high.shape}, expected two numbers or twice (k,)")
    wrong = np.flatnonzero(~(np.isfinite(low) & np.isfinite(high) & (low < high)))
    if wrong.size:
        k = wrong[0]
        raise ValueError(f"coordinate {k} goes from low {low[k]:g} to high {high[k]:g}, expected finite low < high")
    return low, high


def _per_coordinate(name, counts, low, least=1):
    """Whole numbers (k,), one for each coordinate."""
    if np.ndim(counts) == 0:
        return np.repeat(check_count(name, counts, least=least), len(low))
    if np.shape(counts) != low.shape:
        raise ValueError(
            f"{name} has shape {np.shape(counts)}, expected a number or {low.shape}, one for each coordinate"
        )
    return np.array([check_count(f"{name}[{k}]", number, least=least) for k, number in enumerate(counts)])


def _states(features, states):
    """States as an array (N, k), if they lie in the box of the features."""
    states, dimensions = check_array("states", states), len(features.low)
    if states.shape[1:] not in ((dimensions,), () if dimensions == 1 else (dimensions,)) or states.ndim == 0:
        expected = "(N,)" if dimensions == 1 else f"(N, {dimensions})"
        raise ValueError(f"states have shape {states.shape}, expected {expected}")
    states = states.astype(float).reshape(len(states), dimensions)
    wrong = np.argwhere(~((features.low <= states) & (states <= features.high)))
    if len(wrong):
        n, k = wrong[0]
        box = f"[{features.low[k]:g}, {features.high[k]:g}]"
        raise ValueError(
            f"states[{n}] has coordinate {k} at {states[n, k]:g}, expected one in {box}, the box of the features"
        )
    return states
