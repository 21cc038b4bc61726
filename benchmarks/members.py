"""Four members of the family of GRPO on the model "arithmetic": five seeds each, before and after, pass@k beside accuracy.

    python benchmarks/members.py          (4 minutes on one core; writes benchmarks/results/members.csv)

All see the same: 30 steps of 64 sums, 8 answers to each, a reward of 1 for a right answer, no leash. A line of the table
is a run. Of the held-out `sums`, in per cent: pass_1, pass_4 and pass_16, by `statistics.pass_at_k` from 32 sampled
answers to each; greedy, the share of right likeliest answers; never, the share of sums that none of the 32 got right.
entropy is that of a token of these answers, in nats; silent the share of groups in training whose rewards were all equal.
The lines of "before" are the untrained model's, with the dice of each seed. seconds is processor time.
"""

import time
from pathlib import Path

import numpy as np
import torch
from tables import say, write

from rlbook.language.arithmetic import sums
from rlbook.language.family import (
    dapo_loss,
    dynamic_sampling,
    group_policy_gradient,
    grpo_loss,
    max_rl_loss,
    reinforce_loss,
)
from rlbook.language.models import load
from rlbook.language.rewards import exact_match
from rlbook.language.sampling import greedy, sample
from rlbook.statistics import pass_at_k

SEEDS = range(200, 205)
TABLE = Path(__file__).parent / "results" / "members.csv"
MEMBERS = {
    "before": None,
    "reinforce": reinforce_loss,
    "grpo": grpo_loss,
    "dapo": dynamic_sampling(dapo_loss),
    "max_rl": max_rl_loss,
}
SAMPLES, SUMS, STEPS = 32, 500, 30


def report(model, tokenizer, rng):
    """What the model makes of 500 of the held-out sums."""
    prompts, answers = (every[:: len(every) // SUMS][:SUMS] for every in sums(held_out=True))
    drawn = sample(model, tokenizer, prompts, max_new_tokens=5, group_size=SAMPLES, rng=rng)
    marks = exact_match(np.repeat(prompts, SAMPLES), drawn.completions, np.repeat(answers, SAMPLES))
    right = np.reshape(marks, (SUMS, SAMPLES)).sum(1).astype(int)
    likeliest = greedy(model, tokenizer, prompts, max_new_tokens=5).completions
    numbers = {f"pass_{k}": pass_at_k(SAMPLES, right, k).mean() for k in (1, 4, 16)}
    numbers |= {"greedy": np.mean(exact_match(prompts, likeliest, answers)), "never": np.mean(right == 0)}
    line = {name: f"{100 * number:.2f}" for name, number in numbers.items()}
    return line | {"entropy": f"{-float(drawn.logprobs.sum() / drawn.mask.sum()):.3f}"}


def measure(member, seed, steps=STEPS):
    """One line of the table."""
    rng, silent, began = np.random.default_rng(seed), [], time.process_time()
    model, tokenizer = load("arithmetic", device="cpu")
    if MEMBERS[member] is not None:
        prompts, answers = sums(held_out=False)
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
        settings = dict(prompts_per_step=64, group_size=8, max_new_tokens=5, columns={"answer": answers}, rng=rng)
        settings |= dict(loss=MEMBERS[member], steps=steps)
        run = group_policy_gradient(model, tokenizer, prompts, exact_match, optimizer, **settings)
        silent = [record.zero_std for record in run]
    line = {"member": member, "seed": seed} | report(model, tokenizer, rng)
    return line | {
        "silent": f"{np.mean(silent):.3f}" if silent else "",
        "seconds": f"{time.process_time() - began:.1f}",
    }


def main():
    torch.set_num_threads(1)
    lines = []
    for member in MEMBERS:
        for seed in SEEDS:
            lines.append(measure(member, seed))
            say(lines[-1])
    write(TABLE, lines)


if __name__ == "__main__":
    main()
