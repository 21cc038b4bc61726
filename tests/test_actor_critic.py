"""Actor-critic: REINFORCE's gradient at lambda 1, the exact gradient with the exact values, and a run that goes on."""

import gymnasium
import numpy as np
import pytest
import torch
from torch import nn

from rlbook.deep.actor_critic import a2c, actor_critic_losses
from rlbook.deep.networks import mlp
from rlbook.deep.reinforce import reinforce_with_baseline
from rlbook.deep.rollouts import collect, start
from rlbook.mdp import FiniteMDP
from rlbook.training import resume, save

torch.set_num_threads(1)


def rng(seed=0):
    return np.random.default_rng(seed)


def cart_poles(num_envs=8):
    return gymnasium.make_vec("CartPole-v1", num_envs=num_envs, vectorization_mode="vector_entry_point")


def table(rows):
    """A network that looks up its row for a state: (S, ...)."""
    return nn.Embedding.from_pretrained(torch.tensor(rows, dtype=torch.float64), freeze=False)


def three_steps(gamma):
    """Whatever is done, an episode lasts three steps: a state of each of three pairs, then the end, state 6."""
    draw, P = rng(3), np.zeros((7, 2, 7))
    for s in range(6):
        P[s, :, 6 if s > 3 else 2 * (s // 2) + 2] = draw.uniform(0.2, 0.8, 2)
        P[s, :, 6 if s > 3 else 2 * (s // 2) + 3] += 1 - P[s].sum(axis=1)
    return FiniteMDP(P, draw.normal(size=(7, 2)), gamma, start=[0.5, 0.5, 0, 0, 0, 0, 0], terminal=np.arange(7) == 6)


LOGITS, VALUES = rng(1).normal(size=(7, 2)), rng(2).normal(size=(7, 1))


def sgd(*networks, lr=0.0):
    return torch.optim.SGD([p for network in networks for p in network.parameters()], lr=lr)


def networks(seed=0):
    return mlp(4, 16, 2, rng=rng(seed), last_gain=0.01), mlp(4, 16, 1, rng=rng(seed + 1))


@pytest.mark.parametrize("gamma", [1.0, 0.9])
def test_whole_episodes_at_lambda_1_have_the_gradient_of_reinforce_with_baseline(gamma):
    """From equal generators both play the same episodes; the one divides by their number, the other by that of steps."""
    gradients = []
    for learn, counts in [
        (reinforce_with_baseline, {"updates": 1}),
        (a2c, {"steps": 1, "rollout_steps": 3, "lam": 1.0, "max_norm": 1e9}),
    ]:
        policy, value = table(LOGITS), table(VALUES)
        env = three_steps(gamma).to_gymnasium(num_envs=8)
        (record,) = learn(env, policy, value, sgd(policy, value), rng=rng(5), gamma=gamma, **counts)
        assert record.steps == 24
        gradients.append((policy.weight.grad, value.weight.grad))
    for ours, theirs in zip(*reversed(gradients)):
        assert theirs.abs().max() > 0.1 and torch.allclose(3 * ours, theirs, atol=1e-6)


def test_the_losses_by_hand():
    """Two environments, two steps: TD errors with gamma 1/2 of rewards and values that are written down here."""
    env = three_steps(1.0).to_gymnasium(num_envs=2)
    rollout, _ = collect(env, table(LOGITS), start(env, rng()), torch.Generator(), steps=4)
    observations = torch.tensor([[0, 1], [2, 6], [3, 0]])
    rollout = rollout._replace(
        observations=observations,
        actions=torch.tensor([[0, 1], [1, 0]]),
        rewards=torch.tensor([[1.0, 3.0], [2.0, 0.0]]),
        terminated=torch.tensor([[False, True], [False, False]]),
        truncated=torch.zeros(2, 2, dtype=torch.bool),
        mask=torch.tensor([[True, True], [True, False]]),  # the second environment resets itself
    )
    policy = table([[np.log(3), 0], [0, 0], [0, np.log(4)], [9, 9], [9, 9], [9, 9], [9, 9]])
    value = table([[4.0], [1.0], [2.0], [6.0], [9.0], [9.0], [9.0]])
    losses = actor_critic_losses(policy, value, rollout, gamma=0.5, lam=0.0)
    # TD errors 1 + 2/2 - 4 = -2 and 2 + 6/2 - 2 = 3 in the first environment, 3 - 1 = 2 in the second, which terminated
    logp = np.log([3 / 4, 4 / 5, 1 / 2])
    assert np.isclose(losses.policy.item(), -(logp @ [-2, 3, 2]) / 3)
    assert np.isclose(losses.value.item(), (4 + 9 + 4) / 2 / 3)
    entropies = [-(p * np.log(p) + (1 - p) * np.log(1 - p)) for p in (3 / 4, 4 / 5, 1 / 2)]
    assert np.isclose(losses.entropy.item(), np.mean(entropies))
    losses.value.backward()  # towards the targets, which do not move
    assert value.weight.grad[:4, 0].tolist() == pytest.approx([2 / 3, -2 / 3, -1, 0]) and policy.weight.grad is None
    losses = actor_critic_losses(policy, value, rollout, gamma=0.5, lam=0.5)
    assert np.isclose(losses.policy.item(), -(logp @ [-2 + 3 / 4, 3, 2]) / 3)


def test_records_count_transitions_and_episodes():
    policy, value = networks()
    records = list(a2c(cart_poles(), policy, value, sgd(policy, value), steps=4_000, rng=rng(), rollout_steps=16))
    assert [record.update for record in records] == list(range(1, len(records) + 1))
    taken = np.diff([0] + [record.steps for record in records])
    assert records[-2].steps < 4_000 <= records[-1].steps and (taken <= 16 * 8).all() and (taken < 16 * 8).any()
    lengths = np.concatenate([record.lengths for record in records])
    assert 4_000 - 8 * lengths.max() < lengths.sum() <= records[-1].steps  # but for the episodes under way
    assert np.array_equal(lengths, np.concatenate([record.returns for record in records]))
    assert all(abs(record.entropy - np.log(2)) < 1e-3 for record in records)


def test_a_long_gradient_is_cut():
    """With a step of 1 the weights move by the gradient, which is no longer than max_norm."""
    policy, value = networks()
    before = torch.nn.utils.parameters_to_vector([*policy.parameters(), *value.parameters()]).detach()
    optimizer = sgd(policy, value, lr=1.0)
    (record,) = a2c(cart_poles(), policy, value, optimizer, steps=1, rng=rng(), max_norm=0.25)
    after = torch.nn.utils.parameters_to_vector([*policy.parameters(), *value.parameters()]).detach()
    assert record.gradient_norm > 0.5 and np.isclose((after - before).norm().item(), 0.25, rtol=1e-3)


def trained(updates, path=None, saved_after=None):
    """The weights and the last record after so many updates; saved after some, and gone on with by a new training."""

    def begin(seed, steps):
        policy, value = networks(seed)
        optimizer = torch.optim.Adam([*policy.parameters(), *value.parameters()], lr=0.01)
        return policy, value, a2c(cart_poles(), policy, value, optimizer, steps=steps, rng=rng(seed), lam=0.9)

    policy, value, training = begin(0, 10**9)
    for _ in range(saved_after or updates):
        record = next(training)
    if path is not None:
        save(training, path)
        policy, value, training = begin(7, 10**9)
        resume(training, path)
        for _ in range(updates - saved_after):
            record = next(training)
    return [*policy.state_dict().values(), *value.state_dict().values()], record


@pytest.mark.parametrize("saved_after", [1, 13, 29])
def test_a_run_that_was_saved_goes_on_bit_for_bit(tmp_path, saved_after):
    weights, record = trained(30)
    again, last = trained(30, tmp_path / "run.pt", saved_after)
    assert all(map(torch.equal, weights, again))
    assert [np.asarray(field).tolist() for field in record] == [np.asarray(field).tolist() for field in last]


def test_a_pole_is_balanced_within_seconds():
    policy, value = networks()
    optimizer = torch.optim.Adam([*policy.parameters(), *value.parameters()], lr=0.01)
    records = a2c(cart_poles(32), policy, value, optimizer, steps=300_000, rng=rng(), lam=0.95, rollout_steps=16)
    best = max(np.mean(record.returns) for record in records if len(record.returns) >= 4)
    assert best > 150
