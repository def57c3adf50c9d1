"""Two rings, one inside the other: assignment 2.1 on initialisation, and an optional set of 1.3."""

from __future__ import annotations

from datasets.container import Dataset, as_columns
from datasets.streams import Seed, generators, named, stream

__all__ = ["load"]


def load(
    seed: Seed = 1,
    m: int = 300,
    noise: float = 0.05,
    factor: float = 0.8,
    m_test: int = 100,
    test_seed: Seed = 2,
) -> Dataset:
    """Draw the rings; the defaults are those of assignment 2.1 (``init_utils.load_dataset``).

    Parameters
    ----------
    seed, test_seed : int or RandomState
        The streams of the training and of the test part. The course's ``np.random.seed(1)`` before
        ``make_circles`` draws the very points of ``RandomState(1)``.
    m, m_test : int
        Number of points; ``m_test=0`` leaves out the test part.
    noise : float
        Standard deviation of the normal noise on each coordinate.
    factor : float
        Radius of the inner ring; the outer has 1.

    Returns
    -------
    Dataset
        X_train (2, m), Y_train (1, m), X_test (2, m_test), Y_test (1, m_test).

    Raises
    ------
    ModuleNotFoundError
        If scikit-learn is not installed.
    ValueError
        If scikit-learn refuses a parameter (a factor of 1 or more, a negative m).

    Examples
    --------
    >>> data = load()
    >>> int(data.Y_train.sum()), int(data.Y_test.sum())
    (150, 50)

    The noisy circles of assignment 1.3:

    >>> load(m=200, noise=0.3, factor=0.5, m_test=0)
    <Dataset circles: X_train (2, 200), Y_train (1, 200), no test part>
    """
    make_circles = generators().make_circles

    X_train, Y_train = as_columns(*make_circles(m, noise=noise, factor=factor, random_state=stream(seed)))
    described = f"make_circles({m}, noise={noise}, factor={factor}), {named(seed)}"
    classes = ("outer ring", "inner ring")
    if m_test == 0:
        return Dataset("circles", X_train, Y_train, classes=classes, source=described)
    X_test, Y_test = as_columns(
        *make_circles(m_test, noise=noise, factor=factor, random_state=stream(test_seed))
    )
    source = f"{described}; test {m_test}, {named(test_seed)}"
    return Dataset("circles", X_train, Y_train, X_test, Y_test, classes=classes, source=source)
