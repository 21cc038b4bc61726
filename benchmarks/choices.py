"""What GRPO leaves to choose, measured on the toy language of chapter 20: one choice at a time, with many seeds.

    python benchmarks/choices.py              six minutes on one core; writes benchmarks/results/choices.csv
    python benchmarks/choices.py --seeds 2    two of each, which are printed only

Every way sees the same number of sampled replies: 384 in each of 120 steps, 128 to each of three prompts. `baseline` is
the group's mean or, where it is "none", nothing, so that the leashed reward itself is the advantage; `added` is added to
every reward, which changes no policy's rank. `epochs` steps are made on the same samples, with `clip` or, where it is
"none", without. A line of the table is a run from an untrained model of its own: the distance of J from its exact
maximum at the start, after half of the steps and at the end; the share of tokens that were clipped; and the share of
groups whose rewards were all equal. Networks follow the rounding of the processor, so that another machine writes
another table, of which the same can be said.
"""

import copy
from pathlib import Path

import numpy as np
import torch
from tables import experiment

from rlbook.language import exact
from rlbook.language.grpo import grpo, update
from rlbook.language.models import tiny_gpt2, word_tokenizer
from rlbook.language.rewards import TOY_LENGTH, TOY_PROMPTS, TOY_WORDS, agreement
from rlbook.language.sampling import sample
from rlbook.language.trainers import score

TABLE = Path(__file__).parent / "results" / "choices.csv"
STEPS, REPLIES, BETA = 120, 128, 0.1  # REPLIES to each prompt in a step
NEVER = 1e9  # a clip that no ratio reaches
SEEDS = range(100, 110)
WAYS = [  # baseline, added, group_size, epochs, clip
    ("mean", 0, 64, 1, 0.2),
    ("mean", 0, 8, 1, 0.2),
    ("mean", 0, 2, 1, 0.2),
    ("none", 0, 64, 1, 0.2),
    ("none", 1, 64, 1, 0.2),
    ("mean", 0, 64, 4, 0.2),
    ("mean", 0, 64, 4, NEVER),
]


def without_baseline(policy, tokenizer, optimizer, rng, *, added):
    """`grpo` with the leashed reward itself as the advantage; yields, after each step, what was clipped and silent."""
    reference = copy.deepcopy(policy)
    asked = np.repeat(TOY_PROMPTS, REPLIES).tolist()
    for _ in range(STEPS):
        samples = sample(policy, tokenizer, TOY_PROMPTS, max_new_tokens=TOY_LENGTH, group_size=REPLIES, rng=rng)
        samples = samples._replace(logprobs=score(policy, samples))
        log_ratio = (samples.logprobs - score(reference, samples)).sum(1).double().numpy()
        leashed = np.array(agreement(asked, samples.completions)) + added - BETA * log_ratio
        _, clipped, *_ = update(policy, optimizer, samples, leashed)
        yield clipped, 0.0


def with_groups(policy, tokenizer, optimizer, rng, *, group_size, epochs, clip):
    """`grpo` as it is, without the division by the std; yields, after each step, what was clipped and silent."""
    prompts = list(TOY_PROMPTS) * (REPLIES // group_size)
    settings = dict(prompts_per_step=len(prompts), group_size=group_size, max_new_tokens=TOY_LENGTH)
    settings |= dict(beta=BETA, divide_by_std=False, epochs=epochs, clip=clip)
    for record in grpo(policy, tokenizer, prompts, agreement, optimizer, steps=STEPS, rng=rng, **settings):
        yield record.clip_fraction, record.zero_std


def measure(baseline, added, group_size, epochs, clip, seed):
    """One line of the table."""
    rng = np.random.default_rng(seed)
    tokenizer = word_tokenizer(TOY_WORDS, ".")
    language = exact.enumerate_language(tokenizer, TOY_PROMPTS, TOY_LENGTH)
    rewards = exact.language_rewards(agreement, language)
    policy = tiny_gpt2(tokenizer, layers=1, width=32, rng=rng)

    @torch.no_grad()
    def logprobs():
        return exact.language_logprobs(policy, language).double()

    start = logprobs()
    _, best = exact.optimal_policy(start, rewards, BETA)
    optimizer = torch.optim.Adam(policy.parameters(), lr=4e-3)
    if baseline == "none":
        steps = without_baseline(policy, tokenizer, optimizer, rng, added=added)
    else:
        steps = with_groups(policy, tokenizer, optimizer, rng, group_size=group_size, epochs=epochs, clip=clip)
    gaps, seen = [float(best - exact.objective(start, rewards, start, BETA))], []
    for step, record in enumerate(steps, start=1):
        seen.append(record)
        if step in (STEPS // 2, STEPS):
            gaps.append(float(best - exact.objective(logprobs(), rewards, start, BETA)))
    clipped, silent = np.mean(seen, axis=0)
    return {
        "baseline": baseline,
        "added": added,
        "group_size": group_size,
        "epochs": epochs,
        "clip": "none" if clip == NEVER else clip,
        "seed": seed,
        "gap_at_start": f"{gaps[0]:.3f}",
        "gap_half_way": f"{gaps[1]:.3f}",
        "gap": f"{gaps[2]:.4f}",
        "clipped": f"{clipped:.4f}",
        "silent": f"{silent:.3f}",
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    experiment(__doc__, [(way, SEEDS) for way in WAYS], measure, TABLE)
