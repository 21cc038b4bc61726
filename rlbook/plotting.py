"""Every picture of the book: arrays in, matplotlib Axes out. The only module that imports matplotlib.

Colours are those of Okabe and Ito, which colour-blind readers can tell apart; lines also differ in their dashes.
"""

import base64
import io
import re
from hashlib import sha256
from html import escape
from itertools import cycle

import numpy as np

from rlbook._checks import require
from rlbook.statistics import Band
from rlbook.worlds.grids import MOVES

require("matplotlib", extra="plot")

import matplotlib.pyplot as plt  # noqa: E402 (after the check that it is there)
from matplotlib.animation import FuncAnimation  # noqa: E402
from matplotlib.patches import Circle, FancyArrowPatch, Rectangle  # noqa: E402
from PIL import Image  # noqa: E402

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


def grid(
    values,
    *,
    policy=None,
    moves=tuple(MOVES),
    labels=None,
    blocked=None,
    walls=None,
    path=None,
    limits=(None, None),
    title="",
    digits=1,
    ax=None,
):
    """A grid world as a heat map of values (rows, columns), the number written into each cell.

    policy      (rows, columns) actions, or (rows, columns, A) probabilities: an arrow for each action that is taken
    moves       the names of the actions in their order: up, right, down, left, two of them such as "up right", or stay
    labels      {(row, column): text} to write into the corner of a cell, such as S for the start
    blocked     {(row, column): text} for cells that hold this text instead of a value and an arrow, such as a cliff
    walls       (rows, columns) bool: cells that are painted dark and hold nothing
    path        cells (row, column) one after another, drawn as a line that ends in a dot
    limits      the values at which the colours begin and end, where several pictures are to share them
    digits      of the numbers after the point; None for no numbers
    """
    values, labels, blocked = np.asarray(values, dtype=float), labels or {}, blocked or {}
    if values.ndim != 2:
        raise ValueError(f"values have shape {values.shape}, expected (rows, columns): v.reshape(rows, columns)")
    walls = np.zeros(values.shape, bool) if walls is None else np.asarray(walls, bool)
    if walls.shape != values.shape:
        raise ValueError(f"walls have shape {walls.shape}, expected {values.shape}, as the values")
    ax = panels(size=(0.7 * values.shape[1] + 0.4, 0.7 * values.shape[0] + 0.4)) if ax is None else ax
    taken = None if policy is None else _taken(policy, values.shape, len(moves))
    shown = np.where(walls, np.nan, values)
    for cell in blocked:
        shown[cell] = np.nan
    ax.set_facecolor("lightgrey")
    image = ax.imshow(shown, cmap="Blues", alpha=0.7, vmin=limits[0], vmax=limits[1])
    ax.imshow(np.where(walls, 1.0, np.nan), cmap="gray", vmin=0.0, vmax=3.0)
    for cell in np.ndindex(values.shape):
        (row, column), empty = cell, cell in blocked or walls[cell]
        ink = "black" if empty else _readable_on(image, values[cell])
        label = {"ha": "left", "va": "center", "fontsize": 9, "weight": "bold", "color": ink}
        ax.text(column - 0.44, row - 0.32, labels.get(cell, ""), **label)
        if empty:
            ax.text(column, row, blocked.get(cell, ""), ha="center", va="center")
            continue
        if digits is not None:
            height = row if policy is None else row + 0.36
            number = f"{values[cell] + 0.0:.{digits}f}"  # + 0.0 turns -0.0 into 0.0
            size = 10 if policy is None else 8
            ax.text(column, height, number, ha="center", va="center", fontsize=size, color=ink)
        for a in () if policy is None else np.flatnonzero(taken[cell]):
            _arrow(ax, cell, moves[a], ink)
    if path is not None:
        rows, columns = np.transpose(path)
        ax.plot(columns, rows, color=COLOURS[1], linewidth=2)
        ax.plot(columns[-1], rows[-1], marker="o", markersize=11, color=COLOURS[1])
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


def _arrow(ax, cell, move, colour):
    """A short arrow in a cell (row, column) towards its neighbour in the direction of the move; a dot where it stays."""
    row, column = cell[0] - 0.1, cell[1]
    if move == "stay":
        ax.plot(column, row, marker="o", markersize=4, color=colour)
        return
    d_row, d_column = np.sum([MOVES[word] for word in move.split()], axis=0)
    style = {"arrowstyle": "-|>", "color": colour, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", xy=(column + 0.29 * d_column, row + 0.29 * d_row), xytext=(column, row), arrowprops=style)


def heatmap(
    values, *, xlabel, ylabel, x=None, y=None, numbers=None, cmap="viridis", limits=(None, None), title="", ax=None
):
    """A table of values (rows, columns) as colours, the first row at the bottom; NaN stays white.

    x, y       what the columns and the rows stand for: numbers (columns,), (rows,) or names; by default 0, 1, 2...
    numbers    how to write each value into its cell, such as "{:.0f}"; None for a colour bar instead
    cmap       a colour map that colour-blind readers can read: viridis, cividis; PuOr where 0 is the middle
    limits     the values at which the colours begin and end, where several pictures are to share them
    """
    values = np.asarray(values, dtype=float)
    if values.ndim != 2:
        raise ValueError(f"values have shape {values.shape}, expected (rows, columns)")
    x, y = (np.arange(count) if names is None else names for count, names in zip(values.shape[::-1], (x, y)))
    if (len(y), len(x)) != values.shape:
        raise ValueError(
            f"there are {len(y)} y and {len(x)} x for values {values.shape}, expected one for each row and column"
        )
    ax = panels(size=(5.0, 4.2)) if ax is None else ax
    image = ax.imshow(values, cmap=cmap, vmin=limits[0], vmax=limits[1], origin="lower", aspect="auto")
    if numbers is None:
        ax.figure.colorbar(image, ax=ax)
    else:
        for row, column in np.argwhere(np.isfinite(values)):
            text, ink = numbers.format(values[row, column] + 0.0), _readable_on(image, values[row, column])
            ax.text(column, row, text, ha="center", va="center", fontsize=8, color=ink)
    every = [max(1, -(-count // 12)) for count in values.shape]  # at most a dozen ticks
    ax.set_yticks(np.arange(len(y))[:: every[0]], y[:: every[0]])
    ax.set_xticks(np.arange(len(x))[:: every[1]], x[:: every[1]])
    return _finish(ax, xlabel, ylabel, title)


def shaded_text(rows, values, *, cmap="Blues", limits=None, width=84, title="", ax=None):
    """Texts whose words are shaded by a number each, as many lines as they need; a text begins on a line of its own.

    rows      texts, each a list of words; values a list of as many arrays, a number for each word
    cmap      a colour map that colour-blind readers can read: Blues from 0 up, PuOr where 0 is the middle
    limits    the values at which the colours begin and end; by default 0, or minus the largest one for PuOr, and the largest
    width     of a line, in characters
    Raises ValueError where a text and its values differ in length.
    """
    rows, values = [list(row) for row in rows], [np.asarray(row, dtype=float) for row in values]
    for i, (words, numbers) in enumerate(zip(rows, values, strict=True)):
        if numbers.shape != (len(words),):
            raise ValueError(f"values[{i}] has shape {numbers.shape}, expected ({len(words)},): a number for each word")
    most = max(float(np.abs(row).max(initial=0.0)) for row in values) or 1.0
    low, high = (-most if cmap == "PuOr" else 0.0, most) if limits is None else limits
    places, line, column = [], -1, 0
    for words, numbers in zip(rows, values):
        line, column = line + 1, 0
        for word, number in zip(words, numbers):
            if column and column + len(word) > width:
                line, column = line + 1, 4
            places.append((column, line, word, number))
            column += len(word) + 1
    ax = panels(size=(0.09 * width, 0.27 * (line + 1) + 0.75)) if ax is None else ax
    image = ax.imshow([[low, high]], cmap=cmap, extent=(-9, -8, -9, -8), aspect="auto")  # out of sight, for its colours
    for column, line, word, number in places:
        shade, ink = image.cmap(image.norm(number)), _readable_on(image, number)
        ax.add_patch(Rectangle((column - 0.4, line - 0.42), len(word) + 0.8, 0.84, color=shade))
        ax.text(column, line, word, va="center", fontsize=8.5, family="monospace", color=ink)
    ax.set(xlim=(-1, width + 1), ylim=(line + 0.6, -0.6), xticks=[], yticks=[], title=title)
    ax.spines[:].set_visible(False)
    ax.figure.colorbar(image, ax=ax, orientation="horizontal", shrink=0.4, aspect=40, pad=0.02)
    return ax


def surface(values, *, x, y, xlabel, ylabel, zlabel, title="", ax=None):
    """A table of values (rows, columns) as a hilly surface, seen from above one corner.

    x, y    (columns,) and (rows,), what the columns and the rows stand for
    ax      Axes made with projection="3d"; None for a new picture
    """
    values, x, y = (np.asarray(array, dtype=float) for array in (values, x, y))
    if values.ndim != 2 or (*y.shape, *x.shape) != values.shape:
        raise ValueError(
            f"values have shape {values.shape}, x {x.shape} and y {y.shape}, expected (rows, columns), (columns,), (rows,)"
        )
    ax = plt.figure(figsize=(5.0, 4.2), layout="constrained").add_subplot(projection="3d") if ax is None else ax
    ax.plot_surface(*np.meshgrid(x, y), values, cmap="viridis", rcount=len(y), ccount=len(x), linewidth=0)
    ax.set(xlabel=xlabel, ylabel=ylabel, zlabel=zlabel, title=title)
    ax.view_init(elev=40, azim=-120)
    return ax


def car_in_valley(position, *, title="", ax=None):
    """The mountain car at its position: the valley sin(3 x), a flag at the goal, and the car as a dot."""
    ax = panels(size=(5.0, 2.8)) if ax is None else ax
    ground = np.linspace(-1.2, 0.6, 100)
    ax.plot(ground, np.sin(3 * ground), color="grey")
    ax.plot([0.5, 0.5], np.sin(1.5) + np.array([0.0, 0.4]), color=COLOURS[2])
    ax.plot(0.5, np.sin(1.5) + 0.4, marker=">", markersize=9, color=COLOURS[2])
    ax.plot(position, np.sin(3 * position) + 0.1, marker="o", markersize=11, color=COLOURS[1])
    ax.set(xlim=(-1.25, 0.65), ylim=(-1.2, 1.6), yticks=[])
    return _finish(ax, "position", "", title)


def cart_pole(state, *, title="", ax=None):
    """CartPole at its observation (position, speed, angle, its speed): a cart on a rail, its pole as a line."""
    ax = panels(size=(5.0, 2.2)) if ax is None else ax
    position, _, angle, _ = state
    ax.plot([-2.4, 2.4], [0, 0], color="grey", linewidth=0.8)
    ax.add_patch(Rectangle((position - 0.25, -0.12), 0.5, 0.24, color=COLOURS[0]))
    ax.plot([position, position + np.sin(angle)], [0, np.cos(angle)], color=COLOURS[1], linewidth=5)
    ax.set(xlim=(-2.7, 2.7), ylim=(-0.4, 1.3), yticks=[], aspect="equal")
    return _finish(ax, "position", "", title)


def acrobot(state, *, title="", ax=None):
    """Acrobot at its observation (cos, sin of the first angle, cos, sin of the second, two speeds), and the height to reach.

    The first angle is 0 where the upper arm hangs down, the second where the lower arm goes on straight.
    """
    ax = panels(size=(3.2, 3.2)) if ax is None else ax
    first = np.arctan2(state[1], state[0])
    second = first + np.arctan2(state[3], state[2])
    elbow = np.array([np.sin(first), -np.cos(first)])
    tip = elbow + [np.sin(second), -np.cos(second)]
    ax.axhline(1, color="grey", linewidth=0.8)
    ax.plot(*zip((0, 0), elbow), color=COLOURS[0], linewidth=5)
    ax.plot(*zip(elbow, tip), color=COLOURS[1], linewidth=5)
    ax.plot(*zip((0, 0), elbow), color="black", marker="o", linestyle="")
    return _bare(ax, 2.2, title)


def pendulum(state, *, title="", ax=None):
    """Pendulum at its observation (cos, sin of the angle, its speed): the rod, upright at angle 0."""
    ax = panels(size=(3.2, 3.2)) if ax is None else ax
    ax.plot([0, -state[1]], [0, state[0]], color=COLOURS[1], linewidth=6)
    ax.plot(0, 0, color="black", marker="o")
    return _bare(ax, 1.3, title)


def _bare(ax, reach, title):
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), xticks=[], yticks=[], aspect="equal", title=title)
    ax.spines[:].set_visible(False)
    return ax


def _car(state, *, title="", ax=None):
    return car_in_valley(state[0], title=title, ax=ax)


DRAWINGS = {  # of Gymnasium's worlds: what draws an observation, its numbers, the size of a picture, what there is to see
    "CartPole-v1": (cart_pole, 4, (5.0, 2.2), "a cart moves to and fro on a rail under a pole"),
    "MountainCar-v0": (_car, 2, (4.5, 2.6), "a car rolls to and fro in a valley with a flag on the right hill"),
    "Acrobot-v1": (acrobot, 6, (3.2, 3.2), "two arms, one hanging from the other, swing below and above a line"),
    "Pendulum-v1": (pendulum, 3, (3.2, 3.2), "a rod turns around a fixed point"),
}


def animate(world, states, *, every=1, alt=None, interval=60):
    """An agent acting, drawn from what it saw: a player of its observations (T, ...), one episode of a Gymnasium world.

    world       CartPole-v1, MountainCar-v0, Acrobot-v1 or Pendulum-v1
    every       so many steps from picture to picture; the last state is always shown
    alt         what there is to see, for readers who cannot see it
    interval    between two pictures, in milliseconds
    Needs neither pygame nor a display. Raises ValueError for another world, or states of another one.
    """
    if world not in DRAWINGS:
        raise ValueError(f"world is {world!r}, expected one of {', '.join(DRAWINGS)}")
    draw, numbers, size, seen = DRAWINGS[world]
    states = np.asarray(states, dtype=float)
    if states.ndim != 2 or len(states) == 0 or states.shape[1] != numbers:
        raise ValueError(f"states have shape {states.shape}, expected (T, {numbers}): observations of {world}, T >= 1")
    steps = sorted({*range(0, len(states), every), len(states) - 1})

    def draw_step(t, ax):
        draw(states[t], title=f"step {t}", ax=ax)

    return animation(draw_step, steps, alt=seen if alt is None else alt, size=size, interval=interval)


def _readable_on(image, value):
    """Black or white, whichever can be read on the colour that the image has for the value."""
    strength = image.get_alpha() or 1.0  # the rest shows the ground, which is light
    brightness = np.dot(image.cmap(image.norm(value))[:3], (0.299, 0.587, 0.114))
    return "black" if strength * brightness + (1 - strength) * 0.83 > 0.5 else "white"


class Animation:
    """A small player that a notebook displays, working without a network; `html` is its page."""

    def __init__(self, html, frames):
        self.html, self.frames = html, frames

    def __repr__(self):
        return f"animation of {self.frames} frames"

    def _repr_html_(self):
        return self.html


def animation(draw, frames, *, alt, size=(5.0, 3.5), interval=400):
    """The pictures that `draw(frame, ax)` draws for each of the frames, as a player with buttons.

    alt         what there is to see, for readers who cannot see it
    size        of a picture, in inches
    interval    between two pictures, in milliseconds
    """
    frames = list(frames)
    if not frames:
        raise ValueError("there are no frames to draw")
    ax = panels(size=size)

    def redraw(frame):
        ax.clear()
        draw(frame, ax)

    ax.figure.set_dpi(72)
    html = FuncAnimation(ax.figure, redraw, frames, interval=interval).to_jshtml(default_mode="once")
    plt.close(ax.figure)
    return Animation(_offline(html, alt), len(frames))


ICONS = {  # of the buttons, in place of a font that would come from a network
    "minus": "−",
    "fast-backward": "|◀",
    "step-backward": "◂",
    "play fa-flip-horizontal": "◀",
    "pause": "||",
    "play": "▶",
    "step-forward": "▸",
    "fast-forward": "▶|",
    "plus": "+",
}


def _offline(html, alt):
    """Matplotlib's player without its font from a network, with small pictures, the same text at every run."""
    html = re.sub(r"<link[^>]*>", "", html)
    html = re.sub(r'<i class="fa fa-([\w -]+)"></i>', lambda icon: ICONS[icon[1]], html)
    html = re.sub(r'"data:image/png;base64,([^"]*)"', lambda picture: f'"{_small(picture[1])}"', html)
    first = re.search(r'"(data:image/png;base64,[^"]*)"', html)[1]  # shown where no program runs
    identity = re.search(r'<img id="_anim_img(\w+)">', html)[1]
    html = html.replace(f'_anim_img{identity}">', f'_anim_img{identity}" src="{first}" alt="{escape(alt)}">')
    return html.replace(identity, sha256(first.encode()).hexdigest()[:8])


def _small(png):
    """A picture in base64, as matplotlib wraps its lines, as the address of the same picture with a palette."""
    return "data:image/png;base64," + base64.b64encode(with_palette(base64.b64decode(png.replace("\\\n", "")))).decode()


def with_palette(png):
    """A PNG file (bytes) with a palette of at most 256 colours, a third of the size; one that has a palette as it is."""
    picture = Image.open(io.BytesIO(png))
    if picture.mode == "P":
        return png
    smaller = io.BytesIO()
    picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(smaller, "PNG", optimize=True)
    return smaller.getvalue()


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
