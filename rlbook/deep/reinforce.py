"""REINFORCE, with and without a baseline, on Gymnasium's vectorised environments.

An update plays one episode in each of the E environments and follows their mean gradient once. What was left out: the
factor gamma ** t before each step's term, which the policy gradient theorem has when gamma is below 1 and which nearly
every program drops; any scaling or whitening of the returns; any entropy bonus; bootstrapping, so that the return of an
episode that was cut off is the sum of what was seen of it (the records say which episodes these were).
"""

from typing import NamedTuple

import numpy as np

from rlbook._checks import check_number, require
from rlbook.advantages import returns_to_go

torch = require("torch", extra="deep")

# after the check that torch is there:
from rlbook._torch import check_optimizer, gradient_norm, torch_generator  # noqa: E402
from rlbook.deep.acting import (  # noqa: E402
    act,
    check_environment,
    check_outputs,
    log_probabilities,
    sent,
    tensors_like,
    values_of,
)
from rlbook.training import trainer  # noqa: E402


class Episodes(NamedTuple):
    """One episode of each of E environments, T steps of the longest. Tensors on the device of the policy."""

    observations: torch.Tensor  # (T, E, ...)
    actions: torch.Tensor  # (T, E), or (T, E, D) of a Gaussian policy, as they were drawn
    rewards: torch.Tensor  # (T, E), 0 where the episode was over
    mask: torch.Tensor  # (T, E) bool: a step of the episode, not what its environment did afterwards
    truncated: torch.Tensor  # (E,) bool: cut off by the environment's limit or by max_steps

    @property
    def returns(self):
        """The sum of the rewards of each episode, undiscounted: (E,)."""
        return self.rewards.sum(dim=0)

    @property
    def lengths(self):
        """The steps of each episode: (E,)."""
        return self.mask.sum(dim=0)


class Update(NamedTuple):
    """What one update saw and did."""

    update: int  # from 1
    steps: int  # transitions so far, this update's included
    returns: np.ndarray  # (E,) the sum of the rewards of each episode, undiscounted
    lengths: np.ndarray  # (E,) steps taken
    truncated: np.ndarray  # (E,) bool: the episode was cut off, its return is what was seen
    loss: float
    gradient_norm: float


@torch.no_grad()
def play(env, policy, rng, *, max_steps=10_000):
    """Play one episode in each environment of a VectorEnv, from a reset, short ones and long ones.

    policy      an nn.Module from observations (E, ...) to logits (E, A); observations of a Discrete
                space are int64 (E,), others floats of the type of the policy's parameters; or a
                `Gaussian`, for actions that are vectors
    max_steps   an episode still going on after so many steps is cut off
    An environment whose episode is over is stepped on, since a VectorEnv steps all of its
    environments, but these steps, autoreset included, are no transitions: their mask is False.
    The policy is put into eval mode, without dropout: what acts is what is scored afterwards.
    """
    check_environment(env, policy, rng, max_steps=max_steps)
    like = tensors_like(env, policy)
    generator = torch_generator(rng, like["device"])
    policy.eval()
    observation, _ = env.reset(seed=int(rng.integers(2**31)))
    going, truncated = np.ones(env.num_envs, bool), np.zeros(env.num_envs, bool)
    steps = []
    while going.any() and len(steps) < max_steps:
        state = torch.tensor(observation, **like)
        action = act(policy, state, env.single_action_space, generator)
        observation, reward, terminated, cut, _ = env.step(sent(action, env.single_action_space))
        steps.append((state, action, np.where(going, reward, 0.0), going))
        truncated |= going & cut & ~terminated
        going = going & ~(terminated | cut)
    states, actions, rewards, mask = zip(*steps)
    rewards = torch.tensor(np.stack(rewards), dtype=torch.float32, device=generator.device)
    mask = torch.tensor(np.stack(mask), device=generator.device)
    truncated = torch.tensor(truncated | going, device=generator.device)
    return Episodes(torch.stack(states), torch.stack(actions), rewards, mask, truncated)


@trainer
def reinforce(env, policy, optimizer, *, updates, rng, gamma=1.0, max_steps=10_000, memory):
    """Make each action likelier in proportion to the return that followed it.

    env             a gymnasium VectorEnv
    policy          an nn.Module, observations (B, ...) to logits (B, A), or a `Gaussian`
    optimizer       a torch optimizer of the policy's parameters
    Yields an `Update` after each step of the optimizer.
    Source: Williams (1992); Sutton & Barto (2018), section 13.3.
    """
    check_environment(env, policy, rng, max_steps=max_steps, updates=updates)
    check_optimizer(optimizer, policy=policy)
    gamma = check_number("gamma", gamma, least=0, most=1)
    memory.begin(update=0, steps=0)
    while memory.update < updates:
        memory.update += 1
        episodes = play(env, policy, rng, max_steps=max_steps)
        played = episodes.mask
        returns = returns_to_go(episodes.rewards, gamma=gamma)[played]  # (N,) of the N steps played
        logp = log_probabilities(policy, episodes.observations[played], episodes.actions[played])
        loss = -(logp * returns).sum() / env.num_envs

        optimizer.zero_grad()
        loss.backward()
        norm = gradient_norm(optimizer, f"update {memory.update}")
        optimizer.step()
        memory.steps += len(returns)
        yield _record(memory.update, memory.steps, episodes, loss, norm)


@trainer
def reinforce_with_baseline(env, policy, value, optimizer, *, updates, rng, gamma=1.0, max_steps=10_000, memory):
    """Make each action likelier in proportion to how much its return exceeded the value of the state.

    As `reinforce`, with value an nn.Module, observations (B, ...) to (B, 1) or (B,), fitted to the
    returns by least squares; the optimizer holds the parameters of both networks.
    Source: Williams (1992); Sutton & Barto (2018), section 13.4.
    """
    check_environment(env, policy, rng, max_steps=max_steps, updates=updates)
    check_optimizer(optimizer, policy=policy, value=value)
    gamma = check_number("gamma", gamma, least=0, most=1)
    policy.eval(), value.eval()
    check_outputs(env, policy, value)
    memory.begin(update=0, steps=0)
    while memory.update < updates:
        memory.update += 1
        episodes = play(env, policy, rng, max_steps=max_steps)
        played = episodes.mask
        returns = returns_to_go(episodes.rewards, gamma=gamma)[played]  # (N,) of the N steps played
        logp = log_probabilities(policy, episodes.observations[played], episodes.actions[played])
        delta = returns - values_of(value, episodes.observations[played])
        loss = -(logp * delta.detach()).sum() / env.num_envs + (delta**2).sum() / 2 / env.num_envs

        optimizer.zero_grad()
        loss.backward()
        norm = gradient_norm(optimizer, f"update {memory.update}")
        optimizer.step()
        memory.steps += len(returns)
        yield _record(memory.update, memory.steps, episodes, loss, norm)


def _record(update, steps, episodes, loss, norm):
    returns, lengths = (array.cpu().numpy() for array in (episodes.returns, episodes.lengths))
    return Update(update, steps, returns, lengths, episodes.truncated.cpu().numpy(), loss.item(), norm)
