"""Models with a low-rank adapter: what is trained, and that the reference is the model without it, bit for bit."""

import copy

import numpy as np
import pytest
import torch

from rlbook.language.grpo import grpo
from rlbook.language.models import has_adapter, load, tiny_gpt2, with_adapter, without_adapter, word_tokenizer
from rlbook.language.policy_gradient import reinforce, remax, rloo
from rlbook.language.rewards import TOY_LENGTH, TOY_PROMPTS, TOY_WORDS, agreement
from rlbook.language.rlhf import ppo, value_head
from rlbook.language.sampling import token_logprobs
from rlbook.training import resume, save

peft = pytest.importorskip("peft")
torch.set_num_threads(1)
TOKENS = torch.tensor([[0, 1, 2, 3, 2, 1]])
MASK = torch.tensor([[False, False, True, True, True, True]])
SIZES = {"max_new_tokens": TOY_LENGTH, "prompts_per_step": 2, "group_size": 4}


def toy():
    """A model, its twin with an adapter, and their tokenizer."""
    tokenizer = word_tokenizer(TOY_WORDS, ".")
    plain = tiny_gpt2(tokenizer, rng=np.random.default_rng(0), layers=1, width=8)
    torch.manual_seed(0)  # peft draws the adapter's first factor there
    return plain, with_adapter(copy.deepcopy(plain), 2), tokenizer


def settings(model, extra=(), **more):
    trained = [p for p in [*model.parameters(), *extra] if p.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=0.05)
    return {"optimizer": optimizer, "rng": np.random.default_rng(1), "steps": 4, **SIZES, **more}


def logp(model):
    with torch.no_grad():
        return token_logprobs(model, TOKENS, MASK, attention_mask=torch.ones_like(MASK))


TRAINERS = {"grpo": grpo, "grpo, in the loss": grpo, "reinforce": reinforce, "rloo": rloo, "remax": remax, "ppo": ppo}


def trained(name, model, tokenizer, reference=None):
    """The records of four steps with a leash."""
    extra = {"beta": 0.1, "reference": reference}
    if name == "ppo":
        value = value_head(model)
        given = settings(model, value.parameters(), **extra)
        return list(ppo(model, tokenizer, TOY_PROMPTS, agreement, value=value, **given))
    extra |= {"kl": "loss"} if "loss" in name else {}
    return list(TRAINERS[name](model, tokenizer, TOY_PROMPTS, agreement, **settings(model, **extra)))


@pytest.mark.parametrize("name", TRAINERS)
def test_the_reference_is_the_model_without_its_adapter_bit_for_bit(name):
    plain, model, tokenizer = toy()
    before = logp(plain)
    assert torch.equal(logp(model), before)  # a fresh adapter changes nothing
    records = trained(name, model, tokenizer)
    assert not torch.equal(logp(model), before)
    with without_adapter(model):
        assert torch.equal(logp(model), before)
    assert not torch.equal(logp(model), before)

    _, model, tokenizer = toy()
    by_a_copy = trained(name, model, tokenizer, reference=plain)
    assert [record.kl for record in records] == [record.kl for record in by_a_copy]
    assert any(record.kl for record in records)
    assert [record.loss for record in records if hasattr(record, "loss")] == [
        record.loss for record in by_a_copy if hasattr(record, "loss")
    ]


def test_only_the_adapter_is_trained():
    plain, model, tokenizer = toy()
    names = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert names and all("lora_" in name for name in names)
    trained("grpo", model, tokenizer)
    assert {name for name, parameter in model.named_parameters() if parameter.requires_grad} == names
    unloaded = model.unload()
    assert all(torch.equal(weights, plain.state_dict()[name]) for name, weights in unloaded.state_dict().items())


def test_what_was_frozen_or_taken_away_before_stays_so():
    _, model, _ = toy()
    frozen = [name for name, p in model.named_parameters() if "c_fc.lora_" in name]
    for name, parameter in model.named_parameters():
        if name in frozen:
            parameter.requires_grad_(False)
    with without_adapter(model):
        pass
    assert frozen and not any(p.requires_grad for name, p in model.named_parameters() if name in frozen)
    with without_adapter(model), without_adapter(model):
        pass
    with model.disable_adapter():
        with without_adapter(model):
            pass
        assert all(layer.disable_adapters for layer in model.modules() if hasattr(layer, "lora_A"))


def test_no_second_model_is_kept_or_saved(tmp_path):
    _, model, tokenizer = toy()
    training = grpo(model, tokenizer, TOY_PROMPTS, agreement, **settings(model, beta=0.1))
    straight = [next(training).kl, next(training).kl]
    assert training.memory.reference is model
    save(training, tmp_path / "run.pt")
    saved = torch.load(tmp_path / "run.pt", weights_only=True)
    assert "reference" not in saved["memory"]
    straight += [record.kl for record in training]

    _, model, tokenizer = toy()
    again = grpo(model, tokenizer, TOY_PROMPTS, agreement, **settings(model, beta=0.1))
    assert [record.kl for record in resume(again, tmp_path / "run.pt")] == straight[2:]


def test_one_argument_gives_any_model_an_adapter():
    model, tokenizer = load("arithmetic", device="cpu", lora=4)
    plain, _ = load("arithmetic", device="cpu")
    assert has_adapter(model) and not has_adapter(plain)
    # in (128, 384), (128, 128), (128, 512) and (512, 128) in each of two layers: rank 4 times the sum of both sides
    assert sum(p.numel() for p in model.parameters() if p.requires_grad) == 2 * 4 * (512 + 256 + 640 + 640)
    assert not model.training
    prompts = ["12+34=", "5+7="]
    reward = lambda prompts, completions: [float(len(completion)) for completion in completions]  # noqa: E731
    given = settings(model) | {"max_new_tokens": 3}
    assert len(list(grpo(model, tokenizer, prompts, reward, **given))) == 4


def test_an_adapter_of_half_a_model_is_trained_in_float32():
    model, _ = load("arithmetic", device="cpu", dtype=torch.bfloat16, lora=2)
    assert {p.dtype for p in model.parameters() if p.requires_grad} == {torch.float32}


@pytest.mark.parametrize("rank", [0, 1.5, True, "8"])
def test_a_rank_is_a_whole_number(rank):
    with pytest.raises((TypeError, ValueError), match="lora is"):
        load("arithmetic", device="cpu", lora=rank)
