"""The backward passes of networks, with or without L2 and dropout, against the graph or the formulas."""

import ast
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.execution.oracle import gradients
from tinygrad_course.audit.execution.paths import arrays
from tinygrad_course.audit.execution.protection import same_draws
from tinygrad_course.audit.kinds.base import Assumption, Kind, first_of, roles, words
from tinygrad_course.audit.kinds.cases import Array, Case, Draw
from tinygrad_course.audit.kinds.forward_passes import (
    HIDDEN,
    arguments,
    course_hidden,
    draw_network,
    find_masks,
    near_a_kink,
)
from tinygrad_course.audit.kinds.pairing import FORWARD, likest
from tinygrad_course.audit.reference import course
from tinygrad_course.audit.reference.comparison import Named, as_array, close
from tinygrad_course.audit.reference.course import Parameters
from tinygrad_course.audit.source.signatures import ROLES, bare

ONE_TOO_HIGH = (
    "the keys dA are one too high: grads['dA2'] holds dA1. The course's first release numbers them so; "
    "the gradients of the parameters are right"
)


def identify(AL: Any, X: Array, held: Parameters, keep: float = 1.0) -> list[str]:
    """Return the activations of a network by what it computes, [] where it is none of the known ones."""
    L = sum(key[0] == "W" for key in held)
    for hidden in HIDDEN if AL is not None else ():
        activations = [hidden] * (L - 1) + ["sigmoid"]
        if close(AL, course.network_forward(X, held, activations, keep)[f"A{L}"]):
            return activations
    return []


class Backward(Kind):
    """The gradients of a network whose layers are written out, with or without L2 and dropout."""

    names = words(
        "backward_propagation backward_prop back_propagation backprop backpropagation backward_pass backward "
        "backward_propagation_n"
    )
    signatures = roles("parameters cache X Y", "X Y cache", "X Y cache parameters", "X Y parameters")
    outputs = ("grads",)

    def __init__(self, names: str = "", *orders: str) -> None:
        self.names, self.signatures = words(names) or self.names, roles(*orders) or self.signatures

    def fits(self, node: ast.FunctionDef) -> bool:
        """The one-dimensional exercise has a backward_propagation too."""
        names = [re.sub(r"[\W_]", "", name) for name in arguments(node)]
        return (
            "theta" not in names and len(names) >= 3 and any(re.fullmatch(ROLES["Y"], name) for name in names)
        )

    def assumptions(self, learner: Learner) -> list[Assumption]:
        """The cache of the file's forward pass, else a usual activation's in the form that is unpacked."""
        forward = self.forward(learner)
        if forward is None:
            deep = (learner.depth() or 2) > 2 or learner.has("keep_prob")
            return [{"cache": "course", "hidden": "relu" if deep else "tanh"}]
        # The file's own forward pass says which activation it has; without its help any of them may be meant.
        X, Y, parameters = draw_network(Draw(11), learner.depth() or 2)
        given = {"X": X, "Y": Y, "parameters": parameters, "keep_prob": 1.0}
        found = identify(_probabilities(self._run(learner, forward, given)[1]), X, parameters)
        hidden = found[:1] or course_hidden(learner)
        return [{"cache": "own"}, *({"cache": "course", "hidden": option} for option in hidden)]

    def judge(self, values: Named, case: Case) -> tuple[list[str], list[str]]:
        """Judge dZ and dA too where they are returned: final, or dA before its mask."""
        wrong = []
        for label in case.summed:
            value, right = values.get(label), case.expected[label]
            if value is None or (as_array(value) is not None and np.shape(value) != np.shape(right)):
                continue
            options = [right, *([case.stages[label][0]] if label in case.stages and label[1] == "A" else [])]
            if not any(_agrees(value, option, case.m) for option in options):
                wrong.append(label)
        return wrong, []

    def forward(self, learner: Learner) -> Callable[..., Any] | None:
        """Return the file's forward pass that belongs to this backward pass."""
        node = likest(learner.program, learner.node, FORWARD)
        return learner.own(bare(node.name)) if node is not None and "theta" not in arguments(node) else None

    def layers(self, learner: Learner) -> int | None:
        """Return how many layers the source names; None where it counts them."""
        own = likest(learner.program, learner.node, FORWARD)
        return learner.depth() or (learner.depth(own.name) if own is not None else None) or 2

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        forward = self.forward(learner) if assumption["cache"] == "own" else None
        X, Y, parameters = draw_network(draw, self.layers(learner))
        L, m = len(parameters) // 2, X.shape[1]
        lambd = draw.choice([0.7, 0.3, 1.5]) if learner.has("lambd") else 0.0
        keep = draw.choice([0.6, 0.9, 0.35]) if learner.has("keep_prob") else 1.0
        given: dict[str, Any] = {"X": X, "Y": Y, "parameters": parameters, "lambd": lambd, "keep_prob": keep}
        args, stored = self._run(learner, forward, given)
        masks: Parameters = {}
        activations = [assumption.get("hidden", "relu")] * (L - 1) + ["sigmoid"]
        own = len(stored) >= 2
        if own:
            masks = find_masks(stored, parameters, m) if learner.has("keep_prob") else {}
            activations = identify(_probabilities(stored), X, {**parameters, **masks}, keep) or activations
        elif learner.has("keep_prob"):
            shapes = {f"D{l}": (parameters[f"W{l}"].shape[0], m) for l in range(1, L)}
            masks = {key: (draw.probabilities(*shape) < keep) * 1 for key, shape in shapes.items()}
        held = {**parameters, **masks}
        held |= course.network_forward(X, held, activations, keep)
        given["AL"] = np.asarray(stored[0]) if own else held[f"A{L}"]
        given["cache"] = stored[1] if own else self.cache(learner, held, activations)
        back = course.network_backward(held, activations, Y, lambd, keep)
        back |= self._graph(learner, forward, args, given) if own else {}
        scalars = {key: given[key] for key, none in (("lambd", 0), ("keep_prob", 1)) if given[key] != none}
        stages: dict[str, list[Any]] = {}
        for layer in [layer for layer in range(1, L) if f"D{layer}" in masks]:
            raw = np.dot(parameters[f"W{layer + 1}"].T, back[f"dZ{layer + 1}"])
            stages[f"dA{layer}"] = [raw, raw * masks[f"D{layer}"], raw / keep]
        stages |= {f"dZ{layer}": [back[f"dA{layer}"]] for layer in range(1, L)}
        terms = {}
        for layer in range(1, L + 1) if lambd else ():
            terms[f"dW{layer}"] = {"the L2 term lambd/m * W": lambd / m * parameters[f"W{layer}"]}
            terms[f"db{layer}"] = {"the L2 term": lambd / m * parameters[f"b{layer}"]}
        expected = {"m": m, **self.labels(back, L)}
        required = tuple(key for key in expected if re.match(r"d[Wb]\d", key))
        summed = frozenset(key for key in expected if re.match(r"d[ZA]", key))
        made = Case(given, expected, required, m, summed, stages, scalars, terms, layers=L)
        made.rejected = near_a_kink(held, activations)
        return made

    def cache(self, learner: Learner, held: Parameters, activations: list[str]) -> Any:
        """Return a cache of the course's, of what a forward pass has by these names."""
        L = len(activations)
        order = [f"{x}{l}" for l in range(1, L + 1) for x in "ZDAWb" if f"{x}{l}" in held]
        return learner.cache_from_names(held, order, as_dict=L == 2)

    def labels(self, back: Parameters, L: int) -> Parameters:
        """Return the gradients by the names that they have in the function."""
        return {key: value for key, value in back.items() if key != "dA0"}

    def _run(
        self, learner: Learner, forward: Callable[..., Any] | None, given: Named
    ) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """Return the arguments that a forward pass takes, and the values that it returns, () without any."""
        if forward is None:
            return (), ()
        X, Y, parameters = given["X"], given["Y"], given["parameters"]
        orders: list[tuple[Any, ...]] = [(X, parameters), (parameters, X), (X, Y, parameters)]
        orders = [(X, parameters, given["keep_prob"])] if learner.has("keep_prob") else orders
        for args in orders:
            stored = learner.try_call(forward, *args)
            if stored is not None:
                return args, stored if isinstance(stored, tuple) else (stored,)
        return (), ()

    def _graph(self, learner: Learner, forward: Any, args: tuple[Any, ...], given: Named) -> Parameters:
        """Return dW and db by the graph of the file's forward pass; after four cases, formulas do."""
        parameters, Y, lambd = given["parameters"], given["Y"], given["lambd"]

        def cost(theta: dict[str, Any]) -> Any:
            with same_draws():  # of dropout
                AL = first_of(forward(*(theta if arg is parameters else arg for arg in args)))
            if getattr(AL, "ndim", 0) != 2:
                return AL  # of the gradient checking exercise: the cost
            penalty = sum(np.sum(value * value) for key, value in theta.items() if lambd and key[0] == "W")
            return (lambd / 2 * penalty - np.sum(Y * np.log(AL) + (1 - Y) * np.log(1 - AL))) / Y.shape[1]

        if learner.graphs >= 4:
            return {}
        learner.graphs += 1
        replaced = learner.program.bound(learner.replacements())
        try:
            with replaced, np.errstate(all="ignore"):
                found, how = gradients(cost, parameters)
        except Exception:  # noqa: BLE001 - the learner's forward pass may raise anything; the course's formulas remain
            return {}
        finally:
            learner.program.guard.restore()
        learner.against.add(f"the {how} of {getattr(forward, '__name__', 'the forward pass')}")
        return {"d" + key: value for key, value in found.items()}


def _agrees(value: Any, right: Any, m: int) -> bool:
    return right is not None and (close(value, right) or close(value, right / m))


def _probabilities(stored: tuple[Any, ...]) -> Any:
    """Return AL of what a forward pass returns; beside a cost, the array inside (0, 1) in the cache."""
    if len(stored) < 2 or np.ndim(stored[0]) == 2:
        return stored[0] if len(stored) > 1 else None
    inside = [item for item in arrays(stored[1]) if item.ndim == 2 and np.all((item > 0) & (item < 1))]
    return inside[-1] if inside else None


regularized_backward = Backward(
    "backward_propagation_with_regularization backward_prop_with_regularization backward_with_regularization",
    "X Y cache lambd",
    "parameters cache X Y lambd",
)
dropout_backward = Backward(
    "backward_propagation_with_dropout backward_prop_with_dropout backward_with_dropout",
    "X Y cache keep_prob",
    "parameters cache X Y keep_prob",
    "X Y parameters cache keep_prob",
)


class DeepBackward(Backward):
    """The gradients of every layer, from AL, Y and the list of caches."""

    names = words("l_model_backward l_layer_backward model_backward")
    signatures = roles("AL Y cache")
    fits = Kind.fits

    def assumptions(self, learner: Learner) -> list[Assumption]:
        """The caches are those of the file's own forward pass, else the course's."""
        own: list[Assumption] = [{"cache": "own"}] if self.forward(learner) is not None else []
        return [*own, {"cache": "course"}]

    def layers(self, learner: Learner) -> int | None:
        return None

    def cache(self, learner: Learner, held: Parameters, activations: list[str]) -> Any:
        """Return the caches of the layers: those of the file's own layer function, where it has one."""
        layer, caches = learner.own("linear_activation_forward"), list[Any]()
        for l, activation in enumerate(activations, start=1):
            given = held[f"A{l - 1}"], held[f"W{l}"], held[f"b{l}"]
            stored: Any = learner.try_call(layer, *given, activation) if layer is not None else None
            own = isinstance(stored, tuple) and len(stored) == 2
            caches.append(stored[1] if own else (given, held[f"Z{l}"]))
        return caches

    def labels(self, back: Parameters, L: int) -> Parameters:
        return {"dAL": back.pop(f"dA{L}"), **back}

    def judge(self, values: Named, case: Case) -> tuple[list[str], list[str]]:
        """Hold the entries dA1, dA2, ... against both of the course's ways to number them."""
        right = {**case.expected, f"dA{case.layers}": case.expected["dAL"]}
        found = {int(key[2:]): value for key, value in values.items() if re.fullmatch(r"dA\d+", key)}
        straight, shifted = (
            [f"dA{l}" for l, value in found.items() if not _agrees(value, right.get(f"dA{l - by}"), case.m)]
            for by in (0, 1)
        )
        if straight and not shifted:
            return [], [ONE_TOO_HIGH]
        return straight, []
