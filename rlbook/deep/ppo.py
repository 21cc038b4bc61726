"""Proximal policy optimization: several steps on the same rollout, as long as the policy has not moved too far.

With one epoch and one minibatch the first step is that of `a2c`. What was left out: stopping an update early where the KL
divergence is too large; scaling of observations and of rewards; a penalty on the KL divergence, which the article tries
beside the clip; layers that policy and value share. What is fixed elsewhere: Adam's epsilon and the starting weights are
the caller's, who makes the optimizer and the networks. Chapter 13 measures the other details.
"""

from typing import NamedTuple

import numpy as np

from rlbook._checks import check_flag, check_number, require, shown

torch = require("torch", extra="deep")

# after the check that torch is there:
from rlbook._torch import check_optimizer, gradient_norm, parameters, torch_generator  # noqa: E402
from rlbook.deep.acting import (  # noqa: E402
    check_environment,
    check_loss_weights,
    check_outputs,
    evaluate_actions,
    log_probabilities,
    tensors_like,
    values_of,
)
from rlbook.deep.rollouts import advantages_of, collect, start  # noqa: E402
from rlbook.surrogate import clipped_surrogate, k3  # noqa: E402
from rlbook.training import trainer  # noqa: E402


class Update(NamedTuple):
    """What one update saw and did; what is learned is a mean over its minibatches."""

    update: int  # from 1
    steps: int  # transitions so far, this update's included
    returns: np.ndarray  # (K,) the sum of the rewards of each episode that ended in it, undiscounted
    lengths: np.ndarray  # (K,) steps of each of them
    policy_loss: float
    value_loss: float  # half the mean square of target less value
    entropy: float  # of the policy, the mean over the states seen, in nats
    kl: float  # of the old policy from the new one, estimated by k3, in nats
    clip_fraction: float  # the share of transitions whose gradient the clip took away
    gradient_norm: float  # before it was cut to max_norm


class Batch(NamedTuple):
    """The N transitions of a rollout, with all that stays as it is while they are learned from."""

    observations: torch.Tensor  # (N, ...)
    actions: torch.Tensor  # (N,), or (N, D) of a Gaussian policy
    old_logp: torch.Tensor  # (N,) under the policy that drew them
    old_values: torch.Tensor  # (N,)
    advantages: torch.Tensor  # (N,) GAE's
    targets: torch.Tensor  # (N,) of the values: advantages + old_values


class Losses(NamedTuple):
    """The terms of the loss, each a mean over transitions, and two numbers to watch: scalars."""

    policy: torch.Tensor
    value: torch.Tensor
    entropy: torch.Tensor
    kl: torch.Tensor
    clip_fraction: torch.Tensor


@trainer
def ppo(
    env,
    policy,
    value,
    optimizer,
    *,
    steps,
    rng,
    gamma=0.99,
    lam=0.95,
    clip=0.2,
    rollout_steps=128,
    epochs=4,
    minibatches=4,
    normalize="minibatch",
    decay=True,
    value_clip=None,
    value_weight=1.0,
    entropy_weight=0.0,
    max_norm=0.5,
    memory,
):
    """Act for some steps in all environments, then go up the clipped surrogate of what was seen, several times.

    env             a gymnasium VectorEnv
    policy, value   nn.Modules, observations (B, ...) to logits (B, A) or a `Gaussian`, and to (B, 1) or (B,)
    optimizer       a torch optimizer of the parameters of both
    steps           transitions, after which no new update begins
    lam, clip       of GAE; how far the ratio of probabilities may go from 1 before it stops counting
    rollout_steps   in each environment before each update
    epochs, minibatches    how often the transitions are gone through, and in how many parts, drawn anew each time
    normalize       advantages to mean 0 and deviation 1 in each "minibatch", once for the whole "batch", or None
    decay           whether the step size of the optimizer falls linearly, to 0 after `steps`
    value_clip      how far a value may go from the old one before its error stops counting; None for as far as it likes
    value_weight, entropy_weight    of the loss: policy + value_weight * value - entropy_weight * entropy
    max_norm        a longer gradient is scaled to this length
    Yields an `Update` after each pass over a rollout. Source: Schulman et al. (2017), algorithm 1.
    """
    check_environment(
        env, policy, rng, steps=steps, rollout_steps=rollout_steps, epochs=epochs, minibatches=minibatches
    )
    check_optimizer(optimizer, policy=policy, value=value)
    _check_settings(env, gamma, lam, clip, rollout_steps, minibatches, normalize, decay, value_clip)
    check_loss_weights(value_weight, entropy_weight, max_norm)
    policy.eval(), value.eval()
    check_outputs(env, policy, value)
    generator = torch_generator(rng, tensors_like(env, policy)["device"])
    rates = tuple(float(group["lr"]) for group in optimizer.param_groups)
    memory.begin(update=0, steps=0, place=start(env, rng), generator=generator, rates=rates)
    while memory.steps < steps:
        memory.update += 1
        if decay:
            set_rates(optimizer, memory.rates, 1 - memory.steps / steps)
        rollout, memory.place = collect(env, policy, memory.place, memory.generator, steps=rollout_steps)
        batch = batch_of(policy, value, rollout, gamma=gamma, lam=lam)
        if normalize == "batch":
            batch = standardized(batch)
        seen = []
        for part in parts_of(batch, epochs, minibatches, memory.generator):
            if normalize == "minibatch":
                part = standardized(part)
            losses = ppo_losses(policy, value, part, clip=clip, value_clip=value_clip)
            loss = losses.policy + value_weight * losses.value - entropy_weight * losses.entropy

            optimizer.zero_grad()
            loss.backward()
            norm = gradient_norm(optimizer, f"update {memory.update}")
            torch.nn.utils.clip_grads_with_norm_(parameters(optimizer), max_norm, torch.tensor(norm))
            optimizer.step()
            seen.append([*(term.item() for term in losses), norm])
        memory.steps += len(batch.actions)
        yield Update(memory.update, memory.steps, rollout.returns, rollout.lengths, *np.mean(seen, axis=0).tolist())


@torch.no_grad()
def batch_of(policy, value, rollout, *, gamma, lam):
    """The transitions of a rollout with what the policy and the value network say of them now."""
    steps, played = rollout.mask.shape[0], rollout.mask
    observations, actions = rollout.observations[:-1][played], rollout.actions[played]
    values = values_of(value, rollout.observations.flatten(0, 1)).unflatten(0, (steps + 1, -1))  # (T + 1, E)
    advantages = advantages_of(rollout, values, gamma=gamma, lam=lam)[played]
    old_logp, old_values = log_probabilities(policy, observations, actions), values[:-1][played]
    return Batch(observations, actions, old_logp, old_values, advantages, advantages + old_values)


def parts_of(batch, epochs, minibatches, generator):
    """The batch in so many parts, one after another; all of it again in each epoch, in another order."""
    for _ in range(epochs):
        order = torch.randperm(len(batch.actions), generator=generator, device=batch.actions.device)
        for rows in order.chunk(minibatches):
            yield Batch(*(column[rows] for column in batch))


def standardized(batch):
    """The batch with advantages of mean 0 and of standard deviation 1; equal ones become 0."""
    centred = batch.advantages - batch.advantages.mean()
    return batch._replace(advantages=centred / (centred.std(correction=0) + 1e-8))


def ppo_losses(policy, value, batch, *, clip, value_clip=None):
    """The losses of the policy and of the values on a batch, and the policy's entropy, differentiable; KL and clipping."""
    logp, entropy = evaluate_actions(policy, batch.observations, batch.actions)
    surrogate = clipped_surrogate(logp[:, None], batch.old_logp[:, None], batch.advantages, clip=clip)[:, 0]
    values = values_of(value, batch.observations)
    squares = (batch.targets - values) ** 2
    if value_clip is not None:
        moved = (values - batch.old_values).clamp(-value_clip, value_clip)
        squares = torch.maximum(squares, (batch.targets - batch.old_values - moved) ** 2)
    with torch.no_grad():
        clipped = surrogate < (logp - batch.old_logp).exp() * batch.advantages
        kl = k3(batch.old_logp, logp).mean()
    return Losses(-surrogate.mean(), squares.mean() / 2, entropy.mean(), kl, clipped.float().mean())


def set_rates(optimizer, rates, share):
    """Give each group of the optimizer a share of its step size."""
    for group, rate in zip(optimizer.param_groups, rates):
        group["lr"] = share * rate


def _check_settings(env, gamma, lam, clip, rollout_steps, minibatches, normalize, decay, value_clip):
    check_number("gamma", gamma, least=0, most=1)
    check_number("lam", lam, least=0, most=1)
    check_number("clip", clip, above=0)
    if value_clip is not None:
        check_number("value_clip", value_clip, above=0)
    if minibatches > rollout_steps * env.num_envs:
        raise ValueError(
            f"minibatches is {minibatches}, expected at most {rollout_steps * env.num_envs}: a rollout has "
            f"{rollout_steps} steps of {env.num_envs} environments"
        )
    if normalize not in ("minibatch", "batch", None):
        raise ValueError(f"normalize is {shown(normalize)}, expected 'minibatch', 'batch' or None")
    check_flag("decay", decay)
