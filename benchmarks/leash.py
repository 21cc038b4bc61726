"""Writers on the leash, ready and steady or not: five ways to train them, with many seeds.

    python benchmarks/leash.py              twenty minutes on one core; writes benchmarks/results/leash.csv
    python benchmarks/leash.py --seeds 2    two of each, which are printed only

The first way is the hasty one, with a hundred writers. The next three, fifty each, add a precaution each: a baseline, four
times as many replies in an update, steps of half the length. The last, twenty, has all three and lets the leash out at
once and fast. A writer is trained by `on_the_leash` of chapter 15, whose cells are read and not copied. A line of the
table is a writer: what it was trained with (the leash is let out from one update to another); its likeliest reply and its
mean reward after a hundred updates and at the end; and the highest mean reward on the way, looked at after every tenth.
All of these are exact, sums over all replies. Networks follow the rounding of the processor, so that another machine
writes another table, of which the same can be said.
"""

from pathlib import Path

import numpy as np
import torch
from chapter import of_the_chapter
from tables import experiment

TABLE = Path(__file__).resolve().parent / "results" / "leash.csv"
NAMES = {"remarks", "tokenizer", "language", "rewards", "judge", "Writer", "Leash", "on_the_leash"}
WAYS = {  # replies, baseline, lr, out_from, out_to: writers
    (64, False, 2e-3, 100, 180): 100,
    (64, True, 2e-3, 100, 180): 50,
    (256, True, 2e-3, 100, 180): 50,
    (256, True, 1e-3, 100, 180): 50,
    (256, True, 1e-3, 0, 40): 20,
}


def measure(replies, baseline, lr, out_from, out_to, seed):
    """One line of the table."""
    chapter = of_the_chapter("15-language-as-an-mdp", NAMES, rng=np.random.default_rng(15))
    settings = dict(replies=replies, baseline=baseline, lr=lr, let_out=(out_from, out_to))
    writer = chapter["on_the_leash"](np.random.default_rng(seed), **settings)
    looks = {update: chapter["judge"](model) for update, model in writer if update % 10 == 0}
    return {
        "replies": replies,
        "baseline": "yes" if baseline else "no",
        "lr": lr,
        "out_from": out_from,
        "out_to": out_to,
        "seed": seed,
        "reply_at_100": looks[100][1],
        "value_at_100": f"{looks[100][0]:.3f}",
        "highest": f"{max(value for value, _, _ in looks.values()):.3f}",
        "reply": looks[200][1],
        "value": f"{looks[200][0]:.3f}",
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    experiment(__doc__, [(way, range(100, 100 + writers)) for way, writers in WAYS.items()], measure, TABLE)
