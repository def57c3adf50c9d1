"""What the file itself gives to its classes and functions: net = Network([Dense(2, 3)]), train(net, X, Y)."""

import ast
import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.namespace import Program
from tinygrad_course.audit.execution.paths import duplicate, leaves, own_object
from tinygrad_course.audit.kinds.base import Unfit
from tinygrad_course.audit.kinds.cases import Draw
from tinygrad_course.audit.kinds.gradient_names import of_its_own
from tinygrad_course.audit.kinds.layer_stack import LAYERS
from tinygrad_course.audit.kinds.own_class import method_name
from tinygrad_course.audit.source.argument_kinds import category
from tinygrad_course.audit.source.signatures import JOINT, argument_names, needed_names, role_of
from tinygrad_course.audit.source.syntax import called, definition, names_in, nodes, stored_names

MADE = "made_by_the_file"
_SETS_UP = re.compile(
    r"_*(set_?up|build|init(iali[sz]e)?|set_(input_?)?(shape|dim))(_?(layer|param\w*|weights))?"
)
_ADDS = re.compile(r"add(_?layer)?|append")
_GROWS = re.compile(r"add\w*|append|push|insert|extend|build|set\w*|init\w*|compile")


def set_ups(program: Program, owner: str) -> list[ast.FunctionDef]:
    """Return the methods that complete a new object and that none of its own calls: build(input_shape)."""
    methods = [one for name, one in program.functions.items() if name.endswith(JOINT + owner)]
    inner = {called(call) for one in methods for call in nodes(one, ast.Call)}
    own = [one for one in methods if argument_names(one)[:1] == ["self"]]
    names = {one.name: one.name.removesuffix(JOINT + owner) for one in methods}
    found = [one for one in own if _SETS_UP.fullmatch(names[one.name]) and names[one.name] not in inner]
    known = {"inputs", "outputs", "hidden", "draws", "seed", "weights", "bias"}
    adding = [one for one in own if _ADDS.fullmatch(names[one.name]) and _layer_of(one)][:1]
    return [*adding, *(one for one in found if known.issuperset(map(category, needed_names(one)[1:])))]


def _layer_of(method: ast.FunctionDef) -> str:
    """Return the argument of a method that is a layer, where it takes nothing else."""
    names = needed_names(method)[1:]
    return names[0] if len(names) == 1 and LAYERS.fullmatch(names[0]) else ""


def new_object(
    program: Program,
    owner: str,
    given: dict[str, Any],
    maker: ast.FunctionDef | None,
    later: list[ast.FunctionDef],
) -> Any:
    """Return a new object, set up by the later methods; small weights are made larger, so mistakes show."""

    def called_with(function: Any, name: str, node: ast.FunctionDef | None, *before: Any) -> Any:
        names = {*argument_names(node)} & given.keys() if node is not None else set[str]()
        told = duplicate({name: given[name] for name in names})
        return Unfit.unless(program.call(function, before, told), name)

    if maker is not None:
        made = called_with(program.define(maker), f"{owner}(...)", maker).get("")
    else:
        new = program.functions.get(method_name(owner, "__init__"))
        made = called_with(program.namespace[owner], f"{owner}(...)", new)
        for one in later:
            name = _layer_of(one)
            layers = [layer for layer in given[name] if own_object(layer)] if name else [None]
            for layer in layers:
                given = given | ({name: layer} if name else {})
                called_with(program.namespace[one.name], one.name, one, made)
    for name, value in [*vars(made).items()] if own_object(made) else ():
        if type(value) is int and category(name) in {"scale", "shift", "bias"}:
            setattr(made, name, 1.3 * value)  # gamma = 1
    draw = Draw(2)
    for path, value in leaves(made):
        top = np.max(np.abs(value), initial=0.0) if of_its_own(path) else 0.0
        if isinstance(value, np.ndarray) and 0 < top < 0.2:
            value *= 0.5 / top
        elif isinstance(value, np.ndarray) and not top and category(str(path[-1])) in {"weights", "bias"}:
            value += (0.5 * draw.array(*value.shape)).astype(value.dtype)  # zeros pass no derivative on
        elif isinstance(value, np.ndarray) and value.size > 1 and top and not np.ptp(value):
            value *= Draw(1).probabilities(*value.shape) + 0.5  # gamma, which is 1 everywhere
    return made


def made_object(program: Program, owner: str) -> ast.FunctionDef | None:
    """Return a function, of data from outside, that gives {"": an object} as the file makes it; else None."""
    for block, place, call in _calls(program, owner):
        one = block[place]
        target = one.targets[0] if isinstance(one, ast.Assign) and one.value is call else None
        if isinstance(target, ast.Name):
            after = [at for at, one in enumerate(block) if at > place and _grows(one, {target.id})]
            return _maker(program, block[: max([place, *after]) + 1], {"": target})
    return None


def given_arguments(program: Program, node: ast.FunctionDef, name: str) -> ast.FunctionDef | None:
    """Return a function that gives what the file calls a function with, of its arguments what can be had."""
    for block, place, call in _calls(program, name):
        names = argument_names(node)
        given = [call.func.value, *call.args] if isinstance(call.func, ast.Attribute) else call.args
        told = {one.arg: one.value for one in call.keywords if one.arg}
        return _maker(program, block[:place], {**dict(zip(names, given, strict=False)), **told})
    return None


def _calls(program: Program, name: str) -> Iterator[tuple[list[ast.stmt], int, ast.Call]]:
    """Give the calls of a function or a class that stand in the file, each with the statements around it."""
    script: list[ast.stmt] = []
    for one in outside_functions(program):
        script += one.body if isinstance(one, ast.If) else [one]
    for block in [script, *(node.body for node in program.own.values())]:
        for place, one in enumerate(block):
            for call in nodes(one, ast.Call) if isinstance(one, ast.Assign | ast.Expr) else ():
                if called(call) == name:
                    yield block, place, call


def outside_functions(program: Program) -> list[ast.stmt]:
    """Return the constants and the script of a file in their order."""
    constants = [one for one in program.submission.statements if isinstance(one, ast.Assign | ast.AnnAssign)]
    return sorted([*constants, *program.submission.script], key=lambda one: one.lineno)


def tolerant(statement: ast.stmt) -> ast.stmt:
    """Return a statement that may fail: it needs what is not loaded, say."""
    handler = ast.ExceptHandler(ast.Name("Exception", ast.Load()), None, [ast.Pass()])
    return ast.copy_location(ast.Try([statement], [handler], [], []), statement)


def _maker(program: Program, block: list[ast.stmt], results: Mapping[str, ast.expr]) -> ast.FunctionDef:
    """Return a function of the statements of a block on which results depend."""
    needed = set[str]().union(*map(names_in, results.values()))
    kept: list[ast.stmt] = []
    for one in reversed(block):
        if _grows(one, needed) or (isinstance(one, ast.Assign) and needed & {*stored_names(one)}):
            kept.append(one)
            needed |= names_in(one)
    told = [
        ast.Assign([ast.Subscript(ast.Name(MADE), ast.Constant(name))], one, lineno=1)
        for name, one in results.items()
        if not isinstance(one, ast.Starred)
    ]
    tried = [tolerant(copy.deepcopy(one)) for one in [*kept[::-1], *told]]
    data = sorted(name for name in needed if role_of(name, ["X", "Y"]) and name not in program.at_hand)
    made = definition(f"def {MADE}({', '.join(data)}):\n    {MADE} = {{}}\n    return {MADE}")
    made.body[1:1] = tried
    return definition(ast.unparse(ast.fix_missing_locations(made)))


def _grows(statement: ast.stmt, targets: set[str]) -> bool:
    """Tell whether a statement adds to an object: net.add(...), net.layers.append(...)."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return False
    return ast.unparse(call.func).split(".")[0] in targets and bool(_GROWS.fullmatch(call.func.attr))
