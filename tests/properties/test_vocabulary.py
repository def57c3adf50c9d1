"""Every function of the vocabulary: its gradients against the complex step and differences."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties.cases import (  # noqa: F401  (each enters its cases)
    calculus,
    decompositions,
    elementwise,
    keywords,
    products,
    reductions,
    scipy_special,
    shapes_and_elements,
)
from tests.properties.vocabulary import CASES, Call, Case
from tinygrad_course import CannotCompile, Tensor, compiled, grad, value_and_grad
from tinygrad_course.rules.table import COMPOSED, RULES

cases = pytest.mark.parametrize("name", CASES)


def has_names(function: Any) -> bool:
    """Whether it is NumPy's own, and its arguments have names (`np.apply_along_axis` hands them on)."""
    if isinstance(function, np.ufunc) or function not in {**RULES, **COMPOSED}:
        return False
    kinds = [p.kind for p in inspect.signature(function).parameters.values()]
    return inspect.Parameter.VAR_POSITIONAL not in kinds


# ------------------------------------------------------------------ taking calls apart


def variables(call: Call) -> list[Any]:
    """The float arrays of a call, also those in a list."""
    flat = [leaf for arg in call.args for leaf in leaves(arg)]
    return [leaf for leaf in flat if isinstance(leaf, np.ndarray) and leaf.dtype.kind == "f"]


def leaves(arg: Any) -> list[Any]:
    return [x for a in arg for x in leaves(a)] if isinstance(arg, (list, tuple)) else [arg]


def replaced(arg: Any, values: Any) -> Any:
    if isinstance(arg, (list, tuple)):
        return type(arg)(replaced(a, values) for a in arg)
    return next(values) if isinstance(arg, np.ndarray) and arg.dtype.kind == "f" else arg


def evaluate(case: Case, call: Call, values: list[Any]) -> Any:
    """The function with other values in place of its variables."""
    supply = iter(values)
    return case.function(*(replaced(a, supply) for a in call.args), **call.kwargs)


def outputs(y: Any) -> list[Any]:
    """The arrays that a function returns, one or several."""
    return list(y) if isinstance(y, (tuple, list)) else [y]


def cotangents(ys: list[Any], seed: int = 0) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [rng.uniform(0.5, 1.5, np.shape(y)) for y in ys]


def cost(case: Case, call: Call, weights: list[Any]) -> Any:
    """A scalar function of the variables: every output in it, with weights."""

    def J(values: list[Any]) -> Any:
        ys = outputs(evaluate(case, call, values))
        return sum(
            np.sum(y * w)
            for y, w in zip(ys, weights, strict=True)
            if hasattr(y, "dtype") and y.dtype.kind in "fc"
        )

    return J


# ------------------------------------------------------------------ oracles


def complex_step(J: Any, values: list[Any], i: int) -> Any:
    """Im J(x + ih) / h, exact to rounding for a function that is analytic."""
    slope = np.zeros(values[i].shape)
    for index in np.ndindex(values[i].shape):
        shifted = [v.astype(complex) for v in values]
        shifted[i][index] += 1e-30j
        slope[index] = np.imag(J(shifted)) / 1e-30
    return slope


def differences(J: Any, values: list[Any], i: int, h: float = 2e-4) -> Any:
    """Central differences of the fourth order."""
    slope = np.zeros(values[i].shape)
    for index in np.ndindex(values[i].shape):

        def at(t: float, index: Any = index) -> float:
            shifted = [v.copy() for v in values]
            shifted[i][index] += t
            return float(J(shifted))

        slope[index] = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h)
    return slope


def assert_close(ours: Any, theirs: Any, tolerance: float) -> None:
    scale = max(1.0, float(np.max(np.abs(theirs), initial=0.0)))
    np.testing.assert_allclose(ours, theirs, rtol=0.0, atol=tolerance * scale)


# ------------------------------------------------------------------ the properties


@pytest.mark.sampled(3)
@cases
@settings(max_examples=settings.default.max_examples // 4)
@given(data=st.data())
def test_gradients(name: str, data: Any) -> None:
    case = CASES[name]
    call = data.draw(case.calls)
    values = variables(call)
    before = [v.copy() for v in values]
    plain = evaluate(case, call, values)
    weights = cotangents(outputs(plain))
    J = cost(case, call, weights)
    # any mixture: some of the variables stay arrays, or plain numbers
    chosen = (
        data.draw(st.lists(st.sampled_from(range(len(values))), min_size=1, unique=True)) if values else []
    )
    tensors: list[Any] = [
        Tensor(v) if i in chosen else v.item() if v.ndim == 0 and i % 2 else v for i, v in enumerate(values)
    ]
    of_the_graph = tensors
    if data.draw(st.booleans()):  # computed Tensors among the arguments, instead of leaves
        tensors = [t * 1.0 if isinstance(t, Tensor) else t for t in tensors]
    y = evaluate(case, call, tensors)
    for ours, theirs in zip(outputs(y), outputs(plain), strict=True):
        got = ours.data if isinstance(ours, Tensor) else ours
        assert np.shape(got) == np.shape(theirs)
        if case.function in RULES:  # NumPy itself computes the value: the same to the last bit
            np.testing.assert_array_equal(got, theirs)
        else:
            np.testing.assert_allclose(got, theirs, rtol=1e-12, atol=1e-12)
    total = J(tensors)
    if isinstance(total, Tensor):  # else: constant in the chosen variables, and the differences are 0
        total.backward()
    for i in chosen:
        gradient = of_the_graph[i].grad
        if gradient is None:
            gradient = np.zeros(values[i].shape)
        else:
            assert gradient.shape == values[i].shape
            assert gradient.dtype == values[i].dtype
        numeric = complex_step(J, values, i) if case.analytic else differences(J, values, i)
        assert_close(gradient, numeric, 1e-10 if case.analytic else 1e-7)
    for v, old in zip(values, before, strict=True):
        np.testing.assert_array_equal(v, old)


@pytest.mark.sampled(4)
@cases
@settings(max_examples=settings.default.max_examples // 12)
@given(data=st.data())
def test_second_derivatives(name: str, data: Any) -> None:
    """The derivative of <gradient, u> along w against differences of the gradient along w."""
    case = CASES[name]
    if not case.twice:
        return
    call = data.draw(case.calls)
    values = variables(call)
    weights = cotangents(outputs(evaluate(case, call, values)))
    J = cost(case, call, weights)
    slope = grad(
        lambda v: J(v) ** 2 / 2.0
    )  # the square couples the variables, and gives linear functions a curve
    u, w = cotangents(values, 1), cotangents(values, 2)
    second = grad(lambda v: sum(np.sum(g * a) for g, a in zip(slope(v), u, strict=True)))(values)
    h = 1e-4

    def along(t: float) -> float:
        return sum(
            np.sum(g * a)
            for g, a in zip(slope([v + t * b for v, b in zip(values, w, strict=True)]), u, strict=True)
        )

    numeric = (8.0 * (along(h) - along(-h)) - (along(2 * h) - along(-2 * h))) / (12.0 * h)
    ours = sum(np.sum(s * b) for s, b in zip(second, w, strict=True))
    assert abs(ours - numeric) <= 1e-6 * max(
        1.0, abs(numeric), *(np.max(np.abs(s), initial=0.0) for s in second)
    )


@pytest.mark.sampled(4)
@cases
@settings(max_examples=settings.default.max_examples // 12)
@given(data=st.data())
def test_dtypes(name: str, data: Any) -> None:
    """float32 and float16 stay what they are, in the values and in the gradients."""
    case = CASES[name]
    call = data.draw(case.calls)
    exact = variables(call)
    if not exact:
        return
    for dtype, tolerance in ((np.float32, 2e-3), (np.float16, None)):
        if not (case.single if dtype is np.float32 else case.half):
            continue
        values = [v.astype(dtype) for v in exact]
        with np.errstate(all="ignore"):
            plain = outputs(evaluate(case, call, values))
            tensors = [Tensor(v) for v in values]
            ys = outputs(evaluate(case, call, tensors))
            for y, theirs in zip(ys, plain, strict=True):
                assert y.dtype == theirs.dtype
            weights = [np.ones(np.shape(y), dtype=y.dtype) for y in plain]
            total = cost(case, call, weights)(tensors)
            if not isinstance(total, Tensor):
                continue
            total.backward()
            doubles = [Tensor(v.astype(float)) for v in values]
            cost(case, call, weights)(doubles).backward()
        for single, double in zip(tensors, doubles, strict=True):
            assert (single.grad is None) == (double.grad is None)
            if single.grad is None:
                continue
            assert single.grad.dtype == dtype
            if tolerance is not None:
                assert_close(single.grad, double.grad, tolerance)


@pytest.mark.sampled(12)
@cases
@settings(max_examples=2)
@given(data=st.data())
def test_byte_order(name: str, data: Any) -> None:
    """Numbers with their bytes in the other order, as in FITS files: the same derivatives, of two orders."""
    case = CASES[name]
    call = data.draw(case.calls)
    values = variables(call)
    weights = cotangents(outputs(evaluate(case, call, values)))
    J = cost(case, call, weights)

    def slope(v: list[Any]) -> Any:
        return sum(np.sum(g * g) for g in grad(J)(v))

    for f in (J, slope) if case.twice else (J,):
        expected = value_and_grad(f)(values)
        found = value_and_grad(f)([v.astype(v.dtype.newbyteorder()) for v in values])
        for ours, theirs in zip(leaves(found), leaves(expected), strict=True):
            assert_close(ours, theirs, 1e-9)


def computed_by_one_rule(case: Case) -> bool:
    rule = RULES.get(case.function)
    return rule is not None and case.single and not (rule.outputs or rule.variadic)


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    "name", [n for n, c in CASES.items() if computed_by_one_rule(c) and not n.startswith("special.")]
)
@settings(max_examples=settings.default.max_examples // 12)
@given(data=st.data())
def test_rules_compute_in_float32(name: str, data: Any) -> None:
    """No rule goes by way of float64, which would cost twice the time and memory."""
    case = CASES[name]
    call = data.draw(case.calls)
    rule = RULES[case.function]
    values = [v.astype(np.float32) for v in variables(call)]
    supply = iter(values)
    args = tuple(replaced(a, supply) for a in call.args)
    y = case.function(*args, **call.kwargs)
    if getattr(y, "dtype", None) != np.float32:
        return
    g = np.ones_like(y)[()]
    for i, vjp in enumerate(rule.vjps[: len(args)]):
        if vjp is None or not (isinstance(args[i], (np.ndarray, list, tuple))):
            continue
        result = vjp(g, y, *args, **call.kwargs)
        for r, a in zip(result, args[i], strict=True) if rule.sequence else [(result, args[i])]:
            if getattr(a, "dtype", None) == np.float32:
                assert r.dtype == np.float32, f"argument {i}"


def by_name(case: Case) -> Case:
    """The case whose calls give their arguments by name, as far as NumPy lets them."""
    kinds = inspect.signature(case.function).parameters.values()
    names = [p.name for p in kinds if p.kind is p.POSITIONAL_OR_KEYWORD]
    first = sum(p.kind is p.POSITIONAL_ONLY for p in kinds)
    f = case.function

    def function(*args: Any, **kwargs: Any) -> Any:
        return f(*args[:first], **dict(zip(names, args[first:], strict=False)), **kwargs)

    return replace(case, function=function)


@pytest.mark.sampled(12)
@pytest.mark.parametrize("name", [n for n, c in CASES.items() if has_names(c.function)])
@settings(max_examples=2)
@given(data=st.data())
def test_arguments_by_name(name: str, data: Any) -> None:
    """A call wholly by name is the same call, recorded and compiled."""
    call = data.draw(CASES[name].calls)
    case = replace(CASES[name], calls=None)  # type: ignore[arg-type]  # a program watches all that its function reads
    named = by_name(case)
    values = variables(call)
    weights = cotangents(outputs(evaluate(case, call, values)))
    J, same = cost(case, call, weights), cost(named, call, weights)
    expected = value_and_grad(J)(values)
    for ours, theirs in zip(leaves(value_and_grad(same)(values)), leaves(expected), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    try:
        found = compiled(value_and_grad(same))(values)
    except CannotCompile:
        with pytest.raises(CannotCompile):
            compiled(value_and_grad(J))(values)
        return
    for ours, theirs in zip(leaves(found), leaves(expected), strict=True):
        assert_close(ours, theirs, 1e-12)


@pytest.mark.sampled(12)
@pytest.mark.parametrize(
    "name",
    [
        n
        for n, c in CASES.items()
        if isinstance(c.function, np.ufunc) and c.function.nin == c.function.nout == 1
    ],
)
@settings(max_examples=2)
@given(data=st.data())
def test_derivatives_of_order_four(name: str, data: Any) -> None:
    """Functions of one number: the fourth derivative against differences of the third."""
    case = CASES[name]
    x = float(variables(data.draw(case.calls))[0].reshape(-1)[0])
    third = grad(grad(grad(case.function)))
    h = 1e-4 * max(1.0, abs(x))
    numeric = (8.0 * (third(x + h) - third(x - h)) - (third(x + 2 * h) - third(x - 2 * h))) / (12.0 * h)
    assert abs(grad(third)(x) - numeric) <= 1e-6 * max(1.0, abs(numeric), abs(third(x)) / h * 1e-4)
