"""The committed table of reward models is what its script writes, and says what chapter 17 says of it."""

import csv
import runpy
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(FOLDER / "preferences.py"))


@pytest.fixture(scope="module")
def table():
    """{(pairs, flipped): its lines}, in the order of the file."""
    ways = {}
    with (FOLDER / "results" / "preferences.csv").open(encoding="utf-8") as file:
        for line in csv.DictReader(file):
            ways.setdefault((int(line["pairs"]), float(line["flipped"])), []).append(line)
    return ways


def test_the_table_of_reward_models_has_a_line_for_each_way_and_seed(script, table):
    assert list(table) == script["WAYS"]
    assert all([int(line["seed"]) for line in lines] == list(script["SEEDS"]) for lines in table.values())


def test_the_table_of_reward_models_says_what_chapter_17_says(table):
    mean = {
        field: {way: np.mean([float(line[field]) for line in lines]) for way, lines in table.items()}
        for field in ("accuracy", "correlation", "slope")
    }
    for flipped in (0.0, 0.1):
        few, more, many = (mean["correlation"][pairs, flipped] for pairs in (500, 2000, 20_000))
        assert few + 0.02 < more < many + 0.02
    for pairs in (500, 2000, 20_000):
        assert mean["correlation"][pairs, 0.1] < mean["correlation"][pairs, 0.0]
        assert mean["slope"][pairs, 0.1] < mean["slope"][pairs, 0.0] - 0.2
    assert mean["accuracy"][500, 0.0] < mean["accuracy"][2000, 0.1] < 0.8371


def test_one_line_of_the_table_of_reward_models_again(script, table):
    [stored] = [line for line in table[500, 0.0] if line["seed"] == "103"]
    again = script["measure"](500, 0.0, 103)
    assert again.keys() == stored.keys()
    for field, allowed in {"accuracy": 0.05, "correlation": 0.1, "slope": 0.5}.items():
        assert abs(float(again[field]) - float(stored[field])) <= allowed, field
