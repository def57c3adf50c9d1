"""Gradients that the chain rule cannot tell: 0 times an infinite slope, and infinity less infinity.

``x * np.sqrt(x)`` has the slope 0 at 0, and ``np.cos(np.sqrt(x))`` has -1/2: what goes through the root is 0
times infinity. Where an entry of a gradient is NaN though the cost is finite, it is what the slopes at points
near by tend to, along the axis of that entry. The recording is computed again at such points, from far to
near. A limit is taken if they agree there, or come to it as a power of the distance does; what differs from
side to side, grows, or is lost in rounding stays NaN.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_course.engine.creation import leaf as variable
from tinygrad_course.engine.creation import node as made
from tinygrad_course.engine.partial_writes import Overwritten
from tinygrad_course.engine.views import as_of, now
from tinygrad_course.rules.table import RULES

if TYPE_CHECKING:
    from tinygrad_course.engine.tensor import Tensor

#: How far entries are moved from 0, as powers of 2; and others, of which a power of 2 is the unit.
FROM_0, FROM_OTHERS = (-22, -28, -34, -40, -60, -80), (-20, -26, -32, -38, -42, -46)
#: How far all of them are, to see what moves with them.
FAR = (2.0**-9, -(2.0**-9))
#: So many entries are moved one by one, after all at once.
ALONE = 32
#: Recordings of more numbers are not computed again.
LARGE = 1 << 23

#: An entry of a leaf, by its number.
Place = tuple[Any, int]
_WHERE = RULES[np.where]


class Surroundings:
    """What a recording amounts to near the point where it was made."""

    def __init__(self, root: Tensor, seed: Any, leaves: list[Tensor], sweep: Any) -> None:
        self.root, self.seed, self.sweep = root, seed, sweep
        self.leaves = leaves
        self.nodes = _after(root, leaves)
        self.moving: dict[Tensor, Any] = {}  # of results that stay in part as they are: which entries do not
        slopes = any(node._about is not None and node._about.slope for node in self.nodes)
        #: What a recorded gradient holds for a constant: which numbers are the largest, say.
        self.choices = {
            node: _choices(node, _given(node), node._data) for node in self.nodes if slopes and _chooses(node)
        }

    def constant_parts(self, places: list[Place]) -> Any:
        """Return the slopes at some places where entries that stay as they are near by are constants.

        Those of them that have no finite gradient: a distance of a point from itself, for one. NaN where
        there is nothing of that kind.
        """
        self.moving = {}
        away = np.random.RandomState(3).uniform(1.0, 2.0, len(places)) * _units(places)
        try:
            here, *found = (self._values(self._steps(places, h * away)) for h in (0.0, *FAR))
        except (ArithmeticError, ValueError, KinkError):
            return np.full(len(places), np.nan)
        self.sweep(here[self.root], self.seed, keep=True, mark=True, careful=True, whole=None)
        for node in self.nodes:
            g, y = here[node]._grad, node._data
            if isinstance(g, (np.ndarray, np.floating)) and not np.isfinite(g).all():
                moves = np.any([fresh[node]._data != y for fresh in found], axis=0)
                if not np.all(moves | np.isfinite(g)):
                    self.moving[node] = moves | np.isfinite(g)
        return self.at(places, 0.0 * away) if self.moving else np.full(len(places), np.nan)

    def _steps(self, places: list[Place], lengths: Any) -> dict[Tensor, Any]:
        steps = {x: np.zeros(np.shape(x._data)) for x in self.leaves}
        for (x, i), h in zip(places, lengths, strict=True):
            steps[x].flat[i] = h
        return steps

    def at(self, places: list[Place], lengths: Any) -> Any:
        """Return the slopes at some places, gone so far from there."""
        fresh = self._values(self._steps(places, lengths))
        found = self.sweep(fresh[self.root], self.seed, keep=True, mark=False, careful=True, whole=None)
        slopes = {x: np.ravel(found.get(fresh[x], np.zeros_like(x._data))) for x in self.leaves}
        return np.array([slopes[x][i] for x, i in places], float)

    def _values(self, steps: dict[Tensor, Any]) -> dict[Tensor, Tensor]:
        """Return the recording made again where the leaves have gone so many steps."""
        cls = type(self.root)
        fresh = {x: variable(cls, x._data + step) for x, step in steps.items()}

        def moved(arg: Any, value: Any) -> Any:
            return value + steps[arg] if arg in steps else fresh[arg]._data if arg in fresh else value

        for node in self.nodes:
            rule: Any = node._op
            args, values = as_of(node), _given(node)
            members = args[0] if rule.sequence else args
            numbers = values[0] if rule.sequence else values
            given = tuple([fresh.get(a, a) if type(a) is cls else a for a in members])
            numbers = [moved(a, v) if type(a) is cls else v for a, v in zip(members, numbers, strict=True)]
            if rule.sequence:
                given, values = (given, *args[1:]), [numbers, *values[1:]]
            else:
                values = numbers
            y = rule.compute(*values, **(node._kwargs or {}))
            y = tuple(y) if rule.outputs else np.asarray(y)[()]
            if node in self.choices and not np.array_equal(self.choices[node], _choices(node, values, y)):
                raise KinkError
            fresh[node] = new = made(cls, rule, given, y, values, None, node._kwargs)
            if node in self.moving:
                chosen = (self.moving[node], new, node._data)
                fresh[node] = made(cls, _WHERE, chosen, np.where(chosen[0], y, node._data)[()])
        return fresh


def _given(node: Any) -> list[Any]:
    """Return the data of an operation's arguments."""
    if node._values is not None:
        return list(node._values)

    def data(a: Any) -> Any:
        found = a._data if type(a) is type(node) else a
        return np.asarray(found) if type(found) is Overwritten else found

    if node._op.sequence:
        return [[data(a) for a in node._args[0]], *node._args[1:]]
    return [data(a) for a in node._args]


def _chooses(node: Any) -> bool:
    """Whether its slope is a constant but at kinks, and a recorded gradient takes it for one."""
    rule = node._op
    return type(rule.chooses) is tuple or (rule.function in _KINKED and node.dtype.kind == "f")


_KINKED = {np.absolute, np.fabs, np.copysign, np.sort, np.partition}


def _choices(node: Any, values: list[Any], y: Any) -> Any:
    """Return the slopes of a function that chooses."""
    kwargs = node._kwargs or {}
    if node._op.ties:
        kwargs = {**kwargs, "constants": tuple([type(a) is not type(node) for a in node._args])}
    g = np.cos(np.arange(np.size(y))).reshape(np.shape(y))
    vjps = [vjp for vjp, a in zip(node._op.vjps, node._args, strict=False) if vjp and type(a) is type(node)]
    return np.concatenate([np.ravel(vjp(g, y, *values, **kwargs)) for vjp in vjps])


class KinkError(Exception):
    """A recorded gradient tells nothing of that point: other numbers would have been chosen."""


def _after(root: Tensor, leaves: list[Tensor]) -> list[Tensor]:
    """Return the operations between leaves and a root, in the order of their birth."""
    depends: dict[Any, bool] = dict.fromkeys(leaves, True)
    stack: list[Any] = [root]
    while stack:
        node = stack[-1]
        if node in depends:
            stack.pop()
            continue
        args = as_of(node)
        members = args[0] if node._op is not None and node._op.sequence else args
        tensors = [a for a in members if type(a) is type(root)]
        waiting = [a for a in tensors if a not in depends]
        if waiting:
            stack += waiting
        else:
            depends[node] = any(depends[a] for a in tensors)
    found = [node for node, does in depends.items() if does and node not in set(leaves)]
    return sorted(found, key=lambda node: -node._serial)


def in_the_limit(root: Tensor, seed: Any, gradients: dict[Tensor, Any], sweep: Any) -> dict[Tensor, Any]:
    """Return the gradients that have NaN, plain, with the limits of these where there are any."""
    numbers = {x: now(g)._data if type(g) is type(root) else g for x, g in gradients.items()}
    lost = {
        x: np.isnan(g) & np.isfinite(x._data)
        for x, g in numbers.items()
        if isinstance(g, (np.ndarray, np.floating)) and g.dtype.kind == "f" and np.isnan(g).any()
    }
    places = [(x, i) for x, mask in lost.items() for i in np.flatnonzero(mask).tolist()]
    if not places:
        return {}
    near = Surroundings(root, now(seed)._data if type(seed) is type(root) else seed, list(lost), sweep)
    if sum(math.prod(getattr(node._data, "shape", ())) for node in near.nodes) > LARGE:
        return {}
    limits = near.constant_parts(places)
    rest = np.flatnonzero(np.isnan(limits))
    if (
        len(rest) and len(places) > 1
    ):  # all at once, by steps of different lengths: what depends on others shows
        first, again = (_limits(near, [places[k] for k in rest], seed) for seed in (1, 2))
        limits[rest] = np.where(_equal(first, again), first, np.nan)
        rest = np.flatnonzero(np.isnan(limits))
    for k in rest if len(rest) <= ALONE else ():
        if len(places) > 1:
            limits[k] = near.constant_parts([places[k]])[0]
        if np.isnan(limits[k]):
            limits[k] = _limits(near, [places[k]], 0)[0]
    result = {}
    for x in lost:
        g = np.array(numbers[x])
        for (of, i), limit in zip(places, limits, strict=True):
            if of is x:
                g.flat[i] = limit
        result[x] = g[()]
    return result


def _units(places: list[Place]) -> Any:
    """Return the powers of 2 by which steps are counted from the numbers at some places."""
    x = _numbers(places)
    return np.where(x == 0, 1.0, np.ldexp(1.0, np.frexp(x)[1]))


def _numbers(places: list[Place]) -> Any:
    return np.array([np.ravel(x._data)[i] for x, i in places], float)


def _equal(a: Any, b: Any) -> Any:
    return np.abs(a - b) <= 1e-9 * np.abs(b)


def _limits(near: Surroundings, places: list[Place], seed: int) -> Any:
    """Return what the slopes at some places tend to, all of them moved at once; NaN where nothing."""
    jitter = np.random.RandomState(seed).randint(0, 5, len(places)) if seed else 0
    x = _numbers(places)
    powers = [np.where(x == 0, a, b) - jitter for a, b in zip(FROM_0, FROM_OTHERS, strict=True)]
    lengths = [np.ldexp(_units(places), p) for p in powers]
    right, left = (_one_side(near, places, [sign * h for h in lengths]) for sign in (1.0, -1.0))
    both = np.isfinite(right[1]) & np.isfinite(left[1])
    one = np.where(np.isfinite(right[1]), right[0], left[0])
    return np.where(both & ~_equal(left[0], right[0]), np.nan, one)


def _one_side(near: Surroundings, places: list[Place], lengths: list[Any]) -> tuple[Any, Any]:
    """Return what the slopes tend to on one side, and the farthest ones, which say whether there is one."""
    found: list[Any] = []
    for length in lengths:
        try:
            found.append(near.at(places, length))
        except KinkError:  # defined, without a limit
            return np.full(len(places), np.nan), np.zeros(len(places))
        except (ArithmeticError, ValueError):  # not even defined there
            return np.full(len(places), np.nan), np.full(len(places), np.nan)
        if not np.isfinite(found[0]).any():
            return found[0], found[0]
    return _limit(np.array(found), np.abs(lengths)), found[0]


def _limit(v: Any, h: Any) -> Any:
    """Return what slopes v at distances h tend to: one that they agree in, or L of v = L + c h^a."""
    settled = _equal(v[2], v[3]) & (np.abs(v[4] - v[3]) <= 1e-6 * np.abs(v[3]))
    settled &= (v[3] != 0) | np.all(v == 0, axis=0)
    best = np.where(_equal(v[3], v[5]), v[5], v[3])  # far nearer, unless rounding has its digits
    first, second, third = v[:3] - v[1:4]
    a = np.log(np.abs(second / first)) / np.log(h[1] / h[0])
    rest = second / ((h[1] / h[2]) ** a - 1)  # c h[2]^a
    end = rest * (h[3] / h[2]) ** a
    limit = v[3] - end
    limit = np.where(np.abs(limit) <= 1e-2 * np.abs(end), 0.0, limit)
    fits = (a > 0.2) & (np.abs(third - (rest - end)) <= 0.02 * np.abs(third))
    fits &= np.abs(v[4] - limit) <= np.abs(end) + 1e-6 * np.abs(limit)
    return np.where(settled, best, np.where(fits, limit, np.nan))
