"""Several kinks of one Tensor at 0: ``np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))`` is smooth there.

By itself |z| has the middle of its slopes at 0, and np.maximum(z, 0) the one to the left, as the course's
relu: together they would be wrong. So where a Tensor has several kinks, all have their slopes to the left.
Beside a comparison, as in ``np.where(z >= 0, 1 / (1 + e), e / (1 + e))`` with e = exp(-|z|), |z| has that to
the side which 0 is counted to. np.sign(z) g(|z|) where g(0) = 0 is recorded as (g(z) - g(-z)) / 2 at z = 0.
"""

from __future__ import annotations

import functools
import operator
import weakref
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_course.engine.squares_of_roots import (
    CONTRACTIONS,
    DEPTH,
    ROOTS,
    may_vanish,
    mend_contraction,
    mend_square,
)
from tinygrad_course.engine.stable_forms import is_number, mended, traced
from tinygrad_course.engine.views import as_kept, version_of
from tinygrad_course.rules.shapes import is_complex, masked
from tinygrad_course.rules.table import RULES, Rule

if TYPE_CHECKING:
    from tinygrad_course.engine.tensor import Tensor

#: Whether each kink has the slope that it has by itself, as in a backward pass by hand.
alone: ContextVar[bool] = ContextVar("alone", default=False)

_SIZES = {np.absolute, np.fabs}
_CHOICES = {np.maximum, np.minimum}
#: To which side of 0 a comparison counts it.
_SIDES = {operator.gt: -1, operator.le: -1, operator.ge: 1, operator.lt: 1}


def _size(function: Any, side: int) -> Rule:
    above = np.greater if side < 0 else np.greater_equal
    return Rule(
        function, (lambda g, y, x: np.where(above(x, 0), g, -g),), name=function.__name__, elementwise=True
    )


def _choice(function: Any, wins: Callable[[Any, Any], Any]) -> Rule:
    """Return a choice of which a tie goes to the Tensor."""
    return Rule(
        function, (lambda g, y, a, b: masked(g, wins(a, b)), lambda g, y, a, b: masked(g, wins(b, a))),
        name=function.__name__, elementwise=True,
        chooses=(lambda y, a, b: wins(a, b), lambda y, a, b: wins(b, a)),
    )  # fmt: skip


#: The rules whose slope at 0 is that to one side, where it is not what the table has.
_ONE_SIDED: dict[Any, Rule] = {
    **{(function, side): _size(function, side) for function in _SIZES for side in (-1, 1)},
    (np.maximum, 1): _choice(np.maximum, np.greater_equal),
    (np.minimum, -1): _choice(np.minimum, np.less_equal),
}


def _base(x: Any) -> tuple[Any, int]:
    """Return x and 1, or -1 and what x is the negative of."""
    side = 1
    while getattr(x := version_of(x), "_op", None) is RULES[np.negative]:
        side, x = -side, x._args[0]
    return x, side


def _watch(x: Any, function: Any, result: Any) -> None:
    """Take down a kink of `x` at 0, or a comparison with 0, for as long as somebody has the result."""
    if alone.get():
        return
    x, side = _base(x)
    about = x._note()
    # to the life of a number there is no reference
    held = (lambda: result) if isinstance(result, np.generic) else weakref.ref(result)
    if not about.kinks:  # the commonest case
        about.kinks = {(function, side): [held]}
        return
    kinks = {kink: live for kink, old in about.kinks.items() if (live := [r for r in old if r() is not None])}
    about.kinks = kinks
    others = () if isinstance(result, np.generic) else kinks.get((function, side), ())
    kinks[function, side] = [*others, held]
    sizes = any(function in _SIZES for function, _ in kinks)
    choices = sum(function in _CHOICES for function, _ in kinks)
    sides = {_SIDES[function] * side for function, side in kinks if function in _SIDES}
    if sizes + choices < 2 and not (sizes and sides):
        return
    at = -1 if choices or -1 in sides else 1
    for (kink, way), refs in kinks.items():
        if (rule := _ONE_SIDED.get((kink, way * at))) is not None:
            for node in (ref() for ref in refs):
                if node is not None and node._op and type(node._op.vjps) is tuple:  # no freed graph's
                    node._op = rule


def watch_size(out: Tensor) -> Tensor:
    """Look whether |x| has a kink beside others."""
    if not is_complex(out._args[0]):
        _watch(out._args[0], out._op.function, out)  # type: ignore[union-attr]
    return watch_products(out)


def watch_choice(out: Tensor) -> Tensor:
    """Look whether a choice between x and 0 has a kink beside others."""
    a, b = out._args
    if is_number(a, 0) or is_number(b, 0):
        _watch(b if is_number(a, 0) else a, out._op.function, out)  # type: ignore[union-attr]
    return out


def watch_sign(x: Tensor, function: Any, other: Any, result: Any) -> None:
    """Look whether a comparison with 0 stands beside a kink, and remember a sign."""
    if function is np.sign or (function in _SIDES and is_number(other, 0)):
        _watch(x, function, result)


def watch_products(root: Tensor) -> Tensor:
    """Look at products from the first root on that is 0 somewhere: most programs have none."""
    if may_vanish(root):
        RULES[np.multiply].mend = mend_product
        for function in CONTRACTIONS:
            RULES[function].mend = mend_contraction
    return root


def mend_product(out: Any) -> Any:
    """Mend the sign of x times a function of |x|, and squares."""
    size, sign = out._args if type(out._args[0]) is type(out) else out._args[::-1]
    if type(sign) in (type(out), int, float):
        return mend_square(out)

    def side_of(x: Any) -> int:
        kinks = () if x._about is None else x._about.kinks.items()
        sides = [side for (f, side), held in kinks if f is np.sign and any(ref() is sign for ref in held)]
        return sides[0] if sides else 0

    odd = _mend_odd(out, size, side_of)
    return mend_square(out) if odd is None else odd


def mend_copysign(out: Any) -> Any:
    """Mend a function of |x| that is given the sign of x."""
    size, sign = out._args
    odd = _mend_odd(out, size, lambda x: x._data is sign)
    return watch_products(out) if odd is None else odd


def _mend_odd(out: Any, size: Any, side_of: Callable[[Any], int]) -> Any:
    """Mend a product of the sign of x with `size`, a function of |x| that is 0 at 0; None of another."""
    with np.errstate(all="ignore"):
        found = _beside(size, side_of)
        if found is None:
            return None
        above, below, at_0 = found
        instead: Any = np.where(at_0 & np.equal(size, 0), 0.5 * (above - below), out)
        return mended(out, instead)


def _beside(size: Any, side_of: Callable[[Any], int], depth: int = DEPTH) -> tuple[Any, Any, Any] | None:
    """Return g(x) and g(-x) at x = 0 of a function g(|x|), and where that is; None of others."""
    if getattr(size, "_op", None) is None:
        return None
    function: Any = size._op.function
    args: Any = as_kept(size)
    if function in _SIZES:
        x, _ = _base(args[0])
        side, at_0 = side_of(x), np.equal(x, 0)
        if not side or not (traced(x) or np.any(at_0)):
            return None
        x = np.where(at_0, x, 0.0)
        return side * x, -side * x, at_0
    rule = RULES.get(function)
    if rule is None or not rule.elementwise or size._kwargs or not depth:
        return None
    found = [_beside(a, side_of, depth - 1) for a in args]
    if not any(found):
        return None
    above, below = (function(*[f[i] if f else a for f, a in zip(found, args, strict=True)]) for i in (0, 1))
    return above, below, functools.reduce(operator.or_, [f[2] for f in found if f])


for _function in ROOTS:
    RULES[_function].mend = watch_products
for _function in _SIZES:
    RULES[_function].mend = watch_size
RULES[np.copysign].mend = mend_copysign
for _function in _CHOICES:
    RULES[_function].mend = watch_choice
