"""Several kinks of one Tensor: ``np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))`` is smooth at 0.

By itself |z| has the middle of its slopes at 0, and np.maximum(z, 0) the one to the left, as the course's
relu: together they would be wrong. So where a Tensor has several kinks at one number, 0 or another, all have
their slopes to the left. Beside a comparison, as in ``np.where(z >= 0, 1 / (1 + e), e / (1 + e))`` with
e = exp(-|z|), |z| has that to the side which 0 is counted to. np.sign(z) g(|z|) where g(0) = 0 is recorded as
(g(z) - g(-z)) / 2 at z = 0.
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
from tinygrad_course.engine.stable_forms import call, is_number, mended, same, traced
from tinygrad_course.engine.views import as_kept, version_of
from tinygrad_course.rules.elementwise import WINS, clip
from tinygrad_course.rules.shapes import is_complex, masked
from tinygrad_course.rules.table import RULES, Rule

if TYPE_CHECKING:
    from tinygrad_course.engine.tensor import Tensor

#: Whether each kink has the slope that it has by itself, as in a backward pass by hand.
alone: ContextVar[bool] = ContextVar("alone", default=False)

_SIZES = {np.absolute, np.fabs}
#: What has the kink of a maximum, or of a minimum.
_CHOICES: Any = {
    np.maximum: np.maximum, np.fmax: np.maximum, np.minimum: np.minimum, np.fmin: np.minimum
}  # fmt: skip
_REAL = (int, float, np.int64, np.floating)
#: Larger constants (bytes) are not compared.
LARGE = 65_536
#: Up to so many entries it is looked whether one is at the kink.
FEW = 1024
#: From so many numbers on at which a Tensor has kinks, it is looked now and then whether these live.
MANY = 16
#: To which side of 0 a comparison counts it.
_SIDES = {operator.gt: -1, operator.le: -1, operator.ge: 1, operator.lt: 1}


def _size(function: Any, side: int) -> Rule:
    above = np.greater if side < 0 else np.greater_equal
    return Rule(
        function, (lambda g, y, x: np.where(above(x, 0), g, -g),), name=function.__name__, elementwise=True
    )


def _choice(function: Any, wins: Callable[[Any, Any], Any]) -> Rule:
    """Return a choice between a Tensor and a constant."""
    return Rule(
        function, (lambda g, y, a, b: masked(g, wins(a, b)), lambda g, y, a, b: masked(g, wins(b, a))),
        name=function.__name__, elementwise=True,
        chooses=(lambda y, a, b: wins(a, b), lambda y, a, b: wins(b, a)),
    )  # fmt: skip


#: The rules of choices of which a tie goes to the constant, by those of choices between two Tensors.
_BESIDE_CONSTANT = {RULES[f]: _choice(f, wins) for f, wins in WINS.items()}


def _to_tensor(function: Any) -> Rule:
    """Return the choice of which a tie goes to the Tensor."""
    wins = WINS[function]
    return _choice(function, lambda a, b: wins(a, b) | (a == b))


def _clip(low: Any, high: Any) -> Rule:
    """Return np.clip whose bounds count as within where `low` or `high` says so."""

    def inside(x: Any, a: Any, b: Any) -> Any:
        return low(x, -np.inf if a is None else a) & high(x, np.inf if b is None else b)

    return Rule(
        clip, (lambda g, y, x, a, b: masked(g, inside(x, a, b)),), name="clip", elementwise=True,
        chooses=(lambda y, *args: inside(*args),),
    )  # fmt: skip


_LOW, _HIGH = _clip(np.greater_equal, np.less), _clip(np.greater, np.less_equal)
_BETWEEN = _clip(np.greater_equal, np.less_equal)
#: The rules whose slope at a kink is that to one side, where it is not what they have without.
_ONE_SIDED: dict[Any, Rule] = {
    **{(RULES[f], f, side): _size(f, side) for f in _SIZES for side in (-1, 1)},
    **{
        (_BESIDE_CONSTANT[RULES[f]], kink, 1 if kink is np.maximum else -1): _to_tensor(f)
        for f, kink in _CHOICES.items()
    },
    (RULES[clip], np.maximum, 1): _LOW,
    (RULES[clip], np.minimum, -1): _HIGH,
    (_LOW, np.minimum, -1): _BETWEEN,
    (_HIGH, np.maximum, 1): _BETWEEN,
}
#: Of functions of a Tensor that rise (1) or fall (-1), for each place, where it is when the result is y. The
#: other argument is a constant k, whose sign it is where there is a 0.
_INVERSES: dict[Any, list[tuple[int, Callable[[Any, Any], Any]]]] = {
    RULES[np.negative]: [(-1, lambda y, k: -y)],
    RULES[np.add]: [(1, lambda y, k: y - k)] * 2,
    RULES[np.subtract]: [(1, lambda y, k: y + k), (-1, lambda y, k: k - y)],
    RULES[np.multiply]: [(0, lambda y, k: y / k)] * 2,
    RULES[np.divide]: [(0, lambda y, k: y * k)],
    RULES[np.exp]: [(1, lambda y, k: np.log(y))],
    RULES[np.expm1]: [(1, lambda y, k: np.log1p(y))],
}


def _base(x: Any, at: Any = 0) -> tuple[Any, int, Any]:
    """Return the Tensor that x is a function of, 1 or, if that falls, -1, and where it is when x is `at`."""
    side = 1
    while (inverses := _INVERSES.get((x := version_of(x))._op)) is not None:
        args = x._args
        place, k = (0, args[-1]) if type(args[0]) is type(x) else (1, args[0])
        k = _constant(k) if len(args) == 2 else 0
        if k is None or place == len(inverses):
            break
        way, inverse = inverses[place]
        if not way and not (isinstance(k, _REAL) and k):
            break
        with np.errstate(all="ignore"):
            x, side, at = args[place], side * (way or (1 if k > 0 else -1)), inverse(at, k)
    return x, side, at


def _constant(k: Any) -> Any:
    """Return a number, also of an array of equal ones, or a small array; None of others, and narrow ones."""
    if type(k) is not np.ndarray:
        return k if isinstance(k, _REAL) else None
    if not k.size or (k.dtype.kind != "f" and k.dtype != int):
        return None
    first = k.flat[0]
    if first == k.flat[-1] and (k == first).all():
        return first
    return k if k.nbytes <= LARGE else None


def _told(at: Any) -> Any:
    """Return a number, or what stands for an array in its place."""
    return (at.shape, at.tobytes()) if type(at) is np.ndarray else at


def _watch(x: Any, function: Any, result: Any, at: Any = 0) -> None:
    """Take down a kink of `x`, or a comparison, as long as somebody has the result."""
    data = x._data
    if type(data) is np.float64 or (type(data) is np.ndarray and data.size <= FEW):
        missed = np.count_nonzero(data) if type(at) is int and at == 0 else np.count_nonzero(data != at)
        if missed == data.size:
            return  # the commonest case
    if alone.get():
        return
    x, side, at = _base(x, at)
    at, about = _told(at), x._note()
    everywhere = about.kinks = about.kinks or {}
    if (count := len(everywhere)) > MANY and not count & (count - 1):
        for place in [p for p, kinks in everywhere.items() if not _living(kinks)]:
            del everywhere[place]
    # to the life of a number there is no reference
    held = (lambda: result) if isinstance(result, np.generic) else weakref.ref(result)
    if not everywhere.get(at):
        everywhere[at] = {(function, side): [held]}
        return
    kinks = everywhere[at] = _living(everywhere[at])
    others = () if isinstance(result, np.generic) else kinks.get((function, side), ())
    kinks[function, side] = [*others, held]
    sizes = any(function in _SIZES for function, _ in kinks)
    choices = sum(function in _CHOICES for function, _ in kinks)
    sides = {_SIDES[function] * side for function, side in kinks if function in _SIDES}
    if sizes + choices < 2 and not (sizes and sides):
        return
    to = -1 if choices or -1 in sides else 1
    for (kink, way), refs in kinks.items():
        for node in (ref() for ref in refs):
            if (rule := _ONE_SIDED.get((getattr(node, "_op", None), kink, way * to))) is not None:
                node._op = rule  # (a freed graph's stays)


def _living(kinks: dict[Any, Any]) -> dict[Any, Any]:
    return {kink: live for kink, old in kinks.items() if (live := [r for r in old if r() is not None])}


def watch_size(out: Tensor) -> Tensor:
    """Look whether |x| has a kink beside others."""
    if not is_complex(out._args[0]):
        _watch(out._args[0], out._op.function, out)  # type: ignore[union-attr]
    return watch_products(out)


def watch_choice(out: Tensor) -> Tensor:
    """Look whether a choice between x and a constant has a kink beside others."""
    x, other = out._args
    if type(x) is not type(out):
        x, other = other, x
    elif type(other) is type(out):
        return out
    rule: Any = out._op
    out._op = _BESIDE_CONSTANT[rule]
    if (at := _constant(other)) is not None:
        _watch(x, _CHOICES[rule.function], out, at)
    return out


def watch_clip(out: Tensor) -> Tensor:
    """Look whether the bounds are kinks beside others."""
    x, *bounds = out._args
    for kink, bound in zip((np.maximum, np.minimum), bounds, strict=True):
        if (at := _constant(bound)) is not None:
            _watch(x, kink, out, at)
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
    """Mend the sign of x times a function of |x|, polar coordinates there and back, and squares."""
    size, sign = out._args if type(out._args[0]) is type(out) else out._args[::-1]
    if type(sign) is type(out):
        size, angle = (sign, size) if _is_turned(size) else (size, sign)
        odd = _mend_odd(out, size, functools.partial(_leg, angle)) if _is_turned(angle) else None
        return mend_square(out) if odd is None else odd
    if type(sign) in (int, float):
        return mend_square(out)

    def side_of(x: Any) -> int:
        x, way, at = _base(x)
        kinks = {} if x._about is None else x._about.kinks.get(_told(at), {})
        signs = [side for (f, side), held in kinks.items() if f is np.sign and any(r() is sign for r in held)]
        return way * signs[0] if signs else 0

    odd = _mend_odd(out, size, functools.partial(_signed, side_of))
    return mend_square(out) if odd is None else odd


def _is_turned(x: Any) -> bool:
    """Whether it is ``cos(arctan2(y, x))``, or the sine."""
    function, args, _ = call(x)
    return function in (np.cos, np.sin) and call(args[0])[0] is np.arctan2


def _leg(turned: Any, function: Any, args: Any) -> Any:
    """Return x of ``hypot(x, y)`` that is multiplied by ``cos(arctan2(y, x))``, y by the sine."""
    (of_angle, (angle,), _), legs = call(turned), tuple(args)
    y, x = call(angle)[1]
    found = function is np.hypot and (same(legs, (x, y)) or same(legs, (y, x)))
    return (x if of_angle is np.cos else y) if found else None


def _signed(side_of: Callable[[Any], int], function: Any, args: Any) -> Any:
    """Return x of |x|, turned as its sign is."""
    if function not in _SIZES or not (side := side_of(x := version_of(args[0]))):
        return None
    return x if side > 0 else -x


def mend_copysign(out: Any) -> Any:
    """Mend a function of |x| that is given the sign of x."""
    size, sign = out._args

    def side_of(x: Any) -> int:
        base, way, at = _base(x)
        return 1 if x._data is sign else way if np.all(at == 0) and base._data is sign else 0

    odd = _mend_odd(out, size, functools.partial(_signed, side_of))
    return watch_products(out) if odd is None else odd


def _mend_odd(out: Any, size: Any, of: Callable[[Any, Any], Any]) -> Any:
    """Mend a product of the sign of x with `size`, a function of |x| that is 0 at 0; None of another."""
    with np.errstate(all="ignore"):
        found = _beside(size, of)
        if found is None:
            return None
        above, below, at_0 = found
        instead: Any = np.where(at_0 & np.equal(size, 0), 0.5 * (above - below), out)
        return mended(out, instead)


def _beside(size: Any, of: Callable[[Any, Any], Any], depth: int = DEPTH) -> tuple[Any, Any, Any] | None:
    """Return g(x) and g(-x) at x = 0 of a function g(|x|), and where that is; None of others."""
    if getattr(size, "_op", None) is None:
        return None
    function: Any = size._op.function
    args: Any = as_kept(size)
    if (x := of(function, args)) is not None:
        at_0 = np.equal(size, 0)
        if not (traced(size) or np.any(at_0)):
            return None
        x = np.where(at_0, x, 0.0)
        return x, -x, at_0
    rule = RULES.get(function)
    if rule is None or not rule.elementwise or size._kwargs or not depth:
        return None
    found = [_beside(a, of, depth - 1) for a in args]
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
RULES[clip].mend = watch_clip
