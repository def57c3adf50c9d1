"""The course's random streams, and scikit-learn's generators fetched when a set is drawn."""

from __future__ import annotations

from types import ModuleType

import numpy as np

__all__ = ["Seed", "generators", "named", "stream"]

Seed = int | np.random.RandomState


def stream(seed: Seed) -> np.random.RandomState:
    """Return the random stream of a seed; a stream is passed through, to be drawn from further.

    ``RandomState(seed)`` gives the numbers that the course's ``np.random.seed(seed)`` gave, without touching
    the global stream.

    Raises
    ------
    TypeError
        If `seed` is neither an int nor a ``RandomState``.

    Examples
    --------
    >>> stream(1).randn(2)
    array([ 1.62434536, -0.61175641])
    """
    if isinstance(seed, np.random.RandomState):
        return seed
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
        raise TypeError(
            f"seed is {seed!r}; expected an int, as in np.random.seed(1), or a np.random.RandomState to draw "
            "from"
        )
    return np.random.RandomState(seed)


def named(seed: Seed) -> str:
    """Say which stream a set was drawn from.

    Examples
    --------
    >>> named(3), named(np.random.RandomState(3))
    ('seed 3', 'a stream that was passed in')
    """
    return "a stream that was passed in" if isinstance(seed, np.random.RandomState) else f"seed {seed}"


def generators() -> ModuleType:
    """Return ``sklearn.datasets``; it is imported when a set is drawn, for it takes a second.

    Raises
    ------
    ModuleNotFoundError
        If scikit-learn is not installed; the message says how to install it.
    """
    try:
        import sklearn.datasets
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "this data set is drawn by scikit-learn, which is not installed: pip install scikit-learn, or "
            'pip install -e ".[course]" in a clone'
        ) from error
    module: ModuleType = sklearn.datasets
    return module
