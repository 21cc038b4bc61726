"""PPO: the first step is A2C's, the clip takes away what it says, real actions, and runs that go on bit for bit."""

import copy
import math

import gymnasium
import numpy as np
import pytest
import torch
from torch import nn

from rlbook.deep.acting import evaluate_actions, log_probabilities, sent
from rlbook.deep.actor_critic import a2c
from rlbook.deep.gaussian import Gaussian
from rlbook.deep.networks import mlp
from rlbook.deep.ppo import Batch, batch_of, parts_of, ppo, ppo_losses, standardized
from rlbook.deep.reinforce import reinforce
from rlbook.deep.rollouts import collect, start
from rlbook.training import resume, save
from rlbook.worlds.linear_quadratic import LinearQuadratic, riccati

torch.set_num_threads(1)


def rng(seed=0):
    return np.random.default_rng(seed)


def cart_poles(num_envs=8):
    return gymnasium.make_vec("CartPole-v1", num_envs=num_envs, vectorization_mode="vector_entry_point")


def adam(*networks, lr=0.01):
    return torch.optim.Adam([p for network in networks for p in network.parameters()], lr=lr)


def sgd(*networks, lr=0.0):
    return torch.optim.SGD([p for network in networks for p in network.parameters()], lr=lr)


def discrete(seed=0):
    return mlp(4, 16, 2, rng=rng(seed), last_gain=0.01), mlp(4, 16, 1, rng=rng(seed + 1))


def gaussian(seed=0):
    return Gaussian(mlp(2, 8, 1, rng=rng(seed)), 1, log_std=-0.5), mlp(2, 8, 1, rng=rng(seed + 1))


RAIL = dict(A=[[1, 0.5], [0, 1]], B=[[0.125], [0.5]], Q=np.diag([1, 0.1]), R=[[0.5]])


def rail(num_envs=8, max_steps=25):
    return LinearQuadratic(num_envs, **RAIL, max_steps=max_steps)


KINDS = {"discrete": (discrete, cart_poles), "gaussian": (gaussian, rail)}


# The loss


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weights", [{}, {"value_weight": 0.3, "entropy_weight": 0.07}])
def test_the_first_step_has_the_gradient_of_actor_critic(kind, weights):
    """Huang et al. (2022): one epoch, one minibatch, no scaling of advantages: the ratio is 1, its gradient grad log pi."""
    make, envs = KINDS[kind]
    gradients = []
    for learn, more in [(a2c, {}), (ppo, {"epochs": 1, "minibatches": 1, "normalize": None})]:
        policy, value = make()
        optimizer = sgd(policy, value)
        (record,) = learn(
            envs(),
            policy,
            value,
            optimizer,
            steps=1,
            rng=rng(3),
            lam=0.9,
            rollout_steps=40,
            max_norm=1e9,
            **weights,
            **more,
        )
        gradients.append([p.grad for p in [*policy.parameters(), *value.parameters()]])
    assert abs(record.kl) < 1e-9 and record.clip_fraction == 0
    for ours, theirs in zip(*gradients):
        assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-5 * float(theirs.abs().max()))
    assert max(float(g.abs().max()) for g in gradients[0]) > 1e-3


def hand_batch(ratio, advantages, *, old_values=(0, 0, 0, 0), targets=(0, 0, 0, 0)):
    """Four steps in states 0 to 3 of a policy that is undecided between two actions, drawn by one with pi / ratio."""
    old_logp = torch.tensor(0.5).log() - torch.tensor(ratio).log()
    columns = (old_logp, *(torch.tensor(column, dtype=torch.float32) for column in (old_values, advantages, targets)))
    return Batch(torch.arange(4), torch.zeros(4, dtype=torch.int64), *columns)


def test_the_policy_loss_by_hand():
    policy, value = nn.Embedding.from_pretrained(torch.zeros(4, 2), freeze=False), nn.Embedding(4, 1)
    losses = ppo_losses(policy, value, hand_batch([1.5, 1.5, 0.5, 0.5], [2, -2, 2, -2]), clip=0.2)
    assert losses.policy.item() == pytest.approx(-(2.4 - 3 + 1 - 1.6) / 4)
    assert losses.clip_fraction == 0.5 and losses.entropy.item() == pytest.approx(math.log(2))
    assert losses.kl.item() == pytest.approx((2 * (0.5 - math.log(1.5)) + 2 * (-0.5 - math.log(0.5))) / 4)
    losses.policy.backward()
    gradient = -policy.weight.grad[:, 0] * 4 / 0.5  # d log pi(0) / d logit is 1 - pi = 0.5
    assert gradient.tolist() == pytest.approx([0, -3, 1, 0])


def test_the_value_loss_with_and_without_the_clip_by_hand():
    """Value 1 everywhere, old value 0: beyond 0.3 the clip counts the error of 0.3 where that is the larger one."""
    policy, value = nn.Embedding(4, 2), nn.Embedding.from_pretrained(torch.ones(4, 1), freeze=False)
    batch = hand_batch([1.0] * 4, [0.0] * 4, old_values=[0, 0, 0.9, 1.5], targets=[2, 0.5, 0, 1])
    plain = ppo_losses(policy, value, batch, clip=0.2).value
    assert plain.item() == pytest.approx((1 + 0.25 + 1 + 0) / 8)
    clipped = ppo_losses(policy, value, batch, clip=0.2, value_clip=0.3).value
    assert clipped.item() == pytest.approx((1.7**2 + 0.25 + 1 + 0.04) / 8)
    clipped.backward()
    assert value.weight.grad[:, 0].tolist() == pytest.approx([0, 0.125, 0.25, 0])


def test_the_surrogate_is_never_above_the_ratio_times_the_advantage():
    draw = torch.Generator().manual_seed(0)
    policy, value = nn.Embedding.from_pretrained(torch.zeros(4, 2)), nn.Embedding(4, 1)
    for _ in range(200):
        ratio = torch.exp(torch.randn(4, generator=draw))
        advantages = torch.randn(4, generator=draw)
        with torch.no_grad():
            losses = ppo_losses(policy, value, hand_batch(ratio.tolist(), advantages.tolist()), clip=0.2)
        assert -losses.policy <= (ratio * advantages).mean() + 1e-6


# The batch


def rollout_of(make, env, steps=30):
    policy, value = make()
    place = start(env, rng(1))
    rollout, _ = collect(env, policy, place, torch.Generator().manual_seed(1), steps=steps)
    return policy, value, rollout


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_holds_the_transitions_and_in_the_first_minibatch_every_ratio_is_1(kind):
    make, envs = KINDS[kind]
    policy, value, rollout = rollout_of(make, envs())
    assert not rollout.mask.all()
    batch = batch_of(policy, value, rollout, gamma=0.9, lam=0.8)
    assert all(len(column) == int(rollout.mask.sum()) for column in batch)
    assert torch.allclose(batch.targets - batch.old_values, batch.advantages, atol=1e-6)
    logp = log_probabilities(policy, batch.observations, batch.actions)
    assert torch.allclose((logp - batch.old_logp).exp(), torch.ones(len(logp)), atol=1e-5)


def test_parts_hold_each_transition_once_an_epoch_in_another_order():
    column = torch.arange(10)
    parts = list(parts_of(Batch(*[column] * 6), 3, 4, torch.Generator().manual_seed(0)))
    assert [len(part.actions) for part in parts] == [3, 3, 3, 1] * 3
    orders = [torch.cat([part.actions for part in parts[i : i + 4]]) for i in (0, 4, 8)]
    assert all(torch.equal(order.sort().values, column) for order in orders)
    assert not torch.equal(orders[0], orders[1])
    assert all(torch.equal(part.targets, part.actions) for part in parts)


def test_standardized_advantages():
    batch = Batch(*[torch.tensor([1.0, 2.0, 6.0])] * 6)
    advantages = standardized(batch).advantages
    assert advantages.tolist() == pytest.approx([(a - 3) / math.sqrt(14 / 3) for a in (1, 2, 6)])
    assert not standardized(Batch(*[torch.full((3,), 7.0)] * 6)).advantages.any()


# Training


def test_records():
    policy, value = discrete()
    records = list(ppo(cart_poles(), policy, value, adam(policy, value), steps=1_500, rng=rng(), rollout_steps=32))
    assert [record.update for record in records] == list(range(1, len(records) + 1))
    assert records[-2].steps < 1_500 <= records[-1].steps
    assert abs(records[0].entropy - math.log(2)) < 1e-2 and all(r.kl >= 0 and 0 <= r.clip_fraction < 1 for r in records)
    lengths = np.concatenate([record.lengths for record in records])
    assert np.array_equal(lengths, np.concatenate([record.returns for record in records])) and len(lengths) > 20


def test_the_step_size_falls_linearly_or_stays():
    for decay in (True, False):
        policy, value = discrete()
        optimizer, rates, before = adam(policy, value, lr=0.004), [], 0
        for record in ppo(
            cart_poles(), policy, value, optimizer, steps=1_000, rng=rng(), rollout_steps=16, decay=decay
        ):
            rates.append(optimizer.param_groups[0]["lr"])
            assert rates[-1] == pytest.approx(0.004 * (1 - before / 1_000) if decay else 0.004)
            before = record.steps
        assert len(set(rates)) == (len(rates) if decay else 1)


def test_the_choices_change_what_is_learned():
    """Each argument does something: another value of it gives other weights after two updates."""

    def weights(**more):
        policy, value = discrete()
        settings = dict(steps=200, rng=rng(), rollout_steps=20, epochs=3, lam=0.9) | more
        list(ppo(cart_poles(), policy, value, adam(policy, value, lr=0.05), **settings))
        return torch.nn.utils.parameters_to_vector([*policy.parameters(), *value.parameters()]).detach()

    usual = weights()
    assert torch.equal(usual, weights())
    for other in [
        dict(gamma=0.5), dict(lam=0.1), dict(clip=0.01), dict(epochs=1), dict(minibatches=1), dict(normalize="batch"),
        dict(normalize=None), dict(decay=False), dict(value_clip=0.1), dict(value_weight=0.0), dict(entropy_weight=1.0),
        dict(max_norm=0.01), dict(rng=rng(1)),
    ]:  # fmt: skip
        assert not torch.equal(usual, weights(**other)), other


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("saved_after", [1, 4, 7])
def test_a_run_that_was_saved_goes_on_bit_for_bit(tmp_path, kind, saved_after):
    make, envs = KINDS[kind]

    def begin(seed):
        policy, value = make(seed)
        training = ppo(envs(), policy, value, adam(policy, value), steps=2_000, rng=rng(seed), rollout_steps=24)
        return policy, value, training

    policy, value, training = begin(0)
    wanted = list(training)
    weights = [*policy.state_dict().values(), *value.state_dict().values()]
    _, _, training = begin(0)
    for _ in range(saved_after):
        next(training)
    save(training, tmp_path / "run.pt")
    policy, value, training = begin(5)
    rest = list(resume(training, tmp_path / "run.pt"))
    assert all(map(torch.equal, weights, [*policy.state_dict().values(), *value.state_dict().values()]))
    assert len(rest) == len(wanted) - saved_after
    for ours, theirs in zip(rest, wanted[saved_after:]):
        assert [np.asarray(field).tolist() for field in ours] == [np.asarray(field).tolist() for field in theirs]


class Echo(gymnasium.Env):
    """Repeat the observation: one of four letters, or a number; right pays 1, a distance costs its square. 20 steps."""

    def __init__(self, continuous=False):
        self.observation_space = gymnasium.spaces.Box(-1, 1, (1,)) if continuous else gymnasium.spaces.Discrete(4)
        self.action_space = copy.deepcopy(self.observation_space)
        self.continuous = continuous

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.taken = 0
        return self._shown(), {}

    def step(self, action):
        reward = -float(((action - self.asked) ** 2).sum()) if self.continuous else float(action == self.asked)
        self.taken += 1
        return self._shown(), reward, False, self.taken == 20, {}

    def _shown(self):
        draw = self.np_random
        self.asked = draw.uniform(-1, 1, 1).astype(np.float32) if self.continuous else int(draw.integers(0, 4))
        return self.asked


@pytest.mark.parametrize("continuous", [False, True])
def test_the_observation_is_repeated_within_seconds(continuous):
    """By chance 5 of 20 letters are right, and a number is off by a mean square of 2/3; both are nearly perfect soon."""
    env = gymnasium.vector.SyncVectorEnv([lambda: Echo(continuous)] * 16)
    if continuous:
        policy, value = Gaussian(mlp(1, 16, 1, rng=rng(), last_gain=0.01), 1, log_std=-0.5), mlp(1, 16, 1, rng=rng(1))
    else:
        policy, value = nn.Embedding(4, 4), nn.Embedding(4, 1)
        policy.weight.data.zero_(), value.weight.data.zero_()
    training = ppo(
        env, policy, value, adam(policy, value, lr=0.05), steps=16_000, rng=rng(), gamma=0.5, rollout_steps=32
    )
    returns = [record.returns.mean() for record in training if record.returns.size]
    assert returns[0] < (-8 if continuous else 8) and returns[-1] > (-1 if continuous else 19)


def test_cart_pole_is_balanced():
    policy, value = mlp(4, 64, 64, 2, rng=rng(), last_gain=0.01), mlp(4, 64, 64, 1, rng=rng(1))
    optimizer = adam(policy, value, lr=0.01)
    settings = dict(steps=40_000, gamma=0.98, lam=0.9, rollout_steps=32, epochs=10, minibatches=1)
    records = list(ppo(cart_poles(32), policy, value, optimizer, rng=rng(), **settings))
    assert np.mean([r.returns.mean() for r in records[:3]]) < 40
    assert np.concatenate([r.returns for r in records[-8:]]).mean() > 200


# Real actions


def test_the_density_and_the_entropy_are_those_of_the_normal_distribution():
    policy = Gaussian(nn.Linear(3, 2), 2, log_std=0.3)
    policy.log_std.data[1] = -0.7
    observations, actions = torch.randn(5, 3), torch.randn(5, 2)
    normal = torch.distributions.Normal(policy(observations), policy.log_std.exp())
    logp, entropy = evaluate_actions(policy, observations, actions)
    assert torch.allclose(logp, normal.log_prob(actions).sum(-1), atol=1e-5)
    assert torch.allclose(entropy, normal.entropy().sum(-1).expand(5), atol=1e-6) and entropy.shape == (5,)
    assert torch.equal(logp, log_probabilities(policy, observations, actions))


def test_drawn_actions_have_the_mean_and_the_deviation():
    policy = Gaussian(nn.Linear(1, 1), 1, log_std=math.log(0.5)).double()
    drawn = policy.draw(torch.zeros(40_000, 1, dtype=torch.float64), torch.Generator().manual_seed(0)).detach()
    assert abs(drawn.mean() - policy.mean.bias.item()) < 4.5 * 0.5 / 200 and abs(drawn.std() - 0.5) < 4.5 * 0.5 / 283


class Recorder(gymnasium.vector.VectorWrapper):
    def step(self, actions):
        self.last = actions
        return super().step(actions)


def test_the_environment_gets_an_action_within_its_bounds_and_the_drawn_one_is_scored():
    env = Recorder(gymnasium.make_vec("Pendulum-v1", num_envs=6, vectorization_mode="sync"))
    policy = Gaussian(mlp(3, 4, 1, rng=rng()), 1, log_std=2.0)
    rollout, _ = collect(env, policy, start(env, rng()), torch.Generator().manual_seed(0), steps=1)
    drawn = rollout.actions[0].numpy()
    assert np.abs(drawn).max() > 2 and np.abs(env.last).max() == 2 and env.last.dtype == np.float32
    assert np.array_equal(env.last, np.clip(drawn, -2, 2))
    assert np.array_equal(sent(torch.tensor([3, 1]), gymnasium.spaces.Discrete(4)), [3, 1])


def test_reinforce_takes_real_actions_too():
    policy = Gaussian(nn.Linear(2, 1), 1)
    (record,) = reinforce(rail(), policy, sgd(policy), updates=1, rng=rng(), max_steps=30)
    assert record.lengths.tolist() == [25] * 8 and record.gradient_norm > 0


def test_the_gain_of_riccati_is_stationary_and_its_cost_is_what_a_rollout_pays():
    K, P = riccati(**RAIL, gamma=0.9)
    A, B, Q, R = (np.array(matrix) for matrix in RAIL.values())
    closed = A - B @ K
    assert np.allclose(P, Q + K.T @ R @ K + 0.9 * closed.T @ P @ closed)
    for nudge in np.eye(2) * 1e-3:  # no other gain costs less
        other = A - B @ (K + nudge)
        assert np.linalg.eigvalsh(Q + (K + nudge).T @ R @ (K + nudge) + 0.9 * other.T @ P @ other - P).min() > -1e-9
    env = rail(3, max_steps=400)
    s, _ = env.reset(seed=1)
    cost, first = 0.0, s
    for t in range(400):
        s, reward, terminated, truncated, _ = env.step(-s @ K.T)
        cost = cost - 0.9**t * reward
    assert np.allclose(cost, np.einsum("ei,ij,ej->e", first, P, first)) and truncated.all() and not terminated.any()
    again, reward, _, truncated, _ = env.step(np.zeros((3, 1)))
    assert not reward.any() and not truncated.any() and np.abs(again).max() <= 1 and not np.allclose(again, first)


@pytest.mark.slow
def test_the_gain_of_a_linear_quadratic_world_is_found():
    """Two seeds: each of the two gains within a quarter of Riccati's, from 0, with the noise of the policy left as it is."""

    class Products(nn.Module):
        def forward(self, s):
            x, u = s.unbind(dim=-1)
            return torch.stack([x * x, x * u, u * u], dim=-1)

    K = riccati(**RAIL, gamma=0.9).K
    for seed in range(2):
        mean = nn.Linear(2, 1, bias=False)
        mean.weight.data.zero_()
        policy, value = Gaussian(mean, 1, log_std=-1.0), nn.Sequential(Products(), nn.Linear(3, 1))
        policy.log_std.requires_grad_(False)
        optimizer = torch.optim.Adam(
            [{"params": mean.parameters(), "lr": 0.03}, {"params": value.parameters(), "lr": 0.05}]
        )
        settings = dict(steps=100_000, gamma=0.9, rollout_steps=25, max_norm=1e9)
        for _ in ppo(rail(64), policy, value, optimizer, rng=rng(seed), **settings):
            pass
        assert (np.abs(-mean.weight.detach().numpy() / K - 1) < 0.25).all()


# Errors


def spoilt(*sizes):
    layer = nn.Linear(*sizes)
    layer.bias.data[-1] = float("nan")
    return layer


def strange(change):
    """CartPole whose rewards or observations are no numbers."""
    wrapper = {"reward": gymnasium.wrappers.vector.TransformReward}.get(change)
    if wrapper:
        return wrapper(cart_poles(2), lambda reward: reward * np.nan)
    return gymnasium.wrappers.vector.TransformObservation(cart_poles(2), lambda observation: observation * np.inf)


def pendulums():
    return gymnasium.make_vec("Pendulum-v1", num_envs=2)


def one_by_one(mode):
    return gymnasium.vector.SyncVectorEnv([lambda: gymnasium.make("CartPole-v1")] * 2, autoreset_mode=mode)


class Counting(gymnasium.vector.VectorWrapper):
    """How often it was stepped."""

    steps = 0

    def step(self, actions):
        self.steps += 1
        return super().step(actions)


BAD = [
    ("one environment", {"env": lambda: gymnasium.make("CartPole-v1")}, TypeError, "expected a gymnasium VectorEnv"),
    ("real actions, logits", {"env": pendulums}, TypeError, "for a policy that gives logits"),
    ("logits, a Gaussian", {"policy": lambda: Gaussian(nn.Linear(4, 2), 2)}, TypeError, "expected a Box of shape"),
    ("two numbers for one", {"env": rail, "policy": lambda: Gaussian(nn.Linear(2, 2), 2)}, TypeError, r"shape \(2,\)"),
    ("three means for one", {"env": pendulums, "policy": lambda: Gaussian(nn.Linear(3, 3), 1)}, ValueError,
     r"the mean of the policy is \(2, 3\).*expected \(2, 1\)"),
    ("pictures", {"env": lambda: gymnasium.make_vec("Blackjack-v1", num_envs=2)}, TypeError, "observations of env"),
    ("resets in the same step", {"env": lambda: one_by_one("SameStep")}, ValueError, "SAME_STEP"),
    ("no resets", {"env": lambda: one_by_one("Disabled")}, ValueError, "autoreset disabled"),
    ("a policy of three actions", {"policy": lambda: nn.Linear(4, 3)}, ValueError, "expected logits"),
    ("a value of two numbers", {"value": lambda: nn.Linear(4, 2)}, ValueError, "value network maps"),
    ("nan in the policy", {"policy": lambda: spoilt(4, 2)}, ValueError, "policy holds nan or inf"),
    ("nan in the value", {"value": lambda: spoilt(4, 1)}, ValueError, "value holds nan or inf"),
    ("another optimizer", {"optimizer": lambda: adam(nn.Linear(4, 2))}, ValueError, "does not hold the parameter"),
    ("nan rewards", {"env": lambda: strange("reward")}, ValueError, r"rewards\[0, 0\] holds nan"),
    ("inf observations", {"env": lambda: strange("observation")}, ValueError, "observations"),
    *[(f"{name} {bad!r}", {name: bad}, ValueError, f"{name} is {bad!r}") for name, bad in [
        ("steps", 0), ("rollout_steps", 0), ("epochs", 0), ("epochs", 1.5), ("minibatches", 0), ("minibatches", 257),
        ("gamma", 1.1), ("gamma", -0.1), ("lam", 2),
        ("lam", "0.9"), ("clip", 0), ("clip", -0.2), ("value_clip", 0), ("value_weight", -1),
        ("entropy_weight", float("nan")), ("max_norm", 0), ("normalize", "epoch"), ("decay", 1),
    ]],
    ("a seed", {"rng": 0}, TypeError, "rng is 0"),
]  # fmt: skip


@pytest.mark.parametrize("arguments, error, message", [bad[1:] for bad in BAD], ids=[bad[0] for bad in BAD])
def test_bad_input_is_named(arguments, error, message):
    env, policy, value = cart_poles(2), nn.Linear(4, 2), nn.Linear(4, 1)
    made = {name: make() if callable(make) else make for name, make in arguments.items()}
    given = {"env": env, "policy": policy, "value": value} | made
    if isinstance(given["env"], gymnasium.vector.VectorEnv):
        given["env"] = Counting(given["env"])
    networks = [given["policy"], given["value"]]
    given.setdefault("optimizer", adam(*networks))
    before = copy.deepcopy([network.state_dict() for network in networks])
    with pytest.raises(error, match=message) as caught:
        next(ppo(**{"steps": 100, "rng": rng()} | given))
    assert len(str(caught.value)) < 500
    if "env" not in arguments:
        assert given["env"].steps == 0
    for network, kept in zip(networks, before):
        assert all(
            torch.equal(a.nan_to_num(), b.nan_to_num()) for a, b in zip(network.state_dict().values(), kept.values())
        )


@pytest.mark.parametrize(
    "matrices, message",
    [
        ({"B": [0.1, 0.5]}, r"B has shape \(2,\)"),
        ({"Q": [[1.0]]}, r"Q has shape \(1, 1\), expected \(2, 2\)"),
        ({"Q": [[1.0, 1], [0, 1]]}, "Q is not symmetric"),
        ({"R": [[0.0]]}, "R has an eigenvalue that is not above 0"),
        ({"A": [[1, np.nan], [0, 1]]}, "A holds nan or inf"),
        ({"A": 3.0}, "A has shape"),
    ],
)
def test_matrices_that_do_not_fit_are_named(matrices, message):
    with pytest.raises(ValueError, match=message):
        LinearQuadratic(2, **RAIL | matrices)
    with pytest.raises(ValueError, match=message):
        riccati(**RAIL | matrices, gamma=0.9)


def test_gaussian_refuses():
    with pytest.raises(TypeError, match="mean is 3"):
        Gaussian(3, 1)
    with pytest.raises(ValueError, match="size is 0"):
        Gaussian(nn.Linear(2, 1), 0)
    with pytest.raises(ValueError, match=r"actions have shape \(5,\), expected \(5, 1\)"):
        log_probabilities(Gaussian(nn.Linear(2, 1), 1), torch.zeros(5, 2), torch.zeros(5))
    with pytest.raises(ValueError, match=r"actions have type torch\.int64, expected real"):
        log_probabilities(Gaussian(nn.Linear(2, 1), 1), torch.zeros(5, 2), torch.zeros(5, 1, dtype=torch.int64))
