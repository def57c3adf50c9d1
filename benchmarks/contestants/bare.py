"""The least that a recorder on NumPy's protocols does: a list of nodes, and no care for anybody.

No names, no errors, no check of shapes or dtypes, nothing held or copied against later changes, and rules for
this work alone. What it takes is a limit for every recorder written in Python whose users type NumPy.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.contestants.updates import start, with_update
from benchmarks.workloads.base import Formula, Make, Network, training
from benchmarks.workloads.formula import evaluation

_new = object.__new__
_tape: list[Any] = []


class Node:
    """A value, the vjps of what made it, its arguments, its gradient."""

    __slots__ = ("args", "data", "grad", "vjps")

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        return _call(ufunc, args)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return _call(function, args)


def _call(function: Any, args: tuple[Any, ...]) -> Node:
    out = _new(Node)
    if len(args) == 1:
        out.data = function(args[0].data)
    else:
        a, b = args
        out.data = function(a.data if type(a) is Node else a, b.data if type(b) is Node else b)
    out.vjps, out.args, out.grad = VJPS[function], args, None
    _tape.append(out)
    return out


def leaf(value: Any) -> Node:
    """Return a variable."""
    out = _new(Node)
    out.data, out.args, out.vjps, out.grad = value, (), (), None
    return out


VJPS: dict[Any, tuple[Callable[..., Any], ...]] = {
    np.add: (lambda g, y, a, b: g, lambda g, y, a, b: g),
    np.subtract: (lambda g, y, a, b: g, lambda g, y, a, b: -g),
    np.multiply: (lambda g, y, a, b: g * b, lambda g, y, a, b: g * a),
    np.divide: (lambda g, y, a, b: g / b, lambda g, y, a, b: g * y / -b),
    np.dot: (lambda g, y, a, b: np.dot(g, b.T), lambda g, y, a, b: np.dot(a.T, g)),
    np.maximum: (lambda g, y, a, b: g * (a > b), lambda g, y, a, b: g * (b > a)),
    np.negative: (lambda g, y, a: -g,),
    np.exp: (lambda g, y, a: g * y,),
    np.log: (lambda g, y, a: g / a,),
    np.tanh: (lambda g, y, a: g * (1.0 - y * y),),
    np.sum: (lambda g, y, a: np.full(a.shape, g, a.dtype),),
}


def _operators() -> None:
    for ufunc, operate in (
        (np.add, operator.add),
        (np.subtract, operator.sub),
        (np.multiply, operator.mul),
        (np.divide, operator.truediv),
    ):

        def forward(self: Any, other: Any, vjps: Any = VJPS[ufunc], operate: Any = operate) -> Node:
            out = _new(Node)
            out.data = operate(self.data, other.data if type(other) is Node else other)
            out.vjps, out.args, out.grad = vjps, (self, other), None
            _tape.append(out)
            return out

        def reflected(self: Any, other: Any, vjps: Any = VJPS[ufunc], operate: Any = operate) -> Node:
            out = _new(Node)
            out.data = operate(other, self.data)
            out.vjps, out.args, out.grad = vjps, (other, self), None
            _tape.append(out)
            return out

        setattr(Node, f"__{operate.__name__}__", forward)
        setattr(Node, f"__r{operate.__name__}__", reflected)
    Node.__neg__ = lambda self: _call(np.negative, (self,))  # type: ignore[attr-defined]


_operators()


def backward() -> None:
    """Go back along the list."""
    _tape[-1].grad = 1.0
    for node in reversed(_tape):
        g, args = node.grad, node.args
        if len(args) == 1:
            _give(args[0], node.vjps[0](g, node.data, args[0].data))
            continue
        a, b = args
        x = a.data if type(a) is Node else a
        z = b.data if type(b) is Node else b
        if type(a) is Node:
            _give(a, node.vjps[0](g, node.data, x, z))
        if type(b) is Node:
            _give(b, node.vjps[1](g, node.data, x, z))
    _tape.clear()


def _give(node: Node, g: Any) -> None:
    if type(g) is np.ndarray and g.shape != node.data.shape:
        g = np.add.reduce(g, 1, None, None, True)
    node.grad = g if node.grad is None else node.grad + g


def makers(work: Any, cost: Callable[..., Any] | None) -> dict[str, Make]:
    """Return the bare recorder for this work, where it has the rules."""
    if isinstance(work, Formula):
        return {"bare": lambda: evaluation(work, formula)}
    if not isinstance(work, Network) or cost is None or work.output == "softmax" or "w" in work.parameters:
        return {}

    def with_gradients(parameters: Any, X: Any, Y: Any) -> tuple[Any, Any]:
        leaves = {name: leaf(value) for name, value in parameters.items()}
        J = cost(leaves, X, Y)
        backward()
        return J.data, {name: node.grad for name, node in leaves.items()}

    return {"bare": lambda: training(work, with_update(work, with_gradients), lambda: start(work))}


def formula(a: float, b: float, c: float) -> tuple[Any, ...]:
    """Return J = 3(a + bc) and its gradients."""
    va, vb, vc = leaf(a), leaf(b), leaf(c)
    J = 3 * (va + vb * vc)
    backward()
    return J.data, va.grad, vb.grad, vc.grad
