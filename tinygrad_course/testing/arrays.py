"""Strategies for arrays that differences can be taken of, and for shapes that broadcast."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import DTypeLike

from tinygrad_course.engine.trees import Array

Shape = tuple[int, ...]
Draw = Callable[[st.SearchStrategy[Any]], Any]

_FEW = 24  # entries that are drawn one by one, and so shrink one by one


def array_shapes(min_dims: int = 0, max_dims: int = 3, max_side: int = 4) -> st.SearchStrategy[Shape]:
    """Return a strategy for shapes, () among them; no side is 0.

    Examples
    --------
    >>> from hypothesis import given
    >>> @given(array_shapes(max_dims=2))
    ... def test_a_matrix_at_most(shape):
    ...     assert len(shape) <= 2
    >>> test_a_matrix_at_most()
    """
    shapes: st.SearchStrategy[Shape] = hnp.array_shapes(
        min_dims=max(min_dims, 1), max_dims=max(max_dims, 1), max_side=max_side
    )
    return shapes if min_dims else st.one_of(st.just(()), shapes)


def arrays_away_from_kinks(
    shape: int | Shape | st.SearchStrategy[Shape] | None = None,
    *,
    low: float = 0.25,
    high: float = 2.0,
    positive: bool = False,
    kinks: tuple[float, ...] = (),
    dtype: DTypeLike = np.float64,
) -> st.SearchStrategy[Array]:
    """Return a strategy for arrays about which a function with the usual kinks is smooth.

    No entry is near 0 (ReLU, abs), and no two entries are near each other, nor near each other's negative
    (max, sort, median). None is large: exp, cosh and the like stay far from overflow. Kinks elsewhere, such
    as the bounds of ``np.clip``, are to be named.

    Parameters
    ----------
    shape : int, tuple of int, strategy, or None
        None: any shape of up to 3 axes of up to 4.
    low, high : float
        Between these lies each entry's absolute value.
    positive : bool
        Leave out negative numbers: for log, sqrt, division.
    kinks : tuple of float
        Further places that no entry is near: nearer than a twentieth of `high` - `low`.
    dtype : dtype

    Returns
    -------
    strategy
        It shrinks towards few entries, in order, and positive.

    Raises
    ------
    ValueError
        If there are more entries than `dtype` can keep apart between `low` and `high`, or no place is far
        from the kinks.

    Examples
    --------
    >>> from hypothesis import given
    >>> @given(arrays_away_from_kinks(shape=(3, 4)))
    ... def test_relu_has_no_kink_here(Z):
    ...     assert np.all(np.abs(Z) >= 0.25)
    >>> test_relu_has_no_kink_here()
    """
    if not 0 <= low < high:
        raise ValueError(
            f"low={low}, high={high}: expected 0 <= low < high, the range of the absolute values"
        )
    return _arrays(shape, _intervals(low, high, kinks), positive, np.dtype(dtype))


def _intervals(low: float, high: float, kinks: tuple[float, ...]) -> Array:
    """Where absolute values may lie, beginnings and ends, apart from what is near a kink."""
    margin, found = (high - low) / 20, [(low, high)]
    for kink in sorted(np.abs(np.array(kinks, float)).ravel().tolist()):
        begin, end = found.pop()
        found += [(begin, min(end, kink - margin)), (max(begin, kink + margin), end)]
        found = [(begin, end) for begin, end in found if begin < end]
        if not found:
            raise ValueError(f"low={low}, high={high}: everything between is near one of the kinks {kinks}")
        if found[-1][1] < high:
            break
    return np.array(found).T


@st.composite
def _arrays(draw: Draw, shape: Any, intervals: Array, positive: bool, dtype: np.dtype[Any]) -> Array:
    if shape is None:
        shape = draw(array_shapes())
    elif isinstance(shape, st.SearchStrategy):
        shape = draw(shape)
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    n = math.prod(shape)
    begins, ends = intervals
    room = np.concatenate([[0.0], np.cumsum(ends - begins)])
    if n and room[-1] / n < 16 * float(np.finfo(dtype).eps) * ends[-1]:
        raise ValueError(f"{dtype} can't keep {n} entries apart between {begins[0]} and {ends[-1]}")
    if n <= _FEW:
        order = np.array(draw(st.permutations(range(n))), dtype=float)
        signs = np.array([1.0 if positive or not draw(st.booleans()) else -1.0 for _ in range(n)])
    else:
        rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        order = rng.permutation(n).astype(float)
        signs = np.ones(n) if positive else rng.choice([-1.0, 1.0], n)
    # On an even grid sums of entries would coincide; a third of the spacing is left to chance.
    uneven = order + 0.5 + 0.3 * ((order + 1) * 0.6180339887498949 % 1.0 - 0.5)
    along = room[-1] * uneven / max(n, 1)
    interval = np.searchsorted(room[1:-1], along)
    values: Array = signs * (begins[interval] + along - room[interval])
    return values.reshape(shape).astype(dtype)


@st.composite
def arrays_at_kinks(
    draw: Draw,
    shape: Any = None,
    kinks: tuple[float, ...] = (0.0,),
    *,
    ties: bool = False,
    dtype: DTypeLike = np.float64,
) -> Array:
    """Draw an array of which some entries, at least one, lie at a kink, and the others away from kinks.

    Parameters
    ----------
    shape : int, tuple of int, strategy, or None
        As for `arrays_away_from_kinks`.
    kinks : tuple of float
        0 for ReLU and abs, the bounds of a ``np.clip``, integers for ``np.floor``.
    ties : bool
        Instead, two entries or more are equal: the largest, the least, or others (max, min, sort, median).
    dtype : dtype

    Raises
    ------
    ValueError
        If `ties` are asked for of fewer than two entries.

    Examples
    --------
    >>> from hypothesis import given
    >>> @given(arrays_at_kinks((3, 4)))
    ... def test_relu_has_its_kink_here(Z):
    ...     assert np.any(Z == 0)
    >>> test_relu_has_its_kink_here()
    """
    values: Array = draw(_arrays(shape, _intervals(0.25, 2.0, kinks), False, np.dtype(dtype))).copy()
    if ties and values.size < 2:
        raise ValueError(f"an array of shape {values.shape} has no two entries that could tie")
    if not values.size:
        return values
    if ties:
        kinks = (draw(st.sampled_from([values.max(), values.min(), values.flat[0]])),)
    places = st.sets(st.integers(0, values.size - 1), min_size=1 + ties)
    for place in sorted(draw(places)):
        values.flat[place] = draw(st.sampled_from(kinks))
    return values


def broadcastable_shapes(
    count: int = 2, *, max_dims: int = 3, max_side: int = 3
) -> st.SearchStrategy[tuple[Shape, ...]]:
    """Return a strategy for several shapes that NumPy broadcasts against each other.

    Examples
    --------
    >>> from hypothesis import given
    >>> @given(broadcastable_shapes(3))
    ... def test_they_fit(shapes):
    ...     np.broadcast_shapes(*shapes)
    >>> test_they_fit()
    """
    return hnp.mutually_broadcastable_shapes(num_shapes=count, max_dims=max_dims, max_side=max_side).map(
        lambda found: tuple(found.input_shapes)
    )


@st.composite
def broadcastable_arrays(
    draw: Draw,
    count: int = 2,
    *,
    max_dims: int = 3,
    max_side: int = 3,
    low: float = 0.25,
    high: float = 2.0,
    positive: bool = False,
    dtype: DTypeLike = np.float64,
) -> tuple[Array, ...]:
    """Draw several arrays that NumPy broadcasts against each other, without ties among all their entries.

    Parameters
    ----------
    count : int
    max_dims, max_side : int
    low, high, positive, dtype
        As for `arrays_away_from_kinks`.

    Examples
    --------
    >>> from hypothesis import given
    >>> @given(broadcastable_arrays(2))
    ... def test_maximum_has_no_tie_here(arrays):
    ...     assert np.all(arrays[0] != arrays[1])
    >>> test_maximum_has_no_tie_here()
    """
    shapes = draw(broadcastable_shapes(count, max_dims=max_dims, max_side=max_side))
    sizes = [math.prod(shape) for shape in shapes]
    entries = draw(arrays_away_from_kinks(sum(sizes), low=low, high=high, positive=positive, dtype=dtype))
    parts = np.split(entries, np.cumsum(sizes)[:-1])
    return tuple(part.reshape(shape) for part, shape in zip(parts, shapes, strict=True))
