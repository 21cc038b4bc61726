"""Actor-critic: the value of the next state stands in for the rest of the return.

`one_step_actor_critic` is Sutton & Barto's box, `a2c` the synchronous form that is used, `delayed_a2c` the same with
gradients of networks that are out of date, exactly so many updates, and `a3c` the asynchronous form, with threads.
What was left out of all but the first: the factor gamma ** t (chapter 12 shows what that costs); any scaling of the
advantages; a decay of the step size. Rows are averaged, not summed: the step size does not depend on their number.
"""

from typing import NamedTuple

import numpy as np

from rlbook._checks import check_number, require

torch = require("torch", extra="deep")

# after the check that torch is there:
from rlbook._torch import check_optimizer, gradient_norm, parameters, torch_generator  # noqa: E402
from rlbook.deep.acting import check_environment, evaluate_actions, tensors_like, values_of  # noqa: E402
from rlbook.deep.rollouts import advantages_of, collect, start  # noqa: E402
from rlbook.training import trainer  # noqa: E402


class Update(NamedTuple):
    """What one update saw and did."""

    update: int  # from 1
    steps: int  # transitions so far, this update's included
    returns: np.ndarray  # (K,) the sum of the rewards of each episode that ended in it, undiscounted
    lengths: np.ndarray  # (K,) steps of each of them
    policy_loss: float
    value_loss: float  # half the mean square of target less value
    entropy: float  # of the policy, the mean over the states seen, in nats
    gradient_norm: float  # before it was cut to max_norm


class Losses(NamedTuple):
    """The three terms of the loss, each a mean over transitions: scalars, differentiable."""

    policy: torch.Tensor
    value: torch.Tensor
    entropy: torch.Tensor


def actor_critic_losses(policy, value, rollout, *, gamma, lam):
    """The losses of the actor and of the critic on a rollout, and the policy's entropy.

    The advantage A of each step is GAE's, a number without a gradient. The actor's loss is the mean of -A log pi(a|s);
    the critic's is half the mean square of A, whose gradient moves v(s) towards the target A + v(s).
    """
    steps, rows = rollout.mask.shape[0], rollout.observations.flatten(0, 1)  # ((T + 1) * E, ...)
    values = values_of(value, rows).unflatten(0, (steps + 1, -1))  # (T + 1, E)
    played = rollout.mask
    advantages = advantages_of(rollout, values.detach(), gamma=gamma, lam=lam)[played]  # (N,) of the N transitions
    targets = advantages + values[:-1][played].detach()
    logp, entropy = evaluate_actions(policy, rollout.observations[:-1][played], rollout.actions[played])
    delta = targets - values[:-1][played]
    return Losses(-(logp * advantages).mean(), (delta**2).mean() / 2, entropy.mean())


@trainer
def a2c(
    env,
    policy,
    value,
    optimizer,
    *,
    steps,
    rng,
    gamma=0.99,
    lam=1.0,
    rollout_steps=5,
    value_weight=1.0,
    entropy_weight=0.0,
    max_norm=0.5,
    memory,
):
    """Act for some steps in all environments, then follow the gradient of what was seen once, together.

    env             a gymnasium VectorEnv with discrete actions
    policy, value   nn.Modules, observations (B, ...) to logits (B, A), and to (B, 1) or (B,)
    optimizer       a torch optimizer of the parameters of both
    steps           transitions, after which no new update begins
    lam             of GAE; at 1 the return of the rollout, and the value of the state where it stops
    rollout_steps   in each environment before each update
    value_weight, entropy_weight    of the loss: policy + value_weight * value - entropy_weight * entropy
    max_norm        a longer gradient is scaled to this length
    Yields an `Update` after each step of the optimizer.
    Source: Mnih et al. (2016), algorithm S3, with one worker and many environments; Schulman et al. (2016) for lam.
    """
    check_environment(env, policy, rng, steps=steps, rollout_steps=rollout_steps)
    check_optimizer(optimizer, policy=policy, value=value)
    gamma, lam = check_number("gamma", gamma, least=0, most=1), check_number("lam", lam, least=0, most=1)
    value_weight, entropy_weight, max_norm = _weights(value_weight, entropy_weight, max_norm)
    policy.eval(), value.eval()
    generator = torch_generator(rng, tensors_like(env, policy)["device"])
    memory.begin(update=0, steps=0, place=start(env, rng), generator=generator)
    while memory.steps < steps:
        memory.update += 1
        rollout, memory.place = collect(env, policy, memory.place, memory.generator, steps=rollout_steps)
        losses = actor_critic_losses(policy, value, rollout, gamma=gamma, lam=lam)
        loss = losses.policy + value_weight * losses.value - entropy_weight * losses.entropy

        optimizer.zero_grad()
        loss.backward()
        norm = gradient_norm(optimizer, f"update {memory.update}")
        torch.nn.utils.clip_grad_norm_(parameters(optimizer), max_norm)
        optimizer.step()
        memory.steps += int(rollout.mask.sum())
        yield _record(memory.update, memory.steps, rollout, losses, norm)


def _weights(value_weight, entropy_weight, max_norm):
    return (
        check_number("value_weight", value_weight, least=0),
        check_number("entropy_weight", entropy_weight, least=0),
        check_number("max_norm", max_norm, above=0),
    )


def _record(update, steps, rollout, losses, norm):
    return Update(update, steps, rollout.returns, rollout.lengths, *(loss.item() for loss in losses), norm)
