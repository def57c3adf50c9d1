"""Networks that are given a list of layers, or to which layers are added, made of the file's own classes."""

import pytest

from tinygrad_course.audit.command.one_file import audit_text
from tinygrad_course.audit.reporting.results import RIGHT, WRONG

LISTED = """import numpy as np
class Dense:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out) * 0.01
        self.b = np.zeros((1, n_out))
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, grad):
        self.dW = self.x.T @ grad
        self.db = grad.sum(axis=0, keepdims=True)
        return grad @ self.W.T
class ReLU:
    def forward(self, x):
        self.mask = x > 0
        return x * self.mask
    def backward(self, grad):
        return grad * self.mask
class Tanh:
    def forward(self, x):
        self.y = np.tanh(x)
        return self.y
    def backward(self, grad):
        return grad * (1 - self.y ** 2)
class Sequential:
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
class Model:
    def __init__(self):
        self.layers = []
    def add(self, layer):
        self.layers.append(layer)
    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x
    def backward(self, grad):
        for layer in self.layers[::-1]:
            grad = layer.backward(grad)  # added
        return grad
class Thresholded:
    def __init__(self, in_num, out_num, n_pieces):
        self.W = np.random.randn(in_num, out_num)
        self.scale = np.ones(n_pieces)
    def forward(self, x):
        self.x = x
        return np.tile(x @ self.W, 2)[:, : self.W.shape[1]] * len(self.scale)
    def backward(self, grad):
        self.dW = self.x.T @ grad * len(self.scale)
        return grad @ self.W.T * len(self.scale)
"""


def statuses(text):
    return {report.name: report for report in audit_text(text).functions}


def test_networks_of_listed_and_of_added_layers_are_judged():
    found = {name: report.status for name, report in statuses(LISTED).items()}
    names = ("Dense", "ReLU", "Tanh", "Sequential", "Model", "Thresholded")
    assert found == {f"{name}.backward": RIGHT for name in names}


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("grad = layer.backward(grad)\n", "grad = layer.backward(grad) * 2\n", "Sequential.backward"),
        ("grad = layer.backward(grad)  #", "grad = layer.backward(grad) * 2  #", "Model.backward"),
        ("return grad @ self.W.T\n", "return (grad + self.b) @ self.W.T\n", "Dense.backward"),
    ],
)
def test_a_mistake_in_such_a_network_is_found_where_it_stands(old, new, name):
    report = statuses(LISTED.replace(old, new, 1))[name]
    line = LISTED[: LISTED.index(old)].count("\n") + 1
    assert (report.status, report.findings[0].line if report.findings else report.remarks) == (WRONG, line)


UNROLLED = """import numpy as np
def sigmoid(z):
    return 1 / (1 + np.exp(-z))
def nn_cost(nn_params, input_layer_size, hidden_layer_size, num_labels, X_orig, y, lam):
    cut = hidden_layer_size * (input_layer_size + 1)
    Theta1 = nn_params[:cut].reshape(hidden_layer_size, input_layer_size + 1)
    Theta2 = nn_params[cut:].reshape(num_labels, hidden_layer_size + 1)
    m = X_orig.shape[0]
    a1 = np.hstack((np.ones((m, 1)), X_orig))
    Y = np.zeros((m, num_labels))
    for i in range(m):
        Y[i, y[i, 0] - 1] = 1
    z2 = a1.dot(Theta1.T)
    a2 = np.hstack((np.ones((m, 1)), sigmoid(z2)))
    h = sigmoid(a2.dot(Theta2.T))
    J = np.sum(-Y * np.log(h) - (1 - Y) * np.log(1 - h)) / m
    J += lam / (2 * m) * (np.sum(Theta1[:, 1:] ** 2) + np.sum(Theta2[:, 1:] ** 2))
    d3 = h - Y
    d2 = d3.dot(Theta2[:, 1:]) * sigmoid(z2) * (1 - sigmoid(z2))
    Theta1_grad = d2.T.dot(a1) / m
    Theta2_grad = d3.T.dot(a2) / m
    Theta1_grad[:, 1:] += lam / m * Theta1[:, 1:]
    Theta2_grad[:, 1:] += lam / m * Theta2[:, 1:]
    grad = np.concatenate((Theta1_grad.ravel(), Theta2_grad.ravel()))
    return J, grad
"""


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        ("J, grad", "J, grad", RIGHT),
        (" * sigmoid(z2) * (1 - sigmoid(z2))", "", WRONG),
        ("d3.T.dot(a2) / m", "d3.T.dot(a2)", WRONG),
    ],
)
def test_parameters_that_are_unrolled_and_classes_in_a_column_are_judged(old, new, status):
    assert statuses(UNROLLED.replace(old, new))["nn_cost"].status == status
