"""Reward functions made of others whose marks are 0 or 1: with marks flipped, freed of flips, and with silence allowed."""

from typing import NamedTuple

import numpy as np

from rlbook._checks import check_array, check_number, check_rng
from rlbook.language.rewards import ask, check_function, check_text


def flipped(reward, *, false_positive, false_negative, rng):
    """The reward function whose marks are those of `reward`, each flipped by chance, anew each time it is asked.

    false_positive is the probability that a 0 becomes 1, false_negative that a 1 becomes 0.
    """
    rates = _checked_rates(reward, false_positive, false_negative)
    check_rng(rng)

    def flipped_marks(prompts, completions, **columns):
        marks = _marks(reward, prompts, completions, columns)
        return np.where(rng.random(len(marks)) < rates[marks], 1 - marks, marks).astype(float).tolist()

    return flipped_marks


def freed_of_flips(reward, *, false_positive, false_negative):
    """The reward function that is, in expectation, what `reward` would be if none of its marks had been flipped.

    For a 1 it pays (1 - false_positive) / s, for a 0 -false_positive / s, with s = 1 - false_positive - false_negative.
    The rates are to be known. The variance grows like 1 / s^2. Raises ValueError if s is not above 0.
    Source: Natarajan et al. (2013), lemma 1; Wang, Liu and Li (2018), arXiv 1810.01032, for rewards.
    """
    rates = _checked_rates(reward, false_positive, false_negative)
    left = check_number("1 - false_positive - false_negative", 1 - float(rates.sum()), above=0)
    surrogates = np.array([-rates[0], 1 - rates[0]]) / left

    def surrogate(prompts, completions, **columns):
        return surrogates[_marks(reward, prompts, completions, columns)].tolist()

    return surrogate


def allowing_silence(reward, *, wrong, silence=""):
    """The reward function that pays 1 for what is right, -wrong for what is not, and 0 for the completion `silence`.

    Who is right with probability p does best to speak where p > wrong / (1 + wrong). Source: Chow (1970).
    """
    check_function(reward)
    wrong, silence = check_number("wrong", wrong, least=0), check_text("silence", silence)

    def right_wrong_or_silent(prompts, completions, **columns):
        marks = _marks(reward, prompts, completions, columns)
        paid = np.where(marks == 1, 1.0, -wrong)
        return np.where([text == silence for text in completions], 0.0, paid).tolist()

    return right_wrong_or_silent


class RiskCoverage(NamedTuple):
    """What becomes of answers if only those are given of which the answerer is sure enough, one limit a row."""

    limit: np.ndarray  # (N,) the confidences, from the highest down; answers are given from this one on
    coverage: np.ndarray  # (N,) the share of questions that are answered
    risk: np.ndarray  # (N,) the share of wrong ones among the answers


def risk_coverage(confidence, right):
    """The `RiskCoverage` of answers with a confidence (N,) each, of which some are right (N,).

    Equal confidences share a row. Source: El-Yaniv and Wiener (2010).
    """
    confidence, right = check_array("confidence", confidence), check_array("right", right).astype(float)
    if confidence.ndim != 1 or confidence.shape != right.shape or not len(right):
        raise ValueError(
            f"confidence has shape {confidence.shape} and right {right.shape}, expected (N,) both, at least one answer"
        )
    limit, place = np.unique(-confidence, return_inverse=True)
    given = np.bincount(place).cumsum()
    wrong = np.bincount(place, weights=1 - right).cumsum()
    return RiskCoverage(-limit, given / len(right), wrong / given)


def _checked_rates(reward, false_positive, false_negative):
    """The probabilities (2,) that a mark of 0, and one of 1, is flipped."""
    check_function(reward)
    rates = {"false_positive": false_positive, "false_negative": false_negative}
    return np.array([check_number(name, rate, least=0, most=1) for name, rate in rates.items()])


def _marks(reward, prompts, completions, columns):
    """What the reward function says, as whole numbers (B,), if each is 0 or 1."""
    marks = ask(reward, prompts, completions, columns)
    other = np.flatnonzero((marks != 0) & (marks != 1))
    if len(other):
        raise ValueError(f"the mark of completion {other[0]} is {marks[other[0]]:g}, expected 0 or 1")
    return marks.astype(int)
