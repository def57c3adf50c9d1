"""What the check says, word for word: of what is wrong, and of why something is not judged."""

import pytest

from tinygrad_course.audit.command.one_file import audit_text

LINEAR = """import numpy as np
def linear_backward(dZ, cache):
    A_prev, W, b = cache
    m = A_prev.shape[1]
    dW = np.dot(dZ, A_prev.T) / m
    db = np.sum(dZ, axis=1, keepdims=True) / m
    dA_prev = np.dot(W.T, dZ)
    return dA_prev, dW, db
"""
SIGMOID = "import numpy as np\ndef sigmoid(z):\n    return 1 / (1 + np.exp(-z))\n"
COST = """import numpy as np
def compute_cost(AL, Y):
    m = Y.shape[1]
    cost = -np.sum(Y * np.log(AL) + (1 - Y) * np.log(1 - AL)) / m
    return cost
"""
FORWARD = """import numpy as np
def linear_forward(A, W, b):
    Z = np.dot(W, A) + b
    return Z, (A, W, b)
"""
REGULARIZED = """import numpy as np
def backward_propagation_with_regularization(X, Y, cache, lambd):
    m = X.shape[1]
    (Z1, A1, W1, b1, Z2, A2, W2, b2, Z3, A3, W3, b3) = cache
    dZ3 = A3 - Y
    dW3 = 1 / m * np.dot(dZ3, A2.T) + lambd / m * W3
    db3 = np.sum(dZ3, axis=1, keepdims=True) / m
    dA2 = np.dot(W3.T, dZ3)
    dZ2 = np.multiply(dA2, np.int64(A2 > 0))
    dW2 = 1 / m * np.dot(dZ2, A1.T)
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dA1 = np.dot(W2.T, dZ2)
    dZ1 = np.multiply(dA1, np.int64(A1 > 0))
    dW1 = 1 / m * np.dot(dZ1, X.T) + lambd / m * W1
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    return {"dW3": dW3, "db3": db3, "dW2": dW2, "db2": db2, "dW1": dW1, "db1": db1}
"""
CALLER = """
def propagate(w, b, X, Y):
    m = X.shape[1]
    A = sigmoid(np.dot(w.T, X) + b)
    cost = -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / m
    return {"dw": np.dot(X, (A - Y).T) / m, "db": np.sum(A - Y) / m}, cost
"""
UNLOADED = """from my_utils import linear_forward
def linear_activation_forward(A_prev, W, b, activation):
    Z, linear_cache = linear_forward(A_prev, W, b)
    A = 2 * np.maximum(0, Z) if activation == "relu" else 1 / (1 + np.exp(-Z))
    return A, (linear_cache, Z)
"""
UPDATE = """def update_parameters(foo, bar):
    return {key: value + bar["d" + key] for key, value in foo.items()}
"""


def told(text: str) -> str:
    report = audit_text(text)
    parts = [*report.notes]
    for function in report.functions:
        parts += function.remarks
        parts += [f"{found.title}: {found.message}: {found.suggestion}" for found in function.findings]
    return "\n".join(parts)


@pytest.mark.parametrize(
    ("text", "old", "new", "words"),
    [
        (LINEAR, "np.dot(dZ, A_prev.T)", "np.dot(A_prev, dZ.T)", "it is transposed"),
        (LINEAR, "axis=1", "axis=0", "it is not summed over the examples; `0` where `1` fits"),
        (LINEAR, "np.sum(dZ, axis=1, keepdims=True)", "dZ", "right for one example (m = 1), wrong for more"),
        (
            LINEAR,
            "np.sum(dZ, axis=1, keepdims=True)",
            "np.sum(dZ)",
            "summed over everything: the axis is missing",
        ),
        (LINEAR, "shape[1]", "shape[0]", "m is 4, and there are 2 examples"),
        (LINEAR, "keepdims", "keepdim", "the arguments are called axis and keepdims"),
        (
            FORWARD,
            "+ b",
            "+ b if W is None else None",
            "Z is None, and an array of shape (1, 2) was expected",
        ),
        (COST, "return cost", "return 'spam'", "cost is a str, and a number was expected"),
        (COST, "return cost", "return np.asscalar(np.array([cost]))", "np.asscalar is gone: write a.item()"),
        (
            FORWARD,
            "    return",
            "    assert Z.shape == (W.shape[1],)\n    return",
            "(W.shape[1],)` does not hold",
        ),
        (REGULARIZED, "", "", "dW2 lacks the L2 term lambd/m * W"),
        (REGULARIZED, "dW2 = ", "db3 += lambd / m * b3; dW2 = lambd / m * W2 + ", "the L2 term on the bias"),
        (SIGMOID + CALLER, "1 + np.exp", "1 - np.exp", "right, given right sigmoid"),
        (
            "import h5py\n" + SIGMOID,
            "return",
            "h5py.File('a'); return",
            "h5py.File is called, and the check does not load",
        ),
        (
            SIGMOID,
            "return",
            "from my_own import exp; return exp(0) *",
            "not checked: my_own.exp is called, and the check does not load it",
        ),
        (
            SIGMOID,
            "    return",
            "    np.exp = np.log\n    return",
            "the file changes numpy.exp, which is not its own",
        ),
        (SIGMOID, "import numpy as np", "", "np is used and never imported; the check imports it"),
        (SIGMOID, "return 1 / (1 + np.exp(-z))", "pass", "not filled in yet: line 3"),
        (FORWARD, "np.dot(W, A) + b", "...", "not filled in yet: line 3"),
        (UNLOADED, "", "", "linear_forward comes from a module that is not loaded"),
        (UPDATE, "", "", "what foo, bar should be is not told by the name"),
        (
            "scale = max(2, 3)\n" + SIGMOID,
            "1 /",
            "scale /",
            "scale is set by a statement outside it, which is not executed",
        ),
        (
            "import numpy as np\ndef relu_backward(dA, cache):\n    dA[cache <= 0] = 0\n    return dA\n",
            "",
            "",
            "the caller's dA is changed in place",
        ),
    ],
)
def test_a_report_says(text: str, old: str, new: str, words: str) -> None:
    assert words in told(text.replace(old, new, 1) if old else text)


OPTIMIZE = """import numpy as np
def propagate(w, b, X, Y):
    A = 1 / (1 + np.exp(-(np.dot(w.T, X) + b)))
    cost = -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    return {"dw": np.dot(X, (A - Y).T) / X.shape[1], "db": np.mean(A - Y)}, cost


def optimize(w, b, X, Y, num_iterations=100, learning_rate=0.01, print_cost=False):
    costs = []
    for i in range(num_iterations):
        grads, cost = propagate(w, b, X, Y)
        w = w - 0.01 * grads["dw"]
        b = b - 0.01 * grads["db"]
        if i % 100 == 0:
            costs.append(cost)
    return {"w": w, "b": b}, grads, costs
"""


def test_one_slip_in_two_lines_that_need_each_other_is_told_of_both():
    (judged,) = [f for f in audit_text(OPTIMIZE).functions if f.name == "optimize"]
    assert [(f.line, f.diagnosis, f.verified) for f in judged.findings] == [
        (12, "learning_rate", True),
        (13, "learning_rate", True),
    ]
    assert judged.findings[1].suggestion == 'b = b - learning_rate * grads["db"]'
