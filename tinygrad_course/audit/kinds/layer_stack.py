"""Layers of the file's own classes, one after the other, for a network that is made of such a list."""

import inspect
import itertools
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.namespace import Program
from tinygrad_course.audit.execution.paths import duplicate, own_object
from tinygrad_course.audit.kinds.cases import Draw
from tinygrad_course.audit.kinds.input_layouts import LAYER, Layout, N, tried

LAYERS = re.compile(r"(?i)_*(layers?|modules?|blocks?)(_?list)?")
_LOSS = re.compile(r"(?i)\w*loss\w*|criterion|cost\w*")
_FORWARD = re.compile(r"forward|forward_?(pass|prop\w*)|fprop|__call__")
_TRIES = 4
"""With how many sets of values a class is made at most."""


def objects_for(program: Program, owner: str, names: list[str], features: int, units: int) -> dict[str, Any]:
    """Return a list of layers, or a loss, for the arguments that are called so and can be given one."""
    layers = [name for name in names if LAYERS.fullmatch(name)]
    losses = [name for name in names if _LOSS.fullmatch(name)]
    listed = layer_stack(program, owner, features, units) if layers else []
    costs = [cls for cls in _classes(program, owner) if _LOSS.fullmatch(cls.__name__)] if losses else []
    cost = next(itertools.chain.from_iterable(_made(program, cls, features, units) for cls in costs), None)
    found = {**dict.fromkeys(layers, listed), **dict.fromkeys(losses, cost)}
    return {name: one for name, one in found.items() if one}


def layer_stack(program: Program, owner: str, features: int, units: int) -> list[Any]:
    """Return a layer with weights, an activation and a second layer, [] where there are no such classes."""
    classes = _classes(program, owner)
    classes.sort(key=lambda cls: re.search("(?i)tanh|sigm", cls.__name__) is None)  # which have no kink
    table = Draw(5).array(N, LAYER)
    for rows in (True, False):
        x, inner = (one if rows else one.T for one in (table[:, :features], table))
        first = next((one for cls in classes for one in _giving(program, cls, x, LAYER, rows=rows)), None)
        if first is None:
            continue
        bent = (one for cls in classes for one in _giving(program, cls, inner, LAYER, rows=rows))
        last = next(_giving(program, type(first), inner, units, rows=rows), None)
        parts = [first, next((one for one in bent if type(one) is not type(first)), None), last]
        return [one for one in parts if one is not None] if last is not None else []
    return []


def _classes(program: Program, owner: str) -> list[type]:
    """Return the classes of the homework that compute forward and backward."""
    held = [(name, cls) for name, cls in program.namespace.items() if isinstance(cls, type)]
    found = [cls for name, cls in held if name != owner and not name.endswith("__as_it_is") and _forward(cls)]
    return [cls for cls in found if any(re.search("back|bprop|grad", name) for name in vars(cls))]


def _forward(cls: type) -> str:
    return next((name for name in sorted(dir(cls), reverse=True) if _FORWARD.fullmatch(name)), "")


def _needed(function: Any) -> list[str]:
    parameters = inspect.signature(function).parameters.values()
    return [one.name for one in parameters if one.default is one.empty and one.kind < one.VAR_POSITIONAL]


def _made(program: Program, cls: type, features: int, units: int) -> Iterator[Any]:
    """Give objects of a class, made for so many features and outputs."""
    values = tried(_needed(cls), 1, [(0, Layout((N, features), units=units))])
    for _, _, one in itertools.islice(values, _TRIES):
        made = program.call(cls, (), one).result
        if own_object(made):
            yield made


def _giving(program: Program, cls: type, x: Any, units: int, *, rows: bool) -> Iterator[Any]:
    """Give objects of a class that make so many outputs of x, and other numbers than its own."""
    for made in _made(program, cls, np.shape(x)[1 if rows else 0], units):
        for given in ((x,), (x, True)):
            out = program.call(getattr(duplicate(made), _forward(cls)), given, {}).result
            if np.shape(out) == ((N, units) if rows else (units, N)) and not np.array_equal(out, x):
                yield made
                break
