"""A plugin of pytest, for claims.py: unit tests under fresh seeds, each comparison that holds with both of its numbers.

RLBOOK_SEED moves every generator that a test makes to a place of its own. RLBOOK_MARGINS is the file that a JSON line
[test, line, assertion, smaller side, larger side] is added to for each, and [test] for each test that failed.
"""

import json
import os
import re

import numpy as np

from claims import moved

NUMBER = r"(?:np\.\w+\()?(-?[\d.]+(?:e[-+]?\d+)?)\)?"
COMPARED = re.compile(rf"{NUMBER} ([<>])=? {NUMBER}$")


def pytest_configure(config):
    config.lines = open(os.environ["RLBOOK_MARGINS"], "a", encoding="utf-8")  # closed at the end, below
    np.random.default_rng = moved(int(os.environ["RLBOOK_SEED"]))


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
