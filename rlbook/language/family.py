"""The family of GRPO: each member a loss of a batch of groups, and one trainer that follows any of them.

A loss is a function of the log-probabilities of tokens, now and when they were drawn, of rewards, and of which tokens are
the policy's own. Members differ in three lines: what stands for the return, how a ratio is held back, and what a token
weighs. Where the paper has a KL penalty in its loss there is none here: a leash is taken off the rewards (`beta` of
`group_policy_gradient`), and what that changes is said in chapter 20. The advantages of `grpo_loss`, `dapo_loss` and
`gspo_loss` are divided by the population standard deviation of their group plus 1e-4.
"""

import time
from functools import wraps
from typing import NamedTuple

import numpy as np

from rlbook._checks import check_counts, require, shown
from rlbook.advantages import group_relative, leave_one_out, over_the_mean

torch = require("torch", extra="language")
require("transformers", extra="language")

from rlbook.language.captured import Decodings  # noqa: E402
from rlbook.language.grpo import STD_EPSILON  # noqa: E402
from rlbook.language.sampling import group_logprobs  # noqa: E402
from rlbook.language.trainers import (  # noqa: E402
    checked_numbers,
    is_coarse,
    parts_of,
    prepare,
    score,
    seen,
    take_step,
)
from rlbook.surrogate import clip_higher, clipped_surrogate, sequence_surrogate, weighted_logp  # noqa: E402
from rlbook.training import trainer  # noqa: E402

# The members. logp, old_logp (B, L), elsewhere than at own tokens anything; rewards (B,), a tensor, groups in consecutive
# rows; mask (B, L) bool, the policy's own tokens. Each returns a scalar, which carries the gradient of logp.


def reinforce_loss(logp, old_logp, rewards, mask, *, group_size):
    """REINFORCE: the reward itself, and a completion weighs the same however long it is. Source: Williams (1992)."""
    advantages = rewards
    surrogate = logp * advantages[:, None]
    return -(surrogate * mask).sum(1).mean()


def rloo_loss(logp, old_logp, rewards, mask, *, group_size):
    """REINFORCE leave-one-out: the reward less the mean of the others. Source: Ahmadian et al. (2024), section 2."""
    advantages = leave_one_out(rewards, group_size)
    surrogate = logp * advantages[:, None]
    return -(surrogate * mask).sum(1).mean()


def grpo_loss(logp, old_logp, rewards, mask, *, group_size, clip=0.2, epsilon=STD_EPSILON):
    """GRPO: over the std of the group, clipped, the mean over tokens and then over completions.

    Source: Shao et al. (2024), eq. 3, without its KL penalty.
    """
    advantages = group_relative(rewards, group_size, epsilon=epsilon)
    surrogate = clipped_surrogate(logp, old_logp, advantages, clip=clip)
    return -((surrogate * mask).sum(1) / mask.sum(1)).mean()


def dr_grpo_loss(logp, old_logp, rewards, mask, *, group_size, most_tokens, clip=0.2):
    """Dr. GRPO: no std, and every token weighs one over a constant, the most that a completion may have.

    Source: Liu et al. (2025), "Understanding R1-Zero-like training", section 3.2.
    """
    advantages = group_relative(rewards, group_size, divide_by_std=False)
    surrogate = clipped_surrogate(logp, old_logp, advantages, clip=clip)
    return -(surrogate * mask).sum(1).mean() / most_tokens


def dapo_loss(logp, old_logp, rewards, mask, *, group_size, clip=0.2, higher=0.28, epsilon=STD_EPSILON):
    """DAPO: more room above than below, and the mean over all tokens. With `dynamic_sampling`, its third change.

    Source: Yu et al. (2025), eq. 8.
    """
    advantages = group_relative(rewards, group_size, epsilon=epsilon)
    surrogate = clip_higher(logp, old_logp, advantages, clip=clip, higher=higher)
    return -(surrogate * mask).sum() / mask.sum()


def gspo_loss(logp, old_logp, rewards, mask, *, group_size, clip=3e-4, higher=4e-4, epsilon=STD_EPSILON):
    """GSPO: one ratio for a whole completion. Source: Zheng et al. (2025), eq. 5."""
    advantages = group_relative(rewards, group_size, epsilon=epsilon)
    surrogate = sequence_surrogate(logp, old_logp, advantages, mask, clip=clip, higher=higher)
    return -((surrogate * mask).sum(1) / mask.sum(1)).mean()


def cispo_loss(logp, old_logp, rewards, mask, *, group_size, most=5.0, epsilon=STD_EPSILON):
    """CISPO: a ratio is a weight, of at most `most`, and no token loses its gradient; the mean over all tokens.

    Source: MiniMax (2025), "MiniMax-M1", eq. 4.
    """
    advantages = group_relative(rewards, group_size, epsilon=epsilon)
    surrogate = weighted_logp(logp, old_logp, advantages, most=most)
    return -(surrogate * mask).sum() / mask.sum()


def max_rl_loss(logp, old_logp, rewards, mask, *, group_size):
    """MaxRL: over the mean of the group, which climbs log p, not p. Source: arXiv 2602.02710 (2026)."""
    advantages = over_the_mean(rewards, group_size)
    surrogate = logp * advantages[:, None]
    return -(surrogate * mask).sum(1).mean()


def dynamic_sampling(loss):
    """The same loss of those groups alone whose rewards differ: the others have no part in any of its means.

    What DAPO does by drawing until the batch is full of such groups; here a batch becomes smaller. Where all groups are
    silent, the loss is 0. Source: Yu et al. (2025), eq. 11.
    """

    @wraps(loss)
    def of_those_that_differ(logp, old_logp, rewards, mask, *, group_size):
        groups = rewards.reshape(-1, group_size)
        rows = (groups != groups[:, :1]).any(1).repeat_interleave(group_size)
        if not rows.any():
            return logp.sum() * 0
        return loss(logp[rows], old_logp[rows], rewards[rows], mask[rows], group_size=group_size)

    return of_those_that_differ


def overlong_penalty(lengths, *, most_tokens, buffer):
    """What to add to the reward of completions of so many tokens, an array (B,): from 0 down to -1 over the last `buffer`.

    A cut from full marks to none at the limit is noise to a policy that cannot see it coming; a slope is not. A completion
    of most_tokens - buffer tokens loses nothing, one of most_tokens or more loses 1. Source: Yu et al. (2025), eq. 13.
    """
    check_counts(most_tokens=most_tokens, buffer=buffer)
    if buffer > most_tokens:
        raise ValueError(f"buffer is {buffer}, expected at most {most_tokens}, the most tokens that there may be")
    return -np.clip((np.asarray(lengths) - (most_tokens - buffer)) / buffer, 0.0, 1.0)


class Step(NamedTuple):
    """What one step saw and did. B is prompts_per_step times group_size, groups in consecutive rows."""

    step: int  # from 1
    prompts: list[str]  # (B,)
    completions: list[str]  # (B,)
    rewards: np.ndarray  # (B,) as the reward function gave them
    pull: np.ndarray  # (B,) B times the slopes of minus the loss in its tokens' log-probabilities, first epoch
    reward: float  # the mean of rewards
    group_std: float  # the mean over groups of the population standard deviation of their rewards
    zero_std: float  # the share of groups whose rewards are all equal; nan where a group is one completion
    kl: float  # the mean of log pi(y|x) - log pi_ref(y|x): an estimate of KL(pi || pi_ref); nan without a reference
    entropy: float  # the mean of -log pi over tokens: an estimate of the entropy of a token, in nats
    length: float  # the mean number of tokens of a completion
    unfinished: float  # the share of completions without an end
    loss: float  # the mean over epochs
    idle: float  # the share of tokens that the loss leaves alone, clipped or in a silent group, over all epochs
    gradient_norm: float  # before it was limited, the mean over epochs
    tokens_per_second: float  # completion tokens over the time of the whole step


@trainer
def group_policy_gradient(
    model,
    tokenizer,
    prompts,
    reward,
    optimizer,
    *,
    loss,
    steps,
    max_new_tokens,
    rng,
    columns=None,
    prompts_per_step=8,
    group_size=8,
    temperature=1.0,
    beta=0.0,
    reference=None,
    epochs=1,
    max_gradient_norm=1.0,
    rows_at_once=None,
    memory,
):
    """Sample a group of completions for each prompt, and follow a loss of them: any member of the family.

    loss        loss(logp, old_logp, rewards, mask, *, group_size) -> a scalar, as those above are;
                settings of its own are given to it by functools.partial
    beta        weight of the KL divergence from the reference, in reward per nat: beta * log(pi / pi_ref)
                of a completion is taken off its reward; 0 for none
    epochs      how often the same samples are learned from

    The other arguments are those of `grpo`. Trains the model in place, its dropout off; yields a `Step` after each step.
    Raises ValueError or TypeError before the first for what cannot be trained, and where reward or loss return what they
    should not; FloatingPointError for a gradient that is not finite. Source: that of the loss.
    """
    check_counts(steps=steps, epochs=epochs)
    beta, temperature, max_gradient_norm = checked_numbers(beta, temperature, max_gradient_norm)
    if not callable(loss):
        raise TypeError(f"loss is {shown(loss)}, expected a function such as grpo_loss")
    sizes = dict(max_new_tokens=max_new_tokens, prompts_per_step=prompts_per_step, group_size=group_size)
    rest = dict(columns=columns, temperature=temperature, rows_at_once=rows_at_once, reference=reference, beta=beta)
    task, reference = prepare(
        model, tokenizer, prompts, reward, optimizer, rng=rng, none_allowed=False, **sizes, **rest
    )
    memory.begin(step=0, reference=reference, decodings=Decodings(model))
    again = epochs > 1 or is_coarse(model)  # what is then compared with what sampling said, rounds otherwise
    while memory.step < steps:
        memory.step += 1
        started = time.perf_counter()
        chosen = rng.choice(len(task.prompts), prompts_per_step, replace=False)
        tried = task.attempt(chosen, memory.reference, rng, again=again)
        marked = (model, optimizer, loss, tried.samples, tried.leashed(beta))
        passes = [update(*marked, max_gradient_norm=max_gradient_norm, **task.scoring) for _ in range(epochs)]
        slopes = passes[0].slopes.sum(1).cpu().double().numpy()
        told = seen(memory.step, started, tried, slopes * len(slopes), group_size)
        told["pull"] = told.pop("advantages")
        for name in ("loss", "idle", "gradient_norm"):
            told[name] = float(np.mean([getattr(one, name) for one in passes]))
        yield Step(**told)


class Update(NamedTuple):
    """What one step of the optimizer did."""

    loss: float
    slopes: torch.Tensor  # (B, L) of minus the loss in the log-probability of each token
    idle: float  # the share of tokens whose slope is 0
    gradient_norm: float  # before it was limited


def update(
    model, optimizer, loss, samples, rewards, *, group_size, temperature=1.0, max_gradient_norm=1.0, rows_at_once=None
):
    """One step of the optimizer down a loss of all samples, by the chain rule in two halves: an `Update`.

    rewards (B,). The loss says in which direction the log-probability of each token is to move; the model, in parts of
    rows_at_once, how its weights move them. Raises FloatingPointError, before the step, if the gradient is not finite.
    """
    rewards = torch.as_tensor(rewards, dtype=torch.float32, device=model.device)
    scoring = dict(temperature=temperature, group_size=group_size, rows_at_once=rows_at_once)
    logp = score(model, samples, **scoring).requires_grad_()
    value = loss(logp, samples.logprobs, rewards, samples.mask, group_size=group_size)
    if not (isinstance(value, torch.Tensor) and value.ndim == 0 and value.requires_grad):
        raise ValueError(f"the loss returned {shown(value)}, expected a tensor of shape () with the gradient of logp")
    slopes = -torch.autograd.grad(value, logp)[0] * samples.mask
    model.zero_grad()
    for rows, part, shared in parts_of(samples, group_size, rows_at_once):
        group_logprobs(model, part, shared, temperature=temperature).backward(-slopes[rows])
    idle = float((slopes[samples.mask] == 0).float().mean())
    return Update(value.item(), slopes, idle, take_step(optimizer, max_gradient_norm, "policy gradient update"))
