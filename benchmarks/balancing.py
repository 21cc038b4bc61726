"""How soon DQN, A2C and PPO balance CartPole's pole, beside those of stable-baselines3, and how fast steps are gathered.

The time is that of learning alone: every 2,048 steps or so the clock stands still while the network plays a hundred fresh
episodes by its likeliest actions. A run is over once their mean return is 475, or after its last step without that. Ours
has the settings of the chapters, or what is written here; the others have those of their zoo, or, where these do not
reach the mark (DQN's), those of CleanRL's script.
"""

import time

import gymnasium
import numpy as np
import torch
from chapter import of_the_chapter
from measuring import seconds
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env

from rlbook._torch import torch_generator
from rlbook.deep.dqn import n_step_dqn
from rlbook.deep.networks import Scaled, mlp
from rlbook.deep.ppo import ppo
from rlbook.deep.rollouts import collect, start

MARK, EVERY = 475, 2_048
SEEDS = range(2_000, 2_010)


def poles(num_envs):
    return gymnasium.make_vec("CartPole-v1", num_envs=num_envs, vectorization_mode="vector_entry_point")


@torch.no_grad()
def mean_return(network, seed):
    """Of 100 episodes of the action that the network, observations (B, 4) to logits or values (B, 2), holds for best."""
    env = poles(100)
    observation, _ = env.reset(seed=seed)
    going, total = np.ones(100, bool), 0
    while going.any():
        total += going.sum()
        action = network(torch.as_tensor(observation)).argmax(dim=-1).numpy()
        observation, _, terminated, truncated, _ = env.step(action)
        going &= ~(terminated | truncated)
    return total / 100


class Clock:
    """The seconds of a run, without those in which its network is asked whether it balances the pole."""

    def __init__(self, network, seed):
        self.network, self.seed, self.spent, self.asked_at = network, seed, 0.0, 0
        self.started = time.perf_counter()

    def balanced(self, steps):
        """Whether the pole is balanced after so many steps; not, where it was asked a short while ago."""
        if steps - self.asked_at < EVERY:
            return False
        self.spent, self.asked_at = self.spent + time.perf_counter() - self.started, steps
        balanced = mean_return(self.network, self.seed + steps) >= MARK
        self.started = time.perf_counter()
        return balanced


def seconds_of_ours(training, network, seed):
    """(seconds, whether the pole was balanced in the end)."""
    clock = Clock(network, seed)
    balanced = any(clock.balanced(record.steps) for record in training)
    return clock.spent, balanced


class UntilBalanced(BaseCallback):
    """Ends a run of stable-baselines3 in time."""

    def __init__(self, clock):
        super().__init__()
        self.clock, self.balanced = clock, False

    def _on_step(self):
        self.balanced = self.clock.balanced(self.num_timesteps)
        return not self.balanced


def seconds_of_theirs(model, network, seed, most):
    """The same of a model of stable-baselines3, after that many steps at the latest."""
    until = UntilBalanced(Clock(network, seed))
    model.learn(most, callback=until)
    return until.clock.spent, until.balanced


def logits_of(model):
    return lambda observations: model.policy.get_distribution(observations).distribution.logits


def our_dqn(seed):
    rng = np.random.default_rng(seed)
    network = torch.nn.Sequential(Scaled(2.4, 2.0, 0.21, 2.0), mlp(4, 64, 64, 2, rng=rng, activation=torch.nn.ReLU))
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3, fused=True)

    def training():
        for record in n_step_dqn(
            poles(8), network, optimizer, steps=100_000, rng=rng, exploration_steps=8_000, tau=0.1
        ):
            optimizer.param_groups[0]["lr"] = 2e-3 * max(0.1, 1 - record.steps / 64_000)
            yield record

    return seconds_of_ours(training(), network, seed)


def their_dqn(seed):
    settings = dict(learning_rate=2.5e-4, buffer_size=10_000, learning_starts=10_000, batch_size=128, train_freq=10)
    settings |= dict(target_update_interval=500, exploration_fraction=0.5, exploration_final_eps=0.05)
    env = gymnasium.make("CartPole-v1")
    model = DQN("MlpPolicy", env, **settings, policy_kwargs={"net_arch": [120, 84]}, seed=seed, device="cpu")
    return seconds_of_theirs(model, model.q_net, seed, most=500_000)


def our_a2c(seed):
    balance = of_the_chapter("12-actor-critic", {"cart_poles", "balance"})["balance"]
    policy, training = balance(np.random.default_rng(seed), steps=500_000)
    return seconds_of_ours(training, policy, seed)


def their_a2c(seed):
    model = A2C("MlpPolicy", make_vec_env("CartPole-v1", n_envs=8, seed=seed), seed=seed, device="cpu")
    return seconds_of_theirs(model, logits_of(model), seed, most=500_000)


def our_ppo(seed):
    rng = np.random.default_rng(seed)
    policy, value = mlp(4, 64, 64, 2, rng=rng, last_gain=0.01), mlp(4, 64, 64, 1, rng=rng)
    optimizer = torch.optim.Adam([*policy.parameters(), *value.parameters()], lr=0.01, eps=1e-5, fused=True)
    settings = dict(steps=100_000, gamma=0.98, lam=0.9, rollout_steps=32, epochs=10, minibatches=1)
    return seconds_of_ours(ppo(poles(32), policy, value, optimizer, rng=rng, **settings), policy, seed)


def their_ppo(seed):
    model = zoo_ppo(seed)
    return seconds_of_theirs(model, logits_of(model), seed, most=100_000)


def zoo_ppo(seed, num_envs=8):
    settings = dict(n_steps=32, batch_size=256, gae_lambda=0.8, gamma=0.98, n_epochs=20, ent_coef=0.0)
    falling = dict(learning_rate=lambda left: 1e-3 * left, clip_range=lambda left: 0.2 * left)
    env = make_vec_env("CartPole-v1", n_envs=num_envs, seed=seed)
    return PPO("MlpPolicy", env, seed=seed, device="cpu", **settings, **falling)


def compared(name, ours, theirs, their_seeds, mark):
    """How many times sooner ours is done on average, and on how many of ten seeds it balances the pole."""
    torch.set_num_threads(1)
    ours(0)  # the first call does not count
    ours, theirs = [ours(seed) for seed in SEEDS], [theirs(seed) for seed in their_seeds]
    times = [np.mean([run[0] for run in runs]) for runs in (ours, theirs)]
    balanced = [f"{sum(run[1] for run in runs)} of {len(runs)}" for runs in (ours, theirs)]
    behind = f"{times[0]:.2f} and {times[1]:.1f} s; balanced by {balanced[0]} and {balanced[1]}"
    yield f"{name} until CartPole is balanced / stable-baselines3's", behind, times[1] / times[0], "at least", mark
    yield "  of ten seeds those that balance it", f"seeds from {SEEDS[0]}", sum(run[1] for run in ours), "at least", 10


def balancing():
    yield from compared("PPO", our_ppo, their_ppo, SEEDS, 8)
    yield from compared("A2C", our_a2c, their_a2c, SEEDS[:5], 3)
    yield from compared("DQN with three steps", our_dqn, their_dqn, SEEDS[:2], 5)


def gathering():
    """Steps gathered a second from 32 environments, with a policy of the same size."""
    torch.set_num_threads(1)
    rng, env, model = np.random.default_rng(0), poles(32), zoo_ppo(0, num_envs=32)
    policy, generator = mlp(4, 64, 64, 2, rng=rng), torch_generator(rng)
    place = [start(env, rng)]
    _, callback = model._setup_learn(10**9)

    def ours():
        _, place[0] = collect(env, policy, place[0], generator, steps=128)

    def theirs():
        model.collect_rollouts(model.env, callback, model.rollout_buffer, n_rollout_steps=32)

    times = seconds(ours, theirs)
    speeds = 32 * 128 / times[0], 32 * 32 / times[1]
    behind = f"{speeds[0] / 1e3:.0f} and {speeds[1] / 1e3:.1f} thousand steps/s"
    yield "steps gathered on CartPole, 32 environments / SB3's", behind, speeds[0] / speeds[1], "at least", 5
