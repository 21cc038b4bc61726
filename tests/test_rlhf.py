"""PPO for language models: each piece by hand, the first update against the policy gradient, bad input, and its peers."""

import copy
import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from rlbook.advantages import returns_to_go
from rlbook.language.exact import (
    enumerate_language,
    flat_gradient,
    language_logprobs,
    language_rewards,
    objective,
    optimal_policy,
)
from rlbook.language.models import tiny_gpt2, word_tokenizer
from rlbook.language.rewards import TOY_LENGTH, TOY_PROMPTS, TOY_WORDS, agreement
from rlbook.language.rlhf import (
    Batch,
    adapted,
    evaluate,
    explained_variance,
    last_tokens,
    parts_of,
    ppo,
    rewards_of_tokens,
    token_advantages,
    update,
    value_head,
    whitened,
)
from rlbook.language.sampling import Samples, sample, token_logprobs
from rlbook.language.trainers import have_ended, score
from rlbook.surrogate import k1, k2, k3

torch.set_num_threads(1)


def toy(seed=0, **size):
    tokenizer = word_tokenizer(TOY_WORDS, ".")
    model = tiny_gpt2(tokenizer, rng=np.random.default_rng(seed), **size)
    return model, tokenizer, random_head(model, seed)


def random_head(model, seed=0):
    """A value head whose values are not all 0."""
    value, rng = value_head(model), np.random.default_rng(seed)
    with torch.no_grad():
        for p in value.parameters():
            p.copy_(torch.tensor(rng.normal(size=tuple(p.shape))))
    return value


def adam(*modules, lr=4e-3):
    return torch.optim.Adam([p for module in modules for p in module.parameters()], lr=lr)


class Ascent(torch.optim.SGD):
    """An optimizer that only remembers the gradient."""

    def step(self):
        self.seen = torch.cat([p.grad.flatten() for group in self.param_groups for p in group["params"]])


MASK = torch.tensor([[0, 0, 1, 1, 1], [0, 0, 1, 0, 0], [0, 0, 1, 1, 0]]).bool()


# The pieces


def test_the_last_tokens_by_hand():
    expected = torch.tensor([[0, 0, 0, 0, 1], [0, 0, 1, 0, 0], [0, 0, 0, 1, 0]]).bool()
    assert torch.equal(last_tokens(MASK), expected)


def test_the_rewards_of_tokens_by_hand():
    penalty = torch.tensor([[9.0, 9, 0.1, -0.2, 0.3], [9, 9, 0.4, 9, 9], [9, 9, 0, 0.5, 9]])
    expected = torch.tensor([[0, 0, -0.1, 0.2, 1.7], [0, 0, -1.4, 0, 0], [0, 0, 0, 2.5, 0]])
    assert torch.allclose(rewards_of_tokens(np.array([2.0, -1.0, 3.0]), penalty, MASK), expected)


def test_a_completion_has_the_rewards_of_its_tokens_together():
    """With k1 these are the leashed reward, r - beta log(pi(y|x) / pi_ref(y|x))."""
    model, tokenizer, _ = toy()
    other = toy(1)[0]
    samples = sample(model, tokenizer, TOY_PROMPTS, max_new_tokens=4, group_size=6, rng=np.random.default_rng(0))
    own, reference = (score(m, samples) for m in (model, other))
    marks = np.random.default_rng(1).normal(size=18)
    together = rewards_of_tokens(marks, 0.3 * k1(own, reference), samples.mask).sum(1)
    assert together.numpy() == pytest.approx(marks - 0.3 * (own - reference).sum(1).numpy(), abs=1e-6)


def test_advantages_of_tokens_by_hand():
    """Two tokens, worth .5 and 1, paid 0 and 2: the TD errors are .5 and 1."""
    mask = torch.tensor([[0, 1, 1, 0]]).bool()
    rewards, values = torch.tensor([[0.0, 0, 2, 0]]), torch.tensor([[0.0, 0.5, 1, 0]])
    for lam in [0.0, 0.8, 1.0]:
        assert torch.allclose(token_advantages(rewards, values, mask, lam=lam), torch.tensor([[0.0, 0.5 + lam, 1, 0]]))


@pytest.mark.parametrize("lam", [0.0, 0.6, 1.0])
def test_advantages_of_tokens_end_with_their_text(lam):
    """Of each text alone, without padding, they are the same; at lambda 1, the rewards to come less the value."""
    rng = np.random.default_rng(0)
    rewards, values = (torch.tensor(rng.normal(size=(3, 5))).where(MASK, 0.0) for _ in range(2))
    advantages = token_advantages(rewards, values, MASK, lam=lam)
    for row, mask in enumerate(MASK):
        alone = token_advantages(
            rewards[row, mask][None], values[row, mask][None], torch.ones(1, int(mask.sum())).bool(), lam=lam
        )
        assert torch.allclose(advantages[row, mask], alone[0])
    assert (advantages[~MASK] == 0).all()
    if lam == 1:
        assert torch.allclose(advantages, (returns_to_go(rewards.T).T - values).where(MASK, 0.0))


def test_whitened_numbers_by_hand():
    """1, 2, 3 and 6 have the mean 3 and the population variance 3.5."""
    mask = torch.tensor([[1, 1], [1, 0], [0, 1]]).bool()
    values = torch.tensor([[1.0, 2.0], [3.0, 77.0], [-77.0, 6.0]])
    std = math.sqrt(3.5)
    assert torch.allclose(whitened(values, mask), torch.tensor([[-2, -1], [0, 0], [0, 3]]) / std)
    assert torch.allclose(whitened(values, mask, shift=False), torch.tensor([[1, 2], [3, 0], [0, 6]]) / std)
    equal = torch.full((3, 2), 0.3)
    assert whitened(equal, mask).abs().max() < 1e-6
    assert torch.equal(whitened(equal, mask, shift=False), equal.where(mask, 0.0))


@pytest.mark.parametrize(
    "kl, target, step, expected",
    [
        (6.0, 6.0, 0.5, 0.1),
        (6.6, 6.0, 0.5, 0.1 * 1.05),  # a tenth too much
        (60.0, 6.0, 0.5, 0.1 * 1.1),  # no more than a fifth counts
        (0.0, 6.0, 0.5, 0.1 * 0.9),
        (-2.0, 6.0, 0.5, 0.1 * 0.9),  # an estimate may be negative
        (5.1, 6.0, 0.01, 0.1 * (1 - 0.0015)),
    ],
)
def test_the_controller_by_hand(kl, target, step, expected):
    assert adapted(0.1, kl, target, step=step) == pytest.approx(expected)


def test_explained_variance():
    targets = torch.tensor([1.0, 2.0, 3.0, 6.0])
    assert explained_variance(targets, targets) == 1
    assert explained_variance(torch.zeros(4), targets) == pytest.approx(0)
    assert explained_variance(targets - 7, targets) == pytest.approx(1)  # a constant is no variance
    assert explained_variance(-targets, targets) == pytest.approx(-3)
    assert explained_variance(targets, torch.ones(4)) == 0


def gaussian(estimator, apart):
    """Bias and std of an estimator of KL(N(0, 1) || N(apart, 1)) = apart ** 2 / 2, relative to it, by quadrature."""
    x = np.linspace(-12, 12, 200_001)
    weights = np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi) * (x[1] - x[0])
    estimates = estimator(torch.tensor(-(x**2) / 2), torch.tensor(-((x - apart) ** 2) / 2)).numpy()
    mean, kl = weights @ estimates, apart**2 / 2
    return (mean - kl) / kl, math.sqrt(weights @ (estimates - mean) ** 2) / kl


@pytest.mark.parametrize(
    "estimator, near, far",
    [(k1, (0, 20), (0, 2)), (k2, (0.002, 1.42), (0.25, 1.73)), (k3, (0, 1.42), (0, 2 * math.sqrt(math.e - 2)))],
)
def test_estimators_have_the_bias_and_the_spread_of_schulmans_note(estimator, near, far):
    assert gaussian(estimator, 0.1) == pytest.approx(near, abs=6e-3)
    assert gaussian(estimator, 1.0) == pytest.approx(far, abs=6e-3)


# What policy and value say


def test_values_are_those_of_the_text_before_each_token():
    model, tokenizer, value = toy()
    samples = sample(model, tokenizer, TOY_PROMPTS, max_new_tokens=4, group_size=5, rng=np.random.default_rng(0))
    logp, values = evaluate(model, value, samples, temperature=0.7)
    tokens, mask = samples.tokens, samples.mask
    assert torch.equal(
        logp, token_logprobs(model, tokens, mask, attention_mask=samples.attention_mask, temperature=0.7)
    )
    assert (values[~mask] == 0).all()
    for row in range(0, 15, 2):
        for column in mask[row].nonzero()[:, 0].tolist():
            before = tokens[row, :column][samples.attention_mask[row, :column]][None]
            hidden = model(before, output_hidden_states=True).hidden_states[-1]
            assert values[row, column].item() == pytest.approx(value(hidden)[0, -1].item(), abs=1e-5)


def test_a_value_head_begins_at_0_and_the_output_layer_is_left_as_it_was():
    model, tokenizer, _ = toy()
    samples = sample(model, tokenizer, TOY_PROMPTS, max_new_tokens=4, rng=np.random.default_rng(0))
    _, values = evaluate(model, value_head(model), samples)
    assert (values == 0).all()
    assert not model.get_output_embeddings()._forward_pre_hooks
    with pytest.raises(RuntimeError):
        evaluate(model, nn.Linear(3, 1), samples)
    assert not model.get_output_embeddings()._forward_pre_hooks


def test_a_completion_has_ended_if_its_last_token_is_the_end():
    model, tokenizer, _ = toy()
    tokens = tokenizer(["good . not .", "good . not very", "good . . bad"], return_tensors="pt").input_ids
    mask = torch.tensor([[0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 1, 0]]).bool()
    samples = Samples(tokens, torch.ones_like(mask), mask, None, ["not", "not very", ""])
    assert have_ended(model, tokenizer, samples).tolist() == [True, False, True]


# The update


def everything(length=2):
    """A small language whose every completion is a sample, with the probability of each; a model, a head, a reference."""
    model, tokenizer, value = toy()
    other = toy(1)[0]
    prompts = ("good .", "not very bad .")
    language = enumerate_language(tokenizer, prompts, length)
    samples = Samples(language.tokens, language.attention_mask, language.mask, None, language.completions * 2)
    samples = samples._replace(logprobs=score(model, samples))
    return model, value, other, language, samples, samples.logprobs.sum(1).exp() / 2


@pytest.mark.parametrize("beta", [0.0, 0.3])
def test_the_mean_gradient_of_the_first_update_is_the_exact_one_whatever_the_values(beta):
    """At lambda 1, with k1 in the reward: the advantage of a token is what is paid from it on, less a baseline."""
    model, value, other, language, samples, chance = everything()
    rewards = language_rewards(agreement, language)
    logp = language_logprobs(model, language).double()
    with torch.no_grad():
        reference_logp = language_logprobs(other, language).double()
        _, values = evaluate(model, value, samples)
    exact = flat_gradient(objective(logp, rewards, reference_logp, beta), model)
    penalty = beta * k1(samples.logprobs, score(other, samples))
    paid = rewards_of_tokens(rewards.flatten(), penalty, samples.mask)
    advantages = token_advantages(paid, values, samples.mask, lam=1.0)
    optimizer = Ascent([*model.parameters(), *value.parameters()], lr=1.0)
    weighed = advantages * chance[:, None] * samples.mask.sum()  # an update takes the mean over tokens
    batch = Batch(samples, None, weighed, values)
    seen = update(model, value, optimizer, batch, value_weight=0.0, max_gradient_norm=1e9)
    gradient = -optimizer.seen[: -(value.weight.numel() + 1)].double()
    assert torch.cosine_similarity(gradient, exact, dim=0) > 0.99999
    assert float(gradient.norm() / exact.norm()) == pytest.approx(1, abs=1e-4)
    assert seen.clip_fraction == 0


@pytest.mark.parametrize("estimator", [k1, k2, k3])
def test_the_loss_of_an_update_by_its_definition(estimator):
    model, value, other, _, samples, _ = everything()
    rng = np.random.default_rng(0)
    old = samples._replace(logprobs=samples.logprobs + 0.3 * torch.tensor(rng.normal(size=samples.mask.shape)).float())
    advantages, targets = (torch.tensor(rng.normal(size=samples.mask.shape)).float() for _ in range(2))
    reference_logp = score(other, samples)
    logp, values = (numbers.detach() for numbers in evaluate(model, value, samples))
    terms, squares, clipped = [], [], 0
    for i, j in samples.mask.nonzero().tolist():
        ratio, A = math.exp(logp[i, j] - old.logprobs[i, j]), float(advantages[i, j])
        inside = min(max(ratio, 0.9), 1.1)
        clipped += inside * A < ratio * A
        terms.append(min(ratio * A, inside * A) - 0.2 * float(estimator(logp[i, j], reference_logp[i, j])))
        squares.append(float(targets[i, j] - values[i, j]) ** 2)
    batch = Batch(old, reference_logp, advantages, targets)
    optimizer = Ascent([*model.parameters(), *value.parameters()], lr=1.0)
    seen = update(model, value, optimizer, batch, clip=0.1, beta=0.2, estimator=estimator, max_gradient_norm=1e9)
    assert seen.policy_loss == pytest.approx(-np.mean(terms), abs=1e-5)
    assert seen.value_loss == pytest.approx(np.mean(squares) / 2, abs=1e-5)
    assert seen.clip_fraction == pytest.approx(clipped / len(terms))
    assert 0 < clipped < len(terms)
    assert seen.gradient_norm == pytest.approx(float(optimizer.seen.norm()), rel=1e-4)


def test_the_gradient_of_the_values_goes_on_into_the_policy_with_its_weight():
    norms = []
    for weight in [0.0, 0.1, 0.2]:
        model, value, _, _, samples, _ = everything()
        optimizer = Ascent([*model.parameters(), *value.parameters()], lr=1.0)
        nothing = torch.zeros(samples.mask.shape)
        batch = Batch(samples, None, nothing, nothing + 1)
        update(model, value, optimizer, batch, value_weight=weight, max_gradient_norm=1e9)
        norms.append(float(optimizer.seen[: -(value.weight.numel() + 1)].norm()))
    assert norms[0] == 0 and norms[1] > 0
    assert norms[2] == pytest.approx(2 * norms[1], rel=1e-4)


def test_parts_are_all_of_the_batch_once_an_epoch_in_another_order():
    _, _, _, _, samples, _ = everything()
    rows = torch.arange(len(samples.tokens))
    numbers = rows[:, None].expand_as(samples.mask).float()
    batch = Batch(samples, None, numbers, -numbers)
    parts = list(parts_of(batch, 3, 4, torch.Generator().manual_seed(0)))
    assert len(parts) == 12
    orders = [torch.cat([part.advantages[:, 0] for part in parts[i : i + 4]]).tolist() for i in (0, 4, 8)]
    assert all(sorted(order) == rows.tolist() for order in orders) and len({*map(tuple, orders)}) == 3
    for part in parts:
        chosen = part.advantages[:, 0].long()
        assert torch.equal(part.samples.tokens, samples.tokens[chosen])
        assert torch.equal(part.samples.mask, samples.mask[chosen])
        assert torch.equal(part.samples.logprobs, samples.logprobs[chosen])
        assert torch.equal(part.targets, -part.advantages) and part.reference_logp is None
    assert max(len(part.targets) for part in parts) - min(len(part.targets) for part in parts) <= 1


# The trainer


def run(reward=agreement, *, seed=0, model=None, head=None, lr=4e-3, **settings):
    model, tokenizer, value = toy(seed) if model is None else (model, word_tokenizer(TOY_WORDS, "."), head)
    given = dict(steps=1, prompts_per_step=3, group_size=8, max_new_tokens=TOY_LENGTH, rng=np.random.default_rng(seed))
    training = ppo(model, tokenizer, TOY_PROMPTS, reward, adam(model, value, lr=lr), value=value, **given | settings)
    return model, list(training)


@pytest.mark.parametrize("seed", range(3))
def test_a_short_training_closes_half_of_the_gap_to_the_optimum(seed):
    model, tokenizer, _ = toy(seed, layers=1, width=32)
    language = enumerate_language(tokenizer, TOY_PROMPTS, TOY_LENGTH)
    rewards = language_rewards(agreement, language)

    @torch.no_grad()
    def logprobs():
        return language_logprobs(model, language).double()

    start = logprobs()
    _, best = optimal_policy(start, rewards, 0.1)
    settings = dict(steps=28, group_size=64, beta=0.1, epochs=4)
    run(model=model, head=value_head(model), seed=seed, **settings)
    gap, before = (best - objective(logp, rewards, start, 0.1) for logp in (logprobs(), start))
    assert gap < before / 2


def test_a_record_says_what_happened():
    settings = dict(steps=3, beta=0.2, unfinished=-1.0, epochs=2, minibatches=2, reference=toy(1)[0])
    _, records = run(**settings)
    assert [record.step for record in records] == [1, 2, 3]
    for record in records:
        assert record.rewards == pytest.approx(agreement(record.prompts, record.completions))
        assert record.reward == pytest.approx(record.rewards.mean())
        assert len(record.completions) == 24 and record.beta == 0.2
        words = [len(text.split()) for text in record.completions]
        assert record.unfinished == pytest.approx(np.mean([n == TOY_LENGTH for n in words]))
        assert record.length == pytest.approx(np.mean([min(n + 1, TOY_LENGTH) for n in words]))
        assert record.advantages.shape == (round(24 * record.length),)
        assert math.isfinite(record.kl) and record.gradient_norm > 0 and record.value_loss > 0
    assert records[0].clip_fraction < 0.5


def test_the_first_samples_are_the_references_own():
    """With the model's own copy as the reference the first KL is 0, and without a leash it is not known."""
    _, (record,) = run(beta=0.1)
    assert abs(record.kl) < 1e-5
    _, (record,) = run()
    assert math.isnan(record.kl)


def test_a_text_without_an_end_gets_the_reward_for_it_whatever_the_function_says():
    """All rewards 1 and none for the unfinished: what teaches is only whether a text ended."""
    paid = dict(lam=1.0, whiten=False, group_size=64)

    def one(prompts, completions, **columns):
        return [1.0] * len(prompts)

    zero = value_head(toy()[0])
    _, (record,) = run(one, unfinished=-2.0, model=toy()[0], head=zero, **paid)
    of_texts = np.split(record.advantages, np.cumsum(lengths_of(record))[:-1])
    for text, advantages in zip(record.completions, of_texts):
        assert advantages == pytest.approx(-2.0 if len(text.split()) == TOY_LENGTH else 1.0)
    assert (record.rewards == 1).all() and 0 < record.unfinished < 1
    _, (record,) = run(one, model=toy()[0], head=value_head(toy()[0]), **paid)
    assert record.advantages == pytest.approx(1.0)


def lengths_of(record):
    return [min(len(text.split()) + 1, TOY_LENGTH) for text in record.completions]


def test_beta_follows_the_controller():
    _, records = run(steps=4, beta=0.1, reference=toy(1)[0], target_kl=0.3, horizon=48)
    for before, after in pairwise(records):
        assert after.beta == pytest.approx(adapted(before.beta, before.kl, 0.3, step=24 / 48))
    assert records[-1].beta != 0.1


def test_the_leash_in_the_reward_and_in_the_loss_are_two_things():
    other = toy(1)[0]
    ways = [dict(), dict(kl="loss"), dict(estimator=k3), dict(kl="loss", estimator=k3), dict(beta=0.0)]
    moved = [run(**dict(beta=0.3, reference=copy.deepcopy(other), steps=2, seed=3) | way)[0] for way in ways]
    weights = [torch.cat([p.detach().flatten() for p in model.parameters()]) for model in moved]
    for i, one in enumerate(weights):
        assert all((one - two).norm() > 1e-4 for two in weights[:i])


def test_whitening_takes_the_scale_of_the_rewards_away():
    def tenfold(prompts, completions, **columns):
        return [10 * r + 3 for r in agreement(prompts, completions)]

    settings = dict(steps=1, value_weight=0.0, lam=1.0, epochs=1)
    pairs = []
    for whiten in [True, False]:
        models = [run(r, model=toy()[0], head=value_head(toy()[0]), whiten=whiten, **settings)[0]
                  for r in (agreement, tenfold)]  # fmt: skip
        one, two = (torch.cat([p.detach().flatten() for p in model.parameters()]) for model in models)
        pairs.append(float((one - two).norm()))
    assert pairs[0] < 0.2 * pairs[1]


def test_the_rng_decides_everything_and_no_global_generator_does():
    _, first = run(steps=2, minibatches=3)
    torch.manual_seed(5)
    _, again = run(steps=2, minibatches=3)
    assert [r.completions for r in first] == [r.completions for r in again]
    assert first[-1].policy_loss == again[-1].policy_loss


def test_the_head_learns_what_a_text_is_worth():
    """All rewards 1: the values go to 1, and explain nothing that varies."""

    def one(prompts, completions, **columns):
        return [1.0] * len(prompts)

    model, tokenizer, _ = toy()
    value = value_head(model)
    run(one, model=model, head=value, steps=40, whiten=False, lr=0.01, value_weight=1.0)
    samples = sample(model, tokenizer, TOY_PROMPTS, max_new_tokens=4, rng=np.random.default_rng(0))
    _, values = evaluate(model, value, samples)
    assert values[samples.mask].detach().numpy() == pytest.approx(1, abs=0.2)


# Bad input


@pytest.mark.parametrize(
    "changed, message",
    [
        (dict(head=nn.Linear(48, 1)), r"value cannot read hidden states of width 64 \(.*expected a module from"),
        (dict(head=nn.Linear(64, 2)), r"value maps \(2, 3, 64\) to \(2, 3, 2\), expected \(2, 3, 1\)"),
        (dict(head=nn.Sequential(nn.Linear(64, 1), nn.Flatten())), r"value maps .* to \(2, 3\), expected \(2, 3, 1\)"),
        (dict(head=nn.Linear(64, 1, device="meta")), "value is on .*meta.*, expected cpu"),
        (dict(kl="rewards"), "kl is 'rewards', expected 'reward' or 'loss'"),
        (dict(estimator="k3"), "estimator is 'k3', expected a function"),
        (dict(beta=-0.1), "beta is -0.1"),
        (dict(target_kl=0.0, beta=0.1), "target_kl is 0.0, expected a finite number above 0"),
        (dict(target_kl=6.0), "target_kl is 6.0 and beta 0, expected a beta above 0"),
        (dict(horizon=0), "horizon is 0"),
        (dict(unfinished=math.nan), "unfinished is nan"),
        (dict(lam=1.2), "lam is 1.2"),
        (dict(whiten="no"), "whiten is 'no', expected True or False"),
        (dict(clip=0), "clip is 0"),
        (dict(value_weight=-1), "value_weight is -1"),
        (dict(epochs=0), "epochs is 0"),
        (dict(minibatches=25), "minibatches is 25, expected at most 24"),
        (dict(minibatches=0), "minibatches is 0"),
        (dict(group_size=0), "group_size is 0"),
        (dict(prompts_per_step=4), "prompts_per_step is 4, expected at most 3"),
        (dict(max_new_tokens=40), "the model's context holds 32"),
        (dict(temperature=0), "temperature is 0"),
        (dict(rng=3), "rng is 3"),
        (dict(steps=0), "steps is 0"),
    ],
)
def test_bad_input_is_refused_before_anything_is_learned(changed, message):
    model = toy()[0]
    before = copy.deepcopy(model.state_dict())
    changed = dict(changed)
    head = changed.pop("head", value_head(model))
    with pytest.raises((ValueError, TypeError), match=message) as caught:
        run(model=model, head=head, **changed)
    assert len(str(caught.value)) < 500
    assert all(torch.equal(before[name], weight) for name, weight in model.state_dict().items())


def test_an_optimizer_that_does_not_hold_the_head_is_refused():
    model, tokenizer, value = toy()
    settings = dict(steps=1, max_new_tokens=4, prompts_per_step=3, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="does not hold the parameter weight of value"):
        next(ppo(model, tokenizer, TOY_PROMPTS, agreement, adam(model), value=value, **settings))
    with pytest.raises(TypeError, match="value is a function, expected"):
        next(ppo(model, tokenizer, TOY_PROMPTS, agreement, adam(model), value=toy, **settings))


# A peer, where it is installed


def test_advantages_equal_those_of_stable_baselines3():
    buffers = pytest.importorskip("stable_baselines3.common.buffers")
    from gymnasium.spaces import Box

    rng, B, T = np.random.default_rng(0), 5, 7
    mask = torch.ones(B, T).bool()
    rewards, values = (rng.normal(size=(B, T)).astype(np.float32) for _ in range(2))
    buffer = buffers.RolloutBuffer(T, Box(-1, 1, (1,)), Box(-1, 1, (1,)), gae_lambda=0.9, gamma=1.0, n_envs=B)
    for t in range(T):
        starts = np.full(B, t == 0)
        row = (np.zeros((B, 1)), np.zeros((B, 1)), rewards[:, t], starts)
        buffer.add(*row, torch.tensor(values[:, t]), torch.zeros(B))
    buffer.compute_returns_and_advantage(torch.full((B,), 99.0), np.ones(B))  # after the end, which does not count
    ours = token_advantages(torch.tensor(rewards), torch.tensor(values), mask, lam=0.9)
    assert np.abs(ours.T.numpy() - buffer.advantages).max() < 1e-5
    assert np.abs((ours.T.numpy() + values.T) - buffer.returns).max() < 1e-5
