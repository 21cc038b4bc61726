"""The speeds that the book claims, each as a ratio to something else measured in the same run, or against its mark.

    make bench        (or: pip install -e '.[bench]' and python benchmarks/run.py)

Exits with 1 if one of them misses its mark.
"""

import sys

from balancing import balancing, gathering
from deep import reinforce_ratios, workers_ratio
from learning import compiled_against_interpreted, learners, linear, predictors
from measuring import report
from planning import against_quantecon, cars, growth

if __name__ == "__main__":
    sys.exit(
        report(
            compiled_against_interpreted,
            linear,
            learners,
            predictors,
            against_quantecon,
            cars,
            growth,
            reinforce_ratios,
            workers_ratio,
            gathering,
            balancing,
        )
    )
