"""Where a training run stands, what tells it from other runs, and how it is found again."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_course import files
from tinygrad_course.engine import trees
from tinygrad_course.functions.streams import Position, Stream, position, restore, state_text
from tinygrad_course.training import checkpoints
from tinygrad_course.training.optimizers import Optimizer

Nest = Any


@dataclass
class Run:
    """What `fit` returns.

    Attributes
    ----------
    parameters : nest of ndarray
    state : nest
        The optimiser's.
    history : dict of str to list of float
        One number an epoch. ``"cost"``: the mean over its examples, at the parameters that each batch met;
        ``"last_batch"``: the cost of the last mini-batch, which the course prints.
    epoch : int
        How many epochs were done.
    """

    parameters: Nest
    state: Nest
    history: dict[str, list[float]] = field(default_factory=lambda: {"cost": [], "last_batch": []})
    epoch: int = 0


Done = tuple[int, Nest, Nest, dict[str, Position]]


def run_of(done: Done, history: dict[str, list[float]]) -> Run:
    """Return the run as it was after its last whole epoch."""
    epoch, parameters, state, _ = done
    return Run(parameters, state, {key: values[:epoch] for key, values in history.items()}, epoch)


def positions_of(streams: Mapping[str, Stream]) -> dict[str, Position]:
    """Note where streams stand."""
    return {name: position(rng) for name, rng in streams.items()}


class Book:
    """Saves a run and finds it again."""

    def __init__(self, path: Path, every: int, setup: dict[str, Any], streams: Mapping[str, Stream]) -> None:
        self.path = path
        self.every = every
        self.setup = setup
        self.streams = streams
        self.saved = -1

    def open(self, fresh: Run) -> Run:
        """Return the run that the file holds, its streams put back, or a fresh one if there is no file."""
        files.sweep_up(self.path)
        if not self.path.exists():
            return fresh
        found = checkpoints.load(self.path)
        start = self.setup["start"]
        if digest(found.parameters) == start:  # the caller has the parameters that were saved
            self.setup["start"] = found.setup.get("start")
        different = _differences(found.setup, self.setup)
        if different:
            raise checkpoints.CheckpointError(
                f"{self.path} is the checkpoint of another run: {'; '.join(different)}. "
                "Give this run a file of its own, or remove that one to start over"
            )
        for name, rng in self.streams.items():
            if name not in found.streams:
                raise checkpoints.CheckpointError(
                    f"{self.path} holds no random stream {name!r}, which this run draws from"
                )
            restore(rng, state_text(found.streams[name]))
        self.saved = found.epoch
        return Run(found.parameters, found.state, found.history, found.epoch)

    def save(self, done: Done, history: dict[str, list[float]]) -> None:
        """Write the run as it was after its last whole epoch."""
        epoch, parameters, state, positions = done
        if epoch == self.saved:
            return
        checkpoints.save(
            self.path,
            parameters,
            state=state,
            history={key: values[:epoch] for key, values in history.items()},
            setup=self.setup,
            streams={name: state_text(p) for name, p in positions.items()},
            epoch=epoch,
        )
        self.saved = epoch


def setup_of(
    parameters: Nest, X: Any, Y: Any, optimizer: Optimizer, batch_size: int | None, more: dict[str, Any]
) -> dict[str, Any]:
    """Return what tells one run from another."""
    return {
        **more,
        "parameters": {path: list(np.shape(value)) for path, value in trees.leaves(parameters)},
        "optimizer": described(optimizer),
        "batch_size": batch_size,
        "X": data_of(X),
        "Y": data_of(Y),
        "start": digest(parameters),
    }


def data_of(data: Any) -> list[Any]:
    """Return what tells one set of examples from another; a dataset in a file is not read for it."""
    told = [list(data.shape), str(data.dtype)]
    return [*told, digest(data)] if isinstance(data, np.ndarray) else told


def digest(nest: Nest) -> str:
    """Return the SHA-256 of the names, shapes, dtypes and values of a nest of arrays.

    Examples
    --------
    >>> digest({"W1": np.zeros((2, 1))})[:8]
    '03152213'
    """
    sha = hashlib.sha256()
    for path, value in trees.leaves(nest):
        array = np.ascontiguousarray(value)
        sha.update(f"{path} {np.shape(value)} {array.dtype.str};".encode())
        sha.update(array.data)
    return sha.hexdigest()


def described(thing: Any) -> Any:
    """Return what JSON can say of an optimiser, a learning rate or an activation.

    Examples
    --------
    >>> from tinygrad_course.training.optimizers import Momentum
    >>> described(Momentum(0.1))
    {'kind': 'Momentum', 'learning_rate': 0.1, 'beta': 0.9}
    """
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        fields = {f.name: described(getattr(thing, f.name)) for f in dataclasses.fields(thing)}
        return {"kind": type(thing).__name__, **fields}
    if thing is None or isinstance(thing, (bool, int, float, str)):
        return thing
    if isinstance(thing, np.generic):
        return thing.item()
    if isinstance(thing, (list, tuple)):
        return [described(item) for item in thing]
    return {"function": getattr(thing, "__qualname__", type(thing).__name__)}


_SAID = {"X": "the examples X", "Y": "the labels Y", "start": "the parameters at the start"}


def _differences(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> list[str]:
    """Say where two setups differ, in the order of ours; digests are only said to differ."""
    told = []
    for key in [*ours, *(k for k in theirs if k not in ours)]:
        a, b = theirs.get(key), ours.get(key)
        if a == b:
            continue
        if key in {"X", "Y"} and a is not None and b is not None:
            same = a[:2] == b[:2]
            told.append(
                f"{_SAID[key]} have other values"
                if same
                else f"{_SAID[key]} are {a[:2]} there and {b[:2]} here"
            )
        elif key == "start":
            if not told:
                told.append(f"{_SAID[key]} have other values")
        else:
            told.append(f"{key} is {a} there and {b} here")
    return told
