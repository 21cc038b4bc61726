"""Gymnasium on one side, `FiniteMDP` on the other: the two directions behind `from_gymnasium` and `to_gymnasium`."""

import numpy as np

from rlbook._checks import require

gymnasium = require("gymnasium", extra="gym")


def read_environment(env):
    """The arguments P, R, start and terminal of the `FiniteMDP` behind an environment with a transition table.

    The table is `env.unwrapped.P[s][a]`, a list of (probability, next state, reward, terminated). Several outcomes
    that lead to the same state become one, with their mean reward.
    """
    unwrapped = getattr(env, "unwrapped", env)
    for attribute in ("P", "initial_state_distrib"):
        if not hasattr(unwrapped, attribute):
            raise ValueError(
                f"{type(unwrapped).__name__} has no `{attribute}`: expected a toy-text environment that holds its "
                "transition table in `P` and its start in `initial_state_distrib`, such as FrozenLake, Taxi or CliffWalking"
            )
    table = unwrapped.P  # read once: an environment may make it anew at each look
    num_states, num_actions = len(table), len(table[0])
    outcomes = [
        (s, a, s_next, p, r, terminated)
        for s in range(num_states)
        for a in range(num_actions)
        for p, s_next, r, terminated in table[s][a]
        if p != 0
    ]
    s, a, s_next, p, r, terminated = (np.array(column) for column in zip(*outcomes, strict=True))
    terminated = terminated.astype(bool)
    wrong = np.flatnonzero((s_next < 0) | (s_next >= num_states))
    if wrong.size:
        first = wrong[0]
        raise ValueError(f"P[{s[first]}][{a[first]}] leads to {s_next[first]}, expected a state in 0..{num_states - 1}")
    start = np.asarray(unwrapped.initial_state_distrib, dtype=float)

    states = np.arange(num_states)
    ends_here = np.isin(states, s_next[terminated])
    goes_on_here = np.isin(states, s_next[~terminated]) | (start > 0)
    terminal = ends_here & ~goes_on_here
    if (ends_here & goes_on_here).any():
        s_next = np.where(terminated & goes_on_here[s_next], num_states, s_next)
        terminal, start, num_states = np.append(terminal, True), np.append(start, 0.0), num_states + 1

    P = np.zeros((num_states, num_actions, num_states))
    R = np.zeros_like(P)
    np.add.at(P, (s, a, s_next), p)
    np.add.at(R, (s, a, s_next), p * r)
    np.divide(R, P, out=R, where=P > 0)
    P[terminal] = np.eye(num_states)[terminal][:, None, :]
    return {"P": P, "R": R, "start": start, "terminal": terminal}


class MDPEnv(gymnasium.Env):
    """A `FiniteMDP` stepped through Gymnasium's interface: observations and actions are the numbers of s and a.

    Like Gymnasium's own small worlds it shows its table in `P` and its start in `initial_state_distrib`.
    """

    metadata = {"render_modes": []}

    def __init__(self, mdp):
        self.mdp = mdp
        self.observation_space = gymnasium.spaces.Discrete(mdp.num_states)
        self.action_space = gymnasium.spaces.Discrete(mdp.num_actions)
        self._s = None

    @property
    def P(self):
        """P[s][a], a list of (probability, next state, reward, terminated)."""
        return {s: {a: self._outcomes(s, a) for a in range(self.mdp.num_actions)} for s in range(self.mdp.num_states)}

    @property
    def initial_state_distrib(self):
        """The distribution of the first state, (S,)."""
        return self.mdp.start

    def _outcomes(self, s, a):
        tables, row = self.mdp.tables, s * self.mdp.num_actions + a
        outcomes = slice(tables.first[row], tables.first[row + 1])
        probability = np.diff(tables.cumulative[outcomes], prepend=0.0)
        s_next = tables.successor[outcomes]
        terminated = tables.terminal[s_next]
        columns = probability, s_next, tables.reward[outcomes], terminated
        return list(zip(*(column.tolist() for column in columns), strict=True))

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._s = self.mdp.reset(self.np_random)
        return self._s, {}

    def step(self, action):
        if self._s is None or self.mdp.terminal[self._s]:
            raise RuntimeError("step() after the episode ended, or before reset(): call reset() first")
        self._s, r, terminated = self.mdp.step(self._s, action, self.np_random)
        return self._s, r, terminated, False, {}


class MDPVectorEnv(gymnasium.vector.VectorEnv):
    """Many copies of a `FiniteMDP` stepped at once: observations, rewards and flags are arrays (num_envs,).

    As in Gymnasium's own vectorised environments, the step after the end of an episode starts the next one: it takes no
    notice of the action, pays nothing, and is no transition.
    """

    def __init__(self, mdp, num_envs):
        if isinstance(num_envs, bool) or not isinstance(num_envs, (int, np.integer)) or num_envs < 1:
            raise ValueError(f"num_envs is {num_envs!r}, expected a whole number, at least 1")
        self.mdp, self.num_envs = mdp, int(num_envs)
        self.metadata = {"render_modes": [], "autoreset_mode": gymnasium.vector.AutoresetMode.NEXT_STEP}
        self.single_observation_space = gymnasium.spaces.Discrete(mdp.num_states)
        self.single_action_space = gymnasium.spaces.Discrete(mdp.num_actions)
        self.observation_space = gymnasium.vector.utils.batch_space(self.single_observation_space, num_envs)
        self.action_space = gymnasium.vector.utils.batch_space(self.single_action_space, num_envs)
        rows = np.repeat(np.arange(mdp.num_states * mdp.num_actions), np.diff(mdp.tables.first))
        self._ends = rows + mdp.tables.cumulative  # outcome i of row k happens where k + u first falls below _ends[i]
        self._s = self._over = None

    def _first_states(self, count):
        return np.searchsorted(self.mdp.tables.start_cumulative, self.np_random.random(count), side="right")

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._s, self._over = self._first_states(self.num_envs), np.zeros(self.num_envs, bool)
        return self._s.copy(), {}

    def step(self, actions):
        if self._s is None:
            raise RuntimeError("step() before reset(): call reset() first")
        actions, tables = np.asarray(actions), self.mdp.tables
        if actions.shape != (self.num_envs,) or not ((actions >= 0) & (actions < self.mdp.num_actions)).all():
            raise ValueError(f"actions are {actions}, expected ({self.num_envs},) in 0..{self.mdp.num_actions - 1}")
        row = self._s * self.mdp.num_actions + actions
        outcome = np.searchsorted(self._ends, row + self.np_random.random(self.num_envs), side="right")
        outcome = np.minimum(outcome, tables.first[row + 1] - 1)  # where row + u was rounded up to row + 1
        s_next = np.where(self._over, 0, tables.successor[outcome])
        s_next[self._over] = self._first_states(self._over.sum())
        rewards = np.where(self._over, 0.0, tables.reward[outcome])
        terminated = tables.terminal[s_next] & ~self._over
        self._s, self._over = s_next, terminated
        return s_next.copy(), rewards, terminated.copy(), np.zeros(self.num_envs, bool), {}
