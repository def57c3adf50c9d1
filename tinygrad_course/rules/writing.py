"""NumPy's functions that write into an array, in terms of ``array[index] = values``."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_course.rules.indexing import index_along
from tinygrad_course.rules.shapes import as_array, as_mask, unbroadcast
from tinygrad_course.rules.table import UFUNC_METHODS, composed, constant, primitive, rule

Write = Callable[[Any, Any], None]


def apart(array: Any, values: Any, write: Write, called: str) -> None:
    """Refuse a write for which NumPy reads what it has just written."""
    if getattr(values, "shape", ()) and not harmless(array, values, write):
        raise ValueError(
            f"{called}: NumPy reads the values, a view of what is written to, while it writes over them; "
            "pass a copy of the values"
        )


@constant
def harmless(array: Any, values: Any, write: Write) -> bool:
    """Whether ``write(array, values)``, given as they lie in memory, reads nothing that it has changed."""
    return reads_before(array, values, write)


def reads_before(array: Any, values: Any, write: Write) -> bool:
    """Whether a write to one memory reads all before it changes it, tried on the places of the numbers."""
    if not (isinstance(array, np.ndarray) and isinstance(values, np.ndarray) and values.size > 1):
        return True
    if not np.shares_memory(array, values):
        return True
    if values.dtype != array.dtype:
        return False
    (low, high), (first, last) = map(np.lib.array_utils.byte_bounds, (array, values))
    low, size, whole = min(low, first), array.itemsize, np.dtype(int).itemsize
    places = np.arange((max(high, last) - low) // size)  # each its own number
    twin, own = (
        np.ndarray(
            a.shape,
            int,
            places.data,
            (a.ctypes.data - low) // size * whole,
            [n // size * whole for n in a.strides],
        )
        for a in (array, values)
    )
    expected = twin.copy()
    write(expected, own.copy())
    write(twin, own)
    return np.array_equal(twin, expected)


def write(array: Any, numbers: Any, values: Any) -> None:
    """Write to the elements with these numbers, counted along rows; `values` begin again at their end."""
    numbers = np.asarray(numbers).reshape(-1)
    values = as_array(values)
    if not values.size or not numbers.size:
        return
    if values.size not in {1, numbers.size}:
        values = np.resize(values, numbers.shape)
    values = values.reshape(-1)
    if values.size == 1 or not array.ndim:
        values = values[-1]
    array[np.unravel_index(numbers, array.shape) if array.ndim else ()] = values


@composed(np.copyto)
def copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    if src is dst:
        return
    src = as_array(src)
    if not np.can_cast(src.dtype, dst.dtype, casting):  # type: ignore[arg-type]
        raise TypeError(f"np.copyto: {src.dtype} is not written to {dst.dtype} (casting={casting!r})")
    if where is True:
        dst[...] = src
        return
    while src.ndim > dst.ndim and src.shape[0] == 1:  # leading axes of length 1 don't count in a write
        src = src[0]
    dst[...] = np.where(np.broadcast_to(as_mask(where), dst.shape), src, dst)


@composed(np.put_along_axis)
def put_along_axis(arr: Any, indices: Any, values: Any, axis: int | None) -> None:
    if axis is None:
        index: Any = np.unravel_index(indices, arr.shape)
    else:
        index = index_along(arr.shape, indices, axis)
    arr[index] = values


@composed(np.put)
def put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    numbers = np.arange(a.size)
    write(a, np.take(numbers, ind, mode=mode), v)  # type: ignore[call-overload]


@composed(np.place)
def place(arr: Any, mask: Any, vals: Any) -> None:
    apart(arr, vals, lambda arr, vals: np.place(arr, mask, vals), "np.place")
    numbers, vals = np.flatnonzero(mask), as_array(vals)
    if numbers.size and not vals.size:
        raise ValueError("np.place has no values to write: the array of them is empty")
    write(arr, numbers, vals)


@composed(np.putmask)
def putmask(a: Any, mask: Any, values: Any) -> None:
    numbers, values = np.flatnonzero(mask), as_array(values)
    if numbers.size and values.size:
        write(a, numbers, np.resize(values, (a.size,))[numbers])


@primitive
def added_at(a: Any, index: Any, b: Any, ufunc: np.ufunc) -> Any:
    """A copy of `a` in which ``ufunc.at(a, index, b)`` was done: one sum after the other, in a's dtype."""
    out = a.copy("K") if isinstance(a, np.ndarray) else a.copy()
    ufunc.at(out, index, b)
    return out


rule(
    added_at,
    lambda g, y, a, index, b, ufunc: g,
    None,
    lambda g, y, a, index, b, ufunc: ufunc(0, unbroadcast(g[index], b.shape)),
    None,
    name="added at",
)


def at(ufunc: np.ufunc) -> Callable[..., Any]:
    """``ufunc.at(a, indices, b)``: of several operations on one element each is done, in order."""

    def definition(a: Any, indices: Any, *others: Any) -> None:
        if ufunc in (np.add, np.subtract):
            a[...] = added_at(a, indices, as_array(others[0]), ufunc)
            return
        numbers = np.arange(a.size).reshape(a.shape)[indices]
        b = [np.broadcast_to(as_array(x), numbers.shape).reshape(-1) for x in others]
        flat = np.asarray(numbers).reshape(-1)
        turn = np.zeros(flat.shape, dtype=int)  # how many operations on its element come before
        order = np.argsort(flat, kind="stable")
        starts = np.searchsorted(flat[order], flat[order], side="left")
        turn[order] = np.arange(flat.size) - starts
        for k in range(int(turn.max(initial=-1)) + 1):
            now = np.flatnonzero(turn == k)
            index = np.unravel_index(flat[now], a.shape)
            a[index] = ufunc(a[index], *[x[now] for x in b])

    return definition


for _ufunc in (
    np.add, np.subtract, np.multiply, np.divide, np.power, np.maximum, np.minimum, np.fmax, np.fmin,
    np.negative, np.exp, np.log, np.sqrt, np.square, np.tanh, np.sin, np.cos, np.absolute, np.reciprocal,
):  # fmt: skip
    UFUNC_METHODS[_ufunc, "at"] = at(_ufunc)
