"""Monte Carlo: hand-worked episodes, definitions written out, exact means of the estimators, and published policies."""

import re

import numpy as np
import pytest

from rlbook.loops import act
from rlbook.mdp import FiniteMDP, reset, step
from rlbook.tabular.bellman import policy_value
from rlbook.tabular.control import epsilon_greedy_policy
from rlbook.tabular.monte_carlo import (
    every_visit_prediction,
    exploring_starts,
    first_visit_prediction,
    monte_carlo_control,
    off_policy_control,
    ordinary_importance_sampling,
    weighted_importance_sampling,
)
from rlbook.tabular.planning import epsilon_soft_value_iteration, value_iteration
from rlbook.worlds import blackjack, chain, infinite_variance, small_grid, traffic_light

SEEDS = range(3)
FOUND = 4.5  # standard errors that a mean may be away from what it estimates


def rng(seed=0):
    return np.random.default_rng(seed)


def loop(p_end, gamma=1.0):
    """One state and one action: a reward of 1 a step, and the end with probability p_end."""
    P = [[[1 - p_end, p_end]], [[0, 1]]]
    return FiniteMDP(P, [[1.0], [0.0]], gamma, start=0, terminal=np.array([False, True]))


def corridor(gamma=0.5):
    """One action. Two steps, with rewards 1 and 4, then the end."""
    P = np.eye(3)[[1, 2, 2]][:, None, :]
    return FiniteMDP(P, [[1.0], [4.0], [0.0]], gamma, start=0, terminal=np.array([False, False, True]))


def wandering(seed=0, num_states=6, gamma=0.9):
    """A random MDP whose states are visited again and again before the end."""
    generator = rng(seed)
    P = generator.dirichlet(np.ones(num_states), size=(num_states, 2))
    R = generator.normal(size=(num_states, 2, num_states))
    return FiniteMDP(P, R, gamma, terminal=np.arange(num_states) == num_states - 1)


def soft(mdp, seed):
    return rng(seed).dirichlet(np.ones(mdp.num_actions), size=mdp.num_states)


def episodes_of(mdp, policy, count, generator):
    """The same episodes that the compiled loops see: lists of (s, a, r)."""
    for _ in range(count):
        s, terminated, episode = reset(mdp, generator), False, []
        while not terminated:
            a = act(policy, s, generator)
            s_next, r, terminated = step(mdp, s, a, generator)
            episode.append((int(s), int(a), r))
            s = s_next
        yield episode


def returns_of(episode, gamma):
    """(s, a, the return from there, by its definition), for each step of the episode."""
    rewards = np.array([r for _, _, r in episode])
    return [(s, a, rewards[t:] @ gamma ** np.arange(len(episode) - t)) for t, (s, a, _) in enumerate(episode)]


@pytest.mark.parametrize("predict", [first_visit_prediction, every_visit_prediction])
def test_two_episodes_by_hand(predict):
    """From the second state the return is 4, from the first 1 + 4 / 2 = 3."""
    mean = predict(corridor(), [0, 0, 0], episodes=2, rng=rng(), initial_v=7.0)
    assert mean.history.tolist() == [[7, 7, 7], [3, 4, 7], [3, 4, 7]] and mean.v.tolist() == [3, 4, 7]
    half = predict(corridor(), [0, 0, 0], episodes=2, rng=rng(), alpha=0.5, keep=[2])
    assert half.history.tolist() == [[2.25, 3, 0]]
    changing = predict(corridor(), [0, 0, 0], episodes=2, rng=rng(), alpha=[1.0, 0.5], initial_v=7.0)
    assert changing.v.tolist() == [3, 4, 7]
    assert mean.returns.tolist() == [5, 5] and mean.lengths.tolist() == [2, 2] and not mean.truncated.any()


def test_first_visits_count_once_an_episode_and_every_visit_each_time():
    """In the loop an episode of T steps has the returns T, T - 1, ..., 1."""
    arguments = dict(episodes=20, rng=rng(), keep=[20])
    first = first_visit_prediction(loop(0.2), [0, 0], **arguments)
    every = every_visit_prediction(loop(0.2), [0, 0], **arguments | {"rng": rng()})
    lengths = first.lengths
    assert np.array_equal(lengths, every.lengths) and lengths.max() > 3
    assert first.v[0] == pytest.approx(lengths.mean())
    assert every.v[0] == pytest.approx((lengths * (lengths + 1) / 2).sum() / lengths.sum())
    assert np.array_equal(first.returns, lengths)


@pytest.mark.parametrize("seed", SEEDS)
def test_first_visits_are_unbiased_and_every_visit_is_not(seed):
    """One episode of the loop: E[T] = 1/p, and E[(T + 1)/2] = (1/p + 1)/2."""
    p, arguments = 0.25, dict(episodes=1, rng=rng(seed), runs=2000)
    for predict, mean in [(first_visit_prediction, 1 / p), (every_visit_prediction, (1 / p + 1) / 2)]:
        v = predict(loop(p), [0, 0], **arguments).v[:, 0]
        assert abs(v.mean() - mean) < FOUND * v.std() / np.sqrt(len(v))


@pytest.mark.parametrize("seed", SEEDS)
def test_prediction_is_its_definition(seed):
    mdp = wandering(seed)
    policy, episodes = soft(mdp, seed), 40
    first, every = [[] for _ in range(6)], [[] for _ in range(6)]
    for episode in episodes_of(mdp, policy, episodes, rng(seed)):
        seen = set()
        for s, _, g in returns_of(episode, mdp.gamma):
            every[s].append(g)
            if s not in seen:
                first[s].append(g)
            seen.add(s)
    assert sum(map(len, every)) > sum(map(len, first)) + episodes / 2
    for predict, returns in [(first_visit_prediction, first), (every_visit_prediction, every)]:
        v = predict(mdp, policy, episodes=episodes, rng=rng(seed)).v
        assert np.allclose(v, [np.mean(g) if g else 0 for g in returns])


@pytest.mark.parametrize("predict", [first_visit_prediction, every_visit_prediction])
@pytest.mark.parametrize("seed", SEEDS)
def test_prediction_approaches_the_exact_value(predict, seed):
    mdp = wandering(seed)
    policy = soft(mdp, seed)
    v = predict(mdp, policy, episodes=2000, rng=rng(seed), runs=50, keep=[]).v
    error = np.abs(v.mean(axis=0) - policy_value(mdp, policy))[:-1]
    assert np.all(error < FOUND * v.std(axis=0)[:-1] / np.sqrt(50) + 1e-3)


def importance_by_definition(mdp, target, behaviour, count, generator):
    """For each state, the ratios and the returns from its first visits: two lists of lists."""
    ratios, returns = [[] for _ in range(mdp.num_states)], [[] for _ in range(mdp.num_states)]
    for episode in episodes_of(mdp, behaviour, count, generator):
        seen, steps = set(), returns_of(episode, mdp.gamma)
        for t, (s, _, g) in enumerate(steps):
            if s not in seen:
                ratios[s].append(np.prod([target[i, a] / behaviour[i, a] for i, a, _ in steps[t:]]))
                returns[s].append(g)
            seen.add(s)
    return ratios, returns


@pytest.mark.parametrize("seed", SEEDS)
def test_importance_sampling_is_its_definition(seed):
    mdp = wandering(seed)
    target, behaviour = soft(mdp, seed), soft(mdp, seed + 10)
    if seed == 0:
        target = np.eye(2)[[0, 1, 1, 0, 1, 0]]
    ratios, returns = importance_by_definition(mdp, target, behaviour, 60, rng(seed))
    arguments = dict(episodes=60, rng=rng(seed))
    ordinary = ordinary_importance_sampling(mdp, target, behaviour, **arguments).v
    weighted = weighted_importance_sampling(mdp, target, behaviour, **arguments | {"rng": rng(seed)}).v
    for s in range(mdp.num_states - 1):
        rho, g = np.array(ratios[s]), np.array(returns[s])
        assert ordinary[s] == pytest.approx((rho * g).sum() / len(g))
        assert weighted[s] == pytest.approx((rho * g).sum() / rho.sum() if rho.sum() > 0 else 0)


@pytest.mark.parametrize("sample", [ordinary_importance_sampling, weighted_importance_sampling])
def test_with_its_own_behaviour_importance_sampling_is_first_visit_prediction(sample):
    mdp = wandering()
    policy = soft(mdp, 3)
    ours = sample(mdp, policy, policy, episodes=50, rng=rng(1))
    plain = first_visit_prediction(mdp, policy, episodes=50, rng=rng(1))
    assert np.allclose(ours.history, plain.history) and np.array_equal(ours.returns, plain.returns)


def ask_on_a_soft_13():
    """Blackjack from the state of example 5.4, and a policy that sticks on 20 and 21 only."""
    policy = (np.arange(213) % 100 // 10 + 12 < 20).astype(int)
    return blackjack(start=111), policy


@pytest.mark.parametrize("seed", SEEDS)
def test_ordinary_importance_sampling_is_unbiased_and_weighted_has_less_error(seed):
    """Example 5.4: -0.277204 exactly. Weighted is biased, the less the more episodes, and has less error after few."""
    mdp, target = ask_on_a_soft_13()
    even, exact = np.full((213, 2), 0.5), -0.277204
    arguments = dict(episodes=500, runs=800, keep=[10, 500])
    ordinary = ordinary_importance_sampling(mdp, target, even, rng=rng(seed), **arguments).history[:, :, 111]
    weighted = weighted_importance_sampling(mdp, target, even, rng=rng(seed), **arguments).history[:, :, 111]
    assert np.all(np.abs(ordinary.mean(axis=0) - exact) < FOUND * ordinary.std(axis=0) / np.sqrt(800))
    assert abs(weighted[:, 1].mean() - exact) < FOUND * weighted[:, 1].std() / np.sqrt(800) + 0.005
    assert ((weighted - exact) ** 2).mean(axis=0)[0] < ((ordinary - exact) ** 2).mean(axis=0)[0] / 1.5


@pytest.mark.parametrize("seed", SEEDS)
def test_infinite_variance_episode_by_episode(seed):
    """Example 5.5: an episode of T lefts that ends with 1 has the ratio 2^T; any with a right has the ratio 0."""
    mdp, left, coin = infinite_variance(), np.array([0, 0]), np.full((2, 2), 0.5)
    ordinary = ordinary_importance_sampling(mdp, left, coin, episodes=300, rng=rng(seed))
    scaled = np.where(ordinary.returns == 1, 2.0**ordinary.lengths, 0)
    assert np.allclose(ordinary.history[1:, 0], scaled.cumsum() / np.arange(1, 301))
    weighted = weighted_importance_sampling(mdp, left, coin, episodes=300, rng=rng(seed))
    assert np.array_equal(weighted.history[1:, 0], (scaled > 0).cumsum() > 0)
    assert scaled.any()


@pytest.mark.parametrize("seed", SEEDS)
def test_exploring_starts_learn_blackjack(seed):
    """The policy of figure 5.2, wherever its action is better by more than 0.1; and nearly its value."""
    mdp = blackjack()
    learned, q = exploring_starts(mdp, episodes=500_000, rng=rng(seed)), value_iteration(mdp).q
    clear = np.abs(q[:, 0] - q[:, 1]) > 0.1
    assert 140 < clear.sum() < 200
    assert np.array_equal(learned.policy[clear], q.argmax(axis=1)[clear])
    assert mdp.start @ q.max(axis=1) - mdp.start @ policy_value(mdp, learned.policy) < 0.005


@pytest.mark.parametrize("seed", SEEDS)
def test_exploring_starts_approach_the_best_policy(seed):
    """Where every policy ends its episodes. (Means over the returns of ever better policies close in slowly.)"""
    mdp = wandering(seed)
    learned, v = exploring_starts(mdp, episodes=100_000, rng=rng(seed)), value_iteration(mdp).v
    assert not learned.truncated.any()
    assert np.abs(policy_value(mdp, learned.policy) - v).max() < 0.05 * np.abs(v).max()


def test_a_greedy_policy_that_goes_in_circles_is_reported():
    """On the small grid it can: each of its episodes is cut and teaches nothing, so it goes in circles for ever."""
    learned = exploring_starts(small_grid(), episodes=4000, rng=rng(), max_steps=100, runs=20)
    for policy, truncated in zip(learned.policy, learned.truncated, strict=True):
        s_next = small_grid().P[np.arange(16), policy].argmax(axis=1)
        for _ in range(4):
            s_next = s_next[s_next]
        assert truncated[-1000:].any() or np.isin(s_next, [0, 15]).all()
    assert learned.truncated[:, -1000:].any()


@pytest.mark.parametrize("seed", SEEDS)
def test_on_policy_control_finds_the_best_epsilon_soft_policy(seed):
    mdp, epsilon, episodes = chain(4, gamma=0.8, slip=0.3), 0.5, 30_000
    best = epsilon_soft_value_iteration(mdp, epsilon)
    learned = monte_carlo_control(mdp, episodes=episodes, epsilon=epsilon, rng=rng(seed))
    worth = policy_value(mdp, epsilon_greedy_policy(learned.q, epsilon))
    assert np.allclose(worth, best.v) and np.abs(learned.q - best.q)[:3].max() < 0.03
    assert not learned.truncated.any()


def test_exploring_starts_by_hand():
    """Each first pair is drawn; the corridor's returns are 3 and 4, and q holds their mean at once."""
    learned = exploring_starts(corridor(), episodes=30, rng=rng())
    assert learned.q.ravel().tolist() == [3, 4, 0]
    assert set(learned.lengths) == {1, 2}  # either state comes first
    half = exploring_starts(corridor(), episodes=30, rng=rng(), alpha=0.5, initial_q=1.0)
    last = 1 + (4 - 1) * (1 - 0.5**30)
    assert half.q[1, 0] == pytest.approx(last) and half.q[2, 0] == 1


def test_exploring_starts_are_even():
    """Of the 56 pairs of a state and an action on the small grid 4 end the episode at once."""
    one_step = exploring_starts(small_grid(), episodes=14_000, rng=rng(), max_steps=1)
    share = (~one_step.truncated).mean()
    assert abs(share - 4 / 56) < FOUND * np.sqrt(4 / 56 * 52 / 56 / 14_000)


def test_off_policy_control_by_hand():
    """One state; left ends with 1, right stays. Greedy is left, so each episode updates its last step, and if that was
    the greedy one, the step before."""
    P = np.array([[[0, 1], [1, 0]], [[0, 1], [0, 1]]], dtype=float)
    mdp = FiniteMDP(P, [[1, 0], [0, 0]], 0.5, start=0, terminal=np.array([False, True]))
    learned = off_policy_control(mdp, np.full((2, 2), 0.5), episodes=40, rng=rng())
    assert set(learned.lengths) > {1, 2, 3}
    assert learned.q[0].tolist() == [1, 0.5]


@pytest.mark.parametrize("seed", SEEDS)
def test_off_policy_control_finds_q_star(seed):
    mdp = chain(4, gamma=0.8, slip=0.2)
    behaviour = np.full((4, 2), 0.5)
    learned = off_policy_control(mdp, behaviour, episodes=200_000, rng=rng(seed))
    assert learned.policy[:3].tolist() == [1, 1, 1]
    assert np.abs(learned.q - value_iteration(mdp).q)[:3].max() < 0.06


@pytest.mark.parametrize("seed", SEEDS)
def test_off_policy_control_weighs_returns_by_how_rarely_the_behaviour_gives_them(seed):
    """A leads to B or C alike; the best of B pays 0 and is done half of the time, the best of C pays 1 and is done
    a fifth of the time: A is worth 1/2, though 5 of 7 episodes that count saw 0. A weighted mean stays among the returns.
    """
    P = np.zeros((4, 2, 4))
    P[0, :, [1, 2]], P[1:, :, 3] = 0.5, 1.0
    mdp = FiniteMDP(P, [[0, 0], [0, -1], [0, 1], [0, 0]], 1.0, start=0, terminal=np.arange(4) == 3)
    behaviour = np.array([[0.5, 0.5], [0.5, 0.5], [0.8, 0.2], [0.5, 0.5]])
    assert np.abs(off_policy_control(mdp, behaviour, episodes=20_000, rng=rng(seed)).q[0] - 1 / 2).max() < 0.07
    few = off_policy_control(mdp, behaviour, episodes=3, runs=200, rng=rng(seed)).q[:, 0]
    assert few.min() == 0 and few.max() == 1


METHODS = {
    "first": (first_visit_prediction, 1, {}),
    "every": (every_visit_prediction, 1, {}),
    "ordinary": (ordinary_importance_sampling, 2, {}),
    "weighted": (weighted_importance_sampling, 2, {}),
    "starts": (exploring_starts, 0, {}),
    "on-policy": (monte_carlo_control, 0, {"epsilon": 0.3}),
    "off-policy": (off_policy_control, 1, {}),
}


def call(name, mdp, python=False, **arguments):
    method, policies, own = METHODS[name]
    function = method.py_func if python else method
    return function(mdp, *(soft(mdp, seed) for seed in range(policies)), **own | arguments)


@pytest.mark.parametrize("name", METHODS)
def test_a_cut_episode_teaches_nothing(name):
    """A traffic light never ends; the corridor ends with the second step, in time."""
    nothing = call(name, traffic_light(), episodes=50, rng=rng(), max_steps=5)
    assert nothing.truncated.all() and np.all(nothing.lengths == 5)
    assert not (nothing.q if hasattr(nothing, "q") else nothing.v).any()
    some = call(name, corridor(), episodes=9, rng=rng(), max_steps=2)
    assert not some.truncated.any()
    assert (some.q[:, 0] if hasattr(some, "q") else some.v).tolist() == [3, 4, 0]


@pytest.mark.parametrize("predict", [first_visit_prediction, every_visit_prediction])
def test_what_a_cut_episode_visited_does_not_spoil_the_next(predict):
    """In the loop, of the episodes with at most 3 steps the mean is taken; the cut ones leave no trace."""
    cut = predict(loop(0.3), [0, 0], episodes=200, rng=rng(), max_steps=3)
    whole = cut.lengths[~cut.truncated]
    assert 0 < cut.truncated.sum() < 200
    sums = whole if predict is first_visit_prediction else whole * (whole + 1) / 2
    weights = len(whole) if predict is first_visit_prediction else whole.sum()
    assert cut.v[0] == pytest.approx(sums.sum() / weights)


@pytest.mark.parametrize("name", METHODS)
def test_compiled_and_interpreted_give_the_same_numbers(name):
    for mdp in (wandering(1), chain(4, slip=0.2), corridor()):
        fast = call(name, mdp, episodes=15, rng=rng(3), max_steps=30)
        plain = call(name, mdp, python=True, episodes=15, rng=rng(3), max_steps=30)
        assert all(np.array_equal(ours, theirs) for ours, theirs in zip(fast, plain, strict=True))


@pytest.mark.parametrize("name", METHODS)
def test_each_run_is_the_one_that_its_own_generator_gives(name):
    mdp = wandering(1)
    several = call(name, mdp, episodes=15, rng=rng(1), runs=3)
    for run, child in enumerate(rng(1).spawn(3)):
        single = call(name, mdp, episodes=15, rng=child)
        assert all(np.array_equal(ours[run], theirs) for ours, theirs in zip(several, single, strict=True))


HIT_OR_STICK = np.full((213, 2), 0.5)
NEVER_HITS_ON_12 = HIT_OR_STICK.copy()
NEVER_HITS_ON_12[6] = [1, 0]
ALWAYS_HIT = np.ones(213, int)


def test_a_behaviour_without_coverage_is_refused_by_state_and_action():
    mdp = blackjack()
    message = "behaviour never takes action hit in state 12 against 7, which the target policy may take (1 such pair"
    for sample in (ordinary_importance_sampling, weighted_importance_sampling):
        with pytest.raises(ValueError, match=re.escape(message)):
            sample(mdp, ALWAYS_HIT, NEVER_HITS_ON_12, episodes=1, rng=rng())
        sample(mdp, 1 - ALWAYS_HIT, NEVER_HITS_ON_12, episodes=1, rng=rng())  # hitting is not needed
        sample(mdp, ALWAYS_HIT, ALWAYS_HIT, episodes=1, rng=rng())
    with pytest.raises(ValueError, match="behaviour never takes action hit in state 12 against 7"):
        off_policy_control(mdp, NEVER_HITS_ON_12, episodes=1, rng=rng())


def test_a_policy_that_never_ends_is_refused_without_a_discount():
    mdp = infinite_variance()
    stays = FiniteMDP(np.eye(2)[[[0, 1], [1, 1]]], np.zeros((2, 2)), 1.0, terminal=mdp.terminal)
    coin, left = np.full((2, 2), 0.5), np.array([0, 0])
    for method, policies in [
        (first_visit_prediction, (left,)),
        (every_visit_prediction, (left,)),
        (ordinary_importance_sampling, (left, coin)),
        (weighted_importance_sampling, (left, coin)),
    ]:
        with pytest.raises(ValueError, match="gamma is 1, and from state 0 the policy never reaches a terminal state"):
            method(stays, *policies, episodes=1, rng=rng())


BAD = {
    "no MDP": (TypeError, dict(mdp=np), "first_visit_prediction got a module, expected a FiniteMDP"),
    "alpha": (ValueError, dict(alpha=2.0), "alpha is 2 in episode 0, expected a number in (0, 1]"),
    "alpha zero": (ValueError, dict(alpha=0), "alpha is 0 in episode 0"),
    "keep": (ValueError, dict(keep=[5]), "keep goes from 5 to 5, expected numbers in 0..3"),
    "policy": (ValueError, dict(policy=np.zeros(2)), "policy has shape (2,)"),
    "values": (ValueError, dict(initial_v=[1, 2]), "initial_v has shape (2,)"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_by_name(case):
    error, change, message = BAD[case]
    arguments = dict(mdp=corridor(), policy=[0, 0, 0], episodes=3, rng=rng()) | change
    with pytest.raises(error, match=re.escape(message)):
        first_visit_prediction(arguments.pop("mdp"), arguments.pop("policy"), **arguments)
