"""Learning from logged episodes by prediction: cloning what was done, and the Decision Transformer.

`DecisionTransformer` is a small GPT whose text is an episode: the return that is still to come, the state, the action,
the next return to come, and so on. Trained to predict the actions of a log, and asked for a return, it says what was
done where such a return followed. What was left out of the paper's: dropout, returns divided by a number that fits the
task, contexts shorter than an episode, vectors and pictures in place of states.
"""

import math
from typing import NamedTuple

import numpy as np

from rlbook._checks import check_count, check_counts, check_number, check_rng, require, shown
from rlbook.logged import Logged, check_logged

torch = require("torch", extra="deep")
gymnasium = require("gymnasium", extra="deep")

from torch import nn  # noqa: E402 (after the check that torch is there)

from rlbook._torch import check_optimizer, check_weights, gradient_norm, parameters, torch_generator  # noqa: E402
from rlbook.deep.acting import draw, log_probabilities  # noqa: E402
from rlbook.deep.rollouts import start  # noqa: E402
from rlbook.training import trainer  # noqa: E402


class Update(NamedTuple):
    """What one update saw and did."""

    update: int  # from 1
    steps: int  # logged steps that were learned from so far, this update's included; most of them more than once
    loss: float  # the mean of -log pi(a) over the logged actions of the batch, in nats
    gradient_norm: float  # before it was cut to max_norm


class CausalAttention(nn.Module):
    """Each place of a row takes a mean of the values of the places before it and its own, weighted by how they match."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.queries, self.keys, self.values, self.out = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x):
        """x (B, L, W) to (B, L, W); place l of the output depends on places 0..l of the input alone."""
        q, k, v = (f(x).unflatten(2, (self.heads, -1)).transpose(1, 2) for f in (self.queries, self.keys, self.values))
        weights = attention_weights(q, k)  # (B, H, L, L)
        return self.out((weights @ v).transpose(1, 2).flatten(2))


def attention_weights(queries, keys):
    """How much each place looks at each, from (..., L, D) to (..., L, L): softmax of q . k / sqrt(D) up to the own place.

    Source: Vaswani et al. (2017), equation 1, with the mask of section 3.2.3.
    """
    scores = queries @ keys.transpose(-2, -1) / math.sqrt(queries.shape[-1])
    later = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
    return scores.masked_fill(later, -math.inf).softmax(dim=-1)


class Block(nn.Module):
    """Look around, then think: attention and a small network, each adding to what is there."""

    def __init__(self, width, heads):
        super().__init__()
        self.attention = CausalAttention(width, heads)
        self.think = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.before_attention, self.before_thinking = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x):
        x = x + self.attention(self.before_attention(x))
        return x + self.think(self.before_thinking(x))


class DecisionTransformer(nn.Module):
    """A GPT over the 3 T places return to go, state, action, ... of an episode of at most max_steps steps.

    return_scale    returns are divided by it, so that those of the log are numbers of about 1
    rng             draws the starting weights
    Source: Chen et al. (2021), algorithm 1.
    """

    def __init__(self, num_states, num_actions, *, max_steps, rng, width=32, heads=2, layers=2, return_scale=1.0):
        super().__init__()
        check_counts(num_states=num_states, num_actions=num_actions, max_steps=max_steps, width=width, heads=heads)
        check_count("layers", layers, least=0)
        if width % heads:
            raise ValueError(f"width is {width}, expected a multiple of heads, {heads}: each has width / heads numbers")
        self.num_states, self.num_actions, self.max_steps = num_states, num_actions, max_steps
        self.return_scale = check_number("return_scale", return_scale, above=0)
        self.of_return = nn.Linear(1, width)
        self.of_state, self.of_action = nn.Embedding(num_states, width), nn.Embedding(num_actions, width)
        self.of_time = nn.Embedding(max_steps, width)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(layers)), nn.LayerNorm(width))
        self.logits = nn.Linear(width, num_actions)
        generator = torch_generator(rng)
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=0.02 if module is self.logits else 0.2, generator=generator)
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)

    def forward(self, returns, states, actions):
        """Logits (B, T, A) of each action, from the returns to go and states (B, T) up to it and the actions before it."""
        time = self.of_time(torch.arange(states.shape[1], device=states.device))
        returns = self.of_return(returns.unsqueeze(-1) / self.return_scale)
        places = torch.stack([returns, self.of_state(states), self.of_action(actions)], dim=2)  # (B, T, 3, W)
        x = self.blocks((places + time[:, None]).flatten(1, 2))  # (B, 3 T, W)
        return self.logits(x[:, 1::3])  # at the states: what stands there knows no action of its own step


@trainer
def decision_transformer(model, logged, optimizer, *, updates, rng, batch_size=64, max_norm=1.0, memory):
    """Make the logged actions likelier, given the returns that followed them.

    model       a DecisionTransformer
    logged      episodes of states and actions, `Logged`, of at most model.max_steps steps
    optimizer   a torch optimizer of the model's parameters
    Yields an `Update` after each step of the optimizer, on so many whole episodes, drawn with replacement.
    Source: Chen et al. (2021), algorithm 1.
    """
    check_rng(rng)
    _check_model(model)
    check_counts(updates=updates, batch_size=batch_size)
    check_logged(logged, model.num_actions, model.num_states)
    _check_length(logged, model)
    check_optimizer(optimizer, model=model)
    max_norm = check_number("max_norm", max_norm, above=0)
    columns = _tensors(logged, model)
    memory.begin(update=0, steps=0)
    while memory.update < updates:
        memory.update += 1
        rows = torch.from_numpy(rng.integers(len(logged.actions), size=batch_size))
        returns, states, actions, mask = (column[rows] for column in columns)  # (B, T) each
        logp = model(returns, states, actions).log_softmax(dim=-1)
        logp = logp.gather(-1, actions.unsqueeze(-1)).squeeze(-1)[mask]
        loss = -logp.mean()

        optimizer.zero_grad()
        loss.backward()
        norm = gradient_norm(optimizer, f"update {memory.update}")
        nn.utils.clip_grad_norm_(parameters(optimizer), max_norm)
        optimizer.step()
        memory.steps += len(logp)
        yield Update(memory.update, memory.steps, loss.item(), norm)


@trainer
def behaviour_cloning(policy, logged, optimizer, *, updates, rng, batch_size=64, max_norm=1.0, memory):
    """Make the logged actions likelier, whatever followed them.

    policy      an nn.Module, observations (B, ...) to logits (B, A)
    logged      `Logged` episodes
    Yields an `Update` after each step of the optimizer, on so many steps, drawn with replacement from all.
    Source: Pomerleau (1989).
    """
    check_rng(rng)
    check_counts(updates=updates, batch_size=batch_size)
    check_logged(logged)
    check_optimizer(optimizer, policy=policy)
    max_norm = check_number("max_norm", max_norm, above=0)
    device = next(policy.parameters()).device
    observations, actions = (torch.as_tensor(column, device=device) for column in logged.transitions[:2])
    if observations.is_floating_point():
        observations = observations.to(next(policy.parameters()).dtype)
    memory.begin(update=0, steps=0)
    while memory.update < updates:
        memory.update += 1
        rows = torch.from_numpy(rng.integers(len(actions), size=batch_size))
        loss = -log_probabilities(policy, observations[rows], actions[rows]).mean()

        optimizer.zero_grad()
        loss.backward()
        norm = gradient_norm(optimizer, f"update {memory.update}")
        nn.utils.clip_grad_norm_(parameters(optimizer), max_norm)
        optimizer.step()
        memory.steps += batch_size
        yield Update(memory.update, memory.steps, loss.item(), norm)


@torch.no_grad()
def ask_for(env, model, returns, *, rng, greedy=False):
    """Play one episode in each environment of a VectorEnv with the actions that a model gives for a return. `Logged`.

    env         a gymnasium VectorEnv with discrete observations and actions
    returns     the return that is asked for: a number, or a function of the first observations (E,) that gives (E,)
    greedy      take the likeliest action, instead of drawing one
    After each step the return that is still to come is less by the reward. Episodes are cut off after model.max_steps.
    """
    _check_env(env, model, rng)
    states, over = start(env, rng).observation[:, None].astype(np.int64), np.zeros(env.num_envs, bool)
    wanted = returns(states[:, 0]) if callable(returns) else np.full(env.num_envs, check_number("returns", returns))
    wanted = np.asarray(wanted, dtype=float)[:, None]  # (E, t + 1) the return to go of each step so far
    actions, rewards = np.zeros((env.num_envs, 0), np.int64), np.zeros((env.num_envs, 0))
    lengths, terminated = np.zeros(env.num_envs, np.int64), np.zeros(env.num_envs, bool)
    generator = torch_generator(rng, next(model.parameters()).device)
    while actions.shape[1] < model.max_steps and not over.all():
        action = _next_action(model, wanted, states, actions, generator, greedy)
        observation, reward, ended, cut, _ = env.step(action)
        reward = np.where(over, 0.0, reward)
        actions, rewards = _beside(actions, np.where(over, 0, action)), _beside(rewards, reward)
        states, wanted = _beside(states, np.where(over, 0, observation)), _beside(wanted, wanted[:, -1] - reward)
        lengths, terminated = lengths + ~over, terminated | (ended & ~over)
        over = over | ended | cut
    return Logged(states, actions, rewards, lengths, terminated)


def _next_action(model, wanted, states, actions, generator, greedy):
    """An action for each episode so far: (E,). The action of its last step is not known, and not looked at."""
    like = {"device": generator.device}
    unknown = _beside(actions, np.zeros(len(actions), np.int64))
    kind = next(model.parameters()).dtype
    logits = model(
        torch.tensor(wanted, dtype=kind, **like), torch.tensor(states, **like), torch.tensor(unknown, **like)
    )[:, -1]
    return (logits.argmax(dim=-1) if greedy else draw(logits, generator)).cpu().numpy()


def _beside(columns, column):
    """The array (E, t) with one more column (E,)."""
    return np.concatenate([columns, column[:, None]], axis=1)


def _tensors(logged, model):
    """Returns to go, states, actions and mask of all episodes, (N, T) each, on the model's device."""
    parameter = next(model.parameters())
    returns = torch.as_tensor(logged.returns_to_go, dtype=parameter.dtype, device=parameter.device)
    rest = logged.observations[:, :-1], logged.actions, logged.mask
    return returns, *(torch.as_tensor(column, device=parameter.device) for column in rest)


def _check_model(model):
    if not isinstance(model, DecisionTransformer):
        raise TypeError(f"model is {shown(model)}, expected a DecisionTransformer")
    check_weights(model=model)


def _check_length(logged, model):
    if logged.actions.shape[1] > model.max_steps:
        raise ValueError(
            f"the episodes of the log have up to {logged.actions.shape[1]} steps, expected at most {model.max_steps}: the "
            "model's max_steps"
        )


def _check_env(env, model, rng):
    check_rng(rng)
    _check_model(model)
    if not isinstance(env, gymnasium.vector.VectorEnv):
        raise TypeError(f"env is a {type(env).__name__}, expected a gymnasium VectorEnv, such as mdp.to_gymnasium(32)")
    for name, count in {"observation": model.num_states, "action": model.num_actions}.items():
        space = getattr(env, f"single_{name}_space")
        if not isinstance(space, gymnasium.spaces.Discrete) or space.start != 0 or space.n > count:
            raise ValueError(f"the {name}s of env are {space}, expected Discrete(n) with n at most the model's {count}")
