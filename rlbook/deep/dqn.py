"""Deep Q-networks: Q-learning with a network, a memory of transitions, and a target that moves late.

After each step of all environments one batch is drawn and one gradient step made, so that the number of environments says
how many new transitions come to an update. The loss is half the mean square of the errors; many programs take Huber's,
which is `huber_dqn`, and chapter 10 shows what that costs. What was left out: frames stacked or skipped, rewards clipped,
the gradient cut to a length, and noise in the place of epsilon.
"""

import copy
from typing import NamedTuple

import numpy as np

from rlbook._checks import check_counts, check_number, require

torch = require("torch", extra="deep")

# after the check that torch is there:
from torch.nn.functional import huber_loss  # noqa: E402

from rlbook._torch import check_optimizer, gradient_norm, torch_generator  # noqa: E402
from rlbook.deep.acting import action_values, check_environment, explore, tensors_like  # noqa: E402
from rlbook.deep.replay import ReplayBuffer, check_exponents  # noqa: E402
from rlbook.deep.rollouts import finite, moved_on, ready, start  # noqa: E402
from rlbook.training import trainer  # noqa: E402


class Update(NamedTuple):
    """What one update saw and did."""

    update: int  # from 1
    steps: int  # transitions so far
    returns: np.ndarray  # (K,) the sum of the rewards of each episode that ended in this step, undiscounted
    lengths: np.ndarray  # (K,) steps of each of them
    loss: float
    mean_q: float  # the mean over the batch of max_a q(s, a), before the update
    max_q: float  # the largest q(s, a) in the batch
    epsilon: float  # with which the step was made
    gradient_norm: float


@trainer
def dqn(
    env,
    network,
    optimizer,
    *,
    steps,
    rng,
    gamma=0.99,
    epsilon=0.05,
    exploration_steps=10_000,
    learning_starts=1_000,
    capacity=50_000,
    batch_size=128,
    target_every=1,
    tau=0.01,
    memory,
):
    """Step epsilon-greedily, remember, and move q of remembered pairs towards r + gamma max q of an older network.

    env             a gymnasium VectorEnv with discrete actions
    network         an nn.Module, observations (B, ...) to action values (B, A); it is changed in place
    optimizer       a torch optimizer of the network's parameters
    steps           transitions, after which no new update begins
    epsilon         the last probability of a random action; it falls to that from 1 in exploration_steps transitions
    learning_starts, capacity    transitions before the first update, and at most kept; older ones are overwritten
    target_every, tau    after so many updates the target network moves by tau towards the network: 500 and 1 copy it
                    now and then, 1 and 0.01 let it follow
    Yields an `Update` after each step of the optimizer.
    Source: Mnih et al. (2015), algorithm 1; Lillicrap et al. (2016) for tau.
    """
    check_sizes(steps, exploration_steps, learning_starts, capacity, batch_size, target_every)
    gamma, epsilon, tau = check_arguments(env, network, optimizer, rng, gamma, epsilon, tau)
    memory.begin(update=0, steps=0, **begun(env, network, rng, capacity))
    while memory.steps < steps:
        chance = max(epsilon, 1 - (1 - epsilon) * memory.steps / exploration_steps)
        memory.place, ended = step(env, network, memory.place, memory.buffer, memory.generator, chance)
        memory.steps = memory.buffer.added
        if memory.steps < learning_starts:
            continue
        memory.update += 1
        batch = memory.buffer[memory.buffer.draw(batch_size, memory.generator)]
        q = network(batch.observations)  # (B, A)
        with torch.no_grad():
            best = memory.target(batch.next_observations).amax(dim=1)  # (B,)
            targets = batch.rewards + gamma * torch.where(batch.terminated, 0, best)
        loss = (targets - q.gather(1, batch.actions[:, None])[:, 0]).square().mean() / 2

        optimizer.zero_grad()
        loss.backward()
        norm = gradient_norm(optimizer, f"update {memory.update}")
        optimizer.step()
        if memory.update % target_every == 0:
            move(memory.target, network, tau)
        yield record(memory, ended, loss, q, chance, norm)


@trainer
def double_dqn(
    env,
    network,
    optimizer,
    *,
    steps,
    rng,
    gamma=0.99,
    epsilon=0.05,
    exploration_steps=10_000,
    learning_starts=1_000,
    capacity=50_000,
    batch_size=128,
    target_every=1,
    tau=0.01,
    memory,
):
    """As `dqn`, where the network chooses the best next action, and the target network says what it is worth.

    Source: van Hasselt, Guez and Silver (2016).
    """
    check_sizes(steps, exploration_steps, learning_starts, capacity, batch_size, target_every)
    gamma, epsilon, tau = check_arguments(env, network, optimizer, rng, gamma, epsilon, tau)
    memory.begin(update=0, steps=0, **begun(env, network, rng, capacity))
    while memory.steps < steps:
        chance = max(epsilon, 1 - (1 - epsilon) * memory.steps / exploration_steps)
        memory.place, ended = step(env, network, memory.place, memory.buffer, memory.generator, chance)
        memory.steps = memory.buffer.added
        if memory.steps < learning_starts:
            continue
        memory.update += 1
        batch = memory.buffer[memory.buffer.draw(batch_size, memory.generator)]
        q = network(batch.observations)  # (B, A)
        with torch.no_grad():
            chosen = network(batch.next_observations).argmax(dim=1, keepdim=True)  # (B, 1)
            best = memory.target(batch.next_observations).gather(1, chosen)[:, 0]  # (B,)
            targets = batch.rewards + gamma * torch.where(batch.terminated, 0, best)
        loss = (targets - q.gather(1, batch.actions[:, None])[:, 0]).square().mean() / 2

        optimizer.zero_grad()
        loss.backward()
        norm = gradient_norm(optimizer, f"update {memory.update}")
        optimizer.step()
        if memory.update % target_every == 0:
            move(memory.target, network, tau)
        yield record(memory, ended, loss, q, chance, norm)


@trainer
def n_step_dqn(
    env,
    network,
    optimizer,
    *,
    steps,
    rng,
    gamma=0.99,
    epsilon=0.05,
    exploration_steps=10_000,
    learning_starts=1_000,
    capacity=50_000,
    batch_size=128,
    target_every=1,
    tau=0.01,
    n=3,
    memory,
):
    """As `dqn`, with the rewards of up to n steps in the target before it bootstraps, uncorrected for exploration.

    Source: Watkins (1989), section 7; Hessel et al. (2018).
    """
    check_sizes(steps, exploration_steps, learning_starts, capacity, batch_size, target_every, n=n)
    gamma, epsilon, tau = check_arguments(env, network, optimizer, rng, gamma, epsilon, tau)
    memory.begin(update=0, steps=0, **begun(env, network, rng, capacity))
    while memory.steps < steps:
        chance = max(epsilon, 1 - (1 - epsilon) * memory.steps / exploration_steps)
        memory.place, ended = step(env, network, memory.place, memory.buffer, memory.generator, chance)
        memory.steps = memory.buffer.added
        if memory.steps < learning_starts:
            continue
        memory.update += 1
        slots = memory.buffer.draw(batch_size, memory.generator)
        batch, discount = memory.buffer.n_steps(slots, n=n, gamma=gamma)
        q = network(batch.observations)  # (B, A)
        with torch.no_grad():
            best = memory.target(batch.next_observations).amax(dim=1)  # (B,)
            targets = batch.rewards + discount * torch.where(batch.terminated, 0, best)
        loss = (targets - q.gather(1, batch.actions[:, None])[:, 0]).square().mean() / 2

        optimizer.zero_grad()
        loss.backward()
        norm = gradient_norm(optimizer, f"update {memory.update}")
        optimizer.step()
        if memory.update % target_every == 0:
            move(memory.target, network, tau)
        yield record(memory, ended, loss, q, chance, norm)


@trainer
def prioritized_dqn(
    env,
    network,
    optimizer,
    *,
    steps,
    rng,
    gamma=0.99,
    epsilon=0.05,
    exploration_steps=10_000,
    learning_starts=1_000,
    capacity=50_000,
    batch_size=128,
    target_every=1,
    tau=0.01,
    alpha=0.6,
    beta=0.4,
    memory,
):
    """As `dqn`, with transitions drawn in proportion to |delta| ** alpha, delta the error when they were last drawn.

    beta            of the weights that make up for it, at first; it rises to 1 at the last step. Alpha 0 draws evenly
    Source: Schaul et al. (2016), algorithm 1, with 0.01 added to |delta|.
    """
    check_sizes(steps, exploration_steps, learning_starts, capacity, batch_size, target_every)
    gamma, epsilon, tau = check_arguments(env, network, optimizer, rng, gamma, epsilon, tau)
    alpha, beta = check_exponents(alpha, beta)
    memory.begin(update=0, steps=0, **begun(env, network, rng, capacity))
    while memory.steps < steps:
        chance = max(epsilon, 1 - (1 - epsilon) * memory.steps / exploration_steps)
        memory.place, ended = step(env, network, memory.place, memory.buffer, memory.generator, chance)
        memory.steps = memory.buffer.added
        if memory.steps < learning_starts:
            continue
        memory.update += 1
        rising = min(1.0, beta + (1 - beta) * memory.steps / steps)
        slots, weights = memory.buffer.draw_by_priority(batch_size, memory.generator, alpha=alpha, beta=rising)
        batch = memory.buffer[slots]
        q = network(batch.observations)  # (B, A)
        with torch.no_grad():
            best = memory.target(batch.next_observations).amax(dim=1)  # (B,)
            targets = batch.rewards + gamma * torch.where(batch.terminated, 0, best)
        delta = targets - q.gather(1, batch.actions[:, None])[:, 0]
        loss = (weights * delta.square()).mean() / 2
        memory.buffer.set_priorities(slots, delta.abs() + 0.01)

        optimizer.zero_grad()
        loss.backward()
        norm = gradient_norm(optimizer, f"update {memory.update}")
        optimizer.step()
        if memory.update % target_every == 0:
            move(memory.target, network, tau)
        yield record(memory, ended, loss, q, chance, norm)


@trainer
def huber_dqn(
    env,
    network,
    optimizer,
    *,
    steps,
    rng,
    gamma=0.99,
    epsilon=0.05,
    exploration_steps=10_000,
    learning_starts=1_000,
    capacity=50_000,
    batch_size=128,
    target_every=1,
    tau=0.01,
    memory,
):
    """As `dqn`, with Huber's loss: an error beyond 1 pulls no harder than an error of 1, as in the paper of 2015.

    Source: Mnih et al. (2015), methods ("error clipping").
    """
    check_sizes(steps, exploration_steps, learning_starts, capacity, batch_size, target_every)
    gamma, epsilon, tau = check_arguments(env, network, optimizer, rng, gamma, epsilon, tau)
    memory.begin(update=0, steps=0, **begun(env, network, rng, capacity))
    while memory.steps < steps:
        chance = max(epsilon, 1 - (1 - epsilon) * memory.steps / exploration_steps)
        memory.place, ended = step(env, network, memory.place, memory.buffer, memory.generator, chance)
        memory.steps = memory.buffer.added
        if memory.steps < learning_starts:
            continue
        memory.update += 1
        batch = memory.buffer[memory.buffer.draw(batch_size, memory.generator)]
        q = network(batch.observations)  # (B, A)
        with torch.no_grad():
            best = memory.target(batch.next_observations).amax(dim=1)  # (B,)
            targets = batch.rewards + gamma * torch.where(batch.terminated, 0, best)
        loss = huber_loss(q.gather(1, batch.actions[:, None])[:, 0], targets)

        optimizer.zero_grad()
        loss.backward()
        norm = gradient_norm(optimizer, f"update {memory.update}")
        optimizer.step()
        if memory.update % target_every == 0:
            move(memory.target, network, tau)
        yield record(memory, ended, loss, q, chance, norm)


def begun(env, network, rng, capacity):
    """What a run begins with: an empty buffer, a target that shares no memory with the network, environments reset."""
    network.eval()
    like, shape = tensors_like(env, network), env.single_observation_space.shape
    reward_dtype = next(network.parameters()).dtype
    return {
        "buffer": ReplayBuffer(capacity, env.num_envs, shape, **like, reward_dtype=reward_dtype),
        "target": copy.deepcopy(network).requires_grad_(False),
        "generator": torch_generator(rng, like["device"]),
        "place": start(env, rng),
    }


@torch.no_grad()
def step(env, network, place, buffer, generator, epsilon):
    """One epsilon-greedy step of all environments, into the buffer. Returns where they stand then, and what ended."""
    num_actions, like = int(env.single_action_space.n), tensors_like(env, network)
    place = ready(env, place)
    states = torch.tensor(place.observation, **like)
    actions = explore(action_values(network, states, num_actions), epsilon, generator)
    reached, reward, terminated, truncated, _ = env.step(actions.cpu().numpy())
    flags = (torch.tensor(flag, device=like["device"]) for flag in (terminated, truncated, ~place.over))
    [rewards] = finite("rewards", torch.tensor(reward, device=like["device"])[None])
    [next_states] = finite("observations", torch.tensor(reached, **like)[None])
    buffer.add(states, actions, rewards, next_states, *flags)
    return moved_on(place, reached, reward, terminated, truncated)


@torch.no_grad()
def move(target, network, tau):
    """Move every weight of the target network by tau of the way to the network's: with tau 1, copy them."""
    for its, weight in zip(target.parameters(), network.parameters()):
        its.lerp_(weight, tau)


def check_arguments(env, network, optimizer, rng, gamma, epsilon, tau):
    """One clear error for each thing that cannot work, before any step; the three numbers as floats."""
    check_optimizer(optimizer, network=network)
    check_environment(env, network, rng)
    return (
        check_number("gamma", gamma, least=0, most=1),
        check_number("epsilon", epsilon, least=0, most=1),
        check_number("tau", tau, above=0, most=1),
    )


def check_sizes(steps, exploration_steps, learning_starts, capacity, batch_size, target_every, **more):
    counts = {"steps": steps, "exploration_steps": exploration_steps, "learning_starts": learning_starts}
    counts |= {"capacity": capacity, "batch_size": batch_size, "target_every": target_every}
    check_counts(**counts, **more)
    if capacity < batch_size:
        raise ValueError(f"capacity is {capacity}, expected at least {batch_size}: a batch is drawn from what is kept")
    if steps < learning_starts:
        raise ValueError(
            f"steps is {steps}, expected at least {learning_starts}: learning_starts is later than the end"
        )


def record(run, ended, loss, q, epsilon, norm):
    q = q.detach()
    means = q.amax(dim=1).mean().item(), q.max().item()
    return Update(run.update, run.steps, *ended, loss.item(), *means, epsilon, norm)
