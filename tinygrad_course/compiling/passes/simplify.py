"""Making a program smaller: what it computes twice, for nothing, or the long way round.

Equal calls are made once, constants are folded, what no result needs is gone. Beyond that every value has a
*form* (`algebra`): a number times factors. Numbers are carried out of products of matrices, sums and
transposes (so that `dZ2` is `A2 - Y` and the 1/m waits until `dW2`), and what belongs to a sigmoid cancels.
"""

import operator
from contextlib import suppress
from typing import Any

import numpy as np
from scipy import special

from tinygrad_course.compiling.builder import Unfit, uniform
from tinygrad_course.compiling.dataflow import OPERATORS, Program, Value, is_sum, is_view, item, linear_in
from tinygrad_course.compiling.dataflow import replace as replace_values
from tinygrad_course.compiling.passes.canonicalise import RESHAPES, TRANSPOSES, canonical
from tinygrad_course.compiling.passes.factored_forms import (
    ONE,
    Product,
    Sigmoid,
    Sum,
    as_product,
    combine,
    of_one_sigmoid,
    power,
    shortest,
    times,
)
from tinygrad_course.compiling.passes.form_builder import FormBuilder
from tinygrad_course.compiling.passes.vanishing import is_nothing, turns_minus_0, without_nothing

#: Forms of more factors than this are not looked into any more.
HEAVY = 40
#: Numbers beyond these stay where they are: carried out, they could overflow or vanish on the way.
SMALL, LARGE = 1e-9, 1e9

_ARITHMETIC: set[Any] = {
    *(np.add, np.subtract, np.multiply, np.divide, np.negative, np.square, np.power, np.reciprocal),
}
#: Where a number stays with its term.
_SUMS = {np.add, np.subtract, np.negative, np.reciprocal}
#: What Python's operators are called for arrays.
_NUMPYS: dict[Any, Any] = {plain: ufunc for ufunc, plain in OPERATORS.items()}

#: The call that makes a result without axes what it was: an array, NumPy's scalar, a number of Python's.
_AS_KIND: dict[str, Any] = {
    "array": lambda v: (np.asarray, (v,)),
    "scalar": lambda v: (operator.getitem, (v, ())),
    "python": lambda v: (item, (v,)),
}


def simplify(program: Program, *, readable: bool = False) -> Program:
    """Return a smaller program of the same results, if `readable` with all that the user's code names."""
    return _Simplifier(readable).run(program)


class _Simplifier(FormBuilder):
    def __init__(self, readable: bool) -> None:
        super().__init__(readable)
        self.new: dict[int, Value] = {}  # canonical value of each recorded one
        self.spelt: set[int] = set()  # the ids of these
        self.forward: set[int] = set()  # of these, what is not on the way back: numbers stay there
        self.better: dict[int, tuple[Product, bool]] = {}  # forms of values whose names are kept
        self.logits: dict[int, tuple[Value, Value]] = {}  # exp(-z) by its id: the value, z
        self.nothing: set[int] = set()  # the ids of what is 0 whatever the numbers are

    def run(self, program: Program) -> Program:
        self.examples = examples(program)
        for value in program.values():
            new = self.new[id(value)] = self.canonical(value)
            self.form(new)
            self.materialise(new)
        results = []
        for result in program.results:
            value = self.materialise(self.new[id(result)])
            if value.kind == "array" and _origin(value).is_input and not _origin(result).is_input:
                value = self.builder.call(np.copy, (value,), {}, value.shape, value.dtype)  # x * 1 is new
            if value.kind != result.kind:
                function, args = _AS_KIND[result.kind](value)
                value = self.builder.call(function, args, {}, (), value.dtype, result.kind)
            results.append(value)
        return Program(program.inputs, results)

    def canonical(self, value: Value) -> Value:
        if value.function is None:
            return value if value.is_input else self.builder.constant(value.data)
        args = replace_values(value.args, lambda v: self.new[id(v)])
        kwargs = replace_values(value.kwargs, lambda v: self.new[id(v)])
        new = canonical(self.builder, value, args, kwargs)
        if value.backward and is_sum(new) and is_nothing(new):
            self.nothing.add(id(new))
        elif self.nothing and new.args:
            new = without_nothing(new, self.nothing)
        if not value.backward:
            self.forward.add(id(new))
        new.named_like(value)
        self.spelt.add(id(new))
        return new

    # ------------------------------------------------------------------ what computes a value

    def materialise(self, value: Value) -> Value:
        """Return what computes `value` in the new program; what computes its arguments is there."""
        made = self.made.get(id(value))
        if made is None and value.function is not None:
            form = self.form(value)
            product, changed = self.better.get(id(value), form)
            if changed:
                with suppress(Unfit):
                    made = self.build(product, value)
            if made is None:
                made = self.again(value)
            made.named_like(value)
            self.made.setdefault(id(made), made)
            if id(made) not in self.forms:
                self.keep(made, form)
        self.made[id(value)] = value if made is None else made
        return self.made[id(value)]

    def keep(self, value: Value, form: tuple[Product, bool]) -> None:
        """Remember a value's form, and that it is the sigmoid of something."""
        self.forms[id(value)] = form
        sole = form[0].sole()
        if isinstance(sole, Sigmoid) and sole.what == "s" and sole.value is not None:
            self.sigmoids.setdefault(id(sole.z), sole.value)

    def again(self, value: Value) -> Value:
        """Return the same call of what computes its arguments."""
        if id(value) in self.spelt and all(self.made.get(id(v)) is v for v in value.inputs):
            return value
        args = replace_values(value.args, self.materialise)
        kwargs = replace_values(value.kwargs, self.materialise)
        return canonical(self.builder, value, args, kwargs)

    # ------------------------------------------------------------------ the form of a value

    def form(self, value: Value) -> tuple[Product, bool]:
        """Return a value as a product, and whether that is another one than it was computed as."""
        known = self.forms.get(id(value))
        if known is None:
            known = self._form(value)
            if known[0].weight > HEAVY or not SMALL < abs(known[0].coefficient) < LARGE:
                known = power(value), False
            self.keep(value, known)
        return known

    def _form(self, value: Value) -> tuple[Product, bool]:
        if value.is_constant:
            number = uniform(value)
            if number and value.dtype.kind == "f":
                return Product(number), False
        atom, function = (power(value), False), _NUMPYS.get(value.function, value.function)
        if function is None or value.dtype is None or value.dtype.kind != "f" or value.dtype.itemsize < 4:
            return atom
        if value.kwargs and not is_sum(value):  # where=, initial=, order="F"
            return atom
        found = None
        if function is special.expit:
            found = power(Sigmoid(self.materialise(value.args[0]), "s", value)), False
        elif function in {np.log, special.log_expit}:
            found = self._logarithm(value)
        elif function in _ARITHMETIC and self._plain(value):
            found = self._arithmetic(value, function)
        elif linear_in(value):
            found = self._linear(value)
        if found is None:
            return atom
        if self.readable and value.kept:
            sole = found[0].sole()
            if isinstance(sole, Sigmoid):  # A2, whose name is kept
                return power(Sigmoid(sole.z, sole.what, value)), False
            self.better[id(value)] = found
            return atom
        return found

    def _plain(self, value: Value) -> bool:
        """Whether the operands have the result's dtype, so that the order of operations is free."""
        return all(v.dtype is value.dtype
            or v.kind == "python"
            or v.dtype == value.dtype
            or (v.dtype.kind == "b" and value.function is np.multiply)
            for v in value.inputs)  # fmt: skip

    def _arithmetic(self, value: Value, function: Any) -> tuple[Product, bool] | None:
        args = value.args
        forms = [self._operand(a) for a in args]
        changed = any(c for _, c in forms)
        products = [p for p, _ in forms]
        a, b = products if len(products) == 2 else (products[0], products[0])
        many = function not in _SUMS and all(p.factors for p in products)
        if many and id(value) in self.forward and any(abs(p.coefficient) != 1 for p in products):
            return None
        better = False
        if turns_minus_0(function, args):
            return None
        if function is np.add:
            found, better = self.total(products, value)
            better = better or 0 in args  # what Python's sum() begins with
        elif function is np.subtract:
            found, better = self.total([a, b.scaled(-1)])
        elif function is np.negative:
            found = a.scaled(-1)
        elif function in {np.multiply, np.square}:
            found, better = self.times(a, b)
        elif function is np.divide and b.coefficient:
            found, better = self.times(a, b.inverse())
        elif function is np.reciprocal:
            found = a.inverse()
        elif function is np.power and args[1] in (1, 2, 3, 4) and not isinstance(args[1], Value):
            found = a
            for _ in range(int(args[1]) - 1):
                found, more = self.times(found, a)
                better = better or more
        else:
            return None
        return (found, changed or better) if np.isfinite(found.coefficient) and found.coefficient else None

    def _operand(self, arg: Any) -> tuple[Product, bool]:
        if isinstance(arg, Value):
            return self.form(arg)
        return Product(float(arg)), False

    def times(self, a: Product, b: Product) -> tuple[Product, bool]:
        """Return the product of two forms; exp(-z) among a sigmoid's factors is written with them."""
        zs = {f.z for f, _ in (*a.factors, *b.factors) if isinstance(f, Sigmoid)}
        if zs:
            a, b = self._sigmoids(a, zs), self._sigmoids(b, zs)
        product, cancelled = times(a, b)
        return product, cancelled or (abs(a.coefficient) != 1 and abs(b.coefficient) != 1)

    def _sigmoids(self, product: Product, zs: set[Value]) -> Product:
        for i, (f, n) in enumerate(product.factors):
            value, z = self.logits.get(id(f), (None, None))
            if value is f and z in zs:
                rest = Product(product.coefficient, product.factors[:i] + product.factors[i + 1 :])
                return times(times(rest, power(Sigmoid(z, "1-s"), n))[0], power(Sigmoid(z, "s"), -n))[0]
        return product

    def total(self, products: list[Product], value: Value | None = None) -> tuple[Product, bool]:
        """Return the sum of forms, perhaps as they are added in `value`."""
        flat: list[Product] = []
        whole: list[Product] = []  # 0.5 * (a + b) + c, of fewer calls than 0.5 * a + 0.5 * b + c
        for p in products:
            only = p.factors[0] if len(p.factors) == 1 else (None, 0)
            inner = [p]
            if isinstance(only[0], Sum) and only[1] == 1:
                inner = [t.scaled(p.coefficient) for t in only[0].terms]
            flat += [t for t in inner if t.coefficient]
            whole += inner if abs(p.coefficient) == 1 else [p]
        terms = combine(flat)
        if len(terms) == len(flat) > len(whole) and _differ(terms):
            terms = combine(whole)
        sigmoid = self._sigmoid(terms)
        if sigmoid is not None:
            if value is not None and sigmoid[0].factors[0][1] < 0:
                z = sigmoid[0].factors[0][0].z
                exponential = next(a for a in value.args if isinstance(a, Value) and a.function is np.exp)
                self.odds.setdefault(id(z), (exponential, value))
            return sigmoid
        if of_one_sigmoid(terms):
            short = shortest(terms)
            if short.terms != tuple(terms):
                return as_product(short), True
        return as_product(Sum(tuple(terms))), False

    def _sigmoid(self, terms: list[Product]) -> tuple[Product, bool] | None:
        """Recognise 1 + exp(-z) = 1/s, 1 - s, and 1 - (1 - s)."""
        if len(terms) != 2 or ONE not in (plain := [Product(abs(t.coefficient), t.factors) for t in terms]):
            return None
        one, other = terms if plain[0] == ONE else reversed(terms)
        if len(other.factors) != 1 or abs(other.coefficient) != 1 or other.factors[0][1] != 1:
            return None
        factor, same = other.factors[0][0], one.coefficient == other.coefficient
        if isinstance(factor, Sigmoid) and factor.what in {"s", "1-s"} and not same:
            complement = Sigmoid(factor.z, "1-s" if factor.what == "s" else "s")
            return power(complement).scaled(one.coefficient), False
        if isinstance(factor, Value) and factor.function is np.exp and same and one.coefficient == 1:
            z = self._minus(factor.args[0])
            if z is not None:
                self.logits[id(factor)] = (factor, z)
                return power(Sigmoid(z, "s"), -1), False
        return None

    def _minus(self, value: Value) -> Value | None:
        """Return -value, as it is best computed."""
        try:
            return self.build(self.form(value)[0].scaled(-1), value)
        except Unfit:
            return None

    def _logarithm(self, value: Value) -> tuple[Product, bool] | None:
        """Return log s(z), and of log(1 - s(z)) that it is -softplus(z)."""
        z = value.args[0]
        argument, _ = self.form(z)
        if value.function is special.log_expit:
            if argument.coefficient > 0:
                return power(Sigmoid(self.materialise(z), "log s")), True
            minus_z = self._minus(z)
            return None if minus_z is None else (power(Sigmoid(minus_z, "softplus")).scaled(-1), True)
        if argument.coefficient != 1 or len(argument.factors) != 1:
            return None
        factor, exponent = argument.factors[0]
        if not isinstance(factor, Sigmoid) or factor.what not in {"s", "1-s"}:
            return None
        if factor.what == "1-s":
            return power(Sigmoid(factor.z, "softplus")).scaled(-exponent), True
        return power(Sigmoid(factor.z, "log s")).scaled(exponent), True

    def _linear(self, value: Value) -> tuple[Product, bool]:
        """Carry the numbers out of a linear function's arguments."""
        number = 1.0
        args = list(value.args)
        linear = linear_in(value)
        for i in range(len(args)):
            if not isinstance(args[i], Value):
                continue
            if i not in linear or args[i].dtype != value.dtype:
                args[i] = self.materialise(args[i])
                continue
            product, _ = self.form(args[i])
            size = abs(product.coefficient)
            if size != 1 and id(value) in self.forward and value.function in {np.sum, np.matmul}:
                args[i] = self.materialise(args[i])  # without its number it could overflow, or vanish
                continue
            if product.coefficient != 1 and product.factors:
                try:
                    args[i] = self.rest(product, args[i])
                    number *= product.coefficient
                    continue
                except Unfit:
                    pass
            args[i] = self.materialise(args[i])
        made = canonical(self.builder, value, tuple(args), value.kwargs)
        if number == 1:
            made.named_like(value)
        known = self.forms.get(id(made))  # the transpose of a transpose
        if known is not None:
            return known[0].scaled(number), known[1] or number != 1
        return power(made).scaled(number), number != 1

    def rest(self, product: Product, like: Value) -> Value:
        """Return a value without its number, under its name if that is a gradient's."""
        made = self.build(Product(1.0, product.factors), like)
        if not like.kept or product.coefficient == 1:
            made.named_like(like)
        return made


def examples(program: Program) -> int:
    """Return the course's m: the columns of the input called X, or of the widest of the inputs."""
    widths = {v.name: v.shape[1] for v in program.inputs if len(v.shape) == 2}
    return int(widths.get("X", max(widths.values(), default=1)))


def _origin(value: Value) -> Value:
    """Return whose memory a value shows."""
    while is_view(value) or (value.function in {*RESHAPES, *TRANSPOSES} and value.kind == "array"):
        value = value.inputs[0]
    return value


def _differ(terms: list[Product]) -> bool:
    """Whether terms have coefficients of different sizes, and nothing of a sigmoid's."""
    return len({abs(t.coefficient) for t in terms}) > 1 and not any(
        isinstance(f, Sigmoid) for t in terms for f, _ in t.factors
    )
