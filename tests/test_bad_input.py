"""What cannot work is refused with the place, what was found and what was expected: one table, a section for each room.

A line is an input, the call that gets it, and words that its error must hold. The error is a ValueError or a TypeError,
short enough to be read, and comes from the book, not from a library below it.
"""

import copy
import re
from functools import partial

import gymnasium
import numpy as np
import pytest
import torch
from torch import nn

from rlbook.advantages import gae, group_relative, leave_one_out, returns_to_go, td_errors
from rlbook.deep.networks import mlp
from rlbook.deep.reinforce import log_probabilities, play, reinforce, reinforce_with_baseline
from rlbook.language.exact import (
    enumerate_language,
    flat_gradient,
    kl_divergence,
    language_logprobs,
    language_rewards,
    next_token_policy,
    objective,
    optimal_policy,
)
from rlbook.language.grpo import grpo, update
from rlbook.language.models import load, tiny_gpt2, word_tokenizer
from rlbook.language.rewards import TOY_PROMPTS, TOY_WORDS, agreement, ask, exact_match, is_number, sentiment
from rlbook.language.sampling import complete, group_logprobs, next_logits, sample, token_logprobs
from rlbook.language.texts import decode, written
from rlbook.language.token_mdp import token_mdp
from rlbook.language.trainers import score
from rlbook.statistics import bootstrap, clopper_pearson, standard_error, t_interval
from rlbook.surrogate import clipped_surrogate, k3

torch.set_num_threads(1)

NAN, INF = float("nan"), float("inf")


def rng():
    return np.random.default_rng(0)


# Advantages

LATER = {"gamma": 0.9, "lam": 0.8}
ADVANTAGES = [
    ("no reward", lambda: returns_to_go([]), "rewards have shape (0,)"),
    ("a reward alone", lambda: returns_to_go(1.0), "rewards have shape ()"),
    ("rewards as texts", lambda: returns_to_go(["1", "2"]), "rewards are ['1', '2'], expected numbers"),
    ("rewards of unequal rows", lambda: returns_to_go([[1, 2], [3]]), "rewards are [[1, 2], [3]]"),
    ("rewards missing", lambda: leave_one_out([1, None], 2), "rewards[1] is nan"),
    ("complex rewards", lambda: group_relative([1j, 2], 2), "rewards are [1j, 2]"),
    ("discount above 1", lambda: returns_to_go([1], gamma=1.01), "gamma is 1.01, expected a number in [0, 1]"),
    ("discount as text", lambda: td_errors([1], [1, 1], [0], gamma="0.9"), "gamma is '0.9'"),
    ("discount True", lambda: td_errors([1], [1, 1], [0], gamma=True), "gamma is True"),
    ("discount nan", lambda: gae([1], [1, 1], [0], [0], gamma=NAN, lam=1), "gamma is nan"),
    ("lambda below 0", lambda: gae([1], [1, 1], [0], [0], gamma=1, lam=-0.1), "lam is -0.1"),
    ("flags of another length", lambda: returns_to_go([1, 2], ended=[True]), "ended have shape (1,), expected (2,)"),
    ("a flag of 2", lambda: td_errors([1], [1, 1], [2], gamma=1), "terminated[0] is 2, expected True or False"),
    ("a flag of -1", lambda: returns_to_go([1, 2], ended=[0, -1]), "ended[1] is -1"),
    ("a flag that is nan", lambda: gae([1], [1, 1], [0], [NAN], **LATER), "truncated[0] is nan"),
    ("flags as texts", lambda: returns_to_go([1], ended=["no"]), "ended are ['no'], expected True or False"),
    ("too few values", lambda: td_errors([1, 2], [1, 2], [0, 0], gamma=1), "values have shape (2,), expected (3,)"),
    ("a cut, next value unknown", lambda: gae([1, 1], [1] * 3, [0, 0], [1, 0], **LATER), "truncated[0] is True"),
    (
        "a cut, of TD errors",
        lambda: td_errors([1, 1], [1] * 3, [0, 0], gamma=1, truncated=[1, 0]),
        "expected values and next_values",
    ),
    ("a reward of nan", lambda: gae([NAN], [1, 1], [0], [0], **LATER), "rewards[0] is nan"),
    ("a value of inf", lambda: td_errors([1], [INF, 1], [0], gamma=1), "values[0] is inf"),
    ("a next value of nan", lambda: td_errors([1], [1], [0], gamma=1, next_values=[NAN]), "next_values[0] is nan"),
    ("groups of one", lambda: leave_one_out([1, 2], 1), "group_size is 1, expected a whole number, at least 2"),
    ("groups of 2.0", lambda: group_relative([1, 2], 2.0), "group_size is 2.0"),
    ("groups that do not divide", lambda: group_relative([1, 2, 3], 2), "3 rewards do not divide into groups of 2"),
    ("rewards as a table", lambda: group_relative([[1, 2]], 2), "rewards have shape (1, 2), expected (B,)"),
    ("a reward of inf in a group", lambda: group_relative([1, INF], 2), "rewards[1] is inf"),
    ("epsilon below 0", lambda: group_relative([1, 2], 2, epsilon=-1e-4), "epsilon is -0.0001"),
    ("a masked reward", lambda: returns_to_go(np.ma.array([1.0, 2.0], mask=[0, 1])), "rewards is a masked array"),
    ("a return beyond float16", lambda: returns_to_go(np.float16([6e4, 6e4])), "a return is too large for float16"),
    ("a tensor's return beyond it", lambda: returns_to_go(torch.tensor([6e4, 6e4]).half()), "for torch.float16"),
    (
        "advantages beyond float64",
        lambda: leave_one_out(torch.tensor([1.7e308, -1.7e308], dtype=torch.float64), 2),
        "too large for",
    ),
    ("too large for float16", lambda: leave_one_out(torch.tensor([6e4, -6e4]).half(), 2), "torch.float16"),
]

# Statistics

STATISTICS = [
    ("one run", lambda: t_interval([1.0]), "samples have shape (1,), expected (runs, ...) with at least 2 runs"),
    ("no run", lambda: standard_error([]), "samples have shape (0,)"),
    ("nine runs resampled", lambda: bootstrap(np.arange(9.0), rng()), "samples have 9 runs, expected at least 10"),
    ("runs as texts", lambda: t_interval(["a", "b"]), "samples are ['a', 'b'], expected numbers"),
    ("runs of unequal lengths", lambda: standard_error([[1, 2], [3]]), "as many in each run"),
    ("95 per cent", lambda: t_interval([1.0, 2.0], level=95), "level is 95, expected a number in (0, 1)"),
    ("level nan", lambda: clopper_pearson([0, 1], level=NAN), "level is nan"),
    ("level as text", lambda: bootstrap(np.arange(20.0), rng(), level="0.95"), "level is '0.95'"),
    ("a seed, not a generator", lambda: bootstrap(np.arange(20.0), 0), "rng is 0, expected a numpy Generator"),
    ("no resample", lambda: bootstrap(np.arange(20.0), rng(), resamples=0), "resamples is 0"),
    ("a run of inf", lambda: t_interval([1.0, INF]), "samples[1] is inf, expected a finite number"),
    ("numbers as texts", lambda: standard_error(["1", "2"]), "samples are ['1', '2'], expected numbers"),
    ("marks as texts", lambda: clopper_pearson(["0", "1"]), "marks are ['0', '1'], expected numbers"),
    ("complex runs", lambda: t_interval([1j, 2.0]), "samples are [1j, 2.0], expected numbers"),
    ("a masked run", lambda: standard_error(np.ma.array([1.0, 9.0], mask=[0, 1])), "samples is a masked array"),
    (
        "runs with a gradient",
        lambda: t_interval(torch.ones(3, requires_grad=True)),
        "expected an array or samples.detach()",
    ),
    ("half a mark", lambda: clopper_pearson([[0, 1], [1, 0.5]]), "marks[1, 1] is 0.5, expected 0 or 1"),
    ("a mark missing", lambda: clopper_pearson([1, NAN]), "marks[1] is nan"),
]

# Networks


def pole():
    return gymnasium.make_vec("CartPole-v1", num_envs=2, vectorization_mode="vector_entry_point")


def learn(policy=None, value=None, optimizer=None, **more):
    """The first update of a linear policy in CartPole, one argument of which is bad."""
    policy = nn.Linear(4, 2) if policy is None else policy
    networks = [policy] if value is None else [policy, value]
    weights = [weight for network in networks if isinstance(network, nn.Module) for weight in network.parameters()]
    optimizer = torch.optim.SGD(weights or nn.Linear(1, 1).parameters(), lr=0.1) if optimizer is None else optimizer
    method = reinforce if value is None else reinforce_with_baseline
    return next(method(more.pop("env", None) or pole(), *networks, optimizer, **{"updates": 1, "rng": rng()} | more))


def spoilt(module):
    """The module with one weight that is no number."""
    next(module.parameters()).data.view(-1)[0] = NAN
    return module


class Gives(nn.Linear):
    """A linear layer that gives something else, made of what it would give."""

    def __init__(self, inputs, outputs, change):
        super().__init__(inputs, outputs)
        self.change = change

    def forward(self, x):
        return self.change(super().forward(x))


NETWORKS = [
    ("an environment alone", lambda: learn(env=gymnasium.make("CartPole-v1")), "expected a gymnasium VectorEnv"),
    ("a function as policy", lambda: learn(policy=lambda s: s), "policy is a function, expected a torch.nn.Module"),
    ("a frozen policy", lambda: learn(policy=nn.Linear(4, 2).requires_grad_(False)), "requires_grad=True"),
    ("a policy of nan", lambda: learn(policy=spoilt(nn.Linear(4, 2))), "weight of policy holds nan or inf"),
    ("a value of nan", lambda: learn(value=spoilt(nn.Linear(4, 1))), "weight of value holds nan or inf"),
    ("a frozen value", lambda: learn(value=nn.Linear(4, 1).requires_grad_(False)), "no parameter of value"),
    ("three logits for two actions", lambda: learn(policy=nn.Linear(4, 3)), "expected logits (2, 2)"),
    ("two values of a state", lambda: learn(value=nn.Linear(4, 2)), "the value network maps observations"),
    (
        "the optimizer of another policy",
        lambda: learn(optimizer=torch.optim.SGD(nn.Linear(4, 2).parameters(), lr=0.1)),
        "does not hold the parameter weight of policy",
    ),
    ("no optimizer", lambda: learn(optimizer="adam"), "optimizer is a str, expected one of torch.optim"),
    ("half an update", lambda: learn(updates=0.5), "updates is 0.5"),
    ("updates as text", lambda: learn(updates="10"), "updates is '10'"),
    ("a discount of 2", lambda: learn(gamma=2), "gamma is 2"),
    ("a discount of None", lambda: learn(gamma=None), "gamma is None"),
    ("a seed for rng", lambda: play(pole(), nn.Linear(4, 2), 0), "rng is 0"),
    ("no step", lambda: play(pole(), nn.Linear(4, 2), rng(), max_steps=0), "max_steps is 0"),
    ("one size", lambda: mlp(4, rng=rng()), "sizes are (4,)"),
    ("a size of 2.5", lambda: mlp(4, 2.5, rng=rng()), "sizes are (4, 2.5)"),
    ("gain as text", lambda: mlp(4, 2, rng=rng(), last_gain="small"), "last_gain is 'small'"),
    ("two things of a policy", lambda: learn(policy=Gives(4, 2, lambda x: (x, x))), "policy gives (tensor("),
    ("two things of a value", lambda: learn(value=Gives(4, 1, lambda x: (x, x))), "value gives (tensor("),
    (
        "whole numbers as logits",
        lambda: learn(policy=Gives(4, 2, lambda x: x.long())),
        "policy gives numbers of type torch.int64",
    ),
    (
        "whole numbers as values",
        lambda: learn(value=Gives(4, 1, lambda x: x.long())),
        "value gives numbers of type torch.int64",
    ),
    (
        "a policy without gradient",
        lambda: learn(policy=Gives(4, 2, torch.detach)),
        "output of policy needs no gradient",
    ),
    (
        "a value without gradient",
        lambda: learn(value=Gives(4, 1, torch.detach)),
        "output of value needs no gradient, expected one that depends on its weights: it would never learn",
    ),
    *[
        (f"actions, {name}", partial(log_probabilities, nn.Linear(4, 2), torch.zeros(2, 4), actions), words)
        for name, (actions, words) in {
            "after the last": (torch.tensor([0, 2]), "actions[1] is 2, expected an action from 0 to 1"),
            "negative": (torch.tensor([-1, 0]), "actions[0] is -1"),
            "floats": (torch.zeros(2), "actions have type torch.float32, expected torch.int64"),
            "flags": (torch.zeros(2, dtype=torch.bool), "actions have type torch.bool"),
            "an array": (np.zeros(2, int), "actions is array([0, 0]), expected a torch.Tensor"),
            "a list": ([0, 0], "actions is [0, 0]"),
            "one": (torch.tensor([0]), "actions have shape (1,), expected (2,)"),
        }.items()
    ],
    (
        "observations of NumPy",
        lambda: log_probabilities(nn.Linear(4, 2), np.zeros((2, 4)), torch.zeros(2)),
        "observations is array(",
    ),
    (
        "an optimizer that asks again",
        lambda: learn(optimizer=torch.optim.LBFGS(nn.Linear(4, 2).parameters())),
        "whose step needs a closure",
    ),
]

# Language models: rewards, exact answers, GRPO

TOKENIZER = word_tokenizer(TOY_WORDS, ".")
MODEL = tiny_gpt2(TOKENIZER, rng=rng(), layers=1, width=8)
LANGUAGE = enumerate_language(TOKENIZER, TOY_PROMPTS, 2)
SAMPLES = sample(MODEL, TOKENIZER, TOY_PROMPTS, max_new_tokens=2, rng=rng(), group_size=2)
LOGP = torch.zeros(2, 5)


def give(returned, count=3):
    """Asks a reward function that returns this, whatever it is asked."""

    def given(prompts, completions):
        return returned

    return lambda: ask(given, [f"prompt {i}" for i in range(count)], [f"reply {i}" for i in range(count)])


REWARDS = [
    ("no function", lambda: ask("agreement", ["a"], ["b"]), "reward is 'agreement', expected a function"),
    ("rewards in dicts", give([{"score": 1.0}] * 3), "given returned {'score': 1.0} for completion 0"),
    ("rewards in a dict", give({"a": 1.0, "b": 2.0, "c": 3.0}), "given returned {'a': 1.0"),
    ("rewards in a set", give({1.0, 2.0, 3.0}), "given returned {1.0, 2.0, 3.0}, expected a list of 3 floats"),
    ("rewards from a generator", give(x for x in range(3)), "given returned <generator"),
    ("no rewards", give(None), "given returned None, expected a list of 3 floats"),
    ("one reward for all", give(1.0), "given returned 1.0, expected a list of 3 floats"),
    ("one reward for all, NumPy", give(np.array(1.0)), "expected a list of 3 floats"),
    ("too few rewards", give([1.0, 2.0]), "given returned 2 of them, expected a list of 3 floats"),
    ("too many rewards", give(np.ones(4)), "given returned 4 of them"),
    ("rewards in lists", give([[1.0], [2.0], [3.0]]), "given returned [1.0] for completion 0, 'reply 0'"),
    ("rewards in a column", give(torch.ones(3, 1)), "given returned [1.0] for completion 0"),
    ("rewards as texts", give(["1", "0", "1"]), "given returned '1' for completion 0"),
    ("a reward missing", give([1.0, None, 1.0]), "given returned None for completion 1, 'reply 1' after 'prompt 1'"),
    ("a reward of nan", give([1.0, 1.0, NAN]), "given returned nan for completion 2"),
    ("a reward of inf", give(np.array([1.0, INF, 0.0])), "given returned inf for completion 1"),
    ("a complex reward", give([1j, 0, 0]), "given returned 1j for completion 0"),
    ("long rewards", give([list(range(5000))] * 3), "given returned [0, 1, 2"),
    ("fewer prompts than replies", lambda: ask(agreement, ["a"], ["b", "c"]), "prompts has 1 entries, expected 2"),
    ("whole numbers as answers", lambda: exact_match(["1+1="], ["2"], answer=[2]), "answer[0] is 2 of type int"),
    ("one answer for all", lambda: exact_match(["1+1="] * 2, ["2", "2"], answer="22"), "answer is '22'"),
    (
        "too few answers",
        lambda: exact_match(["1+1="] * 2, ["2", "2"], answer=["2"]),
        "answer has 1 entries, expected 2",
    ),
    ("a reply that is no text", lambda: is_number([""], [12]), "completions[0] is 12"),
    ("replies in one text", lambda: is_number(["", ""], "12"), "completions is '12'"),
    ("a reply that is missing", lambda: agreement(["good ."], [None]), "completions[0] is None"),
    ("a prompt that is missing", lambda: agreement([None], ["good"]), "prompts[0] is None"),
    ("no reply", lambda: agreement(["good ."], None), "completions is None"),
    ("fewer replies than prompts", lambda: agreement(["good ."] * 2, ["good"]), "prompts has 2 entries, expected 1"),
    ("the sentiment of a number", lambda: sentiment(3), "text is 3 of type int, expected a string"),
    ("a reward with other names", lambda: ask(lambda p, c: [0.0], ["a"], ["b"]), "passed by these names"),
    ("a reward by position", lambda: ask(lambda prompts, completions, /: [0.0], ["a"], ["b"]), "passed by these names"),
]

COLUMNS = {
    "a text": ("abc", "column 'told' is 'abc', expected a list"),
    "a number": (3, "column 'told' is 3"),
    "nothing": (None, "column 'told' is None"),
    "a dict": ({0: "a", 1: "b", 2: "c"}, "column 'told' is {0: 'a'"),
    "a set": ({"a", "b", "c"}, "column 'told' is {"),
    "an iterator": (iter("abc"), "column 'told' is <"),
    "too short": (["a"], "column 'told' has 1 entries, expected 3"),
    "too long": (np.arange(4), "column 'told' has 4 entries, expected 3"),
    "an array without length": (np.array("abc"), "column 'told' is array('abc'"),
}


def train(model=None, tokenizer=TOKENIZER, prompts=TOY_PROMPTS, reward=agreement, optimizer=None, **more):
    """The first step of GRPO, one argument of which is bad."""
    model = copy.deepcopy(MODEL) if model is None else model
    optimizer = torch.optim.SGD(parameters_of(model), lr=0.1) if optimizer is None else optimizer
    settings = {"steps": 1, "max_new_tokens": 2, "rng": rng(), "prompts_per_step": 2, "group_size": 2}
    return next(grpo(model, tokenizer, prompts, reward, optimizer, **settings | more))


def parameters_of(model):
    return model.parameters() if isinstance(model, nn.Module) else nn.Linear(1, 1).parameters()


def changed(change):
    """A copy of the model after change(copy)."""
    model = copy.deepcopy(MODEL)
    change(model)
    return model


def ends_at(tokens):
    return lambda model: setattr(model.generation_config, "eos_token_id", tokens)


def drops(model):
    model.train().transformer.drop.p = 0.5


def draw(model=MODEL, prompts=TOY_PROMPTS, **more):
    return sample(model, TOKENIZER, prompts, **{"max_new_tokens": 2, "rng": rng()} | more)


def small(**more):
    return token_mdp(["a", "."], 1, lambda prompts, completions: [0.0, 1.0], **more)


def other(words=TOY_WORDS, context=32):
    return tiny_gpt2(word_tokenizer(words, "."), rng=rng(), layers=1, width=8, context=context)


def trained_by_itself():
    model = copy.deepcopy(MODEL)
    return train(model=model, reference=model, beta=0.1)


# the bad ones of each number: what stands in the error, and its value
NOT_POSITIVE = {"'1'": "1", "True": True, "nan": NAN, "inf": INF, "-1": -1, "0": 0, "None": None, "[1.0]": [1.0]}
NOT_WHOLE = {"'2'": "2", "True": True, "2.0": 2.0, "0": 0, "-1": -1, "None": None, "nan": NAN}

GRPO = [
    *[
        (f"{name} {shown}", partial(train, **{name: bad}), f"{name} is {shown}, expected a")
        for name in ("temperature", "clip", "max_gradient_norm", "beta")
        for shown, bad in NOT_POSITIVE.items()
        if (name, bad) != ("beta", 0)
    ],
    *[
        (f"{name} {shown}", partial(train, **{name: bad}), f"{name} is {shown}, expected a whole number")
        for name in ("steps", "epochs", "max_new_tokens", "prompts_per_step", "group_size", "rows_at_once")
        for shown, bad in NOT_WHOLE.items()
        if (name, bad) != ("rows_at_once", None)
    ],
    *[(f"a column, {name}", partial(train, columns={"told": bad}), words) for name, (bad, words) in COLUMNS.items()],
    *[
        (f"a column of a language, {name}", partial(language_rewards, agreement, LANGUAGE, {"told": bad}), words)
        for name, (bad, words) in COLUMNS.items()
        if name != "an iterator"
    ],
    ("columns in a list", lambda: train(columns=["a", "b", "c"]), "columns is ['a', 'b', 'c'], expected a dict"),
    ("a column without a name", lambda: train(columns={3: ["a", "b", "c"]}), "columns is {3:"),
    ("a column called prompts", lambda: train(columns={"prompts": ["a"] * 3}), "a column is called 'prompts'"),
    ("a column called completions", lambda: train(columns={"completions": ["a"] * 3}), "called 'completions'"),
    ("no prompt", lambda: train(prompts=[]), "prompts is []"),
    ("one text as prompts", lambda: train(prompts="good ."), "prompts is 'good .', expected a list"),
    ("prompts from a generator", lambda: train(prompts=(p for p in TOY_PROMPTS)), "prompts is <generator"),
    ("prompts in a dict", lambda: train(prompts={"good .": 1}), "prompts is {'good .': 1}"),
    ("prompts in a set", lambda: train(prompts={"good ."}), "prompts is {'good .'}"),
    (
        "more prompts a step than there are",
        lambda: train(prompts_per_step=4),
        "prompts_per_step is 4, expected at most 3",
    ),
    ("a penalty in no place", lambda: train(kl="k3"), "kl is 'k3', expected 'reward' or 'loss'"),
    ("a seed, not a generator", lambda: train(rng=0), "rng is 0, expected a numpy Generator"),
    ("a tokenizer as model", lambda: train(model=TOKENIZER), "model is a"),
    ("a model as tokenizer", lambda: train(tokenizer=MODEL), "tokenizer is a GPT2LMHeadModel"),
    ("swapped", lambda: train(model=TOKENIZER, tokenizer=MODEL), "expected a causal language model"),
    ("a network that is no language model", lambda: train(model=nn.Linear(2, 2)), "model is a Linear"),
    ("a name as optimizer", lambda: train(optimizer="adam"), "optimizer is a str"),
    (
        "the optimizer of another model",
        lambda: train(optimizer=torch.optim.SGD(copy.deepcopy(MODEL).parameters(), lr=0.1)),
        "the optimizer does not hold the parameter transformer.wte.weight of model",
    ),
    (
        "all frozen",
        lambda: train(model=changed(lambda m: m.requires_grad_(False))),
        "no parameter of model has requires_grad",
    ),
    ("weights of nan", lambda: train(model=changed(spoilt)), "transformer.wte.weight of model holds nan or inf"),
    ("the model as its reference", trained_by_itself, "reference shares the parameter transformer.wte.weight"),
    (
        "a reference of other words",
        lambda: train(reference=other("ab.")),
        "reference has a vocabulary of 3 tokens, expected 5",
    ),
    ("a reference elsewhere", lambda: train(reference=other().to("meta")), "reference is on meta, expected cpu"),
    ("a reference of nan", lambda: train(reference=changed(spoilt)), "of reference holds nan or inf"),
    ("a reference that reads less", lambda: train(reference=other(context=5)), "context holds 5"),
    ("a reference by name", lambda: train(reference="gpt2"), "reference is a str"),
    ("a reward that is no function", lambda: train(reward=1.0), "reward is 1.0, expected a function"),
    (
        "a reward with other names before sampling",
        lambda: train(tokenizer=TOKENIZER, reward=lambda p, c: 0),
        "(p, c) cannot be called",
    ),
    (
        "a reward without the column",
        lambda: train(reward=lambda prompts, completions: 0, columns={"told": [1, 2, 3]}),
        "expected (prompts, completions, told), passed by these names",
    ),
    ("a reward with a column more", lambda: train(reward=exact_match), "missing a required argument: 'answer'"),
    (
        "an optimizer that asks again and again",
        lambda: train(optimizer=torch.optim.LBFGS(MODEL.parameters())),
        "whose step needs a closure",
    ),
]

UPDATE = partial(update, MODEL, torch.optim.SGD(MODEL.parameters(), lr=0.0), SAMPLES)
PARTS = [
    ("an advantage for each prompt", lambda: UPDATE(np.ones(3)), "advantages has shape (3,), expected (6,)"),
    ("advantages in a column", lambda: UPDATE(np.ones((6, 1))), "advantages has shape (6, 1), expected (6,)"),
    ("beta without a reference", lambda: UPDATE(np.ones(6), beta=0.1), "reference_logp is None"),
    (
        "a reference of other samples",
        lambda: UPDATE(np.ones(6), SAMPLES.logprobs[:, 1:], beta=0.1),
        "reference_logp has shape (6, 5), expected (6, 6)",
    ),
    (
        "samples without log-probabilities",
        lambda: update(MODEL, None, SAMPLES._replace(logprobs=None), np.ones(6)),
        "samples have no logprobs",
    ),
    ("clip as text", lambda: UPDATE(np.ones(6), clip="0.2"), "clip is '0.2'"),
    ("no rows at once", lambda: score(MODEL, SAMPLES, rows_at_once=0), "rows_at_once is 0"),
    ("half a group", lambda: score(MODEL, SAMPLES, group_size=1.5), "group_size is 1.5"),
    (
        "old ones transposed",
        lambda: clipped_surrogate(LOGP, LOGP.T, LOGP[:, 0]),
        "old_logp has shape (5, 2), expected (2, 5)",
    ),
    (
        "an advantage for each column",
        lambda: clipped_surrogate(LOGP, LOGP, LOGP[0]),
        "advantages has shape (5,), expected (2,)",
    ),
    ("advantages in a list", lambda: clipped_surrogate(LOGP, LOGP, [1.0, 1.0]), "advantages is [1.0, 1.0]"),
    (
        "log-probabilities in a row",
        lambda: clipped_surrogate(LOGP[0], LOGP[0], LOGP[0]),
        "logp has shape (5,), expected (B, T)",
    ),
    ("clip below 0", lambda: clipped_surrogate(LOGP, LOGP, LOGP, clip=-0.1), "clip is -0.1"),
    ("a reference in a row", lambda: k3(LOGP, LOGP[0]), "reference_logp has shape (5,), expected (2, 5)"),
    ("a reference as an array", lambda: k3(LOGP, LOGP.numpy()), "reference_logp is array"),
    ("rewards in a row", lambda: objective(LOGP, LOGP[0]), "rewards has shape (5,), expected (2, 5)"),
    ("rewards of one prompt", lambda: objective(LOGP, LOGP[:1]), "rewards has shape (1, 5), expected (2, 5)"),
    ("rewards in lists", lambda: objective(LOGP, LOGP.tolist()), "rewards is [[0.0"),
    ("beta below 0", lambda: objective(LOGP, LOGP, LOGP, -0.1), "beta is -0.1"),
    ("beta and no reference", lambda: objective(LOGP, LOGP, beta=0.1), "expected reference_logp beside it"),
    ("a divergence of two shapes", lambda: kl_divergence(LOGP, LOGP[:, :1]), "reference_logp has shape (2, 1)"),
    ("a divergence in a row", lambda: kl_divergence(LOGP[0], LOGP[0]), "logp has shape (5,), expected (P, N)"),
    ("rewards transposed", lambda: optimal_policy(LOGP, LOGP.T, 0.1), "rewards has shape (5, 2), expected (2, 5)"),
    ("a leash of 0", lambda: optimal_policy(LOGP, LOGP, 0), "beta is 0, expected a finite number above 0"),
    ("a leash of nan", lambda: optimal_policy(LOGP, LOGP, NAN), "beta is nan"),
    ("the gradient of many", lambda: flat_gradient(LOGP, MODEL), "expected a tensor that holds one number"),
    ("the gradient of a constant", lambda: flat_gradient(LOGP.sum(), MODEL), "value does not depend on any parameter"),
    (
        "languages of a generator",
        lambda: enumerate_language(TOKENIZER, (p for p in ["good ."]), 2),
        "prompts is <generator",
    ),
    ("a language as model", lambda: language_logprobs(LANGUAGE, MODEL), "model is a Language"),
    ("prompts as a language", lambda: language_logprobs(MODEL, ["good ."]), "language is a list"),
    ("a language of nan", lambda: language_logprobs(changed(spoilt), LANGUAGE), "of model holds nan or inf"),
    (
        "a model that ends at another word too",
        lambda: language_logprobs(changed(ends_at([1, 4])), LANGUAGE),
        "end a completion at token 1 too, expected only 4",
    ),
    ("a model that ends elsewhere", lambda: language_logprobs(changed(ends_at(0)), LANGUAGE), "at token 0 too"),
    *[
        (f"dropout in {name}", call, "the model is in training mode")
        for name, call in {
            "token_logprobs": lambda: token_logprobs(changed(drops), SAMPLES.tokens, SAMPLES.mask),
            "group_logprobs": lambda: group_logprobs(changed(drops), SAMPLES, 2),
            "next_logits": lambda: next_logits(changed(drops), SAMPLES.tokens, SAMPLES.attention_mask),
            "a policy": lambda: next_token_policy(changed(drops), TOKENIZER, TOY_WORDS)(["good"]),
            "a language": lambda: language_logprobs(changed(drops), LANGUAGE),
            "an update": lambda: update(changed(drops), None, SAMPLES, np.ones(6)),
        }.items()
    ],
    ("rewards of nan", lambda: objective(LOGP, LOGP * NAN), "rewards[0, 0] is nan, expected finite numbers"),
    ("rewards of inf under a leash", lambda: optimal_policy(LOGP, LOGP + INF, 0.1), "rewards[0, 0] is inf"),
    ("a leash that overflows", lambda: optimal_policy(LOGP, LOGP + 1, 1e-320), "they overflow"),
    ("no language", lambda: enumerate_language(TOKENIZER, ["good"], 0), "max_new_tokens is 0, expected a whole number"),
    (
        "a language too long for the model",
        lambda: language_logprobs(other(context=2), LANGUAGE),
        "tokens, expected at most 2: the model's context holds no more",
    ),
    ("one text for a policy", lambda: next_token_policy(MODEL, TOKENIZER, TOY_WORDS)("good"), "texts is 'good'"),
]

TOKENS = SAMPLES.tokens
NO_TOKENS = {
    "negative": (TOKENS - 9, "tokens has -9, expected ids from 0 to 4"),
    "floats": (TOKENS.float(), "tokens has type torch.float32, expected token ids"),
    "flags": (TOKENS.bool(), "tokens has type torch.bool"),
    "in one row": (TOKENS[0], "tokens has shape (6,), expected (B, L)"),
    "none": (TOKENS[:0], "tokens has shape (0, 6), expected (B, L), at least one token"),
    "an array": (TOKENS.numpy(), "tokens is array("),
    "lists": (TOKENS.tolist(), "tokens is [["),
}
CHOSEN = {
    "nothing": (None, "choose gives None, expected a tensor (3,) of tokens"),
    "a list": ([0, 0, 0], "choose gives [0, 0, 0]"),
    "an array": (np.zeros(3, int), "choose gives array("),
    "one for all": (torch.tensor(0), "choose gives a tensor () of torch.int64, expected (3,)"),
    "one row too few": (torch.zeros(2, dtype=torch.int64), "choose gives a tensor (2,)"),
    "columns": (torch.zeros(3, 1, dtype=torch.int64), "choose gives a tensor (3, 1)"),
    "floats": (torch.zeros(3), "of torch.float32, expected (3,) of torch.int64"),
    "below the first": (torch.tensor([0, -1, 0]), "choose gives token -1, expected tokens from 0 to 4"),
    "after the last": (torch.tensor([0, 0, 5]), "choose gives token 5, expected tokens from 0 to 4"),
}


def like(tensor, mask):
    """The mask in the shape, and as the kind of thing, that the tokens are, if these are a tensor."""
    return mask[: len(tensor)] if getattr(tensor, "ndim", 0) == 2 else mask[0]


LANGUAGES = [
    *[
        (f"tokens to score, {name}", partial(token_logprobs, MODEL, tokens, like(tokens, SAMPLES.mask)), words)
        for name, (tokens, words) in NO_TOKENS.items()
    ],
    *[
        (f"tokens to read, {name}", partial(next_logits, MODEL, tokens, like(tokens, SAMPLES.mask)), words)
        for name, (tokens, words) in NO_TOKENS.items()
    ],
    *[
        (
            f"a choice, {name}",
            partial(complete, MODEL, TOKENIZER, TOY_PROMPTS, lambda logp, given=given: given, max_new_tokens=2),
            words,
        )
        for name, (given, words) in CHOSEN.items()
    ],
    ("samples in a dict", lambda: group_logprobs(MODEL, SAMPLES._asdict(), 2), "samples is a dict, expected Samples"),
    *[
        (f"a temperature of 1e-40, {name}", call, "temperature is 1e-40, expected a finite number, at least 1e-06")
        for name, call in {
            "sampling": lambda: draw(temperature=1e-40),
            "scoring": lambda: token_logprobs(MODEL, TOKENS, SAMPLES.mask, temperature=1e-40),
            "of groups": lambda: group_logprobs(MODEL, SAMPLES, 2, temperature=1e-40),
            "training": lambda: train(temperature=1e-40),
        }.items()
    ],
    ("half a surrogate pair", lambda: draw(prompts=["good", "\ud83d"]), "prompt 1 is '\\ud83d', expected characters"),
    ("another network", lambda: draw(model=nn.Linear(2, 2)), "model is a Linear, expected a causal language model"),
    ("fewer flags than tokens", lambda: decode(TOKENIZER, TOKENS, SAMPLES.mask[:, 1:]), "chosen has shape (6, 5)"),
    ("fewer rows of flags", lambda: decode(TOKENIZER, TOKENS, SAMPLES.mask[1:]), "chosen has shape (5, 6)"),
    ("a negative token", lambda: written(TOKENIZER, [[0], [-1]]), "row 1 of rows has -1, expected token ids"),
    ("half a token", lambda: written(TOKENIZER, [[0.5]]), "row 0 of rows has 0.5"),
    ("one row of tokens", lambda: written(TOKENIZER, [0, 1]), "row 0 of rows is 0, expected a list of token ids"),
    ("a policy in a row", lambda: small().completion_probabilities([0, 0, 0]), "policy has shape (3,), expected ("),
    ("a policy of texts", lambda: small().completion_probabilities(["a"]), "policy is ['a'], expected real numbers"),
    ("a reference that is an array", lambda: small(reference=np.full((3, 2), 0.5)), "reference is array("),
    (
        "a device by another name",
        lambda: load("arithmetic", device="gpu"),
        "device is 'gpu', expected one that this machine has: 'cpu'",
    ),
    ("a device far away", lambda: load("arithmetic", device=99), "device is 99"),
    ("no device", lambda: load("arithmetic", device=""), "device is ''"),
    ("a device that is True", lambda: load("arithmetic", device=True), "device is True"),
    (
        "a wide model",
        lambda: tiny_gpt2(TOKENIZER, rng=rng(), width=10**9, heads=1),
        "GB, more than 4 GB: expected fewer layers",
    ),
    ("a long model", lambda: tiny_gpt2(TOKENIZER, rng=rng(), context=10**9), "GB, more than 4 GB"),
    ("a deep model", lambda: tiny_gpt2(TOKENIZER, rng=rng(), layers=10**6), "GB, more than 4 GB"),
]

TABLE = ADVANTAGES + STATISTICS + NETWORKS + REWARDS + GRPO + PARTS + LANGUAGES


@pytest.mark.parametrize("call, words", [pytest.param(call, words, id=name) for name, call, words in TABLE])
def test_what_cannot_work_is_refused_in_words(call, words):
    with pytest.raises((ValueError, TypeError)) as refused:
        call()
    message = str(refused.value)
    assert words in message
    assert len(message) < 500 and "expected" in message
    assert not re.search(r"Traceback|__main__|rlbook\.|NoneType", message)


def test_good_input_is_not_refused():
    """The calls of the table, with nothing bad in them; numbers of NumPy and tensors of no dimension are numbers."""
    numbers = {"temperature": np.float32(0.7), "beta": torch.tensor(0.1), "clip": np.array(0.2), "epochs": np.int64(2)}
    record = train(columns={"told": np.arange(3)}, reference=other(), **numbers)
    assert record.step == 1 and np.isfinite(record.loss)
    assert learn(value=nn.Linear(4, 1), gamma=np.float64(0.9)).update == 1
    assert ask(lambda prompts, completions: [0.0, True, 2], ["a"] * 3, ["b"] * 3).tolist() == [0, 1, 2]
    assert len(UPDATE(np.ones(6), SAMPLES.logprobs, beta=0.1)) == 4
    frozen = nn.Linear(4, 2).requires_grad_(False)
    assert log_probabilities(frozen, torch.zeros(3, 4), torch.tensor([0, 1, 0])).shape == (3,)
    assert ask(lambda completions, **others: [1.0], ("a",), np.array(["b"]), {"told": [1]}).tolist() == [1]
    assert agreement(("good .",), np.array(["good"])) == [0.25]
    assert load("arithmetic", device=torch.device("cpu"))[0].device == torch.device("cpu")


def test_what_is_right_but_unusual_to_score_is_scored():
    scored = token_logprobs(MODEL, TOKENS, SAMPLES.mask, attention_mask=SAMPLES.attention_mask)
    for unusual in (
        lambda: token_logprobs(MODEL, TOKENS.int(), SAMPLES.mask, attention_mask=SAMPLES.attention_mask.long()),
        lambda: token_logprobs(changed(nn.Module.train), TOKENS, SAMPLES.mask, attention_mask=SAMPLES.attention_mask),
        lambda: group_logprobs(MODEL, SAMPLES, np.int64(2)),
    ):
        assert torch.allclose(unusual(), scored, atol=1e-6)
    for model in (changed(ends_at(4)), changed(ends_at([4, 4])), changed(ends_at(None)), changed(ends_at([4, 9]))):
        assert torch.equal(language_logprobs(model, LANGUAGE), language_logprobs(MODEL, LANGUAGE))
    assert decode(TOKENIZER, TOKENS, SAMPLES.mask.long()) == decode(TOKENIZER, TOKENS, SAMPLES.mask)
    assert written(TOKENIZER, [(0, np.int64(1)), []]) == ["good bad", ""]
    assert draw(prompts=["good", "bad"], temperature=1e-6).logprobs.isfinite().all()


def test_a_temperature_or_a_prompt_that_is_refused_leaves_the_generator_as_it_was():
    before, after = rng(), rng()
    for refused in ({"temperature": 1e-40}, {"prompts": ["\ud83d"]}):
        with pytest.raises(ValueError):
            draw(rng=after, **refused)
    assert after.random() == before.random()
