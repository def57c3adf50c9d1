"""A softmax without an axis: right for one vector, wrong where it is given several examples."""

import pytest

from tinygrad_course.audit.command.one_file import audit_text

SOFTMAX = """import numpy as np
def softmax(z):
    e = np.exp(z - np.max(z))
    return e / e.sum()
"""
ONE = """
class Net:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_out, n_in) * 0.1
    def forward(self, x):
        return softmax(self.W @ x)
"""
SEVERAL = """
def forward_propagation(X, parameters):
    A1 = np.tanh(parameters["W1"] @ X + parameters["b1"])
    return softmax(parameters["W2"] @ A1 + parameters["b2"]), A1
"""
EXERCISE = """
def normalizeRows(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)
"""


@pytest.mark.parametrize(
    ("rest", "status"), [("", "right"), (ONE, "unchecked"), (SEVERAL, "wrong"), (EXERCISE, "wrong")]
)
def test_a_softmax_over_everything(rest, status):
    (report,) = (one for one in audit_text(SOFTMAX + rest).functions if one.name == "softmax")
    assert report.status == status
    assert status != "wrong" or report.findings[0].diagnosis == "axis_missing"


def test_a_softmax_over_everything_that_is_none():
    (report,) = audit_text(SOFTMAX.replace("e.sum()", "(1 + e.sum())")).functions
    assert report.status != "right"
