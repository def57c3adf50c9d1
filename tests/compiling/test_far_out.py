"""Programs recorded at ordinary numbers and called far out: the recorder's numbers, at order one and two."""

import numpy as np
import pytest

from tinygrad_course import compiled, grad, value_and_grad

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

Y = np.array([1.0, 0.0, 1.0])
FUNCTIONS = {
    "sigmoid": lambda z: np.sum(1 / (1 + np.exp(-z))),
    "exp(z) / (1 + exp(z))": lambda z: np.sum(np.exp(z) / (1 + np.exp(z))),
    "(1 + exp(-z))**-1": lambda z: np.sum((1 + np.exp(-z)) ** -1),
    "reciprocal": lambda z: np.sum(np.reciprocal(1 + np.exp(-z))),
    "1 - s": lambda z: np.sum(1 - 1 / (1 + np.exp(-z))),
    "s**2": lambda z: np.sum((1 / (1 + np.exp(-z))) ** 2),
    "swish": lambda z: np.sum(z / (1 + np.exp(-z))),
    "swish, a product": lambda z: np.sum(z * (1 / (1 + np.exp(-z)))),
    "softplus": lambda z: np.sum(np.log(1 + np.exp(z))),
    "log1p": lambda z: np.sum(np.log1p(np.exp(z))),
    "log s": lambda z: np.sum(np.log(1 / (1 + np.exp(-z)))),
    "cross-entropy": lambda z: (
        -np.sum(Y * np.log(1 / (1 + np.exp(-z))) + (1 - Y) * np.log(1 - 1 / (1 + np.exp(-z))))
    ),
    "tanh by exponentials": lambda z: np.sum((np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z))),
    "tanh by squares": lambda z: np.sum((1 - np.exp(-2 * z)) / (1 + np.exp(-2 * z))),
    "squares below": lambda z: np.sum((2 + np.exp(z)) / (1 + 3 * np.exp(z))),
    "1 / cosh": lambda z: np.sum(2 / (np.exp(z) + np.exp(-z))),
    "another number than 1": lambda z: np.sum(1 / (3.0 + np.exp(z))),
    "1 / sqrt": lambda z: np.sum(1 / np.sqrt(1 + np.exp(z))),
    "focal": lambda z: -np.sum((1 - 1 / (1 + np.exp(-z))) ** 2 * np.log(1 / (1 + np.exp(-z)))),
    "mish": lambda z: np.sum(z * np.tanh(np.log(1 + np.exp(z)))),
    "squared loss": lambda z: np.sum((1 / (1 + np.exp(-z)) - Y) ** 2),
}
WEIGHTS = np.array([1.0, 0.5, 2.0])
POINTS = [
    [0.0, 0, 0],
    [40, -40, 1],
    [745, -745, 700],
    [1000, -1000, 0],
    [400, -400, 300],
    [-300, 200, -40],
    [20, -20, 16],
]


@pytest.mark.sampled(5)
@pytest.mark.parametrize("engine", ["numpy", "machine"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_far_out(name, engine):
    f = FUNCTIONS[name]
    for g in (f, lambda z: np.sum(grad(f)(z) * WEIGHTS)):
        step = value_and_grad(g)
        program = compiled(step, engine=engine)
        program(np.array([0.5, -0.3, 0.2]))
        for point in POINTS:
            z = np.array(point)
            for ours, theirs in zip(program(z), step(z), strict=True):
                np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-11)


SMALL = {
    "exp(x) / (1 + exp(x))": (lambda x: np.exp(x) / (1 + np.exp(x)), -1),
    "its inverse": (lambda x: 1 / (np.exp(x) / (1 + np.exp(x))), -1),
    "the logistic density": (lambda x: np.exp(-x) / (1 + np.exp(-x)) ** 2, 1),
    "a sigmoid's gradient": (grad(lambda x: np.sum(1 / (1 + np.exp(-x)))), 1),
}


@pytest.mark.parametrize("engine", ["numpy", "machine"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", SMALL)
def test_what_is_small_keeps_its_digits(name, dtype, engine):
    f, sign = SMALL[name]
    program = compiled(f, engine=engine)
    program(np.ones(3, dtype))
    x = sign * np.array([10.0, 20.0, 40.0])
    exact = 1 / np.exp(np.abs(x)) / (1 + np.exp(-np.abs(x))) ** (1 if sign < 0 else 2)
    exact = 1 / exact if "inverse" in name else exact
    np.testing.assert_allclose(program(x.astype(dtype)), exact, rtol=20 * np.finfo(dtype).eps)


def constant_labels(z):
    A = 1 / (1 + np.exp(-z))
    Y = np.ones(3)
    return -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A))


def softplus_less(z):
    return np.sum(np.log1p(np.exp(z)) - np.array([1.0, 0.0, 1.0]) * z)


@pytest.mark.parametrize("engine", ["numpy", "machine"])
@pytest.mark.parametrize("f", [constant_labels, softplus_less, lambda z: np.sum(1 / (1 + np.exp(-z)))])
@pytest.mark.parametrize("first", [False, True])
def test_what_a_sigmoid_has_lost_is_not_divided_by(f, first, engine):
    f = value_and_grad(f)
    step = compiled(f, engine=engine)
    with np.errstate(all="ignore"):
        if not first:
            step(np.array([1.0, -2.0, 0.5]))
        for z in (np.array([40.0, -900.0, 3.0]), np.array([710.0, -710.0, 745.0])):
            (J, dz), (expected, by_hand) = step(z), f(z)
            assert np.isfinite(by_hand).all()
            np.testing.assert_allclose(J, expected, rtol=1e-12)
            np.testing.assert_allclose(dz, by_hand, rtol=1e-12, atol=1e-15)
