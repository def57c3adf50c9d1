"""Is this the value that was expected? If not, how do the two relate: the question that this answers."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Named = Mapping[str, Any]

TOLERANCE = 1e-5
SINGLE_TOLERANCE = 5e-4


def as_array(value: Any) -> Array | None:
    """Return numbers as an array, None for anything else."""
    if isinstance(value, bool | int | float | np.ndarray | np.generic | list | tuple):
        try:
            array = np.asarray(value)
        except (ValueError, TypeError):
            return None
        return array if array.dtype.kind in "biuf" else None
    return None


def both(got: Any, want: Any) -> tuple[Array, Array]:
    """Return the entries of two arrays of one size, those alone that it is known what they should be."""
    a, b = np.ravel(np.asarray(got, dtype=float)), np.ravel(np.asarray(want, dtype=float))
    known = ~np.isnan(b)
    return (a, b) if np.all(known) else (a[known], b[known])


def close(got: Any, want: Any, *, loose_shape: bool = False) -> bool:
    """Tell whether two values agree: the shape, and every entry within a part in 100,000.

    A number may come in an array of one entry. Single precision gets the tolerance that it needs.

    Examples
    --------
    >>> close(np.array([[0.5]]), 0.5), close(np.ones(3), np.ones((3, 1)))
    (True, False)
    """
    mine, right = as_array(got), as_array(want)
    if mine is None or right is None:
        return False
    number = right.ndim == 0 and mine.size == 1
    if mine.shape != right.shape and not number and not (mine.size == right.size and loose_shape):
        return False
    if mine.size == 0:
        return True
    if not np.all(np.isfinite(mine)):
        return bool(np.array_equal(np.ravel(mine), np.ravel(right), equal_nan=True))
    a, b = both(mine, right)
    if not b.size:
        return False
    single = mine.dtype.kind == "f" and mine.dtype.itemsize < 8
    return bool(
        np.max(np.abs(a - b)) <= (SINGLE_TOLERANCE if single else TOLERANCE) * (np.max(np.abs(b)) + 1e-9)
    )


@dataclass(frozen=True)
class Relation:
    """How a wrong value relates to the right one."""

    kind: str
    """factor, transposed, shape, sum, other (another quantity's value), term (a known one), or unknown."""
    words: str
    factor: float | None = None
    steady: bool = False
    """Whether the factor is the same for any number of examples."""


def factors(m: int, scalars: Mapping[str, float]) -> list[tuple[str, float]]:
    """Return the factors that a mistake of the course multiplies by, likely ones first."""
    named: list[tuple[str, float]] = [("-1", -1.0)]
    if m > 1:
        named += [("m", m), ("1/m", 1 / m), ("-m", -m), ("-1/m", -1 / m)]
    for name, value in scalars.items():
        if value not in (0.0, 1.0):
            named += [(name, value), (f"1/{name}", 1 / value)]
    for name, value in (("2", 2.0), ("ln 10", math.log(10)), ("ln 2", math.log(2)), ("-2", -2.0)):
        named += [(name, value), (f"-1/{name[1:]}" if name[0] == "-" else f"1/{name}", 1 / value)]
    if m > 1:
        named += [("m^2", m * m), ("1/m^2", 1 / m / m), ("2/m", 2 / m), ("m/2", m / 2)]
    return named


def ratio(got: Any, want: Any, within: float = 1e-6) -> float | None:
    """Return c where got = c * want throughout, else None.

    One number is a multiple of any other: a ratio says something only where there are several, or where it is
    a known one.
    """
    mine, right = as_array(got), as_array(want)
    if mine is None or right is None or mine.size != right.size or mine.size == 0:
        return None
    a, b = both(mine, right)
    top = int(np.argmax(np.abs(b))) if b.size else 0
    if not b.size or not b[top] or not np.all(np.isfinite(a)):
        return None
    c = float(a[top] / b[top])
    return None if c == 0 or np.max(np.abs(a - c * b)) > within * abs(c) * abs(b[top]) else c


def relate(
    name: str, got: Any, want: Any, m: int, scalars: Mapping[str, float], others: Named, terms: Named
) -> Relation:
    """Say how a wrong value relates to the right one, never more than the numbers show."""
    mine, right = as_array(got), as_array(want)
    if mine is None or right is None:
        kind = "None" if got is None else f"a {type(got).__name__}"
        wanted = f"an array of shape {np.shape(want)}" if np.ndim(want) else "a number"
        return Relation("unknown", f"{name} is {kind}, and {wanted} was expected")
    mine, right = mine.astype(float), right.astype(float)
    if not np.all(np.isfinite(mine)):
        return Relation("unknown", f"{name} has entries that are not finite")
    if mine.shape != right.shape and (mine.size > 1 or right.size > 1 or close(mine.ravel(), right.ravel())):
        return _relate_shapes(name, mine, right, m, others)
    if right.size > 1 and close(mine, right.T):
        return Relation("transposed", f"{name} is transposed")
    c = ratio(mine, right)
    for words, factor in factors(m, scalars) if c is not None else ():
        if math.isclose(c or 0.0, factor, rel_tol=1e-5):
            times = "minus" if words == "-1" else f"{words} times"
            return Relation("factor", f"{name} is {times} what it should be", factor)
    known = _relate_known(name, mine, right, others, terms)
    if known is not None:
        return known
    if c is not None and right.size > 1:
        return Relation("factor", f"{name} is {c:.6g} times what it should be", c)
    return _unknown(name, mine, right)


def _relate_known(name: str, mine: Array, right: Array, others: Named, terms: Named) -> Relation | None:
    """Compare with the other quantities of the way, and with the terms that a mistake may leave out."""
    for other, value in others.items():
        alike = other != name and np.shape(value) == right.shape
        if alike and close(mine, value) and not close(right, value):
            return Relation("other", f"{name} has the value of {other}")
    for words, term in terms.items():
        if np.shape(term) == right.shape and np.any(term):
            if close(mine, right - term):
                return Relation("term", f"{name} lacks {words}")
            if close(mine, right + term):
                return Relation("term", f"{name} has {words} too much")
    return None


def _relate_shapes(name: str, mine: Array, right: Array, m: int, others: Named) -> Relation:
    shapes = f"{name} has the shape {mine.shape}, and it should be {right.shape}"
    alike = mine.size == right.size and close(mine.ravel(), right.ravel())
    if mine.shape == right.T.shape and ((alike and mine.ndim == 2) or close(mine, right.T)):
        return Relation("transposed", f"{shapes}: it is transposed")
    if alike:
        return Relation("shape", f"{shapes}: the values are right")
    if mine.size == 1 and right.size > 1:
        return Relation("number", f"{shapes}: it is a number, where an array belongs")
    for axis in range(right.ndim) if np.any(mine) else ():
        if close(np.sum(right, axis=axis).ravel(), mine.ravel()):
            return Relation("sum", f"{shapes}: it is summed over axis {axis}")
    for other, value in others.items():
        if np.shape(value) == mine.shape and close(mine, value):
            return Relation("other", f"{shapes}: it has the value of {other}")
    examples = mine.ndim == 2 and mine.shape[1] == m and right.shape[-1:] == (1,)
    if examples and np.any(mine) and close(mine.sum(axis=1, keepdims=True), right):
        return Relation("sum", f"{shapes}: it is not summed over the examples")
    return Relation("unknown", shapes)


def _unknown(name: str, mine: Array, right: Array) -> Relation:
    mine, right = both(mine, right)
    difference = np.linalg.norm(mine - right) / (np.linalg.norm(mine) + np.linalg.norm(right))
    with np.errstate(divide="ignore", invalid="ignore"):
        quotients = mine / right
    quotients = quotients[np.isfinite(quotients)]
    spread = ""
    if quotients.size > 1:
        spread = f"; yours over right lies between {quotients.min():.4g} and {quotients.max():.4g}"
    elif quotients.size == 1:
        spread = f"; yours over right is {quotients[0]:.6g}"
    return Relation("unknown", f"{name} differs: relative difference {difference:.3g}{spread}")
