"""What a step will take, before it is made: by hand, against what a process of its own took, and what to lower."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from rlbook.language.memory import StepMemory, room, rows_that_fit, step_memory
from rlbook.language.models import tiny_gpt2, with_adapter, word_tokenizer

torch.set_num_threads(1)
WORDS = [*(f"w{i}" for i in range(499)), "."]
SIZES = {"prompt_tokens": 20, "max_new_tokens": 10, "prompts_per_step": 4, "group_size": 4}


def toy(width=32, layers=2, lora=None):
    tokenizer = word_tokenizer(WORDS, ".")
    model = tiny_gpt2(tokenizer, layers=layers, width=width, heads=4, context=128, rng=np.random.default_rng(0))
    return (model if lora is None else with_adapter(model, lora)), tokenizer


def test_what_follows_from_sizes_alone():
    model, tokenizer = toy()
    bytes_of_weights = 4 * sum(p.numel() for p in model.parameters())
    needed = step_memory(model, **SIZES, beta=0.1)
    assert needed.weights == needed.gradients == needed.reference == bytes_of_weights
    assert needed.optimizer == 2 * bytes_of_weights
    assert needed.cache == 16 * 30 * 2 * 2 * 32 * 4  # rows, tokens, layers, keys and values, width, bytes
    assert needed.logits == 16 * 16 * 10 * len(tokenizer)  # bytes a logit, rows, tokens, vocabulary
    assert step_memory(model, **SIZES).reference == 0
    assert needed.total == 5 * bytes_of_weights + needed.cache + needed.activations + needed.logits


def test_an_adapter_has_small_gradients_and_no_second_model():
    model, _ = toy(lora=2)
    needed = step_memory(model, **SIZES, beta=0.1)
    trained = 4 * sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert (needed.gradients, needed.optimizer, needed.reference) == (trained, 2 * trained, 0)


def test_fewer_rows_at_once_take_less_in_proportion():
    model, _ = toy()
    whole, half = step_memory(model, **SIZES), step_memory(model, **SIZES, rows_at_once=8)
    assert half.logits == whole.logits / 2 and half.activations == pytest.approx(whole.activations / 2, rel=1e-3)
    apart = step_memory(model, **SIZES, rows_at_once=2)  # no whole group: each reads its prompt for itself
    assert apart.activations > whole.activations / 8 * 1.5


def test_layers_that_checkpoint_keep_less():
    model, _ = toy(layers=6)
    kept = step_memory(model, **SIZES, rows_at_once=1).activations
    model.activation_checkpointing_enable()
    assert step_memory(model, **SIZES, rows_at_once=1).activations < kept / 2
    assert all(layer.gradient_checkpointing for layer in model.transformer.h)


def test_the_most_rows_that_there_is_room_for():
    model, _ = toy()
    for rows in (16, 12, 8, 4, 2, 1):
        needed = step_memory(model, **SIZES, rows_at_once=rows)
        assert rows_that_fit(model, needed.total - needed.weights, **SIZES) == rows
    assert rows_that_fit(model, 1e9, **SIZES) == 16
    assert room() > 1e8


@pytest.mark.parametrize(
    "changed, message",
    [
        ({}, "GB are optimizer; expected an adapter, as load.*lora=8"),
        ({"max_new_tokens": 100, "prompts_per_step": 400}, "GB are cache; expected fewer prompts_per_step"),
        ({"width": 4, "max_new_tokens": 100}, "GB are logits; expected fewer max_new_tokens"),
        ({"width": 4, "lora": 1, "prompt_tokens": 118}, "GB are activations; expected shorter prompts"),
    ],
)
def test_where_nothing_fits_it_says_what_to_lower(changed, message):
    changed = dict(changed)
    model, _ = toy(changed.pop("width", 32), lora=changed.pop("lora", None))
    with pytest.raises(ValueError, match=f"a step takes .* even with rows_at_once=1, .*{message}"):
        rows_that_fit(model, 1, **(SIZES | changed))


@pytest.mark.parametrize("name", ["prompt_tokens", "max_new_tokens", "prompts_per_step", "group_size", "rows_at_once"])
@pytest.mark.parametrize("value", [0, -1, 2.5, "8", None])
def test_sizes_are_whole_numbers(name, value):
    if (name, value) == ("rows_at_once", None):
        return
    with pytest.raises((TypeError, ValueError), match=f"{name} is"):
        step_memory(toy()[0], **(SIZES | {name: value}))


STEPS = """
import json, sys
import numpy as np, torch
sys.path.insert(0, "tests")
from test_memory import WORDS, toy
from rlbook.language.grpo import grpo
from rlbook.language.memory import step_memory

def steps(model, tokenizer, prompts, rows, sizes, beta):
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-5)
    reward = lambda prompts, completions: [float(len(set(c))) for c in completions]
    list(grpo(model, tokenizer, prompts, reward, optimizer, steps=2, rng=np.random.default_rng(0), rows_at_once=rows,
              beta=beta, **sizes))

def status(what):
    return next(1024 * int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(what))

width, layers, lora, rows, beta, prompt_tokens, sizes = json.loads(sys.argv[1])
steps(*toy(8, 1, lora), ["w1", "w2"], None, dict(max_new_tokens=3, prompts_per_step=2, group_size=2), beta)
model, tokenizer = toy(width, layers, lora)
held = status("VmRSS")
needed = step_memory(model, prompt_tokens=prompt_tokens, rows_at_once=rows, beta=beta, **sizes)
draw = np.random.default_rng(0)
prompts = [" ".join(draw.choice(WORDS[:-1], prompt_tokens)) for _ in range(sizes["prompts_per_step"])]
steps(model, tokenizer, prompts, rows, sizes, beta)
print(json.dumps([needed.total - needed.weights, status("VmHWM") - held, needed]))
"""
SETTINGS = {
    "the whole model at once": (256, 6, None, None, 0.0, 40, dict(max_new_tokens=16, prompts_per_step=8, group_size=8)),
    "in parts, with a reference": (
        384,
        6,
        None,
        16,
        0.1,
        40,
        dict(max_new_tokens=16, prompts_per_step=8, group_size=8),
    ),
    "an adapter": (384, 6, 8, 16, 0.1, 60, dict(max_new_tokens=24, prompts_per_step=8, group_size=8)),
}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="what a process has held is read from /proc")
@pytest.mark.parametrize("setting", SETTINGS)
def test_a_process_takes_what_was_said_within_a_quarter(setting):
    root = Path(__file__).parent.parent
    process = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", STEPS, json.dumps(SETTINGS[setting])],
        cwd=root,
        env=os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr[-2000:]
    said, took, needed = json.loads(process.stdout.splitlines()[-1])
    assert 0.75 < said / took < 1.25, (said, took, StepMemory(*needed))
