"""Mistakes in code whose names, arguments and order are its own: found, and in the line where they stand."""

import functools

import pytest

from tinygrad_course.audit.command.one_file import audit_text

SHORT = """import numpy as np
def fwd(X, p):
    A1 = np.tanh(p["W1"] @ X + p["b1"])
    A2 = 1 / (1 + np.exp(-(p["W2"] @ A1 + p["b2"])))
    return A2, (A1, A2)
def bwd(p, kept, X, Y):
    A1, A2 = kept
    m = X.shape[1]
    d2 = (A2 - Y) / m
    d1 = p["W2"].T @ d2 * (1 - A1 ** 2)
    return {"dW1": d1 @ X.T, "db1": d1.sum(axis=1, keepdims=True),
            "dW2": d2 @ A1.T, "db2": d2.sum(axis=1, keepdims=True)}
"""
ADAM = """import numpy as np
def adam_update(params, grads, v, s, t, learning_rate=0.01, beta1=0.9, beta2=0.999, epsilon=1e-8):
    for key in params:
        g = grads["d" + key]
        v[key] = beta1 * v[key] + (1 - beta1) * g
        s[key] = beta2 * s[key] + (1 - beta2) * g ** 2
        corrected = v[key] / (1 - beta1 ** t)
        scale = s[key] / (1 - beta2 ** t)
        params[key] = params[key] - learning_rate * corrected / (np.sqrt(scale) + epsilon)
    return params, v, s
"""
EARLY = """import numpy as np
X = np.random.randn(2, 80)
Y = (X[0:1] > X[1:2]).astype(float)
m = X.shape[1]
W1, b1 = np.random.randn(4, 2), np.zeros((4, 1))
W2, b2 = np.random.randn(1, 4), np.zeros((1, 1))
for step in range(300):
    A1 = np.tanh(W1 @ X + b1)
    A2 = 1 / (1 + np.exp(-(W2 @ A1 + b2)))
    J = -np.mean(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))
    dZ2 = A2 - Y
    dW2 = dZ2 @ A1.T / m
    db2 = dZ2.mean(axis=1, keepdims=True)
    dZ1 = (W2.T @ dZ2) * (1 - A1 ** 2)
    W2 = W2 - 0.5 * dW2
    b2 = b2 - 0.5 * db2
    dW1 = dZ1 @ X.T / m
    db1 = dZ1.mean(axis=1, keepdims=True)
    W1 = W1 - 0.5 * dW1
    b1 = b1 - 0.5 * db1
"""
CLOSURES = """import numpy as np
def activation(f, slope):
    def run(z):
        a = f(z)
        return a, lambda g: g * slope(a)
    return run
tanh = activation(np.tanh, lambda a: 1 - a ** 2)
def loss_and_grads(params, x, y):
    W1, b1, W2, b2 = params
    a, back = tanh(W1 @ x + b1)
    d = W2 @ a + b2 - y
    d1 = back(W2.T @ d)
    J = np.sum(d ** 2) / 2
    return J, [d1 @ x.T, d1.sum(axis=1, keepdims=True), d @ a.T, d.sum(axis=1, keepdims=True)]
"""
NEURONS = """import numpy as np
class Dense:
    def __init__(self, n_in, n_out):
        self.W, self.b = np.random.randn(n_in, n_out) * 0.1, np.zeros(n_out)
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, grad):
        self.dW = self.x.T @ grad
        self.db = grad.sum(axis=0)
        return grad @ self.W.T
"""
DECAY = """import numpy as np
def update_lr(learning_rate0, epoch_num, decay_rate):
    return learning_rate0 / (1 + decay_rate * epoch_num)
"""
RATES = """import numpy as np
def train(X, Y, n_h=4, lr=0.5, steps=100):
    rng = np.random.default_rng(0)
    n, m = X.shape
    W1, b1 = rng.normal(size=(n_h, n)), np.zeros((n_h, 1))
    W2, b2 = rng.normal(size=(1, n_h)), np.zeros((1, 1))
    for t in range(steps):
        A1 = np.maximum(W1 @ X + b1, 0)
        A2 = 1 / (1 + np.exp(-(W2 @ A1 + b2)))
        d2 = (A2 - Y) / m
        gW2 = d2 @ A1.T
        gb2 = d2.sum(axis=1, keepdims=True)
        d1 = (W2.T @ d2) * (A1 > 0)
        gW1 = d1 @ X.T
        gb1 = d1.sum(axis=1, keepdims=True)
        W1 = W1 - lr * gW1
        b1 = b1 - lr * gb1
        W2 = W2 - lr * gW2
        b2 = b2 - lr * gb2
    return W1, b1, W2, b2
"""
CASES = {
    "short names": (SHORT, "bwd", '"dW1": d1 @ X.T', '"dW1": d1 @ X.T * m', 11),
    "moments by parameter": (ADAM, "adam_update", "1 - beta2 ** t", "1 - beta1 ** t", 8),
    "packed": (CLOSURES, "loss_and_grads", "back(W2.T @ d)", "back(W2.T @ d) / 2", 12),
    "several units": (NEURONS, "Dense.backward", "grad.sum(axis=0)", "grad.sum()", 10),
    "brackets": (DECAY, "update_lr", "(1 + decay_rate * epoch_num)", "(1 + decay_rate) * epoch_num", 3),
    "a loop without gradients by name": (RATES, "train", "* (A1 > 0)", "* A1", 13),
}


@functools.cache
def told(text):
    return {one.name: one for one in audit_text(text).functions}


@pytest.mark.sampled(6)
@pytest.mark.parametrize("case", CASES)
def test_a_mistake_in_code_of_its_own_spelling(case):
    text, name, old, new, line = CASES[case]
    assert text.count(old) == 1
    assert told(text)[name].status == "right"
    found = told(text.replace(old, new))[name]
    assert (found.status, [one.line for one in found.findings]) == ("wrong", [line])


def test_a_parameter_that_is_updated_before_its_last_use():
    lines = EARLY.split("\n")
    move = lines.index("    W2 = W2 - 0.5 * dW2")
    lines.insert(move - 1, lines.pop(move))
    assert told(EARLY)["the_script"].status == "right"
    (finding,) = told("\n".join(lines))["the_script"].findings
    assert (finding.diagnosis, finding.line, finding.quantity) == ("updated_early", move + 1, "dZ1")
