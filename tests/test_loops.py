"""The public form of a loop: what it asks of its arguments, and what it hands to the loop."""

import inspect
import re
from typing import NamedTuple

import numpy as np
import pytest

from rlbook.mdp import FiniteMDP
from rlbook.tabular.loops import Predicted, act, compiled, cumulative_policy, keep_values, predictor
from rlbook.worlds import chain, small_grid

WALK = np.full((16, 4), 0.25)
CALL = dict(episodes=2, alpha=0.5)


class Received(NamedTuple):
    """What a loop was given."""

    policy: np.ndarray
    v: np.ndarray
    draw: float


@compiled(Received)
def receive(mdp, policy, episodes, alpha, v, max_steps, rng):
    """Hand back the arguments."""
    return policy, v + alpha.sum() + episodes + max_steps, rng.random()


@predictor
def count_episodes(mdp, policy, episodes, alpha, v, keep, rng):
    """Call the number of episodes so far the value of every state."""
    history = np.zeros((len(keep), len(v)))
    keep_values(history, keep, 0, v)
    for episode in range(episodes):
        v += 1
        keep_values(history, keep, episode + 1, v)
    return v, history, np.zeros(episodes), np.zeros(episodes, np.int64), np.zeros(episodes, np.bool_)


def rng(seed=0):
    return np.random.default_rng(seed)


def test_policies_may_be_given_by_position_and_nothing_else():
    names = {name: parameter.kind for name, parameter in inspect.signature(receive).parameters.items()}
    assert [name for name, kind in names.items() if kind is inspect.Parameter.POSITIONAL_OR_KEYWORD] == [
        "mdp",
        "policy",
    ]
    assert set(names) == {"mdp", "policy", "episodes", "alpha", "initial_v", "max_steps", "rng", "runs"}
    with pytest.raises(TypeError, match="alpha"):
        receive(small_grid(), WALK, episodes=2, rng=rng())
    with pytest.raises(TypeError, match="beta"):
        receive(small_grid(), WALK, **CALL, rng=rng(), beta=1)


def test_the_docstring_has_a_line_for_each_argument():
    for name in inspect.signature(receive).parameters:
        assert re.search(rf"^    {name} +\w|^    {name} +\(", receive.__doc__, re.MULTILINE), name
    assert receive.__doc__.startswith("Hand back") and "Returns a `Received`" in receive.__doc__


@pytest.mark.parametrize("form", [receive, receive.py_func], ids=["compiled", "interpreted"])
def test_the_loop_gets_checked_values(form):
    given = form(small_grid(), WALK, **CALL, initial_v=7, max_steps=10, rng=rng(3))
    assert np.allclose(given.policy, [[0.25, 0.5, 0.75, 1.0]] * 16)
    assert given.v.tolist() == [7 + 2 * 0.5 + 2 + 10] * 16
    assert given.draw == rng(3).random()


def test_each_run_has_its_own_generator_and_its_own_table():
    starts = np.arange(32.0).reshape(2, 16)
    given = receive(small_grid(), WALK, **CALL, initial_v=starts, max_steps=10, rng=rng(3), runs=2)
    assert np.array_equal(given.v, starts + 13) and starts[0, 0] == 0
    assert given.draw.tolist() == [child.random() for child in rng(3).spawn(2)]


def test_an_action_without_probability_is_never_drawn():
    """Three actions with probabilities .1, .2 and .7, and a last one that cannot happen."""
    P = np.ones((1, 4, 1))
    one_state = FiniteMDP(P, np.zeros((1, 4)), 0.9)
    cumulative = receive(one_state, [[0.1, 0.2, 0.7, 0.0]], **CALL, rng=rng()).policy
    assert cumulative[0, 2] == cumulative[0, 3] == 1.0
    draws = np.bincount([act(cumulative, 0, r) for r in [rng(1)] for _ in range(20_000)], minlength=4) / 20_000
    assert draws[3] == 0 and np.allclose(draws[:3], [0.1, 0.2, 0.7], atol=4 * np.sqrt(0.25 / 20_000))


@pytest.mark.parametrize("count", range(2, 40))
def test_rounding_leaves_nothing_to_an_action_without_probability(count):
    """The sum of `count` equal parts can come out below 1; what is missing must not go to the action after them."""
    mdp = FiniteMDP(np.ones((1, count + 1, 1)), np.zeros((1, count + 1)), 0.9)
    cumulative = cumulative_policy(mdp, [[1 / count] * count + [0.0]])
    assert cumulative[0, -2] == cumulative[0, -1] == 1.0


def test_history_holds_every_episode_or_those_asked_for():
    every = count_episodes(chain(3), np.ones(3, int), episodes=3, alpha=0.5, rng=rng())
    assert isinstance(every, Predicted) and every.history[:, 0].tolist() == [0, 1, 2, 3]
    some = count_episodes(chain(3), np.ones(3, int), episodes=30, alpha=0.5, rng=rng(), keep=[0, 7, 30], runs=2)
    assert some.history.shape == (2, 3, 3) and some.history[1, :, 0].tolist() == [0, 7, 30]
    assert count_episodes(chain(3), np.ones(3, int), episodes=3, alpha=0.5, rng=rng(), keep=[]).history.shape == (0, 3)


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(alpha=0.0), r"alpha is 0 in episode 0, expected a number in \(0, 1\]"),
        (dict(alpha=[0.5, 1.5]), r"alpha is 1.5 in episode 1"),
        (dict(alpha=[0.5] * 3), r"alpha has shape \(3,\), expected a number or \(2,\)"),
        (dict(episodes=0), r"episodes is 0, expected a whole number, at least 1"),
        (dict(runs=0), r"runs is 0"),
        (dict(initial_v=np.zeros(3)), r"initial_v has shape \(3,\), expected .* \(16,\)"),
        (dict(initial_v=np.nan), r"initial_v is nan, expected a finite number"),
        (dict(initial_v=[0.0, np.inf] + 14 * [0.0]), r"initial_v\[1\] is inf, expected a finite number"),
        (dict(keep=[2, 1]), r"keep is \[2, 1\], expected numbers of episodes in ascending order"),
        (dict(keep=[0, 3]), r"keep goes from 0 to 3, expected numbers in 0..2"),
        (dict(keep=[0.5]), r"keep is \[0.5\]"),
        (dict(policy=np.zeros(16, int)), r"gamma is 1, and from state .* never reaches a terminal state"),
        (dict(policy=np.zeros((16, 3))), r"policy has shape \(16, 3\)"),
    ],
)
def test_bad_arguments_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        count_episodes(small_grid(), **{"policy": WALK, **CALL, "rng": rng(), **change})


def test_a_history_that_would_fill_the_memory_is_refused():
    with pytest.raises(ValueError, match=r"the history would hold 160,000,016 numbers: pass keep="):
        count_episodes(small_grid(), WALK, episodes=10_000_000, alpha=0.1, rng=rng())


def test_what_is_no_mdp_or_no_generator_is_named():
    with pytest.raises(TypeError, match="count_episodes got a int, expected a FiniteMDP"):
        count_episodes(3, WALK, **CALL, rng=rng())
    with pytest.raises(TypeError, match="rng is 0, expected a numpy Generator"):
        count_episodes(small_grid(), WALK, **CALL, rng=0)
