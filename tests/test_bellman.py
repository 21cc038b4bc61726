"""The Bellman operators, against hand-worked numbers and the theorems that they satisfy."""

import re

import numpy as np
import pytest
import scipy.sparse

from rlbook.mdp import FiniteMDP
from rlbook.tabular.bellman import (
    action_probabilities,
    bellman_expectation,
    bellman_optimality,
    optimality_backup,
    policy_value,
    soft_bellman,
)
from rlbook.worlds import chain, cliff_walking, gridworld, small_grid, traffic_light


def random_mdp(rng, num_states=7, num_actions=3, gamma=0.9, sparse=False):
    P = rng.dirichlet(np.full(num_states, 0.3), size=(num_states, num_actions))
    P[P < 1e-3] = 0
    P /= P.sum(axis=2, keepdims=True)
    P = scipy.sparse.csr_array(P.reshape(-1, num_states)) if sparse else P
    return FiniteMDP(P, rng.normal(size=(num_states, num_actions)), gamma, terminal=np.arange(num_states) == 6)


def test_one_backup_of_the_traffic_light_by_hand():
    q = bellman_optimality(traffic_light(0.9), [10.0, 20.0])
    assert np.allclose(q, [[-1 + 0.9 * 19, 0 + 0.9 * 11], [-1 + 0.9 * 15, 1 + 0.9 * 17]])
    half = np.full((2, 2), 0.5)
    backed_up = bellman_expectation(traffic_light(0.9), [10.0, 20.0], half)
    assert np.allclose(backed_up, [(16.1 + 9.9) / 2, (12.5 + 16.3) / 2])


def test_a_terminal_state_is_worth_nothing_whatever_v_says():
    mdp = chain(3, gamma=0.5)
    assert np.array_equal(bellman_optimality(mdp, [0, 0, 0]), bellman_optimality(mdp, [0, 0, 1000]))


@pytest.mark.parametrize("sparse", [False, True])
def test_the_optimality_backup_is_the_best_of_the_action_values(sparse):
    """Compiled where most of P is 0 (the sparse chain of 50 states), a product of arrays where it is not."""
    rng = np.random.default_rng(0)
    for mdp in (random_mdp(rng, sparse=sparse), chain(50, slip=0.2), cliff_walking()):
        v = rng.normal(size=mdp.num_states)
        assert np.allclose(optimality_backup(mdp, v), bellman_optimality(mdp, v).max(axis=1), rtol=0, atol=1e-14)
        before = v.copy()
        assert np.allclose(optimality_backup(mdp, np.repeat(v, 2)[::2]), optimality_backup(mdp, v.tolist()))
        assert np.array_equal(v, before)
        with pytest.raises(ValueError, match="shape"):
            optimality_backup(mdp, v[1:])


@pytest.mark.parametrize("seed", range(5))
def test_every_operator_contracts_by_gamma(seed):
    rng = np.random.default_rng(seed)
    mdp = random_mdp(rng)
    policy = rng.dirichlet(np.ones(3), size=7)
    u, v = rng.normal(size=(2, 7)) * 10
    distance = 0.9 * np.abs(u - v)[~mdp.terminal].max()
    operators = [
        lambda v: bellman_expectation(mdp, v, policy),
        lambda v: bellman_optimality(mdp, v).max(axis=1),
        lambda v: optimality_backup(mdp, v),
        lambda v: soft_bellman(mdp, v, policy, 0.5),
    ]
    for operator in operators:
        assert np.abs(operator(u) - operator(v)).max() <= distance + 1e-12


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("deterministic", [False, True])
def test_policy_value_solves_its_equation(sparse, deterministic):
    rng = np.random.default_rng(0)
    mdp = random_mdp(rng, sparse=sparse)
    policy = rng.integers(0, 3, size=7) if deterministic else rng.dirichlet(np.ones(3), size=7)
    v = policy_value(mdp, policy)
    assert np.allclose(bellman_expectation(mdp, v, policy), v)
    assert v[6] == 0


def test_published_values_of_the_gridworld_under_the_random_policy():
    """Sutton & Barto (2018), example 3.5."""
    book = """3.3 8.8 4.4 5.3 1.5  1.5 3.0 2.3 1.9 .5  .1 .7 .7 .4 -.4  -1.0 -.4 -.4 -.6 -1.2
              -1.9 -1.3 -1.2 -1.4 -2.0"""
    v = policy_value(gridworld(), np.full((25, 4), 0.25))
    assert np.abs(v - np.array(book.split(), dtype=float)).max() <= 0.0501


def test_published_values_of_the_small_grid_under_the_random_policy():
    """Sutton & Barto (2018), figure 4.1."""
    book = [0, -14, -20, -22, -14, -18, -20, -20, -20, -20, -18, -14, -22, -20, -14, 0]
    assert np.allclose(policy_value(small_grid(), np.full((16, 4), 0.25)), book)


def test_the_soft_backup_lies_between_the_mean_and_the_maximum():
    rng = np.random.default_rng(1)
    mdp, v = random_mdp(rng), rng.normal(size=7)
    reference = rng.dirichlet(np.ones(3), size=7)
    q = bellman_optimality(mdp, v)
    assert np.allclose(soft_bellman(mdp, v, reference, 1e-4), q.max(axis=1), atol=1e-2)
    assert np.allclose(soft_bellman(mdp, v, reference, 1e5), (reference * q).sum(axis=1), atol=1e-4)
    soft = soft_bellman(mdp, v, reference, 0.7)
    assert np.all((reference * q).sum(axis=1) <= soft + 1e-12) and np.all(soft <= q.max(axis=1) + 1e-12)


def test_the_soft_backup_is_the_best_mean_less_kl():
    """beta log sum ref exp(q / beta) = max over pi of (pi . q - beta KL(pi || ref)), attained by the tilted policy."""
    rng = np.random.default_rng(2)
    mdp, v, beta = random_mdp(rng), rng.normal(size=7), 0.3
    reference = rng.dirichlet(np.ones(3), size=7)
    q, soft = bellman_optimality(mdp, v), soft_bellman(mdp, v, reference, beta)

    def objective(pi):
        return (pi * q).sum(axis=1) - beta * (pi * np.log(pi / reference)).sum(axis=1)

    assert np.allclose(objective(reference * np.exp((q - soft[:, None]) / beta)), soft)
    for pi in rng.dirichlet(np.ones(3), size=(50, 7)):
        assert np.all(objective(pi) <= soft + 1e-12)


def test_a_policy_that_never_ends_has_no_value_without_a_discount():
    always_left = np.full(12 * 4, cliff_walking().action_names.index("left"))
    with pytest.raises(ValueError, match=r"gamma is 1, and from state \(0, 0\) the policy never reaches a terminal"):
        policy_value(cliff_walking(), always_left)
    assert np.allclose(policy_value(cliff_walking(0.9), always_left)[:36], -10)  # -1 / (1 - 0.9)


@pytest.mark.parametrize(
    "policy, message",
    [
        ([0, 2], "policy[s=1] is 2, expected an action in 0..1"),
        ([0, -1], "policy[s=1] is -1"),
        ([0.0, 1.0], "expected (2,) of integer actions or (2, 2) of probabilities"),
        ([[0.5, 0.5], [0.5, 0.4]], "policy[s=1] is [0.5 0.4], expected probabilities"),
        ([[1.5, -0.5], [0.5, 0.5]], "policy[s=0] is [ 1.5 -0.5]"),
        ([[np.nan, 1.0], [0.5, 0.5]], "policy[s=0]"),
        ([0], "policy has shape (1,)"),
        ([[0.5, 0.5], [0.5, 0.50001]], "policy[s=1] is"),
    ],
)
def test_what_is_no_policy_is_refused(policy, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        action_probabilities(traffic_light(), policy)


@pytest.mark.parametrize("beta", [0, -1, np.inf, np.nan])
def test_soft_bellman_refuses(beta):
    with pytest.raises(ValueError, match="expected a finite number above 0"):
        soft_bellman(traffic_light(), np.zeros(2), np.full((2, 2), 0.5), beta)


def test_values_of_a_wrong_length_are_refused():
    with pytest.raises(ValueError, match=r"v has shape \(3,\), expected \(2,\)"):
        traffic_light().expect(np.zeros(3))
