"""Bandits: one choice, made again and again, and nothing known but the rewards of what was chosen.

`Bandits` are many k-armed bandits at once, one for each run. Each algorithm is the loop of a single run; `@player` gives
it its public form (see `public`), which plays the runs one after the other and returns a `Played`.

Everywhere equal values are equally likely to be chosen. Thompson sampling knows the kind of the rewards; the other
players know nothing but the rewards themselves.
"""

from dataclasses import dataclass
from itertools import repeat
from typing import NamedTuple

import numpy as np
from numba import njit
from scipy.special import rel_entr

from rlbook._checks import check_array, check_counts, check_memory, check_number, check_rng, shown
from rlbook.tabular.public import (
    Argument,
    arguments_of,
    at_least_zero,
    count,
    generator,
    public_form,
    schedule,
    table,
)


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
    optimal: np.ndarray  # (runs, steps) bool: no arm had a higher mean at that step
    regret: np.ndarray  # (runs, steps) the highest mean at that step less the mean of the arm that was pulled
    q: np.ndarray  # (runs, arms) the last estimates; of the gradient bandit, its preferences
    counts: np.ndarray  # (runs, arms) how often each arm was pulled


class Game(NamedTuple):
    """One bandit while it is played, and the notes of the play. Players may look at the first two and use `pull`."""

    arms: int
    bernoulli: bool
    drift: float
    means: np.ndarray  # (arms,) now
    best: np.ndarray  # (1,) the highest of them
    actions: np.ndarray  # (steps,)
    rewards: np.ndarray  # (steps,)
    regret: np.ndarray  # (steps,)


def player(**own):
    """A decorator: make the loop of one run callable on `Bandits`. `own` replaces entries of ARGUMENTS.

    The loop takes a Game and the number of steps first, a generator last, and between them what its parameters' names
    stand for in ARGUMENTS.
    """

    def decorate(loop):
        of_loop = arguments_of(loop, ARGUMENTS | own, first=2)
        around = {"bandits": BANDITS, "steps": STEPS} | of_loop | {"rng": RNG}

        def call_loop(run, given):
            bandits, steps, rng = (around[name].check(name, given[name], loop) for name in ("bandits", "steps", "rng"))
            bytes_of_record = 25 * len(bandits.means) * steps
            check_memory("the record", bytes_of_record, f"pass fewer steps ({steps:,}), or Bandits of fewer runs")
            settings = []  # for each parameter of the loop, what each run gets
            for name, argument in of_loop.items():
                value = argument.check(name, given[name], Call(bandits, steps))
                settings.append(value if argument.per_run else repeat(value))
            played = _blank(bandits, steps)
            for i, (game, *own_settings) in enumerate(zip(_games(bandits, played), *settings)):
                played.q[i], played.counts[i] = run(game, steps, *own_settings, rng)
            return played._replace(optimal=played.regret == 0)

        return public_form(loop, around, call_loop, Played)

    return decorate


def _blank(bandits, steps):
    """A record to be filled in."""
    runs, arms = bandits.means.shape
    actions, rewards, regret = np.zeros((runs, steps), np.int64), np.zeros((runs, steps)), np.zeros((runs, steps))
    return Played(actions, rewards, None, regret, np.zeros((runs, arms)), np.zeros((runs, arms), np.int64))


def _games(bandits, played):
    """For each run the game, whose notes are the run's rows of the record."""
    means, best = bandits.means.copy(), bandits.means.max(axis=1, keepdims=True)
    world = means.shape[1], bandits.kind == "bernoulli", bandits.drift
    for row in zip(means, best, played.actions, played.rewards, played.regret, strict=True):
        yield Game(*world, *row)


# The checks: each gets the public name, the value, and the call, and returns what the loop reads.


class Call(NamedTuple):
    """What the check of one argument may ask about the others."""

    bandits: Bandits
    steps: int


def _bandits(name, value, loop):
    if not isinstance(value, Bandits):
        raise TypeError(f"{loop.__name__} got a {type(value).__name__}, expected a Bandits, such as testbed(rng)")
    return value


def _positive(name, value, call):
    return check_number(name, value, above=0, what="a positive number")


def _flag(name, value, call):
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{name} is {shown(value)}, expected True or False")
    return bool(value)


def _probabilities(name, value, call):
    """A number in [0, 1] for each step."""
    return schedule(name, value, call.steps, "step", "in [0, 1]", lambda x: (x >= 0) & (x <= 1))


def _step_sizes(name, value, call):
    """A number in (0, 1] for each time that an arm may be pulled; by default those of the sample average."""
    if value is None:
        return 1 / np.arange(1.0, call.steps + 1)
    rounding = 1e-9  # 0.1 / (1 - 0.9) is a little above 1
    sizes = schedule(name, value, call.steps, "pull", "in (0, 1]", lambda x: (x > 0) & (x <= 1 + rounding))
    return np.minimum(sizes, 1.0)


def _initial(name, value, call):
    """Estimates (runs, arms) to start from."""
    runs, arms = call.bandits.means.shape
    return table(name, value, (arms,), runs)


BANDITS = Argument("a Bandits", _bandits, by_position=True)
STEPS = Argument("how many, in each run", count)
RNG = Argument("a numpy Generator; the runs draw from it one after the other", generator)
ARGUMENTS = {
    "epsilon": Argument("exploration in [0, 1]: a number, or (steps,), one for each step", _probabilities),
    "alpha": Argument(
        "step size in (0, 1]: a number, or (steps,), where alpha[n] is for the pull of an arm that was pulled n times "
        "before; None is 1 / (n + 1), which makes q the sample average",
        _step_sizes,
        default=None,
    ),
    "q": Argument(
        "the estimates to start from: a number, (arms,) or (runs, arms)",
        _initial,
        0.0,
        public="initial_q",
        per_run=True,
    ),
    "c": Argument("the weight of the bonus sqrt(ln t / n): a number, at least 0", at_least_zero),
    "baseline": Argument("whether rewards are compared with their average so far", _flag, default=True),
}


@player()
def epsilon_greedy(game, steps, epsilon, alpha, q, rng):
    """Pull the arm that looks best, but with probability epsilon any arm.

    Greedy is epsilon=0; optimistic is an initial_q above every mean, with a constant alpha.
    Source: Sutton & Barto (2018), sections 2.2 to 2.6; box "A simple bandit algorithm".
    """
    counts = np.zeros(game.arms, np.int64)
    for t in range(steps):
        if rng.random() < epsilon[t]:
            a = rng.integers(0, game.arms)
        else:
            a = argmax(q, rng)
        r = pull(game, t, a, rng)
        q[a] += alpha[counts[a]] * (r - q[a])
        counts[a] += 1
    return q, counts


@player()
def ucb(game, steps, c, rng):
    """Pull the arm whose value could still be the highest: its average plus c sqrt(ln t / n).

    Arms that were never tried come first.
    Source: Auer, Cesa-Bianchi & Fischer (2002); Sutton & Barto (2018), section 2.7.
    """
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
    return q, counts


@player(alpha=Argument("step size, a positive number", _positive))
def gradient_bandit(game, steps, alpha, baseline, rng):
    """Draw an arm from the softmax of preferences; move them along a sampled gradient.

    The gradient is that of the mean reward. The baseline is the average of the rewards before
    the present one; the first reward is compared with itself.
    Source: Sutton & Barto (2018), section 2.8.
    """
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
    return preferences, counts


@player()
def thompson_sampling(game, steps, rng):
    """Draw a value for each arm from what is believed of it; pull the arm of the highest draw.

    At first the mean of a normal arm is believed to be N(0, 1), and that of a bernoulli arm
    Beta(1, 1), which is uniform; q are the means of the beliefs.
    Source: Thompson (1933); Russo et al. (2018).
    """
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
    return q, counts


# Helpers of the loops, each hiding one thing that would distract there.


@njit(cache=True, forceinline=True)
def pull(game, t, a, rng):
    """The reward of arm a at step t. Notes the step down, and lets the means drift."""
    mean = game.means[a]
    if game.bernoulli:
        r = 1.0 if rng.random() < mean else 0.0
    else:
        r = rng.normal(mean, 1.0)
    game.actions[t], game.rewards[t], game.regret[t] = a, r, game.best[0] - mean
    if game.drift > 0:
        for b in range(game.arms):
            game.means[b] += rng.normal(0.0, game.drift)
        game.best[0] = max(game.means)
    return r


@njit(cache=True, forceinline=True)
def argmax(values, rng):
    """The place of the largest of some values; of equals, each with the same chance."""
    best, ties = 0, 1
    for a in range(1, len(values)):
        if values[a] > values[best]:
            best, ties = a, 1
        elif values[a] == values[best]:
            ties += 1
            if rng.random() * ties < 1:  # the k-th of equals comes in with probability 1/k
                best = a
    return best


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
    best = means.max(axis=-1, keepdims=True)
    entropy = rel_entr(means, best) + rel_entr(1 - means, 1 - best)
    gap = best - means
    return np.divide(gap, entropy, out=np.zeros_like(gap), where=gap > 0).sum(axis=-1)
