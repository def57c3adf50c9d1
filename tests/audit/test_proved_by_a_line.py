"""What might be meant otherwise is wrong where a change of one line makes it right, else it is not judged."""

import pytest

from tinygrad_course.audit.command.one_file import audit_text
from tinygrad_course.audit.reporting.results import RIGHT, UNCHECKED, WRONG

LAYERS = """import numpy as np
class Sigmoid:
    def forward(self, x):
        return 1 / (1 + np.exp(-np.clip(x, -500, 500)))
    def backward(self, x):
        s = self.forward(x)
        return s * (1 - s)
class Softplus:
    def forward(self, x):
        return np.log(1 + np.exp(x))
    def backward(self, x):
        return 1 / (1 + np.exp(-x))
class Dropout:
    def __init__(self, p=0.5):
        self.p = p
    def forward(self, x):
        self.mask = np.random.rand(*x.shape) > self.p
        return x * self.mask
    def backward(self, dout):
        return dout * self.mask
class Square:
    def forward(self, x):
        self.x = x
        return x**2
    def backward(self, dout):
        return 2 * dout * self.x
class Linear:
    def __init__(self, W, b):
        self.params = [W, b]
        self.grads = [np.zeros_like(W), np.zeros_like(b)]
    def forward(self, x):
        N, T, D = x.shape
        self.x = x
        return (np.dot(x.reshape(N * T, D), self.params[0]) + self.params[1]).reshape(N, T, -1)
    def backward(self, dout):
        N, T, D = self.x.shape
        flat = dout.reshape(N * T, -1)
        db = np.sum(flat, axis=0)
        dx = np.dot(flat, self.params[0].T)
        dx = dx.reshape(N, T, D)
        self.grads[0][...] = np.dot(self.x.reshape(N * T, D).T, flat)
        self.grads[1][...] = db
        return dx
class Dense:
    def __init__(self, n_inputs, n_neurons, weight_l1=0, weight_l2=0, bias_l1=0, bias_l2=0):
        self.weights = 0.01 * np.random.randn(n_inputs, n_neurons)
        self.biases = np.zeros((1, n_neurons))
        self.weight_l1, self.weight_l2 = weight_l1, weight_l2
        self.bias_l1, self.bias_l2 = bias_l1, bias_l2
    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.dot(inputs, self.weights) + self.biases
    def backward(self, dvalues):
        self.dweights = np.dot(self.inputs.T, dvalues)
        self.dbiases = np.sum(dvalues, axis=0, keepdims=True)
        if self.weight_l1 > 0:
            self.dweights += self.weight_l1 * np.sign(self.weights)
        if self.weight_l2 > 0:
            self.dweights += 2 * self.weight_l2 * self.weights
        if self.bias_l1 > 0:
            self.dbiases += self.bias_l1 * np.sign(self.biases)
        if self.bias_l2 > 0:
            self.dbiases += 2 * self.bias_l2 * self.biases
        self.dinputs = np.dot(dvalues, self.weights.T)
class Pool:
    def __init__(self, pool_h, pool_w, stride=1):
        self.pool_h, self.pool_w, self.stride = pool_h, pool_w, stride
    def forward(self, x):
        N, C, H, W = x.shape
        self.x = x
        rows = (H - self.pool_h) // self.stride + 1
        columns = (W - self.pool_w) // self.stride + 1
        out = np.zeros((N, C, rows, columns))
        for i in range(rows):
            for j in range(columns):
                a, b = i * self.stride, j * self.stride
                out[:, :, i, j] = x[:, :, a : a + self.pool_h, b : b + self.pool_w].mean(axis=(2, 3))
        return out
    def backward(self, dout):
        dx = np.zeros_like(self.x)
        size = self.pool_h * self.pool_w
        for i in range(dout.shape[2]):
            for j in range(dout.shape[3]):
                a, b = i * self.stride, j * self.stride
                dx[:, :, a : a + self.pool_h, b : b + self.pool_w] += dout[:, :, i : i + 1, j : j + 1] / size
        return dx
def masked_loss(x, y, mask):
    N, T, V = x.shape
    flat, mask = x.reshape(N * T, V), mask.reshape(N * T)
    p = np.exp(flat - np.max(flat, axis=1, keepdims=True))
    p /= np.sum(p, axis=1, keepdims=True)
    loss = -np.sum(mask * np.log(p[np.arange(N * T), y.reshape(N * T)])) / N
    dx = p.copy()
    dx[np.arange(N * T), y.reshape(N * T)] -= 1
    dx = dx * mask[:, None] / N
    return loss, dx.reshape(N, T, V)
"""
TRAINING = """import numpy as np
def sigmoid(z):
    return 1 / (1 + np.exp(-z))
def train(X, Y, hidden=4, epochs=1000, lr=0.5):
    n, m = X.shape
    W1 = np.random.randn(hidden, n) * 0.5
    b1 = np.zeros((hidden, 1))
    W2 = np.random.randn(1, hidden) * 0.5
    b2 = np.zeros((1, 1))
    for i in range(epochs):
        A1 = np.tanh(W1 @ X + b1)
        A2 = sigmoid(W2 @ A1 + b2)
        cost = -np.mean(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))
        dZ2 = A2 - Y
        dW2 = dZ2 @ A1.T / m
        db2 = np.sum(dZ2, axis=1, keepdims=True) / m
        dZ1 = W2.T @ dZ2 * (1 - A1 ** 2)
        dW1 = dZ1 @ X.T / m
        db1 = np.sum(dZ1, axis=1, keepdims=True) / m
        W1 -= lr * dW1
        b1 -= lr * db1
        W2 -= lr * dW2
        b2 -= lr * db2
    return W1, b1, W2, b2
"""


def verdicts(text):
    return {one.name: one for one in audit_text(text).functions}


def test_the_layers_are_right_as_they_are():
    assert {one.status for one in verdicts(LAYERS).values()} == {RIGHT}


@pytest.mark.parametrize(
    ("text", "old", "new", "name"),
    [
        (LAYERS, "return s * (1 - s)", "return s * (1 + s)", "Sigmoid.backward"),
        (LAYERS, "return 1 / (1 + np.exp(-x))\n", "return 1 / (1 - np.exp(-x))\n", "Softplus.backward"),
        (LAYERS, "return dout * self.mask", "return dout + self.mask", "Dropout.backward"),
        (LAYERS, "np.dot(flat, self.params[0].T)", "np.dot(flat, self.params[0])", "Linear.backward"),
        (LAYERS, "db = np.sum(flat, axis=0)", "db = np.sum(flat, axis=1)", "Linear.backward"),
        (LAYERS, "self.pool_h * self.pool_w", "self.pool_h + self.pool_w", "Pool.backward"),
        (TRAINING, "dZ2 = A2 - Y", "dZ2 = A2 + Y", "train"),
        (TRAINING, "dZ2 = A2 - Y", "dZ2 = Y - A2", "train"),
    ],
)
def test_the_line_that_makes_it_right_proves_it_wrong(text, old, new, name):
    assert old in text
    (finding,) = verdicts(text.replace(old, new, 1))[name].findings
    assert finding.verified
    assert new.strip() in finding.source


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("2 * self.weight_l2 * self.weights", "2 * self.weight_l2 + self.weights", "Dense.backward"),
        ("self.weight_l1 * np.sign(self.weights)", "self.weight_l1 * np.exp(self.weights)", "Dense.backward"),
        ("dx * mask[:, None] / N", "dx / N", "masked_loss"),
    ],
)
def test_what_is_off_by_default_is_tried_too(old, new, name):
    assert old in LAYERS
    assert verdicts(LAYERS.replace(old, new))[name].status == WRONG


def test_what_no_line_makes_right_is_not_judged():
    clipped = LAYERS.replace("return 2 * dout * self.x", "return np.clip(2 * dout * self.x, -1, 1)")
    assert verdicts(clipped)["Square.backward"].status == UNCHECKED
