"""Losses of preferences: which of two answers was chosen, as a mean over pairs.

What was chosen, since papers and libraries differ: a pair counts by its own weight, and the weights count relative to
their sum, so that the loss of a whole population is that of its pairs weighted by their probabilities. What was left
out: a margin between the two, and a term that pulls rewards towards 0.
"""

from rlbook._checks import require, shown

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
