"""Grid worlds: cells numbered row by row from the top left; the actions are up, right, down and left."""

import numpy as np

from rlbook._checks import check_flag
from rlbook.mdp import FiniteMDP

MOVES = {"up": (-1, 0), "right": (0, 1), "down": (1, 0), "left": (0, -1)}  # change of (row, column)
DIAGONALS = {"up right": (-1, 1), "down right": (1, 1), "down left": (1, -1), "up left": (-1, -1)}  # a king's, in chess


def grid_steps(shape, moves=MOVES):
    """The cell (S, A) that each move leads to; a move off the grid stays where it is."""
    cells = np.arange(np.prod(shape)).reshape(shape)
    row, column = np.indices(shape).reshape(2, -1, 1)
    d_row, d_column = np.array(list(moves.values())).T
    return cells[np.clip(row + d_row, 0, shape[0] - 1), np.clip(column + d_column, 0, shape[1] - 1)]


def deterministic(s_next):
    """P (S, A, S) of a world in which each action (S, A) has one certain successor."""
    return np.eye(len(s_next))[s_next]


def cell_names(shape):
    return [f"({row}, {column})" for row, column in np.ndindex(shape)]


def gridworld(gamma=0.9):
    """A 5 x 5 grid without an end, where two cells teleport: A (0, 1) to (4, 1) for 10, and B (0, 3) to (2, 3) for 5.

    Every action in A or B does that; a move off the grid stays and costs 1; all others cost nothing. Starts anywhere.
    Source: Sutton & Barto (2018), examples 3.5 and 3.8.
    """
    shape = (5, 5)
    s_next = grid_steps(shape)
    R = np.where(s_next == np.arange(25)[:, None], -1.0, 0.0)
    for cell, destination, reward in [((0, 1), (4, 1), 10), ((0, 3), (2, 3), 5)]:
        s = np.ravel_multi_index(cell, shape)
        s_next[s], R[s] = np.ravel_multi_index(destination, shape), reward
    return FiniteMDP(deterministic(s_next), R, gamma, state_names=cell_names(shape), action_names=list(MOVES))


def small_grid(gamma=1.0):
    """A 4 x 4 grid whose top left and bottom right corners end the episode; every step costs 1. Starts anywhere else.

    Source: Sutton & Barto (2018), example 4.1 and figure 4.1.
    """
    shape = (4, 4)
    terminal = np.isin(np.arange(16), [0, 15])
    return FiniteMDP(
        deterministic(grid_steps(shape)),
        np.full((16, 4), -1.0),
        gamma,
        terminal=terminal,
        state_names=cell_names(shape),
        action_names=list(MOVES),
    )


def cliff_walking(gamma=1.0):
    """A 4 x 12 grid, from the bottom left corner to the bottom right; between them the bottom row is a cliff.

    Every step costs 1. Stepping into the cliff costs 100 and leads back to the start; it does not end the episode. The
    cells of the cliff are states that are never entered.
    Source: Sutton & Barto (2018), example 6.6.
    """
    shape, start, goal = (4, 12), 36, 47
    s_next = grid_steps(shape)
    falls = (s_next > start) & (s_next < goal)
    return FiniteMDP(
        deterministic(np.where(falls, start, s_next)),
        np.where(falls, -100.0, -1.0),
        gamma,
        start=start,
        terminal=np.arange(48) == goal,
        state_names=cell_names(shape),
        action_names=list(MOVES),
    )


def windy_gridworld(kings_moves=False, stay=False, stochastic=False, gamma=1.0):
    """A 7 x 10 grid in a crosswind: from (3, 0) to (3, 7), where every step costs 1. The best way takes 15 steps.

    The wind blows upwards, in the columns 3 to 8 by 1, 1, 1, 2, 2 and 1 cells, and the column that a step departs from
    counts: the move comes first, then the wind, and either stops at the border.
    kings_moves     adds the four diagonal moves (7 steps are then enough), stay an action that only the wind moves
    stochastic      the wind, where there is any, is one cell weaker, as it should be, or one cell stronger, each in
                    a third of the steps
    Source: Sutton & Barto (2018), example 6.5 and exercises 6.9 and 6.10.
    """
    kings_moves, stay = check_flag("kings_moves", kings_moves), check_flag("stay", stay)
    stochastic = check_flag("stochastic", stochastic)
    shape, start, goal = (7, 10), 30, 37
    wind = np.array([0, 0, 0, 1, 1, 1, 2, 2, 1, 0])
    moves = MOVES | (DIAGONALS if kings_moves else {}) | ({"stay": (0, 0)} if stay else {})
    row, column = np.divmod(grid_steps(shape, moves), shape[1])
    P = np.zeros((70, len(moves), 70))
    for change in (-1, 0, 1) if stochastic else (0,):
        blown = np.where(wind > 0, wind + change, 0)[np.arange(70) % shape[1], None]  # from each cell (S, 1)
        P += deterministic(np.maximum(row - blown, 0) * shape[1] + column)
    return FiniteMDP(
        P / P.sum(axis=2, keepdims=True),
        np.full((70, len(moves)), -1.0),
        gamma,
        start=start,
        terminal=np.arange(70) == goal,
        state_names=cell_names(shape),
        action_names=list(moves),
    )
