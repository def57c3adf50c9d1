"""An optimizer of a class's own: what a few of its steps make of parameters, against the rules of the field.

Right is what agrees with one of them; wrong is what its name says and what one change of a line makes it.
"""

import ast
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.execution.namespace import Program
from tinygrad_course.audit.execution.paths import duplicate
from tinygrad_course.audit.kinds.base import Assumption, Kind, Unfit, words
from tinygrad_course.audit.kinds.cases import Array, Case, Draw
from tinygrad_course.audit.kinds.own_class import method_name, with_methods
from tinygrad_course.audit.reference.course import Rule
from tinygrad_course.audit.source.signatures import INSIDE, argument_names, needed_names, role_of
from tinygrad_course.audit.source.syntax import definition

_STEPS = 3
_METHOD = re.compile(r"(?i)^(step|update\w*|optimi[sz]e|apply\w*|__call__|minimize)$")
_OPTIMIZER = re.compile(r"(?i)adam|momentum|nesterov|rms|adagrad|sgd|optim")
Numbers = dict[str, float]


_BOTH, _KEPT = (False, True), ("averaged", "summed")
_RULES: dict[str, list[Rule]] = {
    "adam": [Rule("averaged", "averaged", not plain, inside) for plain in _BOTH for inside in _BOTH],
    "nesterov": [Rule(first, ahead=True) for first in _KEPT[::-1]],
    "momentum": [Rule(first) for first in _KEPT],
    "rms": [Rule(squares="averaged", inside=inside) for inside in _BOTH],
    "adagrad": [Rule(squares="summed", inside=inside) for inside in _BOTH],
    "sgd": [Rule()],
}


class AnyOptimizer(Kind):
    """The parameters after a few steps."""

    battery = words("distinct distinct distinct")
    trials = 1200
    owns = True

    def __init__(self, program: Program, owner: str, method: ast.FunctionDef) -> None:
        self.program, self.owner = with_methods(program), owner
        self.method = method_name(owner, method.name)
        given = [name for name in argument_names(method) if name != "self"]
        self.wanted = [name for name in needed_names(method) if name != "self"]
        calls = f"{self.method}(made, {', '.join(f'{name}={name}' for name in self.wanted)})"
        grads = next((name for name in given if _of_gradients(name)), given[-1] if given else "")
        text = f"""def {self.method}{INSIDE}steps(made, parameters, steps):
    for {grads} in steps:
        {next((one for one in self.wanted if one != grads), "kept")} = parameters
        kept = {calls}
        parameters = parameters if kept is None else kept
    return parameters"""
        self.node = ast.fix_missing_locations(ast.copy_location(definition(text), method))
        self.program.functions[self.node.name] = self.node
        self.program.namespace[self.node.name] = self.program.define(self.node)
        self.told = next((name for name in _RULES if name in f"{owner}{method.name}".lower()), "")

    @property
    def described(self) -> str:
        """Say what it is held against."""
        return f"the rule of {self.told}" if self.told else "the known rules"

    def involved(self) -> list[str]:
        """Return the method's name."""
        return [self.method]

    def assumptions(self, learner: Learner) -> list[Assumption]:
        """Return the rules and the forms of parameters, those of its name alone where it tells one."""
        rules = _RULES[self.told] if self.told else [rule for rules in _RULES.values() for rule in rules]
        forms = [form for form in ("dict", "list", "d", "array") if self._runs(learner, form)]
        return [{"rule": rule, "form": form} for form in forms[:1] or ["dict"] for rule in rules]

    def _runs(self, learner: Learner, form: str) -> bool:
        """Tell whether steps can be made with parameters in a dictionary, a list or one array."""
        try:
            case = self.case(learner, Draw(0), {"rule": Rule(), "form": form})
        except Unfit:
            return False
        function = self.program.namespace[self.node.name]
        outcome = self.program.call(function, (), duplicate(dict(case.values)))
        return outcome.error is None and {*self.read(outcome.result, None, case)} == {*case.required}

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        """Draw parameters and gradients, and make an optimizer for them."""
        shapes = {"W1": (3, 2), "b1": (3, 1), "W2": (1, 3)}
        shapes = {"W1": (3, 2)} if assumption["form"] == "array" else shapes
        arrays = {key: draw.array(*shape) for key, shape in shapes.items()}
        steps = [{key: draw.array(*shape) for key, shape in shapes.items()} for _ in range(_STEPS)]
        form = assumption["form"]
        parameters, given = _formed(arrays, form), [_formed(one, form, "d") for one in steps]
        new = self.program.functions.get(method_name(self.owner, "__init__"))
        arguments: dict[str, Any] = {}
        for name in needed_names(new)[1:] if new is not None else ():
            role = role_of(name, [*_NUMBERS, "parameters"])
            arguments[name] = _NUMBERS.get(role or "", parameters)
        outcome = self.program.call(self.program.namespace[self.owner], (), arguments)
        numbers = _numbers_of(Unfit.unless(outcome, f"{self.owner}(...)"))
        expected: dict[str, Any] = {}
        for key, p in arrays.items():
            made: dict[str, Any] = {"parameter": p, "v": 0.0, "s": 0.0}
            for t, one in enumerate(steps, start=1):
                made = assumption["rule"].step(made["parameter"], one[key], numbers, t, made["v"], made["s"])
            expected[key] = made["parameter"]
        values = {"made": outcome.result, "parameters": parameters, "steps": given}
        return Case(values, expected, tuple(expected))

    def read(self, result: Any, expression: ast.expr | None, case: Case) -> dict[str, Any]:
        """Read the parameters by their keys, or by their places."""
        if isinstance(result, list | tuple | np.ndarray):
            return dict(
                zip(case.required, [result] if isinstance(result, np.ndarray) else result, strict=False)
            )
        return dict(result) if isinstance(result, dict) else {}


_NUMBERS = {"learning_rate": 0.1, "beta1": 0.8, "beta2": 0.95, "beta": 0.8, "epsilon": 0.01}


def _formed(arrays: dict[str, Array], form: str, derivative: str = "") -> Any:
    """Return arrays in a form; gradients may have keys of their own."""
    if form == "list":
        return [*arrays.values()]
    if form == "array":
        return arrays["W1"]
    return {derivative * (form == "d") + key: value for key, value in arrays.items()}


def _of_gradients(name: str) -> bool:
    return re.search(r"(?i)grad|^d|^g\w?$|ableit", name) is not None


def _numbers_of(made: Any) -> Numbers:
    """Return the numbers of a rule, from the attributes of an optimizer."""
    plain = {name: float(value) for name, value in vars(made).items() if isinstance(value, float)}
    found = {"learning_rate": 0.01, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
    for name, value in plain.items():
        short = re.sub(r"[\W_]", "", name).lower()
        if role_of(name, ["learning_rate"]):
            found["learning_rate"] = value
        elif re.fullmatch(r"(beta|b)2|rho|decay(rate)?", short):
            found["beta2"] = value
        elif re.fullmatch(r"(beta|b)1?|momentum|mu|gamma", short):
            found["beta1"] = value
        elif short.startswith("eps"):
            found["epsilon"] = value
    if "rho" not in plain and not any(re.search("2|rho|decay", name) for name in plain):
        found["beta2"] = found["beta1"]  # of RMSprop, which has one
    return found


def any_optimizers(program: Program) -> Iterator[AnyOptimizer]:
    """Give the classes of a file that are optimizers by their names, and what makes a step."""
    for statement in program.submission.statements:
        if isinstance(statement, ast.ClassDef) and _OPTIMIZER.search(statement.name):
            methods = [one for one in statement.body if isinstance(one, ast.FunctionDef)]
            method = next((one for one in methods if _METHOD.match(one.name)), None)
            if method is not None and isinstance(program.namespace.get(statement.name), type):
                yield AnyOptimizer(program, statement.name, method)
