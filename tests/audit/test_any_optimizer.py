"""Optimizers in classes of their own: their steps, against the rules of the field."""

import pytest

from tinygrad_course.audit.command.one_file import audit_text
from tinygrad_course.audit.reporting.results import RIGHT, UNCHECKED, WRONG

ADAM = """import numpy as np
class MyAdam:
    def __init__(self, lr=0.001, b1=0.9, b2=0.999, eps=1e-8):
        self.lr, self.b1, self.b2, self.eps = lr, b1, b2, eps
        self.m, self.v, self.t = {}, {}, 0
    def step(self, params, grads):
        self.t += 1
        for k in params:
            self.m[k] = self.b1 * self.m.get(k, 0) + (1 - self.b1) * grads[k]
            self.v[k] = self.b2 * self.v.get(k, 0) + (1 - self.b2) * grads[k] ** 2
            mh, vh = self.m[k] / (1 - self.b1 ** self.t), self.v[k] / (1 - self.b2 ** self.t)
            params[k] = params[k] - self.lr * mh / (np.sqrt(vh) + self.eps)
        return params
"""
NESTEROV = """import numpy as np
class Nesterov:
    def __init__(self, params, lr=0.01, mu=0.9):
        self.params, self.lr, self.mu = params, lr, mu
        self.v = [np.zeros_like(p) for p in params]
    def step(self, grads):
        for p, v, g in zip(self.params, self.v, grads):
            before = v.copy()
            v *= self.mu
            v -= self.lr * g
            p += (1 + self.mu) * v - self.mu * before
"""
RMSPROP = """import numpy as np
class RMSprop:
    def __init__(self, learning_rate=0.01, rho=0.9):
        self.learning_rate, self.rho, self.eps, self.mean = learning_rate, rho, 1e-8, None
    def update(self, w, grad_w):
        if self.mean is None:
            self.mean = np.zeros_like(w)
        self.mean = self.rho * self.mean + (1 - self.rho) * np.power(grad_w, 2)
        return w - self.learning_rate * grad_w / np.sqrt(self.mean + self.eps)
"""


def verdict(text):
    return next(one for one in audit_text(text).functions if one.kind == "AnyOptimizer")


@pytest.mark.parametrize("text", [ADAM, NESTEROV, RMSPROP], ids=["adam", "nesterov", "rmsprop"])
def test_right_steps_are_right(text):
    assert verdict(text).status == RIGHT


@pytest.mark.parametrize(
    ("text", "right", "wrong"),
    [
        (ADAM, "(1 - self.b2 ** self.t)", "(1 - self.b1 ** self.t)"),
        (NESTEROV, "v -= self.lr * g", "v += self.lr * g"),
        (RMSPROP, "np.power(grad_w, 2)", "grad_w"),
    ],
)
def test_a_wrong_step_is_found_and_its_line_named(text, right, wrong):
    found = verdict(text.replace(right, wrong))
    assert found.status == WRONG
    assert text.replace(right, wrong).split("\n")[found.findings[0].line - 1].count(wrong)


def test_a_rule_of_its_own_is_not_called_wrong():
    other = ADAM.replace("- self.lr * mh", "- self.lr * np.sign(g) * abs(mh) ** 0.3").replace("grads[k]", "g")
    other = other.replace(
        "            self.m[k] =", "            g = np.tanh(grads[k])\n            self.m[k] ="
    )
    assert verdict(other).status == UNCHECKED


BY_LAYER = """import numpy as np
class Optimizer_Adam:
    def __init__(self, learning_rate=0.02, decay=0.0, epsilon=1e-7, beta_1=0.9, beta_2=0.99):
        self.learning_rate, self.decay, self.epsilon = learning_rate, decay, epsilon
        self.beta_1, self.beta_2, self.iterations = beta_1, beta_2, 0
    def pre_update_params(self):
        self.rate = self.learning_rate / (1 + self.decay * self.iterations)
    def update_params(self, layer):
        if not hasattr(layer, "weight_momentums"):
            layer.weight_momentums = np.zeros_like(layer.weights)
            layer.weight_cache = np.zeros_like(layer.weights)
        layer.weight_momentums = self.beta_1 * layer.weight_momentums + (1 - self.beta_1) * layer.dWeights
        layer.weight_cache = self.beta_2 * layer.weight_cache + (1 - self.beta_2) * layer.dWeights**2
        first = layer.weight_momentums / (1 - self.beta_1 ** (self.iterations + 1))
        second = layer.weight_cache / (1 - self.beta_2 ** (self.iterations + 1))
        layer.weights += -self.rate * first / (np.sqrt(second) + self.epsilon)
    def post_update_params(self):
        self.iterations += 1
"""


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [("**2", "**2", "right"), ("(1 - self.beta_1) *", "", "wrong"), ("(1 - self.beta_2) *", "", "wrong")],
)
def test_an_optimizer_that_is_given_a_layer_changes_it_by_its_rule(old, new, status):
    (report,) = audit_text(BY_LAYER.replace(old, new)).functions
    assert (report.name, report.status) == ("Optimizer_Adam.update_params", status)
