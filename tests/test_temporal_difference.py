"""Temporal-difference prediction: hand-worked updates, the equivalence theorems, exact limits, the book's examples."""

import re

import numpy as np
import pytest

from rlbook.advantages import gae, returns_to_go
from rlbook.mdp import FiniteMDP
from rlbook.statistics import standard_error
from rlbook.tabular.bellman import policy_value
from rlbook.tabular.temporal_difference import (
    Steps,
    batch_monte_carlo,
    batch_td,
    lambda_return,
    lambda_returns,
    n_step_td,
    online_lambda_return,
    record_steps,
    td_lambda,
    td_prediction,
    true_online_td_lambda,
)
from rlbook.worlds import chain, random_walk, traffic_light

METHODS = {
    "td_prediction": (td_prediction, {}),
    "n_step_td": (n_step_td, {"n": 3}),
    "td_lambda": (td_lambda, {"lam": 0.6}),
    "true_online_td_lambda": (true_online_td_lambda, {"lam": 0.6}),
    "lambda_return": (lambda_return, {"lam": 0.6}),
    "online_lambda_return": (online_lambda_return, {"lam": 0.6}),
}
methods = pytest.mark.parametrize("method", METHODS)
WITH_LAMBDA = [td_lambda, true_online_td_lambda, lambda_return, online_lambda_return]


def rng(seed=0):
    return np.random.default_rng(seed)


def run(method, mdp, policy, **arguments):
    function, own = METHODS[method]
    return function(mdp, policy, **own, **arguments)


def corridor(rewards=(1.0, 2.0, 4.0), gamma=0.5):
    """One action, and a step for each reward; then the end. No state is visited twice."""
    count = len(rewards)
    P = np.eye(count + 1)[[*range(1, count + 1), count]][:, None, :]
    return FiniteMDP(P, [[r] for r in (*rewards, 0)], gamma, start=0, terminal=np.arange(count + 1) == count)


def loop(gamma=0.5):
    """One state that returns to itself for ever, with reward 1."""
    return FiniteMDP(np.ones((1, 1, 1)), [[1.0]], gamma)


def random_mdp(seed, gamma, states=5, actions=2):
    """Dense random transitions, a terminal state, rewards that depend on the next state; and a random policy."""
    generator = rng(seed)
    P = generator.dirichlet(np.ones(states), size=(states, actions))
    R = generator.normal(size=(states, actions, states))
    terminal = np.arange(states) == states - 1
    return FiniteMDP(P, R, gamma, terminal=terminal), generator.dirichlet(np.ones(actions), size=states)


def coin(mdp):
    return np.full((mdp.num_states, mdp.num_actions), 1 / mdp.num_actions)


def always_first(mdp):
    return np.zeros(mdp.num_states, dtype=int)


# By hand: rewards 1, 2, 4 at gamma 1/2, first values 0, 2, 8, and 100 for the terminal state; alpha 1/2.

HAND = dict(episodes=1, alpha=0.5, rng=rng(), initial_v=[0.0, 2.0, 8.0, 100.0])


def after(function, **arguments):
    mdp = corridor()
    return function(mdp, always_first(mdp), **HAND | arguments).v.tolist()


def test_td_by_hand():
    """Targets 1 + 2/2, 2 + 8/2, 4."""
    assert after(td_prediction) == [1, 4, 6, 100]


def test_n_step_td_by_hand():
    """Two steps: 1 + 2/2 + 8/4 = 4, 2 + 4/2 = 4, 4. Three and more: 1 + 1 + 1 = 3, 4, 4."""
    assert after(n_step_td, n=2) == [2, 3, 6, 100]
    assert after(n_step_td, n=3) == after(n_step_td, n=4) == after(n_step_td, n=10**12) == [1.5, 3, 6, 100]


def test_n_step_td_at_a_cut_by_hand():
    """Cut after two steps, in the state worth 8: targets 1 + 2/2 + 8/4 = 4 and 2 + 8/2 = 6."""
    assert after(n_step_td, n=2, max_steps=2) == after(n_step_td, n=7, max_steps=2) == [2, 4, 8, 100]


@pytest.mark.parametrize("function", WITH_LAMBDA)
def test_lambda_by_hand(function):
    """lambda 1/2: G = 4; 2 + (8/2 + 4/2)/2 = 5; 1 + (2/2 + 5/2)/2 = 2.75. No state is seen twice, so all views agree."""
    assert after(function, lam=0.5) == [1.375, 3.5, 6, 100]


@pytest.mark.parametrize("function", WITH_LAMBDA)
def test_lambda_at_a_cut_by_hand(function):
    """Cut in the state worth 8: G = 2 + 8/2 = 6; 1 + (2/2 + 6/2)/2 = 3."""
    assert after(function, lam=0.5, max_steps=2) == [1.5, 4, 8, 100]


def test_a_state_visited_twice_by_hand():
    """The loop, alpha = gamma = 1/2, lambda 1, cut after two steps; first v = 1/2 * 1, its target bootstrapping from 0.

    Accumulating: z = 1.5, delta = 1 + 1/4 - 1/2, v = 1/2 + (3/4)(3/2)/2. Online forward view: targets 1.25 for the
    second step and 1 + 1.25/2 for the first, redone: v = 1.625/2 = .8125, then half way to 1.25.
    Off-line: both bootstrap from the first values: 1 + 1/2, then 1: v = .75, then half way to 1.
    """
    hand = dict(episodes=1, alpha=0.5, lam=1.0, max_steps=2, rng=rng())
    v = {function: function(loop(), [0], **hand).v[0] for function in WITH_LAMBDA}
    assert list(v.values()) == [1.0625, 1.03125, 0.875, 1.03125]


# The theorems that tie the methods together.


@pytest.mark.parametrize("seed", range(40))
def test_true_online_td_lambda_equals_the_online_lambda_return_algorithm(seed):
    """van Seijen et al. (2016), theorem 1: on any MDP, for any lambda, alpha and gamma, also where episodes are cut."""
    generator = rng(1000 + seed)
    lam, alpha, gamma = generator.choice([0, 1, *generator.random(3)], size=3)
    mdp, policy = random_mdp(seed, gamma)
    arguments = dict(episodes=20, alpha=max(alpha, 0.01), lam=lam, max_steps=int(generator.integers(3, 30)))
    arguments |= dict(initial_v=generator.normal(size=5))
    fast = true_online_td_lambda(mdp, policy, rng=rng(seed), **arguments)
    slow = online_lambda_return(mdp, policy, rng=rng(seed), **arguments)
    assert np.abs(fast.history - slow.history).max() < 1e-12
    assert np.ptp(fast.history[:, :-1], axis=0).min() > 0  # something was learned everywhere


def test_true_online_equals_the_forward_view_on_the_walk():
    walk = random_walk(19, -1, 1)
    arguments = dict(episodes=10, alpha=0.8, lam=0.9)
    fast = true_online_td_lambda(walk, coin(walk), rng=rng(), runs=10, **arguments)
    slow = online_lambda_return(walk, coin(walk), rng=rng(), runs=10, **arguments)
    assert np.abs(fast.history - slow.history).max() < 1e-12


@pytest.mark.parametrize("seed", range(5))
def test_one_step_and_lambda_0_are_td_0(seed):
    mdp, policy = random_mdp(seed, 0.9)
    arguments = dict(episodes=30, alpha=0.3, max_steps=12)
    td = td_prediction(mdp, policy, rng=rng(seed), **arguments).history
    assert np.array_equal(n_step_td(mdp, policy, n=1, rng=rng(seed), **arguments).history, td)
    assert np.allclose(td_lambda(mdp, policy, lam=0.0, rng=rng(seed), **arguments).history, td, atol=1e-13)


@pytest.mark.parametrize("seed", range(5))
def test_many_steps_and_lambda_1_are_monte_carlo(seed):
    """When all episodes end: each state moves towards the return that followed it, in the order of the visits."""
    mdp, policy = random_mdp(seed, 0.9)
    steps = record_steps(mdp, policy, episodes=30, rng=rng(seed))
    v = np.zeros(5)
    returns = returns_to_go(steps.r, gamma=0.9, ended=steps.terminated)
    for s, g in zip(steps.s, returns):
        v[s] += 0.3 * (g - v[s])
    arguments = dict(episodes=30, alpha=0.3)
    assert np.allclose(n_step_td(mdp, policy, n=10_000, rng=rng(seed), **arguments).v, v, atol=1e-13)
    assert np.allclose(lambda_return(mdp, policy, lam=1.0, rng=rng(seed), **arguments).v, v, atol=1e-13)


@pytest.mark.parametrize("lam", [0.0, 0.4, 1.0])
def test_gae_is_the_lambda_return_less_the_value(lam):
    """Over whole episodes and cut ones; and the off-line algorithm moves each state towards value + advantage."""
    mdp, policy = random_mdp(3, 0.9)
    v = rng(4).normal(size=5)
    steps = record_steps(mdp, policy, episodes=1, max_steps=8, rng=rng(5))
    next_values = np.where(steps.terminated, 0.0, v[steps.s_next])
    targets = lambda_returns(steps.r, next_values, 0.9, lam)
    advantages = gae(
        steps.r, v[steps.s], steps.terminated, steps.truncated, gamma=0.9, lam=lam, next_values=v[steps.s_next]
    )
    assert np.allclose(targets - v[steps.s], advantages)
    learned = lambda_return(mdp, policy, episodes=1, alpha=0.1, lam=lam, max_steps=8, rng=rng(5), initial_v=v)
    moved = v.copy()
    for s, advantage in zip(steps.s, advantages):
        moved[s] += 0.1 * (advantage + v[s] - moved[s])
    assert np.allclose(learned.v, moved)


@pytest.mark.parametrize("seed", range(5))
def test_backward_and_forward_view_make_the_same_sum_of_updates(seed):
    """With values that stay as they are during the episode: Sutton & Barto, 1st edition, section 7.4."""
    gamma, lam = 0.9, 0.7
    mdp, policy = random_mdp(seed, gamma)
    v = rng(seed).normal(size=5)
    steps = record_steps(mdp, policy, episodes=1, rng=rng(seed + 50))
    next_values = np.where(steps.terminated, 0.0, v[steps.s_next])
    forward, backward, z = np.zeros(5), np.zeros(5), np.zeros(5)
    np.add.at(forward, steps.s, lambda_returns(steps.r, next_values, gamma, lam) - v[steps.s])
    for s, r, v_next in zip(steps.s, steps.r, next_values):
        z *= gamma * lam
        z[s] += 1
        backward += (r + gamma * v_next - v[s]) * z
    assert np.allclose(forward, backward)


@pytest.mark.parametrize("seed", range(5))
def test_td_lambda_is_nearly_the_forward_view_where_steps_are_small(seed):
    """The difference between the two views is of the order of alpha squared."""
    mdp, policy = random_mdp(seed, 0.9)
    differences = []
    for alpha in (1e-3, 1e-4):
        arguments = dict(episodes=1, alpha=alpha, lam=0.8)
        backward = td_lambda(mdp, policy, rng=rng(seed), **arguments).v
        differences.append(np.abs(backward - lambda_return(mdp, policy, rng=rng(seed), **arguments).v).max())
    assert differences[0] < 1e-2 * 0.1 and differences[1] < 0.02 * differences[0] + 1e-16


# What all of them keep.


@methods
def test_nothing_is_bootstrapped_from_a_terminal_state(method):
    mdp = corridor()
    learned = run(method, mdp, always_first(mdp), episodes=300, alpha=0.5, rng=rng(), initial_v=100.0)
    assert np.allclose(learned.v[:3], policy_value(mdp, always_first(mdp))[:3])
    assert learned.v[3] == 100  # and none is ever updated


@methods
def test_a_truncated_step_does_bootstrap(method):
    """A loop with reward 1, cut off after a few steps, is still worth 1 / (1 - gamma)."""
    learned = run(method, loop(), [0], episodes=300, alpha=0.5, rng=rng(), max_steps=2)
    assert learned.v[0] == pytest.approx(2)
    assert learned.truncated.all() and np.all(learned.lengths == 2) and np.all(learned.returns == 2)


@methods
def test_an_episode_that_ends_on_its_last_step_is_not_truncated(method):
    mdp = corridor()
    learned = run(method, mdp, always_first(mdp), episodes=2, alpha=0.5, rng=rng(), max_steps=3)
    assert learned.lengths.tolist() == [3, 3] and learned.returns.tolist() == [7, 7] and not learned.truncated.any()


@methods
def test_nothing_of_an_episode_reaches_into_the_next(method):
    """One at a time from each other's values, or in one call: the same. (A trace that is not reset would leak.)"""
    mdp, policy = random_mdp(8, 0.9)
    together = run(method, mdp, policy, episodes=10, alpha=0.4, rng=rng(1), max_steps=20)
    generator, v = rng(1), 0.0
    for _ in range(10):
        v = run(method, mdp, policy, episodes=1, alpha=0.4, rng=generator, max_steps=20, initial_v=v).v
    assert np.array_equal(together.v, v)


@methods
def test_the_same_rng_gives_every_method_the_same_episodes(method):
    walk = random_walk(19, -1, 1)
    arguments = dict(episodes=50, max_steps=100)
    learned = run(method, walk, coin(walk), alpha=0.1, rng=rng(2), **arguments)
    steps = record_steps(walk, coin(walk), rng=rng(2), **arguments)
    ends = np.flatnonzero(steps.terminated | steps.truncated)
    assert np.array_equal(np.diff(ends, prepend=-1), learned.lengths) and len(ends) == 50
    assert np.array_equal(steps.truncated[ends], learned.truncated) and 0 < learned.truncated.sum() < 50
    assert np.allclose(np.add.reduceat(steps.r, [0, *ends[:-1] + 1]), learned.returns)


@methods
def test_the_history_holds_the_values_after_each_episode(method):
    walk = random_walk()
    arguments = dict(episodes=6, alpha=0.2, initial_v=0.5)
    whole = run(method, walk, coin(walk), rng=rng(3), **arguments)
    assert whole.history.shape == (7, 7) and np.all(whole.history[0] == 0.5)
    assert np.array_equal(whole.history[-1], whole.v)
    first = run(method, walk, coin(walk), rng=rng(3), **arguments | {"episodes": 2})
    assert np.array_equal(first.history, whole.history[:3])
    some = run(method, walk, coin(walk), rng=rng(3), keep=[0, 5], **arguments)
    assert np.array_equal(some.history, whole.history[[0, 5]])


@methods
def test_compiled_and_interpreted_give_the_same_numbers(method):
    function, own = METHODS[method]
    for mdp in (random_walk(), traffic_light(), chain(4, slip=0.2)):
        arguments = dict(episodes=5, alpha=0.3, max_steps=40) | own
        fast = function(mdp, coin(mdp), rng=rng(3), **arguments)
        plain = function.py_func(mdp, coin(mdp), rng=rng(3), **arguments)
        assert all(np.allclose(ours, theirs, atol=1e-14) for ours, theirs in zip(fast, plain, strict=True))


@methods
def test_each_run_is_the_one_that_its_own_generator_gives(method):
    walk = random_walk()
    several = run(method, walk, coin(walk), episodes=5, alpha=0.2, rng=rng(1), runs=3)
    assert several.v.shape == (3, 7) and several.history.shape == (3, 6, 7) and several.lengths.shape == (3, 5)
    for i, child in enumerate(rng(1).spawn(3)):
        assert np.array_equal(several.v[i], run(method, walk, coin(walk), episodes=5, alpha=0.2, rng=child).v)


@methods
@pytest.mark.parametrize("seed", range(3))
def test_shrinking_steps_lead_to_the_value_of_the_policy(method, seed):
    """The mean of 40 runs is within five standard errors, and each of the 40 within one half."""
    mdp, policy = random_mdp(seed, 0.8)
    episodes = 5_000
    alpha = 0.5 / (1 + np.arange(episodes) / 50)
    learned = run(method, mdp, policy, episodes=episodes, alpha=alpha, rng=rng(seed), keep=[], runs=40)
    wrong = (learned.v - policy_value(mdp, policy))[:, :-1]
    assert np.all(np.abs(wrong.mean(axis=0)) < 5 * wrong.std(axis=0, ddof=1) / np.sqrt(40) + 0.01)
    assert np.abs(wrong).max() < 0.5


BAD = {
    "no policy that ends": (METHODS, dict(mdp=loop(1.0), policy=[0]), "gamma is 1, and from state 0 the policy never"),
    "alpha of 0": (METHODS, dict(alpha=0), "alpha is 0 in episode 0"),
    "n of 0": (["n_step_td"], dict(n=0), "n is 0, expected a whole number, at least 1"),
    "lambda above 1": ([f.__name__ for f in WITH_LAMBDA], dict(lam=1.5), "lam is 1.5, expected a number in [0, 1]"),
}


@pytest.mark.parametrize("method, case", [(method, case) for case in BAD for method in BAD[case][0]])
def test_bad_input_is_refused_by_name(method, case):
    _, change, message = BAD[case]
    function, own = METHODS[method]
    arguments = dict(mdp=random_walk(), policy=np.full((7, 2), 0.5), episodes=2, alpha=0.5, rng=rng()) | own
    with pytest.raises(ValueError, match=re.escape(message)):
        function(**arguments | change)


# Batches.

A, B, END = 0, 1, 2


def eight_episodes():
    """Sutton & Barto, example 6.4: A 0 B 0; six times B 1; B 0."""
    s, s_next = np.array([A, B, B, B, B, B, B, B, B]), np.array([B, *[END] * 8])
    r = np.array([0, 0, 1, 1, 1, 1, 1, 1, 0])
    return Steps(s, r, s_next, terminated=s_next == END, truncated=np.zeros(9, bool))


def test_example_6_4():
    """Batch TD: V(A) = V(B) = 3/4. Monte Carlo: V(B) = 3/4, and V(A) = 0, the only return seen from it."""
    assert batch_td(eight_episodes(), num_states=3)[-1].tolist() == [0.75, 0.75, 0]
    assert batch_monte_carlo(eight_episodes(), num_states=3)[-1].tolist() == [0, 0.75, 0]


def repeated(steps, targets_of, v, alpha=0.02, sweeps=20_000):
    """Batch updating as the book defines it: the increments of all steps summed, then added, again and again."""
    for _ in range(sweeps):
        increments = np.zeros_like(v)
        np.add.at(increments, steps.s, alpha * (targets_of(v) - v[steps.s]))
        v = v + increments
        if np.abs(increments).max() < 1e-13:
            return v
    raise AssertionError("the updates have not settled")


@pytest.mark.parametrize("gamma, max_steps", [(1.0, 10_000), (0.8, 10_000), (0.8, 4)])
def test_repeated_updates_come_to_rest_at_the_batch_values(gamma, max_steps):
    """Also where episodes are cut (TD bootstraps there), and a state that no step leaves keeps its first value."""
    walk = random_walk(gamma=gamma)
    steps = record_steps(walk, coin(walk), episodes=6, rng=rng(5), max_steps=max_steps)
    assert steps.truncated.any() == (max_steps == 4)
    start = np.linspace(0.3, 0.7, 7)

    def td_targets(v):
        return steps.r + gamma * np.where(steps.terminated, 0.0, v[steps.s_next])

    v = batch_td(steps, num_states=7, gamma=gamma, initial_v=start)[-1]
    assert np.allclose(repeated(steps, td_targets, start), v, atol=1e-9)
    assert v[0] == start[0]
    whole = record_steps(walk, coin(walk), episodes=6, rng=rng(5))
    returns = returns_to_go(whole.r, gamma=gamma, ended=whole.terminated)
    v = batch_monte_carlo(whole, num_states=7, gamma=gamma, initial_v=start)[-1]
    assert np.allclose(repeated(whole, lambda v: returns, start), v, atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_batch_td_is_the_value_of_the_most_likely_model(seed):
    mdp, policy = random_mdp(seed, 0.9)
    steps = record_steps(mdp, policy, episodes=60, rng=rng(seed))
    counts, rewards = np.zeros((5, 5)), np.zeros(5)
    np.add.at(counts, (steps.s, steps.s_next), 1)
    np.add.at(rewards, steps.s, steps.r)
    visits = counts.sum(axis=1)
    assert np.all(visits[:4] > 0)
    visits[4] = counts[4, 4] = 1
    model = FiniteMDP((counts / visits[:, None])[:, None, :], (rewards / visits)[:, None], 0.9, terminal=mdp.terminal)
    assert np.allclose(batch_td(steps, num_states=5, gamma=0.9)[-1], policy_value(model, always_first(model)))


@pytest.mark.parametrize("seed", range(3))
def test_batch_monte_carlo_has_the_least_squared_error_on_the_returns(seed):
    mdp, policy = random_mdp(seed, 0.9)
    steps = record_steps(mdp, policy, episodes=60, rng=rng(seed))
    returns = returns_to_go(steps.r, gamma=0.9, ended=steps.terminated)
    fit = np.linalg.lstsq(np.eye(5)[steps.s], returns, rcond=None)[0]
    assert np.allclose(batch_monte_carlo(steps, num_states=5, gamma=0.9)[-1], fit)


@pytest.mark.parametrize("function", [batch_td, batch_monte_carlo])
def test_batch_history_is_what_the_first_episodes_give(function):
    walk = random_walk(gamma=0.9)
    steps = record_steps(walk, coin(walk), episodes=5, rng=rng(7), max_steps=12)
    history = function(steps, num_states=7, gamma=0.9, initial_v=0.5)
    assert history.shape == (6, 7) and np.all(history[0] == 0.5)
    ends = np.flatnonzero(steps.terminated | steps.truncated) + 1
    for count, end in enumerate(ends, start=1):
        part = Steps(*(array[:end] for array in steps))
        assert np.allclose(function(part, num_states=7, gamma=0.9, initial_v=0.5)[-1], history[count])


def test_a_cut_episode_teaches_batch_monte_carlo_nothing():
    """Of A and then B with reward 4, cut, nothing is learned; TD learns of the step from A, and of the one to B."""
    steps = Steps([A, B], [2.0, 4.0], [B, A], [False, False], [False, True])
    assert batch_monte_carlo(steps, num_states=3, gamma=0.5, initial_v=7.0)[-1].tolist() == [7, 7, 7]
    v_a, v_b, end = batch_td(steps, num_states=3, gamma=0.5, initial_v=7.0)[-1]
    assert v_a == pytest.approx(2 + v_b / 2) and v_b == pytest.approx(4 + v_a / 2) and end == 7


@pytest.mark.parametrize("function", [batch_td, batch_monte_carlo])
def test_an_episode_that_ends_at_the_step_limit_is_whole(function):
    """Its last step is both terminated and truncated, as Gymnasium reports it: it counts as an end."""
    end = dict(s=[A, B], r=[2.0, 4.0], s_next=[B, END], terminated=[False, True])
    both, whole = (Steps(**end, truncated=[False, cut]) for cut in (True, False))
    assert function(both, num_states=3)[-1].tolist() == function(whole, num_states=3)[-1].tolist() == [6, 4, 0]


BAD_STEPS = {
    "a state that is none": (dict(s=[0, 3]), "s[1] is 3, expected a state in 0..2"),
    "a negative state": (dict(s_next=[1, -1]), "s_next[1] is -1, expected a state in 0..2"),
    "a gap": (dict(s=[0, 0]), "step 0 led to state 1, but step 1 starts in state 0"),
    "no end": (dict(terminated=[False, False]), "the last step is neither terminated nor truncated"),
    "different lengths": (dict(r=[1.0]), "the arrays of the steps have shapes [(2,), (1,), (2,), (2,), (2,)]"),
    "no steps": (dict(s=[], r=[], s_next=[], terminated=[], truncated=[]), "the arrays of the steps have shapes [(0,)"),
    "half a state": (dict(s=[0, 0.5]), "Cannot cast"),
}


@pytest.mark.parametrize("function", [batch_td, batch_monte_carlo])
@pytest.mark.parametrize("case", BAD_STEPS)
def test_bad_steps_are_refused(function, case):
    change, message = BAD_STEPS[case]
    good = dict(s=[0, 1], r=[1.0, 0.0], s_next=[1, 2], terminated=[False, True], truncated=[False, False])
    assert function(Steps(**good), num_states=3).shape == (2, 3)
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        function(Steps(**good | change), num_states=3)


def test_batch_arguments_are_checked():
    cut = Steps([0], [1.0], [1], [False], [True])
    with pytest.raises(ValueError, match="gamma is 1 and an episode was cut at step 0"):
        batch_td(cut, num_states=2)
    with pytest.raises(ValueError, match="gamma is 2, expected a discount"):
        batch_monte_carlo(cut, num_states=2, gamma=2)
    with pytest.raises(ValueError, match="num_states is 0"):
        batch_td(cut, num_states=0)


def test_record_steps_refuses_what_the_methods_refuse():
    with pytest.raises(ValueError, match="gamma is 1, and from state 0 the policy never"):
        record_steps(loop(1.0), [0], episodes=1, rng=rng())
    assert record_steps(loop(), [0], episodes=2, rng=rng(), max_steps=3).truncated.tolist() == [False, False, True] * 2


# The random walks of the book.


def errors(function, walk, truth, **arguments):
    """The error of each run: root mean square over the states, mean over the ends of the episodes."""
    history = function(walk, coin(walk), **arguments).history[:, 1:, 1:-1]
    return np.sqrt(((history - truth) ** 2).mean(axis=2)).mean(axis=1)


@pytest.mark.parametrize("seed", range(2))
def test_ordering_in_n_and_lambda_on_the_19_state_walk(seed):
    """Figures 7.2 and 12.3: at the best alpha of each, n and lambda in the middle beat both extremes (paired runs)."""
    walk, truth = random_walk(19, -1, 1), np.arange(-9, 10) / 10
    alphas = np.arange(1, 11) / 10

    def best(function, alphas=alphas, **own):
        runs = [
            errors(function, walk, truth, episodes=10, alpha=alpha, rng=rng(seed), runs=100, **own) for alpha in alphas
        ]
        return min(runs, key=np.mean)

    for function, name, low, middle, high in [
        (n_step_td, "n", 1, 4, 64),
        (lambda_return, "lam", 0.0, 0.8, 1.0),
        (true_online_td_lambda, "lam", 0.0, 0.8, 1.0),
    ]:
        centre = best(function, **{name: middle})
        for extreme in (low, high):
            smaller_alphas = alphas / 10 if extreme == high else alphas
            difference = standard_error(best(function, smaller_alphas, **{name: extreme}) - centre)
            assert difference.mean > 4 * (difference.mean - difference.low)


@pytest.mark.parametrize("seed", range(3))
def test_batch_td_beats_batch_monte_carlo_on_the_5_state_walk(seed):
    """Figure 6.2, over 100 runs, after 25 episodes."""
    walk, truth = random_walk(), np.arange(1, 6) / 6
    differences = []
    for child in rng(seed).spawn(100):
        steps = record_steps(walk, coin(walk), episodes=25, rng=child)
        td, mc = (f(steps, num_states=7, initial_v=0.5)[-1, 1:-1] for f in (batch_td, batch_monte_carlo))
        differences.append(np.sqrt(((mc - truth) ** 2).mean()) - np.sqrt(((td - truth) ** 2).mean()))
    band = standard_error(differences)
    assert band.mean > 4 * (band.mean - band.low)


def test_td_lambda_blows_up_where_the_exact_forward_view_does_not():
    walk, truth = random_walk(19, -1, 1), np.arange(-9, 10) / 10
    large = dict(episodes=10, alpha=0.5, lam=1.0, runs=20)
    assert np.abs(td_lambda(walk, coin(walk), rng=rng(), **large).v).max() > 100
    assert errors(true_online_td_lambda, walk, truth, rng=rng(), **large).mean() < 1


def test_lambda_returns_by_hand_of_any_numbers():
    """G_1 = 2 + 0.5 * 0 = 2; G_0 = 1 + 0.5 * (0.5 * 4 + 0.5 * 2) = 2.5."""
    for rewards in ([1, 2], [1, 2.0], np.float16([1, 2]), np.array([1, 9, 2, 9])[::2], np.array([2, 1])[::-1]):
        for next_values in ([4, 0], np.float32([4, 0]), np.array([0.0, 4.0])[::-1]):
            assert lambda_returns(rewards, next_values, 0.5, 0.5).tolist() == [2.5, 2]
