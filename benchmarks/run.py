"""The speeds that the book claims, each as a ratio to something else measured in the same run.

    make bench        (or: pip install -e '.[bench]' and python benchmarks/run.py)

Both sides of a ratio take turns, one thread each; the best of their rounds counts, since everything else that a machine
does only slows it down. Exits with 1 if a ratio misses its mark.
"""

import os
import subprocess
import sys
import time

import gymnasium
import numpy as np
import scipy.sparse
import torch
from quantecon.markov import DiscreteDP

from rlbook.deep.networks import mlp
from rlbook.deep.reinforce import reinforce
from rlbook.mdp import FiniteMDP
from rlbook.tabular.control import double_q_learning, expected_sarsa, q_learning, sarsa
from rlbook.tabular.planning import modified_policy_iteration, value_iteration
from rlbook.worlds import cliff_walking

ROUNDS = 7


def seconds(*functions):
    """The shortest time of each function, called in turns after a first call that does not count."""
    for function in functions:
        function()
    times = np.empty((ROUNDS, len(functions)))
    for times_of_round in times:
        for i, function in enumerate(functions):
            started = time.perf_counter()
            function()
            times_of_round[i] = time.perf_counter() - started
    return times.min(axis=0)


def learn_on_the_cliff(learner, episodes):
    return learner(cliff_walking(), episodes=episodes, alpha=0.5, epsilon=0.1, rng=np.random.default_rng(0))


def steps_per_second(learner, episodes):
    steps = learn_on_the_cliff(learner, episodes).lengths.sum()
    (elapsed,) = seconds(lambda: learn_on_the_cliff(learner, episodes))
    return steps / elapsed


def interpreted_steps_per_second():
    """The same source with Numba switched off, in a process of its own: it can only be decided at the start."""
    program = "import run; print(run.steps_per_second(run.q_learning, episodes=500))"
    answer = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.path.dirname(__file__)},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(answer.stdout)


def random_sparse_mdp(num_states, num_actions, successors, gamma, rng):
    """Each action of each state leads to a few random states with random probabilities; rewards uniform in [0, 1]."""
    rows = num_states * num_actions
    p = rng.dirichlet(np.ones(successors), size=rows).ravel()
    s_next = rng.integers(0, num_states, size=rows * successors)
    first = np.arange(0, rows * successors + 1, successors)
    P = scipy.sparse.csr_array((p, s_next, first), shape=(rows, num_states))
    return FiniteMDP(P, rng.random((num_states, num_actions)), gamma)


def planning_ratios():
    """Ours and quantecon's solvers, both to an error of at most 1e-8 (quantecon guarantees half of its epsilon)."""
    mdp = random_sparse_mdp(10_000, 4, 5, 0.95, np.random.default_rng(0))
    s, a = np.divmod(np.arange(40_000), 4)
    peer = DiscreteDP(mdp.R.ravel(), scipy.sparse.csr_matrix(mdp.P), mdp.gamma, s, a)
    for solver, most in [(modified_policy_iteration, 1.2), (value_iteration, 1.0)]:
        solutions = {}

        def ours(solver=solver, solutions=solutions):
            solutions["ours"] = solver(mdp, tol=1e-8).v

        def theirs(solver=solver, solutions=solutions):
            solutions["theirs"] = peer.solve(method=solver.__name__, epsilon=2e-8, max_iter=10_000).v

        t_ours, t_theirs = seconds(ours, theirs)
        assert np.abs(solutions["ours"] - solutions["theirs"]).max() < 2e-8
        what = f"{solver.__name__}, 10,000 states: time / quantecon's"
        yield what, f"{t_ours * 1e3:.1f} ms, {t_theirs * 1e3:.1f} ms", t_ours / t_theirs, "at most", most


def learning_ratios():
    """Learners on the cliff against the same loop interpreted."""
    compiled, interpreted = steps_per_second(q_learning, episodes=20_000), interpreted_steps_per_second()
    speeds = f"{compiled / 1e6:.1f} and {interpreted / 1e6:.2f} million steps/s"
    yield "q_learning on the cliff: compiled / interpreted", speeds, compiled / interpreted, "at least", 50
    yield "q_learning on the cliff: million steps/s", "one core", compiled / 1e6, "at least", 10
    for learner in (sarsa, expected_sarsa, double_q_learning):
        speed = steps_per_second(learner, episodes=20_000)
        yield (
            f"{learner.__name__}: speed / q_learning's",
            f"{speed / 1e6:.1f} million steps/s",
            speed / compiled,
            "",
            None,
        )


def one_environment_reinforce(policy, optimizer, updates, episodes_per_update):
    """The usual loop: one environment, one forward pass a step, an update after some episodes. Returns the steps."""
    env, steps = gymnasium.make("CartPole-v1"), 0
    for _ in range(updates):
        loss = 0.0
        for _ in range(episodes_per_update):
            observation, _ = env.reset()
            logp, rewards, over = [], [], False
            while not over:
                scores = policy(torch.from_numpy(observation)).log_softmax(dim=-1)
                action = torch.multinomial(scores.detach().exp(), 1).item()
                logp.append(scores[action])
                observation, reward, terminated, truncated, _ = env.step(action)
                rewards.append(reward)
                over = terminated or truncated
            returns = np.cumsum(rewards[::-1])[::-1].copy()
            loss = loss - (torch.stack(logp) * torch.as_tensor(returns, dtype=torch.float32)).sum()
            steps += len(rewards)
        optimizer.zero_grad()
        (loss / episodes_per_update).backward()
        optimizer.step()
    return steps


def reinforce_ratios():
    """Transitions a second of REINFORCE on CartPole, against the loop over a single environment.

    Both play the episodes of a policy that does not change (the step size is 0), so the work is the same in every round;
    steps of environments whose episode is over are made, and not counted.
    """
    torch.set_num_threads(1)
    policy = mlp(4, 32, 2, rng=np.random.default_rng(0), last_gain=0.01)
    learning = torch.optim.Adam(policy.parameters(), lr=0.03)
    env = gymnasium.make_vec("CartPole-v1", num_envs=64, vectorization_mode="vector_entry_point")
    for _ in reinforce(env, policy, learning, updates=15, rng=np.random.default_rng(0)):
        pass  # a policy that holds the pole for a while, as most of a training run does
    optimizer, steps = torch.optim.SGD(policy.parameters(), lr=0.0), {}

    def ours():
        *_, last = reinforce(env, policy, optimizer, updates=4, rng=np.random.default_rng(0))
        steps["ours"] = last.steps

    def theirs():
        torch.manual_seed(0)
        steps["theirs"] = one_environment_reinforce(policy, optimizer, updates=2, episodes_per_update=8)

    times = seconds(ours, theirs)
    vectorised, single = steps["ours"] / times[0], steps["theirs"] / times[1]
    speeds = f"{vectorised / 1e3:.0f} and {single / 1e3:.1f} thousand transitions/s"
    yield "reinforce on CartPole, 64 environments / one environment", speeds, vectorised / single, "at least", 5


def report(*groups):
    """Print a line for each ratio, as it comes. Returns 1 if one misses its mark, otherwise 0."""
    missed = 0
    for ratios in groups:
        for what, measured, ratio, bound, mark in ratios():
            met = mark is None or (ratio >= mark if bound == "at least" else ratio <= mark)
            missed += not met
            wanted = "" if mark is None else f"{bound} {mark:g}: {'met' if met else 'MISSED'}"
            print(f"{what:62} {ratio:8.2f}   {wanted:24} ({measured})", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(report(learning_ratios, planning_ratios, reinforce_ratios))
