"""The usual failures are named where they were planted, and nowhere else."""

import math
from typing import NamedTuple

import numpy as np
import pytest
import torch

from rlbook.language.diagnosis import diagnose
from rlbook.language.grpo import grpo
from rlbook.language.models import tiny_gpt2, word_tokenizer
from rlbook.language.pairs import Pairs
from rlbook.language.policy_gradient import reinforce, rloo
from rlbook.language.preferences import dpo
from rlbook.language.rewards import TOY_LENGTH, TOY_PROMPTS, TOY_WORDS, agreement
from rlbook.language.rlhf import ppo, value_head

torch.set_num_threads(1)


def toy(seed=0):
    tokenizer = word_tokenizer(TOY_WORDS, ".")
    return tiny_gpt2(tokenizer, layers=1, width=32, rng=np.random.default_rng(seed)), tokenizer


def records_of(learn, reward=agreement, *, lr=2e-3, optimizer=None, **changed):
    """The records of a short training of an untrained model on the toy language."""
    model, tokenizer = toy()
    settings = {"steps": 8, "max_new_tokens": TOY_LENGTH, "prompts_per_step": 3, "group_size": 8} | changed
    networks = list(model.parameters())
    if learn is ppo:
        settings["value"] = value_head(model)
        networks += settings["value"].parameters()
    optimizer = torch.optim.Adam(networks, lr=lr) if optimizer is None else optimizer(networks)
    prompts = list(TOY_PROMPTS)
    return list(learn(model, tokenizer, prompts, reward, optimizer, rng=np.random.default_rng(0), **settings))


def pays(mark):
    """A reward function of a completion's words."""
    return lambda prompts, completions: [float(mark(completion.split())) for completion in completions]


def failures(records, **limits):
    return {finding.failure for finding in diagnose(records, **limits)}


TRAINERS = [reinforce, rloo, grpo, ppo]


@pytest.mark.parametrize("learn", TRAINERS)
def test_a_healthy_training_shows_none(learn):
    assert failures(records_of(learn, beta=0.1)) == set()


PLANTED = {
    "all rewards are equal": dict(reward=pays(lambda words: 1)),
    "most groups are silent": dict(reward=pays(lambda words: words[:2] == ["very", "good"]), lr=1e-4, steps=12),
    "the KL divergence runs away": dict(
        reward=pays(lambda words: words[:1] == ["bad"]), lr=1e-2, steps=20, most_kl=0.5
    ),
    "the entropy has collapsed": dict(reward=pays(lambda words: words == []), lr=3e-2, steps=20),
    "completions are cut off": dict(reward=pays(len), lr=5e-3),
}


@pytest.mark.parametrize("failure", PLANTED)
@pytest.mark.parametrize("learn", TRAINERS)
def test_a_planted_failure_is_named(learn, failure):
    planted = dict(PLANTED[failure])
    limits = {name: planted.pop(name) for name in ("most_kl",) if name in planted}
    if failure == "the KL divergence runs away":
        planted["reference"] = toy()[0]
    assert failure in failures(records_of(learn, **planted), **limits)


@pytest.mark.parametrize("learn", [rloo, grpo])
def test_where_all_rewards_are_equal_the_gradient_is_zero_too(learn):
    found = diagnose(records_of(learn, reward=pays(lambda words: 1)))
    assert {finding.failure for finding in found} == {"all rewards are equal", "the gradient is zero"}
    assert [finding.step for finding in found] == [5, 5]  # the first step at which five were seen


@pytest.mark.parametrize("learn", [grpo, ppo])
def test_a_ratio_that_explodes_is_named(learn):
    """Long steps on the same samples, and no clip."""
    how = dict(optimizer=lambda networks: torch.optim.SGD(networks, lr=1.0), epochs=8, clip=1e9, max_gradient_norm=1e9)
    assert "a ratio explodes" in failures(records_of(learn, steps=3, group_size=32, **how), recent=2)
    assert failures(records_of(learn, beta=0.1, epochs=4)) == set()


def test_dpo_that_pushes_both_down_is_named():
    """A pair of nearly the same tokens: to part them, the model gives up both."""
    model, tokenizer = toy()
    pairs = Pairs(["good ."] * 2, ["very good good", "not bad bad"], ["very good bad", "not bad good"])
    optimizer = torch.optim.SGD(model.parameters(), lr=2.0)
    settings = dict(steps=60, max_new_tokens=TOY_LENGTH, pairs_per_step=2, beta=0.5)
    records = list(dpo(model, tokenizer, pairs, optimizer, rng=np.random.default_rng(0), **settings))
    assert records[-1].margins.mean() > 0
    fallen = -np.mean([record.chosen_log_ratio for record in records[-5:]])
    assert fallen > 0.1
    assert failures(records, most_fallen=0.9 * fallen) == {"what was chosen becomes less likely"}
    assert failures(records, most_fallen=1.1 * fallen) == set()


class Seen(NamedTuple):
    """A record made by hand."""

    step: int
    zero_std: float = 0.2
    kl: float = 1.0
    entropy: float = 1.0
    unfinished: float = 0.1
    gradient_norm: float = 0.5
    largest_ratio: float = 1.1
    chosen_log_ratio: float = 0.5
    margins: np.ndarray = np.array([0.4, -0.1])


BAD = {
    "all rewards are equal": {"zero_std": 1.0, "rewards": np.ones(4)},
    "most groups are silent": {"zero_std": 0.6},
    "the KL divergence runs away": {"kl": 25.0},
    "the entropy has collapsed": {"entropy": 0.05},
    "completions are cut off": {"unfinished": 0.7},
    "the gradient is zero": {"gradient_norm": 0.0},
    "a ratio explodes": {"largest_ratio": 40.0},
    "what was chosen becomes less likely": {"chosen_log_ratio": -4.0},
}


class Marked(NamedTuple):
    """A record with rewards, made by hand."""

    step: int
    rewards: np.ndarray
    zero_std: float


def made(changed, when):
    """Twelve records, those of the steps in `when` changed."""
    if "rewards" in changed:
        return [Marked(t, np.array([1, 1, 1, 1 if t in when else 0]), 1.0 if t in when else 0.5) for t in range(1, 13)]
    return [Seen(t)._replace(**changed) if t in when else Seen(t) for t in range(1, 13)]


@pytest.mark.parametrize("failure", BAD)
def test_what_lasts_to_the_end_is_found_and_when_it_set_in(failure):
    assert diagnose(made(BAD[failure], range(0))) == []
    (finding,) = diagnose(made(BAD[failure], range(8, 13)), recent=3)
    assert finding.failure == failure and 8 <= finding.step <= 10 and finding.seen
    (finding,) = diagnose(made(BAD[failure], range(8, 13)), recent=1)
    assert finding.step == 8
    assert diagnose(made(BAD[failure], range(5, 10)), recent=3) == []  # it is over
    assert diagnose(made(BAD[failure], range(3)), recent=1) == []


def test_what_is_nan_or_not_there_says_nothing():
    assert diagnose([Seen(t, kl=math.nan, zero_std=math.nan, entropy=math.nan) for t in range(1, 9)]) == []


def test_without_groups_equal_rewards_are_those_of_the_step():
    assert failures([Marked(t, np.ones(4), math.nan) for t in range(1, 9)]) == {"all rewards are equal"}
    assert failures([Marked(t, np.array([1.0, 0, 1, 1]), math.nan) for t in range(1, 9)]) == set()


@pytest.mark.parametrize(
    "records, limits, error, message",
    [
        ([], {}, ValueError, "records are 0, expected at least 5"),
        ([Seen(1)] * 4, {}, ValueError, "records are 4, expected at least 5"),
        ([0.5] * 9, {}, TypeError, "record 0 is 0.5, expected one of a trainer"),
        ([Seen(1)] * 9, {"recent": 0}, ValueError, "recent is 0"),
        ([Seen(1)] * 9, {"most_silent": 2}, ValueError, "most_silent is 2"),
        ([Seen(1)] * 9, {"most_kl": 0}, ValueError, "most_kl is 0"),
        ([Seen(1)] * 9, {"most_ratio": 1}, ValueError, "most_ratio is 1"),
    ],
)
def test_what_cannot_be_judged_is_refused(records, limits, error, message):
    with pytest.raises(error, match=message):
        diagnose(records, **limits)
