"""What stands between a plain loop and the function that a reader calls.

The algorithms of the tabular modules are loops as the book prints them, one step at a time. `public_form` makes of such
a loop a function with named arguments: it checks them, and runs the loop compiled by Numba. The `.py_func` of the
public form, called the same way, runs the same loop as ordinary Python, for a debugger to step through, and gives the
same numbers. (The helpers that it calls stay compiled, unless NUMBA_DISABLE_JIT=1 is set before the start.)

What a loop needs, it says by the names of its parameters. A table of `Argument`s says for each name what a caller may
pass: that of `loops` for the loops over an MDP, that of `bandits` for the others.
"""

import difflib
import functools
import inspect
import textwrap
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from rlbook._checks import check_array, check_count, check_number, check_rng, shown


class Argument(NamedTuple):
    """What a caller may pass for one parameter."""

    says: str  # its line in the docstring
    check: (
        Callable  # check(name, value, call): what the loop gets, or an error; `call` is what the table's checks share
    )
    default: Any = inspect.Parameter.empty
    public: str = ""  # the name that the caller uses, where it is not the loop's
    per_run: bool = False  # the checked value has a leading axis (runs, ...), and each run gets its own part
    by_position: bool = False  # need not be named


def arguments_of(loop, table, *, first):
    """{public name: Argument} of the loop's parameters, less the `first` ones and the last, which is a generator."""
    names = list(inspect.signature(loop).parameters)[first:-1]
    return {table[name].public or name: table[name] for name in names}


def public_form(loop, arguments, call_loop, record):
    """The loop as a function of the arguments {name: Argument}, compiled, and not compiled in its `.py_func`.

    `call_loop(run, given)` does the work: it gets the loop in either form and {name: value} as the caller passed them,
    and returns the `record`.
    """
    signature = _signature(arguments)

    def public(run):
        def call(*args, **kwargs):
            return call_loop(run, bound(loop.__name__, signature, args, kwargs))

        functools.update_wrapper(call, loop)
        call.__doc__ = _docstring(loop, arguments, record)
        call.__signature__ = signature
        return call

    function = public(njit(cache=True)(loop))
    function.py_func = public(loop)
    return function


def bound(function, signature, args, kwargs):
    """{name: value} of all arguments, or a TypeError that names the function, as Python's own does."""
    unknown = [name for name in kwargs if name not in signature.parameters]
    if unknown:
        alike = difflib.get_close_matches(unknown[0], signature.parameters, 1)
        hint = f"; did you mean '{alike[0]}'?" if alike else f"; it takes {', '.join(signature.parameters)}"
        raise TypeError(f"{function}() got an unexpected keyword argument '{unknown[0]}'{hint}")
    try:
        given = signature.bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(f"{function}() {error}: expected {function}{signature}") from None
    given.apply_defaults()
    return given.arguments


def _signature(arguments):
    parameters = []
    for name, argument in arguments.items():
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD if argument.by_position else inspect.Parameter.KEYWORD_ONLY
        parameters.append(inspect.Parameter(name, kind, default=argument.default))
    parameters.sort(key=lambda parameter: (parameter.kind, parameter.default is not inspect.Parameter.empty))
    return inspect.Signature(parameters)


def _docstring(loop, arguments, record):
    """The loop's own docstring, then a line for each argument, then what is returned."""
    lines = [
        textwrap.fill(argument.says, 120, initial_indent=f"    {name:17} ", subsequent_indent=22 * " ")
        for name, argument in arguments.items()
    ]
    return "\n".join([loop.__doc__.rstrip(), "", *lines, "", f"    Returns a `{record.__name__}`.", "    "])


# Checks: each gets the public name, the value, and what the checks of its table share, and returns what the loop reads.


def count(name, value, call):
    """A whole number, at least 1."""
    return check_count(name, value)


def count_from_0(name, value, call):
    """A whole number, at least 0."""
    return check_count(name, value, least=0)


def count_or_none(name, value, call):
    """A whole number, at least 1, or None."""
    return None if value is None else count(name, value, call)


def fraction(name, value, call):
    """A number in [0, 1]."""
    return check_number(name, value, least=0, most=1)


def at_least_zero(name, value, call):
    """A finite number, not negative."""
    return check_number(name, value, least=0)


def generator(name, value, call):
    """A numpy Generator."""
    check_rng(value)
    return value


def _numbers(name, value):
    """The value as an array of floats; True and False are no numbers here."""
    numbers = check_array(name, value)
    if numbers.dtype == bool:
        raise ValueError(f"{name} is {shown(value)}, expected a number, not True or False")
    return numbers.astype(float)


def schedule(name, value, length, each, expected, is_good):
    """A number, or one for each of so many steps, episodes..., as an array (length,) in memory of its own."""
    numbers = _numbers(name, value)
    if numbers.shape not in ((), (length,)):
        raise ValueError(f"{name} has shape {numbers.shape}, expected a number or ({length},), one for each {each}")
    numbers = np.array(np.broadcast_to(numbers, (length,)))
    wrong = np.flatnonzero(~is_good(numbers))
    if wrong.size:
        raise ValueError(f"{name} is {numbers[wrong[0]]:g} in {each} {wrong[0]}, expected a number {expected}")
    return numbers


def table(name, value, shape, runs):
    """Numbers of this shape to start from, or, with runs, (runs, *shape); in memory of their own."""
    full = shape if runs is None else (runs, *shape)
    numbers = _numbers(name, value)
    if numbers.shape not in ((), shape, full):
        raise ValueError(f"{name} has shape {numbers.shape}, expected a finite number or finite values {full}")
    wrong = np.argwhere(~np.isfinite(numbers))
    if len(wrong):
        place, found = wrong[0].tolist() or "", numbers[tuple(wrong[0])]
        raise ValueError(f"{name}{place} is {found}, expected a finite number")
    return np.array(np.broadcast_to(numbers, full))
