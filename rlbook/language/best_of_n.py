"""Best of n: draw n completions and keep the one with the highest score. The plainest way to follow a reward, untrained.

Of completions with the same score the one that was drawn first is kept. Two ways to know what the choice does: exactly,
from the probabilities of all completions, and from N samples of each prompt, as the mean over all choices of n of them.
What was left out: choices that weigh the score against length or probability, and training on what was kept.
"""

import math
from typing import NamedTuple

import numpy as np

from rlbook._checks import check_array, check_count, check_counts, check_number, require

torch = require("torch", extra="language")
require("transformers", extra="language")

from rlbook._torch import check_same_shape  # noqa: E402
from rlbook.language.rewards import ask, by_position, columns_by_position  # noqa: E402
from rlbook.language.sampling import sample  # noqa: E402


class Kept(NamedTuple):
    """The best of n completions of each of P prompts, and what it was chosen from."""

    completions: list[str]  # (P,)
    scores: np.ndarray  # (P,) of these
    drawn: list[str]  # (P * n,) all completions, those of a prompt in consecutive rows
    drawn_scores: np.ndarray  # (P, n)


def best_of_n(logp, scores, n):
    """The log-probabilities (P, N) with which each completion is the best of n draws: exact, in float64.

    logp and scores (P, N) of all completions of each prompt. The highest of n draws lies at or below a score with the
    nth power of the probability that one does; completions with the same score share what falls to it as they are drawn.
    n may be any number from 1 on, also between whole ones. Source: Beirami et al. (2024).
    """
    check_same_shape("(P, N)", logp=logp, scores=scores)
    n = check_number("n", n, least=1)
    check_finite(scores=scores)
    p = logp.double().exp()
    kept = torch.empty_like(p)
    for row, (chance, score) in enumerate(zip(p, scores.to(p.device))):
        levels, level = score.unique(return_inverse=True)  # in ascending order
        mass = p.new_zeros(len(levels)).index_add(0, level, chance)
        at_most = mass.cumsum(0)
        at_most = at_most / at_most[-1]
        below = torch.nn.functional.pad(at_most, (1, 0))[:-1]
        highest = at_most**n - below**n
        kept[row] = chance * torch.where(mass > 0, highest / mass, 0.0)[level]
    return kept.log()


def kl_of_best_of_n(n):
    """log n - (n - 1) / n: the KL divergence of best-of-n, in nats, where no two completions have the same score.

    Where some have, it is less. Source: Beirami et al. (2024).
    """
    n = check_number("n", n, least=1)
    return math.log(n) - (n - 1) / n


def expected_best(scores, values, n):
    """The mean value of the best of n, for each prompt, over all choices of n of its N samples: (P,).

    scores, values  arrays (P, N): what the choice is made by, and what is asked of the chosen one, such as another
                    reward of it; both alike for the expected highest score
    n               at most N. The estimate is unbiased for best-of-n of as many fresh draws

    With marks of 0 and 1 for both it is pass@n. Source: Nakano et al. (2021); of marks, Chen et al. (2021).
    """
    scores, values = check_array("scores", scores).astype(float), check_array("values", values).astype(float)
    if scores.ndim != 2 or scores.shape != values.shape:
        raise ValueError(
            f"scores have shape {scores.shape} and values {values.shape}, expected (P, N) of both: a row for each prompt"
        )
    check_finite(scores=scores, values=values)
    count = scores.shape[1]
    n = check_count("n", n, most=count)
    of_rank = np.array([math.comb(i, n - 1) / math.comb(count, n) for i in range(count)])  # n - 1 of the i below
    best = np.empty(len(scores))
    for row, (score, value) in enumerate(zip(scores, values)):
        level = np.unique(score, return_inverse=True)[1]  # in ascending order
        mean_value = np.bincount(level, value) / np.bincount(level)  # of equal scores none is better
        best[row] = of_rank @ mean_value[np.sort(level)]
    return best


def draw_best(model, tokenizer, prompts, score, *, n, max_new_tokens, rng, columns=None, temperature=1.0):
    """Complete each prompt n times, and keep the completion with the highest score: `Kept`.

    score, a reward function, with columns {name: (P,)}; the other arguments are those of `sampling.sample`.
    """
    prompts = by_position("prompts", prompts)
    columns = columns_by_position(columns, len(prompts), "prompt")
    check_counts(n=n)
    settings = dict(max_new_tokens=max_new_tokens, group_size=n, temperature=temperature, rng=rng)
    drawn = sample(model, tokenizer, prompts, **settings).completions
    repeated = {name: [entry for entry in column for _ in range(n)] for name, column in columns.items()}
    scores = ask(score, [prompt for prompt in prompts for _ in range(n)], drawn, repeated).reshape(-1, n)
    places = scores.argmax(1)
    completions = [drawn[row * n + place] for row, place in enumerate(places)]
    return Kept(completions, scores.max(1), drawn, scores)


def check_finite(**arrays):
    """Raise ValueError for the first entry (p, i) of the arrays or tensors (P, N) that is not finite."""
    for name, array in arrays.items():
        wrong = np.argwhere(~np.isfinite(np.asarray(array.cpu() if isinstance(array, torch.Tensor) else array)))
        if len(wrong):
            row, column = wrong[0].tolist()
            raise ValueError(f"{name}[{row}, {column}] is {float(array[row, column])}, expected finite numbers")
