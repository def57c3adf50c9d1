"""The mistakes of published notes on the course: right functions, each made wrong by one replacement."""

from dataclasses import dataclass

SIGMOID = "import numpy as np\ndef sigmoid(z):\n    return 1 / (1 + np.exp(-z))\n"
PLANAR = """
import numpy as np
def forward_propagation(X, parameters):
    Z1 = np.dot(parameters["W1"], X) + parameters["b1"]
    A1 = np.tanh(Z1)
    Z2 = np.dot(parameters["W2"], A1) + parameters["b2"]
    A2 = 1 / (1 + np.exp(-Z2))
    return A2, {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2}
def backward_propagation(parameters, cache, X, Y):
    m = X.shape[1]
    A1, A2, W2 = cache["A1"], cache["A2"], parameters["W2"]
    dZ2 = A2 - Y
    dW2 = 1 / m * np.dot(dZ2, A1.T)
    db2 = 1 / m * np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = np.multiply(np.dot(W2.T, dZ2), 1 - np.power(A1, 2))
    dW1 = 1 / m * np.dot(dZ1, X.T)
    db1 = 1 / m * np.sum(dZ1, axis=1, keepdims=True)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}
"""
DEEP = """
import numpy as np
from dnn_utils_v2 import *
def linear_activation_backward(dA, cache, activation):
    linear_cache, activation_cache = cache
    backward = relu_backward if activation == "relu" else sigmoid_backward
    dZ = backward(dA, activation_cache)
    A_prev, W, b = linear_cache
    m = A_prev.shape[1]
    return np.dot(W.T, dZ), np.dot(dZ, A_prev.T) / m, np.sum(dZ, axis=1, keepdims=True) / m
def L_model_backward(AL, Y, caches):
    grads = {}
    L = len(caches)
    dAL = - (np.divide(Y, AL) - np.divide(1 - Y, 1 - AL))
    grads["dA" + str(L - 1)], grads["dW" + str(L)], grads["db" + str(L)] = linear_activation_backward(
        dAL, caches[L - 1], "sigmoid")
    for l in reversed(range(L - 1)):
        dA, dW, db = linear_activation_backward(grads["dA" + str(l + 1)], caches[l], "relu")
        grads["dA" + str(l)] = dA
        grads["dW" + str(l + 1)] = dW
        grads["db" + str(l + 1)] = db
    return grads
"""
ADAM = """
import numpy as np
def update_parameters_with_adam(parameters, grads, v, s, t, learning_rate=0.01, beta1=0.9, beta2=0.999,
                                epsilon=1e-8):
    L = len(parameters) // 2
    vc, sc = {}, {}
    for l in range(1, L + 1):
        for p in ("W", "b"):
            k = "d" + p + str(l)
            v[k] = beta1 * v[k] + (1 - beta1) * grads[k]
            vc[k] = v[k] / (1 - np.power(beta1, t))
            s[k] = beta2 * s[k] + (1 - beta2) * np.power(grads[k], 2)
            sc[k] = s[k] / (1 - beta2 ** t)
            step = learning_rate * vc[k] / (np.sqrt(sc[k]) + epsilon)
            parameters[p + str(l)] = parameters[p + str(l)] - step
    return parameters, v, s
"""
CHECK = """
import numpy as np
from gc_utils import *
def gradient_check_n(parameters, gradients, X, Y, epsilon=1e-7):
    values, _ = dictionary_to_vector(parameters)
    grad = gradients_to_vector(gradients)
    n = values.shape[0]
    J_plus, J_minus, gradapprox = np.zeros((n, 1)), np.zeros((n, 1)), np.zeros((n, 1))
    for i in range(n):
        thetaplus = np.copy(values)
        thetaplus[i][0] = thetaplus[i][0] + epsilon
        J_plus[i], _ = forward_propagation_n(X, Y, vector_to_dictionary(thetaplus))
        thetaminus = np.copy(values)
        thetaminus[i][0] = thetaminus[i][0] - epsilon
        J_minus[i], _ = forward_propagation_n(X, Y, vector_to_dictionary(thetaminus))
        gradapprox[i] = (J_plus[i] - J_minus[i]) / (2 * epsilon)
    numerator = np.linalg.norm(grad - gradapprox)
    denominator = np.linalg.norm(grad) + np.linalg.norm(gradapprox)
    difference = numerator / denominator
    return difference
"""
DROPOUT = """
import numpy as np
def forward_propagation_with_dropout(X, parameters, keep_prob=0.5):
    Z1 = np.dot(parameters["W1"], X) + parameters["b1"]
    A1 = np.maximum(0, Z1)
    D1 = np.random.rand(A1.shape[0], A1.shape[1])
    D1 = D1 < keep_prob
    A1 = A1 * D1
    A1 = A1 / keep_prob
    Z2 = np.dot(parameters["W2"], A1) + parameters["b2"]
    A2 = 1 / (1 + np.exp(-Z2))
    return A2, {"Z1": Z1, "D1": D1, "A1": A1, "Z2": Z2, "A2": A2}
"""
PROPAGATE = (
    SIGMOID
    + """
def propagate(w, b, X, Y):
    m = X.shape[1]
    A = sigmoid(np.dot(w.T, X) + b)
    cost = -1 / m * np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    dz = A - Y
    dw = 1 / m * np.dot(X, dz.T)
    db = 1 / m * np.sum(dz)
    return {"dw": dw, "db": db}, cost
"""
)
SLOPE = (
    SIGMOID
    + """
def sigmoid_derivative(x):
    a = sigmoid(x)
    return a * (1 - a)
"""
)
LOOP = (
    SIGMOID
    + """
def propagate(w, b, X, Y):
    m = X.shape[1]
    J, db = 0, 0
    dw = np.zeros((X.shape[0], 1))
    for i in range(m):
        z = np.dot(w.T, X[:, i]) + b
        a = sigmoid(z)
        J += -(Y[0, i] * np.log(a) + (1 - Y[0, i]) * np.log(1 - a))
        dz = a - Y[0, i]
        for j in range(X.shape[0]):
            dw[j, 0] += X[j, i] * dz.item()
        db += dz.item()
    J, dw, db = J.item() / m, dw / m, db / m
    return {"dw": dw, "db": db}, J
"""
)
LAYER = """
import numpy as np
def sigmoid(Z):
    return 1 / (1 + np.exp(-Z)), Z
def relu(Z):
    return np.maximum(0, Z), Z
def linear_activation_forward(A_prev, W, b, activation):
    Z = np.dot(W, A_prev) + b
    A, cache = sigmoid(Z) if activation == "sigmoid" else relu(Z)
    return A, ((A_prev, W, b), cache)
def L_model_forward(X, parameters):
    caches = []
    A = X
    L = len(parameters) // 2
    for l in range(1, L):
        A, cache = linear_activation_forward(A, parameters["W" + str(l)], parameters["b" + str(l)], "relu")
        caches.append(cache)
    W, b = parameters["W" + str(L)], parameters["b" + str(L)]
    AL, cache = linear_activation_forward(A, W, b, "sigmoid")
    caches.append(cache)
    return AL, caches
def linear_backward(dZ, cache):
    A_prev, W, b = cache
    m = A_prev.shape[1]
    dW = 1 / m * np.dot(dZ, A_prev.T)
    db = 1 / m * np.sum(dZ, axis=1, keepdims=True)
    dA_prev = np.dot(W.T, dZ)
    return dA_prev, dW, db
def sigmoid_backward(dA, cache):
    Z = cache
    s = 1 / (1 + np.exp(-Z))
    dZ = dA * s * (1 - s)
    return dZ
"""
COST = """
import numpy as np
def compute_cost(AL, Y):
    m = Y.shape[1]
    logprobs = np.multiply(np.log(AL), Y) + np.multiply(np.log(1 - AL), 1 - Y)
    cost = -1 / m * np.sum(logprobs)
    return np.squeeze(cost)
"""
INITIAL = """
import numpy as np
def initialize_parameters(n_x, n_h, n_y):
    W1 = np.random.randn(n_h, n_x) * 0.01
    b1 = np.zeros((n_h, 1))
    W2 = np.random.randn(n_y, n_h) * 0.01
    b2 = np.zeros((n_y, 1))
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
def initialize_with_zeros(dim):
    w = np.zeros((dim, 1))
    b = 0
    return w, b
"""
BATCHES = """
import numpy as np, math
def random_mini_batches(X, Y, mini_batch_size=64, seed=0):
    np.random.seed(seed)
    m = X.shape[1]
    permutation = list(np.random.permutation(m))
    shuffled_X, shuffled_Y = X[:, permutation], Y[:, permutation].reshape((1, m))
    mini_batches = []
    for k in range(0, math.floor(m / mini_batch_size)):
        part = slice(k * mini_batch_size, (k + 1) * mini_batch_size)
        mini_batches.append((shuffled_X[:, part], shuffled_Y[:, part]))
    if m % mini_batch_size != 0:
        end = m - mini_batch_size * math.floor(m / mini_batch_size)
        mini_batches.append((shuffled_X[:, m - end :], shuffled_Y[:, m - end :]))
    return mini_batches
"""
ONE = """
import numpy as np
def forward_propagation(x, theta):
    return theta * x
def backward_propagation(x, theta):
    return x
def gradient_check(x, theta, epsilon=1e-7):
    thetaplus = theta + epsilon
    thetaminus = theta - epsilon
    J_plus = forward_propagation(x, thetaplus)
    J_minus = forward_propagation(x, thetaminus)
    gradapprox = (J_plus - J_minus) / (2 * epsilon)
    grad = backward_propagation(x, theta)
    return np.linalg.norm(grad - gradapprox) / (np.linalg.norm(grad) + np.linalg.norm(gradapprox))
"""
PREDICT = (
    SIGMOID
    + """
def predict(w, b, X):
    m = X.shape[1]
    Y_prediction = np.zeros((1, m))
    A = sigmoid(np.dot(w.T, X) + b)
    for i in range(m):
        Y_prediction[0, i] = float(A[0, i] > 0.5)
    return Y_prediction
"""
)
MOMENTUM = """
def update_parameters_with_momentum(parameters, grads, v, beta, learning_rate):
    for l in range(1, len(parameters) // 2 + 1):
        v["dW" + str(l)] = beta * v["dW" + str(l)] + (1 - beta) * grads["dW" + str(l)]
        v["db" + str(l)] = beta * v["db" + str(l)] + (1 - beta) * grads["db" + str(l)]
        parameters["W" + str(l)] = parameters["W" + str(l)] - learning_rate * v["dW" + str(l)]
        parameters["b" + str(l)] = parameters["b" + str(l)] - learning_rate * v["db" + str(l)]
    return parameters, v
"""

LINES = """
import numpy as np
def update_parameters_with_adam(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon):
    vc, sc = {}, {}
    for l in range(1, len(parameters) // 2 + 1):
        v["dW" + str(l)] = beta1 * v["dW" + str(l)] + (1 - beta1) * grads["dW" + str(l)]
        v["db" + str(l)] = beta1 * v["db" + str(l)] + (1 - beta1) * grads["db" + str(l)]
        vc["dW" + str(l)] = v["dW" + str(l)] / (1 - np.power(beta1, t))
        vc["db" + str(l)] = v["db" + str(l)] / (1 - np.power(beta1, t))
        s["dW" + str(l)] = beta2 * s["dW" + str(l)] + (1 - beta2) * np.square(grads["dW" + str(l)])
        s["db" + str(l)] = beta2 * s["db" + str(l)] + (1 - beta2) * np.square(grads["db" + str(l)])
        sc["dW" + str(l)] = s["dW" + str(l)] / (1 - np.power(beta2, t))
        sc["db" + str(l)] = s["db" + str(l)] / (1 - np.power(beta2, t))
        step = learning_rate * vc["dW" + str(l)] / (np.sqrt(sc["dW" + str(l)]) + epsilon)
        parameters["W" + str(l)] = parameters["W" + str(l)] - step
        step = learning_rate * vc["db" + str(l)] / (np.sqrt(sc["db" + str(l)]) + epsilon)
        parameters["b" + str(l)] = parameters["b" + str(l)] - step
    return parameters, v, s
"""
V_LINES = """v["dW" + str(l)] / (1 - np.power(beta1, t))
        vc["db" + str(l)] = v["db" + str(l)] / (1 - np.power(beta1, t))"""
S_LINES = V_LINES.replace("v[", "s[").replace("vc[", "sc[").replace("beta1", "beta2").replace("vs[", "sc[")

RIGHT: list[tuple[str, str]] = [
    (SLOPE, "sigmoid_derivative"),
    (PLANAR, "backward_propagation"),
    (DEEP, "L_model_backward"),
    (ADAM, "update_parameters_with_adam"),
    (LINES, "update_parameters_with_adam"),
    (MOMENTUM, "update_parameters_with_momentum"),
    (CHECK, "gradient_check_n"),
    (ONE, "gradient_check"),
    (DROPOUT, "forward_propagation_with_dropout"),
    (PROPAGATE, "propagate"),
    (LOOP, "propagate"),
    (LAYER, "L_model_forward"),
    (LAYER, "linear_backward"),
    (LAYER, "sigmoid_backward"),
    (COST, "compute_cost"),
    (INITIAL, "initialize_parameters"),
    (INITIAL, "initialize_with_zeros"),
    (BATCHES, "random_mini_batches"),
    (PREDICT, "predict"),
]
"""Every source with the function that is checked in it."""

BACK, DEEP_BACK, ADAM_STEP = "backward_propagation", "L_model_backward", "update_parameters_with_adam"
DROP = "forward_propagation_with_dropout"
SUM2 = "np.sum(dZ2, axis=1, keepdims=True)"
HIDDEN = "np.multiply(np.dot(W2.T, dZ2), 1 - np.power(A1, 2))"
MISTAKES: list[tuple[str, str, str, str, str, list[str], str]] = [
    ("X.shape()", PROPAGATE, "propagate", "m = X.shape[1]", "m = X.shape()[1]", ["shape"], "X.shape"),
    ("log10", COST, "compute_cost", "np.log(AL), Y) + np.multiply(np.log(1 -",
     "np.log10(AL), Y) + np.multiply(np.log10(1 -", ["log_base"], "base-10 logarithm"),
    ("a row for a column", LOOP, "propagate", "np.dot(w.T, X[:, i])", "np.dot(w.T, X[i])",
     ["row_for_column"], "X[:, i]"),
    ("w.T * X[i]", LOOP, "propagate", "np.dot(w.T, X[:, i])", "w.T * X[i]",
     ["row_for_column", "elementwise"], "X[:, i]"),
    ("the whole Y", LOOP, "propagate", "a - Y[0, i]", "a - Y", ["not_indexed"], "Y[0, i]"),
    ("the whole row", LOOP, "propagate", "X[j, i] * dz", "X[j] * dz", ["row_for_column"], "X[j, i]"),
    ("z is never assigned", LOOP, "propagate", "a = sigmoid(z)", "a = sigmoid(zz)",
     ["not_defined"], "`z` fits"),
    ("rang", LOOP, "propagate", "in range(m)", "in rang(m)", ["not_defined"], "`range` fits"),
    ("np.zeros(n, 1)", INITIAL, "initialize_with_zeros", "np.zeros((dim, 1))", "np.zeros(dim, 1)",
     ["shape"], "np.zeros((dim, 1))"),
    ("dw = 1/m*np.sum(dz)", PROPAGATE, "propagate", "np.dot(X, dz.T)", "np.sum(dz)",
     ["sum_for_product"], "`np.sum(dz)` where `np.dot(X, dz.T)` fits"),
    ("w, b for grads, cost", PROPAGATE, "propagate", 'return {"dw": dw, "db": db}, cost', "return w, b",
     ["missing_output"], "not among what is returned"),
    ("a (a - 1)", SLOPE, "sigmoid_derivative", "a * (1 - a)", "a * (a - 1)", ["wrong_sign"], "wrong sign"),
    ("the shapes of A2", PLANAR, BACK, "np.dot(dZ2, A1.T)", "np.dot(dZ2, A2.T)", ["wrong_operand"],
     "`A2` where `A1` fits"),
    ("A1 without .T", PLANAR, BACK, "np.dot(dZ2, A1.T)", "np.dot(dZ2, A1)", ["transposed"], "`A1.T` fits"),
    ("keepdim", PLANAR, BACK, SUM2, SUM2.replace("keepdims", "keepdim"), ["wrong_keyword"], "keepdims"),
    ("anis", PLANAR, BACK, SUM2, SUM2.replace("axis", "anis"), ["wrong_keyword"], "axis"),
    ("true", PLANAR, BACK, SUM2, SUM2.replace("True", "true"), ["not_defined"], "`True` fits"),
    ("dZ2 outside the sum", PLANAR, BACK, f"1 / m * {SUM2}", f"1 / m * dZ2 * {SUM2}",
     ["wrong_factor"], "dZ2"),
    ("dZ2 averaged", PLANAR, BACK, "A2 - Y", "1 / m * np.sum(A2 - Y)", ["summed_early"], "of its own"),
    ("dZ1 averaged", PLANAR, BACK, HIDDEN, f"1 / m * np.sum({HIDDEN}, axis=1, keepdims=True)",
     ["summed_early"], "of its own"),
    ("Y - A2", PLANAR, BACK, "A2 - Y", "Y - A2", ["wrong_sign"], "wrong sign"),
    ("z = z a + b", LAYER, "linear_activation_forward", "np.dot(W, A_prev)", "np.dot(Z, A_prev)",
     ["not_defined"], "`W` fits"),
    ("a function that is never defined", LAYER, "linear_activation_forward", "np.dot(W, A_prev) + b",
     "linear_step(A_prev, W, b)", ["not_defined"], "linear_step"),
    ("np.dot for *", LAYER, "sigmoid_backward", "dA * s * (1 - s)", "np.dot(dA, s * (1 - s))",
     ["elementwise"], "np.multiply"),
    ("forward without activation", LAYER, "L_model_forward", '"b" + str(l)], "relu")', '"b" + str(l)])',
     ["argument_missing"], "activation='relu'"),
    ("backward without activation", DEEP, DEEP_BACK, 'caches[l], "relu")', "caches[l])",
     ["argument_missing"], "activation='relu'"),
    ("plus in dAL", DEEP, DEEP_BACK, "(np.divide(Y, AL) - np", "(np.divide(Y, AL) + np", ["wrong_sign"],
     "wrong sign"),
    ("dW0", DEEP, DEEP_BACK, 'grads["dW" + str(l + 1)] =', 'grads["dW" + str(l)] =', ["index_off_by_one"],
     "`l + 1` fits"),
    ("rand", INITIAL, "initialize_parameters", "W1 = np.random.randn", "W1 = np.random.rand",
     ["uniform_for_normal"], "np.random.randn"),
    ("theta, x", ONE, "gradient_check", "J_plus = forward_propagation(x, thetaplus)",
     "J_plus = forward_propagation(thetaplus, x)", ["wrong_order"], "order"),
    ("J_minus from thetaplus, one", ONE, "gradient_check", "(x, thetaminus)", "(x, thetaplus )",
     ["j_minus_from_thetaplus"], "J_minus computed from thetaplus"),
    ("J_minus from thetaplus", CHECK, "gradient_check_n", "to_dictionary(thetaminus)",
     "to_dictionary( thetaplus)", ["j_minus_from_thetaplus"], "J_minus computed from thetaplus"),
    ("theta without a copy", CHECK, "gradient_check_n", "thetaplus = np.copy(values)", "thetaplus = values",
     ["in_place"], "not copied"),
    ("dw for dW", MOMENTUM, "update_parameters_with_momentum", '(1 - beta) * grads["dW"',
     '(1 - beta) * grads["dw"', ["wrong_operand", "index_off_by_one"], "'dW'"),
    ("beta1 ** 2", ADAM, ADAM_STEP, "np.power(beta1, t)", "np.power(beta1, 2)", ["bias_correction"],
     "wrong exponent"),
    ("beta1 ** 2 in both lines", LINES, ADAM_STEP, V_LINES, V_LINES.replace("1, t", "1, 2"),
     ["bias_correction"], "`2` where `t` fits"),
    ("1 - beta2 in both lines", LINES, ADAM_STEP, S_LINES, S_LINES.replace("np.power(beta2, t)", "beta2"),
     ["bias_correction"], "beta2"),
    ("1 - beta2", ADAM, ADAM_STEP, "(1 - beta2 ** t)", "(1 - beta2)", ["bias_correction"], "`beta2 ** t`"),
    ("epsilon in the root", ADAM, ADAM_STEP, "(np.sqrt(sc[k]) + epsilon)", "np.sqrt(sc[k] + epsilon)",
     ["epsilon_in_root"], "epsilon inside the root"),
    ("uncorrected s", ADAM, ADAM_STEP, "np.sqrt(sc[k])", "np.sqrt(s[k])",
     ["wrong_operand", "bias_correction_missing"], "`sc` fits"),
    ("inverted mask", DROPOUT, DROP, "D1 < keep_prob", "D1 > keep_prob", ["mask_inverted"], "inverted mask"),
    ("A, D as matrices", DROPOUT, DROP, "A1 * D1", "np.dot(A1, D1)", ["elementwise"], "elementwise"),
    ("db over all units", LAYER, "linear_backward", "np.sum(dZ, axis=1, keepdims=True)", "np.sum(dZ)",
     ["axis_missing"], "the axis is missing"),
    ("float of an array", PREDICT, "predict", "float(A[0, i] > 0.5)", "float(A[:, [i]] > 0.5)",
     ["removed_api"], "a.item()"),
    ("np.int", PREDICT, "predict", "np.zeros((1, m))", "np.zeros((1, m), dtype=np.int)", ["removed_api"],
     "write int"),
    ("lambda", COST, "compute_cost", "(AL, Y)", "(AL, Y, lambda)", ["syntax"], "lambd"),
    ("an image in a line", COST, "compute_cost", "np.sum(logprobs)", "np.sum(logprobs)![](a.png)",
     ["syntax"], "image"),
    ("tabs and spaces", INITIAL, "initialize_parameters", "    W2 =", "\t    W2 =", ["syntax"], "spaces"),
]  # fmt: skip
"""(name, source, function, as it is right, as it is wrong, the diagnoses that name it, words to be told)"""


@dataclass(frozen=True)
class Erratum:
    """One mistake of the notes."""

    name: str
    source: str
    function: str
    line: int
    diagnoses: list[str]
    words: str


def errata() -> list[Erratum]:
    """Return the mistakes, each put into its source.

    Raises
    ------
    ValueError
        Where what is to be replaced does not stand exactly once in the source.
    """
    made = []
    for name, source, function, right, wrong, diagnoses, words in MISTAKES:
        if source.count(right) != 1:
            raise ValueError(f"{name}: `{right}` stands {source.count(right)} times in the source")
        line = source[: source.index(right)].count("\n") + 1
        made.append(Erratum(name, source.replace(right, wrong), function, line, diagnoses, words))
    return made
