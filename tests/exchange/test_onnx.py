"""Recorded functions as ONNX models: what onnxruntime computes is what NumPy computes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import special

from tinygrad_course import functions as fn
from tinygrad_course.exchange import CannotExport, export_onnx

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")

RNG = np.random.RandomState(0)
P = {"W1": RNG.randn(4, 3), "b1": RNG.randn(4, 1), "W2": RNG.randn(2, 4), "b2": RNG.randn(2, 1)}


def run(path: Path, *inputs: Any) -> Any:
    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [given.name for given in session.get_inputs()]
    return session.run(None, dict(zip(names, inputs, strict=True)))[0]


#: What onnxruntime has for float32 alone.
IN_FLOAT32 = {"Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Erf"}


def agree(path: Path, f: Callable[..., Any], X: Any, summed: Any = None) -> None:
    """The model gives what f gives: to 1e-6 of the largest entry, to 1e-12 where all is done in float64.

    `summed` is the size of what is summed, where terms cancel.
    """
    expected, found = np.asarray(f(X)), run(path, X)
    assert found.dtype == X.dtype  # also where a constant of float64 raises f's own
    assert found.shape == expected.shape
    single = X.dtype == np.float32 or {node.op_type for node in onnx.load(path).graph.node} & IN_FLOAT32
    scale = np.max(np.abs(expected)) if summed is None else summed
    np.testing.assert_allclose(found, expected, rtol=0, atol=scale * (1e-6 if single else 1e-12))


def hold(tmp_path: Path, f: Callable[..., Any], low: float = -2.0, high: float = 2.0, n: int = 3) -> None:
    """The model of X (n, m) gives what f gives, for other numbers of examples, in both dtypes."""
    for dtype in (np.float64, np.float32):
        rng = np.random.RandomState(1)
        draw = lambda m, rng=rng, dtype=dtype: rng.uniform(low, high, (n, m)).astype(dtype)  # noqa: E731
        path = export_onnx(tmp_path / "f.onnx", f, draw(3))
        for m in (1, 2, 6, 50):
            X = draw(m)
            agree(path, f, X, np.abs(X[0]) @ np.abs(X[1]) if f is EXPRESSIONS["product of rows"] else None)


NETWORKS: dict[str, Callable[..., Any]] = {
    "sigmoid": lambda p, X: fn.sigmoid(fn.linear(p["W2"], fn.tanh(fn.linear(p["W1"], X, p["b1"])), p["b2"])),
    "softmax": lambda p, X: fn.softmax(fn.linear(p["W2"], fn.relu(fn.linear(p["W1"], X, p["b1"])), p["b2"])),
    "written out": lambda p, X: 1 / (1 + np.exp(-(p["W2"] @ np.maximum(0, np.dot(p["W1"], X) + p["b1"])))),
    "leaky": lambda p, X: fn.leaky_relu(fn.linear(p["W1"], X, p["b1"]), 0.2),
    "softplus": lambda p, X: fn.softplus(fn.linear(p["W1"], X, p["b1"])),
    "silu": lambda p, X: fn.silu(fn.linear(p["W1"], X, p["b1"])),
    "selu": lambda p, X: fn.selu(fn.linear(p["W1"], X, p["b1"])),
    "layer_norm": lambda p, X: fn.layer_norm(fn.linear(p["W1"], X, p["b1"]), np.ones((4, 1)), p["b1"]),
    "rms_norm": lambda p, X: fn.rms_norm(fn.linear(p["W1"], X, p["b1"]), np.ones((4, 1))),
    "attention": lambda p, X: fn.softmax((p["W1"] @ X).T @ (p["W1"] @ X), axis=1),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_network(tmp_path: Path, name: str, dtype: Any) -> None:
    forward = NETWORKS[name]
    parameters = {key: value.astype(dtype) for key, value in P.items()}
    path = export_onnx(
        tmp_path / "n.onnx", forward, np.ones((3, 2), dtype), parameters=parameters, output="A2"
    )
    for m in (1, 7, 40):
        agree(path, lambda X: forward(parameters, X), RNG.randn(3, m).astype(dtype))
    model = onnx.load(path)
    assert {i.name for i in model.graph.initializer} & set(P)
    assert [value.name for value in model.graph.output] == ["A2"]
    assert [d.dim_param or d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim] == [3, "m"]


EVERYWHERE = [
    np.exp, np.sin, np.cos, np.tanh, np.sinh, np.cosh, np.arctan, np.arcsinh, np.square, np.cbrt, np.exp2,
    np.expm1, np.abs, np.fabs, np.negative, np.positive, special.expit, special.erf, special.erfc,
    special.ndtr, special.log_expit, fn.relu, fn.log_softmax, fn.logsumexp, fn.softmax, fn.tanh,
]  # fmt: skip
POSITIVE = [np.log, np.log2, np.log10, np.log1p, np.sqrt, np.reciprocal, np.arctan]
UNIT = [np.arcsin, np.arccos, np.arctanh, np.tan]


@pytest.mark.parametrize("f", EVERYWHERE, ids=lambda f: f.__name__)
def test_element_by_element(tmp_path: Path, f: Any) -> None:
    hold(tmp_path, f)


@pytest.mark.parametrize("f", POSITIVE, ids=lambda f: f.__name__)
def test_positive_numbers(tmp_path: Path, f: Any) -> None:
    hold(tmp_path, f, 0.2, 3.0)


@pytest.mark.parametrize("f", UNIT, ids=lambda f: f.__name__)
def test_numbers_up_to_one(tmp_path: Path, f: Any) -> None:
    hold(tmp_path, f, -0.8, 0.8)


def test_arccosh(tmp_path: Path) -> None:
    hold(tmp_path, np.arccosh, 1.2, 3.0)


V, M3, B = np.arange(3.0).reshape(3, 1), RNG.randn(3, 3), np.array([True, False, True]).reshape(3, 1)


def _zero_below(Z: Any) -> Any:
    Z[Z < 0.5] = 0.0
    return Z


def _first_row(X: Any) -> Any:
    Z = X * 1.0
    Z[0] = X[1]
    return Z


EXPRESSIONS: dict[str, Callable[..., Any]] = {
    "arithmetic": lambda X: (3 - X) / (2 + X * X) - X * V + 0.5,
    "power": lambda X: np.abs(X) ** 1.5 + X**2 + 2.0**X,
    "maximum of two": lambda X: np.maximum(X, V) + np.minimum(X, 0.3),
    "clip": lambda X: np.clip(X, -0.5, 0.7) + np.clip(X, None, 0.1),
    "where": lambda X: np.where(B, X, 2 * X),
    "where of a comparison": lambda X: np.where(X > 0, X, 0.1 * X),
    "where of both sides": lambda X: np.where((X > -0.5) & (X <= 0.5), X, np.where(X < 0, -1.0, 1.0)),
    "where of logic": lambda X: np.where(~(X >= 0) | np.logical_and(X < 1, V > 0), X, 2.0) + X,
    "where of what was computed": lambda X: np.where(np.sum(X, axis=0) > np.mean(X), X, np.exp(X)),
    "where of a tensor": lambda X: np.where(np.maximum(X, 0), X, 3.0),
    "where of another one's values": lambda X: np.where(2 * X != X * X, X, 1.0) + np.where(X == 0, 1.0, X),
    "where of m": lambda X: np.where(1 / X.shape[1] < X, X, -X),
    "a mask": lambda X: (X > 0) * X + X * (X < V) / 2 + B * X,
    "a mask of numbers": lambda X: (X > 0).astype(float) * X,
    "counts": lambda X: np.sum(X > 0, axis=0) * X + np.mean(X > 0) * X,
    "steps": lambda X: np.sign(X) * X + np.floor(X) * X - np.ceil(X) * X,
    "selection": lambda X: np.select([X > 1, X > 0], [X * 2, X * 3], -X),
    "other units": lambda X: fn.elu(X) + fn.hard_tanh(X) + fn.drop(X, B, 0.8),
    "finite": lambda X: np.where(np.isfinite(X), X, 0.0),
    "logaddexp": lambda X: np.logaddexp(0, 30 * X),
    "hypot": lambda X: np.hypot(X, 1.0),
    "sums": lambda X: np.sum(X, axis=0) + np.mean(X, axis=0) + np.max(X, axis=0) - np.min(X, axis=0),
    "kept axes": lambda X: np.sum(X, axis=1, keepdims=True) + np.prod(X, axis=0, keepdims=True),
    "whole": lambda X: np.sum(X) + np.mean(X) + np.std(X) + np.linalg.norm(X),
    "mean by m": lambda X: np.sum(X, axis=1) / X.shape[1],
    "mean by 1/m": lambda X: np.sum(X, axis=1) * (1 / X.shape[1]),
    "cost": lambda X: -1 / X.shape[1] * np.sum(np.log(1 / (1 + np.exp(-X[:1])))),
    "variance": lambda X: np.var(X, axis=0) + np.std(X, axis=0),
    "over two axes": lambda X: np.sum(X.reshape(3, -1, 1), axis=(0, 2)),
    "transpose": lambda X: X.T @ M3 @ X,
    "dot with a vector": lambda X: np.dot(np.arange(3.0), X),
    "outer": lambda X: np.outer(X[0], np.arange(2.0)),
    "product of rows": lambda X: np.dot(X[0], X[1]),
    "einsum": lambda X: np.einsum("ij,jk->ik", M3, X) + np.einsum("ij,ij->j", X, X),
    "reshape": lambda X: X.reshape(-1, 3) * 2,
    "reshape by m": lambda X: np.reshape(X, (X.shape[1] * 3, 1)),
    "ravel": np.ravel,
    "broadcast_to": lambda X: np.broadcast_to(np.sum(X, axis=1, keepdims=True), (3, X.shape[1])) - X,
    "new axes": lambda X: np.expand_dims(X, (0, 2))[0] * X[:, None],
    "squeeze": lambda X: np.squeeze(X[:1], axis=0),
    "swapaxes": lambda X: np.swapaxes(X, 0, 1) + np.moveaxis(X, 0, 1),
    "moveaxis": lambda X: np.moveaxis(X.reshape(3, 1, -1), 2, 0),
    "concatenate": lambda X: np.concatenate([X, 2 * X, V + 0 * X]),
    "stack": lambda X: np.stack([X, -X], axis=1),
    "vstack": lambda X: np.vstack([X, -X]),
    "rows": lambda X: X[1] + X[-1],
    "slices": lambda X: X[:2] + X[1:] + X[::2] - X[-2:],
    "backwards": lambda X: X[::-1] + np.flip(X, axis=1) + np.flipud(X) + np.fliplr(X),
    "ellipsis": lambda X: X[..., :1] + X[0, ..., None, :1],
    "last example": lambda X: X[:, -1],
    "chosen rows": lambda X: X[[2, 0, 0]] + X[np.array([1, 1, 2])],
    "none": lambda X: X[None, :, None][0, :, 0],
    "split": lambda X: np.split(X, 3)[1] + np.array_split(X, 2)[1],
    "tile": lambda X: np.tile(X, (2, 1)) + np.tile(X[0], 1),
    "pad": lambda X: np.pad(X, ((1, 2), (0, 0)), constant_values=0.5),
    "cumsum": lambda X: np.cumsum(X, axis=0),
    "float m": lambda X: X * float(X.shape[1]) / 3,
    "cumsum of all": lambda X: np.cumsum(X[:, :1]) + np.sum(X),
    "dot of numbers": lambda X: np.dot(X, 2.0) + np.dot(np.sum(X), X),
    "inner": lambda X: np.inner(X[0], X[0]) + np.vdot(X[1], X[2]),
    "squeeze all": lambda X: np.squeeze(np.sum(X, axis=1, keepdims=True)),
    "tile to more axes": lambda X: np.tile(X, (2, 1, 1)),
    "sum of a number": lambda X: np.sum(X[0, 0]) * X,
    "zeros for each example": lambda X: X + np.zeros((3, X.shape[1])) + np.full((X.shape[1],), 0.5),
    "zeros with more axes": lambda X: np.concatenate([X[None], np.zeros((2, 3, X.shape[1]))]),
    "softmax by hand": lambda X: np.exp(X) / np.sum(np.exp(X), axis=0),
    "softmax by hand, of rows": lambda X: np.exp(X.T) / np.sum(np.exp(X.T), axis=1, keepdims=True),
    "a mask that is assigned to": lambda X: _zero_below(X * 1.0),
    "mixed indices": lambda X: X[None, -1, ..., ::-1] + X[0][None, ::-1],
}  # fmt: skip


@pytest.mark.sampled(6)
@pytest.mark.parametrize("name", EXPRESSIONS)
def test_an_expression(tmp_path: Path, name: str) -> None:
    hold(tmp_path, EXPRESSIONS[name])


def test_several_inputs_and_rows_of_examples(tmp_path: Path) -> None:
    f = lambda X, Y: np.mean((X @ P["W1"].T - Y) ** 2, axis=1)  # noqa: E731
    path = export_onnx(tmp_path / "f.onnx", f, np.ones((2, 3)), np.ones((2, 4)), batch_axis=0)
    X, Y = RNG.randn(9, 3), RNG.randn(9, 4)
    np.testing.assert_allclose(run(path, X, Y), f(X, Y), atol=1e-12)


def test_a_gradient_is_a_function_too(tmp_path: Path) -> None:
    """The loss and its derivative with respect to X, written by hand in NumPy."""
    hold(tmp_path, lambda X: (special.expit(X) - 1) / X.shape[1])


def halved_below(X: Any, most: float) -> Any:
    while np.max(np.abs(X)) > most:
        X = X / 2
    return X


def caught(X: Any) -> bool:
    try:
        return bool(np.sum(X) > 0)
    except TypeError:
        return True


def few(X: Any) -> bool:
    try:
        return bool(X.shape[1] < 100)
    except TypeError:
        return True


REFUSED: dict[str, tuple[Callable[..., Any], str]] = {
    "a comparison": (
        lambda X: np.where(np.asarray(X.data if hasattr(X, "data") else X) > 0, X, 0.0),
        "taken for its plain values",
    ),
    "a constant of m examples": (lambda X: X + np.arange(X.shape[1]), "constant of shape"),
    "a branch on the number of examples": (
        lambda X: X * 2 if X.shape[1] < 5_000 else np.exp(X),
        "compares with 5000",
    ),
    "the parity of the number": (lambda X: X * (X.shape[1] % 2), "on their number"),
    "a branch on the length": (lambda X: X if len(X.T) > 50 else -X, "on their number"),
    "a branch on one example": (lambda X: X * 2 if X.shape[1] == 1 else np.exp(X), "on their number"),
    "a branch on the sum": (lambda X: X if X.sum() > 0 else -X, "greater was asked whether it is true"),
    "a branch on the mean": (lambda X: np.tanh(X) if np.mean(X) > 0 else X, "asked whether it is true"),
    "a branch on the size": (
        lambda X: X / np.max(np.abs(X)) if np.max(np.abs(X)) > 3 else X,
        "asked whether it is true",
    ),
    "a branch on all": (lambda X: X if np.all(X > -9) else -X, "all was asked whether it is true"),
    "a branch on any": (lambda X: X * 2 if (X > 9).any() else X, "asked whether it is true"),
    "a branch on an entry": (lambda X: X if X[0, 0] > 0 else -X, "asked whether it is true"),
    "a loop": (lambda X: halved_below(X, 3.0), "asked whether it is true"),
    "a clause that catches the number's": (lambda X: X if few(X) else -X, "compares with 100"),
    "a clause that catches": (lambda X: X if caught(X) else -X, "asked whether it is true"),
    "a number of Python's": (lambda X: X * float(np.sum(X)), "made a Python number"),
    "an item": (lambda X: X * max(X.sum().item(), 1.0), "asked whether it is true"),
    "the largest entry's place": (lambda X: X[np.argmax(X[:, 0])], "argmax|depends on the examples"),
    "its text": (lambda X: X * len(str(X.data)), "printed"),
    "a list": (lambda X: X * len([x for x in X.data.tolist() if x]), "made a list"),
    "an assignment to a row": (_first_row, "np.concatenate, np.stack or np.where make"),
    "conv_transpose": (
        lambda X: fn.conv_transpose(X[:, :, None], np.ones((2, 1, 1))),
        "conv_transpose has no counterpart",
    ),
    "a sort": (lambda X: np.sort(X, axis=0), "sort has no counterpart"),
    "eigenvalues": (lambda X: np.linalg.svd(M3 @ X @ X.T, compute_uv=False), "no counterpart"),
    "the square of m": (lambda X: X * X.shape[1] ** 2, "a number is"),
    "no tensor": (lambda X: np.ones(3), "returned a ndarray"),
    "a norm": (lambda X: np.linalg.norm(X, 1, axis=0), "ord=1"),
    "a sum's dtype": (lambda X: np.sum(X, axis=0, dtype=np.float64), "dtype"),
    "whole numbers": (lambda X: X * (X > 0).astype(int), "a conversion to int64"),
    "np.dot of three axes": (lambda X: np.dot(X[None], X.T), "3 and 2 axes"),
    "an inner product of matrices": (lambda X: np.inner(X, X), "more than vectors"),
    "concatenated whole": (lambda X: np.concatenate([X, X], axis=None), "axis=None"),
    "two arrays in an index": (lambda X: X[[0, 1], [0, 1]], "one index"),
    "a mask as an index": (lambda X: X[B[:, 0]], "has no counterpart"),
    "a size that is no multiple": (lambda X: np.reshape(X[:, 1:], (3 * (X.shape[1] - 1),)), "a size is"),
    "split along the examples": (lambda X: np.array_split(X, 2, axis=1)[0], "a size is 3 for 5 examples"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_can_not_be_exported_is_named(tmp_path: Path, name: str) -> None:
    f, message = REFUSED[name]
    with pytest.raises(CannotExport, match=message):
        export_onnx(tmp_path / "f.onnx", f, np.ones((3, 4)))
    assert not list(tmp_path.iterdir())


def test_convolutions_by_the_products_that_they_are(tmp_path: Path) -> None:
    W, b = RNG.randn(2, 2, 1, 3), RNG.randn(3)
    f = lambda X: fn.max_pool(fn.relu(fn.conv(X, W, b, pad="same")), 2)  # noqa: E731
    path = export_onnx(tmp_path / "f.onnx", f, RNG.randn(2, 6, 4, 1), batch_axis=0)
    X = RNG.randn(9, 6, 4, 1)
    np.testing.assert_allclose(run(path, X), f(X), atol=1e-12)


def test_examples_along_another_axis_are_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="channels") as caught:
        export_onnx(tmp_path / "f.onnx", lambda X: fn.conv(X, np.ones((2, 2, 1, 3))), np.ones((2, 6, 4, 1)))
    assert "axis -1. If they lie along another, batch_axis says so" in caught.value.__notes__[0]


def test_softmax_by_hand_does_not_overflow(tmp_path: Path) -> None:
    f = lambda X: np.exp(X) / np.sum(np.exp(X), axis=0)  # noqa: E731
    path = export_onnx(tmp_path / "f.onnx", f, np.ones((3, 2)))
    found = run(path, np.array([[1000.0], [999.0], [-1000.0]]))
    np.testing.assert_allclose(found, special.softmax([[1000.0], [999.0], [-1000.0]], axis=0), atol=1e-15)


def test_a_function_of_the_parameters_alone(tmp_path: Path) -> None:
    path = export_onnx(tmp_path / "f.onnx", lambda p, X: p["W1"] * 2, np.ones((3, 2)), parameters=P)
    np.testing.assert_array_equal(run(path, np.ones((3, 5))), P["W1"] * 2)


def test_numbers_and_sides_of_the_result(tmp_path: Path) -> None:
    path = export_onnx(tmp_path / "n.onnx", lambda p, X: np.sum(p["W1"]), np.ones((3, 2)), parameters=P)
    np.testing.assert_allclose(run(path, np.ones((3, 5))), np.sum(P["W1"]), rtol=1e-12)
    path = export_onnx(tmp_path / "t.onnx", lambda X: X * np.transpose(np.sum(X)), np.ones((3, 2)))
    np.testing.assert_allclose(run(path, np.ones((3, 5))), np.full((3, 5), 15.0))
    path = export_onnx(tmp_path / "s.onnx", lambda X: np.ravel(np.ravel(X)), np.ones((3, 2)))  # (3 m,)
    assert run(path, np.ones((3, 5))).shape == (15,)
    assert run(path, np.ones((3, 1))).shape == (3,)


def test_what_onnx_refuses_is_told(tmp_path: Path) -> None:
    with pytest.raises(CannotExport, match="ONNX refuses the model"):
        export_onnx(tmp_path / "f.onnx", lambda X: fn.logsumexp(np.sum(X), axis=0), np.ones((3, 2)))


def test_integers_and_other_dtypes(tmp_path: Path) -> None:
    path = export_onnx(tmp_path / "f.onnx", lambda X: X * 2, np.ones((3, 2), np.uint8))
    assert run(path, np.ones((3, 5))).dtype == np.float64
    with pytest.raises(CannotExport, match="complex128"):
        export_onnx(tmp_path / "g.onnx", lambda X: X * 2, np.ones((3, 2), complex))


def test_without_onnx_the_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("onnx", "onnx.reference"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ModuleNotFoundError, match=r"tinygrad-course\[exchange\]"):
        export_onnx(tmp_path / "f.onnx", lambda X: X, np.ones((3, 2)))
