"""Options of functions that few programs use: NumPy's value, and both derivatives those of differences."""

import numpy as np
import pytest

from tinygrad_course import Tensor, grad
from tinygrad_course.gradient_checking import check_gradients

rng = np.random.RandomState(0)
row, matrix, square = rng.rand(5) + 0.5, rng.rand(3, 4) + 0.3, rng.rand(3, 3) + 3 * np.eye(3)
seven, triples = rng.rand(7), rng.rand(3, 3) + 0.2
some = np.array([[1, 1, 0, 1]] * 3) > 0


def weighed(y):
    """Every entry of a result in one real number."""
    if isinstance(y, (tuple, list)):
        return sum(weighed(part) for part in y if getattr(part, "dtype", np.dtype(bool)).kind in "fc")
    y = np.real(y) + 2 * np.imag(y)
    return np.sum(np.cos(np.arange(y.size)).reshape(y.shape) * y + 0.5 * np.sin(y))


@pytest.mark.parametrize(
    ("call", "x"),
    [
        (lambda a: np.linalg.outer(a, a * a), row),
        (lambda a: np.linalg.cross(a, a[:, ::-1] ** 2, axis=0), triples),
        (lambda a: np.linalg.vecdot(a, a**2, axis=0), matrix),
        (lambda a: np.linspace(a[0], a[1] ** 2, 4, retstep=True), row),
        (lambda a: np.linspace(a, a**2, 4, endpoint=False, retstep=True, axis=1), row),
        (lambda a: np.logspace(a, a**2, 4, base=a + 2, axis=-1), row),
        (lambda a: np.geomspace(-a, -(a**2) - 1, 4, dtype=np.float64), row),
        (lambda a: np.full_like(a, a[0] * 2, shape=(2, 3), dtype=np.float64), row),
        (lambda a: np.take(a, [0, 9, -3], mode="clip"), row),
        (lambda a: np.choose([0, 5, -1, 1, 0], [a, a * a], mode="clip"), row),
        (lambda a: np.piecewise(a[0], [a[0] > 1], [lambda t: t * t, lambda t: t**3]), row),
        (lambda a: np.insert(a, np.arange(5) % 2 == 0, a[:3] * 2), row),
        (lambda a: np.take_along_axis(a, np.array([3, 1, 0]), None), matrix),
        (lambda a: np.linalg.qr(a, "r"), matrix),
        (lambda a: np.linalg.cond(a, 2) + np.linalg.cond(a, -2), matrix),
        (lambda a: np.linalg.pinv(a + a.T, hermitian=True), square),
        (lambda a: np.polyfit(a, np.stack([a**3, np.sin(a)], 1), 2, w=a), row),
        (lambda a: np.polyint(a, 2, k=3.0), row),
        (np.fft.ihfft, row),
        (lambda a: np.angle(a + 1j * a**2, deg=True), row),
        (lambda a: np.interp(a * 2, np.arange(6.0), np.arange(6.0) ** 2 * (a[0] + 1j * a[1])), row),
        (lambda a: np.interp(a * 9 - 2, np.arange(6.0), np.arange(6.0) ** 2, right=a[1]), row),
        (lambda a: np.gradient(a, np.array([0.0, 1, 3]), np.array([0.0, 0.5, 2, 3])), matrix),
        (lambda a: np.var(a, axis=1, mean=np.mean(a, 1, keepdims=True), where=some, correction=1), matrix),
        (lambda a: np.meshgrid(a, a * 2, copy=False), row),
        (lambda a: np.clip(a, None, a[0] * 1.1), row),
        (lambda a: np.einsum("...ij,...jk", a, a**2), triples),
        (lambda a: np.einsum(a, [..., 0, 1], a**2, [..., 1, 2], [..., 0, 2]), triples),
        (lambda a: np.pad(a, {0: 1, -1: (2, 1)}, mode="edge"), matrix),
        (lambda a: np.pad(a[:1], 2, mode="reflect", reflect_type="odd"), row),
        (lambda a: np.pad(a, (2, 3), mode="linear_ramp", end_values=(a[0] * 3, 2.0)), row),
        (lambda a: np.pad(a, 1, constant_values=(a[0] * 3, 2.0)), row),
        (lambda a: np.convolve(a[:2] ** 2, a, "valid"), row),
        (lambda a: np.correlate(a[:2], a, "same"), row),
        (lambda a: np.power.reduce(a, axis=0, keepdims=True), matrix),
        (lambda a: np.logaddexp.accumulate(a, axis=1), matrix),
        (lambda a: a.astype(np.float64, copy=False) ** 2, row),
        (lambda a: np.stack([v * v for v in a.flat]), matrix),
    ],
)  # fmt: skip
def test_value_and_derivatives(call, x):
    expected, found = call(x), call(Tensor(x))
    np.testing.assert_allclose(weighed(found).item(), weighed(expected), rtol=1e-12)
    check_gradients(lambda a: weighed(call(a)), x, order=2)


z = np.array([-750.0, -1.0])


@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (lambda x: np.exp(-np.exp2(-1.5 * x)), np.exp(-(2**1.5)) * 2**1.5 * 1.5 * np.log(2)),
        (lambda x: np.exp(-np.expm1(-x)), np.exp(1 - np.e) * np.e),
        (lambda x: np.exp(-np.square(np.exp(-x))), np.exp(-(np.e**2)) * 2 * np.e**2),
        (lambda x: np.exp(-np.reciprocal(np.exp(x))), np.exp(-np.e) * np.e),
        (lambda x: np.exp(-np.maximum(np.exp(-x), 0.5 * np.exp(-x))), np.exp(-np.e) * np.e),
        (lambda x: np.exp(-np.minimum(np.exp(-x), 2 * np.exp(-x))), np.exp(-np.e) * np.e),
        (lambda x: 2 * np.mean(np.exp(-np.exp(-x)).reshape(2, 1), axis=0), np.exp(-np.e) * np.e),
        (lambda x: np.exp(-np.exp(-x)) * np.log2(np.exp(-x)), np.exp(-np.e) * (np.e - 1) / np.log(2)),
        (lambda x: np.exp(-np.exp(-x)) * np.log10(np.exp(-x)), np.exp(-np.e) * (np.e - 1) / np.log(10)),
    ],
)
def test_far_out_the_slope_is_0_and_no_nan(f, slope):
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(grad(lambda x: np.sum(f(x)))(z), [0, slope], rtol=1e-9)


def test_a_number_is_written_to_in_place():
    b = other = Tensor(0.5)
    (3 * b).backward()
    b -= 0.1 * b.grad
    assert b is other
    assert (other.item(), other.operation) == (0.5 - 0.1 * 3.0, None)


def test_a_leaf_whose_data_were_looked_at_is_written_to():
    W, u = Tensor(np.arange(3.0)), Tensor(2.0)
    held = W.data
    W[0] = 3 * u
    np.sum(W * W).backward()
    assert (held[0], u.grad) == (0.0, 36.0)


def test_the_last_two_places_of_an_interpolation_are_one():
    places, values = np.array([0.0, 1, 2, 2]), np.array([1.0, 3, 4, 7])
    x = np.array([0.5, 2.0, 2.5, 1.0])
    for found in (np.interp(Tensor(x), places, values), np.interp(x, Tensor(places), Tensor(values))):
        np.testing.assert_array_equal(found.data, np.interp(x, places, values))
    check_gradients(lambda v: np.sum(np.interp(x, places, v) ** 2), values, order=2)


def test_a_singular_matrix_has_an_infinite_condition():
    assert np.linalg.cond(Tensor(np.zeros((3, 3)))).item() == np.inf


@pytest.mark.parametrize(
    ("call", "x"),
    [
        (lambda a: np.pad(a, 1, mode="mean"), np.ones((0, 4))),
        (lambda a: np.pad(a, 1, mode="linear_ramp"), np.ones((3, 0))),
        (lambda a: np.pad(a, [(1, 2), (3, 4)]), np.ones(())),
        (lambda a: np.multiply.reduceat(a, [0, 3]), np.ones((3, 4))),
        (lambda a: a.flat.__setitem__(2, []), np.ones((2, 2))),
    ],
)
def test_what_numpy_refuses_is_refused(call, x):
    for a in (x, Tensor(x)):
        with pytest.raises((ValueError, IndexError)):
            call(a)
