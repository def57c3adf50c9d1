"""What trains, of any style: in methods, over variables outside, through optimizers, by any name."""

import pytest

from tinygrad_course.audit.command.one_file import audit_text
from tinygrad_course.audit.reporting.results import RIGHT, UNCHECKED, WRONG

METHOD = """import numpy as np
class Klassifikator:
    def __init__(self, rate=0.1, runden=20):
        self.rate, self.runden = rate, runden
    def fit(self, X, y):
        m, n = X.shape
        self.w, self.b = np.zeros(n), 0
        for _ in range(self.runden):
            p = self.aktiv(X @ self.w + self.b)
            dw = X.T @ (p - y) / m
            db = np.sum(p - y) / m
            self.w -= self.rate * dw
            self.b -= self.rate * db
    def aktiv(self, z):
        return 1 / (1 + np.exp(-z))
"""
OUTSIDE = """import numpy as np
X = np.random.RandomState(0).randn(3, 6)
Y = (X[:1] > 0) * 1.0
w, b = np.zeros((3, 1)), 0.0
def vorwaerts():
    global A
    A = 1 / (1 + np.exp(-(w.T @ X + b)))
def kosten():
    return -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))
def rueckwaerts():
    global dw, db
    dw = X @ (A - Y).T / X.shape[1]
    db = np.mean(A - Y)
for i in range(100):
    vorwaerts()
    print(kosten())
    rueckwaerts()
    w = w - 0.1 * dw
    b = b - 0.1 * db
"""
MOMENTUM = """import numpy as np
def entrena(X, Y, n_h=3, tasa=0.1, beta=0.9, pasos=10):
    rng = np.random.RandomState(0)
    pesos = [rng.randn(X.shape[1], n_h), np.zeros(n_h), rng.randn(n_h, Y.shape[1]), np.zeros(Y.shape[1])]
    v = [np.zeros_like(p) for p in pesos]
    for paso in range(pasos):
        W1, b1, W2, b2 = pesos
        oculta = np.tanh(X @ W1 + b1)
        salida = oculta @ W2 + b2
        costo = np.sum((salida - Y) ** 2) / (2 * len(X))
        d2 = (salida - Y) / len(X)
        d1 = d2 @ W2.T * (1 - oculta ** 2)
        for k, g in enumerate([X.T @ d1, d1.sum(0), oculta.T @ d2, d2.sum(0)]):
            v[k] = beta * v[k] + g
            pesos[k] = pesos[k] - tasa * v[k]
    return pesos
"""
OPTIMIZER = """import numpy as np
class Optimierer:
    def __init__(self, zahlen):
        self.zahlen, self.t = zahlen, 0
        self.m = [np.zeros_like(p) for p in zahlen]
        self.v = [np.zeros_like(p) for p in zahlen]
    def schritt(self, ableitungen):
        self.t += 1
        for k, g in enumerate(ableitungen):
            self.m[k] = 0.9 * self.m[k] + 0.1 * g
            self.v[k] = 0.99 * self.v[k] + 0.01 * g ** 2
            hut = self.m[k] / (1 - 0.9 ** self.t)
            self.zahlen[k] -= 0.01 * hut / (np.sqrt(self.v[k] / (1 - 0.99 ** self.t)) + 1e-8)
class Netz:
    def __init__(self, n_in, n_out):
        self.W, self.b = np.random.randn(n_in, n_out), np.zeros(n_out)
    def vor(self, x):
        self.x, self.s = x, np.tanh(x @ self.W + self.b)
        return self.s
    def zurueck(self, d):
        d = d * (1 - self.s ** 2)
        return [self.x.T @ d, d.sum(axis=0)]
def lerne(X, Y):
    netz = Netz(X.shape[1], Y.shape[1])
    opt = Optimierer([netz.W, netz.b])
    for _ in range(30):
        s = netz.vor(X)
        verlust = 0.5 * np.mean(np.sum((s - Y) ** 2, axis=1))
        opt.schritt(netz.zurueck((s - Y) / len(X)))
"""
STEP = """import numpy as np
def train_step(X, Y, W1, b1, W2, b2, lr):
    A1 = np.tanh(W1 @ X + b1)
    A2 = 1 / (1 + np.exp(-(W2 @ A1 + b2)))
    cost = -np.mean(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))
    dZ2 = (A2 - Y) / X.shape[1]
    dZ1 = (W2.T @ dZ2) * (1 - A1 ** 2)
    W2, b2 = W2 - lr * dZ2 @ A1.T, b2 - lr * dZ2.sum(1, keepdims=True)
    W1, b1 = W1 - lr * dZ1 @ X.T, b1 - lr * dZ1.sum(1, keepdims=True)
    return cost, W1, b1, W2, b2
"""
STYLES = {"method": METHOD, "outside": OUTSIDE, "momentum": MOMENTUM, "optimizer": OPTIMIZER, "step": STEP}
NAMES = {
    "method": "Klassifikator.fit",
    "outside": "the_script",
    "momentum": "entrena",
    "optimizer": "lerne",
    "step": "train_step",
}


def verdict(text, name):
    return next((one for one in audit_text(text).functions if one.name == name), None)


@pytest.mark.parametrize("style", STYLES)
def test_what_trains_is_right_by_its_cost(style):
    assert verdict(STYLES[style], NAMES[style]).status == RIGHT


@pytest.mark.parametrize(
    ("style", "right", "wrong"),
    [
        ("method", "db = np.sum(p - y) / m", "db = np.sum(p - y)"),
        ("outside", "db = np.mean(A - Y)", "db = np.sum(A - Y)"),
        ("momentum", "d1 = d2 @ W2.T * (1 - oculta ** 2)", "d1 = d2 @ W2.T * (1 - oculta)"),
        ("optimizer", "d.sum(axis=0)]", "d.mean(axis=0)]"),
        ("step", "dZ1 = (W2.T @ dZ2) * (1 - A1 ** 2)", "dZ1 = (W2.T @ dZ2)"),
    ],
)
def test_a_mistake_in_what_trains_is_found(style, right, wrong):
    text = STYLES[style]
    assert right in text
    assert verdict(text.replace(right, wrong), NAMES[style]).status == WRONG


def test_the_line_of_a_mistake_is_named_where_it_stands_in_what_the_loop_calls():
    text = OUTSIDE.replace("db = np.mean(A - Y)", "db = np.sum(A - Y)")
    found = verdict(text, "the_script").findings[0]
    assert "db = np.sum(A - Y)" in found.source


@pytest.mark.parametrize(
    ("right", "other"),
    [
        ("self.b -= self.rate * db", "self.b -= 0.37 * self.rate * db"),
        ("dw = X.T @ (p - y) / m", "dw = np.clip(X.T @ (p - y) / m, -0.01, 0.01)"),
    ],
)
def test_what_may_be_meant_is_not_called_wrong(right, other):
    assert right in METHOD
    assert verdict(METHOD.replace(right, other), "Klassifikator.fit").status == UNCHECKED


def test_labels_of_another_shape_than_the_outputs_are_no_mistake_of_the_loop():
    text = """import numpy as np
def entrainer(X, y, taux=0.1, n=50):
    poids = np.zeros((X.shape[1], 1))
    biais = 0.0
    for k in range(n):
        sortie = 1 / (1 + np.exp(-(X @ poids + biais)))
        ecart = sortie - y
        poids = poids - taux * X.T @ ecart / len(X)
        biais = biais - taux * ecart.mean()
    return poids, biais
"""
    assert verdict(text, "entrainer").status == RIGHT


@pytest.mark.sampled(2)
@pytest.mark.parametrize("slip", ["A - 1", "1 + A"])
def test_updates_that_are_right_do_not_excuse_the_costs_of_a_function_of_the_course(slip):
    text = f"""import numpy as np
def optimize(w, b, X, Y, num_iterations=100, learning_rate=0.009, print_cost=False):
    costs = []
    for i in range(num_iterations):
        A = 1 / (1 + np.exp(-(np.dot(w.T, X) + b)))
        dw = np.dot(X, (A - Y).T) / X.shape[1]
        db = np.mean(A - Y)
        w = w - learning_rate * dw
        b = b - learning_rate * db
        costs.append(-np.mean(Y * np.log(A) + (1 - Y) * np.log({slip})))
    return {{"w": w, "b": b}}, {{"dw": dw, "db": db}}, costs
"""
    (report,) = audit_text(text).functions
    assert (report.status, report.findings[0].line) == ("wrong", 10)
    (report,) = audit_text(text.replace(slip, "1 - A")).functions
    assert report.status == "right"


BATCHES = """import numpy as np
def train(X, Y, learning_rate=0.1, num_epochs=10, batch_size=2):
    m = X.shape[1]
    W1, b1 = np.random.randn(4, X.shape[0]) * 0.01, np.zeros((4, 1))
    W2, b2 = np.random.randn(1, 4) * 0.01, np.zeros((1, 1))
    for epoch in range(num_epochs):
        costs, order = [], np.random.permutation(m)
        for k in range(0, m, batch_size):
            Xb, Yb = X[:, order[k:k + batch_size]], Y[:, order[k:k + batch_size]]
            mb = Xb.shape[1]
            A1 = np.tanh(W1 @ Xb + b1)
            A2 = 1 / (1 + np.exp(-(W2 @ A1 + b2)))
            costs.append(-np.sum(Yb * np.log(A2) + (1 - Yb) * np.log(1 - A2)) / mb)
            dZ2 = (A2 - Yb) / mb
            dW2, db2 = dZ2 @ A1.T, np.sum(dZ2, axis=1, keepdims=True)
            dZ1 = W2.T @ dZ2 * (1 - A1 ** 2)
            dW1, db1 = dZ1 @ Xb.T, np.sum(dZ1, axis=1, keepdims=True)
            W1, b1 = W1 - learning_rate * dW1, b1 - learning_rate * db1
            W2, b2 = W2 - learning_rate * dW2, b2 - learning_rate * db2
        pass
    return W1, b1, W2, b2
"""
COSTS = "            costs.append(-np.sum(Yb * np.log(A2) + (1 - Yb) * np.log(1 - A2)) / mb)\n"
AFTER = """        A = 1 / (1 + np.exp(-(W2 @ np.tanh(W1 @ X + b1) + b2)))
        cost = -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))
"""


def test_a_mini_batch_without_1_over_m_is_wrong_where_the_cost_is_a_mean():
    found = verdict(BATCHES.replace("dZ2 = (A2 - Yb) / mb", "dZ2 = A2 - Yb"), "train")
    assert found.status == WRONG
    assert ("missing_1_over_m", 14) in {(one.diagnosis, one.line) for one in found.findings}
    assert verdict(METHOD.replace("(p - y) / m", "(p - y)"), "Klassifikator.fit").status == RIGHT
    loss = "            loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))\n            dw ="
    text = METHOD.replace("            dw =", loss)
    assert verdict(text, "Klassifikator.fit").status == RIGHT
    assert verdict(text.replace("(p - y) / m", "(p - y)"), "Klassifikator.fit").status == WRONG


@pytest.mark.parametrize(
    ("other", "cost"),
    [("", ""), (COSTS.replace(" / mb)", ")"), ""), ("", AFTER)],
    ids=["none", "a sum that is divided where it is printed", "of all data, after the mini-batches"],
)
def test_a_mini_batch_with_another_cost_than_its_mean_is_right(other, cost):
    text = BATCHES.replace(COSTS, other).replace("        pass\n", cost)
    assert verdict(text, "train").status == RIGHT


def test_without_a_cost_of_its_own_a_loop_is_told_that_1_over_m_is_not_there():
    text = BATCHES.replace(COSTS, "")
    assert "no 1/m" not in " ".join(verdict(text, "train").remarks)
    summed = verdict(text.replace("dZ2 = (A2 - Yb) / mb", "dZ2 = A2 - Yb"), "train")
    assert summed.status == RIGHT
    assert "no 1/m" in " ".join(summed.remarks)


def test_parameters_that_are_never_updated_are_told():
    updates = [line for line in BATCHES.splitlines() if "learning_rate *" in line]
    text = BATCHES.replace("\n".join(updates), "            kept = dW1")
    found = verdict(text, "train")
    assert (found.status, found.findings[0].diagnosis) == (WRONG, "not_updated")


@pytest.mark.parametrize(("sign", "status"), [("-", RIGHT), ("", WRONG)])
def test_a_cost_that_is_raised_is_wrong_where_the_update_is_the_course_s(sign, status):
    text = f"""import numpy as np
from dnn_app_utils_v3 import *
def two_layer_model(X, Y, layers_dims, learning_rate=0.0075, num_iterations=3000, print_cost=False):
    grads = {{}}
    parameters = initialize_parameters(*layers_dims)
    W1, b1, W2, b2 = (parameters[key] for key in ("W1", "b1", "W2", "b2"))
    for i in range(num_iterations):
        A1, cache1 = linear_activation_forward(X, W1, b1, "relu")
        A2, cache2 = linear_activation_forward(A1, W2, b2, "sigmoid")
        cost = compute_cost(A2, Y)
        dA2 = {sign}(np.divide(Y, A2) - np.divide(1 - Y, 1 - A2))
        dA1, grads["dW2"], grads["db2"] = linear_activation_backward(dA2, cache2, "sigmoid")
        dA0, grads["dW1"], grads["db1"] = linear_activation_backward(dA1, cache1, "relu")
        parameters = update_parameters(parameters, grads, learning_rate)
        W1, b1, W2, b2 = (parameters[key] for key in ("W1", "b1", "W2", "b2"))
    return parameters
"""
    found = verdict(text, "two_layer_model")
    assert found.status == status
    assert status == RIGHT or ("wrong_sign", 11) in {(one.diagnosis, one.line) for one in found.findings}


def test_a_mistake_is_as_wrong_with_a_small_learning_rate():
    text = BATCHES.replace("learning_rate=0.1", "learning_rate=0.0001")
    assert verdict(text, "train").status == RIGHT
    assert verdict(text.replace("(1 - A1 ** 2)", "(1 - A1)"), "train").status == WRONG
    text = BATCHES.replace("learning_rate=0.1, ", "").replace("learning_rate *", "1e-5 *")
    assert verdict(text, "train").status == RIGHT
    assert verdict(text.replace("(1 - A1 ** 2)", "(1 - A1)"), "train").status != RIGHT


def test_a_gradient_may_have_another_shape_than_its_parameter():
    text = METHOD.replace("np.zeros(n), 0", "np.zeros((n, 1)), np.zeros((1, 1))").replace(
        "db = np.sum(p - y) / m", "db = np.sum(p - y, axis=0) / m"
    )
    assert verdict(text, "Klassifikator.fit").status == RIGHT


LAYER_LOOP = """import numpy as np


class Softmax:
    def predict(self, X):
        exp_scores = np.exp(X)
        return exp_scores / np.sum(exp_scores, axis=1, keepdims=True)

    def diff(self, X, y):
        probs = self.predict(X)
        probs[range(X.shape[0]), y] -= 1
        return probs


class Tanh:
    def forward(self, X):
        return np.tanh(X)

    def backward(self, X, top_diff):
        return (1.0 - np.square(np.tanh(X))) * top_diff


class Product:
    def forward(self, W, X):
        return X @ W

    def backward(self, W, X, top_diff):
        return X.T @ top_diff, top_diff @ W.T


class Shift:
    def forward(self, X, b):
        return X + b

    def backward(self, X, b, top_diff):
        return np.sum(top_diff, axis=0, keepdims=True), top_diff * np.ones_like(X)


class Model:
    def __init__(self, layers_dim):
        self.b, self.W = [], []
        for i in range(len(layers_dim) - 1):
            self.W.append(np.random.randn(layers_dim[i], layers_dim[i + 1]))
            self.b.append(np.random.randn(layers_dim[i + 1]).reshape(1, layers_dim[i + 1]))

    def calculate_loss(self, X, y):
        input = X
        for i in range(len(self.W)):
            input = np.tanh(input @ self.W[i] + self.b[i])
        return -np.mean(np.log(Softmax().predict(input)[range(len(y)), y]))

    def train(self, X, y, num_passes=2000, epsilon=0.01, reg_lambda=0.01):
        product, shift, layer, output = Product(), Shift(), Tanh(), Softmax()
        for epoch in range(num_passes):
            input = X
            forward = [(None, None, input)]
            for i in range(len(self.W)):
                mul = product.forward(self.W[i], input)
                add = shift.forward(mul, self.b[i])
                input = layer.forward(add)
                forward.append((mul, add, input))
            dtanh = output.diff(forward[len(forward) - 1][2], y)
            for i in range(len(forward) - 1, 0, -1):
                dadd = layer.backward(forward[i][1], dtanh)
                db, dmul = shift.backward(forward[i][0], self.b[i - 1], dadd)
                dW, dtanh = product.backward(self.W[i - 1], forward[i - 1][2], dmul)
                dW += reg_lambda * self.W[i - 1]
                self.b[i - 1] += -epsilon * db
                self.W[i - 1] += -epsilon * dW
"""


def test_what_depends_on_the_parameters_is_no_label():
    by = {one.name: one.status for one in audit_text(LAYER_LOOP).functions}
    assert by["Model.train"] != WRONG
    assert by["Product.backward"] == by["Shift.backward"] == by["Tanh.backward"] == RIGHT


EARLY = """import numpy as np
def fit(X, y, lr=0.01, tol=1e-7, num_iterations=1000):
    w, before = np.zeros(X.shape[1]), np.inf
    for _ in range(num_iterations):
        p = 1 / (1 + np.exp(-X @ w))
        loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
        {stop}
        before = loss
        w -= lr * X.T @ (p - y) / len(y)
    return w
"""


@pytest.mark.parametrize(
    ("stop", "status"),
    [
        ("if before - loss < 10: break", RIGHT),
        ("if before - loss < 10: return w", RIGHT),
        ("", RIGHT),
    ],
)
def test_a_loop_may_stop_when_the_cost_hardly_falls(stop, status):
    (report,) = audit_text(EARLY.format(stop=stop)).functions
    assert report.status == status, report.findings
