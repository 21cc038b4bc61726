"""GRPO on the model "arithmetic", rewarded for right answers: five seeds, before and after, on sums never trained on.

    python benchmarks/arithmetic.py          (4 minutes on one core; writes benchmarks/results/arithmetic.csv)

A line of the table is a seed. sampled_..., numbers_... and greedy_... count the held-out sums, out of `sums`, whose
sampled answer was right, was a number at all, and whose likeliest answer was right; one answer is drawn for each sum.
greedy_lost and greedy_won count the sums whose likeliest answer was right only before, and only after. seconds is the
time of the training, cpu_seconds what the processor spent on it: less, if the machine did other things as well.

The settings were chosen on seeds 0 to 2. Exits with 1 if a seed gains fewer than 20 points sampled, takes 3 minutes of
the processor or more, or loses greedy accuracy.
"""

import sys
import time
from pathlib import Path

import numpy as np
import torch
from tables import say, write

from rlbook.language.arithmetic import sums
from rlbook.language.grpo import grpo
from rlbook.language.models import load
from rlbook.language.rewards import exact_match, is_number
from rlbook.language.sampling import greedy, sample

SEEDS = range(100, 105)
TABLE = Path(__file__).parent / "results" / "arithmetic.csv"


def answer(model, tokenizer, rng):
    """Which held-out sums are right when sampled, are a number when sampled, are right when greedy: three arrays."""
    prompts, answers = sums(held_out=True)
    sampled = sample(model, tokenizer, prompts, max_new_tokens=5, rng=rng).completions
    likeliest = greedy(model, tokenizer, prompts, max_new_tokens=5).completions
    right, numbers = exact_match(prompts, sampled, answers), is_number(prompts, sampled)
    return np.array([right, numbers, exact_match(prompts, likeliest, answers)], dtype=bool)


def train(seed, device="cpu", steps=50):
    """One run: a line of the table."""
    rng = np.random.default_rng(seed)
    model, tokenizer = load("arithmetic", device=device)
    before = answer(model, tokenizer, rng)
    prompts, answers = sums(held_out=False)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5)
    run = grpo(
        model,
        tokenizer,
        prompts,
        exact_match,
        optimizer,
        steps=steps,
        prompts_per_step=64,
        group_size=16,
        max_new_tokens=5,
        columns={"answer": answers},
        rng=rng,
    )
    started, cpu_started = time.perf_counter(), time.process_time()
    for _ in run:
        pass
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
    after = answer(model, tokenizer, rng)
    line = {"seed": seed, "sums": before.shape[1]}
    for name, was, became in zip(["sampled", "numbers", "greedy"], before, after):
        line |= {f"{name}_before": was.sum(), f"{name}_after": became.sum()}
    line |= {"greedy_lost": (before[2] & ~after[2]).sum(), "greedy_won": (~before[2] & after[2]).sum()}
    return line | {"seconds": round(seconds), "cpu_seconds": round(cpu_seconds)}


def main():
    torch.set_num_threads(1)
    lines = []
    for seed in SEEDS:
        lines.append(train(seed))
        say(lines[-1])
    write(TABLE, lines)
    kept = all(
        line["sampled_after"] - line["sampled_before"] >= 0.2 * line["sums"]
        and line["greedy_after"] >= line["greedy_before"]
        and line["cpu_seconds"] < 180
        for line in lines
    )
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
