"""The course's own functions: backward by the graph against the course's formulas written out."""

import runpy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import course
from models.course import (
    deep,
    gradient_checking,
    initialization,
    logistic,
    optimization,
    planar,
    regularization,
    steps,
)

MODULES = (logistic, planar, steps, deep, initialization, regularization, gradient_checking, optimization)
seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 5)


def case(seed, layers, m):
    random = np.random.RandomState(seed)
    parameters = {}
    for l in range(1, len(layers)):
        parameters[f"W{l}"] = random.randn(layers[l], layers[l - 1])
        parameters[f"b{l}"] = random.randn(layers[l], 1)
    return random.randn(layers[0], m), (random.rand(1, m) > 0.5) * 1, parameters


def formulas(X, Y, parameters, masks=None, keep_prob=1.0, lambd=0.0):
    """The course's backward pass for relu, ..., relu, sigmoid."""
    L, m = len(parameters) // 2, X.shape[1]
    A, Z = [X], [None]
    for l in range(1, L + 1):
        Z.append(parameters[f"W{l}"] @ A[-1] + parameters[f"b{l}"])
        A.append(np.maximum(0, Z[-1]) if l < L else 1 / (1 + np.exp(-Z[-1])))
        if masks and l < L:
            A[-1] = A[-1] * masks[l - 1] / keep_prob
    grads = {}
    dZ = A[L] - Y
    for l in range(L, 0, -1):
        grads[f"dZ{l}"] = dZ
        grads[f"dW{l}"] = dZ @ A[l - 1].T / m + lambd / m * parameters[f"W{l}"]
        grads[f"db{l}"] = dZ.sum(axis=1, keepdims=True) / m
        dA = parameters[f"W{l}"].T @ dZ
        if masks and l > 1:
            dA = dA * masks[l - 2] / keep_prob
        grads[f"dA{l - 1}"] = dA
        if l > 1:
            dZ = dA * (Z[l - 1] > 0)
    return grads


def assert_equal(ours, theirs, names):
    for name in names:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-9, atol=1e-12, err_msg=name)


@given(seed=seeds, hidden=st.lists(sizes, max_size=3), n_x=sizes, m=st.integers(1, 7))
def test_L_model_backward(seed, hidden, n_x, m):
    X, Y, parameters = case(seed, [n_x, *hidden, 1], m)
    AL, caches = steps.L_model_forward(X, parameters)
    grads = steps.L_model_backward(AL, Y, caches)
    expected = formulas(X, Y, parameters)
    assert set(grads) == {name for name in expected if not name.startswith("dZ")}
    assert_equal(grads, expected, grads)


@given(seed=seeds, n_x=sizes, n_h=sizes, m=st.integers(1, 7))
def test_planar_backward(seed, n_x, n_h, m):
    X, Y, parameters = case(seed, [n_x, n_h, 1], m)
    A2, cache = planar.forward_propagation(X, parameters)
    grads = planar.backward_propagation(parameters, cache, X, Y)
    dZ2 = A2 - Y
    dZ1 = parameters["W2"].T @ dZ2 * (1 - cache["A1"] ** 2)
    expected = {
        "dW2": dZ2 @ cache["A1"].T / m,
        "db2": dZ2.sum(axis=1, keepdims=True) / m,
        "dW1": dZ1 @ X.T / m,
        "db1": dZ1.sum(axis=1, keepdims=True) / m,
    }
    assert set(grads) == set(expected)
    assert_equal(grads, expected, expected)


@given(seed=seeds, n_x=sizes, m=st.integers(1, 7), keep_prob=st.floats(0.2, 1.0), lambd=st.floats(0.0, 3.0))
def test_three_layers_with_L2_and_with_dropout(seed, n_x, m, keep_prob, lambd):
    X, Y, parameters = case(seed, [n_x, 4, 3, 1], m)
    _, cache = regularization.forward_propagation(X, parameters)
    grads = regularization.backward_propagation(X, Y, cache)
    assert_equal(grads, formulas(X, Y, parameters), grads)

    grads = regularization.backward_propagation_with_regularization(X, Y, cache, lambd)
    assert_equal(grads, formulas(X, Y, parameters, lambd=lambd), grads)

    _, cache = regularization.forward_propagation_with_dropout(X, parameters, keep_prob, rng=seed)
    masks = (cache[1], cache[6])
    random = np.random.RandomState(seed)
    np.testing.assert_array_equal(masks[0], random.rand(4, m) < keep_prob)
    np.testing.assert_array_equal(masks[1], random.rand(3, m) < keep_prob)
    grads = regularization.backward_propagation_with_dropout(X, Y, cache, keep_prob)
    assert_equal(grads, formulas(X, Y, parameters, masks, keep_prob), grads)


@given(seed=seeds, n_x=sizes, m=st.integers(1, 7))
def test_propagate(seed, n_x, m):
    random = np.random.RandomState(seed)
    X, Y, w, b = random.randn(n_x, m), (random.rand(1, m) > 0.5) * 1, random.randn(n_x, 1), random.randn()
    grads, _ = logistic.propagate(w, b, X, Y)
    A = 1 / (1 + np.exp(-(w.T @ X + b)))
    assert_equal(grads, {"dw": X @ (A - Y).T / m, "db": (A - Y).sum() / m}, grads)


def test_a_network_that_is_sure_of_itself_has_finite_gradients():
    X, Y, parameters = case(0, [2, 3, 1], 5)
    parameters = {name: value * 1e4 for name, value in parameters.items()}
    AL, caches = steps.L_model_forward(X, parameters)
    assert np.isin(AL, (0.0, 1.0)).any()
    grads = steps.L_model_backward(AL, Y, caches)
    assert all(np.isfinite(value).all() for value in grads.values())


def test_a_cache_with_another_A_is_taken_at_that_A():
    X, Y, parameters = case(3, [2, 4, 1], 6)
    _, cache = planar.forward_propagation(X, parameters)
    other = planar.forward_propagation(X + 0.1, parameters)[1]
    cache = {**cache, "A1": other["A1"], "A2": other["A2"]}
    grads = planar.backward_propagation(parameters, cache, X, Y)
    dZ1 = parameters["W2"].T @ (other["A2"] - Y) * (1 - other["A1"] ** 2)
    np.testing.assert_allclose(grads["dW1"], dZ1 @ X.T / 6, rtol=1e-6)


@pytest.mark.parametrize("module", [course, *MODULES], ids=lambda module: module.__name__)
def test_what_is_listed_exists_and_is_documented(module):
    for name in module.__all__:
        assert getattr(module, name).__doc__, f"{module.__name__}.{name}"


class TestModels:
    """Each assignment's training function descends, and prints what the assignment prints."""

    def test_logistic(self, capsys):
        X, Y, _ = case(1, [2, 1], 30)
        d = logistic.model(X, Y, X[:, :9], Y[:, :9], num_iterations=201, learning_rate=0.1, print_cost=True)
        printed = capsys.readouterr().out
        assert printed.startswith("Cost after iteration 0: 0.693147\nCost after iteration 100: ")
        assert "train accuracy: " in printed
        assert d["costs"][2] < d["costs"][0]
        assert d["Y_prediction_test"].shape == (1, 9)

    def test_planar(self, capsys):
        X, Y = planar.load_planar_dataset()
        planar.nn_model(X, Y, 4, num_iterations=1001, print_cost=True)
        # The published costs of the assignment.
        assert capsys.readouterr().out == (
            "Cost after iteration 0: 0.693048\nCost after iteration 1000: 0.288083\n"
        )

    def test_initialization(self, capsys):
        X, Y, _, _ = initialization.load_dataset()
        initialization.model(X, Y, num_iterations=1, initialization="he")
        assert capsys.readouterr().out == "Cost after iteration 0: 0.883054\n"
        with pytest.raises(ValueError, match='"zeros", "random" or "he"'):
            initialization.model(X, Y, initialization="xavier")

    @pytest.mark.parametrize("optimizer", ["gd", "momentum", "adam"])
    def test_optimization(self, optimizer, capsys):
        X, Y = optimization.load_dataset()
        optimization.model(X, Y, [2, 5, 2, 1], optimizer, num_epochs=1)
        expected = {"gd": "0.690736", "momentum": "0.690741", "adam": "0.690552"}[optimizer]
        assert capsys.readouterr().out == f"Cost after epoch 0: {expected}\n"

    @pytest.mark.photographs("data.mat")
    @pytest.mark.parametrize(
        ("options", "cost"),
        [({}, "0.655741"), ({"lambd": 0.7}, "0.697448"), ({"keep_prob": 0.86}, "0.654391")],
    )
    def test_regularization(self, options, cost, capsys):
        X, Y, _, _ = regularization.load_2D_dataset()
        regularization.model(X, Y, num_iterations=2, **options)
        assert capsys.readouterr().out == f"Cost after iteration 0: {cost}\n"

    def test_regularization_explores_one_at_a_time(self):
        X, Y, _ = case(0, [2, 1], 5)
        with pytest.raises(ValueError, match="choose one of the two"):
            regularization.model(X, Y, lambd=0.1, keep_prob=0.5)

    @pytest.mark.photographs
    def test_deep(self, capsys):
        X, Y, X_test, Y_test, _ = deep.load_data()
        assert (X.shape, Y.shape, X_test.shape, Y_test.shape) == (
            (209, 64, 64, 3),
            (1, 209),
            (50, 64, 64, 3),
            (1, 50),
        )
        train_x = X.reshape(209, -1).T / 255
        deep.two_layer_model(train_x, Y, (12288, 7, 1), num_iterations=1, print_cost=True)
        parameters = deep.L_layer_model(train_x, Y, [12288, 20, 7, 5, 1], num_iterations=1, print_cost=True)
        deep.predict(train_x, Y, parameters)
        lines = capsys.readouterr().out.splitlines()
        assert lines[:2] == ["Cost after iteration 0: 0.693050", "Cost after iteration 0: 0.771749"]
        assert lines[2].startswith("Accuracy: 0.")


def test_vectors_and_dictionaries_are_the_same_numbers():
    _, _, parameters = case(5, [4, 5, 3, 1], 3)
    theta, keys = gradient_checking.dictionary_to_vector(parameters)
    assert theta.shape == (47, 1)
    assert keys[0] == "W1"
    assert keys[-1] == "b3"
    back = gradient_checking.vector_to_dictionary(theta)
    for name, value in parameters.items():
        np.testing.assert_array_equal(back[name], value)


def test_no_global_random_state_is_touched():
    np.random.seed(123)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    planar.initialize_parameters(2, 4, 1)
    optimization.random_mini_batches(np.zeros((2, 5)), np.zeros((1, 5)))
    X, _, parameters = case(5, [2, 20, 3, 1], 3)
    regularization.forward_propagation_with_dropout(X, parameters)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


class TestPlots:
    """Drawn on the current axes of pyplot, with the backend that needs no display."""

    @pytest.fixture(autouse=True)
    def _pyplot(self):
        import matplotlib as mpl

        mpl.use("Agg")
        from matplotlib import pyplot as plt

        yield
        plt.close("all")

    def test_decision_boundary(self):
        from matplotlib import pyplot as plt

        X, Y = planar.load_planar_dataset()
        parameters = planar.initialize_parameters(2, 4, 1)
        planar.plot_decision_boundary(lambda x: planar.predict(parameters, x.T), X, Y)
        (axes,) = plt.gcf().axes
        assert axes.collections
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("x1", "x2")

    def test_costs_and_mislabeled_images(self):
        from matplotlib import pyplot as plt

        deep.plot_costs([3.0, 2.0, 1.0], 0.1)
        assert list(plt.gca().lines[0].get_ydata()) == [3.0, 2.0, 1.0]
        plt.figure()
        y, p = np.array([[0, 1, 1]]), np.array([[1.0, 1.0, 0.0]])
        deep.print_mislabeled_images([b"non-cat", b"cat"], np.zeros((12288, 3)), y, p)
        assert [axes.get_title() for axes in plt.gcf().axes] == [
            "Prediction: cat\nClass: non-cat",
            "Prediction: non-cat\nClass: cat",
        ]


SCRIPT = """
import runpy

import numpy as np
from models.course.{module} import *

{body}
"""

# What the assignments' own cells do, after their imports.
CELLS = {
    "logistic": """
w, b, X, Y = np.array([[1.], [2.]]), 2., np.array([[1., 2.], [3., 4.]]), np.array([[1, 0]])
params, grads, costs = optimize(w, b, X, Y, num_iterations=100, learning_rate=0.009, print_cost=False)
print("w = " + str(params["w"]))
""",
    "steps": """
parameters = initialize_parameters_deep([5, 4, 3])
A, W, b = np.ones((3, 2)), np.ones((1, 3)), np.zeros((1, 1))
Z, linear_cache = linear_forward(A, W, b)
dA_prev, dW, db = linear_backward(np.array([[1., 2.]]), linear_cache)
print("dW = " + str(dW))
""",
    "optimization": """
train_X, train_Y = load_dataset()
layers_dims = [train_X.shape[0], 5, 2, 1]
parameters = model(train_X, train_Y, layers_dims, beta=0.9, optimizer="momentum", num_epochs=1)
predictions = predict(train_X, train_Y, parameters)
""",
}
PRINTED = {
    "logistic": "w = [[0.1124579 ]\n [0.23106775]]\n",
    "steps": "dW = [[1.5 1.5 1.5]]\n",
    "optimization": "Cost after epoch 0: 0.690741\nAccuracy: 0.",
}


@pytest.mark.parametrize("module", CELLS)
def test_a_script_runs_with_only_its_imports_changed(module, tmp_path, capsys):
    path = tmp_path / "assignment.py"
    path.write_text(SCRIPT.format(module=module, body=CELLS[module]))
    runpy.run_path(str(path), run_name="__main__")
    assert capsys.readouterr().out.startswith(PRINTED[module])
