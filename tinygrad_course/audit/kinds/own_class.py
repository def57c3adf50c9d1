"""The backward pass of a class, against the gradient of the class's own forward pass and cost."""

import abc
import ast
import contextlib
import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.execution.namespace import Program
from tinygrad_course.audit.execution.paths import Path, label, leaves, plain, put
from tinygrad_course.audit.kinds.cases import Draw
from tinygrad_course.audit.kinds.own_network import (
    BACKWARD,
    COST,
    FORWARD,
    OwnNetwork,
    Pool,
    Unfit,
    match,
)
from tinygrad_course.audit.source.signatures import INSIDE, JOINT, role_of
from tinygrad_course.audit.source.syntax import returned


def with_methods(program: Program) -> Program:
    """Return a copy of a program in which the methods of its classes are functions that can be swapped."""
    made = program.extensible()
    for node in program.submission.statements:
        if isinstance(node, ast.ClassDef) and isinstance(made.namespace.get(node.name), type):
            # A class of the homework may do anything when it is taken apart.
            with contextlib.suppress(Exception):
                _take_apart(made, node)
    return made


def _take_apart(made: Program, node: ast.ClassDef) -> None:
    """Make functions of the methods of a class, and a class that calls them."""
    cls = made.namespace[node.name]
    body = list(_methods(made, node).values())
    for statement in body:
        function = copy.deepcopy(statement)
        function.name = method_name(node.name, statement.name)
        made.functions[function.name] = function
        made.namespace[function.name] = made.define(function)
    members = {
        statement.name: _dispatcher(made.namespace, method_name(node.name, statement.name))
        for statement in body
        if statement.name != "__init__"
    }
    members |= {
        "__module__": "homework",
        "__subclasshook__": classmethod(lambda _, other: cls in other.__mro__),
    }
    made.namespace[node.name] = abc.ABCMeta(node.name, (cls,), members)


def _methods(program: Program, node: ast.ClassDef) -> dict[str, ast.FunctionDef]:
    """Return the methods of a class, those of the file's classes that it is made of first."""
    classes = [
        one for one in program.submission.statements if isinstance(one, ast.ClassDef) and one is not node
    ]
    found: dict[str, ast.FunctionDef] = {}
    for base in node.bases:
        for other in classes:
            if isinstance(base, ast.Name) and other.name == base.id:
                found |= _methods(program, other)
    plain = [one for one in node.body if isinstance(one, ast.FunctionDef) and not one.decorator_list]
    return found | {one.name: one for one in plain}


def _dispatcher(namespace: dict[str, Any], name: str) -> Any:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return namespace[name](self, *args, **kwargs)

    return method


def method_name(owner: str, method: str) -> str:
    """Name a method among the functions of a program."""
    return f"{method}{JOINT}{owner}"


def shown_name(name: str) -> str:
    """Return a method's name as the learner knows it: Network.backward."""
    name = name.partition(INSIDE)[0]
    method, joint, owner = name.partition(JOINT)
    return f"{owner}.{method}" if joint else name


def shown_words(words: str) -> str:
    """Return a sentence with the methods in it as the learner knows them."""
    return re.sub(rf"(\w+?){JOINT}(\w+)", r"\2.\1", re.sub(rf"{INSIDE}\w+", "", words))


class OwnClass(OwnNetwork):
    """A network whose parameters, values and gradients are attributes of one object."""

    partial = True

    def __init__(self, program: Program, owner: ast.ClassDef, backward: ast.FunctionDef) -> None:
        self.owner = owner.name
        self.parameters: set[Path] = set()
        self.methods = {
            name: node for name, node in program.functions.items() if name.endswith(JOINT + owner.name)
        }
        super().__init__(program, backward)

    def _named(self, pattern: re.Pattern[str], *, take_layers: bool = False) -> ast.FunctionDef | None:
        options = [
            node
            for name, node in self.methods.items()
            if pattern.search(name.split(JOINT)[0].lower())
            and not BACKWARD.search(name.split(JOINT)[0].lower())
            and not name.startswith("__init__")
        ]
        return min(options, key=lambda node: (len(node.name), node.lineno), default=None)

    def _costs(self) -> list[ast.FunctionDef]:
        own = [
            node
            for name, node in self.methods.items()
            if COST.search(name.split(JOINT)[0].lower())
            and not re.search(r"deriv|grad|prime|plot|back", name)
        ]
        return own or super()._costs()

    def wanted(self, path: Path, value: Any) -> bool:
        """A parameter is an array (or a bias that is a number) that the new object holds."""
        return path in self.parameters and (isinstance(value, np.ndarray) or plain(path)[:1] == "b")

    def _theta(self, learner: Learner, pool: Pool, draw: Draw) -> Any:
        cls = self.program.namespace[self.owner]
        start = self.methods.get(method_name(self.owner, "__init__"))
        given = Pool({**pool.named, "self": None}, pool.roles).arguments(start) if start is not None else {}
        if given is None:
            names = ", ".join(argument.arg for argument in start.args.args[1:]) if start is not None else ""
            raise Unfit(f"what {self.owner}({names}) takes is not known by the names")
        given.pop("self", None)
        outcome = learner.program.call(cls, (), given)
        if outcome.error is not None:
            raise Unfit.raised(f"{self.owner}(...)", outcome.error)
        made = outcome.result
        if not any(isinstance(value, np.ndarray) for _, value in leaves(made)) and self.initial is not None:
            arguments = Pool({"self": made}, pool.roles).arguments(self.initial) or {"self": made}
            self._run(learner, self.initial, arguments)
            made = arguments["self"]
        self.parameters = set()
        for path, value in list(leaves(made)):
            if not isinstance(value, np.ndarray) and plain(path)[:1] != "b":
                continue
            if re.search(r"(?i)^d[A-Zw]|grad|mean|var$|beta\d|veloc", label(path)):
                continue
            self.parameters.add(path)
            scale = 0.4 if plain(path)[:1] == "b" else 0.7
            drawn: Any = scale * draw.array(*np.shape(value)) if np.ndim(value) else float(draw.array(1)[0])
            made = put(made, path, drawn)
        return made

    def gradients(
        self, result: Any, before: Mapping[str, Any], after: Mapping[str, Any], expected: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the gradients among what is returned and the attributes; else the steps that were taken."""
        holder, start = after["self"], before["self"]
        found = match(dict(vars(holder)), None, expected, by_shape=False)
        if isinstance(result, dict):
            found |= match(result, None, expected)
        elif isinstance(result, tuple):
            found |= match(result, returned(self.node), expected, by_shape=False)
        if not found:
            new = dict(leaves(holder))
            old = {path: value for path, value in leaves(start) if path in self.parameters and path in new}
            moved = [path for path, value in old.items() if np.any(np.asarray(new[path]) != value)]
            rates = [*before.items(), *vars(start).items()]
            rate = next((value for name, value in rates if role_of(name, ["learning_rate"])), 1.0)
            step = float(rate) if np.ndim(rate) == 0 and rate else 1.0
            found = {"d" + label(path): (np.asarray(old[path]) - new[path]) / step for path in moved}
        return {key: value for key, value in found.items() if key in expected}


def taken_apart(program: Program) -> Iterator[tuple[Program, ast.ClassDef]]:
    """Give the classes of a file, each with a program in which their methods are functions."""
    classes = [one for one in program.submission.statements if isinstance(one, ast.ClassDef)]
    made = with_methods(program) if classes else program
    return ((made, one) for one in classes if isinstance(made.namespace.get(one.name), type))


def class_passes(program: Program) -> Iterator[OwnClass]:
    """Give the classes of a file that have a forward and a backward pass of a whole network."""
    for made, statement in taken_apart(program):
        methods = {inner.name for inner in statement.body if isinstance(inner, ast.FunctionDef)}
        backward = [name for name in methods if BACKWARD.search(name.lower())]
        if not backward or not any(FORWARD.search(name.lower()) for name in methods):
            continue
        for name in sorted(backward, key=len)[:2]:
            node = made.functions.get(method_name(statement.name, name))
            if node is not None:
                yield OwnClass(made, statement, node)
