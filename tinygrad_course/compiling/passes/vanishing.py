"""Gradients that are 0 whatever the numbers are: that of the shift, max(z), of a softmax typed by hand.

With e = exp(z - max(z)), S = sum(e) and a = e / S, what comes back to the maximum is the sum along the axis
of e (g / S - sum(g a / S)). Here each sum is multiplied out, what is constant along the axis is taken out of
it, and what is left, sum(g e) / S - S sum(g e) / S**2, cancels.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tinygrad_course.compiling.dataflow import Value, is_sum
from tinygrad_course.compiling.passes.factored_forms import Product, Sum, expand, merged, power

#: How many sums within sums are looked into.
DEPTH = 3

#: The form of a value, as far as it is known.
Form = Callable[[Value], Product]


def is_nothing(value: Value, form: Form) -> bool:
    """Whether a sum along axes is what comes back to the maximum, and so 0."""
    axes = value.kwargs["axis"]
    if axes is None or not any(_is_softmaxs(f, axes) for f in _factors(form(value.args[0]))):
        return False
    sums: defaultdict[Any, float] = defaultdict(float)
    sizes: defaultdict[Any, float] = defaultdict(float)
    for term in _taken_out(value, axes, form, DEPTH):
        sums[frozenset(term.factors)] += term.coefficient
        sizes[frozenset(term.factors)] += abs(term.coefficient)
    rounding = 8 * np.finfo(value.dtype).eps  # of labels that are constants of the program
    return all(abs(sums[key]) <= rounding * size for key, size in sizes.items())


def _factors(product: Product) -> Iterator[Any]:
    for f, _ in product.factors:
        yield f
        for term in f.terms if isinstance(f, Sum) else ():
            yield from _factors(term)


def _is_softmaxs(factor: Any, axes: tuple[int, ...]) -> bool:
    """Whether it is exp(z - max(z)), which no infinite number is among."""
    if not isinstance(factor, Value) or factor.function is not np.exp:
        return False
    shifted = factor.args[0]
    if not isinstance(shifted, Value) or shifted.function is not np.subtract:
        return False
    z, shift = shifted.args
    return (
        isinstance(shift, Value)
        and shift.function is np.max
        and shift.args == (z,)
        and shift.kwargs["axis"] == axes
    )


def _taken_out(value: Value, axes: tuple[int, ...], form: Form, depth: int) -> list[Product]:
    """Return a sum as terms of what is constant along the axes, and the sum of the rest: a set of factors."""
    shape = value.args[0].shape
    found = []
    for term in expand(_spelt_out(form(value.args[0]), form, depth)):
        terms = [Product(term.coefficient)]
        inner: Counter[Any] = Counter()
        for f, n in term.factors:
            if not isinstance(f, Value) or not _is_constant_along(f, axes, shape):
                inner[f] += n
                continue
            parts = _constant(f, axes, shape, form, depth)
            if len(parts) > 1 and n != 1:
                parts = [power(f)]
            terms = [merged(t, p, n, cancel=True) for t in terms for p in parts]
        total = _number(inner, axes, shape) or power(frozenset((f, n) for f, n in inner.items() if n))
        found += [merged(t, total, cancel=True) for t in terms]
    return found


def _number(inner: Counter[Any], axes: tuple[int, ...], shape: tuple[int, ...]) -> Product | None:
    """Return the sum of a constant, if it is the same everywhere."""
    if len(inner) != 1:
        return None
    ((f, n),) = inner.items()
    if not isinstance(f, Value) or not f.is_constant or f.shape != shape or n != 1:
        return None
    sums = np.sum(f.data, axis=axes, dtype=np.float64)
    return Product(float(sums.flat[0])) if np.allclose(sums, sums.flat[0], rtol=1e-12) else None


def _constant(
    factor: Value, axes: tuple[int, ...], shape: tuple[int, ...], form: Form, depth: int
) -> list[Product]:
    """Return what is constant along the axes with the sums along them taken apart."""
    if not depth:
        return [power(factor)]
    if is_sum(factor) and factor.kwargs["axis"] == axes and factor.args[0].shape == shape:
        return _taken_out(factor, axes, form, depth - 1)
    while factor.function in {np.reshape, np.squeeze}:
        factor = factor.args[0]
    whole = Product(1.0)
    for f, n in form(factor).factors:
        if f is factor and not is_sum(f):
            return [power(factor)]
        parts = _constant(f, axes, shape, form, depth - 1) if isinstance(f, Value) else [power(f)]
        whole = merged(whole, parts[0] if len(parts) == 1 else power(f), n, cancel=True)
    return [merged(Product(form(factor).coefficient), whole, cancel=True)]


def _spelt_out(product: Product, form: Form, depth: int) -> Product:
    """Return a product with the forms of what is named in it."""
    if not depth:
        return product
    whole = Product(product.coefficient)
    for f, n in product.factors:
        if isinstance(f, Sum):
            inner = Sum(tuple(_spelt_out(t, form, depth) for t in f.terms))
            part = power(inner)
        else:
            part = form(f) if isinstance(f, Value) and f.function is not None else power(f)
            if part.sole() is not f:
                part = _spelt_out(part, form, depth - 1)
        whole = merged(whole, part, n, cancel=True)
    return whole


def _is_constant_along(factor: Value, axes: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    missing = len(shape) - len(factor.shape)
    return all(axis < missing or factor.shape[axis - missing] == 1 < shape[axis] for axis in axes)


def without_nothing(new: Value, nothing: set[int]) -> Value:
    """Return what a call on sums that are 0 amounts to, and note it where that is 0 too."""
    function, args = new.function, new.args
    first, *others = [isinstance(a, Value) and id(a) in nothing for a in args]
    if function in {np.negative, np.reshape, np.broadcast_to, np.divide, np.squeeze} and first:
        nothing.add(id(new))
    elif function is np.where and len(args) == 3 and others[0]:
        if others[1] or (not isinstance(args[2], Value) and args[2] == 0):
            nothing.add(id(new))
    elif function in {np.add, np.subtract} and (first or others[0]):
        left = args[0] if others[0] else args[1]
        is_left = function is np.add or others[0]
        if is_left and isinstance(left, Value) and (left.shape, left.dtype) == (new.shape, new.dtype):
            return left
    return new
