"""Regression example by example, whose descent is handed its cost and its gradient as functions."""

import pytest

from tinygrad_course.audit.command.one_file import audit_text
from tinygrad_course.audit.reporting.results import RIGHT, UNCHECKED, WRONG

ONE = """import copy, math
import numpy as np

def compute_cost(x, y, w, b):
    m = x.shape[0]
    total = 0
    for i in range(m):
        total += (w * x[i] + b - y[i]) ** 2
    return total / (2 * m)

def compute_gradient(x, y, w, b):
    m = x.shape[0]
    dj_dw, dj_db = 0, 0
    for i in range(m):
        error = w * x[i] + b - y[i]
        dj_dw += error * x[i]
        dj_db += error
    return dj_dw / m, dj_db / m

def gradient_descent(x, y, w_in, b_in, cost_function, gradient_function, alpha, num_iters):
    history = []
    w, b = copy.deepcopy(w_in), b_in
    for i in range(num_iters):
        dj_dw, dj_db = gradient_function(x, y, w, b)
        w = w - alpha * dj_dw
        b = b - alpha * dj_db
        history.append(cost_function(x, y, w, b))
        if i % math.ceil(num_iters / 10) == 0:
            print(f"{i:4}: {history[-1]:8.2f}")
    return w, b, history
"""
SEVERAL = """import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def compute_cost(X, y, w, b, lambda_=0, safe=False):
    m, n = X.shape
    total = 0.0
    for i in range(m):
        f = sigmoid(np.dot(X[i], w) + b)
        total += -y[i] * np.log(f) - (1 - y[i]) * np.log(1 - f)
    return total / m + lambda_ / (2 * m) * sum(w**2)

def compute_gradient(X, y, w, b):
    m, n = X.shape
    dj_dw = np.zeros((n,))
    dj_db = 0.0
    for i in range(m):
        error = sigmoid(np.dot(X[i], w) + b) - y[i]
        for j in range(n):
            dj_dw[j] = dj_dw[j] + error * X[i, j]
        dj_db = dj_db + error
    return dj_db / m, dj_dw / m

def compute_gradient_reg(X, y, w, b, lambda_):
    m, n = X.shape
    dj_db, dj_dw = compute_gradient(X, y, w, b)
    for j in range(n):
        dj_dw[j] = dj_dw[j] + (lambda_ / m) * w[j]
    return dj_db, dj_dw

def gradient_descent(X, y, w_in, b_in, cost_function, gradient_function, alpha, num_iters, lambda_):
    costs = []
    for i in range(num_iters):
        dj_db, dj_dw = gradient_function(X, y, w_in, b_in, lambda_)
        w_in = w_in - alpha * dj_dw
        b_in = b_in - alpha * dj_db
        costs.append(float(cost_function(X, y, w_in, b_in, lambda_)))
    return w_in, b_in, costs
"""


def verdicts(text):
    return {one.name: one for one in audit_text(text).functions}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (ONE, ["compute_gradient", "gradient_descent"]),
        (SEVERAL, ["compute_gradient", "compute_gradient_reg", "gradient_descent"]),
    ],
)
def test_regression_is_right_by_its_cost(text, names):
    found = verdicts(text)
    assert [found[name].status for name in names] == [RIGHT] * len(names)


@pytest.mark.parametrize(
    ("text", "old", "new", "name"),
    [
        (ONE, "dj_dw += error * x[i]", "dj_dw += error", "compute_gradient"),
        (ONE, "b = b - alpha * dj_db", "b = b + alpha * dj_db", "gradient_descent"),
        (SEVERAL, "(X[i], w) + b) - y[i]", "(X[i], w) + b) + y[i]", "compute_gradient"),
        (SEVERAL, "(lambda_ / m) * w[j]", "(lambda_ / (2 * m)) * w[j]", "compute_gradient_reg"),
        (SEVERAL, "w_in = w_in - alpha", "w_in = w_in + alpha", "gradient_descent"),
    ],
)
def test_a_mistake_in_a_regression_is_found(text, old, new, name):
    assert text.count(old) == 1
    report = verdicts(text.replace(old, new))[name]
    assert report.status == WRONG
    told = [one.source for one in report.findings if one.suggestion]
    assert not told or new in told[0]


LOSSES = """import numpy as np

def squared_loss(h, target):
    return (h - target) ** 2

def squared_loss_gradient(h, target):
    return 2 * (h - target)

def cross_entropy_loss(A, Y):
    return -(Y * np.log(A) + (1 - Y) * np.log(1 - A))

def cross_entropy_loss_gradient(A, Y):
    return (A - Y) / (A * (1 - A))
"""


def test_a_derivative_taken_together_with_the_activation_is_not_called_wrong():
    together = """import numpy as np
class Entropy:
    def forward(self, label, out):
        return np.mean(-label * np.log(out + 1e-8) - (1 - label) * np.log(1 - out + 1e-8))
    def backward(self, label, out):
        return out - label
"""
    assert verdicts(together)["Entropy.backward"].status == UNCHECKED


@pytest.mark.parametrize("sign", ["-", "+"])
def test_losses_of_each_example_are_right_by_their_derivatives(sign):
    found = verdicts(LOSSES.replace("2 * (h -", f"2 * (h {sign}").replace("(A - Y)", f"(A {sign} Y)"))
    names = ["squared_loss_gradient", "cross_entropy_loss_gradient"]
    assert [found[name].status for name in names] == [RIGHT if sign == "-" else WRONG] * 2
