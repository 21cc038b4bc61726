#!/usr/bin/env bash
# transformers 5.24.0 with peft 0.21.2 (torch 2.13.0, Python 3.11): one of two ways to an adapter is closed.
#
# peft 0.21.2 asks for any transformers and was the newest release when transformers 5.24.0 came. A good guess: where
# peft's get_peft_model(model, config) gives a model a LoRA adapter, transformers' own model.add_adapter(config) does, too.
# Seen: get_peft_model works, though transformers warns (FutureWarning) of an attribute that peft still reads by its old
# name; add_adapter raises ValueError, since it wants peft 0.22.0 or newer, and pip, which knows of no such condition,
# installs the pair without a word.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check torch==2.13.0 transformers==5.24.0 peft==0.21.2 numpy==2.4.6
venv/bin/pip check
cat > adapter.py <<'END'
import warnings

from peft import LoraConfig, get_peft_model
from transformers import GPT2Config, GPT2LMHeadModel


def model():
    sizes = dict(vocab_size=10, n_positions=16, n_embd=32, n_layer=1, n_head=2, bos_token_id=8, eos_token_id=8)
    return GPT2LMHeadModel(GPT2Config(**sizes))


config = LoraConfig(r=4, target_modules=["c_attn"], fan_in_fan_out=True)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    adapted = get_peft_model(model(), config)
trained = sum(p.numel() for p in adapted.parameters() if p.requires_grad)
renamed = [str(w.message) for w in caught if w.category is FutureWarning]
print(f"get_peft_model: {trained} numbers to train; {renamed[0]}")
assert trained == 4 * (32 + 96) and "is_gradient_checkpointing" in renamed[0], "changed: get_peft_model"
try:
    model().add_adapter(config)
except ValueError as error:
    print(f"add_adapter: ValueError: {error}")
    assert "0.22.0" in str(error), "changed: the version that add_adapter wants"
else:
    raise AssertionError("changed: add_adapter takes peft 0.21.2")
END
venv/bin/python adapter.py
