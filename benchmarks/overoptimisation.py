"""What becomes of the reward that is wanted while another one is pushed: best-of-n, RL and its optimum, on the toy language.

    python benchmarks/overoptimisation.py               six minutes on one core; writes results/overoptimisation.csv
    python benchmarks/overoptimisation.py words         this proxy only; the other lines of the table stay as they are
    python benchmarks/overoptimisation.py --seeds 2     two of each, which are printed only

Gold is the agreement of a reply. What is pushed is a proxy: `words` counts good words less bad ones, with the sign of the
prompt; `learned` is a reward model, fitted to 80 choices for each prompt among the untrained model's own replies, all of
which had come to their end; `ensemble` is the mean of five such models, each with choices of its own, and `cautious` the
lowest of the five; with `+ rule` a reply that was cut off gets the lowest score of those that were not; and `gold` is
gold itself. Each has mean 0 and standard deviation 1 under the untrained model, for each prompt. It is pushed by
best-of-n, by the optimum of the leashed objective, both exact, and by leave-one-out without a leash. A line is a point on
such a way: the pressure is n, 1 / beta, or the steps; the KL divergence from the untrained model in nats, the mean proxy,
what a sixth reward model says, with choices of its own, and the mean gold are sums over all replies. Networks follow the
rounding of the processor, so that another machine writes another table, of which the same can be said.
"""

import argparse
import copy
import csv
from functools import cache
from pathlib import Path

import numpy as np
import torch
from gaps import toy
from tables import say, write

from rlbook.language import exact
from rlbook.language.best_of_n import best_of_n
from rlbook.language.models import tiny_gpt2
from rlbook.language.pairs import rate
from rlbook.language.policy_gradient import rloo
from rlbook.language.reward_model import fit_reward_model, reward_function, with_reward_head
from rlbook.language.rewards import TOY_LENGTH, TOY_PROMPTS, agreement, sentiment
from rlbook.language.sampling import sample

TABLE = Path(__file__).resolve().parent / "results" / "overoptimisation.csv"
SEEDS = range(100, 110)
PROXIES = ("words", "learned", "ensemble", "cautious", "learned + rule", "ensemble + rule", "gold")
CHOICES, WORTH, MODELS = 80, 6, 5  # for each prompt and model; nats for an agreement of 1; models of an ensemble
DRAWS = [2**k for k in range(1, 11)]
TRUST = [0.2, 0.5, 1, 2, 5, 10]  # 1 / beta
STEPS, EVERY = 80, 4


def words(prompts, completions, **columns):
    """How many more good words than bad ones there are, with the sign of the prompt: blind to not, very and the end."""
    signs = [np.sign(sentiment(prompt)) for prompt in prompts]
    counts = [text.split().count("good") - text.split().count("bad") for text in completions]
    return [float(sign * count) for sign, count in zip(signs, counts)]


@cache
def world_of(seed):
    """The toy language with an untrained model of this seed."""
    return toy(np.random.default_rng(seed))


def choices(world, rng):
    """What a rater chose among finished replies of the untrained model."""
    settings = dict(max_new_tokens=TOY_LENGTH, group_size=12 * CHOICES, rng=rng)
    drawn = np.array(sample(world.model, world.tokenizer, TOY_PROMPTS, **settings).completions)
    prompts, first, second = [], [], []
    for prompt, replies in zip(TOY_PROMPTS, drawn.reshape(len(TOY_PROMPTS), -1)):
        ended = [reply for reply in replies.tolist() if len(reply.split()) < TOY_LENGTH]
        pairs = [pair for pair in zip(ended[::2], ended[1::2]) if pair[0] != pair[1]][:CHOICES]
        prompts += [prompt] * len(pairs)
        first += [pair[0] for pair in pairs]
        second += [pair[1] for pair in pairs]
    gaps = WORTH * (np.array(agreement(prompts, first)) - agreement(prompts, second))
    return rate(prompts, first, second, gaps, rng=rng)


@cache
def learned(seed, number):
    """The rewards (P, N) that a reward model of the ensemble gives to all replies, after 150 steps on its own choices."""
    world, rng = world_of(seed), np.random.default_rng([seed, number])
    pairs = choices(world, rng)
    model = with_reward_head(tiny_gpt2(world.tokenizer, layers=1, width=32, rng=rng))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    settings = dict(steps=150, batch_size=len(pairs.prompts), rng=rng)
    for _ in fit_reward_model(model, world.tokenizer, pairs, optimizer, **settings):
        pass
    return standardised(world, exact.language_rewards(reward_function(model, world.tokenizer), world.language))


def standardised(world, scores):
    """Scores (P, N) with mean 0 and standard deviation 1 for each prompt, under the untrained model."""
    chance = world.reference_logp.exp()
    centred = scores - (chance * scores).sum(1, keepdim=True)
    return centred / (chance * centred**2).sum(1, keepdim=True).sqrt()


def ended(world, scores):
    """Scores (P, N) with the lowest of a prompt's finished replies for all that were cut off."""
    cut = torch.tensor([len(reply.split()) >= TOY_LENGTH for reply in world.language.completions])
    return torch.where(cut, scores[:, ~cut].amin(1, keepdim=True), scores)


def scores_of(proxy, seed):
    """The scores (P, N) of all replies by a proxy."""
    world, (kind, _, rule) = world_of(seed), proxy.partition(" + ")
    if kind in ("words", "gold"):
        scores = world.rewards if kind == "gold" else exact.language_rewards(words, world.language)
    else:
        models = torch.stack([learned(seed, number) for number in range(1 if kind == "learned" else MODELS)])
        scores = models.amin(0) if kind == "cautious" else models.mean(0)
    return standardised(world, ended(world, scores) if rule else scores)


def climb(world, scores, rng):
    """Every few steps of leave-one-out, without a leash: their number, and the log-probabilities (P, N)."""
    policy = copy.deepcopy(world.model)
    place = {reply: i for i, reply in enumerate(world.language.completions)}
    row = {prompt: i for i, prompt in enumerate(TOY_PROMPTS)}

    def look_up(prompts, completions, **columns):
        return [float(scores[row[prompt], place[reply]]) for prompt, reply in zip(prompts, completions)]

    optimizer = torch.optim.Adam(policy.parameters(), lr=1e-3)
    settings = dict(steps=STEPS, max_new_tokens=TOY_LENGTH, group_size=64, prompts_per_step=len(TOY_PROMPTS), rng=rng)
    for record in rloo(policy, world.tokenizer, list(TOY_PROMPTS), look_up, optimizer, **settings):
        if record.step % EVERY == 0:
            with torch.no_grad():
                yield record.step, exact.language_logprobs(policy, world.language).double()


def points(world, scores, optimisers, rng):
    """(optimiser, pressure, log-probabilities) of each point on the ways of these optimisers."""
    start = world.reference_logp
    if "best of n" in optimisers:
        yield from (("best of n", n, best_of_n(start, scores, n)) for n in DRAWS)
    if "optimum" in optimisers:
        yield from (("optimum", trust, exact.optimal_policy(start, scores, 1 / trust)[0]) for trust in TRUST)
    if "rl" in optimisers:
        yield from (("rl", step, logp) for step, logp in climb(world, scores, rng))


def measure(proxy, seed, optimisers=("best of n", "optimum", "rl")):
    """The lines of the table for one proxy and one untrained model."""
    world, scores, sixth = world_of(seed), scores_of(proxy, seed), learned(seed, MODELS)
    for optimiser, pressure, logp in points(world, scores, optimisers, np.random.default_rng([seed, 100])):
        chance = logp.exp()
        yield {
            "proxy": proxy,
            "optimiser": optimiser,
            "seed": seed,
            "pressure": pressure,
            "kl": f"{float(exact.kl_divergence(logp, world.reference_logp).mean()):.3f}",
            "score": f"{float((chance * scores).sum(1).mean()):.3f}",
            "sixth": f"{float((chance * sixth).sum(1).mean()):.3f}",
            "gold": f"{float((chance * world.rewards).sum(1).mean()):.3f}",
        }


def stored():
    """The lines of the table, as it stands."""
    with TABLE.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("proxies", nargs="*", metavar="proxy", help=f"of {PROXIES}; by default all")
    parser.add_argument("--seeds", type=int, help="of each, at most so many; they are printed only")
    options = parser.parse_args()
    chosen, lines = options.proxies or PROXIES, []
    for seed in SEEDS[: options.seeds]:
        for proxy in chosen:
            lines += measure(proxy, seed)
            say(lines[-1])
    if options.seeds is None:
        lines += [line for line in (stored() if TABLE.exists() else []) if line["proxy"] not in chosen]
        write(TABLE, sorted(lines, key=lambda line: PROXIES.index(line["proxy"])))
