#!/usr/bin/env bash
# stable-baselines3 2.9.2 (gymnasium 1.4.0, torch 2.13.0, Python 3.11): its DQN does not learn the mean of the returns.
#
# Q-learning's values are expectations: with gamma 0.99, a state that pays 1, and is the last one time in ten, is worth
# 1 / (1 - 0.99 * 0.9) = 9.17. A good guess: DQN, with a network large enough for the one state there is, comes near it.
# Seen: about 88. Its loss is smooth_l1_loss with no argument for another, whose slope is 1 beyond an error of 1; where
# targets lie far apart (1 at the end, 1 + gamma * v else) it is least where nine pulls up with a slope of 1 + gamma * v - v
# balance one pull down with a slope of 1: v = (1 - 1 / 9) / (1 - 0.99) = 88.9. No error, and a small loss.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 gymnasium==1.4.0 stable-baselines3==2.9.2
cat > median.py <<'END'
import gymnasium
import numpy as np
import torch
from stable_baselines3 import DQN

torch.set_num_threads(1)


class Brief(gymnasium.Env):
    """One state; each step pays 1 and is the last with probability 0.1."""

    observation_space, action_space = gymnasium.spaces.Box(0, 1, (1,)), gymnasium.spaces.Discrete(1)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.ones(1, np.float32), {}

    def step(self, action):
        return np.ones(1, np.float32), 1.0, bool(self.np_random.random() < 0.1), False, {}


settings = dict(gamma=0.99, learning_rate=3e-3, learning_starts=1_000, train_freq=1, target_update_interval=20)
model = DQN("MlpPolicy", Brief(), policy_kwargs={"net_arch": [16]}, batch_size=128, seed=0, device="cpu", **settings)
model.learn(25_000)
value = model.q_net(torch.ones(1, 1)).item()
print(f"value learned {value:.1f}; the mean return {1 / (1 - 0.99 * 0.9):.2f}")
assert value > 40, "changed: the value is near the mean"
END
venv/bin/python median.py
