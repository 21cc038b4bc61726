"""GRPO on the toy language of chapter 22 under a verifier that is often wrong, and with its marks freed of flips.

    python benchmarks/noisy_marks.py              four minutes on one core; writes benchmarks/results/noisy_marks.csv
    python benchmarks/noisy_marks.py --seeds 2    two of each, which are printed only

A reply is right if it agrees with what was said. The marks are "clean", "flipped" (three of ten, each time anew), or
"freed" (flipped, and put in the place of each the surrogate of Wang, Liu and Li), with the division by the group's
standard deviation and without. A line of the table is a policy that starts untrained: its gap to J* under the true marks,
by enumeration, and how often it is right. Networks follow the rounding of the processor, so that another machine writes
another table, of which the same can be said.
"""

import copy
from pathlib import Path

import numpy as np
import torch
from tables import experiment

from rlbook.language import exact
from rlbook.language.grpo import grpo
from rlbook.language.marks import flipped, freed_of_flips
from rlbook.language.models import tiny_gpt2, word_tokenizer
from rlbook.language.rewards import TOY_LENGTH, TOY_PROMPTS, TOY_WORDS, agreement

TABLE = Path(__file__).parent / "results" / "noisy_marks.csv"
RATE, BETA, STEPS, GROUP = 0.3, 0.1, 100, 64
SEEDS = range(100, 110)
WAYS = [(marks, std) for marks in ("clean", "flipped", "freed") for std in ("without", "with")]


def agrees(prompts, completions, **columns):
    """1 for each reply that agrees with what was said, otherwise 0."""
    return [float(mark > 0) for mark in agreement(prompts, completions)]


def measure(marks, std, seed):
    """One line of the table."""
    rng = np.random.default_rng(seed)
    tokenizer = word_tokenizer(TOY_WORDS, ".")
    language = exact.enumerate_language(tokenizer, TOY_PROMPTS, TOY_LENGTH)
    rewards = exact.language_rewards(agrees, language)
    start = tiny_gpt2(tokenizer, layers=1, width=32, rng=rng)
    with torch.no_grad():
        start_logp = exact.language_logprobs(start, language).double()
    _, best = exact.optimal_policy(start_logp, rewards, BETA)

    rates = dict(false_positive=RATE, false_negative=RATE)
    noisy = flipped(agrees, **rates, rng=rng)
    reward = {"clean": agrees, "flipped": noisy, "freed": freed_of_flips(noisy, **rates)}[marks]
    policy = copy.deepcopy(start)
    optimizer = torch.optim.Adam(policy.parameters(), lr=4e-3)
    sizes = dict(steps=STEPS, prompts_per_step=len(TOY_PROMPTS), group_size=GROUP, max_new_tokens=TOY_LENGTH)
    choices = dict(beta=BETA, divide_by_std=std == "with")
    for _ in grpo(policy, tokenizer, TOY_PROMPTS, reward, optimizer, rng=rng, **sizes, **choices):
        pass
    with torch.no_grad():
        logp = exact.language_logprobs(policy, language).double()
    return {
        "marks": marks,
        "std": std,
        "seed": seed,
        "gap": f"{float(best - exact.objective(logp, rewards, start_logp, BETA)):.4f}",
        "right": f"{float(exact.objective(logp, rewards)):.4f}",
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    experiment(__doc__, [(way, SEEDS) for way in WAYS], measure, TABLE)
