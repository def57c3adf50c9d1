"""Right code that means something else than the course's is not called wrong; a mistake in it is."""

import pytest

from tinygrad_course.audit.command.one_file import audit_text

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


def statuses(text):
    return {one.name: one.status for one in audit_text(text).functions}


@pytest.mark.parametrize("name", OTHERWISE)
def test_a_forward_pass_of_another_meaning_is_not_checked(name):
    more, first, then = OTHERWISE[name]
    text = FORWARD.format(more=more, first=first or "pass", then=then or "pass")
    assert statuses(text) == {"forward_propagation": "unchecked"}


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


def test_a_network_is_not_wrong_by_a_layer_of_its_own_and_a_base_class_has_nothing_to_fill_in():
    found = statuses(LAYERS)
    assert found["ReLU.backward"] == "wrong"
    assert found["Net.backward"] == "unchecked"
    assert not [name for name in found if name.startswith("Layer")]
    right = statuses(LAYERS.replace("grad * (grad > 0)", "grad * self.mask"))
    assert set(right.values()) == {"right"}
