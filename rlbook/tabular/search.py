"""Planning at the moment of decision: for one state, from simulated steps, and then thrown away.

Any `FiniteMDP` serves as its own simulator. Nothing is kept between two calls. A call costs about its number of simulated
steps, however many states the MDP has: measured on one core, 40 million of them a second in rollouts and 10 million
inside the tree of `uct`.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from rlbook._checks import check_counts, check_memory, check_rng, shown
from rlbook.arguments import at_least_zero
from rlbook.loops import act, argmax
from rlbook.mdp import FiniteMDP, step
from rlbook.policies import action_probabilities


class Searched(NamedTuple):
    """What a search found out about the actions of one state."""

    q: np.ndarray  # (A,) the mean return of the simulations that began with each action
    visits: np.ndarray  # (A,) how many those were
    nodes: int  # how many pairs of a state and its depth the tree holds

    @property
    def action(self):
        """The action that most simulations began with, the first of equals."""
        return int(self.visits.argmax())


def rollout(mdp, s, *, policy, simulations, depth, rng):
    """The value (A,) of each action in state s, followed by the policy: the mean discounted return of simulations.

    Each action is tried `simulations` times. A simulation lasts until a terminal state, or for at most `depth` steps,
    the first one included; what would follow counts as 0, and so is worth at most gamma**depth times the largest value.
    The greedy choice from these values is the policy improvement of policy iteration, for one state.
    policy (S,) actions or (S, A) probabilities. Raises ValueError or TypeError for bad input.
    Source: Tesauro & Galperin (1997); Sutton & Barto (2018), section 8.10.
    """
    _check(mdp, s, rng, simulations, depth)
    return try_each_action(mdp, int(s), simulations, depth, action_probabilities(mdp, policy), rng)


def uct(mdp, s, *, simulations, depth, rng, c=1.0, policy=None):
    """Monte Carlo tree search with upper confidence bounds: what to do in state s.

    c               how much the uncertain is preferred; it should be as large as returns differ, and c=0 never explores
    depth           how many steps a simulation may take; what would follow counts as 0
    policy          how to go on below the tree: (S,) actions or (S, A) probabilities; by default all actions alike
    Returns a `Searched`. As the simulations grow in number, q of the best action goes to its optimal value for `depth`
    steps. Raises ValueError or TypeError for bad input.
    Source: Kocsis & Szepesvári (2006); Sutton & Barto (2018), section 8.11.
    """
    _check(mdp, s, rng, simulations, depth)
    check_memory("the tree", 16 * simulations * mdp.num_actions, f"pass fewer simulations than {simulations:,}")
    check_memory("a path through it", 24 * depth, f"pass a smaller depth than {depth:,}")
    c = at_least_zero("c", c, None)
    policy = np.full((mdp.num_states, mdp.num_actions), 1 / mdp.num_actions) if policy is None else policy
    return Searched(*tree_search(mdp, int(s), simulations, depth, c, action_probabilities(mdp, policy), rng))


def _check(mdp, s, rng, simulations, depth):
    if not isinstance(mdp, FiniteMDP):
        raise TypeError(f"the search got a {type(mdp).__name__}, expected a FiniteMDP")
    if isinstance(s, bool) or not isinstance(s, int | np.integer) or not 0 <= s < mdp.num_states or mdp.terminal[s]:
        raise ValueError(f"s is {shown(s)}, expected a state in 0..{mdp.num_states - 1} that is not terminal")
    check_counts(simulations=simulations, depth=depth)
    check_rng(rng)


# The loops, over an MDP and a policy (S, A).


@njit(cache=True)
def try_each_action(mdp, s, simulations, depth, policy, rng):
    """The loop of `rollout`: an action first, then the policy; averaged."""
    q = np.zeros(mdp.num_actions)
    for a in range(mdp.num_actions):
        for _ in range(simulations):
            s_next, r, terminated = step(mdp, s, a, rng)
            later = 0.0 if terminated else play(mdp, s_next, policy, depth - 1, rng)
            q[a] += (r + mdp.gamma * later) / simulations
    return q


@njit(cache=True)
def tree_search(mdp, root, simulations, depth, c, policy, rng):
    """The loop of `uct`: a tree that grows by one node in each simulation."""
    q = np.zeros((simulations + 1, mdp.num_actions))  # of each node; the root is node 0
    visits = np.zeros((simulations + 1, mdp.num_actions), np.int64)
    nodes = {(root, 0): 0}  # the node of each (state, steps taken) in the tree
    path, rewards, bounds = np.zeros((depth, 2), np.int64), np.zeros(depth), np.zeros(mdp.num_actions)
    for _ in range(simulations):
        s, t, terminated = root, 0, False
        while t < depth and not terminated and (s, t) in nodes:  # 1. select, inside the tree
            node = nodes[s, t]
            upper_confidence(q[node], visits[node], c, bounds)
            a = argmax(bounds, rng)
            path[t] = node, a
            s, rewards[t], terminated = step(mdp, s, a, rng)
            t += 1
        g = 0.0
        if t < depth and not terminated:
            nodes[s, t] = len(nodes)  # 2. expand: one new node
            g = play(mdp, s, policy, depth - t, rng)  # 3. simulate, below the tree
        while t > 0:  # 4. back up, from the last step to the first
            t -= 1
            node, a = path[t]
            g = rewards[t] + mdp.gamma * g
            visits[node, a] += 1
            q[node, a] += (g - q[node, a]) / visits[node, a]
    return q[0], visits[0], len(nodes)


@njit(cache=True)
def upper_confidence(q, visits, c, bounds):
    """Write into bounds (A,) each action's mean plus c * sqrt(ln N / n), and infinity where it was never tried."""
    log_total = np.log(max(1, visits.sum()))
    for a in range(len(q)):
        bounds[a] = q[a] + c * np.sqrt(log_total / visits[a]) if visits[a] > 0 else np.inf


@njit(cache=True)
def play(mdp, s, policy, depth, rng):
    """The discounted return of following the policy from s until a terminal state, or for `depth` steps."""
    g, weight, terminated = 0.0, 1.0, False
    for _ in range(depth):
        if terminated:
            break
        s, r, terminated = step(mdp, s, act(policy, s, rng), rng)
        g += weight * r
        weight *= mdp.gamma
    return g
