"""What the rooms that use PyTorch share: one source of randomness, the device that is there, a look at the gradient."""

import math

import torch

from rlbook._checks import check_rng


def torch_generator(rng, device="cpu"):
    """A torch.Generator on the device, seeded by one draw from the NumPy generator rng."""
    check_rng(rng)
    return torch.Generator(device).manual_seed(int(rng.integers(2**63 - 1)))


def check_optimizer(optimizer, **networks):
    """Raise unless each network is a module all of whose trainable parameters the optimizer holds."""
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise TypeError(f"optimizer is a {type(optimizer).__name__}, expected one of torch.optim")
    held = {id(parameter) for parameter in parameters(optimizer)}
    for network, module in networks.items():
        if not isinstance(module, torch.nn.Module):
            raise TypeError(f"{network} is a {type(module).__name__}, expected a torch.nn.Module")
        for name, parameter in module.named_parameters():
            if parameter.requires_grad and id(parameter) not in held:
                raise ValueError(f"the optimizer does not hold the parameter {name} of {network}: it would never learn")


def gradient_norm(optimizer, place):
    """The Euclidean norm of all gradients that the optimizer is about to follow; an error where there is none."""
    gradients = [parameter.grad for parameter in parameters(optimizer) if parameter.grad is not None]
    norm = torch.nn.utils.get_total_norm(gradients).item()
    if not math.isfinite(norm):
        raise FloatingPointError(
            f"{place}: the norm of the gradient is {norm}, expected a finite number. "
            "Look for a step size that is too large, or a reward that is not finite"
        )
    return norm


def parameters(optimizer):
    """All parameters that the optimizer holds."""
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def best_device():
    """The accelerator of this machine, or its processor where it has none."""
    return torch.accelerator.current_accelerator() if torch.accelerator.is_available() else torch.device("cpu")
