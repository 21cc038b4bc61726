"""The small worlds of the book, each a function that returns a `FiniteMDP`.

Grid worlds number their cells row by row from the top left, and their actions are up, right, down and left.
"""

import functools
import itertools
import math

import numpy as np
import scipy.sparse

from rlbook._checks import check_counts
from rlbook.mdp import FiniteMDP

MOVES = {"up": (-1, 0), "right": (0, 1), "down": (1, 0), "left": (0, -1)}  # change of (row, column)
DIAGONALS = {"up right": (-1, 1), "down right": (1, 1), "down left": (1, -1), "up left": (-1, -1)}  # a king's, in chess


def _grid_steps(shape, moves=MOVES):
    """The cell (S, A) that each move leads to; a move off the grid stays where it is."""
    cells = np.arange(np.prod(shape)).reshape(shape)
    row, column = np.indices(shape).reshape(2, -1, 1)
    d_row, d_column = np.array(list(moves.values())).T
    return cells[np.clip(row + d_row, 0, shape[0] - 1), np.clip(column + d_column, 0, shape[1] - 1)]


def _deterministic(s_next):
    """P (S, A, S) of a world in which each action (S, A) has one certain successor."""
    return np.eye(len(s_next))[s_next]


def _cell_names(shape):
    return [f"({row}, {column})" for row, column in np.ndindex(shape)]


def traffic_light(gamma=0.9):
    """The book's first example: a driver at one traffic light after another, each red or green, who can stop or go.

    Rewards are minutes: waiting loses one, passing on green wins one. Passing on red costs nothing today, but drops
    the driver out of the green wave: the next light is green with probability 0.1 only, and with 0.9 after a wait.
    Passing on green keeps the wave with probability 0.7. Starts on red.
    v* = (220/59, 320/59) for red and green at gamma = 0.9; stopping on red is the better choice above gamma = 5/7.
    """
    P = [
        [[0.1, 0.9], [0.9, 0.1]],  # from red, after stop and after go: probabilities of red and green
        [[0.5, 0.5], [0.3, 0.7]],  # from green
    ]
    R = [[-1, 0], [-1, 1]]
    return FiniteMDP(P, R, gamma, start=0, state_names=["red", "green"], action_names=["stop", "go"])


def gridworld(gamma=0.9):
    """A 5 x 5 grid without an end, where two cells teleport: A (0, 1) to (4, 1) for 10, and B (0, 3) to (2, 3) for 5.

    Every action in A or B does that; a move off the grid stays and costs 1; all others cost nothing. Starts anywhere.
    Source: Sutton & Barto (2018), examples 3.5 and 3.8.
    """
    shape = (5, 5)
    s_next = _grid_steps(shape)
    R = np.where(s_next == np.arange(25)[:, None], -1.0, 0.0)
    for cell, destination, reward in [((0, 1), (4, 1), 10), ((0, 3), (2, 3), 5)]:
        s = np.ravel_multi_index(cell, shape)
        s_next[s], R[s] = np.ravel_multi_index(destination, shape), reward
    return FiniteMDP(_deterministic(s_next), R, gamma, state_names=_cell_names(shape), action_names=MOVES)


def small_grid(gamma=1.0):
    """A 4 x 4 grid whose top left and bottom right corners end the episode; every step costs 1. Starts anywhere else.

    Source: Sutton & Barto (2018), example 4.1 and figure 4.1.
    """
    shape = (4, 4)
    terminal = np.isin(np.arange(16), [0, 15])
    return FiniteMDP(
        _deterministic(_grid_steps(shape)),
        np.full((16, 4), -1.0),
        gamma,
        terminal=terminal,
        state_names=_cell_names(shape),
        action_names=MOVES,
    )


def cliff_walking(gamma=1.0):
    """A 4 x 12 grid, from the bottom left corner to the bottom right; between them the bottom row is a cliff.

    Every step costs 1. Stepping into the cliff costs 100 and leads back to the start; it does not end the episode. The
    cells of the cliff are states that are never entered.
    Source: Sutton & Barto (2018), example 6.6.
    """
    shape, start, goal = (4, 12), 36, 47
    s_next = _grid_steps(shape)
    falls = (s_next > start) & (s_next < goal)
    return FiniteMDP(
        _deterministic(np.where(falls, start, s_next)),
        np.where(falls, -100.0, -1.0),
        gamma,
        start=start,
        terminal=np.arange(48) == goal,
        state_names=_cell_names(shape),
        action_names=MOVES,
    )


def windy_gridworld(kings_moves=False, stay=False, stochastic=False, gamma=1.0):
    """A 7 x 10 grid in a crosswind: from (3, 0) to (3, 7), where every step costs 1. The best way takes 15 steps.

    The wind blows upwards, in the columns 3 to 8 by 1, 1, 1, 2, 2 and 1 cells, and the column that a step departs from
    counts: the move comes first, then the wind, and either stops at the border.
    kings_moves     adds the four diagonal moves (7 steps are then enough), stay an action that only the wind moves
    stochastic      the wind, where there is any, is one cell weaker, as it should be, or one cell stronger, each in
                    a third of the steps
    Source: Sutton & Barto (2018), example 6.5 and exercises 6.9 and 6.10.
    """
    shape, start, goal = (7, 10), 30, 37
    wind = np.array([0, 0, 0, 1, 1, 1, 2, 2, 1, 0])
    moves = MOVES | (DIAGONALS if kings_moves else {}) | ({"stay": (0, 0)} if stay else {})
    row, column = np.divmod(_grid_steps(shape, moves), shape[1])
    P = np.zeros((70, len(moves), 70))
    for change in (-1, 0, 1) if stochastic else (0,):
        blown = np.where(wind > 0, wind + change, 0)[np.arange(70) % shape[1], None]  # from each cell (S, 1)
        P += _deterministic(np.maximum(row - blown, 0) * shape[1] + column)
    return FiniteMDP(
        P / P.sum(axis=2, keepdims=True),
        np.full((70, len(moves)), -1.0),
        gamma,
        start=start,
        terminal=np.arange(70) == goal,
        state_names=_cell_names(shape),
        action_names=moves,
    )


def maze(drawing, gamma=0.95):
    """A maze from its drawing, lines of "." for a free cell, "#" for a wall, and one "S" and one "G": from S to G.

    Entering G pays 1 and ends the episode; all other steps pay nothing. A move into a wall or off the grid stays. The
    cells of the walls are states that are never entered, marked terminal so that nobody plans for them.
    With d steps still to go, v* = gamma ** (d - 1).
    """
    lines = drawing.split() if isinstance(drawing, str) else list(drawing)
    shape = (len(lines), len(lines[0]) if lines else 0)
    cells = np.array([list(line) for line in lines if len(line) == shape[1]]).reshape(-1)
    found = dict(zip(*np.unique(cells, return_counts=True), strict=True))
    if len(cells) != np.prod(shape) or not found.keys() <= set(".#SG") or (found.get("S"), found.get("G")) != (1, 1):
        raise ValueError(f"drawing is {lines}, expected lines of equal length out of '.', '#', one 'S' and one 'G'")
    s_next = _grid_steps(shape)
    s_next = np.where(cells[s_next] == "#", np.arange(len(cells))[:, None], s_next)
    return FiniteMDP(
        _deterministic(s_next),
        np.where(cells[s_next] == "G", 1.0, 0.0),
        gamma,
        start=int(np.flatnonzero(cells == "S")[0]),
        terminal=(cells == "G") | (cells == "#"),
        state_names=_cell_names(shape),
        action_names=MOVES,
    )


def dyna_maze(gamma=0.95):
    """The maze on which Dyna is shown: 6 x 9 cells, and 14 steps on the shortest ways from S to G.

    Source: Sutton & Barto (2018), example 8.1.
    """
    drawing = """
        .......#G
        ..#....#.
        S.#....#.
        ..#......
        .....#...
        .........
    """
    return maze(drawing, gamma)


def blocking_maze(gamma=0.95):
    """A maze before and after its only gap closes on the right (10 steps) and another opens on the left (16 steps).

    Source: Sutton & Barto (2018), example 8.2.
    """
    return _walled_maze("########.", gamma), _walled_maze(".########", gamma)


def shortcut_maze(gamma=0.95):
    """A maze with a gap on the left (16 steps), and the same after a second gap has opened on the right (10 steps).

    Source: Sutton & Barto (2018), example 8.3.
    """
    return _walled_maze(".########", gamma), _walled_maze(".#######.", gamma)


def _walled_maze(wall, gamma):
    return maze(["........G", ".........", ".........", wall, ".........", "...S....."], gamma)


def chain(num_states=5, gamma=0.9, slip=0.0):
    """States 0 to num_states - 1 in a row; the step into the last one pays 1 and ends the episode. Starts in state 0.

    The actions are left and right; with probability slip the other one happens. Moving left from state 0 stays there.
    Without slip, v*(s) = gamma ** (num_states - 2 - s).
    """
    if num_states < 2:
        raise ValueError(f"num_states is {num_states}, expected at least 2: a start and an end")
    if not 0 <= slip <= 1:
        raise ValueError(f"slip is {slip}, expected a probability")
    states = np.arange(num_states)
    left = np.eye(num_states)[np.maximum(states - 1, 0)]
    right = np.eye(num_states)[np.minimum(states + 1, num_states - 1)]
    P = np.stack([(1 - slip) * left + slip * right, (1 - slip) * right + slip * left], axis=1)
    R = np.zeros((num_states, 2, num_states))
    R[:, :, -1] = 1.0
    terminal = states == num_states - 1
    return FiniteMDP(P, R, gamma, start=0, terminal=terminal, action_names=["left", "right"])


def random_walk(num_states=5, left=0.0, right=1.0, gamma=1.0):
    """States in a row between two ends; the step into the left end pays `left`, the one into the right end `right`.

    The states are 1 to num_states, the ends 0 and num_states + 1. The actions are left and right; the walk is the policy
    that tosses a coin. It starts in the middle (of an even number, on the left of the middle). Without a discount it
    ends on the right with probability p = s / (num_states + 1), and so v(s) = (1 - p) * left + p * right.
    Source: Sutton & Barto (2018), example 6.2; with 19 states, left=-1 and right=1, example 7.1.
    """
    check_counts(num_states=num_states)
    states = np.arange(num_states + 2)
    P = _deterministic(np.stack([np.maximum(states - 1, 0), np.minimum(states + 1, num_states + 1)], axis=1))
    R = np.zeros((num_states + 2, 2))
    R[1, 0], R[num_states, 1] = left, right
    letters = [chr(ord("A") + i) if num_states <= 26 else str(i + 1) for i in range(num_states)]
    return FiniteMDP(
        P,
        R,
        gamma,
        start=(num_states + 1) // 2,
        terminal=(states == 0) | (states == num_states + 1),
        state_names=["left end", *letters, "right end"],
        action_names=["left", "right"],
    )


def bias_example(num_actions=10, gamma=1.0):
    """The two states that show maximisation bias. From A, right ends with 0; left leads to B with 0; from B every
    action ends with a reward of mean -0.1 and variance 1, so left is the wrong choice.

    The number of actions is the same in every state here, so in A the first half of them go left and the others right:
    exploring still goes left half of the time. The normal reward of the book is a discrete one, one terminal state for
    each value, with the same first 17 moments (Gauss-Hermite).
    Source: Sutton & Barto (2018), example 6.7.
    """
    if num_actions < 2 or num_actions % 2:
        raise ValueError(f"num_actions is {num_actions}, expected an even number: half of them go left in A")
    nodes, weights = np.polynomial.hermite_e.hermegauss(9)
    A, B, end, num_states = 0, 1, 2, 3 + len(nodes)
    P = np.zeros((num_states, num_actions, num_states))
    R = np.zeros_like(P)
    P[A, : num_actions // 2, B] = 1.0
    P[A, num_actions // 2 :, end] = 1.0
    P[B, :, end + 1 :] = weights / weights.sum()
    R[B, :, end + 1 :] = nodes - 0.1
    P[end:, :] = np.eye(num_states)[end:, None, :]
    return FiniteMDP(
        P,
        R,
        gamma,
        start=A,
        terminal=np.arange(num_states) >= end,
        state_names=["A", "B", "end", *(f"end with {node - 0.1:.1f}" for node in nodes)],
        action_names=["left"] * (num_actions // 2) + ["right"] * (num_actions // 2),
    )


def short_corridor(gamma=1.0):
    """Three states in a row and a goal; every step costs 1. In the second state the actions are reversed.

    A policy that cannot tell the three states apart does best going right with probability 2 - sqrt(2), which is worth
    -(6 + 4 sqrt(2)) = -11.657. Going left from the first state stays there. Starts in the first state.
    Source: Sutton & Barto (2018), example 13.1.
    """
    goal = 3
    s_next = np.array([[1, 0], [0, 2], [goal, 1], [goal, goal]])  # after right, and after left
    return FiniteMDP(
        _deterministic(s_next),
        np.full((4, 2), -1.0),
        gamma,
        start=0,
        terminal=np.arange(4) == goal,
        state_names=["first", "second", "third", "goal"],
        action_names=["right", "left"],
    )


def gambler(p_heads=0.4, goal=100):
    """A gambler who stakes whole dollars on a coin until none are left, or the goal is reached. P is sparse.

    State s is a capital of s dollars, action a a stake of a + 1; a stake above min(s, goal - s) is that. Heads, with
    probability p_heads, wins the stake, tails loses it. Reaching the goal pays 1 and all else nothing, without a
    discount, so that v is the probability of getting there. The best stakes are not unique. Starts with any capital.
    Source: Sutton & Barto (2018), example 4.3.
    """
    check_counts(least=2, goal=goal)
    if not 0 <= p_heads <= 1:
        raise ValueError(f"p_heads is {p_heads}, expected a probability")
    capital, stakes = np.arange(goal + 1), np.arange(1, goal // 2 + 1)
    staked = np.minimum(stakes, np.minimum(capital, goal - capital)[:, None])
    wins, loses = ((capital[:, None] + change).ravel() for change in (staked, -staked))  # the capital afterwards
    rows, shape = np.arange(wins.size), (wins.size, goal + 1)
    P = scipy.sparse.csr_array((np.full(wins.size, p_heads), (rows, wins)), shape)
    P = P + scipy.sparse.csr_array((np.full(wins.size, 1 - p_heads), (rows, loses)), shape)
    R = scipy.sparse.csr_array(((wins == goal) * 1.0, (rows, wins)), shape)
    terminal = np.isin(capital, [0, goal])
    return FiniteMDP(P, R, 1.0, terminal=terminal, action_names=[str(stake) for stake in stakes])


def car_rental(gamma=0.9, free_moves=0, parking_fee=0.0):
    """Jack's two places that rent cars, with at most 20 cars each. State 21 * n1 + n2: n1 and n2 cars in the evening.

    Action a moves a - 5 cars overnight, from the first place to the second (below 0: back), for 2 dollars each. Cars
    that are not there, or find no room, stay and are paid for all the same, so that no two moves are alike. By day each
    car rented earns 10 dollars. Requests are Poisson numbers with means 3 and 4, returns with means 3 and 2; a car
    returned can be rented from the next day on, one that finds no room is gone. No tail is cut off.
    free_moves      so many of the cars moved from the first place to the second cost nothing (exercise 4.7: 1)
    parking_fee     for each place where more than 10 cars stand overnight (exercise 4.7: 4)
    Source: Sutton & Barto (2018), example 4.2 and exercise 4.7.
    """
    cars, moves = np.arange(21), np.arange(-5, 6)
    n1, n2 = (cars.reshape(shape) for shape in [(-1, 1, 1), (-1, 1)])
    moved = np.clip(moves, -np.minimum(n2, 20 - n1), np.minimum(n1, 20 - n2))  # (21, 21, 11)
    n1, n2 = (n1 - moved).reshape(-1, 11), (n2 + moved).reshape(-1, 11)  # overnight, each (S, A)
    (earned_1, evening_1), (earned_2, evening_2) = _rental_day(3, 3), _rental_day(4, 2)
    paid_for = np.where(moves > 0, np.maximum(moves - free_moves, 0), -moves)
    fees = parking_fee * ((n1 > 10) * 1 + (n2 > 10))
    both = np.kron(evening_1, evening_2)  # (S, S): from the cars overnight to those of the next evening
    return FiniteMDP(
        both[21 * n1 + n2],
        earned_1[n1] + earned_2[n2] - 2 * paid_for - fees,
        gamma,
        state_names=[f"({first}, {second})" for first, second in np.ndindex(21, 21)],
        action_names=[f"{move:+d}" for move in moves],
    )


def _rental_day(requests, returns):
    """A day at one of Jack's places, by the cars there in the morning: mean earnings (21,), cars in the evening (21, 21)."""
    earned, evening = np.zeros(21), np.zeros((21, 21))
    come_back = [_poisson_up_to(20 - left, returns) for left in range(21)]
    for morning in range(21):
        for rented, probability in enumerate(_poisson_up_to(morning, requests)):
            left = morning - rented
            earned[morning] += probability * 10 * rented
            evening[morning, left:] += probability * come_back[left]
    return earned, evening


def _poisson_up_to(most, mean):
    """The distribution (most + 1,) of a Poisson number that is counted as `most` where it is larger."""
    below = [math.exp(-mean) * mean**k / math.factorial(k) for k in range(most)]
    return np.array([*below, 1 - sum(below)])


def blackjack(gamma=1.0, start=None):
    """Blackjack with an endless deck; the actions are stick and hit.

    State 100 * usable + 10 * (player - 12) + dealer - 1 is the player's sum, 12 to 21, with an ace that counts 11
    (usable = 1) or none, against the dealer's card, 1 (an ace) to 10: v[:200].reshape(2, 10, 10) is indexed by those
    three. A sum below 12 cannot bust and is hit without asking. States 200 to 209 are the naturals (an ace and a ten
    dealt to the player), one for each card of the dealer: whatever the action, they win, or draw if the dealer has a
    natural too. The terminal states lose, draw and win pay -1, 0 and 1. The dealer hits below 17 and sticks from 17 on.
    Hands begin with the deal, or, where `start` is given, in that state or distribution (213,). It is the game of
    Gymnasium's Blackjack-v1 with sab=True, in which a natural is seen as 21 with a usable ace and wins when the player
    sticks.
    Source: Sutton & Barto (2018), example 5.1.
    """
    natural, lose, draw, win, num_states = 200, 210, 211, 212, 213
    P, deal = np.zeros((num_states, 2, num_states)), np.zeros(num_states)
    names = [""] * 200 + [f"natural against {card}" for card in CARDS] + ["lose", "draw", "win"]
    P[lose:] = np.eye(num_states)[lose:, None, :]
    first_hands = _first_hands()
    for card, p_card in CARDS.items():
        for hand, p in first_hands.items():
            deal[natural + card - 1 if hand == NATURAL else _blackjack_state(hand, card)] = p * p_card
        dealer = _dealer_scores(_with_card((0, False), card))
        for hand in itertools.product(range(12, 22), [False, True]):
            s, player = _blackjack_state(hand, card), hand[0]
            names[s] = f"{player} {'with an ace ' * hand[1]}against {card}"
            P[s, 0, [lose, draw, win]] = dealer[player + 1 :].sum(), dealer[player], dealer[:player].sum()
            for drawn, p in CARDS.items():
                after = _with_card(hand, drawn)
                P[s, 1, lose if after[0] > 21 else _blackjack_state(after, card)] += p
        both = {1: CARDS[10], 10: CARDS[1]}.get(card, 0.0)  # the other card makes the dealer's a natural too
        P[natural + card - 1, :, [draw, win]] = [[both], [1 - both]]
    R = np.zeros((num_states, 2, num_states))
    R[:, :, lose], R[:, :, win] = -1.0, 1.0
    terminal = np.arange(num_states) >= lose
    start = deal if start is None else start
    return FiniteMDP(P, R, gamma, start=start, terminal=terminal, state_names=names, action_names=["stick", "hit"])


# A hand of cards is (sum, whether it holds an ace that counts 11); its probabilities come from an endless deck.
CARDS = {card: 1 / 13 for card in range(1, 10)} | {10: 4 / 13}  # the probability of each value; tens have faces too
NATURAL = ("natural", True)


def _blackjack_state(hand, dealer):
    return 100 * hand[1] + 10 * (hand[0] - 12) + dealer - 1


def _with_card(hand, card):
    total, usable = hand
    if card == 1 and total + 11 <= 21:
        return total + 11, True
    total += card
    return (total - 10, False) if usable and total > 21 else (total, usable)


@functools.cache
def _dealer_scores(hand):
    """Probabilities (22,) of the sums that a dealer with this hand ends with; a bust scores 0."""
    if hand[0] >= 17:
        return np.eye(22)[hand[0] if hand[0] <= 21 else 0]
    return sum(p * _dealer_scores(_with_card(hand, card)) for card, p in CARDS.items())


def _first_hands(hand=(0, False), cards=0):
    """The probability of each hand with which a player who holds these cards is first asked to stick or hit."""
    if hand[0] >= 12:
        return {NATURAL if hand[0] == 21 and cards == 2 else hand: 1.0}
    first = {}
    for card, p_card in CARDS.items():
        for later, p in _first_hands(_with_card(hand, card), cards + 1).items():
            first[later] = first.get(later, 0.0) + p_card * p
    return first


def infinite_variance(gamma=1.0):
    """One state: left pays 1 and ends the episode with probability 0.1, and else stays; right ends it with 0.

    Always left is worth 1. Learned from a behaviour that tosses a coin, its value by ordinary importance sampling has
    an infinite variance.
    Source: Sutton & Barto (2018), example 5.5.
    """
    P = np.array([[[0.9, 0.1], [0.0, 1.0]], [[0.0, 1.0], [0.0, 1.0]]])
    R = np.array([[[0.0, 1.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]])
    names = {"state_names": ["s", "end"], "action_names": ["left", "right"]}
    return FiniteMDP(P, R, gamma, start=0, terminal=np.array([False, True]), **names)
