"""Planning with a model that is learned from the same steps as the values: Dyna-Q, Dyna-Q+ and prioritized sweeping.

The model is the simplest there is: for each state and action the latest outcome. In a deterministic world it is right
as soon as every pair was tried; in a world with chance it takes the last draw for the rule, and the values learned from
it are wrong. When the world changes, it is wrong until the step is made again: `changes` tells a learner's world to do
so. What this and the other arguments mean stands in `arguments`, and in `help(dyna_q)`.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from rlbook.arguments import ARGUMENTS
from rlbook.loops import compiled, epsilon_greedy, learner, new_log, note, world_at
from rlbook.mdp import reset, step


class Swept(NamedTuple):
    """What prioritized sweeping found: a `Learned` that also counts its backups."""

    q: np.ndarray  # (S, A) the learned action values
    returns: np.ndarray  # (episodes,) the sum of the rewards of each episode, undiscounted
    lengths: np.ndarray  # (episodes,) steps taken
    truncated: np.ndarray  # (episodes,) bool: the step limit came before a terminal state
    backups: np.ndarray  # (episodes,) how many values were backed up

    @property
    def policy(self):
        """The policy that is greedy for q, the first of equals: (S,) actions."""
        return self.q.argmax(axis=-1)


@learner
def dyna_q(
    mdp, *, episodes, alpha, epsilon, planning_steps, rng, changes=None, initial_q=0.0, max_steps=10_000, runs=None
):
    """Q-learning from each step of the world and then from `planning_steps` remembered ones.

    What is remembered of a state and an action is the latest outcome: the model of a deterministic
    world. Source: Sutton (1990); Sutton & Barto (2018), section 8.2, box "Tabular Dyna-Q".
    """
    q, log = initial_q.copy(), new_log(episodes)
    model, now = empty_model(mdp), 0
    for episode in range(episodes):
        s, over = reset(world_at(changes, now), rng), False
        while not over:
            a = epsilon_greedy(q[s], epsilon[episode], rng)
            s_next, r, terminated = step(world_at(changes, now), s, a, rng)
            now += 1
            experience = s, a, r, s_next, terminated
            learn(q, experience, alpha[episode], mdp.gamma)
            remember(model, experience)
            for _ in range(planning_steps):
                s_past, a_past = recall(model, rng)
                learn(q, predict(model, s_past, a_past), alpha[episode], mdp.gamma)
            over = note(log, episode, r, terminated, max_steps)
            s = s_next
    return q, log


@learner
def dyna_q_plus(
    mdp, *, episodes, alpha, epsilon, planning_steps, kappa, rng,
    changes=None, initial_q=0.0, max_steps=10_000, runs=None,
):  # fmt: skip
    """Dyna-Q that pays itself, while planning, for pairs that it has not tried for long.

    A pair last tried tau steps of the world ago earns kappa * sqrt(tau) on top. Actions never
    tried in a state that was visited are planned for too: the model says that they stay, for
    nothing. Source: Sutton (1990); Sutton & Barto (2018), section 8.3, with its footnote.
    """
    q, log = initial_q.copy(), new_log(episodes)
    model, now = empty_model(mdp), 0
    last_tried = np.zeros(q.shape, np.int64)
    for episode in range(episodes):
        s, over = reset(world_at(changes, now), rng), False
        while not over:
            a = epsilon_greedy(q[s], epsilon[episode], rng)
            s_next, r, terminated = step(world_at(changes, now), s, a, rng)
            now += 1
            experience = s, a, r, s_next, terminated
            learn(q, experience, alpha[episode], mdp.gamma)
            remember(model, experience)
            last_tried[s, a] = now
            for _ in range(planning_steps):
                s_past, _ = recall(model, rng)
                a_past = below(mdp.num_actions, rng)
                bonus = kappa * np.sqrt(now - last_tried[s_past, a_past])
                _, _, r_past, s_then, ended = predict(model, s_past, a_past)
                experience = s_past, a_past, r_past + bonus, s_then, ended
                learn(q, experience, alpha[episode], mdp.gamma)
            over = note(log, episode, r, terminated, max_steps)
            s = s_next
    return q, log


@compiled(Swept, ARGUMENTS)
def prioritized_sweeping(
    mdp, *, episodes, alpha, epsilon, planning_steps, theta, rng,
    changes=None, initial_q=0.0, max_steps=10_000, runs=None,
):  # fmt: skip
    """Back up first the value that is most wrong, then whatever the model says leads there.

    After each step of the world at most `planning_steps` pairs are backed up, the most wrong
    first; a pair waits for it only if its error was above theta.
    Source: Moore & Atkeson (1993); Peng & Williams (1993); Sutton & Barto (2018), section 8.4, box
    "Prioritized sweeping for a deterministic environment".
    """
    q, log = initial_q.copy(), new_log(episodes)
    model, queue, now = empty_model(mdp), empty_queue(q.size), 0
    backups = np.zeros(episodes, np.int64)
    for episode in range(episodes):
        s, over = reset(world_at(changes, now), rng), False
        while not over:
            a = epsilon_greedy(q[s], epsilon[episode], rng)
            s_next, r, terminated = step(world_at(changes, now), s, a, rng)
            now += 1
            experience = s, a, r, s_next, terminated
            remember(model, experience)
            push_if_wrong(queue, q, experience, mdp.gamma, theta)
            for _ in range(planning_steps):
                if is_empty(queue):
                    break
                s_past, a_past = divmod(pop(queue), mdp.num_actions)
                learn(q, predict(model, s_past, a_past), alpha[episode], mdp.gamma)
                backups[episode] += 1
                for s_before, a_before in leading_to(model, s_past):
                    push_if_wrong(queue, q, predict(model, s_before, a_before), mdp.gamma, theta)
            over = note(log, episode, r, terminated, max_steps)
            s = s_next
    return q, log, backups


# Learning from an experience, which is a tuple (s, a, r, s', terminated), whether it was made or remembered.


@njit(cache=True)
def td_error(q, experience, gamma):
    """How far the value of the experience's pair is from its target: delta of Q-learning."""
    s, a, r, s_next, terminated = experience
    target = r if terminated else r + gamma * max(q[s_next])
    return target - q[s, a]


@njit(cache=True)
def learn(q, experience, alpha, gamma):
    """Q-learning's update of q (S, A)."""
    s, a, _, _, _ = experience
    q[s, a] += alpha * td_error(q, experience, gamma)


class Model(NamedTuple):
    """The latest outcome of each pair (s, a), and lists of what there is: arrays that `remember` fills in place."""

    reward: np.ndarray  # (S, A); of a pair never tried 0
    successor: np.ndarray  # (S, A) next state; of a pair never tried s itself
    terminated: np.ndarray  # (S, A) bool
    visited: np.ndarray  # (S,) the states in which an action was taken, in the order in which that came about
    num_visited: np.ndarray  # (1,) how many there are
    tried: np.ndarray  # (S, A) row s: the actions taken in s, in the same manner
    num_tried: np.ndarray  # (S,) how many there are
    into: np.ndarray  # (S,) a pair, as s * A + a, whose outcome is this state, or -1: the head of a linked list
    into_too: np.ndarray  # (S * A,) the next pair of that list, or -1


@njit(cache=True)
def empty_model(mdp):
    """A model that knows nothing yet."""
    S, A = mdp.num_states, mdp.num_actions
    return Model(
        reward=np.zeros((S, A)),
        successor=np.repeat(np.arange(S), A).reshape(S, A),
        terminated=np.zeros((S, A), np.bool_),
        visited=np.zeros(S, np.int64),
        num_visited=np.zeros(1, np.int64),
        tried=np.zeros((S, A), np.int64),
        num_tried=np.zeros(S, np.int64),
        into=np.full(S, -1),
        into_too=np.full(S * A, -1),
    )


@njit(cache=True)
def remember(model, experience):
    """Let the model predict this experience from now on."""
    s, a, r, s_next, terminated = experience
    pair = s * model.reward.shape[1] + a
    if a not in model.tried[s, : model.num_tried[s]]:
        if model.num_tried[s] == 0:
            model.visited[model.num_visited[0]] = s
            model.num_visited[0] += 1
        model.tried[s, model.num_tried[s]] = a
        model.num_tried[s] += 1
        _link(model, pair, s_next)
    elif model.successor[s, a] != s_next:
        _unlink(model, pair, model.successor[s, a])
        _link(model, pair, s_next)
    model.reward[s, a], model.successor[s, a], model.terminated[s, a] = r, s_next, terminated


@njit(cache=True)
def _link(model, pair, s_next):
    model.into_too[pair], model.into[s_next] = model.into[s_next], pair


@njit(cache=True)
def _unlink(model, pair, s_next):
    if model.into[s_next] == pair:
        model.into[s_next] = model.into_too[pair]
        return
    before = model.into[s_next]
    while model.into_too[before] != pair:
        before = model.into_too[before]
    model.into_too[before] = model.into_too[pair]


@njit(cache=True)
def recall(model, rng):
    """Draw one of the states seen before, and one of the actions taken in it."""
    s = model.visited[below(model.num_visited[0], rng)]
    return s, model.tried[s, below(model.num_tried[s], rng)]


@njit(cache=True)
def below(count, rng):
    """Draw from 0, 1, ..., count - 1, many times faster than the compiled rng.integers does."""
    return int(count * rng.random())


@njit(cache=True)
def predict(model, s, a):
    """The experience that the model expects of action a in state s."""
    return s, a, model.reward[s, a], model.successor[s, a], model.terminated[s, a]


@njit(cache=True)
def leading_to(model, s):
    """The pairs (state, action) that the model says lead to s, a list."""
    pairs = []
    pair = model.into[s]
    while pair >= 0:
        pairs.append((pair // model.reward.shape[1], pair % model.reward.shape[1]))
        pair = model.into_too[pair]
    return pairs


class Queue(NamedTuple):
    """Pairs, as s * A + a, that wait in the order of their priorities: a binary heap in arrays, changed in place."""

    heap: np.ndarray  # (S * A,) the pairs; the one at place i has no lower priority than those at 2 i + 1 and 2 i + 2
    size: np.ndarray  # (1,) how many wait
    place: np.ndarray  # (S * A,) where each pair stands in the heap, or -1
    priority: np.ndarray  # (S * A,)


@njit(cache=True)
def empty_queue(num_pairs):
    """A queue in which nothing waits yet."""
    none = np.full(num_pairs, -1)
    return Queue(heap=none, size=np.zeros(1, np.int64), place=none.copy(), priority=np.zeros(num_pairs))


@njit(cache=True)
def is_empty(queue):
    return queue.size[0] == 0


@njit(cache=True)
def push_if_wrong(queue, q, experience, gamma, theta):
    """Let the experience's pair wait, with the size of its error as priority, if that is above theta."""
    s, a, _, _, _ = experience
    error = abs(td_error(q, experience, gamma))
    if error > theta:
        push(queue, s * q.shape[1] + a, error)


@njit(cache=True)
def push(queue, pair, priority):
    """Let a pair wait with this priority; one that waits already keeps its own where that is higher."""
    i = queue.place[pair]
    if i < 0:
        i = queue.size[0]
        queue.size[0] += 1
    elif priority <= queue.priority[pair]:
        return
    queue.priority[pair] = priority
    while i > 0 and queue.priority[queue.heap[(i - 1) // 2]] < priority:
        _put(queue, queue.heap[(i - 1) // 2], i)
        i = (i - 1) // 2
    _put(queue, pair, i)


@njit(cache=True)
def pop(queue):
    """Take out the pair of the highest priority."""
    first = queue.heap[0]
    queue.size[0] -= 1
    size, i = queue.size[0], 0
    pair = queue.heap[size]  # the last one fills the gap, and sinks to where it belongs
    while 2 * i + 1 < size:
        child = 2 * i + 1
        if child + 1 < size and queue.priority[queue.heap[child + 1]] > queue.priority[queue.heap[child]]:
            child += 1
        if queue.priority[queue.heap[child]] <= queue.priority[pair]:
            break
        _put(queue, queue.heap[child], i)
        i = child
    _put(queue, pair, i)
    queue.place[first] = -1
    return first


@njit(cache=True)
def _put(queue, pair, i):
    queue.heap[i], queue.place[pair] = pair, i
