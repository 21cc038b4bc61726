"""FiniteMDP: what it holds, what it refuses, what it samples, and Gymnasium both ways."""

import copy
import pickle
import re
import warnings
from types import SimpleNamespace

import gymnasium
import numpy as np
import pytest
import scipy.sparse
from gymnasium.utils.env_checker import check_env

from rlbook.mdp import FiniteMDP
from rlbook.tabular.bellman import action_probabilities
from rlbook.tabular.planning import value_iteration
from rlbook.worlds import bias_example, cliff_walking, small_grid, traffic_light

P = np.array([[[0.5, 0.5], [1.0, 0.0]], [[0.0, 1.0], [0.25, 0.75]]])
R = np.array([[1.0, 2.0], [3.0, 4.0]])


def changed(array, index, value):
    array = array.copy()
    array[index] = value
    return array


def test_counts_names_and_expectation():
    mdp = FiniteMDP(P, R, 0.9)
    assert (mdp.num_states, mdp.num_actions) == (2, 2)
    assert mdp.state_names == ("0", "1")
    assert np.allclose(mdp.expect([10.0, 20.0]), [[15, 10], [20, 17.5]])


def test_the_reward_is_the_mean_over_next_states():
    by_outcome = np.array([[[1.0, 3.0], [2.0, 99.0]], [[99.0, 3.0], [4.0, 8.0]]])  # 99 where P is 0: never paid
    assert np.allclose(FiniteMDP(P, by_outcome, 0.9).R, [[2, 2], [3, 7]])


@pytest.mark.parametrize("reward", [R, np.arange(8.0).reshape(2, 2, 2)])
def test_sparse_and_dense_are_the_same_mdp(reward):
    dense = FiniteMDP(P, reward, 0.9, terminal=np.array([False, True]))
    rows = scipy.sparse.csr_array(P.reshape(4, 2))
    sparse_reward = scipy.sparse.csr_array(reward.reshape(4, 2)) if reward.ndim == 3 else reward
    sparse = FiniteMDP(rows, sparse_reward, 0.9, terminal=np.array([False, True]))
    assert np.allclose(dense.P.reshape(4, 2), sparse.P.toarray())
    assert np.allclose(dense.R, sparse.R)
    for ours, theirs in zip(dense.tables, sparse.tables, strict=True):
        assert np.array_equal(ours, theirs)


def test_a_terminal_state_is_absorbing_and_worth_nothing():
    mdp = FiniteMDP(P, R, 0.9, terminal=np.array([False, True]))
    assert np.array_equal(mdp.P[1], [[0, 1], [0, 1]])
    assert np.array_equal(mdp.R, [[1, 2], [0, 0]])
    assert np.array_equal(mdp.start, [1, 0])


def test_what_is_said_of_terminal_states_is_not_used():
    no_way_out = changed(changed(P, 1, 0.0), (1, 0), np.nan)
    mdp = FiniteMDP(no_way_out, changed(R, 1, np.nan), 0.9, terminal=np.array([False, True]))
    assert np.array_equal(mdp.P[1], [[0, 1], [0, 1]]) and np.array_equal(mdp.R[1], [0, 0])


def test_rows_are_scaled_to_sum_to_one_and_single_precision_is_enough():
    thirds = np.full((3, 1, 3), 1 / 3, dtype=np.float32)
    mdp = FiniteMDP(thirds, np.zeros((3, 1), dtype=np.float32), 0.9)
    assert np.allclose(mdp.P.sum(axis=2), 1, rtol=0, atol=1e-15)
    with pytest.raises(ValueError, match="sums to 1"):
        FiniteMDP(changed(P, (0, 0), [0.50001, 0.5]), R, 0.9)


@pytest.mark.parametrize("form", ["csr_array", "csc_matrix", "coo_array", "bsr_array", "dok_array"])
def test_every_sparse_format_will_do(form):
    rows, by_outcome = P.reshape(4, 2), np.arange(1.0, 9).reshape(4, 2)
    convert = getattr(scipy.sparse, form)
    mdp = FiniteMDP(convert(rows), convert(by_outcome), 0.9)
    assert np.array_equal(mdp.P.toarray(), rows) and mdp.P.has_sorted_indices
    assert np.allclose(mdp.R, (rows * by_outcome).sum(axis=1).reshape(2, 2))
    assert np.array_equal(FiniteMDP(convert(rows), scipy.sparse.csr_array(R), 0.9).R, R)


def test_an_mdp_cannot_be_changed_afterwards():
    for mdp in (FiniteMDP(P, R, 0.9), FiniteMDP(scipy.sparse.csr_array(P.reshape(4, 2)), R, 0.9)):
        with pytest.raises(AttributeError):
            mdp.gamma = 0.5
        for array in (getattr(mdp.P, "data", mdp.P), mdp.R, mdp.start, mdp.terminal, mdp.tables.reward):
            with pytest.raises((ValueError, TypeError, NotImplementedError)):
                array[(0,) * array.ndim] = 1


@pytest.mark.parametrize(
    "name", ["P", "R", "gamma", "start", "terminal", "tables", "num_states", "state_names", "step"]
)
def test_no_attribute_of_an_mdp_can_be_rebound(name):
    mdp = FiniteMDP(P, R, 0.9)
    with pytest.raises(AttributeError, match=f"cannot set `{name}` of a FiniteMDP: .* Expected a new FiniteMDP"):
        setattr(mdp, name, 0.5)
    with pytest.raises(AttributeError, match=f"cannot delete `{name}` of a FiniteMDP"):
        delattr(mdp, name)


def test_an_mdp_may_be_given_something_to_keep_beside_it():
    mdp = FiniteMDP(P, R, 0.9)
    mdp.source = "figure 3.3"
    mdp.source = "figure 3.4"
    assert copy.copy(mdp).source == "figure 3.4"
    del mdp.source
    assert not hasattr(mdp, "source")


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda mdp: pickle.loads(pickle.dumps(mdp))])
@pytest.mark.parametrize("transitions", [P, scipy.sparse.csr_array(P.reshape(4, 2))], ids=["dense", "sparse"])
def test_copies_and_what_was_pickled_are_the_same_mdp_and_as_fixed(again, transitions):
    mdp = FiniteMDP(transitions, R, 0.9, state_names=["left", "right"])
    other = again(mdp)
    assert other.gamma == 0.9 and other.state_names == ("left", "right")
    assert other.step(1, 1, np.random.default_rng(0)) == mdp.step(1, 1, np.random.default_rng(0))
    assert np.array_equal(other.expect([1.0, 2.0]), mdp.expect([1.0, 2.0]))
    arrays = [other.P.data, other.P.indices] if scipy.sparse.issparse(other.P) else [other.P]
    for array in (*arrays, other.R, other.start, other.terminal, *other.tables[3:]):
        with pytest.raises(ValueError, match="read-only"):
            array[(0,) * array.ndim] = 1
    with pytest.raises(AttributeError, match="cannot set `R`"):
        other.R = R


def test_the_start_is_any_state_that_is_not_terminal():
    mdp = FiniteMDP(np.full((3, 1, 3), 1 / 3), np.zeros((3, 1)), 0.9, terminal=np.array([False, True, False]))
    assert np.array_equal(mdp.start, [0.5, 0, 0.5])
    assert np.array_equal(FiniteMDP(P, R, 0.9, start=1).start, [0, 1])


def test_the_arrays_given_are_neither_changed_nor_shared():
    given_P, given_R, terminal = P.copy(), R.copy(), np.array([False, True])
    mdp = FiniteMDP(given_P, given_R, 0.9, terminal=terminal)
    assert np.array_equal(given_P, P) and np.array_equal(given_R, R)
    given_P[:], given_R[:], terminal[:] = 0, 0, False
    assert mdp.R[0, 1] == 2 and mdp.P[0, 1, 0] == 1 and mdp.terminal[1]


BAD = {
    "gamma above 1": (dict(gamma=1.1), "gamma is 1.1, expected a discount in [0, 1]"),
    "row that nearly sums to one": (dict(P=changed(P, (0, 0), [0.5, 0.4999])), "P[s=0, a=0] sums to 0.9999, not 1"),
    "one-dimensional sparse P": (dict(P=scipy.sparse.coo_array(np.ones(2) / 2)), "(2,), expected (S * A, S)"),
    "gamma not a number": (dict(gamma=np.nan), "gamma is nan"),
    "row not summing to one": (dict(P=changed(P, (1, 0, 1), 0.9)), "P[s=1, a=0] sums to 0.9, not 1"),
    "negative probability": (dict(P=changed(P, (0, 1), [1.5, -0.5])), "P[s=0, a=1] holds -0.5"),
    "probability not a number": (dict(P=changed(P, (1, 1, 0), np.nan)), "P[s=1, a=1] holds nan"),
    "P of two dimensions": (dict(P=np.eye(2)), "P has shape (2, 2), expected (S, A, S)"),
    "P not square": (dict(P=np.ones((2, 2, 3)) / 3), "P has shape (2, 2, 3), expected (S, A, S)"),
    "sparse P with odd rows": (dict(P=scipy.sparse.csr_array(np.ones((3, 2)) / 2)), "(3, 2), expected (S * A, S)"),
    "R of a wrong shape": (dict(R=np.zeros(2)), "R has shape (2,), expected (2, 2)"),
    "R transposed": (dict(R=np.zeros((2, 3))), "R has shape (2, 3), expected (2, 2)"),
    "infinite reward": (dict(R=changed(R, (1, 0), np.inf)), "R[s=1, a=0] holds inf"),
    "start of a wrong shape": (dict(start=[1.0]), "start has shape (1,), expected (2,)"),
    "start not summing to one": (dict(start=[0.5, 0.4]), "start sums to 0.9, not 1"),
    "negative start": (dict(start=[1.5, -0.5]), "start[s=1] is -0.5"),
    "no such start": (dict(start=2), "start is 2, expected a state in 0..1"),
    "start in a terminal state": (dict(start=1, terminal=[False, True]), "but state 1 is terminal"),
    "every state terminal": (dict(terminal=[True, True]), "every state is terminal"),
    "terminal as numbers": (dict(terminal=[0, 1]), "expected (2,) and bool"),
    "terminal of a wrong length": (dict(terminal=[True]), "terminal has shape (1,)"),
    "too few names": (dict(state_names=["only"]), "state_names has 1 names, expected 2"),
    "too many names": (dict(action_names=["a", "b", "c"]), "action_names has 3 names, expected 2"),
    "sparse R doubled": (
        dict(
            P=scipy.sparse.csr_array(P.reshape(4, 2)),
            R=scipy.sparse.coo_array(([1.0, 1.0], ([0, 0], [1, 1])), shape=(4, 2)),
        ),
        "several entries for one (s, a, s')",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_by_name(case):
    arguments, message = BAD[case]
    with pytest.raises(ValueError, match=re.escape(message)):
        FiniteMDP(**{"P": P, "R": R, "gamma": 0.9} | arguments)


def test_steps_follow_the_probabilities_and_pay_the_reward_that_occurred():
    by_outcome = np.array([[[1.0, 3.0], [2.0, 0.0]], [[0.0, 3.0], [4.0, 8.0]]])
    mdp, rng, draws = FiniteMDP(P, by_outcome, 0.9), np.random.default_rng(0), 40_000
    steps = [mdp.step(1, 1, rng) for _ in range(draws)]
    share = np.mean([s_next == 1 for s_next, _, _ in steps])
    assert abs(share - 0.75) < 5 * np.sqrt(0.75 * 0.25 / draws)
    assert {(s_next, r) for s_next, r, _ in steps} == {(0, 4.0), (1, 8.0)}


def test_first_states_follow_the_start_distribution():
    mdp, rng = FiniteMDP(P, R, 0.9, start=[0.3, 0.7]), np.random.default_rng(1)
    share = np.mean([mdp.reset(rng) for _ in range(40_000)])
    assert abs(share - 0.7) < 5 * np.sqrt(0.7 * 0.3 / 40_000)


def test_a_step_outside_the_mdp_is_refused():
    for s, a in [(2, 0), (-1, 0), (0, 2), (0.5, 0), ("red", 0)]:
        with pytest.raises(ValueError, match=r"expected s in 0..1 and a in 0..1"):
            traffic_light().step(s, a, np.random.default_rng(0))
    with pytest.raises(TypeError, match="rng is 0, expected a numpy Generator"):
        traffic_light().step(0, 0, 0)


@pytest.mark.parametrize(
    "name, num_states, options",
    [
        ("FrozenLake-v1", 16, {}),
        ("FrozenLake-v1", 16, dict(is_slippery=False)),
        ("FrozenLake-v1", 16, dict(success_rate=0.7, reward_schedule=(10, -3, -1))),
        ("Taxi-v4", 501, {}),
        ("Taxi-v4", 501, dict(is_rainy=True, rainy_probability=0.6)),
        ("Taxi-v4", 501, dict(fickle_passenger=True, fickle_probability=0.0)),
        ("CliffWalking-v1", 48, {}),
        ("CliffWalking-v1", 48, dict(is_slippery=True)),
    ],
)
def test_an_imported_environment_pays_what_the_environment_pays(name, num_states, options):
    """Each row of the table again, by its definition: nothing is collected after a terminated outcome."""
    env = gymnasium.wrappers.RecordEpisodeStatistics(gymnasium.make(name, **options))
    mdp = FiniteMDP.from_gymnasium(env, 0.9)
    assert mdp.num_states == num_states
    v = np.where(mdp.terminal, 0.0, np.random.default_rng(0).normal(size=num_states))
    backed_up = mdp.R + 0.9 * mdp.expect(v)
    for s in np.flatnonzero(~mdp.terminal[: len(env.unwrapped.P)]):
        for a in range(mdp.num_actions):
            outcomes = env.unwrapped.P[s][a]
            by_hand = sum(p * (r + 0.9 * v[s_next] * (not over)) for p, s_next, r, over in outcomes)
            assert backed_up[s, a] == pytest.approx(by_hand)


class HandmadeTable:
    """Two outcomes to one state, one that cannot happen, an end in a state that others pass through and one that ends."""

    unwrapped = property(lambda self: self)
    initial_state_distrib = np.array([1.0, 0, 0])
    P = {
        0: {0: [(0.25, 1, 4.0, 0), (0.25, 1, 8.0, 0), (0.5, 2, 1.0, 1), (0.0, 0, 99.0, 0)]},
        1: {0: [(0.5, 0, 2.0, 1), (0.5, 2, 0.0, 1)]},
        2: {0: [(1.0, 0, 5.0, 0)]},
    }


def test_a_table_by_hand():
    mdp = FiniteMDP.from_gymnasium(HandmadeTable(), 0.5)
    assert mdp.terminal.tolist() == [False, False, True, True]  # 0 is where episodes start; ending there leads to 3
    assert mdp.P[0, 0].tolist() == [0, 0.5, 0.5, 0] and mdp.P[1, 0].tolist() == [0, 0, 0.5, 0.5]
    assert mdp.R[:, 0].tolist() == [0.25 * 4 + 0.25 * 8 + 0.5, 1, 0, 0]


END, NO_END = True, False
UNREACHED = {  # the table, and the values with gamma = 1
    "a goal with a loop that is not flagged": (
        [[[(1, 1, -1, NO_END)]], [[(1, 2, -1, END)]], [[(1, 2, 0, NO_END)]]],
        [-2, -1, 0],
    ),
    "two goals that lead to each other": (
        [[[(0.5, 1, -1, END), (0.5, 2, -1, END)]], [[(1, 2, 0, NO_END)]], [[(1, 1, 0, NO_END)]]],
        [-1, 0, 0],
    ),
    "a goal without actions": ([[[(1, 1, -1, NO_END)]], [[(1, 2, -1, END)]], []], [-2, -1, 0]),
    "a goal with other actions": ([[[(1, 1, -1, NO_END)]], [[(1, 2, -1, END)]], [[], [(0.5, 2, 0, END)]]], [-2, -1, 0]),
    "a wall": ([[[(1, 1, -1, END)]], [[(1, 1, 0, END)]], [[(1, 2, 0, NO_END)]]], [-1, 0, 0]),
    "a wall without actions": ([{0: [(1, 1, -1, END)]}, {}, {}], [-1, 0, 0]),
    "a goal from which one could go on": (
        [[[(1, 1, -1, END)]], [[(1, 2, -1, NO_END)]], [[(1, 1, -1, END)]]],
        [-1, 0, -1],
    ),
}


@pytest.mark.parametrize("case", UNREACHED)
def test_states_that_no_step_can_be_in_leave_the_others_their_values(case):
    P, v = UNREACHED[case]
    env = SimpleNamespace(P=P, initial_state_distrib=[1.0, 0, 0])
    assert value_iteration(FiniteMDP.from_gymnasium(env, 1.0)).v.tolist() == v


def test_with_a_discount_a_state_that_no_step_can_be_in_keeps_its_value():
    """The wall pays 1 for ever: worth 1 / (1 - 1/2)."""
    env = SimpleNamespace(P=[[[(1, 0, -1, END)]], [[(1, 1, 1, NO_END)]]], initial_state_distrib=[1.0, 0])
    assert np.allclose(value_iteration(FiniteMDP.from_gymnasium(env, 0.5)).v, [-1, 2, 0])


@pytest.mark.parametrize(
    "name, ends", [("FrozenLake-v1", [5, 7, 11, 12, 15]), ("CliffWalking-v1", [47]), ("Taxi-v4", [500])]
)
def test_which_states_of_an_imported_environment_end_it(name, ends):
    assert np.flatnonzero(FiniteMDP.from_gymnasium(gymnasium.make(name), 0.9).terminal).tolist() == ends


@pytest.mark.parametrize("world", [traffic_light, small_grid, cliff_walking, bias_example])
def test_there_and_back(world):
    there = world()
    back = FiniteMDP.from_gymnasium(there.to_gymnasium(), there.gamma)
    for ours, theirs in zip(there.tables, back.tables, strict=True):
        assert np.allclose(ours, theirs)


def test_a_table_that_leads_nowhere_is_refused():
    class Nowhere(HandmadeTable):
        P = {0: {0: [(1.0, 7, 0.0, False)]}, 1: {0: [(1.0, 0, 0, False)]}, 2: {0: [(1.0, 0, 0, False)]}}

    with pytest.raises(ValueError, match=r"P\[0\]\[0\] leads to 7, expected a state in 0..2"):
        FiniteMDP.from_gymnasium(Nowhere(), 0.9)


def test_our_cliff_is_the_cliff_of_gymnasium():
    ours, theirs = cliff_walking(), FiniteMDP.from_gymnasium(gymnasium.make("CliffWalking-v1"), 1.0)
    reachable = np.arange(37)  # the three upper rows and the start; the cliff is never entered, the goal is the end
    assert np.array_equal(ours.P[reachable], theirs.P[reachable])
    assert np.array_equal(ours.R[reachable], theirs.R[reachable])


def test_an_environment_without_a_table_is_refused():
    with pytest.raises(ValueError, match="CartPoleEnv has no `P`"):
        FiniteMDP.from_gymnasium(gymnasium.make("CartPole-v1"), 0.9)


@pytest.mark.parametrize("world", [traffic_light, small_grid, cliff_walking, bias_example])
def test_exported_environments_pass_gymnasiums_own_check(world):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*alternative render modes.*")  # it has none
        check_env(world().to_gymnasium())


def test_an_exported_environment_walks_as_the_mdp_does():
    mdp = cliff_walking()
    env, rng = mdp.to_gymnasium(), np.random.default_rng(5)
    s, _ = env.reset(seed=5)
    assert s == mdp.reset(rng)
    for a in [0, *[1] * 11, 2]:
        s_next, r, terminated, truncated, _ = env.step(a)
        assert (s_next, r, terminated) == mdp.step(s, a, rng) and not truncated
        s = s_next
    assert terminated and s == 47
    with pytest.raises(RuntimeError, match="call reset"):
        env.step(0)


@pytest.mark.parametrize("sparse", [False, True])
def test_many_copies_step_as_the_tables_say(sparse):
    """From every (s, a) the frequency of each outcome, within 5 standard errors, and the reward that belongs to it."""
    P = np.array([[[0.2, 0.5, 0.3], [0, 1, 0]], [[0.6, 0, 0.4], [0.1, 0.1, 0.8]], [[0, 0, 1], [0, 0, 1]]])
    R = np.arange(18.0).reshape(3, 2, 3)
    if sparse:
        P, R = (scipy.sparse.csr_array(array.reshape(6, 3)) for array in (P, np.where(P > 0, R, 0)))
    mdp = FiniteMDP(P, R, 0.9, start=[0.3, 0.7, 0], terminal=[False, False, True])
    count = 20_000
    env = mdp.to_gymnasium(num_envs=count)
    rows = np.reshape(mdp.P.toarray() if sparse else mdp.P, (3, 2, 3))
    s, _ = env.reset(seed=0)
    assert abs((s == 0).mean() - 0.3) < 5 * (0.3 * 0.7 / count) ** 0.5
    actions = np.arange(count) % 2
    s_next, r, terminated, truncated, _ = env.step(actions)
    assert (terminated == (s_next == 2)).all() and not truncated.any()
    assert (r == 6 * s + 3 * actions + s_next).all()
    for here, a, there in np.ndindex(2, 2, 3):
        p, taken = rows[here, a, there], (s == here) & (actions == a)
        assert abs((s_next[taken] == there).mean() - p) <= 5 * (p * (1 - p) / taken.sum()) ** 0.5

    again, r, over, _, _ = env.step(actions)  # the step after an end begins the next episode, and pays nothing
    assert set(again[terminated].tolist()) == {0, 1} and not r[terminated].any() and not over[terminated].any()
    assert (over == (again == 2)).all()


def test_many_copies_are_seeded_and_refuse_what_one_refuses():
    mdp = FiniteMDP(np.full((2, 1, 2), 0.5), np.zeros((2, 1)), 0.9)
    first, second = mdp.to_gymnasium(num_envs=50), mdp.to_gymnasium(num_envs=50)
    for env in (first, second):
        with pytest.raises(RuntimeError, match="call reset"):
            env.step(np.zeros(50, int))
        env.reset(seed=3)
    assert (first.step(np.zeros(50, int))[0] == second.step(np.zeros(50, int))[0]).all()
    for actions in (np.ones(50, int), np.zeros(49, int)):
        with pytest.raises(ValueError, match=r"expected \(50,\) in 0..0"):
            first.step(actions)
    with pytest.raises(ValueError, match="num_envs is 0"):
        mdp.to_gymnasium(num_envs=0)


@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_arrays_of_less_than_double_precision_are_rounded_probabilities(kind):
    """A third in half precision is 1365 / 4096: three of them miss 1 by 2e-4, and are scaled to sum to 1."""
    thirds, R = np.full((3, 2, 3), 1 / 3, kind), np.full((3, 2), 0.5, kind)
    mdp = FiniteMDP(thirds, R, 0.9, start=thirds[0, 0])
    assert np.allclose(mdp.P, 1 / 3, rtol=1e-15) and np.allclose(mdp.start, 1 / 3, rtol=1e-15)
    assert mdp.P.dtype == mdp.start.dtype == mdp.R.dtype == float and (mdp.R == 0.5).all()
    one_state = FiniteMDP(np.ones((1, 3, 1)), np.zeros((1, 3)), 0.9)
    assert np.allclose(action_probabilities(one_state, thirds[0, :1]), 1 / 3, rtol=1e-15)


def test_a_table_of_single_precision_is_imported():
    third = np.float32(1 / 3) * np.float32(1 + 1e-7)
    outcomes = [(third, s, 1.0, False) for s in range(3)]
    table = type("Table", (), {"P": {s: {0: outcomes} for s in range(3)}})()
    table.initial_state_distrib = np.full(3, third)
    mdp = FiniteMDP.from_gymnasium(table, 0.9)
    assert np.allclose(mdp.P, 1 / 3, rtol=1e-15) and np.allclose(mdp.start, 1 / 3, rtol=1e-15)


def test_names_come_in_any_order_that_is_one():
    for names in (["a", "b"], ("a", "b"), np.array(["a", "b"]), {"a": 1, "b": 2}.keys()):
        assert FiniteMDP(np.full((2, 1, 2), 0.5), np.zeros((2, 1)), 0.9, state_names=names).state_names == ("a", "b")
