"""The committed table of a GPU is what its script writes, and holds what the README says of it."""

import csv
import runpy
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "benchmarks"
SCRIPT = runpy.run_path(str(FOLDER / "gpu.py"))


@pytest.fixture(scope="module")
def table():
    with (FOLDER / "results" / "gpu.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_each_part_of_the_table_was_written_by_its_function(table):
    """Without a GPU a part is tried in small: other sizes and numbers, the same ways."""
    assert [*dict.fromkeys(line["part"] for line in table)] == [*SCRIPT["PARTS"]]
    tiny = SCRIPT["Sizes"](dry=True)
    for part in ("plans", "write", "learn"):
        of_part = [line for line in table if line["part"] == part and "GiB" not in line["unit"]]
        tried = {(way, unit) for _, way, unit, number in SCRIPT["PARTS"][part](tiny) if "GiB" not in unit}
        assert tried == {(line["way"], line["unit"]) for line in of_part}


def test_the_table_is_of_one_card(table):
    assert len({(line["card"], line["torch"], line["transformers"]) for line in table}) == 1


@pytest.mark.parametrize("rows, times", [(8, 5), (64, 5), (256, 3)])
def test_a_captured_step_is_so_many_times_as_fast_as_generate(table, rows, times):
    for model in SCRIPT["MODELS"]:
        speed = {
            line["way"]: int(line["number"]) for line in table if line["what"] == f"{model}, bfloat16, {rows} rows"
        }
        assert speed["captured"] > times * speed["generate"] and 1.3 * speed["plain"] > speed["generate"]


def test_a_step_of_grpo_takes_a_third_of_the_time_and_no_more_memory(table):
    for kind in ("autocast", "bfloat16"):
        steps = [line for line in table if line["part"] == "learn" and line["what"].endswith(kind)]
        found = {(line["way"], line["unit"]): float(line["number"]) for line in steps}
        assert found["captured", "s"] < 0.35 * found["plain", "s"]
        assert found["captured", "peak GiB of tensors"] < 1.02 * found["plain", "peak GiB of tensors"]
