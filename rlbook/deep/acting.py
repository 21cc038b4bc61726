"""What the algorithms of this room share: environments that they can play, what networks give, and actions drawn."""

import numpy as np

from rlbook._checks import check_counts, check_number, check_rng, require, shown

torch = require("torch", extra="deep")
gymnasium = require("gymnasium", extra="deep")

# after the check that torch is there:
from rlbook._torch import check_weights  # noqa: E402
from rlbook.deep.gaussian import Gaussian  # noqa: E402


def act(policy, state, space, generator):
    """An action drawn for each row of state (E, ...): a number (E,) of a Discrete space, a vector (E, D) of a Box."""
    if isinstance(policy, Gaussian):
        return policy.draw(state, generator)
    return draw(logits_of(policy, state, int(space.n)), generator)


def sent(actions, space):
    """What an environment gets for the actions drawn: an array, of a Box cut to its bounds.

    Scored is the action that was drawn. Where the cut changed it, the one that was sent has a probability too, but no
    density, and the environment cannot tell all those beyond a bound from each other: for the policy gradient the cut is
    a part of the world.
    """
    actions = actions.cpu().numpy()
    if isinstance(space, gymnasium.spaces.Box):
        actions = np.clip(actions, space.low, space.high).astype(space.dtype)
    return actions


def log_probabilities(policy, observations, actions):
    """log pi(a|s) of the actions (N,) taken at observations (N, ...): (N,), differentiable.

    Of a `Gaussian` policy the actions are (N, D), and what is given is the logarithm of their density.
    Raises ValueError unless there is an action for each observation, one of those that the policy has logits for, and
    the logits depend on its weights where a gradient is asked for.
    """
    _check_actions(policy, observations, actions)
    if isinstance(policy, Gaussian):
        return policy.log_probabilities(observations, actions)
    return _of_actions(_all_log_probabilities(policy, observations, actions), actions)


def evaluate_actions(policy, observations, actions):
    """log pi(a|s) of the actions (N,) taken at observations (N, ...), and the entropy of pi(.|s): (N,) and (N,).

    Both differentiable. Raises ValueError where `log_probabilities` does.
    """
    _check_actions(policy, observations, actions)
    if isinstance(policy, Gaussian):
        return policy.log_probabilities(observations, actions), policy.entropies(observations)
    logp = _all_log_probabilities(policy, observations, actions)
    return _of_actions(logp, actions), -(logp.exp() * logp).sum(dim=-1)


def _all_log_probabilities(policy, observations, actions):
    logp = output_of("policy", policy, observations).log_softmax(dim=-1)  # (N, A)
    _check_range(actions, logp)
    return logp


def _of_actions(logp, actions):
    return logp.gather(-1, actions.unsqueeze(-1)).squeeze(-1)


def _parameter(policy):
    """A parameter of the policy, for its device and type; that of a policy without any is a plain CPU tensor."""
    return next(policy.parameters(), torch.empty(0))


def tensors_like(env, policy):
    """What the observations become as tensors: whole numbers for a table, else floats of the policy's own type."""
    discrete = isinstance(env.single_observation_space, gymnasium.spaces.Discrete)
    parameter = _parameter(policy)
    return {"dtype": torch.int64 if discrete else parameter.dtype, "device": parameter.device}


def _check_actions(policy, observations, actions):
    for name, tensor in {"observations": observations, "actions": actions}.items():
        if not isinstance(tensor, torch.Tensor):
            raise TypeError(f"{name} is {shown(tensor)}, expected a torch.Tensor")
    gaussian = isinstance(policy, Gaussian)
    wanted = (len(observations), len(policy.log_std)) if gaussian else tuple(observations.shape[:1])
    if tuple(actions.shape) != wanted:
        raise ValueError(f"actions have shape {tuple(actions.shape)}, expected {wanted}: one for each observation")
    if gaussian and not actions.is_floating_point():
        raise ValueError(f"actions have type {actions.dtype}, expected real numbers, such as torch.float32")
    if not gaussian and actions.dtype != torch.int64:
        raise ValueError(f"actions have type {actions.dtype}, expected torch.int64: the number of each action")


def _check_range(actions, logp):
    if logp.shape[:-1] != actions.shape:
        raise ValueError(f"the policy gives logits {tuple(logp.shape)}, expected {(len(actions), 'A')}: a row for each")
    wrong = ((actions < 0) | (actions >= logp.shape[-1])).nonzero()
    if len(wrong):
        n = int(wrong[0])
        raise ValueError(f"actions[{n}] is {int(actions[n])}, expected an action from 0 to {logp.shape[-1] - 1}")


def output_of(name, network, observations):
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


def logits_of(policy, state, num_actions):
    logits = output_of("policy", policy, state)
    if logits.shape != (len(state), num_actions):
        raise ValueError(
            f"the policy maps observations {tuple(state.shape)} to {tuple(logits.shape)}, expected logits "
            f"{(len(state), num_actions)}: one for each of the {num_actions} actions"
        )
    return logits


def draw(logits, generator):
    """An action for each row of logits (E, A): of A exponential clocks at rates pi(a|s) the first to ring, (E,).

    It rings first with probability pi(a|s); drawn so in a quarter of the time that torch.multinomial takes.
    """
    return (logits.softmax(dim=-1) / torch.empty_like(logits).exponential_(generator=generator)).argmax(dim=-1)


def action_values(network, observations, num_actions):
    """q(s, a) of observations (N, ...): (N, A). Raises ValueError where the network gives another shape."""
    q, wanted = output_of("network", network, observations), (len(observations), num_actions)
    if q.shape != wanted:
        raise ValueError(
            f"the network maps observations {tuple(observations.shape)} to {tuple(q.shape)}, expected {wanted}: "
            f"the value of each of the {num_actions} actions"
        )
    return q


def explore(q, epsilon, generator):
    """Of action values (N, A) the best action, or with probability epsilon any action, all alike: (N,)."""
    best = q.argmax(dim=1)
    chance = torch.rand(best.shape, generator=generator, device=q.device)
    anything = torch.randint(q.shape[1], best.shape, generator=generator, device=q.device)
    return torch.where(chance < epsilon, anything, best)


class Greedy(torch.nn.Module):
    """The best action of a network of action values, as a policy: its logit is 0, that of the others minus infinity."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, observations):
        q = self.network(observations)
        return torch.full_like(q, -torch.inf).scatter(1, q.argmax(dim=1, keepdim=True), 0.0)


def values_of(value, observations):
    values, wanted = output_of("value", value, observations), (len(observations),)
    if values.shape not in (wanted, (*wanted, 1)):
        raise ValueError(
            f"the value network maps observations {tuple(observations.shape)} to {tuple(values.shape)}, "
            f"expected {(*wanted, 1)} or {wanted}: one value for each"
        )
    return values.reshape(wanted)


def check_environment(env, policy, rng, **counts):
    """One clear error for each thing that cannot work, before any step."""
    check_rng(rng)
    if not isinstance(env, gymnasium.vector.VectorEnv):
        raise TypeError(
            f"env is a {type(env).__name__}, expected a gymnasium VectorEnv, such as gymnasium.make_vec('CartPole-v1', "
            "num_envs=32, vectorization_mode='vector_entry_point') or, of a FiniteMDP, mdp.to_gymnasium(num_envs=32)"
        )
    _check_action_space(env.single_action_space, policy)
    if not isinstance(env.single_observation_space, (gymnasium.spaces.Discrete, gymnasium.spaces.Box)):
        raise TypeError(f"the observations of env are {env.single_observation_space}, expected Discrete or Box")
    if env.metadata.get("autoreset_mode") == gymnasium.vector.AutoresetMode.DISABLED:
        raise ValueError("env has autoreset disabled: it could not be stepped on until its last episode is over")
    check_counts(**counts)
    check_weights(policy=policy)


def check_loss_weights(value_weight, entropy_weight, max_norm):
    """The weights of the terms of an actor-critic's loss, and the length that its gradient is cut to, as floats."""
    return (
        check_number("value_weight", value_weight, least=0),
        check_number("entropy_weight", entropy_weight, least=0),
        check_number("max_norm", max_norm, above=0),
    )


@torch.no_grad()
def check_outputs(env, policy, value):
    """Raise, before any step, where a network does not give what is needed of it for an observation of env."""
    observations = torch.zeros((env.num_envs, *env.single_observation_space.shape), **tensors_like(env, policy))
    act(policy, observations, env.single_action_space, torch.Generator(observations.device))
    values_of(value, observations)


def _check_action_space(space, policy):
    if isinstance(policy, Gaussian):
        shape = (len(policy.log_std),)
        if not isinstance(space, gymnasium.spaces.Box) or space.shape != shape:
            raise TypeError(f"the actions of env are {space}, expected a Box of shape {shape} for this Gaussian policy")
    elif not isinstance(space, gymnasium.spaces.Discrete) or space.start != 0:
        raise TypeError(
            f"the actions of env are {space}, expected Discrete(n), counted from 0, for a policy that gives logits; "
            "for a Box see deep.gaussian.Gaussian"
        )
