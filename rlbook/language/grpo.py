"""GRPO: policy gradient for language models, with the group in the place of a value network.

What was chosen, since papers and libraries differ: the KL penalty is taken off the reward (the paper's own, in the loss,
is kl="loss"); an advantage is divided by the population standard deviation of its group plus 1e-4 (not so with
divide_by_std=False); every token of a batch weighs the same; the norm of the gradient is limited to 1. What was left
out: a value network, a reward model, and any filter on what is sampled. Exercise 20.4 changes each of the first three.
"""

import time
from functools import partial
from typing import NamedTuple

import numpy as np

from rlbook._checks import check_counts, check_number, require, shown
from rlbook.advantages import group_relative

torch = require("torch", extra="language")
require("transformers", extra="language")

from rlbook._torch import check_same_shape  # noqa: E402
from rlbook.language.captured import Decodings  # noqa: E402
from rlbook.language.sampling import group_logprobs  # noqa: E402
from rlbook.language.trainers import (  # noqa: E402
    check_belonging,
    check_rows,
    checked_numbers,
    is_coarse,
    parts_of,
    prepare,
    seen,
    take_step,
)
from rlbook.surrogate import clipped_surrogate, k3  # noqa: E402
from rlbook.training import trainer  # noqa: E402

STD_EPSILON = 1e-4  # in units of reward: two log-probabilities that ought to be equal differ by about 1e-7


class Step(NamedTuple):
    """What one step of `grpo` saw and did. B is prompts_per_step times group_size, groups in consecutive rows."""

    step: int  # from 1
    prompts: list[str]  # (B,)
    completions: list[str]  # (B,)
    rewards: np.ndarray  # (B,) as the reward function gave them
    advantages: np.ndarray  # (B,)
    reward: float  # the mean of rewards
    group_std: float  # the mean over groups of the population standard deviation of their rewards
    zero_std: float  # the share of groups whose rewards are all equal
    kl: float  # the mean of log pi(y|x) - log pi_ref(y|x): an estimate of KL(pi || pi_ref); nan without a reference
    entropy: float  # the mean of -log pi over tokens: an estimate of the entropy of a token, in nats
    length: float  # the mean number of tokens of a completion
    unfinished: float  # the share of completions without an end
    loss: float  # the mean over epochs
    clip_fraction: float  # the share of tokens whose gradient the clipping took away, over all epochs
    largest_ratio: float  # of a token's probability to that when it was drawn, or its inverse, over all epochs
    gradient_norm: float  # before it was limited, the mean over epochs
    tokens_per_second: float  # completion tokens over the time of the whole step


@trainer
def grpo(
    model,
    tokenizer,
    prompts,
    reward,
    optimizer,
    *,
    steps,
    max_new_tokens,
    rng,
    columns=None,
    prompts_per_step=8,
    group_size=8,
    temperature=1.0,
    divide_by_std=True,
    beta=0.0,
    reference=None,
    kl="reward",
    clip=0.2,
    epochs=1,
    max_gradient_norm=1.0,
    rows_at_once=None,
    memory,
):
    """Sample a group of completions for each prompt, and make its better ones likelier.

    prompts     strings, in a list, an array or one column of a table; each step draws
                prompts_per_step of them, all different
    reward      reward(prompts, completions, **columns) -> a list of floats, one a completion, or None
                for one to which it does not apply: nothing is learned from that
    optimizer   any PyTorch optimizer of the model's parameters whose step takes no closure
    columns     {name: list, array or column}, an entry for each prompt, that the reward function
                gets too; prompts and columns belong together by position, not by any labels
    beta        weight of the KL divergence from the reference, in reward per nat; 0 for none
    reference   the model to stay near, which is put into eval mode and shares no weight with the
                one that learns; by default, if beta is not 0, a copy of the model as it starts, or the
                model without its adapter, where it has one of peft's (`load(..., lora=8)`)
    kl          "reward": beta * log(pi / pi_ref) of a completion is taken off its reward;
                "loss": beta * `k3` of each token is added to the loss
    epochs      how often the same samples are learned from; the first clips nothing, since what
                rounds otherwise than sampling did (half precision) is scored again before it
    rows_at_once    completions in one pass through the model, where all need too much memory:
                about 16 bytes * completions * tokens * vocabulary, besides the activations

    Trains the model in place, its dropout off; yields a `Step` after each step. Raises ValueError
    or TypeError before the first for what cannot be trained, and where the reward function does not
    return one finite number for each completion; FloatingPointError for a gradient that is not finite.
    Source: Shao et al. (2024), section 4.1.
    """
    check_counts(steps=steps, epochs=epochs)
    beta, temperature, max_gradient_norm = checked_numbers(beta, temperature, max_gradient_norm)
    clip = check_number("clip", clip, above=0)
    _check_choices(group_size, kl, rows_at_once)
    sizes = dict(max_new_tokens=max_new_tokens, prompts_per_step=prompts_per_step, group_size=group_size)
    rest = dict(columns=columns, temperature=temperature, rows_at_once=rows_at_once, reference=reference, beta=beta)
    task, reference = prepare(model, tokenizer, prompts, reward, optimizer, rng=rng, **sizes, **rest)
    memory.begin(step=0, reference=reference, decodings=Decodings(model))
    again = epochs > 1 or is_coarse(model)  # what is then compared with what sampling said, rounds otherwise
    learn = partial(update, model, optimizer, clip=clip, max_gradient_norm=max_gradient_norm, **task.scoring)
    while memory.step < steps:
        memory.step += 1
        started = time.perf_counter()
        chosen = rng.choice(len(task.prompts), prompts_per_step, replace=False)
        tried = task.attempt(chosen, memory.reference, rng, again=again)
        leashed = tried.leashed(beta if kl == "reward" else 0.0)
        compared = dict(judged=tried.judged, divide_by_std=divide_by_std, epsilon=STD_EPSILON)
        advantages = group_relative(leashed, group_size, **compared)
        in_loss = dict(reference_logp=tried.reference_logp, beta=beta if kl == "loss" else 0.0)
        passes = [learn(tried.samples, advantages, **in_loss) for _ in range(epochs)]
        loss, clipped, norm, _ = np.mean(passes, axis=0).tolist()
        told = seen(memory.step, started, tried, advantages, group_size)
        told |= dict(loss=loss, clip_fraction=clipped, gradient_norm=norm)
        yield Step(**told, largest_ratio=max(largest for *_, largest in passes))


def update(
    model,
    optimizer,
    samples,
    advantages,
    reference_logp=None,
    *,
    clip=0.2,
    beta=0.0,
    temperature=1.0,
    max_gradient_norm=1.0,
    group_size=1,
    rows_at_once=None,
):
    """One step of the optimizer up the clipped surrogate, averaged over the tokens of all samples.

    advantages (B,); with beta, the `k3` estimate of the KL divergence from the reference, which gives
    the tokens reference_logp (B, L), is taken off. With group_size, the prompt of each group is read
    once (see `group_logprobs`). Returns the loss, the share of tokens that were clipped, the norm of
    the gradient, and the largest ratio of a token or its inverse. Raises FloatingPointError, before
    the step, if the norm is not finite.
    """
    beta, temperature, max_gradient_norm = checked_numbers(beta, temperature, max_gradient_norm)
    clip = check_number("clip", clip, above=0)
    advantages = torch.as_tensor(advantages, dtype=torch.float32, device=model.device)
    _check_belonging(samples, advantages, reference_logp, beta)
    model.zero_grad()
    num_tokens, total, clipped, largest = samples.mask.sum(), 0.0, 0, 1.0
    for rows, part, shared in parts_of(samples, group_size, rows_at_once):
        logp = group_logprobs(model, part, shared, temperature=temperature)
        surrogate = clipped_surrogate(logp, part.logprobs, advantages[rows], clip=clip)
        log_ratio = (logp - part.logprobs).detach()
        largest = max(largest, log_ratio[part.mask].abs().max().exp().item())
        unclipped = log_ratio.exp() * advantages[rows, None]
        clipped += int((surrogate < unclipped)[part.mask].sum())
        if beta:
            surrogate = surrogate - beta * k3(logp, reference_logp[rows])
        loss = -(surrogate * part.mask).sum() / num_tokens
        loss.backward()
        total += loss.item()
    return total, clipped / int(num_tokens), take_step(optimizer, max_gradient_norm, "GRPO update"), largest


def _check_choices(group_size, kl, rows_at_once):
    check_counts(least=2, group_size=group_size)
    check_rows(group_size, rows_at_once)
    if kl not in ("reward", "loss"):
        raise ValueError(f"kl is {shown(kl)}, expected 'reward' or 'loss': where the KL penalty stands")


def _check_belonging(samples, advantages, reference_logp, beta):
    """Raise unless each of the samples has its log-probabilities, its advantage, and with beta a reference's."""
    check_belonging(samples, advantages, samples.tokens.shape[:1])
    if beta:
        check_same_shape("", **{"samples.logprobs": samples.logprobs, "reference_logp": reference_logp})
