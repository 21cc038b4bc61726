"""The public form of a loop: what it asks of its arguments, and what it hands to the loop."""

import ast
import inspect
import re
import sys
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest
from numba import njit

from rlbook.arguments import ARGUMENTS
from rlbook.loops import Log, Predicted, act, compiled, keep_values, new_history, new_log, note, predictor
from rlbook.mdp import FiniteMDP
from rlbook.tabular import bandits, control, dyna, monte_carlo, temporal_difference
from rlbook.tabular.bellman import action_probabilities
from rlbook.worlds import chain, small_grid

WALK = np.full((16, 4), 0.25)
CALL = dict(episodes=2, alpha=0.5)


class Received(NamedTuple):
    """What a loop was given."""

    policy: np.ndarray
    v: np.ndarray
    draw: float


@compiled(Received, ARGUMENTS)
def receive(mdp, policy, *, episodes, alpha, rng, initial_v=0.0, max_steps=10_000, runs=None):
    """Hand back the arguments."""
    return policy, initial_v + alpha.sum() + episodes + max_steps, np.full(1, rng.random())


@predictor
def count_episodes(mdp, policy, *, episodes, alpha, rng, initial_v=0.0, keep=None, runs=None):
    """Call the number of episodes so far the value of every state."""
    v, log, history = initial_v.copy(), new_log(episodes), new_history(keep, initial_v)
    for episode in range(episodes):
        v += 1
        keep_values(history, episode + 1, v)
    return v, history.values, log


def rng(seed=0):
    return np.random.default_rng(seed)


ALL = [
    function
    for module in (control, dyna, monte_carlo, temporal_difference, bandits)
    for function in vars(module).values()
    if hasattr(function, "py_func") and hasattr(function, "__wrapped__") and function.__module__ == module.__name__
    if "rng" in inspect.signature(function).parameters and "Returns a `" in function.__doc__
]


def test_these_are_all_the_loops():
    assert len(ALL) == 7 + 3 + 7 + 7 + 4


@pytest.mark.parametrize("function", [receive, *ALL], ids=lambda function: function.__name__)
def test_source_signature_and_docstring_name_the_same_arguments(function):
    """What the editor reads in the `def`, what help() shows, and the lines that say what each argument means."""
    written = ast.parse(inspect.getsource(function.__wrapped__)).body[0].args
    names = list(inspect.signature(function).parameters)
    assert [argument.arg for argument in written.args + written.kwonlyargs] == names
    lines = function.__doc__.split("\n\n")[-2].splitlines()  # one for each, which may be continued further in
    assert [line.split()[0] for line in lines if re.match(r"    \w", line)] == names
    assert re.search(r"\n\n    Returns a `\w+`.\n    $", function.__doc__)
    assert inspect.signature(function.py_func) == inspect.signature(function)


def test_policies_may_be_given_by_position_and_nothing_else():
    names = {name: parameter.kind for name, parameter in inspect.signature(receive).parameters.items()}
    assert [name for name, kind in names.items() if kind is inspect.Parameter.POSITIONAL_OR_KEYWORD] == [
        "mdp",
        "policy",
    ]
    assert set(names) == {"mdp", "policy", "episodes", "alpha", "initial_v", "max_steps", "rng", "runs"}
    with pytest.raises(TypeError, match=r"receive\(\) missing a required .*argument: 'alpha'"):
        receive(small_grid(), WALK, episodes=2, rng=rng())
    with pytest.raises(
        TypeError, match=r"receive\(\) got an unexpected keyword argument 'alpa'; did you mean 'alpha'\?"
    ):
        receive(small_grid(), WALK, episodes=2, alpa=0.5, rng=rng())


def test_the_docstring_has_a_line_for_each_argument():
    for name in inspect.signature(receive).parameters:
        assert re.search(rf"^    {name} +\w|^    {name} +\(", receive.__doc__, re.MULTILINE), name
    assert receive.__doc__.startswith("Hand back") and "Returns a `Received`" in receive.__doc__


@pytest.mark.parametrize("form", [receive, receive.py_func], ids=["compiled", "interpreted"])
def test_the_loop_gets_checked_values(form):
    given = form(small_grid(), WALK, **CALL, initial_v=7, max_steps=10, rng=rng(3))
    assert np.array_equal(given.policy, WALK)
    assert given.v.tolist() == [7 + 2 * 0.5 + 2 + 10] * 16
    assert given.draw[0] == rng(3).random()


def test_each_run_gets_a_generator_and_a_start_of_its_own():
    starts = np.arange(2.0)[:, None] * np.ones(16)
    given = receive(small_grid(), WALK, **CALL, initial_v=starts, rng=rng(3), runs=2)
    assert np.array_equal(given.v[1] - given.v[0], np.ones(16)) and given.policy.shape == (2, 16, 4)
    assert starts[0, 0] == 0
    assert given.draw[:, 0].tolist() == [child.random() for child in rng(3).spawn(2)]


def test_the_thousand_and_first_run_is_not_the_first_again():
    """Generators are spawned a thousand at a time."""
    draws = receive(chain(3), [1, 1, 1], episodes=1, alpha=0.5, rng=rng(3), runs=1002).draw[:, 0]
    assert draws.tolist() == [child.random() for child in rng(3).spawn(1002)]


@njit
def read(mdp):
    return mdp.num_states, mdp.num_actions, mdp.gamma, mdp.terminal.sum(), mdp.tables.reward[2], mdp.tables.first[1]


def test_a_compiled_loop_reads_an_mdp_by_the_names_of_its_attributes():
    mdp = chain(4, gamma=0.5, slip=0.25)
    assert read(mdp) == read.py_func(mdp)
    before = sys.getrefcount(mdp.tables.reward)
    for _ in range(100):
        read(mdp)
    after = sys.getrefcount(mdp.tables.reward)
    assert after == before  # nothing is kept


def test_an_episode_is_over_at_an_end_or_when_it_is_cut():
    log = new_log(3)
    assert not note(log, 0, 1.5, False, 2) and note(log, 0, 1.0, True, 2)
    assert not note(log, 1, 1.0, False, 2) and note(log, 1, 1.0, False, 2)
    assert isinstance(log, Log) and log.returns.tolist() == [2.5, 2.0, 0.0]
    assert log.lengths.tolist() == [2, 2, 0] and log.truncated.tolist() == [False, True, False]


def test_an_action_without_probability_is_never_drawn():
    """Three actions with probabilities .1, .2 and .7, and a last one that cannot happen."""
    P = np.ones((1, 4, 1))
    one_state = FiniteMDP(P, np.zeros((1, 4)), 0.9)
    policy = receive(one_state, [[0.1, 0.2, 0.7, 0.0]], **CALL, rng=rng()).policy
    draws = np.bincount([act(policy, 0, r) for r in [rng(1)] for _ in range(20_000)], minlength=4) / 20_000
    assert draws[3] == 0 and np.allclose(draws[:3], [0.1, 0.2, 0.7], atol=4 * np.sqrt(0.25 / 20_000))


@pytest.mark.parametrize("count", range(2, 40))
def test_rounding_leaves_nothing_to_an_action_without_probability(count):
    """The sum of `count` equal parts can come out below 1; what is missing must not go to the action after them."""
    mdp = FiniteMDP(np.ones((1, count + 2, 1)), np.zeros((1, count + 2)), 0.9)
    policy = action_probabilities(mdp, [[0.0] + [1 / count] * count + [0.0]])
    for u, last in ((0.0, 1), (1 - 2**-53, count)):
        assert act.py_func(policy, 0, SimpleNamespace(random=lambda u=u: u)) == last


@pytest.mark.parametrize("seed", range(5))
def test_the_draws_are_those_of_the_cumulative_probabilities(seed):
    policy = rng(seed).dirichlet(np.ones(6), size=1)
    expected = np.searchsorted(np.cumsum(policy[0]), rng(seed).random(1000), side="right")
    assert [act(policy, 0, r) for r in [rng(seed)] for _ in range(1000)] == np.minimum(expected, 5).tolist()


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
