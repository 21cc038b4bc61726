"""GRPO: policy gradient for language models, with the group in the place of a value network.

What was chosen, since papers and libraries differ: the KL penalty is taken off the reward (the paper's own, in the loss,
is kl="loss"); an advantage is divided by the population standard deviation of its group plus 1e-4 (not so with
divide_by_std=False); every token of a batch weighs the same; the norm of the gradient is limited to 1. What was left
out: a value network, a reward model, and any filter on what is sampled. Exercise 20.4 changes each of the first three.
"""

import copy
import math
import time
from functools import partial
from typing import NamedTuple

import numpy as np

from rlbook._checks import check_counts, check_number, check_rng, require, shown
from rlbook.advantages import group_relative

torch = require("torch", extra="language")
require("transformers", extra="language")

from transformers import PreTrainedTokenizerBase  # noqa: E402

from rlbook._torch import (  # noqa: E402
    check_optimizer,
    check_same_shape,
    check_weights,
    gradient_norm,
    parameters,
)
from rlbook.language.captured import Decodings  # noqa: E402
from rlbook.language.fitting import check_ids, check_model  # noqa: E402
from rlbook.language.rewards import ask, by_position, check_reward, columns_by_position  # noqa: E402
from rlbook.language.sampling import check_room, checked_temperature, group_logprobs, sample  # noqa: E402
from rlbook.language.texts import encode  # noqa: E402
from rlbook.surrogate import check_advantages, clipped_surrogate, k3  # noqa: E402
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
    loss: float  # the mean over epochs
    clip_fraction: float  # the share of tokens whose gradient the clipping took away, over all epochs
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
    reward      reward(prompts, completions, **columns) -> a list of floats, one a completion
    optimizer   any PyTorch optimizer of the model's parameters whose step takes no closure
    columns     {name: list, array or column}, an entry for each prompt, that the reward function
                gets too; prompts and columns belong together by position, not by any labels
    beta        weight of the KL divergence from the reference, in reward per nat; 0 for none
    reference   the model to stay near, which is put into eval mode and shares no weight with the
                one that learns; by default, if beta is not 0, a copy of the model as it starts
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
    check_rng(rng)
    check_counts(steps=steps, epochs=epochs, max_new_tokens=max_new_tokens, prompts_per_step=prompts_per_step)
    clip, beta, temperature, max_gradient_norm = _check_numbers(clip, beta, temperature, max_gradient_norm)
    _check_choices(group_size, kl, rows_at_once)
    _check_models(model, tokenizer, optimizer, reference)
    prompts = by_position("prompts", prompts)
    columns = columns_by_position(columns, len(prompts), "prompt")
    check_reward(reward, columns)
    _check_prompts([model, reference or model], tokenizer, prompts, max_new_tokens, prompts_per_step)
    model.eval()
    if reference is None and beta:
        reference = copy.deepcopy(model)
    if reference is not None:
        reference.eval()
    memory.begin(step=0, reference=reference, decodings=Decodings(model))
    scored_again = memory.reference is not None or epochs > 1 or _is_coarse(model)
    draw = partial(sample, model, tokenizer, max_new_tokens=max_new_tokens, temperature=temperature, rng=rng)
    scoring = dict(temperature=temperature, group_size=group_size, rows_at_once=rows_at_once)
    learn = partial(update, model, optimizer, clip=clip, max_gradient_norm=max_gradient_norm, **scoring)
    while memory.step < steps:
        memory.step += 1
        started = time.perf_counter()
        chosen = rng.choice(len(prompts), prompts_per_step, replace=False)
        samples = draw([prompts[i] for i in chosen], group_size=group_size)
        asked, belonging = _rows(prompts, columns, chosen.repeat(group_size))
        rewards = ask(reward, asked, samples.completions, belonging)

        reference_logp, log_ratio = None, np.full(len(rewards), math.nan)
        if scored_again:  # what is compared is scored in one way, since sampling rounds differently
            samples = samples._replace(logprobs=score(model, samples, **scoring))
        if memory.reference is not None:
            reference_logp = score(memory.reference, samples, **scoring)
            log_ratio = (samples.logprobs - reference_logp).sum(1).cpu().double().numpy()
        leashed = rewards - beta * log_ratio if beta and kl == "reward" else rewards
        advantages = group_relative(leashed, group_size, divide_by_std=divide_by_std, epsilon=STD_EPSILON)

        beta_in_loss = beta if kl == "loss" else 0.0
        passes = [learn(samples, advantages, reference_logp, beta=beta_in_loss) for _ in range(epochs)]
        yield _step(memory.step, started, asked, samples, rewards, advantages, log_ratio, passes, group_size)


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
    once (see `group_logprobs`). Returns the loss, the share of tokens that were clipped, and the norm
    of the gradient. Raises FloatingPointError, before the step, if that is not finite.
    """
    clip, beta, temperature, max_gradient_norm = _check_numbers(clip, beta, temperature, max_gradient_norm)
    advantages = torch.as_tensor(advantages, dtype=torch.float32, device=model.device)
    _check_belonging(samples, advantages, reference_logp, beta)
    model.zero_grad()
    num_tokens, total, clipped = samples.mask.sum(), 0.0, 0
    for rows, part, shared in _parts(samples, group_size, rows_at_once):
        logp = group_logprobs(model, part, shared, temperature=temperature)
        surrogate = clipped_surrogate(logp, part.logprobs, advantages[rows], clip=clip)
        unclipped = (logp - part.logprobs).exp() * advantages[rows, None]
        clipped += int((surrogate < unclipped)[part.mask].sum())
        if beta:
            surrogate = surrogate - beta * k3(logp, reference_logp[rows])
        loss = -(surrogate * part.mask).sum() / num_tokens
        loss.backward()
        total += loss.item()
    norm = gradient_norm(optimizer, "GRPO update")
    torch.nn.utils.clip_grads_with_norm_(parameters(optimizer), max_gradient_norm, torch.tensor(norm))
    optimizer.step()
    torch.clear_autocast_cache()  # under autocast the next pass would otherwise see the weights of this one
    return total, clipped / int(num_tokens), norm


@torch.no_grad()
def score(model, samples, *, temperature=1.0, group_size=1, rows_at_once=None):
    """The log-probabilities (B, L) that a model gives to the tokens of samples; elsewhere 0."""
    parts = _parts(samples, group_size, rows_at_once)
    return torch.cat([group_logprobs(model, part, shared, temperature=temperature) for _, part, shared in parts])


def _parts(samples, group_size, rows_at_once):
    """The samples in parts of rows_at_once: which rows, these samples, and how many consecutive ones share a prompt.

    Where the parts are no whole groups, every row reads its own prompt.
    """
    _check_rows(group_size, rows_at_once)
    size = rows_at_once or len(samples.tokens)
    shared = group_size if size % group_size == 0 else 1
    for rows in torch.arange(len(samples.tokens), device=samples.tokens.device).split(size):
        part = samples._replace(
            tokens=samples.tokens[rows],
            attention_mask=samples.attention_mask[rows],
            mask=samples.mask[rows],
            logprobs=None if samples.logprobs is None else samples.logprobs[rows],
        )
        yield rows, part, shared


def _is_coarse(model):
    """Whether the model computes in half precision, in which sampling and scoring may differ by a hundredth of a nat."""
    fine = all(parameter.dtype in (torch.float32, torch.float64) for parameter in model.parameters())
    return not fine or torch.is_autocast_enabled(model.device.type)


def _rows(prompts, columns, chosen):
    """The prompts and the columns, lists, at the chosen places."""
    return [prompts[i] for i in chosen], {name: [column[i] for i in chosen] for name, column in columns.items()}


def _step(step, started, prompts, samples, rewards, advantages, log_ratio, passes, group_size):
    groups = rewards.reshape(-1, group_size)
    losses, clipped, norms = zip(*passes)
    num_tokens = int(samples.mask.sum())
    return Step(
        step=step,
        prompts=prompts,
        completions=samples.completions,
        rewards=rewards,
        advantages=advantages,
        reward=float(rewards.mean()),
        group_std=float(groups.std(axis=1).mean()),
        zero_std=float((groups == groups[:, :1]).all(axis=1).mean()),
        kl=float(log_ratio.mean()),
        entropy=-float(samples.logprobs.sum()) / num_tokens,
        length=num_tokens / len(rewards),
        loss=float(np.mean(losses)),
        clip_fraction=float(np.mean(clipped)),
        gradient_norm=float(np.mean(norms)),
        tokens_per_second=num_tokens / (time.perf_counter() - started),
    )


def _check_numbers(clip, beta, temperature, max_gradient_norm):
    return (
        check_number("clip", clip, above=0),
        check_number("beta", beta, least=0),
        checked_temperature(temperature),
        check_number("max_gradient_norm", max_gradient_norm, above=0),
    )


def _check_choices(group_size, kl, rows_at_once):
    check_counts(least=2, group_size=group_size)
    _check_rows(group_size, rows_at_once)
    if kl not in ("reward", "loss"):
        raise ValueError(f"kl is {shown(kl)}, expected 'reward' or 'loss': where the KL penalty stands")


def _check_rows(group_size, rows_at_once):
    check_counts(group_size=group_size)
    if rows_at_once is not None:
        check_counts(rows_at_once=rows_at_once)


def _check_models(model, tokenizer, optimizer, reference):
    """Raise for what cannot be trained, sampled, or compared with the model."""
    for name, module in {"model": model, "reference": model if reference is None else reference}.items():
        if not (isinstance(module, torch.nn.Module) and hasattr(module, "config")):
            raise TypeError(f"{name} is a {type(module).__name__}, expected a causal language model of transformers")
    if not isinstance(tokenizer, PreTrainedTokenizerBase):
        raise TypeError(f"tokenizer is a {type(tokenizer).__name__}, expected a tokenizer of transformers")
    check_optimizer(optimizer, model=model)
    if reference is not None:
        _check_reference(reference, model)


def _check_reference(reference, model):
    if reference.device != model.device:
        raise ValueError(f"reference is on {reference.device}, expected {model.device}, where the model is")
    check_weights(reference=reference)
    own, other = (module.config.get_text_config().vocab_size for module in (model, reference))
    if own != other:
        raise ValueError(f"reference has a vocabulary of {other} tokens, expected {own}, as the model has")
    learned = {p.untyped_storage().data_ptr() for p in model.parameters() if p.requires_grad and p.numel()}
    for name, parameter in reference.named_parameters():
        if parameter.untyped_storage().data_ptr() in learned:
            raise ValueError(
                f"reference shares the parameter {name} with the model and would learn with it; expected one with "
                "weights of its own, such as copy.deepcopy(model)"
            )


def _check_prompts(models, tokenizer, prompts, max_new_tokens, prompts_per_step):
    tokens, attention_mask = encode(tokenizer, prompts, "cpu")
    for model in models:
        check_model(model)
        check_ids(model, tokens, tokenizer)
        check_room(model, attention_mask, max_new_tokens)
    if prompts_per_step > len(prompts):
        raise ValueError(
            f"prompts_per_step is {prompts_per_step}, expected at most {len(prompts)}: all prompts there are"
        )


def _check_belonging(samples, advantages, reference_logp, beta):
    """Raise unless each of the samples has its log-probabilities, its advantage, and with beta a reference's."""
    if samples.logprobs is None:
        raise ValueError(
            "samples have no logprobs, expected those with which they were drawn; see `sample` and `score`"
        )
    check_advantages(advantages, samples.tokens.shape[:1])
    if beta:
        check_same_shape("", **{"samples.logprobs": samples.logprobs, "reference_logp": reference_logp})
