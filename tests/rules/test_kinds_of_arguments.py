"""Arguments of every kind that NumPy takes: narrow and unsigned numbers, lists, booleans."""

from fractions import Fraction

import numpy as np
import pytest
from numpy.polynomial import chebyshev, hermite, hermite_e, laguerre, legendre, polynomial
from scipy import special

from tinygrad_course import Tensor, compiled, grad, hvp, value_and_grad
from tinygrad_course.rules.table import RULES, entered_late

entered_late()
X = np.array([0.7, 1.3, 2.4, 0.4])
NARROW = [
    np.uint8(200), np.uint8(0), np.int8(-100), np.int16(20000), np.uint16(300), np.uint64(0), np.int64(2**33),
    np.bool_(True), np.float16(3.5), np.float32(1e-3),
]  # fmt: skip


def two_arguments():
    for function, rule in RULES.items():
        known = function in {getattr(np, rule.name, None), getattr(special, rule.name, None)}
        of_two = known and rule.elementwise and getattr(function, "nin", 0) == 2 and function.nout == 1
        if of_two and not rule.name.startswith("eval_"):  # (those of a whole degree are computed otherwise)
            yield function


@pytest.mark.sampled(4)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("ufunc", [*two_arguments()], ids=lambda f: f.__name__)
def test_a_narrow_constant_is_computed_with_as_the_ufunc_does(ufunc, side):
    """``b * b`` of the uint8 200 is 64, which is no part of a derivative."""

    def slope(c):
        f = (lambda x: ufunc(x, c)) if side == 0 else (lambda x: ufunc(c, x))
        return grad(lambda x: np.sum(np.real(f(x)) * np.arange(1.0, 5.0)))(X)

    for number in NARROW:
        wide = np.float64(number) if ufunc is not np.ldexp else np.int64(number)
        for c in (number, np.full(4, number), np.array(number)):
            try:
                right = slope(wide)
                ufunc(X, c) if side == 0 else ufunc(c, X)
            except TypeError:  # an argument without a derivative, or that NumPy doesn't take
                continue
            np.testing.assert_allclose(slope(c), right, rtol=1e-9, atol=1e-290, err_msg=repr(c))


@pytest.mark.parametrize(
    "f",
    [
        np.arctan2,
        lambda x, n: np.hypot(n, x),
        lambda x, n: x**n,
        np.logaddexp,
    ],
)
def test_narrow_constants_in_second_derivatives_and_programs(f):
    n = np.array([200, 3, 0, 255], dtype=np.uint8)
    v = np.array([1.0, -2.0, 0.5, 3.0])

    def cost(n):
        return lambda x: np.sum(f(x * 0.01, n) * v)

    with np.errstate(all="ignore"):
        right = hvp(cost(n.astype(float)))(X, v)
        np.testing.assert_allclose(hvp(cost(n))(X, v), right, rtol=1e-9)
        np.testing.assert_allclose(compiled(grad(cost(n)))(X), grad(cost(n.astype(float)))(X), rtol=1e-9)
        np.testing.assert_allclose(
            compiled(lambda x, n: grad(cost(n))(x))(X, n), grad(cost(n.astype(float)))(X), rtol=1e-9
        )


KINDS = [
    lambda x: np.take(x, True),
    lambda x: np.take(x, [[False, True]], axis=0),
    lambda x: np.roll(x[:3], np.uint8(1)) ** 2,
    lambda x: np.roll(x[:3], np.array([1], np.uint8), 0) ** 2,
    lambda x: np.trace(np.outer(x, x), np.uint8(1)),
    lambda x: np.diagonal(np.outer(x, x), np.uint16(2)),
    lambda x: np.interp(x, [0, 1, 2], [1.0, 2.0, 0.0], period=-3),
    lambda x: np.logspace(0, x[0], 3, base=[2, 3]),
    lambda x: np.logspace(x[:2], 1, 3, base=np.array([2, 3], np.int8), axis=1),
    lambda x: np.logspace(0, x[0], 3, base=np.int8(2)),
    lambda x: np.bincount((0, 1, 1, 0), x),
    lambda x: np.gradient(x, np.array([200, 100, 3, 0], np.uint8)),
    lambda x: np.gradient(x, np.array([-100, 0, 60, 120], np.int8), edge_order=2),
    lambda x: np.cov(np.stack([x, x**2]), aweights=np.array([200, 3, 17, 255], np.float16)),
    lambda x: np.cov(np.stack([x, x**2]), fweights=np.array([200, 3, 17, 255], np.uint8)),
    lambda x: np.average(x, weights=np.array([200, 3, 17, 255], np.uint8)),
    lambda x: np.polyfit(np.array([200, 3, 17, 255], np.uint8), x, 2),
    lambda x: np.tile(x, np.array(2)),
    lambda x: np.fft.fftshift(x[None] * x[:, None], np.int64(1)),
    lambda x: np.logaddexp.reduce(x[None] * x[:, None], axis=(1,)),
    lambda x: np.cov(x[None], rowvar=False, bias=True),
    lambda x: np.cov(x, x[None] ** 2, rowvar=False),
    lambda x: np.cov(x[:, None], x[:, None] ** 2, rowvar=False),
    lambda x: np.corrcoef(np.stack([x, x**2]), rowvar=False)[:0],
    lambda x: np.copy(x, subok=True),
    lambda x: np.full_like(x[None], x[0], order="F", subok=False),
    lambda x: np.var(x, mean=np.array([0.5]), dtype=np.float64),
    lambda x: np.std(x, mean=np.mean(x, keepdims=True), dtype=np.float64, ddof=1),
    lambda x: np.linalg.tensorsolve(x[:1] + 3, x[1:2]),
]


@pytest.mark.parametrize("f", KINDS)
def test_numpys_value_and_the_right_gradient(f):
    y = f(Tensor(X)).data
    np.testing.assert_array_equal(y, f(X))
    assert np.shape(y) == np.shape(f(X))

    def cost(x):
        y = f(x)
        return np.sum(y * np.cos(np.arange(np.size(y))).reshape(np.shape(y)))

    g = grad(cost)(X)
    differences = [(cost(X + h) - cost(X - h)) / 2e-6 for h in 1e-6 * np.eye(4)]
    np.testing.assert_allclose(g, differences, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(compiled(grad(cost))(X), g, rtol=1e-12)


@pytest.mark.parametrize("trim", ["fb", "f", "B"])
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 1)])
@pytest.mark.parametrize("filled", [[(1, 2), (2, 1)], [(0, 0)], []])
def test_zeros_are_trimmed_from_every_axis(trim, axis, filled):
    x = np.zeros((4, 5))
    for place, value in zip(filled, (3.0, -1.0), strict=False):
        x[place] = value
    np.testing.assert_array_equal(
        np.trim_zeros(Tensor(x), trim, axis=axis).data, np.trim_zeros(x, trim, axis)
    )
    g = grad(lambda x: np.sum(np.trim_zeros(x, trim, axis=axis) ** 3))(x)
    np.testing.assert_array_equal(g, 3 * x**2)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.polyder(x[:1]),
        lambda x: np.polyder(x, 5),
        lambda x: np.quantile(x[None, :0], [0.2, 0.7], axis=0),
        lambda x: np.unique(x, sorted=False),
        lambda x: np.corrcoef(x[None], rowvar=False),
        lambda x: np.linalg.tensorsolve(np.outer(x[:0], x[:0]), x[:0]),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_what_is_left_of_next_to_nothing_has_numpys_shape(f):
    y = f(X)
    np.testing.assert_array_equal(f(Tensor(X)).data, y)
    assert f(Tensor(X)).shape == y.shape


def test_a_count_of_booleans_is_no_product_of_them():
    x = np.arange(6.0).reshape(2, 3) - 2

    def f(x):
        return np.sum(x > 0) * np.sum(x) + np.sum(np.sum(x > 0, axis=(1,), keepdims=True) * x)

    assert compiled(f)(x) == f(x)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize(
    "others", [(2, 0.5), (2.0, 0), (np.float32(2), 0.5), (2, np.float64(0.5)), (np.int8(2), 1)]
)
def test_choices_have_the_dtype_of_numpys(dtype, others):
    x, (choice, default) = np.array([0.3, -1.0, 2.0], dtype), others

    def f(x):
        return np.select(
            [np.array([True, False, False]), np.array([True, True, False])], [x, choice], default
        )

    y = f(Tensor(x))
    assert y.dtype == f(x).dtype
    np.testing.assert_array_equal(y.data, f(x))
    assert compiled(lambda x: f(x) * 1)(x).dtype == y.dtype
    np.testing.assert_array_equal(grad(lambda x: np.sum(f(x)))(x), np.array([1, 0, 0], dtype))


def test_nothing_is_chosen_from_arrays_without_entries():
    empty = np.zeros(0)
    for choices in ([empty, empty], [Tensor(empty), empty]):
        assert np.choose(np.array([7]), choices).shape == (0,)
    with pytest.raises(ValueError, match="invalid entry in choice array"):
        np.choose(np.array([7]), [Tensor(np.zeros(1)), np.ones(1)])


@pytest.mark.parametrize("power", [lambda x, n: n * x, lambda x, n: x / n, lambda x, n: np.sum(x) ** n])
def test_fractions_are_numbers(power):
    step, right = (value_and_grad(lambda x, n=n: np.sum(power(x, n))) for n in (Fraction(3, 2), 1.5))
    for f in (step, compiled(step), compiled(step, engine="machine")):
        for found, expected in zip(f(X), right(X), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-14)


@pytest.mark.parametrize(
    "f",
    [
        polynomial.polyval, polynomial.polyvalfromroots, chebyshev.chebval, legendre.legval, hermite.hermval,
        hermite_e.hermeval, laguerre.lagval,
    ],
)  # fmt: skip
def test_a_polynomial_for_each_column(f):
    """These ask whether x is an array, and lay out the coefficients by its axes."""
    x, c = X[:2], np.arange(6.0).reshape(3, 2) - 2.5
    weights = np.array([[1.0, 2.0], [-3.0, 0.5]])

    def cost(x):
        return np.sum(weights * f(x, c))

    value, gradient = value_and_grad(cost)(x)
    assert value == cost(x)
    np.testing.assert_allclose(
        gradient, [np.imag(cost(x + 1e-30j * e)) / 1e-30 for e in np.eye(2)], rtol=1e-12
    )
    np.testing.assert_array_equal(f(Tensor(x), c, tensor=False).data, f(x, c, tensor=False))


def nth(values):
    return np.sum(values * np.cos(np.arange(1.0, 1.0 + np.size(values))).reshape(np.shape(values)))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.concatenate(([np.cos(x[0])], x * np.sin(x[1]))),
        lambda x: np.concatenate([x, [1.0, 2.0], (x[0], x[1] ** 2)]),
        lambda x: np.stack([[x[0] ** 2, 1.0], x[:2]]),
        lambda x: np.append([x[0] ** 2], x),
        lambda x: np.dot([x[0], 1.0, x[1] ** 2, 0.5], x),
        lambda x: np.einsum("ij,j->i", [[x[0], 0.0, 1.0, 2.0], [3.0, x[1], x[2] ** 2, 4.0]], x),
        lambda x: np.where([True, False, True, False], [x[0] ** 2, 1.0, x[1], 3.0], x),
        lambda x: np.maximum([x[0] ** 2, 1.0, x[1], 3.0], x),
        lambda x: np.cross([x[0] ** 2, 1.0, x[1]], x[1:]),
    ],
)
def test_lists_of_tensors_beside_a_tensor(f):
    def numpys(x):  # of NumPy's own numbers
        return nth(f(x))

    steps = 1e-6 * np.eye(4)
    wanted = [(numpys(X + h) - numpys(X - h)) / 2e-6 for h in steps]
    value, found = value_and_grad(numpys)(X)
    assert value == pytest.approx(numpys(X), rel=1e-14)
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(compiled(grad(numpys))(X), found, rtol=1e-12)


def test_a_list_of_tensors_is_no_index():
    with pytest.raises(TypeError):
        grad(lambda x: np.sum(x[[x[0], x[1]]]))(X)


@pytest.mark.parametrize("name", ["sqrt", "log", "log2", "log10", "arccos", "arcsin", "arctanh"])
def test_functions_that_go_on_in_complex_numbers(name):
    function = getattr(np.emath, name)
    for x in (np.array([0.3, -0.5, -1.9, 1.8]), np.array([0.3, 0.5]), np.float64(-1.7), np.float64(0.4)):
        wanted = (function(x + 1e-6) - function(x - 1e-6)) / 2e-6
        y = function(Tensor(x))
        assert y.dtype == function(x).dtype
        np.testing.assert_array_equal(y.data, function(x))
        for part in (np.imag, np.real):
            found = grad(lambda x, part=part: np.sum(part(function(x))))(x)
            np.testing.assert_allclose(found, part(wanted), rtol=1e-6, atol=1e-8)


def test_a_comparison_writes_into_an_array():
    def cost(x):
        positive = np.full_like(x, False, dtype=bool)
        np.greater_equal(x, 0, where=~np.isnan(x), out=positive)
        return np.sum(np.where(positive, x**2, 3 * x))

    np.testing.assert_array_equal(grad(cost)(np.array([1.0, -2.0, 3.0])), [2.0, 3.0, 6.0])


@pytest.mark.parametrize(
    "f",
    [
        lambda b: np.median(b, axis=1, overwrite_input=True),
        lambda b: np.median(b, 1, None, True),
        lambda b: np.percentile(b, 50, axis=1, overwrite_input=True),
        lambda b: np.nanquantile(b * 1.0, 0.5, 1, None, True),
    ],
)
def test_what_may_overwrite_its_input_leaves_what_is_recorded(f):
    b = np.array([[10, 1, 4.4], [3.9, 3.6, 3.5]])
    slope, kept = [[0, 0, 1], [0, 2, 0]], b.copy()
    cost = lambda b: np.sum(f(b) * [1, 2])  # noqa: E731
    np.testing.assert_array_equal(grad(cost)(b), slope)
    for engine in ("numpy", "machine"):
        np.testing.assert_array_equal(compiled(grad(cost), engine=engine)(b), slope)
    np.testing.assert_array_equal(b, kept)
    t = Tensor(b)
    cost(t).backward()
    np.testing.assert_array_equal(t.grad, slope)
