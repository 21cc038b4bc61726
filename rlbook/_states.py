"""The state of what a training depends on, in a form that PyTorch reads without running any code; and back.

*Live* is what changes while it is trained with, and is restored in place: a network, an optimizer, a generator of random
numbers, an environment. All else is plain: numbers, texts, arrays, tensors. Both stand alone or in tuples, lists, dicts.
An environment has no state but its attributes; they are a pickle, which can run any program when it is read.
"""

import copy
import io
import pickle
from collections import OrderedDict

import numpy as np
import torch

from rlbook._checks import require, shown

KIND = "rlbook kind"  # tells {KIND: "Adam", "state": ...} from a dict of a trainer's own
ARRAY, SCALAR = "an array", "a number of NumPy"
PLAIN = (type(None), bool, int, float, complex, str, bytes, torch.Size, torch.dtype, torch.device)


def live_things(name, value):
    """The live things in an argument, each with its name, such as env or networks[0]."""
    if _is_live(value):
        yield name, value
    else:
        for at, part in _parts(value):
            yield from live_things(name + at, part)


def is_drawn_from(value):
    """Whether it is a generator or an environment: another after a draw, a reset or a step."""
    return isinstance(value, np.random.Generator | torch.Generator) or _is_environment(value)


def packed(name, value, names):
    """What is to be saved of a thing. Raises TypeError for what no file can hold.

    names   {id of a live argument: its name}, so that an environment which holds one of them will hold it again
    """
    if _is_live(value):
        return {KIND: _kind(value), "state": packed(name, _state(name, value, names), names)}
    if _kind(value) in (ARRAY, SCALAR):
        return {KIND: _kind(value), "state": _as_tensor(name, value)}
    if _has_fields(value):
        return {KIND: _kind(value), "state": tuple(packed(name + at, part, names) for at, part in _parts(value))}
    if type(value) in (tuple, list):
        return type(value)(packed(name + at, part, names) for at, part in _parts(value))
    if type(value) in (dict, OrderedDict) and all(type(key) in PLAIN for key in value):
        return _with_parts(value, [packed(name + at, part, names) for at, part in _parts(value)])
    if type(value) in PLAIN or isinstance(value, torch.Tensor):
        return value
    raise TypeError(
        f"{name} is {shown(value)}, which no checkpoint can hold: expected a number, a text, an array of numbers, a "
        "tensor, a network, an optimizer, a generator, an environment, or a tuple, list or dict of such"
    )


def check_fits(name, value, saved, things):
    """Raise ValueError unless a thing can become the one that was saved: of its kind, its layers, its shape.

    things  {name: live argument}, for environments that hold one of them
    """
    kind, saved_kind = _kind(value), _saved_kind(saved)
    if kind != saved_kind and not {kind, saved_kind} <= {None, ARRAY, SCALAR}:
        raise ValueError(f"{name} is {kind or shown(value)}, in the checkpoint {saved_kind or shown(saved)}")
    if _is_live(value):
        _check_live(name, value, saved["state"], things)
    elif _alike(value, saved):
        for (at, part), (_, there) in zip(_parts(value), _parts(_content(saved))):
            check_fits(name + at, part, there, things)
    else:
        plain = _plain(name, saved)
        if isinstance(value, np.ndarray | torch.Tensor) and isinstance(plain, np.ndarray | torch.Tensor):
            _check_same({name: _described(value)}, {name: _described(plain)})


def restored(name, value, saved, things):
    """The thing that was saved, once `check_fits` has found nothing: a live one in place, a plain one made anew."""
    if _is_live(value):
        _fill(name, value, saved["state"], things)
        return value
    if not _alike(value, saved):
        plain = _plain(name, saved)
        return plain.to(value.device) if isinstance(value, torch.Tensor) and isinstance(plain, torch.Tensor) else plain
    pairs = zip(_parts(value), _parts(_content(saved)))
    parts = [restored(name + at, part, there, things) for (at, part), (_, there) in pairs]
    if isinstance(value, dict):
        return _with_parts(value, parts)
    return type(value)(*parts) if _has_fields(value) else type(value)(parts)


# The kinds of live things: which they are, their states, whether one fits, and how it is put in place


def _is_live(value):
    return _has_state_dict(value) or is_drawn_from(value)


def _has_state_dict(value):
    return _can(value, "state_dict", "load_state_dict")


def _is_environment(value):
    return _can(value, "reset", "step") and not _has_state_dict(value)


def _can(value, *methods):
    return not isinstance(value, type) and all(callable(getattr(value, method, None)) for method in methods)


def _state(name, value, names):
    if isinstance(value, torch.optim.Optimizer):
        return {"contents": value.state_dict(), "parameters": _parameters(name, value)}
    if _has_state_dict(value):
        return {"contents": value.state_dict()}
    if isinstance(value, np.random.Generator):
        return value.bit_generator.state
    return value.get_state() if isinstance(value, torch.Generator) else _pickled(name, value, names)


def _check_live(name, value, state, things):
    if isinstance(value, torch.nn.Module):
        _check_same(*(_weights(name, contents) for contents in (value.state_dict(), state["contents"])))
    elif isinstance(value, torch.optim.Optimizer):
        _check_same(_parameters(name, value), state["parameters"])
    elif _is_environment(value):
        _check_worlds(name, value, _unpickled(name, value, state, things))


def _fill(name, value, state, things):
    if _has_state_dict(value):
        value.load_state_dict(_plain(name, state["contents"]))
        torch.clear_autocast_cache()  # which would go on to give the weights that were there before
    elif isinstance(value, np.random.Generator):
        value.bit_generator.state = _plain(name, state)
    elif isinstance(value, torch.Generator):
        value.set_state(state)
    else:
        attributes = _unpickled(name, value, state, things)
        vars(value).clear()
        vars(value).update(attributes)


def _weights(name, contents):
    return {f"{part} of {name}": _described(tensor) for part, tensor in contents.items()}


def _parameters(name, optimizer):
    return {
        f"parameter {i} in group {g} of {name}": _described(parameter)
        for g, group in enumerate(optimizer.param_groups)
        for i, parameter in enumerate(group["params"])
    }


def _check_worlds(name, env, attributes):
    saved = object.__new__(type(env))
    vars(saved).update(attributes)
    for what in ("num_envs", "single_observation_space", "single_action_space", "observation_space", "action_space"):
        here, there = (getattr(each, what, None) for each in (env, saved))
        if here != there:
            raise ValueError(f"{what} of {name} is {shown(here)}, in the checkpoint {shown(there)}")


def _pickled(name, env, names):
    """The attributes of an environment, (n,) bytes; for a live argument among them, the environment itself, its name."""
    cloudpickle, written = require("cloudpickle", extra="gym"), io.BytesIO()
    names = names | {id(env): name}

    class Pickler(cloudpickle.Pickler):
        def persistent_id(self, part):
            if "_ezpickle_args" in getattr(part, "__dict__", ()):
                raise pickle.PicklingError(f"of {type(part).__name__}, gymnasium's EzPickle keeps no state")
            return names.get(id(part))

    try:
        Pickler(written).dump(vars(env))
    except (pickle.PickleError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise TypeError(
            f"{name} is a {type(env).__name__} that cannot be copied ({shown(error)}): expected one of this process, "
            "without a window, such as gymnasium.make_vec('CartPole-v1', num_envs=8)"
        ) from error
    return torch.frombuffer(bytearray(written.getvalue()), dtype=torch.uint8)


def _unpickled(name, env, state, things):
    class Unpickler(pickle.Unpickler):
        def persistent_load(self, of):
            return (things | {name: env})[of]

    try:
        return Unpickler(io.BytesIO(state.numpy().tobytes())).load()
    except (pickle.PickleError, ImportError, AttributeError, TypeError, ValueError, KeyError) as error:
        raise ValueError(f"{name} in the checkpoint is of another version of its library: {shown(error)}") from error


# Plain things


def _kind(value):
    """A word for what must be the same here and in a checkpoint; None for numbers, texts, tensors, lists and dicts."""
    if isinstance(value, np.random.Generator):
        return type(value.bit_generator).__name__
    if _is_live(value) or _has_fields(value):
        return type(value).__name__
    return ARRAY if type(value) is np.ndarray else SCALAR if isinstance(value, np.generic) else None


def _has_fields(value):
    return isinstance(value, tuple) and hasattr(value, "_fields")


def _saved_kind(saved):
    return saved[KIND] if isinstance(saved, dict) and KIND in saved else None


def _content(saved):
    return saved["state"] if _saved_kind(saved) else saved


def _parts(value):
    """Pairs of a place, such as [0] or .observation, and what stands there, of a tuple, a list or a dict."""
    if isinstance(value, dict):
        return [(f"[{key!r}]", part) for key, part in value.items()]
    if _has_fields(value):
        return [(f".{field}", part) for field, part in zip(value._fields, value)]
    return [(f"[{i}]", part) for i, part in enumerate(value)] if isinstance(value, tuple | list) else []


def _alike(value, saved):
    """Whether both are tuples, lists or dicts of as many parts, so that each part here becomes the one saved there."""
    content = _content(saved)
    if isinstance(value, dict) and isinstance(content, dict):
        return list(value) == list(content)
    same = isinstance(content, tuple) if _has_fields(value) else type(content) is type(value)
    return same and isinstance(value, tuple | list) and len(value) == len(content)


def _with_parts(value, parts):
    """A dict with other values, of the same type, and with what else a state_dict carries: its modules' versions."""
    changed = copy.copy(value)
    changed.update(zip(value, parts))
    return changed


def _as_tensor(name, value):
    try:
        return torch.from_numpy(np.array(value, order="K"))  # a copy of the same layout, which decides how sums round
    except (TypeError, ValueError):
        raise TypeError(f"{name} has the type {value.dtype}, expected one of numbers that PyTorch has too") from None


def _plain(name, saved):
    """What was saved, without anything here to compare it with."""
    kind = _saved_kind(saved)
    if kind in (ARRAY, SCALAR):
        array = saved["state"].numpy()
        return array if kind == ARRAY else array[()]
    if kind:
        raise ValueError(f"{name} is {kind} in the checkpoint, and nothing here could become it: another version")
    if type(saved) in (tuple, list):
        return type(saved)(_plain(name + at, part) for at, part in _parts(saved))
    return _with_parts(saved, [_plain(name + at, part) for at, part in _parts(saved)]) if _parts(saved) else saved


def _described(tensor):
    return f"{tensor.dtype} {tuple(tensor.shape)}" if hasattr(tensor, "shape") else "no tensor"


def _check_same(here, there):
    for name in [*here, *there]:
        if here.get(name) != there.get(name):
            raise ValueError(
                f"{name} is {here.get(name, 'not there')}, in the checkpoint {there.get(name, 'not there')}"
            )
