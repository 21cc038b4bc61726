"""How much better than expected it went: returns, TD errors, GAE, and the baselines of groups. One copy for the book.

Every function takes NumPy arrays, lists, or torch tensors, and gives arrays or tensors back; whole numbers become
floats, and half precision is computed in float32. Gradients flow through tensors: who wants none passes
`values.detach()`. Nothing is whitened here.
"""

import sys

import numpy as np

from rlbook._checks import check_counts, check_number, check_plain, shown


def returns_to_go(rewards, *, gamma=1.0, ended=None):
    """The discounted sum of the rewards from each step to the end of its episode.

    rewards (T, ...), one row a step; ended (T, ...) bool, True where step t is the last of its
    episode, so that nothing after it counts; None where all T steps are one episode.
    Returns (T, ...). Of an episode that was cut off, at its last row or at row T, the return is that of what was seen:
    who wants the rest adds gamma * v(s') to the last reward. A reward that is no number spoils the returns up to it.
    Raises ValueError if the shapes do not agree, for a flag that is neither True nor False, or a return that is too
    large for half precision.
    Source: Sutton & Barto (2018), eq. 3.9.
    """
    xp, kind, (rewards,) = _floats(rewards=rewards)
    gamma = check_number("gamma", gamma, least=0, most=1)
    goes_on = None if ended is None else ~_flags(xp, ended, "ended", rewards)
    returns, later = [], xp.zeros_like(rewards[0])
    for t in reversed(range(len(rewards))):
        if goes_on is not None:
            later = xp.where(goes_on[t], later, 0.0)
        later = rewards[t] + gamma * later
        returns.append(later)
    return _as_kind(xp, xp.stack(returns[::-1]), kind, "a return is")


def td_errors(rewards, values, terminated, *, gamma, truncated=None, next_values=None):
    """The TD error r + gamma * v(s') - v(s) of each transition, where v(s') is 0 if it terminated.

    rewards, terminated (T, ...). Either values (T + 1, ...), values[t + 1] the value of the state
    that transition t really reached; or values (T, ...) and next_values (T, ...), which is needed
    where an episode was cut off and the next row starts another. A truncated step bootstraps: it
    is not terminated. truncated (T, ...) changes no number: given, such a cut is refused, which
    nothing else in the rows shows.
    Returns (T, ...). Raises ValueError if the shapes do not agree, for a flag that is neither True
    nor False, a number that is used and not finite, or a cut whose next value is not known.
    Source: Sutton & Barto (2018), eq. 6.5.
    """
    xp, kind, (rewards, values, next_values) = _floats(rewards=rewards, values=values, next_values=next_values)
    gamma = check_number("gamma", gamma, least=0, most=1)
    terminated = _flags(xp, terminated, "terminated", rewards)
    steps, rest, next_name = len(rewards), tuple(rewards.shape[1:]), "next_values"
    if next_values is None:
        _check_shape("values", values, (steps + 1, *rest), f"{steps} rewards, and the state after the last one")
        if truncated is not None:
            _check_cuts(_flags(xp, truncated, "truncated", rewards) & ~terminated)
        values, next_values, next_name = values[:-1], values[1:], "values[1:]"
    _check_shape("values", values, (steps, *rest), f"{steps} rewards, and next_values beside the values")
    _check_shape("next_values", next_values, (steps, *rest), f"{steps} rewards")
    next_values = xp.where(terminated, 0.0, next_values)
    for name, array in {"rewards": rewards, "values": values, next_name: next_values}.items():
        _check_finite(xp, name, array)
    return _as_kind(xp, rewards + gamma * next_values - values, kind, "a TD error is")


def gae(rewards, values, terminated, truncated, *, gamma, lam, next_values=None):
    """Generalized advantage estimates of consecutive transitions, possibly over several episodes.

    rewards, terminated, truncated (T, ...); values and next_values as in `td_errors`. Returns
    advantages (T, ...): the TD errors summed with the discount gamma * lam, to the end of each
    episode. lam=0 gives the TD errors, lam=1 the return less the value.
    A terminated step does not bootstrap; a truncated one does, and no trace crosses either. A step that is both has
    terminated. A cut before row T needs next_values: values[t + 1] is the value of the next episode's first state.
    Raises ValueError where `td_errors` does.
    Source: Schulman et al. (2016), eq. 16.
    """
    xp, kind, (rewards, values, next_values) = _floats(rewards=rewards, values=values, next_values=next_values)
    gamma, lam = check_number("gamma", gamma, least=0, most=1), check_number("lam", lam, least=0, most=1)
    ended = _flags(xp, terminated, "terminated", rewards) | _flags(xp, truncated, "truncated", rewards)
    delta = td_errors(rewards, values, terminated, gamma=gamma, truncated=truncated, next_values=next_values)
    return _as_kind(xp, returns_to_go(delta, gamma=gamma * lam, ended=ended), kind, "an advantage is")


def leave_one_out(rewards, group_size, *, judged=None):
    """Each reward less the mean of the others of its group: an unbiased baseline without a model.

    rewards (B,), the members of a group consecutive. judged (B,) bool, False for a sample that has no reward: it gets 0,
    as one does that is alone, and is no other to the rest of its group; None where all have one. Returns (B,).
    Raises ValueError for groups of fewer than 2, if they do not divide B, or for a reward that is not finite.
    Source: Kool et al. (2019); Ahmadian et al. (2024).
    """
    xp, kind, groups, unit, count = _centred_groups(rewards, group_size, judged)
    others = count - 1 if judged is None else xp.clip(count - 1, 1, None)
    return _finite_as_kind(xp, groups * (count / others) * unit, kind)


def group_relative(rewards, group_size, *, judged=None, divide_by_std=True, epsilon=0.0):
    """Each reward less the mean of its group, itself included, by default over the group's std.

    rewards (B,), the members of a group consecutive; judged as in `leave_one_out`. Returns (B,). The
    standard deviation is the population's (divided by the group size), plus epsilon, which keeps
    rewards that differ only by rounding from being blown up; equal rewards get exactly 0.
    The mean that includes the sample scales the expected gradient by (K - 1) / K.
    Raises ValueError for groups of fewer than 2, if they do not divide B, or for a reward that is not finite.
    Source: Shao et al. (2024), section 4.1.2; without the std: Liu et al. (2025).
    """
    xp, kind, groups, unit, count = _centred_groups(rewards, group_size, judged)
    epsilon = check_number("epsilon", epsilon, least=0)
    if divide_by_std:
        variance = (groups**2).sum(axis=1, keepdims=True) / count
        groups = groups / (xp.where(variance > 0, variance, 1.0) ** 0.5 + epsilon / unit)
    else:
        groups = groups * unit
    return _finite_as_kind(xp, groups, kind)


def over_the_mean(rewards, group_size):
    """Each reward less the mean of its group, itself included, over that mean: what makes rare success loud.

    rewards (B,), none below 0, the members of a group consecutive. Returns (B,). A group of equal rewards, all 0 among
    them, gets exactly 0. Of rewards 0 and 1 the expected gradient is that of the probability p of success divided by p,
    up to order K - 1: that of log p, maximum likelihood, for large groups.
    Raises ValueError where `leave_one_out` does, and for a reward below 0, as a KL penalty may make it: there is no
    likelihood for it to be a part of.
    Source: "Maximum likelihood reinforcement learning" (2026), arXiv 2602.02710.
    """
    xp, kind, groups, unit, _ = _centred_groups(rewards, group_size, None)
    _, _, (rewards,) = _floats(rewards=rewards)
    if (rewards < 0).any():
        place = _first(rewards < 0)
        raise ValueError(f"rewards{list(place)} is {rewards[place]:g}, expected at least 0: a mean of them divides")
    means = (rewards.reshape(-1, group_size) / unit).mean(axis=1, keepdims=True)
    return _finite_as_kind(xp, groups / xp.where(means > 0, means, 1.0), kind)


def _centred_groups(rewards, group_size, judged):
    """The rewards (B / K, K) less the mean of their group, and exactly 0 where all of a group are equal, or not judged.

    They are in units (B / K, 1), which come with them, of about the largest reward: no sum is too large, no square too
    small. So does how many of each group were judged: K, or an array (B / K, 1), at least 1.
    """
    xp, kind, (rewards,) = _floats(rewards=rewards)
    check_counts(least=2, group_size=group_size)
    if rewards.ndim != 1:
        raise ValueError(f"rewards have shape {tuple(rewards.shape)}, expected (B,): one reward for each sample")
    if len(rewards) % group_size:
        raise ValueError(f"{len(rewards)} rewards do not divide into groups of {group_size}, expected a multiple of it")
    count = group_size
    if judged is not None:
        judged = _flags(xp, judged, "judged", rewards)
        rewards = xp.where(judged, rewards, 0.0)
        judged = judged.reshape(-1, group_size)
        count = xp.clip(judged.sum(axis=1, keepdims=True), 1, None)
    _check_finite(xp, "rewards", rewards)
    groups = rewards.reshape(-1, group_size)
    unit = power_of_two(xp, xp.amax(abs(groups), axis=1, keepdims=True))
    groups = groups / unit
    groups = groups - _first_of(xp, groups, judged)  # changes no difference, but equal rewards are 0 before their mean
    if judged is None:
        return xp, kind, groups - groups.mean(axis=1, keepdims=True), unit, count
    mean = xp.where(judged, groups, 0.0).sum(axis=1, keepdims=True) / count
    return xp, kind, xp.where(judged, groups - mean, 0.0), unit, count


def _first_of(xp, groups, judged):
    """The first judged reward (B / K, 1) of each group; the first at all where none was judged."""
    if judged is None:
        return groups[:, :1]
    return groups[xp.arange(len(groups)), (judged * 1.0).argmax(1)][:, None]


def power_of_two(xp, sizes):
    """The largest power of two not above each size, 1 for 0: dividing by it rounds nothing. (Its inverse is finite.)"""
    sizes = sizes if xp is np else sizes.detach()
    sizes = xp.where(sizes > 0, xp.clip(sizes, xp.finfo(sizes.dtype).tiny, None), 1.0)
    return sizes / (2 * xp.frexp(sizes)[0])


# NumPy and torch agree on the names used above; which of the two it is, the arguments say.


def _floats(**arrays):
    """The module that can compute with the arrays, the type of the answer, and each array; None stays None.

    The arrays are floats of at least single precision: a sum of half precision loses its small terms, a square overflows.
    """
    torch = sys.modules.get("torch")  # who passes a tensor has imported it
    tensor = None if torch is None else next((a for a in arrays.values() if isinstance(a, torch.Tensor)), None)
    floats = {}
    for name, array in arrays.items():
        if array is not None and (tensor is None or not isinstance(array, torch.Tensor)):
            array = _array(name, array, "numbers")
            array = array if array.dtype.kind == "f" else array.astype(float)
        if array is not None and (array.ndim == 0 or (len(array) == 0 and name == "rewards")):
            raise ValueError(f"{name} have shape {tuple(array.shape)}, expected at least one step: (T, ...)")
        floats[name] = array
    if tensor is None:
        kind = np.result_type(*[array for array in floats.values() if array is not None])
        wide = np.result_type(kind, np.float32)
        return np, kind, [None if array is None else array.astype(wide, copy=False) for array in floats.values()]
    kind = tensor.dtype if tensor.is_floating_point() else torch.get_default_dtype()
    to = {"dtype": torch.promote_types(kind, torch.float32), "device": tensor.device}
    return torch, kind, [None if array is None else torch.as_tensor(array, **to) for array in floats.values()]


def _array(name, array, expected):
    """The array as one of NumPy's that holds numbers or flags, not texts."""
    check_plain(name, array)
    try:
        numbers = np.asarray(array)
        numbers = numbers.astype(float) if numbers.dtype == object else numbers
    except (TypeError, ValueError):  # rows of unequal lengths, or what no number can be made of
        numbers = None
    if numbers is None or numbers.dtype.kind not in "biuf":
        raise ValueError(f"{name} are {shown(array)}, expected {expected} (T, ...), as many in each row")
    return numbers


def _as_kind(xp, array, kind, what):
    """The array as one of that type of floats. Raises ValueError where a finite number is too large for it."""
    if array.dtype != kind and (xp.isfinite(array) & (abs(array) > float(xp.finfo(kind).max))).any():
        _too_large(what, kind)
    return array.astype(kind, copy=False) if xp is np else array.to(kind)


def _finite_as_kind(xp, groups, kind):
    """The advantages (B,) of groups (B / K, K), which may be too large for their type."""
    advantages = _as_kind(xp, groups.reshape(-1), kind, "the advantages are")
    if not xp.isfinite(advantages).all():
        _too_large("the advantages are", kind)
    return advantages


def _too_large(what, kind):
    raise ValueError(f"{what} too large for {kind}: expected smaller rewards, or a wider type of floats")


def _flags(xp, flags, name, rewards):
    """The flags as bool of the shape of the rewards."""
    if not (xp is not np and isinstance(flags, xp.Tensor)):
        flags = _array(name, flags, "True or False")
    _check_shape(name, flags, tuple(rewards.shape), f"{len(rewards)} rewards")
    neither = ~((flags == 0) | (flags == 1))
    if neither.any():
        place = _first(neither)
        raise ValueError(f"{name}{list(place)} is {flags[place].item()}, expected True or False")
    return flags.astype(bool) if xp is np else xp.as_tensor(flags, dtype=xp.bool, device=rewards.device)


def _first(wrong):
    """The index, a tuple, of the first True of bool (T, ...)."""
    return tuple(int(i) for i in np.argwhere(np.asarray(wrong.tolist()))[0])


def _check_shape(name, array, shape, reason):
    if tuple(array.shape) != shape:
        raise ValueError(f"{name} have shape {tuple(array.shape)}, expected {shape}: there are {reason}")


def _check_finite(xp, name, array):
    if not xp.isfinite(array).all():
        place = _first(~xp.isfinite(array))
        raise ValueError(f"{name}{list(place)} is {array[place]:g}, expected a finite number")


def _check_cuts(cut):
    """Raise ValueError for a cut (T, ...) before the last row: the value of the state it reached is not in the rows."""
    if cut[:-1].any():
        place = _first(cut[:-1])
        raise ValueError(
            f"truncated{list(place)} is True, and row {place[0] + 1} starts another episode: values of T + 1 rows do not "
            f"hold the value of the state that step {place[0]} really reached; expected values and next_values, both of "
            "as many rows as the rewards"
        )
