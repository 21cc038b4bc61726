#!/usr/bin/env bash
# trl 1.16.0 (transformers 5.24.0, torch 2.13.0, Python 3.11): GRPO and RLOO score what a padded GPT-2 never said.
#
# Prompts of unequal lengths are padded on the left. A good guess: the log-probability of a completion, from which the
# trainers make their loss, does not depend on how much padding stands before its prompt. `generate` counts positions from
# the first token that is there, so the samples are right. Seen: for a model that has learned an embedding for each
# position (GPT-2's kind), the trainers pass no position_ids when they score, so the same tokens are read as if they stood
# further right, and their log-probabilities are those of another text: off by more than 0.1 nats a token here, with an
# untrained model. Nothing tells: in the first step the ratio is 1, since both of its sides are scored alike. Models with
# rotary positions, which see distances only, are not affected.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
    torch==2.13.0 transformers==5.24.0 trl==1.16.0 datasets==5.2.0 accelerate==1.15.0 numpy==2.4.6
cat > padded.py <<'END'
import warnings

import torch
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast
from trl import GRPOConfig, GRPOTrainer, RLOOConfig, RLOOTrainer

warnings.simplefilter("ignore", FutureWarning)
torch.manual_seed(0)
words = {word: i for i, word in enumerate(["[pad]", "[end]", *"abcdefgh"])}
plain = Tokenizer(models.WordLevel(words, unk_token="[pad]"))
plain.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=plain, pad_token="[pad]", eos_token="[end]", padding_side="left")
sizes = dict(vocab_size=len(words), n_positions=32, n_embd=32, n_layer=1, n_head=2)
model = GPT2LMHeadModel(GPT2Config(**sizes, bos_token_id=1, eos_token_id=1, pad_token_id=0)).eval()
with torch.no_grad():
    model.transformer.wpe.weight.normal_()  # as in a trained model, places matter

prompt, completion = torch.tensor([tokenizer("a b").input_ids]), torch.tensor([tokenizer("c d e").input_ids])
text = torch.cat([prompt, completion], 1)
padding = torch.zeros(1, 4, dtype=torch.long)


@torch.no_grad()
def said(tokens):
    written = model.generate(tokens, attention_mask=(tokens != 0).long(), max_new_tokens=3, do_sample=False)
    return written[0, tokens.shape[1] :].tolist()


@torch.no_grad()
def scored(trainer, tokens):
    there = (tokens != 0).long()
    return trainer._get_per_token_logps_and_entropies(model, tokens, there, completion.shape[1])[0][0]


assert said(prompt) == said(torch.cat([padding, prompt], 1)), "generate itself is not right"
with torch.no_grad():
    true = model(text).logits.log_softmax(-1)[0, prompt.shape[1] - 1 : -1].gather(1, completion.T)[:, 0]
print("the model itself, no padding", true.numpy().round(3))
for Config, Trainer in [(GRPOConfig, GRPOTrainer), (RLOOConfig, RLOOTrainer)]:
    settings = dict(beta=0.0, num_generations=2, per_device_train_batch_size=2, use_cpu=True, bf16=False, report_to=[])
    trainer = Trainer(
        model,
        reward_funcs=lambda prompts, completions, **columns: [0.0] * len(prompts),
        args=Config(output_dir="out", **settings),
        train_dataset=Dataset.from_dict({"prompt": ["a b", "a b c d e f"]}),
        processing_class=tokenizer,
    )
    bare, padded = scored(trainer, text), scored(trainer, torch.cat([padding, text], 1))
    print(f"{Trainer.__name__}: no padding {bare.numpy().round(3)}, four columns of it {padded.numpy().round(3)}")
    assert torch.allclose(bare, true, atol=1e-5), "changed: without padding"
    assert (padded - true).abs().max() > 0.1, "changed: padded rows are scored as they were sampled"
END
venv/bin/python padded.py
