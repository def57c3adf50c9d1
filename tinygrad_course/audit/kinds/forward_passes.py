"""The forward passes of networks written out layer by layer: planar, three layers, dropout."""

import ast
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.kinds.base import Assumption, Kind, roles, words
from tinygrad_course.audit.kinds.cases import Array, Case, Draw
from tinygrad_course.audit.kinds.layer_functions import (
    HIDDEN,
    draw_network,
    draw_parameters,
    forward_case,
)
from tinygrad_course.audit.reference import course
from tinygrad_course.audit.source.signatures import argument_names

FORWARD_NAMES = words("forward_propagation forward_prop forward_pass forward")


def course_hidden(learner: Learner) -> list[str]:
    """Return the hidden activations to try: the one that the source names first, then the course's others."""
    source = learner.text()
    named = [name for name in HIDDEN if re.search(rf"\b{name}\b", source)]
    if re.search(r"[AaZz]_?\d\w* >=? 0", source):
        named.append("relu")
    usual = ("relu", "tanh") if (learner.depth() or 2) > 2 else ("tanh", "relu")
    return list(
        dict.fromkeys([name for name in named if name != "sigmoid"] + [*usual, "sigmoid", "leaky_relu"])
    )


def arguments(node: ast.FunctionDef) -> list[str]:
    """Return the names of a function's arguments in lower case."""
    return [name.lower() for name in argument_names(node)]


class Forward(Kind):
    """Z1, A1, ... of a network whose layers are written out."""

    names = FORWARD_NAMES
    signatures = roles("X parameters")
    outputs = words("AL cache")

    def fits(self, node: ast.FunctionDef) -> bool:
        """Another forward_propagation, of one dimension, takes x and theta; that of n dimensions takes Y."""
        return "theta" not in arguments(node) and len(arguments(node)) >= 2 and "y" not in arguments(node)

    def assumptions(self, learner: Learner) -> list[Assumption]:
        """The hidden layers may have any of the usual activations: the exercise invites to try them."""
        told = learner.partner_hidden
        course = "tanh" if (learner.depth() or 2) == 2 else "relu"
        # A backward pass that is right for the course's network tells that another forward pass is the odd
        # one of the two.
        return [{"hidden": hidden} for hidden in (told if course in told else course_hidden(learner))]

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        X, _, parameters = draw_network(draw, learner.depth() or 2)
        return self._made(X, parameters, assumption["hidden"])

    @staticmethod
    def _made(X: Array, parameters: dict[str, Array], hidden: str) -> Case:
        last = f"A{course.layers_of(parameters)}"
        return forward_case({"X": X, "parameters": parameters}, hidden, last)

    def read(self, result: Any, expression: ast.expr | None, case: Case) -> dict[str, Any]:
        """The activation of the last layer is what counts, whatever it is called, alone or with a cache."""
        last = f"A{case.layers}"
        if isinstance(result, dict):
            return {last: result.get(last)}
        found = super().read(result, expression, case)
        if isinstance(result, tuple) and result and last not in found:
            found[last] = result[0]
        elif not isinstance(result, tuple):
            found[last] = result
        way = {key: value for key, value in found.items() if re.fullmatch(r"[ZA]\d", key)}
        return {last: found[last], **way}


class DropoutForward(Forward):
    """The forward pass with inverted dropout; the masks, the learner's own draw, are read from the cache."""

    draws = True
    names = words("forward_propagation_with_dropout forward_prop_with_dropout forward_with_dropout")
    signatures = roles("X parameters keep_prob")
    battery = ("distinct", "wide", "distinct", "wide few", "equal")
    examples = 8

    fits = Kind.fits

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        """Draw a network; a wide one shows what share of its units a mask keeps."""
        case = super().case(learner, draw, assumption)
        if draw.scale.startswith("wide"):
            X, parameters = draw.array(2, 400), draw_parameters(draw, [2, *[6] * (case.layers - 1), 1])
            case = self._made(X, parameters, assumption["hidden"])
        keep = {"wide": 0.9, "wide few": 0.35}.get(draw.scale) or draw.choice([0.6, 0.9, 0.35])
        case.values["keep_prob"] = case.scalars["keep_prob"] = keep
        hidden = [assumption["hidden"]] * (case.layers - 1)
        shares = {f"share of layer {layer} kept": keep for layer in range(1, case.layers)}
        case.expected = shares | case.expected

        def refine(result: Any) -> dict[str, Any]:
            masks = find_masks(result, case.values["parameters"], case.m)
            values = course.network_forward(
                case.values["X"], case.values["parameters"], [*hidden, "sigmoid"], masks, keep
            )
            for layer, mask in masks.items():
                raw = course.ACTIVATIONS[assumption["hidden"]](values[f"Z{layer}"])
                case.stages[f"A{layer}"] = [raw, raw * mask, raw / keep]
            del values["A0"]
            return {**values, "AL": values[f"A{case.layers}"]}

        case.refine = refine
        return case

    def read(self, result: Any, expression: ast.expr | None, case: Case) -> dict[str, Any]:
        """Read the share of units that each mask keeps, too."""
        found = super().read(result, expression, case)
        masks = find_masks(result, case.values["parameters"], case.m)
        shares = {f"share of layer {layer} kept": float(np.mean(mask)) for layer, mask in masks.items()}
        return shares | found

    def judge(self, values: Mapping[str, Any], case: Case) -> tuple[list[str], list[str]]:
        """A mask of many units keeps about the share keep_prob of them."""
        keep, shares = case.values["keep_prob"], [label for label in values if label.startswith("share")]
        return [label for label in shares if case.m >= 100 and abs(values[label] - keep) > 0.08], []


def entries(cache: Any) -> list[Any]:
    """Return what lies in a cache: the values of a dictionary, the parts of a tuple or a list."""
    return list(
        cache.values() if isinstance(cache, dict) else cache if isinstance(cache, tuple | list) else ()
    )


def find_masks(result: Any, parameters: Mapping[str, Array], m: int) -> dict[int, Array]:
    """Return the masks in a returned cache: arrays of 0 and 1 in the shapes of the hidden layers."""
    cache = result[1] if isinstance(result, tuple) and len(result) > 1 else None
    masks: dict[int, Array] = {}
    layer, L = 1, course.layers_of(parameters)
    if isinstance(cache, dict):
        for key, value in cache.items():
            match = re.fullmatch(r"(?i)(?:d|mask)_?(\d)", str(key))
            weights = parameters.get(f"W{match.group(1)}") if match else None
            if match and weights is not None and np.shape(value) == (weights.shape[0], m):
                masks[int(match.group(1))] = np.asarray(value) * 1.0
        return masks
    arrays = [
        item
        for item in entries(cache)
        if isinstance(item, np.ndarray) and item.dtype.kind in "bif" and np.all((item == 0) | (item == 1))
    ]
    # An activation may happen to be all zeros; a mask of whole numbers or truth values leaves no doubt.
    plain = [item for item in arrays if item.dtype.kind in "bi"]
    for item in plain or arrays:
        if layer < L and item.shape == (parameters[f"W{layer}"].shape[0], m):
            masks[layer] = item * 1.0
            layer += 1
    return masks


class CheckForward(Forward):
    """forward_propagation_n of the gradient checking exercise: the cost, and a cache."""

    names = ("forward_propagation_n", *FORWARD_NAMES)
    signatures = roles("X Y parameters")
    outputs = words("cost cache")

    def fits(self, node: ast.FunctionDef) -> bool:
        """It takes X, Y and the parameters."""
        return "y" in arguments(node) and "theta" not in arguments(node)

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        X, Y, parameters = draw_network(draw, learner.depth() or 3)
        return forward_case({"X": X, "Y": Y, "parameters": parameters}, assumption["hidden"], "cost")

    def read(self, result: Any, expression: ast.expr | None, case: Case) -> dict[str, Any]:
        """The cost comes first."""
        return Kind.read(self, result, expression, case)
