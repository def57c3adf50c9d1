"""Inverted dropout, with a mask from an explicit stream of random numbers."""

from typing import Any

import numpy as np

from tinygrad_course.functions.streams import Stream, only_stream
from tinygrad_course.rules.table import primitive, rule


def dropout_mask(shape: tuple[int, ...], keep_prob: float, rng: Stream) -> Any:
    """Return D: True where a unit is kept, drawn as in the course, ``np.random.rand(*shape) < keep_prob``.

    Examples
    --------
    >>> dropout_mask((2, 3), 0.5, np.random.RandomState(1))
    array([[ True, False,  True],
           [ True,  True,  True]])
    """
    if not 0 < keep_prob <= 1:
        raise ValueError(
            f"keep_prob is {keep_prob}; expected the share of units that stay, above 0 and up to 1"
        )
    return only_stream(rng, "dropout").random(shape) < keep_prob


@primitive
def drop(A: Any, D: Any, keep_prob: float) -> Any:
    """Return A * D / keep_prob: the units that the mask D keeps, scaled so that their expectation stays.

    Examples
    --------
    >>> drop(np.array([[1.0, 2.0]]), np.array([[True, False]]), 0.5)
    array([[2., 0.]])
    """
    return A * D / keep_prob


rule(drop, lambda g, y, A, D, keep_prob: g * D / keep_prob, None, None)


def dropout(A: Any, keep_prob: float, rng: Stream) -> Any:
    """Return A with each unit kept with probability `keep_prob`, else 0 (inverted dropout); for training.

    Parameters
    ----------
    A : array, shape (n, m)
    keep_prob : float
        Above 0; at 1 nothing is drawn and A comes back as it is.
    rng : RandomState or Generator
        Goes on from call to call: each call draws a fresh mask.

    Raises
    ------
    ValueError
        If keep_prob is not in (0, 1].
    TypeError
        If `rng` is a seed: every call would drop the same units.

    Notes
    -----
    Course 2, week 1; Srivastava et al. (2014). The mask keeps where the draw is *below* keep_prob.

    Examples
    --------
    >>> dropout(np.ones((2, 3)), 0.5, np.random.RandomState(1))
    array([[2., 0., 2.],
           [2., 2., 2.]])
    """
    if keep_prob == 1:
        return A
    D = dropout_mask(np.shape(A), keep_prob, rng)
    return drop(A, D, keep_prob)
