"""The audit of three functions in the caller's own program."""

import numpy as np
import pytest

from tinygrad_course.audit import audit

X = np.array([[1.0, 2.0, -1.0], [0.5, -1.5, 1.0]])
Y = np.array([[1, 0, 1]])
THETA = {"W1": np.array([[0.3, -0.2]]), "b1": np.array([[0.1]])}


def forward(X, parameters):
    A1 = 1 / (1 + np.exp(-(np.dot(parameters["W1"], X) + parameters["b1"])))
    return A1, A1


def penalized(AL, Y, parameters):
    m = Y.shape[1]
    loss = Y * np.log(AL) + (1 - Y) * np.log(1 - AL)
    return -np.sum(loss) / m + 0.7 / (2 * m) * np.sum(np.square(parameters["W1"]))


def backward(parameters, cache, X, Y):
    m = X.shape[1]
    dZ1 = cache - Y
    return {"dW1": np.dot(dZ1, X.T) / m, "db1": np.sum(dZ1, axis=1, keepdims=True)}


def right_backward(X, Y, parameters, cache):
    m = X.shape[1]
    dZ1 = cache - Y
    return {
        "dW1": (np.dot(dZ1, X.T) + 0.7 * parameters["W1"]) / m,
        "db1": np.sum(dZ1, axis=1, keepdims=True) / m,
    }


def cost(AL, Y):
    return -np.sum(Y * np.log(AL) + (1 - Y) * np.log(1 - AL)) / Y.shape[1]


def plain_numbers(AL, Y):
    return float(cost(np.array([[float(value) for value in row] for row in AL]), Y))


@pytest.mark.parametrize("what", [cost, plain_numbers])
def test_a_wrong_line_is_named_by_the_graph_and_by_differences(what):
    report = audit(forward, what, backward, THETA, X, Y)
    (function,) = report.functions
    (finding,) = function.findings
    assert function.status == "wrong"
    assert function.against == (
        "the graph of forward" if what is cost else "the central differences of forward"
    )
    assert finding.diagnosis == "missing_1_over_m"
    assert finding.source.startswith('return {"dW1"')
    assert finding.line == backward.__code__.co_firstlineno + 3
    assert "/ m" in finding.suggestion.rpartition("db1")[2]


def test_a_cost_with_the_parameters_and_another_order_of_arguments_are_right():
    assert audit(forward, penalized, right_backward, THETA, X, Y).status == "right"


def test_a_backward_pass_with_other_names_is_refused_by_its_names():
    def spam(grads, learning_rate):
        return {}

    with pytest.raises(
        ValueError, match=r"spam\(grads, learning_rate\): the backward pass takes some of parameters, cache"
    ):
        audit(forward, cost, spam, THETA, X, Y)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (np.dot, "the source of .* cannot be read"),
        (lambda X, Y, cache: {}, "is no function written with def"),
    ],
)
def test_what_is_no_function_in_a_file_is_refused(function, words):
    with pytest.raises(ValueError, match=words):
        audit(forward, cost, function, THETA, X, Y)
