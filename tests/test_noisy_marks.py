"""The committed table of flipped marks is what its script writes, and says what chapter 22 says of it."""

import csv
import runpy
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(FOLDER / "noisy_marks.py"))


@pytest.fixture(scope="module")
def table():
    """{(marks, std): its lines}, in the order of the file."""
    ways = {}
    with (FOLDER / "results" / "noisy_marks.csv").open(encoding="utf-8") as file:
        for line in csv.DictReader(file):
            ways.setdefault((line["marks"], line["std"]), []).append(line)
    return ways


def test_the_table_of_flipped_marks_has_a_line_for_each_way_and_seed(script, table):
    assert list(table) == script["WAYS"]
    assert all([int(line["seed"]) for line in lines] == list(script["SEEDS"]) for lines in table.values())


def test_the_table_of_flipped_marks_says_what_chapter_22_says(table):
    right = {way: np.array([float(line["right"]) for line in lines]) for way, lines in table.items()}
    for std in ("without", "with"):
        clean, flipped, freed = (right[marks, std] for marks in ("clean", "flipped", "freed"))
        assert clean.min() > 0.9 and flipped.mean() < freed.mean() - 0.1 < clean.mean() - 0.1
        assert (freed > 0.9).sum() > 5 and freed.min() < 0.7


def test_one_line_of_the_table_of_flipped_marks_again(script, table):
    [stored] = [line for line in table["clean", "without"] if line["seed"] == "104"]
    again = script["measure"]("clean", "without", 104)
    assert again.keys() == stored.keys()
    assert abs(float(again["gap"]) - float(stored["gap"])) < 0.05
    assert abs(float(again["right"]) - float(stored["right"])) < 0.1
