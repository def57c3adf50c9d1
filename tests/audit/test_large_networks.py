"""Files whose sizes are fixed, and whose parameters are many: the sizes are learnt, a sample is looked at."""

import re

import numpy as np
import pytest

from tinygrad_course.audit.command.one_file import audit_text
from tinygrad_course.audit.execution.oracle import SAMPLE, slopes
from tinygrad_course.audit.kinds.sizes import clashes

CLASS = """import numpy as np
class Digits:
    def __init__(self):
        self.V = np.random.randn(64, 30) * 0.1
        self.c = np.zeros((1, 30))
        self.W = np.random.randn(30, 10) * 0.1
        self.b = np.zeros((1, 10))
    def forward(self, X):
        self.H = np.tanh(X @ self.V + self.c)
        e = np.exp(self.H @ self.W + self.b)
        self.P = e / e.sum(axis=1, keepdims=True)
        return self.P
    def backward(self, X, y):
        m = X.shape[0]
        dZ = (self.P - y) / m
        self.dW = self.H.T @ dZ
        self.db = np.sum(dZ, axis=0, keepdims=True)
        dS = dZ @ self.W.T * (1 - self.H ** 2)
        self.dV = X.T @ dS
        self.dc = np.sum(dS, axis=0, keepdims=True)
    def train(self, X, y, lr=0.1, epochs=10):
        for epoch in range(epochs):
            self.forward(X)
            self.backward(X, y)
            self.V -= lr * self.dV
            self.c -= lr * self.dc
            self.W -= lr * self.dW
            self.b -= lr * self.db
"""
COLUMNS = """import numpy as np
def start():
    return np.random.rand(12, 50) - 0.5, np.zeros((12, 1)), np.random.rand(10, 12) - 0.5, np.zeros((10, 1))
def forward(W1, b1, W2, b2, X):
    Z1 = W1.dot(X) + b1
    A1 = np.maximum(Z1, 0)
    Z2 = W2.dot(A1) + b2
    A2 = np.exp(Z2) / sum(np.exp(Z2))
    return Z1, A1, Z2, A2
def one_hot(Y):
    hot = np.zeros((Y.size, Y.max() + 1))
    hot[np.arange(Y.size), Y] = 1
    return hot.T
def backward(Z1, A1, Z2, A2, W1, W2, X, Y):
    m = Y.size
    dZ2 = A2 - one_hot(Y)
    dW2 = dZ2.dot(A1.T) / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = W2.T.dot(dZ2) * (Z1 > 0)
    dW1 = dZ1.dot(X.T) / m
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    return dW1, db1, dW2, db2
def descend(X, Y, alpha, iterations):
    W1, b1, W2, b2 = start()
    for i in range(iterations):
        Z1, A1, Z2, A2 = forward(W1, b1, W2, b2, X)
        dW1, db1, dW2, db2 = backward(Z1, A1, Z2, A2, W1, W2, X, Y)
        W1, b1 = W1 - alpha * dW1, b1 - alpha * db1
        W2, b2 = W2 - alpha * dW2, b2 - alpha * db2
    return W1, b1, W2, b2
"""


def reports_of(text):
    return {report.name: report for report in audit_text(text).functions}


@pytest.mark.parametrize(
    ("text", "names"), [(CLASS, ["Digits.backward", "Digits.train"]), (COLUMNS, ["backward", "descend"])]
)
def test_large_networks_are_right_by_a_sample(text, names):
    found = reports_of(text)
    assert [found[name].status for name in names] == ["right", "right"]
    assert re.search(rf"{SAMPLE} entries were looked at of each of (V|W1)", " ".join(found[names[1]].remarks))


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("text", "name", "right", "wrong"),
    [
        (CLASS, "Digits.backward", "(1 - self.H ** 2)", "(1 - self.H)"),
        (CLASS, "Digits.backward", "self.dV = X.T @ dS", "self.dV = X.T @ dS / m"),
        (CLASS, "Digits.train", "self.W -= lr", "self.W += lr"),
        (COLUMNS, "backward", "dW1 = dZ1.dot(X.T) / m", "dW1 = dZ1.dot(X.T)"),
        (COLUMNS, "backward", " * (Z1 > 0)", " * (Z1 < 0)"),
        (COLUMNS, "descend", "W2 - alpha * dW2", "W2 + alpha * dW2"),
    ],
)
def test_a_mistake_in_a_large_network(text, name, right, wrong):
    assert text.count(right) == 1
    report = reports_of(text.replace(right, wrong))[name]
    assert report.status == "wrong"
    assert report.findings[0].line == text[: text.index(right)].count("\n") + 1


def test_a_training_that_calls_a_wrong_backward_pass_is_not_blamed():
    found = reports_of(CLASS.replace("(1 - self.H ** 2)", "self.H"))
    assert found["Digits.train"].status == "unchecked"
    assert "Digits.backward" in found["Digits.train"].remarks[0]


def test_a_sample_of_the_slopes():
    W = np.random.RandomState(0).randn(60, 50)
    found = slopes(lambda theta: float(np.sum(theta["W"] ** 2)), {"W": W})
    known = np.isfinite(found["W",])
    assert np.sum(known) == SAMPLE
    np.testing.assert_allclose(found["W",][known], 2 * W[known], rtol=1e-6)


@pytest.mark.parametrize(
    ("raising", "sizes"),
    [
        (lambda: np.zeros((5, 4)) @ np.zeros((784, 9)), {4, 784}),
        (lambda: np.zeros((2, 5, 4)) @ np.zeros((784, 9)), {4, 784}),
        (lambda: np.dot(np.zeros((5, 4)), np.zeros((784, 9))), {4, 784}),
        (lambda: np.zeros((5, 10)) - np.zeros((5, 3)), {10, 3}),
        (lambda: np.zeros(4).reshape(784, 1), {784, 4}),
    ],
)
def test_sizes_are_read_from_what_numpy_raises(raising, sizes):
    with pytest.raises(ValueError, match=r"shape|mismatch") as raised:
        raising()
    assert set(clashes(str(raised.value))[0]) == sizes


POINTS = """import numpy as np
nn_input_dim = 2
nn_output_dim = 2
def build_model(nn_hdim, num_passes=100):
    W1 = np.random.randn(nn_input_dim, nn_hdim) / np.sqrt(nn_input_dim)
    b1 = np.zeros((1, nn_hdim))
    W2 = np.random.randn(nn_hdim, nn_output_dim) / np.sqrt(nn_hdim)
    b2 = np.zeros((1, nn_output_dim))
    for i in range(num_passes):
        a1 = np.tanh(X.dot(W1) + b1)
        scores = np.exp(a1.dot(W2) + b2)
        probs = scores / np.sum(scores, axis=1, keepdims=True)
        delta3 = probs
        delta3[range(len(X)), y] -= 1
        dW2 = (a1.T).dot(delta3)
        db2 = np.sum(delta3, axis=0, keepdims=True)
        delta2 = delta3.dot(W2.T) * (1 - np.power(a1, 2))
        dW1 = np.dot(X.T, delta2)
        db1 = np.sum(delta2, axis=0)
        W1 += -0.01 * dW1
        b1 += -0.01 * db1
        W2 += -0.01 * dW2
        b2 += -0.01 * db2
"""


def test_two_features_by_constants():
    assert reports_of(POINTS)["build_model"].status == "right"
    report = reports_of(POINTS.replace("np.power(a1, 2)", "a1"))["build_model"]
    assert (report.status, report.findings[0].line) == ("wrong", 17)
