"""A policy finds the hole in a public scorer: four numbers, make 24 of them, marked by reasoning-gym's puzzle24.

    pip install reasoning-gym==0.1.25
    python benchmarks/holes.py                six minutes on one core; writes results/holes.csv and results/leaks.csv
    python benchmarks/holes.py --seeds 1      one run of each, which are printed only

leaks.csv: what some scorers of that package, as pinned, pay for answers that are known to be wrong. holes.csv: a GPT-2 of
0.1 million parameters has learned to copy its four numbers, one in ten wrongly, with random operators between them, and
is then trained by leave-one-out on three rewards: what the scorer says; the same on a leash; and, on that leash, the
scorer only where a program of our own finds the given numbers and an exact 24 (`verified`). A line is a step, on 256
held-out problems: the mean of what the scorer pays, the shares that are really solved and that use the given numbers, how
many of the texts are different, and the one that is said most. Networks follow the rounding of the processor, so that
another machine writes another table, of which the same can be said.
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
WAYS = {"scorer": 0.0, "scorer on a leash": 0.01, "verified on a leash": 0.01}  # and the price of a nat
OPERATORS = "+-*/"
LESSONS, STEPS, EVERY, LENGTH = 500, 120, 10, 8
MISCOPIED = 0.1  # the share of numbers that it is taught to get wrong


def value(words):
    """What an expression such as 2 * 3 + 4 is worth, exactly: products first, from the left. Words (7,) or so."""
    terms = [Fraction(int(words[0]))]
    for operator, number in zip(words[1::2], words[2::2]):
        if operator in "+-":
            terms.append(Fraction(int(number)) * (1 if operator == "+" else -1))
        else:
            terms[-1] *= Fraction(int(number)) ** (1 if operator == "*" else -1)
    return sum(terms)


def uses_its_numbers(completion, numbers):
    return sorted(completion.split()[::2]) == sorted(numbers.split())


def solved(completion, numbers):
    """Whether a completion is an expression of these four numbers, each used once, that is exactly 24."""
    words = completion.split()
    well_formed = len(words) == 7 and all(word in OPERATORS for word in words[1::2])
    return well_formed and uses_its_numbers(completion, numbers) and value(words) == 24


@cache
def problems():
    """All four numbers from 1 to 10, as texts, in two parts, the second one of which is held out."""
    found = [" ".join(numbers) for numbers in itertools.product(map(str, range(1, 11)), repeat=4)]
    mixed = [found[i] for i in np.random.default_rng(0).permutation(len(found))]
    return mixed[256:], mixed[:256]


def expression(numbers, operators):
    return " ".join([f"{number} {operator}" for number, operator in zip(numbers, operators)] + [str(numbers[-1])])


def asked(numbers):
    """The prompts of some problems."""
    return [f"{four} :" for four in numbers]


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
        numbers, other = rng.integers(1, 11, size=(2, 64, 4))
        copied = np.where(rng.random((64, 4)) < MISCOPIED, other, numbers)
        texts = list(map(expression, copied, rng.choice(list(OPERATORS), size=(64, 3))))
        prompts = asked(" ".join(map(str, four)) for four in numbers)
        tokens, there, own = encode_completions(tokenizer, prompts, texts, LENGTH, "cpu")
        loss = -token_logprobs(model, tokens, own, attention_mask=there)[own].mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step(), schedule.step()
    return model, tokenizer


def report(policy, tokenizer):
    """What a policy says of held-out problems: {name: number or text}."""
    numbers = problems()[1]
    settings = dict(max_new_tokens=LENGTH, rng=np.random.default_rng(0))
    texts = sample(policy, tokenizer, asked(numbers), **settings).completions
    return {
        "paid": f"{np.mean(public(asked(numbers), texts)):.3f}",
        "solved": f"{np.mean(list(map(solved, texts, numbers))):.3f}",
        "own_numbers": f"{np.mean(list(map(uses_its_numbers, texts, numbers))):.3f}",
        "different": len(set(texts)),
        "favourite": Counter(texts).most_common(1)[0][0],
    }


def measure(way, seed):
    """The lines of one run."""
    rng = np.random.default_rng(seed)
    start, tokenizer = taught(rng)
    policy, numbers = copy.deepcopy(start), problems()[0]
    reward = public
    if way.startswith("verified"):
        reward = verified(lambda completion, numbers: scorer()(completion), solved)
    optimizer = torch.optim.Adam(policy.parameters(), lr=1e-3)
    settings = dict(steps=STEPS, prompts_per_step=32, group_size=16, max_new_tokens=LENGTH, beta=WAYS[way], rng=rng)
    settings |= dict(columns={"numbers": numbers}, reference=start)
    yield {"reward": way, "seed": seed, "step": 0} | report(policy, tokenizer)
    for record in rloo(policy, tokenizer, asked(numbers), reward, optimizer, **settings):
        if record.step % EVERY == 0:
            yield {"reward": way, "seed": seed, "step": record.step} | report(policy, tokenizer)


WRONG = {  # data set: {what is answered, wrong wherever it is not the right answer: a function from the entry to it}
    "chain_sum": {
        "1 before the right answer": lambda entry: "1" + entry["answer"],
        "the right answer and a 0": lambda entry: entry["answer"] + "0",
        "10": lambda entry: "10",
    },
    "puzzle24": {"6 + 6 + 6 + 6": lambda entry: "6 + 6 + 6 + 6", "no idea": lambda entry: "no idea"},
    "coin_flip": {"0": lambda entry: "0"},
    "game_of_life_halting": {"no idea": lambda entry: "no idea"},
}


def measured_leaks():
    """The lines of leaks.csv."""
    import reasoning_gym

    for name, answers in WRONG.items():
        game = reasoning_gym.create_dataset(name, size=100, seed=0)
        entries = list(game)
        prompts, columns = [entry["question"] for entry in entries], {"entry": entries}
        wrong = {said: _unless_right(answer) for said, answer in answers.items()}
        paid = leaks(verified(game.score_answer, partial=True), prompts, wrong, columns)
        in_full = leaks(verified(game.score_answer), prompts, wrong, columns)
        for said in answers:
            yield {"data_set": name, "answer": said, "paid": f"{paid[said]:.3f}", "in_full": f"{in_full[said]:.2f}"}


def _unless_right(answer):
    """The wrong answer to each prompt; None where it is the right one."""
    return lambda prompt, entry: None if answer(entry) == entry["answer"] else answer(entry)


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
