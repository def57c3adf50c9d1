"""Which loops and functions of a file train something, and what they share with its other functions."""

import ast
import copy
import re
from typing import Any

from tinygrad_course.audit.execution.namespace import Program
from tinygrad_course.audit.kinds.as_made import outside_functions, tolerant
from tinygrad_course.audit.kinds.gradient_names import GRADIENT
from tinygrad_course.audit.kinds.iterations import ITERATIONS, ONCE
from tinygrad_course.audit.kinds.own_class import dispatcher
from tinygrad_course.audit.source.signatures import JOINT, argument_names, free_names, role_of
from tinygrad_course.audit.source.syntax import (
    called,
    definition,
    elements,
    names_in,
    nodes,
    stored_names,
    targets,
)

SCRIPT = "the_script"
_PRODUCT = re.compile(r"\bdot\(| @ |matmul|einsum|outer\(|\b(sum|mean)\(|\.T\b")
_GRADIENTS = re.compile(r"\bgrads?\b|\bd[WwbB]_?\d*\b|['\"]d[Ww]|gradient|(?i:\w*(back|propagate)\w*\()")


def _loop(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.For | ast.While)


def script_function(program: Program) -> ast.FunctionDef | None:
    """Return the statements of a script as a function."""
    body = outside_functions(program)
    outer = [statement for statement in body if _loop(statement)]
    if not outer:
        return None
    read = sorted({name for loop in outer for name in names_in(loop)})
    data = [name for name in read if role_of(name, ["X", "Y"]) and name not in program.at_hand]
    made = definition(f"def {SCRIPT}({', '.join(data)}):\n    pass")
    ast.increment_lineno(made, outer[0].lineno - 1)
    made.body = [copy.deepcopy(one) if _loop(one) else tolerant(copy.deepcopy(one)) for one in body]
    return ast.fix_missing_locations(made)


def functions_for(program: Program, node: ast.FunctionDef) -> dict[str, Any]:
    """Return the functions of the file that a training function is given: gradient_function(X, y, w, b)."""
    found: dict[str, Any] = {}
    calls = {called(call): len(call.args) for call in nodes(node, ast.Call)}
    for name in [name for name in argument_names(node) if name in calls]:
        meant = next((word for word in ("grad", "cost", "loss") if word in name.lower()), name)
        others = [one for one in program.own.values() if meant in one.name.lower() and one is not node]
        others.sort(key=lambda one: len(argument_names(one)) != calls[name])
        if others:
            found[name] = dispatcher(program.namespace, others[0].name)
    return found


def set_up(program: Program, node: ast.FunctionDef, shared: tuple[str, ...]) -> ast.FunctionDef:
    """Return a function that shares variables with others, after the statements that set them outside."""
    if not shared:
        return node
    script = node.name not in program.functions
    before = [] if script else [tolerant(one) for one in outside_functions(program) if not _loop(one)]
    names = [name for name in argument_names(node) if not (script and name in shared)]
    made = definition(f"def {node.name}({', '.join(names)}):\n    global {', '.join(shared)}")
    made.args = made.args if script else node.args
    made.body += [*copy.deepcopy(before), *node.body]
    ast.copy_location(made.body[0], node)
    return ast.fix_missing_locations(ast.copy_location(made, node))


def shared_names(program: Program, node: ast.FunctionDef) -> tuple[str, ...]:
    """Return the variables outside functions that the functions which one calls read or set."""
    outside = {name for one in outside_functions(program) for name in stored_names(one)}
    script = node.name not in program.functions
    calls = program.own if script else {name: program.functions[name] for name in program.callees(node.name)}
    parts = [*calls.values(), *([] if script else [node])]
    declared = {name for part in parts for one in nodes(part, ast.Global) for name in one.names}
    used = set[str]().union(*(free_names(part, declared) for part in parts))
    own = {*argument_names(node), *stored_names(node)} - declared if not script else set()
    return tuple(sorted((((outside | declared) & used) | declared) - own - program.functions.keys()))


def repeated(node: ast.FunctionDef) -> ast.FunctionDef:
    """Return a function that does its work again and again: one step of a training that others repeat."""
    made = definition(f"def {node.name}():\n    for {ONCE} in range({ITERATIONS}):\n        pass")
    made.args = node.args
    loop = next(nodes(made, ast.For))
    loop.body = copy.deepcopy(node.body)
    if isinstance(loop.body[-1], ast.Return) and loop.body[-1].value is not None:
        loop.body[-1] = ast.copy_location(ast.Expr(loop.body[-1].value), loop.body[-1])
    for part in (made, loop):
        ast.copy_location(part, node)
    return ast.fix_missing_locations(made)


def updates(program: Program, body: list[ast.stmt]) -> bool:
    """Tell whether statements, or what they call, take products or sums and add to what there is."""
    parts = _with_called(program, body)
    names = [name for part in parts if isinstance(part, ast.FunctionDef) for name in argument_names(part)]
    if any(role_of(name, ["iterations"]) for name in names):
        return False  # what it calls trains by itself
    if names_gradients(body):
        return True  # what they call may not be there to be read
    if not _PRODUCT.search("\n".join(map(ast.unparse, parts))):
        return False
    return any(_adds(one, ast.Add | ast.Sub) for part in parts for one in ast.walk(part))


def names_gradients(body: list[ast.stmt]) -> bool:
    """Tell whether statements speak of gradients and of a cost."""
    text = "\n".join(map(ast.unparse, body))
    return bool(_GRADIENTS.search(text) and re.search(r"(?i)cost|loss|\bJ\b", text))


def takes_away(program: Program, body: list[ast.stmt]) -> bool:
    """Tell whether statements, or what they call, take something away from what there is: w -= ..."""
    parts = _with_called(program, body)
    return any(_adds(one, ast.Sub) for part in parts for one in ast.walk(part))


def _with_called(program: Program, body: list[ast.stmt]) -> list[ast.AST]:
    """Return statements with the functions and methods of the file that they call."""
    words = {called(call) for one in body for call in nodes(one, ast.Call)}
    names = [name for name in program.functions if name.split(JOINT)[0] in words]
    names += [other for name in names for other in program.callees(name)]
    return [*body, *(program.functions[name] for name in names)]


def _adds(statement: ast.AST, how: Any) -> bool:
    """Tell whether something is added to what is there, or taken away: w = w - ..., but not dW += ..."""
    if not isinstance(statement, ast.AugAssign | ast.Assign):
        return False
    if GRADIENT.match(ast.unparse(targets(statement)[0]).removeprefix("self.")):
        return False
    if isinstance(statement, ast.AugAssign):
        return isinstance(statement.op, how)
    told = {ast.unparse(one) for one in elements(statement.targets[0])}
    inner = [one for one in nodes(statement.value, ast.BinOp) if isinstance(one.op, how)]
    return any(told & {ast.unparse(one.left), ast.unparse(one.right)} for one in inner)
