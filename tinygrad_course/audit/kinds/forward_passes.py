"""The forward passes of networks: written out layer by layer, or layer after layer in a loop; dropout."""

import ast
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.execution.paths import arrays
from tinygrad_course.audit.kinds.base import Assumption, Kind, first_of, roles, words
from tinygrad_course.audit.kinds.cases import Array, Case, Draw
from tinygrad_course.audit.reference import course
from tinygrad_course.audit.source.signatures import argument_names

HIDDEN = ("relu", "tanh", "sigmoid", "leaky_relu")
FORWARD_NAMES = words("forward_propagation forward_prop forward_pass forward")
DEEP_FORWARD_NAMES = words("l_model_forward l_layer_forward model_forward")
KINK = 0.02


def arguments(node: ast.FunctionDef) -> list[str]:
    """Return the names of a function's arguments in lower case."""
    return [name.lower() for name in argument_names(node)]


def draw_parameters(draw: Draw, sizes: list[int]) -> dict[str, Array]:
    """Draw W1, b1, ..., WL, bL for layers of these sizes."""
    parameters: dict[str, Array] = {}
    for layer, (before, after) in enumerate(pairwise(sizes), start=1):
        parameters[f"W{layer}"] = 0.7 * draw.array(after, before)
        parameters[f"b{layer}"] = 0.4 * draw.array(after, 1)
    return parameters


def draw_network(draw: Draw, layers: int | None = None) -> tuple[Array, Array, dict[str, Array]]:
    """Draw X, Y and the parameters of a network with one output."""
    m = draw.size(1, 5)
    L = layers or draw.layers()
    sizes = [draw.size(1, 4) for _ in range(L)] + [1]
    X, Y = draw.array(sizes[0], m), draw.labels(m)
    return X, Y, draw_parameters(draw, sizes)


def near_a_kink(values: Mapping[str, Array], activations: list[str]) -> str:
    """Say why a case cannot be used: a ReLU's argument is almost 0, where both derivatives are right."""
    for layer, activation in enumerate(activations, start=1):
        if "relu" in activation and np.min(np.abs(values[f"Z{layer}"])) < KINK:
            return f"Z{layer} has an entry at the kink of ReLU"
    AL = values[f"A{len(activations)}"]
    return "" if np.all((AL > 1e-6) & (AL < 1 - 1e-6)) else "AL is 0 or 1"


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


class Forward(Kind):
    """Z1, A1, ... of a network whose layers are written out."""

    names = FORWARD_NAMES
    signatures = roles("X parameters")
    outputs = words("AL cache")
    asked = ""
    """What is asked for, where it is not the activation of the last layer by its number."""
    depth = 2
    """How many layers there are where the source does not tell; 0 for any number."""

    def fits(self, node: ast.FunctionDef) -> bool:
        """Another forward_propagation, of one dimension, takes x and theta; that of n dimensions takes Y."""
        given = arguments(node)
        return "theta" not in given and len(given) >= 2 and ("y" in given) == ("Y" in self.signatures[0])

    def assumptions(self, learner: Learner) -> list[Assumption]:
        """The hidden layers may have any of the usual activations: the exercise invites to try them."""
        told = learner.partner_hidden
        usual = "tanh" if (learner.depth() or 2) == 2 else "relu"
        # A backward pass that is right for the course's network tells that another forward pass is the odd
        # one of the two.
        return [{"hidden": hidden} for hidden in (told if usual in told else course_hidden(learner))]

    def drawn(self, learner: Learner, draw: Draw) -> tuple[Array, Array, dict[str, Array]]:
        """Draw X, Y and the parameters."""
        return draw_network(draw, self.depth and (learner.depth() or self.depth))

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        X, Y, parameters = self.drawn(learner, draw)
        L, m = len(parameters) // 2, X.shape[1]
        activations = [assumption["hidden"]] * (L - 1) + ["sigmoid"]
        values = course.network_forward(X, parameters, activations)
        AL = values[f"A{L}"]
        expected = {"m": m, **values, "AL": AL, "cost": course.cross_entropy(AL, Y)}
        # Without labels there is no cost, and no number of examples.
        for none in ("A0", *(("AL",) if learner.has("Y") else ("m", "cost"))):
            del expected[none]
        given = {"X": X, "Y": Y, "parameters": parameters}
        rejected = near_a_kink(values, activations) if m < 100 else ""
        return Case(given, expected, (self.asked or f"A{L}",), m=m, layers=L, rejected=rejected)

    def read(self, result: Any, expression: ast.expr | None, case: Case) -> dict[str, Any]:
        """What is asked for comes first, whatever it is called, alone or with a cache."""
        last = case.required[0]
        if isinstance(result, dict):
            return {last: result.get(last)}
        found = super().read(result, expression, case)
        if last not in found or not isinstance(result, tuple):
            found[last] = first_of(result)
        way = {key: value for key, value in found.items() if re.fullmatch(r"[ZA]\d", key)}
        return {last: found[last], **way}


class CheckForward(Forward):
    """forward_propagation_n of the gradient checking exercise: the cost, and a cache."""

    names = ("forward_propagation_n", *FORWARD_NAMES)
    signatures = roles("X Y parameters")
    outputs = words("cost cache")
    asked = "cost"
    depth = 3


class DeepForward(Forward):
    """[LINEAR -> RELU] * (L-1) -> LINEAR -> SIGMOID."""

    names = DEEP_FORWARD_NAMES
    outputs = words("AL caches")
    asked = "AL"
    depth = 0

    def assumptions(self, learner: Learner) -> list[Assumption]:
        """The hidden layers have ReLU, as in the course, or another activation throughout."""
        told, source = learner.partner_hidden, learner.text()
        named = ["tanh"] if "tanh" in source and not re.search(r"relu|maximum|> 0", source) else []
        usual = told if "relu" in told else [*named, "relu", "tanh", "leaky_relu", *told]
        return [{"hidden": hidden} for hidden in dict.fromkeys(usual)]


class DropoutForward(Forward):
    """The forward pass with inverted dropout; the masks, the learner's own draw, are read from the cache."""

    draws = True
    names = words("forward_propagation_with_dropout forward_prop_with_dropout forward_with_dropout")
    signatures = roles("X parameters keep_prob")
    battery = ("distinct", "wide", "distinct", "wide few", "equal")
    examples = 8

    def drawn(self, learner: Learner, draw: Draw) -> tuple[Array, Array, dict[str, Array]]:
        """A wide network shows what share of its units a mask keeps."""
        X, Y, parameters = super().drawn(learner, draw)
        if draw.scale.startswith("wide"):
            X, Y = draw.array(2, 400), draw.labels(400)
            parameters = draw_parameters(draw, [2, *[6] * (len(parameters) // 2 - 1), 1])
        return X, Y, parameters

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        case = super().case(learner, draw, assumption)
        keep = {"wide": 0.9, "wide few": 0.35}.get(draw.scale) or draw.choice([0.6, 0.9, 0.35])
        case.values["keep_prob"] = case.scalars["keep_prob"] = keep
        hidden = [assumption["hidden"]] * (case.layers - 1)
        shares = {f"share of layer {layer} kept": keep for layer in range(1, case.layers)}
        case.expected = shares | case.expected

        def refine(result: Any) -> dict[str, Any]:
            masks = find_masks(result, case.values["parameters"], case.m)
            held = {**case.values["parameters"], **masks}
            values = course.network_forward(case.values["X"], held, [*hidden, "sigmoid"], keep)
            for key, mask in masks.items():
                raw = course.ACTIVATIONS[assumption["hidden"]](values[f"Z{key[1:]}"])
                case.stages[f"A{key[1:]}"] = [raw, raw * mask, raw / keep]
            del values["A0"]
            return {**values, "AL": values[f"A{case.layers}"]}

        case.refine = refine
        return case

    def read(self, result: Any, expression: ast.expr | None, case: Case) -> dict[str, Any]:
        """Read the share of units that each mask keeps, too."""
        found = super().read(result, expression, case)
        masks = find_masks(result, case.values["parameters"], case.m)
        shares = {f"share of layer {key[1:]} kept": float(np.mean(mask)) for key, mask in masks.items()}
        return shares | found

    def judge(self, values: Mapping[str, Any], case: Case) -> tuple[list[str], list[str]]:
        """A mask of many units keeps about the share keep_prob of them."""
        keep, shares = case.values["keep_prob"], [label for label in values if label.startswith("share")]
        return [label for label in shares if case.m >= 100 and abs(values[label] - keep) > 0.08], []


def find_masks(result: Any, parameters: Mapping[str, Array], m: int) -> dict[str, Array]:
    """Return the masks D1, ... in a returned cache: arrays of 0 and 1 in the shapes of the hidden layers."""
    cache = result[1] if isinstance(result, tuple) and len(result) > 1 else None
    masks: dict[str, Array] = {}
    layer, L = 1, len(parameters) // 2
    if isinstance(cache, dict):
        for key, value in cache.items():
            match = re.fullmatch(r"(?i)(?:d|mask)_?(\d)", str(key))
            weights = parameters.get(f"W{match[1]}") if match else None
            if match and weights is not None and np.shape(value) == (weights.shape[0], m):
                masks[f"D{match[1]}"] = np.asarray(value) * 1.0
        return masks
    held = [one for one in arrays(cache) if one.dtype.kind in "bif" and np.all((one == 0) | (one == 1))]
    # An activation may happen to be all zeros; a mask of whole numbers or truth values leaves no doubt.
    for item in [one for one in held if one.dtype.kind in "bi"] or held:
        if layer < L and item.shape == (parameters[f"W{layer}"].shape[0], m):
            masks[f"D{layer}"] = item * 1.0
            layer += 1
    return masks
