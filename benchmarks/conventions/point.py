"""What a point of the table is, and reasons that several have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

W = (1.0, 2.0, 4.0)
NAN, INF = float("nan"), float("inf")


class Point(NamedTuple):
    """One row of the table.

    Attributes
    ----------
    f : callable
        ``f(m, x)``, a scalar in NumPy's words, of the namespace m (a peer's, see `peers`); ``m.d`` is its
        derivative.
    x : nest of float
        Where it is differentiated.
    ours : str
        The gradient here; the name of an error.
    second : str
        The second derivative along the direction 1, 2, 3, ...: the gradient of the gradient times these.
    why : str
        The reason, in a line.
    """

    f: Callable[[Any, Any], Any]
    x: Any
    ours: str
    second: str
    why: str


SUB = "the middle of the two sides"
COURSE = "the course's `relu_backward`: dZ[Z <= 0] = 0"
SHARED = "equal extremes share the gradient, whatever their order"
