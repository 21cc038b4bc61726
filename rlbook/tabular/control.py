"""Learning to act from sampled steps: SARSA, Expected SARSA, Q-learning and Double Q-learning.

Each learner is the plain loop of the book, one step at a time, and is shown as such; `@learner` (see `loops`) gives it
its public form, `q_learning(mdp, episodes=..., alpha=..., epsilon=..., rng=...)`, compiled, and `q_learning.py_func`,
the same loop uncompiled. All four behave epsilon-greedily for the values they learn; they differ in the target alone.
"""

import numpy as np
from numba import njit

from rlbook.mdp import reset, step
from rlbook.tabular.loops import learner


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
