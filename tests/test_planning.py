"""The solvers, against each other, published values and closed forms; and the errors they promise."""

import sys

import gymnasium
import numpy as np
import pytest
import scipy.sparse

from rlbook.mdp import FiniteMDP
from rlbook.tabular import planning
from rlbook.tabular.bellman import bellman_optimality, policy_value
from rlbook.tabular.planning import (
    _History,
    _predecessors,
    epsilon_soft_value_iteration,
    gauss_seidel_value_iteration,
    largest_first,
    modified_policy_iteration,
    policy_evaluation,
    policy_iteration,
    prioritized_value_iteration,
    soft_value_iteration,
    value_iteration,
)
from rlbook.worlds import chain, cliff_walking, gambler, gridworld, small_grid, traffic_light

ASYNCHRONOUS_SOLVERS = [gauss_seidel_value_iteration, prioritized_value_iteration]
DISCOUNTED_SOLVERS = [value_iteration, policy_iteration, modified_policy_iteration, *ASYNCHRONOUS_SOLVERS]


def random_mdp(rng, num_states=30, num_actions=4, gamma=0.9, sparse=False):
    P = rng.dirichlet(np.full(num_states, 0.2), size=(num_states, num_actions))
    P = scipy.sparse.csr_array(P.reshape(-1, num_states)) if sparse else P
    return FiniteMDP(P, rng.normal(size=(num_states, num_actions)), gamma, terminal=np.arange(num_states) == 0)


@pytest.mark.parametrize("solver", DISCOUNTED_SOLVERS)
def test_published_optimal_values_of_the_gridworld(solver):
    """Sutton & Barto (2018), example 3.8; the value of A is 10 / (1 - 0.9^5)."""
    book = """22.0 24.4 22.0 19.4 17.5  19.8 22.0 19.8 17.8 16.0  17.8 19.8 17.8 16.0 14.4  16.0 17.8 16.0 14.4 13.0
              14.4 16.0 14.4 13.0 11.7"""
    v = solver(gridworld()).v
    assert np.abs(v - np.array(book.split(), dtype=float)).max() <= 0.0501
    assert v[1] == pytest.approx(10 / (1 - 0.9**5), abs=2e-8)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_the_solvers_agree_with_the_linear_solve_of_their_own_policy(seed, sparse):
    mdp = random_mdp(np.random.default_rng(seed), sparse=sparse)
    for solver in DISCOUNTED_SOLVERS:
        solution = solver(mdp)
        assert np.allclose(solution.v, policy_value(mdp, solution.policy), atol=3e-8)
        assert np.allclose(solution.v, solution.q.max(axis=1), atol=2e-8)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 0.9, 0.99, 0.999])
@pytest.mark.parametrize("tol", [1e-2, 1e-5])
def test_the_error_left_is_at_most_tol(gamma, tol):
    mdp = random_mdp(np.random.default_rng(3), gamma=gamma)
    exact = policy_iteration(mdp)
    policy = np.full((30, 4), 0.25)
    for solver in (value_iteration, modified_policy_iteration, *ASYNCHRONOUS_SOLVERS):
        assert np.abs(solver(mdp, tol=tol).v - exact.v).max() <= tol
    assert np.abs(policy_evaluation(mdp, policy, tol=tol).v - policy_value(mdp, policy)).max() <= tol


def test_the_bound_on_the_error_is_attained():
    """One state that loops with reward 1: after k sweeps the value is (1 - gamma^k) / (1 - gamma), and the bound exact."""
    solution = value_iteration(FiniteMDP(np.ones((1, 1, 1)), [[1.0]], 0.5), tol=1e-3)
    assert solution.sweeps == 11 and solution.v[0] == 2 - 2 * 0.5**11  # 2 * 0.5^11 < 1e-3 < 2 * 0.5^10
    assert np.array_equal(solution.residuals, 0.5 ** np.arange(11))


def test_synchronous_sweeps_are_those_of_figure_4_1():
    """Sutton & Barto (2018), figure 4.1: the values after 0, 1, 2 and 3 sweeps; the book cuts to two digits."""
    values = policy_evaluation(small_grid(), np.full((16, 4), 0.25)).values
    assert np.array_equal(values[:2], [np.zeros(16), [0, *[-1] * 14, 0]])
    assert np.array_equal(values[2][:4], [0, -1.75, -2, -2])
    assert np.array_equal(values[3][:8], [0, -2.4375, -2.9375, -3, -2.4375, -2.875, -3, -2.9375])


def test_news_travels_one_state_a_sweep():
    solution = value_iteration(chain(6, gamma=0.5))
    for sweep, v in enumerate(solution.values):
        assert np.count_nonzero(v) == min(sweep, 5)
    assert solution.sweeps == 6  # five to reach the first state, one to see that nothing moves any more


def test_the_record_holds_the_whole_history():
    for solver in DISCOUNTED_SOLVERS:
        solution = solver(gridworld())
        assert solution.values.shape == (solution.sweeps + 1, 25)
        assert np.allclose(solution.values[-1], solution.v, atol=1e-6)  # modified policy iteration moves the last one
        if solver is not prioritized_value_iteration:  # whose residuals are those of the values themselves
            assert np.allclose(solution.residuals, np.abs(np.diff(solution.values, axis=0)).max(axis=1))
        assert solution.policy.shape == (25,) and solution.q.shape == (25, 4)


@pytest.mark.parametrize("solve", [value_iteration, modified_policy_iteration, *ASYNCHRONOUS_SOLVERS])
def test_without_its_history_a_solver_keeps_the_first_and_the_last_values(solve):
    kept, left = solve(gridworld(), history=True), solve(gridworld(), history=False)
    for name in ("v", "q", "policy", "sweeps", "residuals", "backups"):
        assert np.array_equal(getattr(kept, name), getattr(left, name))
    assert np.array_equal(left.values, kept.values[[0, -1]])


def test_an_evaluation_without_its_history():
    mdp, half = chain(5, gamma=1.0, slip=0.3), np.full((5, 2), 0.5)
    kept, left = policy_evaluation(mdp, half), policy_evaluation(mdp, half, history=False)
    assert np.array_equal(left.values, kept.values[[0, -1]]) and np.array_equal(left.v, kept.v)
    kept, left = soft_value_iteration(mdp, half, 0.1), soft_value_iteration(mdp, half, 0.1, history=False)
    assert np.array_equal(left.values, kept.values[[0, -1]]) and np.array_equal(left.policy, kept.policy)


@pytest.mark.parametrize("sparse", [False, True])
def test_a_gauss_seidel_sweep_uses_the_newest_values(sparse):
    mdp, v = random_mdp(np.random.default_rng(9), sparse=sparse), np.zeros(30)
    order = np.random.default_rng(10).permutation(30)
    values = gauss_seidel_value_iteration(mdp, order=order).values
    for sweep in (1, 2, 3):
        for s in order:
            v[s] = bellman_optimality(mdp, v)[s].max()
        assert np.allclose(values[sweep], v, rtol=0, atol=1e-13)


def test_the_order_of_a_sweep_decides_how_far_news_travels():
    """Backwards along a chain one sweep is enough, and a second to see it; forwards it takes one for each step."""
    states = np.arange(50)
    backwards = gauss_seidel_value_iteration(chain(50), order=states[::-1])
    forwards = gauss_seidel_value_iteration(chain(50))
    both_ways = gauss_seidel_value_iteration(chain(50), order=np.concatenate([states, states[::-1]]))
    assert backwards.sweeps == both_ways.sweeps == 2 and forwards.sweeps == value_iteration(chain(50)).sweeps == 50
    assert backwards.backups == 2 * 50 and both_ways.backups == 2 * 100
    for solution in (backwards, forwards, both_ways):
        assert np.allclose(solution.v[:-1], 0.9 ** np.arange(48, -1, -1))


def test_gauss_seidel_needs_no_more_sweeps_than_value_iteration_where_values_only_rise():
    """From 0, with rewards that are not negative, in-place values stay between the synchronous ones and v*."""
    mdp = random_mdp(np.random.default_rng(11))
    mdp = FiniteMDP(mdp.P, np.abs(mdp.R), 0.95, terminal=mdp.terminal)
    in_place, synchronous = gauss_seidel_value_iteration(mdp).values, value_iteration(mdp).values
    v = policy_iteration(mdp).v
    for sweep in range(len(in_place)):
        assert np.all(synchronous[sweep] <= in_place[sweep] + 1e-12) and np.all(in_place[sweep] <= v + 1e-7)


@pytest.mark.parametrize(
    "order, message",
    [
        ([0, 1, 2], "order leaves out 1 states, such as 3"),
        ([0, 1, 2, 5], "expected states in 0..4"),
        ([0.0, 1.0, 2.0, 3.0], "expected states in 0..4"),
        (2, "expected states in 0..4"),
    ],
)
def test_an_order_must_visit_every_state_that_is_not_terminal(order, message):
    assert gauss_seidel_value_iteration(chain(5), order=[3, 2, 1, 0]).sweeps == 2
    with pytest.raises(ValueError, match=message):
        gauss_seidel_value_iteration(chain(5), order=order)


def test_prioritized_backups_follow_the_news_along_a_chain():
    """From the state beside the end to the first: one backup for each step, and one of each state that gained nothing.

    When v(s) has moved, its neighbours may gain: the one before it does. The one after it, from where one can turn
    back, is looked at once and does not, as the state before the end already is worth more.
    """
    solution = prioritized_value_iteration(chain(50))
    assert np.allclose(solution.v[:-1], 0.9 ** np.arange(48, -1, -1))
    assert 49 <= solution.backups <= 2 * 49
    assert solution.sweeps == 2 and solution.residuals[-1] == 0


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("world", ["random", "lake"])
def test_a_priority_bounds_the_bellman_residual(world, seed):
    """After any number of backups, not only when it stops."""
    lake = FiniteMDP.from_gymnasium(gymnasium.make("FrozenLake8x8-v1"), 1.0)
    mdp = lake if world == "lake" else random_mdp(np.random.default_rng(seed), num_states=20, gamma=0.95, sparse=True)
    v, priority, predecessors = np.zeros(mdp.num_states), np.abs(mdp.R.max(axis=1)), _predecessors(mdp)
    for threshold in (0.3, 0.1, 0.03, 1e-2, 1e-3, 1e-5):
        backups = largest_first(mdp.tables, predecessors, v, priority, threshold)
        assert backups <= mdp.num_states and (backups == mdp.num_states or priority.max() <= threshold)
        residual = np.abs(bellman_optimality(mdp, v).max(axis=1) - v)
        assert np.all(residual <= priority + 1e-12)


def test_prioritized_backups_are_few_where_little_changes():
    """On ice that does not slip only the states on a way to the goal ever change."""
    lake = FiniteMDP.from_gymnasium(gymnasium.make("FrozenLake8x8-v1", is_slippery=False), 0.99)
    solution, synchronous = prioritized_value_iteration(lake), value_iteration(lake)
    assert np.allclose(solution.v, synchronous.v)
    assert solution.backups < 5 * 64 < synchronous.sweeps * 64


@pytest.mark.parametrize("solver", ASYNCHRONOUS_SOLVERS)
def test_asynchronous_solvers_without_a_discount(solver):
    lake = FiniteMDP.from_gymnasium(gymnasium.make("FrozenLake-v1"), 1.0)
    assert solver(lake, tol=1e-12).v[0] == pytest.approx(14 / 17, abs=1e-9)
    assert solver(cliff_walking()).v[36] == -13
    assert np.allclose(solver(gambler(), tol=1e-12).v[[25, 50, 75]], [0.16, 0.4, 0.64])
    assert np.allclose(solver(small_grid()).v, value_iteration(small_grid()).v)


def test_policy_iteration_never_gets_worse_and_evaluates_what_it_says():
    mdp = random_mdp(np.random.default_rng(4))
    solution = policy_iteration(mdp, policy=np.zeros(30, dtype=int))
    assert solution.sweeps > 1
    assert np.all(np.diff(solution.values, axis=0) >= -1e-9)
    for policy, v in zip(solution.policies, solution.values, strict=True):
        assert np.allclose(policy_value(mdp, policy), v)


def test_policy_iteration_sees_small_gains_beside_large_values_and_far_horizons():
    P = np.zeros((3, 2, 3))
    P[:, :, 2] = 1
    beside = FiniteMDP(P, [[0, 50.0], [1e12, 1e12], [0, 0]], 0.9, terminal=np.array([False, False, True]))
    for start in (None, np.array([0, 0, 0])):
        solution = policy_iteration(beside, policy=start)
        assert solution.policy[0] == 1 and solution.v[0] == 50
    far = FiniteMDP(np.ones((1, 2, 1)), [[1, 1 + 0.9e-6]], 0.9999)
    for start in (None, np.array([0])):
        solution = policy_iteration(far, policy=start)
        assert solution.policy[0] == 1 and solution.v[0] == pytest.approx((1 + 0.9e-6) / (1 - 0.9999), abs=1e-7)


def test_policy_iteration_returns_the_value_of_the_policy_that_it_returns():
    for seed in range(5):
        mdp = random_mdp(np.random.default_rng(seed), num_actions=1)  # even where the uniform policy is already best
        solution = policy_iteration(mdp)
        assert solution.policy.shape == (30,) and np.allclose(policy_value(mdp, solution.policy), solution.v)


def test_of_equal_actions_without_a_discount_one_that_arrives_is_taken():
    """On ice that does not slip, staying costs nothing; only walking arrives. No tie may turn into staying for ever."""
    lake = gymnasium.make("FrozenLake-v1", desc=["SFH", "HHF", "FFG"], is_slippery=False)
    lake = FiniteMDP.from_gymnasium(lake, 1.0)
    for solver in (policy_iteration, value_iteration):
        solution = solver(lake)
        assert np.allclose(policy_value(lake, solution.policy), solution.v)
        assert solution.v[6] == 1 and solution.v[0] == 0  # from the start every way leads through a hole


def test_policy_iteration_keeps_a_policy_that_nothing_beats():
    """In the gridworld many actions are as good as the best; starting from optimal ones, none is exchanged."""
    mdp = gridworld()
    q = value_iteration(mdp).q
    last_of_the_best = 3 - np.isclose(q, q.max(axis=1, keepdims=True))[:, ::-1].argmax(axis=1)
    solution = policy_iteration(mdp, policy=last_of_the_best)
    assert solution.sweeps == 0 and np.array_equal(solution.policy, last_of_the_best)


@pytest.mark.parametrize("num_states", [300, 4000])
def test_a_large_sparse_mdp_is_solved_quickly_and_exactly(num_states):
    """Scattered successors, where elimination fills in: seconds, not minutes. Grids, where it does not, are above."""
    rng, rows = np.random.default_rng(6), 4 * num_states
    p, s_next = rng.dirichlet(np.ones(5), size=rows).ravel(), rng.integers(0, num_states, size=5 * rows)
    P = scipy.sparse.csr_array((p, s_next, np.arange(0, 5 * rows + 1, 5)), shape=(rows, num_states))
    mdp = FiniteMDP(P, rng.random((num_states, 4)), 0.99)
    solution = policy_iteration(mdp)
    assert np.abs(solution.q.max(axis=1) - solution.v).max() < 1e-11
    assert np.abs(modified_policy_iteration(mdp).v - solution.v).max() <= 1e-8


def test_modified_policy_iteration_needs_fewer_maximisations_than_value_iteration():
    mdp = random_mdp(np.random.default_rng(7), gamma=0.99)
    assert modified_policy_iteration(mdp).sweeps < modified_policy_iteration(mdp, backups=0).sweeps
    assert modified_policy_iteration(mdp).sweeps < value_iteration(mdp).sweeps / 10


@pytest.mark.parametrize("tol", [1e-2, 1e-6])
def test_the_bounds_of_modified_policy_iteration_hold_and_are_used(tol):
    """An MDP without an end, whose values all keep moving: only the middle of the bounds is within tol so soon."""
    rng = np.random.default_rng(8)
    mdp = FiniteMDP(rng.dirichlet(np.full(20, 0.2), size=(20, 3)), rng.normal(size=(20, 3)), 0.99)
    exact = policy_iteration(mdp).v
    solution = modified_policy_iteration(mdp, backups=0, tol=tol)
    assert np.abs(solution.v - exact).max() <= tol < np.abs(solution.values[-1] - exact).max()
    before = bellman_optimality(mdp, solution.values[-2]).max(axis=1) - solution.values[-2]
    assert 99 * (before.max() - before.min()) <= 2 * tol  # it stopped as its rule says, g = 0.99 / 0.01
    earlier = bellman_optimality(mdp, solution.values[-3]).max(axis=1) - solution.values[-3]
    assert 99 * (earlier.max() - earlier.min()) > 2 * tol  # and not a sweep later


def test_gymnasiums_frozen_lake_without_a_discount():
    """The optimal chance of reaching the goal from the start is 14/17, with no limit of steps."""
    lake = FiniteMDP.from_gymnasium(gymnasium.make("FrozenLake-v1"), 1.0)
    assert value_iteration(lake, tol=1e-12).v[0] == pytest.approx(14 / 17, abs=1e-9)
    assert policy_iteration(lake).v[0] == pytest.approx(14 / 17, abs=1e-12)


def test_the_cliff_takes_thirteen_steps():
    for solution in (value_iteration(cliff_walking()), policy_iteration(cliff_walking())):
        assert solution.v[36] == -13


@pytest.mark.parametrize("world", [small_grid(), cliff_walking(), chain(5, 0.9, slip=0.2)])
def test_soft_value_iteration_solves_the_regularised_problem(world):
    """Its value is that of its own policy when each state also pays -beta KL(pi || reference)."""
    beta, rng = 0.5, np.random.default_rng(5)
    reference = rng.dirichlet(np.full(world.num_actions, 5.0), size=world.num_states)
    solution = soft_value_iteration(world, reference, beta)
    kl = (solution.policy * np.log(solution.policy / reference)).sum(axis=1)
    paid = FiniteMDP(world.P, world.R - beta * kl[:, None], world.gamma, start=world.start, terminal=world.terminal)
    assert np.allclose(policy_value(paid, solution.policy), solution.v, atol=1e-5)


def test_an_almost_free_policy_is_the_greedy_one_and_a_costly_one_the_reference():
    mdp, reference = traffic_light(), np.array([[0.3, 0.7], [0.6, 0.4]])
    assert np.allclose(soft_value_iteration(mdp, reference, 1e-3).policy, np.eye(2)[value_iteration(mdp).policy])
    assert np.allclose(soft_value_iteration(mdp, reference, 1e6).policy, reference, atol=1e-5)
    assert np.allclose(soft_value_iteration(mdp, reference, 1e6).v, policy_value(mdp, reference), atol=1e-4)


def test_an_action_the_reference_never_takes_is_never_taken():
    reference = np.array([[0.0, 1.0], [1.0, 0.0]])
    for beta in (10.0, 0.1, 1e-5):
        assert np.array_equal(soft_value_iteration(traffic_light(), reference, beta).policy, reference)


def two_states(R, *, terminal=(False, False)):
    return FiniteMDP([[[0, 1.0], [1, 0]], [[1, 0], [0, 1]]], R, 1.0, terminal=np.array(terminal))


def test_no_solver_hangs_without_a_discount():
    endless = two_states([[-1, -1], [-1, -1]])
    for solve in (
        *ASYNCHRONOUS_SOLVERS,
        value_iteration,
        policy_iteration,
        lambda mdp: policy_evaluation(mdp, np.array([0, 0])),
    ):
        with pytest.raises(ValueError, match="never reaches a terminal state"):
            solve(endless)
    profitable_loop = two_states([[0, 1.0], [0, 0]], terminal=(False, True))
    for solve in (value_iteration, *ASYNCHRONOUS_SOLVERS):
        with pytest.raises(ArithmeticError, match="without a discount, rewards that grow for ever"):
            solve(profitable_loop)
    with pytest.raises(ValueError, match="never reaches a terminal state"):
        policy_iteration(profitable_loop)
    with pytest.raises(ValueError, match="need gamma below 1"):
        modified_policy_iteration(small_grid())
    with pytest.raises(ValueError, match="never reaches a terminal state"):
        soft_value_iteration(profitable_loop, np.array([[0.0, 1.0], [0.5, 0.5]]), 1.0)


def test_sweeps_that_cannot_settle_are_an_error_not_a_hang():
    """At gamma 1/2 a first move of 1 must be below 1e-3 after 10 sweeps; ten more are granted to rounding."""
    history, v = _History(traffic_light(0.5), np.zeros(2), 1e-3), np.zeros(2)
    with pytest.raises(ArithmeticError, match="is finer than floating point can resolve"):
        while True:
            v = 1 - v
            history.add(v)
    assert len(history.residuals) == 20


@pytest.mark.parametrize("seed", [10, 27, 29, 33])
def test_prioritized_backups_are_given_the_time_that_a_coarse_tolerance_takes(seed):
    """Priorities are upper bounds: they come down later than residuals, to which ten sweeps and some would be enough."""
    rng = np.random.default_rng(seed)
    mdp = FiniteMDP(np.eye(3)[rng.integers(0, 3, size=(3, 3))], rng.normal(size=(3, 3)), 0.99)
    tol = 90 * np.abs(mdp.R.max(axis=1)).max()
    assert np.abs(prioritized_value_iteration(mdp, tol=tol).v - policy_iteration(mdp).v).max() <= tol


def test_bounds_that_rounding_keeps_apart_are_an_error_not_a_hang():
    """At values of 1e7 the last digit is 2e-9: bounds do not come within 1e-12, though the iterates stand still."""
    rng = np.random.default_rng(0)
    mdp = FiniteMDP(rng.dirichlet(np.ones(20), size=(20, 3)), 1e6 * rng.normal(size=(20, 3)), 0.9)
    with pytest.raises(ArithmeticError, match="is finer than floating point can resolve"):
        modified_policy_iteration(mdp, tol=1e-12)


def test_values_that_overflow_are_an_error():
    for solver in (value_iteration, modified_policy_iteration, *ASYNCHRONOUS_SOLVERS):
        with pytest.raises(ArithmeticError, match="too large for floating point"):
            solver(FiniteMDP(np.ones((1, 1, 1)), [[1e308]], 0.9))


@pytest.mark.parametrize("backups", [-1, 1.5])
def test_backups_are_counted(backups):
    with pytest.raises(ValueError, match="expected a whole number"):
        modified_policy_iteration(traffic_light(), backups=backups)


@pytest.mark.parametrize("solve", [value_iteration, modified_policy_iteration, *ASYNCHRONOUS_SOLVERS])
@pytest.mark.parametrize("tol", [0, -1, np.nan])
def test_a_tolerance_must_be_positive(solve, tol):
    with pytest.raises(ValueError, match="expected an error above 0"):
        solve(traffic_light(), tol=tol)


def test_a_history_that_would_fill_the_memory_is_refused(monkeypatch):
    """Bytes count, and not numbers: of two states the arrays themselves take most of the memory."""
    monkeypatch.setattr(planning._History, "MOST_BYTES_KEPT", 10_000)
    with pytest.raises(MemoryError, match="of 25 values take more than 10,000 bytes: pass history=False"):
        value_iteration(gridworld())
    with pytest.raises(MemoryError, match="of 2 values take more than 10,000 bytes: pass history=False") as refused:
        value_iteration(traffic_light(0.999))
    iterates = int(str(refused.value).partition(" ")[0])
    assert 5_000 < iterates * sys.getsizeof(np.zeros(2)) < 10_000  # 16 bytes an iterate are its numbers, 112 its array
    assert value_iteration(gridworld(), history=False).values.shape == (2, 25)


@pytest.mark.parametrize("gamma", [0.0, 0.9])
@pytest.mark.parametrize("seed", range(3))
def test_no_epsilon_soft_policy_is_better_than_the_one_found(seed, gamma):
    """Against random ones, and by its own improvement: it has the value that it claims, and no better greedy action."""
    rng, epsilon = np.random.default_rng(seed), 0.3
    mdp = random_mdp(rng, gamma=gamma)
    best = epsilon_soft_value_iteration(mdp, epsilon)
    assert np.allclose(policy_value(mdp, best.policy), best.v, atol=2e-8)
    assert best.policy.min() >= epsilon / 4 - 1e-12 and np.array_equal(
        best.policy.argmax(axis=1), best.q.argmax(axis=1)
    )
    for _ in range(50):
        other = epsilon / 4 + (1 - epsilon) * rng.dirichlet(np.full(4, 0.2), size=30)
        assert np.all(policy_value(mdp, other) <= best.v + 2e-8)


def test_a_hand_that_never_trembles_is_optimal_and_one_that_always_does_is_random():
    mdp = random_mdp(np.random.default_rng(0))
    assert np.allclose(epsilon_soft_value_iteration(mdp, 0).v, value_iteration(mdp).v, atol=2e-8)
    assert np.allclose(epsilon_soft_value_iteration(mdp, 1).v, policy_value(mdp, np.full((30, 4), 0.25)), atol=2e-8)


def test_a_trembling_hand_keeps_its_distance_from_the_cliff():
    """It walks one row further from the edge than the shortest way, and is worth more than trembling along the edge."""
    mdp = cliff_walking()
    best = epsilon_soft_value_iteration(mdp, 0.1)
    edge = epsilon_soft_value_iteration(mdp, 0.0).policy * 0.9 + 0.025
    assert policy_value(mdp, best.policy)[36] == pytest.approx(best.v[36]) and best.v[36] > policy_value(mdp, edge)[36]
    s, path = 36, []
    while not mdp.terminal[s]:
        s = int(mdp.P[s, best.policy[s].argmax()].argmax())
        path.append(s)
    assert len(path) == 15 and max(path[:-1]) < 36 and min(path) < 24


@pytest.mark.parametrize("epsilon", [-0.1, 1.5, np.nan])
def test_an_epsilon_that_is_no_probability_is_refused(epsilon):
    with pytest.raises(ValueError, match="expected a number in"):
        epsilon_soft_value_iteration(gridworld(), epsilon)


# Without a discount, a loop that costs nothing.


def at_the_door(*rewards):
    """One state with an action that stays, one that leaves, and so on in turn, and an end."""
    P = np.zeros((2, len(rewards), 2))
    P[0, ::2, 0], P[0, 1::2, 1], P[1, :, 1] = 1, 1, 1
    return FiniteMDP(P, [rewards, [0.0] * len(rewards)], 1.0, terminal=[False, True])


SWEEPERS = [
    value_iteration,
    *ASYNCHRONOUS_SOLVERS,
    lambda mdp, **given: epsilon_soft_value_iteration(mdp, 0.0, **given),
]


@pytest.mark.parametrize("solve", SWEEPERS)
def test_a_free_loop_that_beats_every_end_is_refused_and_policy_iteration_ends(solve):
    """To leave costs 1 and to stay costs nothing: no policy that ends is worth more than -1, and sweeps see 0."""
    with pytest.raises(ValueError, match=r"the best policy found never reaches a terminal state .* policy_iteration"):
        solve(at_the_door(0.0, -1.0))
    found = policy_iteration(at_the_door(0.0, -1.0))
    assert found.v.tolist() == [-1, 0] and found.policy[0] == 1


@pytest.mark.parametrize("solve", SWEEPERS)
@pytest.mark.parametrize("rewards, best", [((0.0, 0.0), 0), ((0.0, 1.0), 1), ((-1.0, -2.0), -2)])
def test_a_loop_that_is_not_better_than_the_end_changes_nothing(solve, rewards, best):
    found = solve(at_the_door(*rewards))
    assert found.v.tolist() == [best, 0] == policy_iteration(at_the_door(*rewards)).v.tolist()
    assert np.all(found.policy[0] == (1 if found.policy.ndim == 1 else [0, 1]))


def test_a_free_loop_of_two_states_is_refused_too():
    """There and back pays 1 and costs 1; the way out costs 2."""
    P = np.zeros((3, 2, 3))
    P[0, :, 1], P[1, 0, 0], P[1, 1, 2], P[2, :, 2] = 1, 1, 1, 1
    mdp = FiniteMDP(P, [[1.0, 1.0], [-1.0, -2.0], [0.0, 0.0]], 1.0, terminal=[False, False, True])
    with pytest.raises(ArithmeticError, match="policy_iteration may help"):
        value_iteration(mdp)  # 0 and 1 take turns
    with pytest.raises(ValueError, match="the best policy found never reaches a terminal state"):
        gauss_seidel_value_iteration(mdp)
    assert policy_iteration(mdp).v.tolist() == [-1, -2, 0]


@pytest.mark.parametrize("gamma", [5e-324, 0.5, 1 - 2**-53])
@pytest.mark.parametrize("tol", [5e-324, 1e-300, 1e300])
def test_extreme_settings_end_in_a_solution_or_in_an_error_that_explains(gamma, tol):
    """From every solver; the walk to the end of a chain settles whatever the discount, to the last digit."""
    for solve in (value_iteration, modified_policy_iteration, *ASYNCHRONOUS_SOLVERS):
        found = solve(chain(4, gamma=gamma), tol=tol)
        assert np.isfinite(found.v).all()


def test_a_discount_too_near_1_says_so(monkeypatch):
    monkeypatch.setattr(planning._History, "MOST_SWEEPS", 1000)
    with pytest.raises(ArithmeticError, match=r"so near 1 that .* may be needed; policy_iteration is exact"):
        value_iteration(traffic_light(1 - 2**-53), history=False)


@pytest.mark.parametrize("sparse", [False, True])
def test_the_value_of_a_policy_that_overflows_is_an_error(sparse):
    P = scipy.sparse.csr_array(np.ones((1, 1))) if sparse else np.ones((1, 1, 1))
    mdp = FiniteMDP(P, np.array([[1e308]]), 0.9)  # worth 1e309
    for solve in (policy_iteration, lambda mdp: policy_value(mdp, [0])):
        with pytest.raises(ArithmeticError, match="too large for floating point"):
            solve(mdp)
