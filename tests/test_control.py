"""The learners: hand-worked updates, convergence to exact answers, published levels, and one source compiled or not."""

import csv
import re
import runpy
from pathlib import Path

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
    n_step_sarsa,
    q_lambda,
    q_learning,
    sarsa,
    sarsa_lambda,
)
from rlbook.tabular.planning import value_iteration
from rlbook.worlds import bias_example, chain, cliff_walking, traffic_light, windy_gridworld

LONGER = [(n_step_sarsa, {"n": 3}), (sarsa_lambda, {"lam": 0.8}), (q_lambda, {"lam": 0.8})]
LEARNERS = [*((learn, {}) for learn in (sarsa, expected_sarsa, q_learning, double_q_learning)), *LONGER]
every_learner = pytest.mark.parametrize("learn, own", LEARNERS, ids=[learn.__name__ for learn, _ in LEARNERS])
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


@every_learner
def test_nothing_is_bootstrapped_from_a_terminal_state(learn, own):
    learned = learn(corridor(), episodes=200, alpha=0.5, epsilon=0.1, rng=rng(), initial_q=100.0, **own)
    assert np.allclose(learned.q[:2, 0], [3, 4])
    assert learned.q[2, 0] == 100  # and none is ever updated


@every_learner
def test_a_truncated_step_does_bootstrap(learn, own):
    """A loop with reward 1, cut off after every step, is still worth 1 / (1 - gamma)."""
    loop = FiniteMDP(np.ones((1, 1, 1)), [[1.0]], 0.5)
    learned = learn(loop, episodes=300, alpha=0.5, epsilon=0.1, rng=rng(), max_steps=1, **own)
    assert learned.q[0, 0] == pytest.approx(2)
    assert learned.truncated.all() and np.all(learned.lengths == 1)


@every_learner
def test_the_step_limit_is_reported(learn, own):
    learned = learn(cliff_walking(), episodes=500, alpha=0.5, epsilon=0.1, rng=rng(), max_steps=30, **own)
    assert learned.truncated.any() and not learned.truncated.all()
    assert np.all(learned.lengths[learned.truncated] == 30) and learned.lengths.max() == 30


@every_learner
def test_an_episode_that_ends_on_its_last_step_is_not_truncated(learn, own):
    learned = learn(corridor(), episodes=3, alpha=0.5, epsilon=0.1, rng=rng(), max_steps=2, **own)
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


@every_learner
def test_compiled_and_interpreted_give_the_same_numbers(learn, own):
    for mdp in (cliff_walking(), traffic_light(), chain(4, slip=0.2)):
        arguments = dict(episodes=10, alpha=0.3, epsilon=0.2, max_steps=200, **own)
        fast, plain = learn(mdp, rng=rng(3), **arguments), learn.py_func(mdp, rng=rng(3), **arguments)
        assert all(np.array_equal(ours, theirs) for ours, theirs in zip(fast, plain, strict=True))


@every_learner
def test_each_run_is_the_one_that_its_own_generator_gives(learn, own):
    several = learn(cliff_walking(), **CLIFF | {"episodes": 20}, rng=rng(1), runs=3, **own)
    assert several.q.shape == (3, 48, 4) and several.returns.shape == several.lengths.shape == (3, 20)
    assert several.policy.shape == (3, 48)
    for run, child in enumerate(rng(1).spawn(3)):
        assert np.array_equal(several.q[run], learn(cliff_walking(), **CLIFF | {"episodes": 20}, rng=child, **own).q)
    assert not np.array_equal(several.returns[0], several.returns[1])


@pytest.mark.parametrize("learn", [q_learning, double_q_learning])
def test_off_policy_learners_find_q_star_while_exploring(learn):
    """A deterministic world, explored at random with alpha 1: each value is exact once its successors are."""
    mdp = chain(5, gamma=0.9)
    learned = learn(mdp, episodes=500, alpha=1.0, epsilon=1.0, rng=rng())
    assert np.allclose(learned.q, value_iteration(mdp).q)


@pytest.mark.parametrize("learn, own", [(q_learning, {}), (double_q_learning, {}), (q_lambda, {"lam": 0.8})])
@pytest.mark.parametrize("seed", range(3))
def test_off_policy_learners_approach_q_star_in_a_random_world(learn, own, seed):
    mdp, episodes = chain(4, gamma=0.8, slip=0.3), 20_000
    alpha = 1 / (1 + np.arange(episodes) / 20)
    learned = learn(mdp, episodes=episodes, alpha=alpha, epsilon=0.5, rng=rng(seed), **own)
    assert np.abs(learned.q - value_iteration(mdp).q)[:3].max() < 0.03


@pytest.mark.parametrize("learn, own", [(sarsa, {}), (expected_sarsa, {}), *LONGER[:2]])
@pytest.mark.parametrize("seed", range(3))
def test_on_policy_learners_approach_the_value_of_what_they_do(learn, own, seed):
    mdp, episodes = chain(4, gamma=0.8, slip=0.3), 20_000
    alpha = 1 / (1 + np.arange(episodes) / 20)
    learned = learn(mdp, episodes=episodes, alpha=alpha, epsilon=0.5, rng=rng(seed), **own)
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


def layered(rng, depth=6, width=3, gamma=0.9):
    """Each step leads one layer down to a random state of three, with a random reward: no pair is visited twice."""
    states = depth * width + 1
    P, end = np.zeros((states, 2, states)), states - 1
    for s in range(end):
        below = (s // width + 1) * width
        P[s, :, below : below + width] = rng.dirichlet(np.ones(width), size=2) if below < end else 0
        P[s, :, end] = below == end
    start = np.isin(np.arange(states), range(width)) / width
    return FiniteMDP(P, rng.normal(size=(states, 2)), gamma, start=start, terminal=np.arange(states) == end)


@pytest.mark.parametrize(
    "longer, own, shorter",
    [(n_step_sarsa, {"n": 1}, sarsa), (sarsa_lambda, {"lam": 0.0}, sarsa), (q_lambda, {"lam": 0.0}, q_learning)],
)
def test_the_shortest_look_is_the_one_step_learner(longer, own, shorter):
    for mdp in (cliff_walking(), windy_gridworld(stochastic=True), traffic_light()):
        arguments = dict(episodes=30, alpha=0.3, epsilon=0.2, max_steps=300)
        look, step = longer(mdp, rng=rng(5), **arguments, **own), shorter(mdp, rng=rng(5), **arguments)
        assert all(np.array_equal(ours, theirs) for ours, theirs in zip(look, step, strict=True))


def test_two_steps_of_two_by_hand():
    """alpha 1/2, n = 2: q0 goes half way to 1 + 4/2 = 3, q1 half way to 4, in the second episode again."""
    once = n_step_sarsa(corridor(), episodes=1, alpha=0.5, epsilon=0.1, n=2, rng=rng())
    assert once.q.ravel().tolist() == [1.5, 2, 0]
    twice = n_step_sarsa(corridor(), episodes=2, alpha=0.5, epsilon=0.1, n=2, rng=rng())
    assert twice.q.ravel().tolist() == [2.25, 3, 0]
    assert twice.returns.tolist() == [5, 5] and twice.lengths.tolist() == [2, 2] and not twice.truncated.any()


def test_an_n_step_target_bootstraps_after_n_rewards():
    """Four steps with rewards 1, 2, 3, 4, gamma 1/2, first values 8, alpha 1, n = 2: the first two targets are
    1 + 2/2 + 8/4 = 4 and 2 + 3/2 + 8/4 = 5.5; the last two 3 + 4/2 = 5 and 4 meet the end."""
    P = np.eye(5)[[1, 2, 3, 4, 4]][:, None, :]
    mdp = FiniteMDP(P, [[1.0], [2.0], [3.0], [4.0], [0.0]], 0.5, start=0, terminal=np.arange(5) == 4)
    learned = n_step_sarsa(mdp, episodes=1, alpha=1, epsilon=0, n=2, rng=rng(), initial_q=8.0)
    assert learned.q.ravel().tolist() == [4, 5.5, 5, 4, 8]


def test_a_cut_episode_still_teaches_its_last_steps():
    """The same walk cut after three steps: the targets are 1 + 2/2 + 8/4 = 4, 2 + 3/2 + 8/4 = 5.5 and 3 + 8/2 = 7."""
    P = np.eye(5)[[1, 2, 3, 4, 4]][:, None, :]
    mdp = FiniteMDP(P, [[1.0], [2.0], [3.0], [4.0], [0.0]], 0.5, start=0, terminal=np.arange(5) == 4)
    learned = n_step_sarsa(mdp, episodes=1, alpha=1, epsilon=0, n=2, rng=rng(), initial_q=8.0, max_steps=3)
    assert learned.q.ravel().tolist() == [4, 5.5, 7, 8, 8]
    assert learned.lengths.tolist() == [3] and learned.truncated.all() and learned.returns.tolist() == [6]


@pytest.mark.parametrize("learn", [sarsa_lambda, q_lambda])
def test_traces_by_hand(learn):
    """alpha, gamma and lam 1/2. First: error 1 at q0, then error 4 at q1, a quarter of which is q0's: 1/2 + 1/2 and 2.
    Second: error 1 + 2/2 - 1 = 1, then 4 - 2 = 2, and again a quarter: 1 + 1/2 + 1/4 and 3."""
    once = learn(corridor(), episodes=1, alpha=0.5, epsilon=0.1, lam=0.5, rng=rng())
    assert once.q.ravel().tolist() == [1, 2, 0]
    twice = learn(corridor(), episodes=2, alpha=0.5, epsilon=0.1, lam=0.5, rng=rng())
    assert twice.q.ravel().tolist() == [1.75, 3, 0]


@pytest.mark.parametrize("learn", [sarsa_lambda, q_lambda])
def test_a_trace_is_replaced_and_not_added_to(learn):
    """A loop with reward 1, gamma 1 and lam 1: each error is 1. With alpha 1/2 four steps add 1/2 each; traces that
    accumulate would add 1/2, 2/2, 3/2 and 4/2."""
    loop = FiniteMDP(np.ones((1, 1, 1)), [[1.0]], 1.0)
    learned = learn(loop, episodes=1, alpha=0.5, epsilon=0, lam=1.0, rng=rng(), max_steps=4)
    assert learned.q[0, 0] == 2


@pytest.mark.parametrize("learn", [sarsa_lambda, q_lambda])
@pytest.mark.parametrize("lam", [0.0, 0.3, 0.8, 1.0])
def test_traces_are_the_forward_view_where_nothing_is_visited_twice(learn, lam):
    """G = r + gamma ((1 - lam) q' + lam G'), from the end backwards: the lambda-return of a row of six states."""
    rewards = rng(1).normal(size=6)
    P = np.eye(7)[[1, 2, 3, 4, 5, 6, 6]][:, None, :]
    mdp = FiniteMDP(P, np.append(rewards, 0)[:, None], 0.9, start=0, terminal=np.arange(7) == 6)
    q = np.zeros(7)
    for _ in range(4):
        target, before = 0.0, q.copy()
        for s in reversed(range(6)):
            target = rewards[s] + 0.9 * ((1 - lam) * before[s + 1] + lam * target)
            q[s] += 0.3 * (target - before[s])
    learned = learn(mdp, episodes=4, alpha=0.3, epsilon=0.1, lam=lam, rng=rng())
    assert np.allclose(learned.q[:, 0], q)


@pytest.mark.parametrize("seed", range(3))
def test_looking_to_the_end_is_monte_carlo(seed):
    """In a layered world n = 6, n = 1,000 and lam = 1 all move each pair towards the return that followed it. With
    alpha = 1 the first pair of an episode is then worth what that episode paid."""
    mdp, common = layered(rng(seed)), dict(episodes=40, alpha=0.3, epsilon=0.3)
    exact_length = n_step_sarsa(mdp, n=6, rng=rng(seed), **common)
    longer = n_step_sarsa(mdp, n=1000, rng=rng(seed), **common)
    assert all(np.array_equal(ours, theirs) for ours, theirs in zip(exact_length, longer, strict=True))
    traces = sarsa_lambda(mdp, lam=1.0, rng=rng(seed), **common)
    assert np.allclose(traces.q, longer.q) and np.array_equal(traces.returns, longer.returns)
    once = n_step_sarsa(layered(rng(seed), gamma=1.0), n=6, rng=rng(seed), episodes=1, alpha=1, epsilon=0.3)
    assert np.isclose(once.q[:3].sum(), once.returns[0])  # of the three states of the first layer, one was visited


@pytest.mark.parametrize("seed", range(3))
def test_q_lambda_cuts_the_traces_at_an_exploring_action(seed):
    """Two steps of two actions; in the second state action 0 is greedy for the first values. alpha, gamma and lam are 1/2.
    First step: error 0 + 2/2 = 1. Second: greedy, error 4 - 2 = 2, and 1/4 of half of it goes back; exploring, error
    8 - 0 = 8, and nothing goes back."""
    P = np.zeros((3, 2, 3))
    P[0, :, 1] = P[1:, :, 2] = 1
    mdp = FiniteMDP(P, [[0.0, 0.0], [4.0, 8.0], [0.0, 0.0]], 0.5, start=0, terminal=np.arange(3) == 2)
    common = dict(episodes=1, alpha=0.5, epsilon=1.0, lam=0.5, rng=rng(seed), runs=200)
    first_values = [[0.0, 0.0], [2.0, 0.0], [0.0, 0.0]]
    watkins = q_lambda(mdp, initial_q=first_values, **common)
    explored = watkins.returns[:, 0] == 8
    assert 50 < explored.sum() < 150
    assert np.all(watkins.q[explored].max(axis=2) == [0.5, 4, 0])
    assert np.all(watkins.q[~explored].max(axis=2) == [0.75, 3, 0])


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


def test_the_committed_figure_6_3_is_what_its_script_writes():
    """One line of its 114 again, 100,000 episodes in each of 10 runs; and the asymptotes are the exact values."""
    folder = Path(__file__).parent.parent / "benchmarks"
    with (folder / "results" / "figure_6_3.csv").open(encoding="utf-8") as file:
        table = {(line["method"], line["alpha"], line["measurement"]): line for line in csv.DictReader(file)}
    assert len(table) == 3 * 19 * 2 and {line["truncated"] for line in table.values()} == {"0"}
    key = ("expected_sarsa", "1.00", "asymptotic")
    script = runpy.run_path(str(folder / "figure_6_3.py"))
    [task] = [task for task in script["tasks"](0, 1.0) if (task[0].__name__, f"{task[1]:.2f}", task[2]) == key]
    assert {name: str(value) for name, value in script["measure"](task).items()} == table[key]
    for (method, _, measurement), line in table.items():
        if measurement == "asymptotic" and method != "sarsa":
            exact = {"q_learning": -50.80, "expected_sarsa": -20.71}[method]
            assert abs(float(line["mean"]) - exact) < 0.2 + 4 * float(line["standard_error"])


@pytest.mark.parametrize("learn, own", [(sarsa, {}), *LONGER])
@pytest.mark.parametrize("seed", range(3))
def test_the_windy_gridworld_is_crossed(learn, own, seed):
    """15 steps are enough. The epsilon-greedy policy of the mean of 60 tables, which explores, needs few more."""
    mdp = windy_gridworld()
    learned = learn(mdp, episodes=300, alpha=0.3, epsilon=0.1, rng=rng(seed), runs=60, **own)
    policy = epsilon_greedy_policy(learned.q.mean(axis=0), 0.1)
    assert -18.5 < policy_value(mdp, policy)[30] < -15 and not learned.truncated.any()


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


@pytest.mark.parametrize(
    "learn, own, message",
    [
        (n_step_sarsa, {"n": 0}, "n is 0, expected a whole number, at least 1"),
        (n_step_sarsa, {"n": 1.5}, "n is 1.5"),
        (sarsa_lambda, {"lam": 1.5}, "lam is 1.5, expected a number in [0, 1]"),
        (q_lambda, {"lam": -0.1}, "lam is -0.1"),
    ],
)
def test_a_look_of_no_length_is_refused(learn, own, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        learn(corridor(), episodes=1, alpha=0.5, epsilon=0.1, rng=rng(), **own)


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_by_name(case):
    error, change, message = BAD[case]
    arguments = dict(mdp=corridor(), episodes=2, alpha=0.5, epsilon=0.1, rng=rng()) | change
    with pytest.raises(error, match=re.escape(message)):
        q_learning(arguments.pop("mdp"), **arguments)
