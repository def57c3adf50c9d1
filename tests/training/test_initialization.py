"""Initial parameters against the published cases, the course's own stream, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tinygrad_course.functions import conv
from tinygrad_course.functions.streams import position, remake, restore, state_text, stream
from tinygrad_course.training.initialization import dirac, glorot, initialize_parameters, orthogonal


def test_the_published_cases() -> None:
    he = initialize_parameters([2, 4, 1], "he", rng=3)
    assert he["W2"].round(8).tolist() == [[-0.03098412, -0.33744411, -0.92904268, 0.62552248]]
    large = initialize_parameters([3, 2, 1], "large", rng=3)
    assert large["W1"].round(8).tolist() == [
        [17.88628473, 4.36509851, 0.96497468],
        [-18.63492703, -2.77388203, -3.54758979],
    ]
    small = initialize_parameters([5, 4, 3], "small", rng=3)
    assert small["W2"][0].round(8).tolist() == [-0.01185047, -0.0020565, 0.01486148, 0.00236716]
    zeros = initialize_parameters([3, 2, 1], "zeros")
    assert not any(value.any() for value in zeros.values())


@pytest.mark.parametrize(
    ("how", "course"),
    [
        ("small", lambda n, n_prev: np.random.randn(n, n_prev) * 0.01),  # noqa: NPY002
        ("large", lambda n, n_prev: np.random.randn(n, n_prev) * 10),  # noqa: NPY002
        ("he", lambda n, n_prev: np.random.randn(n, n_prev) * np.sqrt(2.0 / n_prev)),  # noqa: NPY002
        ("xavier", lambda n, n_prev: np.random.randn(n, n_prev) / np.sqrt(n_prev)),  # noqa: NPY002
    ],
)
@pytest.mark.parametrize("layers", [[12, 1], [2, 4, 1], [7, 20, 7, 5, 1]])
def test_the_course_drew_these_very_bits(how: str, course: Any, layers: list[int]) -> None:
    np.random.seed(5)  # noqa: NPY002  (the course's own way)
    parameters = initialize_parameters(layers, how, rng=np.random.RandomState(5))
    assert list(parameters) == [f"{letter}{l}" for l in range(1, len(layers)) for letter in "Wb"]
    for l in range(1, len(layers)):
        np.testing.assert_array_equal(parameters[f"W{l}"], course(layers[l], layers[l - 1]))
        np.testing.assert_array_equal(parameters[f"b{l}"], np.zeros((layers[l], 1)))


def test_scale_generator_dtype_and_a_function_of_ones_own() -> None:
    base = initialize_parameters([3, 2], "he", rng=1)
    np.testing.assert_array_equal(initialize_parameters([3, 2], "he", rng=1, scale=2.0)["W1"], base["W1"] * 2)
    np.testing.assert_array_equal(
        initialize_parameters([3, 2], "large", rng=1, scale=0.5)["W1"],
        np.random.RandomState(1).randn(2, 3) * 0.5,
    )
    np.testing.assert_array_equal(
        initialize_parameters([3, 2], "xavier", rng=np.random.default_rng(4))["W1"],
        np.random.default_rng(4).standard_normal((2, 3)) / np.sqrt(3),
    )
    single = initialize_parameters([3, 2], rng=1, dtype=np.float32)
    assert {value.dtype for value in single.values()} == {np.dtype(np.float32)}
    own = initialize_parameters([3, 2, 2], lambda n, n_prev, rng: np.full((n, n_prev), n_prev), rng=1)
    assert own["W1"].tolist() == [[3, 3, 3], [3, 3, 3]]
    assert own["W2"].dtype == np.float64
    with pytest.raises(ValueError, match=r"returned shape \(3, 2\) for W1; expected \(2, 3\)"):
        initialize_parameters([3, 2], lambda n, n_prev, rng: np.zeros((n_prev, n)))


@pytest.mark.parametrize(
    ("layers", "error", "message"),
    [
        ([2, 0, 1], ValueError, r"layers=\[2, 0, 1\]: layer 1 has 0 units"),
        ([2, -4, 1], ValueError, "layer 1 has -4 units"),
        ([2], ValueError, "at least an input and an output layer"),
        ([], ValueError, "at least an input and an output layer"),
        ([2, 1.5], TypeError, "the size of layer 1 is 1.5"),
        ([True, 2], TypeError, "the size of layer 0 is True"),
        (4, TypeError, "layers is 4"),
        ("241", TypeError, "layers is '241'"),
    ],
)
def test_layers_that_are_none(layers: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        initialize_parameters(layers)


@pytest.mark.parametrize("how", ["He", "random", 3, None])
def test_an_initialisation_that_is_not_known(how: Any) -> None:
    with pytest.raises(ValueError, match=r'expected "zeros", "small", "large", "he", "xavier"'):
        initialize_parameters([2, 1], how)


@pytest.mark.parametrize("rng", ["3", 3.0, True, None, np.random])
def test_a_seed_that_is_none(rng: Any) -> None:
    with pytest.raises(TypeError, match=r"np\.random\.RandomState\(3\)"):
        initialize_parameters([2, 1], rng=rng)


# ------------------------------------------------------------------ streams

STREAMS = {
    "RandomState": lambda: np.random.RandomState(7),
    "default_rng": lambda: np.random.default_rng(7),
    "MT19937": lambda: np.random.Generator(np.random.MT19937(7)),
    "PCG64DXSM": lambda: np.random.Generator(np.random.PCG64DXSM(7)),
    "Philox": lambda: np.random.Generator(np.random.Philox(7)),
    "SFC64": lambda: np.random.Generator(np.random.SFC64(7)),
    "RandomState on Philox": lambda: np.random.RandomState(np.random.Philox(7)),
}


@pytest.mark.parametrize("kind", STREAMS)
def test_a_stream_is_saved_as_text_and_put_back(kind: str) -> None:
    rng = STREAMS[kind]()
    rng.standard_normal(3)  # an odd number: RandomState keeps the second of a pair
    text, where = state_text(rng), position(rng)
    expected = rng.standard_normal(700).tolist()
    assert state_text(where) == text
    assert remake(text).standard_normal(700).tolist() == expected
    restore(rng, text)
    assert rng.standard_normal(700).tolist() == expected


def test_a_stream_of_another_kind_is_refused() -> None:
    text = state_text(np.random.RandomState(1))
    for other in (np.random.default_rng(1), np.random.RandomState(np.random.PCG64(1))):
        with pytest.raises(ValueError, match="the saved stream is a RandomState on MT19937"):
            restore(other, text)
    with pytest.raises(ValueError, match="which NumPy does not have"):
        remake(text.replace("MT19937", "XYZ"))


def test_a_stream_is_passed_through() -> None:
    rng = np.random.default_rng(0)
    assert stream(rng) is rng


def test_glorot_has_its_variance_and_bound() -> None:
    for shape, channels, fans in (((300, 200), "first", 500), ((5, 5, 30, 40), "last", 25 * 70)):
        W = glorot(shape, np.random.RandomState(0), channels=channels)
        np.testing.assert_allclose(W.var(), 2 / fans, rtol=0.02)
        assert np.abs(W).max() <= np.sqrt(6 / fans)


@pytest.mark.parametrize("shape", [(3, 7), (7, 3), (4, 4), (6, 2, 3, 3)])
def test_orthogonal_is_orthonormal(shape: tuple[int, ...]) -> None:
    W = orthogonal(shape, np.random.default_rng(0), gain=2.0).reshape(shape[0], -1)
    small = W @ W.T if W.shape[0] <= W.shape[1] else W.T @ W
    np.testing.assert_allclose(small, 4 * np.eye(small.shape[0]), atol=1e-12)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("f", [1, 2, 3, 5])
def test_dirac_leaves_a_picture_as_it_is(f: int, groups: int) -> None:
    x = np.random.default_rng(0).normal(size=(2, 6, 5, 4))
    np.testing.assert_array_equal(
        conv(x, dirac((f, f, 4 // groups, 4), groups), pad="same", groups=groups), x
    )
    first = dirac((4, 4 // groups, f, f), groups, channels="first")
    xc = np.moveaxis(x, -1, 1)
    np.testing.assert_array_equal(conv(xc, first, pad="same", groups=groups, channels="first"), xc)


def test_the_network_knows_them_by_name() -> None:
    for how in ("glorot", "orthogonal"):
        assert initialize_parameters([5, 4, 1], how)["W1"].shape == (4, 5)
