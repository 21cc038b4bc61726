"""The committed table of four members of the family on sums is what its script writes, and says what chapter 20 says."""

import csv
import runpy
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(FOLDER / "members.py"))


@pytest.fixture(scope="module")
def table():
    """{member: its lines}, in the order of the file."""
    members = {}
    with (FOLDER / "results" / "members.csv").open(encoding="utf-8") as file:
        for line in csv.DictReader(file):
            members.setdefault(line["member"], []).append(line)
    return members


def test_the_table_of_members_has_a_line_for_each_member_and_seed(script, table):
    assert list(table) == list(script["MEMBERS"])
    assert all([int(line["seed"]) for line in lines] == list(script["SEEDS"]) for lines in table.values())


def test_the_table_of_members_says_what_chapter_20_says(table):
    numbers = {
        name: {field: np.array([float(line[field]) for line in lines]) for field in ("pass_1", "pass_16", "entropy")}
        for name, lines in table.items()
    }
    before = numbers.pop("before")
    firsts = [member["pass_1"].mean() for member in numbers.values()]
    assert max(firsts) - min(firsts) < 5
    for member in numbers.values():
        assert (member["pass_1"] > before["pass_1"] + 30).all()
        assert abs(member["pass_16"] - before["pass_16"]).max() < 0.5
        assert member["entropy"].max() < 0.4 * before["entropy"].min()


def test_one_line_of_the_table_of_members_again(script, table):
    """Seeds differ by less than half a point at one attempt; rounding moved it by less than one."""
    [stored] = [line for line in table["dapo"] if line["seed"] == "202"]
    again = script["measure"]("dapo", 202)
    assert again.keys() == stored.keys()
    for field, allowed in {"pass_1": 2, "pass_4": 0.5, "pass_16": 0.5, "greedy": 1.5, "entropy": 0.05}.items():
        assert abs(float(again[field]) - float(stored[field])) <= allowed, field
