"""Learning with a learned model: hand-worked backups, exact answers on the mazes, and worlds that change."""

import heapq
import re

import numpy as np
import pytest

from rlbook.mdp import FiniteMDP
from rlbook.tabular.bellman import policy_value
from rlbook.tabular.control import q_learning
from rlbook.tabular.dyna import (
    below,
    dyna_q,
    dyna_q_plus,
    empty_model,
    empty_queue,
    is_empty,
    leading_to,
    learn,
    pop,
    predict,
    prioritized_sweeping,
    push,
    recall,
    remember,
    td_error,
)
from rlbook.tabular.planning import value_iteration
from rlbook.worlds import blocking_maze, chain, cliff_walking, dyna_maze, maze, shortcut_maze

ALL = {
    dyna_q: dict(planning_steps=5),
    dyna_q_plus: dict(planning_steps=5, kappa=1e-3),
    prioritized_sweeping: dict(planning_steps=5, theta=1e-4),
}
learners = pytest.mark.parametrize("plan", ALL, ids=lambda plan: plan.__name__)
MAZES = {"dyna": (dyna_maze(), 14), "before": (blocking_maze()[0], 10), "after": (blocking_maze()[1], 16)}


def rng(seed=0):
    return np.random.default_rng(seed)


def corridor(gamma=0.5, rewards=(1.0, 4.0)):
    """One action. Two steps, with rewards 1 and 4, then the end."""
    P = np.eye(3)[[1, 2, 2]][:, None, :]
    R = [[rewards[0]], [rewards[1]], [0.0]]
    return FiniteMDP(P, R, gamma, start=0, terminal=np.array([False, False, True]))


# Dyna-Q


@pytest.mark.parametrize("mdp", [dyna_maze(), cliff_walking(), chain(6, slip=0.2)])
@pytest.mark.parametrize("seed", range(3))
def test_dyna_without_planning_is_q_learning(mdp, seed):
    arguments = dict(episodes=40, alpha=0.3, epsilon=0.2, max_steps=500)
    ours = dyna_q(mdp, planning_steps=0, rng=rng(seed), **arguments)
    theirs = q_learning(mdp, rng=rng(seed), **arguments)
    assert all(np.array_equal(our, their) for our, their in zip(ours, theirs, strict=True))


def test_a_long_planning_phase_by_hand():
    """alpha 1/2. The step 0 -> 1 is backed up 201 times with q1 = 0: q0 = 1. The step 1 -> 2 then sets q1 = 4/2, and 200
    backups, some of either pair, bring both home: q1 = 4, q0 = 1 + 4/2."""
    learned = dyna_q(corridor(), episodes=1, alpha=0.5, epsilon=0.1, planning_steps=200, rng=rng())
    assert learned.q.ravel() == pytest.approx([3, 4, 0])
    one_step = dyna_q(corridor(), episodes=1, alpha=0.5, epsilon=0.1, planning_steps=200, rng=rng(), max_steps=1)
    assert one_step.q.ravel() == pytest.approx([1, 0, 0])
    assert one_step.truncated.all()


def test_one_planning_step_by_hand():
    """alpha 1/2, one action, one pair known: the step and its repetition move q0 to 1/2 and then to 3/4."""
    learned = dyna_q(corridor(), episodes=1, alpha=0.5, epsilon=0.1, planning_steps=1, rng=rng(), max_steps=1)
    assert learned.q.ravel().tolist() == [0.75, 0, 0]


def test_the_update_by_hand():
    """delta = 2 + 0.9 * 3 - 1 = 3.7, half of it is 1.85; at the end of an episode delta = 2 - 1."""
    q = np.array([[1.0, 0.0], [3.0, -1.0]])
    assert td_error(q, (0, 0, 2.0, 1, False), 0.9) == pytest.approx(3.7)
    learn(q, (0, 0, 2.0, 1, False), 0.5, 0.9)
    assert q[0, 0] == pytest.approx(2.85) and q[1].tolist() == [3, -1]
    assert td_error(q, (0, 1, 2.0, 1, True), 0.9) == 2


# The model


def test_the_model_keeps_the_latest_outcome_and_lists_what_it_has_seen():
    model = empty_model(chain(4).tables)
    assert predict(model, 2, 1) == (2, 1, 0.0, 2, False)  # not tried: stays, for nothing
    for experience in [(0, 1, 0.0, 1, False), (2, 1, 1.0, 3, True), (0, 0, 0.0, 0, False), (0, 1, 5.0, 2, False)]:
        remember(model, experience)
        assert predict(model, *experience[:2]) == experience
    assert {recall(model, child) for child in rng().spawn(100)} == {(0, 0), (0, 1), (2, 1)}
    assert leading_to(model, 1) == []  # the later outcome of (0, 1) took it out
    assert leading_to(model, 2) == [(0, 1)] and leading_to(model, 3) == [(2, 1)] and leading_to(model, 0) == [(0, 0)]


@pytest.mark.parametrize("seed", range(5))
def test_the_pairs_leading_to_a_state_are_those_of_the_latest_outcomes(seed):
    generator, latest = rng(seed), {}
    model = empty_model(chain(6).tables)
    for _ in range(200):
        s, a, s_next = (int(generator.integers(count)) for count in (6, 2, 6))
        remember(model, (s, a, 0.0, s_next, False))
        latest[s, a] = s_next
    for s in range(6):
        found = leading_to(model, s)
        assert len(found) == len(set(found))
        assert set(found) == {pair for pair, s_next in latest.items() if s_next == s}


def test_recalling_draws_a_state_evenly_and_then_an_action_evenly():
    """State 0 with two actions tried, state 1 with one: probabilities 1/4, 1/4, 1/2."""
    model = empty_model(chain(4).tables)
    for s, a in [(0, 0), (1, 1), (0, 1)]:
        remember(model, (s, a, 0.0, 0, False))
    generator, counts = rng(), {}
    for _ in range(8000):
        pair = recall(model, generator)
        counts[pair] = counts.get(pair, 0) + 1
    for pair, p in {(0, 0): 0.25, (0, 1): 0.25, (1, 1): 0.5}.items():
        assert abs(counts[pair] - 8000 * p) < 5 * np.sqrt(8000 * p * (1 - p))


def test_below_draws_every_number_below_evenly():
    generator = rng()
    counts = np.bincount([below(5, generator) for _ in range(10_000)], minlength=5)
    assert len(counts) == 5 and np.all(np.abs(counts - 2000) < 5 * np.sqrt(10_000 * 0.16))


# The queue


@pytest.mark.parametrize("seed", range(10))
def test_the_queue_gives_out_what_a_sorted_list_would(seed):
    """Against a plain dictionary of the largest priority pushed for each pair."""
    generator, queue, waiting = rng(seed), empty_queue(30), {}
    for _ in range(1000):
        if generator.random() < 0.6 or not waiting:
            pair, priority = int(generator.integers(30)), float(generator.random())
            push(queue, pair, priority)
            waiting[pair] = max(priority, waiting.get(pair, 0.0))
        else:
            assert pop(queue) == max(waiting, key=waiting.get)
            waiting.pop(max(waiting, key=waiting.get))
        assert is_empty(queue) == (not waiting)


def test_the_queue_agrees_with_heapq():
    priorities = rng().permutation(1000).astype(float)
    queue, ours = empty_queue(1000), []
    for pair, priority in enumerate(priorities):
        push(queue, pair, priority)
    while not is_empty(queue):
        ours.append(priorities[pop(queue)])
    assert ours == heapq.nlargest(1000, priorities)


# What all three learn

EXACT = {
    dyna_q: dict(planning_steps=20),
    dyna_q_plus: dict(planning_steps=20, kappa=0.0),
    prioritized_sweeping: dict(planning_steps=20, theta=0.0),
}


@learners
@pytest.mark.parametrize("name", MAZES)
@pytest.mark.parametrize("seed", range(3))
def test_q_goes_to_q_star_on_the_mazes(plan, name, seed):
    """alpha 1, exploring at random: in a deterministic world each value is exact once its successors are."""
    mdp, steps = MAZES[name]
    learned = plan(mdp, episodes=60, alpha=1.0, epsilon=1.0, rng=rng(seed), **EXACT[plan])
    exact = value_iteration(mdp, tol=1e-12).q
    assert np.allclose(learned.q[~mdp.terminal], exact[~mdp.terminal])
    assert mdp.start @ learned.q.max(axis=1) == pytest.approx(0.95 ** (steps - 1))


@learners
def test_compiled_and_interpreted_give_the_same_numbers(plan):
    before, after = shortcut_maze()
    arguments = dict(episodes=4, alpha=0.5, epsilon=0.2, max_steps=300, changes={200: after}) | ALL[plan]
    fast, plain = plan(before, rng=rng(3), **arguments), plan.py_func(before, rng=rng(3), **arguments)
    assert all(np.array_equal(ours, theirs) for ours, theirs in zip(fast, plain, strict=True))


@learners
def test_each_run_is_the_one_that_its_own_generator_gives(plan):
    arguments = dict(episodes=5, alpha=0.5, epsilon=0.1) | ALL[plan]
    several = plan(dyna_maze(), rng=rng(1), runs=3, **arguments)
    assert several.q.shape == (3, 54, 4) and several.lengths.shape == (3, 5) and several.policy.shape == (3, 54)
    for run, child in enumerate(rng(1).spawn(3)):
        assert np.array_equal(several.q[run], plan(dyna_maze(), rng=child, **arguments).q)


@learners
def test_nothing_is_bootstrapped_from_a_terminal_state(plan):
    learned = plan(corridor(), episodes=50, alpha=1.0, epsilon=0.1, rng=rng(), initial_q=100.0, **EXACT[plan])
    assert learned.q.ravel() == pytest.approx([3, 4, 100])


@learners
def test_a_truncated_step_does_bootstrap(plan):
    """A loop with reward 1, cut off after every step, is still worth 1 / (1 - gamma)."""
    loop = FiniteMDP(np.ones((1, 1, 1)), [[1.0]], 0.5)
    learned = plan(loop, episodes=50, alpha=1.0, epsilon=0.1, rng=rng(), max_steps=1, **EXACT[plan])
    assert learned.q[0, 0] == pytest.approx(2)
    assert learned.truncated.all() and np.all(learned.lengths == 1)


@learners
def test_the_first_reward_is_found_by_walking_at_random(plan):
    """Planning helps nobody before the first reward: the first episode is as long as the uniform policy's, which is known
    from a linear solve, where each step counts 1. Dyna-Q+ without its bonus, for the bonus is a reward."""
    mdp = dyna_maze()
    counting = FiniteMDP(mdp.P, np.ones((54, 4)), 1.0, start=mdp.start, terminal=mdp.terminal)
    expected = mdp.start @ policy_value(counting, np.full((54, 4), 0.25))
    learned = plan(mdp, episodes=1, alpha=0.1, epsilon=0.1, rng=rng(), runs=400, **EXACT[plan])
    lengths = learned.lengths[:, 0]
    assert abs(lengths.mean() - expected) < 5 * lengths.std(ddof=1) / np.sqrt(400)


@pytest.mark.parametrize("seed", range(3))
def test_planning_saves_steps_of_the_world(seed):
    """Figure 8.2: the more planning steps, the fewer steps in the first 20 episodes; means of 30 runs, far apart."""
    totals = []
    for planning_steps in (0, 5, 50):
        arguments = dict(episodes=20, alpha=0.1, epsilon=0.1, planning_steps=planning_steps)
        lengths = dyna_q(dyna_maze(), rng=rng(seed), runs=30, **arguments).lengths
        totals.append(lengths[:, 1:].sum(axis=1).mean())  # the first episode is the same for all
    assert totals[0] > 4 * totals[1] > 4 * 1.5 * totals[2]


# Dyna-Q+


def test_the_bonus_by_hand():
    """One state, three actions that end the episode with nothing, gamma 0. What was never tried earns kappa * sqrt(now),
    so three episodes try all three; then the last tried three, two, one step ago earn kappa * sqrt(2), kappa and 0."""
    P = np.eye(2)[np.array([[1, 1, 1], [1, 1, 1]])]
    mdp = FiniteMDP(P, np.zeros((2, 3)), 0.0, start=0, terminal=np.array([False, True]))
    arguments = dict(alpha=1.0, epsilon=0.0, planning_steps=200, kappa=0.5, rng=rng())
    first = dyna_q_plus(mdp, episodes=1, **arguments).q[0]
    assert sorted(first) == pytest.approx([0, 0.5, 0.5])
    third = dyna_q_plus(mdp, episodes=3, **arguments).q[0]
    assert sorted(third) == pytest.approx([0, 0.5, 0.5 * np.sqrt(2)])
    assert sorted(dyna_q_plus(mdp, episodes=40, **arguments).q[0]) == pytest.approx(sorted(third))


# Worlds that change


@learners
def test_the_world_changes_at_its_time_step(plan):
    """Rewards 1 and 4 for the first step; 10 and 40 for the next three; then 100 and 400."""
    changes = {4: corridor(rewards=(100.0, 400.0)), 1: corridor(rewards=(10.0, 40.0))}
    learned = plan(corridor(), episodes=3, alpha=1.0, epsilon=0.0, rng=rng(), changes=changes, **EXACT[plan])
    assert learned.returns.tolist() == [41, 50, 500]


@learners
def test_who_stands_where_a_wall_grows_starts_again(plan):
    """The middle cell becomes a wall under the walker, who cannot go on: the episode ends there, for nothing."""
    before, after = maze("S.G\n..."), maze("S#G\n...")
    arguments = dict(
        alpha=1.0, epsilon=0.0, initial_q=np.eye(6, 4, 1), changes={1: after}
    )  # right from S, in the row of S
    learned = plan(before, episodes=2, rng=rng(), **arguments | EXACT[plan])
    assert learned.lengths[0] == 2 and learned.returns.tolist() == [0, 1]


def rewards_until(learned, steps):
    """The reward collected in the first `steps` steps of the world, in each run."""
    ends = np.cumsum(learned.lengths, axis=1)
    assert np.all(ends[:, -1] >= steps)
    return (learned.returns * (ends <= steps)).sum(axis=1)


@pytest.mark.parametrize("seed", range(2))
def test_a_blocked_way_is_noticed_and_another_is_found(seed):
    """Figure 8.4: after 3,000 steps Dyna-Q+ has more than Dyna-Q, and both had found the first way."""
    before, after = blocking_maze()
    arguments = dict(episodes=400, alpha=1.0, epsilon=0.1, planning_steps=10, runs=50, changes={1000: after})
    plain = dyna_q(before, rng=rng(seed), **arguments)
    plus = dyna_q_plus(before, rng=rng(seed), kappa=1e-3, **arguments)
    assert min(rewards_until(plain, 1000).mean(), rewards_until(plus, 1000).mean()) > 30
    gain = [rewards_until(learned, 3000) - rewards_until(learned, 1000) for learned in (plain, plus)]
    assert gain[1].mean() > gain[0].mean() + 4 * np.hypot(*(sample.std(ddof=1) / np.sqrt(50) for sample in gain))


@pytest.mark.parametrize("seed", range(2))
def test_only_dyna_q_plus_finds_the_shortcut(seed):
    """Figure 8.5: of 30 runs each, 3,000 steps after the shortcut opened."""
    before, after = shortcut_maze()
    arguments = dict(episodes=700, alpha=1.0, epsilon=0.1, planning_steps=50, runs=30, changes={3000: after})
    plain = dyna_q(before, rng=rng(seed), **arguments)
    plus = dyna_q_plus(before, rng=rng(seed), kappa=1e-3, **arguments)
    shortest = after.start @ value_iteration(after).v
    assert np.mean(np.isclose(plain.q[:, 48].max(axis=1), shortest)) < 0.3
    assert rewards_until(plus, 6000).mean() > rewards_until(plain, 6000).mean() * 1.1


# Prioritized sweeping


def test_sweeping_by_hand():
    """alpha 1. First episode: the step 0 -> 1 is off by 1, and is backed up; the step 1 -> 2 by 4, and then what leads
    to 1, which was off by 2. Three backups, and nothing is left to do."""
    learned = prioritized_sweeping(
        corridor(), episodes=3, alpha=1.0, epsilon=0.0, planning_steps=9, theta=0.0, rng=rng()
    )
    assert learned.q.ravel().tolist() == [3, 4, 0]
    assert learned.backups.tolist() == [3, 0, 0]


def test_the_largest_error_comes_first():
    """Two backups for each step at most: the second step's two are q1 and q0, in this order."""
    arguments = dict(alpha=1.0, epsilon=0.0, theta=0.0, rng=rng())
    one = prioritized_sweeping(corridor(), episodes=1, planning_steps=1, **arguments)
    assert one.q.ravel().tolist() == [1, 4, 0] and one.backups.tolist() == [2]
    two = prioritized_sweeping(corridor(), episodes=1, planning_steps=2, **arguments)
    assert two.q.ravel().tolist() == [3, 4, 0] and two.backups.tolist() == [3]


def test_an_error_of_at_most_theta_is_left():
    arguments = dict(alpha=1.0, epsilon=0.0, planning_steps=9, rng=rng())
    learned = prioritized_sweeping(corridor(), episodes=3, theta=3.0, **arguments)
    assert learned.q.ravel().tolist() == [0, 4, 0]  # q0 is off by 1, and then by 1 + 4/2 = 3, which is not more than 3
    assert learned.backups.tolist() == [1, 0, 0]


def backups_until_optimal(plan, mdp, seed, **own):
    """Backups made until the end of the first episode after which the greedy policy walks the shortest way."""
    shortest = mdp.start @ value_iteration(mdp).v
    for episodes in range(1, 400):
        learned = plan(mdp, episodes=episodes, alpha=1.0, epsilon=0.5, planning_steps=5, rng=rng(seed), **own)
        if np.isclose(mdp.start @ policy_value(mdp, learned.policy), shortest):
            return learned.lengths.sum() * (1 + 5) if plan is dyna_q else learned.backups.sum()
    raise AssertionError("no shortest way in 400 episodes")


def test_prioritized_sweeping_needs_fewer_backups_than_dyna_q():
    """On the Dyna maze, at most 5 for each step; in every one of 20 pairs of runs, and by a factor of ten on average."""
    sweeping = np.array([backups_until_optimal(prioritized_sweeping, dyna_maze(), k, theta=1e-4) for k in range(20)])
    dyna = np.array([backups_until_optimal(dyna_q, dyna_maze(), k) for k in range(20)])
    assert np.all(sweeping < dyna) and dyna.mean() > 10 * sweeping.mean()


# Bad input

BAD = {
    "planning steps negative": (
        ValueError,
        dict(planning_steps=-1),
        "planning_steps is -1, expected a whole number, at",
    ),
    "kappa negative": (ValueError, dict(kappa=-0.1), "kappa is -0.1, expected a finite number, at least 0"),
    "kappa infinite": (ValueError, dict(kappa=np.inf), "kappa is inf"),
    "changes no dict": (TypeError, dict(changes=corridor()), "changes is a FiniteMDP, expected a dict"),
    "changes to nothing": (TypeError, dict(changes={3: None}), "changes[3] is a NoneType, expected a FiniteMDP"),
    "changes before the start": (ValueError, dict(changes={0: corridor()}), "a time step in changes is 0"),
    "another size": (ValueError, dict(changes={3: chain(4)}), "changes[3] has (states, actions, gamma) = (4, 2, 0.9)"),
    "another discount": (
        ValueError,
        dict(changes={3: corridor(0.9)}),
        "expected those of the first world: (3, 1, 0.5)",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_by_name(case):
    error, change, message = BAD[case]
    arguments = dict(episodes=2, alpha=0.5, epsilon=0.1, rng=rng(), planning_steps=1, kappa=0.1) | change
    with pytest.raises(error, match=re.escape(message)):
        dyna_q_plus(corridor(), **arguments)


def test_theta_is_not_negative():
    with pytest.raises(ValueError, match="theta is -1, expected a finite number, at least 0"):
        prioritized_sweeping(corridor(), episodes=2, alpha=0.5, epsilon=0.1, planning_steps=1, theta=-1, rng=rng())
