"""What the trainers of language models share: their checks, an attempt at some prompts, its scoring, a step, its record.

A trainer is its own loop around these. What it makes of rewards, and which loss it follows, stands there and not here.
"""

import copy
import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import NamedTuple

import numpy as np

from rlbook._checks import check_counts, check_number, check_rng, require

torch = require("torch", extra="language")
require("transformers", extra="language")

from transformers import PreTrainedTokenizerBase  # noqa: E402

from rlbook._torch import check_optimizer, check_weights, gradient_norm, parameters  # noqa: E402
from rlbook.language.fitting import check_ids, check_model  # noqa: E402
from rlbook.language.models import has_adapter, without_adapter  # noqa: E402
from rlbook.language.rewards import ask, by_position, check_reward, columns_by_position  # noqa: E402
from rlbook.language.sampling import (  # noqa: E402
    Samples,
    check_room,
    checked_temperature,
    greedy,
    group_logprobs,
    own_tokens,
    sample,
    stop_tokens,
)
from rlbook.language.texts import encode  # noqa: E402
from rlbook.surrogate import check_advantages  # noqa: E402
from rlbook.training import nothing_learned  # noqa: E402


class Attempt(NamedTuple):
    """Completions of some prompts, their rewards, and what the reference says of them. Groups in consecutive rows."""

    prompts: list[str]  # (B,)
    samples: Samples
    rewards: np.ndarray  # (B,) as the reward function gave them, nan where it says that it does not apply
    ended: np.ndarray  # (B,) bool: whether each came to its end, and was not cut off
    reference_logp: torch.Tensor | None  # (B, L), elsewhere than at the policy's own tokens 0; None without a reference

    @property
    def judged(self):
        """Which completions (B,) have a reward."""
        return ~np.isnan(self.rewards)

    @property
    def log_ratio(self):
        """log pi(y|x) - log pi_ref(y|x) of each completion (B,); nan without a reference."""
        if self.reference_logp is None:
            return np.full(len(self.rewards), math.nan)
        return (self.samples.logprobs - self.reference_logp).sum(1).cpu().double().numpy()

    def leashed(self, beta):
        """The rewards (B,), from each of which beta * log_ratio is taken off."""
        return self.rewards - beta * self.log_ratio if beta else self.rewards


class Task(NamedTuple):
    """A model, the prompts that it is to complete, and who marks its completions: what an attempt needs."""

    model: torch.nn.Module
    tokenizer: PreTrainedTokenizerBase
    prompts: list[str]  # (N,)
    columns: dict[str, list]  # {name: (N,)} what else belongs to each prompt
    reward: Callable  # reward(prompts, completions, **columns) -> a list of floats
    max_new_tokens: int
    group_size: int  # completions of a prompt
    temperature: float
    rows_at_once: int | None
    none_allowed: bool  # whether the reward function may say, by None, that it does not apply to a completion

    @property
    def scoring(self):
        """How a batch of attempts is scored, as `score` takes it."""
        return dict(temperature=self.temperature, group_size=self.group_size, rows_at_once=self.rows_at_once)

    def attempt(self, chosen, reference, rng, *, again=False):
        """Complete the prompts at the chosen places (P,), group_size times each, and have them marked: an `Attempt`.

        With a reference, or if told to, they are scored once more by the model itself: what is compared has to be
        scored in one way, and sampling rounds otherwise.
        """
        samples = sample(
            self.model,
            self.tokenizer,
            [self.prompts[i] for i in chosen],
            max_new_tokens=self.max_new_tokens,
            group_size=self.group_size,
            temperature=self.temperature,
            rng=rng,
        )
        if again or reference is not None:
            samples = samples._replace(logprobs=score(self.model, samples, **self.scoring))
        return self._marked(chosen.repeat(self.group_size), samples, reference, self.scoring)

    def attempt_greedily(self, chosen, reference):
        """Complete each of the prompts once, by the likeliest tokens: an `Attempt`, scored like the others."""
        scoring = self.scoring | {"group_size": 1}
        prompts = [self.prompts[i] for i in chosen]
        samples = greedy(self.model, self.tokenizer, prompts, max_new_tokens=self.max_new_tokens)
        samples = samples._replace(logprobs=score(self.model, samples, **scoring))
        return self._marked(chosen, samples, reference, scoring)

    def _marked(self, chosen, samples, reference, scoring):
        prompts = [self.prompts[i] for i in chosen]
        columns = {name: [column[i] for i in chosen] for name, column in self.columns.items()}
        told = {"completion_ids": own_tokens(samples)}
        with nothing_learned():
            rewards = ask(self.reward, prompts, samples.completions, columns, told, none_allowed=self.none_allowed)
        reference_logp = None if reference is None else self.referred(reference, samples, scoring)
        return Attempt(prompts, samples, rewards, have_ended(self.model, self.tokenizer, samples), reference_logp)

    def referred(self, reference, samples, scoring):
        """The log-probabilities (B, L) that the reference gives to samples, which may be the model without its adapter."""
        with without_adapter(self.model) if reference is self.model else nullcontext():
            return score(reference, samples, **scoring)


def have_ended(model, tokenizer, samples):
    """Whether each of the completions (B,) has come to its end, and was not cut off."""
    ends = torch.isin(samples.tokens, stop_tokens(model, tokenizer)) & samples.mask
    return ends.any(1).cpu().numpy()


@torch.no_grad()
def score(model, samples, *, temperature=1.0, group_size=1, rows_at_once=None):
    """The log-probabilities (B, L) that a model gives to the tokens of samples; elsewhere 0."""
    parts = parts_of(samples, group_size, rows_at_once)
    return torch.cat([group_logprobs(model, part, shared, temperature=temperature) for _, part, shared in parts])


def parts_of(samples, group_size, rows_at_once):
    """The samples in parts of rows_at_once: which rows, these samples, and how many consecutive ones share a prompt.

    Where the parts are no whole groups, every row reads its own prompt.
    """
    check_rows(group_size, rows_at_once)
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


def take_step(optimizer, max_gradient_norm, place):
    """Let the optimizer follow the gradients that are there, none longer than that. Returns the norm that they had.

    Raises FloatingPointError, before the step, if it is not finite; `place` says where.
    """
    norm = gradient_norm(optimizer, place)
    torch.nn.utils.clip_grads_with_norm_(parameters(optimizer), max_gradient_norm, torch.tensor(norm))
    optimizer.step()
    torch.clear_autocast_cache()  # under autocast the next pass would otherwise see the weights of this one
    return norm


def seen(step, started, tried, advantages, group_size):
    """What a record of any of these trainers says of an `Attempt`: {field: value}. The step began at `started`."""
    samples, rewards = tried.samples, tried.rewards
    num_tokens = int(samples.mask.sum())
    reward, group_std, zero_std = _of_groups(rewards.reshape(-1, group_size), tried.judged.reshape(-1, group_size))
    return {
        "step": step,
        "prompts": tried.prompts,
        "completions": samples.completions,
        "rewards": rewards,
        "advantages": advantages,
        "reward": reward,
        "group_std": group_std,
        "zero_std": zero_std if group_size > 1 else math.nan,
        "kl": float(tried.log_ratio.mean()),
        "entropy": -float(samples.logprobs.sum()) / num_tokens,
        "length": num_tokens / len(rewards),
        "unfinished": float(1 - tried.ended.mean()),
        "tokens_per_second": num_tokens / (time.perf_counter() - started),
    }


def _of_groups(rewards, judged):
    """Of rewards (P, K): their mean, the mean of their groups' deviations, the share of groups that hold no difference."""
    some = judged.any(axis=1)
    if not some.any():
        return math.nan, math.nan, 1.0
    groups = rewards[some]
    equal = len(rewards) - (np.nanmax(groups, axis=1) > np.nanmin(groups, axis=1)).sum()
    return float(np.nanmean(groups)), float(np.nanstd(groups, axis=1).mean()), float(equal / len(rewards))


def is_coarse(model):
    """Whether the model computes in half precision, in which sampling and scoring may differ by a hundredth of a nat."""
    fine = all(parameter.dtype in (torch.float32, torch.float64) for parameter in model.parameters())
    return not fine or torch.is_autocast_enabled(model.device.type)


def prepare(
    model,
    tokenizer,
    prompts,
    reward,
    optimizer,
    *,
    rng,
    columns,
    max_new_tokens,
    prompts_per_step,
    group_size,
    temperature,
    rows_at_once,
    reference,
    beta,
    none_allowed=True,
):
    """The `Task` and the reference of a trainer, after all checks of what it was given; both models are put into eval mode.

    Where beta is not 0 and there is no reference, it is a copy of the model as it is now, or the model itself if it has an
    adapter of peft's, to be taken away where the reference is asked.
    """
    check_rng(rng)
    check_counts(max_new_tokens=max_new_tokens, prompts_per_step=prompts_per_step)
    check_rows(group_size, rows_at_once)
    check_models(model, tokenizer, optimizer, reference)
    prompts = by_position("prompts", prompts)
    columns = columns_by_position(columns, len(prompts), "prompt")
    check_reward(reward, columns, told=["completion_ids"])
    check_prompts([model, reference or model], tokenizer, prompts, max_new_tokens, prompts_per_step)
    model.eval()
    if reference is None and beta:
        reference = model if has_adapter(model) else copy.deepcopy(model)
    if reference is not None:
        reference.eval()
    sizes = (max_new_tokens, group_size, temperature, rows_at_once)
    return Task(model, tokenizer, prompts, columns, reward, *sizes, none_allowed), reference


def checked_numbers(beta, temperature, max_gradient_norm):
    """The three as floats."""
    return (
        check_number("beta", beta, least=0),
        checked_temperature(temperature),
        check_number("max_gradient_norm", max_gradient_norm, above=0),
    )


def check_rows(group_size, rows_at_once):
    check_counts(group_size=group_size)
    if rows_at_once is not None:
        check_counts(rows_at_once=rows_at_once)


def check_models(model, tokenizer, optimizer, reference):
    """Raise for what cannot be trained, sampled, or compared with the model."""
    for name, module in {"model": model, "reference": model if reference is None else reference}.items():
        if not (isinstance(module, torch.nn.Module) and hasattr(module, "config")):
            raise TypeError(f"{name} is a {type(module).__name__}, expected a causal language model of transformers")
    if not isinstance(tokenizer, PreTrainedTokenizerBase):
        raise TypeError(f"tokenizer is a {type(tokenizer).__name__}, expected a tokenizer of transformers")
    check_optimizer(optimizer, model=model)
    if reference is not None:
        check_reference(reference, model)


def check_reference(reference, model):
    """Raise ValueError unless the reference can be compared with the model, and does not learn with it."""
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


def check_prompts(models, tokenizer, prompts, max_new_tokens, prompts_per_step):
    """Raise ValueError unless each of the models can read the prompts and has room to complete them."""
    tokens, attention_mask = encode(tokenizer, prompts, "cpu")
    for model in models:
        check_model(model)
        check_ids(model, tokens, tokenizer)
        check_room(model, attention_mask, max_new_tokens)
    if prompts_per_step > len(prompts):
        raise ValueError(
            f"prompts_per_step is {prompts_per_step}, expected at most {len(prompts)}: all prompts there are"
        )


def check_belonging(samples, advantages, *shapes):
    """Raise unless the samples have the log-probabilities with which they were drawn, and advantages one of the shapes."""
    if samples.logprobs is None:
        raise ValueError(
            "samples have no logprobs, expected those with which they were drawn; see `sample` and `score`"
        )
    check_advantages(advantages, *shapes)
