"""Classes as frameworks by hand write them: private names, bases that are not loaded, templates, dL/dW."""

import pytest

from tinygrad_course.audit.command.one_file import audit_text
from tinygrad_course.audit.reporting.results import RIGHT, UNCHECKED, WRONG

LAYERS = """import numpy as np
from frame.work import Module
class Scaled(Module):
    def __init__(self, rate=0.3, name="scaled"):
        super().__init__(name)
        self.__rate = rate
        self.__mask = None
    def __kept(self, inputs):
        return np.random.rand(*inputs.shape) > self.__rate
    def forward(self, inputs, is_training):
        if not is_training:
            return inputs
        self.__mask = self.__kept(inputs) / (1.0 - self.__rate)
        return inputs * self.__mask
    def backward(self, delta):
        return delta * self.__mask
class Linear(Module):
    def __init__(self, in_features, out_features):
        super().__init__("linear")
        self.W = np.zeros((out_features, in_features))
        self.b = np.zeros(out_features)
    def __call__(self, activations):
        self.cache = activations
        return activations @ self.W.T + self.b
    def backward(self, dLdZ):
        self.dLdA = dLdZ @ self.W
        self.dLdW = dLdZ.T @ self.cache
        self.dLdb = np.sum(dLdZ, axis=0)
        return self.dLdA
class Dropout:
    def __init__(self, prob):
        assert 0 <= prob < 1
        self.prob = prob
    def forward(self, x):
        self.mask = np.random.rand(*x.shape) > self.prob
        return x * self.mask / (1 - self.prob)
    def backward(self, dout):
        return dout * self.mask / (1 - self.prob)
class Softmax:
    def __init__(self, dim=-1):
        self.dim = dim
    def forward(self, Z):
        e = np.exp(Z - Z.max(axis=self.dim, keepdims=True))
        self.A = e / e.sum(axis=self.dim, keepdims=True)
        return self.A
    def backward(self, dLdA):
        return self.A * (dLdA - np.sum(dLdA * self.A, axis=self.dim, keepdims=True))
class Flatten:
    def __init__(self, input_shape=None):
        self.__input_shape = input_shape
    def forward(self, inputs):
        return inputs.reshape(inputs.shape[0], -1)
    def backward(self, grad):
        return grad.reshape((grad.shape[0],) + self.__input_shape)
class Pool:
    def forward(self, A):
        self.A = A
        return NotImplemented
    def backward(self, dLdZ):
        dLdA = None
        return NotImplemented
"""
RIGHT_ONES = ("Scaled", "Linear", "Dropout", "Softmax")


def told(text):
    return {one.name.partition(".")[0]: one for one in audit_text(text).functions}


def test_private_names_and_bases_that_are_not_loaded_are_no_obstacle():
    found = told(LAYERS)
    assert {name: found[name].status for name in RIGHT_ONES} == dict.fromkeys(RIGHT_ONES, RIGHT)
    assert {found[name].status for name in ("Flatten", "Pool")} == {UNCHECKED}
    assert found["Pool"].remarks[0].startswith("not filled in yet")


@pytest.mark.parametrize(
    ("old", "new", "owner"),
    [
        ("return delta * self.__mask", "return delta * self.__mask**2", "Scaled"),
        ("dLdZ.T @ self.cache", "dLdZ.T @ self.cache / 7", "Linear"),
        ("np.sum(dLdZ, axis=0)", "np.mean(dLdZ, axis=0)", "Linear"),
        ("dout * self.mask / (1 - self.prob)", "dout * self.mask * (1 - self.prob)", "Dropout"),
        ("np.sum(dLdA * self.A, axis", "np.sum(dLdA, axis", "Softmax"),
    ],
)
def test_a_mistake_in_them_is_found(old, new, owner):
    text = LAYERS.replace(old, new)
    found, line = told(text), text[: text.index(new)].count("\n") + 1
    wrong = [name for name in RIGHT_ONES if found[name].status == WRONG]
    assert (wrong, [one.line for one in found[owner].findings]) == ([owner], [line])
    assert all("_Scaled" not in one.suggestion + one.message for one in found[owner].findings)


def test_a_global_name_that_another_function_sets_is_no_mistake():
    text = """import numpy as np
def tune(settings):
    global options
    options = settings
def sigmoid(z):
    return 1 / (1 + np.exp(-z / options["T"]))
"""
    assert [one.status for one in audit_text(text).functions] == [UNCHECKED]
