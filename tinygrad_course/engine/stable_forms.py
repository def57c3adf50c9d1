"""Where a value or its derivative is lost on the way, in numbers too large or too small.

``1 / (1 + np.exp(-z))`` is 0 at z = -1000, and so is its derivative; but the chain rule goes through
``np.exp(1000)``, which is infinite. The same holds for softplus, swish, a softmax by hand and the logarithms
of these in a cost. What an expression is shows in the recording: a quotient, sum or product of exponentials,
of which `logarithm` is the logarithm: log(1 + e^u) = logaddexp(0, u). Where NumPy's own numbers have gone to
infinity or 0, the operation is recorded with that logarithm as a further argument, to which the gradient
goes; a value that NumPy computes as inf or NaN is then the right one. Everywhere else nothing is different.
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_course.engine.creation import node
from tinygrad_course.engine.masked_gradients import masks
from tinygrad_course.engine.views import as_kept, as_of, version_of
from tinygrad_course.rules.reductions import logsumexp
from tinygrad_course.rules.shapes import largest
from tinygrad_course.rules.table import RULES, Rule, is_tensor

if TYPE_CHECKING:
    from tinygrad_course.engine.tensor import Tensor

#: How deep an expression is looked into.
DEPTH = 12
_FLOATS = (np.ndarray, np.float64, np.float32, np.float16)

# ------------------------------------------------------------------ what an expression is


def call(x: Any) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """Return the function that computed a Tensor or a program's value, with its arguments; None of a leaf."""
    if getattr(x, "_op", None) is None:
        return getattr(x, "function", None), getattr(x, "args", ()), getattr(x, "kwargs", {})
    function = x._op.function
    args = as_kept(x)
    if isinstance(function, Mended):
        return function.function, args[: function.count], x._kwargs or {}
    return function, args, x._kwargs or {}


_COMBINING: set[Any] = {
    *(np.add, np.subtract, np.multiply, np.divide, np.reciprocal, np.power, np.square, np.sqrt, np.sum),
    *(np.negative, np.mean, operator.getitem, np.reshape, np.transpose),
}
_DIVISORS: set[Any] = {*_COMBINING, np.exp}


def is_sigmoid(function: Any) -> bool:
    """Whether it is SciPy's sigmoid: who calls that has imported it."""
    special = sys.modules.get("scipy.special")
    return special is not None and function is getattr(special, "expit", special)


def log_sigmoid(z: Any) -> Any:
    """Return log(1 / (1 + e^-z))."""
    from scipy.special import log_expit

    return log_expit(z)


def is_number(x: Any, value: float) -> bool:
    """Whether `x` is this number."""
    return isinstance(x, (int, float, np.generic)) and x == value


def has_exponential(x: Any, depth: int = DEPTH, *, shifted: bool = True) -> bool:
    """Whether an exponential or a sigmoid takes part in a product or sum; that of u - max(u) if `shifted`."""
    rule = getattr(x := version_of(x), "_op", None)
    function, args = call(x)[:2] if rule is None else (rule.function, x._args)
    function = function.function if type(function) is Mended else function
    if function is np.exp:
        return shifted or not is_shifted(args[0])
    return is_sigmoid(function) or (
        function in _COMBINING
        and depth > 0
        and any(has_exponential(a, depth - 1, shifted=shifted) for a in args)
    )


def logarithm(x: Any, depth: int = DEPTH) -> Any:
    """Return log(x) of what is made of exponentials, without computing x; None of anything else.

    Examples
    --------
    >>> from tinygrad_course import Tensor
    >>> logarithm(1 / (1 + np.exp(Tensor(700.0))))
    Tensor(-700.0)
    """
    if isinstance(x, (int, float, np.floating)):
        return math.log(x) if x > 0 else None
    function, args, kwargs = call(x)
    if function is None or not depth:
        return None

    def of(a: Any) -> Any:
        return logarithm(a, depth - 1)

    if function is np.exp:
        return args[0]
    z = logit(x, depth)
    if z is not None:
        return log_sigmoid(z)
    if function is np.power:
        return None if is_tensor(args[1]) or (inner := of(args[0])) is None else args[1] * inner
    if function not in _LOGARITHMS:
        return None
    parts = [of(a) for a in (args if function in _BINARY else args[:1])]
    if any(p is None for p in parts):
        return None
    return _LOGARITHMS[function](*parts, *args[len(parts) :], **kwargs)


def log_of_sum(l: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    """Return the logarithm of a sum, from those of its terms."""
    if is_shifted(l) and shift_axis(l) == axis:  # one of the terms is 1
        return np.log(np.sum(np.exp(l), axis=axis, keepdims=keepdims))
    return logsumexp(l, axis, bool(keepdims))


def log_of_mean(l: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    """Return the logarithm of a mean, from those of its terms."""
    total = log_of_sum(l, axis, keepdims=keepdims)
    return total - math.log(l.size / max(total.size, 1))


_BINARY = {np.add, np.multiply, np.divide}
_LOGARITHMS: dict[Any, Callable[..., Any]] = {
    np.add: np.logaddexp,
    np.multiply: lambda a, b: a + b,
    np.divide: lambda a, b: a - b,
    np.reciprocal: lambda a: -a,
    np.square: lambda a: 2.0 * a,
    np.sqrt: lambda a: 0.5 * a,
    np.sum: log_of_sum,
    np.mean: log_of_mean,
    operator.getitem: lambda a, index: a[index],
    np.reshape: np.reshape,
    np.transpose: np.transpose,
}


def link(s: Any) -> Any:
    """Return what holds z as its argument, for a sigmoid of z: s itself, or the -z of 1 / (1 + exp(-z))."""
    if is_sigmoid(call(s)[0]):
        return s
    exponent = call(term)[1][0] if (term := odds(s)) is not None and call(term)[0] is np.exp else None
    return exponent if call(exponent)[0] is np.negative else None


def odds(s: Any) -> Any:
    """Return the t of s = 1 / (1 + t)."""
    function, args, _ = call(s)
    if function is np.reciprocal or (function is np.power and is_number(args[1], -1)):
        return other_than_one(args[0])
    return other_than_one(args[1]) if function is np.divide and is_number(args[0], 1) else None


def other_than_one(x: Any) -> Any:
    """Return the t of x = 1 + t."""
    function, terms, _ = call(x)
    if function is not np.add or not (is_number(terms[0], 1) or is_number(terms[1], 1)):
        return None
    return terms[1] if is_number(terms[0], 1) else terms[0]


def logit(s: Any, depth: int = DEPTH) -> Any:
    """Return z of s = sigmoid(z): of 1 / (1 + exp(-z)), exp(z) / (1 + exp(z)), 1 - s; None for all else."""
    function, args, _ = call(s)
    if is_sigmoid(function):
        return args[0]
    if function is np.subtract and is_number(args[0], 1):
        z = logit(args[1], depth - 1) if depth else None
        return None if z is None else negated(z)
    term = odds(s)
    if term is not None:
        z = logarithm(term, depth - 1)
        return None if z is None else negated(z)
    if function is np.divide and same(args[0], other_than_one(args[1])):
        return logarithm(args[0], depth - 1)
    return None


def negated(z: Any) -> Any:
    """Return -z, and x for z = -x."""
    function, args, _ = call(z)
    return args[0] if function is np.negative else -z


def same(a: Any, b: Any, depth: int = DEPTH) -> bool:
    """Whether two values are one Tensor, or were computed alike from the same and from equal constants."""
    if a is b:
        return True
    (f, x, k), (h, y, l) = call(a), call(b)
    if type(a) is type(b) and type(a) in {tuple, list}:
        x, y = a, b
    elif f is None or h is None:
        constant = isinstance(a, _CONSTANTS) and isinstance(b, _CONSTANTS)
        return np.array_equal(a, b) if constant else type(a) is type(b) in {slice, str} and a == b
    if f is not h or len(x) != len(y) or k.keys() != l.keys() or not depth:
        return False
    pairs = [*zip(x, y, strict=True), *[(k[name], l[name]) for name in k]]
    return all(same(*pair, depth - 1) for pair in pairs)


_CONSTANTS = (int, float, complex, np.generic, np.ndarray)


# ------------------------------------------------------------------ operations that are recorded otherwise


class Mended:
    """An operation of `count` arguments with what it amounts to as a further one, the last.

    That has the gradient; of a power of a root its square has, which stands before.
    """

    def __init__(self, function: Callable[..., Any], count: int) -> None:
        self.function = function
        self.count = count
        self.__name__ = getattr(function, "__name__", "")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the operation, and what it amounts to where that fails."""
        y = self.function(*args[: self.count], **kwargs)
        return np.where(np.isfinite(y), y, args[-1])[()]


def mended(out: Tensor, instead: Tensor, *power: Any) -> Tensor:
    """Return `out` recorded anew, its gradient going to `instead`, of a `power` the square of the root."""
    original, count = out._op, len(out._args)
    assert original is not None  # noqa: S101
    rule = _MENDED.get((original, count, bool(power)))
    if rule is None:
        vjps: list[Any] = [None] * count
        if power:
            slope = lambda g, y, *args, **_: g * (args[-3] / 2 * args[-4] ** (args[-3] - 2))  # noqa: E731
            vjps += [None, None, slope, None]
        else:
            vjps.append(lambda g, y, *args, **_: g)
        rule = _MENDED[original, count, bool(power)] = Rule(
            Mended(original.function, count), tuple(vjps), name=original.name, elementwise=True,
            saves=bool(power),
        )  # fmt: skip
    if instead._state is not None:  # a view is recorded as what it shows
        instead, _ = instead._state.read(instead)
    if power:
        return node(type(out), rule, (*as_of(out), *power, instead, out), out._data, kwargs=out._kwargs)
    y = data = instead._data
    if type(out._data) in _FLOATS:
        y = out._data
        data = np.where(np.isfinite(y), y, data)[()]
    return node(type(out), rule, (*out._args, instead), data.astype(y.dtype), kwargs=out._kwargs)


_MENDED: dict[tuple[Rule, int, bool], Rule] = {}


def traced(x: Tensor) -> bool:
    """Whether the numbers are not known, in a program that is being traced."""
    return type(x._data) not in _FLOATS


def beyond(x: Any) -> bool:
    """Whether what single exponentials lose far out is recorded otherwise in a program; count them."""
    watched = masks.get()
    if watched is None:
        return False
    watched.lost += 1
    watched.alone += logit(x) is None and other_than_one(x) is None
    return watched.mended


def is_shifted(u: Any) -> bool:
    """Whether it is x - max(x), of which the exponential is at most 1."""
    function, args, _ = call(u)
    of_shift = call(args[1]) if function is np.subtract else (None, (), {})
    return of_shift[0] in {np.max, np.amax} and same(args[0], of_shift[1][0])


def shift_axis(u: Any) -> Any:
    """Return the axis along which u = x - max(x) is shifted."""
    _, args, kwargs = call(call(u)[1][1])
    return args[1] if len(args) > 1 else kwargs.get("axis")


def holds_one(x: Any) -> bool:
    """Whether it is the sum of exp(u - max(u)), of which one term is 1: nothing of it is lost."""
    function, args, kwargs = call(x)
    term = call(args[0]) if function is np.sum else (None, (), {})
    if term[0] is not np.exp or not is_shifted(term[1][0]):
        return False
    return bool(shift_axis(term[1][0]) == (args[1] if len(args) > 1 else kwargs.get("axis")))


def sums_exponentials(x: Any, depth: int = DEPTH) -> bool:
    """Whether a sum of many exponentials takes part, which a program's own algebra does not know."""
    function, args, _ = call(x)
    if function in {np.sum, np.mean}:
        exponential, of, _ = call(args[0])
        return exponential is np.exp and not is_shifted(of[0])
    return function in _COMBINING and depth > 0 and any(sums_exponentials(a, depth - 1) for a in args)


def least(data: Any) -> float:
    """Return the least of plain numbers, NaN if there is one, and 0.5 for anything else."""
    if type(data) is np.ndarray and data.size:
        return data.item(data.argmin())  # type: ignore[no-any-return]  # much faster than data.min()
    return float(data) if isinstance(data, np.floating) else 0.5


_EPS = {char: float(np.finfo(char).eps) for char in np.typecodes["Float"]}
#: Numbers below these have lost digits, and 1 / x may be infinite.
_TINY = {char: float(np.finfo(char).tiny) for char in "efd"} | {"g": np.finfo("g").tiny}
#: 1 + a number of this size has lost half of the digits, by the kind of real numbers.
_HALF = {char: eps**-0.5 for char, eps in _EPS.items()}
#: Differences 1 - s above these have digits enough.
_UNHURT = {char: 1024.0 * eps for char, eps in _EPS.items()}


def mend_divide(out: Tensor) -> Tensor:
    """Mend a quotient whose divisor has overflowed: z / (1 + exp(-z)), exp(z) / sum(exp(z))."""
    divisor = out._args[-1]
    if type(divisor) is not type(out) or divisor._op is None or divisor._op.function not in _DIVISORS:
        return out
    data = divisor._data
    large = _HALF.get(data.dtype.char)
    if large is None or (type(data) is np.ndarray and data.size and data.item(data.argmax()) < large):
        return out  # the commonest case: nothing is large
    if out._data.dtype.kind != "f":
        return out
    if traced(divisor):
        if not has_exponential(divisor, shifted=False) or not (sums_exponentials(divisor) or beyond(out)):
            return out
    else:
        size = largest(data)
        if size < large or not has_exponential(divisor):
            return out
        # e^z / (1 + e^z) loses its derivative's digits long before it overflows
        if size < math.inf and (len(out._args) == 1 or not has_exponential(out._args[0])):
            return out
    log_divisor = logarithm(as_of(out)[-1])
    if log_divisor is None:
        return out
    z = logit(out)
    if z is not None:
        return mended(out, np.exp(log_sigmoid(z)))
    above = as_of(out)[0] if len(out._args) == 2 else 1.0
    return mended(out, divided(above, as_of(out)[-1], log_divisor))


def divided(above: Any, divisor: Any, log_divisor: Any) -> Any:
    """Return above / divisor by the logarithms."""
    log_above = logarithm(above)
    if log_above is not None:
        if same(above, other_than_one(divisor)):  # t / (1 + t), and log t - log(1 + t) has few digits
            return np.exp(log_sigmoid(log_above))
        return np.exp(log_above - log_divisor)
    function, args, _ = call(above)
    if function in {np.add, np.subtract} and has_exponential(above):
        return function(*[divided(a, divisor, log_divisor) for a in args])
    if function is np.negative:
        return -divided(args[0], divisor, log_divisor)
    if function is np.multiply and has_exponential(above):
        a, b = args if logarithm(args[1]) is not None else args[::-1]
        return a * divided(b, divisor, log_divisor)
    return above * np.exp(-log_divisor)


def mend_logarithm(out: Tensor) -> Tensor:
    """Mend the logarithm of what has vanished, overflowed, or lost its digits as 1 - s does."""
    x = out._args[0]
    if x._op is None:
        return out
    data = x._data
    char = data.dtype.char
    if char not in _TINY:
        return out
    difference = x._op.function is np.subtract
    if type(data) is np.ndarray and data.size:  # the commonest case: nothing is small, or infinite
        low = data.item(data.argmin())
        if low > _UNHURT[char] and (difference or data.item(data.argmax()) < math.inf):
            return out
    elif isinstance(data, np.floating) and _UNHURT[char] < data < math.inf:
        return out
    if traced(x):
        lost = has_exponential(x) and not holds_one(x) and (may_lose(x) or beyond(x))
    else:
        lost = (
            (difference and is_number(x._args[0], 1))
            or least(data) < _TINY[char]
            or largest(data) == math.inf
        ) and has_exponential(x)
    if not lost:
        return out
    x = as_of(out)[0]
    found = logarithm(x)
    if found is None:
        return out
    function = call(out)[0]
    if function is np.log1p:
        found = np.logaddexp(0.0, found)
    return mended(out, found / _BASES[function] if function in _BASES else found)


def may_lose(x: Tensor) -> bool:
    """Whether numbers that are not known may come to that, beyond what a program's own algebra mends."""
    function, args, _ = call(x)
    if function is np.subtract and is_tensor(args[1]) and logit(x) is not None:
        known = odds(args[1]) is not None or is_sigmoid(call(args[1])[0])
        return not known or is_mended(args[1])
    quotient = function is np.divide and call(args[1])[0] is np.sum
    return is_mended(x) or sums_exponentials(x) or quotient


def is_mended(x: Any) -> bool:
    """Whether an operation was recorded otherwise than it was written."""
    return x._op is not None and isinstance(x._op.function, Mended)


_BASES: dict[Any, float] = {np.log2: math.log(2.0), np.log10: math.log(10.0)}

for _functions, _mend in (
    ((np.divide, np.reciprocal), mend_divide),
    ((np.log, np.log2, np.log10, np.log1p), mend_logarithm),
):
    for _function in _functions:
        RULES[_function].mend = _mend
