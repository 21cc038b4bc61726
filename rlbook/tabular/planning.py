"""Planning: values and policies computed from the MDP's own arrays, without taking a step.

Each solver is one loop around an operator of `bellman`, and returns a `Solution` that holds every iterate. The number
`tol` is the error that is left: where gamma < 1, a solver stops when it can show that no value is further than tol from
the truth, up to the rounding of floating point, which is about 1e-16 of the largest value over 1 - gamma. Without a
discount nothing that a sweep shows bounds the error, and each docstring says what is known instead.
"""

from typing import NamedTuple

import numpy as np

from rlbook.tabular.bellman import (
    action_probabilities,
    bellman_expectation,
    bellman_optimality,
    follow,
    policy_value,
    require_proper,
    soft_bellman,
)


class Solution(NamedTuple):
    """What a solver found, and how it got there."""

    v: np.ndarray  # (S,) the values
    q: np.ndarray  # (S, A) the value of each action followed by v
    policy: np.ndarray  # (S,) actions, or (S, A) probabilities
    sweeps: int  # how many times every state was backed up; for policy iteration, how many improvements
    residuals: np.ndarray  # (sweeps,) the largest change of a value in each sweep
    values: np.ndarray  # (sweeps + 1, S) every iterate; values[0] is where it started
    policies: np.ndarray | None = None  # policy iteration: the policy whose value each row of values is


def policy_evaluation(mdp, policy, *, tol=1e-8):
    """Back up every state under the policy until, for gamma < 1, no value is off by over `tol`.

    Sweeps are synchronous: each uses only the values of the one before. A sweep that moves no
    value by more than d leaves an error of at most d * gamma / (1 - gamma), so it stops at
    d = tol * (1 - gamma) / gamma. With gamma = 1 it stops at d = tol, and the error is at most
    tol times the largest expected number of steps to the end.
    Raises ValueError where gamma is 1 and the policy need not end (see `policy_value`),
    ArithmeticError where the sweeps cannot settle.
    Source: Sutton & Barto (2018), section 4.1.
    """
    require_proper(mdp, policy)
    policy = action_probabilities(mdp, policy)
    v = np.zeros(mdp.num_states)
    history = _History(mdp, v, tol)
    while not history.settled:
        v = bellman_expectation(mdp, v, policy)
        history.add(v)
    return history.solution(policy)


def value_iteration(mdp, *, tol=1e-8):
    """Back up every state with its best action until, for gamma < 1, v is within `tol` of v*.

    A sweep that moves no value by more than d leaves an error of at most
    d * gamma / (1 - gamma), so it stops at d = tol * (1 - gamma) / gamma. With gamma = 1 it
    stops at d = tol, and the error is at most tol times the largest expected number of steps
    to the end, under the optimal or the returned policy.
    Raises ValueError where gamma is 1 and from some state no policy reaches an end,
    ArithmeticError where the sweeps cannot settle.
    Source: Sutton & Barto (2018), section 4.4.
    """
    require_proper(mdp, _uniform(mdp))
    v = np.zeros(mdp.num_states)
    history = _History(mdp, v, tol)
    while not history.settled:
        v = bellman_optimality(mdp, v).max(axis=1)
        history.add(v)
    return history.solution()


def soft_value_iteration(mdp, reference, beta, *, tol=1e-8):
    """Back up every state with its best soft action until the values settle: for gamma < 1, within `tol` of the optimum.

    The optimum is that of the rewards minus beta * KL(pi || reference) in each state; its policy (S, A) is
    reference * exp((q - v) / beta). It is the exact solution of the KL-regularised objective of RLHF. Stops as
    `value_iteration` does, and raises the same errors (with gamma = 1 the reference must be able to end).
    reference (S, A) probabilities; beta > 0. Source: see `soft_bellman`.
    """
    require_proper(mdp, reference)
    reference = action_probabilities(mdp, reference)
    v = np.zeros(mdp.num_states)
    history = _History(mdp, v, tol)
    while not history.settled:
        v = soft_bellman(mdp, v, reference, beta)
        history.add(v)
    allowed = np.where(reference > 0, bellman_optimality(mdp, v), -np.inf)
    tilted = reference * np.exp((allowed - allowed.max(axis=1, keepdims=True)) / beta)
    return history.solution(tilted / tilted.sum(axis=1, keepdims=True))


def policy_iteration(mdp, *, policy=None):
    """Evaluate the policy exactly, make it greedy for its own value, stop when nothing changes.

    Starts from `policy`, or from the uniform random one. An action is replaced only by one that
    is better by more than rounding, so each new policy is better than the last; as there are
    finitely many, it ends. v is the value of the returned policy, by linear solve.
    Raises ValueError where gamma is 1 and a policy need not end: the first one, or a loop whose
    rewards have no limit.
    Source: Sutton & Barto (2018), section 4.3.
    """
    policies, values = [_uniform(mdp) if policy is None else np.asarray(policy)], []
    while True:
        v = policy_value(mdp, policies[-1])
        values.append(v)
        better = _improve(mdp, policies[-1], v)
        if any(np.array_equal(better, earlier) for earlier in policies):
            break
        policies.append(better)
    q, values = bellman_optimality(mdp, v), np.array(values)
    residuals = np.abs(np.diff(values, axis=0)).max(axis=1)
    policies = np.array([action_probabilities(mdp, policy) for policy in policies])
    return Solution(v, q, better, len(residuals), residuals, values, policies)


def modified_policy_iteration(mdp, *, backups=20, tol=1e-8):
    """Value iteration that follows each greedy policy for `backups` cheap sweeps before it maximises again.

    If a greedy backup moves every value by between low and high, every v* lies between g * low and g * high above the
    backed-up values, where g = gamma / (1 - gamma). It stops when that interval is at most 2 * tol wide, and v is the
    backed-up values moved to its middle, so that the error is at most tol. These bounds close much sooner than the
    largest change shrinks. `sweeps` counts the greedy backups, and only they are in the history.
    Raises ValueError where gamma is 1: the bounds need a discount.
    Source: Puterman (2005), sections 6.5 and 6.6.
    """
    if mdp.gamma == 1:
        raise ValueError("gamma is 1: the bounds of modified_policy_iteration need gamma below 1; use value_iteration")
    if backups not in range(1_000_000):
        raise ValueError(f"backups is {backups}, expected a whole number from 0 to 999,999")
    to_go = mdp.gamma / (1 - mdp.gamma)
    v = np.zeros(mdp.num_states)
    history = _History(mdp, v, tol)
    while True:
        q = bellman_optimality(mdp, v)
        backed_up = q.max(axis=1)
        low, high = (backed_up - v).min(), (backed_up - v).max()
        history.add(backed_up)
        if to_go * (high - low) <= 2 * tol:
            v = np.where(mdp.terminal, 0.0, backed_up + to_go * (low + high) / 2)
            return history.solution(v=v)
        P, r = follow(mdp, q.argmax(axis=1))
        v = backed_up
        for _ in range(backups):
            v = r + mdp.gamma * (P @ v)


def _uniform(mdp):
    return np.full((mdp.num_states, mdp.num_actions), 1 / mdp.num_actions)


def _rounding(mdp, v):
    """How far (S,) floating point may put two equal action values apart."""
    return 1e-13 * (np.abs(mdp.R) + mdp.gamma * mdp.expect(np.abs(v))).max(axis=1)


def _improve(mdp, policy, v):
    """The policy (S,) that is greedy for v, keeping each action that nothing beats."""
    q, greedy = bellman_optimality(mdp, v), _greedy(mdp, v)
    if policy.ndim == 2:
        return greedy
    states = np.arange(mdp.num_states)
    beaten = q[states, greedy] > q[states, policy] + _rounding(mdp, v)
    return np.where(beaten, greedy, policy)


def _greedy(mdp, v):
    """The policy (S,) of best actions: of equals the first, and without a discount the first that leads to an end.

    (Without a discount an action that stays for ever can look as good as one that arrives.)
    """
    q = bellman_optimality(mdp, v)
    policy = q.argmax(axis=1)
    if mdp.gamma < 1:
        return policy
    best = q >= (q.max(axis=1) - _rounding(mdp, v))[:, None]
    ends = mdp.terminal.copy()  # grows backwards from the terminal states, along best actions
    while True:
        leads = best & (mdp.expect(ends) > 0)
        reached = leads.any(axis=1) & ~ends
        if not reached.any():
            return policy
        policy[reached] = leads[reached].argmax(axis=1)
        ends |= reached


class _History:
    """The iterates of a solver, the rule that ends it, and the record of it all."""

    UNDISCOUNTED_LIMIT = 100_000  # sweeps: without a discount nothing bounds them beforehand
    UNDISCOUNTED_NUMBERS = 500_000_000  # values kept, 4 GB

    def __init__(self, mdp, v, tol):
        if not tol > 0:
            raise ValueError(f"tol is {tol}, expected an error above 0")
        self.mdp, self.tol = mdp, tol
        self.values, self.residuals = [v], []
        self.threshold = tol * (1 - mdp.gamma) / mdp.gamma if 0 < mdp.gamma < 1 else tol
        self.settled = False

    def add(self, v):
        """Append an iterate. Raises ArithmeticError when more of them would not help."""
        residual = np.abs(v - self.values[-1]).max()
        self.values.append(v)
        self.residuals.append(residual)
        self.settled = bool(residual <= self.threshold)
        sweeps = len(self.residuals)
        self._check_finite(v)
        if not self.settled and sweeps >= self._limit():
            if self.mdp.gamma == 1:
                why = "without a discount, rewards that grow for ever or very long episodes; policy_iteration may help"
            else:
                why = f"tol={self.tol:g} is finer than floating point can resolve at values of {np.abs(v).max():.3g}"
            raise ArithmeticError(f"after {sweeps} sweeps a value still moves by {residual:.3g}: {why}")

    def _limit(self):
        """The number of sweeps after which the residual, shrinking by gamma each time, must be below the threshold."""
        gamma, first = self.mdp.gamma, self.residuals[0]
        if gamma == 1:
            return min(self.UNDISCOUNTED_LIMIT, self.UNDISCOUNTED_NUMBERS // self.mdp.num_states)
        return 10 + (np.log(self.threshold / first) / np.log(gamma) if gamma > 0 else 0)

    def _check_finite(self, v):
        if not np.isfinite(v).all():
            raise ArithmeticError(f"after {len(self.residuals)} sweeps a value is too large for floating point")

    def solution(self, policy=None, *, v=None):
        """The record; v is the last iterate unless given, the policy greedy for v unless given."""
        v = self.values[-1] if v is None else v
        self._check_finite(v)
        policy = _greedy(self.mdp, v) if policy is None else policy
        residuals, q = np.array(self.residuals), bellman_optimality(self.mdp, v)
        return Solution(v, q, policy, len(residuals), residuals, np.array(self.values))
