"""Code of other schools than the course's: pairs of functions, losses with gradients, layers, loops."""

import ast
import functools

import pytest

from tinygrad_course.audit.command.one_file import audit_text

ROWS = """import numpy as np
def affine_forward(x, w, b):
    out = x.reshape(x.shape[0], -1).dot(w) + b
    return out, (x, w, b)
def affine_backward(dout, cache):
    x, w, b = cache
    dx = dout.dot(w.T).reshape(x.shape)
    dw = x.reshape(x.shape[0], -1).T.dot(dout)
    db = dout.sum(axis=0)
    return dx, dw, db
"""
NORMALISED = """import numpy as np
def layernorm_forward(x, gamma, beta, ln_param):
    mean = x.mean(axis=1, keepdims=True)
    std = np.sqrt(x.var(axis=1, keepdims=True) + ln_param.get("eps", 1e-5))
    xhat = (x - mean) / std
    return gamma * xhat + beta, (xhat, std, gamma)
def layernorm_backward(dout, cache):
    xhat, std, gamma = cache
    dgamma = np.sum(dout * xhat, axis=0)
    dbeta = np.sum(dout, axis=0)
    g = dout * gamma
    inner = np.mean(g * xhat, axis=1, keepdims=True)
    dx = (g - np.mean(g, axis=1, keepdims=True) - xhat * inner) / std
    return dx, dgamma, dbeta
"""
LOSSES = """import numpy as np
def hinge_loss(scores, y):
    n = scores.shape[0]
    margins = np.maximum(0, scores - scores[np.arange(n), y][:, None] + 1)
    margins[np.arange(n), y] = 0
    dscores = (margins > 0).astype(float)
    dscores[np.arange(n), y] -= dscores.sum(axis=1)
    return margins.sum() / n, dscores / n
def cost_and_gradient(theta, X, y, lam):
    m = y.size
    h = 1 / (1 + np.exp(-X.dot(theta)))
    shrunk = np.r_[0, theta[1:]]
    J = -(y @ np.log(h) + (1 - y) @ np.log(1 - h)) / m + lam / (2 * m) * shrunk @ shrunk
    grad = X.T.dot(h - y) / m + lam / m * shrunk
    return J, grad
"""
TEXTS = """import numpy as np
vocab_size, hidden_size = 12, 20
Wxh = np.random.randn(hidden_size, vocab_size)
def loss_of(inputs, targets, hprev):
    xs, hs, ps, loss = {}, {-1: np.copy(hprev)}, {}, 0.0
    for t in range(len(inputs)):
        xs[t] = np.zeros((vocab_size, 1))
        xs[t][inputs[t]] = 1
        hs[t] = np.tanh(Wxh @ xs[t] + Whh @ hs[t - 1] + bh)
        scores = np.exp(Why @ hs[t] + by)
        ps[t] = scores / scores.sum()
        loss -= np.log(ps[t][targets[t], 0])
    dWxh, dWhh, dWhy = np.zeros_like(Wxh), np.zeros_like(Whh), np.zeros_like(Why)
    dbh, dby, later = np.zeros_like(bh), np.zeros_like(by), np.zeros_like(hs[0])
    for t in reversed(range(len(inputs))):
        dy = np.copy(ps[t])
        dy[targets[t]] -= 1
        dWhy += dy @ hs[t].T
        dby += dy
        raw = (1 - hs[t] ** 2) * (Why.T @ dy + later)
        dbh += raw
        dWxh += raw @ xs[t].T
        dWhh += raw @ hs[t - 1].T
        later = Whh.T @ raw
    return loss, dWxh, dWhh, dWhy, dbh, dby, hs[len(inputs) - 1]
"""
LAYERS = """import numpy as np
class Affine:
    def __init__(self, W, b):
        self.W, self.b = W, b
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, dout):
        self.dW = self.x.T @ dout
        self.db = dout.sum(axis=0)
        return dout @ self.W.T
class Relu:
    def forward(self, x):
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out
    def backward(self, dout):
        dout[self.mask] = 0
        return dout
class MatMul:
    def __init__(self, W):
        self.params, self.grads = [W], [np.zeros_like(W)]
    def forward(self, x):
        W, = self.params
        self.x = x
        return np.dot(x, W)
    def backward(self, dout):
        W, = self.params
        self.grads[0][...] = np.dot(self.x.T, dout)
        return np.dot(dout, W.T)
"""
LISTS = """import numpy as np
def sigmoid(z):
    return 1 / (1 + np.exp(-z))
class Net:
    def __init__(self, sizes):
        self.biases = [np.random.randn(n, 1) for n in sizes[1:]]
        self.weights = [np.random.randn(n, k) for k, n in zip(sizes[:-1], sizes[1:])]
    def feedforward(self, a):
        for w, b in zip(self.weights, self.biases):
            a = sigmoid(w @ a + b)
        return a
    def step(self, batch, eta):
        for x, y in batch:
            nabla_b, nabla_w = self.backprop(x, y)
            self.weights = [w - eta * g for w, g in zip(self.weights, nabla_w)]
    def backprop(self, x, y):
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        activations = [x]
        for w, b in zip(self.weights, self.biases):
            activations.append(sigmoid(w @ activations[-1] + b))
        delta = (activations[-1] - y) * activations[-1] * (1 - activations[-1])
        for l in range(1, len(self.weights) + 1):
            if l > 1:
                delta = (self.weights[-l + 1].T @ delta) * activations[-l] * (1 - activations[-l])
            nabla_b[-l] = delta
            nabla_w[-l] = delta @ activations[-l - 1].T
        return nabla_b, nabla_w
"""
SCRIPT = """import numpy as np
def nonlin(x, deriv=False):
    if deriv:
        return x * (1 - x)
    return 1 / (1 + np.exp(-x))
X = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
y = np.array([[0, 1, 1, 0]]).T
syn0 = 2 * np.random.random((3, 4)) - 1
syn1 = 2 * np.random.random((4, 1)) - 1
for j in range(500):
    l1 = nonlin(X.dot(syn0))
    l2 = nonlin(l1.dot(syn1))
    l2_delta = (y - l2) * nonlin(l2, deriv=True)
    l1_delta = l2_delta.dot(syn1.T) * nonlin(l1, deriv=True)
    syn1 += l1.T.dot(l2_delta)
    syn0 += X.T.dot(l1_delta)
"""
LOOP = """import numpy as np
def build_model(X, y, nn_hdim, epochs=100):
    np.random.seed(0)
    W1 = np.random.randn(2, nn_hdim)
    b1 = np.zeros((1, nn_hdim))
    W2 = np.random.randn(nn_hdim, 2)
    b2 = np.zeros((1, 2))
    nn_input_dim, nn_output_dim, epsilon, reg = 2, 2, 0.01, 0.1
    for i in range(epochs):
        a1 = np.tanh(X.dot(W1) + b1)
        scores = np.exp(a1.dot(W2) + b2)
        probs = scores / scores.sum(axis=1, keepdims=True)
        delta3 = probs
        delta3[range(len(X)), y] -= 1
        dW2 = a1.T.dot(delta3) + reg * W2
        db2 = delta3.sum(axis=0, keepdims=True)
        delta2 = delta3.dot(W2.T) * (1 - a1 ** 2)
        dW1 = X.T.dot(delta2) + reg * W1
        db1 = delta2.sum(axis=0)
        W1 -= epsilon * dW1
        b1 -= epsilon * db1
        W2 -= epsilon * dW2
        b2 -= epsilon * db2
    return W1, b1, W2, b2
"""
CELL = """import numpy as np
def cell_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    a = x @ Wx + prev_h @ Wh + b
    H = prev_h.shape[1]
    f, o = 1 / (1 + np.exp(-a[:, :H])), 1 / (1 + np.exp(-a[:, H:2 * H]))
    g, i = np.tanh(a[:, 2 * H:3 * H]), 1 / (1 + np.exp(-a[:, 3 * H:]))
    next_c = f * prev_c + i * g
    next_h = o * np.tanh(next_c)
    return next_h, next_c, (x, prev_h, prev_c, Wx, Wh, f, o, g, i, next_c)
def cell_step_backward(dnext_h, dnext_c, cache):
    x, prev_h, prev_c, Wx, Wh, f, o, g, i, next_c = cache
    dc = dnext_c + dnext_h * o * (1 - np.tanh(next_c) ** 2)
    da = np.hstack([dc * prev_c * f * (1 - f), dnext_h * np.tanh(next_c) * o * (1 - o),
                    dc * i * (1 - g ** 2), dc * g * i * (1 - i)])
    return da @ Wx.T, da @ Wh.T, dc * f, x.T @ da, prev_h.T @ da, da.sum(axis=0)
"""
EACH = """import numpy as np
class Squares:
    def forward(self, predictions, targets):
        self.predictions, self.targets = predictions, targets
        return np.mean((predictions - targets) ** 2, axis=1) / 2
    def backward(self):
        return (self.predictions - self.targets) / self.targets.size
class Scaled:
    def __init__(self, activation, activation_prime):
        self.activation, self.activation_prime = activation, activation_prime
    def forward(self, x):
        self.x = x
        return self.activation(x)
    def backward(self, output_gradient, learning_rate):
        return output_gradient * self.activation_prime(self.x)
"""
PICTURES = """import numpy as np
def conv_single_step(a_slice, W, b):
    return float(np.sum(a_slice * W) + b.item())
def conv_forward(A_prev, W, b, hparameters):
    m, n_H, n_W, _ = A_prev.shape
    f, _, _, n_C = W.shape
    pad, stride = hparameters["pad"], hparameters["stride"]
    X = np.pad(A_prev, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    Z = np.zeros((m, (n_H - f + 2 * pad) // stride + 1, (n_W - f + 2 * pad) // stride + 1, n_C))
    for i, h, w, c in np.ndindex(*Z.shape):
        part = X[i, h * stride:h * stride + f, w * stride:w * stride + f]
        Z[i, h, w, c] = conv_single_step(part, W[..., c], b[..., c])
    return Z, (A_prev, W, b, hparameters)
def conv_backward(dZ, cache):
    A_prev, W, b, hparameters = cache
    f, pad, stride = W.shape[0], hparameters["pad"], hparameters["stride"]
    X = np.pad(A_prev, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    dX, dW, db = np.zeros(X.shape), np.zeros(W.shape), np.zeros((1, 1, 1, W.shape[3]))
    for i, h, w, c in np.ndindex(*dZ.shape):
        rows, columns = slice(h * stride, h * stride + f), slice(w * stride, w * stride + f)
        dX[i, rows, columns] += W[..., c] * dZ[i, h, w, c]
        dW[..., c] += X[i, rows, columns] * dZ[i, h, w, c]
        db[..., c] += dZ[i, h, w, c]
    return dX[:, pad:X.shape[1] - pad, pad:X.shape[2] - pad], dW, db
"""
STYLES = {
    "cell": (CELL, {"cell_step_backward"}),
    "each": (EACH, {"Squares.backward", "Scaled.backward"}),
    "pictures": (PICTURES, {"conv_backward"}),
    "rows": (ROWS, {"affine_backward"}),
    "normalised": (NORMALISED, {"layernorm_backward"}),
    "losses": (LOSSES, {"hinge_loss", "cost_and_gradient"}),
    "texts": (TEXTS, {"loss_of"}),
    "layers": (LAYERS, {"Affine.backward", "Relu.backward", "MatMul.backward"}),
    "lists": (LISTS, {"Net.backprop"}),
    "script": (SCRIPT, {"the_script"}),
    "loop": (LOOP, {"build_model"}),
}
FAULTS = [
    ("cell", "prev_c * f * (1 - f)", "prev_c * f * (1 + f)", "cell_step_backward"),
    ("each", "/ self.targets.size", "/ self.targets.size * (self.predictions > 0.5)", "Squares.backward"),
    ("each", "self.activation_prime(self.x)", "self.activation_prime(self.x + 1)", "Scaled.backward"),
    ("pictures", "db[..., c] += dZ[i, h, w, c]", "db[..., c] += dZ[i, h, w, c] * f", "conv_backward"),
    ("rows", "dout.sum(axis=0)", "dout.mean(axis=0)", "affine_backward"),
    ("rows", "dout.dot(w.T).reshape", "(dout.dot(w.T) * 2).reshape", "affine_backward"),
    ("normalised", "xhat * inner) / std", "xhat * inner) / std ** 2", "layernorm_backward"),
    ("normalised", "np.sum(dout * xhat, axis=0)", "np.sum(dout, axis=0)", "layernorm_backward"),
    ("losses", "(margins > 0)", "(margins >= 0)", "hinge_loss"),
    ("losses", "dscores / n", "dscores", "hinge_loss"),
    ("losses", "lam / m * shrunk\n", "lam * shrunk\n", "cost_and_gradient"),
    ("texts", "hs[t - 1].T", "hs[t].T", "loss_of"),
    ("layers", "self.db = dout.sum(axis=0)", "self.db = dout.sum(axis=1)", "Affine.backward"),
    ("layers", "return np.dot(dout, W.T)", "return np.dot(dout, W.T) / 2", "MatMul.backward"),
    ("lists", "activations[-l - 1].T", "activations[-l].T", "Net.backprop"),
    ("lists", "(activations[-1] - y) *", "(y - activations[-1]) *", "Net.backprop"),
    ("script", "nonlin(l1, deriv=True)", "nonlin(l1)", "the_script"),
    ("script", "syn1 += l1.T.dot(l2_delta)", "syn1 += l1.T.dot(y - l2)", "the_script"),
    ("loop", "(1 - a1 ** 2)", "(1 - a1)", "build_model"),
    ("loop", "db1 = delta2.sum(axis=0)", "db1 = delta2.mean(axis=0)", "build_model"),
]


@functools.cache
def told(text):
    return {function.name: function for function in audit_text(text).functions}


@pytest.mark.sampled(6)
@pytest.mark.parametrize("style", STYLES)
def test_right_code_of_any_style_is_judged_and_right(style):
    text, names = STYLES[style]
    found = told(text)
    assert {name: found[name].status for name in names} == dict.fromkeys(names, "right")
    assert not [one for one in found.values() if one.status == "wrong"]


@pytest.mark.sampled(20)
@pytest.mark.parametrize(("style", "old", "new", "name"), FAULTS)
def test_a_mistake_is_found_and_its_line_named(style, old, new, name):
    text, _ = STYLES[style]
    assert text.count(old) == 1
    wrong = text.replace(old, new)
    ast.parse(wrong)
    line = text[: text.index(old)].count("\n") + 1
    found = told(wrong)[name]
    assert found.status == "wrong"
    assert [finding.line for finding in found.findings] == [line]


@pytest.mark.long
def test_what_is_right_for_one_example_alone_is_told():
    whole = LISTS.replace("for x, y in batch:", "if batch:\n            x, y = batch")
    found = told(whole)["Net.backprop"]
    assert found.status == "unchecked"
    assert "right for one example" in found.remarks[0]


@pytest.mark.long
def test_what_was_implied_is_said():
    assert "half the sum of squares" in told(LISTS)["Net.backprop"].remarks[0]
    assert "cross-entropy of the classes" in told(LOOP)["build_model"].remarks[0]


def test_a_cross_entropy_that_is_a_sum_is_another_courses():
    text = """import numpy as np
def cross_entropy(T, Y):
    return -np.sum(T * np.log(Y) + (1 - T) * np.log(1 - Y))
"""
    found = told(text)["cross_entropy"]
    assert found.status == "unchecked"
    assert "sums the losses" in found.remarks[0]
    assert told(text.replace("return -np.sum", "return -np.mean"))["cross_entropy"].status == "right"


def test_single_precision_is_judged_in_double():
    assert (
        told(ROWS.replace("import numpy", "# a single layer\nimport numpy"))["affine_backward"].status
        == "right"
    )
    float32 = ROWS.replace(
        "x.reshape(x.shape[0], -1).dot(w) + b", "(x.reshape(x.shape[0], -1).dot(w) + b).astype('f')"
    )
    assert told(float32)["affine_backward"].status == "right"


@pytest.mark.long
def test_two_learning_rates_are_no_mistake():
    text = LOOP.replace("b1 -= epsilon", "b1 -= 3 * epsilon").replace("b2 -= epsilon", "b2 -= 3 * epsilon")
    assert told(text)["build_model"].status == "unchecked"


FALLBACK = """try:
    from fast_sums import contract as einsum
except ImportError:
    from numpy import einsum
import numpy as np
class Linear:
    def __init__(self, in_features, out_features):
        self.W, self.b = np.random.randn(in_features, out_features), np.zeros(out_features)
    def _forward_propagation(self, x):
        self.x = x
        return einsum("ij,jk->ik", x, self.W) + self.b
    def _backward_propagation(self, upstream):
        self.dW = einsum("ij,ik->jk", self.x, upstream)
        self.db = upstream.sum(0)
        return einsum("ik,jk->ij", upstream, self.W)
"""


@pytest.mark.parametrize(("edit", "status"), [("sum(0)", "right"), ("mean(0)", "wrong")])
def test_what_a_file_imports_where_a_module_is_missing_and_passes_of_any_name(edit, status):
    assert told(FALLBACK.replace("sum(0)", edit))["Linear._backward_propagation"].status == status


KEEPS = """import numpy as np
class Dense:
    def __init__(self, n_in, n_out):
        self.W = 0.1 * np.random.randn(n_in, n_out)
        self.b = np.zeros((1, n_out))
    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.dot(inputs, self.W) + self.b
    def backward(self, dvalues):
        self.dW = np.dot(self.inputs.T, dvalues)
        self.db = np.sum(dvalues, axis=0, keepdims=True)
        self.dinputs = np.dot(dvalues, self.W.T)
"""
KEEPS_ALL = """import numpy as np
class Net:
    def __init__(self, n_x, n_h, n_y):
        self.W1, self.b1 = np.random.randn(n_h, n_x), np.zeros((n_h, 1))
        self.W2, self.b2 = np.random.randn(n_y, n_h), np.zeros((n_y, 1))
    def forward(self, X):
        self.X = X
        self.A1 = np.tanh(self.W1 @ X + self.b1)
        self.Z2 = self.W2 @ self.A1 + self.b2
        self.A2 = 1 / (1 + np.exp(-self.Z2))
    def backward(self, Y):
        m = Y.shape[1]
        dZ2 = self.A2 - Y
        self.dW2, self.db2 = dZ2 @ self.A1.T / m, np.sum(dZ2, axis=1, keepdims=True) / m
        dZ1 = self.W2.T @ dZ2 * (1 - self.A1 ** 2)
        self.dW1, self.db1 = dZ1 @ self.X.T / m, np.sum(dZ1, axis=1, keepdims=True) / m
"""
NAMED = """import numpy as np
class Layer:
    def __init__(self, n_in, n_out, activation):
        self.W, self.b = np.random.randn(n_out, n_in), np.zeros((n_out, 1))
        self.kind = activation
    def forward(self, A_prev):
        self.A_prev, self.Z = A_prev, self.W @ A_prev + self.b
        if self.kind == "elu":
            return np.where(self.Z > 0, self.Z, np.exp(self.Z) - 1)
        elif self.kind == "softplus":
            return np.log(1 + np.exp(self.Z))
        raise ValueError(self.kind)
    def backward(self, dA):
        if self.kind == "elu":
            dZ = dA * np.where(self.Z > 0, 1, np.exp(self.Z))
        elif self.kind == "softplus":
            dZ = dA / (1 + np.exp(-self.Z))
        self.dW, self.db = dZ @ self.A_prev.T, np.sum(dZ, axis=1, keepdims=True)
        return self.W.T @ dZ
"""
LOOKED_UP = """import numpy as np
SLOPES = {"sine": np.cos, "square": lambda z: 2 * z}
VALUES = {"sine": np.sin, "square": lambda z: z * z}
def activate(z, name):
    return VALUES[name](z)
def activate_backward(dA, z, name):
    return dA * SLOPES[name](z)
"""


@pytest.mark.parametrize("text", [KEEPS, KEEPS_ALL, NAMED, LOOKED_UP])
def test_outputs_that_are_kept_and_words_that_choose(text):
    assert {report.status for report in audit_text(text).functions if "backward" in report.name} == {"right"}


@pytest.mark.parametrize(
    ("text", "right", "wrong"),
    [
        (KEEPS, "self.dinputs = np.dot(dvalues, self.W.T)", "self.dinputs = np.dot(dvalues, self.W.T) * 2"),
        (
            KEEPS,
            "db = np.sum(dvalues, axis=0, keepdims=True)",
            "db = np.mean(dvalues, axis=0, keepdims=True)",
        ),
        (KEEPS_ALL, "* (1 - self.A1 ** 2)", "* (1 - self.A1)"),
        (KEEPS_ALL, "dZ1 @ self.X.T / m", "dZ1 @ self.X.T"),
        (
            NAMED,
            "dA * np.where(self.Z > 0, 1, np.exp(self.Z))",
            "dA * np.where(self.Z > 0, 1, np.exp(-self.Z))",
        ),
        (NAMED, "dA / (1 + np.exp(-self.Z))", "dA * (1 + np.exp(-self.Z))"),
        (LOOKED_UP, '"sine": np.cos', '"sine": np.sin'),
        (LOOKED_UP, "2 * z}", "3 * z}"),
    ],
)
def test_mistakes_in_what_is_kept_and_in_each_branch(text, right, wrong):
    (report,) = (one for one in audit_text(text.replace(right, wrong)).functions if "backward" in one.name)
    assert report.status == "wrong"
    if text is not LOOKED_UP:
        assert report.findings[0].line == text[: text.index(right)].count("\n") + 1
