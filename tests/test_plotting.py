"""The pictures: what is drawn where. An arrow is held against the transition that it stands for."""

import base64
import io
import re

import gymnasium
import matplotlib
import numpy as np
import pytest
from matplotlib.text import Annotation
from PIL import Image

matplotlib.use("Agg")

from rlbook import plotting
from rlbook.mdp import FiniteMDP
from rlbook.statistics import standard_error
from rlbook.tabular.planning import value_iteration
from rlbook.worlds import cliff_walking, gridworld, small_grid, traffic_light


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plotting.plt.close("all")


def arrows(ax):
    """Each arrow as the cell (row, column) it starts in and the direction it points to on the screen, x right, y up."""
    ax.figure.canvas.draw()
    for arrow in ax.findobj(Annotation):
        (x, y), tip = arrow.xyann, arrow.xy
        screen = ax.transData.transform([(x, y), tip])
        direction = np.round((screen[1] - screen[0]) / np.abs(screen[1] - screen[0]).max())
        yield (round(y + 0.1), round(x)), tuple(direction.astype(int))


SCREEN = {(0, 1): (1, 0), (0, -1): (-1, 0), (-1, 0): (0, 1), (1, 0): (0, -1)}  # (row, column) step -> x right, y up


@pytest.mark.parametrize(
    "mdp, shape, moves",
    [
        (small_grid(), (4, 4), tuple(plotting.MOVES)),
        (gridworld(), (5, 5), tuple(plotting.MOVES)),
        (cliff_walking(), (4, 12), tuple(plotting.MOVES)),
        (
            FiniteMDP.from_gymnasium(gymnasium.make("FrozenLake-v1", is_slippery=False), 0.9),
            (4, 4),
            ("left", "down", "right", "up"),
        ),
    ],
    ids=["small grid", "gridworld", "cliff", "frozen lake"],
)
@pytest.mark.parametrize("action", range(4))
def test_an_arrow_points_to_where_its_action_leads(mdp, shape, moves, action):
    """Checked wherever the action moves to a neighbouring cell: walls, teleports and falls have no direction."""
    ax = plotting.grid(np.zeros(shape), policy=np.full(shape, action), moves=moves)
    drawn, checked = dict(arrows(ax)), 0
    for cell, direction in drawn.items():
        s = np.ravel_multi_index(cell, shape)
        s_next = mdp.P[s, action].argmax()
        step = tuple(int(x) for x in np.subtract(np.unravel_index(s_next, shape), cell))
        if step in SCREEN and not mdp.terminal[s] and mdp.R[s, action] > -100:
            assert direction == SCREEN[step]
            checked += 1
    assert len(drawn) == np.prod(shape) and checked >= np.prod(shape) / 3


def test_the_usual_moves_are_those_of_the_worlds():
    for action, name in enumerate(gridworld().action_names):
        ((cell, direction),) = arrows(plotting.grid([[0.0]], policy=[[action]]))
        assert cell == (0, 0) and direction == SCREEN[plotting.MOVES[name]]


def test_blocked_cells_have_no_colour_and_no_arrow():
    ax = plotting.grid([[1.0, 2.0]], policy=[[0, 0]], blocked={(0, 1): "wall"})
    assert [cell for cell, _ in arrows(ax)] == [(0, 0)]
    assert ax.images[0].get_array().mask.tolist() == [[False, True]]


def test_every_best_action_gets_an_arrow():
    solution = value_iteration(gridworld())
    best = np.isclose(solution.q, solution.q.max(axis=1, keepdims=True)).reshape(5, 5, 4)
    drawn = list(arrows(plotting.grid(solution.v.reshape(5, 5), policy=best)))
    assert len(drawn) == best.sum()
    assert {direction for cell, direction in drawn if cell == (0, 1)} == set(SCREEN.values())  # teleport: all alike


def test_a_grid_writes_its_numbers_labels_and_blocked_cells():
    ax = plotting.grid([[1.25, -0.0], [3.0, 4.0]], labels={(0, 0): "S"}, blocked={(1, 1): "wall"}, digits=2)
    texts = {text.get_text() for text in ax.texts} - {""}
    assert texts == {"1.25", "0.00", "3.00", "S", "wall"}


@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(values=np.zeros(25)), r"values have shape \(25,\), expected \(rows, columns\)"),
        (dict(values=np.zeros((2, 2)), policy=np.zeros((2, 3))), r"policy has shape \(2, 3\)"),
        (dict(values=np.zeros((2, 2)), policy=np.full((2, 2), 7)), r"actions in 0..3"),
    ],
)
def test_a_grid_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        plotting.grid(**arguments)


def test_an_arrow_can_be_diagonal_and_staying_is_a_dot():
    moves = ("up right", "down left", "stay")
    drawn = dict(arrows(plotting.grid(np.zeros((1, 3)), policy=[[0, 1, 2]], moves=moves)))
    assert drawn == {(0, 0): (1, 1), (0, 1): (-1, -1)}
    (dot,) = plotting.grid([[0.0]], policy=[[2]], moves=moves).get_lines()
    assert dot.get_xdata()[0] == 0


def test_walls_hold_nothing_and_a_path_goes_through_its_cells():
    walls = np.array([[False, True], [False, False]])
    cells = [(0, 0), (1, 0), (1, 1)]
    ax = plotting.grid(np.ones((2, 2)), policy=np.zeros((2, 2), int), walls=walls, path=cells)
    assert sorted(cell for cell, _ in arrows(ax)) == cells
    assert ax.images[0].get_array().mask.tolist() == walls.tolist() == (~ax.images[1].get_array().mask).tolist()
    line, end = ax.get_lines()
    assert list(zip(line.get_ydata(), line.get_xdata())) == cells and (end.get_ydata()[0], end.get_xdata()[0]) == (1, 1)
    with pytest.raises(ValueError, match=r"walls have shape \(1,\), expected \(2, 2\)"):
        plotting.grid(np.ones((2, 2)), walls=[True])


def test_a_heatmap_has_its_first_row_at_the_bottom_and_writes_its_numbers():
    ax = plotting.heatmap([[1, 2], [3, np.nan]], xlabel="x", ylabel="y", y=["low", "high"], numbers="{:.0f}")
    assert [text.get_text() for text in ax.texts] == ["1", "2", "3"]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["low", "high"]
    low, high = ax.transData.transform([(0, 0), (0, 1)])[:, 1]
    assert low < high and ax.texts[0].get_position() == (0, 0)
    with pytest.raises(ValueError, match=r"1 y and 2 x for values \(2, 2\)"):
        plotting.heatmap(np.ones((2, 2)), xlabel="", ylabel="", y=[0])


def test_numbers_can_be_read_on_dark_cells_too():
    heat = plotting.heatmap([[0.0, 1.0]], xlabel="", ylabel="", numbers="{:.0f}", cmap="gray")
    assert [text.get_color() for text in heat.texts] == ["white", "black"]
    grid = plotting.grid([[0.0, 1.0]])
    assert [text.get_color() for text in grid.texts if text.get_text()] == ["black", "white"]


def test_an_animation_plays_without_a_network_and_is_the_same_at_every_run():
    def draw(frame, ax):
        plotting.grid([[frame, 1.0]], ax=ax)

    player = plotting.animation(draw, [1.0, 2.0, 3.0], alt='Cells & "numbers"', size=(2, 1))
    html = player._repr_html_()
    assert "http" not in html and "fa-" not in html
    assert 'alt="Cells &amp; &quot;numbers&quot;"' in html
    pictures = re.findall(r"base64,([^\"]*)", html)
    assert len(pictures) == 4 and pictures[0] == pictures[1] and len(set(pictures)) == 3  # the first stands there twice
    assert all(Image.open(io.BytesIO(base64.b64decode(picture))).mode == "P" for picture in pictures)
    assert plotting.animation(draw, [1.0, 2.0, 3.0], alt='Cells & "numbers"', size=(2, 1)).html == html
    assert repr(player) == "animation of 3 frames"
    with pytest.raises(ValueError, match="no frames"):
        plotting.animation(draw, [], alt="")


def test_a_palette_keeps_few_colours_exactly_and_is_not_made_twice():
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[..., 3] = 255
    pixels[:4, :, 0], pixels[4:, :, 2] = 213, 178
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    smaller = plotting.with_palette(file.getvalue())
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(smaller)).convert("RGBA")), pixels)
    assert plotting.with_palette(smaller) is smaller


def test_curves_differ_in_more_than_colour_and_name_their_band():
    band = standard_error(np.arange(12.0).reshape(3, 4))
    ax = plotting.curves({"plain": np.ones(4), "banded": band}, xlabel="episode", ylabel="return")
    plain, banded = ax.get_lines()
    assert plain.get_color() != banded.get_color() and plain.get_linestyle() != banded.get_linestyle()
    assert np.array_equal(banded.get_ydata(), [4, 5, 6, 7])
    assert ax.get_xlabel() == "episode\n(mean of 3 runs ± standard error)"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["plain", "banded"]
    edges = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert edges.min() == band.low.min() and edges.max() == band.high.max()
    assert plotting.curves({"plain": np.ones(4)}, xlabel="", ylabel="", log=True).get_yscale() == "log"


def test_a_diagram_writes_every_probability_and_reward():
    texts = [text.get_text() for text in plotting.diagram(traffic_light()).texts]
    assert sorted(texts) == sorted(
        ["red", "green", "stop, r = -1", "go, r = 0", "stop, r = -1", "go, r = 1"]
        + ["0.1", "0.9", "0.9", "0.1", "0.5", "0.5", "0.3", "0.7"]
    )
    with pytest.raises(ValueError, match="this MDP has 4"):
        plotting.diagram(small_grid())


def test_a_histogram_counts_every_sample():
    ax = plotting.histogram(np.arange(10.0), xlabel="return", marks={"mean": 4.5}, bins=5)
    assert [patch.get_height() for patch in ax.patches] == [2] * 5
    assert ax.get_lines()[0].get_xdata()[0] == 4.5


def test_a_surface_has_the_value_of_each_row_and_column():
    ax = plotting.surface(np.arange(6.0).reshape(2, 3), x=[1, 2, 3], y=[5, 7], xlabel="x", ylabel="y", zlabel="z")
    assert ax.get_zlabel() == "z" and ax.get_xlabel() == "x"
    assert ax.xy_dataLim.intervalx.tolist() == [1, 3] and ax.xy_dataLim.intervaly.tolist() == [5, 7]
    assert ax.zz_dataLim.intervalx.tolist() == [0, 5]
    with pytest.raises(
        ValueError, match=re.escape("values have shape (2, 3), x (2,) and y (2,), expected (rows, columns)")
    ):
        plotting.surface(np.ones((2, 3)), x=[1, 2], y=[5, 7], xlabel="", ylabel="", zlabel="")


def test_the_car_stands_on_its_slope_and_the_flag_at_the_goal():
    ax = plotting.car_in_valley(-0.3, title="step 7")
    ground, _, flag, car = ax.lines
    assert car.get_xdata()[0] == -0.3 and car.get_ydata()[0] > np.sin(-0.9) and ax.get_title() == "step 7"
    assert flag.get_xdata()[0] == 0.5
    assert np.allclose(ground.get_ydata(), np.sin(3 * ground.get_xdata()))


def ends(line):
    """Where a drawn line begins and ends: two points (x, y)."""
    return [tuple(np.round(point, 6)) for point in line.get_xydata()]


def test_a_pole_an_acrobot_and_a_pendulum_stand_where_their_state_says():
    _, pole = plotting.cart_pole([0.5, 0, np.pi / 6, 0], title="step 3").get_lines()
    assert ends(pole) == [(0.5, 0), (1.0, round(np.sqrt(3) / 2, 6))]
    angles = np.array([np.pi / 2, np.pi / 2])  # the upper arm to the right, the lower one up
    state = [*np.ravel([np.cos(angles), np.sin(angles)], "F"), 0, 0]
    _, upper, lower, _ = plotting.acrobot(state).get_lines()
    assert ends(upper) == [(0, 0), (1, 0)] and ends(lower) == [(1, 0), (1, 1)]
    rod, _ = plotting.pendulum([np.cos(0.3), np.sin(0.3), 0]).get_lines()
    assert ends(rod)[1] == (round(-np.sin(0.3), 6), round(np.cos(0.3), 6))  # a positive angle leans to the left


@pytest.mark.parametrize(
    "world, numbers", [("CartPole-v1", 4), ("MountainCar-v0", 2), ("Acrobot-v1", 6), ("Pendulum-v1", 3)]
)
def test_an_agent_acting_is_drawn_from_its_states(world, numbers):
    states = np.linspace(0, 0.2, 5 * numbers).reshape(5, numbers)
    player = plotting.animate(world, states, every=3)
    assert player.frames == 3 and "http" not in player.html  # steps 0, 3 and the last one, 4
    assert plotting.animate(world, states, every=3).html == player.html
    assert 'alt="what happens"' in plotting.animate(world, states[:1], alt="what happens").html
    for wrong in (states[:, 1:], states[0], states[:0]):
        with pytest.raises(
            ValueError, match=rf"states have shape .*expected \(T, {numbers}\): observations of {world}"
        ):
            plotting.animate(world, wrong)


def test_a_world_that_has_no_drawing_is_named():
    with pytest.raises(ValueError, match="world is 'Taxi-v3', expected one of CartPole-v1, "):
        plotting.animate("Taxi-v3", np.zeros((2, 2)))


def test_shaded_text_writes_every_word_once_darkest_where_the_number_is_largest_and_no_line_too_long():
    rows, values = [["she", "was", "sad"], ["so", "it", "was"]], [[0.0, 0.1, 2.0], [0.3, 0.0, 0.5]]
    ax = plotting.shaded_text(rows, values, width=8)
    assert [text.get_text() for text in ax.texts] == ["she", "was", "sad", "so", "it", "was"]
    places = [text.get_position() for text in ax.texts]
    assert places == [(0, 0), (4, 0), (4, 1), (0, 2), (3, 2), (4, 3)]
    light = [sum(patch.get_facecolor()[:3]) for patch in ax.patches]
    assert np.argmin(light) == 2 and light[0] == light[4] == max(light)
    with pytest.raises(ValueError, match=r"values\[1\] has shape \(2,\), expected \(3,\)"):
        plotting.shaded_text(rows, [[1, 2, 3], [1, 2]])
