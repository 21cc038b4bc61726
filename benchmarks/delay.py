"""What a gradient that comes late costs: A2C on CartPole, each gradient so many updates behind the networks it moves.

    python benchmarks/delay.py              five minutes on one core; writes benchmarks/results/delay.csv
    python benchmarks/delay.py --seeds 2    two of each, which are printed only

Ten networks for each delay are trained by `balance` of chapter 12 with `delayed_a2c`, for the same number of steps; the
chapter's cells are read and not copied. A line of the table is a network: the mean return of the episodes that ended in
each stretch of 20,000 steps. Networks follow the rounding of the processor, so that another machine writes another
table, of which the same can be said.
"""

from pathlib import Path

import numpy as np
import torch
from chapter import of_the_chapter
from tables import experiment

from rlbook.deep.actor_critic import delayed_a2c

TABLE = Path(__file__).parent / "results" / "delay.csv"
SEEDS = range(100, 110)
DELAYS = [0, 1, 3, 7, 15, 31]
STEPS = 120_000


def measure(delay, seed):
    """One line of the table."""
    names = {"cart_poles", "balance", "returns_by_steps"}
    chapter = of_the_chapter("12-actor-critic", names)
    _, training = chapter["balance"](np.random.default_rng(seed), delayed_a2c, STEPS, delay=delay)
    returns = chapter["returns_by_steps"](training, 20_000, STEPS)
    return {"delay": delay, "seed": seed, "returns": " ".join(f"{part:.1f}" for part in returns)}


if __name__ == "__main__":
    torch.set_num_threads(1)
    experiment(__doc__, [((delay,), SEEDS) for delay in DELAYS], measure, TABLE)
