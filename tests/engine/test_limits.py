"""Gradients by limits: 0 times an infinite slope, in the cost or behind what takes no part in it."""

import functools

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import special

from tinygrad_course import Tensor, compiled, grad, hessian, hvp, zeros
from tinygrad_course.autodiff.transforms import checkpoint

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
NONE = np.nan  #: a kink, a pole: NaN or infinite

#: Functions of a number, where, and the derivative there.
LIMITS = {
    "x sqrt(x)": (lambda x: x * np.sqrt(x), 0.0, 0.0),
    "sqrt(x)**3": (lambda x: np.sqrt(x) ** 3, 0.0, 0.0),
    "cos sqrt": (lambda x: np.cos(np.sqrt(x)), 0.0, -0.5),
    "cos sqrt elsewhere": (lambda x: np.cos(np.sqrt(x - 3)), 3.0, -0.5),
    "log cosh sqrt": (lambda x: np.log(np.cosh(np.sqrt(x))), 0.0, 0.5),
    "sqrt sqrt": (lambda x: np.sqrt(x) * np.sqrt(4 * x), 0.0, 2.0),
    "root of a root": (lambda x: (x**0.25) ** 4, 0.0, 1.0),
    "its own difference": (lambda x: np.sqrt(x) - np.sqrt(x), 0.0, 0.0),
    "cbrt": (lambda x: special.cbrt(x) ** 3, 0.0, 1.0),
    "hypot": (lambda x: np.hypot(np.sqrt(x), 0.0) ** 3, 0.0, 0.0),
    "arccos": (lambda x: np.arccos(x) ** 2, 1.0, -2.0),
    "arccosh": (lambda x: np.arccosh(x) ** 2, 1.0, 2.0),
    "Chebyshev": (lambda x: np.cos(3 * np.arccos(x)), 1.0, 9.0),
    "Bessel": (lambda x: special.j0(np.sqrt(x)), 0.0, -0.25),
    "Matern 3/2": (lambda x: (1 + np.sqrt(3 * x)) * np.exp(-np.sqrt(3 * x)), 0.0, -1.5),
    "Matern 5/2": (lambda x: (1 + np.sqrt(5 * x) + 5 / 3 * x) * np.exp(-np.sqrt(5 * x)), 0.0, -5 / 6),
    "at an end": (lambda x: np.arcsin(x) * (1 - x), 1.0, -np.pi / 2),
    "|sqrt|": (lambda x: np.abs(np.sqrt(x)), 0.0, NONE),
    "sqrt": (lambda x: np.sqrt(x) + x, 0.0, NONE),
    "a tip": (lambda x: np.cos(np.sqrt(np.abs(x))), 0.0, NONE),
    "1-norm": (lambda x: np.linalg.norm(np.stack([np.sqrt(x), x]), 1), 0.0, NONE),
    "x**(2/3)": (lambda x: special.cbrt(x) ** 2, 0.0, NONE),
    "root of a square": (lambda x: np.sqrt(x**2), 0.0, NONE),
}


@pytest.mark.parametrize("name", LIMITS)
def test_limits(name):
    f, x, expected = LIMITS[name]
    leaf = Tensor(x)
    f(leaf).backward()
    found = np.array([grad(f)(np.float64(x)), compiled(grad(f))(np.float64(x)), leaf.grad])
    if np.isnan(expected):
        assert not np.isfinite(found).any()
    else:
        assert_allclose(found, expected, rtol=1e-8, atol=0)


WITHOUT_A_PART = {
    "weights": lambda x: np.array([0.0, 1.0, 1.0]) @ np.sqrt(x),
    "a weight": lambda x: np.sum(0.0 * np.sqrt(x) + x),
    "an average": lambda x: np.average(np.sqrt(x), weights=[0.0, 1.0, 3.0]),
    "einsum": lambda x: np.einsum("i,i->", np.array([0.0, 1.0, 1.0]), np.sqrt(x)),
    "convolution": lambda x: np.convolve(np.sqrt(x), [1.0, 2.0], "valid")[1],
    "power 0": lambda x: np.sum(np.sqrt(x) ** np.array([0.0, 1.0, 2.0])),
    "running product": lambda x: np.cumprod(np.sqrt(x)[::-1])[1],
    "product of zeros": lambda x: np.prod(np.sqrt(x * np.array([1.0, 0.0, 1.0]))),
    "norm": lambda x: np.linalg.norm(np.sqrt(x), np.inf),
    "norm of columns": lambda x: np.linalg.norm(np.stack([np.sqrt(x), x + 1]), 1),
    "norm of rows": lambda x: np.linalg.norm(np.stack([np.sqrt(x), x + 1]), np.inf),
    "repeat": lambda x: np.sum(np.repeat(np.sqrt(x), [0, 1, 2])),
    "segments": lambda x: np.sum(np.maximum.reduceat(np.sqrt(x), [0, 2])),
    "a segment": lambda x: np.maximum.reduceat(np.sqrt(x), [0, 2])[1],
    "running maximum": lambda x: np.maximum.accumulate(np.sqrt(x))[2],
    "cholesky": lambda x: np.sum(np.linalg.cholesky(np.eye(3) * 9 + np.triu(np.outer(np.sqrt(x), x), 1))),
    "eigh": lambda x: np.linalg.eigh(np.diag([3.0, 2.0, 1.0]) + np.triu(np.outer(np.sqrt(x), x), 1))[0][0],
    "interpolation": lambda x: np.interp(2.5, [1.0, 2.0, 3.0], np.sqrt(x)),
    "dead unit": lambda x: np.maximum(x[0] - 1, 0) * np.sqrt(x[0]) + np.sqrt(x[1]) * x[2],
}


@pytest.mark.parametrize("name", WITHOUT_A_PART)
def test_what_takes_no_part(name):
    f, x = WITHOUT_A_PART[name], np.array([0.0, 1.0, 4.0])
    e = np.eye(3)
    expected = [
        (f(x + 1e-6 * e[i]) - f(x - 1e-6 * e[i] * (i > 0))) / (1e-6 * (1 + (i > 0))) for i in range(3)
    ]
    assert_allclose(grad(f)(x), expected, atol=1e-5)
    assert_allclose(compiled(grad(f))(x), expected, atol=1e-5)
    assert_array_equal(grad(f)(x.astype(np.float32)), grad(f)(x).astype(np.float32))


def test_of_many_entries_at_once():
    x = np.where(np.arange(3000) % 3 == 0, 0.0, 1.0 + np.arange(3000) / 3000)
    slope = -np.sin(np.sqrt(x)) / (2 * np.sqrt(x))
    expected = np.where(x == 0, -0.5, slope) * np.arange(3000)
    assert_allclose(grad(lambda x: np.sum(np.cos(np.sqrt(x)) * np.arange(3000)))(x), expected, rtol=1e-9)


def test_entries_that_depend_on_each_other():
    """Along the axes sqrt(a) sqrt(b) is 0; on the diagonal it is a."""
    f = lambda x: np.sqrt(x[0]) * np.sqrt(x[1]) + x[2]  # noqa: E731
    assert_array_equal(grad(f)(np.zeros(3)), [0, 0, 1])
    assert grad(lambda a: np.sqrt(a * 1) * np.sqrt(a / 1))(0.0) == 1.0
    assert_array_equal(grad(lambda x: np.sqrt(x[0] * x[1]))(np.zeros(2)), 0)
    assert_array_equal(grad(lambda x: np.prod(x) ** (1 / 3))(np.array([0.0, 1.0, 2.0])), [np.inf, 0, 0])
    p = {"a": np.zeros(2), "b": [np.zeros(2), 0.0]}
    g = grad(lambda p: np.sum(p["a"] * np.sqrt(p["b"][0])) + 0 * np.sqrt(p["b"][1]))(p)
    assert_array_equal(g["a"], 0)
    assert_array_equal(g["b"][0], 0)
    assert g["b"][1] == 0


POINTS = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 0.0]])


def distances(points):
    return np.sqrt(np.sum((points[:, None] - points[None]) ** 2, -1))


def norms(points):
    return np.linalg.norm(points[:, None] - points[None], axis=-1)


@pytest.mark.parametrize("distance", [distances, norms])
def test_distances_of_points_from_themselves_and_from_equal_ones(distance):
    """A kernel is smooth where points coincide; the distance has a tip there, and none from itself."""

    def kernel(points):
        r = distance(points)
        return np.sum((1 + r) * np.exp(-r))

    e = np.exp(-1.0)
    assert_allclose(grad(kernel)(POINTS), [[2 * e, 0], [-4 * e, 0], [2 * e, 0]], atol=1e-12)
    H = hessian(kernel)(POINTS).reshape(6, 6)
    expected = np.zeros((6, 6))
    for i, j, along, across in ((0, 1, 0.0, -2 * e), (1, 2, 0.0, -2 * e), (0, 2, -2.0, -2.0)):
        for k, slope in enumerate((along, across)):
            a, b = 2 * i + k, 2 * j + k
            expected[[a, b], [a, b]] += slope
            expected[[a, b], [b, a]] -= slope
    assert_allclose(H, expected, atol=1e-9)
    apart = grad(lambda p: np.sum(distance(p)))(np.array([[0.0, 0.0], [3.0, 4.0]]))
    assert_allclose(apart, [[-1.2, -1.6], [1.2, 1.6]])


def test_at_a_tip_there_is_none():
    g = grad(lambda p: np.sum(distances(p)))(POINTS)
    assert np.isnan(g[[0, 2]]).all()
    assert_allclose(g[1], [4, 0])


def test_second_derivatives():
    f = lambda x: np.cumprod(np.sqrt(x)[::-1])[1]  # noqa: E731
    assert_allclose(hvp(f)(np.array([0.0, 1.0, 4.0]), np.ones(3)), [0, -0.375, 0.09375])
    assert_array_equal(hessian(lambda w: np.linalg.norm(w) ** 3)(np.zeros(2)), np.zeros((2, 2)))
    # what a recorded gradient holds for a constant would be another near by
    assert np.isnan(grad(grad(lambda x: np.ptp(np.stack([x, -x])) ** 2))(0.0))


def rotation(w):
    """Rodrigues' formula: the angle has a tip at 0, and the matrix does not."""
    angle, K = np.sqrt(w @ w), zeros((3, 3)) if isinstance(w, Tensor) else np.zeros((3, 3))
    K[[2, 0, 1], [1, 2, 0]], K[[1, 2, 0], [2, 0, 1]] = w, -w
    R = np.eye(3) + np.sinc(angle / np.pi) * K + 0.5 * np.sinc(angle / 2 / np.pi) ** 2 * (K @ K)
    return np.sum(R * np.arange(9).reshape(3, 3) ** 2)


def test_a_rotation_by_no_angle():
    zero, e = np.zeros(3), np.eye(3)
    slopes = [(rotation(1e-5 * i) - rotation(-1e-5 * i)) / 2e-5 for i in e]
    assert_allclose(grad(rotation)(zero), slopes, rtol=1e-8)
    assert_allclose(compiled(grad(rotation))(zero), slopes, rtol=1e-8)

    def along(v):
        return (rotation(1e-3 * v) + rotation(-1e-3 * v)) / 4e-6

    second = [[along(i + j) - along(i - j) for j in e] for i in e]
    assert_allclose(hessian(rotation)(zero), second, rtol=1e-5, atol=1e-5)


def test_through_writes_checkpoints_and_a_list():
    def f(x):
        y = zeros(3)
        for i in range(3):
            y[i] = np.sqrt(x[i]) * x[i]
        y[1:] *= 2
        return np.sum(y)

    assert_array_equal(grad(f)(np.array([0.0, 0.0, 1.0])), [0, 0, 3])
    root = checkpoint(np.sqrt)
    assert grad(lambda x: root(x) * np.sqrt(x))(0.0) == 1.0
    assert grad(lambda x: functools.reduce(np.multiply, [np.sqrt(x), np.sqrt(x), x]))(0.0) == 0.0
