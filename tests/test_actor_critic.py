"""Actor-critic: REINFORCE's gradient at lambda 1, the exact one with the exact values, delays that are as long as said."""

import itertools
import threading

import gymnasium
import numpy as np
import pytest
import torch
from torch import nn

from rlbook.deep.actor_critic import a2c, a3c, actor_critic_losses, delayed_a2c, one_step_actor_critic
from rlbook.deep.networks import mlp
from rlbook.deep.reinforce import reinforce_with_baseline
from rlbook.deep.rollouts import collect, start
from rlbook.mdp import FiniteMDP
from rlbook.policies import policy_value
from rlbook.tabular.bellman import bellman_optimality
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


def test_the_caller_may_change_the_step_size_on_the_way():
    """A schedule wraps the optimizer's step, and is stepped after each record."""
    policy, value = networks()
    optimizer = sgd(policy, value, lr=1.0)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.5, total_iters=2)
    sizes = []
    for _ in a2c(cart_poles(), policy, value, optimizer, steps=100, rng=rng(), max_norm=0.1):
        sizes.append(optimizer.param_groups[0]["lr"])
        schedule.step()
    assert sizes[:3] == [1.0, 0.75, 0.5]


def adam(*networks, lr=0.01):
    return torch.optim.Adam([p for network in networks for p in network.parameters()], lr=lr)


TRAINERS = {"a2c": (a2c, {"lam": 0.9}), "delayed": (delayed_a2c, {"delay": 3}), "one step": (one_step_actor_critic, {})}


def trained(name, updates, path=None, saved_after=None):
    """The weights and the last record after so many updates; saved after some, and gone on with by a new training."""

    def begin(seed):
        policy, value = networks(seed)
        learn, settings = TRAINERS[name]
        return (
            policy,
            value,
            learn(cart_poles(), policy, value, adam(policy, value), steps=10**9, rng=rng(seed), **settings),
        )

    policy, value, training = begin(0)
    for _ in range(saved_after or updates):
        record = next(training)
    if path is not None:
        save(training, path)
        policy, value, training = begin(7)
        resume(training, path)
        for _ in range(updates - saved_after):
            record = next(training)
    return [*policy.state_dict().values(), *value.state_dict().values()], plain(record)


def plain(record):
    return [np.asarray(field).tolist() for field in record]


@pytest.mark.parametrize("name", TRAINERS)
@pytest.mark.parametrize("saved_after", [1, 13, 29])
def test_a_run_that_was_saved_goes_on_bit_for_bit(tmp_path, name, saved_after):
    weights, record = trained(name, 30)
    again, last = trained(name, 30, tmp_path / "run.pt", saved_after)
    assert all(map(torch.equal, weights, again)) and record == last


def repeat_the_observation(num_states=4):
    """The action that has the number of the state pays 1; what is seen next is chance, and one step in ten the last."""
    P = np.full((num_states + 1, num_states, num_states + 1), 0.9 / num_states)
    P[:, :, num_states] = 0.1
    R = np.vstack([np.eye(num_states), np.zeros(num_states)])
    start = np.append(np.full(num_states, 1 / num_states), 0)
    return FiniteMDP(P, R, 0.9, start=start, terminal=np.arange(num_states + 1) == num_states)


@pytest.mark.parametrize(
    "learn, settings",
    [
        (a2c, {"rollout_steps": 5}),
        (delayed_a2c, {"rollout_steps": 5, "delay": 4}),
        (a3c, {"rollout_steps": 5}),
        (one_step_actor_critic, {}),
    ],
)
def test_repeating_the_observation_is_learned_in_seconds(learn, settings):
    policy, value = table(np.zeros((5, 4))), table(np.zeros((5, 1)))
    env = repeat_the_observation().to_gymnasium(num_envs=16)
    for _ in learn(env, policy, value, adam(policy, value, lr=0.05), steps=12_000, rng=rng(), **settings):
        pass
    assert (policy.weight[:4].softmax(dim=1).diag() > 0.9).all()


# One step


def random_mdp(gamma):
    """Three states, two actions, everything drawn at random; every step ends the episode with probability 0.3."""
    draw = rng(7)
    P = np.concatenate([0.7 * draw.dirichlet(np.ones(3), (4, 2)), np.full((4, 2, 1), 0.3)], axis=2)
    return FiniteMDP(P, draw.normal(size=(4, 2)), gamma, start=[0.5, 0.3, 0.2, 0.0], terminal=np.arange(4) == 3)


def numerical_gradient(mdp, logits, step=1e-5):
    """d J / d logits by central differences of the linear solve: it knows nothing of the policy gradient theorem."""

    def worth(logits):
        return mdp.start @ policy_value(mdp, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True))

    changes = step * np.eye(logits.size).reshape(-1, *logits.shape)
    slopes = [(worth(logits + change) - worth(logits - change)) / (2 * step) for change in changes]
    return np.reshape(slopes, logits.shape)


def gradients(learn, mdp, critic, steps=40_000, **settings):
    """The gradient of the policy in each update of a run in which the step size is 0: (updates, S, A)."""
    policy, value = table(LOGITS[:4]), table(critic[:, None])
    env, found = mdp.to_gymnasium(num_envs=64), []
    for _ in learn(env, policy, value, sgd(policy, value), steps=steps, rng=rng(9), gamma=mdp.gamma, **settings):
        found.append(-policy.weight.grad.numpy()[:3])
    return np.array(found)


def misses(found, exact):
    """How many standard errors the mean of each entry is off. Ten updates in a row are one sample: they are not
    independent."""
    found = found[: len(found) // 10 * 10].reshape(-1, 10, *found.shape[1:]).mean(axis=1)
    return (found.mean(axis=0) - exact) / (found.std(axis=0, ddof=1) / len(found) ** 0.5)


@pytest.mark.parametrize("wrong_by", [0.0, 2.0])
def test_one_step_follows_the_gradient_of_the_discounted_value_where_the_critic_is_right(wrong_by):
    """The mean over steps times the mean length of an episode, 1 / 0.3; gamma ** t is in it. A wrong critic has another."""
    mdp = random_mdp(0.6)
    v = policy_value(mdp, np.exp(LOGITS[:4]) / np.exp(LOGITS[:4]).sum(axis=1, keepdims=True))
    exact = 0.3 * numerical_gradient(mdp, LOGITS[:4])[:3]
    off = np.abs(misses(gradients(one_step_actor_critic, mdp, v + wrong_by * np.array([1, -1, 0, 0])), exact))
    assert off.max() < 4.5 if wrong_by == 0 else off.max() > 20


@pytest.mark.parametrize("lam", [0.0, 0.5, 1.0])
def test_a2c_drops_the_factor_and_needs_no_critic_at_lambda_1_but_one_at_the_end_of_a_rollout(lam):
    """With gamma 1 there is no factor to drop. The right critic gives the exact gradient for any lambda."""
    mdp = random_mdp(1.0)
    v = policy_value(mdp, np.exp(LOGITS[:4]) / np.exp(LOGITS[:4]).sum(axis=1, keepdims=True))
    exact = 0.3 * numerical_gradient(mdp, LOGITS[:4])[:3]
    settings = {"rollout_steps": 8, "lam": lam, "max_norm": 1e9}
    assert np.abs(misses(gradients(a2c, mdp, v, **settings), exact)).max() < 4.5


def test_the_mean_td_error_with_the_exact_values_is_the_advantage():
    """Every outcome of every pair, weighed with its probability."""
    mdp, draw = random_mdp(0.8), rng(4)
    pi = draw.dirichlet(np.ones(2), 4)
    v = policy_value(mdp, pi)
    for s, a in itertools.product(range(3), range(2)):
        deltas = mdp.R[s, a] + mdp.gamma * np.where(mdp.terminal, 0, v) - v[s]
        assert np.isclose(mdp.P[s, a] @ deltas, bellman_optimality(mdp, v)[s, a] - v[s])


# Delays and workers


def run(learn, lr=0.01, num_envs=8, steps=1_200, **settings):
    policy, value = networks()
    records = list(
        learn(cart_poles(num_envs), policy, value, adam(policy, value, lr=lr), steps=steps, rng=rng(3), **settings)
    )
    return [*policy.parameters(), *value.parameters()], records


@pytest.mark.parametrize("learn, settings", [(delayed_a2c, {"delay": 0}), (a3c, {"workers": 1})])
def test_without_delay_it_is_a2c_bit_for_bit(learn, settings):
    more = {"lam": 0.8, "gamma": 0.9, "rollout_steps": 7, "value_weight": 0.3, "entropy_weight": 0.02, "max_norm": 0.1}
    (weights, records), (others, its) = run(a2c, **more), run(learn, **more, **settings)
    assert all(map(torch.equal, weights, others)) and list(map(plain, records)) == list(map(plain, its))


@pytest.mark.parametrize("delay", [0, 1, 3])
def test_a_gradient_is_so_many_updates_late(delay):
    """A step of 1 makes the policy sure at once, which is seen only once the first of the old copies were used up."""
    _, records = run(delayed_a2c, lr=1.0, delay=delay)
    sure = [record.entropy < 0.5 for record in records]
    assert sure.index(True) == delay + 1 and [record.delay for record in records[:6]] == [
        min(delay, u) for u in range(6)
    ]


def test_workers_share_the_networks_and_count_together():
    _, records = run(a3c, workers=4, num_envs=2, steps=4_000)
    assert [record.update for record in records] == list(range(1, len(records) + 1))
    assert (np.diff([record.steps for record in records]) > 0).all()
    assert records[-2].steps < 4_000 <= records[-1].steps
    assert 0.5 < np.mean([record.delay for record in records]) < 12  # about one for each of the others
    assert sum(record.lengths.sum() for record in records) <= records[-1].steps


def test_workers_end_with_the_run():
    policy, value = networks()
    records = a3c(cart_poles(1), policy, value, adam(policy, value), steps=10**9, rng=rng(), workers=3)
    next(records), next(records)
    assert threading.active_count() >= 4
    records.close()
    assert threading.active_count() == 1
    with pytest.raises(TypeError, match="expected what a trainer returned"):
        save(records, "nowhere")


class Breaks(gymnasium.Wrapper):
    """Pays something that is no number after some steps."""

    steps = 0

    def step(self, action):
        self.steps += 1
        observation, reward, *rest = self.env.step(action)
        return observation, reward if self.steps < 30 else np.nan, *rest


@pytest.mark.parametrize("learn", [a2c, a3c, one_step_actor_critic])
def test_a_reward_that_is_no_number_stops_the_run(learn):
    env = gymnasium.vector.SyncVectorEnv([lambda: Breaks(gymnasium.make("CartPole-v1"))])
    policy, value = networks()
    with pytest.raises(ValueError, match=r"rewards\[\d, 0\] holds nan"):
        list(learn(env, policy, value, adam(policy, value), steps=1_000, rng=rng()))
    assert threading.active_count() == 1 and all(w.isfinite().all() for w in policy.parameters())


def test_environments_in_other_processes_are_for_one_learner_only():
    env = gymnasium.vector.AsyncVectorEnv([lambda: gymnasium.make("CartPole-v1")])
    policy, value = networks()
    try:
        with pytest.raises(TypeError, match="expected one of this process"):
            next(a3c(env, policy, value, adam(policy, value), steps=10, rng=rng()))
    finally:
        env.close()


# Bad input: one clear error, before any step


BAD = [
    ({"gamma": 1.5}, ValueError, r"gamma is 1.5, expected a number in \[0, 1\]"),
    ({"gamma": float("nan")}, ValueError, "gamma is nan"),
    ({"lam": -0.1}, ValueError, r"lam is -0.1, expected a number in \[0, 1\]"),
    ({"steps": 0}, ValueError, "steps"),
    ({"rollout_steps": 2.5}, (TypeError, ValueError), "rollout_steps"),
    ({"value_weight": -1}, ValueError, "value_weight is -1"),
    ({"entropy_weight": None}, ValueError, "entropy_weight is None"),
    ({"max_norm": 0}, ValueError, "max_norm is 0"),
    ({"rng": 3}, TypeError, "rng"),
    ({"env": gymnasium.make("CartPole-v1")}, TypeError, "expected a gymnasium VectorEnv"),
    ({"env": gymnasium.make_vec("Pendulum-v1", num_envs=2)}, TypeError, "actions of env are Box"),
    ({"value": mlp(4, 8, 2, rng=rng())}, ValueError, r"the value network maps observations .* expected"),
    ({"value": 3}, TypeError, "value is a int"),
    ({"policy": mlp(4, 8, 3, rng=rng())}, ValueError, "expected logits"),
    ({"optimizer": "of the policy alone"}, ValueError, "the optimizer does not hold"),
]


@pytest.mark.parametrize("learn", [a2c, a3c, delayed_a2c, one_step_actor_critic])
@pytest.mark.parametrize("given, error, message", BAD, ids=[f"{'-'.join(bad[0])}-{i}" for i, bad in enumerate(BAD)])
def test_bad_input(learn, given, error, message):
    policy, value = networks()
    arguments = {"env": cart_poles(2), "policy": policy, "value": value, "steps": 100, "rng": rng()} | given
    held = [arguments[name] for name in ("policy", "value") if isinstance(arguments[name], nn.Module)]
    arguments["optimizer"] = adam(*held[: 1 if "optimizer" in given else 2])
    if learn is one_step_actor_critic and {*given} & {
        "lam",
        "rollout_steps",
        "value_weight",
        "entropy_weight",
        "max_norm",
    }:
        pytest.skip("it has no such argument")
    if learn is delayed_a2c:
        arguments["delay"] = 1
    before = [weights.clone() for weights in policy.parameters()]
    with pytest.raises(error, match=message) as raised:
        next(learn(**arguments))
    assert len(str(raised.value)) < 500 and all(map(torch.equal, before, policy.parameters()))


class Untouched(gymnasium.vector.VectorWrapper):
    """Environments in which nobody may act."""

    def step(self, actions):
        raise RuntimeError("a step was made")


@pytest.mark.parametrize("learn", [a2c, a3c, delayed_a2c, one_step_actor_critic, reinforce_with_baseline])
def test_a_value_network_of_the_wrong_shape_is_refused_before_any_step(learn):
    policy, value = networks()[0], mlp(4, 8, 2, rng=rng())
    more = {reinforce_with_baseline: {"updates": 1}, delayed_a2c: {"steps": 9, "delay": 1}}.get(learn, {"steps": 9})
    with pytest.raises(ValueError, match="the value network maps"):
        next(learn(Untouched(cart_poles(2)), policy, value, adam(policy, value), rng=rng(), **more))


@pytest.mark.parametrize("delay", [-1, 1.5, None])
def test_a_delay_is_a_count(delay):
    policy, value = networks()
    with pytest.raises((TypeError, ValueError), match="delay"):
        next(delayed_a2c(cart_poles(2), policy, value, adam(policy, value), steps=10, rng=rng(), delay=delay))


def test_a_pole_is_balanced_within_seconds():
    policy, value = networks()
    optimizer = adam(policy, value)
    records = a2c(cart_poles(32), policy, value, optimizer, steps=300_000, rng=rng(), lam=0.95, rollout_steps=16)
    best = max(np.mean(record.returns) for record in records if len(record.returns) >= 4)
    assert best > 150
