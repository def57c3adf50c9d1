"""A recording read as formulas: which variables it has, what each is computed from, and which hold examples.

What the user has named is a variable; what she has not is part of the formula of the variable that it leads
to, or gets a name of the course's (Z1 = W1 X + b1, A1 = g(Z1)) or a letter.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy

from tinygrad_course.derivation import names as written
from tinygrad_course.derivation.algebra import (
    Dot,
    Expr,
    Handle,
    Operation,
    Reshape,
    Shape,
    Softmax,
    Standardized,
    Sum,
    T,
    Variable,
    full,
    shape_of,
    variable,
)
from tinygrad_course.derivation.constants import NAMED, Numbers, in_digits
from tinygrad_course.derivation.graph_values import FROM_LOGITS
from tinygrad_course.derivation.operations import FUNCTIONS, Call, formula
from tinygrad_course.derivation.patterns import named_numbers, picked, softmaxes
from tinygrad_course.derivation.terms import evaluate
from tinygrad_course.graph.formulas import WRITTEN
from tinygrad_course.graph.node import Graph, Node
from tinygrad_course.graph.program import index_text

_PRODUCTS = frozenset({"dot", "matmul", "linear"})
_BY_ELEMENT = frozenset({*FUNCTIONS, *WRITTEN, "drop", "leaky_relu"})


@dataclass
class Reading:
    """A recording's variables in topological order."""

    root: Variable
    nodes: dict[Variable, int] = field(default_factory=dict)  #: each variable's number in the recording
    definitions: dict[Variable, Expr] = field(default_factory=dict)  #: of those that were computed
    data: dict[Variable, Any] = field(default_factory=dict)  #: constant arrays
    m: Variable | None = None  #: the number of examples, if the cost is a mean over them
    #: every operation has a line of its own: nothing but numbers, and no name in between
    step_by_step: bool = False
    #: what has neither a name of the user's nor one of the course's, the first of the recording first
    lettered: list[Variable] = field(default_factory=list)
    #: what stands for the gradient of each, where a line has one
    gradients: dict[Variable, Variable] = field(default_factory=dict)
    #: what each formula is made of, the last formula first; see `users`
    inputs: dict[Variable, set[Any]] = field(default_factory=dict, repr=False)

    def introduced(self, variables: list[Variable]) -> list[Variable]:
        """Return those that have formulas, and the letters in them, the first of the recording first."""
        shown = [v for v in variables if v in self.definitions]
        used = {s for v in shown for s in self.definitions[v].free_symbols}
        for letter in reversed(self.lettered):
            if letter in used and letter not in shown:
                shown.append(letter)
                if letter in self.definitions:
                    used |= self.definitions[letter].free_symbols
        return sorted(shown, key=lambda v: self.nodes[v])

    def users(self, symbol: Variable) -> list[Variable]:
        """Return the variables whose formulas have `symbol` in them, the last first."""
        if len(self.inputs) != len(self.definitions):
            self.inputs = {v: x.free_symbols for v, x in reversed(self.definitions.items())}
        return [v for v, inputs in self.inputs.items() if symbol in inputs]


def read(graph: Graph, names: Mapping[str, Any], wanted: set[int]) -> Reading:
    """Read a recording, its `wanted` nodes as variables in any case, others by the user's `names`."""
    first = _Reader(graph, names, wanted, None).read()
    m = _examples(first, names)
    if m is None:
        return first
    reading = _Reader(graph, names, wanted, m).read()
    _mark(reading)
    return reading


def _examples(reading: Reading, names: Mapping[str, Any]) -> int | None:
    """Return m, if the cost is a sum over columns divided by (or times 2 over) their number."""
    total = _in_terms_of_sums(reading)
    for part in total.atoms(Sum):
        if int(part.args[1]) != -1 or not _has_data(part, reading):
            continue
        stand_in = sympy.Dummy()
        slope = sympy.diff(total.xreplace({part: stand_in}), stand_in)
        if any(not (isinstance(v, Variable) and v.value is not None) for v in slope.free_symbols):
            continue
        found = np.asarray(evaluate(slope, {}))
        if found.size > 1:
            continue
        k = float(found.reshape(()))
        shape = shape_of(part.args[0])
        m = shape[-1] if shape else 1
        plain = (abs(k) == 1 and m > 1) or (abs(k) == 0.5 and m == 4)  # half of a sum, and not 2/m
        if plain or (m == 1 and names.get("m") != 1):
            continue
        if any(math.isclose(abs(k) * m, r, rel_tol=1e-12) for r in (1, 0.5, 2)):
            return m
    return None


def _in_terms_of_sums(reading: Reading) -> Expr:
    total = reading.definitions.get(reading.root, reading.root)
    for v, x in reversed(reading.definitions.items()):
        if v is not reading.root and math.prod(v.shape) == 1 and x.has(Sum):
            total = total.xreplace({v: x})
    return total


def _has_data(x: Expr, reading: Reading) -> bool:
    pending, seen = list(x.free_symbols), set()
    while pending:
        v = pending.pop()
        if v in reading.data:
            return True
        if v not in seen and v in reading.definitions:
            pending += list(reading.definitions[v].free_symbols)
        seen.add(v)
    return False


def _mark(reading: Reading) -> None:
    """Find the variables that have a column for each example, from the loss backwards."""
    m = reading.m
    assert m is not None and m.value is not None  # noqa: PT018, S101  (there is no other reading to mark)
    n = int(m.value)
    pending = [
        part.args[0] for part in _in_terms_of_sums(reading).atoms(Sum) if shape_of(part.args[0])[-1:] == (n,)
        and _has_data(part, reading)
    ]  # fmt: skip
    while pending:
        for symbol in _columns(pending.pop(), n):
            if not symbol.per_example:
                symbol.per_example = True
                if symbol in reading.definitions:
                    pending.append(reading.definitions[symbol])


def _columns(x: Expr, n: int) -> Iterator[Variable]:
    """Yield the variables of a formula whose columns are its columns."""
    if isinstance(x, Variable):
        if x.shape[-1:] == (n,):
            yield x
    elif isinstance(x, Dot):
        yield from _columns(x.args[1], n)
    elif not isinstance(x, T):
        for part in x.args[:1] if isinstance(x, Sum) else x.args:
            yield from _columns(part, n)


class _Reader:
    def __init__(self, graph: Graph, names: Mapping[str, Any], wanted: set[int], m: int | None) -> None:
        self.graph = graph
        self.root = graph.roots[0]
        self.wanted = wanted | {self.root}
        named = named_numbers(names)
        arrays = {k: v for k, v in graph.named.items() if v.dtype.kind in "fiub" and v.size > 1}
        own = {n.name for n in graph if n.name}
        numbers = {k for k in named if k in NAMED}
        self.spelled = written.alike({"J", "m"} | own | numbers | set(arrays))
        self.numbers = Numbers(named, m, self.spelled)
        self.softmax = softmaxes(graph)
        self.operands = self._needed()
        self.uses = {i: [u for u, of in self.operands.items() if i in of] for i in self.operands}
        self.taken = written.Taken(own | {"J", "m", *named})
        self.known = self._known(arrays)
        self.formulas: dict[int, Expr] = {}
        self.step_by_step = all(
            math.prod(graph[i].shape) == 1 and not np.iscomplexobj(graph[i].value) for i in self.operands
        )
        self.reading = Reading(variable("J"), m=self.numbers.m, step_by_step=self.step_by_step)

    def _needed(self) -> dict[int, list[int]]:
        """Return the nodes that the root is computed from, each with its operands, in topological order."""
        found: dict[int, list[int]] = {}
        pending = [self.root]
        while pending:
            number = pending.pop()
            if number in found:
                continue
            node = self.graph[number]
            found[number] = [self.softmax[number][0]] if number in self.softmax else list(node.inputs)
            if node.op in FROM_LOGITS:
                found[number] = list(node.inputs[:2])  # of A and Y, as it is written; Z is A's
            pending += found[number]
        return dict(sorted(found.items()))

    def _known(self, arrays: Mapping[str, Any]) -> list[tuple[Any, Variable]]:
        known = [
            (n.value, self._symbol(n.name, n.shape, n.id))
            for n in self.graph
            if n.constant and n.name and n.id in self.operands and isinstance(n.value, np.ndarray)
        ]
        of_nodes, last = {n.name for n in self.graph}, len(self.graph)
        return known + [(a, self._symbol(k, a.shape, last)) for k, a in arrays.items() if k not in of_nodes]

    def _symbol(self, name: str, shape: Shape, number: int) -> Variable:
        return variable(name, shape, (1, number), spelled=self.spelled.get(name))

    def read(self) -> Reading:
        for number in self.operands:
            node = self.graph[number]
            if node.constant:
                self.formulas[number] = self._constant(node)
            elif node.op is None:
                self._keep(node, None)
            else:
                x = self._formula(node)
                self.formulas[number] = x
                if self._is_variable(node, x):
                    self._keep(node, x)
        self.reading.root = self.formulas[self.root]
        return self.reading

    def _keep(self, node: Node, x: Expr | None) -> None:
        """Make a node a variable."""
        name = node.name or (self.taken.letter() if x is None else self._name(node, x))
        while any(v.label == name for v in self.reading.nodes):
            name += "'"
        symbol = self._symbol(name, node.shape, node.id)
        self.formulas[node.id] = symbol
        self.reading.nodes[symbol] = node.id
        if x is not None:
            self.reading.definitions[symbol] = x
        if name in self.taken.letters:
            self.reading.lettered.append(symbol)

    # -------------------------------------------------------------- formulas

    def _formula(self, node: Node) -> Expr:
        operands = self.operands[node.id]
        shapes = [self.graph[i].shape for i in operands]
        given = [self.formulas[i] for i in operands]
        if any(np.iscomplexobj(self.graph[i].value) for i in (node.id, *operands)):
            return self._as_the_table_has_it(node, given)  # (formulas are of real numbers)
        if node.op in {"multiply", "divide"} and any(
            x.has(Sum) and (math.prod(s) == 1 or s[-1] == 1) for x, s in zip(given, shapes, strict=True)
        ):
            given = [self._scale(i, divides=node.op == "divide") for i in operands]
        if node.id in self.softmax:
            return Softmax(full(given[0], shapes[0]), self.softmax[node.id][1])
        if (labels := picked(node, shapes[0])) is not None:
            return Reshape(Sum(self._one_hot(labels[0]) * given[0], labels[1]), *node.shape)
        options = {k: v for k, v in node.options.items() if v is not None or k == "axis"}
        if "keep_prob" in options:
            options["keep_prob"] = variable("keep_prob", value=float(options["keep_prob"]))
        if "slope" in options:
            options["slope"] = self.numbers.plain(options["slope"])
        x = formula(Call(str(node.op), given, shapes, options, node.shape, self.numbers.count))
        return self._as_the_table_has_it(node, given) if x is None else x

    def _as_the_table_has_it(self, node: Node, given: list[Expr]) -> Expr:
        """Return a call that stands for itself; its derivative is the table's rule."""
        handle = Handle(str(node.op))
        if node.op == "getitem":  # arrays of places are not written out
            handle.index = index_text(node.options["index"], lambda p: "..." if np.ndim(p) else str(p))
        else:
            handle.options = tuple(
                f"{k}={index_text(v, repr) if k == 'index' else repr(v)}"
                for k, v in node.options.items()
                if k not in {"keepdims", "dtype", "order"} and v is not None and not isinstance(v, np.ndarray)
            )
        handle.shape, handle.operands = node.shape, [self.graph[i] for i in self.operands[node.id]]
        handle.call = node.applied
        return Operation(handle, *given)

    def _scale(self, number: int, *, divides: bool) -> Expr:
        """Return the formula of what multiplies or divides a sum: of numbers, in terms of m."""
        node = self.graph[number]
        if node.constant and math.prod(node.shape) == 1:
            return self.numbers.scale(float(np.reshape(node.value, ())), divides=divides)
        return self.formulas[number]

    def _constant(self, node: Node) -> Expr:
        alone = math.prod(node.shape) == 1 and node.name is None and not np.iscomplexobj(node.value)
        found = None if alone and not node.shape else self.numbers.array(node.value, self.known)
        if found is None and alone:
            return self.numbers.plain(float(np.reshape(node.value, ())))
        if found is None:
            array, told = self._labels(node)
            symbol = variable(node.name or self._constant_name(node), array.shape, (1, node.id))
            self.known.append((array, symbol))
            if symbol.label in self.taken.letters:
                self.reading.nodes[symbol] = node.id
                self.reading.lettered.append(symbol)
            found = told(symbol)
        return self._held(found)

    def _held(self, found: Expr) -> Expr:
        """Return a formula of constants, whose arrays are data of this reading."""
        symbols = found.free_symbols
        for symbol in symbols:
            symbol.fixed = True
        self.reading.data |= {s: a for a, s in self.known if s in symbols}
        return found

    def _one_hot(self, array: Any) -> Expr:
        """Return the labels that an index stands for, one-hot."""
        found = self.numbers.array(array, self.known)
        if found is None:
            found = variable(self.taken.own("Y"), array.shape, (1, len(self.graph)))
            self.known.append((array, found))
        return self._held(found)

    def _labels(self, node: Node) -> tuple[Any, Callable[[Expr], Expr]]:
        """Return the array that a constant without a name is written by, and how: -Y and Y.T are of Y."""
        array, user = np.asarray(node.value), self.graph[self.uses[node.id][0]]
        whole = array.dtype.kind in "fiu" and np.array_equal(array, np.rint(array))
        if node.name is None and whole and np.max(array) <= 0 < np.max(-array):
            return -array, lambda symbol: -symbol
        column = array.ndim == 2 and array.shape[1] == 1 < array.shape[0] and node.name is None
        if column and user.op in _PRODUCTS and user.shape == (1, 1) and user.inputs[1] == node.id:
            return array.T, T
        return array, lambda symbol: symbol

    # -------------------------------------------------------------- variables and their names

    def _is_variable(self, node: Node, x: Expr) -> bool:
        if node.name or node.id in self.wanted or self.step_by_step:
            return True
        if isinstance(x, Variable) or x.is_number:
            return False
        uses = self.uses[node.id]
        if isinstance(x, T) and isinstance(x.args[0], Variable):
            return False
        if len(uses) > 1 or isinstance(x, (Softmax, Standardized, Operation)):
            return True
        if x.has(Sum) and math.prod(node.shape) == 1:
            return False  # a part of the cost
        user = self.graph[uses[0]]
        if x.has(Dot):  # Z = W A + b is complete where something else than a variable is added
            beside = [self.graph[i] for i in self.operands[user.id] if i != node.id]
            return user.op not in {"add", "subtract"} or all(n.constant for n in beside)
        if user.op in _PRODUCTS and user.shape == (1, 1) and node.shape[:1] == (1,):
            return False  # a row of a product that stands for a sum
        by_element = user.op in _BY_ELEMENT and user.id not in self.softmax
        return not by_element and node.op in _BY_ELEMENT and user.op not in {"sum", "mean", "transpose"}

    def _name(self, node: Node, x: Expr) -> str:
        """Return the course's name for what is computed by `x`, or a letter."""
        if node.id == self.root:
            return "J"
        if self.step_by_step:
            return self.taken.letter()
        symbols = [v for v in x.free_symbols if isinstance(v, Variable) and v.value is None]
        for product in x.atoms(Dot):
            layer = self._layer_of(product.args[0].free_symbols, "W", "w")
            if layer is not None and isinstance(x, (sympy.Add, Dot)):
                return self.taken.own(f"Z{layer}")
        computed = [v for v in symbols if v not in self.reading.data]
        if len(computed) == 1 and not x.has(Dot):
            layer = self._layer_of(computed, "Z", "Z")
            if layer is not None:
                return self.taken.own(f"{'Z_norm' if isinstance(x, Standardized) else 'A'}{layer}")
        return self.taken.letter()

    def _layer_of(self, symbols: Any, upper: str, lower: str) -> str | None:
        """Return "1" where W1 is among the variables, "" for W or w, None for neither."""
        for symbol in symbols:
            name = symbol.label
            layer = written.layer_of(name)
            if layer is not None and layer[0] == upper:
                return str(layer[1])
            if name in {upper, lower}:
                return ""
        return None

    def _constant_name(self, node: Node) -> str:
        if node.shape == ():  # complex: real numbers are written as they are
            return in_digits(node.value)
        user = self.graph[self.uses[node.id][0]]
        place = self.operands[user.id].index(node.id)
        if user.op in _PRODUCTS and place == 1:
            return self.taken.own("Y" if user.shape == (1, 1) else "X")
        if user.op in FROM_LOGITS:
            return self.taken.own("Y")
        beside = [self.formulas[i] for i in self.operands[user.id] if i in self.formulas]
        if np.asarray(node.value).dtype == bool:
            layer = next((self._layer_of(x.free_symbols, k, k) for x in beside for k in "ZA"
                          if self._layer_of(x.free_symbols, k, k)), "")  # fmt: skip
            return self.taken.own(f"D{layer}")
        others = [self.graph[i] for i in self.operands[user.id]]
        if any(o.op in {"log", "log_softmax"} for o in others) or math.prod(node.shape) == node.shape[-1]:
            return self.taken.own("Y")
        return self.taken.numbered("C")
