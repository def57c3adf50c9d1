"""Convolution and pooling: against their definition, element by element, and against central differences."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.functions.differences import check_derivatives
from tinygrad_course import Tensor, grad, graph, jacobian
from tinygrad_course.functions import average_pool, conv, conv_transpose, max_pool

rng = np.random.default_rng(0)


def by_definition(x: Any, W: Any, stride: int, pad: int, dilation: int, groups: int) -> Any:
    """The course's loops over examples, positions and channels."""
    m, *grid, _ = x.shape
    *size, c, n_C = W.shape
    x = np.pad(x, [(0, 0), *[(pad, pad)] * len(grid), (0, 0)])
    out = [(n + 2 * pad - dilation * (f - 1) - 1) // stride + 1 for n, f in zip(grid, size, strict=True)]
    Z = np.zeros((m, *out, n_C))
    for place in product(*map(range, out)):
        window = tuple(
            slice(p * stride, p * stride + dilation * (f - 1) + 1, dilation)
            for p, f in zip(place, size, strict=True)
        )
        for k in range(n_C):
            g = k // (n_C // groups)
            seen = x[(slice(None), *window, slice(g * c, (g + 1) * c))]
            Z[(slice(None), *place, k)] = np.sum(seen * W[..., k], axis=tuple(range(1, x.ndim)))
    return Z


settings = st.fixed_dictionaries(
    {
        "stride": st.integers(1, 3),
        "pad": st.integers(0, 2),
        "dilation": st.integers(1, 2),
        "groups": st.integers(1, 3),
    }
)


@given(settings, st.integers(1, 2), st.integers(1, 3), st.integers(1, 2), st.integers(1, 2))
def test_conv_is_its_definition(s: dict[str, int], axes: int, f: int, c: int, k: int) -> None:
    grid = (6, 5)[:axes]
    assume(s["dilation"] * (f - 1) + 1 <= 5 + 2 * s["pad"])
    x = rng.normal(size=(2, *grid, c * s["groups"]))
    W = rng.normal(size=(*(f,) * axes, c, k * s["groups"]))
    Z = conv(x, W, **s)
    np.testing.assert_allclose(Z, by_definition(x, W, **s), rtol=1e-12, atol=1e-12)
    first = conv(np.moveaxis(x, -1, 1), np.moveaxis(W, (-1, -2), (0, 1)), **s, channels="first")
    np.testing.assert_allclose(np.moveaxis(first, 1, -1), Z, rtol=1e-12, atol=1e-12)


@given(settings, st.integers(1, 3), st.booleans())
def test_conv_transpose_is_the_transpose(s: dict[str, int], f: int, last: bool) -> None:
    """<conv(x), z> = <x, conv_transpose(z)>, which says all of a linear map."""
    assume(s["dilation"] * (f - 1) + 1 <= 5 + 2 * s["pad"])
    c, k, channels = 2 * s["groups"], s["groups"], "last" if last else "first"
    x = rng.normal(size=(2, 6, 5, c))
    W = rng.normal(size=(f, f, 2, k))
    if not last:
        x, W = np.moveaxis(x, -1, 1), np.moveaxis(W, (-1, -2), (0, 1))
    Z = conv(x, W, **s, channels=channels)
    z = rng.normal(size=Z.shape)
    grid, out = (x.shape[1:3], Z.shape[1:3]) if last else (x.shape[2:], Z.shape[2:])
    span = s["dilation"] * (f - 1) + 1 - 2 * s["pad"]
    extra = [n - (o - 1) * s["stride"] - span for n, o in zip(grid, out, strict=True)]
    back = conv_transpose(z, W, **s, channels=channels, extra=extra)
    assert back.shape == x.shape
    np.testing.assert_allclose(np.sum(Z * z), np.sum(x * back), rtol=1e-10, atol=1e-10)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("channels", ["last", "first"])
@pytest.mark.parametrize(
    "s", [{}, {"stride": 2, "pad": 1}, {"pad": "same", "dilation": 2}, {"groups": 2, "stride": (2, 1)}]
)
def test_derivatives(channels: str, s: dict[str, Any]) -> None:
    """The sums are large, of degree two in each entry and four along a line: 2e-5 is a step for both."""
    rng = np.random.default_rng(2)  # of its own: the draws of others depend on who ran before
    x, b = rng.normal(size=(2, 5, 6, 4)), rng.normal(size=6)
    W = rng.normal(size=(3, 2, 4 // s.get("groups", 1), 6))
    if channels == "first":
        x, W = np.moveaxis(x, -1, 1), np.moveaxis(W, (-1, -2), (0, 1))
    check_derivatives(lambda x, W, b: conv(x, W, b, **s, channels=channels), x, W, b, h=2e-5)
    grown = rng.normal(size=6 if channels == "first" else 4) if not s.get("groups") else rng.normal(size=4)
    z = conv(x, W, **s, channels=channels)
    n_new = (W.shape[-2] if channels == "last" else W.shape[1]) * s.get("groups", 1)
    check_derivatives(
        lambda z, W, b: conv_transpose(z, W, b, **s, channels=channels), z, W, grown[:n_new], h=2e-5
    )


@pytest.mark.sampled(3)
@pytest.mark.parametrize("channels", ["last", "first"])
@pytest.mark.parametrize("pool", [max_pool, average_pool])
@pytest.mark.parametrize(
    "s", [{}, {"f": 3, "stride": 2, "pad": 1}, {"f": (2, 3), "stride": 1, "pad": "same"}]
)
def test_pooling(channels: str, pool: Any, s: dict[str, Any]) -> None:
    x = rng.permutation(2.0 * 5 * 7 * 3 + np.arange(2 * 5 * 7 * 3)).reshape(2, 5, 7, 3) / 50
    if channels == "first":
        x = np.moveaxis(x, -1, 1)
    check_derivatives(lambda x: pool(x, **s, channels=channels), x)


def test_same_keeps_the_size_and_even_kernels_pad_after() -> None:
    x = rng.normal(size=(1, 7, 8, 1))
    for f in (1, 2, 3, 4, 5):
        assert conv(x, np.ones((f, f, 1, 1)), pad="same").shape == x.shape
        assert conv(x, np.ones((f, f, 1, 1)), pad="same", stride=3).shape == (1, 3, 3, 1)
    np.testing.assert_allclose(conv(x, np.ones((2, 1, 1, 1)), pad="same")[0, -1], x[0, -1])


def test_the_course_s_conv_forward_and_pool_forward() -> None:
    """Course 4, week 1, the assignment's own figures."""
    random = np.random.RandomState(1)
    A_prev, W, b = random.randn(10, 4, 4, 3), random.randn(2, 2, 3, 8), random.randn(1, 1, 1, 8)
    Z = conv(A_prev, W, b, stride=2, pad=2)
    np.testing.assert_allclose(np.mean(Z), 0.0489952035289, rtol=1e-10)
    A_prev = np.random.RandomState(1).randn(2, 4, 4, 3)
    np.testing.assert_allclose(
        max_pool(A_prev, f=3, stride=2).ravel(),
        [1.74481176, 0.86540763, 1.13376944, 1.13162939, 1.51981682, 2.18557541],
        rtol=1e-7,
    )
    np.testing.assert_allclose(
        average_pool(A_prev, f=3, stride=2).ravel(),
        [0.02105773, -0.20328806, -0.40389855, -0.22154621, 0.51716526, 0.48155844],
        rtol=1e-6,
    )


def test_ties_share_and_padding_is_no_element() -> None:
    np.testing.assert_array_equal(
        grad(lambda x: np.sum(max_pool(x)))(np.zeros((1, 2, 2, 1))), np.full((1, 2, 2, 1), 0.25)
    )
    x = -np.ones((1, 2, 2, 1))
    np.testing.assert_array_equal(max_pool(x, f=3, stride=1, pad=1), x)
    np.testing.assert_array_equal(average_pool(x, f=3, stride=1, pad=1), x)


def test_single_precision_stays_and_the_graph_has_one_node() -> None:
    x, W = rng.normal(size=(1, 4, 4, 2)).astype("f4"), Tensor(np.ones((2, 2, 2, 3), "f4"), name="W")
    Z = conv(x, W)
    assert Z.dtype == np.float32
    assert [node.op for node in graph(Z) if node.op] == ["conv"]
    assert [node.op for node in graph(max_pool(Z)) if node.op] == ["conv", "max_pool"]


def test_a_signal_s_jacobian_is_a_band() -> None:
    J = jacobian(lambda x: conv(x.reshape(1, 5, 1), np.array([1.0, -1.0]).reshape(2, 1, 1)).ravel())(
        np.ones(5)
    )
    np.testing.assert_array_equal(J, np.eye(4, 5) - np.eye(4, 5, 1))


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda x: conv(x, np.ones((2, 2, 4, 1))), "has 3 channels"),
        (lambda x: conv(x, np.ones((9, 9, 3, 1))), "does not fit"),
        (lambda x: conv(x, np.ones((2, 2, 3, 1)), pad="full"), 'expected "valid"'),
        (lambda x: conv(x, np.ones((2, 2, 3, 1)), stride=0), "stride is 0"),
        (lambda x: conv(x, np.ones((2, 2, 3, 1)), np.ones(2)), "one for each channel"),
        (lambda x: conv(x, np.ones((2, 2, 3, 1)), channels="NHWC"), "channels is"),
        (lambda x: conv(x[0], np.ones((2, 2, 3, 1))), "A_prev is"),
        (lambda x: max_pool(x, f=2, pad=2), "without an element"),
        (lambda x: max_pool(x[0, 0]), r"\(m, n_H, n_W, n_C\) or its like, with one side or more$"),
        (lambda x: conv_transpose(x, np.ones((2, 2, 1, 3)), stride=2, extra=2), "extra="),
    ],
)
def test_what_does_not_fit_is_told(call: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        call(rng.normal(size=(2, 5, 5, 3)))


def test_channels_before_the_sides_are_told() -> None:
    with pytest.raises(ValueError, match="say channels='first'"):
        conv(np.ones((2, 3, 8, 8)), np.ones((4, 3, 3, 3)))
