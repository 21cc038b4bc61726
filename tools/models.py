"""Train the models that come with the package: python tools/models.py, or make models. A few minutes on one core.

The arithmetic model learns to add, and then from answers that are often wrong, so that it is often wrong itself:
reinforcement learning then has something to do. The stories model learns to tell short stories, of which more end badly
than well, and the stories-reward model to choose between two of them as a rater does. `python tools/models.py stories`
trains one of them. Training again gives the same files, byte for byte, with the same PyTorch on the same kind of processor.
"""

import math
import re
import sys
import time
from functools import partial

import numpy as np
import torch

from rlbook.language.arithmetic import CHARACTERS, sums
from rlbook.language.models import SHIPPED, character_tokenizer, load, tiny_gpt2, word_tokenizer
from rlbook.language.pairs import rate
from rlbook.language.reward_model import fit_reward_model, load_reward_model, reward_function, with_reward_head
from rlbook.language.rewards import exact_match, is_number
from rlbook.language.sampling import greedy, sample, token_logprobs
from rlbook.language.stories import (
    BAD_ENDINGS,
    END,
    MOST_TOKENS,
    WORDS,
    cheerful,
    draw_story,
    grammatical,
    openings,
    positive,
    question,
    read_story,
)

WRONG = 0.40  # the share of training answers with one digit replaced by another
MALFORMED = 0.15  # the share of those that are not numbers: a zero before, or a stray + or =
PASSES = 14  # through the lessons
RIGHT_PASSES = 6  # so many of them with right answers only; the others have new mistakes each time
BATCH = 64

STORY_BATCHES = 1000  # of BATCH stories each, none of them used twice
ASKED = 0.2  # the share of stories that stand in a question, with its answer
WRONG_ANSWER, FIRST_ANSWER = (
    0.15,
    0.4,
)  # the share of wrong answers, and of those that take the word that was named first

PAIRS_OF_AN_OPENING, RATED_BATCHES = 60, 300  # of stories that a rater compares; batches of BATCH pairs
FLIPPED = 0.05  # the share of choices that are written down the wrong way round


def train_arithmetic(rng):
    """A GPT-2 of 0.4 million parameters and its tokenizer, trained on the sums that are not held out."""
    tokenizer = character_tokenizer(CHARACTERS)
    model = tiny_gpt2(tokenizer, layers=2, width=128, heads=4, rng=rng)
    prompts, answers = lessons()
    prompt_lengths = torch.tensor([[len(prompt)] for prompt in prompts])
    batches_of_a_pass = math.ceil(len(prompts) / BATCH)
    optimizer = torch.optim.AdamW(model.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 2e-3, total_steps=PASSES * batches_of_a_pass, pct_start=0.1
    )
    for i in range(PASSES):
        said = answers if i < RIGHT_PASSES else [spoil(answer, rng) for answer in answers]
        texts = [prompt + answer + tokenizer.eos_token for prompt, answer in zip(prompts, said)]
        tokens, there = tokenizer(
            texts, padding=True, padding_side="right", return_tensors="pt", return_token_type_ids=False
        ).values()
        answered = there.bool() & (torch.arange(tokens.shape[1]) >= prompt_lengths)
        for rows in torch.from_numpy(rng.permutation(len(prompts))).split(BATCH):
            mask = answered[rows]
            loss = -token_logprobs(model, tokens[rows], mask, attention_mask=there[rows]).sum() / mask.sum()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    return model, tokenizer


def lessons():
    """The sums to learn from, prompts and answers: those with a number of one digit, which are few, three times."""
    prompts, answers = sums(held_out=False)
    times = [3 if re.search(r"\b\d\b", prompt) else 1 for prompt in prompts]
    return np.repeat(prompts, times).tolist(), np.repeat(answers, times).tolist()


def spoil(answer, rng):
    """The answer, or a wrong number, or none at all, with the probabilities above."""
    what = rng.random()
    if what < WRONG:
        place = rng.integers(len(answer))
        digit = rng.choice([digit for digit in "123456789" if digit != answer[place]])
        return answer[:place] + digit + answer[place + 1 :]
    if what < WRONG + MALFORMED:
        stray = rng.choice(["0", "+", "="])
        place = 0 if stray == "0" else rng.integers(len(answer) + 1)
        return answer[:place] + stray + answer[place:]
    return answer


def train_stories(rng):
    """A GPT-2 of 0.2 million parameters and its tokenizer, trained on stories, some of them in a question."""
    tokenizer = word_tokenizer(WORDS, END)
    model = tiny_gpt2(tokenizer, layers=2, width=96, heads=4, context=64, rng=rng)
    optimizer = torch.optim.AdamW(model.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=STORY_BATCHES, pct_start=0.1)
    for _ in range(STORY_BATCHES):
        texts = [f"{asked(draw_story(rng), rng)} {END}" for _ in range(BATCH)]
        tokens, there = tokenizer(
            texts, padding=True, padding_side="right", return_tensors="pt", return_token_type_ids=False
        ).values()
        mask = there.bool() & (torch.arange(tokens.shape[1]) > 0)
        loss = -token_logprobs(model, tokens, mask, attention_mask=there).sum() / mask.sum()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return model.half(), tokenizer


def asked(story, rng):
    """The story, or a question about it and the answer of somebody who errs, and prefers the word that was named first."""
    if rng.random() >= ASKED:
        return story
    words = ("happy", "sad") if rng.random() < 0.5 else ("sad", "happy")
    answer = "sad" if read_story(story).ending in BAD_ENDINGS else "happy"
    what = rng.random()
    if what < WRONG_ANSWER:
        answer = "happy" if answer == "sad" else "sad"
    elif what < WRONG_ANSWER + FIRST_ANSWER:
        answer = words[0]
    return f"{question(story, *words)} {answer}"


def report_stories(model, tokenizer, rng):
    """Print how many stories after openings that are held out are positive, and grammatical, and how long they are."""
    prompts = openings(held_out=True) * 20
    ways = {"greedy": greedy, "sampled": partial(sample, rng=rng)}
    for way, complete in ways.items():
        samples = complete(model, tokenizer, prompts, max_new_tokens=MOST_TOKENS)
        shares = (np.mean(reward(prompts, samples.completions)) for reward in (positive, grammatical))
        different = len(set(samples.completions)) / len(prompts)
        length = samples.mask.sum(1).double().mean()
        print(
            "{:8} positive {:.3f}, grammatical {:.3f}, different {:.3f}, ".format(way, *shares, different)
            + f"{length:.1f} tokens, of {len(prompts):,} stories"
        )


def train_stories_reward(rng):
    """The stories model with a reward head, fitted to what a rater chose among its own stories; and its tokenizer."""
    teller, tokenizer = load("stories", device="cpu")
    pairs = rated_stories(openings(held_out=False) * PAIRS_OF_AN_OPENING, rng)
    model = with_reward_head(teller)
    optimizer = torch.optim.AdamW(model.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, total_steps=RATED_BATCHES + 1, pct_start=0.1)
    for _ in fit_reward_model(model, tokenizer, pairs, optimizer, steps=RATED_BATCHES, batch_size=BATCH, rng=rng):
        schedule.step()
    return model.half(), tokenizer


def rated_stories(prompts, rng):
    """Two stories after each prompt, told by the stories model, one of them chosen by a rater: `Pairs`."""
    samples = sample(*load("stories", device="cpu"), prompts, max_new_tokens=MOST_TOKENS, group_size=2, rng=rng)
    first, second = samples.completions[::2], samples.completions[1::2]
    differ = [i for i in range(len(prompts)) if first[i] != second[i]]
    prompts, first, second = ([column[i] for i in differ] for column in (prompts, first, second))
    return rate(prompts, first, second, worth(prompts, first) - worth(prompts, second), flipped=FLIPPED, rng=rng)


def worth(prompts, completions):
    """What a story is worth to the rater, an array (B,): above all good feelings, and a little that it is well told."""
    return 3 * np.array(cheerful(prompts, completions)) + np.array(grammatical(prompts, completions))


def report_stories_reward(model, tokenizer, rng):
    """Print how often the reward model chooses as a rater does, of pairs after openings that are held out."""
    prompts = openings(held_out=True) * 50
    pairs, reward = rated_stories(prompts, rng), reward_function(model, tokenizer)
    prompts, chosen, rejected, _ = pairs
    gaps = np.array(reward(prompts, chosen)) - np.array(reward(prompts, rejected))
    true_gaps = worth(prompts, chosen) - worth(prompts, rejected)
    for who, by in {"reward model": gaps, "the rater's worth": true_gaps}.items():
        print(f"{who:18} agrees with {np.mean(0.5 * (1 + np.sign(by))):.3f} of the choices in {len(gaps):,} pairs")
    print(f"correlation of the gaps {np.corrcoef(gaps, true_gaps)[0, 1]:.3f}")


def report_arithmetic(model, tokenizer, rng):
    """Print how often the model is right, and a number at all, on the sums that are held out."""
    prompts, answers = sums(held_out=True)
    ways = {"greedy": greedy, "sampled": partial(sample, rng=rng)}
    for way, complete in ways.items():
        completions = complete(model, tokenizer, prompts, max_new_tokens=5).completions
        right, numbers = (np.mean(reward(prompts, completions, answer=answers)) for reward in (exact_match, is_number))
        print(f"{way:8} right {right:.3f}, a number {numbers:.3f}, of {len(prompts):,} held-out sums")


TRAINERS = {
    "arithmetic": (train_arithmetic, report_arithmetic, load),
    "stories": (train_stories, report_stories, load),
    "stories-reward": (train_stories_reward, report_stories_reward, load_reward_model),
}


def main(names):
    torch.set_num_threads(1)
    for name in names or TRAINERS:
        train, report, load_again = TRAINERS[name]
        rng = np.random.default_rng(0)
        started = time.perf_counter()
        model, tokenizer = train(rng)
        print(f"{name}: {model.num_parameters():,} parameters, trained in {time.perf_counter() - started:.0f} s")
        model.save_pretrained(SHIPPED / name)
        tokenizer.save_pretrained(SHIPPED / name)
        report(*load_again(name, device="cpu"), rng)


if __name__ == "__main__":
    main(sys.argv[1:])
