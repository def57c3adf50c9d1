"""Which of the course's functions is this? By its name, then by its arguments."""

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass

ROLES: dict[str, str] = {
    "X": "x|xtrain|xbatch|inputs?|data|xassess|trainx",
    "Y": "y|ytrain|ytrue|labels?|target|yassess|ytruth|trainy",
    "AL": "al|a2|a3|a|yhat|ypred|predictions?|probs|al?out|output",
    "parameters": "parameters?|params?|parameterdict|p|theta|weights",
    "cache": "caches?|linearcache|activationcache|currentcache|forwardcache|lincache|cachelist|memory",
    "grads": "grads?|gradients?|grad|dparameters",
    "dZ": "dz\\d*|delta",
    "dA": "da\\d*|dal",
    "Z": "z\\d*",
    "A_prev": "aprev\\d*|a|apre|previousa|preva|alast|aprevious|x",
    "W": "w\\d*|weights?",
    "b": "b\\d*|bias",
    "w": "w|weights?",
    "activation": "activation|act|activationfn|func|g|activationtype",
    "lambd": "lambda?d?a?|lam|reg|l2",
    "keep_prob": "keepprob\\w*|keep|kp|p",
    "learning_rate": "learningrate|lr|alpha|rate|eta|learnrate",
    "v": "v|velocity",
    "s": "s",
    "t": "t|step|iteration|adamcounter",
    "beta": "beta1?|momentum",
    "beta1": "beta1?",
    "beta2": "beta2",
    "epsilon": "epsilon|eps",
    "layer_dims": "layerdims?|layersdims?|dims|layers?|layersizes|structure",
    "n_x": "nx|inputsize|nin",
    "n_h": "nh|hiddensize|nhidden|hidden",
    "n_y": "ny|outputsize|nout",
    "dim": "dim|n|size|dimension|nx|numpx\\w*",
    "mini_batch_size": "minibatchsize|batchsize|size|minibatch",
    "seed": "seed|randomseed",
    "iterations": "numiterations|iterations|numiters?|niter|epochs",
    "print_cost": "printcost\\w*|verbose|print",
    "theta": "theta|w",
    "x": "x",
}


@dataclass(frozen=True)
class Binding:
    """Which argument of a learner's function plays which role of the course's."""

    roles: tuple[str, ...]
    """The role of each positional argument, in their order."""
    names: tuple[str, ...]


def bare(name: str) -> str:
    """Return a function's name without what a learner puts before it.

    Func_propagate, my_propagate, propagate_v2.

    Examples
    --------
    >>> bare("func_backward_propagation"), bare("Update_parameters"), bare("linear_backward_v2")
    ('backward_propagation', 'update_parameters', 'linear_backward')
    """
    plain = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name) if "_" not in name else name
    plain = plain.lower().strip("_")
    plain = re.sub(r"^(func|my|fn|f|do|student|solution|nn)_(?=\w{4})", "", plain)
    return (
        re.sub(r"_(v?\d+|my|own|func|fn|solution)$", "", plain)
        if not plain.endswith(("_n", "_2d"))
        else plain
    )


def bind(node: ast.FunctionDef, roles: Iterable[str], optional: Iterable[str] = ()) -> Binding | None:
    """Match a function's arguments with roles by their names, or by their places where every name is another.

    Returns None when a required argument has no role.
    """
    roles, allowed = list(roles), [*roles, *optional]
    arguments = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
    if node.args.vararg or any(default is None for default in node.args.kw_defaults):
        return None
    needed = len(arguments) - len(node.args.defaults)
    found: list[str | None] = []
    for argument in arguments:
        plain = re.sub(r"[\W_]", "", argument).lower()
        role = next(
            (role for role in allowed if role not in found and re.fullmatch(ROLES.get(role, role), plain)),
            None,
        )
        found.append(role)
    if any(role is None for role in found[:needed]) or not any(found):
        if len(arguments) >= len(roles) >= needed or needed == len(roles):
            found = [*roles, *[None] * (len(arguments) - len(roles))]
        else:
            return None
    # Arguments with a default and no role are left at their defaults, and so is all that follows them.
    taken: list[str] = []
    for role in found:
        if role is None:
            break
        taken.append(role)
    if len(taken) < needed:
        return None
    return Binding(tuple(taken), tuple(arguments[: len(taken)]))
