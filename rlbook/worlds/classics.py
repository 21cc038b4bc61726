"""Worlds of a few states, each made to show one thing."""

import numpy as np
import scipy.sparse

from rlbook._checks import check_counts, check_number
from rlbook.mdp import FiniteMDP
from rlbook.worlds.grids import deterministic


def traffic_light(gamma=0.9):
    """The book's first example: a driver at one traffic light after another, each red or green, who can stop or go.

    Rewards are minutes: waiting loses one, passing on green wins one. Passing on red costs nothing today, but drops
    the driver out of the green wave: the next light is green with probability 0.1 only, and with 0.9 after a wait.
    Passing on green keeps the wave with probability 0.7. Starts on red.
    v* = (220/59, 320/59) for red and green at gamma = 0.9; stopping on red is the better choice above gamma = 5/7.
    """
    P = [
        [[0.1, 0.9], [0.9, 0.1]],  # from red, after stop and after go: probabilities of red and green
        [[0.5, 0.5], [0.3, 0.7]],  # from green
    ]
    R = [[-1, 0], [-1, 1]]
    return FiniteMDP(P, R, gamma, start=0, state_names=["red", "green"], action_names=["stop", "go"])


def chain(num_states=5, gamma=0.9, slip=0.0):
    """States 0 to num_states - 1 in a row; the step into the last one pays 1 and ends the episode. Starts in state 0.

    The actions are left and right; with probability slip the other one happens. Moving left from state 0 stays there.
    Without slip, v*(s) = gamma ** (num_states - 2 - s).
    """
    check_counts(least=2, num_states=num_states)  # a start and an end
    slip = check_number("slip", slip, least=0, most=1)
    states = np.arange(num_states)
    left = np.eye(num_states)[np.maximum(states - 1, 0)]
    right = np.eye(num_states)[np.minimum(states + 1, num_states - 1)]
    P = np.stack([(1 - slip) * left + slip * right, (1 - slip) * right + slip * left], axis=1)
    R = np.zeros((num_states, 2, num_states))
    R[:, :, -1] = 1.0
    terminal = states == num_states - 1
    return FiniteMDP(P, R, gamma, start=0, terminal=terminal, action_names=["left", "right"])


def random_walk(num_states=5, left=0.0, right=1.0, gamma=1.0):
    """States in a row between two ends; the step into the left end pays `left`, the one into the right end `right`.

    The states are 1 to num_states, the ends 0 and num_states + 1. The actions are left and right; the walk is the policy
    that tosses a coin. It starts in the middle (of an even number, on the left of the middle). Without a discount it
    ends on the right with probability p = s / (num_states + 1), and so v(s) = (1 - p) * left + p * right.
    Source: Sutton & Barto (2018), example 6.2; with 19 states, left=-1 and right=1, example 7.1.
    """
    check_counts(num_states=num_states)
    left, right = check_number("left", left), check_number("right", right)
    states = np.arange(num_states + 2)
    P = deterministic(np.stack([np.maximum(states - 1, 0), np.minimum(states + 1, num_states + 1)], axis=1))
    R = np.zeros((num_states + 2, 2))
    R[1, 0], R[num_states, 1] = left, right
    letters = [chr(ord("A") + i) if num_states <= 26 else str(i + 1) for i in range(num_states)]
    return FiniteMDP(
        P,
        R,
        gamma,
        start=(num_states + 1) // 2,
        terminal=(states == 0) | (states == num_states + 1),
        state_names=["left end", *letters, "right end"],
        action_names=["left", "right"],
    )


def long_walk(num_states=1000, reach=100, gamma=1.0):
    """States in a row between two ends; a step to either side leads to one of the `reach` next ones, each as likely.

    The states are 1 to num_states, the ends 0 and num_states + 1: what would lead beyond an end leads to it. The step
    into the left end pays -1, the one into the right end 1. The actions are left and right; the walk is the policy that
    tosses a coin. It starts in the middle (of an even number, on the left of the middle). P is sparse.
    Source: Sutton & Barto (2018), example 9.1.
    """
    check_counts(num_states=num_states, reach=reach)
    end, states = num_states + 1, np.arange(num_states + 2)
    jumps = np.arange(1, reach + 1)
    s_next = np.clip(np.stack([states[:, None] - jumps, states[:, None] + jumps], axis=1), 0, end)  # (S, 2, reach)
    rows = np.repeat(np.arange(2 * len(states)), reach)
    shape = (2 * len(states), len(states))
    P = scipy.sparse.coo_array((np.full(rows.size, 1 / reach), (rows, s_next.ravel())), shape=shape).tocsr()
    R = P.copy()
    R.data = np.select([R.indices == 0, R.indices == end], [-1.0, 1.0], 0.0)
    return FiniteMDP(
        P,
        R,
        gamma,
        start=end // 2,
        terminal=(states == 0) | (states == end),
        state_names=["left end", *map(str, states[1:-1]), "right end"],
        action_names=["left", "right"],
    )


def baird_star(gamma=0.99):
    """Seven states without rewards and without an end: dashed leads to one of the first six, each as likely, solid to
    the seventh. Starts anywhere. Every policy is worth 0.

    With eight features, 2 w_i + w_8 for the first six and w_7 + 2 w_8 for the seventh, it shows that learning what solid
    is worth from all seven states alike diverges for gamma > 15/17.
    Source: Baird (1995); Sutton & Barto (2018), section 11.2.
    """
    P = np.zeros((7, 2, 7))
    P[:, 0, :6], P[:, 1, 6] = 1 / 6, 1.0
    names = [*(f"upper {i}" for i in range(1, 7)), "lower"]
    return FiniteMDP(P, np.zeros((7, 2)), gamma, state_names=names, action_names=["dashed", "solid"])


def bias_example(num_actions=10, gamma=1.0):
    """The two states that show maximisation bias. From A, right ends with 0; left leads to B with 0; from B every
    action ends with a reward of mean -0.1 and variance 1, so left is the wrong choice.

    The number of actions is the same in every state here, so in A the first half of them go left and the others right:
    exploring still goes left half of the time. The normal reward of the book is a discrete one, one terminal state for
    each value, with the same first 17 moments (Gauss-Hermite).
    Source: Sutton & Barto (2018), example 6.7.
    """
    check_counts(least=2, num_actions=num_actions)
    if num_actions % 2:
        raise ValueError(f"num_actions is {num_actions}, expected an even number: half of them go left in A")
    nodes, weights = np.polynomial.hermite_e.hermegauss(9)
    A, B, end, num_states = 0, 1, 2, 3 + len(nodes)
    P = np.zeros((num_states, num_actions, num_states))
    R = np.zeros_like(P)
    P[A, : num_actions // 2, B] = 1.0
    P[A, num_actions // 2 :, end] = 1.0
    P[B, :, end + 1 :] = weights / weights.sum()
    R[B, :, end + 1 :] = nodes - 0.1
    P[end:, :] = np.eye(num_states)[end:, None, :]
    return FiniteMDP(
        P,
        R,
        gamma,
        start=A,
        terminal=np.arange(num_states) >= end,
        state_names=["A", "B", "end", *(f"end with {node - 0.1:.1f}" for node in nodes)],
        action_names=["left"] * (num_actions // 2) + ["right"] * (num_actions // 2),
    )


def short_corridor(gamma=1.0):
    """Three states in a row and a goal; every step costs 1. In the second state the actions are reversed.

    A policy that cannot tell the three states apart does best going right with probability 2 - sqrt(2), which is worth
    -(6 + 4 sqrt(2)) = -11.657. Going left from the first state stays there. Starts in the first state.
    Source: Sutton & Barto (2018), example 13.1.
    """
    goal = 3
    s_next = np.array([[1, 0], [0, 2], [goal, 1], [goal, goal]])  # after right, and after left
    return FiniteMDP(
        deterministic(s_next),
        np.full((4, 2), -1.0),
        gamma,
        start=0,
        terminal=np.arange(4) == goal,
        state_names=["first", "second", "third", "goal"],
        action_names=["right", "left"],
    )


def infinite_variance(gamma=1.0):
    """One state: left pays 1 and ends the episode with probability 0.1, and else stays; right ends it with 0.

    Always left is worth 1. Learned from a behaviour that tosses a coin, its value by ordinary importance sampling has
    an infinite variance.
    Source: Sutton & Barto (2018), example 5.5.
    """
    P = np.array([[[0.9, 0.1], [0.0, 1.0]], [[0.0, 1.0], [0.0, 1.0]]])
    R = np.array([[[0.0, 1.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]])
    names = {"state_names": ["s", "end"], "action_names": ["left", "right"]}
    return FiniteMDP(P, R, gamma, start=0, terminal=np.array([False, True]), **names)
