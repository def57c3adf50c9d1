"""Right code that means something else than the course's is not called wrong; a mistake in it is."""

import functools

import pytest

from tinygrad_course.audit.command.one_file import audit_text
from tinygrad_course.audit.reporting.results import RIGHT, UNCHECKED, WRONG

FORWARD = """import numpy as np
def forward_propagation(X, parameters{more}):
    {first}
    Z1 = np.dot(parameters["W1"], X) + parameters["b1"]
    A1 = np.maximum(0, Z1)
    {then}
    Z2 = np.dot(parameters["W2"], A1) + parameters["b2"]
    A2 = 1 / (1 + np.exp(-Z2))
    return A2, (X, Z1, A1, Z2, A2)
"""
OTHERWISE = {
    "dropout": ("", "q = 0.8", "A1 = A1 * (np.random.rand(*A1.shape) < q) / q"),
    "a generator": (
        ", p=0.2, rng=np.random.default_rng(0)",
        "",
        "A1 *= rng.random(A1.shape) > p",
    ),
    "noise": (", noise=0.1", "X = X + noise * np.random.randn(*X.shape)", ""),
    "standardised": (
        "",
        "X = (X - X.mean(1, keepdims=True)) / (X.std(1, keepdims=True) + 1e-8)",
        "",
    ),
    "pixels": ("", "X = X / 255.0", ""),
    "a scale": (", scale=0.5", "X = X * scale", ""),
    "a skip": (", weight=0.5", "", "A1 = A1 + weight * np.tanh(Z1)"),
}
FUNCTIONS = {
    "a temperature": """
def softmax(z, temperature=2.0):
    e = np.exp(z / temperature - np.max(z / temperature, axis=0, keepdims=True))
    return e / e.sum(axis=0, keepdims=True)
""",
    "a slope": """
def sigmoid(z, k=1.5):
    return 1 / (1 + np.exp(-k * z))
""",
    "clipping": """
def update_parameters(parameters, grads, learning_rate=0.1):
    for k in parameters:
        parameters[k] = parameters[k] - learning_rate * np.clip(grads["d" + k], -0.1, 0.1)
    return parameters
""",
}


FUNCTIONS |= {
    "a leak": """
def relu(z):
    return np.where(z > 0, z, 0.01 * z)
""",
    "weight decay": """
def update_parameters(parameters, grads, learning_rate=0.1, decay=0.01):
    step = lambda k, v: learning_rate * (decay * v + grads["d" + k])
    return {k: v - step(k, v) for k, v in parameters.items()}
""",
    "a threshold": """
def predict(X, parameters, threshold=0.3):
    A1 = np.tanh(parameters["W1"] @ X + parameters["b1"])
    return (1 / (1 + np.exp(-(parameters["W2"] @ A1 + parameters["b2"]))) > threshold) * 1
""",
}

PROPAGATE = {
    "cross-entropy": """
def propagate(w, b, X, Y):
    A = 1 / (1 + np.exp(-(w.T @ X + b)))
    cost = -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    return {"dw": X @ (A - Y).T / X.shape[1], "db": np.mean(A - Y)}, cost
""",
    "squares": """
def propagate(w, b, X, Y):
    A = w.T @ X + b
    return {"dw": X @ (A - Y).T / X.shape[1], "db": np.mean(A - Y)}, np.mean((A - Y) ** 2) / 2
""",
    "hinge": """
def propagate(w, b, X, Y):
    S = 2 * Y - 1
    margin = np.maximum(0, 1 - S * (w.T @ X + b))
    g = -S * (margin > 0) / X.shape[1]
    return {"dw": X @ g.T, "db": np.sum(g)}, np.mean(margin)
""",
}
OPTIMIZE = """
def optimize(w, b, X, Y, num_iterations=100, learning_rate=0.01, decay={decay}):
    for i in range(num_iterations):
        grads, cost = propagate(w, b, X, Y)
        w = w - {rate} * grads["dw"]
        b = b - {rate} * grads["db"]
    return {{"w": w, "b": b}}, grads, [cost]
"""


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_propagate_of_its_own_cost_is_right(seed):
    (found,) = audit_text("import numpy as np" + PROPAGATE["hinge"], seed).functions
    assert found.status == "right"


@pytest.mark.long
@pytest.mark.parametrize(
    ("cost", "decay", "rate"),
    [
        ("squares", "0.99", "learning_rate * decay ** i"),
        ("cross-entropy", "1.0", "learning_rate / (1 + decay * i)"),
    ],
)
def test_a_decay_of_the_learning_rate_is_no_mistake(cost, decay, rate):
    found = statuses("import numpy as np" + PROPAGATE[cost] + OPTIMIZE.format(decay=decay, rate=rate))
    assert found["propagate"] == "right"
    assert found["optimize"] != "wrong"


DROPOUT = """import numpy as np
KEEP = 0.7
def forward_propagation(X, parameters, training=True):
    Z1 = parameters["W1"] @ X + parameters["b1"]
    A1 = np.maximum(0, Z1)
    D1 = np.ones_like(A1)
    if training:
        D1 = (np.random.rand(*A1.shape) < KEEP) / KEEP
    A1 = A1 * D1
    Z2 = parameters["W2"] @ A1 + parameters["b2"]
    A2 = 1 / (1 + np.exp(-Z2))
    return A2, {"Z1": Z1, "D1": D1, "A1": A1, "Z2": Z2, "A2": A2}
def backward_propagation(parameters, cache, X, Y):
    m = X.shape[1]
    dZ2 = cache["A2"] - Y
    dA1 = parameters["W2"].T @ dZ2 * cache["D1"]
    dZ1 = dA1 * (cache["Z1"] > 0)
    return {"dW1": dZ1 @ X.T / m, "db1": dZ1.sum(axis=1, keepdims=True) / m,
            "dW2": dZ2 @ cache["A1"].T / m, "db2": dZ2.sum(axis=1, keepdims=True) / m}
"""


@pytest.mark.long
def test_the_mask_of_its_own_forward_pass_is_asked_for():
    assert set(statuses(DROPOUT).values()) == {"right"}
    report = audit_text(DROPOUT.replace(' * cache["D1"]', ""))
    (wrong,) = [one for one in report.functions if one.status == "wrong"]
    assert wrong.name == "backward_propagation"
    assert "D1" in wrong.findings[0].suggestion


@functools.cache
def statuses(text):
    return {one.name: one.status for one in audit_text(text).functions}


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", OTHERWISE)
def test_a_forward_pass_of_another_meaning_is_not_checked(name):
    more, first, then = OTHERWISE[name]
    text = FORWARD.format(more=more, first=first or "pass", then=then or "pass")
    assert statuses(text) == {"forward_propagation": "unchecked"}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_of_another_meaning_is_not_checked(name):
    report = audit_text("import numpy as np" + FUNCTIONS[name])
    assert [one.status for one in report.functions] == ["unchecked"]
    assert report.problem == "nothing in it could be judged"


@pytest.mark.parametrize(
    ("more", "first", "then"),
    [
        ("", "X = X + 0.1", "pass"),
        (", scale=1.0", "X = X * scale", "A1 = A1 * 2"),
        ("", "pass", "A1 = A1 / X.shape[1]"),
        (", seed=1", "pass", "A1 = A1 * 1.5"),
    ],
)
def test_a_mistake_beside_it_is_one(more, first, then):
    assert statuses(FORWARD.format(more=more, first=first, then=then)) == {"forward_propagation": "wrong"}


LAYERS = """from dataclasses import dataclass
import numpy as np
from numpy.typing import NDArray
Array = NDArray[np.float64]
class Layer:
    def forward(self, x: Array) -> Array: raise NotImplementedError
    def backward(self, grad: Array) -> Array: raise NotImplementedError
class Dense(Layer):
    def __init__(self, n_in, n_out, seed=0):
        self.W = np.random.default_rng(seed).standard_normal((n_out, n_in))
        self.b = np.zeros((n_out, 1))
    def forward(self, x: Array) -> Array:
        self.x = x
        return self.W @ x + self.b
    def backward(self, grad: Array) -> Array:
        self.dW = grad @ self.x.T
        self.db = grad.sum(axis=1, keepdims=True)
        return self.W.T @ grad
class ReLU(Layer):
    def forward(self, x: Array) -> Array:
        self.mask = x > 0
        return x * self.mask
    def backward(self, grad: Array) -> Array:
        return grad * (grad > 0)
class Loss:
    def forward(self, z, y):
        self.y, self.m = y, y.shape[1]
        self.a = 1 / (1 + np.exp(-z))
        return -np.sum(y * np.log(self.a) + (1 - y) * np.log(1 - self.a)) / self.m
    def backward(self):
        return (self.a - self.y) / self.m
class Net:
    def __init__(self, sizes):
        self.layers = []
        for i in range(len(sizes) - 1):
            self.layers.append(Dense(sizes[i], sizes[i + 1], i))
            if i < len(sizes) - 2:
                self.layers.append(ReLU())
        self.loss = Loss()
    def forward(self, x, y):
        for layer in self.layers:
            x = layer.forward(x)
        return self.loss.forward(x, y)
    def backward(self):
        g = self.loss.backward()
        for layer in reversed(self.layers):
            g = layer.backward(g)
        return g
"""


@pytest.mark.long
def test_a_network_is_not_wrong_by_a_layer_of_its_own_and_a_base_class_has_nothing_to_fill_in():
    found = statuses(LAYERS)
    assert found["ReLU.backward"] == "wrong"
    assert found["Net.backward"] == "unchecked"
    assert not [name for name in found if name.startswith("Layer")]
    right = statuses(LAYERS.replace("grad * (grad > 0)", "grad * self.mask"))
    assert set(right.values()) == {"right"}


PENALTY = "def l2_loss(weights, lam=0.01): return 0.5 * lam * sum(np.sum(w**2) for w in weights)\n"


@pytest.mark.parametrize(
    ("text", "verdicts"),
    [
        (
            "def relu(x): return np.maximum(0, x)\ndef relu_backward(x): return (x > 0).astype(float)\n",
            {"relu": RIGHT, "relu_backward": RIGHT},
        ),
        (
            "def relu(x): return np.maximum(0, x)\ndef relu_backward(x): return (x > 0.5).astype(float)\n",
            {"relu": RIGHT, "relu_backward": WRONG},
        ),
        (
            "def cross_entropy(p, y): return -np.mean(np.log(p[np.arange(len(y)), y.astype(int)]))\n",
            {"cross_entropy": UNCHECKED},
        ),
        (
            f"{PENALTY}def l2_grad(w, lam=0.01): return lam * w\n",
            {"l2_loss": UNCHECKED, "l2_grad": RIGHT},
        ),
        (
            f"{PENALTY}def l2_grad(w, lam=0.01): return 2 * lam * w * w\n",
            {"l2_loss": UNCHECKED, "l2_grad": WRONG},
        ),
    ],
)
def test_arguments_are_what_the_names_and_their_number_say(text, verdicts):
    report = audit_text(f"import numpy as np\n{text}")
    assert {one.name: one.status for one in report.functions} == verdicts


ONE_EXAMPLE = """import numpy as np
class Dense:
    def __init__(self, n_in, n_out):
        self.W, self.b = np.random.randn(n_in, n_out), np.zeros(n_out)
    def forward(self, x):
        self.x, y = x, np.zeros(self.W.shape[1])
        for j in range(self.W.shape[1]):
            y[j] = self.b[j] + sum(x[i] * self.W[i, j] for i in range(self.W.shape[0]))
        return y
    def backward(self, dy):
        self.dW = np.outer(self.x, dy)
        self.db = dy.copy()
        dx = np.zeros_like(self.x)
        for i in range(len(self.x)):
            dx[i] = sum(self.W[i, j] * dy[j] for j in range(len(dy)))
        return dx
"""


@pytest.mark.parametrize(("edit", "status"), [("", RIGHT), ("self.W[i, j] * dy[j]", WRONG)])
def test_a_layer_with_loops_for_one_example(edit, status):
    text = ONE_EXAMPLE.replace(edit, "self.W[i, j] * dy[0]") if edit else ONE_EXAMPLE
    assert [one.status for one in audit_text(text).functions] == [status]


PREDICTED = """import numpy as np
class Perceptron:
    def __init__(self, input_dim):
        self.w, self.b = np.random.randn(input_dim) * 0.01, 0.0
    def forward(self, X):
        return 1 / (1 + np.exp(-(np.dot(X, self.w) + self.b)))
    def backward(self, X, y_true, y_pred):
        error = y_pred - y_true
        self.dw = np.dot(error, X) / X.shape[0]
        self.db = np.mean(error)
"""


@pytest.mark.parametrize(("edit", "status"), [("np.mean(error)", RIGHT), ("np.mean(y_pred)", WRONG)])
def test_predictions_that_are_handed_over_are_those_of_the_forward_pass(edit, status):
    report = audit_text(PREDICTED.replace("np.mean(error)", edit))
    assert [one.status for one in report.functions] == [status]


PENALIZED = """import numpy as np


class Dense:
    def __init__(self, n_inputs, n_neurons, l1, l2):
        self.weights = 0.01 * np.random.randn(n_inputs, n_neurons)
        self.biases = np.zeros((1, n_neurons))
        self.l1, self.l2 = l1, l2

    def forward(self, inputs):
        self.inputs = inputs
        return np.dot(inputs, self.weights) + self.biases

    def backward(self, dvalues):
        self.dweights = np.dot(self.inputs.T, dvalues)
        self.dbiases = np.sum(dvalues, axis=0, keepdims=True)
        if self.l1 > 0:
            self.dweights += self.l1 * np.sign(self.weights)
        if self.l2 > 0:
            self.dweights += 2 * self.l2 * self.weights
        return np.dot(dvalues, self.weights.T)


def linear_forward(A, W, b):
    return np.dot(W, A) + b, (A, W, b)


def linear_backward_with_regularization(dZ, cache, lambd):
    A_prev, W, b = cache
    m = A_prev.shape[1]
    dW = 1 / m * np.dot(dZ, A_prev.T) + lambd / m * W
    db = 1 / m * np.sum(dZ, axis=1, keepdims=True)
    dA_prev = np.dot(W.T, dZ)
    return dA_prev, dW, db
"""


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ("", "", None),
        ("+= 2 * self.l2 * self.weights", "-= 2 * self.l2 * self.weights", "Dense.backward"),
        ("2 * self.l2 * self.weights", "2 * self.l2", "Dense.backward"),
        ("self.inputs.T, dvalues)", "self.inputs.T, 2 * dvalues + 1)", "Dense.backward"),
        ("lambd / m * W", "lambd / m * W * W", "linear_backward_with_regularization"),
        ("+ lambd / m * W", "- lambd / m * W", "linear_backward_with_regularization"),
    ],
)
def test_a_penalty_in_a_layers_backward_pass_is_allowed_for(old, new, wrong):
    report = audit_text(PENALIZED.replace(old, new) if old else PENALIZED)
    by = {f.name: f for f in report.functions}
    for name, key in (("Dense.backward", "weights"), ("linear_backward_with_regularization", "W")):
        assert by[name].status == (WRONG if name == wrong else RIGHT), by[name]
        if name != wrong:
            assert any(f"a penalty on {key}" in remark for remark in by[name].remarks), by[name]


SOFTMAX_FILE = """import numpy as np


class Softmax:
    def forward(self, X):
        score = np.exp(X)
        self.probability = score / np.sum(score, axis=1, keepdims=True)
        return self.probability

    def backward(self, delta_L, t):
        return delta_L * (self.probability - t)


def softmax_activation(Z):
    return np.exp(Z) / np.exp(Z).sum(axis=0)


def compute_cost(AL, y):
    return np.mean(-np.sum(y * np.log(np.clip(AL, 1e-5, 1 - 1e-5)), axis=0))


def initialize_parameters(layer_dims):
    parameters = {}
    for l in range(1, len(layer_dims)):
        bound = np.sqrt(2 / layer_dims[l - 1])
        parameters["W" + str(l)] = np.random.uniform(-bound, bound, (layer_dims[l], layer_dims[l - 1]))
        parameters["b" + str(l)] = np.zeros((layer_dims[l], 1))
    return parameters


def forward_propagation(X, parameters):
    Z1 = np.dot(parameters["W1"], X) + parameters["b1"]
    return softmax_activation(Z1), Z1


def predict(X, parameters):
    return np.argmax(forward_propagation(X, parameters)[0], axis=0)
"""


def test_a_network_of_several_classes_is_not_held_against_one_output():
    report = audit_text(SOFTMAX_FILE)
    assert not [f for f in report.functions if f.status == WRONG], report.functions
    positive = SOFTMAX_FILE.replace("np.random.uniform(-bound, bound,", "np.random.uniform(0, bound,")
    wrong = [f.name for f in audit_text(positive).functions if f.status == WRONG]
    assert wrong == ["initialize_parameters"]


KEEPERS = """import numpy as np


class Relu:
    def __init__(self):
        self.cache = {}

    def forward_propagate(self, Z, save_cache=False):
        if save_cache:
            self.cache["Z"] = Z
        return np.maximum(0, Z)

    def back_propagate(self, dA):
        return dA * (self.cache["Z"] > 0)


class FC:
    def __init__(self, in_dim, out_dim):
        self.W = np.random.randn(in_dim, out_dim)
        self.b = np.zeros(out_dim)

    def __call__(self, X):
        self.X = X
        return self.forward(X)

    def forward(self, X):
        return X.dot(self.W) + self.b

    def backward(self, delta_z):
        delta_X = delta_z.dot(self.W.T)
        delta_W = self.X.T.dot(delta_z)
        delta_b = delta_z.sum(axis=0)
        return delta_X, delta_W, delta_b


class SquaredError:
    def forward(self, y_pred, y_true):
        self.y_pred, self.y_true = y_pred, y_true
        return np.mean((y_true - y_pred) ** 2)

    def backward(self):
        self.dinputs = -2 * (self.y_true - self.y_pred) / self.y_true.size


class CrossEntropy:
    def forward(self, label, out):
        return -np.mean(label * np.log(out) + (1 - label) * np.log(1 - out))

    def backward(self, label, out):
        return ((1 - label) / (1 - out) - label / out) / label.size


def dropout_forward(X, dropout):
    p = np.random.rand(*X.shape) < (1 - dropout)
    return X * p / (1 - dropout), (X, p, dropout)


def dropout_backward(dout, cache):
    X, p, dropout = cache
    dx = dout * p / (1 - dropout)
    return dx
"""


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ("", "", ""),
        ('self.cache["Z"] > 0', 'self.cache["Z"] > 1', "Relu.back_propagate"),
        ("self.X.T.dot(delta_z)", "self.X.T.dot(delta_z) * self.W", "FC.backward"),
        ("-2 * (self.y_true", "-2 * self.y_pred * (self.y_true", "SquaredError.backward"),
        ("(1 - label) / (1 - out) - label / out", "(1 - label) / out - label / out", "CrossEntropy.backward"),
        ("dx = dout * p / (1 - dropout)", "dx = dout * p * (1 - dropout)", "dropout_backward"),
    ],
)
def test_what_a_layer_keeps_and_what_its_call_keeps_is_there(old, new, wrong):
    report = audit_text(KEEPERS.replace(old, new) if old else KEEPERS)
    by = {f.name: f.status for f in report.functions}
    backward = {name: status for name, status in by.items() if "back" in name}
    assert len(backward) == 5
    assert {name for name, status in backward.items() if status == WRONG} == ({wrong} if wrong else set())
    assert all(status == RIGHT for name, status in backward.items() if name != wrong), backward


SLOPES = """import numpy as np
def sigmoid(z):
    return 1 / (1 + np.exp(-z))
def d_sigmoid(z, da):
    s = sigmoid(z)
    return da * s * (1 - s)
def leaky_relu(z, alpha):
    return np.where(z > 0, z, alpha * z)
def d_leaky_relu(da, z, alpha):
    return da * np.where(z > 0, 1, alpha)
def tanh(x):
    return np.tanh(x)
def dtanh(x, dy):
    return dy * (1 - np.tanh(x) ** 2)
"""


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ("", "", ""),
        ("s * (1 - s)", "s * (1 + s)", "d_sigmoid"),
        ("0, 1, alpha", "0, 1, 0", "d_leaky_relu"),
        ("tanh(x) ** 2", "tanh(x)", "dtanh"),
    ],
)
def test_a_d_before_a_name_is_its_derivative(old, new, wrong):
    report = audit_text(SLOPES.replace(old, new) if old else SLOPES)
    by = {f.name: f.status for f in report.functions if f.name.startswith("d")}
    assert by == {name: WRONG if name == wrong else RIGHT for name in ("d_sigmoid", "d_leaky_relu", "dtanh")}


def test_a_cost_that_takes_its_logarithms_in_another_one_is_the_course_s():
    text = """import numpy as np
from reg_utils import compute_cost
def compute_cost_with_regularization(A3, Y, parameters, lambd):
    m = Y.shape[1]
    W1, W2, W3 = parameters["W1"], parameters["W2"], parameters["W3"]
    cross_entropy_cost = compute_cost(A3, Y)
    squares = np.sum(np.square(W1)) + np.sum(np.square(W2)) + np.sum(np.square(W3))
    L2_regularization_cost = lambd / (2 * m) * squares
    cost = cross_entropy_cost + L2_regularization_cost
    return cost
"""
    found = [audit_text(one).functions[0].status for one in (text, text.replace("np.square(W2)", "W2"))]
    assert found == [RIGHT, WRONG]
