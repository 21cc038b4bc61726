"""Learning the weights of a linear value function, v(s, w) = w . x(s), from sampled steps.

Each learner is the plain loop of the book, in the frame of the tabular ones (see `rlbook.loops`): what its arguments mean
stands in `help(semi_gradient_td)`, `runs=` repeats it, and `.py_func` is the same loop uncompiled. With a feature for each
state they are the tabular learners, number for number. A terminal state counts 0, whatever its features say; a step that
was only cut off bootstraps like any other. `exact` says where the predictors come to rest.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from rlbook._checks import check_array, check_number, shown
from rlbook.approximation.features import Fourier, Tiles, rows
from rlbook.arguments import ARGUMENTS, Argument, PerRun, num_runs, table
from rlbook.arguments import OF_MONTE_CARLO as ARGUMENTS_OF_MONTE_CARLO
from rlbook.loops import act, compiled, epsilon_greedy, is_kept, keep_values, new_history, new_log, note
from rlbook.mdp import FiniteMDP, reset, step
from rlbook.worlds.mountain_car import MountainCar


class Fitted(NamedTuple):
    """The weights that a method found, and what each episode was like. With `runs=n` every array leads with (n, ...).

    The values that belong to them are X @ w, and those of the history history @ X.T, for features X (S, d).
    """

    w: np.ndarray  # (d,) the weights after the last episode
    history: np.ndarray  # (episodes + 1, d) the weights before the first and after each episode, or those of `keep`
    returns: np.ndarray  # (episodes,) the sum of the rewards of each episode, undiscounted
    lengths: np.ndarray  # (episodes,) steps taken
    truncated: np.ndarray  # (episodes,) bool: the step limit came before a terminal state


class LearnedWeights(NamedTuple):
    """The weights of the action values, and what each episode was like. With `runs=n` every array leads with (n, ...)."""

    w: np.ndarray  # (A, d): q(s, a) = w[a] . x(s)
    returns: np.ndarray  # (episodes,) the sum of the rewards of each episode, undiscounted
    lengths: np.ndarray  # (episodes,) steps taken
    truncated: np.ndarray  # (episodes,) bool: the step limit came before a terminal state


# What the learners are given, besides what the tabular ones are.


def _features(name, value, call):
    """The features of each state of the MDP, (S, d), as rows without zeros."""
    return rows(check_features(name, value, call.known["mdp"]))


def check_features(name, X, mdp):
    """The features (S, d) as an array of floats, if there are some for each state, and finite."""
    if callable(X):
        found = f"{name} is a feature function ({type(X).__name__})"
        raise TypeError(f"{found}, expected its values, an array (S, d): features(states), a row for each state")
    X = check_array(name, X).astype(float)
    if X.ndim != 2 or len(X) != mdp.num_states or X.shape[1] == 0:
        raise ValueError(f"{name} has shape {X.shape}, expected ({mdp.num_states}, d): a row for each state of the MDP")
    wrong = np.argwhere(~np.isfinite(X))
    if len(wrong):
        s, i = wrong[0]
        raise ValueError(f"{name}[s={s}, {i}] is {X[s, i]}, expected a finite number")
    return X


def _world(name, value, call):
    if not isinstance(value, FiniteMDP | MountainCar):
        raise TypeError(f"{call.function} got a {type(value).__name__}, expected a FiniteMDP or mountain_car()")
    return value


def _features_of_world(name, value, call):
    """Rows for a FiniteMDP; for the car a feature function, whose box is its own."""
    world = call.known["world"]
    if isinstance(world, FiniteMDP):
        return rows(check_features(name, value, world))
    if not isinstance(value, Tiles | Fourier):
        raise TypeError(
            f"{name} is {shown(value)}, expected a feature function of the car: tiles(car.low, car.high, ...)"
        )
    if value.low.tolist() != list(world.low) or value.high.tolist() != list(world.high):
        box = f"low {shown(value.low.tolist())} and high {shown(value.high.tolist())}"
        raise ValueError(f"{name} has {box}, expected those of the world: {world.low} and {world.high}")
    return value


def _positive(name, value, call):
    return check_number(name, value, above=0, what="a positive number")


def _weights(shape_of):
    """A check for the weights to start from; each run gets its own."""

    def check(name, value, call):
        runs = num_runs(call.known)
        weights = table(name, value, shape_of(call.known), runs)
        return weights if runs is None else PerRun(weights)

    return check


_OWN = {
    "features": Argument("an array (S, d) with the features of each state, a row for a state", _features),
    "initial_w": Argument(
        "the weights to start from: a number, (d,), or, with runs, (runs, d). With an earlier w it goes on from there",
        _weights(lambda known: (known["features"].num_features,)),
    ),
    "alpha_h": Argument("step size of the second weights, a positive number", _positive),
    "ridge": Argument("what A starts from, times the identity: a positive number", _positive),
}
_FIRST = {name: ARGUMENTS[name] for name in ("mdp", "runs")}
OF_PREDICTORS = _FIRST | {"features": _OWN["features"]} | ARGUMENTS | _OWN  # in the order in which they are checked
OF_MONTE_CARLO = OF_PREDICTORS | {"max_steps": ARGUMENTS_OF_MONTE_CARLO["max_steps"]}
OF_SARSA = {
    "world": Argument("a FiniteMDP, or `mountain_car()`", _world),
    "runs": ARGUMENTS["runs"],
    "features": Argument(
        "of a FiniteMDP an array (S, d), a row for a state; of the car a feature function, `tiles(car.low, car.high, ...)`",
        _features_of_world,
    ),
    **{name: ARGUMENTS[name] for name in ("episodes", "alpha", "epsilon")},
    "initial_w": Argument(
        "the weights to start from: a number, (A, d), or, with runs, (runs, A, d). With an earlier w it goes on from there",
        _weights(lambda known: (known["world"].num_actions, known["features"].num_features)),
    ),
    **{name: ARGUMENTS[name] for name in ("max_steps", "rng")},
}


@compiled(Fitted, OF_MONTE_CARLO)
def gradient_monte_carlo(
    mdp, policy, features, *, episodes, alpha, rng, initial_w=0.0, max_steps=10_000, keep=None, runs=None
):
    """Move the value of each visited state towards the return that followed, by the gradient of the squared error.

    It learns when the episode is over, from the last step to the first.
    Source: Sutton & Barto (2018), section 9.3.
    """
    w, log, history = initial_w.copy(), new_log(episodes), new_history(keep, initial_w)
    for episode in range(episodes):
        states, rewards = [], []
        s, over = reset(mdp, rng), False
        while not over:
            a = act(policy, s, rng)
            s_next, r, terminated = step(mdp, s, a, rng)
            states.append(s)
            rewards.append(r)
            over = note(log, episode, r, terminated, max_steps)
            s = s_next
        target = 0.0
        for t in range(len(states) - 1, -1, -1):
            if terminated:  # what was cut off has no return
                target = rewards[t] + mdp.gamma * target
                delta = target - value(w, features, states[t])
                add(w, features, states[t], alpha[episode] * delta)
        keep_values(history, episode + 1, w)
    return w, history.values, log


@compiled(Fitted, OF_PREDICTORS)
def semi_gradient_td(
    mdp, policy, features, *, episodes, alpha, rng, initial_w=0.0, max_steps=10_000, keep=None, runs=None
):
    """Move the value of each state towards the reward and the value of the next state, which counts as a number.

    The target depends on the weights too; that its slope is left out makes the gradient a semi-gradient.
    Source: Sutton (1988); Sutton & Barto (2018), section 9.3.
    """
    w, log, history = initial_w.copy(), new_log(episodes), new_history(keep, initial_w)
    for episode in range(episodes):
        s, over = reset(mdp, rng), False
        while not over:
            a = act(policy, s, rng)
            s_next, r, terminated = step(mdp, s, a, rng)
            target = r if terminated else r + mdp.gamma * value(w, features, s_next)
            delta = target - value(w, features, s)
            add(w, features, s, alpha[episode] * delta)
            over = note(log, episode, r, terminated, max_steps)
            s = s_next
        keep_values(history, episode + 1, w)
    return w, history.values, log


@compiled(Fitted, OF_PREDICTORS)
def lstd(mdp, policy, features, *, episodes, rng, ridge=1e-6, max_steps=10_000, keep=None, runs=None):
    """Least-squares TD: add up over all steps what the mean TD update is made of, and solve for where it is 0.

    That is A w = b with A the sum of x(s) (x(s) - gamma x(s'))^T and b that of r x(s). There is no
    step size; a step costs d^2 where few features are not 0, and a solution d^3.
    Source: Bradtke and Barto (1996); Sutton & Barto (2018), section 9.8.
    """
    d, log = features.num_features, new_log(episodes)
    A, b = ridge * np.eye(d), np.zeros(d)
    w, history = np.zeros(d), new_history(keep, np.zeros(d))
    for episode in range(episodes):
        s, over = reset(mdp, rng), False
        while not over:
            a = act(policy, s, rng)
            s_next, r, terminated = step(mdp, s, a, rng)
            add(b, features, s, r)
            add_product(A, features, s, s, 1.0)
            if not terminated:
                add_product(A, features, s, s_next, -mdp.gamma)
            over = note(log, episode, r, terminated, max_steps)
            s = s_next
        if is_kept(history, episode + 1) or episode + 1 == episodes:
            w = np.linalg.solve(A, b)
            keep_values(history, episode + 1, w)
    return w, history.values, log


@compiled(Fitted, OF_PREDICTORS)
def off_policy_semi_gradient_td(
    mdp, target, behaviour, features, *, episodes, alpha, rng, initial_w=0.0, max_steps=10_000, keep=None, runs=None
):
    """Semi-gradient TD on the steps of another policy, each weighted by how much likelier the target policy takes it.

    It may diverge.
    Source: Precup, Sutton and Dasgupta (2001); Sutton & Barto (2018), section 11.1.
    """
    w, log, history = initial_w.copy(), new_log(episodes), new_history(keep, initial_w)
    for episode in range(episodes):
        s, over = reset(mdp, rng), False
        while not over:
            a = act(behaviour, s, rng)
            s_next, r, terminated = step(mdp, s, a, rng)
            rho = target[s, a] / behaviour[s, a]
            v_next = 0.0 if terminated else value(w, features, s_next)
            delta = r + mdp.gamma * v_next - value(w, features, s)
            add(w, features, s, alpha[episode] * rho * delta)
            over = note(log, episode, r, terminated, max_steps)
            s = s_next
        keep_values(history, episode + 1, w)
    return w, history.values, log


@compiled(Fitted, OF_PREDICTORS)
def tdc(
    mdp,
    target,
    behaviour,
    features,
    *,
    episodes,
    alpha,
    alpha_h,
    rng,
    initial_w=0.0,
    max_steps=10_000,
    keep=None,
    runs=None,
):
    """TD with gradient correction: a stochastic gradient of the projected Bellman error, on the steps of any policy.

    The second weights h, which start at 0, estimate the mean TD error from the features; the
    correction takes back what the step did to the value of the next state.
    Source: Sutton et al. (2009); Sutton & Barto (2018), section 11.7.
    """
    w, log, history = initial_w.copy(), new_log(episodes), new_history(keep, initial_w)
    h = np.zeros(len(w))
    for episode in range(episodes):
        s, over = reset(mdp, rng), False
        while not over:
            a = act(behaviour, s, rng)
            s_next, r, terminated = step(mdp, s, a, rng)
            rho = target[s, a] / behaviour[s, a]
            v_next = 0.0 if terminated else value(w, features, s_next)
            delta = r + mdp.gamma * v_next - value(w, features, s)
            expected = value(h, features, s)
            add(w, features, s, alpha[episode] * rho * delta)
            if not terminated:
                add(w, features, s_next, -alpha[episode] * rho * mdp.gamma * expected)
            add(h, features, s, alpha_h * rho * (delta - expected))
            over = note(log, episode, r, terminated, max_steps)
            s = s_next
        keep_values(history, episode + 1, w)
    return w, history.values, log


@compiled(LearnedWeights, OF_SARSA)
def semi_gradient_sarsa(world, features, *, episodes, alpha, epsilon, rng, initial_w=0.0, max_steps=10_000, runs=None):
    """On-policy control with a weight vector for each action: q(s, a) = w[a] . x(s).

    Source: Sutton & Barto (2018), section 10.1.
    """
    w, log = initial_w.copy(), new_log(episodes)
    q = np.zeros(len(w))
    for episode in range(episodes):
        s, over = world.reset(rng), False
        a = epsilon_greedy(action_values(q, w, features, s), epsilon[episode], rng)
        while not over:
            s_next, r, terminated = world.step(s, a, rng)
            a_next = epsilon_greedy(action_values(q, w, features, s_next), epsilon[episode], rng)
            target = r if terminated else r + world.gamma * q[a_next]
            delta = target - value(w[a], features, s)
            add(w[a], features, s, alpha[episode] * delta)
            over = note(log, episode, r, terminated, max_steps)
            s, a = s_next, a_next
    return w, log


# What the loops do with features, of which only those that are not 0 are looked at.


@njit(cache=True)
def value(w, features, s):
    """The value w . x(s) of a state."""
    total = 0.0
    for i in range(features.active(s)):
        number, x = features.feature(s, i)
        total += w[number] * x
    return total


@njit(cache=True)
def action_values(q, w, features, s):
    """Write into q (A,) the value w[a] . x(s) of each action; returns q."""
    q[:] = 0.0
    for i in range(features.active(s)):
        number, x = features.feature(s, i)
        for a in range(len(q)):
            q[a] += w[a, number] * x
    return q


@njit(cache=True)
def add(w, features, s, amount):
    """Add amount * x(s) to w (d,): x(s) is the gradient of the value."""
    for i in range(features.active(s)):
        number, x = features.feature(s, i)
        w[number] += amount * x


@njit(cache=True)
def add_product(A, features, s, s_next, amount):
    """Add amount * x(s) x(s_next)^T to A (d, d)."""
    for i in range(features.active(s)):
        row, x = features.feature(s, i)
        for j in range(features.active(s_next)):
            column, y = features.feature(s_next, j)
            A[row, column] += amount * x * y
