"""Embedding and attention: rows of a table, and sums of values weighed by how well queries meet keys."""

from typing import Any

import numpy as np

from tinygrad_course.functions.activations import is_moderate, softmax
from tinygrad_course.rules.reductions import total
from tinygrad_course.rules.table import primitive, rule


def embedding(E: Any, indices: Any) -> Any:
    """Return the rows of E that `indices` name.

    Parameters
    ----------
    E : array, shape (n_vocabulary, n)
    indices : array of int, any shape

    Returns
    -------
    array, shape (*indices.shape, n)

    Raises
    ------
    TypeError
        If the indices are no whole numbers.
    IndexError
        If one is negative, or no row of E.

    Examples
    --------
    >>> embedding(np.array([[0.0, 0.1], [1.0, 1.1]]), [1, 1, 0])
    array([[1. , 1.1],
           [1. , 1.1],
           [0. , 0.1]])
    """
    if not hasattr(indices, "dtype"):
        indices = np.asarray(indices)
    if indices.dtype.kind not in "iu":
        raise TypeError(f"embedding: the indices are {indices.dtype}; expected whole numbers")
    if type(indices) is np.ndarray and indices.size and not 0 <= indices.min() <= indices.max() < E.shape[0]:
        raise IndexError(
            f"embedding: the indices go from {indices.min()} to {indices.max()}, and E {E.shape} has rows "
            f"0 to {E.shape[0] - 1}"
        )
    return E[indices]


@primitive
def masked_softmax(Z: Any, mask: Any) -> Any:
    """Return softmax over the last axis of what the mask leaves; a row of which nothing is left is 0.

    Examples
    --------
    >>> masked_softmax(np.zeros((2, 2)), np.array([[True, True], [False, False]]))
    array([[0.5, 0.5],
           [0. , 0. ]])
    """
    if is_moderate(Z):
        E = np.exp(Z)
        E = np.multiply(E, mask.astype(Z.dtype), out=E if mask.shape == E.shape[-mask.ndim :] else None)
        E /= np.maximum(total(E, -1, keepdims=True), np.finfo(Z.dtype).tiny)
        return E
    Z = np.where(mask, Z, -np.inf)
    highest = np.max(Z, axis=-1, keepdims=True)
    E = np.exp(Z - np.where(np.isfinite(highest), highest, 0))
    sums = np.sum(E, axis=-1, keepdims=True)
    return E / np.where(sums == 0, 1, sums)


def _masked_softmax_vjp(g: Any, y: Any, Z: Any, mask: Any) -> Any:
    if type(g) is np.ndarray:
        with np.errstate(invalid="ignore"):
            slope = g * y
            np.subtract(g, total(slope, -1, keepdims=True), slope)
            slope *= y
            if np.isfinite(np.vdot(slope, slope)):  # y is 0 where the mask is
                return slope
    return np.where(mask, y * (g - np.sum(np.where(y == 0, 0, g) * y, axis=-1, keepdims=True)), 0)


rule(masked_softmax, _masked_softmax_vjp, None)


def causal_mask(T_q: int, T_k: int | None = None) -> Any:
    """Return the mask (T_q, T_k) by which a position sees itself and what came before it.

    Examples
    --------
    >>> causal_mask(2, 3)
    array([[ True,  True, False],
           [ True,  True,  True]])
    """
    T_k = T_q if T_k is None else T_k
    return np.tri(T_q, T_k, T_k - T_q, dtype=bool)


def attention(
    Q: Any, K: Any, V: Any, mask: Any = None, causal: bool = False, heads: int = 1, scale: float | None = None
) -> Any:
    """Return softmax(Q K^T / sqrt(d)) V, scaled dot-product attention.

    Parameters
    ----------
    Q : array, shape (..., T_q, n)
        Queries; time is before the units.
    K, V : array, shapes (..., T_k, n) and (..., T_k, n_v)
        Keys and values.
    mask : array of bool, optional
        True where a query may see a key; broadcasts against (..., T_q, T_k), with the axis of the heads
        before T_q where there are several. A query that may see no key has the result 0.
    causal : bool
        A position sees no later one; with T_k > T_q the queries are the last positions.
    heads : int
        The units are divided into so many parts, each with an attention of its own.
    scale : float, optional
        Instead of 1 / sqrt(d), d = n / heads.

    Returns
    -------
    array, shape (..., T_q, n_v)

    Raises
    ------
    ValueError
        If shapes do not fit, or `heads` does not divide the units.
    TypeError
        If the mask is not of bool.

    Notes
    -----
    Vaswani et al. (2017), section 3.2; course 5, week 4.

    Examples
    --------
    >>> Q = K = np.zeros((3, 2))
    >>> attention(Q, K, np.array([[0.0], [3.0], [6.0]]), causal=True)
    array([[0. ],
           [1.5],
           [3. ]])
    """
    if len(Q.shape) < 2 or len(K.shape) < 2 or Q.shape[-1] != K.shape[-1] or K.shape[-2] != V.shape[-2]:
        raise ValueError(
            f"Q {Q.shape}, K {K.shape}, V {V.shape}: expected (..., T_q, n), (..., T_k, n), (..., T_k, n_v)"
        )
    if Q.shape[-1] % heads or V.shape[-1] % heads:
        raise ValueError(f"heads={heads} does not divide the {Q.shape[-1]} and {V.shape[-1]} units")
    if mask is not None and getattr(mask, "dtype", None) != np.bool_:
        raise TypeError(f"mask is {getattr(mask, 'dtype', type(mask).__name__)}; expected bool: mask != 0")
    if causal:
        earlier = causal_mask(Q.shape[-2], K.shape[-2])
        mask = earlier if mask is None else mask & earlier
    Q = Q * ((Q.shape[-1] // heads) ** -0.5 if scale is None else scale)
    if heads > 1:
        Q, K, V = (_parted(x, heads) for x in (Q, K, V))
    scores = np.matmul(Q, np.swapaxes(K, -1, -2))
    weights = softmax(scores, axis=-1) if mask is None else masked_softmax(scores, mask)
    context = np.matmul(weights, V)
    if heads == 1:
        return context
    context = np.swapaxes(context, -2, -3)
    return np.reshape(context, (*context.shape[:-2], context.shape[-2] * context.shape[-1]))


def _parted(x: Any, heads: int) -> Any:
    """Return (..., T, n) as (..., heads, T, n / heads)."""
    *before, T, n = x.shape
    return np.swapaxes(np.reshape(x, (*before, T, heads, n // heads)), -2, -3)
