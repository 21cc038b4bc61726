"""Episodes that somebody else played, as arrays: all that offline learning gets to see; and minari's format, both ways.

An episode of T steps has T + 1 observations: row t + 1 is what step t reached, also where the episode was cut off. Other
formats repeat each observation, or drop the last one, and readers that make the pairs again have shifted them.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from rlbook._checks import check_array, check_counts, check_rng, require, shown
from rlbook.advantages import returns_to_go
from rlbook.loops import act
from rlbook.mdp import reset, step
from rlbook.policies import action_probabilities


class Logged(NamedTuple):
    """N episodes, each of at most T steps. What stands behind the end of an episode is 0, and no step of it."""

    observations: np.ndarray  # (N, T + 1, ...) whole numbers for states, else floats; row t + 1 is what step t reached
    actions: np.ndarray  # (N, T)
    rewards: np.ndarray  # (N, T)
    lengths: np.ndarray  # (N,) steps of each episode
    terminated: np.ndarray  # (N,) bool: it ended in a terminal state; otherwise it was cut off

    @property
    def mask(self):
        """Whether an entry is a step: (N, T) bool."""
        return np.arange(self.actions.shape[1]) < self.lengths[:, None]

    @property
    def returns(self):
        """The sum of the rewards of each episode, undiscounted: (N,)."""
        return self.rewards.sum(axis=1)

    @property
    def returns_to_go(self):
        """The sum of the rewards from each step on, its own included, undiscounted: (N, T)."""
        return returns_to_go(self.rewards.T).T

    @property
    def transitions(self):
        """All steps in one row: observations, actions, rewards, next observations, and whether a step terminated."""
        last = np.arange(self.actions.shape[1]) == self.lengths[:, None] - 1
        terminal = last & self.terminated[:, None]
        columns = (self.observations[:, :-1], self.actions, self.rewards, self.observations[:, 1:], terminal)
        return tuple(column[self.mask] for column in columns)


def log_episodes(mdp, policy, *, episodes, rng, max_steps):
    """Play so many episodes of a FiniteMDP with a policy, (S,) or (S, A), and write them down as `Logged`.

    An episode that is not over after max_steps is cut off there, and not terminated.
    """
    check_rng(rng)
    check_counts(episodes=episodes, max_steps=max_steps)
    policy = action_probabilities(mdp, policy)
    return Logged(*_played(mdp, policy, episodes, max_steps, rng))


@njit(cache=True)
def _played(mdp, policy, episodes, max_steps, rng):
    observations = np.zeros((episodes, max_steps + 1), np.int64)
    actions, rewards = np.zeros((episodes, max_steps), np.int64), np.zeros((episodes, max_steps))
    lengths, ended = np.zeros(episodes, np.int64), np.zeros(episodes, np.bool_)
    for n in range(episodes):
        s, t, terminated = reset(mdp, rng), 0, False
        observations[n, 0] = s
        while t < max_steps and not terminated:
            a = act(policy, s, rng)
            s, r, terminated = step(mdp, s, a, rng)
            actions[n, t], rewards[n, t], observations[n, t + 1] = a, r, s
            t += 1
        lengths[n], ended[n] = t, terminated
    return observations, actions, rewards, lengths, ended


def check_logged(logged, num_actions=None, num_states=None):
    """Raise unless it is `Logged` of one or more steps, with shapes that agree, finite numbers and known actions."""
    if not isinstance(logged, Logged):
        raise TypeError(f"logged is {shown(logged)}, expected a Logged, such as log_episodes(mdp, policy, ...)")
    observations, actions, rewards, lengths, terminated = (check_array(*pair) for pair in zip(logged._fields, logged))
    if actions.ndim != 2 or actions.size == 0:
        raise ValueError(f"actions have shape {actions.shape}, expected (N, T): an entry for each step")
    episodes, steps = actions.shape
    wanted = {"rewards": (rewards, (episodes, steps)), "observations": (observations, (episodes, steps + 1))}
    wanted |= {"lengths": (lengths, (episodes,)), "terminated": (terminated, (episodes,))}
    for name, (array, shape) in wanted.items():
        found = array.shape[:2] if name == "observations" else array.shape
        if found != shape:
            raise ValueError(f"{name} have shape {array.shape}, expected {shape}: actions have shape {actions.shape}")
    if lengths.dtype.kind not in "iu" or not ((lengths >= 1) & (lengths <= steps)).all():
        raise ValueError(f"lengths are {shown(lengths)}, expected whole numbers from 1 to {steps}")
    rows = logged.mask
    for name, array in {"observations": observations, "rewards": rewards}.items():
        if not np.isfinite(array).all():
            place = tuple(np.argwhere(~np.isfinite(array))[0].tolist())
            raise ValueError(f"{name}{list(place)} is {array[place]}, expected a finite number")
    if (rewards[~rows] != 0).any():
        n, t = np.argwhere(~rows & (rewards != 0))[0].tolist()
        raise ValueError(f"rewards[{n}, {t}] is {rewards[n, t]}, expected 0: episode {n} has {lengths[n]} steps")
    _check_range("actions", actions, rows, num_actions)
    _check_range("observations", observations, np.arange(steps + 1) <= lengths[:, None], num_states)


def _check_range(name, numbers, rows, count):
    """Raise ValueError unless the numbers in the rows are whole ones in 0..count - 1; None is no bound for them."""
    if count is None:
        return
    if numbers.ndim != 2 or numbers.dtype.kind not in "iu":
        raise ValueError(f"{name} have shape {numbers.shape} and type {numbers.dtype}, expected one whole number each")
    wrong = np.argwhere(rows & ((numbers < 0) | (numbers >= count)))
    if len(wrong):
        n, t = wrong[0].tolist()
        raise ValueError(f"{name}[{n}, {t}] is {numbers[n, t]}, expected one in 0..{count - 1}")


def to_minari(logged, dataset_id, *, num_states, num_actions):
    """Write episodes of states and actions as a minari dataset, such as "maze/random-v0", and return it.

    minari keeps it in the folder that MINARI_DATASETS_PATH names, by default .minari/datasets in the home folder.
    """
    check_logged(logged, num_actions, num_states)
    minari, spaces = require("minari", extra="minari"), require("gymnasium", extra="gym").spaces
    buffers = []
    for n, length in enumerate(logged.lengths):
        ends = np.arange(length) == length - 1
        rows = logged.observations[n, : length + 1], logged.actions[n, :length], logged.rewards[n, :length]
        buffers.append(minari.data_collector.EpisodeBuffer(n, None, None, *map(list, rows), *_flags(logged, n, ends)))
    return minari.create_dataset_from_buffers(
        dataset_id,
        buffers,
        observation_space=spaces.Discrete(num_states),
        action_space=spaces.Discrete(num_actions),
    )


def _flags(logged, n, ends):
    """minari's columns terminated and truncated of an episode."""
    return list(ends & logged.terminated[n]), list(ends & ~logged.terminated[n])


def from_minari(dataset):
    """The episodes of a minari dataset whose observations and actions are numbers or arrays, as `Logged`."""
    episodes = list(dataset.iterate_episodes())
    longest = max(len(episode.actions) for episode in episodes)
    columns = [[_padded(getattr(e, name), longest + extra) for e in episodes] for name, extra in COLUMNS.items()]
    observations, actions, rewards = (np.stack(column) for column in columns)
    lengths = np.array([len(episode.actions) for episode in episodes])
    return Logged(observations, actions, rewards, lengths, np.array([bool(e.terminations[-1]) for e in episodes]))


COLUMNS = {"observations": 1, "actions": 0, "rewards": 0}  # of an episode, with how many rows more than steps


def _padded(rows, length):
    rows = np.asarray(rows)
    return np.concatenate([rows, np.zeros((length - len(rows), *rows.shape[1:]), rows.dtype)])
