"""Where linear methods come to rest, from the arrays of a FiniteMDP: nothing is sampled here.

Everywhere features is an array (S, d), a row for each state; policy is (S,) actions or (S, A) probabilities; mu (S,) says
how much each state counts, and need not sum to 1. The values are features @ w; that of a terminal state is 0.
"""

import numpy as np
import scipy.sparse

from rlbook._checks import check_array
from rlbook.approximation.linear import check_features
from rlbook.mdp import check_mdp
from rlbook.policies import follow, policy_value


def on_policy_distribution(mdp, policy):
    """The share of the steps (S,) that the policy makes in each state, in the long run of episodes.

    Without a terminal state it is the stationary distribution. The discount does not enter. Raises ValueError where the
    policy does not end every episode, or where what it does in the long run depends on the first state.
    Source: Sutton & Barto (2018), section 9.2.
    """
    check_mdp(mdp)
    P, going = _transitions(mdp, policy)[0], ~mdp.terminal
    if going.all():  # mu = mu P, of which one equation follows from the others: in its place the shares sum to 1
        system, right = np.eye(len(P)) - P.T, np.zeros(len(P))
        system[-1], right[-1] = 1.0, 1.0
    else:  # visits = start + visits P
        system, right = np.eye(going.sum()) - P[np.ix_(going, going)].T, mdp.start[going]
    if not np.linalg.cond(system, 1) < 1 / np.finfo(float).eps:
        expected = "one class of states that it returns to" if going.all() else "a policy that ends every episode"
        raise ValueError(f"the policy has no distribution that it comes to from everywhere: expected {expected}")
    mu = np.zeros(mdp.num_states)
    mu[going] = np.maximum(np.linalg.solve(system, right), 0.0)
    return mu / mu.sum()


def monte_carlo_solution(mdp, policy, features, mu):
    """The weights (d,) whose values are nearest to the true ones: the minimum of `value_error`.

    Gradient Monte Carlo comes to rest there. Of several such weights it is the shortest.
    Source: Sutton & Barto (2018), section 9.2.
    """
    X, mu = _weighed(mdp, features, mu)
    return _nearest(X, policy_value(mdp, policy), mu)


def expected_td(mdp, policy, features, mu):
    """A (d, d) and b (d,) of the mean semi-gradient TD update, alpha * (b - A w), where states come as in mu.

    A is X^T D (I - gamma P) X and b is X^T D r. The update converges for a small alpha if the real parts of A's
    eigenvalues are positive, as they are where mu is the policy's own and no feature is superfluous; it diverges
    if one is negative. Source: Sutton & Barto (2018), section 9.4.
    """
    X, mu = _weighed(mdp, features, mu)
    P, r = _transitions(mdp, policy)
    return X.T @ (mu[:, None] * (X - mdp.gamma * P @ X)), X.T @ (mu * r)


def td_solution(mdp, policy, features, mu):
    """The weights (d,) at which the mean TD update is 0: the TD fixed point, with a `projected_bellman_error` of 0.

    Of several such weights it is the shortest. Raises ArithmeticError where there is none.
    Source: Sutton & Barto (2018), section 9.4.
    """
    A, b = expected_td(mdp, policy, features, mu)
    w = np.linalg.lstsq(A, b)[0]
    if np.abs(A @ w - b).max() > 1e-8 * max(np.abs(b).max(), np.finfo(float).tiny):
        raise ArithmeticError("A w = b has no solution: the mean TD update is 0 for no weights")
    return w


def bellman_error_solution(mdp, policy, features, mu):
    """The weights (d,) at which the mean TD error of the states is least: the minimum of `bellman_error`.

    The residual gradient comes to rest there, with two samples of each next state. Source: Baird (1995); Sutton & Barto
    (2018), section 11.5.
    """
    X, mu = _weighed(mdp, features, mu)
    P, r = _transitions(mdp, policy)
    return _nearest(X - mdp.gamma * P @ X, r, mu)


def value_error(mdp, policy, features, w, mu):
    """The mean square of what the values are off the true ones, VE.

    Source: Sutton & Barto (2018), equation 9.1.
    """
    X, mu = _weighed(mdp, features, mu)
    return float(mu @ (policy_value(mdp, policy) - X @ _weights(w, X)) ** 2 / mu.sum())


def bellman_error(mdp, policy, features, w, mu):
    """The mean square of the expected TD error of each state, BE.

    Source: Sutton & Barto (2018), section 11.4.
    """
    X, mu = _weighed(mdp, features, mu)
    return float(mu @ _expected_errors(mdp, policy, X, w) ** 2 / mu.sum())


def projected_bellman_error(mdp, policy, features, w, mu):
    """The mean square of that part of the expected TD errors which the features can express, PBE.

    Source: Sutton & Barto (2018), section 11.4.
    """
    X, mu = _weighed(mdp, features, mu)
    errors = _expected_errors(mdp, policy, X, w)
    return float(mu @ (X @ _nearest(X, errors, mu)) ** 2 / mu.sum())


def _expected_errors(mdp, policy, X, w):
    """What one step of the policy adds to the value of each state: (S,)."""
    P, r = _transitions(mdp, policy)
    v = X @ _weights(w, X)
    return r + mdp.gamma * P @ v - v


def _transitions(mdp, policy):
    """P_pi (S, S), dense, and r_pi (S,); both 0 in terminal states, which nothing follows."""
    P, r = follow(mdp, policy)
    P = P.toarray() if scipy.sparse.issparse(P) else P
    return P * ~mdp.terminal[:, None], np.where(mdp.terminal, 0.0, r)


def _nearest(X, y, mu):
    """The weights of the least-squares fit of y (S,) by the columns of X (S, d)."""
    root = np.sqrt(mu)
    return np.linalg.lstsq(root[:, None] * X, root * y)[0]


def _weighed(mdp, features, mu):
    """The features, 0 in terminal states, and how much each state counts: nothing for a terminal one."""
    check_mdp(mdp)
    X, mu = check_features("features", features, mdp), check_array("mu", mu).astype(float)
    if mu.shape != (mdp.num_states,):
        raise ValueError(f"mu has shape {mu.shape}, expected ({mdp.num_states},): how much each state counts")
    wrong = np.flatnonzero(~(np.isfinite(mu) & (mu >= 0)))
    if wrong.size:
        raise ValueError(f"mu[s={wrong[0]}] is {mu[wrong[0]]}, expected a finite number, not negative")
    mu = np.where(mdp.terminal, 0.0, mu)
    if not mu.any():
        raise ValueError("mu is 0 in every state that is not terminal, expected a positive number in one of them")
    return np.where(mdp.terminal[:, None], 0.0, X), mu


def _weights(w, X):
    w = check_array("w", w).astype(float)
    if w.shape != X.shape[1:]:
        raise ValueError(f"w has shape {w.shape}, expected {X.shape[1:]}: a weight for each feature")
    return w
