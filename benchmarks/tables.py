"""Experiments that are too long for a chapter: a line for each way and seed, printed and written into a table."""

import argparse
import csv
import time


def experiment(about, ways, measure, path):
    """Print measure(*way, seed), a dict, for the seeds of each way, and write all of them to `path`.

    ways are pairs (way, seeds). With --seeds N on the command line only the first N seeds of each are tried, and nothing
    is written.
    """
    parser = argparse.ArgumentParser(description=about.partition("\n")[0])
    parser.add_argument("--seeds", type=int, help="of each way, at most so many; they are printed only")
    most = parser.parse_args().seeds
    started, lines = time.perf_counter(), []
    for way, seeds in ways:
        for seed in seeds[:most]:
            lines.append(measure(*way, seed))
            say(lines[-1])
    print(f"{len(lines)} lines in {time.perf_counter() - started:.0f} s")
    if most is None:
        write(path, lines)


def say(line):
    print(", ".join(f"{name} {value}" for name, value in line.items()), flush=True)


def write(path, lines):
    """The lines, dicts with the same keys, as a CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, lines[0], lineterminator="\n")
        table.writeheader()
        table.writerows(lines)
