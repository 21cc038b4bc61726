"""The Bellman equations as functions: what a value must equal, one step ahead.

Everywhere v is (S,), q is (S, A), and a policy is either (S,) integers, the action taken in each state, or (S, A)
probabilities. A terminal state is worth 0 whatever v says of it.
"""

import numpy as np
from numba import njit
from scipy.special import logsumexp

from rlbook._checks import check_array, check_number
from rlbook.mdp import check_mdp
from rlbook.policies import action_probabilities, follow, policy_value, require_proper

__all__ = [  # the last four stand in `rlbook.policies`, for the rooms above this one
    "action_probabilities",
    "bellman_expectation",
    "bellman_optimality",
    "follow",
    "optimality_backup",
    "policy_value",
    "require_proper",
    "soft_bellman",
]


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
