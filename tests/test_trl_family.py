"""Losses of the family against those of trl 1.16: values and gradients of its `_compute_loss` on the same tokens.

| loss | trl's settings | the same definition |
| --- | --- | --- |
| grpo_loss | loss_type grpo | yes, of the same advantages (trl divides by the sample's std) |
| dr_grpo_loss | loss_type dr_grpo | yes |
| dapo_loss | loss_type dapo, epsilon_high .28; bnpo in one process | yes |
| gspo_loss | loss_type grpo, importance_sampling_level sequence | yes |
| cispo_loss | loss_type cispo | yes, with epsilon_high for `most`: it is the limit itself there, not what is added to 1 |
| overlong_penalty | get_soft_overlong_punishment | yes |
"""

from collections import defaultdict
from functools import partial
from types import MethodType, SimpleNamespace

import pytest
import torch

from rlbook.advantages import group_relative
from rlbook.language.family import cispo_loss, dapo_loss, dr_grpo_loss, grpo_loss, gspo_loss, overlong_penalty

trl = pytest.importorskip("trl")

pytestmark = pytest.mark.filterwarnings("default::FutureWarning")  # trl asks transformers for names on their way out
REWARDS = torch.tensor([1.0, 0.0, 0.3, -1.0, 2.0, 2.0])  # two groups of three
MASK = torch.tensor([[1, 1, 1, 1], [1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1], [1, 1, 0, 0]]).bool()
MOST_TOKENS = 9


def tokens():
    """Log-probabilities when drawn and now, some ratios far from 1."""
    drawn = torch.Generator().manual_seed(1)
    old = -torch.rand(6, 4, generator=drawn)
    return (old + 0.4 * torch.randn(6, 4, generator=drawn)) * MASK, old * MASK


def theirs(logp, old_logp, loss_type, **settings):
    """What trl's trainer, with these settings and our log-probabilities, computes."""
    trainer = SimpleNamespace(
        loss_type=loss_type,
        importance_sampling_level=settings.get("level", "token"),
        epsilon_low=settings.get("low", 0.2),
        epsilon_high=settings.get("high", 0.2),
        args=SimpleNamespace(delta=None, use_bias_correction_kl=False, steps_per_generation=1),
        model=SimpleNamespace(training=True),
        max_completion_length=MOST_TOKENS,
        current_gradient_accumulation_steps=1,
        beta=0.0,
        top_entropy_quantile=1.0,
        off_policy_mask_threshold=None,
        aux_loss_enabled=False,
        use_vllm=False,
        _entropy_bonus_enabled=False,
        _metrics={"train": defaultdict(list)},
        accelerator=SimpleNamespace(num_processes=1, gather=lambda x: x, reduce=lambda x, reduction: x),
        _get_per_token_logps_and_entropies=lambda *_, **__: (logp, logp.detach(), None),
    )
    inputs = dict(
        prompt_ids=torch.zeros(6, 1, dtype=torch.long),
        prompt_mask=torch.ones(6, 1, dtype=torch.long),
        completion_ids=torch.zeros(6, 4, dtype=torch.long),
        completion_mask=MASK.long(),
        advantages=group_relative(REWARDS, 3, divide_by_std=loss_type != "dr_grpo", epsilon=1e-4),
        old_per_token_logps=old_logp,
        num_items_in_batch=MASK.sum(),
    )
    return MethodType(trl.GRPOTrainer._compute_loss, trainer)(None, inputs)


@pytest.mark.parametrize(
    "ours, settings",
    [
        (grpo_loss, dict(loss_type="grpo")),
        (partial(grpo_loss, clip=0.35), dict(loss_type="grpo", low=0.35, high=0.35)),
        (partial(dr_grpo_loss, most_tokens=MOST_TOKENS), dict(loss_type="dr_grpo")),
        (dapo_loss, dict(loss_type="dapo", high=0.28)),
        (dapo_loss, dict(loss_type="bnpo", high=0.28)),
        (gspo_loss, dict(loss_type="grpo", level="sequence", low=3e-4, high=4e-4)),
        (partial(gspo_loss, clip=0.1, higher=0.15), dict(loss_type="grpo", level="sequence", low=0.1, high=0.15)),
        (cispo_loss, dict(loss_type="cispo", high=5.0)),
        (partial(cispo_loss, most=1.1), dict(loss_type="cispo", high=1.1)),
    ],
)
def test_a_loss_is_that_of_trl(ours, settings):
    now, old = tokens()
    found, known = now.clone().requires_grad_(), now.clone().requires_grad_()
    value, expected = ours(found, old, REWARDS, MASK, group_size=3), theirs(known, old, **settings)
    assert value.item() == pytest.approx(expected.item(), rel=1e-5)
    value.backward()
    expected.backward()
    assert torch.allclose(found.grad, known.grad, atol=1e-7) and found.grad.abs().max() > 0.01


def test_at_trl_s_defaults_cispo_gives_every_token_a_fifth_of_its_weight():
    """epsilon_high is .2 unless one says otherwise, and there it is the limit of the ratio itself."""
    _, old = tokens()
    found, known = old.clone().requires_grad_(), old.clone().requires_grad_()
    cispo_loss(found, old, REWARDS, MASK, group_size=3).backward()
    theirs(known, old, "cispo").backward()
    assert torch.allclose(known.grad, 0.2 * found.grad, atol=1e-7)


def test_the_penalty_for_what_is_overlong_is_that_of_trl():
    from trl.rewards import get_soft_overlong_punishment

    punish = get_soft_overlong_punishment(20, 6)
    lengths = [1, 13, 14, 15, 17, 20, 21, 40]
    assert overlong_penalty(lengths, most_tokens=20, buffer=6).tolist() == pytest.approx(
        punish([[0] * n for n in lengths])
    )
