"""REINFORCE, with and without a baseline, on Gymnasium's vectorised environments.

An update plays one episode in each of the E environments and follows their mean gradient once. What was left out: the
factor gamma ** t before each step's term, which the policy gradient theorem has when gamma is below 1 and which nearly
every program drops; any scaling or whitening of the returns; any entropy bonus; bootstrapping, so that the return of an
episode that was cut off is the sum of what was seen of it (the records say which episodes these were).
"""

from typing import NamedTuple

import numpy as np

from rlbook._checks import check_counts, check_number, check_rng, require, shown
from rlbook.advantages import returns_to_go

torch = require("torch", extra="deep")
gymnasium = require("gymnasium", extra="deep")

# after the check that torch is there:
from rlbook._torch import check_optimizer, check_weights, gradient_norm, torch_generator  # noqa: E402


class Episodes(NamedTuple):
    """One episode of each of E environments, T steps of the longest. Tensors on the device of the policy."""

    observations: torch.Tensor  # (T, E, ...)
    actions: torch.Tensor  # (T, E)
    rewards: torch.Tensor  # (T, E), 0 where the episode was over
    mask: torch.Tensor  # (T, E) bool: a step of the episode, not what its environment did afterwards
    truncated: torch.Tensor  # (E,) bool: cut off by the environment's limit or by max_steps

    @property
    def returns(self):
        """The sum of the rewards of each episode, undiscounted: (E,)."""
        return self.rewards.sum(dim=0)

    @property
    def lengths(self):
        """The steps of each episode: (E,)."""
        return self.mask.sum(dim=0)


class Update(NamedTuple):
    """What one update saw and did."""

    update: int  # from 1
    steps: int  # transitions so far, this update's included
    returns: np.ndarray  # (E,) the sum of the rewards of each episode, undiscounted
    lengths: np.ndarray  # (E,) steps taken
    truncated: np.ndarray  # (E,) bool: the episode was cut off, its return is what was seen
    loss: float
    gradient_norm: float


@torch.no_grad()
def play(env, policy, rng, *, max_steps=10_000):
    """Play one episode in each environment of a VectorEnv, from a reset, short ones and long ones.

    policy      an nn.Module from observations (E, ...) to logits (E, A); observations of a Discrete
                space are int64 (E,), others floats of the type of the policy's parameters
    max_steps   an episode still going on after so many steps is cut off
    An environment whose episode is over is stepped on, since a VectorEnv steps all of its
    environments, but these steps, autoreset included, are no transitions: their mask is False.
    The policy is put into eval mode, without dropout: what acts is what is scored afterwards.
    """
    _check(env, policy, rng, max_steps=max_steps)
    like = _like(env, policy)
    generator = torch_generator(rng, like["device"])
    policy.eval()
    observation, _ = env.reset(seed=int(rng.integers(2**31)))
    going, truncated = np.ones(env.num_envs, bool), np.zeros(env.num_envs, bool)
    steps = []
    while going.any() and len(steps) < max_steps:
        state = torch.tensor(observation, **like)
        logits = _logits(policy, state, int(env.single_action_space.n))
        action = _draw(logits, generator)
        observation, reward, terminated, cut, _ = env.step(action.cpu().numpy())
        steps.append((state, action, np.where(going, reward, 0.0), going))
        truncated |= going & cut & ~terminated
        going = going & ~(terminated | cut)
    states, actions, rewards, mask = zip(*steps)
    rewards = torch.tensor(np.stack(rewards), dtype=torch.float32, device=generator.device)
    mask = torch.tensor(np.stack(mask), device=generator.device)
    truncated = torch.tensor(truncated | going, device=generator.device)
    return Episodes(torch.stack(states), torch.stack(actions), rewards, mask, truncated)


def log_probabilities(policy, observations, actions):
    """log pi(a|s) of the actions (N,) taken at observations (N, ...): (N,), differentiable.

    Raises ValueError unless there is an action for each observation, one of those that the policy has logits for, and
    the logits depend on its weights where a gradient is asked for.
    """
    _check_actions(observations, actions)
    logp = _output("policy", policy, observations).log_softmax(dim=-1)  # (N, A)
    _check_range(actions, logp)
    return logp.gather(-1, actions.unsqueeze(-1)).squeeze(-1)


def reinforce(env, policy, optimizer, *, updates, rng, gamma=1.0, max_steps=10_000):
    """Make each action likelier in proportion to the return that followed it.

    env             a gymnasium VectorEnv with discrete actions
    policy          an nn.Module, observations (B, ...) to logits (B, A)
    optimizer       a torch optimizer of the policy's parameters
    Yields an `Update` after each step of the optimizer.
    Source: Williams (1992); Sutton & Barto (2018), section 13.3.
    """
    _check(env, policy, rng, max_steps=max_steps, updates=updates)
    check_optimizer(optimizer, policy=policy)
    gamma = check_number("gamma", gamma, least=0, most=1)
    steps = 0
    for update in range(1, updates + 1):
        episodes = play(env, policy, rng, max_steps=max_steps)
        played = episodes.mask
        returns = returns_to_go(episodes.rewards, gamma=gamma)[played]  # (N,) of the N steps played
        logp = log_probabilities(policy, episodes.observations[played], episodes.actions[played])
        loss = -(logp * returns).sum() / env.num_envs

        optimizer.zero_grad()
        loss.backward()
        norm = gradient_norm(optimizer, f"update {update}")
        optimizer.step()
        steps += len(returns)
        yield _record(update, steps, episodes, loss, norm)


def reinforce_with_baseline(env, policy, value, optimizer, *, updates, rng, gamma=1.0, max_steps=10_000):
    """Make each action likelier in proportion to how much its return exceeded the value of the state.

    As `reinforce`, with value an nn.Module, observations (B, ...) to (B, 1) or (B,), fitted to the
    returns by least squares; the optimizer holds the parameters of both networks.
    Source: Williams (1992); Sutton & Barto (2018), section 13.4.
    """
    _check(env, policy, rng, max_steps=max_steps, updates=updates)
    check_optimizer(optimizer, policy=policy, value=value)
    gamma = check_number("gamma", gamma, least=0, most=1)
    value.eval()
    steps = 0
    for update in range(1, updates + 1):
        episodes = play(env, policy, rng, max_steps=max_steps)
        played = episodes.mask
        returns = returns_to_go(episodes.rewards, gamma=gamma)[played]  # (N,) of the N steps played
        logp = log_probabilities(policy, episodes.observations[played], episodes.actions[played])
        delta = returns - _values(value, episodes.observations[played])
        loss = -(logp * delta.detach()).sum() / env.num_envs + (delta**2).sum() / 2 / env.num_envs

        optimizer.zero_grad()
        loss.backward()
        norm = gradient_norm(optimizer, f"update {update}")
        optimizer.step()
        steps += len(returns)
        yield _record(update, steps, episodes, loss, norm)


def _record(update, steps, episodes, loss, norm):
    returns, lengths = (array.cpu().numpy() for array in (episodes.returns, episodes.lengths))
    return Update(update, steps, returns, lengths, episodes.truncated.cpu().numpy(), loss.item(), norm)


def _parameter(policy):
    """A parameter of the policy, for its device and type; that of a policy without any is a plain CPU tensor."""
    return next(policy.parameters(), torch.empty(0))


def _like(env, policy):
    """What the observations become as tensors: whole numbers for a table, else floats of the policy's own type."""
    discrete = isinstance(env.single_observation_space, gymnasium.spaces.Discrete)
    parameter = _parameter(policy)
    return {"dtype": torch.int64 if discrete else parameter.dtype, "device": parameter.device}


def _check_actions(observations, actions):
    for name, tensor in {"observations": observations, "actions": actions}.items():
        if not isinstance(tensor, torch.Tensor):
            raise TypeError(f"{name} is {shown(tensor)}, expected a torch.Tensor")
    if actions.shape != observations.shape[:1]:
        raise ValueError(
            f"actions have shape {tuple(actions.shape)}, expected {tuple(observations.shape[:1])}: one for each observation"
        )
    if actions.dtype != torch.int64:
        raise ValueError(f"actions have type {actions.dtype}, expected torch.int64: the number of each action")


def _check_range(actions, logp):
    if logp.shape[:-1] != actions.shape:
        raise ValueError(f"the policy gives logits {tuple(logp.shape)}, expected {(len(actions), 'A')}: a row for each")
    wrong = ((actions < 0) | (actions >= logp.shape[-1])).nonzero()
    if len(wrong):
        n = int(wrong[0])
        raise ValueError(f"actions[{n}] is {int(actions[n])}, expected an action from 0 to {logp.shape[-1] - 1}")


def _output(name, network, observations):
    """What a network gives for observations, if it is a tensor of real numbers from which its weights can learn."""
    output = network(observations)
    if not isinstance(output, torch.Tensor):
        raise TypeError(f"{name} gives {shown(output)}, expected a torch.Tensor alone")
    if not output.is_floating_point():
        raise ValueError(f"{name} gives numbers of type {output.dtype}, expected real ones, such as torch.float32")
    learns = isinstance(network, torch.nn.Module) and any(weight.requires_grad for weight in network.parameters())
    if learns and torch.is_grad_enabled() and not output.requires_grad:
        raise ValueError(
            f"the output of {name} needs no gradient, expected one that depends on its weights: it would never learn"
        )
    return output


def _logits(policy, state, num_actions):
    logits = _output("policy", policy, state)
    if logits.shape != (len(state), num_actions):
        raise ValueError(
            f"the policy maps observations {tuple(state.shape)} to {tuple(logits.shape)}, expected logits "
            f"{(len(state), num_actions)}: one for each of the {num_actions} actions"
        )
    return logits


def _draw(logits, generator):
    """An action for each row of logits (E, A): of A exponential clocks at rates pi(a|s) the first to ring, (E,).

    It rings first with probability pi(a|s); drawn so in a quarter of the time that torch.multinomial takes.
    """
    return (logits.softmax(dim=-1) / torch.empty_like(logits).exponential_(generator=generator)).argmax(dim=-1)


def _values(value, observations):
    values, wanted = _output("value", value, observations), (len(observations),)
    if values.shape not in (wanted, (*wanted, 1)):
        raise ValueError(
            f"the value network maps observations {tuple(observations.shape)} to {tuple(values.shape)}, "
            f"expected {(*wanted, 1)} or {wanted}: one value for each"
        )
    return values.reshape(wanted)


def _check(env, policy, rng, **counts):
    """One clear error for each thing that cannot work, before any step."""
    check_rng(rng)
    if not isinstance(env, gymnasium.vector.VectorEnv):
        raise TypeError(
            f"env is a {type(env).__name__}, expected a gymnasium VectorEnv, such as gymnasium.make_vec('CartPole-v1', "
            "num_envs=32, vectorization_mode='vector_entry_point') or, of a FiniteMDP, mdp.to_gymnasium(num_envs=32)"
        )
    actions = env.single_action_space
    if not isinstance(actions, gymnasium.spaces.Discrete) or actions.start != 0:
        raise TypeError(f"the actions of env are {actions}, expected Discrete(n), counted from 0")
    if not isinstance(env.single_observation_space, (gymnasium.spaces.Discrete, gymnasium.spaces.Box)):
        raise TypeError(f"the observations of env are {env.single_observation_space}, expected Discrete or Box")
    if env.metadata.get("autoreset_mode") == gymnasium.vector.AutoresetMode.DISABLED:
        raise ValueError("env has autoreset disabled: it could not be stepped on until its last episode is over")
    check_counts(**counts)
    check_weights(policy=policy)
