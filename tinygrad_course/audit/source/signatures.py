"""Which of the course's functions is this? By its name, then by its arguments."""

import ast
import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tinygrad_course.audit.source.syntax import names_in, nodes, stored_names

ROLES: dict[str, str] = {
    "X": "x|xtrain|xbatch|inputs?|data|xassess|trainx",
    "Y": "y|t|(mini)?batchy|y(mini|batch|train|true|truth|assess)?|labels?(train)?|target|trainy",
    "AL": "al?\\d*|a|a\\d*l|y?h|yhat|ypred\\w*|pred\\w*|prob\\w*|al?out|out\\w*|hypothesis|last\\w*",
    "parameters": "parameters?|params?|parameterdict|p|theta|weights",
    "cache": "caches?\\w*|storage|stored?|linearcache|activationcache|currentcache"
    "|forwardcache|lincache|cachelist|memory|memories|intermediates?|forwardresults?",
    "grads": "grads?|gradients?|grad|dparameters",
    "dZ": "dz\\d*|delta",
    "dA": "da\\d*|dal",
    "Z": "z\\d*",
    "A_prev": "aprev\\d*|a|apre|previousa|preva|alast|aprevious|x",
    "W": "w\\d*|weights?",
    "b": "b\\d*|bias",
    "w": "w|weights?",
    "activation": "activation|act|activationfn|func|g|activationtype",
    "lambd": "lambda?d?a?|lam\\w*|reg\\w*|l2\\w*|weightdecay",
    "keep_prob": "keepprob\\w*|keep|kp|p",
    "learning_rate": "learningrate|lr|alpha|rate|eta|learnrate",
    "v": "v|velocity",
    "s": "s",
    "t": "t|step|iteration|adamcounter",
    "beta": "(beta|b)1?|momentum|mu|gamma|rho",
    "beta1": "(beta|b)1?|momentum|mu|gamma",
    "beta2": "(beta|b)2|rho",
    "epsilon": "eps\\w*",
    "layer_dims": "layerdims?|layersdims?|dims|layers?|layersizes|sizes|structure",
    "n_x": "nx|inputsize|nin",
    "n_h": "nh|hiddensize|nhidden|hidden",
    "n_y": "ny|outputsize|nout",
    "dim": "dim|n|size|dimension|nx|numpx\\w*",
    "mini_batch_size": "minibatchsize|batchsize|size|minibatch",
    "seed": "seed|randomseed",
    "iterations": "(num|n|no|max)?(iterations?|iters?|epochs?|steps)",
    "print_cost": "printcost\\w*|verbose|print|plot\\w*|show\\w*|debug",
    "theta": "theta|w",
    "x": "x",
    "function": "f|fn|fun\\w*|j|(cost|loss|forward)\\w*",
    "point": "x|theta|w|params?|arr\\w*",
}


@dataclass(frozen=True)
class Binding:
    """Which argument of a learner's function plays which role of the course's."""

    roles: tuple[str, ...]
    """The role of each positional argument, in their order."""
    names: tuple[str, ...]
    guessed: tuple[str, ...] = ()
    """The arguments whose names do not say their roles: they are taken by their places."""


INSIDE = "__in__"
"""Stands between the name of a function and that of the module beside the submission that defines it."""
JOINT = "__of__"
"""Stands between the name of a method that is made a function and that of its class."""


def bare(name: str) -> str:
    """Return a function's name without what a learner puts around it: my_propagate, propagate_v2.

    Examples
    --------
    >>> bare("func_backward_propagation"), bare("Update_parameters"), bare("linear_backward_v2")
    ('backward_propagation', 'update_parameters', 'linear_backward')
    """
    plain = name.partition(INSIDE)[0]
    plain = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", plain) if "_" not in plain else plain
    plain = plain.lower().strip("_")
    plain = re.sub(r"^(func|my|fn|f|do|student|solution|nn)_(?=\w{4})", "", plain)
    return re.sub(r"_(v?\d+|my|own|func|fn|solution)$", "", plain)


EXTRAS = {"lambd": 0.0, "seed": 1, "print_cost": False, "keep_prob": 1.0, "activation": "relu"}
"""What a function is given for an argument without a default that the course's function does not have."""


def argument_names(node: ast.FunctionDef) -> list[str]:
    """Return the names of a function's positional arguments."""
    return [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]


def free_names(node: ast.FunctionDef, shared: Iterable[str] = ()) -> set[str]:
    """Return the names that a function reads and that are not its own; those that are shared are not."""
    inner = {one.name for one in nodes(node, ast.FunctionDef)}
    return names_in(node) - ({*argument_names(node), *stored_names(node), *inner} - {*shared})


def needed_names(node: ast.FunctionDef) -> list[str]:
    """Return the names of a function's positional arguments without a default."""
    names = argument_names(node)
    return names[: len(names) - len(node.args.defaults)]


def defaults_of(node: ast.FunctionDef) -> dict[str, Any]:
    """Return the defaults of a function's positional arguments, of those whose default is a constant."""
    pairs = zip(argument_names(node)[len(needed_names(node)) :], node.args.defaults, strict=True)
    return {name: one.value for name, one in pairs if isinstance(one, ast.Constant)}


def role_of(name: str, roles: Iterable[str] = ROLES) -> str | None:
    """Return the role that an argument's name says, the first of these roles that fits.

    Examples
    --------
    >>> role_of("X_train"), role_of("y_hat", ["Y", "AL"]), role_of("foo")
    ('X', 'AL', None)
    """
    return next((role for role in roles if _says(name, role)), None)


@functools.cache
def _says(name: str, role: str) -> bool:
    """Whether an argument's name says a role."""
    plain = re.sub(r"[\W_]", "", name).lower()
    return re.fullmatch(ROLES.get(role, role.lower().replace("_", "")), plain) is not None


def _used_as(node: ast.FunctionDef, argument: str, default: int) -> str | None:
    """Return the role that the use of an argument says: its keys, its unpacking, a number between 0 and 1."""
    value = node.args.defaults[default] if default >= 0 else None
    if isinstance(value, ast.Constant):
        return "keep_prob" if isinstance(value.value, float) and 0.1 < value.value < 1 else None
    for part in ast.walk(node):
        held = getattr(part, "value", None)
        if not isinstance(held, ast.Name) or held.id != argument:
            continue
        if isinstance(part, ast.Assign) and isinstance(part.targets[0], ast.Tuple):
            return "cache" if len(part.targets[0].elts) > 3 else None
        key = getattr(part.slice, "value", None) if isinstance(part, ast.Subscript) else None
        if isinstance(key, str) and re.fullmatch(r"(?i)[wb]\d", key):
            return "parameters"
    return None


def bind(node: ast.FunctionDef, roles: Iterable[str]) -> Binding | None:
    """Match arguments with roles by their names, what is left by its place; None where one has another."""
    roles = list(roles)
    arguments = argument_names(node)
    if node.args.vararg or any(default is None for default in node.args.kw_defaults):
        return None
    needed = len(needed_names(node))
    found: list[str | None] = []
    for argument in arguments:
        found.append(role_of(argument, [role for role in roles if role not in found]))
    guessed: list[str] = []
    for place, argument in enumerate(arguments):
        used = _used_as(node, argument, place - needed) if found[place] is None else None
        if used in roles and used not in found:
            found[place] = used
            guessed.append(argument)
    left = [role for role in roles if role not in found]
    for place, argument in enumerate(arguments):
        if found[place] is not None or place >= needed:
            continue
        if role_of(argument, EXTRAS):
            found[place] = role_of(argument, EXTRAS)
        elif left and not (role_of(argument) and len(argument) > 1):
            found[place] = left.pop(0)
            guessed.append(argument)
        else:
            return None
    if needed > len(roles) + len([role for role in found[:needed] if role in EXTRAS]):
        return None
    # Arguments with a default and no role keep their defaults; the others are passed by their names.
    pairs = [(role, name) for role, name in zip(found, arguments, strict=True) if role is not None]
    if not pairs:
        return None
    return Binding(tuple(role for role, _ in pairs), tuple(name for _, name in pairs), tuple(guessed))
