"""Learning on tables from logged episodes alone: nothing can be tried, so what was never logged is never corrected.

`count` makes of the episodes all that they say about the world: how often each step was taken, and what came of it. The
methods differ in what they believe of the other steps. Each backs up all states at once until nothing moves; with
enough episodes this is where their sampled forms, which go through the steps one by one, come to rest.
"""

from typing import NamedTuple

import numpy as np

from rlbook._checks import check_array, check_count, check_number, shown
from rlbook.logged import check_logged
from rlbook.policies import action_probabilities


class Counted(NamedTuple):
    """What logged episodes say about a world. Rows of what was never logged are 0."""

    counts: np.ndarray  # (S, A) how often each action was taken in each state
    behaviour: np.ndarray  # (S, A) the share of each action in its state; rows of 0 where nobody was
    P: np.ndarray  # (S, A, S) shares of the next states; a step that ended its episode leads nowhere
    R: np.ndarray  # (S, A) mean rewards
    gamma: float

    @property
    def seen(self):
        """The pairs of a state and an action that were logged: (S, A) bool."""
        return self.counts > 0

    def backed_up(self, v):
        """r + gamma v(s'), the mean over what was logged: (S, A), 0 where nothing was."""
        return self.R + self.gamma * self.P @ v


def count(logged, *, num_states, num_actions, gamma):
    """Count the steps of logged episodes, which makes the `Counted` world that they show."""
    num_states, num_actions = check_count("num_states", num_states), check_count("num_actions", num_actions)
    check_logged(logged, num_actions, num_states)
    gamma = check_number("gamma", gamma, least=0, most=1)
    s, a, r, s_next, terminated = logged.transitions
    counts, R, P = (np.zeros((num_states, num_actions, *more)) for more in ((), (), (num_states,)))
    np.add.at(counts, (s, a), 1)
    np.add.at(R, (s, a), r)
    np.add.at(P, (s, a, s_next), ~terminated)
    each = np.maximum(counts, 1)
    visits = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return Counted(counts, counts / visits, P / each[..., None], R / each, gamma)


def counted_forever(mdp, behaviour):
    """What infinitely many episodes of a policy would say about a dense FiniteMDP, if it comes to all states."""
    behaviour = action_probabilities(mdp, behaviour) * ~mdp.terminal[:, None]
    seen = behaviour > 0
    return Counted(behaviour, behaviour, mdp.P * ~mdp.terminal * seen[..., None], mdp.R * seen, mdp.gamma)


def behaviour_cloning(counted):
    """The policy (S, A) that does what was done, as often; in states where nobody was, anything."""
    shares = counted.behaviour
    return np.where(shares.sum(axis=1, keepdims=True) > 0, shares, 1 / shares.shape[1])


def fitted_q_iteration(counted, X, *, sweeps):
    """Q-learning from logged steps alone, whose target takes the best action, logged or not.

    X (S, F) are features of the states, an identity for a table; q(s, a) = w_a . x(s). Each sweep fits w_a to the
    targets of all logged steps with action a, by least squares. Yields q (S, A) after each sweep.
    Source: Ernst et al. (2005); Fujimoto et al. (2019) for what becomes of it.
    """
    X, visited, solvers = *_features(counted, X), _least_squares(counted, X)
    q = np.zeros(counted.counts.shape)
    for _ in range(check_count("sweeps", sweeps)):
        v = np.where(visited, q.max(axis=1), 0.0)
        targets = counted.backed_up(v)
        w = np.stack([solve @ targets[:, a] for a, solve in enumerate(solvers)])  # (A, F)
        q = X @ w.T
        yield q


def in_sample_q_iteration(counted, X, *, sweeps):
    """The same, whose target takes the best of the *logged* actions. Yields q (S, A) after each sweep.

    Source: Fujimoto et al. (2019), batch-constrained Q-learning, section 4.1.
    """
    X, visited, solvers = *_features(counted, X), _least_squares(counted, X)
    q = np.zeros(counted.counts.shape)
    for _ in range(check_count("sweeps", sweeps)):
        v = np.where(visited, np.where(counted.seen, q, -np.inf).max(axis=1), 0.0)
        targets = counted.backed_up(v)
        w = np.stack([solve @ targets[:, a] for a, solve in enumerate(solvers)])  # (A, F)
        q = X @ w.T
        yield q


def conservative_q_learning(counted, *, alpha, sweeps, step=0.5):
    """Q-learning that also presses down what it would do and lifts what was done. Yields q (S, A) after each sweep.

    Each sweep is a step down the gradient of
    sum_a b(a|s) (target - q(s, a))^2 / 2 + alpha (log sum_a exp q(s, a) - sum_a b(a|s) q(s, a)) in all logged states.
    Source: Kumar et al. (2020), CQL(H), equation 4.
    """
    alpha, step = check_number("alpha", alpha, least=0), check_number("step", step, above=0)
    b, visited = counted.behaviour, counted.seen.any(axis=1)
    q = np.zeros(counted.counts.shape)
    for _ in range(check_count("sweeps", sweeps)):
        delta = counted.backed_up(np.where(visited, q.max(axis=1), 0.0)) - q
        q = q + step * visited[:, None] * (b * delta - alpha * (_softmax(q) - b))
        yield q


def conservative_evaluation(counted, policy, *, alpha, sweeps):
    """CQL's evaluation of a policy (S, A), exactly minimised in each sweep. Yields q (S, A) after each of them.

    What the policy does more often than the behaviour is pressed down: the least of
    sum_a b(a|s) (target - q)^2 / 2 + alpha sum_a (pi(a|s) - b(a|s)) q lies alpha (pi(a|s) / b(a|s) - 1) below the target.
    Raises ValueError where the policy takes an action that was never logged: its value would have no lower end.
    Source: Kumar et al. (2020), equation 2 and theorem 3.2.
    """
    pi, b, visited = check_array("policy", policy), counted.behaviour, counted.seen.any(axis=1)
    if pi.shape != b.shape:
        raise ValueError(f"policy has shape {pi.shape}, expected {b.shape}: probabilities")
    alpha = check_number("alpha", alpha, least=0)
    never = np.argwhere((pi > 0) & ~counted.seen & visited[:, None])
    if len(never):
        s, a = never[0].tolist()
        raise ValueError(f"the policy takes action {a} in state {s}, which was never logged: expected one that was")
    excess = np.divide(pi, b, out=np.ones_like(b), where=b > 0) - 1
    q = np.zeros_like(b)
    for _ in range(check_count("sweeps", sweeps)):
        v = (pi * q).sum(axis=1) * visited
        q = np.where(counted.seen, counted.backed_up(v) - alpha * excess, 0.0)
        yield q


def expectile(values, weights, tau):
    """The tau-expectile of values (..., A) that come with weights (..., A): (...), 0 where all weights are 0.

    It is where the mean distance of what lies above, times tau, is that of what lies below, times 1 - tau: the mean for
    tau = 0.5, towards the largest value that has a weight for tau near 1. Each round solves for the side on which each
    value lies, and in A rounds no value is left that changes its side. Source: Newey and Powell (1987).
    """
    tau = check_number("tau", tau, above=0, below=1)
    values, weights = check_array("values", values).astype(float), check_array("weights", weights).astype(float)
    if values.shape != weights.shape or (weights < 0).any():
        raise ValueError(f"weights are {shown(weights)}, expected numbers from 0 on in the shape {values.shape}")
    found = _mean(values, weights)
    for _ in range(values.shape[-1]):
        found = _mean(values, weights * np.where(values > found[..., None], tau, 1 - tau))
    return found


def implicit_q_learning(counted, *, tau, sweeps):
    """Values of states that are expectiles of the logged actions' values. Yields q (S, A) after each sweep.

    tau = 0.5 values the behaviour itself, tau near 1 the best of what was logged; no other action is ever asked for.
    Source: Kostrikov et al. (2022), equations 5 and 6.
    """
    q = np.zeros(counted.counts.shape)
    for _ in range(check_count("sweeps", sweeps)):
        v = expectile(q, counted.behaviour, tau)
        q = counted.backed_up(v) * counted.seen
        yield q


def greedy_in_sample(counted, q):
    """The best of the logged actions in each state, (S,); action 0 where nothing was logged."""
    return np.where(counted.seen, q, -np.inf).argmax(axis=1)


def _mean(values, weights):
    total = weights.sum(axis=-1)
    return (values * weights).sum(axis=-1) / np.where(total > 0, total, 1.0)


def _softmax(q):
    e = np.exp(q - q.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def _features(counted, X):
    """The features as an array (S, F) of floats, and the states in which something was logged, (S,) bool."""
    X = check_array("X", X).astype(float)
    states = len(counted.counts)
    if X.ndim != 2 or len(X) != states or not np.isfinite(X).all():
        raise ValueError(f"X has shape {X.shape}, expected ({states}, F) finite numbers: a row for each state")
    return X, counted.seen.any(axis=1)


def _least_squares(counted, X):
    """For each action the matrix (F, S) from targets to the weights that fit them, each state counting as it was logged."""
    return [np.linalg.pinv(np.sqrt(n)[:, None] * X) * np.sqrt(n) for n in counted.counts.T]
