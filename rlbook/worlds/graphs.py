"""Ways in a graph: each node a state, each action a node to go to. The Decision Transformer's own illustration."""

import numpy as np

from rlbook._checks import check_array, check_count, check_number, check_rng
from rlbook.mdp import FiniteMDP


def graph(neighbours, *, goal=0, prize=10.0):
    """Go from node to node until the goal; each step costs 1, and the one that reaches the goal pays the prize.

    neighbours (N, N) bool: neighbours[s, a] says whether one can go from node s to node a. Action a is "go to a"; where
    that cannot be done one stays, and has paid. Episodes start in every other node alike; nothing is discounted.
    Source: after Chen et al. (2021), section 3.
    """
    neighbours = _adjacency(neighbours)
    nodes = len(neighbours)
    goal, prize = check_count("goal", goal, least=0, most=nodes - 1), check_number("prize", prize)
    s, a = np.indices(neighbours.shape)
    P, R = np.zeros((nodes, nodes, nodes)), np.full((nodes, nodes), -1.0)
    P[s, a, np.where(neighbours, a, s)] = 1
    R[neighbours[:, goal], goal] += prize
    return FiniteMDP(P, R, 1.0, terminal=np.arange(nodes) == goal)


def random_graph(nodes, share, rng):
    """Neighbours (N, N) of a graph that is connected: each pair of nodes is joined with probability `share`, both ways."""
    nodes, share = check_count("nodes", nodes, least=2), check_number("share", share, above=0, most=1)
    check_rng(rng)
    joined = np.zeros((nodes, nodes), bool)
    while np.isinf(fewest_steps(joined)).any():
        upper = np.triu(rng.random((nodes, nodes)) < share, 1)
        joined = upper | upper.T
    return joined


def fewest_steps(neighbours, goal=0):
    """Breadth-first search: the steps (N,) from each node to the goal, infinite where no way leads there."""
    neighbours = _adjacency(neighbours)
    steps = np.full(len(neighbours), np.inf)
    steps[check_count("goal", goal, least=0, most=len(steps) - 1)] = 0
    for k in range(len(steps)):
        just_reached = neighbours[:, steps == k].any(axis=1) & np.isinf(steps)
        steps[just_reached] = k + 1
    return steps


def _adjacency(neighbours):
    neighbours = check_array("neighbours", neighbours)
    if neighbours.dtype != bool or neighbours.ndim != 2 or len(neighbours) != neighbours.shape[1]:
        raise ValueError(f"neighbours have shape {neighbours.shape} and type {neighbours.dtype}, expected bool (N, N)")
    return neighbours
