"""Batch, layer and root-mean-square normalisation, each a function of (array, parameters)."""

import weakref
from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_course.autodiff.gradients import stop_gradient
from tinygrad_course.rules.reductions import mean
from tinygrad_course.rules.shapes import inexact
from tinygrad_course.rules.table import primitive, rule

Axes = int | tuple[int, ...]


def _mean(x: Any, axis: Axes) -> Any:
    return mean(x, axis, keepdims=True)


def _over_root(Z: Any, axis: Axes, eps: float) -> Any:
    return 1 / np.sqrt(_mean(Z * Z, axis) + eps)


@primitive
def standardize(Z: Any, axis: Axes = 0, eps: float = 1e-5) -> Any:
    """Return (Z - mean) / sqrt(variance + eps), both over `axis`.

    >>> standardize(np.array([[1.0], [3.0]]), eps=0.0)
    array([[-1.],
           [ 1.]])
    """
    away = Z - _mean(Z, axis)
    scale = _over_root(away, axis, eps)
    if type(away) is not np.ndarray:
        return away * scale
    away *= scale
    key = id(away)
    _scales[key] = weakref.ref(away, lambda _: _scales.pop(key)), scale
    return away


#: What `standardize` has multiplied by, for the way back, while its result lives: by that array's number.
_scales: dict[int, tuple[Any, Any]] = {}


@primitive
def over_rms(Z: Any, axis: Axes = 0, eps: float = 1e-5) -> Any:
    """Return Z / sqrt(mean(Z^2) + eps), the mean over `axis`."""
    return Z * _over_root(Z, axis, eps)


def _standardize_vjp(g: Any, y: Any, Z: Any, axis: Axes = 0, eps: float = 1e-5) -> Any:
    """(g - mean(g) - y mean(g y)) / sqrt(variance + eps), of arrays in the memory of a single one."""
    scale = _scales[id(y)][1] if id(y) in _scales else _over_root(Z - _mean(Z, axis), axis, eps)
    slope = g * y
    own = slope if type(slope) is np.ndarray else None
    slope = np.multiply(y, _mean(slope, axis), out=own)
    slope = np.subtract(np.subtract(g, slope, out=own), _mean(g, axis), out=own)
    return np.multiply(slope, scale, out=own)


rule(standardize, _standardize_vjp)
rule(
    over_rms,
    lambda g, y, Z, axis=0, eps=1e-5: (g - y * _mean(g * y, axis)) * _over_root(Z, axis, eps),
    name="rms_norm",
)


def batch_norm(
    Z: Any,
    gamma: Any,
    beta: Any,
    state: Mapping[str, Any] | None = None,
    training: bool = True,
    axis: Axes = -1,
    momentum: float = 0.9,
    eps: float = 1e-5,
) -> tuple[Any, dict[str, Any]]:
    """Return Z_tilde = gamma Z_norm + beta, and the running mean and variance.

    Parameters
    ----------
    Z : array, shape (n, m)
        Or a picture (m, n_H, n_W, n_C), with ``axis=(0, 1, 2)``.
    gamma, beta : array
        Of a shape that broadcasts against Z: (n, 1), or (n_C,) for pictures.
    state : dict, optional
        ``{"mean": ..., "variance": ...}``, as the last call returned it; none before the first.
    training : bool
        Normalise by the mean and variance of these examples, and bring the state nearer to them; else by
        the state.
    axis : int or tuple of int
        The axes of the examples, over which mean and variance are taken.
    momentum : float
        What of the old state stays: mean = momentum * mean + (1 - momentum) * this mean. The first state
        is these examples' own.
    eps : float
        Added to the variance.

    Returns
    -------
    Z_tilde : array
    state : dict of plain arrays

    Raises
    ------
    ValueError
        If there is no state to predict with.

    Notes
    -----
    Course 2, week 3; Ioffe and Szegedy (2015). The variance is that of the examples, 1/m sum (Z - mu)^2,
    in the running variance too.

    Examples
    --------
    >>> Z = np.array([[1.0, 3.0], [0.0, 4.0]])
    >>> Z_tilde, state = batch_norm(Z, np.ones((2, 1)), np.zeros((2, 1)), eps=0.0)
    >>> Z_tilde
    array([[-1.,  1.],
           [-1.,  1.]])
    >>> state["variance"].ravel()
    array([1., 4.])
    """
    if not training:
        if state is None:
            raise ValueError("batch_norm(training=False) needs the state that training returned")
        Z_norm = (Z - state["mean"]) / np.sqrt(state["variance"] + eps)
        return gamma * Z_norm + beta, dict(state)
    values = stop_gradient(Z)
    running = {"mean": _mean(values, axis), "variance": np.var(values, axis=axis, keepdims=True)}
    if state is not None:
        running = {k: momentum * state[k] + (1 - momentum) * new for k, new in running.items()}
    return gamma * standardize(Z, axis, eps) + beta, running


def layer_norm(Z: Any, gamma: Any = 1.0, beta: Any = 0.0, axis: Axes = 0, eps: float = 1e-5) -> Any:
    """Return gamma (Z - mean) / sqrt(variance + eps) + beta, both over the units of each example.

    Parameters
    ----------
    Z : array, shape (n, m)
        With ``axis=-1`` the units are last, as in (m, T, n).
    gamma, beta : array
        Of a shape that broadcasts against Z: (n, 1), or (n,) where the units are last.
    axis : int or tuple of int
        The units.

    Notes
    -----
    Ba, Kiros and Hinton (2016).

    Examples
    --------
    >>> layer_norm(np.array([[1.0, 0.0], [3.0, 4.0]]), eps=0.0)
    array([[-1., -1.],
           [ 1.,  1.]])
    """
    return gamma * standardize(Z, axis, eps) + beta


def rms_norm(Z: Any, gamma: Any = 1.0, axis: Axes = 0, eps: float = 1e-5) -> Any:
    """Return gamma Z / sqrt(mean(Z^2) + eps), the mean over the units of each example.

    Notes
    -----
    Zhang and Sennrich (2019). Parameters are those of `layer_norm`.

    Examples
    --------
    >>> rms_norm(np.array([[3.0], [4.0]]), eps=0.0) * np.sqrt(12.5)
    array([[3.],
           [4.]])
    """
    return gamma * over_rms(inexact(Z), axis, eps)
