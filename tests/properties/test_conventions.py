"""What holds at kinks, at infinities and at the edges of a function's domain, and what is refused there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import special

from tinygrad_course import Tensor, compiled, grad, hvp


def slope(f: Callable[..., Any], *args: Any) -> list[Any]:
    """The gradients of the sum of f with respect to all of its arguments, which are Tensors."""
    tensors = [Tensor(a) for a in args]
    y = f(*tensors)
    y.backward(np.ones(y.shape))
    return [np.zeros(t.shape) if t.grad is None else t.grad for t in tensors]


Z = np.array([-1.0, 0.0, 2.0])
CHOICES = (np.maximum, np.minimum, np.fmax, np.fmin)

# ------------------------------------------------------------------ kinks


def test_relu_has_slope_0_at_0() -> None:
    for relu in (
        lambda z: np.maximum(0, z),
        lambda z: np.maximum(z, 0),
        lambda z: np.maximum(np.zeros(3), z),
        lambda z: np.fmax(z, 0.0),
        lambda z: np.clip(z, 0, None),
        lambda z: np.clip(z, 0, 10),
        lambda z: z * (z > 0),
        lambda z: np.where(z > 0, z, 0),
    ):
        np.testing.assert_array_equal(slope(relu, Z)[0], [0.0, 0.0, 1.0])
        np.testing.assert_array_equal(slope(lambda z, relu=relu: relu(z * 1.0), Z)[0], [0.0, 0.0, 1.0])


@given(x=hnp.arrays(float, 4, elements=st.integers(-2, 2).map(float)), c=st.integers(-2, 2))
def test_ties_go_to_constants_and_are_shared_by_tensors(x: Any, c: int) -> None:
    for choose in CHOICES:
        wins = choose(x, c) == x
        np.testing.assert_array_equal(slope(lambda t, choose=choose: choose(t, c), x)[0], wins & (x != c))
        np.testing.assert_array_equal(slope(lambda t, choose=choose: choose(c, t), x)[0], wins & (x != c))
        a, b = slope(choose, x, np.full(4, float(c)))
        np.testing.assert_array_equal(a + b, 1.0)
        np.testing.assert_array_equal(a[x == c], 0.5)
        np.testing.assert_array_equal(slope(lambda t, choose=choose: choose(t, t), x)[0], 1.0)


@given(
    x=hnp.arrays(float, (3, 4), elements=st.integers(-1, 1).map(float)),
    axis=st.sampled_from([None, 0, 1, (0, 1)]),
)
def test_equal_maxima_share(x: Any, axis: Any) -> None:
    for extreme in (np.max, np.min, np.amax, np.amin):
        y = extreme(x, axis=axis, keepdims=True)
        share = (x == y) / np.sum(x == y, axis=axis, keepdims=True)
        np.testing.assert_allclose(slope(lambda t, extreme=extreme: extreme(t, axis=axis), x)[0], share)
    np.testing.assert_allclose(
        slope(lambda t: np.linalg.norm(t, np.inf), x[0])[0],
        np.sign(x[0]) * (np.abs(x[0]) == np.max(np.abs(x[0]))) / np.sum(np.abs(x[0]) == np.max(np.abs(x[0]))),
    )


def test_an_initial_value_is_a_constant() -> None:
    np.testing.assert_array_equal(slope(lambda t: np.max(t, initial=2.0), Z)[0], [0.0, 0.0, 0.0])
    np.testing.assert_array_equal(slope(lambda t: np.max(t, initial=1.0), Z)[0], [0.0, 0.0, 1.0])


def test_zero_at_the_origin() -> None:
    o = np.zeros(3)
    for f in (np.abs, np.fabs, np.linalg.norm, np.std, np.hypot, np.nanstd):
        for g in slope(f, *([o, o] if f is np.hypot else [o])):
            np.testing.assert_array_equal(g, 0.0)
    for order in (None, 1, 2, 3, 2.5, np.inf, -np.inf, 0):
        np.testing.assert_array_equal(slope(lambda t, order=order: np.linalg.norm(t, order), o)[0], 0.0)
    for order in ("fro", 1, np.inf):
        matrix = np.zeros((2, 3))
        np.testing.assert_array_equal(slope(lambda t, order=order: np.linalg.norm(t, order), matrix)[0], 0.0)
    np.testing.assert_array_equal(slope(np.std, np.full(3, 1.25))[0], 0.0)


def test_powers() -> None:
    np.testing.assert_array_equal(slope(lambda t: t**0, Z)[0], 0.0)
    np.testing.assert_array_equal(slope(lambda t: t**0.0, Z)[0], 0.0)
    np.testing.assert_array_equal(slope(lambda t: t ** np.zeros(3), Z)[0], 0.0)
    np.testing.assert_array_equal(slope(lambda t: t**3, Z)[0], 3 * Z**2)
    np.testing.assert_array_equal(slope(lambda t: t ** np.array([1, 2, 3]), Z)[0], [1.0, 0.0, 12.0])
    base, exponent = slope(np.power, [0.0, 0.0, 2.0], [0.0, 2.0, 0.0])
    np.testing.assert_array_equal(base, 0.0)
    np.testing.assert_allclose(exponent, [0.0, 0.0, np.log(2.0)])
    np.testing.assert_allclose(slope(lambda t: 0.0**t, [2.0])[0], 0.0)
    with pytest.warns(RuntimeWarning, match="invalid value"):
        assert np.isnan(slope(np.power, [-2.0], [2.0])[1])


def test_the_root_of_0_has_an_infinite_slope_and_says_so() -> None:
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        assert slope(np.sqrt, [0.0])[0] == np.inf


# ------------------------------------------------------------------ infinities and saturation


def test_saturated_functions_have_finite_slopes() -> None:
    far = np.array([-1e4, -800.0, 800.0, 1e4])
    for f in (special.expit, special.log_expit, np.tanh, special.log_ndtr, lambda t: np.logaddexp(0, t)):
        assert np.all(np.isfinite(slope(f, far)[0]))
    np.testing.assert_array_equal(slope(special.log_expit, far)[0], [1.0, 1.0, 0.0, 0.0])
    np.testing.assert_array_equal(slope(lambda t: np.logaddexp(0, t), far)[0], [0.0, 0.0, 1.0, 1.0])
    np.testing.assert_allclose(slope(special.log_ndtr, [-1e6])[0], 1e6)


def test_logaddexp_of_infinities() -> None:
    inf = np.inf
    a, b = slope(np.logaddexp, [-inf, -inf, inf, inf, 0.0], [-inf, 0.0, 0.0, inf, inf])
    np.testing.assert_array_equal(a, [0.5, 0.0, 1.0, 0.5, 0.0])
    np.testing.assert_array_equal(b, [0.5, 1.0, 0.0, 0.5, 1.0])
    for c in (-inf, 3.0):
        np.testing.assert_array_equal(slope(lambda t, c=c: np.logaddexp(c, t), [inf])[0], 1.0)
    x = np.array([[-inf, 0.0], [-inf, -inf], [inf, 0.0]])
    share = slope(lambda t: np.logaddexp.reduce(t, axis=1), x)[0]
    np.testing.assert_array_equal(share, [[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]])


def test_entropies_at_0() -> None:
    for f in (special.xlogy, lambda x, y: special.xlog1py(x, y - 1.0)):
        a, b = slope(f, [0.0, 0.0, 2.0], [0.0, 3.0, 4.0])
        np.testing.assert_allclose(a, [0.0, np.log(3.0), np.log(4.0)])
        np.testing.assert_allclose(b, [0.0, 0.0, 0.5])


@given(
    hnp.arrays(float, hnp.array_shapes(max_dims=2, max_side=5), elements=st.sampled_from([0.0, 1.5, -2.0]))
)
def test_products_with_zeros_are_exact(x: Any) -> None:
    expected = np.array([np.prod(np.delete(x.reshape(-1), i)) for i in range(x.size)]).reshape(x.shape)
    np.testing.assert_array_equal(slope(np.prod, x)[0], expected)


def test_steps_are_constant() -> None:
    for f in (
        np.floor,
        np.sign,
        np.round,
        np.trunc,
        np.argmax,
        lambda t: t > 0,
        lambda t: np.heaviside(t, 0.5),
    ):
        assert not isinstance(f(Tensor(Z)), Tensor)
    np.testing.assert_array_equal(grad(lambda t: np.sum(t * np.sign(t)))(Z), [-1.0, 0.0, 1.0])


def test_a_triangle_that_is_not_read_has_no_gradient() -> None:
    a = np.array([[4.0, 1.0], [1.0, 3.0]])
    assert slope(np.linalg.cholesky, a)[0][0, 1] == 0.0
    assert slope(np.linalg.eigvalsh, a)[0][0, 1] == 0.0
    assert slope(lambda t: np.linalg.eigvalsh(t, "U"), a)[0][1, 0] == 0.0


# ------------------------------------------------------------------ refused

t = Tensor(np.ones((2, 2)))


@pytest.mark.parametrize(
    "call",
    [
        lambda: np.add(t, 1.0, out=np.zeros((2, 2))),
        lambda: np.add(t, 1.0, where=np.eye(2) > 0),
        lambda: np.exp(t, dtype=int),
        lambda: np.matmul(t, t, axes=[(0, 1), (0, 1), (0, 1)]),
        lambda: np.sum(t, out=np.zeros(())),
        lambda: np.sum(t, where=t),
        lambda: np.var(t, out=np.zeros(())),
        lambda: np.clip(t, 0, 1, out=np.zeros((2, 2))),
        lambda: np.einsum("ij->i", t, out=np.zeros(2)),
        lambda: np.pad(t, 1, mode="empty"),
        lambda: np.pad(t, 1, mode=lambda vector, width, axis, keywords: None),
        lambda: np.pad(t, Tensor(1.0)),
        lambda: np.quantile(t, Tensor(0.5)),
        lambda: np.quantile(t, 0.5, weights=t, method="inverted_cdf"),
        lambda: np.sort(t, order="x"),
        lambda: np.linalg.qr(np.ones((3, 1)) * t[:1, :1], mode="complete"),
        lambda: np.sum(special.gammainc(t, 1.0)).backward(),
    ],
)
def test_arguments_that_are_not_covered_raise(call: Callable[[], Any]) -> None:
    with pytest.raises(TypeError) as caught:
        call()
    assert len(str(caught.value)) > 20


def alone(name: str) -> Callable[[Any], Any]:
    """A cost of the one vector whose value is alone; its square does not know the vector's sign."""
    weights = np.array([[1.0, 2.0, 3.0, 4.0]])
    if name == "eigh":
        return lambda a: np.sum(weights @ np.linalg.eigh(a + a.T)[1][:, -1:]) ** 2
    if name == "eig":

        def cost(a: Any) -> Any:
            w, v = np.linalg.eig(a + a.T)
            return np.sum(np.real(weights @ v[:, np.argmax(np.real(w))])) ** 2

        return cost
    return lambda a: (
        np.sum(weights @ np.linalg.svd(a)[0][:, :1]) ** 2 + np.sum(weights * np.linalg.svd(a)[2][:1]) ** 2
    )


@pytest.mark.parametrize("name", ["eigh", "eig", "svd"])
def test_vectors_of_a_value_that_is_alone_beside_equal_ones(name: str) -> None:
    rng = np.random.RandomState(0)
    turn = np.linalg.qr(rng.randn(4, 4))[0]
    a = turn @ np.diag([3.0, 1.0, 1.0, 1.0]) @ turn.T
    f, d, h = alone(name), rng.randn(4, 4), 1e-4
    expected = (f(a + h * d) - f(a - h * d)) / (2 * h)
    assert np.sum(grad(f)(a) * d) == pytest.approx(expected, rel=1e-6)
    program = compiled(grad(f))
    program(a + 0.1 * d)
    assert np.sum(program(a) * d) == pytest.approx(expected, rel=1e-6)
    with pytest.raises(np.linalg.LinAlgError, match="coincide"):
        hvp(f)(a, d)  # the vectors of the others are in it


def test_degenerate_spectra_raise_where_vectors_matter() -> None:
    one = np.eye(3)
    for f in (lambda a: np.sum(np.linalg.eigh(a)[1] ** 3), lambda a: np.sum(np.linalg.svd(a)[0] ** 3)):
        with pytest.raises(np.linalg.LinAlgError, match="coincide"):
            grad(f)(one)
    np.testing.assert_allclose(grad(lambda a: np.sum(np.linalg.eigh(a)[0]))(one), one, atol=1e-12)
    np.testing.assert_allclose(grad(lambda a: np.sum(np.linalg.svd(a)[1]))(one), one, atol=1e-12)
    with pytest.raises(np.linalg.LinAlgError, match="full_matrices"):
        grad(lambda a: np.sum(np.linalg.svd(a)[0][:, 2] ** 3))(np.arange(6.0).reshape(3, 2))


def test_eigenvectors_of_complex_eigenvalues() -> None:
    A = np.array([[0.5, 1.5, 0.0], [-1.0, 0.2, 0.3], [0.4, 0.0, -1.0]])

    def cost(a: Any) -> Any:
        w, V = np.linalg.eig(a)
        return np.sum(np.imag(w) ** 2) + np.sum(np.abs(V / V[0]) ** 2 * np.real(w))

    assert np.any(np.imag(np.linalg.eigvals(A)))
    steps = 1e-6 * np.eye(9).reshape(9, 3, 3)
    numeric = np.array([(cost(A + h) - cost(A - h)) / 2e-6 for h in steps]).reshape(3, 3)
    np.testing.assert_allclose(grad(cost)(A), numeric, atol=1e-7)
