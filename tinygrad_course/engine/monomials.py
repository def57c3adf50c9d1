"""Products and powers of one Tensor, some of them roots: ``x * np.sqrt(x)`` is x**1.5, and flat at 0.

By the chain rule its slope there is NaN, 0 times the infinite one of the root. Next to 0 it is as small as
that power of x, so it has a slope, 0, where the power is above 1; its higher derivatives are the power's.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tinygrad_course.engine.stable_forms import call, same

_RAISES = {np.sqrt: 0.5, np.cbrt: 1.0 / 3.0, np.square: 2.0}
_POWERS = {np.power, np.float_power}
_REAL = (int, float, np.integer, np.floating)
#: So many operations are followed back.
DEPTH = 6


class Monomial(NamedTuple):
    """``factor * base**power`` where the base is not negative."""

    base: Any
    power: float
    factor: Any
    rooted: bool  #: whether a root was taken on the way

    def raised(self, n: float) -> Monomial | None:
        """Return a power of it; None for |x|, and where a factor is negative."""
        root = not float(n).is_integer()
        power = self.power * n
        if root and (np.any(self.factor < 0) or (self.power % 2 == 0 and power % 2 == 1)):
            return None
        return Monomial(self.base, power, self.factor**n, self.rooted or root)


def monomial(x: Any, depth: int = DEPTH, raises: dict[Any, float] = _RAISES) -> Monomial:
    """Return what a Tensor is of one behind it, by powers and `raises`; of another function, of itself."""
    itself = Monomial(x, 1.0, np.float64(1.0), False)
    rule = x._op
    followed = rule is not None and type(rule.vjps) is tuple and not rule.sequence and not rule.outputs
    if not depth or not followed or x.dtype.kind != "f":
        return itself
    function, args, _ = call(x)
    parts: list[Any] = [monomial(a, depth - 1, raises) if type(a) is type(x) else a for a in args]
    found: Any = None
    if function in raises:
        found = parts[0].raised(raises[function])
    elif function in _POWERS and type(parts[0]) is Monomial and isinstance(parts[1], _REAL):
        found = parts[0].raised(float(parts[1]))
    elif function is np.negative:
        found = parts[0]._replace(factor=-parts[0].factor)
    elif function in {np.multiply, np.divide}:
        found = _product(parts[0], parts[1], -1.0 if function is np.divide else 1.0)
    return itself if found is None or found.base.shape != x.shape else found


def _product(a: Any, b: Any, n: float) -> Any:
    """Return a b^n, where n is 1 or -1, and one of them may be a constant; None for another function."""
    if type(b) is not Monomial:
        known = isinstance(b, (*_REAL, np.ndarray)) and np.all(np.not_equal(b, 0) | (n > 0))
        return a._replace(factor=a.factor * np.asarray(b, float) ** n) if known else None
    if type(a) is not Monomial:
        return b._replace(factor=b.factor * a) if n == 1 and isinstance(a, (*_REAL, np.ndarray)) else None
    if not same(a.base, b.base):
        return None
    return Monomial(a.base, a.power + n * b.power, a.factor * b.factor**n, a.rooted or b.rooted)


def flat_at_0(node: Any) -> Monomial | None:
    """Return a node as a monomial if that has a slope, 0, where the base is 0, and the chain rule NaN."""
    found = monomial(node)
    if not found.rooted or found.power <= 1 or not isinstance(found.base._data, (np.ndarray, np.floating)):
        return None
    return None if np.all(found.base._data) else found
