"""The checks of the exercises: of answers found by hand, which they do not show, and of what a function returned.

`check_answer` compares a digest of the rounded answer. Out of sight, not secret: whoever wants to can try numbers until one
fits, and has then done more work than the exercise asks for. `digest` makes the digests; the solutions hold the answers
themselves. `check_numbers` compares numbers that the reader may see, `check_shape` only looks at their shape.
"""

import hashlib
import numbers

import numpy as np

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


def check_numbers(place, found, expected, signs=(), *, atol=1e-6, otherwise=""):
    """Return `found` as an array, or raise an AssertionError unless it holds the numbers `expected`, in their shape.

    place: the exercise and the call, "4.2, number_rented(2, 3.0)": it begins the message, which shows both. found: a number,
    an array, or lists of numbers. signs: pairs (what a likely mistake gives, what it is a sign of). atol: by how much a
    number may be off. otherwise: said of numbers that no pair explains.
    """
    expected = np.asarray(expected, dtype=float)
    values = check_shape(place, found, expected.shape)
    if np.allclose(values, expected, rtol=0, atol=atol):
        return values
    why = [said for sign, said in signs if np.allclose(values, sign, rtol=0, atol=atol)]
    because = f": {[*why, otherwise][0]}" if why or otherwise else ""
    digits = 5 if _rounded(values) != _rounded(expected) else 10  # two equal numbers would explain nothing
    yours, wanted = _rounded(values, digits), _rounded(expected, digits)
    raise AssertionError(f"exercise {place}: yours is {yours}, expected {wanted}{because}")


def check_shape(place, found, shape, what=""):
    """Return `found` as an array, or raise an AssertionError unless it holds numbers in that shape; () is one number.

    place and found: as in `check_numbers`. what: the numbers in words, "a value for each state".
    """
    values = _array(found)
    if values is None or values.shape != shape:
        expected = (f"numbers in the shape {shape}" if shape else "one number") + (what and f", {what}")
        yours = "" if values is None or not values.ndim else f", of the shape {values.shape}"
        lost = ": is something returned?" if found is None else ""
        raise AssertionError(f"exercise {place}: yours is {shown(found)}{yours}, expected {expected}{lost}")
    return values


def _array(found):
    """The numbers of an answer as an array, or None if it holds anything else, or rows of unequal lengths."""
    try:
        values = np.asarray(_plain(found))  # of a tensor too that carries a gradient
    except ValueError:
        return None
    if values.dtype.kind == "O" and all(isinstance(value, numbers.Real) for value in values.flat):
        return values.astype(float)  # fractions
    return values if values.dtype.kind in "biuf" else None


def _rounded(values, digits=5):
    return shown(np.round(np.asarray(values, dtype=float), digits).tolist())


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
