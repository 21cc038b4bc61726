"""How the reward that is wanted, gold, goes along when another one, the proxy, is pushed: two curves with a peak.

Gold is written against d, the root of the KL divergence from where the pushing began, since for normal rewards it is a
straight line in d. The two forms are those that fit what happens to learned rewards; they explain nothing.
"""

import math
from typing import NamedTuple

import numpy as np

from rlbook._checks import check_array


class Fit(NamedTuple):
    """A curve of gold against d, the root of the KL divergence in nats."""

    a: float
    b: float
    peak: float  # the d at which the curve is highest; infinite if it does not turn round
    height: float  # of the curve there; infinite, too
    error: float  # the root mean square difference of the points from the curve


def fit_best_of_n(kl, gold):
    """gold = d (a - b d), by least squares: a `Fit`, whose peak is at d = a / 2b, a^2 / 4b high.

    kl (T,) in nats, above 0; gold (T,), the gain over where d is 0. Source: Gao et al. (2023).
    """
    d, gold = _checked(kl, gold)
    a, b, error = _least_squares(d, -(d**2), gold)
    if b <= 0:
        return Fit(a, b, math.inf, math.inf, error)
    peak = max(a / (2 * b), 0.0)
    return Fit(a, b, peak, peak * (a - b * peak), error)


def fit_rl(kl, gold):
    """gold = d (a - b log d), by least squares: a `Fit`, whose peak is at d = exp(a / b - 1), b d high.

    The arguments of `fit_best_of_n`. Source: Gao et al. (2023).
    """
    d, gold = _checked(kl, gold)
    a, b, error = _least_squares(d, -d * np.log(d), gold)
    if b <= 0:
        return Fit(a, b, math.inf, math.inf, error)
    peak = math.exp(min(a / b - 1, 700.0))  # beyond it is no number
    return Fit(a, b, peak, b * peak, error)


def _least_squares(first, second, gold):
    """The weights of two columns (T,) whose sum is nearest to gold (T,), and what is left, as a root mean square."""
    columns = np.stack([first, second], axis=1)
    (a, b), *_ = np.linalg.lstsq(columns, gold)
    return float(a), float(b), float(np.sqrt(np.mean((columns @ [a, b] - gold) ** 2)))


def _checked(kl, gold):
    """d and gold as arrays (T,)."""
    kl, gold = check_array("kl", kl).astype(float), check_array("gold", gold).astype(float)
    if kl.ndim != 1 or kl.shape != gold.shape:
        raise ValueError(f"kl has shape {kl.shape} and gold {gold.shape}, expected (T,) of both: a point each")
    for name, array in {"kl": kl, "gold": gold}.items():
        wrong = np.flatnonzero(~np.isfinite(array) | ((array <= 0) & (name == "kl")))
        if len(wrong):
            expected = "numbers above 0: where nothing has moved there is nothing to fit" if name == "kl" else "numbers"
            raise ValueError(f"{name}[{wrong[0]}] is {array[wrong[0]]}, expected finite {expected}")
    if len(np.unique(kl)) < 2:
        raise ValueError(
            f"kl holds {len(np.unique(kl))} different numbers, expected 2 or more: a curve has two unknowns"
        )
    return np.sqrt(kl), gold
