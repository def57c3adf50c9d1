"""A backward function of any style, against the derivative of the forward function that goes with it.

Nothing is asked of names but what tells gradients from other values. What the code is given is found by
running it: the first values with which both passes run, and with which most of the gradients are right.
"""

import ast
import math
import re
from functools import partial
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.execution.oracle import sampled
from tinygrad_course.audit.execution.paths import arrays, duplicate, fields_of, label, leaves
from tinygrad_course.audit.kinds.as_made import new_object
from tinygrad_course.audit.kinds.base import Assumption, Unfit
from tinygrad_course.audit.kinds.candidate_costs import (
    Cost,
    elementwise,
    implied_costs,
    losses,
    of_output,
    own_cost,
    place_for,
    weighing,
    written_otherwise,
)
from tinygrad_course.audit.kinds.cases import Case, Draw, Tried
from tinygrad_course.audit.kinds.gradient_names import (
    GRADIENT,
    bias_once,
    numeric,
    penalized,
    penalties,
    ratio_of,
    same,
    up_to_a_factor,
    with_activation,
)
from tinygrad_course.audit.kinds.input_layouts import Layout
from tinygrad_course.audit.kinds.names_taken import (
    AXES,
    CACHE,
    called_in_loops,
    descends,
    handed_on,
    of_data_alone,
)
from tinygrad_course.audit.kinds.own_class import passes_over_softmax, shown_name
from tinygrad_course.audit.kinds.pair import Pair
from tinygrad_course.audit.source.argument_kinds import category
from tinygrad_course.audit.source.signatures import argument_names
from tinygrad_course.audit.source.syntax import names_of, returned

TRIES, SIZED, DIFFERENTIATED = 2500, 300, 10
"""How many sets of values are tried, how many in sizes that the code asks for, and with how many of them the
forward function is differentiated."""
Fitting = tuple[Tried, tuple[int, int]]
_BATCH = r"(?i)batch|examples|samples|/ ?(m|N)\b|shape\[0\]|\blen\(|axis ?= ?0"
_TOGETHER = "it may be given the derivative that is taken together with the softmax's"
_NO_MULTIPLE = " is no derivative that is passed on: the result is no multiple of it"
TELLING = re.compile(r"times$|passes the derivative|no multiple")
"""What says most of why a function that ran is not judged."""


class AnyBackward(Pair):
    """The gradients of one function, method or layer, whatever it takes and returns."""

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        """Find values with which both functions run, in the sizes for which the file is made."""
        words = ", ".join(f"{name} = {value!r}" for name, value in self.fixed().items())
        self.remarks[words] = f"not judged with {words}" * bool(words)
        try:
            made = self.sizes.settled(lambda: self.found(draw))
        finally:
            self.turn += 1
        self.remarks.pop(words)
        return made

    def found(self, draw: Draw) -> Case:
        """Find values with which both functions run, and differentiate the forward function there."""
        self.wanted = taken = self.taken(4 if draw.scale == "deep" else 2)
        upstream = taken.upstream is not None
        numbered = "outputs" in map(category, [*taken.start, *taken.forward])
        seed = draw.choice(range(10**6))
        best: Fitting | None = None
        fitted: tuple[Layout, dict[str, Any]] | None = None
        problem: Unfit | None = None
        self.differentiated = 0  # with so many sets of values
        self.dimensions = set[int]()  # of the data with which the forward function runs
        axes = self.fixed().get(AXES)
        settings = self.settings(taken.looked_for, seed, draw)
        fitting = (one for one in settings if self.place.get(axes, one[0]) == one[0])
        for tries, (key, layout, values) in enumerate(fitting):
            if best is None and layout.made_for and self.sizes.clear:
                break
            if tries > (SIZED if layout.made_for else TRIES) or self.differentiated >= DIFFERENTIATED:
                break
            if self._tells_nothing(layout, best[0] if best is not None else None, problem, numbered):
                continue
            try:
                found = self._tried(Draw(seed + 1), layout, values)
            except Unfit as error:
                self.sizes.learn(error.error, layout, values)
                problem = max(problem or error, error, key=self._told)
                continue
            pictures = len(layout.data) > 2 and self.dimensions == {len(layout.data)} and not self.sizes.told
            if not found.ran and key[0] > 1 and not self.strict and not pictures:
                continue  # what a picture or one example breaks may be meant for a table
            before, known = best, fitted
            if best is None or found.rank > best[0].rank:
                best, self.units, self.rows = (found, key), max(1, layout.units), layout.rows
                fitted = layout, values
            if self.strict and found.proved:
                break
            if found.complete and found is best[0]:
                alike = known is not None and len(known[0].data) == len(layout.data)
                best = self._chosen(before, best, single=layout.single, passed_on=upstream and alike)
                break
        if best is None:
            raise problem or Unfit("it takes nothing that was tried")
        # With other labels all may be right, up to a factor.
        factor = not best[0].right and "times" in str(problem) and not self.own_costs and not self.together
        if factor or not (best[0].proved or best[0].doubt):
            none = Unfit(self.otherwise)
            raise max(none, problem or none, key=self._told)
        self.doubt = self.doubt or best[0].doubt
        self.place[axes] = best[1]
        self.exact = self.exact or best[0].complete
        if best[0].complete and fitted is not None and not self.strict:
            return self._of_other_labels(Draw(seed + 1), *fitted) or best[0].case
        return best[0].case

    def _chosen(self, before: Fitting | None, now: Fitting, *, single: bool, passed_on: bool) -> Fitting:
        """Return what a function is judged with that is right with the last values, not with those before."""
        if before is None:
            return now
        earlier = before[0]
        if single and (earlier.for_one or not (earlier.right or self.wanted.upstream is not None)):
            return self._for_one(before, now)
        # What is passed on is so in every arrangement of as many axes with which both functions run.
        always = passed_on and earlier.ran and earlier.proved and not earlier.for_one
        return before if always else now

    def _for_one(self, several: Fitting, one: Fitting) -> Fitting:
        """Return what a function that is right for one example is judged with.

        It is one example where the file goes through them, several where the code speaks of a batch and sums
        what belongs to all parameters but one over it.
        """
        if called_in_loops(self.program, self.node):
            return one
        tried, lines = several[0], self.program.submission.lines
        own = "\n".join(
            row for node in (self.node, self.forward) for row in lines[node.lineno - 1 : node.end_lineno]
        )
        parameters = [key for key in tried.case.required if category(key[1:]) not in {"data", "state"}]
        rest = len(tried.case.required) - tried.right
        if rest == len(tried.for_one) == 1 < len(parameters) and re.search(_BATCH, own):
            self.rows, self.units = True, max(1, self.units)
            return several
        shapes = f": {', '.join(tried.for_one)} has an axis for them" * bool(tried.for_one)
        raise Unfit(f"it is right for one example, and not for several at a time{shapes}")

    def _tells_nothing(
        self, layout: Layout, best: Tried | None, problem: Unfit | None, numbered: bool
    ) -> bool:
        """Tell whether values in a layout say no more than what was tried."""
        factor = problem is not None and problem.args[0].endswith("times")
        # What takes the number of outputs, or is a cost of several, is meant for several.
        several = not self.alone and ((factor and bool(self.owner)) or (best is not None and numbered))
        if layout.units < 2 and not layout.single and several:
            return True  # one output tells a sum from a mean, or from a sum over the examples, no more
        # Of a cost with which nothing is right one example may be what is meant.
        cost = self.wanted.upstream is None and not self.own_costs
        one = cost and best is not None and best.proved and not best.right
        if one and self.differentiated > DIFFERENTIATED // 2 and not layout.single:
            return True
        if layout.single and factor:
            return True  # a sum over one example is its mean
        if best and best.ran and not one and layout.single != bool(best.for_one):
            return True  # an axis too many tells of a function for one
        # Where a transpose too many or too few runs, what raised before is no better.
        return best is not None and layout.square and not best.ran and layout.kernel[1:2] != (3,)

    def _of_other_labels(self, draw: Draw, layout: Layout, values: dict[str, Any]) -> Case | None:
        """Return the case of the same classes written otherwise, where the cost is the same with them."""
        name = next((one for one in self.wanted.forward if category(one) == "labels"), "")
        labels, cost = values.get(name), self.seen
        other = written_otherwise(labels) if self.turn and not np.ndim(cost) else None
        if other is None:
            return None
        try:
            found = self._tried(draw, layout, {**values, name: other})
        except Unfit:
            return None
        same = np.ndim(self.seen) == 0 and abs(self.seen - cost) < 1e-9 * max(1.0, abs(cost))
        return found.case if found.ran and same else None

    def _told(self, problem: Unfit) -> tuple[int, int]:
        """Tell how much a problem says: that the forward function raises, is least, and least at its top."""
        if problem.error is not None:
            back = problem.args[0].startswith(f"{self.node.name} raises") and not self.together
            return 2 * back, self.program.submission.raised_at(problem.error)
        return (3 if TELLING.search(problem.args[0]) else 1), 0

    def _tried(self, draw: Draw, layout: Layout, values: dict[str, Any]) -> Tried:
        """Run both functions, differentiate the forward function, and weigh what the other one gives."""
        values, taken = self.values(values, draw), self.wanted
        self.remarks.pop("cost", None)
        outside = {name: values[name] for name in taken.outside}
        theta: dict[str, Any] = {name: values[name] for name in taken.forward}
        self.data = [*theta.values()]
        if self.owner:
            with self.program.bound(outside):
                start = {name: values[name] for name in taken.start}
                theta["self"] = new_object(self.program, self.owner, start, self.sizes.maker, self.set_ups)
            self.made = True
        held = duplicate(theta)
        output = self.gives({**held, **outside})
        place, weights, arguments = handed_on(self.node, self.forward, output, held, values, draw, taken)
        self.seen = output[place]
        self.dimensions.add(len(layout.data))
        if not weights and not taken.back and losses(self.forward, self.owner, output[place], theta):
            size = np.size(output[place]) if self.owner else 1
            weights = {place: np.ones_like(output[place]) / size}
        at = {**theta, **outside, **{name: values[name] for name in taken.costs}}
        told = [one for name, one in arguments.items() if category(name) == "labels"]
        labels = told[0] if told and not of_data_alone(self.node) else None
        costs, alone = [weighing(weights)], False
        if not weights:
            place, costs = self.costs(layout, output, place, labels)
        if not costs:
            costs = elementwise(self.gives, at, output[place], self.node.name)
            slopes = self.derivatives(at, costs[0])
            arguments = of_output(partial(self.run, self.node), arguments, slopes, output[place])
            alone = len(arguments) == 1 + ("self" in arguments) and not re.search(r"self\.\w+ = ", self.text)
        if any(np.asarray(part).dtype.itemsize < 8 for part in output if numeric(part)):
            raise Unfit("it computes in single precision")
        passed = duplicate(arguments)
        self.differentiated += 1
        try:
            with self.program.bound(outside):
                result = self.run(self.node, passed)
        except Unfit:
            others = [name for name in taken.back if name != taken.upstream and not CACHE.fullmatch(name)]
            whole = not np.ndim(output[place]) and not taken.back  # the gradient of a cost
            layer = weights and (self.layer or whole or (taken.upstream in taken.back and not others))
            if not layer and not (self.strict and self.own_costs):
                raise
            expected = next((one for _, one in self.costs_differentiated(at, costs)), {})
            spoken = [key for key in expected if re.search(rf"\b{key}\b", ast.unparse(self.node))]
            case = Case(arguments, expected, tuple(spoken or expected), bindings=outside, raised=True)
            case.loose = frozenset(key for key, one in expected.items() if 1 in np.shape(one))
            return Tried(case, 0, bool(expected), ran=False)
        best: Tried | None = None
        for cost, expected in self.costs_differentiated(at, costs):
            case = Case(arguments, dict(expected), (), m=max(1, layout.examples), bindings=outside)
            if self.together:
                case.expected["cost"] = output[place]
            found = self.gradients(result, arguments, passed, case.expected)
            tried = self.held_to(case, found, values, cost)
            tried.doubt = self.otherwise if alone and not tried.proved else tried.doubt
            if best is None or tried.right > best.right:
                best, self.cost = tried, cost.node or cost.name
                if cost.implied:
                    implied = f"held against {cost.name}, which {shown_name(self.node.name)} implies"
                    self.remarks["cost"] = implied
            if cost.node is not None and tried.proved and not self.strict:
                break  # the file's own cost tells more than one that is implied
        if best is None:
            raise Unfit("no cost goes with it")
        return best

    def costs(self, layout: Layout, output: list[Any], place: int, labels: Any) -> tuple[int, list[Cost]]:
        """Return which output goes with labels, and the costs that the gradients may be of."""
        if labels is None:
            return place, []
        names = names_of(returned(self.forward), len(output))
        place = place_for(labels, output, names, place)
        costs = [own_cost(self.run, one, place, labels, names) for one in self.own_costs]
        costs += implied_costs(output[place], place, labels)
        self.sizes.refuse(layout, labels, output[place] if not costs else labels)
        return place, costs

    def held_to(self, case: Case, found: dict[str, Any], values: dict[str, Any], cost: Cost) -> Tried:
        """Tell which of the gradients that were found are right, and whether the others can only be wrong."""
        if cost.implied:
            case.expected = up_to_a_factor(
                found, case.expected, descends=descends(self.program), penalty=penalized(self.node)
            )
        expected = case.expected
        added = math.prod(np.shape(values.get("W", 0))[:3])
        if bias_once(found, expected, added):
            times = f"{self.forward.name} adds it {added} times"
            self.remarks["cost"] = f"db is right for a bias that is added once; {times}"
        if not found:
            raise Unfit("its gradients are not found")
        if not any(map(np.any, found.values())):
            raise Unfit("its gradients are 0: it passes none on")
        own = {**{label(path): one for path, one in leaves(dict(case.values))}, **values}
        for key, more in penalties(self.node, found, expected, own).items():
            expected[key] = expected[key] + more  # which no layer's forward pass has
            words = f"a penalty on {key[1:]}, which {shown_name(self.forward.name)} has not"
            self.remarks[key] = f"{key} has {words}: its factor is not judged"
        right = [key for key in found if same(found[key], expected[key])]
        # Of a small one, log(p + 1e-7) has a part that is not small.
        case.tolerances = {key: 1e-6 for key in right if np.max(np.abs(expected[key])) < 1e-2}
        # Whether a bias is (n,) or (1, n) is our guess.
        other = [key for key in found if np.ndim(found[key]) != np.ndim(expected[key])]
        other = [key for key in other if np.size(found[key]) == np.size(expected[key])]
        expected |= {key: np.reshape(expected[key], np.shape(found[key])) for key in other}
        others = {key: expected[key] for key in found if key not in right}
        case.required = tuple(key for key in expected if key in found)
        self.remarks["sampled"] = sampled({key: expected[key] for key in case.required})
        lost = sorted(key for key in {*expected} - {*found} if np.ndim(expected[key]))
        lost = [key for key in lost if self.owner and key[1:] not in self.wanted.forward]
        self.remarks["lost"] = f"not found, and not judged: {', '.join(lost)}" * bool(lost)
        if not others:
            return Tried(case, len(right), True)
        ratio, upstream = ratio_of(found, others), self.wanted.upstream
        labelled = any(category(name) == "labels" for name in argument_names(self.forward))
        is_cost = bool(self.owner) and labelled and not self.wanted.back and len(found) == 1
        sizes = {size for array in arrays(values) for size in array.shape if size > 1}
        if values is self.cell or cost.node is not None:
            return Tried(case, len(right), values is self.cell or bool(right) or ratio is not None)
        if ratio is not None and not self.together:
            named = re.search("grad|deriv|prime", self.node.name) is not None
            downward = descends(self.program) or (named and not descends(self.program, ast.Add))
            told = abs(ratio * case.m - 1) < 1e-3 or (bool(right) and abs(ratio / case.m - 1) < 1e-3)
            if told and (right or upstream is not None) and len(others) > 1:  # dW and db have 1/m
                case.expected |= {key: value * ratio for key, value in others.items()}
                self.remarks["cost"] = f"{', '.join(others)} are {ratio:.4g} times the derivatives"
                return Tried(case, len(found), True)
            each = np.ndim(self.seen) > 0 and upstream is None
            if not right and each and abs(abs(ratio) / np.size(self.seen) - 1) < 1e-3:
                # Of losses, one for each example, the sum is as good as the mean.
                case.expected |= {key: value * abs(ratio) for key, value in others.items()}
                return Tried(case, len(found) * (ratio > 0), True)
            if not right and ratio < 0 and (upstream is not None or is_cost or downward):
                return Tried(case, 0, True)
            numbers = [
                abs(float(one)) for _, one in leaves(values) if np.ndim(one) == 0 and numeric(one) and one
            ]
            odd = upstream is not None and not any(
                abs(ratio * times - 1) < 1e-3
                for one in {1, 2, *sizes, *numbers}
                for times in (one, 1 / one, 2 / one, one / 2)
            )
            if not right and (self.exact or odd):
                return Tried(case, 0, True)  # with another word it gives them as they are; or by no size
            if not right:
                raise Unfit(f"it gives the derivative of {self.forward.name}, {ratio:.4g} times")
        linear = upstream is not None and self._linear(case, found, told=not right)
        wide = {key: np.size(found[key]) / max(1, np.size(expected[key])) for key in others}
        for_one = [key for key, times in wide.items() if times > 1 and times in sizes]
        shaped = [np.shape(found[key]) == np.shape(expected[key]) for key in found]
        of_cost = re.search(r"(?i)cost|loss|objective", self.forward.name) is not None
        flat = all(np.ndim(one) < 3 for one in arrays(values))  # labels of pictures and texts are our guess
        through = any(category(name) == "data" for name in self.wanted.back)  # delta(z, a, y)
        alone = flat and not through and not with_activation(found, self.data)
        proved = alone and (is_cost or (of_cost and shaped == [True]))
        proved = proved or bool(right) or self.together or linear
        doubt = f"{upstream}{_NO_MULTIPLE}" * (upstream in case.values)
        doubt = doubt or self.otherwise * (alone and of_cost)
        return Tried(case, len(right), proved, for_one, doubt=doubt * (not proved))

    def _linear(self, case: Case, found: dict[str, Any], *, told: bool) -> bool:
        """Tell whether the gradients double with the derivative that is passed on."""
        passed, upstream = duplicate(case.values), self.wanted.upstream
        if upstream not in passed:
            return False
        # A softmax's derivative is often taken together with the cost's.
        soft = told and re.search(r"(?i)exp|softmax", f"{self.forward.name} {ast.unparse(self.forward)}")
        held = fields_of(passed.get("self")) or {}
        if told and passes_over_softmax(self.program, self.forward, self.node, held, self.seen):
            raise Unfit(_TOGETHER)
        if soft and "labels" in map(category, argument_names(self.node)):
            raise Unfit("it takes labels, and seems to be the derivative of a cost of the outputs")
        if any(np.array_equal(one, passed[upstream]) for one in found.values()):
            if soft:
                raise Unfit("it passes the derivative on as it is")
            return told
        passed |= {name: 2 * passed[name] for name in (upstream, *self.wanted.others) if name in passed}
        with self.program.bound(case.bindings):
            result = self.run(self.node, passed)
        twice = self.gradients(result, case.values, passed, case.expected)
        if all(key in twice and same(twice[key], 2 * np.asarray(one)) for key, one in found.items()):
            return True
        # What reads nothing else may be given the output: dout * (1 - dout).
        if told and not (len(passed) > 1 and self.reads and GRADIENT.match(upstream or "")):
            raise Unfit(f"{upstream}{_NO_MULTIPLE}")
        return False
