"""Whether what is returned for tracers is what is returned for arrays, to rounding."""

from typing import Any

import numpy as np

from tinygrad_course.compiling.tracing.trace import like
from tinygrad_course.engine import trees

#: The same calls on the same numbers give the same results, but for products that add in another order and
#: what the recorder computes by logarithms where numbers are too large.
ROUNDING = {2: 1e-2, 4: 1e-4, 8: 1e-9}
#: What is 0 but for rounding, as a gradient at a minimum, is this part of the numbers that it was made of.
NOISE = {2: 1e-3, 4: 1e-6, 8: 1e-14}


def same_results(recorded: Any, plain: Any, narrowest: int, arguments: Any = ()) -> bool:
    """Whether two nests of results are the same, to the rounding of numbers of so many bytes."""
    ours, theirs = trees.leaves(recorded), trees.leaves(plain)
    scale = max(map(_largest, [x for _, x in (*theirs, *trees.leaves(arguments))]), default=0.0)
    noise = NOISE[narrowest] * scale
    return [path for path, _ in ours] == [path for path, _ in theirs] and all(
        _alike(x, y, ROUNDING[narrowest], noise) for (_, x), (_, y) in zip(ours, theirs, strict=True)
    )


def _alike(x: Any, y: Any, rounding: float, noise: float) -> bool:
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
        bound = noise + rounding * _largest(y)
        return bool(np.allclose(x, y, rtol=0, atol=bound, equal_nan=True))


def _largest(x: Any) -> float:
    """Return the size of the largest finite number of an array, 0 of anything else."""
    if not isinstance(x, (np.ndarray, np.generic, int, float)) or np.asarray(x).dtype.kind not in "fc":
        return 0.0
    return float(np.max(np.abs(x), where=np.isfinite(x), initial=0.0))
