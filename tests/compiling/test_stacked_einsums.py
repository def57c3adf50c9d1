"""Einsums that are added up, or that share an array, are one einsum."""

import numpy as np
import pytest

from tinygrad_course import compiled, value_and_grad
from tinygrad_course.compiling.passes.simplify import simplify
from tinygrad_course.compiling.passes.stacked_einsums import stack_einsums
from tinygrad_course.compiling.tracing.trace_function import trace_function

RNG = np.random.default_rng(0)


def convolution(x, w):
    n, height = w.shape[2], x.shape[2] - w.shape[2] + 1
    y = 0
    for i in range(n):
        for j in range(n):
            y = y + np.einsum("bchw,oc->bohw", x[:, :, i : i + height, j : j + height], w[:, :, i, j])
    return y


def cost(w, x):
    return np.sum(np.tanh(convolution(x, w)) ** 2)


def mixed(w, x):
    """Sums of several kinds, with terms of none, one of which is used twice, and dots."""
    a = np.einsum("...i,ij->...j", x, w[0])
    parts = [np.einsum("...i,ij->...j", x + k, w[k]) for k in range(1, 4)]
    turned = [np.einsum("ni,ji->nj", x, w[k]) for k in range(4)]
    total = (
        a + parts[0] + turned[0] + 3.0 + parts[1] + turned[1] + np.sin(x) + parts[2] + turned[2] + turned[3]
    )
    return np.sum(total * a)


def diagonals(w, x):
    return np.sum(sum(np.einsum("ii,ni->ni", w[k], x) for k in range(4)) ** 2)


@pytest.mark.parametrize("engine", ["numpy", "machine"])
@pytest.mark.parametrize("dtype", ["f8", "f4", "f4 f8"])
@pytest.mark.parametrize(
    ("f", "shapes"),
    [
        (cost, [(3, 2, 3, 3), (2, 2, 7, 7)]),
        (cost, [(1, 1, 2, 2), (1, 1, 3, 3)]),
        (mixed, [(4, 5, 5), (6, 5)]),
        (diagonals, [(4, 5, 5), (6, 5)]),
    ],
)
def test_programs_are_as_what_is_recorded(f, shapes, dtype, engine):
    g = value_and_grad(f, (0, 1))
    fast = compiled(g, engine=engine)
    for _ in range(3):
        kinds = (dtype.split() * 2)[:2]
        args = [RNG.standard_normal(n).astype(kind) for n, kind in zip(shapes, kinds, strict=True)]
        value, gradients = g(*args)
        found, quickly = fast(*args)
        rtol = 1e-10 if dtype == "f8" else 1e-4
        np.testing.assert_allclose(found, value, rtol)
        for one, other in zip(quickly, gradients, strict=True):
            np.testing.assert_allclose(one, other, rtol, rtol * np.abs(other).max())
            assert one.dtype == other.dtype


def test_a_loop_over_the_offsets_of_a_kernel_is_one_einsum_each_way():
    args = RNG.standard_normal((3, 2, 3, 3)), RNG.standard_normal((2, 2, 7, 7))
    program = simplify(trace_function(value_and_grad(cost, (0, 1)), args, set()).run.program)

    def count(program):
        return sum(value.function is np.einsum for value in program.values())

    assert (count(program), count(stack_einsums(program))) == (27, 3)
