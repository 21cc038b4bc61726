"""The search for the worst prompt: against all prompts, on worths worked by hand, and what is refused."""

from itertools import product

import numpy as np
import pytest
import torch

from rlbook.language.attacks import coordinate_search, first_order, worst_of_all

LETTERS = ("a", "b", "c")


def valley(prompts):
    """The farther from "bca", the better for the attacked: places count 4, 2 and 1."""
    return [sum(4 // 2**i for i, (x, y) in enumerate(zip(words, "bca")) if x != y) for words in prompts]


def test_the_worst_of_all_is_found_and_all_are_asked_once():
    worst = worst_of_all(valley, LETTERS, 3)
    assert worst.words == ("b", "c", "a") and worst.worth == 0 and worst.asked == 27


def test_where_words_act_alone_one_round_finds_the_worst():
    for first in product(LETTERS, repeat=3):
        found = coordinate_search(valley, LETTERS, first)
        assert found.words == ("b", "c", "a") and found.asked <= 1 + 2 * 3 + 2 * 2
        assert (np.diff(found.history) < 0).all() and found.history[0] == valley([first])[0]


def test_where_words_act_together_it_stops_where_no_single_swap_makes_it_worse():
    """Two words: (a, a) is worth 1, (b, b) 0, and everything between them 2."""

    def hill(prompts):
        return [{("a", "a"): 1.0, ("b", "b"): 0.0}.get(words, 2.0) for words in prompts]

    assert coordinate_search(hill, "ab", ["a", "a"]).worth == 1 and worst_of_all(hill, "ab", 2).worth == 0
    assert coordinate_search(hill, "ab", ("a", "b")).words == ("b", "b")  # its first place is changed first


def test_no_prompt_is_asked_twice():
    asked = []

    def noted(prompts):
        asked.extend(prompts)
        return valley(prompts)

    found = coordinate_search(noted, LETTERS, list("cab"))
    assert len(asked) == len(set(asked)) == found.asked


def test_equal_worths_end_the_search():
    found = coordinate_search(lambda prompts: np.zeros(len(prompts)), LETTERS, ["a"] * 4)
    assert found.words == ("a",) * 4 and len(found.history) == 1


def test_first_order_is_exact_for_a_linear_value_and_a_hint_for_others():
    generator = torch.Generator().manual_seed(0)
    weights, table = (torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in ((3, 4), (5, 4)))
    embeddings = table[[1, 4, 1]]

    def linear(inputs):
        return (inputs * weights).sum((1, 2))

    guess = first_order(linear, embeddings, table)
    for place, token in product(range(3), range(5)):
        swapped = embeddings.clone()
        swapped[place] = table[token]
        change = linear(swapped[None]) - linear(embeddings[None])
        assert guess[place, token].item() == pytest.approx(change.item(), abs=1e-12)
    assert guess[[0, 1, 2], [1, 4, 1]].abs().max() < 1e-12 and not guess.requires_grad


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: worst_of_all(valley, LETTERS, 13), "there are 1,594,323 prompts, expected at most 1,000,000"),
        (lambda: worst_of_all(valley, LETTERS, 0), "length is 0, expected a whole number"),
        (lambda: worst_of_all(valley, ["a", "a"], 2), "expected different tokens"),
        (lambda: worst_of_all(lambda prompts: [1.0], LETTERS, 2), "expected 9 numbers"),
        (
            lambda: worst_of_all(lambda prompts: [float("nan")] * 9, LETTERS, 2),
            r"\('a', 'a'\), expected a finite number",
        ),
        (lambda: worst_of_all(lambda prompts: None, LETTERS, 2), "worth returned None"),
        (lambda: coordinate_search(valley, LETTERS, []), "first is \\[\\], expected the words to begin with"),
        (lambda: coordinate_search(valley, LETTERS, ["a", "x"]), r"first\[1\] is 'x', expected a word"),
        (lambda: coordinate_search(valley, LETTERS, None), "first is None"),
    ],
)
def test_what_cannot_be_searched_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
