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


def check_number(name, number, *, least=None, above=None, most=None, below=None, because=""):
    """The number as a float, if it is real, finite, at least `least` or above `above`, and at most `most` or below `below`.

    Numbers of NumPy and arrays or tensors of shape () are numbers; a bool, a text and None are not. Raises ValueError,
    in which `because` may say what the number is needed for.
    """
    value = finite(number)
    if not (
        value is not None
        and (least is None or value >= least)
        and (above is None or value > above)
        and (most is None or value <= most)
        and (below is None or value < below)
    ):
        raise ValueError(f"{name} is {shown(number)}, expected {_expected(least, above, most, below)}{because}")
    return value


def finite(number):
    """The number as a float, if it is real and finite as `check_number` understands it, otherwise None."""
    value = number.item() if getattr(number, "shape", None) == () else number
    good = isinstance(value, Real) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
    return float(value) if good else None


def _expected(least, above, most, below):
    first, last = least if above is None else above, most if below is None else below
    if first is not None and last is not None:
        return f"a number in {'[' if above is None else '('}{first}, {last}{']' if below is None else ')'}"
    bounds = {
        f", at least {least}": least,
        f" above {above}": above,
        f", at most {most}": most,
        f" below {below}": below,
    }
    return "a finite number" + "".join(words for words, bound in bounds.items() if bound is not None)


def check_counts(least=1, **counts):
    """Raise ValueError unless each named count is a whole number, at least the least."""
    for name, count in counts.items():
        if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < least:
            raise ValueError(f"{name} is {shown(count)}, expected a whole number, at least {least}")


def check_rng(rng):
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng is {shown(rng)}, expected a numpy Generator, such as np.random.default_rng(0)")
