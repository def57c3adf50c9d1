"""Files that follow another contract than the course's: right, wrong, or not checked, with the reason."""

import functools
import re
import textwrap

import pytest

from tinygrad_course.audit.command.one_file import audit_text

SIGMOID = "def sigmoid(z):\n    return 1 / (1 + np.exp(-z))\n"


@functools.cache
def audited(text):
    return audit_text("import numpy as np\n" + textwrap.dedent(text)).functions


def statuses(text):
    return {function.name: function.status for function in audited(text)}


def told(text, name):
    return next(function for function in audited(text) if function.name == name)


NETWORK = """
def initialize_parameters(n_x, n_h, n_y):
    return {"W1": np.random.randn(n_h, n_x) * 0.01, "b1": np.zeros((n_h, 1)),
            "W2": np.random.randn(n_y, n_h) * 0.01, "b2": np.zeros((n_y, 1))}
def forward_propagation(X, parameters):
    A1 = np.tanh(np.dot(parameters["W1"], X) + parameters["b1"])
    A2 = 1 / (1 + np.exp(-(np.dot(parameters["W2"], A1) + parameters["b2"])))
    return A2, {"A1": A1, "A2": A2}
def compute_cost(A2, Y):
    return -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / Y.shape[1]
def backward_propagation(parameters, cache, X, Y):
    m = X.shape[1]
    dZ2 = cache["A2"] - Y
    dZ1 = np.dot(parameters["W2"].T, dZ2) * (1 - cache["A1"] ** 2)
    return {"dW2": np.dot(dZ2, cache["A1"].T) / m, "db2": np.sum(dZ2, axis=1, keepdims=True) / m,
            "dW1": np.dot(dZ1, X.T) / m, "db1": np.sum(dZ1, axis=1, keepdims=True) / m}
def update_parameters(parameters, grads, learning_rate=1.2):
    return {key: parameters[key] - learning_rate * grads["d" + key] for key in parameters}
"""
SPELLINGS = {
    "small letters": lambda text: re.sub(r'(["d])W(?=\d")', r"\1w", text),
    "an underscore": lambda text: re.sub(r'"(d?[Wb])(\d)"', r'"\1_\2"', text),
    "words": lambda text: re.sub(r'"(d?)W(\d)"', r'"\1weight\2"', text),
}


@pytest.mark.long
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_keys_are_read_from_the_file(spelling):
    found = statuses(SPELLINGS[spelling](NETWORK))
    assert set(found.values()) == {"right"}, found


@pytest.mark.long
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_mistake_is_found_whatever_the_keys(spelling):
    text = SPELLINGS[spelling](NETWORK).replace('cache["A1"] ** 2', 'cache["A1"]')
    assert statuses(text)["backward_propagation"] == "wrong"


ROWS = """
def init_params(n_x, n_h, n_y):
    W1, b1 = np.random.randn(n_x, n_h), np.zeros((1, n_h))
    W2, b2 = np.random.randn(n_h, n_y), np.zeros((1, n_y))
    return W1, b1, W2, b2
def feed_forward(X, W1, b1, W2, b2):
    H = np.maximum(0, X @ W1 + b1)
    return 1 / (1 + np.exp(-(H @ W2 + b2))), H
def loss_function(out, Y):
    return -np.mean(Y * np.log(out) + (1 - Y) * np.log(1 - out))
def backprop(X, Y, out, H, W2):
    d = (out - Y) / len(X)
    dW2, db2 = H.T @ d, d.sum(axis=0, keepdims=True)
    dH = (d @ W2.T) * (H > 0)
    dW1, db1 = X.T @ dH, dH.sum(axis=0, keepdims=True)
    return dW1, db1, dW2, db2
"""


@pytest.mark.long
def test_examples_in_rows_and_parameters_one_by_one():
    assert statuses(ROWS)["backprop"] == "right"
    assert statuses(ROWS.replace("(H > 0)", "(1 - H)"))["backprop"] == "wrong"


SOFTMAX = """
def softmax(Z):
    e = np.exp(Z - Z.max(axis=0, keepdims=True))
    return e / e.sum(axis=0, keepdims=True)
def forward(X, params):
    Z1 = params["W1"] @ X + params["b1"]
    A1 = np.where(Z1 > 0, Z1, 0.01 * Z1)
    return softmax(params["W2"] @ A1 + params["b2"]), (Z1, A1)
def cost(probs, Y):
    return -np.sum(Y * np.log(probs)) / Y.shape[1]
def backward(probs, Y, X, memory, params):
    Z1, A1 = memory
    m = X.shape[1]
    dZ2 = (probs - Y) / m
    dZ1 = (params["W2"].T @ dZ2) * np.where(Z1 > 0, 1, 0.01)
    return {"W2": dZ2 @ A1.T, "b2": dZ2.sum(axis=1, keepdims=True),
            "W1": dZ1 @ X.T, "b1": dZ1.sum(axis=1, keepdims=True)}
"""


@pytest.mark.long
def test_softmax_leaky_relu_and_gradients_under_the_parameters_names():
    assert statuses(SOFTMAX)["backward"] == "right"
    assert statuses(SOFTMAX.replace("dZ2 @ A1.T", "dZ2 @ Z1.T"))["backward"] == "wrong"


IN_ORDER = """
def initialize_parameters(n_x, n_h, n_y):
    W_1, b_1 = np.random.randn(n_h, n_x) * 0.01, np.zeros((n_h, 1))
    W_2, b_2 = np.random.randn(n_y, n_h) * 0.01, np.zeros((n_y, 1))
    return W_1, W_2, b_1, b_2
"""


def test_initial_values_come_in_the_order_that_their_names_tell():
    assert statuses(IN_ORDER) == {"initialize_parameters": "right"}
    assert statuses(IN_ORDER.replace("(n_y, 1)", "(1, n_y)")) == {"initialize_parameters": "wrong"}


CLASS = """
class Net:
    def __init__(self, n_x, n_h, n_y, lr=0.1):
        self.lr = lr
        self.params = {"W1": np.random.randn(n_h, n_x), "b1": np.zeros((n_h, 1)),
                       "W2": np.random.randn(n_y, n_h), "b2": np.zeros((n_y, 1))}
        self.grads = {}
    def forward(self, X):
        self.Z1 = self.params["W1"] @ X + self.params["b1"]
        self.A1 = np.maximum(0, self.Z1)
        self.A2 = 1 / (1 + np.exp(-(self.params["W2"] @ self.A1 + self.params["b2"])))
        return self.A2
    def loss(self, A2, Y):
        return -np.mean(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))
    def backward(self, X, Y):
        m = X.shape[1]
        dZ2 = self.A2 - Y
        self.grads["W2"] = dZ2 @ self.A1.T / m
        self.grads["b2"] = dZ2.sum(axis=1, keepdims=True) / m
        dZ1 = self.params["W2"].T @ dZ2 * (self.Z1 > 0)
        self.grads["W1"] = dZ1 @ X.T / m
        self.grads["b1"] = dZ1.sum(axis=1, keepdims=True) / m
"""


def test_a_class_is_judged_by_its_own_forward_pass():
    assert statuses(CLASS) == {"Net.backward": "right"}
    found = told(CLASS.replace("(self.Z1 > 0)", "(self.Z1 < 0)"), "Net.backward")
    assert found.status == "wrong"
    assert found.findings[0].line == CLASS[: CLASS.index("dZ1 = ")].count("\n") + 2


LOOP = """
np.random.seed(1)
X = np.random.randn(3, 20)
Y = (X.sum(axis=0, keepdims=True) > 0) * 1.0
W1, b1 = np.random.randn(4, 3), np.zeros((4, 1))
W2, b2 = np.random.randn(1, 4), np.zeros((1, 1))
m = X.shape[1]
for i in range(1000):
    A1 = np.tanh(W1 @ X + b1)
    A2 = 1 / (1 + np.exp(-(W2 @ A1 + b2)))
    cost = -np.mean(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))
    dZ2 = A2 - Y
    dW2 = dZ2 @ A1.T / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = W2.T @ dZ2 * (1 - A1 ** 2)
    dW1 = dZ1 @ X.T / m
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    W1, b1, W2, b2 = W1 - 0.5 * dW1, b1 - 0.5 * db1, W2 - 0.5 * dW2, b2 - 0.5 * db2
"""


@pytest.mark.long
def test_a_script_without_functions():
    assert statuses(LOOP) == {"the_script": "right"}
    found = told(LOOP.replace("(1 - A1 ** 2)", "(1 - A1)"), "the_script")
    assert (found.status, found.findings[0].line) == ("wrong", 16)


MODEL = (
    SIGMOID
    + """
def model(X, Y, num_iterations=2000, learning_rate=0.5, print_cost=False):
    w, b = np.zeros((X.shape[0], 1)), 0.0
    first = w.copy()
    m = X.shape[1]
    for i in range(num_iterations):
        A = sigmoid(np.dot(w.T, X) + b)
        cost = -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / m
        dw = np.dot(X, (A - Y).T) / m
        db = np.sum(A - Y) / m
        w = w - learning_rate * dw
        b = b - learning_rate * db
    return {"w": w, "b": b}
"""
)
LOOPS = {
    "climbs": ("w = w - learning_rate * dw", "w = w + learning_rate * dw", "wrong_sign"),
    "a rate of its own": ("w = w - learning_rate * dw", "w = w - 0.01 * dw", None),
    "the old parameters": ('return {"w": w', 'return {"w": first', "old_parameters"),
}


def test_a_training_function_is_run():
    assert statuses(MODEL)["model"] == "right"


@pytest.mark.parametrize("mistake", LOOPS)
def test_the_mistakes_of_the_loop_itself(mistake):
    old, new, diagnosis = LOOPS[mistake]
    found = told(MODEL.replace(old, new), "model")
    assert found.status == "wrong"
    assert diagnosis is None or diagnosis in {finding.diagnosis for finding in found.findings}


CELL = """
def rnn_cell_forward(xt, a_prev, parameters):
    Wax, Waa, Wya, ba, by = (parameters[key] for key in ("Wax", "Waa", "Wya", "ba", "by"))
    a_next = np.tanh(Wax @ xt + Waa @ a_prev + ba)
    z = np.exp(Wya @ a_next + by)
    return a_next, z / z.sum(axis=0), (a_next, a_prev, xt, parameters)
def rnn_cell_backward(da_next, cache):
    a_next, a_prev, xt, parameters = cache
    dz = (1 - a_next ** 2) * da_next
    return {"dxt": parameters["Wax"].T @ dz, "dWax": dz @ xt.T, "da_prev": parameters["Waa"].T @ dz,
            "dWaa": dz @ a_prev.T, "dba": dz.sum(axis=1, keepdims=True)}
"""


def test_a_recurrent_cell_against_its_own_forward_function():
    assert statuses(CELL)["rnn_cell_backward"] == "right"
    found = told(CELL.replace("dz @ a_prev.T", "dz @ a_next.T"), "rnn_cell_backward")
    assert found.status == "wrong"


STRANGER = """
from my_own import *
def predict(X, y, parameters):
    return my_forward(X, parameters) > 0.5
"""
TEMPLATE = """
def propagate(w, b, X, Y):
    A = None
    cost = None
    dw = None
    db = None
    return {"dw": dw, "db": db}, cost
"""
SQUARES = """
def compute_cost(A, Y):
    return np.mean((A - Y) ** 2)
"""
NOT_CHECKED = {
    "a helper module of the learner's": (STRANGER, "predict", "my_own"),
    "not filled in": (TEMPLATE, "propagate", "not filled in yet"),
    "squared errors": (SQUARES, "compute_cost", "logarithm"),
}


@pytest.mark.parametrize("case", NOT_CHECKED)
def test_what_is_not_proved_wrong_is_not_called_wrong(case):
    text, name, words = NOT_CHECKED[case]
    found = told(text, name)
    assert found.status == "unchecked"
    assert words in " ".join(found.remarks)


def test_demo_lines_are_notes_and_definitions_above_imports_are_the_learners():
    text = SIGMOID + 'print "0:", sigmoid(0)\nfiles = !ls\nfrom planar_utils import sigmoid\n'
    report = audit_text("import numpy as np\n" + text)
    assert [(function.name, function.status) for function in report.functions] == [("sigmoid", "right")]
    assert any("not read" in note for note in report.notes)


def test_a_name_defined_twice_is_two_functions():
    wrong = SIGMOID.replace("-z", "z")
    report = audit_text("import numpy as np\n" + wrong + SIGMOID)
    assert sorted((found.status, found.line) for found in report.functions) == [("right", 4), ("wrong", 2)]


@pytest.mark.parametrize("line", ["    break\n", "    global z\n", "    return np.sum(z, axis=0, axis=0)\n"])
def test_what_compile_refuses_is_a_mistake_of_that_function_alone(line):
    found = statuses(SIGMOID + "def relu(z):\n" + line + "    return np.maximum(0, z)\n")
    assert found == {"sigmoid": "right", "relu": "wrong"}


NUMBER = """
def initialize_parameters_zeros(layers_dims):
    p = {}
    for l in range(1, len(layers_dims)):
        p["W" + str(l)] = np.zeros((layers_dims[l], layers_dims[l - 1]))
        p["b" + str(l)] = 0
    return p
"""
SILENT = """
def compute_cost(AL, Y):
    cost = -np.sum(Y * np.log(AL) + (1 - Y) * np.log(1 - AL)) / Y.shape[1]
"""
FACTOR = """
def linear_backward(dZ, cache):
    A_prev, W, b = cache
    m = A_prev.shape[1]
    dW = 4 / m * np.dot(dZ, A_prev.T)
    db = np.sum(dZ, axis=1, keepdims=True) / m
    return np.dot(W.T, dZ), dW, db
"""
NO_GRADIENTS = """
def update_parameters(parameters, grads, learning_rate):
    for l in range(len(parameters) // 2):
        for k in ("W", "b"):
            key = k + str(l + 1)
            parameters[key] = parameters[key] - learning_rate * parameters[key]
    return parameters
"""
LINEAR = """
def predict(w, b, X):
    A = np.dot(w.T, X) + b
    return (A > 0.5) * 1
"""
WORDS = {
    "a number for an array": (NUMBER, "initialize_parameters_zeros", "number|np.zeros"),
    "no return": (SILENT, "compute_cost", "return cost"),
    "4 / m": (FACTOR, "linear_backward", "a wrong factor"),
    "parameters for gradients": (NO_GRADIENTS, "update_parameters", "grads"),
    "no sigmoid": (LINEAR, "predict", "sigmoid|> 0"),
}


@pytest.mark.parametrize("case", WORDS)
def test_the_words(case):
    text, name, words = WORDS[case]
    found = told(text, name)
    assert found.status == "wrong"
    said = " ".join(f"{one.title} {one.message} {one.suggestion}" for one in found.findings)
    assert re.search(words, said), said


DEEP = """
def initialize_parameters_deep(layer_dims):
    parameters = {}
    for l in range(1, min(len(layer_dims), 4)):
        parameters["W" + str(l)] = np.random.randn(layer_dims[l], layer_dims[l - 1]) * 0.01
        parameters["b" + str(l)] = np.zeros((layer_dims[l], 1))
    return parameters
"""


def test_what_fails_from_four_layers_on_is_wrong():
    assert statuses(DEEP) == {"initialize_parameters_deep": "wrong"}


SUMS = """import numpy as np
def sigmoid(z):
    return 1 / (1 + np.exp(-z))
{cost}
def {name}_forward(X, parameters):
    W1, b1, W2, b2 = parameters["W1"], parameters["b1"], parameters["W2"], parameters["b2"]
    A1 = np.tanh(np.dot(W1, X) + b1)
    A2 = sigmoid(np.dot(W2, A1) + b2)
    return A2, {{"A1": A1, "A2": A2}}
def {name}_backprop(parameters, cache, X, Y):
    m = X.shape[1]
    A1, A2 = cache["A1"], cache["A2"]
    dZ2 = A2 - Y
    dW2 = np.dot(dZ2, A1.T)
    db2 = np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = np.dot(parameters["W2"].T, dZ2) * (1 - A1 ** 2)
    dW1 = np.dot(dZ1, X.T)
    db1 = np.sum(dZ1, axis=1, keepdims=True)
    return {{"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}}
"""
COST = """def compute_cost(A2, Y):
    return -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / Y.shape[1]"""


@pytest.mark.parametrize("cost", [COST, ""])
def test_a_network_that_lacks_1_over_m_throughout_is_wrong(cost):
    report = next(
        one for one in audit_text(SUMS.format(cost=cost, name="net")).functions if "backprop" in one.name
    )
    assert report.status == "wrong"
    assert report.findings[0].diagnosis == "missing_1_over_m"
