"""The committed table of writers on the leash (chapter 15) is what its script writes."""

import csv
import runpy
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "benchmarks"


def test_the_committed_table_of_the_leash_is_what_its_script_writes():
    """One writer of its 270 again; what it says is far from the other outcome, so that no rounding can turn it round."""
    with (FOLDER / "results" / "leash.csv").open(encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    script = runpy.run_path(str(FOLDER / "leash.py"))
    lines = [way for way, writers in script["WAYS"].items() for _ in range(writers)]
    columns = ["replies", "baseline", "lr", "out_from", "out_to"]
    written = [
        (int(a), b == "yes", float(c), int(d), int(e))
        for a, b, c, d, e in ([line[n] for n in columns] for line in table)
    ]
    assert written == lines
    [stored] = [line for way, line in zip(lines, table) if way == (256, True, 1e-3, 100, 180) and line["seed"] == "107"]
    again = script["measure"](256, True, 1e-3, 100, 180, 107)
    assert again.keys() == stored.keys() and again["reply"] == stored["reply"] == "very very good"
    for name, allowed in {"value_at_100": 0.08, "highest": 0.03, "value": 0.03}.items():
        assert abs(float(again[name]) - float(stored[name])) < allowed, name
