"""How surely REINFORCE balances CartPole's pole: with few and many episodes an update, with and without a baseline.

    python benchmarks/cartpole.py              ten minutes on one core; writes benchmarks/results/cartpole.csv
    python benchmarks/cartpole.py --seeds 2    two of each, which are printed only

Fifty networks of each way are trained by `balance` of chapter 11 for 25 updates; the chapter's cells are read and not
copied. A line of the table is a network: the highest mean return of an update, and the mean return of a hundred new
episodes at the end. Networks follow the rounding of the processor, so that another machine writes another table, of
which the same can be said.
"""

from pathlib import Path

import numpy as np
import torch
from chapter import of_the_chapter
from tables import experiment

TABLE = Path(__file__).parent / "results" / "cartpole.csv"
SEEDS = range(100, 150)
WAYS = [(32, False), (32, True), (128, False), (128, True)]  # episodes, baseline


def measure(episodes, baseline, seed):
    """One line of the table."""
    chapter = of_the_chapter("11-policy-gradient", {"balance", "final_returns"}, rng=np.random.default_rng([seed, 1]))
    policy, returns = chapter["balance"](np.random.default_rng(seed), baseline, episodes)
    return {
        "episodes": episodes,
        "baseline": "yes" if baseline else "no",
        "seed": seed,
        "best": f"{max(returns):.1f}",
        "final": f"{chapter['final_returns'](policy):.1f}",
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    experiment(__doc__, [(way, SEEDS) for way in WAYS], measure, TABLE)
