"""The finite Markov decision process: the object the whole book stands on.

Everything known about the problem is in the arrays of a `FiniteMDP`: planning reads them directly, learning only ever
sees the steps sampled from them. Arrays are indexed by state s and action a, both counted from 0.
"""

from collections.abc import Mapping, Sized
from typing import NamedTuple

import numpy as np
import scipy.sparse
from numba import njit, types
from numba.core import cgutils
from numba.extending import (
    NativeValue,
    make_attribute_wrapper,
    models,
    overload_method,
    register_model,
    typeof_impl,
    unbox,
)

from rlbook._checks import check_array, check_number, check_rng, rounding_of, shown


class Tables(NamedTuple):
    """The arrays of a `FiniteMDP` in the form that compiled loops read: for each (s, a), the list of what can follow.

    Row s * num_actions + a has its outcomes at positions first[row] to first[row + 1] - 1 of the other arrays.
    """

    num_states: int
    num_actions: int
    gamma: float
    terminal: np.ndarray  # (S,) bool
    start_cumulative: np.ndarray  # (S,) cumulative probabilities of the first state
    first: np.ndarray  # (S * A + 1,)
    successor: np.ndarray  # (N,) next state of each outcome
    probability: np.ndarray  # (N,) probability of each outcome
    cumulative: np.ndarray  # (N,) cumulative probabilities within each row
    reward: np.ndarray  # (N,) reward of each outcome


OWN = {"num_states", "num_actions", "P", "R", "start", "terminal", "state_names", "action_names", "tables"}


class FiniteMDP:
    """A Markov decision process with S states and A actions, all of it in arrays.

    P               (S, A, S): P[s, a, s'] is p(s'|s, a). For large problems a scipy.sparse array (S * A, S) whose row
                    s * A + a is the distribution of the next state.
    R               (S, A): R[s, a] is r(s, a). Where the reward depends on the next state, (S, A, S), or a sparse array
                    (S * A, S) beside a sparse P.
    gamma           the discount, in [0, 1].
    start           (S,) distribution of the first state, or a single state. Default: every non-terminal state alike.
    terminal        (S,) bool. A terminal state ends the episode: it is absorbing and worth 0, so what P and R say about
                    leaving it is not used.
    state_names, action_names     for printing; the numbers where left out.

    The arrays are copied and checked; they are read-only from then on, and so are the attributes (AttributeError), so
    that all solvers see the same MDP; others may be added. Rows of P that sum to one up to rounding are scaled to do so
    exactly. `mdp.R` is always the expected reward (S, A); `step` pays the reward of the outcome that occurred.
    Raises ValueError naming the place, what was found and what was expected.
    Source: Sutton & Barto (2018), section 3.1.
    """

    def __init__(self, P, R, gamma, start=None, terminal=None, state_names=None, action_names=None):
        gamma = _check_gamma(gamma)
        self.num_states, self.num_actions = _count(P)
        self.terminal = _check_terminal(terminal, self.num_states)
        self.start = _check_start(start, self.terminal)
        self.state_names = _check_names("state_names", state_names, self.num_states)
        self.action_names = _check_names("action_names", action_names, self.num_actions)

        rows = _check_rows(P, self.terminal, self.num_actions)
        rewards, self.R = _check_rewards(R, rows, self.terminal, self.num_actions)
        shape = (self.num_states, self.num_actions, self.num_states)
        self.P = rows if scipy.sparse.issparse(P) else rows.toarray().reshape(shape)
        self.tables = _tables(self, gamma, rows, rewards)  # the last attribute: from here on none can be set
        self._make_arrays_read_only()

    def _make_arrays_read_only(self):
        P = (self.P.data, self.P.indices, self.P.indptr) if scipy.sparse.issparse(self.P) else (self.P,)
        for array in (*P, self.R, self.terminal, self.start, *self.tables[3:]):
            array.setflags(write=False)

    def __setattr__(self, name, value):
        if "tables" in vars(self):
            self._refuse("set", name)
        super().__setattr__(name, value)

    def __delattr__(self, name):
        self._refuse("delete", name)
        super().__delattr__(name)

    def _refuse(self, verb, name):
        """Raise AttributeError for what makes it this MDP; what others keep beside it is theirs to change."""
        if name in OWN or hasattr(FiniteMDP, name):
            raise AttributeError(
                f"cannot {verb} `{name}` of a FiniteMDP: it never changes, as loops and solvers read other forms of the "
                "same arrays. Expected a new FiniteMDP(P, R, gamma, ...) with what is to be different"
            )

    def __setstate__(self, state):
        """A copy or what was pickled: NumPy makes its arrays writeable."""
        vars(self).update(state)
        self._make_arrays_read_only()

    @property
    def gamma(self):
        """The discount."""
        return self.tables.gamma

    def __repr__(self):
        kind = "sparse" if scipy.sparse.issparse(self.P) else "dense"
        return f"FiniteMDP({self.num_states} states, {self.num_actions} actions, gamma={self.gamma:g}, {kind})"

    def expect(self, v):
        """The mean of v (S,) at the next state, for each state and action: (S, A)."""
        v = check_array("v", v).astype(float, copy=False)
        if v.shape != (self.num_states,):
            raise ValueError(f"v has shape {v.shape}, expected ({self.num_states},): one value for each state")
        # Column-major, because a maximum over actions is then twenty times faster than over the rows of a tall array.
        return np.asfortranarray((self.P @ v).reshape(self.num_states, self.num_actions))

    def reset(self, rng):
        """Draw the first state of an episode."""
        check_rng(rng)
        return int(reset(self, rng))

    def step(self, s, a, rng):
        """Take action a in state s. Returns s', the reward of that very step, and whether s' is terminal."""
        if s not in range(self.num_states) or a not in range(self.num_actions):
            raise ValueError(
                f"step(s={s}, a={a}): expected s in 0..{self.num_states - 1} and a in 0..{self.num_actions - 1}"
            )
        check_rng(rng)
        s_next, r, terminated = step(self, int(s), int(a), rng)
        return int(s_next), float(r), bool(terminated)

    @classmethod
    def from_gymnasium(cls, env, gamma, state_names=None, action_names=None):
        """The MDP behind a Gymnasium environment with a transition table: FrozenLake, Taxi, CliffWalking and their kind.

        A step that the table calls terminated is worth its reward and nothing after it. Where such a step ends in a
        state that other steps can pass through, it leads to one more, terminal, state instead. A time limit of the
        environment is not part of its table, and so not of the MDP. All states that a step can be taken in need the
        same number of actions. With gamma = 1, a state that no step can be in and that would never end is terminal.
        Raises ValueError or TypeError for a table that is none (P[s][a] is named), for a wrapper that may change a step,
        and for an environment known to do more than its table says: Taxi's fickle passenger, a `step` of its own.
        """
        from rlbook.gymnasium_bridge import read_environment

        gamma = _check_gamma(gamma)
        return cls(**read_environment(env, gamma), gamma=gamma, state_names=state_names, action_names=action_names)

    def to_gymnasium(self, num_envs=None):
        """This MDP as a `gymnasium.Env` with discrete observations and actions; `reset(seed=...)` seeds its steps.

        With num_envs, a `gymnasium.vector.VectorEnv` of so many copies, all stepped at once.
        """
        from rlbook.gymnasium_bridge import MDPEnv, MDPVectorEnv

        return MDPEnv(self) if num_envs is None else MDPVectorEnv(self, num_envs)


def check_mdp(mdp):
    """Raise TypeError unless it is a FiniteMDP."""
    if not isinstance(mdp, FiniteMDP):
        raise TypeError(f"mdp is {shown(mdp)}, expected a FiniteMDP")


# Sampling, for Python and for compiled loops alike.


@njit(cache=True)
def reset(mdp, rng):
    """Draw the first state of an episode."""
    return np.searchsorted(mdp.tables.start_cumulative, rng.random(), side="right")


@njit(cache=True)
def step(mdp, s, a, rng):
    """Draw what follows action a in state s: next state, reward, whether the episode is over."""
    tables = mdp.tables
    outcome = tables.first[s * tables.num_actions + a]
    u = rng.random()  # below 1, which the last cumulative probability is: the search ends within the row
    while u >= tables.cumulative[outcome]:
        outcome += 1
    s_next = tables.successor[outcome]
    return s_next, tables.reward[outcome], tables.terminal[s_next]


# A FiniteMDP in a compiled loop: Numba reads these of its attributes, by their names, and knows no others.

FLAGS, WHOLE, REAL = (types.Array(of, 1, "C", readonly=True) for of in (types.boolean, types.int64, types.float64))
COUNTS = (types.int64, types.int64, types.float64)
COMPILED = {
    "num_states": types.int64,
    "num_actions": types.int64,
    "gamma": types.float64,
    "terminal": FLAGS,
    "tables": types.NamedTuple((*COUNTS, FLAGS, REAL, WHOLE, WHOLE, REAL, REAL, REAL), Tables),
}


class MDPType(types.Type):
    """The type of every FiniteMDP."""

    def __init__(self):
        super().__init__("FiniteMDP")


@register_model(MDPType)
class MDPModel(models.StructModel):
    """What a compiled loop holds of it."""

    def __init__(self, manager, kind):
        super().__init__(manager, kind, list(COMPILED.items()))


for _name in COMPILED:
    make_attribute_wrapper(MDPType, _name, _name)


MDP_TYPE = MDPType()


@typeof_impl.register(FiniteMDP)
def _typeof(mdp, context):
    return MDP_TYPE


@overload_method(MDPType, "reset")
def _reset(mdp, rng):
    return reset.py_func


@overload_method(MDPType, "step")
def _step(mdp, s, a, rng):
    return step.py_func


@unbox(MDPType)
def _unbox(kind, mdp, context):
    """Read the attributes of the object that a compiled loop is called with."""
    held = cgutils.create_struct_proxy(kind)(context.context, context.builder)
    for name, kind_of_attribute in COMPILED.items():
        attribute = context.pyapi.object_getattr_string(mdp, name)
        setattr(held, name, context.unbox(kind_of_attribute, attribute).value)
        context.pyapi.decref(attribute)
    failed = cgutils.is_not_null(context.builder, context.pyapi.err_occurred())
    return NativeValue(held._getvalue(), is_error=failed)


# Construction: each check names the place, what was found, and what was expected. Inside, transitions are always the
# rows of a sparse array (S * A, S), row s * A + a for state s and action a.


def _check_gamma(gamma):
    return check_number("gamma", gamma, least=0, most=1, what="a discount")


def _count(P):
    """The numbers of states and actions that the shape of P implies."""
    sparse = scipy.sparse.issparse(P)
    shape = _shape("P", P)
    if sparse and len(shape) == 2 and 0 not in shape and shape[0] % shape[1] == 0:
        return shape[1], shape[0] // shape[1]
    if not sparse and len(shape) == 3 and 0 not in shape and shape[0] == shape[2]:
        return shape[:2]
    expected = "(S * A, S)" if sparse else "(S, A, S)"
    raise ValueError(f"P has shape {shape}, expected {expected}: a distribution of the next state for each (s, a)")


def _shape(name, given):
    """The shape of an array of real numbers, sparse or not."""
    real_and_sparse = scipy.sparse.issparse(given) and given.dtype.kind in "biuf"
    return given.shape if real_and_sparse else check_array(name, given).shape


def _check_rows(P, terminal, num_actions):
    """P as sparse rows, a copy; each row a probability distribution, and every action in a terminal state stays there."""
    rounding = rounding_of(P.dtype if scipy.sparse.issparse(P) else check_array("P", P).dtype)
    rows = _without_terminal(_rows(P, len(terminal) * num_actions), terminal, num_actions)
    _check_entries(rows, num_actions, lambda p: np.isfinite(p) & (p >= 0), "P", "finite probabilities, none negative")
    stays = np.flatnonzero(np.repeat(terminal, num_actions))
    staying = scipy.sparse.csr_array((np.ones(stays.size), (stays, stays // num_actions)), shape=rows.shape)
    rows = scipy.sparse.csr_array(rows + staying)
    rows.eliminate_zeros()
    rows.sort_indices()
    sums = rows.sum(axis=1)
    wrong = np.flatnonzero(np.abs(sums - 1) > rounding)
    if wrong.size:
        s, a = divmod(int(wrong[0]), num_actions)
        raise ValueError(
            f"P[s={s}, a={a}] sums to {sums[wrong[0]]:.10g}, not 1: probabilities of leaving a state must sum to one"
        )
    rows.data /= np.repeat(sums, np.diff(rows.indptr))
    return rows


def _rows(array, num_rows):
    """The array of P or R as sparse rows of floats, a copy."""
    if scipy.sparse.issparse(array):
        return scipy.sparse.csr_array(array, copy=True).astype(float, copy=False)
    return scipy.sparse.csr_array(np.reshape(np.asarray(array, dtype=float), (num_rows, -1)), copy=True)


def _without_terminal(rows, terminal, num_actions):
    """The same rows with zeros for what is said of terminal states."""
    rows.data[np.repeat(np.repeat(terminal, num_actions), np.diff(rows.indptr))] = 0
    return rows


def _check_entries(rows, num_actions, is_good, name, expected):
    """Raise ValueError at the first entry of the sparse rows that is not good."""
    wrong = np.flatnonzero(~is_good(rows.data))
    if wrong.size:
        row = np.searchsorted(rows.indptr, wrong[0], side="right") - 1
        s, a = divmod(int(row), num_actions)
        raise ValueError(f"{name}[s={s}, a={a}] holds {rows.data[wrong[0]]:g}: expected {expected}")


def _check_terminal(terminal, num_states):
    if terminal is None:
        return np.zeros(num_states, dtype=bool)
    terminal = check_array("terminal", terminal).copy()
    if terminal.shape != (num_states,) or terminal.dtype != bool:
        raise ValueError(
            f"terminal has shape {terminal.shape} and type {terminal.dtype}, expected ({num_states},) and bool"
        )
    return terminal


def _check_start(start, terminal):
    """The distribution of the first state, (S,)."""
    num_states = len(terminal)
    if terminal.all():
        raise ValueError("every state is terminal: no episode can start")
    if start is None:
        start = ~terminal / np.sum(~terminal)
    elif np.ndim(start) == 0:
        if not (np.issubdtype(np.asarray(start).dtype, np.integer) and 0 <= start < num_states):
            raise ValueError(f"start is {shown(start)}, expected a state in 0..{num_states - 1} or a distribution (S,)")
        start = np.eye(1, num_states, int(start))[0]
    start = check_array("start", start)
    rounding, start = rounding_of(start.dtype), start.astype(float)
    if start.shape != (num_states,):
        raise ValueError(f"start has shape {start.shape}, expected ({num_states},): a probability for each state")
    wrong = np.flatnonzero(~np.isfinite(start) | (start < 0))
    if wrong.size:
        raise ValueError(f"start[s={wrong[0]}] is {start[wrong[0]]:g}: expected finite probabilities, none negative")
    if abs(start.sum() - 1) > rounding:
        raise ValueError(f"start sums to {start.sum():.10g}, not 1: it must be a distribution over states")
    wrong = np.flatnonzero(terminal & (start > 0))
    if wrong.size:
        raise ValueError(f"start[s={wrong[0]}] is {start[wrong[0]]:g}, but state {wrong[0]} is terminal: expected 0")
    return start if rounding == rounding_of(float) else start / start.sum()


def _check_names(kind, names, count):
    unordered = isinstance(names, str | bytes | Mapping | set | frozenset)  # or one text, read letter by letter
    if unordered or not isinstance(names, Sized | None):
        raise TypeError(f"{kind} is {shown(names)}, expected {count} names, in a list")
    names = tuple(str(number) for number in range(count)) if names is None else tuple(names)
    if len(names) != count:
        raise ValueError(f"{kind} has {len(names)} names, expected {count}")
    return names


def _check_rewards(R, rows, terminal, num_actions):
    """The reward of each entry of the rows, in their order, and the expected reward (S, A); both 0 in terminal states."""
    num_rows, num_states = rows.shape
    shape = (num_states, num_actions)
    sparse = scipy.sparse.issparse(R)
    found = _shape("R", R)
    if found not in (shape, rows.shape if sparse else (*shape, num_states)):
        raise ValueError(
            f"R has shape {found}, expected {shape}, or {(*shape, num_states)} where the reward depends on the next "
            f"state (sparse: {rows.shape})"
        )
    if sparse and found == rows.shape:
        _check_one_reward_each(R)
    R = R.toarray() if sparse and found == shape else R
    given = _without_terminal(_rows(R, num_rows), terminal, num_actions)
    _check_entries(given, num_actions, np.isfinite, "R", "finite rewards")
    entry_rows = np.repeat(np.arange(num_rows), np.diff(rows.indptr))
    if found == shape:
        expected = given.toarray().reshape(-1)
        rewards = expected[entry_rows]
    else:
        rewards = given[entry_rows, rows.indices]
        expected = np.bincount(entry_rows, weights=rows.data * rewards, minlength=num_rows)
    return rewards, np.asfortranarray(expected.reshape(shape))


def _check_one_reward_each(R):
    """Raise ValueError if a sparse R has two entries at one place: converting it would silently add them up."""
    entries = R.tocoo()
    if np.unique(entries.row.astype(np.int64) * R.shape[1] + entries.col).size < entries.nnz:
        raise ValueError("a sparse R has several entries for one (s, a, s'): expected one reward for each")


@njit(cache=True)
def _cumulative_in_rows(first, probabilities):
    cumulative = probabilities.copy()
    for row in range(len(first) - 1):
        for outcome in range(first[row] + 1, first[row + 1]):
            cumulative[outcome] += cumulative[outcome - 1]
        cumulative[first[row + 1] - 1] = 1.0  # whatever the rounding
    return cumulative


def _tables(mdp, gamma, rows, rewards):
    start_cumulative = np.cumsum(mdp.start)
    start_cumulative[np.flatnonzero(mdp.start)[-1] :] = 1.0  # whatever the rounding, a draw lands on a possible state
    first = rows.indptr.astype(np.int64)
    return Tables(
        num_states=mdp.num_states,
        num_actions=mdp.num_actions,
        gamma=gamma,
        terminal=mdp.terminal,
        start_cumulative=start_cumulative,
        first=first,
        successor=rows.indices.astype(np.int64),
        probability=rows.data,
        cumulative=_cumulative_in_rows(first, rows.data),
        reward=rewards,
    )
