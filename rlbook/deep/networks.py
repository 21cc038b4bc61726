"""The networks of Part II: plain stacks of linear layers, with the starting weights that policy gradients like.

Beside them what is put before or behind a stack: observations scaled, states as one-hot vectors, a dueling head.
"""

import itertools
import math

import numpy as np

from rlbook._checks import check_count, check_number, check_rng, finite, require, shown

torch = require("torch", extra="deep")
from torch import nn  # noqa: E402 (after the check that it is there)

from rlbook._torch import torch_generator  # noqa: E402


def mlp(*sizes, rng, activation=nn.Tanh, last_gain=1.0):
    """Linear layers from sizes[0] inputs to sizes[-1] outputs, with the activation between them.

    The weights start orthogonal, scaled by sqrt(2), and those of the last layer by last_gain: a
    small one, such as 0.01, makes a policy start near uniform. The biases start at 0.
    rng draws the weights. Returns an nn.Sequential. Source: Saxe et al. (2014), for the start.
    """
    if len(sizes) < 2 or any(isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1 for n in sizes):
        raise ValueError(f"sizes are {shown(sizes)}, expected at least two whole numbers above 0: inputs, ..., outputs")
    check_rng(rng)
    last_gain = check_number("last_gain", last_gain)
    generator, layers = torch_generator(rng), []
    for i, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
        last = i == len(sizes) - 2
        linear = nn.utils.skip_init(nn.Linear, inputs, outputs)
        nn.init.orthogonal_(linear.weight, last_gain if last else math.sqrt(2), generator)
        nn.init.zeros_(linear.bias)
        layers += [linear] if last else [linear, activation()]
    return nn.Sequential(*layers)


class Scaled(nn.Module):
    """Observations (..., D) divided by scales (D,), such as the largest that occur: a first layer without weights."""

    def __init__(self, *scales):
        super().__init__()
        if not scales or any(finite(scale) is None or scale <= 0 for scale in scales):
            raise ValueError(
                f"scales are {shown(scales)}, expected numbers above 0, one for each entry of an observation"
            )
        self.register_buffer("scales", torch.tensor(scales, dtype=torch.get_default_dtype()))

    def forward(self, observations):
        return observations / self.scales


class OneHot(nn.Module):
    """States (N,), whole numbers, as rows (N, S) with a 1 at the number of the state and 0 elsewhere."""

    def __init__(self, num_states):
        super().__init__()
        self.num_states = check_count("num_states", num_states)

    def forward(self, states):
        return nn.functional.one_hot(states, self.num_states).to(torch.get_default_dtype())


class Dueling(nn.Module):
    """Features (N, D) to action values (N, A): a value, and for each action by how much it exceeds their mean.

    q(s, a) = v(s) + h(s, a) - mean of h(s, .), so that the mean of q(s, .) is v(s).
    Source: Wang et al. (2016), eq. 9.
    """

    def __init__(self, num_features, num_actions, *, rng):
        super().__init__()
        self.value = mlp(num_features, 1, rng=rng)
        self.advantage = mlp(num_features, num_actions, rng=rng)

    def forward(self, features):
        h = self.advantage(features)
        return self.value(features) + h - h.mean(dim=-1, keepdim=True)
