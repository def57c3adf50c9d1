"""The backward sweep: from a cost to its leaves, each node once, latest first.

Every node carries the number of its birth, and an operation is born after its arguments. Going through the
pending nodes latest first is therefore a topological order: when a node's turn comes, everything that used it
has had its own. No recursion, no search for the order beforehand, and memory only for what is pending.
"""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_course.rules.indexing import astype
from tinygrad_course.rules.table import Rule

if TYPE_CHECKING:
    from tinygrad_course.tensor import Tensor

# Births are numbered downwards, so that the smallest number, the first out of a heap, is the latest node.
clock = count(0, -1).__next__
OLDEST = 1  # greater than any birth number: nothing is too old

#: Arrays larger than this (bytes) are let go of as soon as a backward pass is done with them.
LARGE = 65_536


class Foreign(Exception):  # noqa: N818  (a signal, not an error)
    """The sweep has met a Tensor older than the function's inputs: its result depends on that Tensor too."""


class FreedGraphError(RuntimeError):
    """A graph was used after a backward pass had freed it."""


class Released:
    """What is left of an array that a backward pass has let go of: its shape and dtype."""

    __slots__ = ("dtype", "shape")

    def __init__(self, array: Any) -> None:
        self.shape = array.shape
        self.dtype = array.dtype

    def __repr__(self) -> str:
        return f"<released array of shape {self.shape}>"


class _FreedVjps:
    """Stands where a rule's vjps stood on a node whose graph has been freed: whoever looks for them is told."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __iter__(self) -> Any:
        raise FreedGraphError(
            f"The graph behind this {self.name!r} was freed by an earlier backward(). "
            "Compute the cost again, or call backward(retain_graph=True) the first time."
        )


def _freed_twin(rule: Rule) -> Rule:
    """Return the stand-in for `rule` on nodes whose graph has been freed: same name, no derivative left."""
    twin = Rule(rule.function, (), name=rule.name, sequence=rule.sequence, outputs=rule.outputs)
    twin.vjps = _FreedVjps(rule.name)  # type: ignore[assignment]
    twin.plain = True
    return twin


def output_vjp(g: Any, y: Any, outputs: Any, index: int) -> Any:
    """Stand for the gradient of ``outputs[index]``; `sweep` gathers these itself."""
    raise NotImplementedError


#: One of several results of a function (`np.linalg.svd`); its argument is a node whose data are all of them.
OUTPUT = Rule(tuple.__getitem__, (output_vjp, None), name="output", saves=False)


def unbroadcast(g: Any, shape: tuple[int, ...]) -> Any:
    """Sum a gradient over the axes along which its tensor was broadcast, so that it has the tensor's shape."""
    own = np.shape(g)
    if own == shape:
        return g
    if len(own) > len(shape):
        g = np.sum(g, axis=tuple(range(len(own) - len(shape))))
        own = np.shape(g)
    axes = tuple(i for i, n in enumerate(shape[len(shape) - len(own) :]) if n == 1 and own[i] != 1)
    if axes:
        g = np.sum(g, axis=axes, keepdims=True)
    if np.shape(g) != shape:  # the vjp of a constant slope may be smaller than its argument
        g = np.broadcast_to(g, shape)
    return g


def conform(g: Any, value: Any, rule: Rule) -> Any:
    """Give a gradient its tensor's shape and dtype, or say that the rule is at fault."""
    shape = value.shape
    if np.shape(g) != shape:
        if not rule.elementwise:
            raise ValueError(
                f"the rule of {rule.name!r} returned a gradient of shape {np.shape(g)} "
                f"for an argument of shape {shape}; they must be equal"
            )
        g = unbroadcast(g, shape)
    dtype = getattr(g, "dtype", None)
    if dtype is None:
        g = np.asarray(g, dtype=value.dtype)[()]
    elif dtype != value.dtype:
        g = astype(g, value.dtype)
    return g


def as_of(node: Tensor) -> tuple[Any, ...]:
    """Return the arguments of `node` as they were when it was recorded (see `Tensor.__setitem__`)."""
    born = node._serial
    args = node._args
    if node._op is not None and node._op.sequence:
        return (tuple(_version(a, born) for a in args[0]), *args[1:])
    return tuple(_version(a, born) for a in args)


def _version(arg: Any, born: int) -> Any:
    while getattr(arg, "_serial", OLDEST) < born:  # assigned to after `born`: its first argument is what was
        arg = arg._args[0]
    return arg


class Reassigned:
    """Whether an item of any Tensor was ever assigned to; only then need the sweep look for versions."""

    ever = False


def sweep(  # noqa: C901, PLR0912, PLR0915  (one loop: the calls it saves are its purpose)
    root: Tensor, seed: Any, *, oldest: int = OLDEST, record: bool = False, keep: bool = False
) -> list[tuple[Tensor, Any]]:
    """Send `seed` back from `root` and return the leaves that it reaches, each with its gradient.

    Parameters
    ----------
    root : Tensor
        Where to begin, with data of any shape.
    seed : array
        The gradient with respect to `root`, of its shape and dtype.
    oldest : int
        The birth number of the oldest node of interest; older ones are not followed.
    record : bool
        Compute with Tensors, so that the gradients are recorded and can be differentiated.
    keep : bool
        Leave the graph as it is, for another sweep.

    Raises
    ------
    Foreign
        Without `record`, when a node older than `oldest` is met.
    FreedGraphError
        When the graph was freed by an earlier sweep.
    """
    cls = type(root)
    if root._op is None:
        return [(root, seed if record else _own(seed))]
    ndarray = np.ndarray
    float64 = np.float64
    heap: list[tuple[int, Tensor]] = []
    leaves: list[Tensor] = []
    ghosts: dict[int, Tensor] = {}
    node, following = root, None
    root._pending = seed
    try:
        while True:
            rule = node._op
            g = node._pending
            node._pending = None
            args = as_of(node) if Reassigned.ever else node._args
            y: Any = node._data
            values: Any
            if record:
                _refuse_stale(node, args)
                values, y = args, node
                if rule.outputs:
                    y = tuple(_output(node, i) for i in range(len(node._data)))
            else:
                values = node._values
                if values is None:
                    if rule.sequence:
                        values = ([a._data if type(a) is cls else a for a in args[0]], *args[1:])
                    else:
                        values = [a._data if type(a) is cls else a for a in args]
                if not rule.outputs:
                    node._grad = g
            if rule.plain:
                kwargs = None
                parents = zip(args, rule.vjps, strict=False)
            elif rule is OUTPUT:
                _gather(args[0], args[1], g, heap, oldest)
                parents = ()
            else:
                kwargs = node._kwargs
                if rule.ties:
                    kwargs = {**(kwargs or {}), "constants": tuple(type(a) is not cls for a in args)}
                if rule.outputs:
                    g = tuple(0 * np.asarray(v) if c is None else c for c, v in zip(g, node._data, strict=True))
                if rule.sequence:
                    parents = _sequence(cls, args, rule, g, y, values, kwargs)
                    kwargs = None
                elif rule.variadic:
                    parents = _variadic(args, rule)
                else:
                    parents = zip(args, rule.vjps, strict=False)
            for arg, vjp in parents:
                if type(arg) is not cls or vjp is None:
                    continue
                if arg._serial > oldest:
                    if record:
                        continue
                    raise Foreign
                ga = vjp(g, y, *values) if kwargs is None else vjp(g, y, *values, **kwargs)
                d = arg._data
                if type(ga) is not float64 or type(d) is not float64:
                    if type(ga) is not ndarray or type(d) is not ndarray or ga.shape != d.shape or ga.dtype != d.dtype:
                        ga = conform(ga, d, rule)
                    if arg._op is None and not record and (ga is g or ga is y or getattr(ga, "base", None) is not None):
                        ga = _own(ga)
                if arg._pending is not None:
                    arg._pending = arg._pending + ga
                else:
                    arg._pending = ga
                    if arg._op is None:
                        leaves.append(arg)
                    elif following is None and not heap:
                        following = arg  # the only one pending: no need of the heap
                    else:
                        if following is not None:
                            heappush(heap, (following._serial, following))
                            following = None
                        heappush(heap, (arg._serial, arg))
            if not keep and not record:
                _free(node, rule, cls, ghosts)
            if following is None:
                if not heap:
                    break
                following = heappop(heap)[1]
            node, following = following, None
    except BaseException:
        for pending in (node, following, *leaves, *(n for _, n in heap)):
            if pending is not None:
                pending._pending = None
        raise
    found = [(leaf, leaf._pending) for leaf in leaves]
    for leaf in leaves:
        leaf._pending = None
    return found


def _own(g: Any) -> Any:
    """Return `g` in memory of its own; NumPy's scalars can't be changed and need none."""
    return g if isinstance(g, np.generic) else g.copy()


def _free(node: Tensor, rule: Rule, cls: type, ghosts: dict[int, Tensor]) -> None:
    """Let go of what only the backward pass needed; names, operations, shapes and small values stay to be drawn."""
    twin = rule.twin
    if twin is None:
        twin = rule.twin = _freed_twin(rule)
    node._op = twin
    node._values = None
    if node._extra:
        node._extra.pop("holds", None)
    args = node._args
    for arg in args[0] if rule.sequence else args:
        if type(arg) is cls and arg._op is not None and getattr(arg._data, "nbytes", 0) > LARGE:
            break
    else:
        _update_ghost(node, ghosts)
        return

    def ghost(arg: Any) -> Any:
        if type(arg) is not cls or arg._op is None or getattr(arg._data, "nbytes", 0) <= LARGE:
            return arg
        shadow = ghosts.get(arg._serial)
        if shadow is None:
            shadow = ghosts[arg._serial] = arg._ghost()
        return shadow

    node._args = ([ghost(a) for a in args[0]], *args[1:]) if rule.sequence else tuple(ghost(a) for a in args)
    _update_ghost(node, ghosts)


def _update_ghost(node: Tensor, ghosts: dict[int, Tensor]) -> None:
    shadow = ghosts.get(node._serial) if ghosts else None
    if shadow is not None:
        shadow._args, shadow._op, shadow._kwargs = node._args, node._op, node._kwargs


def _output(node: Tensor, index: int) -> Tensor:
    out: Tensor = type(node)._node(node._data[index], OUTPUT, (node, index))
    return out


def _gather(node: Tensor, index: int, g: Any, heap: list[tuple[int, Tensor]], oldest: int) -> None:
    """Add the gradient of one output to those of the function that made it."""
    if node._serial > oldest:
        raise Foreign
    if node._pending is None:
        node._pending = [None] * len(node._data)
        heappush(heap, (node._serial, node))
    mine = node._pending[index]
    node._pending[index] = g if mine is None else mine + g


def _sequence(
    cls: type, args: tuple[Any, ...], rule: Rule, g: Any, y: Any, values: Any, kwargs: dict[str, Any] | None
) -> list[tuple[Any, Any]]:
    """Pair the members of a list argument with their gradients, wrapped as vjps of nothing."""
    vjp = rule.vjps[0]
    assert vjp is not None  # noqa: S101  (a sequence rule has one)
    gradients = vjp(g, y, *values, **(kwargs or {}))
    return [
        (member, lambda *_, ga=ga: ga)
        for member, ga in zip(args[0], gradients, strict=True)
        if type(member) is cls
    ]


def _variadic(args: tuple[Any, ...], rule: Rule) -> list[tuple[Any, Any]]:
    """Pair arguments with vjps where the last vjp serves all further arguments and is told which."""
    pairs: list[tuple[Any, Any]] = []
    last = len(rule.vjps) - 1
    for i, arg in enumerate(args):
        vjp = rule.vjps[min(i, last)]
        if vjp is not None and i >= last:
            pairs.append((arg, lambda *a, vjp=vjp, i=i, **k: vjp(*a, argnum=i, **k)))
        else:
            pairs.append((arg, vjp))
    return pairs


def _refuse_stale(node: Tensor, args: tuple[Any, ...]) -> None:
    """Raise if a leaf was given new data after `node` was recorded: its recorded use can't be told any more."""
    values = node._values
    if values is None:
        return
    rule = node._op
    pairs = zip(args[0], values[0], strict=True) if rule.sequence else zip(args, values, strict=False)
    for arg, value in pairs:
        if type(arg) is type(node) and arg._data is not value and not np.array_equal(arg._data, value, equal_nan=True):
            raise RuntimeError(
                f"{arg._label()} was given new data after {rule.name!r} was recorded with it, so the recorded "
                "derivative is out of date. Compute the cost again with the present data."
            )
