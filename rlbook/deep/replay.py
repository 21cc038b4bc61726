"""Experience replay: the last transitions on a ring, drawn evenly or by priority, one step or several at a time.

`draw` and `draw_by_priority` choose slots; `buffer[slots]` and `n_steps` are what stands there. Terminated and truncated
are kept apart. A draw by priority adds up all priorities and searches among the sums: 0.1 ms at 50,000 transitions, 2 ms
at a million, where a tree of sums would begin to pay.
"""

from typing import NamedTuple

import numpy as np

from rlbook._checks import check_count, check_memory, check_number, require, shown

torch = require("torch", extra="deep")


class Transitions(NamedTuple):
    """B transitions: the columns of a batch, on the device of the buffer."""

    observations: torch.Tensor  # (B, ...)
    actions: torch.Tensor  # (B,)
    rewards: torch.Tensor  # (B,)
    next_observations: torch.Tensor  # (B, ...) what the step really reached, also where the episode ended with it
    terminated: torch.Tensor  # (B,) bool: the world ended, nothing follows
    truncated: torch.Tensor  # (B,) bool: the episode was cut off, the world goes on


class ReplayBuffer:
    """The last `capacity` transitions of some environments that are played side by side; older ones are overwritten.

    capacity    at least two for each environment
    shape       of one observation
    dtype, device    of the observations; rewards have the type of the network, torch.get_default_dtype() or what is given
    Everything is allocated at once. Raises ValueError for a capacity too small, or more than 4 GB.
    """

    def __init__(self, capacity, num_envs, shape, *, dtype=torch.float32, device="cpu", reward_dtype=torch.float32):
        self.num_envs = check_count("num_envs", num_envs)
        self.capacity = check_count("capacity", capacity, least=2 * self.num_envs)
        num_bytes = 2 * self.capacity * dtype.itemsize * int(np.prod(shape))
        check_memory(f"a replay buffer of {self.capacity:,} transitions", num_bytes, "pass a smaller capacity")

        def column(*shape, dtype):
            return torch.zeros(self.capacity, *shape, dtype=dtype, device=device)

        flags, rewards = {"dtype": torch.bool}, {"dtype": reward_dtype}
        observations, actions = {"dtype": dtype}, {"dtype": torch.int64}
        self.columns = Transitions(
            column(*shape, **observations),
            column(**actions),
            column(**rewards),
            column(*shape, **observations),
            column(**flags),
            column(**flags),
        )
        self.following = column(
            **actions
        )  # the slot of the next transition of the same episode, -1 where there is none
        self.priorities = column(dtype=torch.float64)
        self.highest = 1.0  # of the priorities so far: that of a transition which was never drawn
        self.latest = torch.full((self.num_envs,), -1, device=device)  # the slot of each environment's last transition
        self.added = 0

    def __len__(self):
        return min(self.added, self.capacity)

    def add(self, observations, actions, rewards, next_observations, terminated, truncated, played):
        """Keep a step of all E environments, (E, ...) each; played (E,) bool leaves out those that only reset."""
        rows = Transitions(observations, actions, rewards, next_observations, terminated, truncated)
        (which,) = played.nonzero(as_tuple=True)
        slots = (self.added + torch.arange(len(which), device=which.device)) % self.capacity
        for column, row in zip(self.columns, rows):
            column[slots] = row[which].to(column.dtype)
        self.following[slots], self.priorities[slots] = -1, self.highest
        before = self.latest[which]
        goes_on = before >= 0
        self.following[before[goes_on]] = slots[goes_on]
        self.latest[which] = torch.where((terminated | truncated)[which], -1, slots)
        self.added += len(which)

    def __getitem__(self, slots):
        """The transitions in slots (B,)."""
        return Transitions(*(column[slots] for column in self.columns))

    def draw(self, count, generator):
        """Slots (count,), each of those filled as likely as any other."""
        return torch.randint(len(self), (count,), generator=generator, device=self.latest.device)

    def draw_by_priority(self, count, generator, *, alpha, beta):
        """Slots (count,), drawn in proportion to priority ** alpha, and their importance weights (count,).

        The weight is (N p) ** -beta for a slot drawn with probability p of N, over the largest weight in the batch; with
        alpha 0 every slot is as likely as any other and every weight 1. Source: Schaul et al. (2016), algorithm 1.
        """
        powers = self.priorities[: len(self)] ** alpha
        sums = powers.cumsum(dim=0)
        at = torch.rand(count, generator=generator, dtype=sums.dtype, device=sums.device) * sums[-1]
        slots = torch.searchsorted(sums, at, right=True).clamp(max=len(self) - 1)
        weights = (powers[slots] / sums[-1] * len(self)) ** -beta
        return slots, (weights / weights.max()).to(self.columns.rewards.dtype)

    def set_priorities(self, slots, priorities):
        """Give the transitions in slots (B,) new priorities (B,), above 0. Raises ValueError for others."""
        priorities = priorities.detach().to(self.priorities.dtype)
        if not (priorities > 0).all() or not priorities.isfinite().all():
            raise ValueError(f"priorities are {shown(priorities.tolist())}, expected finite numbers above 0")
        self.priorities[slots] = priorities
        self.highest = max(self.highest, priorities.max().item())

    def n_steps(self, slots, *, n, gamma):
        """Transitions of up to n steps that begin in slots (B,), and the discount (B,) of what follows them.

        A reward is R + gamma R' + ... of the steps, the next observation the one that the last of them reached, the
        discount gamma to the power of their number. Fewer than n are taken where the episode ended or was cut off, or
        where its next transition is not yet there.
        """
        last, rewards = slots, self.columns.rewards[slots]
        discount = torch.full_like(rewards, gamma)
        for _ in range(n - 1):
            following = self.following[last]
            goes_on = following >= 0
            last = torch.where(goes_on, following, last)
            rewards = torch.where(goes_on, rewards + discount * self.columns.rewards[last], rewards)
            discount = torch.where(goes_on, gamma * discount, discount)
        begun, ended = self[slots], self[last]
        return Transitions(begun.observations, begun.actions, rewards, *ended[3:]), discount

    def state_dict(self):
        """All that is in it, for a checkpoint."""
        tensors = [*self.columns, self.following, self.priorities, self.latest]
        return {"tensors": [tensor.clone() for tensor in tensors], "added": self.added, "highest": self.highest}

    def load_state_dict(self, state):
        """Take over what `state_dict` gave of a buffer of the same capacity and shapes; ValueError for another."""
        tensors = [*self.columns, self.following, self.priorities, self.latest]
        for mine, its in zip(tensors, state["tensors"], strict=True):
            if mine.shape != its.shape:
                raise ValueError(
                    f"the replay buffer has a column {tuple(mine.shape)}, in the checkpoint {tuple(its.shape)}: "
                    "another capacity, or other environments"
                )
        for mine, its in zip(tensors, state["tensors"]):
            mine.copy_(its)
        self.added, self.highest = state["added"], state["highest"]


def check_exponents(alpha, beta):
    """The exponents of priorities and of importance weights, both in [0, 1]."""
    return check_number("alpha", alpha, least=0, most=1), check_number("beta", beta, least=0, most=1)
