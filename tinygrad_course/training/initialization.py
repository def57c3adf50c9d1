"""Initial parameters: zeros, small and large random numbers, He, Xavier, drawn in the course's order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tinygrad_course.functions.streams import Stream, normal, stream

Array = NDArray[Any]
Draw = Callable[[int, int, Stream], Array]

_FACTORS = {"small": 0.01, "large": 10.0}


def check_layers(layers: Sequence[int]) -> tuple[int, ...]:
    """Return the sizes of the layers as a tuple, or say what is wrong with them.

    Raises
    ------
    TypeError
        For anything but whole numbers.
    ValueError
        For fewer than two layers, or a layer without units.
    """
    if isinstance(layers, (str, int, np.integer)) or not hasattr(layers, "__len__"):
        raise TypeError(
            f"layers is {layers!r}; expected the sizes of all layers, input first, such as [2, 4, 1]"
        )
    sizes = tuple(layers)
    if len(sizes) < 2:
        raise ValueError(
            f"layers={list(sizes)}: a network has at least an input and an output layer, such as [12288, 1]"
        )
    for l, n in enumerate(sizes):
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)):
            raise TypeError(f"layers={list(sizes)}: the size of layer {l} is {n!r}; expected a whole number")
        if n < 1:
            raise ValueError(f"layers={list(sizes)}: layer {l} has {n} units; it needs at least one")
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

        ==========  =============================================================================
        "zeros"     0: all units of a layer stay alike
        "small"     ``0.01 * randn``
        "large"     ``10 * randn``
        "he"        ``randn * sqrt(2 / n_prev)``, for ReLU (He et al., 2015)
        "xavier"    ``randn / sqrt(n_prev)``, for tanh (after Glorot and Bengio, 2010)
        callable    ``how(n, n_prev, rng)`` returns it
        ==========  =============================================================================
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
    sizes = check_layers(layers)
    draw = _drawing(how, scale)
    source = stream(rng)
    parameters: dict[str, Array] = {}
    for l, (n_prev, n) in enumerate(pairwise(sizes), start=1):
        W = np.asarray(draw(n, n_prev, source))
        if W.shape != (n, n_prev):
            raise ValueError(
                f"how(n={n}, n_prev={n_prev}, rng) returned shape {W.shape} for W{l}; expected {n, n_prev}"
            )
        parameters[f"W{l}"] = W.astype(dtype, copy=False)
        parameters[f"b{l}"] = np.zeros((n, 1), dtype)
    return parameters


def _drawing(how: str | Draw, scale: float | None) -> Draw:
    """Return the function that draws one W."""
    if how in _FACTORS:
        factor = _FACTORS[str(how)] if scale is None else scale
        return lambda n, n_prev, rng: normal(rng, (n, n_prev)) * factor
    draw: Draw
    if how == "zeros":
        draw = lambda n, n_prev, rng: np.zeros((n, n_prev))  # noqa: E731
    elif how == "he":
        draw = lambda n, n_prev, rng: normal(rng, (n, n_prev)) * np.sqrt(2 / n_prev)  # noqa: E731
    elif how == "xavier":
        draw = lambda n, n_prev, rng: normal(rng, (n, n_prev)) / np.sqrt(n_prev)  # noqa: E731
    elif callable(how):
        draw = how
    else:
        raise ValueError(
            f'how is {how!r}; expected "zeros", "small", "large", "he", "xavier" or a function of '
            "(n, n_prev, rng) that returns W"
        )
    return draw if scale is None else (lambda n, n_prev, rng: draw(n, n_prev, rng) * scale)
