"""A training run as an object: its records one by one, its state in a file, its numbers on TensorBoard's page.

A trainer is a generator function in the book's rooms for networks and for language models: it changes the networks it
was given and yields a record after each update. Under `@trainer` a call of it becomes a `Training`, which still is an
iterator of records, and knows what the next update depends on: the networks, optimizers, generators and environments
among its arguments, and its memory, where the loop keeps all that it carries from one update to the next.
"""

import functools
import inspect
import math
import os
import pickle

import numpy as np

from rlbook._checks import require, shown

torch = require("torch", extra="deep")

FORMAT = 1  # of the files; a change that older files do not fit makes it 2


class Memory:
    """What a trainer carries from one update to the next: a name for each thing, begun by `begin`."""

    def __init__(self, arguments):
        self._arguments, self._saved = arguments, None  # the latter is what `resume` read

    def begin(self, **fresh):
        """Start with these values, or, where the training was resumed, with what was saved under their names.

        What a trainer does before, such as to reset its environment, is undone where it was resumed.
        """
        if self._saved is not None:
            _check_names("what the trainer carries", fresh, self._saved["memory"])
            _restore(self._arguments, self._saved["arguments"])
            fresh = {name: _restored(name, value, self._saved["memory"][name]) for name, value in fresh.items()}
            self._saved = None
        vars(self).update(fresh)

    def values(self):
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}


class Training:
    """The records of a trainer, one for each turn of a `for`; an update is made when its record is asked for."""

    def __init__(self, function, arguments):
        self.name, self.arguments, self.memory = function.__name__, arguments, Memory(arguments)
        self.started = self.failed = False
        self._records = function(**arguments, memory=self.memory)

    def __iter__(self):
        return self

    def __next__(self):
        self.started = True
        try:
            return next(self._records)
        except StopIteration:
            raise
        except BaseException:  # the networks may have moved, the counters not: no state to save
            self.failed = True
            raise

    def close(self):
        """End it: no further record comes."""
        self._records.close()


def trainer(function):
    """Let a generator function with the keyword-only argument `memory` return a `Training`, which supplies it."""
    signature = inspect.signature(function)
    public = [p for p in signature.parameters.values() if p.name != "memory"]
    signature = signature.replace(parameters=public)

    @functools.wraps(function)
    def training(*args, **kwargs):
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return Training(function, bound.arguments)

    training.__signature__ = signature
    return training


def save(training, path):
    """Write all that the next update of a training depends on into a file, between two of its records.

    training    what a trainer, such as `deep.ppo.ppo`, returned
    path        the file; it is replaced in one go, so that a kill in the middle leaves the older one
    In it are the networks, optimizers, generators and environments among the arguments, and what the loop carries.
    Raises TypeError for what is no training, and for an environment that cannot be copied, such as one in processes of
    its own; ValueError for a training that has not made an update, or whose last one failed.
    """
    _check_training(training)
    if training.failed:
        raise ValueError(f"an update of {training.name} failed: its networks may have moved, there is no state to save")
    if not training.started:
        raise ValueError(f"{training.name} has made no update yet: take a record first, save after it")
    contents = {
        "format": FORMAT,
        "trainer": training.name,
        "arguments": {name: _state(name, value) for name, value in training.arguments.items() if _has_state(value)},
        "memory": {name: _state(name, value) for name, value in training.memory.values().items()},
    }
    unfinished = f"{os.fspath(path)}.unfinished"
    torch.save(contents, unfinished)
    os.replace(unfinished, path)


def resume(training, path):
    """Put a new training where the one that was saved in the file stood: its next update is the next one of that.

    training    of the same trainer, with arguments of the same kinds and shapes, and not yet started. Its networks,
                optimizers (step sizes included), generators and environments get the state of the file; all other
                arguments count as they are now, so that `steps` may be raised
    Returns the training. On one CPU the next update is the same bit for bit. Resume only files that you trust: the
    state of an environment is a pickle, which can run any program.
    Raises ValueError for a file that is no checkpoint, is of another format or trainer, or does not fit.
    """
    _check_training(training)
    if training.started:
        raise ValueError(f"{training.name} has already started, expected one whose first record was not yet asked for")
    contents = _read(path)
    if contents["trainer"] != training.name:
        raise ValueError(f"{shown(path)} is a checkpoint of {contents['trainer']}, expected one of {training.name}")
    kept = {name: value for name, value in training.arguments.items() if _has_state(value)}
    _check_names(f"the arguments of {training.name}", kept, contents["arguments"])
    _restore(kept, contents["arguments"])
    training.memory._saved = contents
    return training


def log_to(records, writer):
    """Write the numbers of each record to TensorBoard, and pass the record on.

    records     an iterator of records, such as a training
    writer      a torch.utils.tensorboard.SummaryWriter, or what has its add_scalar
    A number stands under the name of its field, an array as its mean; the step is the record's first field. Texts, and
    numbers that are not finite, such as the KL divergence without a reference, are left out.
    """
    for record in records:
        for field, value in zip(record._fields, record):
            array = np.asarray(value.detach().cpu() if isinstance(value, torch.Tensor) else value)
            if array.dtype.kind in "biuf" and array.size and math.isfinite(mean := float(array.mean())):
                writer.add_scalar(field, mean, record[0])
        yield record


# The state of a thing, as torch.save can write it and a reader that runs no code can read it.


def _has_state(value):
    """Whether a thing changes while it is trained with."""
    return isinstance(value, np.random.Generator | torch.Generator) or _is_environment(value) or _has_state_dict(value)


def _has_state_dict(value):
    return callable(getattr(value, "state_dict", None)) and callable(getattr(value, "load_state_dict", None))


def _is_environment(value):
    return callable(getattr(value, "step", None)) and callable(getattr(value, "reset", None))


def _state(name, value):
    if _has_state_dict(value):
        return {"kind": type(value).__name__, "state": value.state_dict()}
    if isinstance(value, np.random.Generator):
        return {"kind": type(value.bit_generator).__name__, "state": value.bit_generator.state}
    if isinstance(value, torch.Generator):
        return {"kind": "torch.Generator", "state": value.get_state()}
    if _is_environment(value):
        return {"kind": type(value).__name__, "state": torch.frombuffer(_pickled(name, value), dtype=torch.uint8)}
    if isinstance(value, np.ndarray):
        return {"kind": "array", "state": torch.from_numpy(value.copy())}
    if isinstance(value, tuple):
        return {"kind": type(value).__name__, "state": [_state(name, part) for part in value]}
    return {"kind": "value", "state": value}


def _restore(arguments, saved):
    """Give each argument the state saved under its name, once it is known that all of them fit."""
    for name, state in saved.items():
        _check_fits(name, arguments[name], state)
    for name, state in saved.items():
        _restored(name, arguments[name], state)


def _restored(name, value, saved):
    """The thing with the state that was saved: changed in place, where it can be."""
    _check_fits(name, value, saved)
    state = saved["state"]
    if _has_state_dict(value):
        value.load_state_dict(state)
    elif isinstance(value, np.random.Generator):
        value.bit_generator.state = state
    elif isinstance(value, torch.Generator):
        value.set_state(state)
    elif _is_environment(value):
        vars(value).clear()
        vars(value).update(vars(pickle.loads(bytes(state.numpy()))))
    elif isinstance(value, np.ndarray):
        return state.numpy()
    elif isinstance(value, tuple):
        parts = [_restored(name, *pair) for pair in zip(value, state, strict=True)]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    elif isinstance(value, torch.Tensor):
        return state.to(value.device)
    else:
        return state
    return value


def _pickled(name, env):
    cloudpickle = require("cloudpickle", extra="gym")
    try:
        return bytearray(cloudpickle.dumps(env))
    except Exception as error:  # whatever an environment's own parts raise
        raise TypeError(
            f"{name} is a {type(env).__name__} that cannot be copied ({shown(error)}): expected one of this process, "
            "without a window, such as gymnasium.make_vec('CartPole-v1', num_envs=8)"
        ) from error


def _read(path):
    try:
        contents = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise ValueError(f"{shown(path)} is not a checkpoint that can be read: {shown(error)}") from None
    if not isinstance(contents, dict) or "format" not in contents:
        raise ValueError(f"{shown(path)} is not a checkpoint of a training, expected one that `save` wrote")
    if contents["format"] != FORMAT:
        raise ValueError(f"{shown(path)} has format {shown(contents['format'])}, expected {FORMAT}: another version")
    return contents


def _check_training(training):
    if not isinstance(training, Training):
        raise TypeError(f"training is {shown(training)}, expected what a trainer returned, such as ppo(env, ...)")


def _check_names(whose, here, saved):
    if set(here) != set(saved):
        raise ValueError(
            f"{whose} with a state are {sorted(here)}, the checkpoint has {sorted(saved)}: another version"
        )


def _check_fits(name, value, saved):
    """Raise ValueError for the state of something else: a network of other layers, another optimizer, other worlds."""
    kind = _state_kind(value)
    if saved["kind"] != kind:
        raise ValueError(f"{name} is of kind {kind}, the checkpoint has one of kind {saved['kind']}")
    if isinstance(value, torch.nn.Module):
        here = {part: tuple(tensor.shape) for part, tensor in value.state_dict().items()}
        there = {part: tuple(tensor.shape) for part, tensor in saved["state"].items()}
        for part in [*here, *there]:
            if here.get(part) != there.get(part):
                raise ValueError(
                    f"{part} of {name} has shape {here.get(part)}, in the checkpoint {there.get(part)}: another network"
                )
    elif isinstance(value, torch.optim.Optimizer):
        here = [len(group["params"]) for group in value.param_groups]
        there = [len(group["params"]) for group in saved["state"]["param_groups"]]
        if here != there:
            raise ValueError(f"{name} holds groups of {here} parameters, in the checkpoint {there}")
    elif kind == "array" and value.shape != tuple(saved["state"].shape):
        raise ValueError(f"{name} has shape {value.shape}, in the checkpoint {tuple(saved['state'].shape)}")


def _state_kind(value):
    if isinstance(value, np.random.Generator):
        return type(value.bit_generator).__name__
    if isinstance(value, torch.Generator):
        return "torch.Generator"
    if _has_state_dict(value) or _is_environment(value) or isinstance(value, tuple):
        return type(value).__name__
    return "array" if isinstance(value, np.ndarray) else "value"
