"""The error a reader sees when an optional part of the book is not installed."""

import importlib


def require(module, extra):
    """Import `module`, or say which line installs it. `extra` names the group of pyproject.toml that holds it."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise  # the package is there, but something inside it is broken: that error is the one to read
        package = error.name
        raise ModuleNotFoundError(
            f"this part of rlbook needs {package}, which is not installed: pip install 'rlbook[{extra}]'", name=package
        ) from None
