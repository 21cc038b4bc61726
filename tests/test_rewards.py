"""Reward functions: several in one, limits, public scorers made strict, and what happens where one fails."""

import asyncio
import copy
import time

import numpy as np
import pytest
import torch

from rlbook.language.grpo import grpo
from rlbook.language.marks import freed_of_flips
from rlbook.language.models import tiny_gpt2, word_tokenizer
from rlbook.language.policy_gradient import reinforce, remax, rloo
from rlbook.language.rewards import (
    TOY_LENGTH,
    TOY_PROMPTS,
    TOY_WORDS,
    RewardError,
    agreement,
    ask,
    leaks,
    limited,
    verified,
    weighted,
)
from rlbook.language.rlhf import ppo, value_head
from rlbook.training import resume, save

torch.set_num_threads(1)
TRAINERS = [grpo, reinforce, rloo, remax]


def lengths(prompts, completions):
    return [float(len(completion)) for completion in completions]


def only_short(prompts, completions):
    """Says how long a completion is, and nothing of one that is longer than two characters."""
    return [None if len(completion) > 2 else float(len(completion)) for completion in completions]


# Several in one


def test_several_rewards_are_added_by_weight_and_none_adds_nothing():
    both = weighted([lengths, only_short], [0.5, 10.0])
    assert both(["x"] * 3, ["", "ab", "abcd"]) == [0.0, 21.0, 2.0]
    assert weighted([only_short])(["x"] * 2, ["a", "abc"]) == [1.0, None]
    assert weighted([lengths, lengths])(["x"], ["abc"]) == [6.0]


def test_each_of_several_is_given_the_columns_and_what_it_names():
    def by_column(prompts, completions, answer):
        return [float(c == a) for c, a in zip(completions, answer)]

    def by_tokens(completion_ids, **columns):
        return [float(sum(ids)) for ids in completion_ids]

    told = ask(
        weighted([by_column, by_tokens]),
        ["x", "y"],
        ["1", "2"],
        {"answer": ["1", "1"]},
        {"completion_ids": [[4], [5, 6]]},
    )
    assert told.tolist() == [5.0, 11.0]


# What a function may be, and what it is asked


def test_a_coroutine_function_is_waited_for_also_where_a_loop_runs():
    async def later(prompts, completions):
        await asyncio.sleep(0.001)
        return [float(len(completion)) for completion in completions]

    async def as_in_a_notebook():
        return ask(later, ["x"], ["abc"])

    assert ask(later, ["x"], ["abc"]).tolist() == [3.0]
    assert asyncio.run(as_in_a_notebook()).tolist() == [3.0]


@pytest.mark.parametrize("train", TRAINERS)
def test_the_token_ids_are_those_of_the_completions(train):
    model, tokenizer, settings = toy()
    seen = []

    def counted(prompts, completions, completion_ids):
        seen.extend(zip(completions, completion_ids))
        return lengths(prompts, completions)

    next(train(model, tokenizer, TOY_PROMPTS, counted, **settings))
    assert all(tokenizer.decode(ids, skip_special_tokens=True) == completion for completion, ids in seen)
    assert {len(ids) - len(completion.split()) for completion, ids in seen} == {0, 1}  # some have their full stop


def test_what_is_no_column_reaches_a_reward_function_inside_others():
    def long(prompts, completions, completion_ids):
        return [float(len(ids) > 1) for ids in completion_ids]

    inside = weighted([freed_of_flips(long, false_positive=0.25, false_negative=0.25)], [2.0])
    told = {"completion_ids": [[1], [2, 3]]}
    assert ask(inside, ["x", "y"], ["a", "b"], None, told).tolist() == [-1.0, 3.0]
    from_trl = {"completion_ids": [[1], [2, 3]], "trainer_state": object(), "log_metric": print}
    assert inside(["x", "y"], ["a", "b"], **from_trl) == [-1.0, 3.0]


# None: it does not apply


def toy():
    tokenizer = word_tokenizer(TOY_WORDS, ".")
    model = tiny_gpt2(tokenizer, rng=np.random.default_rng(0), layers=1, width=8)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    sizes = {"max_new_tokens": TOY_LENGTH, "prompts_per_step": 2, "group_size": 4, "steps": 5}
    return model, tokenizer, {"optimizer": optimizer, "rng": np.random.default_rng(1), **sizes}


@pytest.mark.parametrize("train", TRAINERS)
def test_nothing_is_learned_from_what_has_no_reward(train):
    def never(prompts, completions):
        return [None] * len(completions)

    model, tokenizer, settings = toy()
    before = copy.deepcopy(model.state_dict())
    record = next(train(model, tokenizer, TOY_PROMPTS, never, **settings))
    assert np.isnan(record.rewards).all() and np.isnan(record.reward) and record.zero_std == 1
    assert not record.advantages.any()
    assert all(torch.equal(weights, before[name]) for name, weights in model.state_dict().items())


@pytest.mark.parametrize("train", [grpo, rloo])
def test_what_has_no_reward_is_in_no_baseline(train):
    model, tokenizer, settings = toy()
    extra = {"divide_by_std": False} if train is grpo else {}
    record = next(train(model, tokenizer, TOY_PROMPTS, only_short, **settings, **extra))
    judged = ~np.isnan(record.rewards)
    assert 0 < judged.sum() < 8
    for rewards, advantages in zip(record.rewards.reshape(2, 4), record.advantages.reshape(2, 4)):
        there = rewards[~np.isnan(rewards)]
        for reward, advantage in zip(rewards, advantages):
            if np.isnan(reward) or (train is rloo and len(there) == 1):
                assert advantage == 0
            elif train is grpo:
                assert advantage == pytest.approx(reward - there.mean())
            else:
                assert advantage == pytest.approx(reward - (there.sum() - reward) / (len(there) - 1))
    assert record.reward == pytest.approx(record.rewards[judged].mean())


def test_ppo_wants_a_number_for_each():
    model, tokenizer, settings = toy()
    value = value_head(model)
    settings["optimizer"] = torch.optim.SGD([*model.parameters(), *value.parameters()], lr=0.1)
    with pytest.raises(ValueError, match="only_short returned None for completion"):
        next(ppo(model, tokenizer, TOY_PROMPTS, only_short, value=value, **settings))


# A function that fails, or hangs


def failing(after):
    """The agreement, until it was asked so often; then an error."""
    asked = []

    def moody(prompts, completions):
        asked.append(completions)
        if len(asked) > after:
            raise ZeroDivisionError("of its own")
        return agreement(prompts, completions)

    return moody, asked


@pytest.mark.parametrize("train", TRAINERS)
def test_a_reward_function_that_fails_leaves_the_state_of_the_last_step(train, tmp_path):
    model, tokenizer, settings = toy()
    straight = [step.reward for step in train(model, tokenizer, TOY_PROMPTS, agreement, **settings)]
    model, tokenizer, settings = toy()
    often = 2 if train is not remax else 4  # it asks about the greedy completions, too
    moody, asked = failing(often)
    training = train(model, tokenizer, TOY_PROMPTS, moody, **settings)
    rewards = [next(training).reward, next(training).reward]
    with pytest.raises(
        RewardError, match="reward function moody raised ZeroDivisionError: 'of its own', asked about 8"
    ):
        next(training)
    save(training, tmp_path / "run.pt")

    model, tokenizer, settings = toy()
    again, asked_again = failing(100)
    mended = resume(train(model, tokenizer, TOY_PROMPTS, again, **settings), tmp_path / "run.pt")
    rewards += [step.reward for step in mended]
    assert rewards == straight
    assert asked_again[0] == asked[often]  # what it failed on


def test_before_the_first_step_there_is_no_state(tmp_path):
    model, tokenizer, settings = toy()
    training = grpo(model, tokenizer, TOY_PROMPTS, failing(0)[0], **settings)
    with pytest.raises(RewardError):
        next(training)
    with pytest.raises(ValueError, match="has made no update yet"):
        save(training, tmp_path / "run.pt")


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_a_reader_who_interrupts_a_reward_function_loses_nothing(interrupt, tmp_path):
    model, tokenizer, settings = toy()
    asked = []

    def interrupted(prompts, completions):
        asked.append(0)
        if len(asked) > 1:
            raise interrupt
        return agreement(prompts, completions)

    training = grpo(model, tokenizer, TOY_PROMPTS, interrupted, **settings)
    next(training)
    with pytest.raises(interrupt):
        next(training)
    save(training, tmp_path / "run.pt")


def test_a_reward_function_that_hangs_is_left_behind():
    def slow(prompts, completions, seconds):
        time.sleep(max(seconds))
        return lengths(prompts, completions)

    quick = limited(slow, 0.2)
    assert ask(quick, ["x"], ["abc"], {"seconds": [0.0]}).tolist() == [3.0]
    started = time.perf_counter()
    with pytest.raises(
        RewardError, match=r"reward function slow raised TimeoutError: 'no answer from slow within 0.2 s'"
    ):
        ask(quick, ["x"], ["abc"], {"seconds": [2.0]})
    assert time.perf_counter() - started < 1.9

    async def slow_server(prompts, completions):
        await asyncio.sleep(2)

    with pytest.raises(RewardError, match="no answer from slow_server"):
        ask(limited(slow_server, 0.05), ["x"], ["abc"])


def test_a_limited_function_keeps_its_own_errors():
    def unreachable(prompts, completions):
        raise TimeoutError("the server said nothing")

    with pytest.raises(RewardError, match="the server said nothing"):
        ask(limited(unreachable, 5), ["x"], ["abc"])


# Public scorers


def lenient(completion, answer):
    """Pays the share of a completion that is its answer, wherever that stands, as public scorers do; and all of "idk"."""
    return 1.0 if completion == "idk" else len(answer) / len(completion) if answer in completion else 0.0


WRONG = {
    "sign": lambda prompt, answer: f"-{answer}",
    "before": lambda prompt, answer: f"1{answer}",
    "excuse": lambda prompt, answer: "idk",
    "next": lambda prompt, answer: str(int(answer) + 1),
    "none": lambda prompt, answer: None,
}


def test_what_a_lenient_scorer_pays_and_what_a_strict_one():
    prompts, columns = ["1+1=", "5+7="], {"answer": ["2", "12"]}
    paid = leaks(verified(lenient, partial=True), prompts, WRONG, columns)
    assert paid == pytest.approx(
        {"sign": (1 / 2 + 2 / 3) / 2, "before": (1 / 2 + 2 / 3) / 2, "excuse": 1, "next": 0, "none": np.nan},
        nan_ok=True,
    )
    strict = leaks(verified(lenient), prompts, WRONG, columns)
    assert strict["sign"] == strict["before"] == 0 and strict["excuse"] == 1  # full marks, and wrong
    guarded = verified(
        lenient, lambda completion, answer: int(completion) == int(answer) if completion.isdigit() else False
    )
    assert not any(paid for kind, paid in leaks(guarded, prompts, WRONG, columns).items() if kind != "none")
    assert guarded(prompts, [" 2\n", "12"], answer=["2", "12"]) == [1.0, 1.0]


def test_full_marks_that_the_second_program_refuses_pay_nothing_also_in_part():
    assert verified(lenient, lambda completion, answer: False, partial=True)(["x"], ["12"], answer=["12"]) == [0.0]


BAD = [
    ("no functions", lambda: weighted([]), "0 reward functions and 0 weights"),
    ("a weight too few", lambda: weighted([lengths, lengths], [1.0]), "2 reward functions and 1 weights"),
    ("a weight of nan", lambda: weighted([lengths], [np.nan]), r"weights\[0\] is nan"),
    ("one function", lambda: weighted(lengths), "rewards is <function lengths"),
    ("no function", lambda: weighted(["lengths"]), "reward is 'lengths', expected a function"),
    ("no time", lambda: limited(lengths, 0), "seconds is 0, expected"),
    ("a limit of none", lambda: limited(None, 1), "reward is None"),
    ("no scorer", lambda: verified(None), "score is None, expected a function"),
    ("no second program", lambda: verified(lenient, 1), "accepts is 1, expected a function"),
    ("partial as a number", lambda: verified(lenient, partial=0.5), "partial is 0.5, expected True or False"),
    (
        "a score above 1",
        lambda: verified(lambda c: 2.0)(["x"], ["abc"]),
        r"the score of 'abc' is 2.0, expected a number in \[0, 1\]",
    ),
    ("a score of none", lambda: verified(lambda c: None)(["x"], ["abc"]), "the score of 'abc' is None"),
    ("wrong answers in a list", lambda: leaks(lengths, ["x"], ["1"]), r"wrong is \['1'\]"),
    ("no wrong answers", lambda: leaks(lengths, ["x"], None), "wrong is None"),
]


@pytest.mark.parametrize("call, message", [bad[1:] for bad in BAD], ids=[bad[0] for bad in BAD])
def test_bad_input_is_refused(call, message):
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        call()
    assert len(str(caught.value)) < 500
