"""Means over independent runs, each with a band that has a name.

`standard_error` shows how runs scatter. What a claim rests on is an interval that holds the true mean as often as it
says: `t_interval` for few runs, `bootstrap` for ten or more that are skewed, `clopper_pearson` for marks of 0 and 1.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import betaincinv, stdtrit

from rlbook._checks import check_counts, check_number, check_plain, check_rng, shown
from rlbook.advantages import power_of_two

LEAST_RUNS = 10  # of `bootstrap`: the fewest with which it was measured to keep its word


class Band(NamedTuple):
    """A mean with the limits of its band, each of the shape of one run; `name` says what the band is."""

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    name: str


def standard_error(samples):
    """The mean of samples (runs, ...) over runs, plus and minus one standard error.

    The standard error is the sample standard deviation over the square root of the number of runs: of many runs, about
    68% of such bands hold the true mean, of three 58% and of two 50%. Raises ValueError for fewer than two runs, which
    say nothing about their spread, or for an infinite one.
    """
    samples, unit = _in_units(_check_runs("samples", samples))
    mean = samples.mean(axis=0)
    error = _error(samples)
    return Band(
        mean * unit, (mean - error) * unit, (mean + error) * unit, f"mean of {len(samples)} runs ± standard error"
    )


def t_interval(samples, *, level=0.95):
    """The mean of samples (runs, ...) over runs, with its Student t interval at the given level.

    Right for two runs or more if a run is about normally distributed. A 95% interval of exponential runs, which are very
    skewed, holds the true mean 88% of the time for 3 runs, 90% for 10 and 93% for 30. Equal runs show nothing of their
    spread: their limits are infinite. Raises ValueError for fewer than two runs.
    Source: Student (1908).
    """
    samples, unit = _in_units(_check_runs("samples", samples))
    level = check_number("level", level, above=0, below=1)
    mean, width = samples.mean(axis=0), stdtrit(len(samples) - 1, (1 + level) / 2) * _error(samples)
    return _band(samples, unit, mean - width, mean + width, f"mean of {len(samples)} runs, {100 * level:g}% t interval")


def bootstrap(samples, rng, *, level=0.95, resamples=1000):
    """The mean of samples (runs, ...) over runs, with its bootstrap-t interval at the given level.

    Each of the resamples draws as many runs as there are, with replacement; how many of its own standard errors its mean
    is away from that of all runs takes the place of Student's distribution. A 95% interval of 10 or 30 runs holds the
    true mean 94 to 95% of the time, of normal runs and of exponential ones, where the interval between percentiles of
    the resampled means does so 86 to 93% of the time. A limit is infinite where too many resamples are of equal runs.
    Raises ValueError for fewer than ten runs. Source: Efron (1981).
    """
    samples, unit = _in_units(_check_runs("samples", samples))
    check_rng(rng)
    level = check_number("level", level, above=0, below=1)
    check_counts(resamples=resamples)
    if len(samples) < LEAST_RUNS:
        raise ValueError(
            f"samples have {len(samples)} runs, expected at least {LEAST_RUNS}: of fewer, resampling says too little; "
            "use t_interval, or clopper_pearson for marks of 0 and 1"
        )
    runs, mean = len(samples), samples.mean(axis=0)
    weights = rng.multinomial(runs, np.full(runs, 1 / runs), size=resamples) / runs
    away = np.tensordot(weights, samples - mean, axes=1)  # (resamples, ...)
    variance = np.tensordot(weights, (samples - mean) ** 2, axes=1) - away**2
    alike = ~(variance > 1e-12 * samples.var(axis=0))  # equal runs in a resample: infinitely many of its errors away
    away = np.where(alike, np.copysign(np.inf, away), away / np.sqrt(np.where(alike, 1.0, variance) / (runs - 1)))
    least, most = np.quantile(away, [(1 - level) / 2, (1 + level) / 2], axis=0, method="inverted_cdf")
    error = np.maximum(_error(samples), np.finfo(float).tiny)  # infinity times 0 is no number
    name = f"mean of {runs} runs, {100 * level:g}% bootstrap interval"
    return _band(samples, unit, mean - most * error, mean - least * error, name)


def clopper_pearson(marks, *, level=0.95):
    """The share of 1 among marks (runs, ...), each 0 or 1, with its exact binomial interval.

    It holds the true probability at least as often as the level says, for any number of runs, equal ones included: ten
    of ten are compatible with 0.69. Raises ValueError for a mark other than 0 and 1.
    Source: Clopper and Pearson (1934).
    """
    marks = _check_runs("marks", marks, least=1)
    level = check_number("level", level, above=0, below=1)
    other = np.argwhere((marks != 0) & (marks != 1))
    if len(other):
        place = tuple(other[0].tolist())
        raise ValueError(f"marks[{', '.join(map(str, place))}] is {marks[place]}, expected 0 or 1")
    runs, ones = len(marks), marks.sum(axis=0)
    tail = (1 - level) / 2
    low = np.where(ones > 0, betaincinv(np.maximum(ones, 1), runs - ones + 1, tail), 0.0)
    high = np.where(ones < runs, betaincinv(ones + 1, np.maximum(runs - ones, 1), 1 - tail), 1.0)
    return Band(ones / runs, low[()], high[()], f"share of {runs} runs, {100 * level:g}% Clopper-Pearson interval")


def pass_at_k(num_samples, num_right, k):
    """The chance that at least one of k answers is right, estimated without bias from more: an array of each problem's.

    num_samples and num_right, whole numbers or arrays (P,) of them: of how many samples of a problem how many were right.
    It is the share of all choices of k of the samples that have a right one among them; 1 - (1 - num_right / num_samples)
    ** k, with the plain share of right ones, says too little on average. Raises ValueError for k above num_samples, which
    say nothing about it, and for more right ones than samples.
    Source: Chen et al. (2021), "Evaluating large language models trained on code", section 2.1.
    """
    check_counts(k=k)
    n, c = np.broadcast_arrays(
        *(_counts(f, a) for f, a in {"num_samples": num_samples, "num_right": num_right}.items())
    )
    for wrong, what in [
        (n < k, f"num_samples is {{n}}, expected at least k = {k}"),
        (c > n, "num_right is {c}, of {n}"),
    ]:
        if wrong.any():
            place = tuple(np.argwhere(wrong)[0])
            raise ValueError(what.format(n=n[place], c=c[place]))
    return 1 - np.prod([np.maximum(n - c - i, 0) / (n - i) for i in range(k)], axis=0)


def _counts(name, numbers):
    """The whole numbers, none below 0, as an array."""
    check_plain(name, numbers)
    counts = np.asarray(numbers)
    if counts.dtype.kind not in "iu" or (counts < 0).any():
        raise ValueError(f"{name} is {shown(numbers)}, expected whole numbers, at least 0")
    return counts


def _in_units(samples):
    """Samples (runs, ...) in units of about the largest run, so that no square of one is too large or too small, and
    the units (...). These are powers of two, which round nothing."""
    unit = power_of_two(np, np.abs(samples).max(axis=0))
    return samples / unit, unit


def _error(samples):
    """The standard error of the mean (...) of samples (runs, ...)."""
    return samples.std(axis=0, ddof=1) / np.sqrt(len(samples))


def _band(samples, unit, low, high, name):
    """The limits around the mean, infinite where all runs are equal: they show nothing of their spread."""
    equal = (samples == samples[0]).all(axis=0)
    low, high = np.where(equal, -np.inf, low * unit)[()], np.where(equal, np.inf, high * unit)[()]
    return Band(samples.mean(axis=0) * unit, low, high, name)


def _check_runs(name, samples, least=2):
    check_plain(name, samples)
    try:
        runs = np.asarray(samples)
        runs = runs.astype(float) if runs.dtype.kind in "biufO" else None
    except (TypeError, ValueError):  # runs of unequal lengths, or what no number can be made of
        runs = None
    if runs is None:
        raise ValueError(f"{name} are {shown(samples)}, expected numbers (runs, ...), as many in each run")
    if runs.ndim == 0 or len(runs) < least:
        raise ValueError(f"{name} have shape {runs.shape}, expected (runs, ...) with at least {least} runs")
    wrong = np.argwhere(np.isinf(runs))  # nan stands for what is not known, and its mean is nan too
    if len(wrong):
        place = tuple(wrong[0].tolist())
        raise ValueError(f"{name}[{', '.join(map(str, place))}] is {runs[place]}, expected a finite number")
    return runs
