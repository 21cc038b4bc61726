"""How the benchmarks measure and report: both sides of a ratio in turns, in one run, one thread each.

The best of a side's rounds counts, since everything else that a machine does only slows it down.
"""

import json
import os
import subprocess
import sys
import time

import numpy as np

ROUNDS = 7


def seconds(*functions):
    """The shortest time of each function, called in turns after a first call that does not count."""
    for function in functions:
        function()
    times = np.empty((ROUNDS, len(functions)))
    for times_of_round in times:
        for i, function in enumerate(functions):
            started = time.perf_counter()
            function()
            times_of_round[i] = time.perf_counter() - started
    return times.min(axis=0)


def in_a_process_of_its_own(module, call, **environment):
    """The value of an expression such as `f(1)` in the namespace of a module beside this one, in a fresh process."""
    program = f"import json, {module}; print(json.dumps({module}.{call}))"
    answer = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | environment | {"PYTHONPATH": os.path.dirname(__file__)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(answer.stdout)


def interpreted(module, call):
    """The same with Numba switched off, which can only be decided at the start of a process."""
    return in_a_process_of_its_own(module, call, NUMBA_DISABLE_JIT="1")


def report(*groups):
    """Print a line for each measurement, as it comes. Returns 1 if one misses its mark, otherwise 0.

    A group is a generator of (what, the speeds or times behind it, number, "at least" or "at most", mark or None).
    """
    missed = 0
    for measurements in groups:
        for what, behind, number, bound, mark in measurements():
            met = mark is None or (number >= mark if bound == "at least" else number <= mark)
            missed += not met
            wanted = "" if mark is None else f"{bound} {mark:g}: {'met' if met else 'MISSED'}"
            print(f"{what:66} {number:8.2f}   {wanted:24} ({behind})", flush=True)
    return 1 if missed else 0
