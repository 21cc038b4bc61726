"""Mazes, each from its drawing; and those that change while an agent learns."""

import numpy as np

from rlbook._checks import shown
from rlbook.mdp import FiniteMDP
from rlbook.worlds.grids import MOVES, cell_names, deterministic, grid_steps


def maze(drawing, gamma=0.95):
    """A maze from its drawing, lines of "." for a free cell, "#" for a wall, and one "S" and one "G": from S to G.

    Entering G pays 1 and ends the episode; all other steps pay nothing. A move into a wall or off the grid stays. The
    cells of the walls are states that are never entered, marked terminal so that nobody plans for them.
    With d steps still to go, v* = gamma ** (d - 1).
    """
    if not isinstance(drawing, (str, list, tuple)):
        raise TypeError(f"drawing is {shown(drawing)}, expected a string or a list of lines")
    lines = drawing.split() if isinstance(drawing, str) else list(drawing)
    shape = (len(lines), len(lines[0]) if lines else 0)
    cells = np.array([list(line) for line in lines if len(line) == shape[1]]).reshape(-1)
    found = dict(zip(*np.unique(cells, return_counts=True), strict=True))
    if len(cells) != np.prod(shape) or not found.keys() <= set(".#SG") or (found.get("S"), found.get("G")) != (1, 1):
        raise ValueError(
            f"drawing is {shown(lines)}, expected lines of equal length out of '.', '#', one 'S' and one 'G'"
        )
    s_next = grid_steps(shape)
    s_next = np.where(cells[s_next] == "#", np.arange(len(cells))[:, None], s_next)
    return FiniteMDP(
        deterministic(s_next),
        np.where(cells[s_next] == "G", 1.0, 0.0),
        gamma,
        start=int(np.flatnonzero(cells == "S")[0]),
        terminal=(cells == "G") | (cells == "#"),
        state_names=cell_names(shape),
        action_names=list(MOVES),
    )


def dyna_maze(gamma=0.95):
    """The maze on which Dyna is shown: 6 x 9 cells, and 14 steps on the shortest ways from S to G.

    Source: Sutton & Barto (2018), example 8.1.
    """
    drawing = """
        .......#G
        ..#....#.
        S.#....#.
        ..#......
        .....#...
        .........
    """
    return maze(drawing, gamma)


def blocking_maze(gamma=0.95):
    """A maze before and after its only gap closes on the right (10 steps) and another opens on the left (16 steps).

    Source: Sutton & Barto (2018), example 8.2.
    """
    return _walled_maze("########.", gamma), _walled_maze(".########", gamma)


def shortcut_maze(gamma=0.95):
    """A maze with a gap on the left (16 steps), and the same after a second gap has opened on the right (10 steps).

    Source: Sutton & Barto (2018), example 8.3.
    """
    return _walled_maze(".########", gamma), _walled_maze(".#######.", gamma)


def _walled_maze(wall, gamma):
    return maze(["........G", ".........", ".........", wall, ".........", "...S....."], gamma)
