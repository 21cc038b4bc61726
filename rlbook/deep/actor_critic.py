"""Actor-critic: the value of the next state stands in for the rest of the return.

`one_step_actor_critic` is Sutton & Barto's box, `a2c` the synchronous form that is used, `delayed_a2c` the same with
gradients of networks that are out of date by exactly so many updates, and `a3c` the asynchronous form, with threads.
What was left out of all but the first: the factor gamma ** t (chapter 12 shows what that costs); any scaling of the
advantages; a decay of the step size. Rows are averaged, not summed: the step size does not depend on their number.
"""

import copy
import queue
import threading
from typing import NamedTuple

import numpy as np

from rlbook._checks import check_counts, check_number, require
from rlbook.advantages import td_errors

torch = require("torch", extra="deep")
gymnasium = require("gymnasium", extra="deep")

# after the check that torch is there:
from rlbook._torch import check_optimizer, gradient_norm, parameters, torch_generator  # noqa: E402
from rlbook.deep.acting import (  # noqa: E402
    check_environment,
    check_loss_weights,
    check_outputs,
    evaluate_actions,
    tensors_like,
    values_of,
)
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
    delay: int = 0  # updates that others made between those that this one's networks were copied from and this one


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
def one_step_actor_critic(env, policy, value, optimizer, *, steps, rng, gamma=1.0, memory):
    """After each step make the action likelier in proportion to its TD error, and the value better.

    env             a gymnasium VectorEnv with discrete actions; with one environment this is the book's box, with
                    more of them each update is the mean over those that took a step
    policy, value   nn.Modules, observations (B, ...) to logits (B, A), and to (B, 1) or (B,)
    optimizer       a torch optimizer of the parameters of both, in groups where their step sizes differ
    steps           transitions, after which no new update begins
    Yields an `Update` after each step of the optimizer.
    Source: Sutton & Barto (2018), section 13.5; box "One-step Actor-Critic (episodic)".
    """
    check_environment(env, policy, rng, steps=steps)
    check_optimizer(optimizer, policy=policy, value=value)
    gamma = check_number("gamma", gamma, least=0, most=1)
    policy.eval(), value.eval()
    check_outputs(env, policy, value)
    generator = torch_generator(rng, tensors_like(env, policy)["device"])
    memory.begin(update=0, steps=0, place=start(env, rng), generator=generator, discount=np.ones(env.num_envs))
    while memory.steps < steps:
        memory.update += 1
        rollout, memory.place = collect(env, policy, memory.place, memory.generator, steps=1)
        played = rollout.mask[0]
        v, v_next = (values_of(value, observations)[played] for observations in rollout.observations)
        rewards, terminated = rollout.rewards[:, played].to(v.dtype), rollout.terminated[:, played]
        delta = td_errors(rewards, v[None], terminated, gamma=gamma, next_values=v_next.detach()[None])[0]
        logp, entropy = evaluate_actions(policy, rollout.observations[0, played], rollout.actions[0, played])
        discount = torch.tensor(memory.discount, dtype=v.dtype, device=v.device)[played]  # gamma ** t
        losses = Losses(-(discount * delta.detach() * logp).mean(), (delta**2).mean() / 2, entropy.mean())

        optimizer.zero_grad()
        (losses.policy + losses.value).backward()
        norm = gradient_norm(optimizer, f"update {memory.update}")
        optimizer.step()
        goes_on = played.cpu().numpy() & ~memory.place.over
        memory.discount = np.where(goes_on, gamma * memory.discount, 1.0)
        memory.steps += int(played.sum())
        yield _record(memory.update, memory.steps, rollout, losses, norm)


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
    value_weight, entropy_weight, max_norm = check_loss_weights(value_weight, entropy_weight, max_norm)
    policy.eval(), value.eval()
    check_outputs(env, policy, value)
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


@trainer
def delayed_a2c(
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
    delay,
    memory,
):
    """A2C whose gradients are out of date: so many updates were made since their networks were copied.

    As `a2c`, with delay + 1 copies of the networks that take turns: each acts for some steps and finds the gradient
    there, which moves the networks as they are now, and is then copied from them. This is what asynchronous workers do
    whose turns come in order, without the chance that rules those; with delay 0 it is `a2c`.
    """
    check_environment(env, policy, rng, steps=steps, rollout_steps=rollout_steps)
    check_optimizer(optimizer, policy=policy, value=value)
    check_counts(least=0, delay=delay)
    gamma, lam = check_number("gamma", gamma, least=0, most=1), check_number("lam", lam, least=0, most=1)
    value_weight, entropy_weight, max_norm = check_loss_weights(value_weight, entropy_weight, max_norm)
    policy.eval(), value.eval()
    check_outputs(env, policy, value)
    shared = torch.nn.ModuleList([policy, value])
    generator = torch_generator(rng, tensors_like(env, policy)["device"])
    copies = torch.nn.ModuleList([copy.deepcopy(shared) for _ in range(delay + 1)])
    memory.begin(update=0, steps=0, place=start(env, rng), generator=generator, copies=copies)
    while memory.steps < steps:
        old = memory.copies[memory.update % (delay + 1)]
        memory.update += 1
        rollout, memory.place = collect(env, old[0], memory.place, memory.generator, steps=rollout_steps)
        losses = actor_critic_losses(*old, rollout, gamma=gamma, lam=lam)
        loss = losses.policy + value_weight * losses.value - entropy_weight * losses.entropy

        optimizer.zero_grad()
        give_gradients(loss, old, shared)
        norm = gradient_norm(optimizer, f"update {memory.update}")
        torch.nn.utils.clip_grad_norm_(parameters(optimizer), max_norm)
        optimizer.step()
        old.load_state_dict(shared.state_dict())
        memory.steps += int(rollout.mask.sum())
        yield _record(memory.update, memory.steps, rollout, losses, norm, min(delay, memory.update - 1))


def give_gradients(loss, old, shared):
    """Find the gradient of a loss in the parameters of `old`, and leave it in those of `shared`, of the same shapes."""
    pairs = [(mine, its) for mine, its in zip(old.parameters(), shared.parameters()) if its.requires_grad]
    gradients = torch.autograd.grad(loss, [mine for mine, _ in pairs], allow_unused=True)
    for gradient, (_, its) in zip(gradients, pairs):
        its.grad = gradient


def a3c(
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
    workers=2,
):
    """Several workers act and learn at the same time, each in environments of its own, and change the same networks.

    As `a2c`, with a thread for each worker, which acts in a copy of env (best with one or few environments in it).
    Records come in the order of the updates; their `delay` says how many others came in between. Which worker is
    when done, the machine decides: two runs with two workers or more differ, while one worker does what `a2c` does.
    It is no `Training`, and `save` refuses it: at no time does every worker stand between two updates.
    The step of the optimizer is one worker's at a time. In the paper the workers do not wait for each other.
    Raises TypeError for environments in processes of their own, which cannot be copied.
    Source: Mnih et al. (2016), algorithm S3.
    """
    check_environment(env, policy, rng, steps=steps, rollout_steps=rollout_steps, workers=workers)
    check_optimizer(optimizer, policy=policy, value=value)
    gamma, lam = check_number("gamma", gamma, least=0, most=1), check_number("lam", lam, least=0, most=1)
    weights = check_loss_weights(value_weight, entropy_weight, max_norm)
    if isinstance(env.unwrapped, gymnasium.vector.AsyncVectorEnv):
        raise TypeError("env is an AsyncVectorEnv, expected one of this process: each worker acts in a copy of it")
    policy.eval(), value.eval()
    check_outputs(env, policy, value)
    shared = Shared(torch.nn.ModuleList([policy, value]), optimizer, steps, *weights)
    device, threads = tensors_like(env, policy)["device"], []
    for _ in range(workers):
        mine, generator = copy.deepcopy(env), torch_generator(rng, device)
        arguments = (shared, mine, start(mine, rng), generator, gamma, lam, rollout_steps)
        threads.append(threading.Thread(target=work, args=arguments, daemon=True))
    for thread in threads:
        thread.start()
    try:
        while (record := shared.records.get()) is not None:
            if isinstance(record, BaseException):
                raise record
            yield record
    finally:  # also where nobody asks for more records
        shared.over.set()
        while any(thread.is_alive() for thread in threads):
            shared.take_one()  # a worker may be waiting to hand over a record
        for thread in threads:
            thread.join()


class Shared:
    """What the workers of `a3c` have in common: the networks, the optimizer, the counters."""

    def __init__(self, networks, optimizer, steps, value_weight, entropy_weight, max_norm):
        self.networks, self.optimizer, self.max_norm = networks, optimizer, max_norm
        self.value_weight, self.entropy_weight = value_weight, entropy_weight
        self.lock, self.over = threading.Lock(), threading.Event()
        self.update, self.steps, self.most = 0, 0, steps
        self.records = queue.Queue(maxsize=1)  # full, it lets the workers wait until a record is asked for

    def take_one(self):
        try:
            self.records.get(timeout=0.01)
        except queue.Empty:
            pass


def work(shared, env, place, generator, gamma, lam, rollout_steps):
    """What a worker does until all are done: copy the networks, act, find a gradient, change the networks with it."""
    mine = copy.deepcopy(shared.networks)
    try:
        while not shared.over.is_set():
            with shared.lock:
                mine.load_state_dict(shared.networks.state_dict())
                copied_at = shared.update
            rollout, place = collect(env, mine[0], place, generator, steps=rollout_steps)
            losses = actor_critic_losses(*mine, rollout, gamma=gamma, lam=lam)
            loss = losses.policy + shared.value_weight * losses.value - shared.entropy_weight * losses.entropy
            with shared.lock:
                if shared.over.is_set():
                    break
                shared.optimizer.zero_grad()
                give_gradients(loss, mine, shared.networks)
                norm = gradient_norm(shared.optimizer, f"update {shared.update + 1}")
                torch.nn.utils.clip_grad_norm_(parameters(shared.optimizer), shared.max_norm)
                shared.optimizer.step()
                shared.update, shared.steps = shared.update + 1, shared.steps + int(rollout.mask.sum())
                delay = shared.update - 1 - copied_at
                shared.records.put(_record(shared.update, shared.steps, rollout, losses, norm, delay))
                if shared.steps >= shared.most:
                    shared.over.set()
                    shared.records.put(None)
    except BaseException as error:  # it is raised where the records are asked for
        shared.over.set()
        shared.records.put(error)


def _record(update, steps, rollout, losses, norm, delay=0):
    return Update(update, steps, rollout.returns, rollout.lengths, *(loss.item() for loss in losses), norm, delay)
