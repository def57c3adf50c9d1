"""The backward passes of networks written out layer by layer, with or without L2 and dropout."""

import ast
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.kinds.base import Assumption, Kind, first_of, roles, words
from tinygrad_course.audit.kinds.cases import Array, Case, Draw
from tinygrad_course.audit.kinds.forward_passes import (
    FORWARD_NAMES,
    DropoutForward,
    arguments,
    course_hidden,
    entries,
    find_masks,
)
from tinygrad_course.audit.kinds.layer_functions import (
    by_graph,
    draw_network,
    gradients_case,
    identify,
    mean_loss,
    near_a_kink,
)
from tinygrad_course.audit.reference import course
from tinygrad_course.audit.reference.comparison import as_array, close
from tinygrad_course.audit.source.signatures import ROLES, bare


class Backward(Kind):
    """The gradients of a network whose layers are written out, with or without L2 and dropout."""

    names = words(
        "backward_propagation backward_prop back_propagation backprop backpropagation backward_pass backward"
    )
    signatures = roles("parameters cache X Y", "X Y cache", "X Y cache parameters", "X Y parameters")
    outputs = ("grads",)
    forward_names = FORWARD_NAMES

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
        hidden = [option for option in course_hidden(learner) if self._used(learner, forward, option)]
        return [{"cache": "own"}, *({"cache": "course", "hidden": option} for option in hidden)]

    def _used(self, learner: Learner, forward: Callable[..., Any], hidden: str) -> bool:
        """Tell whether the file's forward pass has such hidden layers, or does not say."""
        X, Y, parameters = draw_network(Draw(11), learner.depth() or 2)
        _, stored = self._run(learner, forward, {"X": X, "Y": Y, "parameters": parameters, "keep_prob": 1.0})
        AL = self._probabilities(stored) if isinstance(stored, tuple) and len(stored) >= 2 else None
        found = identify(AL, X, parameters) if AL is not None else []
        return not found or found[0] == hidden

    def judge(self, values: Mapping[str, Any], case: Case) -> tuple[list[str], list[str]]:
        """Judge dZ and dA too where they are returned: final, or dA before its mask."""
        wrong = []
        for label in case.summed:
            value, right = values.get(label), case.expected[label]
            if value is None or (as_array(value) is not None and np.shape(value) != np.shape(right)):
                continue
            options = [right, *([case.stages[label][0]] if label in case.stages and label[1] == "A" else [])]
            if not any(close(value, option) or close(value, option / case.m) for option in options):
                wrong.append(label)
        return wrong, []

    def forward(self, learner: Learner) -> Callable[..., Any] | None:
        """Return the file's forward pass that belongs to this backward pass."""
        for name, node in learner.program.at_hand.items():
            if bare(name) in self.forward_names and "theta" not in arguments(node):
                return learner.own(bare(name))
        return None

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        forward = self.forward(learner) if assumption["cache"] == "own" else None
        names = [learner.name, *learner.program.callees(learner.name)]
        own = learner.own_name(*self.forward_names)
        L = learner.depth(*names) or (learner.depth(own) if own else None) or 2
        X, Y, parameters = draw_network(draw, L)
        lambd = draw.choice([0.7, 0.3, 1.5]) if learner.has("lambd") else 0.0
        keep = draw.choice([0.6, 0.9, 0.35]) if learner.has("keep_prob") else 1.0
        given = {"X": X, "Y": Y, "parameters": parameters, "lambd": lambd, "keep_prob": keep}
        args, stored = self._run(learner, forward, given) if forward is not None else ((), None)
        masks: dict[int, Array] = {}
        given["cache"] = None
        if isinstance(stored, tuple) and len(stored) >= 2:
            given["cache"] = stored[1]
            if learner.has("keep_prob"):
                masks = find_masks(stored, parameters, X.shape[1])
            AL = self._probabilities(stored)
            activations = (identify(AL, X, parameters, masks, keep) if AL is not None else []) or ["relu"] * (
                L - 1
            ) + ["sigmoid"]
        else:
            forward = None
            if learner.has("keep_prob"):
                masks = {
                    l: (draw.probabilities(parameters[f"W{l}"].shape[0], X.shape[1]) < keep) * 1
                    for l in range(1, L)
                }
            activations = [assumption.get("hidden", "relu")] * (L - 1) + ["sigmoid"]
        values = course.network_forward(X, parameters, activations, masks, keep)
        if given["cache"] is None:
            held = {**values, **parameters, **{f"D{l}": mask for l, mask in masks.items()}}
            order = [f"{x}{l}" for l in range(1, L + 1) for x in ("ZDAWb" if l in masks else "ZAWb")]
            given["cache"] = learner.cache_from_names("cache", held, order, as_dict=L == 2)
        back = course.network_backward(values, parameters, activations, Y, lambd, masks, keep)
        if forward is not None:
            back.update(self._graph(learner, forward, args, given))
        return _backward_case(given, back, masks, near_a_kink(values, activations))

    def _run(
        self, learner: Learner, forward: Callable[..., Any], given: Mapping[str, Any]
    ) -> tuple[tuple[Any, ...], Any]:
        """Return the arguments that a forward pass takes, and what it returns; None where it takes none."""
        for args in self._forward_arguments(learner, given):
            stored = learner.try_call(forward, *args)
            if stored is not None:
                return args, stored
        return (), None

    @staticmethod
    def _forward_arguments(learner: Learner, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        X, Y, parameters = given["X"], given["Y"], given["parameters"]
        if learner.has("keep_prob"):
            return [(X, parameters, given["keep_prob"])]
        return [(X, parameters), (parameters, X), (X, Y, parameters)]

    @staticmethod
    def _probabilities(stored: tuple[Any, ...]) -> Any:
        return stored[0]

    def _graph(
        self, learner: Learner, forward: Callable[..., Any], args: tuple[Any, ...], given: Mapping[str, Any]
    ) -> dict[str, Array]:
        parameters = given["parameters"]

        def cost(theta: dict[str, Any]) -> Any:
            np.random.set_state(learner.stream)  # noqa: NPY002 - dropout draws from the course's stream
            result = forward(*(theta if arg is parameters else arg for arg in args))
            return self._cost(result, given["Y"], theta, given["lambd"])

        return by_graph(learner, forward, cost, parameters)

    def _cost(self, result: Any, Y: Array, theta: Mapping[str, Any], lambd: float) -> Any:
        cost = mean_loss(first_of(result), Y)
        for key, value in theta.items():
            if lambd and key[0] == "W":
                cost = cost + lambd / (2 * Y.shape[1]) * np.sum(value * value)
        return cost


def _backward_case(
    given: dict[str, Any], back: dict[str, Array], masks: Mapping[int, Array], rejected: str
) -> Case:
    m, parameters = given["X"].shape[1], given["parameters"]
    L = course.layers_of(parameters)
    stages: dict[str, list[Any]] = {}
    for layer, mask in masks.items():
        raw = np.dot(parameters[f"W{layer + 1}"].T, back[f"dZ{layer + 1}"])
        stages[f"dA{layer}"] = [raw, raw * mask, raw / given["keep_prob"]]
    for layer in range(1, L):
        stages.setdefault(f"dZ{layer}", []).append(back[f"dA{layer}"])
    scalars = {name: given[name] for name, none in (("lambd", 0), ("keep_prob", 1)) if given[name] != none}
    terms = {}
    for layer in range(1, L + 1) if given["lambd"] else ():
        terms[f"dW{layer}"] = {"the L2 term lambd/m * W": given["lambd"] / m * parameters[f"W{layer}"]}
        terms[f"db{layer}"] = {"the L2 term": given["lambd"] / m * parameters[f"b{layer}"]}
    expected = {"m": m, **{key: value for key, value in back.items() if key != "dA0"}}
    made = gradients_case(given, expected, L, rejected)
    made.stages, made.scalars, made.terms = stages, scalars, terms
    return made


class RegularizedBackward(Backward):
    """With the L2 term in every dW."""

    names = words(
        "backward_propagation_with_regularization backward_prop_with_regularization "
        "backward_with_regularization"
    )
    signatures = roles("X Y cache lambd", "parameters cache X Y lambd")
    fits = Kind.fits


class DropoutBackward(Backward):
    """With the masks of the forward pass."""

    names = words("backward_propagation_with_dropout backward_prop_with_dropout backward_with_dropout")
    signatures = roles(
        "X Y cache keep_prob", "parameters cache X Y keep_prob", "X Y parameters cache keep_prob"
    )
    forward_names = DropoutForward.names
    fits = Kind.fits


class CheckBackward(Backward):
    """backward_propagation_n, against the graph of forward_propagation_n, cost included."""

    names = words("backward_propagation_n")
    signatures = roles("X Y cache")
    forward_names = words("forward_propagation_n")
    fits = Kind.fits

    @staticmethod
    def _forward_arguments(learner: Learner, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        return [(given["X"], given["Y"], given["parameters"])]

    @staticmethod
    def _probabilities(stored: tuple[Any, ...]) -> Any:
        """AL is in the cache: the one array that lies inside (0, 1) and has the shape of the output."""
        arrays = [item for item in entries(stored[1]) if isinstance(item, np.ndarray) and item.ndim == 2]
        rows = [array for array in arrays if np.all((array > 0) & (array < 1))]
        return rows[-1] if rows else None

    def _cost(self, result: Any, Y: Array, theta: Mapping[str, Any], lambd: float) -> Any:
        return first_of(result)
