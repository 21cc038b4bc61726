"""Bandits: one choice, made again and again, and nothing known but the rewards of what was chosen.

`Bandits` are many k-armed bandits at once, one for each run. Each algorithm is the loop of a single run, and sees the
`Bandit` of that run; `@player` (see `loops`) has it play all of them, one after the other, and return a `Played`. What
the arguments mean stands in `arguments`, and in `help(epsilon_greedy)`.

Everywhere equal values are equally likely to be chosen. Thompson sampling knows the kind of the rewards; the other
players know nothing but the rewards themselves.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit
from scipy.special import rel_entr

from rlbook._checks import check_array, check_counts, check_memory, check_number, check_rng, shown
from rlbook.arguments import OF_BANDITS, OF_GRADIENT_BANDITS, Argument, PerRun
from rlbook.loops import argmax, compiled


@dataclass(frozen=True, eq=False)
class Bandits:
    """Many bandits, one for each run, each with the same number of arms.

    means   (runs, arms): the mean reward of each arm
    kind    "normal": rewards have the arm's mean and variance 1; "bernoulli": a reward is 1 with probability the arm's
            mean, else 0
    drift   after each step every mean of a normal bandit moves by a normal number with this standard deviation

    The means are copied and read-only; with a drift they are the means at the start.
    Raises ValueError for means that are not (runs, arms), not finite, or no probabilities where they have to be.
    """

    means: np.ndarray
    kind: str = "normal"
    drift: float = 0.0

    def __post_init__(self):
        if self.kind not in ("normal", "bernoulli"):
            raise ValueError(f'kind is {shown(self.kind)}, expected "normal" or "bernoulli"')
        means = check_array("means", self.means).astype(float)
        if means.ndim != 2 or 0 in means.shape:
            raise ValueError(f"means have shape {means.shape}, expected (runs, arms): one row for each bandit")
        allowed, expected = np.isfinite(means), "a finite number"
        if self.kind == "bernoulli":
            allowed, expected = (means >= 0) & (means <= 1), "the probability of a 1, in [0, 1]"
        for run, arm in np.argwhere(~allowed)[:1]:
            raise ValueError(f"means[{run}, {arm}] is {means[run, arm]:g}, expected {expected}")
        drift = check_number("drift", self.drift, least=0, what="a standard deviation")
        if drift > 0 and self.kind == "bernoulli":
            raise ValueError(f"drift is {drift:g}, expected 0: the means of bernoulli arms would leave [0, 1]")
        means.setflags(write=False)
        object.__setattr__(self, "means", means)
        object.__setattr__(self, "drift", drift)


def testbed(rng, *, runs=2000, arms=10, drift=0.0):
    """The ten-armed testbed: in each run the means of the arms are drawn from N(0, 1), and rewards have variance 1.

    Source: Sutton & Barto (2018), section 2.3.
    """
    check_rng(rng)
    check_counts(runs=runs, arms=arms)
    check_memory("the means", 8 * runs * arms, "pass fewer runs or arms")
    return Bandits(rng.normal(size=(runs, arms)), drift=drift)


testbed.__test__ = False  # not one of pytest's


class Played(NamedTuple):
    """What a player did and got in every run, and what it ended with."""

    actions: np.ndarray  # (runs, steps) the arm that was pulled
    rewards: np.ndarray  # (runs, steps) what it paid
    regret: np.ndarray  # (runs, steps) the highest mean at that step less the mean of the arm that was pulled
    q: np.ndarray  # (runs, arms) the last estimates; of the gradient bandit, its preferences
    counts: np.ndarray  # (runs, arms) how often each arm was pulled

    @property
    def optimal(self):
        """(runs, steps) bool: no arm had a higher mean at that step."""
        return self.regret == 0


class Bandit(NamedTuple):
    """The bandit of one run, before it is played."""

    bernoulli: bool
    drift: float
    means: np.ndarray  # (arms,)


class Pulls(NamedTuple):
    """The notes of a game: the first fields of a `Played`, of one run."""

    actions: np.ndarray  # (steps,)
    rewards: np.ndarray  # (steps,)
    regret: np.ndarray  # (steps,)


class Game(NamedTuple):
    """One bandit while it is played. Players may look at the first two, and `pull`."""

    arms: int
    bernoulli: bool
    drift: float
    means: np.ndarray  # (arms,) now
    best: np.ndarray  # (1,) the highest of them
    pulls: Pulls


def _bandits(name, value, call):
    """The bandit of each run."""
    if not isinstance(value, Bandits):
        raise TypeError(f"{call.function} got a {type(value).__name__}, expected a Bandits, such as testbed(rng)")
    return PerRun([Bandit(value.kind == "bernoulli", value.drift, means) for means in value.means])


BANDITS = {"bandits": Argument("a Bandits; the loop plays one bandit of it, in each run another", _bandits)}
player = compiled(Played, BANDITS | OF_BANDITS)


@player
def epsilon_greedy(bandits, *, steps, epsilon, rng, alpha=None, initial_q=0.0):
    """Pull the arm that looks best, but with probability epsilon any arm.

    Greedy is epsilon=0; optimistic is an initial_q above every mean, with a constant alpha.
    Source: Sutton & Barto (2018), sections 2.2 to 2.6; box "A simple bandit algorithm".
    """
    game = new_game(bandits, steps)
    q, counts = initial_q.copy(), np.zeros(game.arms, np.int64)
    for t in range(steps):
        if rng.random() < epsilon[t]:
            a = rng.integers(0, game.arms)
        else:
            a = argmax(q, rng)
        r = pull(game, t, a, rng)
        q[a] += alpha[counts[a]] * (r - q[a])
        counts[a] += 1
    return game.pulls, q, counts


@player
def ucb(bandits, *, steps, c, rng):
    """Pull the arm whose value could still be the highest: its average plus c sqrt(ln t / n).

    Arms that were never tried come first.
    Source: Auer, Cesa-Bianchi & Fischer (2002); Sutton & Barto (2018), section 2.7.
    """
    game = new_game(bandits, steps)
    counts = np.zeros(game.arms, np.int64)
    q, upper = np.zeros(game.arms), np.full(game.arms, np.inf)
    for t in range(steps):
        for a in range(game.arms):
            if counts[a] > 0:
                upper[a] = q[a] + c * np.sqrt(np.log(t + 1) / counts[a])
        a = argmax(upper, rng)
        r = pull(game, t, a, rng)
        counts[a] += 1
        q[a] += (r - q[a]) / counts[a]
    return game.pulls, q, counts


@compiled(Played, BANDITS | OF_GRADIENT_BANDITS)
def gradient_bandit(bandits, *, steps, alpha, rng, baseline=True):
    """Draw an arm from the softmax of preferences; move them along a sampled gradient.

    The gradient is that of the mean reward. The baseline is the average of the rewards before
    the present one; the first reward is compared with itself.
    Source: Sutton & Barto (2018), section 2.8.
    """
    game = new_game(bandits, steps)
    counts = np.zeros(game.arms, np.int64)
    preferences, policy, average = np.zeros(game.arms), np.zeros(game.arms), 0.0
    for t in range(steps):
        softmax(preferences, policy)
        a = draw(policy, rng)
        r = pull(game, t, a, rng)
        compared_with = (average if t > 0 else r) if baseline else 0.0
        for b in range(game.arms):
            preferences[b] += alpha * (r - compared_with) * ((b == a) - policy[b])
        average += (r - average) / (t + 1)
        counts[a] += 1
    return game.pulls, preferences, counts


@player
def thompson_sampling(bandits, *, steps, rng):
    """Draw a value for each arm from what is believed of it; pull the arm of the highest draw.

    At first the mean of a normal arm is believed to be N(0, 1), and that of a bernoulli arm
    Beta(1, 1), which is uniform; q are the means of the beliefs.
    Source: Thompson (1933); Russo et al. (2018).
    """
    game = new_game(bandits, steps)
    counts = np.zeros(game.arms, np.int64)
    q, weight = (np.full(game.arms, 0.5), 2) if game.bernoulli else (np.zeros(game.arms), 1)
    imagined = np.zeros(game.arms)
    for t in range(steps):
        for a in range(game.arms):
            imagined[a] = draw_belief(game.bernoulli, q[a], weight + counts[a], rng)
        a = argmax(imagined, rng)
        r = pull(game, t, a, rng)
        counts[a] += 1
        q[a] += (r - q[a]) / (weight + counts[a])
    return game.pulls, q, counts


# Helpers of the loops, each hiding one thing that would distract there.


@njit(cache=True)
def new_game(bandit, steps):
    """The bandit, to be pulled so many times; its means are copied, since they may drift."""
    means = bandit.means.copy()
    pulls = Pulls(np.zeros(steps, np.int64), np.zeros(steps), np.zeros(steps))
    return Game(len(means), bandit.bernoulli, bandit.drift, means, np.full(1, max(means)), pulls)


@njit(cache=True, forceinline=True)
def pull(game, t, a, rng):
    """The reward of arm a at step t. Notes the step down, and lets the means drift."""
    mean = game.means[a]
    if game.bernoulli:
        r = 1.0 if rng.random() < mean else 0.0
    else:
        r = rng.normal(mean, 1.0)
    game.pulls.actions[t], game.pulls.rewards[t], game.pulls.regret[t] = a, r, game.best[0] - mean
    if game.drift > 0:
        for b in range(game.arms):
            game.means[b] += rng.normal(0.0, game.drift)
        game.best[0] = max(game.means)
    return r


@njit(cache=True)
def softmax(preferences, policy):
    """Write into policy (arms,) the probabilities that are proportional to exp(preferences)."""
    largest, total = max(preferences), 0.0
    for a in range(len(policy)):
        policy[a] = np.exp(preferences[a] - largest)
        total += policy[a]
    for a in range(len(policy)):
        policy[a] /= total


@njit(cache=True)
def draw(policy, rng):
    """An arm, drawn with the probabilities of the policy (arms,)."""
    u, a = rng.random() - policy[0], 0
    while u >= 0 and a < len(policy) - 1:
        a += 1
        u -= policy[a]
    return a


@njit(cache=True)
def draw_belief(bernoulli, q, weight, rng):
    """A draw from the belief whose mean is q and which weighs as much as `weight` rewards."""
    if bernoulli:
        return rng.beta(q * weight, (1 - q) * weight)
    return rng.normal(q, 1 / np.sqrt(weight))


def lai_robbins(means):
    """How fast the regret on bernoulli arms must grow: at least so much for each unit of ln t, in the long run.

    means (..., arms) -> (...,): the sum over the worse arms of (best - mean) / KL(mean, best), with KL the relative
    entropy of two bernoulli distributions. It holds for every player whose regret grows more slowly than any power of t
    on every such bandit. Raises ValueError unless the means are probabilities.
    Source: Lai & Robbins (1985).
    """
    means = check_array("means", means).astype(float)
    if means.ndim == 0 or not ((means >= 0) & (means <= 1)).all():
        raise ValueError(f"means are {shown(means)}, expected (..., arms) of probabilities, in [0, 1]")
    if means.shape[-1] == 0:
        raise ValueError(f"means have shape {means.shape}, expected (..., arms) with at least one arm")
    best = means.max(axis=-1, keepdims=True)
    entropy = rel_entr(means, best) + rel_entr(1 - means, 1 - best)
    gap = best - means
    return np.divide(gap, entropy, out=np.zeros_like(gap), where=gap > 0).sum(axis=-1)
