"""A whole backward pass, against the gradient of its own file's forward pass and cost.

Beside what is asked of any backward function: its parameters are what the file's own function makes, or
arrays of the usual shapes under the keys that the file writes; what has no name of its own is known by the
role that it plays; and the cost is what the file says it is, or a mean over the examples.
"""

import ast
import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.learner import Learner, depth_told
from tinygrad_course.audit.execution.line_trace import result_values
from tinygrad_course.audit.execution.oracle import sampled
from tinygrad_course.audit.execution.paths import Path, fields_of, label, leaves, plain, put
from tinygrad_course.audit.kinds.any_backward import AnyBackward
from tinygrad_course.audit.kinds.base import Assumption, Unfit
from tinygrad_course.audit.kinds.candidate_costs import Cost, implied_costs, own_cost
from tinygrad_course.audit.kinds.cases import Case, Draw, Tried
from tinygrad_course.audit.kinds.gradient_names import of_its_own, parts_of, ratio_of
from tinygrad_course.audit.kinds.input_layouts import Layout, M, Setting, tried, whole_layouts
from tinygrad_course.audit.kinds.names_taken import Taken, holder_of, of_a_network
from tinygrad_course.audit.source.argument_kinds import category
from tinygrad_course.audit.source.conventions import canonical
from tinygrad_course.audit.source.signatures import argument_names, role_of
from tinygrad_course.audit.source.syntax import names_of, returned

_LINEAR = re.compile(r"(?i)z|logits?|scores?")
_NUMBERS = ("keep_prob", "lambd")


class WholeNetwork(AnyBackward):
    """The gradients of a network in whatever conventions its file has."""

    trials = 600
    owns = False
    strict = True

    @property
    def described(self) -> str:
        """Say what it is held against."""
        implied = isinstance(self.cost, str) and not self.together
        return f"the gradient of {self.forward.name} and {self.cost}" if implied else super().described

    def involved(self) -> list[str]:
        """Return the names of the functions that were put together."""
        parts = [self.forward, self.initial, self.node, self.cost]
        return [part.name for part in parts if isinstance(part, ast.FunctionDef)]

    def taken(self, depth: int) -> Taken:
        """Return what the passes, the costs and the initial values take, and the keys of the parameters."""
        self.depth = depth_told("\n".join(map(ast.unparse, (self.node, self.forward)))) or depth
        keys = [self.program.convention.key(f"{one}{l}") for l in range(1, self.depth + 1) for one in "Wb"]
        return of_a_network(super().taken(depth), self.forward, self.initial, self.own_costs, keys)

    def settings(self, names: list[str], seed: int, draw: Draw) -> Iterator[Setting]:
        """Give values in the usual arrangement: a matrix of labels 0 and 1, biases in rows or columns."""
        units = M if self.soft or "softmax" in self.program.at_hand else 1
        masked = any(role_of(name) == "keep_prob" for name in argument_names(self.node))
        hidden, alike = 6 if masked else 2, draw.scale == "deep"
        fixed = {name: word for name, word in self.fixed().items() if name in names}
        options = whole_layouts(units=units, hidden=hidden, depth=self.depth, alike=alike)
        for key, layout, values in tried(names, seed, enumerate(options), fixed=fixed):
            if all(_usual(category(name), value) for name, value in values.items()):
                yield key, layout, values

    def values(self, values: dict[str, Any], draw: Draw) -> dict[str, Any]:
        """Return values with the parameters that the file's own function makes, by the names asked for."""
        values, taken = super().values(values, draw), self.wanted
        penalty = any(role_of(name) == "lambd" for name in argument_names(self.node))
        for name in taken.looked_for:
            if name not in taken.parameters and (role := role_of(name, _NUMBERS)):
                values[name] = draw.choice([0.6, 0.75, 0.35]) if penalty or role == "keep_prob" else 0.0
        self.shape = next((np.shape(one) for name, one in values.items() if category(name) == "labels"), ())
        made: Any = None
        if self.initial is not None:
            made = self.run(self.initial, {name: values[name] for name in taken.start})
            if type(made) is tuple:
                named = result_values(returned(self.initial), made)
                made = named if len(named) == len(made) else made[0] if isinstance(made[0], dict) else None
        if isinstance(made, dict):  # b = 0
            made = {key: 0.0 if type(value) is int and not value else value for key, value in made.items()}
        for path, value in list(leaves(made)):
            if of_its_own(path):
                size = 0.4 if plain(path)[:1] == "b" else 1.4 / math.sqrt(max(4, *np.shape(value)))
                drawn = size * draw.array(*np.shape(value))
                drawn = np.abs(drawn) if "gamma" in label(path).lower() else drawn
                made = put(made, path, drawn if np.ndim(value) else float(drawn))
        inside = {plain(path): value for path, value in leaves(made)}
        if not inside:
            return values
        named = {name: inside[canonical(name)] for name in taken.looked_for if canonical(name) in inside}
        named |= {name: value for name, value in (fields_of(made) or {}).items() if name in taken.looked_for}
        return {**values, **dict.fromkeys(taken.parameters, made), **named}

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        """Find values with which both passes run; its sizes are its own."""
        return self.found(draw)

    def gives(self, theta: dict[str, Any]) -> list[Any]:
        """Return what the forward pass gives, and before it the last activation."""
        if self.together:
            return super().gives(theta)
        result = self.called(theta)
        parts = list(result) if type(result) is tuple else [result]
        names = names_of(returned(self.forward), len(parts))
        held = [(name, part) for name, part in zip(names, parts, strict=True) if isinstance(part, np.ndarray)]
        last = [part for name, part in held if part.shape == self.shape and not _LINEAR.match(name)]
        if not held:
            holder = holder_of(parts)
            inside = fields_of(holder) or {str(place): one for place, one in enumerate(parts_of(holder))}
            last = [one for key, one in inside.items() if re.match(r"(?i)a|y|\d", str(key)) and np.ndim(one)]
        return [last[-1] if last else held[0][1] if held else parts[0], *parts]

    def costs(self, layout: Layout, output: list[Any], place: int, labels: Any) -> tuple[int, list[Cost]]:
        """Return the file's own costs, the one that fitted before alone; else means over the examples."""
        shape = np.shape(output[place])
        if labels is None:
            raise Unfit("there is no cost to differentiate")
        if shape != np.shape(labels):
            raise Unfit(f"{self.forward.name} gives {shape} for labels of {np.shape(labels)}")
        if 1 not in shape and abs(float(np.sum(output[place])) - 1) < 1e-9:
            raise Unfit(f"the softmax of {self.forward.name} is taken over all examples together")
        names = ["", *names_of(returned(self.forward), len(output) - 1)]
        costs = [own_cost(self.run, one, place, labels, names) for one in self.own_costs]
        if not costs and not any(role_of(name) == "lambd" for name in argument_names(self.node)):
            costs = implied_costs(output[place], place, labels, layout.examples)
        if not costs:
            raise Unfit("there is no cost to differentiate")
        return place, [one for one in costs if self.cost in ("", one.name, one.node)]

    def held_to(self, case: Case, found: dict[str, Any], values: dict[str, Any], cost: Cost) -> Tried:
        """Count the gradients that are right, and one more where all of them are up to one factor."""
        if self.together:
            return super().held_to(case, found, values, cost)
        expected = dict(case.expected)
        several = [key for key, value in expected.items() if np.size(value) > 1]
        alone = sum(ratio_of(found, {key: expected[key]}) is not None for key in several)
        alike = len(expected) + 1 if ratio_of(found, expected) is not None else alone
        case.required, case.layers = tuple(expected), max(1, len(expected) // 2)
        case.expected = {"m": case.m, **expected}
        self.remarks["sampled"] = sampled(expected)
        case.scalars = {name: value for name, value in values.items() if role_of(name) in _NUMBERS}
        text = "\n".join(ast.unparse(part) for part in (cost.node, self.forward) if part is not None)
        if re.search(r"1e-\d|eps|clip|0\.0{3,}\d", text):
            case.tolerances = dict.fromkeys(expected, 2e-3)
        return Tried(case, alike, cost.node is not None or alike > 0)

    def derivatives(self, at: dict[str, Any], cost: Cost) -> dict[str, Any]:
        """Return the derivatives; what is an entry of the parameters is known by its number alone."""
        found = super().derivatives(at, cost)
        return {re.sub(r"(?i)^d(p|theta|param\w*)(?=@)", "d", key): value for key, value in found.items()}

    def moved(self, path: Path) -> bool:
        """Only parameters are moved."""
        return len(path) > 1 or category(str(path[0])) in {"weights", "bias", "scale", "shift"}


def _usual(kind: str, value: Any) -> bool:
    """Tell whether a value is as networks have it: labels a matrix of 0 and 1, biases rows or columns."""
    if kind == "labels":
        return np.ndim(value) == 2 and bool(np.all((value == 0) | (value == 1)))
    return isinstance(value, np.ndarray) if kind == "data" else kind != "bias" or np.ndim(value) != 1
