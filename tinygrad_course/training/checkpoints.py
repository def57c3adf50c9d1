"""Saved work: parameters, the optimiser's state, history, setup and random streams in one HDF5 file.

The layout, version 1, which `h5py` alone reads (``h5py.File("run.h5")["parameters/W1"][()]``):

==========================  ==========================================================================
bytes 0 to 511              text, HDF5's user block: what the file is, how long, and its SHA-256
``/`` attributes            ``format``, ``version``, ``written_by``, ``epoch``
``/parameters/...``         a nest: a dict, list or tuple is a group (its attribute ``kind`` says which),
                            an array is a dataset (``order`` says how it lay in memory, C or F);
                            a slash in a key is percent-encoded
``/state/...``              the optimiser's state, a nest
``/history/...``            a 1-D dataset for each list of numbers, one number an epoch
``/setup``                  JSON text: what was trained, and how
``/streams/...``            JSON text for each random stream: its kind, and where it stands
after the HDF5              text, a line for each dataset: where its values begin, their length in bytes,
                            their SHA-256, its path
==========================  ==========================================================================

Nothing is pickled. A file is written whole or not at all, and HDF5 is let at it only if its digest is right:
of a damaged file HDF5 may never return.
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
from tinygrad_course.functions.streams import Stream, remake, state_text

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
        table = _table(file)
    content = image.getvalue()[BLOCK:]
    return files.write(Path(path), _block(content, table) + content + table)


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


def _block(content: bytes, table: bytes) -> bytes:
    """Return the first block: what the HDF5 and the table after it have to be."""
    text = (
        f"{FORMAT}, version {VERSION}. HDF5 begins at byte {BLOCK}; h5py reads it.\n"
        f"bytes {len(content)}\nsha256 {_digest(content)}\n"
        f"table {len(table)}\nsha256 {_digest(table)}\n"
    )
    return text.encode("ascii").ljust(BLOCK, b"\0")


def _table(file: Any) -> bytes:
    """Return where the values of each dataset are, and their digests: what names a damaged part."""
    lines = []

    def note(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.id.get_offset() is not None:
            values = item[()]
            content = values if isinstance(values, bytes) else values.tobytes()
            lines.append(f"{item.id.get_offset()} {len(content)} {_digest(content)} /{name}\n")

    import h5py

    file.visititems(note)
    return "".join(lines).encode()


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
    told = [
        int(n) for key, _, n in (line.partition(" ") for line in lines[1:]) if key != "sha256" and n.isdigit()
    ]
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
    dataset.attrs["order"] = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"


def _write_text(parent: Any, name: str, text: str) -> None:
    import h5py

    content = text.encode()
    parent.create_dataset(name, data=content, dtype=h5py.string_dtype("utf-8", len(content)))


def _read_text(dataset: Any) -> str:
    return bytes(dataset[()]).decode()


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
