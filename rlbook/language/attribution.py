"""To which parts of an input a number is due: credits that add up to the number, less what it is without any part.

Two answers to the question, of which each is the only one with certain properties, and which differ as soon as parts act
together: integrated gradients and Shapley values. Both compare with a baseline, and mean nothing without it. Here the
baseline of a word is the mean embedding of all words: no word in particular.
"""

import math
from typing import NamedTuple

import numpy as np

from rlbook._checks import check_count, check_counts, check_plain, require, shown

torch = require("torch", extra="language")
require("transformers", extra="language")

from rlbook._torch import check_same_shape  # noqa: E402
from rlbook.language.fitting import check_no_dropout  # noqa: E402
from rlbook.language.reward_model import check_reward_model  # noqa: E402
from rlbook.language.sampling import positions  # noqa: E402
from rlbook.language.texts import encode_completions  # noqa: E402

MOST_PLAYERS = 16  # 65,536 coalitions


def integrated_gradients(value, x, baseline, *, points=50):
    """The credit of each entry of x (...) for value(x) - value(baseline): the slope, averaged on the straight way, times it.

    value maps inputs (N, ...) to (N,), differentiably; the mean over the way from baseline (...) to x is taken at `points`
    places, of Gauss and Legendre. Returns credits of the shape of x, which add up to the difference but for the rounding
    of that mean: look at it. Raises ValueError for shapes that differ or a value that is no number for each input.
    Source: Sundararajan, Taly and Yan (2017), eq. 1.
    """
    check_same_shape("", x=x, baseline=baseline)
    check_counts(points=points)
    x, baseline = x.detach(), baseline.detach()
    nodes, weights = np.polynomial.legendre.leggauss(points)  # on [-1, 1]
    shares = x.new_tensor((nodes + 1) / 2).reshape(-1, *[1] * x.ndim)
    way = (baseline + shares * (x - baseline)).requires_grad_()
    values = value(way)
    if not isinstance(values, torch.Tensor) or values.shape != (points,) or not values.requires_grad:
        raise ValueError(f"value returned {shown(values)}, expected a tensor ({points},) that depends on the inputs")
    (slopes,) = torch.autograd.grad(values.sum(), way)
    return (x - baseline) * torch.tensordot(x.new_tensor(weights / 2), slopes, dims=1)


def shapley_values(worth, players):
    """The Shapley value (players,) of each player: what it adds when it comes, averaged over all orders of coming.

    worth maps coalitions (2 ** players, players) bool, row after row who has come, to as many numbers. The values add up
    to the worth of all less that of none. Raises ValueError for more players than can be listed, or another answer.
    Source: Shapley (1953).
    """
    players = check_count("players", players, most=MOST_PLAYERS)
    numbers = np.arange(2**players)
    coalitions = (numbers[:, None] >> np.arange(players)) % 2 == 1
    worths = _checked_worths(worth(coalitions), len(numbers))
    sizes = coalitions.sum(axis=1)
    orders = [math.factorial(size) * math.factorial(players - 1 - size) for size in range(players)]
    values = []
    for player in range(players):
        before = numbers[~coalitions[:, player]]  # who may be there when this one comes
        share = np.array(orders, dtype=float)[sizes[before]] / math.factorial(players)
        values.append(share @ (worths[before + 2**player] - worths[before]))
    return np.array(values)


class Reading(NamedTuple):
    """One text as a reward model reads it: its tokens as embeddings, and what it says of these."""

    tokens: list[str]  # (L,) prompt, completion and end token
    value: object  # embeddings (N, L, D) -> rewards (N,)
    embeddings: torch.Tensor  # (L, D) of the text
    baseline: torch.Tensor  # (L, D) no word in particular, in every place

    def of_parts(self, places):
        """The reward as `worth` of `shapley_values`: of the texts that have only some of the words at these places.

        The words that are missing are no word in particular; those at other places are always there.
        """
        places = list(places)

        @torch.no_grad()
        def worth(coalitions):
            there = torch.ones(len(coalitions), len(self.tokens), dtype=torch.bool)
            there[:, places] = torch.from_numpy(coalitions)
            there = there.to(self.embeddings.device)[:, :, None]
            texts = zip(there.split(512))
            return torch.cat([self.value(self.embeddings.where(part, self.baseline)) for (part,) in texts]).tolist()

        return worth


def read(model, tokenizer, prompt, completion):
    """How a reward model reads a prompt and its completion: a `Reading`, in float64 if the model is."""
    check_reward_model(model)
    check_no_dropout(model)
    tokens, there, _ = encode_completions(tokenizer, [prompt], [completion], None, model.device)
    table = model.get_input_embeddings().weight.detach()

    def value(embeddings):
        mask = there.expand(len(embeddings), -1)
        hidden = model.base_model(
            inputs_embeds=embeddings, attention_mask=mask.long(), position_ids=positions(mask), use_cache=False
        ).last_hidden_state
        return model.score(hidden[:, -1])[:, 0]

    words = tokenizer.convert_ids_to_tokens(tokens[0].tolist())
    return Reading(words, value, table[tokens[0]], table.mean(0).expand(len(words), -1))


def _checked_worths(worths, count):
    check_plain("worth's answer", worths)
    worths = np.asarray(worths)
    if worths.shape != (count,) or worths.dtype.kind not in "biuf" or not np.isfinite(worths).all():
        raise ValueError(f"worth returned {shown(worths)}, expected {count} finite numbers: one for each coalition")
    return worths.astype(float)
