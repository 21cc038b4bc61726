#!/usr/bin/env bash
# transformers 5.24.0 with torch 2.13.0 (CPU, Python 3.11): a Llama whose padding token is its end token never learns to
# read the end token, while a GPT-2 of the same settings does.
#
# Llama and its kin make their embedding with padding_idx=config.pad_token_id, and PyTorch then leaves the gradient of
# that row out. Where a tokenizer has no padding token of its own, everybody sets it to the end token, and the
# configuration follows. But the end token also stands inside texts: between turns of a dialogue, after a document. A
# good guess: padding is what the attention mask says, and a token that the mask shows is learned like any other.
# Seen: where input and output have weights of their own, the row of the input embedding stays as it was made, whatever
# the training. No warning. GPT-2 sets no padding_idx and learns.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 transformers==5.24.0 numpy==2.4.6
cat > "$folder/end.py" <<'END'
import torch
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

END, SEEN = 1, dict(vocab_size=8, pad_token_id=1, eos_token_id=1, bos_token_id=0, tie_word_embeddings=False)


def learned(model):
    """Whether the end token's row of the input embedding has a gradient, from a text that goes on after it."""
    text = torch.tensor([[2, 3, END, 4, 5]])
    logits = model(input_ids=text, attention_mask=torch.ones_like(text)).logits[0]
    torch.nn.functional.cross_entropy(logits[:-1], text[0, 1:]).backward()
    return bool(model.get_input_embeddings().weight.grad[END].any())


torch.manual_seed(0)
size = dict(hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2)
found = {
    "Llama, padding token = end token": learned(LlamaForCausalLM(LlamaConfig(**SEEN, **size))),
    "Llama, no padding token": learned(LlamaForCausalLM(LlamaConfig(**SEEN | {"pad_token_id": None}, **size))),
    "GPT-2, padding token = end token": learned(GPT2LMHeadModel(GPT2Config(**SEEN, n_embd=16, n_layer=1, n_head=2))),
}
for name, has in found.items():
    print(f"{name:34} {'a gradient' if has else 'none'}")
assert list(found.values()) == [False, True, True], "changed"
END
"$folder/venv/bin/python" "$folder/end.py"
