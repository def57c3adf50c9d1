"""Reading and writing elements: ``x[index]``, ``x[index] = value``, and what comes down to them."""

import math
import operator
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_course.rules.shapes import as_array, many, unbroadcast
from tinygrad_course.rules.table import composed, constant, is_tensor, primitive, rule

# ------------------------------------------------------------------ the two primitives that NumPy lacks


def repeats(index: Any) -> bool:
    """Whether an index may name an element twice: only one with arrays or lists of integers can."""
    return any(not unrepeated(part) for part in (index if isinstance(index, tuple) else (index,)))


def unrepeated(part: Any) -> bool:
    if part is None or part is Ellipsis or isinstance(part, (slice, int, np.integer)):
        return True
    return is_mask(part) or getattr(part, "ndim", 1) == 0


def is_mask(part: Any) -> bool:
    return getattr(getattr(part, "dtype", None), "kind", None) == "b"


@primitive
def scatter(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of the given shape with `g` added at `index`: what ``x[index]`` does, the other way."""
    if hasattr(g, "todense"):
        g = g.todense()  # a sparse array can't be written into
    out = (
        np.zeros(shape, g.dtype) if isinstance(g, (np.ndarray, np.generic)) else np.zeros_like(g, shape=shape)
    )
    if repeats(index):
        add_at(out, index, g)
    else:
        out[index] = g
    return out


#: What an index is made of that gives a view.
OF_VIEWS = {slice, int, type(None), type(Ellipsis)}


def add_at(out: Any, index: Any, g: Any) -> None:
    """``out[index] += g``, where an element that is named twice gets both."""
    parts = index if isinstance(index, tuple) else (index,)
    part = None if repeats(index) else out[index]
    if type(part) is np.ndarray and OF_VIEWS.issuperset(map(type, parts)):
        part += g
    elif part is not None:
        out[index] = part + g
    elif many(g) and out.size and named_rows(parts):
        add_rows(out, parts, g)
    else:
        np.add.at(out, index, g)


def add_rows(out: Any, parts: tuple[Any, ...], g: Any) -> None:
    """``np.add.at(out, parts, g)``, an element at a time, for an index of whole rows (an embedding)."""
    shape, within = out.shape[: len(parts)], out.shape[len(parts) :]
    rows = row_numbers(parts, shape)
    values = g.reshape((rows.size, -1))
    if out.size > 32 * values.size:  # of few rows of many, those alone
        named, rows = np.unique(rows, return_inverse=True)
        out[np.unravel_index(named, shape)] += sums_of_rows(values, rows, named.size).reshape(-1, *within)
    else:
        out += sums_of_rows(values, rows, math.prod(shape)).reshape(out.shape)


#: For more numbers than these, scipy.sparse is worth the time that importing it takes.
WORTH_IMPORTING = 1 << 14


def sums_of_rows(values: Any, rows: Any, n: int) -> Any:
    """Sum the rows of `values` for each of the numbers 0 to n - 1 that `rows` gives them."""
    k, width = values.shape
    if width > 1 and (values.size > WORTH_IMPORTING or "scipy.sparse" in sys.modules):
        from scipy.sparse import csc_array

        return csc_array((np.ones(k, values.dtype), rows, np.arange(k + 1)), shape=(n, k)) @ values
    places = rows if width == 1 else (rows[:, None] * width + np.arange(width)).reshape(-1)
    return np.bincount(places, values.reshape(-1), n * width).reshape((n, width))


def named_rows(index: Any) -> bool:
    """Whether an index is one of whole rows, by their numbers."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(isinstance(p, np.ndarray) and p.dtype.kind in "iu" for p in parts)


def row_numbers(parts: tuple[Any, ...], shape: tuple[int, ...]) -> Any:
    """The rows that arrays of integers name, by number."""
    return np.ravel_multi_index(np.broadcast_arrays(*parts), shape, mode="wrap").reshape(-1)


def put_back(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """The gradient of ``x[index]`` where x has the given shape: axes of length 1 that were added go again."""
    parts = index if isinstance(index, tuple) else (index,)
    if all(p is None or (type(p) is slice and p == slice(None)) or p is Ellipsis for p in parts):
        return g.reshape(shape)
    return scatter(g, index, shape)


@primitive
def assign(x: Any, index: Any, value: Any) -> Any:
    """A copy of `x` in which ``x[index] = value`` was done."""
    out: Any
    if isinstance(x, np.ndarray):
        out = x.copy("K")  # it lies in memory as x does: what is a view of it depends on that
    else:
        out = np.array(x) if isinstance(x, (np.generic, int, float)) else x.copy()
    out[index] = value
    return out


def last_written(index: Any, shape: tuple[int, ...]) -> Any:
    """Which values of ``x[index] = values`` stay: of several for one element the last; True: all of them."""
    if not repeats(index):
        return True
    parts = index if isinstance(index, tuple) else (index,)
    if named_rows(parts):
        rows = row_numbers(parts, shape[: len(parts)])[::-1]
        first = np.unique(rows, return_index=True)[1]
        if first.size == rows.size:
            return True
        last = np.zeros(rows.size, dtype=bool)
        last[rows.size - 1 - first] = True
        return last.reshape(np.broadcast_shapes(*[p.shape for p in parts]) + (1,) * (len(shape) - len(parts)))
    numbers = np.zeros(shape, dtype=int)
    order = np.arange(numbers[index].size).reshape(numbers[index].shape)
    numbers[index] = order
    return numbers[index] == order


def assigned_part(part: Any, last: Any, shape: tuple[int, ...]) -> Any:
    """The gradient of the values, of the given shape, in ``x[index] = values``: `part`, that of x[index]."""
    if last is not True:
        part = part * last
    extra = len(shape) - len(part.shape)  # the values may have leading axes of length 1 to spare
    return unbroadcast(part, shape[max(extra, 0) :]).reshape(shape)


def assign_value(g: Any, y: Any, x: Any, index: Any, value: Any) -> Any:
    return assigned_part(g[index], last_written(index, np.shape(x)), value.shape)


@primitive
def entries(array: Any, index: Any) -> Any:
    """``array[index]``, also where a program has the index, of which an array knows nothing."""
    return array[index]


# index arrays are kept; which entries are chosen is where the gradient comes to
rule(operator.getitem, lambda g, y, x, index: put_back(g, index, x.shape), chooses=())
rule(
    scatter,
    lambda g, y, x, index, shape: entries(g, index) if type(g) is np.ndarray else g[index],
    saves=False,
)
rule(assign, lambda g, y, x, index, value: assign(g, index, 0.0), None, assign_value, chooses=())


@primitive
def astype(x: Any, dtype: Any) -> Any:
    """`x` in another floating-point dtype; its gradient is cast back."""
    return x.astype(dtype)


rule(astype, lambda g, y, x, dtype: g, saves=False)


def fitted(values: Any, dtype: Any) -> Any:
    """Values that are put among others, in the dtype of these."""
    if is_tensor(values) and not np.can_cast(values.dtype, dtype, "same_kind"):
        raise TypeError(
            f"values of dtype {values.dtype} are cut when they are put among numbers of dtype {dtype}, and "
            "what is cut has no derivative: put them into a.astype(float)"
        )
    return astype(values, dtype) if is_tensor(values) else np.asarray(values).astype(dtype)


# ------------------------------------------------------------------ choosing elements by number


@composed(np.take)
def take(a: Any, indices: Any, axis: int | None = None, *, mode: str = "raise") -> Any:
    if axis is None or not a.ndim:
        a, axis = a.reshape(-1), 0
    n, indices = a.shape[axis], as_array(indices)
    if indices.dtype == np.bool_:  # numbers 0 and 1 to np.take
        indices = indices.astype(int)
    if mode == "wrap":
        indices = indices % n
    elif mode == "clip":
        indices = np.clip(indices, 0, n - 1)
    return a[(slice(None),) * (axis % a.ndim) + (indices,)]


@composed(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    if axis is None:
        return arr.reshape(-1)[indices]
    return arr[index_along(arr.shape, indices, axis)]


def index_along(shape: tuple[int, ...], indices: Any, axis: int) -> tuple[Any, ...]:
    """Indices along an axis, for each position along the others."""
    index: list[Any] = list(np.indices(shape, sparse=True))
    index[axis] = indices
    return tuple(index)


composed(np.compress)(lambda condition, a, axis=None: np.take(a, np.flatnonzero(condition), axis))


@composed(np.delete)
def delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    if axis is None:
        arr, axis = arr.reshape(-1), 0
    return take(arr, np.delete(np.arange(arr.shape[axis]), obj), axis)


@composed(np.resize)
def resize(a: Any, new_shape: Any) -> Any:
    shape = (new_shape,) if isinstance(new_shape, (int, np.integer)) else tuple(new_shape)
    if not a.size:  # NumPy's zeros
        return np.sum(a) + np.zeros(shape, a.dtype)
    return a.reshape(-1)[np.resize(np.arange(a.size), shape)]


# ------------------------------------------------------------------ choosing elements by condition


@composed(np.select)
def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    kinds = (getattr(value, "dtype", value) for value in (*choicelist, default))
    result = default if hasattr(default, "dtype") else np.asarray(default, np.result_type(*kinds))
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        if as_array(condition).dtype != np.bool_:
            raise TypeError(f"np.select takes arrays of booleans as conditions, not {condition!r}")
        result = np.where(condition, choice, result)
    return np.copy(result, order="C")  # as NumPy lays it out: a later reshape is a view


@composed(np.choose)
def choose(a: Any, choices: Any, *, mode: str = "raise") -> Any:
    a, n = a if hasattr(a, "dtype") else np.asarray(a), len(choices)
    if mode == "wrap":
        a = a % n
    elif mode == "clip":
        a = np.clip(a, 0, n - 1)
    elif np.any((a < 0) | (a >= n)) and 0 not in np.broadcast_shapes(a.shape, *map(np.shape, choices)):
        raise ValueError("invalid entry in choice array")
    return select([a == i for i in range(n)], choices)


@composed(np.piecewise)
def piecewise(x: Any, condlist: Any, funclist: Sequence[Any], *args: Any, **kw: Any) -> Any:
    single = np.ndim(condlist) == 0 or (not isinstance(condlist[0], (list, np.ndarray)) and x.ndim != 0)
    conditions = [np.asarray(c, dtype=bool) for c in ([condlist] if single else condlist)]
    if len(funclist) == len(conditions) + 1:
        conditions.append(~np.any(conditions, axis=0))
    result = np.zeros_like(x)
    for condition, function in zip(conditions, funclist, strict=True):
        value = function(x[condition], *args, **kw) if callable(function) else function
        result = assign(result, condition, value)
    return result


# ------------------------------------------------------------------ inserting


@composed(np.insert)
def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    """Where NumPy puts each element is found by inserting -1 - i among the numbers 0, 1, 2 ..."""
    if axis is None:
        arr, axis = arr.reshape(-1), 0
    axis %= arr.ndim
    n, values = arr.shape[axis], as_array(values)
    mask = is_mask(obj)
    one = not isinstance(obj, slice) and not mask and np.size(obj) == 1
    if one and np.ndim(obj) == 0 and values.ndim:  # a single place takes the values whole
        values = np.moveaxis(values.reshape((1,) * (arr.ndim - values.ndim) + values.shape), 0, axis)
    values = values.reshape((1,) * (arr.ndim - values.ndim) + values.shape)
    if isinstance(obj, slice):
        count = len(range(*obj.indices(n)))
    else:
        count = values.shape[axis] if one else int(np.sum(obj)) if mask else np.size(obj)
    source = np.insert(np.arange(n), obj, -1 - np.arange(count))
    shape = (*arr.shape[:axis], count, *arr.shape[axis + 1 :])
    values = fitted(values, arr.dtype)
    joined = np.concatenate([arr, np.broadcast_to(values, shape)], axis=axis)
    return take(joined, np.where(source < 0, n - 1 - source, source), axis)


# ------------------------------------------------------------------ sorting


@constant
def in_order(a: Any, axis: int | None) -> Any:
    """The elements by their size: equal ones keep their order, to find which takes twice the time."""
    if isinstance(a, np.ndarray):
        order = np.argsort(a, axis=axis)
        s = np.moveaxis(np.take_along_axis(a, order, axis), axis or 0, 0)
        if np.all(s[1:] > s[:-1]):
            return order
    return np.argsort(a, axis=axis, kind="stable")


@constant
def ranks(a: Any, axis: int | None) -> Any:
    """The place of each element among the sorted ones; equal ones keep their order."""
    order, axis = in_order(a, axis), axis or 0
    if type(order) is not np.ndarray:  # of another library
        return np.argsort(order, axis=axis, kind="stable")
    found = np.empty_like(order)
    to, at = np.moveaxis(found, axis, -1), np.moveaxis(order, axis, -1)
    np.put_along_axis(to, at, np.arange(at.shape[-1]), -1)
    return found


def sort_vjp(g: Any, y: Any, a: Any, axis: int | None = -1, kind: Any = None, *, stable: Any = None) -> Any:
    """Give each gradient to the element that came there."""
    return np.take_along_axis(g, ranks(a, axis), axis=axis or 0).reshape(a.shape)


def partition_vjp(g: Any, y: Any, a: Any, kth: Any, axis: int | None = -1, kind: Any = "introselect") -> Any:
    if type(g) is type(a) is np.ndarray and a.dtype.kind == "f" and a.size and np.ndim(kth) == 0:
        by_sides = partition_by_sides(g, y, a if axis is not None else a.reshape(-1), kth, axis or 0)
        if by_sides is not None:
            return by_sides.reshape(a.shape)
    # the element of rank r of the output is the element of rank r of the input
    return sort_vjp(np.take_along_axis(g, in_order(y, axis), axis=axis or 0), y, a, axis)


def partition_by_sides(g: Any, y: Any, a: Any, kth: int, axis: int) -> Any:
    """The same by comparisons, where each side of the kth element has one gradient; else None."""
    g, y, a = (np.moveaxis(x, axis, -1) for x in (g, y, a))
    n, k = a.shape[-1], kth % a.shape[-1]
    chosen = y[..., k : k + 1]
    if not (
        np.all(g[..., :k] == g[..., :1])
        and np.all(g[..., k + 1 :] == g[..., -1:])
        and np.all(chosen == chosen)  # noqa: PLR0124
    ):
        return None
    below, equal = a < chosen, a == chosen
    slope = np.where(below, g[..., :1], g[..., -1:])
    if np.count_nonzero(equal) * n == a.size:
        slope[equal] = g[..., k].reshape(-1)
    else:  # equal ones keep their order
        places = np.sum(below, axis=-1, keepdims=True) + np.cumsum(equal, axis=-1) - 1
        slope = np.where(equal, np.take_along_axis(g, np.where(equal, places, 0), -1), slope)
    return np.moveaxis(slope, -1, axis)


rule(np.sort, sort_vjp)
rule(np.partition, partition_vjp)


@composed(np.unique)
def unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    **how: bool,
) -> Any:
    """The values by their first positions; the positions, the inverse and the counts are plain arrays."""
    everything = unique_positions(ar, axis, **how)
    values = take(ar, everything[1], axis=axis)
    wanted = (return_index, return_inverse, return_counts)
    others = [x for x, want in zip(everything[1:], wanted, strict=True) if want]
    return (values, *others) if others else values


@constant
def unique_positions(ar: Any, axis: int | None, **how: bool) -> Any:
    return np.unique(ar, return_index=True, return_inverse=True, return_counts=True, axis=axis, **how)
