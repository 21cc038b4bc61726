"""How far from the exact optimum each algorithm of chapters 16 to 20 ends on the toy language, with ten seeds.

    python benchmarks/gaps.py                     all of them; writes benchmarks/results/gaps.csv
    python benchmarks/gaps.py rloo remax          these only; the other lines of the table stay as they are
    python benchmarks/gaps.py --seeds 2 rloo      two of each, which are printed only

Three prompts, 341 replies to each, a GPT-2 of 0.1 million parameters that starts untrained and is its own reference, a
leash of BETA per nat. The gap is the distance of J from its exact maximum J*, both sums over all replies. A line is a run
from an untrained model of its own: the algorithm; the seed; how many replies were sampled (and, for pairs, marked); the
gap at the start and at the end; the seconds that one core was at work. Not a ranking: the algorithms see different
numbers of replies, and no step size was sought for longer than the others'. Networks follow the rounding of the
processor, so that another machine writes another table, of which the same can be said.
"""

import argparse
import copy
import csv
import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from tables import say, write
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from rlbook.language import exact, policy_gradient
from rlbook.language.family import (
    cispo_loss,
    dapo_loss,
    dr_grpo_loss,
    dynamic_sampling,
    group_policy_gradient,
    grpo_loss,
    gspo_loss,
    max_rl_loss,
)
from rlbook.language.grpo import grpo
from rlbook.language.models import tiny_gpt2, word_tokenizer
from rlbook.language.pairs import rate
from rlbook.language.preferences import dpo
from rlbook.language.rewards import TOY_LENGTH, TOY_PROMPTS, TOY_WORDS, agreement
from rlbook.language.rlhf import ppo, value_head
from rlbook.language.sampling import sample
from rlbook.surrogate import k2, k3

TABLE = Path(__file__).resolve().parent / "results" / "gaps.csv"
SEEDS = range(100, 110)
BETA = 0.1
STEPS, REPLIES = 300, 64  # updates, and replies to each prompt in one


class Toy(NamedTuple):
    """The toy language, all of whose replies are known, and an untrained model of it."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    language: exact.Language
    rewards: torch.Tensor  # (P, N)
    reference_logp: torch.Tensor  # (P, N) of the model as it starts
    best: float  # J*

    @torch.no_grad()
    def gap(self):
        """J* less the J of the model as it is now."""
        logp = exact.language_logprobs(self.model, self.language).double()
        return self.best - float(exact.objective(logp, self.rewards, self.reference_logp, BETA))


def toy(rng):
    tokenizer = word_tokenizer(TOY_WORDS, ".")
    language = exact.enumerate_language(tokenizer, TOY_PROMPTS, TOY_LENGTH)
    rewards = exact.language_rewards(agreement, language)
    model = tiny_gpt2(tokenizer, rng=rng)
    with torch.no_grad():
        reference_logp = exact.language_logprobs(model, language).double()
    _, best = exact.optimal_policy(reference_logp, rewards, BETA)
    return Toy(model, tokenizer, language, rewards, reference_logp, float(best))


def falling(optimizer, steps):
    """A step size that falls to 0 on a straight line, as the noise of sampling asks for."""
    return torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, steps)


# An algorithm is a function of the toy and a generator that trains its model and returns the number of replies it saw.


def lifted(prompts, completions):
    """The agreement, 2 higher: the best policy is the same, and no leash makes a reward negative."""
    return [2 + r for r in agreement(prompts, completions)]


def by_samples(learn, toy, rng, *, reward=agreement, **settings):
    """A trainer of language models, with the leash in its reward unless the settings say otherwise."""
    optimizer = torch.optim.Adam(toy.model.parameters(), lr=2e-3)
    schedule = falling(optimizer, STEPS)
    settings = dict(steps=STEPS, max_new_tokens=TOY_LENGTH, group_size=REPLIES, beta=BETA) | settings
    settings |= dict(prompts_per_step=len(TOY_PROMPTS), rng=rng)
    sampled = 0
    for record in learn(toy.model, toy.tokenizer, list(TOY_PROMPTS), reward, optimizer, **settings):
        schedule.step()
        sampled += len(record.completions)
    return sampled


def by_ppo(toy, rng, **settings):
    """PPO with a value head: a third of the steps, three passes over the replies of each."""
    value, steps = value_head(toy.model), STEPS // 3
    optimizer = torch.optim.Adam([*toy.model.parameters(), *value.parameters()], lr=2e-3)
    schedule = falling(optimizer, steps)
    settings = dict(steps=steps, max_new_tokens=TOY_LENGTH, group_size=REPLIES, beta=BETA, epochs=3) | settings
    settings |= dict(prompts_per_step=len(TOY_PROMPTS), rng=rng, value=value)
    sampled = 0
    for record in ppo(toy.model, toy.tokenizer, list(TOY_PROMPTS), agreement, optimizer, **settings):
        schedule.step()
        sampled += len(record.completions)
    return sampled


JUDGE = 5  # the judge's reward is this times the agreement, and so the weight of her leash


def judged(toy, count, rng):
    """Up to `count` pairs of the model's own replies to each prompt, those that differ, decided by the judge."""
    settings = dict(max_new_tokens=TOY_LENGTH, group_size=2 * count, rng=rng)
    replies = sample(toy.model, toy.tokenizer, TOY_PROMPTS, **settings).completions
    pairs = [pair for pair in zip(np.repeat(TOY_PROMPTS, count), replies[::2], replies[1::2]) if pair[1] != pair[2]]
    prompts, first, second = map(list, zip(*pairs))
    return rate(
        prompts, first, second, JUDGE * (np.array(agreement(prompts, first)) - agreement(prompts, second)), rng=rng
    )


def by_pairs(toy, rng, *, online):
    """DPO on pairs of replies: all drawn from the untrained model beforehand, or in each step from the model as it is."""
    reference, count = copy.deepcopy(toy.model), REPLIES // 2
    optimizer = torch.optim.Adam(toy.model.parameters(), lr=2e-3)
    schedule = falling(optimizer, STEPS)
    settings = dict(max_new_tokens=TOY_LENGTH, beta=JUDGE * BETA, reference=reference, rng=rng)
    if online:
        for _ in range(STEPS):
            pairs = judged(toy, count, rng)
            list(
                dpo(toy.model, toy.tokenizer, pairs, optimizer, steps=1, pairs_per_step=len(pairs.prompts), **settings)
            )
            schedule.step()
    else:
        settings |= dict(steps=STEPS, pairs_per_step=count * len(TOY_PROMPTS))
        for _ in dpo(toy.model, toy.tokenizer, judged(toy, STEPS * count, rng), optimizer, **settings):
            schedule.step()
    return STEPS * 2 * count * len(TOY_PROMPTS)


# The losses with ratios learn twice from each batch: when they learn once, all ratios are 1.
FAMILY = {
    "grpo_of_the_paper": dict(loss=grpo_loss, epochs=2),
    "dr_grpo": dict(loss=partial(dr_grpo_loss, most_tokens=TOY_LENGTH), epochs=2),
    "dapo": dict(loss=dynamic_sampling(dapo_loss), epochs=2),
    "gspo": dict(loss=gspo_loss, epochs=2),
    "cispo": dict(loss=cispo_loss, epochs=2),
    "max_rl": dict(loss=max_rl_loss, reward=lifted),
}
ALGORITHMS = {
    "reinforce": partial(by_samples, policy_gradient.reinforce),
    "rloo": partial(by_samples, policy_gradient.rloo),
    "remax": partial(by_samples, policy_gradient.remax),
    "grpo_without_std": partial(by_samples, grpo, divide_by_std=False),
    "grpo": partial(by_samples, grpo),
    "grpo_k3_in_loss": partial(by_samples, grpo, divide_by_std=False, kl="loss"),
    **{name: partial(by_samples, group_policy_gradient, **settings) for name, settings in FAMILY.items()},
    "ppo": by_ppo,
    "ppo_k2_in_loss": partial(by_ppo, kl="loss", estimator=k2, whiten=False),
    "ppo_k3_in_loss": partial(by_ppo, kl="loss", estimator=k3, whiten=False),
    "dpo": partial(by_pairs, online=False),
    "dpo_online": partial(by_pairs, online=True),
}


def measure(algorithm, seed):
    """One line of the table."""
    rng = np.random.default_rng(seed)
    world = toy(rng)
    start = world.gap()
    began = time.process_time()
    sampled = ALGORITHMS[algorithm](world, rng)
    seconds = time.process_time() - began
    return {
        "algorithm": algorithm,
        "seed": seed,
        "samples": sampled,
        "gap_at_start": f"{start:.3f}",
        "gap": f"{world.gap():.4f}",
        "seconds": f"{seconds:.1f}",
    }


def stored():
    """The lines of the table, as it stands."""
    with TABLE.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def summary():
    """The lines of README's table."""
    lines = ["| algorithm | replies | gap at the start | gap at the end: mean | smallest | largest | seconds |"]
    lines.append("| --- | --- | --- | --- | --- | --- | --- |")
    runs = {}
    for line in stored():
        runs.setdefault(line["algorithm"], []).append(line)
    for algorithm, its in runs.items():
        starts, gaps, seconds = ([float(line[name]) for line in its] for name in ("gap_at_start", "gap", "seconds"))
        numbers = f"{np.mean(starts):.3f} | {np.mean(gaps):.4f} | {min(gaps):.4f} | {max(gaps):.4f}"
        lines.append(f"| `{algorithm}` | {int(its[0]['samples']):,} | {numbers} | {np.mean(seconds):.0f} |")
    return lines


if __name__ == "__main__":
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "algorithms", nargs="*", metavar="algorithm", help=f"of {', '.join(ALGORITHMS)}; by default all"
    )
    parser.add_argument("--seeds", type=int, help="of each, at most so many; they are printed only")
    options = parser.parse_args()
    lines = []
    for algorithm in options.algorithms or ALGORITHMS:
        for seed in SEEDS[: options.seeds]:
            lines.append(measure(algorithm, seed))
            say(lines[-1])
    if options.seeds is None:
        measured = {line["algorithm"] for line in lines}
        lines += [line for line in (stored() if TABLE.exists() else []) if line["algorithm"] not in measured]
        write(TABLE, sorted(lines, key=lambda line: list(ALGORITHMS).index(line["algorithm"])))
        print(*summary(), sep="\n")
