"""What has no part in a result, for a constant is 0, or it is not read: it gets no gradient at all.

In ``np.sum(w * np.sqrt(x))`` a term whose constant weight is 0 is 0 for every x, so its slope is 0 where that
of the root is infinite: 0 times infinity would be NaN. The same holds for a constant matrix and its columns
of zeros, for x in ``x**0``, for the triangle that `np.linalg.cholesky` doesn't read, for the distance of a
point from itself in ``x[:, None] - x``. A 0 that is the value of a variable is no such thing: it may become
another number.

Only a recorded sweep whose gradients are not finite is made again with this knowledge (see `sweep`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_course.engine.masked_gradients import Live, Partial, chooses, gathered, handed_on, step
from tinygrad_course.engine.monomials import flat_at_0
from tinygrad_course.engine.other_arrays import Sparse, sparse_times, times_sparse
from tinygrad_course.engine.stable_forms import same
from tinygrad_course.engine.views import as_kept, as_of, behind
from tinygrad_course.rules.indexing import astype
from tinygrad_course.rules.norms import extreme_entries
from tinygrad_course.rules.shapes import MOVES, is_complex
from tinygrad_course.rules.table import Rule

if TYPE_CHECKING:
    from tinygrad_course.engine.tensor import Tensor

#: So many operations back it is looked whether a factor that is computed is 0 by a constant.
DEPTH = 30
_POWERS = {np.power, np.float_power}
_ENTROPIES = {"xlogy", "xlog1py"}  # of a module that need not have been imported
#: Sums of products of entries, besides those whose rules say so.
_PRODUCTS = {np.prod, np.cumprod, sparse_times, times_sparse}
#: What puts entries elsewhere, and what besides adds them up, or multiplies them.
_MOVES = MOVES | {np.positive}
_SUMS = _MOVES | {
    *(np.add, np.subtract, np.negative, np.sum, np.mean, np.where, np.multiply),
    *(np.concatenate, np.stack, astype),
}


def _triangle(a: Any, upper: bool) -> Any:
    ones = np.ones(a.shape, bool)
    return np.triu(ones) if upper else np.tril(ones)


#: Which entries of its argument a function reads; None: all.
_READS: dict[Any, Callable[..., Any]] = {
    np.linalg.cholesky: lambda a, *, upper=False: _triangle(a, upper),
    np.linalg.eigh: lambda a, UPLO="L": _triangle(a, UPLO.upper() == "U"),
    np.linalg.eigvalsh: lambda a, UPLO="L": _triangle(a, UPLO.upper() == "U"),
    np.linalg.norm: extreme_entries,
}


def with_zeros(root: Tensor) -> Callable[..., list[tuple[Any, Any]]]:
    """Return what makes of a node's arguments and vjps pairs that give no gradient to what has no part.

    It takes what `masked_gradients.through` takes, after the node and its arguments. Where the node is a
    power that is flat at 0 (see `monomials`), its base comes last, and the arguments have no part there.
    """
    signed = signs_of_zeros(root)  # a factor that is 0 may be such a sign, which is another number near by

    def of(
        node: Any, args: Any, vjps: Any, live: Live | None, conform: Any
    ) -> list[tuple[Any, Callable[..., Any] | None]]:
        power = flat_at_0(node)
        pairs: list[tuple[Any, Any]] = []
        if power is not None:
            base, n, factor, _ = power
            at_0, alive = np.equal(base._data, 0), True if live is None else live.mask()
            here = Live(lambda: at_0 & alive, (), asked=True)
            live = Live(lambda: ~at_0 & alive, (), asked=True)

            def vjp_of_base(g: Any, *_: Any, **__: Any) -> Any:
                slope = np.where(at_0, g * (n * factor) * base ** (n - 1.0), 0.0)
                return Partial(conform(slope, base, node._op), here)

            pairs = [(base, vjp_of_base)]
        steps = [
            vjp and functools.partial(_step, node._op, live, conform, signed, i, vjp)
            for i, vjp in enumerate(vjps)
        ]
        return [*zip(args, steps), *pairs]  # noqa: B905  (arguments without a vjp are constants)

    return of


def _step(
    rule: Rule, live: Live | None, conform: Any, signed: bool, i: int, vjp: Any, g: Any, y: Any, *values: Any,
    **kwargs: Any,
) -> Any:  # fmt: skip
    with np.errstate(all="ignore"):  # what is infinite where there is no part is nobody's concern
        part = _part(rule, i, vjp, live, y, values, kwargs, signed)
        lost = part is not None and not rule.elementwise and not rule.outputs and ~np.isfinite(_numbers(g))
        if part is None or (part.all() and not np.any(lost)):
            if live is None and not chooses(rule, values, kwargs):
                return vjp(g, y, *values, **kwargs)
            return step(rule, live, conform, i, vjp, g, y, *values, **kwargs)
        value, here = values[i], Live(lambda: part, (), asked=True)
        ga = vjp(g, y, *values, **kwargs)
        if rule.elementwise:
            here = gathered(here, y.shape, value.shape)
        elif np.any(lost):  # it does not reach what it is multiplied by 0 for
            reached = _part(rule, i, vjp, Live(lambda: lost, (), asked=True), y, values, kwargs, signed)
            ga = np.where(reached, ga, vjp(np.where(lost, 0.0, g), y, *values, **kwargs))
        return Partial(conform(np.where(part, ga, 0.0), value, rule), here)


def _part(
    rule: Rule, i: int, vjp: Any, live: Live | None, y: Any, values: Any, kwargs: dict[str, Any], signed: bool
) -> Any:
    """Return where argument i has a part in what is `live` (if elementwise, of the result); None: as ever."""
    function = rule.function
    if function in _READS:
        read = _READS[function](getattr(values[0], "_data", values[0]), *values[1:], **kwargs)
        if read is not None and live is not None:
            read = read & handed_on(rule, live, i, vjp, y, values[0], values, kwargs)
        return read
    if rule.elementwise and len(values) == 2:
        other = values[1 - i]
        if function is np.subtract:
            part = ~_same_entries(*values)
        elif function in _POWERS and not hasattr(other, "_op"):
            part = np.not_equal(other, i)  # x**0 and 1**x, and 0**x where that is 0
            part = part & (np.not_equal(other, 0) | (_numbers(y) != 0)) if i else part
        elif function is np.multiply and signed and _numbers(other).dtype != bool:
            return None
        elif function is np.multiply or (i == 1 and (function is np.divide or rule.name in _ENTROPIES)):
            part = like(other)
        else:
            return None
        return np.broadcast_to(part if live is None else live.mask() & (part != 0), y.shape) != 0
    if rule.product or function in _PRODUCTS:
        probe = np.broadcast_to(1.0 if live is None else live.mask() * 1.0, y.shape)
        return vjp(probe, None, *_likes(rule, values, DEPTH), **kwargs) != 0
    return None


def _numbers(x: Any) -> Any:
    return np.asarray(getattr(x, "_data", x))


def _same_entries(a: Any, b: Any, depth: int = DEPTH) -> Any:
    """Return where two are one entry of one Tensor, ``x[:, None] - x``, or computed alike from such."""
    if not (hasattr(a, "_op") and hasattr(b, "_op")):
        return np.equal(a, b) if hasattr(a, "_op") is hasattr(b, "_op") else np.False_
    (of_a, places_of_a), (of_b, places_of_b) = _entries(a), _entries(b)
    if same(of_a, of_b, depth):
        return np.equal(places_of_a, places_of_b)
    if not depth or a._op is not b._op or a._op is None or not a._op.elementwise or a._kwargs or b._kwargs:
        return np.False_
    alike = [_same_entries(*pair, depth - 1) for pair in zip(as_kept(a), as_kept(b), strict=True)]
    return functools.reduce(np.logical_and, alike)


def _entries(x: Any) -> tuple[Any, Any]:
    """Return the Tensor that the entries of an argument are of, and their places there."""
    calls: list[Any] = []
    while hasattr(x, "_op") and x._op is not None and x._op.function in _MOVES and len(calls) < DEPTH:
        first, *rest = as_of(x)
        calls.append((x._op.function, rest, x._kwargs or {}))
        x = first
    places = np.arange(x.size).reshape(x.shape)
    for function, rest, kwargs in reversed(calls):
        places = function(places, *rest, **kwargs)
    return x, places


def _likes(rule: Rule, args: Any, depth: int) -> list[Any]:
    if rule.sequence:
        return [[like(a, depth) for a in args[0]], *args[1:]]
    return [like(a, depth) if rule.variadic or i < len(rule.vjps) else a for i, a in enumerate(args)]


def like(x: Any, depth: int = DEPTH) -> Any:
    """Return 0 where an argument stays 0 whatever the variables are, and positive numbers elsewhere."""
    if type(x) is Sparse:
        return Sparse(abs(x.matrix), copy=False)
    if not hasattr(x, "_op"):
        return np.not_equal(x, 0) * 1.0 if isinstance(x, (np.ndarray, np.generic, int, float, complex)) else x
    rule, data = x._op, x._data
    follows = rule is not None and (rule.function in _SUMS or rule.function is np.divide or rule.product)
    if not follows or not depth or type(rule.vjps) is not tuple or is_complex(data):
        return np.ones(np.shape(data))
    args = as_kept(x)
    if rule.function is np.divide:
        found = like(args[0], depth - 1)
    else:  # in numbers of which no sum cancels
        function = {np.subtract: np.add, np.negative: np.positive}.get(rule.function, rule.function)
        found = function(*_likes(rule, args, depth - 1), **(x._kwargs or {}))
        if rule.function is np.subtract:
            found = np.where(_same_entries(*args), 0.0, found)
    return np.broadcast_to(np.not_equal(found, 0) * 1.0, data.shape)


def signs_of_zeros(root: Tensor) -> bool:
    """Whether a Tensor that `root` was computed from has a 0 whose sign was asked for."""
    noted = (t for t in behind([root]) if t._about is not None)
    kinks = ((t, at, f) for t in noted for at, found in t._about.kinks.items() for f, _ in found)
    return any(f is np.sign and (type(at) is tuple or np.any(_numbers(t) == at)) for t, at, f in kinks)
