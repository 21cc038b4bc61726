"""RLHF's last stage: PPO for language models, with a value for every token and a leash at every token.

What was chosen, since papers and libraries differ: the KL penalty of a token is taken off the reward of this token (in
the loss by kl="loss"), the reward of a text stands at its last token, and nothing is discounted; values are those of a
head on the policy's own last layer, whose gradient goes on into the policy; advantages are whitened over the tokens of a
step, targets are not; every token of a minibatch weighs the same; the norm of the gradient is limited to 1. What was left
out: a value network of its own, a clip of the values, whitening of the rewards, a step size that decays, and any filter
on what is sampled.
"""

import time
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

import numpy as np

from rlbook._checks import check_counts, check_flag, check_number, require, shown
from rlbook.advantages import gae

torch = require("torch", extra="language")
require("transformers", extra="language")

from rlbook._torch import check_optimizer, check_same_shape, torch_generator  # noqa: E402
from rlbook.language.captured import Decodings  # noqa: E402
from rlbook.language.sampling import Samples, token_logprobs  # noqa: E402
from rlbook.language.trainers import checked_numbers, prepare, seen, take_step  # noqa: E402
from rlbook.surrogate import clipped_surrogate, k1  # noqa: E402
from rlbook.training import trainer  # noqa: E402


class Step(NamedTuple):
    """What one step of `ppo` saw and did. B is prompts_per_step times group_size."""

    step: int  # from 1
    prompts: list[str]  # (B,)
    completions: list[str]  # (B,)
    rewards: np.ndarray  # (B,) as the reward function gave them
    advantages: np.ndarray  # (N,) of all tokens, before they are whitened
    reward: float  # the mean of rewards
    group_std: float  # the mean over groups of the population standard deviation of their rewards
    zero_std: float  # the share of groups whose rewards are all equal; nan where a group is one completion
    kl: float  # the mean of log pi(y|x) - log pi_ref(y|x): an estimate of KL(pi || pi_ref); nan without a reference
    beta: float  # the weight of the KL divergence in this step
    unfinished: float  # the share of completions without an end
    entropy: float  # the mean of -log pi over tokens: an estimate of the entropy of a token, in nats
    length: float  # the mean number of tokens of a completion
    policy_loss: float  # this and what follows, but for the last, are means over epochs and minibatches
    value_loss: float  # half the mean square of target less value
    clip_fraction: float  # the share of tokens whose gradient the clipping took away
    gradient_norm: float  # before it was limited
    largest_ratio: float  # of a token's probability to that when it was drawn, or its inverse
    explained: float  # the share of the targets' variance that the values explained, before they learned
    tokens_per_second: float  # completion tokens over the time of the whole step


class Batch(NamedTuple):
    """Completions with all that stays as it is while they are learned from. B texts in rows of L tokens."""

    samples: Samples  # their logprobs are those of the policy that drew them
    reference_logp: torch.Tensor | None  # (B, L)
    advantages: torch.Tensor  # (B, L), elsewhere than at the policy's own tokens 0
    targets: torch.Tensor  # (B, L) of the values, elsewhere 0


@trainer
def ppo(
    model,
    tokenizer,
    prompts,
    reward,
    optimizer,
    *,
    value,
    steps,
    max_new_tokens,
    rng,
    columns=None,
    prompts_per_step=64,
    group_size=1,
    temperature=1.0,
    beta=0.0,
    reference=None,
    kl="reward",
    estimator=k1,
    target_kl=None,
    horizon=10_000,
    unfinished=None,
    lam=0.95,
    whiten=True,
    clip=0.2,
    epochs=4,
    minibatches=1,
    value_weight=0.1,
    max_gradient_norm=1.0,
    memory,
):
    """Complete prompts, see for each token how much better than its value it went, and go up the clipped surrogate.

    model, tokenizer, prompts, reward, columns, group_size, temperature, reference: see `policy_gradient.reinforce`; but
                the reward function applies to every completion
    optimizer   any PyTorch optimizer of the parameters of model and value whose step takes no closure
    value       a module from last hidden states (B, L, width) to values (B, L, 1), such as `value_head`
    beta        weight of the KL divergence from the reference, in reward per nat; 0 for none
    kl          "reward": beta * estimator is taken off the reward of each token; "loss": added to the loss
    estimator   of the KL divergence, from logp and reference_logp: `surrogate.k1`, k2 or k3
    target_kl   nats of a completion towards which beta is moved after each step, by a proportional
                controller with this horizon in completions; None for a beta that stays
    unfinished  the reward of a completion without an end, whatever the reward function says; None to leave it
    lam, clip   of GAE; how far the ratio of probabilities may go from 1 before it stops counting
    whiten      advantages to mean 0 and deviation 1 over the tokens of a step
    epochs, minibatches    how often the completions are gone through, and in how many parts, drawn anew each time

    Trains the model and value in place, dropout off; yields a `Step` after each step. Raises ValueError or TypeError
    before the first for what cannot be trained, and where the reward function does not return one finite
    number for each completion; FloatingPointError for a gradient that is not finite.
    Source: Ziegler et al. (2019); Ouyang et al. (2022), section 3.5 and appendix C.
    """
    check_counts(steps=steps, epochs=epochs)
    beta, temperature, max_gradient_norm = checked_numbers(beta, temperature, max_gradient_norm)
    _check_choices(kl, estimator, beta, target_kl, horizon, unfinished, lam, whiten, clip, value_weight)
    sizes = dict(max_new_tokens=max_new_tokens, prompts_per_step=prompts_per_step, group_size=group_size)
    rest = dict(columns=columns, temperature=temperature, rows_at_once=None, reference=reference, beta=beta)
    task, reference = prepare(
        model, tokenizer, prompts, reward, optimizer, rng=rng, none_allowed=False, **sizes, **rest
    )
    _check_value(value, model, optimizer)
    _check_minibatches(minibatches, prompts_per_step * group_size)
    value.eval()
    generator = torch_generator(rng)
    memory.begin(step=0, beta=beta, reference=reference, generator=generator, decodings=Decodings(model))
    weights = dict(clip=clip, value_weight=value_weight, temperature=temperature, max_gradient_norm=max_gradient_norm)
    learn = partial(update, model, value, optimizer, estimator=estimator, **weights)
    while memory.step < steps:
        memory.step += 1
        started, beta = time.perf_counter(), memory.beta
        chosen = rng.choice(len(task.prompts), prompts_per_step, replace=False)
        tried, values = attempt(task, value, chosen, memory.reference, rng)
        samples, mask = tried.samples, tried.samples.mask
        marks = tried.rewards if unfinished is None else np.where(tried.ended, tried.rewards, unfinished)
        penalty = torch.zeros_like(values)
        if beta and kl == "reward":
            penalty = beta * estimator(samples.logprobs, tried.reference_logp)

        rewards = rewards_of_tokens(marks, penalty, mask)
        advantages = token_advantages(rewards, values, mask, lam=lam)
        weighed = whitened(advantages, mask) if whiten else advantages
        batch = Batch(samples, tried.reference_logp, weighed, advantages + values)
        beta_in_loss = beta if kl == "loss" else 0.0
        parts = parts_of(batch, epochs, minibatches, memory.generator)
        passes = [learn(part, beta=beta_in_loss) for part in parts]

        told = seen(memory.step, started, tried, advantages[mask].cpu().numpy(), group_size)
        if target_kl is not None:
            memory.beta = adapted(beta, told["kl"], target_kl, step=len(marks) / horizon)
        explained = explained_variance(values[mask], batch.targets[mask])
        means = dict(zip(passes[0]._fields, np.mean(passes, axis=0).tolist()))
        means["largest_ratio"] = max(a_pass.largest_ratio for a_pass in passes)
        yield Step(**told, **means, beta=beta, explained=explained)


class Pass(NamedTuple):
    """What one step of the optimizer saw."""

    policy_loss: float
    value_loss: float  # half the mean square of target less value
    clip_fraction: float
    gradient_norm: float
    largest_ratio: float


def update(
    model,
    value,
    optimizer,
    batch,
    *,
    clip=0.2,
    beta=0.0,
    estimator=k1,
    value_weight=0.1,
    temperature=1.0,
    max_gradient_norm=1.0,
):
    """One step of the optimizer up the clipped surrogate, and of the values towards their targets: a `Pass`.

    Both are means over the tokens of the batch. With beta, the estimator of the KL divergence from the reference is taken
    off the surrogate of each token. Raises FloatingPointError, before the step, if the gradient is not finite.
    """
    mask, old_logp = batch.samples.mask, batch.samples.logprobs
    model.zero_grad(), value.zero_grad()
    logp, values = evaluate(model, value, batch.samples, temperature=temperature)
    surrogate = clipped_surrogate(logp, old_logp, batch.advantages, clip=clip)
    clipped = surrogate < (logp - old_logp).exp() * batch.advantages
    largest = (logp - old_logp)[mask].detach().abs().max().exp()
    if beta:
        surrogate = surrogate - beta * estimator(logp, batch.reference_logp)
    policy_loss = -surrogate[mask].mean()
    value_loss = ((batch.targets - values)[mask] ** 2).mean() / 2
    (policy_loss + value_weight * value_loss).backward()
    norm = take_step(optimizer, max_gradient_norm, "PPO update")
    return Pass(policy_loss.item(), value_loss.item(), clipped[mask].float().mean().item(), norm, largest.item())


def value_head(model):
    """A linear map from the last hidden states of a model (B, L, width) to values (B, L, 1), which are all 0 at first."""
    width = model.config.get_text_config().hidden_size
    head = torch.nn.Linear(width, 1, device=model.device, dtype=torch.float32)
    with torch.no_grad():
        head.weight.zero_(), head.bias.zero_()
    return head


def evaluate(model, value, samples, *, temperature=1.0):
    """What policy and value say of samples (B, L): the log-probability of each token, and the value of its state.

    The state of a token is the text before it, so its value comes from the hidden state of the token before. Both are
    (B, L), elsewhere than at the policy's own tokens 0, and differentiable.
    """
    with _last_hidden_states(model) as hidden:
        logp = token_logprobs(
            model, samples.tokens, samples.mask, attention_mask=samples.attention_mask, temperature=temperature
        )
    values = value(hidden[-1][:, :-1].float())[:, :, 0]
    values = torch.nn.functional.pad(values, (logp.shape[1] - values.shape[1], 0))
    return logp, values.where(samples.mask, 0.0)


@contextmanager
def _last_hidden_states(model):
    """A list to which each pass through the model adds what its output layer reads (B, N, width)."""
    hidden = []
    output = model.get_output_embeddings()
    hook = output.register_forward_pre_hook(lambda module, inputs: hidden.append(inputs[0]))
    try:
        yield hidden
    finally:
        hook.remove()


@torch.no_grad()
def attempt(task, value, chosen, reference, rng):
    """An `Attempt` at the prompts at the chosen places, scored by policy and reference; and its values (B, L)."""
    tried = task.attempt(chosen, None, rng)
    logp, values = evaluate(task.model, value, tried.samples, temperature=task.temperature)
    samples = tried.samples._replace(logprobs=logp)
    scoring = dict(temperature=task.temperature)
    reference_logp = None if reference is None else task.referred(reference, samples, scoring)
    return tried._replace(samples=samples, reference_logp=reference_logp), values


def rewards_of_tokens(rewards, penalty, mask):
    """The reward of each token (B, L): that of its completion (B,) at the last one, less the penalty (B, L) of each."""
    check_same_shape("(B, L)", penalty=penalty, mask=mask)
    last = last_tokens(mask)
    rewards = torch.as_tensor(rewards, dtype=penalty.dtype, device=penalty.device)
    return torch.where(last, rewards[:, None], 0.0) - penalty.where(mask, 0.0)


def last_tokens(mask):
    """Which (B, L) of the policy's own tokens, mask (B, L), are the last of their completions."""
    return mask & ~torch.nn.functional.pad(mask, (0, 1))[:, 1:]


def token_advantages(rewards, values, mask, *, lam):
    """GAE of each of the policy's own tokens: (B, L), elsewhere 0. rewards, values and mask (B, L).

    A text ends with its last token, also where it was cut off: nothing after it is paid. There is no discount.
    """
    check_same_shape("(B, L)", rewards=rewards, values=values, mask=mask)
    ended = last_tokens(mask).T  # steps are rows there, and texts are columns
    after = torch.nn.functional.pad(values, (0, 1)).T
    advantages = gae(rewards.T, after, ended, torch.zeros_like(ended), gamma=1.0, lam=lam).T
    return advantages.where(mask, 0.0)


def whitened(values, mask, *, shift=True):
    """Numbers (B, L) over their standard deviation, less their mean if they are shifted, over the tokens of mask (B, L).

    Of numbers that are all equal nothing is divided. Elsewhere the answer is 0.
    """
    check_same_shape("(B, L)", values=values, mask=mask)
    std = values[mask].std(correction=0)
    centred = values - values[mask].mean() if shift else values
    return (centred / torch.where(std > 1e-8, std, 1.0)).where(mask, 0.0)


def adapted(beta, kl, target, *, step):
    """beta, moved by a proportional controller: up by the share by which kl exceeds the target, at most .2, times step.

    Source: Ziegler et al. (2019), section 2.2.
    """
    return beta * (1 + step * min(max(kl / target - 1, -0.2), 0.2))


def explained_variance(values, targets):
    """The share of the variance of the targets that the values explain; 0 where the targets are all equal."""
    variance = targets.var(correction=0)
    return float(1 - (targets - values).var(correction=0) / variance) if variance > 0 else 0.0


def parts_of(batch, epochs, minibatches, generator):
    """The batch in so many parts, one after another; all of it again in each epoch, in another order."""
    for _ in range(epochs):
        for rows in torch.randperm(len(batch.targets), generator=generator).tensor_split(minibatches):
            rows = rows.to(batch.targets.device)
            tensors = {n: t[rows] for n, t in batch.samples._asdict().items() if n != "completions"}
            samples = batch.samples._replace(**tensors)
            rest = [None if t is None else t[rows] for t in batch[1:]]
            yield Batch(samples, *rest)


def _check_choices(kl, estimator, beta, target_kl, horizon, unfinished, lam, whiten, clip, value_weight):
    if kl not in ("reward", "loss"):
        raise ValueError(f"kl is {shown(kl)}, expected 'reward' or 'loss': where the KL penalty stands")
    if not callable(estimator):
        raise TypeError(
            f"estimator is {shown(estimator)}, expected a function of logp and reference_logp, such as surrogate.k1"
        )
    if target_kl is not None:
        check_number("target_kl", target_kl, above=0)
        if not beta:
            raise ValueError(f"target_kl is {target_kl} and beta 0, expected a beta above 0 to begin with: 0 stays 0")
    check_number("horizon", horizon, above=0)
    if unfinished is not None:
        check_number("unfinished", unfinished)
    check_number("lam", lam, least=0, most=1)
    check_flag("whiten", whiten)
    check_number("clip", clip, above=0)
    check_number("value_weight", value_weight, least=0)


def _check_value(value, model, optimizer):
    """Raise unless value is a module that reads the model's hidden states and is held by the optimizer."""
    places = value.parameters() if isinstance(value, torch.nn.Module) else ()
    place = next((str(parameter.device) for parameter in places if parameter.device != model.device), None)
    if place is not None:
        raise ValueError(f"value is on {place}, expected {model.device}, where the model is")
    check_optimizer(optimizer, value=value)
    width = model.config.get_text_config().hidden_size
    try:
        with torch.no_grad():
            shape = tuple(value(torch.zeros(2, 3, width, device=model.device)).shape)
    except RuntimeError as error:
        first = str(error).splitlines()[0]
        raise ValueError(
            f"value cannot read hidden states of width {width} ({first[:120]}), expected a module from (B, L, {width}), "
            "the model's width, to (B, L, 1), such as value_head(model)"
        ) from error
    if shape != (2, 3, 1):
        raise ValueError(f"value maps (2, 3, {width}) to {shape}, expected (2, 3, 1): one value for each token")


def _check_minibatches(minibatches, count):
    check_counts(minibatches=minibatches)
    if minibatches > count:
        raise ValueError(f"minibatches is {minibatches}, expected at most {count}: a step has so many completions")
