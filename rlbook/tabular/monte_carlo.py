"""Learning from whole episodes: Monte Carlo prediction, control, and learning about one policy from another's episodes.

A value is the mean of returns. Each loop plays an episode to its end, then walks back through it, adding up the return
of each step. An episode that max_steps cut off has no return: it teaches nothing, and `truncated` says so. What the
arguments mean stands in `arguments`, what `@predictor` and `@learner` make of a loop in `loops`.
"""

import numpy as np
from numba import njit

from rlbook.arguments import OF_MONTE_CARLO
from rlbook.loops import Learned, Predicted, act, compiled, epsilon_greedy, keep_values, new_history, new_log, note
from rlbook.mdp import reset, step

predictor = compiled(Predicted, OF_MONTE_CARLO)
learner = compiled(Learned, OF_MONTE_CARLO)


@predictor
def first_visit_prediction(
    mdp, policy, *, episodes, rng, alpha=None, initial_v=0.0, max_steps=10_000, keep=None, runs=None
):
    """Prediction: a state is worth the mean return after its first visit in each episode.

    Source: Sutton & Barto (2018), section 5.1, box "First-visit MC prediction".
    """
    v, log, history = initial_v.copy(), new_log(episodes), new_history(keep, initial_v)
    states, rewards = np.zeros(max_steps, np.int64), np.zeros(max_steps)
    visits, counts = np.zeros(mdp.num_states, np.int64), np.zeros(mdp.num_states)
    for episode in range(episodes):
        s, t, over = reset(mdp, rng), 0, False
        while not over:
            s_next, r, terminated = step(mdp, s, act(policy, s, rng), rng)
            states[t], rewards[t] = s, r
            visits[s] += 1
            over = note(log, episode, r, terminated, max_steps)
            s, t = s_next, t + 1
        g = 0.0
        for t in range(log.lengths[episode] - 1, -1, -1):
            s, g = states[t], rewards[t] + mdp.gamma * g
            visits[s] -= 1
            if terminated and visits[s] == 0:  # no visit is left: this was the first
                counts[s] += 1
                v[s] += step_size(alpha[episode], counts[s]) * (g - v[s])
        keep_values(history, episode + 1, v)
    return v, history.values, log


@predictor
def every_visit_prediction(
    mdp, policy, *, episodes, rng, alpha=None, initial_v=0.0, max_steps=10_000, keep=None, runs=None
):
    """Prediction: a state is worth the mean return after each of its visits.

    Source: Sutton & Barto (2018), section 5.1.
    """
    v, log, history = initial_v.copy(), new_log(episodes), new_history(keep, initial_v)
    states, rewards = np.zeros(max_steps, np.int64), np.zeros(max_steps)
    counts = np.zeros(mdp.num_states)
    for episode in range(episodes):
        s, t, over = reset(mdp, rng), 0, False
        while not over:
            s_next, r, terminated = step(mdp, s, act(policy, s, rng), rng)
            states[t], rewards[t] = s, r
            over = note(log, episode, r, terminated, max_steps)
            s, t = s_next, t + 1
        g = 0.0
        for t in range(log.lengths[episode] - 1, -1, -1):
            s, g = states[t], rewards[t] + mdp.gamma * g
            if terminated:
                counts[s] += 1
                v[s] += step_size(alpha[episode], counts[s]) * (g - v[s])
        keep_values(history, episode + 1, v)
    return v, history.values, log


@predictor
def ordinary_importance_sampling(
    mdp, target, behaviour, *, episodes, rng, initial_v=0.0, max_steps=10_000, keep=None, runs=None
):
    """Off-policy prediction: the mean of the returns, each times its importance ratio.

    Unbiased; its variance can be infinite. Learns from the first visit in each episode.
    Source: Sutton & Barto (2018), section 5.5, eq. 5.5.
    """
    v, log, history = initial_v.copy(), new_log(episodes), new_history(keep, initial_v)
    states, actions = np.zeros(max_steps, np.int64), np.zeros(max_steps, np.int64)
    rewards, visits = np.zeros(max_steps), np.zeros(mdp.num_states, np.int64)
    counts = np.zeros(mdp.num_states)
    for episode in range(episodes):
        s, t, over = reset(mdp, rng), 0, False
        while not over:
            a = act(behaviour, s, rng)
            s_next, r, terminated = step(mdp, s, a, rng)
            states[t], actions[t], rewards[t] = s, a, r
            visits[s] += 1
            over = note(log, episode, r, terminated, max_steps)
            s, t = s_next, t + 1
        g, rho = 0.0, 1.0
        for t in range(log.lengths[episode] - 1, -1, -1):
            s, a, g = states[t], actions[t], rewards[t] + mdp.gamma * g
            rho *= target[s, a] / behaviour[s, a]
            visits[s] -= 1
            if terminated and visits[s] == 0:
                counts[s] += 1
                v[s] += (rho * g - v[s]) / counts[s]
        keep_values(history, episode + 1, v)
    return v, history.values, log


@predictor
def weighted_importance_sampling(
    mdp, target, behaviour, *, episodes, rng, initial_v=0.0, max_steps=10_000, keep=None, runs=None
):
    """Off-policy prediction: the weighted mean of returns, with weights how much likelier the target makes them.

    Biased at first, towards the behaviour's value; the bias goes away. Learns from the first visit in each episode.
    Source: Sutton & Barto (2018), sections 5.5 and 5.6, eq. 5.6 to 5.8.
    """
    v, log, history = initial_v.copy(), new_log(episodes), new_history(keep, initial_v)
    states, actions = np.zeros(max_steps, np.int64), np.zeros(max_steps, np.int64)
    rewards, visits = np.zeros(max_steps), np.zeros(mdp.num_states, np.int64)
    weights = np.zeros(mdp.num_states)
    for episode in range(episodes):
        s, t, over = reset(mdp, rng), 0, False
        while not over:
            a = act(behaviour, s, rng)
            s_next, r, terminated = step(mdp, s, a, rng)
            states[t], actions[t], rewards[t] = s, a, r
            visits[s] += 1
            over = note(log, episode, r, terminated, max_steps)
            s, t = s_next, t + 1
        g, rho = 0.0, 1.0
        for t in range(log.lengths[episode] - 1, -1, -1):
            s, a, g = states[t], actions[t], rewards[t] + mdp.gamma * g
            rho *= target[s, a] / behaviour[s, a]
            visits[s] -= 1
            if terminated and visits[s] == 0 and rho > 0:
                weights[s] += rho
                v[s] += (g - v[s]) * rho / weights[s]
        keep_values(history, episode + 1, v)
    return v, history.values, log


@learner
def exploring_starts(mdp, *, episodes, rng, alpha=None, initial_q=0.0, max_steps=10_000, runs=None):
    """Monte Carlo ES: start with any state and action, then act greedily; use first visits.

    Every pair of state and action is as likely to be the first, whatever the start of the MDP.
    A greedy policy need not end its episodes: see `truncated`.
    Source: Sutton & Barto (2018), section 5.3, box "Monte Carlo ES".
    """
    q, log = initial_q.copy(), new_log(episodes)
    states, actions = np.zeros(max_steps, np.int64), np.zeros(max_steps, np.int64)
    rewards, visits, counts = np.zeros(max_steps), np.zeros(q.shape, np.int64), np.zeros(q.shape)
    not_terminal = np.flatnonzero(~mdp.terminal)
    for episode in range(episodes):
        s = not_terminal[rng.integers(0, len(not_terminal))]
        a = rng.integers(0, mdp.num_actions)
        t, over = 0, False
        while not over:
            s_next, r, terminated = step(mdp, s, a, rng)
            states[t], actions[t], rewards[t] = s, a, r
            visits[s, a] += 1
            over = note(log, episode, r, terminated, max_steps)
            s, t = s_next, t + 1
            a = epsilon_greedy(q[s], 0.0, rng)
        g = 0.0
        for t in range(log.lengths[episode] - 1, -1, -1):
            s, a, g = states[t], actions[t], rewards[t] + mdp.gamma * g
            visits[s, a] -= 1
            if terminated and visits[s, a] == 0:
                counts[s, a] += 1
                q[s, a] += step_size(alpha[episode], counts[s, a]) * (g - q[s, a])
    return q, log


@learner
def monte_carlo_control(mdp, *, episodes, epsilon, rng, alpha=None, initial_q=0.0, max_steps=10_000, runs=None):
    """On-policy control: act epsilon-greedily; learn from first visits.

    Source: Sutton & Barto (2018), section 5.4, box "On-policy first-visit MC control".
    """
    q, log = initial_q.copy(), new_log(episodes)
    states, actions = np.zeros(max_steps, np.int64), np.zeros(max_steps, np.int64)
    rewards, visits, counts = np.zeros(max_steps), np.zeros(q.shape, np.int64), np.zeros(q.shape)
    for episode in range(episodes):
        s = reset(mdp, rng)
        a = epsilon_greedy(q[s], epsilon[episode], rng)
        t, over = 0, False
        while not over:
            s_next, r, terminated = step(mdp, s, a, rng)
            states[t], actions[t], rewards[t] = s, a, r
            visits[s, a] += 1
            over = note(log, episode, r, terminated, max_steps)
            s, t = s_next, t + 1
            a = epsilon_greedy(q[s], epsilon[episode], rng)
        g = 0.0
        for t in range(log.lengths[episode] - 1, -1, -1):
            s, a, g = states[t], actions[t], rewards[t] + mdp.gamma * g
            visits[s, a] -= 1
            if terminated and visits[s, a] == 0:
                counts[s, a] += 1
                q[s, a] += step_size(alpha[episode], counts[s, a]) * (g - q[s, a])
    return q, log


@learner
def off_policy_control(mdp, behaviour, *, episodes, rng, initial_q=0.0, max_steps=10_000, runs=None):
    """Off-policy control: learn the greedy policy from episodes of one that takes every action.

    Walks back through an episode for as long as its actions are those of the greedy policy, and
    one step further: what came before has weight 0. Learns from every visit, by weighted importance
    sampling.
    Source: Sutton & Barto (2018), section 5.7, box "Off-policy MC control".
    """
    q, log = initial_q.copy(), new_log(episodes)
    states, actions = np.zeros(max_steps, np.int64), np.zeros(max_steps, np.int64)
    rewards, weights = np.zeros(max_steps), np.zeros(q.shape)
    for episode in range(episodes):
        s, t, over = reset(mdp, rng), 0, False
        while not over:
            a = act(behaviour, s, rng)
            s_next, r, terminated = step(mdp, s, a, rng)
            states[t], actions[t], rewards[t] = s, a, r
            over = note(log, episode, r, terminated, max_steps)
            s, t = s_next, t + 1
        g, rho, t = 0.0, 1.0, t - 1
        while terminated and t >= 0 and rho > 0:
            s, a, g = states[t], actions[t], rewards[t] + mdp.gamma * g
            weights[s, a] += rho
            q[s, a] += (g - q[s, a]) * rho / weights[s, a]
            rho *= (a == q[s].argmax()) / behaviour[s, a]
            t -= 1
    return q, log


@njit(cache=True)
def step_size(alpha, n):
    """The step at the n-th return: alpha, or where it is 0 that of the sample average, 1/n."""
    return 1 / n if alpha == 0 else alpha
