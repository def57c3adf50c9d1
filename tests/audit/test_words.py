"""The mistakes of the course in the words of the course: each in files of two styles, with its line."""

import pytest

from tinygrad_course.audit.command.one_file import audit_text

H = "import numpy as np\n"
SIG = "def sigmoid(z):\n    return 1 / (1 + np.exp(-z))\n"
PLANAR = """import numpy as np
def sigmoid(z):
    return 1 / (1 + np.exp(-z))
def initialize_parameters(n_x, n_h, n_y):
    W1, W2 = np.random.randn(n_h, n_x) * 0.01, np.random.randn(n_y, n_h) * 0.01
    return {"W1": W1, "b1": np.zeros((n_h, 1)), "W2": W2, "b2": np.zeros((n_y, 1))}
def forward_propagation(X, parameters):
    Z1 = np.dot(parameters["W1"], X) + parameters["b1"]
    A1 = np.tanh(Z1)
    Z2 = np.dot(parameters["W2"], A1) + parameters["b2"]
    A2 = sigmoid(Z2)
    return A2, {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2}
def backward_propagation(parameters, cache, X, Y):
    m = X.shape[1]
    W1 = parameters["W1"]
    W2 = parameters["W2"]
    A1 = cache["A1"]
    A2 = cache["A2"]
    dZ2 = A2 - Y
    dW2 = np.dot(dZ2, A1.T) / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = np.dot(W2.T, dZ2) * (1 - A1 ** 2)
    dW1 = np.dot(dZ1, X.T) / m
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}
"""
FILES = []


def add(name, function, text, mark, diagnoses):
    line = next(number for number, words in enumerate(text.split("\n"), start=1) if mark in words)
    FILES.append(pytest.param(function, text, line, diagnoses, id=name))


# outer product in the cost
add(
    "outer product in the cost, AL",
    "compute_cost",
    H
    + """def compute_cost(AL, Y):
    m = Y.shape[1]
    cost = -1 / m * np.sum(np.dot(Y.T, np.log(AL)) + np.dot((1 - Y).T, np.log(1 - AL)))
    cost = np.squeeze(cost)
    return cost
""",
    "np.dot(Y.T",
    {"elementwise", "transposed", "product_for_sum", "wrong_function"},
)
add(
    "outer product in the cost, propagate",
    "propagate",
    H
    + SIG
    + """def propagate(w, b, X, Y):
    m = X.shape[1]
    A = sigmoid(w.T @ X + b)
    cost = -(Y.T @ np.log(A) + (1 - Y).T @ np.log(1 - A)).sum() / m
    dw = X @ (A - Y).T / m
    db = np.sum(A - Y) / m
    return {"dw": dw, "db": db}, cost
""",
    "Y.T @",
    {"elementwise", "transposed", "product_for_sum", "wrong_function"},
)
# 2 // n
add(
    "2 // n in He",
    "initialize_parameters_he",
    H
    + """def initialize_parameters_he(layers_dims):
    parameters = {}
    L = len(layers_dims) - 1
    for l in range(1, L + 1):
        n = layers_dims[l - 1]
        parameters["W" + str(l)] = np.random.randn(layers_dims[l], n) * np.sqrt(2 // n)
        parameters["b" + str(l)] = np.zeros((layers_dims[l], 1))
    return parameters
""",
    "2 //",
    {"initial_scale", "wrong_operand", "wrong_function"},
)
add(
    "2 // n in He, f-strings",
    "initialize_parameters_deep",
    H
    + """def initialize_parameters_deep(dims):
    p = {}
    for l in range(1, len(dims)):
        scale = np.sqrt(2 // dims[l - 1])
        p[f"W{l}"] = np.random.randn(dims[l], dims[l - 1]) * scale
        p[f"b{l}"] = np.zeros((dims[l], 1))
    return p
""",
    "2 //",
    {"initial_scale", "wrong_function"},
)
# unshuffled
add(
    "unshuffled X",
    "random_mini_batches",
    H
    + """import math
def random_mini_batches(X, Y, mini_batch_size=64, seed=0):
    np.random.seed(seed)
    m = X.shape[1]
    mini_batches = []
    permutation = list(np.random.permutation(m))
    shuffled_X = X[:, permutation]
    shuffled_Y = Y[:, permutation].reshape((1, m))
    num_complete_minibatches = math.floor(m / mini_batch_size)
    for k in range(0, num_complete_minibatches):
        mini_batch_X = X[:, k * mini_batch_size:(k + 1) * mini_batch_size]
        mini_batch_Y = Y[:, k * mini_batch_size:(k + 1) * mini_batch_size]
        mini_batches.append((mini_batch_X, mini_batch_Y))
    if m % mini_batch_size != 0:
        mini_batch_X = X[:, num_complete_minibatches * mini_batch_size:]
        mini_batch_Y = Y[:, num_complete_minibatches * mini_batch_size:]
        mini_batches.append((mini_batch_X, mini_batch_Y))
    return mini_batches
""",
    "mini_batch_X = X[:, k",
    {"not_shuffled"},
)
add(
    "shuffled X alone",
    "random_mini_batches",
    H
    + """def random_mini_batches(X, Y, mini_batch_size=64, seed=0):
    np.random.seed(seed)
    m = X.shape[1]
    order = np.random.permutation(m)
    shuffled_X = X[:, order]
    batches = []
    for start in range(0, m, mini_batch_size):
        batches.append((shuffled_X[:, start:start + mini_batch_size], Y[:, start:start + mini_batch_size]))
    return batches
""",
    "Y[:, start",
    {"pairs_broken", "not_shuffled", "wrong_operand"},
)
# k/m
add(
    "factor k/m planar",
    "backward_propagation",
    PLANAR.replace("dW1 = np.dot(dZ1, X.T) / m", "dW1 = 2 / m * np.dot(dZ1, X.T)"),
    "dW1 = 2 / m",
    {"wrong_factor"},
)
add(
    "factor 4/m db",
    "linear_backward",
    H
    + """def linear_backward(dZ, cache):
    A_prev, W, b = cache
    m = A_prev.shape[1]
    dW = 1. / m * np.dot(dZ, A_prev.T)
    db = 4. / m * np.sum(dZ, axis=1, keepdims=True)
    dA_prev = np.dot(W.T, dZ)
    return dA_prev, dW, db
""",
    "4. / m",
    {"wrong_factor"},
)
# extra 1/m
add(
    "extra 1/m dA_prev",
    "linear_backward",
    H
    + """def linear_backward(dZ, cache):
    A_prev, W, b = cache
    m = A_prev.shape[1]
    dW = np.dot(dZ, A_prev.T) / m
    db = np.sum(dZ, axis=1, keepdims=True) / m
    dA_prev = np.dot(W.T, dZ) / m
    return dA_prev, dW, db
""",
    "dA_prev = np",
    {"double_1_over_m"},
)
add(
    "extra 1/m mean",
    "propagate",
    H
    + SIG
    + """def propagate(w, b, X, Y):
    m = X.shape[1]
    A = sigmoid(np.dot(w.T, X) + b)
    cost = -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    dw = np.dot(X, (A - Y).T) / m
    db = np.mean(A - Y) / m
    return {"dw": dw, "db": db}, cost
""",
    "np.mean(A - Y) / m",
    {"double_1_over_m", "mean_for_sum"},
)
# wrong scale of init
add(
    "scale missing",
    "initialize_parameters",
    H
    + """def initialize_parameters(n_x, n_h, n_y):
    W1 = np.random.randn(n_h, n_x)
    b1 = np.zeros((n_h, 1))
    W2 = np.random.randn(n_y, n_h)
    b2 = np.zeros((n_y, 1))
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
""",
    "W1 = np",
    {"initial_scale"},
)
add(
    "He scale missing",
    "initialize_parameters_he",
    H
    + """def initialize_parameters_he(layers_dims):
    p = {}
    for l in range(1, len(layers_dims)):
        p["W" + str(l)] = np.random.randn(layers_dims[l], layers_dims[l-1]) * 0.01
        p["b" + str(l)] = np.zeros((layers_dims[l], 1))
    return p
""",
    'p["W"',
    {"initial_scale"},
)
add(
    "times 10",
    "initialize_parameters_deep",
    H
    + """def initialize_parameters_deep(layer_dims):
    parameters = {}
    for l in range(1, len(layer_dims)):
        parameters['W' + str(l)] = np.random.randn(layer_dims[l], layer_dims[l-1]) * 10 + 10
        parameters['b' + str(l)] = np.zeros((layer_dims[l], 1))
    return parameters
""",
    "parameters['W'",
    {"initial_scale"},
)
# rand for randn
add(
    "rand for randn 3",
    "initialize_parameters",
    H
    + """def initialize_parameters(n_x, n_h, n_y):
    W1 = np.random.rand(n_h, n_x) * 0.01
    b1 = np.zeros((n_h, 1))
    W2 = np.random.rand(n_y, n_h) * 0.01
    b2 = np.zeros((n_y, 1))
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
""",
    "W1 = np",
    {"uniform_for_normal"},
)
add(
    "rand for randn deep",
    "initialize_parameters_deep",
    H
    + """def initialize_parameters_deep(dims):
    parameters = {}
    for l in range(1, len(dims)):
        parameters[f"W{l}"] = np.random.rand(dims[l], dims[l - 1]) / np.sqrt(dims[l - 1])
        parameters[f"b{l}"] = np.zeros((dims[l], 1))
    return parameters
""",
    'parameters[f"W',
    {"uniform_for_normal"},
)
# number where zeros array
add(
    "number for zeros",
    "initialize_parameters",
    H
    + """def initialize_parameters(n_x, n_h, n_y):
    W1 = np.random.randn(n_h, n_x) * 0.01
    b1 = 0
    W2 = np.random.randn(n_y, n_h) * 0.01
    b2 = np.zeros((n_y, 1))
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
""",
    "b1 = 0",
    {"shape"},
)
add(
    "number for zeros w",
    "initialize_with_zeros",
    H
    + """def initialize_with_zeros(dim):
    w = 0
    b = 0
    return w, b
""",
    "w = 0",
    {"shape"},
)
# no return
add(
    "no return cost",
    "compute_cost",
    H
    + """def compute_cost(AL, Y):
    m = Y.shape[1]
    cost = -np.sum(Y * np.log(AL) + (1 - Y) * np.log(1 - AL)) / m
    cost = np.squeeze(cost)
""",
    "np.squeeze",
    {"no_return"},
)
add(
    "no return grads",
    "linear_backward",
    H
    + """def linear_backward(dZ, cache):
    A_prev, W, b = cache
    m = A_prev.shape[1]
    dW = np.dot(dZ, A_prev.T) / m
    db = np.sum(dZ, axis=1, keepdims=True) / m
    dA_prev = np.dot(W.T, dZ)
""",
    "dA_prev = np",
    {"no_return"},
)
# inverted masks
DF = """def relu(z):
    return np.maximum(0, z)
def forward_propagation_with_dropout(X, parameters, keep_prob=0.5):
    W1, b1 = parameters["W1"], parameters["b1"]
    W2, b2 = parameters["W2"], parameters["b2"]
    Z1 = np.dot(W1, X) + b1
    A1 = relu(Z1)
    D1 = np.random.rand(A1.shape[0], A1.shape[1])
    D1 = MASK
    A1 = A1 * D1
    A1 = A1 / keep_prob
    Z2 = np.dot(W2, A1) + b2
    A2 = sigmoid(Z2)
    cache = (Z1, D1, A1, W1, b1, Z2, A2, W2, b2)
    return A2, cache
"""
add(
    "mask inverted",
    "forward_propagation_with_dropout",
    H + SIG + DF.replace("MASK", "(D1 > keep_prob).astype(int)"),
    "D1 > keep",
    {"mask_inverted"},
)
add(
    "mask fixed 0.7",
    "forward_propagation_with_dropout",
    H + SIG + DF.replace("MASK", "D1 < 0.7"),
    "D1 < 0.7",
    {"threshold"},
)
add(
    "mask 1 - keep",
    "forward_propagation_with_dropout",
    H + SIG + DF.replace("MASK", "D1 < (1 - keep_prob)"),
    "1 - keep",
    {"mask_inverted", "wrong_operand"},
)
# two mistakes in one line
add(
    "two in one line",
    "linear_backward",
    H
    + """def linear_backward(dZ, cache):
    A_prev, W, b = cache
    m = A_prev.shape[1]
    dW = np.dot(A_prev, dZ.T)
    db = np.sum(dZ, axis=1, keepdims=True) / m
    dA_prev = np.dot(W.T, dZ)
    return dA_prev, dW, db
""",
    "dW = np",
    {"transposed", "missing_1_over_m", "wrong_order"},
)
add(
    "two in one line propagate",
    "propagate",
    H
    + SIG
    + """def propagate(w, b, X, Y):
    m = X.shape[1]
    A = sigmoid(np.dot(w.T, X) + b)
    cost = np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    dw = np.dot(X, (A - Y).T) / m
    db = np.sum(A - Y) / m
    return {"dw": dw, "db": db}, cost
""",
    "cost = np.sum",
    {"wrong_sign", "missing_1_over_m"},
)
# twin lines
add(
    "twin lines",
    "update_parameters",
    H
    + """def update_parameters(parameters, grads, learning_rate=1.2):
    L = len(parameters) // 2
    for l in range(L):
        parameters["W" + str(l + 1)] = parameters["W" + str(l + 1)] + learning_rate * grads["dW" + str(l + 1)]
        parameters["b" + str(l + 1)] = parameters["b" + str(l + 1)] + learning_rate * grads["db" + str(l + 1)]
    return parameters
""",
    'parameters["W" + str(l + 1)] =',
    {"wrong_sign"},
)
add(
    "twin lines planar",
    "update_parameters",
    H
    + """def update_parameters(parameters, grads, learning_rate=1.2):
    W1 = parameters["W1"] - 0.009 * grads["dW1"]
    b1 = parameters["b1"] - 0.009 * grads["db1"]
    W2 = parameters["W2"] - 0.009 * grads["dW2"]
    b2 = parameters["b2"] - 0.009 * grads["db2"]
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
""",
    "W1 = para",
    {"learning_rate", "wrong_constant"},
)
# cache unpacked in another order
LAB = """def sigmoid_backward(dA, cache):
    Z = cache
    s = 1 / (1 + np.exp(-Z))
    return dA * s * (1 - s)
def relu_backward(dA, cache):
    dZ = np.array(dA, copy=True)
    dZ[cache <= 0] = 0
    return dZ
def linear_backward(dZ, cache):
    UNPACK
    m = A_prev.shape[1]
    dW = np.dot(dZ, A_prev.T) / m
    db = np.sum(dZ, axis=1, keepdims=True) / m
    dA_prev = np.dot(W.T, dZ)
    return dA_prev, dW, db
def linear_activation_backward(dA, cache, activation):
    PAIR
    if activation == "relu":
        dZ = relu_backward(dA, activation_cache)
    elif activation == "sigmoid":
        dZ = sigmoid_backward(dA, activation_cache)
    return linear_backward(dZ, linear_cache)
"""
add(
    "cache order linear",
    "linear_backward",
    H
    + LAB.replace("UNPACK", "W, A_prev, b = cache").replace("PAIR", "linear_cache, activation_cache = cache"),
    "W, A_prev",
    {"wrong_order"},
)
add(
    "cache order activation",
    "linear_activation_backward",
    H
    + LAB.replace("UNPACK", "A_prev, W, b = cache").replace("PAIR", "activation_cache, linear_cache = cache"),
    "activation_cache, linear",
    {"wrong_order"},
)
# update without gradients
add(
    "update without gradients",
    "update_parameters",
    H
    + """def update_parameters(parameters, grads, learning_rate):
    L = len(parameters) // 2
    for l in range(L):
        W, b = "W" + str(l + 1), "b" + str(l + 1)
        parameters[W] = parameters[W] - learning_rate * parameters[W]
        parameters[b] = parameters[b] - learning_rate * parameters[b]
    return parameters
""",
    "parameters[W] =",
    {"wrong_operand"},
)
add(
    "update without gradients planar",
    "update_parameters",
    H
    + """def update_parameters(parameters, grads, learning_rate=1.2):
    W1, b1 = parameters["W1"], parameters["b1"]
    W2, b2 = parameters["W2"], parameters["b2"]
    dW1, db1 = grads["dW1"], grads["db1"]
    dW2, db2 = grads["dW2"], grads["db2"]
    W1 = W1 - learning_rate
    b1 = b1 - learning_rate * db1
    W2 = W2 - learning_rate * dW2
    b2 = b2 - learning_rate * db2
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
""",
    "W1 = W1 -",
    {"learning_rate", "term_missing", "gradient_missing"},
)
# forgotten sigmoid / (1-Y)
add(
    "forgotten sigmoid",
    "propagate",
    H
    + SIG
    + """def propagate(w, b, X, Y):
    m = X.shape[1]
    A = np.dot(w.T, X) + b
    cost = -1 / m * np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    dw = 1 / m * np.dot(X, (A - Y).T)
    db = 1 / m * np.sum(A - Y)
    return {"dw": dw, "db": db}, cost
""",
    "A = np.dot",
    {"activation_missing"},
)
add(
    "forgotten sigmoid forward",
    "forward_propagation",
    PLANAR.replace("A2 = sigmoid(Z2)", "A2 = Z2"),
    "A2 = Z2",
    {"activation_missing"},
)
add(
    "forgotten (1 - Y) term",
    "compute_cost",
    H
    + """def compute_cost(A2, Y):
    m = Y.shape[1]
    logprobs = np.multiply(np.log(A2), Y)
    cost = -np.sum(logprobs) / m
    return float(np.squeeze(cost))
""",
    "logprobs = np",
    {"term_missing"},
)
add(
    "forgotten (1 - Y) term 2",
    "propagate",
    H
    + SIG
    + """def propagate(w, b, X, Y):
    m = X.shape[1]
    A = sigmoid(np.dot(w.T, X) + b)
    cost = -np.sum(Y * np.log(A)) / m
    dw = np.dot(X, (A - Y).T) / m
    db = np.sum(A - Y) / m
    return {"dw": dw, "db": db}, cost
""",
    "cost = -np",
    {"term_missing"},
)

add(
    "derivative of another activation, split",
    "backward_propagation",
    PLANAR.replace("* (1 - A1 ** 2)", "* A1 * (1 - A1)"),
    "dZ1 = np",
    {"wrong_activation_derivative"},
)
add(
    "derivative of another activation, one factor",
    "backward_propagation",
    PLANAR.replace("* (1 - A1 ** 2)", "* (A1 * (1 - A1))"),
    "dZ1 = np",
    {"wrong_activation_derivative"},
)
add(
    "m counts the features",
    "propagate",
    H
    + SIG
    + """def propagate(w, b, X, Y):
    m = X.shape[0]
    A = sigmoid(np.dot(w.T, X) + b)
    cost = -1 / m * np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    dw = 1 / m * np.dot(X, (A - Y).T)
    db = 1 / m * np.sum(A - Y)
    return {"dw": dw, "db": db}, cost
""",
    "m = X",
    {"index_off_by_one"},
)
add(
    "m counts the rows of Y",
    "propagate",
    H
    + SIG
    + """def propagate(w, b, X, Y):
    m = len(X)
    A = sigmoid(w.T @ X + b)
    cost = -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / m
    return {"dw": X @ (A - Y).T / m, "db": np.sum(A - Y) / m}, cost
""",
    "m = len",
    {"wrong_operand", "index_off_by_one", "wrong_factor", "wrong_function"},
)
add(
    "a name that is not there",
    "train",
    PLANAR
    + """def compute_cost(A2, Y):
    return -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / Y.shape[1]
def train(X, Y, n_h, num_iterations, learning_rate):
    parameters = initialize_parameters(n_x, n_h, 1)
    for i in range(num_iterations):
        A2, cache = forward_propagation(X, parameters)
        cost = compute_cost(A2, Y)
        grads = backward_propagation(parameters, cache, X, Y)
        for key in parameters:
            parameters[key] = parameters[key] - learning_rate * grads["d" + key]
    return parameters
""",
    "initialize_parameters(n_x, n_h, 1)",
    {"not_defined"},
)
add(
    "a misspelt name",
    "model",
    PLANAR
    + """def compute_cost(A2, Y):
    return -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / Y.shape[1]
def model(X, Y, layers_dims, learning_rate=0.1, num_iterations=10):
    L = len(layer_dims)
    parameters = initialize_parameters(X.shape[0], 3, 1)
    for i in range(num_iterations):
        A2, cache = forward_propagation(X, parameters)
        cost = compute_cost(A2, Y)
        grads = backward_propagation(parameters, cache, X, Y)
        for key in parameters:
            parameters[key] = parameters[key] - learning_rate * grads["d" + key]
    return parameters
""",
    "L = len(layer_dims)",
    {"not_defined"},
)


@pytest.mark.sampled(18)
@pytest.mark.parametrize(("function", "text", "line", "diagnoses"), FILES)
def test_a_mistake_is_named_with_its_line(function, text, line, diagnoses):
    findings = [one for told in audit_text(text).functions if told.name == function for one in told.findings]
    assert [one for one in findings if one.line == line and one.diagnosis in diagnoses], findings


CHINESE = (
    H
    + """def 前向(X, w, b):
    return 1 / (1 + np.exp(-(X @ w + b)))
def 成本(y_hat, y):
    return -np.mean(y * np.log(y_hat) + (1 - y) * np.log(1 - y_hat))
def 反向(X, y, y_hat):
    dw = X.T @ (y_hat - y) / len(y)
    db = np.sum(y_hat - y) / len(y)
    return dw, db
class 网络:
    def __init__(self):
        self.W, self.b = np.random.randn(3, 1), np.zeros(1)
    def 前向传播(self, X):
        self.a = 1 / (1 + np.exp(-(X @ self.W + self.b)))
        return self.a
    def 损失(self, X, y):
        a = self.前向传播(X)
        return -np.mean(y * np.log(a) + (1 - y) * np.log(1 - a))
    def 反向传播(self, X, y):
        dz = (self.a - y) / X.shape[0]
        self.dW, self.db = X.T @ dz, dz.sum(axis=0)
"""
)


@pytest.mark.parametrize(("function", "right", "wrong"), [
    ("反向", "np.sum(y_hat - y) / len(y)", "np.sum(y_hat - y)"),
    ("网络.反向传播", "X.T @ dz, dz.sum(axis=0)", "2 * X.T @ dz, dz.sum(axis=0)"),
])  # fmt: skip
def test_names_in_chinese(function: str, right: str, wrong: str) -> None:
    judged = {one.name: one.status for one in audit_text(CHINESE).functions}
    assert judged["反向"] == judged["网络.反向传播"] == "right"
    judged = {one.name: one.status for one in audit_text(CHINESE.replace(right, wrong)).functions}
    assert judged[function] == "wrong"


ROWS = """import numpy as np
def random_mini_batches(X, Y, mini_batch_size=64, seed=0):
    np.random.seed(seed)
    m = X.shape[0]
    order = np.random.permutation(m)
    X, Y = X[order, :], Y[order, :]
    return [(X[k:k + mini_batch_size, :], Y[k:k + mini_batch_size, :]) for k in range(0, m, mini_batch_size)]
"""


def test_mini_batches_of_rows_are_right_where_the_function_counts_rows():
    (report,) = audit_text(ROWS).functions
    assert report.status == "right"
    assert "examples in rows" in report.remarks[0]
    (report,) = audit_text(ROWS.replace("Y[order, :]", "Y")).functions
    assert report.status == "wrong"
    (report,) = audit_text(ROWS.replace("shape[0]", "shape[1]")).functions
    assert report.status == "wrong"
    assert not any("failed" in remark for remark in report.remarks)


CHECK = """import numpy as np
def forward_propagation(x, theta):
    return x * theta
def backward_propagation(x, theta):
    return x
def gradient_check(x, theta, epsilon=1e-7):
    plus, minus = forward_propagation(x, theta + epsilon), forward_propagation(x, theta - epsilon)
    approx, grad = (plus - minus) / (2 * epsilon), backward_propagation(x, theta)
    gap = abs(grad - approx) / (abs(grad) + abs(approx))
    return gap < 1e-7, gap
"""


def test_a_check_of_gradients_may_return_a_verdict_before_the_difference():
    assert {one.status for one in audit_text(CHECK).functions} == {"right"}
    wrong = audit_text(CHECK.replace("(2 * epsilon)", "epsilon")).functions
    assert {one.name: one.status for one in wrong}["gradient_check"] == "wrong"


NUMERICAL = """import numpy as np
def numerical_gradient(f, x):
    h = 1e-4
    grad = np.zeros_like(x)
    it = np.nditer(x, flags=["multi_index"], op_flags=["readwrite"])
    while not it.finished:
        idx = it.multi_index
        tmp = x[idx]
        x[idx] = tmp + h
        fxh1 = f(x)
        x[idx] = tmp - h
        fxh2 = f(x)
        grad[idx] = (fxh1 - fxh2) / (2 * h)
        x[idx] = tmp
        it.iternext()
    return grad
"""


@pytest.mark.parametrize(
    ("old", "new", "status", "line"),
    [
        ("f(x)", "f(x)", "right", None),
        ("(fxh1 - fxh2) / (2 * h)", "(f(x) - fxh2) / h", "wrong", 13),
        ("(2 * h)", "h", "wrong", 13),
        ("fxh1 - fxh2", "fxh2 - fxh1", "wrong", 13),
        ("        x[idx] = tmp\n", "", "wrong", None),
        ("f(x)", "f(x)[0]", "right", None),
    ],
    ids=[
        "as it is",
        "to one side at the wrong place",
        "half",
        "minus",
        "left moved",
        "a cost with its gradient",
    ],
)
def test_a_gradient_by_differences_is_held_against_a_known_one(old, new, status, line):
    (report,) = audit_text(NUMERICAL.replace(old, new)).functions
    assert report.status == status
    assert line is None or report.findings[0].line == line


def test_differences_to_one_side_are_right_within_their_own_error():
    one_sided = NUMERICAL.replace("tmp - h", "tmp").replace("(2 * h)", "h")
    assert audit_text(one_sided).functions[0].status == "right"
