"""GRPO: its parts by hand and by enumeration, the trainer against the exact optimum, its errors."""

import copy
from collections import deque
from itertools import product

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from rlbook._torch import check_optimizer
from rlbook.advantages import group_relative, leave_one_out
from rlbook.language.exact import (
    enumerate_language,
    flat_gradient,
    kl_divergence,
    language_logprobs,
    language_rewards,
    objective,
    optimal_policy,
)
from rlbook.language.grpo import grpo, update
from rlbook.language.models import tiny_gpt2, word_tokenizer
from rlbook.language.rewards import TOY_LENGTH, TOY_PROMPTS, TOY_WORDS, agreement, ask
from rlbook.language.sampling import Samples, sample, token_logprobs
from rlbook.language.trainers import score
from rlbook.surrogate import clipped_surrogate, k3

torch.set_num_threads(1)


def toy(seed=0, words=TOY_WORDS):
    tokenizer = word_tokenizer(words, ".")
    return tiny_gpt2(tokenizer, rng=np.random.default_rng(seed)), tokenizer


def drawn(model, tokenizer, group_size=4, seed=0):
    """Samples of unequal lengths, after prompts of unequal lengths."""
    rng = np.random.default_rng(seed)
    return sample(model, tokenizer, TOY_PROMPTS, max_new_tokens=TOY_LENGTH, rng=rng, group_size=group_size)


class Ascent(torch.optim.SGD):
    """An optimizer that only remembers the gradient."""

    def step(self):
        self.seen = torch.cat([p.grad.flatten() for group in self.param_groups for p in group["params"]])


# The parts


def test_the_clipped_surrogate_by_hand():
    ratio = torch.tensor([[0.5, 1.0, 1.5], [0.5, 1.0, 1.5]])
    value = clipped_surrogate(ratio.log(), torch.zeros(2, 3), torch.tensor([2.0, -2.0]), clip=0.2)
    assert value.tolist() == [pytest.approx([1.0, 2.0, 2.4]), pytest.approx([-1.6, -2.0, -3.0])]
    each = torch.tensor([[2.0, -2.0, 2.0], [-2.0, 2.0, 0.0]])  # an advantage of its own for each token
    value = clipped_surrogate(ratio.log(), torch.zeros(2, 3), each, clip=0.2)
    assert value.tolist() == [pytest.approx([1.0, -2.0, 2.4]), pytest.approx([-1.6, 2.0, 0.0])]


def test_clipping_takes_the_gradient_only_where_a_step_has_gone_far_enough():
    logp = torch.tensor([[0.5, 1.0, 1.5], [0.5, 1.0, 1.5]]).log().requires_grad_()
    clipped_surrogate(logp, torch.zeros(2, 3), torch.tensor([2.0, -2.0]), clip=0.2).sum().backward()
    assert logp.grad.tolist() == [pytest.approx([1.0, 2.0, 0.0]), pytest.approx([0.0, -2.0, -3.0])]


def test_k3_by_hand():
    assert k3(torch.tensor([0.5]).log(), torch.tensor([0.25]).log()).tolist() == pytest.approx([0.5 - 1 + np.log(2)])
    assert k3(torch.tensor([0.3]).log(), torch.tensor([0.3]).log()).tolist() == pytest.approx([0.0])


def test_k3_is_an_unbiased_estimate_whose_gradient_as_a_loss_is_that_of_the_other_divergence():
    torch.manual_seed(0)
    logits, reference = (
        torch.randn(1, 6, dtype=torch.float64, requires_grad=True),
        torch.randn(1, 6, dtype=torch.float64),
    )
    logp, reference = logits.log_softmax(1), reference.log_softmax(1)
    drawn_from = logp.exp().detach()
    expected = (drawn_from * k3(logp, reference)).sum()
    assert expected.item() == pytest.approx(kl_divergence(logp, reference).item())
    (gradient,) = torch.autograd.grad(expected, logits, retain_graph=True)
    (forward,) = torch.autograd.grad(kl_divergence(reference, logp).sum(), logits)
    assert torch.allclose(gradient, forward)


def test_four_completions_of_unequal_lengths_by_hand():
    """Rewards 1, 1, 0, 0: advantages 1, 1, -1, -1; with 1, 3, 2 and 2 tokens the loss is -(1 + 3 - 2 - 2) / 8 = 0."""
    model, _ = toy()
    advantages = group_relative([1.0, 1.0, 0.0, 0.0], 4)
    assert advantages.tolist() == [1, 1, -1, -1]
    lengths = [1, 3, 2, 2]
    tokens = torch.tensor([[0, 4, 4, 4, 4], [0, 4, 1, 1, 4], [0, 4, 3, 4, 4], [0, 4, 2, 4, 4]])
    mask = torch.tensor([[False, False, *[t < n for t in range(3)]] for n in lengths])
    there = mask.clone()
    there[:, :2] = True
    samples = Samples(tokens, there, mask, None, None)
    logp = token_logprobs(model, tokens, mask, attention_mask=there)
    samples = samples._replace(logprobs=logp.detach())
    optimizer = Ascent(model.parameters())
    loss, clipped, norm, largest = update(model, optimizer, samples, advantages, max_gradient_norm=1e9)
    assert loss == pytest.approx(0, abs=1e-6) and clipped == 0 and largest == pytest.approx(1, abs=1e-5)
    expected = -(logp[:2].sum() - logp[2:].sum()) / 8  # each token's gradient is A times that of its log-probability
    assert norm > 0.01  # a loss of 0, and yet something to learn
    assert torch.allclose(optimizer.seen, flat_gradient(expected, model), atol=1e-6)


def test_what_is_padding_has_no_part_in_an_update():
    model, tokenizer = toy()
    samples = drawn(model, tokenizer)
    advantages = np.random.default_rng(0).normal(size=12)
    wide = Samples(
        *(
            torch.nn.functional.pad(field, (3, 2), value=fill)
            for field, fill in zip(samples[:4], (4, False, False, 0.0))
        ),
        samples.completions,
    )
    seen, results = [], []
    for which in (samples, wide):
        optimizer = Ascent(model.parameters())
        results.append(update(model, optimizer, which, advantages, max_gradient_norm=1e9))
        seen.append(optimizer.seen)
    assert torch.allclose(*seen, atol=1e-6) and results[0] == pytest.approx(results[1], abs=1e-6)


def test_the_norm_of_the_gradient_is_reported_and_limited():
    model, tokenizer = toy()
    samples, advantages = drawn(model, tokenizer), np.random.default_rng(0).normal(size=12)
    norms = []
    for limit in (1e9, 0.01):
        optimizer = Ascent(model.parameters())
        norms.append((update(model, optimizer, samples, advantages, max_gradient_norm=limit)[2], optimizer.seen.norm()))
    assert norms[0] == pytest.approx((norms[0][0],) * 2, rel=1e-5) and norms[0][0] > 0.02
    assert norms[1] == pytest.approx((norms[0][0], 0.01), rel=1e-3)


def test_training_limits_the_norm_of_the_gradient():
    before = torch.nn.utils.parameters_to_vector(toy()[0].parameters())
    model, tokenizer = toy()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    settings = {"steps": 1, "max_new_tokens": 4, "rng": np.random.default_rng(0), "prompts_per_step": 3}
    list(grpo(model, tokenizer, list(TOY_PROMPTS), agreement, optimizer, max_gradient_norm=1e-3, **settings))
    moved = torch.nn.utils.parameters_to_vector(model.parameters()) - before
    assert moved.norm().item() == pytest.approx(1e-3, rel=0.05)


def test_a_gradient_that_is_not_finite_is_an_error_before_it_does_harm():
    model, tokenizer = toy()
    before = copy.deepcopy(model.state_dict())
    model.transformer.wpe.weight.register_hook(lambda gradient: gradient * float("nan"))
    optimizer = torch.optim.Adam(model.parameters())
    with pytest.raises(FloatingPointError, match="norm of the gradient is nan"):
        update(model, optimizer, drawn(model, tokenizer), np.ones(12))
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_under_autocast_each_update_is_seen_by_the_next_pass():
    model, tokenizer = toy()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    with torch.autocast("cpu", torch.bfloat16):
        samples = drawn(model, tokenizer)
        update(model, optimizer, samples, np.random.default_rng(0).normal(size=12))
        inside = score(model, samples)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(inside, score(model, samples))


@pytest.mark.parametrize("frozen", [True, False])
def test_an_optimizer_must_hold_all_that_can_be_trained(frozen):
    model, tokenizer = toy()
    held = list(model.transformer.h[1].parameters())
    if frozen:
        model.requires_grad_(False)
        for parameter in held:
            parameter.requires_grad_(True)
    settings = {"steps": 2, "max_new_tokens": 4, "rng": np.random.default_rng(0), "prompts_per_step": 3}
    trainer = grpo(model, tokenizer, list(TOY_PROMPTS), agreement, torch.optim.SGD(held, lr=0.1), **settings)
    if frozen:
        assert len(list(trainer)) == 2
    else:
        with pytest.raises(ValueError, match=r"does not hold the parameter transformer\.wte\.weight of model"):
            next(trainer)


@pytest.mark.parametrize("group_size", [1, 4])
@pytest.mark.parametrize("rows_at_once", [1, 5, 8, 12, 100])
def test_an_update_in_parts_is_the_same_update(rows_at_once, group_size):
    model, tokenizer = toy()
    samples, advantages = drawn(model, tokenizer), np.random.default_rng(0).normal(size=12)
    reference = toy(1)[0]
    reference_logp = score(reference, samples)
    parts = {"group_size": group_size, "rows_at_once": rows_at_once}
    assert torch.allclose(score(reference, samples, **parts), reference_logp, atol=1e-6)
    results, seen = [], []
    for how in ({}, parts):
        optimizer = Ascent(model.parameters())
        results.append(update(model, optimizer, samples, advantages, reference_logp, beta=0.3, **how))
        seen.append(optimizer.seen)
    assert results[0] == pytest.approx(results[1], abs=1e-6)
    assert torch.allclose(*seen, atol=1e-6)


def test_the_share_of_clipped_tokens_is_that_of_gradients_that_vanish():
    model, tokenizer = toy()
    samples, advantages = drawn(model, tokenizer), np.random.default_rng(0).normal(size=12)
    samples = samples._replace(logprobs=samples.logprobs + samples.mask * torch.randn(samples.mask.shape) * 0.5)
    _, clipped, _, largest = update(model, Ascent(model.parameters()), samples, advantages, clip=0.1)
    logp = score(model, samples).requires_grad_()
    surrogate = clipped_surrogate(logp, samples.logprobs, torch.tensor(advantages), clip=0.1)
    (gradient,) = torch.autograd.grad(surrogate.sum(), logp)
    assert clipped == pytest.approx(float((gradient[samples.mask] == 0).float().mean()))
    assert 0.2 < clipped < 0.8
    farthest = (logp.detach() - samples.logprobs)[samples.mask].abs().max().exp()
    assert largest == pytest.approx(farthest.item(), rel=1e-4) and largest > 2


@pytest.mark.parametrize(
    "baseline, scale", [(leave_one_out, 1), (lambda r, k: group_relative(r, k, divide_by_std=False), 0.5)]
)
def test_the_expected_update_of_a_pair_is_the_exact_gradient(baseline, scale):
    """All pairs of completions of a language of 7: with the mean that includes the sample, (K - 1) / K = 1/2 of it."""
    model, tokenizer = toy(words=("good", "bad", "."))
    language = enumerate_language(tokenizer, ["good ."], 2)
    rewards = language_rewards(agreement, language)
    logp = language_logprobs(model, language)
    exact = flat_gradient(objective(logp.double(), rewards), model)
    token_logp = token_logprobs(model, language.tokens, language.mask, attention_mask=language.attention_mask)
    surrogate = torch.zeros(())
    for i, j in product(range(7), repeat=2):
        advantages = torch.tensor(baseline(rewards[0, [i, j]].numpy(), 2), dtype=torch.float32)
        pair = clipped_surrogate(token_logp[[i, j]], token_logp[[i, j]].detach(), advantages) * language.mask[[i, j]]
        surrogate = surrogate + (logp[0, i] + logp[0, j]).exp().detach() * pair.sum() / 2
    assert torch.allclose(flat_gradient(surrogate, model), scale * exact, atol=1e-6)
    assert exact.norm() > 0.01


# The trainer


def steps_of(changed=None, seed=0, reward=agreement):
    model, tokenizer = toy(seed)
    settings = {"steps": 3, "max_new_tokens": TOY_LENGTH, "rng": np.random.default_rng(seed), "prompts_per_step": 3}
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    prompts = list(TOY_PROMPTS)
    return list(
        grpo(model, tokenizer, prompts, reward, optimizer, **settings | {"group_size": 4} | (changed or {}))
    ), model


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("divide_by_std", [True, False])
def test_a_short_training_closes_half_of_the_gap_to_the_optimum(seed, divide_by_std):
    model, tokenizer = toy(seed)
    beta = 0.1
    language = enumerate_language(tokenizer, TOY_PROMPTS, TOY_LENGTH)
    rewards, reference = language_rewards(agreement, language), language_logprobs(model, language).detach().double()
    _, best = optimal_policy(reference, rewards, beta)
    before = objective(reference, rewards, reference, beta)
    trainer = grpo(
        model,
        tokenizer,
        list(TOY_PROMPTS),
        agreement,
        torch.optim.Adam(model.parameters(), lr=1e-3),
        steps=120,
        max_new_tokens=TOY_LENGTH,
        rng=np.random.default_rng(seed),
        prompts_per_step=3,
        group_size=32,
        beta=beta,
        divide_by_std=divide_by_std,
    )
    last = list(trainer)[-1]
    with torch.no_grad():
        logp = language_logprobs(model, language).double()
    assert best - objective(logp, rewards, reference, beta) < 0.5 * (best - before)
    assert last.kl == pytest.approx(float(kl_divergence(logp, reference).mean()), abs=0.5)  # sampled and exact


def test_a_record_says_what_happened():
    words = []

    def count(prompts, completions, told):
        words.append((prompts, completions, told))
        return [float(completion.startswith("good")) for completion in completions]

    told = {"told": [prompt.upper() for prompt in TOY_PROMPTS]}
    records, _ = steps_of({"columns": told, "beta": 0.1, "steps": 2}, reward=count)
    for record, (prompts, completions, told) in zip(records, words):
        assert (record.prompts, record.completions) == (prompts, completions)
        assert told == [prompt.upper() for prompt in prompts]
        assert [len(set(prompts[i : i + 4])) for i in (0, 4, 8)] == [1, 1, 1] and set(prompts) == set(TOY_PROMPTS)
        groups = record.rewards.reshape(3, 4)
        assert record.rewards.tolist() == [float(text.startswith("good")) for text in completions]
        assert record.reward == pytest.approx(groups.mean())
        assert record.group_std == pytest.approx(np.sqrt(groups.mean(1) * (1 - groups.mean(1))).mean())
        assert record.zero_std == np.isin(groups.sum(1), [0, 4]).mean()
        lengths = [min(len(text.split()) + 1, TOY_LENGTH) for text in completions]
        assert record.length == pytest.approx(np.mean(lengths))
        assert record.unfinished == pytest.approx(np.mean([len(text.split()) == TOY_LENGTH for text in completions]))
        assert record.largest_ratio == pytest.approx(1, abs=1e-4)
        assert record.tokens_per_second > 0 and 0.5 < record.entropy < np.log(5)
    assert [record.step for record in records] == [1, 2]
    assert records[0].kl == 0 and records[0].advantages == pytest.approx(
        group_relative(records[0].rewards, 4), abs=1e-3
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_where_all_rewards_are_equal_and_nothing_has_moved_there_is_nothing_to_learn(dtype):
    model, tokenizer = toy()
    model = model.to(dtype)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    settings = {"steps": 2, "max_new_tokens": 4, "rng": np.random.default_rng(0), "prompts_per_step": 3, "beta": 0.5}
    for record in grpo(model, tokenizer, list(TOY_PROMPTS), one(1.0), optimizer, **settings):
        assert (record.advantages == 0).all() and record.gradient_norm == 0 and record.zero_std == 1


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_the_temperature_that_samples_is_the_one_that_scores_and_learns(temperature):
    changed = {"temperature": temperature, "steps": 1, "clip": 1e-3, "reference": toy()[0], "group_size": 16}
    for epochs in (1, 2):
        records, _ = steps_of(changed | {"epochs": epochs})
        assert records[0].kl == pytest.approx(0, abs=1e-5)
        assert (records[0].clip_fraction == 0) == (epochs == 1)
    assert steps_of(changed | {"reference": None})[0][0].clip_fraction == 0


def test_the_default_reference_is_a_copy_of_the_model_as_it_starts():
    records, _ = steps_of({"beta": 0.1})
    same, _ = steps_of({"beta": 0.1, "reference": toy()[0]})
    assert [record.kl for record in records] == [record.kl for record in same]
    assert abs(records[2].kl) > 1e-3


def with_dropout(seed=0):
    """A model whose own dropout is large; the book's tiny ones have none."""
    model = toy(seed)[0]
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.5
    return model


def test_a_reference_in_training_mode_loses_its_dropout():
    reference = with_dropout().train()
    (record,), _ = steps_of({"reference": reference, "beta": 0.1, "steps": 1})
    assert record.kl == 0 and not reference.training


def test_a_model_in_training_mode_and_its_default_reference_lose_their_dropout():
    _, tokenizer = toy()
    model = with_dropout().train()
    settings = {"steps": 1, "max_new_tokens": 4, "rng": np.random.default_rng(0), "prompts_per_step": 3, "beta": 0.1}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    (record,) = grpo(model, tokenizer, list(TOY_PROMPTS), agreement, optimizer, **settings)
    assert record.kl == 0


@pytest.mark.parametrize("shared", ["all", "embedding", "a part"])
def test_a_reference_that_would_learn_with_the_model_is_refused(shared):
    model, tokenizer = toy()
    reference = model if shared == "all" else toy()[0]
    if shared == "embedding":
        reference.set_input_embeddings(model.get_input_embeddings())
    if shared == "a part":  # another Parameter, of the same memory
        reference.transformer.wpe.weight = torch.nn.Parameter(model.transformer.wpe.weight.data[:])
    settings = {"steps": 1, "max_new_tokens": 4, "rng": np.random.default_rng(0), "prompts_per_step": 3}

    def step():
        optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
        trainer = grpo(model, tokenizer, list(TOY_PROMPTS), agreement, optimizer, reference=reference, **settings)
        return next(trainer)

    with pytest.raises(ValueError, match=r"reference shares the parameter transformer\.w.e\.weight with the model"):
        step()
    if shared != "all":  # what does not learn may be shared, as the frozen part under an adapter is
        model.transformer.wte.weight.requires_grad_(False)
        model.transformer.wpe.weight.requires_grad_(False)
        assert step().kl == pytest.approx(0, abs=1e-5)


def test_frozen_weights_of_single_bytes_are_no_obstacle():
    """PyTorch cannot say whether they are finite."""
    model = torch.nn.Linear(2, 2)
    model.frozen = torch.nn.Parameter(torch.ones(2).to(torch.float8_e4m3fn), requires_grad=False)
    check_optimizer(torch.optim.SGD(model.parameters(), lr=0.1), model=model)


def test_references_that_cannot_be_compared_are_refused():
    other = tiny_gpt2(word_tokenizer([*TOY_WORDS, "awful"], "."), rng=np.random.default_rng(0))
    short = tiny_gpt2(toy()[1], rng=np.random.default_rng(0), context=6)
    spoilt = toy()[0]
    spoilt.transformer.wpe.weight.data[3, 3] = float("nan")
    for reference, message in [
        (other, "reference has a vocabulary of 6 tokens, expected 5"),
        (toy()[0].to("meta"), "reference is on meta, expected cpu"),
        (short, "context holds 6"),
        (spoilt, r"parameter transformer\.wpe\.weight of reference holds nan or inf"),
    ]:
        with pytest.raises(ValueError, match=message):
            steps_of({"reference": reference})


@pytest.mark.parametrize("how", ["bfloat16", "autocast", "two epochs"])
def test_where_nothing_has_moved_nothing_is_clipped_in_any_precision(how):
    """The first ratio is exactly 1: the loss is that of the advantages alone, and the smallest clip takes nothing."""
    model, tokenizer = toy()
    model = model.to(torch.bfloat16) if how == "bfloat16" else model
    settings = {"steps": 2, "max_new_tokens": 4, "rng": np.random.default_rng(0), "prompts_per_step": 3, "clip": 1e-9}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)  # nothing ever moves
    with torch.autocast("cpu", torch.bfloat16, enabled=how == "autocast"):
        epochs = 2 if how == "two epochs" else 1
        records = list(
            grpo(model, tokenizer, list(TOY_PROMPTS), agreement, optimizer, group_size=32, epochs=epochs, **settings)
        )
    for record in records:
        lengths = np.array([min(len(text.split()) + 1, TOY_LENGTH) for text in record.completions])
        assert record.clip_fraction == 0
        assert record.loss == pytest.approx(-(record.advantages * lengths).sum() / lengths.sum(), abs=1e-6)


def test_the_row_of_a_padding_token_that_is_also_a_word_learns():
    """Llama's embedding leaves the row of its padding token out of the gradient; here that is the full stop."""
    tokenizer = word_tokenizer(TOY_WORDS, ".")
    shape = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    special = {"pad_token_id": 4, "eos_token_id": 4, "bos_token_id": 4}
    torch.manual_seed(0)
    model = LlamaForCausalLM(LlamaConfig(vocab_size=5, max_position_embeddings=16, **shape, **special)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    language = enumerate_language(tokenizer, TOY_PROMPTS, 2)
    rewards = language_rewards(agreement, language)
    logp = language_logprobs(model, language)
    exact = flat_gradient(objective(logp, rewards), model)[4 * 16 : 5 * 16]
    row = model.model.embed_tokens.weight
    for k in range(3):
        values = []
        for change in (0.02, -0.04, 0.02):  # up, down, and back
            row.data[4, k] += change
            values.append(objective(language_logprobs(model, language), rewards).item())
        assert float(exact[k]) == pytest.approx((values[0] - values[1]) / 0.04, abs=1e-3)
    assert exact.norm() > 0.01 and model.model.embed_tokens.padding_idx == 4
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    update(model, optimizer, drawn(model, tokenizer), np.random.default_rng(0).normal(size=12))
    assert row.grad[4].abs().sum() > 0.01


def test_the_kl_is_that_of_the_samples():
    other = toy(5)[0]
    (record,), _ = steps_of({"reference": other, "steps": 1})
    model, tokenizer = toy()
    samples = sample_like(record, model, tokenizer)
    assert record.kl == pytest.approx(float((score(model, samples) - score(other, samples)).sum(1).mean()), abs=1e-5)


def test_without_a_reference_the_kl_is_not_known():
    assert np.isnan(steps_of()[0][0].kl)
    frozen = toy()[0]
    records, _ = steps_of({"reference": frozen})
    assert records[0].kl == pytest.approx(0, abs=1e-6) and records[2].kl != 0


def test_the_kl_penalty_is_taken_off_the_reward_before_groups_are_compared():
    other = toy(5)[0]
    records, _ = steps_of({"reference": other, "beta": 0.5, "steps": 1, "divide_by_std": False})
    model, tokenizer = toy()
    samples = sample_like(records[0], model, tokenizer)
    penalty = (score(model, samples) - score(other, samples)).sum(1).double().numpy()
    expected = group_relative(records[0].rewards - 0.5 * penalty, 4, divide_by_std=False)
    assert records[0].advantages == pytest.approx(expected, abs=1e-5)
    surrogate = torch.tensor(expected)[:, None] * samples.mask
    assert records[0].loss == pytest.approx(-float(surrogate.sum() / samples.mask.sum()), abs=1e-5)  # and only there
    in_loss, _ = steps_of({"reference": other, "beta": 0.5, "steps": 1, "divide_by_std": False, "kl": "loss"})
    assert in_loss[0].advantages == pytest.approx(group_relative(records[0].rewards, 4, divide_by_std=False))
    plain, _ = steps_of({"steps": 1, "divide_by_std": False})
    assert in_loss[0].loss == pytest.approx(plain[0].loss + 0.5 * mean_k3(model, other, samples), abs=1e-5)


def sample_like(record, model, tokenizer):
    """The samples of the first step again, by the same generator."""
    rng = np.random.default_rng(0)
    chosen = rng.choice(3, 3, replace=False)
    samples = sample(
        model, tokenizer, [TOY_PROMPTS[i] for i in chosen], max_new_tokens=TOY_LENGTH, rng=rng, group_size=4
    )
    assert samples.completions == record.completions
    return samples


def mean_k3(model, other, samples):
    return k3(score(model, samples), score(other, samples))[samples.mask].mean().item()


def test_one_epoch_clips_nothing_and_several_may():
    assert all(record.clip_fraction == 0 for record in steps_of()[0])
    records, _ = steps_of({"epochs": 8, "clip": 0.01})
    assert records[0].clip_fraction > 0
    assert records[0].gradient_norm != steps_of()[0][0].gradient_norm  # a mean over epochs


def test_the_rng_decides_everything_and_no_global_generator_does():
    first, a = steps_of()
    torch.manual_seed(123)
    second, b = steps_of()
    assert [r.completions for r in first] == [r.completions for r in second]
    assert all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters()))


def test_the_reference_stays_as_it_was():
    model, tokenizer = toy()
    before = copy.deepcopy(model.state_dict())
    reference = toy()[0]
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    prompts, rng = list(TOY_PROMPTS), np.random.default_rng(0)
    settings = {"steps": 2, "max_new_tokens": 4, "rng": rng, "prompts_per_step": 3, "beta": 0.1, "reference": reference}
    list(grpo(model, tokenizer, prompts, agreement, optimizer, **settings))
    assert all(torch.equal(before[name], value) for name, value in reference.state_dict().items())
    assert not all(torch.equal(before[name], value) for name, value in model.state_dict().items())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_training_on_a_gpu_in_mixed_precision():
    model, tokenizer = toy()
    model = model.cuda()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    rng = np.random.default_rng(0)
    settings = {"steps": 60, "max_new_tokens": 4, "rng": rng, "prompts_per_step": 3, "group_size": 32, "beta": 0.1}
    with torch.autocast("cuda", torch.bfloat16):
        records = list(grpo(model, tokenizer, list(TOY_PROMPTS), agreement, optimizer, **settings))
    assert np.mean([r.reward for r in records[-10:]]) > np.mean([r.reward for r in records[:10]]) + 0.1


class Labelled:
    """Iterates in its order, is indexed by its labels: what a pandas Series is after a shuffle, a filter or a sort."""

    def __init__(self, values, labels):
        self.values, self.at = list(values), dict(zip(labels, values))

    def __len__(self):
        return len(self.values)

    def __iter__(self):
        return iter(self.values)

    def __getitem__(self, label):
        return self.at[label]


CONTAINERS = {
    "list": list,
    "tuple": tuple,
    "array": np.array,
    "objects": lambda values: np.array(values, dtype=object),
    "deque": deque,
    "values of a dict": lambda values: dict(enumerate(values)).values(),
    "shuffled": lambda values: Labelled(values, [2, 0, 1]),
    "filtered": lambda values: Labelled(values, [7, 90, 41]),
}


@pytest.mark.parametrize("prompts", CONTAINERS)
@pytest.mark.parametrize("column", CONTAINERS)
def test_prompts_and_columns_belong_together_by_position(prompts, column):
    seen = []

    def reward(prompts, completions, told):
        seen.extend(zip(prompts, told))
        return [float(len(completion)) for completion in completions]

    model, tokenizer = toy()
    columns = {"told": CONTAINERS[column]([prompt.upper() for prompt in TOY_PROMPTS])}
    settings = {"steps": 1, "max_new_tokens": 1, "rng": np.random.default_rng(0), "prompts_per_step": 3}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    list(grpo(model, tokenizer, CONTAINERS[prompts](TOY_PROMPTS), reward, optimizer, columns=columns, **settings))
    language = enumerate_language(tokenizer, CONTAINERS[prompts](TOY_PROMPTS), 1)
    language_rewards(reward, language, columns)
    ask(reward, CONTAINERS[prompts](TOY_PROMPTS), CONTAINERS[column](list("abc")), columns)
    assert {prompt for prompt, _ in seen} == set(TOY_PROMPTS) and len(seen) == 24 + 15 + 3
    assert all(told == prompt.upper() for prompt, told in seen)


@pytest.mark.parametrize(
    "returned",
    [
        [0, 1, 0.5],
        (0.0, True, np.float32(0.5)),
        [np.bool_(False), np.array(1), torch.tensor(0.5)],
        np.array([0, 1, 0.5], np.float16),
        torch.tensor([0, 1, 0.5], dtype=torch.bfloat16, requires_grad=True),
    ],
)
def test_a_reward_function_may_return_any_row_of_numbers(returned):
    given = ask(lambda prompts, completions: returned, ["x"] * 3, ["a", "b", "c"])
    assert given.dtype == np.float64 and given.tolist() == [0, 1, 0.5]


def test_a_reward_function_may_return_marks():
    given = ask(lambda prompts, completions: np.array(completions) == "b", ["x"] * 3, ["a", "b", "c"])
    assert given.tolist() == [0, 1, 0]


def one(value):
    return lambda prompts, completions: [value] * len(completions)


@pytest.mark.parametrize(
    "changed, reward, message",
    [
        ({"group_size": 1}, agreement, "group_size is 1, expected"),
        ({"prompts_per_step": 4}, agreement, "prompts_per_step is 4, expected at most 3"),
        ({"steps": 0}, agreement, "steps is 0"),
        ({"epochs": 1.5}, agreement, "epochs is 1.5"),
        ({"max_new_tokens": 40}, agreement, "prompt 2 has 4 tokens.*context holds 32"),
        ({"kl": "k3"}, agreement, "kl is 'k3'"),
        ({"beta": -1}, agreement, "beta is -1"),
        ({"temperature": 0}, agreement, "temperature is 0"),
        ({"temperature": "1"}, agreement, "temperature is '1'"),
        ({"clip": -1}, agreement, "clip is -1"),
        ({"clip": float("inf")}, agreement, "clip is inf"),
        ({"beta": float("nan")}, agreement, "beta is nan"),
        ({"beta": True}, agreement, "beta is True"),
        ({"columns": {"told": (c for c in "abc")}}, agreement, "column 'told' is <generator"),
        ({"columns": {"told": {0: 1, 1: 2, 2: 3}}}, agreement, "column 'told' is {0: 1"),
        ({}, lambda prompts, completions: {c: 1.0 for c in completions}, "returned {.*expected a list of 12"),
        ({}, lambda prompts, completions: (1.0 for _ in completions), "returned <generator.*expected a list of 12"),
        ({"max_gradient_norm": float("nan")}, agreement, "max_gradient_norm is nan"),
        ({"rows_at_once": 0}, agreement, "rows_at_once is 0"),
        ({"columns": {"prompts": ["1"] * 3}}, agreement, "a column is called 'prompts'"),
        ({}, lambda prompts, completions: [[1.0]] * 12, r"returned \[1.0\] for completion 0"),
        ({}, one("1"), "returned '1' for completion 0"),
        ({"columns": {"answer": ["1"]}}, agreement, "column 'answer' has 1 entries, expected 3"),
        (
            {},
            lambda prompts, completions: [1.0],
            "<lambda> returned 1 of them, expected a list of 12 floats",
        ),
        ({}, lambda prompts, completions: 1.0, "returned 1.0, expected a list"),
        ({}, one(float("nan")), "<lambda> returned nan for completion 0"),
        ({}, one(float("-inf")), "returned -inf for completion 0"),
        ({}, one("1"), "returned '1' for completion 0.*expected a finite number, or None"),
    ],
)
def test_bad_input_is_refused_before_anything_is_learned(changed, reward, message):
    model, tokenizer = toy()
    before = copy.deepcopy(model.state_dict())
    settings = {
        "steps": 2,
        "max_new_tokens": 4,
        "rng": np.random.default_rng(0),
        "prompts_per_step": 3,
        "group_size": 4,
    }
    optimizer = torch.optim.Adam(model.parameters())
    with pytest.raises(ValueError, match=message):
        next(grpo(model, tokenizer, list(TOY_PROMPTS), reward, optimizer, **settings | changed))
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_a_reward_function_cannot_spoil_the_record():
    def clearing(prompts, completions):
        rewards = agreement(prompts, completions)
        completions.clear()
        return rewards

    assert [len(record.completions) for record in steps_of({"steps": 2}, reward=clearing)[0]] == [12, 12]


def test_a_generator_of_no_kind_is_refused():
    with pytest.raises(TypeError, match="rng is 0, expected a numpy Generator"):
        steps_of({"rng": 0})


def test_an_empty_prompt_and_a_tokenizer_without_padding_are_refused():
    model, tokenizer = toy()
    settings = {"steps": 1, "max_new_tokens": 4, "rng": np.random.default_rng(0), "prompts_per_step": 1}
    optimizer = torch.optim.Adam(model.parameters())
    with pytest.raises(ValueError, match="prompt 1 is ''"):
        next(grpo(model, tokenizer, ["good .", ""], agreement, optimizer, **settings))
    with pytest.raises(ValueError, match="prompts is"):
        next(grpo(model, tokenizer, [], agreement, optimizer, **settings))
    tokenizer.pad_token = None
    with pytest.raises(ValueError, match="no padding token"):
        next(grpo(model, tokenizer, ["good ."], agreement, optimizer, **settings))


def test_k3_is_right_between_policies_that_are_almost_one():
    """It is d**2 / 2 for a small difference d: that of exp(d) and 1 would be lost in the rounding of 1."""
    difference = torch.tensor([1e-4, -1e-4, 1e-3])
    assert k3(torch.zeros(3), difference).tolist() == pytest.approx((difference**2 / 2).tolist(), rel=2e-3)
