"""The methods of the classes of a file, as functions that can be swapped."""

import abc
import ast
import contextlib
import copy
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.namespace import Program
from tinygrad_course.audit.reference.comparison import Named
from tinygrad_course.audit.source.signatures import INSIDE, JOINT, argument_names
from tinygrad_course.audit.source.syntax import nodes, returned, targets


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
    cls, members = made.namespace[node.name], dict[str, Any]()
    made.namespace[f"{node.name}__as_it_is"] = cls
    for name, function in _methods(made, node).items():
        static, function.decorator_list = bool(function.decorator_list), []
        function.name = method_name(node.name, name)
        made.functions[function.name] = function
        made.namespace[function.name] = made.define(function)
        called = dispatcher(made.namespace, function.name)
        members |= {name: staticmethod(called) if static else called} if name != "__init__" else {}
    members["__module__"] = "homework"
    members["__subclasshook__"] = classmethod(lambda _, other: cls in other.__mro__)
    made.namespace[node.name] = abc.ABCMeta(node.name, (cls,), members)


def _methods(program: Program, node: ast.ClassDef) -> dict[str, ast.FunctionDef]:
    """Return the methods of a class, those of the file's classes that it is made of first."""
    classes = [one for one in program.submission.statements if isinstance(one, ast.ClassDef)]
    others = {one.name: one for one in classes if one is not node}
    found: dict[str, ast.FunctionDef] = {}
    for base in node.bases:
        if isinstance(base, ast.Name) and base.id in others:
            found |= _methods(program, others[base.id])
    plain = [one for one in node.body if isinstance(one, ast.FunctionDef)]
    plain = [one for one in plain if all(ast.unparse(mark) == "staticmethod" for mark in one.decorator_list)]
    return found | {one.name: one for one in map(partial(_private, node.name), plain)}


def _private(owner: str, method: ast.FunctionDef) -> ast.FunctionDef:
    """Return a copy of a method in which __rate and super() are written as they are outside the class."""
    made = copy.deepcopy(method)
    for call in nodes(made, ast.Call):
        if ast.unparse(call) == "super()":
            words = f"super({owner}__as_it_is, {made.args.args[0].arg})"
            call.args = ast.parse(words).body[0].value.args  # type: ignore[attr-defined]
    for part in ast.walk(made):
        for field in ("attr", "id", "name"):
            word = getattr(part, field, None)
            if isinstance(word, str) and re.fullmatch(r"__\w*[^\W_]_?", word):
                setattr(part, field, f"_{owner.lstrip('_')}{word}")
    return made


def output_told(program: Program, node: ast.FunctionDef) -> ast.FunctionDef:
    """Return a method that returns what it keeps, what it keeps last first, where it returns nothing."""
    kept = [ast.unparse(one) for part in node.body for one in targets(part) if isinstance(one, ast.Attribute)]
    kept = [name for name in dict.fromkeys(kept[::-1]) if re.fullmatch(r"self\.\w+", name)]
    given = {ast.unparse(one) for one in node.body if isinstance(one, ast.Assign)}
    given = {name for name in kept for one in argument_names(node) if f"{name} = {one}" in given}
    kept.sort(key=lambda name: (not name.startswith("self.out"), name in given))
    if returned(node) is not None or not kept:
        return node
    made = copy.deepcopy(node)
    told = ast.parse(f"return {', '.join(kept)}").body[0]
    made.body.append(told)
    for part in ast.walk(told):
        ast.copy_location(part, node.body[-1])
    program.functions[node.name] = made
    program.namespace[node.name] = program.define(made)
    return made


def dispatcher(namespace: dict[str, Any], name: str) -> Any:
    """Return a function that calls what has a name in a namespace when it is called."""

    def method(*args: Any, **kwargs: Any) -> Any:
        return namespace[name](*args, **kwargs)

    return method


def method_name(owner: str, method: str) -> str:
    """Name a method among the functions of a program."""
    return f"{method}{JOINT}{owner}"


def shown_name(name: str) -> str:
    """Return a method's name as the learner knows it: Network.backward."""
    name = name.partition(INSIDE)[0]
    method, joint, owner = name.partition(JOINT)
    return shown_words(f"{owner}.{method}") if joint else name


def shown_words(words: str) -> str:
    """Return a sentence with the methods in it as the learner knows them."""
    words = re.sub(rf"(\w+?){JOINT}(\w+)", r"\2.\1", re.sub(rf"{INSIDE}\w+", "", words))
    return re.sub(r"\b_[^\W_]\w*?(__\w*[^\W_])\b", r"\1", words)


def taken_apart(program: Program) -> Iterator[tuple[Program, ast.ClassDef]]:
    """Give the classes of a file, each with a program in which their methods are functions."""
    classes = [one for one in program.submission.statements if isinstance(one, ast.ClassDef)]
    made = with_methods(program) if classes else program
    return ((made, one) for one in classes if isinstance(made.namespace.get(one.name), type))


def passes_over_softmax(
    program: Program, forward: ast.FunctionDef, node: ast.FunctionDef, fields: Named, output: Any
) -> bool:
    """Tell whether a layer ends in a softmax, and neither computes it again nor reads what it gave."""
    inner = [part for one in fields.values() for part in (one if isinstance(one, list) else [one])]
    alone = re.compile(r"(?i)\w*soft_?max(?!.*(loss|cost|entropy))\w*")
    if any(alone.fullmatch(type(one).__name__) for one in inner):
        return True  # its layer is one of the file's own
    there, back = (
        "\n".join(ast.unparse(program.functions[one]) for one in (name, *program.callees(name)))
        for name in (forward.name, node.name)
    )
    kept = [key for key, one in fields.items() if np.array_equal(one, output)]
    reads = "|".join([r"(softmax|exp)\w*\(", *(rf"self\.{key}\b" for key in kept)])
    one_of_all = re.search(r"softmax\w*\(|exp\(.*sum\(", there) is not None
    return bool(fields) and one_of_all and not re.search(reads, back)
