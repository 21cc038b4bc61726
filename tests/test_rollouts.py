"""Rollouts: what single environments do, no reset taken for a transition, returns of the episodes that ended."""

import gymnasium
import numpy as np
import pytest
import torch
from torch import nn

from rlbook.advantages import gae
from rlbook.deep.networks import mlp
from rlbook.deep.rollouts import advantages_of, collect, start
from rlbook.worlds import short_corridor

torch.set_num_threads(1)


def rng(seed=0):
    return np.random.default_rng(seed)


def side_by_side(make, num_envs):
    return gymnasium.vector.SyncVectorEnv([make] * num_envs)


def limited(steps):
    return lambda: gymnasium.make("CartPole-v1", max_episode_steps=steps)


@pytest.mark.parametrize("sizes", [(60,), (1,) * 60, (7, 1, 30, 22)], ids=["one", "of a step each", "of many sizes"])
def test_rollouts_are_what_single_environments_do(sizes):
    """However the steps are cut into rollouts: the transitions of each environment are those of it alone."""
    env, policy = side_by_side(limited(17), 3), mlp(4, 8, 2, rng=rng())
    seed = int(rng(4).integers(2**31))
    place, generator = start(env, rng(4)), torch.Generator().manual_seed(1)
    alone = [limited(17)() for _ in range(3)]
    observation = [alone[i].reset(seed=seed + i)[0] for i in range(3)]
    over, returns, cuts, ended = [False] * 3, np.zeros(3), 0, []
    for steps in sizes:
        rollout, place = collect(env, policy, place, generator, steps=steps)
        assert rollout.observations.shape == (steps + 1, 3, 4) and rollout.mask.shape == (steps, 3)
        for t in range(steps):
            for i in range(3):
                assert rollout.mask[t, i] == (not over[i])
                if over[i]:
                    observation[i], over[i], returns[i] = alone[i].reset()[0], False, 0.0
                    assert rollout.rewards[t, i] == 0 and not rollout.terminated[t, i] and not rollout.truncated[t, i]
                else:
                    assert np.array_equal(rollout.observations[t, i], observation[i])
                    step = alone[i].step(int(rollout.actions[t, i]))
                    observation[i], over[i] = step[0], step[2] or step[3]
                    assert rollout.rewards[t, i] == step[1] == 1
                    assert (rollout.terminated[t, i], rollout.truncated[t, i]) == step[2:4]
                    returns[i], cuts = returns[i] + 1, cuts + step[3]
                    if over[i]:
                        ended.append(returns[i])
                assert np.array_equal(rollout.observations[t + 1, i], observation[i])
        assert rollout.returns.tolist() == rollout.lengths.tolist() == ended
        ended = []
    assert 0 < cuts < 9  # some episodes were cut off, some ended


def test_a_rollout_has_a_transition_where_all_environments_have_to_be_reset():
    env, policy, generator = side_by_side(limited(2), 2), mlp(4, 8, 2, rng=rng()), torch.Generator().manual_seed(0)
    place = start(env, rng())
    for _ in range(3):  # an episode each time, the reset before it in no row
        rollout, place = collect(env, policy, place, generator, steps=2)
        assert rollout.mask.all() and rollout.truncated[1].all() and rollout.returns.tolist() == [2, 2]


def test_advantages_know_what_an_episode_that_was_cut_reached():
    """The rows of each episode by themselves, with the value of the state that its last step really reached."""
    env, generator = side_by_side(limited(5), 4), torch.Generator().manual_seed(3)
    rollout, _ = collect(env, mlp(4, 8, 2, rng=rng()), start(env, rng()), generator, steps=23)
    values = torch.randn(24, 4, generator=generator)
    advantages = advantages_of(rollout, values, gamma=0.9, lam=0.7)
    first = 0
    for t in range(23):
        if rollout.truncated[t, 0] or t == 22:
            rows = slice(first, t + 1)
            flags = rollout.terminated[rows, 0], torch.zeros(t + 1 - first, dtype=torch.bool)
            alone = gae(rollout.rewards[rows, 0], values[first : t + 2, 0], *flags, gamma=0.9, lam=0.7)
            assert torch.allclose(advantages[rows, 0], alone)
            first = t + 2  # row t + 1 resets
    assert rollout.truncated[:, 0].sum() == 4 and not rollout.terminated[:, 0].any()


class Spoiled(gymnasium.Wrapper):
    def step(self, action):
        observation, reward, *rest = self.env.step(action)
        return (observation * np.nan, reward, *rest) if self.what == "observations" else (observation, np.inf, *rest)


@pytest.mark.parametrize(
    "what, message", [("observations", r"observations\[1, 0\] holds \[nan"), ("rewards", "holds inf")]
)
def test_numbers_that_are_not_finite_are_refused(what, message):
    def make():
        env = Spoiled(gymnasium.make("CartPole-v1"))
        env.what = what
        return env

    env = side_by_side(make, 2)
    with pytest.raises(ValueError, match=message):
        collect(env, mlp(4, 8, 2, rng=rng()), start(env, rng()), torch.Generator(), steps=3)


def test_an_environment_that_resets_itself_in_the_last_step_is_refused():
    same = gymnasium.vector.AutoresetMode.SAME_STEP
    env = gymnasium.vector.SyncVectorEnv([lambda: gymnasium.make("CartPole-v1")], autoreset_mode=same)
    with pytest.raises(ValueError, match="SAME_STEP, expected NEXT_STEP"):
        start(env, rng())


def test_a_table_of_states_is_played_too():
    env = short_corridor().to_gymnasium(num_envs=3)
    rollout, _ = collect(env, nn.Embedding(4, 2), start(env, rng()), torch.Generator(), steps=9)
    assert rollout.observations.dtype == torch.int64 and (rollout.rewards == -1.0 * rollout.mask).all()
