"""Reward functions: reward(prompts, completions, **columns) -> a list of floats, one for each completion.

The columns are whatever else belongs to the prompts, such as their right answers; all lists have the same length.
"""

import re
from collections.abc import Mapping, Set

import numpy as np

from rlbook._checks import finite, shown

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
    """1 for each completion that is its answer, character by character, otherwise 0.

    Raises ValueError for an answer that is no string: a completion is never 75, only "75".
    """
    completions = _texts("completions", completions)
    answers = _texts("answer", answer)
    if len(answers) != len(completions):
        raise ValueError(f"answer has {len(answers)} entries, expected {len(completions)}: one for each completion")
    return [float(completion == right) for completion, right in zip(completions, answers)]


def is_number(prompts, completions, **columns):
    """1 for each completion that is a whole number, written as one is: digits, and no 0 before others; otherwise 0."""
    completions = _texts("completions", completions)
    return [float(re.fullmatch("0|[1-9][0-9]*", completion) is not None) for completion in completions]


def ask(reward, prompts, completions, columns=None):
    """What a reward function says of completions (B,), as an array (B,); columns {name: (B,)}.

    It may return its numbers as a list, a tuple, or an array, tensor or column of shape (B,), wherever that is; True
    counts 1. Raises ValueError unless it is one finite number for each completion, TypeError for what is no function.
    """
    if not callable(reward):
        raise TypeError(f"reward is {shown(reward)}, expected a function: reward(prompts, completions, **columns)")
    prompts, completions = by_position("prompts", prompts), by_position("completions", completions)
    if len(prompts) != len(completions):
        raise ValueError(f"prompts has {len(prompts)} entries, expected {len(completions)}: one for each completion")
    given = columns_by_position(columns, len(completions), "completion")
    rewards = reward(prompts=list(prompts), completions=list(completions), **given)
    name = getattr(reward, "__name__", shown(reward))
    if not isinstance(rewards, (list, tuple)) and getattr(rewards, "shape", ()) != () and hasattr(rewards, "tolist"):
        rewards = rewards.tolist()  # an array, a tensor or a column, by position
    if not isinstance(rewards, (list, tuple)) or len(rewards) != len(completions):
        found = f"{len(rewards)} of them" if isinstance(rewards, (list, tuple)) else shown(rewards)
        raise ValueError(
            f"reward function {name} returned {found}, expected a list of {len(completions)} floats: "
            "one for each completion"
        )
    numbers = [float(r) if isinstance(r, (bool, np.bool_)) else finite(r) for r in rewards]
    if None in numbers:
        i = numbers.index(None)
        raise ValueError(
            f"reward function {name} returned {shown(rewards[i])} for completion {i}, {shown(completions[i])} after "
            f"{shown(prompts[i])}: expected a finite number"
        )
    return np.array(numbers)


def by_position(name, column):
    """The entries of a column as a list, in their order, whatever holds them: a list, an array, a pandas Series, ...

    The [i] of some of these is a label, so that only their order says what belongs together. Raises ValueError for what
    has no order, no length, or several columns.
    """
    # of pandas, polars, Arrow, datasets: a table has columns, and to iterate over one gives their names, or its rows
    several = hasattr(column, "columns") or hasattr(column, "column_names")
    one = hasattr(column, "__len__") and getattr(column, "shape", None) != () and not several
    if not one or isinstance(column, (str, bytes, Mapping, Set)):
        raise ValueError(f"{name} is {shown(column)}, expected a list, an array, or one column of a table")
    return list(column)


def columns_by_position(columns, count, of):
    """Columns {name: list (count,)} for a reward function, with an entry for each prompt or completion, as `of` says."""
    columns = {} if columns is None else columns
    if not isinstance(columns, Mapping) or not all(isinstance(name, str) for name in columns):
        raise ValueError(f"columns is {shown(columns)}, expected a dict {{name: list}}")
    lists = {name: by_position(f"column {name!r}", column) for name, column in columns.items()}
    for name, column in lists.items():
        if name in ("prompts", "completions"):
            raise ValueError(
                f"a column is called {name!r}, expected another name: the reward function gets these anyway"
            )
        if len(column) != count:
            raise ValueError(f"column {name!r} has {len(column)} entries, expected {count}: one for each {of}")
    return lists


def _texts(name, texts):
    """The entries of a column that are to be compared as strings."""
    texts = by_position(name, texts)
    for i, text in enumerate(texts):
        if not isinstance(text, str):
            raise ValueError(f"{name}[{i}] is {shown(text)} of type {type(text).__name__}, expected a string")
    return texts
