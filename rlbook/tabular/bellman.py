"""The Bellman equations as functions: what a value must equal, one step ahead.

Everywhere v is (S,), q is (S, A), and a policy is either (S,) integers, the action taken in each state, or (S, A)
probabilities. A terminal state is worth 0 whatever v says of it.
"""

import numpy as np
import scipy.sparse
import scipy.sparse.linalg
from numba import njit
from scipy.special import logsumexp

from rlbook._checks import check_array, check_number, rounding_of, shown
from rlbook.mdp import check_mdp


def bellman_optimality(mdp, v):
    """The value (S, A) of each action followed by v: r(s, a) + gamma * E[v(s') | s, a].

    Its maximum over actions is the Bellman optimality backup of v; its argmax is the policy
    that is greedy for v. Source: Sutton & Barto (2018), eq. 4.1, before the maximum.
    """
    v = _values(mdp, v)
    return mdp.R + mdp.gamma * mdp.expect(np.where(mdp.terminal, 0.0, v))


def optimality_backup(mdp, v):
    """The value (S,) of the best action in each state, followed by v.

    It is `bellman_optimality(mdp, v).max(axis=1)`, computed in one compiled pass over the outcomes
    where most of P is 0, since a small MDP or a very large one is then done several times sooner.
    """
    v, tables = _values(mdp, v), mdp.tables
    if 4 * len(tables.successor) > mdp.num_states * mdp.R.size:
        return bellman_optimality(mdp, v).max(axis=1)
    return _best_of_rows(tables.terminal, tables.first, tables.successor, tables.probability, mdp.R, tables.gamma, v)


def _values(mdp, v):
    """One value for each state, (S,)."""
    check_mdp(mdp)
    v = np.ascontiguousarray(check_array("v", v), dtype=float)
    if v.shape != mdp.terminal.shape:
        raise ValueError(f"v has shape {v.shape}, expected {mdp.terminal.shape}: one value for each state")
    return v


def bellman_expectation(mdp, v, policy):
    """The value (S,) of following the policy for one step, then v.

    Source: Sutton & Barto (2018), eq. 4.4.
    """
    return (action_probabilities(mdp, policy) * bellman_optimality(mdp, v)).sum(axis=1)


@njit(cache=True)
def _best_of_rows(terminal, first, successor, probability, R, gamma, v):
    """`optimality_backup` from the tables. (Indices without a sign, as Numba lets others count from the end: a test.)"""
    v, best = np.where(terminal, 0.0, v), np.full(len(v), -np.inf)
    outcome = np.uint64(0)
    for s in range(R.shape[0]):
        for a in range(R.shape[1]):
            mean, end = 0.0, np.uint64(first[s * R.shape[1] + a + 1])
            while outcome < end:
                mean += probability[outcome] * v[np.uint64(successor[outcome])]
                outcome += np.uint64(1)
            best[s] = max(best[s], R[s, a] + gamma * mean)
    return best


def soft_bellman(mdp, v, reference, beta):
    """The best value (S,), then v, if leaving the reference costs beta per nat of KL divergence.

    It is beta * log sum over a of pi_ref(a|s) exp(q(s, a) / beta), attained by pi(a|s) in
    proportion to pi_ref(a|s) exp(q(s, a) / beta): as beta goes to 0 the maximum of q, as beta
    grows the mean of q under the reference.
    reference (S, A) probabilities; beta > 0.
    Source: Todorov (2009); Haarnoja et al. (2017), theorem 1, with a uniform reference.
    """
    beta = check_number("beta", beta, above=0, because=": it divides the values")
    q = bellman_optimality(mdp, v)
    return beta * logsumexp(q / beta, axis=1, b=action_probabilities(mdp, reference))


def policy_value(mdp, policy):
    """The exact value (S,) of a policy: the solution of the linear equations v = r_pi + gamma P_pi v.

    Raises ValueError where gamma is 1 and the policy may never end an episode: it then has no value;
    ArithmeticError where its value is too large for floating point.
    Source: Sutton & Barto (2018), section 4.1.
    """
    require_proper(mdp, policy)
    P, r = follow(mdp, policy)
    going = ~mdp.terminal  # terminal states are worth 0, so only the others have an equation
    P, r = P[going][:, going], r[going]
    v = np.zeros(mdp.num_states)
    if scipy.sparse.issparse(P):
        v[going] = _solve_sparse(scipy.sparse.eye_array(len(r), format="csr") - mdp.gamma * P, r)
    else:
        v[going] = np.linalg.solve(np.eye(len(r)) - mdp.gamma * P, r)
    if not np.isfinite(v).all():
        raise ArithmeticError("the value of the policy is too large for floating point: expected smaller rewards")
    return v


def _solve_sparse(matrix, r):
    """The v with matrix @ v = r, as exact as floating point allows.

    Where successors are scattered, iterating is much faster than elimination (43 times at 2,000 states); elimination is
    the fallback where the iterates do not meet the equations to the last digits.
    """
    v, _ = scipy.sparse.linalg.bicgstab(matrix, r, rtol=1e-15, atol=0.0, maxiter=1000)
    digits = 16 * np.finfo(float).eps * (np.abs(r).max() + np.abs(v).max())
    if not np.abs(matrix @ v - r).max() <= digits:
        v = scipy.sparse.linalg.spsolve(matrix.tocsc(), r)
    return v


def action_probabilities(mdp, policy):
    """A policy in its general form, the probabilities (S, A) of each action; a copy, checked."""
    check_mdp(mdp)
    policy, shape = check_array("policy", policy), (mdp.num_states, mdp.num_actions)
    if policy.shape == shape[:1] and np.issubdtype(policy.dtype, np.integer):
        wrong = np.flatnonzero((policy < 0) | (policy >= mdp.num_actions))
        if wrong.size:
            s = wrong[0]
            raise ValueError(f"policy[s={s}] is {policy[s]}, expected an action in 0..{mdp.num_actions - 1}")
        return np.eye(mdp.num_actions)[policy]
    if policy.shape != shape:
        raise ValueError(
            f"policy has shape {policy.shape} and type {policy.dtype}, "
            f"expected {shape[:1]} of integer actions or {shape} of probabilities"
        )
    sums = policy.sum(axis=1, keepdims=True, dtype=float)
    wrong = np.flatnonzero(~(policy >= 0).all(axis=1) | ~(np.abs(sums[:, 0] - 1) <= rounding_of(policy.dtype)))
    if wrong.size:
        s, found = wrong[0], np.array2string(policy[wrong[0]], threshold=10)
        raise ValueError(f"policy[s={s}] is {found}, expected probabilities of the actions, summing to 1")
    return policy / sums


def follow(mdp, policy):
    """What the process becomes under a policy: transitions P_pi (S, S), sparse as mdp.P is, and rewards r_pi (S,)."""
    sparse, states = scipy.sparse.issparse(mdp.P), np.arange(mdp.num_states)
    pi = action_probabilities(mdp, policy)
    if np.ndim(policy) == 1:  # one action in each state: pick its row
        P = mdp.P[states * mdp.num_actions + policy] if sparse else mdp.P[states, policy]
        return P, mdp.R[states, policy]
    r = (pi * mdp.R).sum(axis=1)
    if not sparse:
        return np.einsum("sa,sat->st", pi, mdp.P), r
    rows = np.arange(pi.size)
    mix = scipy.sparse.csr_array((pi.reshape(-1), (rows // mdp.num_actions, rows)), shape=(len(pi), pi.size))
    return mix @ mdp.P, r


def require_proper(mdp, policy, *, who="the policy", instead=None):
    """Raise ValueError where gamma is 1 and the policy, from some state, never reaches a terminal one.

    The error calls it `who`, and says what it comes from and what to do `instead`.
    """
    check_mdp(mdp)
    if mdp.gamma < 1:
        return
    pi = action_probabilities(mdp, policy)
    ends = mdp.terminal.copy()  # the states from which an end is known to be possible; grows backwards, step by step
    grown = True
    while grown:
        can_end = ends | ((pi * mdp.expect(ends)).sum(axis=1) > 0)
        grown = (can_end != ends).any()
        ends = can_end
    if not ends.all():
        stuck = shown(mdp.state_names[np.flatnonzero(~ends)[0]]).strip("'")
        raise ValueError(
            f"gamma is 1, and from state {stuck} {who} never reaches a terminal state ({np.sum(~ends)} such states): "
            + (instead or "its rewards have no finite sum. Expected gamma below 1, or a policy that ends every episode")
        )
