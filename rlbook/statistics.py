"""Means over independent runs, each with a band that has a name."""

from typing import NamedTuple

import numpy as np

from rlbook._checks import check_rng


class Band(NamedTuple):
    """A mean with the limits of its band, each of the shape of one run; `name` says what the band is."""

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    name: str


def standard_error(samples):
    """The mean of samples (runs, ...) over runs, plus and minus one standard error.

    The standard error is the sample standard deviation over the square root of the number of runs: of many runs, about
    68% of such bands hold the true mean. Raises ValueError for fewer than two runs, which say nothing about their spread.
    """
    samples = _check_runs(samples)
    mean = samples.mean(axis=0)
    error = samples.std(axis=0, ddof=1) / np.sqrt(len(samples))
    return Band(mean, mean - error, mean + error, f"mean of {len(samples)} runs ± standard error")


def bootstrap(samples, rng, *, level=0.95, resamples=1000):
    """The mean of samples (runs, ...) over runs, with its percentile bootstrap interval at the given level.

    Each of the resamples draws as many runs as there are, with replacement, and takes their mean. Needs no assumption
    on the distribution of a run, but at least about ten of them. Source: Efron (1979).
    """
    samples = _check_runs(samples)
    check_rng(rng)
    if not 0 < level < 1:
        raise ValueError(f"level is {level}, expected a probability between 0 and 1, such as 0.95")
    weights = rng.multinomial(len(samples), np.full(len(samples), 1 / len(samples)), size=resamples) / len(samples)
    low, high = np.quantile(np.tensordot(weights, samples, axes=1), [(1 - level) / 2, (1 + level) / 2], axis=0)
    return Band(samples.mean(axis=0), low, high, f"mean of {len(samples)} runs, {100 * level:g}% bootstrap interval")


def _check_runs(samples):
    samples = np.asarray(samples, dtype=float)
    if samples.ndim == 0 or len(samples) < 2:
        raise ValueError(f"samples have shape {samples.shape}, expected (runs, ...) with at least 2 runs")
    return samples
