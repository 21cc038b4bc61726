"""Gymnasium on one side, `FiniteMDP` on the other: the two directions behind `from_gymnasium` and `to_gymnasium`."""

from collections.abc import Mapping

import numpy as np

from rlbook._checks import check_array, check_count, check_number, require, rounding_of, shown

gymnasium = require("gymnasium", extra="gym")

# What these add changes no step but the last one: a time limit is not part of the MDP.
HARMLESS_WRAPPERS = tuple(
    getattr(gymnasium.wrappers, name)
    for name in "Autoreset HumanRendering OrderEnforcing PassiveEnvChecker RecordEpisodeStatistics RecordVideo "
    "RenderCollection TimeLimit".split()
)


def read_environment(env, gamma):
    """The arguments P, R, start and terminal of the `FiniteMDP` behind an environment with a transition table.

    The table is `env.unwrapped.P[s][a]`, a list of (probability, next state, reward, terminated); dicts whose keys are
    0, 1, 2, ... or lists. Several outcomes that lead to the same state become one, with their mean reward.
    Raises ValueError or TypeError where the environment does more than its table says, and for a table that is none.
    """
    if isinstance(env, type):
        raise TypeError(f"env is the class {env.__name__}, expected an environment: an instance, {env.__name__}(...)")
    env = _unwrapped(env)
    table = _table(env)
    num_states = len(table)
    start = check_array("initial_state_distrib", env.initial_state_distrib)
    if start.shape != (num_states,):
        raise ValueError(
            f"initial_state_distrib has shape {start.shape}, expected ({num_states},): P has as many states"
        )
    outcomes = [
        (s, a, *_outcome(f"P[{s}][{a}][{i}]", outcome, num_states))
        for s, actions in enumerate(table)
        for a, listed in enumerate(actions)
        for i, outcome in enumerate(listed)
    ]
    s, a, p, s_next, r, terminated = np.reshape(outcomes, (-1, 6)).T
    s, a, s_next, terminated, possible = (
        s.astype(int),
        a.astype(int),
        s_next.astype(int),
        terminated.astype(bool),
        p > 0,
    )

    counts = np.array([len(actions) for actions in table])
    terminal, enters_end = _ends(counts, start, s[possible], s_next[possible], terminated[possible], gamma)
    _check_table(env, table, counts, terminal)
    if enters_end.any():  # an ended episode needs a state of its own where other steps pass through the one it is in
        s_next = np.where(terminated & enters_end[s_next], num_states, s_next)
        terminal, start, num_states = np.append(terminal, True), np.append(start, start.dtype.type(0)), num_states + 1

    used = possible & ~terminal[s]
    P = np.zeros((num_states, counts[~terminal[: len(counts)]][0], num_states))
    R = np.zeros_like(P)
    s, a, s_next, p, r = (column[used] for column in (s, a, s_next, p, r))
    np.add.at(P, (s, a, s_next), p)
    np.add.at(R, (s, a, s_next), p * r)
    np.divide(R, P, out=R, where=P > 0)
    sums = P.sum(axis=2, keepdims=True)
    P /= np.where(np.abs(sums - 1) > rounding_of(float), np.where(sums > 0, sums, 1.0), 1.0)  # of single precision
    P[terminal] = np.eye(num_states)[terminal][:, None, :]
    return {"P": P, "R": R, "start": start, "terminal": terminal}


def _unwrapped(env):
    """The environment that holds the table, if its steps are those of the table and nothing else."""
    while type(env) in HARMLESS_WRAPPERS:
        env = env.env
    bare = getattr(env, "unwrapped", env)
    for attribute in ("P", "initial_state_distrib"):
        if not hasattr(bare, attribute):
            raise ValueError(
                f"{type(bare).__name__} has no `{attribute}`: expected a toy-text environment that holds its "
                "transition table in `P` and its start in `initial_state_distrib`, such as FrozenLake, Taxi or CliffWalking"
            )
    if bare is not env:
        raise ValueError(
            f"the wrapper {type(env).__name__} may change what the steps of {type(bare).__name__} do, and its table `P` "
            "would not say so: pass env.unwrapped to import the environment without the wrapper"
        )
    if getattr(env, "fickle_passenger", False) and getattr(env, "fickle_probability", 1) > 0:
        raise ValueError(
            f"{type(env).__name__} has fickle_passenger=True: its step may change the destination, which its table `P` "
            "does not say. Expected an environment whose steps are those of its table: fickle_passenger=False"
        )
    tabular = [kind for kind in type(env).__mro__ if kind is MDPEnv or ".toy_text." in kind.__module__][:1]
    for kind in tabular:
        for method in ("step", "reset"):
            if method in vars(env) or getattr(type(env), method) is not getattr(kind, method):
                raise ValueError(
                    f"{type(env).__name__} has a {method} of its own, which may do more than the table `P` of "
                    f"{kind.__name__} says: expected an environment whose steps are those of its table"
                )
    return env


def _table(env):
    """The table as lists: for each state and action the list of what can follow."""
    states = _numbered("P", env.P, "states")  # read once: an environment may make it anew at each look
    if not states:
        raise ValueError("P is empty: expected a list of outcomes for each state and action, P[s][a]")
    table = [_numbered(f"P[{s}]", actions, "actions") for s, actions in enumerate(states)]
    for s, actions in enumerate(table):
        for a, listed in enumerate(actions):
            if not isinstance(listed, (list, tuple)):
                raise TypeError(f"P[{s}][{a}] is {shown(listed)}, expected a list of (probability, s', r, terminated)")
    return table


def _numbered(name, given, of):
    """A dict with the keys 0, 1, 2, ..., or a list, as a list."""
    if isinstance(given, (list, tuple)):
        return list(given)
    if not isinstance(given, Mapping):
        raise TypeError(f"{name} is {shown(given)}, expected a dict or a list of {of}")
    missing = set(range(len(given))) - set(given)
    if missing:
        raise ValueError(
            f"{name} has the {of} {shown(list(given))}, but not {min(missing)}: expected the keys 0..{len(given) - 1}"
        )
    return [given[number] for number in range(len(given))]


def _outcome(name, outcome, num_states):
    """The (probability, next state, reward, terminated) of one outcome, as numbers."""
    if not isinstance(outcome, (list, tuple)) or len(outcome) != 4:
        raise ValueError(f"{name} is {shown(outcome)}, expected (probability, next state, reward, terminated)")
    p, s_next, r, terminated = outcome
    p = check_number(f"the probability of {name}", p, least=0)
    if p == 0:
        return 0.0, 0, 0.0, False
    try:
        s_next = check_count("s'", s_next, least=0, most=num_states - 1)
    except ValueError:
        place = name[: name.rindex("[")]
        raise ValueError(f"{place} leads to {shown(s_next)}, expected a state in 0..{num_states - 1}") from None
    if terminated not in (0, 1):
        raise ValueError(f"{name} has terminated = {shown(terminated)}, expected True or False")
    return p, s_next, check_number(f"the reward of {name}", r), bool(terminated)


def _ends(counts, start, s, s_next, terminated, gamma):
    """Which states are terminal (S,), and which are both entered by an end and passed through by other steps (S,).

    A state is terminal if an end enters it, and no step that goes on does. A state that no step can be in, as no episode
    gets there and goes on, and from which none would end either, is no reason against that; it is terminal itself where
    it has no actions, and where gamma is 1, since it would have no value.
    """
    visited = _closure(start > 0, s[~terminated], s_next[~terminated])
    can_end = _closure(np.isin(np.arange(len(counts)), s[terminated]), s_next[~terminated], s[~terminated])
    dead = ~visited & ~can_end
    goes_on = ~terminated & ~dead[s]
    ends_here, goes_on_here = np.zeros((2, len(counts)), bool)
    ends_here[s_next[terminated]] = True
    goes_on_here[s_next[goes_on]] = True
    goes_on_here |= start > 0
    terminal = (ends_here | (dead & (counts == 0)) | (dead & (gamma == 1))) & ~goes_on_here
    return terminal, ends_here & goes_on_here


def _closure(states, before, after):
    """The states (S,) that can be reached from these by the steps before -> after, themselves included."""
    while True:
        reached = states.copy()
        reached[after[states[before]]] = True
        if (reached == states).all():
            return states
        states = reached


def _check_table(env, table, counts, terminal):
    """Raise ValueError unless all states but the terminal ones have the same actions, each with probabilities."""
    going = np.flatnonzero(~terminal)
    if not going.size:
        raise ValueError("no episode can start: every state of P is entered by the ends of episodes alone, or by none")
    first = going[0]
    for s in going:
        if counts[s] != counts[first] or counts[s] == 0:
            raise ValueError(
                f"P[{s}] has {counts[s]} actions and P[{first}] has {counts[first]}: expected as many, at least 1, in "
                "every state that a step can be taken in (an action that does not exist there may be made to do "
                "what another one does)"
            )
        for a, listed in enumerate(table[s]):
            total = sum(float(p) for p, _, _, _ in listed)
            rounding = max((rounding_of(np.asarray(p).dtype) for p, _, _, _ in listed), default=0.0)
            if not abs(total - 1) <= rounding:
                raise ValueError(f"P[{s}][{a}] sums to {total:.10g}, not 1: its probabilities must sum to one")
    for name, space, count in (("observation", "states", len(table)), ("action", "actions", int(counts[first]))):
        found = getattr(env, f"{name}_space", None)
        if isinstance(found, gymnasium.spaces.Discrete) and (found.start, found.n) != (0, count):
            raise ValueError(f"P has {count} {space}, but {name}_space is {found}: expected Discrete({count})")


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
        self.mdp, self.num_envs = mdp, check_count("num_envs", num_envs)
        self.metadata = {"render_modes": [], "autoreset_mode": gymnasium.vector.AutoresetMode.NEXT_STEP}
        self.single_observation_space = gymnasium.spaces.Discrete(mdp.num_states)
        self.single_action_space = gymnasium.spaces.Discrete(mdp.num_actions)
        self.observation_space = gymnasium.vector.utils.batch_space(self.single_observation_space, self.num_envs)
        self.action_space = gymnasium.vector.utils.batch_space(self.single_action_space, self.num_envs)
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
        whole = np.issubdtype(actions.dtype, np.integer) and actions.shape == (self.num_envs,)
        if not whole or not ((actions >= 0) & (actions < self.mdp.num_actions)).all():
            raise ValueError(
                f"actions are {shown(actions)}, expected ({self.num_envs},) in 0..{self.mdp.num_actions - 1}, integers"
            )
        row = self._s * self.mdp.num_actions + actions
        outcome = np.searchsorted(self._ends, row + self.np_random.random(self.num_envs), side="right")
        outcome = np.minimum(outcome, tables.first[row + 1] - 1)  # where row + u was rounded up to row + 1
        s_next = np.where(self._over, 0, tables.successor[outcome])
        s_next[self._over] = self._first_states(self._over.sum())
        rewards = np.where(self._over, 0.0, tables.reward[outcome])
        terminated = tables.terminal[s_next] & ~self._over
        self._s, self._over = s_next, terminated
        return s_next.copy(), rewards, terminated.copy(), np.zeros(self.num_envs, bool), {}
