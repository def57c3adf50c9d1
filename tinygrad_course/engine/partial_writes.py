"""Large arrays that are written to part by part: ``H[t] = np.tanh(W @ H[t - 1])`` in a loop.

Each write is an operation with a value of its own, the whole array after it. Copied each time, T rows would
take T times the whole array. So a write goes into the array itself where nobody else holds that, and the
operation that had it keeps an `Overwritten` in its place, which can tell the earlier value by doing the
writes again. A part that is read is small, and copied. On the way back the gradients of the parts are put
into one array: a read adds to it, a write takes its part out.
"""

from __future__ import annotations

import operator
import sys
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_course.engine.creation import leaf
from tinygrad_course.engine.creation import node as made
from tinygrad_course.engine.errors import blocks
from tinygrad_course.engine.masked_gradients import Live, Partial, added, chooses, gathered
from tinygrad_course.engine.saved_arrays import kept
from tinygrad_course.engine.views import now, version_of
from tinygrad_course.rules.indexing import (
    add_at,
    assign,
    assigned_part,
    last_written,
    named_rows,
    repeats,
    row_numbers,
    scatter,
)
from tinygrad_course.rules.table import RULES, Rule

if TYPE_CHECKING:
    from tinygrad_course.engine.tensor import Tensor

_ndarray, _generic = np.ndarray, np.generic

#: Arrays up to this size (bytes) have a value for each write, and each of these its gradient in pictures.
WHOLE = 1024

#: What is read of an array is copied if it is this part at most, so that the next write need not copy all.
PART = 4

#: A write to a large array: the rule of `assign`.
WRITE = Rule(assign, RULES[assign].vjps, name=RULES[assign].name, saves=False, chooses=())


class Overwritten:
    """Stands for the data of an operation that a later write went over."""

    __slots__ = ("dtype", "node", "shape")
    nbytes = 0

    def __init__(self, data: Any, node: Tensor) -> None:
        self.shape = data.shape
        self.dtype = data.dtype
        self.node = weakref.ref(node)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        """Return the data, for whoever looks at them after all."""
        node = self.node()
        data = None if node is None else restored(node)
        if data is None:
            raise RuntimeError(f"values of shape {self.shape} were written over, and are released")
        return np.asarray(data, dtype)


def references(array: Any) -> int:
    """Return how many references there are to an array: `ALONE` if one variable of the caller's holds it."""
    return sys.getrefcount(array)


def _alone() -> int:
    array = np.empty(0)
    return references(array)


ALONE = _alone()

# ------------------------------------------------------------------ writing and reading


def written(before: Tensor, index: Any, value: Any) -> Tensor | None:
    """Return the operation ``before[index] = value``, done in before's array where nobody else holds that.

    None if the array is small, or anything about the write is not ordinary: then it is recorded as all
    functions are.
    """
    data = before._data
    cls = type(before)
    if type(data) is not _ndarray or data.nbytes <= WHOLE or blocks.open or not _plain_index(index):
        return None
    if type(value) is cls:
        value = now(value)
        if value._op is None:
            value = np.positive(value)  # what it is now
        numbers = value._data
    else:
        numbers = value
    if type(numbers) not in _NUMBERS or not np.can_cast(np.result_type(numbers), data.dtype, "same_kind"):
        return None
    try:
        numbers = np.asarray(numbers, data.dtype)
        shape = np.shape(data[index])
        if numbers.shape != shape:
            np.broadcast_to(numbers.reshape(numbers.shape[max(numbers.ndim - len(shape), 0) :]), shape)
    except Exception:  # noqa: BLE001  (it comes again, and is explained)
        return None
    holds: list[Any] = []
    index = kept(index, holds)
    if type(value) is _ndarray:
        value = np.array(numbers)
    if before._op is WRITE:
        before._data = Overwritten(data, before)
        if references(data) > ALONE or not data.flags.writeable:
            before._data = data
            data = data.copy("K")
    else:
        data = data.copy("K")
    data[index] = numbers
    return made(cls, WRITE, (before, index, value), data, None, holds)


_NUMBERS = {_ndarray, float, int, bool, np.float64, np.float32, np.float16, np.int64, np.complex128}


def own_data(leaf: Tensor) -> Any:
    """Return the data of a leaf to be written to: a copy, unless nobody else holds them."""
    data = leaf._data
    if type(data) is not _ndarray:
        return np.array(data) if isinstance(data, _generic) else data.copy("K")
    alone = (
        data.nbytes > WHOLE and data.base is None and data.flags.writeable and references(data) <= ALONE + 1
    )
    return data if alone else data.copy("K")


def _plain_index(index: Any) -> bool:
    return all(type(part) in _PARTS for part in (index if type(index) is tuple else (index,)))


_PARTS = {type(None), type(...), int, bool, slice, np.int64, np.int32, np.bool_, _ndarray}


def restored(node: Tensor) -> Any:
    """Return what the data of an operation were before they were written over; None if they are let go of."""
    steps = []
    while type(node._data) is Overwritten:
        steps.append(node)
        node = version_of(node._args[0])
    data = node._data
    if type(data) is not _ndarray:
        return None
    data = data.copy("K")
    for step in reversed(steps):
        _, index, value = step._args
        numbers = version_of(value)._data if type(value) is type(step) else value
        if type(numbers) is Overwritten:
            numbers = restored(version_of(value))
        if type(numbers) not in _NUMBERS:
            return None
        data[index] = numbers
    return data


def detached(y: Any, whole: Any) -> Any:
    """Return a view `y` of `whole` as an array of its own, if it is small."""
    return lying_alike(y) if y.nbytes * PART <= whole.nbytes else y


def lying_alike(y: Any) -> Any:
    """Return a copy that lies in memory as the array does, but for gaps: what is a view of it stays one."""
    if y.flags.c_contiguous or y.flags.f_contiguous:
        return y.copy("K")
    step, inner, strides = 1, y.itemsize, [y.itemsize] * y.ndim
    for i in sorted(range(y.ndim), key=lambda i: abs(y.strides[i])):
        if y.shape[i] > 1:
            step += abs(y.strides[i]) != inner
            strides[i] = step * y.itemsize
            step *= y.shape[i]
            inner = abs(y.strides[i]) * y.shape[i]
    room: Any = np.ndarray(y.shape, y.dtype, np.empty(step, y.dtype), 0, strides)
    out = room[tuple([slice(None, None, -1 if stride < 0 else 1) for stride in y.strides])]
    out[...] = y
    return out


# ------------------------------------------------------------------ the way back


#: Gradients that nobody but a sweep holds, and of which entries are live, None: all (see `masked_gradients`).
Own = dict[Any, tuple[Any, Any]]
_GETITEM = RULES[operator.getitem]


def _own(own: Own, tensor: Tensor, g: Any, cls: Any) -> tuple[Any, Any]:
    """Return a gradient so far as an array (recorded: a Tensor) to write to, and where it is live."""
    array, mask = own.pop(tensor, (None, None))
    g, live = (g._data, g.live) if type(g) is Partial else (g, None)
    if array is g and tensor._grad is None:
        return array, mask
    return _array(g, cls), None if live is None else np.array(np.broadcast_to(live.mask(), g.shape))


def _array(g: Any, cls: Any) -> Any:
    """Return a copy of a gradient."""
    if cls is None:
        return np.array(g)
    return np.positive(g) if type(g) is cls else leaf(cls, np.array(g))


def _part(array: Any, index: Any) -> Any:
    """Return ``array[index]``, which later writes leave as it is."""
    part = (array if type(array) is _ndarray else array._data)[index]
    part = part.copy() if part.base is not None else part
    return part if type(array) is _ndarray else made(type(array), _GETITEM, (array, index), part)


def _put(array: Any, index: Any, part: Any) -> Any:
    """Return the array with ``array[index] = part`` done."""
    if type(array) is _ndarray:
        array[index] = part
        return array
    after = written(array, index, part)
    return assign(array, index, part) if after is None else after


def shares(
    node: Tensor, x: Tensor, g: Any, live: Live | None, before: Any, own: Own, *, masked: bool, record: bool
) -> tuple[Any, list[tuple[Any, Any]]] | None:
    """Return the gradient of the array that a part was read of or written to, and that of what was written.

    `node` is ``x[index]``, or `WRITE`, with the gradient `g`, live in `live`; `before` is that of x so far,
    and `own` says which may be written to. It is `masked` to know where gradients are live; to `record` them
    they are Tensors, and so are the writes to them. None where the array is small, or of another library: its
    rule knows what to do.
    """
    data = x._data
    if type(data) is not Overwritten and (type(data) is not _ndarray or data.nbytes <= WHOLE):
        return None
    cls = type(node) if record else None
    if not (type(g) is cls or isinstance(g, (_ndarray, _generic))) or g.dtype != data.dtype:
        return None
    rule, args, values = node._op, node._args, node._values
    assert rule is not None  # noqa: S101
    index = args[1] if values is None else values[1]
    again = repeats(index)
    if record and not (_plain_index(index) and (rule is WRITE or not again or named_rows(index))):
        return None
    masked = masked and (live is not None or chooses(rule, (), None))
    more = []
    if rule is WRITE:
        array, mask = _own(own, node, g if live is None else Partial(g, live), cls)
        mask = np.ones(data.shape, bool) if masked and mask is None else mask
        if type(args[2]) is type(node):
            more.append((args[2], _taken(array, mask, index, version_of(args[2])._data.shape)))
        array = _put(array, index, 0.0)
        if mask is not None:
            mask[index] = False
    else:  # a part was read
        if before is None:
            array = np.zeros(data.shape, data.dtype)
            array = array if cls is None else leaf(cls, array)
            mask = np.zeros(data.shape, bool) if masked else None
        else:
            (array, mask), before = _own(own, x, before, cls), None
        if record:
            at, g = _once(index, g, data.shape) if again else (index, g)
            array = _put(array, at, _part(array, at) + g)
        else:
            add_at(array, index, g)
        if mask is not None:
            here = True if live is None else live.mask()
            if again:
                np.logical_or.at(mask, index, here)
            else:
                mask[index] |= here
    own[x] = array, mask
    share = array if mask is None else Partial(array, Live(lambda: mask, (), asked=True))
    return share if before is None else added(before, share), more


def _once(index: Any, g: Any, shape: tuple[int, ...]) -> tuple[Any, Any]:
    """Return an index that names each of some rows once, and the sum of what goes to each."""
    parts = index if type(index) is tuple else (index,)
    within = shape[len(parts) :]
    rows, places = np.unique(row_numbers(parts, shape[: len(parts)]), return_inverse=True)
    sums = scatter(g.reshape((-1, *within)), places.reshape(-1), (rows.size, *within))
    return np.unravel_index(rows, shape[: len(parts)]), sums


def _taken(array: Any, mask: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Return the part of a gradient that is that of what was written, of this shape."""
    last = last_written(index, array.shape)
    g = assigned_part(_part(array, index), last, shape)
    if mask is None:
        return g
    live = mask[index] & last
    return Partial(g, gathered(Live(lambda: live, (), asked=True), live.shape, shape))
