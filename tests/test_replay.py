"""Experience replay: a ring that forgets the oldest, draws that are even or by priority, n steps that stop at an end."""

import numpy as np
import pytest
import torch

from rlbook.deep.replay import ReplayBuffer

torch.set_num_threads(1)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def filled(capacity, num_envs=3, steps=40, seed=0):
    """A buffer of made-up steps, and a list of the transitions that were put into it, each a dict."""
    draw, buffer, kept = np.random.default_rng(seed), ReplayBuffer(capacity, num_envs, (2,)), []
    over, episode = np.zeros(num_envs, bool), list(range(num_envs))
    observation = draw.normal(size=(num_envs, 2))
    for _ in range(steps):
        reached, actions, rewards = (
            draw.normal(size=(num_envs, 2)),
            draw.integers(4, size=num_envs),
            draw.normal(size=3),
        )
        terminated = (draw.random(num_envs) < 0.15) & ~over
        truncated = (draw.random(num_envs) < 0.1) & ~over
        for e in np.flatnonzero(~over):
            row = observation[e], actions[e], rewards[e], reached[e], terminated[e], truncated[e]
            names = ("observation", "action", "reward", "reached", "terminated", "truncated")
            kept.append(dict(zip(names, row)) | {"episode": episode[e]})
        rows = observation, actions, rewards, reached, terminated, truncated, ~over
        buffer.add(*(torch.tensor(row) for row in rows))
        over = terminated | truncated
        for e in np.flatnonzero(over):
            episode[e] = max(episode) + 1
        observation = reached
    return buffer, kept


@pytest.mark.parametrize("capacity", [6, 50, 1000])
def test_the_ring_holds_the_last_transitions(capacity):
    """Every column, slot by slot; the step in which an environment resets is not among them."""
    buffer, kept = filled(capacity)
    assert len(buffer) == min(capacity, len(kept)) and buffer.added == len(kept) < 120
    for number in range(len(kept) - len(buffer), len(kept)):
        row, expected = buffer[torch.tensor([number % capacity])], kept[number]
        assert torch.equal(row.observations[0], torch.tensor(expected["observation"]).float())
        assert torch.equal(row.next_observations[0], torch.tensor(expected["reached"]).float())
        assert (row.actions.item(), row.terminated.item(), row.truncated.item()) == (
            expected["action"],
            expected["terminated"],
            expected["truncated"],
        )
        assert row.rewards.item() == np.float32(expected["reward"])


@pytest.mark.parametrize("capacity", [8, 31, 1000])
@pytest.mark.parametrize("n, gamma", [(1, 0.9), (2, 0.5), (4, 0.9), (30, 1.0)])
def test_n_steps_add_up_the_rewards_of_one_episode(capacity, n, gamma):
    """Against the list of all transitions: the next ones of the same episode, as far as they are there."""
    buffer, kept = filled(capacity, steps=60)
    batch, discount = buffer.n_steps(torch.arange(len(buffer)), n=n, gamma=gamma)
    shorter = 0
    for slot in range(len(buffer)):
        number = max(k for k in range(len(kept)) if k % capacity == slot)
        episode = [row for row in kept[number:] if row["episode"] == kept[number]["episode"]][:n]
        shorter += len(episode) < n
        value = sum(gamma**k * row["reward"] for k, row in enumerate(episode))
        assert np.isclose(batch.rewards[slot].item(), value, atol=1e-5)
        assert np.isclose(discount[slot].item(), gamma ** len(episode))
        assert torch.equal(batch.next_observations[slot], torch.tensor(episode[-1]["reached"]).float())
        assert torch.equal(batch.observations[slot], torch.tensor(episode[0]["observation"]).float())
        assert batch.terminated[slot] == episode[-1]["terminated"] and batch.truncated[slot] == episode[-1]["truncated"]
    assert (shorter > 0) == (n > 1)


def test_n_steps_by_hand():
    """Rewards 1, 2, 4, 8 at gamma 1/2, the third transition truncated: from the first 1 + 1 + 1, from the third 4."""
    buffer = ReplayBuffer(10, 1, ())
    for t, (reward, cut) in enumerate([(1.0, False), (2.0, False), (4.0, True), (8.0, False)]):
        yes, no = torch.tensor([True]), torch.tensor([False])
        here, there = torch.tensor([float(t)]), torch.tensor([t + 1.0])
        buffer.add(here, torch.tensor([0]), torch.tensor([reward]), there, no, yes if cut else no, yes)
    batch, discount = buffer.n_steps(torch.arange(4), n=3, gamma=0.5)
    assert batch.rewards.tolist() == [3, 4, 4, 8] and discount.tolist() == [0.125, 0.25, 0.5, 0.5]
    assert batch.next_observations.tolist() == [3, 3, 3, 4] and not batch.terminated.any()


def test_draws_are_even_and_from_what_is_there():
    buffer, kept = filled(1000, steps=20)
    slots = buffer.draw(len(kept) * 400, generator())
    assert (abs(slots.bincount() - 400) < 5 * 20).all() and len(slots.bincount()) == len(kept)


def test_priorities_with_alpha_0_are_even_and_weigh_1():
    buffer, kept = filled(1000, steps=20)
    buffer.set_priorities(torch.arange(len(kept)), torch.rand(len(kept), generator=generator()) + 0.01)
    slots, weights = buffer.draw_by_priority(len(kept) * 400, generator(1), alpha=0.0, beta=0.7)
    assert (abs(slots.bincount() - 400) < 5 * 20).all() and len(slots.bincount()) == len(kept)
    assert (weights == 1).all()


@pytest.mark.parametrize("alpha", [0.5, 1.0])
def test_draws_by_priority(alpha):
    """Each as often as its priority to the power of alpha says, and a weight that makes the weighted mean even."""
    buffer, kept = filled(1000, steps=20)
    priorities = torch.rand(len(kept), generator=generator(), dtype=torch.float64) + 0.01
    buffer.set_priorities(torch.arange(len(kept)), priorities)
    p = priorities**alpha / (priorities**alpha).sum()
    slots, weights = buffer.draw_by_priority(100_000, generator(1), alpha=alpha, beta=1.0)
    assert (abs(slots.bincount(minlength=len(p)) - 1e5 * p) < 5 * (1e5 * p).sqrt() + 1).all()
    assert torch.allclose(weights.double(), p.min() / p[slots], rtol=1e-5)
    _, softer = buffer.draw_by_priority(100_000, generator(1), alpha=alpha, beta=0.4)
    assert torch.allclose(softer, weights**0.4)


def test_a_new_transition_has_the_highest_priority():
    buffer, _ = filled(1000, steps=5)
    buffer.set_priorities(torch.tensor([2]), torch.tensor([7.0]))
    buffer.set_priorities(torch.tensor([2]), torch.tensor([0.5]))
    before = buffer.added
    ones, flags = torch.ones(3), torch.zeros(3, dtype=torch.bool)
    buffer.add(torch.ones(3, 2), ones.long(), ones, torch.ones(3, 2), flags, flags, ~flags)
    assert (buffer.priorities[before : before + 3] == 7).all() and buffer.priorities[2] == 0.5
    with pytest.raises(ValueError, match="expected finite numbers above 0"):
        buffer.set_priorities(torch.tensor([2]), torch.tensor([0.0]))


def test_a_state_goes_into_another_buffer():
    buffer, _ = filled(30)
    other = ReplayBuffer(30, 3, (2,))
    other.load_state_dict(buffer.state_dict())
    assert all(map(torch.equal, buffer.columns, other.columns)) and other.added == buffer.added
    state = buffer.state_dict()
    buffer.columns.rewards[0] += 1
    assert not torch.equal(buffer.columns.rewards, state["tensors"][2])  # it is a copy
    with pytest.raises(ValueError, match="another capacity"):
        ReplayBuffer(31, 3, (2,)).load_state_dict(state)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((5, 3, (2,)), "capacity is 5, expected a whole number, at least 6"),
        ((0, 1, ()), "capacity is 0"),
        ((100, 0, ()), "num_envs is 0"),
        ((10**9, 1, (84, 84, 4)), "a replay buffer of 1,000,000,000 transitions would take"),
    ],
)
def test_buffers_that_cannot_be(arguments, message):
    with pytest.raises(ValueError, match=message):
        ReplayBuffer(*arguments)
