"""What parameters, caches and gradients lie in: classes with fields, named tuples, whole numbers as keys."""

import numpy as np
import pytest

from tinygrad_course.audit.command.one_file import audit_text
from tinygrad_course.audit.execution import oracle
from tinygrad_course.audit.reporting.results import RIGHT, UNCHECKED, WRONG

FIELDS = """from dataclasses import dataclass
import numpy as np
@dataclass(frozen=True)
class Params:
    W1: np.ndarray
    b1: np.ndarray
    W2: np.ndarray
    b2: np.ndarray
@dataclass
class Cache:
    X: np.ndarray
    A1: np.ndarray
    A2: np.ndarray
def forward(X, p: Params) -> Cache:
    A1 = np.tanh(p.W1 @ X + p.b1)
    return Cache(X, A1, 1 / (1 + np.exp(-(p.W2 @ A1 + p.b2))))
def cost(cache: Cache, Y):
    return float(-np.mean(Y * np.log(cache.A2) + (1 - Y) * np.log(1 - cache.A2)))
def backward(cache: Cache, Y, p: Params) -> Params:
    dZ2 = (cache.A2 - Y) / Y.shape[1]
    dZ1 = (p.W2.T @ dZ2) * (1 - cache.A1 ** 2)
    db2 = dZ2.sum(axis=1, keepdims=True)
    return Params(dZ1 @ cache.X.T, dZ1.sum(axis=1, keepdims=True), dZ2 @ cache.A1.T, db2)
"""
TUPLES = """from typing import NamedTuple
import numpy as np
class Model(NamedTuple):
    w: np.ndarray
    b: float
def loss(model: Model, X, y):
    h = 1 / (1 + np.exp(-(X @ model.w + model.b)))
    return -np.mean(y * np.log(h) + (1 - y) * np.log(1 - h))
def gradient(model: Model, X, y) -> Model:
    h = 1 / (1 + np.exp(-(X @ model.w + model.b)))
    return Model(X.T @ (h - y) / len(y), np.mean(h - y))
"""
KEYS = """import numpy as np
def init(sizes, seed=0):
    rng = np.random.default_rng(seed)
    shapes = [(sizes[l], sizes[l - 1]) for l in range(1, len(sizes))]
    return {l + 1: (rng.standard_normal(shape), np.zeros((shape[0], 1))) for l, shape in enumerate(shapes)}
def forward(X, params):
    A, L = {0: X}, len(params)
    for l in range(1, L + 1):
        W, b = params[l]
        Z = W @ A[l - 1] + b
        A[l] = np.tanh(Z) if l < L else 1 / (1 + np.exp(-Z))
    return A
def compute_cost(AL, Y):
    return -np.sum(Y * np.log(AL) + (1 - Y) * np.log(1 - AL)) / Y.shape[1]
def backward(A, Y, params):
    L, m = len(params), Y.shape[1]
    grads, dZ = {}, (A[L] - Y) / m
    for l in range(L, 0, -1):
        grads[l] = (dZ @ A[l - 1].T, dZ.sum(axis=1, keepdims=True))
        if l > 1:
            dZ = (params[l][0].T @ dZ) * (1 - A[l - 1] ** 2)
    return grads
"""
GATES = """import numpy as np
def cell_forward(x, h_prev, Wz, Uz, Wn, Un):
    z = 1 / (1 + np.exp(-(x @ Wz + h_prev @ Uz)))
    n = np.tanh(x @ Wn + (z * h_prev) @ Un)
    return (1 - z) * n + z * h_prev, (x, h_prev, Wz, Uz, Wn, Un, z, n)
def cell_backward(dh, cache):
    x, h_prev, Wz, Uz, Wn, Un, z, n = cache
    dn = dh * (1 - z) * (1 - n ** 2)
    dzh = dn @ Un.T
    dz = (dh * (h_prev - n) + dzh * h_prev) * z * (1 - z)
    dh_prev = dh * z + dzh * z + dz @ Uz.T
    return dn @ Wn.T + dz @ Wz.T, dh_prev, x.T @ dz, h_prev.T @ dz, x.T @ dn, (z * h_prev).T @ dn
"""
PENALTY = """import numpy as np
def lasso_cost(w, X, y, lam):
    return np.mean((X @ w - y) ** 2) / 2 + lam * np.sum(np.abs(w))
def lasso_grad(w, X, y, lam):
    return X.T @ (X @ w - y) / len(y) + lam * np.sign(w)
"""
NETWORK = """import numpy as np
class Net:
    def __init__(self, sizes):
        self.L = len(sizes) - 1
        self.W = {i: np.random.randn(sizes[i], sizes[i - 1]) for i in range(1, self.L + 1)}
        self.b = {i: np.zeros((sizes[i], 1)) for i in range(1, self.L + 1)}
    def forward(self, X):
        self.A = {0: X}
        for i in range(1, self.L + 1):
            z = self.W[i] @ self.A[i - 1] + self.b[i]
            self.A[i] = np.maximum(0, z) if i < self.L else 1 / (1 + np.exp(-z))
        return self.A[self.L]
    def loss(self, Y):
        a = self.A[self.L]
        return -np.mean(Y * np.log(a) + (1 - Y) * np.log(1 - a))
    def backward(self, Y):
        self.dW, self.db, m = {}, {}, Y.shape[1]
        dz = self.A[self.L] - Y
        for i in range(self.L, 0, -1):
            self.dW[i] = dz @ self.A[i - 1].T / m
            self.db[i] = np.sum(dz, axis=1, keepdims=True) / m
            dz = (self.W[i].T @ dz) * (self.A[i - 1] > 0)
"""
STYLES = {
    "network": (NETWORK, "Net.backward"),
    "fields": (FIELDS, "backward"),
    "tuples": (TUPLES, "gradient"),
    "keys": (KEYS, "backward"),
    "gates": (GATES, "cell_backward"),
    "penalty": (PENALTY, "lasso_grad"),
}


def verdict(text, name):
    return next(one for one in audit_text(text).functions if one.name == name)


@pytest.mark.parametrize("style", STYLES)
def test_right_gradients_in_any_structure_are_right(style):
    assert verdict(*STYLES[style]).status == RIGHT


@pytest.mark.parametrize(
    ("style", "right", "wrong"),
    [
        ("fields", "* (1 - cache.A1 ** 2)", "* (1 - cache.A1)"),
        ("tuples", "X.T @ (h - y) / len(y)", "X.T @ (h - y)"),
        ("keys", "(1 - A[l - 1] ** 2)", "(1 - A[l - 1])"),
        ("gates", "dh * (h_prev - n)", "dh * (n - h_prev)"),
        ("penalty", "lam * np.sign(w)", "lam * w"),
        ("network", "keepdims=True) / m", "keepdims=True)"),
    ],
)
def test_a_mistake_in_any_structure_is_found(style, right, wrong):
    text, name = STYLES[style]
    assert right in text
    assert verdict(text.replace(right, wrong), name).status == WRONG


def test_a_factor_is_not_right_for_one_example_alone():
    text = """import numpy as np
class Cost:
    def forward(self, x, t):
        e = np.exp(x - x.max(axis=1, keepdims=True))
        self.t, self.y = t, e / e.sum(axis=1, keepdims=True)
        return -np.log(self.y[np.arange(len(t)), t]).sum() / len(t)
    def backward(self, dout=1):
        dx = self.y.copy()
        dx[np.arange(len(self.t)), self.t] -= 1
        return dout * dx
"""
    assert verdict(text, "Cost.backward").status == UNCHECKED


def test_a_kink_of_one_unit_among_many_is_noticed():
    theta = {"b1": np.linspace(1, 2, 20)}

    def smooth(theta):
        return np.sum(theta["b1"] ** 2) + np.sum(np.exp(3 * theta["b1"][:2]))

    def bent(theta):
        return smooth(theta) + 0.5 * np.maximum(0, theta["b1"][19] - 2.000004)

    found = oracle.slopes(smooth, theta)
    right = 2 * theta["b1"] + 3 * np.exp(3 * theta["b1"]) * (np.arange(20) < 2)
    assert np.allclose(found[("b1",)], right, rtol=1e-7)
    assert oracle.slopes(bent, theta) is None


def test_gradients_that_all_lack_1_over_m_are_wrong_by_the_cost_of_the_class():
    text = NETWORK.replace(" / m\n", "\n")
    found = verdict(text, "Net.backward")
    assert (found.status, found.findings[0].diagnosis) == (WRONG, "missing_1_over_m")
    mean = text.replace("-np.mean(Y", "-np.sum(Y").replace("np.log(1 - a))", "np.log(1 - a)) / Y.shape[1]")
    assert verdict(mean, "Net.backward").status == WRONG
    assert verdict(text.replace("np.mean(Y", "np.sum(Y"), "Net.backward").status == RIGHT
