"""Losses of preferences against those of trl 1.16, values and gradients on the same pairs of unequal lengths.

| loss | trl's name | the same definition |
| --- | --- | --- |
| dpo_loss | sigmoid | yes |
| normalised_dpo_loss | sigmoid_norm | yes |
| kto_loss | kto | yes, of the same estimate of the KL divergence |
| ipo_loss | ipo | no: trl takes the mean over tokens, the paper and we the sum |
"""

import numpy as np
import pytest
import torch

from rlbook.language.models import tiny_gpt2, word_tokenizer
from rlbook.language.pairs import Pairs, encode_pairs
from rlbook.language.preferences import (
    add_gradient,
    dpo_loss,
    ipo_loss,
    kto_loss,
    normalised_dpo_loss,
    score_pairs,
)
from rlbook.language.rewards import TOY_WORDS
from rlbook.language.sampling import token_logprobs

trl = pytest.importorskip("trl")
datasets = pytest.importorskip("datasets")

pytestmark = pytest.mark.filterwarnings("default::FutureWarning")  # trl asks transformers for names on their way out
torch.set_num_threads(1)
BETA = 0.7
PAIRS = Pairs(
    ["good .", "not very good .", "bad .", "good ."],
    ["very good", "bad", "", "good good good good"],
    ["bad", "very very good", "good", "not"],
)


def models():
    """A policy and a reference, different ones, and their tokenizer."""
    tokenizer = word_tokenizer(TOY_WORDS, ".")
    return *(tiny_gpt2(tokenizer, rng=np.random.default_rng(seed)) for seed in (0, 1)), tokenizer


def batch_of(encoded):
    """The batch that trl's collator would make: chosen rows before rejected ones, padded on the right."""
    lengths = encoded.attention_mask.sum(1)
    width = int(lengths.max())
    rows = [
        [
            torch.nn.functional.pad(row[there], (0, width - int(there.sum())))
            for row, there in zip(field, encoded.attention_mask)
        ]
        for field in (encoded.tokens, encoded.attention_mask.long(), encoded.mask.long())
    ]
    names = ("input_ids", "attention_mask", "completion_mask")
    return {name: torch.stack(field) for name, field in zip(names, rows)}


def config(kind, folder, **more):
    return kind(
        output_dir=str(folder),
        beta=BETA,
        report_to="none",
        use_cpu=True,
        bf16=False,
        activation_checkpointing=False,
        per_device_train_batch_size=4,
        max_steps=1,
        disable_tqdm=True,
        **more,
    )


def table(columns):
    return datasets.Dataset.from_dict(columns)


def gradient(model):
    return torch.cat([p.grad.flatten() for p in model.parameters()])


def trl_dpo(loss_type, folder):
    """trl's loss of the pairs, and its gradient."""
    policy, reference, tokenizer = models()
    columns = {name: [f" {text}".rstrip() or " " for text in PAIRS._asdict()[name]] for name in ("chosen", "rejected")}
    trainer = trl.DPOTrainer(
        model=policy,
        ref_model=reference,
        args=config(trl.DPOConfig, folder, loss_type=[loss_type]),
        processing_class=tokenizer,
        train_dataset=table({"prompt": [f"{prompt} " for prompt in PAIRS.prompts]} | columns),
    )
    policy.zero_grad()
    loss = trainer.compute_loss(policy, batch_of(encode_pairs(tokenizer, PAIRS, "cpu", max_new_tokens=4)))
    loss.backward()
    return loss.item(), gradient(policy)


def ours(loss, per_token=False):
    policy, reference, tokenizer = models()
    encoded = encode_pairs(tokenizer, PAIRS, "cpu", max_new_tokens=4)

    def at_beta(*logps, weights):
        return loss(*logps, beta=BETA, weights=weights)

    value, _ = add_gradient(policy, encoded, score_pairs(reference, encoded), loss=at_beta, per_token=per_token)
    return value, gradient(policy)


@pytest.mark.parametrize(
    "loss, per_token, loss_type",
    [(dpo_loss, False, "sigmoid"), (dpo_loss, True, "sigmoid_norm"), (ipo_loss, True, "ipo")],
)
def test_values_and_gradients_are_those_of_trl(loss, per_token, loss_type, tmp_path):
    value, slope = ours(loss, per_token)
    known, known_slope = trl_dpo(loss_type, tmp_path)
    assert value == pytest.approx(known, abs=1e-5)
    assert torch.allclose(slope, known_slope, atol=1e-5)


def test_ipo_of_trl_is_another_loss_because_it_takes_means_over_tokens(tmp_path):
    value, slope = ours(ipo_loss)
    known, known_slope = trl_dpo("ipo", tmp_path)
    assert abs(value - known) > 1e-2
    assert torch.nn.functional.cosine_similarity(slope, known_slope, dim=0) < 0.999


def test_the_normalised_loss_of_numbers_is_that_of_the_trainer():
    value, _ = ours(dpo_loss, per_token=True)
    policy, reference, tokenizer = models()
    encoded = encode_pairs(tokenizer, PAIRS, "cpu", max_new_tokens=4)
    logps = [score_pairs(model, encoded) for model in (policy, reference)]
    chosen, rejected = encoded.mask.sum(1).chunk(2)
    assert value == pytest.approx(
        normalised_dpo_loss(*logps[0].T, *logps[1].T, chosen_length=chosen, rejected_length=rejected, beta=BETA).item(),
        abs=1e-5,
    )


def test_kto_is_that_of_trl(tmp_path):
    policy, reference, tokenizer = models()
    labels = [True, False, True, False, False, True, True, False]
    encoded = encode_pairs(tokenizer, PAIRS, "cpu", max_new_tokens=4)
    batch = batch_of(encoded)
    mismatched = {name: torch.cat([rows[-1:], rows[:-1]]) for name, rows in batch.items()}
    texts = [f" {text}".rstrip() or " " for text in [*PAIRS.chosen, *PAIRS.rejected]]
    trainer = trl.KTOTrainer(
        model=policy,
        ref_model=reference,
        args=config(trl.KTOConfig, tmp_path, undesirable_weight=1.3),
        processing_class=tokenizer,
        train_dataset=table({"prompt": [f"{x} " for x in PAIRS.prompts * 2], "completion": texts, "label": labels}),
    )
    policy.zero_grad()
    known = trainer.compute_loss(
        policy, batch | {"label": torch.tensor(labels)} | {f"KL_{name}": rows for name, rows in mismatched.items()}
    )
    known.backward()
    known_slope = gradient(policy)

    def logps(model, rows):
        own = rows["completion_mask"].bool()
        return token_logprobs(model, rows["input_ids"], own, attention_mask=rows["attention_mask"].bool()).sum(1)

    with torch.no_grad():
        kl = (logps(policy, mismatched) - logps(reference, mismatched)).mean()
        before = logps(reference, batch)
    policy.zero_grad()
    loss = kto_loss(logps(policy, batch), before, torch.tensor(labels), kl, beta=BETA, undesirable_weight=1.3)
    loss.backward()
    assert loss.item() == pytest.approx(known.item(), abs=1e-5)
    assert torch.allclose(gradient(policy), known_slope, atol=1e-5)
