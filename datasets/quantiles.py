"""One round cloud, its inner half against its outer half: an optional set of assignment 1.3."""

from __future__ import annotations

from datasets.container import Dataset, as_columns
from datasets.streams import Seed, generators, named, stream

__all__ = ["load"]


def load(seed: Seed = 1, m: int = 200, cov: float = 0.5) -> Dataset:
    """Draw the Gaussian quantiles: normal points, labelled by their distance from the middle.

    Parameters
    ----------
    seed : int or RandomState
    m : int
        Number of points.
    cov : float
        Variance of each coordinate.

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
    <Dataset quantiles: X_train (2, 200), Y_train (1, 200), no test part>
    """
    make = generators().make_gaussian_quantiles
    X, Y = as_columns(*make(cov=cov, n_samples=m, n_features=2, n_classes=2, random_state=stream(seed)))
    source = f"make_gaussian_quantiles({m}, cov={cov}), {named(seed)}"
    return Dataset("quantiles", X, Y, classes=("inner half", "outer half"), source=source)
