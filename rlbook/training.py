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
import zipfile
import zlib
from contextlib import contextmanager

import numpy as np

from rlbook._checks import require, shown

torch = require("torch", extra="deep")

from rlbook._states import check_fits, is_drawn_from, live_things, packed, restored  # noqa: E402 (after that check)

UNREADABLE = OSError, UnicodeError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error, pickle.UnpicklingError
FORMAT = 1  # of the files; a change that older files do not fit makes it 2


class Memory:
    """What a trainer carries from one update to the next: an attribute for each thing, begun by `begin`.

    No two of them may be one array, list or dict that changes: in a resumed training they are two.
    """

    __slots__ = ("__dict__", "_begun")

    def __init__(self, begun):
        object.__setattr__(self, "_begun", begun)

    def begin(self, **fresh):
        """Start with these values, or, where the training was resumed, with what was saved under their names.

        There, what the trainer has drawn from its generators until now, or done with its environments, is undone.
        """
        vars(self).update(self._begun(fresh))

    def __setattr__(self, name, value):
        if name not in vars(self):
            raise AttributeError(f"memory has no {name}, expected one of the names it began with: {[*vars(self)]}")
        vars(self)[name] = value


class Training:
    """The records of a trainer, one for each turn of a `for`; an update is made when its record is asked for."""

    def __init__(self, function, args, kwargs):
        self.memory, self.failed, self._saved = Memory(self._begun), False, None
        self._records = function(*args, **kwargs, memory=self.memory)
        bound = inspect.signature(function).bind(*args, **kwargs, memory=None)
        bound.apply_defaults()
        self.arguments = {name: value for name, value in bound.arguments.items() if name != "memory"}
        self.function, self.name = function, f"{function.__module__.removeprefix('rlbook.')}.{function.__name__}"
        self._generators = [thing for thing in self._live().values() if isinstance(thing, np.random.Generator)]

    def __iter__(self):
        return self

    def __next__(self):
        carried = dict(vars(self.memory))
        drawn = [generator.bit_generator.state for generator in self._generators]
        try:
            return next(self._records)
        except StopIteration:
            raise
        except BaseException as error:
            if getattr(error, "nothing_learned", False):
                vars(self.memory).clear(), vars(self.memory).update(carried)
                for generator, state in zip(self._generators, drawn):
                    generator.bit_generator.state = state
            else:  # the networks may have moved, the counters not
                self.failed = True
            raise

    def close(self):
        """End it: no further record comes."""
        self._records.close()

    @property
    def phase(self):
        """GEN_CREATED before the first record is asked for, GEN_RUNNING in an update, GEN_SUSPENDED or GEN_CLOSED."""
        return inspect.getgeneratorstate(self._records)

    def state(self):
        """All that the next update depends on, as `resume` takes it."""
        live = self._live()
        names = {id(thing): name for name, thing in live.items()}
        carried = self._carried(vars(self.memory))
        memory = {name: packed(f"memory.{name}", value, names) for name, value in carried.items()}
        return {"arguments": {name: packed(name, thing, names) for name, thing in live.items()}, "memory": memory}

    def resume(self, state):
        """Take such a state, if all of it fits; otherwise raise ValueError, and nothing has changed."""
        live, fresh = self._live(), self._carried(self._fresh())
        _check_names(f"the arguments of {self.name} with a state", live, state["arguments"])
        _check_names(f"what {self.name} carries from update to update", fresh, state["memory"])
        for name, thing in live.items():
            check_fits(name, thing, state["arguments"][name], live)
        for name, value in fresh.items():
            check_fits(f"memory.{name}", value, state["memory"][name], live)
        for name, thing in live.items():
            restored(name, thing, state["arguments"][name], live)
        self._saved = state

    def _live(self):
        return dict(pair for name, value in self.arguments.items() for pair in live_things(name, value))

    def _begun(self, fresh):
        if self._saved is None:
            return fresh
        state, live, self._saved = self._saved, self._live(), None
        for name, thing in live.items():
            if is_drawn_from(thing):
                restored(name, thing, state["arguments"][name], live)
        carried, saved = self._carried(fresh), state["memory"]
        return fresh | {name: restored(f"memory.{name}", value, saved[name], live) for name, value in carried.items()}

    def _carried(self, values):
        """Those of the values of a memory that are no arguments, which are saved as such."""
        live = {id(thing) for thing in self._live().values()}
        return {name: value for name, value in values.items() if id(value) not in live}

    def _fresh(self):
        """What the trainer would begin with; its generators and environments are left as they were."""
        live, begun = self._live(), {}
        names = {id(thing): name for name, thing in live.items()}
        before = {name: packed(name, thing, names) for name, thing in live.items() if is_drawn_from(thing)}

        class Begun(Exception):
            """Ends the trainer there."""

        def end(fresh):
            begun.update(fresh)
            raise Begun

        try:
            next(self.function(**self.arguments, memory=Memory(end)))
        except Begun:
            return begun
        finally:
            for name, state in before.items():
                restored(name, live[name], state, live)


@contextmanager
def nothing_learned():
    """Around what may fail before an update has changed a network: the state is then that of the last record again.

    Such a training ends there, but it can be saved, and a new one resumed from it draws again what this one drew.
    """
    try:
        yield
    except BaseException as error:
        error.nothing_learned = True
        raise


def trainer(function):
    """Let a generator function with the keyword-only argument `memory` return a `Training`, which supplies it."""

    @functools.wraps(function)
    def training(*args, **kwargs):
        return Training(function, args, kwargs)

    signature = inspect.signature(function)
    public = [parameter for parameter in signature.parameters.values() if parameter.name != "memory"]
    training.__signature__ = signature.replace(parameters=public)
    return training


def save(training, path):
    """Write all that the next update of a training depends on into a file, between two of its records.

    training    what a trainer, such as `deep.reinforce.reinforce`, returned
    path        the file; it is replaced in one go, so that whatever kills the program leaves the older one whole
    In the file are the networks, optimizers, generators and environments among the arguments, and what the loop carries.
    Not in it is what is no argument: a schedule of step sizes, the state of a reward function, the records so far.
    Save the state_dict() of a scheduler of torch.optim beside it, and load that after `resume`.
    Raises TypeError for what is no training, and for an environment that cannot be copied, such as one in processes of
    its own; ValueError in the middle of an update, before the first, and after one that failed, other than by its
    reward function (see `nothing_learned`).
    """
    _check_training(training)
    if training.phase == inspect.GEN_RUNNING:
        raise ValueError(f"{training.name} is in the middle of an update: save between two of its records")
    if training.failed:
        raise ValueError(f"an update of {training.name} failed: its networks may have moved, there is no state to save")
    if not vars(training.memory):
        raise ValueError(f"{training.name} has made no update yet: take a record first, save after it")
    contents = {"format": FORMAT, "trainer": training.name, **training.state()}
    unfinished = f"{os.fspath(path)}.unfinished"
    with open(unfinished, "wb") as file:
        torch.save(contents, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, path)


def resume(training, path):
    """Put a new training where the one that was saved in the file stood: its next update is the next one of that.

    training    of the same trainer, with arguments of the same kinds and shapes, and not yet started. Its networks,
                optimizers (step sizes included), generators and environments get the state of the file; all other
                arguments count as they are now, so that `steps` may be raised
    Returns the training. On a CPU the next update is the same bit for bit. Resume only files that you trust: the
    state of an environment is a pickle, which can run any program.
    Raises ValueError, before anything has changed, for a file that is no checkpoint, is broken, is of another format or
    trainer, or does not fit, and whatever the trainer raises for its arguments.
    """
    _check_training(training)
    if training.phase != inspect.GEN_CREATED:
        raise ValueError(f"{training.name} has already started, expected one whose first record was not yet asked for")
    contents = _read(path)
    if contents["trainer"] != training.name:
        raise ValueError(f"{shown(path)} is a checkpoint of {contents['trainer']}, expected one of {training.name}")
    training.resume(contents)
    return training


def log_to(records, writer):
    """Write the numbers of each record to TensorBoard, and pass the record on.

    records     an iterator of records, such as a training
    writer      a torch.utils.tensorboard.SummaryWriter, or what has its add_scalar
    A number stands under the name of its field, an array or tensor as its mean, truths as the share that is true; the
    step is the record's first field. Left out are texts, lists, complex numbers, empty arrays, and what is not finite,
    such as the KL divergence without a reference. TensorBoard's EventAccumulator gives back all points of a long curve
    with size_guidance={"scalars": 0} only: by itself it keeps 10,000, drawn at random.
    """
    if not callable(getattr(writer, "add_scalar", None)):
        raise TypeError(f"writer is {shown(writer)}, expected a SummaryWriter of torch.utils.tensorboard")
    for record in records:
        if not (isinstance(record, tuple) and hasattr(record, "_fields")):
            raise TypeError(f"a record is {shown(record)}, expected a NamedTuple with the step as its first field")
        for field, value in zip(record._fields, record):
            mean = _mean(value)
            if math.isfinite(mean):
                writer.add_scalar(field, mean, int(record[0]))
        yield record


def _mean(value):
    """The mean of a number, an array or a tensor; nan for all else."""
    if isinstance(value, torch.Tensor):
        return value.detach().double().mean().item() if value.numel() and not value.is_complex() else math.nan
    if not isinstance(value, bool | int | float | np.generic | np.ndarray):
        return math.nan
    array = np.asarray(value)
    return float(array.mean(dtype=float)) if array.size and array.dtype.kind in "biuf" else math.nan


def _read(path):
    expected = "expected one that `save` wrote"
    try:
        with zipfile.ZipFile(path) as file:  # PyTorch does not look at the checksums
            broken = file.testzip()
        contents = None if broken else torch.load(path, map_location="cpu", weights_only=True)
    except (FileNotFoundError, PermissionError, IsADirectoryError):
        raise
    except UNREADABLE as error:
        raise ValueError(f"{shown(path)} is no checkpoint, or a broken one, {expected}") from error
    if broken:
        raise ValueError(f"{shown(path)} is broken: the checksum of {shown(broken)} is that of something else")
    if not isinstance(contents, dict) or "format" not in contents:
        raise ValueError(f"{shown(path)} is no checkpoint of a training, {expected}")
    if contents["format"] != FORMAT:
        raise ValueError(f"{shown(path)} has format {shown(contents['format'])}, expected {FORMAT}: another version")
    if set(contents) != {"format", "trainer", "arguments", "memory"}:
        raise ValueError(f"{shown(path)} holds {shown(sorted(contents))}, {expected}")
    return contents


def _check_training(training):
    if not isinstance(training, Training):
        raise TypeError(f"training is {shown(training)}, expected what a trainer returned, such as ppo(env, ...)")


def _check_names(whose, here, saved):
    if set(here) != set(saved):
        raise ValueError(f"{whose} are {sorted(here)}, in the checkpoint {sorted(saved)}: another version or choice")
