"""Shapes, axes, joining, splitting, padding; reading, choosing and sorting elements."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from tests.properties.vocabulary import (
    Call,
    arrays,
    broadcast,
    call,
    case,
    distinct,
    options,
    real,
    reductions,
    shapes,
    with_args,
)
from tinygrad_course.rules.indexing import assign

# ------------------------------------------------------------------ shapes

case(
    np.reshape,
    st.builds(
        lambda a, s, k: Call((a, s), k),
        arrays((2, 3, 4)),
        st.sampled_from([24, (4, 6), (-1, 2), (2, 1, 12)]),
        options(order=["C", "F"]),
    ),
    analytic=True,
)
case(np.ravel, call(arrays(), order=["C", "F"]), analytic=True)
case(np.squeeze, call(arrays((1, 3, 1)), axis=[0, 2, (0, 2), -1]), analytic=True)
case(np.expand_dims, call(arrays((2, 3)), [0, 1, -1, (0, 2)]), analytic=True)
case(
    np.transpose,
    call(arrays((2, 3, 4)), st.sampled_from([None, (1, 2, 0), (2, 0, 1), (-1, 0, 1)])),
    analytic=True,
)
case(np.swapaxes, call(arrays((2, 3, 4)), [0, 1, -1], [0, 2]), analytic=True)
case(
    np.moveaxis, call(arrays((2, 3, 4)), st.just((0, 1)), st.sampled_from([(2, 0), (-1, -2)])), analytic=True
)
case(np.rollaxis, call(arrays((2, 3, 4)), [0, 1, 2, -1], start=[0, 1, 2, 3, -1]), analytic=True)
case(np.matrix_transpose, call(arrays((2, 3, 4))))
case(np.linalg.matrix_transpose, call(arrays((2, 3, 4))))
for function in (np.atleast_1d, np.atleast_2d, np.atleast_3d):
    case(function, call(arrays()), analytic=True)
case(np.atleast_2d, call(arrays(), arrays()), "atleast_2d, two")
case(np.broadcast_to, call(arrays((3, 1)), st.sampled_from([(3, 1), (3, 4), (2, 3, 5)])), analytic=True)
case(np.broadcast_arrays, with_args(broadcast(real, real)))
case(np.meshgrid, call(arrays((2,)), arrays((3,)), indexing=["xy", "ij"], sparse=[True]))
case(np.tile, call(arrays(shapes(0, 2)), st.sampled_from([2, (2,), (2, 1), (1, 2, 3)])), analytic=True)
case(np.repeat, call(arrays((3, 2)), st.sampled_from([2, 0, np.array([2])]), axis=[0, 1, -1]), analytic=True)
case(
    np.repeat,
    call(arrays((3, 2)), st.just([1, 0, 3]), axis=st.just(0)).filter(lambda c: c.kwargs),
    "repeat, several",
    analytic=True,
)
case(
    np.concatenate,
    st.builds(
        lambda a, b, x: Call(([a, b], x)), arrays((2, 3)), arrays((2, 3)), st.sampled_from([0, 1, -1, None])
    ),
    analytic=True,
)
case(
    np.concatenate,
    st.builds(lambda a, b: Call(((a, b, np.arange(2)),)), arrays((2,)), arrays((3,))),
    "concatenate, mixed",
)
case(
    np.stack,
    st.builds(
        lambda a, b, k: Call(([a, b],), k), arrays((2, 3)), arrays((2, 3)), options(axis=[0, 1, 2, -1])
    ),
    analytic=True,
)
for function, one, other in (
    (np.vstack, (3,), (2, 3)), (np.hstack, (3,), (2,)), (np.hstack, (2, 3), (2, 1)),
    (np.dstack, (2, 3), (2, 3, 2)), (np.column_stack, (3,), (3, 2)),
):  # fmt: skip
    case(
        function,
        st.builds(lambda a, b: Call(([a, b],)), arrays(one), arrays(other)),
        analytic=True,
    )
case(np.append, call(arrays((2, 3)), arrays((2, 3)), axis=[0, 1, None]))
case(
    np.block,
    st.builds(lambda a, b, c, d: Call(([[a, b], [c, d]],)), *map(arrays, [(2, 2), (2, 1), (3, 2), (3, 1)])),
)
for function, axis in (
    (np.split, True),
    (np.array_split, True),
    (np.vsplit, False),
    (np.hsplit, False),
    (np.dsplit, False),
):
    calls = call(
        arrays((4, 4, 4)),
        st.sampled_from([2, [1, 3], [-1], [3, 1]]),
        **({"axis": [0, 1, -1]} if axis else {}),
    )
    case(function, calls)
case(np.array_split, call(arrays((5, 2)), st.just(3)), "array_split, uneven")
case(np.unstack, call(arrays((3, 2)), axis=[0, 1, -1]))
case(np.flip, call(arrays((2, 3)), axis=[0, 1, (0, 1), None]), analytic=True)
case(np.flipud, call(arrays((2, 3))), analytic=True)
case(np.fliplr, call(arrays((2, 3))), analytic=True)
case(np.rot90, call(arrays((2, 3, 2)), k=[0, 1, 2, 3, -1], axes=[(0, 1), (1, 2)]), analytic=True)
case(np.roll, call(arrays((3, 4)), [1, -2, 5], axis=[0, 1, None]), analytic=True)
case(np.roll, call(arrays((3, 4)), st.just((1, -2)), st.just((0, 1))), "roll, tuples", analytic=True)
case(np.tril, call(arrays((3, 4)), k=[-1, 0, 1]), analytic=True)
case(np.triu, call(arrays((2, 3, 4)), k=[-1, 0, 1]), analytic=True)
case(
    np.pad,
    call(
        arrays((3, 2)),
        st.sampled_from([1, (1, 2), ((1, 0), (0, 2))]),
        st.just("constant"),
        constant_values=[0, 1.5],
    ),
)
case(
    np.pad,
    call(
        arrays((3, 2)),
        st.sampled_from([1, ((1, 0), (2, 5))]),
        st.sampled_from(["edge", "wrap", "reflect", "symmetric"]),
    ),
    "pad, copies",
    analytic=True,
)

# ------------------------------------------------------------------ elements

case(
    np.take,
    call(
        arrays((3, 4)),
        st.sampled_from([1, [0, 2, 2], np.array([[0, 1], [1, 1]])]),
        axis=[0, 1, -1],
        mode=["raise", "wrap", "clip"],
    ),
)
case(
    np.take_along_axis,
    st.builds(lambda a, x: Call((a, np.argsort(a, axis=x), x)), arrays((3, 4)), st.sampled_from([0, 1, -1])),
)
case(
    np.take_along_axis,
    call(arrays((3, 4)), st.just(np.array([[0], [2], [2]])), st.just(1)),
    "take_along_axis, few",
)
case(np.compress, call(st.just([True, False, True]), arrays((3, 3)), axis=[0, 1]))
case(np.extract, call(st.just(np.eye(3) > 0), arrays((3, 3))))
case(np.delete, call(arrays((3, 4)), st.sampled_from([1, [0, 2], slice(0, 2)]), axis=[0, 1]))
case(np.resize, call(arrays((3, 2)), st.sampled_from([4, (3, 5)])))
case(
    np.insert,
    call(arrays((4,)), st.sampled_from([0, 4, -1, [1], [0, 2], slice(0, 2)]), arrays(())),
)
case(np.insert, call(arrays((3, 2)), [0, 3, -1], arrays((2,)), st.just(0)), "insert, a row")
case(np.insert, call(arrays((2, 3)), [1, [1]], arrays((2, 1)), st.just(1)), "insert, columns")
case(
    np.select,
    st.builds(lambda a, b: Call(([a > 0.2, a > -0.5], [a, b])), arrays((3, 2)), arrays((2,))),
)
case(
    np.choose,
    st.builds(lambda a, b: Call((np.array([[0, 1], [1, 0]]), [a, b])), arrays((2, 2)), arrays((2,))),
)
case(np.sort, reductions(distinct, several=False).filter(lambda c: c.args[0].ndim), "sort")
case(
    np.partition,
    call(arrays((4, 5), distinct), st.sampled_from([1, 3, (0, 3)]), axis=[0, 1, None]).filter(lambda c: True),
    "partition",
)
case(np.unique, call(arrays((2, 3), distinct)))

# ------------------------------------------------------------------ brackets

INDICES = [
    *(1, -1, slice(1, None), slice(None, None, -2), ..., None, (), (1, 2), (slice(None), 1), (..., 0)),
    *((0, slice(1, 3)), (None, slice(None), 2), [0, 2, 0], np.array([[0, 1], [1, 1]]), ([0, 2], [1, 1])),
    *(([0, 0], [1, 1]), (slice(None), [3, 0, 3]), (1, [0, 0]), (np.array([2, 2])[:, None], [0, 1, 1])),
    *(np.eye(3, 4) > 0, np.array([True, False, True]), (slice(None), np.array([True, True, False, True]))),
    *(np.int64(2), (np.array(1), slice(None)), [True, False, True], ([True, False, True], 0)),
]
case(operator.getitem, call(arrays((3, 4)), st.sampled_from(INDICES)), "getitem", analytic=True)


@st.composite
def assignments(draw: Any) -> Call:
    """x[index] = value, the value of the element's shape or one that broadcasts to it."""
    x, index = draw(arrays((3, 4))), draw(st.sampled_from(INDICES))
    shape = np.shape(x[index])
    value = draw(arrays(draw(st.sampled_from([shape, (1,) * len(shape), shape[1:], (), (1, *shape)]))))
    try:
        x.copy()[index] = value
    except (TypeError, ValueError):  # some indices take no axis too many
        assume(condition=False)
    return Call((x, index, value))


case(assign, assignments(), analytic=True)
case(np.lib.stride_tricks.sliding_window_view, call(arrays((4, 5)), [(2, 3), (4, 1)]))
case(np.lib.stride_tricks.sliding_window_view, call(arrays((4, 5)), [2], [0, 1]), "windows along one axis")
