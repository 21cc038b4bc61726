"""The package's own source inside a chapter: what a reader sees is what runs."""

import ast
import difflib
import inspect
import textwrap


class Source:
    """A piece of source text that a notebook displays with colours and a terminal prints as it is."""

    def __init__(self, text, language):
        self.text, self.language = text, language

    def __repr__(self):
        return self.text

    def _repr_mimebundle_(self, **_):
        return {"text/plain": self.text, "text/markdown": f"```{self.language}\n{self.text}\n```"}


def show(function, other=None, *, diff=False):
    """The source of a function or class of the package; with `diff=True`, what changes from it to the other one.

    A diff leaves the docstrings out and marks lines that are only in the first with -, only in the second with +.
    A loop such as `tabular.control.q_learning` shows as it is written and runs: its decorator, `@learner`, only checks the
    arguments, has the same lines compiled, and repeats them for each run.
    """
    if diff != (other is not None):
        raise ValueError("expected show(function), or show(function, other, diff=True)")
    if not diff:
        return Source(f"# {_file(function)}\n{_text(function)}", "python")
    before, after = (_without_docstring(_text(f)).splitlines() for f in (function, other))
    lines = list(difflib.unified_diff(before, after, n=max(len(before), len(after)), lineterm=""))[3:]
    return Source("\n".join(lines), "diff")


def _text(function):
    return textwrap.dedent(inspect.getsource(inspect.unwrap(function))).rstrip()


def _file(function):
    return inspect.unwrap(function).__module__.replace(".", "/") + ".py"


def _without_docstring(text):
    """The same source, less the docstring of its first definition."""
    definition = ast.parse(text).body[0]
    if ast.get_docstring(definition) is None:
        return text
    docstring, lines = definition.body[0], text.splitlines()
    return "\n".join(lines[: docstring.lineno - 1] + lines[docstring.end_lineno :])
