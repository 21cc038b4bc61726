"""What the rooms that use PyTorch share: one source of randomness for the book, and the device that is there."""

import torch

from rlbook._checks import check_rng


def torch_generator(rng, device="cpu"):
    """A torch.Generator on the device, seeded by one draw from the NumPy generator rng."""
    check_rng(rng)
    return torch.Generator(device).manual_seed(int(rng.integers(2**63 - 1)))


def best_device():
    """The accelerator of this machine, or its processor where it has none."""
    return torch.accelerator.current_accelerator() if torch.accelerator.is_available() else torch.device("cpu")
