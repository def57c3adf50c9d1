"""How far a computed cost is from the exact one, and which operation is to blame."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_course.engine.tensor import Tensor
from tinygrad_course.gradient_checking.differences import EPS, Phi
from tinygrad_course.graph.node import Node, graph

_POINTS = 16
# Unevenly spaced, and differently on the two sides: rounding repeats itself on a grid.
_PLACES = np.sort(np.random.RandomState(0).uniform(1, _POINTS, (2, _POINTS)), axis=1) * [[1.0], [-1.0]]
_SPACINGS = (1e-14, 1e-12, 1e-10, 1e-8, 1e-6, 1e-4, 1e-3, 1e-2)


def noise_of(phi: Phi, scale: float) -> float:
    """Return the standard deviation of the rounding in phi's values near 0, where `scale` is varied.

    Values very near each other lie on a smooth curve but for their rounding, which is what a cubic through
    them leaves over (J. Moré and S. Wild, "Estimating computational noise", 2011). They are moved apart until
    they differ, as those of a function that computes in float32 do not at once. Each side of 0 is looked at
    by itself, so that a kink or a jump there is no noise.

    >>> exact = lambda t: 3.0 + t
    >>> single = lambda t: float(np.float32(3.0 + t))
    >>> bool(noise_of(exact, 1.0) < 1e-15), bool(1e-8 < noise_of(single, 1.0) < 1e-6)
    (True, True)
    """
    middle = phi(0.0)
    floor = EPS / 2 * abs(middle) if np.isfinite(middle) else 0.0
    steps = []  # of a staircase, which 1 - A is where A is nearly 1
    for spacing in _SPACINGS:
        found = []
        for places in _PLACES:
            values = np.array([phi(float(t)) for t in spacing * scale * places])
            if not np.isfinite(values).all():
                continue
            heights, times = np.unique(values, return_counts=True)
            if middle in heights and np.sum(times > 1) <= 2 and np.sum(times == 1) > 3:
                continue  # a level or two with a slope beside them, as np.clip has
            if len(heights) > _POINTS // 2:
                found.append(_left_over(values, places))
            elif len(heights) > 2:
                steps.append(_left_over(values, places))
        if found:
            return max(*found, *steps, floor)
    return max(*steps, floor) if steps else floor


def _left_over(values: Any, places: Any) -> float:
    """Return the standard deviation about the best cubic."""
    curve = np.vander(places / _POINTS, 4)
    rest = values - values[0]
    rest = rest - curve @ np.linalg.lstsq(curve, rest, rcond=None)[0]
    return float(np.sqrt(np.sum(rest**2) / (_POINTS - 4)))


@dataclass(frozen=True)
class Cause:
    """The operations whose rounding reaches the cost most."""

    #: what makes the numbers that are rounded: ``"expit"``, or ``"A3 = expit"`` where the result has a name
    operations: tuple[str, ...]
    through: tuple[str, ...]  #: the operations that they go through next
    share: float  #: their part of the rounding's variance, from 0 to 1
    magnified: float  #: how many times larger their rounding is in the cost than the cost's own
    rounding: float  #: the standard deviation of the cost by the rounding of all operations

    def __str__(self) -> str:
        what = f"{self.share:.0%} of it is the rounding of {' and '.join(self.operations)}"
        if self.magnified > 10 and self.through:
            many = "magnify" if len(self.through) > 1 else "magnifies"
            return f"{what}, which {' -> '.join(self.through)} {many}"
        return what


def cause_of(f: Callable[..., Any], *args: Any) -> Cause | None:
    """Return the operation in a recorded cost whose rounding reaches the result most; None without a record.

    A number v is stored to half a unit in its last place, and what that does to the cost J is dJ/dv times as
    much: the gradient that the backward pass leaves at every node.

    >>> z = Tensor(7.0, name="z")
    >>> print(cause_of(lambda z: -np.log(1 - (1 / (1 + np.exp(-z)))), z))
    100% of it is the rounding of add and divide, which subtract -> log magnify
    """
    J = f(*args)
    if type(J) is not Tensor or J.size != 1:
        return None
    with np.errstate(all="ignore"):
        J.backward(retain_graph=True)
        nodes = list(graph(J))
        parts = np.array([_rounding(node) for node in nodes])
    total = float(np.sum(parts))
    if not np.isfinite(total) or not total > 0:
        return None
    blamed = [nodes[i] for i in np.flatnonzero(parts >= 0.2 * np.max(parts))[-3:]]
    own = parts[nodes[-1].id]
    magnified = float(np.sqrt(np.max(parts) / own)) if own else np.inf
    names = tuple(dict.fromkeys(f"{n.name} = {n.op}" if n.name else str(n.op) for n in blamed))
    share = float(sum(parts[n.id] for n in blamed)) / total
    return Cause(names, _path(nodes, blamed[-1]), share, magnified, EPS / 2 * float(np.sqrt(total)))


def nearness_to_singular(f: Callable[..., Any], *args: Any) -> float:
    """Return how far a cost's matrices are from singular ones, beside their size: larger steps pass a pole.

    >>> f = lambda M: np.sum(np.linalg.inv(M))
    >>> round(nearness_to_singular(f, Tensor(np.diag([4.0, 1.0]))), 6)
    0.25
    """
    J = f(*args)
    nodes = list(graph(J)) if type(J) is Tensor else []
    nearest = 1.0
    for node in nodes:
        if node.op in _INVERTING and node.inputs:
            matrix = nodes[node.inputs[0]].value
            if np.ndim(matrix) > 1 and matrix.shape[-1] == matrix.shape[-2] and matrix.size:
                sizes = np.linalg.svd(matrix, compute_uv=False)
                nearest = min(nearest, float(np.min(sizes[..., -1] / sizes[..., 0])))
    return nearest


_INVERTING = frozenset({"inv", "solve", "det", "slogdet", "pinv", "lstsq", "matrix_power"})


def _rounding(node: Node) -> float:
    """Return the variance that rounding this node's value gives the cost, in units of EPS."""
    if node.op is None or node.gradient is None or node.value is None or node.op in _EXACT:
        return 0.0
    return float(np.sum(np.abs(node.gradient * node.value) ** 2))


#: Operations that only move numbers or flip their sign.
_EXACT = frozenset(
    {
        "negative", "positive", "absolute", "maximum", "minimum", "max", "min", "relu", "where", "copy",
        "getitem", "output", "reshape", "ravel", "squeeze", "expand_dims", "transpose", "swapaxes",
        "moveaxis", "broadcast_to", "concatenate", "stack", "flip", "roll",
    }
)  # fmt: skip


def _path(nodes: list[Node], node: Node) -> tuple[str, ...]:
    """Return the operations after `node` as far as a division or logarithm, along the largest gradient."""
    path: list[str] = []
    while len(path) < 3:
        users = [n for n in nodes if node.id in n.inputs and n.gradient is not None]
        if not users:
            break
        node = max(users, key=lambda n: float(np.max(np.abs(n.gradient), initial=0.0)))
        path.append(str(node.op))
        if node.op in {"log", "divide", "sqrt", "power", "log1p"}:
            break
    return tuple(path)
