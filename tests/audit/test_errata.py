"""The mistakes of published notes, each found with the right words."""

import pytest

from benchmarks.audit.errata import DEEP, RIGHT, errata
from tinygrad_course.audit.command.one_file import audit_text


def audited(source, function):
    """Return the report of one function of a source."""
    report = audit_text(source, only=frozenset([function]))
    return next(found for found in report.functions if found.name == function)


@pytest.mark.parametrize(("source", "function"), RIGHT, ids=[name for _, name in RIGHT])
def test_the_right_versions_are_right(source, function):
    found = audited(source, function)
    assert found.status == "right", found


@pytest.mark.sampled(24)
@pytest.mark.parametrize("erratum", errata(), ids=lambda erratum: erratum.name)
def test_a_mistake_of_the_notes_is_found_and_named(erratum):
    found = audited(erratum.source, erratum.function)
    assert found.status == "wrong"
    told = found.findings[:2]
    assert any(finding.diagnosis in erratum.diagnoses for finding in told), found
    assert told[0].line == erratum.line
    assert any(erratum.words in finding.message + finding.suggestion for finding in told), found
    assert all(finding.verified for finding in found.findings if finding.suggestion)


def test_log10_is_caught_where_the_cost_is_made():
    source = "import numpy as np\ndef compute_cost(AL, Y):\n"
    source += "    return -np.mean(Y*np.log(AL) + (1-Y)*np.log10(1-AL))\n"
    found = audit_text(source).functions[0]
    assert (found.status, found.findings[0].diagnosis, found.findings[0].line) == ("wrong", "log_base", 3)
    example = found.findings[0].example
    assert example["quantity"] == "cost"
    assert example["yours"] != example["right"]


CACHES = """
import numpy as np

def linear_forward(A, W, b):
    Z = np.dot(W, A) + b
    cache = {stored}
    return Z, cache

def linear_backward(dZ, cache):
    A_prev, W, b = cache
    m = A_prev.shape[1]
    return np.dot(W.T, dZ), np.dot(dZ, A_prev.T) / m, np.sum(dZ, axis=1, keepdims=True) / m
"""


@pytest.mark.parametrize(("stored", "diagnosis"), [("(A, b, W)", "wrong_order"), ("(Z, W, b)", "z_for_a")])
def test_a_cache_that_the_backward_function_cannot_use_is_the_forward_functions_mistake(stored, diagnosis):
    source = CACHES.replace("{stored}", stored)
    found = audited(source, "linear_forward").findings[0]
    assert (found.diagnosis, found.line, found.verified) == (diagnosis, 6, True)
    assert found.suggestion == "cache = (A, W, b)"
    assert audited(CACHES.replace("{stored}", "(A, W, b)"), "linear_forward").status == "right"


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


@pytest.mark.long
def test_hidden_layers_that_go_back_through_the_sigmoid_and_dAL_are_both_mistakes_of_one_line():
    found = audited(PUBLISHED, "L_model_backward")
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
