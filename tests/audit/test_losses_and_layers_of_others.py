"""Losses, layers and costs as courses and books of others write them: right there is not called wrong."""

import pytest

from tinygrad_course.audit.command.one_file import audit_text
from tinygrad_course.audit.reporting.results import RIGHT, UNCHECKED, WRONG

BOOK = """import numpy as np
class Loss:
    def calculate(self, output, y, *, include_penalty=False):
        data_loss = np.mean(self.forward(output, y))
        if not include_penalty:
            return data_loss
        return data_loss, self.penalty_loss()
class Dense:
    def __init__(self, n_inputs, n_neurons):
        self.weights = np.zeros((n_inputs, n_neurons))
        self.biases = np.zeros((1, n_neurons))
    def forward(self, inputs, training):
        self.output = np.dot(inputs, self.weights) + self.biases
        self.inputs = inputs
    def backward(self, dvalues):
        self.dweights = np.dot(self.inputs.T, dvalues)
        self.dbiases = np.sum(dvalues, axis=0, keepdims=True)
        self.dinputs = np.dot(dvalues, self.weights.T)
class Straight:
    def forward(self, inputs, training):
        self.inputs = inputs
        self.output = inputs
    def backward(self, dvalues):
        self.dinputs = dvalues.copy()
class AbsoluteError(Loss):
    def forward(self, y_pred, y_true):
        return np.mean(np.abs(y_true - y_pred), axis=-1)
    def backward(self, dvalues, y_true):
        samples = len(dvalues)
        outputs = len(dvalues[0])
        self.dinputs = np.sign(dvalues - y_true) / outputs
        self.dinputs = self.dinputs / samples
class Entropy(Loss):
    def forward(self, y_pred, y_true):
        clipped = np.clip(y_pred, 1e-7, 1 - 1e-7)
        if len(y_true.shape) == 1:
            confidences = clipped[range(len(y_pred)), y_true]
        elif len(y_true.shape) == 2:
            confidences = np.sum(clipped * y_true, axis=1)
        return -np.log(confidences)
    def backward(self, dvalues, y_true):
        if len(y_true.shape) == 1:
            y_true = np.eye(len(dvalues[0]))[y_true]
        self.dinputs = -y_true / dvalues / len(dvalues)
class Affine:
    def __init__(self, num_inputs, num_outputs):
        self.W = np.random.randn(num_outputs, num_inputs)
        self.b = np.zeros((num_outputs, 1))
    def forward(self, H):
        return np.dot(self.W, H) + self.b
    def grad(self, dZ, H_prev):
        m = dZ.shape[1]
        return np.dot(dZ, H_prev.T) / m, np.sum(dZ, axis=1, keepdims=True) / m
class Made:
    def __init__(self, in_channel, out_channel, weight_init_fn, bias_init_fn):
        self.W = weight_init_fn(in_channel, out_channel)
        self.b = bias_init_fn(out_channel)
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, delta):
        self.dW = self.x.T @ delta
        self.db = np.sum(delta, axis=0)
        return delta @ self.W.T
"""


def statuses(text):
    return {report.name: report for report in audit_text(text).functions}


def test_the_losses_and_layers_of_a_book_are_right():
    found = statuses(BOOK)
    assert {name: report.status for name, report in found.items()} == dict.fromkeys(found, RIGHT)
    owners = "Dense Straight AbsoluteError Entropy Made"
    assert {*found} == {f"{name}.backward" for name in owners.split()} | {"Affine.grad"}


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("np.sign(dvalues - y_true)", "np.sign(y_true - dvalues)", "AbsoluteError.backward"),
        ("-y_true / dvalues / len(dvalues)", "y_true / dvalues / len(dvalues)", "Entropy.backward"),
        ("np.dot(dvalues, self.weights.T)", "np.dot(dvalues, self.weights.T) * 2", "Dense.backward"),
        ("return delta @ self.W.T", "return (delta * self.b) @ self.W.T", "Made.backward"),
        ("np.sum(dZ, axis=1, keepdims=True) / m", "np.sum(dZ, axis=1, keepdims=True)", "Affine.grad"),
    ],
)
def test_a_mistake_in_them_is_found_where_it_stands(old, new, name):
    report = statuses(BOOK.replace(old, new))[name]
    line = BOOK[: BOOK.index(old)].count("\n") + 1
    assert (report.status, [finding.line for finding in report.findings]) == (WRONG, [line])


COSTS = """import numpy as np
class Together:
    def __call__(self, y_pred, y_true):
        self.y_pred = np.exp(y_pred) / np.sum(np.exp(y_pred), axis=1, keepdims=True)
        self.y_true = y_true
        return np.mean(-np.sum(y_true * np.log(self.y_pred), axis=1))
    def backward(self):
        return self.y_pred - self.y_true
class OfOne:
    def forward(self, outputs, targets):
        return -np.log(outputs[:, targets.argmax()])
    def backward(self, outputs, targets):
        return -targets / outputs
def ridge_cost(X, y, theta, lambda_):
    theta = theta.reshape(-1, 1)
    m = X.shape[0]
    error = X.dot(theta) - y
    cost = (error ** 2).sum() / (2 * m)
    j = cost + lambda_ / (2 * m) * (theta[1:, 0] ** 2).sum()
    grad = np.zeros(theta.size)
    grad[0] = error.sum() / m
    grad[1:] = X[:, 1:].T.dot(error).ravel() / m + lambda_ / m * theta[1:, 0]
    return j, grad
def logistic_cost(theta, X, y, lam):
    m = len(y)
    h = np.zeros((m, 1))
    h[:, 0] = 1 / (1 + np.exp(-X.dot(theta)))
    J = sum(-y.T.dot(np.log(h)) - (1 - y).T.dot(np.log(1 - h))) / m
    J_reg = J + lam / (2.0 * m) * np.sum(theta[1:] ** 2)
    grad = (h - y).T.dot(X) / m
    grad_reg = lam / m * theta
    grad_reg[0] = 0
    return J_reg, grad_reg + grad
"""


def test_what_is_right_for_the_usual_labels_one_example_or_a_column_of_ones_is_not_called_wrong():
    found = {name: report.status for name, report in statuses(COSTS).items()}
    assert found == {
        "Together.backward": UNCHECKED,  # a sum over the examples, of a cost that is their mean
        "OfOne.backward": UNCHECKED,
        "ridge_cost": RIGHT,
        "logistic_cost": RIGHT,
    }


def test_a_penalty_on_the_bias_is_wrong_beside_a_column_of_ones():
    text = COSTS.replace("grad_reg[0] = 0", "grad_reg[1] = 0")
    assert statuses(text)["logistic_cost"].status == WRONG


NETWORK = """import numpy as np
class Linear:
    def __init__(self, m, n):
        self.W = np.random.normal(0, 1, (m, n))
    def forward(self, A):
        self.A = A
        return self.W.T @ A
    def backward(self, dLdZ):
        self.dLdW = self.A @ dLdZ.T
        return self.W @ dLdZ
    def sgd_step(self, lrate):
        self.W -= lrate * self.dLdW
class SoftMax:
    def forward(self, Z):
        return np.exp(Z) / np.sum(np.exp(Z), axis=0)
    def backward(self, dLdZ):
        return dLdZ
    def sgd_step(self, lrate):
        pass
class NLL:
    def forward(self, Ypred, Y):
        return -np.sum(Y * np.log(Ypred))
class Sequential:
    def __init__(self, modules, loss):
        self.modules = modules
        self.loss = loss
    def forward(self, Xt):
        for m in self.modules:
            Xt = m.forward(Xt)
        return Xt
    def backward(self, delta):
        for m in self.modules[::-1]:
            delta = m.backward(delta)
    def sgd_step(self, lrate):
        for m in self.modules:
            m.sgd_step(lrate)
nn = Sequential([Linear(2, 3), Linear(3, 2), SoftMax()], NLL())
"""


def test_a_network_that_is_given_the_derivative_behind_its_softmax_is_not_called_wrong():
    found = statuses(NETWORK)
    assert found["Sequential.backward"].status == UNCHECKED
    assert "softmax" in found["Sequential.backward"].remarks[0]


SOFTMAX_INSIDE = """import numpy as np
class Output:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)
    def forward(self, X):
        self.X = X
        self.out = self.activation(X @ self.W)
        return self.out
    def activation(self, Z):
        return np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
    def backward(self, error):
        self.dW = self.X.T @ error
        return error @ self.W.T
"""


def test_a_layer_that_passes_over_its_softmax_is_not_called_wrong():
    assert statuses(SOFTMAX_INSIDE)["Output.backward"].status == UNCHECKED
    read = SOFTMAX_INSIDE.replace("self.dW =", "error = error * self.out\n        self.dW =")
    assert statuses(read)["Output.backward"].status == WRONG  # its derivative is not elementwise


TWO_PASSES = """import numpy as np
class Linear:
    def __init__(self, n, d):
        self.W, self.b = np.random.randn(n, d), np.zeros((1, d))
        self.W_grad, self.b_grad = np.zeros((n, d)), np.zeros((1, d))
    def forward(self, X):
        return X @ self.W + self.b
    def zero_grad(self):
        self.W_grad, self.b_grad = np.zeros_like(self.W), np.zeros_like(self.b)
    def backward_update_gradient(self, input, delta):
        self.W_grad += input.T @ delta
        self.b_grad += np.sum(delta, axis=0)
    def backward_delta(self, input, delta):
        return delta @ self.W.T
"""


def test_each_of_two_backward_methods_is_judged_by_what_it_makes():
    right = {"Linear.backward_update_gradient": RIGHT, "Linear.backward_delta": RIGHT}
    assert {name: one.status for name, one in statuses(TWO_PASSES).items()} == right
    wrong = TWO_PASSES.replace("input.T @ delta", "input.T @ delta / 2").replace(
        "delta @ self.W.T", "-delta @ self.W.T"
    )
    assert {name: one.status for name, one in statuses(wrong).items()} == dict.fromkeys(right, WRONG)


TRUNCATED = """import numpy as np
class Cell:
    def __init__(self, n_x, n_h, bptt_truncate):
        self.bptt_truncate = bptt_truncate
        self.U, self.W = np.random.randn(n_h, n_x), np.random.randn(n_h, n_h)
        self.V = np.random.randn(n_x, n_h)
    def forward(self, x):
        s = np.zeros((len(x) + 1, len(self.W)))
        o = np.zeros((len(x), len(self.V)))
        for t in range(len(x)):
            s[t] = np.tanh(self.U @ x[t] + self.W @ s[t - 1])
            e = np.exp(self.V @ s[t])
            o[t] = e / np.sum(e)
        return o, s
    def bptt(self, x, y):
        o, s = self.forward(x)
        dU, dV, dW = np.zeros_like(self.U), np.zeros_like(self.V), np.zeros_like(self.W)
        for t in range(len(x))[::-1]:
            dV += np.outer(o[t] - y[t], s[t])
            delta = self.V.T @ (o[t] - y[t]) * (1 - s[t] ** 2)
            for back in range(max(0, t - self.bptt_truncate), t + 1)[::-1]:
                dW += np.outer(delta, s[back - 1])
                dU += np.outer(delta, x[back])
                delta = self.W.T @ delta * (1 - s[back - 1] ** 2)
        return dU, dV, dW
"""


def test_a_gradient_that_is_cut_off_after_some_steps_is_held_against_the_whole():
    assert statuses(TRUNCATED)["Cell.bptt"].status == RIGHT
    wrong = TRUNCATED.replace("dU += np.outer(delta, x[back])", "dU += np.outer(delta, x[t])")
    assert statuses(wrong)["Cell.bptt"].status == WRONG


MOMENTUM = """import numpy as np
class Net:
    def __init__(self, n_in, n_out):
        self.params = {"W": 0.5 * np.random.randn(n_in, n_out), "b": np.zeros(n_out)}
        self.v = {"W": np.zeros((n_in, n_out)), "b": np.zeros(n_out)}
    def loss(self, X, y):
        scores = X @ self.params["W"] + self.params["b"]
        p = np.exp(scores) / np.sum(np.exp(scores), axis=1, keepdims=True)
        loss = -np.mean(np.log(p[range(len(y)), y]))
        p[range(len(y)), y] -= 1
        p /= len(y)
        return loss, {"W": X.T @ p, "b": np.sum(p, axis=0)}
    def train(self, X, y, learning_rate=1e-1, num_iters=10):
        for it in range(num_iters):
            loss, grads = self.loss(X, y)
            for a in self.params:
                self.v[a] = 0.9 * self.v[a] - learning_rate * grads[a]
                self.params[a] += self.v[a]
"""


def test_a_velocity_that_begins_as_the_bias_does_is_no_copy_of_it():
    assert statuses(MOMENTUM)["Net.train"].status == RIGHT


OTHERS = """import numpy as np
def sigmoid(z):
    return 1 / (1 + np.exp(-z))
class QuadraticCost:
    @staticmethod
    def fn(a, y):
        return 0.5 * np.linalg.norm(a - y) ** 2
    @staticmethod
    def delta(z, a, y):
        return (a - y) * sigmoid(z) * (1 - sigmoid(z))
class Summed:
    def __init__(self, in_num, out_num, keep_all=True):
        self.W = np.random.randn(in_num, out_num)
        self.b = np.zeros(out_num)
        self.keep_all = keep_all
    def forward(self, x):
        self.x = x
        out = np.tanh(x @ self.W + self.b)
        self.out = out
        return out if self.keep_all else out.sum(axis=1)
    def backward(self, delta, learning_rate):
        if not self.keep_all:
            delta = np.repeat(delta[:, None], self.out.shape[1], axis=1)
        slope = delta * (1 - self.out ** 2)
        dW = self.x.T @ slope
        back = slope @ self.W.T
        self.W -= learning_rate * dW
        self.b -= learning_rate * slope.sum(axis=0)
        return back
def affine_forward(x, w, b):
    out = x.reshape(len(x), -1) @ w + b
    return out, (x, w, b)
def affine_backward(dout, cache):
    x, w, b = cache
    dx = (dout @ w.T).reshape(x.shape)
    dw = x.reshape(len(x), -1).T @ dout
    return dx, dw, dout.sum(axis=0)
def naive_softmax(centerWordVec, outsideWordIdx, outsideVectors, dataset):
    scores = outsideVectors @ centerWordVec
    p = np.exp(scores - scores.max())
    p /= p.sum()
    loss = -np.log(p[outsideWordIdx])
    p[outsideWordIdx] -= 1
    gradCenterVec = outsideVectors.T @ p
    gradOutsideVecs = np.outer(p, centerWordVec)
    return loss, gradCenterVec, gradOutsideVecs
"""


def test_what_a_constructor_may_switch_and_what_words_are_given_is_judged():
    found = {name: report.status for name, report in statuses(OTHERS).items()}
    right = ("Summed.backward", "affine_backward", "naive_softmax")
    assert {name: found[name] for name in right} == dict.fromkeys(right, RIGHT)
    assert found["QuadraticCost.delta"] == UNCHECKED  # through the activation, which z is given for


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("self.out.shape[1], axis=1)", "self.out.shape[1], axis=1) * 2", "Summed.backward"),
        ("self.W -= learning_rate", "self.W += learning_rate", "Summed.backward"),
        ("(x), -1).T @ dout", "(x), -1) @ dout", "affine_backward"),
        ("outsideVectors.T @ p", "outsideVectors.T @ p * 2", "naive_softmax"),
    ],
)
def test_a_mistake_behind_a_switch_is_found_where_it_stands(old, new, name):
    report = statuses(OTHERS.replace(old, new))[name]
    line = OTHERS[: OTHERS.index(old)].count("\n") + 1
    assert (report.status, [finding.line for finding in report.findings]) == (WRONG, [line])


TOGETHER = """import numpy as np
class Softmax:
    def forward(self, inputs):
        powers = np.exp(inputs - np.max(inputs, axis=1, keepdims=True))
        self.output = powers / np.sum(powers, axis=1, keepdims=True)
        return self.output
class SoftmaxWithCost:
    def __init__(self):
        self.activation = Softmax()
    def forward(self, inputs, y_true):
        self.output = self.activation.forward(inputs)
        return -np.mean(np.log(self.output[range(len(inputs)), y_true]))
    def backward(self, dvalues, y_true):
        self.dinputs = dvalues.copy()
        self.dinputs[range(len(dvalues)), y_true] -= 1
        self.dinputs = self.dinputs / len(dvalues)
"""


@pytest.mark.parametrize(("old", "new", "status"), [("-= 1", "-= 1", "right"), ("-= 1", "+= 1", "wrong")])
def test_a_cost_may_be_given_the_outputs_that_it_keeps(old, new, status):
    reports = {one.name: one.status for one in audit_text(TOGETHER.replace(old, new)).functions}
    assert reports["SoftmaxWithCost.backward"] == status


KEPT = """import numpy as np
class AbsoluteLayer:
    def __init__(self, shape_in):
        self.loss = np.zeros(shape_in)
    def forward(self, x, t):
        self.x, self.t = x, t
        self.loss += np.absolute(self.x - self.t)
        return self.x
    def backward(self):
        grad_x = np.ones(self.x.shape)
        grad_x[self.x - self.t < 0.0] = -1.0
        return grad_x
"""


def test_a_layer_that_keeps_its_cost_and_passes_its_data_on_is_not_called_wrong():
    (report,) = audit_text(KEPT).functions
    assert report.status == "unchecked"
