"""Six round clouds, every other one of the same class: an optional set of assignment 1.3."""

from __future__ import annotations

from datasets.container import Dataset, as_columns
from datasets.streams import Seed, generators, named, stream

__all__ = ["load"]


def load(seed: Seed = 5, m: int = 200, centers: int = 6) -> Dataset:
    """Draw the blobs; the notebook makes them binary with ``Y % 2``, and so does this.

    Parameters
    ----------
    seed : int or RandomState
        The course draws this one set from a stream of its own, seed 5.
    m : int
        Number of points.
    centers : int
        Number of clouds.

    Returns
    -------
    Dataset
        X_train (2, m), Y_train (1, m), no test part.

    Raises
    ------
    ModuleNotFoundError
        If scikit-learn is not installed.
    ValueError
        If scikit-learn refuses a parameter.

    Examples
    --------
    >>> load()
    <Dataset blobs: X_train (2, 200), Y_train (1, 200), no test part>
    """
    points, cloud = generators().make_blobs(m, n_features=2, centers=centers, random_state=stream(seed))
    X, Y = as_columns(points, cloud % 2)
    source = f"make_blobs({m}, centers={centers}), {named(seed)}, labels modulo 2"
    return Dataset("blobs", X, Y, classes=("even clouds", "odd clouds"), source=source)
