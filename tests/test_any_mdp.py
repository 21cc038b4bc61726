"""What every tabular algorithm keeps: any FiniteMDP will do, imported or endless; bad input is named; nothing hangs."""

import inspect

import gymnasium
import numpy as np
import pytest

from rlbook.mdp import FiniteMDP
from rlbook.tabular import control, dyna, monte_carlo, planning, temporal_difference
from rlbook.tabular.bellman import policy_value
from rlbook.tabular.search import rollout, uct
from rlbook.worlds import chain, traffic_light

EXTRAS = dict(alpha=0.1, epsilon=0.1, n=3, lam=0.8, planning_steps=3, kappa=1e-3, theta=1e-4)
TD_CONTROL = [
    control.sarsa,
    control.expected_sarsa,
    control.q_learning,
    control.double_q_learning,
    control.n_step_sarsa,
    control.sarsa_lambda,
    control.q_lambda,
    dyna.dyna_q,
    dyna.dyna_q_plus,
    dyna.prioritized_sweeping,
]
TD_PREDICTION = [
    temporal_difference.td_prediction,
    temporal_difference.n_step_td,
    temporal_difference.td_lambda,
    temporal_difference.true_online_td_lambda,
    temporal_difference.lambda_return,
    temporal_difference.online_lambda_return,
]
MONTE_CARLO_PREDICTION = [monte_carlo.first_visit_prediction, monte_carlo.every_visit_prediction]
IMPORTANCE_SAMPLING = [monte_carlo.ordinary_importance_sampling, monte_carlo.weighted_importance_sampling]
EVERY = [
    *TD_CONTROL,
    *TD_PREDICTION,
    *MONTE_CARLO_PREDICTION,
    *IMPORTANCE_SAMPLING,
    monte_carlo.exploring_starts,
    monte_carlo.monte_carlo_control,
    monte_carlo.off_policy_control,
]
every = pytest.mark.parametrize("algorithm", EVERY, ids=lambda algorithm: algorithm.__name__)


def taking(argument):
    """The algorithms that take this argument."""
    return [algorithm for algorithm in EVERY if argument in inspect.signature(algorithm).parameters]


def uniform(mdp):
    return np.full((mdp.num_states, mdp.num_actions), 1 / mdp.num_actions)


def run(algorithm, mdp, **changed):
    """Call the algorithm with what it needs, and no more."""
    needed = EXTRAS | dict.fromkeys(["policy", "target", "behaviour"], uniform(mdp))
    needed = {name: value for name, value in needed.items() if name in inspect.signature(algorithm).parameters}
    return algorithm(mdp, **({"episodes": 3, "max_steps": 50, "rng": np.random.default_rng(0)} | needed | changed))


def imported(name, gamma=0.95):
    return FiniteMDP.from_gymnasium(gymnasium.make(name), gamma)


@pytest.mark.parametrize("name", ["FrozenLake-v1", "Taxi-v4", "CliffWalking-v1"])
@every
def test_it_runs_on_an_imported_environment(algorithm, name):
    mdp = imported(name)
    found = run(algorithm, mdp)
    table = found.q if hasattr(found, "q") else found.v
    assert table.shape[0] == mdp.num_states and np.isfinite(table).all()
    assert found.lengths.shape == (3,) and np.all((found.lengths > 0) & (found.lengths <= 50))
    assert not np.any(found.truncated & (found.lengths < 50))


@every
def test_a_world_without_an_end_is_cut_off_and_says_so(algorithm):
    found = run(algorithm, traffic_light())
    assert found.truncated.all() and np.all(found.lengths == 50)
    table = found.q if hasattr(found, "q") else found.v
    learns = algorithm in TD_CONTROL + TD_PREDICTION
    assert np.any(table != 0) == learns  # a cut step bootstraps, a cut episode has no return


@every
def test_several_runs_are_independent_and_stack(algorithm):
    found = run(algorithm, chain(4, slip=0.3), runs=3, episodes=5)
    assert all(np.shape(array)[0] == 3 for array in found)
    assert len({tuple(lengths) for lengths in found.lengths.tolist()}) > 1


@every
def test_the_interpreted_form_gives_the_same_numbers(algorithm):
    compiled, interpreted = run(algorithm, chain(4, slip=0.3)), run(algorithm.py_func, chain(4, slip=0.3))
    assert all(np.allclose(a, b, rtol=1e-12, atol=1e-12) for a, b in zip(compiled, interpreted, strict=True))


@pytest.mark.parametrize("alpha", [0.0, -0.1, 1.5, np.nan])
@pytest.mark.parametrize("algorithm", taking("alpha"), ids=lambda algorithm: algorithm.__name__)
def test_a_step_size_outside_its_interval_is_refused(algorithm, alpha):
    with pytest.raises(ValueError, match=r"alpha is .* in episode 0"):
        run(algorithm, chain(4), alpha=alpha)


@pytest.mark.parametrize(
    "algorithm, name",
    [(algorithm, name) for name in ("policy", "target", "behaviour") for algorithm in taking(name)],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_without_a_discount_a_policy_that_never_ends_is_refused(algorithm, name):
    never = np.tile([1.0, 0.0], (4, 1))  # left for ever
    with pytest.raises(ValueError, match="gamma is 1, and from state 0 the policy never reaches a terminal state"):
        run(algorithm, chain(4, gamma=1.0), **{name: never})


@pytest.mark.parametrize("name", ["FrozenLake-v1", "Taxi-v4", "CliffWalking-v1"])
def test_every_solver_agrees_on_an_imported_environment(name):
    mdp = imported(name)
    v = policy_value(mdp, planning.policy_iteration(mdp).policy)
    solvers = [
        planning.value_iteration,
        planning.modified_policy_iteration,
        planning.gauss_seidel_value_iteration,
        planning.prioritized_value_iteration,
    ]
    for solver in solvers:
        assert np.allclose(solver(mdp, tol=1e-9).v, v, atol=2e-9), solver.__name__


def test_search_runs_on_an_imported_environment():
    mdp, rng = imported("FrozenLake-v1"), np.random.default_rng(0)
    assert rollout(mdp, 0, policy=uniform(mdp), simulations=10, depth=20, rng=rng).shape == (4,)
    assert uct(mdp, 0, simulations=50, depth=20, rng=rng).visits.sum() == 50
