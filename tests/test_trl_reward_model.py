"""The loss of a reward model against that of trl 1.16, value and gradient on the same pairs of unequal lengths.

The same where padding is a token of its own. Where the end token pads, trl's reward is that of the token before the end
(transformers looks for the last token that is no padding), and ours that of the end: another number, pinned here.
"""

import numpy as np
import pytest
import torch

from rlbook.language.models import tiny_gpt2, word_tokenizer
from rlbook.language.pairs import Pairs, encode_pairs
from rlbook.language.preferences import bradley_terry_loss
from rlbook.language.reward_model import pair_rewards, token_rewards, with_reward_head

trl = pytest.importorskip("trl")
datasets = pytest.importorskip("datasets")

pytestmark = pytest.mark.filterwarnings("default::FutureWarning")  # trl asks transformers for names on their way out
torch.set_num_threads(1)
PAIRS = Pairs(
    ["good .", "not very good .", "bad .", "good ."],
    ["very good", "bad", "", "good good good good"],
    ["bad", "very very good", "good", "not"],
)


@pytest.fixture
def model_and_pairs():
    tokenizer = word_tokenizer(("good", "bad", "not", "very", ".", "<pad>"), ".")
    tokenizer.pad_token = "<pad>"
    model = with_reward_head(tiny_gpt2(tokenizer, layers=1, width=32, rng=np.random.default_rng(0)))
    torch.nn.init.normal_(model.score.weight, generator=torch.Generator().manual_seed(0))
    return model, tokenizer, encode_pairs(tokenizer, PAIRS, "cpu")


def trl_loss(model, tokenizer, encoded, pad, folder):
    """What trl's RewardTrainer says of the pairs, as its collator would pad them."""
    model.config.pad_token_id = pad
    rows = [row[there] for row, there in zip(encoded.tokens, encoded.attention_mask)]
    width = max(map(len, rows))
    tokens = torch.stack([torch.nn.functional.pad(row, (0, width - len(row)), value=pad) for row in rows])
    there = torch.arange(width) < torch.tensor([[len(row)] for row in rows])
    settings = dict(report_to="none", use_cpu=True, bf16=False, per_device_train_batch_size=4, disable_dropout=True)
    some = datasets.Dataset.from_dict({"chosen": ["good ."], "rejected": ["bad ."]})
    trainer = trl.RewardTrainer(
        model, trl.RewardConfig(output_dir=str(folder), activation_checkpointing=False, **settings),
        train_dataset=some, processing_class=tokenizer,
    )  # fmt: skip
    model.config.pad_token_id = pad
    return trainer.compute_loss(model, {"input_ids": tokens, "attention_mask": there.long()})


def gradients(loss, model):
    return torch.autograd.grad(loss, list(model.parameters()))


def test_loss_and_gradient_are_trls_where_padding_is_a_token_of_its_own(model_and_pairs, tmp_path):
    model, tokenizer, encoded = model_and_pairs
    theirs = trl_loss(model, tokenizer, encoded, tokenizer.pad_token_id, tmp_path)
    ours = bradley_terry_loss(*pair_rewards(model, encoded))
    assert ours.item() == pytest.approx(theirs.item(), abs=1e-5)
    for one, other in zip(gradients(ours, model), gradients(theirs, model)):
        assert torch.allclose(one, other, atol=1e-5)


def test_where_the_end_pads_trl_reads_one_token_earlier(model_and_pairs, tmp_path):
    model, tokenizer, encoded = model_and_pairs
    end = tokenizer.eos_token_id
    theirs = trl_loss(model, tokenizer, encoded, end, tmp_path)
    said = token_rewards(model, encoded.tokens, encoded.attention_mask)
    words = encoded.attention_mask & (encoded.tokens != end)  # the last word: the end of the prompt is one too
    early = said.gather(1, (words * torch.arange(said.shape[1])).argmax(1, keepdim=True))[:, 0]
    assert theirs.item() == pytest.approx(bradley_terry_loss(*early.chunk(2)).item(), abs=1e-5)
    assert abs(theirs.item() - bradley_terry_loss(*pair_rewards(model, encoded)).item()) > 1e-3
