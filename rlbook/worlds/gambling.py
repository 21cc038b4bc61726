"""Games of chance: a coin, and a deck of cards."""

import functools
import itertools

import numpy as np
import scipy.sparse

from rlbook._checks import check_counts, check_number
from rlbook.mdp import FiniteMDP


def gambler(p_heads=0.4, goal=100):
    """A gambler who stakes whole dollars on a coin until none are left, or the goal is reached. P is sparse.

    State s is a capital of s dollars, action a a stake of a + 1; a stake above min(s, goal - s) is that. Heads, with
    probability p_heads, wins the stake, tails loses it. Reaching the goal pays 1 and all else nothing, without a
    discount, so that v is the probability of getting there. The best stakes are not unique. Starts with any capital.
    Source: Sutton & Barto (2018), example 4.3.
    """
    check_counts(least=2, goal=goal)
    p_heads = check_number("p_heads", p_heads, least=0, most=1)
    capital, stakes = np.arange(goal + 1), np.arange(1, goal // 2 + 1)
    staked = np.minimum(stakes, np.minimum(capital, goal - capital)[:, None])
    wins, loses = ((capital[:, None] + change).ravel() for change in (staked, -staked))  # the capital afterwards
    rows, shape = np.arange(wins.size), (wins.size, goal + 1)
    P = scipy.sparse.csr_array((np.full(wins.size, p_heads), (rows, wins)), shape)
    P = P + scipy.sparse.csr_array((np.full(wins.size, 1 - p_heads), (rows, loses)), shape)
    R = scipy.sparse.csr_array(((wins == goal) * 1.0, (rows, wins)), shape)
    terminal = np.isin(capital, [0, goal])
    return FiniteMDP(P, R, 1.0, terminal=terminal, action_names=[str(stake) for stake in stakes])


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
