"""What every loader returns: a frozen container in the course's names and orientation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Array", "Dataset", "as_columns"]

Array = NDArray[np.float64]


def as_columns(rows: ArrayLike, labels: ArrayLike) -> tuple[Array, Array]:
    """Turn m rows of features and m labels into the course's X (n_x, m) and Y (1, m).

    The course's files and generators keep examples as rows and labels as uint8 or int64. Unsigned labels are
    a trap: ``-Y`` of a uint8 1 is 255, not -1. So both are cast to float64.

    Parameters
    ----------
    rows : array_like, shape (m, ...)
        One example a row; pictures are flattened in C order, as the course's ``reshape(m, -1)`` does.
    labels : array_like of m numbers
        In any shape.

    Returns
    -------
    X : ndarray, shape (n_x, m)
        A transposed view, so X lies in memory as the course's ``.T`` does and products round alike.
    Y : ndarray, shape (1, m)

    Examples
    --------
    >>> X, Y = as_columns([[1, 2], [3, 4], [5, 6]], np.array([0, 1, 1], dtype="uint8"))
    >>> X.shape, Y.shape, -Y
    ((2, 3), (1, 3), array([[-0., -1., -1.]]))
    """
    features = np.asarray(rows, dtype=np.float64)
    X = features.reshape(features.shape[0], -1).T
    Y = np.asarray(labels, dtype=np.float64).reshape(1, -1)
    return X, Y


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """A data set of the course: examples are columns, arrays are float64, labels are 0 and 1.

    A set without a test part (the course trains and scores flower and moons on the same points) has test
    arrays of zero columns, and ``has_test`` is False.

    Parameters
    ----------
    name : str
        The module that loaded it: ``"cats"``, ``"flower"``, ...
    X_train, Y_train : ndarray, shapes (n_x, m) and (1, m)
    X_test, Y_test : ndarray, shapes (n_x, m_test) and (1, m_test), optional
    classes : tuple of two str
        What label 0 and label 1 mean.
    source : str
        Where the numbers came from: a folder, a generator with its seed.
    picture_shape : tuple of int, optional
        For pictures, the shape one column is flattened from.
    verified : bool
        True where the files read have the checksums of the course's own files, which is what published
        figures are about.

    Raises
    ------
    ValueError
        If the shapes do not fit together or a label is neither 0 nor 1.

    Examples
    --------
    >>> from datasets import circles
    >>> data = circles.load()
    >>> data
    <Dataset circles: X_train (2, 300), Y_train (1, 300), X_test (2, 100), Y_test (1, 100)>
    >>> data.m, data.n_x, data.has_test
    (300, 2, True)
    """

    name: str
    X_train: Array
    Y_train: Array
    X_test: Array = field(default_factory=lambda: np.empty((0, 0)))
    Y_test: Array = field(default_factory=lambda: np.empty((1, 0)))
    classes: tuple[str, str] = ("0", "1")
    source: str = ""
    picture_shape: tuple[int, ...] | None = None
    verified: bool = False

    def __post_init__(self) -> None:
        if self.X_test.size == 0:
            object.__setattr__(self, "X_test", np.empty((self.X_train.shape[0], 0)))
            object.__setattr__(self, "Y_test", np.empty((1, 0)))
        for part in ("train", "test"):
            X, Y = getattr(self, f"X_{part}"), getattr(self, f"Y_{part}")
            if X.ndim != 2 or Y.shape != (1, X.shape[1]):
                raise ValueError(
                    f"{self.name}: X_{part} is {X.shape} and Y_{part} is {Y.shape}; expected (n_x, m) "
                    "and (1, m), examples as columns"
                )
            if X.shape[0] != self.X_train.shape[0]:
                raise ValueError(
                    f"{self.name}: X_train has {self.X_train.shape[0]} features and X_test has {X.shape[0]}"
                )
            if not np.isin(Y, (0.0, 1.0)).all():
                raise ValueError(
                    f"{self.name}: Y_{part} holds {np.setdiff1d(Y, (0.0, 1.0))[0]}; labels are 0 and 1"
                )
        if self.picture_shape is not None and int(np.prod(self.picture_shape)) != self.n_x:
            raise ValueError(
                f"{self.name}: a column has {self.n_x} numbers, a picture of {self.picture_shape} "
                f"{int(np.prod(self.picture_shape))}"
            )

    @property
    def n_x(self) -> int:
        """Number of features: rows of X_train."""
        return int(self.X_train.shape[0])

    @property
    def m(self) -> int:
        """Number of training examples: columns of X_train."""
        return int(self.X_train.shape[1])

    @property
    def has_test(self) -> bool:
        """Whether there is a test part."""
        return bool(self.X_test.shape[1] > 0)

    @property
    def X(self) -> Array:
        """X_train, for a set without a test part."""
        self._only_part("X")
        return self.X_train

    @property
    def Y(self) -> Array:
        """Y_train, for a set without a test part."""
        self._only_part("Y")
        return self.Y_train

    def _only_part(self, letter: str) -> None:
        if self.has_test:
            raise AttributeError(
                f"{self.name} has a training and a test part: say {letter}_train or {letter}_test, "
                f"not {letter}"
            )

    def picture(self, example: int, part: str = "train") -> NDArray[Any]:
        """Return one example as the picture it was flattened from.

        Parameters
        ----------
        example : int
            The column.
        part : {"train", "test"}

        Returns
        -------
        ndarray of ``picture_shape``, values in [0, 1], as matplotlib's ``imshow`` takes it

        Raises
        ------
        ValueError
            If the examples are no pictures, or `part` is neither of the two.
        IndexError
            If there is no such column.

        Examples
        --------
        >>> from datasets import digits
        >>> digits.load(digit=3).picture(0).shape
        (8, 8)
        """
        if self.picture_shape is None:
            raise ValueError(f"{self.name}: the examples are points of {self.n_x} numbers, not pictures")
        if part not in ("train", "test"):
            raise ValueError(f'part is {part!r}; expected "train" or "test"')
        X: Array = self.X_train if part == "train" else self.X_test
        if not -X.shape[1] <= example < X.shape[1]:
            raise IndexError(
                f"{self.name}: X_{part} has {X.shape[1]} pictures, there is no picture {example}"
            )
        return X[:, example].reshape(self.picture_shape)

    def summary(self) -> str:
        """Describe the set in a few lines: shapes, range of the features, how many of each class, source.

        Examples
        --------
        >>> from datasets import moons
        >>> print(moons.load().summary())
        moons: 300 training examples of 2 features
          X_train (2, 300)        from -1.3 to 2.2
          Y_train (1, 300)        150 of class 0 (outer moon), 150 of class 1 (inner moon)
          source: make_moons(300, noise=0.2), seed 3
        """
        tested = f" and {self.X_test.shape[1]} test" if self.has_test else ""
        lines = [f"{self.name}: {self.m} training{tested} examples of {self.n_x} features"]
        for part in ("train", "test") if self.has_test else ("train",):
            X, Y = getattr(self, f"X_{part}"), getattr(self, f"Y_{part}")
            counts = [f"{int((k == Y).sum())} of class {k} ({name})" for k, name in enumerate(self.classes)]
            bounds = f"from {X.min():.3g} to {X.max():.3g}" if X.size else "empty"
            lines.append(f"  {f'X_{part} {X.shape}':<24}{bounds}")
            lines.append(f"  {f'Y_{part} {Y.shape}':<24}{', '.join(counts)}")
        return "\n".join([*lines, f"  source: {self.source}"])

    def __repr__(self) -> str:
        parts = [f"X_train {self.X_train.shape}", f"Y_train {self.Y_train.shape}"]
        parts += (
            [f"X_test {self.X_test.shape}", f"Y_test {self.Y_test.shape}"]
            if self.has_test
            else ["no test part"]
        )
        return f"<Dataset {self.name}: {', '.join(parts)}>"
