"""Saved work: parameters, the optimiser's state, history, setup and random streams in one HDF5 file.

The layout, version 1, which `h5py` alone reads (``h5py.File("run.h5")["parameters/W1"][()]``):

==========================  ==========================================================================
bytes 0 to 511              text, HDF5's user block: what the file is, how long, and its SHA-256
``/`` attributes            ``format``, ``version``, ``written_by``, ``epoch``
``/parameters/...``         a nest: a dict, list or tuple is a group (its attribute ``kind`` says which),
                            an array is a dataset (``order`` is F where it lay in memory by columns);
                            a slash in a key is percent-encoded
``/state/...``              the optimiser's state, a nest
``/best/...``               the parameters of the best epoch, a nest, where the run stops early
``/history/...``            a 1-D dataset for each list of numbers, one number an epoch
``/setup``                  JSON text: what was trained, and how
``/streams/...``            JSON text for each random stream: its kind, and where it stands
after the HDF5              text, a line for each dataset: where its values begin, their length in bytes,
                            their SHA-256, its path
==========================  ==========================================================================

Nothing is pickled. A file is written whole or not at all, and HDF5 is let at it only if its digest is right:
of a damaged file HDF5 may never return.
"""

import hashlib
import io
import json
import operator
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np

from tinygrad_course import files
from tinygrad_course.engine import trees
from tinygrad_course.engine.trees import Nest
from tinygrad_course.functions.streams import Stream, remake, state_text
from tinygrad_course.training.nests import Writer, encoded, read_nest, read_text
from tinygrad_course.training.runs import Run

FORMAT = "tinygrad_course checkpoint"
VERSION = 1
BLOCK = 512


class CheckpointError(ValueError):
    """A file is no checkpoint, a damaged one, or that of another run; the message says which."""


@dataclass(repr=False, kw_only=True)
class Checkpoint(Run):
    """A run that was saved, by the names of `save`'s arguments; the streams stand where they stood."""

    setup: dict[str, Any]
    streams: dict[str, Stream]

    def __repr__(self) -> str:
        """Return ``<Checkpoint: 3 epochs, W1 (4, 2), b1 (4, 1)>``."""
        shapes = [f"{path} {np.shape(value)}" for path, value in trees.leaves(self.parameters)]
        more = [*shapes[:6], *(["..."] if len(shapes) > 6 else [])]
        return f"<Checkpoint: {', '.join([f'{self.epoch} epochs', *more])}>"


def save(
    path: str | os.PathLike[str],
    parameters: Nest,
    *,
    state: Nest = None,
    history: Mapping[str, Any] | None = None,
    setup: Mapping[str, Any] | None = None,
    streams: Mapping[str, Stream | str] | None = None,
    epoch: int = 0,
    best: Nest = None,
) -> Path:
    """Write a checkpoint, whole or not at all; the module's documentation has the layout.

    Parameters
    ----------
    path : path
    parameters, state : nest of arrays
        The run's and the optimiser's.
    history : mapping of str to sequence of float, optional
    setup : mapping, optional
        Must be expressible in JSON; NumPy's numbers and arrays are written as Python's numbers and lists.
    streams : mapping of str to RandomState or Generator, optional
        Random streams, saved with where they stand (or as the text of `streams.state_text`).
    epoch : int
        How many epochs were done.
    best : nest of arrays, optional
        The parameters of the best epoch, of a run that stops early.

    Raises
    ------
    TypeError
        For a value that is no array of numbers, a key that is no text, an epoch that is no whole number.
    FileNotFoundError
        If the directory does not exist.
    OSError
        If it can't be written.

    Examples
    --------
    >>> path = save("run.h5", {"W1": np.ones((1, 2))}, setup={"layers": [2, 1]}, epoch=3)
    >>> checkpoint = load(path)
    >>> print(checkpoint.parameters["W1"], checkpoint.setup, checkpoint.epoch)
    [[1. 1.]] {'layers': [2, 1]} 3
    """
    run = Run(parameters, state, dict(history or {}), epoch, best=best)
    return files.write(Path(path), image(run, setup or {}, streams or {}))


def image(held: Run, setup: Mapping[str, Any], streams: Mapping[str, Stream | str]) -> bytes:
    """Return what `save` writes."""
    from tinygrad_course import __version__

    try:
        epochs = operator.index(held.epoch)
    except TypeError:
        raise TypeError(
            f"epoch is {held.epoch!r}; expected how many epochs were done, a whole number"
        ) from None
    if epochs < 0:
        raise ValueError(f"epoch is {held.epoch}; expected how many epochs were done, from 0")
    with Writer() as file:
        file.attrs.update(format=FORMAT, version=VERSION, written_by=__version__, epoch=epochs)
        file.nest("parameters", held.parameters)
        file.nest("state", held.state)
        if held.best is not None:
            file.nest("best", held.best)
        told = held.history.items()
        columns = {k: files.plain_array(v, f"history/{k}", "a checkpoint").astype(float) for k, v in told}
        file.nest("history", columns)
        file.text("setup", json_of(setup))
        file.create_group("streams", track_order=True)
        for name, rng in streams.items():
            file.text(f"streams/{encoded(name)}", rng if isinstance(rng, str) else state_text(rng))
        content: bytes = file.image()
        table: bytes = file.table()
    return _block(content, table) + content + table


def json_of(setup: Mapping[str, Any]) -> str:
    """Return a setup as it is written, NumPy's numbers and arrays as Python's; raise TypeError for others."""

    def plain(value: Any) -> Any:
        if isinstance(value, (np.generic, np.ndarray)) and value.dtype.kind in "fiubU":
            return value.tolist()
        if isinstance(value, os.PathLike):
            return os.fspath(value)
        raise TypeError(
            f"setup holds {value!r}, a {type(value).__name__}; it takes what JSON can say: numbers, text, "
            "lists and dicts of them"
        )

    return json.dumps(dict(setup), allow_nan=True, default=plain)


def load(path: str | os.PathLike[str]) -> Checkpoint:
    """Read a checkpoint that `save` wrote.

    Returns
    -------
    Checkpoint
        With the parameters and the rest by the names of `save`'s arguments.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    CheckpointError
        If it is no checkpoint, was cut short, or was damaged: the message names the damaged part.

    Examples
    --------
    >>> load(save("run.h5", {"W1": np.zeros((4, 2)), "b1": np.zeros((4, 1))}, epoch=3))
    <Checkpoint: 3 epochs, W1 (4, 2), b1 (4, 1)>
    """
    import h5py

    path = Path(path)
    raw = path.read_bytes()
    _verify(path, raw)
    with h5py.File(io.BytesIO(raw), "r") as file:
        return Checkpoint(
            parameters=read_nest(file["parameters"]),
            state=read_nest(file["state"]),
            history={key: values.tolist() for key, values in read_nest(file["history"]).items()},
            setup=json.loads(read_text(file["setup"])),
            streams={unquote(name): remake(read_text(text)) for name, text in file["streams"].items()},
            epoch=int(file.attrs["epoch"]),
            best=read_nest(file["best"]) if "best" in file else None,
        )


# ------------------------------------------------------------------ is it whole?


def _block(content: bytes, table: bytes) -> bytes:
    """Return the first block: what the HDF5 and the table after it have to be."""
    text = (
        f"{FORMAT}, version {VERSION}. HDF5 begins at byte {BLOCK}; h5py reads it.\n"
        f"bytes {len(content)}\nsha256 {_digest(content)}\n"
        f"table {len(table)}\nsha256 {_digest(table)}\n"
    )
    return text.encode("ascii").ljust(BLOCK, b"\0")


def _verify(path: Path, raw: bytes) -> None:
    """Raise unless every byte is as it was written."""
    if not raw:
        raise CheckpointError(f"{path} is empty")
    block, content = raw[:BLOCK], raw[BLOCK:]
    begin = FORMAT.encode()
    if len(block) < BLOCK and (block.startswith(begin) or begin.startswith(block)):
        raise CheckpointError(f"{path} was cut short: it ends after {len(raw)} bytes, within its first block")
    if not block.startswith(begin):
        kind = "an HDF5 file of another program" if block.startswith(b"\x89HDF") else "no checkpoint"
        raise CheckpointError(
            f"{path} is {kind}, or its first bytes are damaged: a checkpoint begins with {FORMAT!r}, this "
            f"with {block[:26]!r}"
        )
    version = re.match(rb"%b, version (\d+)" % begin, block)
    if version and int(version[1]) > VERSION:
        raise CheckpointError(
            f"{path} has version {int(version[1])} of the layout, and this library reads up to {VERSION}: "
            "update it"
        )
    told = [int(n) for n in re.findall(rb"(?m)^(?:bytes|table) (\d+)$", block)]
    if len(told) == 2 and len(content) < sum(told):
        raise CheckpointError(
            f"{path} was cut short: {BLOCK + sum(told)} bytes were written, and {len(raw)} are there"
        )
    end = told[0] if told else 0
    if _block(content[:end], content[end:]) != block:
        hit = _damage(raw, block, content[end:])
        raise CheckpointError(f"{path} is damaged: its bytes are not those that were written ({hit})")


def _damage(raw: bytes, block: bytes, table: bytes) -> str:
    """Return which part of a damaged file is hit, as far as its table tells."""
    if _digest(table).encode() not in block:
        return "its first block or its last lines are hit"
    wrong = []
    for line in table.decode().splitlines():
        begin, length, digest, name = line.split(" ", 3)
        if _digest(raw[int(begin) : int(begin) + int(length)]) != digest:
            wrong.append(name)
    return f"the values of {', '.join(wrong)} are hit" if wrong else "its structure or its first block is hit"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
