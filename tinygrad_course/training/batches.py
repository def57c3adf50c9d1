"""Mini-batches by the course's shuffle and partition, of arrays and of HDF5 datasets."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_course.engine.trees import Array
from tinygrad_course.functions.streams import Stream, stream


def mini_batches(
    X: Any, Y: Any, size: int = 64, rng: int | Stream = 0, axis: int = -1
) -> Iterator[tuple[Array, Array]]:
    """Shuffle the examples and deal them out in pairs of X and Y; the last pair may be shorter.

    Parameters
    ----------
    X : array, shape (n_x, m), or an HDF5 dataset
        A dataset is read batch by batch.
    Y : array, shape (1, m) or (n, m), or an HDF5 dataset
    size : int
        Examples in a batch.
    rng : int, RandomState or Generator
        Draws the permutation; the same ``RandomState`` or seed gives the course's.
    axis : int
        Where the examples are counted. 0 is for files whose rows are examples, such as pictures of
        (height, width, 3): each batch comes flattened, as columns.

    Yields
    ------
    tuple of ndarray
        X of shape (n_x, size) and Y of shape (n, size).

    Raises
    ------
    ValueError
        If X and Y differ in the number of examples, there are none, or `size` is not positive.

    Notes
    -----
    Course 2, week 2: ``random_mini_batches(X, Y, mini_batch_size, seed)``.

    Examples
    --------
    >>> X, Y = np.arange(10.0).reshape(2, 5), np.array([[0, 1, 0, 1, 0]])
    >>> [x[0].tolist() for x, y in mini_batches(X, Y, size=2, rng=1)]
    [[2.0, 1.0], [4.0, 0.0], [3.0]]
    """
    m = count_examples(X, Y, axis)
    if int(size) != size or size < 1:
        raise ValueError(f"size is {size!r}; expected the number of examples in a batch, at least 1")
    size, permutation = int(size), stream(rng).permutation(m)
    if isinstance(X, np.ndarray) and isinstance(Y, np.ndarray) and axis in (-1, X.ndim - 1) and X.ndim > 1:
        X, Y = X[:, permutation], Y[..., permutation]
        return ((X[:, i : i + size], Y[..., i : i + size]) for i in range(0, m, size))
    chosen = (permutation[i : i + size] for i in range(0, m, size))
    return ((examples(X, some, axis), examples(Y, some, axis)) for some in chosen)


def examples(data: Any, chosen: Array, axis: int) -> Array:
    """Read some examples as columns. HDF5 wants its indices in order: they are sorted for it."""
    order = np.argsort(chosen)
    where = axis % len(data.shape)
    index = (slice(None),) * where + (chosen[order],)
    read = np.empty((*data.shape[:where], len(chosen), *data.shape[where + 1 :]), data.dtype)
    read[(slice(None),) * where + (order,)] = data[index]
    if where == read.ndim - 1:
        return read.reshape(-1, len(chosen))
    return np.moveaxis(read, where, 0).reshape(len(chosen), -1).T


def count_examples(X: Any, Y: Any, axis: int) -> int:
    """Return m, or say why X and Y don't go together."""
    for name, data in (("X", X), ("Y", Y)):
        if not (hasattr(data, "shape") and isinstance(getattr(data, "dtype", None), np.dtype)):
            told = f"{name} is a {type(data).__name__}; expected an array or an HDF5 dataset"
            raise TypeError(f"{told}: write np.asarray({name})")
        if any(n != n for n in data.shape):  # noqa: PLR0124  (nan)
            raise ValueError(
                f"{name} is {tuple(data.shape)}: its sizes are not known yet. Call "
                f"{name}.compute_chunk_sizes()"
            )
    m, labels = (int(data.shape[axis]) if data.shape else 0 for data in (X, Y))
    if m != labels:
        turned = next(
            (n for n, d, k in (("Y", Y, m), ("X", X, labels)) if len(d.shape) == 2 and d.shape[0] == k), ""
        )
        if X.shape[:1] == Y.shape[:1] and len(X.shape) == len(Y.shape) == 2:
            turned = "X.T and Y"
        raise ValueError(
            f"X {tuple(X.shape)} has {m} examples and Y {tuple(Y.shape)} has {labels}; examples are columns"
            + (f": did you mean {turned}.T?" if turned and axis == -1 else "")
        )
    if m == 0:
        raise ValueError(f"X {tuple(X.shape)} holds no examples")
    return m
