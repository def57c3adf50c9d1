"""A training loop without a cost of its own: each update, against the derivative of the cost that it implies.

The parameters are what an iteration changes and the next one begins with. Of the outputs and labels that the
iteration has one cost is looked for, whose derivatives the updates are, all times one number.
"""

import ast
import builtins
import copy
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.execution.namespace import Program
from tinygrad_course.audit.execution.oracle import slopes
from tinygrad_course.audit.execution.paths import duplicate, pairs
from tinygrad_course.audit.execution.protection import same_draws
from tinygrad_course.audit.execution.stubs import StandInUsedError
from tinygrad_course.audit.kinds.base import Assumption
from tinygrad_course.audit.kinds.cases import Array, Case, Draw
from tinygrad_course.audit.kinds.gradient_names import implied
from tinygrad_course.audit.kinds.input_layouts import category, inputs, layouts, sizes_in
from tinygrad_course.audit.kinds.own_network import Unfit, ratio_of
from tinygrad_course.audit.kinds.training_steps import ONCE, TrainingStep, loops_of
from tinygrad_course.audit.source.signatures import argument_names, needed_names
from tinygrad_course.audit.source.syntax import definition, names_in, nodes, stored_names

SEEN = "__tinygrad_seen__"
_TRIED = 150
"""With how many sets of values a loop is begun at most."""
_FITTED = 3
"""With how many of them its iterations are differentiated."""


@dataclass
class _Fit:
    """How far the updates of an iteration are the derivatives of a cost."""

    right: list[str]
    after: dict[str, Array]
    """The parameters after a right update."""
    other_rate: bool
    """Whether several of the others are the derivatives times a second number: two learning rates."""


class AnyLoop(TrainingStep):
    """The parameters after one iteration."""

    trials = 1500

    def __init__(self, program: Program, node: ast.FunctionDef, loop: ast.For | ast.While) -> None:
        super().__init__(program, node, loop)
        self.given: tuple[int, int] | None = None
        self.found: tuple[str, str, str] | None = None
        """The output, the labels and the cost that fit."""
        self.remark = ""
        self.around: dict[str, Any] = {}
        """The data that the function reads from outside."""
        self._watching: dict[tuple[str, ...], Callable[..., Any]] = {}

    @property
    def described(self) -> str:
        """Say what the loop is held against."""
        return f"the gradient of {self.found[2] if self.found else 'the cost that it implies'}"

    def mistakes(self, draw: Draw) -> list[tuple[str, str, int]]:
        """Return no mistakes beside those of the updates."""
        return []

    def assumptions(self, learner: Learner) -> list[Assumption]:
        """There is one reading."""
        return [{}]

    def judge(self, values: Mapping[str, Any], case: Case) -> tuple[list[str], list[str]]:
        """Say which cost was implied."""
        return [], [self.remark] if self.remark else []

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        """Run the loop until an iteration begins, and hold its updates against each implied cost."""
        needed, outside = needed_names(self.whole), self._outside()
        problem, tries, fits, seed = Unfit("the loop does not begin"), 0, 0, draw.choice(range(10**6))
        told = sizes_in(self.whole, self.program.namespace)
        options = [layout for sizes in dict.fromkeys((told, (2, 2), (2, 1))) for layout in layouts(*sizes)]
        for number, layout in enumerate(options if needed or outside else options[:1]):
            if layout.single or (self.given is not None and self.given[0] != number):
                continue
            for place, values in enumerate(inputs([*needed, *outside], seed, layout)):
                if self.given is not None and self.given[1] != place:
                    continue
                tries += 1
                if tries > _TRIED:
                    raise problem
                self.around = {name: values[name] for name in outside}
                self.program.namespace.update(self.around)
                run = self.run({name: values[name] for name in needed})
                if run.error is not None and not (run.ends and isinstance(run.error, StandInUsedError)):
                    problem = Unfit.raised(self.whole.name, run.error) if tries == 1 else problem
                    continue
                if not run.ends:
                    continue
                try:
                    made = self._step_case(run.starts[min(1, len(run.ends) - 1)], {*run.starts[0]})
                except Unfit as error:
                    problem, fits = error, fits + 1
                    if fits > _FITTED:
                        raise
                    continue
                self.given = number, place
                return made
        raise problem

    def _outside(self) -> list[str]:
        """Return the data that the function reads and that a statement outside functions would set."""
        local = {*stored_names(self.whole), *argument_names(self.whole)}
        free = names_in(self.whole) - local - {*self.program.namespace, *vars(builtins)} | {*self.around}
        return sorted(name for name in free if category(name) in {"data", "labels", "examples", "number"})

    def _step_case(self, start: dict[str, Any], first: set[str]) -> Case:
        """Hold an iteration against the costs that it may imply; `first` is what the first one began with."""
        after = self._iterate_of(start)
        changed = {
            name: np.asarray(value)
            for name, value in start.items()
            if name in first
            and _array(value)
            and name in after
            and np.shape(after[name]) == np.shape(value)
            and not np.array_equal(after[name], value)
        }
        read = {name for part in self.loop.body for name in names_in(part)}
        parameters = {name: value for name, value in changed.items() if name in read}
        if sum(value.size > 1 for value in parameters.values()) < 2:
            raise Unfit("the loop does not update several arrays")
        steps = {name: np.asarray(after[name], dtype=float) - value for name, value in parameters.items()}
        seen = self._seen(start)
        options = [
            (output, labels, cost)
            for output, labels in _pairs(seen, {**self.around, **start})
            for cost in implied(seen[output], {**self.around, **start}[labels])
            if output not in parameters and self.found in (None, (output, labels, str(cost.__doc__)))
        ]
        best: tuple[_Fit, tuple[str, str, str]] | None = None
        way: dict[str, Array] = {}
        for (output, labels, cost), slope in zip(
            options, self._slopes(start, parameters, options), strict=True
        ):
            fit = _fit(slope, parameters, steps)
            if fit is not None and (best is None or len(fit.right) > len(best[0].right)):
                best = fit, (output, labels, str(cost.__doc__))
                way = self._on_the_way(start, after, fit, slope)
        if best is None or 2 * len(best[0].right) < len(best[0].after):
            raise Unfit(
                "no cost is computed in the loop, and its updates are those of none of the usual ones"
            )
        if best[0].other_rate:
            raise Unfit(
                "its updates are the derivatives of a cost, some times another number than the others"
            )
        right, self.found = best[0].after, best[1]
        self.remark = (
            f"held against {self.found[2]} of {self.found[0]} and {self.found[1]}, which the loop implies"
        )
        rows = max((np.shape(value)[0] for value in seen.values() if np.ndim(value) == 2), default=2)
        return Case(dict(start), {**way, **right}, tuple(right), m=rows, bindings=dict(self.around))

    @staticmethod
    def _on_the_way(
        start: dict[str, Any], after: dict[str, Any], fit: _Fit, slope: dict[str, Array]
    ) -> dict[str, Array]:
        """Return what the gradients are that have a name, up to the factor that right ones have."""
        names = {str(at[0]): str(path[0]) for at, path in pairs(start, after) if len(at) == len(path) == 1}
        held = {name: names[name] for name in fit.after if name in names}
        steps = {name: fit.after[name] - start[name] for name in held}
        ratios = [ratio_of({"": after[held[name]]}, {"": steps[name]}) for name in held if name in fit.right]
        if (
            not ratios
            or ratios[0] is None
            or any(one is None or abs(one / ratios[0] - 1) > 1e-3 for one in ratios)
        ):
            return {}
        return {key: ratios[0] * steps[name] for name, key in held.items()}

    def _slopes(
        self,
        start: dict[str, Any],
        parameters: dict[str, Array],
        options: list[tuple[str, str, Callable[[Any], Any]]],
    ) -> list[dict[str, Array]]:
        """Return the derivatives of each cost: one run of the iteration serves them all; none at a kink."""

        def costs(at: dict[str, Array]) -> Array:
            seen = self._seen({**start, **at})
            return np.array([cost(seen[output]) for output, _, cost in options])

        found = slopes(costs, parameters) if options else {}
        if found is None:
            raise Unfit("the cost is at a kink")
        return [{name: found[name,][..., number] for name in parameters} for number in range(len(options))]

    def _seen(self, start: Mapping[str, Any]) -> dict[str, Any]:
        """Run one iteration, and return what each variable was when it was first set."""
        found: dict[str, Any] = {}

        def keep(name: str, value: Any) -> None:
            if name not in found and _array(value):
                found[name] = np.array(value)

        names = tuple(sorted(start))
        if names not in self._watching:
            self._watching[names] = self.program.define(self._watched(names))
        with self.program.bound({SEEN: keep}), same_draws(2):
            outcome = self.program.call(self._watching[names], (), duplicate(dict(start)))
        if outcome.error is not None:
            raise Unfit.raised("an iteration", outcome.error)
        return found

    def _watched(self, names: tuple[str, ...]) -> ast.FunctionDef:
        """Return the iteration as a function that tells of each variable when it is set."""
        made = definition(
            f"def {self.whole.name}({', '.join(names)}):\n    for {ONCE} in (0,):\n        pass"
        )
        inner = made.body[0]
        assert isinstance(inner, ast.For)  # noqa: S101 - the text is ours
        inner.body = []
        for part in self.loop.body:
            inner.body.append(copy.deepcopy(part))
            for name in dict.fromkeys(stored_names(part)):
                # What a branch that is not taken sets is not there.
                inner.body += ast.parse(f"{SEEN}({name!r}, locals().get({name!r}))").body
        return ast.fix_missing_locations(made)

    def read(self, result: Any, expression: ast.expr | None, case: Case) -> dict[str, Any]:
        """Read the parameters at the end."""
        return {name: result[name] for name in case.required if name in result}


def _fit(slope: dict[str, Array], parameters: dict[str, Array], steps: dict[str, Array]) -> _Fit | None:
    """Tell which updates are the derivatives times one number, which most of them have."""
    terms = {name: _terms(steps[name], slope[name], value) for name, value in parameters.items()}
    several = [one for name, one in terms.items() if parameters[name].size > 1]
    rates = dict.fromkeys(one[0] for one in several if one is not None and one[0] < 0)
    fits = [_at_rate(rate, terms, slope, parameters) for rate in rates]
    return max(fits, key=lambda fit: len(fit.right), default=None)


def _terms(step: Array, slope: Array, value: Array) -> tuple[float, float] | None:
    """Return the numbers times which the derivative, and of a penalty the parameter, are the update."""
    rate = ratio_of({"": step}, {"": slope})
    if rate is not None:
        return rate, 0.0
    both = np.stack([np.ravel(slope), np.ravel(value)], axis=1)
    found = np.linalg.lstsq(both, np.ravel(step))[0]
    exact = np.allclose(both @ found, np.ravel(step), rtol=1e-3, atol=1e-5 * np.max(np.abs(step), initial=0))
    return (float(found[0]), float(found[1])) if exact and value.size > 3 and -1 < found[1] < 0 else None


def _at_rate(
    rate: float,
    terms: dict[str, tuple[float, float] | None],
    slope: dict[str, Array],
    parameters: dict[str, Array],
) -> _Fit:
    """Tell which updates are the derivatives times a number, a penalty on the weights allowed for."""
    right = [name for name, one in terms.items() if one is not None and abs(one[0] / rate - 1) < 1e-3]
    # One number is a multiple of any other: it says something where the multiple is that of the others.
    terms = {name: one for name, one in terms.items() if parameters[name].size > 1 or name in right}
    known = {name: one[1] for name, one in terms.items() if one is not None and name in right}
    penalty = next((decay for decay in known.values() if decay), 0.0)
    after: dict[str, Array] = {}
    for name, value in [(name, parameters[name]) for name in terms]:
        # A penalty on the weights has none on the biases.
        decay = known.get(name, penalty if value.ndim > 1 and min(value.shape) > 1 else 0.0)
        after[name] = value + rate * slope[name] + decay * value
    others = [one[0] if one is not None else None for name, one in terms.items() if name not in right]
    second = others[0] if len(others) > 1 else None
    same = second is not None and all(one is not None and abs(one / second - 1) < 1e-3 for one in others)
    return _Fit(right, after, same)


def _array(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def _pairs(seen: Mapping[str, Any], start: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Give the outputs and labels of an iteration, the last output first."""
    labels = [name for name, value in start.items() if category(name) == "labels" and np.size(value) > 1]
    for name in labels:
        for output in reversed(list(seen)):
            same = np.shape(seen[output]) == np.shape(start[name])
            classes = np.ndim(seen[output]) == 2 and np.shape(start[name]) == np.shape(seen[output])[:1]
            if (same or classes) and not re.match(r"(?i)d[A-Z_]|.*(delta|error|grad)", output):
                yield output, name


def any_loops(program: Program, judged: set[str]) -> Iterator[AnyLoop]:
    """Give the loops of a file that update arrays, where nothing else judges them."""
    found = loops_of(program, _updates)
    return (AnyLoop(program, node, loop) for node, loop in found if node.name not in judged)


def _updates(loop: ast.For | ast.While) -> bool:
    """Tell whether arrays are updated and products taken in a loop."""
    updates = {one.target.id for one in nodes(loop, ast.AugAssign) if isinstance(one.target, ast.Name)}
    for one in nodes(loop, ast.Assign):
        updates |= {*stored_names(one)} & names_in(one.value)
    return (
        len(updates) > 1
        and re.search(r"dot\(| @ |matmul", "\n".join(map(ast.unparse, loop.body))) is not None
    )
