"""Lines that are missing: what one time step of a recurrent network hands on to the one before it."""

import re

import pytest

from tinygrad_course.audit.command.one_file import audit_text

RNN = """
import numpy as np
def rnn_cell_forward(xt, a_prev, parameters):
    a_next = np.tanh(np.dot(parameters["Wax"], xt) + np.dot(parameters["Waa"], a_prev) + parameters["ba"])
    return a_next, (a_next, a_prev, xt, parameters)
def rnn_forward(x, a0, parameters):
    caches, a_next = [], a0
    a = np.zeros((a0.shape[0], x.shape[1], x.shape[2]))
    for t in range(x.shape[2]):
        a_next, cache = rnn_cell_forward(x[:, :, t], a_next, parameters)
        a[:, :, t] = a_next
        caches.append(cache)
    return a, (caches, x)
def rnn_cell_backward(da_next, cache):
    a_next, a_prev, xt, parameters = cache
    dtanh = (1 - a_next ** 2) * da_next
    return {
        "dxt": np.dot(parameters["Wax"].T, dtanh), "dWax": np.dot(dtanh, xt.T),
        "da_prev": np.dot(parameters["Waa"].T, dtanh), "dWaa": np.dot(dtanh, a_prev.T),
        "dba": np.sum(dtanh, axis=1, keepdims=True),
    }
def rnn_backward(da, caches):
    caches, x = caches
    n_a, m, T_x = da.shape
    dx = np.zeros(x.shape)
    dWax, dWaa, dba = np.zeros((n_a, x.shape[0])), np.zeros((n_a, n_a)), np.zeros((n_a, 1))
    da_prevt = np.zeros((n_a, m))
    for t in reversed(range(T_x)):
        gradients = rnn_cell_backward(da[:, :, t] + da_prevt, caches[t])
        da_prevt = gradients["da_prev"]
        dx[:, :, t] = gradients["dxt"]
        dWax = dWax + gradients["dWax"]
        dWaa = dWaa + gradients["dWaa"]
        dba = dba + gradients["dba"]
    return {"dx": dx, "da0": gradients["da_prev"], "dWax": dWax, "dWaa": dWaa, "dba": dba}
"""
ADDED, PASSED = '        da_prevt = gradients["da_prev"]\n', "da[:, :, t] + da_prevt"
LINE = "da_prevt = gradients['da_prev']"
CALL = "gradients = rnn_cell_backward(da[:, :, t] + da_prevt, caches[t])"
CALLED = RNN.splitlines().index(f"        {CALL}") + 1
LAST = RNN.splitlines().index('        dba = dba + gradients["dba"]')  # with one line less


def renamed(text):
    """The same in other words: params, a_0, at for a_next, da_next for da_prevt."""
    for old, new in (("parameters", "params"), ("a0", "a_0"), ("da_prevt", "da_next"), ("a_next", "at")):
        text = re.sub(rf"(?<!d)\b{old}\b" if old == "a_next" else rf"\b{old}\b", new, text)
    return text


def told(text):
    (report,) = [one for one in audit_text(text).functions if one.name == "rnn_backward"]
    return report.status, [(one.line, one.diagnosis, one.suggestion, one.verified) for one in report.findings]


def test_what_is_handed_on_is_right():
    assert told(RNN) == ("right", [])
    assert told(renamed(RNN)) == ("right", [])


def test_a_state_is_known_at_whatever_time():
    status, findings = told(renamed(RNN.replace(ADDED, "")))
    assert status == "wrong"
    assert findings == [(LAST, "not_handed_on", "da_next = gradients['da_prev']", True)]


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("changed", "likely"),
    [
        (RNN.replace(ADDED, ""), [(LAST, "not_handed_on", LINE, True)]),
        (RNN.replace(PASSED, "da[:, :, t]"), [(CALLED, "not_handed_on", CALL, True)]),
        (
            RNN.replace(ADDED, "").replace(PASSED, "da[:, :, t]"),
            [(CALLED, "not_handed_on", CALL, True), (LAST, "not_handed_on", LINE, True)],
        ),
    ],
    ids=["never set again", "never used", "neither"],
)
def test_what_a_time_step_does_not_hand_on_is_named(changed, likely):
    assert told(changed) == ("wrong", likely)
