"""How much memory a step of training will take, told before it is made, and how many completions at once there is room for.

What a pass keeps for its gradient is counted on one group of made-up tokens, and all else follows from sizes. Not counted
is what Python and its libraries hold anyway, and what an allocator keeps of what was given back to it: on Linux, where
many parts pass one after another (rows_at_once), as much again, unless MALLOC_MMAP_THRESHOLD_=65536 stands before the
command.
"""

import math
from typing import NamedTuple

from rlbook._checks import check_counts, check_number, require

torch = require("torch", extra="language")
require("transformers", extra="language")

from transformers import DynamicCache  # noqa: E402

from rlbook.language.fitting import check_model, num_rows  # noqa: E402
from rlbook.language.models import has_adapter  # noqa: E402
from rlbook.language.sampling import Samples, group_logprobs, layers_to_checkpoint, next_logits  # noqa: E402

LOGIT = 16  # bytes for each logit of a pass with a gradient: it, its exponential, and the gradients of both, in float32
SLACK = 1.05  # of activations: what is held for a moment beside what is kept
LEVERS = {
    "gradients": "an adapter, as load(..., lora=8) gives one",
    "optimizer": "an adapter, as load(..., lora=8) gives one, or an optimizer without means",
    "reference": "an adapter, whose reference is the model without it, or beta=0",
    "cache": "fewer prompts_per_step, a smaller group_size or fewer max_new_tokens",
    "activations": "shorter prompts, or a model that checkpoints its activations",
    "logits": "fewer max_new_tokens",
}


class StepMemory(NamedTuple):
    """What a step of training takes, in bytes."""

    weights: int
    gradients: int
    optimizer: int  # the two means of Adam
    reference: int  # the weights of a second model
    cache: int  # keys and values of all completions, as the captured step keeps them
    activations: int  # of the completions that learn at once
    logits: int  # of the same

    @property
    def total(self):
        """At its most: while samples are drawn there is a second cache, which is gone when activations come."""
        return sum(self[:5]) + max(self.cache, self.activations + self.logits)


def step_memory(
    model,
    *,
    prompt_tokens,
    max_new_tokens,
    prompts_per_step=8,
    group_size=8,
    rows_at_once=None,
    beta=0.0,
):
    """What a step of `grpo`, or of its like, will take with these arguments of it: a `StepMemory`.

    prompt_tokens   of the longest prompt. The optimizer is taken to be Adam, and the reference, with beta, a copy of the
                    model, or the model itself if it has an adapter
    """
    check_counts(prompt_tokens=prompt_tokens, max_new_tokens=max_new_tokens, prompts_per_step=prompts_per_step)
    check_counts(group_size=group_size)
    check_model(model)
    beta, rows = check_number("beta", beta, least=0), prompts_per_step * group_size
    length = prompt_tokens + max_new_tokens
    cache = _cache_of_a_token(model) * rows * length
    if rows_at_once is not None:
        check_counts(rows_at_once=rows_at_once)
        rows = min(rows, rows_at_once)
    group = group_size if rows % group_size == 0 else 1  # as the trainers do: other parts read each prompt alone
    weights = sum(p.numel() * p.itemsize for p in model.parameters())
    trained = sum(p.numel() * p.itemsize for p in model.parameters() if p.requires_grad)
    return StepMemory(
        weights=weights,
        gradients=trained,
        optimizer=2 * trained,
        reference=weights if beta and not has_adapter(model) else 0,
        cache=cache,
        activations=round(SLACK * _kept(model, prompt_tokens, max_new_tokens, group)) * (rows // group),
        logits=LOGIT * rows * max_new_tokens * num_rows(model),
    )


def rows_that_fit(model, room, *, prompts_per_step=8, group_size=8, **sizes):
    """The largest rows_at_once, as the trainers take it, with which a step fits into so many bytes beside the weights.

    sizes   the other arguments of `step_memory`. Whole groups are preferred, since they read their prompt once.
    Raises ValueError if not even one completion at a time fits: it says what takes most, and what to lower.
    """
    room = check_number("room", room, above=0)
    sizes |= dict(prompts_per_step=prompts_per_step, group_size=group_size)
    for rows, most in [(group_size, prompts_per_step * group_size), (1, group_size - 1)]:
        needed = step_memory(model, **sizes, rows_at_once=rows)
        if needed.total - needed.weights <= room:
            left = room - sum(needed[1:5])
            return min(rows * int(left // (needed.activations + needed.logits)), max(most, 1))
    parts = needed._replace(weights=0)._asdict()
    most = max(parts, key=parts.get)
    raise ValueError(
        f"a step takes {(needed.total - needed.weights) / 1e9:.3g} GB beside the weights even with rows_at_once=1, and "
        f"there is room for {room / 1e9:.3g}: {parts[most] / 1e9:.3g} GB are {most}; expected {LEVERS[most]}"
    )


def room(device="cpu"):
    """The bytes that are free on a device now: what `rows_that_fit` may fill."""
    device = torch.device(device)
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return require("psutil", extra="lora").virtual_memory().available


@torch.no_grad()
def _cache_of_a_token(model):
    """The bytes of keys and values of one token in one row."""
    cache = DynamicCache(config=model.config)
    token = torch.zeros((1, 1), dtype=torch.long, device=model.device)
    next_logits(model, token, torch.ones_like(token, dtype=torch.bool), cache)
    return sum(part.numel() * part.itemsize for layer in cache.layers for part in (layer.keys, layer.values))


def _kept(model, prompt_tokens, new_tokens, group):
    """The bytes that a pass of one group keeps for its gradient, without weights and logits, at their most.

    Layers that checkpoint keep what they read, and when the gradient comes, one of them computes all of its own again.
    """
    checkpointing = layers_to_checkpoint(model)
    read = _counted(model, prompt_tokens, new_tokens, group)
    for layer in checkpointing:
        layer.gradient_checkpointing = False
    try:
        computed = _counted(model, prompt_tokens, new_tokens, 1) * group if checkpointing else 0
    finally:
        for layer in checkpointing:
            layer.gradient_checkpointing = True
    return read + (math.ceil(computed / len(checkpointing)) if checkpointing else 0)


def _counted(model, prompt_tokens, new_tokens, group):
    shape = (group, prompt_tokens + new_tokens)
    tokens = torch.zeros(shape, dtype=torch.long, device=model.device)
    there, own = torch.ones_like(tokens, dtype=torch.bool), torch.arange(shape[1], device=model.device) >= prompt_tokens
    samples = Samples(tokens, there, own.expand(shape), None, [])
    weights, kept = {p.untyped_storage().data_ptr() for p in model.parameters()}, {}

    def count(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights and tensor.shape[-1:] != (num_rows(model),):
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        logp = group_logprobs(model, samples, group)
    del logp  # until here all that is kept lives, so that no two have one address
    return sum(kept.values())
