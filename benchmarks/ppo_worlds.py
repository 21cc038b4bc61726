"""PPO on Gymnasium's Acrobot and Pendulum: what a policy is worth after 60,000 steps, ten networks of each.

    python benchmarks/ppo_worlds.py              two minutes on one core; writes benchmarks/results/ppo_worlds.csv
    python benchmarks/ppo_worlds.py --seeds 1    one of each, which is printed only

Acrobot has three actions, Pendulum a torque, by a Gaussian policy; it learns from Pendulum's rewards, from 0 to -16,
divided by ten. A line of the table is a network: the mean return of 100 fresh episodes at the end, actions drawn, in
the world's own rewards. Networks follow the rounding of the processor, so that another machine writes another table, of
which the same can be said.
"""

from pathlib import Path

import gymnasium
import numpy as np
import torch
from tables import experiment

from rlbook.deep.gaussian import Gaussian
from rlbook.deep.networks import mlp
from rlbook.deep.ppo import ppo
from rlbook.deep.reinforce import play

TABLE = Path(__file__).parent / "results" / "ppo_worlds.csv"
SEEDS = range(100, 110)
WAYS = [("Acrobot-v1", 1.0), ("Pendulum-v1", 0.1)]  # world, what a reward is multiplied by
SETTINGS = {
    "Acrobot-v1": dict(lr=2.5e-3, gamma=0.99, rollout_steps=64, epochs=4, minibatches=4),
    "Pendulum-v1": dict(lr=2e-3, gamma=0.9, rollout_steps=128, epochs=10, minibatches=8),
}


def train(world, scale, seed, *, steps=60_000):
    """The policy after so many steps in 16 environments."""
    settings, rng = dict(SETTINGS[world]), np.random.default_rng(seed)
    env = gymnasium.make_vec(world, num_envs=16, vectorization_mode="sync")
    env = gymnasium.wrappers.vector.TransformReward(env, lambda reward: scale * reward)
    inputs, discrete = (
        env.single_observation_space.shape[0],
        isinstance(env.single_action_space, gymnasium.spaces.Discrete),
    )
    policy = mlp(inputs, 64, 64, int(env.single_action_space.n) if discrete else 1, rng=rng, last_gain=0.01)
    policy = policy if discrete else Gaussian(policy, 1)
    value = mlp(inputs, 64, 64, 1, rng=rng)
    optimizer = torch.optim.Adam(
        [*policy.parameters(), *value.parameters()], lr=settings.pop("lr"), eps=1e-5, fused=True
    )
    for _ in ppo(env, policy, value, optimizer, steps=steps, rng=rng, **settings):
        pass
    return policy


def measure(world, scale, seed):
    """One line of the table."""
    policy = train(world, scale, seed)
    fresh = gymnasium.make_vec(world, num_envs=100, vectorization_mode="sync")
    returns = play(fresh, policy, np.random.default_rng([seed, 1])).returns
    return {"world": world, "scale": scale, "seed": seed, "return": f"{returns.mean().item():.1f}"}


if __name__ == "__main__":
    torch.set_num_threads(1)
    experiment(__doc__, [(way, SEEDS) for way in WAYS], measure, TABLE)
