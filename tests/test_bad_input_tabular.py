"""Bad input of every kind: the error is a ValueError or a TypeError, names the place and what was expected, and is short."""

import gymnasium
import numpy as np
import pytest
import scipy.sparse
import torch

from rlbook.mdp import FiniteMDP
from rlbook.tabular import bandits, bellman, control, dyna, monte_carlo, planning, temporal_difference
from rlbook.tabular.bandits import Bandits, testbed
from rlbook.tabular.search import rollout, uct
from rlbook.worlds import chain, small_grid, traffic_light, windy_gridworld

LIGHT, GRID = traffic_light(), small_grid()
WALK, HALF = np.full((16, 4), 0.25), np.full((2, 2), 0.5)
ARMS = Bandits([[0.1, 0.9], [0.5, 0.5]])
HUGE = 2**62


def rng():
    return np.random.default_rng(0)


def mdp(**changed):
    return FiniteMDP(**{"P": np.full((2, 2, 2), 0.5), "R": np.zeros((2, 2)), "gamma": 0.9} | changed)


def q_learning(form=control.q_learning, **changed):
    return form(**{"mdp": LIGHT, "episodes": 2, "alpha": 0.1, "epsilon": 0.1, "max_steps": 5, "rng": rng()} | changed)


def without(name):
    given = {"mdp": LIGHT, "episodes": 2, "alpha": 0.1, "epsilon": 0.1, "rng": rng()}
    return control.q_learning(**{key: value for key, value in given.items() if key != name})


def td(**changed):
    form = changed.pop("form", temporal_difference.td_prediction)
    return form(**{"mdp": GRID, "policy": WALK, "episodes": 2, "alpha": 0.1, "rng": rng()} | changed)


def n_step(**changed):
    return td(form=temporal_difference.n_step_td, **{"n": 3} | changed)


def td_lambda(**changed):
    return td(form=temporal_difference.td_lambda, **{"lam": 0.5} | changed)


def dyna_q(**changed):
    return q_learning(dyna.dyna_q, **{"planning_steps": 3} | changed)


def play(player=bandits.epsilon_greedy, **changed):
    own = {"epsilon": 0.1} if player is bandits.epsilon_greedy else {}
    return player(**{"bandits": ARMS, "steps": 5, "rng": rng()} | own | changed)


def returns_of(**changed):
    given = {"rewards": [1.0, 2.0], "next_values": [3.0, 0.0], "gamma": 0.9, "lam": 0.5}
    return temporal_difference.lambda_returns(**given | changed)


def copies(actions):
    env = LIGHT.to_gymnasium(num_envs=2)
    env.reset(seed=0)
    return env.step(actions)


def batch(gamma=0.9, num_states=2, initial_v=0.0, solve=temporal_difference.batch_td, **changed):
    steps = temporal_difference.Steps(
        s=[0, 1], r=[1.0, 1.0], s_next=[1, 0], terminated=[False, True], truncated=[False] * 2
    )
    return solve(steps._replace(**changed), num_states=num_states, gamma=gamma, initial_v=initial_v)


class Table:
    """A table by hand, of two states and two actions, with what is changed of it."""

    def __init__(self, start=(1.0, 0.0), P=None, **spaces):
        going = {a: [(1.0, 1, 1.0, True)] for a in range(2)}
        self.P, self.initial_state_distrib = {0: going, 1: going} if P is None else P, start
        vars(self).update(spaces)


def table(outcomes=None, gamma=0.9, **changed):
    if outcomes is not None:
        changed["P"] = {0: {0: [(1.0, 1, 1.0, True)], 1: outcomes}, 1: {a: [(1.0, 1, 1.0, True)] for a in range(2)}}
    return FiniteMDP.from_gymnasium(Table(**changed), gamma)


def wrapped(wrap, name="FrozenLake-v1", **options):
    return FiniteMDP.from_gymnasium(wrap(gymnasium.make(name, **options)), 0.9)


class Meddling(gymnasium.Wrapper):
    """A wrapper of a user's own."""


class ColdLake(type(gymnasium.make("FrozenLake-v1").unwrapped)):
    """A lake whose steps cost something that the table does not say."""

    def step(self, a):
        s, r, *rest = super().step(a)
        return s, r - 0.1, *rest


class EagerMDP(type(LIGHT.to_gymnasium())):
    def reset(self, **given):
        return 1, {}


W = gymnasium.wrappers
BAD = {
    # FiniteMDP
    "P is None": (lambda: mdp(P=None), "P is None, expected real numbers"),
    "P of texts": (lambda: mdp(P=[[["a"]]]), "P is [[['a']]], expected real numbers"),
    "P ragged": (
        lambda: mdp(P=[[[1.0], [0.5, 0.5]]]),
        "P is [[[1.0], [0.5, 0.5]]], expected an array: its rows differ",
    ),
    "P complex": (lambda: mdp(P=np.ones((1, 1, 1), complex)), "expected real numbers, not the type complex128"),
    "P sparse and complex": (lambda: mdp(P=scipy.sparse.csr_array(np.eye(2, dtype=complex))), "P is"),
    "P empty": (lambda: mdp(P=[]), "P has shape (0,), expected (S, A, S)"),
    "R of texts": (lambda: mdp(R=[["a", "b"], ["c", "d"]]), "R is [['a', 'b'], ['c', 'd']], expected real numbers"),
    "R is None": (lambda: mdp(R=None), "R is None"),
    "gamma a text": (lambda: mdp(gamma="0.9"), "gamma is '0.9', expected a discount in [0, 1]"),
    "gamma None": (lambda: mdp(gamma=None), "gamma is None, expected a discount"),
    "gamma True": (lambda: mdp(gamma=True), "gamma is True, expected a discount"),
    "gamma two of them": (lambda: mdp(gamma=[0.9, 0.9]), "gamma is [0.9, 0.9], expected a discount"),
    "gamma just above 1": (lambda: mdp(gamma=np.nextafter(1, 2)), "expected a discount in [0, 1]"),
    "start a text": (lambda: mdp(start="red"), "start is 'red', expected a state in 0..1 or a distribution"),
    "start texts": (lambda: mdp(start=["a", "b"]), "start is ['a', 'b'], expected real numbers"),
    "start nan": (lambda: mdp(start=[np.nan, 1]), "start[s=0] is nan"),
    "terminal a number": (lambda: mdp(terminal=1), "terminal has shape () and type int64, expected (2,) and bool"),
    "terminal texts": (lambda: mdp(terminal=["no", "yes"]), "terminal is ['no', 'yes']"),
    "P masked": (lambda: mdp(P=np.ma.array(np.full((2, 2, 2), 0.5), mask=False)), "P is a masked array"),
    "R masked": (lambda: mdp(R=np.ma.array(np.zeros((2, 2)), mask=[[0, 1], [0, 0]])), "R is a masked array"),
    "R with a gradient": (lambda: mdp(R=torch.zeros((2, 2), requires_grad=True)), "expected an array or R.detach()"),
    "float16 that does not sum": (lambda: mdp(P=np.full((2, 2, 2), 0.49, np.float16)), "P[s=0, a=0] sums to 0.97"),
    "float32 start that does not": (lambda: mdp(start=np.float32([0.5, 0.4])), "start sums to 0.9"),
    "names a dict": (
        lambda: mdp(state_names={0: "home", 1: "end"}),
        "state_names is {0: 'home', 1: 'end'}, expected 2",
    ),
    "names a set": (lambda: mdp(action_names={"stop", "go"}), "expected 2 names, in a list"),
    "names one text": (lambda: mdp(action_names="ab"), "action_names is 'ab', expected 2 names"),
    "names a generator": (lambda: mdp(state_names=(name for name in "ab")), "expected 2 names, in a list"),
    "a flag as text": (lambda: windy_gridworld(stay="no"), "stay is 'no', expected True or False"),
    "a flag of 0": (lambda: windy_gridworld(kings_moves=0), "kings_moves is 0, expected True or False"),
    "a flag None": (lambda: windy_gridworld(stochastic=None), "stochastic is None, expected True or False"),
    "actions halves": (lambda: copies(np.array([1.0, 0.0])), "actions are array([1., 0.]), expected (2,) in 0..1"),
    "actions flags": (lambda: copies([True, False]), "expected (2,) in 0..1, integers"),
    "names a number": (lambda: mdp(state_names=2), "state_names is 2, expected 2 names"),
    "v a text in expect": (lambda: LIGHT.expect("v"), "v is 'v', expected real numbers"),
    "num_envs a text": (lambda: LIGHT.to_gymnasium("2"), "num_envs is '2', expected a whole number"),
    # From Gymnasium
    "no actions": (lambda: table(P={0: {}, 1: {}}), "P[0] has 0 actions"),
    "fewer actions later": (
        lambda: table(
            P={0: {a: [(1.0, 1, 0.0, False)] for a in range(2)}, 1: {0: [(1.0, 2, 0.0, True)]}, 2: {}}, start=[1, 0, 0]
        ),
        "P[1] has 1 actions and P[0] has 2",
    ),
    "no action where one goes on": (
        lambda: table(P={0: {0: [(1.0, 1, 0.0, False)]}, 1: {}}),
        "P[1] has 0 actions and P[0] has 1",
    ),
    "states from 1": (
        lambda: table(P={1: {0: []}, 2: {0: []}}),
        "P has the states [1, 2], but not 0: expected the keys 0..1",
    ),
    "states named": (lambda: table(P={"a": {}, "b": {}}), "P has the states ['a', 'b'], but not 0"),
    "actions named": (lambda: table(P=[{"up": [], "down": []}, {}]), "P[0] has the actions ['up', 'down'], but not 0"),
    "P no table": (lambda: table(P=3), "P is 3, expected a dict or a list of states"),
    "P without states": (lambda: table(P={}, start=[]), "P is empty"),
    "P[s] no table": (lambda: table(P=[None, None]), "P[0] is None, expected a dict or a list of actions"),
    "P[s][a] no list": (lambda: table(outcomes=1.0), "P[0][1] is 1.0, expected a list of (probability"),
    "outcome not in a list": (lambda: table(outcomes=(1.0, 1, 0.0, True)), "P[0][1][0] is 1.0, expected (probability"),
    "outcome too short": (
        lambda: table(outcomes=[(1.0, 1, 0.0)]),
        "P[0][1][0] is (1.0, 1, 0.0), expected (probability",
    ),
    "outcomes that sum to 0.9": (lambda: table(outcomes=[(0.9, 1, 0.0, True)]), "P[0][1] sums to 0.9, not 1"),
    "no outcomes": (lambda: table(outcomes=[]), "P[0][1] sums to 0, not 1"),
    "probability negative": (lambda: table(outcomes=[(-0.5, 1, 0.0, True)]), "the probability of P[0][1][0] is -0.5"),
    "probability nan": (lambda: table(outcomes=[(np.nan, 1, 0.0, True)]), "the probability of P[0][1][0] is nan"),
    "reward nan": (lambda: table(outcomes=[(1.0, 1, np.nan, True)]), "the reward of P[0][1][0] is nan"),
    "reward a text": (lambda: table(outcomes=[(1.0, 1, "one", True)]), "the reward of P[0][1][0] is 'one'"),
    "next state too large": (
        lambda: table(outcomes=[(1.0, 2, 0.0, True)]),
        "P[0][1] leads to 2, expected a state in 0..1",
    ),
    "next state negative": (lambda: table(outcomes=[(1.0, -1, 0.0, True)]), "P[0][1] leads to -1"),
    "next state a half": (lambda: table(outcomes=[(1.0, 0.5, 0.0, True)]), "P[0][1] leads to 0.5"),
    "next state a text": (lambda: table(outcomes=[(1.0, "goal", 0.0, True)]), "P[0][1] leads to 'goal'"),
    "terminated a text": (lambda: table(outcomes=[(1.0, 1, 0.0, "yes")]), "P[0][1][0] has terminated = 'yes'"),
    "start too short": (lambda: table(start=[1.0]), "initial_state_distrib has shape (1,), expected (2,)"),
    "start does not sum": (lambda: table(start=[0.5, 0.0]), "start sums to 0.5"),
    "start of texts": (lambda: table(start=["a", "b"]), "initial_state_distrib is ['a', 'b']"),
    "more observations": (
        lambda: table(observation_space=gymnasium.spaces.Discrete(3)),
        "P has 2 states, but observation_space is Discrete(3): expected Discrete(2)",
    ),
    "observations from 1": (
        lambda: table(observation_space=gymnasium.spaces.Discrete(2, start=1)),
        "observation_space is Discrete(2, start=1)",
    ),
    "fewer actions": (lambda: table(action_space=gymnasium.spaces.Discrete(1)), "P has 2 actions, but action_space"),
    "gamma of an import": (lambda: table(gamma=2), "gamma is 2, expected a discount"),
    "a class for an environment": (
        lambda: FiniteMDP.from_gymnasium(ColdLake, 0.9),
        "env is the class ColdLake, expected an environment: an instance",
    ),
    "a name for an environment": (lambda: FiniteMDP.from_gymnasium("FrozenLake-v1", 0.9), "str has no `P`"),
    "fickle": (lambda: wrapped(lambda e: e, "Taxi-v4", fickle_passenger=True), "fickle_passenger=True"),
    "fickle and rainy": (
        lambda: wrapped(lambda e: e, "Taxi-v4", fickle_passenger=True, is_rainy=True),
        "fickle_passenger",
    ),
    "fickle, bare": (lambda: wrapped(lambda e: e.unwrapped, "Taxi-v4", fickle_passenger=True), "fickle_passenger=True"),
    "rewards transformed": (
        lambda: wrapped(lambda e: W.TransformReward(e, lambda r: -r)),
        "the wrapper TransformReward",
    ),
    "rewards clipped": (lambda: wrapped(lambda e: W.ClipReward(e, 0, 1)), "the wrapper ClipReward may change"),
    "rewards normalised": (lambda: wrapped(W.NormalizeReward), "the wrapper NormalizeReward may change"),
    "actions repeated": (lambda: wrapped(lambda e: W.RepeatAction(e, 2)), "the wrapper RepeatAction may change"),
    "actions sticky": (lambda: wrapped(lambda e: W.StickyAction(e, 0.5)), "the wrapper StickyAction may change"),
    "a wrapper inside": (lambda: wrapped(lambda e: W.TimeLimit(Meddling(e), 9)), "the wrapper Meddling may change"),
    "a step of its own": (lambda: FiniteMDP.from_gymnasium(ColdLake(), 0.9), "ColdLake has a step of its own"),
    "a reset of its own": (lambda: FiniteMDP.from_gymnasium(EagerMDP(LIGHT), 0.9), "EagerMDP has a reset of its own"),
    # Bellman and planning
    "values of an array": (
        lambda: planning.value_iteration(np.eye(2)),
        "mdp is array([[1., 0.]",
    ),
    "policies of None": (lambda: planning.policy_iteration(None), "mdp is None, expected a FiniteMDP"),
    "modified, of a list": (lambda: planning.modified_policy_iteration([]), "mdp is [], expected a FiniteMDP"),
    "backup of a text": (lambda: bellman.bellman_optimality("mdp", [0, 0]), "mdp is 'mdp', expected a FiniteMDP"),
    "v of a wrong shape": (lambda: bellman.bellman_optimality(LIGHT, np.zeros(3)), "v has shape (3,), expected (2,)"),
    "v of one row": (lambda: bellman.bellman_expectation(LIGHT, [[0, 0]], HALF), "v has shape (1, 2), expected (2,)"),
    "v of texts": (lambda: bellman.optimality_backup(LIGHT, ["a", "b"]), "v is ['a', 'b'], expected real numbers"),
    "policy a text": (lambda: bellman.policy_value(LIGHT, "best"), "policy is 'best', expected real numbers"),
    "policy None": (lambda: bellman.policy_value(LIGHT, None), "policy is None, expected real numbers"),
    "policy ragged": (lambda: bellman.follow(LIGHT, [[1.0], [0.5, 0.5]]), "policy is [[1.0], [0.5, 0.5]], expected an"),
    "policy of many actions": (
        lambda: bellman.policy_value(mdp(P=np.ones((1, 900, 1)), R=np.zeros((1, 900))), np.ones((1, 900))),
        "policy[s=0] is [1.",
    ),
    "first policy a text": (lambda: planning.policy_iteration(LIGHT, policy="x"), "policy is 'x'"),
    "beta a text": (
        lambda: bellman.soft_bellman(LIGHT, [0, 0], HALF, "1"),
        "beta is '1', expected a finite number above 0",
    ),
    "beta 0": (lambda: planning.soft_value_iteration(LIGHT, HALF, 0), "beta is 0, expected a finite number above 0"),
    "tol a text": (lambda: planning.value_iteration(LIGHT, tol="small"), "tol is 'small', expected an error above 0"),
    "tol None": (lambda: planning.policy_evaluation(LIGHT, HALF, tol=None), "tol is None"),
    "history a number": (lambda: planning.value_iteration(LIGHT, history=10), "history is 10, expected True or False"),
    "tremble above 1": (
        lambda: planning.epsilon_soft_value_iteration(LIGHT, 1.5),
        "epsilon is 1.5, expected a number in [0, 1]",
    ),
    "tremble a text": (lambda: planning.epsilon_soft_value_iteration(LIGHT, "x"), "epsilon is 'x'"),
    "backups a half": (
        lambda: planning.modified_policy_iteration(LIGHT, backups=5.0),
        "backups is 5.0, expected a whole",
    ),
    "backups too many": (lambda: planning.modified_policy_iteration(LIGHT, backups=2**63), "at most 999,999"),
    "order a text": (lambda: planning.gauss_seidel_value_iteration(LIGHT, order="01"), "order is '01'"),
    "order ragged": (
        lambda: planning.gauss_seidel_value_iteration(LIGHT, order=[[0], [0, 1]]),
        "order is [[0], [0, 1]]",
    ),
    "order long and wrong": (
        lambda: planning.gauss_seidel_value_iteration(chain(900), order=np.arange(1, 901)),
        "expected states in 0..899",
    ),
    "q without actions": (lambda: control.epsilon_greedy_policy(1.0, 0.1), "q has shape (), expected (..., A)"),
    "q of nan": (lambda: control.epsilon_greedy_policy([[0.0, 1.0], [np.nan, 1.0]], 0.1), "q[1, 0] is nan, expected"),
    "q of texts": (lambda: control.epsilon_greedy_policy(["a"], 0.1), "q is ['a'], expected real numbers"),
    "epsilon of a policy": (lambda: control.epsilon_greedy_policy([0.0], "x"), "epsilon is 'x'"),
    # Learners: how they are called
    "misspelt": (
        lambda: control.q_learning(LIGHT, episodes=1, alpha=0.1, eps=0.1, rng=rng()),
        "q_learning() got an unexpected keyword argument 'eps'; did you mean 'epsilon'?",
    ),
    "nothing like it": (
        lambda: q_learning(seed=1),
        "q_learning() got an unexpected keyword argument 'seed'; it takes mdp",
    ),
    "an argument left out": (lambda: without("alpha"), "q_learning() missing a required"),
    "no mdp": (lambda: without("mdp"), "q_learning() missing a required argument: 'mdp'"),
    "too many by position": (lambda: control.q_learning(LIGHT, 2, 0.1), "q_learning() too many positional arguments"),
    "policy twice": (
        lambda: temporal_difference.td_prediction(GRID, WALK, policy=WALK),
        "td_prediction() multiple values",
    ),
    "interpreted, misspelt": (
        lambda: q_learning(control.q_learning.py_func, episode=2),
        "q_learning() got an unexpected keyword argument 'episode'; did you mean 'episodes'?",
    ),
    "bandit misspelt": (
        lambda: play(step=5),
        "epsilon_greedy() got an unexpected keyword argument 'step'; did",
    ),
    "bandit without steps": (lambda: bandits.ucb(ARMS, c=1.0, rng=rng()), "ucb() missing a required"),
    # Learners: what they are given
    "no FiniteMDP": (lambda: q_learning(mdp=np.eye(2)), "q_learning got a ndarray, expected a FiniteMDP"),
    "alpha a text": (lambda: q_learning(alpha="fast"), "alpha is 'fast', expected real numbers"),
    "alpha None": (lambda: q_learning(alpha=None), "alpha is None"),
    "alpha True": (lambda: q_learning(alpha=True), "alpha is True, expected a number"),
    "alpha ragged": (lambda: q_learning(alpha=[[0.1], [0.1, 0.2]]), "alpha is [[0.1], [0.1, 0.2]], expected an array"),
    "alpha too long": (lambda: q_learning(alpha=[0.1] * 3), "alpha has shape (3,), expected a number or (2,)"),
    "epsilon nan": (
        lambda: q_learning(epsilon=[0.1, np.nan]),
        "epsilon is nan in episode 1, expected a number in [0, 1]",
    ),
    "epsilon above 1": (lambda: q_learning(epsilon=1.5), "epsilon is 1.5 in episode 0"),
    "episodes a half": (lambda: q_learning(episodes=1.5), "episodes is 1.5, expected a whole number"),
    "episodes True": (lambda: q_learning(episodes=True), "episodes is True, expected a whole number"),
    "episodes a text": (lambda: q_learning(episodes="2"), "episodes is '2', expected a whole number"),
    "max_steps 0": (lambda: q_learning(max_steps=0), "max_steps is 0, expected a whole number, at least 1"),
    "max_steps 2**63": (
        lambda: q_learning(max_steps=2**63),
        "max_steps is 9223372036854775808, expected a whole number",
    ),
    "runs a float": (lambda: q_learning(runs=2.0), "runs is 2.0, expected a whole number"),
    "runs negative": (lambda: q_learning(runs=-1), "runs is -1, expected a whole number, at least 1"),
    "rng a seed": (lambda: q_learning(rng=0), "rng is 0, expected a numpy Generator"),
    "rng the old kind": (lambda: q_learning(rng=np.random.RandomState(0)), "expected a numpy Generator"),
    "initial_q a text": (lambda: q_learning(initial_q="high"), "initial_q is 'high', expected real numbers"),
    "initial_q of states": (lambda: q_learning(initial_q=np.zeros(2)), "initial_q has shape (2,), expected a finite"),
    "initial_q of other runs": (
        lambda: q_learning(initial_q=np.zeros((3, 2, 2)), runs=2),
        "initial_q has shape (3, 2, 2)",
    ),
    "initial_q nan": (lambda: q_learning(initial_q=np.full((2, 2), np.nan)), "initial_q[0, 0] is nan"),
    "policy of a learner": (lambda: td(policy="greedy"), "policy is 'greedy', expected real numbers"),
    "policy nan": (lambda: td(policy=np.full((16, 4), np.nan)), "policy[s=0] is [nan nan nan nan]"),
    "initial_v of actions": (lambda: td(initial_v=np.zeros((16, 4))), "initial_v has shape (16, 4)"),
    "keep a text": (lambda: td(keep="all"), "keep is 'all'"),
    "keep ragged": (lambda: td(keep=[[0], [0, 1]]), "keep is [[0], [0, 1]]"),
    "keep True": (lambda: td(keep=True), "keep is True, expected numbers of episodes"),
    "keep the future": (lambda: td(keep=[0, 5]), "keep goes from 0 to 5, expected numbers in 0..2"),
    "n 0": (lambda: n_step(n=0), "n is 0, expected a whole number, at least 1"),
    "n 2**63": (lambda: n_step(n=2**63), "n is 9223372036854775808, expected a whole number, at least 1 and at most"),
    "n a float": (lambda: n_step(n=np.float64(3)), "n is np.float64(3.0), expected a whole number"),
    "lam above 1": (lambda: td_lambda(lam=1.01), "lam is 1.01, expected a number in [0, 1]"),
    "lam a text": (lambda: td_lambda(lam="0.5"), "lam is '0.5', expected a number in [0, 1]"),
    "lam for each episode": (lambda: td_lambda(lam=[0.5, 0.5]), "lam is [0.5, 0.5]"),
    "planning_steps negative": (
        lambda: dyna_q(planning_steps=-1),
        "planning_steps is -1, expected a whole number",
    ),
    "changes a list": (lambda: dyna_q(changes=[LIGHT]), "changes is a list, expected a dict {time step: FiniteMDP}"),
    "changes at a half": (lambda: dyna_q(changes={0.5: LIGHT}), "a time step in changes is 0.5"),
    "changes to a text": (lambda: dyna_q(changes={5: "light"}), "changes[5] is a str, expected a FiniteMDP"),
    "changes of size": (lambda: dyna_q(changes={5: GRID}), "changes[5] has (states, actions, gamma) = (16, 4, 1.0)"),
    "behaviour that misses": (
        lambda: monte_carlo.off_policy_control(chain(3), behaviour=[1, 1, 1], episodes=1, rng=rng()),
        "behaviour never takes action",
    ),
    "alpha of Monte Carlo": (
        lambda: monte_carlo.first_visit_prediction(GRID, WALK, episodes=2, alpha="1/n", rng=rng()),
        "alpha is '1/n', expected real numbers",
    ),
    # Too much memory, said before it is taken
    "too many episodes": (lambda: q_learning(episodes=HUGE), "pass fewer episodes"),
    "too many runs": (lambda: q_learning(runs=HUGE), "or runs"),
    "too many of both": (lambda: q_learning(episodes=10**6, runs=10**6), "the record would take"),
    "too long a history": (lambda: td(episodes=10**8), "pass keep="),
    "history of many runs": (lambda: td(episodes=10**4, runs=10**4), "pass keep="),
    "too many bandit steps": (lambda: play(steps=HUGE), "pass fewer steps"),
    "too many bandits": (lambda: testbed(rng(), runs=HUGE), "pass fewer runs or arms"),
    "too large a tree": (lambda: uct(LIGHT, 0, simulations=HUGE, depth=5, rng=rng()), "pass fewer simulations"),
    "too deep a tree": (lambda: uct(LIGHT, 0, simulations=5, depth=HUGE, rng=rng()), "pass a smaller depth"),
    # Search, batches, bandits
    "s a float": (lambda: uct(LIGHT, 0.0, simulations=5, depth=5, rng=rng()), "s is 0.0, expected a state in 0..1"),
    "s outside": (
        lambda: rollout(LIGHT, 2, policy=HALF, simulations=5, depth=5, rng=rng()),
        "s is 2, expected a state",
    ),
    "c a text": (lambda: uct(LIGHT, 0, simulations=5, depth=5, c="1", rng=rng()), "c is '1', expected a finite number"),
    "simulations 0": (lambda: uct(LIGHT, 0, simulations=0, depth=5, rng=rng()), "simulations is 0"),
    "search without an mdp": (lambda: uct(None, 0, simulations=1, depth=5, rng=rng()), "expected a FiniteMDP"),
    "batch gamma a text": (lambda: batch(gamma="1"), "gamma is '1', expected a discount in [0, 1]"),
    "batch reward nan": (lambda: batch(r=[0.0, np.nan]), "r[1] is nan, expected a finite reward"),
    "batch states halves": (lambda: batch(s=[0.0, 0.5]), "s, which is of type float64: expected int64"),
    "batch flags numbers": (lambda: batch(terminated=[0, 1]), "terminated, which is of type int64: expected bool"),
    "batch flags texts": (lambda: batch(truncated=["no", "no"]), "truncated is ['no', 'no']"),
    "batch initial_v": (lambda: batch(initial_v=np.zeros(3)), "initial_v has shape (3,)"),
    "batch no steps": (lambda: temporal_difference.batch_td(3, num_states=2), "steps is 3, expected the Steps"),
    "batch num_states": (lambda: batch(num_states=2.5), "num_states is 2.5, expected a whole number"),
    "means a text": (lambda: Bandits("0.5"), "means is '0.5', expected real numbers"),
    "means ragged": (lambda: Bandits([[0.1], [0.2, 0.3]]), "means is [[0.1], [0.2, 0.3]], expected an array"),
    "drift infinite": (lambda: Bandits([[0.1]], drift=np.inf), "drift is inf, expected a standard deviation"),
    "kind a number": (lambda: Bandits([[0.1]], kind=1), 'kind is 1, expected "normal" or "bernoulli"'),
    "no Bandits": (lambda: play(bandits=[[0.1]]), "epsilon_greedy got a list, expected a Bandits"),
    "bandit epsilon a text": (lambda: play(epsilon="0.1"), "epsilon is '0.1', expected real numbers"),
    "bandit c None": (lambda: play(bandits.ucb, c=None), "c is None, expected a finite number, at least 0"),
    "bandit alpha a list": (
        lambda: play(bandits.gradient_bandit, alpha=[0.1]),
        "alpha is [0.1], expected a",
    ),
    "baseline a text": (
        lambda: play(bandits.gradient_bandit, alpha=0.1, baseline="yes"),
        "baseline is 'yes', expected True or False",
    ),
    "bandit initial_q": (lambda: play(initial_q=np.zeros(3)), "initial_q has shape (3,)"),
    "lai_robbins of no arms": (lambda: bandits.lai_robbins([]), "means have shape (0,), expected (..., arms)"),
    "returns of texts": (lambda: returns_of(rewards=["a"]), "rewards is ['a'], expected real numbers"),
    "returns of no steps": (lambda: returns_of(rewards=[], next_values=[]), "rewards have shape (0,), expected (T,)"),
    "returns of a table": (lambda: returns_of(rewards=np.ones((2, 2))), "rewards have shape (2, 2), expected (T,)"),
    "returns of a number": (lambda: returns_of(next_values=1.0), "next_values have shape (), expected (T,)"),
    "returns, too few values": (lambda: returns_of(next_values=[1.0]), "next_values have shape (1,), expected (2,)"),
    "returns, too many values": (lambda: returns_of(next_values=np.ones(3)), "next_values have shape (3,), expected"),
    "returns of nan": (lambda: returns_of(next_values=[0.0, np.nan]), "next_values[1] is nan, expected a finite"),
    "returns, lam of 5": (lambda: returns_of(lam=5), "lam is 5, expected a number in [0, 1]"),
    "returns, gamma nan": (lambda: returns_of(gamma=np.nan), "gamma is nan, expected a number in [0, 1]"),
    "lai_robbins of texts": (lambda: bandits.lai_robbins(["a"]), "means is ['a'], expected real numbers"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named(case):
    call, words = BAD[case]
    with pytest.raises((ValueError, TypeError)) as refused:
        call()
    message = str(refused.value)
    assert words in message and len(message) < 500


GOOD = {
    "gamma": lambda number: mdp(gamma=number),
    "tol": lambda number: planning.value_iteration(LIGHT, tol=number),
    "beta": lambda number: planning.soft_value_iteration(LIGHT, HALF, number),
    "tremble": lambda number: planning.epsilon_soft_value_iteration(LIGHT, number),
    "alpha": lambda number: q_learning(alpha=number),
    "initial_q": lambda number: q_learning(initial_q=number),
    "lam": lambda number: td_lambda(lam=number),
    "kappa": lambda number: q_learning(dyna.dyna_q_plus, planning_steps=3, kappa=number),
    "theta": lambda number: q_learning(dyna.prioritized_sweeping, planning_steps=3, theta=number),
    "c": lambda number: play(bandits.ucb, c=number),
    "c of a tree": lambda number: uct(LIGHT, 0, simulations=5, depth=5, c=number, rng=rng()),
    "step size": lambda number: play(bandits.gradient_bandit, alpha=number),
    "drift": lambda number: Bandits([[0.1]], drift=number),
}


@pytest.mark.parametrize("argument", GOOD)
def test_every_kind_of_number_is_a_number(argument):
    for number in (np.float64(0.5), np.float32(0.5), np.float16(0.5), np.array(0.5), np.int64(1), np.array(1), 1):
        GOOD[argument](number)


def test_every_kind_of_whole_number_is_a_count():
    for count in (np.int64(2), np.uint8(2), np.array(2)):
        assert q_learning(episodes=count, max_steps=count, runs=count).returns.shape == (2, 2)
        assert n_step(n=count, episodes=count).returns.shape == (2,)
        assert play(steps=count).rewards.shape == (2, 2)
