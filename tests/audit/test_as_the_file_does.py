"""Objects and arguments as the file itself makes and gives them: layers in a list, model.add, calls."""

import pytest

from tinygrad_course.audit.command.one_file import audit_text

LAYERS = """import numpy as np
class Dense:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out) * 0.5
        self.b = np.zeros(n_out)
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, grad):
        self.dW = self.x.T @ grad
        self.db = grad.sum(axis=0)
        return grad @ self.W.T
class Tanh:
    def forward(self, x):
        self.y = np.tanh(x)
        return self.y
    def backward(self, grad):
        return grad * (1 - self.y ** 2)
"""
LISTED = (
    LAYERS
    + """class Network:
    def __init__(self, layers):
        self.layers = layers
    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x
    def backward(self, grad):
        for layer in reversed(self.layers):
            grad = layer.backward(grad)
        return grad
    def step(self, lr):
        for layer in self.layers:
            if hasattr(layer, "W"):
                layer.W -= lr * layer.dW
                layer.b -= lr * layer.db
def train(net, X, y, lr=0.1, epochs=100):
    for epoch in range(epochs):
        pred = net.forward(X)
        loss = np.mean((pred - y) ** 2)
        net.backward(2 * (pred - y) / y.size)
        net.step(lr)
    return net
X, y = load("points.csv")
net = Network([Dense(2, 3), Tanh(), Dense(3, 1)])
train(net, X, y)
"""
)
ADDED = """import numpy as np
class Dense:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_out, n_in)
        self.b = np.random.randn(n_out, 1)
    def forward(self, x):
        self.x = x
        return np.dot(self.W, x) + self.b
    def backward(self, grad, rate):
        back = np.dot(self.W.T, grad)
        self.W -= rate * np.dot(grad, self.x.T)
        self.b -= rate * grad
        return back
class Tanh:
    def forward(self, x):
        self.x = x
        return np.tanh(x)
    def backward(self, grad, rate):
        return grad * (1 - np.tanh(self.x) ** 2)
class Model:
    def __init__(self):
        self.layers = []
    def add(self, layer):
        self.layers.append(layer)
    def fit(self, X, Y, epochs, rate):
        for epoch in range(epochs):
            error = 0
            for x, y in zip(X, Y):
                out = x
                for layer in self.layers:
                    out = layer.forward(out)
                error += np.mean((y - out) ** 2)
                grad = 2 * (out - y) / y.size
                for layer in reversed(self.layers):
                    grad = layer.backward(grad, rate)
if __name__ == "__main__":
    X = np.reshape([[0.1, 0], [0, 1], [1, 0], [1, 1]], (4, 2, 1))
    Y = np.reshape([[0], [1], [1], [0]], (4, 1, 1))
    model = Model()
    model.add(Dense(2, 3))
    model.add(Tanh())
    model.add(Dense(3, 1))
    model.fit(X, Y, 1000, rate=0.1)
"""
CALLED = """import numpy as np
def slope_of_sigmoid(x):
    return x * (1 - x)
def sigmoid_derivative(x):
    return x * (1 - x)
A1 = 1 / (1 + np.exp(-np.zeros((2, 3))))
dZ1 = A1 * sigmoid_derivative(A1)
"""


def reports_of(text):
    return {report.name: report for report in audit_text(text).functions}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (LISTED, ["Dense.backward", "Tanh.backward", "Network.backward", "train"]),
        (ADDED, ["Dense.backward", "Tanh.backward", "Model.fit"]),
        (CALLED, ["sigmoid_derivative"]),
    ],
)
def test_what_the_file_makes_is_judged(text, names):
    found = reports_of(text)
    assert [found[name].status for name in names] == ["right"] * len(names)


@pytest.mark.parametrize(
    ("text", "name", "right", "wrong"),
    [
        (LISTED, "Network.backward", "grad = layer.backward(grad)", "grad = layer.backward(grad) * 2"),
        (LISTED, "train", "2 * (pred - y) / y.size", "2 * (y - pred) / y.size"),
        (ADDED, "Model.fit", "2 * (out - y) / y.size", "2 * (y - out) / y.size"),
        (ADDED, "Tanh.backward", "(1 - np.tanh(self.x) ** 2)", "(1 - np.tanh(self.x))"),
    ],
)
def test_a_mistake_in_what_the_file_makes(text, name, right, wrong):
    report = reports_of(text.replace(right, wrong))[name]
    assert report.status == "wrong"
    # The sign of an output is as good a place for a sign as the gradient of a square is.
    lines = {
        text[: text.index(line)].count("\n") + 1
        for line in (right, "out = layer.forward(out)")
        if line in text
    }
    assert report.findings[0].line in lines


def test_a_call_for_one_epoch_is_no_loop_that_goes_round_too_seldom():
    found = reports_of(LISTED.replace("train(net, X, y)\n", "train(net, X, y, epochs=1)\n"))
    assert found["train"].status == "right"


def test_the_slope_of_what_the_calls_give_is_not_that_of_another():
    wrong = reports_of(CALLED.replace("    return x * (1 - x)\nA1", "    return x * (1 + x)\nA1"))
    assert wrong["sigmoid_derivative"].status != "right"


def test_a_layer_that_passes_nothing_on_is_not_called_wrong():
    text = """import numpy as np
class Start:
    def forward(self, x):
        return x
    def backward(self, grad):
        return np.zeros_like(grad)
"""
    assert reports_of(text)["Start.backward"].status == "unchecked"


BARS = """import numpy as np
from tqdm import tqdm, trange
import matplotlib.pyplot as plt
def fit(X, y, lr=0.1, epochs=100):
    w = np.zeros(X.shape[1])
    fig, ax = plt.subplots()
    with tqdm(total=epochs) as bar:
        for i in BAR(epochs):
            p = X @ w
            loss = np.mean((p - y) ** 2)
            w -= lr * 2 * X.T @ (p - y) / len(y)
            bar.set_postfix(loss=loss)
    return w
"""
LINE = """import numpy as np
def gradient_descent(x, y, lr=0.01, n=100):
    m, c = 0.0, 0.0
    for i in range(n):
        error = y - (m * x + c)
        cost = np.mean(error ** 2)
        m -= lr * -2 * np.mean(x * error)
        c -= lr * -2 * np.mean(error)
    return m, c
"""


@pytest.mark.parametrize(
    "text", [BARS.replace("BAR(epochs)", "tqdm(range(epochs))"), BARS.replace("BAR", "trange")]
)
def test_bars_of_progress_hold_up_nothing(text):
    assert reports_of(text)["fit"].status == "right"
    assert reports_of(text.replace("(p - y) / len", "(p + y) / len"))["fit"].status != "right"


def test_a_line_through_points():
    assert reports_of(LINE)["gradient_descent"].status == "right"
    assert reports_of(LINE.replace("m -=", "m +="))["gradient_descent"].status != "right"


KEPT = """import numpy as np
class Linear:
    def __init__(self, input_size, output_size):
        self.weights = np.random.randn(input_size, output_size)
        self.bias = np.zeros((1, output_size))
    def forward(self, x):
        self.x = x
        return x @ self.weights + self.bias
    def backward(self, grad):
        self.dW = self.x.T @ grad
        self.db = np.sum(grad, axis=0, keepdims=True)
        return grad @ self.weights.T
"""
TAKEN_AWAY = """import numpy as np
class Linear:
    def __init__(self, input_size, output_size):
        self.W = np.random.randn(input_size, output_size)
        self.b = np.zeros((1, output_size))
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, grad, learning_rate):
        back = grad @ self.W.T
        self.W -= learning_rate * self.x.T @ grad
        self.b -= learning_rate * np.sum(grad, axis=0, keepdims=True)
        return back
"""


@pytest.mark.parametrize(
    ("text", "right", "wrong"),
    [
        (KEPT, "self.x.T @ grad", "-self.x.T @ grad"),
        (KEPT, "np.sum(grad", "np.mean(grad"),
        (TAKEN_AWAY, "np.sum(grad", "np.mean(grad"),
        (TAKEN_AWAY, "self.W -=", "self.W +="),
    ],
)
def test_gradients_by_other_names_and_those_that_are_taken_away(text, right, wrong):
    name = "Linear.backward"
    assert (reports_of(text)[name].status, reports_of(text)[name].remarks) == ("right", [])
    report = reports_of(text.replace(right, wrong))[name]
    assert report.status == "wrong"
    assert report.findings[0].line == text[: text.index(right)].count("\n") + 1


@pytest.mark.parametrize(
    ("right", "other"),
    [
        ("self.x.T @ grad", "(self.x.T @ grad + 0.01 * self.W)"),
        ("self.x.T @ grad", "np.clip(self.x.T @ grad, -0.1, 0.1)"),
        ("learning_rate * self.x.T @ grad", "learning_rate / 3 * self.x.T @ grad"),
    ],
)
def test_what_else_is_taken_away_may_be_meant(right, other):
    status = reports_of(TAKEN_AWAY.replace(right, other))["Linear.backward"].status
    assert status == ("wrong" if "/ 3" in other else "right")


def test_a_gradient_that_is_not_found_is_told():
    report = reports_of(KEPT.replace("self.db = ", "db = "))["Linear.backward"]
    assert report.status == "right"
    assert report.remarks == ["not found, and not judged: dbias"]


VALIDATED = """import numpy as np
class Net:
    def __init__(self, input_size, hidden_size, output_size):
        self.params = {}
        self.params["W1"] = 0.1 * np.random.randn(input_size, hidden_size)
        self.params["W2"] = 0.1 * np.random.randn(hidden_size, output_size)
    def loss(self, X, y):
        H = np.tanh(X @ self.params["W1"])
        S = H @ self.params["W2"]
        P = np.exp(S) / np.exp(S).sum(axis=1, keepdims=True)
        loss = -np.log(P[np.arange(len(X)), y]).mean()
        P[np.arange(len(X)), y] -= 1
        dH = P @ self.params["W2"].T / len(X) * (1 - H ** 2)
        return loss, {"W1": X.T @ dH, "W2": H.T @ P / len(X)}
    def train(self, X, y, X_val, y_val, learning_rate=0.1, num_iters=100):
        for i in range(num_iters):
            loss, grads = self.loss(X, y)
            for name in self.params:
                self.params[name] -= learning_rate * grads[name]
            accuracy = np.mean(self.loss(X_val, y_val)[0] < loss)
"""


def test_gradients_by_the_very_names_of_the_parameters():
    assert {report.status for report in reports_of(VALIDATED).values()} == {"right"}
    report = reports_of(VALIDATED.replace("-= learning_rate", "+= learning_rate"))["Net.train"]
    assert (report.status, report.findings[0].line) == ("wrong", 19)
