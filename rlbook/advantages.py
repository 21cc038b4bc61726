"""How much better than expected it went: returns, TD errors, GAE, and the baselines of groups. One copy for the book.

Every function takes NumPy arrays, lists, or torch tensors, and gives arrays or tensors back; whole numbers become
floats. Gradients flow through tensors: who wants none passes `values.detach()`. Nothing is whitened here.
"""

import sys

import numpy as np


def returns_to_go(rewards, *, gamma=1.0, ended=None):
    """The discounted sum of the rewards from each step to the end of its episode.

    rewards (T, ...), one row a step; ended (T, ...) bool, True where step t is the last of its
    episode, so that nothing after it counts; None where all T steps are one episode.
    Returns (T, ...). Raises ValueError if the shapes do not agree.
    Source: Sutton & Barto (2018), eq. 3.9.
    """
    xp, (rewards,) = _floats(rewards=rewards)
    _check_discounts(gamma=gamma)
    goes_on = None if ended is None else ~_flags(xp, ended, "ended", rewards)
    returns, later = [], xp.zeros_like(rewards[0])
    for t in reversed(range(len(rewards))):
        if goes_on is not None:
            later = xp.where(goes_on[t], later, 0.0)
        later = rewards[t] + gamma * later
        returns.append(later)
    return xp.stack(returns[::-1])


def td_errors(rewards, values, terminated, *, gamma, next_values=None):
    """The TD error r + gamma * v(s') - v(s) of each transition, where v(s') is 0 if it terminated.

    rewards, terminated (T, ...). Either values (T + 1, ...), values[t + 1] the value of the state
    that transition t really reached; or values (T, ...) and next_values (T, ...), which is needed
    where the next row starts another episode. A truncated step bootstraps: it is not terminated.
    Returns (T, ...). Raises ValueError if the shapes do not agree.
    Source: Sutton & Barto (2018), eq. 6.5.
    """
    xp, (rewards, values, next_values) = _floats(rewards=rewards, values=values, next_values=next_values)
    _check_discounts(gamma=gamma)
    terminated = _flags(xp, terminated, "terminated", rewards)
    steps, rest = len(rewards), tuple(rewards.shape[1:])
    if next_values is None:
        _check_shape("values", values, (steps + 1, *rest), f"{steps} rewards, and the state after the last one")
        values, next_values = values[:-1], values[1:]
    _check_shape("values", values, (steps, *rest), f"{steps} rewards, and next_values beside the values")
    _check_shape("next_values", next_values, (steps, *rest), f"{steps} rewards")
    return rewards + gamma * xp.where(terminated, 0.0, next_values) - values


def gae(rewards, values, terminated, truncated, *, gamma, lam, next_values=None):
    """Generalized advantage estimates of consecutive transitions, possibly over several episodes.

    rewards, terminated, truncated (T, ...); values and next_values as in `td_errors`. Returns
    advantages (T, ...): the TD errors summed with the discount gamma * lam, to the end of each
    episode. lam=0 gives the TD errors, lam=1 the return less the value.
    A terminated step does not bootstrap; a truncated one does, and no trace crosses either.
    Raises ValueError if the shapes do not agree.
    Source: Schulman et al. (2016), eq. 16.
    """
    xp, (rewards, values, next_values) = _floats(rewards=rewards, values=values, next_values=next_values)
    _check_discounts(gamma=gamma, lam=lam)
    delta = td_errors(rewards, values, terminated, gamma=gamma, next_values=next_values)
    ended = _flags(xp, terminated, "terminated", rewards) | _flags(xp, truncated, "truncated", rewards)
    return returns_to_go(delta, gamma=gamma * lam, ended=ended)


def leave_one_out(rewards, group_size):
    """Each reward less the mean of the others of its group: an unbiased baseline without a model.

    rewards (B,), the members of a group consecutive. Returns (B,).
    Raises ValueError for groups of fewer than 2, or if they do not divide B.
    Source: Kool et al. (2019); Ahmadian et al. (2024).
    """
    _, groups = _centred_groups(rewards, group_size)
    return (groups * (group_size / (group_size - 1))).reshape(-1)


def group_relative(rewards, group_size, *, divide_by_std=True, epsilon=0.0):
    """Each reward less the mean of its group, itself included, by default over the group's std.

    rewards (B,), the members of a group consecutive. Returns (B,). The standard deviation is the
    population's (divided by the group size), plus epsilon, which keeps rewards that differ only by
    rounding from being blown up; equal rewards get exactly 0.
    The mean that includes the sample scales the expected gradient by (K - 1) / K.
    Raises ValueError for groups of fewer than 2, or if they do not divide B.
    Source: Shao et al. (2024), section 4.1.2; without the std: Liu et al. (2025).
    """
    xp, groups = _centred_groups(rewards, group_size)
    if divide_by_std:
        variance = (groups**2).mean(axis=1, keepdims=True)
        groups = groups / (xp.where(variance > 0, variance, 1.0) ** 0.5 + epsilon)
    return groups.reshape(-1)


def _centred_groups(rewards, group_size):
    """The rewards (B / K, K) less the mean of their group, and exactly 0 where all of a group are equal."""
    xp, (rewards,) = _floats(rewards=rewards)
    if isinstance(group_size, bool) or not isinstance(group_size, (int, np.integer)) or group_size < 2:
        raise ValueError(f"group_size is {group_size!r}, expected a whole number, at least 2: one alone has no others")
    if rewards.ndim != 1:
        raise ValueError(f"rewards have shape {tuple(rewards.shape)}, expected (B,): one reward for each sample")
    if len(rewards) % group_size:
        raise ValueError(f"{len(rewards)} rewards do not divide into groups of {group_size}")
    groups = rewards.reshape(-1, group_size)
    groups = groups - groups[:, :1]  # changes no difference, but makes equal rewards 0 before their mean is rounded
    return xp, groups - groups.mean(axis=1, keepdims=True)


# NumPy and torch agree on the names used above; which of the two it is, the arguments say.


def _floats(**arrays):
    """The module that can compute with the arrays, and each of them as floats of its kind; None stays None."""
    torch = sys.modules.get("torch")  # who passes a tensor has imported it
    tensor = None if torch is None else next((a for a in arrays.values() if isinstance(a, torch.Tensor)), None)
    floats = []
    for name, array in arrays.items():
        if array is not None and tensor is None:
            array = np.asarray(array)
            array = array if np.issubdtype(array.dtype, np.floating) else array.astype(float)
        elif array is not None:
            array = torch.as_tensor(array, device=tensor.device)
            wanted = tensor.dtype if tensor.is_floating_point() else torch.get_default_dtype()
            array = array if array.is_floating_point() and array.dtype == wanted else array.to(wanted)
        if array is not None and (array.ndim == 0 or (len(array) == 0 and name == "rewards")):
            raise ValueError(f"{name} have shape {tuple(array.shape)}, expected at least one step: (T, ...)")
        floats.append(array)
    return (np if tensor is None else torch), floats


def _flags(xp, flags, name, rewards):
    """The flags as bool of the shape of the rewards."""
    if xp is np:
        flags = np.asarray(flags, dtype=bool)
    else:
        flags = xp.as_tensor(flags, dtype=xp.bool, device=rewards.device)
    _check_shape(name, flags, tuple(rewards.shape), f"{len(rewards)} rewards")
    return flags


def _check_shape(name, array, shape, reason):
    if tuple(array.shape) != shape:
        raise ValueError(f"{name} have shape {tuple(array.shape)}, expected {shape}: there are {reason}")


def _check_discounts(**discounts):
    for name, discount in discounts.items():
        if not 0 <= discount <= 1:
            raise ValueError(f"{name} is {discount}, expected a number in [0, 1]")
