"""From a plain loop to the function that a reader calls.

The algorithms of tables and of linear functions are loops as the book prints them, one step at a time, each with the
arguments that a caller passes, by the same names; `arguments` says what these mean. `@learner` (control), `@predictor`
(prediction) and their kind check them, run the loop compiled by Numba, once or for each of several runs, and return a
record. In the loop a number that may change from episode to episode is an array (episodes,), a policy is (S, A), and
what each run has of its own is that of the present run. The loop itself knows nothing of `runs`.

The `.py_func` of the function, called the same way, runs the same loop as ordinary Python, for a debugger to step
through, and gives the same numbers. (The helpers that it calls stay compiled, unless NUMBA_DISABLE_JIT=1 is set before
the start.)
"""

import difflib
import functools
import inspect
import textwrap
from itertools import repeat
from types import FunctionType
from typing import NamedTuple

import numpy as np
from numba import njit, types
from numba.extending import overload_method, register_jitable

from rlbook.arguments import ARGUMENTS, Call, PerRun, num_runs


class Learned(NamedTuple):
    """What a learner found, and what each episode was like. With `runs=n` every array has a leading axis (n, ...)."""

    q: np.ndarray  # (S, A) the learned action values
    returns: np.ndarray  # (episodes,) the sum of the rewards of each episode, undiscounted
    lengths: np.ndarray  # (episodes,) steps taken
    truncated: np.ndarray  # (episodes,) bool: the step limit came before a terminal state

    @property
    def policy(self):
        """The policy that is greedy for q, the first of equals: (S,) actions."""
        return self.q.argmax(axis=-1)


class Predicted(NamedTuple):
    """The values that a method estimated, and what each episode was like. With `runs=n` every array leads with (n, ...)."""

    v: np.ndarray  # (S,) the estimates after the last episode
    history: np.ndarray  # (episodes + 1, S) the estimates before the first and after each episode, or those of `keep`
    returns: np.ndarray  # (episodes,) the sum of the rewards of each episode, undiscounted
    lengths: np.ndarray  # (episodes,) steps taken
    truncated: np.ndarray  # (episodes,) bool: the step limit came before a terminal state


def compiled(record, arguments):
    """A decorator: the loop, with its arguments checked by the table `arguments`, as a function that returns a `record`.

    The loop returns the fields of the record in their order; a tuple among them, such as a `Log`, stands for its own.
    """

    def decorate(loop):
        function = _public(loop, njit(cache=True)(_positional(loop)), record, arguments)
        function.py_func = _public(loop, _positional(loop), record, arguments)
        return function

    return decorate


def _public(loop, run, record, arguments):
    """The function of one form of the loop, compiled or not."""
    signature = inspect.signature(loop)

    @functools.wraps(loop)
    def call(*args, **kwargs):
        given, known = _bound(loop.__name__, signature, args, kwargs), {}
        for name in arguments:
            if name in given:
                known[name] = arguments[name].check(name, given[name], Call(loop.__name__, known))
        values, runs = [known[name] for name in given], num_runs(known)
        if runs is None:
            return record(*_fields(run(*values)))
        of_each_run = zip(*(value.values if isinstance(value, PerRun) else repeat(value) for value in values))
        return record(*_stacked((_fields(run(*own)) for own in of_each_run), runs))

    call.__doc__ = _docstring(loop, signature, record, arguments)
    return call


def _positional(loop):
    """The loop with all arguments positional, as Numba takes none by keyword alone."""
    code = loop.__code__
    code = code.replace(co_argcount=code.co_argcount + code.co_kwonlyargcount, co_kwonlyargcount=0)
    positional = FunctionType(code, loop.__globals__, loop.__name__, None, loop.__closure__)
    positional.__module__, positional.__qualname__, positional.__doc__ = (
        loop.__module__,
        loop.__qualname__,
        loop.__doc__,
    )
    return positional


def _bound(function, signature, args, kwargs):
    """{name: value} of all arguments, or a TypeError that names the function, as Python's own does."""
    unknown = [name for name in kwargs if name not in signature.parameters]
    if unknown:
        alike = difflib.get_close_matches(unknown[0], signature.parameters, 1)
        hint = f"; did you mean '{alike[0]}'?" if alike else f"; it takes {', '.join(signature.parameters)}"
        raise TypeError(f"{function}() got an unexpected keyword argument '{unknown[0]}'{hint}")
    try:
        given = signature.bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(f"{function}() {error}: expected {function}{signature}") from None
    given.apply_defaults()
    return given.arguments


def _fields(found):
    """What a loop returned, a tuple within it replaced by what it holds."""
    return [field for part in found for field in (part if isinstance(part, tuple) else (part,))]


def _stacked(found, runs):
    """The fields of each run as the rows of arrays (runs, ...)."""
    for i, fields in enumerate(found):
        if i == 0:
            columns = [np.empty((runs, *field.shape), field.dtype) for field in fields]
        for column, field in zip(columns, fields, strict=True):
            column[i] = field
    return columns


def _docstring(loop, signature, record, arguments):
    """The loop's own docstring, then a line for each argument, then what is returned."""
    lines = [
        textwrap.fill(arguments[name].says, 120, initial_indent=f"    {name:17} ", subsequent_indent=22 * " ")
        for name in signature.parameters
    ]
    return "\n".join([loop.__doc__.rstrip(), "", *lines, "", f"    Returns a `{record.__name__}`.", "    "])


learner = compiled(Learned, ARGUMENTS)
predictor = compiled(Predicted, ARGUMENTS)


# Helpers of the loops, each hiding one thing that would distract there.


class Log(NamedTuple):
    """What each episode was like: the last three fields of a record."""

    returns: np.ndarray  # (episodes,)
    lengths: np.ndarray  # (episodes,)
    truncated: np.ndarray  # (episodes,) bool


@njit(cache=True)
def new_log(episodes):
    """A log of so many episodes, none of which has begun."""
    return Log(np.zeros(episodes), np.zeros(episodes, np.int64), np.zeros(episodes, np.bool_))


@njit(cache=True, forceinline=True)
def note(log, episode, r, terminated, max_steps):
    """Write a step of the episode into the log. Returns whether the episode is over: at an end, or cut off."""
    length = log.lengths[episode] + 1
    log.returns[episode] += r
    log.lengths[episode] = length
    if terminated:
        return True
    if length == max_steps:
        log.truncated[episode] = True
        return True
    return False


class History(NamedTuple):
    """The values after some of the episodes."""

    keep: np.ndarray  # (kept,) after how many episodes
    values: np.ndarray  # (kept, S)


@njit(cache=True)
def new_history(keep, v):
    """A history that holds v after 0 episodes, if that is to be kept."""
    history = History(keep, np.zeros((len(keep), len(v))))
    keep_values(history, 0, v)
    return history


@njit(cache=True)
def keep_values(history, episodes, v):
    """Copy v into its row of the history, if the values after so many episodes are to be kept."""
    if is_kept(history, episodes):
        history.values[np.searchsorted(history.keep, episodes)] = v


@njit(cache=True)
def is_kept(history, episodes):
    """Whether the values after so many episodes are to be kept."""
    row = np.searchsorted(history.keep, episodes)
    return row < len(history.keep) and history.keep[row] == episodes


@njit(cache=True, forceinline=True)
def act(policy, s, rng):
    """Draw an action in state s from a policy (S, A): the first whose cumulative probability is above a number in [0, 1)."""
    cumulative, u, last = 0.0, rng.random(), policy.shape[1] - 1
    for a in range(last):
        cumulative += policy[s, a]
        if u < cumulative:
            return a
    while policy[s, last] == 0:  # rounding left something over: it belongs to the last action that is possible
        last -= 1
    return last


@njit(cache=True, forceinline=True)
def argmax(values, rng):
    """The place of the largest of some values; of equals, each with the same chance."""
    best, ties = 0, 1
    for a in range(1, len(values)):
        if values[a] > values[best]:
            best, ties = a, 1
        elif values[a] == values[best]:
            ties += 1
            if rng.random() * ties < 1:  # the k-th of equals comes in with probability 1/k
                best = a
    return best


@njit(cache=True)
def epsilon_greedy(q, epsilon, rng):
    """An action from the epsilon-greedy policy for q (A,): ties for the best are broken evenly."""
    if rng.random() < epsilon:
        return rng.integers(0, len(q))
    return argmax(q, rng)


@register_jitable
def world_at(changes, now):
    """The world after so many steps, counted over all episodes."""
    times, worlds = changes
    return worlds[np.searchsorted(times, now, side="right")]


# A world or features in a compiled loop may be a NamedTuple with methods, which Numba compiles as they stand. It looks
# for them by name, so each name is made known once; what a FiniteMDP does on `reset` and `step` is that of `mdp`.


def compiled_method(find):
    """Let compiled loops call the method of this name on a tuple; `find` has its arguments, and looks it up.

    It is written into the loop in place: a call would count references to each array of the tuple, twenty times as slow.
    """
    for kind in (types.NamedTuple, types.NamedUniTuple):
        overload_method(kind, find.__name__, strict=False, inline="always")(find)


@compiled_method
def reset(self, rng):
    return getattr(self.instance_class, "reset", None)


@compiled_method
def step(self, s, a, rng):
    return getattr(self.instance_class, "step", None)
