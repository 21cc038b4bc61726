"""The family of GRPO: factors on the true gradient by enumeration, ratios, lengths, and a trainer that follows any loss."""

import copy
from functools import partial
from math import comb

import numpy as np
import pytest
import torch

from rlbook.advantages import group_relative, over_the_mean
from rlbook.language import grpo as grpo_module
from rlbook.language.exact import flat_gradient
from rlbook.language.family import (
    cispo_loss,
    dapo_loss,
    dr_grpo_loss,
    dynamic_sampling,
    group_policy_gradient,
    grpo_loss,
    gspo_loss,
    max_rl_loss,
    overlong_penalty,
    reinforce_loss,
    rloo_loss,
    update,
)
from rlbook.language.models import tiny_gpt2, word_tokenizer
from rlbook.language.rewards import TOY_LENGTH, TOY_PROMPTS, TOY_WORDS, agreement
from rlbook.language.sampling import sample, token_logprobs
from rlbook.surrogate import clip_higher, clipped_surrogate, sequence_surrogate, weighted_logp

torch.set_num_threads(1)
EXACT = dict(epsilon=0.0)
MEMBERS = {
    "reinforce": reinforce_loss,
    "rloo": rloo_loss,
    "grpo": partial(grpo_loss, **EXACT),
    "dr_grpo": partial(dr_grpo_loss, most_tokens=1),
    "dapo": partial(dapo_loss, **EXACT),
    "dapo_dynamic": dynamic_sampling(partial(dapo_loss, **EXACT)),
    "gspo": partial(gspo_loss, **EXACT),
    "cispo": partial(cispo_loss, **EXACT),
    "max_rl": max_rl_loss,
}


def slopes_of(loss, ratio, rewards, mask, group_size):
    """Minus the gradient of a loss in the log-probabilities of tokens whose ratios are these."""
    old = torch.full(mask.shape, -0.7, dtype=torch.float64)
    logp = (old + ratio.log()).requires_grad_()
    value = loss(logp, old, torch.as_tensor(rewards, dtype=torch.float64), mask, group_size=group_size)
    return -torch.autograd.grad(value, logp)[0]


# What the members make of rewards of 0 and 1


def factor(loss, K, p):
    """The expected update of K answers of one token, each right with probability p, over the gradient of p: all groups."""
    ones, own, total = torch.ones(K, 1, dtype=torch.float64), torch.ones(K, 1, dtype=torch.bool), 0.0
    for chance, group in zip(chances(K, p), np.tri(K + 1, K, -1)):  # of those with as many right, one
        slopes = slopes_of(loss, ones, group, own, K)[:, 0].numpy()
        total += chance * (slopes * np.where(group == 1, 1 / p, -1 / (1 - p))).sum()
    return total


def chances(K, p):
    """The probabilities (K + 1,) of so many right ones."""
    return np.array([comb(K, n) * p**n * (1 - p) ** (K - n) for n in range(K + 1)])


def expected_factor(name, K, p):
    """What the formulas say."""
    right = np.arange(K + 1)
    by_std = np.sqrt(right * (K - right)) @ chances(K, p) / (K * p * (1 - p))
    return {
        "reinforce": 1.0,
        "rloo": 1.0,
        "dr_grpo": (K - 1) / K,
        "max_rl": (1 - (1 - p) ** (K - 1)) / p,
    }.get(name, by_std)


@pytest.mark.parametrize("name", MEMBERS)
@pytest.mark.parametrize("K, p", [(K, p) for K in (2, 4, 8) for p in (0.05, 0.3, 0.5)])
def test_the_expected_gradient_of_each_member_is_its_factor_times_that_of_p(name, K, p):
    assert factor(MEMBERS[name], K, p) == pytest.approx(expected_factor(name, K, p))


def test_the_factors_of_groups_of_eight_as_they_are_known():
    for name, rare, even in [("grpo", 2.473, 1.856), ("max_rl", 6.033, 1.984), ("dr_grpo", 0.875, 0.875)]:
        assert factor(MEMBERS[name], 8, 0.05) == pytest.approx(rare, abs=5e-4)
        assert factor(MEMBERS[name], 8, 0.5) == pytest.approx(even, abs=5e-4)


@pytest.mark.parametrize("p", [0.05, 0.5])
def test_maximum_likelihood_is_climbed_term_by_term(p):
    """The factor of K is the slope of -sum_{k<K} (1 - p)^k / k, which tends to log p."""

    def climbed(p):
        return -sum((1 - p) ** k / k for k in range(1, 8))

    assert expected_factor("max_rl", 8, p) == pytest.approx((climbed(p + 1e-6) - climbed(p - 1e-6)) / 2e-6, rel=1e-6)
    assert expected_factor("max_rl", 500, p) == pytest.approx(1 / p)


def test_over_the_mean_by_hand():
    assert over_the_mean([1, 0, 0, 0, 3, 1], 2).tolist() == [1, -1, 0, 0, 0.5, -0.5]
    assert over_the_mean(torch.tensor([2.0, 2.0, 0.0, 0.0]), 4).tolist() == [1, 1, -1, -1]
    assert over_the_mean([1e-300, 3e-300], 2).tolist() == pytest.approx([-0.5, 0.5])
    with pytest.raises(ValueError, match=r"rewards\[1\] is -0.5, expected at least 0"):
        over_the_mean([1, -0.5], 2)


def test_dynamic_sampling_leaves_silent_groups_out_of_the_mean():
    ratio, own = torch.tensor([[1.1, 0.9]] * 6, dtype=torch.float64), torch.ones(6, 2, dtype=torch.bool)
    own[3, 1] = False
    rewards = [1.0, 1.0, 1.0, 0.0, 0.0, 0.0]
    found = slopes_of(dynamic_sampling(dapo_loss), ratio, rewards, own, 2)
    alone = slopes_of(dapo_loss, ratio[2:4], rewards[2:4], own[2:4], 2)
    assert torch.allclose(found[2:4], alone) and not found[[0, 1, 4, 5]].any()
    assert alone.abs().sum() == pytest.approx(2 * (1.1 / 3 + 0.9 / 6), rel=1e-3)  # three tokens, not eleven
    assert not slopes_of(dynamic_sampling(dapo_loss), ratio, [1.0] * 6, own, 2).any()
    assert dynamic_sampling(dapo_loss).__name__ == "dapo_loss"


# Ratios


def test_a_ratio_that_has_gone_far():
    """Ratios 0.5, 1.25 and 1.5 of three tokens, for a good completion and a bad one."""
    ratio = torch.tensor([[0.5, 1.25, 1.5]] * 2, dtype=torch.float64)
    logp, A = ratio.log().requires_grad_(), torch.tensor([2.0, -2.0], dtype=torch.float64)
    old, own = torch.zeros(2, 3, dtype=torch.float64), torch.ones(2, 3, dtype=torch.bool)
    middle = (0.5 * 1.25 * 1.5) ** (1 / 3)
    for surrogate, good, bad in [
        (clipped_surrogate(logp, old, A), [1, 0, 0], [0, -2.5, -3]),
        (clip_higher(logp, old, A), [1, 2.5, 0], [0, -2.5, -3]),
        (clip_higher(logp, old, A, clip=0.6, higher=0.6), [1, 2.5, 3], [-1, -2.5, -3]),
        (weighted_logp(logp, old, A, most=1.2), [1, 2.4, 2.4], [-1, -2.4, -2.4]),
        (sequence_surrogate(logp, old, A, own, clip=0.1, higher=0.1), [2 * middle] * 3, [-2 * middle] * 3),
        (sequence_surrogate(logp, old, A, own, clip=0.01, higher=0.1), [2 * middle] * 3, [0] * 3),
    ]:
        (slope,) = torch.autograd.grad(surrogate.sum(), logp, retain_graph=True)
        assert slope.tolist() == [pytest.approx(good), pytest.approx(bad)]


def test_the_ratio_of_a_sequence_is_that_of_its_own_tokens():
    old, own = torch.zeros(1, 4), torch.tensor([[False, True, True, False]])
    logp = torch.tensor([[9.0, 0.2, 0.4, -7.0]])
    value = sequence_surrogate(logp, old, torch.tensor([1.0]), own, clip=1.0, higher=1.0)
    assert value.tolist() == [pytest.approx([np.exp(0.3)] * 4)]


def test_before_the_first_step_gspo_is_grpo_and_cispo_is_reinforce():
    own = torch.tensor([[True, True, True], [True, False, False], [True, True, False], [True, True, True]])
    ones, rewards = torch.ones(4, 3, dtype=torch.float64), [3.0, 1.0, -1.0, 0.5]
    assert torch.allclose(*(slopes_of(loss, ones, rewards, own, 4) for loss in (grpo_loss, gspo_loss)))

    def reinforce_over_std(logp, old_logp, rewards, mask, *, group_size):
        advantages = group_relative(rewards, group_size, epsilon=1e-4)
        return -(logp * advantages[:, None])[mask].mean()

    found = [slopes_of(loss, ones, rewards, own, 4) for loss in (cispo_loss, reinforce_over_std, dapo_loss)]
    assert torch.allclose(found[0], found[1]) and torch.allclose(found[0], found[2])
    far = ones * 1.5
    assert not torch.allclose(*(slopes_of(loss, far, rewards, own, 4) for loss in (cispo_loss, dapo_loss)))


# Lengths


def test_what_a_token_weighs_by_hand():
    """A good completion of one token and a bad one of three, none of them changed since."""
    own = torch.tensor([[True, False, False, False], [True, True, True, False]])
    for loss, good, bad in [
        (grpo_loss, 1 / 2, -1 / 6),
        (gspo_loss, 1 / 2, -1 / 6),
        (dapo_loss, 1 / 4, -1 / 4),
        (cispo_loss, 1 / 4, -1 / 4),
        (partial(dr_grpo_loss, most_tokens=5), 0.5 / 10, -0.5 / 10),
        (rloo_loss, 1 / 2, -1 / 2),
        (max_rl_loss, 1 / 2, -1 / 2),
        (reinforce_loss, 1 / 2, 0),
    ]:
        slopes = slopes_of(loss, torch.ones(2, 4, dtype=torch.float64), [1.0, 0.0], own, 2)
        expected = torch.tensor([[good] * 4, [bad] * 4], dtype=torch.float64) * own
        assert torch.allclose(slopes, expected, rtol=1e-3), loss


def test_the_penalty_for_what_is_overlong_by_hand():
    found = overlong_penalty([1, 15, 16, 18, 20, 25], most_tokens=20, buffer=5)
    assert np.allclose(found, [0, 0, -0.2, -0.6, -1, -1])
    assert np.allclose(overlong_penalty(np.array([1, 4]), most_tokens=4, buffer=4), [-0.25, -1])
    with pytest.raises(ValueError, match="buffer is 6, expected at most 5"):
        overlong_penalty([1], most_tokens=5, buffer=6)


# The trainer


def toy(seed=0):
    tokenizer = word_tokenizer(TOY_WORDS, ".")
    model = tiny_gpt2(tokenizer, rng=np.random.default_rng(seed), layers=1, width=32)
    return model, tokenizer


def token_mean(logp, old_logp, rewards, mask, *, group_size, clip=0.2):
    """What `grpo` climbs."""
    advantages = group_relative(rewards, group_size, divide_by_std=False)
    return -(clipped_surrogate(logp, old_logp, advantages, clip=clip) * mask).sum() / mask.sum()


def trained(seed=0, steps=6, **more):
    model, tokenizer = toy()
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    settings = dict(steps=steps, max_new_tokens=TOY_LENGTH, prompts_per_step=2, group_size=8, beta=0.1, **more)
    learn = settings.pop("learn", group_policy_gradient)
    run = learn(model, tokenizer, TOY_PROMPTS, agreement, optimizer, rng=np.random.default_rng(seed), **settings)
    return model, list(run)


@pytest.mark.parametrize("epochs", [1, 3])
def test_followed_with_its_loss_grpo_is_grpo(epochs):
    known, records = trained(learn=grpo_module.grpo, divide_by_std=False, epochs=epochs)
    found, others = trained(loss=token_mean, epochs=epochs)
    for one, other in zip(known.parameters(), found.parameters()):
        assert torch.allclose(one, other, atol=2e-4)
    for field in ("reward", "kl", "entropy", "length", "loss", "gradient_norm"):
        assert [getattr(r, field) for r in others] == pytest.approx([getattr(r, field) for r in records], abs=2e-3)
    assert [r.completions for r in others] == [r.completions for r in records]


def batch(seed=1):
    model, tokenizer = toy()
    rng = np.random.default_rng(seed)
    samples = sample(model, tokenizer, TOY_PROMPTS, max_new_tokens=TOY_LENGTH, rng=rng, group_size=4)
    rewards = agreement(np.repeat(TOY_PROMPTS, 4), samples.completions)
    samples = samples._replace(logprobs=torch.where(samples.mask, samples.logprobs - 0.1, 0.0))  # as after some steps
    return model, samples, torch.tensor(rewards, dtype=torch.float32)


class Ascent(torch.optim.SGD):
    """An optimizer that only remembers the gradient."""

    def step(self):
        self.seen = torch.cat([p.grad.flatten() for group in self.param_groups for p in group["params"]])


@pytest.mark.parametrize("rows_at_once", [None, 4, 5])
@pytest.mark.parametrize("name", ["grpo", "dapo_dynamic", "gspo", "cispo"])
def test_an_update_is_the_gradient_of_its_loss_in_any_parts(name, rows_at_once):
    model, samples, rewards = batch()
    logp = token_logprobs(model, samples.tokens, samples.mask, attention_mask=samples.attention_mask)
    loss = MEMBERS[name](logp, samples.logprobs, rewards, samples.mask, group_size=4)
    expected = flat_gradient(loss, model)
    optimizer = Ascent(model.parameters())
    done = update(
        model,
        optimizer,
        MEMBERS[name],
        samples,
        rewards,
        group_size=4,
        rows_at_once=rows_at_once,
        max_gradient_norm=1e9,
    )
    assert done.loss == pytest.approx(loss.item(), abs=1e-6)
    assert torch.allclose(optimizer.seen, expected, atol=1e-6)
    assert done.gradient_norm == pytest.approx(expected.norm().item(), rel=1e-4) and expected.norm() > 0.01
    still = (done.slopes == 0)[samples.mask].float().mean().item()
    assert done.idle == pytest.approx(still) and not done.slopes[~samples.mask].any()


def test_a_record_of_the_family_says_what_was_done():
    _, records = trained(loss=rloo_loss, steps=2)
    for record in records:
        tokens = np.array([len(text.split()) + 1 for text in record.completions]).clip(max=TOY_LENGTH)
        by_hand = record.rewards.reshape(2, 8)
        by_hand = (by_hand - by_hand.mean(1, keepdims=True)) * 8 / 7
        if record.step == 1:  # nothing has moved: the leash takes nothing off
            assert record.pull == pytest.approx(by_hand.ravel() * tokens, abs=1e-4)
        assert record.idle < 1 and record.length == pytest.approx(tokens.mean())
    assert len(records) == 2 and records[0].kl == pytest.approx(0, abs=1e-5)


def test_where_all_are_silent_nothing_moves():
    model, samples, rewards = batch()
    before = copy.deepcopy(model.state_dict())
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    for loss in (dynamic_sampling(dapo_loss), grpo_loss, max_rl_loss):
        done = update(model, optimizer, loss, samples, rewards * 0 + 1, group_size=4)
        assert done.gradient_norm == 0 and done.idle == 1
    assert all(torch.equal(before[name], weight) for name, weight in model.state_dict().items())


@pytest.mark.parametrize(
    "changed, error, message",
    [
        (dict(loss="grpo"), TypeError, "loss is 'grpo', expected a function such as grpo_loss"),
        (dict(loss=lambda logp, *_, group_size: 1.0), ValueError, "the loss returned 1.0, expected a tensor of shape"),
        (dict(loss=lambda logp, *_, group_size: logp), ValueError, "the loss returned"),
        (dict(loss=lambda logp, *_, group_size: logp.detach().sum()), ValueError, "the loss returned"),
        (dict(loss=max_rl_loss), ValueError, "rewards.* expected at least 0: a mean of them divides"),
        (dict(epochs=0), ValueError, "epochs is 0, expected a whole number"),
        (dict(group_size=0), ValueError, "group_size is 0"),
        (dict(group_size=1), ValueError, "group_size is 1, expected a whole number, at least 2"),
    ],
)
def test_what_cannot_be_followed_is_refused(changed, error, message):
    model, tokenizer = toy()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    settings = dict(loss=grpo_loss, steps=1, max_new_tokens=TOY_LENGTH, prompts_per_step=3) | changed
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(error, match=message):
        next(group_policy_gradient(model, tokenizer, TOY_PROMPTS, agreement, optimizer, rng=rng(), **settings))
    assert all(torch.equal(before[name], weight) for name, weight in model.state_dict().items())


def rng():
    return np.random.default_rng(0)
