"""A training that was saved and resumed is the one that was not, bit for bit; what does not fit changes nothing.

A new trainer needs a case: a small function under `@case` that makes everything anew, the same each time.
"""

import copy
import importlib
import inspect
import os
import pickle
import pkgutil
import re
import subprocess
import sys
from collections import OrderedDict, defaultdict, deque
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import gymnasium
import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn
from torch.utils.tensorboard import SummaryWriter

import rlbook
from rlbook._states import check_fits, packed, restored
from rlbook.deep.actor_critic import a2c, delayed_a2c, one_step_actor_critic
from rlbook.deep.decision_transformer import DecisionTransformer, behaviour_cloning, decision_transformer
from rlbook.deep.dqn import double_dqn, dqn, huber_dqn, n_step_dqn, prioritized_dqn
from rlbook.deep.gaussian import Gaussian
from rlbook.deep.networks import mlp
from rlbook.deep.ppo import ppo
from rlbook.deep.reinforce import reinforce, reinforce_with_baseline
from rlbook.language import policy_gradient
from rlbook.language.family import dapo_loss, dynamic_sampling, group_policy_gradient
from rlbook.language.grpo import grpo
from rlbook.language.models import tiny_gpt2, word_tokenizer
from rlbook.language.pairs import Pairs
from rlbook.language.preferences import dpo
from rlbook.language.reward_model import fit_reward_model, fit_verifier, with_reward_head
from rlbook.language.rewards import TOY_LENGTH, TOY_PROMPTS, TOY_WORDS, agreement
from rlbook.language.rlhf import ppo as token_ppo
from rlbook.language.rlhf import value_head
from rlbook.logged import log_episodes
from rlbook.surrogate import k3
from rlbook.training import log_to, resume, save, trainer
from rlbook.worlds import short_corridor
from rlbook.worlds.linear_quadratic import LinearQuadratic

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


@case(ppo, *WORLDS, "rail")
def _(world):
    settings = dict(steps=200, rng=rng(), lam=0.9, rollout_steps=16, epochs=2, minibatches=3)
    if world != "rail":
        return ppo(*actor_and_critic(world), **settings)
    env = LinearQuadratic(3, [[1, 0.5], [0, 1]], [[0.1], [0.5]], np.eye(2), [[0.5]], max_steps=7)
    policy, value = Gaussian(mlp(2, 4, 1, rng=rng(1)), 1), mlp(2, 4, 1, rng=rng(2))
    return ppo(env, policy, value, torch.optim.Adam([*policy.parameters(), *value.parameters()], lr=0.01), **settings)


def logged_walks():
    return log_episodes(short_corridor(), np.full((4, 2), 0.5), episodes=20, rng=rng(2), max_steps=6)


@case(decision_transformer)
def _():
    model = DecisionTransformer(4, 2, max_steps=6, rng=rng(1), width=8)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    return decision_transformer(model, logged_walks(), optimizer, updates=5, rng=rng(), batch_size=7)


@case(behaviour_cloning)
def _():
    policy = nn.Embedding.from_pretrained(torch.zeros(4, 2), freeze=False)
    optimizer = torch.optim.Adam(policy.parameters(), lr=0.1)
    return behaviour_cloning(policy, logged_walks(), optimizer, updates=5, rng=rng(), batch_size=7)


LEASHES = {
    "no leash": {"steps": 8},  # the decoding of its fourth step is recorded
    "a reference of its own": {"beta": 0.1, "epochs": 2},
    "another as reference": {"beta": 0.1, "kl": "loss"},
}


def on_a_leash(learn, leash):
    """A trainer of language models, its own settings chosen by the leash."""
    tokenizer = word_tokenizer(TOY_WORDS, ".")
    model, other = (tiny_gpt2(tokenizer, rng=rng(seed)) for seed in (1, 2))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    more = LEASHES[leash] | ({"reference": other} if leash == "another as reference" else {})
    settings = {"steps": 4, "max_new_tokens": TOY_LENGTH, "prompts_per_step": 2, "group_size": 4} | more
    return learn(model, tokenizer, list(TOY_PROMPTS), agreement, optimizer, rng=rng(), **settings)


case(grpo, *LEASHES)(partial(on_a_leash, grpo))
LEASHES |= {"a short one": {"beta": 0.1}}
for learn in (policy_gradient.reinforce, policy_gradient.rloo, policy_gradient.remax):
    case(learn, "no leash", "a short one")(partial(on_a_leash, learn))
LEASHES |= {"losses of its own": {"loss": dynamic_sampling(dapo_loss), "epochs": 2}}
case(group_policy_gradient, "losses of its own")(partial(on_a_leash, group_policy_gradient))


VALUED = {
    "no leash": {"epochs": 2},
    "adapted": {"beta": 0.1, "target_kl": 0.5, "horizon": 40, "minibatches": 3},
    "in the loss": {"beta": 0.1, "kl": "loss", "estimator": k3, "unfinished": -1.0},
}


@case(token_ppo, *VALUED)
def _(leash):
    tokenizer = word_tokenizer(TOY_WORDS, ".")
    model = tiny_gpt2(tokenizer, rng=rng(1))
    value = value_head(model)
    optimizer = torch.optim.AdamW([*model.parameters(), *value.parameters()], lr=0.01)
    settings = {"steps": 4, "max_new_tokens": TOY_LENGTH, "prompts_per_step": 2, "group_size": 4} | VALUED[leash]
    return token_ppo(model, tokenizer, list(TOY_PROMPTS), agreement, optimizer, value=value, rng=rng(), **settings)


def reward_model():
    """A tiny model with a reward head, its tokenizer, and an optimizer of it that remembers."""
    tokenizer = word_tokenizer(TOY_WORDS, end=".")
    model = with_reward_head(tiny_gpt2(tokenizer, rng=rng(1), layers=1, width=16))
    return model, tokenizer, torch.optim.Adam(model.parameters(), lr=0.01)


@case(fit_reward_model)
def _():
    model, tokenizer, optimizer = reward_model()
    pairs = Pairs(["good .", "bad .", "good ."], ["very good", "bad", "good"], ["bad", "good", "not good"])
    return fit_reward_model(model, tokenizer, pairs, optimizer, steps=4, batch_size=2, rng=rng())


@case(fit_verifier)
def _():
    model, tokenizer, optimizer = reward_model()
    marked = ["good .", "bad .", "good ."], ["very good", "good", "not good"], [1.0, 0.0, 0.5]
    return fit_verifier(model, tokenizer, *marked, optimizer, steps=4, batch_size=2, rng=rng())


@case(dpo)
def _():
    tokenizer = word_tokenizer(TOY_WORDS, ".")
    model = tiny_gpt2(tokenizer, rng=rng(1))
    pairs = Pairs(["good .", "bad .", "good ."], ["very good", "bad", "good"], ["bad", "good", "not good"])
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    settings = {"steps": 4, "max_new_tokens": TOY_LENGTH, "pairs_per_step": 2}
    return dpo(model, tokenizer, pairs, optimizer, rng=rng(), **settings)


def q_network(world):
    """Environments, action values, an optimizer that remembers, and a run of a few updates from a small memory."""
    env, draw = WORLDS[world](), rng(1)
    values = network(env, env.single_action_space.n, draw)
    optimizer = torch.optim.Adam(values.parameters(), lr=0.01)
    sizes = dict(exploration_steps=20, learning_starts=20, capacity=25, batch_size=4)
    return (env, values, optimizer), dict(steps=34, rng=rng(), **sizes)


@case(dqn, *WORLDS)
def _(world):
    arguments, settings = q_network(world)
    return dqn(*arguments, **settings)


@case(double_dqn, *WORLDS)
def _(world):
    arguments, settings = q_network(world)
    return double_dqn(*arguments, **settings, target_every=3, tau=0.5)


@case(n_step_dqn, *WORLDS)
def _(world):
    arguments, settings = q_network(world)
    return n_step_dqn(*arguments, **settings)


@case(prioritized_dqn, *WORLDS)
def _(world):
    arguments, settings = q_network(world)
    return prioritized_dqn(*arguments, **settings)


@case(huber_dqn, *WORLDS)
def _(world):
    arguments, settings = q_network(world)
    return huber_dqn(*arguments, **settings)


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
                    tensor.add_(0.01 if tensor.is_floating_point() else 1)  # a model that still reads texts
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


def on_device(name, device):
    """The training of a case, and its networks, which have been moved to the device."""
    training = CASES[name][1]()
    networks = [argument.to(device) for argument in training.arguments.values() if isinstance(argument, nn.Module)]
    return training, networks


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("name", CASES)
def test_every_trainer_trains_and_resumes_on_a_gpu(name, tmp_path, device="cuda"):
    training, networks = on_device(name, device)
    before = [parameter.detach().clone() for network in networks for parameter in network.parameters()]
    records = [next(training)]
    save(training, tmp_path / "file")
    records += training
    after = [parameter for network in networks for parameter in network.parameters()]
    assert len(records) >= 4
    assert all(parameter.device.type == device and parameter.isfinite().all() for parameter in after)
    assert any(not torch.equal(*pair) for pair in zip(before, after))
    training, networks = on_device(name, device)
    assert len(list(resume(training, tmp_path / "file"))) == len(records) - 1
    resumed = [parameter for network in networks for parameter in network.parameters()]
    torch.testing.assert_close(resumed, after, atol=1e-4, rtol=1e-4)


# What a trainer may carry, and what may be among its arguments


class Seen(NamedTuple):
    """Of `carry`: what was carried until this update."""

    update: int
    before: object


class Pair(NamedTuple):
    number: object
    row: object


@trainer
def carry(values, *, memory):
    """Carry one value after another."""
    memory.begin(update=0, value=values[0])
    while memory.update < len(values) - 1:
        memory.update += 1
        before, memory.value = memory.value, values[memory.update]
        yield Seen(memory.update, before)


VALUES = {
    "whole numbers": [0, 1, 2**200],
    "numbers": [0.5, 1 / 3, float("nan")],
    "from whole to real": [0, 0.25, -float("inf")],
    "truths": [False, True, np.True_],
    "numbers of NumPy": [np.float32(0.1), np.float64(1 / 3), np.float16(0.1)],
    "whole numbers of NumPy": [np.int64(3), np.uint8(255), np.uint64(2**64 - 1)],
    "complex numbers": [1j, np.complex64(2 + 1j), 0j],
    "nothing, then an array": [None, np.arange(3.0), None],
    "texts": ["", "γ\n", "λ"],
    "bytes": [b"", b"\x00\xff", b"1"],
    "arrays": [np.zeros(3), np.array([0.1, np.nan, -0.0]), np.ones(3)],
    "arrays of truths": [np.zeros((2, 2), bool), np.eye(2) > 0, np.ones((2, 2), bool)],
    "arrays without a dimension": [np.array(1.5), np.array(2.5), np.array(3.5)],
    "empty arrays": [np.zeros((0, 3)), np.ones((0, 3)), np.zeros((0, 3))],
    "half an array": [np.zeros(3, np.float16), np.arange(6, dtype=np.float16)[::2], np.ones(3, np.float16)],
    "an array backwards": [np.zeros(3), np.arange(3.0)[::-1], np.ones(3)],
    "tensors": [torch.zeros(2), torch.tensor([0.1, float("nan")]), torch.ones(2)],
    "tensors without a dimension": [torch.tensor(True), torch.tensor(False), torch.tensor(True)],
    "half a tensor": [torch.zeros(2, dtype=torch.bfloat16), torch.full((2,), 0.1, dtype=torch.bfloat16), None],
    "types": [torch.float32, torch.bfloat16, torch.Size([2, 3])],
    "a list that grows": [[], [1, 2.5], [1, 2.5, np.float32(0.1)]],
    "nested tuples": [(0, (None, ())), (1, (True, (np.int32(2), "x"))), (2, (None, ()))],
    "a tuple that grows": [(), ((1,), [np.arange(2)]), None],
    "dicts": [{}, {1: np.arange(2), "a": (None, {2.5: b"z", True: [np.bool_(True)]})}, {}],
    "dicts of the same keys": [{"a": np.zeros(2)}, {"a": np.ones(2)}, {"a": np.ones(2)}],
    "an ordered dict": [OrderedDict(), OrderedDict(b=np.float32(1), a=2), None],
    "named tuples": [Pair(0, np.zeros(2)), Pair(np.float32(1), np.ones(2)), Pair(None, np.ones(2))],
    "a named tuple in a list": [[Pair(0, None)], [Pair(1, Pair)][:0] + [Pair("x", (1,))], []],
}


@pytest.mark.parametrize("values", VALUES)
def test_what_is_carried_comes_back_as_it_was(values, tmp_path):
    values = VALUES[values]
    training = carry(values)
    next(training)
    save(training, tmp_path / "file")
    (record,) = resume(carry(values), tmp_path / "file")
    assert same(record.before, values[1]) and record.update == 2
    if isinstance(values[1], np.ndarray):
        assert record.before.flags.writeable


def test_the_layout_of_an_array_is_kept():
    """A sum over rows rounds otherwise than one over columns."""
    array = np.asfortranarray(rng().normal(size=(3, 4)))
    name, saved = "x", packed("x", array, {})
    assert restored(name, array, saved, {}).flags.f_contiguous


@pytest.mark.parametrize(
    "value",
    [
        {1, 2},
        deque([1], maxlen=3),
        np.array(["a", "b"]),
        np.array([None, 1]),
        np.datetime64("2020-01-01"),
        np.longdouble(1),
        np.ma.array([1.0]),
        lambda: 1,
        Pair,
        inspect.Parameter.POSITIONAL_ONLY,
        defaultdict(int),
        {(1, 2): 3},
        object(),
        iter([1]),
    ],
)
def test_what_no_file_can_hold_is_refused_when_it_is_saved(value, tmp_path):
    (tmp_path / "file").write_text("older")
    for carried, place in [(value, "memory.value"), ([0, {"a": value}], "memory.value[1]['a']")]:
        training = carry([carried, carried, carried])
        next(training)
        with pytest.raises(TypeError, match=re.escape(place)) as error:
            save(training, tmp_path / "file")
        assert len(str(error.value)) < 500 and (tmp_path / "file").read_text() == "older"


def test_only_what_was_begun_is_carried():
    @trainer
    def forgetful(*, memory):
        memory.begin(update=0)
        memory.average = 1.0
        yield 1

    with pytest.raises(AttributeError, match=r"memory has no average, expected one of .*\['update'\]"):
        next(forgetful())


class Fit(NamedTuple):
    update: int
    loss: float
    drawn: float


@trainer
def fit(networks, optimizers, env, *, updates, rng, memory):
    """Fit networks to noise: all that a training can depend on, in containers."""
    target = copy.deepcopy(networks)
    generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
    memory.begin(
        update=0, target=target, randomness=(generator, [np.random.Generator(np.random.MT19937(1))]), place=None
    )
    while memory.update < updates:
        memory.update += 1
        if memory.place is None:
            memory.place = env.reset(seed=int(rng.integers(2**31)))[0]
        action = np.array([rng.integers(2)] * env.num_envs)
        memory.place = env.step(action)[0]
        generator, (more,) = memory.randomness
        x = torch.tensor(memory.place, dtype=torch.float32) + torch.randn(env.num_envs, 4, generator=generator)
        loss = sum(((network(x) - old(x).detach() - 1) ** 2).mean() for network, old in zip(networks, memory.target))
        for optimizer in optimizers.values():
            optimizer.zero_grad()
        loss.backward()
        for optimizer in optimizers.values():
            optimizer.step()
        if memory.update % 2 == 0:
            for network, old in zip(networks, memory.target):
                old.load_state_dict(network.state_dict())
        yield Fit(memory.update, loss.item(), more.random())


def pole(num_envs=2, **more):
    return gymnasium.make_vec("CartPole-v1", num_envs=num_envs, **{"vectorization_mode": "sync"} | more)


def fitting(networks=None, optimizer=None, env=None, updates=6, rng=None):
    networks = networks or [mlp(4, 3, 1, rng=np.random.default_rng(1)), mlp(4, 3, 1, rng=np.random.default_rng(2))]
    weights = list(dict.fromkeys(weight for network in networks for weight in network.parameters()))
    optimizer = (optimizer or torch.optim.Adam)(weights)
    return fit(networks, {"all": optimizer}, env or pole(), updates=updates, rng=rng or np.random.default_rng(0))


def shared_body():
    body = nn.Linear(4, 3)
    return [nn.Sequential(body, nn.Linear(3, 1)), nn.Sequential(body, nn.Linear(3, 1))]


def one_network_twice():
    return [nn.Linear(4, 1)] * 2


def with_buffers():
    return [nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))]


def half_frozen():
    network = mlp(4, 3, 1, rng=np.random.default_rng(1))
    network[0].weight.requires_grad_(False)
    return [network]


class Extra(nn.Linear):
    """A layer with a state besides its tensors."""

    seen = np.float64(0)

    def forward(self, x):
        self.seen = self.seen + x.sum().item()
        return super().forward(x) + self.seen

    def get_extra_state(self):
        return {"seen": self.seen}

    def set_extra_state(self, state):
        self.seen = state["seen"]


def groups(weights):
    return torch.optim.SGD(
        [{"params": weights[:2], "lr": 0.1}, {"params": weights[2:]}], lr=np.float32(0.01), momentum=0.9
    )


def lambdas():
    """Environments made by closures over what has a state of its own."""
    shift = {"by": 0.0}

    def moved(observation):
        shift["by"] += 0.01
        return observation + np.float32(shift["by"])

    def make():
        env = gymnasium.make("CartPole-v1")
        return gymnasium.wrappers.TransformObservation(env, moved, env.observation_space)

    return gymnasium.vector.SyncVectorEnv([make, lambda: gymnasium.make("CartPole-v1")])


class Borrowing(gymnasium.vector.VectorWrapper):
    """Environments that draw from the trainer's generator, and know themselves."""

    def __init__(self, env, rng):
        super().__init__(env)
        self.rng, self.itself = rng, self

    def step(self, actions):
        observation, *rest = self.itself.env.step(actions)
        return observation + np.float32(self.rng.normal(scale=0.01)), *rest


def borrowing():
    generator = np.random.default_rng(0)
    return {"env": Borrowing(pole(), generator), "rng": generator}


KINDS = {
    "two networks": dict,
    "a shared body": lambda: {"networks": shared_body()},
    "one network twice": lambda: {"networks": one_network_twice()},
    "batch normalisation": lambda: {"networks": with_buffers()},
    "a frozen layer": lambda: {"networks": half_frozen()},
    "an extra state": lambda: {"networks": [Extra(4, 1)]},
    "momentum, groups, NumPy's step sizes": lambda: {"optimizer": groups},
    "AdamW, AMSGrad": lambda: {"optimizer": partial(torch.optim.AdamW, amsgrad=True, lr=0.01)},
    "RMSprop": lambda: {"optimizer": partial(torch.optim.RMSprop, momentum=0.5, centered=True)},
    "Adafactor": lambda: {"optimizer": torch.optim.Adafactor},
    "a step size that is a tensor": lambda: {"optimizer": partial(torch.optim.Adam, lr=torch.tensor(0.01))},
    "Mersenne's twister": lambda: {"rng": np.random.Generator(np.random.MT19937(3))},
    "Philox": lambda: {"rng": np.random.Generator(np.random.Philox(3))},
    "SFC": lambda: {"rng": np.random.Generator(np.random.SFC64(3))},
    "vectorised": lambda: {"env": pole(vectorization_mode="vector_entry_point")},
    "statistics kept": lambda: {"env": gymnasium.wrappers.vector.RecordEpisodeStatistics(pole())},
    "normalised": lambda: {"env": gymnasium.wrappers.vector.NormalizeObservation(pole())},
    "closures": lambda: {"env": lambdas()},
    "no copies": lambda: {
        "env": gymnasium.vector.SyncVectorEnv([lambda: gymnasium.make("CartPole-v1")] * 2, copy=False)
    },
    "an environment that borrows": borrowing,
}


@pytest.mark.parametrize("kind", KINDS)
def test_arguments_of_any_kind(kind, tmp_path):
    def make():
        torch.manual_seed(0)
        return fitting(**KINDS[kind]())

    training, records = make(), []
    for k, record in enumerate(training):
        records.append(record)
        save(training, tmp_path / f"{k}")
    for k in range(5):
        again = resume(make(), tmp_path / f"{k}")
        assert same(list(again), records[k + 1 :])
        assert same(again.state()["arguments"]["networks[0]"], training.state()["arguments"]["networks[0]"])


def test_under_autocast_too(tmp_path):
    _, make = CASES["language.grpo.grpo, a reference of its own"]
    with torch.autocast("cpu", torch.bfloat16):
        records, training = [], make()
        for record in training:
            records.append(record)
            save(training, tmp_path / f"{record.step}")
        assert same(list(resume(spoil(make()), tmp_path / "2")), records[2:])


def test_what_an_environment_borrows_is_borrowed_again(tmp_path):
    arguments = borrowing()
    training = fitting(**arguments)
    next(training)
    save(training, tmp_path / "file")
    env, generator = (arguments := borrowing())["env"], arguments["rng"]
    resume(fitting(**arguments), tmp_path / "file")
    assert env.rng is generator and env.itself is env


def test_a_schedule_of_the_callers_is_saved_beside(tmp_path):
    """It is no argument: what it has set is in the optimizer, what it will set is not."""

    def make():
        network = nn.Linear(4, 2)
        network.load_state_dict({"weight": torch.ones(2, 4), "bias": torch.zeros(2)})
        optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
        return reinforce(pole(), network, optimizer, updates=6, rng=rng()), optimizer

    def halving(optimizer):
        return torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)

    records, (training, optimizer) = [], make()
    scheduler = halving(optimizer)
    for record in training:
        records.append(record)
        scheduler.step()
        if record.update == 3:
            save(training, tmp_path / "file")
            torch.save(scheduler.state_dict(), tmp_path / "schedule")
    again, optimizer = make()
    scheduler = halving(optimizer)
    resume(again, tmp_path / "file")
    scheduler.load_state_dict(torch.load(tmp_path / "schedule"))
    assert optimizer.param_groups[0]["lr"] == 0.05
    for record, expected in zip(again, records[3:], strict=True):
        scheduler.step()
        assert same(record, expected)


def test_a_step_size_changed_after_resuming_is_the_one_that_counts(tmp_path):
    training = fitting()
    next(training)
    save(training, tmp_path / "file")
    again = resume(fitting(optimizer=partial(torch.optim.Adam, lr=0.5)), tmp_path / "file")
    group = again.arguments["optimizers"]["all"].param_groups[0]
    assert group["lr"] == 1e-3
    group["lr"] = 0.0
    before = copy.deepcopy(again.arguments["networks"][0].state_dict())
    next(again)
    assert same(dict(before), dict(again.arguments["networks"][0].state_dict())) and group["lr"] == 0


def test_a_finished_training_goes_on_if_it_may_do_more(tmp_path):
    longer = list(fitting(updates=9))
    training = fitting(updates=4)
    list(training)
    save(training, tmp_path / "file")
    assert list(resume(fitting(updates=4), tmp_path / "file")) == []
    assert list(resume(fitting(updates=9), tmp_path / "file")) == longer[4:]


def test_networks_are_there_as_soon_as_it_is_resumed(tmp_path):
    """Not only at the next record; and what is done with environments and generators before that does not matter."""
    training = fitting()
    next(training)
    save(training, tmp_path / "file")
    generator, env = rng(5), pole()
    again = resume(fitting(env=env, rng=generator), tmp_path / "file")
    assert same(*(dict(each.arguments["networks"][0].state_dict()) for each in (training, again)))
    env.reset(seed=7)
    env.step(env.action_space.sample())
    generator.random(10)
    assert list(again) == list(training)


# Kills

KILLED = """
import os, signal, sys, time
from pathlib import Path
import numpy as np
from rlbook.training import resume, save
from test_training import actor_and_critic, rng
from rlbook.deep.actor_critic import a2c

EVERY, path = 4, Path(sys.argv[1]) / "checkpoint"


def make():
    return a2c(*actor_and_critic("CartPole"), steps=6000, rng=rng(), lam=0.9)


def weights(training):
    return [parameter.detach().numpy().tobytes() for parameter in training.arguments["policy"].parameters()]


def work(pipe):
    training = make()
    if path.exists():
        resume(training, path)
    for record in training:
        os.write(pipe, b"%d\\n" % record.update)
        if record.update % EVERY == 0:
            save(training, path)
    return training


chance, reached, kills = np.random.default_rng(int(sys.argv[2])), 0, []
while len(kills) < 10:
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        work(write)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as lines:
        first = int(next(lines))
        assert reached - EVERY < first <= reached + 1, (reached, first)  # lost: what came after the last save
        for _ in range(chance.integers(60)):
            reached = int(next(lines))
        time.sleep(chance.uniform(0, 0.01))
        os.kill(pid, signal.SIGKILL)
        assert os.WIFSIGNALED(os.waitpid(pid, 0)[1])
        reached = max([first, reached, *map(int, lines)])
    kills.append(reached)
with open(os.devnull, "w") as nowhere:
    training = work(nowhere.fileno())
plain = make()
last = list(plain)[-1].update
assert weights(training) == weights(plain)
print(last, kills)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a system without fork")
def test_ten_kills_lose_no_more_than_what_came_after_the_last_save(tmp_path):
    """A process that is killed by the system, at any moment, and each time started again."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    command = [sys.executable, "-c", KILLED, str(tmp_path), "0"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    last, *kills = map(int, re.findall(r"\d+", done.stdout))
    assert len(kills) == 10 and kills == sorted(kills) and kills[-1] < last and kills[-1] > 50


@pytest.mark.parametrize("error", [OSError("no space left"), KeyboardInterrupt()])
def test_a_save_that_fails_leaves_the_older_file(error, tmp_path, monkeypatch):
    training = fitting()
    next(training)
    save(training, tmp_path / "file")
    before = (tmp_path / "file").read_bytes()
    next(training)

    def half(contents, file):
        file.write(b"PK half of it")
        raise error

    monkeypatch.setattr(torch, "save", half)
    with pytest.raises(type(error)):
        save(training, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == before
    monkeypatch.undo()
    save(training, tmp_path / "file")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


# What does not fit


def elsewhere():
    return gymnasium.make_vec("CartPole-v1", num_envs=2, vectorization_mode="async")


def linear():
    return mlp(4, 1, rng=rng())[0]


def saved(path, training=None, records=1):
    training = training or fitting()
    for _ in range(records):
        next(training)
    save(training, path)
    return path


def edited(path, change):
    """The checkpoint with something changed in it."""
    contents = torch.load(saved(path), weights_only=True)
    change(contents)
    torch.save(contents, path)
    return path


def written(path, contents):
    path.write_bytes(contents)
    return path


def flipped(path):
    """One bit of a weight."""
    contents = bytearray(saved(path).read_bytes())
    place = contents.find(
        torch.load(path, weights_only=True)["arguments"]["networks[0]"]["state"]["contents"]["0.weight"]
        .numpy()
        .tobytes()
    )
    contents[place + 3] ^= 1
    return written(path, bytes(contents))


def stored(path, contents):
    torch.save(contents, path)
    return path


class Wide(NamedTuple):
    number: object
    row: object
    other: object


REFUSED = {  # {what: (a function of a path that writes the file, the training that would be resumed, words of the error)}
    "another trainer": (
        lambda path: saved(path, carry([1, 2])),
        fitting,
        "checkpoint of test_training.carry, expected",
    ),
    "an older format": (lambda path: edited(path, lambda c: c.update(format=0)), fitting, "has format 0, expected 1"),
    "a format of others": (lambda path: stored(path, {"format": "gguf"}), fitting, "has format 'gguf', expected 1"),
    "a part missing": (lambda path: edited(path, lambda c: c.pop("memory")), fitting, "holds ['arguments', 'format'"),
    "a text": (lambda path: written(path, b"step,loss\n1,0.5\n"), fitting, "is no checkpoint, or a broken one"),
    "an empty file": (lambda path: written(path, b""), fitting, "is no checkpoint, or a broken one"),
    "a pickle": (lambda path: written(path, pickle.dumps({"format": 1})), fitting, "is no checkpoint"),
    "an archive": (lambda path: np.savez(path.open("wb"), a=np.ones(2)) or path, fitting, "is no checkpoint"),
    "weights alone": (lambda path: stored(path, linear().state_dict()), fitting, "is no checkpoint of a training"),
    "a whole network": (lambda path: stored(path, linear()), fitting, "is no checkpoint"),
    "a list": (lambda path: stored(path, [1, 2]), fitting, "is no checkpoint of a training"),
    "half of it": (
        lambda path: written(path, saved(path).read_bytes()[:-900]),
        fitting,
        "is no checkpoint, or a broken",
    ),
    "a bit flipped": (flipped, fitting, "is broken: the checksum of 'archive/data/"),
    "wider layers": (
        saved,
        lambda: fitting([mlp(4, 5, 1, rng=rng()), mlp(4, 3, 1, rng=rng())]),
        "0.weight of networks[0] is torch.float32 (5, 4), in the checkpoint torch.float32 (3, 4)",
    ),
    "more layers": (
        saved,
        lambda: fitting([mlp(4, 3, 1, rng=rng()), mlp(4, 3, 3, 1, rng=rng())]),
        "of networks[1] is ",
    ),
    "other layers": (
        saved,
        lambda: fitting([linear(), linear()]),
        "networks[0] is Linear, in the checkpoint Sequential",
    ),
    "fewer networks": (saved, lambda: fitting([mlp(4, 3, 1, rng=rng())]), "'networks[1]'"),
    "double precision": (
        saved,
        lambda: fitting([mlp(4, 3, 1, rng=rng()), mlp(4, 3, 1, rng=rng()).double()]),
        "networks[1] is torch.float64 (3, 4), in the checkpoint torch.float32",
    ),
    "another optimizer": (
        saved,
        lambda: fitting(optimizer=torch.optim.AdamW),
        "optimizers['all'] is AdamW, in the checkpoint Adam",
    ),
    "other groups": (
        lambda path: saved(path, fitting(optimizer=groups)),
        lambda: fitting(optimizer=partial(torch.optim.SGD, lr=0.1)),
        "of optimizers['all'] is ",
    ),
    "parameters in another order": (
        saved,
        lambda: fitting(optimizer=lambda w: torch.optim.Adam(w[::-1])),
        "parameter 0 in group 0 of optimizers['all'] is torch.float32 (1,), in the checkpoint torch.float32 (3, 4)",
    ),
    "another generator": (
        saved,
        lambda: fitting(rng=np.random.Generator(np.random.Philox(1))),
        "rng is Philox, in the checkpoint PCG64",
    ),
    "more environments": (saved, lambda: fitting(env=pole(3)), "num_envs of env is 3, in the checkpoint 2"),
    "other environments": (
        saved,
        lambda: fitting(env=gymnasium.make_vec("Acrobot-v1", num_envs=2, vectorization_mode="sync")),
        "single_observation_space of env is Box",
    ),
    "environments of another kind": (
        saved,
        lambda: fitting(env=pole(vectorization_mode="vector_entry_point")),
        "env is CartPoleVectorEnv, in the checkpoint SyncVectorEnv",
    ),
    "environments elsewhere": (
        saved,
        lambda: fitting(env=elsewhere()),
        "env is a AsyncVectorEnv that cannot be copied",
    ),
    "another choice": (
        lambda path: saved(path, carry([np.ones(2)] * 3)),
        lambda: carry([np.ones(3)] * 3),
        "memory.value is float64 (3,), in the checkpoint float64 (2,)",
    ),
    "another type carried": (
        lambda path: saved(path, carry([torch.ones(2)] * 3)),
        lambda: carry([torch.ones(2).half()] * 3),
        "memory.value is torch.float16 (2,), in the checkpoint torch.float32",
    ),
    "another record carried": (
        lambda path: saved(path, carry([Pair(1, 2)] * 3)),
        lambda: carry([Wide(1, 2, 3)] * 3),
        "memory.value is Wide, in the checkpoint Pair",
    ),
    "another name carried": (lambda path: edited(path, lambda c: c["memory"].update(more=1)), fitting, "'more'"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_does_not_fit_is_refused_and_nothing_has_changed(what, tmp_path):
    write, make, words = REFUSED[what]
    path, training, untouched = write(tmp_path / "file"), make(), make()
    for each in (training, untouched):
        if "env" in each.arguments:
            each.arguments["env"].reset(seed=3)
    with pytest.raises((ValueError, TypeError), match=re.escape(words)) as error:
        resume(training, path)
    assert len(str(error.value)) < 500
    if what == "environments elsewhere":
        training.arguments["env"].close()
        untouched.arguments["env"].close()
    else:
        assert same(contents(training), contents(untouched)) and training.phase == inspect.GEN_CREATED


def test_what_has_nothing_to_be_restored_into_is_refused():
    with pytest.raises(ValueError, match=r"x\[0\] is Linear in the checkpoint, and nothing here could become it"):
        check_fits("x", [], packed("x", [linear()], {}), {})
    with pytest.raises(ValueError, match=r"x is None, in the checkpoint Linear"):
        check_fits("x", None, packed("x", linear(), {}), {})


class Remade(gymnasium.Env, gymnasium.utils.EzPickle):
    """An environment whose pickle makes it anew: its state would be lost without a word."""

    observation_space, action_space = gymnasium.spaces.Box(-9, 9, (4,)), gymnasium.spaces.Discrete(2)

    def __init__(self):
        gymnasium.utils.EzPickle.__init__(self)
        self.t = 0

    def reset(self, *, seed=None, options=None):
        return np.zeros(4, np.float32), {}

    def step(self, action):
        self.t += 1
        return np.full(4, self.t, np.float32), 1.0, False, False, {}


class Windowed(gymnasium.vector.VectorWrapper):
    """Environments that hold what cannot be copied."""

    def __init__(self, env):
        super().__init__(env)
        self.window = (line for line in "abc")


@pytest.mark.parametrize(
    "make, words",
    [
        (elsewhere, "env is a AsyncVectorEnv that cannot be copied"),
        (
            lambda: gymnasium.vector.SyncVectorEnv([Remade] * 2),
            "env is a SyncVectorEnv that cannot be copied .*Remade, .*EzPickle",
        ),
        (lambda: Windowed(pole()), "env is a Windowed that cannot be copied .*generator"),
    ],
)
def test_environments_that_cannot_be_copied(make, words, tmp_path):
    (tmp_path / "file").write_text("older")
    env = make()
    training = fitting(env=env)
    next(training)
    with pytest.raises(TypeError, match=words) as error:
        save(training, tmp_path / "file")
    assert len(str(error.value)) < 500 and (tmp_path / "file").read_text() == "older"
    next(training)  # the training itself goes on
    env.close()


def failing(at):
    """A training whose update `at` fails in the middle."""

    class Failing(nn.Linear):
        calls = 0

        def forward(self, x):
            self.calls += 1
            if self.calls == at:
                raise at_fault
            return super().forward(x)

    at_fault = ArithmeticError("here") if at % 2 else KeyboardInterrupt()
    return fitting([Failing(4, 1)]), type(at_fault)


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_training_that_failed_has_no_state(at, tmp_path):
    training, error = failing(at)
    with pytest.raises(error):
        list(training)
    with pytest.raises(ValueError, match=r"an update of test_training\.fit failed"):
        save(training, tmp_path / "file")
    with pytest.raises(ValueError, match="has already started"):
        resume(training, saved(tmp_path / "file"))


def test_nothing_is_saved_in_the_middle_of_an_update(tmp_path):
    class Saving(nn.Linear):
        def forward(self, x):
            save(training, tmp_path / "file")

    training = fitting([Saving(4, 1)])
    with pytest.raises(ValueError, match=r"test_training\.fit is in the middle of an update: save between two"):
        next(training)


def test_at_the_wrong_time_or_of_the_wrong_thing(tmp_path):
    path = saved(tmp_path / "file")
    with pytest.raises(ValueError, match="fit has made no update yet"):
        save(fitting(), path)
    with pytest.raises(ValueError, match="fit has made no update yet"):  # the file is what it would be
        save(resume(fitting(), path), path)
    for started in (fitting(), fitting(updates=1)):
        next(started)
        with pytest.raises(ValueError, match="fit has already started, expected one whose first record"):
            resume(started, path)
    list(started)
    with pytest.raises(ValueError, match="has already started"):
        resume(started, path)
    for thing in (None, nn.Linear(2, 2), iter([1]), fitting):
        for function in (save, resume):
            with pytest.raises(TypeError, match=r"training is .*, expected what a trainer returned"):
                function(thing, path)
    with pytest.raises(FileNotFoundError):
        resume(fitting(), tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError):
        save(started, tmp_path / "no folder" / "file")
    for function in (save, resume):
        with pytest.raises(IsADirectoryError):
            function(fitting() if function is resume else started, tmp_path)


def test_bad_arguments_of_a_trainer_are_refused_before_its_checkpoint_is_put_in_place(tmp_path):
    def make(**more):
        env, policy, _, optimizer = actor_and_critic("corridor")
        return reinforce(env, policy, optimizer, **{"updates": 4, "rng": rng()} | more)

    path = saved(tmp_path / "file", make())
    training = make(gamma=2)
    before = copy.deepcopy(training.arguments["policy"].state_dict())
    with pytest.raises(ValueError, match="gamma is 2"):
        resume(training, path)
    assert same(dict(before), dict(training.arguments["policy"].state_dict()))


def test_an_optimizer_saved_without_rlbook_is_not_a_checkpoint(tmp_path):
    torch.save({"format": 1, "optimizer": torch.optim.Adam(linear().parameters()).state_dict()}, tmp_path / "file")
    with pytest.raises(ValueError, match=r"holds \['format', 'optimizer'\], expected one that `save` wrote"):
        resume(fitting(), tmp_path / "file")


def test_whatever_bits_are_wrong_the_error_is_one_of_a_broken_file_or_there_is_none(tmp_path):
    """Where no error is, the bit was one of no meaning: what comes next is what would have come."""
    whole, chance = saved(tmp_path / "file").read_bytes(), rng()
    expected = list(resume(fitting(), tmp_path / "file"))
    refused = 0
    for _ in range(150):
        contents = bytearray(whole)
        contents[chance.integers(len(contents))] ^= 1 << chance.integers(8)
        written(tmp_path / "file", bytes(contents))
        try:
            again = resume(fitting(), tmp_path / "file")
        except ValueError as error:
            assert "file" in str(error) and len(str(error)) < 500
            refused += 1
        else:
            assert list(again) == expected
    assert refused > 75


# As a function, and as an iterator


def test_a_training_is_called_as_its_function_says():
    assert list(inspect.signature(reinforce).parameters) == [
        "env",
        "policy",
        "optimizer",
        "updates",
        "rng",
        "gamma",
        "max_steps",
    ]
    with pytest.raises(TypeError, match=r"reinforce\(\) missing 1 required keyword-only argument: 'rng'"):
        reinforce(pole(), linear(), None, updates=1)
    with pytest.raises(TypeError, match=r"reinforce\(\) got an unexpected keyword argument 'update'"):
        reinforce(pole(), linear(), None, update=1, rng=rng())
    with pytest.raises(TypeError, match=r"multiple values for keyword argument 'memory'"):
        reinforce(pole(), linear(), None, updates=1, rng=rng(), memory=None)
    training = carry([1, 2, 3])
    assert iter(training) is training and next(training).update == 1
    training.close()
    assert list(training) == []


# TensorBoard


class Logged(NamedTuple):
    step: int
    number: float
    count: np.int64
    array: np.ndarray
    truths: np.ndarray
    truth: bool
    half: np.ndarray
    tensor: torch.Tensor
    learned: torch.Tensor
    coarse: torch.Tensor
    text: str
    texts: list
    numbers: list
    ragged: list
    objects: np.ndarray
    nothing: None
    empty: np.ndarray
    no_tensor: torch.Tensor
    complex_numbers: np.ndarray
    complex_tensor: torch.Tensor
    unknown: float
    endless: float
    partly_unknown: np.ndarray
    unknown_tensor: torch.Tensor


def logged(step):
    return Logged(
        step=step,
        number=step / 4,
        count=np.int64(step),
        array=np.array([[1.0, 2.0], [3.0, 2.0 * step]]),
        truths=np.array([True, False, False, False]),
        truth=step == 20,
        half=np.full(5, 60_000, np.float16),  # whose sum is beyond its type
        tensor=torch.tensor([1, 2, 3]),
        learned=torch.tensor([0.5, 1.0], requires_grad=True) * 3,
        coarse=torch.tensor(0.25, dtype=torch.bfloat16),
        text="7",
        texts=["a", "b"],
        numbers=[1.0, 2.0],
        ragged=[np.zeros(2), np.zeros(3)],
        objects=np.array([1, None]),
        nothing=None,
        empty=np.zeros(0),
        no_tensor=torch.zeros(0),
        complex_numbers=np.ones(2, complex),
        complex_tensor=torch.ones(2, dtype=torch.complex64),
        unknown=float("nan"),
        endless=float("inf"),
        partly_unknown=np.array([1.0, np.nan]),
        unknown_tensor=torch.tensor([1.0, -float("inf")]),
    )


def test_tensorboard_reads_the_numbers_of_each_record(tmp_path):
    """Written by PyTorch's own writer, read by TensorBoard."""
    records = [logged(step) for step in (10, 20, 30)]
    with SummaryWriter(tmp_path) as writer:
        passed = list(log_to(iter(records), writer))
    assert all(one is other for one, other in zip(passed, records, strict=True))
    events = EventAccumulator(str(tmp_path)).Reload()
    read = {tag: [(event.step, event.value) for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
    assert read == {
        "step": [(10, 10), (20, 20), (30, 30)],
        "number": [(10, 2.5), (20, 5), (30, 7.5)],
        "count": [(10, 10), (20, 20), (30, 30)],
        "array": [(10, 6.5), (20, 11.5), (30, 16.5)],
        "truths": [(10, 0.25), (20, 0.25), (30, 0.25)],
        "truth": [(10, 0), (20, 1), (30, 0)],
        "half": [(10, 60_000), (20, 60_000), (30, 60_000)],
        "tensor": [(10, 2), (20, 2), (30, 2)],
        "learned": [(10, 2.25), (20, 2.25), (30, 2.25)],
        "coarse": [(10, 0.25), (20, 0.25), (30, 0.25)],
    }


def test_a_training_is_logged_saved_and_gone_on_with(tmp_path):
    """Each record is asked for when it is wanted; the page of a resumed training goes on where the other stopped."""
    expected = list(fitting())
    for updates, training in [(3, fitting()), (3, fitting())]:
        if (tmp_path / "file").exists():
            resume(training, tmp_path / "file")
        with SummaryWriter(tmp_path / "page") as writer:
            for _, record in zip(range(updates), log_to(training, writer)):
                save(training, tmp_path / "file")
                assert record == expected[record.update - 1]
    events = EventAccumulator(str(tmp_path / "page")).Reload().Scalars("loss")
    assert [(event.step, event.value) for event in events] == [
        (record.update, np.float32(record.loss)) for record in expected
    ]


def test_what_cannot_be_logged():
    training = fitting()
    with pytest.raises(TypeError, match="writer is 'runs', expected a SummaryWriter"):
        next(log_to(training, "runs"))
    assert training.phase == inspect.GEN_CREATED  # nothing was trained for it
    with pytest.raises(TypeError, match=r"a record is {'loss': 1}, expected a NamedTuple with the step"):
        next(log_to([{"loss": 1}], SimpleNamespace(add_scalar=print)))


def test_an_update_does_not_look_through_a_long_argument():
    """Pairs and prompts may be hundreds of thousands: once when it begins, not at each of its records."""
    looked = []

    class Pairs(list):
        def __iter__(self):
            looked.append(0)
            return super().__iter__()

    @trainer
    def counting(pairs, *, rng, memory):
        memory.begin(count=0)
        while True:
            memory.count += int(rng.integers(2))
            yield memory.count

    training = counting(Pairs(["a", "b"]), rng=np.random.default_rng(0))
    before = len(looked)
    for _ in range(5):
        next(training)
    assert before and len(looked) == before
