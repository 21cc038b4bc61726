"""The bandits: hand-worked plays, exact probabilities and means, a full enumeration, and one source compiled or not."""

import re
from functools import cache

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import betaln
from scipy.stats import norm

from rlbook.tabular.bandits import (
    Bandits,
    epsilon_greedy,
    gradient_bandit,
    lai_robbins,
    testbed,
    thompson_sampling,
    ucb,
)

BEST_OF_TEN = 1.53875  # REFERENCES of the book: the expected largest of ten standard normal numbers
PLAYERS = {
    "greedy": (epsilon_greedy, dict(epsilon=0.0)),
    "epsilon-greedy": (epsilon_greedy, dict(epsilon=0.1)),
    "constant step": (epsilon_greedy, dict(epsilon=0.1, alpha=0.1)),
    "optimistic": (epsilon_greedy, dict(epsilon=0.0, alpha=0.1, initial_q=5.0)),
    "ucb": (ucb, dict(c=2.0)),
    "gradient": (gradient_bandit, dict(alpha=0.1)),
    "gradient without baseline": (gradient_bandit, dict(alpha=0.1, baseline=False)),
    "thompson": (thompson_sampling, {}),
}
players = pytest.mark.parametrize("player", PLAYERS)
seeds = pytest.mark.parametrize("seed", range(3))


def rng(seed=0):
    return np.random.default_rng(seed)


def bernoulli(*means, runs=2000):
    """The same bernoulli bandit in every run."""
    return Bandits(np.tile(means, (runs, 1)), "bernoulli")


def play(player, bandits, **arguments):
    function, settings = PLAYERS[player]
    return function(bandits, **{**settings, **arguments})


def close(samples, expected, errors=4.5):
    """Whether the mean of samples is within so many of its standard errors of what is expected."""
    return abs(np.mean(samples) - expected) < errors * np.std(samples, ddof=1) / np.sqrt(np.size(samples))


# The worlds.


@seeds
def test_the_best_of_ten_arms_has_the_known_mean(seed):
    exact = quad(lambda x: 10 * x * norm.pdf(x) * norm.cdf(x) ** 9, -np.inf, np.inf)[0]
    assert exact == pytest.approx(BEST_OF_TEN, abs=5e-6)
    bandits = testbed(rng(seed), runs=20_000)
    assert bandits.means.shape == (20_000, 10) and bandits.kind == "normal" and bandits.drift == 0
    assert close(bandits.means.max(axis=1), BEST_OF_TEN)


@seeds
def test_rewards_have_the_mean_of_the_arm_and_variance_one(seed):
    played = epsilon_greedy(testbed(rng(seed)), steps=100, epsilon=1.0, rng=rng(seed + 10))
    noise = played.rewards - np.take_along_axis(testbed(rng(seed)).means, played.actions, axis=1)
    assert close(noise, 0) and close(noise**2, 1)


@seeds
def test_bernoulli_rewards_are_ones_with_the_probability_of_the_arm(seed):
    played = epsilon_greedy(bernoulli(0.2, 0.7), steps=100, epsilon=1.0, rng=rng(seed))
    assert set(np.unique(played.rewards)) == {0.0, 1.0}
    assert close(played.rewards[played.actions == 0], 0.2) and close(played.rewards[played.actions == 1], 0.7)


@players
def test_regret_and_optimal_say_what_the_means_say(player):
    bandits = testbed(rng(), runs=20)
    played = play(player, bandits, steps=50, rng=rng(1))
    lost = bandits.means.max(axis=1, keepdims=True) - np.take_along_axis(bandits.means, played.actions, axis=1)
    assert np.array_equal(played.regret, lost)
    assert np.array_equal(played.optimal, played.actions == bandits.means.argmax(axis=1)[:, None])


@seeds
def test_drifting_means_wander_like_the_root_of_time(seed):
    """From 0 a mean is N(0, t drift²) before step t; an arm chosen blindly loses the best of ten of them on average."""
    bandits = Bandits(np.zeros((4000, 10)), drift=0.01)
    regret = epsilon_greedy(bandits, steps=101, epsilon=1.0, rng=rng(seed)).regret
    assert np.all(regret[:, 0] == 0)
    for t in (1, 25, 100):
        assert close(regret[:, t], BEST_OF_TEN * 0.01 * np.sqrt(t))
    assert np.all(bandits.means == 0)  # a play leaves the bandits as they were


def test_arms_that_share_the_highest_mean_are_all_optimal():
    played = epsilon_greedy(bernoulli(0.5, 0.5, 0.1), steps=200, epsilon=1.0, rng=rng())
    assert np.array_equal(played.optimal, played.actions < 2)


# What all players share.


@players
def test_counts_and_actions_agree(player):
    played = play(player, testbed(rng(), runs=20), steps=70, rng=rng(1))
    assert all(np.array_equal(np.bincount(a, minlength=10), n) for a, n in zip(played.actions, played.counts))


@players
@pytest.mark.parametrize("kind", ["normal", "bernoulli"])
def test_compiled_and_interpreted_give_the_same_numbers(player, kind):
    function, settings = PLAYERS[player]
    bandits = Bandits([[0.1, 0.9, 0.5], [0.3, 0.3, 0.3]], kind, drift=0.1 if kind == "normal" else 0.0)
    fast, plain = (run(bandits, steps=60, rng=rng(3), **settings) for run in (function, function.py_func))
    for name, ours, theirs in zip(fast._fields, fast, plain, strict=True):
        assert np.allclose(ours, theirs, rtol=0, atol=1e-12), name


@players
def test_runs_are_played_one_after_the_other(player):
    bandits = testbed(rng(), runs=5)
    several, fewer = (play(player, b, steps=40, rng=rng(1)) for b in (bandits, Bandits(bandits.means[:3])))
    assert np.array_equal(several.rewards[:3], fewer.rewards)
    same = play(player, Bandits(np.zeros((2, 10))), steps=40, rng=rng(1))
    assert not np.array_equal(same.rewards[0], same.rewards[1])


@players
@seeds
def test_the_first_choice_is_among_equals_and_even(player, seed):
    first = play(player, testbed(rng(seed), runs=2000, arms=5), steps=1, rng=rng(seed + 10)).actions[:, 0]
    assert np.all(np.abs(np.bincount(first, minlength=5) - 400) < 4.5 * np.sqrt(2000 * 0.2 * 0.8))


# Epsilon-greedy.


def test_estimates_are_sample_averages():
    played = epsilon_greedy(testbed(rng(), runs=20), steps=300, epsilon=0.5, rng=rng(1))
    for run in range(20):
        for a in range(10):
            assert played.q[run, a] == pytest.approx(played.rewards[run][played.actions[run] == a].mean())


def test_a_constant_step_weighs_recent_rewards_more():
    """S&B (2.6): q after n rewards is (1 - alpha)^n q_0 + sum_i alpha (1 - alpha)^(n - i) r_i."""
    played = epsilon_greedy(
        testbed(rng(), runs=20, arms=1), steps=6, epsilon=0.0, alpha=0.25, initial_q=8.0, rng=rng(1)
    )
    weights = 0.25 * 0.75 ** np.arange(5, -1, -1)
    assert np.allclose(played.q[:, 0], 0.75**6 * 8 + played.rewards @ weights)


def test_a_step_size_for_each_pull():
    """S&B Ex. 2.7: alpha / (1 - (1 - alpha)^n) forgets the first estimate at once, and after that as a constant does."""
    n = np.arange(1, 31)
    unbiased = 0.1 / (1 - 0.9**n)
    bandits = testbed(rng(), runs=50, arms=3)
    low, high = (
        epsilon_greedy(bandits, steps=30, epsilon=1.0, alpha=unbiased, initial_q=first, rng=rng(1))
        for first in (-9.0, 9.0)
    )
    tried = low.counts > 0
    assert np.allclose(low.q[tried], high.q[tried]) and np.all(high.q[~tried] == 9)


@pytest.mark.parametrize("epsilon", [0.0, 0.1, 0.4, 1.0])
@seeds
def test_one_who_knows_the_means_chooses_the_best_as_often_as_the_ceiling_says(epsilon, seed):
    """1 - epsilon + epsilon / 10 of the steps, and a mean reward of (1 - epsilon) times the best of ten."""
    bandits = testbed(rng(seed))
    played = epsilon_greedy(bandits, steps=50, epsilon=epsilon, alpha=1e-9, initial_q=bandits.means, rng=rng(seed + 10))
    share = 1 - epsilon + epsilon / 10
    assert abs(played.optimal.mean() - share) <= 4.5 * np.sqrt(share * (1 - share) / played.optimal.size)
    assert close(played.rewards.mean(axis=1), (1 - epsilon) * BEST_OF_TEN)


@seeds
def test_epsilon_may_change_from_step_to_step(seed):
    bandits = testbed(rng(seed))
    schedule = np.array([1.0, 0.0, 0.0, 1.0])
    played = epsilon_greedy(bandits, steps=4, epsilon=schedule, initial_q=100 * bandits.means, alpha=1e-9, rng=rng(1))
    assert played.optimal[:, 1:3].all()
    assert abs(played.optimal[:, [0, 3]].mean() - 0.1) < 4.5 * 0.3 / np.sqrt(4000)


@pytest.mark.parametrize("good, bad", [(0.6, 0.4), (0.9, 0.3), (0.2, 0.1)])
@seeds
def test_greedy_keeps_the_first_arm_that_pays(good, bad, seed):
    """While nothing has paid, every step is a fair coin; after the first 1 its arm's average stays above 0 for ever. So
    the worse arm is kept with probability bad / (good + bad)."""
    last = epsilon_greedy(bernoulli(good, bad, runs=4000), steps=200, epsilon=0.0, rng=rng(seed)).actions[:, -1]
    stuck = bad / (good + bad)
    assert abs(last.mean() - stuck) < 4.5 * np.sqrt(stuck * (1 - stuck) / 4000)


def test_optimism_tries_every_arm_first():
    played = epsilon_greedy(testbed(rng()), steps=10, epsilon=0.0, alpha=0.1, initial_q=50.0, rng=rng(1))
    assert np.all(played.counts == 1)


# Upper confidence bounds.


@pytest.mark.parametrize("c", [0.0, 2.0])
def test_ucb_tries_every_arm_first_in_any_order(c):
    played = ucb(testbed(rng()), steps=10, c=c, rng=rng(1))
    assert np.all(played.counts == 1)
    places = (played.actions == 0).mean(axis=0)  # when arm 0 was tried
    assert np.all(np.abs(places - 0.1) < 4.5 * 0.3 / np.sqrt(2000))


@cache
def share_of_the_spike():
    """P(the arm that looks best after one reward each is the best), for ten arms with mean and noise N(0, 1).

    10 times the integral, over mean m and reward r, of the density of both times P(another arm is below in both)^9.
    """

    nodes, weights = np.polynomial.legendre.leggauss(60)  # on [-7, 7] for the mean and for the noise of the reward
    m, noise = np.meshgrid(7 * nodes, 7 * nodes, indexing="ij")
    another = -7 + (m[..., None] + 7) * (1 + nodes) / 2  # on [-7, m] for the other arm's mean
    lower = norm.pdf(another) * norm.cdf((m + noise)[..., None] - another)
    below = (lower @ weights) * (m + 7) / 2
    return 10 * 49 * weights @ (norm.pdf(m) * norm.pdf(noise) * below**9) @ weights


@seeds
def test_the_spike_of_ucb_at_step_11(seed):
    """All bonuses are equal there, so it takes the arm with the largest first reward. The reward of an arm is its mean
    plus noise of the same variance, so the mean of the arm that is taken is half of the largest of ten N(0, 2)."""
    played = ucb(testbed(rng(seed), runs=8000), steps=11, c=2.0, rng=rng(seed + 10))
    taken, first = played.actions[:, 10], np.take_along_axis(played.rewards, played.actions[:, :10].argsort(axis=1), 1)
    assert np.array_equal(taken, first.argmax(axis=1))
    assert close(played.rewards[:, 10], BEST_OF_TEN / np.sqrt(2))
    assert close(played.optimal[:, 10], share_of_the_spike())


def test_ucb_by_hand():
    """Rewards 1 and 0 for certain, c = 1. From step 3 on arm 0 has 1 + sqrt(ln t / (t - 2)) and arm 1, tried once,
    sqrt(ln t). At t = 10 these are 1.536 and 1.517, at t = 11 they are 1.516 and 1.549: arm 1 is tried again."""
    actions = ucb(bernoulli(1.0, 0.0, runs=50), steps=11, c=1.0, rng=rng()).actions
    assert np.all(np.sort(actions[:, :2], axis=1) == [0, 1])
    assert np.all(actions[:, 2:10] == 0) and np.all(actions[:, 10] == 1)


# The gradient bandit.


def test_two_updates_of_the_gradient_bandit_by_hand():
    """Arm 0 pays 1, arm 1 pays 0, no baseline: only a pull of arm 0 changes the preferences, by ±alpha times the
    probability of arm 1, which is 1/2 at first, and 1 / (1 + e^alpha) after one such pull."""
    played = gradient_bandit(bernoulli(1.0, 0.0, runs=400), steps=2, alpha=0.8, baseline=False, rng=rng())
    by_hand = np.array([0, 0.4, 0.4 + 0.8 / (1 + np.exp(0.8))])[played.counts[:, 0]]
    assert np.allclose(played.q, np.stack([by_hand, -by_hand], axis=1))
    assert set(played.counts[:, 0]) == {0, 1, 2}


def test_the_first_reward_is_compared_with_itself_and_later_ones_with_those_before():
    once = gradient_bandit(testbed(rng(), runs=20), steps=1, alpha=0.4, rng=rng(1))
    assert np.all(once.q == 0)
    twice = gradient_bandit(testbed(rng(), runs=20), steps=2, alpha=0.4, rng=rng(1))
    pulled = np.eye(10)[twice.actions[:, 1]]
    assert np.allclose(twice.q, 0.4 * (twice.rewards[:, 1] - twice.rewards[:, 0])[:, None] * (pulled - 0.1))


@pytest.mark.parametrize("baseline", [True, False])
def test_preferences_keep_their_sum(baseline):
    played = gradient_bandit(testbed(rng(), runs=50), steps=100, alpha=0.4, baseline=baseline, rng=rng(1))
    assert np.allclose(played.q.sum(axis=1), 0)


def test_with_the_baseline_a_reward_for_nothing_changes_nothing():
    means = testbed(rng(), runs=50).means
    low, high = (gradient_bandit(Bandits(means + shift), steps=200, alpha=0.1, rng=rng(1)) for shift in (0.0, 4.0))
    assert np.array_equal(low.actions, high.actions) and np.allclose(low.q, high.q)


@pytest.mark.parametrize("baseline", [True, False])
@seeds
def test_the_mean_update_is_the_gradient_of_the_mean_reward(baseline, seed):
    """From equal preferences: d/dθ_b of sum_a π(a) mean(a) is (mean(b) - mean of all) / 3. With the baseline the first
    update is 0 and the second has this mean."""
    means = np.array([0.9, 0.2, 0.4])
    played = gradient_bandit(
        bernoulli(*means, runs=8000), steps=1 + baseline, alpha=0.5, baseline=baseline, rng=rng(seed)
    )
    for b, slope in enumerate((means - 0.5) / 3):
        assert close(played.q[:, b], 0.5 * slope)


# Thompson sampling.


def test_beliefs_have_the_means_of_their_posteriors():
    played = thompson_sampling(testbed(rng(), runs=20), steps=200, rng=rng(1))
    totals = np.array([np.bincount(a, r, 10) for a, r in zip(played.actions, played.rewards)])
    assert np.allclose(played.q, totals / (1 + played.counts))
    played = thompson_sampling(bernoulli(0.3, 0.6, runs=20), steps=200, rng=rng(1))
    totals = np.array([np.bincount(a, r, 2) for a, r in zip(played.actions, played.rewards)])
    assert np.allclose(played.q, (1 + totals) / (2 + played.counts))


@pytest.mark.parametrize("pays, again", [(1.0, 2 / 3), (0.0, 1 / 3)])
@seeds
def test_after_one_reward_bernoulli(pays, again, seed):
    """P(a draw of Beta(2, 1) is above one of Beta(1, 1)) is the integral of 2x · x, 2/3; of Beta(1, 2), 1/3."""
    actions = thompson_sampling(bernoulli(pays, pays, runs=4000), steps=2, rng=rng(seed)).actions
    assert close(actions[:, 1] == actions[:, 0], again)


@seeds
def test_after_one_reward_normal(seed):
    """The belief is N(r/2, 1/2); it beats N(0, 1) with probability Φ(r/2 / sqrt(3/2))."""
    played = thompson_sampling(testbed(rng(seed), runs=4000, arms=2), steps=2, rng=rng(seed + 10))
    stays = played.actions[:, 1] == played.actions[:, 0]
    assert close(stays - norm.cdf(played.rewards[:, 0] / 2 / np.sqrt(1.5)), 0)


@cache
def probability_of_the_first(wins, losses, wins_1, losses_1):
    """P(Beta(1 + wins, 1 + losses) > Beta(1 + wins_1, 1 + losses_1)), by the closed form for whole numbers."""
    a, b, c, d = 1 + wins, 1 + losses, 1 + wins_1, 1 + losses_1
    i = np.arange(a)
    return np.exp(betaln(c + i, b + d) - np.log(b + i) - betaln(1 + i, b) - betaln(c, d)).sum()


@seeds
def test_thompson_against_the_enumeration_of_all_beliefs(seed):
    """Two bernoulli arms for 10 steps: the probability of each (wins, losses) of both arms, stepped forward exactly."""
    means, steps = (0.6, 0.3), 10
    reached, worse = {(0, 0, 0, 0): 1.0}, np.zeros(steps)
    for t in range(steps):
        after = {}
        for belief, p in reached.items():
            first = probability_of_the_first(*belief)
            worse[t] += p * (1 - first)
            for arm, chosen in enumerate((first, 1 - first)):
                for place, q in ((2 * arm, means[arm]), (2 * arm + 1, 1 - means[arm])):
                    seen = tuple(n + (i == place) for i, n in enumerate(belief))
                    after[seen] = after.get(seen, 0) + p * chosen * q
        reached = after
    assert sum(reached.values()) == pytest.approx(1) and worse[0] == pytest.approx(0.5)
    played = thompson_sampling(bernoulli(*means, runs=8000), steps=steps, rng=rng(seed))
    assert np.all(np.abs(played.actions.mean(axis=0) - worse) < 4.5 * np.sqrt(worse * (1 - worse) / 8000))
    assert close(played.regret.sum(axis=1), 0.3 * worse.sum())


# Regret.


def test_the_slope_of_lai_and_robbins_by_hand():
    """0.4 against 0.6: KL = 0.4 ln(2/3) + 0.6 ln(3/2) = 0.2 ln 1.5, so the slope is 1 / ln 1.5."""
    assert lai_robbins([0.4, 0.6]) == pytest.approx(1 / np.log(1.5))
    assert lai_robbins([[0.4, 0.6, 0.4], [0.6, 0.6, 0.4]]) == pytest.approx([2 / np.log(1.5), 1 / np.log(1.5)])
    assert lai_robbins([0.0, 0.5]) == pytest.approx(0.5 / np.log(2))  # an arm that never pays still has to be tried
    assert lai_robbins([0.5, 1.0]) == 0  # a single failure tells an arm from one that always pays
    assert lai_robbins([0.3]) == lai_robbins([0.7, 0.7]) == 0


@seeds
def test_regret_grows_as_theory_says(seed):
    """Exploring for ever costs epsilon times the mean gap at each step. Greedy, stuck with probability 0.4, loses 0.2.

    Thompson's growth per unit of ln t approaches the slope in the long run (Kaufmann, Korda & Munos, 2012), and from
    below: the logarithm rules only in a last phase (Garivier, Ménard & Stoltz, 2019). About three quarters of the slope
    are measured here, so one half leaves room below; exploring at a constant rate would be far above.
    """
    bandits = bernoulli(0.6, 0.4, runs=300)
    regret = {
        name: play(name, bandits, steps=10_000, rng=rng(seed)).regret
        for name in ("greedy", "epsilon-greedy", "thompson")
    }
    late = {name: r[:, 1000:].sum(axis=1) for name, r in regret.items()}
    assert close(late["greedy"] / 9000, 0.4 * 0.2)
    assert late["epsilon-greedy"].mean() / 9000 == pytest.approx(0.1 * 0.1, rel=0.05)  # a little for late mistakes
    growth = late["thompson"] / np.log(10)
    error = growth.std(ddof=1) / np.sqrt(300)
    assert 0.5 * lai_robbins([0.6, 0.4]) < growth.mean() < lai_robbins([0.6, 0.4]) + 4 * error


# Bad input.

BAD_BANDITS = {
    "one row": (dict(means=[0.1, 0.2]), "means have shape (2,), expected (runs, arms)"),
    "no arms": (dict(means=np.zeros((3, 0))), "means have shape (3, 0), expected (runs, arms)"),
    "no number": (dict(means=[[0, np.nan]]), "means[0, 1] is nan, expected a finite number"),
    "no probability": (dict(means=[[0.5, 0.5], [0.5, 1.5]], kind="bernoulli"), "means[1, 1] is 1.5, expected the prob"),
    "no kind": (dict(means=[[0.0]], kind="poisson"), 'kind is \'poisson\', expected "normal" or "bernoulli"'),
    "drift negative": (dict(means=[[0.0]], drift=-1), "drift is -1, expected a standard deviation, at least 0"),
    "drift no number": (dict(means=[[0.0]], drift="much"), "drift is 'much'"),
    "drift out of [0, 1]": (dict(means=[[0.5]], kind="bernoulli", drift=0.1), "drift is 0.1, expected 0"),
}
BAD_CALLS = {
    "no bandits": (epsilon_greedy, TypeError, dict(bandits=[[0.0]]), "epsilon_greedy got a list, expected a Bandits"),
    "a seed for a generator": (ucb, TypeError, dict(rng=0), "rng is 0, expected a numpy Generator"),
    "no steps": (thompson_sampling, ValueError, dict(steps=0), "steps is 0, expected a whole number, at least 1"),
    "epsilon above one": (epsilon_greedy, ValueError, dict(epsilon=2), "epsilon is 2 in step 0, expected a number in"),
    "epsilon not a number": (epsilon_greedy, ValueError, dict(epsilon=[0, np.nan, 0]), "epsilon is nan in step 1"),
    "epsilon too short": (epsilon_greedy, ValueError, dict(epsilon=[0.1]), "epsilon has shape (1,), expected a number"),
    "alpha zero": (epsilon_greedy, ValueError, dict(alpha=0), "alpha is 0 in pull 0, expected a number in (0, 1]"),
    "alpha above one": (epsilon_greedy, ValueError, dict(alpha=[1, 1, 2]), "alpha is 2 in pull 2"),
    "estimates of a wrong shape": (epsilon_greedy, ValueError, dict(initial_q=np.zeros(3)), "initial_q has shape (3,)"),
    "estimates not finite": (epsilon_greedy, ValueError, dict(initial_q=np.inf), "expected a finite number"),
    "c negative": (ucb, ValueError, dict(c=-1), "c is -1, expected a finite number, at least 0"),
    "c for each step": (ucb, ValueError, dict(c=[1, 1, 1]), "c is [1, 1, 1], expected a finite number"),
    "step size zero": (gradient_bandit, ValueError, dict(alpha=0.0), "alpha is 0.0, expected a positive number"),
    "step size nan": (gradient_bandit, ValueError, dict(alpha=np.nan), "alpha is nan"),
    "a number for a baseline": (gradient_bandit, ValueError, dict(baseline=0.5), "baseline is 0.5, expected True or"),
}


@pytest.mark.parametrize("case", BAD_BANDITS)
def test_bad_bandits_are_refused_by_name(case):
    arguments, message = BAD_BANDITS[case]
    with pytest.raises(ValueError, match=re.escape(message)):
        Bandits(**arguments)


@pytest.mark.parametrize("case", BAD_CALLS)
def test_bad_input_is_refused_by_name(case):
    player, error, change, message = BAD_CALLS[case]
    own = {epsilon_greedy: dict(epsilon=0.1), ucb: dict(c=2.0), gradient_bandit: dict(alpha=0.1), thompson_sampling: {}}
    arguments = dict(bandits=Bandits([[0.0, 1.0]]), steps=3, rng=rng()) | own[player] | change
    with pytest.raises(error, match=re.escape(message)):
        player(arguments.pop("bandits"), **arguments)


def test_the_testbed_refuses_what_is_no_generator():
    with pytest.raises(TypeError, match="rng is 0"):
        testbed(0)
    with pytest.raises(ValueError, match="arms is 0"):
        testbed(rng(), arms=0)


def test_means_are_the_callers_no_more():
    given = np.zeros((1, 2))
    bandits = Bandits(given)
    given[0, 0] = 5
    assert bandits.means[0, 0] == 0
    with pytest.raises(ValueError, match="read-only"):
        bandits.means[0, 0] = 1
