"""Every function of the vocabulary that takes complex numbers: its gradients with respect to real ones.

The variables of a call become c x + d with complex constants, and the cost is a real part: the gradient and
the second derivative with respect to x are held against differences.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties.test_vocabulary import assert_close, differences, evaluate, outputs, variables
from tests.properties.vocabulary import CASES, Call, Case
from tinygrad_course import Tensor, compiled, grad, hessian, jacobian, jvp, value_and_grad, vjp
from tinygrad_course.rules.table import RULES

#: Not to be had for complex numbers, with what the error says.
REFUSED = {
    "special.psi": "polygamma",
    "special.gamma": "polygamma",
    "special.loggamma": "polygamma",
    "special.rgamma": "polygamma",
}
#: The vectors are determined up to factors of size 1.
UNDETERMINED = {"eigh", "svd", "svd, square"}


def takes_complex(case: Case, call: Call, values: list[Any]) -> bool:
    """Whether NumPy itself computes it, as numbers."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            ys = outputs(evaluate(case, call, values))
    except Exception:  # noqa: BLE001  (whatever NumPy says)
        return False
    return all(np.all(np.isfinite(y)) for y in ys if hasattr(y, "dtype") and y.dtype.kind in "fc")


def complex_like(shape: tuple[int, ...], seed: int) -> Any:
    rng = np.random.default_rng(seed)
    return rng.uniform(0.5, 1.5, shape) * np.exp(1j * rng.uniform(0.0, 6.0, shape))


def turned(values: list[Any], dtype: Any = np.complex128) -> list[tuple[Any, Any]]:
    """Complex factors and terms that leave the numbers in the neighbourhood of real ones."""
    rng = np.random.default_rng(len(values))
    return [
        (
            np.exp(1j * rng.uniform(0.1, 0.4, v.shape)).astype(dtype),
            (0.2j * rng.uniform(-1.0, 1.0, v.shape)).astype(dtype),
        )
        for v in values
    ]


def cost(case: Case, call: Call, of: list[tuple[Any, Any]], plain: list[Any]) -> Any:
    weights = [complex_like(np.shape(y), 1) for y in plain]

    def J(values: list[Any]) -> Any:
        ys = outputs(evaluate(case, call, [c * v + d for v, (c, d) in zip(values, of, strict=True)]))
        if case.name in UNDETERMINED:
            ys = [np.abs(y) for y in ys]
        return sum(
            np.sum(np.real(w * y))
            for y, w in zip(ys, weights, strict=True)
            if hasattr(y, "dtype") and y.dtype.kind in "fc"
        )

    return J


@pytest.mark.sampled(12)
@pytest.mark.parametrize("name", CASES)
@settings(max_examples=settings.default.max_examples // 6)
@given(data=st.data())
def test_gradients_through_complex_numbers(name: str, data: Any) -> None:
    if name in REFUSED:
        with pytest.raises(TypeError, match=REFUSED[name]):
            hold_gradients(CASES[name], data)
    else:
        hold_gradients(CASES[name], data)


def hold_gradients(case: Case, data: Any) -> None:
    call = data.draw(case.calls)
    values = variables(call)
    of = turned(values)
    at = [c * v + d for v, (c, d) in zip(values, of, strict=True)]
    if not values or not takes_complex(case, call, at):
        return
    plain = outputs(evaluate(case, call, at))
    if not any(getattr(y, "dtype", np.dtype(bool)).kind in "fc" for y in plain):
        return
    J = cost(case, call, of, plain)
    tensors = [Tensor(v) for v in values]
    ours = outputs(evaluate(case, call, [c * t + d for t, (c, d) in zip(tensors, of, strict=True)]))
    for y, theirs in zip(ours, plain, strict=True):
        got = y.data if isinstance(y, Tensor) else y
        assert np.shape(got) == np.shape(theirs)
        if case.function in RULES:
            np.testing.assert_array_equal(got, theirs)
        else:
            np.testing.assert_allclose(got, theirs, rtol=1e-11, atol=1e-11)
    slope = grad(J)(values)
    for i, g in enumerate(slope):
        assert g.dtype == values[i].dtype
        assert_close(g, differences(J, values, i), 1e-6)
    if not case.twice:
        return
    rng = np.random.default_rng(2)
    u = [rng.uniform(0.5, 1.5, v.shape) for v in values]
    square = grad(lambda v: J(v) ** 2 / 2.0)

    def along(v: list[Any]) -> Any:
        return sum(np.sum(g * a) for g, a in zip(square(v), u, strict=True))

    for i, g in enumerate(grad(along)(values)):
        assert_close(g, differences(along, values, i), 1e-5)


# ------------------------------------------------------------------ dtypes, results that are complex


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.abs(np.fft.fft(x)) ** 2,
        lambda x: np.abs((1 + 2j) * x),
        lambda x: np.imag(np.exp(1j * x)),
        lambda x: np.fft.irfft(np.fft.rfft(x) * np.complex64(1 + 1j)),
        lambda x: np.angle(x + np.complex64(1j)),
        lambda x: np.real((x[:, None] * np.complex64(1j)) @ x[None, :].astype(np.complex64)),
    ],
)
def test_single_precision_stays_single(f: Any) -> None:
    x = np.array([0.5, -1.2, 0.3, 2.0])
    t = Tensor(x.astype(np.float32))
    J = np.sum(f(t))
    assert J.dtype == np.float32
    J.backward()
    assert t.grad.dtype == np.float32
    np.testing.assert_allclose(t.grad, grad(lambda x: np.sum(f(x)))(x), rtol=1e-4, atol=1e-4)


def test_the_gradient_of_a_complex_tensor_is_what_the_documentation_says() -> None:
    """dJ/dx - i dJ/dy: JAX's and autograd's, the conjugate of PyTorch's."""
    x, y = Tensor(0.5), Tensor(-1.5)
    z = x + 1j * y
    np.real((2.0 + 3.0j) * z * z).backward(retain_graph=True)
    assert z.grad == x.grad - 1j * y.grad
    np.testing.assert_allclose(z.grad, 2.0 * (2.0 + 3.0j) * z.data, rtol=1e-15)


def test_a_complex_cost_is_refused() -> None:
    t = Tensor([1.0, 2.0])
    J = np.sum(1j * t)
    with pytest.raises(TypeError, match="complex"):
        J.backward()
    with pytest.raises(TypeError, match="complex"):
        grad(lambda x: np.sum(1j * x))(np.ones(2))
    J.backward(np.complex128(1.0))  # the gradient of what comes after it: of the real part
    np.testing.assert_array_equal(t.grad, [0.0, 0.0])


def test_jacobian_jvp_and_vjp_of_a_complex_result() -> None:
    c, x, v = np.array([1 + 2j, -1j, 0.5]), np.array([0.3, 1.0, -2.0]), np.array([1.0, -1.0, 0.5])

    def f(x: Any) -> Any:
        return np.exp(c * x) * np.sum(x)

    expected = np.diag(c * np.exp(c * x) * np.sum(x)) + np.exp(c * x)[:, None]
    np.testing.assert_allclose(jacobian(f)(x), expected, rtol=1e-13)
    np.testing.assert_allclose(jvp(f, (x,), (v,))[1], expected @ v, rtol=1e-13)
    g = complex_like((3,), 3)
    y, pullback = vjp(f, x)
    np.testing.assert_array_equal(y, f(x))
    np.testing.assert_allclose(pullback(g)[0], np.real(g @ expected), rtol=1e-13)
    nested = jacobian(lambda p: 1j * p["a"] * p["b"])({"a": x, "b": np.float64(2.0)})
    np.testing.assert_allclose(nested["a"], 2j * np.eye(3))
    np.testing.assert_allclose(nested["b"], 1j * x)


@pytest.mark.parametrize("function", [np.linalg.eigh, np.linalg.svd])
def test_a_cost_that_depends_on_the_factors_of_vectors_is_refused(function: Any) -> None:
    h = np.array([[2.0, 1j], [-1j, 1.0]])

    def cost(x: Any) -> Any:
        vectors = function(h + x * np.ones((2, 2)))
        return np.sum(
            np.real(vectors[1] if function is np.linalg.eigh else vectors[0]) * [[1.0, 2.0], [3.0, 5.0]]
        )

    with pytest.raises(np.linalg.LinAlgError, match="factor of size 1"):
        grad(cost)(0.3)


C = complex_like((4, 4), 4)


@pytest.mark.parametrize("engine", ["numpy", "machine"])
@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(np.abs(np.fft.fft2(x)) ** 2 * np.arange(4)),
        lambda x: np.real(np.vdot(C * x, C @ x)),
        lambda x: np.sum(np.abs((C * x) @ (C * x).conj().T)),
        lambda x: np.sum(np.imag((C * x) ** 2 / (3.0 + C * x))),
        lambda x: np.sum(np.real(np.log(1 / (1 + np.exp(-(C * x)))))),
        lambda x: np.sum(np.real(np.sign(C * x) * C)) + np.var(C * x),
        lambda x: np.sum(np.fft.irfft(np.fft.rfft(x) * np.array([1, 2j, 3])) ** 2),
    ],
)
def test_compiled(f: Any, engine: str) -> None:
    if engine == "machine":
        pytest.importorskip("llvmlite")
    x = np.random.default_rng(5).uniform(0.5, 1.5, (4, 4))
    step, (J, g) = compiled(value_and_grad(f), engine=engine), value_and_grad(f)(x)
    for _ in range(2):
        got, slope = step(x)
        np.testing.assert_allclose(got, J, rtol=1e-12)
        np.testing.assert_allclose(slope, g, rtol=1e-11, atol=1e-12)
        assert slope.dtype == g.dtype


@pytest.mark.parametrize("x", [[0.0, 0.0], [0.0, 1.0]])
@pytest.mark.parametrize(
    ("f", "second"),
    [
        (lambda x: np.linalg.norm(1j * x) ** 2, 2 * np.eye(2)),
        (lambda x: np.sum(np.abs((2 + 1j) * x) ** 2), 10 * np.eye(2)),
        (lambda x: np.abs(np.sum((2 + 1j) * x)) ** 2, np.full((2, 2), 10.0)),
        (lambda x: np.sum(np.abs(np.fft.fft(x)) ** 2), 4 * np.eye(2)),
        (lambda x: np.sum(np.real(np.log(np.sum(np.exp(1j * x * x))) * 0.0)) + x[0] * x[0], [[2, 0], [0, 0]]),
    ],
)
def test_squares_of_sizes_are_smooth_at_0(f: Any, second: Any, x: Any) -> None:
    np.testing.assert_allclose(grad(f)(np.array(x)), np.dot(second, np.array(x)), atol=1e-14)
    np.testing.assert_allclose(hessian(f)(np.array(x)), second, atol=1e-14)


def test_logarithms_of_complex_exponentials() -> None:
    x = np.array([[0.3, -1.2, 2.0], [1.0, 0.5, -0.4]])
    c = np.array([1 + 2j, -1j, 0.5 - 1j])

    def f(x: Any) -> Any:
        total = np.sum(np.exp(c * x), axis=1)
        return np.sum(np.real(np.log(total)) + np.angle(total))

    expected = c * np.exp(c * x) / np.sum(np.exp(c * x), axis=1, keepdims=True)
    np.testing.assert_allclose(grad(f)(x), np.real(expected) + np.imag(expected), rtol=1e-13)
    np.testing.assert_allclose(
        grad(lambda x: np.sum(np.angle(np.exp(1j * x))))(x), np.ones((2, 3)), rtol=1e-13
    )


def test_methods_and_attributes() -> None:
    x = np.array([0.5, -1.2])
    z = (1 + 2j) * Tensor(x)
    for ours, theirs in (
        (z.real, x),
        (z.imag, 2 * x),
        (z.conj(), (1 - 2j) * x),
        (z.conjugate(), (1 - 2j) * x),
        (z.astype(np.complex64), ((1 + 2j) * x).astype(np.complex64)),
        (abs(z), np.abs((1 + 2j) * x)),
    ):
        np.testing.assert_array_equal(ours.data, theirs)
        assert ours.dtype == theirs.dtype
    assert z[0].item() == 0.5 + 1j
    assert "1j" in repr(z[0])
    with pytest.raises(TypeError):
        float(z[0])
    with pytest.raises(TypeError, match="1j"):
        Tensor(1j)
