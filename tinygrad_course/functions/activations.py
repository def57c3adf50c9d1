"""A layer's two halves: `linear`, and the activations that follow it."""

from typing import Any

import numpy as np
from scipy import special

from tinygrad_course.engine.recording import record
from tinygrad_course.engine.tensor import Tensor
from tinygrad_course.rules.reductions import logsumexp as _logsumexp
from tinygrad_course.rules.reductions import total, weighed
from tinygrad_course.rules.shapes import inexact, masked, restore, unbroadcast
from tinygrad_course.rules.special import EXPIT
from tinygrad_course.rules.table import RULES, primitive, rule

# linear, sigmoid and tanh, of which every network is made, call the recorder themselves: `primitive` and
# NumPy's protocols would find it too, after asking around.


def linear(W: Any, A: Any, b: Any) -> Any:
    """Return Z = W A + b, recorded as one node.

    Parameters
    ----------
    W : array, shape (n, n_prev)
    A : array, shape (n_prev, m)
    b : array, shape (n, 1), or a number

    Raises
    ------
    ValueError
        If the shapes do not fit, or would by NumPy's broadcasting alone.

    Examples
    --------
    >>> linear(np.array([[1.0, 2.0]]), np.array([[1.0, 0.0], [0.0, 1.0]]), 3.0)
    array([[4., 5.]])
    """
    if type(W) is Tensor or type(A) is Tensor or type(b) is Tensor:
        return record(Tensor, _LINEAR, (W, A, b))
    return _linear(W, A, b)


def _linear(W: Any, A: Any, b: Any) -> Any:
    product = np.dot(W, A)
    try:
        Z = product + b
    except ValueError:
        raise ValueError(_misfit(np.shape(A), np.shape(b), product.shape)) from None
    if len(Z.shape) != 2 or Z.shape != product.shape or (getattr(b, "ndim", 0) == 1 and b.size > 1):
        raise ValueError(_misfit(np.shape(A), np.shape(b), product.shape))
    return Z


def _misfit(A: tuple[int, ...], b: tuple[int, ...], product: tuple[int, ...]) -> str:
    """Say why a sum that NumPy has broadcast is no layer's Z."""
    if len(A) != 2:
        return (
            f"A is {A}; expected (n_prev, m), examples as columns: a single one is X[:, j:j+1], not X[:, j]"
        )
    if len(product) != 2:
        return f"W A is {product}; expected (n, m), from W of shape (n, {A[0]})"
    return f"b is {b} beside W A of shape {product}; expected a column, ({product[0]}, 1): b.reshape(-1, 1)"


def _bias_vjp(g: Any, y: Any, W: Any, A: Any, b: Any) -> Any:
    if type(g) is np.ndarray and type(b) is np.ndarray and b.shape == (g.shape[0], 1):
        return np.add.reduce(g, axis=1, keepdims=True)  # np.sum, without its detour
    return unbroadcast(g, b.shape)


rule(
    _linear,
    lambda g, y, W, A, b: np.dot(g, A.T),
    lambda g, y, W, A, b: np.dot(W.T, g),
    _bias_vjp,
    name="linear",
    product="matrices",
)
_LINEAR, _TANH = RULES[_linear], RULES[np.tanh]

# ------------------------------------------------------------------ activations


def sigmoid(Z: Any) -> Any:
    """Return 1 / (1 + exp(-Z)), without overflow: `scipy.special.expit`.

    Examples
    --------
    >>> sigmoid(np.array([0.0, 9.2]))
    array([0.5       , 0.99989897])
    """
    return record(Tensor, EXPIT, (Z,)) if type(Z) is Tensor else special.expit(Z)


def tanh(Z: Any) -> Any:
    """Return `np.tanh` of Z.

    Examples
    --------
    >>> print(tanh(0.0))
    0.0
    """
    return record(Tensor, _TANH, (Z,)) if type(Z) is Tensor else np.tanh(Z)


@primitive
def relu(Z: Any) -> Any:
    """Return max(0, Z). Its derivative at 0 is 0, as in the course's ``relu_backward``.

    Examples
    --------
    >>> relu(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """
    return np.maximum(Z, 0)


@primitive
def leaky_relu(Z: Any, slope: float = 0.01) -> Any:
    """Return Z where Z > 0, else slope * Z. Its derivative at 0 is `slope`.

    Examples
    --------
    >>> leaky_relu(np.array([-1.0, 0.0, 2.0]))
    array([-0.01,  0.  ,  2.  ])
    """
    return np.where(Z > 0, Z, slope * Z)


def logsumexp(Z: Any, axis: Any = 0, keepdims: bool = False, b: Any = None) -> Any:
    """Return log(sum(b exp(Z))) over `axis`, by default over the units of each example, without overflow.

    Parameters
    ----------
    Z : array
    axis : int, tuple of int or None
        `scipy.special.logsumexp` has None, all elements, by default.
    keepdims : bool
    b : array, optional
        Weights that broadcast against Z; a sum that is not positive has no logarithm and gives NaN.

    Examples
    --------
    >>> logsumexp(np.array([[1000.0], [1000.0]]))
    array([1000.69314718])
    >>> logsumexp(np.array([[1000.0], [1000.0]]), b=np.array([[1.0], [3.0]]))
    array([1001.38629436])
    """
    return _logsumexp(Z, axis, keepdims) if b is None else _weighted_logsumexp(Z, b, axis, keepdims)


@primitive
def _weighted_logsumexp(Z: Any, b: Any, axis: Any, keepdims: bool) -> Any:
    return weighed(np.where(b == 0, -np.inf, Z), b, axis, keepdims)


@primitive
def softmax(Z: Any, axis: Any = 0) -> Any:
    """Return exp(Z) / sum(exp(Z)), the sum over `axis`: by default each column adds up to 1.

    Examples
    --------
    >>> softmax(np.array([[0.0, 1e4], [0.0, 0.0]]))
    array([[0.5, 1. ],
           [0.5, 0. ]])
    """
    E = exponentials(Z, axis)
    return np.divide(E, total(E, axis, keepdims=True), out=E if type(E) is np.ndarray else None)


def exponentials(Z: Any, axis: Any) -> Any:
    """Return exp(Z) without overflow, divided by one number for each sum over `axis`."""
    if is_moderate(Z):
        return np.exp(Z)
    Z = inexact(Z)
    return np.exp(Z - np.max(Z, axis=axis, keepdims=True))


def is_moderate(Z: Any) -> bool:
    """Whether the entries of an array have exponentials, and sums of them, as exact as any."""
    return type(Z) is np.ndarray and Z.dtype.char in "fd" and Z.size > 0 and Z.min() > -40 and Z.max() < 40


@primitive
def log_softmax(Z: Any, axis: Any = 0) -> Any:
    """Return log(softmax(Z)), finite where softmax rounds to 0.

    Examples
    --------
    >>> log_softmax(np.array([[1e4], [0.0]]))
    array([[     0.],
           [-10000.]])
    """
    Z = inexact(Z)
    S = Z - np.max(Z, axis=axis, keepdims=True)
    away = np.log(np.sum(np.exp(S), axis=axis, keepdims=True))
    return np.subtract(S, away, out=S if type(S) is np.ndarray else None)


def _weight_vjp(g: Any, y: Any, Z: Any, b: Any, axis: Any, keepdims: bool) -> Any:
    g, y = (restore(x, np.broadcast_shapes(Z.shape, b.shape), axis, keepdims) for x in (g, y))
    return g * np.exp(Z - y)


rule(relu, lambda g, y, Z: masked(g, y > 0), elementwise=True)
rule(leaky_relu, lambda g, y, Z, slope=0.01: np.where(Z > 0, g, slope * g))
rule(
    _weighted_logsumexp,
    lambda g, y, Z, b, axis, keepdims: unbroadcast(b * _weight_vjp(g, y, Z, b, axis, keepdims), Z.shape),
    lambda g, y, Z, b, axis, keepdims: unbroadcast(_weight_vjp(g, y, Z, b, axis, keepdims), b.shape),
    name="logsumexp",
)
rule(softmax, lambda g, y, Z, axis=0: y * (g - total(g * y, axis, keepdims=True)))
rule(log_softmax, lambda g, y, Z, axis=0: g - np.exp(y) * np.sum(g, axis=axis, keepdims=True))
