"""A car in a valley, too weak to drive straight out of it: the one world of the book whose states are not finite.

What a compiled loop needs of a world it finds in its methods: a `MountainCar` is a tuple of numbers, and `reset` and
`step` compile as they stand (see `rlbook.loops.compiled_method`).
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from rlbook._checks import check_counts, check_number

LEFTMOST, GOAL, FASTEST = -1.2, 0.5, 0.07
FORCE, GRAVITY = 0.001, 0.0025


class MountainCar(NamedTuple):
    """The car; `mountain_car` makes one. A state is (position, velocity), the actions are back, coast and forward."""

    gamma: float
    num_actions: int
    low: tuple  # the least position and velocity
    high: tuple  # the greatest ones

    def reset(self, rng):
        """A first state: at rest, somewhere near the bottom."""
        return rng.uniform(-0.6, -0.4), 0.0

    def step(self, s, a, rng):
        """The next state, the reward, and whether the goal is reached. Nothing is drawn from rng: the world is certain."""
        s_next = moved(s, a)
        return s_next, -1.0, s_next[0] >= GOAL


@njit(cache=True)
def moved(s, a):
    """The state after action a: the engine pushes, the slope pulls, and a wall stops the car on the left."""
    position, velocity = s
    velocity += (a - 1) * FORCE - GRAVITY * math.cos(3 * position)
    velocity = min(max(velocity, -FASTEST), FASTEST)
    position = max(position + velocity, LEFTMOST)
    if position == LEFTMOST:
        velocity = max(velocity, 0.0)
    return position, velocity


def mountain_car(gamma=1.0):
    """A car in a valley whose engine is weaker than gravity: to get out it must first drive back, up the other slope.

    A state is (position, velocity), in [-1.2, 0.5] x [-0.07, 0.07]; the actions are 0 back, 1 coast and 2 forward. Each
    step costs 1, until the position is 0.5. It starts at rest, at a position drawn evenly from [-0.6, -0.4]. From -0.5
    the goal can be reached in 102 steps and, says `fewest_steps`, not in fewer.
    Source: Moore (1990); Sutton & Barto (2018), example 10.1; step for step Gymnasium's MountainCar-v0, which cuts an
    episode after 200 steps.
    """
    gamma = check_number("gamma", gamma, least=0, most=1, what="a discount")
    return MountainCar(gamma, 3, (LEFTMOST, -FASTEST), (GOAL, FASTEST))


def fewest_steps(position, velocity=0.0, *, cells=400):
    """The fewest steps from a state to the goal, found by a search over all that the car can do.

    The search goes forward from the state, one step at a time, and keeps for each of cells x cells small cells of the
    state space the first state that fell into it. What it finds can be driven, so it is never too few; that it is not too
    many is seen by making the cells smaller. Raises ValueError for a state outside of the world, ArithmeticError where
    the cells are so large that the way is lost.
    """
    position = check_number("position", position, least=LEFTMOST, most=GOAL)
    velocity = check_number("velocity", velocity, least=-FASTEST, most=FASTEST)
    check_counts(cells=cells)
    steps = int(_search(position, velocity, cells))
    if steps < 0:
        raise ArithmeticError(f"no way to the goal was found with {cells} x {cells} cells: expected more, such as 400")
    return steps


@njit(cache=True)
def _search(position, velocity, cells):
    seen = np.zeros((cells, cells), np.bool_)
    states, steps = [(position, velocity)], 0
    while len(states) > 0:
        following = [states[0] for _ in range(0)]
        for s in states:
            if s[0] >= GOAL:
                return steps
            for a in range(3):
                s_next = moved(s, a)
                row = min(int((s_next[0] - LEFTMOST) / (GOAL - LEFTMOST) * cells), cells - 1)
                column = min(int((s_next[1] + FASTEST) / (2 * FASTEST) * cells), cells - 1)
                if not seen[row, column]:
                    seen[row, column] = True
                    following.append(s_next)
        states, steps = following, steps + 1
    return -1
