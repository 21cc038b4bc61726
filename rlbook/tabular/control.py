"""Learning to act from sampled steps: SARSA, Expected SARSA, Q-learning and Double Q-learning.

Each learner is the plain loop of the book, one step at a time, and is shown as such; `@learner` gives it its public
form. Called as `q_learning(mdp, episodes=..., alpha=..., epsilon=..., rng=...)` the loop runs compiled by Numba;
`q_learning.py_func`, called the same way, runs the same loop as ordinary Python, for a debugger to step through, and
gives the same numbers. (The helpers that it calls stay compiled, unless NUMBA_DISABLE_JIT=1 is set before the start.)
All four behave epsilon-greedily for the values they learn; they differ in the target alone.
"""

import functools
import inspect
from typing import NamedTuple

import numpy as np
from numba import njit

from rlbook._checks import check_rng
from rlbook.mdp import FiniteMDP, reset, step


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


ARGUMENTS = """
    mdp               a FiniteMDP
    episodes          how many to run
    alpha, epsilon    step size in (0, 1] and exploration in [0, 1]: a number, or (episodes,), one for each episode
    rng               a numpy Generator
    runs              None, or how many independent runs, each with a generator spawned from rng
    initial_q         the values to start from: a number, (S, A), or, with runs, (runs, S, A). The q of an earlier
                      call goes on from there
    max_steps         an episode is cut off after so many steps; `truncated` says which were. A cut is not an end: the
                      last step bootstraps

    Returns a `Learned`.
    """


def learner(loop):
    """Make a loop over the tables of an MDP callable on a `FiniteMDP`: checked, compiled, and for several runs."""

    def public(run):
        def learn(mdp, *, episodes, alpha, epsilon, rng, runs=None, initial_q=0.0, max_steps=10_000):
            if not isinstance(mdp, FiniteMDP):
                raise TypeError(f"{loop.__name__} got a {type(mdp).__name__}, expected a FiniteMDP")
            check_rng(rng)
            episodes, max_steps = _count("episodes", episodes), _count("max_steps", max_steps)
            alpha = _schedule("alpha", alpha, episodes, "in (0, 1]", lambda alpha: (alpha > 0) & (alpha <= 1))
            epsilon = _schedule("epsilon", epsilon, episodes, "in [0, 1]", lambda eps: (eps >= 0) & (eps <= 1))
            arguments = (mdp.tables, episodes, alpha, epsilon, max_steps)
            if runs is None:
                return Learned(*run(*arguments, _initial(initial_q, mdp), rng))
            runs = _count("runs", runs)
            starts = _initial(initial_q, mdp, runs)
            results = [run(*arguments, q, child) for q, child in zip(starts, rng.spawn(runs), strict=True)]
            return Learned(*(np.array(column) for column in zip(*results, strict=True)))

        functools.update_wrapper(learn, loop)
        learn.__doc__ = loop.__doc__.rstrip() + "\n" + ARGUMENTS
        learn.__signature__ = inspect.signature(learn, follow_wrapped=False)
        return learn

    compiled = public(njit(cache=True)(loop))
    compiled.py_func = public(loop)
    return compiled


@learner
def sarsa(mdp, episodes, alpha, epsilon, max_steps, q, rng):
    """On-policy control: bootstrap from the action that is taken next.

    Source: Sutton & Barto (2018), section 6.4.
    """
    returns, lengths = np.zeros(episodes), np.zeros(episodes, np.int64)
    truncated = np.zeros(episodes, np.bool_)
    for episode in range(episodes):
        s, terminated = reset(mdp, rng), False
        a = epsilon_greedy(q[s], epsilon[episode], rng)
        while not terminated and lengths[episode] < max_steps:
            s_next, r, terminated = step(mdp, s, a, rng)
            a_next = epsilon_greedy(q[s_next], epsilon[episode], rng)
            target = r if terminated else r + mdp.gamma * q[s_next, a_next]
            q[s, a] += alpha[episode] * (target - q[s, a])
            returns[episode] += r
            lengths[episode] += 1
            s, a = s_next, a_next
        truncated[episode] = not terminated
    return q, returns, lengths, truncated


@learner
def expected_sarsa(mdp, episodes, alpha, epsilon, max_steps, q, rng):
    """On-policy control: bootstrap from the mean over the actions that could be taken next.

    Source: Sutton & Barto (2018), section 6.6.
    """
    returns, lengths = np.zeros(episodes), np.zeros(episodes, np.int64)
    truncated = np.zeros(episodes, np.bool_)
    for episode in range(episodes):
        s, terminated = reset(mdp, rng), False
        while not terminated and lengths[episode] < max_steps:
            a = epsilon_greedy(q[s], epsilon[episode], rng)
            s_next, r, terminated = step(mdp, s, a, rng)
            expected = epsilon_greedy_value(q[s_next], epsilon[episode])
            target = r if terminated else r + mdp.gamma * expected
            q[s, a] += alpha[episode] * (target - q[s, a])
            returns[episode] += r
            lengths[episode] += 1
            s = s_next
        truncated[episode] = not terminated
    return q, returns, lengths, truncated


@learner
def q_learning(mdp, episodes, alpha, epsilon, max_steps, q, rng):
    """Off-policy control: bootstrap from the best action, whichever is taken next.

    Source: Watkins (1989); Sutton & Barto (2018), section 6.5.
    """
    returns, lengths = np.zeros(episodes), np.zeros(episodes, np.int64)
    truncated = np.zeros(episodes, np.bool_)
    for episode in range(episodes):
        s, terminated = reset(mdp, rng), False
        while not terminated and lengths[episode] < max_steps:
            a = epsilon_greedy(q[s], epsilon[episode], rng)
            s_next, r, terminated = step(mdp, s, a, rng)
            target = r if terminated else r + mdp.gamma * max(q[s_next])
            q[s, a] += alpha[episode] * (target - q[s, a])
            returns[episode] += r
            lengths[episode] += 1
            s = s_next
        truncated[episode] = not terminated
    return q, returns, lengths, truncated


@learner
def double_q_learning(mdp, episodes, alpha, epsilon, max_steps, q, rng):
    """Off-policy control with two tables: one names the best action, the other says what it is worth.

    It behaves epsilon-greedily for the sum of the two tables, and returns their mean as q; both start at initial_q.
    Source: van Hasselt (2010); Sutton & Barto (2018), section 6.7.
    """
    q1, q2 = q.copy(), q.copy()
    returns, lengths = np.zeros(episodes), np.zeros(episodes, np.int64)
    truncated = np.zeros(episodes, np.bool_)
    for episode in range(episodes):
        s, terminated = reset(mdp, rng), False
        while not terminated and lengths[episode] < max_steps:
            a = epsilon_greedy(q1[s] + q2[s], epsilon[episode], rng)
            s_next, r, terminated = step(mdp, s, a, rng)
            learning, judging = (q1, q2) if rng.random() < 0.5 else (q2, q1)
            named = learning[s_next].argmax()
            target = r if terminated else r + mdp.gamma * judging[s_next, named]
            learning[s, a] += alpha[episode] * (target - learning[s, a])
            returns[episode] += r
            lengths[episode] += 1
            s = s_next
        truncated[episode] = not terminated
    return (q1 + q2) / 2, returns, lengths, truncated


@njit(cache=True)
def epsilon_greedy(q, epsilon, rng):
    """An action from the epsilon-greedy policy for q (A,): ties for the best are broken evenly."""
    if rng.random() < epsilon:
        return rng.integers(0, len(q))
    best, ties = 0, 1
    for a in range(1, len(q)):
        if q[a] > q[best]:
            best, ties = a, 1
        elif q[a] == q[best]:
            ties += 1
            if rng.random() * ties < 1:  # the k-th of equals comes in with probability 1/k
                best = a
    return best


@njit(cache=True)
def epsilon_greedy_value(q, epsilon):
    """The mean of q (A,) under its own epsilon-greedy policy."""
    return epsilon * q.mean() + (1 - epsilon) * max(q)


def epsilon_greedy_policy(q, epsilon):
    """The policy that `epsilon_greedy` draws from, for every state: probabilities (..., A) for q (..., A)."""
    if not 0 <= epsilon <= 1:
        raise ValueError(f"epsilon is {epsilon}, expected a number in [0, 1]")
    q = np.asarray(q)
    best = q == q.max(axis=-1, keepdims=True)
    return epsilon / q.shape[-1] + (1 - epsilon) * best / best.sum(axis=-1, keepdims=True)


def _count(name, count):
    if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < 1:
        raise ValueError(f"{name} is {count!r}, expected a whole number, at least 1")
    return int(count)


def _schedule(name, value, episodes, expected, is_good):
    """A number or a sequence (episodes,) as an array (episodes,), checked."""
    schedule = np.asarray(value, dtype=float)
    if schedule.shape not in ((), (episodes,)):
        raise ValueError(f"{name} has shape {schedule.shape}, expected a number or ({episodes},), one for each episode")
    schedule = np.array(np.broadcast_to(schedule, (episodes,)))  # its own memory: one type for the compiled loop
    wrong = np.flatnonzero(~is_good(schedule))
    if wrong.size:
        raise ValueError(f"{name} is {schedule[wrong[0]]:g} in episode {wrong[0]}, expected a number {expected}")
    return schedule


def _initial(q, mdp, runs=None):
    """The tables to start from, (S, A) or (runs, S, A), in memory of their own."""
    shape = (mdp.num_states, mdp.num_actions)
    full = shape if runs is None else (runs, *shape)
    q = np.asarray(q, dtype=float)
    if q.shape not in ((), shape, full) or not np.isfinite(q).all():
        raise ValueError(f"initial_q has shape {q.shape}, expected a finite number or finite values {full}")
    return np.array(np.broadcast_to(q, full))
