"""Temporal-difference prediction: the values of a policy, learned from its steps by bootstrapping.

Each method is the plain loop of the book, one step at a time. What its arguments mean stands in `arguments`, and in
`help(td_prediction)`; `@predictor` (see `loops`) checks them and runs the loop compiled, for one run or many.
`td_prediction.py_func` is the same loop uncompiled. They draw the same random numbers in the same order, so the same
rng gives all of them the same episodes. A terminal state counts 0, whatever the table says of it; a step that was only
cut off bootstraps like any other. Traces are in table form, one number for each state. `batch_td` and
`batch_monte_carlo` are not loops over an MDP but answers to a given record of steps: where repeated updates on just
these steps come to rest.
"""

import functools
from typing import NamedTuple

import numpy as np
from numba import njit
from numba.extending import overload

from rlbook._checks import check_array, check_count, check_number, shown
from rlbook.advantages import returns_to_go
from rlbook.arguments import ARGUMENTS, table
from rlbook.loops import act, compiled, keep_values, new_history, new_log, note, predictor
from rlbook.mdp import reset, step


@predictor
def td_prediction(mdp, policy, *, episodes, alpha, rng, initial_v=0.0, max_steps=10_000, keep=None, runs=None):
    """TD(0): move the value of each state towards the reward and the value of the next state.

    Source: Sutton (1988); Sutton & Barto (2018), section 6.1.
    """
    v, log, history = initial_v.copy(), new_log(episodes), new_history(keep, initial_v)
    for episode in range(episodes):
        s, over = reset(mdp, rng), False
        while not over:
            a = act(policy, s, rng)
            s_next, r, terminated = step(mdp, s, a, rng)
            target = r if terminated else r + mdp.gamma * v[s_next]
            v[s] += alpha[episode] * (target - v[s])
            over = note(log, episode, r, terminated, max_steps)
            s = s_next
        keep_values(history, episode + 1, v)
    return v, history.values, log


@predictor
def n_step_td(mdp, policy, *, episodes, alpha, n, rng, initial_v=0.0, max_steps=10_000, keep=None, runs=None):
    """n-step TD: each target sums n rewards before it bootstraps.

    A state is updated n steps after its visit. When the episode is over, the states still waiting
    are updated with the rewards there are: without a bootstrap after an end, with one after a cut.
    Source: Sutton & Barto (2018), section 7.1.
    """
    v, log, history = initial_v.copy(), new_log(episodes), new_history(keep, initial_v)
    for episode in range(episodes):
        states, rewards = [reset(mdp, rng)], [0.0]  # S_t, and R_t; there is no R_0
        t, tau, over = 0, 0, False  # now, and the time whose state is updated
        while not over or tau < t:
            if not over:
                a = act(policy, states[t], rng)
                s_next, r, terminated = step(mdp, states[t], a, rng)
                states.append(s_next)
                rewards.append(r)
                t += 1
                over = note(log, episode, r, terminated, max_steps)
            if over or tau + n == t:
                last = min(tau + n, t)
                target = 0.0 if terminated and last == t else v[states[last]]
                for k in range(last, tau, -1):
                    target = rewards[k] + mdp.gamma * target
                v[states[tau]] += alpha[episode] * (target - v[states[tau]])
                tau += 1
        keep_values(history, episode + 1, v)
    return v, history.values, log


@predictor
def td_lambda(mdp, policy, *, episodes, alpha, lam, rng, initial_v=0.0, max_steps=10_000, keep=None, runs=None):
    """TD(lambda), the backward view: each TD error goes to all states visited so far, by their traces.

    The traces accumulate. Large alpha with lam near 1 diverges where a state is visited often.
    Source: Sutton (1988); Sutton & Barto (2018), section 12.2.
    """
    v, log, history = initial_v.copy(), new_log(episodes), new_history(keep, initial_v)
    for episode in range(episodes):
        s, over = reset(mdp, rng), False
        z = np.zeros(mdp.num_states)
        while not over:
            a = act(policy, s, rng)
            s_next, r, terminated = step(mdp, s, a, rng)
            z *= mdp.gamma * lam
            z[s] += 1.0
            target = r if terminated else r + mdp.gamma * v[s_next]
            delta = target - v[s]
            for state in range(mdp.num_states):
                v[state] += alpha[episode] * delta * z[state]
            over = note(log, episode, r, terminated, max_steps)
            s = s_next
        keep_values(history, episode + 1, v)
    return v, history.values, log


@predictor
def true_online_td_lambda(
    mdp, policy, *, episodes, alpha, lam, rng, initial_v=0.0, max_steps=10_000, keep=None, runs=None
):
    """True online TD(lambda): dutch traces, and a correction for what the last step did to v(s).

    It computes exactly what `online_lambda_return` does, at the cost of `td_lambda`.
    Source: van Seijen et al. (2016); Sutton & Barto (2018), section 12.5.
    """
    v, log, history = initial_v.copy(), new_log(episodes), new_history(keep, initial_v)
    for episode in range(episodes):
        s, over = reset(mdp, rng), False
        z, v_old = np.zeros(mdp.num_states), v[s]  # v_old: v(s) before the last step's update
        while not over:
            a = act(policy, s, rng)
            s_next, r, terminated = step(mdp, s, a, rng)
            z *= mdp.gamma * lam
            z[s] += 1.0 - alpha[episode] * z[s]
            target = r if terminated else r + mdp.gamma * v[s_next]
            moved, v_next = v[s] - v_old, v[s_next]
            for state in range(mdp.num_states):
                v[state] += alpha[episode] * (target - v_old) * z[state]
            v[s] -= alpha[episode] * moved
            over = note(log, episode, r, terminated, max_steps)
            s, v_old = s_next, v_next
        keep_values(history, episode + 1, v)
    return v, history.values, log


@predictor
def lambda_return(mdp, policy, *, episodes, alpha, lam, rng, initial_v=0.0, max_steps=10_000, keep=None, runs=None):
    """The off-line lambda-return algorithm, the forward view: it learns when the episode is over.

    The lambda-returns of all its steps are computed with the values as they stood; then each state
    is moved towards its own, in the order of the visits. After a cut the last target bootstraps.
    Source: Sutton & Barto (2018), section 12.1.
    """
    v, log, history = initial_v.copy(), new_log(episodes), new_history(keep, initial_v)
    for episode in range(episodes):
        states, rewards, next_values = [], [], []
        s, over = reset(mdp, rng), False
        while not over:
            a = act(policy, s, rng)
            s_next, r, terminated = step(mdp, s, a, rng)
            states.append(s)
            rewards.append(r)
            next_values.append(0.0 if terminated else v[s_next])
            over = note(log, episode, r, terminated, max_steps)
            s = s_next
        targets = lambda_returns(np.array(rewards), np.array(next_values), mdp.gamma, lam)
        for t in range(len(states)):
            v[states[t]] += alpha[episode] * (targets[t] - v[states[t]])
        keep_values(history, episode + 1, v)
    return v, history.values, log


@predictor
def online_lambda_return(
    mdp, policy, *, episodes, alpha, lam, rng, initial_v=0.0, max_steps=10_000, keep=None, runs=None
):
    """The online lambda-return algorithm: at every step, do all updates of the episode again.

    Each time it starts from the values before the episode, and the lambda-returns end at the state
    just reached. A step bootstraps from the value that its next state had when it was reached. The
    cost of an episode grows with the square of its length.
    Source: van Seijen et al. (2016); Sutton & Barto (2018), section 12.4.
    """
    v, log, history = initial_v.copy(), new_log(episodes), new_history(keep, initial_v)
    for episode in range(episodes):
        v_start = v.copy()
        states, rewards, next_values = [], [], []
        s, over = reset(mdp, rng), False
        while not over:
            a = act(policy, s, rng)
            s_next, r, terminated = step(mdp, s, a, rng)
            states.append(s)
            rewards.append(r)
            next_values.append(0.0 if terminated else v[s_next])
            targets = lambda_returns(np.array(rewards), np.array(next_values), mdp.gamma, lam)
            v[:] = v_start
            for t in range(len(states)):
                v[states[t]] += alpha[episode] * (targets[t] - v[states[t]])
            over = note(log, episode, r, terminated, max_steps)
            s = s_next
        keep_values(history, episode + 1, v)
    return v, history.values, log


def _checked(loop):
    """The loop for both callers: Python has its arguments checked, compiled loops of this module run it as it is."""
    run = njit(cache=True)(loop)

    @functools.wraps(loop)
    def call(rewards, next_values, gamma, lam):
        gamma, lam = check_number("gamma", gamma, least=0, most=1), check_number("lam", lam, least=0, most=1)
        rewards, next_values = _numbers_of_steps("rewards", rewards), _numbers_of_steps("next_values", next_values)
        if len(next_values) != len(rewards):
            raise ValueError(
                f"next_values have shape {next_values.shape}, expected {rewards.shape}: there are {len(rewards)} rewards"
            )
        return run(rewards, next_values, gamma, lam)

    overload(call)(lambda rewards, next_values, gamma, lam: loop)
    return call


def _numbers_of_steps(name, numbers):
    """Finite numbers (T,) as floats, one for each step."""
    numbers = check_array(name, numbers).astype(float, order="C")
    if numbers.ndim != 1 or len(numbers) == 0:
        raise ValueError(f"{name} have shape {numbers.shape}, expected (T,): one number for each step, at least one")
    wrong = np.flatnonzero(~np.isfinite(numbers))
    if wrong.size:
        raise ValueError(f"{name}[{wrong[0]}] is {numbers[wrong[0]]}, expected a finite number")
    return numbers


@_checked
def lambda_returns(rewards, next_values, gamma, lam):
    """The lambda-return of each step of one episode, or of its beginning.

    rewards (T,); next_values (T,), the value of the state that each step led to, 0 for an end. The
    last one stands for all that is still to come. gamma and lam in [0, 1]. Returns (T,).
    Raises ValueError for arrays of different lengths or numbers that are not finite.
    Source: Sutton & Barto (2018), equation 12.18, here for state values.
    """
    targets = np.zeros(len(rewards))
    target = next_values[-1]
    for t in range(len(rewards) - 1, -1, -1):
        target = rewards[t] + gamma * ((1 - lam) * next_values[t] + lam * target)
        targets[t] = target
    return targets


# Batches: everything that can be learned from some recorded steps, and from nothing else.


class Steps(NamedTuple):
    """The steps of some episodes, one after the other."""

    s: np.ndarray  # (N,) the state of each step
    r: np.ndarray  # (N,) its reward
    s_next: np.ndarray  # (N,) the state that it led to
    terminated: np.ndarray  # (N,) bool: that state was terminal
    truncated: np.ndarray  # (N,) bool: the episode was cut off after this step


@compiled(Steps, ARGUMENTS)
def record_steps(mdp, policy, *, episodes, rng, max_steps=10_000):
    """The steps of some episodes under the policy, as `Steps`.

    The same rng gives the same episodes to every function of this module.
    """
    states, rewards, next_states = [], [], []
    terminations, truncations = [], []
    log = new_log(episodes)
    for episode in range(episodes):
        s, over = reset(mdp, rng), False
        while not over:
            a = act(policy, s, rng)
            s_next, r, terminated = step(mdp, s, a, rng)
            over = note(log, episode, r, terminated, max_steps)
            states.append(s)
            rewards.append(r)
            next_states.append(s_next)
            terminations.append(terminated)
            truncations.append(over and not terminated)
            s = s_next
    return np.array(states), np.array(rewards), np.array(next_states), np.array(terminations), np.array(truncations)


def batch_td(steps, *, num_states, gamma=1.0, initial_v=0.0):
    """Where TD(0) comes to rest if it repeats the steps of the first 0, 1, 2, ... episodes for ever.

    There, the TD errors of each visited state sum to zero: linear equations, solved after each
    episode. Their solution is the value of the most likely model of the steps, the certainty-
    equivalence estimate. States never visited keep initial_v, a number or (S,).
    Returns (episodes + 1, S). Raises ValueError where gamma is 1 and an episode was cut: the
    repetition need not come to rest then.
    Source: Sutton & Barto (2018), section 6.3.
    """
    steps, v = _check_batch(steps, num_states, gamma, initial_v)
    if gamma == 1 and steps.truncated.any():
        found = f"gamma is 1 and an episode was cut at step {np.flatnonzero(steps.truncated)[0]}"
        raise ValueError(f"{found}: expected gamma below 1, or no cut")
    A, b = np.zeros((num_states, num_states)), np.zeros(num_states)
    visits = np.zeros(num_states)
    history = [v]
    for s, r, s_next, terminated, _ in _episodes(steps):
        np.add.at(visits, s, 1)
        np.add.at(A, (s, s), 1.0)
        np.add.at(A, (s[~terminated], s_next[~terminated]), -gamma)
        np.add.at(b, s, r)
        unseen = visits == 0
        history.append(np.linalg.solve(A + np.diag(unseen), np.where(unseen, v, b)))
    return np.array(history)


def batch_monte_carlo(steps, *, num_states, gamma=1.0, initial_v=0.0):
    """Where Monte Carlo comes to rest if it repeats the first 0, 1, 2, ... episodes for ever.

    That is the mean of the returns that followed the visits of each state, every visit counted: of
    all values, those with the least squared error on these returns. States never visited keep
    initial_v, a number or (S,). An episode that was cut has no return and teaches nothing.
    Returns (episodes + 1, S).
    Source: Sutton & Barto (2018), section 6.3.
    """
    steps, v = _check_batch(steps, num_states, gamma, initial_v)
    visits, totals = np.zeros(num_states), np.zeros(num_states)
    history = [v]
    for s, r, _, _, truncated in _episodes(steps):
        if not truncated[-1]:
            np.add.at(visits, s, 1)
            np.add.at(totals, s, returns_to_go(r, gamma=gamma))
        history.append(np.where(visits > 0, totals / np.maximum(visits, 1), v))
    return np.array(history)


def _episodes(steps):
    """The steps of each episode in turn."""
    ends = np.flatnonzero(steps.terminated | steps.truncated) + 1
    for first, last in zip([0, *ends[:-1]], ends):
        yield Steps(*(array[first:last] for array in steps))


def _check_batch(steps, num_states, gamma, initial_v):
    """The steps as arrays and the first values (S,), if the steps are whole episodes over so many states."""
    num_states = check_count("num_states", num_states)
    check_number("gamma", gamma, least=0, most=1, what="a discount")
    if not isinstance(steps, (list, tuple)) or len(steps) != len(Steps._fields):
        raise TypeError(f"steps is {shown(steps)}, expected the Steps of record_steps, or their five arrays")
    arrays = [check_array(name, array) for name, array in zip(Steps._fields, steps)]
    shapes = [array.shape for array in arrays]
    if len(set(shapes)) > 1 or len(shapes[0]) != 1 or shapes[0] == (0,):
        raise ValueError(f"the arrays of the steps have shapes {shapes}, expected five times (N,), with N at least 1")
    for name, array, kind in zip(Steps._fields, arrays, (np.int64, float, np.int64, bool, bool)):
        if not np.can_cast(array.dtype, kind, "same_kind"):
            raise TypeError(f"Cannot cast {name}, which is of type {array.dtype}: expected {np.dtype(kind)}")
    steps = Steps(*(array.astype(kind) for array, kind in zip(arrays, (np.int64, float, np.int64, bool, bool))))
    wrong = np.flatnonzero(~np.isfinite(steps.r))
    if wrong.size:
        raise ValueError(f"r[{wrong[0]}] is {steps.r[wrong[0]]}, expected a finite reward")
    for name in ("s", "s_next"):
        wrong = np.flatnonzero((getattr(steps, name) < 0) | (getattr(steps, name) >= num_states))
        if wrong.size:
            found = getattr(steps, name)[wrong[0]]
            raise ValueError(f"{name}[{wrong[0]}] is {found}, expected a state in 0..{num_states - 1}")
    ended = steps.terminated | steps.truncated
    wrong = np.flatnonzero(~ended[:-1] & (steps.s_next[:-1] != steps.s[1:]))
    if wrong.size:
        t = wrong[0]
        raise ValueError(
            f"step {t} led to state {steps.s_next[t]}, but step {t + 1} starts in state {steps.s[t + 1]}: expected the "
            "same state, or an end (terminated or truncated) between them"
        )
    if not ended[-1]:
        raise ValueError("the last step is neither terminated nor truncated: expected whole episodes")
    v = table("initial_v", initial_v, (num_states,))
    return steps._replace(truncated=steps.truncated & ~steps.terminated), v  # an episode that is over cannot be cut
