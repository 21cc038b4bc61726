#!/usr/bin/env bash
# trl 1.16.0 (transformers 5.24.0, torch 2.13.0, Python 3.11): loss_type="cispo" by itself gives every token a fifth.
#
# In CISPO a ratio is a weight, cut off at a limit above 1 so that no token loses its gradient. A good guess: with
# GRPOConfig(loss_type="cispo") and nothing else, the first step, at which all ratios are 1, has the gradient of
# loss_type="dapo", whose means over tokens it shares. Seen: it has .2 times that gradient, and the metric says that all
# tokens of good completions are clipped. The limit is read from epsilon_high, which for the other losses is added to 1 and
# which, where it is not set, takes the value of epsilon, .2; for this loss it is the limit itself. With epsilon_high=5.0,
# which the help text of that option recommends for it, the two gradients agree.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check torch==2.13.0 transformers==5.24.0 trl==1.16.0 datasets==5.2.0 numpy==2.4.6
cat > cispo.py <<'END'
import torch
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast
from trl import GRPOConfig, GRPOTrainer

words = {word: i for i, word in enumerate(["<end>", "<unknown>", *"abcdefgh"])}
inner = Tokenizer(models.WordLevel(words, unk_token="<unknown>"))
inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="<end>", pad_token="<end>", unk_token="<unknown>")


def first_step(**settings):
    torch.manual_seed(0)
    sizes = dict(vocab_size=len(words), n_positions=32, n_embd=32, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=0)
    model = GPT2LMHeadModel(GPT2Config(**sizes, pad_token_id=0, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0))
    config = GRPOConfig(
        output_dir="out", max_steps=1, per_device_train_batch_size=8, num_generations=8, max_completion_length=6,
        use_cpu=True, bf16=False, report_to="none", save_strategy="no", logging_steps=1, disable_tqdm=True, seed=3,
        max_grad_norm=1e9, **settings,
    )
    rewards = lambda completions, **columns: [float(len(set(text.split()))) for text in completions]  # noqa: E731
    rewards.__name__ = "variety"
    data = Dataset.from_dict({"prompt": ["a b c"] * 8})
    trainer = GRPOTrainer(
        model=model, processing_class=tokenizer, reward_funcs=rewards, args=config, train_dataset=data
    )
    trainer.train()
    return trainer.state.log_history[0]


dapo, cispo = first_step(loss_type="dapo"), first_step(loss_type="cispo")
wide = first_step(loss_type="cispo", epsilon_high=5.0)
for name, log in {"dapo": dapo, "cispo": cispo, "cispo, epsilon_high=5": wide}.items():
    share = {key: round(value, 3) for key, value in log.items() if key == "cispo_clip_ratio"}
    print(f"{name:22} norm of the first gradient {log['grad_norm']:.4f} {share or ''}")
assert dapo["grad_norm"] > 0.05
assert abs(cispo["grad_norm"] / dapo["grad_norm"] - 0.2) < 1e-3, "changed: the weight of a token"
assert abs(wide["grad_norm"] / dapo["grad_norm"] - 1) < 1e-3, "changed: cispo with a limit of 5"
assert cispo["cispo_clip_ratio"] > 0.1 > 1e-9 > wide["cispo_clip_ratio"]
END
venv/bin/python -W ignore cispo.py 2>&1 | grep -v "^{"
