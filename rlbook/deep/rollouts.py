"""Some steps of experience from environments that are played on and on: what actor-critics learn from.

A VectorEnv of Gymnasium resets an environment whose episode is over in the step after, which takes no action, pays
nothing, and is no transition: its row is masked. So the state that row t reached is the one that row t + 1 acts in, also
where an episode ended, and values of T + 1 rows of observations are all that advantages need.
"""

from typing import NamedTuple

import numpy as np

from rlbook._checks import require

torch = require("torch", extra="deep")

from rlbook.deep.acting import draw, logits_of, tensors_like  # noqa: E402 (after the check that torch is there)


class Rollout(NamedTuple):
    """T steps of each of E environments. Tensors on the device of the policy."""

    observations: torch.Tensor  # (T + 1, E, ...): row t + 1 is what step t reached
    actions: torch.Tensor  # (T, E)
    rewards: torch.Tensor  # (T, E)
    terminated: torch.Tensor  # (T, E) bool
    truncated: torch.Tensor  # (T, E) bool
    mask: torch.Tensor  # (T, E) bool: a transition, not the step in which an environment resets itself


class Place(NamedTuple):
    """Where the environments stand between two rollouts."""

    observation: np.ndarray  # (E, ...)
    over: np.ndarray  # (E,) bool: the episode is over, the next step resets


def start(env, rng):
    """Reset all environments, seeded by one draw from rng."""
    observation, _ = env.reset(seed=int(rng.integers(2**31)))
    return Place(observation, np.zeros(env.num_envs, bool))


@torch.no_grad()
def collect(env, policy, place, generator, *, steps):
    """Take so many steps in each environment, from where they stand. Returns the rollout and where they stand then.

    policy      an nn.Module from observations (E, ...) to logits (E, A), in eval mode
    generator   the torch.Generator that actions are drawn from, on the policy's device
    """
    like, num_actions = tensors_like(env, policy), int(env.single_action_space.n)
    observation, over = place
    states, actions, rows = [torch.tensor(observation, **like)], [], []
    for _ in range(steps):
        actions.append(draw(logits_of(policy, states[-1], num_actions), generator))
        observation, reward, terminated, truncated, _ = env.step(actions[-1].cpu().numpy())
        states.append(torch.tensor(observation, **like))
        rows.append((reward, terminated, truncated, ~over))
        over = terminated | truncated
    rewards, *flags = (np.stack(column) for column in zip(*rows))
    rewards = torch.tensor(rewards, dtype=torch.float32, device=like["device"])
    flags = [torch.tensor(flag, device=like["device"]) for flag in flags]
    return Rollout(torch.stack(states), torch.stack(actions), rewards, *flags), Place(observation, over)
