"""The errors that every module shares: an optional part that is not installed, a number or a generator that is none."""

import importlib
import sys
from numbers import Real

import numpy as np


def require(module, extra):
    """Import `module`, or say which line installs it. `extra` names the group of pyproject.toml that holds it."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if error.name != package:
            raise  # the package is there, but something inside it is missing: that error is the one to read
        raise ModuleNotFoundError(
            f"this part of rlbook needs {package}, which is not installed: pip install 'rlbook[{extra}]'", name=package
        ) from None


def shown(value, most=100):
    """How a value stands in an error: its repr, without the middle where that is long."""
    text = repr(value)
    return text if len(text) <= most else f"{text[: most // 2]} ... {text[-most // 4 :]}"


def check_number(name, number, *, least=None, above=None, most=None, below=None, what=None, because=""):
    """The number as a float, if it is real, finite, at least `least` or above `above`, and at most `most` or below `below`.

    Numbers of NumPy and arrays or tensors of shape () are numbers; a bool, a text and None are not. Raises ValueError,
    in which `what` may say what the number is, and `because` what it is needed for.
    """
    value = finite(number)
    if not (
        value is not None
        and (least is None or value >= least)
        and (above is None or value > above)
        and (most is None or value <= most)
        and (below is None or value < below)
    ):
        raise ValueError(f"{name} is {shown(number)}, expected {_expected(what, least, above, most, below)}{because}")
    return value


def finite(number):
    """The number as a float, if it is real and finite as `check_number` understands it, otherwise None."""
    value = number.item() if getattr(number, "shape", None) == () else number
    good = isinstance(value, Real) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
    return float(value) if good else None


def _expected(what, least, above, most, below):
    first, last = least if above is None else above, most if below is None else below
    if first is not None and last is not None:
        return f"{what or 'a number'} in {'[' if above is None else '('}{first}, {last}{']' if below is None else ')'}"
    bounds = {
        f", at least {least}": least,
        f" above {above}": above,
        f", at most {most}": most,
        f" below {below}": below,
    }
    return (what or "a finite number") + "".join(words for words, bound in bounds.items() if bound is not None)


MOST_COUNTED = 2**62  # sums of two counts still fit the 64 bits of compiled loops


def check_count(name, count, *, least=1, most=MOST_COUNTED):
    """The count as an int, if it is a whole number from `least` to `most`; an array of shape () is one, a bool is not."""
    value = count.item() if getattr(count, "shape", None) == () else count
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not (whole and least <= value <= most):
        limit = f" and at most {most:,}" if most < MOST_COUNTED or (whole and value > most) else ""
        raise ValueError(f"{name} is {shown(count)}, expected a whole number, at least {least}{limit}")
    return value


def check_counts(least=1, **counts):
    """Raise ValueError unless each named count is a whole number, at least the least."""
    for name, count in counts.items():
        check_count(name, count, least=least)


def check_flag(name, flag):
    """The flag as a bool; NumPy's is one. Raises ValueError for all else, also for what counts as true or false."""
    if not isinstance(flag, bool | np.bool_):
        raise ValueError(f"{name} is {shown(flag)}, expected True or False")
    return bool(flag)


def check_plain(name, values):
    """Raise ValueError for what NumPy would read without its mask, or not at all: a tensor that requires a gradient."""
    if np.ma.isMaskedArray(values):
        raise ValueError(f"{name} is a masked array, whose mask would be lost: expected an array without one")
    if getattr(values, "requires_grad", False):
        raise ValueError(f"{name} is a tensor that requires a gradient, expected an array or {name}.detach()")


def check_array(name, values):
    """The values as an array of real numbers, of whatever shape. Raises ValueError for texts, None and ragged rows."""
    check_plain(name, values)
    try:
        array = np.asarray(values)
    except ValueError:
        raise ValueError(f"{name} is {shown(values)}, expected an array: its rows differ in length") from None
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} is {shown(values)}, expected real numbers, not the type {array.dtype}")
    return array


def rounding_of(dtype):
    """By how much the sum of probabilities of that type may differ from 1."""
    return {np.dtype(np.float16): 1e-3, np.dtype(np.float32): 1e-5}.get(np.dtype(dtype), 1e-8)


MOST_BYTES = 4_000_000_000  # that a call may ask for without a word from the caller


def check_memory(what, num_bytes, advice, *, most=MOST_BYTES):
    """Raise ValueError, before anything is allocated, if so many bytes are too many. `advice` names what to pass."""
    if num_bytes > most:
        raise ValueError(f"{what} would take {num_bytes / 1e9:,.3g} GB, more than {most / 1e9:g} GB: {advice}")


def check_rng(rng):
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng is {shown(rng)}, expected a numpy Generator, such as np.random.default_rng(0)")
