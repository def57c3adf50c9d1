"""Layers that ask whether they are training, and gradients that are right for one example alone."""

import pytest

from tinygrad_course.audit.command.one_file import audit_text
from tinygrad_course.audit.reporting.results import RIGHT, UNCHECKED, WRONG

DROPOUT = """import numpy as np
class Dropout:
    def __init__(self, ratio=0.5):
        self.ratio = ratio
        self.mask = None
    def forward(self, x, training={usual}):
        self.train = training
        if training:
            self.mask = np.random.rand(*x.shape) > self.ratio
            return x * self.mask / (1 - self.ratio)
        return x
    def backward(self, dout):
        {back}
"""
SCALED = "dout * self.mask / (1 - self.ratio)"
ASKS = "if self.train:\n            return {}\n        return {}"


@pytest.mark.parametrize("usual", [False, True])
@pytest.mark.parametrize(
    ("back", "line"),
    [
        (f"return {SCALED}", None),
        ("return dout * self.mask", 13),
        (ASKS.format(SCALED, "dout"), None),
        (ASKS.format(SCALED, "dout * self.mask"), 15),
        (ASKS.format(SCALED, "2 * dout"), 15),
        (ASKS.format("dout * self.mask", "dout"), 14),
    ],
)
def test_a_layer_is_judged_as_it_trains_and_otherwise_where_its_backward_pass_asks(usual, back, line):
    (report,) = audit_text(DROPOUT.format(usual=usual, back=back)).functions
    assert report.status == (WRONG if line else RIGHT)
    assert [finding.line for finding in report.findings] == [line] * bool(line)


LINEAR = '''import numpy as np
class Linear:
    def __init__(self, input_dim, output_dim):
        self.W = 0.01 * np.random.randn(output_dim, input_dim)
        self.b = np.zeros((1, output_dim))
    def forward(self, X):
        """{told}"""
        self.x = X
        return X @ self.W.T + self.b
    def backward(self, dout):
        self.dW = {dW}
        self.db = dout
        return dout @ self.W
'''


@pytest.mark.parametrize(
    ("told", "dW", "status"),
    [
        ("X is a batch, one example in each row.", "dout.T @ self.x", WRONG),
        ("X W + b.", "dout.T @ self.x", UNCHECKED),
        ("X is a batch of one example.", "np.outer(dout, self.x)", UNCHECKED),
        ("X is a batch.", "np.einsum('ij,ik->ijk', dout, self.x)", UNCHECKED),
    ],
)
def test_a_bias_for_one_example_is_wrong_where_the_weights_are_for_a_batch(told, dW, status):
    (report,) = audit_text(LINEAR.format(told=told, dW=dW)).functions
    assert report.status == status
    if status == WRONG:
        assert [(one.line, one.diagnosis, one.verified) for one in report.findings] == [
            (12, "not_summed", True)
        ]


def test_a_layer_that_is_called_for_one_example_after_the_other_is_right():
    loop = """
def train(layer, X, Y):
    for x, y in zip(X, Y):
        out = layer.forward(x[None])
        layer.backward(out - y)
"""
    text = LINEAR.format(told="X is a batch.", dW="dout.T @ self.x") + loop
    assert {one.name: one.status for one in audit_text(text).functions}["Linear.backward"] == RIGHT


def test_a_cost_of_classes_that_calls_another_is_not_held_against_one_output():
    text = """import numpy as np
def softmax(z):
    return np.exp(z) / np.exp(z).sum(axis=0)
def compute_cost(AL, Y):
    return np.mean(-np.sum(Y * np.log(AL), axis=0))
def compute_cost_with_regularization(AL, Y, parameters, lambd):
    squares = sum(np.sum(parameters["W" + str(i)] ** 2) for i in range(1, len(parameters) // 2 + 1))
    return compute_cost(AL, Y) + lambd / (2 * Y.shape[1]) * squares
"""
    assert {one.status for one in audit_text(text).functions} <= {RIGHT, UNCHECKED}
