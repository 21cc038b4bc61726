#!/usr/bin/env bash
# transformers 5.24.0 (torch 2.13.0, Python 3.11): where the end token also pads, a reward head never reads it.
#
# GPT-2 and many others have no padding token, so one sets it to the end token. A good guess: a reward model made with
# AutoModelForSequenceClassification reads its number at the last token that the attention mask lets through, the end
# token of a finished text. Seen: it looks for the last token that is not the padding token, whatever the mask says, and
# so reads one place before the end. A text with its end token and the same one cut off before it get the same reward, up to
# rounding: whether a text was finished cannot be learned. With a padding token of its own the two differ.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check torch==2.13.0 transformers==5.24.0 numpy==2.4.6
cat > reward.py <<'END'
import torch
from transformers import AutoModelForSequenceClassification, GPT2Config

END, PAD = 8, 9
finished, cut = torch.tensor([[3, 1, 4, END]]), torch.tensor([[3, 1, 4]])


@torch.no_grad()
def rewards(pad):
    torch.manual_seed(0)
    sizes = dict(vocab_size=10, n_positions=16, n_embd=32, n_layer=1, n_head=2, bos_token_id=END, eos_token_id=END)
    config = GPT2Config(**sizes, pad_token_id=pad, num_labels=1)
    model = AutoModelForSequenceClassification.from_config(config).eval()
    return [model(text, attention_mask=torch.ones_like(text)).logits.item() for text in (finished, cut)]


for name, pad in {"the end token pads": END, "a token of its own pads": PAD}.items():
    with_end, without = rewards(pad)
    print(f"{name}: reward of the finished text {with_end:.6f}, of the one cut off {without:.6f}")
    assert (abs(with_end - without) < 1e-5) == (pad == END), "changed: where the reward is read"
END
venv/bin/python reward.py
