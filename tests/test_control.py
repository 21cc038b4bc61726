"""The learners: hand-worked updates, convergence to exact answers, published levels, and one source compiled or not."""

import re

import gymnasium
import numpy as np
import pytest

from rlbook.mdp import FiniteMDP
from rlbook.tabular.bellman import policy_value
from rlbook.tabular.control import (
    double_q_learning,
    epsilon_greedy,
    epsilon_greedy_policy,
    epsilon_greedy_value,
    expected_sarsa,
    q_learning,
    sarsa,
)
from rlbook.tabular.planning import value_iteration
from rlbook.worlds import bias_example, chain, cliff_walking, traffic_light

LEARNERS = [sarsa, expected_sarsa, q_learning, double_q_learning]
CLIFF = dict(episodes=500, alpha=0.5, epsilon=0.1)


def rng(seed=0):
    return np.random.default_rng(seed)


def corridor(gamma=0.5):
    """One action. Two steps, with rewards 1 and 4, then the end."""
    P = np.eye(3)[[1, 2, 2]][:, None, :]
    return FiniteMDP(P, [[1.0], [4.0], [0.0]], gamma, start=0, terminal=np.array([False, False, True]))


@pytest.mark.parametrize("learn", [sarsa, expected_sarsa, q_learning])
def test_two_episodes_by_hand(learn):
    """alpha 1/2. First: q0 = (1 + q1 / 2) / 2 = 1/2, q1 = 4/2 = 2. Second: q0 = 1/2 + (1 + 1 - 1/2) / 2, q1 = 2 + 2/2."""
    first = learn(corridor(), episodes=1, alpha=0.5, epsilon=0.1, rng=rng())
    assert first.q.ravel().tolist() == [0.5, 2, 0]
    second = learn(corridor(), episodes=2, alpha=0.5, epsilon=0.1, rng=rng())
    assert second.q.ravel().tolist() == [1.25, 3, 0]
    assert second.returns.tolist() == [5, 5] and second.lengths.tolist() == [2, 2] and not second.truncated.any()


def test_double_q_learning_gives_each_step_to_one_table():
    """alpha 1: an update sets one of two tables, so after one episode the mean is half of the target."""
    learned = double_q_learning(corridor(), episodes=1, alpha=1.0, epsilon=0.1, rng=rng())
    assert learned.q[1, 0] == 2 and learned.q[0, 0] == 0.5
    many = double_q_learning(corridor(), episodes=60, alpha=1.0, epsilon=0.1, rng=rng())
    assert many.q.ravel().tolist() == [3, 4, 0]


@pytest.mark.parametrize("learn", LEARNERS)
def test_nothing_is_bootstrapped_from_a_terminal_state(learn):
    learned = learn(corridor(), episodes=200, alpha=0.5, epsilon=0.1, rng=rng(), initial_q=100.0)
    assert np.allclose(learned.q[:2, 0], [3, 4])
    assert learned.q[2, 0] == 100  # and none is ever updated


@pytest.mark.parametrize("learn", LEARNERS)
def test_a_truncated_step_does_bootstrap(learn):
    """A loop with reward 1, cut off after every step, is still worth 1 / (1 - gamma)."""
    loop = FiniteMDP(np.ones((1, 1, 1)), [[1.0]], 0.5)
    learned = learn(loop, episodes=300, alpha=0.5, epsilon=0.1, rng=rng(), max_steps=1)
    assert learned.q[0, 0] == pytest.approx(2)
    assert learned.truncated.all() and np.all(learned.lengths == 1)


@pytest.mark.parametrize("learn", LEARNERS)
def test_the_step_limit_is_reported(learn):
    learned = learn(cliff_walking(), episodes=500, alpha=0.5, epsilon=0.1, rng=rng(), max_steps=30)
    assert learned.truncated.any() and not learned.truncated.all()
    assert np.all(learned.lengths[learned.truncated] == 30) and learned.lengths.max() == 30


@pytest.mark.parametrize("learn", LEARNERS)
def test_an_episode_that_ends_on_its_last_step_is_not_truncated(learn):
    learned = learn(corridor(), episodes=3, alpha=0.5, epsilon=0.1, rng=rng(), max_steps=2)
    assert learned.lengths.tolist() == [2, 2, 2] and not learned.truncated.any()


@pytest.mark.parametrize("seed", range(3))
def test_double_q_learning_tosses_a_fair_coin(seed):
    """alpha 1, reward 1: two steps set both tables to 1, and so their mean, half of the time; else only one of them."""
    loop = FiniteMDP(np.ones((1, 1, 1)), [[1.0]], 0.0)
    learned = double_q_learning(loop, episodes=1, alpha=1.0, epsilon=0.1, rng=rng(seed), runs=4000, max_steps=2)
    both = np.mean(learned.q[:, 0, 0] == 1)
    assert abs(both - 0.5) < 5 * 0.5 / np.sqrt(4000)


@pytest.mark.parametrize("seed", range(3))
def test_double_q_learning_acts_on_the_sum_of_its_tables(seed):
    """Whichever table learned of the first action's reward, the sum prefers that action ever after: 3 * 1 or 3 * 0.9.
    Acting on one table alone, the learner would forget it whenever the other had learned."""
    bandit = FiniteMDP(np.ones((1, 2, 1)), [[1.0, 0.9]], 0.0)
    learned = double_q_learning(bandit, episodes=1, alpha=0.5, epsilon=0.0, rng=rng(seed), runs=4000, max_steps=3)
    assert set(np.round(learned.returns[:, 0], 6)) == {3.0, 2.7}


@pytest.mark.parametrize("learn", LEARNERS)
def test_compiled_and_interpreted_give_the_same_numbers(learn):
    for mdp in (cliff_walking(), traffic_light(), chain(4, slip=0.2)):
        arguments = dict(episodes=10, alpha=0.3, epsilon=0.2, max_steps=200)
        fast, plain = learn(mdp, rng=rng(3), **arguments), learn.py_func(mdp, rng=rng(3), **arguments)
        assert all(np.array_equal(ours, theirs) for ours, theirs in zip(fast, plain, strict=True))


@pytest.mark.parametrize("learn", LEARNERS)
def test_each_run_is_the_one_that_its_own_generator_gives(learn):
    several = learn(cliff_walking(), **CLIFF | {"episodes": 20}, rng=rng(1), runs=3)
    assert several.q.shape == (3, 48, 4) and several.returns.shape == several.lengths.shape == (3, 20)
    assert several.policy.shape == (3, 48)
    for run, child in enumerate(rng(1).spawn(3)):
        assert np.array_equal(several.q[run], learn(cliff_walking(), **CLIFF | {"episodes": 20}, rng=child).q)
    assert not np.array_equal(several.returns[0], several.returns[1])


@pytest.mark.parametrize("learn", [q_learning, double_q_learning])
def test_off_policy_learners_find_q_star_while_exploring(learn):
    """A deterministic world, explored at random with alpha 1: each value is exact once its successors are."""
    mdp = chain(5, gamma=0.9)
    learned = learn(mdp, episodes=500, alpha=1.0, epsilon=1.0, rng=rng())
    assert np.allclose(learned.q, value_iteration(mdp).q)


@pytest.mark.parametrize("learn", [q_learning, double_q_learning])
@pytest.mark.parametrize("seed", range(3))
def test_off_policy_learners_approach_q_star_in_a_random_world(learn, seed):
    mdp, episodes = chain(4, gamma=0.8, slip=0.3), 20_000
    alpha = 1 / (1 + np.arange(episodes) / 20)
    learned = learn(mdp, episodes=episodes, alpha=alpha, epsilon=0.5, rng=rng(seed))
    assert np.abs(learned.q - value_iteration(mdp).q)[:3].max() < 0.03


@pytest.mark.parametrize("learn", [sarsa, expected_sarsa])
@pytest.mark.parametrize("seed", range(3))
def test_on_policy_learners_approach_the_value_of_what_they_do(learn, seed):
    mdp, episodes = chain(4, gamma=0.8, slip=0.3), 20_000
    alpha = 1 / (1 + np.arange(episodes) / 20)
    learned = learn(mdp, episodes=episodes, alpha=alpha, epsilon=0.5, rng=rng(seed))
    policy = epsilon_greedy_policy(learned.q, 0.5)
    values = (policy * learned.q).sum(axis=1)
    assert np.abs(values - policy_value(mdp, policy))[:3].max() < 0.03


def test_the_online_return_of_the_optimal_policy_with_exploration_is_exactly_minus_50_80():
    """REFERENCES of the book: the epsilon-greedy policy (0.1) of q* on the cliff, by linear solve."""
    cliff = cliff_walking()
    policy = epsilon_greedy_policy(value_iteration(cliff).q.round(9), 0.1)
    assert policy_value(cliff, policy)[36] == pytest.approx(-50.80, abs=0.005)


@pytest.mark.parametrize(
    "learn, level, error", [(sarsa, -26.5, 0.7), (q_learning, -48.5, 0.8), (expected_sarsa, -20.2, 0.2)]
)
@pytest.mark.parametrize("seed", [11, 12])
def test_simulated_levels_on_the_cliff(learn, level, error, seed):
    """Mean of the last 100 of 500 episodes, over 100 runs; the reference levels are of 60 runs, with standard errors."""
    means = learn(cliff_walking(), **CLIFF, rng=rng(seed), runs=100).returns[:, -100:].mean(axis=1)
    assert abs(means.mean() - level) < 4.5 * np.hypot(error, means.std(ddof=1) / 10)


@pytest.mark.parametrize("seed", range(3))
def test_double_q_learning_is_less_drawn_to_the_noisy_side(seed):
    lefts = {}
    for learn in (q_learning, double_q_learning):
        learned = learn(bias_example(), episodes=300, alpha=0.1, epsilon=0.1, rng=rng(seed), runs=400)
        lefts[learn] = (learned.lengths == 2).mean(axis=0)
    assert lefts[q_learning][20:100].mean() > lefts[double_q_learning][20:100].mean() + 0.2
    assert 0.03 < lefts[double_q_learning][-50:].mean() < lefts[q_learning][-50:].mean()  # the floor is 0.05


def test_learning_goes_on_from_the_values_of_an_earlier_call():
    mdp = corridor()
    first = q_learning(mdp, episodes=1, alpha=0.5, epsilon=0.1, rng=rng())
    given = first.q.copy()
    second = q_learning(mdp, episodes=1, alpha=0.5, epsilon=0.1, rng=rng(), initial_q=first.q)
    assert second.q.ravel().tolist() == [1.25, 3, 0]
    assert np.array_equal(first.q, given)
    runs = q_learning(mdp, episodes=1, alpha=0.5, epsilon=0.1, rng=rng(), runs=2)
    runs = q_learning(mdp, episodes=1, alpha=0.5, epsilon=0.1, rng=rng(), runs=2, initial_q=runs.q)
    assert runs.q[:, :, 0].tolist() == [[1.25, 3, 0]] * 2


def test_schedules_are_taken_episode_by_episode():
    learned = q_learning(corridor(), episodes=2, alpha=[0.5, 1.0], epsilon=[1.0, 0.0], rng=rng())
    assert learned.q.ravel().tolist() == [2, 4, 0]  # after the first: 0.5 and 2; then q0 = 1 + 2 / 2, q1 = 4


@pytest.mark.parametrize("seed", range(3))
def test_taxi_and_frozen_lake_are_learned(seed):
    for name, epsilon, room in [("Taxi-v4", 0.3, 0.05), ("FrozenLake-v1", 1.0, 0.02)]:
        mdp = FiniteMDP.from_gymnasium(gymnasium.make(name), 0.99)
        episodes = 20_000
        alpha = np.ones(episodes) if name == "Taxi-v4" else 1 / (1 + np.arange(episodes) / 200)
        learned = q_learning(mdp, episodes=episodes, alpha=alpha, epsilon=epsilon, rng=rng(seed))
        best = mdp.start @ value_iteration(mdp).v
        assert mdp.start @ policy_value(mdp, learned.policy) > best - room


@pytest.mark.parametrize("seed", range(3))
def test_epsilon_greedy_draws_what_its_policy_says(seed):
    q, epsilon, draws = np.array([[1.0, 3.0, 0.0, 3.0, 3.0]]), 0.4, 30_000
    expected = epsilon_greedy_policy(q, epsilon)[0]
    assert np.allclose(expected, [0.08, 0.28, 0.08, 0.28, 0.28])
    generator = rng(seed)
    counts = np.bincount([epsilon_greedy(q[0], epsilon, generator) for _ in range(draws)], minlength=5)
    assert np.all(np.abs(counts - draws * expected) < 5 * np.sqrt(draws * expected * (1 - expected)))
    assert epsilon_greedy_value(q[0], epsilon) == pytest.approx((expected * q[0]).sum())
    assert np.allclose(epsilon_greedy_policy([q, -q], epsilon)[1], [[0.08, 0.08, 0.68, 0.08, 0.08]])  # (runs, S, A)
    with pytest.raises(ValueError, match="epsilon is 2"):
        epsilon_greedy_policy(q, 2)


BAD = {
    "no MDP": (TypeError, dict(mdp=gymnasium), "got a module, expected a FiniteMDP"),
    "no episodes": (ValueError, dict(episodes=0), "episodes is 0, expected a whole number, at least 1"),
    "half an episode": (ValueError, dict(episodes=1.5), "episodes is 1.5"),
    "alpha zero": (ValueError, dict(alpha=0), "alpha is 0 in episode 0, expected a number in (0, 1]"),
    "alpha above one": (ValueError, dict(alpha=[0.5, 2]), "alpha is 2 in episode 1"),
    "epsilon negative": (ValueError, dict(epsilon=-0.1), "epsilon is -0.1 in episode 0, expected a number in [0, 1]"),
    "epsilon not a number": (ValueError, dict(epsilon=np.nan), "epsilon is nan"),
    "schedule too short": (ValueError, dict(epsilon=[0.1]), "epsilon has shape (1,), expected a number or (2,)"),
    "a seed for a generator": (TypeError, dict(rng=0), "rng is 0, expected a numpy Generator"),
    "no runs": (ValueError, dict(runs=0), "runs is 0"),
    "no steps": (ValueError, dict(max_steps=0), "max_steps is 0"),
    "initial values of a wrong shape": (ValueError, dict(initial_q=np.zeros(3)), "initial_q has shape (3,), expected"),
    "initial values not finite": (ValueError, dict(initial_q=np.nan), "expected a finite number"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_by_name(case):
    error, change, message = BAD[case]
    arguments = dict(mdp=corridor(), episodes=2, alpha=0.5, epsilon=0.1, rng=rng()) | change
    with pytest.raises(error, match=re.escape(message)):
        q_learning(arguments.pop("mdp"), **arguments)
