"""Reward functions: reward(prompts, completions, **columns) -> a list of floats, one for each completion.

The columns are whatever else belongs to the prompts, such as their right answers; all lists have the same length.
"""

import math
import re

import numpy as np

TOY_WORDS = ("good", "bad", "not", "very", ".")  # the toy language; its full stop ends a text
TOY_PROMPTS = ("good .", "bad .", "not very good .")  # what was said, to be replied to
TOY_LENGTH = 4  # the most tokens of a reply: three words and the full stop


def agreement(prompts, completions, **columns):
    """How much each reply of the toy language agrees with what was said, in [-1, 1].

    The sentiment of the reply over that of "very very good", the strongest one, times the sign
    of the prompt's; 0 if its full stop never came.
    """
    rewards = []
    for prompt, completion in zip(prompts, completions):
        said, words = sentiment(prompt), completion.split()
        finished = len(words) < TOY_LENGTH
        sign = (said > 0) - (said < 0)
        rewards.append(sign * sentiment(completion) / 4 if finished else 0.0)
    return rewards


def sentiment(text):
    """The sum over its words of good +1 and bad -1.

    Each is doubled by every "very" and turned round by every "not" before it.
    """
    total, factor = 0, 1
    for word in text.split():
        if word in ("not", "very"):
            factor *= -1 if word == "not" else 2
        elif word in ("good", "bad"):
            total += factor if word == "good" else -factor
            factor = 1
    return total


def exact_match(prompts, completions, answer, **columns):
    """1 for each completion that is its answer, character by character, otherwise 0."""
    return [float(completion == right) for completion, right in zip(completions, answer)]


def is_number(prompts, completions, **columns):
    """1 for each completion that is a whole number, written as one is: digits, and no 0 before others; otherwise 0."""
    return [float(re.fullmatch("0|[1-9][0-9]*", completion) is not None) for completion in completions]


def ask(reward, prompts, completions, columns=None):
    """What a reward function says of completions (B,), as an array (B,); columns {name: list (B,)}.

    Raises ValueError unless it is one finite number for each completion.
    """
    given = {name: list(column) for name, column in (columns or {}).items()}
    rewards = reward(prompts=list(prompts), completions=list(completions), **given)
    name = getattr(reward, "__name__", repr(reward))
    if getattr(rewards, "shape", None) != (len(completions),) and not (
        isinstance(rewards, (list, tuple)) and len(rewards) == len(completions)
    ):
        found = f"{len(rewards)} of them" if isinstance(rewards, (list, tuple)) else repr(rewards)
        raise ValueError(
            f"reward function {name} returned {found}, expected a list of {len(completions)} floats: "
            "one for each completion"
        )
    for i, r in enumerate(rewards):
        if isinstance(r, (str, list, tuple)) or r is None or not math.isfinite(r):
            raise ValueError(
                f"reward function {name} returned {r!r} for completion {i}, {completions[i]!r} after "
                f"{prompts[i]!r}: expected a finite number"
            )
    return np.array([float(r) for r in rewards])
