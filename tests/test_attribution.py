"""Credits that add up: by hand, by their axioms, on planted rewards, and on the shipped reward model."""

from itertools import permutations

import numpy as np
import pytest
import torch

from rlbook.language.attribution import integrated_gradients, read, shapley_values
from rlbook.language.models import load
from rlbook.language.reward_model import load_reward_model, reward_function
from rlbook.language.stories import openings

torch.set_num_threads(1)
PROMPT = openings(held_out=True)[0]
STORY = "one rainy day she went to the lake . she lost a blue kite . she was sad . in the end anna danced ."


@pytest.fixture(scope="module")
def taste():
    model, tokenizer = load_reward_model("stories-reward", device="cpu")
    return model.double(), tokenizer


def of(function):
    """A function of single coalitions, tuples of bool, as `worth`."""
    return lambda coalitions: [function(*row) for row in coalitions.tolist()]


def test_the_glove_game_by_hand():
    """Two left gloves and a right one; a pair is worth 1. Shapley: 1/6, 1/6, 2/3."""
    gloves = shapley_values(of(lambda left, also_left, right: float(right and (left or also_left))), 3)
    np.testing.assert_allclose(gloves, [1 / 6, 1 / 6, 2 / 3])


def test_shapley_values_are_the_mean_over_all_orders_of_coming():
    worths = np.random.default_rng(3).normal(size=16)
    found = shapley_values(lambda coalitions: worths, 4)
    added = np.zeros(4)
    for order in permutations(range(4)):
        for i, player in enumerate(order):
            before = sum(2**other for other in order[:i])
            added[player] += (worths[before + 2**player] - worths[before]) / 24
    np.testing.assert_allclose(found, added)
    assert found.sum() == pytest.approx(worths[15] - worths[0])


def test_who_adds_nothing_gets_nothing_and_equals_get_the_same():
    found = shapley_values(of(lambda a, b, c, d: 3.0 * a * b + 2.0 * d), 4)
    np.testing.assert_allclose(found, [1.5, 1.5, 0, 2], atol=1e-12)


def test_integrated_gradients_by_hand():
    """Of x y^2 from 0: the slopes at share t are t^2 y^2 and 2 t^2 x y, so a third and two thirds of x y^2."""
    x = torch.tensor([3.0, 2.0], dtype=torch.float64)
    found = integrated_gradients(lambda inputs: inputs[:, 0] * inputs[:, 1] ** 2, x, torch.zeros_like(x), points=2)
    np.testing.assert_allclose(found, [4.0, 8.0])


def test_of_a_linear_function_both_give_the_weights_times_the_difference():
    weights = torch.tensor([2.0, -1.0, 0.5], dtype=torch.float64)
    x, baseline = torch.tensor([1.0, 4.0, -2.0]).double(), torch.tensor([0.5, 1.0, 1.0]).double()
    found = integrated_gradients(lambda inputs: inputs @ weights + 7, x, baseline, points=1)
    np.testing.assert_allclose(found, weights * (x - baseline))
    mixed = lambda rows: [float(x.where(torch.tensor(row), baseline) @ weights) for row in rows.tolist()]  # noqa: E731
    np.testing.assert_allclose(shapley_values(mixed, 3), found, atol=1e-12)


def test_the_baseline_and_the_input_are_left_as_they_were():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    found = integrated_gradients(lambda inputs: (inputs**2).sum(1), x, torch.zeros(2))
    assert not found.requires_grad and x.grad is None


def test_a_reading_is_the_reward_that_the_model_gives(taste):
    model, tokenizer = taste
    reading = read(model, tokenizer, PROMPT, STORY)
    [reward] = reward_function(model, tokenizer)([PROMPT], [STORY])
    assert reading.value(reading.embeddings[None]).item() == pytest.approx(reward, abs=1e-6)
    assert reading.tokens == [*PROMPT.split(), *STORY.split(), "<end>"]


def test_credits_of_words_add_up_both_ways(taste):
    reading = read(*taste, PROMPT, STORY)
    places = [reading.tokens.index(word) for word in ("rainy", "lost", "sad", "danced")]
    worth = reading.of_parts(places)
    whole, bare = worth(np.array([[True] * 4, [False] * 4]))
    assert whole == pytest.approx(reading.value(reading.embeddings[None]).item(), abs=1e-9)
    assert shapley_values(worth, 4).sum() == pytest.approx(whole - bare, abs=1e-9)
    baseline = reading.embeddings.clone()
    baseline[places] = reading.baseline[places]
    credits = integrated_gradients(reading.value, reading.embeddings, baseline, points=200).sum(1)
    assert credits.sum().item() == pytest.approx(whole - bare, abs=0.02)
    others = [i for i in range(len(reading.tokens)) if i not in places]
    assert credits[others].abs().max() == 0


def test_the_rater_liked_good_feelings_and_the_credits_say_so(taste):
    reading = read(*taste, PROMPT, STORY)
    places = [reading.tokens.index(word) for word in ("rainy", "lake", "sad", "danced")]
    rainy, lake, sad, danced = shapley_values(reading.of_parts(places), 4)
    assert sad < -0.5 and danced > 0.5 and max(abs(rainy), abs(lake)) < 0.3


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: shapley_values(lambda c: [0.0] * len(c), 17), ValueError, "players is 17, expected a whole number"),
        (lambda: shapley_values(lambda c: [0.0], 3), ValueError, "expected 8 finite numbers"),
        (lambda: shapley_values(lambda c: [float("nan")] * 4, 2), ValueError, "expected 4 finite numbers"),
        (
            lambda: integrated_gradients(lambda x: x.sum(1), torch.zeros(3), torch.zeros(2)),
            ValueError,
            r"baseline has shape \(2,\), expected \(3,\)",
        ),
        (
            lambda: integrated_gradients(lambda x: x.sum(), torch.zeros(3), torch.zeros(3), points=4),
            ValueError,
            r"expected a tensor \(4,\)",
        ),
        (
            lambda: integrated_gradients(lambda x: x.sum(1), torch.zeros(3), torch.zeros(3), points=0),
            ValueError,
            "points is 0",
        ),
        (lambda: read(*load("stories", device="cpu"), PROMPT, STORY), ValueError, "a reward head"),
    ],
)
def test_what_cannot_be_credited_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()
