"""Functions that move elements about: shapes, axes, joining, splitting, repeating, padding, rolling."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_course.rules.indexing import astype, scatter
from tinygrad_course.rules.shapes import as_array, unbroadcast
from tinygrad_course.rules.table import composed, constant, rule

# ------------------------------------------------------------------ the same elements in another shape


@constant
def as_it_lies(a: Any, order: str) -> Any:
    """The order "C" or "F" that "A" means; for "K" the places to which the elements come."""
    if not isinstance(a, (np.ndarray, np.generic)):
        raise TypeError(
            f"order={order!r} depends on how the array lies in memory, which is not known here: give order "
            "'C' or 'F'"
        )
    if order == "A":
        return "F" if a.flags.fnc else "C"
    numbers = np.empty_like(a, dtype=int, subok=False)
    numbers[...] = np.arange(a.size).reshape(a.shape)
    return np.argsort(np.ravel(numbers, order="K"))


def put_back_in_order(g: Any, a: Any, order: str) -> Any:
    """`g` in the shape of `a`, of which it has the elements in an order."""
    found = order if order in ("C", "F") else as_it_lies(a, order)
    if not isinstance(found, str):
        return g[found].reshape(a.shape)
    return g.reshape(a.shape) if found == "C" else np.reshape(g, a.shape, order="F")


rule(
    np.reshape,
    lambda g, y, a, shape=None, order="C", *, copy=None: put_back_in_order(g, a, order),
    saves=False,
)
rule(np.ravel, lambda g, y, a, order="C": put_back_in_order(g, a, order), saves=False)
rule(np.squeeze, lambda g, y, a, axis=None: g.reshape(a.shape), saves=False)
rule(np.expand_dims, lambda g, y, a, axis: g.reshape(a.shape), saves=False)
rule(np.copy, lambda g, y, a, order="K", subok=False: g, saves=False)


# ------------------------------------------------------------------ axes


rule(
    np.transpose,
    lambda g, y, a, axes=None: (
        g.T if axes is None else np.transpose(g, np.argsort([i % a.ndim for i in axes]).tolist())
    ),
    saves=False,
)
rule(np.swapaxes, lambda g, y, a, axis1, axis2: np.swapaxes(g, axis1, axis2), saves=False)
rule(np.moveaxis, lambda g, y, a, source, destination: np.moveaxis(g, destination, source), saves=False)
rule(np.matrix_transpose, lambda g, y, x: np.swapaxes(g, -1, -2), saves=False)


# ------------------------------------------------------------------ broadcasting and repeating

rule(np.broadcast_to, lambda g, y, array, shape, subok=False: unbroadcast(g, array.shape), saves=False)


@composed(np.broadcast_arrays)
def broadcast_arrays(*args: Any, subok: bool = False) -> Any:
    shape = np.broadcast_shapes(*(np.shape(a) for a in args))
    return tuple(as_array(a) if np.shape(a) == shape else np.broadcast_to(a, shape) for a in args)


@composed(np.meshgrid)
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Any:
    n = len(xi)
    views = [as_array(x).reshape((1,) * i + (-1,) + (1,) * (n - 1 - i)) for i, x in enumerate(xi)]
    if indexing == "xy" and n > 1:
        views = [np.swapaxes(x, 0, 1) for x in views]
    grid = tuple(views) if sparse else broadcast_arrays(*views)
    return tuple(np.copy(x, order="C") for x in grid) if copy else grid


def tile_vjp(g: Any, y: Any, a: Any, reps: Any) -> Any:
    reps = tuple(reps) if np.ndim(reps) else (int(reps),)
    n = max(a.ndim, len(reps))
    reps, shape = (1,) * (n - len(reps)) + reps, (1,) * (n - a.ndim) + a.shape
    pairs = tuple(k for pair in zip(reps, shape, strict=True) for k in pair)
    return np.sum(g.reshape(pairs), axis=tuple(range(0, 2 * n, 2))).reshape(a.shape)


def repeat_vjp(g: Any, y: Any, a: Any, repeats: Any, axis: int | None = None) -> Any:
    shape, along = (a.shape, axis % a.ndim) if axis is not None and a.ndim else ((a.size,), 0)
    if np.size(repeats) == 1:
        n = int(np.reshape(repeats, ()))
        return np.sum(g.reshape((*shape[: along + 1], n, *shape[along + 1 :])), axis=along + 1).reshape(
            a.shape
        )
    source = np.repeat(np.arange(shape[along]), repeats)
    return scatter(g, (slice(None),) * along + (source,), shape).reshape(a.shape)


rule(np.tile, tile_vjp, saves=False)
rule(
    np.repeat, repeat_vjp, saves=False, chooses=lambda a, repeats, axis=None: np.min(repeats, initial=1) == 0
)

# ------------------------------------------------------------------ joining


def concatenate_vjp(
    g: Any, y: Any, arrays: Sequence[Any], axis: int | None = 0, *, dtype: Any = None, casting: str = ""
) -> list[Any]:
    if axis is None:
        g, before = g.reshape(-1), ()
        sizes = [np.size(a) for a in arrays]
    else:
        before = (slice(None),) * (axis % g.ndim)
        sizes = [a.shape[axis] if hasattr(a, "shape") else np.shape(a)[axis] for a in arrays]
    parts, start = [], 0
    for a, n in zip(arrays, sizes, strict=True):
        part = g[(*before, slice(start, start + n))]
        parts.append(part.reshape(np.shape(a)) if axis is None else part)
        start += n
    return parts


def stack_vjp(
    g: Any, y: Any, arrays: Sequence[Any], axis: int = 0, *, dtype: Any = None, casting: str = ""
) -> list[Any]:
    before = (slice(None),) * (axis % g.ndim)
    return [g[(*before, i)] for i in range(len(arrays))]


rule(np.concatenate, concatenate_vjp, sequence=True, saves=False)
rule(np.stack, stack_vjp, sequence=True, saves=False)


composed(np.append)(
    lambda arr, values, axis=None: np.concatenate([as_array(arr), as_array(values)], axis=axis)
)


@composed(np.block)
def block(arrays: Any) -> Any:
    def depth(x: Any) -> int:
        return 1 + max(map(depth, x), default=0) if isinstance(x, list) else 0

    def leaves(x: Any) -> list[Any]:
        return [leaf for part in x for leaf in leaves(part)] if isinstance(x, list) else [x]

    levels = depth(arrays)
    ndim = max(levels, *(np.ndim(leaf) for leaf in leaves(arrays)))

    def build(x: Any, level: int) -> Any:
        if isinstance(x, list):
            return np.concatenate([build(part, level + 1) for part in x], axis=ndim - levels + level)
        x = as_array(x)
        return x.reshape((1,) * (ndim - x.ndim) + x.shape)

    return build(arrays, 0)


# ------------------------------------------------------------------ splitting


def splitting(numpys: Callable[..., Any]) -> Callable[..., Any]:
    def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
        """Parts of `ary`, each a view of its own: what nobody looks at gets no gradient."""
        if np.ndim(indices_or_sections):
            cuts = [None, *indices_or_sections, None]
        else:
            parts = numpys(np.arange(ary.shape[axis]), indices_or_sections)
            cuts = [0, *itertools.accumulate(map(len, parts))]
        before = (slice(None),) * (axis % ary.ndim)
        return [ary[(*before, slice(start, stop))] for start, stop in itertools.pairwise(cuts)]

    return split


for _function in (np.array_split, np.split):
    composed(_function)(splitting(_function))

# ------------------------------------------------------------------ turning, rolling

rule(np.flip, lambda g, y, m, axis=None: np.flip(g, axis), saves=False)
rule(np.flipud, lambda g, y, m: np.flipud(g), saves=False)
rule(np.fliplr, lambda g, y, m: np.fliplr(g), saves=False)
rule(np.rot90, lambda g, y, m, k=1, axes=(0, 1): np.rot90(g, -k, axes), saves=False)
rule(np.tril, lambda g, y, m, k=0: unbroadcast(np.tril(g, k), m.shape), saves=False, chooses=())
rule(np.triu, lambda g, y, m, k=0: unbroadcast(np.triu(g, k), m.shape), saves=False, chooses=())


def back(shift: Any) -> Any:
    """The shift that undoes one, which may be unsigned."""
    if isinstance(shift, (tuple, list, np.ndarray)) and np.ndim(shift):
        return tuple(back(s) for s in shift)
    return -int(shift) if isinstance(shift, (np.integer, np.ndarray)) else -shift


def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    """`np.roll`; along one axis as two copies."""
    plain = type(a) is np.ndarray and type(shift) is type(axis) is int and a.size
    if not plain or not -a.ndim <= axis < a.ndim:
        return np.roll(a, shift, axis)
    before: tuple[Any, ...] = (slice(None),) * (axis % a.ndim)
    n = a.shape[axis]
    first = shift % n
    y = np.empty_like(a)
    y[(*before, slice(first, None))] = a[(*before, slice(None, n - first))]
    y[(*before, slice(None, first))] = a[(*before, slice(n - first, None))]
    return y


rule(np.roll, lambda g, y, a, shift, axis=None: roll(g, back(shift), axis), saves=False, compute=roll)

# ------------------------------------------------------------------ dtypes


@constant
def as_integers(x: Any, dtype: Any) -> Any:
    """A conversion that rounds: constant almost everywhere."""
    return x.astype(dtype)


@composed(np.astype)
def convert(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
    return astype(x, dtype) if np.dtype(dtype).kind in "fc" else as_integers(x, dtype)
