"""What training has changed: the chain rule by enumeration, and changes that were planted."""

import copy

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, Qwen3Config

from rlbook.language import exact
from rlbook.language.changes import grafted, moved, parts, token_kl
from rlbook.language.models import tiny_gpt2, word_tokenizer
from rlbook.language.rewards import TOY_PROMPTS, TOY_WORDS
from rlbook.language.sampling import Samples, sample

torch.set_num_threads(1)
TOKENIZER = word_tokenizer(TOY_WORDS, end=".")


def tiny(seed, **sizes):
    sizes = dict(layers=2, width=16) | sizes
    return tiny_gpt2(TOKENIZER, rng=np.random.default_rng(seed), **sizes).double()


def test_token_divergences_add_up_to_that_of_completions():
    language = exact.enumerate_language(TOKENIZER, TOY_PROMPTS, 3)
    model, reference = tiny(0), tiny(1)
    every = Samples(language.tokens, language.attention_mask, language.mask, None, language.completions * 3)
    with torch.no_grad():
        logp, reference_logp = (exact.language_logprobs(m, language) for m in (model, reference))
    per_token = token_kl(model, reference, every)
    summed = (logp.exp() * per_token.sum(1).reshape(logp.shape)).sum(1)
    np.testing.assert_allclose(summed, exact.kl_divergence(logp, reference_logp), atol=1e-12)
    assert (per_token >= -1e-15).all() and (per_token[~language.mask] == 0).all()


def test_it_is_that_of_the_distributions_and_not_of_the_token_drawn():
    samples = sample(tiny(0), TOKENIZER, ["good ."], max_new_tokens=1, group_size=50, rng=np.random.default_rng(0))
    first = token_kl(tiny(0), tiny(1), samples)[:, -1]
    assert len(set(samples.completions)) > 1 and first.max() - first.min() < 1e-12 and first[0] > 0
    assert token_kl(tiny(0), tiny(0), samples).abs().max() == 0


def test_padding_changes_nothing():
    drawn = sample(tiny(0), TOKENIZER, TOY_PROMPTS, max_new_tokens=4, rng=np.random.default_rng(1))
    together = token_kl(tiny(0), tiny(1), drawn)
    for i in range(len(TOY_PROMPTS)):
        there = drawn.attention_mask[i]
        alone = Samples(*(field[i : i + 1, there] for field in drawn[:4]), drawn.completions[i : i + 1])
        np.testing.assert_allclose(token_kl(tiny(0), tiny(1), alone)[0], together[i, there], atol=1e-9)


def test_the_parts_are_all_parameters_once():
    found = parts(tiny(0))
    assert list(found) == ["embeddings", "layer 0", "layer 1", "output"]
    assert sorted(name for names in found.values() for name in names) == sorted(
        name for name, _ in tiny(0).named_parameters()
    )
    sizes = dict(vocab_size=5, hidden_size=16, intermediate_size=16, num_hidden_layers=3, num_attention_heads=2)
    llama_like = AutoModelForCausalLM.from_config(Qwen3Config(**sizes, num_key_value_heads=1, head_dim=8))
    assert list(parts(llama_like)) == ["embeddings", "layer 0", "layer 1", "layer 2", "output"]


def test_a_planted_change_is_found_where_it_was_planted():
    reference = tiny(2)
    model = copy.deepcopy(reference)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if ".h.1." in name:
                parameter.mul_(1.5)
    changes = moved(model, reference)
    assert changes["layer 1"] == pytest.approx(0.5) and sum(changes.values()) == changes["layer 1"]


def test_grafting_all_parts_gives_the_model_and_none_the_reference():
    model, reference = tiny(3), tiny(4)
    kept = copy.deepcopy(reference.state_dict())
    for chosen, like in ((list(parts(model)), model), ([], reference)):
        graft = grafted(model, reference, chosen)
        assert all(torch.equal(a, b) for a, b in zip(graft.parameters(), like.parameters()))
    half = grafted(model, reference, ["layer 0"])
    assert moved(half, reference)["layer 0"] > 0 and moved(half, model)["layer 0"] == 0
    assert moved(half, reference)["layer 1"] == 0
    assert all(torch.equal(kept[name], tensor) for name, tensor in reference.state_dict().items())


def drawn():
    return sample(tiny(0), TOKENIZER, ["good ."], max_new_tokens=2, rng=np.random.default_rng(0))


def other_words():
    return tiny_gpt2(word_tokenizer(["a", "b", "."], "."), layers=2, width=16, rng=np.random.default_rng(0)).double()


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: token_kl(tiny(0), tiny(1), "good"), TypeError, "samples is 'good', expected Samples"),
        (lambda: token_kl(tiny(0), tiny(1), drawn(), temperature=0.0), ValueError, "temperature is 0.0"),
        (lambda: token_kl("model", tiny(1), drawn()), TypeError, "model is a str"),
        (lambda: parts(torch.nn.Linear(2, 2)), ValueError, "Linear has no numbered layers"),
        (lambda: moved(tiny(0), tiny(1, layers=1)), ValueError, "differ in the parameter"),
        (lambda: moved(tiny(0), tiny(1, width=32)), ValueError, "differ in the parameter"),
        (lambda: grafted(tiny(0), tiny(1), ["layer 7"]), ValueError, "chosen has 'layer 7', expected parts"),
    ],
)
def test_what_cannot_be_compared_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()
