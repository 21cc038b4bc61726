"""How fast steps are made by many environments at once, against one: REINFORCE and A2C on CartPole."""

import gymnasium
import numpy as np
import torch
from chapter import of_the_chapter
from measuring import seconds

from rlbook.deep.networks import mlp
from rlbook.deep.reinforce import reinforce


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
