"""What a reward model learns from so many pairs of the toy language of chapter 17, with flipped choices and without.

    python benchmarks/preferences.py              five minutes on one core; writes benchmarks/results/preferences.csv
    python benchmarks/preferences.py --seeds 2    two of each, which are printed only

A rater to whom a reply to "good ." is worth six times its agreement chooses by Bradley and Terry's model among random
pairs of the 85 replies that come to their full stop; a share `flipped` of her choices is written down the wrong way
round. A line of the table is a GPT-2 with a reward head, untrained before: the share of her honest choices with which it
agrees, over all pairs, the correlation of its rewards with the true ones, and how steep they are in these (1: as steep).
Networks follow the rounding of the processor, so that another machine writes another table, of which the same can be said.
"""

from pathlib import Path

import numpy as np
import torch
from tables import experiment

from rlbook.language import exact
from rlbook.language.models import tiny_gpt2, word_tokenizer
from rlbook.language.pairs import rate
from rlbook.language.reward_model import fit_reward_model, reward_function, with_reward_head
from rlbook.language.rewards import TOY_LENGTH, TOY_WORDS, agreement

TABLE = Path(__file__).parent / "results" / "preferences.csv"
PROMPT, WORTH, STEPS, BATCH = "good .", 6, 250, 2000  # WORTH nats for an agreement of 1
SEEDS = range(100, 110)
WAYS = [(pairs, flipped) for flipped in (0.0, 0.1) for pairs in (500, 2000, 20_000)]


def measure(num_pairs, flipped, seed):
    """One line of the table."""
    rng = np.random.default_rng(seed)
    tokenizer = word_tokenizer(TOY_WORDS, ".")
    completions = exact.enumerate_language(tokenizer, [PROMPT], TOY_LENGTH).completions
    replies = np.array([reply for reply in completions if len(reply.split()) < TOY_LENGTH])
    count = len(replies)
    worth = WORTH * np.array(agreement([PROMPT] * count, replies))
    first = rng.integers(count, size=num_pairs)
    second = (first + rng.integers(1, count, size=num_pairs)) % count
    gaps = worth[first] - worth[second]
    pairs = rate([PROMPT] * num_pairs, replies[first], replies[second], gaps, rng=rng, flipped=flipped)

    model = with_reward_head(tiny_gpt2(tokenizer, rng=rng))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=STEPS + 1, pct_start=0.1)
    settings = dict(steps=STEPS, batch_size=min(BATCH, num_pairs), rng=rng)
    for _ in fit_reward_model(model, tokenizer, pairs, optimizer, **settings):
        schedule.step()
    rewards = np.array(reward_function(model, tokenizer)([PROMPT] * count, replies))

    true, learned = worth - worth.mean(), rewards - rewards.mean()
    chance = 0.5 * (1 + np.tanh((worth[:, None] - worth) / 2))
    right = np.where(rewards[:, None] > rewards, chance, 1 - chance)[~np.eye(count, dtype=bool)]
    return {
        "pairs": num_pairs,
        "flipped": flipped,
        "seed": seed,
        "accuracy": f"{right.mean():.4f}",
        "correlation": f"{np.corrcoef(true, learned)[0, 1]:.4f}",
        "slope": f"{true @ learned / (true @ true):.3f}",
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    experiment(__doc__, [(way, SEEDS) for way in WAYS], measure, TABLE)
