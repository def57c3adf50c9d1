"""Large arrays take other ways than small ones: the values and gradients are the same."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from tinygrad_course import Tensor, grad, value_and_grad
from tinygrad_course.rules import einsum
from tinygrad_course.rules.indexing import sums_of_rows
from tinygrad_course.rules.shapes import masked

RNG = np.random.default_rng(0)
SIZES = {"m": 8, "c": 3, "h": 9, "w": 7, "i": 3, "j": 2, "o": 5, "b": 6, "n": 20, "k": 30}
CONTRACTIONS = [
    "mchwij,ocij->mohw",
    "mchwij,ocij->omhw",
    "bnk,bkm->bnm",
    "bnk,bmk->mbn",
    "bnki,mki->bnm",
    "nbk,kmb->bmn",
    "bnk,bnk->",
    "nk,km->nm",
    "bcnk,kcm->cbmn",
]


def drawn(term: str, dtype: Any, layout: str) -> Any:
    x = RNG.normal(size=[SIZES[c] for c in term])
    if np.dtype(dtype).kind == "c":
        x = x + 1j * RNG.normal(size=x.shape)
    x = x.astype(dtype)
    if layout == "F":
        return np.asfortranarray(x)
    return x[..., ::-1] if layout == "reversed" else x


@pytest.mark.parametrize("layout", ["C", "F", "reversed"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128])
@pytest.mark.parametrize("spec", CONTRACTIONS)
def test_contractions(spec: str, dtype: Any, layout: str) -> None:
    inputs, _, output = spec.partition("->")
    a, b = (drawn(term, dtype, layout) for term in inputs.split(","))
    expected = np.einsum(spec, a.astype(np.result_type(dtype, float)), b.astype(np.result_type(dtype, float)))
    tolerance = 2e-4 if dtype is np.float32 else 1e-11
    found = einsum.contract(spec, a, b)
    assert found.dtype == dtype
    assert np.shape(found) == expected.shape
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)
    if dtype is np.complex128:
        return
    x, y = Tensor(a), Tensor(b)
    w = RNG.normal(size=expected.shape).astype(dtype)
    np.sum(w * np.einsum(spec, x, y)).backward()
    of_a, of_b = inputs.split(",")
    for t, term, other, value in ((x, of_a, of_b, b), (y, of_b, of_a, a)):
        slope = np.einsum(f"{output},{other}->{term}", w.astype(float), value.astype(float))
        assert t.grad.dtype == dtype
        np.testing.assert_allclose(t.grad, slope, rtol=tolerance, atol=100 * tolerance)


def test_a_product_is_made_of_the_large_ones() -> None:
    a, b = drawn("mchwij", float, "C"), drawn("ocij", float, "C")
    assert einsum.planned("mchwij,ocij->mohw", *map(einsum.lying, (a, b))) is not None
    for spec, x, y in (
        ("nk,km->nm", np.ones((3, 4)), np.ones((4, 2))),  # small
        ("nk,nk->nk", np.ones((300, 400)), np.ones((300, 400))),  # nothing is summed
        ("nn,nk->k", np.ones((300, 300)), np.ones((300, 400))),  # a diagonal
        ("nk,km->m", np.ones((300, 400)), np.ones((400, 200))),  # one is summed alone
        ("nk,km->nm", np.ones((300, 1)), np.ones((400, 200))),  # broadcast
    ):
        assert einsum.planned(spec, *map(einsum.lying, (x, y))) is None
        np.testing.assert_array_equal(einsum.contract(spec, x, y), np.einsum(spec, x, y))


@pytest.mark.parametrize(
    ("shape", "window", "axes"),
    [
        ((3, 9, 8), (3, 2), (1, 2)),
        ((3, 9, 8), (2, 8), (2, 1)),
        ((12,), (10,), (0,)),
        ((5, 6), (2, 2), (1, 1)),
    ],
)
def test_windows(shape: Any, window: Any, axes: Any) -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=shape)
    seen = sliding_window_view(x, window, axes)
    w = rng.normal(size=seen.shape)
    places = sliding_window_view(np.arange(x.size).reshape(shape), window, axes)
    expected = np.bincount(places.ravel(), w.ravel(), x.size).reshape(shape)
    t = Tensor(x)
    y = sliding_window_view(t, window, axes)
    np.testing.assert_array_equal(y.data, seen)
    np.sum(w * y).backward()
    np.testing.assert_allclose(t.grad, expected, rtol=1e-13)
    squares = grad(lambda x: np.sum(w * sliding_window_view(x, window, axes) ** 2))
    np.testing.assert_allclose(
        grad(lambda x: np.sum(squares(x) * np.cos(np.arange(x.size)).reshape(shape)))(x),
        2.0 * expected * np.cos(np.arange(x.size)).reshape(shape),
        rtol=1e-13,
    )


@pytest.mark.parametrize("axis", [(1, 3), (-1,), -1, (0, 3), 3])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("function", [np.max, np.min])
def test_extremes_of_few_neighbours(function: Any, axis: Any, keepdims: bool) -> None:
    rng = np.random.default_rng(2)
    x = rng.integers(0, 4, (2, 3, 400, 3)).astype(np.float32)  # with ties
    t = Tensor(x)
    y = function(t, axis=axis, keepdims=keepdims)
    np.testing.assert_array_equal(y.data, function(x, axis=axis, keepdims=keepdims))
    w = rng.normal(size=y.shape).astype(np.float32)
    np.sum(w * y).backward()
    whole = function(x, axis=axis, keepdims=True)
    hit = (x == whole) / np.sum(x == whole, axis=axis, keepdims=True)
    assert t.grad.dtype == np.float32
    np.testing.assert_allclose(t.grad, hit * w.reshape(whole.shape), rtol=1e-6)


@pytest.mark.parametrize(
    ("a", "b"), [((4, 5, 3), (3, 2)), ((2, 4, 5, 3), (3, 2)), ((2, 4, 3), (2, 3, 5)), ((4, 3), (2, 3, 5))]
)
def test_stacks_of_matrices(a: Any, b: Any) -> None:
    rng = np.random.default_rng(2)
    A, B = rng.normal(size=a), rng.normal(size=b)
    for function in (np.matmul, np.dot):
        if function is np.dot and len(b) > 2:
            continue
        x, y = Tensor(A), Tensor(B)
        w = rng.normal(size=function(A, B).shape)
        np.sum(w * function(x, y)).backward()
        of_a = np.einsum("...nm,...km->...nk", w, B)
        of_b = np.einsum("...nk,...nm->...km", A, w)
        for t, slope in ((x, of_a), (y, of_b)):
            extra = tuple(range(slope.ndim - t.ndim))
            np.testing.assert_allclose(t.grad, np.sum(slope, axis=extra), rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.complex128])
@pytest.mark.parametrize(
    ("shape", "index"),
    [
        ((65, 64), RNG.integers(-65, 65, (16, 32))),
        ((40, 300), RNG.integers(0, 40, 100)),
        ((7,), RNG.integers(-7, 7, 5000)),
        ((9, 8, 5, 3), (RNG.integers(0, 9, (600, 1)), RNG.integers(-8, 8, 2))),
        ((9, 8, 5), (slice(None), RNG.integers(0, 8, 200))),
        ((9, 8, 70), (RNG.integers(0, 9, 200), 3)),
        ((9, 8, 70), RNG.integers(0, 9, 200).tolist()),
        ((9, 5000), (np.array([], dtype=int), slice(None))),
        ((3000, 50), RNG.integers(-3000, 3000, 1200)),
        ((90_000, 17), RNG.integers(0, 90_000, 2000)),
    ],
)
def test_rows_that_are_read_more_than_once(shape: Any, index: Any, dtype: Any) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=shape).astype(np.float64 if np.dtype(dtype).kind == "c" else dtype)
    g = rng.normal(size=x[index].shape).astype(dtype)
    expected = np.zeros(shape, dtype if dtype is np.float16 else np.result_type(dtype, np.float64))
    np.add.at(expected, index, g)
    t = Tensor(x)
    J = np.sum(g * t[index])
    (J if np.dtype(dtype).kind == "f" else np.real(J)).backward()
    assert t.grad.dtype == x.dtype
    tolerance = {"e": 0.0, "f": 1e-5}.get(np.dtype(dtype).char, 1e-12)  # halves are added as NumPy adds them
    np.testing.assert_allclose(t.grad, np.real(expected), rtol=tolerance, atol=tolerance)
    of_weights = grad(lambda g: np.sum(np.cos(x) * grad(lambda x: np.sum(g * x[index]))(x)))
    if np.dtype(dtype).kind == "f":
        np.testing.assert_allclose(of_weights(g), np.cos(x)[index], rtol=max(tolerance, 1e-15))


@pytest.mark.parametrize("ufunc", [np.add, np.maximum, np.minimum])
def test_many_segments(ufunc: np.ufunc) -> None:
    """Equal extremes of a segment share its gradient."""
    x = RNG.integers(0, 4, 60_000).astype(float)
    weights = RNG.normal(size=20_000)
    rows = x.reshape(-1, 3)
    hits = np.ones_like(rows) if ufunc is np.add else rows == ufunc.reduce(rows, axis=1)[:, None]
    shares = weights[:, None] * hits / (1 if ufunc is np.add else hits.sum(1, keepdims=True))
    slope = grad(lambda x: np.sum(weights * ufunc.reduceat(x, np.arange(0, 60_000, 3))))(x)
    np.testing.assert_allclose(slope, shares.ravel())


@pytest.mark.parametrize("axis", [0, 1])
def test_a_long_running_logarithm_of_sums(axis: int) -> None:
    """The weight of an entry in a later sum is ``exp(x - y)``, also where exp itself overflows."""
    x = RNG.normal(size=(300, 300)) * 50 + 700
    weights = RNG.normal(size=x.shape)
    slope = grad(lambda x: np.sum(weights * np.logaddexp.accumulate(x, axis=axis)))(x)
    x, weights, slope = (np.moveaxis(a, axis, 0) for a in (x, weights, slope))
    y = np.logaddexp.accumulate(x, axis=0)
    for i in range(len(x)):
        terms = weights[i:] * np.exp(x[i] - y[i:])  # each known to the rounding of x and y
        assert np.all(np.abs(slope[i] - terms.sum(0)) <= 1e-11 * np.abs(terms).sum(0))


@pytest.mark.parametrize("layout", ["C", "F", "reversed"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.complex128])
def test_a_mask_leaves_what_it_leaves(dtype: Any, layout: str) -> None:
    """An infinity or a NaN where there is no gradient is none: times 0 it would be a NaN."""
    x, g = (drawn("mhwnk", dtype, layout) for _ in range(2))
    g[x.real < 0] = np.inf
    g[x.real < -1] = np.nan
    np.testing.assert_array_equal(masked(g, x.real > 0), np.where(x.real > 0, g, 0))
    np.testing.assert_array_equal(masked(g, x[:, :1].real > 0), np.where(x[:, :1].real > 0, g, 0))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [(30,), (20, 30), (1, 20, 30), (), (1, 30)])
def test_a_bias_is_spread_over_many_rows(shape: tuple[int, ...], dtype: Any) -> None:
    g, b = RNG.normal(size=(16, 20, 30)).astype(dtype), RNG.normal(size=shape).astype(dtype)
    lost = tuple(i for i in range(3) if i < 3 - b.ndim or b.shape[i - 3] == 1)
    expected = np.sum(g.astype(float), lost).reshape(shape)
    slope = grad(lambda b: np.sum(g * (np.ones_like(g) + b)))(b)
    assert slope.dtype == dtype
    np.testing.assert_allclose(slope, expected, rtol=0, atol=1e-3 if dtype is np.float32 else 1e-12)


def test_an_array_that_is_multiplied_and_read_by_rows() -> None:
    """Its gradient lies in columns, as that of its transpose lies in rows; the rows are added there."""
    E, X, w = RNG.normal(size=(65, 64)), RNG.normal(size=(30, 64)), RNG.normal(size=(16, 32, 64))
    index = RNG.integers(0, 65, (16, 32))
    expected = np.sum(X, axis=0) * np.ones_like(E)
    np.add.at(expected, index, w)
    slope = grad(lambda E: np.sum(w * E[index]) + np.sum(np.dot(X, E.T)))(E)
    np.testing.assert_allclose(slope, expected, rtol=1e-12, atol=1e-12)
    slope = grad(lambda E: np.sum(w * np.copy(E, order="F")[index]) + np.sum(X @ E.T))(np.asfortranarray(E))
    np.testing.assert_allclose(slope, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("imported", [True, False])
def test_rows_are_added_whether_scipy_sparse_is_there(
    monkeypatch: pytest.MonkeyPatch, imported: bool
) -> None:
    import scipy.sparse  # noqa: F401

    if not imported:
        monkeypatch.delitem(sys.modules, "scipy.sparse")
    rng = np.random.default_rng(2)
    values, rows = rng.normal(size=(300, 20)), rng.integers(0, 40, 300)
    expected = np.zeros((40, 20))
    np.add.at(expected, rows, values)
    np.testing.assert_allclose(sums_of_rows(values, rows, 40), expected, rtol=1e-12, atol=1e-12)
    assert ("scipy.sparse" in sys.modules) is imported


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("even", [False, True])
def test_partition_gives_each_gradient_to_the_element_that_came_there(
    axis: Any, ties: bool, even: bool
) -> None:
    rng = np.random.default_rng(4)
    a = rng.integers(0, 3, (6, 7)).astype(float) if ties else rng.normal(size=(6, 7))
    flat = a.reshape(-1) if axis is None else a
    along = 0 if axis is None else axis
    for kth in (0, 3, -2):
        w = rng.normal(size=flat.shape)
        if even:  # one number on each side
            rows = np.moveaxis(w, along, -1)
            k = kth % rows.shape[-1]
            rows[..., :k], rows[..., k + 1 :] = 2.0, rng.normal(size=(*rows.shape[:-1], 1))
        t = Tensor(a)
        np.sum(np.partition(t, kth, axis) * w).backward()
        order = np.argsort(flat, axis=along, kind="stable")
        came = np.argsort(np.partition(flat, kth, along), axis=along, kind="stable")
        expected = np.empty_like(flat)
        np.put_along_axis(expected, order, np.take_along_axis(w, came, along), along)
        np.testing.assert_array_equal(t.grad, expected.reshape(a.shape))


def test_interpolation_takes_no_table_of_all_comparisons() -> None:
    n = 300_000
    places, values = np.linspace(0.25, n - 1.25, n), np.sin(np.arange(n))
    g = grad(lambda values: np.sum(np.interp(places, np.arange(n), values) ** 2))(values)
    weights = np.zeros(n)
    below = places.astype(int)
    y = np.interp(places, np.arange(n), values)
    np.add.at(weights, below, 2 * y * (1 - places % 1))
    np.add.at(weights, below + 1, 2 * y * (places % 1))
    np.testing.assert_allclose(g, weights, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("ij,isk,jsl->kl", [(30, 30), (30, 2, 30), (30, 2, 30)]),
        ("ij,istk,jstl,kl->", [(9, 9), (9, 2, 2, 9), (9, 2, 2, 9), (9, 9)]),
        ("...ij,jk,kl->...il", [(2, 20, 20), (20, 20), (20, 20)]),
    ],
)
def test_einsums_of_several_arrays_take_two_at_a_time(text, shapes):
    """All letters of the first at once are 3,240,000 multiplications, two arrays at a time 108,000."""
    assert einsum.paired(text, *shapes) is not None
    arrays = [RNG.normal(size=shape) for shape in shapes]
    wanted = np.einsum(text, *arrays)
    weights = RNG.normal(size=wanted.shape)
    J, grads = value_and_grad(lambda arrays: np.sum(weights * np.einsum(text, *arrays)))(arrays)
    np.testing.assert_allclose(J, np.sum(weights * wanted), rtol=1e-11)
    for k, g in enumerate(grads):
        step = RNG.normal(size=shapes[k])
        moved = np.einsum(text, *[step if i == k else b for i, b in enumerate(arrays)])
        np.testing.assert_allclose(
            np.sum(g * step), np.sum(weights * moved), rtol=1e-9
        )  # it is linear in each
