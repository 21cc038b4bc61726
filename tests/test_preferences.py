"""Losses of preferences: theorems, numbers worked by hand, and what is refused."""

import math

import pytest
import torch

from rlbook.language.preferences import bradley_terry_loss, dpo_loss, ipo_loss, kto_loss, normalised_dpo_loss


def tensor(*numbers):
    return torch.tensor(numbers, dtype=torch.float64)


def fitted(losses_of, size=1):
    """The numbers that minimise a loss, by Newton's method."""
    x = torch.zeros(size, dtype=torch.float64, requires_grad=True)
    for _ in range(30):
        gradient = torch.autograd.grad(losses_of(x), x, create_graph=True)[0]
        hessian = torch.stack([torch.autograd.grad(g, x, retain_graph=True)[0] for g in gradient])
        x = (x - torch.linalg.pinv(hessian) @ gradient).detach().requires_grad_()
    return x.detach()


def test_bradley_terry_by_hand():
    assert bradley_terry_loss(tensor(0), tensor(0)).item() == pytest.approx(math.log(2))
    assert bradley_terry_loss(tensor(math.log(3)), tensor(0)).item() == pytest.approx(math.log(4 / 3))
    two = bradley_terry_loss(tensor(math.log(3), 0), tensor(0, math.log(3)))
    assert two.item() == pytest.approx((math.log(4 / 3) + math.log(4)) / 2)


def test_weights_are_shares_of_the_pairs():
    chosen, rejected = tensor(1.0, -0.5, 2.0), tensor(0.3, 0.7, 2.5)
    repeated = [0, 0, 0, 1, 2, 2]
    expected = bradley_terry_loss(chosen[repeated], rejected[repeated])
    for scale in (1, 0.01):
        assert bradley_terry_loss(chosen, rejected, weights=scale * tensor(3, 1, 2)).item() == pytest.approx(
            float(expected)
        )
    assert bradley_terry_loss(chosen, rejected, weights=torch.tensor([3, 1, 2])).item() == pytest.approx(
        float(expected)
    )


def test_a_pair_that_counts_nothing_may_be_infinitely_wrong():
    chosen = torch.tensor([1.0, -torch.inf], requires_grad=True)
    loss = bradley_terry_loss(chosen, torch.tensor([0.0, 0.0]), weights=torch.tensor([1.0, 0.0]))
    assert loss.item() == pytest.approx(math.log1p(math.exp(-1)))


def gap_of_two_items(wins, losses):
    def loss(x):
        return bradley_terry_loss(torch.cat([x, -x]), torch.cat([-x, x]), weights=tensor(wins, losses))

    return 2 * fitted(loss).item()


def test_the_gap_of_two_items_is_the_logit_of_the_win_rate():
    for wins, losses in ((3, 1), (17, 5), (1, 9)):
        assert gap_of_two_items(wins, losses) == pytest.approx(math.log(wins / losses))


def test_flipped_labels_shrink_the_gap():  # win rate .8, a tenth of the labels flipped: .74
    rate = (1 - 2 * 0.1) * 0.8 + 0.1
    assert gap_of_two_items(rate, 1 - rate) == pytest.approx(1.0460, abs=5e-5)


def test_a_constant_for_both_rewards_of_a_pair_changes_nothing():
    chosen, rejected, shift = tensor(1.0, -0.5, 2.0), tensor(0.3, 0.7, 2.5), tensor(-4.0, 11.0, 0.25)
    moved = bradley_terry_loss(chosen + shift, rejected + shift)
    assert moved.item() == pytest.approx(bradley_terry_loss(chosen, rejected).item(), abs=1e-12)


def test_the_gradient_is_the_probability_of_being_wrong():
    chosen, rejected = tensor(1.0, -2.0).requires_grad_(), tensor(0.3, 0.7)
    bradley_terry_loss(chosen, rejected).backward()
    assert chosen.grad.tolist() == pytest.approx((-torch.sigmoid(rejected - chosen) / 2).tolist())


def test_large_gaps_neither_overflow_nor_vanish():
    loss = bradley_terry_loss(torch.tensor([-2000.0]), torch.tensor([2000.0]))
    assert loss.item() == 4000.0


ONE = torch.zeros(2)
BAD_PAIRS = [
    ((ONE, torch.zeros(3)), {}, ValueError, r"rejected_rewards has shape \(3,\), expected \(2,\)"),
    ((ONE[:, None], ONE[:, None]), {}, ValueError, r"chosen_rewards has shape \(2, 1\), expected \(B,\)"),
    (([0.0, 0.0], ONE), {}, TypeError, r"chosen_rewards is \[0.0, 0.0\], expected a torch.Tensor"),
    ((ONE, None), {}, TypeError, "rejected_rewards is None, expected a torch.Tensor"),
    ((ONE.long(), ONE.long()), {}, ValueError, "chosen_rewards has type torch.int64, expected one of real numbers"),
    ((ONE[:0], ONE[:0]), {}, ValueError, "at least one pair"),
    ((ONE, ONE), {"weights": torch.tensor([1.0, torch.nan])}, ValueError, r"weights\[1\] is nan, expected finite"),
    (
        (ONE, ONE),
        {"weights": torch.tensor([-0.5, 1.0])},
        ValueError,
        r"weights\[0\] is -0.5, expected finite numbers, at",
    ),
    ((ONE, ONE), {"weights": torch.zeros(2)}, ValueError, "at least one above 0"),
    ((ONE, ONE), {"weights": torch.ones(3)}, ValueError, r"weights has shape \(3,\), expected \(2,\)"),
    ((ONE, ONE), {"weights": [1.0, 1.0]}, TypeError, "weights is .*, expected a torch.Tensor"),
]


@pytest.mark.parametrize("pair, options, error, message", BAD_PAIRS, ids=range(len(BAD_PAIRS)))
def test_what_is_no_pair_is_refused(pair, options, error, message):
    with pytest.raises(error, match=message) as caught:
        bradley_terry_loss(*pair, **options)
    assert len(str(caught.value)) < 500


# DPO and its relatives

PAIRS = (tensor(-2.0, -1.0, -4.0), tensor(-3.0, -1.5, -0.5), tensor(-2.5, -1.2, -3.0), tensor(-2.0, -1.5, -2.0))
LENGTHS = {"chosen_length": torch.tensor([2, 5, 1]), "rejected_length": torch.tensor([4, 1, 3])}


def normalised(*logps, beta, weights=None):
    return normalised_dpo_loss(*logps, **LENGTHS, beta=beta, weights=weights)


PAIR_LOSSES = [dpo_loss, ipo_loss, normalised]


def test_the_losses_at_the_reference_by_hand():
    """Where nothing has moved the margin is 0: DPO has the loss ln 2, IPO the square of 1 / (2 beta)."""
    chosen, rejected = tensor(-1, -2.5), tensor(-3, -0.5)
    same = (chosen, rejected, chosen, rejected)
    for beta in (0.1, 2.0):
        assert dpo_loss(*same, beta=beta).item() == pytest.approx(math.log(2))
        assert ipo_loss(*same, beta=beta).item() == pytest.approx(1 / (2 * beta) ** 2)
        assert kto_loss(chosen, chosen, torch.tensor([True, False]), 0.0, beta=beta).item() == pytest.approx(0.5)


def test_dpo_by_hand():
    """Log-ratios .5 and -1, .2 and 0, -1 and 1.5: margins 1.5, .2 and -2.5 nats."""
    expected = sum(math.log1p(math.exp(-0.4 * margin)) for margin in (1.5, 0.2, -2.5)) / 3
    assert dpo_loss(*PAIRS, beta=0.4).item() == pytest.approx(expected)
    weighted = math.log1p(math.exp(-0.4 * 1.5)) / 4 + 3 * math.log1p(math.exp(0.4 * 2.5)) / 4
    assert dpo_loss(*PAIRS, beta=0.4, weights=tensor(1, 0, 3)).item() == pytest.approx(weighted)


def test_ipo_by_hand():
    """With beta .4 the margins 1.5, .2 and -2.5 are to be 1.25."""
    expected = (0.25**2 + 1.05**2 + 3.75**2) / 3
    assert ipo_loss(*PAIRS, beta=0.4).item() == pytest.approx(expected)


def test_the_normalised_loss_by_hand():
    """Log-ratios .5 over 2 tokens and -1 over 4, .2 over 5 and 0 over 1, -1 over 1 and 1.5 over 3."""
    expected = sum(math.log1p(math.exp(-0.4 * margin)) for margin in (0.5, 0.04, -1.5)) / 3
    assert normalised(*PAIRS, beta=0.4).item() == pytest.approx(expected)


def test_kto_by_hand():
    """Log-ratios 1 and -.5, kl .25: a good one is .75 nats above it, a bad one .75 below."""
    logp, reference = tensor(-1, -2.5), tensor(-2, -2)
    both = kto_loss(logp, reference, torch.tensor([True, False]), 0.25, beta=2.0, undesirable_weight=3.0)
    assert both.item() == pytest.approx((1 + 3) / (1 + math.exp(1.5)) / 2)
    turned = kto_loss(logp, reference, torch.tensor([False, True]), torch.tensor(-7.0), beta=2.0)
    assert turned.item() == pytest.approx((1 / (1 + math.exp(-2.0)) + 1 / (1 + math.exp(-1.0))) / 2)


def test_no_gradient_flows_through_the_kl_of_kto():
    kl = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    logp = tensor(-1.0, -2.0).requires_grad_()
    kto_loss(logp, tensor(-2.0, -2.0), torch.tensor([True, False]), kl, beta=1.0).backward()
    assert kl.grad is None and logp.grad[0] < 0 < logp.grad[1]


def test_a_pair_of_probability_has_the_slopes_of_the_paper():
    """The gradient in pi_l over that in pi_w is -pi_w / pi_l (Feng et al., 2024): the rejected one is pushed harder."""
    p = tensor(0.6, 0.02).requires_grad_()
    logp = p.log()
    dpo_loss(logp[:1], logp[1:], tensor(-1.0), tensor(-2.0), beta=0.3).backward()
    assert (p.grad[1] / p.grad[0]).item() == pytest.approx(-0.6 / 0.02)


def population(rewards, chance):
    """All ordered pairs of answers drawn from `chance`, weighted by how often a Bradley-Terry rater sees and says so."""
    i, j = torch.meshgrid(*[torch.arange(len(rewards))] * 2, indexing="ij")
    i, j = i.flatten(), j.flatten()
    return i, j, chance[i] * chance[j] * torch.sigmoid(rewards[i] - rewards[j])


@pytest.mark.parametrize("chance", [tensor(0.1, 0.2, 0.3, 0.4), tensor(0.25, 0.25, 0.25, 0.25)])
@pytest.mark.parametrize("beta", [0.3, 1.0])
def test_the_population_minimum_of_dpo_is_the_leashed_optimum(chance, beta):
    rewards, reference = tensor(1.0, -0.5, 0.3, 2.0), tensor(0.4, 0.1, 0.3, 0.2)
    i, j, weights = population(rewards, chance)

    def loss(logits):
        logp = logits.log_softmax(0)
        return dpo_loss(logp[i], logp[j], reference.log()[i], reference.log()[j], beta=beta, weights=weights)

    best = reference * (rewards / beta).exp()
    assert torch.allclose(fitted(loss, 4).softmax(0), best / best.sum(), atol=1e-6)


def test_ipo_rests_where_the_mean_label_of_each_pair_says():
    """With two answers, the first chosen with probability p: the margin is (2 p - 1) / (2 beta)."""
    p, beta = 0.8, 0.5
    reference = tensor(0.3, 0.7).log()
    first, second = torch.tensor([0, 1]), torch.tensor([1, 0])

    def loss(logits):
        logp = logits.log_softmax(0)
        return ipo_loss(
            logp[first], logp[second], reference[first], reference[second], beta=beta, weights=tensor(p, 1 - p)
        )

    logp = fitted(loss, 2).log_softmax(0) - reference
    assert (logp[0] - logp[1]).item() == pytest.approx((2 * p - 1) / (2 * beta))


@pytest.mark.parametrize("loss", PAIR_LOSSES)
@pytest.mark.parametrize("beta", [0, -0.1, float("nan"), "0.1", True])
def test_a_beta_that_is_no_leash_is_refused(loss, beta):
    with pytest.raises(ValueError, match=r"beta is .*expected a finite number above 0"):
        loss(*PAIRS, beta=beta)
    with pytest.raises(ValueError, match="beta is"):
        kto_loss(PAIRS[0], PAIRS[2], torch.ones(3, dtype=torch.bool), 0.0, beta=beta)


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("loss", PAIR_LOSSES)
def test_log_probabilities_of_another_shape_are_refused(loss, place):
    wrong = list(PAIRS)
    wrong[place] = torch.zeros(3, 4)
    with pytest.raises(ValueError, match="shape"):
        loss(*wrong, beta=1.0)
    wrong[place] = [0.0, 0.0, 0.0]
    with pytest.raises(TypeError, match=r"expected a torch\.Tensor"):
        loss(*wrong, beta=1.0)


@pytest.mark.parametrize("loss", PAIR_LOSSES)
def test_weights_that_are_none_are_refused_by_every_loss(loss):
    with pytest.raises(ValueError, match=r"weights\[1\] is nan"):
        loss(*PAIRS, beta=1.0, weights=tensor(1, math.nan, 1))


@pytest.mark.parametrize(
    "changed, message",
    [
        ({"desirable": torch.tensor([1, 0, 1])}, "desirable has type torch.int64"),
        ({"desirable": torch.tensor([True, False])}, r"desirable has shape \(2,\), expected \(3,\)"),
        ({"kl": float("nan")}, "kl is nan"),
        ({"kl": torch.zeros(3)}, "kl is tensor"),
        ({"undesirable_weight": -1}, "undesirable_weight is -1"),
    ],
)
def test_kto_refuses(changed, message):
    given = {"desirable": torch.tensor([True, False, True]), "kl": 0.0} | changed
    with pytest.raises(ValueError, match=message):
        kto_loss(PAIRS[0], PAIRS[2], beta=1.0, **given)


def test_lengths_of_no_token_are_refused():
    with pytest.raises(ValueError, match=r"rejected_length\[2\] is 0, expected at least 1"):
        normalised_dpo_loss(*PAIRS, **LENGTHS | {"rejected_length": torch.tensor([4, 1, 0])}, beta=1.0)
    with pytest.raises(ValueError, match="chosen_length has shape"):
        normalised_dpo_loss(*PAIRS, **LENGTHS | {"chosen_length": torch.tensor([4, 1])}, beta=1.0)
