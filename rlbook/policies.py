"""A policy in an MDP: its probabilities, what the process becomes under it, whether it ends, and what it is worth.

A policy is either (S,) integers, the action taken in each state, or (S, A) probabilities.
"""

import numpy as np
import scipy.sparse
import scipy.sparse.linalg

from rlbook._checks import check_array, rounding_of, shown
from rlbook.mdp import check_mdp


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


def visits(mdp, policy):
    """How often (S,) the policy is in each state from the start of an episode on, a visit after t steps counting gamma ** t.

    A terminal state counts 0: nothing is decided there. The visits weigh the states in the policy gradient theorem.
    Raises ValueError where gamma is 1 and the policy may never end an episode.
    Source: Sutton & Barto (2018), section 13.2, with the discount.
    """
    require_proper(mdp, policy)
    P, _ = follow(mdp, policy)
    going, d = ~mdp.terminal, np.zeros(mdp.num_states)
    P = P[going][:, going].T
    if scipy.sparse.issparse(P):
        d[going] = _solve_sparse(scipy.sparse.eye_array(P.shape[0], format="csr") - mdp.gamma * P, mdp.start[going])
    else:
        d[going] = np.linalg.solve(np.eye(len(P)) - mdp.gamma * P, mdp.start[going])
    return d


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
