"""How fast the planners are: against quantecon and pymdptoolbox, and how their cost grows with the problem."""

import resource
import sys
import time

import gymnasium
import mdptoolbox.mdp
import numpy as np
import scipy.sparse
from measuring import in_a_process_of_its_own, seconds
from quantecon.markov import DiscreteDP

from rlbook.mdp import FiniteMDP
from rlbook.tabular.planning import modified_policy_iteration, policy_iteration, value_iteration
from rlbook.worlds import car_rental


def random_sparse_mdp(num_states, num_actions, successors, gamma, rng, reach=None):
    """Each action of each state leads to a few random states with random probabilities; rewards uniform in [0, 1].

    The random states are any, or those at most `reach` further on.
    """
    rows = num_states * num_actions
    p = rng.dirichlet(np.ones(successors), size=rows).ravel()
    if reach is None:
        s_next = rng.integers(0, num_states, size=rows * successors)
    else:
        s = np.repeat(np.arange(num_states), num_actions * successors)
        s_next = (s + rng.integers(0, reach + 1, size=rows * successors)) % num_states
    first = np.arange(0, rows * successors + 1, successors)
    P = scipy.sparse.csr_array((p, s_next, first), shape=(rows, num_states))
    return FiniteMDP(P, rng.random((num_states, num_actions)), gamma)


def against_quantecon():
    """Both to an error of at most 1e-8 (quantecon guarantees half of its epsilon)."""
    mdp = random_sparse_mdp(10_000, 4, 5, 0.95, np.random.default_rng(0))
    s, a = np.divmod(np.arange(40_000), 4)
    peer = DiscreteDP(mdp.R.ravel(), scipy.sparse.csr_matrix(mdp.P), mdp.gamma, s, a)
    for solver, most in [(modified_policy_iteration, 1.2), (value_iteration, 1.0)]:
        times = compared(mdp, solver, [peer])
        what = f"{solver.__name__}, 10,000 states: time / quantecon's"
        yield what, in_ms(times), times[0] / times[1], "at most", most

    lake = FiniteMDP.from_gymnasium(gymnasium.make("FrozenLake8x8-v1"), 0.99)
    s, a = np.divmod(np.arange(lake.num_states * 4), 4)
    dense = DiscreteDP(np.array(lake.R), np.array(lake.P), lake.gamma)
    sparse = DiscreteDP(lake.R.ravel(), scipy.sparse.csr_matrix(lake.P.reshape(-1, lake.num_states)), lake.gamma, s, a)
    times = compared(lake, value_iteration, [dense, sparse])
    what = "value_iteration, FrozenLake 8x8: time / quantecon's faster form"
    yield what, in_ms(times), times[0] / min(times[1:]), "at most", 1.0


def compared(mdp, solver, peers):
    """The seconds of our solver and of quantecon's of the same name in each of several forms of the same problem."""
    found = {}

    def ours():
        found[0] = solver(mdp, tol=1e-8).v

    def theirs(i, peer):
        found[i] = peer.solve(method=solver.__name__, epsilon=2e-8, max_iter=100_000).v

    functions = [lambda i=i, peer=peer: theirs(i, peer) for i, peer in enumerate(peers, start=1)]
    times = seconds(ours, *functions)
    assert all(np.abs(found[0] - v).max() < 2e-8 for v in found.values())
    return times


def in_ms(times):
    return ", ".join(f"{elapsed * 1e3:.2f} ms" for elapsed in times)


def cars():
    """Jack's car rental by policy iteration, evaluated by exact linear solves."""
    mdp, found = car_rental(), {}
    P = np.ascontiguousarray(np.moveaxis(mdp.P, 1, 0))

    def theirs():
        solver = mdptoolbox.mdp.PolicyIteration(P, np.array(mdp.R), mdp.gamma)
        solver.run()
        found["theirs"] = solver.V

    def ours():
        found["ours"] = policy_iteration(mdp).v

    solving, peer, building = seconds(ours, theirs, car_rental)
    assert np.allclose(found["ours"], found["theirs"]) and np.isclose(found["ours"][0], 421.41, atol=0.005)
    yield "car rental, solved exactly: seconds", f"and {building:.3f} s to build it", solving, "at most", 0.3
    yield "the same: time / pymdptoolbox's policy iteration", in_ms([solving, peer]), solving / peer, "", None


def cost_of_a_sweep(num_states, reach=None):
    """Value iteration with 20 transitions a state: seconds a sweep and a transition, and the gigabytes of the process."""
    mdp = random_sparse_mdp(num_states, 4, 5, 0.9, np.random.default_rng(0), reach)
    value_iteration(random_sparse_mdp(100, 4, 5, 0.9, np.random.default_rng(0)))  # compiles what there is to compile
    started = time.perf_counter()
    sweeps = value_iteration(mdp, tol=1e-3, history=False).sweeps
    sweep = (time.perf_counter() - started) / sweeps
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**30 if sys.platform == "darwin" else 2**20)
    return {"sweep": sweep, "transition": sweep / mdp.tables.first[-1], "gigabytes": peak}


def growth():
    """The cost of a sweep is that of its transitions: as many nanoseconds each where the successors of a state are near
    it, as in a grid; more in a large problem where they are scattered, since each is then a trip to the memory.

    Each problem has a process of its own, for its peak memory.
    """
    for where, reach, most in [("near", 100, 3.0), ("scattered", None, None)]:
        costs = []
        for num_states in (10_000, 100_000, 1_000_000):
            cost = in_a_process_of_its_own("planning", f"cost_of_a_sweep({num_states}, {reach})")
            what = f"value_iteration, {num_states:,} x 4 x 5, {where}: ns a transition"
            yield what, f"{cost['sweep'] * 1e3:.1f} ms a sweep", cost["transition"] * 1e9, "", None
            costs.append(cost["transition"])
        yield "the last / the first", "1 where the cost is linear", costs[-1] / costs[0], "at most", most
        yield "the last in GB, building it included", "peak of its process", cost["gigabytes"], "at most", 8.0
