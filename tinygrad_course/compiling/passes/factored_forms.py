"""Sums and products of values, as on paper: what is equal, what cancels and what can be taken out shows.

A `Product` is a number times powers of factors, a `Sum` adds products. Beside values, four factors belong to
a sigmoid of z: s and 1 - s, which never vanish, so that they cancel; log s, and softplus(z) = -log(1 - s).
They know each other (exp(-z) = (1 - s)/s, log s = z - softplus(z)), which is all it takes to find dZ = A - Y.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from tinygrad_course.compiling.dataflow import Value

#: More terms than these are not multiplied out.
MANY = 24


@dataclass(frozen=True, slots=True)
class Sigmoid:
    """A factor that belongs to s = sigmoid(z): s itself, 1 - s, log s or softplus(z) = log(1 + exp(z))."""

    z: Value
    what: Literal["s", "1-s", "log s", "softplus"]
    value: Value | None = field(default=None, compare=False)  # what already computes it


class Product(NamedTuple):
    """``coefficient * factor**power * ...``; a factor may stand above and below the line at once."""

    coefficient: float
    factors: tuple[tuple[Any, int], ...] = ()

    @property
    def weight(self) -> int:
        """How many factors there are, all told."""
        return sum([f.weight if type(f) is Sum else 1 for f, _ in self.factors])

    def sole(self) -> Any:
        """Return the only factor, if there is one, to the first power, times 1."""
        if self.coefficient == 1 and len(self.factors) == 1 and self.factors[0][1] == 1:
            return self.factors[0][0]
        return None

    def inverse(self) -> Product:
        """Return 1 / product."""
        return Product(1 / self.coefficient, tuple([(f, -n) for f, n in self.factors]))

    def scaled(self, number: float) -> Product:
        """Return number * product."""
        return Product(self.coefficient * number, self.factors)


class Sum:
    """``product + product + ...``, and their `weight`: how many factors there are, all told."""

    __slots__ = ("_hash", "terms", "weight")

    def __init__(self, terms: tuple[Product, ...]) -> None:
        self.terms = terms
        self.weight = sum([max(1, t.weight) for t in terms])
        self._hash = hash(terms)  # of everything below

    def __eq__(self, other: object) -> bool:
        return self is other or (
            type(other) is Sum and self._hash == other._hash and self.terms == other.terms
        )

    def __hash__(self) -> int:
        return self._hash


ONE = Product(1.0)


def power(factor: Any, exponent: int = 1) -> Product:
    """Return a factor, to a power, as a product."""
    return Product(1.0, ((factor, exponent),))


def times(a: Product, b: Product) -> tuple[Product, bool]:
    """Return a * b, and whether something of a sigmoid has cancelled in it."""
    product = merged(a, b)
    signs = {(f, n > 0) for f, n in (*a.factors, *b.factors) if type(f) is Sigmoid}
    if not signs:
        return product, False
    spread = _spread(product)
    return (product, len({f for f, _ in signs}) < len(signs)) if spread is None else (spread, True)


def _spread(product: Product) -> Product | None:
    """Multiply a sigmoid's factors into a sum that divides by them, if that makes it shorter."""

    def is_of(z: Value, f: Any) -> bool:
        return isinstance(f, Sigmoid) and f.z is z

    zs = dict.fromkeys(f.z for f, n in product.factors if isinstance(f, Sigmoid) and n > 0)
    sums = [f for f, n in product.factors if isinstance(f, Sum) and n == 1] if zs else []
    for total in sums:
        for z in zs:
            if not any(is_of(z, f) and n < 0 for t in total.terms for f, n in t.factors):
                continue
            inside = Product(1.0, tuple((f, n) for f, n in product.factors if is_of(z, f)))
            outside = tuple((f, n) for f, n in product.factors if f is not total and not is_of(z, f))
            short = shortest([times(t, inside)[0] for t in total.terms])
            if short.weight < total.weight + len(inside.factors):
                return times(Product(product.coefficient, outside), as_product(short))[0]
    return None


def shortest(terms: list[Product]) -> Sum:
    """Return a sum as it is or, if that is shorter, multiplied out by the definitions of 1 - s and log s."""
    plain = Sum(tuple(terms))
    expanded: list[Product] = []
    for term in terms:
        expanded += expand(_defined(term))
        if len(expanded) > MANY:
            return plain
    combined = Sum(tuple(combine(expanded, cancel=True)))
    return combined if combined.weight < plain.weight else plain


def _defined(product: Product) -> Product:
    """Write 1 - s and log s above the line as sums: 1 - s, z - softplus(z)."""
    factors: list[tuple[Any, int]] = []
    for f, n in product.factors:
        if isinstance(f, Sigmoid) and n > 0 and f.what == "1-s":
            f = Sum((ONE, power(Sigmoid(f.z, "s")).scaled(-1)))
        elif isinstance(f, Sigmoid) and n > 0 and f.what == "log s":
            f = Sum((power(f.z), power(Sigmoid(f.z, "softplus")).scaled(-1)))
        factors.append((f, n))
    return Product(product.coefficient, tuple(factors))


def expand(product: Product) -> list[Product]:
    """Multiply the sums in a product out."""
    terms = [Product(product.coefficient)]
    for f, n in product.factors:
        if isinstance(f, Sum) and n > 0:
            inner = [e for t in f.terms for e in expand(_defined(t))]
            for _ in range(n):
                terms = [merged(t, u) for t in terms for u in inner]
                if len(terms) > MANY:
                    return [product]
        else:
            terms = [merged(t, power(f, n)) for t in terms]
    return terms


def merged(a: Product, b: Product) -> Product:
    """Return a * b; of equal factors above and below the line those of a sigmoid alone are gone."""
    powers: dict[Any, int] = {}
    for f, n in (*a.factors, *b.factors):
        key = (f, n > 0 or isinstance(f, Sigmoid))  # x/x is not 1 where x is 0
        powers[key] = powers.get(key, 0) + n
    factors = tuple((f, n) for (f, _), n in powers.items() if n)
    return Product(a.coefficient * b.coefficient, factors)


def combine(terms: Iterable[Product], *, cancel: bool = False) -> list[Product]:
    """Add the coefficients of equal terms; of opposite sign only with `cancel` (inf - inf is no 0)."""
    found: dict[Any, Product] = {}
    for term in terms:
        key: Any = frozenset(term.factors)
        if not cancel:
            key = (key, term.coefficient > 0)
        known = found.get(key)
        found[key] = term if known is None else Product(known.coefficient + term.coefficient, known.factors)
    return [t for t in found.values() if t.coefficient]


def as_product(total: Sum) -> Product:
    """Return a sum as a product: a common coefficient taken out, a single term as it is."""
    terms = total.terms
    if not terms:
        return Product(0.0)
    if len(terms) == 1:
        return terms[0]
    size = abs(terms[0].coefficient)
    if any(abs(t.coefficient) != size for t in terms):
        return power(total)
    leading = next((t for t in terms if any(isinstance(f, Sigmoid) for f, _ in t.factors)), None)
    if leading is None:
        leading = max(terms, key=lambda t: t.coefficient)
    common = size if leading.coefficient > 0 else -size  # A - Y rather than -(Y - A)
    if common == 1:
        return power(total)
    return power(Sum(tuple([Product(t.coefficient / common, t.factors) for t in terms]))).scaled(common)


def of_one_sigmoid(terms: list[Product]) -> bool:
    """Whether a sum has two different factors of one sigmoid, so that it may be shorter multiplied out."""
    kinds: dict[Value, set[str]] = {}
    for t in terms:
        for f, n in t.factors:
            if isinstance(f, Sigmoid) and n > 0:
                kinds.setdefault(f.z, set()).add(f.what)
    return any(len(k & {"s", "1-s"}) == 2 or len(k & {"log s", "softplus"}) == 2 for k in kinds.values())
