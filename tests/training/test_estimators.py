"""Networks as estimators of scikit-learn's: its own checks, its tools, and the course's network inside."""

from __future__ import annotations

import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", minversion="1.6")

from sklearn.base import clone
from sklearn.datasets import load_iris, make_moons, make_regression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from tinygrad_course.training import Adam, Network
from tinygrad_course.training.estimators import NetworkClassifier, NetworkRegressor


# Array API input is checked where SCIPY_ARRAY_API is set, and skipped elsewhere by scikit-learn itself.
@pytest.mark.sampled(18)
@parametrize_with_checks(  # nothing is expected to fail
    [NetworkClassifier(), NetworkRegressor(), NetworkClassifier(batch_norm=True)]
)
def test_scikit_learns_own_checks(estimator: Any, check: Any) -> None:
    with np.errstate(all="ignore"):
        check(estimator)


@pytest.mark.long
def test_a_pipeline_and_a_grid_search() -> None:
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    pipeline = make_pipeline(StandardScaler(), NetworkClassifier((8,), epochs=80, random_state=0))
    grid = {"networkclassifier__learning_rate": [1e-4, 0.05], "networkclassifier__lambd": [0.0, 0.1]}
    search = GridSearchCV(pipeline, grid, cv=3, n_jobs=2).fit(X, names)
    assert search.best_params_["networkclassifier__learning_rate"] == 0.05
    assert search.best_score_ > 0.9
    assert set(search.predict(X)) == set(names)
    np.testing.assert_allclose(search.predict_proba(X).sum(axis=1), 1.0, rtol=1e-12)
    assert cross_val_score(clone(pipeline), X, y, cv=3).min() < search.best_score_


def test_inside_is_the_network_in_columns() -> None:
    X, y = make_moons(60, noise=0.2, random_state=1)
    classifier = NetworkClassifier((6,), "tanh", optimizer=Adam(0.05), epochs=30, random_state=4).fit(X, y)
    network = Network([2, 6, 1], "tanh", optimizer=Adam(0.05), seed=4).fit(X.T, y.reshape(1, -1), epochs=30)
    for name, W in network.parameters.items():
        np.testing.assert_array_equal(classifier.network_.parameters[name], W)
    np.testing.assert_array_equal(classifier.predict(X), network.predict(X.T)[0])
    assert classifier.history_ == network.history
    again = pickle.loads(pickle.dumps(classifier))  # noqa: S301
    np.testing.assert_array_equal(again.predict_proba(X), classifier.predict_proba(X))


def test_without_hidden_layers_it_is_linear_regression() -> None:
    X, y = make_regression(50, 3, random_state=0)
    X, y = (X - X.mean(0)) / X.std(0), y / y.std()
    ours = NetworkRegressor((), optimizer="gradient descent", learning_rate=0.3, epochs=400).fit(X, y)
    theirs, *_ = np.linalg.lstsq(np.column_stack([X, np.ones(50)]), y, rcond=None)
    np.testing.assert_allclose(ours.network_.parameters["W1"][0], theirs[:3], atol=1e-8)
    both = NetworkRegressor((5,), epochs=50, random_state=0).fit(X, np.column_stack([y, -y]))
    assert both.predict(X).shape == (50, 2)
    assert ours.predict(X).shape == (50,)


def test_early_stopping_holds_a_part_out() -> None:
    X, y = make_moons(120, noise=0.3, random_state=1)
    classifier = NetworkClassifier((16,), learning_rate=0.05, epochs=2000, early_stopping=10, random_state=0)
    classifier.fit(X, y)
    held = classifier.history_["validation_cost"]
    assert len(held) < 2000
    assert len(held) - 1 - int(np.argmin(held)) == 10
    regressor = clone(NetworkRegressor((16,), epochs=500, early_stopping=5, random_state=0)).fit(X, X[:, 0])
    assert "validation_cost" in regressor.history_


@pytest.mark.long
def test_without_scikit_learn_the_message_says_what_to_install() -> None:
    program = (
        "import sys\nsys.modules['sklearn'] = None\nimport tinygrad_course.training\n"
        "import tinygrad_course.training.estimators"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert 'pip install "scikit-learn>=1.6"' in done.stderr
    plain = "import sys, tinygrad_course.training as t; t.Network; print('sklearn' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", plain], text=True) == "False\n"


def test_one_hidden_layer_is_a_number() -> None:
    X = np.linspace(-1, 1, 20).reshape(-1, 1)
    one, listed = (NetworkRegressor(n, epochs=3, random_state=0).fit(X, X[:, 0]) for n in (4, (4,)))
    np.testing.assert_array_equal(one.predict(X), listed.predict(X))
