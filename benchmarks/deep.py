"""How fast the learners with networks are: steps of many environments at once, and the time until a pole is balanced."""

import time
from collections import deque

import gymnasium
import numpy as np
import torch
from chapter import of_the_chapter
from measuring import seconds

from rlbook.deep.networks import mlp
from rlbook.deep.reinforce import play, reinforce


def one_environment_reinforce(policy, optimizer, updates, episodes_per_update):
    """The usual loop: one environment, one forward pass a step, an update after some episodes. Returns the steps."""
    env, steps = gymnasium.make("CartPole-v1"), 0
    for _ in range(updates):
        loss = 0.0
        for _ in range(episodes_per_update):
            observation, _ = env.reset()
            logp, rewards, over = [], [], False
            while not over:
                scores = policy(torch.from_numpy(observation)).log_softmax(dim=-1)
                action = torch.multinomial(scores.detach().exp(), 1).item()
                logp.append(scores[action])
                observation, reward, terminated, truncated, _ = env.step(action)
                rewards.append(reward)
                over = terminated or truncated
            returns = np.cumsum(rewards[::-1])[::-1].copy()
            loss = loss - (torch.stack(logp) * torch.as_tensor(returns, dtype=torch.float32)).sum()
            steps += len(rewards)
        optimizer.zero_grad()
        (loss / episodes_per_update).backward()
        optimizer.step()
    return steps


def reinforce_ratios():
    """Transitions a second of REINFORCE on CartPole, against the loop over a single environment.

    Both play the episodes of a policy that does not change (the step size is 0), so the work is the same in every round;
    steps of environments whose episode is over are made, and not counted.
    """
    torch.set_num_threads(1)
    policy = mlp(4, 32, 2, rng=np.random.default_rng(0), last_gain=0.01)
    learning = torch.optim.Adam(policy.parameters(), lr=0.03)
    env = gymnasium.make_vec("CartPole-v1", num_envs=64, vectorization_mode="vector_entry_point")
    for _ in reinforce(env, policy, learning, updates=15, rng=np.random.default_rng(0)):
        pass  # a policy that holds the pole for a while, as most of a training run does
    optimizer, steps = torch.optim.SGD(policy.parameters(), lr=0.0), {}

    def ours():
        *_, last = reinforce(env, policy, optimizer, updates=4, rng=np.random.default_rng(0))
        steps["ours"] = last.steps

    def theirs():
        torch.manual_seed(0)
        steps["theirs"] = one_environment_reinforce(policy, optimizer, updates=2, episodes_per_update=8)

    times = seconds(ours, theirs)
    vectorised, single = steps["ours"] / times[0], steps["theirs"] / times[1]
    speeds = f"{vectorised / 1e3:.0f} and {single / 1e3:.1f} thousand transitions/s"
    yield "reinforce on CartPole, 64 environments / one environment", speeds, vectorised / single, "at least", 5


def is_balanced(policy, seed):
    """Whether a policy, a module that gives logits, holds the pole for 475 steps on average over 100 fresh episodes."""
    env = gymnasium.make_vec("CartPole-v1", num_envs=100, vectorization_mode="vector_entry_point")
    return bool(play(env, policy, np.random.default_rng(seed)).returns.mean() >= 475)


class Watch:
    """How long a learner has trained: it stands still while a policy is tried, which is done once recent episodes are
    good enough, and at most once in 4,000 steps."""

    def __init__(self):
        self.recent, self.tried_at, self.out, self.began = deque(maxlen=50), 0, 0.0, time.perf_counter()

    def done(self, returns, steps, policy, seed):
        self.recent.extend(returns)
        if len(self.recent) < 50 or np.mean(self.recent) < 450 or steps - self.tried_at < 4_000:
            return False
        began, self.tried_at = time.perf_counter(), steps
        balanced = is_balanced(policy, [seed, steps])
        self.out += time.perf_counter() - began
        return balanced

    @property
    def seconds(self):
        return time.perf_counter() - self.began - self.out


def our_a2c(seed):
    """Seconds, steps, and whether the pole was balanced in the end: the settings of chapter 12."""
    balance = of_the_chapter("12-actor-critic", {"cart_poles", "balance"})["balance"]
    policy, training = balance(np.random.default_rng(seed), steps=500_000)
    watch = Watch()
    for record in training:
        if watch.done(record.returns, record.steps, policy, seed):
            return watch.seconds, record.steps, True
    return watch.seconds, record.steps, False


def their_a2c(seed):
    """The same of stable-baselines3 with the settings of its zoo: 8 environments, at most 500,000 steps."""
    from stable_baselines3 import A2C
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.env_util import make_vec_env

    class Logits(torch.nn.Module):
        def __init__(self, policy):
            super().__init__()
            self.policy = policy

        def forward(self, observations):
            return self.policy.get_distribution(observations).distribution.logits

    class Stop(BaseCallback):
        def _on_step(self):
            ended = [info["episode"]["r"] for info in self.locals["infos"] if "episode" in info]
            self.balanced = watch.done(ended, self.num_timesteps, Logits(self.model.policy), seed)
            return not self.balanced

    model = A2C("MlpPolicy", make_vec_env("CartPole-v1", n_envs=8, seed=seed), seed=seed, device="cpu")
    stop, watch = Stop(), Watch()
    model.learn(500_000, callback=stop)
    return watch.seconds, model.num_timesteps, stop.balanced


def a2c_ratios(seeds=range(5)):
    """How much sooner A2C balances a pole than that of stable-baselines3, whose runs that never do count as they end."""
    torch.set_num_threads(1)
    our_a2c(99)  # the first call does not count
    ours, theirs = zip(*[(our_a2c(seed), their_a2c(seed)) for seed in seeds])
    times = [np.median([run[0] for run in runs]) for runs in (ours, theirs)]
    balanced = [sum(run[2] for run in runs) for runs in (ours, theirs)]
    behind = (
        f"medians {times[0]:.1f} and {times[1]:.1f} s; balanced in {balanced[0]} and {balanced[1]} of {len(seeds)} runs"
    )
    yield "A2C until CartPole is balanced / that of stable-baselines3", behind, times[1] / times[0], "at least", 3
    yield "  of its runs those that balanced it", f"{len(seeds)} seeds", balanced[0], "at least", len(seeds)


def workers_ratio():
    """Steps a second of A2C with 64 environments at once, against one worker with one: what as many processors as this
    number would be needed for, each with a worker of its own."""
    torch.set_num_threads(1)
    balance, steps = of_the_chapter("12-actor-critic", {"cart_poles", "balance"})["balance"], {}

    def run(num_envs, most):
        _, training = balance(np.random.default_rng(0), steps=most, num_envs=num_envs)
        *_, last = training
        steps[num_envs] = last.steps

    times = seconds(lambda: run(64, 30_000), lambda: run(1, 1_000))
    together, alone = steps[64] / times[0], steps[1] / times[1]
    speeds = f"{together / 1e3:.0f} and {alone / 1e3:.1f} thousand steps/s"
    yield "A2C on CartPole, 64 environments / one worker with one", speeds, together / alone, "at least", 10
