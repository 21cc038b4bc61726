"""Worlds in which customers come and go: how much to keep ready for them."""

import math

import numpy as np

from rlbook._checks import check_counts, check_number
from rlbook.mdp import FiniteMDP


def car_rental(gamma=0.9, free_moves=0, parking_fee=0.0):
    """Jack's two places that rent cars, with at most 20 cars each. State 21 * n1 + n2: n1 and n2 cars in the evening.

    Action a moves a - 5 cars overnight, from the first place to the second (below 0: back), for 2 dollars each. Cars
    that are not there, or find no room, stay and are paid for all the same, so that no two moves are alike. By day each
    car rented earns 10 dollars. Requests are Poisson numbers with means 3 and 4, returns with means 3 and 2; a car
    returned can be rented from the next day on, one that finds no room is gone. No tail is cut off.
    free_moves      so many of the cars moved from the first place to the second cost nothing (their exercise 4.7: 1)
    parking_fee     for each place where more than 10 cars stand overnight (their exercise 4.7: 4)
    Source: Sutton & Barto (2018), example 4.2 and exercise 4.7.
    """
    check_counts(least=0, free_moves=free_moves)
    parking_fee = check_number("parking_fee", parking_fee)
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
