"""A training loop of any style: what it adds to its parameters, against the derivative of a cost.

The parameters are the numbers that an iteration changes and that a cost depends on, wherever they lie: in
variables, lists, dictionaries, objects, or outside the function. A cost is any number that the iteration
computes, or one that its outputs and labels imply. Where an optimizer stands between gradient and update,
what it remembers is held against the derivative.
"""

import ast
import builtins
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.execution.namespace import Program
from tinygrad_course.audit.execution.oracle import sampled, slopes_of_costs, smooth
from tinygrad_course.audit.execution.paths import (
    Path,
    at,
    derivative_of,
    duplicate,
    label,
    leaves,
    pairs,
    plain,
    put,
)
from tinygrad_course.audit.execution.protection import TooLongError
from tinygrad_course.audit.execution.stubs import StandInUsedError
from tinygrad_course.audit.kinds.as_made import given_arguments
from tinygrad_course.audit.kinds.base import Assumption, Unfit, words
from tinygrad_course.audit.kinds.candidate_costs import implied
from tinygrad_course.audit.kinds.cases import Array, Case, Draw
from tinygrad_course.audit.kinds.gradient_names import ratio_of, same
from tinygrad_course.audit.kinds.input_layouts import tried
from tinygrad_course.audit.kinds.iterations import ITERATIONS, Iterations, Run
from tinygrad_course.audit.kinds.loop_updates import (
    Candidate,
    Fit,
    MeantError,
    OtherShapesError,
    Slopes,
    Step,
    changed_by,
    fitted,
    in_scale,
    on_the_way,
    remembered,
)
from tinygrad_course.audit.kinds.names_taken import asked
from tinygrad_course.audit.kinds.own_class import method_name, with_methods
from tinygrad_course.audit.kinds.pairing import BACKWARD, COST
from tinygrad_course.audit.kinds.sizes import Sizes
from tinygrad_course.audit.kinds.what_trains import (
    SCRIPT,
    functions_for,
    names_gradients,
    repeated,
    script_function,
    set_up,
    shared_names,
    takes_away,
    updates,
)
from tinygrad_course.audit.reference.comparison import Named
from tinygrad_course.audit.source.argument_kinds import category
from tinygrad_course.audit.source.signatures import JOINT, argument_names, free_names, needed_names, role_of
from tinygrad_course.audit.source.syntax import loops, names_in

_TRIED = 400
"""With how many sets of values a loop is begun at most."""
_FITTED = 3
"""With how many of them its iterations are differentiated."""
_USUAL = {"iterations": ITERATIONS, "lambd": 0.3, "print_cost": False, "learning_rate": 0.1}
_NONE = "its updates are the derivatives of none of the costs that it has or implies"
_COST = re.compile(r"(?i)cost|loss|err|mse|nll|entropy|\bJ\b|kosten|cout|costo|perdida|sunshi")


class AnyLoop(Iterations):
    """The parameters after one iteration."""

    battery = words("distinct distinct")
    trials = 1500

    def __init__(
        self, program: Program, node: ast.FunctionDef, loop: ast.For | ast.While, owner: str = ""
    ) -> None:
        shared, self.owner = shared_names(program, node), owner
        roles = {name: role_of(name, _USUAL) for name in argument_names(node)}
        self._usual = {name: _USUAL[role] for name, role in roles.items() if role}
        """What the function is given though it has a default: the file's own cost and gradient, too."""
        self._usual |= functions_for(program, node)
        # What changes the loop changes the copies that its methods are functions in.
        super().__init__(with_methods(program), set_up(program, node, shared), loop, shared)
        body = self.loop.body
        self.lowers = takes_away(self.program, body) or (not owner and names_gradients(body))
        """Whether its costs are to be lowered: what it calls to update may not be there to be read."""
        self.sizes = Sizes(given_arguments(self.program, node, node.name.partition(JOINT)[0]))
        self.tried_at: tuple[Any, Any] = self.sizes.now, None
        self.given: tuple[int, int] | None = None
        self.found = ""
        """The cost that fits."""
        self.limit, self.problem = _TRIED, Unfit("the loop does not begin")
        self.complete, self.doubt = False, ""
        """Whether all updates are right; why they may be meant so, unless one line makes them right."""

    @property
    def described(self) -> str:
        """Say what the loop is held against."""
        return f"the gradient of {self.found or 'the cost that it implies'}"

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        """Hold an iteration's updates against each cost, in the sizes for which the file is made."""
        return self.sizes.settled(lambda: self._held_against(draw))

    def _held_against(self, draw: Draw) -> Case:
        """Run the loop until an iteration begins, and hold its updates against each cost."""
        new = self.program.functions.get(method_name(self.owner, "__init__")) if self.owner else None
        start = asked(new) if new is not None else []
        maker = self.sizes.maker
        needed = [name for name in needed_names(self.whole) if name not in {"self", *self._usual}]
        outside = self._outside()
        data = [name for name in (argument_names(maker) if maker is not None else ()) if name not in needed]
        problem, tries, fits, seed = self.problem, 0, 0, draw.choice(range(10**6))
        best: tuple[Case, tuple[int, int]] | None = None
        options = self.sizes.layouts()
        if self.tried_at != (self.sizes.now, maker):
            self.tried_at, self.limit = (self.sizes.now, maker), _TRIED
        names = [*dict.fromkeys([*start, *needed, *outside, *data])]
        for key, layout, values in tried(
            names, seed, enumerate(options if names else options[:1]), guess=needed
        ):
            if layout.single or self.given not in (None, key):
                continue
            tries += 1
            if tries > self.limit or fits > _FITTED:
                break
            self.around = {name: values[name] for name in outside}
            try:
                given = {name: values[name] for name in needed} | self._usual
                if maker is not None:
                    counts = {name: one for name, one in self._usual.items() if one == ITERATIONS}
                    given |= self._given(maker, values) | counts
                run = self._begun(given, {name: values[name] for name in start})
            except Unfit as error:
                self.sizes.learn(error.error, layout, values)
                problem = error if tries == 1 else problem
                continue
            self.sizes.learn(run.error, layout, values)
            if isinstance(run.error, TooLongError):
                self.limit, problem = 0, Unfit("an iteration does not come back")
                continue
            if run.error is not None and not (run.ends and isinstance(run.error, StandInUsedError)):
                problem = Unfit.raised(self.whole.name, run.error) if tries == 1 else problem
                continue
            if not run.ends:
                continue
            try:
                made = self._step_case(run, Draw(seed))
            except Unfit as error:
                problem = problem if isinstance(problem, MeantError) else error
                fits += not isinstance(error, OtherShapesError)
                continue
            if self.complete or self.given is not None:
                self.given = key
                self.doubt = self.doubt or made.doubt
                return made
            fits += 1
            if best is None or (best[0].doubt and not made.doubt):
                best = made, key  # labels that fit less may be to blame
        if best is None:
            self.limit = self.limit // 2 if fits else 0  # other numbers, and the same inputs, help seldom
            self.problem = problem
            raise problem
        self.given, self.doubt = best[1], self.doubt or best[0].doubt
        return best[0]

    def _given(self, maker: ast.FunctionDef, values: dict[str, Any]) -> dict[str, Any]:
        """Return what the file itself calls the function with, as far as that can be had."""
        with self._around():
            data = {name: values[name] for name in argument_names(maker)}
            return self.program.call(self.program.define(maker), (), duplicate(data)).result or {}

    def _begun(self, given: dict[str, Any], start: dict[str, Any]) -> Run:
        """Run the loop for a few iterations, in a new object where it stands in a method."""
        with self._around():
            if self.owner and "self" not in given:
                made = self.program.call(self.program.namespace[self.owner], (), duplicate(start))
                given = {"self": Unfit.unless(made, f"{self.owner}(...)"), **given}
            self.last = self.run(given)
            return self.last

    def _outside(self) -> list[str]:
        """Return the data that the code reads from outside and that nothing that is executed sets."""
        called = [name for name in self.program.callees(self.whole.name) if JOINT not in name]
        parts = [self.whole, *map(self.program.functions.__getitem__, called)]
        found = set[str]().union(*(free_names(part, {*self.shared}) for part in parts))
        known = {*self.program.namespace, *vars(builtins)} - {*self.around}
        data = {"data", "labels", "examples", "number"}
        return sorted(name for name in found - known if category(name) in data)

    def _step_case(self, run: Run, draw: Draw) -> Case:
        """Hold an iteration against the costs that it may have or imply."""
        problem, last = Unfit("the loop does not update several arrays"), run.ends[-1]
        for path, value in leaves({**run.starts[0], **dict.fromkeys(self.around)}):
            new = at(last, path)
            if np.ndim(value) and new is not None and np.shape(new) != np.shape(value):
                raise OtherShapesError("its parameters change their shapes")
        # What an optimizer remembers is 0 at the first iteration; later ones have what the first one lacks.
        for place in dict.fromkeys((0, min(1, len(run.ends) - 1))):
            start = {name: run.starts[place][name] for name in run.starts[0] if name in run.starts[place]}
            try:
                return self._fitting(duplicate(start), draw)
            except Unfit as error:
                problem = problem if isinstance(problem, MeantError) else error
        raise problem

    def _fitting(self, start: dict[str, Any], draw: Draw) -> Case:
        """Move the parameters away from kinks and zeros, and hold what an iteration does with them."""
        after = self._iterate_of(start)
        for path, _ in leaves(after):
            if type(at(start, path)) is int:  # b = 0, which has a point after the iteration
                start = put(start, path, float(at(start, path)))
        paired = {of: at(start, of) for of, _ in pairs(start, after)}
        changed = changed_by(start, after) or paired
        if sum(np.size(value) for value in changed.values()) < 2:
            raise Unfit("the loop does not update several arrays")
        before, moved = duplicate(start), duplicate(start)
        for path, value in changed.items():
            moved = put(moved, path, value + 0.1 * draw.array(*np.shape(value)) if np.ndim(value) else value)
        seen, still = self._seen(duplicate(moved)), self._seen(duplicate(before))
        settled = {
            name: value for name, value in seen.items() if np.array_equal(value, still.get(name, np.nan))
        }
        options = [*self._candidates(seen, settled, moved, {*changed})]
        base, parameters = self._costs(options, duplicate(moved)), list[Path]()
        for path, value in changed.items():
            shifted = value + 0.1 * draw.array(*np.shape(value)) if np.ndim(value) else value + 0.1
            other = self._costs(options, put(duplicate(moved), path, shifted))
            if np.any(np.abs(other - base) > 1e-9 * np.abs(base)):
                parameters.append(path)
        if not parameters:
            raise Unfit("no cost of the parameters is computed in the loop, and none is implied")
        copies = [(path, of) for of in parameters for path in changed if plain(path) == plain(of)]
        later = self._iterate_of(moved) if copies else moved
        for path, of in copies:  # W1 may lie in a variable and in a dictionary, the same in both
            if all(np.array_equal(at(one, path), at(one, of)) for one in (before, after, later)):
                start = put(start, path, at(moved, of))
        after = self._iterate_of(start)
        values = {path: np.asarray(at(start, path), dtype=float) for path in parameters}
        # One run of the iteration serves all costs.
        slopes = slopes_of_costs(
            lambda moved: self._costs(options, moved), start, lambda path, _: path in values
        )
        self.remarks["sampled"] = sampled({label(path): one[..., 0] for path, one in slopes.items()})
        number, fit = self._best(options, start, after, slopes, seen)
        self._settle(options[number], fit, after)
        self.parameters = set(parameters)
        expected = {label(path): value for path, value in fit.after.items()}
        way = on_the_way(start, after, fit, {path: one[..., number] for path, one in slopes.items()})
        rows = max((np.shape(value)[0] for value in seen.values() if np.ndim(value) == 2), default=2)
        rows = rows if fit.factor in (1, -1) else round(max(fit.factor, 1 / fit.factor))
        bindings = {**self.around, **{name: start[name] for name in self.shared if name in start}}
        # What is right of the gradients stays so in a repair: of two signs that are wrong, one is changed.
        held = {label(path): path for _, path in pairs(start, after) if label(path) not in expected}
        way = {key: value for key, value in way.items() if key in held}  # not grads["W1"], which W1 is too
        shaped = [key for key in way if np.shape(at(after, held[key])) == np.shape(way[key])]
        kept = {key: held[key] for key in shaped if same(at(after, held[key]), way[key])}
        self.paths |= kept
        made = Case(start, {**way, **expected}, (*kept, *expected), m=rows, bindings=bindings)
        made.doubt = _NONE * fit.doubt
        return made

    def _best(
        self, options: list[Candidate], start: Named, after: Named, slopes: Slopes, seen: Named
    ) -> tuple[int, Fit]:
        """Return the place of the cost that most updates are the derivatives of, and how far they are."""
        moves = {
            path: (np.asarray(value, dtype=float), np.asarray(at(after, path), dtype=float))
            for path, value in changed_by(start, after).items()
        }
        memory = {path: both for path, both in moves.items() if path not in slopes}
        named = {path: np.asarray(at(after, path)) for of, path in pairs(start, after) if of in slopes}
        if not moves:  # no parameter is updated: right are its gradients, then
            memory = {path: (np.zeros_like(value), value) for path, value in named.items()}
        numbers = [float(value) for _, value in leaves(start) if np.ndim(value) == 0]
        rates = self._rates({**start, **after})
        found: list[tuple[tuple[int, bool, bool, bool, bool], int, Fit]] = []
        first: tuple[int, Step] | None = None
        for number, (_, output, implies) in enumerate(options):
            slope = {path: one[..., number] for path, one in slopes.items() if path in moves or not moves}
            slope = {path: one for path, one in slope.items() if np.any(np.abs(one) > 1e-8)}
            slope = {path: one for path, one in slope.items() if label(path) != output}
            if not slope or not all(map(smooth, slope.values())):
                continue
            told = bool(implies or (_COST.search(output) and self.lowers))
            values = {path: moves[path][0] for path in slope if moves}
            steps = {path: moves[path][1] - moves[path][0] for path in values}
            step = Step(slope, values, steps, numbers)
            if told and not implies and moves:
                first = first or (number, step)
            fit = fitted(step, descends=told)
            fit = fit if fit is not None and fit.right else remembered(slope, memory)
            if fit is None or 2 * len(fit.right) < len(fit.after):
                continue
            if told and fit.right == [*values]:
                sums = [
                    (one.name, np.shape(seen[one.output]), ratio)
                    for place, one in enumerate(options)
                    if one.cost
                    and (ratio := ratio_of({path: slopes[path][..., place] for path in slope}, slope))
                ]
                fit = in_scale(fit, step, rates, sums, own=not implies, strict=bool(named) and not self.owner)
            rank = len(fit.right), told, not fit.penalized, implies is None, fit.factor == 1
            found.append((rank, number, fit))
        if not found and first is not None and len({*rates}) == 1:
            step = first[1]
            right = {path: step.values[path] - rates[0] * one for path, one in step.slope.items()}
            return first[0], Fit([], right, doubt=True)
        if not found:
            raise Unfit(_NONE)
        return max(found, key=lambda one: one[0])[1:]

    def _rates(self, variables: dict[str, Any]) -> list[float]:
        """Return the numbers that are learning rates by their names."""
        known = {name: self.program.namespace.get(name) for name in names_in(self.whole)} | variables
        held = [(path, value) for path, value in leaves(known) if np.ndim(value) == 0 and value > 0]
        return [float(value) for path, value in held if role_of(label(path), ["learning_rate"])]

    def _settle(self, candidate: Candidate, fit: Fit, after: dict[str, Any]) -> None:
        """Keep what fits, unless the updates may be meant as they are."""
        if fit.otherwise:
            raise MeantError(fit.otherwise)
        told = any(COST.search(name) for name in self.program.functions if name.endswith(JOINT + self.owner))
        if fit.penalized and (candidate.cost is None or (self.owner and told)):
            raise MeantError(f"its updates have a penalty on the weights that {candidate.name} has not")
        others = [path for path, value in fit.after.items() if path not in fit.right and np.size(value) > 1]
        if any(same(at(after, path), fit.after[path]) for path in others):
            raise MeantError("its steps are too small to tell whether they are the derivatives")
        self.found = candidate.name
        implied = ", which the loop implies" if candidate.cost else ""
        summed = ": a sum over the examples, there is no 1/m in its updates" * fit.summed
        self.remarks = {"cost": f"held against {candidate.name}{implied}{summed}", **self.remarks}
        self.paths = {label(path): path for path in fit.after}
        self.complete = all(same(at(after, path), value) for path, value in fit.after.items())

    def _candidates(
        self, seen: Named, settled: Named, start: Named, changed: set[Path]
    ) -> Iterator[Candidate]:
        """Give the numbers that an iteration computes, and the costs that outputs and set labels imply."""
        names = {label(path) for path in changed}
        of = {plain(path) for path in changed}  # no cost is a derivative
        numbers = [name for name, value in seen.items() if np.size(value) == 1]
        numbers = [name for name in numbers if name not in names or _COST.search(name)]
        numbers = [name for name in numbers if of.isdisjoint(derivative_of((name,)))]
        for name in sorted(numbers, key=lambda name: _COST.search(name) is None)[:12]:
            yield Candidate(name, name, None)
        known = {**self.around, **start, **{"." + name: value for name, value in settled.items()}}
        fixed = [(name, value) for name, value in known.items() if isinstance(value, np.ndarray)]
        fixed = [one for one in fixed if one[1].size > 1 and (one[0],) not in changed]
        fixed = [one for one in fixed if not re.search(r"(?i)grad|delta", one[0])]  # which are no labels
        labels = [one for one in fixed if category(one[0].lstrip(".")) == "labels"]
        for name, target in labels or [one for one in fixed if category(one[0]) == ""]:
            for output in reversed(list(seen)):
                same = np.shape(seen[output]) == np.shape(target) and np.size(target) > 1
                shape = np.shape(seen[output])
                classes = len(shape) == 2 and np.ndim(target) == 1 and len(target) in shape
                derivative = re.match(r"(?i)d[A-Z_]|.*(delta|error|grad)", output) or output in names
                if (same or classes) and not derivative and output != name.lstrip("."):
                    for words, cost in implied(seen[output], target).items():
                        yield Candidate(f"{words} of {output} and {name.lstrip('.')}", output, cost)

    def _costs(self, options: list[Candidate], start: dict[str, Any]) -> Array:
        """Run an iteration in its variables, and return each cost."""
        seen = self._seen(start)

        def value(one: Candidate) -> float:
            if one.output not in seen:
                return np.nan
            number = seen[one.output] if one.cost is None else one.cost(seen[one.output])
            return float(np.squeeze(number))

        with np.errstate(all="ignore"):
            return np.array([value(one) for one in options])


def any_loops(program: Program, judged: set[str]) -> Iterator[tuple[str, Iterator[AnyLoop]]]:
    """Give the name of each function or method that trains, and its loops, the inner ones first."""
    made = with_methods(program)
    script = script_function(program)
    for name, node in [*made.own.items(), *([(SCRIPT, script)] if script is not None else [])]:
        if name not in judged and not (BACKWARD.search(name.lower()) or name.startswith("__")):
            found = [loop for loop in reversed(loops(node)) if updates(made, loop.body)]
            whole = [] if found or not updates(made, node.body) else [repeated(node)]
            owner = name.partition(JOINT)[2]
            loop_in = [*((node, loop) for loop in found), *((one, loops(one)[0]) for one in whole)]
            yield name, (AnyLoop(program, whole, loop, owner) for whole, loop in loop_in)
