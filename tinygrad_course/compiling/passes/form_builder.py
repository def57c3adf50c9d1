"""From a factored form back to the calls that compute it."""

from typing import Any

import numpy as np
from scipy import special

from tinygrad_course.compiling.builder import Builder, Unfit
from tinygrad_course.compiling.dataflow import Value
from tinygrad_course.compiling.passes.factored_forms import Product, Sigmoid, Sum


class FormBuilder:
    """Makes the values that factored forms stand for; if `readable`, ``dZ / m``, and not ``0.0025 * dZ``."""

    def __init__(self, readable: bool) -> None:
        self.readable = readable
        self.examples = 1
        self.builder = Builder(readable=readable)
        self.forms: dict[int, tuple[Product, bool]] = {}
        self.made: dict[int, Value] = {}  # what computes each canonical value
        self.odds: dict[int, tuple[Value, Value]] = {}  # by the id of z: exp(-z), 1 + exp(-z)
        self.built: dict[Product | Sum, Any] = {}  # what computes these
        self.sigmoids: dict[int, Value] = {}  # by the id of z: what the user's code computes sigmoid(z) by

    def materialise(self, value: Value) -> Value:
        """Return what computes `value` in the new program."""
        raise NotImplementedError

    def build(self, product: Product, like: Value) -> Value:
        """Return what computes a product, of the shape and dtype of `like`.

        `Unfit` if the product has another shape or dtype: a constant array made the shape, for example.
        """
        made = self._build(product)
        if isinstance(made, Value) and made.function is not None and id(made) not in self.forms:
            self.forms[id(made)] = product, False  # known by its factors, if it is met again
            self.made[id(made)] = made
        if not isinstance(made, Value) or made.dtype != like.dtype:
            raise Unfit
        if made.shape != like.shape:
            if not product.factors or np.broadcast_shapes(made.shape, like.shape) != like.shape:
                raise Unfit
            return self.builder.call(np.broadcast_to, (made, like.shape), {}, like.shape, like.dtype)
        return made

    def _build(self, form: Product | Sum) -> Any:
        if form not in self.built:
            self.built[form] = self._sum(form) if isinstance(form, Sum) else self._calls(_positive(form))
        return self.built[form]

    def _calls(self, product: Product) -> Any:
        above: list[Any] = []
        below: list[Any] = []
        for factor, power in product.factors:
            value = self._factor(factor)
            (above if power > 0 else below).append(self._power(value, abs(power)))
        number: Any = product.coefficient
        heads, divisors = ([v for v in part if v.shape == ()] for part in (above, below))
        arrays = [v for v in above if v.shape != ()]
        arrays.sort(key=lambda v: v.dtype.kind == "b")  # masks come last
        if not arrays:
            arrays, heads = heads, []
        made = self._chain(np.multiply, None, arrays)
        if heads or divisors:  # the numbers among themselves first
            head: Any = self._chain(np.multiply, None, heads)
            head = self._chain(np.divide, number if head is None else self._scaled(head, number), divisors)
            made, number = head if made is None else self.builder.ufunc(np.multiply, made, head), 1.0
        if made is None:
            made = number
        elif number != 1:
            made = self._scaled(made, number)
        return self._chain(np.divide, made, [v for v in below if v.shape != ()])

    def _scaled(self, value: Value, number: float) -> Value:
        if number == 1:
            return value
        if number == -1:
            return self.builder.ufunc(np.negative, value)
        inverse = 1 / number
        if self.readable and abs(number) < 1 and abs(inverse - round(inverse)) < 1e-9 * abs(inverse):
            if round(inverse) < 0:
                value, inverse = self.builder.ufunc(np.negative, value), -inverse
            return self.builder.ufunc(np.divide, value, round(inverse))
        times_m = self._times_m(number)
        if times_m is not None:  # 0.7 * W1 / m
            value = self.builder.ufunc(np.multiply, value, times_m)
            return self.builder.ufunc(np.divide, value, self.examples)
        return self.builder.ufunc(np.multiply, value, number)

    def _times_m(self, number: float) -> float | None:
        """Return a number's m-fold, if that is the shorter to read."""
        if not self.readable or self.examples < 2:
            return None
        times_m = f"{number * self.examples:.12g}"
        own = len(f"{number:.12g}")
        return float(times_m) if own > 4 and len(times_m) < min(8, own) else None

    def _chain(self, ufunc: np.ufunc, made: Any, values: list[Value]) -> Any:
        """Return a value with others multiplied or divided into it, one after the other."""
        for value in values:
            made = value if made is None else self.builder.ufunc(ufunc, made, value)
        return made

    def _power(self, value: Value, power: int) -> Value:
        if power == 1:
            return value
        if power == 2:
            return self.builder.ufunc(np.square, value)
        return self.builder.ufunc(np.multiply, self._power(value, power - 1), value)

    def _factor(self, factor: Any) -> Value:
        if isinstance(factor, Sum):
            made: Value = self._build(factor)
            return made
        if isinstance(factor, Sigmoid):
            return self._of_sigmoid(factor)
        return self.materialise(factor) if id(factor) in self.forms else factor

    def _sum(self, total: Sum) -> Value:
        terms = sorted(total.terms, key=lambda t: (t.coefficient < 0, not t.factors and t.coefficient < 0))
        times_m = [self._times_m(t.coefficient) for t in terms]
        if len(terms) > 1 and None not in times_m:
            inner = tuple(Product(c or 0.0, t.factors) for t, c in zip(terms, times_m, strict=True))
            return self.builder.ufunc(np.divide, self._sum(Sum(inner)), self.examples)
        made = self._build(terms[0])
        for term in terms[1:]:
            if term.coefficient < 0:
                made = self.builder.ufunc(np.subtract, made, self._build(term.scaled(-1)))
            else:
                made = self.builder.ufunc(np.add, made, self._build(term))
        if not isinstance(made, Value):
            raise Unfit
        return made

    def _of_sigmoid(self, factor: Sigmoid) -> Value:
        z = factor.z
        if factor.what == "s":
            if factor.value is not None:
                return self.materialise(factor.value)
            if id(z) in self.sigmoids:
                return self.materialise(self.sigmoids[id(z)])
            if id(z) in self.odds:
                return self.builder.ufunc(np.divide, 1, self.materialise(self.odds[id(z)][1]))
            return self.builder.ufunc(special.expit, z)
        if factor.what == "1-s":
            if id(z) in self.odds and z.function is np.absolute:  # exp(-z) is at most 1: no overflow
                exponential, whole = map(self.materialise, self.odds[id(z)])
                return self.builder.ufunc(np.divide, exponential, whole)
            if self.readable:
                return self.builder.ufunc(np.subtract, 1, self._of_sigmoid(Sigmoid(z, "s")))
            # 1 - s has few digits where it is small
            minus_z = z.args[0] if z.function is np.negative else self.builder.ufunc(np.negative, z)
            return self.builder.ufunc(special.expit, minus_z)
        if factor.what == "log s":
            z = self.builder.ufunc(np.negative, z)
            return self.builder.ufunc(np.negative, self.builder.ufunc(np.logaddexp, 0, z))
        return self.builder.ufunc(np.logaddexp, 0, z)


def _positive(product: Product) -> Product:
    """Write -(a - b - c) as b + c - a."""
    if product.coefficient != -1:
        return product
    for i, (f, n) in enumerate(product.factors):
        if isinstance(f, Sum) and n == 1 and 2 * sum(t.coefficient < 0 for t in f.terms) > len(f.terms):
            turned = Sum(tuple(t.scaled(-1) for t in f.terms))
            return Product(1.0, (*product.factors[:i], (turned, 1), *product.factors[i + 1 :]))
    return product
