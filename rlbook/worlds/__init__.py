"""The small worlds of the book, each a function that returns a `FiniteMDP`, but for one whose states are not finite.

`grids`, `mazes` and `graphs` are walked through; `classics` show one thing each; in `gambling` coins and cards decide; in
`queues` customers come and go. The states of `mountain_car` are points. Each function says its numbers, its rewards and
its source.
"""

from rlbook.worlds.classics import (
    baird_star,
    bias_example,
    chain,
    infinite_variance,
    long_walk,
    random_walk,
    short_corridor,
    traffic_light,
)
from rlbook.worlds.gambling import blackjack, gambler
from rlbook.worlds.graphs import graph
from rlbook.worlds.grids import cliff_walking, gridworld, small_grid, windy_gridworld
from rlbook.worlds.mazes import blocking_maze, dyna_maze, maze, shortcut_maze
from rlbook.worlds.mountain_car import mountain_car
from rlbook.worlds.queues import car_rental

__all__ = [
    "baird_star",
    "bias_example",
    "blackjack",
    "blocking_maze",
    "car_rental",
    "chain",
    "cliff_walking",
    "dyna_maze",
    "gambler",
    "graph",
    "gridworld",
    "infinite_variance",
    "long_walk",
    "maze",
    "mountain_car",
    "random_walk",
    "short_corridor",
    "shortcut_maze",
    "small_grid",
    "traffic_light",
    "windy_gridworld",
]
