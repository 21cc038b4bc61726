"""Bands over runs: their numbers by hand, and how often they hold the truth."""

from itertools import combinations
from math import comb

import numpy as np
import pytest

from rlbook.statistics import bootstrap, clopper_pearson, pass_at_k, standard_error, t_interval


def test_standard_error_by_hand():
    band = standard_error([[1.0, 10.0], [3.0, 10.0], [5.0, 10.0]])  # standard deviation 2, over the root of 3
    assert np.allclose(band.mean, [3, 10])
    assert np.allclose(band.low, [3 - 2 / np.sqrt(3), 10]) and np.allclose(band.high, [3 + 2 / np.sqrt(3), 10])
    assert band.name == "mean of 3 runs ± standard error"


def test_bands_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(0)
    samples = rng.exponential(size=(50, 2000))  # 2000 experiments of 50 runs, true mean 1
    narrow, wide = standard_error(samples), bootstrap(samples, rng, resamples=400)
    assert np.mean((narrow.low <= 1) & (1 <= narrow.high)) == pytest.approx(0.68, abs=0.04)
    assert np.mean((wide.low <= 1) & (1 <= wide.high)) == pytest.approx(0.93, abs=0.03)  # 95% as the runs grow many
    assert wide.name == "mean of 50 runs, 95% bootstrap interval"


def resampled(samples):
    return bootstrap(samples, np.random.default_rng(1), resamples=500)


RUNS = {  # 4000 experiments of n runs, and the true mean of one
    "normal": (lambda rng, n: rng.normal(size=(n, 4000)), 0.0),
    "exponential": (lambda rng, n: rng.exponential(size=(n, 4000)), 1.0),
    "marks": (lambda rng, n: (rng.random((n, 4000)) < 0.3).astype(float), 0.3),
}


@pytest.mark.parametrize(
    "interval, runs, least, most",
    [  # how often 95% holds the truth with 3, 5, 10 and 30 runs; 0.011 are three standard errors of 4000 experiments
        (t_interval, "normal", [0.939] * 4, [0.961] * 4),
        (t_interval, "exponential", [0.86, 0.86, 0.88, 0.91], [0.91, 0.91, 0.92, 0.945]),  # as the docstring says
        (t_interval, "marks", [0.94] * 4, [1] * 4),  # all equal is no certainty
        (resampled, "normal", [None, None, 0.925, 0.935], [0.96] * 4),
        (resampled, "exponential", [None, None, 0.92, 0.93], [0.96] * 4),
        (resampled, "marks", [None, None, 0.94, 0.94], [1] * 4),
        (clopper_pearson, "marks", [0.95] * 4, [1] * 4),
    ],
)
def test_an_interval_keeps_its_word_for_few_runs(interval, runs, least, most):
    draw, truth = RUNS[runs]
    for n, lowest, highest in zip((3, 5, 10, 30), least, most):
        if lowest is not None:
            band = interval(draw(np.random.default_rng(n), n))
            share = np.mean((band.low <= truth) & (truth <= band.high))
            assert lowest <= share <= highest, (n, share)


def test_t_interval_by_hand():
    """Mean 3, standard error 2 / sqrt(3) = 1.1547; Student's 97.5% with 2 degrees of freedom is 4.3027 (any table)."""
    band = t_interval([1.0, 3.0, 5.0])
    assert (band.low, band.high) == (pytest.approx(3 - 4.968, abs=1e-3), pytest.approx(3 + 4.968, abs=1e-3))
    assert band.name == "mean of 3 runs, 95% t interval" and band.mean == 3
    assert t_interval([1.0, 3.0, 5.0], level=0.9).high == pytest.approx(3 + 2.92 * 1.1547, abs=1e-3)


def test_clopper_pearson_by_hand():
    """Ten of ten: p ** 10 = 0.025 at p = 0.6915. None of ten: its mirror image."""
    band = clopper_pearson(np.transpose([[1] * 10, [0] * 10]))
    assert band.low == pytest.approx([0.6915, 0], abs=1e-4) and band.high == pytest.approx([1, 0.3085], abs=1e-4)
    half = clopper_pearson([True, False])  # at most one of two: 1 - p ** 2 = 0.025; at least one: 1 - (1 - p) ** 2
    assert (half.low, half.mean, half.high) == (pytest.approx(1 - 0.975**0.5), 0.5, pytest.approx(0.975**0.5))
    assert f"{half.low:.1%}" == "1.3%" and half.name == "share of 2 runs, 95% Clopper-Pearson interval"
    assert clopper_pearson([1]).low == pytest.approx(0.025)


@pytest.mark.parametrize("interval", [t_interval, resampled])
def test_equal_runs_are_no_certainty(interval):
    """Ten runs of 1 do not show that the mean is 1; other columns, and those that are not known, do not mind."""
    other = np.random.default_rng(0).normal(size=10)
    band = interval(np.transpose([[1.0] * 10, other, [np.nan] * 10]))
    assert (band.low[0], band.high[0]) == (-np.inf, np.inf) and band.mean[0] == 1
    assert -np.inf < band.low[1] < band.mean[1] < band.high[1] < np.inf
    assert np.isnan([band.low[2], band.high[2]]).all()
    assert (interval([0.1] * 10).low, interval([0.1] * 10).high) == (-np.inf, np.inf)


def test_the_bootstrap_depends_on_its_rng_alone_and_needs_ten_runs():
    samples = np.random.default_rng(0).exponential(size=12)
    one, same = (bootstrap(samples, np.random.default_rng(5)) for _ in range(2))
    assert (one.low, one.high) == (same.low, same.high)
    assert one.high - one.mean > one.mean - one.low  # exponential runs may hide a large one, not a small one
    with pytest.raises(ValueError, match=r"samples have 9 runs, expected at least 10.*use t_interval"):
        bootstrap(samples[:9], np.random.default_rng(5))


@pytest.mark.parametrize(
    "band", [standard_error, t_interval, lambda samples: bootstrap(samples, np.random.default_rng(0))]
)
@pytest.mark.parametrize("samples", [5.0, [[1.0, 2.0]]])
def test_one_run_has_no_band(band, samples):
    with pytest.raises(ValueError, match="at least 2 runs"):
        band(samples)


def test_a_level_is_a_probability():
    with pytest.raises(ValueError, match="level is 95"):
        bootstrap([1.0, 2.0], np.random.default_rng(0), level=95)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("size", [1e-320, 1e-200, 1.0, 1e200])
def test_a_band_is_as_wide_as_its_runs_are_large(size):
    """Runs of 1 and 3 have the standard error 1; both ends of a bootstrap grow with the runs."""
    tiny = size * 1e-3 + 5e-324  # of the smallest numbers only a few digits are kept
    band = standard_error([size, 3 * size])
    assert np.allclose([band.mean, band.low, band.high], [2 * size, size, 3 * size], rtol=0, atol=tiny)
    assert t_interval([size, 3 * size]).high - 2 * size == pytest.approx(12.706 * size, rel=1e-3)
    runs = np.arange(12.0)
    one, large = resampled(runs), resampled(runs * size)
    assert np.allclose([large.low, large.high], [one.low * size, one.high * size], rtol=1e-9, atol=12 * tiny)


def test_columns_of_different_sizes_have_bands_of_their_own():
    runs = np.array([[1.0, 2.0], [3.0, 5.0], [4.0, 1.0]])
    sizes = np.array([1e-190, 1e150])
    one, large = t_interval(runs), t_interval(runs * sizes)
    assert np.allclose(large.low / sizes, one.low) and np.allclose(large.high / sizes, one.high)
    assert np.allclose(large.mean / sizes, one.mean)


def test_pass_at_k_counts_choices():
    """The share of all choices of k of n samples that hold one of the c right ones, and .9 of 5, 2 and 3."""
    assert pass_at_k(5, 2, 3) == pytest.approx(0.9)
    for n, c, k in [(6, 2, 3), (7, 0, 2), (7, 7, 7), (8, 1, 1), (8, 6, 5), (4, 3, 2)]:
        chosen = [*combinations([1] * c + [0] * (n - c), k)]
        assert pass_at_k(n, c, k) == pytest.approx(sum(map(any, chosen)) / len(chosen))
    found = pass_at_k(np.array([4, 10]), [2, 3], 2)
    assert np.allclose(found, [1 - 1 / 6, 1 - 21 / 45]) and pass_at_k(10_000, 5_000, 2) == pytest.approx(0.75, abs=1e-4)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_pass_at_k_is_right_on_average_where_the_plain_estimate_is_too_low(k):
    p, n = 0.3, 6
    chance = np.array([comb(n, c) * p**c * (1 - p) ** (n - c) for c in range(n + 1)])
    assert chance @ pass_at_k(n, np.arange(n + 1), k) == pytest.approx(1 - (1 - p) ** k)
    plain = chance @ (1 - (1 - np.arange(n + 1) / n) ** k)
    assert plain < 1 - (1 - p) ** k - 0.01 if k > 1 else plain == pytest.approx(p)


def test_on_two_problems_what_wins_at_one_answer_may_lose_at_four():
    """Problems with chances (.5, .05), and (.95, 0) after training: by the probabilities themselves."""
    before, after = ([np.mean(1 - (1 - np.array(p)) ** k) for k in (1, 4)] for p in ([0.5, 0.05], [0.95, 0.0]))
    assert np.allclose(before, [0.275, 0.561], atol=5e-4) and np.allclose(after, [0.475, 0.5], atol=5e-4)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: pass_at_k(4, 2, 5), "num_samples is 4, expected at least k = 5"),
        (lambda: pass_at_k([9, 4], [2, 5], 2), "num_right is 5, of 4"),
        (lambda: pass_at_k(4, 2, 0), "k is 0, expected a whole number"),
        (lambda: pass_at_k(4, 0.5, 2), "num_right is 0.5, expected whole numbers"),
        (lambda: pass_at_k(4, -1, 2), "num_right is -1, expected whole numbers"),
        (lambda: pass_at_k("four", 1, 2), "num_samples is 'four', expected whole numbers"),
        (lambda: pass_at_k(True, True, 1), "num_samples is True, expected whole numbers"),
    ],
)
def test_pass_at_k_refuses_what_says_nothing(call, message):
    with pytest.raises(ValueError, match=message):
        call()
