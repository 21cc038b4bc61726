"""Some steps of experience from environments that are played on and on: what actor-critics learn from.

A VectorEnv of Gymnasium resets an environment whose episode is over in the step after, which takes no action, pays
nothing, and is no transition: its row is masked. So the state that row t reached is the one that row t + 1 acts in, also
where an episode ended, and values of T + 1 rows of observations are all that advantages need.
"""

from typing import NamedTuple

import numpy as np

from rlbook._checks import require
from rlbook.advantages import gae

torch = require("torch", extra="deep")
gymnasium = require("gymnasium", extra="deep")

from rlbook.deep.acting import act, sent, tensors_like  # noqa: E402 (after the check that torch is there)


class Rollout(NamedTuple):
    """T steps of each of E environments. Tensors on the device of the policy; in NumPy what only records want."""

    observations: torch.Tensor  # (T + 1, E, ...): row t + 1 is what step t reached
    actions: torch.Tensor  # (T, E), or (T, E, D) of a Gaussian policy, as they were drawn
    rewards: torch.Tensor  # (T, E)
    terminated: torch.Tensor  # (T, E) bool
    truncated: torch.Tensor  # (T, E) bool
    mask: torch.Tensor  # (T, E) bool: a transition, not the step in which an environment resets itself
    returns: np.ndarray  # (K,) the sum of the rewards of each episode that ended in these steps, undiscounted
    lengths: np.ndarray  # (K,) its steps, those of earlier rollouts included


class Place(NamedTuple):
    """Where the environments stand between two rollouts."""

    observation: np.ndarray  # (E, ...)
    over: np.ndarray  # (E,) bool: the episode is over, the next step resets
    returns: np.ndarray  # (E,) the sum of the rewards of the episode so far
    lengths: np.ndarray  # (E,) its steps so far


def start(env, rng):
    """Reset all environments, seeded by one draw from rng.

    Raises ValueError for environments that reset themselves in the step that ends an episode: the state that this step
    reached is then in no row.
    """
    if env.metadata.get("autoreset_mode") == gymnasium.vector.AutoresetMode.SAME_STEP:
        raise ValueError("env has autoreset_mode SAME_STEP, expected NEXT_STEP: the last state of an episode is a row")
    observation, _ = env.reset(seed=int(rng.integers(2**31)))
    return Place(observation, np.zeros(env.num_envs, bool), np.zeros(env.num_envs), np.zeros(env.num_envs, int))


def ready(env, place):
    """The place; where all episodes are over, that after all have been reset: a step in which nobody acts is left out."""
    if not place.over.all():
        return place
    space = env.single_action_space
    observation, *_ = env.step(np.zeros((env.num_envs, *space.shape), space.dtype))
    return Place(observation, *(np.zeros_like(column) for column in place[1:]))


def moved_on(place, observation, reward, terminated, truncated):
    """Where they stand after a step, and what ended in it: the returns and the lengths (K,) of its K episodes."""
    returns = np.where(place.over, 0.0, place.returns + reward)
    lengths = np.where(place.over, 0, place.lengths + 1)
    over = terminated | truncated
    return Place(observation, over, returns, lengths), (returns[over], lengths[over])


@torch.no_grad()
def collect(env, policy, place, generator, *, steps):
    """Take so many steps in each environment, from where they stand. Returns the rollout and where they stand then.

    policy      an nn.Module from observations (E, ...) to logits (E, A), or a `Gaussian`, in eval mode
    generator   the torch.Generator that actions are drawn from, on the policy's device
    The first row holds a transition of at least one environment: where all have to be reset, they are reset before it.
    Raises ValueError for an observation or a reward that is not finite.
    """
    like, space = tensors_like(env, policy), env.single_action_space
    place = ready(env, place)
    states, actions, rows, ended = [torch.tensor(place.observation, **like)], [], [], []
    for _ in range(steps):
        actions.append(act(policy, states[-1], space, generator))
        observation, reward, terminated, truncated, _ = env.step(sent(actions[-1], space))
        states.append(torch.tensor(observation, **like))
        rows.append((np.where(place.over, 0.0, reward), terminated, truncated, ~place.over))
        place, done = moved_on(place, observation, reward, terminated, truncated)
        ended.append(done)
    states = finite("observations", torch.stack(states))
    rewards, *flags = (np.stack(column) for column in zip(*rows))
    rewards = finite("rewards", torch.tensor(rewards, dtype=torch.float32, device=like["device"]))
    flags = [torch.tensor(flag, device=like["device"]) for flag in flags]
    ended = [np.concatenate(column) for column in zip(*ended)]
    return Rollout(states, torch.stack(actions), rewards, *flags, *ended), place


def advantages_of(rollout, values, *, gamma, lam):
    """Generalized advantage estimates of a rollout's steps, (T, E), from values (T + 1, E) of all its observations.

    Those of steps that are no transitions are numbers without a meaning: who uses them forgot the mask.
    """
    rewards = rollout.rewards.to(values.dtype)
    ends = {"terminated": rollout.terminated, "truncated": rollout.truncated}
    return gae(rewards, values[:-1], **ends, gamma=gamma, lam=lam, next_values=values[1:])


def finite(name, tensor):
    """The tensor (T, E, ...), if all of it is finite."""
    if not tensor.isfinite().all():
        t, e, *_ = (~tensor.isfinite()).nonzero()[0].tolist()
        raise ValueError(f"{name}[{t}, {e}] holds {tensor[t, e].tolist()}, expected finite numbers: step, environment")
    return tensor
