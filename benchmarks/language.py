"""The speeds that the book claims for language models, each as a ratio to another program with the same model.

    make bench        (or: pip install -e '.[bench]' and python benchmarks/language.py)

They are measured as in run.py. The model's end token never comes, so that every completion has the same length.
"""

import resource
import sys
import tempfile
import time
from contextlib import redirect_stdout
from itertools import product

import numpy as np
import torch
from datasets import Dataset
from measuring import in_a_process_of_its_own, report, seconds
from transformers import LlamaConfig, LlamaForCausalLM, TrainerCallback
from trl import DPOConfig, DPOTrainer, GRPOConfig, GRPOTrainer, RLOOConfig, RLOOTrainer

from rlbook.language.grpo import grpo
from rlbook.language.models import character_tokenizer, tiny_gpt2
from rlbook.language.pairs import Pairs
from rlbook.language.policy_gradient import rloo
from rlbook.language.preferences import dpo
from rlbook.language.rlhf import ppo, value_head
from rlbook.language.sampling import sample

SUMS = [f"{a}+7=" for a in range(14, 94, 10)]  # 5 characters
WORKED = [f"{a}+{a}={2 * a}=" * 5 + f"{a}+7=" for a in range(14, 94, 10)]  # 50 or 55: worked sums before the sum
GROUP = 8
NEW_TOKENS = 16
STEPS = 30


def gpt2(tokenizer):
    """A GPT-2 of the size of "arithmetic" whose end token has a logit of about -100."""
    model = tiny_gpt2(tokenizer, layers=2, width=128, heads=4, context=96, rng=np.random.default_rng(0))
    with torch.no_grad():
        model.transformer.ln_f.weight[0], model.transformer.ln_f.bias[0] = 0.0, 100.0
        model.lm_head.weight[:, 0] = 0.0
        model.lm_head.weight[tokenizer.eos_token_id, 0] = -1.0
    return model


def llama(tokenizer):
    """A Llama of about that size, two heads to a key; a bias on its last layer gives the end token a logit of -100."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=384,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=96,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = LlamaForCausalLM(config).eval()
    model.lm_head = torch.nn.Linear(128, len(tokenizer))
    with torch.no_grad():
        model.lm_head.weight.normal_(0, 0.02)
        model.lm_head.bias.zero_()[tokenizer.eos_token_id] = -100.0
    return model


def endless(family):
    """A model whose end token never comes, and its tokenizer."""
    tokenizer = character_tokenizer("0123456789+=")
    return family(tokenizer), tokenizer


def sampling_ratios():
    """Texts from texts: a group for each prompt, against generate with as many returned sequences."""
    marks = [(WORKED, 4.2), (WORKED[-1:], 3.2), (SUMS, 2.2), (SUMS[-1:], 2.2)]
    for family, (prompts, mark) in product([gpt2, llama], marks):
        model, tokenizer = endless(family)
        lengths = {}

        def ours(model=model, tokenizer=tokenizer, prompts=prompts, lengths=lengths):
            rng = np.random.default_rng(0)
            samples = sample(model, tokenizer, prompts, max_new_tokens=NEW_TOKENS, group_size=GROUP, rng=rng)
            lengths["ours"] = samples.mask.sum(1).tolist()

        def theirs(model=model, tokenizer=tokenizer, prompts=prompts, lengths=lengths):
            torch.manual_seed(0)
            batch = tokenizer(prompts, padding=True, return_tensors="pt", return_token_type_ids=False)
            tokens = model.generate(
                **batch,
                max_new_tokens=NEW_TOKENS,
                num_return_sequences=GROUP,
                do_sample=True,
                temperature=1.0,
                top_k=0,
            )[:, batch.input_ids.shape[1] :]
            tokenizer.batch_decode(tokens, skip_special_tokens=True)
            lengths["theirs"] = [len(row) for row in tokens]

        t_ours, t_theirs = seconds(ours, theirs)
        batch_size = len(prompts) * GROUP
        assert lengths["ours"] == lengths["theirs"] == [NEW_TOKENS] * batch_size
        speeds = f"{t_ours * 1e3:.1f} ms, {t_theirs * 1e3:.1f} ms"
        what = f"{family.__name__}: sample {batch_size} x {NEW_TOKENS}, prompts of {len(prompts[0])}: generate's time / ours"
        yield what, speeds, t_theirs / t_ours, "at least", mark


def evenness(prompts, completions, **columns):
    """The share of even digits: a reward that costs nothing to compute and differs within every group."""
    return [sum(c in "02468" for c in completion) / NEW_TOKENS for completion in completions]


def our_step_times(learn, family, prompts):
    model, tokenizer = endless(family)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)
    settings = dict(steps=STEPS, max_new_tokens=NEW_TOKENS, prompts_per_step=len(prompts), group_size=GROUP)
    times = [time.perf_counter()]
    for record in learn(model, tokenizer, prompts, evenness, optimizer, rng=np.random.default_rng(0), **settings):
        times.append(time.perf_counter())
        assert record.length == NEW_TOKENS
    return np.diff(times)


class Clock(TrainerCallback):
    """The moment at which each step of a trainer ended."""

    def __init__(self):
        self.times = []

    def on_step_end(self, args, state, control, **kwargs):
        self.times.append(time.perf_counter())


def their_step_times(trainer, config, family, prompts):
    model, tokenizer = endless(family)
    clock, lengths = Clock(), set()

    def reward(prompts, completions, completion_ids, **columns):
        lengths.update(map(len, completion_ids))
        return evenness(prompts, completions)

    with tempfile.TemporaryDirectory() as folder:
        settings = config(
            output_dir=folder,
            max_steps=STEPS,
            per_device_train_batch_size=len(prompts) * GROUP,
            num_generations=GROUP,
            max_completion_length=NEW_TOKENS,
            num_iterations=1,
            beta=0.0,
            temperature=1.0,
            top_k=0,
            learning_rate=1e-5,
            lr_scheduler_type="constant",
            optim="adamw_torch",
            use_cpu=True,
            bf16=False,
            gradient_checkpointing=False,
            report_to="none",
            logging_strategy="no",
            save_strategy="no",
            disable_tqdm=True,
        )
        trainer(
            model=model,
            processing_class=tokenizer,
            reward_funcs=reward,
            args=settings,
            train_dataset=Dataset.from_dict({"prompt": prompts}),
            callbacks=[clock],
        ).train()
    assert lengths == {NEW_TOKENS}
    return np.diff(clock.times)


PEERS = {"grpo": (grpo, GRPOTrainer, GRPOConfig), "rloo": (rloo, RLOOTrainer, RLOOConfig)}


def step_ratios(name, marks):
    """A step: sample, reward, one update. Both trainers by turns; the first five steps of each do not count."""
    learn, *theirs = PEERS[name]
    for family, (prompts, mark) in product([gpt2, llama], zip([WORKED, SUMS], marks)):
        rounds = [
            (our_step_times(learn, family, prompts)[5:], their_step_times(*theirs, family, prompts)[5:])
            for _ in range(3)
        ]
        t_ours, t_theirs = (np.concatenate(times).min() for times in zip(*rounds))
        speeds = f"{t_ours * 1e3:.0f} ms, {t_theirs * 1e3:.0f} ms"
        what = f"{family.__name__}: {name} 8 x 8 x {NEW_TOKENS}, prompts of {len(prompts[0])}: trl's step / ours"
        yield what, speeds, t_theirs / t_ours, "at least", mark


def peak_memory(name, side):
    """The most MB that this process has held, after training with one of the two."""
    learn, *theirs = PEERS[name]
    with redirect_stdout(sys.stderr):  # trl prints
        _ = our_step_times(learn, gpt2, WORKED) if side == "ours" else their_step_times(*theirs, gpt2, WORKED)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == "darwin" else 2**10)


def memory_ratio(name):
    """Each side in a process of its own, which has imported both."""
    ours, theirs = (
        in_a_process_of_its_own("language", f"peak_memory({name!r}, {side!r})") for side in ("ours", "theirs")
    )
    yield f"gpt2: {name}, peak memory: ours / trl's", f"{ours:.0f} MB, {theirs:.0f} MB", ours / theirs, "at most", 1


def grpo_ratios():
    return step_ratios("grpo", [4.0, 2.0])


def rloo_ratios():
    yield from step_ratios("rloo", [2.0, 2.0])
    yield from memory_ratio("rloo")


PAIRS = 32  # in a step


def our_dpo_time(family, pairs):
    """Seconds of a step, the scoring of its pairs under the reference included."""
    model, tokenizer = endless(family)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)
    settings = dict(steps=STEPS, max_new_tokens=NEW_TOKENS, pairs_per_step=PAIRS, beta=0.1)
    started = time.perf_counter()
    for record in dpo(model, tokenizer, pairs, optimizer, rng=np.random.default_rng(0), **settings):
        assert len(record.pairs) == PAIRS
    return (time.perf_counter() - started) / STEPS


def their_dpo_time(family, pairs):
    """Seconds of the shortest step after five."""
    (model, tokenizer), (reference, _), clock = endless(family), endless(family), Clock()
    with tempfile.TemporaryDirectory() as folder:
        settings = DPOConfig(
            output_dir=folder,
            max_steps=STEPS,
            per_device_train_batch_size=PAIRS,
            beta=0.1,
            learning_rate=1e-5,
            lr_scheduler_type="constant",
            optim="adamw_torch",
            use_cpu=True,
            bf16=False,
            activation_checkpointing=False,
            report_to="none",
            logging_strategy="no",
            save_strategy="no",
            disable_tqdm=True,
        )
        data = Dataset.from_dict({"prompt": pairs.prompts, "chosen": pairs.chosen, "rejected": pairs.rejected})
        DPOTrainer(
            model=model,
            ref_model=reference,
            processing_class=tokenizer,
            args=settings,
            train_dataset=data,
            callbacks=[clock],
        ).train()
    return np.diff(clock.times)[5:].min()


def dpo_ratios():
    """A step of DPO on 32 pairs, each of which is seen once: both completions scored by policy and reference, one update."""
    rng = np.random.default_rng(0)
    for family, (prompts, mark) in product([gpt2, llama], [(WORKED, 1.5), (SUMS, 1.5)]):
        texts = ["".join(rng.choice(list("0123456789+="), NEW_TOKENS)) for _ in range(2 * PAIRS * STEPS)]
        pairs = Pairs(prompts * (PAIRS * STEPS // len(prompts)), texts[::2], texts[1::2])
        rounds = [(our_dpo_time(family, pairs), their_dpo_time(family, pairs)) for _ in range(3)]
        ours, theirs = np.min(rounds, axis=0)
        speeds = f"{ours * 1e3:.0f} ms, {theirs * 1e3:.0f} ms"
        what = f"{family.__name__}: dpo {PAIRS} pairs x {NEW_TOKENS}, prompts of {len(prompts[0])}: trl's step / ours"
        yield what, speeds, theirs / ours, "at least", mark


def ppo_step_times(family, prompts):
    model, tokenizer = endless(family)
    value = value_head(model)
    optimizer = torch.optim.AdamW([*model.parameters(), *value.parameters()], lr=1e-5)
    settings = dict(steps=STEPS, max_new_tokens=NEW_TOKENS, prompts_per_step=len(prompts), group_size=GROUP, epochs=1)
    settings |= dict(value=value, rng=np.random.default_rng(0))
    times = [time.perf_counter()]
    for record in ppo(model, tokenizer, prompts, evenness, optimizer, **settings):
        times.append(time.perf_counter())
        assert record.length == NEW_TOKENS
    return np.diff(times)


def ppo_ratios():
    """What a value for every token costs: PPO's step, one epoch, over GRPO's with as many samples. (trl has no PPO now.)"""
    for family, prompts in product([gpt2, llama], [WORKED, SUMS]):
        rounds = [(ppo_step_times(family, prompts)[5:], our_step_times(grpo, family, prompts)[5:]) for _ in range(3)]
        valued, grouped = (np.concatenate(times).min() for times in zip(*rounds))
        speeds = f"{valued * 1e3:.0f} ms, {grouped * 1e3:.0f} ms"
        what = f"{family.__name__}: ppo 64 x {NEW_TOKENS}, prompts of {len(prompts[0])}: its step / grpo's"
        yield what, speeds, valued / grouped, "at most", None


if __name__ == "__main__":
    torch.set_num_threads(1)
    sys.exit(report(sampling_ratios, grpo_ratios, rloo_ratios, dpo_ratios, ppo_ratios))
