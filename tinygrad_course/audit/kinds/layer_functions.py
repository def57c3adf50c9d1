"""The building blocks of the deep network (course 1, week 4): activations and one layer, forward and back."""

import ast
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.kinds.base import Assumption, formula
from tinygrad_course.audit.kinds.cases import Array, Case, Draw
from tinygrad_course.audit.kinds.forward_passes import KINK
from tinygrad_course.audit.reference import course
from tinygrad_course.audit.source.signatures import bare, needed_names
from tinygrad_course.audit.source.syntax import called, nodes

_ACTIVATIONS = ("leaky_relu", "sigmoid", "relu", "tanh")


def _activation(learner: Learner) -> str:
    return next(known for known in _ACTIVATIONS if known in bare(learner.name))


@formula("sigmoid relu tanh leaky_relu", "Z", outputs="A")
def activation(learner: Learner, draw: Draw, assumption: Assumption) -> Case:
    """A = g(Z), with or without its cache."""
    Z = draw.table()
    A = course.ACTIVATIONS[_activation(learner)](Z)
    return Case({"Z": Z}, {"A": A, "s": A}, ("A",), m=Z.shape[1])


def _is_pass(node: ast.FunctionDef) -> bool:
    """Tell relu_backward(dA, cache), a pass, from relu_backward(Z), a derivative."""
    return len(needed_names(node)) > 1


def _is_slope(node: ast.FunctionDef) -> bool:
    return not node.name.endswith("_backward") or not _is_pass(node)


def _taken(learner: Learner) -> list[Assumption]:
    """Return what the argument of a derivative may be: Z, or A where its name or the file's calls say so."""
    file = [*learner.program.submission.statements, *learner.program.submission.script]
    calls = [call for part in file for call in nodes(part, ast.Call) if call.args]
    calls = [one for one in calls if called(one) == learner.name]
    given = [re.sub(r"self\.|\[.*", "", ast.unparse(one.args[0])) for one in calls]
    told = given and all(
        re.match(r"(?i)(a|h|s)\d*$|a_?prev|act|out|layer|hidden|y_?(hat|pred)|pred", one) for one in given
    )
    if told or re.match(r"a|s|out", learner.binding.names[0].lower()):
        return [{"argument": "A"}, {"argument": "Z"}]
    of_z = any(re.match(r"(?i)z|lin|pre", one) for one in [*given, learner.binding.names[0]])
    of_z |= any(called(one) in {"exp", *learner.program.functions} for one in nodes(learner.node, ast.Call))
    return [{"argument": "Z"}, *[{"argument": "A"}] * (not of_z or bare(learner.name) == "sigmoid_der")]


_SLOPES = ("{}_derivative", "{}_prime", "d_{}", "{}_grad", "{}_gradient", "{}_der", "{}_backward")


@formula(
    " ".join(pattern.format(name) for name in _ACTIVATIONS for pattern in _SLOPES),
    "Z",
    outputs="ds",
    fits=_is_slope,
    assumptions=_taken,
)
def activation_slope(learner: Learner, draw: Draw, assumption: Assumption) -> Case:
    """g'(Z), as sigmoid_derivative of the course's first notebook."""
    name, Z = _activation(learner), draw.table()
    A, slope = course.ACTIVATIONS[name](Z), course.SLOPES[name](Z)
    given = A if assumption["argument"] == "A" else Z
    return Case({"Z": given}, {"s": A, "A": A, "ds": slope}, ("ds",), m=Z.shape[1])


def _draw_layer(draw: Draw) -> tuple[Array, Array, Array]:
    """Draw A_prev, W and b of one layer."""
    n_prev, n, m = draw.size(1, 5), draw.size(1, 4), draw.size(1, 5)
    return draw.array(n_prev, m), draw.array(n, n_prev), draw.array(n, 1)


def _named_activations(learner: Learner) -> list[str]:
    """Return the activations that the function names; sigmoid and relu, as in the course, by default."""
    named = set(re.findall(r"['\"](sigmoid|relu|tanh|leaky_relu)['\"]", learner.text()))
    if len(named) < 2:
        named |= {"sigmoid", "relu"}
    return [name for name in ("sigmoid", "relu", "tanh", "leaky_relu") if name in named]


def _kink(Z: Array, activation: str) -> str:
    return "Z has an entry at the kink of ReLU" if "relu" in activation and np.min(np.abs(Z)) < KINK else ""


@formula("linear_forward", "A_prev W b", outputs="Z cache")
def linear_forward(learner: Learner, draw: Draw, assumption: Assumption) -> Case:
    """Z = W A + b."""
    A, W, b = _draw_layer(draw)
    return Case({"A_prev": A, "W": W, "b": b}, {"Z": np.dot(W, A) + b}, ("Z",), m=A.shape[1])


@formula("linear_activation_forward", "A_prev W b activation", outputs="A cache")
def linear_activation_forward(learner: Learner, draw: Draw, assumption: Assumption) -> Case:
    """A = g(W A_prev + b), g one of the activations that the function names."""
    A, W, b = _draw_layer(draw)
    activation = draw.choice(_named_activations(learner))
    Z = np.dot(W, A) + b
    g = course.ACTIVATIONS[activation](Z)
    values = {"A_prev": A, "W": W, "b": b, "activation": activation}
    return Case(values, {"Z": Z, "A": g}, ("A",), m=A.shape[1], rejected=_kink(Z, activation))


def _caches(forward: str) -> Callable[[Learner], list[Assumption]]:
    """Return the caches that a backward function may take: its file's forward function's, the course's."""

    def assumptions(learner: Learner) -> list[Assumption]:
        own = learner.own(forward or _activation(learner)) is not None
        return [*[{"cache": "own"}] * own, {"cache": "course"}]

    return assumptions


def _stored(learner: Learner, name: str, *given: Any) -> Any:
    """Return the cache that a function of the file stores; None where there is none."""
    forward = learner.own(name)
    stored = learner.try_call(forward, *given) if forward is not None else None
    if not isinstance(stored, tuple) or len(stored) < 2:
        return None
    return stored[1] if len(stored) == 2 else stored[1:]


@formula(
    "sigmoid_backward relu_backward tanh_backward leaky_relu_backward",
    "dA cache",
    "dA Z",
    outputs="dZ",
    fits=_is_pass,
    assumptions=_caches(""),
)
def activation_backward(learner: Learner, draw: Draw, assumption: Assumption) -> Case:
    """dZ = dA * g'(Z), with the cache of the forward function; without one it is Z, or A by its name."""
    name = _activation(learner)
    shape = draw.size(1, 4), draw.size(1, 4)
    Z, dA = draw.array(*shape), draw.array(*shape)
    A, dZ = course.ACTIVATIONS[name](Z), dA * course.SLOPES[name](Z)
    own = assumption["cache"] == "own"
    cache: Any = A if not own and re.fullmatch(r"a\d?", learner.binding.names[1].lower()) else Z
    stored = _stored(learner, name, Z) if own else None
    cache = stored if isinstance(stored, np.ndarray | dict | tuple | list) else cache
    expected = {"Z": Z, "A": A, "s": A, "dZ": dZ}
    role = "cache" if learner.has("cache") else "Z"
    return Case({"dA": dA, role: cache}, expected, ("dZ",), m=Z.shape[1], stages={"dZ": [dA]})


@formula(
    "linear_backward",
    "dZ cache",
    "dZ A_prev W b",
    "dZ A_prev W",
    outputs="dA_prev dW db",
    assumptions=_caches("linear_forward"),
)
def linear_backward(learner: Learner, draw: Draw, assumption: Assumption) -> Case:
    """dA_prev, dW and db of Z = W A_prev + b."""
    A, W, b = parts = _draw_layer(draw)
    dZ, m = draw.array(W.shape[0], A.shape[1]), A.shape[1]
    cache: Any = None
    if assumption["cache"] == "own":
        cache = _stored(learner, "linear_forward", *parts)
        alike = isinstance(cache, tuple) and len(cache) == len(parts)
        learner.packed = alike and all(map(np.array_equal, cache, parts))
    if cache is None:
        known = {"A_prev": A, "A": A, "W": W, "b": b, "Z": np.dot(W, A) + b}
        cache = learner.cache_from_names(known, ["A_prev", "W", "b"], as_dict=False)
        # Without a forward function of the file the cache is that of the course's.
        same = isinstance(cache, tuple) and {id(part) for part in cache} == {id(part) for part in parts}
        cache = parts if same else cache
    dA, dW, db = course.linear_backward(dZ, parts)
    values = {"dZ": dZ, "A_prev": A, "W": W, "b": b, "cache": cache}
    return Case(values, {"m": m, "dW": dW, "db": db, "dA_prev": dA}, ("dA_prev", "dW", "db"), m=m)


@formula(
    "linear_activation_backward",
    "dA cache activation",
    "dA cache",
    outputs="dA_prev dW db",
    assumptions=_caches("linear_activation_forward"),
)
def linear_activation_backward(learner: Learner, draw: Draw, assumption: Assumption) -> Case:
    """dA_prev, dW and db of A = g(W A_prev + b); the course's cache is ((A_prev, W, b), Z)."""
    A, W, b = parts = _draw_layer(draw)
    dA, m = draw.array(W.shape[0], A.shape[1]), A.shape[1]
    activation = draw.choice(_named_activations(learner)) if learner.has("activation") else "relu"
    Z = np.dot(W, A) + b
    own = assumption["cache"] == "own"
    cache = _stored(learner, "linear_activation_forward", *parts, activation) if own else None
    if cache is None:
        stored = _stored(learner, "linear_forward", *parts)
        linear = parts if stored is None else stored
        known: dict[str, Any] = {"A_prev": A, "W": W, "b": b}
        known |= dict.fromkeys(("linear_cache", "lin_cache", "cache_linear"), linear)
        known |= dict.fromkeys(("activation_cache", "act_cache", "cache_activation", "Z"), Z)
        cache = learner.cache_from_names(known, ["linear_cache", "activation_cache"], as_dict=False)
        turned = isinstance(cache, tuple) and len(cache) == 2 and cache[0] is Z and cache[1] is linear
        cache = (linear, Z) if turned and not learner.own("linear_activation_forward") else cache
    dZ = dA * course.SLOPES[activation](Z)
    dA_prev, dW, db = course.linear_backward(dZ, parts)
    expected = {"m": m, "dZ": dZ, "dW": dW, "db": db, "dA_prev": dA_prev}
    made = Case({"dA": dA, "cache": cache, "activation": activation}, expected, ("dA_prev", "dW", "db"), m=m)
    made.stages, made.rejected = {"dZ": [dA]}, _kink(Z, activation)
    return made
