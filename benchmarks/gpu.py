"""Language models on a GPU: how fast they write and learn, in how much memory, and how exactly.

    python benchmarks/gpu.py               some minutes of a GPU; writes benchmarks/results/gpu.csv
    python benchmarks/gpu.py write learn   only these parts, which are printed only
    python benchmarks/gpu.py --dry-run     the same with tiny models, on a processor if there is no GPU; printed only

The models have the shapes of SmolLM2-135M and Qwen2.5-0.5B and random weights, so no network is needed. Completions come
in groups of 8. Times are those of a second run with the same shapes, of GRPO the third step, without cuDNN's attention
(see plans). A line of the table is a number, what it says, and on which card with which versions.

write    tokens a second of 128 after prompts of 256, these included: plain step, captured one, generate of transformers
learn    seconds and peak memory of a step of GRPO, sampled with the plain step or the captured one
sums     the shipped model "arithmetic", trained with GRPO: held-out sums right before and after
exact    how far its log-probabilities are from those of a processor in float64
plans    the plain step for a new shape, with the attention of cuDNN, which makes a plan for each, and without
"""

import argparse
import gc
import time
from contextlib import nullcontext
from copy import deepcopy
from functools import partial
from itertools import product
from pathlib import Path
from unittest.mock import patch

import arithmetic
import numpy as np
import torch
import transformers
from tables import say, write
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

from rlbook.language import sampling
from rlbook.language.arithmetic import sums
from rlbook.language.grpo import grpo
from rlbook.language.models import load, word_tokenizer
from rlbook.language.sampling import sample, token_logprobs

TABLE = Path(__file__).parent / "results" / "gpu.csv"
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
GROUP = 8
SMOLLM2 = dict(hidden_size=576, intermediate_size=1536, num_hidden_layers=30, vocab_size=49_152)
SMOLLM2 |= dict(num_attention_heads=9, num_key_value_heads=3)
QWEN2 = dict(hidden_size=896, intermediate_size=4864, num_hidden_layers=24, vocab_size=151_936)
QWEN2 |= dict(num_attention_heads=14, num_key_value_heads=2)
MODELS = {
    "SmolLM2-135M": (LlamaForCausalLM, LlamaConfig, SMOLLM2),
    "Qwen2.5-0.5B": (Qwen2ForCausalLM, Qwen2Config, QWEN2),
}
TINY = dict(hidden_size=64, intermediate_size=128, num_hidden_layers=2, vocab_size=500)
TINY |= dict(num_attention_heads=4, num_key_value_heads=2)


class Sizes:
    """How large everything is."""

    def __init__(self, dry):
        self.rows = (8, 16) if dry else (8, 64, 256)
        self.prompt, self.new = (16, 16) if dry else (256, 128)
        self.changed = TINY if dry else {}
        self.steps = 2 if dry else 50  # of GRPO on the sums


def model_of(name, sizes, dtype):
    """A model of that shape in eval mode, and a tokenizer that has a word for every token."""
    family, config, shape = MODELS[name]
    shape = shape | sizes.changed
    end = shape["vocab_size"] - 1
    special = dict(bos_token_id=None, eos_token_id=end, pad_token_id=end)
    torch.manual_seed(0)
    with torch.device(DEVICE):
        model = family(config(**shape, **special, tie_word_embeddings=True, max_position_embeddings=2048))
    words = [f"w{i}" for i in range(end)]
    return model.to(dtype).eval(), word_tokenizer([*words, "."], ".")


def prompts_of(sizes, count):
    """Different prompts of the same length."""
    tokens = np.random.default_rng(0).integers(sizes.changed.get("vocab_size", 40_000) - 1, size=(count, sizes.prompt))
    return [" ".join(f"w{i}" for i in row) for row in tokens]


def step(way):
    """The context in which samples are drawn by the plain step or, with "captured", by whichever is chosen."""
    return patch.object(sampling, "captured", lambda plain, *others: plain) if way == "plain" else nullcontext()


def seconds(call):
    """How long a call takes until the GPU is done."""
    wait()
    started = time.perf_counter()
    call()
    wait()
    return time.perf_counter() - started


def wait():
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


def writing(sizes):
    for name in MODELS:
        model, tokenizer = model_of(name, sizes, torch.bfloat16)
        for rows in sizes.rows:
            prompts = prompts_of(sizes, rows // GROUP)
            settings = dict(max_new_tokens=sizes.new, group_size=GROUP, rng=np.random.default_rng(0))
            ours = partial(sample, model, tokenizer, prompts, **settings)
            theirs = partial(generate, model, tokenizer, prompts, sizes.new)
            for way, call in {"plain": ours, "captured": ours, "generate": theirs}.items():
                with step(way):
                    call()
                    speed = rows * sizes.new / seconds(call)
                yield f"{name}, bfloat16, {rows} rows", way, "tokens/s", round(speed)


def generate(model, tokenizer, prompts, new):
    """What `sample` does, by transformers: texts from texts."""
    batch = tokenizer(prompts, padding=True, return_tensors="pt", return_token_type_ids=False).to(model.device)
    sampled = dict(do_sample=True, temperature=1.0, top_k=0, num_return_sequences=GROUP, max_new_tokens=new)
    tokens = model.generate(**batch, **sampled, pad_token_id=tokenizer.pad_token_id)
    return tokenizer.batch_decode(tokens[:, batch.input_ids.shape[1] :], skip_special_tokens=True)


def evenness(prompts, completions, **columns):
    """The share of even words: a reward that differs within every group."""
    words = [[int(word[1:]) for word in text.split() if word != "."] for text in completions]
    return [sum(word % 2 == 0 for word in row) / max(len(row), 1) for row in words]


def learning(sizes):
    name, prompts = "Qwen2.5-0.5B", prompts_of(sizes, 8)
    for kind, way in product(["autocast", "bfloat16"], ["plain", "captured"]):
        forget()
        model, tokenizer = model_of(name, sizes, torch.float32 if kind == "autocast" else torch.bfloat16)
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-6)
        settings = dict(steps=3, prompts_per_step=8, group_size=GROUP, max_new_tokens=sizes.new)
        run = grpo(model, tokenizer, prompts, evenness, optimizer, rng=np.random.default_rng(0), **settings)
        with step(way), torch.autocast(DEVICE.type, torch.bfloat16, enabled=kind == "autocast"):
            *_, last = [seconds(partial(next, run)) for _ in range(settings["steps"])]
        what = f"{name}, GRPO step 8 x {GROUP} x {sizes.new}, {kind}"
        yield what, way, "s", round(last, 2)
        for unit, number in peaks():
            yield what, way, unit, number
        del model, optimizer, run


def forget():
    """Free what is no longer used, and measure the most memory from now on."""
    gc.collect()
    if DEVICE.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def peaks():
    """The most memory that tensors took, and that PyTorch held for them; nothing without a GPU."""
    if DEVICE.type == "cuda":
        yield "peak GiB of tensors", round(torch.cuda.max_memory_allocated() / 2**30, 1)
        yield "peak GiB held", round(torch.cuda.max_memory_reserved() / 2**30, 1)


def training_on_sums(sizes):
    line = arithmetic.train(100, device=DEVICE, steps=sizes.steps)
    for name, when in product(["sampled", "greedy"], ["before", "after"]):
        yield f"arithmetic, {sizes.steps} steps of 64 x 16", f"{name}, {when}", "right", line[f"{name}_{when}"]
    yield f"arithmetic, {sizes.steps} steps of 64 x 16", "captured", "s", line["seconds"]


def exactness(sizes):
    prompts, _ = sums(held_out=True)
    for dtype in (torch.float32, torch.bfloat16):
        model, tokenizer = load("arithmetic", device=DEVICE, dtype=dtype)
        exact = deepcopy(model).cpu().double()
        samples = sample(model, tokenizer, prompts[:500], max_new_tokens=16, group_size=4, rng=np.random.default_rng(0))
        rows = samples.tokens, samples.mask
        with torch.no_grad():
            right = token_logprobs(exact, *(r.cpu() for r in rows), attention_mask=samples.attention_mask.cpu())
            scored = token_logprobs(model, *rows, attention_mask=samples.attention_mask)
        for way, logp in {"sampled": samples.logprobs, "scored": scored}.items():
            error = float((logp.cpu().double() - right).abs().max())
            yield f"arithmetic, {str(dtype).removeprefix('torch.')}", way, "largest error in nats", f"{error:.1e}"


def planning(sizes):
    name, new = "SmolLM2-135M", sizes.new // 4
    model, tokenizer = model_of(name, sizes, torch.bfloat16)
    for cudnn, rows in [(True, 48), (False, 40)]:
        settings = dict(max_new_tokens=new, group_size=GROUP, rng=np.random.default_rng(0))
        call = partial(sample, model, tokenizer, prompts_of(sizes, rows // GROUP), **settings)
        torch.backends.cuda.enable_cudnn_sdp(cudnn)
        with step("plain"):
            for run in ("first", "second"):
                what = f"{name}, bfloat16, {rows} rows x {new}, cuDNN {'on' if cudnn else 'off'}"
                yield what, f"plain, {run} run", "s", round(seconds(call), 2)


PARTS = {
    "plans": planning,
    "exact": exactness,
    "write": writing,
    "learn": learning,
    "sums": training_on_sums,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--dry-run", action="store_true", help="with tiny models")
    arguments = parser.parse_args()
    if not (arguments.dry_run or DEVICE.type == "cuda"):
        parser.error("there is no GPU here: expected one, or --dry-run")
    card = torch.cuda.get_device_name() if DEVICE.type == "cuda" else "none"
    versions = dict(card=card, torch=torch.__version__, transformers=transformers.__version__)
    lines = []
    for part in arguments.parts or PARTS:
        torch.backends.cuda.enable_cudnn_sdp(False)
        started = time.perf_counter()
        for what, way, unit, number in PARTS[part](Sizes(arguments.dry_run)):
            lines.append(dict(part=part, what=what, way=way, unit=unit, number=number) | versions)
            say(lines[-1])
        print(f"{part}: {time.perf_counter() - started:.0f} s", flush=True)
    if not (arguments.parts or arguments.dry_run):
        write(TABLE, lines)


if __name__ == "__main__":
    main()
