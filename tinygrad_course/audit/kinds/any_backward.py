"""A backward function of any style, against the derivative of the forward function that goes with it.

Nothing is asked of names but what tells gradients from other values. What the code is given is found by running
it: the first set of values with which forward and backward pass run, and with which most gradients are right.
"""

import ast
import builtins
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.execution.namespace import Program
from tinygrad_course.audit.execution.oracle import slopes
from tinygrad_course.audit.execution.paths import duplicate, label, leaves, own_object
from tinygrad_course.audit.kinds.base import Assumption, words
from tinygrad_course.audit.kinds.cases import Case, Draw
from tinygrad_course.audit.kinds.input_layouts import category, inputs, layouts
from tinygrad_course.audit.kinds.own_class import JOINT, method_name, shown_name, taken_apart
from tinygrad_course.audit.kinds.own_network import OwnNetwork, Unfit, match, ratio_of
from tinygrad_course.audit.source.signatures import argument_names, needed_names
from tinygrad_course.audit.source.syntax import names_in, names_of, nodes, returned, stored_names

TRIES, DIFFERENTIATED = 2500, 10
"""How many sets of values are tried, and with how many of them the forward function is differentiated."""
_BACK = re.compile(r"(?i)back|bprop|bwd|grad|deriv|prime|delta")
_CACHE = re.compile(r"(?i)cache\w*|ctx|memory|saved?|store\w*|context|tape")
_NUMERICAL = re.compile(r"(?i)numer|check|clip|descent|test|relative|update|plot|approx")
_GRADIENT_NAME = re.compile(r"(?i)^(d_?[a-z]\w*|\w*(grad|nabla|delta)\w*)$")
_LIST_OF_GRADIENTS = re.compile(r"(?i)^(grads?|gradients?|nabla|delta|d)_?(?=[wbp]|$)|_?(grads?|gradients?|deltas?)$")
_PART = re.compile(r"(?i)cost|loss|error|sigmoid|relu|tanh|activation|soft")
_FORWARD_NAMES = words(
    "forward forward_pass forward_propagation forwardprop fprop __call__ call feedforward activate evaluate loss "
    "cost fn function compute apply"
)
_PARTNERS = (
    ("backward", "forward"),
    ("backprop", "forward"),
    ("back", "forward"),
    ("bprop", "fprop"),
    ("bwd", "fwd"),
    ("_backward", ""),
    ("_gradient", "_loss"),
    ("_gradient", "_cost"),
    ("_gradient", ""),
    ("gradient", "loss"),
    ("gradient", "cost"),
    ("_grad", "_loss"),
    ("_grad", ""),
    ("grad", "loss"),
    ("grad", "cost"),
    ("grad_", ""),
    ("_prime", ""),
    ("prime", ""),
    ("_derivative", ""),
    ("derivative", ""),
    ("deriv_", ""),
    ("d_", ""),
)


@dataclass
class _Tried:
    """A set of values with which both functions ran."""

    case: Case
    right: int
    proved: bool
    """Whether the gradients that are wrong can only be mistakes."""
    for_one: bool = False
    """Whether they are wrong by having an axis for the examples: the function may be meant for one."""


class AnyBackward(OwnNetwork):
    """The gradients of one function, method or layer, whatever it takes and returns."""

    battery = words("distinct distinct distinct")
    examples = 0
    shrinks = 0
    trials = 1500
    owns = True

    def __init__(
        self, program: Program, node: ast.FunctionDef, forward: ast.FunctionDef, owner: str = ""
    ) -> None:
        self.program, self.node, self.forward, self.owner = program, node, forward, owner
        self.initial, self.cost, self.rows, self.units = None, "", None, 1
        self.place: tuple[int, int] | None = None
        """The layout, and the place in it, of the values that fit."""
        self.remark = ""
        self.kept_in: dict[str, str] = {}
        self.differentiated = 0
        """With how many sets of values the forward function was differentiated."""

    @property
    def described(self) -> str:
        """Say what it is held against."""
        assert self.forward is not None  # noqa: S101 - there is always one
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

    def _free(self) -> list[str]:
        """Return the variables that the functions read, and that nothing in the file sets or that are sizes."""
        called = [self.node, self.forward]
        sizes = {
            name
            for name, value in self.program.namespace.items()
            if isinstance(value, int) and category(name) in {"inputs", "hidden", "outputs"}
        }
        known = {*self.program.namespace, *vars(builtins)} - sizes
        found: list[str] = []
        for node in called:
            if node is None:
                continue
            local = {*stored_names(node), *argument_names(node)}
            local |= {one.name for one in nodes(node, ast.FunctionDef)}
            found += sorted(names_in(node) - local - known - {*found})
        return found

    def _names(self) -> tuple[list[str], list[str], list[str]]:
        """Return what the search has to find: what a new object takes, the forward function, the other one."""
        start: list[str] = []
        if self.owner:
            made = self.program.functions.get(method_name(self.owner, "__init__"))
            start = _asked(made) if made is not None else []
        assert self.forward is not None  # noqa: S101 - there is always one
        forward = _asked(self.forward)
        return start, forward, [name for name in _asked(self.node) if name not in forward]

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        """Find values with which both functions run, and differentiate the forward function there."""
        if learner.low_precision():
            raise Unfit("it computes in single precision")
        start, forward, back = self._names()
        free = self._free()
        upstream = self._upstream(back)
        passed = [name for name in back if name != upstream and not _CACHE.fullmatch(name)]
        names = list(dict.fromkeys([*start, *forward, *free, *passed]))
        best: tuple[_Tried, tuple[int, int]] | None = None
        problem, tries, self.differentiated = Unfit("it takes nothing that was tried"), 0, 0
        problem.error = TypeError()
        seed = draw.choice(range(10**6))
        for number, layout in enumerate(layouts()):
            if self.place is not None and self.place[0] != number:
                continue
            for_one = best is not None and best[0].for_one
            if self.place is None and best is not None and layout.single != for_one:
                continue  # a sum over one example is its mean; a gradient with an axis too many is meant for one
            for place, values in enumerate(inputs(names, seed, layout)):
                if self.place is not None and self.place[1] != place:
                    continue
                tries += 1
                try:
                    tried = self._tried(learner, Draw(seed + 1), values, (start, forward, free), upstream)
                except Unfit as error:
                    problem = max(problem, error, key=self._told)
                else:
                    if best is None or tried.right > best[0].right or (tried.right == best[0].right and not tried.for_one and best[0].for_one):
                        best = tried, (number, place)
                    complete = tried.right == len(tried.case.required)
                    if complete and tried.right >= best[0].right:
                        if layout.single and for_one and not self._one_by_one():
                            raise Unfit("it is right for one example, and not for several at a time")
                        self.place = number, place
                        return tried.case
                if tries > TRIES or self.differentiated >= DIFFERENTIATED or (best is not None and best[0].for_one and not layout.single):
                    break
            if tries > TRIES or self.differentiated >= DIFFERENTIATED:
                break
        if best is None:
            raise problem
        if not best[0].proved:
            none = Unfit(f"none of its gradients is that of {shown_name(self.forward.name)}; they may be meant otherwise")
            raise max(none, problem, key=self._told)
        self.place = best[1]
        return best[0].case

    def _told(self, problem: Unfit) -> int:
        """Tell how much a problem says: that the forward function raises, is least."""
        if problem.error is not None:
            return 2 if problem.args[0].startswith(f"{self.node.name} raises") and not self.together else 0
        return 3 if problem.args[0].endswith("times") else 1

    def _upstream(self, names: list[str]) -> str | None:
        """Return the argument that is the derivative of the output."""
        asked = [name for name in names if not _CACHE.fullmatch(name)]
        told = [name for name in asked if _GRADIENT_NAME.match(name) or re.search(r"(?i)error|upstream", name)]
        if told:
            return told[0]
        plain = [name for name in asked if category(name) not in {"labels", "number", "data", "weights", "flag"}]
        return plain[0] if self.owner and len(plain) == 1 else None

    def _tried(
        self,
        learner: Learner,
        draw: Draw,
        values: dict[str, Any],
        taken: tuple[list[str], list[str], list[str]],
        upstream: str | None,
    ) -> _Tried:
        start, forward, free = taken
        assert self.forward is not None  # noqa: S101 - there is always one
        theta: dict[str, Any] = {name: values[name] for name in forward}
        outside = {name: values[name] for name in free}
        if self.owner:
            theta["self"] = self._new(learner, {name: values[name] for name in start}, outside)
        known = {path for path, _ in leaves({**theta, **outside})}
        held = duplicate({**theta, **outside})
        result = self._called(learner, self.forward, held, outside)
        held = {name: value for name, value in held.items() if name not in outside}
        place, weight, arguments = self._passed(result, held, values, draw, upstream)
        costs = [weight]
        if weight is None:
            labels = [value for name, value in arguments.items() if category(name) == "labels"]
            costs = [*implied(_parts(result)[place], labels[0])] if labels else []
        if not costs:
            raise Unfit(f"no argument of {self.node.name} is the derivative of an output")

        passed = duplicate(arguments)
        with self.program.bound(outside):
            result = self._run(learner, self.node, passed)
        fixed = {name for name in values if category(name) in {"labels", "settings", "number", "epsilon"}}
        best: _Tried | None = None
        self.differentiated += 1
        for cost in costs:

            def J(at: Any, cost: Any = cost) -> float:
                part = _parts(self._called(learner, self.forward, at, outside))[place]
                return float(cost(part) if callable(cost) else np.sum(cost * part))

            gradient = slopes(
                J, {**theta, **outside}, lambda path, value: path in known and path[0] not in fixed and _inner(path)
            )
            if gradient is None:
                raise Unfit("a kink is too near")
            expected = {"d" + label(path): value for path, value in gradient.items() if np.any(np.abs(value) > 1e-9)}
            found = self.gradients(result, arguments, passed, expected)
            case = Case(arguments, expected, (), bindings=outside)
            tried = self._weighed(learner, case, found, upstream, values, implied=callable(cost))
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
        upstream: str | None,
        values: dict[str, Any],
        *,
        implied: bool = False,
    ) -> _Tried:
        """Tell which of the gradients that were found are right, and whether the others can only be wrong."""
        expected = case.expected
        if not found:
            raise Unfit("its gradients are not found")
        if implied:
            expected = case.expected = _up_to_a_factor(found, expected, descends=self._descends())
        right = [key for key in found if _same(found[key], expected[key])]
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
                raise Unfit(f"it gives the derivative of {self.forward.name if self.forward else ''}, {ratio:.4g} times")
        linear = upstream is not None and self._linear(learner, case, found, upstream)
        wide = (np.size(found[key]) / max(1, np.size(expected[key])) for key in others)
        for_one = any(times > 1 and times in sizes for times in wide)
        return _Tried(case, len(right), bool(right) or self.together or linear, for_one)

    def _descends(self) -> bool:
        """Tell whether the file takes something away from parameters: then gradients are to point upwards."""
        trees = [*self.program.functions.values(), *self.program.submission.script]
        taken = [one.target for tree in trees for one in nodes(tree, ast.AugAssign) if isinstance(one.op, ast.Sub)]
        taken += [one.right for tree in trees for one in nodes(tree, ast.BinOp) if isinstance(one.op, ast.Sub)]
        return any(re.search(r"(?i)\b(eta|lr|alpha|learning_?rate|step_?size|rate)\b|grad|nabla", ast.unparse(one)) for one in taken)

    def _one_by_one(self) -> bool:
        """Tell whether the file itself calls the function for one example after the other."""
        name = self.node.name.split(JOINT)[0]
        bodies = [loop for node in self.program.functions.values() for loop in nodes(node, ast.For)]
        called = [call.func for loop in bodies for call in nodes(loop, ast.Call)]
        return any(getattr(function, "attr", getattr(function, "id", "")) == name for function in called)

    def _linear(self, learner: Learner, case: Case, found: dict[str, Any], upstream: str) -> bool:
        """Tell whether the gradients double with the derivative that is passed on."""
        passed = duplicate(case.values)
        passed[upstream] = 2 * passed[upstream]
        with self.program.bound(case.bindings):
            result = self._run(learner, self.node, passed)
        twice = self.gradients(result, case.values, passed, case.expected)
        return all(key in twice and _same(twice[key], 2 * np.asarray(value)) for key, value in found.items()) and not any(
            np.array_equal(value, case.values[upstream]) for value in found.values()
        )

    def _new(self, learner: Learner, given: dict[str, Any], outside: dict[str, Any]) -> Any:
        with self.program.bound(outside):
            outcome = learner.program.call(self.program.namespace[self.owner], (), duplicate(given))
        if outcome.error is not None:
            raise Unfit.raised(f"{self.owner}(...)", outcome.error)
        return outcome.result

    def _called(
        self, learner: Learner, node: ast.FunctionDef | None, theta: dict[str, Any], outside: dict[str, Any]
    ) -> Any:
        assert node is not None  # noqa: S101 - there is always one
        here = {name: value for name, value in theta.items() if name not in outside}
        with self.program.bound({name: theta.get(name, value) for name, value in outside.items()}):
            return self._run(learner, node, here)

    def _passed(
        self, result: Any, held: dict[str, Any], values: dict[str, Any], draw: Draw, upstream: str | None
    ) -> tuple[int, Any, dict[str, Any]]:
        """Return the place of the output, its weight (None where none is given), and the other's arguments."""
        assert self.forward is not None  # noqa: S101 - there is always one
        parts = _parts(result)
        numbers = [place for place, part in enumerate(parts) if _numeric(part)]
        scalars = [place for place in numbers if np.ndim(parts[place]) == 0]
        if not numbers:
            raise Unfit(f"{self.forward.name} gives no numbers")
        if self.together:
            if not scalars or len(parts) < 2:
                raise Unfit(f"{self.forward.name} gives no cost with its gradients")
            return scalars[0], 1.0, dict(held)
        names = names_of(returned(self.forward), len(parts))
        first = numbers[0]
        arguments: dict[str, Any] = {}
        for name in _asked(self.node, all_of_them=True):
            if name == upstream:
                if np.ndim(parts[first]) or name in needed_names(self.node):
                    arguments[name] = draw.array(*np.shape(parts[first]))
            elif name == "self" or name in held:
                arguments[name] = held[name]
            elif _CACHE.fullmatch(name) and len(parts) > 1:
                arguments[name] = duplicate(parts[-1])
            elif name in names:
                arguments[name] = duplicate(parts[names.index(name)])
            elif category(name) == "data" and (taken := next((key for key in held if category(key) == "data"), "")):
                arguments[name] = held[taken]
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
        found: dict[str, Any] = {}
        if "self" in after:
            held = {name: value for name, value in vars(after["self"]).items() if not own_object(value)}
            found |= match(held, None, expected, by_shape=False)
        if isinstance(result, dict):
            found |= {key: value for key, value in match(result, None, expected).items() if key not in found}
        parts = _parts(result)
        names = names_of(returned(self.node), len(parts))
        for variable, listed in _parallel(result, names, vars(after["self"]) if "self" in after else {}, expected):
            found |= listed
            self.kept_in |= dict.fromkeys(listed, variable)
        named = match(result, returned(self.node), expected, by_shape=False)
        found |= named
        taken = [id(value) for value in found.values()]
        loose = [
            part
            for name, part in zip(names, parts, strict=True)
            if isinstance(part, np.ndarray) and id(part) not in taken and (not named or _GRADIENT_NAME.match(name))
        ]
        for part in loose:
            alike = [key for key in expected if key not in found and np.shape(expected[key]) == part.shape]
            if len(alike) == 1 and sum(other.shape == part.shape for other in loose) == 1:
                found[alike[0]] = part
        return found


def implied(output: Any, labels: Any) -> list[Callable[[Any], Any]]:
    """Return the costs of an output and labels that code without a cost may mean; each says what it is."""
    Y = np.asarray(labels)
    chances = bool(np.all((output > 0) & (output < 1)))
    if np.ndim(output) == 2 and Y.shape == np.shape(output)[:1] and Y.dtype.kind in "iu" and chances:
        Y = np.eye(np.shape(output)[1])[Y]
    if Y.shape != np.shape(output) or not np.ndim(output) or Y.dtype.kind not in "fiub":
        return []

    def squares(A: Any) -> Any:
        """half the sum of squares"""
        return np.sum((A - Y) ** 2) / 2

    def cross_entropy(A: Any) -> Any:
        """the cross-entropy of each output"""
        return -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A))

    def of_classes(A: Any) -> Any:
        """the cross-entropy of the classes"""
        return -np.sum(Y * np.log(A))

    alone = np.ndim(output) == 1 or 1 in np.shape(output)
    logarithms = (cross_entropy, of_classes) if alone else (of_classes, cross_entropy)
    return [squares, *(logarithms if chances and np.all((Y >= 0) & (Y <= 1)) else ())]


def _up_to_a_factor(found: Mapping[str, Any], expected: dict[str, Any], *, descends: bool) -> dict[str, Any]:
    """Return the derivatives times the factor that most of the gradients have: of no cost is it known."""
    ratios = [ratio_of(found, {key: expected[key]}) for key in found if np.size(expected[key]) > 1]
    told = sorted(ratio for ratio in ratios if ratio is not None)
    if not told or 2 * len(told) <= len(ratios):
        return expected
    middle = told[len(told) // 2]
    middle = abs(middle) if descends else middle
    return {key: value * middle for key, value in expected.items()}


def _asked(node: ast.FunctionDef, *, all_of_them: bool = False) -> list[str]:
    """Return the arguments that have to be given, and the numbers that change what is computed."""
    names, needed = argument_names(node), needed_names(node)
    wanted = [name for name in names if name in needed or all_of_them or category(name) in {"number", "settings", "labels"}]
    return [name for name in wanted if name != "self" or all_of_them]


def _parts(result: Any) -> list[Any]:
    return list(result) if isinstance(result, tuple | list) else [result]


def _numeric(part: Any) -> bool:
    return (
        isinstance(part, np.ndarray | float | np.floating)
        and np.asarray(part).dtype.kind == "f"
        and bool(np.all(np.isfinite(part)))
    )


def _inner(path: tuple[Any, ...]) -> bool:
    """Tell whether a leaf is a value of its own, and no gradient or average that an object keeps."""
    return re.search(r"(?i)grad|^d[A-Zw]|mean|var$|running|veloc|moment", label(path)) is None


def _same(value: Any, want: Any) -> bool:
    if np.size(value) != np.size(want):
        return False
    mine, right = np.ravel(np.asarray(value, dtype=float)), np.ravel(np.asarray(want, dtype=float))
    return bool(np.allclose(mine, right, rtol=1e-4, atol=1e-6 * max(1.0, float(np.max(np.abs(right), initial=0.0)))))


def _parallel(
    result: Any, names: list[str], held: Mapping[str, Any], expected: Mapping[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the gradients in lists that go along with a list of parameters: nabla_w with weights."""
    lists = [(name, part) for name, part in zip(names, _parts(result), strict=True) if isinstance(part, list | tuple)]
    lists += [(name, value) for name, value in held.items() if _LIST_OF_GRADIENTS.search(name)]
    stems = {stem: rest for stem, at, rest in (key.partition("@") for key in expected) if at}
    taken: set[str] = set()
    for name, value in lists:
        if not isinstance(value, list | tuple):
            continue
        for stem in stems:
            keys = [f"{stem}@{number}" for number in range(len(value))]
            told = _letter(_LIST_OF_GRADIENTS.sub("", name)) == _letter(stem[1:])
            fits = all(key in expected and np.shape(expected[key]) == np.shape(part) for key, part in zip(keys, value, strict=True))
            if keys and (told or fits) and stem not in taken:
                taken.add(stem)
                yield name, {key: part for key, part in zip(keys, value, strict=True) if key in expected}


def _letter(name: str) -> str:
    """Return by which letter a kind of parameter is known: w for weights, b for biases."""
    plain = re.sub(r"[\W_]", "", name).lower()
    return plain[:1] if re.fullmatch(r"w|weights?|b|bias(es)?", plain) else plain


def any_backwards(program: Program, judged: set[str]) -> Iterator[AnyBackward]:
    """Give what has a forward and a backward computation, of functions and of methods, and is not judged."""
    plain = {name: node for name, node in program.functions.items() if JOINT not in name and name not in judged}
    for name, node in plain.items():
        forward = _partner(name, program.functions)
        if _gives_both(node):
            yield AnyBackward(program, node, node)
        elif forward is not None and not _NUMERICAL.search(name):
            yield AnyBackward(program, node, forward)
    for made, statement in taken_apart(program):
        methods = {
            name.split(JOINT)[0]: node for name, node in made.functions.items() if name.endswith(JOINT + statement.name)
        }
        forward = next((methods[name] for name in _FORWARD_NAMES if name in methods), None)
        for name, node in methods.items():
            if node.name in judged or name.startswith("__") or _NUMERICAL.search(name):
                continue
            if _gives_both(node):
                yield AnyBackward(made, node, node, statement.name)
            elif forward is not None and node is not forward and _BACK.search(name) and not _PART.search(name):
                yield AnyBackward(made, node, forward, statement.name)


def _partner(name: str, functions: Mapping[str, ast.FunctionDef]) -> ast.FunctionDef | None:
    """Return the forward function that goes with a backward function by its name."""
    if not _BACK.search(name):
        return None
    for back, forth in _PARTNERS:
        other = functions.get(name.replace(back, forth)) if back in name else None
        if other is not None and other.name != name:
            return other
    return None


def _gives_both(node: ast.FunctionDef) -> bool:
    """Tell whether a function returns a cost and gradients."""
    expression = returned(node)
    if not isinstance(expression, ast.Tuple) or len(expression.elts) < 2 or _NUMERICAL.search(node.name):
        return False
    names = names_of(expression, len(expression.elts))
    costs = [name for name in names if re.search(r"(?i)^j$|cost|loss", name)]
    return bool(costs) and any(name not in costs and _GRADIENT_NAME.match(name) for name in names)

