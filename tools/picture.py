"""The picture at the head of the README: python tools/picture.py writes docs/static/picture.png."""

from pathlib import Path

import numpy as np

from rlbook.plotting import curves, diagram, grid, plt
from rlbook.statistics import standard_error
from rlbook.tabular.control import double_q_learning, expected_sarsa, q_learning, sarsa
from rlbook.tabular.planning import value_iteration
from rlbook.worlds import cliff_walking, gridworld, traffic_light

figure, (left, middle, right) = plt.subplots(1, 3, figsize=(15, 4), layout="constrained", width_ratios=[1.5, 1, 1.4])
diagram(traffic_light(), title="a decision with consequences", ax=left)

solution = value_iteration(gridworld())
best = np.isclose(solution.q, solution.q.max(axis=1, keepdims=True)).reshape(5, 5, 4)
grid(solution.v.reshape(5, 5), policy=best, title="solved by Bellman's equation", ax=middle)

rng = np.random.default_rng(0)
lines = {}
for learner in (expected_sarsa, sarsa, double_q_learning, q_learning):
    learned = learner(cliff_walking(), episodes=500, alpha=0.5, epsilon=0.1, rng=rng, runs=400)
    lines[learner.__name__] = standard_error(learned.returns.reshape(400, 50, 10).mean(axis=2))
curves(lines, x=np.arange(50) * 10 + 5, xlabel="episode", ylabel="sum of rewards", ax=right)
right.set(ylim=(-100, 0), title="learned from steps alone: the cliff")

figure.savefig(Path(__file__).parent.parent / "docs/static/picture.png", dpi=80)
