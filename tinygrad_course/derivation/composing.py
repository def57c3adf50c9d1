"""From a recording to a derivation: read, derive, hold every line against the graph, write."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import sympy

from tinygrad_course.derivation import checking
from tinygrad_course.derivation.algebra import Expr, Variable
from tinygrad_course.derivation.chain import (
    Gradient,
    between,
    derivative,
    gradients,
    partial,
    scale,
    slope,
    tidy,
    weight,
)
from tinygrad_course.derivation.constants import in_digits, with_power
from tinygrad_course.derivation.document import Derivation, Line, Part
from tinygrad_course.derivation.graph_values import DerivationError, values_and_gradients
from tinygrad_course.derivation.names import layer_of
from tinygrad_course.derivation.printing import NOTHING, Piece, joined, put_in, write
from tinygrad_course.derivation.reading import Reading, read
from tinygrad_course.derivation.terms import evaluate
from tinygrad_course.engine import trees
from tinygrad_course.engine.tensor import Tensor
from tinygrad_course.graph.node import Graph, graph

#: More lines than these nobody reads.
MOST_LINES = 300
MOST_NODES = 3_000
_FEW = 8
_LONG = 60


def derivation_of(J: Any, wrt: Any, names: Mapping[str, Any], *, numbers: bool) -> Derivation:
    """Write the derivation of dJ/dwrt, see `tinygrad_course.derivation.derive`."""
    if type(J) is not Tensor:
        raise TypeError(
            f"derive() reads what was recorded, and J is a {type(J).__name__}: compute the cost from Tensors "
            "(W1 = Tensor(...)), not from plain arrays"
        )
    g = graph(J, names=names)
    if J.size != 1:
        raise DerivationError(
            f"{_called(J)} has shape {J.shape}: a derivation starts from a scalar cost. "
            "Reduce it (np.sum, np.mean)"
        )
    if len(g) > MOST_NODES:
        raise DerivationError(
            f"the cost was computed by {len(g)} operations; a derivation is for {MOST_NODES} at the most. "
            "Derive a smaller network: its formulas are the same"
        )
    wanted = _wanted(g, wrt)
    first = values_and_gradients(g)
    value = float(np.reshape(first.values[g.roots[0]], ()))
    if not np.isfinite(value):
        raise DerivationError(
            f"{_called(J)} is {value} with these values, so no line could be checked. debug() "
            "finds the first operation that is not finite; functions.binary_cross_entropy is finite "
            "where A is 0 or 1"
        )
    reading = read(g, names, set(wanted))
    symbols = {number: v for v, number in reading.nodes.items()}
    goals = [symbols[n] for n in wanted if n in symbols]
    on_way = between(reading, goals)
    if len(on_way) > MOST_LINES:
        raise DerivationError(
            f"{len(on_way)} variables stand between the cost and what you ask for; a derivation of more than "
            f"{MOST_LINES} lines helps nobody. Name a variable nearer to the cost, or use a smaller network"
        )
    lines = gradients(reading, goals)
    points = checking.Points(g, reading, first)
    forward = reading.introduced(on_way)
    points.check_definitions(forward)
    points.check_gradients(lines)
    return _Writer(reading, points, numbers).document(forward, lines, goals)


def _called(tensor: Tensor) -> str:
    made = tensor.operation
    return tensor.name or ("a Tensor" if made is None else f"the result of {made.name!r}")


def _wanted(g: Graph, wrt: Any) -> list[int]:
    """Return the nodes that are asked for."""
    if wrt is None:
        return [n.id for n in g if n.op is None and not n.constant]
    if isinstance(wrt, (Tensor, str, np.ndarray)):
        return [_find(g, wrt)]
    found = [_find(g, x) for _, x in trees.leaves(list(wrt) if isinstance(wrt, set) else wrt)]
    if not found:
        raise DerivationError(f"wrt is {wrt!r}; expected a Tensor of the cost's recording, or its name")
    return found


def _find(g: Graph, wanted: Any) -> int:
    names = ", ".join(dict.fromkeys(n.name for n in g if n.name and not n.constant))
    known = f"The variables of this cost are {names}" if names else "No variable of this cost has a name"
    if isinstance(wanted, str):
        found = [n for n in g if n.name == wanted]
        if not found:
            raise DerivationError(f"the cost has no variable {wanted!r}. {known}")
    elif isinstance(wanted, Tensor):
        found = [n for n in g if n.tensor is wanted]
        if not found:
            raise DerivationError(
                f"{_called(wanted)} {wanted.shape} is no part of what the cost was computed from. {known}"
            )
    else:
        found = [n for n in g if n.constant and n.value is wanted]
        if not found:
            raise DerivationError(f"wrt is a {type(wanted).__name__}; expected a Tensor, or a name. {known}")
    node = found[-1]
    if node.constant:
        raise DerivationError(
            f"{node.name or 'that'} is a constant of this cost, a plain array: there is a derivative with "
            f"respect to Tensors, Tensor({node.name or '...'}). {known}"
        )
    return node.id


class _Writer:
    def __init__(self, reading: Reading, points: checking.Points, numbers: bool) -> None:
        self.reading = reading
        self.points = points
        self.numbers = numbers
        self.sizes = _sizes(reading)

    def document(self, forward: list[Variable], lines: list[Gradient], goals: list[Variable]) -> Derivation:
        told = tuple(map(self.definition, forward))
        parts = [Part("Forward", told)] if told else []
        if self.reading.step_by_step:
            back = [self.number(line) for line in lines]
        else:
            chains = [
                self.chain(g)
                for g in lines
                if g.of in goals and g.ways and g.ways != [[self.reading.root, g.of]]
            ]
            if chains:
                parts.append(Part("Chain rule", tuple(chains)))
            back = [self.gradient(line, line.of in goals) for line in lines]
        if self.reading.root in goals:
            root = self.reading.root
            back.insert(0, Line(f"d{root.label}", partial(root, root), (Piece("1", "1"),), np.float64(1.0)))
        parts.append(Part("Backward", tuple(back), self.remark(lines)))
        if self.reading.step_by_step:
            results = [r for line in lines if line.of in goals and (r := self.result(line))]
            if results:
                parts.append(Part("Result", tuple(results)))
        return Derivation(tuple(parts))

    # -------------------------------------------------------------- lines

    def shown(self, value: Any) -> Piece | None:
        """Write a value, where numbers are wanted and it is short."""
        if not self.numbers or not (value.size == 1 or (0 < value.size <= _FEW and value.ndim < 3)):
            return None
        return _number(value) if value.size == 1 else _matrix(value)

    def definition(self, of: Variable) -> Line:
        """Write what a variable is computed from, or which Tensor a letter stands for."""
        value = self.points.values[of]
        if of in self.reading.definitions:
            right = [write(self.reading.definitions[of])]
            right += [_number(value)] if value.size == 1 and self.numbers else []
        else:
            nameless = "a constant array" if of.fixed else "a Tensor without a name"
            right = [self.shown(value) or Piece(nameless, f"\\text{{{nameless}}}")]
        return Line(of.label, Piece(of.text, of.latex), tuple(right), value, self.shape(of))

    def gradient(self, line: Gradient, asked: bool) -> Line:
        value = self.points.gradients[line.symbol]
        right: list[Piece] = []
        reasons: list[Piece] = []
        for step in line.steps:
            piece = write(step.formula)
            if not right or piece.text != right[-1].text:
                right.append(piece)
                reasons.append(step.reason)
        if asked and (told := self.shown(value)) is not None and told.text != right[-1].text:
            right.append(told)
            reasons.append(NOTHING)
        symbol = line.symbol
        left = Piece(symbol.text, symbol.latex)
        return Line(symbol.label, left, tuple(right), value, self.shape(line.of), tuple(reasons))

    def chain(self, line: Gradient) -> Line:
        """Write the chain rule's factors along every way."""
        root = self.reading.root
        value = self.points.gradients[line.symbol] / evaluate(scale(self.reading, line.of), {})
        return Line(f"dJ/d{line.of.label}", partial(root, line.of), (_ways(line.ways),), value)

    def number(self, line: Gradient) -> Line:
        """Write a derivative of numbers: dJ/db = dJ/dv dv/du du/db = 3 * 1 * c = 6."""
        root, of = self.reading.root, line.of
        ways = line.ways or [[root, u, of] if u is not root else [u, of] for u in self.reading.users(of)]
        if line.ways:
            products = [sympy.Mul(*[slope(self.reading, a, b) for a, b in pairwise(way)]) for way in ways]
            self.points.check(sympy.Add(*products), line)
        factors = [[self.factor(line, a, b) for a, b in pairwise(way)] for way in ways]
        if not factors:  # multiplied by 0, say: the cost does not depend on it
            return Line(f"dJ/d{of.label}", partial(root, of), (Piece("0", "0"),), np.float64(0.0))
        right = [] if ways == [[root, of]] else [_ways(ways)]
        return self.of_number(line, [*right, _added(factors, " * ", " \\cdot ")])

    def of_number(self, line: Gradient, right: list[Piece]) -> Line:
        """Return the line of a derivative that is a number, which stands at its end."""
        value = self.points.gradients[line.symbol]
        if self.numbers and _number(value).text != right[-1].text:
            right.append(_number(value))
        return Line(f"dJ/d{line.of.label}", partial(self.reading.root, line.of), tuple(right), value)

    def factor(self, line: Gradient, of: Variable, by: Variable) -> Piece:
        """Write a factor of the chain rule; what has a line of its own already stands for itself."""
        if not line.ways and of is self.reading.root and by is not line.of:
            return partial(of, by)
        return write(slope(self.reading, of, by))

    def result(self, line: Gradient) -> Line | None:
        """Write a derivative in the variables that the user has given, where that is short."""
        root = self.reading.root
        x = self.in_leaves(self.reading.definitions[root])
        if x is None:
            return None
        found = tidy(derivative(x, line.of, root.shape))
        if line.of in self.reading.definitions or not self.points.agrees(found, line):
            return None
        return self.of_number(line, [write(found)])

    def in_leaves(self, x: Expr) -> Expr | None:
        """Return a formula in the variables that the user has given, None if it is long."""
        for v, definition in reversed(self.reading.definitions.items()):
            x = x.xreplace({v: definition})
            if weight(x) > _LONG:
                return None
        return x

    # -------------------------------------------------------------- around the lines

    def remark(self, lines: list[Gradient]) -> Piece | None:
        """Say what the d of this derivation are gradients of."""
        if self.reading.step_by_step or not lines:
            return None
        J = self.reading.root
        summed = _kinds([g.of for g in lines if g.of.per_example])
        of_cost = _kinds([g.of for g in lines if not g.of.per_example])
        if not summed.text:
            first = lines[-1]
            return joined(" is ", (write(first.symbol), partial(J, first.of)), " \\text{ is } ")
        are = "is" if "," not in summed.text else "are"
        of_loss = f" {are} of the summed loss, "
        told = joined(of_loss, (summed, put_in("m %s", "m %s", write(J))), f" \\text{{{of_loss}}} ")
        if not of_cost.text:
            return told
        of_cost = joined(" of the cost, ", (of_cost, write(J)), " \\text{ of the cost, } ")
        return joined("; ", (told, of_cost), "\\text{; } ")

    def shape(self, of: Variable) -> Piece | None:
        if not of.shape:
            return None
        numbers = str(of.shape)
        course = self.sizes.get(of)
        if course is None:
            return Piece(numbers, numbers)
        text = f"({', '.join(course)})"
        latex = ", ".join(f"n_{{{c[2:]}}}" if c.startswith("n_") else c for c in course)
        return Piece(f"{text} = {numbers}" if text != numbers else numbers, f"({latex}) = {numbers}")


def _sizes(reading: Reading) -> dict[Variable, tuple[str, ...]]:
    """Return shapes in the course's letters, where the recording's shapes bear them out."""
    units: dict[int, int] = {}
    for v in reading.nodes:
        layer = layer_of(v.label)
        if layer is not None and layer[0] == "W" and len(v.shape) == 2:
            units[layer[1]] = v.shape[0]
            units.setdefault(layer[1] - 1, v.shape[1])
    m = int(reading.m.value) if reading.m is not None and reading.m.value is not None else None
    found: dict[Variable, tuple[str, ...]] = {}
    for v in reading.nodes:
        if len(v.shape) != 2:
            continue
        name, l = layer_of(v.label) or (v.label, 0)
        rows = f"n_{l}" if l and units.get(l) == v.shape[0] else str(v.shape[0])
        if name == "W" and rows[0] == "n" and units.get(l - 1) == v.shape[1]:
            found[v] = (rows, f"n_{l - 1}" if l > 1 else "n_x")
        elif name == "b" and v.shape[1] == 1:
            found[v] = (rows, "1")
        elif name == "w" and v.shape[1] == 1:
            found[v] = ("n_x", "1")
        elif v.per_example and v.shape[1] == m:
            found[v] = (rows, "m")
    return found


def _kinds(variables: list[Variable]) -> Piece:
    """Write the gradients of variables, those of layers by their letter alone: dA, dZ."""
    text: dict[str, str] = {}
    for v in variables:
        layer = layer_of(v.label)
        if layer is None:
            text[f"d{v.text}"] = f"d{v.latex}"
        else:
            text[f"d{layer[0]}"] = f"d{layer[0]}"
    return Piece(", ".join(text), ", ".join(text.values()))


def _ways(ways: list[list[Variable]]) -> Piece:
    """Write the ways of the chain rule, the direct one with a round d: dJ/dx = dJ/du du/dx + ∂J/∂x."""
    written = []
    for way in ways:
        if len(way) == 2 and len(ways) > 1:
            of, by = way
            latex = "\\frac{\\partial %s}{\\partial %s}"
            written.append([put_in("∂%s/∂%s", latex, write(of), write(by))])
        else:
            written.append([partial(a, b) for a, b in pairwise(way)])
    return _added(written, " ", " ")


def _added(ways: list[list[Piece]], sign: str, latex_sign: str) -> Piece:
    ways = [way if len(way) == 1 and len(ways) == 1 else [p.within(1) for p in way] for way in ways]
    return joined(" + ", [joined(sign, way, latex_sign) for way in ways])


def _number(value: Any) -> Piece:
    text = in_digits(np.reshape(value, ())[()])
    return Piece(text, with_power(text))


def _matrix(value: Any) -> Piece:
    rows = [[in_digits(x, 4) for x in row] for row in np.atleast_2d(value)]
    told = [f"[{', '.join(r)}]" for r in rows]
    text = f"[{', '.join(told)}]" if value.ndim > 1 else told[0]
    body = " \\\\ ".join(" & ".join(r) for r in rows)
    return Piece(text, f"\\begin{{bmatrix}} {body} \\end{{bmatrix}}")
