"""Points without any structure: what a network learns here, it learns by heart."""

from __future__ import annotations

from datasets.container import Dataset, as_columns
from datasets.streams import Seed, named, stream

__all__ = ["load"]


def load(seed: Seed = 1, m: int = 200) -> Dataset:
    """Draw points evenly from the unit square, with labels that have nothing to do with them.

    The course draws two arrays of uniform numbers, (m, 2) each, and calls the second one labels, though they
    are no labels. Here the same numbers are drawn, and the first of each pair, rounded, is the label.

    Parameters
    ----------
    seed : int or RandomState
    m : int
        Number of points; at least 1.

    Returns
    -------
    Dataset
        X_train (2, m), Y_train (1, m), no test part.

    Raises
    ------
    ValueError
        If `m` is smaller than 1.

    Examples
    --------
    >>> load()
    <Dataset no_structure: X_train (2, 200), Y_train (1, 200), no test part>
    """
    if m < 1:
        raise ValueError(f"m is {m}; expected at least one point")
    random = stream(seed)
    points, second = random.rand(m, 2), random.rand(m, 2)
    X, Y = as_columns(points, second[:, 0] > 0.5)
    return Dataset("no_structure", X, Y, classes=("tails", "heads"), source=f"uniform, {named(seed)}")
