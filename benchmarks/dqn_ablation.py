"""What each part of a deep Q-network is worth on CartPole: DQN, and DQN with one thing changed, ten networks of each.

    python benchmarks/dqn_ablation.py              some minutes on one core; writes benchmarks/results/dqn_ablation.csv
    python benchmarks/dqn_ablation.py --seeds 2    two of each, which are printed only

Each network is trained by `balance` of chapter 10, whose cells are read and not copied. A line of the table is a network:
the mean return of a hundred new episodes at the end, the best such mean of four checks on the way, and the mean of the
largest action values over the last hundred updates, which cannot be above 100 where they are right. Networks follow the
rounding of the processor, so that another machine writes another table, of which the same can be said.
"""

from pathlib import Path

import numpy as np
import torch
from chapter import of_the_chapter
from tables import experiment

from rlbook.deep import dqn

TABLE = Path(__file__).parent / "results" / "dqn_ablation.csv"
SEEDS = range(100, 110)
WAYS = {  # name: (the trainer, what differs from the chapter's settings)
    "DQN": ("dqn", {}),
    "Double": ("double_dqn", {}),
    "dueling": ("dqn", {"head": "dueling"}),
    "prioritised": ("prioritized_dqn", {}),
    "3 steps": ("n_step_dqn", {}),
    "3 steps, ends merged": ("n_step_dqn", {"merged": True}),
    "Huber's loss": ("huber_dqn", {}),
    "no target network": ("dqn", {"tau": 1.0}),
}
NAMES = {"q_network", "balance", "final_returns", "MergedEnds", "SETTINGS"}


def measure(way, seed):
    """One line of the table."""
    chapter = of_the_chapter("10-deep-q-networks", NAMES, rng=np.random.default_rng([seed, 1]))
    trainer, changes = WAYS[way]
    checks, largest = [], []
    for network, record in chapter["balance"](getattr(dqn, trainer), np.random.default_rng(seed), **changes):
        largest.append(record.max_q)
        if record.update % 700 == 0:
            checks.append(chapter["final_returns"](network))
    return {
        "way": way,
        "seed": seed,
        "best": f"{max(checks):.1f}",
        "final": f"{chapter['final_returns'](network):.1f}",
        "max_q": f"{np.mean(largest[-100:]):.1f}",
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    experiment(__doc__, [((way,), SEEDS) for way in WAYS], measure, TABLE)
