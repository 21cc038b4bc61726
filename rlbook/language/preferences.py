"""Losses of preferences: which of two answers was chosen, as a mean over pairs; and learning from them without a reward.

What was chosen, since papers and libraries differ: a pair counts by its own weight, and the weights count relative to
their sum, so that the loss of a whole population is that of its pairs weighted by their probabilities. The
log-probability of a completion is the sum over its tokens, in `ipo_loss` too, where trl takes their mean; it is the mean
in `normalised_dpo_loss` only. `dpo` scores all pairs under the reference once, before the first step. What was left
out: a margin between the two, a term that pulls rewards towards 0, label smoothing, and a likelihood of the chosen
beside the loss.
"""

import time
from functools import partial
from typing import NamedTuple

import numpy as np

from rlbook._checks import check_counts, check_flag, check_number, check_rng, require, shown

torch = require("torch", extra="language")
require("transformers", extra="language")

from rlbook._torch import check_same_shape  # noqa: E402
from rlbook.language.fitting import check_ids, check_model  # noqa: E402
from rlbook.language.pairs import encode_pairs  # noqa: E402
from rlbook.language.sampling import Samples, check_room, group_logprobs  # noqa: E402
from rlbook.language.trainers import check_models, check_rows, take_step  # noqa: E402
from rlbook.training import trainer  # noqa: E402


def bradley_terry_loss(chosen_rewards, rejected_rewards, *, weights=None):
    """The mean of -log sigmoid(r(chosen) - r(rejected)) over pairs, in nats: a scalar, differentiable.

    chosen_rewards, rejected_rewards (B,), one of each for a pair; weights (B,), at least 0, how much each pair
    counts, by default all alike. Only differences count: a constant added to both rewards of a pair changes nothing.
    Raises ValueError or TypeError for other shapes and types, and for weights that are negative, not finite or all 0.
    Source: Bradley and Terry (1952); Christiano et al. (2017), section 2.2.3; Ouyang et al. (2022), eq. 1.
    """
    check_pairs(weights, chosen_rewards=chosen_rewards, rejected_rewards=rejected_rewards)
    return mean_over_pairs(-torch.nn.functional.logsigmoid(chosen_rewards - rejected_rewards), weights)


def dpo_loss(chosen_logp, rejected_logp, reference_chosen_logp, reference_rejected_logp, *, beta, weights=None):
    """`bradley_terry_loss` of the implied rewards beta * log(pi / pi_ref): a scalar.

    The log-probabilities (B,) are sums over each completion's tokens; beta is in reward per nat. Over pairs of a whole
    population, labelled by a Bradley-Terry rater of reward r, it is least at the policy that maximises r less beta
    times the KL divergence from the reference. Source: Rafailov et al. (2023), eq. 7.
    """
    beta = _check_beta(beta)
    chosen, rejected = log_ratios(chosen_logp, rejected_logp, reference_chosen_logp, reference_rejected_logp)
    return bradley_terry_loss(beta * chosen, beta * rejected, weights=weights)


def ipo_loss(chosen_logp, rejected_logp, reference_chosen_logp, reference_rejected_logp, *, beta, weights=None):
    """The mean squared distance of a pair's log-ratios from being 1 / (2 beta) apart: a scalar.

    The arguments of `dpo_loss`. A pair whose label is certain has a finite place to rest, where DPO pulls for ever.
    Source: Azar et al. (2024), eq. 17, their tau being beta.
    """
    beta = _check_beta(beta)
    chosen, rejected = log_ratios(chosen_logp, rejected_logp, reference_chosen_logp, reference_rejected_logp)
    check_pairs(weights, chosen_logp=chosen, rejected_logp=rejected)
    return mean_over_pairs((chosen - rejected - 1 / (2 * beta)) ** 2, weights)


def normalised_dpo_loss(
    chosen_logp,
    rejected_logp,
    reference_chosen_logp,
    reference_rejected_logp,
    *,
    chosen_length,
    rejected_length,
    beta,
    weights=None,
):
    """`dpo_loss` of log-probabilities per token: each is divided by the number of its completion's tokens, (B,).

    Another objective, in which a nat of a long completion weighs less. Source: Meng et al. (2024), section 2.2, with a
    reference; trl's "sigmoid_norm".
    """
    beta = _check_beta(beta)
    chosen, rejected = log_ratios(chosen_logp, rejected_logp, reference_chosen_logp, reference_rejected_logp)
    _check_lengths(chosen_logp=chosen, chosen_length=chosen_length, rejected_length=rejected_length)
    return bradley_terry_loss(beta * chosen / chosen_length, beta * rejected / rejected_length, weights=weights)


def kto_loss(logp, reference_logp, desirable, kl, *, beta, undesirable_weight=1.0, weights=None):
    """The mean over single completions of 1 - sigmoid(beta * (log(pi / pi_ref) - kl)), turned round for bad ones.

    logp, reference_logp (B,), sums over each completion's tokens; desirable (B,) bool, the thumbs: no pairs are needed.
    kl, a number or tensor (): an estimate of KL(pi || pi_ref), through which no gradient flows, below 0 taken for 0.
    undesirable_weight is the weight of a bad completion, beside 1 for a good one. Source: Ethayarajh et al. (2024), eq. 8.
    """
    beta = _check_beta(beta)
    undesirable_weight = check_number("undesirable_weight", undesirable_weight, least=0)
    check_pairs(weights, logp=logp, reference_logp=reference_logp)
    check_same_shape("(B,)", logp=logp, desirable=desirable)
    if desirable.dtype != torch.bool:
        raise ValueError(f"desirable has type {desirable.dtype}, expected torch.bool: whether each completion is good")
    kl = max(check_number("kl", kl.detach() if isinstance(kl, torch.Tensor) else kl), 0.0)
    gain = beta * (logp - reference_logp - kl)
    losses = torch.where(desirable, (-gain).sigmoid(), undesirable_weight * gain.sigmoid())
    return mean_over_pairs(losses, weights)


def log_ratios(chosen_logp, rejected_logp, reference_chosen_logp, reference_rejected_logp):
    """log(pi / pi_ref) of the chosen and of the rejected completions, (B,) each."""
    check_same_shape(
        "(B,)",
        chosen_logp=chosen_logp,
        rejected_logp=rejected_logp,
        reference_chosen_logp=reference_chosen_logp,
        reference_rejected_logp=reference_rejected_logp,
    )
    return chosen_logp - reference_chosen_logp, rejected_logp - reference_rejected_logp


class Step(NamedTuple):
    """What one step of `dpo` saw and did. B is pairs_per_step; all but the norm is from before the step."""

    step: int  # from 1
    pairs: np.ndarray  # (B,) which of the pairs were drawn
    margins: np.ndarray  # (B,) beta * log(pi / pi_ref) of the chosen, less that of the rejected: rewards, implied
    loss: float
    accuracy: float  # the share of margins above 0
    chosen_log_ratio: float  # the mean of log(pi / pi_ref) of the chosen completions, in nats
    rejected_log_ratio: float  # that of the rejected ones
    gradient_norm: float  # before it was limited
    tokens_per_second: float  # completion tokens over the time of the whole step


@trainer
def dpo(
    model,
    tokenizer,
    pairs,
    optimizer,
    *,
    steps,
    max_new_tokens,
    rng,
    pairs_per_step=64,
    beta=0.1,
    loss=dpo_loss,
    per_token=False,
    reference=None,
    max_gradient_norm=1.0,
    rows_at_once=None,
    memory,
):
    """Learn from pairs of completions which was chosen: with no reward, and with no samples.

    pairs           `Pairs` of completions; of weight 0, a pair is never drawn
    max_new_tokens  the most tokens of a completion: one of fewer is followed by the end token, a longer one is cut off
    beta            the leash, in implied reward per nat
    loss            `dpo_loss`, `ipo_loss`, or a function of the same arguments
    per_token       divide log-probabilities by the number of tokens before the loss, as `normalised_dpo_loss` does
    reference       the model to stay near, by default the one that learns as it starts. It scores each pair once,
                    before the first step, and is not kept
    rows_at_once    completions in one pass through the model, an even number, where all need too much memory

    Trains the model in place, its dropout off; yields a `Step` after each step. Raises ValueError or TypeError before
    the first for what cannot be trained, and for pairs that `encode_pairs` refuses; FloatingPointError for a gradient
    that is not finite. Source: Rafailov et al. (2023), section 4.
    """
    check_rng(rng)
    check_counts(steps=steps, pairs_per_step=pairs_per_step, max_new_tokens=max_new_tokens)
    beta, max_gradient_norm = _check_beta(beta), check_number("max_gradient_norm", max_gradient_norm, above=0)
    _check_choices(loss, per_token, rows_at_once)
    check_models(model, tokenizer, optimizer, reference)
    encoded = encode_pairs(tokenizer, pairs, model.device, max_new_tokens=max_new_tokens)
    counting = _check_pairs_for([model, reference or model], tokenizer, encoded, pairs_per_step)
    model.eval()
    reference_logp = score_pairs(reference or model, encoded, rows_at_once=rows_at_once or 2 * pairs_per_step)
    memory.begin(step=0, reference_logp=reference_logp)
    how = dict(loss=partial(loss, beta=beta), per_token=per_token, rows_at_once=rows_at_once)
    while memory.step < steps:
        memory.step += 1
        started = time.perf_counter()
        drawn = torch.from_numpy(rng.choice(counting, pairs_per_step, replace=False))
        batch = encoded.rows(drawn.to(model.device))
        total, log_ratios = add_gradient(model, batch, memory.reference_logp[drawn], **how)
        norm = take_step(optimizer, max_gradient_norm, "DPO step")
        yield _step(memory.step, started, drawn.numpy(), batch, beta, total, log_ratios, norm)


def add_gradient(model, pairs, reference_logp, *, loss, per_token=False, rows_at_once=None):
    """Put the gradient of a loss of encoded pairs (B) into the model, in the place of what was there.

    reference_logp (B, 2), of the chosen and the rejected; loss as in `dpo`, its beta filled in. Returns the loss, and
    log(pi / pi_ref) (B, 2), an array.
    """
    model.zero_grad()
    total, log_ratios, reference_logp = 0.0, [], reference_logp.to(model.device)
    for places, part in _parts(pairs, rows_at_once):
        logp, before = group_logprobs(model, part, 2).sum(1).reshape(-1, 2), reference_logp[places]
        log_ratios.append((logp.detach() - before).double().cpu())
        if per_token:
            lengths = part.mask.sum(1).reshape(-1, 2)
            logp, before = logp / lengths, before / lengths
        weights = pairs.weights[places]
        value = loss(*logp.T, *before.T, weights=weights) * weights.sum() / pairs.weights.sum()
        value.backward()
        total += value.item()
    return total, torch.cat(log_ratios).numpy()


@torch.no_grad()
def score_pairs(model, pairs, *, rows_at_once=None):
    """The log-probabilities (N, 2) that a model gives to the chosen and the rejected completion of encoded pairs."""
    model.eval()
    logps = [group_logprobs(model, part, 2).sum(1).reshape(-1, 2) for _, part in _parts(pairs, rows_at_once)]
    return torch.cat(logps).cpu()


def _parts(pairs, rows_at_once):
    """Encoded pairs in parts: which of them, and their `Samples`, both completions of a pair in consecutive rows.

    Each is without the columns that are padding in all of its rows.
    """
    count = len(pairs.weights)
    for places in torch.arange(count, device=pairs.tokens.device).split((rows_at_once or 2 * count) // 2):
        rows = torch.stack([places, places + count], 1).flatten()
        there = pairs.attention_mask[rows]
        columns = there.any(0)
        fields = (pairs.tokens[rows][:, columns], there[:, columns], pairs.mask[rows][:, columns])
        yield places, Samples(*fields, None, None)


def _step(step, started, drawn, batch, beta, loss, log_ratios, norm):
    margins = beta * (log_ratios[:, 0] - log_ratios[:, 1])
    chosen, rejected = log_ratios.mean(0).tolist()
    return Step(
        step=step,
        pairs=drawn,
        margins=margins,
        loss=loss,
        accuracy=float((margins > 0).mean()),
        chosen_log_ratio=chosen,
        rejected_log_ratio=rejected,
        gradient_norm=norm,
        tokens_per_second=int(batch.mask.sum()) / (time.perf_counter() - started),
    )


def _check_pairs_for(models, tokenizer, pairs, pairs_per_step):
    """The places (N,) of the pairs that count, if each of the models can read them and there are enough for a step."""
    for model in models:
        check_model(model)
        check_ids(model, pairs.tokens, tokenizer)
        check_room(model, pairs.attention_mask, 0)
    counting = np.flatnonzero(pairs.weights.cpu().numpy())
    if pairs_per_step > len(counting):
        raise ValueError(f"pairs_per_step is {pairs_per_step}, expected at most {len(counting)}: all pairs that count")
    return counting


def _check_choices(loss, per_token, rows_at_once):
    if not callable(loss):
        raise TypeError(f"loss is {shown(loss)}, expected a function such as dpo_loss or ipo_loss")
    check_flag("per_token", per_token)
    check_rows(2, rows_at_once)
    if rows_at_once is not None and rows_at_once % 2:
        raise ValueError(f"rows_at_once is {rows_at_once}, expected an even number: a pair's completions go together")


def _check_beta(beta):
    return check_number("beta", beta, above=0, because=": at 0 every policy would have the same implied rewards")


def _check_lengths(chosen_logp, **lengths):
    """Raise ValueError unless these are as many lengths as log-probabilities, each at least 1."""
    check_same_shape("(B,)", chosen_logp=chosen_logp, **lengths)
    for name, length in lengths.items():
        wrong = (~(length >= 1)).nonzero()
        if len(wrong):
            i = int(wrong[0])
            raise ValueError(f"{name}[{i}] is {length[i].item()}, expected at least 1: the tokens of a completion")


def mean_over_pairs(losses, weights=None):
    """The mean of losses (B,), weighted where there are weights (B,)."""
    if weights is None:
        return losses.mean()
    shares = weights.to(losses) / weights.to(losses).sum()
    return torch.where(shares > 0, shares * losses, 0.0).sum()  # what counts 0 may be infinite


def check_pairs(weights, **numbers):
    """Raise unless these are real tensors (B,), at least one pair, and so are the weights, if there are any."""
    check_same_shape("(B,)", **numbers)
    for name, tensor in numbers.items():
        if not tensor.is_floating_point():
            raise ValueError(f"{name} has type {tensor.dtype}, expected one of real numbers, such as torch.float32")
    name, first = next(iter(numbers.items()))
    if not len(first):
        raise ValueError(f"{name} has shape (0,), expected (B,): at least one pair")
    if weights is None:
        return
    check_same_shape("(B,)", **{name: first, "weights": weights})
    wrong = (~(weights.isfinite() & (weights >= 0))).nonzero()
    if len(wrong):
        i = int(wrong[0])
        raise ValueError(
            f"weights[{i}] is {weights[i].item()}, expected finite numbers, at least 0: how much pairs count"
        )
    if not weights.sum() > 0:
        raise ValueError(f"weights is {shown(weights)}, expected at least one above 0")
