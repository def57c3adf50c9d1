"""Right code is never called wrong; two mistakes are both found; the library does what the command does."""

from pathlib import Path

import numpy as np
import pytest

from tinygrad_course.audit import audit
from tinygrad_course.audit.command.one_file import audit_text

CASES = sorted((Path(__file__).parents[2] / "benchmarks" / "audit_cases").glob("*.py"))


@pytest.mark.sampled(24)
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_every_right_implementation_is_right(path):
    report = audit_text(path.read_text(encoding="utf-8"))
    assert report.functions
    assert {function.name: function.findings for function in report.functions if function.findings} == {}
    assert {function.status for function in report.functions} == {"right"}


def test_there_are_implementations_to_try():
    assert len(CASES) >= 14


TWICE = """
import numpy as np
def linear_backward(dZ, cache):
    A_prev, W, b = cache
    m = A_prev.shape[1]
    dW = -np.dot(dZ, A_prev.T)
    db = np.sum(dZ, axis=1) / m
    dA_prev = np.dot(W.T, dZ)
    return dA_prev, dW, db
"""


def test_where_mistakes_stack_all_are_told():
    found = audit_text(TWICE).functions[0]
    told = [(finding.line, finding.diagnosis) for finding in found.findings]
    assert told == [(6, "wrong_sign"), (6, "missing_1_over_m"), (7, "keepdims_missing")]
    assert all(finding.verified for finding in found.findings)


def test_a_wrong_function_costs_its_callers_nothing():
    text = (CASES[0].parent / "deep_tuples.py").read_text(encoding="utf-8")
    report = audit_text(text.replace("dZ[Z <= 0] = 0", "dZ[Z > 0] = 0"))
    wrong = [function.name for function in report.functions if function.status != "right"]
    assert wrong == ["relu_backward"]


DICTIONARIES = """
import numpy as np
GO = {"sigmoid": lambda z: sigmoid(z), "relu": lambda z: relu(z)}
def sigmoid(z):
    return 1 / (1 + np.exp(-z)), z
def relu(z):
    return np.maximum(z, 0), z
def linear_forward(A, W, b):
    return np.dot(W, A) + b, {"A": A, "W": W, "b": b}
def linear_activation_forward(A_prev, W, B, activation):
    Z, linear_cache = linear_forward(A_prev, W, B)
    now, activation_cache = GO[activation](Z)
    return now, linear_cache, activation_cache
def backward(dA, cache, activation):
    raise ValueError("one layer: the course has no function of this name and these arguments")
"""


def test_a_cache_with_an_entry_A_is_no_output_and_a_layer_called_backward_is_no_network():
    statuses = {function.name: function.status for function in audit_text(DICTIONARIES).functions}
    assert statuses.pop("backward") == "unchecked"
    assert set(statuses.values()) == {"right"}


def forward(X, parameters):
    A1 = np.tanh(np.dot(parameters["W1"], X) + parameters["b1"])
    A2 = 1 / (1 + np.exp(-(np.dot(parameters["W2"], A1) + parameters["b2"])))
    return A2, {"A1": A1, "A2": A2}


def cost(A2, Y):
    return -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / Y.shape[1]


def backward(parameters, cache, X, Y):
    m = X.shape[1]
    dZ2 = cache["A2"] - Y
    dZ1 = np.dot(parameters["W2"].T, dZ2) * (1 - cache["A1"])  # the square is missing
    return {
        "dW1": np.dot(dZ1, X.T) / m,
        "db1": np.sum(dZ1, axis=1, keepdims=True) / m,
        "dW2": np.dot(dZ2, cache["A1"].T) / m,
        "db2": np.sum(dZ2, axis=1, keepdims=True) / m,
    }


def test_the_library_names_line_quantity_and_both_values():
    draw = np.random.RandomState(0)
    parameters = {
        "W1": draw.randn(3, 2),
        "b1": draw.randn(3, 1),
        "W2": draw.randn(1, 3),
        "b2": draw.randn(1, 1),
    }
    report = audit(forward, cost, backward, parameters, draw.randn(2, 5), np.array([[1, 0, 1, 1, 0]]))
    finding = report.functions[0].findings[0]
    assert (finding.quantity, finding.diagnosis) == ("dZ1", "wrong_activation_derivative")
    assert "the square is missing" in finding.source
    assert np.shape(finding.yours) == np.shape(finding.right) == (3, 5)
    assert report.functions[0].against == "the graph of forward"
    assert report.exit_status == 1
