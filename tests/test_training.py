"""A training that was saved and resumed is the one that was not, bit for bit; what does not fit changes nothing.

A new trainer needs a case: a small function under `@case` that makes everything anew, the same each time.
"""

import copy
import importlib
import inspect
import pkgutil

import gymnasium
import numpy as np
import pytest
import torch
from torch import nn

import rlbook
from rlbook.deep.actor_critic import a2c, delayed_a2c, one_step_actor_critic
from rlbook.deep.networks import mlp
from rlbook.deep.reinforce import reinforce, reinforce_with_baseline
from rlbook.language.grpo import grpo
from rlbook.language.models import tiny_gpt2, word_tokenizer
from rlbook.language.rewards import TOY_LENGTH, TOY_PROMPTS, TOY_WORDS, agreement
from rlbook.training import resume, save
from rlbook.worlds import short_corridor

torch.set_num_threads(1)


def rng(seed=0):
    return np.random.default_rng(seed)


# The cases. Each returns a training that makes from four to ten updates in less than half a second.

CASES = {}  # {name: (the trainer, a function of nothing that returns a training of it)}


def case(learn, *worlds):
    """Let a function be a case of a trainer, with the name of each of the worlds as its argument, or without any."""

    def decorated(function):
        for world in worlds or [None]:
            name = f"{learn.__module__.removeprefix('rlbook.')}.{learn.__name__}" + (f", {world}" if world else "")
            assert name not in CASES
            CASES[name] = learn, (lambda world=world: function(world)) if world else function
        return function

    return decorated


WORLDS = {
    "CartPole": lambda: gymnasium.make_vec("CartPole-v1", num_envs=3, vectorization_mode="vector_entry_point"),
    "Acrobot": lambda: gymnasium.vector.SyncVectorEnv([lambda: gymnasium.make("Acrobot-v1", max_episode_steps=20)] * 2),
    "corridor": lambda: short_corridor().to_gymnasium(num_envs=3),
}


def network(env, outputs, draw):
    """A network for the observations of the environments: a table where they are numbers of states."""
    space = env.single_observation_space
    if isinstance(space, gymnasium.spaces.Discrete):
        return nn.Embedding.from_pretrained(torch.tensor(draw.normal(size=(space.n, outputs))), freeze=False)
    return mlp(space.shape[0], 4, outputs, rng=draw)


def actor_and_critic(world):
    """Environments, a policy, values, and an optimizer of both that remembers."""
    env, draw = WORLDS[world](), rng(1)
    policy, value = network(env, env.single_action_space.n, draw), network(env, 1, draw)
    return env, policy, value, torch.optim.Adam([*policy.parameters(), *value.parameters()], lr=0.01)


@case(reinforce, *WORLDS)
def _(world):
    env, policy, _, optimizer = actor_and_critic(world)
    return reinforce(env, policy, optimizer, updates=4, rng=rng(), max_steps=30)


@case(reinforce_with_baseline, *WORLDS)
def _(world):
    return reinforce_with_baseline(*actor_and_critic(world), updates=4, rng=rng(), max_steps=30)


@case(one_step_actor_critic, *WORLDS)
def _(world):
    return one_step_actor_critic(*actor_and_critic(world), steps=20, rng=rng(), gamma=0.9)


@case(a2c, *WORLDS)
def _(world):
    return a2c(*actor_and_critic(world), steps=80, rng=rng(), lam=0.9, entropy_weight=0.01)


@case(delayed_a2c, *WORLDS)
def _(world):
    return delayed_a2c(*actor_and_critic(world), steps=80, rng=rng(), delay=2)


LEASHES = {
    "no leash": {"steps": 8},  # the decoding of its fourth step is recorded
    "a reference of its own": {"beta": 0.1, "epochs": 2},
    "another as reference": {"beta": 0.1, "kl": "loss"},
}


@case(grpo, *LEASHES)
def _(leash):
    tokenizer = word_tokenizer(TOY_WORDS, ".")
    model, other = (tiny_gpt2(tokenizer, rng=rng(seed)) for seed in (1, 2))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    more = LEASHES[leash] | ({"reference": other} if leash == "another as reference" else {})
    settings = {"steps": 4, "max_new_tokens": TOY_LENGTH, "prompts_per_step": 2, "group_size": 4} | more
    return grpo(model, tokenizer, list(TOY_PROMPTS), agreement, optimizer, rng=rng(), **settings)


# The theorem


def trainers():
    """Every function of the package under `@trainer`."""
    found = set()
    for module in pkgutil.walk_packages(rlbook.__path__, "rlbook."):
        for function in vars(importlib.import_module(module.name)).values():
            wrapped = inspect.unwrap(function) if inspect.isfunction(function) else function
            if wrapped is not function and "memory" in inspect.signature(wrapped).parameters:
                found.add(function)
    return found


def test_every_trainer_has_a_case():
    assert {learn for learn, _ in CASES.values()} == trainers() >= {reinforce, reinforce_with_baseline}


def same(one, other):
    """Whether two things are equal bit for bit, of the same types; nan is nan, and times are free."""
    if type(one) is not type(other):
        return False
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one.nan_to_num(-9), other.nan_to_num(-9))
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype.kind in "fc")
    if hasattr(one, "_fields"):
        return all(field.endswith("per_second") or same(*pair) for field, *pair in zip(one._fields, one, other))
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    return one == other or (one != one and other != other)


def spoil(training):
    """Change all that a resumed training has to get from the file."""
    for argument in training.arguments.values():
        if isinstance(argument, nn.Module):
            with torch.no_grad():
                for tensor in argument.state_dict().values():
                    tensor.add_(1)
        elif isinstance(argument, torch.optim.Optimizer):
            for group in argument.param_groups:
                group["lr"] = 1.0
        elif isinstance(argument, np.random.Generator):
            argument.random(5)
        elif isinstance(argument, gymnasium.vector.VectorEnv):
            argument.reset(seed=99)
            argument.step(argument.action_space.sample())
    return training


def contents(training):
    """All that the next update depends on, as copies; of environments, whose pickles may differ, what they do next."""
    state = copy.deepcopy(training.state())
    for name, argument in training.arguments.items():
        if isinstance(argument, gymnasium.vector.VectorEnv):
            env = copy.deepcopy(argument)
            env.action_space.seed(0)
            actions = [env.action_space.sample() for _ in range(25)]
            state["arguments"][name] = [env.step(action)[:4] for action in actions]
    return state


@pytest.mark.parametrize("name", CASES)
def test_a_resumed_training_is_the_one_that_was_not_interrupted(name, tmp_path):
    _, make = CASES[name]
    plain = list(make())
    training, records = make(), []
    for k, record in enumerate(training):
        records.append(record)
        save(training, tmp_path / f"{k}")
    assert same(records, plain) and len(records) >= 4  # to save changes nothing
    for k in range(len(records)):
        again = resume(spoil(make()), tmp_path / f"{k}")
        assert same(list(again), records[k + 1 :]), f"resumed after record {k}"
        assert same(contents(again), contents(training)), f"resumed after record {k}"
