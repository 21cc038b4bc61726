"""The committed table of networks that balance a pole (chapter 11) is what its script writes."""

import csv
import runpy
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "benchmarks"


def test_the_committed_table_of_cartpole_is_what_its_script_writes():
    """One network of its 200 again, of the kind all fifty of which reached the mark of 475, whatever the rounding."""
    with (FOLDER / "results" / "cartpole.csv").open(encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    script = runpy.run_path(str(FOLDER / "cartpole.py"))
    written = [(int(line["episodes"]), line["baseline"] == "yes", int(line["seed"])) for line in table]
    assert written == [(*way, seed) for way in script["WAYS"] for seed in script["SEEDS"]]
    surest = [line for way, line in zip(written, table) if way[:2] == (128, True)]
    assert min(float(line["best"]) for line in surest) >= 475
    again = script["measure"](128, True, 107)
    assert again.keys() == surest[0].keys() and float(again["best"]) >= 475
