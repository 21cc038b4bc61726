"""A policy for actions that are vectors of real numbers, such as torques: normal around what a network gives."""

import math

from rlbook._checks import check_counts, check_number, require, shown

torch = require("torch", extra="deep")


class Gaussian(torch.nn.Module):
    """Actions (N, D) drawn from a normal distribution, each of the D numbers on its own.

    mean        an nn.Module, observations (N, ...) to the means (N, D)
    size        D, the length of an action
    log_std     the logarithm of the standard deviations at the start; they are parameters (D,), the same in all states
    Called, it gives the means, which is what it does without chance. Nothing is squashed into bounds: an environment gets
    an action cut to its bounds, and scored is the one that was drawn, since the density of this one is known.
    Source: Williams (1992), section 6.
    """

    def __init__(self, mean, size, *, log_std=0.0):
        super().__init__()
        if not isinstance(mean, torch.nn.Module):
            raise TypeError(f"mean is {shown(mean)}, expected a torch.nn.Module, observations (N, ...) to (N, D)")
        check_counts(size=size)
        like = next(mean.parameters(), torch.empty(0))
        start = torch.full((size,), check_number("log_std", log_std), dtype=like.dtype, device=like.device)
        self.mean, self.log_std = mean, torch.nn.Parameter(start)

    def forward(self, observations):
        return self.mean(observations)

    def means(self, observations):
        """The means, if they are (N, D)."""
        means, wanted = self(observations), (len(observations), len(self.log_std))
        if not isinstance(means, torch.Tensor) or tuple(means.shape) != wanted:
            found = tuple(means.shape) if isinstance(means, torch.Tensor) else shown(means)
            raise ValueError(f"the mean of the policy is {found} for {wanted[0]} observations, expected {wanted}")
        return means

    def draw(self, observations, generator):
        """An action for each observation: (N, D)."""
        means = self.means(observations)
        noise = torch.empty_like(means).normal_(generator=generator)
        return means + self.log_std.exp() * noise

    def log_probabilities(self, observations, actions):
        """The logarithm of the density at each of the actions (N, D): (N,), differentiable."""
        away = (actions - self.means(observations)) / self.log_std.exp()
        return -(away**2 / 2 + self.log_std + math.log(2 * math.pi) / 2).sum(dim=-1)

    def entropies(self, observations):
        """The entropy, which may be negative, at each observation: (N,), all the same."""
        return (self.log_std + math.log(2 * math.pi * math.e) / 2).sum().expand(len(observations))
