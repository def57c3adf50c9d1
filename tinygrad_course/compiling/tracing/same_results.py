"""Whether what is returned for tracers is what is returned for arrays, to rounding."""

from typing import Any

import numpy as np

from tinygrad_course.compiling.tracing.trace import like
from tinygrad_course.engine import trees

#: The same calls on the same numbers give the same results, but for products that add in another order and
#: what the recorder computes by logarithms where numbers are too large.
ROUNDING = 1e-9


def same_results(recorded: Any, plain: Any, single: bool) -> bool:
    """Whether two nests of results are the same, to rounding."""
    ours, theirs = trees.leaves(recorded), trees.leaves(plain)
    return [path for path, _ in ours] == [path for path, _ in theirs] and all(
        _alike(x, y, single) for (_, x), (_, y) in zip(ours, theirs, strict=True)
    )


def _alike(x: Any, y: Any, single: bool) -> bool:
    """Whether two results are of one type, shape and dtype, and nearly equal."""
    if not isinstance(y, (np.ndarray, np.generic, int, float)):
        return type(x) is type(y)
    if not like(x, y):
        return False
    with np.errstate(all="ignore"):
        equal = bool(np.array_equal(x, y))
        if equal or np.asarray(y).dtype.kind not in "fc":
            return equal
        x = np.where(np.isfinite(x), x, y)  # the recorder mends what has overflowed, and so does the program
        largest = float(np.max(np.abs(y), where=np.isfinite(y), initial=0.0))
        bound = (1e5 * ROUNDING if single else ROUNDING) * largest
        return bool(np.allclose(x, y, rtol=0, atol=bound, equal_nan=True))
