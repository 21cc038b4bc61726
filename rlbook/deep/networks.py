"""The networks of Part II: plain stacks of linear layers, with the starting weights that policy gradients like."""

import itertools
import math

import numpy as np

from rlbook._checks import check_number, check_rng, require, shown

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
