"""A plugin of pytest, for claims.py: unit tests under fresh seeds, each comparison that holds with both of its numbers.

RLBOOK_SEED moves every generator that a test makes to a place of its own. RLBOOK_MARGINS is the file that a JSON line
[test, line, assertion, smaller side, larger side] is added to for each, [test, "draws"] for each test that made a
generator ("" where a file or a fixture made one), and [test] for each that failed.
"""

import json
import os
import re

import numpy as np
import pytest

from claims import moved

NUMBER = r"(?:np\.\w+\()?(-?[\d.]+(?:e[-+]?\d+)?)\)?"
COMPARED = re.compile(rf"{NUMBER} ([<>])=? {NUMBER}$")


def pytest_configure(config):
    config.lines = open(os.environ["RLBOOK_MARGINS"], "a", encoding="utf-8")  # closed at the end, below
    config.test, config.drawing, make = "", set(), moved(int(os.environ["RLBOOK_SEED"]))

    def noted(own=None):
        if config.test not in config.drawing:
            config.drawing.add(config.test)
            write(config, [config.test, "draws"])
        return make(own)

    np.random.default_rng = noted


def pytest_runtest_setup(item):
    item.config.test = ""  # what a fixture draws may be for several tests


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item):
    item.config.test = item.nodeid


def pytest_assertion_pass(item, lineno, orig, expl):
    if compared := COMPARED.match(expl.partition("\n")[0].strip("()")):
        left, operator, right = compared.groups()
        small, large = (left, right) if operator == "<" else (right, left)
        write(item.config, [item.nodeid, lineno, " ".join(orig.split()), float(small), float(large)])


def pytest_runtest_makereport(item, call):
    if call.excinfo is not None and call.excinfo.typename != "Skipped":
        write(item.config, [item.nodeid])


def write(config, line):
    print(json.dumps(line), file=config.lines, flush=True)


def pytest_unconfigure(config):
    config.lines.close()
