"""A recording computed once more, beside the user's: values and gradients to hold every line against.

The recording itself stays as it is, freed or not, and so do the `.grad` of its tensors. Values that a
backward pass has released are there again.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from tinygrad_course.engine.sweep import FreedGraphError, as_of, sweep
from tinygrad_course.engine.tensor import Tensor
from tinygrad_course.graph.node import Graph, Node
from tinygrad_course.rules.indexing import assign
from tinygrad_course.rules.table import RULES, Rule


class DerivationError(ValueError):
    """No derivation can be written, or a line of it disagrees with the graph."""


#: Costs that are recorded as one operation of A, Y and Z, with a gradient that goes straight to Z.
FROM_LOGITS = ("binary_cross_entropy", "categorical_cross_entropy")


@dataclass(frozen=True)
class Replay:
    """Values and gradients of a recording's nodes, by their numbers.

    Attributes
    ----------
    values : dict of int to array
    gradients : dict of int to array
        Of the root; a node that it does not depend on has none.
    """

    values: dict[int, Any]
    gradients: dict[int, Any]


def replay(graph: Graph, leaves: dict[int, Any] | None = None) -> Replay:
    """Compute a recording again in float64, and its gradients.

    Parameters
    ----------
    graph : Graph
        Of a single root, a scalar.
    leaves : dict of int to array, optional
        Other values for its leaves; without them the values must come out as they were recorded.

    Raises
    ------
    DerivationError
        If they do not: a leaf has been given new data since.
    """
    own = recorded(graph) if leaves is None else leaves
    tensors: dict[int, Tensor] = {}
    values: dict[int, Any] = {}
    with np.errstate(all="ignore"):
        for node in graph:
            if node.constant:
                values[node.id] = node.value
                continue
            if node.op is None:
                new = Tensor(np.asarray(own[node.id], dtype=np.float64))
            else:
                new = _again(node, [tensors.get(i) for i in node.inputs])
            tensors[node.id] = new
            values[node.id] = new._data
            if leaves is None and node.value is not None and (node.op or new.shape != node.shape):
                _agree(node, new._data)
        gradients = _gradients(graph, tensors)
    return Replay(values, gradients)


def recorded(graph: Graph) -> dict[int, Any]:
    """Return the leaves' data as they were when the graph was recorded."""
    values = {n.id: n.value for n in graph if n.op is None and not n.constant}
    for node in graph:
        kept = getattr(node.tensor, "_values", None)
        rule = getattr(node.tensor, "_op", None)
        if kept is None or rule is None or rule.sequence or len(kept) != len(node.inputs):
            continue
        for source, value in zip(node.inputs, kept, strict=True):
            if source in values:
                values[source] = value
    return values


def rule_of(node: Node) -> Rule:
    """Return the rule of an operation, of a freed one too.

    Raises
    ------
    DerivationError
        If the rule went with the graph that was freed.
    """
    assert node.tensor is not None  # noqa: S101  (an operation has one)
    found = node.tensor._op
    assert found is not None  # noqa: S101
    rule = RULES.get(found.function, found)
    if rule.outputs or rule.name == "output":
        raise DerivationError(
            f"{node.name or 'a part of the cost'} is one of several results of {node.op!r}; "
            "the derivative of such functions is not written out here"
        )
    return rule


def _again(node: Node, inputs: list[Tensor | None]) -> Tensor:
    """Record an operation once more, on other operands; None stands for a constant, which is taken over."""
    rule = rule_of(node)
    old = node.tensor
    assert old is not None  # noqa: S101  (an operation has one)
    kept = old._values
    args = as_of(old)
    operands = iter(inputs)

    def fresh(arg: Any, saved: Any) -> Any:
        if type(arg) is not Tensor and not isinstance(arg, np.ndarray) and not rule.elementwise:
            return arg
        new = next(operands)
        return saved if new is None else new

    if rule.sequence:
        saved = kept[0] if kept is not None else args[0]
        args = (tuple(fresh(a, s) for a, s in zip(args[0], saved, strict=True)), *args[1:])
    elif rule.function is operator.getitem:
        args = (inputs[0], args[1])
    elif rule.function is assign:
        args = (inputs[0], args[1], args[2] if inputs[1] is None else inputs[1])
    else:
        saved = kept if kept is not None and len(kept) == len(args) else args
        args = tuple(fresh(a, s) for a, s in zip(args, saved, strict=True))
    kwargs = getattr(old, "_kwargs", None)
    data = rule.function(*_data(args), **(kwargs or {}))
    return Tensor._node(data if isinstance(data, np.ndarray) else np.float64(data), rule, args, kwargs)


def _data(args: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(a._data if type(a) is Tensor else _data(a) if type(a) is tuple else a for a in args)


def _agree(node: Node, value: Any) -> None:
    """Raise unless a value has come out as it was recorded."""
    dtype = np.dtype(node.dtype)
    tolerance = 1e-9 if dtype == np.float64 else 1e-3 if dtype == np.float32 else 0.1
    was, is_ = np.asarray(node.value, dtype=np.float64), np.asarray(value)
    size = np.max(np.abs(was[np.isfinite(was)]), initial=1.0)
    if was.shape == is_.shape and np.allclose(
        was, is_, rtol=tolerance, atol=tolerance * size, equal_nan=True
    ):
        return
    raise DerivationError(
        f"{node.name or f'the result of {node.op!r}'} was recorded with other data than its leaves have: "
        "they were given new ones since. Compute the cost again, then derive"
    )


def _gradients(graph: Graph, tensors: dict[int, Tensor]) -> dict[int, Any]:
    root = tensors[graph.roots[0]]
    try:
        leaves = sweep(root, np.ones_like(root._data)[()], keep=True)
    except FreedGraphError as error:
        raise DerivationError(str(error)) from None
    by_identity = {id(leaf): g for leaf, g in leaves}
    found = {}
    for number, tensor in tensors.items():
        g = by_identity.get(id(tensor), tensor._grad)
        if g is not None:
            found[number] = g
    for node in graph:
        if node.op in FROM_LOGITS:
            _through(node, tensors, found)
    return found


def _through(node: Node, tensors: dict[int, Tensor], found: dict[int, Any]) -> None:
    """Add what such a cost adds to the gradient of A, which the recording passes by."""
    g = found.get(node.id)
    A = node.inputs[0]
    if g is None or A not in tensors:
        return
    a = tensors[A]._data
    y = _labels(node)
    leaf = Tensor(a)
    log_likelihood = special.xlogy(y, leaf)
    if node.op == "binary_cross_entropy":
        log_likelihood = log_likelihood + special.xlog1py(1 - y, -leaf)
    loss: Any = -np.sum(log_likelihood) / a.shape[-1]
    [(_, own)] = sweep(loss, np.float64(1.0))
    found[A] = g * own + found.get(A, 0.0)


def _labels(node: Node) -> Any:
    assert node.tensor is not None  # noqa: S101  (an operation has one)
    return np.asarray(as_of(node.tensor)[1], dtype=np.float64)


def operation_of(
    node: Node,
) -> tuple[Callable[[list[Any]], Any], Callable[[int, Any, list[Any]], Any]]:
    """Return an operation as two functions: of its operands, and of a gradient and its operands."""

    def again(operands: list[Any]) -> tuple[list[Tensor], Tensor]:
        tensors = [Tensor(np.asarray(o, dtype=np.float64)) for o in operands]
        return tensors, _again(node, list(tensors))

    def compute(operands: list[Any]) -> Any:
        return again(operands)[1]._data

    def vjp(i: int, g: Any, operands: list[Any]) -> Any:
        tensors, result = again(operands)
        leaves = sweep(result, np.asarray(g, dtype=np.float64).reshape(result.shape)[()])
        return next((grad for leaf, grad in leaves if leaf is tensors[i]), np.zeros(tensors[i].shape))

    return compute, vjp
