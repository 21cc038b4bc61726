"""Prompts with which a model does its worst: all of them, where they can be listed, or found by a search.

An attack needs nothing of the model but answers: `worth` says what each prompt is worth to the attacked, and the search
makes it small. What was left out: suggestions by gradients (`first_order` makes them, for a search of one's own), texts
that have to read well, several attacked models at once.
"""

from collections.abc import Callable
from itertools import product
from typing import NamedTuple

import numpy as np

from rlbook._checks import check_counts, finite, require, shown
from rlbook.language.token_mdp import MOST_TEXTS, check_tokens

torch = require("torch", extra="language")


class Attack(NamedTuple):
    """The worst prompt that was found, as its words, and what the search for it cost."""

    words: tuple[str, ...]
    worth: float
    asked: int  # different prompts whose worth was asked for
    history: np.ndarray  # the worth at the start and after each change of a word


def worst_of_all(worth, vocabulary, length):
    """The worst of all prompts of so many words, as an `Attack`: every one is asked.

    worth maps a list of prompts, each a tuple of words, to as many numbers. Of equal prompts the first one counts, in the
    order of `itertools.product`. Raises ValueError if there are too many to list.
    """
    vocabulary = check_tokens("vocabulary", vocabulary)
    check_counts(length=length)
    count = len(vocabulary) ** min(length, 100)
    if count > MOST_TEXTS:
        raise ValueError(f"there are {count:,} prompts, expected at most {MOST_TEXTS:,}, to ask all of them")
    prompts = list(product(vocabulary, repeat=length))
    worths = _answers(worth, prompts)
    worst = int(worths.argmin())
    return Attack(prompts[worst], float(worths[worst]), count, worths[[worst]])


def coordinate_search(worth, vocabulary, first):
    """Exchange one word of a prompt at a time for the worst in its place, until no exchange makes the prompt worse.

    worth maps a list of prompts, each a tuple of words, to as many numbers; first (L,) are the words to begin with. The
    places come in turn, from the first to the last and again. What is found is a minimum among the prompts that differ
    in one word, and as a rule not of all: begin at several. Returns an `Attack`.
    Source: the greedy coordinate search of Zou et al. (2023), algorithm 1, asking every word.
    """
    vocabulary, words = check_tokens("vocabulary", vocabulary), _checked_start(first, vocabulary)
    known, history, unchanged, place = {}, [], 0, 0

    def ask(prompts):
        new = [prompt for prompt in dict.fromkeys(prompts) if prompt not in known]
        known.update(zip(new, _answers(worth, new) if new else ()))
        return np.array([known[prompt] for prompt in prompts])

    history.append(ask([words])[0])
    while unchanged < len(words):
        swaps = [(*words[:place], word, *words[place + 1 :]) for word in vocabulary]
        worths = ask(swaps)
        if worths.min() < known[words]:
            words, unchanged = swaps[int(worths.argmin())], 0
            history.append(worths.min())
        unchanged += 1
        place = (place + 1) % len(words)
    return Attack(words, float(known[words]), len(known), np.array(history))


def first_order(value: Callable, embeddings, table):
    """How much the value of a text would change with each token of the table in each place, by its gradient: (L, V).

    value maps embeddings (N, L, D) to (N,); embeddings (L, D) are those of the text, table (V, D) those of all tokens.
    It is right for small changes, and a token is no small change: a hint which swaps to try first.
    Source: Ebrahimi et al. (2018), eq. 4.
    """
    at = embeddings.detach()[None].clone().requires_grad_()
    (slope,) = torch.autograd.grad(value(at).sum(), at)
    return slope[0] @ table.detach().T - (slope[0] * at[0]).sum(1, keepdim=True).detach()


def _checked_start(first, vocabulary):
    words = tuple(first) if isinstance(first, (list, tuple)) else ()
    if not words:
        raise ValueError(f"first is {shown(first)}, expected the words to begin with, at least one, in a list")
    for i, word in enumerate(words):
        if word not in vocabulary:
            raise ValueError(f"first[{i}] is {shown(word)}, expected a word of the vocabulary")
    return words


def _answers(worth, prompts):
    """What `worth` says of the prompts, an array (N,), if it is a finite number for each."""
    said = worth(prompts)
    said = said.tolist() if hasattr(said, "tolist") else said
    if not isinstance(said, (list, tuple)) or len(said) != len(prompts):
        raise ValueError(f"worth returned {shown(said)}, expected {len(prompts)} numbers: one for each prompt")
    numbers = [finite(number) for number in said]
    if None in numbers:
        i = numbers.index(None)
        raise ValueError(f"worth returned {shown(said[i])} for {shown(prompts[i])}, expected a finite number")
    return np.array(numbers)
