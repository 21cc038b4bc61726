"""Planning: values and policies computed from the MDP's own arrays, without taking a step.

Each solver is one loop around an operator of `bellman`, and returns a `Solution` that holds every iterate. The number
`tol` is the error that is left: where gamma < 1, a solver stops when it can show that no value is further than tol from
the truth, up to the rounding of floating point, which is about 1e-16 of the largest value over 1 - gamma. Without a
discount nothing that a sweep shows bounds the error, and each docstring says what is known instead.

The record holds every iterate. Where they would take too many bytes, history=False keeps only the first and the last.

Without a discount, gamma = 1, a loop of steps whose rewards sum to 0 is free, and to sweeps of the best action it looks
worth 0, whether it ends or not. Where it beats every way to an end, the sweeps are drawn into it: the solvers refuse
such a policy, which has no value, with a ValueError. `policy_iteration` compares only policies that end.
"""

import math
import sys
from heapq import heapify, heappop, heappush
from typing import NamedTuple

import numpy as np
import scipy.sparse
from numba import njit

from rlbook._checks import check_array, check_count, check_number, shown
from rlbook.mdp import check_mdp
from rlbook.tabular.bellman import (
    action_probabilities,
    bellman_expectation,
    bellman_optimality,
    follow,
    optimality_backup,
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
    values: np.ndarray  # (sweeps + 1, S) every iterate, or (2, S) the first and the last; values[0] is the start
    policies: np.ndarray | None = None  # policy iteration: the policy whose value each row of values is
    backups: int | None = None  # Gauss-Seidel and prioritized: how many times a single state was backed up


def policy_evaluation(mdp, policy, *, tol=1e-8, history=True):
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
    record = _History(mdp, v, tol, history)
    while not record.settled:
        v = bellman_expectation(mdp, v, policy)
        record.add(v)
    return record.solution(policy)


def value_iteration(mdp, *, tol=1e-8, history=True):
    """Back up every state with its best action until, for gamma < 1, v is within `tol` of v*.

    A sweep that moves no value by more than d leaves an error of at most
    d * gamma / (1 - gamma), so it stops at d = tol * (1 - gamma) / gamma. With gamma = 1 it
    stops at d = tol, and the error is at most tol times the largest expected number of steps
    to the end, under the optimal or the returned policy.
    Raises ValueError where gamma is 1 and from some state no policy reaches an end, or the
    best never does (a free loop: `policy_iteration` then finds the best policy that ends);
    ArithmeticError where the sweeps cannot settle.
    Source: Sutton & Barto (2018), section 4.4.
    """
    require_proper(mdp, _uniform(mdp))
    v = np.zeros(mdp.num_states)
    record = _History(mdp, v, tol, history)
    while not record.settled:
        v = optimality_backup(mdp, v)
        record.add(v)
    return record.solution()


def soft_value_iteration(mdp, reference, beta, *, tol=1e-8, history=True):
    """Back up every state with its best soft action until the values settle: for gamma < 1, within `tol` of the optimum.

    The optimum is that of the rewards minus beta * KL(pi || reference) in each state; its policy (S, A) is
    reference * exp((q - v) / beta). It is the exact solution of the KL-regularised objective of RLHF. Stops as
    `value_iteration` does, and raises the same errors (with gamma = 1 the reference must be able to end).
    reference (S, A) probabilities; beta > 0. Source: see `soft_bellman`.
    """
    require_proper(mdp, reference)
    reference, beta = action_probabilities(mdp, reference), check_number("beta", beta, above=0)
    v = np.zeros(mdp.num_states)
    record = _History(mdp, v, tol, history)
    while not record.settled:
        v = soft_bellman(mdp, v, reference, beta)
        record.add(v)
    allowed = np.where(reference > 0, bellman_optimality(mdp, v), -np.inf)
    tilted = reference * np.exp((allowed - allowed.max(axis=1, keepdims=True)) / beta)
    return record.solution(tilted / tilted.sum(axis=1, keepdims=True))


def epsilon_soft_value_iteration(mdp, epsilon, *, tol=1e-8, history=True):
    """Value iteration for one whose hand trembles: with probability `epsilon` any action happens.

    It finds the best of the policies that take each action with probability epsilon / A at least:
    a state is worth epsilon times the mean of its action values plus 1 - epsilon times the best.
    Stops as `value_iteration` does, and raises the same errors. The record's policy is (S, A).
    epsilon in [0, 1]. Source: Sutton & Barto (2018), section 5.4.
    """
    epsilon = check_number("epsilon", epsilon, least=0, most=1)
    require_proper(mdp, _uniform(mdp))
    v = np.zeros(mdp.num_states)
    record = _History(mdp, v, tol, history)
    while not record.settled:
        q = bellman_optimality(mdp, v)
        v = epsilon * q.mean(axis=1) + (1 - epsilon) * q.max(axis=1)
        record.add(v)
    best = _greedy(mdp, v, bellman_optimality(mdp, v))
    return record.solution(epsilon * _uniform(mdp) + (1 - epsilon) * action_probabilities(mdp, best))


def policy_iteration(mdp, *, policy=None):
    """Evaluate the policy exactly, make it greedy for its own value, stop when nothing changes.

    Starts from `policy`, or from the uniform random one. An action is replaced only by one that
    is better by more than rounding, so each new policy is better than the last; as there are
    finitely many, it ends. v is the value of the returned policy, by linear solve. With gamma = 1
    it is the best of the policies that end: a free loop, whose rewards sum to 0, is never entered
    for its own sake, where `value_iteration` would be drawn into it and refuses.
    Raises ValueError where gamma is 1 and a policy need not end: the first one, or a loop whose
    rewards have no limit.
    Source: Sutton & Barto (2018), section 4.3.
    """
    policies, values = [_uniform(mdp) if policy is None else check_array("policy", policy)], []
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


def modified_policy_iteration(mdp, *, backups=20, tol=1e-8, history=True):
    """Value iteration that follows each greedy policy for `backups` cheap sweeps in between.

    If a greedy backup moves every value by between low and high, every v* lies between g * low
    and g * high above the backed-up values, where g = gamma / (1 - gamma). It stops when that
    interval is at most 2 * tol wide, and v is the backed-up values moved to its middle, so that
    the error is at most tol. These bounds close much sooner than the largest change shrinks.
    `sweeps` counts the greedy backups, and only they are in the history.
    Raises ValueError where gamma is 1: the bounds need a discount.
    Source: Puterman (2005), sections 6.5 and 6.6.
    """
    check_mdp(mdp)
    if mdp.gamma == 1:
        raise ValueError("gamma is 1: the bounds need gamma below 1; use value_iteration")
    backups = check_count("backups", backups, least=0, most=999_999)
    to_go = mdp.gamma / (1 - mdp.gamma)
    v = np.zeros(mdp.num_states)
    record = _History(mdp, v, tol, history)
    while True:
        q = bellman_optimality(mdp, v)
        backed_up = q.max(axis=1)
        low, high = (backed_up - v).min(), (backed_up - v).max()
        record.add(backed_up)
        if to_go * (high - low) <= 2 * tol:
            v = np.where(mdp.terminal, 0.0, backed_up + to_go * (low + high) / 2)
            return record.solution(v=v)
        P, r = follow(mdp, q.argmax(axis=1))
        v = backed_up
        for _ in range(backups):
            v = r + mdp.gamma * (P @ v)


def gauss_seidel_value_iteration(mdp, *, order=None, tol=1e-8, history=True):
    """Value iteration in one array: each state uses the newest values of the others.

    order (N,) lists the states as a sweep visits them, each that is not terminal at least
    once; by default 0, 1, 2... Such a sweep, too, brings any two v nearer by the factor gamma,
    so that it stops, and guarantees, as `value_iteration` does: d is the most that a sweep
    moves a value. `backups` counts the states visited.
    Raises the errors of `value_iteration`, and ValueError where the order leaves out a state.
    Source: Sutton & Barto (2018), section 4.5; Bertsekas & Tsitsiklis (1989), section 4.3.
    """
    require_proper(mdp, _uniform(mdp))
    order = _check_order(mdp, order)
    v = np.zeros(mdp.num_states)
    record = _History(mdp, v, tol, history)
    while not record.settled:
        v = v.copy()
        sweep_in_place(mdp.tables, v, order)
        record.add(v)
    return record.solution(backups=len(record.residuals) * len(order))


def prioritized_value_iteration(mdp, *, tol=1e-8, history=True):
    """Back up one state at a time, where it matters most, until v is within `tol` of v*.

    What matters is the Bellman residual of a state, how far v(s) is from its best q(s, a). The
    priority of a state is an upper bound of it: exact at the start, 0 after a backup, and
    raised when the value of a successor s' moves, by gamma * p(s'|s, a) times that move, for
    the action most likely to lead there. It stops when no priority is above d = tol * (1 -
    gamma), or tol with gamma = 1, where the error is at most tol times the largest expected
    number of steps to the end, under the optimal or the returned policy.
    `backups` counts the states backed up. The history has a row after as many of them as there
    are states, the work of one sweep, and `residuals` holds the largest priority at each row.
    Raises the errors of `value_iteration`.
    Source: Sutton & Barto (2018), section 8.4; Wingate & Seppi (2005).
    """
    require_proper(mdp, _uniform(mdp))
    predecessors = _predecessors(mdp)
    v, backups = np.zeros(mdp.num_states), 0
    priority = np.abs(mdp.R.max(axis=1))  # of v = 0, whose backup is the best reward
    record = _History(mdp, v, tol, history, patience=10)
    record.threshold = tol * (1 - mdp.gamma) if mdp.gamma < 1 else tol
    while not record.settled:
        v = v.copy()
        backups += largest_first(mdp.tables, predecessors, v, priority, record.threshold)
        record.add(v, priority.max())
    return record.solution(backups=backups)


@njit(cache=True)
def best_backup(mdp, v, s):
    """The value of the best action in one state s, followed by v."""
    best = -np.inf
    for a in range(mdp.num_actions):
        row, value = s * mdp.num_actions + a, 0.0
        for i in range(mdp.first[row], mdp.first[row + 1]):
            value += mdp.probability[i] * (mdp.reward[i] + mdp.gamma * v[mdp.successor[i]])
        best = max(best, value)
    return best


@njit(cache=True)
def sweep_in_place(mdp, v, order):
    """Back up the states in the given order, each from what v holds at that moment."""
    for s in order:
        v[s] = best_backup(mdp, v, s)


@njit(cache=True)
def largest_first(mdp, predecessors, v, priority, threshold):
    """Back up the state of the largest priority, until none is above the threshold.

    Does at most as many backups as there are states, and returns their number.
    """
    queue = [(-priority[s], s) for s in range(mdp.num_states) if priority[s] > threshold]
    heapify(queue)  # the smallest comes first, hence the sign
    backups = 0
    while queue and backups < mdp.num_states:
        negative, s = heappop(queue)
        if -negative != priority[s]:
            continue  # put in before the priority changed
        backed_up = best_backup(mdp, v, s)
        change = abs(backed_up - v[s])
        v[s], priority[s] = backed_up, 0.0
        backups += 1
        for i in range(predecessors.first[s], predecessors.first[s + 1]):
            before = predecessors.state[i]
            priority[before] += mdp.gamma * predecessors.probability[i] * change
            if change > 0 and priority[before] > threshold:
                heappush(queue, (-priority[before], before))
    return backups


class Predecessors(NamedTuple):
    """From where each state can be reached: those of state s are at positions first[s] to first[s + 1] - 1."""

    first: np.ndarray  # (S + 1,)
    state: np.ndarray  # (N,)
    probability: np.ndarray  # (N,) of reaching s from there, with the action most likely to


def _predecessors(mdp):
    tables, shape = mdp.tables, (mdp.num_states * mdp.num_actions, mdp.num_states)
    rows = scipy.sparse.csr_array((tables.probability, tables.successor, tables.first), shape=shape)
    most_likely = rows[:: mdp.num_actions]
    for a in range(1, mdp.num_actions):
        most_likely = most_likely.maximum(rows[a :: mdp.num_actions])
    backwards = most_likely.tocsc()
    return Predecessors(backwards.indptr.astype(np.int64), backwards.indices.astype(np.int64), backwards.data)


def _check_order(mdp, order):
    states = np.arange(mdp.num_states)
    order = states if order is None else check_array("order", order)
    if order.ndim != 1 or not (np.issubdtype(order.dtype, np.integer) and np.isin(order, states).all()):
        raise ValueError(f"order is {shown(order)}, expected states in 0..{mdp.num_states - 1}, as a sweep visits them")
    left_out = np.setdiff1d(states[~mdp.terminal], order)
    if left_out.size:
        raise ValueError(f"order leaves out {left_out.size} states, such as {left_out[0]}: its value would stay 0")
    return order.astype(np.int64)


def _uniform(mdp):
    check_mdp(mdp)
    return np.full((mdp.num_states, mdp.num_actions), 1 / mdp.num_actions)


def _rounding(mdp, v):
    """How far (S,) floating point may put two equal action values apart."""
    return 1e-13 * (np.abs(mdp.R) + mdp.gamma * mdp.expect(np.abs(v))).max(axis=1)


def _improve(mdp, policy, v):
    """The policy (S,) that is greedy for v, keeping each action that nothing beats."""
    q = bellman_optimality(mdp, v)
    greedy = _greedy(mdp, v, q)
    if policy.ndim == 2:
        return greedy
    states = np.arange(mdp.num_states)
    beaten = q[states, greedy] > q[states, policy] + _rounding(mdp, v)
    return np.where(beaten, greedy, policy)


def _greedy(mdp, v, q):
    """The policy (S,) of best actions: of equals the first, and without a discount the first that leads to an end.

    (Without a discount an action that stays for ever can look as good as one that arrives.) q: `bellman_optimality` of v.
    """
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
    MOST_SWEEPS = 100_000_000  # minutes, even with two states
    MOST_BYTES_KEPT = 4_000_000_000
    OVERHEAD = sys.getsizeof(np.empty(0)) + 2 * sys.getsizeof(
        0.0
    )  # bytes of an array, less its numbers, and a residual

    def __init__(self, mdp, v, tol, keep=True, *, patience=1):
        self.tol = check_number("tol", tol, above=0, what="an error")
        if not isinstance(keep, bool | np.bool_):
            raise TypeError(f"history is {shown(keep)}, expected True or False")
        self.mdp, self.keep, self.patience = mdp, keep, patience
        self.values, self.residuals = [v], []
        self.threshold = self.tol * (1 - mdp.gamma) / mdp.gamma if 0 < mdp.gamma < 1 else self.tol
        self.settled, self.limit = False, math.inf

    def add(self, v, residual=None):
        """Append an iterate, whose residual is its largest change unless given.

        Raises ArithmeticError when more of them would not help, MemoryError when they take too many bytes to keep.
        """
        residual = float(np.abs(v - self.values[-1]).max() if residual is None else residual)
        if self.keep and len(self.values) * (v.nbytes + self.OVERHEAD) > self.MOST_BYTES_KEPT:
            raise MemoryError(
                f"{len(self.values):,} iterates of {len(v):,} values take more than {self.MOST_BYTES_KEPT:,} bytes: "
                "pass history=False"
            )
        if self.keep or len(self.values) == 1:
            self.values.append(v)
        else:
            self.values[1] = v
        self.residuals.append(residual)
        self.settled = bool(residual <= self.threshold)
        sweeps = len(self.residuals)
        if not math.isfinite(residual):
            self._overflow()
        if self.settled and sweeps < self.limit + 1:  # after that, the rule of modified policy iteration is too fine
            return
        if sweeps == 1:
            self.limit = self._limit(residual)
        if sweeps >= min(self.limit, self.MOST_SWEEPS):
            raise ArithmeticError(
                f"after {sweeps} sweeps, the last of which moved a value by {residual:.3g}: {self._why(v)}"
            )

    def _limit(self, first):
        """The number of sweeps after which the first residual, shrinking by gamma each time, is below the threshold."""
        gamma = self.mdp.gamma
        if gamma == 1:
            return self.UNDISCOUNTED_LIMIT
        smallest = max(self.threshold, sys.float_info.min)  # no residual shrinks below that and is not 0
        shrinking = (math.log(smallest) - math.log(first)) / math.log(gamma) if gamma > 0 else 0
        return self.patience * (10 + shrinking)

    def _why(self, v):
        """Why more sweeps would not help."""
        if self.mdp.gamma == 1:
            return "without a discount, rewards that grow for ever or very long episodes; policy_iteration may help"
        if self.limit > self.MOST_SWEEPS:
            return (
                f"gamma={self.mdp.gamma!r} is so near 1 that {self.limit:.1g} may be needed; policy_iteration is exact"
            )
        return f"tol={self.tol:g} is finer than floating point can resolve at values of {np.abs(v).max():.3g}"

    def _overflow(self):
        raise ArithmeticError(f"after {len(self.residuals)} sweeps a value is too large for floating point")

    def solution(self, policy=None, *, v=None, backups=None):
        """The record; v is the last iterate unless given, the policy greedy for v unless given."""
        v = self.values[-1] if v is None else v
        if not np.isfinite(v).all():
            self._overflow()
        q, residuals = bellman_optimality(self.mdp, v), np.array(self.residuals)
        policy = _greedy(self.mdp, v, q) if policy is None else policy
        require_proper(self.mdp, policy, who="the best policy found", instead=FREE_LOOP)
        return Solution(v, q, policy, len(residuals), residuals, _stacked(self.values), backups=backups)


FREE_LOOP = (
    "a loop whose rewards sum to 0 looks better than every way to an end. Expected gamma below 1, a cost for each step, "
    "or policy_iteration, which finds the best policy that ends"
)


def _stacked(arrays):
    """The arrays of a list as the rows of one, each let go as soon as it is copied: they are never held twice."""
    rows = np.empty((len(arrays), len(arrays[0])))
    for i in range(len(arrays)):
        rows[i], arrays[i] = arrays[i], None
    return rows
