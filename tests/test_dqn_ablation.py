"""The committed table of deep Q-networks with one part changed (chapter 10) is what its script writes."""

import csv
import runpy
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "benchmarks"


def test_the_committed_table_of_the_ablation_is_what_its_script_writes():
    """One network of its 80 again, of the kind none of which learned anything, whatever the rounding."""
    with (FOLDER / "results" / "dqn_ablation.csv").open(encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    script = runpy.run_path(str(FOLDER / "dqn_ablation.py"))
    assert [(line["way"], int(line["seed"])) for line in table] == [
        (w, s) for w in script["WAYS"] for s in script["SEEDS"]
    ]
    runaway = [line for line in table if line["way"] == "Huber's loss"]
    again = script["measure"]("Huber's loss", 103)
    assert again.keys() == runaway[0].keys() and float(again["max_q"]) > 100
    assert max(float(line["final"]) for line in runaway) < 475 and min(float(line["max_q"]) for line in runaway) > 100
