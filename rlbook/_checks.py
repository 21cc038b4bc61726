"""The errors that every module shares: an optional part that is not installed, a generator that is none."""

import importlib

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


def check_counts(least=1, **counts):
    """Raise ValueError unless each named count is a whole number, at least the least."""
    for name, count in counts.items():
        if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < least:
            raise ValueError(f"{name} is {count!r}, expected a whole number, at least {least}")


def check_rng(rng):
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng is {rng!r}, expected a numpy Generator, such as np.random.default_rng(0)")
