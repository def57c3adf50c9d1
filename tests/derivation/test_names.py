"""Names of every kind: no two are written alike, none becomes a norm or a hat, and naming changes nothing."""

import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_course import Tensor, derive
from tinygrad_course.derivation import names

ODD = [
    "Xnorm", "Abar", "Zhat", "W01", "W1", "W_1", "lambd", "lambda_", "lam", "a%b", "a?b", "W[1]", "W^[1]",
    "x_1", "x01", "theta", "\\theta", "dW1", "dw", "w", "v'", "beta1", "beta_1", "norm", "hat", "a b", "a_b",
    "x1", "λ",
    "keep_prob", "J2", "m1", "A_prev", "A1_prev", "$x$", "&", "ünïcode", "W¹",
]  # fmt: skip


@given(st.lists(st.one_of(st.sampled_from(ODD), st.text(min_size=1, max_size=6)), min_size=2, unique=True))
def test_no_two_names_are_written_alike(several):
    spelled = names.alike(several)
    for way in (0, 1):
        written = [(spelled.get(n) or names.spelled(n))[way] for n in several]
        printable = [w for w, n in zip(written, several, strict=True) if n.isprintable() and "U+" not in n]
        assert len(set(printable)) == len(printable), written


def test_nothing_becomes_a_norm_or_a_hat():
    tensors = {
        n: Tensor(np.full((2, 2), 1.0 + k), name=n) for k, n in enumerate(["Xnorm", "Abar", "Zhat", "Ydot"])
    }
    product = tensors["Xnorm"] * tensors["Abar"] * tensors["Zhat"] * tensors["Ydot"]
    d = derive(np.sum(product), wrt=tensors)
    assert not re.search(r"\\(hat|bar|dot|tilde)\b|\\\|", d.latex)
    for name in tensors:
        assert f"\\mathrm{{{name}}}" in d.latex
        assert name in d[f"d{name}"].text


@pytest.mark.parametrize(
    "pair", [("W1", "W_1"), ("W1", "W01"), ("lambd", "lambda_"), ("a%b", "a?b"), ("x1", "x_1")]
)
def test_two_parameters_have_two_lines(pair):
    a, b = (Tensor(np.full((2, 2), k + 2.0), name=n) for k, n in enumerate(pair))
    d = derive(np.sum(a * a * b), wrt=[a, b])
    first, second = d[f"d{pair[0]}"], d[f"d{pair[1]}"]
    assert first.left.text != second.left.text
    assert first.left.latex != second.left.latex
    assert first.result != second.result


def test_a_variable_called_dw_is_not_the_gradient_of_w():
    w, dw = Tensor(0.5, name="w"), Tensor(np.array([1.5, 2.0]), name="dw")
    d = derive(np.sum(w * dw), wrt=[w, dw])
    assert d["dw"].left.text == "dJ/dw"
    assert d["dw"].result != "dw"


def costs(name):
    """Costs whose intermediate results are given names by `name`, or none."""
    a, b, c = Tensor(5.0, name="a"), Tensor(3.0, name="b"), Tensor(2.0, name="c")
    u = name(b * c, "u")
    yield 3 * name(a + u, "v"), b
    yield name(np.exp(name(a / b, "u")), "v") * c, a


@pytest.mark.parametrize("k", [0, 1])
def test_numbers_are_derived_alike_whether_or_not_results_have_names(k):
    plain = list(costs(lambda x, _: x))[k]
    named = list(costs(lambda x, n: x.named(n)))[k]
    assert derive(plain[0], wrt=plain[1]).text == derive(named[0], wrt=named[1]).text


def test_nothing_is_said_twice():
    a, b = Tensor(2.0, name="a"), Tensor(np.array([1.0, 2.0]), name="b")
    for d in (derive(np.sum((3 * b).named("v")), wrt=b), derive((3 * (a + 1)).named("J"), wrt=a)):
        for line in d:
            written = [piece.text for piece in line.right]
            assert all(x != y for x, y in pairwise(written)), line.text


def batch_norm():
    rng = np.random.default_rng(0)
    W, b = Tensor(rng.normal(size=(3, 2)), name="W1"), Tensor(rng.normal(size=(3, 1)), name="b1")
    Z = np.dot(W, rng.normal(size=(2, 7))) + b
    mu = np.mean(Z, axis=1, keepdims=True)
    return np.sum(
        np.tanh((Z - mu) / np.sqrt(np.mean((Z - mu) ** 2, axis=1, keepdims=True) + 1e-8)) ** 2
    ) / 7, b


def batch_norm_by_functions():
    rng = np.random.default_rng(1)
    W, b = Tensor(rng.normal(size=(3, 2)), name="W1"), Tensor(rng.normal(size=(3, 1)), name="b1")
    Z = np.dot(W, rng.normal(size=(2, 7))) + b
    normal = (Z - np.mean(Z, axis=1, keepdims=True)) / np.std(Z, axis=1, keepdims=True)
    return np.sum(np.maximum(0, normal)), b


def sums_of_softmax():
    Z = Tensor(np.random.default_rng(0).normal(size=(3, 4)), name="Z")
    E = np.exp(Z)
    return np.sum(E / np.sum(E, axis=0, keepdims=True)), Z


def unit_vector():
    w = Tensor(np.array([1.0, 2.0, 3.0]), name="w")
    return np.sum((w / np.linalg.norm(w)) ** 2), w


def shifted():
    w = Tensor(np.array([0.1, 0.2, 0.7]), name="w")
    return np.sum(np.exp((w - np.mean(w)) - (w - np.mean(w)))) * 1e6, w


@pytest.mark.sampled(3)
@pytest.mark.parametrize("cost", [batch_norm, batch_norm_by_functions, sums_of_softmax, unit_vector, shifted])
def test_gradients_that_cancel_to_0_are_derived(cost):
    J, x = cost()
    line = derive(J, wrt=x)[f"d{x.name}"]
    J.backward(retain_graph=True)
    assert np.max(np.abs(x.grad)) < 1e-9
    assert np.max(np.abs(line.value)) < 1e-9
