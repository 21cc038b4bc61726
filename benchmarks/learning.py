"""How fast the tabular learners, predictors and bandits are: steps a second on one core, and against interpreted loops."""

import numpy as np
from measuring import interpreted, seconds

from rlbook.approximation.features import groups, tiles
from rlbook.approximation.linear import gradient_monte_carlo, semi_gradient_sarsa, semi_gradient_td
from rlbook.tabular import bandits
from rlbook.tabular.control import (
    double_q_learning,
    expected_sarsa,
    n_step_sarsa,
    q_lambda,
    q_learning,
    sarsa,
    sarsa_lambda,
)
from rlbook.tabular.dyna import dyna_q, dyna_q_plus, prioritized_sweeping
from rlbook.tabular.monte_carlo import (
    every_visit_prediction,
    exploring_starts,
    first_visit_prediction,
    monte_carlo_control,
    off_policy_control,
    ordinary_importance_sampling,
    weighted_importance_sampling,
)
from rlbook.tabular.temporal_difference import (
    lambda_return,
    n_step_td,
    td_lambda,
    td_prediction,
    true_online_td_lambda,
)
from rlbook.worlds import chain, cliff_walking, dyna_maze, long_walk, mountain_car, random_walk

MILLION = 1e6


def steps_per_second(function, *arguments, steps_in_each=1, **options):
    """Steps that a learner or predictor makes in a second; its first call, which may compile, does not count."""
    taken = function(*arguments, rng=np.random.default_rng(0), **options).lengths.sum() * steps_in_each
    (elapsed,) = seconds(lambda: function(*arguments, rng=np.random.default_rng(0), **options))
    return taken / elapsed


def cliff_speed(learner, episodes, **own):
    return steps_per_second(learner, cliff_walking(), episodes=episodes, alpha=0.5, epsilon=0.1, **own)


def compiled_against_interpreted():
    """Q-learning on the cliff, and the ten-armed testbed with one epsilon, beside the same source uncompiled."""
    compiled = cliff_speed(q_learning, episodes=20_000)
    plain = interpreted("learning", "cliff_speed(learning.q_learning, episodes=500)")
    behind = f"{compiled / MILLION:.1f} and {plain / MILLION:.2f} million steps/s"
    yield "q_learning on the cliff: compiled / interpreted", behind, compiled / plain, "at least", 50
    compiled, plain = testbed_speed(runs=2000), interpreted("learning", "testbed_speed(runs=20)")
    behind = f"{compiled / MILLION:.1f} and {plain / MILLION:.2f} million steps/s"
    yield "testbed, 2,000 runs of 1,000 steps: compiled / interpreted", behind, compiled / plain, "at least", 60


def car_speed(episodes, max_steps=10_000):
    """Steps a second of tile-coded SARSA on mountain car, 8 tilings of 8 x 8."""
    car = mountain_car()
    coder = tiles(car.low, car.high, 8, 8)
    given = {"episodes": episodes, "alpha": 0.5 / 8, "epsilon": 0, "max_steps": max_steps}
    return steps_per_second(semi_gradient_sarsa, car, coder, **given)


def linear():
    """Tile-coded SARSA on mountain car, beside the same source uncompiled; and two predictors on the walk of 1,000."""
    compiled, plain = car_speed(episodes=1000), interpreted("learning", "car_speed(episodes=2, max_steps=300)")
    behind = f"{compiled / MILLION:.2f} and {plain / MILLION:.4f} million steps/s"
    yield "tile-coded SARSA on mountain car: compiled / interpreted", behind, compiled / plain, "at least", 100
    walk, coin, X = long_walk(), np.full((1002, 2), 0.5), groups(0, 1001, 10)(np.arange(1002))
    for predictor in (gradient_monte_carlo, semi_gradient_td):
        speed = steps_per_second(predictor, walk, coin, X, episodes=2000, alpha=1e-3, keep=[])
        what = f"{predictor.__name__} on the walk of 1,000: million steps/s"
        yield what, "one core, a hundred outcomes a step", speed / MILLION, "", None


def testbed_speed(runs, steps=1000):
    """Steps a second of the epsilon-greedy player on the ten-armed testbed."""
    arms = bandits.testbed(np.random.default_rng(0), runs=runs)
    (elapsed,) = seconds(
        lambda: bandits.epsilon_greedy(arms, steps=steps, epsilon=0.1, rng=np.random.default_rng(1)),
    )
    return runs * steps / elapsed


def learners():
    """Control: on the cliff, in a slippery corridor, and, counting the planned steps as well, in the maze of Dyna."""
    for learner, own in [
        (sarsa, {}),
        (expected_sarsa, {}),
        (q_learning, {}),
        (double_q_learning, {}),
        (n_step_sarsa, {"n": 4, "alpha": 0.1}),
        (sarsa_lambda, {"lam": 0.8, "alpha": 0.1}),
        (q_lambda, {"lam": 0.8, "alpha": 0.1}),
    ]:
        options = {"episodes": 20_000, "alpha": 0.5, "epsilon": 0.1} | own
        speed = steps_per_second(learner, cliff_walking(), **options)
        yield f"{learner.__name__} on the cliff: million steps/s", "one core", speed / MILLION, "at least", 10
    corridor, coin = chain(10, slip=0.2), np.full((10, 2), 0.5)  # where every policy ends
    for learner, policies, own in [
        (monte_carlo_control, (), {"epsilon": 0.1}),
        (exploring_starts, (), {}),
        (off_policy_control, (coin,), {}),
    ]:
        speed = steps_per_second(learner, corridor, *policies, episodes=100_000, **own)
        yield f"{learner.__name__} in a corridor: million steps/s", "one core", speed / MILLION, "at least", 10
    maze = {"episodes": 1000, "alpha": 0.5, "epsilon": 0.1, "planning_steps": 10}
    for learner, own in [(dyna_q, {}), (dyna_q_plus, {"kappa": 1e-4})]:
        speed = steps_per_second(learner, dyna_maze(), **maze, **own, steps_in_each=11)
        what = f"{learner.__name__} in the maze, 1 + 10 planned: million steps/s"
        yield what, "one core", speed / MILLION, "at least", 10
    speed = steps_per_second(prioritized_sweeping, dyna_maze(), **maze | {"episodes": 20_000, "theta": 1e-4})
    what = "prioritized_sweeping in the maze: million steps of the world/s"
    yield what, "one core", speed / MILLION, "", None


def predictors():
    """Prediction: the walk of 19 states, whose episodes take 100 steps on average."""
    walk = random_walk(19, left=-1.0)
    coin, leftish = np.full((21, 2), 0.5), np.tile([0.55, 0.45], (21, 1))
    for predictor, policies, own in [
        (td_prediction, (coin,), {"alpha": 0.1}),
        (n_step_td, (coin,), {"alpha": 0.1, "n": 4}),
        (td_lambda, (coin,), {"alpha": 0.1, "lam": 0.8}),
        (true_online_td_lambda, (coin,), {"alpha": 0.1, "lam": 0.8}),
        (lambda_return, (coin,), {"alpha": 0.1, "lam": 0.8}),
        (first_visit_prediction, (coin,), {}),
        (every_visit_prediction, (coin,), {}),
        (ordinary_importance_sampling, (coin, leftish), {}),
        (weighted_importance_sampling, (coin, leftish), {}),
    ]:
        speed = steps_per_second(predictor, walk, *policies, episodes=20_000, keep=[], **own)
        what = f"{predictor.__name__} on the walk of 19: million steps/s"
        yield what, "one core", speed / MILLION, "at least", 10
