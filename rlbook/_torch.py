"""What the rooms that use PyTorch share: one source of randomness, the device that is there, what can be trained."""

import inspect
import math
from contextlib import contextmanager

import torch

from rlbook._checks import check_rng, shown


def torch_generator(rng, device="cpu"):
    """A torch.Generator on the device, seeded by one draw from the NumPy generator rng."""
    check_rng(rng)
    return torch.Generator(device).manual_seed(int(rng.integers(2**63 - 1)))


def check_optimizer(optimizer, **networks):
    """Raise unless each network is a module with something to train, all of it finite and held by the optimizer."""
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise TypeError(f"optimizer is a {type(optimizer).__name__}, expected one of torch.optim")
    _, *needed = inspect.signature(type(optimizer).step).parameters.values()  # the class's: schedulers wrap the other
    if any(p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in needed):
        raise TypeError(
            f"optimizer is a {type(optimizer).__name__}, whose step needs a closure, to compute the loss again and "
            "again; expected one whose step needs none, such as torch.optim.Adam"
        )
    held = {id(parameter) for parameter in parameters(optimizer)}
    for network, module in networks.items():
        check_weights(**{network: module})
        trainable = {name: p for name, p in module.named_parameters() if p.requires_grad}
        if not trainable:
            raise ValueError(f"no parameter of {network} has requires_grad=True, expected one or more, to be trained")
        for name, parameter in trainable.items():
            if id(parameter) not in held:
                raise ValueError(
                    f"the optimizer does not hold the parameter {name} of {network}, expected all that have "
                    "requires_grad=True: it would never learn"
                )


def check_weights(**networks):
    """Raise TypeError unless each network is a module, ValueError unless its weights are all finite."""
    for network, module in networks.items():
        if not isinstance(module, torch.nn.Module):
            raise TypeError(f"{network} is a {type(module).__name__}, expected a torch.nn.Module")
        for name, parameter in module.named_parameters():
            if (
                parameter.dtype.itemsize > 1 and not parameter.isfinite().all()
            ):  # single bytes are quantized, and frozen
                raise ValueError(f"the parameter {name} of {network} holds nan or inf, expected finite numbers")


def check_same_shape(letters, **tensors):
    """Raise unless all are tensors of the shape of the first: of others, PyTorch would repeat one along the other.

    letters, such as "(P, N)" or "(B,)", say what shape that is, and how many dimensions it has; "" for any.
    """
    first, like = next(iter(tensors.items()))
    for name, tensor in tensors.items():
        if not isinstance(tensor, torch.Tensor):
            raise TypeError(f"{name} is {shown(tensor)}, expected a torch.Tensor{f' {letters}' if letters else ''}")
        if letters and like.ndim != letters.strip("(),").count(",") + 1:
            raise ValueError(f"{first} has shape {tuple(like.shape)}, expected {letters}")
        if tensor.shape != like.shape:
            raise ValueError(f"{name} has shape {tuple(tensor.shape)}, expected {tuple(like.shape)}, that of {first}")


@contextmanager
def padding_learns(model):
    """Inside, the row of the padding token in an embedding has a gradient like any other.

    Some models, Llama's family among them, tell PyTorch to leave it out. But the padding token is often the end token
    too, and then part of texts; where it only pads, the attention mask makes its gradient 0 anyway.
    """
    modules = model.modules() if torch.is_grad_enabled() else ()
    embeddings = {m: m.padding_idx for m in modules if isinstance(m, torch.nn.Embedding)}
    for embedding in embeddings:
        embedding.padding_idx = None
    try:
        yield
    finally:
        for embedding, row in embeddings.items():
            embedding.padding_idx = row


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
