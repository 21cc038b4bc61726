"""Reward functions: reward(prompts, completions, **columns) -> a list of floats, one for each completion.

The columns are whatever else belongs to the prompts, such as their right answers; all lists have the same length.
"""

import re

TOY_WORDS = ("good", "bad", "not", "very", ".")  # the toy language; its full stop ends a text
TOY_PROMPTS = ("good .", "bad .", "not very good .")  # what was said, to be replied to
TOY_LENGTH = 4  # the most tokens of a reply: three words and the full stop


def agreement(prompts, completions, **columns):
    """How much each reply of the toy language agrees with what was said, in [-1, 1]; 0 if its full stop never came.

    The sentiment of the reply over that of "very very good", the strongest one, times the sign of the prompt's.
    """
    rewards = []
    for prompt, completion in zip(prompts, completions):
        said, words = sentiment(prompt), completion.split()
        finished = len(words) < TOY_LENGTH
        rewards.append((1.0 if said > 0 else -1.0) * sentiment(completion) / 4 if finished else 0.0)
    return rewards


def sentiment(text):
    """The sum over its words of good +1 and bad -1, each doubled by every "very" and turned by every "not" before it."""
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
