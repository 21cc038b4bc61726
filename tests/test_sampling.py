"""Sampling and scoring are one policy, whatever the padding, the batch, the temperature or the architecture."""

import numpy as np
import pytest
import torch
from scipy.stats import chisquare
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

from rlbook._torch import torch_generator
from rlbook.language.exact import enumerate_language
from rlbook.language.models import character_tokenizer, tiny_gpt2, word_tokenizer
from rlbook.language.rewards import TOY_PROMPTS, TOY_WORDS
from rlbook.language.sampling import (
    encode,
    greedy,
    group_logprobs,
    next_logits,
    positions,
    sample,
    stop_tokens,
    token_logprobs,
)

torch.set_num_threads(1)


def spread(model):
    """The same model with larger weights: probabilities far from uniform, so that a wrong context shows."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
    return model


def gpt2(tokenizer, seed=0):
    return spread(tiny_gpt2(tokenizer, rng=np.random.default_rng(seed)))


def toy(seed=0):
    """The toy language: its end token is also its padding."""
    tokenizer = word_tokenizer(TOY_WORDS, ".")
    return gpt2(tokenizer, seed), tokenizer


def characters(seed=0):
    """A language whose padding is a token of its own."""
    tokenizer = character_tokenizer("ab")
    return gpt2(tokenizer, seed), tokenizer


def of_another_family(config, family):
    tokenizer = word_tokenizer(TOY_WORDS, ".")
    small = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}
    settings = small | {"intermediate_size": 64, "vocab_size": 5, "max_position_embeddings": 32}
    torch.manual_seed(0)
    return spread(family(config(**settings, eos_token_id=4, bos_token_id=None, pad_token_id=4)).eval()), tokenizer


def llama():
    return of_another_family(LlamaConfig, LlamaForCausalLM)


def qwen():
    return of_another_family(Qwen2Config, Qwen2ForCausalLM)


PROMPTS = {toy: TOY_PROMPTS, llama: TOY_PROMPTS, qwen: TOY_PROMPTS, characters: ("a", "babba", "ab")}
EVERY = pytest.mark.parametrize("language", PROMPTS, ids=lambda language: language.__name__)


@EVERY
@pytest.mark.parametrize("temperature", [1.0, 0.6])
def test_a_completion_is_scored_alike_alone_and_padded_on_either_side_in_any_batch(language, temperature):
    model, tokenizer = language()
    samples = sample(
        model,
        tokenizer,
        PROMPTS[language],
        max_new_tokens=6,
        rng=np.random.default_rng(1),
        group_size=5,
        temperature=temperature,
    )
    together = token_logprobs(
        model, samples.tokens, samples.mask, attention_mask=samples.attention_mask, temperature=temperature
    )
    assert len(set(samples.mask.sum(1).tolist())) > 1  # unequal lengths
    for row in range(len(samples.tokens)):
        there = samples.attention_mask[row]
        tokens, mask = samples.tokens[row][there][None], samples.mask[row][there][None]
        alone = token_logprobs(model, tokens, mask, temperature=temperature)[mask]
        for left, right in [(0, 3), (4, 0), (2, 2)]:
            padded = torch.nn.functional.pad(tokens, (left, right), value=tokenizer.pad_token_id)
            own = torch.nn.functional.pad(mask, (left, right))
            attention_mask = torch.nn.functional.pad(torch.ones_like(mask), (left, right))
            logp = token_logprobs(model, padded, own, attention_mask=attention_mask, temperature=temperature)
            assert torch.allclose(logp[own], alone, atol=1e-5)
        assert torch.allclose(together[row][samples.mask[row]], alone, atol=1e-5)
        assert torch.allclose(samples.logprobs[row][samples.mask[row]], alone, atol=1e-5)
    in_groups = group_logprobs(model, samples, 5, temperature=temperature)
    assert torch.allclose(in_groups, together, atol=1e-5) and in_groups.requires_grad
    assert (together[~samples.mask] == 0).all() and (samples.logprobs[~samples.mask] == 0).all()


def test_padding_without_position_ids_would_be_seen():
    model, tokenizer = toy()
    tokens, there = encode(tokenizer, TOY_PROMPTS, "cpu")
    mask = torch.zeros_like(there)
    mask[:, -1] = True
    right = token_logprobs(model, tokens, mask, attention_mask=there)[:, -1]
    wrong = model(input_ids=tokens, attention_mask=there.long()).logits[:, -2].log_softmax(1)[:, tokens[0, -1]]
    assert (right - wrong)[:2].abs().min() > 0.01  # two of the three prompts are padded
    assert torch.allclose(right[2], wrong[2], atol=1e-5)


def test_positions_by_hand():
    there = torch.tensor([[0, 0, 1, 1, 1], [1, 1, 1, 0, 0]])
    assert positions(there).tolist() == [[0, 0, 0, 1, 2], [0, 1, 2, 2, 2]]


def test_log_probabilities_by_hand():
    model, _ = toy()
    tokens = torch.tensor([[0, 4, 3, 0, 4]])
    mask = torch.tensor([[False, False, True, True, True]])
    logits = model(tokens).logits[0]
    expected = [logits[t - 1].log_softmax(0)[tokens[0, t]].item() for t in (2, 3, 4)]
    assert token_logprobs(model, tokens, mask)[0].tolist() == pytest.approx([0, 0, *expected], abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("temperature", [1.0, 0.5, 2.0])
def test_samples_have_the_distribution_that_is_scored(seed, temperature):
    model, tokenizer = toy(seed)
    language = enumerate_language(tokenizer, TOY_PROMPTS[:2], 3)
    with torch.no_grad():
        logp = token_logprobs(
            model, language.tokens, language.mask, attention_mask=language.attention_mask, temperature=temperature
        )
    probabilities = logp.sum(1).double().exp().reshape(2, -1).numpy()
    assert probabilities.sum(1) == pytest.approx(1, abs=1e-5)
    samples = sample(
        model,
        tokenizer,
        TOY_PROMPTS[:2],
        max_new_tokens=3,
        rng=np.random.default_rng(seed),
        group_size=20_000,
        temperature=temperature,
    )
    names = [tuple(row[own].tolist()) for row, own in zip(language.tokens, language.mask)]
    drawn = [tuple(row[own].tolist()) for row, own in zip(samples.tokens, samples.mask)]
    for prompt in range(2):
        place = {name: i for i, name in enumerate(names[: len(names) // 2])}
        counts = np.bincount([place[text] for text in drawn[prompt * 20_000 :][:20_000]], minlength=len(place))
        expected = 20_000 * probabilities[prompt] / probabilities[prompt].sum()
        rare = expected < 10  # too few for the test: together they are one more outcome
        counts, expected = (np.append(x[~rare], x[rare].sum()) for x in (counts, expected))
        keep = expected > 0
        assert chisquare(counts[keep], expected[keep]).pvalue > 1e-4


@EVERY
def test_greedy_is_what_transformers_generates(language):
    model, tokenizer = language()
    ours = greedy(model, tokenizer, PROMPTS[language], max_new_tokens=8)
    batch = tokenizer(list(PROMPTS[language]), padding=True, return_tensors="pt")
    theirs = model.generate(**batch, do_sample=False, max_new_tokens=8, pad_token_id=tokenizer.pad_token_id)
    assert torch.equal(ours.tokens, theirs[:, : ours.tokens.shape[1]])


@EVERY
def test_a_completion_ends_with_its_first_end_token_or_at_the_limit(language):
    model, tokenizer = language()
    samples = sample(model, tokenizer, PROMPTS[language], max_new_tokens=5, rng=np.random.default_rng(0), group_size=40)
    ended = 0
    for tokens, there, own, text in zip(samples.tokens, samples.attention_mask, samples.mask, samples.completions):
        chosen = tokens[own].tolist()
        assert tokenizer.eos_token_id not in chosen[:-1]
        assert len(chosen) == 5 or chosen[-1] == tokenizer.eos_token_id
        said = chosen[:-1] if chosen[-1] == tokenizer.eos_token_id else chosen
        assert text == tokenizer.decode(said)  # padding too, where the policy says it
        after = own.nonzero().max() + 1
        assert not there[after:].any() and (tokens[after:] == tokenizer.pad_token_id).all()
        ended += chosen[-1] == tokenizer.eos_token_id
    assert 0 < ended < len(samples.tokens)


def test_every_end_token_of_the_generation_settings_ends_a_completion():
    model, tokenizer = toy()
    model.generation_config.eos_token_id = [4, 0]
    assert stop_tokens(model, tokenizer).tolist() == [0, 4]
    samples = sample(model, tokenizer, ["bad ."], max_new_tokens=6, rng=np.random.default_rng(0), group_size=50)
    for tokens, own in zip(samples.tokens, samples.mask):
        assert not set(tokens[own][:-1].tolist()) & {0, 4}


def test_groups_stand_in_consecutive_rows_and_the_rng_decides():
    model, tokenizer = toy()
    first, second, other = (
        sample(model, tokenizer, TOY_PROMPTS, max_new_tokens=4, rng=np.random.default_rng(seed), group_size=4)
        for seed in (0, 0, 1)
    )
    assert torch.equal(first.tokens, second.tokens) and not torch.equal(first.tokens, other.tokens)
    prompts = [tokenizer.decode(row[there & ~own]) for row, there, own in zip(*first[:3])]
    assert prompts == [prompt for prompt in TOY_PROMPTS for _ in range(4)]


@pytest.mark.parametrize("temperature", [1.0, 0.01])  # at which the probability of most tokens is too small for float32
def test_a_token_is_drawn_as_torch_multinomial_draws_it(temperature):
    model, tokenizer = toy()
    settings = {"max_new_tokens": 1, "group_size": 200, "temperature": temperature}
    samples = sample(model, tokenizer, TOY_PROMPTS, rng=np.random.default_rng(3), **settings)
    with torch.no_grad():
        logits = next_logits(model, *encode(tokenizer, TOY_PROMPTS, "cpu")).repeat_interleave(200, 0)
    probabilities = (logits / temperature).softmax(-1)
    expected = torch.multinomial(probabilities, 1, generator=torch_generator(np.random.default_rng(3)))
    assert torch.equal(samples.tokens[:, -1:], expected)


@EVERY
def test_the_gradient_flows_through_a_prompt_that_is_read_once(language):
    model, tokenizer = language()
    rng = np.random.default_rng(1)
    samples = sample(model, tokenizer, PROMPTS[language], max_new_tokens=4, rng=rng, group_size=3)
    weights = torch.tensor(rng.normal(size=samples.mask.shape), dtype=torch.float32)
    one_by_one = token_logprobs(model, samples.tokens, samples.mask, attention_mask=samples.attention_mask)
    gradients = [
        torch.cat([g.flatten() for g in torch.autograd.grad((weights * logp).sum(), list(model.parameters()))])
        for logp in (one_by_one, group_logprobs(model, samples, 3))
    ]
    assert torch.allclose(*gradients, atol=1e-4 * gradients[0].abs().max()) and gradients[0].norm() > 1


def kept_for_the_gradient(model, score):
    """How many bytes are kept until the gradient is computed; the scores, and their gradient."""
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.nbytes) or t, lambda t: t):
        logp = score()
    gradient = torch.autograd.grad(logp.square().sum(), list(model.parameters()))
    return sum(kept), logp, torch.cat([g.flatten() for g in gradient])


@EVERY
@pytest.mark.parametrize("training", [False, True])
def test_activations_are_checkpointed_in_eval_mode_too_and_change_no_number(language, training):
    model, tokenizer = language()
    rng = np.random.default_rng(1)
    samples = sample(model, tokenizer, PROMPTS[language], max_new_tokens=6, rng=rng, group_size=3)
    model.train(training)  # no model here has dropout
    rows = {"attention_mask": samples.attention_mask}
    scores = [
        lambda: token_logprobs(model, samples.tokens, samples.mask, **rows),
        lambda: group_logprobs(model, samples, 3),
    ]
    plain = [kept_for_the_gradient(model, score) for score in scores]
    model.activation_checkpointing_enable()
    for score, (bytes_of_all, logp, gradient) in zip(scores, plain):
        few, same_logp, same_gradient = kept_for_the_gradient(model, score)
        assert few < bytes_of_all / 3
        assert torch.allclose(same_logp, logp, atol=1e-5)
        assert torch.allclose(same_gradient, gradient, atol=1e-4 * gradient.abs().max())
    model.eval()
    again = sample(model, tokenizer, PROMPTS[language], max_new_tokens=6, rng=np.random.default_rng(1), group_size=3)
    assert torch.equal(again.tokens, samples.tokens)


def test_completions_of_one_token_are_scored_in_groups_too():
    model, tokenizer = toy()
    samples = sample(model, tokenizer, TOY_PROMPTS, max_new_tokens=1, rng=np.random.default_rng(0), group_size=4)
    assert torch.allclose(group_logprobs(model, samples, 4), samples.logprobs, atol=1e-5)


@pytest.mark.parametrize("group_size", [3, 5, 6, 12])
def test_samples_that_do_not_share_a_prompt_are_not_scored_as_a_group(group_size):
    model, tokenizer = toy()
    samples = sample(model, tokenizer, TOY_PROMPTS, max_new_tokens=4, rng=np.random.default_rng(0), group_size=4)
    with pytest.raises(ValueError, match=f"12 samples are no groups of {group_size}"):
        group_logprobs(model, samples, group_size)


def test_a_tokenizer_that_pads_on_the_right_is_told_otherwise():
    _, tokenizer = toy()
    _, attention_mask = encode(tokenizer, TOY_PROMPTS, "cpu")
    tokenizer.padding_side = "right"
    assert torch.equal(encode(tokenizer, TOY_PROMPTS, "cpu")[1], attention_mask)


def test_samples_carry_no_gradient_and_scores_do():
    model, tokenizer = toy()
    samples = sample(model, tokenizer, TOY_PROMPTS, max_new_tokens=4, rng=np.random.default_rng(0))
    logp = token_logprobs(model, samples.tokens, samples.mask, attention_mask=samples.attention_mask)
    assert not samples.logprobs.requires_grad and logp.requires_grad


def test_a_model_with_dropout_switched_on_is_refused():
    model, tokenizer = toy()
    with pytest.raises(ValueError, match="the model is in training mode"):
        sample(model.train(), tokenizer, ["good ."], max_new_tokens=4, rng=np.random.default_rng(0))


def test_half_precision_is_scored_in_single_precision():
    model, tokenizer = toy()
    model = model.to(torch.bfloat16)
    samples = sample(model, tokenizer, ["good ."], max_new_tokens=4, rng=np.random.default_rng(0), group_size=8)
    logp = token_logprobs(model, samples.tokens, samples.mask, attention_mask=samples.attention_mask)
    assert logp.dtype == samples.logprobs.dtype == torch.float32


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_sampling_and_scoring_agree_on_a_gpu():
    model, tokenizer = toy()
    model = model.cuda()
    samples = sample(model, tokenizer, TOY_PROMPTS, max_new_tokens=4, rng=np.random.default_rng(0), group_size=8)
    assert samples.tokens.is_cuda
    logp = token_logprobs(model, samples.tokens, samples.mask, attention_mask=samples.attention_mask)
    assert torch.allclose(logp, samples.logprobs, atol=1e-4)


@pytest.mark.parametrize(
    "changed, message",
    [
        ({"prompts": []}, "prompts is .*at least one"),
        ({"prompts": "good ."}, "prompts is 'good .', expected a list"),
        ({"prompts": ["good .", 7]}, "prompts is .*expected a list of strings"),
        ({"group_size": True}, "group_size is True"),
        ({"prompts": ["good .", ""]}, "prompt 1 is '', which has no token"),
        ({"max_new_tokens": 31}, "prompt 0 has 2 tokens.*context holds 32"),
        ({"max_new_tokens": 0}, "max_new_tokens is 0"),
        ({"group_size": 1.5}, "group_size is 1.5"),
        ({"temperature": 0}, "temperature is 0"),
        ({"temperature": float("nan")}, "temperature is nan"),
        (
            {"temperature": "1"},
            "temperature is '1', expected a finite number above 0; for the likeliest token use greedy",
        ),
        ({"temperature": True}, "temperature is True"),
        ({"temperature": None}, "temperature is None"),
        ({"temperature": torch.tensor([1.0])}, r"temperature is tensor\(\[1"),
        ({"max_new_tokens": "4"}, "max_new_tokens is '4'"),
        ({"max_new_tokens": 4.0}, "max_new_tokens is 4.0"),
        ({"max_new_tokens": True}, "max_new_tokens is True"),
        ({"group_size": 0}, "group_size is 0"),
        ({"prompts": ["good .", "very awful ."]}, "prompt 1 is 'very awful .', .*no token for 'awful'"),
    ],
)
def test_bad_input_is_refused_by_name_before_anything_is_drawn(changed, message):
    model, tokenizer = toy()
    rng = np.random.default_rng(0)
    arguments = {"prompts": ["good ."], "max_new_tokens": 4, "rng": rng} | changed
    with pytest.raises(ValueError, match=message) as error:
        sample(model, tokenizer, **arguments)
    assert len(str(error.value)) < 500
    assert rng.integers(2**60) == np.random.default_rng(0).integers(2**60)


@pytest.mark.parametrize(
    "rng", [None, 0, np.random.RandomState(0), torch.Generator(), np.random], ids=lambda rng: type(rng).__name__
)
def test_what_is_no_numpy_generator_is_refused(rng):
    model, tokenizer = toy()
    with pytest.raises(TypeError, match=r"rng is .*, expected a numpy Generator"):
        sample(model, tokenizer, ["good ."], max_new_tokens=4, rng=rng)


@pytest.mark.parametrize("temperature", [np.float32(0.5), np.float64(0.5), np.array(0.5), torch.tensor(0.5)])
def test_a_temperature_may_be_any_kind_of_number(temperature):
    model, tokenizer = toy()
    settings = {"max_new_tokens": np.int64(4), "group_size": np.int32(2)}
    drawn = [
        sample(model, tokenizer, TOY_PROMPTS, rng=np.random.default_rng(0), temperature=t, **settings)
        for t in (0.5, temperature)
    ]
    assert torch.equal(drawn[0].logprobs, drawn[1].logprobs)
    rows = {"attention_mask": drawn[0].attention_mask}
    for score in (
        lambda t: token_logprobs(model, drawn[0].tokens, drawn[0].mask, temperature=t, **rows),
        lambda t: group_logprobs(model, drawn[0], 2, temperature=t),
    ):
        assert torch.equal(score(0.5), score(temperature))
        with pytest.raises(ValueError, match="temperature is 'cold'"):
            score("cold")


def test_a_tokenizer_without_padding_is_refused():
    model, tokenizer = toy()
    tokenizer.pad_token = None
    with pytest.raises(ValueError, match="no padding token"):
        sample(model, tokenizer, ["good ."], max_new_tokens=4, rng=np.random.default_rng(0))


@pytest.mark.parametrize(
    "mask, attention_mask, message",
    [
        ([[True, True, True]], None, r"mask\[0, 0\] is True"),
        ([[False, True, True]], [[0, 1, 1]], r"mask\[0, 1\] is True"),
        ([[False, True, True]], [[1, 1, 0]], r"mask\[0, 2\] is True"),
        ([[False, True]], None, "mask has shape"),
        ([[0, 1, 1]], None, "mask has type"),
    ],
)
def test_a_token_is_scored_only_after_another(mask, attention_mask, message):
    model, _ = toy()
    attention_mask = None if attention_mask is None else torch.tensor(attention_mask)
    with pytest.raises(ValueError, match=message):
        token_logprobs(model, torch.tensor([[0, 1, 2]]), torch.tensor(mask), attention_mask=attention_mask)
