"""Saved work: parameters, the optimiser's state, history, setup and random streams in one HDF5 file.

The layout, version 1, which `h5py` alone reads (``h5py.File("run.h5")["parameters/W1"][()]``):

==========================  ==========================================================================
bytes 0 to 511              text, HDF5's user block: what the file is, its length, and the SHA-256 of
                            all bytes after the block
``/`` attributes            ``format``, ``version``, ``written_by``, ``epoch``
``/parameters/...``         a nest: a dict, list or tuple is a group (its attribute ``kind`` says which),
                            an array is a dataset; keys are percent-encoded where they hold a slash
``/state/...``              the optimiser's state, a nest
``/history/...``            a 1-D dataset for each list of numbers, one number an epoch
``/setup``                  JSON text: what was trained, and how
``/streams/...``            JSON text for each random stream: its kind, and where it stands
every dataset's attributes  ``sha256`` of its values in C order, and ``order`` (C or F) in memory
==========================  ==========================================================================

Nothing is pickled. A file is written whole or not at all, and is read only if all its digests are right.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import numpy as np

from tinygrad_course import files
from tinygrad_course.streams import Stream, remake, state_text

FORMAT = "tinygrad_course checkpoint"
VERSION = 1
BLOCK = 512

Nest = Any


class CheckpointError(ValueError):
    """A file is no checkpoint, a damaged one, or that of another run; the message says which."""


@dataclass
class Checkpoint:
    """What a checkpoint holds.

    Attributes
    ----------
    parameters : nest of arrays
    state : nest of arrays or None
        The optimiser's.
    history : dict of str to list of float
    setup : dict
        Whatever JSON can say of the run.
    streams : dict of str to RandomState or Generator
        Standing where they stood.
    epoch : int
        How many epochs were done.
    """

    parameters: Nest
    state: Nest = None
    history: dict[str, list[float]] = field(default_factory=dict)
    setup: dict[str, Any] = field(default_factory=dict)
    streams: dict[str, Stream] = field(default_factory=dict)
    epoch: int = 0


def save(
    path: str | os.PathLike[str],
    parameters: Nest,
    *,
    state: Nest = None,
    history: Mapping[str, Any] | None = None,
    setup: Mapping[str, Any] | None = None,
    streams: Mapping[str, Stream | str] | None = None,
    epoch: int = 0,
) -> Path:
    """Write a checkpoint, whole or not at all; the module's documentation has the layout.

    Parameters
    ----------
    path : path
    parameters, state : nest of arrays
    history : mapping of str to sequence of float, optional
    setup : mapping, optional
        Must be expressible in JSON.
    streams : mapping of str to RandomState or Generator, optional
        Random streams, saved with where they stand (or as the text of `streams.state_text`).
    epoch : int
        How many epochs were done.

    Returns
    -------
    Path

    Raises
    ------
    TypeError
        For a value that is no array of numbers, or a key that is no text.
    FileNotFoundError
        If the directory does not exist.

    Examples
    --------
    >>> path = save("run.h5", {"W1": np.ones((1, 2))}, setup={"layers": [2, 1]}, epoch=3)
    >>> checkpoint = load(path)
    >>> print(checkpoint.parameters["W1"], checkpoint.setup, checkpoint.epoch)
    [[1. 1.]] {'layers': [2, 1]} 3
    """
    import h5py

    from tinygrad_course import __version__

    image = io.BytesIO()
    with h5py.File(image, "w", userblock_size=BLOCK, track_order=True) as file:
        file.attrs["format"] = FORMAT
        file.attrs["version"] = VERSION
        file.attrs["written_by"] = __version__
        file.attrs["epoch"] = epoch
        _write(file, "parameters", parameters, "parameters")
        _write(file, "state", state, "state")
        told = {key: np.asarray(values, dtype=np.float64) for key, values in (history or {}).items()}
        _write(file, "history", told, "history")
        _write_text(file, "setup", json.dumps(dict(setup or {}), allow_nan=True))
        group = file.create_group("streams", track_order=True)
        for name, rng in (streams or {}).items():
            _write_text(group, _encoded(name), rng if isinstance(rng, str) else state_text(rng))
    content = image.getvalue()[BLOCK:]
    return files.write(Path(path), _block(content) + content)


def load(path: str | os.PathLike[str]) -> Checkpoint:
    """Read a checkpoint that `save` wrote.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    CheckpointError
        If it is no checkpoint, was cut short, or was damaged: the message names the damaged part.
    """
    import h5py

    path = Path(path)
    raw = path.read_bytes()
    _verify(path, raw)
    with h5py.File(io.BytesIO(raw), "r") as file:
        return Checkpoint(
            parameters=_read(file["parameters"]),
            state=_read(file["state"]),
            history={key: values.tolist() for key, values in _read(file["history"]).items()},
            setup=json.loads(_read_text(file["setup"])),
            streams={unquote(name): remake(_read_text(text)) for name, text in file["streams"].items()},
            epoch=int(file.attrs["epoch"]),
        )


# ------------------------------------------------------------------ is it whole?


def _block(content: bytes) -> bytes:
    text = (
        f"{FORMAT}, version {VERSION}. HDF5 begins at byte {BLOCK}; h5py reads it.\n"
        f"bytes {len(content)}\nsha256 {hashlib.sha256(content).hexdigest()}\n"
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
    lines = block.rstrip(b"\0").decode("ascii", "replace").splitlines()
    version = lines[0].removeprefix(f"{FORMAT}, version ").partition(".")[0]
    if version.isdigit() and int(version) > VERSION:
        raise CheckpointError(
            f"{path} has version {version} of the layout, and this library reads up to {VERSION}: update it"
        )
    told = dict(line.split(" ", 1) for line in lines[1:] if " " in line)
    length = told.get("bytes", "")
    if length.isdigit() and len(content) < int(length):
        raise CheckpointError(
            f"{path} was cut short: {BLOCK + int(length)} bytes were written, and {len(raw)} are there"
        )
    if _block(content) != block:
        raise CheckpointError(
            f"{path} is damaged: its bytes are not those that were written ({_damage(raw)})"
        )


def _damage(raw: bytes) -> str:
    """Return which part of a damaged file is hit, as far as its own digests tell."""
    import h5py

    wrong: list[str] = []

    def look(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.attrs.get("sha256") != _digest(_bytes_of(item)):
            wrong.append("/" + name)

    try:
        with h5py.File(io.BytesIO(raw), "r") as file:
            file.visititems(look)
    except Exception as error:  # noqa: BLE001  (HDF5 may say anything of a file with bytes changed)
        return f"HDF5 can't read its structure: {type(error).__name__}"
    return f"the values of {', '.join(wrong)} are hit" if wrong else "its structure or its first block is hit"


def _bytes_of(dataset: Any) -> bytes:
    value = dataset[()]
    return value if isinstance(value, bytes) else np.ascontiguousarray(value).tobytes()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


# ------------------------------------------------------------------ nests and text in HDF5


def _encoded(key: str) -> str:
    """Return a key as HDF5 can name it: a slash would make a group, a dot is the group itself."""
    name = quote(key, safe=" !#$&'()*+,:;<=>?@[]^`{|}~\"\\")
    return name.replace(".", "%2E") if set(name) <= {"."} else name


def _write(parent: Any, name: str, value: Nest, path: str) -> None:
    children: list[tuple[str, Any]] | None = None
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str) or not key:
                raise TypeError(f"{path} has the key {key!r}; a checkpoint's keys are text, such as 'W1'")
        kind, children = "dict", [(_encoded(key), item) for key, item in value.items()]
    elif isinstance(value, (list, tuple)):
        kind, children = type(value).__name__, [(str(i), item) for i, item in enumerate(value)]
    elif value is None:
        kind, children = "none", []
    if children is None:
        _write_array(parent, name, value, path)
        return
    group = parent.create_group(name, track_order=True)
    group.attrs["kind"] = kind if kind in {"dict", "list", "none"} else "tuple"
    for key, item in children:
        _write(group, key, item, f"{path}/{key}")


def _write_array(parent: Any, name: str, value: Any, path: str) -> None:
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{path} is {value!r}; a checkpoint holds arrays of numbers")
    dataset = parent.create_dataset(name, data=np.ascontiguousarray(array).reshape(array.shape))
    dataset.attrs["sha256"] = _digest(_bytes_of(array))
    dataset.attrs["order"] = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"


def _write_text(parent: Any, name: str, text: str) -> None:
    content = text.encode()
    dataset = parent.create_dataset(name, data=text)
    dataset.attrs["sha256"] = _digest(content)


def _read_text(dataset: Any) -> str:
    value = dataset[()]
    return value.decode() if isinstance(value, bytes) else str(value)


def _read(item: Any) -> Nest:
    kind = item.attrs.get("kind")
    if kind is None:
        value = item[()]
        return np.asfortranarray(value) if item.attrs["order"] == "F" else value
    if kind == "none":
        return None
    if kind == "dict":
        return {unquote(key): _read(item[key]) for key in item}
    items = [_read(item[str(i)]) for i in range(len(item))]
    return items if kind == "list" else tuple(items)
