"""The numbers to differentiate: weighted outputs, the file's own cost, one that outputs and labels imply."""

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_course.audit.execution.oracle import slopes
from tinygrad_course.audit.execution.paths import Path, at, duplicate
from tinygrad_course.audit.kinds.base import Unfit
from tinygrad_course.audit.kinds.cases import Draw
from tinygrad_course.audit.kinds.gradient_names import numeric, parts_of, same
from tinygrad_course.audit.kinds.names_taken import holder_of, known_as
from tinygrad_course.audit.source.argument_kinds import category
from tinygrad_course.audit.source.signatures import argument_names, needed_names, role_of

SQUARES = "half the sum of squares"
EACH, CLASSES = "the cross-entropy of each output", "the cross-entropy of the classes"


class Cost(NamedTuple):
    """A number, of what a forward function gives and of what it is given."""

    name: str
    of: Callable[[list[Any], Any], float]
    implied: bool = False
    node: ast.FunctionDef | None = None
    """The function of the file that it is."""


def weighing(weights: Mapping[int, Any]) -> Cost:
    """Return the sum of outputs times weights, which are what the backward function is given."""
    return Cost("", lambda parts, _: float(sum(np.sum(one * parts[place]) for place, one in weights.items())))


def number_of(value: Any, name: str) -> float:
    """Return the one number that a cost gives."""
    first = value[0] if isinstance(value, tuple) and value else value
    if first is None or np.size(first) != 1:
        raise Unfit(f"{name} does not give one number")
    return float(np.squeeze(np.asarray(first, dtype=float)))


def elementwise(forward: Callable[[Any], Any], theta: Any, output: Any, name: str) -> list[Cost]:
    """Return the sum of the outputs where each depends on the entry at its place alone: of activations."""
    weights = Draw(1).array(*np.shape(output))
    found: list[Any] = []
    for weight in (np.ones(np.shape(output)), weights):

        def J(at: Any, weight: Any = weight) -> float:
            return float(np.sum(weight * parts_of(forward(at))[0]))

        gradient = slopes(J, theta, lambda path, _: len(path) == 1 and category(path[0]) == "data")
        found += [value for value in (gradient or {}).values() if np.shape(value) == np.shape(output)]
    alone = len(found) == 2 and np.allclose(found[1], weights * found[0], rtol=1e-5, atol=1e-7)
    if not alone:
        raise Unfit(f"no argument of {name} is the derivative of an output")
    return [weighing({0: np.ones(np.shape(output))})]


def of_output(
    run: Callable[[dict[str, Any]], Any], arguments: dict[str, Any], slopes: Mapping[str, Any], output: Any
) -> dict[str, Any]:
    """Return what a slope is given: the output in the data's place where that is right, or called so."""
    alike = [name for name, value in arguments.items() if np.shape(value) == np.shape(output)]
    other = arguments | dict.fromkeys(alike, output)
    fits = [all(same(run(duplicate(given)), one) for one in slopes.values()) for given in (arguments, other)]
    named = any(re.match("(?i)[ahopsy]", name) for name in alike)
    return other if fits[1] or (named and not fits[0]) else arguments


def losses(node: ast.FunctionDef, owner: str, output: Any, given: Mapping[str, Any]) -> bool:
    """Tell whether an output is the losses of the examples, or of each label."""
    labels = [np.shape(value) for name, value in given.items() if category(name) == "labels"]
    cost = re.search("(?i)cost|loss|objective", node.name) and np.shape(output) in labels
    return bool(labels) and bool(owner or cost)


def own_cost(
    run: Callable[..., Any], node: ast.FunctionDef, place: int, labels: Any, names: Sequence[str] = ()
) -> Cost:
    """Return a cost of the file's own, of the output and of labels; outputs have `names`."""
    places: dict[str, Path | None] = {}

    def J(parts: list[Any], theta: Any) -> float:
        held, given = {**theta, "cache": holder_of(parts)}, dict[str, Any]()
        if not places:
            places.update({name: known_as(name, node, held) for name in argument_names(node)})
        for name, path in places.items():
            predicted = category(name) == "predicted" or role_of(name, ["AL"])
            value = parts[place] if predicted and name not in theta else at(held, path) if path else None
            value = parts[names.index(name)] if name in names and name not in theta else value
            value = labels if category(name) == "labels" else value
            if value is not None or name in needed_names(node):
                given[name] = value
        return number_of(run(node, given), node.name)

    return Cost(node.name, J, node=node)


def place_for(labels: Any, output: list[Any], names: Sequence[str], place: int) -> int:
    """Return the place of the output that goes with labels: of Z1, A1, Z2, A2 it is A2, of A and Z A."""
    fits = [number for number, part in enumerate(output) if numeric(part) and implied(part, labels)]
    layers = {number: int((re.findall(r"\d+", names[number]) or [0])[0]) for number in fits}
    linear = {number: re.match(r"(?i)z|logit|score", names[number]) is not None for number in fits}
    return min(fits, key=lambda number: (linear[number], -layers[number], number), default=place)


def written_otherwise(labels: Any) -> Any:
    """Return classes as columns of 0 and 1, and such columns as classes; None for other labels."""
    if not isinstance(labels, np.ndarray):
        return None
    if labels.ndim == 2 and labels.shape[1] > 1 and bool(np.all(np.sort(labels)[:, -2:] == (0, 1))):
        return np.argmax(labels, axis=1)
    return np.eye(np.max(labels) + 1)[labels] if labels.ndim == 1 and labels.dtype.kind == "i" else None


def implied_costs(output: Any, place: int, labels: Any, count: int = 0) -> list[Cost]:
    """Return the costs that an output and labels imply, up to a factor, or the means over examples."""

    def of(name: str, J: Callable[[Any], Any]) -> Cost:
        return Cost(name, lambda parts, _: float(J(parts[place])) / (count or 1), implied=not count)

    return [of(name, J) for name, J in implied(output, labels).items()]


def implied(output: Any, labels: Any) -> dict[str, Callable[[Any], Any]]:
    """Return the costs of an output and labels that code without a cost may mean, by what they are."""
    Y = np.asarray(labels)
    chances = bool(np.all((output > 0) & (output < 1)))
    if np.ndim(output) == 2 and Y.ndim == 1 and Y.dtype.kind in "iu" and chances:
        rows = len(Y) == len(output)
        hot = np.eye(np.shape(output)[1 if rows else 0])
        if np.max(Y) < len(hot) and np.shape(output)[0 if rows else 1] == len(Y):
            Y = hot[Y] if rows else hot[:, Y]
    if Y.shape != np.shape(output) or not np.ndim(output) or Y.dtype.kind not in "fiub":
        return {}
    costs: dict[str, Callable[[Any], Any]] = {
        SQUARES: lambda A: np.sum((A - Y) ** 2) / 2,
        EACH: lambda A: -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)),
        CLASSES: lambda A: -np.sum(Y * np.log(A)),
    }
    alone = np.ndim(output) == 1 or 1 in np.shape(output)
    order = [SQUARES, *([EACH, CLASSES] if alone else [CLASSES, EACH])]
    return {name: costs[name] for name in (order if chances else order[:1])}
