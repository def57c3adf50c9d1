"""The ledger: every function that NumPy can hand to a Tensor is on exactly one list.

A function is recorded by a rule or a definition, or it has no derivative and returns plain arrays, or it is
refused with a reason. SciPy's plain functions, which no protocol reaches, raise.
"""

from __future__ import annotations

import inspect
import operator
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.char
import numpy.fft
import numpy.lib.recfunctions
import numpy.linalg
import numpy.polynomial.polynomial
import numpy.strings
import pytest
from numpy.testing.overrides import get_overridable_numpy_array_functions, get_overridable_numpy_ufuncs
from scipy import special

from tinygrad_course import Tensor, compiled, grad, value_and_grad
from tinygrad_course.rules.table import (
    COMPOSED,
    NO_DERIVATIVE,
    REFUSED,
    RULES,
    UFUNC_METHODS,
    entered_late,
    refusal,
)
from tinygrad_course.rules.ufunc_methods import method_of

entered_late()


def public(function: Callable[..., Any]) -> Callable[..., Any]:
    """What NumPy hands over: of functions with like=, which are registered twice, np's own."""
    own = getattr(np, function.__name__, None)
    return own if getattr(function, "__module__", "") == "numpy" and callable(own) else function


def everything() -> list[Callable[..., Any]]:
    found = {public(f) for f in get_overridable_numpy_array_functions()} | get_overridable_numpy_ufuncs()
    for module in (np, np.linalg, np.fft):
        found |= {
            f for f in vars(module).values() if isinstance(f, np.ufunc) or hasattr(f, "_implementation")
        }
    found |= {f for f in vars(special).values() if isinstance(f, np.ufunc)}
    return sorted(found, key=name)


def name(function: Callable[..., Any]) -> str:
    return f"{getattr(function, '__module__', 'ufunc')}.{function.__name__}"


def lists(function: Callable[..., Any]) -> list[str]:
    """The lists that a function is on."""
    on = {
        "rule": function in RULES,
        "composed": function in COMPOSED,
        "no derivative": function in NO_DERIVATIVE,
        "refused": refusal(function) is not None,
    }
    return [which for which, there in on.items() if there]


def unlisted(functions: list[Callable[..., Any]]) -> dict[str, list[str]]:
    return {name(f): lists(f) for f in functions if len(lists(f)) != 1}


def test_every_function_is_on_one_list() -> None:
    functions = everything()
    assert len(functions) > 302 + 127
    assert unlisted(functions) == {}


def test_an_unlisted_function_fails_the_ledger() -> None:
    own = np.frompyfunc(lambda x: x, 1, 1)
    found = unlisted([np.tanh, own])
    assert list(found.values()) == [[]]


def test_an_unlisted_function_raises_and_names_register_rule() -> None:
    own = np.frompyfunc(lambda x: x, 1, 1)
    with pytest.raises(TypeError, match="register_rule"):
        own(Tensor([1.0, 2.0]))


@pytest.mark.parametrize("function", [f for f in everything() if refusal(f) is not None], ids=name)
def test_refused_functions_raise_with_the_reason(function: Callable[..., Any]) -> None:
    t = Tensor([[0.5, 0.25], [0.125, 0.75]])
    reason = refusal(function)
    assert reason
    # by the protocols, so that arguments that the function would refuse itself are not in the way
    with pytest.raises(TypeError) as caught:
        (
            t.__array_ufunc__(function, "__call__", t)
            if isinstance(function, np.ufunc)
            else t.__array_function__(function, (Tensor,), (t,), {})
        )
    assert reason in str(caught.value)
    assert function.__name__ in str(caught.value)


def test_functions_without_a_derivative_return_plain_values() -> None:
    t, n = Tensor([[0.5, 0.25], [0.125, 0.75]]), 0
    x = t.data
    for function in sorted(NO_DERIVATIVE, key=name):
        arguments = 2 if isinstance(function, np.ufunc) and function.nin == 2 else 1
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # np.fix, from NumPy 2.5 on
                plain = function(*(x,) * arguments)
                ours = function(*(t,) * arguments)
        except TypeError:
            continue  # more arguments are needed; see the cases below
        assert not isinstance(ours, Tensor), function
        if not isinstance(plain, (tuple, str)) and function is not np.empty_like:
            np.testing.assert_array_equal(ours, plain)
        n += 1
    assert n > 50
    for ours, plain in (
        (np.allclose(t, x), True),
        (np.isclose(t, t + 1.0), np.isclose(x, x + 1.0)),
        (np.searchsorted(t[0] * -1.0, 0.3), 2),
        (np.searchsorted([0.0, 1.0], t), np.searchsorted([0.0, 1.0], x)),
        (np.digitize(t, np.array([0.3])), np.digitize(x, [0.3])),
        (np.isin(t, [0.5]), x == 0.5),
        (np.result_type(t, 1.0), np.dtype(float)),
        (np.argpartition(t, 1), np.argpartition(x, 1)),
        (np.array_equal(t, t), True),
        (operator.eq(t, 0.5), x == 0.5),
    ):
        assert not isinstance(ours, Tensor)
        np.testing.assert_array_equal(ours, plain)


# ------------------------------------------------------------------ methods of ufuncs


@pytest.mark.parametrize(
    ("call", "same"),
    [
        (np.add.reduce, lambda t: np.sum(t, axis=0)),
        (lambda t: np.add.reduce(t, axis=None), np.sum),
        (lambda t: np.add.reduce(t, 1, keepdims=True), lambda t: np.sum(t, axis=1, keepdims=True)),
        (lambda t: np.multiply.reduce(t, axis=1), lambda t: np.prod(t, axis=1)),
        (np.maximum.reduce, lambda t: np.max(t, axis=0)),
        (lambda t: np.minimum.reduce(t, axis=1), lambda t: np.min(t, axis=1)),
        (lambda t: np.logaddexp.reduce(t, axis=1), lambda t: np.log(np.sum(np.exp(t), axis=1))),
        (np.add.accumulate, lambda t: np.cumsum(t, axis=0)),
        (lambda t: np.multiply.accumulate(t, axis=1), lambda t: np.cumprod(t, axis=1)),
        (lambda t: np.multiply.outer(t, t), lambda t: t[:, :, None, None] * t),
        (lambda t: np.subtract.outer([1.0, 2.0], t), lambda t: np.array([1.0, 2.0])[:, None, None] - t),
        (lambda t: np.divide.outer(t, 2.0), lambda t: t / 2.0),
    ],
)
def test_ufunc_methods(call: Any, same: Any) -> None:
    x = np.array([[0.5, 0.25, 2.0], [0.125, 0.75, 1.5]])
    np.testing.assert_allclose(call(Tensor(x)).data, call(x), rtol=1e-15)
    ours, theirs = Tensor(x), Tensor(x)
    weights = np.cos(np.arange(call(x).size)).reshape(call(x).shape)
    np.sum(weights * call(ours)).backward()
    np.sum(weights * same(theirs)).backward()
    np.testing.assert_allclose(ours.grad, theirs.grad, rtol=1e-13)


@pytest.mark.parametrize("method", ["reduce", "accumulate", "reduceat", "outer"])
def test_every_method_of_every_ufunc_is_known_or_refused(method: str) -> None:
    t = Tensor([[0.5, 0.25], [0.125, 0.75]])
    ufuncs = [f for f in everything() if isinstance(f, np.ufunc) and f.nin == 2 and f.nout == 1]
    for ufunc in (f for f in ufuncs if getattr(np, f.__name__, None) is f):
        args = (t, 2) if method == "outer" else (t, [0, 1]) if method == "reduceat" else (t,)
        if method_of(ufunc, method) is None:
            with pytest.raises(TypeError, match=ufunc.__name__):
                t.__array_ufunc__(ufunc, method, *args)
        elif ufunc in COMPOSED or RULES[ufunc].vjps[0] is not None:
            assert isinstance(t.__array_ufunc__(ufunc, method, *args), Tensor), ufunc


def test_running_extremes_with_nan() -> None:
    x = np.array([1.0, 3.0, 2.0, np.nan, 5.0])
    np.testing.assert_array_equal(np.maximum.accumulate(Tensor(x)).data, np.maximum.accumulate(x))
    np.testing.assert_array_equal(np.fmax.accumulate(Tensor(x)).data, np.fmax.accumulate(x))


# ------------------------------------------------------------------ keywords of ufuncs


def test_dtype_of_a_ufunc() -> None:
    x = np.array([0.5, -1.25])
    t = Tensor(x)
    y = np.exp(t, dtype=np.float32)
    np.testing.assert_array_equal(y.data, np.exp(x, dtype=np.float32))
    assert y.dtype == np.float32
    np.sum(y).backward()
    assert t.grad.dtype == np.float64
    np.testing.assert_allclose(t.grad, np.exp(x), rtol=1e-6)
    assert np.multiply(t, 1j, dtype=complex).dtype == complex
    with pytest.raises(TypeError, match="rounds"):
        np.add(t, 1.0, dtype=int)
    with pytest.raises(TypeError, match="rounds"):
        np.sum(t, dtype=int)
    with pytest.raises(TypeError, match="fit"):
        np.exp(1j * t, dtype=np.float64)


X = np.arange(6.0).reshape(2, 3) + 0.5
A = np.array([[2.0, 0.5, 0.25], [0.5, -1.0, 0.125], [0.25, 0.125, 0.5]])
CALLS = """
np.ptp(x, 1, None, True); np.nanmax(x, 0, None, True); np.clip(x, 1, 2, None); np.dot(x, x.T, None)
np.mean(x, 0, None, None, True); np.max(x, 0, None, True, 1.0); np.var(x, 0, None, None, 1, True)
np.cumsum(x, 0, None, None); np.choose([0, 1, 0], [x, x * 2], None, "wrap"); np.sum(x, 0, None, None, True)
np.median(x, 0, None, True, True); np.quantile(x, 0.3, 0, None, False, "lower", True); np.outer(x, x, None)
np.percentile(x, [30], 0, None, False, "lower", True); np.nanmean(x, 0, None, None, True); np.poly(A * x[0])
np.trace(x, 0, 0, 1, None, None); np.compress([True, False], x, 0, None); np.concatenate([x, x], 0, None)
np.median(x, overwrite_input=True); np.cov(x, dtype="f4"); np.corrcoef(x * x, dtype="f4")
x.compress([0, 1], 0); np.add(x, 1, casting="same_kind")
np.add(x.T, 1, order="C"); np.add(x, 1, order="F", subok=False)
np.exp(x, casting="unsafe", dtype="f4"); np.exp(x.T, casting="unsafe", order="F");
np.quantile(x, 0.5, overwrite_input=True); np.sum(x, axis=0, initial=x[0, 0]); np.max(x, initial=9 * x[0, 1])
np.prod(x, initial=x[0, 0]); np.min(x, 0, initial=x[0, 1]); np.cross(x[:, :2], A[:2, :2])
np.cross(x, A[1, :2]); np.linalg.svd(A * x[0, 1], hermitian=True)[1]
np.linalg.svd(A * x[0, 1], hermitian=True, compute_uv=False)
np.linalg.pinv(A * x[0, 1], hermitian=True); np.linalg.qr(A * x[0, 1], "complete")[1]
x[0, x[0].argpartition(1)]; np.linalg.eig(A * x[0, 1]).eigenvalues
"""


@pytest.mark.filterwarnings("ignore:Arrays of 2-dim:DeprecationWarning")
@pytest.mark.parametrize("text", [c.strip() for c in CALLS.replace("\n", ";").split(";") if c.strip()])
def test_arguments_that_are_seldom_given(text: str) -> None:
    """By position or by name: value, kind and layout are NumPy's, the gradient is that of differences."""

    def f(x: Any) -> Any:
        return eval(text, {"np": np, "x": x, "A": A})  # noqa: S307

    y, theirs = f(Tensor(X)), np.asarray(f(X))
    np.testing.assert_allclose(y.data, theirs, rtol=1e-14)
    assert y.dtype == theirs.dtype
    assert y.ndim < 2 or y.data.flags.c_contiguous == theirs.flags.c_contiguous
    w = np.cos(np.arange(theirs.size)).reshape(theirs.shape)
    steps = 1e-6 * np.eye(6).reshape(6, 2, 3)
    if theirs.dtype == np.float64:
        slopes = [np.sum(w * (f(X + step) - f(X - step))) / 2e-6 for step in steps]
        found = grad(lambda x: np.sum(w * f(x)))(X)
        np.testing.assert_allclose(found.ravel(), slopes, rtol=1e-7, atol=1e-7)


def test_einsum_of_axes_of_different_lengths_is_refused() -> None:
    for shape in ((4, 0), (1, 0)):
        with pytest.raises(ValueError, match="different lengths"):
            np.einsum("ii->i", Tensor(np.zeros(shape)))
    assert np.einsum("ij->i", Tensor(np.zeros((2, 0)))).shape == (2,)


def test_mean_and_median_of_nothing() -> None:
    """NaN, with NumPy's warnings and no other."""
    for f in (np.mean, np.median):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            f(np.zeros(0))
        known = {str(w.message) for w in seen}
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            J, g = value_and_grad(lambda x, f=f: f(x[x > 9]))(np.ones(3))
        assert {str(w.message) for w in seen} <= known
        assert np.isnan(J)
        np.testing.assert_array_equal(g, np.zeros(3))


def test_where_of_a_ufunc_needs_a_place_that_remembers() -> None:
    t = Tensor([1.0, -1.0])
    for out in (None, np.zeros(2)):
        with pytest.raises(TypeError, match=r"np\.where\(condition"):
            np.log(t, where=t > 0, out=out)
    out = t * 0.0
    y = np.log(t, where=t > 0, out=out)
    assert y is out
    np.sum(y).backward()
    np.testing.assert_array_equal(t.grad, [1.0, 0.0])


def test_np_vectorize_is_told_what_to_write() -> None:
    """It makes plain arrays of its arguments before any protocol is asked."""
    with pytest.raises(TypeError, match=r"np\.stack"):
        np.vectorize(lambda x: x * x)(Tensor([1.0, 2.0]))


def test_methods_of_arrays() -> None:
    x = np.array([[0.5, 3.0, 2.0], [0.125, 0.75, 1.5]])
    t = Tensor(x)
    for ours, theirs in (
        (t.mT, x.mT),
        (t.take([0, 2], axis=1), x.take([0, 2], axis=1)),
        (t.diagonal(1), x.diagonal(1)),
        (t.cumprod(axis=0), x.cumprod(axis=0)),
    ):
        assert isinstance(ours, Tensor)
        np.testing.assert_array_equal(ours.data, theirs)
    for plain, numpys in (
        (t.argsort(axis=0), x.argsort(axis=0)),
        (t.nonzero(), x.nonzero()),
        (t[0].searchsorted(1.0), x[0].searchsorted(1.0)),
    ):
        assert not isinstance(plain, Tensor)
        np.testing.assert_array_equal(plain, numpys)
    y = t * 1.0
    y.sort(axis=0)
    np.testing.assert_array_equal(y.data, np.sort(x, axis=0))
    np.sum(y * np.array([[1.0], [10.0]])).backward()
    np.testing.assert_array_equal(t.grad, [[10.0, 10.0, 10.0], [1.0, 1.0, 1.0]])


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.cumulative_sum(x, axis=(0,)),
        lambda x: np.multiply.accumulate(x, axis=(0,)),
        lambda x: np.maximum.accumulate(x, axis=(0,)),
        lambda x: np.logaddexp.accumulate(x, axis=(0,)),
        lambda x: np.unwrap(x * 9.0, axis=0, period=x[0] ** 2 + 1.0),
        lambda x: np.full_like(x, 2.0, device="cpu") * x,
        lambda x: np.full_like(x, x[1], device="cpu"),
        lambda x: np.polymul(x[:0], x) + x,
        lambda x: np.stack(divmod(x, 0.7)),
        lambda x: np.sin(x).view(),
        lambda x: np.stack([x, x**2]).mT,
    ],
)
def test_calls_that_are_seldom_made(f: Any) -> None:
    x = np.array([0.5, -1.25, 2.0, 4.5, -3.0])
    np.testing.assert_allclose(f(Tensor(x)).data, f(x), rtol=1e-13)
    weights = np.cos(np.arange(f(x).size)).reshape(f(x).shape)
    g = grad(lambda x: np.sum(weights * f(x)))
    differences = [np.sum(weights * (f(x + h) - f(x - h))) / 2e-6 for h in 1e-6 * np.eye(5)]
    np.testing.assert_allclose(g(x), differences, rtol=1e-7, atol=1e-7)
    for engine in ("numpy", "machine"):
        if "polymul" not in f.__code__.co_names:
            np.testing.assert_allclose(compiled(g, engine)(x), g(x), rtol=1e-12, atol=1e-14)


def test_methods_are_those_of_listed_ufuncs() -> None:
    for ufunc, _ in UFUNC_METHODS:
        assert ufunc in RULES or ufunc in COMPOSED


# ------------------------------------------------------------------ SciPy's plain functions

#: Of scipy.special, what takes no arrays: counts of zeros and roots, settings, error classes.
TAKES_NUMBERS = {"geterr", "seterr", "errstate", "SpecialFunctionWarning", "SpecialFunctionError"}


def plain_functions() -> list[str]:
    return [
        n for n in special.__all__ if not isinstance(getattr(special, n), np.ufunc) and n not in TAKES_NUMBERS
    ]


@pytest.mark.parametrize("function", plain_functions())
def test_plain_functions_of_scipy_never_lose_a_gradient(function: str) -> None:
    """Given a Tensor, each raises (or records, like special.sinc, which is NumPy's)."""
    f = getattr(special, function)
    t = Tensor([0.5, 1.5])
    try:
        count = len([p for p in inspect.signature(f).parameters.values() if p.default is p.empty])
    except (TypeError, ValueError):
        count = 1
    for place in range(max(count, 1)):
        args: list[Any] = [1] * max(count, 1)
        args[place] = t
        try:
            result = f(*args)
        except Exception:  # noqa: BLE001, S112  (whichever it is: the gradient was not lost in silence)
            continue
        parts = result if isinstance(result, tuple) else (result,)
        assert all(isinstance(p, Tensor) for p in parts), f"argument {place}"


def test_the_usual_ones_are_told_what_to_use() -> None:
    for function in (special.logsumexp, special.softmax, special.log_softmax):
        with pytest.raises(TypeError, match=r"tinygrad_course\.functions"):
            function(Tensor([0.5, 1.5]))


def test_counts() -> None:
    """Most functions are recorded: more than are without a derivative, or refused."""
    counts: dict[str, int] = {}
    for function in everything():
        (which,) = lists(function)
        counts[which] = counts.get(which, 0) + 1
    assert counts["rule"] + counts["composed"] > 340, counts
    assert counts["refused"] < 280, counts
    assert not set(REFUSED) & set(RULES)
