"""Files are written whole or not at all, and hold plain arrays."""

import hashlib
import os
import re
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

try:
    import fcntl
except ModuleNotFoundError:  # Windows, which lets nobody remove a file that is open
    fcntl = None  # type: ignore[assignment]

_SHOWN = 40  # characters of a file's name in the name of what is written beside it


def write(path: Path, content: bytes, *, flushed: bool = True) -> Path:
    """Write a file beside its target, flush it, and put it in the target's place.

    What says itself whether it is whole need not be `flushed` to the disk. A link stays, and what it points
    at is written; a file that is there keeps its permissions; a pipe or a device, such as /dev/stdout, is
    written into.

    Raises FileNotFoundError if the directory does not exist, and OSError with the target's name if it can't
    be written: the disk is full, the folder read-only.
    """
    with _naming(path):
        if _written_into(path):
            path.write_bytes(content)
            return path
        target = path.resolve()
        beside, file = _beside(target)
        try:
            with file:
                if target.is_file():
                    beside.chmod(stat.S_IMODE(target.stat().st_mode))
                file.write(content)
                file.flush()
                if flushed:
                    os.fsync(file.fileno())
                if fcntl is not None:
                    beside.replace(target)  # while it is locked, see `sweep_up`
            if fcntl is None:
                beside.replace(target)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
    return path


def check_writable(path: Path) -> None:
    """Raise if `write` could not write this file, for the folder is not there or read-only."""
    with _naming(path):
        if not _written_into(path):
            beside, file = _beside(path.resolve())
            file.close()
            beside.unlink()


def sweep_up(path: Path) -> None:
    """Remove what writes of `path` left beside it when their process was killed.

    What is being written at the moment, by another process, is locked and stays.
    """
    path = path.resolve()
    ours = re.compile(re.escape(_prefix(path)) + r"[0-9a-f]{8}\.part")
    for leftover in list(path.parent.iterdir()) if path.parent.is_dir() else []:
        if ours.fullmatch(leftover.name) and not _locked(leftover):
            leftover.unlink(missing_ok=True)


def _written_into(path: Path) -> bool:
    """Tell whether a path is a pipe, a terminal or a device, which no file may take the place of."""
    return path.exists() and not (path.is_file() or path.is_dir())


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Have errors name the file that was asked for, not the one beside it."""
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path}: there is no directory {path.parent}")
    try:
        yield
    except OSError as error:
        raise type(error)(error.errno, error.strerror or str(error), str(path)) from error


def _beside(path: Path) -> tuple[Path, BinaryIO]:
    beside = path.with_name(f"{_prefix(path)}{uuid.uuid4().hex[:8]}.part")
    file = beside.open("xb")
    if fcntl is not None:
        with suppress(OSError):  # a file system may have no locks
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return beside, file


def _locked(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _prefix(path: Path) -> str:
    """Return how the names begin of what is written beside `path`: short, and no other path's."""
    return f".{path.name[:_SHOWN]}.{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:12]}."


def plain_array(value: Any, name: str, holder: str = "a file of weights") -> NDArray[Any]:
    """Return a value as an array of numbers.

    Raises TypeError if it is none, or one that an array of numbers can't stand for: the message names it.
    """
    if hasattr(value, "backward"):
        raise TypeError(f"{name} is a Tensor, and {holder} holds plain arrays: write its .data")
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(
            f"{name} is a masked array, and a file holds plain ones: write its .filled(0), or its .data and "
            ".mask beside each other"
        )
    if hasattr(value, "units") and hasattr(value, "magnitude"):
        raise TypeError(f"{name} is a quantity in {value.units}; a file holds plain arrays: its .magnitude")
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} is {value!r}; {holder} holds arrays of numbers, not of {array.dtype}")
    return array
