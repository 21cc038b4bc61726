"""How fast PPO balances a pole, ours and the one of stable-baselines3 with its zoo's settings, and steps a second."""

import time

import gymnasium
import numpy as np
import torch
from measuring import seconds
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env

from rlbook._torch import torch_generator
from rlbook.deep.networks import mlp
from rlbook.deep.ppo import ppo
from rlbook.deep.rollouts import collect, start

MARK, EVERY = 475, 2_048  # the mean return of 100 fresh episodes, asked for after about so many steps, time not counted
SEEDS = range(2_000, 2_010)


@torch.no_grad()
def greedy_return(logits_of, seed):
    """The mean return of 100 episodes of the likeliest action."""
    env = poles(100)
    observation, _ = env.reset(seed=seed)
    going, total = np.ones(100, bool), 0
    while going.any():
        total += going.sum()
        action = logits_of(torch.as_tensor(observation)).argmax(dim=-1).numpy()
        observation, _, terminated, truncated, _ = env.step(action)
        going &= ~(terminated | truncated)
    return total / 100


def poles(num_envs):
    return gymnasium.make_vec("CartPole-v1", num_envs=num_envs, vectorization_mode="vector_entry_point")


def seconds_of_ours(seed):
    """Seconds of learning until the mark is reached, or None."""
    rng = np.random.default_rng(seed)
    policy, value = mlp(4, 64, 64, 2, rng=rng, last_gain=0.01), mlp(4, 64, 64, 1, rng=rng)
    optimizer = torch.optim.Adam([*policy.parameters(), *value.parameters()], lr=0.01, eps=1e-5, fused=True)
    settings = dict(steps=100_000, gamma=0.98, lam=0.9, rollout_steps=32, epochs=10, minibatches=1)
    spent, started = 0.0, time.perf_counter()
    for record in ppo(poles(32), policy, value, optimizer, rng=rng, **settings):
        spent += time.perf_counter() - started
        if record.update % (EVERY // 1_024) == 0 and greedy_return(policy, seed + record.steps) >= MARK:
            return spent
        started = time.perf_counter()
    return None


def peer(seed, num_envs=8):
    """stable-baselines3's PPO with the settings of its zoo for CartPole-v1."""
    settings = dict(n_steps=32, batch_size=256, gae_lambda=0.8, gamma=0.98, n_epochs=20, ent_coef=0.0)
    falling = dict(learning_rate=lambda left: 1e-3 * left, clip_range=lambda left: 0.2 * left)
    env = make_vec_env("CartPole-v1", n_envs=num_envs, seed=seed)
    return PPO("MlpPolicy", env, seed=seed, device="cpu", **settings, **falling)


class UntilTheMark(BaseCallback):
    """Stops where the mark is reached; `spent` is the time without the episodes that were asked for."""

    spent, reached = 0.0, False

    def _on_training_start(self):
        self.started = time.perf_counter()

    def _on_rollout_start(self):
        self.spent += time.perf_counter() - self.started
        if self.num_timesteps and self.num_timesteps % EVERY == 0:
            self.reached = greedy_return(self.logits, self.locals["self"].seed + self.num_timesteps) >= MARK
        self.started = time.perf_counter()

    def logits(self, observation):
        return self.model.policy.get_distribution(observation).distribution.logits

    def _on_step(self):
        return not self.reached


def seconds_of_theirs(seed):
    until = UntilTheMark()
    peer(seed).learn(100_000, callback=until)
    return until.spent if until.reached else None


def ppo_against_stable_baselines3():
    """Seconds of learning to the mark, ten fresh seeds of each in turns, and the steps a second of gathering alone."""
    torch.set_num_threads(1)
    pairs = [(seconds_of_ours(seed), seconds_of_theirs(seed)) for seed in SEEDS]
    ours, theirs = ([found for found in column if found is not None] for column in zip(*pairs))
    times = f"{np.mean(ours):.2f} and {np.mean(theirs):.2f} s, reached by {len(ours)} and {len(theirs)} of 10"
    yield (
        "PPO to 475 on CartPole: stable-baselines3's seconds / ours",
        times,
        np.mean(theirs) / np.mean(ours),
        "at least",
        8,
    )
    yield "PPO to 475 on CartPole: of 10 fresh seeds", "see above", len(ours), "at least", 10

    rng, env, model = np.random.default_rng(0), poles(32), peer(0, num_envs=32)
    policy, generator = mlp(4, 64, 64, 2, rng=rng), torch_generator(rng)
    place = [start(env, rng)]
    _, callback = model._setup_learn(10**9)

    def gather():
        _, place[0] = collect(env, policy, place[0], generator, steps=128)

    def peer_gathers():
        model.collect_rollouts(model.env, callback, model.rollout_buffer, n_rollout_steps=32)

    times = seconds(gather, peer_gathers)
    speeds = 32 * 128 / times[0], 32 * 32 / times[1]
    behind = f"{speeds[0] / 1e3:.0f} and {speeds[1] / 1e3:.1f} thousand steps/s"
    yield "steps gathered on CartPole, 32 environments / SB3's", behind, speeds[0] / speeds[1], "at least", 5
