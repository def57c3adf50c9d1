"""Optimizers (course 2, week 2): one update of the course's functions, and a few steps of a class's own.

No gradient check can see `beta1**2`. A class that agrees with one of the rules of the field is right; it is
wrong where one change of a line makes it what its name says.
"""

import ast
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.execution.namespace import Program
from tinygrad_course.audit.kinds.base import Assumption, Kind, Unfit, first_of, formula, roles, words
from tinygrad_course.audit.kinds.cases import Case, Draw
from tinygrad_course.audit.kinds.forward_passes import draw_parameters
from tinygrad_course.audit.kinds.own_class import method_name, with_methods
from tinygrad_course.audit.reference import course
from tinygrad_course.audit.reference.course import Parameters, Rule
from tinygrad_course.audit.source.argument_kinds import category
from tinygrad_course.audit.source.signatures import INSIDE, JOINT, argument_names, needed_names, role_of
from tinygrad_course.audit.source.syntax import definition, nodes

STEPS = (1, 2, 3, 10)
_TAKEN = 3
_METHOD = re.compile(r"(?i)^(step|update\w*|optimi[sz]e|apply\w*|__call__|minimize)$")
_OPTIMIZER = re.compile(r"(?i)adam|momentum|nesterov|rms|adagrad|sgd|optim")


def draw_state(learner: Learner, draw: Draw) -> tuple[Parameters, Parameters]:
    """Draw parameters and their gradients, for as many layers as the source names, or one to three."""
    L = learner.depth() or draw.layers()
    parameters = draw_parameters(draw, [draw.size(1, 4) for _ in range(L + 1)])
    return parameters, {"d" + key: draw.array(*value.shape) for key, value in parameters.items()}


def _case(parameters: Parameters, values: dict[str, Any], expected: dict[str, Any], **known: Any) -> Case:
    """Return the case of an update: what is expected is asked for, but for corrected moments."""
    required = tuple(key for key in expected if "corrected" not in key)
    layers = len(parameters) // 2
    return Case({"parameters": parameters, **values}, expected, required, layers=layers, **known)


def _steps(
    rule: Rule,
    parameters: Parameters,
    grads: Parameters,
    moments: dict[str, Parameters],
    of: dict[str, float],
    t: int = 1,
) -> dict[str, Any]:
    """Return the moments after a step, corrected ones too, and then the parameters."""
    steps: dict[str, Any] = {}
    for key, value in parameters.items():
        held = {name: moment["d" + key] for name, moment in moments.items()}
        steps[key] = rule.step(value, grads["d" + key], of, t, **held)
    kept = [name for moment in moments for name in (moment, f"{moment}_corrected")]
    found = {f"{name}_d{key}": step[name] for key, step in steps.items() for name in kept}
    return found | {key: step["parameter"] for key, step in steps.items()}


class Update(Kind):
    """theta - learning_rate * dtheta."""

    names = words(
        "update_parameters update_parameters_with_gd update_parameters_gd gradient_descent update_params"
    )
    signatures = roles("parameters grads learning_rate")
    outputs = ("parameters",)
    may_change = frozenset({"parameters"})
    firm = True

    def fits(self, node: ast.FunctionDef) -> bool:
        """Tell one update from a whole training: gradient_descent(X, y)."""
        return not {"data", "labels"} & {*map(category, argument_names(node))}

    def assumptions(self, learner: Learner) -> list[Assumption]:
        """The keys are W1, b1, ...; those of one layer may have no numbers, as in logistic regression."""
        match = re.search(r"\[['\"]([wW])['\"]\]", learner.text())
        return [{"weight": match.group(1)}] if match else [{}]

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        parameters, grads = draw_state(learner, draw)
        if assumption:
            weight = draw.array(draw.size(1, 4), 1)
            parameters = {assumption["weight"]: weight, "b": draw.array(1, 1)}
            grads = {"d" + key: draw.array(*value.shape) for key, value in parameters.items()}
        rate = draw.choice([0.3, 0.1, 0.7])
        # Gradients for which nothing is to be updated (dA1, ...) lie among the others, as in the course.
        given = {**grads, "dA1": draw.array(2, 2)}
        expected = course.update_parameters(parameters, grads, rate)
        stages = {key: [value] for key, value in parameters.items()}
        scalars = {"learning_rate": rate}
        return _case(parameters, {"grads": given, **scalars}, expected, stages=stages, scalars=scalars)

    def read(self, result: Any, expression: ast.expr | None, case: Case) -> dict[str, Any]:
        """The parameters, whatever the returned dictionary is called."""
        alone = isinstance(result, tuple) and len(result) == 1
        return super().read(first_of(result) if alone else result, expression, case)


@formula(
    "initialize_velocity initialize_adam initialise_velocity initialise_adam",
    "parameters",
    outputs="v s",
    firm=True,
)
def initialize_state(learner: Learner, draw: Draw, assumption: Assumption) -> Case:
    """Zeros in the shapes of the gradients: v, or v and s."""
    parameters, _ = draw_state(learner, draw)
    moments = "vs" if "adam" in learner.name.lower() else "v"
    zeros = {key: np.zeros(value.shape) for key, value in parameters.items()}
    return _case(parameters, {}, {f"{v}_d{key}": zero for v in moments for key, zero in zeros.items()})


@formula(
    "update_parameters_with_momentum update_parameters_momentum",
    "parameters grads v beta learning_rate",
    outputs="parameters v",
    may_change=frozenset({"parameters", "v"}),
    firm=True,
)
def momentum(learner: Learner, draw: Draw, assumption: Assumption) -> Case:
    """v = beta v + (1 - beta) dtheta; theta - learning_rate v."""
    parameters, grads = draw_state(learner, draw)
    v = {key: draw.array(*value.shape) for key, value in grads.items()}
    rate, beta = draw.choice([0.3, 0.07]), draw.choice([0.9, 0.6])
    used = {"learning_rate": rate, "beta1": beta}
    expected = _steps(Rule("averaged"), parameters, grads, {"v": v}, used)
    stages: dict[str, list[Any]] = {key: [value] for key, value in parameters.items()}
    stages |= {f"v_{key}": [value, beta * value] for key, value in v.items()}
    given = {"learning_rate": rate, "beta": beta}
    scalars = {**given, "(1 - beta)": 1 - beta}
    return _case(parameters, {"grads": grads, "v": v, **given}, expected, stages=stages, scalars=scalars)


@formula(
    "update_parameters_with_adam update_parameters_adam adam adam_update update_adam adam_step",
    "parameters grads v s t learning_rate beta1 beta2 epsilon",
    outputs="parameters v s v_corrected s_corrected",
    may_change=frozenset({"parameters", "v", "s"}),
    firm=True,
    battery=words("t1 t2 t3 t10 distinct equal smallest deep"),
    # Moments and gradients may be kept under dW1, or under the parameters' W1.
    assumptions=lambda learner: [{"moments": "d"}, {"moments": ""}, {"moments": "", "gradients": ""}],
)
def adam(learner: Learner, draw: Draw, assumption: Assumption) -> Case:
    """Adam with bias correction, at t = 1, 2, 3 and 10; epsilon is large enough to show where it stands."""
    parameters, grads = draw_state(learner, draw)
    v = {key: draw.array(*value.shape) for key, value in grads.items()}
    s = {key: draw.array(*value.shape) ** 2 for key, value in grads.items()}
    t = int(draw.scale[1:]) if draw.scale[1:].isdigit() else draw.choice(STEPS)
    drawn = {"learning_rate": (0.3, 0.07), "beta1": (0.9, 0.6), "beta2": (0.8, 0.95), "epsilon": (0.13, 0.03)}
    given = {name: draw.choice(options) for name, options in drawn.items()}
    # What the function does not take as an argument stands at the course's values.
    usual = {"learning_rate": 0.01, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
    used = {name: given[name] if learner.has(name) else usual[name] for name in given}
    rule = Rule("averaged", "averaged", corrected=True)
    expected = _steps(rule, parameters, grads, {"v": v, "s": s}, used, t)
    stages: dict[str, list[Any]] = {key: [value] for key, value in parameters.items()}
    for key, g in grads.items():
        stages[f"v_{key}"] = [v[key], used["beta1"] * v[key]]
        stages[f"s_{key}"] = [s[key], used["beta2"] * s[key], g**2]
    if not assumption["moments"]:
        expected = {re.sub(r"^([vs](?:_corrected)?_)d", r"\1", key): one for key, one in expected.items()}
        stages = {re.sub("^([vs]_)d", r"\1", key): held for key, held in stages.items()}
        v, s = ({key[1:]: one for key, one in moment.items()} for moment in (v, s))
    if "gradients" in assumption:
        grads = {key[1:]: one for key, one in grads.items()}
    values = {"grads": grads, "v": v, "s": s, "t": t, **given}
    scalars = {**used, "(1 - beta1)": 1 - used["beta1"], "(1 - beta2)": 1 - used["beta2"]}
    scalars |= {"(1 - beta1^t)": 1 - used["beta1"] ** t, "(1 - beta2^t)": 1 - used["beta2"] ** t}
    return _case(parameters, values, expected, stages=stages, scalars=scalars)


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
        named = [name for name in given if re.search(r"(?i)grad|^d|^g\w?$|ableit", name)]
        grads = next(iter([*named, *given[::-1]]), "")
        self.fields = _fields_updated(method, self.wanted)
        """The parameters of a layer that it is given whole, and its names for their gradients."""
        ending = JOINT + owner
        methods = [key.removesuffix(ending) for key in self.program.functions if key.endswith(ending)]
        before = [f"made.{name}()" for name in methods if name.startswith("pre_")]
        after = [f"made.{name}()" for name in methods if name.startswith("post_")]
        text = f"""def {self.method}{INSIDE}steps(made, parameters, steps):
    for {grads} in steps:
        {next((one for one in self.wanted if one != grads), "kept")} = parameters
        kept = {calls}
        parameters = parameters if kept is None else kept
    return parameters"""
        if self.fields:
            text = f"""def {self.method}{INSIDE}steps(made, parameters, steps):
    layer = type("Layer", (), dict(parameters))()
    for gradients in steps:
        vars(layer).update(gradients)
        {"; ".join([*before, f"{self.method}(made, layer)", *after])}
    return {{name: getattr(layer, name) for name in parameters}}"""
        self.node = ast.fix_missing_locations(ast.copy_location(definition(text), method))
        self.program.functions[self.node.name] = self.node
        self.program.namespace[self.node.name] = self.program.define(self.node)
        self.told = next((name for name in _RULES if name in f"{owner}{method.name}".lower()), "")

    @property
    def described(self) -> str:
        """Say what it is held against."""
        return f"the rule of {self.told}" if self.told else "the known rules"

    def assumptions(self, learner: Learner) -> list[Assumption]:
        """Return the rules and the forms of parameters, those of its name alone where it tells one."""
        rules = _RULES[self.told] if self.told else [rule for rules in _RULES.values() for rule in rules]
        forms = ("layer",) if self.fields else ("dict", "list", "d", "array")
        return [{"rule": rule, "form": form} for form in forms for rule in rules]

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        """Draw parameters and gradients, and make an optimizer for them."""
        shapes = {"W1": (3, 2), "b1": (3, 1), "W2": (1, 3)}
        shapes = {"W1": (3, 2)} if assumption["form"] == "array" else shapes
        shapes = dict.fromkeys(self.fields, (3, 2)) or shapes
        arrays = {key: draw.array(*shape) for key, shape in shapes.items()}
        steps = [{key: draw.array(*shape) for key, shape in shapes.items()} for _ in range(_TAKEN)]
        form = assumption["form"]
        parameters, given = _formed(arrays, form), [_formed(one, form, "d") for one in steps]
        given = [{self.fields[key]: one[key] for key in one} for one in steps] if self.fields else given
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
        result = [result] if isinstance(result, np.ndarray) else result
        if isinstance(result, list | tuple):
            return dict(zip(case.required, result, strict=False))
        return dict(result) if isinstance(result, dict) else {}


_NUMBERS = {"learning_rate": 0.1, "beta1": 0.8, "beta2": 0.95, "epsilon": 0.01}


def _formed(arrays: Parameters, form: str, derivative: str = "") -> Any:
    """Return arrays in a form; gradients may have keys of their own."""
    if form == "list":
        return [*arrays.values()]
    if form == "array":
        return arrays["W1"]
    return {derivative * (form == "d") + key: value for key, value in arrays.items()}


def _fields_updated(method: ast.FunctionDef, wanted: list[str]) -> dict[str, str]:
    """Return the attributes of the one argument that are parameters, and those that are their gradients."""
    held = [one for one in nodes(method, ast.Attribute) if [ast.unparse(one.value)] == wanted]
    plain = {one.attr.replace("_", "").lower(): one.attr for one in held}
    forms = ("d{}", "grad{}", "{}grad", "{}gradient", "{}grads")
    pairs = ((name, form.format(key)) for key, name in plain.items() for form in forms)
    return {name: plain[derivative] for name, derivative in pairs if derivative in plain}


def _numbers_of(made: Any) -> dict[str, float]:
    """Return the numbers of a rule, from the attributes of an optimizer."""
    held = {name: float(value) for name, value in vars(made).items() if isinstance(value, float)}
    held = {name: value for name, value in held.items() if value or name != "decay"}  # of the rate
    plain = {re.sub("^decay(_?rate)?$", "rho", name): value for name, value in held.items()}
    found = {"learning_rate": 0.01, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
    found |= {role: value for name, value in plain.items() if (role := role_of(name, found))}
    if not any(re.search("2|rho", name) for name in plain):
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
