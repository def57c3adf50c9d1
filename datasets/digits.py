"""Handwritten digits, one against the rest: real pictures that scikit-learn carries, without a download."""

from __future__ import annotations

import numpy as np

from datasets.container import Dataset, as_columns
from datasets.streams import Seed, generators, named, stream

__all__ = ["load"]


def load(digit: int = 0, seed: Seed = 0, m_test: int = 360) -> Dataset:
    """Load the 1,797 pictures of 8 x 8 pixels, labelled 1 where they show `digit`.

    Parameters
    ----------
    digit : int
        0 to 9, the one to tell from the rest.
    seed : int or RandomState
        Shuffles the pictures before the last `m_test` become the test part.
    m_test : int
        Number of test pictures, 0 to 1,796.

    Returns
    -------
    Dataset
        X_train (64, 1437) and X_test (64, 360), the sixteen shades of grey scaled to [0, 1]; Y_train, Y_test.

    Raises
    ------
    ModuleNotFoundError
        If scikit-learn is not installed.
    ValueError
        If `digit` or `m_test` is out of range.

    Notes
    -----
    E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998.

    Examples
    --------
    >>> data = load(digit=7)
    >>> data
    <Dataset digits: X_train (64, 1437), Y_train (1, 1437), X_test (64, 360), Y_test (1, 360)>
    >>> data.classes
    ('not 7', '7')
    """
    if isinstance(digit, bool) or digit not in range(10):
        raise ValueError(f"digit is {digit!r}; expected one of 0 to 9")
    pictures = generators().load_digits()
    total = len(pictures.target)
    if not 0 <= m_test < total:
        raise ValueError(f"m_test is {m_test}; there are {total} pictures, so expected 0 to {total - 1}")
    X, Y = as_columns(pictures.data / 16, pictures.target == digit)
    train, test = np.split(stream(seed).permutation(total), [total - m_test])
    return Dataset(
        "digits",
        X[:, train],
        Y[:, train],
        X[:, test],
        Y[:, test],
        classes=(f"not {digit}", f"{digit}"),
        source=f"scikit-learn's load_digits, shuffled with {named(seed)}",
        picture_shape=(8, 8),
    )
