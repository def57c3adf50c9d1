"""Two interleaved half moons: assignment 2.2 on optimisers, and an optional set of 1.3."""

from __future__ import annotations

from datasets.container import Dataset, as_columns
from datasets.streams import Seed, generators, named, stream

__all__ = ["load"]


def load(seed: Seed = 3, m: int = 300, noise: float = 0.2) -> Dataset:
    """Draw the moons; the defaults are those of assignment 2.2 (``opt_utils.load_dataset``).

    Parameters
    ----------
    seed : int or RandomState
    m : int
        Number of points; 200 for the noisy moons of assignment 1.3.
    noise : float
        Standard deviation of the normal noise on each coordinate.

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
    <Dataset moons: X_train (2, 300), Y_train (1, 300), no test part>
    """
    X, Y = as_columns(*generators().make_moons(m, noise=noise, random_state=stream(seed)))
    source = f"make_moons({m}, noise={noise}), {named(seed)}"
    return Dataset("moons", X, Y, classes=("outer moon", "inner moon"), source=source)
