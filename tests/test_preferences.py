"""Losses of preferences: theorems, numbers worked by hand, and what is refused."""

import math

import pytest
import torch

from rlbook.language.preferences import bradley_terry_loss


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
