"""Checks of answers found by hand that do not show them: what is compared is a digest of the rounded answer.

Out of sight, not secret: whoever wants to can try numbers until one fits, and has then done more work than the exercise asks
for. `digest` makes the digests; the solutions hold the answers themselves.
"""

import hashlib
import numbers

from rlbook._checks import shown


def check_answer(place, found, right, wrong=(), *, digits=3, otherwise="that is not it"):
    """Raise an AssertionError unless `found` has the digest `right`.

    place: the exercise and the quantity, "7.1, the first value": it begins the message and is part of every digest, so that
    equal answers look different. found: a number (also of NumPy, also a bool), a word, or a list, tuple, set or array of
    such. right: the digest of the answer. wrong: {digest of a likely mistake: what it is a sign of}. digits: decimals that
    count; an answer given to as many is right. otherwise: said of an answer that no entry of `wrong` explains.
    """
    own = _digest(place, found, digits)
    if own == right:
        return
    why = dict(wrong).get(own, otherwise)
    raise AssertionError(f"exercise {place}: yours is {shown(_plain(found))}: {why}")


def digest(place, answer, digits=3):
    """The digest of `answer`, eight hexadecimal digits, to write into a call of `check_answer`.

    Raises ValueError for a number so near to where its rounding changes that an honest answer could miss it.
    """
    for number in _numbers(answer):
        part = abs(float(number)) * 10**digits % 1
        if 0.4 < part < 0.6:
            raise ValueError(
                f"{place}: {number} lies where {digits} decimals are rounded up or down: choose other digits"
            )
    return _digest(place, answer, digits)


def _digest(place, answer, digits):
    return hashlib.sha256(f"{place}: {_written(answer, digits)}".encode()).hexdigest()[:8]


def _written(answer, digits):
    """One way to write the answer, whatever its types: 40, 40.0 and np.int64(40) are one number, [1] and (1,) one list."""
    answer = _plain(answer)
    if isinstance(answer, numbers.Real):
        return f"{round(float(answer), digits) + 0.0:.{digits}f}"
    if isinstance(answer, str):
        return " ".join(answer.lower().split())
    if isinstance(answer, set | frozenset):
        return "{" + ", ".join(sorted(_written(part, digits) for part in answer)) + "}"
    if isinstance(answer, list | tuple):
        return "[" + ", ".join(_written(part, digits) for part in answer) + "]"
    return repr(type(answer))  # of another type than any answer has


def _plain(answer):
    """Arrays, tensors and scalars of NumPy as Python's own lists and numbers."""
    return answer.tolist() if hasattr(answer, "tolist") else answer


def _numbers(answer):
    """Every number in the answer."""
    answer = _plain(answer)
    if isinstance(answer, set | frozenset | list | tuple):
        return [number for part in answer for number in _numbers(part)]
    return [answer] if isinstance(answer, numbers.Real) else []
