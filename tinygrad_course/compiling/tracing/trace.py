"""What a function does while it is traced: open or closed, and the plain arrays that it meets."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_course.compiling.dataflow import Value, constant


class Trace:
    """The recording in progress: is it still open, and which plain arrays has it met.

    Constants are copied when they are met: what the function does to them later can't reach the program.
    """

    def __init__(self) -> None:
        self.open = True
        self._known: dict[int, tuple[Any, Value]] = {}

    def constant(self, array: Any) -> Value:
        """Return an array or NumPy scalar as a value, the same for the same array while it is unchanged."""
        met = self._known.get(id(array))
        if met is not None and same(met[1].data, array):
            return met[1]
        value = constant(np.array(array) if isinstance(array, np.ndarray) else array)
        if type(value.data) is np.ndarray:
            value.data.setflags(write=False)
        self._known[id(array)] = (array, value)
        return value


def same(a: Any, b: Any) -> bool:
    """Whether two arrays or numbers are of one type, shape and dtype and equal, but for 0.0 and -0.0."""
    if (
        type(a) is not type(b)
        or np.shape(a) != np.shape(b)
        or getattr(a, "dtype", 0) != getattr(b, "dtype", 0)
    ):
        return False
    if isinstance(a, (np.ndarray, np.generic)):
        if a.dtype.kind == "f" and a.dtype.itemsize in {2, 4, 8}:
            bits = f"u{a.dtype.itemsize}"
            return bool(np.array_equal(a.view(bits), b.view(bits)))
        if a.dtype.kind == "c":
            return same(a.real, b.real) and same(a.imag, b.imag)
        return bool(np.array_equal(a, b))
    if isinstance(a, (float, complex)):
        return repr(a) == repr(b)
    return bool(a == b)
