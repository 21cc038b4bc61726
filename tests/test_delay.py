"""The committed table of gradients that come late (chapter 12) is what its script writes."""

import csv
import runpy
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent.parent / "benchmarks"


def test_the_committed_table_of_delays_is_what_its_script_writes():
    """One network of its sixty again: its first 20,000 steps, before rounding can lead far, are those of the table."""
    with (FOLDER / "results" / "delay.csv").open(encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    script = runpy.run_path(str(FOLDER / "delay.py"))
    assert [(int(line["delay"]), int(line["seed"])) for line in table] == [
        (delay, seed) for delay in script["DELAYS"] for seed in script["SEEDS"]
    ]
    returns = np.array([line["returns"].split() for line in table], dtype=float).reshape(len(script["DELAYS"]), -1, 6)
    ends = returns[:, :, -1].mean(axis=1)
    assert (np.diff(ends) < 0).all() and ends[-1] < ends[0] / 2
    again = script["measure"](7, 104)
    line = next(line for line in table if (line["delay"], line["seed"]) == ("7", "104"))
    first, its = (float(each["returns"].split()[0]) for each in (again, line))
    assert again.keys() == line.keys() and abs(first - its) < 0.15 * its
