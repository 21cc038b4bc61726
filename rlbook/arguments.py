"""What the arguments of the learners, predictors and players mean: one table, from which their docstrings are made.

For each name there is the sentence that says what a caller may pass, and the check that turns it into what the loop
reads: check(name, value, call). The checks are made in the order of the table; `call.known` holds what those before have
returned. Where each of several runs is to get something of its own, a check returns it as `PerRun`.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from rlbook._checks import check_array, check_count, check_flag, check_memory, check_number, check_rng, shown
from rlbook.mdp import FiniteMDP
from rlbook.policies import action_probabilities, require_proper


class Argument(NamedTuple):
    """What a caller may pass for one parameter, and what the loop gets."""

    says: str
    check: Callable[[str, Any, "Call"], Any]


class Call(NamedTuple):
    """What the check of one argument may ask about the others."""

    function: str  # the name of what was called
    known: dict  # the arguments that were checked before, as the loop gets them


class PerRun(NamedTuple):
    """A value for each run."""

    values: Iterable


def num_runs(known):
    """How many runs a call asks for, or None for a single one."""
    return len(known["bandits"].values) if "bandits" in known else known.get("runs")


def count(name, value, call):
    """A whole number, at least 1."""
    return check_count(name, value)


def count_from_0(name, value, call):
    """A whole number, at least 0."""
    return check_count(name, value, least=0)


def fraction(name, value, call):
    """A number in [0, 1]."""
    return check_number(name, value, least=0, most=1)


def at_least_zero(name, value, call):
    """A finite number, not negative."""
    return check_number(name, value, least=0)


def above_zero(name, value, call):
    return check_number(name, value, above=0, what="a positive number")


def flag(name, value, call):
    """True or False."""
    return check_flag(name, value)


def generator(name, value, call):
    """A numpy Generator, the same for all runs."""
    check_rng(value)
    return value


def _generator_of_each_run(name, value, call):
    check_rng(value)
    runs = num_runs(call.known)
    return value if runs is None else PerRun(_spawned(value, runs))


def _spawned(rng, runs):
    """A generator for each run, made a thousand at a time, as each takes a kilobyte or two."""
    for first in range(0, runs, 1000):
        yield from rng.spawn(min(1000, runs - first))


def _mdp(name, value, call):
    if not isinstance(value, FiniteMDP):
        raise TypeError(f"{call.function} got a {type(value).__name__}, expected a FiniteMDP")
    return value


def _runs(name, value, call):
    return None if value is None else check_count(name, value)


def _episodes(name, value, call):
    """A count, of episodes whose record fits the memory."""
    episodes, runs = check_count(name, value), num_runs(call.known) or 1
    check_memory("the record", 40 * episodes * runs, f"pass fewer episodes ({episodes:,}) or runs ({runs:,})")
    return episodes


def _steps(name, value, call):
    """A count, of steps whose record fits the memory."""
    steps, runs = check_count(name, value), num_runs(call.known)
    check_memory("the record", 24 * steps * runs, f"pass fewer steps ({steps:,}), or Bandits of fewer runs")
    return steps


def _longest_episode(name, value, call):
    """A count, of steps that fit the memory: whole episodes are kept."""
    max_steps = check_count(name, value)
    check_memory("an episode", 24 * max_steps, f"pass a smaller max_steps ({max_steps:,})")
    return max_steps


# Numbers, one for all or one for each.


def _numbers(name, value):
    """The value as an array of floats; True and False are no numbers here."""
    numbers = check_array(name, value)
    if numbers.dtype == bool:
        raise ValueError(f"{name} is {shown(value)}, expected a number, not True or False")
    return numbers.astype(float)


def schedule(name, value, length, each, expected, is_good):
    """A number, or one for each of so many steps, episodes..., as an array (length,) in memory of its own."""
    numbers = _numbers(name, value)
    if numbers.shape not in ((), (length,)):
        raise ValueError(f"{name} has shape {numbers.shape}, expected a number or ({length},), one for each {each}")
    numbers = np.array(np.broadcast_to(numbers, (length,)))
    wrong = np.flatnonzero(~is_good(numbers))
    if wrong.size:
        raise ValueError(f"{name} is {numbers[wrong[0]]:g} in {each} {wrong[0]}, expected a number {expected}")
    return numbers


def _exploration(name, value, call):
    """A number in [0, 1] for each episode."""
    return schedule(name, value, call.known["episodes"], "episode", "in [0, 1]", lambda x: (x >= 0) & (x <= 1))


def _step_sizes(name, value, call):
    """A number in (0, 1] for each episode."""
    return schedule(name, value, call.known["episodes"], "episode", "in (0, 1]", lambda x: (x > 0) & (x <= 1))


def _step_sizes_or_average(name, value, call):
    """A number in (0, 1] for each episode; zeros stand for the sample average."""
    return np.zeros(call.known["episodes"]) if value is None else _step_sizes(name, value, call)


def _exploration_of_steps(name, value, call):
    """A number in [0, 1] for each step."""
    return schedule(name, value, call.known["steps"], "step", "in [0, 1]", lambda x: (x >= 0) & (x <= 1))


def _step_sizes_of_pulls(name, value, call):
    """A number in (0, 1] for each time that an arm may be pulled; by default those of the sample average."""
    steps = call.known["steps"]
    if value is None:
        return 1 / np.arange(1.0, steps + 1)
    rounding = 1e-9  # 0.1 / (1 - 0.9) is a little above 1
    sizes = schedule(name, value, steps, "pull", "in (0, 1]", lambda x: (x > 0) & (x <= 1 + rounding))
    return np.minimum(sizes, 1.0)


def table(name, value, shape, runs=None):
    """Numbers of this shape, or, with runs, (runs, *shape); read-only."""
    full = shape if runs is None else (runs, *shape)
    numbers = _numbers(name, value)
    if numbers.shape not in ((), shape, full):
        raise ValueError(f"{name} has shape {numbers.shape}, expected a finite number or finite values {full}")
    wrong = np.argwhere(~np.isfinite(numbers))
    if len(wrong):
        place, found = wrong[0].tolist() or "", numbers[tuple(wrong[0])]
        raise ValueError(f"{name}{place} is {found}, expected a finite number")
    check_memory(f"{name} for each run", 8 * np.prod(full, dtype=float), f"pass fewer runs ({runs or 1:,})")
    return np.array(np.broadcast_to(numbers, full))


def _table_of(shape_of):
    """A check for values to start from, whose shape is that of the known arguments; each run gets its own."""

    def check(name, value, call):
        runs = num_runs(call.known)
        values = table(name, value, shape_of(call.known), runs)
        return values if runs is None else PerRun(values)

    return check


# Policies, worlds, and what to keep.


def _policy(name, value, call):
    """Probabilities (S, A) of a policy that ends every episode, at least where gamma is 1."""
    require_proper(call.known["mdp"], value)
    return np.ascontiguousarray(action_probabilities(call.known["mdp"], value))


def _behaviour(name, value, call):
    """A policy that takes every action that the target policy may take: without a target that is named, every action."""
    behaviour, mdp = _policy(name, value, call), call.known["mdp"]
    wanted = call.known.get("target", np.ones(behaviour.shape)) > 0
    missing = np.argwhere(wanted & (behaviour == 0) & ~mdp.terminal[:, None])
    if len(missing):
        s, a = missing[0]
        raise ValueError(
            f"{name} never takes action {mdp.action_names[a]} in state {mdp.state_names[s]}, which the target "
            f"policy may take ({len(missing)} such pairs): expected a positive probability wherever the target has one"
        )
    return behaviour


def _changes(name, value, call):
    """The time steps at which the world changes (changes,), ascending, and the MDPs before, between and after them.

    Without a change there is one that never comes: the loop is compiled for a number of worlds, and so for 1 and 2 at once.
    """
    if not isinstance(value, dict | None):
        raise TypeError(f"{name} is a {type(value).__name__}, expected a dict {{time step: FiniteMDP}}")
    before = call.known["mdp"]
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
    return np.array(times, dtype=np.int64), (before, *(changes[now] for now in times))


MOST_BYTES_OF_HISTORY = 800_000_000


def _keep(name, value, call):
    """After how many episodes the values are to be kept (kept,): all of 0, 1, ..., episodes, or those listed."""
    episodes = call.known["episodes"]
    if value is None:
        _check_history(name, episodes + 1, call)
    keep = np.arange(episodes + 1) if value is None else check_array(name, value)
    keep = keep if keep.size else keep.astype(int)
    if keep.ndim != 1 or not np.issubdtype(keep.dtype, np.integer) or not (np.diff(keep) > 0).all():
        raise ValueError(
            f"{name} is {shown(value)}, expected numbers of episodes in ascending order, such as [0, 10, 100]"
        )
    if keep.size and not (0 <= keep[0] and keep[-1] <= episodes):
        raise ValueError(f"{name} goes from {keep[0]} to {keep[-1]}, expected numbers in 0..{episodes}")
    _check_history(name, keep.size, call)
    return keep.astype(np.int64)


def _check_history(name, rows, call):
    known = call.known
    width = known["features"].num_features if "features" in known else known["mdp"].num_states
    numbers = rows * width * (num_runs(known) or 1)
    check_memory(
        f"the history would hold {numbers:,} numbers: pass {name}=, the episodes after which to keep one. As it is it",
        8 * numbers,
        "fewer episodes or runs help too",
        most=MOST_BYTES_OF_HISTORY,
    )


ARGUMENTS = {
    "mdp": Argument("a FiniteMDP", _mdp),
    "runs": Argument(
        "None, or how many independent runs, each with a generator spawned from rng; the record's arrays then have a "
        "leading axis (runs, ...)",
        _runs,
    ),
    "episodes": Argument("how many to run", _episodes),
    "keep": Argument("after how many episodes to keep the values in the history; None for 0, 1, 2, ...", _keep),
    "policy": Argument("(S,) actions, or (S, A) probabilities", _policy),
    "target": Argument("the policy to learn the values of: (S,) actions, or (S, A) probabilities", _policy),
    "behaviour": Argument(
        "the policy that acts, (S, A) probabilities: positive wherever the policy that is learned may take an action",
        _behaviour,
    ),
    "alpha": Argument("step size in (0, 1]: a number, or (episodes,), one for each episode", _step_sizes),
    "epsilon": Argument("exploration in [0, 1]: a number, or (episodes,), one for each episode", _exploration),
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
    ),
    "initial_q": Argument(
        "the values to start from: a number, (S, A), or, with runs, (runs, S, A). With an earlier q it goes on from there",
        _table_of(lambda known: (known["mdp"].num_states, known["mdp"].num_actions)),
    ),
    "initial_v": Argument(
        "the values to start from: a number, (S,), or, with runs, (runs, S). With an earlier v it goes on from there",
        _table_of(lambda known: (known["mdp"].num_states,)),
    ),
    "max_steps": Argument(
        "an episode is cut off after so many steps; `truncated` says which were. A cut is no end: the last step bootstraps",
        count,
    ),
    "rng": Argument("a numpy Generator", _generator_of_each_run),
}

OF_MONTE_CARLO = ARGUMENTS | {
    "alpha": Argument(
        "None for the mean of all returns, a step of 1/n at the n-th, which forgets the value that it started from; or "
        + ARGUMENTS["alpha"].says,
        _step_sizes_or_average,
    ),
    "max_steps": Argument(
        "an episode is cut off after so many steps and teaches nothing; `truncated` says which were", _longest_episode
    ),
}

OF_BANDITS = {  # after "bandits" itself, which `bandits` adds
    "steps": Argument("how many, in each run", _steps),
    "epsilon": Argument("exploration in [0, 1]: a number, or (steps,), one for each step", _exploration_of_steps),
    "alpha": Argument(
        "step size in (0, 1]: a number, or (steps,), where alpha[n] is for the pull of an arm that was pulled n times "
        "before; None is 1 / (n + 1), which makes q the sample average",
        _step_sizes_of_pulls,
    ),
    "initial_q": Argument(
        "the estimates to start from: a number, (arms,) or (runs, arms)",
        _table_of(lambda known: (len(known["bandits"].values[0].means),)),
    ),
    "c": Argument("the weight of the bonus sqrt(ln t / n): a number, at least 0", at_least_zero),
    "baseline": Argument("whether rewards are compared with their average so far", flag),
    "rng": Argument("a numpy Generator; the runs draw from it one after the other", generator),
}
OF_GRADIENT_BANDITS = OF_BANDITS | {"alpha": Argument("step size, a positive number", above_zero)}
