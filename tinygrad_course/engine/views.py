"""Variables that are written to, and views: what stands behind a Tensor besides a recorded operation.

A recorded operation never changes. A Tensor that is written to becomes a variable: each write records a
new value (`rules.indexing.assign`), and the variable shows the latest. What NumPy makes a view, ``y[0]`` or
``y.T``, is a Tensor that shows a part of another; it is recorded again when it is used after that other was
written to, and a write to it is recorded as a write to the Tensor that it is a view of.

To the recorder both look like leaves in a state that is not None, so that ordinary Tensors pay nothing.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tinygrad_course.engine.tensor import Tensor
    from tinygrad_course.rules.table import Rule


class Open:
    """A leaf whose data somebody else may hold and change."""

    __slots__ = ()

    def read(self, tensor: Tensor) -> tuple[Tensor, Any]:
        """Return the Tensor and its data as a recording keeps them."""
        return tensor, tensor._settled()


OPEN = Open()


class Written:
    """A Tensor that was written to."""

    #: What it was before. Operations recorded until then have the variable itself among their arguments, and
    #: mean this (`version_of`).
    first: Tensor
    latest: Tensor  #: what it is
    __slots__ = tuple(__annotations__)

    def __init__(self, first: Tensor, latest: Tensor) -> None:
        self.first, self.latest = first, latest

    def read(self, tensor: Tensor) -> tuple[Tensor, Any]:  # noqa: ARG002  (as the others)
        """Return the latest value: an operation's result, and its data."""
        return self.latest, self.latest._data


class View:
    """A Tensor that shows a part of another, as NumPy's views do."""

    parent: Tensor  #: what it was taken from
    node: Tensor  #: the recorded operation
    # the call that shows the part: the parent is its argument number `at`
    rule: Rule
    at: int
    rest: list[Any]  #: its other arguments
    kwargs: dict[str, Any]
    trouble: str | None  #: why it can't be written to; or, where `unsure`, why NumPy's way can't be known
    unsure: bool
    root: Tensor  #: the Tensor at the end of the chain of parents
    seen: object  #: what the root was when `node` was recorded
    __slots__ = tuple(__annotations__)

    def __init__(
        self, parent: Tensor, node: Tensor, rule: Rule, at: int, rest: list[Any], kwargs: dict[str, Any],
        trouble: str | None, unsure: bool,
    ) -> None:  # fmt: skip
        self.parent, self.node, self.rule, self.at = parent, node, rule, at
        self.rest, self.kwargs, self.trouble, self.unsure = rest, kwargs, trouble, unsure
        state = parent._state
        self.root = state.root if type(state) is View else parent
        self.seen = self.root._data if state is None else _state_of(self.root)

    @property
    def index(self) -> tuple[Any] | None:
        """Of ``x[i]``: (i,)."""
        return (self.rest[0],) if self.rule.function is operator.getitem else None

    def _shown(self, call: Callable[..., Any], parent: Any) -> Any:
        """Return the view of something in the parent's place."""
        args = (*self.rest[: self.at], parent, *self.rest[self.at :])
        return call(self.rule.function, args, self.kwargs)

    def read(self, tensor: Tensor) -> tuple[Tensor, Any]:  # noqa: ARG002  (as the others)
        """Return what the view shows now."""
        if self.stale():
            chain = [self]
            while type(state := chain[-1].parent._state) is View and state.stale():
                chain.append(state)
            for view in reversed(chain):
                if view.unsure:
                    raise TypeError(f"{view.trouble}; take it again after the write, or before it as a copy")
                name = view.node.name
                view.node = view._shown(type(view.root).__record_call__, now(view.parent))._present()
                view.seen = _state_of(view.root)
                if name is not None:
                    view.node.name = name
        return self.node, self.node._data

    def stale(self) -> bool:
        """Whether the root may have changed since."""
        seen = _state_of(self.root)
        return seen is None or seen is not self.seen

    def numbers(self) -> Any:
        """Return for each element of the view its number among the root's, counted along rows."""
        data = now(self.root)._data
        if isinstance(data, np.ndarray) and data.flags.c_contiguous:
            shown = self.of_array(data)
            if shown.dtype == data.dtype and shown.size and is_view(shown, data):
                return _places(shown, _address(data))
        if isinstance(data, np.ndarray):
            found: Any = np.empty_like(data, dtype=np.intp, subok=False)
        else:
            found = np.empty(data.shape, dtype=np.intp)
        found[...] = np.arange(data.size).reshape(data.shape)
        return self.of_array(found)

    def of_array(self, array: Any) -> Any:
        """Return what the view shows of a plain array in the root's place."""
        chain = [self]
        while type(state := chain[-1].parent._state) is View:
            chain.append(state)
        for view in reversed(chain):
            if view.rule.function is not np.imag or array.dtype.kind == "c":  # else the elements' numbers
                array = view._shown(lambda f, args, kwargs: f(*args, **kwargs), array)
        return array


def _address(array: Any) -> int:
    return array.__array_interface__["data"][0]  # type: ignore[no-any-return]


def _places(shown: Any, start: int) -> Any:
    """Return for each element of an array how many elements after the address `start` it lies."""
    numbers: Any = np.intp((_address(shown) - start) // shown.itemsize)
    for n, stride in zip(shown.shape, shown.strides, strict=True):
        numbers = np.add.outer(numbers, np.arange(n) * (stride // shown.itemsize))
    return numbers


def _state_of(root: Tensor) -> Any:
    """Return an object that is another one after each write to `root`; None if any line may write to it."""
    state = root._state
    if state is None:
        return root._data
    return state.latest if type(state) is Written else None


def now(tensor: Tensor) -> Tensor:
    """Return the recorded operation (or leaf) that a Tensor stands for at this point of the program."""
    state = tensor._state
    return tensor if state is None or state is OPEN else state.read(tensor)[0]


def in_memory(tensor: Tensor) -> Any:
    """Return the data of a Tensor, of a view in the array of its root: or a copy (see `partial_writes`)."""
    state, data = tensor._state, now(tensor)._data
    if type(state) is View and isinstance(data, np.ndarray):
        whole = now(state.root)._data
        return data if is_view(data, whole) else state.of_array(whole)
    return data


def version_of(arg: Any) -> Any:
    """Return what an argument of a recorded operation was at that time (of other things: themselves)."""
    state = getattr(arg, "_state", None)
    return state.first if type(state) is Written else arg


def as_of(node: Tensor) -> tuple[Any, ...]:
    """Return the arguments of `node` as they were when it was recorded."""
    args = node._args
    if node._op is not None and node._op.sequence:
        return (tuple([version_of(a) for a in args[0]]), *args[1:])
    return tuple([version_of(a) for a in args])


def as_kept(node: Tensor) -> tuple[Any, ...]:
    """Return the arguments of `node` as they were, constants as they were kept."""
    args, values = as_of(node), node._values
    if values is None or (node._op is not None and node._op.sequence):
        return args
    return tuple([a if hasattr(a, "_op") else v for a, v in zip(args, values, strict=True)])


def members(node: Tensor) -> tuple[Any, ...]:
    """Return the arguments of `node` as they were, those of a function of a list one by one."""
    args = as_of(node)
    return args[0] if node._op is not None and node._op.sequence else args


def behind(roots: Iterable[Any], oldest: int = 1) -> list[Any]:
    """Return Tensors and what they were computed from, the oldest first, but what is older than `oldest`."""
    found: set[Any] = set()
    waiting = list(roots)
    while waiting:
        tensor = waiting.pop()
        if hasattr(tensor, "_serial") and tensor._serial <= oldest and tensor not in found:
            found.add(tensor)
            waiting += members(tensor)
    return sorted(found, key=lambda tensor: -tensor._serial)


def is_view(y: Any, value: Any) -> bool:
    """Whether the array `y`, computed from `value`, shares its memory."""
    base = y.base
    if y is value or base is value or (base is not None and base is getattr(value, "base", None)):
        return True
    return type(value) is np.ndarray and _owner(y) is _owner(value)


def _owner(array: Any) -> Any:
    while (base := getattr(array, "base", None)) is not None:  # (that of `as_strided` is no array)
        array = base
    return array
