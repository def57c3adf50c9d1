"""Squares of norms and other roots at 0, whose second derivative the chain rule loses."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from tinygrad_course import Tensor, compiled, grad, hessian, value_and_grad

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

ZERO = np.zeros(2)
SQUARES = [
    (lambda w: np.linalg.norm(w) ** 2, ZERO, 2 * np.eye(2)),
    (lambda w: np.square(np.linalg.norm(w)), ZERO, 2 * np.eye(2)),
    (lambda w: np.linalg.norm(w) ** 4, ZERO, np.zeros((2, 2))),
    (lambda w: np.hypot(w[0], w[1]) ** 4 + np.sum(w**2), ZERO, 2 * np.eye(2)),
    (lambda w: np.linalg.norm(w) * np.linalg.norm(w), ZERO, 2 * np.eye(2)),
    (lambda w: np.sum(np.abs(w) ** 2), ZERO, 2 * np.eye(2)),
    (lambda w: np.sum(np.hypot(w, 0.0) ** 2), ZERO, 2 * np.eye(2)),
    (lambda w: np.hypot(w[0], w[1]) ** 2, ZERO, 2 * np.eye(2)),
    (lambda w: np.sqrt(np.sum(w**2)) ** 2, ZERO, 2 * np.eye(2)),
    (lambda w: np.sum(np.linalg.norm(w[None, :], axis=1) ** 2), ZERO, 2 * np.eye(2)),
    (lambda w: np.std(w) ** 2, np.ones(2), np.array([[0.5, -0.5], [-0.5, 0.5]])),
    (lambda w: np.sum(np.float_power(np.abs(w), 2)), ZERO, 2 * np.eye(2)),
    (lambda w: np.sum(np.abs(w) ** np.int64(2)), ZERO, 2 * np.eye(2)),
    (lambda w: np.sum(np.copysign(w, -1.0) ** 2), ZERO, 2 * np.eye(2)),
    (lambda w: np.sum(np.max(np.stack([w, -w]), axis=0) ** 2), ZERO, 2 * np.eye(2)),
    (lambda w: np.sum(np.square(np.min(np.stack([w, -w]), axis=0))), ZERO, 2 * np.eye(2)),
    (lambda w: np.sum(np.maximum(w, -w) ** 2), ZERO, 2 * np.eye(2)),
    (lambda w: np.sum(np.maximum(0, w) ** 2), ZERO, np.zeros((2, 2))),
    (lambda w: np.sum((2 * np.abs(w)) ** 2), ZERO, 8 * np.eye(2)),
    (lambda w: (np.linalg.norm(w) / -2) ** 2, ZERO, 0.5 * np.eye(2)),
    (lambda w: 3 * np.linalg.norm(w) * np.linalg.norm(w), ZERO, 6 * np.eye(2)),
    (lambda w: np.linalg.norm(w) * -(0.5 * np.linalg.norm(w)), ZERO, -np.eye(2)),
    (lambda w: np.sum(np.square((2 * np.hypot(w, 0.0))[::-1])), ZERO, 8 * np.eye(2)),
    (lambda w: np.dot(2 * np.abs(w), 2 * np.abs(w)), ZERO, 8 * np.eye(2)),
]


@pytest.mark.parametrize("number", range(len(SQUARES)))
def test_squares_of_roots_at_0(number):
    f, x, expected = SQUARES[number]
    assert_allclose(grad(f)(x), ZERO, atol=0)
    assert_allclose(hessian(f)(x), expected, rtol=1e-12)


def test_a_root_beside_a_long_product_is_looked_at_briefly():
    """Neither 3,000 multiples nor 22 squarings, a tree of millions of factors, are followed back."""

    def chain(w):
        r = b = np.linalg.norm(w)
        for _ in range(3000):
            b = b * 1.001
        return r * b

    def tree(w):
        r = b = np.linalg.norm(w)
        for _ in range(22):
            b = b * b
        return r * b

    for f in (chain, tree):
        assert_allclose(grad(f)(ZERO), ZERO, atol=0)


COLUMN = np.zeros((2, 1))
PRODUCTS = {
    "dot": np.dot,
    "@": lambda a, b: a @ b,
    "inner": np.inner,
    "vdot": np.vdot,
    "vecdot": np.vecdot,
    "einsum": lambda a, b: np.einsum("i,i->", a, b),
    "einsum by numbers": lambda a, b: np.einsum(a, [0], b, [0]),
    "tensordot": lambda a, b: np.tensordot(a, b, axes=1),
    "tensordot by axes": lambda a, b: np.tensordot(a, b, [[0], [0]]),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_a_root_times_itself_in_a_sum_of_products(name):
    product = PRODUCTS[name]
    expected = 2 * np.eye(2)
    f = lambda x: product(np.abs(x), np.abs(x))  # noqa: E731
    assert_allclose(hessian(f)(ZERO), expected)
    assert_allclose(hessian(f)(np.array([0.0, 3.0])), expected)
    assert_allclose(compiled(hessian(f))(ZERO), expected)
    assert_allclose(hessian(lambda x: product(np.abs(x), np.abs(x[::-1])))(ZERO), np.zeros((2, 2)))
    assert product(np.abs(Tensor([3.0, -4.0])), np.abs(Tensor([3.0, -4.0]))).data == 25.0


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.linalg.norm(x, axis=0)[0] ** 2,
        lambda x: sum(d * d for d in np.linalg.norm(x, axis=0)),
        lambda x: np.sum(np.linalg.norm(x, axis=0)[np.array([True, False, True])] ** 2),
        lambda x: np.sum(np.squeeze(np.linalg.norm(x, axis=0, keepdims=True)) ** 3),
        lambda x: np.sum(np.square(np.abs(x).T[::-1])),
        lambda x: np.dot(np.abs(x).ravel(), np.abs(x).ravel()),
    ],
)
def test_squares_of_parts_of_roots(f):
    x, h = np.array([[0.0, 1.0, 2.0], [0.0, -1.5, 3.0]]), 1e-4
    steps = h * np.eye(6).reshape(6, 2, 3)
    slopes = [[f(x + a + b) - f(x + a - b) - f(x - a + b) + f(x - a - b) for b in steps] for a in steps[1::2]]
    for of in (hessian(f), compiled(hessian(f))):
        assert_allclose(of(x).reshape(6, 6)[1::2], np.array(slopes) / (4 * h * h), atol=1e-3)


@pytest.mark.parametrize("reduce", [np.max, np.min, np.amax, np.ptp, np.std])
@pytest.mark.parametrize("engine", ["numpy", "machine"])
def test_squares_keep_narrow_numbers_in_programs(reduce, engine):
    if engine == "machine":
        pytest.importorskip("llvmlite.binding")
    x = np.array([[1.0, 3.0, 3.0], [0.5, -2.0, 0.25]], np.float32)
    step = value_and_grad(lambda x: np.sum(reduce(x, axis=1) ** 2))
    for ours, plain in zip(compiled(step, engine=engine)(x), step(x), strict=True):
        assert ours.dtype == np.float32
        assert_allclose(ours, plain, rtol=1e-6)


def test_entries_in_two_orders_are_no_squares():
    def f(r):
        return np.sum(np.dot(r.reshape(1, -1), r.reshape(-1, 1, order="F")))

    x = np.array([[0.0, 1.0, 2.0], [4.0, 0.5, 3.0]])
    assert_allclose(grad(lambda x: f(np.abs(x)))(x), grad(f)(x) * np.sign(x))


def test_the_square_of_a_part_that_an_index_named_then():
    def f(x):
        index = np.array([0])
        d = np.linalg.norm(x, axis=0)[index]
        index[0] = 1
        return np.sum(d**2)

    assert_allclose(np.diag(hessian(f)(np.zeros((2, 2))).reshape(4, 4)), [2, 0, 2, 0])


def test_a_column_of_roots_by_itself_and_what_is_no_sum_of_squares():
    column = lambda x: np.abs(x)[:, None]  # noqa: E731
    for product in (
        lambda r: np.squeeze(r.T @ r),
        lambda r: np.dot(r.T, r)[0, 0],
        lambda r: np.sum(np.matmul(r.T, r)),
        lambda r: np.swapaxes(r, 0, 1) @ r,
        lambda r: r.reshape(1, -1) @ r,
        lambda r: np.dot(r.ravel()[None, :], r),
        lambda r: np.dot(np.moveaxis(r, 0, 1), r),
    ):
        f = lambda x, product=product: np.sum(product(np.abs(x[:, None])))  # noqa: E731
        assert_allclose(hessian(f)(ZERO), 2 * np.eye(2))
        assert_allclose(compiled(hessian(f))(ZERO), 2 * np.eye(2))
    gram = lambda r: np.sum(r.transpose(0, 2, 1) @ r)  # noqa: E731
    assert_allclose(hessian(lambda x: gram(np.abs(x.reshape(1, -1, 1))))(ZERO), 2 * np.eye(2))
    x, h = np.array([0.3, 0.4]), 1e-6
    for f in (
        lambda x: np.sum(np.dot(np.abs(x), np.abs(x)) * np.outer(np.abs(x), [1.0, 2.0])),
        lambda x: np.vdot(column(x) * [[1.0, 2.0]], (column(x) * [[1.0, 2.0]]).T),
        lambda x: np.sum(np.linalg.matrix_power(np.abs(np.stack([x, x[::-1] * 2])), 2)),
        lambda x: np.sum(np.dot(np.abs(np.stack([x, x[::-1] * 2])), np.abs(np.stack([x, x[::-1] * 2])))),
    ):
        slopes = [(grad(f)(x + h * e) - grad(f)(x - h * e)) / (2 * h) for e in np.eye(2)]
        assert_allclose(compiled(hessian(f))(x), slopes, rtol=1e-7)


def test_a_norm_times_itself_as_a_product():
    for product in (np.dot, np.inner, np.vdot, lambda a, b: np.einsum(",", a, b)):

        def f(w, product=product):
            n = np.linalg.norm(w)
            return product(n, n)

        assert_allclose(hessian(f)(ZERO), 2 * np.eye(2))


@pytest.mark.parametrize(
    ("ord", "x"),
    [*(("fro", W) for W in (COLUMN, np.zeros((2, 2)))), *((o, COLUMN) for o in (2, "nuc", -2)),
     *((o, COLUMN.T) for o in (2, "nuc")), *((o, np.zeros(1)) for o in (1, 3, np.inf, -np.inf)),
     *((o, np.zeros((1, 1))) for o in (1, -1, np.inf, "nuc"))],
)  # fmt: skip
def test_squares_of_norms_that_are_euclids_there(ord, x):
    for f in (lambda x: np.linalg.norm(x, ord) ** 2, lambda x: np.square(np.linalg.norm(x, ord))):
        assert_allclose(grad(f)(x), 0 * x, atol=0)
        assert_allclose(hessian(f)(x).reshape(x.size, x.size), 2 * np.eye(x.size))


@pytest.mark.parametrize("total", [np.sum, np.mean])
def test_squares_of_sums_of_sizes(total):
    f = lambda x: np.sum(total(np.abs(x), axis=0) ** 2)  # noqa: E731
    for second in (hessian(f), compiled(hessian(f))):
        assert_allclose(second(np.zeros((1, 1))).item(), 2.0)
        assert_allclose(second(np.zeros((1, 2))).reshape(2, 2), 2 * np.eye(2))
        assert np.isnan(second(np.zeros((2, 1)))).any()
        assert_allclose(
            second(np.array([[0.5], [-2.0]])).ravel(), f(np.ones((2, 1))) / 2 * np.array([1, -1, -1, 1])
        )
    assert_allclose(grad(f)(np.zeros((2, 1))), np.zeros((2, 1)), atol=0)


@pytest.mark.parametrize("ord", [1, np.inf, 3])
def test_squares_of_other_norms_have_no_second_derivative_at_0(ord):
    f = lambda x: np.linalg.norm(x, ord) ** 2  # noqa: E731
    for second in (hessian(f), compiled(hessian(f))):
        assert np.isnan(second(ZERO)).any()
        x = np.array([0.5, 2.0])
        assert_allclose(
            second(x), hessian(lambda x: np.sum(x**ord) ** (2 / ord) if ord < 9 else x[1] ** 2)(x)
        )


@pytest.mark.parametrize("ord", [2, "nuc"])
def test_nor_have_those_of_singular_values(ord):
    f = lambda x: np.linalg.norm(x, ord) ** 2  # noqa: E731
    assert_allclose(grad(f)(np.zeros((2, 2))), np.zeros((2, 2)))
    with pytest.raises(np.linalg.LinAlgError):
        hessian(f)(np.zeros((2, 2)))


HIGHER = {
    "norm(w)**3": lambda w: np.linalg.norm(w) ** 3,
    "norm(w)**5": lambda w: np.linalg.norm(w) ** 5,
    "n * n * n": lambda w: np.linalg.norm(w) * np.linalg.norm(w) * np.linalg.norm(w),
    "norm(w)**2 * norm(w)": lambda w: np.linalg.norm(w) ** 2 * np.linalg.norm(w),
    "hypot(a, b)**3": lambda w: np.hypot(w[0], w[1]) ** 3,
    "std(w)**3": lambda w: np.std(w) ** 3,
}


@pytest.mark.parametrize("name", HIGHER)
def test_powers_of_roots_above_2(name):
    f = HIGHER[name]
    for second in (hessian(f), compiled(hessian(f))):
        assert_allclose(second(ZERO), np.zeros((2, 2)), atol=0)
        w, h = np.array([0.3, -0.4]), 1e-6
        slopes = [(grad(f)(w + h * e) - grad(f)(w - h * e)) / (2 * h) for e in np.eye(2)]
        assert_allclose(second(w), slopes, rtol=1e-7)
    assert_allclose(compiled(f)(w), f(w), rtol=1e-12)
    if "3" in name:  # a third derivative there is none
        assert np.isnan(grad(lambda w: np.sum(hessian(f)(w) * np.array([[1, 2], [3, 5]])))(ZERO)).any()


def test_the_square_of_a_range_has_no_second_derivative_at_0():
    second = grad(grad(lambda x: np.ptp(np.stack([x, -x])) ** 2))
    assert np.isnan(second(0.0))
    assert second(0.5) == 8.0


def test_what_an_expression_amounts_to_may_be_a_view():
    """The square of a size at 0, where what it amounts to is the real part of a product."""
    x = np.array([0.0, 1.0])
    assert_allclose(grad(lambda x: np.sum(np.abs(1j * x) ** 2))(x), 2 * x)
    assert_allclose(grad(lambda x: np.sum(np.sqrt((x * x).reshape(2, 1)) ** 2))(x), 2 * x)
    assert_allclose(grad(lambda x: np.sum(np.sqrt((x * x)[::-1]) ** 2))(x), 2 * x)


def test_a_constant_that_was_changed_between_makes_another_root():
    def product(x):
        a = np.eye(2)
        first = np.linalg.norm(a @ x)
        a *= 2
        return first * np.linalg.norm(a @ x)  # 2 |x|^2

    assert not np.any(np.abs(hessian(product)(np.zeros(2)) - 4 * np.eye(2)) > 1e-9)  # or NaN

    kept = np.array([True, True, False])
    found = hessian(lambda x: np.std(x, where=kept) * np.std(x, where=kept.copy()))(np.ones(3))
    np.testing.assert_allclose(found, [[0.5, -0.5, 0], [-0.5, 0.5, 0], [0, 0, 0]], atol=1e-15)
