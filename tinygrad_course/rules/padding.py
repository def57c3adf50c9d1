"""`np.pad` in its modes: one axis after the other, the array between what is put before and after it."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_course.rules.indexing import fitted
from tinygrad_course.rules.shapes import as_array
from tinygrad_course.rules.table import composed, is_tensor, primitive, rule

Widths = tuple[tuple[int, int], ...]


@primitive
def pad_constant(array: Any, widths: Widths, values: Any) -> Any:
    """`np.pad` with constants around: `widths` has the number before and after for each axis."""
    quick = type(array) is np.ndarray and type(values) in {int, float} and np.min(widths) >= 0
    if quick and not array.flags.fnc:  # else it lies by columns
        ends = [(before, before + n) for (before, _), n in zip(widths, array.shape, strict=True)]
        y = np.full([end + w[1] for (_, end), w in zip(ends, widths, strict=True)], values, array.dtype)
        y[tuple(slice(*part) for part in ends)] = array
        return y
    return np.pad(array, widths, constant_values=values)


rule(
    pad_constant,
    lambda g, y, array, widths, values: g[
        tuple(slice(before, before + n) for (before, _), n in zip(widths, array.shape, strict=True))
    ],
    saves=False,
    name="pad",
)

#: What is taken of the numbers at an end, by modes.
STATISTICS: dict[str, Callable[..., Any]] = {
    "maximum": np.max,
    "mean": np.mean,
    "median": np.median,
    "minimum": np.min,
}
#: The keyword that each mode takes.
MODES = {
    "constant": "constant_values", "edge": "", "wrap": "", "linear_ramp": "end_values",
    **dict.fromkeys(STATISTICS, "stat_length"),
    **dict.fromkeys(("reflect", "symmetric"), "reflect_type"),
}  # fmt: skip


@composed(np.pad)
def pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    array = as_array(array)
    if mode not in MODES or not set(kwargs) <= {MODES[mode]}:
        raise TypeError(
            f"np.pad of a Tensor with mode={mode!r} and {sorted(kwargs)} has no rule: the modes that have "
            f"one, each with its own keywords, are {', '.join(MODES)}"
        )
    if isinstance(pad_width, dict):
        named = {axis % array.ndim: width for axis, width in pad_width.items()}
        pad_width = [named.get(i, 0) for i in range(array.ndim)]
        pad_width = [(w, w) if isinstance(w, int) else tuple(w) for w in pad_width]
    widths = tuple((int(a), int(b)) for a, b in np.broadcast_to(pad_width, (array.ndim, 2)))
    if not array.ndim:
        return np.copy(array)
    values = kwargs.get("constant_values", 0)
    values = as_array(values) if isinstance(values, (tuple, list)) else values
    if mode == "constant" and not is_tensor(values):
        return pad_constant(array, widths, values)
    odd = kwargs.get("reflect_type", "even") == "odd"
    given = kwargs.get("stat_length") if mode in STATISTICS else kwargs.get("end_values", 0)
    option = values if mode == "constant" else as_array(given)
    pairs = np.broadcast_to(option, (array.ndim, 2))
    if not is_tensor(option):
        pairs = pairs.tolist()  # Python's numbers leave float32 as it is
    for axis, width in enumerate(widths):
        if width == (0, 0):
            continue
        along = np.moveaxis(array, axis, 0)
        if not along.shape[0] and mode != "constant":
            raise ValueError(
                f"np.pad: axis {axis} of {array.shape} is empty, and mode={mode!r} repeats what is there"
            )
        if mode in ("edge", "wrap") or (mode in ("reflect", "symmetric") and not odd):
            source = np.pad(np.arange(along.shape[0]), width, mode=mode)  # copies: of which elements?
            padded = along[source]
        elif odd:
            padded = turned_over(along, width, around_edge=mode == "reflect")
        else:
            before, after = AROUND[mode](along, width, pairs[axis])
            padded = np.concatenate([before, along, after])
        array = np.moveaxis(padded, 0, axis)
    return array


# ------------------------------------------------------------------ before and after, along the first axis


def repeated(edge: Any, n: int) -> Any:
    return np.broadcast_to(edge, (n, *edge.shape[1:]))


def constants(a: Any, width: tuple[int, int], values: Any) -> list[Any]:
    return [np.broadcast_to(fitted(values[i], a.dtype), (n, *a.shape[1:])) for i, n in enumerate(width)]


def ramps(a: Any, width: tuple[int, int], ends: Any) -> list[Any]:
    def ramp(end: Any, edge: Any, n: int) -> Any:
        t = (np.arange(n) / max(n, 1)).astype(np.real(a).dtype).reshape((n,) + (1,) * (a.ndim - 1))
        return end * (1.0 - t) + edge * t

    return [ramp(ends[0], a[:1], width[0]), ramp(ends[1], a[-1:], width[1])[::-1]]


def statistic(of: Callable[..., Any]) -> Callable[..., Any]:
    def around(a: Any, width: tuple[int, int], lengths: Any) -> list[Any]:
        n = a.shape[0]
        first, end = (n if length is None else min(int(length), n) for length in lengths)
        edges = of(a[:first], axis=0, keepdims=True), of(a[n - end :], axis=0, keepdims=True)
        return [repeated(edge, k) for edge, k in zip(edges, width, strict=True)]

    return around


AROUND: dict[str, Callable[..., list[Any]]] = {
    "constant": constants,
    "linear_ramp": ramps,
    **{mode: statistic(of) for mode, of in STATISTICS.items()},
}


def turned_over(a: Any, width: tuple[int, int], *, around_edge: bool) -> Any:
    """2 edge - the reflected elements: as far as they reach at a time, then from the new edges."""
    period = a.shape[0] - around_edge
    left, right = width
    if period < 1:  # a single element is its own reflection
        return np.concatenate([repeated(a, left), a, repeated(a, right)])
    while left or right:
        reach = (a.shape[0] - around_edge) // period * period
        n = min(reach, left)
        before = 2.0 * a[:1] - a[around_edge : around_edge + n][::-1]
        left -= n
        a = np.concatenate([before, a])
        n = min(reach, right)
        stop = a.shape[0] - around_edge
        after = 2.0 * a[-1:] - a[stop - n : stop][::-1]
        right -= n
        a = np.concatenate([a, after])
    return a
