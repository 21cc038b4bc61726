"""Losses of preferences: which of two answers was chosen, as a mean over pairs; and learning from them without a reward.

What was chosen, since papers and libraries differ: a pair counts by its own weight, and the weights count relative to
their sum, so that the loss of a whole population is that of its pairs weighted by their probabilities. The
log-probability of a completion is the sum over its tokens, in `ipo_loss` too, where trl takes their mean; it is the mean
in `normalised_dpo_loss` only. `dpo` scores all pairs under the reference once, before the first step. What was left
out: a margin between the two, a term that pulls rewards towards 0, label smoothing, and a likelihood of the chosen
beside the loss.
"""

from rlbook._checks import check_number, require, shown

torch = require("torch", extra="language")

from rlbook._torch import check_same_shape  # noqa: E402


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
