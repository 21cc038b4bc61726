"""The captured step is the plain one: same draws, same numbers, for every kind of model, after every kind of change."""

import gc
import weakref
from copy import deepcopy

import numpy as np
import pytest
import torch
from scipy.stats import chisquare
from torch import nn
from transformers import (
    DynamicCache,
    Gemma2Config,
    Gemma2ForCausalLM,
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    Gemma4Config,
    Gemma4ForConditionalGeneration,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MambaConfig,
    MambaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    MixtralConfig,
    MixtralForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)
from transformers.models.llama.modeling_llama import LlamaMLP

from rlbook.language import captured as module
from rlbook.language import sampling
from rlbook.language.captured import MULTIPLE, SHAPES, Decodings, Recording, Tape
from rlbook.language.exact import enumerate_language, language_logprobs
from rlbook.language.models import word_tokenizer
from rlbook.language.rewards import TOY_PROMPTS, TOY_WORDS
from rlbook.language.sampling import greedy, sample, token_logprobs

torch.set_num_threads(1)
TOKENIZER = word_tokenizer(TOY_WORDS, ".")
LONG = [
    "good .",
    "bad bad bad very bad not good .",
    "not very good bad very very good good bad .",
]  # 2, 7 and 10 tokens


def model_of(family, config, seed=0, **settings):
    """A small random model whose probabilities are far from uniform, so that a wrong context shows."""
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    common = {
        "vocab_size": 5,
        "max_position_embeddings": 64,
        "eos_token_id": 4,
        "bos_token_id": None,
        "pad_token_id": 4,
    }
    torch.manual_seed(seed)
    model = family(config(**sizes | common | settings)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
    return model


def gpt2(**settings):
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    return model_of(GPT2LMHeadModel, GPT2Config, **{"intermediate_size": None} | sizes | settings)


def llama(**settings):
    return model_of(LlamaForCausalLM, LlamaConfig, **{"num_key_value_heads": 2} | settings)


def mistral():
    """Every layer has a window of 4 tokens: shorter than prompts and completions."""
    return model_of(MistralForCausalLM, MistralConfig, num_key_value_heads=2, sliding_window=4)


def qwen2():
    """One layer with a window and one without, biases on the projections of the keys."""
    kinds = {"layer_types": ["full_attention", "sliding_attention"], "use_sliding_window": True, "sliding_window": 4}
    return model_of(Qwen2ForCausalLM, Qwen2Config, num_key_value_heads=2, **kinds)


def qwen3():
    return model_of(Qwen3ForCausalLM, Qwen3Config, num_key_value_heads=1, head_dim=16)


def gemma3():
    kinds = {"layer_types": ["sliding_attention", "full_attention"], "sliding_window": 4}
    return model_of(Gemma3ForCausalLM, Gemma3TextConfig, num_key_value_heads=2, head_dim=8, **kinds)


def eager():
    return llama(attn_implementation="eager")


FAMILIES = [gpt2, llama, mistral, qwen2, qwen3, gemma3, eager]
EVERY = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)


def draw(model, prompts=LONG, seed=0, group_size=4, max_new_tokens=12, **settings):
    settings |= {"group_size": group_size, "max_new_tokens": max_new_tokens, "rng": np.random.default_rng(seed)}
    return sample(model, TOKENIZER, prompts, **settings)


@pytest.fixture(params=[0, 2**20], ids=["groups", "rows"])
def shared(request, monkeypatch):
    """Whether a group reads its prompt from one place, or each row from its own."""
    monkeypatch.setattr(module, "SHARED", request.param)


@pytest.fixture
def plainly(monkeypatch):
    """`draw` by the plain step alone."""

    def drawn(*args, **settings):
        with monkeypatch.context() as patch:
            patch.setattr(sampling, "captured", lambda plain, *others: plain)
            return draw(*args, **settings)

    return drawn


def recordings(model):
    """The recordings of the model as it is, all of them in use."""
    known = module._known[model]
    assert not known.refused
    return [recording for shape, recording in known.recordings.items() if known.agreed[shape] == 2]


def assert_same(ours, theirs, atol=5e-6):
    assert torch.equal(ours.tokens, theirs.tokens) and ours.completions == theirs.completions
    assert torch.equal(ours.mask, theirs.mask) and torch.equal(ours.attention_mask, theirs.attention_mask)
    assert torch.allclose(ours.logprobs, theirs.logprobs, atol=atol, rtol=0)


# The same numbers


@EVERY
def test_captured_plain_and_full_pass_are_one_policy(family, plainly, shared):
    model = family()
    for seed in range(4):  # the first records, the others run the recording
        ours = draw(model, seed=seed, temperature=0.8)
        assert_same(ours, plainly(model, seed=seed, temperature=0.8))
        lengths = ours.mask.sum(1)
        assert lengths.min() < lengths.max()  # some rows end long before others
        with torch.no_grad():
            full = token_logprobs(model, ours.tokens, ours.mask, attention_mask=ours.attention_mask, temperature=0.8)
        assert torch.allclose(ours.logprobs, full, atol=5e-6, rtol=0)
    assert len(recordings(model)) == 1


@EVERY
@pytest.mark.parametrize("drawn_before", [1, 2])
def test_a_model_that_takes_what_was_known_of_another_goes_on_with_the_same_rounding(family, drawn_before, shared):
    """Of 9 tokens asked for before, too few for a recording, or of 18: then the next batch is decoded by one."""
    first, second = family(), family()
    for seed in range(drawn_before):
        draw(first, seed=seed, max_new_tokens=9)
    for _ in range(2):  # the second remembers something else
        draw(second, seed=9, max_new_tokens=10)
    Decodings(second).load_state_dict(deepcopy(Decodings(first).state_dict()))
    for seed in range(3):
        one, other = (draw(model, seed=seed, max_new_tokens=9) for model in (first, second))
        assert torch.equal(one.tokens, other.tokens) and torch.equal(one.logprobs, other.logprobs)
    assert Decodings(first).state_dict() == Decodings(second).state_dict()


@EVERY
def test_greedy_is_what_transformers_generates(family):
    model = family()
    for _ in range(2):
        ours = greedy(model, TOKENIZER, LONG, max_new_tokens=16)
    batch = TOKENIZER(LONG, padding=True, return_tensors="pt")
    theirs = model.generate(**batch, do_sample=False, max_new_tokens=16, pad_token_id=4)
    assert torch.equal(ours.tokens, theirs[:, : ours.tokens.shape[1]])


def test_samples_have_the_distribution_that_is_enumerated():
    model = llama()
    language = enumerate_language(TOKENIZER, TOY_PROMPTS[:2], 3)
    probabilities = language_logprobs(model, language).detach().double().exp().numpy()
    index = {tuple(row[own].tolist()): i for i, (row, own) in enumerate(zip(language.tokens, language.mask))}
    size = len(language.completions)
    counts = np.zeros((2, size))
    for seed in range(10):
        samples = draw(model, TOY_PROMPTS[:2], seed, group_size=2_000, max_new_tokens=3)
        for i, (row, own) in enumerate(zip(samples.tokens, samples.mask)):
            counts[i // 2_000, index[tuple(row[own].tolist())] % size] += 1
    assert len(recordings(model)) == 1
    for seen, p in zip(counts, probabilities):
        expected = 20_000 * p / p.sum()
        rare = expected < 10
        seen, expected = (np.append(x[~rare], x[rare].sum()) for x in (seen, expected))
        keep = expected > 0
        assert chisquare(seen[keep], expected[keep]).pvalue > 1e-4


@pytest.mark.parametrize("family", [gpt2, llama, qwen2])
def test_half_precision_is_as_near_to_the_truth_as_the_plain_step(family, plainly, shared):
    model = family().to(torch.bfloat16)
    exact = family().to(torch.bfloat16).double()
    for seed in range(2):
        errors = []
        for samples in (draw(model, seed=seed), plainly(model, seed=seed)):
            with torch.no_grad():
                full = token_logprobs(exact, samples.tokens, samples.mask, attention_mask=samples.attention_mask)
            errors.append((samples.logprobs - full).abs()[samples.mask].mean())
        assert errors[0] < 1.5 * errors[1] + 1e-3
    assert len(recordings(model)) == 1


@pytest.mark.parametrize("family", [gpt2, llama])
def test_under_autocast_the_weights_are_those_of_now(family, plainly, shared):
    model = family()
    for seed in range(3):
        with torch.autocast("cpu", torch.bfloat16):
            ours, theirs = draw(model, seed=seed), plainly(model, seed=seed)
        same = (ours.tokens == theirs.tokens).all(1)
        assert same.float().mean() > 0.5  # a rounded probability may turn a draw
        assert torch.allclose(ours.logprobs[same], theirs.logprobs[same], atol=0.15)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter), alpha=0.02)
    assert len(recordings(model)) == 1
    assert_same(draw(model), plainly(model))  # and without autocast, what was recorded with it is not used


@pytest.mark.parametrize("family", [gpt2, llama, mistral])
def test_a_prompt_is_remembered_once_for_a_group_unless_the_plain_step_is_made(family, shared, plainly, monkeypatch):
    repeated = []

    class Watched(DynamicCache):
        def batch_repeat_interleave(self, repeats):
            repeated.append(repeats)
            super().batch_repeat_interleave(repeats)

    monkeypatch.setattr(sampling, "DynamicCache", Watched)
    model = family()
    samples = [drawn(model, max_new_tokens=16) for drawn in (draw, draw, draw, plainly)]
    assert repeated == [4, 4]  # by the first, which records, and by the last
    for other in samples[1:]:
        assert_same(other, samples[0])


# What changes


def test_a_step_of_the_optimizer_is_seen(plainly):
    model = llama()
    draw(model), draw(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for seed in range(3):
        before = draw(model, seed=seed)
        logp = token_logprobs(model, before.tokens, before.mask, attention_mask=before.attention_mask)
        logp.sum().backward()
        optimizer.step()
        after = draw(model, seed=seed)
        assert_same(after, plainly(model, seed=seed))
        assert not torch.equal(before.logprobs, after.logprobs)
    assert len(recordings(model)) == 1


class Wider(nn.Module):
    """A layer with an adapter around it, as peft makes them."""

    def __init__(self, layer):
        super().__init__()
        self.layer, self.adapter = layer, nn.Linear(layer.in_features, layer.out_features)

    def forward(self, rows):
        return self.layer(rows) + self.adapter(rows)


def adapted(model):
    model.model.layers[1].mlp.up_proj = Wider(model.model.layers[1].mlp.up_proj)


def replaced(model):
    model.lm_head.weight = nn.Parameter(model.lm_head.weight.detach() * 1.5)


def reloaded(model):
    model.load_state_dict({name: tensor * 1.1 for name, tensor in model.state_dict().items()}, assign=True)


def scaled_data(model):
    for parameter in model.parameters():
        parameter.data = parameter.data * 1.1


def another_activation(model):
    model.model.layers[0].mlp.act_fn = nn.ReLU()


def eager_attention(model):
    model.set_attn_implementation("eager")


def patched(model):
    layer, forward = model.model.layers[0].mlp, model.model.layers[0].mlp.forward
    layer.forward = lambda rows: 2 * forward(rows)


class Doubled(LlamaMLP):
    def forward(self, rows):
        return 2 * super().forward(rows)


def another_class(model):
    model.model.layers[0].mlp.__class__ = Doubled


def fewer_layers(model):
    model.config.num_hidden_layers = 1  # which a Llama looks at in every step


def hooked(model):
    model.model.layers[0].register_forward_hook(lambda layer, given, out: out * 1.2)


def hooked_before(model):
    model.model.layers[0].mlp.register_forward_pre_hook(lambda layer, given: (given[0] * 1.2,))


CHANGES = [
    another_class,
    fewer_layers,
    adapted,
    replaced,
    reloaded,
    scaled_data,
    another_activation,
    eager_attention,
    patched,
    hooked,
    hooked_before,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_changed_model_is_sampled_as_it_is(change, plainly):
    model = llama()
    for _ in range(2):
        before = draw(model)
    change(model)
    for _ in range(2):
        assert_same(draw(model), plainly(model))
    assert change is eager_attention or not torch.equal(draw(model).logprobs, before.logprobs)


def test_another_type_of_numbers_and_a_change_of_the_configuration_are_seen(plainly):
    model = llama()
    draw(model), draw(model)
    assert_same(draw(model.double()), plainly(model), atol=1e-12)
    samples = [draw(model.bfloat16()) for _ in range(2)][-1]
    full = token_logprobs(model, samples.tokens, samples.mask, attention_mask=samples.attention_mask)
    assert torch.allclose(samples.logprobs, full, atol=0.2) and recordings(model)
    model = mistral()
    draw(model), draw(model)
    model.config.sliding_window = 6
    assert_same(draw(model), plainly(model))


def test_a_module_in_the_place_of_one_of_the_same_class_is_seen(plainly):
    model = llama()
    for slope in (0.1, 0.9):
        model.model.layers[0].mlp.act_fn = nn.LeakyReLU(slope)
        for _ in range(2):
            assert_same(draw(model), plainly(model))


def test_a_hook_sees_every_token():
    model = llama()
    draw(model), draw(model)
    seen = []
    handle = model.lm_head.register_forward_hook(lambda layer, given, out: seen.append(len(out)))
    samples = draw(model)
    assert len(seen) == samples.mask.any(0).sum()
    handle.remove()
    assert_same(draw(model), samples)


def test_a_model_whose_configuration_holds_another_is_sampled_again_and_again(plainly):
    """Gemma 4's will not be compared as they are: some of what they say differs between layers."""
    text = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
    }
    text |= {"vocab_size": 5, "vocab_size_per_layer_input": 5, "hidden_size_per_layer_input": 8, "num_hidden_layers": 2}
    text |= {"layer_types": ["sliding_attention", "full_attention"], "sliding_window": 4, "global_head_dim": 16}
    text |= {"num_kv_shared_layers": 0}
    picture = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
    torch.manual_seed(0)
    model = Gemma4ForConditionalGeneration(Gemma4Config(text_config=text, vision_config=picture)).eval()
    for seed in range(3):
        assert_same(draw(model, seed=seed), plainly(model, seed=seed))


# When it is done


def test_a_step_is_recorded_when_enough_tokens_were_asked_for_in_its_shape():
    model = llama()
    for max_new_tokens, expected in [(8, 0), (8, 1), (7, 1), (16, 2), (15, 2), (15, 2)]:  # 15 is rounded to 16
        draw(model, max_new_tokens=max_new_tokens)
        assert len(module._known[model].recordings) == expected
    draw(model, LONG[:2], max_new_tokens=16)  # 2 prompts in place of 3
    draw(model, [prompt + " bad bad ." for prompt in LONG], max_new_tokens=16)  # 13 tokens are rounded to 16, as 10 are
    assert len(module._known[model].recordings) == 3


def test_one_token_alone_and_one_prompt_alone():
    model = llama()
    for _ in range(20):
        samples = draw(model, ["good ."], group_size=1, max_new_tokens=1)
    assert samples.mask.sum() == 1


def test_few_recordings_are_kept_and_none_keeps_a_model_alive():
    model = llama()
    for rows in range(1, SHAPES + 4):
        draw(model, ["good ."], group_size=rows, max_new_tokens=16)
    known = module._known[model]
    assert len(known.recordings) <= len(known.asked) == SHAPES
    assert {shape[0] for shape in known.asked} == set(range(4, SHAPES + 4))  # the latest
    watched = [
        weakref.ref(model),
        weakref.ref(model.lm_head.weight),
        weakref.ref(next(iter(known.recordings.values()))),
    ]
    del model, known
    gc.collect()
    assert all(reference() is None for reference in watched)


def test_where_many_columns_may_stay_empty_the_plain_step_is_kept(monkeypatch):
    monkeypatch.setattr(
        module, "EMPTY", 12 * 12 * 2 * 8 * 2 * 4 - 1
    )  # rows, tokens, heads, their size, keys and values
    model = llama()
    draw(model), draw(model)
    assert not module._known[model].recordings


# What cannot be recorded


def gemma2():
    """Its scores are squashed: attention that `attend` does not know."""
    return model_of(Gemma2ForCausalLM, Gemma2Config, num_key_value_heads=2, head_dim=8, attn_logit_softcapping=1.0)


def mixtral():
    """Which experts are asked hangs on the tokens."""
    return model_of(MixtralForCausalLM, MixtralConfig, num_key_value_heads=2, num_local_experts=3)


@pytest.mark.parametrize("family", [gemma2, mixtral], ids=lambda family: family.__name__)
def test_a_model_that_cannot_be_recorded_keeps_the_plain_step(family, plainly):
    model = family()
    for seed in range(3):
        assert_same(draw(model, seed=seed), plainly(model, seed=seed))
    assert module._known[model].refused or recordings(model)


def test_a_model_with_a_state_is_left_to_the_plain_step(plainly):
    model = model_of(MambaForCausalLM, MambaConfig, state_size=4, intermediate_size=64)
    try:
        expected = plainly(model, group_size=1)
    except (TypeError, ValueError, AttributeError, NotImplementedError) as error:
        with pytest.raises(type(error)):
            draw(model, group_size=1)
    else:
        assert_same(draw(model, group_size=1), expected)
    assert model not in module._known or not module._known[model].recordings


def test_where_nothing_can_be_prepared_the_plain_step_is_kept(plainly, monkeypatch):
    def no_masks(*arguments):
        raise KeyError("a kind of layer that is not known")

    monkeypatch.setattr(module, "create_masks_for_generate", no_masks)
    model = llama()
    for _ in range(2):
        assert_same(draw(model), plainly(model))
    assert module._known[model].refused


class Moody(nn.Module):
    """An activation that changes at its fourth call: a step that was recorded before is wrong from then on."""

    calls = 0

    def forward(self, rows):
        self.calls += 1
        return rows * (1 + self.calls // 4)


def test_a_recording_that_is_wrong_the_next_time_is_not_used(plainly):
    model, other = llama(), llama()
    for each in (model, other):
        draw(each, max_new_tokens=1)  # it is rehearsed
        each.model.layers[0].mlp.act_fn = Moody()
    draw(model, max_new_tokens=16)  # calls: prompts, the plain step and the recording of one token; then the fourth
    assert module._known[model].refused
    model.model.layers[0].mlp.act_fn.calls = other.model.layers[0].mlp.act_fn.calls = 0
    assert_same(draw(model), plainly(other))


# The tape


def taped(function, inputs, same, again):
    """What the function gives for the inputs, and what its recording gives for others."""
    with torch.inference_mode():
        tape = Tape(inputs, same, changing=[])
        with tape:
            result = function(*inputs, *same)
        recording = Recording(tape, result)
        return recording, recording.step(*again, *recording.once(*same))


def test_a_recording_computes_what_hangs_on_the_weights_once_and_views_at_once():
    weight, x, y = torch.randn(6, 4), torch.randn(3, 4), torch.randn(3, 4)

    def function(rows, weight):
        product = rows @ (2 * weight).t()
        some = product.view(3, 2, 3).transpose(1, 2)[:, 1:].contiguous()
        return nn.functional.dropout(some.view(3, 4).view(3, 4) + 1, 0.5, training=False)

    recording, result = taped(function, [x], [weight], [y])
    assert torch.allclose(result, function(y, weight))
    names = [node.name for node in recording.step.__self__.graph.nodes if node.op.startswith("call")]
    assert len(names) == 5  # a product, one view of it, a copy, one view of that, and a sum
    weight.add_(1)
    with torch.inference_mode():
        assert torch.allclose(recording.step(y, *recording.once(weight)), function(y, weight))


def test_what_changes_is_read_in_every_step_and_only_windows_are_kept():
    kept, x, y = torch.zeros(2, 3), torch.randn(1, 3), torch.randn(1, 3)

    def function(row, place, kept):
        place.copy_(row)
        return kept.exp().sum(0, keepdim=True) + kept.t()[:, :1].t() * row

    with torch.inference_mode():
        tape = Tape([x, kept[:1]], [kept], changing=[kept])
        place = tape.kept[-1]
        with tape:
            result = function(x, place, kept)
        recording = Recording(tape, result)
        constants = recording.once(kept)
        for row, place in [(y, kept[1:]), (x, kept[:1]), (y, kept[:1])]:
            ours = recording.step(row, place, *constants)
            assert torch.allclose(ours, kept.exp().sum(0, keepdim=True) + kept[:1] * row)


ELSEWHERE = torch.ones(3)


@pytest.mark.parametrize(
    "function",
    [
        lambda x, w: x * float(x.sum()),
        lambda x, w: x if x.sum() > 0 else -x,
        lambda x, w: x[x > 0],
        lambda x, w: x.nonzero(),
        lambda x, w: w.add_(1) * x,
        lambda x, w: x.abs().mul_(2),
        lambda x, w: x * ELSEWHERE,
    ],
    ids=["number", "branch", "mask", "indices", "weight written", "result written", "unknown"],
)
def test_what_would_be_wrong_the_next_time_is_not_recorded(function):
    with pytest.raises(NotImplementedError, match="cannot be recorded"):
        taped(function, [torch.randn(3)], [torch.randn(3)], [torch.randn(3)])


def test_columns_are_rounded_up():
    assert [module._rounded(columns) for columns in (1, MULTIPLE, MULTIPLE + 1)] == [MULTIPLE, MULTIPLE, 2 * MULTIPLE]
