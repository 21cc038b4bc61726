"""The worlds are what the book says they are."""

import gymnasium
import numpy as np
import pytest
from scipy.stats import poisson

from rlbook import worlds
from rlbook.mdp import FiniteMDP
from rlbook.tabular.bellman import policy_value
from rlbook.tabular.planning import policy_iteration, value_iteration
from rlbook.worlds import gambling, mountain_car
from rlbook.worlds.mountain_car import fewest_steps


def s_next(mdp, cell, action, shape):
    return np.unravel_index(mdp.P[np.ravel_multi_index(cell, shape), mdp.action_names.index(action)].argmax(), shape)


def test_traffic_light_by_hand():
    """At gamma = 0.9, v(green) - v(red) = d solves d = 2 - 0.18 d, and v(green) = 1 + 0.9 v(green) - 0.27 d."""
    d = 2 / 1.18
    assert np.allclose(value_iteration(worlds.traffic_light()).v, [10 * (1 - 0.27 * d) - d, 10 * (1 - 0.27 * d)])
    assert np.allclose(value_iteration(worlds.traffic_light()).v * 59, [220, 320])


def test_stopping_on_red_pays_only_above_a_discount_of_five_sevenths():
    assert value_iteration(worlds.traffic_light(5 / 7 - 0.01)).policy.tolist() == [1, 1]
    assert value_iteration(worlds.traffic_light(5 / 7 + 0.01)).policy.tolist() == [0, 1]


@pytest.mark.parametrize(
    "world, shape", [(worlds.gridworld, (5, 5)), (worlds.small_grid, (4, 4)), (worlds.cliff_walking, (4, 12))]
)
def test_moves_on_a_grid(world, shape):
    mdp = world()
    assert s_next(mdp, (2, 2), "up", shape) == (1, 2)
    assert s_next(mdp, (1, 2), "down", shape) == (2, 2)
    assert s_next(mdp, (2, 2), "left", shape) == (2, 1)
    assert s_next(mdp, (2, 1), "right", shape) == (2, 2)
    assert s_next(mdp, (1, 0), "left", shape) == (1, 0)
    assert s_next(mdp, (0, 2), "up", shape) == (0, 2)
    assert mdp.state_names[shape[1] + 2] == "(1, 2)"


def test_gridworld_pays_for_teleporting_and_charges_for_leaving():
    mdp = worlds.gridworld()
    assert all(mdp.R[1] == 10) and all(mdp.P[1, :, 21] == 1)
    assert all(mdp.R[3] == 5) and all(mdp.P[3, :, 13] == 1)
    assert mdp.R[0].tolist() == [-1, 0, 0, -1]
    assert (mdp.R == -1).sum() == 20 - 2  # the 20 sides of the border, less the two above A and B
    assert not mdp.terminal.any()


def test_the_cliff_does_not_end_the_episode():
    mdp = worlds.cliff_walking()
    right, down = mdp.action_names.index("right"), mdp.action_names.index("down")
    assert mdp.R[36, right] == -100 and mdp.P[36, right, 36] == 1
    assert all(mdp.R[25:35, down] == -100) and all(mdp.P[25:35, down, 36] == 1)
    assert mdp.R[35, down] == -1 and mdp.P[35, down, 47] == 1
    assert np.flatnonzero(mdp.terminal).tolist() == [47] and mdp.start[36] == 1


def test_the_wind_shifts_what_a_move_leads_to():
    """S&B: one cell to the right of the goal, the action left leads to the cell just above the goal."""
    mdp, shape = worlds.windy_gridworld(), (7, 10)
    assert s_next(mdp, (3, 8), "left", shape) == (2, 7)
    assert s_next(mdp, (3, 2), "right", shape) == (3, 3)  # no wind where it departs from
    assert s_next(mdp, (3, 3), "left", shape) == (2, 2)
    assert s_next(mdp, (5, 6), "down", shape) == (4, 6)
    assert s_next(mdp, (1, 7), "up", shape) == (0, 7)  # both stop at the border,
    assert s_next(mdp, (6, 4), "down", shape) == (5, 4)  # one after the other
    assert s_next(mdp, (4, 9), "right", shape) == (4, 9)
    assert (mdp.R.sum(), mdp.start[30]) == (-69 * 4, 1) and np.flatnonzero(mdp.terminal).tolist() == [37]


@pytest.mark.parametrize("stay", [False, True])
@pytest.mark.parametrize("kings_moves, steps", [(False, 15), (True, 7)])
def test_windy_gridworld_takes_15_steps_and_a_king_7(kings_moves, steps, stay):
    """The goal is seven columns away and no move goes further than one: with 7, the ninth action cannot help."""
    mdp = worlds.windy_gridworld(kings_moves, stay)
    assert mdp.num_actions == (8 if kings_moves else 4) + stay
    assert value_iteration(mdp).v[30] == -steps


def test_the_kings_moves_are_where_their_names_say():
    mdp, shape = worlds.windy_gridworld(kings_moves=True, stay=True), (7, 10)
    assert s_next(mdp, (3, 1), "up right", shape) == (2, 2)
    assert s_next(mdp, (3, 1), "down right", shape) == (4, 2)
    assert s_next(mdp, (3, 1), "down left", shape) == (4, 0)
    assert s_next(mdp, (3, 1), "up left", shape) == (2, 0)
    assert s_next(mdp, (3, 1), "stay", shape) == (3, 1)
    assert s_next(mdp, (3, 6), "stay", shape) == (1, 6)
    assert s_next(mdp, (0, 0), "up right", shape) == (0, 1)


def test_a_stochastic_wind_is_a_cell_weaker_or_stronger_a_third_of_the_time():
    mdp = worlds.windy_gridworld(kings_moves=True, stochastic=True)
    right = mdp.action_names.index("right")
    assert np.allclose(mdp.P[36, right, [27, 17, 7]], 1 / 3)  # from (3, 6), wind 2: 1, 2 or 3 cells up
    assert np.allclose(mdp.P[33, right, [34, 24, 14]], 1 / 3)  # from (3, 3), wind 1: 0, 1 or 2 cells
    assert mdp.P[32, right, 33] == 1  # from (3, 2), no wind
    assert np.allclose(mdp.P[16, right, [7, 17]], [1, 0])  # from (1, 6): any of the three ends at the border
    assert np.allclose(mdp.P.sum(axis=2), 1)
    assert value_iteration(mdp).v[30] < -7


@pytest.mark.parametrize("slip", [0.0, 0.3])
def test_chain(slip):
    mdp = worlds.chain(6, gamma=0.8, slip=slip)
    assert mdp.P[2, 1].tolist() == [0, slip, 0, 1 - slip, 0, 0]
    assert mdp.R[4].tolist() == [slip, 1 - slip]
    if slip == 0:
        assert np.allclose(value_iteration(mdp).v, [0.8**4, 0.8**3, 0.8**2, 0.8, 1, 0])


@pytest.mark.parametrize("arguments, message", [({"num_states": 1}, "num_states is 1"), ({"slip": 1.5}, "slip is 1.5")])
def test_chain_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        worlds.chain(**arguments)


@pytest.mark.parametrize("num_states, left, right", [(1, 0, 1), (4, -2, 3), (5, 0, 1), (19, -1, 1)])
def test_random_walk_is_worth_the_straight_line_between_its_ends(num_states, left, right):
    """v is the mean of its two neighbours, so it is linear; example 6.2: 1/6 ... 5/6; example 7.1: -0.9 ... 0.9."""
    walk = worlds.random_walk(num_states, left, right)
    v = policy_value(walk, np.full((num_states + 2, 2), 0.5))
    assert np.allclose(v[1:-1], np.linspace(left, right, num_states + 2)[1:-1])
    assert np.flatnonzero(walk.terminal).tolist() == [0, num_states + 1]


def test_random_walk_pays_at_its_ends_and_starts_in_the_middle():
    walk = worlds.random_walk()
    assert walk.R[1:-1].tolist() == [[0, 0]] * 4 + [[0, 1]]
    assert walk.P[1:-1].argmax(axis=2).tolist() == [[0, 2], [1, 3], [2, 4], [3, 5], [4, 6]]
    assert walk.start[3] == 1 and walk.state_names[3] == "C" and walk.action_names == ("left", "right")
    assert worlds.random_walk(4).start[2] == 1 and worlds.random_walk(27).state_names[27] == "27"
    with pytest.raises(ValueError, match="num_states is 0, expected a whole number, at least 1"):
        worlds.random_walk(0)


@pytest.mark.parametrize(
    "mdp, steps",
    [
        (worlds.dyna_maze(), 14),
        *zip(worlds.blocking_maze(), (10, 16), strict=True),
        *zip(worlds.shortcut_maze(), (16, 10), strict=True),
    ],
)
def test_the_shortest_ways_through_the_mazes(mdp, steps):
    """v* = gamma^(steps - 1), for the only reward is 1 on entering G. The numbers of steps are the book's."""
    assert mdp.num_states == 54 and mdp.gamma == 0.95
    assert mdp.start @ value_iteration(mdp).v == pytest.approx(0.95 ** (steps - 1))


def test_a_maze_is_read_from_its_drawing():
    mdp = worlds.maze(["S.#", "..G"], gamma=0.5)
    shape = (2, 3)
    assert mdp.start.tolist() == [1, 0, 0, 0, 0, 0]
    assert mdp.terminal.reshape(shape).tolist() == [[False, False, True], [False, False, True]]
    assert s_next(mdp, (0, 1), "right", shape) == (0, 1) and s_next(mdp, (0, 0), "up", shape) == (0, 0)
    assert s_next(mdp, (0, 0), "down", shape) == (1, 0) and s_next(mdp, (1, 1), "right", shape) == (1, 2)
    assert np.argwhere(mdp.R).tolist() == [[4, 1]] and mdp.R[4, 1] == 1
    assert np.allclose(value_iteration(mdp).v, [0.25, 0.5, 0, 0.5, 1, 0])
    as_text = worlds.maze("S.#\n..G", gamma=0.5)
    assert np.array_equal(as_text.P, mdp.P) and np.array_equal(as_text.R, mdp.R)


@pytest.mark.parametrize("drawing", ["S.\n.", "S.\n..", "SG\nS.", "SG\n.x", ""])
def test_a_maze_refuses_what_is_not_one(drawing):
    with pytest.raises(ValueError, match="expected lines of equal length out of"):
        worlds.maze(drawing)


def test_bias_example_has_the_moments_of_the_normal_reward():
    mdp = worlds.bias_example()
    tables, row = mdp.tables, 1 * mdp.num_actions
    outcomes = slice(tables.first[row], tables.first[row + 1])
    p, r = np.diff(tables.cumulative[outcomes], prepend=0), tables.reward[outcomes]
    moments = [(p * (r + 0.1) ** k).sum() for k in range(1, 7)]
    assert np.allclose(moments, [0, 1, 0, 3, 0, 15])  # of a standard normal
    assert np.allclose(value_iteration(mdp).q[0], [-0.1] * 5 + [0.0] * 5)


@pytest.mark.parametrize("count", [0, 3, "ten"])
def test_bias_example_refuses(count):
    with pytest.raises(ValueError, match=f"num_actions is {count!r}, expected"):
        worlds.bias_example(count)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: worlds.random_walk(left="0"), "left is '0', expected a finite number"),
        (lambda: worlds.random_walk(right=np.inf), "right is inf, expected a finite number"),
        (lambda: worlds.car_rental(free_moves=-1), "free_moves is -1, expected a whole number, at least 0"),
        (lambda: worlds.car_rental(parking_fee=None), "parking_fee is None, expected a finite number"),
        (lambda: worlds.gambler(p_heads="0.4"), "p_heads is '0.4', expected a number in"),
        (lambda: worlds.chain(slip=np.nan), "slip is nan, expected a number in"),
        (lambda: worlds.maze(3), "drawing is 3, expected a string or a list"),
    ],
)
def test_a_world_names_the_argument_that_it_cannot_use(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()


def test_short_corridor_reverses_the_actions_of_its_second_state():
    mdp = worlds.short_corridor()
    right, left = 0, 1
    assert mdp.P[:3, right].argmax(axis=1).tolist() == [1, 0, 3]
    assert mdp.P[:3, left].argmax(axis=1).tolist() == [0, 2, 1]
    assert (mdp.R[:3] == -1).all() and mdp.start[0] == 1 and np.flatnonzero(mdp.terminal).tolist() == [3]
    assert value_iteration(mdp).v[0] == -3  # whoever can tell the states apart walks straight there


def test_short_corridor_without_seeing_the_state():
    """Right with probability p is worth -2 (2 - p) / (p (1 - p)); the best p is 2 - sqrt(2), worth -(6 + 4 sqrt(2))."""
    mdp = worlds.short_corridor()

    def worth(p):
        return policy_value(mdp, np.tile([p, 1 - p], (4, 1)))[0]

    for p in (0.1, 0.5, 0.95):
        assert np.isclose(worth(p), -2 * (2 - p) / (p * (1 - p)))
    best = 2 - np.sqrt(2)
    assert np.isclose(worth(best), -(6 + 4 * np.sqrt(2)))
    assert worth(best) > max(worth(best - 0.01), worth(best + 0.01))
    assert np.allclose([worth(0.95), worth(0.05)], [-44.21, -82.11], atol=0.005)  # epsilon-greedy, epsilon 0.1


SUMS = np.arange(12, 22)


def stick_from(least):
    """The blackjack policy (213,) that sticks from a sum on, with or without an ace; naturals stick."""
    return np.concatenate([np.broadcast_to(SUMS[:, None] < least, (2, 10, 10)).ravel(), np.zeros(13)]).astype(int)


def test_blackjack_by_hand():
    mdp = worlds.blackjack()
    stick, hit = 0, 1
    ace, four = 100, 10 * (14 - 12)
    assert mdp.state_names[four + 1] == "14 against 2" and mdp.state_names[ace + four] == "14 with an ace against 1"
    lose, draw, win = 210, 211, 212
    assert np.isclose(mdp.P[four, hit, lose], 6 / 13)  # 8, 9, and ten, jack, queen, king
    assert np.isclose(mdp.P[four, hit, 10 * (15 - 12)], 1 / 13)
    assert mdp.P[ace + four, hit, lose] == 0
    assert np.isclose(mdp.P[ace + four, hit, four], 4 / 13)  # a ten: the ace no longer counts eleven
    assert np.isclose(mdp.P[ace + four, hit, ace + four + 10], 1 / 13)
    assert np.allclose(mdp.P[200, :, [draw, win]], [[4 / 13] * 2, [9 / 13] * 2])  # naturals against an ace
    assert np.allclose(mdp.P[209, :, draw], 1 / 13) and np.allclose(mdp.P[201, :, win], 1)
    assert np.isclose(mdp.start[200:210].sum(), 8 / 169)
    assert mdp.terminal[lose:].all() and mdp.terminal.sum() == 3
    assert mdp.P[99, stick, lose] == 0  # nothing beats 21
    assert worlds.blackjack(start=111).start[111] == 1


def test_the_dealer_of_blackjack_by_hand():
    """From 16, eight of thirteen cards are a bust. From 15, an ace makes 16; seven make a bust."""
    assert np.allclose(gambling._dealer_scores((16, False))[[0, 17, 21]], [8 / 13, 1 / 13, 1 / 13])
    assert np.isclose(gambling._dealer_scores((15, False))[0], 7 / 13 + 8 / 13 / 13)
    assert gambling._dealer_scores((17, True))[17] == 1
    assert np.isclose(gambling._dealer_scores((11, True))[21], 4 / 13 + _later_twenty_one())


def _later_twenty_one():
    """The probability that a dealer who shows an ace reaches 21 with more than two cards, by listing every order."""

    def reach(cards):
        soft = sum(cards) + 10 if sum(cards) <= 11 else sum(cards)
        if soft >= 17:
            return float(soft == 21 and len(cards) > 2)
        return sum(reach([*cards, card]) * (4 if card == 10 else 1) / 13 for card in range(1, 11))

    return reach([1])


def test_blackjack_policies_have_the_values_of_the_book():
    """Example 5.4's state, sticking on 20 and 21; figure 5.2's policy."""
    mdp = worlds.blackjack()
    v = policy_value(mdp, stick_from(20))
    assert v[:200].reshape(2, 10, 10)[1, 13 - 12, 2 - 1] == pytest.approx(-0.277204, abs=5e-7)
    sticks_from = {0: [17, 13, 13, 12, 12, 12, 17, 17, 17, 17], 1: [19, 18, 18, 18, 18, 18, 18, 18, 19, 19]}
    policy = value_iteration(mdp).policy[:200].reshape(2, 10, 10)
    for usable, least in sticks_from.items():
        assert np.array_equal(policy[usable] == 0, SUMS[:, None] >= least)


def gymnasium_hands(policy, count, seed):
    """Play hands of Blackjack-v1: the state in which the player is first asked (a natural is its own), and the reward."""
    env = gymnasium.make("Blackjack-v1", sab=True).unwrapped
    env.reset(seed=seed)
    first, rewards = np.zeros(count, int), np.zeros(count)
    for i in range(count):
        (player, dealer, usable), _ = env.reset()
        first[i] = 199 + dealer if player == 21 else -1
        terminated = False
        while not terminated:
            s = 100 * usable + 10 * (player - 12) + dealer - 1
            first[i] = s if first[i] < 0 and player >= 12 else first[i]
            hits = player < 12 or (policy[s] and first[i] < 200)
            (player, dealer, usable), rewards[i], terminated, _, _ = env.step(int(hits))
    return first, rewards


@pytest.mark.parametrize("least, seed", [(20, 0), (16, 1)])
def test_blackjack_is_the_game_of_gymnasium(least, seed):
    """The deal, and returns that differ from the exact value of where they began by noise alone, in every group."""
    mdp, hands = worlds.blackjack(), 12_000
    policy = stick_from(least)
    first, rewards = gymnasium_hands(policy, hands, seed)
    count, expected = np.bincount(first, minlength=213), hands * mdp.start
    assert count[expected == 0].sum() == 0
    common = expected > 5
    statistic = ((count - expected)[common] ** 2 / expected[common]).sum()
    assert abs(statistic - common.sum()) < 5 * np.sqrt(2 * common.sum())
    error = rewards - policy_value(mdp, policy)[first]
    asked = first < 200
    groups = [first % 10 == card for card in range(10)]  # by the dealer's card, also for the naturals
    groups += [asked & (first % 100 // 10 + 12 == total) for total in SUMS] + [asked & (first >= 100), ~asked]
    for group in groups:
        assert abs(error[group].mean()) < 4.5 * error[group].std() / np.sqrt(group.sum())


def blackjack_state(observation):
    """Ours for Gymnasium's (sum, dealer's card, usable ace)."""
    player, dealer, usable = observation
    return 100 * usable + 10 * (player - 12) + dealer - 1


def test_each_step_of_gymnasiums_blackjack_is_one_of_ours():
    """Side by side: where it deals a hand, hits and ends is possible here, and pays the same."""
    mdp, rng = worlds.blackjack(), np.random.default_rng(0)
    env = gymnasium.make("Blackjack-v1", sab=True).unwrapped
    env.reset(seed=0)
    for _ in range(3000):
        observation, _ = env.reset()
        while observation[0] < 12:  # hit without asking
            observation, *_ = env.step(1)
        natural = observation[0] == 21 and len(env.player) == 2
        s = 199 + observation[1] if natural else blackjack_state(observation)
        assert mdp.start[s] > 0
        over = False
        while not over:
            a = 0 if natural else int(rng.integers(2))
            observation, reward, over, _, _ = env.step(a)
            s_after = 211 + int(reward) if over else blackjack_state(observation)
            assert mdp.P[s, a, s_after] > 0, f"{mdp.state_names[s]}, action {a}: Gymnasium went on to {s_after}"
            assert mdp.terminal[s_after] == over
            s = s_after


def test_the_cliff_is_gymnasiums_step_for_step():
    """The same tables wherever one can be, and the same 20,000 steps of a random policy."""
    mdp, rng = worlds.cliff_walking(), np.random.default_rng(1)
    env = gymnasium.make("CliffWalking-v1").unwrapped
    imported = FiniteMDP.from_gymnasium(env, 1.0)
    there = [s for s in range(48) if not 36 < s < 47]
    assert np.array_equal(imported.P[there], mdp.P[there]) and np.array_equal(imported.R[there], mdp.R[there])
    assert np.array_equal(imported.start, mdp.start)
    s, _ = env.reset(seed=0)
    assert s == mdp.reset(rng)
    for step in range(20_000):
        a = int(rng.integers(4))
        s_next, reward, terminated, _, _ = env.step(a)
        assert mdp.step(s, a, rng) == (s_next, reward, terminated), f"step {step}, from state {s} by action {a}"
        s = env.reset()[0] if terminated else s_next


def test_infinite_variance():
    """Always left is worth the sum over k of 0.9^k 0.1 = 1; tossing a coin, v = 0.5 (0.1 + 0.9 v) = 1/11."""
    mdp = worlds.infinite_variance()
    assert np.allclose(policy_value(mdp, np.array([0, 0])), [1, 0])
    assert np.allclose(policy_value(mdp, np.full((2, 2), 0.5)), [1 / 11, 0])


def test_gambler_stakes():
    mdp = worlds.gambler(p_heads=0.3, goal=10)
    P = mdp.P.toarray().reshape(11, 5, 11)
    assert P[4, 2].tolist() == [0, 0.7, 0, 0, 0, 0, 0, 0.3, 0, 0, 0]  # stake 3 of 4
    assert np.array_equal(P[2, 1], P[2, 4]) and P[2, 4, [0, 4]].tolist() == [0.7, 0.3]  # no more than there is
    assert np.array_equal(P[8, 1], P[8, 4]) and P[8, 4, [6, 10]].tolist() == [0.7, 0.3]  # nor than is needed
    assert mdp.R[8].tolist() == [0, 0.3, 0.3, 0.3, 0.3] and mdp.action_names[2] == "3"
    rewards = {mdp.step(8, 1, np.random.default_rng(seed))[:2] for seed in range(20)}
    assert rewards == {(6, 0.0), (10, 1.0)}  # 1 or nothing, never the mean


def test_gambler_values_below_one_half():
    """Bold play is optimal: v(s) = p v(2s) up to half of the goal, and p + (1 - p) v(2s - goal) above; v(51) is .4031."""
    for p in (0.1, 0.4):
        v = value_iteration(worlds.gambler(p), tol=1e-12).v
        v[100] = 1.0
        s = np.arange(101)
        assert np.allclose(v, np.where(s <= 50, p * v[np.minimum(2 * s, 100)], p + (1 - p) * v[2 * s - 100]))
    assert np.allclose(v[[25, 50, 75]], [0.16, 0.4, 0.64]) and v[51] == pytest.approx(0.4031, abs=5e-5)


def test_gambler_values_from_one_half_on():
    """A fair game is worth s / goal whatever is staked; in a good one the gambler's ruin at the smallest stake is best."""
    s = np.arange(1, 100)
    assert np.allclose(value_iteration(worlds.gambler(0.5), tol=1e-12).v[1:-1], s / 100)
    v, odds = value_iteration(worlds.gambler(0.55), tol=1e-12).v[1:-1], 0.45 / 0.55
    assert np.allclose(v, (1 - odds**s) / (1 - odds**100))


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"p_heads": 1.1}, "p_heads is 1.1, expected"),
        ({"goal": 1}, "goal is 1, expected"),
        ({"goal": 9.5}, "goal is 9.5"),
    ],
)
def test_gambler_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        worlds.gambler(**arguments)


def test_car_rental_is_solved_as_in_the_book():
    """Figure 4.2: four improvements of never moving a car, moves from -4 to 5. The values are exact."""
    solution = policy_iteration(worlds.car_rental(), policy=np.full(441, 5))
    assert solution.sweeps == 4
    assert solution.v[0] == pytest.approx(421.41, abs=0.005) and solution.v[-1] == pytest.approx(636.99, abs=0.005)
    moves = solution.policy - 5
    assert moves.min() == -4 and moves.max() == 5


def test_car_rental_by_enumeration():
    """A day from 2 and 19 cars, one moved back: 3 and 18 overnight; Poisson numbers up to 40 hold all but 1e-25."""
    mdp, n = worlds.car_rental(), np.arange(41)
    expected, earned = [], 0.0
    for cars, requests, returns in [(3, 3, 3), (18, 4, 2)]:
        evening = np.zeros(21)
        for asked, p in zip(n, poisson.pmf(n, requests), strict=True):
            earned += p * 10 * min(asked, cars)
            np.add.at(evening, np.minimum(cars - min(asked, cars) + n, 20), p * poisson.pmf(n, returns))
        expected.append(evening)
    assert np.allclose(mdp.P[21 * 2 + 19, 4], np.outer(*expected).ravel())
    assert mdp.R[21 * 2 + 19, 4] == pytest.approx(earned - 2)
    assert mdp.action_names[4] == "-1" and mdp.state_names[21 * 2 + 19] == "(2, 19)"


def test_cars_that_cannot_be_moved_stay_and_are_paid_for():
    mdp = worlds.car_rental()
    stay = 5
    for (n1, n2), action, moved, cost in [
        ((0, 0), 10, 0, 10),
        ((20, 20), 2, 0, 6),
        ((3, 5), 10, 3, 10),
        ((7, 18), 8, 2, 6),
    ]:
        s, overnight = 21 * n1 + n2, 21 * (n1 - moved) + n2 + moved
        assert np.array_equal(mdp.P[s, action], mdp.P[overnight, stay])
        assert mdp.R[s, action] == pytest.approx(mdp.R[overnight, stay] - cost)


def test_the_employee_and_the_parking_lot_of_exercise_4_7():
    plain, helped = worlds.car_rental(), worlds.car_rental(free_moves=1)
    assert np.array_equal(plain.P, helped.P)
    assert np.allclose((helped.R - plain.R).reshape(21, 21, 11), [0] * 6 + [2] * 5)
    fees = (plain.R - worlds.car_rental(parking_fee=4).R).reshape(21, 21, 11)
    assert np.allclose(fees[10, 10, :], [4] * 5 + [0] + [4] * 5)  # one place has more than ten as soon as a car moves
    assert np.allclose(fees[15, 15, :], [4] + [8] * 9 + [4]) and np.allclose(fees[9, 10], [4] * 4 + [0] * 2 + [4] * 5)


# The car in a valley.


def test_the_car_is_gymnasiums_step_for_step():
    """The same actions from the same states, in 40 episodes of up to 150 steps, into the wall and to the goal."""
    env, car, rng = gymnasium.make("MountainCar-v0").unwrapped, mountain_car(), np.random.default_rng(0)
    ends = walls = 0
    for episode in range(40):
        env.reset(seed=episode)
        s = car.reset(rng)
        assert -0.6 <= s[0] <= -0.4 and s[1] == 0
        env.state = s
        for _ in range(150):
            a = int(rng.integers(3)) if episode % 2 else 2 * int(s[1] >= 0)
            _, reward, terminated, _, _ = env.step(a)
            s, r, over = car.step(s, a, rng)
            assert np.allclose(s, env.state, rtol=0, atol=1e-12) and (r, over) == (reward, terminated)
            walls += s[0] == -1.2
            if over:
                ends += 1
                break
    assert ends > 10 and walls > 3


def test_the_fewest_steps_out_of_the_valley():
    """Found independently by another search; finer cells find the same."""
    for cells in (400, 900):
        assert [fewest_steps(position, cells=cells) for position in (-0.5, -np.pi / 6, -0.4)] == [102, 103, 83]
    assert np.mean([fewest_steps(position) for position in np.linspace(-0.6, -0.4, 81)]) == pytest.approx(97.5, abs=0.6)
    assert fewest_steps(0.5) == 0 and fewest_steps(0.45, 0.06) == 1


def test_a_search_that_loses_the_way_says_so():
    with pytest.raises(ArithmeticError, match="no way to the goal was found with 60 x 60 cells: expected more"):
        fewest_steps(-0.5, cells=60)
    for wrong in (dict(position=0.6), dict(position=-0.5, velocity=0.1), dict(position=-0.5, cells=0)):
        with pytest.raises(ValueError, match="expected"):
            fewest_steps(**wrong)
