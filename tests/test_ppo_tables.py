"""The committed tables of PPO's details and of its worlds (chapter 13) are what their scripts write."""

import csv
import runpy
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parent.parent / "benchmarks"


def read(name):
    with (FOLDER / "results" / f"{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_committed_table_of_details_says_what_chapter_13_says():
    table, script = read("ppo_details"), runpy.run_path(str(FOLDER / "ppo_details.py"))
    written = [(line["world"], line["change"], int(line["seed"])) for line in table]
    assert written == [(*way, seed) for way in script["WAYS"] for seed in script["SEEDS"]]
    fields = {
        name: np.array([float(line[name]) for line in table]).reshape(len(script["WAYS"]), -1)
        for name in ("early", "kl")
    }
    early, kl = (dict(zip(script["CHANGES"], rows)) for rows in fields.values())
    usual = early["usual"].mean()
    for costly in ("values clipped", "no clip", "one epoch", "lambda 0"):
        error = np.hypot(early["usual"].std(), early[costly].std()) / 4
        assert usual - early[costly].mean() > 3 * error
    assert np.median(kl["no clip"]) > 1 and np.median(kl["usual"]) < 0.05


def test_one_line_of_the_table_of_details_again():
    """A network whose kind all reached the mark, whatever the rounding; and its divergence is of the same size."""
    script = runpy.run_path(str(FOLDER / "ppo_details.py"))
    rows = [line for line in read("ppo_details") if line["change"] == "scaled once a batch"]
    assert min(float(line["final"]) for line in rows) >= 475
    again = script["measure"]("CartPole-v1", "scaled once a batch", 107)
    assert again.keys() == rows[0].keys() and float(again["final"]) >= 475 and float(again["kl"]) < 0.2


@pytest.mark.slow
def test_one_line_of_the_table_of_worlds_again():
    table, script = read("ppo_worlds"), runpy.run_path(str(FOLDER / "ppo_worlds.py"))
    written = [(line["world"], float(line["scale"]), int(line["seed"])) for line in table]
    assert written == [(*way, seed) for way in script["WAYS"] for seed in script["SEEDS"]]
    swings = [float(line["return"]) for line in table if line["world"] == "Pendulum-v1"]
    assert min(swings) > -250
    again = script["measure"]("Pendulum-v1", 0.1, 104)
    assert again.keys() == table[0].keys() and float(again["return"]) > -300
