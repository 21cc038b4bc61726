"""Reward functions: reward(prompts, completions, **columns) -> a list of floats, one for each completion.

The columns are whatever else belongs to the prompts, such as their right answers; all lists have the same length.
"""

import asyncio
import functools
import inspect
import re
import threading
from collections.abc import Mapping, Set
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from rlbook._checks import check_flag, check_number, finite, shown

TOY_WORDS = ("good", "bad", "not", "very", ".")  # the toy language; its full stop ends a text
TOY_PROMPTS = ("good .", "bad .", "not very good .")  # what was said, to be replied to
TOY_LENGTH = 4  # the most tokens of a reply: three words and the full stop

BESIDE_COLUMNS = ("completion_ids", "trainer_state", "log_extra", "log_metric", "environments")  # trl's, no columns


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


def weighted(rewards, weights=None):
    """One reward function of several: the sum of weight * reward, each weight 1 unless they are given.

    None from one of them says that it does not apply to a completion, and adds nothing; where none applies, the answer
    is None. That is what trl makes of several, and a trap: among completions of one prompt, of which one function
    judges only some, the others are as if they had 0 from it.
    """
    rewards = by_position("rewards", rewards)
    weights = [1.0] * len(rewards) if weights is None else by_position("weights", weights)
    for reward in rewards:
        check_function(reward)
    if not rewards or len(weights) != len(rewards):
        raise ValueError(f"there are {len(rewards)} reward functions and {len(weights)} weights, expected one for each")
    weights = [check_number(f"weights[{i}]", weight) for i, weight in enumerate(weights)]

    def weighted_rewards(prompts, completions, **columns):
        asked = (prompts, completions, columns)
        parts = [weight * ask(reward, *asked, none_allowed=True) for reward, weight in zip(rewards, weights)]
        return [None if np.isnan(given).all() else float(np.nansum(given)) for given in np.transpose(parts)]

    return weighted_rewards


def limited(reward, seconds):
    """The reward function, that it may take so many seconds for a batch: then TimeoutError, which names it.

    What hangs goes on in a thread of its own until the program ends, since Python cannot stop it; what waits for it is free.
    """
    seconds = check_number("seconds", seconds, above=0)
    check_function(reward)

    @functools.wraps(reward)
    def limited_reward(**given):
        done = Future()

        def work():
            try:
                done.set_result(_finished(reward(**given)))
            except BaseException as error:
                done.set_exception(error)

        threading.Thread(target=work, daemon=True).start()
        try:
            return done.result(seconds)
        except TimeoutError:
            if done.done():  # its own, of a server that did not answer
                raise
            raise TimeoutError(f"no answer from {_name(reward)} within {seconds:g} s") from None

    return limited_reward


def verified(score, accepts=None, *, partial=False):
    """A strict reward function of a scorer that somebody else wrote: 1 for full marks, 0 for all else.

    score       score(completion, **row) -> a number in [0, 1], where row holds the entries of the columns at that place
    accepts     a second program, accepts(completion, **row) -> whether it is right; full marks alone are then not enough
    partial     whether to pay what the scorer gives where it is less than 1, instead of 0

    Both see completions without the space around them. Many a scorer pays for less than a right answer, and some pay
    all of it (see `leaks`), and a policy that is paid by it learns just that.
    """
    for name, function in {"score": score, "accepts": accepts or score}.items():
        if not callable(function):
            raise TypeError(f"{name} is {shown(function)}, expected a function: {name}(completion, **row)")
    check_flag("partial", partial)

    def verified_rewards(prompts, completions, **columns):
        columns, _ = _columns_of(columns)
        rewards = []
        for i, completion in enumerate(check_texts("completions", completions)):
            row = {name: column[i] for name, column in columns.items()}
            text = completion.strip()
            mark = check_number(f"the score of {shown(completion)}", score(text, **row), least=0, most=1)
            passed = mark == 1 and (accepts is None or bool(accepts(text, **row)))
            rewards.append(1.0 if passed else mark if partial and mark < 1 else 0.0)
        return rewards

    return verified_rewards


def leaks(reward, prompts, wrong, columns=None):
    """What a reward function pays for answers that are known to be wrong: {kind: the mean reward of that kind}.

    wrong   {kind: function(prompt, **row) -> a wrong completion, or None where that kind has none}, where row holds the
            entries of the columns at that place
    Of a kind that has none at all it is nan. Raises ValueError where `ask` does.
    """
    if not isinstance(wrong, Mapping) or not all(callable(answer) for answer in wrong.values()):
        raise TypeError(f"wrong is {shown(wrong)}, expected {{kind: function(prompt, **row) -> a wrong completion}}")
    prompts = by_position("prompts", prompts)
    columns = columns_by_position(columns, len(prompts), "prompt")
    paid = {}
    for kind, answer in wrong.items():
        rows = [{name: column[i] for name, column in columns.items()} for i in range(len(prompts))]
        answers = [answer(prompt, **row) for prompt, row in zip(prompts, rows)]
        places = [i for i, given in enumerate(answers) if given is not None]
        asked = {name: [column[i] for i in places] for name, column in columns.items()}
        rewards = ask(reward, [prompts[i] for i in places], [answers[i] for i in places], asked) if places else []
        paid[kind] = float(np.mean(rewards)) if places else np.nan
    return paid


def ask(reward, prompts, completions, columns=None, told=None, *, none_allowed=False):
    """What a reward function says of completions (B,), as an array (B,); columns {name: (B,)}.

    It may return its numbers as a list, a tuple, or an array, tensor or column of shape (B,), wherever that is; True
    counts 1. It may be a coroutine function. What else is told, such as {"completion_ids": (B,) lists of token ids}, it
    gets if it names that, or takes what it does not name. With none_allowed, None says that it does not apply to a
    completion, and becomes nan.
    Raises ValueError unless it is one finite number for each completion, TypeError for what is no function, RewardError
    where the function itself fails.
    """
    prompts, completions = by_position("prompts", prompts), by_position("completions", completions)
    if len(prompts) != len(completions):
        raise ValueError(f"prompts has {len(prompts)} entries, expected {len(completions)}: one for each completion")
    columns, beside = _columns_of(columns)
    given = columns_by_position(columns, len(completions), "completion")
    given |= {name: value for name, value in (beside | (told or {})).items() if _takes(reward, name)}
    check_reward(reward, given)
    rewards = _called(reward, prompts=list(prompts), completions=list(completions), **given)
    name = _name(reward)
    if not isinstance(rewards, (list, tuple)) and getattr(rewards, "shape", ()) != () and hasattr(rewards, "tolist"):
        rewards = rewards.tolist()  # an array, a tensor or a column, by position
    if not isinstance(rewards, (list, tuple)) or len(rewards) != len(completions):
        found = f"{len(rewards)} of them" if isinstance(rewards, (list, tuple)) else shown(rewards)
        raise ValueError(
            f"reward function {name} returned {found}, expected a list of {len(completions)} floats: "
            "one for each completion"
        )
    numbers = [np.nan if none_allowed and r is None else _number(r) for r in rewards]
    if None in numbers:
        i = numbers.index(None)
        raise ValueError(
            f"reward function {name} returned {shown(rewards[i])} for completion {i}, {shown(completions[i])} after "
            f"{shown(prompts[i])}: expected a finite number" + (", or None" if none_allowed else "")
        )
    return np.array(numbers)


class RewardError(RuntimeError):
    """A reward function failed, by itself."""


def _called(reward, **given):
    """What the reward function returns. Raises RewardError, which names it, from whatever it raises."""
    try:
        return _finished(reward(**given))
    except Exception as error:
        count, first = len(given["completions"]), given["completions"][:1]
        raise RewardError(
            f"reward function {_name(reward)} raised {type(error).__name__}: {shown(str(error))}, asked about {count} "
            f"completions, the first {shown(first[0]) if first else None}"
        ) from error


def _finished(returned):
    """What a function returned; of a coroutine function, what that returns in the end."""
    if not inspect.iscoroutine(returned):
        return returned
    with ThreadPoolExecutor(1) as thread:  # in a notebook this thread has a loop already, which is running
        return thread.submit(asyncio.run, returned).result()


def _columns_of(given):
    """What came beside prompts and completions, where a trainer of trl asks: the columns, and what is none of them."""
    if not isinstance(given, Mapping):
        return given, {}
    told = {name: given[name] for name in BESIDE_COLUMNS if name in given}
    return {name: column for name, column in given.items() if name not in BESIDE_COLUMNS}, told


def _number(value):
    return float(value) if isinstance(value, (bool, np.bool_)) else finite(value)


def _takes(reward, argument):
    """Whether the function can be given an argument of that name."""
    try:
        parameters = inspect.signature(reward).parameters
    except ValueError:
        return False
    return argument in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def check_reward(reward, columns=(), told=()):
    """Raise TypeError unless reward is a function that can be given prompts, completions and these columns, by name.

    told    the names of what it is given besides, if it takes them
    """
    check_function(reward)
    try:
        signature = inspect.signature(reward)
    except ValueError:  # of some functions written in C nothing is known
        return
    columns = [*columns, *(name for name in told if _takes(reward, name))]
    try:
        signature.bind(**dict.fromkeys(["prompts", "completions", *columns]))
    except TypeError as error:
        raise TypeError(
            f"reward function {_name(reward)}{signature} cannot be called ({error}): expected "
            f"({', '.join(['prompts', 'completions', *columns])}), passed by these names, or **columns for those it ignores"
        ) from None


def check_function(reward):
    """Raise TypeError unless reward is a function; with which columns it can be called, `check_reward` says."""
    if not callable(reward):
        raise TypeError(f"reward is {shown(reward)}, expected a function: reward(prompts, completions, **columns)")


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
        if name in ("prompts", "completions", "completion_ids"):
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
