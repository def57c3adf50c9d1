"""A backward function of any style, against the derivative of the forward function that goes with it.

Nothing is asked of names but what tells gradients from other values. What the code is given is found by
running it: the first values with which both passes run, and with which most of the gradients are right.
"""

import ast
import math
import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.execution.namespace import Program
from tinygrad_course.audit.execution.oracle import sampled, slopes
from tinygrad_course.audit.execution.paths import arrays, duplicate, leaves, unshared
from tinygrad_course.audit.kinds.as_made import made_object, new_object
from tinygrad_course.audit.kinds.base import Assumption, Unfit, words
from tinygrad_course.audit.kinds.candidate_costs import Cost, elementwise, labelled_costs, weighing
from tinygrad_course.audit.kinds.cases import Case, Draw, Tried
from tinygrad_course.audit.kinds.cell_inputs import cell_inputs
from tinygrad_course.audit.kinds.gradient_names import (
    bias_once,
    find,
    numeric,
    of_its_own,
    parts_of,
    ratio_of,
    same,
    up_to_a_factor,
    with_activation,
)
from tinygrad_course.audit.kinds.input_layouts import Layout, tried
from tinygrad_course.audit.kinds.names_taken import (
    Taken,
    called_in_loops,
    descends,
    handed_on,
    names_taken,
    penalized,
    words_asked,
)
from tinygrad_course.audit.kinds.own_class import output_told, shown_name
from tinygrad_course.audit.kinds.own_network import COST, OwnNetwork
from tinygrad_course.audit.kinds.sizes import Sizes
from tinygrad_course.audit.source.argument_kinds import category
from tinygrad_course.audit.source.signatures import JOINT, argument_names

TRIES, SIZED, DIFFERENTIATED = 2500, 300, 10
"""How many sets of values are tried, how many in sizes that the code asks for, and with how many of them the
forward function is differentiated."""
TELLING = re.compile(r"times$|passes the derivative|no multiple")
"""What says most of why a function that ran is not judged."""
_COST = re.compile(rf"^(?!.*(deriv|grad|prime|plot|back)).*({COST.pattern})")
LAYER_PASS = re.compile(r"(?i)(conv|pool|rnn|lstm|gru|cell|step).*backward")


class AnyBackward(OwnNetwork):
    """The gradients of one function, method or layer, whatever it takes and returns."""

    battery = words("distinct distinct distinct")
    trials = 1500
    owns = True
    forward: ast.FunctionDef

    def __init__(
        self, program: Program, node: ast.FunctionDef, forward: ast.FunctionDef, owner: str = ""
    ) -> None:
        self.program, self.node, self.owner = program, node, owner
        self.forward = output_told(program, forward) if owner and forward is not node else forward
        self.initial, self.cost, self.rows, self.units = None, "", False, 1
        methods = [one for name, one in program.functions.items() if owner and name.endswith(JOINT + owner)]
        self.own_costs = [one for one in methods if _COST.search(one.name.partition(JOINT)[0].lower())]
        text = "\n".join(map(ast.unparse, (node, self.forward)))
        self.alone = bool(self.own_costs) and re.search(r"softmax|keepdims.*exp|exp.*keepdims", text) is None
        """Whether there is one output: a mean over the examples is no mean over the outputs then."""
        self.words = words_asked(program, [node, self.forward, *methods])
        """The words that arguments are compared with: each case has the next ones."""
        self.battery = self.battery[:1] * max(len(self.battery), *map(len, self.words.values()), 0)
        # With which words it is not judged, the number of the case, and whether all was right in one.
        self.left_out, self.turn, self.exact = dict[str, str](), 0, False
        self.place: tuple[int, int] | None = None  # the layout of the values that fit, and theirs in it
        self.sizes = Sizes(made_object(program, owner) if owner else None)
        self.kept_in: dict[str, str] = {}
        self.cell: dict[str, Any] = {}
        """What a recurrent cell of course 5 is given: with that, all that is wrong is a mistake."""
        self.data: list[Any] = []  # what the forward function is given
        self.layer = LAYER_PASS.search(node.name) is not None
        """Whether it is a layer of course 4 or 5: what it raises is its own mistake, then."""
        self.differentiated = 0  # with how many sets of values the forward function was

    @property
    def described(self) -> str:
        """Say what it is held against."""
        if isinstance(self.cost, ast.FunctionDef):
            return f"the gradient of {self.forward.name} and {self.cost.name}"
        return "the derivative of " + ("its own cost" if self.together else self.forward.name)

    @property
    def together(self) -> bool:
        """Whether one function returns the cost and its gradients."""
        return self.forward is self.node

    def involved(self) -> list[str]:
        """Return its own name; a forward function is proved together with a cost alone."""
        with_cost = [self.forward.name, self.cost.name] if isinstance(self.cost, ast.FunctionDef) else []
        return [self.node.name, *with_cost]

    def _settings(
        self, names: list[str], seed: int
    ) -> Iterator[tuple[tuple[int, int], Layout, dict[str, Any]]]:
        """Give values to try, the likeliest first; those alone that fitted before."""
        self.cell = cell_inputs(self.program, self.forward, seed)
        if self.cell and self.place in (None, (-1, 0)):
            yield (-1, 0), self.sizes.layouts()[0], self.cell
        course = any(name.startswith("hparam") for name in names)  # of course 4: the channels come last
        options = sorted(
            enumerate(self.sizes.layouts()),
            key=lambda one: (self.alone and one[1].units > 1, course and one[1].kernel[1:2] != (3,)),
        )
        fixed = {name: word for name, word in self._fixed().items() if name in names}
        sets = tried(names, seed, options, fixed=fixed)
        yield from (one for one in sets if self.place in (None, one[0]))

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        """Find values with which both functions run, in the sizes for which the file is made."""
        words = ", ".join(f"{name} = {value!r}" for name, value in self._fixed().items())
        self.left_out |= {words: f"not judged with {words}"} if words else {}
        try:
            made = self.sizes.settled(lambda: self._found(learner, draw))
        finally:
            self.turn += 1
        self.left_out.pop(words, None)
        return made

    def _fixed(self) -> dict[str, str]:
        """Return the words that arguments have in this case."""
        return {name: words[self.turn % len(words)] for name, words in self.words.items()}

    def judge(self, values: Mapping[str, Any], case: Case) -> tuple[list[str], list[str]]:
        """Say with which words it is not judged."""
        wrong, remarks = super().judge(values, case)
        return wrong, [*remarks, *self.left_out.values()]

    def _found(self, learner: Learner, draw: Draw) -> Case:
        """Find values with which both functions run, and differentiate the forward function there."""
        taken = names_taken(self.program, self.node, self.forward, self.owner)
        taken = taken._replace(outside=[]) if self.layer else taken
        if self.sizes.maker is not None:
            taken = taken._replace(start=argument_names(self.sizes.maker))
        seed = draw.choice(range(10**6))
        best: tuple[Tried, tuple[int, int]] | None = None
        problem: Unfit | None = None
        self.differentiated = 0
        for tries, (key, layout, values) in enumerate(self._settings(taken.looked_for, seed)):
            if best is None and layout.made_for and self.sizes.clear:
                break
            if tries > (SIZED if layout.made_for else TRIES) or self.differentiated >= DIFFERENTIATED:
                break
            for_one = best is not None and best[0].for_one
            factor = problem is not None and problem.args[0].endswith("times")
            several = not self.alone and self._for_several(taken, best, problem)
            if layout.units < 2 and not layout.single and several:
                continue  # one output tells a sum from a mean, or from a sum over the examples, no more
            if (layout.single and factor) or (best is not None and best[0].ran and layout.single != for_one):
                continue  # a sum over one example is its mean; an axis too many tells of a function for one
            try:
                found = self._tried(learner, Draw(seed + 1), layout, values, taken)
            except Unfit as error:
                self.sizes.learn(error.error, layout, values)
                problem = max(problem or error, error, key=self._told)
                continue
            if not found.ran and key[0] > 1:
                continue  # what a picture or one example breaks may be meant for a table
            if best is None or (found.ran, *found.rank) > (best[0].ran, *best[0].rank):
                best, self.units = (found, key), max(1, layout.units)
            if found.complete and found is best[0]:
                if layout.single and for_one and not called_in_loops(self.program, self.node):
                    raise Unfit("it is right for one example, and not for several at a time")
                break
        if best is None:
            raise problem or Unfit("it takes nothing that was tried")
        if not best[0].proved:
            name = shown_name(self.forward.name)
            none = Unfit(f"none of its gradients is that of {name}; they may be meant otherwise")
            raise max(none, problem or none, key=self._told)
        self.place = best[1]
        self.exact = self.exact or best[0].complete
        return best[0].case

    def _for_several(self, taken: Taken, best: Any, problem: Unfit | None) -> bool:
        """Tell whether code is meant for several outputs: it takes their number, or is a cost of several."""
        factor = problem is not None and problem.args[0].endswith("times")
        asked = "outputs" in map(category, [*taken.start, *taken.forward])
        return (factor and bool(self.owner)) or (best is not None and asked)

    def _told(self, problem: Unfit) -> int:
        """Tell how much a problem says: that the forward function raises, is least."""
        if problem.error is not None:
            return 2 if problem.args[0].startswith(f"{self.node.name} raises") and not self.together else 0
        return 3 if TELLING.search(problem.args[0]) else 1

    def _tried(
        self, learner: Learner, draw: Draw, layout: Layout, values: dict[str, Any], taken: Taken
    ) -> Tried:
        """Run both functions, differentiate the forward function, and weigh what the other one gives."""
        values = taken.packing(self._spread(values, draw)) if taken.packed else self._spread(values, draw)
        outside = {name: values[name] for name in taken.outside}
        theta: dict[str, Any] = {name: values[name] for name in taken.forward}
        self.data = [*theta.values()]
        if self.owner:
            theta["self"] = self._object(learner, {name: values[name] for name in taken.start}, outside)
        held = duplicate(theta)
        output = parts_of(self._called(learner, {**held, **outside}, outside))
        place, weights, arguments = handed_on(self.node, self.forward, output, held, values, draw, taken)
        if not weights and self.owner and not taken.back and "labels" in map(category, taken.forward):
            each = output[place]  # the loss of each example
            weights = {place: np.full(np.shape(each), 1.0 / np.size(each))}
        at = {**theta, **outside}
        labels = next((one for name, one in arguments.items() if category(name) == "labels"), None)
        costs = [weighing(weights)] if weights else []
        if not weights and labels is not None:
            run = partial(self._run, learner)
            place, costs = labelled_costs(run, self.forward, self.own_costs, output, place, labels)
            self.sizes.refuse(layout, labels, output[place] if not costs else labels)
        costs = costs or elementwise(lambda at: self._called(learner, at, outside), at, output[place])
        if not costs:
            raise Unfit(f"no argument of {self.node.name} is the derivative of an output")
        if any(np.asarray(part).dtype.itemsize < 8 for part in output if numeric(part)):
            raise Unfit("it computes in single precision")
        passed = duplicate(arguments)
        self.differentiated += 1
        try:
            with self.program.bound(outside):
                result = self._run(learner, self.node, passed)
        except Unfit:
            if not weights or not (self.layer or (self.owner and taken.back == [taken.upstream])):
                raise
            expected = self._derivatives(learner, at, outside, costs[0])
            spoken = [key for key in expected if re.search(rf"\b{key}\b", ast.unparse(self.node))]
            case = Case(arguments, expected, tuple(spoken or expected), bindings=outside)
            return Tried(case, 0, True, ran=False)
        best: Tried | None = None
        for cost, expected in self._differentiated(learner, at, outside, costs):
            case = Case(arguments, expected, (), m=max(1, layout.examples), bindings=outside)
            if self.together:
                case.expected["cost"] = output[place]
            found = self.gradients(result, arguments, passed, case.expected)
            tried = self._held_to(learner, case, found, values, taken, cost)
            if best is None or tried.right > best.right:
                best, self.cost = tried, cost.node or cost.name
                if cost.implied:
                    self.remark = f"held against {cost.name}, which {shown_name(self.node.name)} implies"
            if cost.node is not None and tried.proved:
                break  # the file's own cost tells more than one that is implied
        if best is None:
            raise Unfit("no cost goes with it")
        return best

    def _spread(self, values: dict[str, Any], draw: Draw) -> dict[str, Any]:
        """Let predictions be any numbers where they need be no chances, so that each branch is met."""
        chances = re.search("log|sqrt|exp", ast.unparse(self.forward))
        seen = [name for name in values if category(name) == "predicted" and not chances]
        more = {name: 2 * draw.array(*np.shape(values[name])) for name in seen}
        return values | more if more else values

    def _object(self, learner: Learner, given: dict[str, Any], outside: dict[str, Any]) -> Any:
        """Return a new object of the class, made of what is given or as the file makes it."""
        with self.program.bound(outside):
            return new_object(learner, self.owner, given, self.sizes.maker)

    def _differentiated(
        self, learner: Learner, at: dict[str, Any], outside: dict[str, Any], costs: list[Cost]
    ) -> Iterator[tuple[Cost, dict[str, Any]]]:
        """Give costs and their derivatives; a cost of the class that takes something else is none."""
        for cost in costs:
            try:
                yield cost, self._derivatives(learner, at, outside, cost)
            except Unfit:
                if cost.node is None:
                    raise

    def _derivatives(
        self, learner: Learner, at: dict[str, Any], outside: dict[str, Any], cost: Cost
    ) -> dict[str, Any]:
        """Return the derivatives of a cost, where they are not 0."""

        def J(theta: Any) -> float:
            return cost.of(parts_of(self._called(learner, theta, outside)), theta)

        held = dict(leaves(at))
        fixed = {"labels", "settings", "number", "epsilon"}
        wanted = {path for path in held if category(str(path[0])) not in fixed and of_its_own(path)}
        gradient = slopes(J, at, lambda path, _: path in wanted)
        if gradient is None:
            raise Unfit("a kink is too near")
        moved = {path: value for path, value in gradient.items() if np.any(np.abs(value) > 1e-9)}
        return {"d" + name: value for name, value in unshared(moved, held).items()}

    def _held_to(
        self,
        learner: Learner,
        case: Case,
        found: dict[str, Any],
        values: dict[str, Any],
        taken: Taken,
        cost: Cost,
    ) -> Tried:
        """Tell which of the gradients that were found are right, and whether the others can only be wrong."""
        if cost.implied:
            case.expected = up_to_a_factor(
                found, case.expected, descends=descends(self.program), penalty=penalized(self.node)
            )
        expected = case.expected
        added = math.prod(np.shape(values.get("W", 0))[:3])
        if bias_once(found, expected, added):
            times = f"{self.forward.name} adds it {added} times"
            self.remark = f"db is right for a bias that is added once; {times}"
        if not found:
            raise Unfit("its gradients are not found")
        if not any(map(np.any, found.values())):
            raise Unfit("its gradients are 0: it passes none on")
        right = [key for key in found if same(found[key], expected[key])]
        for key in right:
            if np.ndim(found[key]) != np.ndim(expected[key]):  # whether a bias is (n,) or (1, n) is our guess
                expected[key] = np.reshape(expected[key], np.shape(found[key]))
        others = {key: expected[key] for key in found if key not in right}
        case.required = tuple(key for key in expected if key in found)
        self.sampled = sampled({key: expected[key] for key in case.required})
        lost = sorted(key for key in {*expected} - {*found} if np.ndim(expected[key]))
        lost = [key for key in lost if self.owner and key[1:] not in taken.forward]
        self.unfound = f"not found, and not judged: {', '.join(lost)}" * bool(lost)
        if not others:
            return Tried(case, len(right), True)
        ratio, upstream = ratio_of(found, others), taken.upstream
        labelled = any(category(name) == "labels" for name in argument_names(self.forward))
        is_cost = bool(self.owner) and labelled and not taken.back and len(found) == 1
        sizes = {size for array in arrays(values) for size in array.shape if size > 1}
        if values is self.cell or cost.node is not None:
            return Tried(case, len(right), values is self.cell or bool(right) or ratio is not None)
        if ratio is not None and not self.together:
            told = any(abs(ratio * size - 1) < 1e-3 or abs(ratio / size - 1) < 1e-3 for size in sizes)
            if right and told and len(others) > 1:  # dW and db have 1/m, dX has not
                case.expected |= {key: value * ratio for key, value in others.items()}
                self.remark = f"{', '.join(others)} are {ratio:.4g} times the derivatives"
                return Tried(case, len(found), True)
            if not right and ratio < 0 and (upstream is not None or is_cost or descends(self.program)):
                return Tried(case, 0, True)
            if not right and self.exact:
                return Tried(case, 0, True)  # with another word it gives them as they are
            if not right:
                raise Unfit(f"it gives the derivative of {self.forward.name}, {ratio:.4g} times")
        linear = upstream is not None and self._linear(learner, case, found, taken, told=not right)
        wide = (np.size(found[key]) / max(1, np.size(expected[key])) for key in others)
        for_one = any(times > 1 and times in sizes for times in wide)
        shaped = [np.shape(found[key]) == np.shape(expected[key]) for key in found]
        of_cost = re.search(r"(?i)cost|loss|objective", self.forward.name) and shaped == [True]
        flat = all(np.ndim(one) < 3 for one in arrays(values))  # labels of pictures and texts are our guess
        alone = (is_cost or bool(of_cost)) and flat and not with_activation(found, self.data)
        return Tried(case, len(right), bool(right) or self.together or linear or alone, for_one)

    def _linear(
        self, learner: Learner, case: Case, found: dict[str, Any], taken: Taken, *, told: bool
    ) -> bool:
        """Tell whether the gradients double with the derivative that is passed on."""
        passed, upstream = duplicate(case.values), taken.upstream
        if upstream not in passed:
            return False
        if any(np.array_equal(one, passed[upstream]) for one in found.values()):
            # As a softmax does whose derivative is taken together with the cost's.
            if told and re.search(r"(?i)exp|softmax", f"{self.forward.name} {ast.unparse(self.forward)}"):
                raise Unfit("it passes the derivative on as it is")
            return told
        passed |= {name: 2 * passed[name] for name in (upstream, *taken.others) if name in passed}
        with self.program.bound(case.bindings):
            result = self._run(learner, self.node, passed)
        twice = self.gradients(result, case.values, passed, case.expected)
        if all(key in twice and same(twice[key], 2 * np.asarray(one)) for key, one in found.items()):
            return True
        if told:
            raise Unfit(f"{upstream} is no derivative that is passed on: the result is no multiple of it")
        return False

    def _called(self, learner: Learner, theta: dict[str, Any], outside: dict[str, Any]) -> Any:
        here = {name: value for name, value in theta.items() if name not in outside}
        with self.program.bound({name: theta[name] for name in outside}):
            return self._run(learner, self.forward, here)

    def gradients(
        self, result: Any, before: Mapping[str, Any], after: Mapping[str, Any], expected: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the gradients by their names, returned or kept; the others by shapes that no two share."""
        asked = {key: value for key, value in expected.items() if key != "cost"}
        found, kept_in = find(self.node, result, before, after, asked)
        self.kept_in |= kept_in
        numbers = [part for part in parts_of(result) if numeric(part) and np.ndim(part) == 0]
        return {**found, **({"cost": numbers[0]} if "cost" in expected and found and numbers else {})}
