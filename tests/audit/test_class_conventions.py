"""Classes as frameworks by hand write them: private names, bases that are not loaded, templates, dL/dW."""

import pytest

from tinygrad_course.audit.command.one_file import audit_text
from tinygrad_course.audit.reporting.results import RIGHT, UNCHECKED, WRONG

LAYERS = """import numpy as np
from frame.work import Module
class Scaled(Module):
    def __init__(self, rate=0.3, name="scaled"):
        super().__init__(name)
        self.__rate = rate
        self.__mask = None
    def __kept(self, inputs):
        return np.random.rand(*inputs.shape) > self.__rate
    def forward(self, inputs, is_training):
        if not is_training:
            return inputs
        self.__mask = self.__kept(inputs) / (1.0 - self.__rate)
        return inputs * self.__mask
    def backward(self, delta):
        return delta * self.__mask
class Linear(Module):
    def __init__(self, in_features, out_features):
        super().__init__("linear")
        self.W = np.zeros((out_features, in_features))
        self.b = np.zeros(out_features)
    def __call__(self, activations):
        self.cache = activations
        return activations @ self.W.T + self.b
    def backward(self, dLdZ):
        self.dLdA = dLdZ @ self.W
        self.dLdW = dLdZ.T @ self.cache
        self.dLdb = np.sum(dLdZ, axis=0)
        return self.dLdA
class Dropout:
    def __init__(self, prob):
        assert 0 <= prob < 1
        self.prob = prob
    def forward(self, x):
        self.mask = np.random.rand(*x.shape) > self.prob
        return x * self.mask / (1 - self.prob)
    def backward(self, dout):
        return dout * self.mask / (1 - self.prob)
class Softmax:
    def __init__(self, dim=-1):
        self.dim = dim
    def forward(self, Z):
        e = np.exp(Z - Z.max(axis=self.dim, keepdims=True))
        self.A = e / e.sum(axis=self.dim, keepdims=True)
        return self.A
    def backward(self, dLdA):
        return self.A * (dLdA - np.sum(dLdA * self.A, axis=self.dim, keepdims=True))
class Flatten:
    def __init__(self, input_shape=None):
        self.__input_shape = input_shape
    def forward(self, inputs):
        return inputs.reshape(inputs.shape[0], -1)
    def backward(self, grad):
        return grad.reshape((grad.shape[0],) + self.__input_shape)
class Pool:
    def forward(self, A):
        self.A = A
        return NotImplemented
    def backward(self, dLdZ):
        dLdA = None
        return NotImplemented
"""
RIGHT_ONES = ("Scaled", "Linear", "Dropout", "Softmax")


def told(text):
    return {one.name.partition(".")[0]: one for one in audit_text(text).functions}


def test_private_names_and_bases_that_are_not_loaded_are_no_obstacle():
    found = told(LAYERS)
    assert {name: found[name].status for name in RIGHT_ONES} == dict.fromkeys(RIGHT_ONES, RIGHT)
    assert {found[name].status for name in ("Flatten", "Pool")} == {UNCHECKED}
    assert found["Pool"].remarks[0].startswith("not filled in yet")


@pytest.mark.parametrize(
    ("old", "new", "owner"),
    [
        ("return delta * self.__mask", "return delta * self.__mask**2", "Scaled"),
        ("dLdZ.T @ self.cache", "dLdZ.T @ self.cache / 7", "Linear"),
        ("np.sum(dLdZ, axis=0)", "np.mean(dLdZ, axis=0)", "Linear"),
        ("dout * self.mask / (1 - self.prob)", "dout * self.mask * (1 - self.prob)", "Dropout"),
        ("np.sum(dLdA * self.A, axis", "np.sum(dLdA, axis", "Softmax"),
    ],
)
def test_a_mistake_in_them_is_found(old, new, owner):
    text = LAYERS.replace(old, new)
    found, line = told(text), text[: text.index(new)].count("\n") + 1
    wrong = [name for name in RIGHT_ONES if found[name].status == WRONG]
    assert (wrong, [one.line for one in found[owner].findings]) == ([owner], [line])
    assert all("_Scaled" not in one.suggestion + one.message for one in found[owner].findings)


def test_a_global_name_that_another_function_sets_is_no_mistake():
    text = """import numpy as np
def tune(settings):
    global options
    options = settings
def sigmoid(z):
    return 1 / (1 + np.exp(-z / options["T"]))
"""
    assert [one.status for one in audit_text(text).functions] == [UNCHECKED]


LATER = """import numpy as np
draws = np.random.default_rng(3)
class Parameter:
    def __init__(self, data):
        self.data = data
        self.grad = np.zeros_like(data)
class Layer:
    def forward(self, inputs):
        self.inputs = inputs
        return inputs
class Dense(Layer):
    def __init__(self, units):
        self.units = units
    def build(self, input_shape, rng):
        self.W = Parameter(rng.normal(size=(input_shape[1], self.units)))
        self.b = Parameter(draws.normal(size=self.units))
    def forward(self, inputs):
        return super().forward(inputs) @ self.W.data + self.b.data
    def backward(self, next):
        self.W.grad += self.inputs.T @ next
        self.b.grad += next.sum(axis=0)
        return next @ self.W.data.T
class Embedding:
    def __init__(self, vocab_size, embedding_dim):
        self.E = Parameter(np.random.rand(vocab_size, embedding_dim))
    def forward(self, token_ids):
        self.ids = token_ids
        return self.E.data[token_ids]
    def backward(self, next):
        np.add.at(self.E.grad, self.ids, next)
class Listed:
    def __init__(self, in_chan, out_chan):
        self.W = np.random.randn(in_chan, out_chan)
        self.b = np.zeros((1, out_chan))
    def forward(self, X):
        self.X = X
        return X @ self.W + self.b
    def backward(self, dout):
        dW = self.X.T @ dout
        db = np.sum(dout, axis=0)
        return dout @ self.W.T, [dW, db]
class Activation:
    def __init__(self, f, f_prime):
        self.f, self.f_prime = f, f_prime
    def forward(self, inputs):
        self.inputs = inputs
        return self.f(inputs)
    def backward(self, grad):
        return self.f_prime(self.inputs) * grad
class Dropout:
    def __init__(self, prob=0.5):
        self.prob = prob
    def forward(self, X):
        self.mask = np.random.binomial(1, self.prob, size=X.shape) / self.prob
        return X * self.mask
    def backward(self, dout):
        return dout * self.mask
class Squares:
    def forward(self, y, yhat):
        return np.sum((y - yhat) ** 2, axis=1)
    def backward(self, y, yhat):
        return 2 * (yhat - y)
class Numbered:
    def forward(self, y_true, y_pred):
        return -np.mean(np.log(y_pred[np.arange(len(y_true)), y_true]))
    def backward(self, y_true, y_pred):
        taken = y_pred.copy()
        taken[np.arange(len(y_true)), y_true] -= 1
        return taken / len(y_true)
class Network:
    def __init__(self, n_in, n_hidden):
        self.W1 = np.random.randn(n_in, n_hidden)
        self.W2 = np.random.randn(n_hidden, 1)
    def sigmoid(self, z):
        return 1 / (1 + np.exp(-z))
    def sigmoid_derivative(self, y):
        return y * (1 - y)
    def forward(self, X):
        self.a2 = self.sigmoid(X @ self.W1)
        return self.sigmoid(self.a2 @ self.W2)
    def costFunction(self, X, y):
        return 0.5 * sum((y - self.forward(X)) ** 2)
    def costFunctionPrime(self, X, y):
        yHat = self.forward(X)
        delta3 = -(y - yHat) * self.sigmoid_derivative(yHat)
        dJdW2 = self.a2.T @ delta3
        delta2 = delta3 @ self.W2.T * self.sigmoid_derivative(self.a2)
        dJdW1 = X.T @ delta2
        return dJdW1, dJdW2
def entropy_loss(logits, actual):
    n = actual.shape[0]
    powers = np.exp(logits - np.max(logits, axis=-1, keepdims=True))
    probs = powers / np.sum(powers, axis=-1, keepdims=True)
    loss = -np.mean(np.sum(actual * np.log(probs), axis=-1))
    grad = (probs - actual) / n
    return loss, grad
def pool_forward(x, stride):
    N, C, H, W = x.shape
    rows = (H - 2) // stride + 1
    columns = (W - 2) // stride + 1
    out = np.zeros((N, C, rows, columns))
    for i in xrange(rows):
        for j in xrange(columns):
            part = x[:, :, i * stride : i * stride + 2, j * stride : j * stride + 2]
            out[:, :, i, j] = part.mean(axis=(2, 3))
    return out, (x, stride)
def pool_backward(dout, cache):
    x, stride = cache
    dx = np.zeros(x.shape)
    for i in xrange(dout.shape[2]):
        for j in xrange(dout.shape[3]):
            part = dx[:, :, i * stride : i * stride + 2, j * stride : j * stride + 2]
            part += dout[:, :, i : i + 1, j : j + 1] / 4
    return dx
"""


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("", "", ""),
        ("self.W.grad += self.inputs.T @ next", "self.W.grad += self.inputs.T @ next / 2", "Dense.backward"),
        ("np.add.at(self.E.grad, self.ids, next)", "self.E.grad[self.ids] += next", "Embedding.backward"),
        ("return dout @ self.W.T, [dW", "return dout @ self.W, [dW", "Listed.backward"),
        ("        db = np.sum(dout, axis=0)", "        db = np.sum(dout, axis=1)", "Listed.backward"),
        ("self.f_prime(self.inputs) * grad", "self.f_prime(grad) * grad", "Activation.backward"),
        ("        return dout * self.mask\n", "        return dout\n", "Dropout.backward"),
        ("        return 2 * (yhat - y)", "        return 2 * (y - yhat)", "Squares.backward"),
        ("dJdW2 = self.a2.T @", "dJdW2 = X.T @", "Network.costFunctionPrime"),
        ("    n = actual.shape[0]\n", "    n = actual.size\n", "entropy_loss"),
        ("dout[:, :, i : i + 1, j : j + 1] / 4", "dout[:, :, i : i + 1, j : j + 1]", "pool_backward"),
        ("(H - 2) // stride", "(H - 2) / stride", "pool_forward"),
    ],
)
def test_what_is_set_up_later_kept_in_parameters_or_listed_is_judged(old, new, name):
    assert old in LATER
    at, count = LATER.index(old), LATER[: LATER.index(old)].count("\n") + 1
    report = audit_text(LATER[:at] + new + LATER[at + len(old) :])
    verdicts = {one.name: one.status for one in report.functions}
    assert verdicts.pop("Numbered.backward") == UNCHECKED  # with the softmax's derivative
    assert {one for one, status in verdicts.items() if status != RIGHT} == {name} - {""}
    (wrong,) = [one for one in report.functions if one.status == WRONG] or [None]
    if wrong is not None:
        mended = {"entropy_loss", "pool_forward", "Squares.backward", "Listed.backward"}
        assert [one.line for one in wrong.findings] == [count] or name not in mended
        assert wrong.findings[0].diagnosis != "no_return"
        assert (wrong.findings[0].diagnosis == "no_whole_number") == (name == "pool_forward")
        assert wrong.findings[0].suggestion or name not in mended
    else:
        judged = {"Dense", "Embedding", "Listed", "Activation", "Dropout", "Squares", "pool"}
        judged = {f"{one}.backward".replace("pool.", "pool_") for one in judged} | {"entropy_loss"}
        assert verdicts.keys() >= judged | {"Network.costFunctionPrime", "Network.sigmoid_derivative"}
