"""Figure 6.3 of Sutton & Barto at the book's scale: on the cliff, what each step size earns early and in the long run.

    python benchmarks/figure_6_3.py                 about ten minutes on two cores
    python benchmarks/figure_6_3.py --share 0.01    a hundredth of the runs, or of the episodes where runs are few

SARSA, Expected SARSA and Q-learning with epsilon 0.1 and alpha from 0.1 to 1 in steps of 0.05. Interim: the mean return
of the first 100 episodes, over 50,000 runs. Asymptotic: the mean return of 100,000 episodes, over 10 runs. An episode is
cut after 100,000 steps; the table says how many were (in the committed one, none). Writes one line for each method,
alpha and measurement to results/figure_6_3.csv; the same seed gives the same file, however many processes share it.
"""

import argparse
import itertools
import multiprocessing
import time
from pathlib import Path

import numpy as np
from tables import say, write

from rlbook.statistics import standard_error
from rlbook.tabular.control import expected_sarsa, q_learning, sarsa
from rlbook.worlds import cliff_walking

TABLE = Path(__file__).parent / "results" / "figure_6_3.csv"
METHODS = [sarsa, expected_sarsa, q_learning]
ALPHAS = np.arange(10, 101, 5) / 100
SCALES = {"interim": (50_000, 100), "asymptotic": (10, 100_000)}  # runs, episodes
MAX_STEPS = 100_000
AT_ONCE = 1_000_000  # episodes held in memory


def measure(task):
    """One line of the table."""
    method, alpha, measurement, runs, episodes, seed = task
    rng, means, truncated, steps = np.random.default_rng(seed), [], 0, 0
    while len(means) < runs:
        learned = method(
            cliff_walking(),
            episodes=episodes,
            alpha=alpha,
            epsilon=0.1,
            rng=rng,
            runs=min(runs - len(means), AT_ONCE // episodes),
            max_steps=MAX_STEPS,
        )
        means.extend(learned.returns.mean(axis=1))
        truncated += int(learned.truncated.sum())
        steps += int(learned.lengths.sum())
    band = standard_error(means)
    return {
        "method": method.__name__,
        "alpha": f"{alpha:.2f}",
        "measurement": measurement,
        "mean": f"{band.mean:.4f}",
        "standard_error": f"{band.high - band.mean:.4f}",
        "runs": runs,
        "episodes": episodes,
        "truncated": truncated,
        "steps": steps,
    }


def tasks(seed, share):
    """Each line's settings, with a seed of its own; of few runs the share shortens the episodes instead."""
    settings = itertools.product(SCALES.items(), enumerate(METHODS), enumerate(ALPHAS))
    for (measurement, (runs, episodes)), (i, method), (j, alpha) in settings:
        if runs > episodes:
            runs = round(share * runs)
        else:
            episodes = round(share * episodes)
        yield method, alpha, measurement, runs, episodes, [seed, i, j, episodes]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--share", type=float, default=1.0, help="of the book's scale; below 1 the table is printed only"
    )
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    started, lines = time.perf_counter(), []
    with multiprocessing.get_context("spawn").Pool(arguments.processes) as pool:
        for line in pool.imap(measure, tasks(arguments.seed, arguments.share)):
            lines.append(line)
            say(line)
    elapsed = time.perf_counter() - started
    steps, truncated = (sum(line[name] for line in lines) for name in ("steps", "truncated"))
    print(f"{elapsed:.0f} s for {steps / 1e9:.2f} billion steps; {truncated} episodes were cut")
    if arguments.share == 1:
        write(TABLE, lines)


if __name__ == "__main__":
    main()
