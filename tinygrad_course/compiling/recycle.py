"""Memory for large results: an array that was returned, and that nobody holds any more, is written to again.

Fresh memory is slow: the system hands it out page by page, at the first touch of each. A loop that replaces
its parameters drops the old ones, and the next step's can lie where they lay.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

#: Results of fewer bytes than this are made afresh, which costs less than looking.
LARGE = 65_536
#: How many arrays are remembered for a result.
KEPT = 3


class Recycled:
    """Makes the arrays of one result."""

    __slots__ = ("arrays", "dtype", "shape")

    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        self.shape = shape
        self.dtype = dtype
        self.arrays: list[Any] = []

    def __call__(self) -> Any:
        """Return an array of any content that nobody else holds: neither itself nor a view of it."""
        arrays = self.arrays
        for i in range(len(arrays)):
            array = arrays[i]
            if sys.getrefcount(array) == _ALONE and _COUNTS:
                return array
        array = np.empty(self.shape, self.dtype)
        if len(arrays) >= KEPT:
            del arrays[0]
        arrays.append(array)
        return array


def _alone() -> int:
    """Return what sys.getrefcount says of an array that a list and a local variable hold."""
    arrays = [np.empty(1)]
    array = arrays[0]
    return sys.getrefcount(array)


_ALONE = _alone()
_COUNTS = getattr(sys, "_is_gil_enabled", lambda: True)()  # without the lock, counts of references say less
