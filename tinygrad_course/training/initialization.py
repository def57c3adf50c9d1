"""Initial parameters: zeros, small and large random numbers, He, Xavier and others, in the course's order."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_course.engine.errors import meant
from tinygrad_course.engine.trees import Array
from tinygrad_course.functions.streams import Stream, stream

Draw = Callable[[int, int, Stream], Array]

_FACTORS = {"small": 0.01, "large": 10.0}
_DRAWS: dict[str, Draw] = {
    "zeros": lambda n, n_prev, rng: np.zeros((n, n_prev)),
    "small": lambda n, n_prev, rng: rng.standard_normal((n, n_prev)),
    "large": lambda n, n_prev, rng: rng.standard_normal((n, n_prev)),
    "he": lambda n, n_prev, rng: rng.standard_normal((n, n_prev)) * np.sqrt(2 / n_prev),
    "xavier": lambda n, n_prev, rng: rng.standard_normal((n, n_prev)) / np.sqrt(n_prev),
    "glorot": lambda n, n_prev, rng: glorot((n, n_prev), rng, channels="first"),
    "orthogonal": lambda n, n_prev, rng: orthogonal((n, n_prev), rng),
}


def check_layers(layers: Sequence[int], name: str = "layers") -> tuple[int, ...]:
    """Return the sizes of the layers as a tuple, or say what is wrong with them, by the argument's name."""
    if isinstance(layers, (str, int, np.integer)) or not hasattr(layers, "__len__"):
        raise TypeError(
            f"{name} is {layers!r}; expected the sizes of all layers, input first, such as [2, 4, 1]"
        )
    sizes = tuple(layers)
    if len(sizes) < 2:
        raise ValueError(
            f"{name}={list(sizes)}: a network has at least an input and an output layer, such as [12288, 1]"
        )
    for l, n in enumerate(sizes):
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)):
            raise TypeError(f"{name}={list(sizes)}: the size of layer {l} is {n!r}; expected a whole number")
        if n < 1:
            raise ValueError(f"{name}={list(sizes)}: layer {l} has {n} units; it needs at least one")
    return tuple(int(n) for n in sizes)


def initialize_parameters(
    layers: Sequence[int],
    how: str | Draw = "he",
    rng: int | Stream = 3,
    scale: float | None = None,
    dtype: DTypeLike = np.float64,
) -> dict[str, Array]:
    """Return the first parameters of a network, ``{"W1": ..., "b1": ..., "W2": ...}``; every b is zero.

    Parameters
    ----------
    layers : sequence of int
        The sizes of the layers, the input's first: ``[n_x, n_1, ..., n_L]``.
    how : str or callable
        What W of shape (n, n_prev) is drawn from:

        ============  =============================================================================
        "zeros"       0: all units of a layer stay alike
        "small"       ``0.01 * randn``
        "large"       ``10 * randn``
        "he"          ``randn * sqrt(2 / n_prev)``, for ReLU (He et al., 2015)
        "xavier"      ``randn / sqrt(n_prev)``, for tanh (after Glorot and Bengio, 2010)
        "glorot"      `glorot`: uniform within ``sqrt(6 / (n + n_prev))``
        "orthogonal"  `orthogonal`: orthonormal rows, or columns
        callable      ``how(n, n_prev, rng)`` returns it
        ============  =============================================================================
    rng : int, RandomState or Generator
        Where the numbers come from, W1 first. A seed stands for ``RandomState(seed)``, whose numbers are
        those of the course's ``np.random.seed(seed)``.
    scale : float, optional
        Takes the place of 0.01 and 10; multiplies the others.
    dtype : dtype
        Of the parameters.

    Returns
    -------
    dict of str to ndarray
        Wl is (n_l, n_(l-1)) and bl is (n_l, 1).

    Raises
    ------
    ValueError
        For a layer of size 0, fewer than two layers, or an initialisation that is not in the table.

    Examples
    --------
    Course 2, week 1, the assignment on initialisation:

    >>> initialize_parameters([2, 4, 1], how="he", rng=np.random.RandomState(3))["W2"].round(8)
    array([[-0.03098412, -0.33744411, -0.92904268,  0.62552248]])
    """
    return first_parameters(check_layers(layers), how, stream(rng), scale, dtype)


def first_parameters(
    sizes: Sequence[int],
    how: str | Draw,
    source: Stream,
    scale: float | None = None,
    dtype: DTypeLike = np.float64,
    name: str = "how",
) -> dict[str, Array]:
    """Return what `initialize_parameters` does; `name` is what the caller's user calls `how`."""
    draw = how if callable(how) else _DRAWS.get(str(how))
    if draw is None:
        near = meant(str(how), _DRAWS, " (did you mean '%s'?)")
        names = ", ".join(f'"{known}"' for known in _DRAWS)
        raise ValueError(
            f"{name} is {how!r}{near}; expected {names} or a function of (n, n_prev, rng) that returns W"
        )
    factor = _FACTORS.get(str(how)) if scale is None else scale
    parameters: dict[str, Array] = {}
    for l, (n_prev, n) in enumerate(pairwise(sizes), start=1):
        W = np.asarray(draw(n, n_prev, source))
        if W.shape != (n, n_prev):
            raise ValueError(
                f"{name}(n={n}, n_prev={n_prev}, rng) returned shape {W.shape} for W{l}; expected {n, n_prev}"
            )
        parameters[f"W{l}"] = (W if factor is None else W * factor).astype(dtype, copy=False)
        parameters[f"b{l}"] = np.zeros((n, 1), dtype)
    return parameters


def glorot(shape: Sequence[int], rng: Stream, gain: float = 1.0, channels: str = "last") -> Array:
    """Return numbers uniform within gain sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010).

    Parameters
    ----------
    shape : sequence of int
        Of a kernel, (f, f, n_C_prev, n_C), or with ``channels="first"`` (n_C, n_C_prev, f, f); the
        positions of a kernel count in both fans. A weight (n, n_prev) has its channels first.
    rng : RandomState or Generator
    gain : float
    channels : "last" or "first"

    Examples
    --------
    >>> W = glorot((100, 50), np.random.RandomState(1), channels="first")
    >>> bool(np.abs(W).max() <= np.sqrt(6 / 150)), W.shape
    (True, (100, 50))
    """
    size = shape[:-2] if channels == "last" else shape[2:]
    fans = sum(shape[-2:] if channels == "last" else shape[:2]) * int(np.prod(size, dtype=int))
    drawn: Array = 2 * rng.random(tuple(shape)) - 1
    return drawn * float(gain * np.sqrt(6 / fans))


def orthogonal(shape: Sequence[int], rng: Stream, gain: float = 1.0) -> Array:
    """Return gain times a matrix of orthonormal rows, or columns if there are fewer (Saxe et al., 2014).

    A kernel is taken for the matrix of its first axis and all others.

    Examples
    --------
    >>> W = orthogonal((2, 3), np.random.RandomState(1))
    >>> np.abs(W @ W.T).round(12)
    array([[1., 0.],
           [0., 1.]])
    """
    rows, columns = shape[0], int(np.prod(shape[1:], dtype=int))
    drawn = rng.standard_normal((max(rows, columns), min(rows, columns)))
    Q, R = np.linalg.qr(drawn)
    Q = Q * np.sign(np.diagonal(R))  # so that all orthogonal matrices are equally likely
    matrix: Array = (Q if rows >= columns else Q.T).reshape(shape)
    return gain * matrix


def dirac(shape: Sequence[int], groups: int = 1, channels: str = "last") -> Array:
    """Return the kernel of a convolution that leaves its channels as they are, with ``pad="same"``.

    Parameters
    ----------
    shape : sequence of int
        (f, f, n_C_prev / groups, n_C), or with ``channels="first"`` (n_C, n_C_prev / groups, f, f).
    groups : int
        As in `tinygrad_course.functions.conv`.
    channels : "last" or "first"

    Examples
    --------
    >>> dirac((3, 1, 1)).ravel()
    array([0., 1., 0.])
    """
    *size, n_C_prev, n_C = shape if channels == "last" else (*shape[2:], shape[1], shape[0])
    W = np.zeros((*size, n_C_prev, n_C))
    middle = tuple((f - 1) // 2 for f in size)
    for k in range(n_C):
        if k % (n_C // groups) < n_C_prev:
            W[(*middle, k % (n_C // groups), k)] = 1
    return W if channels == "last" else np.moveaxis(W, (-1, -2), (0, 1)).copy()
