"""Every line is held against the graph before it is shown: at the recorded values, and at values nearby.

The second point is what makes the check mean something where the recorded one says little: a network of zeros
has zeros for gradients, and any formula agrees with them.
"""

from typing import Any

import numpy as np

from tinygrad_course.derivation.algebra import Expr, Variable
from tinygrad_course.derivation.chain import Gradient, gradient_symbol, scale
from tinygrad_course.derivation.graph_values import DerivationError, values_and_gradients
from tinygrad_course.derivation.printing import write
from tinygrad_course.derivation.reading import Reading
from tinygrad_course.derivation.terms import evaluate, in_double, magnitude
from tinygrad_course.graph.node import Graph
from tinygrad_course.graph.replay import Replay, recorded

#: Both sides are computed in float64; they differ by rounding, and by what cancels in a cost near 0 or 1.
TOLERANCE = 1e-7
#: A gradient that is 0 because its terms cancel is what rounding leaves of them.
ROUNDING = 1e-13
#: ... in terms at most so many times larger than the largest gradient.
MOST_CANCELLED = 1e3


class Points:
    """A recording's variables at two points, and what the graph says of them.

    `values` are those recorded; `gradients`, by their own symbols, are in the course's scaling, m times where
    there is a column for each example.
    """

    def __init__(self, graph: Graph, reading: Reading, first: Replay) -> None:
        self.reading = reading
        random = np.random.RandomState(0)
        leaves = {
            i: np.asarray(v, dtype=np.float64) + 0.05 * random.standard_normal(np.shape(v))
            for i, v in recorded(graph).items()
        }
        self.environments = [self._environment(p) for p in (first, values_and_gradients(graph, leaves))]
        self.sizes: list[dict[Variable, Any]] = [{} for _ in self.environments]
        self.values = {v: np.asarray(self.environments[0][0][v]) for v in reading.nodes}
        self.gradients = self.environments[0][1]

    def _environment(self, point: Replay) -> tuple[dict[Variable, Any], dict[Variable, Any]]:
        values: dict[Variable, Any] = {}
        of: dict[Variable, Any] = {}
        for v, n in self.reading.nodes.items():
            values[v] = in_double(self.reading.data.get(v, point.values[n]))
            if n in point.gradients:
                times = evaluate(scale(self.reading, v), {})
                of[gradient_symbol(self.reading, v)] = np.asarray(point.gradients[n]) * times
        return {v: in_double(a) for v, a in self.reading.data.items()} | values | of, of

    def check_definitions(self, variables: list[Variable]) -> None:
        """Raise unless the variables' formulas give their values."""
        for v in variables:
            if v in self.reading.definitions:
                for known, _ in self.environments:
                    definition = self.reading.definitions[v]
                    with np.errstate(all="ignore"):
                        size = _largest(magnitude(definition, known))
                    self._compare(definition, known, known[v], v.text, size)

    def check_gradients(self, lines: list[Gradient]) -> None:
        """Raise unless every step of every line gives the graph's gradient."""
        for line in lines:
            for (known, gradients), sizes in zip(self.environments, self.sizes, strict=True):
                with np.errstate(all="ignore"):
                    size = max(_largest(magnitude(s.formula, known | sizes)) for s in line.steps)
                largest = max(map(_largest, gradients.values()), default=1.0)
                own = np.abs(known.get(line.symbol, 0.0))
                sizes[line.symbol] = np.maximum(own, min(size, MOST_CANCELLED * largest))
            for step in line.steps:
                self.check(step.formula, line)

    def check(self, formula: Expr, line: Gradient) -> None:
        """Raise unless a formula gives the graph's gradient."""
        for (known, gradients), sizes in zip(self.environments, self.sizes, strict=True):
            if line.symbol not in gradients:
                raise DerivationError(f"the graph has no gradient for {line.of.text}")
            size = _largest(sizes.get(line.symbol, 0.0))
            if formula == 0:  # its terms have cancelled before they were computed
                size = max(size, *map(_largest, gradients.values()))
            self._compare(formula, known, gradients[line.symbol], line.symbol.text, size)

    def agrees(self, formula: Expr, line: Gradient) -> bool:
        """Whether a formula gives a line's gradient."""
        try:
            self.check(formula, line)
        except DerivationError:
            return False
        return True

    @staticmethod
    def _compare(
        formula: Expr, known: dict[Variable, Any], expected: Any, name: str, size: float = 0.0
    ) -> None:
        with np.errstate(all="ignore"):
            found = in_double(evaluate(formula, known))
        if not _close(found, expected, size):
            raise DerivationError(
                f"the line of {name} disagrees with the graph: {write(formula).text} comes to "
                f"{_short(found)}, and the graph says {_short(expected)}. Only what agrees is shown; "
                "please report this cost"
            )


def _largest(values: Any) -> float:
    """Return the largest finite size in an array."""
    sizes = np.abs(in_double(values))
    return float(np.max(sizes, where=np.isfinite(sizes), initial=0.0))


def _close(found: Any, expected: Any, cancelled: float = 0.0) -> bool:
    """Whether two arrays, sums of terms so large that `cancelled`, agree where both are finite."""
    try:
        if found.shape != expected.shape:
            same = found.size == np.size(expected)
            one = np.reshape(found, ()) if found.size == 1 else found
            found = np.reshape(found, expected.shape) if same else np.broadcast_to(one, expected.shape)
    except ValueError:
        return False
    finite = np.isfinite(found) & np.isfinite(expected)
    size = np.max(np.abs(expected[finite]), initial=0.0)
    return bool(
        np.all(np.abs(found[finite] - expected[finite]) <= TOLERANCE * size + ROUNDING * cancelled + 1e-300)
    )


def _short(value: Any) -> str:
    return np.array2string(np.asarray(value), precision=6, threshold=8, edgeitems=2)
