"""Visits: what an episode is made of, and the weights of everything that is paid on the way."""

import numpy as np
import pytest
import scipy.sparse

from rlbook.mdp import FiniteMDP
from rlbook.policies import follow, policy_value, visits
from rlbook.worlds import chain, long_walk, short_corridor, traffic_light


def test_visits_by_hand():
    """A coin tosser is in the rooms 6, 4 and 2 times; two steps to the right pass each state once, the second at gamma."""
    assert np.allclose(visits(short_corridor(), np.full((4, 2), 0.5)), [6, 4, 2, 0])
    assert np.allclose(visits(chain(3, gamma=0.9), np.array([1, 1, 1])), [1, 0.9, 0])


@pytest.mark.parametrize(
    "mdp", [traffic_light(0.9), short_corridor(0.7), long_walk(30, 5), long_walk(30, 5, gamma=0.5)]
)
def test_rewards_weighed_with_the_visits_are_the_value_of_the_start(mdp):
    policy = np.random.default_rng(0).dirichlet(np.ones(mdp.num_actions), mdp.num_states)
    d = visits(mdp, policy)
    assert np.isclose(d @ follow(mdp, policy)[1], mdp.start @ policy_value(mdp, policy))
    assert (d >= 0).all() and not d[mdp.terminal].any()
    if not mdp.terminal.any():
        assert np.isclose(d.sum(), 1 / (1 - mdp.gamma))


def test_sparse_and_dense_agree():
    walk, policy = long_walk(30, 5), np.full((32, 2), 0.5)
    assert scipy.sparse.issparse(walk.P)
    dense = FiniteMDP(walk.P.toarray().reshape(32, 2, 32), walk.R, 1.0, start=walk.start, terminal=walk.terminal)
    assert np.allclose(visits(walk, policy), visits(dense, policy))


def test_a_policy_that_never_ends_has_no_visits_to_count():
    with pytest.raises(ValueError, match="never reaches a terminal state"):
        visits(chain(3, gamma=1.0), np.array([0, 0, 0]))
