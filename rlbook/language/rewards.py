"""Reward functions: reward(prompts, completions, **columns) -> a list of floats, one for each completion.

The columns are whatever else belongs to the prompts, such as their right answers; all lists have the same length.
"""

import inspect
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
    for prompt, completion in check_pairs(prompts, completions):
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
    for word in check_text("text", text).split():
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
    completions = check_texts("completions", completions)
    answers = check_texts("answer", answer)
    if len(answers) != len(completions):
        raise ValueError(f"answer has {len(answers)} entries, expected {len(completions)}: one for each completion")
    return [float(completion == right) for completion, right in zip(completions, answers)]


def is_number(prompts, completions, **columns):
    """1 for each completion that is a whole number, written as one is: digits, and no 0 before others; otherwise 0."""
    completions = check_texts("completions", completions)
    return [float(re.fullmatch("0|[1-9][0-9]*", completion) is not None) for completion in completions]


def ask(reward, prompts, completions, columns=None):
    """What a reward function says of completions (B,), as an array (B,); columns {name: (B,)}.

    It may return its numbers as a list, a tuple, or an array, tensor or column of shape (B,), wherever that is; True
    counts 1. Raises ValueError unless it is one finite number for each completion, TypeError for what is no function.
    """
    prompts, completions = by_position("prompts", prompts), by_position("completions", completions)
    if len(prompts) != len(completions):
        raise ValueError(f"prompts has {len(prompts)} entries, expected {len(completions)}: one for each completion")
    given = columns_by_position(columns, len(completions), "completion")
    check_reward(reward, given)
    rewards = reward(prompts=list(prompts), completions=list(completions), **given)
    name = _name(reward)
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


def check_reward(reward, columns=()):
    """Raise TypeError unless reward is a function that can be given prompts, completions and these columns, by name."""
    if not callable(reward):
        raise TypeError(f"reward is {shown(reward)}, expected a function: reward(prompts, completions, **columns)")
    try:
        signature = inspect.signature(reward)
    except ValueError:  # of some functions written in C nothing is known
        return
    try:
        signature.bind(**dict.fromkeys(["prompts", "completions", *columns]))
    except TypeError as error:
        raise TypeError(
            f"reward function {_name(reward)}{signature} cannot be called ({error}): expected "
            f"({', '.join(['prompts', 'completions', *columns])}), passed by these names, or **columns for those it ignores"
        ) from None


def _name(reward):
    return getattr(reward, "__name__", shown(reward))


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


def check_texts(name, texts):
    """The entries of a column that are to be compared as strings."""
    return [check_text(f"{name}[{i}]", text) for i, text in enumerate(by_position(name, texts))]


def check_text(name, text):
    """The text, if it is one."""
    if not isinstance(text, str):
        kind = "" if text is None else f" of type {type(text).__name__}"
        raise ValueError(f"{name} is {shown(text)}{kind}, expected a string")
    return text


def check_pairs(prompts, completions):
    """Each prompt, a string, with its completion."""
    prompts, completions = check_texts("prompts", prompts), check_texts("completions", completions)
    if len(prompts) != len(completions):
        raise ValueError(f"prompts has {len(prompts)} entries, expected {len(completions)}: one for each completion")
    return zip(prompts, completions)
