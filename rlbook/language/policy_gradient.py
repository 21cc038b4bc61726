"""Policy gradient for language models: REINFORCE, with no baseline, with the other samples, or with the likeliest text.

What was chosen, since papers and libraries differ: the KL penalty is taken off the reward; an advantage belongs to a
whole completion; the log-probabilities of its tokens are added, not averaged, and the mean is over completions, so that
the expected gradient is that of J (of `exact.objective`) whatever the lengths; the norm of the gradient is limited to 1.
What was left out: several steps on the same samples, and with them ratios and a clip (`grpo` has both), a value network
(`rlhf.ppo` has one), a discount, whitening, and any filter on what is sampled.
"""

import time
from functools import partial
from typing import NamedTuple

import numpy as np

from rlbook._checks import check_counts, require
from rlbook.advantages import leave_one_out

torch = require("torch", extra="language")
require("transformers", extra="language")

from rlbook.language.captured import Decodings  # noqa: E402
from rlbook.language.sampling import group_logprobs  # noqa: E402
from rlbook.language.trainers import (  # noqa: E402
    check_belonging,
    checked_numbers,
    parts_of,
    prepare,
    seen,
    take_step,
)
from rlbook.training import trainer  # noqa: E402


class Step(NamedTuple):
    """What one step saw and did. B is prompts_per_step times group_size, groups in consecutive rows."""

    step: int  # from 1
    prompts: list[str]  # (B,)
    completions: list[str]  # (B,)
    rewards: np.ndarray  # (B,) as the reward function gave them
    advantages: np.ndarray  # (B,)
    reward: float  # the mean of rewards
    group_std: float  # the mean over groups of the population standard deviation of their rewards
    zero_std: float  # the share of groups whose rewards are all equal; nan where a group is one completion
    kl: float  # the mean of log pi(y|x) - log pi_ref(y|x): an estimate of KL(pi || pi_ref); nan without a reference
    entropy: float  # the mean of -log pi over tokens: an estimate of the entropy of a token, in nats
    length: float  # the mean number of tokens of a completion
    unfinished: float  # the share of completions without an end
    loss: float
    gradient_norm: float  # before it was limited
    tokens_per_second: float  # completion tokens over the time of the whole step


@trainer
def reinforce(
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
    beta=0.0,
    reference=None,
    max_gradient_norm=1.0,
    rows_at_once=None,
    memory,
):
    """Sample completions of each prompt, and make each likelier in proportion to its reward.

    prompts     strings, in a list, an array or one column of a table; each step draws
                prompts_per_step of them, all different, and group_size completions of each
    reward      reward(prompts, completions, **columns) -> a list of floats, one a completion, or None
                for one to which it does not apply: nothing is learned from that
    optimizer   any PyTorch optimizer of the model's parameters whose step takes no closure
    columns     {name: list, array or column}, an entry for each prompt, that the reward function
                gets too; prompts and columns belong together by position, not by any labels
    temperature     divides the logits where a token is drawn and where it is scored
    beta        weight of the KL divergence from the reference, in reward per nat: beta * log(pi / pi_ref)
                of a completion is taken off its reward; 0 for none
    reference   the model to stay near, which is put into eval mode and shares no weight with the
                one that learns; by default, if beta is not 0, a copy of the model as it starts, or the
                model without its adapter, where it has one of peft's (`load(..., lora=8)`)
    rows_at_once    completions in one pass through the model, where all need too much memory

    Trains the model in place, its dropout off; yields a `Step` after each step. Raises ValueError
    or TypeError before the first for what cannot be trained, and where the reward function does not
    return one finite number for each completion; FloatingPointError for a gradient that is not finite.
    Source: Williams (1992).
    """
    check_counts(steps=steps)
    beta, temperature, max_gradient_norm = checked_numbers(beta, temperature, max_gradient_norm)
    sizes = dict(max_new_tokens=max_new_tokens, prompts_per_step=prompts_per_step, group_size=group_size)
    rest = dict(columns=columns, temperature=temperature, rows_at_once=rows_at_once, reference=reference, beta=beta)
    task, reference = prepare(model, tokenizer, prompts, reward, optimizer, rng=rng, **sizes, **rest)
    memory.begin(step=0, reference=reference, decodings=Decodings(model))
    learn = partial(update, model, optimizer, max_gradient_norm=max_gradient_norm, **task.scoring)
    while memory.step < steps:
        memory.step += 1
        started = time.perf_counter()
        chosen = rng.choice(len(task.prompts), prompts_per_step, replace=False)
        tried = task.attempt(chosen, memory.reference, rng)
        advantages = np.where(tried.judged, tried.leashed(beta), 0.0)
        loss, norm = learn(tried.samples, advantages)
        yield Step(**seen(memory.step, started, tried, advantages, group_size), loss=loss, gradient_norm=norm)


@trainer
def rloo(
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
    beta=0.0,
    reference=None,
    max_gradient_norm=1.0,
    rows_at_once=None,
    memory,
):
    """Sample a group of completions for each prompt, and compare each with the mean of the others.

    REINFORCE leave-one-out: as `reinforce`, with groups of at least 2.
    Source: Kool et al. (2019); Ahmadian et al. (2024).
    """
    check_counts(steps=steps)
    check_counts(least=2, group_size=group_size)
    beta, temperature, max_gradient_norm = checked_numbers(beta, temperature, max_gradient_norm)
    sizes = dict(max_new_tokens=max_new_tokens, prompts_per_step=prompts_per_step, group_size=group_size)
    rest = dict(columns=columns, temperature=temperature, rows_at_once=rows_at_once, reference=reference, beta=beta)
    task, reference = prepare(model, tokenizer, prompts, reward, optimizer, rng=rng, **sizes, **rest)
    memory.begin(step=0, reference=reference, decodings=Decodings(model))
    learn = partial(update, model, optimizer, max_gradient_norm=max_gradient_norm, **task.scoring)
    while memory.step < steps:
        memory.step += 1
        started = time.perf_counter()
        chosen = rng.choice(len(task.prompts), prompts_per_step, replace=False)
        tried = task.attempt(chosen, memory.reference, rng)
        advantages = leave_one_out(tried.leashed(beta), group_size, judged=tried.judged)
        loss, norm = learn(tried.samples, advantages)
        yield Step(**seen(memory.step, started, tried, advantages, group_size), loss=loss, gradient_norm=norm)


@trainer
def remax(
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
    beta=0.0,
    reference=None,
    max_gradient_norm=1.0,
    rows_at_once=None,
    memory,
):
    """Sample completions of each prompt, and compare each with the greedy one.

    As `reinforce`, with one completion more of each prompt, of which nothing is learned: that of the likeliest token
    at every step. The leash is taken off its reward too (the paper's baseline is its reward alone).
    Source: Li et al. (2023), "ReMax".
    """
    check_counts(steps=steps)
    beta, temperature, max_gradient_norm = checked_numbers(beta, temperature, max_gradient_norm)
    sizes = dict(max_new_tokens=max_new_tokens, prompts_per_step=prompts_per_step, group_size=group_size)
    rest = dict(columns=columns, temperature=temperature, rows_at_once=rows_at_once, reference=reference, beta=beta)
    task, reference = prepare(model, tokenizer, prompts, reward, optimizer, rng=rng, **sizes, **rest)
    memory.begin(step=0, reference=reference, decodings=Decodings(model))
    learn = partial(update, model, optimizer, max_gradient_norm=max_gradient_norm, **task.scoring)
    while memory.step < steps:
        memory.step += 1
        started = time.perf_counter()
        chosen = rng.choice(len(task.prompts), prompts_per_step, replace=False)
        tried = task.attempt(chosen, memory.reference, rng)
        usual = task.attempt_greedily(chosen, memory.reference)
        judged = tried.judged & usual.judged.repeat(group_size)
        advantages = np.where(judged, tried.leashed(beta) - usual.leashed(beta).repeat(group_size), 0.0)
        loss, norm = learn(tried.samples, advantages)
        yield Step(**seen(memory.step, started, tried, advantages, group_size), loss=loss, gradient_norm=norm)


def update(
    model,
    optimizer,
    samples,
    advantages,
    *,
    temperature=1.0,
    max_gradient_norm=1.0,
    group_size=1,
    rows_at_once=None,
):
    """One step of the optimizer up the mean over completions of A * log pi(y|x). Returns the loss and the gradient's norm.

    samples, B completions in rows of L tokens; advantages (B,), or (B, L) for an advantage of each token.
    With group_size, the prompt of each group is read once (see `group_logprobs`); rows_at_once is as in `reinforce`.
    Raises FloatingPointError, before the step, if the gradient is not finite.
    """
    _, temperature, max_gradient_norm = checked_numbers(0.0, temperature, max_gradient_norm)
    advantages = torch.as_tensor(advantages, dtype=torch.float32, device=model.device)
    check_belonging(samples, advantages, samples.tokens.shape[:1], samples.tokens.shape)
    model.zero_grad()
    total = 0.0
    for rows, part, shared in parts_of(samples, group_size, rows_at_once):
        logp = group_logprobs(model, part, shared, temperature=temperature)  # (rows, L), elsewhere than at own tokens 0
        loss = -(advantages[rows].reshape(len(rows), -1) * logp).sum() / len(advantages)
        loss.backward()
        total += loss.item()
    return total, take_step(optimizer, max_gradient_norm, "policy gradient update")
