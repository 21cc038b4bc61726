"""Policy gradient for language models: its update against the exact gradient, each trainer against its definition."""

import copy

import numpy as np
import pytest
import torch

from rlbook.advantages import leave_one_out
from rlbook.language.exact import (
    enumerate_language,
    flat_gradient,
    language_logprobs,
    language_rewards,
    objective,
    optimal_policy,
)
from rlbook.language.models import tiny_gpt2, word_tokenizer
from rlbook.language.policy_gradient import reinforce, remax, rloo, update
from rlbook.language.rewards import TOY_LENGTH, TOY_PROMPTS, TOY_WORDS, agreement
from rlbook.language.sampling import Samples, greedy, sample, token_logprobs
from rlbook.language.trainers import score

torch.set_num_threads(1)

TRAINERS = [reinforce, rloo, remax]


def toy(seed=0, words=TOY_WORDS):
    tokenizer = word_tokenizer(words, ".")
    return tiny_gpt2(tokenizer, rng=np.random.default_rng(seed)), tokenizer


class Ascent(torch.optim.SGD):
    """An optimizer that only remembers the gradient."""

    def step(self):
        self.seen = torch.cat([p.grad.flatten() for group in self.param_groups for p in group["params"]])


def language_of(words=("good", "bad", "."), prompts=("good .", "not very bad ."), length=2):
    """A small language with a model, another model as its reference, and all completions as samples of the first."""
    model, tokenizer = toy(words=(*words, "not", "very"))
    other = toy(1, words=(*words, "not", "very"))[0]
    language = enumerate_language(tokenizer, prompts, length)
    samples = Samples(language.tokens, language.attention_mask, language.mask, None, language.completions * 2)
    return model, other, language, samples._replace(logprobs=score(model, samples))


# The update


@pytest.mark.parametrize("beta", [0.0, 0.3])
def test_the_mean_update_over_all_completions_is_the_exact_gradient(beta):
    """Each completion in proportion to its probability, with r - beta log(pi / pi_ref) as its advantage."""
    model, other, language, samples = language_of()
    rewards, logp = language_rewards(agreement, language), language_logprobs(model, language).double()
    with torch.no_grad():
        reference_logp = language_logprobs(other, language).double()
    exact = flat_gradient(objective(logp, rewards, reference_logp, beta), model)
    leashed = rewards - beta * (logp.detach() - reference_logp)
    weights = logp.detach().exp() * rewards.shape[1]  # an update divides by the number of completions
    for baseline in (0.0, 5.0):  # of no effect: the scores are 0 on average
        optimizer = Ascent(model.parameters())
        loss, norm = update(
            model, optimizer, samples, (weights * (leashed - baseline)).flatten(), max_gradient_norm=1e9
        )
        assert torch.allclose(-optimizer.seen, exact, atol=2e-6)
        assert norm == pytest.approx(float(exact.norm()), rel=1e-3)
        assert loss == pytest.approx(
            -float((weights * (leashed - baseline) * logp.detach()).mean()), rel=1e-4, abs=1e-6
        )
    assert exact.norm() > 0.01


def test_an_advantage_of_each_token_is_that_of_the_completion_where_all_are_equal():
    model, _, _, samples = language_of()
    advantages = np.random.default_rng(0).normal(size=len(samples.tokens))
    seen = []
    for each in (advantages, advantages[:, None] * samples.mask.numpy()):
        optimizer = Ascent(model.parameters())
        update(model, optimizer, samples, each)
        seen.append(optimizer.seen)
    assert torch.allclose(*seen, atol=1e-7) and seen[0].norm() > 0.01


def test_the_tokens_before_a_reward_have_no_part_in_the_mean_gradient():
    """Reward to go: a reward for the first token alone, given to it alone, has the same mean update as given to all."""
    model, _, language, samples = language_of()
    first_is_good = (language.tokens == language.tokens.new_tensor(0)) & (samples.mask.cumsum(1) == 1) & samples.mask
    weights = language_logprobs(model, language).detach().double().exp().flatten()[:, None]
    reward = first_is_good.any(1, keepdim=True) * weights * len(samples.tokens)
    seen = []
    for where in (samples.mask, samples.mask & (samples.mask.cumsum(1) == 1)):
        optimizer = Ascent(model.parameters())
        update(model, optimizer, samples, reward * where, max_gradient_norm=1e9)
        seen.append(optimizer.seen)
    assert torch.allclose(*seen, atol=2e-6) and seen[0].norm() > 0.01


def test_lengths_do_not_matter_to_the_weight_of_a_token():
    """Four completions by hand: the log-probability of each counts A / 4, however many tokens it adds up."""
    model, _ = toy()
    tokens = torch.tensor([[0, 4, 4, 4, 4], [0, 4, 1, 1, 4], [0, 4, 3, 4, 4], [0, 4, 2, 4, 4]])
    mask = torch.tensor([[False, False, *[t < n for t in range(3)]] for n in [1, 3, 2, 2]])
    there = mask.clone()
    there[:, :2] = True
    logp = token_logprobs(model, tokens, mask, attention_mask=there)
    samples = Samples(tokens, there, mask, logp.detach(), None)
    optimizer = Ascent(model.parameters())
    loss, _ = update(model, optimizer, samples, [1.0, 1.0, -1.0, -1.0], max_gradient_norm=1e9)
    expected = -(logp[:2].sum() - logp[2:].sum()) / 4
    assert loss == pytest.approx(expected.item(), rel=1e-5)
    assert torch.allclose(optimizer.seen, flat_gradient(expected, model), atol=1e-6)


@pytest.mark.parametrize("group_size", [1, 4])
@pytest.mark.parametrize("rows_at_once", [1, 5, 8, 100])
@pytest.mark.parametrize("per_token", [True, False])
def test_an_update_in_parts_is_the_same_update(rows_at_once, group_size, per_token):
    model, tokenizer = toy()
    rng = np.random.default_rng(0)
    samples = sample(model, tokenizer, TOY_PROMPTS, max_new_tokens=TOY_LENGTH, rng=rng, group_size=4)
    advantages = rng.normal(size=tuple(samples.tokens.shape) if per_token else 12)
    results, seen = [], []
    for how in ({}, {"group_size": group_size, "rows_at_once": rows_at_once}):
        optimizer = Ascent(model.parameters())
        results.append(update(model, optimizer, samples, advantages, temperature=1.3, **how))
        seen.append(optimizer.seen)
    assert results[0] == pytest.approx(results[1], abs=1e-5)
    assert torch.allclose(*seen, atol=1e-6)


# The trainers


def steps_of(learn, changed=None, seed=0, reward=agreement):
    model, tokenizer = toy(seed)
    settings = {"steps": 3, "max_new_tokens": TOY_LENGTH, "rng": np.random.default_rng(seed), "prompts_per_step": 3}
    settings |= {"group_size": 4} | (changed or {})
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    return list(learn(model, tokenizer, list(TOY_PROMPTS), reward, optimizer, **settings)), model, tokenizer


def letters(prompts, completions):
    return [1 + len(completion) / 10 for completion in completions]


def first_step(learn, temperature, beta):
    """The first record of a trainer, and what its samples, drawn again, are worth: leashed rewards (3, 4)."""
    other = toy(5)[0]
    changed = {"steps": 1, "temperature": temperature, "beta": beta, "reference": other}
    (record,), *_ = steps_of(learn, changed, reward=letters)
    model, tokenizer = toy()
    rng = np.random.default_rng(0)
    prompts = [TOY_PROMPTS[i] for i in rng.choice(3, 3, replace=False)]
    sampling = dict(max_new_tokens=TOY_LENGTH, rng=rng, group_size=4, temperature=temperature)
    samples = sample(model, tokenizer, prompts, **sampling)
    assert samples.completions == record.completions

    def worth(samples):
        logp, reference_logp = (score(m, samples, temperature=temperature).sum(1).double() for m in (model, other))
        return np.array(letters(None, samples.completions)) - beta * (logp - reference_logp).numpy()

    return record, worth(samples), worth(greedy(model, tokenizer, prompts, max_new_tokens=TOY_LENGTH))


@pytest.mark.parametrize("temperature", [1.0, 0.7])
@pytest.mark.parametrize("beta", [0.0, 0.5])
def test_the_advantages_of_each_are_its_definition(temperature, beta):
    record, leashed, _ = first_step(reinforce, temperature, beta)
    assert record.advantages == pytest.approx(leashed, abs=1e-5)
    record, leashed, _ = first_step(rloo, temperature, beta)
    assert record.advantages == pytest.approx(leave_one_out(leashed, 4), abs=1e-5)
    record, leashed, usual = first_step(remax, temperature, beta)
    assert record.advantages == pytest.approx(leashed - usual.repeat(4), abs=1e-5)
    assert abs(usual).max() > 0.05


@pytest.mark.parametrize("learn", TRAINERS)
@pytest.mark.parametrize("seed", range(2))
def test_a_short_training_closes_half_of_the_gap_to_the_optimum(learn, seed):
    model, tokenizer = toy(seed)
    beta = 0.1
    language = enumerate_language(tokenizer, TOY_PROMPTS, TOY_LENGTH)
    rewards, reference = language_rewards(agreement, language), language_logprobs(model, language).detach().double()
    _, best = optimal_policy(reference, rewards, beta)
    before = objective(reference, rewards, reference, beta)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    settings = dict(steps=120, max_new_tokens=TOY_LENGTH, prompts_per_step=3, group_size=32, beta=beta)
    list(learn(model, tokenizer, list(TOY_PROMPTS), agreement, optimizer, rng=np.random.default_rng(seed), **settings))
    with torch.no_grad():
        logp = language_logprobs(model, language).double()
    assert best - objective(logp, rewards, reference, beta) < 0.5 * (best - before)


@pytest.mark.parametrize("learn", TRAINERS)
def test_a_record_says_what_happened(learn):
    records, *_ = steps_of(learn, {"beta": 0.1})
    assert [record.step for record in records] == [1, 2, 3]
    for record in records:
        assert record.rewards.tolist() == agreement(record.prompts, record.completions)
        assert set(record.prompts) == set(TOY_PROMPTS) and len(record.prompts) == 12
        groups = record.rewards.reshape(3, 4)
        assert record.reward == pytest.approx(groups.mean())
        assert record.group_std == pytest.approx(groups.std(1).mean())
        assert record.zero_std == (groups == groups[:, :1]).all(1).mean()
        assert record.length == np.mean([min(len(text.split()) + 1, TOY_LENGTH) for text in record.completions])
        assert record.gradient_norm > 0 and 0.5 < record.entropy < np.log(5)
    assert records[0].kl == 0 and records[2].kl != 0
    (alone, *_), *_ = steps_of(learn, {"group_size": 2 if learn is rloo else 1})
    assert np.isnan(alone.zero_std) == (learn is not rloo) and np.isnan(alone.kl)


@pytest.mark.parametrize("learn", TRAINERS)
def test_the_columns_belong_to_the_prompts(learn):
    def reward(prompts, completions, told):
        assert told == [prompt.upper() for prompt in prompts] and len(told) == len(completions)
        return [1.0] * len(completions)

    steps_of(learn, {"columns": {"told": [prompt.upper() for prompt in TOY_PROMPTS]}}, reward=reward)


@pytest.mark.parametrize("learn, moves", [(reinforce, True), (rloo, False), (remax, False)])
def test_a_constant_reward_moves_only_what_has_no_baseline(learn, moves):
    """By nothing on average, but by something in each batch."""
    (record, *_), *_ = steps_of(learn, reward=lambda prompts, completions: [1.0] * len(completions))
    assert (record.gradient_norm > 0) == moves


@pytest.mark.parametrize("learn", TRAINERS)
def test_the_norm_of_the_gradient_is_limited(learn):
    before = torch.nn.utils.parameters_to_vector(toy()[0].parameters())
    (record,), model, _ = steps_of(learn, {"steps": 1, "max_gradient_norm": 1e-3})
    moved = torch.nn.utils.parameters_to_vector(model.parameters()) - before
    assert moved.norm().item() == pytest.approx(0.05 * 1e-3, rel=0.05) and record.gradient_norm > 0.01


BAD = [
    ({"steps": 0}, agreement, "steps is 0"),
    ({"group_size": 0}, agreement, "group_size is 0, expected"),
    ({"prompts_per_step": 4}, agreement, "prompts_per_step is 4, expected at most 3"),
    ({"max_new_tokens": 40}, agreement, "prompt 2 has 4 tokens.*context holds 32"),
    ({"max_new_tokens": 1.5}, agreement, "max_new_tokens is 1.5"),
    ({"temperature": 0}, agreement, "temperature is 0"),
    ({"beta": -1}, agreement, "beta is -1"),
    ({"beta": float("nan")}, agreement, "beta is nan"),
    ({"max_gradient_norm": 0}, agreement, "max_gradient_norm is 0"),
    ({"rows_at_once": 0}, agreement, "rows_at_once is 0"),
    ({"columns": {"told": ["x"]}}, agreement, "column 'told' has 1 entries, expected 3"),
    ({}, lambda prompts, completions: [1.0], "returned 1 of them, expected a list of"),
    ({}, lambda prompts, completions: [float("nan")] * len(completions), "returned nan for completion 0"),
    ({}, lambda prompts, completions: 1.0, "returned 1.0, expected a list"),
    ({"rng": 0}, agreement, "rng is 0, expected a numpy Generator"),
    ({"reference": "itself"}, agreement, "reference is a str, expected a causal language model"),
    ({}, "agreement", "reward is 'agreement', expected a function"),
    ({}, lambda texts: texts, "cannot be called"),
]


@pytest.mark.parametrize("learn", TRAINERS)
@pytest.mark.parametrize("changed, reward, message", BAD)
def test_bad_input_is_refused_before_anything_is_learned(learn, changed, reward, message):
    model, tokenizer = toy()
    before = copy.deepcopy(model.state_dict())
    settings = {"steps": 2, "max_new_tokens": 4, "rng": np.random.default_rng(0), "prompts_per_step": 3}
    optimizer = torch.optim.Adam(model.parameters())
    with pytest.raises((ValueError, TypeError), match=message):
        next(learn(model, tokenizer, list(TOY_PROMPTS), reward, optimizer, **settings | {"group_size": 4} | changed))
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_a_group_of_one_has_no_others():
    with pytest.raises(ValueError, match="group_size is 1, expected a whole number, at least 2"):
        steps_of(rloo, {"group_size": 1})


@pytest.mark.parametrize(
    "changed, message",
    [
        (dict(advantages=np.ones(11)), r"advantages has shape \(11,\), expected \(12,\) or \(12, 8\)"),
        (dict(advantages=np.ones((8, 12))), r"advantages has shape \(8, 12\)"),
        (dict(samples=None), "samples have no logprobs"),
        (dict(temperature=0), "temperature is 0"),
        (dict(group_size=6), "12 samples are no groups of 6"),
    ],
)
def test_an_update_refuses_what_does_not_belong_together(changed, message):
    model, tokenizer = toy()
    rng = np.random.default_rng(0)
    samples = sample(model, tokenizer, TOY_PROMPTS, max_new_tokens=TOY_LENGTH, rng=rng, group_size=4)
    given = {"samples": samples, "advantages": np.ones(12)} | changed
    if given["samples"] is None:
        given["samples"] = samples._replace(logprobs=None)
    with pytest.raises(ValueError, match=message):
        update(model, Ascent(model.parameters()), **given)


def test_a_gradient_that_is_not_finite_is_an_error_before_it_does_harm():
    model, tokenizer = toy()
    before = copy.deepcopy(model.state_dict())
    model.transformer.wpe.weight.register_hook(lambda gradient: gradient * float("nan"))
    rng = np.random.default_rng(0)
    samples = sample(model, tokenizer, TOY_PROMPTS, max_new_tokens=TOY_LENGTH, rng=rng, group_size=4)
    with pytest.raises(FloatingPointError, match="policy gradient update: the norm of the gradient is nan"):
        update(model, torch.optim.Adam(model.parameters()), samples, np.ones(12))
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


# Against trl, where it is installed: its RLOO has the same advantages and, while nothing has moved, the same gradient

of_their_own = pytest.mark.filterwarnings("default::FutureWarning")  # trl calls what transformers is about to rename


@pytest.fixture
def peer(tmp_path):
    """trl's trainer around the toy model, 12 completions a step in groups of 4, and what it was given to learn from."""
    trl, datasets = pytest.importorskip("trl"), pytest.importorskip("datasets")
    model, tokenizer = toy()
    given = []

    class Recording(trl.RLOOTrainer):
        def _compute_loss(self, model, inputs):
            given.append(inputs)
            return super()._compute_loss(model, inputs)

    settings = trl.RLOOConfig(
        output_dir=str(tmp_path),
        max_steps=1,
        per_device_train_batch_size=12,
        num_generations=4,
        max_completion_length=TOY_LENGTH,
        beta=0.0,
        temperature=1.0,
        top_k=0,
        learning_rate=0.0,
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=None,
        activation_checkpointing=False,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
    )
    dataset = datasets.Dataset.from_dict({"prompt": list(TOY_PROMPTS)})

    def reward(prompts, completions, **columns):
        return agreement(prompts, completions)

    trainer = Recording(
        model=model, processing_class=tokenizer, reward_funcs=reward, args=settings, train_dataset=dataset
    )
    return trainer, model, tokenizer, given


def as_trl_has_them(model, tokenizer, advantages):
    """Samples of unequal lengths, and the same for trl; after prompts of one length, since it passes no positions."""
    rng, prompts = np.random.default_rng(0), ["good .", "bad .", "very ."]
    samples = sample(model, tokenizer, prompts, max_new_tokens=TOY_LENGTH, rng=rng, group_size=4)
    first = int(samples.mask.any(0).int().argmax())
    return samples, {
        "prompt_ids": samples.tokens[:, :first],
        "prompt_mask": samples.attention_mask[:, :first].long(),
        "completion_ids": samples.tokens[:, first:],
        "completion_mask": samples.mask[:, first:].long(),
        "old_logps": score(model, samples).sum(1),
        "advantages": torch.tensor(advantages, dtype=torch.float32),
    }


@of_their_own
def test_the_gradient_of_an_update_is_that_of_trl(peer):
    trainer, model, tokenizer, _ = peer
    advantages = np.random.default_rng(1).normal(size=12)
    samples, inputs = as_trl_has_them(model, tokenizer, advantages)
    assert len({int(n) for n in samples.mask.sum(1)}) > 1
    loss = trainer._compute_loss(model, inputs)
    theirs = flat_gradient(loss, model)
    optimizer = Ascent(model.parameters())
    update(model, optimizer, samples, advantages, max_gradient_norm=1e9)
    assert torch.allclose(optimizer.seen, theirs, atol=1e-5) and theirs.norm() > 0.01


@of_their_own
def test_where_the_policy_has_moved_trl_clips_the_ratio_of_the_sequence_and_we_do_not(peer):
    """The known difference: beyond the range its gradient is 0; ours knows no older policy."""
    trainer, model, tokenizer, _ = peer
    samples, inputs = as_trl_has_them(model, tokenizer, np.ones(12))
    inputs["old_logps"] = inputs["old_logps"] - 1  # every completion has become e times as likely
    theirs = flat_gradient(trainer._compute_loss(model, inputs), model)
    optimizer = Ascent(model.parameters())
    update(model, optimizer, samples, np.ones(12))
    assert theirs.norm() == 0 and optimizer.seen.norm() > 0.01


@of_their_own
def test_leave_one_out_is_that_of_trl(peer):
    trainer, _, tokenizer, given = peer
    trainer.train()
    [inputs] = given
    prompts = [tokenizer.decode(row[own.bool()]) for row, own in zip(inputs["prompt_ids"], inputs["prompt_mask"])]
    completions = tokenizer.batch_decode(inputs["completion_ids"], skip_special_tokens=True)
    order = sorted(range(12), key=lambda i: prompts[i])  # trl shuffles what it has generated
    rewards = np.array(agreement([prompts[i] for i in order], [completions[i] for i in order]))
    theirs = inputs["advantages"].numpy()[order]
    assert theirs == pytest.approx(leave_one_out(rewards, 4), abs=1e-5) and abs(theirs).max() > 0.1
