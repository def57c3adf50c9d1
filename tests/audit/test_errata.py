"""The mistakes of published notes, each found with the right words."""

import pytest

from tinygrad_course.audit.file_audit import audit_text

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


def audited(source, function, right=None, wrong=None):
    """Return the report of one function of a source, made wrong by one replacement."""
    line = None
    if right is not None:
        assert source.count(right) == 1
        line = source[: source.index(right)].count("\n") + 1
        source = source.replace(right, wrong)
    report = audit_text(source, only=frozenset([function]))
    return next(found for found in report.functions if found.name == function), line


@pytest.mark.parametrize(
    ("source", "function"),
    [
        (SLOPE, "sigmoid_derivative"),
        (PLANAR, "backward_propagation"),
        (DEEP, "L_model_backward"),
        (ADAM, "update_parameters_with_adam"),
        (CHECK, "gradient_check_n"),
        (DROPOUT, "forward_propagation_with_dropout"),
        (PROPAGATE, "propagate"),
    ],
)
def test_the_right_versions_are_right(source, function):
    found, _ = audited(source, function)
    assert found.status == "right", found


MISTAKES = [
    (SLOPE, "sigmoid_derivative", "a * (1 - a)", "a * (a - 1)", {"wrong_sign"}),
    (DEEP, "L_model_backward", "(np.divide(Y, AL) - np", "(np.divide(Y, AL) + np", {"wrong_sign"}),
    (PLANAR, "backward_propagation", "np.dot(dZ2, A1.T)", "np.dot(dZ2, A2.T)", {"wrong_operand"}),
    (
        CHECK,
        "gradient_check_n",
        "to_dictionary(thetaminus)",
        "to_dictionary( thetaplus)",
        {"j_minus_from_thetaplus"},
    ),
    (ADAM, "update_parameters_with_adam", "np.power(beta1, t)", "np.power(beta1, 2)", {"bias_correction"}),
    (ADAM, "update_parameters_with_adam", "(1 - beta2 ** t)", "(1 - beta2)", {"bias_correction"}),
    (
        ADAM,
        "update_parameters_with_adam",
        "(np.sqrt(sc[k]) + epsilon)",
        "np.sqrt(sc[k] + epsilon)",
        {"epsilon_in_root"},
    ),
    (DROPOUT, "forward_propagation_with_dropout", "D1 < keep_prob", "D1 > keep_prob", {"mask_inverted"}),
    (
        PLANAR,
        "backward_propagation",
        "np.sum(dZ1, axis=1, keepdims",
        "np.sum(dZ1, axis=1, keepdim",
        {"removed_api", "raises"},
    ),
    (PLANAR, "backward_propagation", "A2 - Y", "Y - A2", {"wrong_sign"}),
]


@pytest.mark.parametrize(("source", "function", "right", "wrong", "names"), MISTAKES)
def test_a_mistake_of_the_notes_is_found_and_named(source, function, right, wrong, names):
    found, line = audited(source, function, right, wrong)
    assert found.status == "wrong"
    first = found.findings[0]
    assert first.diagnosis in names, first
    assert first.line == line
    assert first.verified


def test_dw_without_x_is_found_and_never_guessed_loudly():
    found, line = audited(PROPAGATE, "propagate", "1 / m * np.dot(X, dz.T)", "1 / m * np.sum(dz)")
    first = found.findings[0]
    assert found.status == "wrong"
    assert (first.quantity, first.line) == ("dw", line)


def test_log10_is_caught_where_the_cost_is_made():
    source = "import numpy as np\ndef compute_cost(AL, Y):\n"
    source += "    return -np.mean(Y*np.log(AL) + (1-Y)*np.log10(1-AL))\n"
    found = audit_text(source).functions[0]
    assert (found.status, found.findings[0].diagnosis, found.findings[0].line) == ("wrong", "log_base", 3)
    example = found.findings[0].example
    assert example["quantity"] == "cost"
    assert example["yours"] != example["right"]


PUBLISHED = """
import numpy as np
from dnn_utils_v2 import sigmoid_backward, relu_backward
def linear_backward(dZ, cache):
    A_prev, W, b = cache
    m = A_prev.shape[1]
    return np.dot(W.T, dZ), np.dot(dZ, A_prev.T) / m, np.sum(dZ, axis=1, keepdims=True) / m
def L_model_backward(AL, Y, caches):
    grads = {}
    L = len(caches)
    dAL = np.divide(1 - Y, 1 - AL) - np.divide(Y, AL)
    cache = caches[-1]
    dA, dW, db = linear_backward(sigmoid_backward(dAL, cache[1]), cache[0])
    grads["dA" + str(L)], grads["dW" + str(L)], grads["db" + str(L)] = dA, dW, db
    for l in reversed(range(L - 1)):
        cache = caches[l]
        dA, dW, db = linear_backward(sigmoid_backward(dAL, cache[1]), cache[0])
        grads["dA" + str(l + 1)] = dA
        grads["dW" + str(l + 1)] = dW
        grads["db" + str(l + 1)] = db
    return grads
"""


def test_hidden_layers_that_go_back_through_the_sigmoid_and_dAL_are_both_mistakes_of_one_line():
    found, _ = audited(PUBLISHED, "L_model_backward")
    assert found.status == "wrong"
    told = [(finding.line, finding.diagnosis, finding.verified) for finding in found.findings]
    assert told == [(17, "wrong_activation_derivative", True), (17, "wrong_operand", True)]
    assert "relu_backward(" in found.findings[0].suggestion
    assert "dAL" not in found.findings[0].suggestion
    assert any("one layer" in remark for remark in found.remarks)


def test_dA_keys_one_too_high_are_a_remark():
    source = DEEP.replace('"dA" + str(L - 1)', '"dA" + str(L)').replace(
        '"dA" + str(l + 1)', '"dA" + str(l + 2)'
    )
    source = source.replace('grads["dA" + str(l)]', 'grads["dA" + str(l + 1)]')
    found = next(f for f in audit_text(source, only=frozenset(["L_model_backward"])).functions)
    assert found.status == "right"
    assert any("one too high" in remark for remark in found.remarks)
