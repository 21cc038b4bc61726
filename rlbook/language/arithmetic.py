"""The task of the shipped model "arithmetic": to add two numbers, each from 0 to 99.

A sum is a prompt like "12+34=" and an answer like "46". Every fifth sum is held out: the model has seen neither
it nor the same two numbers in the other order.
"""

CHARACTERS = "0123456789+="


def sums(*, held_out):
    """The prompts and the answers of all sums that are held out from training, or of all that are not: two lists.

    The rule, squares modulo a prime, treats a+b as b+a and has nothing to do with their decimal digits.
    """
    pairs = [(a, b) for a in range(100) for b in range(100) if ((a * a + b * b) % 101 > 80) == held_out]
    return [f"{a}+{b}=" for a, b in pairs], [str(a + b) for a, b in pairs]
