"""Learning to act from sampled steps: SARSA, Expected SARSA, Q-learning, Double Q-learning, and longer looks.

Each learner is the plain loop of the book, one step at a time, and is shown as such. What its arguments mean stands in
`arguments`, and in `help(q_learning)`; `@learner` (see `loops`) checks them and runs the loop compiled, for one run or
many. `q_learning.py_func` is the same loop uncompiled. All of them behave epsilon-greedily for the values they learn.
The first four differ in the target alone. The last three learn from more than one step at a time: n-step SARSA, and
SARSA(lambda) and Q(lambda) with replacing traces, since a learner that runs into a wall visits the same pair again and
again: a trace that adds up its visits would make steps larger than 1 there, and the values would grow without bound.
"""

import numpy as np
from numba import njit

from rlbook._checks import check_array, check_number
from rlbook.loops import epsilon_greedy, learner, new_log, note
from rlbook.mdp import reset, step


@learner
def sarsa(mdp, *, episodes, alpha, epsilon, rng, initial_q=0.0, max_steps=10_000, runs=None):
    """On-policy control: bootstrap from the action that is taken next.

    Source: Sutton & Barto (2018), section 6.4.
    """
    q, log = initial_q.copy(), new_log(episodes)
    for episode in range(episodes):
        s, over = reset(mdp, rng), False
        a = epsilon_greedy(q[s], epsilon[episode], rng)
        while not over:
            s_next, r, terminated = step(mdp, s, a, rng)
            a_next = epsilon_greedy(q[s_next], epsilon[episode], rng)
            target = r if terminated else r + mdp.gamma * q[s_next, a_next]
            q[s, a] += alpha[episode] * (target - q[s, a])
            over = note(log, episode, r, terminated, max_steps)
            s, a = s_next, a_next
    return q, log


@learner
def expected_sarsa(mdp, *, episodes, alpha, epsilon, rng, initial_q=0.0, max_steps=10_000, runs=None):
    """On-policy control: bootstrap from the mean over the actions that could be taken next.

    Source: Sutton & Barto (2018), section 6.6.
    """
    q, log = initial_q.copy(), new_log(episodes)
    for episode in range(episodes):
        s, over = reset(mdp, rng), False
        while not over:
            a = epsilon_greedy(q[s], epsilon[episode], rng)
            s_next, r, terminated = step(mdp, s, a, rng)
            expected = epsilon_greedy_value(q[s_next], epsilon[episode])
            target = r if terminated else r + mdp.gamma * expected
            q[s, a] += alpha[episode] * (target - q[s, a])
            over = note(log, episode, r, terminated, max_steps)
            s = s_next
    return q, log


@learner
def q_learning(mdp, *, episodes, alpha, epsilon, rng, initial_q=0.0, max_steps=10_000, runs=None):
    """Off-policy control: bootstrap from the best action, whichever is taken next.

    Source: Watkins (1989); Sutton & Barto (2018), section 6.5.
    """
    q, log = initial_q.copy(), new_log(episodes)
    for episode in range(episodes):
        s, over = reset(mdp, rng), False
        while not over:
            a = epsilon_greedy(q[s], epsilon[episode], rng)
            s_next, r, terminated = step(mdp, s, a, rng)
            target = r if terminated else r + mdp.gamma * max(q[s_next])
            q[s, a] += alpha[episode] * (target - q[s, a])
            over = note(log, episode, r, terminated, max_steps)
            s = s_next
    return q, log


@learner
def double_q_learning(mdp, *, episodes, alpha, epsilon, rng, initial_q=0.0, max_steps=10_000, runs=None):
    """Off-policy control with two tables: one names the best action, the other says what it is worth.

    It behaves epsilon-greedily for the sum of the two tables, and returns their mean as q; both start at initial_q.
    Source: van Hasselt (2010); Sutton & Barto (2018), section 6.7.
    """
    q, log = initial_q.copy(), new_log(episodes)
    q1, q2 = q.copy(), q.copy()
    for episode in range(episodes):
        s, over = reset(mdp, rng), False
        while not over:
            a = epsilon_greedy(q1[s] + q2[s], epsilon[episode], rng)
            s_next, r, terminated = step(mdp, s, a, rng)
            learning, judging = (q1, q2) if rng.random() < 0.5 else (q2, q1)
            named = learning[s_next].argmax()
            target = r if terminated else r + mdp.gamma * judging[s_next, named]
            learning[s, a] += alpha[episode] * (target - learning[s, a])
            over = note(log, episode, r, terminated, max_steps)
            s = s_next
    return (q1 + q2) / 2, log


@learner
def n_step_sarsa(mdp, *, episodes, alpha, epsilon, n, rng, initial_q=0.0, max_steps=10_000, runs=None):
    """On-policy control: sum n rewards, then bootstrap from the action that is taken next.

    With n = 1 it is SARSA; from the length of the episode on, Monte Carlo.
    Source: Sutton & Barto (2018), section 7.2.
    """
    q, log = initial_q.copy(), new_log(episodes)
    for episode in range(episodes):
        states, rewards = [reset(mdp, rng)], [0.0]  # S_t, and R_t; there is no R_0
        actions = [epsilon_greedy(q[states[0]], epsilon[episode], rng)]
        t, tau, over = 0, 0, False  # now, and the time whose pair is updated
        while not over or tau < t:
            if not over:
                s_next, r, terminated = step(mdp, states[t], actions[t], rng)
                states.append(s_next)
                rewards.append(r)
                actions.append(epsilon_greedy(q[s_next], epsilon[episode], rng))
                t += 1
                over = note(log, episode, r, terminated, max_steps)
            if over or tau + n == t:
                last = min(tau + n, t)
                target = 0.0 if terminated and last == t else q[states[last], actions[last]]
                for k in range(last, tau, -1):
                    target = rewards[k] + mdp.gamma * target
                s, a = states[tau], actions[tau]
                q[s, a] += alpha[episode] * (target - q[s, a])
                tau += 1
    return q, log


@learner
def sarsa_lambda(mdp, *, episodes, alpha, epsilon, lam, rng, initial_q=0.0, max_steps=10_000, runs=None):
    """On-policy control: SARSA's error moves every pair of the episode, the latest ones most.

    The trace of a pair is 1 when it is visited (replacing traces) and shrinks by gamma * lam
    with each step. Source: Sutton & Barto (2018), section 12.7; Singh & Sutton (1996).
    """
    q, log = initial_q.copy(), new_log(episodes)
    z, traced = np.zeros(q.shape), np.zeros(q.shape, np.bool_)
    pairs = np.zeros((q.size, 2), np.int64)  # the first `count` of these have a trace
    for episode in range(episodes):
        traced[:], count = False, 0
        s, over = reset(mdp, rng), False
        a = epsilon_greedy(q[s], epsilon[episode], rng)
        while not over:
            s_next, r, terminated = step(mdp, s, a, rng)
            a_next = epsilon_greedy(q[s_next], epsilon[episode], rng)
            target = r if terminated else r + mdp.gamma * q[s_next, a_next]
            delta = target - q[s, a]
            if not traced[s, a]:
                pairs[count], traced[s, a], count = (s, a), True, count + 1
            z[s, a] = 1.0
            for s_seen, a_seen in pairs[:count]:
                q[s_seen, a_seen] += alpha[episode] * delta * z[s_seen, a_seen]
                z[s_seen, a_seen] *= mdp.gamma * lam
            over = note(log, episode, r, terminated, max_steps)
            s, a = s_next, a_next
    return q, log


@learner
def q_lambda(mdp, *, episodes, alpha, epsilon, lam, rng, initial_q=0.0, max_steps=10_000, runs=None):
    """Off-policy control: Q-learning's error moves every pair since the last exploring action.

    What follows an action that is not greedy says nothing about being greedy: it cuts the
    traces of all that came before it. Traces are replacing, as in `sarsa_lambda`.
    Source: Watkins (1989); Sutton & Barto (2018), section 12.10.
    """
    q, log = initial_q.copy(), new_log(episodes)
    z, traced = np.zeros(q.shape), np.zeros(q.shape, np.bool_)
    pairs = np.zeros((q.size, 2), np.int64)  # the first `count` of these have a trace
    for episode in range(episodes):
        traced[:], count = False, 0
        s, over = reset(mdp, rng), False
        while not over:
            a = epsilon_greedy(q[s], epsilon[episode], rng)
            if q[s, a] < max(q[s]):
                traced[:], count = False, 0
            s_next, r, terminated = step(mdp, s, a, rng)
            target = r if terminated else r + mdp.gamma * max(q[s_next])
            delta = target - q[s, a]
            if not traced[s, a]:
                pairs[count], traced[s, a], count = (s, a), True, count + 1
            z[s, a] = 1.0
            for s_seen, a_seen in pairs[:count]:
                q[s_seen, a_seen] += alpha[episode] * delta * z[s_seen, a_seen]
                z[s_seen, a_seen] *= mdp.gamma * lam
            over = note(log, episode, r, terminated, max_steps)
            s = s_next
    return q, log


@njit(cache=True)
def epsilon_greedy_value(q, epsilon):
    """The mean of q (A,) under its own epsilon-greedy policy."""
    return epsilon * q.mean() + (1 - epsilon) * max(q)


def epsilon_greedy_policy(q, epsilon):
    """The policy that `epsilon_greedy` draws from, for every state: probabilities (..., A) for q (..., A)."""
    epsilon, q = check_number("epsilon", epsilon, least=0, most=1), check_array("q", q)
    if q.ndim == 0 or q.shape[-1] == 0:
        raise ValueError(f"q has shape {q.shape}, expected (..., A): a value for each action")
    wrong = np.argwhere(np.isnan(q))
    if len(wrong):
        raise ValueError(f"q{wrong[0].tolist()} is nan, expected a value: nothing is better or worse than nan")
    best = q == q.max(axis=-1, keepdims=True)
    return epsilon / q.shape[-1] + (1 - epsilon) * best / best.sum(axis=-1, keepdims=True)
