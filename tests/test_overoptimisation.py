"""Fits of gold against the root of the KL divergence: points on a curve give the curve back, and its peak."""

import math

import numpy as np
import pytest

from rlbook.language.overoptimisation import fit_best_of_n, fit_rl

KL = np.linspace(0.1, 9, 40)
D = np.sqrt(KL)


@pytest.mark.parametrize("a, b", [(1.3, 0.4), (0.2, 0.05), (2.0, 0.9)])
def test_points_on_the_curve_of_best_of_n_give_it_back(a, b):
    fit = fit_best_of_n(KL, D * (a - b * D))
    assert (fit.a, fit.b) == pytest.approx((a, b)) and fit.error < 1e-12
    assert fit.peak == pytest.approx(a / (2 * b)) and fit.height == pytest.approx(a**2 / (4 * b))


@pytest.mark.parametrize("a, b", [(1.3, 0.4), (-0.2, 0.5), (2.0, 0.9)])
def test_points_on_the_curve_of_rl_give_it_back(a, b):
    fit = fit_rl(KL, D * (a - b * np.log(D)))
    assert (fit.a, fit.b) == pytest.approx((a, b)) and fit.error < 1e-12
    assert fit.peak == pytest.approx(math.exp(a / b - 1)) and fit.height == pytest.approx(b * fit.peak)


@pytest.mark.parametrize(
    "fit, curve", [(fit_best_of_n, lambda d: d * (1 - 0.3 * d)), (fit_rl, lambda d: d * (1 - 0.5 * np.log(d)))]
)
def test_nothing_of_the_curve_lies_above_its_peak(fit, curve):
    found = fit(KL, curve(D))
    fine = np.linspace(0.01, 10, 10_000)
    assert curve(fine).max() == pytest.approx(found.height, abs=1e-6)
    assert fine[curve(fine).argmax()] == pytest.approx(found.peak, abs=2e-3)


def test_a_straight_line_has_no_peak():
    for fit in (fit_best_of_n, fit_rl):
        assert fit(KL, 0.7 * D).b == pytest.approx(0, abs=1e-12)
        rising = fit(KL, D * (0.7 + 0.01 * D))
        assert rising.b < 0 and rising.peak == rising.height == math.inf


def test_a_curve_that_falls_at_once_peaks_where_it_begins():
    assert fit_best_of_n(KL, D * (-1 - 0.1 * D)).peak == 0 == fit_best_of_n(KL, D * (-1 - 0.1 * D)).height


def test_noise_is_what_the_error_says():
    noise = np.random.default_rng(0).normal(size=len(KL)) * 0.1
    assert 0.05 < fit_best_of_n(KL, D * (1 - 0.2 * D) + noise).error < 0.15


WRONG = {
    "where nothing has moved": (([0.0, 1.0], [0.0, 1.0]), r"kl\[0\] is 0"),
    "a divergence below 0": (([1.0, -1.0], [0.0, 1.0]), r"kl\[1\] is -1"),
    "no number": (([1.0, 2.0], [0.0, math.nan]), r"gold\[1\] is nan"),
    "unequal lengths": (([1.0, 2.0], [0.0]), r"shape \(2,\) and gold \(1,\)"),
    "one point": (([1.0], [0.0]), "1 different"),
    "one point twice": (([2.0, 2.0], [0.0, 1.0]), "1 different"),
    "texts": ((["a", "b"], [0.0, 1.0]), "kl"),
    "a table": (([[1.0, 2.0]], [[0.0, 1.0]]), r"\(1, 2\)"),
}


@pytest.mark.parametrize("fit", [fit_best_of_n, fit_rl])
@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_refused_in_one_sentence(fit, case):
    given, words = WRONG[case]
    with pytest.raises(ValueError, match=words) as caught:
        fit(*given)
    assert len(str(caught.value)) < 500
