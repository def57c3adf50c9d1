"""Costs beyond the course's: from labels, for margins, for hard examples, for real numbers.

Each is the mean over the examples, the columns; logits and probabilities are (n, m), one row a class.
Labels are 0, 1, ..., n - 1, of shape (m,) or (1, m), or one-hot, of the logits' shape.
"""

from typing import Any

import numpy as np
from scipy import special

from tinygrad_course.functions.activations import log_softmax
from tinygrad_course.functions.costs import softmax_cross_entropy
from tinygrad_course.rules.shapes import inexact


def _of_labels(x: Any, labels: Any) -> Any:
    """Return the element of each column that its label names, (m,)."""
    if not hasattr(labels, "dtype"):
        labels = np.asarray(labels)
    if len(x.shape) != 2 or 0 in x.shape:
        raise ValueError(f"expected (n, m), one row a class and one column an example, not {x.shape}")
    n, m = x.shape
    if labels.dtype.kind not in "iu" or labels.shape not in ((m,), (1, m)):
        raise ValueError(
            f"the labels are {labels.dtype} of shape {labels.shape}; expected whole numbers 0 to {n - 1}, "
            f"({m},) or (1, {m}), one for each column of {x.shape}"
        )
    if type(labels) is np.ndarray and not 0 <= labels.min() <= labels.max() < n:
        raise ValueError(
            f"there are {n} classes, 0 to {n - 1}; the labels go from {labels.min()} to {labels.max()}"
        )
    return x[labels if len(labels.shape) == 1 else labels.reshape(-1), np.arange(m)]


def _alike(A: Any, Y: Any, names: str) -> None:
    if np.shape(A) != np.shape(Y):
        raise ValueError(f"{names} are {np.shape(A)} and {np.shape(Y)}; expected one shape")
    if 0 in np.shape(A):
        raise ValueError(
            f"the cost is a mean over the examples, and there are none: {names} are {np.shape(A)}"
        )


def cross_entropy(Z: Any, labels: Any) -> Any:
    """Return -mean(log softmax(Z)[label]), from the logits.

    Parameters
    ----------
    Z : array, shape (n, m)
    labels : array of int, shape (m,) or (1, m); or one-hot, shape (n, m)

    Raises
    ------
    ValueError
        If shapes do not fit, or a label is no class.

    Examples
    --------
    >>> Z = np.array([[1e4, 0.0], [0.0, 0.0]])
    >>> print(cross_entropy(Z, [0, 1]).round(6), cross_entropy(Z, np.eye(2)).round(6))
    0.346574 0.346574
    """
    one_row = Z.shape[0] == 1 and getattr(labels, "dtype", np.dtype(float)).kind != "f"
    if np.shape(labels) == Z.shape and not one_row:
        return softmax_cross_entropy(Z, labels)
    return negative_log_likelihood(log_softmax(Z), labels)


def negative_log_likelihood(log_probabilities: Any, labels: Any) -> Any:
    """Return the mean of -log_probabilities[label].

    Parameters
    ----------
    log_probabilities : array, shape (n, m)
        Such as `log_softmax` returns.
    labels : array of int, shape (m,) or (1, m)

    Examples
    --------
    >>> print(negative_log_likelihood(np.log([[0.5, 0.25], [0.5, 0.75]]), [0, 1]).round(6))
    0.490415
    """
    return -np.mean(_of_labels(log_probabilities, labels))


def focal(Z: Any, labels: Any, gamma: float = 2.0, alpha: float = 1.0) -> Any:
    """Return -mean(alpha (1 - p)^gamma log p), p = softmax(Z)[label]: easy examples weigh less.

    Notes
    -----
    Lin et al. (2017). With gamma = 0 it is `cross_entropy`.

    Examples
    --------
    >>> print(focal(np.zeros((2, 1)), [0]).round(6))
    0.173287
    """
    if gamma < 0:
        raise ValueError(f"gamma is {gamma}; expected a number that is not negative")
    log_p = _of_labels(log_softmax(Z), labels)
    if gamma == 0:
        return -alpha * np.mean(log_p)
    missed = -np.expm1(log_p)  # 1 - p
    some = missed > 0  # elsewhere cost and slope are 0: the power's own is infinite below gamma = 1
    return -alpha * np.mean(np.where(some, np.where(some, missed, 1.0) ** gamma, 0.0) * log_p)


def hinge(Z: Any, labels: Any, margin: float = 1.0) -> Any:
    """Return the mean over the examples of sum(max(0, Z - Z[label] + margin)), over the other classes.

    Notes
    -----
    The multiclass hinge of Weston and Watkins (1999).

    Examples
    --------
    >>> print(hinge(np.array([[2.0, 0.0], [0.5, 0.0]]), [0, 1]))
    0.5
    """
    Z = inexact(Z)
    own = _of_labels(Z, labels)
    return np.sum(np.maximum(0, Z - own + margin)) / Z.shape[1] - margin


def margin_ranking(x1: Any, x2: Any, y: Any, margin: float = 0.0) -> Any:
    """Return mean(max(0, margin - y (x1 - x2))): y = 1 wants x1 above x2, y = -1 below.

    Examples
    --------
    >>> print(margin_ranking(np.array([3.0, 1.0]), np.array([1.0, 2.0]), 1, margin=0.5))
    0.75
    """
    _alike(x1, x2, "x1 and x2")
    if isinstance(y, (int, float, np.ndarray)) and np.any(np.abs(y) != 1):
        raise ValueError(f"y is {y}; expected 1 or -1")
    return np.mean(np.maximum(0, margin - y * (inexact(x1) - x2)))


def mean_squared_error(A: Any, Y: Any) -> Any:
    """Return mean((A - Y)^2), over all entries.

    Examples
    --------
    >>> print(mean_squared_error(np.array([1.0, 2.0]), np.array([0.0, 2.0])))
    0.5
    """
    _alike(A, Y, "A and Y")
    return np.mean(np.square(inexact(A) - Y))


def huber(A: Any, Y: Any, delta: float = 1.0) -> Any:
    """Return the mean of (A - Y)^2 / 2 where |A - Y| <= delta, else of delta (|A - Y| - delta / 2).

    Examples
    --------
    >>> print(huber(np.array([0.5, 3.0]), np.array([0.0, 0.0])))
    1.3125
    """
    _alike(A, Y, "A and Y")
    return np.mean(special.huber(delta, inexact(A) - Y))
