"""The building blocks of the deep network (course 1, week 4): one layer, and all layers, forward and back."""

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.execution.oracle import gradients
from tinygrad_course.audit.execution.protection import same_draws
from tinygrad_course.audit.kinds.base import Assumption, Kind, first_of, formula, roles, words
from tinygrad_course.audit.kinds.cases import Array, Case, Draw
from tinygrad_course.audit.reference import course
from tinygrad_course.audit.reference.comparison import close

HIDDEN = ("relu", "tanh", "sigmoid", "leaky_relu")
KINK = 0.02
ONE_TOO_HIGH = (
    "the keys dA are one too high: grads['dA2'] holds dA1. The course's first release numbers them so; "
    "the gradients of the parameters are right"
)


def draw_parameters(draw: Draw, sizes: list[int]) -> dict[str, Array]:
    """Draw W1, b1, ..., WL, bL for layers of these sizes."""
    parameters: dict[str, Array] = {}
    for layer, (before, after) in enumerate(pairwise(sizes), start=1):
        parameters[f"W{layer}"] = 0.7 * draw.array(after, before)
        parameters[f"b{layer}"] = 0.4 * draw.array(after, 1)
    return parameters


def near_a_kink(values: Mapping[str, Array], activations: list[str]) -> str:
    """Say why a case cannot be used: a ReLU's argument is almost 0, where both derivatives are right."""
    for layer, activation in enumerate(activations, start=1):
        if "relu" in activation and np.min(np.abs(values[f"Z{layer}"])) < KINK:
            return f"Z{layer} has an entry at the kink of ReLU"
    AL = values[f"A{len(activations)}"]
    return "" if np.all((AL > 1e-6) & (AL < 1 - 1e-6)) else "AL is 0 or 1"


def draw_layer(draw: Draw) -> tuple[Array, Array, Array]:
    """Draw A_prev, W and b of one layer."""
    n_prev, n, m = draw.size(1, 5), draw.size(1, 4), draw.size(1, 5)
    return draw.array(n_prev, m), draw.array(n, n_prev), draw.array(n, 1)


@formula("linear_forward", "A_prev W b", outputs="Z cache")
def linear_forward(learner: Learner, draw: Draw, assumption: Assumption) -> Case:
    """Z = W A + b."""
    A, W, b = draw_layer(draw)
    return Case({"A_prev": A, "W": W, "b": b}, {"Z": np.dot(W, A) + b}, ("Z",), m=A.shape[1])


@formula("linear_activation_forward", "A_prev W b activation", outputs="A cache")
def linear_activation_forward(learner: Learner, draw: Draw, assumption: Assumption) -> Case:
    """A = g(W A_prev + b), g one of the activations that the function names."""
    A, W, b = draw_layer(draw)
    activation = draw.choice(named_activations(learner))
    Z = np.dot(W, A) + b
    g = course.ACTIVATIONS[activation](Z)
    values = {"A_prev": A, "W": W, "b": b, "activation": activation}
    return Case(values, {"Z": Z, "A": g}, ("A",), m=A.shape[1], rejected=_kink(Z, activation))


def _kink(Z: Array, activation: str) -> str:
    return "Z has an entry at the kink of ReLU" if "relu" in activation and np.min(np.abs(Z)) < KINK else ""


def named_activations(learner: Learner) -> list[str]:
    """Return the activations that the function names; sigmoid and relu, as in the course, by default."""
    named = set(re.findall(r"['\"](sigmoid|relu|tanh|leaky_relu)['\"]", learner.text()))
    if len(named) < 2:
        named |= {"sigmoid", "relu"}
    return [name for name in ("sigmoid", "relu", "tanh", "leaky_relu") if name in named]


class LinearBackward(Kind):
    """dA_prev, dW and db of Z = W A_prev + b."""

    names = ("linear_backward",)
    signatures = roles("dZ cache", "dZ A_prev W b", "dZ A_prev W")
    outputs = words("dA_prev dW db")

    def assumptions(self, learner: Learner) -> list[Assumption]:
        """The cache is the forward function's own, else the course's (A_prev, W, b)."""
        own: list[Assumption] = (
            [{"cache": "own"}] if learner.own("linear_forward") and learner.has("cache") else []
        )
        return [*own, {"cache": "course"}]

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        A, W, b = draw_layer(draw)
        dZ, m = draw.array(W.shape[0], A.shape[1]), A.shape[1]
        values: dict[str, Any] = {"dZ": dZ, "A_prev": A, "W": W, "b": b, "cache": None}
        forward = learner.own("linear_forward")
        if assumption["cache"] == "own" and forward is not None:
            stored = learner.try_call(forward, A, W, b)
            values["cache"] = stored[1] if isinstance(stored, tuple) and len(stored) == 2 else None
            learner.packed = _packed(values["cache"], (A, W, b))
        if values["cache"] is None:
            parts = {"A_prev": A, "A": A, "W": W, "b": b, "Z": np.dot(W, A) + b}
            named = learner.cache_from_names("cache", parts, ["A_prev", "W", "b"], as_dict=False)
            # Without a forward function of the file the cache is that of the course's.
            same = isinstance(named, tuple) and {id(part) for part in named} == {id(A), id(W), id(b)}
            values["cache"] = (A, W, b) if same else named
        dA, dW, db = course.linear_backward(dZ, (A, W, b))
        return Case(values, {"m": m, "dW": dW, "db": db, "dA_prev": dA}, ("dA_prev", "dW", "db"), m=m)


def _packed(cache: Any, parts: tuple[Array, ...]) -> bool:
    """Tell whether a cache is the course's tuple."""
    return (
        isinstance(cache, tuple)
        and len(cache) == len(parts)
        and all(np.array_equal(mine, part) for mine, part in zip(cache, parts, strict=True))
    )


class LinearActivationBackward(Kind):
    """dA_prev, dW and db of A = g(W A_prev + b)."""

    names = ("linear_activation_backward",)
    signatures = roles("dA cache activation", "dA cache")
    outputs = words("dA_prev dW db")

    def assumptions(self, learner: Learner) -> list[Assumption]:
        """The cache is the forward function's, of one value or two, else the course's ((A_prev, W, b), Z)."""
        own: list[Assumption] = [{"cache": "own"}] if learner.own("linear_activation_forward") else []
        return [*own, {"cache": "course"}]

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        A, W, b = draw_layer(draw)
        dA, m = draw.array(W.shape[0], A.shape[1]), A.shape[1]
        activation = draw.choice(named_activations(learner)) if learner.has("activation") else "relu"
        Z = np.dot(W, A) + b
        cache: Any = None
        forward = learner.own("linear_activation_forward")
        if assumption["cache"] == "own" and forward is not None:
            stored = learner.try_call(forward, A, W, b, activation)
            if isinstance(stored, tuple) and len(stored) > 1:
                cache = stored[1] if len(stored) == 2 else stored[1:]
        if cache is None:
            cache = self._course_cache(learner, A, W, b, Z)
        dZ = dA * course.SLOPES[activation](Z)
        dA_prev, dW, db = course.linear_backward(dZ, (A, W, b))
        expected = {"m": m, "dZ": dZ, "dW": dW, "db": db, "dA_prev": dA_prev}
        values = {"dA": dA, "cache": cache, "activation": activation}
        return Case(
            values, expected, ("dA_prev", "dW", "db"), m=m, stages={"dZ": [dA]}, rejected=_kink(Z, activation)
        )

    @staticmethod
    def _course_cache(learner: Learner, A: Array, W: Array, b: Array, Z: Array) -> Any:
        linear: Any = (A, W, b)
        forward = learner.own("linear_forward")
        stored = learner.try_call(forward, A, W, b) if forward is not None else None
        if isinstance(stored, tuple) and len(stored) == 2:
            linear = stored[1]
        parts = {
            **dict.fromkeys(("linear_cache", "lin_cache", "cache_linear"), linear),
            **dict.fromkeys(("activation_cache", "act_cache", "cache_activation", "Z"), Z),
            "A_prev": A,
            "W": W,
            "b": b,
        }
        named = learner.cache_from_names("cache", parts, ["linear_cache", "activation_cache"], as_dict=False)
        turned = isinstance(named, tuple) and len(named) == 2 and named[0] is Z and named[1] is linear
        return (linear, Z) if turned and not learner.own("linear_activation_forward") else named


class DeepForward(Kind):
    """[LINEAR -> RELU] * (L-1) -> LINEAR -> SIGMOID."""

    names = words("l_model_forward l_layer_forward model_forward")
    signatures = roles("X parameters")
    outputs = words("AL caches")

    def assumptions(self, learner: Learner) -> list[Assumption]:
        """The hidden layers have ReLU, as in the course, or another activation throughout."""
        told = learner.partner_hidden
        # A backward pass that is right for the course's network tells that another forward pass is the odd
        # one of the two.
        source = learner.text()
        named = ["tanh"] if "tanh" in source and not re.search(r"relu|maximum|> 0", source) else []
        usual = told if "relu" in told else [*named, "relu", "tanh", "leaky_relu", *told]
        return [{"hidden": hidden} for hidden in dict.fromkeys(usual)]

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        X, _, parameters = draw_network(draw)
        return forward_case({"X": X, "parameters": parameters}, assumption["hidden"], "AL")


def forward_case(given: dict[str, Any], hidden: str, required: str) -> Case:
    """Return the case of a forward pass: Z1, A1, ..., AL, and the cost where labels are given."""
    X, Y, parameters = given["X"], given.get("Y"), given["parameters"]
    L = course.layers_of(parameters)
    activations = [hidden] * (L - 1) + ["sigmoid"]
    values = course.network_forward(X, parameters, activations)
    AL = values[f"A{L}"]
    way = {key: value for key, value in values.items() if key != "A0"}
    expected: dict[str, Any] = {**way, "AL": AL}
    if Y is not None:
        expected = {"m": X.shape[1], **way, "cost": course.cross_entropy(AL, Y)}
    rejected = near_a_kink(values, activations) if X.shape[1] < 100 else ""
    return Case(given, expected, (required,), m=X.shape[1], layers=L, rejected=rejected)


def draw_network(draw: Draw, layers: int | None = None) -> tuple[Array, Array, dict[str, Array]]:
    """Draw X, Y and the parameters of a network with one output."""
    m = draw.size(1, 5)
    L = layers or draw.layers()
    sizes = [draw.size(1, 4) for _ in range(L)] + [1]
    X, Y = draw.array(sizes[0], m), draw.labels(m)
    return X, Y, draw_parameters(draw, sizes)


def identify(
    AL: Any,
    X: Array,
    parameters: Mapping[str, Array],
    masks: Mapping[int, Array] | None = None,
    keep: float = 1.0,
) -> list[str]:
    """Return the activations of a network by what it computes, [] where it is none of the known ones."""
    L = course.layers_of(parameters)
    for hidden in HIDDEN:
        activations = [hidden] * (L - 1) + ["sigmoid"]
        if close(AL, course.network_forward(X, parameters, activations, masks, keep)[f"A{L}"]):
            return activations
    return []


class DeepBackward(Kind):
    """The gradients of every layer, from AL, Y and the list of caches."""

    names = words("l_model_backward l_layer_backward model_backward")
    signatures = roles("AL Y cache")
    outputs = ("grads",)

    def assumptions(self, learner: Learner) -> list[Assumption]:
        """The caches are those of the file's own forward pass, else the course's."""
        own: list[Assumption] = [{"cache": "own"}] if learner.own(*DeepForward.names) else []
        return [*own, {"cache": "course"}]

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        X, Y, parameters = draw_network(draw)
        L = course.layers_of(parameters)
        forward: Any = learner.own(*DeepForward.names) if assumption["cache"] == "own" else None
        stored = learner.try_call(forward, X, parameters) if forward is not None else None
        if not (isinstance(stored, tuple) and len(stored) == 2):
            stored, forward = course.L_model_forward(X, parameters), None
        activations = identify(stored[0], X, parameters) or ["relu"] * (L - 1) + ["sigmoid"]
        values = course.network_forward(X, parameters, activations)
        back = course.network_backward(values, parameters, activations, Y)
        if forward is not None:
            cost = lambda theta: mean_loss(first_of(forward(X, theta)), Y)  # noqa: E731
            back.update(by_graph(learner, forward, cost, parameters))
        expected = {"m": X.shape[1], "dAL": back.pop(f"dA{L}"), **back}
        given = {"AL": np.asarray(stored[0]), "Y": Y, "cache": stored[1]}
        return gradients_case(given, expected, L, near_a_kink(values, activations))

    def judge(self, values: Mapping[str, Any], case: Case) -> tuple[list[str], list[str]]:
        """Hold the entries dA1, dA2, ... against both of the course's ways to number them."""
        L = case.layers
        right = {**case.expected, f"dA{L}": case.expected["dAL"]}
        straight, shifted = [], []
        for key, value in values.items():
            match = re.fullmatch(r"dA(\d+)", key)
            if not match:
                continue
            layer = int(match.group(1))
            if not self._agrees(value, right.get(f"dA{layer}"), case.m):
                straight.append(key)
            if not self._agrees(value, right.get(f"dA{layer - 1}"), case.m):
                shifted.append(key)
        if not straight:
            return [], []
        if not shifted:
            return [], [ONE_TOO_HIGH]
        return straight, []

    @staticmethod
    def _agrees(value: Any, right: Any, m: int) -> bool:
        return right is not None and (close(value, right) or close(value, right / m))


def mean_loss(AL: Any, Y: Array) -> Any:
    """Return the course's cost of arrays or Tensors."""
    return -np.sum(Y * np.log(AL) + (1 - Y) * np.log(1 - AL)) / Y.shape[1]


def gradients_case(given: dict[str, Any], expected: dict[str, Any], layers: int, rejected: str = "") -> Case:
    """Return the case of a backward pass: dW and db are asked for, dZ and dA belong to the summed loss."""
    required = tuple(key for key in expected if re.match(r"d[Wb]\d", key))
    summed = frozenset(key for key in expected if re.match(r"d[ZA]", key))
    m = given["Y"].shape[1]
    return Case(given, expected, required, m=m, summed=summed, layers=layers, rejected=rejected)


def by_graph(learner: Learner, forward: Any, cost: Any, parameters: dict[str, Array]) -> dict[str, Array]:
    """Return dW and db by the graph of a cost of the file's forward pass; after four cases, formulas do."""
    if learner.graphs >= 4:
        return {}
    learner.graphs += 1
    try:
        with (
            same_draws() as learner.stream,
            learner.program.bound(learner.replacements()),
            np.errstate(all="ignore"),
        ):
            found, how = gradients(cost, parameters)
    except Exception:  # noqa: BLE001 - the learner's forward pass may raise anything; the course's formulas remain
        return {}
    finally:
        learner.program.guard.restore()
    learner.against.add(f"the {how} of {getattr(forward, '__name__', 'the forward pass')}")
    return {"d" + key: value for key, value in found.items()}
