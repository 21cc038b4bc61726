"""Pairs of answers to one prompt, of which a rater chose one: what reward models and DPO learn from.

A pair is a prompt, the completion that was chosen and the one that was rejected, both without the prompt and without
the end token, which is put after them. What was left out: ratings of more than two answers at once, and chat templates.
"""

from typing import NamedTuple

import numpy as np

from rlbook._checks import check_array, check_number, check_rng, require, shown

torch = require("torch", extra="language")
require("transformers", extra="language")

from rlbook.language.rewards import by_position  # noqa: E402
from rlbook.language.texts import encode_completions  # noqa: E402


class Pairs(NamedTuple):
    """B pairs of answers. Columns of a table will do for the lists: they are taken by position."""

    prompts: list[str]  # (B,)
    chosen: list[str]  # (B,) completions
    rejected: list[str]  # (B,) completions
    weights: np.ndarray | None = None  # (B,) how much each pair counts, at least 0; by default all alike


class EncodedPairs(NamedTuple):
    """Pairs as token ids, all chosen texts before all rejected ones, in columns as `sample` writes them."""

    tokens: torch.Tensor  # (2 * B, L)
    attention_mask: torch.Tensor  # (2 * B, L) bool: the tokens that are there
    mask: torch.Tensor  # (2 * B, L) bool: the tokens of the completions, the end token included
    weights: torch.Tensor  # (B,)

    def rows(self, chosen):
        """The pairs at the chosen places (N,) alone."""
        both = torch.cat([chosen, chosen + len(self.weights)])
        return EncodedPairs(self.tokens[both], self.attention_mask[both], self.mask[both], self.weights[chosen])


def encode_pairs(tokenizer, pairs, device, *, max_new_tokens=None):
    """The pairs as `EncodedPairs`, if a rater can have preferred one to the other in each.

    With max_new_tokens a longer completion is cut off there, without an end token. Raises TypeError for what are no
    Pairs; ValueError for none at all, lists of unequal lengths, texts that cannot be read, a pair of equal
    completions (also after they were cut off), and weights that are negative, not finite or all 0.
    """
    if not isinstance(pairs, Pairs):
        raise TypeError(f"pairs is {shown(pairs)}, expected Pairs(prompts, chosen, rejected)")
    prompts, chosen, rejected = (by_position(f"pairs.{name}", column) for name, column in zip(Pairs._fields, pairs[:3]))
    for name, column in {"chosen": chosen, "rejected": rejected}.items():
        if len(column) != len(prompts):
            raise ValueError(f"pairs.{name} has {len(column)} entries, expected {len(prompts)}: one for each prompt")
    weights = _checked_weights(pairs.weights, len(prompts))
    tokens, there, own = encode_completions(tokenizer, prompts * 2, [*chosen, *rejected], max_new_tokens, "cpu")
    half = len(prompts)
    same = ((tokens[:half] == tokens[half:]) & (there[:half] == there[half:])).all(1).nonzero()
    if len(same):
        i = int(same[0])
        where = "" if chosen[i] == rejected[i] else f" in their first {max_new_tokens} tokens"
        raise ValueError(
            f"chosen[{i}] {shown(chosen[i])} and rejected[{i}] {shown(rejected[i])} are the same{where}, expected two "
            "completions that differ: from such a pair nothing can be learned"
        )
    return EncodedPairs(*(tensor.to(device) for tensor in (tokens, there, own, weights)))


def completions_of(prompts, texts):
    """The completions (B,) of texts that begin with their prompts, as some tables of preferences have them.

    Raises ValueError for a text that does not begin with its prompt: it would be an answer to another one.
    """
    prompts, texts = by_position("prompts", prompts), by_position("texts", texts)
    if len(prompts) != len(texts):
        raise ValueError(f"texts has {len(texts)} entries, expected {len(prompts)}: one for each prompt")
    for i, (prompt, text) in enumerate(zip(prompts, texts)):
        if not (isinstance(prompt, str) and isinstance(text, str) and text.startswith(prompt)):
            raise ValueError(f"text {i} is {shown(text)}, expected one that begins with its prompt, {shown(prompt)}")
    return [text.removeprefix(prompt) for prompt, text in zip(prompts, texts)]


def rate(prompts, first, second, gaps, *, rng, flipped=0.0):
    """Let a rater choose between first and second, completions (B,): `Pairs`.

    gaps (B,), how much more the first is worth to the rater: it is chosen with probability sigmoid(gap).
    flipped, the share of choices that are then written down the wrong way round, in [0, 1/2].
    Source: Bradley and Terry (1952).
    """
    check_rng(rng)
    flipped = check_number("flipped", flipped, least=0, most=0.5)
    prompts, first, second = map(by_position, ("prompts", "first", "second"), (prompts, first, second))
    for name, column in {"first": first, "second": second}.items():
        if len(column) != len(prompts):
            raise ValueError(f"{name} has {len(column)} entries, expected {len(prompts)}: one for each prompt")
    gaps = check_array("gaps", gaps)
    if gaps.shape != (len(prompts),):
        raise ValueError(f"gaps has shape {gaps.shape}, expected ({len(prompts)},): one for each prompt")
    if not np.isfinite(gaps).all():
        i = np.flatnonzero(~np.isfinite(gaps))[0]
        raise ValueError(f"gaps[{i}] is {gaps[i]}, expected finite numbers")
    prefers = 0.5 * (1 + np.tanh(gaps / 2))  # the sigmoid, without overflow
    chooses = rng.random(len(prompts)) < (1 - 2 * flipped) * prefers + flipped
    chosen = [a if is_first else b for a, b, is_first in zip(first, second, chooses)]
    rejected = [b if is_first else a for a, b, is_first in zip(first, second, chooses)]
    return Pairs(prompts, chosen, rejected)


def _checked_weights(weights, count):
    """The weights of pairs as a float32 tensor (B,)."""
    if weights is None:
        return torch.ones(count)
    weights = check_array("pairs.weights", weights)
    if weights.shape != (count,):
        raise ValueError(f"pairs.weights has shape {weights.shape}, expected ({count},): one for each pair")
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(wrong):
        raise ValueError(f"pairs.weights[{wrong[0]}] is {weights[wrong[0]]}, expected finite numbers, at least 0")
    if not weights.any():
        raise ValueError("pairs.weights are all 0, expected at least one above 0")
    return torch.from_numpy(weights.astype(np.float32))
