"""Networks as scikit-learn has its estimators: rows are examples, ``clone``, ``Pipeline``, ``GridSearchCV``.

Here X is (m, n_x) and y is (m,), as scikit-learn has them; the library's own functions keep the course's
columns. This module needs scikit-learn 1.6 or later, which the extra ``course`` brings.
"""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from tinygrad_course.engine.trees import Array
from tinygrad_course.training.descent import Optimizer, by_name
from tinygrad_course.training.initialization import Draw
from tinygrad_course.training.network import Network
from tinygrad_course.training.runs import EarlyStopping

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.model_selection import train_test_split
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data
except ImportError as error:
    raise ImportError(
        "NetworkClassifier and NetworkRegressor need scikit-learn 1.6 or later: "
        'python -m pip install "scikit-learn>=1.6"'
    ) from error


@dataclass(eq=False, repr=False)
class _NetworkEstimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """What the classifier and the regressor have in common: the parameters, and training."""

    hidden_layers: Sequence[int] | int = (32,)
    activation: str = "relu"
    _: KW_ONLY
    init: str | Draw = "he"
    lambd: float = 0.0
    keep_prob: float | Sequence[float] = 1.0
    batch_norm: bool | Sequence[bool] = False
    optimizer: Optimizer | str = "Adam"
    learning_rate: float | None = None
    epochs: int = 200
    batch_size: int | None = None
    early_stopping: EarlyStopping | int | None = None
    validation_fraction: float = 0.1
    compile: bool | str = "auto"
    random_state: Any = None
    if TYPE_CHECKING:
        network_: Network

    def _train(self, X: Array, Y: Array, last: str, strata: Array | None = None) -> Self:
        """Train on rows; Y has a row for each, or is (m,)."""
        rng = check_random_state(self.random_state)
        n_L = 1 if Y.ndim == 1 else Y.shape[1]
        if last == "softmax":
            n_L = int(Y.max()) + 1
        hidden, optimizer = np.atleast_1d(self.hidden_layers).tolist(), by_name(self.optimizer)
        if self.learning_rate is not None:
            optimizer = replace(optimizer, learning_rate=self.learning_rate)  # type: ignore[type-var]
        self.network_ = Network(
            [X.shape[1], *hidden, n_L],
            [self.activation] * len(hidden) + [last],
            **{name: getattr(self, name) for name in ("init", "lambd", "keep_prob", "batch_norm")},
            optimizer=optimizer,
            seed=rng,
        )
        validation = None
        if self.early_stopping is not None:
            X, X_held, Y, Y_held = train_test_split(
                X, Y, test_size=self.validation_fraction, random_state=rng, stratify=strata
            )
            validation = (X_held.T, _columns(Y_held))
        self.network_.fit(
            X.T, _columns(Y), epochs=self.epochs,
            batch_size=None if self.batch_size is None else min(self.batch_size, len(X)),
            validation=validation, early_stopping=self.early_stopping, show=False, compile=self.compile,
        )  # fmt: skip
        return self

    def _output(self, X: ArrayLike) -> Array:
        """Return the last layer's output, a row for each example."""
        check_is_fitted(self)
        rows = validate_data(self, X, reset=False, dtype=np.float64)
        return self.network_.predict_proba(rows.T).T

    @property
    def history_(self) -> dict[str, list[float]]:
        """The costs of the training, see `Run`."""
        check_is_fitted(self)
        return self.network_.history


_PARAMETERS = """
    Parameters
    ----------
    hidden_layers : sequence of int, or int
        The sizes of the hidden layers; () for none: logistic or linear regression.
    activation : str
        Of the hidden layers: "relu", "tanh", "sigmoid", "leaky_relu", "identity".
    init, lambd, keep_prob, batch_norm
        As of `Network`.
    optimizer : str or Optimizer
        "Adam", or one such as ``Adam(0.01)``.
    learning_rate : float, optional
        Takes the place of the optimiser's: what a grid search varies.
    epochs, batch_size, compile
        As of `fit`.
    early_stopping : EarlyStopping or int, optional
        Hold out a part of the examples, end after so many epochs that did not lower its cost, and keep the
        best parameters.
    validation_fraction : float
        How large that part is.
    random_state : int, RandomState or None
        Where the first parameters, the shuffling and dropout come from.
"""


class NetworkClassifier(ClassifierMixin, _NetworkEstimator):  # type: ignore[misc]  # noqa: D101
    __doc__ = f"""A `Network` that tells classes apart, as an estimator of scikit-learn's.

    Two classes have a sigmoid at the end, more have a softmax; labels may be numbers or text.
{_PARAMETERS}
    Attributes
    ----------
    classes_ : ndarray
    network_ : Network
        In the course's columns.
    history_ : dict of str to list of float

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> X, y = load_iris(return_X_y=True)
    >>> classifier = NetworkClassifier((8,), learning_rate=0.05, epochs=60, random_state=0)
    >>> bool(cross_val_score(make_pipeline(StandardScaler(), classifier), X, y, cv=3).mean() > 0.9)
    True
    """

    classes_: Array

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Train from fresh parameters on rows X (m, n_x) and labels y (m,)."""
        rows, labels = validate_data(self, X, y, dtype=np.float64)
        labels = column_or_1d(labels, warn=True)
        check_classification_targets(labels)
        self.classes_, classes = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"there is one class only, {self.classes_.tolist()}; a classifier needs more")
        last = "sigmoid" if len(self.classes_) == 2 else "softmax"
        return self._train(rows, classes, last, strata=classes)

    def predict_proba(self, X: ArrayLike) -> Array:
        """Return the probability of each class, (m, classes)."""
        A = self._output(X)
        return np.hstack([1 - A, A]) if len(self.classes_) == 2 else A

    def predict(self, X: ArrayLike) -> Array:
        """Return the likeliest class of each row, (m,)."""
        likeliest = np.argmax(self.predict_proba(X), axis=1)
        chosen: Array = self.classes_[likeliest]
        return chosen


class NetworkRegressor(RegressorMixin, _NetworkEstimator):  # type: ignore[misc]  # noqa: D101
    __doc__ = f"""A `Network` that predicts numbers, as an estimator of scikit-learn's.

    Its cost is the mean squared error. Scale y to about 1, or raise the learning rate: the network begins at
    outputs of about that size (`sklearn.compose.TransformedTargetRegressor` does it).
{_PARAMETERS}
    Attributes
    ----------
    network_ : Network
        In the course's columns.
    history_ : dict of str to list of float

    Examples
    --------
    >>> X = np.linspace(-1, 1, 40).reshape(-1, 1)
    >>> regressor = NetworkRegressor((16,), "tanh", learning_rate=0.03, epochs=400, random_state=0)
    >>> bool(regressor.fit(X, X.ravel() ** 2).score(X, X.ravel() ** 2) > 0.95)
    True
    """

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Train from fresh parameters on rows X (m, n_x) and numbers y, (m,) or (m, n)."""
        rows, values = validate_data(self, X, y, dtype=np.float64, multi_output=True, y_numeric=True)
        self._flat = values.ndim == 1
        return self._train(rows, np.asarray(values, dtype=np.float64), "identity")

    def predict(self, X: ArrayLike) -> Array:
        """Return a number for each row, (m,), or several, (m, n), as y was."""
        A = self._output(X)
        return A.ravel() if self._flat else A

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def _columns(Y: Array) -> Array:
    return Y.reshape(1, -1) if Y.ndim == 1 else Y.T
