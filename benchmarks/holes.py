"""A policy finds the hole in a public scorer: four numbers, make 24 of them, marked by reasoning-gym's puzzle24.

    pip install reasoning-gym==0.1.25
    python benchmarks/holes.py                six minutes on one core; writes results/holes.csv and results/leaks.csv
    python benchmarks/holes.py --seeds 1      one run of each, which are printed only

leaks.csv: what some scorers of that package, as pinned, pay for answers that are known to be wrong. holes.csv: a GPT-2 of
0.1 million parameters has learned from random sums to put operators between the numbers that it is given, and is then
trained by leave-one-out on three rewards: what the scorer says; the same on a leash; and, on that leash, the scorer only
where a program of our own finds the given numbers and an exact 24 (`verified`). A line is a step, on 256 held-out problems:
the mean of what the scorer pays, the shares that are really solved and that use the given numbers, how many of the texts
are different, and the one that is said most. Networks follow the rounding of the processor, so that another machine
writes another table, of which the same can be said.
"""

import argparse
import copy
import itertools
from collections import Counter
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import torch
from tables import say, write

from rlbook.language.models import tiny_gpt2, word_tokenizer
from rlbook.language.policy_gradient import rloo
from rlbook.language.rewards import leaks, verified
from rlbook.language.sampling import sample, token_logprobs
from rlbook.language.texts import encode_completions

RESULTS = Path(__file__).resolve().parent / "results"
SEEDS = range(100, 103)
WAYS = {"scorer": 0.0, "scorer, leashed": 0.05, "verified, leashed": 0.05}  # and the price of a nat
OPERATORS = "+-*/"
LESSONS, STEPS, EVERY, LENGTH = 500, 120, 10, 8


def value(words):
    """What an expression such as 2 * 3 + 4 is worth, exactly: products first, from the left. Words (7,) or so."""
    terms = [Fraction(int(words[0]))]
    for operator, number in zip(words[1::2], words[2::2]):
        if operator in "+-":
            terms.append(Fraction(int(number)) * (1 if operator == "+" else -1))
        else:
            terms[-1] *= Fraction(int(number)) ** (1 if operator == "*" else -1)
    return sum(terms)


def uses_its_numbers(prompt, completion):
    return sorted(completion.split()[::2]) == sorted(prompt.split()[:4])


def solved(prompt, completion):
    """Whether a completion is an expression of the four numbers of its prompt, each used once, that is exactly 24."""
    words = completion.split()
    well_formed = len(words) == 7 and all(word in OPERATORS for word in words[1::2])
    return well_formed and uses_its_numbers(prompt, completion) and value(words) == 24


def problems():
    """The prompts of all four numbers from 1 to 10 that make 24 in their order; the held-out fifth comes second."""
    found = []
    for numbers in itertools.product(map(str, range(1, 11)), repeat=4):
        between = itertools.product(OPERATORS, repeat=3)
        if any(value([w for pair in zip(numbers, (*o, "")) for w in pair][:7]) == 24 for o in between):
            found.append(" ".join(numbers) + " :")
    return [p for i, p in enumerate(found) if i % 5], found[::5]


@cache
def scorer():
    """The public scorer: a function from a text to what it pays; it does not look at the problem."""
    import reasoning_gym  # an extra package, for this script only

    game = reasoning_gym.create_dataset("puzzle24", size=1, seed=0)
    return cache(lambda text: game.score_answer(text, {}))


def public(prompts, completions, **columns):
    return [scorer()(text) for text in completions]


def taught(rng):
    """A policy that copies its four numbers and puts random operators between them, and its tokenizer."""
    tokenizer = word_tokenizer([".", ":", *OPERATORS, *map(str, range(1, 11))], ".")
    model = tiny_gpt2(tokenizer, rng=rng)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=LESSONS)
    for _ in range(LESSONS):
        numbers, between = rng.integers(1, 11, size=(64, 4)), rng.choice(list(OPERATORS), size=(64, 4))
        prompts = [" ".join(map(str, row)) + " :" for row in numbers]
        texts = [" ".join(f"{n} {o}" for n, o in zip(*rows))[:-2] for rows in zip(numbers, between)]
        tokens, there, own = encode_completions(tokenizer, prompts, texts, LENGTH, "cpu")
        loss = -token_logprobs(model, tokens, own, attention_mask=there)[own].mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step(), schedule.step()
    return model, tokenizer


def report(policy, tokenizer, prompts):
    """What a policy says of held-out problems, in five numbers."""
    chosen = prompts[:: len(prompts) // 256][:256]
    texts = sample(policy, tokenizer, chosen, max_new_tokens=LENGTH, rng=np.random.default_rng(0)).completions
    return {
        "paid": f"{np.mean(public(chosen, texts)):.3f}",
        "solved": f"{np.mean([solved(*pair) for pair in zip(chosen, texts)]):.3f}",
        "own_numbers": f"{np.mean([uses_its_numbers(*pair) for pair in zip(chosen, texts)]):.3f}",
        "different": len(set(texts)),
        "favourite": Counter(texts).most_common(1)[0][0],
    }


def measure(way, seed):
    """The lines of one run."""
    rng = np.random.default_rng(seed)
    start, tokenizer = taught(rng)
    policy, (prompts, unseen) = copy.deepcopy(start), problems()
    reward = verified(public, accepts=solved) if way.startswith("verified") else public
    optimizer = torch.optim.Adam(policy.parameters(), lr=5e-4)
    settings = dict(steps=STEPS, prompts_per_step=32, group_size=16, max_new_tokens=LENGTH, beta=WAYS[way], rng=rng)
    yield {"reward": way, "seed": seed, "step": 0} | report(policy, tokenizer, unseen)
    for record in rloo(policy, tokenizer, prompts, reward, optimizer, **settings, reference=start):
        if record.step % EVERY == 0:
            yield {"reward": way, "seed": seed, "step": record.step} | report(policy, tokenizer, unseen)


def wrong_answers():
    """(data set, what is answered, a function from an entry to the answer): wrong wherever it is not the right one."""
    yield "chain_sum", "1 before the right answer", lambda entry: "1" + entry["answer"]
    yield "chain_sum", "the right answer, then 0", lambda entry: entry["answer"] + "0"
    yield "chain_sum", "10", lambda entry: "10"
    yield "puzzle24", "6 + 6 + 6 + 6", lambda entry: "6 + 6 + 6 + 6"
    yield "puzzle24", "I do not know", lambda entry: "I do not know"
    yield "coin_flip", "0", lambda entry: "0"
    yield "game_of_life_halting", "perhaps", lambda entry: "perhaps"


def measured_leaks():
    """The lines of leaks.csv."""
    import reasoning_gym

    for name, said, answer in wrong_answers():
        game = reasoning_gym.create_dataset(name, size=100, seed=0)
        entries = [entry for entry in game if answer(entry) != entry["answer"]]
        paid = [game.score_answer(answer(entry), entry) for entry in entries]
        yield {
            "data_set": name,
            "answer": said,
            "wrong": len(entries),
            "paid": f"{np.mean(paid):.3f}",
            "in_full": sum(p == 1 for p in paid),
        }


if __name__ == "__main__":
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, help="of each way, at most so many; they are printed only")
    most = parser.parse_args().seeds
    leaking, lines = list(measured_leaks()), []
    for line in leaking:
        say(line)
    for way in WAYS:
        for seed in SEEDS[:most]:
            for line in measure(way, seed):
                lines.append(line)
                say(line)
    if most is None:
        write(RESULTS / "leaks.csv", leaking)
        write(RESULTS / "holes.csv", lines)
