"""Loops over the tables of an MDP: what they may ask for, what they return, and the helpers that they share.

`@learner` (control) and `@predictor` (prediction) give a loop its public form (see `public`): called with a `FiniteMDP`
and keyword arguments it runs compiled, once or for many independent runs, and returns a record. `ARGUMENTS` says for
each name of a parameter what a caller may pass.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from rlbook._checks import check_array, check_count, check_memory, shown
from rlbook.mdp import FiniteMDP
from rlbook.tabular.bellman import action_probabilities, require_proper
from rlbook.tabular.public import (
    Argument,
    arguments_of,
    at_least_zero,
    count,
    count_from_0,
    count_or_none,
    fraction,
    generator,
    public_form,
    schedule,
    table,
)


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


class Call(NamedTuple):
    """What the check of one argument may ask about the others."""

    mdp: FiniteMDP
    episodes: int
    runs: int | None
    given: dict  # every argument as the caller passed it, by its public name


def compiled(record, **own):
    """A decorator that gives a loop its public form, which returns a `record`; `own` replaces entries of ARGUMENTS.

    The loop takes the tables of the MDP first, a generator last, and between them what its parameters' names stand for.
    """

    def decorate(loop):
        of_loop = arguments_of(loop, ARGUMENTS | own, first=1)
        around = {"mdp": MDP} | of_loop | {"rng": RNG, "runs": RUNS}

        def call_loop(run, given):
            mdp, rng, runs = (around[name].check(name, given[name], loop) for name in ("mdp", "rng", "runs"))
            given["episodes"] = check_count("episodes", given["episodes"])
            call = Call(mdp, given["episodes"], runs, given)
            _check_record(call, len(record._fields))
            values = [argument.check(name, given[name], call) for name, argument in of_loop.items()]
            if runs is None:
                return record(*run(mdp.tables, *values, rng))
            own_part = [argument.per_run for argument in of_loop.values()]
            columns = None
            for i in range(runs):
                values_of_run = [value[i] if own else value for value, own in zip(values, own_part, strict=True)]
                found = run(mdp.tables, *values_of_run, rng.spawn(1)[0])
                columns = columns or [np.empty((runs, *np.shape(array)), np.asarray(array).dtype) for array in found]
                for column, array in zip(columns, found, strict=True):
                    column[i] = array
            return record(*columns)

        return public_form(loop, around, call_loop, record)

    return decorate


# The checks: each gets the public name, the value, and the call, and returns what the loop reads.


def _mdp(name, value, loop):
    if not isinstance(value, FiniteMDP):
        raise TypeError(f"{loop.__name__} got a {type(value).__name__}, expected a FiniteMDP")
    return value


def probabilities(name, value, call):
    """A number in [0, 1] for each episode."""
    return schedule(name, value, call.episodes, "episode", "in [0, 1]", lambda x: (x >= 0) & (x <= 1))


def step_sizes(name, value, call):
    """A number in (0, 1] for each episode."""
    return schedule(name, value, call.episodes, "episode", "in (0, 1]", lambda alpha: (alpha > 0) & (alpha <= 1))


def table_of_actions(name, value, call):
    """Values (S, A) to start from, or, with runs, (runs, S, A); in memory of their own."""
    return table(name, value, (call.mdp.num_states, call.mdp.num_actions), call.runs)


def table_of_states(name, value, call):
    """Values (S,) to start from, or, with runs, (runs, S); in memory of their own."""
    return table(name, value, (call.mdp.num_states,), call.runs)


def _policy(name, value, call):
    """Cumulative probabilities (S, A) of a policy that ends every episode, at least where gamma is 1."""
    require_proper(call.mdp, value)
    return cumulative_policy(call.mdp, value)


def cumulative_policy(mdp, policy):
    """A policy in the form that `act` draws from: cumulative probabilities (S, A)."""
    probabilities = action_probabilities(mdp, policy)
    cumulative = np.cumsum(probabilities, axis=1)
    possible_later = np.cumsum(probabilities[:, ::-1], axis=1)[:, ::-1] > 0
    cumulative[:, -1] = 1.0  # whatever the rounding, a draw lands on an action that is possible
    cumulative[:, :-1][~possible_later[:, 1:]] = 1.0
    return cumulative


def _behaviour(name, value, call):
    """A policy that takes every action that the target policy may take: without a target that is named, every action."""
    cumulative = _policy(name, value, call)
    target = call.given.get("target", np.full(cumulative.shape, 1 / call.mdp.num_actions))
    wanted = action_probabilities(call.mdp, target) > 0
    missing = np.argwhere(wanted & (action_probabilities(call.mdp, value) == 0) & ~call.mdp.terminal[:, None])
    if len(missing):
        s, a = missing[0]
        raise ValueError(
            f"{name} never takes action {call.mdp.action_names[a]} in state {call.mdp.state_names[s]}, which the target "
            f"policy may take ({len(missing)} such pairs): expected a positive probability wherever the target has one"
        )
    return cumulative


def _changes(name, value, call):
    """The time steps at which the world changes (changes,), ascending, and the tables before, between and after them.

    Without a change there is one that never comes: the loop is compiled for a number of worlds, and so for 1 and 2 at once.
    """
    if not isinstance(value, dict | None):
        raise TypeError(f"{name} is a {type(value).__name__}, expected a dict {{time step: FiniteMDP}}")
    before = call.mdp
    for now, after in (value or {}).items():
        check_count(f"a time step in {name}", now)
        if not isinstance(after, FiniteMDP):
            raise TypeError(f"{name}[{now}] is a {type(after).__name__}, expected a FiniteMDP")
        kinds = [(mdp.num_states, mdp.num_actions, mdp.gamma) for mdp in (before, after)]
        if kinds[0] != kinds[1]:
            raise ValueError(
                f"{name}[{now}] has (states, actions, gamma) = {kinds[1]}, expected those of the first world: {kinds[0]}"
            )
    changes = value or {np.iinfo(np.int64).max: before}
    times = sorted(changes)
    return np.array(times, dtype=np.int64), (before.tables, *(changes[now].tables for now in times))


MOST_BYTES_OF_HISTORY = 800_000_000


def _keep(name, value, call):
    """After how many episodes the values are to be kept (kept,): all of 0, 1, ..., episodes, or those listed."""
    keep = np.arange(call.episodes + 1) if value is None else check_array(name, value)
    keep = keep if keep.size else keep.astype(int)
    if keep.ndim != 1 or not np.issubdtype(keep.dtype, np.integer) or not (np.diff(keep) > 0).all():
        raise ValueError(
            f"{name} is {shown(value)}, expected numbers of episodes in ascending order, such as [0, 10, 100]"
        )
    if keep.size and not (0 <= keep[0] and keep[-1] <= call.episodes):
        raise ValueError(f"{name} goes from {keep[0]} to {keep[-1]}, expected numbers in 0..{call.episodes}")
    _check_history(name, keep.size, call)
    return keep.astype(np.int64)


def _check_history(name, rows, call):
    numbers = rows * call.mdp.num_states * (call.runs or 1)
    check_memory(
        f"the history would hold {numbers:,} numbers: pass {name}=, the episodes after which to keep one. As it is it",
        8 * numbers,
        "fewer episodes or runs help too",
        most=MOST_BYTES_OF_HISTORY,
    )


def _check_record(call, fields):
    """Raise ValueError if the record would not fit the memory."""
    if call.given.get("keep", ()) is None:
        _check_history("keep", call.episodes + 1, call)
    runs = call.runs or 1
    needed = runs * 8 * (fields * call.episodes + 2 * call.mdp.num_states * call.mdp.num_actions)
    check_memory("the record of all episodes", needed, f"pass fewer episodes ({call.episodes:,}) or runs ({runs:,})")


MDP = Argument("a FiniteMDP", _mdp, by_position=True)
RNG = Argument("a numpy Generator", generator)
RUNS = Argument(
    "None, or how many independent runs, each with a generator spawned from rng; the record's arrays then have a leading "
    "axis (runs, ...)",
    count_or_none,
    default=None,
)
ARGUMENTS = {
    "policy": Argument("(S,) actions, or (S, A) probabilities", _policy, by_position=True),
    "target": Argument(
        "the policy to learn the values of: (S,) actions, or (S, A) probabilities", _policy, by_position=True
    ),
    "behaviour": Argument(
        "the policy that acts, (S, A) probabilities: positive wherever the policy that is learned may take an action",
        _behaviour,
        by_position=True,
    ),
    "episodes": Argument("how many to run", count),
    "alpha": Argument("step size in (0, 1]: a number, or (episodes,), one for each episode", step_sizes),
    "epsilon": Argument("exploration in [0, 1]: a number, or (episodes,), one for each episode", probabilities),
    "n": Argument("how many rewards a target sums before it bootstraps", count),
    "lam": Argument("trace decay in [0, 1]", fraction),
    "planning_steps": Argument(
        "how many backups from the model follow each step of the world; for prioritized sweeping, at most how many",
        count_from_0,
    ),
    "kappa": Argument(
        "weight of the bonus kappa * sqrt(tau) for a pair not tried for tau steps, at least 0", at_least_zero
    ),
    "theta": Argument("a pair whose error is at most theta does not wait to be backed up", at_least_zero),
    "changes": Argument(
        "None, or {time step: FiniteMDP}: after so many steps, counted over all episodes, the world is that one. "
        "If it makes the present state terminal, the next step ends the episode, for nothing",
        _changes,
        default=None,
    ),
    "q": Argument(
        "the values to start from: a number, (S, A), or, with runs, (runs, S, A). With an earlier q it goes on from there",
        table_of_actions,
        default=0.0,
        public="initial_q",
        per_run=True,
    ),
    "v": Argument(
        "the values to start from: a number, (S,), or, with runs, (runs, S). With an earlier v it goes on from there",
        table_of_states,
        default=0.0,
        public="initial_v",
        per_run=True,
    ),
    "max_steps": Argument(
        "an episode is cut off after so many steps; `truncated` says which were. A cut is no end: the last step bootstraps",
        count,
        default=10_000,
    ),
    "keep": Argument(
        "after how many episodes to keep the values in the history; None for 0, 1, 2, ...", _keep, default=None
    ),
}

learner = compiled(Learned)
predictor = compiled(Predicted)


# Helpers of the loops, each hiding one thing that would distract there.


@njit(cache=True)
def act(policy, s, rng):
    """Draw an action in state s from a policy given as cumulative probabilities (S, A)."""
    a, u = 0, rng.random()
    while u >= policy[s, a]:
        a += 1
    return a


@njit(cache=True)
def world_at(changes, now):
    """The tables of the world after so many steps, counted over all episodes."""
    times, worlds = changes
    return worlds[np.searchsorted(times, now, side="right")]


@njit(cache=True)
def keep_values(history, keep, episodes, v):
    """Copy v into its row of the history, if the values after so many episodes are to be kept."""
    row = np.searchsorted(keep, episodes)
    if row < len(keep) and keep[row] == episodes:
        history[row] = v
