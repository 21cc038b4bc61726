"""Learning from whole episodes: Monte Carlo prediction, control, and learning about one policy from another's episodes.

A value is the mean of returns. Each loop plays an episode to its end, then walks back through it, adding up the return
of each step. An episode that max_steps cut off has no return: it teaches nothing, and `truncated` says so. See `loops`
for what `@predictor` and `@learner` make of a loop.
"""

import numpy as np
from numba import njit

from rlbook.mdp import reset, step
from rlbook.tabular.control import epsilon_greedy
from rlbook.tabular.loops import ARGUMENTS, Learned, Predicted, act, compiled, keep_values, step_sizes
from rlbook.tabular.public import Argument, count


def _step_sizes_or_average(name, value, call):
    """A schedule of step sizes in (0, 1]; zeros stand for the sample average."""
    return np.zeros(call.episodes) if value is None else step_sizes(name, value, call)


OWN = {
    "alpha": Argument(
        "None for the mean of all returns, a step of 1/n at the n-th, which forgets the value that it started from; or "
        + ARGUMENTS["alpha"].says,
        _step_sizes_or_average,
        default=None,
    ),
    "max_steps": Argument(
        "an episode is cut off after so many steps and teaches nothing; `truncated` says which were",
        count,
        default=10_000,
    ),
}

predictor = compiled(Predicted, **OWN)
learner = compiled(Learned, **OWN)


@predictor
def first_visit_prediction(mdp, policy, episodes, alpha, max_steps, v, keep, rng):
    """Prediction: a state is worth the mean return after its first visit in each episode.

    Source: Sutton & Barto (2018), section 5.1, box "First-visit MC prediction".
    """
    states, rewards = np.zeros(max_steps, np.int64), np.zeros(max_steps)
    visits, counts = np.zeros(mdp.num_states, np.int64), np.zeros(mdp.num_states)
    returns, lengths = np.zeros(episodes), np.zeros(episodes, np.int64)
    truncated, history = np.zeros(episodes, np.bool_), np.zeros((len(keep), mdp.num_states))
    keep_values(history, keep, 0, v)
    for episode in range(episodes):
        s, length, terminated = reset(mdp, rng), 0, False
        while not terminated and length < max_steps:
            s_next, r, terminated = step(mdp, s, act(policy, s, rng), rng)
            states[length], rewards[length] = s, r
            visits[s] += 1
            returns[episode] += r
            s, length = s_next, length + 1
        g = 0.0
        for t in range(length - 1, -1, -1):
            s, g = states[t], rewards[t] + mdp.gamma * g
            visits[s] -= 1
            if terminated and visits[s] == 0:  # no visit is left: this was the first
                counts[s] += 1
                v[s] += step_size(alpha[episode], counts[s]) * (g - v[s])
        lengths[episode], truncated[episode] = length, not terminated
        keep_values(history, keep, episode + 1, v)
    return v, history, returns, lengths, truncated


@predictor
def every_visit_prediction(mdp, policy, episodes, alpha, max_steps, v, keep, rng):
    """Prediction: a state is worth the mean return after each of its visits.

    Source: Sutton & Barto (2018), section 5.1.
    """
    states, rewards = np.zeros(max_steps, np.int64), np.zeros(max_steps)
    counts = np.zeros(mdp.num_states)
    returns, lengths = np.zeros(episodes), np.zeros(episodes, np.int64)
    truncated, history = np.zeros(episodes, np.bool_), np.zeros((len(keep), mdp.num_states))
    keep_values(history, keep, 0, v)
    for episode in range(episodes):
        s, length, terminated = reset(mdp, rng), 0, False
        while not terminated and length < max_steps:
            s_next, r, terminated = step(mdp, s, act(policy, s, rng), rng)
            states[length], rewards[length] = s, r
            returns[episode] += r
            s, length = s_next, length + 1
        g = 0.0
        for t in range(length - 1, -1, -1):
            s, g = states[t], rewards[t] + mdp.gamma * g
            if terminated:
                counts[s] += 1
                v[s] += step_size(alpha[episode], counts[s]) * (g - v[s])
        lengths[episode], truncated[episode] = length, not terminated
        keep_values(history, keep, episode + 1, v)
    return v, history, returns, lengths, truncated


@predictor
def ordinary_importance_sampling(mdp, target, behaviour, episodes, max_steps, v, keep, rng):
    """Off-policy prediction: the mean of the returns, each times its importance ratio.

    Unbiased; its variance can be infinite. Learns from the first visit in each episode.
    Source: Sutton & Barto (2018), section 5.5, eq. 5.5.
    """
    states, actions = np.zeros(max_steps, np.int64), np.zeros(max_steps, np.int64)
    rewards, visits = np.zeros(max_steps), np.zeros(mdp.num_states, np.int64)
    counts = np.zeros(mdp.num_states)
    returns, lengths = np.zeros(episodes), np.zeros(episodes, np.int64)
    truncated, history = np.zeros(episodes, np.bool_), np.zeros((len(keep), mdp.num_states))
    keep_values(history, keep, 0, v)
    for episode in range(episodes):
        s, length, terminated = reset(mdp, rng), 0, False
        while not terminated and length < max_steps:
            a = act(behaviour, s, rng)
            s_next, r, terminated = step(mdp, s, a, rng)
            states[length], actions[length], rewards[length] = s, a, r
            visits[s] += 1
            returns[episode] += r
            s, length = s_next, length + 1
        g, rho = 0.0, 1.0
        for t in range(length - 1, -1, -1):
            s, a, g = states[t], actions[t], rewards[t] + mdp.gamma * g
            rho *= probability(target, s, a) / probability(behaviour, s, a)
            visits[s] -= 1
            if terminated and visits[s] == 0:
                counts[s] += 1
                v[s] += (rho * g - v[s]) / counts[s]
        lengths[episode], truncated[episode] = length, not terminated
        keep_values(history, keep, episode + 1, v)
    return v, history, returns, lengths, truncated


@predictor
def weighted_importance_sampling(mdp, target, behaviour, episodes, max_steps, v, keep, rng):
    """Off-policy prediction: the weighted mean of returns, with weights how much likelier the target makes them.

    Biased at first, towards the behaviour's value; the bias goes away. Learns from the first visit in each episode.
    Source: Sutton & Barto (2018), sections 5.5 and 5.6, eq. 5.6 to 5.8.
    """
    states, actions = np.zeros(max_steps, np.int64), np.zeros(max_steps, np.int64)
    rewards, visits = np.zeros(max_steps), np.zeros(mdp.num_states, np.int64)
    weights = np.zeros(mdp.num_states)
    returns, lengths = np.zeros(episodes), np.zeros(episodes, np.int64)
    truncated, history = np.zeros(episodes, np.bool_), np.zeros((len(keep), mdp.num_states))
    keep_values(history, keep, 0, v)
    for episode in range(episodes):
        s, length, terminated = reset(mdp, rng), 0, False
        while not terminated and length < max_steps:
            a = act(behaviour, s, rng)
            s_next, r, terminated = step(mdp, s, a, rng)
            states[length], actions[length], rewards[length] = s, a, r
            visits[s] += 1
            returns[episode] += r
            s, length = s_next, length + 1
        g, rho = 0.0, 1.0
        for t in range(length - 1, -1, -1):
            s, a, g = states[t], actions[t], rewards[t] + mdp.gamma * g
            rho *= probability(target, s, a) / probability(behaviour, s, a)
            visits[s] -= 1
            if terminated and visits[s] == 0 and rho > 0:
                weights[s] += rho
                v[s] += (g - v[s]) * rho / weights[s]
        lengths[episode], truncated[episode] = length, not terminated
        keep_values(history, keep, episode + 1, v)
    return v, history, returns, lengths, truncated


@learner
def exploring_starts(mdp, episodes, alpha, max_steps, q, rng):
    """Monte Carlo ES: start with any state and action, then act greedily; use first visits.

    Every pair of state and action is as likely to be the first, whatever the start of the MDP.
    A greedy policy need not end its episodes: see `truncated`.
    Source: Sutton & Barto (2018), section 5.3, box "Monte Carlo ES".
    """
    states, actions = np.zeros(max_steps, np.int64), np.zeros(max_steps, np.int64)
    rewards, visits, counts = np.zeros(max_steps), np.zeros(q.shape, np.int64), np.zeros(q.shape)
    returns, lengths = np.zeros(episodes), np.zeros(episodes, np.int64)
    truncated, not_terminal = np.zeros(episodes, np.bool_), np.flatnonzero(~mdp.terminal)
    for episode in range(episodes):
        s = not_terminal[rng.integers(0, len(not_terminal))]
        a = rng.integers(0, mdp.num_actions)
        length, terminated = 0, False
        while not terminated and length < max_steps:
            s_next, r, terminated = step(mdp, s, a, rng)
            states[length], actions[length], rewards[length] = s, a, r
            visits[s, a] += 1
            returns[episode] += r
            s, length = s_next, length + 1
            a = epsilon_greedy(q[s], 0.0, rng)
        g = 0.0
        for t in range(length - 1, -1, -1):
            s, a, g = states[t], actions[t], rewards[t] + mdp.gamma * g
            visits[s, a] -= 1
            if terminated and visits[s, a] == 0:
                counts[s, a] += 1
                q[s, a] += step_size(alpha[episode], counts[s, a]) * (g - q[s, a])
        lengths[episode], truncated[episode] = length, not terminated
    return q, returns, lengths, truncated


@learner
def monte_carlo_control(mdp, episodes, alpha, epsilon, max_steps, q, rng):
    """On-policy control: act epsilon-greedily; learn from first visits.

    Source: Sutton & Barto (2018), section 5.4, box "On-policy first-visit MC control".
    """
    states, actions = np.zeros(max_steps, np.int64), np.zeros(max_steps, np.int64)
    rewards, visits, counts = np.zeros(max_steps), np.zeros(q.shape, np.int64), np.zeros(q.shape)
    returns, lengths = np.zeros(episodes), np.zeros(episodes, np.int64)
    truncated = np.zeros(episodes, np.bool_)
    for episode in range(episodes):
        s = reset(mdp, rng)
        a = epsilon_greedy(q[s], epsilon[episode], rng)
        length, terminated = 0, False
        while not terminated and length < max_steps:
            s_next, r, terminated = step(mdp, s, a, rng)
            states[length], actions[length], rewards[length] = s, a, r
            visits[s, a] += 1
            returns[episode] += r
            s, length = s_next, length + 1
            a = epsilon_greedy(q[s], epsilon[episode], rng)
        g = 0.0
        for t in range(length - 1, -1, -1):
            s, a, g = states[t], actions[t], rewards[t] + mdp.gamma * g
            visits[s, a] -= 1
            if terminated and visits[s, a] == 0:
                counts[s, a] += 1
                q[s, a] += step_size(alpha[episode], counts[s, a]) * (g - q[s, a])
        lengths[episode], truncated[episode] = length, not terminated
    return q, returns, lengths, truncated


@learner
def off_policy_control(mdp, behaviour, episodes, max_steps, q, rng):
    """Off-policy control: learn the greedy policy from episodes of one that takes every action.

    Walks back through an episode for as long as its actions are those of the greedy policy, and
    one step further: what came before has weight 0. Learns from every visit, by weighted importance
    sampling.
    Source: Sutton & Barto (2018), section 5.7, box "Off-policy MC control".
    """
    states, actions = np.zeros(max_steps, np.int64), np.zeros(max_steps, np.int64)
    rewards, weights = np.zeros(max_steps), np.zeros(q.shape)
    returns, lengths = np.zeros(episodes), np.zeros(episodes, np.int64)
    truncated = np.zeros(episodes, np.bool_)
    for episode in range(episodes):
        s, length, terminated = reset(mdp, rng), 0, False
        while not terminated and length < max_steps:
            a = act(behaviour, s, rng)
            s_next, r, terminated = step(mdp, s, a, rng)
            states[length], actions[length], rewards[length] = s, a, r
            returns[episode] += r
            s, length = s_next, length + 1
        g, rho, t = 0.0, 1.0, length - 1
        while terminated and t >= 0 and rho > 0:
            s, a, g = states[t], actions[t], rewards[t] + mdp.gamma * g
            weights[s, a] += rho
            q[s, a] += (g - q[s, a]) * rho / weights[s, a]
            rho *= (a == q[s].argmax()) / probability(behaviour, s, a)
            t -= 1
        lengths[episode], truncated[episode] = length, not terminated
    return q, returns, lengths, truncated


@njit(cache=True)
def step_size(alpha, n):
    """The step at the n-th return: alpha, or where it is 0 that of the sample average, 1/n."""
    return 1 / n if alpha == 0 else alpha


@njit(cache=True)
def probability(policy, s, a):
    """The probability of action a in state s, of a policy given as cumulative probabilities (S, A)."""
    return policy[s, a] - (policy[s, a - 1] if a > 0 else 0.0)
