"""A backward function of any style, against the derivative of the forward function that goes with it.

Nothing is asked of names but what tells gradients from other values. What the code is given is found by
running it: the first values with which both passes run, and with which most of the gradients are right.
"""

import ast
import builtins
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.execution.namespace import Program
from tinygrad_course.audit.execution.oracle import slopes
from tinygrad_course.audit.execution.paths import duplicate, leaves, unshared
from tinygrad_course.audit.kinds.base import Assumption, words
from tinygrad_course.audit.kinds.cases import Case, Draw
from tinygrad_course.audit.kinds.gradient_names import (
    GRADIENT,
    find,
    implied,
    numeric,
    of_its_own,
    parts_of,
    same,
    up_to_a_factor,
)
from tinygrad_course.audit.kinds.input_layouts import Layout, category, inputs, layouts
from tinygrad_course.audit.kinds.own_class import JOINT, method_name, shown_name
from tinygrad_course.audit.kinds.own_network import OwnNetwork, Unfit, ratio_of
from tinygrad_course.audit.source.signatures import argument_names, needed_names
from tinygrad_course.audit.source.syntax import names_in, names_of, nodes, returned, stored_names

TRIES, DIFFERENTIATED = 2500, 10
"""How many sets of values are tried, and with how many of them the forward function is differentiated."""
_CACHE = re.compile(r"(?i)cache\w*|ctx|memory|saved?|store\w*|context|tape")


@dataclass
class _Tried:
    """Values with which both functions ran."""

    case: Case
    right: int
    """How many of the gradients are right."""
    proved: bool
    """Whether those that are wrong can only be mistakes."""
    for_one: bool = False
    """Whether they are wrong by having an axis for the examples: the function may be meant for one."""

    @property
    def rank(self) -> tuple[int, bool]:
        """Order what was tried: the more is right, the better."""
        return self.right, not self.for_one

    @property
    def complete(self) -> bool:
        """Whether all gradients are right."""
        return self.right == len(self.case.required)


class _Taken(NamedTuple):
    """The names for which values are looked for."""

    start: list[str]
    """What a new object takes."""
    forward: list[str]
    outside: list[str]
    """The variables that the functions read, and that nothing in the file sets or that are sizes."""
    back: list[str]
    upstream: str | None
    """The argument of the backward function that is the derivative of the output."""

    @property
    def looked_for(self) -> list[str]:
        """Return all of them once."""
        back = [name for name in self.back if name != self.upstream and not _CACHE.fullmatch(name)]
        return list(dict.fromkeys([*self.start, *self.forward, *self.outside, *back]))


class AnyBackward(OwnNetwork):
    """The gradients of one function, method or layer, whatever it takes and returns."""

    battery = words("distinct distinct distinct")
    trials = 1500
    owns = True
    forward: ast.FunctionDef

    def __init__(
        self, program: Program, node: ast.FunctionDef, forward: ast.FunctionDef, owner: str = ""
    ) -> None:
        self.program, self.node, self.forward, self.owner = program, node, forward, owner
        self.initial, self.cost, self.rows, self.units = None, "", False, 1
        self.place: tuple[int, int] | None = None
        """The layout, and the place in it, of the values that fit."""
        self.remark = ""
        self.kept_in: dict[str, str] = {}
        self.differentiated = 0
        """With how many sets of values the forward function was differentiated."""

    @property
    def described(self) -> str:
        """Say what it is held against."""
        return "the derivative of " + ("its own cost" if self.together else self.forward.name)

    @property
    def together(self) -> bool:
        """Whether one function returns the cost and its gradients."""
        return self.forward is self.node

    def involved(self) -> list[str]:
        """Return its own name: a forward function is not proved by its derivative."""
        return [self.node.name]

    def judge(self, values: Mapping[str, Any], case: Case) -> tuple[list[str], list[str]]:
        """Say what was allowed for."""
        return [], [self.remark] if self.remark else []

    def _taken(self) -> _Taken:
        new = self.program.functions.get(method_name(self.owner, "__init__")) if self.owner else None
        forward = _asked(self.forward)
        back = [name for name in _asked(self.node) if name not in forward]
        sizes = {
            name
            for name, value in self.program.namespace.items()
            if isinstance(value, int) and category(name) in {"inputs", "hidden", "outputs"}
        }
        known = {*self.program.namespace, *vars(builtins)} - sizes
        outside: set[str] = set()
        for node in (self.node, self.forward):
            local = {*stored_names(node), *argument_names(node)}
            local |= {one.name for one in nodes(node, ast.FunctionDef)}
            outside |= names_in(node) - local - known
        start = _asked(new) if new is not None else []
        return _Taken(start, forward, sorted(outside), back, _upstream(back, method=bool(self.owner)))

    def _settings(
        self, names: list[str], seed: int
    ) -> Iterator[tuple[tuple[int, int], Layout, dict[str, Any]]]:
        """Give values to try, the likeliest first; those alone that fitted before."""
        for number, layout in enumerate(layouts()):
            for place, values in enumerate(inputs(names, seed, layout)):
                if self.place in (None, (number, place)):
                    yield (number, place), layout, values

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        """Find values with which both functions run, and differentiate the forward function there."""
        taken, seed = self._taken(), draw.choice(range(10**6))
        best: tuple[_Tried, tuple[int, int]] | None = None
        problem: Unfit | None = None
        self.differentiated = 0
        for tries, (key, layout, values) in enumerate(self._settings(taken.looked_for, seed)):
            if tries > TRIES or self.differentiated >= DIFFERENTIATED:
                break
            for_one = best is not None and best[0].for_one
            if best is not None and layout.single != for_one:
                continue  # a sum over one example is its mean; an axis too many tells of a function for one
            try:
                tried = self._tried(learner, Draw(seed + 1), values, taken)
            except Unfit as error:
                problem = max(problem or error, error, key=self._told)
                continue
            if best is None or tried.rank > best[0].rank:
                best = tried, key
            if tried.complete and tried is best[0]:
                if layout.single and for_one and not self._one_by_one():
                    raise Unfit("it is right for one example, and not for several at a time")
                break
        if best is None:
            raise problem or Unfit("it takes nothing that was tried")
        if not best[0].proved:
            name = shown_name(self.forward.name)
            none = Unfit(f"none of its gradients is that of {name}; they may be meant otherwise")
            raise max(none, problem or none, key=self._told)
        self.place = best[1]
        return best[0].case

    def _told(self, problem: Unfit) -> int:
        """Tell how much a problem says: that the forward function raises, is least."""
        if problem.error is not None:
            return 2 if problem.args[0].startswith(f"{self.node.name} raises") and not self.together else 0
        return 3 if problem.args[0].endswith("times") else 1

    def _tried(self, learner: Learner, draw: Draw, values: dict[str, Any], taken: _Taken) -> _Tried:
        """Run both functions, differentiate the forward function, and weigh what the other one gives."""
        outside = {name: values[name] for name in taken.outside}
        theta: dict[str, Any] = {name: values[name] for name in taken.forward}
        if self.owner:
            given = {name: values[name] for name in taken.start}
            with self.program.bound(outside):
                outcome = learner.program.call(self.program.namespace[self.owner], (), duplicate(given))
            if outcome.error is not None:
                raise Unfit.raised(f"{self.owner}(...)", outcome.error)
            theta["self"] = outcome.result
        known = {path for path, _ in leaves({**theta, **outside})}
        held = duplicate(theta)
        output = parts_of(self._called(learner, {**held, **outside}, outside))
        place, weight, arguments = self._passed(output, held, values, draw, taken.upstream)
        costs = [weight]
        if weight is None:
            labels = [value for name, value in arguments.items() if category(name) == "labels"]
            costs = [*implied(output[place], labels[0])] if labels else []
            costs = costs or [*self._elementwise(learner, {**theta, **outside}, outside, output[place])]
        if not costs:
            raise Unfit(f"no argument of {self.node.name} is the derivative of an output")
        if any(np.asarray(part).dtype.itemsize < 8 for part in output if numeric(part)):
            raise Unfit("it computes in single precision")
        passed = duplicate(arguments)
        with self.program.bound(outside):
            result = self._run(learner, self.node, passed)
        fixed = {name for name in values if category(name) in {"labels", "settings", "number", "epsilon"}}
        self.differentiated += 1
        best: _Tried | None = None
        for cost in costs:

            def J(at: Any, cost: Any = cost) -> float:
                part = parts_of(self._called(learner, at, outside))[place]
                return float(cost(part) if callable(cost) else np.sum(cost * part))

            wanted = known - {path for path in known if path[0] in fixed or not of_its_own(path)}
            gradient = slopes(J, {**theta, **outside}, lambda path, _: path in wanted)  # noqa: B023 - used at once
            if gradient is None:
                raise Unfit("a kink is too near")
            moved = {path: value for path, value in gradient.items() if np.any(np.abs(value) > 1e-9)}
            values_of = dict(leaves({**theta, **outside}))
            named = unshared(moved, values_of)
            case = Case(arguments, {"d" + name: value for name, value in named.items()}, ())
            case.bindings = outside
            if self.together:
                case.expected["cost"] = output[place]
            found = self.gradients(result, arguments, passed, case.expected)
            if callable(cost):
                case.expected = up_to_a_factor(found, case.expected, descends=self._descends())
            tried = self._weighed(learner, case, found, values, taken.upstream)
            if best is None or tried.right > best.right:
                best = tried
                if callable(cost):
                    self.remark = f"held against {cost.__doc__}, which {shown_name(self.node.name)} implies"
        assert best is not None  # noqa: S101 - there is a cost
        return best

    def _weighed(
        self,
        learner: Learner,
        case: Case,
        found: dict[str, Any],
        values: dict[str, Any],
        upstream: str | None,
    ) -> _Tried:
        """Tell which of the gradients that were found are right, and whether the others can only be wrong."""
        expected = case.expected
        if not found:
            raise Unfit("its gradients are not found")
        right = [key for key in found if same(found[key], expected[key])]
        others = {key: expected[key] for key in found if key not in right}
        case.required = tuple(key for key in expected if key in found)
        if not others:
            return _Tried(case, len(right), True)
        ratio = ratio_of(found, others)
        sizes = {size for value in values.values() for size in np.shape(value) if size > 1}
        if ratio is not None and not self.together:
            told = any(abs(ratio * size - 1) < 1e-3 or abs(ratio / size - 1) < 1e-3 for size in sizes)
            if right and told and len(others) > 1:  # dW and db have 1/m, dX has not
                case.expected |= {key: value * ratio for key, value in others.items()}
                self.remark = f"{', '.join(others)} are {ratio:.4g} times the derivatives"
                return _Tried(case, len(found), True)
            if not right and ratio < 0 and (upstream is not None or self._descends()):
                return _Tried(case, 0, True)
            if not right:
                raise Unfit(f"it gives the derivative of {self.forward.name}, {ratio:.4g} times")
        linear = upstream is not None and self._linear(learner, case, found, upstream)
        wide = (np.size(found[key]) / max(1, np.size(expected[key])) for key in others)
        for_one = any(times > 1 and times in sizes for times in wide)
        return _Tried(case, len(right), bool(right) or self.together or linear, for_one)

    def _elementwise(
        self, learner: Learner, theta: dict[str, Any], outside: dict[str, Any], output: Any
    ) -> Iterator[Any]:
        """Give the weights 1 where each output depends on the entry at its place alone: of activations."""
        weights = Draw(1).array(*np.shape(output))
        found: list[Any] = []
        for weight in (np.ones(np.shape(output)), weights):

            def J(at: Any, weight: Any = weight) -> float:
                return float(np.sum(weight * parts_of(self._called(learner, at, outside))[0]))

            gradient = slopes(J, theta, lambda path, _: len(path) == 1 and category(path[0]) == "data")
            found += [value for value in (gradient or {}).values() if np.shape(value) == np.shape(output)]
        if len(found) == 2 and np.allclose(found[1], weights * found[0], rtol=1e-5, atol=1e-7):
            yield np.ones(np.shape(output))

    def _linear(self, learner: Learner, case: Case, found: dict[str, Any], upstream: str) -> bool:
        """Tell whether the gradients double with the derivative that is passed on."""
        passed = duplicate(case.values)
        if upstream not in passed or any(np.array_equal(one, passed[upstream]) for one in found.values()):
            return False
        passed[upstream] = 2 * passed[upstream]
        with self.program.bound(case.bindings):
            result = self._run(learner, self.node, passed)
        twice = self.gradients(result, case.values, passed, case.expected)
        return all(key in twice and same(twice[key], 2 * np.asarray(one)) for key, one in found.items())

    def _descends(self) -> bool:
        """Tell whether the file takes something away from parameters: then gradients are to point upwards."""
        trees = [*self.program.functions.values(), *self.program.submission.script]
        taken: list[ast.expr] = []
        for tree in trees:
            taken += [one.target for one in nodes(tree, ast.AugAssign) if isinstance(one.op, ast.Sub)]
            taken += [one.right for one in nodes(tree, ast.BinOp) if isinstance(one.op, ast.Sub)]
        rate = re.compile(r"(?i)\b(eta|lr|alpha|learning_?rate|step_?size|rate)\b|grad|nabla")
        return any(rate.search(ast.unparse(one)) for one in taken)

    def _one_by_one(self) -> bool:
        """Tell whether the file itself calls the function for one example after the other."""
        name = self.node.name.split(JOINT)[0]
        bodies = [loop for node in self.program.functions.values() for loop in nodes(node, ast.For)]
        called = [call.func for loop in bodies for call in nodes(loop, ast.Call)]
        return any(getattr(function, "attr", getattr(function, "id", "")) == name for function in called)

    def _called(self, learner: Learner, theta: dict[str, Any], outside: dict[str, Any]) -> Any:
        here = {name: value for name, value in theta.items() if name not in outside}
        with self.program.bound({name: theta[name] for name in outside}):
            return self._run(learner, self.forward, here)

    def _passed(
        self,
        parts: list[Any],
        held: dict[str, Any],
        values: dict[str, Any],
        draw: Draw,
        upstream: str | None,
    ) -> tuple[int, Any, dict[str, Any]]:
        """Return the output's place, its weight (None where none is given), and the other's arguments."""
        numbers = [place for place, part in enumerate(parts) if numeric(part)]
        scalars = [place for place in numbers if np.ndim(parts[place]) == 0]
        if not numbers:
            raise Unfit(f"{self.forward.name} gives no numbers")
        if self.together:
            if not scalars or len(parts) < 2:
                raise Unfit(f"{self.forward.name} gives no cost with its gradients")
            return scalars[0], 1.0, dict(held)
        names, first = names_of(returned(self.forward), len(parts)), numbers[0]
        arguments: dict[str, Any] = {}
        for name in argument_names(self.node):
            data = next((key for key in held if category(key) == "data"), "")
            if name == upstream:
                if np.ndim(parts[first]) or name in needed_names(self.node):
                    arguments[name] = draw.array(*np.shape(parts[first]))
            elif name in held:
                arguments[name] = held[name]
            elif _CACHE.fullmatch(name) and len(parts) > 1:
                arguments[name] = duplicate(parts[-1])
            elif name in names:
                arguments[name] = duplicate(parts[names.index(name)])
            elif category(name) == "data" and data:
                arguments[name] = held[data]
            elif name in values:
                arguments[name] = values[name]
        lacking = [name for name in needed_names(self.node) if name not in arguments]
        if lacking:
            raise Unfit(f"what {', '.join(lacking)} should be is not told by the name")
        weight = arguments.get(upstream) if upstream is not None else None
        return first, 1.0 if weight is None and not np.ndim(parts[first]) else weight, arguments

    def gradients(
        self, result: Any, before: Mapping[str, Any], after: Mapping[str, Any], expected: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the gradients by their names, returned or kept; the others by shapes that no two share."""
        asked = {key: value for key, value in expected.items() if key != "cost"}
        found, kept_in = find(self.node, result, after.get("self"), asked)
        self.kept_in |= kept_in
        numbers = [part for part in parts_of(result) if numeric(part) and np.ndim(part) == 0]
        return {**found, **({"cost": numbers[0]} if "cost" in expected and found and numbers else {})}


def _asked(node: ast.FunctionDef) -> list[str]:
    """Return the arguments that have to be given, and those that change what is computed."""
    telling = {"number", "settings", "labels"}
    names, needed = argument_names(node), needed_names(node)
    return [name for name in names if name != "self" and (name in needed or category(name) in telling)]


def _upstream(names: list[str], *, method: bool) -> str | None:
    """Return the argument that is the derivative of the output: no data, dims or decay."""
    known = {"labels", "number", "data", "weights", "flag", "settings", "count", "sizes"}
    asked = [name for name in names if not _CACHE.fullmatch(name) and category(name) not in known]
    told = [name for name in asked if GRADIENT.match(name) or re.search(r"(?i)error|upstream", name)]
    return told[0] if told else asked[0] if method and len(asked) == 1 else None
