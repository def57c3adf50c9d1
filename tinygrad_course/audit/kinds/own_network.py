"""A backward pass of any form, against the gradient of its own file's forward pass and cost.

Nothing is asked of the file but that the functions fit each other: keys, shapes, caches, the order of
arguments and the cost are its own.
"""

import ast
import contextlib
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.execution.line_trace import canonical, result_values
from tinygrad_course.audit.execution.namespace import Program
from tinygrad_course.audit.execution.oracle import slopes_of_costs
from tinygrad_course.audit.execution.paths import (
    Path,
    duplicate,
    fields_of,
    label,
    leaves,
    own_object,
    plain,
    put,
)
from tinygrad_course.audit.execution.protection import same_draws
from tinygrad_course.audit.kinds.base import Assumption, Kind, Unfit, words
from tinygrad_course.audit.kinds.candidate_costs import CLASSES, EACH, SQUARES, implied, number_of
from tinygrad_course.audit.kinds.cases import Array, Case, Draw
from tinygrad_course.audit.kinds.gradient_names import alone, match, ratio_of
from tinygrad_course.audit.source.signatures import (
    INSIDE,
    Binding,
    argument_names,
    bare,
    needed_names,
    role_of,
)
from tinygrad_course.audit.source.syntax import names_of, returned

FORWARD = re.compile(r"forward|feed|fprop|^fwd|predict_prob|model_output|hypothesis")
BACKWARD = re.compile(r"back|bprop|^bwd|gradients?$|^grads?$|compute_grad|propagate")
COST = re.compile(r"cost|loss|cross_entropy|objective|error_function|^j$")
INITIAL = re.compile(r"init")
LAYER = re.compile(
    r"linear|activation|layer_|_layer|single|one_step|cell|conv|pool|relu|sigmoid|tanh|softmax"
)
_DEEP = re.compile(r"l_model|l_layer|model")
_LINEAR = re.compile(r"(?i)z|logits?|scores?")
_NUMBERS = {"keep_prob", "lambd"}


@dataclass
class Pool:
    """What a function may be given: by the very name, by its role, or as one of the parameters."""

    named: dict[str, Any] = field(default_factory=dict)
    roles: dict[str, Any] = field(default_factory=dict)
    theta: Any = None

    def find(self, name: str, node: ast.FunctionDef) -> tuple[bool, Any]:
        """Return whether there is a value for an argument of this name of a function, and the value.

        What has an index is no number: p["W1"] are the parameters, and p alone may be keep_prob.
        """
        if name in self.named:
            return True, self.named[name]
        known = [(canonical(str(key)), value) for key, value in self.named.items()]
        known += [(plain(path), value) for path, value in leaves(self.theta)]
        for word, value in known:
            if word == canonical(name):
                return True, value
        role = role_of(name, self.roles)
        if role in _NUMBERS and re.search(rf"\b{name}(\[|\.\w)", ast.unparse(node)):
            role = role_of(name, [one for one in self.roles if one not in _NUMBERS])
        return (True, self.roles[role]) if role else (False, None)

    def at(self, theta: Any) -> "Pool":
        """Return the same with other parameters."""
        return Pool(dict(self.named), {**self.roles, "parameters": theta}, theta)

    def needed(self, node: ast.FunctionDef) -> dict[str, Any]:
        """Return the arguments of a function by name; none of them may be unknown."""
        given = self.arguments(node)
        if given is None:
            raise Unfit(f"the arguments of {node.name} are not known by their names")
        return given

    def arguments(self, node: ast.FunctionDef) -> dict[str, Any] | None:
        """Return the arguments of a function by name, None where one of them is unknown."""
        found = {name: self.find(name, node) for name in argument_names(node)}
        unknown = [name for name in needed_names(node) if not found[name][0]]
        taken = any(role_of(name, self.roles) == "cache" for name in found)
        if len(unknown) == 1 and "cache" in self.roles and not taken:
            found[unknown[0]] = True, self.roles["cache"]  # what the forward pass keeps, under any name
        if not all(found[name][0] for name in needed_names(node)):
            return None
        return {name: duplicate(value) for name, (known, value) in found.items() if known}


class OwnNetwork(Kind):
    """Gradients of a network in whatever conventions its file has."""

    outputs = ("grads",)
    battery = words("distinct distinct distinct distinct distinct")
    trials = 600

    def __init__(self, program: Program, backward: ast.FunctionDef) -> None:
        self.program, self.node = program, backward
        self.forward, self.initial = self._forward(), self._named(INITIAL, take_layers=True)
        self.costs: list[ast.FunctionDef | str] = [*self._costs()]
        if not self.costs and not self._takes("lambd"):
            self.costs += [EACH, CLASSES, SQUARES]
        self.cost: ast.FunctionDef | str = ""
        self.problem = ""
        """Why a cost does not go with the passes."""
        self.rows = self.drawn = False
        """Whether the examples are rows, and whether nothing in the file makes the weights."""
        self.layout: tuple[bool, bool] | None = None
        """Whether the examples are rows, and the weights of shape (inputs, units), once that is known."""
        self.units = 1

    def _named(self, pattern: re.Pattern[str], *, take_layers: bool = False) -> ast.FunctionDef | None:
        options = [
            node
            for name, node in self.program.at_hand.items()
            if pattern.search(bare(name))
            and (take_layers or not LAYER.search(bare(name)) or _DEEP.search(bare(name)))
            and not BACKWARD.search(bare(name))
        ]
        return self._likest(options)

    def _likest(self, options: list[ast.FunctionDef]) -> ast.FunctionDef | None:
        """Return the one whose name shares most with the backward pass's: ..._with_dropout."""
        mine = set(bare(self.node.name).split("_"))

        def shared(node: ast.FunctionDef) -> tuple[bool, int, int]:
            words = set(bare(node.name).split("_"))
            alike = len(words & mine) - len(words - mine - {"forward"})
            return INSIDE not in node.name, alike, -abs(node.lineno - self.node.lineno)

        return max(options, key=shared, default=None)

    def _forward(self) -> ast.FunctionDef | None:
        found = self._named(FORWARD)
        drops = found is not None and any(role_of(part) == "keep_prob" for part in argument_names(found))
        return None if drops and not self._takes("keep_prob") else found

    def _takes(self, role: str) -> bool:
        return any(role_of(name) == role for name in argument_names(self.node))

    def _costs(self) -> list[ast.FunctionDef]:
        found = [
            node
            for name, node in self.program.at_hand.items()
            if COST.search(bare(name)) and not re.search(r"backward|deriv|grad|plot", bare(name))
        ]
        penalized = [node for node in found if any(role_of(part) == "lambd" for part in argument_names(node))]
        if self._takes("lambd"):
            return penalized
        return [*[node for node in found if node not in penalized], *penalized]

    @property
    def described(self) -> str:
        """Say what the backward pass is held against."""
        cost = self.cost if isinstance(self.cost, str) else self.cost.name
        inner = f"{self.forward.name} and {cost}" if self.forward is not None else "its own cost"
        return f"the gradient of {inner}"

    def involved(self) -> list[str]:
        """Return the names of the functions that were put together."""
        parts = [self.forward, self.initial, self.node, self.cost]
        return [part.name for part in parts if isinstance(part, ast.FunctionDef)]

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        """Draw a network, run the forward pass and the cost, differentiate them."""
        pool = self._pool(learner, draw)
        problem: Unfit | None = None
        layouts = [(False, False), (True, False), (True, True), (False, True)]
        for layout in [self.layout] if self.layout is not None else layouts:
            self.rows, turned = layout
            if turned and not self.drawn:
                continue
            try:
                usual = self._typed(self._usual(learner, pool, turned=turned)) if self.drawn else None
                theta = self._filled(usual, draw) if self.drawn else None
                made = self._case(learner, pool.at(theta) if self.drawn else pool, draw)
            except Unfit as error:
                if problem is None or not turned:
                    problem = error
                continue
            self.layout = layout
            return made
        raise problem or Unfit("the functions do not fit each other")

    def _usual(self, learner: Learner, pool: Pool, *, turned: bool = False) -> dict[str, Any]:
        """Return parameters of the usual shapes, under the names that the functions give them."""
        node = self.forward or self.node
        names = argument_names(node)
        sizes, units = pool.roles["layer_dims"], self.units
        text = ast.unparse(node)
        single = [
            name for name in names if re.fullmatch(r"(?i)w|weights?|theta", name) and f"{name}[" not in text
        ]
        if single or {"w", "W"} & {*argument_names(self.node)} or self._class_of({"w", "b"}):
            biases = [name for name in names if re.fullmatch(r"(?i)b|bias", name)]
            shape = (sizes[0], units) if units == 1 or turned else (units, sizes[0])
            bias: Any = 0.0 if units == 1 else np.zeros((1, units) if self.rows else (units, 1))
            return {
                (single or ["w"])[0]: np.zeros(shape),
                **dict.fromkeys(biases or ["b"] * (not single), bias),
            }
        made: dict[str, Any] = {}
        key = learner.convention.key
        for layer, (before, after) in enumerate(pairwise(sizes), start=1):
            made[key(f"W{layer}")] = np.zeros((before, after) if turned else (after, before))
            made[key(f"b{layer}")] = np.zeros((1, after) if self.rows else (after, 1))
        return made

    def _pool(self, learner: Learner, draw: Draw) -> Pool:
        m, n_x, n_h = draw.size(2, 5), draw.size(2, 4), draw.size(2, 5)
        if self._takes("keep_prob"):
            m, n_h = 9, 5  # masks that drop something in every layer
        passes = [node.name for node in (self.forward, self.node) if node is not None]
        soft = re.search(r"softmax|keepdims.*exp|exp.*keepdims", learner.text(*passes))
        self.units = 3 if soft or "softmax" in self.program.at_hand else 1
        L = learner.depth(*passes) or draw.layers()
        sizes = [n_x, *[draw.size(2, 4) + 2 * (m == 9) for _ in range(L - 1)], self.units]
        if L == 2:
            sizes[1] = n_h
        roles = {"n_x": n_x, "n_h": sizes[1] if L > 1 else n_h, "n_y": self.units, "layer_dims": sizes}
        lambd = draw.choice([0.7, 0.3]) if self._takes("lambd") else 0.0
        roles |= {"seed": 3, "lambd": lambd, "keep_prob": draw.choice([0.6, 0.75, 0.35]), "print_cost": False}
        roles |= {"activation": "relu", "learning_rate": 0.1, "m": m, "mini_batch_size": m}
        roles["X"] = draw.array(n_x, m)
        several = np.eye(self.units)[np.arange(m) % self.units].T
        roles["Y"] = several if self.units > 1 else draw.labels(m) * 1.0
        pool = Pool(roles=roles)
        return pool.at(self._theta(learner, pool, draw))

    def _theta(self, learner: Learner, pool: Pool, draw: Draw) -> Any:
        made: Any = None
        arguments = pool.arguments(self.initial) if self.initial is not None else None
        if self.initial is not None and arguments is not None:
            made = self._run(learner, self.initial, arguments)
        if type(made) is tuple and self.initial is not None:
            named = result_values(returned(self.initial), made)
            made = named if len(named) == len(made) else made[0] if isinstance(made[0], dict) else None
        self.drawn = made is None or not any(True for _ in leaves(made))
        if self.drawn:
            made = self._typed(self._usual(learner, pool))
        return self._filled(made, draw)

    def _typed(self, made: dict[str, Any]) -> Any:
        """Return parameters as an object of the class that the file has for them, if it has one."""
        names = {canonical(name): value for name, value in made.items()}
        cls = self._class_of({*names})
        return cls(**{field: names[canonical(field)] for field in cls.__annotations__}) if cls else made

    def _class_of(self, names: set[str]) -> Any:
        """Return the class of the file whose fields have these names."""
        for cls in self.program.namespace.values():
            fields = getattr(cls, "__annotations__", {}) if isinstance(cls, type) else {}
            if (hasattr(cls, "__dataclass_fields__") or hasattr(cls, "_fields")) and {
                *map(canonical, fields)
            } == names:
                return cls
        return None

    def _filled(self, made: Any, draw: Draw) -> Any:
        """Draw the numbers of parameters."""
        for path, value in list(leaves(made)):
            if re.search(r"mean|var|mu$|sigma", label(path)):
                continue
            scale = 0.4 if plain(path)[:1] == "b" else 0.7
            drawn = scale * draw.array(*np.shape(value)) if np.ndim(value) else float(draw.array(1)[0]) / 2
            made = put(made, path, np.abs(drawn) if "gamma" in label(path).lower() else drawn)
        return made

    def _run(self, learner: Learner, node: ast.FunctionDef, arguments: Mapping[str, Any]) -> Any:
        """Call a function of the file; random numbers are the same in every call."""
        with learner.program.bound(learner.replacements()), same_draws(1):
            function = learner.program.namespace[node.name]
            outcome = learner.program.call(function, (), dict(arguments))
        if outcome.error is not None:
            raise Unfit.raised(node.name, outcome.error)
        return outcome.result

    def _forward_pass(self, learner: Learner, pool: Pool, theta: Any) -> Pool:
        """Return the pool with what the forward pass returns of a theta."""
        made = pool.at(theta)
        if self.forward is None:
            return made
        arguments = made.needed(self.forward)
        result = self._run(learner, self.forward, arguments)
        parts = list(result) if type(result) is tuple else [result]
        names = names_of(returned(self.forward), len(parts))
        arrays = [part for part in parts if isinstance(part, np.ndarray)]
        holders = [part for part in parts if isinstance(part, dict | list | tuple) or own_object(part)]
        shape = np.shape(pool.roles["Y"])
        made.named |= {name: part for name, part in zip(names, parts, strict=True) if name}
        if not arrays and holders and isinstance(holders[0], list):  # of all layers, the last
            arrays = [part for part in holders[0] if isinstance(part, np.ndarray)][-1:]
        inside = fields_of(holders[0]) if holders else None
        if not arrays and inside is not None:
            inner = {key: item for key, item in inside.items() if isinstance(item, np.ndarray)}
            arrays = [item for key, item in inner.items() if re.match(r"(?i)a|y|\d", str(key))][-1:]
            made.named |= {key: item for key, item in inner.items() if key not in made.named and key != "X"}
        if arrays:
            last = [
                part
                for name, part in zip(names, parts, strict=True)
                if isinstance(part, np.ndarray) and part.shape == shape and not _LINEAR.match(name)
            ]
            made.roles["AL"] = last[-1] if last else self._probabilities(learner, arrays[0], names[0])
        if holders:
            made.roles["cache"] = holders[0]
        return made

    def _probabilities(self, learner: Learner, last: Array, name: str) -> Array:
        """Return the softmax, or sigmoid, of a forward pass that ends with z."""
        head = self.program.at_hand.get("softmax" if self.units > 1 else "sigmoid")
        if head is None or not _LINEAR.match(name) or len(head.args.args) != 1:
            return last
        found = self._run(learner, head, {head.args.args[0].arg: last})
        return np.asarray(found[0] if isinstance(found, tuple) else found)

    def _cost_of(self, learner: Learner, pool: Pool, cost: ast.FunctionDef | str) -> float:
        """Return a cost of the file's own, or a usual one, a mean; NaN where it does not go with the pool."""
        try:
            if not isinstance(cost, str):
                return number_of(self._run(learner, cost, pool.needed(cost)), cost.name)
        except Unfit as error:
            self.problem = str(error)
            return np.nan
        AL, Y = pool.roles.get("AL"), pool.roles["Y"]
        usual = {J.__doc__: J for J in implied(AL, Y)} if isinstance(AL, np.ndarray) else {}
        return float(usual[cost](AL)) / Y.shape[0 if self.rows else 1] if cost in usual else np.nan

    def _case(self, learner: Learner, pool: Pool, draw: Draw) -> Case:
        m = pool.roles["X"].shape[1]
        given = Pool(dict(pool.named), dict(pool.roles), pool.theta)
        if self.rows:
            given.roles |= {"X": pool.roles["X"].T, "Y": pool.roles["Y"].T}
        first = self._forward_pass(learner, given, pool.theta)
        AL = first.roles.get("AL")
        if self.forward is not None and isinstance(AL, np.ndarray):
            if AL.ndim == 1 or AL.shape != given.roles["Y"].shape:
                raise Unfit(f"{self.forward.name} gives {AL.shape} for labels of {given.roles['Y'].shape}")
            if m > 1 and self.units > 1 and abs(float(np.sum(AL)) - 1) < 1e-9:
                raise Unfit(f"the softmax of {self.forward.name} is taken over all examples together")
            if not np.all(np.isfinite(AL)):
                raise Unfit("the forward pass gives numbers that are not finite")
        arguments = first.needed(self.node)
        cost, gradient = self._differentiate(learner, given, arguments)
        expected = {"d" + label(path): value for path, value in gradient.items()}
        case = Case(arguments, {"m": m, **expected}, tuple(expected), m=m, layers=max(1, len(expected) // 2))
        case.scalars = {name: pool.roles[name] for name in ("lambd", "keep_prob") if name in arguments}
        parts = [part.name for part in (cost, self.forward) if isinstance(part, ast.FunctionDef)]
        if re.search(r"1e-\d|eps|clip|0\.0{3,}\d", learner.text(*parts)):
            case.tolerances = dict.fromkeys(expected, 2e-3)
        return case

    def _differentiate(
        self, learner: Learner, given: Pool, arguments: dict[str, Any]
    ) -> tuple[ast.FunctionDef | str, dict[Path, Array]]:
        """Return the cost and its gradient: the cost with which most of the backward pass agrees."""
        costs = [self.cost] if self.cost else self.costs or [""]
        self.problem = "there is no cost to differentiate"

        def J(theta: Any) -> Array:
            if self.forward is None:
                return np.array([self._own_cost(learner, given, theta)])
            after = self._forward_pass(learner, given, theta)
            return np.array([self._cost_of(learner, after, cost) for cost in costs])

        slopes = slopes_of_costs(J, given.theta, lambda path, value: True)
        passed = duplicate(dict(arguments))
        result = None
        if not self.cost:
            with contextlib.suppress(Unfit):  # that it raises is found when it is judged
                result = self._run(learner, self.node, passed)
        best: tuple[int, ast.FunctionDef | str, dict[Path, Array]] | None = None
        for number, cost in enumerate(costs[:1] if self.forward is None else costs):
            gradient = {path: slope[..., number] for path, slope in slopes.items()}
            if not all(np.all(np.isfinite(slope)) for slope in gradient.values()):
                continue
            expected = {"d" + label(path): slope for path, slope in gradient.items()}
            found = {} if self.cost else self.gradients(result, arguments, passed, expected)
            # How many gradients are right, one more where all of them are up to one factor.
            alike = len(expected) + 1 if ratio_of(found, expected) is not None else alone(found, expected)
            if best is None or alike > best[0]:
                best = alike, cost, gradient
        if best is None:
            raise Unfit(self.problem)
        if isinstance(best[1], str) and not best[0] and not self.cost:
            raise Unfit("the file has no cost of its own, and none of the usual ones fits")
        self.cost = best[1]
        return best[1], best[2]

    def gradients(
        self, result: Any, before: Mapping[str, Any], after: Mapping[str, Any], expected: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return which part of a result is which gradient."""
        return match(result, returned(self.node), expected)

    def _own_cost(self, learner: Learner, given: Pool, theta: Any) -> float:
        """Return the cost that the backward function returns itself, as propagate does."""
        arguments = given.at(theta).arguments(self.node)
        result = self._run(learner, self.node, arguments or {})
        values = result_values(returned(self.node), result)
        for name, value in values.items():
            if COST.search(name.lower()) or name == "J":
                return number_of(value, name)
        for part in result if isinstance(result, tuple) else ():
            if np.ndim(part) == 0 and isinstance(part, float | np.floating):
                return float(part)
        raise Unfit("the file has no forward pass and no cost that go with it")

    def read(self, result: Any, expression: ast.expr | None, case: Case) -> dict[str, Any]:
        """Read the gradients by their names, else by their places and shapes."""
        expected = {key: case.expected[key] for key in case.required}
        found = self.gradients(result, case.values, case.passed, expected)
        return {key: _as_updated(value, np.shape(expected[key])) for key, value in found.items()}


def _as_updated(value: Any, shape: tuple[int, ...]) -> Any:
    """Return a gradient as an update takes it: one number for one unit, (n,) for a bias of shape (1, n)."""
    row = np.ndim(value) == 1 and shape == (1, np.size(value))
    return np.reshape(value, shape) if row or np.size(value) == math.prod(shape) == 1 else value


def wide_binding(node: ast.FunctionDef, case: Case) -> Binding:
    """Return the binding in which every argument plays the role of its own name."""
    names = tuple(name for name in argument_names(node) if name in case.values)
    return Binding(names, names)


def backward_passes(program: Program) -> Iterator[ast.FunctionDef]:
    """Give the functions of a file that may be whole backward passes."""
    for name, node in program.own.items():
        plain_name = bare(name)
        whole = not LAYER.search(plain_name) or _DEEP.search(plain_name)
        if BACKWARD.search(plain_name) and whole and len(node.args.args) >= 2:
            yield node
