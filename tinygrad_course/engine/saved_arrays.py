"""What a recording keeps: a gradient of any order reads what was there at the call, or the write raises.

Constants that a derivative may read are copied up to `COPIED` bytes. A write to one above `SMALL` raises
while a recording needs it. No lock reaches a view that was taken before: in the others the copy protects
from that, and of the largest, which it would take longer to copy than to multiply, a `Sample` is kept, so
that the gradient raises where it finds them changed. Under `debug()` all are copied.
"""

from __future__ import annotations

import _thread
import operator
from typing import Any

import numpy as np

from tinygrad_course.engine.errors import blocks, watched
from tinygrad_course.engine.other_arrays import admitted

#: Constant arrays up to this size (bytes) are copied and left alone, larger ones are locked.
SMALL = 16_384

#: Up to this size (bytes) what is locked is copied too.
COPIED = 1_048_576


class Hold:
    """Keeps an array from being written to for as long as a recording needs its values.

    A write into an array on hold raises NumPy's "assignment destination is read-only". The array can be
    written to again once the last recording that needs it is gone.
    """

    __slots__ = ("array",)

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self.array = array

    def __del__(self) -> None:
        key = id(self.array)
        with _lock:
            others = _holds[key]
            others.discard(id(self))
            if others:
                return
            del _holds[key]
            _unlock(self.array)
            for view in _waiting.pop(key, ()):
                _unlock(view)


class Sample:
    """Some of the entries of a large constant, by which a write through an earlier view is noticed.

    They are `STEPS` entries apart, in each row and each column some: what is written to that many neighbours,
    to a row, a column or everything is noticed, a single entry is not.
    """

    __slots__ = ("array", "entries", "step")

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self.array = array
        self.step = next((p for p in STEPS if all(n % p for n in array.shape)), STEPS[0])
        self.entries = self._taken()

    def _taken(self) -> bytes:
        array = self.array
        contiguous = array.flags.c_contiguous or array.flags.f_contiguous
        return (array.ravel("K") if contiguous else array.flat)[:: self.step].tobytes()

    def verify(self, name: str) -> None:
        """Raise if the constant was written to, naming the operation that was recorded with it."""
        if self._taken() != self.entries:
            raise RuntimeError(
                f"a constant of {name!r}, an array {self.array.shape}, was written to after it was recorded, "
                "through a view that was taken before and can't be locked: the gradient would be that of "
                "other numbers. Write to a copy of the view, or hand over a copy of the array"
            )


#: Distances of the entries that a `Sample` keeps; the first that divides no length.
STEPS = (251, 257, 263, 269)


def verify(holds: list[Any], name: str) -> None:
    """Raise if a constant that is locked was written to all the same."""
    for held in holds:
        if type(held) is Sample:
            held.verify(name)


# A collection of garbage may come at any line and end a Hold: the lock lets its own thread in again.
_lock = _thread.RLock()
_holds: dict[int, set[int]] = {}
_waiting: dict[int, list[np.ndarray[Any, Any]]] = {}


def _unlock(array: np.ndarray[Any, Any]) -> None:
    base = array.base
    if isinstance(base, np.ndarray) and id(base) in _holds:  # NumPy unlocks no view of a locked array
        _waiting.setdefault(id(base), []).append(array)
        return
    try:
        array.setflags(write=True)
    except ValueError:
        return  # its owner has made the base read-only meanwhile


def hold(array: Any) -> list[Hold]:
    """Keep `array`, and the array that it is a view of, from being written to while the result lives."""
    holds = []
    while isinstance(array, np.ndarray):
        key = id(array)
        with _lock:
            if key in _holds or array.flags.writeable:
                held = Hold(array)
                holds.append(held)
                others = _holds.setdefault(key, set())
                others.add(id(held))
                _holds[key] = others  # the last of the others may have ended meanwhile
                array.setflags(write=False)
        array = array.base
    return holds


def kept_array(array: np.ndarray[Any, Any], holds: list[Any]) -> np.ndarray[Any, Any]:
    """Return the values of a constant array as a recording keeps them; locks go into `holds`."""
    if array.nbytes <= SMALL:
        return array.copy("K")
    holds += hold(array)
    owner: Any = array
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    if array.nbytes <= COPIED or owner.base is not None or (blocks.open and watched.get()):
        return array.copy("K")
    holds.append(Sample(array))
    return array


def kept(value: Any, holds: list[Any]) -> Any:
    """Return an argument so that later changes to it, at any depth, don't reach the recording."""
    kind = type(value)
    if kind is np.ndarray:
        return kept_array(value, holds)
    if kind is list:
        return [kept(v, holds) for v in value]
    if kind is tuple:
        parts = tuple([kept(v, holds) for v in value])
        return parts if any(map(operator.is_not, parts, value)) else value
    if kind is slice:
        return value
    if isinstance(value, np.memmap):  # what stands in the file may change without a write by this program
        return np.array(value)
    return admitted(value)
