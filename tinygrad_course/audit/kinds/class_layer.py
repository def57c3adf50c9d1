"""A layer, an activation or a cost as an object, against the derivative of its own forward method.

`Dense.backward(grad)` is held against the derivative of the sum of grad * forward(X) with respect to X and to
the parameters; the backward method of a cost, against the derivative of the cost.
"""

import ast
import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.execution.namespace import Program
from tinygrad_course.audit.execution.oracle import slopes
from tinygrad_course.audit.execution.paths import duplicate, label
from tinygrad_course.audit.kinds.base import Assumption, words
from tinygrad_course.audit.kinds.cases import Case, Draw
from tinygrad_course.audit.kinds.own_class import OwnClass, method_name, taken_apart
from tinygrad_course.audit.kinds.own_network import Pool, Unfit, ratio_of
from tinygrad_course.audit.source.signatures import argument_names, role_of

_UPSTREAM = re.compile(
    r"(?i)^(d_?(out(put)?s?|values?|y|z|a|l|h|e|loss|next|up)\w*|.*(grad|delta|error|upstream)\w*|da_?\w*|dz_?\w*)$"
)
_INPUT = re.compile(
    r"(?i)^(d_?(in(put)?s?|x|a_?prev|prev)|(grad|delta)s?_?(in(put)?s?|x)|in(put)?s?_?grad\w*)$"
)
_IN = re.compile(
    r"(?i)^(n(um)?_?|d_?|dim_?)?(in|inputs?|input|fan_?in|prev|x)(_?(size|shape|dims?|dimensions?|features|units|nodes|neurons|len|channels))?$"
)
_OUT = re.compile(
    r"(?i)^(n(um)?_?|d_?|dim_?)?(out|outputs?|neurons|units|hidden|nodes|fan_?out|kernels|filters|y)(_?(size|dims?|dimensions?|features|units|nodes|neurons|num|channels))?$"
)
_ONE = ((1, 3), (3, 1), (3,))


class ClassLayer(OwnClass):
    """One layer, or one cost, whose values and gradients are attributes of the object or are returned."""

    battery = words("distinct distinct distinct")

    def __init__(self, program: Program, owner: ast.ClassDef, backward: ast.FunctionDef) -> None:
        super().__init__(program, owner, backward)
        self.forward = self.methods.get(method_name(owner.name, "forward")) or self.forward
        self.upstream = next((name for name in argument_names(backward)[1:] if _UPSTREAM.match(name)), None)
        self.place: int | None = None
        """Which of the shapes that are tried its input has."""
        self.takes = argument_names(self.forward)[1:] if self.forward else []
        self.single = False

    @property
    def is_cost(self) -> bool:
        """Whether it takes labels, and its backward method nothing that is passed on."""
        return self.upstream is None and any(map(_labels, self.takes))

    def of_one_example(self) -> "ClassLayer":
        """Return the same for one example at a time."""
        made = copy.copy(self)
        made.place, made.single = None, True
        return made

    @property
    def described(self) -> str:
        """Say what it is held against."""
        return f"the derivative of {self.forward.name if self.forward else ''}"

    def involved(self) -> list[str]:
        """Return its own name."""
        return [self.node.name]

    def _starts(self) -> list[str]:
        """Return what a new object takes."""
        start = self.methods.get(method_name(self.owner, "__init__"))
        return argument_names(start)[1:] if start is not None else []

    def _made(self, learner: Learner, draw: Draw) -> Any:
        """Return a new object, its parameters drawn."""
        named: dict[str, Any] = {}
        names = self._starts()
        for name in names:
            if re.search(r"(?i)prime|deriv|grad", name):
                named[name] = lambda z: 1 - np.tanh(z) ** 2
            elif re.match(r"(?i)^(act\w*|func\w*)$", name):
                primed = any(re.search(r"(?i)prime|deriv", other) for other in names)
                named[name] = np.tanh if primed else "sigmoid"
            elif _IN.match(name):
                named[name] = (2, 4, 4) if name.endswith("shape") else 3
            elif _OUT.match(name):
                named[name] = 2
            elif re.match(r"(?i)(kernel|filter)_?size|stride|pool\w*|f$", name):
                named[name] = 1 if name == "stride" else 2
        roles = {"seed": 3, "learning_rate": 0.1, "keep_prob": 0.7, "lambd": 0.0, "layer_dims": [3, 2]}
        theta = self._theta(learner, Pool(named, roles), draw)
        self.cost = ""
        return theta

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        """Make a layer, run it forward, draw the derivative of its output, and differentiate."""
        if self.forward is None or not self.takes:
            raise Unfit("there is no forward method with an input")
        if learner.low_precision:
            raise Unfit("it computes in single precision")
        made = self._made(learner, draw)
        deep = any("shape" in part or "kernel" in part for part in self._starts())
        m = draw.size(3, 6)
        pictures = ((2, 4, 4), (m, 2, 4, 4)) if deep else ()
        shapes = [*pictures, *(() if self.single else ((m, 3), (3, m))), *_ONE]
        problem = Unfit("it takes no input that was tried")
        for place, shape in enumerate(shapes):
            if self.place not in (None, place):
                continue
            try:
                case = self._layer_case(learner, draw, made, shape)
                self.place = place
                return case
            except Unfit as error:
                if error.error is None:
                    raise
                problem = error
        raise problem

    def _layer_case(self, learner: Learner, draw: Draw, made: Any, shape: tuple[int, ...]) -> Case:
        forward = self.forward
        assert forward is not None  # noqa: S101 - the caller has looked
        first, given = self._given(forward, draw, made, shape)
        held = duplicate(made)
        out = self._run(learner, forward, {**duplicate(given), "self": held})
        if not isinstance(out, np.ndarray | float | np.floating) or not np.all(np.isfinite(out)):
            raise Unfit(f"{forward.name} gives no numbers")
        weight: Any = draw.array(*np.shape(out)) if self.upstream else 1.0 / max(1, np.size(out))
        passed_on = {self.upstream: weight} if self.upstream else {}
        pool = Pool({**given, "self": held, **passed_on}, {"learning_rate": 0.1})
        arguments = pool.needed(self.node)

        def J(theta: Any) -> float:
            return float(np.sum(weight * self._run(learner, forward, {**given, **duplicate(theta)})))

        theta = {"self": made, first: given[first]}
        gradient = slopes(J, theta, lambda path, _: path == (first,) or path[1:] in self.parameters)
        if gradient is None:
            raise Unfit("a kink is too near")
        expected = {
            ("dX" if path == (first,) else "d" + label(path)): value for path, value in gradient.items()
        }
        try:
            found = self.probe(learner, arguments, expected)
        except Unfit:
            return Case(arguments, expected, ("dX",), m=shape[0])
        expected = self._conventions(learner, arguments, given, expected, found)
        required = tuple(key for key in expected if key in found)
        if "dX" not in required:
            raise Unfit(f"{self.node.name} gives no derivative of {first}")
        return Case(arguments, expected, required, m=shape[0] if len(shape) > 1 else 1)

    def _given(
        self, forward: ast.FunctionDef, draw: Draw, made: Any, shape: tuple[int, ...]
    ) -> tuple[str, dict[str, Any]]:
        """Return the name of the input, and what the forward method is given."""
        given: dict[str, Any] = {"self": made}
        targets = [name for name in self.takes if _labels(name)]
        inputs = [name for name in self.takes if name not in targets]
        if self.upstream is not None:
            given[inputs[0]] = draw.array(*shape)
            needed = self.takes[: len(self.takes) - len(forward.args.defaults)]
            if [name for name in inputs[1:] if name in needed]:
                raise Unfit(f"what {', '.join(inputs[1:])} should be is not told by the name")
            return inputs[0], given
        if len(inputs) != 1 or not targets:
            raise Unfit("no argument is the derivative of an output")
        given[inputs[0]] = draw.probabilities(*shape)
        Y = np.eye(shape[-1])[np.arange(int(np.prod(shape[:-1]))) % shape[-1]].reshape(shape)
        labels = draw.labels(max(2, shape[0]))[0, : shape[0], None] * 1.0
        given[targets[0]] = Y if shape[-1] > 1 else labels
        return inputs[0], given

    def _conventions(
        self,
        learner: Learner,
        arguments: dict[str, Any],
        given: dict[str, Any],
        expected: dict[str, Any],
        found: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Allow for 1/m in the parameters' derivatives, and for a cost taken together with its activation."""
        dX, first = found.get("dX"), next(name for name in self.takes if name in given and not _labels(name))
        if dX is None or np.shape(dX) != np.shape(expected["dX"]):
            return expected
        if self.upstream is None:
            ratio = ratio_of({"dX": dX}, {"dX": expected["dX"]})
            if ratio is not None and ratio > 0 and abs(ratio - 1) > 1e-3:
                raise Unfit(f"it gives the derivative of its cost, {ratio:.4g} times")
            Y = next(value for name, value in given.items() if name in self.takes and _labels(name))
            if ratio is None and ratio_of({"d": dX}, {"d": given[first] - Y}) is not None:
                raise Unfit("it gives A - Y: the derivative of the cost taken together with the activation")
            return expected
        doubled_up = {**arguments, self.upstream: 2 * arguments[self.upstream]}
        twice = self.probe(learner, doubled_up, expected).get("dX")
        doubled = twice is not None and np.shape(twice) == np.shape(dX)
        if not doubled or not np.allclose(np.asarray(twice), 2 * np.asarray(dX), rtol=1e-6):
            raise Unfit(
                f"{self.upstream} is no derivative that is passed on: the result is no multiple of it"
            )
        if np.array_equal(dX, arguments[self.upstream]):
            raise Unfit("it passes the derivative on as it is")
        own = {key: value for key, value in expected.items() if key != "dX" and key in found}
        ratio = ratio_of(found, own) if own else None
        counts = [1.0 / size for size in np.shape(given[first]) if size > 1]
        if ratio is not None and any(abs(ratio / count - 1) < 1e-3 for count in counts):
            return {key: value * ratio if key in own else value for key, value in expected.items()}
        return expected

    def gradients(
        self, result: Any, before: Mapping[str, Any], after: Mapping[str, Any], expected: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the derivative of the input, returned or kept, and those of the parameters."""
        own = {key: value for key, value in expected.items() if key != "dX"}
        first = result[0] if isinstance(result, tuple) and result else result
        kept = [value for name, value in vars(after["self"]).items() if _INPUT.match(name)]
        dX = first if isinstance(first, np.ndarray) else next(iter(kept), None)
        returned = result if isinstance(result, tuple) else None
        found = super().gradients(returned, before, after, own) if own else {}
        return {**found, **({"dX": dX} if isinstance(dX, np.ndarray) else {})}


def _labels(name: str) -> bool:
    return role_of(name, ["AL", "Y"]) == "Y" or re.search(r"(?i)true|target|label", name) is not None


def class_layers(program: Program) -> Iterator[ClassLayer]:
    """Give the classes of a file that are one layer, or one cost."""
    for made, statement in taken_apart(program):
        node = made.functions.get(method_name(statement.name, "backward"))
        if node is not None:
            yield ClassLayer(made, statement, node)
