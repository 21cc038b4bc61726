"""Deep Q-networks: the update by hand, q* of a small world, ends and cuts apart, a target network of its own."""

import gymnasium
import numpy as np
import pytest
import torch
from torch import nn

from rlbook.deep.acting import Greedy, explore
from rlbook.deep.dqn import double_dqn, dqn, huber_dqn, move, n_step_dqn, prioritized_dqn
from rlbook.deep.networks import Dueling, OneHot, Scaled, mlp
from rlbook.deep.reinforce import play
from rlbook.mdp import FiniteMDP
from rlbook.tabular.planning import value_iteration

torch.set_num_threads(1)
ALL = [dqn, double_dqn, n_step_dqn, prioritized_dqn, huber_dqn]


def rng(seed=0):
    return np.random.default_rng(seed)


def cart_poles(num_envs=4):
    return gymnasium.make_vec("CartPole-v1", num_envs=num_envs, vectorization_mode="vector_entry_point")


def table(q):
    return nn.Embedding.from_pretrained(torch.tensor(q, dtype=torch.float64), freeze=False)


def sgd(network, lr=0.0):
    return torch.optim.SGD(network.parameters(), lr=lr)


SMALL = {"exploration_steps": 100, "learning_starts": 20, "capacity": 500, "batch_size": 8}


# One update


def one_way(terminal):
    """From state 0 action 0 pays 1 and action 1 pays 2; both lead to state 1, and from there back to 0, unless terminal."""
    P = np.zeros((2, 2, 2))
    P[0, :, 1] = 1
    P[1, :, 1 if terminal else 0] = 1
    R = np.array([[1.0, 2], [0, 0] if terminal else [4, 4]])
    return FiniteMDP(P, R, 0.5, start=[1.0, 0.0], terminal=[False, terminal])


class Cut(gymnasium.vector.VectorEnv):
    """One environment whose every step pays 1 and is the last: terminated, truncated, or merged into terminated."""

    def __init__(self, terminated):
        self.num_envs, self.terminated, self.over = 1, terminated, False
        self.metadata = {"autoreset_mode": gymnasium.vector.AutoresetMode.NEXT_STEP}
        self.single_observation_space = gymnasium.spaces.Discrete(2)
        self.single_action_space = gymnasium.spaces.Discrete(1)

    def reset(self, *, seed=None, options=None):
        self.over = False
        return np.array([0]), {}

    def step(self, actions):
        no = np.array([False])
        if self.over:
            return *self.reset()[:1], np.array([9.0]), no, no, {}
        self.over = True
        yes = np.array([True])
        ends = (yes, no) if self.terminated else (no, yes)
        return np.array([1]), np.array([1.0]), *ends, {}


@pytest.mark.parametrize("learn", [learn for learn in ALL if learn is not huber_dqn])
@pytest.mark.parametrize("terminated, target", [(True, 1.0), (False, 1 + 0.5 * 6.0)])
def test_an_end_does_not_bootstrap_and_a_cut_does(learn, terminated, target):
    """With q(0) = 2, q(1) = 6, gamma 1/2 the loss is half the squared distance of 2 from 1, or from 1 + 6/2."""
    network = table([[2.0], [6.0]])
    settings = SMALL | ({"alpha": 0} if learn is prioritized_dqn else {})  # whose weights would not be 1
    records = learn(Cut(terminated), network, sgd(network), steps=40, rng=rng(), gamma=0.5, **settings)
    for record in records:
        assert record.loss == (target - 2) ** 2 / 2 and record.returns.tolist() == [1.0] == record.lengths.tolist()


def loss_of(learn, q, target, mdp=None, **settings):
    """The losses of updates with a table q and a target network that was given another one."""
    network, losses = table(q), []
    env = (mdp or one_way(False)).to_gymnasium(num_envs=2)
    training = learn(env, network, sgd(network), steps=200, rng=rng(), gamma=0.5, tau=1e-12, **(SMALL | settings))
    for update, record in enumerate(training):
        if update == 0:
            training.memory.target.weight.data = torch.tensor(target, dtype=torch.float64)
        else:
            losses.append(record.loss)
    return losses


@pytest.mark.parametrize("learn, best", [(dqn, 20.0), (huber_dqn, 20.0), (double_dqn, 10.0)])
def test_what_the_next_state_is_worth(learn, best):
    """In state 1 every step pays 4 and leads to state 0, of which the target network says 20 and 10: the target is
    4 + 20 / 2 for DQN, and 4 + 10 / 2 for Double DQN, whose network prefers action 1 there."""
    stays = [[0.0, 1.0], [4 + best / 2, 4 + best / 2]]  # state 0 aims at 1 + 10 / 2 and 2 + 10 / 2, whatever is learned
    losses = loss_of(learn, stays, [[20.0, 10.0], [10.0, 10.0]])
    errors = np.array([6.0 - 0.0, 7.0 - 1.0, 0.0, 0.0])
    square = errors[0] ** 2 / 2 if learn is not huber_dqn else errors[0] - 0.5
    assert all(np.isclose(loss * 8 / square, round(loss * 8 / square)) for loss in losses) and min(losses) < square


def test_huber_pulls_no_harder_than_one():
    """Its slope is the error, cut to [-1, 1]."""
    network = table([[2.0], [6.0]])
    for _ in huber_dqn(Cut(False), network, sgd(network, lr=1.0), steps=20, rng=rng(), gamma=0.5, **SMALL):
        pass
    assert network.weight.tolist() == [[3.0], [6.0]]  # the error was 2, the step 1 * its slope, 1


def test_q_star_of_a_world_of_chance():
    """States as one-hot vectors into one layer, a table: with a step that fades q comes near q*.

    What is left is chance: 50,000 transitions are a sample of the world, and q* of that sample is another.
    """
    draw = rng(3)
    P = np.concatenate([0.8 * draw.dirichlet(np.ones(4), (5, 3)), np.full((5, 3, 1), 0.2)], axis=2)
    mdp = FiniteMDP(P, draw.normal(size=(5, 3)), 0.9, start=[0.25] * 4 + [0.0], terminal=np.arange(5) == 4)
    q_star = value_iteration(mdp).q[:4]
    for learn in [dqn, prioritized_dqn]:
        network = nn.Sequential(OneHot(5), mlp(5, 3, rng=rng()))
        optimizer = torch.optim.Adam(network.parameters(), lr=0.05)
        settings = {"gamma": 0.9, "epsilon": 1.0, "tau": 0.5, "learning_starts": 10_000, "batch_size": 256}
        for record in learn(mdp.to_gymnasium(num_envs=80), network, optimizer, steps=50_000, rng=rng(), **settings):
            optimizer.param_groups[0]["lr"] = 0.05 * (1 - min(1, record.steps / 50_000))
        assert np.abs(network(torch.arange(4)).detach().numpy() - q_star).max() < 0.25


def repeat_the_observation(num_states=4):
    """The action that has the number of the state pays 1; what is seen next is chance, and one step in ten the last."""
    P = np.full((num_states + 1, num_states, num_states + 1), 0.9 / num_states)
    P[:, :, num_states] = 0.1
    R = np.vstack([np.eye(num_states), np.zeros(num_states)])
    start = np.append(np.full(num_states, 1 / num_states), 0)
    return FiniteMDP(P, R, 0.9, start=start, terminal=np.arange(num_states + 1) == num_states)


@pytest.mark.parametrize("learn, dueling", [*((learn, False) for learn in ALL), (dqn, True)])
def test_repeating_the_observation_is_learned_in_seconds(learn, dueling):
    head = Dueling(16, 4, rng=rng()) if dueling else mlp(16, 4, rng=rng())
    network = nn.Sequential(OneHot(5), mlp(5, 16, rng=rng()), nn.ReLU(), head)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    settings = {"gamma": 0.9, "exploration_steps": 2_000, "learning_starts": 500, "tau": 0.2}
    for _ in learn(
        repeat_the_observation().to_gymnasium(num_envs=16), network, optimizer, steps=4_000, rng=rng(), **settings
    ):
        pass
    assert network(torch.arange(4)).argmax(dim=1).tolist() == [0, 1, 2, 3]


# The target network


@pytest.mark.parametrize("learn", ALL)
def test_the_target_network_shares_no_memory(learn):
    network = mlp(4, 8, 2, rng=rng())
    training = learn(
        cart_poles(), network, sgd(network, lr=0.1), steps=200, rng=rng(), tau=1.0, target_every=7, **SMALL
    )
    for _ in training:
        target = training.memory.target
        mine, its = ({p.data_ptr() for p in module.parameters()} for module in (network, target))
        assert not mine & its and not any(p.requires_grad for p in target.parameters())
        same = all(map(torch.equal, network.parameters(), target.parameters()))
        assert same == (training.memory.update % 7 == 0)


def test_polyak_has_a_half_life():
    """At tau 0.005 half of the difference is left after 138.3 updates."""
    target, network = nn.Linear(1, 1), nn.Linear(1, 1)
    nn.init.constant_(target.weight, 0.0), nn.init.constant_(network.weight, 1.0)
    for _ in range(138):
        move(target, network, 0.005)
    assert 0.4990 < target.weight.item() < 0.5 and np.isclose(np.log(0.5) / np.log(0.995), 138.3, atol=0.05)
    move(target, network, 1.0)
    assert target.weight.item() == 1.0


# Acting, networks


def test_exploring_takes_each_action_as_often_as_it_says():
    q = torch.tensor([[1.0, 3, 2]]).expand(60_000, 3)
    counts = explore(q, 0.3, torch.Generator().manual_seed(0)).bincount() / 60_000
    assert torch.allclose(counts, torch.tensor([0.1, 0.8, 0.1]), atol=0.008)
    assert (explore(q, 0.0, torch.Generator()) == 1).all()


def test_epsilon_falls_in_a_line():
    network = mlp(4, 8, 2, rng=rng())
    records = list(dqn(cart_poles(), network, sgd(network), steps=200, rng=rng(), epsilon=0.2, **SMALL))
    for before, record in zip([20] + [record.steps for record in records], records):
        if before != 20:
            assert np.isclose(record.epsilon, max(0.2, 1 - 0.8 * before / 100))
    assert records[-1].steps >= 200 > records[-2].steps


def test_the_mean_of_a_dueling_head_is_its_value():
    head, features = Dueling(6, 5, rng=rng()), torch.randn(7, 6, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(head(features).mean(dim=1, keepdim=True), head.value(features), atol=1e-6)


def test_the_greedy_policy_plays_the_best_action():
    network = mlp(4, 8, 2, rng=rng())
    episodes = play(cart_poles(), Greedy(network), rng())
    assert torch.equal(network(episodes.observations).argmax(dim=-1)[episodes.mask], episodes.actions[episodes.mask])


def test_scaled_and_one_hot():
    assert Scaled(2.0, 0.5)(torch.tensor([[1.0, 1.0]])).tolist() == [[0.5, 2.0]]
    assert OneHot(3)(torch.tensor([2, 0])).tolist() == [[0, 0, 1], [1, 0, 0]]
    for scales in [(), (1.0, 0.0), (np.nan,)]:
        with pytest.raises(ValueError, match="expected numbers above 0"):
            Scaled(*scales)


def test_equal_generators_give_equal_runs():
    def run(seed):
        network = mlp(4, 8, 2, rng=rng(5))
        records = list(prioritized_dqn(cart_poles(), network, sgd(network, 0.01), steps=200, rng=rng(seed), **SMALL))
        return [record.loss for record in records]

    assert run(1) == run(1) != run(2)


# What cannot work


class Spoiled(gymnasium.vector.VectorWrapper):
    def __init__(self, env, reward=1.0, observation=1.0):
        super().__init__(env)
        self.reward, self.observation = reward, observation

    def step(self, actions):
        observation, reward, *rest = self.env.step(actions)
        return observation * np.float32(self.observation), reward * self.reward, *rest


def continuous():
    return gymnasium.make_vec("Pendulum-v1", num_envs=2)


def dictionaries():
    env = cart_poles()
    env.single_observation_space = gymnasium.spaces.Dict({"x": env.single_observation_space})
    return env


def same_step():
    mode = gymnasium.vector.AutoresetMode.SAME_STEP
    return gymnasium.vector.SyncVectorEnv([lambda: gymnasium.make("CartPole-v1")], autoreset_mode=mode)


WRONG = {
    "one environment": (
        {"env": lambda: gymnasium.make("CartPole-v1")},
        "env is a TimeLimit, expected a gymnasium VectorEnv",
    ),
    "continuous actions": ({"env": continuous}, "the actions of env are Box"),
    "observations of several parts": ({"env": dictionaries}, "the observations of env are Dict"),
    "resets in the last step": ({"env": same_step}, "SAME_STEP, expected NEXT_STEP"),
    "no generator": ({"rng": 0}, "rng is 0, expected a numpy Generator"),
    "a batch larger than the buffer": ({"batch_size": 501}, "capacity is 500, expected at least 501"),
    "a buffer too small": ({"capacity": 7, "batch_size": 5}, "capacity is 7, expected a whole number, at least 8"),
    "an end before the beginning": ({"steps": 19}, "steps is 19, expected at least 20"),
    "gamma": ({"gamma": 1.1}, r"gamma is 1.1, expected a number in \[0, 1\]"),
    "gamma is no number": ({"gamma": np.nan}, "gamma is nan"),
    "epsilon": ({"epsilon": -0.1}, "epsilon is -0.1"),
    "tau of 0": ({"tau": 0}, r"tau is 0, expected a number in \(0, 1\]"),
    "tau": ({"tau": 1.5}, "tau is 1.5"),
    "a target that never moves": ({"target_every": 0}, "target_every is 0"),
    "no batch": ({"batch_size": 0}, "batch_size is 0"),
    "half a step": ({"steps": 100.5}, "steps is 100.5"),
    "another network's optimizer": (
        {"optimizer": sgd(mlp(4, 8, 2, rng=rng()))},
        "the optimizer does not hold the parameter",
    ),
    "no optimizer": ({"optimizer": 0.1}, "optimizer is a float"),
    "no network": ({"network": lambda x: x}, "network is a function, expected a torch.nn.Module"),
    "too many values": ({"network": mlp(4, 8, 3, rng=rng())}, r"to \(4, 3\), expected \(4, 2\)"),
    "a reward that is no number": ({"env": lambda: Spoiled(cart_poles(), reward=np.nan)}, r"rewards\[0, 0\] holds nan"),
    "an endless reward": ({"env": lambda: Spoiled(cart_poles(), reward=np.inf)}, r"rewards\[0, 0\] holds inf"),
    "observations": ({"env": lambda: Spoiled(cart_poles(), observation=np.nan)}, r"observations\[0, 0\] holds \[nan"),
}


@pytest.mark.parametrize("learn", ALL)
@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_work_is_refused(learn, name):
    changes, message = WRONG[name]
    network = changes.get("network", mlp(4, 8, 2, rng=rng()))
    optimizer = changes.get("optimizer") or sgd(network if isinstance(network, nn.Module) else nn.Linear(1, 1))
    env = changes.get("env", cart_poles)()
    rest = {key: value for key, value in changes.items() if key not in ("env", "network", "optimizer")}
    before = [p.clone() for p in network.parameters()] if isinstance(network, nn.Module) else []
    with pytest.raises((ValueError, TypeError), match=message) as error:
        next(learn(env, network, optimizer, **({"steps": 200, "rng": rng()} | SMALL | rest)))
    assert len(str(error.value)) < 500
    assert not before or all(map(torch.equal, before, network.parameters()))


@pytest.mark.parametrize(
    "learn, settings, message",
    [
        (n_step_dqn, {"n": 0}, "n is 0"),
        (prioritized_dqn, {"alpha": -0.1}, "alpha is -0.1"),
        (prioritized_dqn, {"beta": 2.0}, "beta is 2.0"),
    ],
)
def test_what_only_one_variant_has(learn, settings, message):
    network = mlp(4, 8, 2, rng=rng())
    with pytest.raises(ValueError, match=message):
        next(learn(cart_poles(), network, sgd(network), steps=200, rng=rng(), **SMALL, **settings))
