"""A training loop of any style: what it adds to its parameters, against the derivative of a cost.

The parameters are the numbers that an iteration changes and that a cost depends on, wherever they lie: in
variables, lists, dictionaries, objects, or outside the function. A cost is any number that the iteration
computes, or one that its outputs and labels imply. Where an optimizer stands between gradient and update,
what it remembers is held against the derivative.
"""

import ast
import builtins
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.execution.namespace import Program
from tinygrad_course.audit.execution.oracle import STEP
from tinygrad_course.audit.execution.paths import Path, at, duplicate, label, leaves, put
from tinygrad_course.audit.execution.protection import TooLongError
from tinygrad_course.audit.execution.stubs import StandInUsedError
from tinygrad_course.audit.kinds.base import Assumption, words
from tinygrad_course.audit.kinds.cases import Array, Case, Draw
from tinygrad_course.audit.kinds.gradient_names import implied, same
from tinygrad_course.audit.kinds.input_layouts import inputs, layouts
from tinygrad_course.audit.kinds.loop_updates import (
    Candidate,
    Fit,
    MeantError,
    OtherShapesError,
    changed_by,
    fitted,
    on_the_way,
    remembered,
)
from tinygrad_course.audit.kinds.names_taken import asked
from tinygrad_course.audit.kinds.own_class import method_name, with_methods
from tinygrad_course.audit.kinds.own_network import BACKWARD, COST, Unfit
from tinygrad_course.audit.kinds.training_steps import HELD, SCRIPT, Run, TrainingStep, script_function
from tinygrad_course.audit.kinds.what_trains import (
    repeated,
    set_up,
    shared_names,
    sizes_in,
    takes_away,
    updates,
)
from tinygrad_course.audit.source.argument_kinds import category
from tinygrad_course.audit.source.signatures import JOINT, argument_names, needed_names
from tinygrad_course.audit.source.syntax import loops, names_in, nodes, stored_names

SEEN = "__tinygrad_seen__"
_TRIED = 150
"""With how many sets of values a loop is begun at most."""
_FITTED = 3
"""With how many of them its iterations are differentiated."""
_ENTRIES = 200
"""Of how many numbers a loop may have as parameters."""
_COST = re.compile(r"(?i)cost|loss|err|mse|nll|entropy|\bJ\b|kosten|cout|costo|perdida|sunshi")


class AnyLoop(TrainingStep):
    """The parameters after one iteration."""

    battery = words("distinct distinct")
    trials = 1500

    def __init__(
        self, program: Program, node: ast.FunctionDef, loop: ast.For | ast.While, owner: str = ""
    ) -> None:
        self.shared = shared_names(program, node)
        super().__init__(program, set_up(program, node, self.shared), loop)
        self.owner = owner
        # What changes the loop changes the copies that its methods are functions in.
        self.program = with_methods(program)
        self.program.namespace[HELD] = self._held
        self.given: tuple[int, int] | None = None
        self.found = ""
        """The cost that fits."""
        self.remark = ""
        self.limit, self.problem = _TRIED, Unfit("the loop does not begin")
        self.complete = False
        """Whether all updates are right."""
        self.around: dict[str, Any] = {}
        """The data that the function reads from outside."""
        self._watching: dict[tuple[str, ...], Callable[..., Any]] = {}

    @property
    def described(self) -> str:
        """Say what the loop is held against."""
        return f"the gradient of {self.found or 'the cost that it implies'}"

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
        """Run the loop until an iteration begins, and hold its updates against each cost."""
        new = self.program.functions.get(method_name(self.owner, "__init__")) if self.owner else None
        start = asked(new) if new is not None else []
        needed = [name for name in needed_names(self.whole) if name != "self"]
        outside = self._outside()
        problem, tries, fits, seed = self.problem, 0, 0, draw.choice(range(10**6))
        best: tuple[Case, tuple[int, int]] | None = None
        asked_for = sizes_in(self.whole, self.program.namespace), (2, 2), (2, 1)
        options = [layout for sizes in dict.fromkeys(asked_for) for layout in layouts(*sizes)]
        names = [*dict.fromkeys([*start, *needed, *outside])]
        for number, layout in enumerate(options if names else options[:1]):
            if layout.single or (self.given is not None and self.given[0] != number):
                continue
            for place, values in enumerate(inputs(names, seed, layout, guess=needed)):
                if self.given is not None and self.given[1] != place:
                    continue
                tries += 1
                if tries > self.limit or fits > _FITTED:
                    break
                self.around = {name: values[name] for name in outside}
                try:
                    given = {name: values[name] for name in needed}
                    run = self._begun(given, {name: values[name] for name in start})
                except Unfit as error:
                    problem = error if tries == 1 else problem
                    continue
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
                    self.given = number, place
                    return made
                best, fits = best or (made, (number, place)), fits + 1  # labels that fit less may be to blame
        if best is None:
            self.limit = self.limit // 2 if fits else 0  # other numbers, and the same inputs, help seldom
            self.problem = problem
            raise problem
        self.given = best[1]
        return best[0]

    def _begun(self, given: dict[str, Any], start: dict[str, Any]) -> Run:
        """Run the loop for a few iterations, in a new object where it stands in a method."""
        with self._around():
            if self.owner:
                outcome = self.program.call(self.program.namespace[self.owner], (), duplicate(start))
                if outcome.error is not None:
                    raise Unfit.raised(f"{self.owner}(...)", outcome.error)
                given = {"self": outcome.result, **given}
            return self.run(given)

    def _outside(self) -> list[str]:
        """Return the data that the code reads from outside and that nothing that is executed sets."""
        called = [name for name in self.program.callees(self.whole.name) if JOINT not in name]
        parts = [self.whole, *map(self.program.functions.__getitem__, called)]
        found: set[str] = set()
        for part in parts:
            local = {*argument_names(part)} | {*stored_names(part)} - {*self.shared}
            found |= names_in(part) - local
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
                return self._fitting(start, draw)
            except Unfit as error:
                problem = problem if isinstance(problem, MeantError) else error
        raise problem

    def _fitting(self, start: dict[str, Any], draw: Draw) -> Case:
        """Move the parameters away from kinks and zeros, and hold what an iteration does with them."""
        after = self._iterate_of(start)
        for path, _ in leaves(after):
            if type(at(start, path)) is int:  # b = 0, which has a point after the iteration
                start = put(start, path, float(at(start, path)))
        changed = changed_by(start, after)
        if sum(np.size(value) for value in changed.values()) < 2:
            raise Unfit("the loop does not update several arrays")
        moved = duplicate(start)
        for path, value in changed.items():
            moved = put(moved, path, value + 0.1 * draw.array(*np.shape(value)) if np.ndim(value) else value)
        seen = self._seen(duplicate(moved))
        options = [*self._candidates(seen, moved, {*changed})]
        base, parameters = self._costs(options, duplicate(moved)), list[Path]()
        for path, value in changed.items():
            shifted = value + 0.1 * draw.array(*np.shape(value)) if np.ndim(value) else value + 0.1
            other = self._costs(options, put(duplicate(moved), path, shifted))
            if np.any(np.abs(other - base) > 1e-9 * np.abs(base)):
                parameters.append(path)
        if not 0 < sum(np.size(changed[path]) for path in parameters) <= _ENTRIES:
            raise Unfit("no cost of the parameters is computed in the loop, and none is implied")
        for path in parameters:
            start = put(start, path, at(moved, path))
        after = self._iterate_of(start)
        values = {path: np.asarray(at(start, path), dtype=float) for path in parameters}
        slopes = self._slopes(options, start, values)
        number, fit = self._best(options, start, after, slopes)
        self._settle(options[number], fit, after)
        expected = {label(path): value for path, value in fit.after.items()}
        way = on_the_way(start, after, fit, {path: one[..., number] for path, one in slopes.items()})
        rows = max((np.shape(value)[0] for value in seen.values() if np.ndim(value) == 2), default=2)
        bindings = {**self.around, **{name: start[name] for name in self.shared if name in start}}
        return Case(start, {**way, **expected}, tuple(expected), m=rows, bindings=bindings)

    def _best(
        self,
        options: list[Candidate],
        start: dict[str, Any],
        after: dict[str, Any],
        slopes: dict[Path, Array],
    ) -> tuple[int, Fit]:
        """Return the place of the cost that most updates are the derivatives of, and how far they are."""
        moves = {
            path: (np.asarray(value, dtype=float), np.asarray(at(after, path), dtype=float))
            for path, value in changed_by(start, after).items()
        }
        memory = {path: both for path, both in moves.items() if path not in slopes}
        rates = [float(value) for _, value in leaves(start) if np.ndim(value) == 0]
        found: list[tuple[tuple[int, bool], int, Fit]] = []
        for number, candidate in enumerate(options):
            slope = {path: one[..., number] for path, one in slopes.items()}
            slope = {path: one for path, one in slope.items() if np.any(np.abs(one) > 1e-8) and path in moves}
            slope = {path: one for path, one in slope.items() if label(path) != candidate.output}
            if slope and all(np.all(np.isfinite(one)) for one in slope.values()):
                values = {path: moves[path][0] for path in slope}
                steps = {path: moves[path][1] - moves[path][0] for path in slope}
                named = _COST.search(candidate.output) and takes_away(self.program, self.loop.body)
                lowered = bool(candidate.cost is not None or named)
                fit = fitted(slope, values, steps, rates, descends=lowered)
                fit = fit if fit is not None and fit.right else remembered(slope, memory)
                if fit is not None and 2 * len(fit.right) >= len(fit.after):
                    found.append(((len(fit.right), candidate.cost is None), number, fit))
        if not found:
            raise Unfit("its updates are the derivatives of none of the costs that it has or implies")
        return max(found, key=lambda one: one[0])[1:]

    def _settle(self, candidate: Candidate, fit: Fit, after: dict[str, Any]) -> None:
        """Keep what fits, unless the updates may be meant as they are."""
        if fit.otherwise:
            raise MeantError(fit.otherwise)
        told = any(COST.search(name) for name in self.program.functions if name.endswith(JOINT + self.owner))
        if fit.penalized and (candidate.cost is None or (self.owner and told)):
            raise MeantError(f"its updates have a penalty on the weights that {candidate.name} has not")
        self.found = candidate.name
        implied = ", which the loop implies" if candidate.cost else ""
        self.remark = f"held against {candidate.name}{implied}"
        self.parameters = {label(path): path for path in fit.after}
        self.complete = all(same(at(after, path), value) for path, value in fit.after.items())

    def _candidates(
        self, seen: Mapping[str, Any], start: dict[str, Any], changed: set[Path]
    ) -> Iterator[Candidate]:
        """Give the numbers that an iteration computes, and the costs that outputs and labels imply."""
        names = {label(path) for path in changed}
        numbers = [name for name, value in seen.items() if np.size(value) == 1 and name not in names]
        for name in sorted(numbers, key=lambda name: _COST.search(name) is None)[:12]:
            yield Candidate(name, name, None)
        known = {**self.around, **start, **{"." + name: value for name, value in seen.items()}}
        fixed = [(name, value) for name, value in known.items() if isinstance(value, np.ndarray)]
        fixed = [one for one in fixed if one[1].size > 1 and (one[0],) not in changed]
        labels = [one for one in fixed if category(one[0].lstrip(".")) == "labels"]
        for name, target in labels or [one for one in fixed if category(one[0]) == ""]:
            for output in reversed(list(seen)):
                same = np.shape(seen[output]) == np.shape(target) and np.size(target) > 1
                classes = np.ndim(seen[output]) == 2 and np.shape(target) == np.shape(seen[output])[:1]
                derivative = re.match(r"(?i)d[A-Z_]|.*(delta|error|grad)", output) or output in names
                if (same or classes) and not derivative and output != name.lstrip("."):
                    for cost in implied(seen[output], target):
                        words = f"{cost.__doc__} of {output} and {name.lstrip('.')}"
                        yield Candidate(words, output, cost)

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

    def _slopes(
        self, options: list[Candidate], start: dict[str, Any], values: Mapping[Path, Array]
    ) -> dict[Path, Array]:
        """Return the derivatives of each cost, NaN at a kink: one run of the iteration serves them all."""
        here, found = self._costs(options, duplicate(start)), dict[Path, Array]()
        noise = 8 * np.finfo(float).eps * np.abs(here) / STEP
        for path, value in values.items():
            slope, bend = np.zeros((*value.shape, len(options))), np.zeros(len(options))
            for index in np.ndindex(value.shape):
                sides = []
                for shift in (STEP, -STEP):
                    moved = value.copy()
                    moved[index] += shift
                    new = moved if value.ndim else float(moved)
                    sides.append(self._costs(options, put(duplicate(start), path, new)))
                slope[index] = (sides[0] - sides[1]) / (2 * STEP)
                bend = np.maximum(bend, np.abs(sides[0] + sides[1] - 2 * here) / STEP)
            top = np.max(np.abs(slope), axis=tuple(range(value.ndim)), initial=0.0)
            slope = np.where(np.abs(slope) > noise, slope, 0.0)
            found[path] = np.where(bend > 0.02 * np.maximum(top, 1e-7), np.nan, slope)
        return found

    def _seen(self, start: dict[str, Any]) -> dict[str, Any]:
        """Run one iteration in its variables; return what was first set in each, and what was returned."""
        found: dict[str, Any] = {}
        counts: dict[str, int] = {}

        def keep(name: str, value: Any) -> None:
            number = isinstance(value, float | np.floating)
            if number or (isinstance(value, np.ndarray) and value.dtype.kind in "fi" and value.size):
                found.setdefault(name, np.array(value))

        def returned(frame: FrameType, event: str, value: Any) -> None:
            code = frame.f_code
            if event == "return" and code.co_filename == self.program.submission.path:
                counts[code.co_name] = counts.get(code.co_name, 0) + 1
                parts = value if isinstance(value, tuple) else (value,)
                for place, part in enumerate(parts[:4]):
                    name = f"{code.co_name.split(JOINT)[0]}()" + f" {counts[code.co_name]}.{place}" * (
                        counts[code.co_name] > 1 or place > 0
                    )
                    keep(name, part)

        names = tuple(sorted(start))
        if names not in self._watching:
            self._watching[names] = self.program.define(self._watched(names))
        self.program.namespace[SEEN] = keep
        old = {id(value) for _, value in leaves(start)}
        before = sys.getprofile()
        sys.setprofile(returned)
        try:
            result = self._iterated(self._watching[names], start)
        finally:
            sys.setprofile(before)
        for path, value in leaves(result):
            if id(value) not in old:
                keep(label(path) if len(path) == 1 else ".".join(map(str, path)), value)
        return found

    def _watched(self, names: tuple[str, ...]) -> ast.FunctionDef:
        """Return the iteration as a function that tells of each variable when it is set."""
        made = self._step(self.whole, list(names))
        inner = next(nodes(made, ast.For))
        body, inner.body = inner.body, []
        for part in body:
            inner.body.append(part)
            for name in dict.fromkeys(stored_names(part)):
                # What a branch that is not taken sets is not there.
                told = f"{SEEN}({name!r}, locals().get({name!r}, globals().get({name!r})))"
                inner.body += ast.parse(told).body
        return ast.fix_missing_locations(made)


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
