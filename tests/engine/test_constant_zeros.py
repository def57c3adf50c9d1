"""What is 0 by a constant, or isn't read, has no part in a gradient: 0 times an infinite slope is 0 there.

A 0 that is the value of a variable, or its sign, is another number near by: what is undefined stays so.
"""

import warnings

import numpy as np
import pytest
import scipy.sparse
import scipy.special as sp

from tinygrad_course import Tensor, compiled, grad, hessian, hvp, jacobian, jvp, stop_gradient

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

X = np.array([0.0, 4.0])
W = np.array([0.0, 2.0])
COLUMN = np.array([[0.0, 2.0], [0.0, 1.0]])
ROW = np.array([[0.0, 0.0], [1.0, 2.0]])
LOWER = np.array([[4.0, 0.0], [1.0, 9.0]])
E0 = np.array([0.0])

#: Functions, each with one that is equal to it near the point and has no infinite slope there.
KINDS = {
    "weights": (lambda x: np.sum(W * np.sqrt(x)), lambda x: 2 * np.sqrt(x[1])),
    "weights on the right": (lambda x: np.sum(np.sqrt(x) * W / 3), lambda x: 2 / 3 * np.sqrt(x[1])),
    "a number": (lambda x: 0.0 * np.sqrt(x[0]) + x[1] ** 2, lambda x: x[1] ** 2),
    "booleans": (lambda x: np.sum((x > 0) * np.sqrt(x)), lambda x: np.sqrt(x[1])),
    "whole numbers": (lambda x: np.sum(np.array([0, 3]) * np.cbrt(x)), lambda x: 3 * np.cbrt(x[1])),
    "a stopped gradient": (lambda x: np.sum(stop_gradient(x) * np.sqrt(x)), lambda x: 4 * np.sqrt(x[1])),
    "average": (lambda x: np.average(np.sqrt(x), weights=W), lambda x: np.sqrt(x[1])),
    "dot": (lambda x: np.dot(W, np.sqrt(x)), lambda x: 2 * np.sqrt(x[1])),
    "inner": (lambda x: np.inner(W, np.sqrt(x)), lambda x: 2 * np.sqrt(x[1])),
    "vecdot": (lambda x: np.vecdot(W, np.arcsin(1 - x / 4)), lambda x: 2 * np.arcsin(1 - x[1] / 4)),
    "matmul": (lambda x: np.sum(COLUMN @ np.sqrt(x)), lambda x: 3 * np.sqrt(x[1])),
    "matrices": (
        lambda x: np.sum((COLUMN @ np.sqrt(x.reshape(2, 1))) ** 3),
        lambda x: 9 * np.sqrt(x[1]) ** 3,
    ),
    "a matrix on the right": (lambda x: np.sum(np.sqrt(x) @ COLUMN.T), lambda x: 3 * np.sqrt(x[1])),
    "tensordot": (lambda x: np.sum(np.tensordot(COLUMN, np.sqrt(x), 1)), lambda x: 3 * np.sqrt(x[1])),
    "einsum": (lambda x: np.sum(np.einsum("ij,j->i", COLUMN, np.sqrt(x))), lambda x: 3 * np.sqrt(x[1])),
    "sparse": (lambda x: np.sum(scipy.sparse.csr_array(COLUMN) @ np.sqrt(x)), lambda x: 3 * np.sqrt(x[1])),
    "convolve": (
        lambda x: np.convolve(np.sqrt(x), np.array([0.0, 0.0, 3.0]))[3],
        lambda x: 3 * np.sqrt(x[1]),
    ),
    "trapezoid": (
        lambda x: np.trapezoid(np.sqrt(np.stack([x[0], x[1], x[1]])), np.array([0.0, 0.0, 1.0])),
        lambda x: np.sqrt(x[1]),
    ),
    "root of a product": (lambda x: np.sum(np.sqrt(W * x)), lambda x: np.sqrt(2 * x[1])),
    "root of rows": (lambda x: np.sum(np.sqrt(ROW @ x)), lambda x: np.sqrt(x[0] + 2 * x[1])),
    "a power": (lambda x: np.sum(W * x**1.5), lambda x: 2 * x[1] ** 1.5),
    "a power of a product": (lambda x: np.sum((W * x) ** 1.5), lambda x: (2 * x[1]) ** 1.5),
    "a square of a sum": (lambda x: np.sum(W * x**1.5) ** 2, lambda x: 4 * x[1] ** 3),
    "a square of a product": (lambda x: np.sum((COLUMN @ x**1.5) ** 2), lambda x: 5 * x[1] ** 3),
    "a numerator": (lambda x: np.sum(W / (1 + np.sqrt(x))), lambda x: 2 / (1 + np.sqrt(x[1]))),
    "an exponent": (lambda x: np.sum(np.sqrt(x) ** np.array([0, 3])), lambda x: 1 + x[1] ** 1.5),
    "a base": (lambda x: np.sum(np.array([1.0, 2.0]) ** np.sqrt(x)), lambda x: 1 + 2 ** np.sqrt(x[1])),
    "a base of 0": (lambda x: np.sum(W ** (1 + np.sqrt(x))), lambda x: 2 ** (1 + np.sqrt(x[1]))),
    "xlogy": (lambda x: np.sum(sp.xlogy(W, 1 + np.sqrt(x))), lambda x: 2 * np.log(1 + np.sqrt(x[1]))),
    "prod": (lambda x: np.prod(np.concatenate([E0, np.sqrt(x)])) + x[1], lambda x: x[1]),
    "cumprod": (lambda x: np.sum(np.cumprod(np.concatenate([np.sqrt(x[1:]), E0, np.sqrt(x[:1])]))),
                lambda x: np.sqrt(x[1])),
    "largest norm": (lambda x: np.linalg.norm(np.sqrt(x), np.inf), lambda x: np.sqrt(x[1])),
    "largest row": (
        lambda x: np.linalg.norm(np.sqrt(x.reshape(2, 1)), np.inf) ** 3, lambda x: np.sqrt(x[1]) ** 3,
    ),
    "largest column": (lambda x: np.linalg.norm(np.sqrt(x[None]), 1, (0, 1)), lambda x: np.sqrt(x[1])),
    "roots of squares": (
        lambda x: np.sum(np.sqrt(np.sum((x[:, None, None] - x.reshape(1, 2, 1)) ** 2, axis=-1))),
        lambda x: 2 * (x[1] - x[0]),
    ),
    "distances of all pairs": (
        lambda x: np.sum(np.linalg.norm((p := np.stack([x, x**2], -1))[:, None] - p, axis=-1)),
        lambda x: 2 * np.sqrt((x[1] - x[0]) ** 2 + (x[1] ** 2 - x[0] ** 2) ** 2),
    ),
    "computed twice": (
        lambda x: np.sum(np.sqrt(((2 * x / W[1])[:, None] - (2 * x / W[1])[None]) ** 2)),
        lambda x: 2 * (x[1] - x[0]),
    ),
    "of repeated points": (
        lambda x: np.sum(np.sqrt((np.repeat(x, 2) - np.tile(x, 2)) ** 2)),
        lambda x: 2 * (x[1] - x[0]),
    ),
    "of complex numbers": (
        lambda x: np.sum(np.abs(np.subtract.outer(x + 2j * x, x + 2j * x))),
        lambda x: 2 * np.sqrt(5) * (x[1] - x[0]),
    ),
    "equal constants": (
        lambda x: np.sum(np.sqrt((W[:, None] * x[1] - W * x[1]) ** 2)),
        lambda x: 4 * x[1],
    ),
    "a point and itself": (
        lambda x: sum(np.sqrt(np.abs(x[i] - x[j])) for i in range(2) for j in range(2)),
        lambda x: 2 * np.sqrt(x[1] - x[0]),
    ),
    "distances": (
        lambda x: np.sum((1 - np.eye(2)) * np.linalg.norm(np.expand_dims(x, (1, 2)) - x[:, None], axis=-1)),
        lambda x: 2 * (x[1] - x[0]),
    ),
}  # fmt: skip


def by_both(f, plain, x):
    np.testing.assert_allclose(f(x), plain(x), rtol=1e-6)
    rtol = 1e-5 if x.dtype == np.float32 else 1e-9
    for made in (grad, hessian):
        expected = made(plain)(x)
        np.testing.assert_allclose(made(f)(x), expected, rtol=rtol, atol=rtol)
        np.testing.assert_allclose(compiled(made(f))(x), expected, rtol=rtol, atol=rtol)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("kind", KINDS)
def test_a_constant_0_takes_no_part(kind, dtype):
    f, plain = KINDS[kind]
    by_both(f, plain, X.astype(dtype))


@pytest.mark.parametrize("kind", KINDS)
def test_the_other_ways_to_the_same_gradient(kind):
    f, plain = KINDS[kind]
    x, expected = Tensor(X), grad(plain)(X)
    f(x).backward()
    np.testing.assert_allclose(x.grad, expected, rtol=1e-9)
    v = np.array([0.3, -0.7])
    np.testing.assert_allclose(jvp(f, (X,), (v,))[1], expected @ v, rtol=1e-9)
    np.testing.assert_allclose(hvp(f)(X, v), hessian(plain)(X) @ v, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(jacobian(lambda x: np.stack([f(x), x[1]]))(X), [expected, [0, 1]], rtol=1e-9)


@pytest.mark.parametrize("engine", ["numpy", "machine"])
def test_a_number_of_pythons_is_a_constant_of_a_program(engine):
    for f in (lambda n: 0.0 * np.sqrt(n), lambda n: 0 * n**0.25):
        step = compiled(grad(f), engine)
        assert [step(0.0), step(1.0), step(0.0)] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("f", "at"),
    [
        (lambda a: np.sum(np.linalg.cholesky(np.sqrt(a)) ** 2), LOWER),
        (lambda a: np.sum(np.linalg.cholesky(np.sqrt(a), upper=True) ** 2), LOWER.T),
        (lambda a: np.sum(np.linalg.eigh(np.sqrt(a))[0] ** 3), LOWER),
        (lambda a: np.sum(np.linalg.eigh(np.sqrt(a), "U")[0] ** 3), LOWER.T),
        (lambda a: np.sum(np.linalg.eigvalsh(np.sqrt(a)) ** 3), LOWER),
        (lambda a: np.sum(np.linalg.eigvalsh(np.sqrt(a), "U") ** 3), LOWER.T),
        (lambda a: np.linalg.norm(np.sqrt(a), np.inf), LOWER[::-1]),
        (lambda a: np.linalg.norm(np.sqrt(a), -1), LOWER * [0.01, 1.0]),
    ],
)
def test_what_is_not_read_takes_no_part(f, at):
    def moved(a):  # the same with another number in the place that is not read
        return f(np.where(at == 0, 1e-6, a))

    by_both(f, moved, at)


def test_large_arrays_whose_graph_is_freed_on_the_way():
    n = 20_000
    x, w = np.arange(n) * 1.0, np.arange(n) % 2 * 3.0
    t = Tensor(x)
    np.sum(w * np.sqrt(np.tanh(t * 1e-4) * 2.0)).backward()
    y = np.tanh(x * 1e-4)
    with np.errstate(all="ignore"):
        expected = np.where(w == 0, 0.0, w * 1e-4 * (1 - y * y) / np.sqrt(2 * y))
    np.testing.assert_allclose(t.grad, expected, rtol=1e-12)
    matrix = np.array([[0.0], [1.0], [2.0]]) * (x > 1)
    for f, slope in (
        (lambda x: np.sum(matrix @ np.sqrt(x)), 3.0 * (x > 1)),
        (lambda x: np.dot(w, np.sqrt(x)), w),
        (lambda x: np.sum(w.reshape(100, 200) * np.reshape(np.sqrt(x), (100, 200))), w),
        (lambda x: np.sum(np.tanh(1e-9 * (w * np.sqrt(x)))), 1e-9 * w),
    ):
        t = Tensor(x)
        f(t).backward()
        with np.errstate(all="ignore"):
            np.testing.assert_allclose(t.grad, np.where(slope == 0, 0.0, slope / 2 / np.sqrt(x)), rtol=1e-6)
    t = Tensor(x)
    s = np.sqrt(t * 1.0)
    np.sum(w * s + s).backward()  # of which one part is no multiple
    assert t.grad[0] == np.inf
    t = Tensor(x - 2.0)
    np.sum(np.sign(t) * np.sqrt(np.abs(t * 1.0))).backward()
    assert not np.isfinite(t.grad[2])


def nan_or_infinite(f, x, *places):
    for g in (f(x), compiled(f)(x)):
        for place in places:
            assert not np.isfinite(np.asarray(g)[place])


def written(x):
    y = x * 1.0
    y[:] = 2 * x[::-1] - 1
    return y


def test_where_there_is_no_derivative_there_is_no_number():
    zero, z = np.float64(0.0), np.zeros(2)
    nan_or_infinite(grad(lambda x: np.sign(x) * np.sqrt(np.abs(x))), zero, ())
    nan_or_infinite(grad(lambda x: np.sum(np.sign(x) * np.cbrt(x) * W)), np.array([1.0, 0.0]), 1)
    nan_or_infinite(grad(lambda x: x[0] * np.sqrt(x[1])), z, 1)
    nan_or_infinite(grad(grad(lambda x: np.abs(x) ** 1.5)), zero, ())
    nan_or_infinite(grad(grad(lambda x: np.fabs(x) ** 1.5)), zero, ())
    nan_or_infinite(grad(grad(lambda x: np.linalg.norm(x[None], 1) ** 1.5)), zero, ())
    nan_or_infinite(grad(grad(grad(lambda x: np.abs(x) ** 2.5))), zero, ())
    for f in (
        lambda x: np.linalg.norm((p := np.stack([x, x**2], -1))[:, None] - p),
        lambda x: np.linalg.norm(written(x) - x),
        lambda x: np.linalg.norm(x * x[0] - x * x[1]),
        lambda x: np.linalg.norm(x[:1] - x[1:]),
    ):
        nan_or_infinite(hessian(f), np.ones(2), (0, 0), (1, 1))
    for f in (np.linalg.norm, np.std, lambda x: np.hypot(x[0], x[1]), lambda x: np.arctan2(x[0], x[1])):
        nan_or_infinite(hessian(f), z, (0, 0), (1, 1))
        nan_or_infinite(hessian(lambda x, f=f: f(x) ** 1.5), z, (0, 0), (1, 1))


def test_a_finite_gradient_is_never_made_again(monkeypatch):
    from tinygrad_course.engine import constant_zeros

    monkeypatch.setattr(constant_zeros, "with_zeros", None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_allclose(grad(lambda x: np.sum(W * np.sqrt(x)))(np.ones(2)), [0, 1])
        assert hessian(lambda x: np.sum(W * np.sqrt(x)))(np.ones(2))[0, 0] == 0
