"""How fast DQN with three steps in a target solves CartPole, and how surely, against stable-baselines3's DQN."""

import time

import gymnasium
import numpy as np
import torch

from rlbook.deep.acting import Greedy
from rlbook.deep.dqn import n_step_dqn
from rlbook.deep.networks import Scaled, mlp
from rlbook.deep.reinforce import play

MARK, EPISODES = 475, 100  # CartPole is solved at such a mean return of so many fresh episodes without exploration


def seconds_until_solved(seed):
    """Until the mean of a hundred episodes is at the mark, checked every 250 updates; the checks count. None if never."""
    rng = np.random.default_rng(seed)
    env = gymnasium.make_vec("CartPole-v1", num_envs=8, vectorization_mode="vector_entry_point")
    fresh = gymnasium.make_vec("CartPole-v1", num_envs=EPISODES, vectorization_mode="vector_entry_point")
    started = time.perf_counter()
    hidden = mlp(4, 64, 64, 2, rng=rng, activation=torch.nn.ReLU)
    network = torch.nn.Sequential(Scaled(2.4, 2.0, 0.21, 2.0), hidden)
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3, fused=True)
    for record in n_step_dqn(env, network, optimizer, steps=100_000, rng=rng, exploration_steps=8_000, tau=0.1):
        optimizer.param_groups[0]["lr"] = 2e-3 * max(0.1, 1 - record.steps / 64_000)
        if record.update % 250 == 0 and play(fresh, Greedy(network), rng).returns.mean() >= MARK:
            return time.perf_counter() - started
    return None


def seconds_of_stable_baselines3(seed, steps=500_000):
    """The same of its DQN, with the settings of CleanRL's script, which reach the mark; checked every 10,000 steps."""
    from stable_baselines3 import DQN
    from stable_baselines3.common.callbacks import EvalCallback, StopTrainingOnRewardThreshold
    from stable_baselines3.common.monitor import Monitor

    settings = dict(learning_rate=2.5e-4, buffer_size=10_000, learning_starts=10_000, batch_size=128, train_freq=10)
    settings |= dict(target_update_interval=500, exploration_fraction=0.5, exploration_final_eps=0.05)
    env, fresh = gymnasium.make("CartPole-v1"), Monitor(gymnasium.make("CartPole-v1"))
    stop = StopTrainingOnRewardThreshold(MARK)
    check = EvalCallback(fresh, callback_on_new_best=stop, n_eval_episodes=EPISODES, eval_freq=10_000, verbose=0)
    started = time.perf_counter()
    model = DQN("MlpPolicy", env, **settings, policy_kwargs={"net_arch": [120, 84]}, seed=seed, device="cpu")
    model.learn(steps, callback=check)
    return time.perf_counter() - started if check.best_mean_reward >= MARK else None


def dqn_ratios():
    """Seconds until CartPole is solved: the median of ten seeds of ours against one run of stable-baselines3's DQN."""
    torch.set_num_threads(1)
    ours = [seconds_until_solved(seed) for seed in range(10)]
    solved = [seconds for seconds in ours if seconds is not None]
    yield (
        "DQN with three steps, seeds of ten that solve CartPole",
        f"{max(solved):.1f} s at most",
        len(solved),
        "at least",
        10,
    )
    theirs = seconds_of_stable_baselines3(0)
    reached = "500,000 steps without the mark" if theirs is None else f"{theirs:.0f} s"
    ratio = np.inf if theirs is None else theirs / np.median(solved)
    yield (
        "its seconds / those of stable-baselines3's DQN",
        f"{np.median(solved):.1f} s and {reached}",
        ratio,
        "at least",
        5,
    )
