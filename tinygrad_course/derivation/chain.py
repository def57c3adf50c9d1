"""The chain rule, variable after variable from the cost back, and the steps by which each line gets short."""

from collections.abc import Iterable
from dataclasses import dataclass

import sympy

from tinygrad_course.derivation.algebra import (
    STRUCTURED,
    Dot,
    Expr,
    Operation,
    Shape,
    Softmax,
    Standardized,
    Sum,
    Variable,
    full,
    positive,
    relu,
    shape_of,
    sigmoid,
    variable,
    wins,
)
from tinygrad_course.derivation.operations import with_sigmoid
from tinygrad_course.derivation.printing import NOTHING, Piece, joined, put_in, write
from tinygrad_course.derivation.reading import Reading
from tinygrad_course.derivation.terms import adjoint

#: Where a variable reaches the cost by more ways than these, they are not written out one by one.
MOST_WAYS = 4
_LONGEST = 16
_LARGEST = 120


@dataclass
class Step:
    """One way to write a gradient, and what led to it: a rule, or in words."""

    formula: Expr
    reason: Piece = NOTHING


@dataclass
class Gradient:
    """A line of a derivation."""

    of: Variable
    symbol: Variable  #: the gradient itself
    steps: list[Step]  #: equal to each other; the last is the result
    ways: list[list[Variable]]  #: from the cost to the variable, where they are few

    @property
    def result(self) -> Expr:
        """The last formula."""
        return self.steps[-1].formula


def gradients(reading: Reading, wanted: list[Variable]) -> list[Gradient]:
    """Write the gradient of every variable between the cost and the wanted ones, from the cost back."""
    found: dict[Variable, Gradient] = {}
    for of in between(reading, wanted):
        if of is reading.root:
            continue
        line = _Line(reading, of, found)
        found[of] = Gradient(of, gradient_symbol(reading, of), line.steps(), ways(reading, of))
    return list(found.values())


def between(reading: Reading, wanted: list[Variable]) -> list[Variable]:
    """Return the variables on the ways from the cost to the wanted ones, the cost first."""
    on_way = set(wanted)
    for v, x in reading.definitions.items():
        if x.free_symbols & on_way:
            on_way.add(v)
    order: list[Variable] = []
    known = reading.definitions.keys()
    for v in sorted(known, key=lambda v: reading.nodes[v], reverse=True):
        if v in on_way:
            order.append(v)
            leaves = reading.definitions[v].free_symbols & on_way & (reading.nodes.keys() - known)
            for p in sorted(leaves, key=lambda p: reading.nodes[p]):
                if p not in order and set(reading.users(p)) & on_way <= set(order):
                    order.append(p)
    return order or list(wanted)


def ways(reading: Reading, of: Variable) -> list[list[Variable]]:
    """Return the ways from the cost to a variable, none if they are many."""
    complete: list[list[Variable]] = []
    pending = [[of]]
    while pending:
        way = pending.pop()
        if way[-1] is reading.root:
            complete.append(way[::-1])
        else:
            pending += [[*way, user] for user in reversed(reading.users(way[-1]))]
        if len(pending) + len(complete) > MOST_WAYS:
            return []
    if len(complete) > 1 and sum(map(len, complete)) > _LONGEST:
        return []
    return sorted(complete, key=lambda way: (-len(way), [reading.nodes[v] for v in way]))


def gradient_symbol(reading: Reading, of: Variable) -> Variable:
    """Return the variable that stands for the gradient of another: dW1, or dJ/du of numbers."""
    known: dict[Variable, Variable] = reading.gradients
    if of not in known:
        told = Piece(f"d{of.text}", f"d{of.latex}")
        taken = {v.text for v in reading.nodes} | {v.text for v in reading.data}
        if reading.step_by_step or told.text in taken:  # w's gradient beside a variable that is called dw
            told = partial(reading.root, of)
        order = (0, -reading.nodes[of])
        known[of] = variable(f"d{of.label}", of.shape, order, spelled=(told.text, told.latex))
        known[of].per_example = of.per_example
    return known[of]


def partial(of: Variable, by: Variable) -> Piece:
    """Write a derivative: ``dJ/du``."""
    return put_in("d%s/d%s", "\\frac{d%s}{d%s}", write(of), write(by))


def scale(reading: Reading, of: Variable) -> Expr:
    """Return what the course multiplies dJ/dZ by to have dZ: m, or 1."""
    return reading.m if of.per_example and reading.m is not None else sympy.Integer(1)


class _Line:
    def __init__(self, reading: Reading, of: Variable, found: dict[Variable, Gradient]) -> None:
        self.reading = reading
        self.of = of
        self.found = found

    def steps(self) -> list[Step]:
        users = [u for u in self.reading.users(self.of) if u is self.reading.root or u in self.found]
        raw = sympy.Integer(0)
        for user in users:
            raw += self._from(user)
        rules = dict.fromkeys(r for u in users for r in _rules(self.reading.definitions[u], self.of))
        told = [*rules, _TIE] if raw.has(wins) else rules
        steps = [Step(raw, joined(", ", told, ", \\; "))]
        if not self.reading.step_by_step:
            self._inline(steps, users)
        self._columns(steps)
        return steps

    def _from(self, user: Variable) -> Expr:
        """Return what a variable's gradient gives this one's."""
        definition = self.reading.definitions[user]
        seed = sympy.Integer(1)
        if user is not self.reading.root:
            seed = gradient_symbol(self.reading, user) / scale(self.reading, user)
        x = times(scale(self.reading, self.of), derivative(definition, self.of, user.shape, seed))
        return _in_terms_of(user, definition, x)

    def _inline(self, steps: list[Step], users: list[Variable]) -> None:
        """Put in what is known of the users' gradients, where that is shorter or shows the weights."""
        raw = steps[0].formula
        known = {self.found[u].symbol: self.found[u].result for u in users if u in self.found}
        symbols = {g.symbol for g in self.found.values()}
        values = {d: x for d, x in known.items() if d in raw.free_symbols and not x.free_symbols & symbols}
        put_in = put(raw, values)
        if values and all(x.is_number for x in values.values()):
            steps.append(Step(put_in, _put_in(values)))
            return
        if values and weight(short := tidy(put_in)) < weight(raw):
            steps.append(Step(put_in, _put_in(values)))
            spread = multiplied_out(put_in)
            if weight(short) < weight(spread) and spread not in {put_in, short}:
                steps.append(Step(spread, _words("multiplied out, and what divides cancels")))
            if short != put_in:
                steps.append(Step(short, _words("the rest cancels" if len(steps) > 2 else "simplified")))
            return
        products = {d: x for d, x in known.items() if isinstance(_bare(x), Dot)}
        put_in = put(raw, products)
        if products and put_in != raw and not isinstance(_bare(raw), (Dot, Sum)):
            steps.append(Step(put_in, _put_in(products)))

    def _columns(self, steps: list[Step]) -> None:
        """Use that the columns of one-hot labels add up to 1."""
        x = steps[-1].formula
        ones = {}
        for part in x.atoms(Sum):
            data = self.reading.data.get(part.args[0])
            axis = int(part.args[1])
            if data is not None and axis >= 0 and (data.sum(axis=axis) == 1).all():
                ones[part] = sympy.Integer(1)
        if ones:
            Y, axis = next(iter(ones)).args
            told = _words(f"each {'row' if axis else 'column'} of %s adds up to 1", write(Y))
            steps.append(Step(tidy(x.xreplace(ones)), told))


def _bare(x: Expr) -> Expr:
    """Return a product of matrices without the numbers before it."""
    arrays = [f for f in sympy.Mul.make_args(x) if shape_of(f) != ()]
    return arrays[0] if len(arrays) == 1 else x


# ------------------------------------------------------------------ shorter


def weight(x: Expr) -> int:
    """Return how much there is to read in a formula."""
    return 1 + sum(weight(a) for a in x.args) if x.args else 1


def tidy(x: Expr) -> Expr:
    """Return a formula in its shortest form: as it is, cancelled, multiplied out, or factored."""
    flat, back = _flat(x)
    if weight(flat) > _LARGEST or not flat.free_symbols:
        return with_sigmoid(x)
    candidates = [flat]
    for way in (sympy.cancel, sympy.expand, sympy.factor):
        try:
            candidates.append(way(flat))
        except (sympy.PolynomialError, NotImplementedError, ZeroDivisionError):
            continue
    shape = shape_of(x)
    for shorter in sorted(candidates, key=weight):
        found = with_sigmoid(shorter.xreplace(back))
        if shape_of(found) == shape:
            return found
    return x


def multiplied_out(x: Expr) -> Expr:
    """Multiply the first sum among a product's factors out, each term shortened by itself."""
    flat, back = _flat(x)
    factors = list(sympy.Mul.make_args(flat))
    sums = [f for f in factors if isinstance(f, sympy.Add)]
    total = max(sums, key=lambda f: sum(t.as_numer_denom()[1] != 1 for t in f.args), default=None)
    if total is None or len(factors) == 1:
        return x
    rest = sympy.Mul(*[f for f in factors if f is not total])
    return sympy.Add(*[t * rest for t in total.args]).xreplace(back)


def times(number: Expr, x: Expr) -> Expr:
    """Multiply by a number: inside a sum, where the terms are divided by it."""
    product = number * x
    if number not in product.free_symbols:
        return product
    if isinstance(x, sympy.Add):
        return sympy.Add(*[times(number, t) for t in x.args])
    for factor in sympy.Mul.make_args(x):
        if isinstance(factor, sympy.Add):
            inside = x / factor * times(number, factor)
            if weight(inside) < weight(product):
                return inside
    return product


def put(x: Expr, values: dict[Variable, Expr]) -> Expr:
    """Put formulas in the place of variables; in products of matrices a number is an array of it."""
    flat, back = _flat(x)
    arrays = {d: full(v, d.shape) for d, v in values.items()}
    inside = {d: y.func(*[a.xreplace(arrays) for a in y.args]) for d, y in back.items()}
    return flat.xreplace(values).xreplace(inside)


def _flat(x: Expr) -> tuple[Expr, dict[Expr, Expr]]:
    """Replace the terms that SymPy knows nothing about by symbols."""
    there: dict[Expr, Expr] = {}
    stack = [x]
    while stack:
        y = stack.pop()
        if isinstance(y, STRUCTURED):
            there.setdefault(y, sympy.Dummy(real=True))
        else:
            stack.extend(y.args)
    return x.xreplace(there), {d: y for y, d in there.items()}


# ------------------------------------------------------------------ in words

_RELU = Piece(
    "relu'(z) = 1 where z > 0, else 0", "\\operatorname{relu}'(z) = 1 \\text{ where } z > 0, \\text{ else } 0"
)
_SIGMOID = Piece(
    "σ'(z) = exp(-z)/(1 + exp(-z))^2 = σ(z) (1 - σ(z))",
    "\\sigma'(z) = \\frac{e^{-z}}{(1 + e^{-z})^2} = \\sigma(z) (1 - \\sigma(z))",
)
_SLOPES = {
    sympy.log: Piece("log'(x) = 1/x", "\\log'(x) = 1/x"),
    sigmoid: _SIGMOID,
    sympy.tanh: Piece("tanh'(z) = 1 - tanh(z)^2", "\\tanh'(z) = 1 - \\tanh(z)^2"),
    relu: _RELU,
    positive: _RELU,
    sympy.exp: Piece("exp'(x) = exp(x)", "(e^x)' = e^x"),
}
_TIE = Piece("1{0 > 0} = 1/2", "\\mathbf{1}\\{0 > 0\\} = 1/2")  # of two variables that are equal


def _rules(definition: Expr, of: Variable) -> list[Piece]:
    """Return the derivatives that a line uses."""
    told = [r for kind, r in _SLOPES.items() if any(of in f.free_symbols for f in definition.atoms(kind))]
    told += [
        Piece(
            f"in each {line}, dA_k/dZ_j = A_k (1{{j=k}} - A_j)",
            f"\\text{{in each {line}, }} \\frac{{dA_k}}{{dZ_j}} = A_k (\\mathbf{{1}}\\{{j=k\\}} - A_j)",
        )
        for line in sorted({"row" if s.args[1] else "column" for s in definition.atoms(Softmax) if s.has(of)})
    ]
    if any(of in s.free_symbols for s in definition.atoms(Standardized)):
        told.append(_words("the mean and the variance are of Z too"))
    for part in definition.atoms(Operation):
        name = part.args[0].name
        if of in part.free_symbols and not part.args[0].index:
            told.append(_words(f"{name}' is the rule of {name} in the table".replace("_", " ")))
    return told


def _words(words: str, *parts: Piece) -> Piece:
    """Write words, with pieces at each ``%s``."""
    latex = f"\\text{{{words}}}".replace("%s", "} %s \\text{")
    return put_in(words, latex, *parts)


def _put_in(symbols: Iterable[Variable]) -> Piece:
    return _words("with %s put in", joined(" and ", map(write, symbols), " \\text{ and } "))


def slope(reading: Reading, of: Variable, by: Variable) -> Expr:
    """Return the derivative of a variable's formula, in terms of the variable itself where that is in it."""
    definition = reading.definitions[of]
    return _in_terms_of(of, definition, derivative(definition, by, of.shape))


def _in_terms_of(of: Variable, definition: Expr, x: Expr) -> Expr:
    return with_sigmoid(x if isinstance(definition, Variable) else x.xreplace({definition: of}))


def derivative(x: Expr, by: Variable, shape: Shape, g: Expr = sympy.S.One) -> Expr:
    """Return what the gradient `g` of a formula of `shape` gives one of its variables."""
    parts: dict[Variable, Expr] = {}
    adjoint(x, g, parts, shape)
    return parts.get(by, sympy.Integer(0))
