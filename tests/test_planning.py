"""The solvers, against each other, published values and closed forms; and the errors they promise."""

import gymnasium
import numpy as np
import pytest
import scipy.sparse

from rlbook.mdp import FiniteMDP
from rlbook.tabular.bellman import policy_value
from rlbook.tabular.planning import (
    modified_policy_iteration,
    policy_evaluation,
    policy_iteration,
    soft_value_iteration,
    value_iteration,
)
from rlbook.worlds import chain, cliff_walking, gridworld, small_grid, traffic_light

DISCOUNTED_SOLVERS = [value_iteration, policy_iteration, modified_policy_iteration]


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
    assert np.abs(value_iteration(mdp, tol=tol).v - exact.v).max() <= tol
    assert np.abs(modified_policy_iteration(mdp, tol=tol).v - exact.v).max() <= tol
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
    for solution in (solver(gridworld()) for solver in DISCOUNTED_SOLVERS):
        assert solution.values.shape == (solution.sweeps + 1, 25)
        assert np.array_equal(solution.values[-1], solution.v)
        assert np.allclose(solution.residuals, np.abs(np.diff(solution.values, axis=0)).max(axis=1))
        assert solution.policy.shape == (25,) and solution.q.shape == (25, 4)


def test_policy_iteration_never_gets_worse_and_evaluates_what_it_says():
    mdp = random_mdp(np.random.default_rng(4))
    solution = policy_iteration(mdp, policy=np.zeros(30, dtype=int))
    assert solution.sweeps > 1
    assert np.all(np.diff(solution.values, axis=0) >= -1e-9)
    for policy, v in zip(solution.policies, solution.values, strict=True):
        assert np.allclose(policy_value(mdp, policy), v)


def test_policy_iteration_keeps_a_policy_that_nothing_beats():
    """In the gridworld many actions are as good as the best; starting from optimal ones, none is exchanged."""
    mdp = gridworld()
    q = value_iteration(mdp).q
    last_of_the_best = 3 - np.isclose(q, q.max(axis=1, keepdims=True))[:, ::-1].argmax(axis=1)
    solution = policy_iteration(mdp, policy=last_of_the_best)
    assert solution.sweeps == 0 and np.array_equal(solution.policy, last_of_the_best)


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
    assert np.array_equal(soft_value_iteration(traffic_light(), reference, 0.1).policy, reference)


def two_states(R, *, terminal=(False, False)):
    return FiniteMDP([[[0, 1.0], [1, 0]], [[1, 0], [0, 1]]], R, 1.0, terminal=np.array(terminal))


def test_no_solver_hangs_without_a_discount():
    endless = two_states([[-1, -1], [-1, -1]])
    for solve in (value_iteration, policy_iteration, lambda mdp: policy_evaluation(mdp, np.array([0, 0]))):
        with pytest.raises(ValueError, match="never reaches a terminal state"):
            solve(endless)
    profitable_loop = two_states([[0, 1.0], [0, 0]], terminal=(False, True))
    with pytest.raises(ArithmeticError, match="a loop that collects reward for ever has no finite value"):
        value_iteration(profitable_loop)
    with pytest.raises(ValueError, match="never reaches a terminal state"):
        policy_iteration(profitable_loop)
    with pytest.raises(ValueError, match="need gamma below 1"):
        modified_policy_iteration(small_grid())
    with pytest.raises(ValueError, match="never reaches a terminal state"):
        soft_value_iteration(profitable_loop, np.array([[0.0, 1.0], [0.5, 0.5]]), 1.0)


def test_a_tolerance_below_rounding_is_an_error_not_a_hang():
    mdp = FiniteMDP(np.random.default_rng(0).dirichlet(np.ones(5), size=(5, 2)), np.full((5, 2), 1e9 / 3), 0.9)
    try:
        solution = value_iteration(mdp, tol=1e-300)
        assert solution.residuals[-1] == 0  # the sweeps reached a floating-point number that backs up to itself
    except ArithmeticError as error:
        assert "finer than floating point can resolve" in str(error)


@pytest.mark.parametrize("solve", [value_iteration, modified_policy_iteration])
@pytest.mark.parametrize("tol", [0, -1, np.nan])
def test_a_tolerance_must_be_positive(solve, tol):
    with pytest.raises(ValueError, match="expected an error above 0"):
        solve(traffic_light(), tol=tol)
