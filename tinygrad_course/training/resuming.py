"""What tells a training run from other runs, and how it is found again."""

import dataclasses
import hashlib
import json
import tempfile
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_course import files
from tinygrad_course.engine import trees
from tinygrad_course.engine.trees import Nest
from tinygrad_course.functions.streams import Position, Stream, restore, state_text
from tinygrad_course.training import checkpoints
from tinygrad_course.training.descent import Optimizer, settings
from tinygrad_course.training.runs import Run


class SavedRun:
    """The file that a run is saved in, and from which it goes on."""

    def __init__(self, path: Path, every: int, setup: dict[str, Any], streams: Mapping[str, Stream]) -> None:
        self.path = path
        self.every = every
        self.setup: dict[str, Any] = json.loads(checkpoints.json_of(setup))  # as a file gives it back
        self.streams = streams
        self.epoch = -1

    def open(self, fresh: Run) -> Run:
        """Return the run that the file holds, its streams put back, or a fresh one if there is no file."""
        files.sweep_up(self.path)
        files.check_writable(self.path)
        checkpoints.image(fresh, self.setup, {})  # raises if it cannot be saved
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
        self.epoch = found.epoch
        return Run(found.parameters, found.state, found.history, found.epoch, best=found.best)

    def save(self, run: Run, positions: Mapping[str, Position], path: Path | None = None) -> None:
        """Write the run as it was after its last whole epoch."""
        if path is None and run.epoch == self.epoch:
            return
        streams = {name: state_text(where) for name, where in positions.items()}
        files.write(path or self.path, checkpoints.image(run, self.setup, streams))
        self.epoch = run.epoch

    def rescue(self, run: Run, positions: Mapping[str, Position]) -> Path | None:
        """Write the run where temporary files go, for it can't be written where it belongs."""
        path = Path(tempfile.gettempdir()) / f"rescued-{uuid.uuid4().hex[:8]}-{self.path.name}"
        try:
            self.save(run, positions, path)
        except OSError:
            return None
        return path


def setup_of(
    parameters: Nest, X: Any, Y: Any, optimizer: Optimizer, batch_size: int | None, more: dict[str, Any]
) -> dict[str, Any]:
    """Return what tells one run from another; of `more`, what is None is left out."""
    return {
        **{key: value for key, value in more.items() if value is not None},
        "parameters": {path: list(np.shape(value)) for path, value in trees.leaves(parameters)},
        "optimizer": described(optimizer), "batch_size": batch_size, "X": data_of(X), "Y": data_of(Y),
        "start": digest(parameters),
    }  # fmt: skip


def data_of(data: Any) -> list[Any]:
    """Return what tells one set of examples from another; a dataset in a file is not read for it."""
    told = [list(data.shape), str(data.dtype)]
    return [*told, digest(data)] if isinstance(data, np.ndarray) else told


def digest(nest: Nest) -> str:
    """Return the SHA-256 of the names, shapes, dtypes and values of a nest of arrays.

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

    >>> from tinygrad_course.training.descent import Momentum
    >>> described(Momentum(0.1))
    {'kind': 'Momentum', 'learning_rate': 0.1, 'beta': 0.9}
    """
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        fields = {name: described(value) for name, value in settings(thing).items()}
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
    told: list[str] = []
    for key in [*ours, *(k for k in theirs if k not in ours)]:
        a, b = theirs.get(key), ours.get(key)
        if a == b:
            continue
        name = _SAID.get(key, key)
        if key == "start":
            told += [] if told else [f"{name} have other values"]
        elif key in _SAID and a is not None and b is not None:
            of = f"are {a[:2]} there and {b[:2]} here"
            told.append(f"{name} have other values" if a[:2] == b[:2] else f"{name} {of}")
        else:
            told.append(f"{key} is {a} there and {b} here")
    return told
