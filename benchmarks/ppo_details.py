"""Which details of PPO matter: on CartPole, one of them changed at a time.

    python benchmarks/ppo_details.py              eight minutes on one core; writes benchmarks/results/ppo_details.csv
    python benchmarks/ppo_details.py --seeds 2    two of each, which are printed only

The usual way has all that programs have: last layers that start small, advantages scaled in each minibatch, GAE, a step
size that falls to 0, a gradient cut to length 0.5, four epochs of four minibatches, a clip of 0.2. A line of the table is a
run of 60,000 steps from networks of its own: the mean return of the episodes that ended in the third sixth of these steps,
and the mean return of 100 fresh episodes of the policy at the end; then the largest KL divergence of an update, and the
mean share of steps that were clipped. Networks follow the rounding of the processor, so that another machine writes
another table, of which the same can be said.
"""

from pathlib import Path

import gymnasium
import numpy as np
import torch
from tables import experiment

from rlbook.deep.networks import mlp
from rlbook.deep.ppo import ppo
from rlbook.deep.reinforce import play

TABLE = Path(__file__).parent / "results" / "ppo_details.csv"
SEEDS = range(100, 116)
NEVER = 1e9  # a clip that nothing reaches
STEPS, ENVS = 60_000, 16
CHANGES = {  # name: what is other than usual
    "usual": {},
    "large last layer": {"last_gain": 1.0},
    "advantages as they are": {"normalize": None},
    "scaled once a batch": {"normalize": "batch"},
    "constant step size": {"decay": False},
    "values clipped": {"value_clip": 0.2},
    "gradient not cut": {"max_norm": NEVER},
    "no clip": {"clip": NEVER},
    "one epoch": {"epochs": 1},
    "lambda 1": {"lam": 1.0},
    "lambda 0": {"lam": 0.0},
}
WAYS = [("CartPole-v1", change) for change in CHANGES]
MODES = {"CartPole-v1": "vector_entry_point", "Acrobot-v1": "sync"}


def environments(world, num_envs):
    return gymnasium.make_vec(world, num_envs=num_envs, vectorization_mode=MODES[world])


def train(world, seed, *, last_gain=0.01, **changes):
    """The policy after so many steps, and the records on the way."""
    rng = np.random.default_rng(seed)
    env = environments(world, ENVS)
    inputs, outputs = env.single_observation_space.shape[0], int(env.single_action_space.n)
    policy = mlp(inputs, 64, 64, outputs, rng=rng, last_gain=last_gain)
    value = mlp(inputs, 64, 64, 1, rng=rng)
    optimizer = torch.optim.Adam([*policy.parameters(), *value.parameters()], lr=5e-3, eps=1e-5, fused=True)
    settings = dict(steps=STEPS, rollout_steps=64) | changes
    return policy, list(ppo(env, policy, value, optimizer, rng=rng, **settings))


def measure(world, change, seed):
    """One line of the table."""
    policy, records = train(world, seed, **CHANGES[change])
    early = [record.returns for record in records if STEPS / 3 < record.steps <= STEPS / 2]
    final = play(environments(world, 100), policy, np.random.default_rng([seed, 1])).returns
    return {
        "world": world,
        "change": change,
        "seed": seed,
        "early": f"{np.concatenate(early).mean():.1f}",
        "final": f"{final.mean().item():.1f}",
        "kl": f"{max(record.kl for record in records):.4f}",
        "clipped": f"{np.mean([record.clip_fraction for record in records]):.4f}",
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    experiment(__doc__, [(way, SEEDS) for way in WAYS], measure, TABLE)
