"""Layers and costs as objects, and networks whose shapes nothing in the file makes."""

import ast
import functools

import pytest

from tinygrad_course.audit.command.one_file import audit_text
from tinygrad_course.audit.source.templates import unfilled

LAYERS = """import numpy as np
class Dense:
    def __init__(self, n_inputs, n_neurons):
        self.W = 0.1 * np.random.randn(n_inputs, n_neurons)
        self.b = np.zeros((1, n_neurons))
    def forward(self, X):
        self.X = X
        return X @ self.W + self.b
    def backward(self, dout):
        self.dW = self.X.T @ dout
        self.db = np.sum(dout, axis=0, keepdims=True)
        return dout @ self.W.T
class Sigmoid:
    def forward(self, x):
        self.out = 1 / (1 + np.exp(-x))
        return self.out
    def backward(self, dout):
        return dout * self.out * (1 - self.out)
class MSE:
    def forward(self, y_pred, y_true):
        self.y_pred, self.y_true = y_pred, y_true
        return np.mean((y_pred - y_true) ** 2)
    def backward(self):
        return 2 * (self.y_pred - self.y_true) / self.y_true.size
"""
WRONG = [
    ("self.X.T @ dout", "self.X.T @ dout * 2", "Dense.backward", "wrong_factor"),
    ("axis=0, keepdims=True", "axis=1, keepdims=True", "Dense.backward", "wrong_axis"),
    ("dout @ self.W.T", "dout @ self.W", "Dense.backward", "transposed"),
    (
        "dout * self.out * (1 - self.out)",
        "dout * (1 - self.out ** 2)",
        "Sigmoid.backward",
        "wrong_activation_derivative",
    ),
    (
        "(self.y_pred - self.y_true) / self",
        "(self.y_true - self.y_pred) / self",
        "MSE.backward",
        "wrong_sign",
    ),
]


@functools.cache
def told(text):
    return {function.name: function for function in audit_text(text).functions}


def test_right_layers_are_right():
    assert {name: function.status for name, function in told(LAYERS).items()} == dict.fromkeys(
        ("Dense.backward", "Sigmoid.backward", "MSE.backward"), "right"
    )


@pytest.mark.sampled(6)
@pytest.mark.parametrize(("old", "new", "method", "diagnosis"), WRONG)
def test_a_wrong_layer_is_named_and_the_others_stay_right(old, new, method, diagnosis):
    found = told(LAYERS.replace(old, new))
    assert [one.diagnosis for one in found.pop(method).findings] == [diagnosis]
    assert {function.status for function in found.values()} == {"right"}


@pytest.mark.sampled(6)
@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("np.sum(dout, axis=0, keepdims=True)", "dout", "right for one example"),
        ("return dout * self.out * (1 - self.out)", "return dout", "passes the derivative on"),
        (
            "return 2 * (self.y_pred - self.y_true) / self.y_true.size",
            "return self.y_pred - self.y_true",
            "times",
        ),
        ("return dout * self.out * (1 - self.out)", "return dout * (1 - dout)", "no multiple"),
    ],
)
def test_what_may_be_another_contract_is_not_called_wrong(old, new, reason):
    found = [one for one in told(LAYERS.replace(old, new)).values() if one.status != "right"]
    assert [one.status for one in found] == ["unchecked"]
    assert reason in found[0].remarks[0]


WORD2VEC = """import numpy as np
def softmax(z):
    e_z = np.exp(z)
    return e_z / np.sum(e_z, axis=0)
def initialize_model(N, V, random_seed=1):
    np.random.seed(random_seed)
    W1 = np.random.rand(N, V)
    W2 = np.random.rand(V, N)
    b1 = np.random.rand(N, 1)
    b2 = np.random.rand(V, 1)
    return W1, W2, b1, b2
def forward_prop(x, W1, W2, b1, b2):
    h = np.dot(W1, x) + b1
    h = np.maximum(0, h)
    z = np.dot(W2, h) + b2
    return z, h
def compute_cost(y, yhat, batch_size):
    logprobs = np.multiply(np.log(yhat), y)
    cost = -1 / batch_size * np.sum(logprobs)
    cost = np.squeeze(cost)
    return cost
def back_prop(x, yhat, y, h, W1, W2, b1, b2, batch_size):
    l1 = np.dot(W2.T, yhat - y)
    l1[h <= 0] = 0
    grad_W1 = np.dot(l1, x.T) / batch_size
    grad_W2 = np.dot(yhat - y, h.T) / batch_size
    grad_b1 = np.sum(l1, axis=1, keepdims=True) / batch_size
    grad_b2 = np.sum(yhat - y, axis=1, keepdims=True) / batch_size
    return grad_W1, grad_W2, grad_b1, grad_b2
"""
EMBEDDINGS = """import numpy as np
def forward_propagation(x_batch, weights):
    z = np.dot(x_batch, weights)
    softmax = np.exp(z) / (np.sum(np.exp(z), axis=1, keepdims=True))
    return softmax
def back_propagation(y_batch, softmax, weights, x_batch):
    d_softmax = softmax - y_batch
    d_weights = np.dot(x_batch.T, d_softmax)
    d_embeddings = np.dot(d_softmax, weights.T)
    return d_weights, d_embeddings
def calculate_loss(softmax, y):
    cost = -np.sum(y * np.log(softmax))
    return cost
"""
ROWS = """import numpy as np
def forward(X, W1, b1, W2, b2):
    Z1 = np.dot(X, W1) + b1
    A1 = np.tanh(Z1)
    Z2 = np.dot(A1, W2) + b2
    A2 = 1 / (1 + np.exp(-Z2))
    return A1, A2
def backward(X, Y, A1, A2, W2):
    m = X.shape[0]
    dZ2 = A2 - Y
    dW2 = np.dot(A1.T, dZ2) / m
    db2 = np.sum(dZ2, axis=0, keepdims=True) / m
    dZ1 = np.dot(dZ2, W2.T) * (1 - A1 ** 2)
    dW1 = np.dot(X.T, dZ1) / m
    db1 = np.sum(dZ1, axis=0, keepdims=True) / m
    return dW1, db1, dW2, db2
def train(X, Y, n_h, epochs, lr):
    W1 = np.random.randn(X.shape[1], n_h) * 0.1
    b1 = np.zeros((1, n_h))
    W2 = np.random.randn(n_h, 1) * 0.1
    b2 = np.zeros((1, 1))
    for i in range(epochs):
        A1, A2 = forward(X, W1, b1, W2, b2)
        loss = -np.mean(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))
        dW1, db1, dW2, db2 = backward(X, Y, A1, A2, W2)
        W1 -= lr * dW1
        b1 -= lr * db1
        W2 -= lr * dW2
        b2 -= lr * db2
    return W1, b1, W2, b2
"""


@pytest.mark.long
@pytest.mark.parametrize(
    ("text", "function", "old", "new", "line"),
    [
        (WORD2VEC, "back_prop", "l1[h <= 0] = 0", "l1 = np.maximum(0, l1)", None),
        (WORD2VEC, "back_prop", "np.dot(l1, x.T)", "np.dot(h, x.T)", 25),
        (EMBEDDINGS, "back_propagation", "softmax - y_batch", "y_batch - softmax", 7),
        (ROWS, "backward", "1 - A1 ** 2", "A1 * (1 - A1)", 13),
    ],
)
def test_networks_of_any_layout(text, function, old, new, line):
    assert told(text)[function].status == "right"
    found = told(text.replace(old, new))
    assert found[function].status == "wrong"
    assert line is None or [one.line for one in found[function].findings] == [line]
    assert {name for name, one in found.items() if one.status == "wrong"} == {function}


CHARACTERS = """
import numpy as np
def softmax(x):
    e_x = np.exp(x - np.max(x))
    return e_x / e_x.sum(axis=0)
def rnn_forward(X, Y, a0, parameters, vocab_size=27):
    x, a, y_hat = {}, {}, {}
    a[-1] = np.copy(a0)
    loss = 0
    for t in range(len(X)):
        x[t] = np.zeros((vocab_size, 1))
        if X[t] is not None:
            x[t][X[t]] = 1
        inner = np.dot(parameters["Wax"], x[t]) + np.dot(parameters["Waa"], a[t - 1]) + parameters["b"]
        a[t] = np.tanh(inner)
        y_hat[t] = softmax(np.dot(parameters["Wya"], a[t]) + parameters["by"])
        loss -= np.log(y_hat[t][Y[t], 0])
    return loss, (y_hat, a, x)
def rnn_backward(X, Y, parameters, cache):
    y_hat, a, x = cache
    gradients = {"d" + key: np.zeros_like(value) for key, value in parameters.items()}
    da_next = np.zeros_like(a[0])
    for t in reversed(range(len(X))):
        dy = np.copy(y_hat[t])
        dy[Y[t]] -= 1
        gradients["dWya"] += np.dot(dy, a[t].T)
        gradients["dby"] += dy
        da = np.dot(parameters["Wya"].T, dy) + da_next
        daraw = (1 - a[t] * a[t]) * da
        gradients["db"] += daraw
        gradients["dWax"] += np.dot(daraw, x[t].T)
        gradients["dWaa"] += np.dot(daraw, a[t - 1].T)
        da_next = np.dot(parameters["Waa"].T, daraw)
    return gradients, a
"""


@pytest.mark.long
@pytest.mark.parametrize(("old", "new"), [("a[t - 1].T)", "a[t].T)"), (" + da_next", ""), ("-= 1", "-= 2")])
def test_a_model_of_characters_is_held_against_its_loss(old, new):
    assert told(CHARACTERS)["rnn_backward"].status == "right"
    assert told(CHARACTERS.replace(old, new))["rnn_backward"].status == "wrong"


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (
            "    b = None\n    for x in a:\n        if b is None or x > b:\n            b = x\n    return b",
            None,
        ),
        ("    cost = None\n    cost = np.squeeze(cost)\n    return cost", 2),
        ("    A = relu(a)\n    A = None\n    Z = A + 1\n    return Z", 3),
        (
            "    b = None\n    for x in a:\n        if b:\n            x = b\n        b = x\n    return x",
            None,
        ),
        ("    a -= None\n    return a", 2),
        ("    difference = None\n    if difference < 1e-7:\n        print()\n    return difference", 2),
    ],
)
def test_what_is_not_filled_in_is_told_from_what_is_none_at_first(body, line):
    assert unfilled(ast.parse(f"def f(a):\n{body}").body[0]) == line


@pytest.mark.sampled(9)
@pytest.mark.parametrize(
    ("new", "status"),
    [
        ("np.sum(dZ2) / m", "right"),
        ("np.sum(dZ2, axis=0) / m", "right"),
        ("np.sum(dZ2, axis=1) / m", "wrong"),
    ],
)
def test_a_gradient_is_right_in_the_shape_that_an_update_takes(new, status):
    text = ROWS.replace("np.sum(dZ2, axis=0, keepdims=True) / m", new)
    assert told(text)["backward"].status == status


HIDDEN_MISTAKES = """import numpy as np
class Linear:
    def __init__(self, input_size, output_size):
        self.weights = np.random.randn(input_size, output_size)
        self.bias = np.zeros((1, output_size))
    def forward(self, x):
        self.x = x
        return x @ self.weights + self.bias
    def backward(self, grad_output):
        self.dW = self.x.T @ grad_output
        self.db = np.sum(grad_output, axis=0, keepdims=True)
        return grad_output @ self.weights.T
class SoftmaxWithLoss:
    def forward(self, x, t):
        self.t = t
        powers = np.exp(x - np.max(x, axis=1, keepdims=True))
        self.y = powers / np.sum(powers, axis=1, keepdims=True)
        classes = t.argmax(axis=1) if t.size == self.y.size else t
        return -np.sum(np.log(self.y[np.arange(len(x)), classes])) / len(x)
    def backward(self, dout=1):
        if self.t.size == self.y.size:
            return (self.y - self.t) / len(self.y)
        dx = self.y.copy()
        dx[np.arange(len(dx)), self.t] -= 1
        return dx / len(dx)
class BatchNorm:
    def __init__(self):
        self.gamma = 1
        self.beta = 0.0
    def forward(self, x):
        self.std = np.sqrt(np.var(x, axis=0) + 1e-5)
        self.hat = (x - np.mean(x, axis=0)) / self.std
        return self.gamma * self.hat + self.beta
    def backward(self, dout, lr=0.1):
        d = dout * self.gamma
        dx = (d - np.mean(d, axis=0) - self.hat * np.mean(d * self.hat, axis=0)) / self.std
        self.beta -= lr * np.sum(dout, axis=0)
        self.gamma -= lr * np.sum(dout * self.hat, axis=0)
        return dx
"""


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("self.x.T @", "self.x @", 10),  # runs where there are as many examples as features
        ("self.y - self.t", "self.y + self.t", 22),  # not reached by labels that are classes
        ("np.sum(dout, axis=0)\n", "np.mean(dout, axis=0)\n", 37),  # a number that becomes an array
        ("", "", 0),
    ],
)
def test_a_mistake_that_usual_values_hide_is_found(old, new, line):
    functions = audit_text(HIDDEN_MISTAKES.replace(old, new) if old else HIDDEN_MISTAKES).functions
    assert len(functions) == 3
    assert [finding.line for one in functions for finding in one.findings][:1] == ([line] if line else [])


SANDWICH = """import numpy as np
def affine_forward(x, w, b):
    return x.dot(w) + b, (x, w, b)
def affine_backward(dout, cache):
    x, w, b = cache
    return dout.dot(w.T), x.T.dot(dout), np.sum(dout, axis=0)
def relu_forward(x):
    return np.maximum(0, x), x
def relu_backward(dout, cache):
    return dout * (cache > 0)
def affine_relu_forward(x, w, b):
    a, affine_cache = affine_forward(x, w, b)
    out, relu_cache = relu_forward(a)
    return out, (affine_cache, relu_cache)
def affine_relu_backward(dout, cache):
    affine_cache, relu_cache = cache
    da = relu_backward(dout, relu_cache)
    return affine_backward(da, affine_cache)
"""
OUTER = "affine_relu_backward"


@pytest.mark.parametrize(
    ("edits", "status", "lines"),
    [
        ({"np.sum(dout": "np.mean(dout"}, "right", []),
        ({"np.sum(dout": "np.mean(dout", "(da, affine_cache": "(dout, affine_cache"}, "wrong", [18]),
        ({"x.T.dot(dout)": "x.T.dot(dout) ** 3 + np.cos(w)"}, "unchecked", []),
    ],
)
def test_what_calls_a_wrong_function_is_judged_with_that_put_right(edits, status, lines):
    text = SANDWICH
    for old, new in edits.items():
        text = text.replace(old, new)
    found = told(text)
    assert (found["affine_backward"].status, found[OUTER].status) == ("wrong", status)
    assert [finding.line for finding in found[OUTER].findings] == lines
    assert lines or "affine_backward" in found[OUTER].remarks[0]


TOLD_BY_USE = {
    "sizes in any order of words, several hidden layers": (
        """import numpy as np
class Net:
    def __init__(self, sizeIn, hidden_units, number_of_outputs):
        assert len(hidden_units) > 0
        sizes = [sizeIn, *hidden_units, number_of_outputs]
        self.Ws = [np.random.randn(a, b) for a, b in zip(sizes, sizes[1:])]
    def forward(self, X):
        self.kept = [X]
        for W in self.Ws[:-1]:
            self.kept.append(np.tanh(self.kept[-1] @ W))
        return self.kept[-1] @ self.Ws[-1]
    def backward(self, dout):
        grads = []
        for W, A in zip(self.Ws[::-1], self.kept[::-1]):
            grads.append(A.T @ dout)
            dout = dout @ W.T * (1 - A**2)
        self.dWs = grads[::-1]
""",
        "A.T @ dout",
        "A.T @ dout / 3",
    ),
    "a picture that is unpacked": (
        """import numpy as np
class MaxPool:
    def __init__(self, in_channels, filter_size, stride):
        self.depth, self.rows, self.columns = in_channels
        self.height, self.width = filter_size
        self.stride = stride
    def forward(self, X):
        rows = range(0, self.rows - self.height + 1, self.stride)
        columns = range(0, self.columns - self.width + 1, self.stride)
        lines = ([self.window(X, i, j).max(axis=(2, 3)) for j in columns] for i in rows)
        return np.stack([np.stack(line, axis=2) for line in lines], axis=2)
    def window(self, X, i, j):
        return X[:, :, i:i + self.height, j:j + self.width]
    def backward(self, activation_prev, delta):
        new = np.zeros(activation_prev.shape)
        for i in range(delta.shape[2]):
            for j in range(delta.shape[3]):
                seen = self.window(activation_prev, i * self.stride, j * self.stride)
                most = seen == seen.max(axis=(2, 3), keepdims=True)
                here = self.window(new, i * self.stride, j * self.stride)
                here += most * delta[:, :, i:i + 1, j:j + 1]
        return new
""",
        "j * self.stride",
        "j",
    ),
    "settings by any name": (
        """import numpy as np
def scale_forward(A_prev, how):
    return A_prev[:, :, ::how["stride"]] ** how["f"], (A_prev, how)
def scale_backward(dA, cache):
    A_prev, how = cache
    dA_prev = np.zeros(A_prev.shape)
    dA_prev[:, :, ::how["stride"]] = dA * how["f"] * A_prev[:, :, ::how["stride"]] ** (how["f"] - 1)
    return dA_prev
""",
        '(how["f"] - 1)',
        'how["f"]',
    ),
}


@pytest.mark.long
@pytest.mark.parametrize(("text", "old", "new"), TOLD_BY_USE.values(), ids=TOLD_BY_USE.keys())
def test_what_an_argument_is_for_is_told_by_its_use(text, old, new):
    def judged(code):
        return [one.status for one in audit_text(code).functions if "backward" in one.name]

    assert (judged(text), judged(text.replace(old, new))) == (["right"], ["wrong"])


PENALIZED = """import numpy as np
def forward_pass_my(X, params):
    W1, b1, W2, b2 = params["W1"], params["b1"], params["W2"], params["b2"]
    Z1 = np.dot(W1, X) + b1
    A1 = np.tanh(Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = 1 / (1 + np.exp(-Z2))
    return A2, (Z1, A1, W1, b1, Z2, A2, W2, b2)
def compute_cost_L2R(A, Y, lambd, params):
    m = Y.shape[1]
    cross = -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / m
    return cross + lambd / (2 * m) * (np.sum(params["W1"] ** 2) + np.sum(params["W1"] ** 2))
def backward_pass_L2R(X, Y, cache, lambd):
    m = X.shape[1]
    Z1, A1, W1, b1, Z2, A2, W2, b2 = cache
    dZ2 = A2 - Y
    dW2 = np.dot(dZ2, A1.T) / m + lambd / m * W2
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = np.dot(W2.T, dZ2) * (1 - A1 ** 2)
    dW1 = np.dot(dZ1, X.T) / m + lambd / m * W1
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}
"""


def test_a_backward_pass_is_held_against_its_cost_put_right():
    reports = {one.name: one for one in audit_text(PENALIZED).functions}
    cost, back = reports["compute_cost_L2R"], reports["backward_pass_L2R"]
    assert cost.status == "wrong"
    assert "W2" in cost.findings[0].suggestion
    assert back.status == "right"
    assert back.remarks == ["right, given right compute_cost_L2R"]
