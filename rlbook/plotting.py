"""Every picture of the book: arrays in, matplotlib Axes out. The only module that imports matplotlib.

Colours are those of Okabe and Ito, which colour-blind readers can tell apart; lines also differ in their dashes.
"""

from itertools import cycle

import numpy as np

from rlbook._checks import require
from rlbook.statistics import Band
from rlbook.worlds import MOVES

require("matplotlib", extra="plot")

import matplotlib.pyplot as plt  # noqa: E402 (after the check that it is there)
from matplotlib.patches import Circle, FancyArrowPatch  # noqa: E402

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)), (0, (8, 2)))


def panels(columns=1, rows=1, *, size=(5.0, 3.5)):
    """Empty Axes side by side, each of the given size in inches: one Axes, or an array of them as plt.subplots gives."""
    _, axes = plt.subplots(rows, columns, figsize=(size[0] * columns, size[1] * rows), layout="constrained")
    return axes


def curves(lines, *, x=None, xlabel, ylabel, title="", log=False, ax=None):
    """Named curves in one picture. lines is {label: array (T,) or Band of such arrays}; x (T,), by default 0, 1, 2...

    The band of a curve is shaded, and its name stands below the picture. log=True makes the vertical axis logarithmic.
    """
    ax = panels() if ax is None else ax
    band_names = {}
    for (label, line), colour, dash in zip(lines.items(), cycle(COLOURS), cycle(DASHES), strict=False):
        mean = line.mean if isinstance(line, Band) else np.asarray(line)
        positions = np.arange(len(mean)) if x is None else np.asarray(x)
        ax.plot(positions, mean, color=colour, linestyle=dash, label=label)
        if isinstance(line, Band):
            ax.fill_between(positions, line.low, line.high, color=colour, alpha=0.2, linewidth=0)
            band_names[line.name] = None
    if log:
        ax.set_yscale("log")
    ax.legend(frameon=False)
    return _finish(ax, "\n".join([xlabel, *(f"({name})" for name in band_names)]), ylabel, title)


def histogram(samples, *, xlabel, marks=None, bins=40, title="", ax=None):
    """How often each value occurs among samples (N,); marks {label: x} are drawn as vertical lines."""
    ax = panels() if ax is None else ax
    ax.hist(samples, bins=bins, color=COLOURS[5])
    for (label, position), colour, dash in zip((marks or {}).items(), cycle(COLOURS[1:]), cycle(DASHES), strict=False):
        ax.axvline(position, color=colour, linestyle=dash, label=label)
    if marks:
        ax.legend(frameon=False)
    return _finish(ax, xlabel, "count", title)


def grid(values, *, policy=None, moves=tuple(MOVES), labels=None, blocked=None, title="", digits=1, ax=None):
    """A grid world as a heat map of values (rows, columns), the number written into each cell.

    policy      (rows, columns) actions, or (rows, columns, A) probabilities: an arrow for each action that is taken
    moves       the names of the actions in their order, out of up, right, down and left
    labels      {(row, column): text} to write into the corner of a cell, such as S for the start
    blocked     {(row, column): text} for cells that hold this text instead of a value and an arrow, such as a cliff
    """
    values, labels, blocked = np.asarray(values, dtype=float), labels or {}, blocked or {}
    if values.ndim != 2:
        raise ValueError(f"values have shape {values.shape}, expected (rows, columns): v.reshape(rows, columns)")
    ax = panels(size=(0.7 * values.shape[1] + 0.4, 0.7 * values.shape[0] + 0.4)) if ax is None else ax
    taken = None if policy is None else _taken(policy, values.shape, len(moves))
    shown = values.copy()
    for cell in blocked:
        shown[cell] = np.nan
    ax.set_facecolor("lightgrey")
    ax.imshow(shown, cmap="Blues", alpha=0.7)
    for cell in np.ndindex(values.shape):
        row, column = cell
        ax.text(column - 0.44, row - 0.32, labels.get(cell, ""), ha="left", va="center", fontsize=9, weight="bold")
        if cell in blocked:
            ax.text(column, row, blocked[cell], ha="center", va="center")
            continue
        height = row if policy is None else row + 0.36
        number = f"{values[cell] + 0.0:.{digits}f}"  # + 0.0 turns -0.0 into 0.0
        ax.text(column, height, number, ha="center", va="center", fontsize=10 if policy is None else 8)
        for a in () if policy is None else np.flatnonzero(taken[cell]):
            _arrow(ax, cell, moves[a])
    edges = [np.arange(count + 1) - 0.5 for count in values.shape]
    ax.set(yticks=edges[0], xticks=edges[1], title=title)
    ax.grid(color="white", linewidth=2)
    ax.tick_params(length=0, labelbottom=False, labelleft=False)
    ax.spines[:].set_visible(False)
    return ax


def _taken(policy, shape, num_actions):
    """(rows, columns, A) bool: which actions a policy takes in each cell."""
    policy, actions = np.asarray(policy), np.arange(num_actions)
    if policy.shape == shape and np.isin(policy, actions).all():
        return policy[..., None] == actions
    if policy.shape != (*shape, num_actions):
        raise ValueError(
            f"policy has shape {policy.shape}, expected {shape} of actions in 0..{num_actions - 1}, "
            f"or {(*shape, num_actions)} of probabilities"
        )
    return policy > 0


def _arrow(ax, cell, move):
    """A short arrow in a cell (row, column) towards its neighbour in the direction of the move."""
    row, column, (d_row, d_column) = cell[0] - 0.1, cell[1], MOVES[move]
    style = {"arrowstyle": "-|>", "color": "black", "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", xy=(column + 0.29 * d_column, row + 0.29 * d_row), xytext=(column, row), arrowprops=style)


def diagram(mdp, *, title="", ax=None):
    """A small MDP as a graph: a circle for each state, a dot for each action, an arrow for each possible outcome.

    The text at a dot is the action and its expected reward; the number on an arrow the probability of that outcome.
    States stand in a row, their first action above it and the second below: for MDPs of two or three states.
    """
    if mdp.num_actions > 2:
        raise ValueError(f"diagram draws at most 2 actions, above and below the states; this MDP has {mdp.num_actions}")
    ax = panels(size=(3.2 * mdp.num_states, 3.6)) if ax is None else ax
    P = np.stack([mdp.expect(one_state) for one_state in np.eye(mdp.num_states)], axis=2)
    for s, a in np.ndindex(mdp.num_states, mdp.num_actions):
        if mdp.terminal[s]:
            continue
        side = 1 - 2 * a
        dot = np.array([3.0 * s, 1.1 * side])
        ax.plot([3.0 * s, dot[0]], [0.45 * side, dot[1]], color=COLOURS[a], linestyle=DASHES[a])
        ax.add_patch(Circle(dot, 0.1, color=COLOURS[a]))
        ax.text(dot[0], dot[1] + 0.3 * side, f"{mdp.action_names[a]}, r = {mdp.R[s, a]:g}", ha="center", va="center")
        for s_next in np.flatnonzero(P[s, a]):
            _outcome(ax, dot, 3.0 * s_next, side, P[s, a, s_next], COLOURS[a])
    for s, name in enumerate(mdp.state_names):
        ax.add_patch(Circle((3.0 * s, 0), 0.45, facecolor="white", edgecolor="black", zorder=3))
        ax.text(3.0 * s, 0, name, ha="center", va="center", zorder=4)
    ax.set(xlim=(-1.3, 3.0 * mdp.num_states - 1.7), ylim=(-1.7, 1.7), aspect="equal", title=title)
    ax.axis("off")
    return ax


def _outcome(ax, dot, x, side, probability, colour):
    """An arrow from the dot of an action to the circle of the next state at x, with its probability."""
    if abs(dot[0] - x) < 1e-9:  # back to the same state, on its outer side
        outer = -1 if x == 0 else 1
        end, bend, label = (x + 0.38 * outer, 0.25 * side), -0.9 * side * outer, (x + 0.75 * outer, 0.75 * side)
    else:
        towards = np.sign(x - dot[0])
        end, bend = (x - 0.33 * towards, 0.33 * side), -0.25 * towards * side
        label = (dot[0] + 0.3 * (x - dot[0]), 1.17 * side)
    style = {"arrowstyle": "-|>", "mutation_scale": 12, "color": colour, "shrinkA": 4, "shrinkB": 0}
    ax.add_patch(FancyArrowPatch(dot, end, connectionstyle=f"arc3,rad={bend}", **style))
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    ax.text(*label, f"{probability:g}", ha="center", va="center", fontsize=9, color=colour, bbox=box)


def _finish(ax, xlabel, ylabel, title):
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
    ax.spines[["top", "right"]].set_visible(False)
    return ax
