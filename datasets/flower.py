"""The planar flower of assignment 1.3 (course 1, week 3): two classes of petals, not linearly separable."""

from __future__ import annotations

import numpy as np

from datasets.container import Dataset, as_columns
from datasets.streams import Seed, named, stream

__all__ = ["load"]

PETALS = 4
RADIUS = 4.0
ANGLE = 3.12  # each class sweeps this many radians, a little short of half a turn
SPREAD = 0.2


def load(seed: Seed = 1, m: int = 400) -> Dataset:
    """Draw the flower: half of the points red (label 0), half blue (label 1).

    In polar coordinates a point lies at angle t, evenly spaced over its class's half turn, and radius
    r = 4 sin(4 t); both get normal noise of 0.2. The draws come in the order of the course's
    ``load_planar_dataset``: for each class the angles, then the radii.

    Parameters
    ----------
    seed : int or RandomState
        1 in the course's notebook; 2030 in one part of the notes.
    m : int
        Number of points; even.

    Returns
    -------
    Dataset
        X_train (2, m), Y_train (1, m), no test part.

    Raises
    ------
    ValueError
        If `m` is odd or smaller than 2.

    Examples
    --------
    >>> data = load(seed=1)
    >>> data.X[:, :3].round(4)
    array([[ 1.2044,  0.1587,  0.0952],
           [ 3.5761, -1.4822, -1.28  ]])
    >>> data.Y[0, [0, 399]]
    array([0., 1.])
    """
    if m < 2 or m % 2:
        raise ValueError(
            f"m is {m}; the flower has two classes of m/2 points, so m must be even and at least 2"
        )
    random = stream(seed)
    half = m // 2
    points, labels = np.empty((m, 2)), np.repeat([0.0, 1.0], half)
    for label in (0, 1):
        t = np.linspace(label * ANGLE, (label + 1) * ANGLE, half) + random.randn(half) * SPREAD
        r = RADIUS * np.sin(PETALS * t) + random.randn(half) * SPREAD
        points[label * half : (label + 1) * half] = np.column_stack([r * np.sin(t), r * np.cos(t)])
    X, Y = as_columns(points, labels)
    return Dataset("flower", X, Y, classes=("red", "blue"), source=f"drawn by formula, {named(seed)}")
